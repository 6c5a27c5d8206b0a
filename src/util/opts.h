/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Command-line options from a table; --help is printed from the same table. */
enum opt_kind {
	OPT_FLAG,   /* bool *: set to true */
	OPT_STRING, /* const char **: borrowed from argv */
	OPT_INT,    /* long long *, min..max */
	OPT_CALL,   /* int (*call)(void *ret, const char *value, struct err *err) */
};

struct err;

struct opt {
	const char *name; /* long name without dashes; NULL ends a table */
	char letter;      /* short name, or 0 */
	enum opt_kind kind;
	void *ret;
	/* "DIR"; NULL: takes no value; "[SECONDS]": optional value (NULL is handed on) */
	const char *value_name;
	const char *help;
	long long min, max;
	int (*call)(void *ret, const char *value, struct err *err);
};

struct opts {
	const char *usage; /* "heddle central [OPTION]..." */
	const char *about; /* one paragraph */
	const struct opt *table;
	const char *footer; /* printed after the options; may be NULL */
};

enum opts_result {
	OPTS_OK,
	OPTS_HELP, /* help was printed: exit with 0 */
	OPTS_BAD,  /* err says what: exit with 2 */
};

/* The call of an option --log-level=LEVEL; ret is not used. */
int opt_log_level(void *ret, const char *value, struct err *err);

/* Parses argv[1..] up to the first word that is no option, or "--".  *ret_first is its index. */
enum opts_result opts_parse(const struct opts *opts, int argc, char **argv, int *ret_first,
			    struct err *err);
