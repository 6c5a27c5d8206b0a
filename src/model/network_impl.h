/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uthash.h>

#include "model/network.h"
#include "ovsdb/replica.h"
#include "util/array.h"
#include "util/uuid.h"

/* The objects behind network.h, shared by network*.c.
 *
 *   lport_name   a logical port's name: where its Port_Binding, its interfaces and its
 *                northbound policy meet, whichever comes first
 *   port         one Port_Binding that is a VIF or a localport
 *   sw           one Datapath_Binding
 *   chassis      one Chassis with its encaps
 *   tunnel       one pair of tunnel addresses
 *
 * Ports and tunnels are compiled, each as one owner of entries in the dp_state; the members of a flood chain
 * are an owner each.  A change marks ports; network_run() compiles the marked ones. */

enum network_owner { /* first byte of a struct dp_owner */
	NETWORK_OWNER_PORT = 1,
	NETWORK_OWNER_MEMBER,
	NETWORK_OWNER_TUNNEL,
};

struct lport_name {
	UT_hash_handle hh;
	struct port *port;
	unsigned int n_ports;    /* more than one only while two rows swap names */
	struct iface *ifaces;    /* by name; the first one is used */
	unsigned int n_disabled; /* Logical_Switch_Port rows with enabled=false */
	char text[];
};

struct iface {
	UT_hash_handle hh;
	struct lport_name *lport;
	struct iface *next; /* of the same lport */
	uint32_t ifindex;
	bool peer_elsewhere;
	bool down;
	struct ip local;
	char name[];
};

/* What a port contributes to the flood chains of its switch. */
enum {
	NETWORK_FLOOD = 1 << 0,
	NETWORK_UNKNOWN = 1 << 1,
	NETWORK_N_GROUPS = 2,
};

struct membership {
	uint8_t groups; /* NETWORK_FLOOD, ...; 0: none */
	uint8_t chain;  /* DP_CHAIN_* */
	uint16_t flags;
	uint32_t ifindex;
	uint8_t ref[16];
};

struct port {
	UT_hash_handle hh;
	struct uuid uuid;
	struct lport_name *name;
	struct sw *sw;
	struct port *sw_prev, *sw_next;
	struct chassis *chassis; /* Port_Binding.chassis; NULL: none */
	struct port *chassis_prev, *chassis_next;
	struct port *mark_prev, *mark_next;
	uint16_t key;
	bool localport;
	bool may_bind;
	bool marked;
	bool local_vif; /* counted in sw->n_local_vifs */
	bool compiled;
	uint16_t compiled_key;
	struct membership membership;
};

struct member {
	uint8_t ref[16];
	uint32_t n; /* ports behind it */
	uint32_t ifindex;
	uint16_t flags;
};

struct chain {
	VEC(struct member) members; /* by ref */
};

struct sw {
	UT_hash_handle hh;
	struct uuid uuid;
	uint32_t key; /* 0: the Datapath_Binding is not here (yet) */
	bool live;    /* compiled: has a VIF on this host */
	bool marked;
	struct sw *mark_prev, *mark_next;
	size_t n_local_vifs;
	struct port *ports;
	struct chain chains[NETWORK_N_GROUPS][DP_CHAIN_COUNT]; /* by group and DP_CHAIN_* */
};

struct encap {
	struct uuid uuid;
	struct ip ip;
	enum network_encap_type type;
	uint16_t udp_port;
	bool is_default;
};

struct chassis {
	UT_hash_handle hh;
	struct uuid uuid;
	UT_hash_handle hh_name;
	char *name;           /* NULL: the row is not here (yet) */
	struct encap *encaps; /* by type; the preferred one of each first */
	size_t n_encaps;
	struct port *ports;
};

struct tunnel {
	UT_hash_handle hh;
	struct dp_tunnel_key key;
	unsigned int n_users; /* encaps of other chassis */
	enum network_encap_type type;
	uint16_t udp_port;
	bool has_route;
	struct network_route route;
};

struct disabled_lsp {
	UT_hash_handle hh;
	struct uuid uuid;
	struct lport_name *name;
};

struct network {
	struct dp_state *out;
	const struct replica *sb, *nb;
	char *chassis_name;
	unsigned int encap_types;
	struct ip *encaps;
	size_t n_encaps;
	struct lport_name *names;
	struct iface *ifaces;
	struct port *ports;
	struct sw *switches;
	struct chassis *chassis;
	struct chassis *chassis_by_name;
	struct tunnel *tunnels;
	struct disabled_lsp *disabled;
	struct port *marked_ports;
	struct sw *marked_switches;
};

/* network.c */
struct lport_name *network_name_get(struct network *network, const char *text);
void network_name_release(struct network *network,
			  struct lport_name *name); /* if nothing uses it */
void network_mark_port(struct network *network, struct port *port);
void network_mark_name(struct network *network, struct lport_name *name);
void network_mark_switch(struct network *network, struct sw *sw);
void network_mark_all(struct network *network);
bool network_chassis_is_ours(const struct network *network, const struct chassis *chassis);

/* network_rows.c: rows -> objects */
void network_forget_southbound(struct network *network);
void network_forget_northbound(struct network *network);

/* network_port.c */
enum network_iface_state network_port_state(const struct network *network, const struct port *port);
/* Takes in what the row and the interfaces say; may mark the switch. */
void network_port_resolve(struct network *network, struct port *port);
void network_port_compile(struct network *network, struct port *port);
/* Takes the port out of its switch: nothing of it is wanted, and it keeps nothing alive. */
void network_port_clear(struct network *network, struct port *port);
bool network_port_is_installed(const struct network *network, const struct port *port);

/* network_members.c */
/* Replaces what the port contributes. */
void network_members_change(struct network *network, struct port *port,
			    const struct membership *membership);
bool network_members_are_installed(const struct network *network, const struct port *port);
void network_members_done(struct sw *sw);

/* network_tunnel.c: the encaps of a chassis that we use, of one type; *ret_n is 0 if there is none. */
const struct encap *network_encaps_used(const struct network *network,
					const struct chassis *chassis, size_t *ret_n);
/* What the encaps of a chassis need; enter after, leave before they change. */
void network_tunnels_enter(struct network *network, const struct chassis *chassis);
void network_tunnels_leave(struct network *network, const struct chassis *chassis);
/* The entries that say which tunnel addresses are our own; off before, on after those change. */
void network_tunnels_own(struct network *network, bool wanted);
