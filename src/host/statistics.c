/* SPDX-License-Identifier: Apache-2.0 */
/* What was written is remembered here, not read from the replica: the agent would be woken by its own numbers. */
#include "host/statistics.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "dp/datapath.h"
#include "host/links.h"
#include "host/switchd.h"
#include "schema/ovs.h"
#include "util/alloc.h"
#include "util/array.h"

/* clang-format off */
static const struct {
	const char *key;
	size_t kernel;  /* offset in struct netlink_stats */
	long datapath;  /* offset in struct dp_counters; -1: it has none */
} numbers[] = {
#define BOTH(name) { #name, offsetof(struct netlink_stats, name), offsetof(struct dp_counters, name) }
#define KERNEL(name) { #name, offsetof(struct netlink_stats, name), -1 }
	BOTH(rx_packets), BOTH(rx_bytes), BOTH(tx_packets), BOTH(tx_bytes),
	KERNEL(rx_errors), KERNEL(tx_errors), KERNEL(rx_dropped), KERNEL(tx_dropped), KERNEL(collisions),
#undef BOTH
#undef KERNEL
};
/* clang-format on */

struct written {
	struct uuid interface;
	uint64_t numbers[ARRAY_SIZE(numbers)];
	bool seen;
	UT_hash_handle hh;
};

struct statistics {
	struct written *all;
};

struct statistics *statistics_new(void)
{
	return xcalloc(1, sizeof(struct statistics));
}

static void forget(struct statistics *statistics, bool seen_too)
{
	struct written *written, *next;

	HASH_ITER(hh, statistics->all, written, next)
	{
		if (written->seen && !seen_too)
			continue;
		HASH_DEL(statistics->all, written);
		free(written);
	}
}

void statistics_clear(struct statistics *statistics)
{
	forget(statistics, true);
}

void statistics_free(struct statistics *statistics)
{
	if (!statistics)
		return;
	statistics_clear(statistics);
	free(statistics);
}

static uint64_t number_at(const void *from, size_t offset)
{
	uint64_t number;

	memcpy(&number, (const char *)from + offset, sizeof(number));
	return number;
}

static bool read_numbers(struct links *links, struct datapath *dp, uint32_t ifindex, uint64_t *ret)
{
	struct netlink_stats kernel;
	struct dp_counters counters;
	bool is_workload;

	if (netlink_link_stats(links_netlink(links), ifindex, &kernel) < 0)
		return false;
	is_workload = dp && datapath_counters(dp, ifindex, &counters) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		ret[i] = is_workload && numbers[i].datapath >= 0
				 ? number_at(&counters, (size_t)numbers[i].datapath)
				 : number_at(&kernel, numbers[i].kernel);
	return true;
}

static void put_numbers(const struct uuid *interface, const uint64_t *values, struct txn *txn)
{
	const struct ovsdb_column *column = &ovs_interface_columns[OVS_INTERFACE_STATISTICS];
	struct ovsdb_datum map = OVSDB_DATUM_EMPTY;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		ovsdb_datum_insert(&map, column,
				   (union ovsdb_atom){ .string = (char *)numbers[i].key },
				   (union ovsdb_atom){ .integer = (int64_t)values[i] });
	txn_set(txn, &ovs_interface_table, interface, column, &map);
	ovsdb_datum_done(&map, column);
}

void statistics_write(struct statistics *statistics, const struct switchd *switchd,
		      struct links *links, struct datapath *dp, struct txn *txn)
{
	const struct vswitch_port *ports;
	struct written *written, *next;
	size_t n;

	HASH_ITER(hh, statistics->all, written, next)
	written->seen = false;
	ports = switchd_ports(switchd, &n);
	for (size_t i = 0; i < n; i++) {
		uint64_t now[ARRAY_SIZE(numbers)];

		if (!ports[i].ifindex || !read_numbers(links, dp, ports[i].ifindex, now))
			continue;
		HASH_FIND(hh, statistics->all, &ports[i].uuid, sizeof(struct uuid), written);
		if (written && memcmp(written->numbers, now, sizeof(now)) == 0) {
			written->seen = true;
			continue;
		}
		if (!written) {
			written = xcalloc(1, sizeof(*written));
			written->interface = ports[i].uuid;
			HASH_ADD(hh, statistics->all, interface, sizeof(written->interface),
				 written);
		}
		memcpy(written->numbers, now, sizeof(now));
		written->seen = true;
		put_numbers(&ports[i].uuid, now, txn);
	}
	forget(statistics, false);
}
