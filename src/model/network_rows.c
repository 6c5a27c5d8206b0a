/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <utlist.h>

#include "model/lport.h"
#include "model/network_impl.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/str.h"

/* Rows arrive in any order and refer to rows that are not here: objects come into being when a
 * row or a reference needs them, and go with the last of the two. */

/* ---- switches: Datapath_Binding ---- */

static struct sw *sw_get(struct network *network, const struct uuid *uuid)
{
	struct sw *sw;

	HASH_FIND(hh, network->switches, uuid, sizeof(*uuid), sw);
	if (sw)
		return sw;
	sw = xcalloc(1, sizeof(*sw));
	sw->uuid = *uuid;
	HASH_ADD(hh, network->switches, uuid, sizeof(sw->uuid), sw);
	return sw;
}

static void sw_release(struct network *network, struct sw *sw)
{
	if (sw->ports || sw->key)
		return;
	if (sw->marked)
		DL_DELETE2(network->marked_switches, sw, mark_prev, mark_next);
	network_members_done(sw);
	HASH_DEL(network->switches, sw);
	free(sw);
}

/* Keys are part of every entry: what was compiled goes before the key changes. */
static void sw_set_key(struct network *network, struct sw *sw, uint32_t key)
{
	struct port *port;

	if (key != sw->key) {
		DL_FOREACH2(sw->ports, port, sw_next)
		{
			network_port_clear(network, port);
			network_mark_port(network, port);
		}
		sw->key = key;
		network_mark_switch(network, sw);
	}
	sw_release(network, sw);
}

static void take_datapath(struct network *network, const struct sb_datapath_binding *row)
{
	int64_t key = sb_datapath_binding_tunnel_key(row);

	if (sb_datapath_binding_change(row) == ROW_DELETED)
		key = 0;
	sw_set_key(network, sw_get(network, sb_datapath_binding_uuid(row)), (uint32_t)key);
}

/* ---- chassis: Chassis, Encap ---- */

static struct chassis *chassis_get(struct network *network, const struct uuid *uuid)
{
	struct chassis *chassis;

	HASH_FIND(hh, network->chassis, uuid, sizeof(*uuid), chassis);
	if (chassis)
		return chassis;
	chassis = xcalloc(1, sizeof(*chassis));
	chassis->uuid = *uuid;
	HASH_ADD(hh, network->chassis, uuid, sizeof(chassis->uuid), chassis);
	return chassis;
}

static void chassis_release(struct network *network, struct chassis *chassis)
{
	if (chassis->ports || chassis->name)
		return;
	HASH_DEL(network->chassis, chassis);
	free(chassis->encaps);
	free(chassis);
}

static int encap_cmp(const void *a_, const void *b_)
{
	const struct encap *a = a_, *b = b_;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->is_default != b->is_default)
		return a->is_default ? -1 : 1;
	return memcmp(&a->ip, &b->ip, sizeof(a->ip));
}

static bool read_type(const char *text, enum network_encap_type *ret)
{
	for (unsigned int type = 0; type < NETWORK_N_ENCAP_TYPES; type++)
		if (str_eq(text, network_encap_type_name(type))) {
			*ret = type;
			return true;
		}
	return false;
}

static bool read_encap(const struct network *network, const struct uuid *uuid, struct encap *ret)
{
	const struct sb_encap *row = sb_encap_get(network->sb, uuid);
	struct encap encap = { .uuid = *uuid };
	long long port;

	if (!row || !read_type(sb_encap_type(row), &encap.type) ||
	    !ip_parse(sb_encap_ip(row), &encap.ip) || !ip_is_v4(&encap.ip) || ip_is_zero(&encap.ip))
		return false;
	encap.udp_port = encap.type == NETWORK_VXLAN ? DP_VXLAN_PORT : DP_GENEVE_PORT;
	port = ovsdb_smap_get_int(sb_encap_options(row), "dst_port", encap.udp_port);
	if (port > 0 && port <= UINT16_MAX)
		encap.udp_port = (uint16_t)port;
	encap.is_default = ovsdb_smap_get_bool(sb_encap_options(row), "is_default", false);
	*ret = encap;
	return true;
}

static struct encap *read_encaps(const struct network *network, const struct sb_chassis *row,
				 size_t *ret_n)
{
	const struct ovsdb_datum *refs = sb_chassis_encaps(row);
	struct encap *encaps = refs->n ? xcalloc(refs->n, sizeof(*encaps)) : NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < refs->n; i++)
		n += read_encap(network, &refs->keys[i].uuid, &encaps[n]);
	if (n)
		qsort(encaps, n, sizeof(*encaps), encap_cmp);
	*ret_n = n;
	return encaps;
}

static void chassis_rename(struct network *network, struct chassis *chassis, const char *name)
{
	if (str_eq(chassis->name, name))
		return;
	if (chassis->name) {
		HASH_DELETE(hh_name, network->chassis_by_name, chassis);
		free(chassis->name);
	}
	chassis->name = name ? xstrdup(name) : NULL;
	if (name)
		HASH_ADD_KEYPTR(hh_name, network->chassis_by_name, chassis->name, strlen(name),
				chassis);
}

/* row is NULL when it is gone. */
static void chassis_take(struct network *network, struct chassis *chassis,
			 const struct sb_chassis *row)
{
	bool was_ours = network_chassis_is_ours(network, chassis);
	struct port *port;

	network_tunnels_leave(network, chassis);
	free(chassis->encaps);
	chassis->encaps = NULL;
	chassis->n_encaps = 0;
	chassis_rename(network, chassis, row ? sb_chassis_name(row) : NULL);
	if (row)
		chassis->encaps = read_encaps(network, row, &chassis->n_encaps);
	network_tunnels_enter(network, chassis);
	DL_FOREACH2(chassis->ports, port, chassis_next)
	network_mark_port(network, port);
	/* requested-chassis may name us. */
	if (was_ours || network_chassis_is_ours(network, chassis))
		network_mark_all(network);
	chassis_release(network, chassis);
}

static void take_chassis(struct network *network, const struct sb_chassis *row)
{
	const uint64_t columns = OVSDB_COL(SB_CHASSIS_NAME) | OVSDB_COL(SB_CHASSIS_HOSTNAME) |
				 OVSDB_COL(SB_CHASSIS_ENCAPS);
	struct chassis *chassis = chassis_get(network, sb_chassis_uuid(row));

	if (sb_chassis_change(row) == ROW_DELETED)
		chassis_take(network, chassis, NULL);
	else if (!chassis->name || sb_chassis_changed_columns(row) & columns)
		chassis_take(network, chassis, row);
}

static void take_encap(struct network *network, const struct sb_encap *row)
{
	const char *name = sb_encap_chassis_name(row);
	const struct sb_chassis *owner;
	struct chassis *chassis;

	HASH_FIND(hh_name, network->chassis_by_name, name, strlen(name), chassis);
	owner = chassis ? sb_chassis_get(network->sb, &chassis->uuid) : NULL;
	if (owner)
		chassis_take(network, chassis, owner);
}

/* ---- ports: Port_Binding ---- */

static struct port *port_find(const struct network *network, const struct uuid *uuid)
{
	struct port *port;

	HASH_FIND(hh, network->ports, uuid, sizeof(*uuid), port);
	return port;
}

static void port_set_name(struct network *network, struct port *port, const char *text)
{
	struct lport_name *old = port->name;

	port->name = NULL;
	if (text) {
		port->name = network_name_get(network, text);
		port->name->port = port;
		port->name->n_ports++;
	}
	if (!old)
		return;
	if (old->port == port && old != port->name)
		old->port = NULL;
	old->n_ports--;
	network_name_release(network, old);
}

static void port_set_sw(struct network *network, struct port *port, struct sw *sw)
{
	struct sw *old = port->sw;

	if (old == sw)
		return;
	if (old) {
		network_port_clear(network, port);
		DL_DELETE2(old->ports, port, sw_prev, sw_next);
	}
	port->sw = sw;
	if (sw)
		DL_APPEND2(sw->ports, port, sw_prev, sw_next);
	if (old)
		sw_release(network, old);
}

static void port_set_chassis(struct network *network, struct port *port, struct chassis *chassis)
{
	struct chassis *old = port->chassis;

	if (old == chassis)
		return;
	if (old)
		DL_DELETE2(old->ports, port, chassis_prev, chassis_next);
	port->chassis = chassis;
	if (chassis)
		DL_APPEND2(chassis->ports, port, chassis_prev, chassis_next);
	if (old)
		chassis_release(network, old);
}

static void port_remove(struct network *network, struct port *port)
{
	network_port_clear(network, port);
	port_set_name(network, port, NULL);
	port_set_sw(network, port, NULL);
	port_set_chassis(network, port, NULL);
	if (port->marked)
		DL_DELETE2(network->marked_ports, port, mark_prev, mark_next);
	HASH_DEL(network->ports, port);
	free(port);
}

static void port_drop(struct network *network, const struct sb_port_binding *row)
{
	struct port *port = port_find(network, sb_port_binding_uuid(row));

	if (port)
		port_remove(network, port);
}

static struct port *port_get(struct network *network, const struct uuid *uuid)
{
	struct port *port = port_find(network, uuid);

	if (port)
		return port;
	port = xcalloc(1, sizeof(*port));
	port->uuid = *uuid;
	HASH_ADD(hh, network->ports, uuid, sizeof(port->uuid), port);
	return port;
}

static void take_port(struct network *network, const struct sb_port_binding *row)
{
	const struct uuid *datapath = sb_port_binding_datapath(row);
	const struct uuid *chassis = sb_port_binding_chassis(row);
	int64_t key = sb_port_binding_tunnel_key(row);
	enum lport_kind kind = lport_kind(row);
	struct port *port;

	if (sb_port_binding_change(row) == ROW_DELETED)
		return; /* dropped before the others were looked at */
	if (kind == LPORT_OTHER || !datapath || key < 1 || key >= DP_GROUP_MIN) {
		port_drop(network, row);
		return;
	}
	port = port_get(network, sb_port_binding_uuid(row));
	port->localport = kind == LPORT_LOCALPORT;
	port->key = (uint16_t)key;
	port_set_name(network, port, sb_port_binding_logical_port(row));
	port_set_sw(network, port, sw_get(network, datapath));
	port_set_chassis(network, port, chassis ? chassis_get(network, chassis) : NULL);
	network_mark_port(network, port);
}

/* ---- policy: Logical_Switch_Port ---- */

static void disabled_remove(struct network *network, struct disabled_lsp *lsp)
{
	struct lport_name *name = lsp->name;

	name->n_disabled--;
	network_mark_name(network, name);
	network_name_release(network, name);
	HASH_DEL(network->disabled, lsp);
	free(lsp);
}

static void disabled_add(struct network *network, const struct uuid *uuid, const char *name)
{
	struct disabled_lsp *lsp = xcalloc(1, sizeof(*lsp));

	lsp->uuid = *uuid;
	lsp->name = network_name_get(network, name);
	lsp->name->n_disabled++;
	network_mark_name(network, lsp->name);
	HASH_ADD(hh, network->disabled, uuid, sizeof(lsp->uuid), lsp);
}

static void take_lsp(struct network *network, const struct nb_lsp *row)
{
	const struct uuid *uuid = nb_lsp_uuid(row);
	struct disabled_lsp *lsp;
	bool enabled = true;

	HASH_FIND(hh, network->disabled, uuid, sizeof(*uuid), lsp);
	if (lsp)
		disabled_remove(network, lsp);
	if (nb_lsp_change(row) != ROW_DELETED && nb_lsp_enabled(row, &enabled) && !enabled)
		disabled_add(network, uuid, nb_lsp_name(row));
}

/* ---- replicas ---- */

void network_forget_southbound(struct network *network)
{
	struct chassis *chassis, *next_chassis;
	struct port *port, *next_port;
	struct sw *sw, *next_sw;

	HASH_ITER(hh, network->ports, port, next_port)
	port_remove(network, port);
	HASH_ITER(hh, network->switches, sw, next_sw)
	sw_set_key(network, sw, 0);
	HASH_ITER(hh, network->chassis, chassis, next_chassis)
	chassis_take(network, chassis, NULL);
}

void network_forget_northbound(struct network *network)
{
	struct disabled_lsp *lsp, *next;

	HASH_ITER(hh, network->disabled, lsp, next)
	disabled_remove(network, lsp);
}

static void load_southbound(struct network *network, const struct replica *sb)
{
	SB_DATAPATH_BINDING_FOREACH(row, sb)
	take_datapath(network, row);
	SB_CHASSIS_FOREACH(row, sb)
	take_chassis(network, row);
	SB_PORT_BINDING_FOREACH(row, sb)
	take_port(network, row);
}

static void change_southbound(struct network *network, const struct replica *sb)
{
	SB_PORT_BINDING_FOREACH_CHANGE(row, sb)
	{
		if (sb_port_binding_change(row) == ROW_DELETED)
			port_drop(network, row);
	}
	SB_DATAPATH_BINDING_FOREACH_CHANGE(row, sb)
	take_datapath(network, row);
	SB_CHASSIS_FOREACH_CHANGE(row, sb)
	take_chassis(network, row);
	SB_ENCAP_FOREACH_CHANGE(row, sb)
	take_encap(network, row);
	SB_PORT_BINDING_FOREACH_CHANGE(row, sb)
	take_port(network, row);
}

void network_update(struct network *network, const struct replica *sb, const struct replica *nb)
{
	if (sb != network->sb) {
		network_forget_southbound(network);
		network->sb = sb;
		if (sb)
			load_southbound(network, sb);
	} else if (sb) {
		change_southbound(network, sb);
	}
	if (nb != network->nb) {
		network_forget_northbound(network);
		network->nb = nb;
		if (nb) {
			NB_LSP_FOREACH(row, nb)
			take_lsp(network, row);
		}
	} else if (nb) {
		NB_LSP_FOREACH_CHANGE(row, nb)
		take_lsp(network, row);
	}
}
