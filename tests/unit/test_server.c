/* SPDX-License-Identifier: Apache-2.0 */
/* An ovsdb-server as our child, and children in general. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "io/child.h"
#include "ovsdb_fixture.h"
#include "util/alloc.h"
#include "util/err.h"

static void write_file(const struct place *place, const char *name, const char *text)
{
	char *path = place_path(place, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static void a_server_is_started_used_and_restarted(void **state)
{
	struct place *place = place_new();
	struct real_server *first = real_server_start(place, free_tcp_port()), *second;
	char *answer;
	int pid;

	real_server_wait(first);
	answer = real_server_transact(first, "{\"op\":\"insert\",\"table\":\"Switch\",\"row\":"
					     "{\"name\":\"kept\"}}");
	free(answer);
	pid = real_server_pid(first);
	assert_true(pid > 0);

	second = real_server_start(place, 0);
	real_server_wait(second);
	real_server_stop(second);
	assert_int_equal(real_server_pid(first), pid); /* used, and left alone */
	assert_int_equal(kill(pid, 0), 0);

	kill(pid, SIGKILL);
	WAIT_FOR(place, real_server_pid(first) != pid && real_server_pid(first) > 0);
	second = real_server_start(place, 0);
	real_server_wait(second);
	answer = real_server_transact(second, "{\"op\":\"select\",\"table\":\"Switch\","
					      "\"where\":[]}");
	assert_non_null(strstr(answer, "kept"));
	free(answer);
	real_server_stop(second);
	real_server_stop(first);
	place_free(place);
}

static void stop_and_wait(struct place *place, struct real_server *server)
{
	int pid = real_server_pid(server);

	real_server_stop(server);
	WAIT_FOR(place, kill(pid, 0) < 0);
}

static void an_older_file_is_converted_and_a_newer_one_kept(void **state)
{
	static const char old[] = "{\"name\":\"Test\",\"version\":\"0.9.0\",\"tables\":{"
				  "\"Switch\":{\"isRoot\":true,\"columns\":{"
				  "\"name\":{\"type\":\"string\"}}}}}";
	static const char newer[] = "{\"name\":\"Test\",\"version\":\"0.10.0\",\"tables\":{"
				    "\"Switch\":{\"isRoot\":true,\"columns\":{"
				    "\"name\":{\"type\":\"string\"},"
				    "\"extra\":{\"type\":\"string\"}}}}}";
	struct place *place = place_new();
	struct real_server *server;

	write_file(place, "test.ovsschema", old);
	server = real_server_start(place, 0);
	real_server_wait(server);
	free(real_server_transact(server, "{\"op\":\"insert\",\"table\":\"Switch\",\"row\":"
					  "{\"name\":\"kept\"}}"));
	stop_and_wait(place, server);

	write_file(place, "test.ovsschema", newer);
	server = real_server_start(place, 0);
	real_server_wait(server);
	free(real_server_transact(server, "{\"op\":\"update\",\"table\":\"Switch\",\"where\":"
					  "[[\"name\",\"==\",\"kept\"]],"
					  "\"row\":{\"extra\":\"more\"}}"));
	stop_and_wait(place, server);

	write_file(place, "test.ovsschema", old);
	server = real_server_start(place, 0);
	real_server_wait(server);
	char *answer = real_server_transact(server, "{\"op\":\"select\",\"table\":\"Switch\","
						    "\"where\":[]}");
	assert_non_null(strstr(answer, "more"));
	free(answer);
	real_server_stop(server);
	place_free(place);
}

static void what_hinders_it_is_said(void **state)
{
	struct place *place = place_new();
	struct real_server *server;

	write_file(place, "test.ovsschema", "nonsense");
	server = real_server_start(place, 0);
	WAIT_FOR(place, server->has_failed);
	assert_non_null(strstr(server->problem, "test database: "));
	assert_non_null(strstr(server->problem, "test.ovsschema"));
	assert_null(strchr(server->problem, '\n'));
	real_server_stop(server);
	place_free(place);

	place = place_new();
	write_file(place, "db", "a file where a directory should be");
	server = real_server_start(place, 0);
	WAIT_FOR(place, server->has_failed);
	assert_non_null(strstr(server->problem, "/db"));
	real_server_stop(server);
	place_free(place);
}

/* ---- children ---- */

struct seen {
	unsigned int n;
	char output[64];
	char problem[512];
};

static void on_ended(void *owner, const struct err *err)
{
	struct seen *seen = owner;

	seen->n++;
	strcpy(seen->problem, err->text);
}

static void on_output(void *arg, const char *output, const struct err *err)
{
	struct seen *seen = arg;

	seen->n++;
	snprintf(seen->output, sizeof(seen->output), "%s", output);
	snprintf(seen->problem, sizeof(seen->problem), "%s", err ? err->text : "");
}

static void a_program_is_run_to_its_end(void **state)
{
	static const char *const good[] = { "sh", "-c", "echo hello", NULL };
	static const char *const bad[] = { "sh", "-c", "echo why >&2; exit 3", NULL };
	static const char *const silent[] = { "false", NULL };
	struct place *place = place_new();
	struct seen seen = { 0 };

	child_run(&place->loop, good, on_output, &seen);
	WAIT_FOR(place, seen.n == 1);
	assert_string_equal(seen.output, "hello\n");
	assert_string_equal(seen.problem, "");
	child_run(&place->loop, bad, on_output, &seen);
	WAIT_FOR(place, seen.n == 2);
	assert_string_equal(seen.problem, "why\n");
	child_run(&place->loop, silent, on_output, &seen);
	WAIT_FOR(place, seen.n == 3);
	assert_string_equal(seen.problem, "false: exited with status 1");
	place_free(place);
}

static void a_child_that_ends_is_started_again(void **state)
{
	static const char *const argv[] = { "cat", "/nonexistent/file", NULL };
	struct place *place = place_new();
	struct seen seen = { 0 };
	struct child_opts opts = { .loop = &place->loop,
				   .name = "test child",
				   .argv = argv,
				   .keep = true,
				   .ended = on_ended,
				   .owner = &seen };
	struct child *child;

	assert_int_equal(child_start(&opts, &child, NULL), 0);
	WAIT_FOR(place, seen.n == 2);
	assert_string_equal(seen.problem, "test child: exited with status 1");
	child_stop(child);
	place_free(place);
}

/* A child's parent that is killed outright; the child's pid comes through the pipe. */
static void parent_to_be_killed(int fd)
{
	static const char *const argv[] = { "tail", "-f", "/dev/null", NULL };
	struct child_opts opts = { .name = "orphan", .argv = argv };
	struct child *child;
	uv_loop_t loop;
	int pid;

	uv_loop_init(&loop);
	opts.loop = &loop;
	if (child_start(&opts, &child, NULL) < 0)
		_exit(1);
	pid = child_pid(child);
	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(0);
}

/* Is "tail" by the time it is asked, i.e. setpriv has done its part. */
static bool is_running_program(int pid)
{
	char *path = xasprintf("/proc/%d/comm", pid);
	FILE *file = fopen(path, "r");
	char name[16] = "";

	free(path);
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return !strcmp(name, "tail\n");
}

static bool is_gone(int pid)
{
	return !is_running_program(pid);
}

static void a_child_dies_with_its_parent(void **state)
{
	struct place *place = place_new();
	int fds[2], pid = 0, parent;

	assert_int_equal(pipe(fds), 0);
	parent = fork();
	if (!parent)
		parent_to_be_killed(fds[1]);
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	WAIT_FOR(place, is_running_program(pid));
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	WAIT_FOR(place, is_gone(pid));
	close(fds[0]);
	close(fds[1]);
	place_free(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_started_used_and_restarted),
		cmocka_unit_test(an_older_file_is_converted_and_a_newer_one_kept),
		cmocka_unit_test(what_hinders_it_is_said),
		cmocka_unit_test(a_program_is_run_to_its_end),
		cmocka_unit_test(a_child_that_ends_is_started_again),
		cmocka_unit_test(a_child_dies_with_its_parent),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
