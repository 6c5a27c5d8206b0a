/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uthash.h>

#include "model/central_keys.h"
#include "model/central_plan.h"
#include "ovsdb/replica.h"
#include "ovsdb/txn.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "util/array.h"
#include "util/uuid.h"

/* What the files of the plan share: its objects, one per northbound row that becomes southbound rows.
 *
 * Objects hold pointers to the rows of both replicas.  A row keeps its address while it exists, and
 * its deletion is reported before it is freed, so the pointers are good as long as central_plan_update() sees every
 * change. */

enum central_group_index {
	CENTRAL_FLOOD,
	CENTRAL_UNKNOWN,
	CENTRAL_MROUTER_FLOOD,
	CENTRAL_STATIC,
	CENTRAL_FLOOD_L2,
	CENTRAL_GROUP_COUNT,
};

#define CENTRAL_GROUP_KEY_MIN 32768 /* reference: Multicast_Group.tunnel_key of CENTRAL_FLOOD */

/* Membership of the list of objects to be looked at again. */
struct central_mark {
	struct central_mark *prev, *next;
};

/* A Logical_Switch or Logical_Router and its Datapath_Binding. */
struct central_datapath {
	UT_hash_handle hh;
	struct central_mark mark;
	struct central_mark groups_mark;
	struct uuid nb;
	struct uuid sb_uuid;    /* real, or invented for the transaction being written */
	const struct nb_ls *ls; /* one of the two is NULL */
	const struct nb_lr *lr;
	const struct sb_datapath_binding *sb; /* NULL: not there yet */
	const struct sb_multicast_group *groups[CENTRAL_GROUP_COUNT];
	VEC(struct central_port *)
	ports; /* sorted by uuid, the order in which ovn-northd gives keys */
	uint32_t requested;
	uint32_t key; /* 0: none left */
	bool addresses_dirty;
	uint16_t warned;
};

enum central_port_flags {
	CENTRAL_PORT_DUPLICATE = 1 << 0, /* has an address of another port of the switch */
	CENTRAL_PORT_NEW_TYPE = 1 << 1,  /* which the row that is there cannot take on */
	CENTRAL_PORT_REQUESTS_CHASSIS = 1 << 2,
	CENTRAL_PORT_NAMESAKE = 1 << 3, /* a router port named like a switch port: gets no row */
	CENTRAL_PORT_QOS = 1 << 4,      /* has a rate limit */
};

/* Problems, as bits of warned. */
enum central_problem {
	CENTRAL_BAD_KEY = 1 << 0,
	CENTRAL_NO_KEY = 1 << 1,
	CENTRAL_BAD_TYPE = 1 << 2,
	CENTRAL_BAD_ADDRESS = 1 << 3,
	CENTRAL_BAD_CHASSIS = 1 << 4,
	CENTRAL_NO_TAG = 1 << 5,
	CENTRAL_DUPLICATE = 1 << 6,
	CENTRAL_SHARED = 1 << 7,
	CENTRAL_SAME_NAME = 1 << 8,
};

/* A Logical_Switch_Port or Logical_Router_Port and its Port_Binding. */
struct central_port {
	UT_hash_handle hh;
	struct central_mark sb_mark;
	struct central_mark nb_mark;
	struct uuid nb;
	struct uuid sb_uuid;
	const struct nb_lsp *lsp; /* one of the two is NULL */
	const struct nb_lrp *lrp;
	const struct sb_port_binding *sb;
	struct uuid
		sb_datapath; /* of sb, as sb_key; kept here as every look at a switch reads them of all its ports */
	struct central_datapath *datapath;
	VEC(struct central_set *) sets; /* port groups it is in */
	struct central_link *link;      /* the router port that it names, or NULL */
	uint32_t queue;                 /* on its chassis; 0: none */
	uint16_t requested;
	uint16_t key;
	uint16_t sb_key;
	uint16_t redirect_key; /* of its chassisredirect row; 0: has none */
	uint8_t flags;
	uint8_t groups; /* bits: enum central_group_index */
	uint16_t warned;
};

/* The switch ports whose options:router-port is this name; there may be no such router port. */
struct central_link {
	UT_hash_handle hh;
	VEC(struct central_port *) ports; /* never empty */
	char name[];
};

/* A northbound Port_Group; southbound one Port_Group per datapath and two Address_Sets. */
struct central_set {
	UT_hash_handle hh;
	struct central_mark mark;
	struct uuid nb;
	const struct nb_port_group *row;
	VEC(struct central_port *)
	members;             /* in row order; ports that no switch has are left out */
	VEC(struct uuid) sb; /* southbound Port_Group rows with our name */
};

/* What is written, and may be refused, by itself. */
enum central_kind {
	CENTRAL_KIND_GLOBAL,
	CENTRAL_KIND_DATAPATH,
	CENTRAL_KIND_PORT,
	CENTRAL_KIND_GROUPS,
	CENTRAL_KIND_SVC_SET,
	CENTRAL_KIND_ADDRESS_SET,
	CENTRAL_KIND_SET,
	CENTRAL_KIND_SUPERFLUOUS,
};

struct central_object {
	enum central_kind kind;
	struct uuid uuid; /* northbound, of a superfluous row southbound, else 0 */
};
_Static_assert(sizeof(struct central_object) == sizeof(enum central_kind) + sizeof(struct uuid),
	       "a hash key has no padding");

/* A row that may have become superfluous; judged when the transaction is written. */
struct central_candidate {
	const struct ovsdb_table *table;
	struct uuid uuid;
};

struct central_plan {
	struct central_plan_opts opts;
	struct replica *nb;
	struct replica *sb;
	struct central_datapath *datapaths;
	struct central_port *ports;
	struct central_link *links;
	struct central_set *sets;
	struct central_mark dirty_datapaths;
	struct central_mark dirty_groups;
	struct central_mark dirty_sb_ports;
	struct central_mark dirty_nb_ports;
	struct central_mark late_nb_ports; /* wait for the next northbound transaction */
	struct central_mark dirty_sets;
	VEC(struct central_candidate) candidates;
	VEC(struct uuid) datapath_candidates;
	VEC(struct uuid) address_sets;    /* northbound rows to be looked at */
	struct central_refusal *refusals; /* hash by object */
	struct central_object written;    /* the object of the last transaction of one */
	bool singly;                      /* the transaction being written is of one object */
	struct central_keys port_keys;    /* scratch, for one datapath at a time */
	bool all_dirty;
	bool vxlan; /* a chassis has a VXLAN encap */
	bool datapath_keys_dirty;
	bool global_dirty;
	bool nb_global_dirty;
	bool svc_set_dirty;
	bool tag_given; /* in the northbound transaction being written */
	size_t n_shared;
	size_t n_namesakes;
	int64_t noticed_ms; /* when NB_Global.nb_cfg was last seen to be new */
};

static inline uint32_t central_datapath_key_max(const struct central_plan *plan)
{
	return plan->vxlan ? CENTRAL_VXLAN_DATAPATH_KEY_MAX : CENTRAL_DATAPATH_KEY_MAX;
}

static inline uint32_t central_port_key_max(const struct central_plan *plan)
{
	return plan->vxlan ? CENTRAL_VXLAN_PORT_KEY_MAX : CENTRAL_PORT_KEY_MAX;
}

/* ---- marks ---- */

void central_mark_init(struct central_mark *list);
void central_mark_add(struct central_mark *list, struct central_mark *mark); /* twice is once */
void central_mark_remove(struct central_mark *mark);
struct central_mark *central_mark_pop(struct central_mark *list); /* NULL: empty */

#define CENTRAL_OF(mark_, type, member) ((type *)(void *)((char *)(mark_)-offsetof(type, member)))

void central_mark_sb(struct central_plan *plan, struct central_port *port);
void central_mark_nb(struct central_plan *plan, struct central_port *port);
void central_mark_datapath(struct central_plan *plan, struct central_datapath *datapath);
void central_mark_sets(struct central_plan *plan, struct central_port *port);

/* ---- the plan ---- */

struct central_datapath *central_find_datapath(const struct central_plan *plan,
					       const struct uuid *nb);
struct central_datapath *central_datapath_of_sb(const struct central_plan *plan,
						const struct sb_datapath_binding *sb);
struct central_port *central_find_port(const struct central_plan *plan, const struct uuid *nb);
struct central_port *central_port_by_name(const struct central_plan *plan, const char *name);
/* Says text once while the problem lasts; pass NULL when it is gone. */
void central_problem(struct central_plan *plan, uint16_t *warned, enum central_problem problem,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));
void central_suspect(struct central_plan *plan, const struct row *row);
void central_suspect_uuid(struct central_plan *plan, const struct ovsdb_table *table,
			  const struct uuid *uuid);

/* Is it left out because the server refused it? */
bool central_is_set_aside(const struct central_plan *plan, enum central_kind kind,
			  const struct uuid *uuid);
/* The same, or it was refused and is being tried again. */
bool central_is_refused(const struct central_plan *plan, enum central_kind kind,
			const struct uuid *uuid);
void central_forgive(struct central_plan *plan, enum central_kind kind, const struct uuid *uuid);
void central_refusals_done(struct central_plan *plan);
/* Has the row, or gets it in the transaction being written, so that others may refer to it. */
bool central_datapath_has_row(const struct central_plan *plan,
			      const struct central_datapath *datapath);
bool central_port_has_row(const struct central_plan *plan, const struct central_port *port);

struct central_set *central_find_set(const struct central_plan *plan, const struct uuid *nb);
struct central_set *central_set_by_name(const struct central_plan *plan, const char *name);
struct central_datapath *central_datapath_of_group(const struct central_plan *plan,
						   const struct sb_multicast_group *row);

/* ---- taking in rows: all of them, or those that changed ---- */

#define CENTRAL_EACH(x, row, replica, all)                                                      \
	for (const struct x *row = (all) ? x##_first(replica) : x##_first_change(replica); row; \
	     row = (all) ? x##_next(replica, row) : x##_next_change(replica, row))

/* Ports that are let go stay around until it is known whether another datapath takes them. */
struct central_loose_ports {
	VEC(struct central_port *) ports;
};

void central_see_datapaths(struct central_plan *plan, bool all);
void central_see_lsps(struct central_plan *plan, bool all);
void central_see_lrps(struct central_plan *plan, bool all);
void central_see_nb_sets(struct central_plan *plan, bool all);
void central_see_sb_datapaths(struct central_plan *plan, bool all);
void central_see_sb_ports(struct central_plan *plan, bool all);
void central_see_sb_groups(struct central_plan *plan, bool all);
void central_see_sb_sets(struct central_plan *plan, bool all);
void central_see_chassis(struct central_plan *plan, bool all);
/* True: the limits of keys have changed, so that everything must be looked at. */
bool central_see_encaps(struct central_plan *plan, bool all);
void central_see_globals(struct central_plan *plan, bool all);

/* sb may be NULL: it has no row (any more). */
void central_port_bind(struct central_plan *plan, struct central_port *port,
		       const struct sb_port_binding *sb);
void central_leave_sets(struct central_plan *plan, struct central_port *port);
void central_set_free(struct central_plan *plan, struct central_set *set);
void central_port_free(struct central_plan *plan, struct central_port *port);
void central_datapath_free(struct central_plan *plan, struct central_datapath *datapath,
			   struct central_loose_ports *loose);

/* ---- writing one row: what differs is set ---- */

struct central_row {
	struct txn *txn;
	const struct ovsdb_table *table;
	const struct row *have; /* NULL: inserted in this transaction */
	struct uuid uuid;
};

/* Inserts when have is NULL. */
struct central_row central_row_open(struct txn *txn, const struct ovsdb_table *table,
				    const struct row *have);
void central_row_datum(const struct central_row *row, const struct ovsdb_column *column,
		       const struct ovsdb_datum *datum);
void central_row_string(const struct central_row *row, const struct ovsdb_column *column,
			const char *value); /* NULL: empty */
void central_row_integer(const struct central_row *row, const struct ovsdb_column *column,
			 int64_t value);
void central_row_boolean(const struct central_row *row, const struct ovsdb_column *column,
			 bool value);
void central_row_uuid(const struct central_row *row, const struct ovsdb_column *column,
		      const struct uuid *value); /* NULL: empty */
/* A set of strings under collection: borrowed, in any order, duplicates included. */
struct central_strings {
	VEC(union ovsdb_atom) atoms;
};

/* Sorts the strings and drops duplicates; when the smaller part of them is new or gone, only that part travels. */
void central_row_strings(const struct central_row *row, const struct ovsdb_column *column,
			 struct central_strings *strings);
void central_smap_put(struct ovsdb_datum *datum, const struct ovsdb_column *column, const char *key,
		      const char *value);
/* For what a user may have set as well.  ovn-northd adds the key once more, and of two values the server's client keeps the
 * smaller one. */
void central_smap_put_also(struct ovsdb_datum *datum, const struct ovsdb_column *column,
			   const char *key, const char *value);

/* ---- the parts ---- */

const char *central_port_name(const struct central_port *port);
bool central_port_is_enabled(const struct central_port *port);
bool central_port_is_realised(const struct central_port *port); /* has, or gets, a Port_Binding */
/* Follows options:router-port; with NULL for name the port names none. */
void central_link_port(struct central_plan *plan, struct central_port *port, const char *name);
const struct central_link *central_find_link(const struct central_plan *plan, const char *name);
/* The name of the other end of a router port: the switch port that names it, or a router port. */
const char *central_switch_peer(const struct central_plan *plan, const struct central_port *port);
/* Caches what key allocation and peers need, after a change of the northbound row. */
void central_port_read(struct central_plan *plan, struct central_port *port);
/* Is the port's name that of another port, which has the Port_Binding? */
void central_port_set_namesake(struct central_plan *plan, struct central_port *port, bool is_one);
bool central_port_has_qos(const struct nb_lsp *lsp);
uint32_t central_queue_of_row(const struct sb_port_binding *row); /* NULL is fine; 0: none */
/* The one it has or gets; 0: none. */
uint32_t central_port_queue(const struct central_plan *plan, struct central_port *port);
/* Its Port_Binding cannot be changed into what it should be: it is deleted, and a new one gets a new key. */
bool central_port_must_recreate(const struct central_port *port);
void central_port_write(struct central_plan *plan, struct central_port *port, struct txn *txn);
void central_port_write_back(struct central_plan *plan, struct central_port *port, struct txn *txn);

/* Is the router, or one of its ports, on a chassis? */
bool central_router_has_gateway(const struct central_datapath *router);
/* Is this the chassisredirect row, of another program, of a router port that should have one? */
bool central_redirect_is_wanted(const struct central_plan *plan, const struct sb_port_binding *row);
/* The one of this port, or NULL. */
const struct sb_port_binding *central_redirect_row(const struct central_plan *plan,
						   const struct central_port *port);
void central_redirect_suspect(struct central_plan *plan, const struct central_port *port);
/* A row that is no port's own came, changed or went. */
void central_redirect_see(struct central_plan *plan, const struct sb_port_binding *row);
void central_redirect_write(const struct central_plan *plan, const struct central_port *port,
			    struct txn *txn);

const char *central_datapath_name(const struct central_datapath *datapath);
void central_datapath_read(struct central_datapath *datapath);
void central_datapath_keys(struct central_plan *plan); /* of all datapaths */
void central_datapath_port_keys(struct central_plan *plan, struct central_datapath *datapath);
void central_datapath_write(struct central_plan *plan, struct central_datapath *datapath,
			    struct txn *txn);
/* Two ports of a switch with one IP or MAC address: said, and left to the user. */
void central_datapath_check_addresses(struct central_plan *plan, struct central_datapath *datapath);
void central_datapath_write_groups(struct central_plan *plan, struct central_datapath *datapath,
				   struct txn *txn);
/* Deletes a Datapath_Binding with the rows that hold on to it. */
void central_datapath_purge(struct txn *txn, const struct uuid *sb);
/* The groups that a port belongs to once it has a row. */
uint8_t central_port_groups(const struct central_port *port);
/* CENTRAL_GROUP_COUNT if the row is none of ours. */
enum central_group_index central_group_of_row(const struct sb_multicast_group *row);
/* Has the name or the key, not both, of one of our groups, as another version of OVN may number them. */
bool central_group_is_in_the_way(const struct sb_multicast_group *row);
bool central_group_is_wanted(const struct central_plan *plan, const struct sb_multicast_group *row);

/* Takes in, or gives up, a southbound Port_Group; adopting one that no datapath of ours asks for
 * returns false. */
bool central_set_adopt(struct central_set *set, const char *sb_name, const struct uuid *sb);
void central_set_drop(struct central_set *set, const struct uuid *sb);
void central_set_write(struct central_plan *plan, struct central_set *set, struct txn *txn);
void central_address_set_write(struct central_plan *plan, const struct uuid *nb, struct txn *txn);
void central_svc_set_write(struct central_plan *plan, struct txn *txn);
bool central_address_set_is_wanted(const struct central_plan *plan, const char *name);
/* "5_web" -> "web"; NULL if it has another form. */
const char *central_set_nb_name(const char *sb_name);

void central_global_write_sb(struct central_plan *plan, struct txn *txn, int64_t wall_ms);
void central_global_write_nb(struct central_plan *plan, struct txn *txn, int64_t wall_ms);
/* The value of svc_monitor_mac, in place or about to be. */
const char *central_svc_monitor_mac(const struct central_plan *plan, char text[static 18]);
