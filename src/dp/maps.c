/* SPDX-License-Identifier: Apache-2.0 */
/* Content of the maps: configuration from dp_state, counters to whoever asks. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "dp/private.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/net.h"

#define READ_BATCH 4096

const char *const map_names[DP_MAP_COUNT] = {
#define MAP_NAME(NAME, name, key, value, max) [DP_MAP_##NAME] = #name,
	DP_CONFIG_MAPS(MAP_NAME) DP_STAT_MAPS(MAP_NAME)
#undef MAP_NAME
};

static const struct {
	size_t key, value;
} map_sizes[DP_MAP_COUNT] = {
#define MAP_SIZE(NAME, name, map_key, map_value, max) \
	[DP_MAP_##NAME] = { sizeof(map_key), sizeof(map_value) },
	DP_CONFIG_MAPS(MAP_SIZE) DP_STAT_MAPS(MAP_SIZE)
#undef MAP_SIZE
};

/* A bucket of a hash map is read whole: 4096 is far beyond any bucket's length. */
static int read_map(struct datapath *dp, enum dp_map map,
		    void (*visit)(void *arg, enum dp_map map, const void *key, const void *value),
		    void *arg)
{
	AUTO_FREE char *keys = xmalloc(READ_BATCH * map_sizes[map].key);
	AUTO_FREE char *values = xmalloc(READ_BATCH * map_sizes[map].value);
	uint32_t position = 0, next = 0, n;
	void *in = NULL;
	int r;

	do {
		n = READ_BATCH;
		r = bpf_map_lookup_batch(dp->maps[map], in, &next, keys, values, &n, NULL);
		if (r < 0 && r != -ENOENT)
			return r;
		for (uint32_t i = 0; i < n; i++)
			visit(arg, map, keys + i * map_sizes[map].key,
			      values + i * map_sizes[map].value);
		position = next;
		in = &position;
	} while (r == 0);
	return 0;
}

static void report(void *state, enum dp_map map, const void *key, const void *value)
{
	dp_state_have(state, map, key, value);
}

int datapath_read(struct datapath *dp, struct dp_state *state, struct err *err)
{
	for (int map = 0; map < DP_CONFIG_MAP_COUNT; map++) {
		int r = read_map(dp, (enum dp_map)map, report, state);

		if (r < 0)
			return err_set(err, r, "map %s: cannot read: %s", map_names[map],
				       strerror(-r));
	}
	return 0;
}

/* A port's counters are there before its first packet is. */
static int add_counters(struct datapath *dp, const struct dp_port_key *key)
{
	int cpus = libbpf_num_possible_cpus();
	AUTO_FREE struct dp_counters *zero = NULL;

	if (cpus < 0)
		return cpus;
	zero = xcalloc((size_t)cpus, sizeof(*zero));
	if (bpf_map_update_elem(dp->maps[DP_MAP_COUNTERS], key, zero, BPF_NOEXIST) < 0 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

static int op_write(struct datapath *dp, const struct dp_op *op)
{
	if (op->map == DP_MAP_PORTS) {
		int r = add_counters(dp, op->key);

		if (r < 0)
			return r;
	}
	if (bpf_map_update_elem(dp->maps[op->map], op->key, op->value, BPF_ANY) < 0)
		return -errno;
	return 0;
}

static int op_delete(struct datapath *dp, const struct dp_op *op)
{
	if (bpf_map_delete_elem(dp->maps[op->map], op->key) < 0 && errno != ENOENT)
		return -errno;
	if (op->map == DP_MAP_PORTS)
		bpf_map_delete_elem(dp->maps[DP_MAP_COUNTERS], op->key);
	return 0;
}

static const char *ip_text(const uint8_t *bytes, char text[static IP_TEXT_SIZE])
{
	struct ip ip;

	memcpy(ip.bytes, bytes, sizeof(ip.bytes));
	return ip_format(&ip, text);
}

/* What an entry is about, for a human. */
static void describe(enum dp_map map, const void *key, char *text, size_t size)
{
	char a[IP_TEXT_SIZE], b[IP_TEXT_SIZE], mac_text[MAC_TEXT_SIZE];

	switch (map) {
	case DP_MAP_PORTS: {
		const struct dp_port_key *k = key;

		snprintf(text, size, "device %u", k->ifindex);
		return;
	}
	case DP_MAP_LPORTS: {
		const struct dp_lport_key *k = key;

		snprintf(text, size, "port %u of switch %u", k->port_key, k->datapath);
		return;
	}
	case DP_MAP_FDB: {
		const struct dp_fdb_key *k = key;
		struct mac mac;

		memcpy(mac.bytes, k->mac, sizeof(mac.bytes));
		snprintf(text, size, "%s on switch %u", mac_format(&mac, mac_text), k->datapath);
		return;
	}
	case DP_MAP_NEIGHBORS: {
		const struct dp_neighbor_key *k = key;

		snprintf(text, size, "%s on switch %u", ip_text(k->ip, a), k->datapath);
		return;
	}
	case DP_MAP_MEMBERS: {
		const struct dp_member_key *k = key;

		snprintf(text, size, "group %u of switch %u", k->group, k->datapath);
		return;
	}
	case DP_MAP_TUNNELS: {
		const struct dp_tunnel_key *k = key;

		snprintf(text, size, "tunnel %s to %s", ip_text(k->local, a),
			 ip_text(k->remote, b));
		return;
	}
	default: snprintf(text, size, "entry"); return;
	}
}

struct apply_walk {
	struct datapath *dp;
	struct err *err;
	int failed;
};

static int apply_op(void *arg, const struct dp_op *op)
{
	struct apply_walk *w = arg;
	char what[128];
	int r = op->kind == DP_OP_DELETE ? op_delete(w->dp, op) : op_write(w->dp, op);

	if (r < 0 && w->failed++ == 0) {
		describe(op->map, op->key, what, sizeof(what));
		if (r == -E2BIG)
			err_set(w->err, r, "map %s is full: no room for %s", map_names[op->map],
				what);
		else
			err_set(w->err, r, "map %s: cannot write %s: %s", map_names[op->map], what,
				strerror(-r));
	}
	return r;
}

int datapath_apply(struct datapath *dp, struct dp_state *state, struct err *err)
{
	struct apply_walk w = { .dp = dp, .err = err };

	dp_state_flush(state, apply_op, &w);
	return w.failed;
}

int datapath_counters(struct datapath *dp, uint32_t ifindex, struct dp_counters *ret)
{
	struct dp_port_key key = { .ifindex = ifindex };
	int cpus = libbpf_num_possible_cpus();
	AUTO_FREE struct dp_counters *each = NULL;
	struct dp_counters sum = {};

	if (cpus < 0)
		return cpus;
	each = xcalloc((size_t)cpus, sizeof(*each));
	if (bpf_map_lookup_elem(dp->maps[DP_MAP_COUNTERS], &key, each) < 0)
		return -errno;
	for (int i = 0; i < cpus; i++) {
		sum.rx_packets += each[i].rx_packets;
		sum.rx_bytes += each[i].rx_bytes;
		sum.tx_packets += each[i].tx_packets;
		sum.tx_bytes += each[i].tx_bytes;
	}
	*ret = sum;
	return 0;
}

int datapath_each_drop(struct datapath *dp,
		       void (*visit)(void *arg, const struct dp_drop_key *key, uint64_t packets),
		       void *arg)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp->maps[DP_MAP_DROPS];
	AUTO_FREE uint64_t *each = NULL;
	struct dp_drop_key key, *previous = NULL;

	if (cpus < 0)
		return cpus;
	each = xcalloc((size_t)cpus, sizeof(*each));
	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		uint64_t packets = 0;

		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, each) < 0)
			continue;
		for (int i = 0; i < cpus; i++)
			packets += each[i];
		visit(arg, &key, packets);
	}
	return errno == ENOENT ? 0 : -errno;
}

static bool is_of_somebody(const struct dp_state *state, const struct dp_drop_key *key)
{
	struct dp_lport_key port = { .datapath = key->datapath, .port_key = key->port_key };
	char name[IF_NAMESIZE];

	return key->datapath ? dp_state_get(state, DP_MAP_LPORTS, &port) != NULL
			     : if_indextoname(key->port_key, name) != NULL;
}

void datapath_prune_drops(struct datapath *dp, const struct dp_state *state, size_t most)
{
	struct dp_drop_key key, *previous = NULL;
	int fd = dp->maps[DP_MAP_DROPS];
	VEC(struct dp_drop_key) keys = VEC_INIT;

	/* A program may add some meanwhile: there is an end to what is looked at. */
	while (keys.n < DP_DROPS_MAX && bpf_map_get_next_key(fd, previous, &key) == 0) {
		VEC_ADD(keys, key);
		previous = &key;
	}
	if (keys.n > most)
		VEC_FOREACH(drop, keys)
			if (!is_of_somebody(state, drop))
				bpf_map_delete_elem(fd, drop);
	VEC_DONE(keys);
}

int datapath_each_tunnel(struct datapath *dp,
			 void (*visit)(void *arg, const struct dp_tunnel_key *key,
				       const struct dp_tunnel *value),
			 void *arg)
{
	struct dp_tunnel_key key, *previous = NULL;
	int fd = dp->maps[DP_MAP_TUNNELS];
	struct dp_tunnel value;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, &value) == 0)
			visit(arg, &key, &value);
	}
	return errno == ENOENT ? 0 : -errno;
}
