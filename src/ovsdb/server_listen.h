/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct err;

/* Whether these are --remote values, separated by commas.  -EINVAL: err names the one that is not. */
int server_listen_parse(const char *remotes, struct err *err);

/* Whether an ovsdb-server could listen there: it says so in its log only, and
 * goes on without.  -EINVAL: malformed; -EADDRINUSE and others: what the system says. */
int server_listen_check(const char *remotes, struct err *err);
