/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/session.h"

#include "util/alloc.h"

enum state {
	STATE_WAITING, /* until deadline_ms, to dial */
	STATE_CONNECTING,
	STATE_CONNECTED,
	STATE_PROBING, /* an echo is on its way */
};

struct session {
	struct session_opts opts;
	enum state state;
	uint64_t deadline_ms;
	uint64_t backoff_ms; /* the next wait */
	unsigned int n_remotes;
	unsigned int n_failed; /* since the last wait */
};

struct session *session_new(const struct session_opts *opts)
{
	struct session *session = xcalloc(1, sizeof(*session));

	session->opts = *opts;
	session->opts.backoff_min_ms = opts->backoff_min_ms ?: 1000;
	session->opts.backoff_max_ms = opts->backoff_max_ms ?: 8000;
	session->opts.probe_ms = opts->probe_ms ?: 5000;
	session->opts.connect_ms = opts->connect_ms ?: 5000;
	session->backoff_ms = session->opts.backoff_min_ms;
	session->n_remotes = 1;
	return session;
}

void session_free(struct session *session)
{
	free(session);
}

void session_set_remotes(struct session *session, unsigned int n)
{
	session->n_remotes = n ?: 1;
}

void session_connected(struct session *session, uint64_t now_ms)
{
	session->state = STATE_CONNECTED;
	session->deadline_ms = now_ms + session->opts.probe_ms;
}

void session_heard(struct session *session, uint64_t now_ms)
{
	if (session->state == STATE_CONNECTED || session->state == STATE_PROBING)
		session_connected(session, now_ms);
}

void session_healthy(struct session *session)
{
	session->backoff_ms = session->opts.backoff_min_ms;
	session->n_failed = 0;
}

void session_failed(struct session *session, uint64_t now_ms)
{
	session->state = STATE_WAITING;
	session->deadline_ms = now_ms;
	if (++session->n_failed < session->n_remotes)
		return;
	session->n_failed = 0;
	session->deadline_ms += session->backoff_ms;
	session->backoff_ms *= 2;
	if (session->backoff_ms > session->opts.backoff_max_ms)
		session->backoff_ms = session->opts.backoff_max_ms;
}

void session_retry(struct session *session, uint64_t now_ms)
{
	session_healthy(session);
	if (session->state == STATE_WAITING)
		session->deadline_ms = now_ms;
}

enum session_want session_next(struct session *session, uint64_t now_ms, uint64_t *ret_deadline_ms)
{
	enum session_want want = SESSION_IDLE;

	if (now_ms >= session->deadline_ms) {
		switch (session->state) {
		case STATE_WAITING:
			want = SESSION_DIAL;
			session->state = STATE_CONNECTING;
			session->deadline_ms = now_ms + session->opts.connect_ms;
			break;
		case STATE_CONNECTED:
			want = SESSION_PROBE;
			session->state = STATE_PROBING;
			session->deadline_ms = now_ms + session->opts.probe_ms;
			break;
		case STATE_CONNECTING:
		case STATE_PROBING: want = SESSION_HANG_UP; break;
		}
	}
	*ret_deadline_ms = session->deadline_ms;
	return want;
}
