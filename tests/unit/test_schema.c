/* SPDX-License-Identifier: Apache-2.0 */
/* The typed rows that tools/idlgen.py writes: what a getter reads and what a setter sends. */
#include <jansson.h>

#include "check.h"
#include "schema/nb.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/err.h"

#define U1 "11111111-1111-1111-1111-111111111111"
#define U2 "22222222-2222-2222-2222-222222222222"

static struct uuid uuid(const char *text)
{
	struct uuid uuid;

	assert_true(uuid_parse(text, &uuid));
	return uuid;
}

static struct replica *replica_with(const struct ovsdb_schema *schema,
				    const struct ovsdb_table *table, const char *row)
{
	struct replica *replica = replica_new(schema);
	struct err err = ERR_INIT;
	json_t *json = json_loads(row, 0, NULL);

	assert_non_null(json);
	if (replica_put(replica, table, json, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(json);
	return replica;
}

static void test_getters_of_a_full_row(void **state)
{
	struct replica *nb = replica_with(
		&nb_schema, &nb_lsp_table,
		"{\"_uuid\": [\"uuid\", \"" U1 "\"], \"name\": \"p1\", \"tag\": 5, \"up\": true,"
		" \"parent_name\": \"p0\", \"addresses\": [\"set\", [\"a\", \"b\"]],"
		" \"options\": [\"map\", [[\"k\", \"v\"]]], \"dhcpv4_options\": [\"uuid\", \"" U2
		"\"]}");
	struct uuid u1 = uuid(U1), u2 = uuid(U2);
	const struct nb_lsp *lsp = nb_lsp_get(nb, &u1);
	int64_t tag = 0;
	bool up = false;

	(void)state;
	assert_non_null(lsp);
	assert_ptr_equal(lsp, nb_lsp_by_name(nb, "p1"));
	assert_null(nb_lsp_by_name(nb, "p2"));
	assert_string_equal(nb_lsp_name(lsp), "p1");
	assert_string_equal(nb_lsp_parent_name(lsp), "p0");
	assert_true(nb_lsp_tag(lsp, &tag));
	assert_int_equal(tag, 5);
	assert_true(nb_lsp_up(lsp, &up));
	assert_true(up);
	assert_true(ovsdb_sset_contains(nb_lsp_addresses(lsp), "b"));
	assert_string_equal(ovsdb_smap_get(nb_lsp_options(lsp), "k"), "v");
	assert_true(uuid_eq(nb_lsp_dhcpv4_options(lsp), &u2));
	replica_free(nb);
}

static void test_getters_of_an_empty_row(void **state)
{
	struct replica *nb =
		replica_with(&nb_schema, &nb_lsp_table, "{\"_uuid\": [\"uuid\", \"" U1 "\"]}");
	const struct nb_lsp *lsp = nb_lsp_first(nb);
	int64_t tag = 7;
	bool up = true;

	(void)state;
	assert_string_equal(nb_lsp_name(lsp), "");
	assert_null(nb_lsp_parent_name(lsp));
	assert_null(nb_lsp_dhcpv4_options(lsp));
	assert_false(nb_lsp_tag(lsp, &tag));
	assert_int_equal(tag, 7);
	assert_false(nb_lsp_up(lsp, &up));
	assert_true(up);
	assert_int_equal(nb_lsp_addresses(lsp)->n, 0);
	assert_null(nb_lsp_next(nb, lsp));
	replica_free(nb);
}

/* The operation of txn on its only row, as JSON text. */
static void assert_operation(const struct txn *txn, const char *member, const char *expected)
{
	json_t *params = txn_to_json(txn);
	json_t *want = json_loads(expected, 0, NULL);
	const json_t *have = json_object_get(json_array_get(params, 1), member);
	char *text = json_dumps(params, 0);

	assert_non_null(want);
	if (!json_equal(have, want))
		fail_msg("%s of %s is not %s", member, text, expected);
	free(text);
	json_decref(want);
	json_decref(params);
}

static void test_setters(void **state)
{
	struct txn *txn = txn_new(&sb_schema);
	struct uuid u1 = uuid(U1), u2 = uuid(U2);
	bool up = true;

	(void)state;
	sb_port_binding_set_up(txn, &u1, &up);
	sb_port_binding_set_chassis(txn, &u1, &u2);
	sb_port_binding_set_encap(txn, &u1, NULL);
	sb_port_binding_set_type(txn, &u1, "localport");
	sb_port_binding_set_parent_port(txn, &u1, NULL);
	sb_port_binding_set_tunnel_key(txn, &u1, 3);
	assert_operation(
		txn, "row",
		"{\"up\": true, \"chassis\": [\"uuid\", \"" U2 "\"], \"encap\": [\"set\", []],"
		" \"type\": \"localport\", \"parent_port\": [\"set\", []], \"tunnel_key\": 3}");
	txn_free(txn);
}

static void test_map_keys_are_replaced_and_dropped(void **state)
{
	struct txn *txn = txn_new(&ovs_schema);
	struct uuid u1 = uuid(U1);

	(void)state;
	ovs_interface_put_external_ids(txn, &u1, "a", "1");
	ovs_interface_drop_external_ids(txn, &u1, "b");
	assert_operation(txn, "mutations",
			 "[[\"external_ids\", \"delete\", [\"set\", [\"a\", \"b\"]]],"
			 " [\"external_ids\", \"insert\", [\"map\", [[\"a\", \"1\"]]]]]");
	txn_free(txn);
}

static void test_set_elements(void **state)
{
	struct txn *txn = txn_new(&nb_schema);
	struct uuid u1 = uuid(U1), u2 = uuid(U2);

	(void)state;
	nb_ls_add_ports(txn, &u1, &u2);
	assert_operation(txn, "mutations",
			 "[[\"ports\", \"insert\", [\"set\", [[\"uuid\", \"" U2 "\"]]]]]");
	txn_free(txn);
}

/* A column's index is its place, and a column that is called like a verb has a getter with "_". */
static void test_tables(void **state)
{
	(void)state;
	for (size_t t = 0; t < nb_schema.n_tables; t++) {
		const struct ovsdb_table *table = nb_schema.tables[t];

		assert_int_equal(table->index, t);
		for (size_t i = 0; i < table->n_columns; i++)
			assert_int_equal(table->columns[i].index, i);
	}
	assert_ptr_equal(nb_ls_columns[NB_LS_PORTS].key_ref, &nb_lsp_table);
	assert_true(sb_port_binding_columns[SB_PORT_BINDING_CHASSIS].key_weak);
	assert_int_equal(nb_lsp_table.indexes[0], OVSDB_COL(NB_LSP_NAME));
	assert_int_equal(nb_lsp_table.indexes[1], 0);
	assert_true(nb_ls_table.is_root);
	assert_false(nb_lsp_table.is_root);
	assert_int_equal(nb_global_table.max_rows, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_getters_of_a_full_row),
		cmocka_unit_test(test_getters_of_an_empty_row),
		cmocka_unit_test(test_setters),
		cmocka_unit_test(test_map_keys_are_replaced_and_dropped),
		cmocka_unit_test(test_set_elements),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
