/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "ovsdb/frame.h"
#include "ovsdb/schema.h"
#include "ovsdb/server.h"

/* A small database, a real ovsdb-server for it in a directory of its own, and a fake one that says what a
 * test tells it to. */
enum {
	SWITCH_NAME,
	SWITCH_PORTS,
	SWITCH_OPTIONS,
	SWITCH_COUNT,
	SWITCH_ENABLED,
	SWITCH_N
};
enum {
	PORT_NAME,
	PORT_TAG,
	PORT_ADDRESSES,
	PORT_PEER,
	PORT_N
};

extern const struct ovsdb_schema test_schema;
extern const struct ovsdb_table switch_table, port_table;
extern const struct ovsdb_column switch_columns[], port_columns[];

/* A directory and a loop. */
struct place {
	char dir[64];
	uv_loop_t loop;
	uv_timer_t ticks;
	uint64_t deadline_ms;
	bool is_late;
};

struct place *place_new(void);
void place_free(
	struct place *place); /* all else must be closed: the loop is run until it is empty */
char *place_path(const struct place *place, const char *file); /* to be freed */

/* Runs the loop until condition holds; fails the test, naming it, after 10 s. */
#define WAIT_FOR(place, condition)                                              \
	do {                                                                    \
		place_start_deadline(place);                                    \
		while (!(condition)) {                                          \
			if ((place)->is_late)                                   \
				fail_msg("waited in vain for: %s", #condition); \
			uv_run(&(place)->loop, UV_RUN_ONCE);                    \
		}                                                               \
		uv_timer_stop(&(place)->ticks);                                 \
	} while (0)
void place_start_deadline(struct place *place);

/* ---- ovsdb-server ---- */

struct real_server {
	struct place *place;
	struct ovsdb_server *server;
	char *remote; /* unix:... */
	char *socket;
	char *tcp; /* tcp:..., or NULL */
	bool is_ready, has_failed;
	char problem[512];
};

/* tcp_port may be 0: no TCP. */
struct real_server *real_server_start(struct place *place, unsigned int tcp_port);
void real_server_wait(struct real_server *server);
void real_server_stop(struct real_server *server);
/* Runs ovsdb-client transact on it and hands back the answer, to be freed. */
char *real_server_transact(struct real_server *server, const char *operations);
int real_server_pid(struct real_server *server);
unsigned int free_tcp_port(void);

/* ---- a fake server ---- */

struct fake_server;
/* A request or notification came; id is NULL for the latter. */
typedef void fake_handler(struct fake_server *fake, const char *method, const json_t *id,
			  const json_t *params);

struct fake_server {
	struct place *place;
	uv_pipe_t listener;
	uv_pipe_t *connection; /* NULL: none */
	struct frame frame;
	fake_handler *handler;
	char *remote;
	unsigned int n_connections;
	void *arg;
	char buffer[4096];
};

struct fake_server *fake_server_start(struct place *place, fake_handler *handler);
void fake_server_stop(struct fake_server *fake);
void fake_server_say(struct fake_server *fake, const char *bytes, size_t n);
void fake_server_reply(struct fake_server *fake, const json_t *id,
		       json_t *result); /* steals; NULL: none */
void fake_server_refuse(struct fake_server *fake, const json_t *id, const char *error);
void fake_server_notify(struct fake_server *fake, const char *method, json_t *params); /* steals */
/* Answers everything up to and including the monitor, with empty tables. */
void fake_server_be_polite(struct fake_server *fake, const char *method, const json_t *id,
			   const json_t *params);
