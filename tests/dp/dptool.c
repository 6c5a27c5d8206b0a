/* SPDX-License-Identifier: Apache-2.0 */
/* The dp library on a leash: commands on stdin, one answer line each ("ok ..." or "error ..."), so that a test can play
 * the agent.  Entries are hexadecimal, laid out as in dp_abi.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "dp/private.h"
#include "model/dp_state.h"
#include "util/err.h"

static struct datapath *dp;
static struct dp_state *state;

static size_t unhex(const char *text, unsigned char *bytes, size_t max)
{
	size_t n = 0;

	for (; n < max && text[0] && text[1]; n++, text += 2) {
		char pair[3] = { text[0], text[1], 0 };

		bytes[n] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return n;
}

static void print_attached(void *arg, enum datapath_hook hook, uint32_t ifindex)
{
	(void)arg;
	printf(" %s-%u", hook == DATAPATH_WORKLOAD ? "workload" : "underlay", ifindex);
}

static void print_drop(void *arg, const struct dp_drop_key *key, uint64_t packets)
{
	(void)arg;
	printf(" %u/%u/%s=%llu", key->datapath, key->port_key, dp_drop_name(key->reason),
	       (unsigned long long)packets);
}

static void want(const char *map_name, const char *key_hex, const char *value_hex)
{
	unsigned char key[64] = {}, value[64] = {};

	for (int map = 0; map < DP_CONFIG_MAP_COUNT; map++) {
		if (strcmp(dp_map_name((enum dp_map)map), map_name) != 0)
			continue;
		if (unhex(key_hex, key, sizeof(key)) != dp_map_key_size((enum dp_map)map) ||
		    unhex(value_hex, value, sizeof(value)) != dp_map_value_size((enum dp_map)map)) {
			puts("error wrong size");
			return;
		}
		dp_state_want(state, (enum dp_map)map, key, value);
		puts("ok");
		return;
	}
	puts("error no such map");
}

static void answer(int r, const struct err *err)
{
	if (r)
		printf("error %d %s\n", r, err->text);
	else
		puts("ok");
}

/* One program on one packet, as the kernel's test run does it: redirects are decided, not carried out. */
static void test_run(const char *name, uint32_t ifindex, const char *packet_hex, int repeat)
{
	static unsigned char in[2048], out[4096];
	struct __sk_buff skb = { .ifindex = ifindex, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &skb, .ctx_size_in = sizeof(skb),
		    .repeat = repeat);
	int r = -ENOENT;

	opts.data_size_in = (uint32_t)unhex(packet_hex, in, sizeof(in));
	for (int i = 0; i < PROG_COUNT; i++)
		if (strcmp(prog_names[i], name) == 0)
			r = bpf_prog_test_run_opts(dp->progs[i], &opts);
	if (r < 0) {
		printf("error %d %s\n", r, strerror(-r));
		return;
	}
	printf("ok %d %u ", (int)opts.retval, opts.duration);
	for (uint32_t i = 0; i < opts.data_size_out; i++)
		printf("%02x", out[i]);
	puts("");
}

static void run(int argc, char **argv)
{
	static const struct dp_owner owner;
	struct err err = ERR_INIT;
	enum datapath_hook hook = argc > 1 && strcmp(argv[1], "underlay") == 0 ? DATAPATH_UNDERLAY
									       : DATAPATH_WORKLOAD;
	uint32_t ifindex = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;

	if (strcmp(argv[0], "open") == 0) {
		struct datapath_opts opts = { .bpffs_dir = argv[1], .force_clsact = argc > 2 };
		int r = datapath_open(&opts, &dp, &err);

		state = dp_state_new();
		if (!r)
			r = datapath_read(dp, state, &err);
		answer(r, &err);
	} else if (strcmp(argv[0], "watch") == 0) {
		answer(datapath_open_readonly(argv[1], &dp, &err), &err);
	} else if (strcmp(argv[0], "remove") == 0) {
		answer(datapath_remove(argv[1], &err), &err);
	} else if (strcmp(argv[0], "attach") == 0) {
		answer(datapath_attach(dp, hook, ifindex, &err), &err);
	} else if (strcmp(argv[0], "detach") == 0) {
		answer(datapath_detach(dp, hook, ifindex), &err);
	} else if (strcmp(argv[0], "attached") == 0) {
		printf("ok");
		datapath_each_attached(dp, print_attached, NULL);
		puts("");
	} else if (strcmp(argv[0], "begin") == 0) {
		dp_state_begin(state, &owner);
		puts("ok");
	} else if (strcmp(argv[0], "want") == 0 && argc == 4) {
		want(argv[1], argv[2], argv[3]);
	} else if (strcmp(argv[0], "end") == 0) {
		dp_state_end(state);
		answer(datapath_apply(dp, state, &err), &err);
	} else if (strcmp(argv[0], "drops") == 0) {
		printf("ok");
		datapath_each_drop(dp, print_drop, NULL);
		puts("");
	} else if (strcmp(argv[0], "prune") == 0 && argc == 2) {
		datapath_prune_drops(dp, state, strtoul(argv[1], NULL, 10));
		puts("ok");
	} else if (strcmp(argv[0], "run") == 0 && argc == 5) {
		test_run(argv[1], ifindex, argv[3], atoi(argv[4]));
	} else if (strcmp(argv[0], "counters") == 0) {
		struct dp_counters c;

		if (datapath_counters(dp, (uint32_t)strtoul(argv[1], NULL, 10), &c) < 0)
			puts("error no counters");
		else
			printf("ok %llu %llu %llu %llu\n", (unsigned long long)c.rx_packets,
			       (unsigned long long)c.rx_bytes, (unsigned long long)c.tx_packets,
			       (unsigned long long)c.tx_bytes);
	} else {
		puts("error no such command");
	}
}

int main(void)
{
	char line[8192], *argv[8];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int argc = 0;

		for (char *word = strtok(line, " \n"); word && argc < 8; word = strtok(NULL, " \n"))
			argv[argc++] = word;
		if (argc)
			run(argc, argv);
	}
	if (dp)
		datapath_close(dp);
	dp_state_free(state);
	return 0;
}
