/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The tunnel keys in use in one key space: one per database for datapaths, one per datapath for
 * ports.  Hands out keys as ovn-northd does: from hint + 1 upwards, wrapping to min above max. */
struct central_keys {
	uint64_t *bits;
	uint32_t n_words;
};

#define CENTRAL_KEYS_INIT \
	{                 \
		NULL, 0   \
	}

#define CENTRAL_DATAPATH_KEY_MAX 16711680u /* above: transit switches of an interconnection */
#define CENTRAL_PORT_KEY_MAX     32767u
/* While a chassis has a VXLAN encap: 12 bits each on the wire, half of the port keys for groups. */
#define CENTRAL_VXLAN_DATAPATH_KEY_MAX 4095u
#define CENTRAL_VXLAN_PORT_KEY_MAX     2047u

void central_keys_done(struct central_keys *keys);
void central_keys_clear(struct central_keys *keys);             /* keeps the memory */
bool central_keys_add(struct central_keys *keys, uint32_t key); /* false: taken */
void central_keys_remove(struct central_keys *keys, uint32_t key);
/* The next free key in 1..max after hint, marked as taken; 0 when all are in use. */
uint32_t central_keys_allocate(struct central_keys *keys, uint32_t max, uint32_t hint);
