/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "minidb.h"
#include "model/chassis.h"
#include "ovsdb/datum.h"
#include "rows.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"

struct world {
	struct replica *ovs;
	struct replica *sb;
};

static int setup(void **state)
{
	struct world *world = xcalloc(1, sizeof(*world));

	world->ovs = replica_new(&ovs_schema);
	world->sb = replica_new(&sb_schema);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	replica_free(world->ovs);
	replica_free(world->sb);
	free(world);
	return 0;
}

static void set_ids(struct world *world, const char *ids)
{
	row_put(world->ovs, "Open_vSwitch", 1, "{'external_ids': ['map', [%s]]}", ids);
}

static void test_configuration(void **state)
{
	static const struct {
		const char *ids, *name, *problem, *why;
		size_t n_encaps;
	} cases[] = {
		{ "", NULL, "external_ids:system-id", "the name is what everything hangs on" },
		{ "['system-id', 'a']", NULL, "external_ids:ovn-remote", "then the database" },
		{ "['system-id', 'a'], ['ovn-remote', 'tcp:x:1']", NULL,
		  "external_ids:ovn-encap-type", "then the encap" },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve'], "
		  "['ovn-encap-ip', '10.0.0.1']",
		  NULL, "", "complete", 1 },
		{ "['ovn-remote', 'r'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1']",
		  "b", "", "a name from the command line", 1 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve,vxlan'], "
		  "['ovn-encap-ip', '10.0.0.1,10.0.0.2']",
		  NULL, "", "types times addresses", 4 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve,geneve'], "
		  "['ovn-encap-ip', '10.0.0.2,10.0.0.1,10.0.0.2']",
		  NULL, "", "each once: two rows of one address would be refused", 2 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve'], "
		  "['ovn-encap-ip', 'fd00::1,10.0.0.1']",
		  NULL, "fd00::1", "named, and the other is used", 1 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve'], "
		  "['ovn-encap-ip', 'fd00::1']",
		  NULL, "need an IPv4 address", "no chassis that nobody could reach", 0 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve'], "
		  "['ovn-encap-ip', '10.0.0.1'], ['ovn-encap-ip-a', '10.0.0.2,10.0.0.3']",
		  NULL, "", "the chassis' own key wins", 2 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'geneve'], "
		  "['ovn-encap-ip', 'bogus']",
		  NULL, "\"bogus\", which is no IP address", "named", 0 },
		{ "['system-id', 'a'], ['ovn-remote', 'r'], ['ovn-encap-type', 'stt'], "
		  "['ovn-encap-ip', '10.0.0.1']",
		  NULL, "\"stt\"", "named", 0 },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct chassis_config config;

		set_ids(world, cases[i].ids);
		chassis_config_read(world->ovs, cases[i].name, "machine", &config);
		if (!strstr(config.problem, cases[i].problem) ||
		    (!*cases[i].problem && *config.problem))
			fail_msg("%s: \"%s\"", cases[i].why, config.problem);
		assert_int_equal(config.n_encaps, cases[i].n_encaps);
		assert_string_equal(config.bridge, "br-int");
		assert_string_equal(config.hostname, "machine");
		chassis_config_done(&config);
	}
}

static void run(struct world *world, char *ret_problem, bool *ret_changed)
{
	struct txn *txn = txn_new(&sb_schema);
	struct chassis_config config;
	char problem[256];

	chassis_config_read(world->ovs, NULL, "machine", &config);
	chassis_write(&config, world->ovs, world->sb, txn, ret_problem ?: problem, 256);
	if (ret_changed)
		*ret_changed = !txn_is_empty(txn);
	minidb_commit(world->sb, txn);
	replica_advance(world->sb);
	txn_free(txn);
	chassis_config_done(&config);
}

static void test_rows_are_written_once_and_follow(void **state)
{
	struct world *world = *state;
	const struct sb_chassis *row;
	bool changed;

	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1']");
	run(world, NULL, &changed);
	assert_true(changed);
	run(world, NULL, &changed);
	assert_false(changed);
	row = sb_chassis_by_name(world->sb, "a");
	assert_string_equal(sb_chassis_hostname(row), "machine");
	assert_int_equal(sb_chassis_encaps(row)->n, 1);
	assert_true(uuid_eq(sb_chassis_private_chassis(sb_chassis_private_by_name(world->sb, "a")),
			    sb_chassis_uuid(row)));

	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1,10.0.0.2'], "
		"['ovn-encap-ip-default', '10.0.0.2'], ['ovn-cms-options', 'enable-chassis-as-gw']");
	run(world, NULL, &changed);
	row = sb_chassis_by_name(world->sb, "a");
	assert_int_equal(sb_chassis_encaps(row)->n, 2);
	assert_string_equal(ovsdb_smap_get(sb_chassis_other_config(row), "ovn-cms-options"),
			    "enable-chassis-as-gw");
	run(world, NULL, &changed);
	assert_false(changed);
}

static void test_an_address_of_another_chassis_is_left_out(void **state)
{
	struct world *world = *state;
	char problem[256];
	bool changed;

	row_put(world->sb, "Encap", 50,
		"{'type': 'geneve', 'ip': '10.0.0.1', 'chassis_name': 'b'}");
	replica_advance(world->sb);
	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1']");
	run(world, problem, &changed);
	assert_false(changed);
	assert_non_null(strstr(problem, "10.0.0.1 belongs to chassis b already"));
	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1,10.0.0.2']");
	run(world, problem, &changed);
	assert_int_equal(sb_chassis_encaps(sb_chassis_by_name(world->sb, "a"))->n, 1);
}

static void test_encap_of_an_interface(void **state)
{
	struct world *world = *state;
	const struct sb_encap *encap;
	struct chassis_config config;

	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1']");
	run(world, NULL, NULL);
	chassis_config_read(world->ovs, NULL, "machine", &config);
	assert_null(chassis_find_encap(&config, world->sb, "10.0.0.1")); /* there is no choice */
	chassis_config_done(&config);
	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1,10.0.0.2']");
	run(world, NULL, NULL);
	chassis_config_read(world->ovs, NULL, "machine", &config);
	assert_non_null(chassis_find_encap(&config, world->sb, "10.0.0.2"));
	assert_null(chassis_find_encap(&config, world->sb, NULL)); /* no default is set */
	chassis_config_done(&config);
	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'vxlan,geneve'], ['ovn-encap-ip', '10.0.0.1,10.0.0.2']");
	run(world, NULL, NULL);
	chassis_config_read(world->ovs, NULL, "machine", &config);
	encap = sb_encap_get(world->sb, chassis_find_encap(&config, world->sb, "10.0.0.2"));
	assert_string_equal(sb_encap_type(encap), "geneve"); /* the preferred one */
	assert_string_equal(sb_encap_ip(encap), "10.0.0.2");
	assert_int_equal(sb_chassis_encaps(sb_chassis_by_name(world->sb, "a"))->n, 4);
	chassis_config_done(&config);
	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'vxlan'], ['ovn-encap-ip', '10.0.0.2']");
	run(world, NULL, NULL);
	assert_int_equal(sb_chassis_encaps(sb_chassis_by_name(world->sb, "a"))->n, 1);
}

static void test_what_others_set_on_an_encap_stays(void **state)
{
	struct world *world = *state;
	const struct sb_encap *encap;
	bool changed;

	row_put(world->sb, "Encap", 50,
		"{'type': 'geneve', 'ip': '10.0.0.1', 'chassis_name': 'a', "
		"'options': ['map', [['dst_port', '7000'], ['csum', 'true'], ['is_default', 'true']]]}");
	replica_advance(world->sb);
	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1'], "
		"['ovn-encap-csum', 'false']");
	run(world, NULL, &changed);
	assert_true(changed);
	encap = sb_encap_first(world->sb);
	assert_string_equal(ovsdb_smap_get(sb_encap_options(encap), "dst_port"), "7000");
	assert_string_equal(ovsdb_smap_get(sb_encap_options(encap), "csum"), "false");
	assert_null(ovsdb_smap_get(sb_encap_options(encap), "is_default"));
	run(world, NULL, &changed);
	assert_false(changed);
}

static void test_removal(void **state)
{
	struct world *world = *state;
	struct txn *txn = txn_new(&sb_schema);

	set_ids(world,
		"['system-id', 'a'], ['ovn-encap-type', 'geneve'], ['ovn-encap-ip', '10.0.0.1']");
	run(world, NULL, NULL);
	chassis_remove("a", world->sb, txn);
	minidb_commit(world->sb, txn);
	txn_free(txn);
	assert_null(chassis_find(world->sb, "a"));
	assert_null(chassis_find_private(world->sb, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rows_are_written_once_and_follow, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_an_address_of_another_chassis_is_left_out,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_encap_of_an_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_others_set_on_an_encap_stays, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_removal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
