/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/frame.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "util/alloc.h"
#include "util/err.h"

/* Above this, memory is given back after a message: a snapshot comes once. */
#define KEEP_BYTES (1u << 20)

void frame_init(struct frame *frame, size_t max_bytes)
{
	*frame = (struct frame){ .max_bytes = max_bytes };
}

void frame_done(struct frame *frame)
{
	free(frame->bytes);
	frame->bytes = NULL;
}

static void drop_consumed(struct frame *frame)
{
	if (!frame->start)
		return;
	memmove(frame->bytes, frame->bytes + frame->start, frame->length - frame->start);
	frame->length -= frame->start;
	frame->scanned -= frame->start;
	frame->start = 0;
	if (frame->length || frame->alloc <= KEEP_BYTES)
		return;
	free(frame->bytes);
	frame->bytes = NULL;
	frame->alloc = 0;
	malloc_trim(0);
}

void frame_feed(struct frame *frame, const char *bytes, size_t n)
{
	if (!n)
		return;
	drop_consumed(frame);
	if (frame->length + n > frame->alloc) {
		frame->alloc = 2 * (frame->length + n);
		frame->bytes = xrealloc(frame->bytes, frame->alloc);
	}
	memcpy(frame->bytes + frame->length, bytes, n);
	frame->length += n;
}

static void scan_string(struct frame *frame, char c)
{
	if (frame->escaped)
		frame->escaped = false;
	else if (c == '\\')
		frame->escaped = true;
	else if (c == '"')
		frame->in_string = false;
}

/* 1: c ends a text. */
static int scan(struct frame *frame, char c, struct err *err)
{
	if (frame->in_string) {
		scan_string(frame, c);
		return 0;
	}
	switch (c) {
	case '{':
	case '[':
		if (++frame->depth > FRAME_MAX_DEPTH)
			return err_set(err, -EMSGSIZE, "a message is nested deeper than %d levels",
				       FRAME_MAX_DEPTH);
		return 0;
	case '}':
	case ']':
		if (!frame->depth)
			return err_set(err, -EPROTO, "a message begins with \"%c\"", c);
		return !--frame->depth;
	case '"': frame->in_string = frame->depth > 0; break;
	}
	/* The parser would wait for ever for the end of what is no object. */
	if (!frame->depth && !strchr(" \t\r\n", c))
		return err_set(err, -EPROTO, "a message does not begin with \"{\"");
	return 0;
}

static int parse(struct frame *frame, size_t end, json_t **ret, struct err *err)
{
	json_error_t error;
	json_t *json;

	json = json_loadb(frame->bytes + frame->start, end - frame->start, 0, &error);
	frame->start = end;
	if (!json)
		return err_set(err, -EPROTO, "a message is no JSON: %s", error.text);
	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, -EPROTO, "a message is no JSON object");
	}
	*ret = json;
	return 1;
}

int frame_next(struct frame *frame, json_t **ret, struct err *err)
{
	int r;

	while (frame->scanned < frame->length) {
		r = scan(frame, frame->bytes[frame->scanned++], err);
		if (r < 0)
			return r;
		if (frame->scanned - frame->start > frame->max_bytes)
			return err_set(err, -EMSGSIZE, "a message is longer than %zu bytes",
				       frame->max_bytes);
		if (r)
			return parse(frame, frame->scanned, ret, err);
	}
	drop_consumed(frame);
	return 0;
}
