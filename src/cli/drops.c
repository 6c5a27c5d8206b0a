/* SPDX-License-Identifier: Apache-2.0 */
/* heddle drops: the counters that the programs keep, with the names that the southbound database has. */
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/maps.h"
#include "cli/sbview.h"
#include "dp/datapath.h"
#include "host/host.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

enum {
	NAMES_TIMEOUT_MS = 2000, /* the counters are worth showing without names */
};

struct drop {
	struct dp_drop_key key;
	uint64_t packets;
};

struct drops {
	VEC(struct drop) list;
};

static void collect(void *arg, const struct dp_drop_key *key, uint64_t packets)
{
	struct drops *drops = arg;

	if (packets)
		VEC_ADD(drops->list, ((struct drop){ .key = *key, .packets = packets }));
}

static int compare(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static const struct sb_datapath_binding *find_datapath(const struct replica *sb, uint32_t key)
{
	SB_DATAPATH_BINDING_FOREACH(row, sb)
	if (sb_datapath_binding_tunnel_key(row) == key)
		return row;
	return NULL;
}

static const char *find_port(const struct replica *sb, const struct sb_datapath_binding *datapath,
			     uint32_t key)
{
	SB_PORT_BINDING_FOREACH(row, sb)
	{
		const struct uuid *at = sb_port_binding_datapath(row);

		if (at && uuid_eq(at, sb_datapath_binding_uuid(datapath)) &&
		    sb_port_binding_tunnel_key(row) == key)
			return sb_port_binding_logical_port(row);
	}
	return NULL;
}

/* sb is NULL when there is no southbound database to ask. */
static json_t *draw(const struct replica *sb, const struct drop *drop)
{
	const struct sb_datapath_binding *datapath;
	char switch_name[128] = "", device[IF_NAMESIZE] = "";
	const char *port = NULL;

	if (drop->key.datapath == 0) {
		if (!if_indextoname(drop->key.port_key, device))
			snprintf(device, sizeof(device), "%u", drop->key.port_key);
		return json_pack("{s:s, s:s, s:s, s:I}", "device", device, "reason",
				 dp_drop_name(drop->key.reason), "text",
				 dp_drop_text(drop->key.reason), "packets",
				 (json_int_t)drop->packets);
	}
	datapath = sb ? find_datapath(sb, drop->key.datapath) : NULL;
	if (datapath) {
		sbview_switch_name(datapath, switch_name, sizeof(switch_name));
		port = find_port(sb, datapath, drop->key.port_key);
	}
	return json_pack("{s:s?, s:s?, s:I, s:I, s:s, s:s, s:I}", "switch",
			 *switch_name ? switch_name : NULL, "port", port, "switch_key",
			 (json_int_t)drop->key.datapath, "port_key", (json_int_t)drop->key.port_key,
			 "reason", dp_drop_name(drop->key.reason), "text",
			 dp_drop_text(drop->key.reason), "packets", (json_int_t)drop->packets);
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void print_text(const json_t *list)
{
	json_t *drop;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("nothing was dropped");
		return;
	}
	printf("%10s  %-20s  %-20s  %s\n", "packets", "where", "reason", "what it means");
	json_array_foreach(list, i, drop)
	{
		char where[160];

		if (text_of(drop, "device"))
			snprintf(where, sizeof(where), "device %s", text_of(drop, "device"));
		else if (text_of(drop, "port"))
			snprintf(where, sizeof(where), "%s", text_of(drop, "port"));
		else
			snprintf(where, sizeof(where), "%s key %" JSON_INTEGER_FORMAT,
				 text_of(drop, "switch") ?: "switch ?",
				 json_integer_value(json_object_get(drop, "port_key")));
		printf("%10" JSON_INTEGER_FORMAT "  %-20s  %-20s  %s\n",
		       json_integer_value(json_object_get(drop, "packets")), where,
		       text_of(drop, "reason"), text_of(drop, "text"));
	}
}

static int read_drops(const char *run_dir, const char *chassis, struct drops *ret, struct err *err)
{
	struct datapath *dp;
	int r = maps_open(run_dir, chassis, &dp, err);

	if (r < 0)
		return r;
	r = datapath_each_drop(dp, collect, ret);
	datapath_close(dp);
	if (r < 0)
		return err_set(err, r, "cannot read the counters: %s", strerror(-r));
	if (ret->list.n)
		qsort(ret->list.v, ret->list.n, sizeof(*ret->list.v), compare);
	return 0;
}

int drops_main(int argc, char **argv)
{
	const char *sb = NULL, *db = NULL, *format = "text", *run_dir = getenv("HEDDLE_RUNDIR") ?: HOST_RUN_DIR,
		   *chassis = NULL;
	struct drops drops = { 0 };
	struct watch *watch = NULL;
	struct cli_words words;
	struct err err = ERR_INIT;
	json_t *list = json_array();
	/* clang-format off */
	const struct opt table[] = {
		{ "run-dir", 0, OPT_STRING, &run_dir, "DIR", "the agent's run directory (default: $HEDDLE_RUNDIR, else " HOST_RUN_DIR ")" },
		{ "chassis", 'n', OPT_STRING, &chassis, "NAME", "the chassis, where several share the run directory" },
		{ "sb", 0, OPT_STRING, &sb, "REMOTES", "southbound database, for names (default: as for \"heddle show\")" },
		{ "db", 0, OPT_STRING, &db, "REMOTE", "local database (default: as for \"heddle host\")" },
		{ "format", 'f', OPT_STRING, &format, "FORMAT", "text or json (default: text)" },
		{ 0 },
	};
	/* clang-format on */
	const struct opts opts = {
		.usage = "heddle drops [OPTION]...",
		.about = "Prints which packets this host has dropped: how many, where, and why.",
		.table = table,
	};
	int r = cli_parse(&opts, "drops", argc, argv, 0, &words);

	if (r >= 0)
		goto out;
	r = 0;
	if (!str_eq(format, "text") && !str_eq(format, "json")) {
		fprintf(stderr, "heddle drops: --format is text or json, not \"%s\"\n", format);
		r = 2;
		goto out;
	}
	if (read_drops(run_dir, chassis, &drops, &err) < 0) {
		r = cli_fail("drops", &err);
		goto out;
	}
	if (drops.list.n && sbview_open(sb, db, NAMES_TIMEOUT_MS, &watch, &err) < 0)
		fprintf(stderr, "heddle drops: names are missing: %s\n", err.text);
	VEC_FOREACH(drop, drops.list)
		json_array_append_new(list, draw(watch ? watch_replica(watch) : NULL, drop));
	watch_close(watch);
	if (str_eq(format, "json")) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_text(list);
	}
out:
	VEC_DONE(drops.list);
	json_decref(list);
	return r;
}
