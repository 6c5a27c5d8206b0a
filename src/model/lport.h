/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "schema/sb.h"

/* What a Port_Binding row asks of a chassis; the rules that forwarding and binding must agree on. */

enum lport_kind {
	LPORT_OTHER, /* routers, containers, localnet, ...: not handled */
	LPORT_VIF,
	LPORT_LOCALPORT,
};

enum lport_kind lport_kind(const struct sb_port_binding *binding);

/* Whether requested-chassis (reference ovn.md 1.6) leaves the port to us.  ours is NULL while
 * our Chassis row is not there; then only the name is compared. */
bool lport_may_bind(const struct sb_port_binding *binding, const struct sb_chassis *ours,
		    const char *our_name);
