/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/auto.h"

/* What ovn-northd derives from the northbound database, except logical flows: southbound
 * Datapath_Binding, Port_Binding, Multicast_Group, Port_Group, Address_Set and SB_Global, and what
 * is written back (Logical_Switch_Port.up and tag, NB_Global).
 *
 * The plan keeps no copy of the rows it wants.  What a southbound row should hold is a pure function of the
 * northbound rows and of the southbound ones that exist (which keep their keys); the plan knows which objects
 * were touched by changed rows, computes those anew, and writes what differs from the actual row.  So a plan can be thrown
 * away and made again at any time, and writing twice writes nothing the second time.
 *
 * Pure: no descriptor, clock or log.  Rows are looked at until the replica's next replica_advance(), which the
 * owner calls after central_plan_update(). */
struct central_plan;
struct replica;
struct txn;

struct central_plan_opts {
	/* One line on a northbound object that cannot be carried out as it stands; said once until it
	 * is put right. */
	void (*warn)(void *arg, const char *text);
	void *arg;
	uint8_t random[8]; /* for the MAC prefix and the monitor's MAC of a fresh database */
	const char
		*version; /* NB_Global.options:northd_internal_version if there is none; borrowed */
	const char *public_remote; /* SB_Global.options:heddle-nb-remote, or NULL; borrowed */
};

/* Both replicas are borrowed and must outlive the plan.  Everything counts as changed. */
struct central_plan *central_plan_new(const struct central_plan_opts *opts, struct replica *nb,
				      struct replica *sb);
void central_plan_free(struct central_plan *plan);
DEFINE_AUTO(central_plan);

/* Marks what depends on the rows that changed since the replicas' last replica_advance(). */
void central_plan_update(struct central_plan *plan);

/* Puts what is to be done into a transaction and counts it as done.  If the transaction fails, the owner
 * calls central_plan_reset().  While a southbound transaction is on its way, the next one must not be
 * computed: it would not see what the first one inserts. */
void central_plan_write_sb(struct central_plan *plan, struct txn *txn, int64_t wall_ms);
void central_plan_write_nb(struct central_plan *plan, struct txn *txn, int64_t wall_ms);
void central_plan_reset(struct central_plan *plan); /* everything counts as changed */

/* When the server refuses what was written, one object is enough to have all others refused with it.  Then
 * central_plan_write_sb_singly() writes the changes of one object only (the transaction stays empty if there is none left),
 * and its owner says what became of it: set_written(), or, with the server's words, set_aside().  What is set
 * aside is left out from then on, in both ways of writing, until its northbound row changes (a row that was to go has
 * none) or central_plan_retry().
 * say_refusals() warns of those not yet warned of, and tells whether there are any. */
void central_plan_write_sb_singly(struct central_plan *plan, struct txn *txn, int64_t wall_ms);
/* True: others may have waited for it. */
bool central_plan_set_written(struct central_plan *plan);
/* True: a row stays that was to go, which may be why others were refused: they can do without what is its. */
bool central_plan_set_aside(struct central_plan *plan, const char *why);
void central_plan_retry(struct central_plan *plan); /* everything counts as changed */
bool central_plan_say_refusals(struct central_plan *plan);

/* Makes a second plan from scratch.  False if it would write anything that this one does not; *ret_what
 * is then what (JSON); the caller frees. */
bool central_plan_check(struct central_plan *plan, char **ret_what);
