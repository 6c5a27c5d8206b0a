/* SPDX-License-Identifier: Apache-2.0 */
#include "model/chassis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ovsdb/datum.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/str.h"

/* ---- reading ---- */

static const struct ovsdb_datum *root_ids(const struct replica *ovs)
{
	const struct ovs_open_vswitch *root = ovs_open_vswitch_first(ovs);

	return root ? ovs_open_vswitch_external_ids(root) : NULL;
}

const char *chassis_config_get(const struct replica *ovs, const char *name, const char *key)
{
	const char *value = NULL;

	if (name) {
		AUTO_FREE char *own = xasprintf("%s-%s", key, name);

		value = ovsdb_smap_get(root_ids(ovs), own);
	}
	return value ?: ovsdb_smap_get(root_ids(ovs), key);
}

static bool next_word(const char **list, char *ret, size_t size)
{
	size_t n;

	*list += strspn(*list, ", ");
	n = strcspn(*list, ", ");
	if (n == 0)
		return false;
	snprintf(ret, size, "%.*s", (int)n, *list);
	*list += n;
	return true;
}

static bool has_encap(const struct chassis_config *config, const char *type, const struct ip *ip)
{
	for (size_t i = 0; i < config->n_encaps; i++)
		if (str_eq(config->encaps[i].type, type) && ip_eq(&config->encaps[i].ip, ip))
			return true;
	return false;
}

static void add_encaps(struct chassis_config *config, const char *type, const char *ips,
		       const char *default_ip)
{
	char text[IP_TEXT_SIZE + 8];
	struct ip ip;

	while (next_word(&ips, text, sizeof(text))) {
		struct chassis_encap *encap;

		if (!ip_parse(text, &ip)) {
			snprintf(config->problem, sizeof(config->problem),
				 "external_ids:ovn-encap-ip names \"%s\", which is no IP address",
				 text);
			continue;
		}
		if (!ip_is_v4(&ip)) {
			snprintf(config->problem, sizeof(config->problem),
				 "external_ids:ovn-encap-ip names %s: tunnels need an IPv4 address",
				 text);
			continue;
		}
		if (config->n_encaps == ARRAY_SIZE(config->encaps))
			return;
		if (has_encap(config, type, &ip))
			continue;
		encap = &config->encaps[config->n_encaps++];
		snprintf(encap->type, sizeof(encap->type), "%s", type);
		ip_format(&ip, encap->ip_text);
		encap->ip = ip;
		encap->is_default = str_eq(default_ip, encap->ip_text);
	}
}

static void read_encaps(const struct replica *ovs, struct chassis_config *config)
{
	const char *types = chassis_config_get(ovs, config->name, "ovn-encap-type");
	const char *ips = chassis_config_get(ovs, config->name, "ovn-encap-ip");
	const char *default_ip = chassis_config_get(ovs, config->name, "ovn-encap-ip-default");
	bool geneve = false, vxlan = false;
	char type[16];

	if (!types || !ips) {
		snprintf(
			config->problem, sizeof(config->problem),
			"external_ids:%s is not set: set it (ovs-vsctl set open . external_ids:%s)",
			types ? "ovn-encap-ip" : "ovn-encap-type",
			types ? "ovn-encap-ip=ADDRESS" : "ovn-encap-type=geneve");
		return;
	}
	while (next_word(&types, type, sizeof(type))) {
		if (str_eq(type, "geneve"))
			geneve = true;
		else if (str_eq(type, "vxlan"))
			vxlan = true;
		else
			snprintf(
				config->problem, sizeof(config->problem),
				"external_ids:ovn-encap-type names \"%s\": geneve and vxlan can be used",
				type);
	}
	/* The preferred one first, however they are listed. */
	if (geneve)
		add_encaps(config, "geneve", ips, default_ip);
	if (vxlan)
		add_encaps(config, "vxlan", ips, default_ip);
	if (config->n_encaps == 0 && !*config->problem)
		snprintf(config->problem, sizeof(config->problem),
			 "external_ids:ovn-encap-ip is empty");
}

static char *copy(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

void chassis_config_read(const struct replica *ovs, const char *name, const char *hostname,
			 struct chassis_config *ret)
{
	const char *own_hostname, *bridge;

	*ret = (struct chassis_config){ 0 };
	ret->name = copy(name ?: ovsdb_smap_get(root_ids(ovs), "system-id"));
	own_hostname = chassis_config_get(ovs, ret->name, "hostname");
	ret->hostname = xstrdup(own_hostname && *own_hostname ? own_hostname : hostname);
	ret->sb_remote = copy(chassis_config_get(ovs, ret->name, "ovn-remote"));
	ret->nb_remote = copy(chassis_config_get(ovs, ret->name, "ovn-nb-remote"));
	bridge = chassis_config_get(ovs, ret->name, "ovn-bridge");
	ret->bridge = xstrdup(bridge && *bridge ? bridge : "br-int");
	read_encaps(ovs, ret);
	if (!ret->sb_remote)
		snprintf(
			ret->problem, sizeof(ret->problem),
			"external_ids:ovn-remote is not set: set it to the southbound database's address");
	if (!ret->name)
		snprintf(ret->problem, sizeof(ret->problem),
			 "external_ids:system-id is not set: set it, or use --chassis NAME");
}

void chassis_config_done(struct chassis_config *config)
{
	free(config->name);
	free(config->hostname);
	free(config->sb_remote);
	free(config->nb_remote);
	free(config->bridge);
	*config = (struct chassis_config){ 0 };
}

/* ---- finding rows ---- */

static const struct sb_chassis *find_chassis(const struct replica *sb, const char *name)
{
	SB_CHASSIS_FOREACH(chassis, sb)
	if (str_eq(sb_chassis_name(chassis), name))
		return chassis;
	return NULL;
}

static const struct sb_chassis_private *find_private(const struct replica *sb, const char *name)
{
	SB_CHASSIS_PRIVATE_FOREACH(row, sb)
	if (str_eq(sb_chassis_private_name(row), name))
		return row;
	return NULL;
}

const struct uuid *chassis_find(const struct replica *sb, const char *name)
{
	const struct sb_chassis *chassis = find_chassis(sb, name);

	return chassis ? sb_chassis_uuid(chassis) : NULL;
}

const struct uuid *chassis_find_private(const struct replica *sb, const char *name)
{
	const struct sb_chassis_private *row = find_private(sb, name);

	return row ? sb_chassis_private_uuid(row) : NULL;
}

static const struct sb_encap *find_encap(const struct replica *sb, const char *type, const char *ip)
{
	SB_ENCAP_FOREACH(encap, sb)
	if (str_eq(sb_encap_type(encap), type) && str_eq(sb_encap_ip(encap), ip))
		return encap;
	return NULL;
}

const struct uuid *chassis_find_encap(const struct chassis_config *config, const struct replica *sb,
				      const char *encap_ip)
{
	if (config->n_encaps < 2)
		return NULL;
	for (size_t i = 0; i < config->n_encaps; i++) {
		const struct chassis_encap *encap = &config->encaps[i];
		bool meant = encap_ip ? str_eq(encap->ip_text, encap_ip) : encap->is_default;
		const struct sb_encap *row;

		row = meant ? find_encap(sb, encap->type, encap->ip_text) : NULL;
		if (row && str_eq(sb_encap_chassis_name(row), config->name))
			return sb_encap_uuid(row);
	}
	return NULL;
}

/* ---- writing ---- */

static void put(struct ovsdb_datum *map, const struct ovsdb_column *column, const char *key,
		const char *value)
{
	ovsdb_datum_insert(map, column, (union ovsdb_atom){ .string = (char *)key },
			   (union ovsdb_atom){ .string = (char *)value });
}

/* Options that others have set on our row stay, such as dst_port. */
static void keep_options(const struct ovsdb_datum *before, struct ovsdb_datum *ret)
{
	for (uint32_t i = 0; i < before->n; i++) {
		const char *key = before->keys[i].string;

		if (!str_eq(key, "csum") && !str_eq(key, "is_default"))
			put(ret, &sb_encap_columns[SB_ENCAP_OPTIONS], key,
			    before->values[i].string);
	}
}

static void encap_options(const struct chassis_config *config, const struct replica *ovs,
			  const struct chassis_encap *encap, const struct sb_encap *row,
			  struct ovsdb_datum *ret)
{
	const struct ovsdb_column *column = &sb_encap_columns[SB_ENCAP_OPTIONS];
	const char *csum = chassis_config_get(ovs, config->name, "ovn-encap-csum");

	if (row)
		keep_options(sb_encap_options(row), ret);
	put(ret, column, "csum", str_eq(csum, "false") ? "false" : "true");
	if (encap->is_default)
		put(ret, column, "is_default", "true");
}

static void add_uuid(struct ovsdb_datum *set, const struct uuid *uuid)
{
	ovsdb_datum_insert(set, &sb_chassis_columns[SB_CHASSIS_ENCAPS],
			   (union ovsdb_atom){ .uuid = *uuid }, (union ovsdb_atom){ 0 });
}

/* The rows of our encaps, made or brought up to date, as a set of references. */
static void write_encaps(const struct chassis_config *config, const struct replica *ovs,
			 const struct replica *sb, struct txn *txn, struct ovsdb_datum *ret,
			 char *ret_problem, size_t size)
{
	const struct ovsdb_column *column = &sb_encap_columns[SB_ENCAP_OPTIONS];

	for (size_t i = 0; i < config->n_encaps; i++) {
		const struct chassis_encap *encap = &config->encaps[i];
		const struct sb_encap *row = find_encap(sb, encap->type, encap->ip_text);
		struct ovsdb_datum options = OVSDB_DATUM_EMPTY;
		struct uuid uuid;

		if (row && !str_eq(sb_encap_chassis_name(row), config->name)) {
			snprintf(
				ret_problem, size,
				"%s address %s belongs to chassis %s already: give this one another",
				encap->type, encap->ip_text, sb_encap_chassis_name(row));
			continue;
		}
		encap_options(config, ovs, encap, row, &options);
		if (row) {
			uuid = *sb_encap_uuid(row);
		} else {
			uuid = sb_encap_insert(txn);
			sb_encap_set_type(txn, &uuid, encap->type);
			sb_encap_set_ip(txn, &uuid, encap->ip_text);
			sb_encap_set_chassis_name(txn, &uuid, config->name);
		}
		if (!row || !ovsdb_datum_eq(sb_encap_options(row), &options, column))
			sb_encap_set_options(txn, &uuid, &options);
		ovsdb_datum_done(&options, column);
		add_uuid(ret, &uuid);
	}
}

/* clang-format off */
/* Chassis.other_config: settings that are echoed (key there, key here, default) ... */
static const struct echo {
	const char *key;
	const char *from;
	const char *absent;
} echoes[] = {
	{ "ovn-bridge-mappings",          "ovn-bridge-mappings",          "" },
	{ "ovn-cms-options",              "ovn-cms-options",              "" },
	{ "ovn-chassis-mac-mappings",     "ovn-chassis-mac-mappings",     "" },
	{ "ovn-monitor-all",              "ovn-monitor-all",              "true" },
	{ "is-interconn",                 "ovn-is-interconn",             "false" },
	{ "ovn-enable-lflow-cache",       "ovn-enable-lflow-cache",       "true" },
	{ "ovn-limit-lflow-cache",        "ovn-limit-lflow-cache",        "" },
	{ "ovn-memlimit-lflow-cache-kb",  "ovn-memlimit-lflow-cache-kb",  "" },
	{ "ovn-trim-limit-lflow-cache",   "ovn-trim-limit-lflow-cache",   "" },
	{ "ovn-trim-wmark-perc-lflow-cache", "ovn-trim-wmark-perc-lflow-cache", "" },
	{ "ovn-trim-timeout-ms",          "ovn-trim-timeout-ms",          "" },
};

/* ... and what we can do.  northd takes the modern form of its flows only when every chassis can; we execute
 * none, so that we stand in nobody's way. */
static const char *const features[] = {
	"port-up-notif", "ct-no-masked-label", "mac-binding-timestamp", "ovn-ct-lb-related",
	"fdb-timestamp", "ls-dpg-column", "ct-commit-nat-v2", "ct-commit-to-zone", "ct-next-zone",
	"ct-state-save", "ovn-sample-with-registers", "ct-label-flush",
};
/* clang-format on */

static const char *datapath_type(const struct chassis_config *config, const struct replica *ovs)
{
	OVS_BRIDGE_FOREACH(bridge, ovs)
	if (str_eq(ovs_bridge_name(bridge), config->bridge))
		return ovs_bridge_datapath_type(bridge);
	return "";
}

static void other_config(const struct chassis_config *config, const struct replica *ovs,
			 struct ovsdb_datum *ret)
{
	const struct ovsdb_column *column = &sb_chassis_columns[SB_CHASSIS_OTHER_CONFIG];

	for (size_t i = 0; i < ARRAY_SIZE(echoes); i++)
		put(ret, column, echoes[i].key,
		    chassis_config_get(ovs, config->name, echoes[i].from) ?: echoes[i].absent);
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		put(ret, column, features[i], "true");
	put(ret, column, "datapath-type", datapath_type(config, ovs));
	put(ret, column, "iface-types", "geneve,internal,system");
}

static void transport_zones(const struct chassis_config *config, const struct replica *ovs,
			    struct ovsdb_datum *ret)
{
	const char *zones = chassis_config_get(ovs, config->name, "ovn-transport-zones") ?: "";
	char zone[256];

	while (next_word(&zones, zone, sizeof(zone)))
		ovsdb_datum_insert(ret, &sb_chassis_columns[SB_CHASSIS_TRANSPORT_ZONES],
				   (union ovsdb_atom){ .string = zone }, (union ovsdb_atom){ 0 });
}

/* Sets the column if the row (NULL: a new one) differs; gives up want. */
static void write_datum(const struct sb_chassis *row, const struct uuid *uuid, unsigned int index,
			struct ovsdb_datum *want, struct txn *txn)
{
	const struct ovsdb_column *column = &sb_chassis_columns[index];

	if (!row || !ovsdb_datum_eq(row_datum(sb_chassis_row(row), column), want, column))
		txn_set(txn, &sb_chassis_table, uuid, column, want);
	ovsdb_datum_done(want, column);
}

static void write_private(const struct chassis_config *config, const struct replica *sb,
			  const struct uuid *chassis, struct txn *txn)
{
	const struct sb_chassis_private *row = find_private(sb, config->name);
	struct uuid uuid;

	if (row) {
		const struct uuid *before = sb_chassis_private_chassis(row);

		if (!before || !uuid_eq(before, chassis))
			sb_chassis_private_set_chassis(txn, sb_chassis_private_uuid(row), chassis);
		return;
	}
	uuid = sb_chassis_private_insert(txn);
	sb_chassis_private_set_name(txn, &uuid, config->name);
	sb_chassis_private_set_chassis(txn, &uuid, chassis);
}

void chassis_write(const struct chassis_config *config, const struct replica *ovs,
		   const struct replica *sb, struct txn *txn, char *ret_problem, size_t size)
{
	const struct sb_chassis *row = find_chassis(sb, config->name);
	struct ovsdb_datum encaps = OVSDB_DATUM_EMPTY, zones = OVSDB_DATUM_EMPTY,
			   other = OVSDB_DATUM_EMPTY;
	struct uuid uuid;

	*ret_problem = '\0';
	write_encaps(config, ovs, sb, txn, &encaps, ret_problem, size);
	if (encaps.n == 0)
		return;
	if (row) {
		uuid = *sb_chassis_uuid(row);
	} else {
		uuid = sb_chassis_insert(txn);
		sb_chassis_set_name(txn, &uuid, config->name);
	}
	if (!row || !str_eq(sb_chassis_hostname(row), config->hostname))
		sb_chassis_set_hostname(txn, &uuid, config->hostname);
	other_config(config, ovs, &other);
	transport_zones(config, ovs, &zones);
	write_datum(row, &uuid, SB_CHASSIS_ENCAPS, &encaps, txn);
	write_datum(row, &uuid, SB_CHASSIS_OTHER_CONFIG, &other, txn);
	write_datum(row, &uuid, SB_CHASSIS_TRANSPORT_ZONES, &zones, txn);
	write_private(config, sb, &uuid, txn);
}

void chassis_remove(const char *name, const struct replica *sb, struct txn *txn)
{
	const struct uuid *private = chassis_find_private(sb, name),
			  *chassis = chassis_find(sb, name);

	if (private)
		sb_chassis_private_delete(txn, private);
	if (chassis)
		sb_chassis_delete(txn, chassis);
}
