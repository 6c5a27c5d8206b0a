/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* NB_Global and SB_Global: options, and the configuration counters behind ovn-nbctl --wait. */

const char *central_svc_monitor_mac(const struct central_plan *plan, char text[static 18])
{
	const struct nb_global *global = nb_global_first(plan->nb);
	const char *have =
		global ? ovsdb_smap_get(nb_global_options(global), "svc_monitor_mac") : NULL;
	const uint8_t *r = plan->opts.random;

	if (have)
		return have;
	/* Locally administered, unicast. */
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (r[3] & 0xfcu) | 2, r[4], r[5], r[6],
		 r[7], r[0]);
	return text;
}

/* Options that are given a value when they have none, and max_tunid, which states a fact. */
static void complete_options(const struct central_plan *plan, struct ovsdb_datum *options,
			     const struct ovsdb_column *column)
{
	const uint8_t *r = plan->opts.random;
	char text[18];

	if (!ovsdb_smap_get(options, "mac_prefix")) {
		snprintf(text, sizeof(text), "%02x:%02x:%02x", (r[0] & 0xfcu) | 2, r[1], r[2]);
		central_smap_put(options, column, "mac_prefix", text);
	}
	if (!ovsdb_smap_get(options, "svc_monitor_mac"))
		central_smap_put(options, column, "svc_monitor_mac",
				 central_svc_monitor_mac(plan, text));
	/* ovn-controller may compare this with its own: another program's value is left alone. */
	if (!ovsdb_smap_get(options, "northd_internal_version"))
		central_smap_put(options, column, "northd_internal_version", plan->opts.version);
	snprintf(text, sizeof(text), "%u", central_datapath_key_max(plan));
	central_smap_put(options, column, "max_tunid", text);
}

static struct ovsdb_datum wanted_options(const struct central_plan *plan,
					 const struct nb_global *nb,
					 const struct ovsdb_column *column)
{
	struct ovsdb_datum options = OVSDB_DATUM_EMPTY;

	if (nb)
		options = ovsdb_datum_clone(nb_global_options(nb), column);
	complete_options(plan, &options, column);
	return options;
}

void central_global_write_sb(struct central_plan *plan, struct txn *txn, int64_t wall_ms)
{
	const struct ovsdb_column *column = &sb_global_columns[SB_GLOBAL_OPTIONS];
	const struct nb_global *nb = nb_global_first(plan->nb);
	const struct sb_global *sb = sb_global_first(plan->sb);
	struct central_row row =
		central_row_open(txn, &sb_global_table, sb ? sb_global_row(sb) : NULL);
	struct ovsdb_datum options = wanted_options(plan, nb, column);

	if (plan->opts.public_remote && !ovsdb_smap_get(&options, "heddle-nb-remote"))
		central_smap_put(&options, column, "heddle-nb-remote", plan->opts.public_remote);
	central_row_datum(&row, column, &options);
	ovsdb_datum_done(&options, column);
	if (!nb)
		return;
	if (!sb || sb_global_nb_cfg(sb) != nb_global_nb_cfg(nb))
		plan->noticed_ms = wall_ms;
	central_row_integer(&row, &sb_global_columns[SB_GLOBAL_NB_CFG], nb_global_nb_cfg(nb));
	central_row_boolean(&row, &sb_global_columns[SB_GLOBAL_IPSEC], nb_global_ipsec(nb));
}

static bool is_remote(const struct central_plan *plan, const struct sb_chassis_private *private)
{
	const struct uuid *uuid = sb_chassis_private_chassis(private);
	const struct sb_chassis *chassis = uuid ? sb_chassis_get(plan->sb, uuid) : NULL;

	return chassis && ovsdb_smap_get_bool(sb_chassis_other_config(chassis), "is-remote", false);
}

/* hv_cfg is what the slowest host has done, and when the last of those got there. */
static void write_hv_cfg(struct central_plan *plan, const struct nb_global *nb,
			 const struct central_row *row)
{
	int64_t cfg = nb_global_nb_cfg(nb), when = 0;

	SB_CHASSIS_PRIVATE_FOREACH(private, plan->sb)
	{
		int64_t host = sb_chassis_private_nb_cfg(private);
		int64_t host_when = sb_chassis_private_nb_cfg_timestamp(private);

		if (is_remote(plan, private) || host > cfg)
			continue;
		if (host < cfg || host_when > when)
			when = host_when;
		cfg = host;
	}
	if (nb_global_hv_cfg(nb) == cfg)
		return;
	central_row_integer(row, &nb_global_columns[NB_GLOBAL_HV_CFG], cfg);
	central_row_integer(row, &nb_global_columns[NB_GLOBAL_HV_CFG_TIMESTAMP], when);
}

void central_global_write_nb(struct central_plan *plan, struct txn *txn, int64_t wall_ms)
{
	const struct ovsdb_column *column = &nb_global_columns[NB_GLOBAL_OPTIONS];
	const struct nb_global *nb = nb_global_first(plan->nb);
	const struct sb_global *sb = sb_global_first(plan->sb);
	struct central_row row =
		central_row_open(txn, &nb_global_table, nb ? nb_global_row(nb) : NULL);
	struct ovsdb_datum options = wanted_options(plan, nb, column);
	const struct ovsdb_datum *have = nb ? nb_global_options(nb) : NULL;

	/* Key by key, so that what a user sets meanwhile stays. */
	for (uint32_t i = 0; i < options.n; i++)
		if (!str_eq(ovsdb_smap_get(have, options.keys[i].string), options.values[i].string))
			nb_global_put_options(txn, &row.uuid, options.keys[i].string,
					      options.values[i].string);
	ovsdb_datum_done(&options, column);
	if (!nb)
		return;
	if (sb && nb_global_sb_cfg(nb) != sb_global_nb_cfg(sb)) {
		central_row_integer(&row, &nb_global_columns[NB_GLOBAL_SB_CFG],
				    sb_global_nb_cfg(sb));
		central_row_integer(&row, &nb_global_columns[NB_GLOBAL_SB_CFG_TIMESTAMP], wall_ms);
		central_row_integer(&row, &nb_global_columns[NB_GLOBAL_NB_CFG_TIMESTAMP],
				    plan->noticed_ms ?: wall_ms);
	}
	write_hv_cfg(plan, nb, &row);
}
