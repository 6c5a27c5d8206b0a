/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* The host's own IPv6 has nothing to say to a workload, yet the kernel gives every device that comes up an address
 * and announces it there.  The datapath would drop that, and count it: so IPv6 is off while the device is a port's. */
void quiet_begin(uint32_t ifindex);
/* As on a new device: what net.ipv6.conf.default says. */
void quiet_end(uint32_t ifindex);
