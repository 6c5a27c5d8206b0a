/* SPDX-License-Identifier: Apache-2.0 */
/* How the generic commands name tables, columns, rows and values. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cli/nb.h"
#include "schema/nb.h"
#include "util/auto.h"
#include "util/err.h"

/* ---- tables and columns ---- */

static char fold(char c)
{
	return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

/* A table, or a column of it. */
struct full_name {
	const char *table;
	const char *column; /* NULL: the table itself */
};

/* What OVN 23.03 does not have, and an abbreviation of which meant something else there. */
static const struct full_name newcomers[] = {
	{ "DHCP_Relay", NULL },
	{ "Logical_Switch_Port_Health_Check", NULL },
	{ "Mirror_Rule", NULL },
	{ "ACL", "network_function_group" },
	{ "ACL", "sample_est" },
	{ "ACL", "sample_new" },
	{ "Logical_Router_Policy", "output_port" },
	{ "Logical_Switch_Port", "health_checks" },
	{ "SSL", "ssl_ciphersuites" },
};

static bool is_newcomer(const struct full_name *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(newcomers); i++)
		if (!strcmp(newcomers[i].table, name->table) &&
		    !strcmp(newcomers[i].column ?: "", name->column ?: ""))
			return true;
	return false;
}

static const char *last_part(const struct full_name *name)
{
	return name->column ?: name->table;
}

enum fit {
	FIT_NONE,
	FIT_NEWCOMER, /* as FIT_BEGINNING, but does not compete with it */
	FIT_BEGINNING,
	FIT_FOLDED, /* but for case and "-" */
	FIT_EXACT,
};

static enum fit fit(const struct full_name *full_name, const char *word)
{
	const char *name = last_part(full_name);
	size_t n = 0;

	if (!strcmp(name, word))
		return FIT_EXACT;
	while (word[n] && fold(name[n]) == fold(word[n]))
		n++;
	if (word[n] || !n)
		return FIT_NONE;
	if (!name[n])
		return FIT_FOLDED;
	return is_newcomer(full_name) ? FIT_NEWCOMER : FIT_BEGINNING;
}

/* Index of the best name, or negative: -ENOENT, -EEXIST if several fit equally well (listed in *others). */
static int best_fit(struct full_name (*name_at)(const void *arg, int i), const void *arg, int n,
		    const char *word, struct str *others)
{
	enum fit best_so_far = FIT_NONE;
	int best = -ENOENT;

	for (int i = 0; i < n; i++) {
		struct full_name name = name_at(arg, i);
		enum fit this_fit = fit(&name, word);

		if (this_fit < best_so_far || this_fit == FIT_NONE)
			continue;
		if (this_fit > best_so_far)
			str_clear(others);
		str_addf(others, "%s%s", others->len ? ", " : "", last_part(&name));
		best = this_fit > best_so_far ? i : -EEXIST;
		best_so_far = this_fit;
	}
	return best;
}

static struct full_name table_name(const void *arg, int i)
{
	const struct ovsdb_schema *schema = arg;

	return (struct full_name){ schema->tables[i]->name, NULL };
}

int nb_find_table(const char *name, const struct ovsdb_table **ret, struct err *err)
{
	struct str others = STR_INIT;
	int i = best_fit(table_name, &nb_schema, nb_schema.n_tables, name, &others);

	if (i == -EEXIST)
		err_set(err, i, "table \"%s\" may be any of: %s", name, str_c(&others));
	else if (i < 0)
		err_set(err, i, "unknown table \"%s\"", name);
	else
		*ret = nb_schema.tables[i];
	str_done(&others);
	return i < 0 ? i : 0;
}

static struct full_name column_name(const void *arg, int i)
{
	const struct ovsdb_table *table = arg;

	return (struct full_name){ table->name, table->columns[i].name };
}

int nb_find_column(const struct ovsdb_table *table, const char *name,
		   const struct ovsdb_column **ret, struct err *err)
{
	struct str others = STR_INIT;
	int i = best_fit(column_name, table, table->n_columns, name, &others);

	if (i == -EEXIST)
		err_set(err, i, "%s: column \"%s\" may be any of: %s", table->name, name,
			str_c(&others));
	else if (i < 0)
		err_set(err, i, "%s has no column \"%s\"", table->name, name);
	else
		*ret = &table->columns[i];
	str_done(&others);
	return i < 0 ? i : 0;
}

/* ---- rows ---- */

struct row_id {
	const struct ovsdb_table *table;
	const struct ovsdb_column *column;
	const char *key;                      /* in a map, or NULL */
	const struct ovsdb_table *via;        /* the column is there, ... */
	const struct ovsdb_column *reference; /* ... and this one leads to the row */
};

/* clang-format off */
static const struct row_id row_ids[] = {
	{ &nb_ls_table,                 &nb_ls_columns[NB_LS_NAME], NULL, NULL, NULL },
	{ &nb_ls_table,                 &nb_ls_columns[NB_LS_EXTERNAL_IDS], "neutron:network_name", NULL, NULL },
	{ &nb_lsp_table,                &nb_lsp_columns[NB_LSP_NAME], NULL, NULL, NULL },
	{ &nb_lsp_table,                &nb_lsp_columns[NB_LSP_EXTERNAL_IDS], "neutron:port_name", NULL, NULL },
	{ &nb_lr_table,                 &nb_lr_columns[NB_LR_NAME], NULL, NULL, NULL },
	{ &nb_lr_table,                 &nb_lr_columns[NB_LR_EXTERNAL_IDS], "neutron:router_name", NULL, NULL },
	{ &nb_lrp_table,                &nb_lrp_columns[NB_LRP_NAME], NULL, NULL, NULL },
	{ &nb_acl_table,                &nb_acl_columns[NB_ACL_NAME], NULL, NULL, NULL },
	{ &nb_address_set_table,        &nb_address_set_columns[NB_ADDRESS_SET_NAME], NULL, NULL, NULL },
	{ &nb_port_group_table,         &nb_port_group_columns[NB_PORT_GROUP_NAME], NULL, NULL, NULL },
	{ &nb_load_balancer_table,      &nb_load_balancer_columns[NB_LOAD_BALANCER_NAME], NULL, NULL, NULL },
	{ &nb_load_balancer_group_table,
	  &nb_load_balancer_group_columns[NB_LOAD_BALANCER_GROUP_NAME], NULL, NULL, NULL },
	{ &nb_load_balancer_health_check_table,
	  &nb_load_balancer_health_check_columns[NB_LOAD_BALANCER_HEALTH_CHECK_VIP], NULL, NULL, NULL },
	{ &nb_connection_table,         &nb_connection_columns[NB_CONNECTION_TARGET], NULL, NULL, NULL },
	{ &nb_forwarding_group_table,   &nb_forwarding_group_columns[NB_FORWARDING_GROUP_NAME], NULL, NULL, NULL },
	{ &nb_ha_chassis_table,         &nb_ha_chassis_columns[NB_HA_CHASSIS_CHASSIS_NAME], NULL, NULL, NULL },
	{ &nb_ha_chassis_group_table,   &nb_ha_chassis_group_columns[NB_HA_CHASSIS_GROUP_NAME], NULL, NULL, NULL },
	{ &nb_meter_table,              &nb_meter_columns[NB_METER_NAME], NULL, NULL, NULL },
	{ &nb_nat_table,                &nb_nat_columns[NB_NAT_EXTERNAL_IP], NULL, NULL, NULL },
	{ &nb_chassis_template_var_table,
	  &nb_chassis_template_var_columns[NB_CHASSIS_TEMPLATE_VAR_CHASSIS], NULL, NULL, NULL },
	{ &nb_sample_collector_table,   &nb_sample_collector_columns[NB_SAMPLE_COLLECTOR_NAME], NULL, NULL, NULL },
	{ &nb_network_function_table,   &nb_network_function_columns[NB_NETWORK_FUNCTION_NAME], NULL, NULL, NULL },
	{ &nb_network_function_group_table,
	  &nb_network_function_group_columns[NB_NETWORK_FUNCTION_GROUP_NAME], NULL, NULL, NULL },
	{ &nb_dhcp_relay_table,         &nb_dhcp_relay_columns[NB_DHCP_RELAY_NAME], NULL, NULL, NULL },
	{ &nb_dhcp_options_table,       &nb_lsp_columns[NB_LSP_NAME], NULL,
	  &nb_lsp_table,                &nb_lsp_columns[NB_LSP_DHCPV4_OPTIONS] },
	{ &nb_dhcp_options_table,       &nb_lsp_columns[NB_LSP_EXTERNAL_IDS], "neutron:port_name",
	  &nb_lsp_table,                &nb_lsp_columns[NB_LSP_DHCPV4_OPTIONS] },
	{ &nb_dhcp_options_table,       &nb_lsp_columns[NB_LSP_NAME], NULL,
	  &nb_lsp_table,                &nb_lsp_columns[NB_LSP_DHCPV6_OPTIONS] },
	{ &nb_dhcp_options_table,       &nb_lsp_columns[NB_LSP_EXTERNAL_IDS], "neutron:port_name",
	  &nb_lsp_table,                &nb_lsp_columns[NB_LSP_DHCPV6_OPTIONS] },
};
/* clang-format on */

/* "." */
static struct nb_row *only_row(struct nb_view *view, const struct ovsdb_table *table)
{
	const struct nb_rows *rows = nb_view_all(view, table, 0);

	return rows->rows.n == 1 ? rows->rows.v[0] : NULL;
}

/* *ret is NULL when the name is nobody's. */
static int find_by_id(struct nb_ctx *ctx, const struct row_id *id, const char *name,
		      struct nb_row **ret)
{
	const struct ovsdb_table *table = id->via ?: id->table;
	const struct nb_rows *rows;
	const struct ovsdb_datum *reference;

	*ret = NULL;
	if (id->key)
		rows = nb_view_find_pair(ctx->view, table, id->column, id->key, name, 0);
	else
		rows = nb_view_find(ctx->view, table, id->column, name, 0);
	if (rows->rows.n > 1)
		return err_set(ctx->err, -EEXIST, "multiple rows in %s match \"%s\"; use a UUID",
			       table->name, name);
	if (!rows->rows.n || !id->reference) {
		*ret = rows->rows.n ? rows->rows.v[0] : NULL;
		return 0;
	}
	reference = nb_row_datum(ctx->view, rows->rows.v[0], id->reference);
	if (reference->n == 1)
		*ret = nb_view_get(ctx->view, id->table, &reference->keys[0].uuid, 0);
	return 0;
}

#define UUID_PREFIX_MIN 4

static bool may_begin_uuid(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF-");

	if (text[n] || n < UUID_PREFIX_MIN || n >= UUID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((text[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
			return false;
	return true;
}

static int find_by_prefix(struct nb_ctx *ctx, const struct ovsdb_table *table, const char *prefix,
			  struct nb_row **ret)
{
	const struct nb_rows *rows = nb_view_all(ctx->view, table, 0);
	struct nb_row *found = NULL;
	char text[UUID_TEXT_SIZE];

	VEC_FOREACH(row, rows->rows) {
		if (strncasecmp(uuid_format(&(*row)->uuid, text), prefix, strlen(prefix)))
			continue;
		if (found)
			return err_set(ctx->err, -EEXIST,
				       "multiple rows in %s have UUIDs that begin with %s",
				       table->name, prefix);
		found = *row;
	}
	*ret = found;
	return 0;
}

int nb_find_row(struct nb_ctx *ctx, const struct ovsdb_table *table, const char *id,
		bool must_exist, struct nb_row **ret)
{
	struct nb_row *row = NULL;
	struct uuid uuid;
	int r = 0;

	if (uuid_parse(id, &uuid))
		row = nb_view_get(ctx->view, table, &uuid, 0);
	else if (!strcmp(id, "."))
		row = only_row(ctx->view, table);
	for (size_t i = 0; i < ARRAY_SIZE(row_ids) && !row && r == 0; i++)
		if (row_ids[i].table == table)
			r = find_by_id(ctx, &row_ids[i], id, &row);
	if (r == 0 && !row && may_begin_uuid(id))
		r = find_by_prefix(ctx, table, id, &row);
	if (r == 0)
		r = nb_view_error(ctx->view, ctx->err);
	if (r < 0)
		return r;
	if (!row && must_exist)
		return err_set(ctx->err, -ENOENT, "no row \"%s\" in table %s", id, table->name);
	*ret = row;
	return 0;
}

uint64_t nb_row_name_columns(const struct ovsdb_table *table)
{
	uint64_t columns = 0;

	for (size_t i = 0; i < ARRAY_SIZE(row_ids); i++)
		if (row_ids[i].table == table && !row_ids[i].via)
			columns |= OVSDB_COL(row_ids[i].column->index);
	return columns ?: OVSDB_COL(0);
}

json_t *nb_row_condition(const struct ovsdb_table *table, const char *id)
{
	struct uuid uuid;
	json_t *where;

	if (uuid_parse(id, &uuid))
		return json_pack("[[ss[ss]]]", "_uuid", "==", "uuid", id);
	if (may_begin_uuid(id) || !strcmp(id, "."))
		return NULL;
	where = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(row_ids); i++) {
		const struct row_id *row_id = &row_ids[i];

		if (row_id->table != table)
			continue;
		if (row_id->via) {
			json_decref(where);
			return NULL;
		}
		json_array_append_new(
			where, row_id->key ? json_pack("[ss[s[[ss]]]]", row_id->column->name,
						       "includes", "map", row_id->key, id)
					   : json_pack("[sss]", row_id->column->name, "==", id));
	}
	return where;
}

/* ---- values ---- */

struct nb_symbol *nb_symbol(struct nb_run *run, const char *name)
{
	VEC_FOREACH(symbol, run->symbols)
		if (!strcmp(symbol->name, name))
			return symbol;
	return NULL;
}

static bool find_symbol(void *arg, const char *name, struct uuid *ret)
{
	struct nb_symbol *symbol = nb_symbol(arg, name);

	if (!symbol)
		return false;
	symbol->is_referenced = true;
	*ret = symbol->uuid;
	return true;
}

struct db_names nb_names(struct nb_run *run)
{
	return (struct db_names){ find_symbol, run };
}

static int find_operator(const char *text, const char *const *operators)
{
	size_t best_len = 0;
	int best = -1;

	for (int i = 0; operators[i]; i++) {
		size_t len = strlen(operators[i]);

		if (len > best_len && str_starts(text, operators[i]) && text[len]) {
			best_len = len;
			best = i;
		}
	}
	return best;
}

static int missing_operator(const char *text, const char *const *operators, struct err *err)
{
	struct str list = STR_INIT;

	for (int i = 0; operators[i]; i++)
		str_addf(&list, "%s\"%s\"", i ? ", " : "", operators[i]);
	err_set(err, -EINVAL, "%s: expected %s%s and a value", text, operators[1] ? "one of " : "",
		str_c(&list));
	str_done(&list);
	return -EINVAL;
}

static int parse_column(const struct ovsdb_table *table, const char **p,
			const struct ovsdb_column **ret, struct err *err)
{
	AUTO_FREE char *name = NULL;
	const char *text = *p;
	int r;

	r = db_word_parse(p, &name, err);
	if (r < 0)
		return r;
	if (!*name)
		return err_set(err, -EINVAL, "%s: the column's name is missing", text);
	return nb_find_column(table, name, ret, err);
}

int nb_argument_column(const struct ovsdb_table *table, const char *text,
		       const struct ovsdb_column **ret, struct err *err)
{
	return parse_column(table, &text, ret, err);
}

int nb_argument_parse(const struct ovsdb_table *table, const char *text,
		      const char *const *operators, struct nb_argument *ret, struct err *err)
{
	const char *p = text;
	int r;

	*ret = (struct nb_argument){ 0 };
	r = parse_column(table, &p, &ret->column, err);
	if (r < 0)
		return r;
	if (*p == ':') {
		p++;
		r = db_word_parse(&p, &ret->key, err);
		if (r < 0)
			return r;
	}
	if (ret->key && ret->column->value == OVSDB_VOID)
		return err_set(err, -EINVAL, "%s: column %s is no map, it has no keys", text,
			       ret->column->name);
	if (!operators)
		return *p ? err_set(err, -EINVAL, "%s: cannot read \"%s\"", text, p) : 0;
	ret->op = find_operator(p, operators);
	if (ret->op < 0)
		return missing_operator(text, operators, err);
	ret->value = p + strlen(operators[ret->op]);
	return 0;
}

void nb_argument_done(struct nb_argument *argument)
{
	free(argument->key);
	*argument = (struct nb_argument){ 0 };
}
