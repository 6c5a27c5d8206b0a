/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A string under construction.  s is always NUL-terminated once anything was added; str_c() is
 * never NULL. */
struct str {
	char *s;
	size_t len;
	size_t alloc;
};

#define STR_INIT { NULL, 0, 0 }

void str_done(struct str *str);
void str_clear(struct str *str); /* keeps the memory */
void str_add(struct str *str, const char *s);
void str_addc(struct str *str, char c);
void str_addn(struct str *str, const char *s, size_t n);
void str_addf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *str_c(const struct str *str);
char *str_take(struct str *str); /* caller frees; the str is empty afterwards */

/* Small helpers on plain strings. */
bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_to_int(const char *s, long long min, long long max, long long *ret); /* all of s, base 10 */
void str_make_utf8(char *s); /* puts a '?' in the place of each byte that belongs to no character */
