/* SPDX-License-Identifier: Apache-2.0 */
#include "model/dp_state.h"

#include <assert.h>
#include <string.h>

#include "util/alloc.h"
#include "util/table.h"

/* An entry is one key of one map.  Claims hang on it, one per owner that wants the key, the winner first;
 * what the kernel holds is stored beside them.  An entry whose winner and kernel value differ waits in the
 * queue of its phase; one with neither claims nor a kernel value is freed.
 *
 * Phases carry out what dp_abi.h promises about members: a chain's head comes into being after the
 * members it leads to, and goes before them. */

enum phase {
	PHASE_NONE, /* nothing to do */
	PHASE_INSERT,
	PHASE_INSERT_HEAD,
	PHASE_UPDATE,
	PHASE_DELETE_HEAD,
	PHASE_DELETE,
	PHASE_COUNT,
};

struct claim;

struct entry {
	struct table_node node; /* first: a node is its entry */
	struct claim *claims;   /* by rank of the owner */
	struct entry *queue_prev, *queue_next;
	uint8_t map;
	uint8_t phase;
	bool have;
	uint8_t bytes[] __attribute__((aligned(8))); /* key, then the kernel's value */
};

struct owner {
	struct table_node node; /* first: a node is its owner */
	struct dp_owner id;
	struct claim *claims;
};

struct claim {
	struct owner *owner;
	struct entry *entry;
	struct claim *next_of_owner;
	struct claim *next_of_entry;
	bool kept; /* wanted since dp_state_begin() */
	uint8_t value[] __attribute__((aligned(8)));
};

struct queue {
	struct entry *first, *last;
	size_t n;
};

struct dp_state {
	struct table entries;
	struct table owners;
	struct queue queues[PHASE_COUNT];
	struct owner *current; /* between begin and end */
};

static const struct {
	const char *name;
	size_t key_size;
	size_t value_size;
} map_info[] = {
#define MAP_INFO(NAME, name, key, value, max) { #name, sizeof(key), sizeof(value) },
	DP_CONFIG_MAPS(MAP_INFO)
#undef MAP_INFO
};

size_t dp_map_key_size(enum dp_map map)
{
	assert(map < DP_CONFIG_MAP_COUNT);
	return map_info[map].key_size;
}

size_t dp_map_value_size(enum dp_map map)
{
	assert(map < DP_CONFIG_MAP_COUNT);
	return map_info[map].value_size;
}

const char *dp_map_name(enum dp_map map)
{
	assert(map < DP_CONFIG_MAP_COUNT);
	return map_info[map].name;
}

/* ---- entries ---- */

static const void *entry_key(const struct entry *entry)
{
	return entry->bytes;
}

static uint8_t *entry_value(struct entry *entry)
{
	return entry->bytes + map_info[entry->map].key_size;
}

static uint32_t entry_hash(enum dp_map map, const void *key)
{
	return table_hash(TABLE_HASH_INIT + map, key, dp_map_key_size(map));
}

static struct entry *entry_find(const struct dp_state *state, enum dp_map map, const void *key)
{
	uint32_t hash = entry_hash(map, key);

	for (struct table_node *node = table_bucket(&state->entries, hash); node;
	     node = node->next) {
		struct entry *entry = (struct entry *)node;

		if (node->hash == hash && entry->map == map &&
		    memcmp(entry->bytes, key, map_info[map].key_size) == 0)
			return entry;
	}
	return NULL;
}

static struct entry *entry_get(struct dp_state *state, enum dp_map map, const void *key)
{
	struct entry *entry = entry_find(state, map, key);

	if (entry)
		return entry;
	entry = xcalloc(1, sizeof(*entry) + map_info[map].key_size + map_info[map].value_size);
	entry->map = (uint8_t)map;
	memcpy(entry->bytes, key, map_info[map].key_size);
	table_add(&state->entries, &entry->node, entry_hash(map, key));
	return entry;
}

static bool entry_is_head(const struct entry *entry)
{
	static const uint8_t zero[16];
	const struct dp_member_key *key = entry_key(entry);

	return entry->map == DP_MAP_MEMBERS && memcmp(key->ref, zero, sizeof(zero)) == 0;
}

static enum phase entry_phase(struct entry *entry)
{
	if (!entry->claims) {
		if (!entry->have)
			return PHASE_NONE;
		return entry_is_head(entry) ? PHASE_DELETE_HEAD : PHASE_DELETE;
	}
	if (!entry->have)
		return entry_is_head(entry) ? PHASE_INSERT_HEAD : PHASE_INSERT;
	if (memcmp(entry->claims->value, entry_value(entry), map_info[entry->map].value_size) != 0)
		return PHASE_UPDATE;
	return PHASE_NONE;
}

static void queue_remove(struct queue *queue, struct entry *entry)
{
	*(entry->queue_prev ? &entry->queue_prev->queue_next : &queue->first) = entry->queue_next;
	*(entry->queue_next ? &entry->queue_next->queue_prev : &queue->last) = entry->queue_prev;
	entry->queue_prev = entry->queue_next = NULL;
	queue->n--;
}

static void queue_append(struct queue *queue, struct entry *entry)
{
	entry->queue_prev = queue->last;
	*(queue->last ? &queue->last->queue_next : &queue->first) = entry;
	queue->last = entry;
	queue->n++;
}

/* To be called after each change of an entry, which may be gone afterwards. */
static void entry_settle(struct dp_state *state, struct entry *entry)
{
	enum phase phase = entry_phase(entry);

	if (phase != entry->phase) {
		if (entry->phase != PHASE_NONE)
			queue_remove(&state->queues[entry->phase], entry);
		if (phase != PHASE_NONE)
			queue_append(&state->queues[phase], entry);
		entry->phase = (uint8_t)phase;
	}
	if (!entry->claims && !entry->have) {
		table_remove(&state->entries, &entry->node);
		free(entry);
	}
}

static void entry_set_have(struct entry *entry, const void *value)
{
	entry->have = value != NULL;
	if (value)
		memcpy(entry_value(entry), value, map_info[entry->map].value_size);
}

/* ---- owners and claims ---- */

static uint32_t owner_hash(const struct dp_owner *id)
{
	return table_hash(TABLE_HASH_INIT, id, sizeof(*id));
}

static struct owner *owner_find(const struct dp_state *state, const struct dp_owner *id)
{
	uint32_t hash = owner_hash(id);

	for (struct table_node *node = table_bucket(&state->owners, hash); node;
	     node = node->next) {
		struct owner *owner = (struct owner *)node;

		if (node->hash == hash && memcmp(&owner->id, id, sizeof(*id)) == 0)
			return owner;
	}
	return NULL;
}

static struct owner *owner_get(struct dp_state *state, const struct dp_owner *id)
{
	struct owner *owner = owner_find(state, id);

	if (owner)
		return owner;
	owner = xcalloc(1, sizeof(*owner));
	owner->id = *id;
	table_add(&state->owners, &owner->node, owner_hash(id));
	return owner;
}

static struct claim *claim_find(const struct entry *entry, const struct owner *owner)
{
	struct claim *claim = entry->claims;

	while (claim && claim->owner != owner)
		claim = claim->next_of_entry;
	return claim;
}

static struct claim *claim_new(struct entry *entry, struct owner *owner)
{
	struct claim *claim = xcalloc(1, sizeof(*claim) + map_info[entry->map].value_size);
	struct claim **link = &entry->claims;

	claim->entry = entry;
	claim->owner = owner;
	claim->next_of_owner = owner->claims;
	owner->claims = claim;
	while (*link && memcmp(&(*link)->owner->id, &owner->id, sizeof(owner->id)) < 0)
		link = &(*link)->next_of_entry;
	claim->next_of_entry = *link;
	*link = claim;
	return claim;
}

/* The owner's list is the caller's business. */
static void claim_free(struct dp_state *state, struct claim *claim)
{
	struct entry *entry = claim->entry;
	struct claim **link = &entry->claims;

	while (*link != claim)
		link = &(*link)->next_of_entry;
	*link = claim->next_of_entry;
	free(claim);
	entry_settle(state, entry);
}

/* ---- the interface ---- */

struct dp_state *dp_state_new(void)
{
	return xcalloc(1, sizeof(struct dp_state));
}

static void entry_free(struct table_node *node)
{
	struct claim *claim = ((struct entry *)node)->claims;

	while (claim) {
		struct claim *next = claim->next_of_entry;

		free(claim);
		claim = next;
	}
	free(node);
}

static void owner_free(struct table_node *node)
{
	free(node);
}

void dp_state_free(struct dp_state *state)
{
	if (!state)
		return;
	table_done(&state->entries, entry_free);
	table_done(&state->owners, owner_free);
	free(state);
}

void dp_state_begin(struct dp_state *state, const struct dp_owner *owner)
{
	assert(!state->current);
	state->current = owner_get(state, owner);
	for (struct claim *claim = state->current->claims; claim; claim = claim->next_of_owner)
		claim->kept = false;
}

void dp_state_want(struct dp_state *state, enum dp_map map, const void *key, const void *value)
{
	struct entry *entry = entry_get(state, map, key);
	struct claim *claim;

	assert(state->current);
	claim = claim_find(entry, state->current);
	if (!claim)
		claim = claim_new(entry, state->current);
	else if (claim->kept)
		return;
	claim->kept = true;
	memcpy(claim->value, value, map_info[map].value_size);
	entry_settle(state, entry);
}

void dp_state_end(struct dp_state *state)
{
	struct owner *owner = state->current;
	struct claim **link = &owner->claims;

	assert(owner);
	state->current = NULL;
	while (*link) {
		struct claim *claim = *link;

		if (claim->kept) {
			link = &claim->next_of_owner;
			continue;
		}
		*link = claim->next_of_owner;
		claim_free(state, claim);
	}
	if (!owner->claims) {
		table_remove(&state->owners, &owner->node);
		free(owner);
	}
}

void dp_state_forget(struct dp_state *state, const struct dp_owner *owner)
{
	if (!owner_find(state, owner))
		return;
	dp_state_begin(state, owner);
	dp_state_end(state);
}

bool dp_state_owner_is_installed(const struct dp_state *state, const struct dp_owner *id)
{
	const struct owner *owner = owner_find(state, id);

	if (!owner)
		return false;
	for (const struct claim *claim = owner->claims; claim; claim = claim->next_of_owner) {
		if (claim->entry->phase != PHASE_NONE)
			return false;
	}
	return true;
}

void dp_state_have(struct dp_state *state, enum dp_map map, const void *key, const void *value)
{
	struct entry *entry = entry_get(state, map, key);

	entry_set_have(entry, value);
	entry_settle(state, entry);
}

/* A chain must not be led to a member that the kernel lacks because its insertion failed: the rest of
 * the chain would be cut off.  The old link stays until the member is there. */
static bool leads_nowhere(const struct dp_state *state, const struct entry *entry)
{
	static const uint8_t zero[16];
	const struct entry *next;
	struct dp_member_key key;
	struct dp_member member;

	if (entry->map != DP_MAP_MEMBERS || !entry->claims)
		return false;
	memcpy(&member, entry->claims->value, sizeof(member));
	if (memcmp(member.next, zero, sizeof(zero)) == 0)
		return false;
	memcpy(&key, entry_key(entry), sizeof(key));
	memcpy(key.ref, member.next, sizeof(key.ref));
	next = entry_find(state, DP_MAP_MEMBERS, &key);
	return !next || !next->have;
}

static void flush_entry(struct dp_state *state, struct entry *entry, enum dp_op_kind kind,
			int (*apply)(void *arg, const struct dp_op *op), void *arg)
{
	struct dp_op op = {
		.kind = kind,
		.map = entry->map,
		.key = entry_key(entry),
		.value = entry->claims ? entry->claims->value : NULL,
	};

	if (apply(arg, &op) < 0)
		return;
	entry_set_have(entry, op.value);
	entry_settle(state, entry);
}

size_t dp_state_flush(struct dp_state *state, int (*apply)(void *arg, const struct dp_op *op),
		      void *arg)
{
	static const enum dp_op_kind kinds[PHASE_COUNT] = {
		[PHASE_INSERT] = DP_OP_INSERT, [PHASE_INSERT_HEAD] = DP_OP_INSERT,
		[PHASE_UPDATE] = DP_OP_UPDATE, [PHASE_DELETE_HEAD] = DP_OP_DELETE,
		[PHASE_DELETE] = DP_OP_DELETE,
	};
	size_t n_pending = 0;

	for (enum phase phase = PHASE_INSERT; phase < PHASE_COUNT; phase++) {
		struct entry *next;

		for (struct entry *entry = state->queues[phase].first; entry; entry = next) {
			next = entry->queue_next;
			if (phase == PHASE_INSERT || !leads_nowhere(state, entry))
				flush_entry(state, entry, kinds[phase], apply, arg);
		}
		n_pending += state->queues[phase].n;
	}
	return n_pending;
}

bool dp_state_has_pending(const struct dp_state *state)
{
	for (enum phase phase = PHASE_INSERT; phase < PHASE_COUNT; phase++) {
		if (state->queues[phase].n)
			return true;
	}
	return false;
}

/* ---- reading ---- */

void dp_state_each(const struct dp_state *state,
		   void (*visit)(void *arg, enum dp_map map, const void *key, const void *value),
		   void *arg)
{
	for (size_t i = 0; i < state->entries.n_buckets; i++) {
		for (struct table_node *node = state->entries.buckets[i]; node; node = node->next) {
			const struct entry *entry = (const struct entry *)node;

			if (entry->claims)
				visit(arg, entry->map, entry_key(entry), entry->claims->value);
		}
	}
}

const void *dp_state_get(const struct dp_state *state, enum dp_map map, const void *key)
{
	const struct entry *entry = entry_find(state, map, key);

	return entry && entry->claims ? entry->claims->value : NULL;
}
