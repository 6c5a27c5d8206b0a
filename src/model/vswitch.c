/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vswitch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ovsdb/datum.h"
#include "schema/ovs.h"
#include "util/str.h"

#define ALIAS_BRIDGE    "heddle bridge "
#define ALIAS_INTERFACE "heddle interface "
#define ALIAS_HEADROOM  "heddle headroom"

enum {
	OFPORT_MAX = 65279, /* Interface.ofport_request's largest */
};

/* ---- names ---- */

void vswitch_peer_name(const char *name, char ret[static VSWITCH_NAME_SIZE])
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	snprintf(ret, VSWITCH_NAME_SIZE, "hp%012" PRIx64, hash & UINT64_C(0xffffffffffff));
}

static bool is_headroom(const struct vswitch_device *device)
{
	return str_eq(device->alias, ALIAS_HEADROOM);
}

bool vswitch_is_ours(const struct vswitch_device *device)
{
	return str_starts(device->alias, ALIAS_BRIDGE) ||
	       str_starts(device->alias, ALIAS_INTERFACE) || is_headroom(device);
}

static bool is_alias(const struct vswitch_device *device, const char *prefix, const char *name)
{
	return str_starts(device->alias, prefix) && str_eq(device->alias + strlen(prefix), name);
}

/* ---- actions ---- */

static struct vswitch_action *add_action(struct vswitch_plan *plan, enum vswitch_action_kind kind,
					 const char *name, uint32_t ifindex)
{
	struct vswitch_action *action = VEC_PUSH(plan->actions);

	*action = (struct vswitch_action){ .kind = kind, .ifindex = ifindex };
	snprintf(action->name, sizeof(action->name), "%s", name);
	return action;
}

static void set_error(struct vswitch_port *port, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void set_error(struct vswitch_port *port, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(port->error, sizeof(port->error), format, args);
	va_end(args);
	str_make_utf8(port->error); /* a device's name may be any bytes, and the end may be cut */
}

/* False: the last attempt failed, and the port says why. */
static bool may_change(const struct vswitch_in *in, struct vswitch_port *port, const char *device)
{
	const char *problem = in->problem(in->arg, device);

	if (problem && port)
		set_error(port, "%s", problem);
	return !problem;
}

static bool is_valid_name(const char *name)
{
	return *name && strlen(name) < VSWITCH_NAME_SIZE && !strpbrk(name, "/ \t\n") &&
	       !str_eq(name, ".") && !str_eq(name, "..");
}

/* ---- room in front of packets ---- */

struct room {
	const struct vswitch_device *bridge; /* NULL: there is none */
	size_t members;
	bool is_open; /* it is worth joining */
};

/* The device of that name if it is ours; if there is none, it is about to be. */
static const struct vswitch_device *want_headroom(const struct vswitch_in *in,
						  struct vswitch_plan *plan,
						  enum vswitch_action_kind create, const char *name)
{
	const struct vswitch_device *device = in->by_name(in->arg, name);
	struct vswitch_action *action;

	if (device)
		return is_headroom(device) ? device : NULL;
	if (may_change(in, NULL, name)) {
		action = add_action(plan, create, name, 0);
		snprintf(action->alias, sizeof(action->alias), ALIAS_HEADROOM);
	}
	return NULL;
}

static void count_member(void *arg, const struct vswitch_device *device)
{
	struct room *room = arg;

	room->members += device->master == room->bridge->ifindex;
}

/* Up, the bridge would forward. */
static void want_down(const struct vswitch_in *in, struct vswitch_plan *plan,
		      const struct vswitch_device *device)
{
	if (device->up && may_change(in, NULL, device->name))
		add_action(plan, VSWITCH_SET_DOWN, device->name, device->ifindex);
}

static struct room plan_room(const struct vswitch_in *in, struct vswitch_plan *plan)
{
	const struct vswitch_device *filler;
	struct room room = { 0 };

	if (!ovs_bridge_by_name(in->ovs, in->integration))
		return room;
	room.bridge = want_headroom(in, plan, VSWITCH_CREATE_BRIDGE, VSWITCH_ROOM);
	filler = want_headroom(in, plan, VSWITCH_CREATE_FILLER, VSWITCH_FILLER);
	if (!room.bridge)
		return room;
	in->each(in->arg, count_member, &room);
	want_down(in, plan, room.bridge);
	if (!filler)
		return room;
	want_down(in, plan, filler);
	room.is_open = filler->master == room.bridge->ifindex;
	if (!room.is_open && may_change(in, NULL, filler->name))
		add_action(plan, VSWITCH_SET_MASTER, filler->name, filler->ifindex)->value =
			room.bridge->ifindex;
	return room;
}

/* ---- one interface ---- */

struct bridge {
	const struct ovs_bridge *row;
	const char *name;
	bool integration;
	const struct vswitch_device *device; /* NULL: not there, or not ours */
	struct room *room;
};

static void want_mtu(const struct vswitch_in *in, struct vswitch_plan *plan,
		     struct vswitch_port *port, const struct ovs_interface *row,
		     const struct vswitch_device *device)
{
	int64_t mtu;

	if (!device || !ovs_interface_mtu_request(row, &mtu) || mtu == device->mtu ||
	    mtu > UINT32_MAX)
		return;
	if (may_change(in, port, device->name))
		add_action(plan, VSWITCH_SET_MTU, device->name, device->ifindex)->value =
			(uint32_t)mtu;
}

static void want_mac(const struct vswitch_in *in, struct vswitch_plan *plan,
		     struct vswitch_port *port, const char *text,
		     const struct vswitch_device *device)
{
	struct mac mac;

	if (!device || !text || !mac_parse(text, &mac) || mac_is_multicast(&mac) ||
	    mac_is_zero(&mac) || mac_eq(&mac, &device->mac))
		return;
	if (may_change(in, port, device->name))
		add_action(plan, VSWITCH_SET_MAC, device->name, device->ifindex)->mac = mac;
}

/* The bridge that has the device's sender leave room, or 0.  To leave that bridge takes the kernel milliseconds: who is
 * in it stays.  A tap's sender leaves enough by itself (NET_SKB_PAD). */
static uint32_t want_room(struct room *room, const struct vswitch_device *device)
{
	if (!room->bridge || !str_eq(device->kind, "veth"))
		return 0;
	if (device->master == room->bridge->ifindex)
		return device->master;
	if (!room->is_open || room->members >= VSWITCH_ROOM_MAX)
		return 0;
	room->members++;
	return room->bridge->ifindex;
}

/* True: the device is where it should be, or is about to be, or can do without. */
static bool want_master(const struct vswitch_in *in, struct vswitch_plan *plan,
			struct vswitch_port *port, const struct bridge *bridge,
			const struct vswitch_device *device)
{
	const struct vswitch_device *master;
	uint32_t wanted;

	if (!bridge->integration && !bridge->device) {
		set_error(port, "bridge %s has no device", bridge->name);
		return false;
	}
	wanted = bridge->integration ? want_room(bridge->room, device) : bridge->device->ifindex;
	if (device->master == wanted)
		return true;
	master = device->master ? in->by_index(in->arg, device->master) : NULL;
	if (device->master && (!master || !vswitch_is_ours(master))) {
		set_error(port, "device %s belongs to %s already: take it out of there first",
			  device->name, master ? master->name : "another device");
		return false;
	}
	if (bridge->integration && !device->master && in->problem(in->arg, device->name))
		return true; /* room is not to be had */
	if (!may_change(in, port, device->name))
		return false;
	add_action(plan, VSWITCH_SET_MASTER, device->name, device->ifindex)->value = wanted;
	return true;
}

static void use_device(struct vswitch_port *port, const struct vswitch_device *device)
{
	port->has_device = true;
	port->ifindex = device->ifindex;
	port->peer_elsewhere = device->peer_elsewhere;
	port->born = device->born;
	port->down = !device->up || !device->running;
}

/* What would cut the machine off, were its frames a workload's. */
static bool is_usable(const struct vswitch_in *in, struct vswitch_port *port,
		      const struct bridge *bridge, const struct vswitch_device *device)
{
	if (vswitch_is_ours(device))
		set_error(port, "device %s is Heddle's own (%s): name another", port->name,
			  device->alias);
	else if (mac_is_zero(&device->mac))
		set_error(port, "device %s has no Ethernet address: name another", port->name);
	else if (bridge->integration && device->ifindex == in->underlay)
		set_error(port, "device %s has this host's tunnel address: name another",
			  port->name);
	else
		return true;
	return false;
}

static void plan_system(const struct vswitch_in *in, struct vswitch_plan *plan,
			struct vswitch_port *port, const struct bridge *bridge,
			const struct ovs_interface *row)
{
	const struct vswitch_device *device = in->by_name(in->arg, port->name);

	if (!device) {
		set_error(port, "could not open network device %s (No such device)", port->name);
		return;
	}
	if (!is_usable(in, port, bridge, device) || !want_master(in, plan, port, bridge, device))
		return;
	want_mtu(in, plan, port, row, device);
	port->shown = device;
	use_device(port, device);
}

static void create_internal(const struct vswitch_in *in, struct vswitch_plan *plan,
			    struct vswitch_port *port, const char *peer)
{
	struct vswitch_action *action;

	if (!may_change(in, port, port->name))
		return;
	action = add_action(plan, VSWITCH_CREATE_INTERNAL, port->name, 0);
	snprintf(action->peer, sizeof(action->peer), "%s", peer);
	snprintf(action->alias, sizeof(action->alias), ALIAS_INTERFACE "%s", port->name);
}

static void plan_internal(const struct vswitch_in *in, struct vswitch_plan *plan,
			  struct vswitch_port *port, const struct bridge *bridge,
			  const struct ovs_interface *row)
{
	const struct vswitch_device *device = in->by_name(in->arg, port->name), *side;
	char peer[VSWITCH_NAME_SIZE];

	vswitch_peer_name(port->name, peer);
	side = in->by_name(in->arg, peer);
	if (device && !is_alias(device, ALIAS_INTERFACE, port->name)) {
		set_error(port,
			  "device %s exists already and is not Heddle's: remove it or name another",
			  port->name);
		return;
	}
	if (!side) {
		create_internal(in, plan, port, peer);
		return;
	}
	if (!want_master(in, plan, port, bridge, side))
		return;
	want_mac(in, plan, port, ovs_interface_mac(row), device);
	want_mtu(in, plan, port, row, device);
	want_mtu(in, plan, port, row, side);
	port->shown = device;
	use_device(port, side);
}

static void plan_local(const struct vswitch_in *in, struct vswitch_plan *plan,
		       struct vswitch_port *port, const struct bridge *bridge,
		       const struct ovs_interface *row)
{
	const char *mac = ovsdb_smap_get(ovs_bridge_other_config(bridge->row), "hwaddr");

	port->local = true;
	if (!bridge->device) {
		if (may_change(in, port, bridge->name) && in->by_name(in->arg, bridge->name))
			set_error(port,
				  "device %s exists already and is not Heddle's: remove it or name "
				  "another",
				  bridge->name);
		return;
	}
	want_mac(in, plan, port, mac ?: ovs_interface_mac(row), bridge->device);
	want_mtu(in, plan, port, row, bridge->device);
	port->has_device = true;
	port->shown = bridge->device;
}

/* What a port asks for and nothing here does: better no port than one in the wrong VLAN. */
static const char *unsupported(const struct ovs_port *row)
{
	int64_t tag;

	if (ovs_port_interfaces(row)->n > 1)
		return "bonds";
	if (ovs_port_tag(row, &tag) || ovs_port_trunks(row)->n || ovs_port_vlan_mode(row))
		return "VLAN tags, trunks and modes";
	return NULL;
}

static void plan_interface(const struct vswitch_in *in, struct vswitch_plan *plan,
			   const struct bridge *bridge, const struct ovs_port *port_row,
			   const struct ovs_interface *row)
{
	const char *type = ovs_interface_type(row);
	struct vswitch_port *port = VEC_PUSH(plan->ports);
	int64_t ofport;

	*port = (struct vswitch_port){
		.name = ovs_interface_name(row),
		.uuid = *ovs_interface_uuid(row),
		.integration = bridge->integration,
	};
	if (ovs_interface_ofport(row, &ofport) && ofport > 0)
		port->ofport_before = ofport;
	ovs_interface_ofport_request(row, &port->ofport_request);
	if (!is_valid_name(port->name))
		set_error(
			port,
			"\"%s\" cannot be a device's name (at most %d characters, no slash or space)",
			port->name, VSWITCH_NAME_SIZE - 1);
	else if (unsupported(port_row))
		set_error(port, "port %s: %s are not supported", ovs_port_name(port_row),
			  unsupported(port_row));
	else if (str_eq(port->name, bridge->name))
		plan_local(in, plan, port, bridge, row);
	else if (str_eq(type, "internal"))
		plan_internal(in, plan, port, bridge, row);
	else if (str_eq(type, "") || str_eq(type, "system"))
		plan_system(in, plan, port, bridge, row);
	else
		set_error(port, "%s: interface type \"%s\" is not supported", port->name, type);
}

/* ---- numbers ---- */

struct numbers {
	uint8_t taken[(VSWITCH_LOCAL_OFPORT + 8) / 8];
};

static bool take(struct numbers *numbers, int64_t ofport)
{
	uint8_t bit = (uint8_t)(1U << (ofport % 8));

	if (ofport < 1 || ofport > OFPORT_MAX || numbers->taken[ofport / 8] & bit)
		return false;
	numbers->taken[ofport / 8] |= bit;
	return true;
}

static void take_for(struct numbers *numbers, struct vswitch_port *port, int64_t ofport)
{
	if (port->ofport == 0 && take(numbers, ofport))
		port->ofport = ofport;
}

/* Ports of one bridge.  Who has the number it asked for keeps it, then who asks for one gets it, then who has one
 * keeps it, then the lowest free ones are dealt out. */
static void number_ports(struct vswitch_port *ports, size_t n)
{
	struct numbers numbers = { 0 };
	int64_t next = 1;

	for (size_t i = 0; i < n; i++) {
		ports[i].ofport = !ports[i].has_device ? -1
				  : ports[i].local     ? VSWITCH_LOCAL_OFPORT
						       : 0;
		if (ports[i].ofport_request == ports[i].ofport_before)
			take_for(&numbers, &ports[i], ports[i].ofport_request);
	}
	for (size_t i = 0; i < n; i++)
		take_for(&numbers, &ports[i], ports[i].ofport_request);
	for (size_t i = 0; i < n; i++)
		take_for(&numbers, &ports[i], ports[i].ofport_before);
	for (size_t i = 0; i < n; i++)
		for (; ports[i].ofport == 0 && next <= OFPORT_MAX; next++)
			take_for(&numbers, &ports[i], next);
}

/* ---- bridges ---- */

static void plan_bridge_device(const struct vswitch_in *in, struct vswitch_plan *plan,
			       struct bridge *bridge)
{
	const struct vswitch_device *device = in->by_name(in->arg, bridge->name);
	struct vswitch_action *action;

	if (!device && is_valid_name(bridge->name) && may_change(in, NULL, bridge->name)) {
		action = add_action(plan, VSWITCH_CREATE_BRIDGE, bridge->name, 0);
		snprintf(action->alias, sizeof(action->alias), ALIAS_BRIDGE "%s", bridge->name);
	}
	if (!device || !is_alias(device, ALIAS_BRIDGE, bridge->name))
		return;
	bridge->device = device;
	/* Open vSwitch forwards whatever the state of the bridge's own device; a Linux bridge must be up. */
	if (!bridge->integration && !device->up && may_change(in, NULL, bridge->name))
		add_action(plan, VSWITCH_SET_UP, bridge->name, device->ifindex);
}

static void plan_bridge(const struct vswitch_in *in, struct vswitch_plan *plan, struct room *room,
			const struct ovs_bridge *row)
{
	const struct ovsdb_datum *ports = ovs_bridge_ports(row), *interfaces;
	struct bridge bridge = { .row = row, .name = ovs_bridge_name(row), .room = room };
	size_t first = plan->ports.n;

	bridge.integration = str_eq(bridge.name, in->integration);
	plan_bridge_device(in, plan, &bridge);
	for (uint32_t i = 0; ports && i < ports->n; i++) {
		const struct ovs_port *port = ovs_port_get(in->ovs, &ports->keys[i].uuid);

		interfaces = port ? ovs_port_interfaces(port) : NULL;
		for (uint32_t j = 0; interfaces && j < interfaces->n; j++) {
			const struct ovs_interface *interface =
				ovs_interface_get(in->ovs, &interfaces->keys[j].uuid);

			if (interface)
				plan_interface(in, plan, &bridge, port, interface);
		}
	}
	if (plan->ports.n > first)
		number_ports(plan->ports.v + first, plan->ports.n - first);
}

/* ---- what is not wanted any more ---- */

struct sweep {
	const struct vswitch_in *in;
	struct vswitch_plan *plan;
	VEC(uint32_t) wanted; /* the ports' devices, sorted */
};

static int compare_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void list_wanted(struct sweep *sweep)
{
	VEC_FOREACH(port, sweep->plan->ports)
		VEC_ADD(sweep->wanted, port->ifindex);
	if (sweep->wanted.n)
		qsort(sweep->wanted.v, sweep->wanted.n, sizeof(*sweep->wanted.v), compare_index);
}

static bool is_port_wanted(const struct sweep *sweep, uint32_t ifindex)
{
	return sweep->wanted.n &&
	       bsearch(&ifindex, sweep->wanted.v, sweep->wanted.n, sizeof(ifindex), compare_index);
}

static bool is_bridge_wanted(const struct vswitch_in *in, const char *name)
{
	return ovs_bridge_by_name(in->ovs, name);
}

static bool is_internal_wanted(const struct vswitch_in *in, const char *name)
{
	const struct ovs_interface *row = ovs_interface_by_name(in->ovs, name);

	return row && str_eq(ovs_interface_type(row), "internal") && !is_bridge_wanted(in, name);
}

static void sweep_device(void *arg, const struct vswitch_device *device)
{
	struct sweep *sweep = arg;
	const struct vswitch_in *in = sweep->in;
	const struct vswitch_device *master;
	bool wanted = true;

	if (str_starts(device->alias, ALIAS_BRIDGE))
		wanted = is_bridge_wanted(in, device->alias + strlen(ALIAS_BRIDGE)) &&
			 is_alias(device, ALIAS_BRIDGE, device->name);
	else if (str_starts(device->alias, ALIAS_INTERFACE))
		wanted = is_internal_wanted(in, device->alias + strlen(ALIAS_INTERFACE));
	else if (is_headroom(device))
		wanted = is_bridge_wanted(in, in->integration) &&
			 (str_eq(device->name, VSWITCH_ROOM) ||
			  str_eq(device->name, VSWITCH_FILLER));
	if (!wanted) {
		if (may_change(in, NULL, device->name))
			add_action(sweep->plan, VSWITCH_DELETE, device->name, device->ifindex);
		return;
	}
	if (!device->master || is_headroom(device) || is_port_wanted(sweep, device->ifindex))
		return;
	master = in->by_index(in->arg, device->master);
	if (!master || !vswitch_is_ours(master))
		return;
	VEC_FOREACH(action, sweep->plan->actions)
		if (action->kind == VSWITCH_SET_MASTER && action->ifindex == device->ifindex)
			return;
	if (may_change(in, NULL, device->name))
		add_action(sweep->plan, VSWITCH_SET_MASTER, device->name, device->ifindex);
}

void vswitch_plan(const struct vswitch_in *in, struct vswitch_plan *ret)
{
	struct sweep sweep = { .in = in, .plan = ret };
	struct room room;

	*ret = (struct vswitch_plan){ 0 };
	room = plan_room(in, ret);
	OVS_BRIDGE_FOREACH(bridge, in->ovs)
	plan_bridge(in, ret, &room, bridge);
	list_wanted(&sweep);
	in->each(in->arg, sweep_device, &sweep);
	VEC_DONE(sweep.wanted);
}

void vswitch_plan_done(struct vswitch_plan *plan)
{
	VEC_DONE(plan->ports);
	VEC_DONE(plan->actions);
}

/* ---- columns ---- */

typedef void set_text(struct txn *txn, const struct uuid *row, const char *value);
typedef void set_number(struct txn *txn, const struct uuid *row, const int64_t *value);

static void write_text(struct txn *txn, const struct uuid *row, const char *before,
		       const char *after, set_text *set)
{
	if (!str_eq(before, after))
		set(txn, row, after);
}

static void write_number(struct txn *txn, const struct uuid *row, bool is_set, int64_t before,
			 int64_t after, set_number *set)
{
	if (!is_set || before != after)
		set(txn, row, &after);
}

static void write_device(const struct vswitch_device *device, const struct ovs_interface *row,
			 struct txn *txn)
{
	const struct uuid *uuid = ovs_interface_uuid(row);
	char mac[MAC_TEXT_SIZE];
	int64_t before = 0;
	bool is_set;

	is_set = ovs_interface_ifindex(row, &before);
	write_number(txn, uuid, is_set, before, device->ifindex, ovs_interface_set_ifindex);
	is_set = ovs_interface_mtu(row, &before);
	write_number(txn, uuid, is_set, before, device->mtu, ovs_interface_set_mtu);
	write_text(txn, uuid, ovs_interface_mac_in_use(row), mac_format(&device->mac, mac),
		   ovs_interface_set_mac_in_use);
	write_text(txn, uuid, ovs_interface_admin_state(row), device->up ? "up" : "down",
		   ovs_interface_set_admin_state);
	write_text(txn, uuid, ovs_interface_link_state(row), device->running ? "up" : "down",
		   ovs_interface_set_link_state);
}

/* No device: the columns that described it are cleared. */
static void clear_device(const struct ovs_interface *row, struct txn *txn)
{
	const struct uuid *uuid = ovs_interface_uuid(row);
	int64_t value;

	if (ovs_interface_ifindex(row, &value))
		ovs_interface_set_ifindex(txn, uuid, NULL);
	if (ovs_interface_mtu(row, &value))
		ovs_interface_set_mtu(txn, uuid, NULL);
	write_text(txn, uuid, ovs_interface_mac_in_use(row), NULL, ovs_interface_set_mac_in_use);
	write_text(txn, uuid, ovs_interface_admin_state(row), NULL, ovs_interface_set_admin_state);
	write_text(txn, uuid, ovs_interface_link_state(row), NULL, ovs_interface_set_link_state);
}

static void write_port(const struct vswitch_in *in, const struct vswitch_port *port,
		       struct txn *txn)
{
	const struct ovs_interface *row = ovs_interface_get(in->ovs, &port->uuid);
	int64_t before = 0;
	bool is_set = ovs_interface_ofport(row, &before);

	write_number(txn, &port->uuid, is_set, before, port->ofport, ovs_interface_set_ofport);
	write_text(txn, &port->uuid, ovs_interface_error(row), *port->error ? port->error : NULL,
		   ovs_interface_set_error);
	/* An internal interface in another namespace keeps what was last seen of it. */
	if (port->shown)
		write_device(port->shown, row, txn);
	else if (!port->has_device)
		clear_device(row, txn);
}

static void write_bridge(const struct vswitch_in *in, const struct ovs_bridge *row, struct txn *txn)
{
	const struct vswitch_device *device = in->by_name(in->arg, ovs_bridge_name(row));
	const char *asked = ovsdb_smap_get(ovs_bridge_other_config(row), "datapath-id");
	char id[17];

	if (asked && strlen(asked) == 16 && strspn(asked, "0123456789abcdefABCDEF") == 16) {
		snprintf(id, sizeof(id), "%s", asked);
	} else if (device) {
		const uint8_t *mac = device->mac.bytes;

		snprintf(id, sizeof(id), "0000%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2],
			 mac[3], mac[4], mac[5]);
	} else {
		return;
	}
	write_text(txn, ovs_bridge_uuid(row), ovs_bridge_datapath_id(row), id,
		   ovs_bridge_set_datapath_id);
}

static void write_types(const struct ovsdb_datum *before, const struct ovsdb_column *column,
			const char *const *types, const struct uuid *row, struct txn *txn)
{
	struct ovsdb_datum want = OVSDB_DATUM_EMPTY;

	for (size_t i = 0; types[i]; i++)
		ovsdb_datum_insert(&want, column, (union ovsdb_atom){ .string = (char *)types[i] },
				   (union ovsdb_atom){ 0 });
	if (!before || !ovsdb_datum_eq(before, &want, column))
		txn_set(txn, &ovs_open_vswitch_table, row, column, &want);
	ovsdb_datum_done(&want, column);
}

void vswitch_write(const struct vswitch_in *in, const struct vswitch_plan *plan, struct txn *txn)
{
	static const char *const iface_types[] = { "geneve", "internal", "system", NULL };
	static const char *const datapath_types[] = { "netdev", "system", NULL };
	const struct ovs_open_vswitch *root = ovs_open_vswitch_first(in->ovs);

	VEC_FOREACH(port, plan->ports)
		write_port(in, port, txn);
	OVS_BRIDGE_FOREACH(bridge, in->ovs)
	write_bridge(in, bridge, txn);
	if (!root)
		return;
	write_types(ovs_open_vswitch_iface_types(root),
		    &ovs_open_vswitch_columns[OVS_OPEN_VSWITCH_IFACE_TYPES], iface_types,
		    ovs_open_vswitch_uuid(root), txn);
	write_types(ovs_open_vswitch_datapath_types(root),
		    &ovs_open_vswitch_columns[OVS_OPEN_VSWITCH_DATAPATH_TYPES], datapath_types,
		    ovs_open_vswitch_uuid(root), txn);
	if (ovs_open_vswitch_cur_cfg(root) != ovs_open_vswitch_next_cfg(root))
		ovs_open_vswitch_set_cur_cfg(txn, ovs_open_vswitch_uuid(root),
					     ovs_open_vswitch_next_cfg(root));
}

void vswitch_ensure_integration(const struct replica *ovs, const char *name, struct txn *txn)
{
	const struct ovs_open_vswitch *root = ovs_open_vswitch_first(ovs);
	struct uuid bridge, port, interface;
	union ovsdb_atom atom;

	OVS_BRIDGE_FOREACH(row, ovs)
	if (str_eq(ovs_bridge_name(row), name)) {
		if (!str_eq(ovs_bridge_fail_mode(row), "secure"))
			ovs_bridge_set_fail_mode(txn, ovs_bridge_uuid(row), "secure");
		return;
	}
	if (!root)
		return;
	interface = ovs_interface_insert(txn);
	atom.uuid = interface;
	ovs_interface_set_name(txn, &interface, name);
	ovs_interface_set_type(txn, &interface, "internal");
	port = ovs_port_insert(txn);
	ovs_port_set_name(txn, &port, name);
	ovs_port_set_interfaces(txn, &port, &(struct ovsdb_datum){ 1, &atom, NULL });
	bridge = ovs_bridge_insert(txn);
	ovs_bridge_set_name(txn, &bridge, name);
	ovs_bridge_set_fail_mode(txn, &bridge, "secure");
	ovs_bridge_put_other_config(txn, &bridge, "disable-in-band", "true");
	ovs_bridge_add_ports(txn, &bridge, &port);
	ovs_open_vswitch_add_bridges(txn, ovs_open_vswitch_uuid(root), &bridge);
}
