/* SPDX-License-Identifier: Apache-2.0 */
#include "host/switchd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/links.h"
#include "schema/ovs.h"
#include "util/alloc.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("switch");

enum {
	MAX_ROUNDS = 8, /* a plan needs two or three: make, then set what is new */
};

struct problem {
	char name[VSWITCH_NAME_SIZE];
	char text[VSWITCH_ERROR_SIZE];
};

struct switchd {
	struct links *links;
	struct vswitch_plan plan;
	VEC(struct vswitch_device)
	devices;             /* views of links' entries, by index */
	uint64_t version;    /* of the links that they show */
	struct problem lack; /* of a kind of device that the kernel does not have: stays */
	VEC(struct problem) problems;
	VEC(struct problem) logged;
};

struct switchd *switchd_new(struct links *links)
{
	struct switchd *switchd = xcalloc(1, sizeof(*switchd));

	switchd->links = links;
	return switchd;
}

void switchd_free(struct switchd *switchd)
{
	if (!switchd)
		return;
	vswitch_plan_done(&switchd->plan);
	VEC_DONE(switchd->devices);
	VEC_DONE(switchd->problems);
	VEC_DONE(switchd->logged);
	free(switchd);
}

/* ---- the model's view of the devices ---- */

static void add_device(void *arg, const struct netlink_link *link)
{
	struct switchd *switchd = arg;

	*VEC_PUSH(switchd->devices) = (struct vswitch_device){
		.name = link->name,
		.kind = link->kind,
		.alias = link->alias,
		.ifindex = link->ifindex,
		.born = links_born(switchd->links, link->ifindex),
		.mtu = link->mtu,
		.master = link->master,
		.mac = link->mac,
		.up = link->up,
		.running = link->running,
		.peer_elsewhere = link->peer_elsewhere,
	};
}

static int compare_index(const void *a, const void *b)
{
	uint32_t x = ((const struct vswitch_device *)a)->ifindex;
	uint32_t y = ((const struct vswitch_device *)b)->ifindex;

	return x < y ? -1 : x > y;
}

static void look(struct switchd *switchd)
{
	if (switchd->devices.n && switchd->version == links_version(switchd->links))
		return;
	switchd->version = links_version(switchd->links);
	VEC_CLEAR(switchd->devices);
	links_each(switchd->links, add_device, switchd);
	if (switchd->devices.n)
		qsort(switchd->devices.v, switchd->devices.n, sizeof(*switchd->devices.v),
		      compare_index);
}

static const struct vswitch_device *by_index(void *arg, uint32_t ifindex)
{
	const struct switchd *switchd = arg;
	struct vswitch_device key = { .ifindex = ifindex };

	if (!switchd->devices.n)
		return NULL;
	return bsearch(&key, switchd->devices.v, switchd->devices.n, sizeof(key), compare_index);
}

static const struct vswitch_device *by_name(void *arg, const char *name)
{
	const struct switchd *switchd = arg;
	const struct netlink_link *link = links_by_name(switchd->links, name);

	return link ? by_index(arg, link->ifindex) : NULL;
}

static void each(void *arg, void (*visit)(void *visit_arg, const struct vswitch_device *device),
		 void *visit_arg)
{
	struct switchd *switchd = arg;

	VEC_FOREACH(device, switchd->devices)
		visit(visit_arg, device);
}

static const char *problem(void *arg, const char *name)
{
	const struct switchd *switchd = arg;

	VEC_FOREACH(p, switchd->problems)
		if (str_eq(p->name, name))
			return p->text;
	return str_eq(switchd->lack.name, name) ? switchd->lack.text : NULL;
}

static struct vswitch_in view(struct switchd *switchd, struct replica *ovs, const char *integration)
{
	return (struct vswitch_in){
		.ovs = ovs,
		.integration = integration,
		.by_name = by_name,
		.by_index = by_index,
		.each = each,
		.problem = problem,
		.arg = switchd,
	};
}

/* ---- carrying out ---- */

static int apply(struct netlink *netlink, const struct vswitch_action *action)
{
	switch (action->kind) {
	case VSWITCH_CREATE_BRIDGE:
		return netlink_bridge_create(netlink, action->name, action->alias);
	case VSWITCH_CREATE_FILLER:
		return netlink_vxlan_create(netlink, action->name, action->alias);
	case VSWITCH_CREATE_INTERNAL:
		return netlink_veth_create(netlink, action->name, action->peer, action->alias);
	case VSWITCH_DELETE: return netlink_link_delete(netlink, action->ifindex);
	case VSWITCH_SET_MASTER:
		return netlink_link_set_master(netlink, action->ifindex, action->value);
	case VSWITCH_SET_MTU: return netlink_link_set_mtu(netlink, action->ifindex, action->value);
	case VSWITCH_SET_MAC: return netlink_link_set_mac(netlink, action->ifindex, &action->mac);
	case VSWITCH_SET_UP: return netlink_link_set_up(netlink, action->ifindex, true);
	case VSWITCH_SET_DOWN: return netlink_link_set_up(netlink, action->ifindex, false);
	default: return 0;
	}
}

static const char *describe(enum vswitch_action_kind kind)
{
	switch (kind) {
	case VSWITCH_CREATE_BRIDGE:
	case VSWITCH_CREATE_FILLER:
	case VSWITCH_CREATE_INTERNAL: return "create";
	case VSWITCH_DELETE: return "delete";
	case VSWITCH_SET_MASTER: return "attach or detach";
	case VSWITCH_SET_MTU: return "set the MTU of";
	case VSWITCH_SET_MAC: return "set the MAC address of";
	case VSWITCH_SET_UP: return "bring up";
	default: return "take down";
	}
}

static void note_problem(struct switchd *switchd, const struct vswitch_action *action, int r)
{
	bool is_lack = action->kind == VSWITCH_CREATE_FILLER && r == -EOPNOTSUPP;
	struct problem *p = is_lack ? &switchd->lack : VEC_PUSH(switchd->problems);

	memcpy(p->name, action->name, sizeof(p->name));
	snprintf(p->text, sizeof(p->text), "cannot %s device %s: %s", describe(action->kind),
		 action->name, strerror(-r));
	VEC_FOREACH(old, switchd->logged)
		if (str_eq(old->name, p->name) && str_eq(old->text, p->text))
			return;
	log_warn("%s", p->text);
	VEC_ADD(switchd->logged, *p);
}

static bool apply_all(struct switchd *switchd)
{
	struct netlink *netlink = links_netlink(switchd->links);

	VEC_FOREACH(action, switchd->plan.actions) {
		int r = apply(netlink, action);

		/* Deleting one end of a veth deletes the other. */
		if (r < 0 && !(action->kind == VSWITCH_DELETE && r == -ENODEV))
			note_problem(switchd, action, r);
		else
			log_dbg("did %s device %s", describe(action->kind), action->name);
	}
	return switchd->plan.actions.n > 0;
}

static void plan(struct switchd *switchd, const struct vswitch_in *in)
{
	vswitch_plan_done(&switchd->plan);
	look(switchd);
	vswitch_plan(in, &switchd->plan);
}

/* Another process is the ovs-vswitchd: its numbers, and the devices that can be ours to carry. */
static void adopt_ports(struct switchd *switchd, const struct vswitch_in *in)
{
	VEC_FOREACH(port, switchd->plan.ports) {
		const struct ovs_interface *row = ovs_interface_get(in->ovs, &port->uuid);
		const struct vswitch_device *device = by_name(switchd, port->name);
		bool usable = row && device && port->ofport_before > 0 && !port->local &&
			      (str_eq(ovs_interface_type(row), "") ||
			       str_eq(ovs_interface_type(row), "system"));

		port->ofport = port->ofport_before;
		port->has_device = usable;
		port->ifindex = usable ? device->ifindex : 0;
		port->born = usable ? device->born : 0;
		port->peer_elsewhere = usable && device->peer_elsewhere;
		port->down = usable && !(device->up && device->running);
	}
}

void switchd_run(struct switchd *switchd, struct replica *ovs, const char *integration,
		 uint32_t underlay, bool foreign)
{
	struct vswitch_in in = view(switchd, ovs, integration);

	in.underlay = underlay;
	VEC_CLEAR(switchd->problems);
	plan(switchd, &in);
	if (foreign) {
		adopt_ports(switchd, &in);
		return;
	}
	for (int round = 0; round < MAX_ROUNDS && apply_all(switchd); round++) {
		links_poll(switchd->links);
		plan(switchd, &in);
	}
	if (switchd->problems.n == 0)
		VEC_CLEAR(switchd->logged);
}

const struct vswitch_port *switchd_ports(const struct switchd *switchd, size_t *ret_n)
{
	*ret_n = switchd->plan.ports.n;
	return switchd->plan.ports.v;
}

void switchd_write(struct switchd *switchd, struct replica *ovs, const char *integration,
		   struct txn *txn)
{
	struct vswitch_in in = view(switchd, ovs, integration);

	vswitch_write(&in, &switchd->plan, txn);
}

void switchd_remove_devices(struct switchd *switchd)
{
	look(switchd);
	VEC_FOREACH(device, switchd->devices)
		if (vswitch_is_ours(device))
			netlink_link_delete(links_netlink(switchd->links), device->ifindex);
}
