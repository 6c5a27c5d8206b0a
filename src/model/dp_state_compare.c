/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "model/dp_state.h"
#include "util/str.h"

/* Two states that should want the same: the first difference in words. */

struct comparison {
	const struct dp_state *other;
	const char *other_name;
	bool same;
	char *what;
};

static void add_hex(struct str *text, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		str_addf(text, "%s%02x", i && i % 4 == 0 ? " " : "", ((const uint8_t *)data)[i]);
}

static void compare_entry(void *arg, enum dp_map map, const void *key, const void *value)
{
	struct comparison *c = arg;
	const void *other = dp_state_get(c->other, map, key);
	struct str text = STR_INIT;

	if (!c->same || (other && memcmp(value, other, dp_map_value_size(map)) == 0))
		return;
	c->same = false;
	str_addf(&text, "%s[", dp_map_name(map));
	add_hex(&text, key, dp_map_key_size(map));
	str_add(&text, "] is ");
	add_hex(&text, value, dp_map_value_size(map));
	str_addf(&text, "; in the %s: ", c->other_name);
	if (other)
		add_hex(&text, other, dp_map_value_size(map));
	else
		str_add(&text, "nothing");
	c->what = str_take(&text);
}

bool dp_state_same_wants(const struct dp_state *a, const struct dp_state *b, char **ret_what)
{
	struct comparison c = { .other = b, .other_name = "second", .same = true };

	dp_state_each(a, compare_entry, &c);
	c.other = a;
	c.other_name = "first";
	if (c.same)
		dp_state_each(b, compare_entry, &c);
	if (!c.same && ret_what)
		*ret_what = c.what;
	else
		free(c.what);
	return c.same;
}
