/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Cuts a byte stream into JSON texts (RFC 7047 section 4: objects follow each other without any framing).  It
 * looks at each byte once, knows only strings and nesting, and leaves the rest to the parser. */
#define FRAME_MAX_BYTES (256u << 20)
#define FRAME_MAX_DEPTH 64

struct err;

struct frame {
	char *bytes;
	size_t length, alloc;
	size_t start;   /* of the text that is not complete */
	size_t scanned; /* next byte to look at */
	size_t max_bytes;
	unsigned int depth;
	bool in_string, escaped;
};

void frame_init(struct frame *frame, size_t max_bytes);
void frame_done(struct frame *frame);
void frame_feed(struct frame *frame, const char *bytes, size_t n);
/* 1 and a new reference to an object; 0: nothing is complete; -EMSGSIZE: too long or too deep; -EPROTO: no JSON
 * object.  After an error the stream is of no use any more. */
int frame_next(struct frame *frame, json_t **ret, struct err *err);
