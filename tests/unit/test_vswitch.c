/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "minidb.h"
#include "model/vswitch.h"
#include "rows.h"
#include "schema/ovs.h"
#include "util/alloc.h"
#include "util/str.h"

enum {
	MACHINE_MAX = VSWITCH_ROOM_MAX + 32,
};

/* A machine: devices that actions change, and rows. */
struct machine {
	struct replica *ovs;
	struct vswitch_device devices[MACHINE_MAX];
	char texts[MACHINE_MAX][3][VSWITCH_ALIAS_SIZE]; /* name, kind, alias */
	size_t n;
	uint32_t next_ifindex;
	uint32_t underlay;
	const char *broken; /* a device that refuses every change */
	struct vswitch_plan plan;
};

enum {
	ROOT = 1,
	BRIDGE = 10,
	PORT = 10000,
	INTERFACE = 20000,
};

static const struct vswitch_device *by_name(void *arg, const char *name)
{
	struct machine *machine = arg;

	for (size_t i = 0; i < machine->n; i++)
		if (str_eq(machine->devices[i].name, name))
			return &machine->devices[i];
	return NULL;
}

static const struct vswitch_device *by_index(void *arg, uint32_t ifindex)
{
	struct machine *machine = arg;

	for (size_t i = 0; i < machine->n; i++)
		if (machine->devices[i].ifindex == ifindex)
			return &machine->devices[i];
	return NULL;
}

static void each(void *arg, void (*visit)(void *visit_arg, const struct vswitch_device *device),
		 void *visit_arg)
{
	struct machine *machine = arg;

	for (size_t i = 0; i < machine->n; i++)
		visit(visit_arg, &machine->devices[i]);
}

static const char *problem(void *arg, const char *name)
{
	const struct machine *machine = arg;

	return str_eq(machine->broken, name) ? "broken" : NULL;
}

static struct vswitch_in view(struct machine *machine)
{
	return (struct vswitch_in){
		.ovs = machine->ovs,
		.integration = "br-int",
		.underlay = machine->underlay,
		.by_name = by_name,
		.by_index = by_index,
		.each = each,
		.problem = problem,
		.arg = machine,
	};
}

static struct vswitch_device *add_device(struct machine *machine, const char *name,
					 const char *kind, const char *alias)
{
	size_t i = machine->n++;
	const char *words[] = { name, kind, alias };

	for (size_t j = 0; j < 3; j++)
		snprintf(machine->texts[i][j], sizeof(machine->texts[i][j]), "%s", words[j]);
	machine->devices[i] = (struct vswitch_device){
		.name = machine->texts[i][0],
		.kind = machine->texts[i][1],
		.alias = machine->texts[i][2],
		.ifindex = ++machine->next_ifindex,
		.mtu = 1500,
	};
	machine->devices[i].mac.bytes[0] = 2;
	machine->devices[i].mac.bytes[5] = (uint8_t)machine->next_ifindex;
	return &machine->devices[i];
}

static void remove_device(struct machine *machine, uint32_t ifindex)
{
	for (size_t i = 0; i < machine->n; i++) {
		if (machine->devices[i].ifindex != ifindex)
			continue;
		machine->n--;
		machine->devices[i] = machine->devices[machine->n];
		memcpy(machine->texts[i], machine->texts[machine->n], sizeof(machine->texts[i]));
		machine->devices[i].name = machine->texts[i][0];
		machine->devices[i].kind = machine->texts[i][1];
		machine->devices[i].alias = machine->texts[i][2];
	}
}

static void act(struct machine *machine, const struct vswitch_action *action)
{
	struct vswitch_device *device = (struct vswitch_device *)by_index(machine, action->ifindex);

	switch (action->kind) {
	case VSWITCH_CREATE_BRIDGE:
		add_device(machine, action->name, "bridge", action->alias);
		break;
	case VSWITCH_CREATE_FILLER:
		add_device(machine, action->name, "vxlan", action->alias);
		break;
	case VSWITCH_CREATE_INTERNAL:
		add_device(machine, action->name, "veth", action->alias);
		add_device(machine, action->peer, "veth", action->alias);
		break;
	case VSWITCH_DELETE: remove_device(machine, action->ifindex); break;
	case VSWITCH_SET_MASTER: device->master = action->value; break;
	case VSWITCH_SET_MTU: device->mtu = action->value; break;
	case VSWITCH_SET_MAC: device->mac = action->mac; break;
	case VSWITCH_SET_DOWN: device->up = false; break;
	default: device->up = true; break;
	}
}

static void write_columns(struct machine *machine)
{
	struct vswitch_in in = view(machine);
	struct txn *txn = txn_new(&ovs_schema);

	vswitch_write(&in, &machine->plan, txn);
	minidb_commit(machine->ovs, txn);
	txn_free(txn);
	replica_advance(machine->ovs);
}

/* Until nothing is left to do; then the columns, of which a second round must find none to write. */
static void settle(struct machine *machine)
{
	struct vswitch_in in = view(machine);
	struct txn *txn;

	for (int round = 0;; round++) {
		struct vswitch_plan plan;

		assert_in_range(round, 0, 7);
		vswitch_plan(&in, &plan);
		for (size_t i = 0; i < plan.actions.n; i++)
			act(machine, &plan.actions.v[i]);
		round += plan.actions.n ? 0 : 100;
		vswitch_plan_done(&plan);
		if (round >= 100)
			break;
	}
	vswitch_plan_done(&machine->plan);
	vswitch_plan(&in, &machine->plan);
	assert_int_equal(machine->plan.actions.n, 0);
	write_columns(machine);
	txn = txn_new(&ovs_schema);
	vswitch_plan_done(&machine->plan);
	vswitch_plan(&in, &machine->plan);
	vswitch_write(&in, &machine->plan, txn);
	assert_true(txn_is_empty(txn));
	txn_free(txn);
}

/* Bridge number n with interfaces of the numbers that ids (ends with 0) names. */
static void put_bridge(struct machine *machine, unsigned int n, const char *name,
		       const unsigned int *ids)
{
	struct str ports = STR_INIT;

	for (; *ids; ids++)
		str_addf(&ports, "%s['uuid', '%s']", ports.len ? ", " : "", row_id(PORT + *ids));
	row_put(machine->ovs, "Bridge", BRIDGE + n, "{'name': '%s', 'ports': ['set', [%s]]}", name,
		str_c(&ports));
	str_done(&ports);
}

static void put_interface(struct machine *machine, unsigned int n, const char *name,
			  const char *more)
{
	row_put(machine->ovs, "Interface", INTERFACE + n, "{'name': '%s'%s}", name, more);
	row_put(machine->ovs, "Port", PORT + n, "{'name': '%s', 'interfaces': ['uuid', '%s']}",
		name, row_id(INTERFACE + n));
}

static const struct ovs_interface *interface(struct machine *machine, unsigned int n)
{
	struct uuid uuid = row_uuid_of(INTERFACE + n);

	return ovs_interface_get(machine->ovs, &uuid);
}

static int64_t ofport(struct machine *machine, unsigned int n)
{
	int64_t value = 0;

	ovs_interface_ofport(interface(machine, n), &value);
	return value;
}

static int setup(void **state)
{
	struct machine *machine = xcalloc(1, sizeof(*machine));

	machine->ovs = replica_new(&ovs_schema);
	row_put(machine->ovs, "Open_vSwitch", ROOT, "{'next_cfg': 3, 'cur_cfg': 1}");
	*state = machine;
	return 0;
}

static int teardown(void **state)
{
	struct machine *machine = *state;

	vswitch_plan_done(&machine->plan);
	replica_free(machine->ovs);
	free(machine);
	return 0;
}

static void test_numbers(void **state)
{
	struct machine *machine = *state;

	add_device(machine, "a", "", "");
	add_device(machine, "b", "", "");
	add_device(machine, "c", "", "");
	add_device(machine, "d", "", "");
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 3, 4, 5, 6, 0 });
	put_interface(machine, 1, "br-int", ", 'type': 'internal'");
	put_interface(machine, 2, "a", ", 'ofport': 1");
	put_interface(machine, 3, "b", ", 'ofport': 1");
	put_interface(machine, 4, "c", ", 'ofport_request': 9");
	put_interface(machine, 5, "d", ", 'ofport': 9");
	put_interface(machine, 6, "missing", ", 'ofport': 4");
	settle(machine);
	assert_int_equal(ofport(machine, 1), VSWITCH_LOCAL_OFPORT);
	assert_int_equal(ofport(machine, 2) + ofport(machine, 3),
			 1 + 2); /* one kept it, one was moved */
	assert_int_equal(ofport(machine, 4), 9);
	assert_int_not_equal(ofport(machine, 5), 9);
	assert_int_equal(ofport(machine, 6), -1);
	assert_string_equal(ovs_interface_error(interface(machine, 6)),
			    "could not open network device missing (No such device)");
}

static void test_cur_cfg_follows(void **state)
{
	struct machine *machine = *state;
	struct uuid root = row_uuid_of(ROOT);

	settle(machine);
	assert_int_equal(ovs_open_vswitch_cur_cfg(ovs_open_vswitch_get(machine->ovs, &root)), 3);
}

static void test_other_bridges_enslave(void **state)
{
	struct machine *machine = *state;
	const struct vswitch_device *bridge;

	add_device(machine, "a", "", "");
	put_bridge(machine, 1, "br-ex", (const unsigned int[]){ 1, 2, 0 });
	put_interface(machine, 1, "br-ex", ", 'type': 'internal'");
	put_interface(machine, 2, "a", "");
	settle(machine);
	bridge = by_name(machine, "br-ex");
	assert_true(bridge->up);
	assert_int_equal(by_name(machine, "a")->master, bridge->ifindex);

	/* Taken out of the bridge, it is free again. */
	put_bridge(machine, 1, "br-ex", (const unsigned int[]){ 1, 0 });
	row_delete(machine->ovs, "Port", PORT + 2);
	row_delete(machine->ovs, "Interface", INTERFACE + 2);
	settle(machine);
	assert_int_equal(by_name(machine, "a")->master, 0);
}

static void test_a_port_moves_between_bridges(void **state)
{
	struct machine *machine = *state;

	add_device(machine, "a", "", "");
	put_bridge(machine, 1, "br-ex", (const unsigned int[]){ 1, 2, 0 });
	put_bridge(machine, 2, "br-int", (const unsigned int[]){ 3, 0 });
	put_interface(machine, 1, "br-ex", ", 'type': 'internal'");
	put_interface(machine, 2, "a", "");
	put_interface(machine, 3, "br-int", ", 'type': 'internal'");
	settle(machine);
	put_bridge(machine, 1, "br-ex", (const unsigned int[]){ 1, 0 });
	put_bridge(machine, 2, "br-int", (const unsigned int[]){ 3, 2, 0 });
	settle(machine);
	assert_int_equal(by_name(machine, "a")->master, 0);
	assert_true(ofport(machine, 2) > 0);
}

static void test_internal_interfaces(void **state)
{
	struct machine *machine = *state;
	char peer[VSWITCH_NAME_SIZE];

	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 0 });
	put_interface(machine, 1, "br-int", ", 'type': 'internal'");
	put_interface(machine, 2, "tap",
		      ", 'type': 'internal', 'mac': '02:00:00:00:00:01', 'mtu_request': 1400");
	settle(machine);
	vswitch_peer_name("tap", peer);
	assert_int_equal(by_name(machine, "tap")->mtu, 1400);
	assert_int_equal(by_name(machine, peer)->mtu, 1400);
	assert_string_equal(ovs_interface_mac_in_use(interface(machine, 2)), "02:00:00:00:00:01");
	for (size_t i = 0; i < machine->plan.ports.n; i++)
		if (str_eq(machine->plan.ports.v[i].name, "tap"))
			assert_int_equal(machine->plan.ports.v[i].ifindex,
					 by_name(machine, peer)->ifindex);

	/* In another namespace the port side is what is left to see, and enough. */
	remove_device(machine, by_name(machine, "tap")->ifindex);
	settle(machine);
	assert_true(ofport(machine, 2) > 0);
	assert_string_equal(ovs_interface_mac_in_use(interface(machine, 2)), "02:00:00:00:00:01");

	/* With its row it goes. */
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 0 });
	row_delete(machine->ovs, "Port", PORT + 2);
	row_delete(machine->ovs, "Interface", INTERFACE + 2);
	settle(machine);
	assert_null(by_name(machine, peer));
}

/* br-int with a veth "v", a tap "t" and a NIC "n". */
static void make_workloads(struct machine *machine)
{
	add_device(machine, "v", "veth", "");
	add_device(machine, "t", "tun", "");
	add_device(machine, "n", "", "");
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 3, 4, 0 });
	put_interface(machine, 1, "br-int", ", 'type': 'internal'");
	put_interface(machine, 2, "v", "");
	put_interface(machine, 3, "t", "");
	put_interface(machine, 4, "n", "");
}

static void test_workloads_leave_room(void **state)
{
	struct machine *machine = *state;
	const struct vswitch_device *room, *filler;

	make_workloads(machine);
	settle(machine);
	room = by_name(machine, VSWITCH_ROOM);
	filler = by_name(machine, VSWITCH_FILLER);
	assert_non_null(room);
	assert_int_equal(filler->master, room->ifindex);
	assert_false(room->up);
	assert_false(filler->up);
	assert_int_equal(by_name(machine, "v")->master, room->ifindex);
	assert_int_equal(by_name(machine, "t")->master, 0); /* has room anyway */
	assert_int_equal(by_name(machine, "n")->master, 0);

	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 3, 0 });
	put_bridge(machine, 2, "br-ex", (const unsigned int[]){ 4, 0 });
	row_delete(machine->ovs, "Port", PORT + 2);
	row_delete(machine->ovs, "Interface", INTERFACE + 2);
	settle(machine);
	assert_int_equal(by_name(machine, "v")->master, 0);

	put_interface(machine, 2, "v", "");
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 3, 0 });
	settle(machine);
	assert_int_equal(by_name(machine, "v")->master, by_name(machine, VSWITCH_ROOM)->ifindex);
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 3, 0 });
	put_bridge(machine, 2, "br-ex", (const unsigned int[]){ 2, 4, 0 });
	settle(machine);
	assert_int_equal(by_name(machine, "v")->master, by_name(machine, "br-ex")->ifindex);

	row_delete(machine->ovs, "Bridge", BRIDGE + 1);
	settle(machine);
	assert_null(by_name(machine, VSWITCH_ROOM));
	assert_null(by_name(machine, VSWITCH_FILLER));
}

static void assert_without_room(struct machine *machine)
{
	settle(machine);
	for (unsigned int n = 2; n <= 4; n++) {
		assert_true(ofport(machine, n) > 0);
		assert_null(ovs_interface_error(interface(machine, n)));
	}
	assert_int_equal(by_name(machine, "v")->master, 0);
}

static void test_ports_do_without_room(void **state)
{
	static const char *const broken[] = { VSWITCH_ROOM, VSWITCH_FILLER, "v" };
	struct machine *machine = *state;

	make_workloads(machine);
	for (size_t i = 0; i < 3; i++) {
		machine->broken = broken[i];
		assert_without_room(machine);
	}
}

static void test_the_room_is_taken_down(void **state)
{
	struct machine *machine = *state;
	struct vswitch_device *room, *filler;

	make_workloads(machine);
	settle(machine);
	room = (struct vswitch_device *)by_name(machine, VSWITCH_ROOM);
	filler = (struct vswitch_device *)by_name(machine, VSWITCH_FILLER);
	room->up = filler->up = true;
	settle(machine);
	assert_false(room->up || filler->up);
}

static void test_who_is_in_the_room_stays(void **state)
{
	struct machine *machine = *state;
	struct vswitch_in in = view(machine);
	struct vswitch_plan plan;

	make_workloads(machine);
	settle(machine);
	remove_device(machine, by_name(machine, VSWITCH_FILLER)->ifindex);
	vswitch_plan(&in, &plan);
	assert_int_equal(plan.actions.n, 1);
	assert_int_equal(plan.actions.v[0].kind, VSWITCH_CREATE_FILLER);
	vswitch_plan_done(&plan);
	settle(machine);
	assert_int_equal(by_name(machine, VSWITCH_FILLER)->master,
			 by_name(machine, VSWITCH_ROOM)->ifindex);
}

static void test_another_bridge_of_that_name_is_let_alone(void **state)
{
	struct machine *machine = *state;
	uint32_t theirs = add_device(machine, VSWITCH_ROOM, "bridge", "")->ifindex;

	make_workloads(machine);
	assert_without_room(machine);
	row_delete(machine->ovs, "Bridge", BRIDGE + 1);
	settle(machine);
	assert_non_null(by_index(machine, theirs));
}

static void test_a_full_bridge_is_not_tried(void **state)
{
	struct machine *machine = *state;
	unsigned int ids[VSWITCH_ROOM_MAX + 2] = { 0 };
	size_t members = 0;

	for (unsigned int i = 0; i <= VSWITCH_ROOM_MAX; i++) {
		char name[VSWITCH_NAME_SIZE];

		snprintf(name, sizeof(name), "v%u", i);
		add_device(machine, name, "veth", "");
		ids[i] = i + 1;
		put_interface(machine, ids[i], name, "");
	}
	put_bridge(machine, 1, "br-int", ids);
	settle(machine);
	for (unsigned int i = 0; i <= VSWITCH_ROOM_MAX; i++) {
		assert_true(ofport(machine, ids[i]) > 0);
		assert_null(ovs_interface_error(interface(machine, ids[i])));
	}
	for (size_t i = 0; i < machine->n; i++)
		members += machine->devices[i].master != 0;
	assert_int_equal(members, VSWITCH_ROOM_MAX);
}

static void test_what_is_not_ours_stays(void **state)
{
	struct machine *machine = *state;
	struct vswitch_device *theirs = add_device(machine, "br-ex", "bridge", "");

	add_device(machine, "a", "", "")->master = theirs->ifindex;
	put_bridge(machine, 1, "br-ex", (const unsigned int[]){ 1, 0 });
	put_bridge(machine, 2, "br-int", (const unsigned int[]){ 3, 4, 0 });
	put_interface(machine, 1, "br-ex", ", 'type': 'internal'");
	put_interface(machine, 3, "br-int", ", 'type': 'internal'");
	put_interface(machine, 4, "a", "");
	settle(machine);
	assert_int_equal(ofport(machine, 1), -1);
	assert_int_equal(ofport(machine, 4), -1);
	assert_string_equal(ovs_interface_error(interface(machine, 4)),
			    "device a belongs to br-ex already: take it out of there first");
	assert_int_equal(by_name(machine, "a")->master, by_name(machine, "br-ex")->ifindex);
	row_delete(machine->ovs, "Bridge", BRIDGE + 1);
	settle(machine);
	assert_non_null(by_name(machine, "br-ex"));
}

static void test_what_the_machine_needs_is_not_a_port(void **state)
{
	struct machine *machine = *state;

	machine->underlay = add_device(machine, "eth0", "", "")->ifindex;
	add_device(machine, "lo", "", "")->mac = (struct mac){ 0 };
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 3, 0 });
	put_interface(machine, 1, "br-int", ", 'type': 'internal'");
	put_interface(machine, 2, "lo", "");
	put_interface(machine, 3, "eth0", "");
	settle(machine);
	assert_int_equal(ofport(machine, 2), -1);
	assert_string_equal(ovs_interface_error(interface(machine, 2)),
			    "device lo has no Ethernet address: name another");
	assert_int_equal(ofport(machine, 3), -1);
	assert_string_equal(ovs_interface_error(interface(machine, 3)),
			    "device eth0 has this host's tunnel address: name another");
}

/* A tagged port without its tag would be in another network. */
static void test_what_is_not_supported_is_no_port(void **state)
{
	struct machine *machine = *state;

	add_device(machine, "a", "", "");
	add_device(machine, "b", "", "");
	put_bridge(machine, 1, "br-ex", (const unsigned int[]){ 1, 2, 3, 0 });
	put_interface(machine, 1, "br-ex", ", 'type': 'internal'");
	put_interface(machine, 2, "a", "");
	put_interface(machine, 3, "b", ", 'type': 'patch'");
	row_put(machine->ovs, "Port", PORT + 2,
		"{'name': 'a', 'tag': 7, 'interfaces': ['uuid', '%s']}", row_id(INTERFACE + 2));
	settle(machine);
	assert_int_equal(ofport(machine, 2), -1);
	assert_string_equal(ovs_interface_error(interface(machine, 2)),
			    "port a: VLAN tags, trunks and modes are not supported");
	assert_string_equal(ovs_interface_error(interface(machine, 3)),
			    "b: interface type \"patch\" is not supported");
	row_put(machine->ovs, "Port", PORT + 2, "{'name': 'a', 'interfaces': ['uuid', '%s']}",
		row_id(INTERFACE + 2));
	settle(machine);
	assert_true(ofport(machine, 2) > 0);
	assert_null(ovs_interface_error(interface(machine, 2)));
}

static void test_a_failure_is_said_and_not_repeated(void **state)
{
	struct machine *machine = *state;

	machine->broken = "tap";
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 0 });
	put_interface(machine, 1, "br-int", ", 'type': 'internal'");
	put_interface(machine, 2, "tap", ", 'type': 'internal'");
	settle(machine);
	assert_int_equal(ofport(machine, 2), -1);
	assert_string_equal(ovs_interface_error(interface(machine, 2)), "broken");
}

/* An error that is cut in the middle of a character could not be written at all. */
static void test_errors_are_text(void **state)
{
	struct machine *machine = *state;
	struct str name = STR_INIT;
	const char *error;

	str_add(&name, "x");
	for (int i = 0; i < 100; i++)
		str_add(&name, "\xc3\xa9");
	put_bridge(machine, 1, "br-int", (const unsigned int[]){ 1, 2, 0 });
	put_interface(machine, 1, str_c(&name), "");
	put_interface(machine, 2, str_c(&name) + 1, "");
	settle(machine);
	error = ovs_interface_error(interface(machine, 1));
	assert_non_null(error);
	assert_int_equal(error[VSWITCH_ERROR_SIZE - 2], '?');
	error = ovs_interface_error(interface(machine, 2));
	assert_non_null(error);
	assert_int_equal((unsigned char)error[VSWITCH_ERROR_SIZE - 2], 0xa9);
	str_done(&name);
}

static void test_names(void **state)
{
	static const char *const names[] = { "", "a", "tap0123456789ab", "x/y",
					     "very-long-interface-name" };
	char peers[5][VSWITCH_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		vswitch_peer_name(names[i], peers[i]);
		assert_in_range(strlen(peers[i]), 1, 15);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(peers[i], peers[j]);
	}
}

static void test_the_integration_bridge_is_made_once(void **state)
{
	struct machine *machine = *state;

	for (int i = 0; i < 2; i++) {
		struct txn *txn = txn_new(&ovs_schema);

		vswitch_ensure_integration(machine->ovs, "br-int", txn);
		assert_int_equal(txn_is_empty(txn), i > 0);
		minidb_commit(machine->ovs, txn);
		txn_free(txn);
		replica_advance(machine->ovs);
	}
	assert_int_equal(replica_count(machine->ovs, &ovs_bridge_table), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cur_cfg_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_bridges_enslave, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_port_moves_between_bridges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_internal_interfaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_workloads_leave_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports_do_without_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_room_is_taken_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_is_in_the_room_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_bridge_of_that_name_is_let_alone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_bridge_is_not_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_ours_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_the_machine_needs_is_not_a_port, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_supported_is_no_port, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_failure_is_said_and_not_repeated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_errors_are_text, setup, teardown),
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_the_integration_bridge_is_made_once, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
