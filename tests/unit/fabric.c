/* SPDX-License-Identifier: Apache-2.0 */
#include "fabric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "rows.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/str.h"

static const uint8_t no_ref[16];

struct fabric *fabric_new(void)
{
	struct fabric *fabric = xcalloc(1, sizeof(*fabric));

	fabric->sb = replica_new(&sb_schema);
	fabric->nb = replica_new(&nb_schema);
	return fabric;
}

void fabric_free(struct fabric *fabric)
{
	for (size_t i = 0; i < fabric->n_hosts; i++) {
		network_free(fabric->hosts[i].network);
		dp_state_free(fabric->hosts[i].state);
	}
	replica_free(fabric->sb);
	replica_free(fabric->nb);
	free(fabric);
}

void fabric_add_host(struct fabric *fabric, char letter, const char *ip)
{
	struct fabric_host *host = &fabric->hosts[fabric->n_hosts];
	unsigned int n = (unsigned int)fabric->n_hosts++;
	char name[8];

	*host = (struct fabric_host){ .letter = letter,
				      .chassis_row = 50 + n,
				      .encap_row = 40 + n };
	assert_true(ip_parse(ip, &host->ip));
	row_put(fabric->sb, "Encap", host->encap_row,
		"{'type':'geneve','ip':'%s','chassis_name':'host-%c'}", ip, letter);
	row_put(fabric->sb, "Chassis", host->chassis_row,
		"{'name':'host-%c','hostname':'node-%c','encaps':['uuid','%s']}", letter, letter,
		row_id(host->encap_row));
	snprintf(name, sizeof(name), "host-%c", letter);
	host->state = dp_state_new();
	host->network = network_new(host->state);
	network_set_chassis(host->network, name, 1 << NETWORK_GENEVE, &host->ip, 1);
}

struct fabric_host *fabric_host(struct fabric *fabric, char letter)
{
	for (size_t i = 0; i < fabric->n_hosts; i++) {
		if (fabric->hosts[i].letter == letter)
			return &fabric->hosts[i];
	}
	return NULL;
}

void fabric_plug(struct fabric *fabric, char letter, const char *iface, const char *lport,
		 unsigned int ifindex)
{
	struct fabric_host *host = fabric_host(fabric, letter);
	struct network_iface facts = {
		.name = iface,
		.iface_id = lport,
		.ifindex = ifindex,
		.local = host->ip,
	};

	network_plug(host->network, &facts);
}

void fabric_unplug(struct fabric *fabric, char letter, const char *iface)
{
	network_unplug(fabric_host(fabric, letter)->network, iface);
}

enum network_iface_state fabric_state(struct fabric *fabric, char letter, const char *iface)
{
	return network_iface_state(fabric_host(fabric, letter)->network, iface);
}

/* ---- steps ---- */

static int apply(void *arg, const struct dp_op *op)
{
	return ((struct fabric *)arg)->refuse ? -E2BIG : 0;
}

struct census {
	const struct dp_state *state;
	size_t n_members;
	size_t n_reached;
};

static void count_member(void *arg, enum dp_map map, const void *key_, const void *value)
{
	struct census *census = arg;
	struct dp_member_key key;
	const struct dp_member *member = value;

	if (map != DP_MAP_MEMBERS)
		return;
	census->n_members++;
	memcpy(&key, key_, sizeof(key));
	if (memcmp(key.ref, no_ref, sizeof(no_ref)) != 0)
		return;
	for (;;) {
		census->n_reached++;
		if (memcmp(member->next, no_ref, sizeof(no_ref)) == 0)
			return;
		assert_true(memcmp(member->next, key.ref, sizeof(key.ref)) > 0);
		memcpy(key.ref, member->next, sizeof(key.ref));
		member = dp_state_get(census->state, DP_MAP_MEMBERS, &key);
		assert_non_null(member);
	}
}

static void host_step(struct fabric *fabric, struct fabric_host *host)
{
	struct census census = { .state = host->state };
	char *what = NULL;

	network_update(host->network, fabric->sb, fabric->nb);
	network_run(host->network);
	if (!network_check(host->network, fabric->sb, fabric->nb, &what))
		fail_msg("host %c: %s", host->letter, what);
	dp_state_each(host->state, count_member, &census);
	assert_int_equal(census.n_members, census.n_reached);
	dp_state_flush(host->state, apply, fabric);
	assert_true(fabric->refuse || !dp_state_has_pending(host->state));
}

void fabric_step(struct fabric *fabric)
{
	for (size_t i = 0; i < fabric->n_hosts; i++)
		host_step(fabric, &fabric->hosts[i]);
	replica_advance(fabric->sb);
	if (fabric->nb)
		replica_advance(fabric->nb);
}

/* ---- the programs' walks ---- */

struct walk {
	struct fabric *fabric;
	struct fabric_host *host;
	const struct dp_port *port;
	struct str text;
};

static void say(struct walk *walk, const char *word)
{
	str_addf(&walk->text, "%s%s", walk->text.len ? " " : "", word);
}

static void deliver(struct walk *walk, struct fabric_host *host, uint32_t ifindex)
{
	char word[16];

	snprintf(word, sizeof(word), "%c:%u", host->letter, ifindex);
	say(walk, word);
}

static const struct dp_tunnel *find_tunnel(const struct fabric_host *host, const void *remote,
					   const void *local)
{
	struct dp_tunnel_key key;

	memcpy(key.remote, remote, sizeof(key.remote));
	memcpy(key.local, local, sizeof(key.local));
	return dp_state_get(host->state, DP_MAP_TUNNELS, &key);
}

/* Visits a chain; except: the port that is left out. */
static void walk_chain(struct walk *walk, struct fabric_host *host, uint32_t datapath,
		       uint32_t group, uint16_t chain, uint32_t except, bool localports,
		       void (*visit)(struct walk *walk, struct fabric_host *host,
				     const struct dp_member_key *key,
				     const struct dp_member *member))
{
	struct dp_member_key key = { .datapath = datapath,
				     .group = (uint16_t)group,
				     .chain = chain };
	const struct dp_member *member = dp_state_get(host->state, DP_MAP_MEMBERS, &key);

	while (member && memcmp(member->next, no_ref, sizeof(no_ref)) != 0) {
		memcpy(key.ref, member->next, sizeof(key.ref));
		member = dp_state_get(host->state, DP_MAP_MEMBERS, &key);
		assert_non_null(member);
		if (chain == DP_CHAIN_LOCAL &&
		    ((uint32_t)(key.ref[14] << 8 | key.ref[15]) == except ||
		     (!localports && member->flags & DP_TARGET_LOCALPORT)))
			continue;
		visit(walk, host, &key, member);
	}
}

static void visit_local(struct walk *walk, struct fabric_host *host,
			const struct dp_member_key *key, const struct dp_member *member)
{
	deliver(walk, host, member->ifindex);
}

static void receive(struct walk *walk, struct fabric_host *host, const struct ip *sender,
		    bool vxlan, uint32_t datapath, uint32_t out_key)
{
	struct dp_lport_key key = { datapath, out_key };
	const struct dp_target *target;

	const struct dp_tunnel *tunnel = find_tunnel(host, sender, &host->ip);

	if (!tunnel) {
		say(walk, find_tunnel(host, no_ref, &host->ip) ? "tunnel_sender" : "not ours");
		return;
	}
	if (!(tunnel->flags & DP_TUNNEL_VXLAN) != !vxlan) {
		say(walk, "other_format");
		return;
	}
	if (out_key >= DP_GROUP_MIN) {
		walk_chain(walk, host, datapath, out_key, DP_CHAIN_LOCAL, 0, false, visit_local);
		return;
	}
	target = dp_state_get(host->state, DP_MAP_LPORTS, &key);
	if (target && target->flags & DP_TARGET_LOCALPORT)
		say(walk, "tunnel_to_localport");
	else if (!target || !(target->flags & DP_TARGET_LOCAL))
		say(walk, "tunnel_not_here");
	else if (target->flags & DP_TARGET_DISABLED)
		say(walk, "target_disabled");
	else
		deliver(walk, host, target->ifindex);
}

static void transmit(struct walk *walk, const uint8_t remote[16], uint32_t out_key)
{
	const struct dp_tunnel *tunnel = find_tunnel(walk->host, remote, walk->port->local);

	if (!tunnel) {
		say(walk, "tunnel_down");
		return;
	}
	say(walk, "wire");
	for (size_t i = 0; i < walk->fabric->n_hosts; i++) {
		struct fabric_host *host = &walk->fabric->hosts[i];

		if (memcmp(&host->ip, remote, sizeof(host->ip)) == 0)
			receive(walk, host, &walk->host->ip, tunnel->flags & DP_TUNNEL_VXLAN,
				walk->port->datapath, out_key);
	}
}

static void visit_remote(struct walk *walk, struct fabric_host *host,
			 const struct dp_member_key *key, const struct dp_member *member)
{
	const struct dp_tunnel *tunnel = find_tunnel(host, key->ref, walk->port->local);

	if (tunnel)
		assert_int_equal(key->chain, tunnel->flags & DP_TUNNEL_VXLAN ? DP_CHAIN_VXLAN
									     : DP_CHAIN_REMOTE);
	transmit(walk, key->ref, key->group);
}

static void flood(struct walk *walk, uint16_t group)
{
	bool from_localport = walk->port->flags & DP_PORT_LOCALPORT;

	walk_chain(walk, walk->host, walk->port->datapath, group, DP_CHAIN_LOCAL,
		   walk->port->port_key, !from_localport, visit_local);
	for (uint16_t chain = DP_CHAIN_REMOTE; !from_localport && chain < DP_CHAIN_COUNT; chain++)
		walk_chain(walk, walk->host, walk->port->datapath, group, chain, 0, true,
			   visit_remote);
	if (!walk->text.len)
		say(walk, "no_destination");
}

static void unicast(struct walk *walk, const struct dp_target *target)
{
	if (target->port_key == walk->port->port_key)
		say(walk, "same_port");
	else if (target->flags & DP_TARGET_DISABLED)
		say(walk, "target_disabled");
	else if (target->flags & DP_TARGET_LOCAL)
		deliver(walk, walk->host, target->ifindex);
	else if (target->flags & DP_TARGET_LOCALPORT)
		say(walk, "localport_not_here");
	else if (!(target->flags & DP_TARGET_REMOTE))
		say(walk, "not_bound");
	else if (walk->port->flags & DP_PORT_LOCALPORT)
		say(walk, "localport_to_remote");
	else
		transmit(walk, target->remote, target->port_key);
}

static void send_packet(struct walk *walk, const char *to)
{
	struct dp_fdb_key key = { .datapath = walk->port->datapath };
	const struct dp_target *target;
	struct mac mac;

	if (strcmp(to, "flood") == 0) {
		flood(walk, DP_GROUP_FLOOD);
		return;
	}
	target = NULL;
	if (strcmp(to, "unknown") != 0) {
		assert_true(mac_parse(to, &mac));
		memcpy(key.mac, &mac, sizeof(key.mac));
		target = dp_state_get(walk->host->state, DP_MAP_FDB, &key);
	}
	if (target)
		unicast(walk, target);
	else
		flood(walk, DP_GROUP_UNKNOWN);
}

char *fabric_send(struct fabric *fabric, char letter, unsigned int ifindex, const char *to)
{
	struct walk walk = { .fabric = fabric, .host = fabric_host(fabric, letter) };
	struct dp_port_key key = { .ifindex = ifindex };

	walk.port = dp_state_get(walk.host->state, DP_MAP_PORTS, &key);
	if (!walk.port)
		say(&walk, "no_port");
	else if (walk.port->flags & DP_PORT_DISABLED)
		say(&walk, "port_disabled");
	else
		send_packet(&walk, to);
	return str_take(&walk.text);
}

void fabric_check_receive(struct fabric *fabric, char letter, char sender, uint32_t datapath,
			  uint32_t out_key, const char *outcome)
{
	struct walk walk = { .fabric = fabric };
	const struct fabric_host *from = fabric_host(fabric, sender);
	struct ip stranger = ip_from_v4_be(0x01020304);

	receive(&walk, fabric_host(fabric, letter), from ? &from->ip : &stranger, false, datapath,
		out_key);
	assert_string_equal(str_c(&walk.text), outcome);
	str_done(&walk.text);
}

/* ---- single entries ---- */

void fabric_check_neighbor(struct fabric *fabric, char letter, uint32_t datapath, const char *text,
			   const char *mac)
{
	struct dp_neighbor_key key = { .datapath = datapath };
	const struct dp_neighbor *neighbor;
	char found[MAC_TEXT_SIZE] = "none";
	struct mac m;
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	memcpy(key.ip, &ip, sizeof(key.ip));
	neighbor = dp_state_get(fabric_host(fabric, letter)->state, DP_MAP_NEIGHBORS, &key);
	if (neighbor) {
		memcpy(&m, neighbor->mac, sizeof(m));
		mac_format(&m, found);
	}
	assert_string_equal(found, mac ? mac : "none");
}

void fabric_check_target(struct fabric *fabric, char letter, uint32_t datapath, uint32_t port_key,
			 const char *remote)
{
	struct dp_lport_key key = { datapath, port_key };
	const struct dp_target *target;
	char found[IP_TEXT_SIZE] = "none";
	struct ip ip;

	target = dp_state_get(fabric_host(fabric, letter)->state, DP_MAP_LPORTS, &key);
	assert_non_null(target);
	if (target->flags & DP_TARGET_REMOTE) {
		memcpy(&ip, target->remote, sizeof(ip));
		ip_format(&ip, found);
	}
	assert_string_equal(found, remote ? remote : "none");
}

const struct dp_tunnel *fabric_tunnel(struct fabric *fabric, char letter, char remote)
{
	const struct fabric_host *host = fabric_host(fabric, letter);

	return find_tunnel(host, &fabric_host(fabric, remote)->ip, &host->ip);
}

bool fabric_is_own_address(struct fabric *fabric, char letter, const char *text)
{
	static const struct ip no_remote;
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	return find_tunnel(fabric_host(fabric, letter), &no_remote, &ip);
}

static void count_tunnel(void *arg, const struct ip *remote, const struct ip *local)
{
	++*(unsigned int *)arg;
}

unsigned int fabric_count_tunnels(struct fabric *fabric, char letter)
{
	unsigned int n = 0;

	network_each_tunnel(fabric_host(fabric, letter)->network, count_tunnel, &n);
	return n;
}
