/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of "find" and "wait-until": COLUMN[:KEY]OPERATOR VALUE. */
#include <errno.h>

#include "cli/nb.h"
#include "util/auto.h"
#include "util/err.h"

enum relation {
	REL_EQ,
	REL_NE,
	REL_LT,
	REL_GT,
	REL_LE,
	REL_GE,
	REL_SET_EQ,
	REL_SET_NE,
	REL_SUBSET,   /* proper */
	REL_SUPERSET, /* proper */
	REL_SUBSET_OR_EQ,
	REL_SUPERSET_OR_EQ,
	REL_IN,
	REL_NOT_IN,
	REL_COUNT,
};

static const char *const relations[] = {
	[REL_EQ] = "=",
	[REL_NE] = "!=",
	[REL_LT] = "<",
	[REL_GT] = ">",
	[REL_LE] = "<=",
	[REL_GE] = ">=",
	[REL_SET_EQ] = "{=}",
	[REL_SET_NE] = "{!=}",
	[REL_SUBSET] = "{<}",
	[REL_SUPERSET] = "{>}",
	[REL_SUBSET_OR_EQ] = "{<=}",
	[REL_SUPERSET_OR_EQ] = "{>=}",
	[REL_IN] = "{in}",
	[REL_NOT_IN] = "{not-in}",
	[REL_COUNT] = NULL,
};

/* By number of elements, then by the first that differs. */
static int compare(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
		   const struct ovsdb_column *column)
{
	int cmp = (a->n > b->n) - (a->n < b->n);

	for (uint32_t i = 0; i < a->n && !cmp; i++)
		cmp = ovsdb_atom_cmp(column->key, a->keys[i], b->keys[i]);
	for (uint32_t i = 0; i < a->n && !cmp && column->value != OVSDB_VOID; i++)
		cmp = ovsdb_atom_cmp(column->value, a->values[i], b->values[i]);
	return cmp;
}

static bool contains(const struct ovsdb_datum *datum, const struct ovsdb_column *column,
		     const struct ovsdb_datum *other, uint32_t i)
{
	long at = ovsdb_datum_find(datum, column, other->keys[i]);

	return at >= 0 && (column->value == OVSDB_VOID ||
			   !ovsdb_atom_cmp(column->value, datum->values[at], other->values[i]));
}

static uint32_t count_common(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
			     const struct ovsdb_column *column)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n; i++)
		n += contains(b, column, a, i);
	return n;
}

static bool is_subset(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
		      const struct ovsdb_column *column)
{
	return count_common(a, b, column) == a->n;
}

static bool relation_holds(enum relation relation, const struct ovsdb_datum *have,
			   const struct ovsdb_datum *want, const struct ovsdb_column *column)
{
	switch (relation) {
	case REL_EQ:
	case REL_SET_EQ: return compare(have, want, column) == 0;
	case REL_NE:
	case REL_SET_NE: return compare(have, want, column) != 0;
	case REL_LT: return compare(have, want, column) < 0;
	case REL_GT: return compare(have, want, column) > 0;
	case REL_LE: return compare(have, want, column) <= 0;
	case REL_GE: return compare(have, want, column) >= 0;
	case REL_SUBSET: return have->n < want->n && is_subset(have, want, column);
	case REL_SUPERSET: return have->n > want->n && is_subset(want, have, column);
	case REL_IN:
	case REL_SUBSET_OR_EQ: return is_subset(have, want, column);
	case REL_SUPERSET_OR_EQ: return is_subset(want, have, column);
	case REL_NOT_IN: return count_common(have, want, column) == 0;
	case REL_COUNT: break;
	}
	return false;
}

/* "=" and its like on a key that is not there are false; the set relations see the empty set. */
static int key_holds(struct nb_ctx *ctx, const struct ovsdb_datum *map,
		     const struct nb_argument *argument, bool *ret)
{
	struct ovsdb_column values = db_values_of(argument->column);
	struct ovsdb_datum have = OVSDB_DATUM_EMPTY, want;
	struct db_names names = nb_names(ctx->run);
	union ovsdb_atom key;
	long at;
	int r;

	r = db_atom_parse(argument->key, argument->column, &names, &key, ctx->err);
	if (r < 0)
		return r;
	at = ovsdb_datum_find(map, argument->column, key);
	db_atom_done(argument->column->key, &key);
	values.max = OVSDB_UNLIMITED;
	r = db_datum_parse(argument->value, &values, &names, &want, ctx->err);
	if (r < 0)
		return r;
	if (at >= 0)
		have = (struct ovsdb_datum){ 1, &map->values[at], NULL };
	*ret = (at >= 0 || argument->op >= REL_SET_EQ) &&
	       relation_holds((enum relation)argument->op, &have, &want, &values);
	ovsdb_datum_done(&want, &values);
	return 0;
}

static int column_holds(struct nb_ctx *ctx, const struct ovsdb_datum *have,
			const struct nb_argument *argument, bool *ret)
{
	struct db_names names = nb_names(ctx->run);
	struct ovsdb_datum want;
	int r;

	r = db_datum_parse(argument->value, argument->column, &names, &want, ctx->err);
	if (r < 0)
		return r;
	*ret = relation_holds((enum relation)argument->op, have, &want, argument->column);
	ovsdb_datum_done(&want, argument->column);
	return 0;
}

int nb_condition_holds(struct nb_ctx *ctx, struct nb_row *row, const char *text, bool *ret)
{
	const struct ovsdb_datum *have;
	struct nb_argument argument;
	int r;

	r = nb_argument_parse(row->table, text, relations, &argument, ctx->err);
	if (r == 0) {
		have = nb_row_datum(ctx->view, row, argument.column);
		r = argument.key ? key_holds(ctx, have, &argument, ret)
				 : column_holds(ctx, have, &argument, ret);
	}
	nb_argument_done(&argument);
	return r;
}

static int pair_to_where(const struct nb_argument *argument, json_t **ret)
{
	const struct ovsdb_column *column = argument->column;
	struct ovsdb_column values = db_values_of(column);
	struct ovsdb_datum pair, value;
	union ovsdb_atom key;
	int r;

	r = db_atom_parse(argument->key, column, NULL, &key, NULL);
	if (r < 0)
		return r;
	values.max = OVSDB_UNLIMITED;
	r = db_datum_parse(argument->value, &values, NULL, &value, NULL);
	if (r == 0) {
		pair = (struct ovsdb_datum){ 1, &key, value.keys };
		if (argument->op == REL_EQ && value.n == 1)
			*ret = json_pack("[sso]", column->name, "includes",
					 ovsdb_datum_to_json(&pair, column));
		ovsdb_datum_done(&value, &values);
	}
	db_atom_done(column->key, &key);
	return r;
}

static int value_to_where(const struct nb_argument *argument, json_t **ret)
{
	const struct ovsdb_column *column = argument->column;
	struct ovsdb_datum value;
	int r;

	r = db_datum_parse(argument->value, column, NULL, &value, NULL);
	if (r < 0)
		return r;
	if (argument->op == REL_EQ)
		*ret = json_pack("[sso]", column->name, "==", ovsdb_datum_to_json(&value, column));
	ovsdb_datum_done(&value, column);
	return 0;
}

int nb_condition_to_where(const struct ovsdb_table *table, const char *text, json_t **ret)
{
	struct nb_argument argument;
	json_t *where = NULL;
	int r;

	r = nb_argument_parse(table, text, relations, &argument, NULL);
	if (r == 0)
		r = argument.key ? pair_to_where(&argument, &where)
				 : value_to_where(&argument, &where);
	nb_argument_done(&argument);
	if (r == 0)
		*ret = where;
	return r;
}
