/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stddef.h>

#include "dp/datapath.h"
#include "util/array.h"

struct drop_words {
	char name[32];
	const char *text;
};

static struct drop_words drop_words[DP_DROP_COUNT] = { [DP_NO_DROP] = { "none", "not dropped" },
#define DROP_WORDS(NAME, words) [DP_DROP_##NAME] = { #NAME, words },
						       DP_DROPS(DROP_WORDS)
#undef DROP_WORDS
};

static const struct drop_words *words_of(enum dp_drop reason)
{
	static const struct drop_words newer = { "unknown", "counted by a newer program" };

	if ((size_t)reason >= ARRAY_SIZE(drop_words))
		return &newer;
	for (char *c = drop_words[reason].name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return &drop_words[reason];
}

const char *dp_drop_name(enum dp_drop reason)
{
	return words_of(reason)->name;
}

const char *dp_drop_text(enum dp_drop reason)
{
	return words_of(reason)->text;
}
