/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "minidb.h"
#include "model/binding.h"
#include "rows.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/str.h"

/* Chassis 'a' and 'b' share a southbound database; each has its own Interface rows. */

#define N_CHASSIS 2
#define MAX_PORTS 4

enum {
	ROW_ENCAP = 30,
	ROW_CHASSIS = 50,
	ROW_PORT = 70,
	ROW_IFACE = 90
};

struct player {
	struct uuid uuid;
	struct replica *ovs;
	struct binding *binding;
	struct binding_iface ifaces[MAX_PORTS];
	size_t n_ifaces;
	unsigned int n_plugged; /* numbers the Interface rows */
};

struct game {
	struct replica *sb;
	struct player players[N_CHASSIS];
	uint64_t now_ms;
	struct str events; /* "a claimed p0 by tap0; " */
	unsigned int player;
};

static struct game *game_new(void)
{
	struct game *game = xcalloc(1, sizeof(*game));

	game->sb = replica_new(&sb_schema);
	game->now_ms = 100000;
	for (unsigned int i = 0; i < N_CHASSIS; i++) {
		struct player *p = &game->players[i];

		row_put(game->sb, "Chassis", ROW_CHASSIS + i, "{'name':'%c'}", 'a' + (int)i);
		p->uuid = row_uuid_of(ROW_CHASSIS + i);
		p->ovs = replica_new(&ovs_schema);
		p->binding = binding_new();
	}
	return game;
}

static void game_free(struct game *game)
{
	for (unsigned int i = 0; i < N_CHASSIS; i++) {
		replica_free(game->players[i].ovs);
		binding_free(game->players[i].binding);
	}
	replica_free(game->sb);
	str_done(&game->events);
	free(game);
}

static void put_port(struct game *game, unsigned int n, const char *type, const char *more)
{
	row_put(game->sb, "Port_Binding", ROW_PORT + n,
		"{'logical_port':'p%u','type':'%s','tunnel_key':%u,'up':false%s}", n, type, n + 1,
		more);
}

static void set_port(struct game *game, unsigned int n, const char *column, json_t *value)
{
	struct uuid uuid = row_uuid_of(ROW_PORT + n);

	minidb_set(game->sb, "Port_Binding", &uuid, column, value);
}

static const char *const iface_names[MAX_PORTS] = { "tap0", "tap1", "tap2", "tap3" };
static const char *const port_names[MAX_PORTS] = { "p0", "p1", "p2", "p3" };

static struct binding_iface *find_iface(struct game *game, unsigned int player, unsigned int port)
{
	struct player *p = &game->players[player];

	for (size_t i = 0; i < p->n_ifaces; i++) {
		if (str_eq(p->ifaces[i].iface_id, port_names[port]))
			return &p->ifaces[i];
	}
	return NULL;
}

static struct binding_iface *plug(struct game *game, unsigned int player, unsigned int port)
{
	struct player *p = &game->players[player];
	unsigned int id = ROW_IFACE + p->n_plugged++;
	struct binding_iface *iface = &p->ifaces[p->n_ifaces++];

	row_put(p->ovs, "Interface", id,
		"{'name':'%s','external_ids':['map',[['iface-id','%s'],['vm','x']]]}",
		iface_names[port], port_names[port]);
	*iface = (struct binding_iface){
		.name = iface_names[port],
		.uuid = row_uuid_of(id),
		.iface_id = port_names[port],
		.has_device = true,
	};
	return iface;
}

static void unplug(struct game *game, unsigned int player, unsigned int port)
{
	struct player *p = &game->players[player];
	struct binding_iface *iface = find_iface(game, player, port);

	minidb_delete(p->ovs, "Interface", &iface->uuid);
	*iface = p->ifaces[--p->n_ifaces];
}

static void on_event(void *arg, const struct binding_event *event)
{
	static const char *const kinds[] = {
		[BINDING_CLAIMED] = "claimed", [BINDING_RELEASED] = "released",
		[BINDING_UP] = "up",           [BINDING_LOST] = "lost",
		[BINDING_REFUSED] = "refused", [BINDING_SHADOWED] = "shadowed",
	};
	struct game *game = arg;

	str_addf(&game->events, "%c %s %s", 'a' + (int)game->player, kinds[event->kind],
		 event->lport);
	if (event->other)
		str_addf(&game->events, " (%s)", event->other);
	str_add(&game->events, "; ");
}

/* ---- committing ---- */

static bool wait_holds(struct replica *replica, const json_t *op)
{
	const char *table_name = json_string_value(json_object_get(op, "table"));
	const struct ovsdb_table *table = ovsdb_schema_table(replica_schema(replica), table_name);
	const json_t *where = json_array_get(json_object_get(op, "where"), 0);
	const json_t *row = json_array_get(json_object_get(op, "rows"), 0);
	const struct row *current;
	struct uuid uuid;
	const char *name;
	json_t *value;

	assert_true(
		uuid_parse(json_string_value(json_array_get(json_array_get(where, 2), 1)), &uuid));
	current = replica_get(replica, table, &uuid);
	json_object_foreach((json_t *)row, name, value)
	{
		const struct ovsdb_column *column = ovsdb_table_column(table, name);
		json_t *now = ovsdb_datum_to_json(row_datum(current, column), column);
		bool same = json_equal(now, value);

		json_decref(now);
		if (!same)
			return false;
	}
	return true;
}

static bool waits_hold(struct replica *replica, const struct txn *txn)
{
	json_t *ops = txn_to_json(txn), *op;
	bool hold = true;
	size_t i;

	json_array_foreach(ops, i, op)
	{
		if (str_eq(json_string_value(json_object_get(op, "op")), "wait"))
			hold &= wait_holds(replica, op);
	}
	json_decref(ops);
	return hold;
}

struct moves {
	struct txn *sb, *ovs;
	uint64_t deadline_ms;
};

static struct binding_in input(struct game *game, unsigned int player)
{
	struct player *p = &game->players[player];

	return (struct binding_in){
		.sb = game->sb,
		.ovs = p->ovs,
		.chassis = &p->uuid,
		.ifaces = p->ifaces,
		.n_ifaces = p->n_ifaces,
		.now_ms = game->now_ms,
		.wall_ms = 1700000000000,
		.event = on_event,
		.arg = game,
	};
}

static struct moves think(struct game *game, unsigned int player)
{
	struct binding_in in = input(game, player);
	struct moves moves = { txn_new(&sb_schema), txn_new(&ovs_schema), 0 };

	game->player = player;
	moves.deadline_ms = binding_run(game->players[player].binding, &in, moves.sb, moves.ovs);
	return moves;
}

/* Returns whether anything was to be done. */
static bool act(struct game *game, unsigned int player, struct moves *moves, bool fail)
{
	bool busy = !txn_is_empty(moves->sb) || !txn_is_empty(moves->ovs);

	if (!fail && waits_hold(game->sb, moves->sb))
		minidb_commit(game->sb, moves->sb);
	if (!fail)
		minidb_commit(game->players[player].ovs, moves->ovs);
	txn_free(moves->sb);
	txn_free(moves->ovs);
	return busy;
}

static bool turn(struct game *game, unsigned int player)
{
	struct moves moves = think(game, player);

	return act(game, player, &moves, false);
}

/* One player, until it is content; the second run after a commit must find nothing to do. */
static void settle(struct game *game, unsigned int player)
{
	assert_true(turn(game, player) ? !turn(game, player) || !turn(game, player) : true);
}

/* ---- looking ---- */

static const struct sb_port_binding *port_row(struct game *game, unsigned int n)
{
	struct uuid uuid = row_uuid_of(ROW_PORT + n);

	return sb_port_binding_get(game->sb, &uuid);
}

/* "a", "a up", "-" */
static const char *held_by(struct game *game, unsigned int n)
{
	static char text[8];
	const struct sb_port_binding *row = port_row(game, n);
	const struct uuid *holder = sb_port_binding_chassis(row);
	bool up = false;

	sb_port_binding_up(row, &up);
	snprintf(text, sizeof(text), "%s%s",
		 holder ? sb_chassis_name(sb_chassis_get(game->sb, holder)) : "-", up ? " up" : "");
	return text;
}

static bool has_key(struct game *game, unsigned int player, unsigned int port, const char *key)
{
	struct binding_iface *iface = find_iface(game, player, port);
	const struct ovs_interface *row =
		ovs_interface_get(game->players[player].ovs, &iface->uuid);

	assert_string_equal(ovsdb_smap_get(ovs_interface_external_ids(row), "vm"), "x");
	return ovsdb_smap_get(ovs_interface_external_ids(row), key) != NULL;
}

static void check_events(struct game *game, const char *expected)
{
	assert_string_equal(str_c(&game->events), expected);
	str_clear(&game->events);
}

/* ---- situations ---- */

static void life_of_a_vif(void **unused)
{
	struct game *game = game_new();
	struct binding_iface *iface;

	put_port(game, 0, "", "");
	iface = plug(game, 0, 0);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a");
	assert_false(has_key(game, 0, 0, "ovn-installed"));
	check_events(game, "a claimed p0; ");

	iface->installed = true;
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a up");
	assert_true(has_key(game, 0, 0, "ovn-installed"));
	assert_true(has_key(game, 0, 0, "ovn-installed-ts"));
	check_events(game, "a up p0; ");

	iface->has_device = false;
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	assert_false(has_key(game, 0, 0, "ovn-installed"));
	assert_false(has_key(game, 0, 0, "ovn-installed-ts"));
	check_events(game, "a released p0; ");

	iface->has_device = true;
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a up");
	unplug(game, 0, 0);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	game_free(game);
}

static void claim_and_up_are_two_steps(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0)->installed = true;
	assert_true(turn(game, 0));
	assert_string_equal(held_by(game, 0), "a");
	assert_true(turn(game, 0));
	assert_string_equal(held_by(game, 0), "a up");
	assert_false(turn(game, 0));
	game_free(game);
}

static void restart_changes_nothing(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0)->installed = true;
	settle(game, 0);
	binding_free(game->players[0].binding);
	game->players[0].binding = binding_new();
	find_iface(game, 0, 0)->installed = false; /* not compiled yet */
	str_clear(&game->events);
	assert_false(turn(game, 0));
	find_iface(game, 0, 0)->installed = true;
	assert_false(turn(game, 0));
	check_events(game, "");
	game_free(game);
}

static void leftovers_of_an_earlier_life_are_released(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	put_port(game, 1, "", "");
	plug(game, 0, 0)->installed = true;
	plug(game, 0, 1)->installed = true;
	settle(game, 0);
	binding_free(game->players[0].binding);
	game->players[0].binding = binding_new();
	unplug(game, 0, 0);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	assert_string_equal(held_by(game, 1), "a up");
	game_free(game);
}

static void new_interface_under_the_old_name_is_down_at_first(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0)->installed = true;
	settle(game, 0);
	unplug(game, 0, 0);
	plug(game, 0, 0);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a");
	find_iface(game, 0, 0)->installed = true;
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a up");
	assert_true(has_key(game, 0, 0, "ovn-installed"));
	game_free(game);
}

static void localport_is_bound_by_nobody(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0)->installed = true;
	settle(game, 0);
	set_port(game, 0, "type", json_string("localport"));
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	assert_false(has_key(game, 0, 0, "ovn-installed"));

	/* What another chassis left behind, too. */
	set_port(game, 0, "chassis", json_pack("[ss]", "uuid", row_id(ROW_CHASSIS + 1)));
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	game_free(game);
}

static void port_that_goes_takes_the_mark_along(void **unused)
{
	struct game *game = game_new();
	struct uuid row = row_uuid_of(ROW_PORT);

	put_port(game, 0, "", "");
	plug(game, 0, 0)->installed = true;
	settle(game, 0);
	minidb_delete(game->sb, "Port_Binding", &row);
	settle(game, 0);
	assert_false(has_key(game, 0, 0, "ovn-installed"));
	game_free(game);
}

static void requested_chassis_is_obeyed(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", ",'options':['map',[['requested-chassis','b']]]");
	plug(game, 0, 0);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	assert_false(turn(game, 0));
	check_events(game, "a refused p0 (b); ");
	set_port(game, 0, "options", json_pack("[s[[ss]]]", "map", "requested-chassis", "a"));
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a");
	set_port(game, 0, "requested_chassis", json_pack("[ss]", "uuid", row_id(ROW_CHASSIS + 1)));
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "-");
	game_free(game);
}

static void other_types_are_left_alone(void **unused)
{
	struct game *game = game_new();
	char more[120];

	snprintf(more, sizeof(more), ",'chassis':['uuid','%s']", row_id(ROW_CHASSIS));
	put_port(game, 0, "l3gateway", more);
	put_port(game, 1, "", ",'parent_port':'p0','tag':3");
	plug(game, 0, 1);
	for (int i = 0; i < 3; i++)
		assert_false(turn(game, 0));
	assert_string_equal(held_by(game, 0), "a");
	game_free(game);
}

static void shadowed_interface_claims_nothing(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0)->shadowed = true;
	assert_false(turn(game, 0));
	game_free(game);
}

static void shadowed_interface_is_told_once(void **unused)
{
	struct game *game = game_new();
	struct binding_iface *second;

	put_port(game, 0, "", "");
	plug(game, 0, 0);
	second = plug(game, 0, 0);
	second->name = "tap9";
	second->shadowed = true;
	settle(game, 0);
	assert_string_equal(str_c(&game->events), "a shadowed p0 (tap0); a claimed p0; ");
	str_clear(&game->events);
	settle(game, 0);
	assert_string_equal(str_c(&game->events), "");
	second->shadowed = false; /* it is taken out, and comes back */
	game->players[0].n_ifaces--;
	settle(game, 0);
	game->players[0].n_ifaces++;
	second->shadowed = true;
	settle(game, 0);
	assert_string_equal(str_c(&game->events), "a shadowed p0 (tap0); ");
	game_free(game);
}

static void encap_is_set_and_cleared(void **unused)
{
	struct game *game = game_new();
	struct uuid encap = row_uuid_of(ROW_ENCAP);
	char more[120];

	row_put(game->sb, "Encap", ROW_ENCAP, "{'type':'geneve','ip':'192.0.2.1'}");
	snprintf(more, sizeof(more), ",'encap':['uuid','%s']", row_id(ROW_ENCAP + 1));
	put_port(game, 0, "", more);
	plug(game, 0, 0);
	settle(game, 0);
	assert_null(sb_port_binding_encap(port_row(game, 0)));
	find_iface(game, 0, 0)->encap = &encap;
	settle(game, 0);
	assert_true(uuid_eq(sb_port_binding_encap(port_row(game, 0)), &encap));
	unplug(game, 0, 0);
	settle(game, 0);
	assert_null(sb_port_binding_encap(port_row(game, 0)));
	game_free(game);
}

static void later_plug_takes_over_once(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0)->installed = true;
	settle(game, 0);
	plug(game, 1, 0)->installed = true;
	settle(game, 1);
	assert_string_equal(held_by(game, 0), "b up");
	str_clear(&game->events);
	game->now_ms += 60000;
	settle(game, 0);
	assert_false(turn(game, 0));
	assert_string_equal(held_by(game, 0), "b up");
	assert_false(has_key(game, 0, 0, "ovn-installed"));
	assert_true(has_key(game, 0, 0, "heddle-lost"));
	check_events(game, "a lost p0 (b); ");

	/* A restart does not make it forget. */
	binding_free(game->players[0].binding);
	game->players[0].binding = binding_new();
	assert_false(turn(game, 0));
	assert_string_equal(held_by(game, 0), "b up");
	check_events(game, "a refused p0 (b); ");

	/* Released, it is free to be claimed again. */
	unplug(game, 1, 0);
	settle(game, 1);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a up");
	assert_false(has_key(game, 0, 0, "heddle-lost"));
	game_free(game);
}

static void replugged_interface_takes_over_again(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0);
	settle(game, 0);
	plug(game, 1, 0);
	settle(game, 1);
	settle(game, 0);
	unplug(game, 0, 0);
	settle(game, 0);
	plug(game, 0, 0);
	game->now_ms += 2000;
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a");
	game_free(game);
}

static void claim_waits_two_seconds_after_our_last(void **unused)
{
	struct game *game = game_new();
	struct moves moves;

	put_port(game, 0, "", "");
	plug(game, 0, 0);
	settle(game, 0);
	plug(game, 1, 0);
	settle(game, 1);
	settle(game, 0); /* lost */
	find_iface(game, 0, 0)->has_device = false;
	settle(game, 0);
	find_iface(game, 0, 0)->has_device = true; /* anew */
	game->now_ms += 500;
	moves = think(game, 0);
	assert_true(txn_is_empty(moves.sb));
	assert_int_equal(moves.deadline_ms, game->now_ms + 1500);
	act(game, 0, &moves, false);
	game->now_ms += 1500;
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a");
	game_free(game);
}

static void simultaneous_claims_have_one_winner(void **unused)
{
	struct game *game = game_new();
	struct moves a, b;

	put_port(game, 0, "", "");
	plug(game, 0, 0);
	plug(game, 1, 0);
	a = think(game, 0);
	b = think(game, 1);
	act(game, 0, &a, false);
	act(game, 1, &b, false);
	assert_string_equal(held_by(game, 0), "a");
	game->now_ms += 60000;
	settle(game, 1);
	settle(game, 0);
	assert_string_equal(held_by(game, 0), "a");
	check_events(game, "b refused p0 (a); a claimed p0; ");
	game_free(game);
}

static void release_all_clears_everything_of_ours(void **unused)
{
	struct game *game = game_new();
	struct moves moves = { txn_new(&sb_schema), txn_new(&ovs_schema), 0 };
	struct binding_in in;

	put_port(game, 0, "", "");
	put_port(game, 1, "", "");
	plug(game, 0, 0)->installed = true;
	plug(game, 1, 1)->installed = true;
	settle(game, 0);
	settle(game, 1);
	in = input(game, 0);
	binding_release_all(game->players[0].binding, &in, moves.sb, moves.ovs);
	act(game, 0, &moves, false);
	assert_string_equal(held_by(game, 0), "-");
	assert_string_equal(held_by(game, 1), "b up");
	assert_false(has_key(game, 0, 0, "ovn-installed"));
	game_free(game);
}

static void nothing_happens_before_we_are_registered(void **unused)
{
	struct game *game = game_new();

	put_port(game, 0, "", "");
	plug(game, 0, 0);
	row_delete(game->sb, "Chassis", ROW_CHASSIS);
	assert_false(turn(game, 0));
	game_free(game);
}

/* ---- random games ---- */

static void random_event(struct game *game, unsigned int *seed)
{
	unsigned int player = (unsigned int)rand_r(seed) % N_CHASSIS;
	unsigned int port = (unsigned int)rand_r(seed) % MAX_PORTS;
	struct binding_iface *iface = find_iface(game, player, port);

	switch (rand_r(seed) % 6) {
	case 0:
	case 1:
		if (iface)
			unplug(game, player, port);
		else
			plug(game, player, port);
		break;
	case 2:
		if (iface)
			iface->installed = !iface->installed;
		break;
	case 3:
		if (iface)
			iface->has_device = !iface->has_device;
		break;
	case 4:
		set_port(game, port, "type", json_string(rand_r(seed) % 3 ? "" : "localport"));
		break;
	case 5:
		binding_free(game->players[player].binding);
		game->players[player].binding = binding_new();
		break;
	}
}

/* Both look at the same rows, then both act, in either order; some transactions get lost. */
static bool random_round(struct game *game, unsigned int *seed, bool faults)
{
	unsigned int first = (unsigned int)rand_r(seed) % N_CHASSIS;
	struct moves moves[N_CHASSIS];
	bool busy = false;

	for (unsigned int i = 0; i < N_CHASSIS; i++)
		moves[i] = think(game, i);
	for (unsigned int i = 0; i < N_CHASSIS; i++) {
		unsigned int player = (first + i) % N_CHASSIS;

		busy |= moves[player].deadline_ms != UINT64_MAX;
		busy |= act(game, player, &moves[player], faults && rand_r(seed) % 4 == 0);
	}
	replica_advance(game->sb);
	game->now_ms += 700;
	return busy;
}

static bool wants(struct game *game, unsigned int player, unsigned int port)
{
	struct binding_iface *iface = find_iface(game, player, port);

	return iface && iface->has_device;
}

static void check_port(struct game *game, unsigned int port)
{
	const struct sb_port_binding *row = port_row(game, port);
	const struct uuid *holder = sb_port_binding_chassis(row);
	bool localport = str_eq(sb_port_binding_type(row), "localport");
	bool up = false;
	size_t n_want = 0;

	sb_port_binding_up(row, &up);
	for (unsigned int i = 0; i < N_CHASSIS; i++) {
		bool holds = holder && uuid_eq(holder, &game->players[i].uuid);

		n_want += wants(game, i, port);
		assert_true(!holds || (wants(game, i, port) && !localport));
		if (holds && find_iface(game, i, port)->installed)
			assert_true(up && has_key(game, i, port, "ovn-installed"));
		if (!holds && find_iface(game, i, port))
			assert_false(has_key(game, i, port, "ovn-installed"));
	}
	assert_int_equal(holder != NULL, n_want && !localport);
	assert_true(!up || holder);
}

static void random_games_settle(void **unused)
{
	for (unsigned int round = 1; round <= 100; round++) {
		struct game *game = game_new();
		unsigned int seed = round, rounds;

		for (unsigned int port = 0; port < MAX_PORTS; port++)
			put_port(game, port, "", "");
		for (int step = 0; step < 60; step++) {
			random_event(game, &seed);
			if (rand_r(&seed) % 2)
				random_round(game, &seed, true);
			if (rand_r(&seed) % 10)
				continue;
			for (rounds = 0; random_round(game, &seed, false); rounds++)
				assert_true(rounds < 20);
			for (unsigned int port = 0; port < MAX_PORTS; port++)
				check_port(game, port);
		}
		game_free(game);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life_of_a_vif),
		cmocka_unit_test(claim_and_up_are_two_steps),
		cmocka_unit_test(restart_changes_nothing),
		cmocka_unit_test(leftovers_of_an_earlier_life_are_released),
		cmocka_unit_test(new_interface_under_the_old_name_is_down_at_first),
		cmocka_unit_test(localport_is_bound_by_nobody),
		cmocka_unit_test(port_that_goes_takes_the_mark_along),
		cmocka_unit_test(requested_chassis_is_obeyed),
		cmocka_unit_test(other_types_are_left_alone),
		cmocka_unit_test(shadowed_interface_claims_nothing),
		cmocka_unit_test(shadowed_interface_is_told_once),
		cmocka_unit_test(encap_is_set_and_cleared),
		cmocka_unit_test(later_plug_takes_over_once),
		cmocka_unit_test(replugged_interface_takes_over_again),
		cmocka_unit_test(claim_waits_two_seconds_after_our_last),
		cmocka_unit_test(simultaneous_claims_have_one_winner),
		cmocka_unit_test(release_all_clears_everything_of_ours),
		cmocka_unit_test(nothing_happens_before_we_are_registered),
		cmocka_unit_test(random_games_settle),
	};

	return cmocka_run_group_tests_name("binding", tests, NULL, NULL);
}
