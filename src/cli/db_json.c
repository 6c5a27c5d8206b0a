/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/db_json.h"

#include <inttypes.h>
#include <string.h>

#define ONE_LINE (-1) /* as a depth */

static void print(struct str *out, const json_t *json, int depth);

void db_json_print_string(struct str *out, const char *text)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

	str_addc(out, '"');
	for (; *text; text++) {
		const char *found = strchr(special, *text);

		if (found)
			str_addf(out, "\\%c", letters[found - special]);
		else if ((unsigned char)*text < ' ')
			str_addf(out, "\\u%04x", (unsigned char)*text);
		else
			str_addc(out, *text);
	}
	str_addc(out, '"');
}

static void start_element(struct str *out, bool is_first, int depth)
{
	if (!is_first)
		str_addc(out, ',');
	if (depth == ONE_LINE)
		return;
	str_addf(out, "\n%*s", 2 * depth, "");
}

static void print_array(struct str *out, const json_t *json, int depth)
{
	str_addc(out, '[');
	for (size_t i = 0; i < json_array_size(json); i++) {
		start_element(out, i == 0, depth);
		print(out, json_array_get(json, i), depth);
	}
	str_addc(out, ']');
}

static void print_object(struct str *out, const json_t *json, int depth)
{
	bool is_first = true;
	const char *key;
	json_t *value;

	str_addc(out, '{');
	json_object_foreach((json_t *)json, key, value)
	{
		start_element(out, is_first, depth);
		db_json_print_string(out, key);
		str_add(out, depth == ONE_LINE ? ":" : ": ");
		print(out, value, depth);
		is_first = false;
	}
	str_addc(out, '}');
}

static void print(struct str *out, const json_t *json, int depth)
{
	int inside = depth == ONE_LINE ? ONE_LINE : depth + 1;

	switch (json_typeof(json)) {
	case JSON_OBJECT: print_object(out, json, inside); break;
	case JSON_ARRAY: print_array(out, json, inside); break;
	case JSON_STRING: db_json_print_string(out, json_string_value(json)); break;
	case JSON_INTEGER: str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json)); break;
	case JSON_REAL: str_addf(out, "%.15g", json_real_value(json)); break;
	case JSON_TRUE: str_add(out, "true"); break;
	case JSON_FALSE: str_add(out, "false"); break;
	case JSON_NULL: str_add(out, "null"); break;
	}
}

void db_json_print(struct str *out, const json_t *json)
{
	print(out, json, ONE_LINE);
}

void db_json_print_pretty(struct str *out, const json_t *json)
{
	print(out, json, 0);
}
