/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/local.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/auto.h"
#include "util/str.h"

struct plug {
	struct local local;
	const char *iface;
	const char *port;
	bool inserted; /* by us, to be taken back if it fails */
};

static const struct client_interest sb_interests[] = {
	{ &sb_port_binding_table,
	  OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT) | OVSDB_COL(SB_PORT_BINDING_TYPE) |
		  OVSDB_COL(SB_PORT_BINDING_CHASSIS),
	  OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT) },
};

static const struct ovs_interface *find_iface(const struct plug *plug)
{
	return ovs_interface_by_name(watch_replica(plug->local.watch), plug->iface);
}

/* ---- the local database ---- */

static void insert_iface(struct plug *plug, const struct ovs_bridge *bridge, struct txn *txn)
{
	struct uuid iface = ovs_interface_insert(txn), port = ovs_port_insert(txn);
	union ovsdb_atom atom = { .uuid = iface };

	ovs_interface_set_name(txn, &iface, plug->iface);
	ovs_interface_put_external_ids(txn, &iface, "iface-id", plug->port);
	ovs_port_set_name(txn, &port, plug->iface);
	ovs_port_set_interfaces(txn, &port, &(struct ovsdb_datum){ 1, &atom, NULL });
	ovs_bridge_add_ports(txn, ovs_bridge_uuid(bridge), &port);
	plug->inserted = true;
}

static bool has_integration(void *arg, struct replica *replica)
{
	const struct plug *plug = arg;

	return local_find_bridge(&plug->local, local_integration(&plug->local)) != NULL;
}

static int write_iface(struct plug *plug, struct err *err)
{
	const char *bridge_name = local_integration(&plug->local);
	const struct ovs_bridge *bridge = local_find_bridge(&plug->local, bridge_name), *at;
	const struct ovs_interface *row = find_iface(plug);
	struct txn *txn;

	if (!bridge)
		return err_set(
			err, -ENOENT,
			"there is no integration bridge %s: is \"heddle host\" running here?",
			bridge_name);
	at = row ? local_bridge_of(&plug->local, plug->iface, NULL) : NULL;
	if (at && !str_eq(ovs_bridge_name(at), bridge_name))
		return err_set(
			err, -EBUSY,
			"interface %s is on bridge %s: take it out of there first (heddle unplug %s)",
			plug->iface, ovs_bridge_name(at), plug->iface);
	if (str_eq(plug->iface, bridge_name))
		return err_set(err, -EINVAL, "interface %s is the integration bridge itself",
			       plug->iface);
	txn = txn_new(&ovs_schema);
	txn_comment(txn, "heddle plug %s %s", plug->iface, plug->port);
	if (row)
		ovs_interface_put_external_ids(txn, ovs_interface_uuid(row), "iface-id",
					       plug->port);
	else
		insert_iface(plug, bridge, txn);
	return local_commit(&plug->local, txn, err);
}

/* Nothing half-done: what was added goes again. */
static void take_back(struct plug *plug)
{
	if (plug->inserted)
		local_remove(&plug->local, plug->iface, NULL);
}

static int wait_for_device(struct plug *plug, struct err *err)
{
	const struct ovs_interface *row;
	int64_t ofport = -1;
	int r = local_wait(&plug->local, err);

	if (r < 0)
		return r;
	row = find_iface(plug);
	if (row && ovs_interface_ofport(row, &ofport) && ofport > 0)
		return 0;
	return err_set(err, -ENODEV, "interface %s: %s", plug->iface,
		       (row ? ovs_interface_error(row) : NULL) ?: "it has no device");
}

/* ---- the port ---- */

static bool is_installed(void *arg, struct replica *replica)
{
	const struct plug *plug = arg;
	const struct ovs_interface *row = find_iface(plug);

	return row && ovsdb_smap_get_bool(ovs_interface_external_ids(row), "ovn-installed", false);
}

/* The port's type as the southbound database has it, to be freed; NULL: it is not known there. */
static int find_type(struct plug *plug, char **ret_type, struct err *err)
{
	const char *remote = local_setting(&plug->local, "ovn-remote");
	struct watch_opts opts = {
		.name = "southbound database",
		.remotes = remote,
		.schema = &sb_schema,
		.interests = sb_interests,
		.n_interests = 1,
		.conditional = &sb_port_binding_table,
		.timeout_ms = plug->local.timeout_ms,
	};
	const struct sb_port_binding *row;
	struct watch *watch;
	int r;

	if (!remote || !*remote)
		return err_set(err, -ENOENT, "external_ids:ovn-remote is not set");
	opts.where = json_pack("[[s, s, s]]", "logical_port", "==", plug->port);
	r = watch_open(&opts, &watch, err);
	if (r < 0)
		return r;
	row = sb_port_binding_by_logical_port(watch_replica(watch), plug->port);
	*ret_type = row ? xstrdup(sb_port_binding_type(row)) : NULL;
	watch_close(watch);
	return 0;
}

static int wait_for_port(struct plug *plug, struct err *err)
{
	AUTO_FREE char *type = NULL;
	int r = find_type(plug, &type, err);

	if (r < 0)
		return err_prefix(err,
				  "interface %s is plugged, but whether port %s works is not known",
				  plug->iface, plug->port);
	if (!type) {
		printf("interface %s is plugged; there is no logical port %s yet: it is bound when it appears\n",
		       plug->iface, plug->port);
		return 0;
	}
	if (!str_eq(type, ""))
		return 0; /* a localport is bound nowhere: it works as soon as it is configured */
	r = watch_until(plug->local.watch, is_installed, plug);
	if (r < 0)
		err_set(err, r,
			"port %s: interface %s is plugged, but not bound in time: \"heddle show\" says "
			"where the port is, the log of \"heddle host\" why",
			plug->port, plug->iface);
	return r;
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
	if (!no_wait) /* an agent that has just been started makes the bridge in a moment */
		watch_until(plug.local.watch, has_integration, &plug);
	r = write_iface(&plug, &err);
	if (r == 0 && !no_wait) {
		r = wait_for_device(&plug, &err);
		if (r < 0)
			take_back(&plug);
		else
			r = wait_for_port(&plug, &err);
	}
	local_close(&plug.local);
	return r < 0 ? cli_fail("plug", &err) : 0;
}
