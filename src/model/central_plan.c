/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* The plan's objects: which there are, which rows they stand for, and which must be looked at again.
 *
 * central_plan_update() walks the changed rows of both replicas, northbound first, and turns each into marks on
 * objects.  The writers then take the marked objects one by one.  All that is decided by comparison with the rows
 * that exist, so a mark too many costs time and nothing else.
 *
 * Some changes would need the old value of a row to be followed (a port's name, for instance), or are
 * so rare that a path of their own would never be exercised.  They make everything count as changed ("all"
 * below): the same functions then walk all rows instead of the changed ones. */

/* ---- marks: intrusive lists; an object that is in none points at itself ---- */

void central_mark_init(struct central_mark *list)
{
	list->prev = list->next = list;
}

void central_mark_add(struct central_mark *list, struct central_mark *mark)
{
	if (mark->next != mark)
		return;
	mark->prev = list->prev;
	mark->next = list;
	list->prev->next = mark;
	list->prev = mark;
}

void central_mark_remove(struct central_mark *mark)
{
	mark->prev->next = mark->next;
	mark->next->prev = mark->prev;
	central_mark_init(mark);
}

struct central_mark *central_mark_pop(struct central_mark *list)
{
	struct central_mark *mark = list->next;

	if (mark == list)
		return NULL;
	central_mark_remove(mark);
	return mark;
}

void central_mark_sb(struct central_plan *plan, struct central_port *port)
{
	central_mark_add(&plan->dirty_sb_ports, &port->sb_mark);
}

void central_mark_nb(struct central_plan *plan, struct central_port *port)
{
	central_mark_add(&plan->dirty_nb_ports, &port->nb_mark);
}

void central_mark_datapath(struct central_plan *plan, struct central_datapath *datapath)
{
	if (datapath)
		central_mark_add(&plan->dirty_datapaths, &datapath->mark);
}

void central_mark_sets(struct central_plan *plan, struct central_port *port)
{
	VEC_FOREACH(set, port->sets)
		central_mark_add(&plan->dirty_sets, &(*set)->mark);
}

/* ---- lookup ---- */

struct central_datapath *central_find_datapath(const struct central_plan *plan,
					       const struct uuid *nb)
{
	struct central_datapath *datapath;

	HASH_FIND(hh, plan->datapaths, nb, sizeof(*nb), datapath);
	return datapath;
}

struct central_port *central_find_port(const struct central_plan *plan, const struct uuid *nb)
{
	struct central_port *port;

	HASH_FIND(hh, plan->ports, nb, sizeof(*nb), port);
	return port;
}

struct central_datapath *central_datapath_of_sb(const struct central_plan *plan,
						const struct sb_datapath_binding *sb)
{
	const struct ovsdb_datum *ids = sb_datapath_binding_external_ids(sb);
	const char *text =
		ovsdb_smap_get(ids, "logical-switch") ?: ovsdb_smap_get(ids, "logical-router");
	struct uuid uuid;

	return text && uuid_parse(text, &uuid) ? central_find_datapath(plan, &uuid) : NULL;
}

struct central_port *central_port_by_name(const struct central_plan *plan, const char *name)
{
	const struct nb_lsp *lsp = nb_lsp_by_name(plan->nb, name);
	struct central_port *port = lsp ? central_find_port(plan, nb_lsp_uuid(lsp)) : NULL;
	const struct nb_lrp *lrp;

	if (port)
		return port;
	lrp = nb_lrp_by_name(plan->nb, name);
	return lrp ? central_find_port(plan, nb_lrp_uuid(lrp)) : NULL;
}

struct central_set *central_find_set(const struct central_plan *plan, const struct uuid *nb)
{
	struct central_set *set;

	HASH_FIND(hh, plan->sets, nb, sizeof(*nb), set);
	return set;
}

struct central_set *central_set_by_name(const struct central_plan *plan, const char *name)
{
	const struct nb_port_group *row = name ? nb_port_group_by_name(plan->nb, name) : NULL;

	return row ? central_find_set(plan, nb_port_group_uuid(row)) : NULL;
}

void central_problem(struct central_plan *plan, uint16_t *warned, enum central_problem problem,
		     const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;

	if (!format) {
		*warned &= (uint16_t)~problem;
		return;
	}
	if (*warned & problem || !plan->opts.warn)
		return;
	*warned |= (uint16_t)problem;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	plan->opts.warn(plan->opts.arg, text);
}

void central_suspect_uuid(struct central_plan *plan, const struct ovsdb_table *table,
			  const struct uuid *uuid)
{
	if (table == &sb_datapath_binding_table)
		VEC_ADD(plan->datapath_candidates, *uuid);
	else
		VEC_ADD(plan->candidates, ((struct central_candidate){ table, *uuid }));
}

void central_suspect(struct central_plan *plan, const struct row *row)
{
	central_suspect_uuid(plan, row_table(row), row_uuid(row));
}

/* ---- changes that are followed by looking at everything ---- */

#define ANY_UPDATE(x, replica, columns_)                                                \
	({                                                                              \
		bool found_ = false;                                                    \
		for (const struct x *row_ = x##_first_change(replica); row_ && !found_; \
		     row_ = x##_next_change(replica, row_))                             \
			found_ = x##_change(row_) == ROW_UPDATED &&                     \
				 (x##_changed_columns(row_) & (columns_));              \
		found_;                                                                 \
	})

static bool is_router_port_name(const struct central_plan *plan, const char *name)
{
	return name && nb_lrp_by_name(plan->nb, name);
}

/* A switch port and a router port want, or wanted, one name.  Of a renamed switch port the old name is not
 * known any more: it may be that of a router port that waits for it. */
static bool has_name_clash(const struct central_plan *plan)
{
	NB_LSP_FOREACH_CHANGE(row, plan->nb)
	{
		if (!(nb_lsp_changed_columns(row) & OVSDB_COL(NB_LSP_NAME)))
			continue;
		if (is_router_port_name(plan, nb_lsp_name(row)) ||
		    (plan->n_namesakes && nb_lsp_change(row) == ROW_UPDATED))
			return true;
	}
	NB_LRP_FOREACH_CHANGE(row, plan->nb)
	{
		if (nb_lrp_changed_columns(row) & OVSDB_COL(NB_LRP_NAME) &&
		    nb_lsp_by_name(plan->nb, nb_lrp_name(row)))
			return true;
	}
	return false;
}

static bool needs_everything(struct central_plan *plan)
{
	return plan->all_dirty ||
	       (plan->n_shared && (nb_ls_first_change(plan->nb) || nb_lr_first_change(plan->nb))) ||
	       has_name_clash(plan) || ANY_UPDATE(nb_lrp, plan->nb, OVSDB_COL(NB_LRP_NAME)) ||
	       ANY_UPDATE(nb_port_group, plan->nb, OVSDB_COL(NB_PORT_GROUP_NAME)) ||
	       ANY_UPDATE(nb_address_set, plan->nb, OVSDB_COL(NB_ADDRESS_SET_NAME)) ||
	       ANY_UPDATE(sb_datapath_binding, plan->sb,
			  OVSDB_COL(SB_DATAPATH_BINDING_EXTERNAL_IDS)) ||
	       ANY_UPDATE(sb_port_binding, plan->sb, OVSDB_COL(SB_PORT_BINDING_LOGICAL_PORT)) ||
	       ANY_UPDATE(sb_multicast_group, plan->sb, OVSDB_COL(SB_MULTICAST_GROUP_DATAPATH)) ||
	       ANY_UPDATE(sb_port_group, plan->sb, OVSDB_COL(SB_PORT_GROUP_NAME)) ||
	       ANY_UPDATE(sb_address_set, plan->sb, OVSDB_COL(SB_ADDRESS_SET_NAME));
}

void central_plan_update(struct central_plan *plan)
{
	bool all = needs_everything(plan);

	plan->all_dirty = false;
	all |= central_see_encaps(plan, all);
	if (all) {
		plan->n_shared = 0;
		plan->datapath_keys_dirty = true;
	}
	central_see_datapaths(plan, all);
	central_see_lsps(plan, all);
	central_see_lrps(plan, all);
	central_see_nb_sets(plan, all);
	central_see_sb_datapaths(plan, all);
	central_see_sb_ports(plan, all);
	central_see_sb_groups(plan, all);
	central_see_sb_sets(plan, all);
	central_see_chassis(plan, all);
	central_see_globals(plan, all);
}

void central_plan_reset(struct central_plan *plan)
{
	plan->all_dirty = true;
}

/* ---- life ---- */

struct central_plan *central_plan_new(const struct central_plan_opts *opts, struct replica *nb,
				      struct replica *sb)
{
	struct central_plan *plan = xcalloc(1, sizeof(*plan));

	plan->opts = *opts;
	plan->nb = nb;
	plan->sb = sb;
	plan->all_dirty = true;
	central_mark_init(&plan->dirty_datapaths);
	central_mark_init(&plan->dirty_groups);
	central_mark_init(&plan->dirty_sb_ports);
	central_mark_init(&plan->dirty_nb_ports);
	central_mark_init(&plan->late_nb_ports);
	central_mark_init(&plan->dirty_sets);
	return plan;
}

void central_plan_free(struct central_plan *plan)
{
	struct central_loose_ports loose = { VEC_INIT };

	if (!plan)
		return;
	while (plan->sets)
		central_set_free(plan, plan->sets);
	while (plan->datapaths)
		central_datapath_free(plan, plan->datapaths, &loose);
	VEC_DONE(loose.ports);
	while (plan->ports)
		central_port_free(plan, plan->ports);
	VEC_DONE(plan->candidates);
	VEC_DONE(plan->datapath_candidates);
	central_refusals_done(plan);
	VEC_DONE(plan->address_sets);
	central_keys_done(&plan->port_keys);
	free(plan);
}

bool central_plan_check(struct central_plan *plan, char **ret_what)
{
	struct txn *sb_txn = txn_new(replica_schema(plan->sb));
	struct txn *nb_txn = txn_new(replica_schema(plan->nb));
	struct central_plan_opts opts = plan->opts;
	AUTO(central_plan) fresh = NULL;
	bool same;

	opts.warn = NULL;
	fresh = central_plan_new(&opts, plan->nb, plan->sb);
	fresh->refusals = plan->refusals; /* lent: what the server does not take is not missing */
	central_plan_update(fresh);
	central_plan_write_sb(fresh, sb_txn, 0);
	central_plan_write_nb(fresh, nb_txn, 0);
	fresh->refusals = NULL;
	same = txn_is_empty(sb_txn) && txn_is_empty(nb_txn);
	if (!same) {
		json_t *json = json_pack("[o,o]", txn_to_json(sb_txn), txn_to_json(nb_txn));

		*ret_what = json_dumps(json, JSON_COMPACT);
		json_decref(json);
	}
	txn_free(sb_txn);
	txn_free(nb_txn);
	return same;
}
