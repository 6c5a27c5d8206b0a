/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/rpc.h"

#include <errno.h>
#include <string.h>

#include "io/stream.h"
#include "ovsdb/frame.h"
#include "util/alloc.h"
#include "util/err.h"

struct rpc {
	struct stream *stream;
	struct frame frame;
	const struct rpc_ops *ops;
	void *owner;
	char *remote;
	bool busy; /* inside on_data(), which frees it then */
	bool closed;
};

static void rpc_free(struct rpc *rpc)
{
	frame_done(&rpc->frame);
	free(rpc->remote);
	free(rpc);
}

static void on_connected(void *owner)
{
	struct rpc *rpc = owner;

	rpc->ops->connected(rpc->owner);
}

static void on_failed(void *owner, const struct err *err)
{
	struct rpc *rpc = owner;

	rpc->ops->failed(rpc->owner, err);
}

static void read_messages(struct rpc *rpc)
{
	struct err err = ERR_INIT;
	json_t *message;
	int r;

	while (!rpc->closed && (r = frame_next(&rpc->frame, &message, &err))) {
		if (r < 0) {
			err_prefix(&err, "%s", rpc->remote);
			rpc->ops->failed(rpc->owner, &err);
			return;
		}
		rpc->ops->message(rpc->owner, message);
		json_decref(message);
	}
	if (!rpc->closed)
		rpc->ops->batch_end(rpc->owner);
}

static void on_data(void *owner, const char *bytes, size_t n)
{
	struct rpc *rpc = owner;

	rpc->busy = true;
	frame_feed(&rpc->frame, bytes, n);
	rpc->ops->heard(rpc->owner);
	read_messages(rpc);
	rpc->busy = false;
	if (rpc->closed)
		rpc_free(rpc);
}

static const struct stream_ops stream_ops = {
	.connected = on_connected,
	.data = on_data,
	.failed = on_failed,
};

int rpc_open(const struct rpc_opts *opts, struct rpc **ret, struct err *err)
{
	struct rpc *rpc = xcalloc(1, sizeof(*rpc));
	int r;

	rpc->ops = opts->ops;
	rpc->owner = opts->owner;
	rpc->remote = xstrdup(opts->remote);
	frame_init(&rpc->frame, opts->max_bytes ?: FRAME_MAX_BYTES);
	r = stream_open(opts->loop, opts->remote, &stream_ops, rpc, &rpc->stream, err);
	if (r < 0) {
		rpc_free(rpc);
		return r;
	}
	*ret = rpc;
	return 0;
}

void rpc_close(struct rpc *rpc)
{
	if (!rpc || rpc->closed)
		return;
	rpc->closed = true;
	stream_close(rpc->stream);
	if (!rpc->busy)
		rpc_free(rpc);
}

int rpc_send(struct rpc *rpc, json_t *message, struct err *err)
{
	char *text;

	if (stream_queued_bytes(rpc->stream) > RPC_MAX_QUEUED_BYTES) {
		json_decref(message);
		return err_set(err, -ENOBUFS, "%s: the peer does not read what it is sent",
			       rpc->remote);
	}
	text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (!text)
		return err_set(err, -EINVAL, "%s: a message cannot be written as JSON",
			       rpc->remote);
	stream_send(rpc->stream, text, strlen(text));
	return 0;
}
