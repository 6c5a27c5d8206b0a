/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nb_words.h"

#include <ctype.h>

#include "util/str.h"

/* Adds the word that begins at text, and returns what follows it. */
static const char *split_word(const char *text, struct nb_words *words)
{
	struct str word = STR_INIT;
	char quote = '\0';

	for (; *text && (quote || !isspace((unsigned char)*text)); text++) {
		if (*text == quote) {
			quote = '\0';
		} else if (!quote && (*text == '\'' || *text == '"')) {
			quote = *text;
		} else if (*text == '\\' && quote != '\'') {
			if (!*++text)
				break;
			str_addc(&word, *text);
		} else {
			str_addc(&word, *text);
		}
	}
	VEC_ADD(words->list, str_take(&word) ?: xstrdup(""));
	return text;
}

void nb_words_split(const char *text, struct nb_words *words)
{
	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			return;
		text = split_word(text, words);
	}
}

void nb_words_done(struct nb_words *words)
{
	VEC_FOREACH(word, words->list)
		free(*word);
	VEC_DONE(words->list);
}
