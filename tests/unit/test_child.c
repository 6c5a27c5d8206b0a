/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "io/child.h"
#include "util/alloc.h"
#include "util/err.h"
#include "util/str.h"

struct end {
	char *output;
	char problem[512];
};

static void on_done(void *arg, const char *output, const struct err *err)
{
	struct end *end = arg;

	end->output = xstrdup(output);
	strcpy(end->problem, err ? err->text : "");
}

static void run(struct end *end, const char *program, const char *script)
{
	const char *const argv[] = { program, "-c", script, NULL };
	uv_loop_t loop;

	uv_loop_init(&loop);
	child_run(&loop, argv, on_done, end);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void what_a_program_says_is_handed_on(void **state)
{
	struct end end;

	run(&end, "sh", "echo hello; echo there >&2");
	assert_string_equal(end.output, "hello\n");
	assert_string_equal(end.problem, "");
	free(end.output);
	run(&end, "sh", "echo some; echo 'no luck' >&2; exit 3");
	assert_string_equal(end.problem, "no luck\n");
	free(end.output);
	run(&end, "sh", "kill -9 $$");
	assert_string_equal(end.problem, "sh: ended by signal 9");
	free(end.output);
	run(&end, "no-such-program", "");
	assert_non_null(strstr(end.problem, "no-such-program"));
	free(end.output);
}

/* A large write, then small ones that would fit behind it. */
static void long_output_is_cut_at_its_end(void **state)
{
	struct end end;
	size_t n;

	run(&end, "sh",
	    "head -c 70000 /dev/zero | tr '\\0' a; for i in 1 2 3 4 5; do echo b; done");
	n = strlen(end.output);
	assert_int_equal(n, CHILD_OUTPUT_BYTES);
	assert_int_equal(strspn(end.output, "a"), n);
	free(end.output);
}

struct kept {
	struct child *child;
	unsigned int n_ended;
	char problem[512];
};

static void on_ended(void *owner, const struct err *err)
{
	struct kept *kept = owner;

	strcpy(kept->problem, err->text);
	if (++kept->n_ended == 2)
		child_stop(kept->child);
}

static void a_kept_child_is_restarted_until_it_is_stopped(void **state)
{
	static const char *const argv[] = { "sh", "-c", "exit 3", NULL };
	struct kept kept = { 0 };
	struct err err = ERR_INIT;
	uv_loop_t loop;
	struct child_opts opts = { .loop = &loop,
				   .name = "shell",
				   .argv = argv,
				   .keep = true,
				   .ended = on_ended,
				   .owner = &kept };

	uv_loop_init(&loop);
	assert_int_equal(child_start(&opts, &kept.child, &err), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(kept.n_ended, 2);
	assert_string_equal(kept.problem, "shell: exited with status 3");
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_program_that_is_not_there_is_said_to_be(void **state)
{
	static const char *const argv[] = { "no-such-program", NULL };
	struct kept kept = { .n_ended = 1 };
	struct err err = ERR_INIT;
	uv_loop_t loop;
	struct child_opts opts = {
		.loop = &loop, .name = "thing", .argv = argv, .ended = on_ended, .owner = &kept
	};

	uv_loop_init(&loop);
	assert_int_equal(child_start(&opts, &kept.child, &err), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_string_equal(kept.problem, "thing: cannot be started: is it installed?");
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_program_says_is_handed_on),
		cmocka_unit_test(long_output_is_cut_at_its_end),
		cmocka_unit_test(a_kept_child_is_restarted_until_it_is_stopped),
		cmocka_unit_test(a_program_that_is_not_there_is_said_to_be),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
