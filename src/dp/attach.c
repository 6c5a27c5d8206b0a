/* SPDX-License-Identifier: Apache-2.0 */
/* Programs on devices: tcx links (Linux 6.6), pinned, or clsact filters, which the kernel keeps by itself.
 *
 * The libbpf and the kernel headers of Debian 12 are older than tcx, so its few numbers are given here. */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "dp/private.h"
#include "util/alloc.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/str.h"

#define TCX_INGRESS 46 /* enum bpf_attach_type */
#define TCX_EGRESS  47

/* Our filters' place on a clsact device: others' may stand before and behind. */
#define CLSACT_HANDLE   1
#define CLSACT_PRIORITY 0x4844

static const struct {
	const char *name; /* of the pin, before the ifindex */
	bool egress;
} slots[PROG_COUNT] = {
	[PROG_VIF_IN] = { "vif_in", false },
	[PROG_VIF_OUT] = { "vif_out", true },
	[PROG_UND_IN] = { "und_in", false },
};

static const uint32_t hook_progs[] = {
	[DATAPATH_WORKLOAD] = 1 << PROG_VIF_IN | 1 << PROG_VIF_OUT,
	[DATAPATH_UNDERLAY] = 1 << PROG_UND_IN,
};

/* No device has ifindex 0: a kernel with tcx looks for it, one without does not get that far. */
bool attach_has_tcx(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd, r;

	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe_tcx", "GPL", insns, 2, NULL);
	if (fd < 0)
		return false;
	r = bpf_link_create(fd, 0, TCX_INGRESS, NULL);
	close(fd);
	return r == -ENODEV;
}

static char *link_path(const struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	return xasprintf("%s/links/%s-%u", dp->dir, slots[prog].name, ifindex);
}

static void remember(struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	struct attached *a;

	HASH_FIND(hh, dp->attached, &ifindex, sizeof(ifindex), a);
	if (!a) {
		a = xcalloc(1, sizeof(*a));
		a->ifindex = ifindex;
		HASH_ADD(hh, dp->attached, ifindex, sizeof(a->ifindex), a);
	}
	a->progs |= 1u << prog;
}

static void forget(struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	struct attached *a;

	HASH_FIND(hh, dp->attached, &ifindex, sizeof(ifindex), a);
	if (!a)
		return;
	a->progs &= ~(1u << prog);
	if (!a->progs) {
		HASH_DEL(dp->attached, a);
		free(a);
	}
}

void attach_forget(struct datapath *dp)
{
	struct attached *a, *next;

	HASH_ITER(hh, dp->attached, a, next)
	{
		HASH_DEL(dp->attached, a);
		free(a);
	}
}

/* The id of the program of a link and the device it is on (0: the device is gone). */
static int link_info(int fd, uint32_t *ret_prog_id, uint32_t *ret_ifindex)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	*ret_prog_id = info.prog_id;
	*ret_ifindex = info.xdp.ifindex; /* tcx.ifindex of newer headers has the same place */
	return 0;
}

static uint32_t prog_id_of(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.id;
}

/* Is the pin a live link on ifindex?  Then its program becomes ours.  A dead pin is removed: -ENOENT. */
static int tcx_adopt(struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	AUTO_FREE char *path = link_path(dp, prog, ifindex);
	uint32_t prog_id = 0, on = 0;
	int fd, r;

	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	r = link_info(fd, &prog_id, &on);
	if (!r && on == ifindex && prog_id != prog_id_of(dp->progs[prog]))
		r = bpf_link_update(fd, dp->progs[prog], NULL);
	close(fd);
	if (!r && on == ifindex)
		return 0;
	unlink(path);
	return -ENOENT;
}

static int tcx_attach(struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	AUTO_FREE char *path = link_path(dp, prog, ifindex);
	int fd, r;

	if (tcx_adopt(dp, prog, ifindex) == 0)
		return 0;
	fd = bpf_link_create(dp->progs[prog], (int)ifindex,
			     (enum bpf_attach_type)(slots[prog].egress ? TCX_EGRESS : TCX_INGRESS),
			     NULL);
	if (fd < 0)
		return fd;
	r = bpf_obj_pin(fd, path) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* The kernel frees a link some time after its last reference has gone: detaching it takes effect at once, so
 * that the device can be attached again. */
static int tcx_detach(struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	AUTO_FREE char *path = link_path(dp, prog, ifindex);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	bpf_link_detach(fd);
	close(fd);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static struct bpf_tc_hook clsact_hook(enum prog prog, uint32_t ifindex)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)ifindex,
		.attach_point = slots[prog].egress ? BPF_TC_EGRESS : BPF_TC_INGRESS,
	};
}

static int clsact_attach(struct datapath *dp, enum prog prog, uint32_t ifindex)
{
	struct bpf_tc_hook hook = clsact_hook(prog, ifindex);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY,
		    .prog_fd = dp->progs[prog], .flags = BPF_TC_F_REPLACE);
	int r;

	r = bpf_tc_hook_create(&hook);
	if (r < 0 && r != -EEXIST)
		return r;
	return bpf_tc_attach(&hook, &opts);
}

static int clsact_detach(enum prog prog, uint32_t ifindex)
{
	struct bpf_tc_hook hook = clsact_hook(prog, ifindex);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	int r = bpf_tc_detach(&hook, &opts);

	/* The device or its clsact is gone, or never had our filter. */
	return r == -ENOENT || r == -ENODEV || r == -EINVAL ? 0 : r;
}

/* Which of our programs, by name, is this device's filter in our place?  -1: none. */
static int clsact_find(enum prog any_of_direction, uint32_t ifindex)
{
	struct bpf_tc_hook hook = clsact_hook(any_of_direction, ifindex);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int fd, found = -1;

	if (bpf_tc_query(&hook, &opts) < 0)
		return -1;
	fd = bpf_prog_get_fd_by_id(opts.prog_id);
	if (fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		for (int i = 0; i < PROG_COUNT; i++)
			if (str_eq(info.name, prog_names[i]))
				found = i;
	close(fd);
	return found;
}

static void clsact_each(void (*visit)(void *arg, enum prog prog, uint32_t ifindex), void *arg)
{
	static const enum prog directions[] = { PROG_VIF_IN, PROG_VIF_OUT };
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_index; i++) {
		for (size_t d = 0; d < 2; d++) {
			int prog = clsact_find(directions[d], i->if_index);

			if (prog >= 0)
				visit(arg, (enum prog)prog, i->if_index);
		}
	}
	if (all)
		if_freenameindex(all);
}

struct adopt_walk {
	struct datapath *dp;
	struct err *err;
	int r;
};

static void adopt_clsact(void *arg, enum prog prog, uint32_t ifindex)
{
	struct adopt_walk *w = arg;
	int r = clsact_attach(w->dp, prog, ifindex);

	if (r < 0)
		w->r = err_set(w->err, r, "device %u: cannot renew %s: %s", ifindex,
			       prog_names[prog], strerror(-r));
	else
		remember(w->dp, prog, ifindex);
}

static bool parse_pin(const char *name, enum prog *ret_prog, uint32_t *ret_ifindex)
{
	for (int i = 0; i < PROG_COUNT; i++) {
		size_t n = strlen(slots[i].name);
		long long ifindex;

		if (str_starts(name, slots[i].name) && name[n] == '-' &&
		    str_to_int(name + n + 1, 1, UINT32_MAX, &ifindex)) {
			*ret_prog = (enum prog)i;
			*ret_ifindex = (uint32_t)ifindex;
			return true;
		}
	}
	return false;
}

static int adopt_links(struct datapath *dp, struct err *err)
{
	AUTO_FREE char *dir = xasprintf("%s/links", dp->dir);
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return err_set(err, -errno, "%s: cannot list: %s", dir, strerror(errno));
	while ((e = readdir(d))) {
		enum prog prog;
		uint32_t ifindex;

		if (parse_pin(e->d_name, &prog, &ifindex) && tcx_adopt(dp, prog, ifindex) == 0)
			remember(dp, prog, ifindex);
	}
	closedir(d);
	return 0;
}

int attach_adopt(struct datapath *dp, struct err *err)
{
	struct adopt_walk w = { .dp = dp, .err = err };

	if (dp->has_tcx)
		return adopt_links(dp, err);
	clsact_each(adopt_clsact, &w);
	return w.r;
}

static int attach_one(struct datapath *dp, enum prog prog, uint32_t ifindex, struct err *err)
{
	int r = dp->has_tcx ? tcx_attach(dp, prog, ifindex) : clsact_attach(dp, prog, ifindex);

	if (r < 0)
		return err_set(err, r, "device %u: cannot attach %s: %s", ifindex, prog_names[prog],
			       strerror(-r));
	remember(dp, prog, ifindex);
	return 0;
}

/* vif_out before vif_in: what vif_in sends to a device of ours always finds vif_out there. */
int datapath_attach(struct datapath *dp, enum datapath_hook hook, uint32_t ifindex, struct err *err)
{
	for (int i = PROG_COUNT - 1; i >= 0; i--) {
		int r;

		if (!(hook_progs[hook] & 1u << i))
			continue;
		r = attach_one(dp, (enum prog)i, ifindex, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int datapath_detach(struct datapath *dp, enum datapath_hook hook, uint32_t ifindex)
{
	int failed = 0;

	for (int i = 0; i < PROG_COUNT; i++) {
		int r;

		if (!(hook_progs[hook] & 1u << i))
			continue;
		r = dp->has_tcx ? tcx_detach(dp, (enum prog)i, ifindex)
				: clsact_detach((enum prog)i, ifindex);
		if (r < 0)
			failed = r;
		else
			forget(dp, (enum prog)i, ifindex);
	}
	return failed;
}

void datapath_each_attached(struct datapath *dp,
			    void (*visit)(void *arg, enum datapath_hook hook, uint32_t ifindex),
			    void *arg)
{
	struct attached *a, *next;

	HASH_ITER(hh, dp->attached, a, next)
	{
		uint32_t progs = a->progs, ifindex = a->ifindex; /* the visitor may detach */

		if (progs & hook_progs[DATAPATH_WORKLOAD])
			visit(arg, DATAPATH_WORKLOAD, ifindex);
		if (progs & hook_progs[DATAPATH_UNDERLAY])
			visit(arg, DATAPATH_UNDERLAY, ifindex);
	}
}

static void remove_clsact(void *arg, enum prog prog, uint32_t ifindex)
{
	(void)arg;
	clsact_detach(prog, ifindex);
}

void attach_remove_all(const char *dir)
{
	AUTO_FREE char *links = xasprintf("%s/links", dir);
	DIR *d = opendir(links);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		AUTO_FREE char *path = xasprintf("%s/%s", links, e->d_name);
		int fd = e->d_name[0] == '.' ? -1 : bpf_obj_get(path);

		if (fd < 0)
			continue;
		bpf_link_detach(fd); /* another process may hold the link as well */
		close(fd);
	}
	if (d)
		closedir(d);
	clsact_each(remove_clsact, NULL);
}
