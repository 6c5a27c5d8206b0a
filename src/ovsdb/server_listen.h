/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct err;

/* Whether an ovsdb-server could listen at these --remote values, separated by commas: it says so in its log only, and
 * goes on without.  -EINVAL: malformed; -EADDRINUSE and others: what the system says. */
int server_listen_check(const char *remotes, struct err *err);
