/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/alloc.h"
#include "util/auto.h"
#include "util/err.h"

struct watch {
	uv_loop_t loop;
	uv_timer_t deadline;
	struct client *client;
	char *name;
	bool expired;
	unsigned int n_commits; /* that are not answered */
	int commit_result;
	struct err commit_err;
};

static void on_event(void *owner)
{
	struct watch *watch = owner;

	uv_stop(&watch->loop);
}

static void on_connection(void *owner, const struct err *err)
{
	on_event(owner);
}

static const struct client_ops ops = {
	.changed = on_event,
	.connection = on_connection,
};

static void on_deadline(uv_timer_t *timer)
{
	struct watch *watch = timer->data;

	watch->expired = true;
	uv_stop(&watch->loop);
}

static bool is_synced(struct watch *watch)
{
	return client_is_synced(watch->client) && client_is_connected(watch->client);
}

static int wait_for_content(struct watch *watch, struct err *err)
{
	const char *why;

	while (!is_synced(watch) && !watch->expired)
		uv_run(&watch->loop, UV_RUN_DEFAULT);
	if (is_synced(watch))
		return 0;
	why = client_problem(watch->client);
	return err_set(err, -ETIMEDOUT, "%s does not answer: %s", watch->name,
		       *why ? why : "it accepts connections, but says nothing that is of use");
}

int watch_open(const struct watch_opts *opts, struct watch **ret, struct err *err)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));
	const struct client_opts client_opts = {
		.loop = &watch->loop,
		.schema = opts->schema,
		.remotes = opts->remotes,
		.interests = opts->interests,
		.n_interests = opts->n_interests,
		.ops = &ops,
		.owner = watch,
	};
	int r;

	watch->name = xasprintf("%s %s", opts->name, opts->remotes);
	uv_loop_init(&watch->loop);
	uv_timer_init(&watch->loop, &watch->deadline);
	watch->deadline.data = watch;
	uv_timer_start(&watch->deadline, on_deadline, opts->timeout_ms, 0);
	r = client_open(&client_opts, &watch->client, err);
	if (r < 0)
		err_prefix(err, "%s", opts->name);
	if (r == 0 && opts->conditional)
		client_set_condition(watch->client, opts->conditional, json_incref(opts->where));
	json_decref(opts->where);
	if (r == 0)
		r = wait_for_content(watch, err);
	if (r < 0) {
		watch_close(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	client_close(watch->client);
	uv_close((uv_handle_t *)&watch->deadline, NULL);
	uv_run(&watch->loop, UV_RUN_DEFAULT);
	uv_loop_close(&watch->loop);
	free(watch->name);
	free(watch);
}

struct replica *watch_replica(struct watch *watch)
{
	return client_replica(watch->client);
}

void watch_extend(struct watch *watch, unsigned int ms)
{
	watch->expired = false;
	uv_timer_start(&watch->deadline, on_deadline, ms, 0);
}

int watch_until(struct watch *watch, bool (*done)(void *arg, struct replica *replica), void *arg)
{
	while (!done(arg, watch_replica(watch))) {
		if (watch->expired)
			return -ETIMEDOUT;
		uv_run(&watch->loop, UV_RUN_DEFAULT);
		replica_advance(watch_replica(watch));
	}
	return 0;
}

static void on_committed(void *arg, enum txn_outcome outcome, const struct txn *txn,
			 const struct err *err)
{
	struct watch *watch = arg;

	watch->n_commits--;
	watch->commit_err = (struct err)ERR_INIT;
	if (err)
		watch->commit_err = *err;
	watch->commit_result = outcome == TXN_OK ? 0 : outcome == TXN_AGAIN ? -EAGAIN : -EIO;
	uv_stop(&watch->loop);
}

int watch_commit(struct watch *watch, struct txn *txn, struct err *err)
{
	/* One that was given up may be answered yet, before this one. */
	watch->n_commits++;
	client_commit(watch->client, txn, on_committed, watch);
	while (watch->n_commits && !watch->expired)
		uv_run(&watch->loop, UV_RUN_DEFAULT);
	if (watch->n_commits)
		return err_set(err, -ETIMEDOUT, "%s: no answer in time", watch->name);
	if (watch->commit_result < 0)
		return err_set(err, watch->commit_result, "%s: %s", watch->name,
			       watch->commit_err.text[0]
				       ? watch->commit_err.text
				       : "changed by somebody else meanwhile: try again");
	return 0;
}

/* ---- words ---- */

int cli_fail(const char *command, const struct err *err)
{
	fprintf(stderr, "heddle %s: %s\n", command, err->text);
	return 1;
}

static int wrong_usage(const char *command, const char *what)
{
	fprintf(stderr, "heddle %s: %s; see \"heddle %s --help\"\n", command, what, command);
	return 2;
}

int cli_parse(const struct opts *opts, const char *command, int argc, char **argv, int n_words,
	      struct cli_words *ret)
{
	struct err err = ERR_INIT;
	int first = 0;

	ret->n = 0;
	for (;;) {
		switch (opts_parse(opts, argc, argv, &first, &err)) {
		case OPTS_HELP: return 0;
		case OPTS_BAD: return wrong_usage(command, err.text);
		default: break;
		}
		if (first >= argc)
			break;
		if (ret->n == n_words)
			return wrong_usage(command, "too many arguments");
		ret->v[ret->n++] = argv[first];
		argv += first;
		argc -= first;
	}
	return ret->n == n_words ? -1 : wrong_usage(command, "an argument is missing");
}
