/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct err;

/* "tcp:192.0.2.1:6641", "tcp:[2001:db8::1]:6641", to be freed; -EINVAL: no IP address that a host could connect to.
 * Brackets around an IPv6 address may be there already. */
int central_public_remote(const char *address, char **ret, struct err *err);
