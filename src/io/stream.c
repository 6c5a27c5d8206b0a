/* SPDX-License-Identifier: Apache-2.0 */
#include "io/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "util/alloc.h"
#include "util/err.h"
#include "util/str.h"

#define READ_BYTES 65536

struct stream {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_pipe_t pipe;
		uv_tcp_t tcp;
	};
	uv_connect_t connect;
	const struct stream_ops *ops; /* NULL after stream_close() */
	void *owner;
	char *remote;
	char buffer[READ_BYTES];
};

struct address {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for tcp */
	struct sockaddr_storage tcp;
};

static int parse_unix(const char *remote, const char *path, struct address *ret, struct err *err)
{
	if (!path[0])
		return err_set(err, -EINVAL, "remote \"%s\": the path is missing", remote);
	if (strlen(path) >= sizeof(ret->path))
		return err_set(err, -EINVAL, "remote \"%s\": the path is longer than %zu bytes",
			       remote, sizeof(ret->path) - 1);
	strcpy(ret->path, path);
	return 0;
}

static int parse_tcp(const char *remote, const char *rest, struct address *ret, struct err *err)
{
	bool is_v6 = rest[0] == '[';
	const char *end = is_v6 ? strstr(rest, "]:") : strchr(rest, ':');
	char host[INET6_ADDRSTRLEN];
	long long port;
	size_t length;
	int r;

	if (!end || !str_to_int(end + 1 + is_v6, 1, 65535, &port))
		return err_set(err, -EINVAL,
			       "remote \"%s\": a port from 1 to 65535 must follow the address",
			       remote);
	rest += is_v6;
	length = end - rest;
	if (length >= sizeof(host))
		return err_set(err, -EINVAL, "remote \"%s\": no IP address", remote);
	memcpy(host, rest, length);
	host[length] = '\0';
	ret->path[0] = '\0';
	r = is_v6 ? uv_ip6_addr(host, port, (struct sockaddr_in6 *)&ret->tcp)
		  : uv_ip4_addr(host, port, (struct sockaddr_in *)&ret->tcp);
	if (r < 0)
		return err_set(
			err, -EINVAL,
			"remote \"%s\": \"%s\" is no IP address (an IPv6 address stands in [])",
			remote, host);
	return 0;
}

static int parse(const char *remote, struct address *ret, struct err *err)
{
	if (str_starts(remote, "unix:"))
		return parse_unix(remote, remote + strlen("unix:"), ret, err);
	if (str_starts(remote, "tcp:"))
		return parse_tcp(remote, remote + strlen("tcp:"), ret, err);
	return err_set(err, -EINVAL, "remote \"%s\": neither unix:PATH nor tcp:ADDRESS:PORT",
		       remote);
}

int stream_check(const char *remote, struct err *err)
{
	struct address address;

	return parse(remote, &address, err);
}

static void fail(struct stream *stream, int error)
{
	struct err err;

	if (!stream->ops)
		return;
	if (error == UV_EOF)
		err_set(&err, -ECONNRESET, "%s: the peer closed the connection", stream->remote);
	else
		err_set(&err, error, "%s: %s", stream->remote, uv_strerror(error));
	stream->ops->failed(stream->owner, &err);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct stream *stream = handle->data;

	*buf = uv_buf_init(stream->buffer, sizeof(stream->buffer));
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
	struct stream *stream = handle->data;

	if (n < 0) {
		uv_read_stop(handle);
		fail(stream, n);
	} else if (n > 0 && stream->ops) {
		stream->ops->data(stream->owner, buf->base, n);
	}
}

static void on_connect(uv_connect_t *connect, int status)
{
	struct stream *stream = connect->handle->data;

	if (!stream->ops)
		return;
	if (!status)
		status = uv_read_start(&stream->stream, on_alloc, on_read);
	if (status < 0)
		fail(stream, status);
	else
		stream->ops->connected(stream->owner);
}

static void on_close(uv_handle_t *handle)
{
	struct stream *stream = handle->data;

	free(stream->remote);
	free(stream);
}

static int start_connect(uv_loop_t *loop, struct stream *stream, const struct address *address)
{
	if (address->path[0]) {
		uv_pipe_init(loop, &stream->pipe, 0);
		uv_pipe_connect(&stream->connect, &stream->pipe, address->path, on_connect);
		return 0;
	}
	uv_tcp_init(loop, &stream->tcp);
	uv_tcp_nodelay(&stream->tcp, 1);
	return uv_tcp_connect(&stream->connect, &stream->tcp,
			      (const struct sockaddr *)&address->tcp, on_connect);
}

int stream_open(uv_loop_t *loop, const char *remote, const struct stream_ops *ops, void *owner,
		struct stream **ret, struct err *err)
{
	struct address address;
	struct stream *stream;
	int r;

	r = parse(remote, &address, err);
	if (r < 0)
		return r;
	stream = xcalloc(1, sizeof(*stream));
	stream->ops = ops;
	stream->owner = owner;
	stream->remote = xstrdup(remote);
	r = start_connect(loop, stream, &address);
	stream->handle.data = stream;
	if (r < 0) {
		err_set(err, r, "%s: %s", remote, uv_strerror(r));
		stream_close(stream);
		return r;
	}
	*ret = stream;
	return 0;
}

void stream_close(struct stream *stream)
{
	if (!stream || !stream->ops)
		return;
	stream->ops = NULL;
	uv_close(&stream->handle, on_close);
}

struct write {
	uv_write_t request;
	char *bytes;
};

static void on_written(uv_write_t *request, int status)
{
	struct write *write = (struct write *)request;

	if (status < 0)
		fail(request->handle->data, status);
	free(write->bytes);
	free(write);
}

void stream_send(struct stream *stream, char *bytes, size_t n)
{
	struct write *write = xmalloc(sizeof(*write));
	uv_buf_t buf = uv_buf_init(bytes, n);

	write->bytes = bytes;
	/* An error that is known at once shows on the reading side, too: the connection is gone. */
	if (uv_write(&write->request, &stream->stream, &buf, 1, on_written) < 0) {
		free(write->bytes);
		free(write);
	}
}

size_t stream_queued_bytes(const struct stream *stream)
{
	return uv_stream_get_write_queue_size(&stream->stream);
}
