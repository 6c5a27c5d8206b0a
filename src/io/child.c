/* SPDX-License-Identifier: Apache-2.0 */
#include "io/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 8000
#define HEALTHY_MS     10000

#define STATUS_NOT_FOUND 127 /* setpriv(1) */

struct child {
	uv_loop_t *loop;
	char *name;
	char **argv;
	bool keep;
	void (*ended)(void *owner, const struct err *err);
	void *owner;
	uv_timer_t timer;
	uv_process_t process;
	bool has_process; /* until libuv has let go of it */
	bool running;
	bool stopping;
	bool timer_closed;
	uint64_t started_ms;
	uint64_t backoff_ms;
};

/* setpriv sets the signal and becomes the program, so its pid and exit status are the program's. */
static char **argv_copy(const char *const *argv)
{
	static const char *const before[] = { "setpriv", "--pdeathsig", "TERM", "--" };
	VEC(char *) copy = VEC_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		VEC_ADD(copy, xstrdup(before[i]));
	for (; *argv; argv++)
		VEC_ADD(copy, xstrdup(*argv));
	VEC_ADD(copy, NULL);
	return copy.v;
}

static void argv_free(char **argv)
{
	for (char **arg = argv; *arg; arg++)
		free(*arg);
	free(argv);
}

static void exit_words(const char *name, int64_t status, int signal, struct err *err)
{
	if (signal)
		err_set(err, -ECHILD, "%s: ended by signal %d", name, signal);
	else if (status == STATUS_NOT_FOUND)
		err_set(err, -ENOENT, "%s: cannot be started: is it installed?", name);
	else
		err_set(err, -ECHILD, "%s: exited with status %lld", name, (long long)status);
}

static void free_if_unused(struct child *child)
{
	if (!child->stopping || child->has_process || !child->timer_closed)
		return;
	argv_free(child->argv);
	free(child->name);
	free(child);
}

static void on_process_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	child->has_process = false;
	free_if_unused(child);
}

static int spawn(struct child *child, struct err *err);

static void on_backoff(uv_timer_t *timer)
{
	struct child *child = timer->data;
	struct err err;

	if (child->has_process) {
		uv_timer_start(timer, on_backoff, BACKOFF_MIN_MS, 0);
		return;
	}
	if (spawn(child, &err) < 0 && child->ended)
		child->ended(child->owner, &err);
}

static void restart_later(struct child *child)
{
	uv_timer_start(&child->timer, on_backoff, child->backoff_ms, 0);
	child->backoff_ms *= 2;
	if (child->backoff_ms > BACKOFF_MAX_MS)
		child->backoff_ms = BACKOFF_MAX_MS;
}

static void on_exit_process(uv_process_t *process, int64_t status, int signal)
{
	struct child *child = process->data;
	struct err err;

	child->running = false;
	uv_close((uv_handle_t *)process, on_process_closed);
	if (child->stopping)
		return;
	if (uv_now(child->loop) - child->started_ms >= HEALTHY_MS)
		child->backoff_ms = BACKOFF_MIN_MS;
	if (child->keep)
		restart_later(child);
	exit_words(child->name, status, signal, &err);
	if (child->ended)
		child->ended(child->owner, &err);
}

static int spawn(struct child *child, struct err *err)
{
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	uv_process_options_t options = {
		.exit_cb = on_exit_process,
		.file = child->argv[0],
		.args = child->argv,
		.stdio = stdio,
		.stdio_count = 3,
	};
	int r;

	child->started_ms = uv_now(child->loop);
	child->has_process = true;
	child->process.data = child;
	r = uv_spawn(child->loop, &child->process, &options);
	if (r < 0) {
		uv_close((uv_handle_t *)&child->process, on_process_closed);
		if (child->keep)
			restart_later(child);
		return err_set(err, r, "%s: cannot be started: %s", child->name, uv_strerror(r));
	}
	child->running = true;
	return 0;
}

int child_start(const struct child_opts *opts, struct child **ret, struct err *err)
{
	struct child *child = xcalloc(1, sizeof(*child));
	int r;

	child->loop = opts->loop;
	child->name = xstrdup(opts->name);
	child->argv = argv_copy(opts->argv);
	child->keep = opts->keep;
	child->ended = opts->ended;
	child->owner = opts->owner;
	child->backoff_ms = BACKOFF_MIN_MS;
	uv_timer_init(child->loop, &child->timer);
	child->timer.data = child;
	r = spawn(child, err);
	if (r < 0) {
		child_stop(child);
		return r;
	}
	*ret = child;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	child->timer_closed = true;
	free_if_unused(child);
}

void child_stop(struct child *child)
{
	if (!child)
		return;
	child->stopping = true;
	child->ended = NULL;
	uv_close((uv_handle_t *)&child->timer, on_timer_closed);
	if (child->running)
		uv_process_kill(&child->process, SIGTERM);
}

int child_pid(const struct child *child)
{
	return child->running ? uv_process_get_pid(&child->process) : 0;
}

/* ---- a program run to its end ---- */

struct pipe {
	uv_pipe_t handle;
	struct run *run;
	struct str text;
};

struct run {
	uv_process_t process;
	struct pipe out, error;
	char **argv;
	char chunk[4096];
	unsigned int open; /* handles not closed yet */
	int64_t status;
	int signal;
	int start_error;
	child_done *done;
	void *arg;
};

static void run_finish(struct run *run)
{
	const char *name = run->argv[4];
	struct err err;
	bool failed = true;

	if (run->start_error)
		err_set(&err, run->start_error, "%s: cannot be started: %s", name,
			uv_strerror(run->start_error));
	else if (!run->status && !run->signal)
		failed = false;
	else if (run->error.text.len)
		err_set(&err, -ECHILD, "%s", str_c(&run->error.text));
	else
		exit_words(name, run->status, run->signal, &err);
	run->done(run->arg, str_c(&run->out.text), failed ? &err : NULL);
	str_done(&run->out.text);
	str_done(&run->error.text);
	argv_free(run->argv);
	free(run);
}

static void run_closed(struct run *run)
{
	if (!--run->open)
		run_finish(run);
}

static void on_run_process_closed(uv_handle_t *handle)
{
	run_closed(handle->data);
}

static void on_pipe_closed(uv_handle_t *handle)
{
	run_closed(((struct pipe *)handle->data)->run);
}

static void on_run_exit(uv_process_t *process, int64_t status, int signal)
{
	struct run *run = process->data;

	run->status = status;
	run->signal = signal;
	uv_close((uv_handle_t *)process, on_run_process_closed);
}

static void on_pipe_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct run *run = ((struct pipe *)handle->data)->run;

	*buf = uv_buf_init(run->chunk, sizeof(run->chunk));
}

static void on_pipe_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct pipe *pipe = stream->data;
	size_t room = CHILD_OUTPUT_BYTES - pipe->text.len;

	if (n < 0)
		uv_close((uv_handle_t *)stream, on_pipe_closed);
	else
		str_addn(&pipe->text, buf->base, (size_t)n < room ? (size_t)n : room);
}

static void pipe_init(uv_loop_t *loop, struct run *run, struct pipe *pipe)
{
	pipe->run = run;
	uv_pipe_init(loop, &pipe->handle, 0);
	pipe->handle.data = pipe;
	run->open++;
}

void child_run(uv_loop_t *loop, const char *const *argv, child_done *done, void *arg)
{
	struct run *run = xcalloc(1, sizeof(*run));
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)&run->out.handle },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)&run->error.handle },
	};
	uv_process_options_t options = {
		.exit_cb = on_run_exit,
		.stdio = stdio,
		.stdio_count = 3,
	};

	run->argv = argv_copy(argv);
	run->done = done;
	run->arg = arg;
	run->open = 1;
	run->process.data = run;
	pipe_init(loop, run, &run->out);
	pipe_init(loop, run, &run->error);
	options.file = run->argv[0];
	options.args = run->argv;
	run->start_error = uv_spawn(loop, &run->process, &options);
	if (run->start_error) {
		uv_close((uv_handle_t *)&run->process, on_run_process_closed);
		uv_close((uv_handle_t *)&run->out.handle, on_pipe_closed);
		uv_close((uv_handle_t *)&run->error.handle, on_pipe_closed);
		return;
	}
	uv_read_start((uv_stream_t *)&run->out.handle, on_pipe_alloc, on_pipe_read);
	uv_read_start((uv_stream_t *)&run->error.handle, on_pipe_alloc, on_pipe_read);
}
