/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "dp/datapath.h"

/* Shared by the files of this directory. */
enum prog {
	PROG_VIF_IN,
	PROG_VIF_OUT,
	PROG_UND_IN,
	PROG_COUNT,
};

extern const char *const prog_names[PROG_COUNT];

/* A device with programs on it.  progs: bits 1 << enum prog. */
struct attached {
	uint32_t ifindex;
	uint32_t progs;
	UT_hash_handle hh;
};

struct datapath {
	char *dir; /* <bpffs_dir>/v<DP_ABI> */
	bool has_tcx;
	int progs[PROG_COUNT]; /* descriptors; -1 when opened for reading only */
	int maps[DP_MAP_COUNT];
	struct attached *attached;
};

/* attach.c */
bool attach_has_tcx(void);
/* Finds what an earlier process attached and puts the present programs there. */
int attach_adopt(struct datapath *dp, struct err *err);
void attach_forget(struct datapath *dp); /* memory only */
/* Detaches everything pinned below dir (<bpffs_dir>/v<N>) and our filters in this network namespace. */
void attach_remove_all(const char *dir);

/* maps.c */
extern const char *const map_names[DP_MAP_COUNT];
