/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model/dp_state.h"
#include "util/array.h"

static struct dp_owner owner(uint8_t n)
{
	return (struct dp_owner){ { 1, n } };
}

static struct dp_port_key port_key(uint32_t ifindex)
{
	return (struct dp_port_key){ .ifindex = ifindex };
}

static struct dp_port port(uint16_t key)
{
	return (struct dp_port){ .datapath = 1, .port_key = key };
}

static void want_port(struct dp_state *state, uint32_t ifindex, uint16_t key)
{
	struct dp_port_key k = port_key(ifindex);
	struct dp_port v = port(key);

	dp_state_want(state, DP_MAP_PORTS, &k, &v);
}

static void own_port(struct dp_state *state, uint8_t who, uint32_t ifindex, uint16_t key)
{
	struct dp_owner id = owner(who);

	dp_state_begin(state, &id);
	want_port(state, ifindex, key);
	dp_state_end(state);
}

static uint16_t wanted_port(struct dp_state *state, uint32_t ifindex)
{
	struct dp_port_key key = port_key(ifindex);
	const struct dp_port *value = dp_state_get(state, DP_MAP_PORTS, &key);

	return value ? value->port_key : 0;
}

/* ---- a kernel that remembers what it was told, and in which order ---- */

struct step {
	enum dp_op_kind kind;
	enum dp_map map;
	_Alignas(8) uint8_t key[32];
	_Alignas(8) uint8_t value[40];
};

struct kernel {
	VEC(struct step) log;
	size_t refuse_after; /* inserts that succeed */
};

static int kernel_apply(void *arg, const struct dp_op *op)
{
	struct kernel *kernel = arg;
	struct step step = { .kind = op->kind, .map = op->map };

	if (op->kind == DP_OP_INSERT) {
		if (!kernel->refuse_after)
			return -E2BIG;
		kernel->refuse_after--;
	}
	memcpy(step.key, op->key, dp_map_key_size(op->map));
	if (op->value)
		memcpy(step.value, op->value, dp_map_value_size(op->map));
	VEC_ADD(kernel->log, step);
	return 0;
}

static size_t flush(struct dp_state *state, struct kernel *kernel)
{
	kernel->refuse_after = SIZE_MAX;
	VEC_CLEAR(kernel->log);
	return dp_state_flush(state, kernel_apply, kernel);
}

/* ---- tests ---- */

static void only_differences_are_applied(void **unused)
{
	struct dp_state *state = dp_state_new();
	struct kernel kernel = { .log = VEC_INIT };
	struct dp_owner id = owner(1);
	struct dp_port_key stale = port_key(9);
	struct dp_port held = port(9);

	dp_state_have(state, DP_MAP_PORTS, &stale, &held);
	own_port(state, 1, 5, 1);
	assert_true(dp_state_has_pending(state));
	assert_false(dp_state_owner_is_installed(state, &id));
	assert_int_equal(flush(state, &kernel), 0);
	assert_int_equal(kernel.log.n, 2);
	assert_int_equal(kernel.log.v[0].kind, DP_OP_INSERT);
	assert_int_equal(kernel.log.v[1].kind, DP_OP_DELETE);
	assert_true(dp_state_owner_is_installed(state, &id));

	own_port(state, 1, 5, 1);
	assert_int_equal(flush(state, &kernel), 0);
	assert_int_equal(kernel.log.n, 0);

	own_port(state, 1, 5, 2);
	flush(state, &kernel);
	assert_int_equal(kernel.log.n, 1);
	assert_int_equal(kernel.log.v[0].kind, DP_OP_UPDATE);

	own_port(state, 1, 6, 2); /* the old key is given up */
	flush(state, &kernel);
	assert_int_equal(kernel.log.n, 2);
	assert_int_equal(kernel.log.v[1].kind, DP_OP_DELETE);
	assert_false(dp_state_has_pending(state));
	VEC_DONE(kernel.log);
	dp_state_free(state);
}

static void what_was_adopted_is_not_written_again(void **unused)
{
	struct dp_state *state = dp_state_new();
	struct dp_port_key key = port_key(5);
	struct dp_port value = port(1);

	own_port(state, 1, 5, 1);
	dp_state_have(state, DP_MAP_PORTS, &key, &value);
	assert_false(dp_state_has_pending(state));
	dp_state_have(state, DP_MAP_PORTS, &key, NULL); /* somebody removed it */
	assert_true(dp_state_has_pending(state));
	dp_state_free(state);
}

static void smaller_rank_wins_in_any_order(void **unused)
{
	static const uint8_t orders[][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 },
					     { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct dp_state *state = dp_state_new();
		struct dp_owner id;

		for (size_t j = 0; j < 3; j++)
			own_port(state, orders[i][j], 5, orders[i][j]);
		assert_int_equal(wanted_port(state, 5), 1);
		id = owner(1);
		dp_state_forget(state, &id);
		assert_int_equal(wanted_port(state, 5), 2);
		id = owner(3);
		dp_state_forget(state, &id);
		assert_int_equal(wanted_port(state, 5), 2);
		id = owner(2);
		dp_state_forget(state, &id);
		assert_int_equal(wanted_port(state, 5), 0);
		assert_false(dp_state_has_pending(state));
		dp_state_free(state);
	}
}

static void first_of_two_same_keys_counts(void **unused)
{
	struct dp_state *state = dp_state_new();
	struct dp_owner id = owner(1);

	dp_state_begin(state, &id);
	want_port(state, 5, 1);
	want_port(state, 5, 2);
	dp_state_end(state);
	assert_int_equal(wanted_port(state, 5), 1);
	dp_state_free(state);
}

static void what_fails_stays_pending(void **unused)
{
	struct dp_state *state = dp_state_new();
	struct kernel kernel = { .log = VEC_INIT, .refuse_after = 1 };

	own_port(state, 1, 1, 1);
	own_port(state, 2, 2, 2);
	assert_int_equal(dp_state_flush(state, kernel_apply, &kernel), 1);
	assert_true(dp_state_has_pending(state));
	assert_int_equal(flush(state, &kernel), 0);
	assert_int_equal(kernel.log.n, 1);
	VEC_DONE(kernel.log);
	dp_state_free(state);
}

/* ---- chains ---- */

static struct dp_member_key member_key(uint8_t ref)
{
	struct dp_member_key key = { .datapath = 1, .group = DP_GROUP_FLOOD };

	key.ref[15] = ref;
	return key;
}

static void own_member(struct dp_state *state, uint8_t ref, uint8_t next)
{
	struct dp_owner id = owner((uint8_t)(100 + ref));
	struct dp_member_key key = member_key(ref);
	struct dp_member value = { .ifindex = ref };

	value.next[15] = next;
	dp_state_begin(state, &id);
	dp_state_want(state, DP_MAP_MEMBERS, &key, &value);
	dp_state_end(state);
}

static uint8_t last_ref_byte(const uint8_t *key)
{
	return key[offsetof(struct dp_member_key, ref) + 15];
}

static void heads_are_last_in_and_first_out(void **unused)
{
	struct dp_state *state = dp_state_new();
	struct kernel kernel = { .log = VEC_INIT };
	struct dp_owner id;

	own_member(state, 0, 1);
	own_member(state, 1, 2);
	own_member(state, 2, 0);
	assert_int_equal(flush(state, &kernel), 0);
	assert_int_equal(kernel.log.n, 3);
	assert_int_equal(last_ref_byte(kernel.log.v[2].key), 0);

	for (int ref = 2; ref >= 0; ref--) {
		id = owner((uint8_t)(100 + ref));
		dp_state_forget(state, &id);
	}
	assert_int_equal(flush(state, &kernel), 0);
	assert_int_equal(kernel.log.n, 3);
	assert_int_equal(last_ref_byte(kernel.log.v[0].key), 0);
	VEC_DONE(kernel.log);
	dp_state_free(state);
}

static void a_chain_is_not_cut_by_a_member_that_does_not_fit(void **unused)
{
	struct dp_state *state = dp_state_new();
	struct kernel kernel = { .log = VEC_INIT };

	own_member(state, 0, 2);
	own_member(state, 2, 0);
	flush(state, &kernel);
	own_member(state, 1, 2);
	own_member(state, 0, 1);
	VEC_CLEAR(kernel.log);
	kernel.refuse_after = 0;
	assert_int_equal(dp_state_flush(state, kernel_apply, &kernel), 2);
	assert_int_equal(kernel.log.n, 0); /* the head still leads to 2 */
	assert_int_equal(flush(state, &kernel), 0);
	assert_int_equal(kernel.log.n, 2);
	VEC_DONE(kernel.log);
	dp_state_free(state);
}

/* ---- random edits against the naive model: a table of who wants what ---- */

#define OWNERS 6
#define KEYS   8

struct naive {
	uint16_t wants[OWNERS][KEYS]; /* 0: nothing */
	uint16_t kernel[KEYS];
};

static uint16_t naive_winner(const struct naive *naive, size_t key)
{
	for (size_t i = 0; i < OWNERS; i++) {
		if (naive->wants[i][key])
			return naive->wants[i][key];
	}
	return 0;
}

struct random_kernel {
	struct naive *naive;
	unsigned int *seed;
};

static int random_apply(void *arg, const struct dp_op *op)
{
	struct random_kernel *rk = arg;
	const struct dp_port_key *key = op->key;
	const struct dp_port *value = op->value;
	uint16_t *slot = &rk->naive->kernel[key->ifindex];

	assert_int_equal(op->kind == DP_OP_INSERT, *slot == 0);
	assert_int_equal(op->kind == DP_OP_DELETE, value == NULL);
	if (rand_r(rk->seed) % 4 == 0)
		return -ENOSPC;
	*slot = value ? value->port_key : 0;
	return 0;
}

static void naive_compare(struct dp_state *state, const struct naive *naive)
{
	bool pending = false;

	for (size_t key = 0; key < KEYS; key++) {
		assert_int_equal(wanted_port(state, (uint32_t)key), naive_winner(naive, key));
		pending |= naive->kernel[key] != naive_winner(naive, key);
	}
	assert_int_equal(dp_state_has_pending(state), pending);
}

static void random_edit(struct dp_state *state, struct naive *naive, unsigned int *seed)
{
	size_t who = (size_t)rand_r(seed) % OWNERS;
	struct dp_owner id = owner((uint8_t)who);

	dp_state_begin(state, &id);
	for (size_t key = 0; key < KEYS; key++) {
		uint16_t value = rand_r(seed) % 3 ? 0 : (uint16_t)(1 + rand_r(seed) % 3);

		naive->wants[who][key] = value;
		if (value)
			want_port(state, (uint32_t)key, value);
	}
	dp_state_end(state);
}

static void random_edits_agree_with_the_naive_model(void **unused)
{
	for (unsigned int round = 1; round <= 50; round++) {
		unsigned int seed = round;
		struct naive naive = { 0 };
		struct random_kernel rk = { &naive, &seed };
		struct dp_state *state = dp_state_new();

		for (int step = 0; step < 200; step++) {
			if (rand_r(&seed) % 3)
				random_edit(state, &naive, &seed);
			else
				dp_state_flush(state, random_apply, &rk);
			naive_compare(state, &naive);
		}
		dp_state_free(state);
	}
}

static void same_wants_names_the_difference(void **unused)
{
	struct dp_state *a = dp_state_new();
	struct dp_state *b = dp_state_new();
	char *what = NULL;

	own_port(a, 1, 5, 1);
	own_port(b, 2, 5, 1);
	assert_true(dp_state_same_wants(a, b, NULL));
	own_port(b, 3, 6, 1);
	assert_false(dp_state_same_wants(a, b, &what));
	assert_non_null(strstr(what, "ports["));
	assert_non_null(strstr(what, "in the first: nothing"));
	free(what);
	own_port(a, 3, 6, 2);
	assert_false(dp_state_same_wants(a, b, &what));
	assert_non_null(strstr(what, "in the second: "));
	free(what);
	dp_state_free(a);
	dp_state_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_differences_are_applied),
		cmocka_unit_test(what_was_adopted_is_not_written_again),
		cmocka_unit_test(smaller_rank_wins_in_any_order),
		cmocka_unit_test(first_of_two_same_keys_counts),
		cmocka_unit_test(what_fails_stays_pending),
		cmocka_unit_test(heads_are_last_in_and_first_out),
		cmocka_unit_test(a_chain_is_not_cut_by_a_member_that_does_not_fit),
		cmocka_unit_test(random_edits_agree_with_the_naive_model),
		cmocka_unit_test(same_wants_names_the_difference),
	};

	return cmocka_run_group_tests_name("dp_state", tests, NULL, NULL);
}
