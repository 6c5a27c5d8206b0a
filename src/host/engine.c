/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the agent.  Whatever happened since the last (rows, devices, an answer, a deadline), the
 * same steps are gone through in the same order, each computing what should be and changing what differs:
 *
 *   settings -> who we are -> devices and ports -> network -> kernel maps -> rows of ours
 *
 * Rows are written last, so that what they promise (cur_cfg, ovn-installed, up, nb_cfg) is true when they are read.
 * Until the southbound database, and the northbound one where there is any, have been seen whole once, the maps
 * are not touched: an earlier process may have filled them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "host/host_private.h"
#include "schema/nb.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("host");

enum {
	LOCK_GRACE_MS = 1000, /* how long the lock's holder may take to let go, at our start */
	RETRY_MS = 1000,      /* for what the kernel has refused */
};

/* What a round finds out on its way. */
struct pass {
	struct replica *ovs, *sb, *nb;
	bool foreign;   /* another process is the ovs-vswitchd */
	bool sole;      /* the chassis is ours alone: southbound rows may be written */
	bool networked; /* the network was compiled and written */
	bool settled;   /* and nobody waits for a neighbour */
	uint64_t now_ms;
	uint64_t wake_ms;
};

static void wake_at(struct pass *pass, uint64_t at_ms)
{
	if (at_ms < pass->wake_ms)
		pass->wake_ms = at_ms;
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- settings from the command line ---- */

static void put_setting(struct txn *txn, const struct uuid *row, const struct ovsdb_datum *ids,
			const char *key, const char *value)
{
	if (value && !str_eq(ovsdb_smap_get(ids, key), value))
		ovs_open_vswitch_put_external_ids(txn, row, key, value);
}

/* True when the database shows them. */
static bool settings_are_written(struct host *host, struct pass *pass)
{
	const struct ovs_open_vswitch *root = ovs_open_vswitch_first(pass->ovs);
	const struct ovsdb_datum *ids = root ? ovs_open_vswitch_external_ids(root) : NULL;
	const struct host_opts *opts = &host->opts;
	const char *system_id = opts->system_id, *encap_ip = opts->encap_ip;
	struct uuid row;
	struct txn *txn;

	if (host->settings_written)
		return true;
	txn = host_txn_new(&host->ovs);
	if (!txn)
		return false;
	row = root ? *ovs_open_vswitch_uuid(root) : ovs_open_vswitch_insert(txn);
	if (!system_id && host->own_server && !opts->chassis && !ovsdb_smap_get(ids, "system-id"))
		system_id = host->hostname;
	put_setting(txn, &row, ids, "system-id", system_id);
	put_setting(txn, &row, ids, "ovn-remote", opts->ovn_remote);
	put_setting(txn, &row, ids, "ovn-nb-remote", opts->nb_remote);
	if (!encap_ip && !ovsdb_smap_get(ids, "ovn-encap-ip"))
		encap_ip = opts->default_encap_ip;
	put_setting(txn, &row, ids, "ovn-encap-ip", encap_ip);
	if (opts->encap_type || (encap_ip && !ovsdb_smap_get(ids, "ovn-encap-type")))
		put_setting(txn, &row, ids, "ovn-encap-type", opts->encap_type ?: "geneve");
	host->settings_written = root && txn_is_empty(txn);
	host_txn_send(&host->ovs, txn);
	return host->settings_written;
}

/* ---- who we are ---- */

static int make_dirs(const char *path, struct err *err)
{
	AUTO_FREE char *copy = xstrdup(path);

	for (char *p = copy + 1;; p++) {
		char end = *p;

		if (end != '/' && end != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return err_set(err, -errno, "cannot make directory %s: %s", copy,
				       strerror(errno));
		*p = end;
		if (!end)
			return 0;
	}
}

static int open_datapath(struct host *host, struct err *err)
{
	AUTO_FREE char *bpffs = xasprintf("%s/bpf", host->dir);
	const struct datapath_opts opts = { .bpffs_dir = bpffs };
	int r = datapath_open(&opts, &host->dp, err);

	if (r < 0)
		return r;
	host->state = dp_state_new();
	r = datapath_read(host->dp, host->state, err);
	if (r < 0)
		return r;
	host->network = network_new(host->state);
	host->binding = binding_new();
	host->ports = ports_new(host->network, host->dp);
	host->tunnels = tunnels_new(host->links, host->dp);
	return 0;
}

/* The name decides where everything is: it stays for the life of the process. */
static int adopt_name(struct host *host, struct err *err)
{
	int r;

	if (strchr(host->config.name, '/') || str_starts(host->config.name, "."))
		return err_set(
			err, -EINVAL,
			"system-id \"%s\" cannot be a file's name: use letters, digits, - and _",
			host->config.name);
	host->name = xstrdup(host->config.name);
	host->dir = xasprintf("%s/%s", host->opts.run_dir, host->name);
	r = make_dirs(host->dir, err);
	if (r == 0)
		r = host_take_name(host, err);
	if (r == 0 && !host->opts.remove)
		r = open_datapath(host, err);
	if (r == 0)
		log_info("chassis %s, integration bridge %s", host->name, host->config.bridge);
	return r;
}

static void log_config_problem(struct host *host)
{
	if (str_eq(host->problem, host->config.problem))
		return;
	snprintf(host->problem, sizeof(host->problem), "%s", host->config.problem);
	if (*host->problem)
		log_warn("%s%s", host->config.n_encaps ? "" : "not registered as a chassis yet: ",
			 host->problem);
}

/* False: the process cannot go on. */
static bool read_config(struct host *host, struct pass *pass)
{
	struct chassis_config before = host->config;
	struct err err = ERR_INIT;

	chassis_config_read(pass->ovs, host->opts.chassis, host->hostname, &host->config);
	if (before.n_encaps != host->config.n_encaps ||
	    memcmp(before.encaps, host->config.encaps,
		   before.n_encaps * sizeof(before.encaps[0])) != 0)
		host->chassis_changed = true;
	log_config_problem(host);
	if (host->name && host->config.name && !str_eq(host->name, host->config.name) &&
	    !str_eq(before.name, host->config.name))
		log_warn("system-id is now %s: restart to be that chassis, this process stays %s",
			 host->config.name, host->name);
	chassis_config_done(&before);
	if (host->name) {
		free(host->config.name);
		host->config.name = xstrdup(host->name);
	} else if (host->config.name && adopt_name(host, &err) < 0) {
		host_fail(host, &err);
		return false;
	}
	return true;
}

/* ---- devices and ports ---- */

/* False: not known yet whether the switch is ours. */
static bool find_role(struct host *host, struct pass *pass)
{
	if (client_has_lock(host->ovs.client)) {
		if (host->role != HOST_ROLE_SWITCH)
			log_dbg("holding the lock \"ovs_vswitchd\"");
		host->role = HOST_ROLE_SWITCH;
	} else if (client_is_connected(host->ovs.client) && host->role != HOST_ROLE_GUEST) {
		uint64_t until = host->ovs_since_ms + LOCK_GRACE_MS;

		if (pass->now_ms < until) {
			wake_at(pass, until);
		} else {
			log_info(
				"another process holds the lock \"ovs_vswitchd\": its devices and columns "
				"are left alone");
			host->role = HOST_ROLE_GUEST;
		}
	}
	pass->foreign = host->role == HOST_ROLE_GUEST;
	return host->role != HOST_ROLE_UNKNOWN;
}

static uint32_t underlay_device(const struct host *host)
{
	const struct chassis_config *config = &host->config;

	return config->n_encaps ? links_addr_device(host->links, &config->encaps[0].ip) : 0;
}

static void run_ports(struct host *host, struct pass *pass)
{
	bool changed = host->devices_changed || host->role != host->planned_role ||
		       replica_has_changes(pass->ovs);
	const struct vswitch_port *ports;
	size_t n;

	if (changed) {
		host->devices_changed = false;
		host->planned_role = host->role;
		host->local_due = true;
		switchd_run(host->switchd, pass->ovs, host->config.bridge, underlay_device(host),
			    pass->foreign);
	}
	if (!host->ports)
		return;
	ports_begin(host->ports);
	ports = switchd_ports(host->switchd, &n);
	if (changed || ports_are_attaching(host->ports) || ports_are_failing(host->ports))
		ports_run(host->ports, pass->ovs, ports, n, &host->config);
	if (ports_are_failing(host->ports))
		wake_at(pass, pass->now_ms + RETRY_MS);
}

/* ---- the network ---- */

static bool is_networkable(struct host *host, struct pass *pass)
{
	if (!host->dp || !host->sb.client || !client_is_synced(host->sb.client) ||
	    !sb_global_first(pass->sb) || !host->was_sole)
		return false;
	/* What an earlier process left in the maps stays until all of its ports are known here again. */
	if (!host->applied && ports_are_attaching(host->ports))
		return false;
	if (!host->nb.client)
		return true;
	if (client_is_synced(host->nb.client))
		return nb_global_first(pass->nb);
	/* Named only now, and it does not answer: what works without it goes on. */
	pass->nb = NULL;
	return host->applied;
}

/* The configuration has every type with every address. */
static size_t encap_addresses(const struct chassis_config *config, struct ip *ret,
			      unsigned int *ret_types)
{
	size_t n = 0;

	*ret_types = 0;
	for (size_t i = 0; i < config->n_encaps; i++) {
		const struct chassis_encap *encap = &config->encaps[i];

		for (unsigned int type = 0; type < NETWORK_N_ENCAP_TYPES; type++)
			if (str_eq(encap->type, network_encap_type_name(type)))
				*ret_types |= 1u << type;
		if (str_eq(encap->type, config->encaps[0].type))
			ret[n++] = encap->ip;
	}
	return n;
}

static void set_chassis(struct host *host, struct pass *pass)
{
	bool registered = chassis_find(pass->sb, host->name) != NULL;
	struct ip encaps[CHASSIS_MAX_ENCAPS];
	unsigned int types = 0;
	size_t n;

	if (registered == host->registered && !host->chassis_changed)
		return;
	n = encap_addresses(&host->config, encaps, &types);
	network_set_chassis(host->network, registered ? host->name : NULL, types, encaps, n);
	host->registered = registered;
	host->chassis_changed = false;
}

static void apply_datapath(struct host *host, struct pass *pass)
{
	struct err err = ERR_INIT;

	if (datapath_apply(host->dp, host->state, &err) == 0) {
		host->apply_problem[0] = '\0';
		return;
	}
	wake_at(pass, pass->now_ms + RETRY_MS);
	if (!str_eq(host->apply_problem, err.text)) {
		log_err("%s", err.text);
		snprintf(host->apply_problem, sizeof(host->apply_problem), "%s", err.text);
	}
}

static void detach_unwanted(void *arg, enum datapath_hook hook, uint32_t ifindex)
{
	struct host *host = arg;

	if (hook == DATAPATH_UNDERLAY && !tunnels_is_underlay(host->tunnels, ifindex))
		datapath_detach(host->dp, hook, ifindex);
	else if (hook == DATAPATH_WORKLOAD && !ports_is_workload(host->ports, ifindex))
		ports_leave(host->ports, ifindex);
}

static void run_network(struct host *host, struct pass *pass)
{
	uint64_t settle_ms;

	if (!is_networkable(host, pass)) {
		if (host->dp && !host->waiting_logged && host->sb.client) {
			log_info("waiting for the databases before the datapath is touched");
			host->waiting_logged = true;
		}
		return;
	}
	set_chassis(host, pass);
	network_update(host->network, pass->sb, pass->nb);
	network_run(host->network);
	tunnels_run(host->tunnels, host->network, &host->config, pass->now_ms);
	network_run(host->network);
	apply_datapath(host, pass);
	ports_settle(host->ports);
	if (!host->applied) {
		/* Once, when everything is known: what an earlier process was attached to. */
		datapath_each_attached(host->dp, detach_unwanted, host);
		log_info("the datapath holds what the databases say");
		host->applied = true;
	}
	settle_ms = tunnels_settle_ms(host->tunnels, pass->now_ms);
	if (settle_ms)
		wake_at(pass, settle_ms);
	pass->settled = !settle_ms && !ports_are_attaching(host->ports);
	pass->networked = true;
}

/* ---- rows of ours ---- */

static void on_binding(void *arg, const struct binding_event *event)
{
	switch (event->kind) {
	case BINDING_CLAIMED:
		log_info("port %s: claimed for interface %s", event->lport, event->iface);
		break;
	case BINDING_RELEASED: log_info("port %s: released", event->lport); break;
	case BINDING_UP: log_info("port %s: up", event->lport); break;
	case BINDING_LOST:
		log_warn("port %s: chassis %s has taken it", event->lport, event->other ?: "?");
		break;
	case BINDING_REFUSED:
		log_warn("port %s: not claimed for interface %s: it is %s%s", event->lport,
			 event->iface,
			 event->other ? "held by, or meant for, chassis "
				      : "meant for another chassis",
			 event->other ?: "");
		break;
	case BINDING_SHADOWED:
		log_warn("port %s: interface %s is not used: interface %s serves the port already",
			 event->lport, event->iface, event->other ?: "?");
		break;
	default: break;
	}
}

static struct binding_in binding_in(struct host *host, struct pass *pass)
{
	struct binding_in in = {
		.sb = pass->sb,
		.ovs = pass->ovs,
		.chassis = chassis_find(pass->sb, host->name),
		.now_ms = pass->now_ms,
		.wall_ms = wall_ms(),
		.event = on_binding,
		.arg = host,
	};

	in.ifaces = ports_bindings(host->ports, pass->ovs, pass->sb, &host->config, &in.n_ifaces);
	return in;
}

static const struct ovs_bridge *integration_bridge(struct host *host, struct pass *pass)
{
	return ovs_bridge_by_name(pass->ovs, host->config.bridge);
}

static void put_bridge_id(struct host *host, struct pass *pass, struct txn *txn, const char *key,
			  int64_t value)
{
	const struct ovs_bridge *bridge = integration_bridge(host, pass);
	char text[24];

	if (!bridge)
		return;
	snprintf(text, sizeof(text), "%" PRId64, value);
	if (!str_eq(ovsdb_smap_get(ovs_bridge_external_ids(bridge), key), text))
		ovs_bridge_put_external_ids(txn, ovs_bridge_uuid(bridge), key, text);
}

/* The promise of --wait=hv (reference ovn.md 4.5): all that came with this number or before is in the datapath, and, where
 * there is a northbound database, its half of it too. */
static bool may_report_cfg(struct host *host, struct pass *pass, int64_t cfg)
{
	const struct sb_global *global = sb_global_first(pass->sb);

	if (!pass->networked || !pass->settled ||
	    !ovsdb_smap_get_bool(sb_global_options(global), "enable_chassis_nb_cfg_update", true))
		return false;
	if (!pass->nb)
		return !host->nb.client;
	return nb_global_nb_cfg(nb_global_first(pass->nb)) >= cfg;
}

static void write_cfg(struct host *host, struct pass *pass, struct txn *sb_txn, struct txn *ovs_txn)
{
	const struct uuid *uuid = chassis_find_private(pass->sb, host->name);
	const struct sb_global *global = sb_global_first(pass->sb);
	const struct sb_chassis_private *row = uuid ? sb_chassis_private_get(pass->sb, uuid) : NULL;
	int64_t cfg = global ? sb_global_nb_cfg(global) : 0;

	if (!row || sb_chassis_private_nb_cfg(row) == cfg || !may_report_cfg(host, pass, cfg))
		return;
	sb_chassis_private_set_nb_cfg(sb_txn, uuid, cfg);
	sb_chassis_private_set_nb_cfg_timestamp(sb_txn, uuid, wall_ms());
	put_bridge_id(host, pass, ovs_txn, "ovn-nb-cfg", cfg);
	put_bridge_id(host, pass, ovs_txn, "ovn-nb-cfg-ts", wall_ms());
}

static void write_chassis(struct host *host, struct pass *pass, struct txn *sb_txn)
{
	char problem[sizeof(host->encap_problem)];

	if (*host->config.problem && host->config.n_encaps == 0)
		return;
	chassis_write(&host->config, pass->ovs, pass->sb, sb_txn, problem, sizeof(problem));
	if (str_eq(problem, host->encap_problem))
		return;
	memcpy(host->encap_problem, problem, sizeof(problem));
	if (*problem)
		log_warn("%s", problem);
}

static void write_local(struct host *host, struct pass *pass, struct txn *ovs_txn)
{
	vswitch_ensure_integration(pass->ovs, host->config.bridge, ovs_txn);
	put_bridge_id(host, pass, ovs_txn, "ovn-startup-ts", host->startup_ms);
	if (pass->foreign)
		return;
	switchd_write(host->switchd, pass->ovs, host->config.bridge, ovs_txn);
	if (!txn_is_empty(ovs_txn))
		txn_assert_lock(ovs_txn, "ovs_vswitchd");
}

static void write_rows(struct host *host, struct pass *pass)
{
	struct txn *ovs_txn = host_txn_new(&host->ovs);
	struct txn *sb_txn = host->dp && pass->sole ? host_txn_new(&host->sb) : NULL;

	if (sb_txn)
		write_chassis(host, pass, sb_txn);
	if (sb_txn && ovs_txn && pass->networked && host->registered) {
		struct binding_in in = binding_in(host, pass);

		if (in.chassis)
			wake_at(pass, binding_run(host->binding, &in, sb_txn, ovs_txn));
		write_cfg(host, pass, sb_txn, ovs_txn);
	}
	if (ovs_txn && host->local_due) {
		write_local(host, pass, ovs_txn);
		host->local_due = !txn_is_empty(ovs_txn); /* until the database shows it */
	}
	host_txn_send(&host->sb, sb_txn);
	host_txn_send(&host->ovs, ovs_txn);
}

void host_write_statistics(struct host *host)
{
	struct txn *txn;

	if (host->stopping || host->finished || host->role != HOST_ROLE_SWITCH)
		return;
	txn = host_txn_new(&host->ovs);
	if (!txn)
		return;
	statistics_write(host->statistics, host->switchd, host->links, host->dp, txn);
	if (!txn_is_empty(txn))
		txn_assert_lock(txn, "ovs_vswitchd");
	host_txn_send(&host->ovs, txn);
}

/* ---- a round ---- */

static void on_timer(uv_timer_t *timer)
{
	host_kick(timer->data);
}

static void set_timer(struct host *host, const struct pass *pass)
{
	uv_timer_stop(&host->timer);
	if (pass->wake_ms != UINT64_MAX)
		uv_timer_start(&host->timer, on_timer,
			       pass->wake_ms > pass->now_ms ? pass->wake_ms - pass->now_ms : 1, 0);
}

static void advance(struct host *host, struct pass *pass)
{
	const struct uuid *chassis;

	replica_advance(pass->ovs);
	if (!pass->networked)
		return;
	/* While a transaction is under way binding_run() is not called, and would not see these changes any more. */
	chassis = chassis_find(pass->sb, host->name);
	if (chassis)
		binding_update(host->binding, pass->sb, chassis);
	replica_advance(pass->sb);
	if (pass->nb)
		replica_advance(pass->nb);
}

static void round_steps(struct host *host, struct pass *pass)
{
	uint64_t sole_ms = UINT64_MAX;

	/* Without its one row the database is not ready: nothing is torn down for that. */
	if (!settings_are_written(host, pass) || !ovs_open_vswitch_first(pass->ovs) ||
	    !read_config(host, pass))
		return;
	host_follow_remotes(host);
	pass->sole = host_is_sole(host, &sole_ms);
	host->was_sole |= pass->sole;
	wake_at(pass, sole_ms);
	if (host->finished)
		return;
	if (!find_role(host, pass))
		return;
	if (host->opts.remove) {
		host_run_removal(host, pass->sole);
		return;
	}
	pass->sb = host->sb.client ? client_replica(host->sb.client) : NULL;
	pass->nb = host->nb.client ? client_replica(host->nb.client) : NULL;
	run_ports(host, pass);
	run_network(host, pass);
	if (host->ports && (ports_are_attaching(host->ports) ||
			    (pass->networked && !ports_are_settled(host->ports))))
		wake_at(pass, pass->now_ms);
	write_rows(host, pass);
	advance(host, pass);
}

static void wake_when_held(struct pass *pass, const struct host_db *db)
{
	if (db->hold_until_ms > pass->now_ms)
		wake_at(pass, db->hold_until_ms);
}

void host_run(struct host *host)
{
	struct pass pass = { .wake_ms = UINT64_MAX };

	if (host->stopping || host->finished || !host->ovs.client ||
	    !client_is_synced(host->ovs.client))
		return;
	if (!host->startup_ms)
		host->startup_ms = wall_ms();
	pass.now_ms = host_now_ms(host);
	pass.ovs = client_replica(host->ovs.client);
	round_steps(host, &pass);
	wake_when_held(&pass, &host->ovs);
	wake_when_held(&pass, &host->sb);
	set_timer(host, &pass);
}

char *host_check(struct host *host)
{
	struct replica *sb = host->sb.client ? client_replica(host->sb.client) : NULL;
	char *what = NULL;

	if (!host->applied)
		return xstrdup("nothing is compiled yet: the databases have not been read");
	host_run(host);
	if (network_check(host->network, sb,
			  host->nb.client ? client_replica(host->nb.client) : NULL, &what))
		return NULL;
	return what ?: xstrdup("different content");
}
