/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util/array.h"

struct nb_words {
	VEC(char *) list; /* owned */
};

/* Adds the words of text, broken at white space; quotes and backslashes are read as in a shell.  A quote that is
 * not closed goes to the end. */
void nb_words_split(const char *text, struct nb_words *words);
void nb_words_done(struct nb_words *words);
