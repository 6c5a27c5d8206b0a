/* SPDX-License-Identifier: Apache-2.0 */
/* The orderly end of a chassis: bindings and chassis rows go in one transaction, so that watchers do not take it for
 * ports going down one by one (reference ovn.md 4.9); then programs, maps and devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/host_private.h"
#include "host/quiet.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/log.h"

LOG_MODULE("host");

enum {
	DEADLINE_MS = 10000, /* for both databases together */
};

/* Says what the removal waits for. */
static void give_up(struct host *host)
{
	const struct host_db *db = &host->ovs;
	const char *why = host->config.problem;
	struct err err = ERR_INIT;

	if (db->client && client_is_connected(db->client))
		db = &host->sb;
	if (db->client)
		why = *client_problem(db->client) ? client_problem(db->client) : "no answer";
	err_set(&err, -ETIMEDOUT, "chassis%s%s cannot be removed: %s: %s", host->name ? " " : "",
		host->name ?: "", db->name, why);
	host_fail(host, &err);
}

static void on_deadline(uv_timer_t *timer)
{
	give_up(timer->data);
}

void host_start_removal(struct host *host)
{
	uv_timer_start(&host->deadline, on_deadline, DEADLINE_MS, 0);
}

/* The host may use its devices for itself again. */
static void release_devices(struct host *host)
{
	OVS_INTERFACE_FOREACH(row, client_replica(host->ovs.client))
	{
		const struct netlink_link *link =
			links_by_name(host->links, ovs_interface_name(row));

		if (link && ovsdb_smap_get(ovs_interface_external_ids(row), "iface-id"))
			quiet_end(link->ifindex);
	}
}

static void release_neighbor(struct host *host, const struct ip *remote, const struct ip *local)
{
	struct netlink *netlink = links_netlink(host->links);
	const struct netlink_neigh *neigh;
	struct netlink_route route;

	if (netlink_route_get(netlink, remote, local, &route) < 0)
		return;
	neigh = links_neigh(host->links, route.ifindex, &route.nexthop);
	if (neigh && neigh->managed)
		netlink_neigh_release(netlink, route.ifindex, &route.nexthop);
}

/* The kernel would go on asking for the other hosts. */
static void release_neighbors(struct host *host)
{
	const struct chassis_config *config = &host->config;

	SB_ENCAP_FOREACH(row, client_replica(host->sb.client))
	{
		struct ip remote;

		if (!ip_parse(sb_encap_ip(row), &remote) || !ip_is_v4(&remote))
			continue;
		for (size_t i = 0; i < config->n_encaps; i++)
			release_neighbor(host, &remote, &config->encaps[i].ip);
	}
}

/* With a directory left, "heddle show" would find two chassis after the next one had another name. */
static void remove_dir(struct host *host)
{
	static const char *const left[] = { "/bpf", "/lock", "" };

	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		AUTO_FREE char *path = xasprintf("%s%s", host->dir, left[i]);

		if (remove(path) < 0 && errno != ENOENT)
			log_dbg("%s stays: %s", path, strerror(errno));
	}
}

static void remove_local(struct host *host)
{
	AUTO_FREE char *bpffs = xasprintf("%s/bpf", host->dir);
	struct err err = ERR_INIT;

	if (datapath_remove(bpffs, &err) < 0) {
		host_fail(host, &err);
		return;
	}
	release_devices(host);
	release_neighbors(host);
	if (client_has_lock(host->ovs.client))
		switchd_remove_devices(host->switchd);
	remove_dir(host);
	log_info("chassis %s is removed", host->name);
	host_fail(host, NULL);
}

static void on_removed(void *arg, enum txn_outcome outcome, const struct txn *txn,
		       const struct err *err)
{
	struct host *host = arg;

	if (host->stopping)
		return;
	if (outcome == TXN_AGAIN) {
		host->removal_failed = true;
	} else if (outcome != TXN_OK) {
		struct err why = err ? *err : (struct err)ERR_INIT;

		err_prefix(&why, "chassis %s cannot be removed", host->name);
		host_fail(host, &why);
		return;
	}
	if (--host->removal_pending > 0)
		return;
	if (!host->removal_failed) {
		remove_local(host);
		return;
	}
	host->removal_failed = host->removal_sent = false;
	host_kick(host);
}

static void send_removal(struct host *host, struct host_db *db, struct txn *txn)
{
	if (txn_is_empty(txn)) {
		txn_free(txn);
		return;
	}
	host->removal_pending++;
	client_commit(db->client, txn, on_removed, host);
}

void host_run_removal(struct host *host, bool sole)
{
	struct txn *sb_txn, *ovs_txn;

	if (host->removal_sent)
		return;
	if (!host->name || !host->sb.client) {
		give_up(host);
		return;
	}
	if (!sole)
		return;
	sb_txn = host_txn_new(&host->sb);
	ovs_txn = host_txn_new(&host->ovs);
	if (sb_txn && ovs_txn) {
		struct binding_in in = {
			.sb = client_replica(host->sb.client),
			.ovs = client_replica(host->ovs.client),
			.now_ms = host_now_ms(host),
		};

		in.chassis = chassis_find(in.sb, host->name);
		if (!host->binding)
			host->binding = binding_new();
		if (in.chassis)
			binding_release_all(host->binding, &in, sb_txn, ovs_txn);
		chassis_remove(host->name, in.sb, sb_txn);
		host->removal_sent = true;
		send_removal(host, &host->sb, TAKE(sb_txn));
		send_removal(host, &host->ovs, TAKE(ovs_txn));
		if (host->removal_pending == 0)
			remove_local(host);
	}
	txn_free(sb_txn);
	txn_free(ovs_txn);
}
