/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lab/topology.h"

struct err;

/* The walk-through: two hosts, one switch, a localport; each pair pinged, each packet between the
 * hosts shown.  Returns 0 when all was as expected, 1 on any difference, or a negative errno; in every
 * case, also when interrupted, nothing of the lab is left.  The lab's name must be locked. */
int demo_run(const struct lab *lab, struct err *err);
