/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

/* An ovsdb-server as our child: the database file is created when missing and converted when its schema is
 * older than ours, the process is restarted with back-off when it dies, and dies with us.  If a server
 * already answers on the socket, it is used and none is started; if that is the child of another process like us, one
 * is started when it has gone. */
struct ovsdb_server;
struct err;

struct ovsdb_server_opts {
	uv_loop_t *loop;
	const char *name;        /* for messages: "northbound database" */
	const char *schema_file; /* NAME.ovsschema */
	const char *db_file;     /* its directory is made */
	/* RFC 7047 4.1.3 parameters for a file that was just made, or NULL.  The one row of a root table belongs
	 * there: tools that find none insert it themselves, and all but one of those fail. */
	const char *first_transaction;
	const char *socket;      /* unix socket path; its directory is made */
	const char *remotes;     /* further ovsdb-server --remote values separated by commas, e.g. "ptcp:6641:127.0.0.1", or NULL */
	const char *const *more; /* further options, NULL behind them; not copied.  Or NULL */
	const char *run_dir;     /* pid file and control socket, named as the socket is; it is made */
	/* Called once when the server answers, or cannot be had (err). */
	void (*ready)(void *owner, const struct err *err);
	void *owner;
};

/* The server of that socket, if one runs, was started as such a child, by us or another process. */
bool ovsdb_server_is_ours(const char *socket, const char *run_dir);
/* Once it answers: whether it listens, now or as soon as the server of a process like us has gone, at opts.remotes too.
 * Somebody else's server does not. */
bool ovsdb_server_has_remotes(const struct ovsdb_server *server);
/* Strings are copied; a relative path is taken from the current directory. */
struct ovsdb_server *ovsdb_server_start(const struct ovsdb_server_opts *opts);
/* Stops the child, if it is ours, with SIGTERM and lets go; memory goes from the loop.  NULL is fine. */
void ovsdb_server_stop(struct ovsdb_server *server);
