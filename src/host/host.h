/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

/* The host agent: one chassis.  Everything runs in the loop it is given. */
struct err;
struct host;

/* argv[0] is the subcommand's name; returns the exit status: 0, 1 (failed), 2 (wrong usage). */
int host_main(int argc, char **argv);

/* Strings are borrowed until host_stop(); NULL where nothing was said. */
struct host_opts {
	uv_loop_t *loop;
	/* Local database; NULL: the default socket, with a server of ours if none answers. */
	const char *db;
	const char *state_dir; /* NULL: HOST_STATE_DIR */
	const char *run_dir;   /* NULL: HOST_RUN_DIR */
	const char *schema_dir;
	const char *chassis; /* as ovn-controller's -n */
	/* Written to Open_vSwitch.external_ids once the database is there. */
	const char *ovn_remote, *encap_ip, *encap_type, *system_id, *nb_remote;
	const char *default_encap_ip; /* likewise, but only where none is set */
	bool remove; /* take the chassis away, with everything of ours on this machine, and finish */
	/* Called once, from the loop, when the host cannot go on (err), or with NULL when a removal is complete. */
	void (*finished)(void *owner, const struct err *err);
	void *owner;
};

#define HOST_STATE_DIR "/var/lib/heddle"
#define HOST_RUN_DIR   "/run/heddle"

int host_start(const struct host_opts *opts, struct host **ret, struct err *err);
/* Leaves rows, programs and maps in place: forwarding goes on. */
void host_stop(struct host *host);
/* Computes everything anew and compares.  NULL: consistent; else a line that says where not, to be freed. */
char *host_check(struct host *host);

/* Shared with the commands that work beside a running agent. */
char *host_default_db(void); /* "unix:..."; caller frees */
/* The directory of the one agent whose run directory this is (RUN_DIR/CHASSIS), to be freed; -ENOENT, or -ENOTUNIQ if
 * there are several and chassis is NULL. */
int host_find_dir(const char *run_dir, const char *chassis, char **ret, struct err *err);
