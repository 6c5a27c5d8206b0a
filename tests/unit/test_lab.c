/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab/capture.h"
#include "lab/topology.h"
#include "util/array.h"
#include "util/str.h"

/* 192.168.33.10 to .20, VNI 1, OVN's option with ports 1 and 2, inside an ICMP echo request from
 * 10.0.1.10 to 10.0.1.20. */
static const uint8_t tunnel_ping[] = {
	/* Ethernet */ 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
	/* IPv4 */ 0x45, 0, 0, 100, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 168, 33, 10, 192, 168, 33, 20,
	/* UDP */ 0xc0, 0, 0x17, 0xc1, 0, 80, 0, 0,
	/* Geneve */ 0x02, 0x40, 0x65, 0x58, 0, 0, 1, 0,
	/* option */ 0x01, 0x02, 0x80, 0x01, 0, 1, 0, 2,
	/* Ethernet */ 0, 0, 0, 0xaa, 0xbb, 0x20, 0, 0, 0, 0xaa, 0xbb, 0x10, 0x08, 0x00,
	/* IPv4 */ 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 1, 10, 10, 0, 1, 20,
	/* ICMP */ 8, 0, 0, 0, 0, 0, 0, 0
};

enum {
	AT_GENEVE = 14 + 20 + 8,
	AT_OPTION = AT_GENEVE + 8,
	AT_INNER = AT_OPTION + 8,
};

static void test_decodes_a_ping_in_a_tunnel(void **state)
{
	char text[IP_TEXT_SIZE];
	struct geneve_packet p;

	(void)state;
	assert_true(geneve_decode(tunnel_ping, sizeof(tunnel_ping), &p));
	assert_string_equal(ip_format(&p.outer_source, text), "192.168.33.10");
	assert_string_equal(ip_format(&p.outer_destination, text), "192.168.33.20");
	assert_int_equal(p.vni, 1);
	assert_true(p.has_ports);
	assert_int_equal(p.ingress_port, 1);
	assert_int_equal(p.egress_port, 2);
	assert_string_equal(p.inner, "ICMP echo request 10.0.1.10 > 10.0.1.20");
}

static void test_decodes_other_packets(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool is_geneve, has_ports;
		const char *inner;
	} cases[] = {
		{ 12, 0x86, false, false, NULL },                     /* outer EtherType */
		{ 14 + 9, 6, false, false, NULL },                    /* outer protocol */
		{ 14 + 20 + 3, 0xc2, false, false, NULL },            /* UDP port */
		{ AT_OPTION, 0x7f, true, false,
		  "ICMP echo request 10.0.1.10 > 10.0.1.20" },        /* somebody else's option */
		{ AT_INNER + 12, 0x90, true, true, "EtherType 0x9000" },
		{ AT_INNER + 14 + 9, 6, true, true, "TCP 10.0.1.10 > 10.0.1.20" },
		{ AT_INNER + 14, 0x4f, true, true, "IPv4, cut short" }, /* 60 bytes of header */
	};
	struct geneve_packet p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t frame[sizeof(tunnel_ping)];

		memcpy(frame, tunnel_ping, sizeof(frame));
		frame[cases[i].at] = cases[i].value;
		assert_int_equal(geneve_decode(frame, sizeof(frame), &p), cases[i].is_geneve);
		if (!cases[i].is_geneve)
			continue;
		assert_int_equal(p.has_ports, cases[i].has_ports);
		assert_string_equal(p.inner, cases[i].inner);
	}
}

static void test_survives_every_length(void **state)
{
	struct geneve_packet p;

	(void)state;
	for (size_t n = 0; n < sizeof(tunnel_ping); n++)
		assert_int_equal(geneve_decode(tunnel_ping, n, &p), n >= AT_INNER);
}

static void test_the_default_lab_is_the_walk_through(void **state)
{
	const struct lab_workload *w;
	struct lab lab;

	(void)state;
	lab_init(&lab, "lab", 2);
	assert_int_equal(lab.n_workloads, 4);
	w = lab_find_workload(&lab, "ns2");
	assert_non_null(w);
	assert_string_equal(w->host->name, "hypervisor");
	assert_string_equal(w->host->ip, "192.168.33.20");
	assert_string_equal(w->mac, "00:00:00:aa:bb:20");
	assert_string_equal(w->port, "ls0-ns2");
	assert_null(lab_find_workload(&lab, "ns3")); /* one on each host */
	w = lab_find_workload(&lab, "hypervisor/ns3");
	assert_non_null(w);
	assert_true(w->localport);
	assert_string_equal(w->ip, "10.0.1.30");
	assert_false(lab_workload_is_first(&lab, w));
}

static void test_names_stay_apart_in_the_largest_lab(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, "abcdefgh", LAB_MAX_HOSTS);
	assert_int_equal(lab.n_workloads, LAB_MAX_WORKLOADS);
	for (size_t i = 0; i < lab.n_workloads; i++)
		for (size_t k = 0; k < i; k++) {
			const struct lab_workload *a = &lab.workloads[i], *b = &lab.workloads[k];

			assert_false(str_eq(a->netns, b->netns));
			assert_int_equal(str_eq(a->mac, b->mac), a->localport && b->localport);
			assert_int_equal(str_eq(a->ip, b->ip), a->localport && b->localport);
		}
}

static void test_lab_names(void **state)
{
	(void)state;
	assert_true(lab_name_is_valid("lab"));
	assert_true(lab_name_is_valid("d1234567"));
	assert_false(lab_name_is_valid(""));
	assert_false(lab_name_is_valid("d12345678"));
	assert_false(lab_name_is_valid("../x"));
	assert_false(lab_name_is_valid("Lab"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decodes_a_ping_in_a_tunnel),
		cmocka_unit_test(test_decodes_other_packets),
		cmocka_unit_test(test_survives_every_length),
		cmocka_unit_test(test_the_default_lab_is_the_walk_through),
		cmocka_unit_test(test_names_stay_apart_in_the_largest_lab),
		cmocka_unit_test(test_lab_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
