/* SPDX-License-Identifier: Apache-2.0 */
/* One step after the other, each started by the answer to the one before: does a server answer already? is there
 * a file, and is its schema ours? start the server, and wait until it answers. */
#include "ovsdb/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/child.h"
#include "io/stream.h"
#include "ovsdb/server_listen.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("ovsdb");

enum {
	POLL_MS = 20,
	ANSWER_MS = 60000, /* a large database takes its time to load */
	WATCH_MS = 500,    /* for the end of another process' server */
	RETRY_MS = 1000,
};

struct ovsdb_server {
	uv_loop_t *loop;
	char *name, *schema_file, *db_file, *first_transaction, *socket, *remotes, *run_dir;
	const char *const *more;
	char *new_file;                                    /* the database while it is being made */
	void (*ready)(void *owner, const struct err *err); /* NULL once called */
	void *owner;
	struct stream *probe;
	uv_timer_t timer;
	struct child *child;
	uint64_t deadline_ms;
	char *db_version;
	unsigned int n_running; /* of ovsdb-tool */
	bool is_lingering;      /* who is being probed was started by a process before us */
	bool timer_closed;
	bool is_stopped;
};

static void start_probe(struct ovsdb_server *server);
static void on_poll(uv_timer_t *timer);

/* The pid file and control socket are named as the socket is: ovnnb_db.sock, ovnnb_db.pid, ovnnb_db.ctl. */
static char *run_file(const char *socket, const char *run_dir, const char *suffix)
{
	const char *slash = strrchr(socket, '/');
	const char *base = slash ? slash + 1 : socket;

	return xasprintf("%s/%.*s%s", run_dir, (int)strcspn(base, "."), base, suffix);
}

/* It holds the lock on the pid file. */
bool ovsdb_server_is_ours(const char *socket, const char *run_dir)
{
	AUTO_FREE char *path = run_file(socket, run_dir, ".pid");
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool is_held;

	if (fd < 0)
		return false;
	is_held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return is_held;
}

static void free_if_unused(struct ovsdb_server *server)
{
	if (!server->is_stopped || server->n_running || !server->timer_closed)
		return;
	free(server->name);
	free(server->schema_file);
	free(server->db_file);
	free(server->new_file);
	free(server->first_transaction);
	free(server->socket);
	free(server->remotes);
	free(server->run_dir);
	free(server->db_version);
	free(server);
}

static void finish(struct ovsdb_server *server, struct err *err)
{
	void (*ready)(void *owner, const struct err *err) = TAKE(server->ready);

	uv_timer_stop(&server->timer);
	stream_close(TAKE(server->probe));
	if (err) {
		child_stop(TAKE(server->child));
		err_prefix(err, "%s", server->name);
	}
	if (err && !ready) {
		log_err("%s", err->text);
		uv_timer_start(&server->timer, on_poll, RETRY_MS, 0);
	} else if (!err && !server->child && server->is_lingering) {
		if (ready)
			log_info("%s: the server of another process is used while it runs",
				 server->name);
		uv_timer_start(&server->timer, on_poll, WATCH_MS, 0);
	}
	if (ready)
		ready(server->owner, err);
}

/* ---- the server ---- */

static void on_child_ended(void *owner, const struct err *err)
{
	struct ovsdb_server *server = owner;
	struct err why = *err;

	if (server->ready)
		finish(server, &why);
	else
		log_warn("%s: %s; it is restarted", server->name, err->text);
}

static void add_remotes(struct ovsdb_server *server, char **argv, size_t *n, size_t max)
{
	AUTO_FREE char *copy = xstrdup(server->remotes ?: "");
	char *save = NULL;

	for (char *word = strtok_r(copy, ",", &save); word && *n < max;
	     word = strtok_r(NULL, ",", &save))
		argv[(*n)++] = xasprintf("--remote=%s", word);
}

static void add_more(struct ovsdb_server *server, char **argv, size_t *n, size_t max)
{
	for (const char *const *option = server->more; option && *option && *n < max; option++)
		argv[(*n)++] = xstrdup(*option);
}

static void start_server(struct ovsdb_server *server)
{
	AUTO_FREE char *pid = run_file(server->socket, server->run_dir, ".pid");
	AUTO_FREE char *control = run_file(server->socket, server->run_dir, ".ctl");
	struct child_opts opts = {
		.loop = server->loop,
		.name = "ovsdb-server",
		.keep = true,
		.ended = on_child_ended,
		.owner = server,
	};
	struct err err = ERR_INIT;
	char *argv[32];
	size_t n = 0;
	int r;

	argv[n++] = xstrdup("ovsdb-server");
	argv[n++] = xstrdup("--no-chdir");
	argv[n++] = xasprintf("--remote=punix:%s", server->socket);
	argv[n++] = xasprintf("--pidfile=%s", pid);
	argv[n++] = xasprintf("--unixctl=%s", control);
	argv[n++] = xstrdup("-vconsole:warn");
	argv[n++] = xstrdup("-vsyslog:off");
	argv[n++] = xstrdup("-vfile:off");
	argv[n++] = xstrdup("-vfatal_signal:off"); /* "terminating with signal 15": so we asked */
	argv[n++] = xstrdup(server->db_file);
	add_more(server, argv, &n, ARRAY_SIZE(argv) - 1);
	add_remotes(server, argv, &n, ARRAY_SIZE(argv) - 1);
	argv[n] = NULL;
	opts.argv = (const char *const *)argv;
	r = child_start(&opts, &server->child, &err);
	for (size_t i = 0; i < n; i++)
		free(argv[i]);
	if (r < 0) {
		finish(server, &err);
		return;
	}
	server->deadline_ms = uv_now(server->loop) + ANSWER_MS;
	server->is_lingering = false;
	start_probe(server);
}

/* ---- the file ---- */

static void remove_new_file(const struct ovsdb_server *server)
{
	const char *base = strrchr(server->new_file, '/') + 1;
	AUTO_FREE char *lock =
		xasprintf("%.*s.%s.~lock~", (int)(base - server->new_file), server->new_file, base);

	unlink(server->new_file);
	unlink(lock);
}

typedef void on_tool(struct ovsdb_server *server, const char *output);

struct tool {
	struct ovsdb_server *server;
	on_tool *next;
};

static void on_tool_done(void *arg, const char *output, const struct err *err)
{
	struct tool *tool = arg;
	struct ovsdb_server *server = tool->server;
	on_tool *next = tool->next;
	struct err why;

	free(tool);
	server->n_running--;
	if (server->is_stopped) {
		remove_new_file(server);
		free_if_unused(server);
		return;
	}
	if (!err) {
		next(server, output);
		return;
	}
	remove_new_file(server);
	why = *err;
	why.text[strcspn(why.text, "\n")] = '\0';
	finish(server, &why);
}

static void run_tool(struct ovsdb_server *server, const char *command, const char *file1,
		     const char *file2, on_tool *next)
{
	const char *const argv[] = { "ovsdb-tool", "-vconsole:off", command, file1, file2, NULL };
	struct tool *tool = xmalloc(sizeof(*tool));

	tool->server = server;
	tool->next = next;
	server->n_running++;
	child_run(server->loop, argv, on_tool_done, tool);
}

static void on_file_ready(struct ovsdb_server *server, const char *output)
{
	start_server(server);
}

/* A file is made under another name, so that what is there under the right one is whole. */
static void on_file_filled(struct ovsdb_server *server, const char *output)
{
	struct err err = ERR_INIT;

	if (rename(server->new_file, server->db_file) == 0) {
		remove_new_file(server);
		start_server(server);
		return;
	}
	err_set(&err, -errno, "%s: cannot be made: %s", server->db_file, strerror(errno));
	finish(server, &err);
}

static void on_file_created(struct ovsdb_server *server, const char *output)
{
	if (server->first_transaction)
		run_tool(server, "transact", server->new_file, server->first_transaction,
			 on_file_filled);
	else
		on_file_filled(server, output);
}

static bool is_older(const char *ours, const char *theirs)
{
	unsigned int a[3] = { 0 }, b[3] = { 0 };

	sscanf(ours, "%u.%u.%u", &a[0], &a[1], &a[2]);
	sscanf(theirs, "%u.%u.%u", &b[0], &b[1], &b[2]);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}

static void on_schema_version(struct ovsdb_server *server, const char *output)
{
	/* A newer program has been here: its columns are none of our business, and are kept. */
	if (is_older(output, server->db_version))
		start_server(server);
	else
		run_tool(server, "convert", server->db_file, server->schema_file, on_file_ready);
}

static void on_db_version(struct ovsdb_server *server, const char *output)
{
	free(server->db_version);
	server->db_version = xstrdup(output);
	run_tool(server, "schema-version", server->schema_file, NULL, on_schema_version);
}

static void on_needs_conversion(struct ovsdb_server *server, const char *output)
{
	if (str_starts(output, "yes"))
		run_tool(server, "db-version", server->db_file, NULL, on_db_version);
	else
		start_server(server);
}

static int make_directories(const char *path, struct err *err)
{
	AUTO_FREE char *copy = xstrdup(path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return err_set(err, -errno, "%s: cannot be made: %s", copy,
				       strerror(errno));
		*slash = '/';
	}
	if (!strchr(copy, '/'))
		return 0;
	strrchr(copy, '/')[1] = '\0'; /* the slash stays: only a directory will do */
	if (access(copy, W_OK) < 0)
		return err_set(err, -errno, "%s: %s", copy, strerror(errno));
	return 0;
}

static int make_all_directories(const struct ovsdb_server *server, struct err *err)
{
	AUTO_FREE char *run_path = xasprintf("%s/", server->run_dir);
	int r;

	r = make_directories(server->db_file, err);
	if (!r)
		r = make_directories(server->socket, err);
	if (!r)
		r = make_directories(run_path, err);
	return r;
}

static void prepare_file(struct ovsdb_server *server)
{
	struct err err = ERR_INIT;

	if (make_all_directories(server, &err) < 0 ||
	    server_listen_check(server->remotes, &err) < 0) {
		finish(server, &err);
	} else if (access(server->db_file, F_OK) < 0) {
		remove_new_file(server);
		run_tool(server, "create", server->new_file, server->schema_file, on_file_created);
	} else {
		run_tool(server, "needs-conversion", server->db_file, server->schema_file,
			 on_needs_conversion);
	}
}

/* ---- is it there? ---- */

static void on_poll(uv_timer_t *timer)
{
	start_probe(timer->data);
}

static void on_no_answer(struct ovsdb_server *server, const struct err *err)
{
	struct err why = *err;

	stream_close(TAKE(server->probe));
	if (!server->child)
		prepare_file(server);
	else if (uv_now(server->loop) >= server->deadline_ms)
		finish(server, &why);
	else
		uv_timer_start(&server->timer, on_poll, POLL_MS, 0);
}

static void on_probe_connected(void *owner)
{
	finish(owner, NULL);
}

static void on_probe_data(void *owner, const char *bytes, size_t n)
{
}

static void on_probe_failed(void *owner, const struct err *err)
{
	on_no_answer(owner, err);
}

static void start_probe(struct ovsdb_server *server)
{
	static const struct stream_ops ops = {
		.connected = on_probe_connected,
		.data = on_probe_data,
		.failed = on_probe_failed,
	};
	AUTO_FREE char *remote = xasprintf("unix:%s", server->socket);
	struct err err = ERR_INIT;
	int r;

	/* Asked before it answers: a server that is about to end may have let go of its lock by then. */
	if (!server->child && ovsdb_server_is_ours(server->socket, server->run_dir))
		server->is_lingering = true;
	r = stream_open(server->loop, remote, &ops, server, &server->probe, &err);
	if (r == -EINVAL)
		finish(server, &err);
	else if (r < 0)
		on_no_answer(server, &err);
}

/* ---- interface ---- */

/* ovsdb-server takes a relative path from its own run directory, not from where we are. */
static char *absolute(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/')
		return xstrdup(path);
	return xasprintf("%s/%s", getcwd(here, sizeof(here)) ?: ".", path);
}

struct ovsdb_server *ovsdb_server_start(const struct ovsdb_server_opts *opts)
{
	struct ovsdb_server *server = xcalloc(1, sizeof(*server));

	server->loop = opts->loop;
	server->name = xstrdup(opts->name);
	server->schema_file = xstrdup(opts->schema_file);
	server->db_file = absolute(opts->db_file);
	server->new_file = xasprintf("%s.new", server->db_file);
	server->first_transaction =
		opts->first_transaction ? xstrdup(opts->first_transaction) : NULL;
	server->socket = absolute(opts->socket);
	server->remotes = opts->remotes ? xstrdup(opts->remotes) : NULL;
	server->run_dir = absolute(opts->run_dir);
	server->more = opts->more;
	server->ready = opts->ready;
	server->owner = opts->owner;
	uv_timer_init(server->loop, &server->timer);
	server->timer.data = server;
	uv_timer_start(&server->timer, on_poll, 0, 0);
	return server;
}

bool ovsdb_server_has_remotes(const struct ovsdb_server *server)
{
	return server->child || server->is_lingering;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct ovsdb_server *server = handle->data;

	server->timer_closed = true;
	free_if_unused(server);
}

void ovsdb_server_stop(struct ovsdb_server *server)
{
	if (!server || server->is_stopped)
		return;
	server->is_stopped = true;
	server->ready = NULL;
	stream_close(TAKE(server->probe));
	child_stop(TAKE(server->child));
	uv_close((uv_handle_t *)&server->timer, on_timer_closed);
}
