/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

#define DEADLINE_MS 10000
#define TICK_MS     5

/* ---- the database ---- */

const struct ovsdb_column switch_columns[] = {
	{ .name = "name", .index = SWITCH_NAME, .key = OVSDB_STRING, .min = 1, .max = 1 },
	{ .name = "ports",
	  .index = SWITCH_PORTS,
	  .key = OVSDB_UUID,
	  .max = OVSDB_UNLIMITED,
	  .key_ref = &port_table },
	{ .name = "options",
	  .index = SWITCH_OPTIONS,
	  .key = OVSDB_STRING,
	  .value = OVSDB_STRING,
	  .max = OVSDB_UNLIMITED },
	{ .name = "count", .index = SWITCH_COUNT, .key = OVSDB_INTEGER, .min = 1, .max = 1 },
	{ .name = "enabled", .index = SWITCH_ENABLED, .key = OVSDB_BOOLEAN, .max = 1 },
};

const struct ovsdb_column port_columns[] = {
	{ .name = "name", .index = PORT_NAME, .key = OVSDB_STRING, .min = 1, .max = 1 },
	{ .name = "tag", .index = PORT_TAG, .key = OVSDB_INTEGER, .max = 1 },
	{ .name = "addresses",
	  .index = PORT_ADDRESSES,
	  .key = OVSDB_STRING,
	  .max = OVSDB_UNLIMITED },
	{ .name = "peer",
	  .index = PORT_PEER,
	  .key = OVSDB_UUID,
	  .max = 1,
	  .key_ref = &port_table,
	  .key_weak = true },
};

static const uint64_t switch_indexes[] = { OVSDB_COL(SWITCH_NAME), 0 };
static const uint64_t no_indexes[] = { 0 };

const struct ovsdb_table switch_table = {
	.name = "Switch",
	.index = 0,
	.n_columns = SWITCH_N,
	.is_root = true,
	.max_rows = OVSDB_UNLIMITED,
	.columns = switch_columns,
	.indexes = switch_indexes,
};

const struct ovsdb_table port_table = {
	.name = "Port",
	.index = 1,
	.n_columns = PORT_N,
	.max_rows = OVSDB_UNLIMITED,
	.columns = port_columns,
	.indexes = no_indexes,
};

static const struct ovsdb_table *const tables[] = { &switch_table, &port_table };

const struct ovsdb_schema test_schema = {
	.name = "Test",
	.version = "1.0.0",
	.n_tables = 2,
	.tables = tables,
};

static const char schema_json[] =
	"{\"name\": \"Test\", \"version\": \"1.0.0\", \"tables\": {"
	" \"Switch\": {\"isRoot\": true, \"indexes\": [[\"name\"]], \"columns\": {"
	"  \"name\": {\"type\": \"string\"},"
	"  \"ports\": {\"type\": {\"key\": {\"type\": \"uuid\", \"refTable\": \"Port\"},"
	"   \"min\": 0, \"max\": \"unlimited\"}},"
	"  \"options\": {\"type\": {\"key\": \"string\", \"value\": \"string\","
	"   \"min\": 0, \"max\": \"unlimited\"}},"
	"  \"count\": {\"type\": {\"key\": {\"type\": \"integer\", \"maxInteger\": 1000}}},"
	"  \"enabled\": {\"type\": {\"key\": \"boolean\", \"min\": 0, \"max\": 1}}}},"
	" \"Port\": {\"columns\": {"
	"  \"name\": {\"type\": \"string\"},"
	"  \"tag\": {\"type\": {\"key\": \"integer\", \"min\": 0, \"max\": 1}},"
	"  \"addresses\": {\"type\": {\"key\": \"string\", \"min\": 0, \"max\": \"unlimited\"}},"
	"  \"peer\": {\"type\": {\"key\": {\"type\": \"uuid\", \"refTable\": \"Port\","
	"   \"refType\": \"weak\"}, \"min\": 0, \"max\": 1}}}}}}";

/* ---- place ---- */

struct place *place_new(void)
{
	struct place *place = xcalloc(1, sizeof(*place));

	strcpy(place->dir, "/tmp/heddle-test-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	uv_loop_init(&place->loop);
	uv_timer_init(&place->loop, &place->ticks);
	place->ticks.data = place;
	return place;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void place_free(struct place *place)
{
	uv_close((uv_handle_t *)&place->ticks, NULL);
	while (uv_run(&place->loop, UV_RUN_ONCE))
		;
	assert_int_equal(uv_loop_close(&place->loop), 0);
	nftw(place->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(place);
}

char *place_path(const struct place *place, const char *file)
{
	return xasprintf("%s/%s", place->dir, file);
}

static void on_tick(uv_timer_t *timer)
{
	struct place *place = timer->data;

	place->is_late = uv_now(&place->loop) >= place->deadline_ms;
}

/* The condition may be one that no event of the loop announces: it is looked at with every tick. */
void place_start_deadline(struct place *place)
{
	place->is_late = false;
	uv_update_time(&place->loop);
	place->deadline_ms = uv_now(&place->loop) + DEADLINE_MS;
	uv_timer_start(&place->ticks, on_tick, TICK_MS, TICK_MS);
}

/* ---- ovsdb-server ---- */

static void on_ready(void *owner, const struct err *err)
{
	struct real_server *server = owner;

	server->is_ready = !err;
	server->has_failed = err;
	if (err)
		strcpy(server->problem, err->text);
}

unsigned int free_tcp_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

struct real_server *real_server_start(struct place *place, unsigned int tcp_port)
{
	struct real_server *server = xcalloc(1, sizeof(*server));
	char *schema = place_path(place, "test.ovsschema");
	char *db = place_path(place, "db/test.db");
	char *run = place_path(place, "run");
	char *listen = tcp_port ? xasprintf("ptcp:%u:127.0.0.1", tcp_port) : NULL;
	FILE *file = fopen(schema, "wx");

	if (file) { /* else a test has put another one there */
		fputs(schema_json, file);
		fclose(file);
	}
	server->place = place;
	server->socket = place_path(place, "run/test_db.sock");
	server->remote = xasprintf("unix:%s", server->socket);
	server->tcp = tcp_port ? xasprintf("tcp:127.0.0.1:%u", tcp_port) : NULL;
	server->server = ovsdb_server_start(&(struct ovsdb_server_opts){
		.loop = &place->loop,
		.name = "test database",
		.schema_file = schema,
		.db_file = db,
		.socket = server->socket,
		.remotes = listen,
		.run_dir = run,
		.ready = on_ready,
		.owner = server,
	});
	free(schema);
	free(db);
	free(run);
	free(listen);
	return server;
}

void real_server_wait(struct real_server *server)
{
	WAIT_FOR(server->place, server->is_ready || server->has_failed);
	if (server->has_failed)
		fail_msg("%s", server->problem);
}

void real_server_stop(struct real_server *server)
{
	ovsdb_server_stop(server->server);
	free(server->remote);
	free(server->socket);
	free(server->tcp);
	free(server);
}

char *real_server_transact(struct real_server *server, const char *operations)
{
	char *command =
		xasprintf("ovsdb-client transact %s '[\"Test\",%s]'", server->remote, operations);
	FILE *output = popen(command, "r");
	struct str answer = STR_INIT;
	char line[4096];

	assert_non_null(output);
	while (fgets(line, sizeof(line), output))
		str_add(&answer, line);
	assert_int_equal(pclose(output), 0);
	free(command);
	return str_take(&answer);
}

int real_server_pid(struct real_server *server)
{
	char *path = place_path(server->place, "run/test_db.pid");
	FILE *file = fopen(path, "r");
	int pid = 0;

	free(path);
	if (!file)
		return 0;
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid;
}

/* ---- the fake server ---- */

static void on_fake_closed(uv_handle_t *handle)
{
	free(handle);
}

static void fake_hang_up(struct fake_server *fake)
{
	if (!fake->connection)
		return;
	uv_close((uv_handle_t *)fake->connection, on_fake_closed);
	fake->connection = NULL;
	frame_done(&fake->frame);
}

static void on_fake_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct fake_server *fake = handle->data;

	*buf = uv_buf_init(fake->buffer, sizeof(fake->buffer));
}

static void on_fake_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct fake_server *fake = stream->data;
	json_t *message;

	if ((uv_pipe_t *)stream != fake->connection)
		return;
	if (n < 0) {
		fake_hang_up(fake);
		return;
	}
	frame_feed(&fake->frame, buf->base, n);
	while (fake->connection && frame_next(&fake->frame, &message, NULL) > 0) {
		const char *method = json_string_value(json_object_get(message, "method"));

		if (method)
			fake->handler(fake, method, json_object_get(message, "id"),
				      json_object_get(message, "params"));
		json_decref(message);
	}
}

static void on_fake_connection(uv_stream_t *listener, int status)
{
	struct fake_server *fake = listener->data;

	fake_hang_up(fake);
	fake->connection = xcalloc(1, sizeof(*fake->connection));
	uv_pipe_init(&fake->place->loop, fake->connection, 0);
	fake->connection->data = fake;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)fake->connection), 0);
	frame_init(&fake->frame, FRAME_MAX_BYTES);
	fake->n_connections++;
	uv_read_start((uv_stream_t *)fake->connection, on_fake_alloc, on_fake_read);
}

struct fake_server *fake_server_start(struct place *place, fake_handler *handler)
{
	struct fake_server *fake = xcalloc(1, sizeof(*fake));
	char *path = place_path(place, "fake.sock");

	fake->place = place;
	fake->handler = handler;
	fake->remote = xasprintf("unix:%s", path);
	uv_pipe_init(&place->loop, &fake->listener, 0);
	fake->listener.data = fake;
	assert_int_equal(uv_pipe_bind(&fake->listener, path), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&fake->listener, 8, on_fake_connection), 0);
	free(path);
	return fake;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct fake_server *fake = handle->data;

	free(fake->remote);
	free(fake);
}

void fake_server_stop(struct fake_server *fake)
{
	fake_hang_up(fake);
	uv_close((uv_handle_t *)&fake->listener, on_listener_closed);
}

struct fake_write {
	uv_write_t request;
	char *bytes;
};

static void on_fake_written(uv_write_t *request, int status)
{
	struct fake_write *write = (struct fake_write *)request;

	free(write->bytes);
	free(write);
}

void fake_server_say(struct fake_server *fake, const char *bytes, size_t n)
{
	struct fake_write *write;
	uv_buf_t buf;

	if (!fake->connection)
		return;
	write = xcalloc(1, sizeof(*write));
	write->bytes = xmemdup(bytes, n);
	buf = uv_buf_init(write->bytes, n);
	uv_write(&write->request, (uv_stream_t *)fake->connection, &buf, 1, on_fake_written);
}

static void say_json(struct fake_server *fake, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	fake_server_say(fake, text, strlen(text));
	free(text);
	json_decref(message);
}

void fake_server_reply(struct fake_server *fake, const json_t *id, json_t *result)
{
	say_json(fake, json_pack("{sO so* sn}", "id", id, "result", result, "error"));
}

void fake_server_refuse(struct fake_server *fake, const json_t *id, const char *error)
{
	say_json(fake, json_pack("{sO ss}", "id", id, "error", error));
}

void fake_server_notify(struct fake_server *fake, const char *method, json_t *params)
{
	say_json(fake, json_pack("{sn ss so}", "id", "method", method, "params", params));
}

void fake_server_be_polite(struct fake_server *fake, const char *method, const json_t *id,
			   const json_t *params)
{
	const char *database = json_string_value(json_array_get(params, 0));

	if (!strcmp(method, "echo")) {
		fake_server_reply(fake, id, json_array());
	} else if (!strcmp(method, "get_schema")) {
		fake_server_reply(fake, id, json_loads(schema_json, 0, NULL));
	} else if (!strcmp(method, "monitor_cond_since")) {
		fake_server_reply(
			fake, id,
			json_pack("[bs{}]", false, "00000000-0000-0000-0000-000000000000"));
	} else if (!strcmp(method, "monitor_cond") && database && !strcmp(database, "_Server")) {
		fake_server_refuse(fake, id, "unknown database");
	} else if (!strcmp(method, "monitor_cond") || !strcmp(method, "monitor")) {
		fake_server_reply(fake, id, json_object());
	} else {
		fake_server_refuse(fake, id, "unknown method");
	}
}
