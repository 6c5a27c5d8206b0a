/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* Changed port groups and address sets -> marks. */

void central_leave_sets(struct central_plan *plan, struct central_port *port)
{
	VEC_FOREACH(set, port->sets) {
		size_t kept = 0;

		VEC_FOREACH(member, (*set)->members)
			if (*member != port)
				(*set)->members.v[kept++] = *member;
		(*set)->members.n = kept;
		central_mark_add(&plan->dirty_sets, &(*set)->mark);
	}
	VEC_CLEAR(port->sets);
}

static void empty_set(struct central_set *set)
{
	VEC_FOREACH(member, set->members) {
		size_t kept = 0;

		VEC_FOREACH(other, (*member)->sets)
			if (*other != set)
				(*member)->sets.v[kept++] = *other;
		(*member)->sets.n = kept;
	}
	VEC_CLEAR(set->members);
}

static void fill_set(struct central_plan *plan, struct central_set *set)
{
	const struct ovsdb_datum *ports = nb_port_group_ports(set->row);

	empty_set(set);
	for (uint32_t i = 0; i < ports->n; i++) {
		struct central_port *port = central_find_port(plan, &ports->keys[i].uuid);

		if (!port || !port->lsp)
			continue;
		VEC_ADD(set->members, port);
		VEC_ADD(port->sets, set);
	}
}

void central_set_free(struct central_plan *plan, struct central_set *set)
{
	empty_set(set);
	VEC_FOREACH(uuid, set->sb)
		central_suspect_uuid(plan, &sb_port_group_table, uuid);
	central_mark_remove(&set->mark);
	HASH_DEL(plan->sets, set);
	VEC_DONE(set->members);
	VEC_DONE(set->sb);
	free(set);
}

static void suspect_address_set(struct central_plan *plan, const char *name, const char *suffix)
{
	AUTO_FREE char *full = xasprintf("%s%s", name, suffix);
	const struct sb_address_set *row = sb_address_set_by_name(plan->sb, full);

	if (row)
		central_suspect(plan, sb_address_set_row(row));
}

/* The port group that yields the address set of this name, or NULL. */
static struct central_set *set_of_addresses(const struct central_plan *plan, const char *name)
{
	size_t length = strlen(name);
	AUTO_FREE char *group = length > 4 ? xstrndup(name, length - 4) : NULL;

	return central_set_by_name(plan, group);
}

/* Whoever yields a set of this name looks at it again. */
static void mark_addresses(struct central_plan *plan, const char *name)
{
	const struct nb_address_set *nb = nb_address_set_by_name(plan->nb, name);
	struct central_set *set = nb ? NULL : set_of_addresses(plan, name);

	if (nb)
		VEC_ADD(plan->address_sets, *nb_address_set_uuid(nb));
	if (set)
		central_mark_add(&plan->dirty_sets, &set->mark);
	plan->svc_set_dirty = true;
}

static struct central_set *new_set(struct central_plan *plan, const struct uuid *nb)
{
	struct central_set *set = xcalloc(1, sizeof(*set));

	set->nb = *nb;
	central_mark_init(&set->mark);
	HASH_ADD(hh, plan->sets, nb, sizeof(set->nb), set);
	return set;
}

void central_see_nb_sets(struct central_plan *plan, bool all)
{
	struct central_set *set, *next;

	HASH_ITER(hh, plan->sets, set, next)
	if (all && !nb_port_group_get(plan->nb, &set->nb))
		central_set_free(plan, set);
	CENTRAL_EACH(nb_port_group, row, plan->nb, all)
	{
		set = central_find_set(plan, nb_port_group_uuid(row));
		if (!all && nb_port_group_change(row) == ROW_DELETED) {
			suspect_address_set(plan, nb_port_group_name(row), "_ip4");
			suspect_address_set(plan, nb_port_group_name(row), "_ip6");
			if (set)
				central_set_free(plan, set);
			continue;
		}
		if (!set)
			set = new_set(plan, nb_port_group_uuid(row));
		if (!all)
			central_forgive(plan, CENTRAL_KIND_SET, &set->nb);
		set->row = row;
		fill_set(plan, set);
		central_mark_add(&plan->dirty_sets, &set->mark);
	}
	CENTRAL_EACH(nb_address_set, row, plan->nb, all)
	{
		if (!all && nb_address_set_change(row) == ROW_DELETED)
			suspect_address_set(plan, nb_address_set_name(row), "");
		if (!all)
			central_forgive(plan, CENTRAL_KIND_ADDRESS_SET, nb_address_set_uuid(row));
		mark_addresses(plan, nb_address_set_name(row));
	}
}

void central_see_sb_sets(struct central_plan *plan, bool all)
{
	for (struct central_set *set = plan->sets; all && set; set = set->hh.next)
		VEC_CLEAR(set->sb);
	CENTRAL_EACH(sb_port_group, row, plan->sb, all)
	{
		const struct uuid *uuid = sb_port_group_uuid(row);
		struct central_set *set =
			central_set_by_name(plan, central_set_nb_name(sb_port_group_name(row)));

		if (set) {
			if (!all && sb_port_group_change(row) != ROW_INSERTED)
				central_set_drop(set, uuid);
			central_mark_add(&plan->dirty_sets, &set->mark);
		}
		if (!all && sb_port_group_change(row) == ROW_DELETED)
			continue;
		if (set)
			VEC_ADD(set->sb, *uuid);
		else
			central_suspect(plan, sb_port_group_row(row));
	}
	CENTRAL_EACH(sb_address_set, row, plan->sb, all)
	{
		mark_addresses(plan, sb_address_set_name(row));
		if (all || sb_address_set_change(row) != ROW_DELETED)
			central_suspect(plan, sb_address_set_row(row));
	}
}
