/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <uv.h>

/* JSON-RPC 1.0 messages over a stream (RFC 7047 section 4). */
struct rpc;
struct err;

#define RPC_MAX_QUEUED_BYTES (256u << 20)

struct rpc_ops {
	void (*connected)(void *owner);
	void (*heard)(void *owner); /* the peer sent something, perhaps a part of a message */
	void (*message)(void *owner, const json_t *message); /* an object; borrowed */
	void (*batch_end)(void *owner);                      /* what had arrived was handed over */
	/* It broke, or the peer broke the rules.  The owner calls rpc_close(). */
	void (*failed)(void *owner, const struct err *err);
};

struct rpc_opts {
	uv_loop_t *loop;
	const char *remote;
	size_t max_bytes; /* of a message; 0: FRAME_MAX_BYTES */
	const struct rpc_ops *ops;
	void *owner;
};

/* As stream_open().  Callbacks run from the loop. */
int rpc_open(const struct rpc_opts *opts, struct rpc **ret, struct err *err);
void rpc_close(struct rpc *rpc); /* no callback comes after this; NULL is fine */
/* Steals message.  -ENOBUFS: the peer reads nothing. */
int rpc_send(struct rpc *rpc, json_t *message, struct err *err);
