/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

struct datapath;
struct err;

/* What went through this host's plugged interfaces, by its local database (db: NULL for the default) and its maps:
 * [{"interface", "port", "rx_packets", "rx_bytes", "tx_packets", "tx_bytes"}, ...] sorted by interface; those that have
 * a device.  rx is what the workload sent, tx what was delivered to it.  A database that does not answer is an error. */
int interfaces_read(struct datapath *dp, const char *db, json_t **ret, struct err *err);
