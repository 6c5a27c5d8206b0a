/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nb_session.h"

#include <errno.h>
#include <string.h>

#include "schema/nb.h"
#include "util/alloc.h"
#include "util/err.h"

struct nb_session {
	uv_loop_t loop;
	uv_timer_t timer;
	struct client *client;
	size_t n_remotes, n_failures;
	bool timed_out;
	bool changed;
};

static void on_changed(void *owner)
{
	struct nb_session *session = owner;

	session->changed = true;
	replica_advance(client_replica(session->client));
}

static void on_connection(void *owner, const struct err *err)
{
	struct nb_session *session = owner;

	if (err && err->code)
		session->n_failures++;
}

static const struct client_ops ops = {
	.changed = on_changed,
	.connection = on_connection,
};

static void on_timeout(uv_timer_t *timer)
{
	struct nb_session *session = timer->data;

	session->timed_out = true;
}

static size_t count_remotes(const char *remotes)
{
	size_t n = 1;

	for (; *remotes; remotes++)
		n += *remotes == ',';
	return n;
}

static int run_once(struct nb_session *session, struct err *err)
{
	uv_run(&session->loop, UV_RUN_ONCE);
	if (session->timed_out)
		return err_set(err, -ETIMEDOUT, "%s: timed out", client_remote(session->client));
	return 0;
}

static int wait_for_connection(struct nb_session *session, struct err *err)
{
	int r;

	while (!client_is_connected(session->client)) {
		r = run_once(session, err);
		if (r < 0)
			return r;
		if (session->n_failures >= session->n_remotes)
			return err_set(err, -ENOTCONN, "cannot connect to the database: %s",
				       client_problem(session->client));
	}
	return 0;
}

int nb_session_open(const struct nb_session_opts *opts, struct nb_session **ret, struct err *err)
{
	struct nb_session *session = xcalloc(1, sizeof(*session));
	int r;

	uv_loop_init(&session->loop);
	uv_timer_init(&session->loop, &session->timer);
	session->timer.data = session;
	session->n_remotes = count_remotes(opts->remotes);
	if (opts->timeout_ms)
		uv_timer_start(&session->timer, on_timeout, opts->timeout_ms, 0);
	r = client_open(&(struct client_opts){ .loop = &session->loop,
					       .schema = &nb_schema,
					       .remotes = opts->remotes,
					       .interests = opts->interests,
					       .n_interests = opts->n_interests,
					       .leader_only = opts->leader_only,
					       .ops = &ops,
					       .owner = session },
			&session->client, err);
	for (size_t i = 0; i < opts->n_interests && r == 0; i++)
		if (opts->conditions[i])
			client_set_condition(session->client, opts->interests[i].table,
					     opts->conditions[i]);
	if (r == 0)
		r = wait_for_connection(session, err);
	if (r < 0) {
		nb_session_close(session);
		return r;
	}
	*ret = session;
	return 0;
}

void nb_session_close(struct nb_session *session)
{
	if (!session)
		return;
	if (session->client)
		client_close(session->client);
	uv_close((uv_handle_t *)&session->timer, NULL);
	uv_run(&session->loop, UV_RUN_DEFAULT);
	uv_loop_close(&session->loop);
	free(session);
}

struct answer {
	bool is_here;
	json_t *result;
	struct err err;
};

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct answer *answer = arg;

	answer->is_here = true;
	answer->result = json_incref((json_t *)result);
	if (!result && err)
		answer->err = *err;
}

int nb_session_transact(struct nb_session *session, json_t *params, json_t **ret, struct err *err)
{
	/* Static, for the answer may come when the wait for it has been given up. */
	static struct answer answer;
	int r = 0;

	answer = (struct answer){ 0 };
	client_request(session->client, "transact", params, on_answer, &answer);
	while (!answer.is_here && r == 0)
		r = run_once(session, err);
	if (r < 0)
		return r;
	if (!answer.result)
		return err_set(err, answer.err.code ?: -EPROTO, "%s: %s",
			       client_remote(session->client), answer.err.text);
	*ret = answer.result;
	return 0;
}

int nb_session_wait_change(struct nb_session *session, struct err *err)
{
	int r = 0;

	while (!session->changed && r == 0)
		r = run_once(session, err);
	if (r == 0)
		session->changed = false;
	return r;
}

struct replica *nb_session_replica(struct nb_session *session)
{
	return client_replica(session->client);
}
