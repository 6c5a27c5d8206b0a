/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>

/* What went wrong, for a program (code: negative errno) and for a human (text: one line, lower
 * case, no full stop, "object: reason").  Lives on the caller's stack; every function that takes a
 * struct err * accepts NULL. */
struct err {
	int code;
	char text[512];
};

#define ERR_INIT { 0, "" }

/* Fills err and returns code, so that "return err_set(err, -EINVAL, ...)" reads as one step. */
int err_set(struct err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there; the code stays.  Returns err->code (0 if NULL). */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
