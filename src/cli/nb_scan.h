/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "util/net.h"

/* Logical_Switch_Port.addresses as ovn-nbctl's scanner reads them, when it looks for an address that two ports
 * have: each number may stand behind white space and a sign, an octet is cut to eight bits, and an address ends
 * where no more of it can be read. */

/* The address at *text with its mask, if any; *text moves behind it.  False: there is none, or its mask is wrong. */
bool nb_scan_ip(const char **text, struct ip *ret);
/* Six hexadecimal numbers; *text moves behind them. */
bool nb_scan_mac(const char **text);
/* "dynamic" and at least one address after it. */
bool nb_scan_dynamic(const char **text);
/* Does text ask for addresses, which then are in dynamic_addresses?  "dynamic", "dynamic IP [IP]", "MAC dynamic". */
bool nb_scan_is_dynamic(const char *text);
