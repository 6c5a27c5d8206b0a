/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ovsdb/frame.h"
#include "util/array.h"
#include "util/err.h"

/* The number of messages, or the error, when text comes in pieces of n bytes. */
static int cut(const char *text, size_t piece, size_t max_bytes, struct err *err)
{
	size_t length = strlen(text);
	struct frame frame;
	json_t *message;
	int r = 0, count = 0;

	frame_init(&frame, max_bytes);
	for (size_t at = 0; at < length && r >= 0; at += piece) {
		frame_feed(&frame, text + at, length - at < piece ? length - at : piece);
		while ((r = frame_next(&frame, &message, err)) > 0) {
			assert_true(json_is_object(message));
			json_decref(message);
			count++;
		}
	}
	frame_done(&frame);
	return r < 0 ? r : count;
}

static void messages_are_found_however_they_are_cut(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "", 0 },
		{ "{}", 1 },
		{ " {} \n{}\t{}", 3 },
		{ "{\"a\":\"}\"}{\"b\":[{},[]]}", 2 },
		{ "{\"a\":\"\\\"}{\\\\\"}{\"}", 1 },
		{ "{\"a\":{\"b\":[1,2,{}]}}{\"a\"", 1 },
		{ "[]", -EPROTO },
		{ "}", -EPROTO },
		{ "null", -EPROTO },
		{ "\"{}\"", -EPROTO },
		{ "{]", -EPROTO },
		{ "{} {]}", -EPROTO },
		{ "{\"a\" 1}", -EPROTO },
		{ "{\"a\":\"\xff\"}", -EPROTO },
		{ "{\"a\":\"12345678901234567890\"}", -EMSGSIZE },
		{ "{\"a\":\"12345678901234567890", -EMSGSIZE },
		{ "                                         {}", -EMSGSIZE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t piece = 1; piece < 12; piece++) {
			size_t max = cases[i].want == -EMSGSIZE ? 20 : FRAME_MAX_BYTES;
			struct err err = ERR_INIT;
			int r = cut(cases[i].text, piece, max, &err);

			if (r != cases[i].want)
				fail_msg("%s: %d %s", cases[i].text, r, err.text);
			assert_int_equal(err.text[0] != '\0', r < 0);
		}
	}
}

static void nesting_has_a_limit(void **state)
{
	char text[2 * FRAME_MAX_DEPTH + 8] = "{\"a\":";
	size_t at = strlen(text);

	for (int i = 0; i < FRAME_MAX_DEPTH - 1; i++)
		text[at++] = '[';
	for (int i = 0; i < FRAME_MAX_DEPTH - 1; i++)
		text[at++] = ']';
	text[at++] = '}';
	text[at] = '\0';
	assert_int_equal(cut(text, 7, FRAME_MAX_BYTES, NULL), 1);
	memset(text, '[', sizeof(text) - 1);
	text[0] = '{';
	assert_int_equal(cut(text, 7, FRAME_MAX_BYTES, NULL), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_found_however_they_are_cut),
		cmocka_unit_test(nesting_has_a_limit),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
