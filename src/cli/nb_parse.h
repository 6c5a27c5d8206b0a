/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/nb.h"

/* The command line of "heddle nb": options, then commands separated by "--". */
enum nb_wait {
	NB_WAIT_NONE,
	NB_WAIT_SB,
	NB_WAIT_HV,
};

struct nb_line {
	const char *db; /* remotes; NULL: the default */
	enum nb_wait wait;
	long long timeout_s;
	bool dry_run, oneline, print_wait_time, leader_only;
	bool help, version; /* nothing else to do */
	struct db_style style;
	VEC(struct nb_ctx) commands; /* argv and options are filled in */
};

/* -EINVAL with a reason.  Call nb_line_done() in any case. */
int nb_line_parse(int argc, char **argv, struct nb_line *ret, struct err *err);
void nb_line_done(struct nb_line *line);
void nb_print_help(void);
