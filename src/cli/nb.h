/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/db_table.h"
#include "cli/db_text.h"
#include "cli/nb_view.h"
#include "util/array.h"
#include "util/str.h"

/* "heddle nb": commands on the northbound database in ovn-nbctl's language (ovn-nbctl(8)).  All
 * commands of one command line are one transaction.  A command reads and writes through the view, and is run
 * again from the start if the database changed meanwhile. */
struct nb_option {
	char *name;        /* "--may-exist" */
	const char *value; /* NULL: none given */
};

struct nb_symbol {
	const char *name; /* "@name" */
	struct uuid uuid;
	bool is_referenced;
	bool is_root; /* needs no reference */
};

struct nb_run {
	struct nb_view *view;
	VEC(struct nb_symbol) symbols;
};

struct nb_ctx {
	struct nb_run *run;
	struct nb_view *view;
	const struct nb_command *command;
	bool is_last; /* of its line */
	int argc;
	char **argv; /* argv[0] is the command's name */
	VEC(struct nb_option) options;
	const struct db_style *style;

	struct str output;
	struct str warnings;    /* lines, printed when the transaction is done */
	struct db_table *table; /* printed after output */
	bool try_again;         /* wait for a change, then run everything again */
	struct nb_row *created; /* its real uuid is the output */
	struct err *err;
};

/* What a command is sure to read, so that one request can fetch it for all commands. */
enum nb_needs {
	NB_NEEDS_NOTHING,
	NB_NEEDS_SWITCH = 1 << 0, /* argv[1] */
	NB_NEEDS_PORT = 1 << 1,   /* argv[1] */
	NB_NEEDS_PORT2 = 1 << 2,  /* argv[2] */
};

struct nb_command {
	const char *name;
	const char *args;               /* for help */
	int min, max;                   /* -1: any number */
	int (*run)(struct nb_ctx *ctx); /* 0, or negative with a reason in ctx->err */
	const char *options;            /* "--may-exist,--id="; a "=" at the end: with a value */
	unsigned int needs;
	const char *help;
};

extern const struct nb_command nb_switch_commands[]; /* a NULL name ends each table */
extern const struct nb_command nb_port_commands[];
extern const struct nb_command nb_row_commands[];

const struct nb_option *nb_option(const struct nb_ctx *ctx, const char *name); /* NULL: not given */
bool nb_has_option(const struct nb_ctx *ctx, const char *name);
/* The command is carried out, but hardly what the user wants. */
void nb_warn(struct nb_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Switches and ports by name or UUID.  *ret is NULL if there is none and must_exist is false. */
int nb_find_switch(struct nb_ctx *ctx, const char *id, bool must_exist, struct nb_row **ret);
int nb_find_port(struct nb_ctx *ctx, const char *id, bool must_exist, struct nb_row **ret);

/* ---- the generic commands' way of naming things; nb_name.c ---- */

/* Case does not matter, "-" is "_", and a unique beginning is enough: unique among what OVN 23.03 has, if any of
 * that begins so. */
int nb_find_table(const char *name, const struct ovsdb_table **ret, struct err *err);
int nb_find_column(const struct ovsdb_table *table, const char *name,
		   const struct ovsdb_column **ret, struct err *err);
/* A row by UUID, by "." if it is its table's only one, by the names that its table has, or by the beginning of
 * its UUID. */
int nb_find_row(struct nb_ctx *ctx, const struct ovsdb_table *table, const char *id,
		bool must_exist, struct nb_row **ret);

/* Clauses, or-ed, of the rows that id may mean, for client_set_condition(); NULL: any row. */
json_t *nb_row_condition(const struct ovsdb_table *table, const char *id);
/* The columns that rows are named by; at least one column. */
uint64_t nb_row_name_columns(const struct ovsdb_table *table);

/* "column[:key][OPERATOR value]", broken up. */
struct nb_argument {
	const struct ovsdb_column *column;
	char *key;         /* or NULL */
	const char *value; /* points into the argument; NULL without operators */
	int op;            /* index in operators */
};

/* operators: NULL-terminated; NULL: no value is allowed.  Call nb_argument_done() in any case. */
int nb_argument_parse(const struct ovsdb_table *table, const char *text,
		      const char *const *operators, struct nb_argument *ret, struct err *err);
void nb_argument_done(struct nb_argument *argument);

/* "@name" in values. */
struct db_names nb_names(struct nb_run *run);
/* NULL when there is none of that name. */
struct nb_symbol *nb_symbol(struct nb_run *run, const char *name);

/* Does the row satisfy "column[:key]OPERATOR value"?  Negative: it is none. */
int nb_condition_holds(struct nb_ctx *ctx, struct nb_row *row, const char *text, bool *ret);
/* A clause that lets the server look for it; NULL: only the client can tell.  New reference.  Negative: the
 * condition is an error, or becomes one where "@name" has no meaning. */
int nb_condition_to_where(const struct ovsdb_table *table, const char *text, json_t **ret);
/* The column that "column[:key]..." begins with. */
int nb_argument_column(const struct ovsdb_table *table, const char *text,
		       const struct ovsdb_column **ret, struct err *err);
