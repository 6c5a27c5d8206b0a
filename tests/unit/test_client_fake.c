/* SPDX-License-Identifier: Apache-2.0 */
/* The client against servers that misbehave. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "ovsdb/client.h"
#include "ovsdb_fixture.h"
#include "util/array.h"
#include "util/err.h"
#include "util/str.h"
#include "watcher.h"

/* arg: const char *, the first method that this server knows of the three. */
static void be_old(struct fake_server *fake, const char *method, const json_t *id,
		   const json_t *params)
{
	if (str_starts(method, "monitor") && strcmp(method, fake->arg) &&
	    strcmp(json_string_value(json_array_get(params, 0)), "_Server")) {
		fake_server_refuse(fake, id, "unknown method");
		return;
	}
	fake_server_be_polite(fake, method, id, params);
}

static void older_monitors_are_fallen_back_to(void **state)
{
	static const struct {
		const char *method, *notification;
	} cases[] = { { "monitor_cond", "update2" }, { "monitor", "update" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place *place = place_new();
		struct fake_server *fake = fake_server_start(place, be_old);
		struct watcher *watcher = watch(place, fake->remote);

		fake->arg = (char *)cases[i].method;
		WAIT_FOR(place, client_is_connected(watcher->client));
		assert_int_equal(fake->n_connections, 1);
		fake_server_notify(fake, cases[i].notification,
				   json_pack("[s{s{s{s{ss}}}}]", "main", "Switch",
					     "7d6a2c3b-7f0a-4d6c-8f5b-111111111111",
					     i ? "new" : "insert", "name", "s0"));
		WAIT_FOR(place, watcher->n_inserted == 1);
		assert_non_null(find_switch(watcher, "s0"));
		watcher_free(watcher);
		fake_server_stop(fake);
		place_free(place);
	}
}

static void be_silent_once_online(struct fake_server *fake, const char *method, const json_t *id,
				  const json_t *params)
{
	if (strcmp(method, "echo") || fake->n_connections > 1)
		fake_server_be_polite(fake, method, id, params);
}

static void a_silent_server_is_probed_and_left(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, be_silent_once_online);
	struct client_opts opts = { .remotes = fake->remote, .probe_ms = 50 };
	struct watcher *watcher = watch_with(place, &opts);
	struct answer answer = { .watcher = watcher };
	struct txn *txn = txn_new(&test_schema);

	WAIT_FOR(place, client_is_connected(watcher->client));
	client_commit(watcher->client, txn, on_done, &answer);
	WAIT_FOR(place, fake->n_connections == 2 && client_is_connected(watcher->client));
	assert_non_null(strstr(watcher->problem, "does not answer"));
	assert_int_equal(watcher->n_lost, 1);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void note_reply(struct fake_server *fake, const char *method, const json_t *id,
		       const json_t *params)
{
	/* That its "echo" was answered shows in the order: the client's next request follows. */
	if (!strcmp(method, "transact"))
		fake_server_reply(fake, id, json_array());
	else
		fake_server_be_polite(fake, method, id, params);
}

static void a_server_that_probes_is_answered(void **state)
{
	static const char probe[] = "{\"method\":\"echo\",\"params\":[\"x\"],\"id\":\"probe\"}"
				    "{\"method\":\"what\",\"params\":[],\"id\":5}";
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, note_reply);
	struct watcher *watcher = watch(place, fake->remote);
	struct answer answer = { 0 };

	WAIT_FOR(place, client_is_connected(watcher->client));
	fake_server_say(fake, probe, strlen(probe));
	commit(watcher, txn_new(&test_schema), &answer);
	assert_int_equal(answer.outcome, TXN_OK);
	assert_int_equal(fake->n_connections, 1);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void rubbish_is_answered_by_hanging_up(void **state)
{
	char deep[FRAME_MAX_DEPTH + 2];
	struct {
		const char *bytes, *reason;
	} cases[] = {
		{ "nonsense", "does not begin with" },
		{ "{\"method\": tru}", "no JSON" },
		{ "{\"method\": 5}", "no JSON-RPC" },
		{ "[]", "no JSON object" },
		{ "}", "begins with" },
		{ deep, "deeper than 64" },
		{ "{\"id\":null,\"method\":\"update3\",\"params\":[\"main\",\"\",{\"Switch\":"
		  "{\"x\":{\"insert\":{}}}}]}",
		  "Switch" },
		{ "{\"id\":null,\"method\":\"update3\",\"params\":[\"main\",\"\",{\"Switch\":"
		  "{\"7d6a2c3b-7f0a-4d6c-8f5b-111111111111\":{\"insert\":{\"count\":\"x\"}}}}]}",
		  "column count" },
	};

	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place *place = place_new();
		struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
		struct watcher *watcher = watch(place, fake->remote);

		WAIT_FOR(place, client_is_connected(watcher->client));
		fake_server_say(fake, cases[i].bytes, strlen(cases[i].bytes));
		WAIT_FOR(place, watcher->n_lost == 1);
		if (!strstr(watcher->problem, cases[i].reason))
			fail_msg("%s: %s", cases[i].bytes, watcher->problem);
		assert_null(strchr(watcher->problem, '\n'));
		assert_non_null(strstr(watcher->problem, fake->remote));
		watcher_free(watcher);
		fake_server_stop(fake);
		place_free(place);
	}
}

static void a_connection_comes_back_after_rubbish(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	struct watcher *watcher = watch(place, fake->remote);

	WAIT_FOR(place, client_is_connected(watcher->client));
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, watcher->n_connected == 2);
	assert_int_equal(fake->n_connections, 2);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void grant_lock(struct fake_server *fake, const char *method, const json_t *id,
		       const json_t *params)
{
	if (!strcmp(method, "lock"))
		fake_server_reply(fake, id, json_pack("{sb}", "locked", false));
	else
		fake_server_be_polite(fake, method, id, params);
}

static void locks_come_by_notification_and_can_be_stolen(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, grant_lock);
	struct client_opts opts = { .remotes = fake->remote, .lock = "ours" };
	struct watcher *watcher = watch_with(place, &opts);

	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_false(client_has_lock(watcher->client));
	fake_server_notify(fake, "locked", json_pack("[s]", "not_ours"));
	fake_server_notify(fake, "locked", json_pack("[s]", "ours"));
	WAIT_FOR(place, client_has_lock(watcher->client));
	fake_server_notify(fake, "stolen", json_pack("[s]", "ours"));
	WAIT_FOR(place, watcher->n_lock == 2);
	assert_false(client_has_lock(watcher->client));
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void a_canceled_monitor_is_asked_for_again(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	struct watcher *watcher = watch(place, fake->remote);

	WAIT_FOR(place, watcher->n_connected == 1);
	fake_server_notify(fake, "monitor_canceled", json_pack("[s]", "main"));
	WAIT_FOR(place, watcher->n_connected == 2);
	assert_int_equal(fake->n_connections, 1);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

/* arg: const char *, what the row of "_Server" says besides the name. */
static void be_in_a_cluster(struct fake_server *fake, const char *method, const json_t *id,
			    const json_t *params)
{
	const char *database = json_string_value(json_array_get(params, 0));

	if (!strcmp(method, "monitor_cond") && database && !strcmp(database, "_Server"))
		fake_server_reply(fake, id,
				  json_pack("{s{s{so}}}", "Database",
					    "7d6a2c3b-7f0a-4d6c-8f5b-111111111111", "initial",
					    json_loads(fake->arg, 0, NULL)));
	else
		fake_server_be_polite(fake, method, id, params);
}

static void servers_that_are_no_use_are_left(void **state)
{
	static const struct {
		const char *status, *problem;
		bool leader_only;
	} cases[] = {
		{ "{\"name\":\"Test\",\"model\":\"clustered\",\"connected\":true}", "", false },
		{ "{\"name\":\"Test\",\"model\":\"standalone\",\"connected\":true}", "", true },
		{ "{\"name\":\"Test\",\"model\":\"clustered\",\"connected\":true,"
		  "\"leader\":true}",
		  "", true },
		{ "{\"name\":\"Test\",\"model\":\"clustered\"}", "is cut off from its cluster",
		  false },
		{ "{\"name\":\"Test\",\"model\":\"clustered\",\"connected\":true}",
		  "does not lead the cluster", true },
		{ "{\"name\":\"Other\",\"connected\":true}", "is not served there", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place *place = place_new();
		struct fake_server *fake = fake_server_start(place, be_in_a_cluster);
		struct client_opts opts = { .remotes = fake->remote,
					    .leader_only = cases[i].leader_only };
		struct watcher *watcher = watch_with(place, &opts);

		fake->arg = (char *)cases[i].status;
		WAIT_FOR(place, watcher->n_connected || watcher->n_lost);
		if (!strstr(watcher->problem, cases[i].problem))
			fail_msg("%s: %s", cases[i].status, watcher->problem);
		assert_int_equal(watcher->n_connected, !cases[i].problem[0]);
		if (watcher->n_connected && cases[i].leader_only) {
			/* It steps down while we use it. */
			fake_server_notify(fake, "update2",
					   json_pack("[s{s{s{s{sb}}}}]", "server", "Database",
						     "7d6a2c3b-7f0a-4d6c-8f5b-111111111111",
						     "modify", "connected", false));
			WAIT_FOR(place, watcher->n_lost == 1);
		}
		watcher_free(watcher);
		fake_server_stop(fake);
		place_free(place);
	}
}

/* A monitor that resumes: what the client names as the last transaction it saw decides. */
static void resume(struct fake_server *fake, const char *method, const json_t *id,
		   const json_t *params)
{
	static const char last_id[] = "7d6a2c3b-7f0a-4d6c-8f5b-00000000000a";
	const char *seen = json_string_value(json_array_get(params, 3));
	bool resumes = seen && !strcmp(seen, last_id);

	if (strcmp(method, "monitor_cond_since")) {
		fake_server_be_polite(fake, method, id, params);
		return;
	}
	fake_server_reply(fake, id,
			  json_pack("[bs{s{s{s{ss}}}}]", resumes, last_id, "Switch",
				    resumes ? "7d6a2c3b-7f0a-4d6c-8f5b-222222222222"
					    : "7d6a2c3b-7f0a-4d6c-8f5b-111111111111",
				    resumes ? "insert" : "initial", "name", resumes ? "s1" : "s0"));
}

static void history_is_used_where_the_server_has_it(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, resume);
	struct watcher *watcher = watch(place, fake->remote);

	WAIT_FOR(place, watcher->n_inserted == 1);
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, watcher->n_inserted == 2);
	assert_int_equal(watcher->n_deleted + watcher->n_updated, 0);
	assert_int_equal(count(watcher, &switch_table), 2);

	/* History under other conditions does not say all. */
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, !client_is_connected(watcher->client));
	client_set_condition(watcher->client, &switch_table, json_pack("[b]", true));
	WAIT_FOR(place, watcher->n_deleted == 1);
	assert_non_null(find_switch(watcher, "s0"));
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

struct closer {
	struct watcher *watcher;
	unsigned int n_answers;
	bool is_closed;
};

static void close_once(void *arg, enum txn_outcome outcome, const struct txn *txn,
		       const struct err *err)
{
	struct closer *closer = arg;

	assert_false(closer->is_closed);
	assert_int_equal(outcome, TXN_AGAIN);
	if (closer->n_answers++ == 0) {
		client_close(closer->watcher->client);
		closer->is_closed = true;
	}
}

static void closing_ends_the_report_under_way(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	struct watcher *watcher = watch(place, fake->remote);
	struct closer closer = { .watcher = watcher };

	for (unsigned int i = 0; i < 3; i++)
		client_commit(watcher->client, txn_new(&test_schema), close_once, &closer);
	WAIT_FOR(place, closer.n_answers == 3);
	assert_true(closer.is_closed);
	free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

/* arg: how often the lock was asked for. */
static void count_locks(struct fake_server *fake, const char *method, const json_t *id,
			const json_t *params)
{
	if (!strcmp(method, "lock")) {
		++*(unsigned int *)fake->arg;
		fake_server_reply(fake, id, json_pack("{sb}", "locked", true));
	} else {
		fake_server_be_polite(fake, method, id, params);
	}
}

static void a_lock_is_asked_for_once_per_connection(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, count_locks);
	struct client_opts opts = { .remotes = fake->remote, .lock = "ours" };
	struct watcher *watcher = watch_with(place, &opts);
	unsigned int n_asked = 0;

	fake->arg = &n_asked;
	WAIT_FOR(place, watcher->n_lock == 1);
	fake_server_notify(fake, "monitor_canceled", json_pack("[s]", "main"));
	WAIT_FOR(place, watcher->n_connected == 2);
	assert_int_equal(n_asked, 1);
	assert_true(client_has_lock(watcher->client));
	fake_server_say(fake, "]", 1);
	WAIT_FOR(place, watcher->n_lock == 3);
	assert_int_equal(n_asked, 2);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

/* Whatever is asked next has been answered, and the lock been stolen back, by the time the client reads. */
static void be_quick(struct fake_server *fake, const char *method, const json_t *id,
		     const json_t *params)
{
	if (!strcmp(method, "lock")) {
		fake_server_reply(fake, id, json_pack("{sb}", "locked", false));
	} else if (!strcmp(method, "transact")) {
		json_t *unlock = json_integer(json_integer_value(id) + 1);
		json_t *steal = json_integer(json_integer_value(id) + 2);

		fake_server_reply(fake, id, json_array());
		fake_server_reply(fake, unlock, json_object());
		fake_server_reply(fake, steal, json_pack("{sb}", "locked", true));
		fake_server_notify(fake, "stolen", json_pack("[s]", "the_lock"));
		json_decref(unlock);
		json_decref(steal);
	} else {
		fake_server_be_polite(fake, method, id, params);
	}
}

static void steal_on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct watcher *watcher = arg;

	client_steal_lock(watcher->client);
}

static void a_lock_that_is_lost_as_soon_as_stolen_is_told_of(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, be_quick);
	struct client_opts opts = { .remotes = fake->remote, .lock = "the_lock" };
	struct watcher *watcher = watch_with(place, &opts);

	WAIT_FOR(place, watcher->n_lock == 1 && client_lock_is_taken(watcher->client));
	client_request(watcher->client, "transact", json_array(), steal_on_answer, watcher);
	WAIT_FOR(place, watcher->n_lock == 2);
	assert_true(client_lock_is_taken(watcher->client));
	assert_false(client_has_lock(watcher->client));
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void new_remotes_are_dialled_from_the_first(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, fake_server_be_polite);
	char *nobody = xasprintf("unix:%s/nobody", place->dir);
	char *remotes = xasprintf("%s,unix:%s/other", fake->remote, place->dir);
	struct watcher *watcher = watch(place, nobody);

	WAIT_FOR(place, watcher->n_lost == 1);
	assert_int_equal(client_set_remotes(watcher->client, remotes, NULL), 0);
	assert_string_equal(client_remote(watcher->client), fake->remote);
	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_int_equal(watcher->n_lost, 1);
	free(nobody);
	free(remotes);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void a_retry_does_not_wait_for_the_back_off(void **state)
{
	struct place *place = place_new();
	char *remote = xasprintf("unix:%s/fake.sock", place->dir);
	struct watcher *watcher = watch(place, remote);
	struct fake_server *fake;
	uint64_t failed_ms;

	WAIT_FOR(place, watcher->n_lost == 1);
	failed_ms = uv_now(&place->loop);
	fake = fake_server_start(place, fake_server_be_polite);
	client_retry(watcher->client);
	WAIT_FOR(place, client_is_connected(watcher->client));
	assert_true(uv_now(&place->loop) < failed_ms + 1000); /* the first back-off */
	free(remote);
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

static void answer_nothing(struct fake_server *fake, const char *method, const json_t *id,
			   const json_t *params)
{
	if (!strcmp(method, "transact"))
		fake_server_reply(fake, id, NULL);
	else
		fake_server_be_polite(fake, method, id, params);
}

static void an_answer_that_says_nothing_is_an_error(void **state)
{
	struct place *place = place_new();
	struct fake_server *fake = fake_server_start(place, answer_nothing);
	struct watcher *watcher = watch(place, fake->remote);
	struct selected selected = { 0 };

	WAIT_FOR(place, client_is_connected(watcher->client));
	client_request(watcher->client, "transact", json_array(), on_selected, &selected);
	WAIT_FOR(place, selected.is_there);
	assert_non_null(strstr(selected.problem, "without a result"));
	watcher_free(watcher);
	fake_server_stop(fake);
	place_free(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_monitors_are_fallen_back_to),
		cmocka_unit_test(a_silent_server_is_probed_and_left),
		cmocka_unit_test(a_server_that_probes_is_answered),
		cmocka_unit_test(rubbish_is_answered_by_hanging_up),
		cmocka_unit_test(a_connection_comes_back_after_rubbish),
		cmocka_unit_test(locks_come_by_notification_and_can_be_stolen),
		cmocka_unit_test(a_canceled_monitor_is_asked_for_again),
		cmocka_unit_test(servers_that_are_no_use_are_left),
		cmocka_unit_test(history_is_used_where_the_server_has_it),
		cmocka_unit_test(closing_ends_the_report_under_way),
		cmocka_unit_test(a_lock_is_asked_for_once_per_connection),
		cmocka_unit_test(a_lock_that_is_lost_as_soon_as_stolen_is_told_of),
		cmocka_unit_test(new_remotes_are_dialled_from_the_first),
		cmocka_unit_test(a_retry_does_not_wait_for_the_back_off),
		cmocka_unit_test(an_answer_that_says_nothing_is_an_error),
	};

	return cmocka_run_group_tests_name("client_fake", tests, NULL, NULL);
}
