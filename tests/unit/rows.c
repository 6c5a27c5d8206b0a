/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "util/err.h"
#include "util/str.h"

const char *row_id(unsigned int n)
{
	static char texts[2][UUID_TEXT_SIZE];
	static unsigned int turn;
	char *text = texts[turn++ % 2];

	snprintf(text, UUID_TEXT_SIZE, "00000000-0000-4000-8000-%012x", n);
	return text;
}

struct uuid row_uuid_of(unsigned int n)
{
	struct uuid uuid;

	assert_true(uuid_parse(row_id(n), &uuid));
	return uuid;
}

static json_t *parse(char *text)
{
	json_error_t error;
	json_t *json;

	for (char *p = text; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	json = json_loads(text, 0, &error);
	if (!json)
		fail_msg("%s in %s", error.text, text);
	return json;
}

void row_put(struct replica *replica, const char *table, unsigned int id, const char *format, ...)
{
	const struct ovsdb_table *t = ovsdb_schema_table(replica_schema(replica), table);
	struct err err = ERR_INIT;
	json_t *row;
	va_list args;
	char *text;

	assert_non_null(t);
	va_start(args, format);
	assert_true(vasprintf(&text, format, args) >= 0);
	va_end(args);
	row = parse(text);
	json_object_set_new(row, "_uuid", json_pack("[ss]", "uuid", row_id(id)));
	if (replica_put(replica, t, row, &err) < 0)
		fail_msg("%s: %s", err.text, text);
	json_decref(row);
	free(text);
}

void row_delete(struct replica *replica, const char *table, unsigned int id)
{
	json_t *updates = json_pack("{s:{s:{s:n}}}", table, row_id(id), "delete");
	struct err err = ERR_INIT;

	if (replica_apply(replica, updates, 2, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(updates);
}
