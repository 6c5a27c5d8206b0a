/* SPDX-License-Identifier: Apache-2.0 */
/* heddle show: one picture of the logical network, built as JSON, of which the text is one rendering. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/interfaces.h"
#include "cli/maps.h"
#include "cli/sbview.h"
#include "cli/tunnels.h"
#include "dp/datapath.h"
#include "host/host.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

/* ---- the picture ---- */

static json_t *texts(const struct ovsdb_datum *set)
{
	json_t *list = json_array();

	for (uint32_t i = 0; set && i < set->n; i++)
		json_array_append_new(list, json_string(set->keys[i].string));
	return list;
}

static json_t *draw_port(const struct replica *sb, const struct sb_port_binding *row)
{
	const char *chassis = sbview_chassis_name(sb, sb_port_binding_chassis(row));
	const char *parent = sb_port_binding_parent_port(row);
	bool up = false;
	json_t *port;
	int64_t tag;

	sb_port_binding_up(row, &up);
	port = json_pack("{s:s, s:s, s:I, s:o, s:s?, s:b}", "name",
			 sb_port_binding_logical_port(row), "type", sb_port_binding_type(row),
			 "key", (json_int_t)sb_port_binding_tunnel_key(row), "addresses",
			 texts(sb_port_binding_mac(row)), "chassis", chassis, "up", up);
	if (parent)
		json_object_set_new(port, "parent", json_string(parent));
	if (sb_port_binding_tag(row, &tag))
		json_object_set_new(port, "tag", json_integer(tag));
	return port;
}

static json_int_t key_of(const json_t *object)
{
	return json_integer_value(json_object_get(object, "key"));
}

static int compare_key(const void *a, const void *b)
{
	json_int_t x = key_of(*(json_t *const *)a), y = key_of(*(json_t *const *)b);

	return x < y ? -1 : x > y;
}

static int compare_name(const void *a, const void *b)
{
	return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "name")),
		      json_string_value(json_object_get(*(json_t *const *)b, "name")));
}

/* Returns list, sorted. */
static json_t *sorted(json_t *list, int (*compare)(const void *a, const void *b))
{
	size_t n = json_array_size(list), i;
	json_t **items = xcalloc(n + 1, sizeof(*items)), *item;
	json_t *result = json_array();

	json_array_foreach(list, i, item) items[i] = item;
	qsort(items, n, sizeof(*items), compare);
	for (i = 0; i < n; i++)
		json_array_append(result, items[i]);
	free(items);
	json_decref(list);
	return result;
}

static json_t *draw_switches(const struct replica *sb)
{
	json_t *switches = json_array(), *by_uuid = json_object(), *item;
	char name[128], uuid[UUID_TEXT_SIZE];
	const char *key;

	SB_DATAPATH_BINDING_FOREACH(row, sb)
	{
		sbview_switch_name(row, name, sizeof(name));
		json_object_set_new(by_uuid, uuid_format(sb_datapath_binding_uuid(row), uuid),
				    json_pack("{s:s, s:I, s:[]}", "name", name, "key",
					      (json_int_t)sb_datapath_binding_tunnel_key(row),
					      "ports"));
	}
	SB_PORT_BINDING_FOREACH(row, sb)
	{
		const struct uuid *datapath = sb_port_binding_datapath(row);

		item = datapath ? json_object_get(by_uuid, uuid_format(datapath, uuid)) : NULL;
		if (item)
			json_array_append_new(json_object_get(item, "ports"), draw_port(sb, row));
	}
	json_object_foreach(by_uuid, key, item)
	{
		json_object_set_new(
			item, "ports",
			sorted(json_incref(json_object_get(item, "ports")), compare_key));
		json_array_append(switches, item);
	}
	json_decref(by_uuid);
	return sorted(switches, compare_key);
}

static json_t *draw_chassis(const struct replica *sb)
{
	json_t *list = json_array();

	SB_CHASSIS_FOREACH(row, sb)
	{
		const struct ovsdb_datum *encaps = sb_chassis_encaps(row);
		json_t *tunnels = json_array();

		for (uint32_t i = 0; encaps && i < encaps->n; i++) {
			const struct sb_encap *encap = sb_encap_get(sb, &encaps->keys[i].uuid);

			if (encap)
				json_array_append_new(tunnels, json_pack("{s:s, s:s}", "type",
									 sb_encap_type(encap), "ip",
									 sb_encap_ip(encap)));
		}
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o}", "name", sb_chassis_name(row), "hostname",
					sb_chassis_hostname(row), "tunnels", tunnels));
	}
	return sorted(list, compare_name);
}

/* ---- this host ---- */

struct here {
	const char *run_dir; /* NULL: the default */
	const char *chassis;
};

/* The network can be shown from anywhere, so there need be no agent, unless one is asked for. */
static int open_maps(const struct here *here, struct datapath **ret, struct err *err)
{
	const char *run_dir = here->run_dir ?: getenv("HEDDLE_RUNDIR") ?: HOST_RUN_DIR;
	struct err why = ERR_INIT;
	int r = maps_open(run_dir, here->chassis, ret, &why);

	if (r == 0)
		return 0;
	if (here->run_dir || here->chassis)
		return err_set(err, r, "%s", why.text);
	if (r != -ENOENT)
		fprintf(stderr, "heddle show: this host's tunnels and interfaces are missing: %s\n",
			why.text);
	*ret = NULL;
	return 0;
}

static json_t *draw_interfaces(struct datapath *dp, const char *db)
{
	struct err err = ERR_INIT;
	json_t *list;

	if (interfaces_read(dp, db, &list, &err) == 0)
		return list;
	fprintf(stderr, "heddle show: this host's interfaces are missing: %s\n", err.text);
	return json_array();
}

/* ---- all of it ---- */

static json_t *draw(const struct replica *sb, struct datapath *dp, const char *db)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "switches", draw_switches(sb), "chassis",
			 draw_chassis(sb), "tunnels", dp ? tunnels_read(dp) : json_array(),
			 "interfaces", dp ? draw_interfaces(dp, db) : json_array());
}

/* ---- text ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static const char *name_of(const json_t *port)
{
	return text_of(port, "name");
}

/* OVN has no word for the first two. */
static const char *type_of(const json_t *port)
{
	const char *type = text_of(port, "type");

	if (*type)
		return type;
	return json_object_get(port, "parent") ? "container" : "vif";
}

static const char *chassis_of(const json_t *port)
{
	const char *chassis = text_of(port, "chassis");

	return *chassis ? chassis : "-";
}

static const char *state_of(const json_t *port)
{
	if (str_eq(text_of(port, "type"), "localport"))
		return "on every host";
	if (!*text_of(port, "chassis"))
		return "not bound";
	return json_is_true(json_object_get(port, "up")) ? "up" : "down";
}

static int widest(const json_t *list, const char *(*word)(const json_t *item), int least)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		int n = (int)strlen(word(item));

		if (n > least)
			least = n;
	}
	return least;
}

static void print_port(const json_t *port, int name_width, int type_width, int chassis_width)
{
	json_t *tag = json_object_get(port, "tag"), *address;
	size_t i;

	printf("  %5" JSON_INTEGER_FORMAT "  %-*s  %-*s  %-*s  %-13s", key_of(port), name_width,
	       name_of(port), type_width, type_of(port), chassis_width, chassis_of(port),
	       state_of(port));
	json_array_foreach(json_object_get(port, "addresses"), i, address)
		printf("%s%s", i ? ", " : "  ", json_string_value(address));
	if (json_object_get(port, "parent"))
		printf("  parent %s", text_of(port, "parent"));
	if (tag)
		printf("  tag %" JSON_INTEGER_FORMAT, json_integer_value(tag));
	putchar('\n');
}

static void print_tunnel(const json_t *tunnel)
{
	printf("tunnel %s > %s  %s", text_of(tunnel, "local"), text_of(tunnel, "remote"),
	       text_of(tunnel, "type"));
	if (json_object_get(tunnel, "device"))
		printf("  by %s, mtu %" JSON_INTEGER_FORMAT, text_of(tunnel, "device"),
		       json_integer_value(json_object_get(tunnel, "mtu")));
	printf("  %s\n", text_of(tunnel, "state"));
}

static json_int_t count_of(const json_t *interface, const char *key)
{
	return json_integer_value(json_object_get(interface, key));
}

static void print_interface(const json_t *interface)
{
	printf("interface %s > port %s  rx %" JSON_INTEGER_FORMAT " packets %" JSON_INTEGER_FORMAT
	       " bytes  tx %" JSON_INTEGER_FORMAT " packets %" JSON_INTEGER_FORMAT " bytes\n",
	       text_of(interface, "interface"), text_of(interface, "port"),
	       count_of(interface, "rx_packets"), count_of(interface, "rx_bytes"),
	       count_of(interface, "tx_packets"), count_of(interface, "tx_bytes"));
}

static void print_text(const json_t *picture)
{
	json_t *item, *part;
	size_t i, j;

	json_array_foreach(json_object_get(picture, "switches"), i, item)
	{
		const json_t *ports = json_object_get(item, "ports");
		int name_width = widest(ports, name_of, 4), type_width = widest(ports, type_of, 4);
		int chassis_width = widest(ports, chassis_of, 4);

		printf("switch %s  key %" JSON_INTEGER_FORMAT "\n", text_of(item, "name"),
		       key_of(item));
		if (json_array_size(ports))
			printf("  %5s  %-*s  %-*s  %-*s  %-13s  %s\n", "key", name_width, "port",
			       type_width, "type", chassis_width, "host", "state", "addresses");
		json_array_foreach(ports, j, part)
			print_port(part, name_width, type_width, chassis_width);
	}
	json_array_foreach(json_object_get(picture, "chassis"), i, item)
	{
		printf("host %s", text_of(item, "name"));
		if (!str_eq(text_of(item, "name"), text_of(item, "hostname")))
			printf(" (%s)", text_of(item, "hostname"));
		json_array_foreach(json_object_get(item, "tunnels"), j, part)
			printf("  %s %s", text_of(part, "type"), text_of(part, "ip"));
		putchar('\n');
	}
	json_array_foreach(json_object_get(picture, "tunnels"), i, item) print_tunnel(item);
	json_array_foreach(json_object_get(picture, "interfaces"), i, item) print_interface(item);
}

static void print(const json_t *picture, const char *format)
{
	if (str_eq(format, "json")) {
		json_dumpf(picture, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_text(picture);
	}
}

int show_main(int argc, char **argv)
{
	const char *sb = NULL, *db = NULL, *format = "text";
	struct here here = { 0 };
	struct datapath *dp = NULL;
	struct cli_words words;
	struct err err = ERR_INIT;
	long long timeout_s = 10;
	struct watch *watch;
	json_t *picture;
	/* clang-format off */
	const struct opt table[] = {
		{ "sb", 0, OPT_STRING, &sb, "REMOTES", "southbound database (default: $OVN_SB_DB, the local agent's, central's)" },
		{ "db", 0, OPT_STRING, &db, "REMOTE", "local database (default: as for \"heddle host\")" },
		{ "format", 'f', OPT_STRING, &format, "FORMAT", "text or json (default: text)" },
		{ "run-dir", 0, OPT_STRING, &here.run_dir, "DIR", "the local agent's run directory (default: $HEDDLE_RUNDIR, else " HOST_RUN_DIR ")" },
		{ "chassis", 'n', OPT_STRING, &here.chassis, "NAME", "the local chassis, where several share the run directory" },
		{ "timeout", 't', OPT_INT, &timeout_s, "SECONDS", "how long to wait (default: 10)", 1, 3600 },
		{ 0 },
	};
	/* clang-format on */
	const struct opts opts = {
		.usage = "heddle show [OPTION]...",
		.about =
			"Prints the switches and their ports: type, key, where they are bound, whether they are up; "
			"the hosts with their tunnel addresses; how this host's tunnels stand, and what went through its interfaces.",
		.table = table,
	};
	int r = cli_parse(&opts, "show", argc, argv, 0, &words);

	if (r >= 0)
		return r;
	if (!str_eq(format, "text") && !str_eq(format, "json")) {
		fprintf(stderr, "heddle show: --format is text or json, not \"%s\"\n", format);
		return 2;
	}
	if (open_maps(&here, &dp, &err) < 0)
		return cli_fail("show", &err);
	r = sbview_open(sb, db, (unsigned int)timeout_s * 1000, &watch, &err);
	if (r == 0) {
		picture = draw(watch_replica(watch), dp, db);
		print(picture, format);
		json_decref(picture);
		watch_close(watch);
	}
	datapath_close(dp);
	return r < 0 ? cli_fail("show", &err) : 0;
}
