/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fabric.h"
#include "rows.h"
#include "util/array.h"
#include "util/str.h"

/* Random edits of rows and interfaces.  After each step every host must equal a compilation from
 * scratch (fabric_step()), and every packet must end where a plain reading of the rules says. */

#define N_HOSTS    3
#define N_SWITCHES 2
#define N_PORTS    7

enum {
	ROW_SW = 1,
	ROW_PORT = 10,
	ROW_LSP = 100,
	ROW_VXLAN = 200
};

struct port_facts {
	bool exists;
	bool localport;
	bool unknown;
	bool disabled;
	unsigned int sw;
	unsigned int key;
	int holder;    /* host index or -1 */
	int requested; /* host index or -1 */
	bool plugged[N_HOSTS];
};

struct world {
	struct fabric *fabric;
	struct port_facts ports[N_PORTS];
	unsigned int sw_keys[N_SWITCHES]; /* 0: no row */
	bool registered[N_HOSTS];
	unsigned int types[N_HOSTS]; /* of encaps, a mask */
	unsigned int seed;
};

static unsigned int pick(struct world *w, unsigned int n)
{
	return (unsigned int)rand_r(&w->seed) % n;
}

static unsigned int ifindex_of(unsigned int port)
{
	return 100 + port;
}

static const char *mac_of(unsigned int port)
{
	static char text[18];

	snprintf(text, sizeof(text), "02:00:00:00:00:%02x", port + 1);
	return text;
}

/* ---- edits ---- */

static void put_port(struct world *w, unsigned int n)
{
	const struct port_facts *p = &w->ports[n];
	struct fabric *f = w->fabric;
	char holder[80] = "", requested[80] = "";

	if (p->holder >= 0)
		snprintf(holder, sizeof(holder), ",'chassis':['uuid','%s']",
			 row_id(f->hosts[p->holder].chassis_row));
	if (p->requested >= 0)
		snprintf(requested, sizeof(requested),
			 ",'options':['map',[['requested-chassis','host-%c']]]",
			 f->hosts[p->requested].letter);
	row_put(f->sb, "Port_Binding", ROW_PORT + n,
		"{'logical_port':'p%u','type':'%s','datapath':['uuid','%s'],'tunnel_key':%u,"
		"'mac':['set',['%s 10.0.0.%u'%s]]%s%s}",
		n, p->localport ? "localport" : "", row_id(ROW_SW + p->sw), p->key, mac_of(n),
		n + 1, p->unknown ? ",'unknown'" : "", holder, requested);
}

static void edit_port(struct world *w)
{
	unsigned int n = pick(w, N_PORTS);
	struct port_facts *p = &w->ports[n];

	if (pick(w, 8) == 0) {
		if (p->exists)
			row_delete(w->fabric->sb, "Port_Binding", ROW_PORT + n);
		p->exists = false;
		return;
	}
	p->exists = true;
	p->localport = pick(w, 3) == 0;
	p->unknown = pick(w, 3) == 0;
	p->sw = pick(w, 4) == 0;
	p->key = n + 1 + (pick(w, 4) == 0 ? N_PORTS : 0);
	p->holder = (int)pick(w, N_HOSTS + 1) - 1;
	p->requested = pick(w, 4) ? -1 : (int)pick(w, N_HOSTS);
	put_port(w, n);
}

static void edit_plug(struct world *w)
{
	unsigned int n = pick(w, N_PORTS), h = pick(w, N_HOSTS);
	bool *plugged = &w->ports[n].plugged[h];
	char letter = w->fabric->hosts[h].letter;
	char iface[16], lport[16];

	snprintf(iface, sizeof(iface), "tap%u", n);
	snprintf(lport, sizeof(lport), "p%u", n);
	*plugged = !*plugged;
	if (*plugged)
		fabric_plug(w->fabric, letter, iface, lport, ifindex_of(n));
	else
		fabric_unplug(w->fabric, letter, iface);
}

static void edit_policy(struct world *w)
{
	unsigned int n = pick(w, N_PORTS);

	w->ports[n].disabled = !w->ports[n].disabled;
	if (!w->ports[n].disabled && pick(w, 2)) {
		row_delete(w->fabric->nb, "Logical_Switch_Port", ROW_LSP + n);
		return;
	}
	row_put(w->fabric->nb, "Logical_Switch_Port", ROW_LSP + n, "{'name':'p%u','enabled':%s}", n,
		w->ports[n].disabled ? "false" : "true");
}

static void edit_switch(struct world *w)
{
	unsigned int n = pick(w, N_SWITCHES);

	if (w->sw_keys[n] && pick(w, 3) == 0) {
		row_delete(w->fabric->sb, "Datapath_Binding", ROW_SW + n);
		w->sw_keys[n] = 0;
		return;
	}
	w->sw_keys[n] = 1 + n + 2 * pick(w, 2);
	row_put(w->fabric->sb, "Datapath_Binding", ROW_SW + n, "{'tunnel_key':%u}", w->sw_keys[n]);
}

static void edit_host(struct world *w)
{
	unsigned int h = pick(w, N_HOSTS);
	struct fabric_host *host = &w->fabric->hosts[h];
	char name[8];

	snprintf(name, sizeof(name), "host-%c", host->letter);
	w->registered[h] = !w->registered[h] || pick(w, 3);
	w->types[h] = 1 + pick(w, 3);
	network_set_chassis(host->network, w->registered[h] ? name : NULL, w->types[h], &host->ip,
			    1);
	row_put(w->fabric->sb, "Encap", ROW_VXLAN + h,
		"{'type':'vxlan','ip':'192.0.2.%u','chassis_name':'host-%c'}", h + 1, host->letter);
	row_put(w->fabric->sb, "Chassis", host->chassis_row,
		"{'name':'host-%c','hostname':'node-%c','encaps':['set',[['uuid','%s'],['uuid','%s']]]}",
		host->letter, host->letter,
		row_id(w->types[h] & 1 << NETWORK_GENEVE ? host->encap_row : ROW_VXLAN + h),
		row_id(w->types[h] & 1 << NETWORK_VXLAN ? ROW_VXLAN + h : host->encap_row));
	row_put(w->fabric->sb, "Encap", host->encap_row,
		"{'type':'geneve','ip':'192.0.2.%u','chassis_name':'host-%c',"
		"'options':['map',[['dst_port','%u']]]}",
		h + 1, host->letter, 6081 + pick(w, 2));
}

static void edit(struct world *w)
{
	static void (*const edits[])(struct world *) = { edit_port,   edit_port, edit_port,
							 edit_plug,   edit_plug, edit_policy,
							 edit_switch, edit_host };

	edits[pick(w, ARRAY_SIZE(edits))](w);
}

/* ---- the rules, read plainly ---- */

static bool held_elsewhere(const struct world *w, const struct port_facts *p, unsigned int h)
{
	return !p->localport && p->holder >= 0 && (p->holder != (int)h || !w->registered[h]);
}

static bool is_here(const struct world *w, const struct port_facts *p, unsigned int h)
{
	bool may_bind = p->requested < 0 || (w->registered[h] && p->requested == (int)h);

	return p->exists && p->plugged[h] && may_bind && !held_elsewhere(w, p, h);
}

static bool is_live(const struct world *w, unsigned int sw, unsigned int h)
{
	for (unsigned int n = 0; n < N_PORTS; n++) {
		const struct port_facts *p = &w->ports[n];

		if (w->sw_keys[sw] && p->sw == sw && !p->localport && is_here(w, p, h))
			return true;
	}
	return false;
}

static void say(struct str *text, const char *word)
{
	str_addf(text, "%s%s", text->len ? " " : "", word);
}

static void say_port(const struct world *w, struct str *text, unsigned int h, unsigned int n)
{
	str_addf(text, "%s%c:%u", text->len ? " " : "", w->fabric->hosts[h].letter, ifindex_of(n));
}

static bool in_group(const struct port_facts *p, unsigned int sw, bool unknown)
{
	return p->exists && p->sw == sw && !p->disabled && (p->unknown || !unknown);
}

/* Receivers on one host, by key; n_from is N_PORTS for what a tunnel brings. */
static void flood_locally(const struct world *w, struct str *text, unsigned int h, unsigned int sw,
			  unsigned int n_from, bool localports, bool unknown)
{
	for (unsigned int key = 1; key <= 2 * N_PORTS; key++) {
		unsigned int n = (key - 1) % N_PORTS;
		const struct port_facts *p = &w->ports[n];

		if (p->key == key && n != n_from && in_group(p, sw, unknown) && is_here(w, p, h) &&
		    (localports || !p->localport))
			say_port(w, text, h, n);
	}
}

static bool host_has_vif(const struct world *w, unsigned int sw, unsigned int h, bool unknown)
{
	for (unsigned int n = 0; n < N_PORTS; n++) {
		const struct port_facts *p = &w->ports[n];

		if (in_group(p, sw, unknown) && !p->localport && p->holder == (int)h)
			return true;
	}
	return false;
}

/* Two hosts use the first type that both have. */
static bool meet_by(const struct world *w, unsigned int a, unsigned int b,
		    enum network_encap_type type)
{
	unsigned int common = w->types[a] & w->types[b];

	return common & 1u << type && !(common & ((1u << type) - 1));
}

/* A receiver that is not registered has no tunnels and calls no address its own. */
static bool tunnel_works(const struct world *w, struct str *text, unsigned int to)
{
	say(text, "wire");
	if (!w->registered[to])
		say(text, "not ours");
	return w->registered[to];
}

static void expect_flood(const struct world *w, struct str *text, unsigned int h, unsigned int from,
			 bool unknown)
{
	const struct port_facts *p = &w->ports[from];

	flood_locally(w, text, h, p->sw, from, !p->localport, unknown);
	for (unsigned int type = 0; type < NETWORK_N_ENCAP_TYPES; type++) {
		for (unsigned int to = 0; to < N_HOSTS && !p->localport && w->registered[h]; to++) {
			if (to != h && meet_by(w, h, to, type) &&
			    host_has_vif(w, p->sw, to, unknown) && tunnel_works(w, text, to) &&
			    is_live(w, p->sw, to))
				flood_locally(w, text, to, p->sw, N_PORTS, false, unknown);
		}
	}
	if (!text->len)
		say(text, "no_destination");
}

static void expect_remote(const struct world *w, struct str *text, unsigned int n)
{
	const struct port_facts *p = &w->ports[n];
	unsigned int to = (unsigned int)p->holder;

	if (!tunnel_works(w, text, to))
		return;
	if (is_live(w, p->sw, to) && is_here(w, p, to))
		say_port(w, text, to, n);
	else
		say(text, "tunnel_not_here");
}

static void expect_unicast(const struct world *w, struct str *text, unsigned int h,
			   unsigned int from, unsigned int n)
{
	const struct port_facts *p = &w->ports[n];

	if (!p->exists || p->sw != w->ports[from].sw)
		expect_flood(w, text, h, from, true);
	else if (n == from)
		say(text, "same_port");
	else if (p->disabled)
		say(text, "target_disabled");
	else if (is_here(w, p, h))
		say_port(w, text, h, n);
	else if (p->localport)
		say(text, "localport_not_here");
	else if (!held_elsewhere(w, p, h) || !w->registered[h] ||
		 !(w->types[h] & w->types[p->holder]))
		say(text, "not_bound");
	else if (w->ports[from].localport)
		say(text, "localport_to_remote");
	else
		expect_remote(w, text, n);
}

/* to: a port, or N_PORTS for a broadcast. */
static void check_packet(const struct world *w, unsigned int h, unsigned int from, unsigned int to)
{
	const struct port_facts *p = &w->ports[from];
	struct str expected = STR_INIT;
	char *outcome;

	if (!is_here(w, p, h) || !is_live(w, p->sw, h))
		say(&expected, "no_port");
	else if (p->disabled)
		say(&expected, "port_disabled");
	else if (to == N_PORTS)
		expect_flood(w, &expected, h, from, false);
	else
		expect_unicast(w, &expected, h, from, to);
	outcome = fabric_send(w->fabric, w->fabric->hosts[h].letter, ifindex_of(from),
			      to == N_PORTS ? "flood" : mac_of(to));
	assert_string_equal(outcome, str_c(&expected));
	free(outcome);
	str_done(&expected);
}

static void check_packets(const struct world *w)
{
	for (unsigned int h = 0; h < N_HOSTS; h++) {
		for (unsigned int from = 0; from < N_PORTS; from++) {
			for (unsigned int to = 0; to <= N_PORTS; to++)
				check_packet(w, h, from, to);
		}
	}
}

static struct world world_new(unsigned int seed)
{
	struct world w = { .fabric = fabric_new(), .seed = seed };

	for (unsigned int h = 0; h < N_HOSTS; h++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "192.0.2.%u", h + 1);
		fabric_add_host(w.fabric, (char)('a' + (int)h), ip);
		w.registered[h] = true;
		w.types[h] = 1 << NETWORK_GENEVE;
	}
	for (unsigned int n = 0; n < N_PORTS; n++)
		w.ports[n] = (struct port_facts){ .holder = -1, .requested = -1, .key = n + 1 };
	return w;
}

static void random_edits_keep_the_rules(void **unused)
{
	for (unsigned int seed = 1; seed <= 40; seed++) {
		struct world w = world_new(seed);

		for (int step = 0; step < 80; step++) {
			for (unsigned int i = pick(&w, 4); i < 4; i++)
				edit(&w);
			fabric_step(w.fabric);
			check_packets(&w);
		}
		fabric_free(w.fabric);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_edits_keep_the_rules),
	};

	return cmocka_run_group_tests_name("network_random", tests, NULL, NULL);
}
