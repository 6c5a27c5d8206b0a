/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/str.h"

/* Programs that a lab runs: to their end, or in the background with a pid file.
 *
 * A pid file holds the pid and the process's start time; a process is ours only if both are right,
 * so that a pid that was given to somebody else meanwhile is never signalled. */
struct err;

#define PROCESS_MAX_ENV 8

struct process_spec {
	const char *const *argv;
	const char *netns;                /* name below /run/netns; NULL: where we are */
	const char *env[PROCESS_MAX_ENV]; /* "NAME=value", added to ours; ends with NULL */
	const char *input;                /* text for its standard input; NULL: nothing */
};

/* Enters a network namespace, and nothing else of it: unlike "ip netns exec" this keeps the mount
 * namespace, where the pinned maps are. */
int process_enter_netns(const char *netns, struct err *err);

/* Replaces this process.  Returns only on failure. */
int process_exec(const struct process_spec *spec, struct err *err);

/* Runs to the end with standard output and error appended to ret_output (may be NULL: inherited).
 * Returns the exit status 0..255 (128 + signal if it was killed), or a negative errno. */
int process_run(const struct process_spec *spec, struct str *ret_output, struct err *err);

/* Starts in the background, in a session of its own, output to log_path.  It runs only once pid_path is written,
 * so that a process that was started can always be found. */
int process_start(const struct process_spec *spec, const char *log_path, const char *pid_path,
		  struct err *err);

/* The running process a pid file names, or 0. */
pid_t process_of(const char *pid_path);

/* Ends it (SIGTERM, after 5 s SIGKILL), waits until it is gone and removes the pid file.  One that
 * is not there is success. */
int process_stop(const char *pid_path, struct err *err);

/* Waits until path exists, the process of pid_path ends, or the time is over: 0, -ESRCH or
 * -ETIMEDOUT. */
int process_wait_for_file(const char *path, const char *pid_path, int timeout_ms, struct err *err);

/* Resident memory in KiB, 0 if there is no such process. */
unsigned long process_rss_kib(pid_t pid);

/* Calls fn for each direct child of parent. */
void process_each_child(pid_t parent, void (*fn)(pid_t pid, const char *name, void *arg),
			void *arg);
