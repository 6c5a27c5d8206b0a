/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "lab/process.h"
#include "lab/topology.h"

struct err;

/* A lab is as many hosts as its directory says; LAB_DEFAULT_HOSTS where there is none. */
#define LAB_DEFAULT_HOSTS 2
void control_load(struct lab *lab, const char *name);

/* Anything of the lab: complete, or the remains of a crash. */
bool control_exists(const struct lab *lab);

/* 0: "lab up" has ended well, and every program runs; -ESRCH: err says what is missing. */
int control_check(const struct lab *lab, struct err *err);

/* The programs of a host: "central" on the first, "host" on each.  NULL after the last. */
const char *control_program(const struct lab *lab, const struct lab_host *host, size_t i);

/* Takes the lab's name for this process until it ends; -EBUSY: another command works on it. */
int control_lock(const struct lab *lab, struct err *err);

/* Namespaces, central, agents: until every database answers.  Nothing is undone on failure:
 * control_down() removes what there is. */
int control_up(const struct lab *lab, struct err *err);

/* From here on the lab counts as complete. */
int control_finish_up(const struct lab *lab, struct err *err);

/* Ends the lab's processes and removes every trace, of a crashed lab too. */
int control_down(const struct lab *lab, struct err *err);

/* The commands that make the logical network and connect the workloads, one after the other. */
#define CONTROL_MAX_ARGS 24

struct control_command {
	const struct lab_host *host;
	const char *argv[CONTROL_MAX_ARGS]; /* what a user would type: "heddle", "nb", ... */
};

void control_network_command(const struct lab *lab, size_t i, struct control_command *ret);
size_t control_network_commands(const struct lab *lab); /* how many there are */

/* Runs a command as "heddle lab exec" does; 0, or -EIO with what it said. */
int control_run(const struct lab *lab, const struct control_command *c, struct err *err);

/* A process_spec whose environment lets all tools find the databases; texts live in *env. */
struct control_env {
	char text[PROCESS_MAX_ENV][4096];
};

void control_environment(const struct lab *lab, const struct lab_host *host,
			 struct process_spec *spec, struct control_env *env);

/* The last lines of every log, to standard error. */
void control_print_logs(const struct lab *lab);
