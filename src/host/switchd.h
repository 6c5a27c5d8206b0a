/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "model/vswitch.h"

/* Carries out what model/vswitch.h plans: the part of ovs-vswitchd. */
struct links;
struct replica;
struct switchd;
struct txn;

struct switchd *switchd_new(struct links *links);
void switchd_free(struct switchd *switchd);

/* Makes the devices what the rows say.  With foreign, another process is the ovs-vswitchd: nothing is changed, and its
 * ofport values are taken as they are.  underlay is the device with the tunnels' address, or 0.  The ports are
 * borrowed until the next call, or change of rows. */
void switchd_run(struct switchd *switchd, struct replica *ovs, const char *integration,
		 uint32_t underlay, bool foreign);
const struct vswitch_port *switchd_ports(const struct switchd *switchd, size_t *ret_n);
/* Columns, and cur_cfg; not for foreign. */
void switchd_write(struct switchd *switchd, struct replica *ovs, const char *integration,
		   struct txn *txn);
/* Deletes every device of ours. */
void switchd_remove_devices(struct switchd *switchd);
