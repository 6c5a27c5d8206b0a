/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/socket_path.h"

#include <stdlib.h>

#include "util/alloc.h"

static char *path_in(const char *variable, const char *otherwise, const char *file)
{
	const char *dir = getenv(variable);

	return xasprintf("%s/%s", dir && *dir ? dir : otherwise, file);
}

char *socket_path_ovn(const char *file)
{
	return path_in("OVN_RUNDIR", "/run/ovn", file);
}

char *socket_path_ovs(const char *file)
{
	return path_in("OVS_RUNDIR", "/run/openvswitch", file);
}
