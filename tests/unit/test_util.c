/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "util/array.h"
#include "util/log.h"
#include "util/net.h"
#include "util/str.h"

LOG_MODULE("test");

static void utf8_is_left_alone_and_the_rest_replaced(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "cut \xc3", "cut ?" },
		{ "cut \xe2\x82", "cut ??" },
		{ "\xa9 stray", "? stray" },
		{ "\xc0\xaf", "??" },           /* overlong */
		{ "\xed\xa0\x80", "???" },      /* a surrogate */
		{ "\xf4\x90\x80\x80", "????" }, /* above U+10FFFF */
		{ "\xff", "?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		strcpy(text, cases[i].text);
		str_make_utf8(text);
		assert_string_equal(text, cases[i].want);
	}
}

static void what_is_right_of_an_address_is_read(void **state)
{
	static const struct {
		const char *text;
		bool is_read;
		enum lsp_address_kind kind;
		size_t n_ips;
	} cases[] = {
		{ "02:00:00:00:00:01", true, LSP_ADDRESS_ETHERNET, 0 },
		{ "02:00:00:00:00:01 10.0.0.1 fd00::1", true, LSP_ADDRESS_ETHERNET, 2 },
		{ "02:00:00:00:00:01 10.0.0.1 bogus 10.0.0.2", true, LSP_ADDRESS_ETHERNET, 1 },
		{ "02:00:00:00:00:01 10.0.0.1/33 10.0.0.2", true, LSP_ADDRESS_ETHERNET, 0 },
		{ "02:00:00:00:00:01 dynamic", true, LSP_ADDRESS_ETHERNET, 0 },
		{ "unknown", true, LSP_ADDRESS_UNKNOWN, 0 },
		{ "dynamic 10.0.0.1 fd00::1", true, LSP_ADDRESS_DYNAMIC, 2 },
		{ "dynamic 300.1", true, LSP_ADDRESS_DYNAMIC, 0 },
		{ "2:0:0:0:a:1 10.0.0.1", true, LSP_ADDRESS_ETHERNET, 1 },
		{ "02:00:00:00:001:01", false },
		{ "02:00:00::00:01", false },
		{ "02:00:00:00:00", false },
		{ "10.0.0.1", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lsp_address address;

		assert_int_equal(lsp_address_read(cases[i].text, &address), cases[i].is_read);
		if (!cases[i].is_read)
			continue;
		assert_int_equal(address.kind, cases[i].kind);
		assert_int_equal(address.n_ips, cases[i].n_ips);
	}
}

static void a_message_is_one_line(void **state)
{
	char line[200];
	int ends[2], saved = dup(2);
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	unsetenv("JOURNAL_STREAM");
	dup2(ends[1], 2);
	log_warn("port %s: refused", "a\n<0>forged\x1b[0m");
	dup2(saved, 2);
	n = read(ends[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line, "heddle: warn: test: port a <0>forged [0m: refused\n");
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_left_alone_and_the_rest_replaced),
		cmocka_unit_test(what_is_right_of_an_address_is_read),
		cmocka_unit_test(a_message_is_one_line),
	};

	return cmocka_run_group_tests_name("util", tests, NULL, NULL);
}
