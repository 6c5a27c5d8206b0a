/* SPDX-License-Identifier: Apache-2.0 */
#include "util/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/auto.h"

static void *or_abort(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return or_abort(malloc(size ?: 1));
}

void *xcalloc(size_t count, size_t size)
{
	return or_abort(calloc(count ?: 1, size ?: 1));
}

void *xrealloc(void *p, size_t size)
{
	return or_abort(realloc(p, size ?: 1));
}

void *xmemdup(const void *p, size_t size)
{
	void *copy = xmalloc(size);

	return size ? memcpy(copy, p, size) : copy;
}

char *xstrdup(const char *s)
{
	return or_abort(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return or_abort(strndup(s, n));
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	return or_abort(n < 0 ? NULL : s);
}

void auto_free_(void *pointer_to_pointer)
{
	void *p;

	memcpy(&p, pointer_to_pointer, sizeof(p));
	free(p);
}
