/* SPDX-License-Identifier: Apache-2.0 */
#include "util/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"

static void reserve(struct str *str, size_t more)
{
	size_t need = str->len + more + 1;

	if (need <= str->alloc)
		return;
	str->alloc = need < 64 ? 64 : 2 * need;
	str->s = xrealloc(str->s, str->alloc);
}

void str_done(struct str *str)
{
	free(str->s);
	*str = (struct str)STR_INIT;
}

void str_clear(struct str *str)
{
	str->len = 0;
	if (str->s)
		str->s[0] = '\0';
}

void str_addn(struct str *str, const char *s, size_t n)
{
	reserve(str, n);
	memcpy(str->s + str->len, s, n);
	str->len += n;
	str->s[str->len] = '\0';
}

void str_add(struct str *str, const char *s)
{
	str_addn(str, s, strlen(s));
}

void str_addc(struct str *str, char c)
{
	str_addn(str, &c, 1);
}

void str_addf(struct str *str, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	reserve(str, (size_t)n);
	vsnprintf(str->s + str->len, (size_t)n + 1, format, again);
	va_end(again);
	str->len += (size_t)n;
}

const char *str_c(const struct str *str)
{
	return str->s ?: "";
}

char *str_take(struct str *str)
{
	char *s = str->s ?: xstrdup("");

	*str = (struct str)STR_INIT;
	return s;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_to_int(const char *s, long long min, long long max, long long *ret)
{
	long long value;
	char *end;

	/* strtoll() would skip blanks and take a '+'. */
	if (!((*s >= '0' && *s <= '9') || (*s == '-' && s[1] >= '0' && s[1] <= '9')))
		return false;
	errno = 0;
	value = strtoll(s, &end, 10);
	if (errno || *end || value < min || value > max)
		return false;
	*ret = value;
	return true;
}

static size_t announced_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Bytes of the character that s begins with; 0: of none (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = announced_length(s[0]);

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

void str_make_utf8(char *s)
{
	while (*s) {
		size_t n = utf8_length((const unsigned char *)s);

		if (!n)
			*s = '?';
		s += n ?: 1;
	}
}
