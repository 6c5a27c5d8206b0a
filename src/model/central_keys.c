/* SPDX-License-Identifier: Apache-2.0 */
#include "model/central_keys.h"

#include <string.h>

#include "util/alloc.h"

void central_keys_done(struct central_keys *keys)
{
	free(keys->bits);
	*keys = (struct central_keys)CENTRAL_KEYS_INIT;
}

void central_keys_clear(struct central_keys *keys)
{
	if (keys->bits)
		memset(keys->bits, 0, keys->n_words * sizeof(*keys->bits));
}

static bool is_taken(const struct central_keys *keys, uint32_t key)
{
	return key / 64 < keys->n_words && keys->bits[key / 64] & (UINT64_C(1) << (key % 64));
}

bool central_keys_add(struct central_keys *keys, uint32_t key)
{
	uint32_t words = key / 64 + 1;

	if (is_taken(keys, key))
		return false;
	if (words > keys->n_words) {
		words = words < 2 * keys->n_words ? 2 * keys->n_words : words;
		keys->bits = xrealloc(keys->bits, words * sizeof(*keys->bits));
		memset(keys->bits + keys->n_words, 0,
		       (words - keys->n_words) * sizeof(*keys->bits));
		keys->n_words = words;
	}
	keys->bits[key / 64] |= UINT64_C(1) << (key % 64);
	return true;
}

void central_keys_remove(struct central_keys *keys, uint32_t key)
{
	if (is_taken(keys, key))
		keys->bits[key / 64] &= ~(UINT64_C(1) << (key % 64));
}

/* The lowest free key in first..last, or 0. */
static uint32_t first_free(const struct central_keys *keys, uint32_t first, uint32_t last)
{
	for (uint32_t key = first; key <= last;) {
		uint64_t free_bits = UINT64_MAX;

		if (key / 64 < keys->n_words)
			free_bits = ~keys->bits[key / 64];
		free_bits &= UINT64_MAX << (key % 64);
		if (free_bits) {
			key = key / 64 * 64 + (uint32_t)__builtin_ctzll(free_bits);
			return key <= last ? key : 0;
		}
		key = (key / 64 + 1) * 64;
	}
	return 0;
}

uint32_t central_keys_allocate(struct central_keys *keys, uint32_t max, uint32_t hint)
{
	uint32_t key = hint < max ? first_free(keys, hint + 1, max) : 0;

	if (!key)
		key = first_free(keys, 1, hint < max ? hint : max);
	if (key)
		central_keys_add(keys, key);
	return key;
}
