/* SPDX-License-Identifier: Apache-2.0 */
/* The plan, with two databases in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "minidb.h"
#include "model/central_plan.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "util/array.h"

struct bed {
	struct replica *nb, *sb;
	struct central_plan *plan;
	VEC(struct uuid) switches;
	VEC(struct uuid) ports;
	VEC(struct uuid) groups;
	VEC(struct uuid) routers;
	unsigned int serial;
	unsigned int warnings;
	unsigned int seed;
};

static void count_warning(void *arg, const char *text)
{
	struct bed *bed = arg;

	assert_true(strlen(text) > 0);
	bed->warnings++;
}

static void bed_init(struct bed *bed, unsigned int seed)
{
	struct central_plan_opts opts = { .warn = count_warning, .arg = bed, .version = "test" };

	memset(bed, 0, sizeof(*bed));
	bed->seed = seed;
	bed->nb = replica_new(&nb_schema);
	bed->sb = replica_new(&sb_schema);
	bed->plan = central_plan_new(&opts, bed->nb, bed->sb);
}

static void bed_done(struct bed *bed)
{
	central_plan_free(bed->plan);
	replica_free(bed->nb);
	replica_free(bed->sb);
	VEC_DONE(bed->switches);
	VEC_DONE(bed->ports);
	VEC_DONE(bed->groups);
	VEC_DONE(bed->routers);
}

static unsigned int below(struct bed *bed, size_t n)
{
	return (unsigned int)rand_r(&bed->seed) % (unsigned int)n;
}

static void take_changes(struct bed *bed)
{
	central_plan_update(bed->plan);
	replica_advance(bed->nb);
	replica_advance(bed->sb);
}

/* Until nothing is left to write; a few rounds must do. */
static void settle(struct bed *bed)
{
	for (int round = 0; round < 8; round++) {
		struct txn *sb = txn_new(&sb_schema), *nb = txn_new(&nb_schema);
		bool done;

		take_changes(bed);
		central_plan_write_sb(bed->plan, sb, 1000);
		central_plan_write_nb(bed->plan, nb, 1000);
		done = txn_is_empty(sb) && txn_is_empty(nb);
		minidb_commit(bed->sb, sb);
		minidb_commit(bed->nb, nb);
		txn_free(sb);
		txn_free(nb);
		if (done)
			return;
	}
	fail_msg("the plan goes on writing");
}

static void members_exist(struct bed *bed)
{
	SB_MULTICAST_GROUP_FOREACH(group, bed->sb)
	for (uint32_t i = 0; i < sb_multicast_group_ports(group)->n; i++)
		assert_non_null(sb_port_binding_get(
			bed->sb, &sb_multicast_group_ports(group)->keys[i].uuid));
}

/* A transaction of its own for each object; what it refers to is there before it. */
static void settle_singly(struct bed *bed)
{
	for (int round = 0; round < 1000; round++) {
		struct txn *sb = txn_new(&sb_schema);
		bool done;

		take_changes(bed);
		central_plan_write_sb_singly(bed->plan, sb, 1000);
		done = txn_is_empty(sb);
		minidb_commit(bed->sb, sb);
		txn_free(sb);
		SB_PORT_BINDING_FOREACH(port, bed->sb)
		assert_non_null(sb_datapath_binding_get(bed->sb, sb_port_binding_datapath(port)));
		if (done) {
			members_exist(bed);
			return;
		}
	}
	fail_msg("the plan goes on writing");
}

static void check(struct bed *bed)
{
	AUTO_FREE char *what = NULL;

	settle(bed);
	if (!central_plan_check(bed->plan, &what))
		fail_msg("not what a computation from scratch gives: %s", what);
}

static json_t *uuid_set(const struct uuid *uuids, size_t n)
{
	json_t *elements = json_array();
	char text[UUID_TEXT_SIZE];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(elements,
				      json_pack("[ss]", "uuid", uuid_format(&uuids[i], text)));
	return json_pack("[so]", "set", elements);
}

static void list_port(struct bed *bed, const struct uuid *ls, const struct uuid *port, bool add)
{
	const struct nb_ls *row = nb_ls_get(bed->nb, ls);
	struct ovsdb_datum ports = ovsdb_datum_clone(nb_ls_ports(row), &nb_ls_columns[NB_LS_PORTS]);
	union ovsdb_atom atom = { .uuid = *port };

	if (add)
		ovsdb_datum_insert(&ports, &nb_ls_columns[NB_LS_PORTS], atom,
				   (union ovsdb_atom){ 0 });
	else
		ovsdb_datum_remove(&ports, &nb_ls_columns[NB_LS_PORTS], atom);
	minidb_set(bed->nb, "Logical_Switch", ls, "ports",
		   ovsdb_datum_to_json(&ports, &nb_ls_columns[NB_LS_PORTS]));
	ovsdb_datum_done(&ports, &nb_ls_columns[NB_LS_PORTS]);
}

static struct uuid add_switch(struct bed *bed)
{
	char name[32];
	struct uuid uuid;

	snprintf(name, sizeof(name), "ls%u", ++bed->serial);
	uuid = minidb_insert(bed->nb, "Logical_Switch", json_pack("{ss}", "name", name));
	VEC_ADD(bed->switches, uuid);
	return uuid;
}

static struct uuid add_port(struct bed *bed, const struct uuid *ls)
{
	char name[32];
	struct uuid uuid;

	snprintf(name, sizeof(name), "p%u", ++bed->serial);
	uuid = minidb_insert(bed->nb, "Logical_Switch_Port", json_pack("{ss}", "name", name));
	VEC_ADD(bed->ports, uuid);
	list_port(bed, ls, &uuid, true);
	return uuid;
}

static const struct nb_ls *switch_of(struct bed *bed, const struct uuid *port)
{
	NB_LS_FOREACH(ls, bed->nb)
	if (ovsdb_uset_contains(nb_ls_ports(ls), port))
		return ls;
	return NULL;
}

/* A weak reference goes with its row, as the server sees to it. */
static void forget_port(struct bed *bed, const struct uuid *port)
{
	VEC_FOREACH(group, bed->groups) {
		const struct nb_port_group *row = nb_port_group_get(bed->nb, group);
		struct ovsdb_datum ports = ovsdb_datum_clone(
			nb_port_group_ports(row), &nb_port_group_columns[NB_PORT_GROUP_PORTS]);

		if (ovsdb_datum_remove(&ports, &nb_port_group_columns[NB_PORT_GROUP_PORTS],
				       (union ovsdb_atom){ .uuid = *port }))
			minidb_set(bed->nb, "Port_Group", group, "ports",
				   ovsdb_datum_to_json(
					   &ports, &nb_port_group_columns[NB_PORT_GROUP_PORTS]));
		ovsdb_datum_done(&ports, &nb_port_group_columns[NB_PORT_GROUP_PORTS]);
	}
	minidb_delete(bed->nb, "Logical_Switch_Port", port);
	for (size_t i = 0; i < bed->ports.n; i++)
		if (uuid_eq(&bed->ports.v[i], port))
			bed->ports.v[i--] = bed->ports.v[--bed->ports.n];
}

static void remove_port(struct bed *bed, const struct uuid *port)
{
	struct uuid copy = *port;

	list_port(bed, nb_ls_uuid(switch_of(bed, &copy)), &copy, false);
	forget_port(bed, &copy);
}

static void move_port(struct bed *bed, const struct uuid *port, const struct uuid *ls)
{
	list_port(bed, nb_ls_uuid(switch_of(bed, port)), port, false);
	list_port(bed, ls, port, true);
}

static void remove_switch(struct bed *bed, size_t index)
{
	struct uuid ls = bed->switches.v[index];
	const struct ovsdb_datum *ports = nb_ls_ports(nb_ls_get(bed->nb, &ls));
	struct ovsdb_datum copy = ovsdb_datum_clone(ports, &nb_ls_columns[NB_LS_PORTS]);

	bed->switches.v[index] = bed->switches.v[--bed->switches.n];
	minidb_delete(bed->nb, "Logical_Switch", &ls);
	for (uint32_t i = 0; i < copy.n; i++)
		forget_port(bed, &copy.keys[i].uuid);
	ovsdb_datum_done(&copy, &nb_ls_columns[NB_LS_PORTS]);
}

static void set_port(struct bed *bed, const struct uuid *port, const char *column, json_t *value)
{
	minidb_set(bed->nb, "Logical_Switch_Port", port, column, value);
}

static void random_port_edit(struct bed *bed, const struct uuid *port)
{
	static const char *const types[] = { "", "localport", "router", "virtual", "wrong" };
	static const char *const addresses[] = { "00:00:00:00:00:01 10.0.0.1", "unknown",
						 "rubbish" };
	char text[32];

	snprintf(text, sizeof(text), "%u", below(bed, 12));
	switch (below(bed, 7)) {
	case 0:
		set_port(bed, port, "type", json_string(types[below(bed, ARRAY_SIZE(types))]));
		break;
	case 1:
		set_port(bed, port, "addresses",
			 json_string(addresses[below(bed, ARRAY_SIZE(addresses))]));
		break;
	case 2: set_port(bed, port, "enabled", json_boolean(below(bed, 2))); break;
	case 3:
		set_port(bed, port, "options",
			 json_pack("[s[[ss]]]", "map", "requested-tnl-key", text));
		break;
	case 4:
		set_port(bed, port, "options",
			 json_pack("[s[[ss]]]", "map", "mcast_flood", "true"));
		break;
	case 5:
		snprintf(text, sizeof(text), "renamed%u", ++bed->serial);
		set_port(bed, port, "name", json_string(text));
		break;
	default:
		set_port(bed, port, "parent_name",
			 below(bed, 2) ? json_string("p1") : json_pack("[s[]]", "set"));
		set_port(bed, port, "tag_request", json_integer(below(bed, 3)));
	}
}

static void random_group_edit(struct bed *bed)
{
	char name[32];

	if (bed->groups.n > 3) {
		minidb_delete(bed->nb, "Port_Group", &bed->groups.v[0]);
		bed->groups.v[0] = bed->groups.v[--bed->groups.n];
		return;
	}
	snprintf(name, sizeof(name), "pg%u", ++bed->serial);
	VEC_ADD(bed->groups,
		minidb_insert(bed->nb, "Port_Group",
			      json_pack("{ssso}", "name", name, "ports",
					uuid_set(bed->ports.v, below(bed, bed->ports.n + 1)))));
}

/* A router with one port, whose name may be that of a switch port. */
static struct uuid add_router(struct bed *bed, const char *port_name)
{
	struct uuid port, router;
	char name[32];

	snprintf(name, sizeof(name), "lr%u", ++bed->serial);
	port = minidb_insert(bed->nb, "Logical_Router_Port",
			     json_pack("{ssss}", "name", port_name, "mac", "00:00:00:00:00:01"));
	router = minidb_insert(bed->nb, "Logical_Router",
			       json_pack("{ssso}", "name", name, "ports", uuid_set(&port, 1)));
	VEC_ADD(bed->routers, router);
	return port;
}

static void remove_router(struct bed *bed, size_t index)
{
	struct uuid router = bed->routers.v[index];
	struct uuid port = nb_lr_ports(nb_lr_get(bed->nb, &router))->keys[0].uuid;

	bed->routers.v[index] = bed->routers.v[--bed->routers.n];
	minidb_delete(bed->nb, "Logical_Router", &router);
	minidb_delete(bed->nb, "Logical_Router_Port", &port);
}

static void random_router_edit(struct bed *bed)
{
	char name[32];

	if (bed->routers.n > 2) {
		remove_router(bed, below(bed, bed->routers.n));
		return;
	}
	snprintf(name, sizeof(name), below(bed, 2) ? "p%u" : "renamed%u",
		 below(bed, bed->serial + 4));
	if (!nb_lrp_by_name(bed->nb, name))
		add_router(bed, name);
}

static void random_vandalism(struct bed *bed)
{
	const struct sb_port_binding *port = sb_port_binding_first(bed->sb);
	const struct sb_multicast_group *group = sb_multicast_group_first(bed->sb);

	if (port && below(bed, 2))
		minidb_delete(bed->sb, "Port_Binding", sb_port_binding_uuid(port));
	else if (group && below(bed, 2))
		minidb_delete(bed->sb, "Multicast_Group", sb_multicast_group_uuid(group));
	else if (group && below(bed, 2))
		minidb_set(bed->sb, "Multicast_Group", sb_multicast_group_uuid(group), "tunnel_key",
			   json_integer(32768 + below(bed, 7)));
	else if (group)
		minidb_set(bed->sb, "Multicast_Group", sb_multicast_group_uuid(group), "name",
			   json_string(below(bed, 2) ? "_MC_unknown" : "_MC_flood"));
}

static void random_edit(struct bed *bed)
{
	unsigned int what = below(bed, 24);
	const struct uuid *port = bed->ports.n ? &bed->ports.v[below(bed, bed->ports.n)] : NULL;

	if (!bed->switches.n || what == 0)
		add_switch(bed);
	else if (what == 1 && bed->switches.n > 2)
		remove_switch(bed, below(bed, bed->switches.n));
	else if (what <= 6 || !port)
		add_port(bed, &bed->switches.v[below(bed, bed->switches.n)]);
	else if (what == 7)
		remove_port(bed, port);
	else if (what == 8)
		random_group_edit(bed);
	else if (what == 9)
		random_vandalism(bed);
	else if (what == 10)
		minidb_set(bed->nb, "Logical_Switch", &bed->switches.v[below(bed, bed->switches.n)],
			   "other_config", json_pack("[s[[ss]]]", "map", "requested-tnl-key", "3"));
	else if (what == 12)
		move_port(bed, port, &bed->switches.v[below(bed, bed->switches.n)]);
	else if (what == 11)
		random_router_edit(bed);
	else
		random_port_edit(bed, port);
}

static void keys_are_unique(struct bed *bed)
{
	SB_PORT_BINDING_FOREACH(a, bed->sb)
	SB_PORT_BINDING_FOREACH(b, bed->sb)
	assert_false(a != b && uuid_eq(sb_port_binding_datapath(a), sb_port_binding_datapath(b)) &&
		     sb_port_binding_tunnel_key(a) == sb_port_binding_tunnel_key(b));
}

static void groups_are_unique(struct bed *bed)
{
	SB_MULTICAST_GROUP_FOREACH(a, bed->sb)
	SB_MULTICAST_GROUP_FOREACH(b, bed->sb)
	assert_false(a != b &&
		     uuid_eq(sb_multicast_group_datapath(a), sb_multicast_group_datapath(b)) &&
		     (sb_multicast_group_tunnel_key(a) == sb_multicast_group_tunnel_key(b) ||
		      strcmp(sb_multicast_group_name(a), sb_multicast_group_name(b)) == 0));
}

/* One row per name: of a switch port and a router port with one name only the former has it. */
static size_t count_names(struct bed *bed)
{
	size_t n = bed->ports.n;

	NB_LRP_FOREACH(lrp, bed->nb)
	n += !nb_lsp_by_name(bed->nb, nb_lrp_name(lrp));
	return n;
}

static void step_by_step_gives_what_from_scratch_gives(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 30; seed++) {
		struct bed bed;

		bed_init(&bed, seed);
		for (int step = 0; step < 60; step++) {
			for (unsigned int i = below(&bed, 4); i; i--)
				random_edit(&bed);
			if (seed % 2)
				settle_singly(&bed);
			check(&bed);
		}
		keys_are_unique(&bed);
		groups_are_unique(&bed);
		assert_int_equal(replica_count(bed.sb, &sb_port_binding_table), count_names(&bed));
		bed_done(&bed);
	}
}

static void a_failed_transaction_is_made_anew(void **state)
{
	struct bed bed;
	struct uuid ls;
	struct txn *txn;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	add_port(&bed, &ls);
	take_changes(&bed);
	txn = txn_new(&sb_schema);
	central_plan_write_sb(bed.plan, txn, 0);
	assert_false(txn_is_empty(txn));
	txn_free(txn); /* never arrives */
	central_plan_reset(bed.plan);
	check(&bed);
	assert_int_equal(replica_count(bed.sb, &sb_port_binding_table), 1);
	bed_done(&bed);
}

static void one_port_more_is_one_row_more(void **state)
{
	struct bed bed;
	struct uuid ls, port;
	struct txn *txn;
	json_t *json, *op;
	size_t i, inserts = 0;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	for (int n = 0; n < 50; n++)
		add_port(&bed, &ls);
	check(&bed);
	port = add_port(&bed, &ls);
	take_changes(&bed);
	txn = txn_new(&sb_schema);
	central_plan_write_sb(bed.plan, txn, 0);
	json = txn_to_json(txn);
	json_array_foreach(json, i, op) inserts +=
		!strcmp(json_string_value(json_object_get(op, "op")) ?: "", "insert");
	assert_int_equal(inserts, 1);
	assert_true(json_array_size(json) <= 4); /* database, the port, two groups */
	json_decref(json);
	minidb_commit(bed.sb, txn);
	txn_free(txn);
	check(&bed);
	assert_non_null(nb_lsp_get(bed.nb, &port));
	bed_done(&bed);
}

static void a_problem_is_said_once(void **state)
{
	struct bed bed;
	struct uuid ls, port;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	port = add_port(&bed, &ls);
	set_port(&bed, &port, "type", json_string("wrong"));
	check(&bed);
	assert_int_equal(bed.warnings, 1);
	set_port(&bed, &port, "addresses", json_string("unknown"));
	check(&bed);
	assert_int_equal(bed.warnings, 1);
	set_port(&bed, &port, "type", json_string(""));
	check(&bed);
	set_port(&bed, &port, "type", json_string("wrong"));
	check(&bed);
	assert_int_equal(bed.warnings, 2);
	bed_done(&bed);
}

static const struct sb_port_binding *binding_of(struct bed *bed, const char *name)
{
	return sb_port_binding_by_logical_port(bed->sb, name);
}

static void a_name_is_that_of_one_port(void **state)
{
	struct bed bed;
	struct uuid ls, first, second;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	first = add_port(&bed, &ls); /* p2 */
	add_router(&bed, "p2");
	check(&bed);
	assert_int_equal(bed.warnings, 1);
	assert_int_equal(replica_count(bed.sb, &sb_port_binding_table), 1);
	assert_string_equal(sb_port_binding_type(binding_of(&bed, "p2")), "");
	set_port(&bed, &first, "name", json_string("other"));
	check(&bed);
	assert_string_equal(sb_port_binding_type(binding_of(&bed, "p2")), "patch");
	assert_non_null(binding_of(&bed, "other"));
	second = add_port(&bed, &ls);
	set_port(&bed, &second, "name", json_string("p2"));
	check(&bed);
	assert_string_equal(sb_port_binding_type(binding_of(&bed, "p2")), "");
	assert_int_equal(bed.warnings, 2);
	remove_port(&bed, &second);
	check(&bed);
	assert_string_equal(sb_port_binding_type(binding_of(&bed, "p2")), "patch");
	bed_done(&bed);
}

/* Of type router, at the port with that name. */
static void connect_port(struct bed *bed, const struct uuid *port, const char *router_port)
{
	set_port(bed, port, "type", json_string("router"));
	set_port(bed, port, "options", json_pack("[s[[ss]]]", "map", "router-port", router_port));
}

static void list_router_ports(struct bed *bed, size_t router, const struct uuid *ports, size_t n)
{
	minidb_set(bed->nb, "Logical_Router", &bed->routers.v[router], "ports", uuid_set(ports, n));
}

/* The router's options reach a switch port that is not the peer in the router port's row, too. */
static void a_router_on_a_chassis_shows_at_every_switch_port(void **state)
{
	struct bed bed;
	struct uuid ls, ports[2];

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	add_router(&bed, "lrp");
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = add_port(&bed, &ls);
		connect_port(&bed, &ports[i], "lrp");
	}
	check(&bed);
	minidb_set(bed.nb, "Logical_Router", &bed.routers.v[0], "options",
		   json_pack("[s[[ss]]]", "map", "chassis", "hv1"));
	check(&bed);
	SB_PORT_BINDING_FOREACH(row, bed.sb)
	assert_string_equal(sb_port_binding_type(row), "l3gateway");
	bed_done(&bed);
}

/* Writes singly; the server takes nothing in which this text is. */
static void settle_refusing(struct bed *bed, const char *text)
{
	for (int round = 0; round < 100; round++) {
		struct txn *txn = txn_new(&sb_schema);
		AUTO_FREE char *json = NULL;
		json_t *operations;
		bool done;

		take_changes(bed);
		central_plan_write_sb_singly(bed->plan, txn, 1000);
		operations = txn_to_json(txn);
		json = json_dumps(operations, JSON_COMPACT);
		json_decref(operations);
		done = txn_is_empty(txn);
		if (!done && strstr(json, text)) {
			central_plan_set_aside(bed->plan, text);
		} else if (!done) {
			minidb_commit(bed->sb, txn);
			central_plan_set_written(bed->plan);
		}
		txn_free(txn);
		if (done)
			return;
	}
	fail_msg("the plan goes on writing");
}

static void what_was_refused_is_tried_when_it_changes(void **state)
{
	struct bed bed;
	struct uuid global;

	(void)state;
	bed_init(&bed, 1);
	global = minidb_insert(bed.nb, "NB_Global", json_pack("{si}", "nb_cfg", 1));
	check(&bed);
	minidb_set(bed.nb, "NB_Global", &global, "nb_cfg", json_integer(2));
	settle_refusing(&bed, "nb_cfg");
	assert_true(central_plan_say_refusals(bed.plan));
	assert_int_equal(bed.warnings, 1);
	central_plan_retry(bed.plan);
	settle_refusing(&bed, "\"nb_cfg\""); /* in other words */
	assert_true(central_plan_say_refusals(bed.plan));
	assert_int_equal(bed.warnings, 1);
	assert_int_equal(sb_global_nb_cfg(sb_global_first(bed.sb)), 1);
	minidb_set(bed.nb, "NB_Global", &global, "nb_cfg", json_integer(3));
	check(&bed);
	assert_int_equal(sb_global_nb_cfg(sb_global_first(bed.sb)), 3);
	bed_done(&bed);
}

static void a_port_without_a_row_moves_with_its_groups(void **state)
{
	struct bed bed;
	struct uuid first, second, port;
	char text[UUID_TEXT_SIZE];

	(void)state;
	bed_init(&bed, 1);
	first = add_switch(&bed);
	second = add_switch(&bed);
	port = add_port(&bed, &first);
	set_port(&bed, &port, "name", json_string("refused"));
	minidb_insert(
		bed.nb, "Port_Group",
		json_pack("{ss,s[ss]}", "name", "pg", "ports", "uuid", uuid_format(&port, text)));
	settle_refusing(&bed, "\"logical_port\":\"refused\"");
	check(&bed);
	list_port(&bed, &first, &port, false);
	list_port(&bed, &second, &port, true);
	check(&bed);
	bed_done(&bed);
}

static void a_router_port_forgets_a_peer_without_a_row(void **state)
{
	struct bed bed;
	struct uuid ls, port;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	add_router(&bed, "lrp");
	port = add_port(&bed, &ls);
	set_port(&bed, &port, "name", json_string("refused"));
	connect_port(&bed, &port, "lrp");
	settle_refusing(&bed, "\"logical_port\":\"refused\"");
	check(&bed);
	assert_null(binding_of(&bed, "refused"));
	set_port(&bed, &port, "type", json_string(""));
	check(&bed);
	assert_null(ovsdb_smap_get(sb_port_binding_options(binding_of(&bed, "lrp")), "peer"));
	bed_done(&bed);
}

static void a_redirect_row_goes_when_its_port_moves(void **state)
{
	struct bed bed;
	struct uuid port, datapath, group = { { 1 } };
	char text[UUID_TEXT_SIZE], group_text[UUID_TEXT_SIZE];

	(void)state;
	bed_init(&bed, 1);
	port = add_router(&bed, "lrp");
	add_router(&bed, "other");
	minidb_set(bed.nb, "Logical_Router_Port", &port, "ha_chassis_group",
		   json_pack("[ss]", "uuid", uuid_format(&group, group_text)));
	check(&bed);
	datapath = *sb_port_binding_datapath(binding_of(&bed, "lrp"));
	minidb_insert(bed.sb, "Port_Binding",
		      json_pack("{ss,ss,s[ss],si}", "logical_port", "cr-lrp", "type",
				"chassisredirect", "datapath", "uuid", uuid_format(&datapath, text),
				"tunnel_key", 7));
	check(&bed);
	assert_non_null(binding_of(&bed, "cr-lrp"));
	list_router_ports(&bed, 0, NULL, 0);
	list_router_ports(&bed, 1, &port, 1);
	check(&bed);
	assert_null(binding_of(&bed, "cr-lrp"));
	assert_non_null(binding_of(&bed, "lrp"));
	bed_done(&bed);
}

static void a_duplicate_address_is_said_once(void **state)
{
	struct bed bed;
	struct uuid ls, a, b;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	a = add_port(&bed, &ls);
	b = add_port(&bed, &ls);
	set_port(&bed, &a, "addresses", json_string("00:00:00:00:00:01 10.0.0.1"));
	set_port(&bed, &b, "addresses", json_string("00:00:00:00:00:02 10.0.0.1 10.0.0.2"));
	check(&bed);
	set_port(&bed, &b, "enabled", json_true());
	check(&bed);
	assert_int_equal(bed.warnings, 1);
	set_port(&bed, &a, "addresses", json_string("00:00:00:00:00:01 10.0.0.3"));
	check(&bed);
	set_port(&bed, &a, "addresses", json_string("00:00:00:00:00:01 10.0.0.2"));
	check(&bed);
	assert_int_equal(bed.warnings, 2);
	set_port(&bed, &a, "addresses", json_string("00:00:00:00:00:02 10.0.0.3"));
	check(&bed);
	assert_int_equal(bed.warnings, 2); /* the MAC address, but the port has been told */
	bed_done(&bed);
}

static void a_duplicate_mac_address_is_said_once(void **state)
{
	struct bed bed;
	struct uuid ls, a, b;

	(void)state;
	bed_init(&bed, 1);
	ls = add_switch(&bed);
	a = add_port(&bed, &ls);
	b = add_port(&bed, &ls);
	set_port(&bed, &a, "addresses",
		 json_pack("[s[ss]]", "set", "00:00:00:00:00:01 10.0.0.1",
			   "00:00:00:00:00:01 10.0.0.2"));
	check(&bed);
	assert_int_equal(bed.warnings, 0);
	set_port(&bed, &b, "addresses", json_string("00:00:00:00:00:01 10.0.0.3"));
	check(&bed);
	set_port(&bed, &b, "enabled", json_true());
	check(&bed);
	assert_int_equal(bed.warnings, 1);
	set_port(&bed, &b, "addresses", json_string("00:00:00:00:00:02 10.0.0.3"));
	check(&bed);
	set_port(&bed, &b, "addresses", json_string("00:00:00:00:00:01"));
	check(&bed);
	assert_int_equal(bed.warnings, 2);
	bed_done(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step_by_step_gives_what_from_scratch_gives),
		cmocka_unit_test(a_failed_transaction_is_made_anew),
		cmocka_unit_test(one_port_more_is_one_row_more),
		cmocka_unit_test(a_problem_is_said_once),
		cmocka_unit_test(a_name_is_that_of_one_port),
		cmocka_unit_test(a_router_on_a_chassis_shows_at_every_switch_port),
		cmocka_unit_test(what_was_refused_is_tried_when_it_changes),
		cmocka_unit_test(a_port_without_a_row_moves_with_its_groups),
		cmocka_unit_test(a_router_port_forgets_a_peer_without_a_row),
		cmocka_unit_test(a_redirect_row_goes_when_its_port_moves),
		cmocka_unit_test(a_duplicate_address_is_said_once),
		cmocka_unit_test(a_duplicate_mac_address_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
