/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "model/central_private.h"
#include "util/net.h"
#include "util/str.h"

/* Port_Group and Address_Set.  A northbound port group "web" becomes one southbound Port_Group
 * "<datapath key>_web" per datapath that has members, and the sets "web_ip4" and "web_ip6" of its members' addresses. */

#define SVC_SET "svc_monitor_mac"

const char *central_set_nb_name(const char *sb_name)
{
	const char *p = sb_name;

	while (isdigit((unsigned char)*p))
		p++;
	return p > sb_name && *p == '_' ? p + 1 : NULL;
}

static void add_string(struct ovsdb_datum *set, const struct ovsdb_column *column, const char *s)
{
	ovsdb_datum_insert(set, column, (union ovsdb_atom){ .string = (char *)s },
			   (union ovsdb_atom){ 0 });
}

/* ---- Port_Group ---- */

static const struct sb_port_group *find_sb(const struct central_plan *plan, const char *name)
{
	return sb_port_group_by_name(plan->sb, name);
}

static void write_part(struct central_plan *plan, struct central_set *set,
		       const struct central_datapath *datapath, const char *name, struct txn *txn)
{
	const struct ovsdb_column *column = &sb_port_group_columns[SB_PORT_GROUP_PORTS];
	const struct sb_port_group *have = find_sb(plan, name);
	struct ovsdb_datum ports = OVSDB_DATUM_EMPTY;
	struct central_row row;

	row = central_row_open(txn, &sb_port_group_table, have ? sb_port_group_row(have) : NULL);
	central_row_string(&row, &sb_port_group_columns[SB_PORT_GROUP_NAME], name);
	VEC_FOREACH(member, set->members)
		if ((*member)->datapath == datapath)
			add_string(&ports, column, central_port_name(*member));
	central_row_datum(&row, column, &ports);
	ovsdb_datum_done(&ports, column);
}

static bool first_of_datapath(const struct central_set *set, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (set->members.v[j]->datapath == set->members.v[i]->datapath)
			return false;
	return true;
}

static bool has_datapath_key(const struct central_set *set, long long key)
{
	VEC_FOREACH(member, set->members)
		if ((*member)->datapath && (*member)->datapath->key == key)
			return true;
	return false;
}

void central_set_drop(struct central_set *set, const struct uuid *sb)
{
	size_t kept = 0;

	VEC_FOREACH(other, set->sb)
		if (!uuid_eq(other, sb))
			set->sb.v[kept++] = *other;
	set->sb.n = kept;
}

bool central_set_adopt(struct central_set *set, const char *sb_name, const struct uuid *sb)
{
	if (!has_datapath_key(set, atoll(sb_name)))
		return false;
	central_set_drop(set, sb);
	VEC_ADD(set->sb, *sb);
	return true;
}

static void write_parts(struct central_plan *plan, struct central_set *set, struct txn *txn)
{
	const char *name = nb_port_group_name(set->row);

	VEC_FOREACH(uuid, set->sb) {
		const struct sb_port_group *row = sb_port_group_get(plan->sb, uuid);

		if (row && !has_datapath_key(set, atoll(sb_port_group_name(row))))
			sb_port_group_delete(txn, uuid);
	}
	for (size_t i = 0; i < set->members.n; i++) {
		const struct central_datapath *datapath = set->members.v[i]->datapath;
		AUTO_FREE char *part = NULL;

		if (!datapath || !datapath->key || !first_of_datapath(set, i))
			continue;
		part = xasprintf("%u_%s", datapath->key, name);
		write_part(plan, set, datapath, part, txn);
	}
}

/* ---- Address_Set ---- */

static void write_address_set(struct central_plan *plan, const char *name,
			      const struct ovsdb_datum *addresses, struct txn *txn)
{
	const struct sb_address_set *have = sb_address_set_by_name(plan->sb, name);
	struct central_row row = central_row_open(txn, &sb_address_set_table,
						  have ? sb_address_set_row(have) : NULL);

	central_row_string(&row, &sb_address_set_columns[SB_ADDRESS_SET_NAME], name);
	central_row_datum(&row, &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES], addresses);
}

/* "MAC IP...": the addresses up to the first word that is none, in their plain form. */
static void add_addresses(const char *text, struct ovsdb_datum sets[2])
{
	const struct ovsdb_column *column = &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES];
	AUTO_FREE char *words = xstrdup(text);
	char *save = NULL, *word = strtok_r(words, " ", &save);
	struct mac mac;
	struct ip ip;
	uint8_t prefix;

	if (!word || !mac_parse(word, &mac))
		return;
	while ((word = strtok_r(NULL, " ", &save)) && ip_parse_cidr(word, &ip, &prefix)) {
		char plain[IP_TEXT_SIZE];

		add_string(&sets[!ip_is_v4(&ip)], column, ip_format(&ip, plain));
	}
}

static void write_member_addresses(struct central_plan *plan, struct central_set *set,
				   struct txn *txn)
{
	const struct ovsdb_column *column = &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES];
	struct ovsdb_datum sets[2] = { OVSDB_DATUM_EMPTY, OVSDB_DATUM_EMPTY };
	static const char *const suffixes[] = { "_ip4", "_ip6" };

	VEC_FOREACH(member, set->members) {
		const struct ovsdb_datum *addresses = nb_lsp_addresses((*member)->lsp);
		const char *dynamic = nb_lsp_dynamic_addresses((*member)->lsp);

		for (uint32_t i = 0; i < addresses->n; i++)
			if (!strstr(addresses->keys[i].string, "dynamic"))
				add_addresses(addresses->keys[i].string, sets);
		if (dynamic)
			add_addresses(dynamic, sets);
	}
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *name = xasprintf("%s%s", nb_port_group_name(set->row), suffixes[i]);

		if (!nb_address_set_by_name(plan->nb, name))
			write_address_set(plan, name, &sets[i], txn);
		ovsdb_datum_done(&sets[i], column);
	}
}

void central_set_write(struct central_plan *plan, struct central_set *set, struct txn *txn)
{
	write_parts(plan, set, txn);
	write_member_addresses(plan, set, txn);
}

/* An explicit set has its name before the set of a port group and svc_monitor_mac, as in ovn-northd. */
void central_address_set_write(struct central_plan *plan, const struct uuid *nb, struct txn *txn)
{
	const struct nb_address_set *row = nb_address_set_get(plan->nb, nb);

	if (row)
		write_address_set(plan, nb_address_set_name(row), nb_address_set_addresses(row),
				  txn);
}

void central_svc_set_write(struct central_plan *plan, struct txn *txn)
{
	const struct ovsdb_column *column = &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES];
	struct ovsdb_datum addresses = OVSDB_DATUM_EMPTY;
	char mac[18];

	if (nb_address_set_by_name(plan->nb, SVC_SET))
		return;
	add_string(&addresses, column, central_svc_monitor_mac(plan, mac));
	write_address_set(plan, SVC_SET, &addresses, txn);
	ovsdb_datum_done(&addresses, column);
}

bool central_address_set_is_wanted(const struct central_plan *plan, const char *name)
{
	size_t length = strlen(name);
	AUTO_FREE char *group = NULL;

	if (str_eq(name, SVC_SET) || nb_address_set_by_name(plan->nb, name))
		return true;
	if (length < 4 ||
	    (!str_eq(name + length - 4, "_ip4") && !str_eq(name + length - 4, "_ip6")))
		return false;
	group = xstrndup(name, length - 4);
	return nb_port_group_by_name(plan->nb, group) != NULL;
}
