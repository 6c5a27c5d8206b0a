/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct err;

/* The directory that pins live in. */
int bpffs_mount(const char *dir,
		struct err *err); /* makes dir and mounts a bpffs unless it is one */
int bpffs_unmount(const char *dir,
		  struct err *err); /* the mount, if dir is one, and an empty dir */
int bpffs_make_dir(const char *dir, struct err *err);
int bpffs_remove_tree(const char *dir, struct err *err); /* an absent one is success */
