/* SPDX-License-Identifier: Apache-2.0 */
/* Logical switches, and "show". */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/nb.h"
#include "schema/nb.h"
#include "util/err.h"

#define LS_COL(NAME)  (&nb_ls_columns[NB_LS_##NAME])
#define LSP_COL(NAME) (&nb_lsp_columns[NB_LSP_##NAME])
#define LR_COL(NAME)  (&nb_lr_columns[NB_LR_##NAME])
#define LRP_COL(NAME) (&nb_lrp_columns[NB_LRP_##NAME])
#define NAT_COL(NAME) (&nb_nat_columns[NB_NAT_##NAME])
#define GW_COL(NAME)  (&nb_gateway_chassis_columns[NB_GATEWAY_CHASSIS_##NAME])

/* By UUID, else by name, which need not be unique. */
static int find_by_name(struct nb_ctx *ctx, const struct ovsdb_table *table,
			const struct ovsdb_column *name, const char *what, const char *id,
			bool must_exist, struct nb_row **ret)
{
	const struct nb_rows *rows;
	struct nb_row *row = NULL;
	struct uuid uuid;
	bool is_uuid = uuid_parse(id, &uuid);

	if (is_uuid)
		row = nb_view_get(ctx->view, table, &uuid, OVSDB_COL(name->index));
	if (!row) {
		rows = nb_view_find(ctx->view, table, name, id, 0);
		if (rows->rows.n > 1)
			return err_set(ctx->err, -EEXIST,
				       "multiple %ss are named \"%s\"; use a UUID", what, id);
		row = rows->rows.n ? rows->rows.v[0] : NULL;
	}
	if (nb_view_error(ctx->view, ctx->err) < 0)
		return ctx->err->code;
	if (!row && must_exist)
		return err_set(ctx->err, -ENOENT, "%s: %s %s not found", id, what,
			       is_uuid ? "UUID" : "name");
	*ret = row;
	return 0;
}

int nb_find_switch(struct nb_ctx *ctx, const char *id, bool must_exist, struct nb_row **ret)
{
	return find_by_name(ctx, &nb_ls_table, LS_COL(NAME), "switch", id, must_exist, ret);
}

static int find_router(struct nb_ctx *ctx, const char *id, struct nb_row **ret)
{
	return find_by_name(ctx, &nb_lr_table, LR_COL(NAME), "router", id, false, ret);
}

static int cmd_ls_add(struct nb_ctx *ctx)
{
	const char *name = ctx->argc == 2 ? ctx->argv[1] : NULL;
	bool may_exist = nb_has_option(ctx, "--may-exist");
	bool add_duplicate = nb_has_option(ctx, "--add-duplicate");
	struct nb_row *row;

	if (may_exist && add_duplicate)
		return err_set(ctx->err, -EINVAL,
			       "--may-exist and --add-duplicate exclude each other");
	if (!name && (may_exist || add_duplicate))
		return err_set(ctx->err, -EINVAL, "%s needs the switch's name",
			       may_exist ? "--may-exist" : "--add-duplicate");
	if (name && !add_duplicate &&
	    nb_view_find(ctx->view, &nb_ls_table, LS_COL(NAME), name, 0)->rows.n) {
		if (may_exist)
			return 0;
		return err_set(ctx->err, -EEXIST, "%s: a switch with this name exists already",
			       name);
	}
	row = nb_row_insert(ctx->view, &nb_ls_table);
	if (name)
		nb_row_set_string(ctx->view, row, LS_COL(NAME), name);
	return 0;
}

static int cmd_ls_del(struct nb_ctx *ctx)
{
	struct nb_row *row;
	int r;

	r = nb_find_switch(ctx, ctx->argv[1], !nb_has_option(ctx, "--if-exists"), &row);
	if (r < 0 || !row)
		return r;
	/* The ports go with it.  Marking them keeps the commands that follow from finding them. */
	for (uint32_t i = 0; i < row->cells[NB_LS_PORTS].added.n; i++) {
		struct nb_row *port = nb_view_get(ctx->view, &nb_lsp_table,
						  &row->cells[NB_LS_PORTS].added.keys[i].uuid, 0);

		if (port)
			nb_row_delete(ctx->view, port);
	}
	nb_row_delete(ctx->view, row);
	return 0;
}

struct line {
	const char *name;
	const struct uuid *uuid;
};

static int by_name(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return strcmp(x->name, y->name) ?: uuid_cmp(x->uuid, y->uuid);
}

/* "UUID (NAME)" lines, sorted by name. */
static void print_lines(struct nb_ctx *ctx, struct nb_row *const *rows, size_t n,
			const struct ovsdb_column *name)
{
	struct line *lines = xcalloc(n + 1, sizeof(*lines));
	char uuid[UUID_TEXT_SIZE];

	for (size_t i = 0; i < n; i++)
		lines[i] = (struct line){ nb_row_string(ctx->view, rows[i], name) ?: "",
					  &rows[i]->uuid };
	qsort(lines, n, sizeof(*lines), by_name);
	for (size_t i = 0; i < n; i++)
		str_addf(&ctx->output, "%s (%s)\n", uuid_format(lines[i].uuid, uuid),
			 lines[i].name);
	free(lines);
}

static int cmd_ls_list(struct nb_ctx *ctx)
{
	const struct nb_rows *rows = nb_view_all(ctx->view, &nb_ls_table, OVSDB_COL(NB_LS_NAME));

	print_lines(ctx, rows->rows.v, rows->rows.n, LS_COL(NAME));
	return 0;
}

/* The rows that a set of references names, with these columns.  Caller frees *ret. */
static size_t follow(struct nb_ctx *ctx, struct nb_row *row, const struct ovsdb_column *column,
		     uint64_t columns, struct nb_row ***ret)
{
	const struct ovsdb_datum *uuids = nb_row_datum(ctx->view, row, column);
	struct nb_row **rows = xcalloc(uuids->n + 1, sizeof(struct nb_row *));
	size_t n = 0;

	for (uint32_t i = 0; i < uuids->n; i++)
		nb_view_expect(ctx->view, column->key_ref, &uuids->keys[i].uuid, columns);
	for (uint32_t i = 0; i < uuids->n; i++) {
		rows[n] = nb_view_get(ctx->view, column->key_ref, &uuids->keys[i].uuid, columns);
		if (rows[n])
			n++;
	}
	*ret = rows;
	return n;
}

static int cmd_lsp_list(struct nb_ctx *ctx)
{
	struct nb_row *row, **ports;
	size_t n;
	int r;

	r = nb_find_switch(ctx, ctx->argv[1], true, &row);
	if (r < 0)
		return r;
	n = follow(ctx, row, LS_COL(PORTS), OVSDB_COL(NB_LSP_NAME), &ports);
	print_lines(ctx, ports, n, LSP_COL(NAME));
	free(ports);
	return 0;
}

/* ---- show ---- */

static void print_alias(struct nb_ctx *ctx, struct nb_row *row, const struct ovsdb_column *ids,
			const char *key)
{
	const char *alias = ovsdb_smap_get(nb_row_datum(ctx->view, row, ids), key);

	if (alias && *alias)
		str_addf(&ctx->output, " (aka %s)", alias);
	str_addc(&ctx->output, '\n');
}

static void print_strings(struct nb_ctx *ctx, const char *what, const struct ovsdb_datum *strings)
{
	str_addf(&ctx->output, "        %s: [", what);
	for (uint32_t i = 0; i < strings->n; i++)
		str_addf(&ctx->output, "%s\"%s\"", i ? ", " : "", strings->keys[i].string);
	str_add(&ctx->output, "]\n");
}

static void show_port(struct nb_ctx *ctx, struct nb_row *port)
{
	struct nb_view *view = ctx->view;
	const char *type = nb_row_string(view, port, LSP_COL(TYPE));
	const char *parent = nb_row_string(view, port, LSP_COL(PARENT_NAME));
	const struct ovsdb_datum *tag = nb_row_datum(view, port, LSP_COL(TAG));
	const struct ovsdb_datum *addresses = nb_row_datum(view, port, LSP_COL(ADDRESSES));
	const char *router_port =
		ovsdb_smap_get(nb_row_datum(view, port, LSP_COL(OPTIONS)), "router-port");

	str_addf(&ctx->output, "    port %s", nb_row_string(view, port, LSP_COL(NAME)));
	print_alias(ctx, port, LSP_COL(EXTERNAL_IDS), "neutron:port_name");
	if (type && *type)
		str_addf(&ctx->output, "        type: %s\n", type);
	if (parent)
		str_addf(&ctx->output, "        parent: %s\n", parent);
	if (tag->n)
		str_addf(&ctx->output, "        tag: %" PRId64 "\n", tag->keys[0].integer);
	if (addresses->n && !(addresses->n == 1 && !strcmp(addresses->keys[0].string, "router")))
		print_strings(ctx, "addresses", addresses);
	if (router_port)
		str_addf(&ctx->output, "        router-port: %s\n", router_port);
}

#define SHOW_PORT_COLUMNS                                                                      \
	(OVSDB_COL(NB_LSP_NAME) | OVSDB_COL(NB_LSP_EXTERNAL_IDS) | OVSDB_COL(NB_LSP_TYPE) |    \
	 OVSDB_COL(NB_LSP_PARENT_NAME) | OVSDB_COL(NB_LSP_TAG) | OVSDB_COL(NB_LSP_ADDRESSES) | \
	 OVSDB_COL(NB_LSP_OPTIONS))

static void show_switch(struct nb_ctx *ctx, struct nb_row *row)
{
	struct nb_row **ports;
	char uuid[UUID_TEXT_SIZE];
	size_t n;

	str_addf(&ctx->output, "switch %s (%s)", uuid_format(&row->uuid, uuid),
		 nb_row_string(ctx->view, row, LS_COL(NAME)));
	print_alias(ctx, row, LS_COL(EXTERNAL_IDS), "neutron:network_name");
	n = follow(ctx, row, LS_COL(PORTS), SHOW_PORT_COLUMNS, &ports);
	for (size_t i = 0; i < n; i++)
		show_port(ctx, ports[i]);
	free(ports);
}

struct gateway {
	int64_t priority;
	const char *name, *chassis;
};

static int by_priority(const void *a, const void *b)
{
	const struct gateway *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? 1 : -1;
	return strcmp(y->name, x->name);
}

static void show_gateways(struct nb_ctx *ctx, struct nb_row *port)
{
	struct nb_row **rows;
	size_t n = follow(ctx, port, LRP_COL(GATEWAY_CHASSIS), OVSDB_ALL_COLUMNS, &rows);
	struct gateway *gateways = xcalloc(n + 1, sizeof(*gateways));

	for (size_t i = 0; i < n; i++)
		gateways[i] = (struct gateway){
			nb_row_datum(ctx->view, rows[i], GW_COL(PRIORITY))->keys[0].integer,
			nb_row_string(ctx->view, rows[i], GW_COL(NAME)) ?: "",
			nb_row_string(ctx->view, rows[i], GW_COL(CHASSIS_NAME)) ?: "",
		};
	qsort(gateways, n, sizeof(*gateways), by_priority);
	for (size_t i = 0; i < n; i++)
		str_addf(&ctx->output, "%s%s", i ? " " : "        gateway chassis: [",
			 gateways[i].chassis);
	if (n)
		str_add(&ctx->output, "]\n");
	free(gateways);
	free(rows);
}

static void show_router_port(struct nb_ctx *ctx, struct nb_row *port)
{
	const struct ovsdb_datum *networks = nb_row_datum(ctx->view, port, LRP_COL(NETWORKS));
	const char *route_table =
		ovsdb_smap_get(nb_row_datum(ctx->view, port, LRP_COL(OPTIONS)), "route_table");

	str_addf(&ctx->output, "    port %s\n        mac: \"%s\"\n",
		 nb_row_string(ctx->view, port, LRP_COL(NAME)),
		 nb_row_string(ctx->view, port, LRP_COL(MAC)));
	if (networks->n)
		print_strings(ctx, "networks", networks);
	if (route_table)
		str_addf(&ctx->output, "        route-table: %s\n", route_table);
	show_gateways(ctx, port);
}

static void show_nat(struct nb_ctx *ctx, struct nb_row *nat)
{
	const char *ports = nb_row_string(ctx->view, nat, NAT_COL(EXTERNAL_PORT_RANGE));
	char uuid[UUID_TEXT_SIZE];

	str_addf(&ctx->output, "    nat %s\n        external ip: \"%s\"\n",
		 uuid_format(&nat->uuid, uuid),
		 nb_row_string(ctx->view, nat, NAT_COL(EXTERNAL_IP)));
	if (ports && *ports)
		str_addf(&ctx->output, "        external port(s): \"%s\"\n", ports);
	str_addf(&ctx->output, "        logical ip: \"%s\"\n        type: \"%s\"\n",
		 nb_row_string(ctx->view, nat, NAT_COL(LOGICAL_IP)),
		 nb_row_string(ctx->view, nat, NAT_COL(TYPE)));
}

static void show_router(struct nb_ctx *ctx, struct nb_row *row)
{
	struct nb_row **rows;
	char uuid[UUID_TEXT_SIZE];
	size_t n;

	str_addf(&ctx->output, "router %s (%s)", uuid_format(&row->uuid, uuid),
		 nb_row_string(ctx->view, row, LR_COL(NAME)));
	print_alias(ctx, row, LR_COL(EXTERNAL_IDS), "neutron:router_name");
	n = follow(ctx, row, LR_COL(PORTS), OVSDB_ALL_COLUMNS, &rows);
	for (size_t i = 0; i < n; i++)
		show_router_port(ctx, rows[i]);
	free(rows);
	n = follow(ctx, row, LR_COL(NAT), OVSDB_ALL_COLUMNS, &rows);
	for (size_t i = 0; i < n; i++)
		show_nat(ctx, rows[i]);
	free(rows);
}

static void show_all(struct nb_ctx *ctx, const struct ovsdb_table *table,
		     void (*show)(struct nb_ctx *ctx, struct nb_row *row))
{
	const struct nb_rows *found = nb_view_all(ctx->view, table, OVSDB_ALL_COLUMNS);
	size_t n = found->rows.n;
	struct nb_row **rows = xcalloc(n + 1, sizeof(struct nb_row *));

	/* Showing one asks more questions, which changes what was found. */
	for (size_t i = 0; i < n; i++)
		rows[i] = found->rows.v[i];
	for (size_t i = 0; i < n; i++)
		show(ctx, rows[i]);
	free(rows);
}

static int cmd_show(struct nb_ctx *ctx)
{
	struct nb_row *row;
	int r;

	if (ctx->argc == 1) {
		nb_view_expect_all(ctx->view, &nb_lsp_table, SHOW_PORT_COLUMNS);
		nb_view_expect_all(ctx->view, &nb_lrp_table, OVSDB_ALL_COLUMNS);
		show_all(ctx, &nb_ls_table, show_switch);
		show_all(ctx, &nb_lr_table, show_router);
		return 0;
	}
	r = nb_find_switch(ctx, ctx->argv[1], false, &row);
	if (r == 0 && row)
		show_switch(ctx, row);
	if (r == 0)
		r = find_router(ctx, ctx->argv[1], &row);
	if (r == 0 && row)
		show_router(ctx, row);
	return r;
}

static int cmd_nothing(struct nb_ctx *ctx)
{
	(void)ctx; /* init: every command makes the NB_Global row; sync: --wait does the work */
	return 0;
}

/* clang-format off */
const struct nb_command nb_switch_commands[] = {
	{ "init",     "",                0, 0, cmd_nothing,  "", 0, "initialize the database" },
	{ "show",     "[SWITCH|ROUTER]", 0, 1, cmd_show,     "", 0, "print an overview of the network" },
	{ "sync",     "",                0, 0, cmd_nothing,  "", 0,
	  "with --wait: wait until earlier changes are in effect" },
	{ "ls-add",   "[SWITCH]",        0, 1, cmd_ls_add,   "--may-exist,--add-duplicate", NB_NEEDS_SWITCH,
	  "create a logical switch" },
	{ "ls-del",   "SWITCH",          1, 1, cmd_ls_del,   "--if-exists", NB_NEEDS_SWITCH,
	  "delete a switch and its ports" },
	{ "ls-list",  "",                0, 0, cmd_ls_list,  "", 0, "print the names of all switches" },
	{ "lsp-list", "SWITCH",          1, 1, cmd_lsp_list, "", NB_NEEDS_SWITCH,
	  "print the names of a switch's ports" },
	{ NULL, NULL, 0, 0, NULL, NULL, 0, NULL },
};
/* clang-format on */
