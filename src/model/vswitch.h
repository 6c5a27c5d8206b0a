/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/array.h"
#include "util/net.h"
#include "util/uuid.h"

/* What tools expect of ovs-vswitchd (reference ovn.md 4.8), as a pure function: the local database's
 * rows and the devices that exist in, the changes to devices and the values of columns out.
 *
 * Every bridge is a Linux bridge of its name.  On the integration bridge nothing is enslaved to it: the
 * datapath's programs connect the ports.  On the others it is the learning switch that fail_mode=standalone
 * means.  Workloads' veths are in a bridge all the same, one that is never up and passes nothing: what sends on
 * a veth leaves as much room in front of a packet as the devices of that bridge need for their headers (Linux 4.6,
 * netdev_set_rx_headroom()), and user space has no other way to ask.  A vxlan device, never up either, needs what a
 * tunnel of ours does; without it each small packet is copied on its way.
 *
 * An interface of type internal is a veth pair: NAME for its user, and a port side with a name derived from it.
 * Devices of ours carry an alias ("heddle bridge NAME", "heddle interface NAME", "heddle headroom"), by which a later process knows
 * them; a device without it is never created, deleted or renamed here. */
struct replica;
struct txn;

#define VSWITCH_NAME_SIZE    16
#define VSWITCH_ERROR_SIZE   160
#define VSWITCH_ALIAS_SIZE   64
#define VSWITCH_LOCAL_OFPORT 65534
#define VSWITCH_ROOM         "heddle-room"    /* the bridge that leaves room */
#define VSWITCH_FILLER       "heddle-room-vx" /* the device in it that needs it */
#define VSWITCH_ROOM_MAX     1023 /* more devices than these a bridge does not take (BR_MAX_PORTS) */

struct vswitch_device {
	const char *name;
	const char *kind;  /* "bridge", "veth", ... */
	const char *alias; /* "" when it has none */
	uint32_t ifindex;
	uint64_t born; /* differs from that of a device that had the index before */
	uint32_t mtu;
	uint32_t master; /* 0: none */
	struct mac mac;
	bool up;
	bool running;
	bool peer_elsewhere;
};

struct vswitch_in {
	struct replica *ovs;     /* only read */
	const char *integration; /* name of the integration bridge */
	uint32_t underlay;       /* the device with the tunnels' address; 0: none, or not known */
	/* The device of that name or index, or NULL. */
	const struct vswitch_device *(*by_name)(void *arg, const char *name);
	const struct vswitch_device *(*by_index)(void *arg, uint32_t ifindex);
	void (*each)(void *arg, void (*visit)(void *visit_arg, const struct vswitch_device *device),
		     void *visit_arg);
	/* Why the last attempt to change the device failed, or NULL.  No further change is asked for then. */
	const char *(*problem)(void *arg, const char *name);
	void *arg;
};

enum vswitch_action_kind {
	VSWITCH_CREATE_BRIDGE,   /* name, alias */
	VSWITCH_CREATE_FILLER,   /* name, alias */
	VSWITCH_CREATE_INTERNAL, /* name, peer, alias */
	VSWITCH_DELETE,          /* name, ifindex */
	VSWITCH_SET_MASTER,      /* name, ifindex, value: the master's index or 0 */
	VSWITCH_SET_MTU,         /* name, ifindex, value */
	VSWITCH_SET_MAC,         /* name, ifindex, mac */
	VSWITCH_SET_UP,          /* name, ifindex */
	VSWITCH_SET_DOWN,        /* name, ifindex */
};

struct vswitch_action {
	enum vswitch_action_kind kind;
	char name[VSWITCH_NAME_SIZE]; /* the device that problem() is asked about */
	char peer[VSWITCH_NAME_SIZE];
	char alias[VSWITCH_ALIAS_SIZE];
	uint32_t ifindex;
	uint32_t value;
	struct mac mac;
};

/* One Interface row, carried out as far as the devices allow. */
struct vswitch_port {
	const char *name; /* borrowed from the row */
	struct uuid uuid;
	bool integration; /* on the integration bridge */
	bool local;       /* the bridge's own interface */
	bool has_device;  /* ofport > 0 */
	int64_t ofport;
	int64_t ofport_request; /* 0: none */
	int64_t ofport_before;  /* what the row says; 0: nothing */
	uint32_t ifindex;       /* the device that packets of its user come in by; 0: none */
	uint64_t born;          /* of that device */
	bool peer_elsewhere;
	bool down; /* or without a carrier */
	const struct vswitch_device
		*shown; /* the device that the columns describe; NULL: not visible here */
	char error[VSWITCH_ERROR_SIZE]; /* "" when there is none */
};

struct vswitch_plan {
	VEC(struct vswitch_port) ports;
	VEC(struct vswitch_action) actions;
};

/* Borrows from rows and devices: use it up before either changes. */
void vswitch_plan(const struct vswitch_in *in, struct vswitch_plan *ret);
void vswitch_plan_done(struct vswitch_plan *plan);

/* Writes what the rows do not show yet: Interface and Bridge columns, types, and, as nothing is
 * left to be done, cur_cfg := next_cfg. */
void vswitch_write(const struct vswitch_in *in, const struct vswitch_plan *plan, struct txn *txn);
/* The integration bridge as ovn-controller makes it, if there is none: Bridge, Port, Interface. */
void vswitch_ensure_integration(const struct replica *ovs, const char *name, struct txn *txn);

/* The port side's name of an internal interface: stable, and short enough for a device. */
void vswitch_peer_name(const char *name, char ret[static VSWITCH_NAME_SIZE]);
bool vswitch_is_ours(const struct vswitch_device *device);
