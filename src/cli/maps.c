/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/maps.h"

#include "dp/datapath.h"
#include "host/host.h"
#include "util/alloc.h"
#include "util/auto.h"

int maps_open(const char *run_dir, const char *chassis, struct datapath **ret, struct err *err)
{
	AUTO_FREE char *dir = NULL, *bpffs = NULL;
	int r = host_find_dir(run_dir, chassis, &dir, err);

	if (r < 0)
		return r;
	bpffs = xasprintf("%s/bpf", dir);
	return datapath_open_readonly(bpffs, ret, err);
}
