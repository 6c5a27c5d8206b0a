/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "model/central_keys.h"
#include "util/array.h"

static void keys_are_given_like_ovn_northd_does(void **state)
{
	static const struct {
		uint32_t taken[6], max, hint, want;
		const char *why;
	} cases[] = {
		{ { 0 }, 10, 0, 1, "the first" },
		{ { 1, 2, 0 }, 10, 2, 3, "the one after the largest" },
		{ { 1, 5, 0 }, 10, 5, 6, "gaps below the hint are left" },
		{ { 1, 2, 4, 0 }, 10, 0, 3, "without a hint the lowest free one" },
		{ { 2, 10, 0 }, 10, 10, 1, "wraps above the maximum" },
		{ { 1, 2, 3, 0 }, 3, 3, 0, "nothing left" },
		{ { 63, 64, 0 }, 200, 62, 65, "across words" },
		{ { 1, 2, 3, 0 }, 3, 7, 0, "a hint above the maximum" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct central_keys keys = CENTRAL_KEYS_INIT;
		uint32_t got;

		for (const uint32_t *key = cases[i].taken; *key; key++)
			assert_true(central_keys_add(&keys, *key));
		got = central_keys_allocate(&keys, cases[i].max, cases[i].hint);
		if (got != cases[i].want)
			fail_msg("%s: got %u, want %u", cases[i].why, got, cases[i].want);
		central_keys_done(&keys);
	}
}

static void a_taken_key_is_refused_until_removed(void **state)
{
	struct central_keys keys = CENTRAL_KEYS_INIT;

	(void)state;
	assert_true(central_keys_add(&keys, 700));
	assert_false(central_keys_add(&keys, 700));
	central_keys_remove(&keys, 700);
	assert_true(central_keys_add(&keys, 700));
	central_keys_done(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_given_like_ovn_northd_does),
		cmocka_unit_test(a_taken_key_is_refused_until_removed),
	};

	return cmocka_run_group_tests_name("central_keys", tests, NULL, NULL);
}
