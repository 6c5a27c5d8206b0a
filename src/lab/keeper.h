/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "lab/topology.h"

struct err;

/* Work on a lab that leaves nothing half done. */
struct keeper_job {
	const char *name;                  /* for messages: "lab up" */
	int (*run)(const struct lab *lab); /* in a process of its own; the exit status */
	bool keeps_lab;                    /* the lab stays if that is 0 */
};

/* Returns the job's exit status, 128 + the signal that interrupted it (SIGINT, SIGTERM, SIGHUP), or a negative
 * errno; whichever way it ended, a crash too, nothing of the lab is left unless it was to stay.  The lab's name must
 * be locked. */
int keeper_run(const struct lab *lab, const struct keeper_job *job, struct err *err);
