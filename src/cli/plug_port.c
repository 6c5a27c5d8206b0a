/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plug_port.h"

#include <errno.h>
#include <stdio.h>

#include "cli/sbview.h"
#include "model/chassis.h"
#include "model/lport.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

/* clang-format off */
static const struct client_interest interests[] = {
	{ &sb_chassis_table, OVSDB_COL(SB_CHASSIS_NAME) | OVSDB_COL(SB_CHASSIS_HOSTNAME), OVSDB_COL(SB_CHASSIS_NAME) },
	{ &sb_port_binding_table,
	  OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT) | OVSDB_COL(SB_PORT_BINDING_TYPE) |
	  OVSDB_COL(SB_PORT_BINDING_PARENT_PORT) | OVSDB_COL(SB_PORT_BINDING_CHASSIS) |
	  OVSDB_COL(SB_PORT_BINDING_OPTIONS) | OVSDB_COL(SB_PORT_BINDING_REQUESTED_CHASSIS),
	  OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT) },
};
/* clang-format on */

/* The northbound name of a type: what the user has set. */
static const char *type_name(const char *type)
{
	static const char *const names[][2] = {
		{ "patch", "router" },
		{ "l3gateway", "router" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(type, names[i][0]))
			return names[i][1];
	return type;
}

static int check_kind(const struct sb_port_binding *row, struct err *err)
{
	const char *name = sb_port_binding_logical_port(row), *type = sb_port_binding_type(row);
	const char *parent = sb_port_binding_parent_port(row);

	if (lport_kind(row) != LPORT_OTHER)
		return 0;
	if (*type)
		return err_set(err, -EOPNOTSUPP,
			       "port %s is of type %s: no interface can be plugged into it", name,
			       type_name(type));
	return err_set(err, -EOPNOTSUPP,
		       "port %s is a container's, behind port %s: no interface can be plugged into "
		       "it, but into %s",
		       name, parent, parent);
}

/* While our row is not there, the agent is about to find out who it is: nothing can be said. */
static int check_request(const struct replica *sb, const struct sb_port_binding *row,
			 const struct sb_chassis *ours, struct err *err)
{
	const char *wanted = sbview_chassis_name(sb, sb_port_binding_requested_chassis(row));

	if (!ours || lport_may_bind(row, ours, sb_chassis_name(ours)))
		return 0;
	if (!wanted)
		wanted = ovsdb_smap_get(sb_port_binding_options(row), "requested-chassis");
	return err_set(
		err, -EPERM,
		"port %s is meant for chassis %s (options:requested-chassis), and this is %s",
		sb_port_binding_logical_port(row), wanted ?: "?", sb_chassis_name(ours));
}

static int read_row(const struct replica *sb, const struct sb_port_binding *row,
		    const struct sb_chassis *ours, struct plug_port *ret, struct err *err)
{
	const struct uuid *holder = sb_port_binding_chassis(row);
	bool is_ours = holder && ours && uuid_eq(holder, sb_chassis_uuid(ours));
	int r = check_kind(row, err) ?: check_request(sb, row, ours, err);

	if (r < 0)
		return r;
	*ret = (struct plug_port){
		.exists = true,
		.is_localport = lport_kind(row) == LPORT_LOCALPORT,
	};
	if (holder && !is_ours)
		snprintf(ret->holder, sizeof(ret->holder), "%s",
			 sbview_chassis_name(sb, holder) ?: "?");
	return 0;
}

int plug_port_look(const struct plug_port_opts *opts, struct plug_port *ret, struct err *err)
{
	struct watch_opts watch_opts = {
		.name = "southbound database",
		.remotes = opts->remotes,
		.schema = &sb_schema,
		.interests = interests,
		.n_interests = ARRAY_SIZE(interests),
		.conditional = &sb_port_binding_table,
		.timeout_ms = opts->timeout_ms,
	};
	const struct sb_port_binding *row;
	const struct uuid *ours;
	struct replica *sb;
	struct watch *watch;
	int r;

	if (!opts->remotes || !*opts->remotes)
		return err_set(err, -ENOENT, "external_ids:ovn-remote is not set");
	watch_opts.where = json_pack("[[s, s, s]]", "logical_port", "==", opts->port);
	r = watch_open(&watch_opts, &watch, err);
	if (r < 0)
		return r;
	sb = watch_replica(watch);
	row = sb_port_binding_by_logical_port(sb, opts->port);
	ours = opts->chassis ? chassis_find(sb, opts->chassis) : NULL;
	if (row)
		r = read_row(sb, row, ours ? sb_chassis_get(sb, ours) : NULL, ret, err);
	else
		*ret = (struct plug_port){ 0 };
	watch_close(watch);
	return r;
}
