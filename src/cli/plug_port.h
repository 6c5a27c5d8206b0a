/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* What the southbound database says about the logical port that an interface of this host is to serve. */
struct err;

struct plug_port_opts {
	const char *remotes; /* NULL or "": not set, which is an error */
	const char *port;
	const char *chassis; /* our name; NULL: not known */
	unsigned int timeout_ms;
};

struct plug_port {
	bool exists;
	bool is_localport; /* bound nowhere: it works as soon as it is configured */
	char holder[128];  /* the other chassis that it is bound to; "": none */
};

/* One look.  -EOPNOTSUPP: no interface can serve a port of this kind; -EPERM: it is meant for another chassis; another
 * error: the database cannot be asked.  err says which. */
int plug_port_look(const struct plug_port_opts *opts, struct plug_port *ret, struct err *err);
