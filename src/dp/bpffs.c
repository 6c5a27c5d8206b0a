/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/bpffs.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "util/alloc.h"
#include "util/auto.h"
#include "util/err.h"

#define TREE_DEPTH 8

int bpffs_make_dir(const char *dir, struct err *err)
{
	AUTO_FREE char *path = xstrdup(dir);

	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_set(err, -errno, "%s: cannot make the directory: %s", path,
				       strerror(errno));
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s: cannot make the directory: %s", path,
			       strerror(errno));
	return 0;
}

static bool is_bpffs(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int bpffs_mount(const char *dir, struct err *err)
{
	int r = bpffs_make_dir(dir, err);

	if (r < 0 || is_bpffs(dir))
		return r;
	if (mount("bpffs", dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0) {
		r = -errno;
		if (r == -EPERM)
			return err_set(err, r,
				       "%s: cannot mount a bpffs: run as root (CAP_SYS_ADMIN)",
				       dir);
		if (r == -ENODEV)
			return err_set(err, -ENOTSUP,
				       "%s: cannot mount a bpffs: this kernel has no BPF "
				       "(CONFIG_BPF_SYSCALL)",
				       dir);
		return err_set(err, r, "%s: cannot mount a bpffs: %s", dir, strerror(-r));
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return (type == FTW_DP ? rmdir(path) : unlink(path)) < 0 ? errno : 0;
}

int bpffs_remove_tree(const char *dir, struct err *err)
{
	int r = nftw(dir, remove_entry, TREE_DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	if (r < 0)
		r = errno;
	if (r == 0 || r == ENOENT)
		return 0;
	return err_set(err, -r, "%s: cannot remove: %s", dir, strerror(r));
}

static bool is_mount_point(const char *dir)
{
	AUTO_FREE char *parent = xasprintf("%s/..", dir);
	struct stat a, b;

	return stat(dir, &a) == 0 && stat(parent, &b) == 0 && a.st_dev != b.st_dev;
}

int bpffs_unmount(const char *dir, struct err *err)
{
	if (is_bpffs(dir) && is_mount_point(dir) && umount2(dir, MNT_DETACH) < 0)
		return err_set(err, -errno, "%s: cannot unmount: %s", dir, strerror(errno));
	if (rmdir(dir) < 0 && errno != ENOENT && errno != EBUSY && errno != ENOTEMPTY)
		return err_set(err, -errno, "%s: cannot remove: %s", dir, strerror(errno));
	return 0;
}
