/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A session is the decision part of a connection that is kept up: when to dial, probe, back off, give up.  It owns no
 * socket and reads no clock, so a test can live through a day of failures in a blink. */
struct session;

enum session_want {
	SESSION_IDLE,
	SESSION_DIAL,    /* the next remote; the session takes it that this is done */
	SESSION_PROBE,   /* send an "echo"; taken as done, too */
	SESSION_HANG_UP, /* the peer is silent; session_failed() is to follow */
};

struct session_opts {
	uint64_t backoff_min_ms; /* 0: 1000 */
	uint64_t backoff_max_ms; /* 0: 8000 */
	uint64_t
		probe_ms; /* 0: 5000; silence for that long is probed, and given up after as much again */
	uint64_t connect_ms; /* 0: 5000; given up when not connected by then */
};

struct session *session_new(const struct session_opts *opts);
void session_free(struct session *session);

/* Remotes are dialled in turn; there is a wait only once all have failed.  At least 1, the default. */
void session_set_remotes(struct session *session, unsigned int n);

/* Report what happened.  Each call may move the deadline. */
void session_connected(struct session *session, uint64_t now_ms);
void session_heard(struct session *session, uint64_t now_ms);
void session_healthy(
	struct session *session); /* the connection proved useful: the back-off starts anew */
void session_failed(struct session *session, uint64_t now_ms);
/* What failed so far does not count any more: no wait. */
void session_retry(struct session *session, uint64_t now_ms);

/* What to do now, and when to ask again (UINT64_MAX: not before the next report). */
enum session_want session_next(struct session *session, uint64_t now_ms, uint64_t *ret_deadline_ms);
