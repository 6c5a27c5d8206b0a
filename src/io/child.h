/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

/* Other programs as our children.  They get SIGTERM when we die, however we die (setpriv --pdeathsig), read
 * nothing, and write to our stderr. */
struct child;
struct err;

struct child_opts {
	uv_loop_t *loop;
	const char *name;        /* for messages */
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	/* Restarted when it ends by itself: after 1 s, doubling to 8 s, from 1 s again if it ran for 10 s. */
	bool keep;
	/* It ended by itself, or cannot be started; err says how.  May be NULL. */
	void (*ended)(void *owner, const struct err *err);
	void *owner;
};

/* Strings are copied.  -errno with a reason if no process can be had the first time; that there is no such program
 * comes out by ended(). */
int child_start(const struct child_opts *opts, struct child **ret, struct err *err);
/* Sends SIGTERM if it runs, does not restart it, calls nothing any more.  Memory goes once it has ended and
 * libuv has let go.  NULL is fine. */
void child_stop(struct child *child);
int child_pid(const struct child *child); /* 0 while it does not run */

/* Runs a program to its end and hands over what it wrote to stdout, at most CHILD_OUTPUT_BYTES of it.  err is NULL if
 * it exited with 0; otherwise it says what it wrote to stderr, or why it could not be started. */
#define CHILD_OUTPUT_BYTES 65536
typedef void child_done(void *arg, const char *output, const struct err *err);
void child_run(uv_loop_t *loop, const char *const *argv, child_done *done, void *arg);
