/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/net.h"
#include "util/uuid.h"

/* Who this host is: from Open_vSwitch.external_ids (reference ovn.md 4.1) to the southbound rows Chassis,
 * Chassis_Private and Encap (4.3).  Pure. */
struct replica;
struct txn;

#define CHASSIS_MAX_ENCAPS 64

struct chassis_encap {
	char type[16]; /* "geneve" or "vxlan" */
	char ip_text[IP_TEXT_SIZE];
	struct ip ip;
	bool is_default;
};

struct chassis_config {
	char *name; /* NULL: not known yet */
	char *hostname;
	char *sb_remote; /* NULL: not known yet */
	char *nb_remote; /* NULL: the southbound database may know one */
	char *bridge;    /* the integration bridge */
	size_t n_encaps;
	struct chassis_encap encaps[CHASSIS_MAX_ENCAPS]; /* every type with every address, geneve first */
	char problem[256]; /* what is missing or wrong, and what to do; "" when it is complete */
};

/* name (the command line's, or NULL) precedes external_ids:system-id; hostname is the machine's, for when
 * external_ids:hostname is not set. */
void chassis_config_read(const struct replica *ovs, const char *name, const char *hostname,
			 struct chassis_config *ret);
void chassis_config_done(struct chassis_config *config);
/* The per-chassis key precedes the general one; NULL when neither is set.  Borrowed from the row. */
const char *chassis_config_get(const struct replica *ovs, const char *name, const char *key);

/* Writes what the southbound rows do not show yet.  problem gets a line ("" when all is well) on encaps that
 * another chassis holds; those are left out.  Nothing is written when no encap is left. */
void chassis_write(const struct chassis_config *config, const struct replica *ovs,
		   const struct replica *sb, struct txn *txn, char *ret_problem, size_t size);
/* Takes the chassis away again: its two rows (the encaps go with them). */
void chassis_remove(const char *name, const struct replica *sb, struct txn *txn);

/* Our rows, or NULL. */
const struct uuid *chassis_find(const struct replica *sb, const char *name);
const struct uuid *chassis_find_private(const struct replica *sb, const char *name);
/* Port_Binding.encap for an interface: NULL unless the chassis has several and one is meant (4.3). */
const struct uuid *chassis_find_encap(const struct chassis_config *config, const struct replica *sb,
				      const char *encap_ip);
