/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/central_private.h"

/* Marked objects -> operations.  One function per kind of object takes the next one; they run until nothing is
 * left, or, after the server refused the whole, until one object has something to be written. */

/* False: there is none left.  ret is what was looked at. */
typedef bool write_next(struct central_plan *plan, struct txn *txn, struct central_object *ret);

/* Says which object this is; true if it is to be left out. */
static bool is_left_out(const struct central_plan *plan, enum central_kind kind,
			const struct uuid *uuid, struct central_object *ret)
{
	*ret = (struct central_object){ kind, *uuid };
	return central_is_set_aside(plan, kind, uuid);
}

static bool is_wanted(const struct central_plan *plan, const struct row *row)
{
	if (row_table(row) == &sb_port_binding_table) {
		const struct sb_port_binding *sb = sb_port_binding_from_row(row);
		const char *name = sb_port_binding_logical_port(sb);
		const struct central_port *port = central_port_by_name(plan, name);

		return port ? port->sb == sb : central_redirect_is_wanted(plan, sb);
	}
	if (row_table(row) == &sb_datapath_binding_table) {
		const struct sb_datapath_binding *sb = sb_datapath_binding_from_row(row);
		const struct central_datapath *datapath = central_datapath_of_sb(plan, sb);

		return datapath && datapath->sb == sb;
	}
	if (row_table(row) == &sb_multicast_group_table)
		return central_group_is_wanted(plan, sb_multicast_group_from_row(row));
	if (row_table(row) == &sb_port_group_table) {
		const char *name = sb_port_group_name(sb_port_group_from_row(row));
		struct central_set *set = central_set_by_name(plan, central_set_nb_name(name));

		return set && central_set_adopt(set, name, row_uuid(row));
	}
	return central_address_set_is_wanted(plan,
					     sb_address_set_name(sb_address_set_from_row(row)));
}

static bool next_superfluous(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	struct central_candidate candidate;
	const struct row *row;

	if (!plan->candidates.n)
		return false;
	candidate = plan->candidates.v[--plan->candidates.n];
	row = replica_get(plan->sb, candidate.table, &candidate.uuid);
	if (!is_left_out(plan, CENTRAL_KIND_SUPERFLUOUS, &candidate.uuid, ret) && row &&
	    !is_wanted(plan, row))
		txn_delete(txn, candidate.table, &candidate.uuid);
	return true;
}

static bool next_datapath(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	struct central_mark *mark = central_mark_pop(&plan->dirty_datapaths);
	struct central_datapath *datapath;

	if (!mark)
		return false;
	datapath = CENTRAL_OF(mark, struct central_datapath, mark);
	if (!is_left_out(plan, CENTRAL_KIND_DATAPATH, &datapath->nb, ret))
		central_datapath_write(plan, datapath, txn);
	central_datapath_port_keys(plan, datapath);
	if (datapath->addresses_dirty)
		central_datapath_check_addresses(plan, datapath);
	datapath->addresses_dirty = false;
	central_mark_add(&plan->dirty_groups, &datapath->groups_mark);
	return true;
}

static bool next_port(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	struct central_mark *mark = central_mark_pop(&plan->dirty_sb_ports);
	struct central_port *port;

	if (!mark)
		return false;
	port = CENTRAL_OF(mark, struct central_port, sb_mark);
	if (!is_left_out(plan, CENTRAL_KIND_PORT, &port->nb, ret))
		central_port_write(plan, port, txn);
	return true;
}

static bool next_groups(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	struct central_mark *mark = central_mark_pop(&plan->dirty_groups);
	struct central_datapath *datapath;

	if (!mark)
		return false;
	datapath = CENTRAL_OF(mark, struct central_datapath, groups_mark);
	if (!is_left_out(plan, CENTRAL_KIND_GROUPS, &datapath->nb, ret))
		central_datapath_write_groups(plan, datapath, txn);
	return true;
}

static bool next_svc_set(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	if (!plan->svc_set_dirty)
		return false;
	plan->svc_set_dirty = false;
	if (!is_left_out(plan, CENTRAL_KIND_SVC_SET, &(struct uuid){ 0 }, ret))
		central_svc_set_write(plan, txn);
	return true;
}

static bool next_address_set(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	struct uuid uuid;

	if (!plan->address_sets.n)
		return false;
	uuid = plan->address_sets.v[--plan->address_sets.n];
	if (!is_left_out(plan, CENTRAL_KIND_ADDRESS_SET, &uuid, ret))
		central_address_set_write(plan, &uuid, txn);
	return true;
}

static bool next_set(struct central_plan *plan, struct txn *txn, struct central_object *ret)
{
	struct central_mark *mark = central_mark_pop(&plan->dirty_sets);
	struct central_set *set;

	if (!mark)
		return false;
	set = CENTRAL_OF(mark, struct central_set, mark);
	if (!is_left_out(plan, CENTRAL_KIND_SET, &set->nb, ret))
		central_set_write(plan, set, txn);
	return true;
}

/* After the ports, which hold on to it and may have moved. */
static bool next_superfluous_datapath(struct central_plan *plan, struct txn *txn,
				      struct central_object *ret)
{
	const struct row *row;
	struct uuid uuid;

	if (!plan->datapath_candidates.n)
		return false;
	uuid = plan->datapath_candidates.v[--plan->datapath_candidates.n];
	row = replica_get(plan->sb, &sb_datapath_binding_table, &uuid);
	if (!is_left_out(plan, CENTRAL_KIND_SUPERFLUOUS, &uuid, ret) && row &&
	    !is_wanted(plan, row))
		central_datapath_purge(txn, &uuid);
	return true;
}

/* In this order a row is there before another one of a transaction of its own refers to it. */
static write_next *const writers[] = {
	next_superfluous, next_datapath,    next_port, next_groups,
	next_svc_set,     next_address_set, next_set,  next_superfluous_datapath,
};

static int compare_uuids(const void *a, const void *b)
{
	return uuid_cmp(a, b);
}

/* A set may have changed on both sides: one that is inserted is inserted once. */
static void drop_duplicate_sets(struct central_plan *plan)
{
	struct uuid *v = plan->address_sets.v;
	size_t kept = 0;

	if (plan->address_sets.n)
		qsort(v, plan->address_sets.n, sizeof(*v), compare_uuids);
	for (size_t i = 0; i < plan->address_sets.n; i++)
		if (!kept || !uuid_eq(&v[kept - 1], &v[i]))
			v[kept++] = v[i];
	plan->address_sets.n = kept;
}

static void write_sb(struct central_plan *plan, struct txn *txn, int64_t wall_ms)
{
	if (plan->all_dirty)
		central_plan_update(plan);
	if (plan->datapath_keys_dirty)
		central_datapath_keys(plan);
	plan->datapath_keys_dirty = false;
	drop_duplicate_sets(plan);
	for (size_t i = 0; i < ARRAY_SIZE(writers); i++)
		while (writers[i](plan, txn, &plan->written))
			if (plan->singly && !txn_is_empty(txn))
				return;
	/* Last: nb_cfg says that the above was written. */
	if (!plan->global_dirty)
		return;
	plan->global_dirty = false;
	if (!is_left_out(plan, CENTRAL_KIND_GLOBAL, &(struct uuid){ 0 }, &plan->written))
		central_global_write_sb(plan, txn, wall_ms);
}

void central_plan_write_sb(struct central_plan *plan, struct txn *txn, int64_t wall_ms)
{
	plan->singly = false;
	write_sb(plan, txn, wall_ms);
}

void central_plan_write_sb_singly(struct central_plan *plan, struct txn *txn, int64_t wall_ms)
{
	plan->singly = true;
	write_sb(plan, txn, wall_ms);
}

void central_plan_write_nb(struct central_plan *plan, struct txn *txn, int64_t wall_ms)
{
	struct central_mark *mark;

	if (plan->all_dirty)
		central_plan_update(plan);
	if (plan->nb_global_dirty)
		central_global_write_nb(plan, txn, wall_ms);
	plan->nb_global_dirty = false;
	plan->tag_given = false;
	while ((mark = central_mark_pop(&plan->late_nb_ports)))
		central_mark_add(&plan->dirty_nb_ports, mark);
	while ((mark = central_mark_pop(&plan->dirty_nb_ports)))
		central_port_write_back(plan, CENTRAL_OF(mark, struct central_port, nb_mark), txn);
}
