/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the programs, or finds them where an earlier process left them.
 *
 * Below <bpffs_dir>/v<DP_ABI>/ are pinned: maps/NAME; programs/BUILD/NAME, where BUILD is a hash of the object file and
 * of what was set in it before loading; links/HOOK-IFINDEX (attach.c).  A process that finds programs of
 * its own build takes them; otherwise it loads its own against the pinned maps, and then puts them in the place of the
 * old ones link by link: at every moment a packet meets the old program or the new one. */
#include "dp/datapath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "dp/bpffs.h"
#include "dp/private.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/str.h"

#include "bpf/heddle.skel.h"

const char *const prog_names[PROG_COUNT] = {
	[PROG_VIF_IN] = "vif_in",
	[PROG_VIF_OUT] = "vif_out",
	[PROG_UND_IN] = "und_in",
};

/* libbpf's messages of one load; its last lines say why a program was refused. */
static char libbpf_text[400];

static int collect_message(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(libbpf_text)];
	size_t n;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	n = strcspn(line, "\n");
	line[n] = '\0';
	if (n && !strstr(line, "-- END PROG LOAD LOG") && !libbpf_text[0])
		memcpy(libbpf_text, line, n + 1);
	return 0;
}

static uint64_t fnv1a(uint64_t hash, const void *data, size_t size)
{
	for (const unsigned char *b = data; size; b++, size--)
		hash = (hash ^ *b) * 0x100000001b3u;
	return hash;
}

/* Runs a program of five instructions: a kernel that knows BPF_F_ADJ_ROOM_DECAP_L3_IPV6 (Linux 6.3)
 * complains about the packet, an older one about the flag. */
static bool probe_decap_l3(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = -1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_3,
		  .imm = BPF_ADJ_ROOM_MAC },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = 1 << 8 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_skb_adjust_room },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	char frame[64] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	int fd, r;

	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe_decap", "GPL", insns, ARRAY_SIZE(insns),
			   NULL);
	if (fd < 0)
		return false;
	r = bpf_prog_test_run_opts(fd, &opts);
	close(fd);
	return r == 0 && (int)opts.retval != -EINVAL;
}

static struct datapath *datapath_new(const char *bpffs_dir)
{
	struct datapath *dp = xcalloc(1, sizeof(*dp));

	dp->dir = xasprintf("%s/v%d", bpffs_dir, DP_ABI);
	for (size_t i = 0; i < PROG_COUNT; i++)
		dp->progs[i] = -1;
	for (size_t i = 0; i < DP_MAP_COUNT; i++)
		dp->maps[i] = -1;
	return dp;
}

static void datapath_free(struct datapath *dp)
{
	if (!dp)
		return;
	for (size_t i = 0; i < PROG_COUNT; i++)
		if (dp->progs[i] >= 0)
			close(dp->progs[i]);
	for (size_t i = 0; i < DP_MAP_COUNT; i++)
		if (dp->maps[i] >= 0)
			close(dp->maps[i]);
	attach_forget(dp);
	free(dp->dir);
	free(dp);
}

DEFINE_AUTO(datapath);

void datapath_close(struct datapath *dp)
{
	datapath_free(dp);
}

static int open_maps(struct datapath *dp, uint32_t file_flags, struct err *err)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = file_flags);

	for (size_t i = 0; i < DP_MAP_COUNT; i++) {
		AUTO_FREE char *path = xasprintf("%s/maps/%s", dp->dir, map_names[i]);

		dp->maps[i] = bpf_obj_get_opts(path, &opts);
		if (dp->maps[i] < 0)
			return err_set(err, -errno, "%s: cannot open the pinned map: %s", path,
				       strerror(errno));
	}
	return 0;
}

static int open_programs(struct datapath *dp, const char *dir)
{
	for (size_t i = 0; i < PROG_COUNT; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, prog_names[i]);

		dp->progs[i] = bpf_obj_get(path);
		if (dp->progs[i] < 0)
			return -errno;
	}
	return 0;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int explain_load(int r, struct err *err)
{
	if (r == -EPERM || r == -EACCES)
		if (geteuid() != 0)
			return err_set(err, -EPERM, "cannot load BPF programs: run as root");
	if (r == -ENOSYS)
		return err_set(
			err, -ENOTSUP,
			"cannot load BPF programs: this kernel has no BPF (CONFIG_BPF_SYSCALL)");
	return err_set(err, r, "cannot load BPF programs: %s%s%s", strerror(-r),
		       libbpf_text[0] ? ": " : "", libbpf_text);
}

static int pin_programs(struct datapath *dp, const char *dir, struct err *err)
{
	int r;

	r = bpffs_remove_tree(dir, err); /* half made by a process that was killed */
	if (!r)
		r = bpffs_make_dir(dir, err);
	for (size_t i = 0; !r && i < PROG_COUNT; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, prog_names[i]);

		if (bpf_obj_pin(dp->progs[i], path) < 0)
			r = err_set(err, -errno, "%s: cannot pin the program: %s", path,
				    strerror(errno));
	}
	return r;
}

static int load_programs(struct datapath *dp, struct heddle_bpf *skel, struct err *err)
{
	struct bpf_program *progs[PROG_COUNT] = { skel->progs.vif_in, skel->progs.vif_out,
						  skel->progs.und_in };
	int r;

	for (size_t i = 0; i < DP_MAP_COUNT; i++) {
		AUTO_FREE char *path = xasprintf("%s/maps/%s", dp->dir, map_names[i]);
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, map_names[i]);

		r = map ? bpf_map__set_pin_path(map, path) : -ENOENT;
		if (r < 0)
			return err_set(err, r, "map %s: %s", map_names[i], strerror(-r));
	}
	r = heddle_bpf__load(skel);
	if (r < 0)
		return explain_load(r, err);
	for (size_t i = 0; i < PROG_COUNT; i++) {
		dp->progs[i] = fcntl(bpf_program__fd(progs[i]), F_DUPFD_CLOEXEC, 0);
		if (dp->progs[i] < 0)
			return err_set(err, -errno, "program %s: %s", prog_names[i],
				       strerror(errno));
	}
	return 0;
}

/* Old builds' programs live on in links until those are updated; their pins are of no use. */
static void remove_other_builds(const struct datapath *dp, const char *build)
{
	AUTO_FREE char *dir = xasprintf("%s/programs", dp->dir);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, e->d_name);

		if (e->d_name[0] != '.' && !str_eq(e->d_name, build))
			bpffs_remove_tree(path, NULL);
	}
	if (d)
		closedir(d);
}

static int load_or_find(struct datapath *dp, struct heddle_bpf *skel, bool old_kernel,
			struct err *err)
{
	AUTO_FREE char *build = NULL;
	AUTO_FREE char *dir = NULL;
	AUTO_FREE char *maps_dir = xasprintf("%s/maps", dp->dir);
	AUTO_FREE char *links_dir = xasprintf("%s/links", dp->dir);
	size_t size;
	const void *elf = heddle_bpf__elf_bytes(&size);
	uint64_t hash;
	int r;

	skel->rodata->has_decap_l3 = !old_kernel && probe_decap_l3();
	hash = fnv1a(0xcbf29ce484222325u, elf, size);
	hash = fnv1a(hash, skel->rodata, sizeof(*skel->rodata));
	build = xasprintf("%016llx", (unsigned long long)hash);
	dir = xasprintf("%s/programs/%s", dp->dir, build);
	r = bpffs_make_dir(maps_dir, err);
	if (!r)
		r = bpffs_make_dir(links_dir, err);
	if (r)
		return r;
	if (open_programs(dp, dir) < 0) {
		close_all(dp->progs, PROG_COUNT);
		r = load_programs(dp, skel, err);
		if (!r)
			r = pin_programs(dp, dir, err);
	}
	if (!r)
		r = open_maps(dp, 0, err);
	if (!r)
		r = attach_adopt(dp, err);
	if (!r)
		remove_other_builds(dp, build);
	return r;
}

int datapath_open(const struct datapath_opts *opts, struct datapath **ret, struct err *err)
{
	AUTO(datapath) dp = datapath_new(opts->bpffs_dir);
	struct heddle_bpf *skel;
	int r;

	r = bpffs_mount(opts->bpffs_dir, err);
	if (r < 0)
		return r;
	libbpf_text[0] = '\0';
	libbpf_set_print(collect_message);
	skel = heddle_bpf__open();
	if (!skel)
		return explain_load(-errno, err);
	dp->has_tcx = !opts->force_clsact && attach_has_tcx();
	r = load_or_find(dp, skel, opts->force_clsact, err);
	heddle_bpf__destroy(skel);
	if (r < 0)
		return r;
	*ret = TAKE(dp);
	return 0;
}

int datapath_open_readonly(const char *bpffs_dir, struct datapath **ret, struct err *err)
{
	AUTO(datapath) dp = datapath_new(bpffs_dir);
	int r = open_maps(dp, BPF_F_RDONLY, err);

	if (r < 0)
		return r;
	*ret = TAKE(dp);
	return 0;
}

int datapath_remove(const char *bpffs_dir, struct err *err)
{
	DIR *d = opendir(bpffs_dir);
	struct dirent *e;
	int r = 0;

	libbpf_set_print(collect_message);
	if (!d)
		return errno == ENOENT ? 0
				       : err_set(err, -errno, "%s: %s", bpffs_dir, strerror(errno));
	while (!r && (e = readdir(d))) {
		AUTO_FREE char *dir = xasprintf("%s/%s", bpffs_dir, e->d_name);
		long long abi;

		if (e->d_name[0] != 'v' || !str_to_int(e->d_name + 1, 1, INT32_MAX, &abi))
			continue;
		attach_remove_all(dir);
		r = bpffs_remove_tree(dir, err);
	}
	closedir(d);
	return r ? r : bpffs_unmount(bpffs_dir, err);
}
