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

/* ---- Port_Group ---- */

struct part {
	const struct central_datapath *datapath;
	const char *port;
};

/* The members by datapath, those of one beside each other. */
struct parts {
	VEC(struct part) list;
};

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->datapath->key > y->datapath->key) - (x->datapath->key < y->datapath->key);
}

static struct parts find_parts(const struct central_set *set)
{
	struct parts parts = { VEC_INIT };

	VEC_FOREACH(member, set->members)
		if ((*member)->datapath && (*member)->datapath->key)
			VEC_ADD(parts.list,
				((struct part){ (*member)->datapath, central_port_name(*member) }));
	if (parts.list.n)
		qsort(parts.list.v, parts.list.n, sizeof(*parts.list.v), compare_parts);
	return parts;
}

static bool has_part(const struct parts *parts, long long key)
{
	size_t low = 0, high = parts->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (parts->list.v[middle].datapath->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < parts->list.n && parts->list.v[low].datapath->key == key;
}

/* Writes the part that begins at index first; returns where the next one does. */
static size_t write_part(struct central_plan *plan, const struct central_set *set,
			 const struct parts *parts, size_t first, struct txn *txn)
{
	const struct central_datapath *datapath = parts->list.v[first].datapath;
	AUTO_FREE char *name = xasprintf("%u_%s", datapath->key, nb_port_group_name(set->row));
	const struct sb_port_group *have = sb_port_group_by_name(plan->sb, name);
	struct central_row row =
		central_row_open(txn, &sb_port_group_table, have ? sb_port_group_row(have) : NULL);
	struct central_strings ports = { VEC_INIT };
	size_t i;

	for (i = first; i < parts->list.n && parts->list.v[i].datapath == datapath; i++)
		VEC_ADD(ports.atoms,
			((union ovsdb_atom){ .string = (char *)parts->list.v[i].port }));
	central_row_string(&row, &sb_port_group_columns[SB_PORT_GROUP_NAME], name);
	central_row_strings(&row, &sb_port_group_columns[SB_PORT_GROUP_PORTS], &ports);
	VEC_DONE(ports.atoms);
	return i;
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
	struct parts parts = find_parts(set);

	VEC_FOREACH(uuid, set->sb) {
		const struct sb_port_group *row = sb_port_group_get(plan->sb, uuid);

		if (row && !has_part(&parts, atoll(sb_port_group_name(row))))
			sb_port_group_delete(txn, uuid);
	}
	for (size_t i = 0; i < parts.list.n;)
		i = write_part(plan, set, &parts, i, txn);
	VEC_DONE(parts.list);
}

/* ---- Address_Set ---- */

static struct central_row open_address_set(struct central_plan *plan, const char *name,
					   struct txn *txn)
{
	const struct sb_address_set *have = sb_address_set_by_name(plan->sb, name);
	struct central_row row = central_row_open(txn, &sb_address_set_table,
						  have ? sb_address_set_row(have) : NULL);

	central_row_string(&row, &sb_address_set_columns[SB_ADDRESS_SET_NAME], name);
	return row;
}

/* "MAC IP...": the addresses up to the first word that is none, in their plain form. */
static void add_addresses(const char *text, struct central_strings sets[2])
{
	AUTO_FREE char *words = xstrdup(text);
	char *save = NULL, *word = strtok_r(words, " ", &save);
	struct mac mac;
	struct ip ip;
	uint8_t prefix;

	if (!word || !mac_parse(word, &mac))
		return;
	while ((word = strtok_r(NULL, " ", &save)) && ip_parse_cidr(word, &ip, &prefix)) {
		char plain[IP_TEXT_SIZE];

		VEC_ADD(sets[!ip_is_v4(&ip)].atoms,
			((union ovsdb_atom){ .string = xstrdup(ip_format(&ip, plain)) }));
	}
}

static void add_member(const struct central_port *member, struct central_strings sets[2])
{
	const struct ovsdb_datum *addresses = nb_lsp_addresses(member->lsp);
	const char *dynamic = nb_lsp_dynamic_addresses(member->lsp);

	for (uint32_t i = 0; i < addresses->n; i++)
		if (!strstr(addresses->keys[i].string, "dynamic"))
			add_addresses(addresses->keys[i].string, sets);
	if (dynamic)
		add_addresses(dynamic, sets);
}

static void write_member_addresses(struct central_plan *plan, struct central_set *set,
				   struct txn *txn)
{
	static const char *const suffixes[] = { "_ip4", "_ip6" };
	struct central_strings sets[2] = { { VEC_INIT }, { VEC_INIT } };

	VEC_FOREACH(member, set->members)
		add_member(*member, sets);
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *name = xasprintf("%s%s", nb_port_group_name(set->row), suffixes[i]);
		struct central_strings borrowed = { VEC_INIT };
		struct central_row row;

		if (!nb_address_set_by_name(plan->nb, name)) {
			VEC_FOREACH(atom, sets[i].atoms)
				VEC_ADD(borrowed.atoms, *atom);
			row = open_address_set(plan, name, txn);
			central_row_strings(&row, &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES],
					    &borrowed);
		}
		VEC_DONE(borrowed.atoms);
		VEC_FOREACH(atom, sets[i].atoms)
			free(atom->string);
		VEC_DONE(sets[i].atoms);
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
	const struct nb_address_set *set = nb_address_set_get(plan->nb, nb);
	const struct ovsdb_datum *addresses = set ? nb_address_set_addresses(set) : NULL;
	struct central_strings strings = { VEC_INIT };
	struct central_row row;

	if (!set)
		return;
	for (uint32_t i = 0; i < addresses->n; i++)
		VEC_ADD(strings.atoms, addresses->keys[i]);
	row = open_address_set(plan, nb_address_set_name(set), txn);
	central_row_strings(&row, &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES], &strings);
	VEC_DONE(strings.atoms);
}

void central_svc_set_write(struct central_plan *plan, struct txn *txn)
{
	struct central_row row;
	char mac[18];

	if (nb_address_set_by_name(plan->nb, SVC_SET))
		return;
	row = open_address_set(plan, SVC_SET, txn);
	central_row_string(&row, &sb_address_set_columns[SB_ADDRESS_SET_ADDRESSES],
			   central_svc_monitor_mac(plan, mac));
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
