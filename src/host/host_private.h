/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of src/host share.  Events set flags and call host_kick(); engine.c recomputes once per
 * round of the loop. */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "dp/datapath.h"
#include "host/host.h"
#include "host/links.h"
#include "host/ports.h"
#include "host/statistics.h"
#include "host/switchd.h"
#include "host/tunnels.h"
#include "model/binding.h"
#include "model/chassis.h"
#include "model/dp_state.h"
#include "model/network.h"
#include "ovsdb/client.h"
#include "ovsdb/server.h"
#include "util/err.h"

/* A database we follow, and the one transaction that may be under way. */
struct host_db {
	struct host *host;
	const char *name;      /* for messages */
	struct client *client; /* NULL: not known yet where it is */
	char *remotes;
	bool busy;
	uint64_t hold_until_ms; /* after a refused transaction */
	char problem[512];      /* the last one that was logged */
};

/* In the local database: ovs-vswitchd's work is ours, or another process does it. */
enum host_role {
	HOST_ROLE_UNKNOWN,
	HOST_ROLE_SWITCH,
	HOST_ROLE_GUEST,
};

/* Is another agent running for our chassis? */
enum host_identity {
	HOST_IDENTITY_ASKING,  /* the southbound server */
	HOST_IDENTITY_PROBING, /* it says yes; does that one live? */
	HOST_IDENTITY_SOLE,
};

struct host {
	struct host_opts opts;
	uv_idle_t idle;
	uv_timer_t timer;
	uv_timer_t deadline; /* of a removal */
	uv_timer_t tick;     /* of the statistics */
	unsigned int ticks;
	int open_handles;
	bool stopping;
	bool finished;

	struct ovsdb_server *server; /* ours, or NULL */
	bool own_server;
	struct links *links;
	struct host_db ovs, sb, nb;
	uint64_t ovs_since_ms; /* the connection to the local database stands since */

	char hostname[256];
	struct chassis_config config;
	char *name; /* of the chassis, from the first moment that it was known */
	char *dir;  /* RUN_DIR/CHASSIS */
	int lock_fd;
	int name_fd;
	enum host_identity identity;
	uint64_t identity_until_ms; /* UINT64_MAX: not answered yet */
	struct ip registered_ip;    /* in our Chassis row, by us */
	uint64_t insisting_since_ms;
	unsigned int n_insisted;
	bool was_sole; /* once, in this process: from then on the maps are ours */
	bool settings_written;
	int64_t startup_ms; /* wall clock */
	enum host_role role;
	bool devices_changed;        /* what the switch part works from; it is planned anew then */
	enum host_role planned_role; /* in the last plan */
	bool local_due;              /* the local database may not show the plan yet */
	char problem[512];           /* the last configuration problem that was logged */
	char encap_problem[256];

	struct dp_state *state;
	struct datapath *dp;
	struct network *network;
	struct binding *binding;
	struct switchd *switchd;
	struct statistics *statistics;
	struct ports *ports;
	struct tunnels *tunnels;
	bool registered; /* what network_set_chassis() was told last */
	bool chassis_changed;
	bool applied; /* the datapath holds what the databases say, for the first time */
	char apply_problem[512];
	bool waiting_logged;
	bool removal_sent;
	bool removal_failed;
	unsigned int removal_pending;
};

void host_kick(struct host *host);
/* Every five seconds. */
void host_write_statistics(struct host *host);
/* One round: rows and devices in, datapath and transactions out. */
void host_run(struct host *host);
uint64_t host_now_ms(const struct host *host);
void host_fail(struct host *host, const struct err *err);

/* databases.c */
int host_open_local(struct host *host, const char *remotes, struct err *err);
void host_follow_remotes(struct host *host);
/* NULL unless a transaction may be sent now. */
struct txn *host_txn_new(struct host_db *db);
/* Sends it (or frees it, when it says nothing). */
void host_txn_send(struct host_db *db, struct txn *txn);
void host_db_close(struct host_db *db);

/* identity.c: takes the chassis on this machine: -EBUSY if another agent has it. */
int host_take_name(struct host *host, struct err *err);
/* No other agent runs for the chassis at the southbound server: rows may be written.  Asks again by *ret_wake_ms, which
 * is left alone if there is nothing to wait for.  If there is one, ends the process. */
bool host_is_sole(struct host *host, uint64_t *ret_wake_ms);
/* The name of the southbound database's lock.  The caller frees it. */
char *host_chassis_lock(const char *chassis);

/* settings.c: -EINVAL names the option whose value nobody could use. */
int host_check_settings(const struct host_opts *opts, struct err *err);

/* removal.c */
void host_start_removal(struct host *host);
/* sole: host_is_sole() said so. */
void host_run_removal(struct host *host, bool sole);
