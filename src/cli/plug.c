/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/local.h"
#include "cli/plug_port.h"
#include "util/str.h"

/* What a failed plug puts back.  An interface that serves another port is refused, so there is no more than this. */
enum plug_change {
	PLUG_CHANGED_NOTHING,
	PLUG_CHANGED_ID,   /* the interface was there, without an iface-id */
	PLUG_CHANGED_ROWS, /* it was not there */
};

enum {
	PUT_BACK_MS = 2000,
	LOOK_AGAIN_MS = 2000, /* for the reason, when all time is up */
};

struct plug {
	struct local local;
	const char *iface;
	const char *port;
	enum plug_change changed;
};

static const struct ovs_interface *find_iface(const struct plug *plug)
{
	return ovs_interface_by_name(watch_replica(plug->local.watch), plug->iface);
}

static const char *iface_id(const struct ovs_interface *row)
{
	return ovsdb_smap_get(ovs_interface_external_ids(row), "iface-id") ?: "";
}

static bool has_device(const struct ovs_interface *row)
{
	int64_t ofport = -1;

	return ovs_interface_ofport(row, &ofport) && ofport > 0;
}

static bool serves_port(const struct plug *plug, const struct ovs_interface *row)
{
	return row && str_eq(iface_id(row), plug->port);
}

static bool is_written(void *arg, struct replica *replica)
{
	const struct plug *plug = arg;

	return serves_port(plug, find_iface(plug));
}

static bool is_installed(void *arg, struct replica *replica)
{
	const struct plug *plug = arg;
	const struct ovs_interface *row = find_iface(plug);

	return serves_port(plug, row) &&
	       ovsdb_smap_get_bool(ovs_interface_external_ids(row), "ovn-installed", false);
}

/* ---- what stands in the way here ---- */

static bool has_integration(void *arg, struct replica *replica)
{
	const struct plug *plug = arg;

	return local_find_bridge(&plug->local, local_integration(&plug->local)) != NULL;
}

static int check_bridge(const struct plug *plug, struct err *err)
{
	const char *bridge = local_integration(&plug->local);
	const struct ovs_bridge *at = local_bridge_of(&plug->local, plug->iface, NULL);

	if (!local_find_bridge(&plug->local, bridge))
		return err_set(
			err, -ENOENT,
			"there is no integration bridge %s: is \"heddle host\" running here?",
			bridge);
	if (str_eq(plug->iface, bridge))
		return err_set(err, -EINVAL, "interface %s is the integration bridge itself",
			       plug->iface);
	if (at && !str_eq(ovs_bridge_name(at), bridge))
		return err_set(
			err, -EBUSY,
			"interface %s is on bridge %s: take it out of there first (heddle unplug %s)",
			plug->iface, ovs_bridge_name(at), plug->iface);
	return 0;
}

static bool is_rival(const struct plug *plug, const struct ovs_interface *row)
{
	const struct ovs_bridge *at;

	if (!serves_port(plug, row) || !has_device(row) ||
	    str_eq(ovs_interface_name(row), plug->iface))
		return false;
	at = local_bridge_of(&plug->local, ovs_interface_name(row), NULL);
	return at && str_eq(ovs_bridge_name(at), local_integration(&plug->local));
}

/* An interface has one port, and a port one interface of a host. */
static int check_pair(const struct plug *plug, struct err *err)
{
	const struct ovs_interface *row = find_iface(plug);

	if (row && *iface_id(row) && !serves_port(plug, row))
		return err_set(err, -EBUSY,
			       "interface %s serves port %s: \"heddle unplug %s\" first",
			       plug->iface, iface_id(row), plug->iface);
	OVS_INTERFACE_FOREACH(other, watch_replica(plug->local.watch))
	if (is_rival(plug, other))
		return err_set(
			err, -EBUSY,
			"port %s is served by interface %s of this host: \"heddle unplug %s\" "
			"first",
			plug->port, ovs_interface_name(other), ovs_interface_name(other));
	return 0;
}

/* ---- what stands in the way elsewhere ---- */

static int look(const struct plug *plug, unsigned int timeout_ms, struct plug_port *ret,
		struct err *err)
{
	const struct plug_port_opts opts = {
		.remotes = local_setting(&plug->local, "ovn-remote"),
		.port = plug->port,
		.chassis = local_setting(&plug->local, "system-id"),
		.timeout_ms = timeout_ms,
	};
	int r = plug_port_look(&opts, ret, err);

	if (r < 0 && r != -EOPNOTSUPP && r != -EPERM)
		return err_prefix(err, "whether interface %s can serve port %s is not known",
				  plug->iface, plug->port);
	return r;
}

/* The time is up: names what is in the way now. */
static int explain(const struct plug *plug, struct err *err)
{
	struct plug_port port = { 0 };
	int r = check_pair(plug, err) ?: look(plug, LOOK_AGAIN_MS, &port, err);

	if (r < 0)
		return r;
	if (*port.holder)
		return err_set(err, -ETIMEDOUT,
			       "port %s is held by chassis %s, so interface %s cannot serve it: "
			       "\"heddle unplug\" it there first",
			       plug->port, port.holder, plug->iface);
	return err_set(
		err, -ETIMEDOUT,
		"port %s is not bound to interface %s in time: the log of \"heddle host\" says "
		"why",
		plug->port, plug->iface);
}

/* ---- the local database ---- */

static void insert_iface(struct plug *plug, struct txn *txn)
{
	const struct ovs_bridge *bridge =
		local_find_bridge(&plug->local, local_integration(&plug->local));
	struct uuid iface = ovs_interface_insert(txn), port = ovs_port_insert(txn);
	union ovsdb_atom atom = { .uuid = iface };

	ovs_interface_set_name(txn, &iface, plug->iface);
	ovs_interface_put_external_ids(txn, &iface, "iface-id", plug->port);
	ovs_port_set_name(txn, &port, plug->iface);
	ovs_port_set_interfaces(txn, &port, &(struct ovsdb_datum){ 1, &atom, NULL });
	ovs_bridge_add_ports(txn, ovs_bridge_uuid(bridge), &port);
}

static int write_iface(struct plug *plug, struct err *err)
{
	const struct ovs_interface *row = find_iface(plug);
	enum plug_change change = PLUG_CHANGED_NOTHING;
	struct txn *txn = txn_new(&ovs_schema);
	int r;

	txn_comment(txn, "heddle plug %s %s", plug->iface, plug->port);
	if (!row) {
		insert_iface(plug, txn);
		change = PLUG_CHANGED_ROWS;
	} else if (!serves_port(plug, row)) {
		ovs_interface_put_external_ids(txn, ovs_interface_uuid(row), "iface-id",
					       plug->port);
		change = PLUG_CHANGED_ID;
	}
	r = local_commit(&plug->local, txn, err);
	if (r == 0 || r == -ETIMEDOUT) /* what was not answered in time may still be done */
		plug->changed = change;
	return r < 0 ? err_prefix(err, "interface %s", plug->iface) : 0;
}

static int drop_id(struct plug *plug, struct err *err)
{
	const struct ovs_interface *row = find_iface(plug);
	struct txn *txn = txn_new(&ovs_schema);

	txn_comment(txn, "heddle plug: put back %s", plug->iface);
	ovs_interface_drop_external_ids(txn, ovs_interface_uuid(row), "iface-id");
	return local_commit(&plug->local, txn, err);
}

/* Nothing half-done: what was changed is changed back.  err says why, and gets to say so if that fails, too. */
static void put_back(struct plug *plug, struct err *err)
{
	struct err why = ERR_INIT;
	int r = 0;

	if (plug->changed == PLUG_CHANGED_NOTHING)
		return;
	watch_extend(plug->local.watch, PUT_BACK_MS); /* it may have failed for lack of time */
	watch_until(plug->local.watch, is_written, plug);
	if (!serves_port(plug, find_iface(plug)))
		return; /* it was refused, or somebody else has changed it since */
	watch_extend(plug->local.watch, PUT_BACK_MS);
	switch (plug->changed) {
	case PLUG_CHANGED_NOTHING: break;
	case PLUG_CHANGED_ID: r = drop_id(plug, &why); break;
	case PLUG_CHANGED_ROWS: r = local_remove(&plug->local, plug->iface, &why); break;
	}
	if (r < 0 && r != -ENOENT)
		err_prefix(err, "interface %s stays plugged (%s)", plug->iface, why.text);
}

/* ---- waiting ---- */

static int wait_for_device(struct plug *plug, struct err *err)
{
	const struct ovs_interface *row;
	int r = local_wait(&plug->local, err);

	if (r < 0)
		return r;
	row = find_iface(plug);
	if (row && has_device(row))
		return 0;
	return err_set(err, -ENODEV, "interface %s: %s", plug->iface,
		       (row ? ovs_interface_error(row) : NULL) ?: "it has no device");
}

static int wait_for_port(struct plug *plug, struct err *err)
{
	struct plug_port port = { 0 };
	int r = look(plug, plug->local.timeout_ms, &port, err);

	if (r < 0)
		return r;
	if (!port.exists) {
		printf("interface %s is plugged; there is no logical port %s yet: it is bound when it appears\n",
		       plug->iface, plug->port);
		return 0;
	}
	if (port.is_localport || watch_until(plug->local.watch, is_installed, plug) == 0)
		return 0;
	return explain(plug, err);
}

static int plug_it(struct plug *plug, struct err *err)
{
	struct plug_port port = { 0 };
	int r;

	r = look(plug, plug->local.timeout_ms, &port, err) ?: write_iface(plug, err);
	r = r ?: wait_for_device(plug, err) ?: wait_for_port(plug, err);
	if (r < 0)
		put_back(plug, err);
	return r;
}

static int run(struct plug *plug, bool no_wait, struct err *err)
{
	int r;

	if (!no_wait) /* an agent that has just been started makes the bridge in a moment */
		watch_until(plug->local.watch, has_integration, plug);
	r = check_bridge(plug, err);
	if (r == 0 && is_installed(plug, NULL))
		return 0;
	r = r ?: check_pair(plug, err);
	if (r < 0)
		return r;
	return no_wait ? write_iface(plug, err) : plug_it(plug, err);
}

int plug_main(int argc, char **argv)
{
	struct plug plug = { 0 };
	struct cli_words words;
	struct err err = ERR_INIT;
	const char *db = NULL;
	bool no_wait = false;
	long long timeout_s = 10;
	/* clang-format off */
	const struct opt table[] = {
		{ "db", 0, OPT_STRING, &db, "REMOTE", "local database (default: as for \"heddle host\")" },
		{ "no-wait", 0, OPT_FLAG, &no_wait, NULL, "do not wait until the port works" },
		{ "timeout", 't', OPT_INT, &timeout_s, "SECONDS", "how long to wait (default: 10)", 1, 3600 },
		{ 0 },
	};
	/* clang-format on */
	const struct opts opts = {
		.usage = "heddle plug [OPTION]... IFACE PORT",
		.about =
			"Connects the network interface IFACE of this host to the logical port PORT, and returns when "
			"packets flow.",
		.table = table,
	};
	int r = cli_parse(&opts, "plug", argc, argv, 2, &words);

	if (r >= 0)
		return r;
	plug.iface = words.v[0];
	plug.port = words.v[1];
	if (!*plug.port) {
		err_set(&err, -EINVAL, "the logical port's name is empty");
		return cli_fail("plug", &err);
	}
	if (local_open(&plug.local, db, timeout_s, &err) < 0)
		return cli_fail("plug", &err);
	r = run(&plug, no_wait, &err);
	local_close(&plug.local);
	return r < 0 ? cli_fail("plug", &err) : 0;
}
