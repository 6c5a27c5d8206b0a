/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

/* heddle central: what ovn-northd does, except logical flows.  model/central_plan.h says which rows;
 * here are the two databases, the lock and the transactions. */
struct central;
struct err;

/* argv[0] is the subcommand's name; each returns the exit status: 0, 1 (failed), 2 (wrong usage). */
int central_main(int argc, char **argv);

/* NULL takes the default.  Strings are borrowed until central_stop(). */
struct central_opts {
	const char *nb; /* remotes; NULL: a server of our own */
	const char *sb;
	const char *nb_listen; /* further --remote values of our own servers, separated by commas */
	const char *sb_listen;
	const char *nb_socket; /* $OVN_RUNDIR or /run/ovn, with /ovnnb_db.sock */
	const char *sb_socket;
	const char *state_dir; /* /var/lib/heddle */
	const char *run_dir;   /* /run/heddle/central */
	const char *schema_dir;
	const char *public_address; /* hosts are told that northbound is tcp:ADDRESS:6641 */
	/* Nothing more will come: a server of our own cannot be had.  May be NULL. */
	void (*failed)(void *owner, const struct err *err);
	void *owner;
};

/* -EINVAL with a line for the user: options that contradict each other or cannot be meant. */
int central_opts_check(const struct central_opts *opts, struct err *err);

/* opts as central_opts_check() likes them.  Works from the loop on.  -EINVAL: a remote is malformed; -ENOENT: no schema files. */
int central_start(uv_loop_t *loop, const struct central_opts *opts, struct central **ret,
		  struct err *err);
/* Hands over: closes the connections, which frees the lock, and stops the servers it started. */
void central_stop(struct central *central);
/* Compares what was computed step by step with a computation from scratch, as soon as nothing is on
 * its way, and prints one line on standard output. */
void central_check(struct central *central);
