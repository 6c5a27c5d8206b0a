/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* Small allocations abort on failure: the branches would be untestable, and the pinned datapath
 * keeps forwarding while the program restarts.  What a peer sizes meets a named limit first. */
void *xmalloc(size_t size) __attribute__((malloc, warn_unused_result));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
void *xrealloc(void *p, size_t size) __attribute__((warn_unused_result));
void *xmemdup(const void *p, size_t size) __attribute__((warn_unused_result));
char *xstrdup(const char *s) __attribute__((malloc, warn_unused_result));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, warn_unused_result));
char *xasprintf(const char *format, ...) __attribute__((malloc, format(printf, 1, 2), warn_unused_result));
