/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fabric.h"
#include "rows.h"
#include "util/array.h"
#include "util/str.h"

/* The walk-through: switch 1; VIFs ns1 on host a (ifindex 11) and ns2 on host b (12),
 * localport ns3 on both (13). */

#define MAC1 "00:00:00:aa:bb:10"
#define MAC2 "00:00:00:aa:bb:20"
#define MAC3 "00:00:00:aa:bb:30"

enum {
	ROW_SW = 1,
	ROW_NS1 = 11,
	ROW_NS2,
	ROW_NS3,
	ROW_OTHER
};

static void put_port(struct fabric *f, unsigned int id, const char *name, const char *type,
		     const char *mac, const char *more)
{
	row_put(f->sb, "Port_Binding", id,
		"{'logical_port':'%s','type':'%s','datapath':['uuid','%s'],'tunnel_key':%u,"
		"'mac':['set',[%s]]%s}",
		name, type, row_id(ROW_SW), id - 10, mac, more);
}

static void put_bound(struct fabric *f, unsigned int id, const char *name, const char *mac,
		      const struct fabric_host *host)
{
	char more[80] = "";

	if (host)
		snprintf(more, sizeof(more), ",'chassis':['uuid','%s']", row_id(host->chassis_row));
	put_port(f, id, name, "", mac, more);
}

static struct fabric *walk_through(void)
{
	struct fabric *f = fabric_new();

	fabric_add_host(f, 'a', "192.168.33.10");
	fabric_add_host(f, 'b', "192.168.33.20");
	row_put(f->sb, "Datapath_Binding", ROW_SW, "{'tunnel_key':1}");
	put_bound(f, ROW_NS1, "ns1", "'" MAC1 " 10.0.1.10'", &f->hosts[0]);
	put_bound(f, ROW_NS2, "ns2", "'" MAC2 " 10.0.1.20'", &f->hosts[1]);
	put_port(f, ROW_NS3, "ns3", "localport", "'" MAC3 " 10.0.1.30'", "");
	fabric_plug(f, 'a', "tap1", "ns1", 11);
	fabric_plug(f, 'a', "tap3", "ns3", 13);
	fabric_plug(f, 'b', "tap2", "ns2", 12);
	fabric_plug(f, 'b', "tap3", "ns3", 13);
	fabric_step(f);
	return f;
}

struct cell {
	char host;
	unsigned int from;
	const char *to;
	const char *outcome;
	const char *why;
};

static void check_cells(struct fabric *f, const struct cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct cell *c = &cells[i];
		char *outcome = fabric_send(f, c->host, c->from, c->to);

		if (strcmp(outcome, c->outcome) != 0)
			fail_msg("%s: %c:%u to %s: expected \"%s\", got \"%s\"", c->why, c->host,
				 c->from, c->to, c->outcome, outcome);
		free(outcome);
	}
}

#define CHECK_CELLS(f, cells) check_cells(f, cells, ARRAY_SIZE(cells))

static void truth_table(void **unused)
{
	static const struct cell cells[] = {
		{ 'a', 11, MAC2, "wire b:12", "VIF to remote VIF" },
		{ 'b', 12, MAC1, "wire a:11", "and back" },
		{ 'a', 11, MAC3, "a:13", "VIF to the localport of its host" },
		{ 'b', 12, MAC3, "b:13", "the same on the other host" },
		{ 'a', 13, MAC1, "a:11", "localport to local VIF" },
		{ 'a', 13, MAC2, "localport_to_remote", "localport to remote VIF" },
		{ 'b', 13, MAC1, "localport_to_remote", "the same on the other host" },
		{ 'a', 11, "flood", "a:13 wire b:12",
		  "VIF floods, no copy to the remote localport" },
		{ 'a', 13, "flood", "a:11", "localport floods" },
		{ 'a', 11, "unknown", "no_destination", "nobody has asked for unknown addresses" },
		{ 'a', 11, MAC1, "same_port", "to itself" },
	};
	struct fabric *f = walk_through();

	CHECK_CELLS(f, cells);
	fabric_free(f);
}

static void neighbors_are_known_by_every_port(void **unused)
{
	struct fabric *f = walk_through();

	fabric_check_neighbor(f, 'a', 1, "10.0.1.10", MAC1);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.20", MAC2);
	fabric_check_neighbor(f, 'b', 1, "10.0.1.30", MAC3);
	fabric_check_neighbor(f, 'b', 1, "fe80::200:ff:feaa:bb10", NULL); /* as in OVN: who has it answers */
	fabric_check_neighbor(f, 'b', 1, "10.0.1.99", NULL);
	row_put(f->nb, "Logical_Switch_Port", 100, "{'name':'ns1','enabled':false}");
	fabric_step(f);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.10", MAC1);
	put_bound(f, ROW_NS1, "ns1", "'" MAC1 " 10.0.1.10','unknown'", &f->hosts[0]);
	fabric_step(f);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.10", NULL);
	put_bound(f, ROW_NS1, "ns1", "'" MAC1 " 10.0.1.10 bogus 10.0.1.11'", &f->hosts[0]);
	fabric_step(f);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.10", MAC1);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.11", NULL);
	fabric_free(f);
}

static void duplicate_address_belongs_to_the_smaller_key(void **unused)
{
	struct fabric *f = walk_through();

	put_bound(f, ROW_OTHER, "other", "'" MAC1 " 10.0.1.20'", NULL);
	fabric_step(f);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.20", MAC2);
	row_delete(f->sb, "Port_Binding", ROW_NS2);
	fabric_step(f);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.20", MAC1);
	fabric_free(f);
}

static void disabled_port_gets_and_sends_nothing(void **unused)
{
	static const struct cell disabled[] = {
		{ 'a', 11, MAC2, "port_disabled", "sends nothing" },
		{ 'a', 13, MAC1, "target_disabled", "gets nothing from its host" },
		{ 'b', 12, MAC1, "target_disabled", "nor from another" },
		{ 'b', 12, "flood", "b:13", "and no flooded copy" },
	};
	static const struct cell enabled[] = {
		{ 'b', 12, MAC1, "wire a:11", "enabled again" },
		{ 'b', 12, "flood", "b:13 wire a:11", "flooded again" },
	};
	struct fabric *f = walk_through();

	row_put(f->nb, "Logical_Switch_Port", 100, "{'name':'ns1','enabled':false}");
	fabric_step(f);
	CHECK_CELLS(f, disabled);
	row_put(f->nb, "Logical_Switch_Port", 100, "{'name':'ns1'}");
	fabric_step(f);
	CHECK_CELLS(f, enabled);
	row_put(f->nb, "Logical_Switch_Port", 100, "{'name':'ns1','enabled':false}");
	fabric_step(f);
	row_delete(f->nb, "Logical_Switch_Port", 100);
	fabric_step(f);
	CHECK_CELLS(f, enabled);
	fabric_free(f);
}

static void localport_alone_does_not_live(void **unused)
{
	static const struct cell dead[] = {
		{ 'a', 13, "flood", "no_port", "no VIF of the switch is here" },
		{ 'b', 12, "flood", "b:13", "nobody else to flood to" },
	};
	static const struct cell alive[] = {
		{ 'a', 13, MAC1, "a:11", "alive with the first VIF" },
	};
	struct fabric *f = walk_through();

	fabric_unplug(f, 'a', "tap1");
	put_bound(f, ROW_NS1, "ns1", "'" MAC1 " 10.0.1.10'", NULL);
	fabric_step(f);
	CHECK_CELLS(f, dead);
	assert_int_equal(fabric_state(f, 'a', "tap3"), NETWORK_IFACE_DORMANT);
	fabric_check_neighbor(f, 'a', 1, "10.0.1.20", NULL);
	fabric_plug(f, 'a', "tap1", "ns1", 11);
	fabric_step(f);
	CHECK_CELLS(f, alive);
	assert_int_equal(fabric_state(f, 'a', "tap3"), NETWORK_IFACE_LIVE);
	fabric_free(f);
}

static void unplugged_localport_swallows(void **unused)
{
	static const struct cell cells[] = {
		{ 'a', 11, MAC3, "localport_not_here", "never another host's" },
		{ 'a', 11, "flood", "wire b:12", "and no copy" },
	};
	struct fabric *f = walk_through();

	fabric_unplug(f, 'a', "tap3");
	fabric_step(f);
	CHECK_CELLS(f, cells);
	fabric_free(f);
}

static void tunnel_packets_meet_the_rules_of_the_receiver(void **unused)
{
	struct fabric *f = walk_through();

	fabric_check_receive(f, 'a', 'b', 1, 1, "a:11");
	fabric_check_receive(f, 'a', 'b', 1, 2, "tunnel_not_here");
	fabric_check_receive(f, 'a', 'b', 1, 3, "tunnel_to_localport");
	fabric_check_receive(f, 'a', 'b', 2, 1, "tunnel_not_here");
	fabric_check_receive(f, 'a', 'b', 1, DP_GROUP_FLOOD, "a:11");
	fabric_check_receive(f, 'a', 'z', 1, 1, "tunnel_sender");
	fabric_free(f);
}

static void requested_chassis_decides_who_may_bind(void **unused)
{
	static const struct cell dead[] = {
		{ 'a', 13, "flood", "no_port", "the localport is another host's" },
		{ 'a', 11, MAC3, "localport_not_here", "both ways" },
		{ 'b', 12, MAC3, "b:13", "there it works" },
	};
	static const char *const texts[] = {
		",'options':['map',[['requested-chassis','host-b']]]",
		",'options':['map',[['requested-chassis','node-b,host-a']]]",
	};
	struct fabric *f = walk_through();
	char by_row[80];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put_port(f, ROW_NS3, "ns3", "localport", "'" MAC3 "'", texts[i]);
		fabric_step(f);
		CHECK_CELLS(f, dead);
		assert_int_equal(fabric_state(f, 'a', "tap3"), NETWORK_IFACE_REFUSED);
	}
	snprintf(by_row, sizeof(by_row), ",'requested_chassis':['uuid','%s']",
		 row_id(f->hosts[1].chassis_row));
	put_port(f, ROW_NS3, "ns3", "localport", "'" MAC3 "'", by_row);
	fabric_step(f);
	CHECK_CELLS(f, dead);
	put_port(f, ROW_NS3, "ns3", "localport", "'" MAC3 "'", "");
	fabric_step(f);
	assert_int_equal(fabric_state(f, 'a', "tap3"), NETWORK_IFACE_LIVE);
	fabric_free(f);
}

static void port_bound_elsewhere_is_refused_and_remote(void **unused)
{
	static const struct cell cells[] = {
		{ 'a', 11, MAC2, "wire b:12", "still where it is bound" },
	};
	struct fabric *f = walk_through();

	fabric_plug(f, 'a', "tap2", "ns2", 12);
	fabric_step(f);
	assert_int_equal(fabric_state(f, 'a', "tap2"), NETWORK_IFACE_REFUSED);
	CHECK_CELLS(f, cells);
	fabric_free(f);
}

static void moved_port_is_found_at_its_new_host(void **unused)
{
	static const struct cell nowhere[] = { { 'a', 11, MAC2, "not_bound", "released" } };
	static const struct cell moved[] = {
		{ 'a', 11, MAC2, "a:12", "on this host" },
		{ 'a', 11, "flood", "a:12 a:13", "nothing on the wire" },
	};
	struct fabric *f = walk_through();

	fabric_unplug(f, 'b', "tap2");
	put_bound(f, ROW_NS2, "ns2", "'" MAC2 "'", NULL);
	fabric_step(f);
	CHECK_CELLS(f, nowhere);
	fabric_plug(f, 'a', "tap2", "ns2", 12);
	put_bound(f, ROW_NS2, "ns2", "'" MAC2 "'", &f->hosts[0]);
	fabric_step(f);
	CHECK_CELLS(f, moved);
	fabric_free(f);
}

static void unknown_addresses_go_to_those_who_asked(void **unused)
{
	static const struct cell cells[] = {
		{ 'a', 11, "unknown", "a:13 wire b:12", "one copy per host with such a VIF" },
		{ 'b', 12, "unknown", "b:13", "not to itself" },
		{ 'a', 13, "unknown", "no_destination", "a localport reaches no other host" },
	};
	struct fabric *f = walk_through();

	put_bound(f, ROW_NS2, "ns2", "'unknown'", &f->hosts[1]);
	put_port(f, ROW_NS3, "ns3", "localport", "'unknown','" MAC3 "'", "");
	fabric_step(f);
	CHECK_CELLS(f, cells);
	fabric_free(f);
}

static void other_port_types_do_not_disturb(void **unused)
{
	static const struct cell cells[] = { { 'a', 11, "flood", "a:13 wire b:12", "as before" } };
	struct fabric *f = walk_through();

	put_port(f, ROW_OTHER, "lrp", "patch", "'router'", "");
	put_port(f, ROW_OTHER + 1, "child", "", "'" MAC1 "'", ",'parent_port':'ns1','tag':7");
	put_port(f, ROW_OTHER + 2, "net", "localnet", "'unknown'", "");
	put_port(f, ROW_OTHER + 3, "bad", "", "'no address','02:00:00:00:00:99 nor this'", "");
	fabric_step(f);
	CHECK_CELLS(f, cells);
	put_port(f, ROW_NS3, "ns3", "virtual", "'" MAC3 "'", "");
	fabric_step(f);
	assert_int_equal(fabric_state(f, 'a', "tap3"), NETWORK_IFACE_UNKNOWN);
	fabric_free(f);
}

static void smaller_interface_name_is_used(void **unused)
{
	static const struct cell second[] = { { 'b', 12, MAC1, "wire a:10", "the other is used" } };
	static const struct cell first[] = { { 'b', 12, MAC1, "wire a:11", "its turn" } };
	struct fabric *f = walk_through();

	fabric_plug(f, 'a', "tap0", "ns1", 10);
	fabric_step(f);
	CHECK_CELLS(f, second);
	assert_int_equal(fabric_state(f, 'a', "tap1"), NETWORK_IFACE_SHADOWED);
	fabric_unplug(f, 'a', "tap0");
	fabric_step(f);
	CHECK_CELLS(f, first);
	fabric_free(f);
}

static void rows_may_come_in_any_order(void **unused)
{
	static const struct cell cells[] = { { 'a', 11, MAC2, "wire b:12", "complete" } };
	struct fabric *f = fabric_new();

	fabric_add_host(f, 'a', "192.168.33.10");
	fabric_add_host(f, 'b', "192.168.33.20");
	fabric_plug(f, 'a', "tap1", "ns1", 11);
	fabric_plug(f, 'b', "tap2", "ns2", 12);
	fabric_step(f);
	assert_int_equal(fabric_state(f, 'a', "tap1"), NETWORK_IFACE_UNKNOWN);
	put_bound(f, ROW_NS1, "ns1", "'" MAC1 "'", &f->hosts[0]);
	put_bound(f, ROW_NS2, "ns2", "'" MAC2 "'", &f->hosts[1]);
	fabric_step(f);
	assert_int_equal(fabric_state(f, 'a', "tap1"), NETWORK_IFACE_UNKNOWN);
	row_put(f->sb, "Datapath_Binding", ROW_SW, "{'tunnel_key':1}");
	fabric_step(f);
	CHECK_CELLS(f, cells);
	row_put(f->sb, "Datapath_Binding", ROW_SW, "{'tunnel_key':7}");
	fabric_step(f);
	CHECK_CELLS(f, cells);
	fabric_check_receive(f, 'a', 'b', 1, 1, "tunnel_not_here");
	fabric_check_receive(f, 'a', 'b', 7, 1, "a:11");
	fabric_free(f);
}

static void swapped_keys_and_names_come_out_right(void **unused)
{
	static const struct cell cells[] = {
		{ 'a', 11, MAC2, "wire b:12", "as before" },
		{ 'b', 12, "flood", "b:13 wire a:11", "as before" },
	};
	struct fabric *f = walk_through();

	/* Each row takes the other's name, address and place: only the keys differ. */
	put_bound(f, ROW_NS1, "ns2", "'" MAC2 "'", &f->hosts[1]);
	put_bound(f, ROW_NS2, "ns1", "'" MAC1 "'", &f->hosts[0]);
	fabric_step(f);
	CHECK_CELLS(f, cells);
	fabric_check_receive(f, 'a', 'b', 1, 2, "a:11");
	fabric_free(f);
}

static void encaps_choose_the_tunnel(void **unused)
{
	struct fabric *f = walk_through();
	struct fabric_host *b = &f->hosts[1];

	row_put(f->sb, "Encap", 60,
		"{'type':'geneve','ip':'192.168.33.9','chassis_name':'host-b'}");
	row_put(f->sb, "Encap", 61, "{'type':'vxlan','ip':'192.168.33.8','chassis_name':'host-b'}");
	row_put(f->sb, "Chassis", b->chassis_row,
		"{'name':'host-b','hostname':'node-b','encaps':['set',[['uuid','%s'],['uuid',"
		"'00000000-0000-4000-8000-00000000003c'],['uuid','%s']]]}",
		row_id(b->encap_row), row_id(61));
	fabric_step(f);
	fabric_check_target(f, 'a', 1, 2, "192.168.33.9"); /* the smaller one */
	assert_int_equal(fabric_count_tunnels(f, 'a'), 2);
	row_put(f->sb, "Encap", b->encap_row,
		"{'type':'geneve','ip':'192.168.33.20','chassis_name':'host-b','options':['map',"
		"[['is_default','true'],['dst_port','6082']]]}");
	fabric_step(f);
	fabric_check_target(f, 'a', 1, 2, "192.168.33.20");
	row_put(f->sb, "Port_Binding", ROW_NS2,
		"{'logical_port':'ns2','datapath':['uuid','%s'],'tunnel_key':2,"
		"'chassis':['uuid','00000000-0000-4000-8000-000000000033'],'encap':['uuid','%s']}",
		row_id(ROW_SW), row_id(60));
	assert_int_equal(b->chassis_row, 0x33);
	fabric_step(f);
	fabric_check_target(f, 'a', 1, 2, "192.168.33.9");
	row_put(f->sb, "Chassis", b->chassis_row, "{'name':'host-b','encaps':['uuid','%s']}",
		row_id(61));
	fabric_step(f);
	fabric_check_target(f, 'a', 1, 2, NULL);
	assert_int_equal(fabric_count_tunnels(f, 'a'), 0);
	fabric_free(f);
}

static void put_encaps(struct fabric *f, struct fabric_host *host, const char *types)
{
	row_put(f->sb, "Encap", 70,
		"{'type':'vxlan','ip':'192.168.33.20','chassis_name':'host-b'}");
	row_put(f->sb, "Encap", 71, "{'type':'stt','ip':'192.168.33.20','chassis_name':'host-b'}");
	row_put(f->sb, "Chassis", host->chassis_row,
		"{'name':'host-b','hostname':'node-b','encaps':['set',[['uuid','%s'],['uuid','%s']]]}",
		row_id(str_eq(types, "vxlan") ? 71 : host->encap_row),
		row_id(str_eq(types, "geneve") ? 71 : 70));
	fabric_step(f);
}

static void the_best_common_type_is_used(void **unused)
{
	enum {
		GENEVE = 1 << NETWORK_GENEVE,
		VXLAN = 1 << NETWORK_VXLAN
	};
	static const struct {
		unsigned int ours;
		const char *theirs;
		int port; /* 0: none in common */
	} cases[] = {
		{ GENEVE, "geneve", 6081 },
		{ GENEVE, "geneve vxlan", 6081 },
		{ GENEVE, "vxlan", 0 },
		{ VXLAN, "geneve", 0 },
		{ VXLAN, "geneve vxlan", 4789 },
		{ VXLAN, "vxlan", 4789 },
		{ GENEVE | VXLAN, "geneve", 6081 },
		{ GENEVE | VXLAN, "geneve vxlan", 6081 },
		{ GENEVE | VXLAN, "vxlan", 4789 },
	};
	struct fabric *f = walk_through();
	struct fabric_host *a = &f->hosts[0];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct dp_tunnel *tunnel;

		network_set_chassis(a->network, "host-a", cases[i].ours, &a->ip, 1);
		put_encaps(f, &f->hosts[1], cases[i].theirs);
		tunnel = fabric_tunnel(f, 'a', 'b');
		fabric_check_target(f, 'a', 1, 2, cases[i].port ? "192.168.33.20" : NULL);
		assert_int_equal(tunnel != NULL, cases[i].port != 0);
		if (!tunnel)
			continue;
		assert_int_equal(be16toh(tunnel->udp_port), cases[i].port);
		assert_int_equal(tunnel->flags, cases[i].port == 4789 ? DP_TUNNEL_VXLAN : 0);
	}
	fabric_free(f);
}

static void routes_make_tunnels_ready(void **unused)
{
	struct fabric *f = walk_through();
	struct network_route route = {
		.ready = true,
		.ifindex = 2,
		.mtu = 1500,
		.neighbor = true,
		.source_mac = { { 2, 0, 0, 0, 0, 1 } },
		.destination_mac = { { 2, 0, 0, 0, 0, 2 } },
	};
	const struct dp_tunnel *tunnel;

	tunnel = fabric_tunnel(f, 'a', 'b');
	assert_int_equal(tunnel->flags, 0);
	assert_int_equal(tunnel->udp_port, __builtin_bswap16(6081));
	ip_parse("192.168.33.20", &route.nexthop);
	network_set_route(f->hosts[0].network, &f->hosts[1].ip, &f->hosts[0].ip, &route);
	tunnel = fabric_tunnel(f, 'a', 'b');
	assert_int_equal(tunnel->flags, DP_TUNNEL_READY | DP_TUNNEL_NEIGHBOR);
	assert_int_equal(tunnel->mtu, 1500);
	fabric_step(f);
	network_set_route(f->hosts[0].network, &f->hosts[1].ip, &f->hosts[0].ip, NULL);
	assert_int_equal(fabric_tunnel(f, 'a', 'b')->flags, 0);
	fabric_step(f);
	fabric_free(f);
}

static void own_addresses_are_known(void **unused)
{
	struct fabric *f = walk_through();
	struct network *network = f->hosts[0].network;
	struct ip ips[2];

	assert_true(fabric_is_own_address(f, 'a', "192.168.33.10"));
	assert_false(fabric_is_own_address(f, 'a', "192.168.33.20"));
	ip_parse("192.168.33.11", &ips[0]);
	ip_parse("192.168.33.12", &ips[1]);
	network_set_chassis(network, "host-a", 1 << NETWORK_GENEVE, ips, 2);
	fabric_step(f);
	assert_false(fabric_is_own_address(f, 'a', "192.168.33.10"));
	assert_true(fabric_is_own_address(f, 'a', "192.168.33.11"));
	assert_true(fabric_is_own_address(f, 'a', "192.168.33.12"));
	network_set_chassis(network, NULL, 1 << NETWORK_GENEVE, ips, 2);
	fabric_step(f);
	assert_false(fabric_is_own_address(f, 'a', "192.168.33.11"));
	fabric_check_receive(f, 'a', 'z', 1, 1, "not ours");
	fabric_free(f);
}

static void nothing_is_remote_before_we_are_somebody(void **unused)
{
	static const struct cell cells[] = { { 'a', 11, MAC2, "not_bound", "no chassis yet" } };
	struct fabric *f = walk_through();

	put_bound(f, ROW_NS1, "ns1", "'" MAC1 "'", NULL);
	network_set_chassis(f->hosts[0].network, NULL, 0, NULL, 0);
	fabric_step(f);
	CHECK_CELLS(f, cells);
	assert_int_equal(fabric_count_tunnels(f, 'a'), 0);
	fabric_free(f);
}

static void installed_once_the_kernel_has_it(void **unused)
{
	struct fabric *f = walk_through();

	assert_true(network_is_installed(f->hosts[0].network, "tap1"));
	f->refuse = true;
	put_bound(f, ROW_OTHER, "other", "'02:00:00:00:00:01'", &f->hosts[0]);
	fabric_plug(f, 'a', "tap4", "other", 14);
	fabric_step(f);
	assert_int_equal(fabric_state(f, 'a', "tap4"), NETWORK_IFACE_LIVE);
	assert_false(network_is_installed(f->hosts[0].network, "tap4"));
	f->refuse = false;
	fabric_step(f);
	assert_true(network_is_installed(f->hosts[0].network, "tap4"));
	fabric_free(f);
}

static void northbound_may_come_later_or_go(void **unused)
{
	static const struct cell disabled[] = { { 'b', 12, MAC1, "target_disabled", "policy" } };
	static const struct cell enabled[] = { { 'b', 12, MAC1, "wire a:11", "no policy" } };
	struct fabric *f = walk_through();
	struct replica *nb = f->nb;

	f->nb = NULL;
	row_put(nb, "Logical_Switch_Port", 100, "{'name':'ns1','enabled':false}");
	fabric_step(f);
	CHECK_CELLS(f, enabled);
	f->nb = nb;
	fabric_step(f);
	CHECK_CELLS(f, disabled);
	f->nb = NULL;
	fabric_step(f);
	CHECK_CELLS(f, enabled);
	f->nb = nb;
	fabric_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_table),
		cmocka_unit_test(neighbors_are_known_by_every_port),
		cmocka_unit_test(duplicate_address_belongs_to_the_smaller_key),
		cmocka_unit_test(disabled_port_gets_and_sends_nothing),
		cmocka_unit_test(localport_alone_does_not_live),
		cmocka_unit_test(unplugged_localport_swallows),
		cmocka_unit_test(tunnel_packets_meet_the_rules_of_the_receiver),
		cmocka_unit_test(requested_chassis_decides_who_may_bind),
		cmocka_unit_test(port_bound_elsewhere_is_refused_and_remote),
		cmocka_unit_test(moved_port_is_found_at_its_new_host),
		cmocka_unit_test(unknown_addresses_go_to_those_who_asked),
		cmocka_unit_test(other_port_types_do_not_disturb),
		cmocka_unit_test(smaller_interface_name_is_used),
		cmocka_unit_test(rows_may_come_in_any_order),
		cmocka_unit_test(swapped_keys_and_names_come_out_right),
		cmocka_unit_test(encaps_choose_the_tunnel),
		cmocka_unit_test(the_best_common_type_is_used),
		cmocka_unit_test(routes_make_tunnels_ready),
		cmocka_unit_test(own_addresses_are_known),
		cmocka_unit_test(nothing_is_remote_before_we_are_somebody),
		cmocka_unit_test(installed_once_the_kernel_has_it),
		cmocka_unit_test(northbound_may_come_later_or_go),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
