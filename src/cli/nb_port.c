/* SPDX-License-Identifier: Apache-2.0 */
/* Logical switch ports. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "cli/nb.h"
#include "cli/nb_address.h"
#include "cli/nb_scan.h"
#include "schema/nb.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/net.h"

#define LSP_COL(NAME) (&nb_lsp_columns[NB_LSP_##NAME])
#define LRP_COL(NAME) (&nb_lrp_columns[NB_LRP_##NAME])

int nb_find_port(struct nb_ctx *ctx, const char *id, bool must_exist, struct nb_row **ret)
{
	const struct nb_rows *rows;
	struct nb_row *row = NULL;
	struct uuid uuid;
	bool is_uuid = uuid_parse(id, &uuid);

	if (is_uuid)
		row = nb_view_get(ctx->view, &nb_lsp_table, &uuid, OVSDB_COL(NB_LSP_NAME));
	if (!row) {
		rows = nb_view_find(ctx->view, &nb_lsp_table, LSP_COL(NAME), id, 0);
		row = rows->rows.n ? rows->rows.v[0] : NULL;
	}
	if (nb_view_error(ctx->view, ctx->err) < 0)
		return ctx->err->code;
	if (!row && must_exist)
		return err_set(ctx->err, -ENOENT, "%s: port %s not found", id,
			       is_uuid ? "UUID" : "name");
	*ret = row;
	return 0;
}

static int find_switch_of(struct nb_ctx *ctx, const struct nb_row *port, struct nb_row **ret)
{
	const struct nb_rows *rows =
		nb_view_find_holder(ctx->view, &nb_ls_table, &nb_ls_columns[NB_LS_PORTS],
				    &port->uuid, OVSDB_COL(NB_LS_NAME));
	char uuid[UUID_TEXT_SIZE];

	if (nb_view_error(ctx->view, ctx->err) < 0)
		return ctx->err->code;
	if (!rows->rows.n)
		return err_set(ctx->err, -ENOENT, "port %s is on no switch",
			       uuid_format(&port->uuid, uuid));
	*ret = rows->rows.v[0];
	return 0;
}

static int find_port_and_switch(struct nb_ctx *ctx, struct nb_row **ret_port, struct nb_row **ret)
{
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, ret_port);
	return r < 0 ? r : find_switch_of(ctx, *ret_port, ret);
}

/* ---- lsp-add, lsp-del ---- */

/* A number at the beginning counts, whatever follows: as ovn-nbctl reads it. */
static int parse_tag(struct nb_ctx *ctx, const char *text, int64_t *ret)
{
	long long tag;
	char *end;

	errno = 0;
	tag = strtoll(text, &end, 10);
	if (end == text || errno || tag < 0 || tag > 4095)
		return err_set(ctx->err, -ERANGE, "%s: tag must be a number from 0 to 4095", text);
	*ret = tag;
	return 0;
}

/* Is the port that exists the one that lsp-add asks for? */
static int check_same_port(struct nb_ctx *ctx, struct nb_row *port, const struct nb_row *ls,
			   const char *parent, int64_t tag)
{
	const char *name = ctx->argv[2];
	const char *have_parent;
	const struct ovsdb_datum *have_tag;
	struct nb_row *have_ls;
	int r;

	r = find_switch_of(ctx, port, &have_ls);
	if (r < 0)
		return r;
	if (have_ls != ls)
		return err_set(ctx->err, -EEXIST, "%s: the port exists already on switch %s", name,
			       nb_row_string(ctx->view, have_ls, &nb_ls_columns[NB_LS_NAME]));
	have_parent = nb_row_string(ctx->view, port, LSP_COL(PARENT_NAME));
	if (have_parent && (!parent || strcmp(have_parent, parent)))
		return err_set(ctx->err, -EEXIST, "%s: the port exists already with parent %s",
			       name, have_parent);
	if (!parent)
		return 0;
	if (!have_parent)
		return err_set(ctx->err, -EEXIST, "%s: the port exists already without a parent",
			       name);
	have_tag = nb_row_datum(ctx->view, port, LSP_COL(TAG_REQUEST));
	if (!have_tag->n)
		return err_set(ctx->err, -EEXIST,
			       "%s: the port exists already without a tag_request", name);
	if (have_tag->keys[0].integer != tag)
		return err_set(ctx->err, -EEXIST,
			       "%s: the port exists already with tag_request %" PRId64, name,
			       have_tag->keys[0].integer);
	return 0;
}

static int cmd_lsp_add(struct nb_ctx *ctx)
{
	const char *parent = ctx->argc == 5 ? ctx->argv[3] : NULL;
	union ovsdb_atom atom;
	struct nb_row *ls, *port = NULL;
	int64_t tag = -1;
	int r;

	r = nb_find_switch(ctx, ctx->argv[1], true, &ls);
	if (r < 0)
		return r;
	if (ctx->argc == 4)
		return err_set(ctx->err, -EINVAL, "lsp-add: a parent needs a tag");
	if (parent)
		r = parse_tag(ctx, ctx->argv[4], &tag);
	if (r == 0)
		r = nb_find_port(ctx, ctx->argv[2], false, &port);
	if (r < 0)
		return r;
	if (port && nb_has_option(ctx, "--may-exist"))
		return check_same_port(ctx, port, ls, parent, tag);
	if (port)
		return err_set(ctx->err, -EEXIST, "%s: a port with this name exists already",
			       ctx->argv[2]);

	port = nb_row_insert(ctx->view, &nb_lsp_table);
	nb_row_set_string(ctx->view, port, LSP_COL(NAME), ctx->argv[2]);
	if (parent) {
		nb_row_set_string(ctx->view, port, LSP_COL(PARENT_NAME), parent);
		atom.integer = tag;
		nb_row_set(ctx->view, port, LSP_COL(TAG_REQUEST),
			   &(struct ovsdb_datum){ 1, &atom, NULL });
	}
	atom.uuid = port->uuid;
	nb_row_add(ctx->view, ls, &nb_ls_columns[NB_LS_PORTS],
		   &(struct ovsdb_datum){ 1, &atom, NULL });
	return 0;
}

static int cmd_lsp_del(struct nb_ctx *ctx)
{
	struct nb_row *ls, *port;
	union ovsdb_atom atom;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], !nb_has_option(ctx, "--if-exists"), &port);
	if (r < 0 || !port)
		return r;
	r = find_switch_of(ctx, port, &ls);
	if (r < 0)
		return r;
	atom.uuid = port->uuid;
	nb_row_remove(ctx->view, ls, &nb_ls_columns[NB_LS_PORTS],
		      &(struct ovsdb_datum){ 1, &atom, NULL });
	nb_row_delete(ctx->view, port);
	return 0;
}

static int cmd_lsp_get_ls(struct nb_ctx *ctx)
{
	struct nb_row *ls, *port;
	char uuid[UUID_TEXT_SIZE];
	int r;

	r = find_port_and_switch(ctx, &port, &ls);
	if (r == 0)
		str_addf(&ctx->output, "%s (%s)\n", uuid_format(&ls->uuid, uuid),
			 nb_row_string(ctx->view, ls, &nb_ls_columns[NB_LS_NAME]));
	return r;
}

/* ---- addresses ---- */

static bool is_address(const char *text)
{
	if (!strcmp(text, "unknown") || !strcmp(text, "dynamic") || !strcmp(text, "router"))
		return true;
	return nb_scan_dynamic(&text) || nb_scan_mac(&text);
}

struct ips {
	VEC(struct ip) list;
};

/* The IP addresses behind the MAC address, up to where there is none. */
static void read_ips(const char *text, struct ips *ips)
{
	struct ip ip;

	if (!nb_scan_mac(&text))
		return;
	while (nb_scan_ip(&text, &ip))
		VEC_ADD(ips->list, ip);
}

static const struct ip *first_common(const struct ips *a, const struct ips *b)
{
	VEC_FOREACH(x, a->list)
		VEC_FOREACH(y, b->list)
			if (ip_eq(x, y))
				return x;
	return NULL;
}

static int check_port_for_duplicates(struct nb_ctx *ctx, const struct ips *ips, struct nb_row *port)
{
	const struct ovsdb_datum *addresses = nb_row_datum(ctx->view, port, LSP_COL(ADDRESSES));
	const char *dynamic = nb_row_string(ctx->view, port, LSP_COL(DYNAMIC_ADDRESSES));
	const struct ip *common = NULL;
	char text[IP_TEXT_SIZE];

	for (uint32_t i = 0; i < addresses->n && !common; i++) {
		const char *address = addresses->keys[i].string;
		struct ips theirs = { 0 };

		read_ips(nb_scan_is_dynamic(address) && dynamic ? dynamic : address, &theirs);
		common = first_common(ips, &theirs);
		VEC_DONE(theirs.list);
	}
	if (!common)
		return 0;
	return err_set(ctx->err, -EEXIST, "%s: address %s is already on port %s of the same switch",
		       ctx->argv[1], ip_format(common, text),
		       nb_row_string(ctx->view, port, LSP_COL(NAME)));
}

#define ADDRESS_COLUMNS \
	(OVSDB_COL(NB_LSP_NAME) | OVSDB_COL(NB_LSP_ADDRESSES) | OVSDB_COL(NB_LSP_DYNAMIC_ADDRESSES))

/* Like ovn-nbctl, this looks only at ports that were there before this command line. */
static int check_switch_for_duplicates(struct nb_ctx *ctx, const struct ips *ips, struct nb_row *ls,
				       const struct nb_row *port)
{
	const struct ovsdb_datum *ports = nb_row_datum(ctx->view, ls, &nb_ls_columns[NB_LS_PORTS]);
	int r = 0;

	for (uint32_t i = 0; i < ports->n; i++)
		nb_view_expect(ctx->view, &nb_lsp_table, &ports->keys[i].uuid, ADDRESS_COLUMNS);
	for (uint32_t i = 0; i < ports->n && r == 0; i++) {
		struct nb_row *other = nb_view_get(ctx->view, &nb_lsp_table, &ports->keys[i].uuid,
						   ADDRESS_COLUMNS);

		if (other && other != port && !other->is_new)
			r = check_port_for_duplicates(ctx, ips, other);
	}
	return r;
}

/* argv[first...] as a set of strings; one that is there twice counts once. */
static void set_strings(struct nb_ctx *ctx, struct nb_row *row, const struct ovsdb_column *column,
			int first)
{
	struct ovsdb_datum datum = OVSDB_DATUM_EMPTY;

	for (int i = first; i < ctx->argc; i++)
		ovsdb_datum_insert(&datum, column, (union ovsdb_atom){ .string = ctx->argv[i] },
				   (union ovsdb_atom){ 0 });
	nb_row_set(ctx->view, row, column, &datum);
	ovsdb_datum_done(&datum, column);
}

/* ovn-nbctl takes these without a word, so they are taken, with one. */
static void warn_of_words(struct nb_ctx *ctx, int (*check)(const char *text, struct err *err))
{
	struct err err = ERR_INIT;

	for (int i = 2; i < ctx->argc; i++)
		if (check(ctx->argv[i], &err) < 0)
			nb_warn(ctx, "port %s: %s", ctx->argv[1], err.text);
}

static int cmd_lsp_set_addresses(struct nb_ctx *ctx)
{
	struct nb_row *ls, *port;
	struct ips ips = { 0 };
	int r;

	r = find_port_and_switch(ctx, &port, &ls);
	for (int i = 2; i < ctx->argc && r == 0; i++) {
		if (!is_address(ctx->argv[i]))
			r = err_set(
				ctx->err, -EINVAL,
				"%s: \"%s\" is no address; give \"MAC [IP]...\" as one argument, "
				"\"dynamic [IP]\", \"router\" or \"unknown\"",
				ctx->argv[1], ctx->argv[i]);
		else
			read_ips(ctx->argv[i], &ips);
	}
	if (r == 0 && ips.list.n)
		r = check_switch_for_duplicates(ctx, &ips, ls, port);
	VEC_DONE(ips.list);
	if (r < 0)
		return r;
	warn_of_words(ctx, nb_address_check);
	set_strings(ctx, port, LSP_COL(ADDRESSES), 2);
	return 0;
}

static void print_sorted(struct nb_ctx *ctx, struct nb_row *port, const struct ovsdb_column *column)
{
	const struct ovsdb_datum *strings = nb_row_datum(ctx->view, port, column);

	for (uint32_t i = 0; i < strings->n; i++)
		str_addf(&ctx->output, "%s\n", strings->keys[i].string);
}

/* A port whose address is "router" has those of the router's port.  False: it is none. */
static bool print_router_addresses(struct nb_ctx *ctx, struct nb_row *port)
{
	const struct ovsdb_datum *addresses = nb_row_datum(ctx->view, port, LSP_COL(ADDRESSES));
	const struct ovsdb_datum *networks;
	const struct nb_rows *rows;
	struct nb_row *router_port;
	const char *name;

	if (addresses->n != 1 || strcmp(addresses->keys[0].string, "router"))
		return false;
	name = ovsdb_smap_get(nb_row_datum(ctx->view, port, LSP_COL(OPTIONS)), "router-port");
	if (!name)
		return false;
	rows = nb_view_find(ctx->view, &nb_lrp_table, LRP_COL(NAME), name, OVSDB_ALL_COLUMNS);
	if (!rows->rows.n)
		return false;
	router_port = rows->rows.v[0];
	networks = nb_row_datum(ctx->view, router_port, LRP_COL(NETWORKS));
	str_add(&ctx->output, nb_row_string(ctx->view, router_port, LRP_COL(MAC)));
	for (uint32_t i = 0; i < networks->n; i++)
		str_addf(&ctx->output, " %s", networks->keys[i].string);
	str_addc(&ctx->output, '\n');
	return true;
}

static int cmd_lsp_get_addresses(struct nb_ctx *ctx)
{
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r == 0 && !print_router_addresses(ctx, port))
		print_sorted(ctx, port, LSP_COL(ADDRESSES));
	return r;
}

static int cmd_lsp_set_port_security(struct nb_ctx *ctx)
{
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r < 0)
		return r;
	warn_of_words(ctx, nb_port_security_check);
	set_strings(ctx, port, LSP_COL(PORT_SECURITY), 2);
	return 0;
}

static int cmd_lsp_get_port_security(struct nb_ctx *ctx)
{
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r == 0)
		print_sorted(ctx, port, LSP_COL(PORT_SECURITY));
	return r;
}

/* ---- single columns ---- */

static int print_optional(struct nb_ctx *ctx, const struct ovsdb_column *column)
{
	const struct ovsdb_datum *datum;
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r < 0)
		return r;
	datum = nb_row_datum(ctx->view, port, column);
	if (datum->n) {
		db_datum_print_bare(&ctx->output, datum, column);
		str_addc(&ctx->output, '\n');
	}
	return 0;
}

static int cmd_lsp_get_parent(struct nb_ctx *ctx)
{
	return print_optional(ctx, LSP_COL(PARENT_NAME));
}

static int cmd_lsp_get_tag(struct nb_ctx *ctx)
{
	return print_optional(ctx, LSP_COL(TAG));
}

static int cmd_lsp_get_type(struct nb_ctx *ctx)
{
	return print_optional(ctx, LSP_COL(TYPE));
}

static int cmd_lsp_set_type(struct nb_ctx *ctx)
{
	/* OVN_Northbound, Logical_Switch_Port.type, as of OVN 23.03. */
	static const char *const types[] = { "",          "router",    "localnet",
					     "localport", "l2gateway", "vtep",
					     "external",  "virtual",   "remote" };
	const char *type = ctx->argv[2];
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i]))
			continue;
		nb_row_set_string(ctx->view, port, LSP_COL(TYPE), type);
		return 0;
	}
	return err_set(
		ctx->err, -EINVAL,
		"%s: unknown port type \"%s\"; the types are \"\", router, localnet, localport, "
		"l2gateway, vtep, external, virtual and remote",
		ctx->argv[1], type);
}

/* True or false in an optional boolean column; absent when it is empty. */
static bool read_flag(struct nb_ctx *ctx, struct nb_row *port, const struct ovsdb_column *column,
		      bool absent)
{
	const struct ovsdb_datum *datum = nb_row_datum(ctx->view, port, column);

	return datum->n ? datum->keys[0].boolean : absent;
}

static int cmd_lsp_get_up(struct nb_ctx *ctx)
{
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r == 0)
		str_addf(&ctx->output, "%s\n",
			 read_flag(ctx, port, LSP_COL(UP), false) ? "up" : "down");
	return r;
}

static int cmd_lsp_get_enabled(struct nb_ctx *ctx)
{
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r == 0)
		str_addf(&ctx->output, "%s\n",
			 read_flag(ctx, port, LSP_COL(ENABLED), true) ? "enabled" : "disabled");
	return r;
}

static int cmd_lsp_set_enabled(struct nb_ctx *ctx)
{
	bool enabled = !strcasecmp(ctx->argv[2], "enabled");
	union ovsdb_atom atom = { .boolean = enabled };
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r < 0)
		return r;
	if (!enabled && strcasecmp(ctx->argv[2], "disabled"))
		return err_set(ctx->err, -EINVAL,
			       "%s: the state must be enabled or disabled, not \"%s\"",
			       ctx->argv[1], ctx->argv[2]);
	nb_row_set(ctx->view, port, LSP_COL(ENABLED), &(struct ovsdb_datum){ 1, &atom, NULL });
	return 0;
}

static int cmd_lsp_set_options(struct nb_ctx *ctx)
{
	struct ovsdb_datum datum = OVSDB_DATUM_EMPTY;
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r < 0)
		return r;
	for (int i = 2; i < ctx->argc; i++) {
		AUTO_FREE char *key = xstrdup(ctx->argv[i]);
		char *value = strchr(key, '=');
		const char *have;

		if (!value) /* ovn-nbctl passes over it, too */
			continue;
		*value++ = '\0';
		have = ovsdb_smap_get(&datum, key);
		if (have && strcmp(have, value) <= 0) /* of several values the smallest is kept */
			continue;
		ovsdb_datum_insert(&datum, LSP_COL(OPTIONS), (union ovsdb_atom){ .string = key },
				   (union ovsdb_atom){ .string = value });
	}
	nb_row_set(ctx->view, port, LSP_COL(OPTIONS), &datum);
	ovsdb_datum_done(&datum, LSP_COL(OPTIONS));
	return 0;
}

static int cmd_lsp_get_options(struct nb_ctx *ctx)
{
	const struct ovsdb_datum *options;
	struct nb_row *port;
	int r;

	r = nb_find_port(ctx, ctx->argv[1], true, &port);
	if (r < 0)
		return r;
	options = nb_row_datum(ctx->view, port, LSP_COL(OPTIONS));
	for (uint32_t i = 0; i < options->n; i++)
		str_addf(&ctx->output, "%s=%s\n", options->keys[i].string,
			 options->values[i].string);
	return 0;
}

/* clang-format off */
const struct nb_command nb_port_commands[] = {
	{ "lsp-add",               "SWITCH PORT [PARENT TAG]", 2, 4, cmd_lsp_add,
	  "--may-exist", NB_NEEDS_SWITCH | NB_NEEDS_PORT2, "add a port to a switch, or a container's port behind PARENT" },
	{ "lsp-del",               "PORT",             1, 1,  cmd_lsp_del,
	  "--if-exists", NB_NEEDS_PORT, "delete a port" },
	{ "lsp-get-ls",            "PORT",             1, 1,  cmd_lsp_get_ls,
	  "", NB_NEEDS_PORT, "print the switch that a port is on" },
	{ "lsp-get-parent",        "PORT",             1, 1,  cmd_lsp_get_parent,
	  "", NB_NEEDS_PORT, "print a port's parent, if it has one" },
	{ "lsp-get-tag",           "PORT",             1, 1,  cmd_lsp_get_tag,
	  "", NB_NEEDS_PORT, "print a port's VLAN tag, if it has one" },
	{ "lsp-set-addresses",     "PORT [ADDRESS]...", 1, -1, cmd_lsp_set_addresses,
	  "", NB_NEEDS_PORT, "set a port's addresses: \"MAC [IP]...\", \"dynamic [IP]\", router, unknown" },
	{ "lsp-get-addresses",     "PORT",             1, 1,  cmd_lsp_get_addresses,
	  "", NB_NEEDS_PORT, "print a port's addresses" },
	{ "lsp-set-port-security", "PORT [ADDRESS]...", 1, -1, cmd_lsp_set_port_security,
	  "", NB_NEEDS_PORT, "set the addresses that a port may use" },
	{ "lsp-get-port-security", "PORT",             1, 1,  cmd_lsp_get_port_security,
	  "", NB_NEEDS_PORT, "print the addresses that a port may use" },
	{ "lsp-get-up",            "PORT",             1, 1,  cmd_lsp_get_up,
	  "", NB_NEEDS_PORT, "print whether a port is up or down" },
	{ "lsp-set-enabled",       "PORT STATE",       2, 2,  cmd_lsp_set_enabled,
	  "", NB_NEEDS_PORT, "enable or disable a port (enabled, disabled)" },
	{ "lsp-get-enabled",       "PORT",             1, 1,  cmd_lsp_get_enabled,
	  "", NB_NEEDS_PORT, "print whether a port is enabled" },
	{ "lsp-set-type",          "PORT TYPE",        2, 2,  cmd_lsp_set_type,
	  "", NB_NEEDS_PORT, "set a port's type (\"\", localport, router, ...)" },
	{ "lsp-get-type",          "PORT",             1, 1,  cmd_lsp_get_type,
	  "", NB_NEEDS_PORT, "print a port's type" },
	{ "lsp-set-options",       "PORT KEY=VALUE...", 1, -1, cmd_lsp_set_options,
	  "", NB_NEEDS_PORT, "set a port's options" },
	{ "lsp-get-options",       "PORT",             1, 1,  cmd_lsp_get_options,
	  "", NB_NEEDS_PORT, "print a port's options" },
	{ NULL, NULL, 0, 0, NULL, NULL, 0, NULL },
};
/* clang-format on */
