/* SPDX-License-Identifier: Apache-2.0 */
/* The three databases a host follows: the local one, the southbound, and, read only, the northbound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_private.h"
#include "schema/nb.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("database");

enum {
	REFUSED_HOLD_MS = 2000, /* a transaction that was refused is not sent again at once */
};

#define C(index) OVSDB_COL(index)

/* clang-format off */
static const struct client_interest ovs_interests[] = {
	{ &ovs_open_vswitch_table,
	  C(OVS_OPEN_VSWITCH_BRIDGES) | C(OVS_OPEN_VSWITCH_EXTERNAL_IDS) | C(OVS_OPEN_VSWITCH_NEXT_CFG) |
	  C(OVS_OPEN_VSWITCH_CUR_CFG) | C(OVS_OPEN_VSWITCH_IFACE_TYPES) | C(OVS_OPEN_VSWITCH_DATAPATH_TYPES),
	  C(OVS_OPEN_VSWITCH_EXTERNAL_IDS) | C(OVS_OPEN_VSWITCH_NEXT_CFG) | C(OVS_OPEN_VSWITCH_CUR_CFG) },
	{ &ovs_bridge_table,
	  C(OVS_BRIDGE_NAME) | C(OVS_BRIDGE_PORTS) | C(OVS_BRIDGE_FAIL_MODE) | C(OVS_BRIDGE_EXTERNAL_IDS) |
	  C(OVS_BRIDGE_OTHER_CONFIG) | C(OVS_BRIDGE_DATAPATH_TYPE) | C(OVS_BRIDGE_DATAPATH_ID),
	  C(OVS_BRIDGE_NAME) | C(OVS_BRIDGE_PORTS) },
	{ &ovs_port_table,
	  C(OVS_PORT_NAME) | C(OVS_PORT_INTERFACES) | C(OVS_PORT_TAG) | C(OVS_PORT_TRUNKS) |
		  C(OVS_PORT_VLAN_MODE),
	  C(OVS_PORT_INTERFACES) },
	{ &ovs_interface_table,
	  C(OVS_INTERFACE_NAME) | C(OVS_INTERFACE_TYPE) | C(OVS_INTERFACE_MAC) | C(OVS_INTERFACE_MAC_IN_USE) |
	  C(OVS_INTERFACE_IFINDEX) | C(OVS_INTERFACE_EXTERNAL_IDS) | C(OVS_INTERFACE_OFPORT) |
	  C(OVS_INTERFACE_OFPORT_REQUEST) | C(OVS_INTERFACE_MTU) | C(OVS_INTERFACE_MTU_REQUEST) |
	  C(OVS_INTERFACE_ADMIN_STATE) | C(OVS_INTERFACE_LINK_STATE) | C(OVS_INTERFACE_ERROR),
	  C(OVS_INTERFACE_NAME) | C(OVS_INTERFACE_TYPE) | C(OVS_INTERFACE_EXTERNAL_IDS) | C(OVS_INTERFACE_OFPORT) },
};

enum { SB_PRIVATE = 2 }; /* its index below */

static const struct client_interest sb_interests[] = {
	{ &sb_global_table, C(SB_GLOBAL_NB_CFG) | C(SB_GLOBAL_OPTIONS), C(SB_GLOBAL_NB_CFG) },
	{ &sb_chassis_table,
	  C(SB_CHASSIS_NAME) | C(SB_CHASSIS_HOSTNAME) | C(SB_CHASSIS_ENCAPS) | C(SB_CHASSIS_OTHER_CONFIG) |
	  C(SB_CHASSIS_TRANSPORT_ZONES),
	  C(SB_CHASSIS_NAME) | C(SB_CHASSIS_ENCAPS) },
	[SB_PRIVATE] = { &sb_chassis_private_table,
	  C(SB_CHASSIS_PRIVATE_NAME) | C(SB_CHASSIS_PRIVATE_CHASSIS) | C(SB_CHASSIS_PRIVATE_NB_CFG),
	  C(SB_CHASSIS_PRIVATE_NAME) | C(SB_CHASSIS_PRIVATE_NB_CFG) },
	{ &sb_encap_table,
	  C(SB_ENCAP_TYPE) | C(SB_ENCAP_IP) | C(SB_ENCAP_OPTIONS) | C(SB_ENCAP_CHASSIS_NAME),
	  C(SB_ENCAP_TYPE) | C(SB_ENCAP_IP) },
	{ &sb_datapath_binding_table, C(SB_DATAPATH_BINDING_TUNNEL_KEY), C(SB_DATAPATH_BINDING_TUNNEL_KEY) },
	{ &sb_port_binding_table,
	  C(SB_PORT_BINDING_LOGICAL_PORT) | C(SB_PORT_BINDING_TYPE) | C(SB_PORT_BINDING_OPTIONS) |
	  C(SB_PORT_BINDING_DATAPATH) | C(SB_PORT_BINDING_TUNNEL_KEY) | C(SB_PORT_BINDING_PARENT_PORT) |
	  C(SB_PORT_BINDING_CHASSIS) | C(SB_PORT_BINDING_ADDITIONAL_CHASSIS) | C(SB_PORT_BINDING_ENCAP) |
	  C(SB_PORT_BINDING_MAC) | C(SB_PORT_BINDING_UP) | C(SB_PORT_BINDING_REQUESTED_CHASSIS) |
	  C(SB_PORT_BINDING_REQUESTED_ADDITIONAL_CHASSIS),
	  C(SB_PORT_BINDING_LOGICAL_PORT) | C(SB_PORT_BINDING_TYPE) | C(SB_PORT_BINDING_DATAPATH) |
	  C(SB_PORT_BINDING_TUNNEL_KEY) | C(SB_PORT_BINDING_CHASSIS) | C(SB_PORT_BINDING_MAC) },
};

static const struct client_interest nb_interests[] = {
	{ &nb_global_table, C(NB_GLOBAL_NB_CFG), C(NB_GLOBAL_NB_CFG) },
	{ &nb_lsp_table, C(NB_LSP_NAME) | C(NB_LSP_ENABLED), C(NB_LSP_NAME) | C(NB_LSP_ENABLED) },
};
/* clang-format on */

/* ---- connections ---- */

static void on_changed(void *owner)
{
	struct host_db *db = owner;

	host_kick(db->host);
}

static void on_connection(void *owner, const struct err *err)
{
	struct host_db *db = owner;

	if (client_is_connected(db->client)) {
		log_info("%s: connected to %s", db->name, client_remote(db->client));
		db->problem[0] = '\0';
		if (db == &db->host->ovs) {
			db->host->ovs_since_ms = host_now_ms(db->host);
			statistics_clear(db->host->statistics);
		}
	} else if (err && !str_eq(db->problem, err->text)) {
		log_warn("%s: %s", db->name, err->text);
		snprintf(db->problem, sizeof(db->problem), "%s", err->text);
	}
	host_kick(db->host);
}

static const struct client_ops ops = {
	.changed = on_changed,
	.lock = on_changed,
	.connection = on_connection,
};

static int open_db(struct host_db *db, const struct ovsdb_schema *schema, const char *remotes,
		   const struct client_interest *interests, size_t n, const char *lock,
		   struct err *err)
{
	const struct client_opts opts = {
		.loop = db->host->opts.loop,
		.schema = schema,
		.remotes = remotes,
		.interests = interests,
		.n_interests = n,
		.lock = lock,
		.ops = &ops,
		.owner = db,
	};
	int r = client_open(&opts, &db->client, err);

	if (r < 0)
		return err_prefix(err, "%s", db->name);
	free(db->remotes);
	db->remotes = xstrdup(remotes);
	return 0;
}

int host_open_local(struct host *host, const char *remotes, struct err *err)
{
	return open_db(&host->ovs, &ovs_schema, remotes, ovs_interests, ARRAY_SIZE(ovs_interests),
		       "ovs_vswitchd", err);
}

void host_db_close(struct host_db *db)
{
	client_close(db->client);
	db->client = NULL;
	free(db->remotes);
	db->remotes = NULL;
}

static void log_once(struct host_db *db, const struct err *err)
{
	if (str_eq(db->problem, err->text))
		return;
	log_warn("%s", err->text);
	snprintf(db->problem, sizeof(db->problem), "%s", err->text);
}

static void follow(struct host_db *db, const struct ovsdb_schema *schema, const char *remotes,
		   const struct client_interest *interests, size_t n, const char *lock)
{
	struct err err = ERR_INIT;

	if (!remotes || str_eq(remotes, db->remotes))
		return;
	if (!db->client) {
		if (open_db(db, schema, remotes, interests, n, lock, &err) < 0)
			log_once(db, &err);
		return;
	}
	free(db->remotes);
	db->remotes = xstrdup(remotes);
	if (client_set_remotes(db->client, remotes, &err) < 0) {
		err_prefix(&err, "%s", db->name);
		log_once(db, &err);
	}
}

/* What central publishes precedes nothing: the local setting wins. */
static const char *nb_remote(struct host *host)
{
	const struct sb_global *global;

	if (host->config.nb_remote)
		return host->config.nb_remote;
	if (!host->sb.client || !client_is_synced(host->sb.client))
		return NULL;
	global = sb_global_first(client_replica(host->sb.client));
	return global ? ovsdb_smap_get(sb_global_options(global), "heddle-nb-remote") : NULL;
}

/* Every host writes its own row at each --wait=hv: only ours is of interest. */
static void watch_own_private(struct host *host)
{
	client_set_condition(host->sb.client, sb_interests[SB_PRIVATE].table,
			     json_pack("[[s, s, s]]", "name", "==", host->name));
}

void host_follow_remotes(struct host *host)
{
	AUTO_FREE char *lock = NULL;
	bool fresh = !host->sb.client;
	const char *nb;

	if (!host->name)
		return;
	lock = host_chassis_lock(host->name);
	follow(&host->sb, &sb_schema, host->config.sb_remote, sb_interests,
	       ARRAY_SIZE(sb_interests), lock);
	if (fresh && host->sb.client)
		watch_own_private(host);
	nb = nb_remote(host);
	if (host->nb.client && (!nb || !*nb) && !client_is_synced(host->nb.client))
		host_db_close(&host->nb); /* it was a mistake */
	follow(&host->nb, &nb_schema, nb && *nb ? nb : NULL, nb_interests, ARRAY_SIZE(nb_interests),
	       NULL);
}

/* ---- transactions ---- */

struct txn *host_txn_new(struct host_db *db)
{
	if (!db->client || db->busy || !client_is_connected(db->client) ||
	    !client_is_synced(db->client) || host_now_ms(db->host) < db->hold_until_ms)
		return NULL;
	return txn_new(replica_schema(client_replica(db->client)));
}

static void on_done(void *arg, enum txn_outcome outcome, const struct txn *txn,
		    const struct err *err)
{
	struct host_db *db = arg;

	db->busy = false;
	if (outcome != TXN_OK && db == &db->host->ovs)
		statistics_clear(db->host->statistics);
	if (outcome == TXN_OK) {
		db->problem[0] = '\0';
	} else if (outcome == TXN_ERROR || outcome == TXN_NOT_OWNER) {
		struct err why = err ? *err : (struct err)ERR_INIT;

		err_prefix(&why, "%s: transaction refused", db->name);
		log_once(db, &why);
		db->hold_until_ms = host_now_ms(db->host) + REFUSED_HOLD_MS;
	}
	host_kick(db->host);
}

void host_txn_send(struct host_db *db, struct txn *txn)
{
	if (!txn)
		return;
	if (txn_is_empty(txn)) {
		txn_free(txn);
		return;
	}
	db->busy = true;
	client_commit(db->client, txn, on_done, db);
}
