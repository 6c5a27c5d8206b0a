/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/watch.h"
#include "schema/sb.h"

/* A look at the southbound database, for commands that only show. */
struct err;

/* sb: remotes, or NULL for, in this order, $OVN_SB_DB, what the local database says (external_ids:ovn-remote), and the
 * socket that central opens by default. */
int sbview_open(const char *sb, const char *db, unsigned int timeout_ms, struct watch **ret,
		struct err *err);
/* The switch's name: external_ids:name, else the uuid. */
void sbview_switch_name(const struct sb_datapath_binding *datapath, char *ret, size_t size);
const char *sbview_chassis_name(const struct replica *sb,
				const struct uuid *chassis); /* NULL: none */
