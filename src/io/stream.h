/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <uv.h>

/* A byte stream to a peer, over libuv.  A remote is "unix:PATH", "tcp:IPV4:PORT" or "tcp:[IPV6]:PORT". */
struct stream;
struct err;

struct stream_ops {
	void (*connected)(void *owner);
	void (*data)(void *owner, const char *bytes, size_t n); /* n > 0 */
	/* The connection could not be had, broke, or was closed by the peer.  The owner calls stream_close(). */
	void (*failed)(void *owner, const struct err *err);
};

/* -EINVAL with a reason unless remote is well formed. */
int stream_check(const char *remote, struct err *err);
/* Starts to connect.  Callbacks run from the loop, never from within a call.  -EINVAL as
 * stream_check(), or what the system refuses at once (no route, no descriptors). */
int stream_open(uv_loop_t *loop, const char *remote, const struct stream_ops *ops, void *owner,
		struct stream **ret, struct err *err);
/* No callback comes after this.  Memory goes once libuv has let go.  NULL is fine. */
void stream_close(struct stream *stream);
/* Sends, or queues, n bytes; takes bytes, from malloc(). */
void stream_send(struct stream *stream, char *bytes, size_t n);
size_t stream_queued_bytes(const struct stream *stream);
