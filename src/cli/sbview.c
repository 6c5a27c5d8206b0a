/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sbview.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/local.h"
#include "ovsdb/socket_path.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"

enum {
	LOCAL_TIMEOUT_S = 1,
};

/* clang-format off */
static const struct client_interest interests[] = {
	{ &sb_chassis_table, OVSDB_COL(SB_CHASSIS_NAME) | OVSDB_COL(SB_CHASSIS_HOSTNAME) | OVSDB_COL(SB_CHASSIS_ENCAPS),
	  OVSDB_COL(SB_CHASSIS_NAME) },
	{ &sb_encap_table, OVSDB_COL(SB_ENCAP_TYPE) | OVSDB_COL(SB_ENCAP_IP), OVSDB_COL(SB_ENCAP_IP) },
	{ &sb_datapath_binding_table,
	  OVSDB_COL(SB_DATAPATH_BINDING_TUNNEL_KEY) | OVSDB_COL(SB_DATAPATH_BINDING_EXTERNAL_IDS),
	  OVSDB_COL(SB_DATAPATH_BINDING_TUNNEL_KEY) },
	{ &sb_port_binding_table,
	  OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT) | OVSDB_COL(SB_PORT_BINDING_TYPE) |
	  OVSDB_COL(SB_PORT_BINDING_DATAPATH) | OVSDB_COL(SB_PORT_BINDING_TUNNEL_KEY) |
	  OVSDB_COL(SB_PORT_BINDING_CHASSIS) | OVSDB_COL(SB_PORT_BINDING_MAC) | OVSDB_COL(SB_PORT_BINDING_UP) |
	  OVSDB_COL(SB_PORT_BINDING_PARENT_PORT) | OVSDB_COL(SB_PORT_BINDING_TAG),
	  OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT) },
};
/* clang-format on */

/* What the agent of this host uses, to be freed; NULL: there is none, or it does not know. */
static char *local_remote(const char *db)
{
	struct local local = { 0 };
	char *remote = NULL;
	const char *set;

	if (local_open(&local, db, LOCAL_TIMEOUT_S, NULL) < 0)
		return NULL;
	set = local_setting(&local, "ovn-remote");
	if (set && *set)
		remote = xstrdup(set);
	local_close(&local);
	return remote;
}

static char *default_remote(void)
{
	AUTO_FREE char *path = socket_path_ovn("ovnsb_db.sock");

	return xasprintf("unix:%s", path);
}

int sbview_open(const char *sb, const char *db, unsigned int timeout_ms, struct watch **ret,
		struct err *err)
{
	const char *set = sb ?: getenv("OVN_SB_DB");
	AUTO_FREE char *remote = set && *set ? xstrdup(set) : local_remote(db) ?: default_remote();
	const struct watch_opts opts = {
		.name = "southbound database",
		.remotes = remote,
		.schema = &sb_schema,
		.interests = interests,
		.n_interests = ARRAY_SIZE(interests),
		.timeout_ms = timeout_ms,
	};

	return watch_open(&opts, ret, err);
}

void sbview_switch_name(const struct sb_datapath_binding *datapath, char *ret, size_t size)
{
	const char *name = ovsdb_smap_get(sb_datapath_binding_external_ids(datapath), "name");
	char uuid[UUID_TEXT_SIZE];

	snprintf(ret, size, "%s", name ?: uuid_format(sb_datapath_binding_uuid(datapath), uuid));
}

const char *sbview_chassis_name(const struct replica *sb, const struct uuid *chassis)
{
	const struct sb_chassis *row = chassis ? sb_chassis_get(sb, chassis) : NULL;

	return row ? sb_chassis_name(row) : NULL;
}
