/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* libbpf's headers want the kernel's types first. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "dp_abi.h"

/* Not preallocated: an empty map of 100,000 entries should cost nothing. */
#define CONFIG_MAP(NAME, map, map_key, map_value, max) \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_HASH);       \
		__uint(max_entries, max);              \
		__uint(map_flags, BPF_F_NO_PREALLOC);  \
		__type(key, map_key);                  \
		__type(value, map_value);              \
	} map SEC(".maps");
DP_CONFIG_MAPS(CONFIG_MAP)

#define STAT_MAP(NAME, map, map_key, map_value, max)    \
	struct {                                        \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH); \
		__uint(max_entries, max);               \
		__uint(map_flags, BPF_F_NO_PREALLOC);   \
		__type(key, map_key);                   \
		__type(value, map_value);               \
	} map SEC(".maps");
DP_STAT_MAPS(STAT_MAP)
