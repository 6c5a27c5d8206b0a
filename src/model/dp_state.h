/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp_abi.h"

/* What the datapath's configuration maps should hold, what they do hold, and the difference.
 *
 * Desired entries belong to owners (a logical port, a tunnel, a flood chain).  When something changes,
 * the owner's entries are computed anew as a whole; the difference to before is found here.  Two
 * owners may want the same key (the same IP address on two ports): the owner with the smaller rank wins, whatever the
 * order in which they came, and the other takes over when it goes.
 *
 * Pure: the dp library reports what the kernel holds (dp_state_have()) and carries out the
 * pending operations; what fails stays pending. */
struct dp_state;

struct dp_state *dp_state_new(void);
void dp_state_free(struct dp_state *state);

/* Key and value sizes and the name of a configuration map. */
size_t dp_map_key_size(enum dp_map map);
size_t dp_map_value_size(enum dp_map map);
const char *dp_map_name(enum dp_map map);

/* Ordered by memcmp(); host order within.  kind first, so that owners of one kind stay together. */
struct dp_owner {
	uint8_t bytes[40];
};

/* Between begin and end, each dp_state_want() adds one entry (the first, if one key is named twice);
 * entries that owner wanted before and does not want now are given up.  An owner with no entries
 * is forgotten. */
void dp_state_begin(struct dp_state *state, const struct dp_owner *owner);
void dp_state_want(struct dp_state *state, enum dp_map map, const void *key, const void *value);
void dp_state_end(struct dp_state *state);
void dp_state_forget(struct dp_state *state, const struct dp_owner *owner); /* begin, end */
/* The owner wants something, and nothing is pending for any key it wants. */
bool dp_state_owner_is_installed(const struct dp_state *state, const struct dp_owner *owner);

/* The kernel holds value (NULL: nothing) under key.  The whole truth at start, then after each operation. */
void dp_state_have(struct dp_state *state, enum dp_map map, const void *key, const void *value);

enum dp_op_kind {
	DP_OP_INSERT, /* in this order; a chain's head is the last insert and the first delete: see dp_abi.h */
	DP_OP_UPDATE,
	DP_OP_DELETE,
};

struct dp_op {
	enum dp_op_kind kind;
	enum dp_map map;
	const void *key;   /* borrowed until the state changes */
	const void *value; /* NULL for DP_OP_DELETE */
};

/* Calls apply for each pending operation, inserts first, deletes last.  0: done (recorded as
 * dp_state_have()); negative: stays pending.  Returns how many stay pending.  apply must not call back. */
size_t dp_state_flush(struct dp_state *state, int (*apply)(void *arg, const struct dp_op *op),
		      void *arg);
bool dp_state_has_pending(const struct dp_state *state);

/* Same desired content?  On false, *ret_what (if not NULL) is a line on the first difference; caller frees. */
bool dp_state_same_wants(const struct dp_state *a, const struct dp_state *b, char **ret_what);

/* The winning desired value, or NULL; borrowed until the state changes. */
const void *dp_state_get(const struct dp_state *state, enum dp_map map, const void *key);

/* Visits the winning desired entries, in no particular order. */
void dp_state_each(const struct dp_state *state,
		   void (*visit)(void *arg, enum dp_map map, const void *key, const void *value),
		   void *arg);
