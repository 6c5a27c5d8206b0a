/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "model/central_private.h"
#include "util/err.h"
#include "util/net.h"
#include "util/str.h"

/* Logical_Switch_Port and Logical_Router_Port -> Port_Binding, and back: up and tag. */

static const char *const lsp_types[] = { "",     "localnet", "localport", "router", "l2gateway",
					 "vtep", "external", "virtual",   "remote" };

#define TAG_MAX 4095

const char *central_port_name(const struct central_port *port)
{
	return port->lsp ? nb_lsp_name(port->lsp) : nb_lrp_name(port->lrp);
}

bool central_port_is_enabled(const struct central_port *port)
{
	bool enabled = true;

	if (port->lsp)
		nb_lsp_enabled(port->lsp, &enabled);
	else
		nb_lrp_enabled(port->lrp, &enabled);
	return enabled;
}

bool central_port_is_realised(const struct central_port *port)
{
	return port->key && port->datapath && port->datapath->key;
}

bool central_port_has_row(const struct central_plan *plan, const struct central_port *port)
{
	if (!central_port_is_realised(port) || !central_datapath_has_row(plan, port->datapath))
		return false;
	if (port->sb && !central_port_must_recreate(port))
		return true;
	return !plan->singly && !central_is_set_aside(plan, CENTRAL_KIND_PORT, &port->nb);
}

/* Which ovn-controller cannot follow in place: ordinary to container port and back, to and from
 * virtual. */
static bool has_new_type(const struct central_port *port)
{
	const char *want, *have;

	if (!port->sb || !port->lsp)
		return false;
	want = nb_lsp_type(port->lsp);
	have = sb_port_binding_type(port->sb);
	if (!*want && !*have)
		return !nb_lsp_parent_name(port->lsp) != !sb_port_binding_parent_port(port->sb);
	return (str_eq(want, "virtual") || str_eq(have, "virtual")) && !str_eq(want, have);
}

/* A port of another switch is another port: it starts unbound, with a new key. */
static bool has_moved(const struct central_port *port)
{
	const struct central_datapath *datapath = port->datapath;

	return !datapath || !datapath->sb || !uuid_eq(&port->sb_datapath, &datapath->sb_uuid);
}

bool central_port_must_recreate(const struct central_port *port)
{
	return port->sb && (port->flags & CENTRAL_PORT_NEW_TYPE || has_moved(port));
}

void central_port_set_namesake(struct central_plan *plan, struct central_port *port, bool is_one)
{
	if (is_one == !!(port->flags & CENTRAL_PORT_NAMESAKE))
		return;
	port->flags ^= CENTRAL_PORT_NAMESAKE;
	if (is_one)
		plan->n_namesakes++;
	else
		plan->n_namesakes--;
}

/* Port_Binding.logical_port is unique, so that a name belongs to one port only.  (Which of the two ovn-northd takes is
 * chance.) */
static void look_for_namesake(struct central_plan *plan, struct central_port *port)
{
	const struct nb_lsp *lsp =
		port->lrp ? nb_lsp_by_name(plan->nb, nb_lrp_name(port->lrp)) : NULL;
	bool is_one = lsp && central_find_port(plan, nb_lsp_uuid(lsp));

	central_port_set_namesake(plan, port, is_one);
	if (is_one)
		central_problem(
			plan, &port->warned, CENTRAL_SAME_NAME,
			"logical router port \"%s\": a switch port has the same name; rename "
			"one of them, until then the router port is left out",
			nb_lrp_name(port->lrp));
	else
		central_problem(plan, &port->warned, CENTRAL_SAME_NAME, NULL);
}

void central_port_read(struct central_plan *plan, struct central_port *port)
{
	const struct ovsdb_datum *options =
		port->lsp ? nb_lsp_options(port->lsp) : nb_lrp_options(port->lrp);
	bool is_router = port->lsp && str_eq(nb_lsp_type(port->lsp), "router");
	long long key = ovsdb_smap_get_int(options, "requested-tnl-key", 0);

	port->requested = key > 0 && key <= CENTRAL_PORT_KEY_MAX ? (uint16_t)key : 0;
	central_link_port(plan, port, is_router ? ovsdb_smap_get(options, "router-port") : NULL);
	port->flags &= ~(CENTRAL_PORT_NEW_TYPE | CENTRAL_PORT_REQUESTS_CHASSIS | CENTRAL_PORT_QOS);
	if (port->lsp && central_port_has_qos(port->lsp))
		port->flags |= CENTRAL_PORT_QOS;
	port->groups = central_port_groups(port);
	look_for_namesake(plan, port);
	if (has_new_type(port))
		port->flags |= CENTRAL_PORT_NEW_TYPE;
	if (port->lsp && ovsdb_smap_get(options, "requested-chassis"))
		port->flags |= CENTRAL_PORT_REQUESTS_CHASSIS;
}

static const char *known_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(lsp_types); i++)
		if (str_eq(type, lsp_types[i]))
			return type;
	return NULL;
}

static void check_addresses(struct central_plan *plan, struct central_port *port)
{
	const struct ovsdb_datum *addresses = nb_lsp_addresses(port->lsp);
	struct lsp_address address;
	struct err err = ERR_INIT;

	for (uint32_t i = 0; i < addresses->n; i++) {
		if (lsp_address_parse(addresses->keys[i].string, &address, &err) == 0)
			continue;
		central_problem(plan, &port->warned, CENTRAL_BAD_ADDRESS, "logical port \"%s\": %s",
				central_port_name(port), err.text);
		return;
	}
	central_problem(plan, &port->warned, CENTRAL_BAD_ADDRESS, NULL);
}

/* ---- requested-chassis ---- */

static const struct sb_chassis *find_chassis(const struct central_plan *plan, const char *name)
{
	const struct sb_chassis *chassis = sb_chassis_by_name(plan->sb, name);

	if (chassis)
		return chassis;
	return sb_chassis_from_row(replica_find(plan->sb, &sb_chassis_table,
						&sb_chassis_columns[SB_CHASSIS_HOSTNAME], name));
}

/* The first known one of the list is the port's chassis, the other known ones are additional. */
static void write_requested_chassis(struct central_plan *plan, struct central_port *port,
				    const struct central_row *row)
{
	const struct ovsdb_column *more =
		&sb_port_binding_columns[SB_PORT_BINDING_REQUESTED_ADDITIONAL_CHASSIS];
	const char *requested = ovsdb_smap_get(nb_lsp_options(port->lsp), "requested-chassis");
	AUTO_FREE char *names = xstrdup(requested ?: "");
	struct ovsdb_datum additional = OVSDB_DATUM_EMPTY;
	const struct uuid *first = NULL;
	const char *unknown = NULL;
	char *save = NULL;

	for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		const struct sb_chassis *chassis = find_chassis(plan, name);

		if (!chassis)
			unknown = unknown ?: name;
		else if (!first)
			first = sb_chassis_uuid(chassis);
		else
			ovsdb_datum_insert(&additional, more,
					   (union ovsdb_atom){ .uuid = *sb_chassis_uuid(chassis) },
					   (union ovsdb_atom){ 0 });
	}
	if (unknown)
		central_problem(plan, &port->warned, CENTRAL_BAD_CHASSIS,
				"logical port \"%s\": requested-chassis names \"%s\", which is no "
				"chassis (yet)",
				central_port_name(port), unknown);
	else
		central_problem(plan, &port->warned, CENTRAL_BAD_CHASSIS, NULL);
	central_row_uuid(row, &sb_port_binding_columns[SB_PORT_BINDING_REQUESTED_CHASSIS], first);
	central_row_datum(row, more, &additional);
	ovsdb_datum_done(&additional, more);
}

/* ---- Port_Binding ---- */

static const char *gateway_chassis(const struct nb_lr *lr)
{
	return lr ? ovsdb_smap_get(nb_lr_options(lr), "chassis") : NULL;
}

static struct central_port *router_peer(const struct central_plan *plan, const struct nb_lsp *lsp)
{
	const char *name = ovsdb_smap_get(nb_lsp_options(lsp), "router-port");
	const struct nb_lrp *lrp = name ? nb_lrp_by_name(plan->nb, name) : NULL;

	return lrp ? central_find_port(plan, nb_lrp_uuid(lrp)) : NULL;
}

/* A patch port: the only options are the other end and where it is: the name of the chassisredirect port, for a gateway
 * router the chassis. */
static void write_patch(const struct central_row *row, const char *peer, const char *redirect,
			const char *chassis)
{
	const struct ovsdb_column *column = &sb_port_binding_columns[SB_PORT_BINDING_OPTIONS];
	struct ovsdb_datum options = OVSDB_DATUM_EMPTY;

	if (peer)
		central_smap_put(&options, column, "peer", peer);
	if (peer && redirect)
		central_smap_put(&options, column, "chassis-redirect-port", redirect);
	if (chassis)
		central_smap_put(&options, column, "l3gateway-chassis", chassis);
	central_row_string(row, &sb_port_binding_columns[SB_PORT_BINDING_TYPE],
			   chassis ? "l3gateway" : "patch");
	central_row_datum(row, column, &options);
	ovsdb_datum_done(&options, column);
}

static void write_vif_options(const struct central_plan *plan, struct central_port *port,
			      const struct central_row *row)
{
	const struct ovsdb_column *column = &sb_port_binding_columns[SB_PORT_BINDING_OPTIONS];
	struct ovsdb_datum options = ovsdb_datum_clone(nb_lsp_options(port->lsp), column);
	uint32_t queue = central_port_queue(plan, port);
	char text[16];

	if (ovsdb_smap_get_bool(nb_ls_other_config(port->datapath->ls), "vlan-passthru", false))
		central_smap_put_also(&options, column, "vlan-passthru", "true");
	snprintf(text, sizeof(text), "%u", queue);
	if (queue)
		central_smap_put_also(&options, column, "qdisc_queue_id", text);
	central_row_datum(row, column, &options);
	ovsdb_datum_done(&options, column);
}

static void write_external_ids(const struct ovsdb_datum *nb, const struct central_row *row)
{
	const struct ovsdb_column *column = &sb_port_binding_columns[SB_PORT_BINDING_EXTERNAL_IDS];
	const char *name = ovsdb_smap_get(nb, "neutron:port_name");
	struct ovsdb_datum ids;

	if (!name || !*name) {
		central_row_datum(row, column, nb);
		return;
	}
	ids = ovsdb_datum_clone(nb, column);
	central_smap_put_also(&ids, column, "name", name);
	central_row_datum(row, column, &ids);
	ovsdb_datum_done(&ids, column);
}

static void write_lsp(struct central_plan *plan, struct central_port *port,
		      const struct central_row *row)
{
	const struct nb_lsp *lsp = port->lsp;
	const char *type = known_type(nb_lsp_type(lsp));
	bool keep_nat = false;

	if (type)
		central_problem(plan, &port->warned, CENTRAL_BAD_TYPE, NULL);
	else
		central_problem(plan, &port->warned, CENTRAL_BAD_TYPE,
				"logical port \"%s\": unknown type \"%s\"", nb_lsp_name(lsp),
				nb_lsp_type(lsp));
	if (type && str_eq(type, "router")) {
		struct central_port *peer = router_peer(plan, lsp);

		/* ovn-northd's announcements are kept, but not made yet. */
		keep_nat = peer && peer->datapath && central_router_has_gateway(peer->datapath);
		write_patch(row, ovsdb_smap_get(nb_lsp_options(lsp), "router-port"), NULL,
			    peer && peer->datapath ? gateway_chassis(peer->datapath->lr) : NULL);
	} else {
		/* An unknown type leaves the row's as it is. */
		if (type || !row->have)
			central_row_string(row, &sb_port_binding_columns[SB_PORT_BINDING_TYPE],
					   type ?: "");
		write_vif_options(plan, port, row);
		write_requested_chassis(plan, port, row);
	}
	if (!keep_nat)
		central_row_datum(row, &sb_port_binding_columns[SB_PORT_BINDING_NAT_ADDRESSES],
				  &(struct ovsdb_datum)OVSDB_DATUM_EMPTY);
	check_addresses(plan, port);
	central_row_string(row, &sb_port_binding_columns[SB_PORT_BINDING_PARENT_PORT],
			   nb_lsp_parent_name(lsp));
	central_row_datum(row, &sb_port_binding_columns[SB_PORT_BINDING_TAG],
			  row_datum(nb_lsp_row(lsp), &nb_lsp_columns[NB_LSP_TAG]));
	central_row_datum(row, &sb_port_binding_columns[SB_PORT_BINDING_MAC],
			  nb_lsp_addresses(lsp));
	central_row_datum(row, &sb_port_binding_columns[SB_PORT_BINDING_PORT_SECURITY],
			  nb_lsp_port_security(lsp));
	write_external_ids(nb_lsp_external_ids(lsp), row);
}

static void write_lrp(struct central_plan *plan, struct central_port *port,
		      const struct central_row *row)
{
	const struct ovsdb_column *column = &sb_port_binding_columns[SB_PORT_BINDING_MAC];
	const struct ovsdb_datum *networks = nb_lrp_networks(port->lrp);
	const struct sb_port_binding *redirect = central_redirect_row(plan, port);
	struct ovsdb_datum mac = OVSDB_DATUM_EMPTY;
	struct str text = STR_INIT;

	write_patch(row, central_switch_peer(plan, port),
		    redirect ? sb_port_binding_logical_port(redirect) : NULL,
		    gateway_chassis(port->datapath->lr));
	str_add(&text, nb_lrp_mac(port->lrp));
	for (uint32_t i = 0; i < networks->n; i++)
		str_addf(&text, " %s", networks->keys[i].string);
	ovsdb_datum_insert(&mac, column, (union ovsdb_atom){ .string = text.s },
			   (union ovsdb_atom){ 0 });
	central_row_datum(row, column, &mac);
	ovsdb_datum_done(&mac, column);
	str_done(&text);
	write_external_ids(nb_lrp_external_ids(port->lrp), row);
	central_redirect_write(plan, port, row->txn);
}

void central_port_write(struct central_plan *plan, struct central_port *port, struct txn *txn)
{
	const struct row *have = port->sb ? sb_port_binding_row(port->sb) : NULL;
	struct central_row row;

	if (have && (!central_port_is_realised(port) || central_port_must_recreate(port))) {
		sb_port_binding_delete(txn, row_uuid(have));
		have = NULL;
	}
	if (!central_port_is_realised(port) || !central_datapath_has_row(plan, port->datapath))
		return;
	row = central_row_open(txn, &sb_port_binding_table, have);
	port->sb_uuid = row.uuid;
	central_row_string(&row, &sb_port_binding_columns[SB_PORT_BINDING_LOGICAL_PORT],
			   central_port_name(port));
	central_row_uuid(&row, &sb_port_binding_columns[SB_PORT_BINDING_DATAPATH],
			 &port->datapath->sb_uuid);
	central_row_integer(&row, &sb_port_binding_columns[SB_PORT_BINDING_TUNNEL_KEY], port->key);
	if (port->lsp)
		write_lsp(plan, port, &row);
	else
		write_lrp(plan, port, &row);
	/* A chassis writes "up" only where it finds a value. */
	if (!have || !row_datum(have, &sb_port_binding_columns[SB_PORT_BINDING_UP])->n)
		central_row_boolean(&row, &sb_port_binding_columns[SB_PORT_BINDING_UP], false);
}

/* ---- northbound ---- */

static bool is_up(const struct central_port *port)
{
	bool up = false;

	if (str_eq(nb_lsp_type(port->lsp), "router"))
		return true;
	if (sb_port_binding_chassis(port->sb))
		sb_port_binding_up(port->sb, &up);
	return up;
}

/* The lowest VLAN that no other container port of the parent has; 0: none is left. */
static int64_t free_tag(const struct central_plan *plan, const char *parent)
{
	struct central_keys tags = CENTRAL_KEYS_INIT;
	int64_t tag;

	NB_LSP_FOREACH(lsp, plan->nb)
	{
		if (str_eq(nb_lsp_parent_name(lsp), parent) && nb_lsp_tag(lsp, &tag) && tag > 0)
			central_keys_add(&tags, (uint32_t)tag);
	}
	tag = central_keys_allocate(&tags, TAG_MAX, 0);
	central_keys_done(&tags);
	return tag;
}

static void write_tag(struct central_plan *plan, struct central_port *port, struct txn *txn)
{
	const char *parent = nb_lsp_parent_name(port->lsp);
	int64_t requested, tag = 0;
	bool has_tag = nb_lsp_tag(port->lsp, &tag);

	if (!nb_lsp_tag_request(port->lsp, &requested))
		return;
	if (requested == 0) {
		if (has_tag || !parent || !*parent)
			return;
		if (plan->tag_given) { /* the next transaction sees the tag given in this one */
			central_mark_add(&plan->late_nb_ports, &port->nb_mark);
			return;
		}
		plan->tag_given = true;
		requested = free_tag(plan, parent);
		if (!requested) {
			central_problem(plan, &port->warned, CENTRAL_NO_TAG,
					"logical port \"%s\": parent \"%s\" has no free tag",
					nb_lsp_name(port->lsp), parent);
			return;
		}
	}
	central_problem(plan, &port->warned, CENTRAL_NO_TAG, NULL);
	if (!has_tag || tag != requested)
		nb_lsp_set_tag(txn, &port->nb, &requested);
}

void central_port_write_back(struct central_plan *plan, struct central_port *port, struct txn *txn)
{
	bool have = false, want;

	if (!port->lsp)
		return;
	write_tag(plan, port, txn);
	if (!port->sb)
		return;
	want = is_up(port);
	if (!nb_lsp_up(port->lsp, &have) || have != want)
		nb_lsp_set_up(txn, &port->nb, &want);
}
