/* SPDX-License-Identifier: Apache-2.0 */

#include "check.h"
#include "ovsdb/session.h"
#include "util/array.h"

enum happening {
	NOTHING,
	CONNECTED,
	HEARD,
	HEALTHY,
	FAILED,
	RETRY
};

struct step {
	uint64_t now_ms;
	enum happening happening;
	enum session_want want;
	uint64_t deadline_ms;
	const char *why;
};

static void report(struct session *session, enum happening happening, uint64_t now_ms)
{
	switch (happening) {
	case NOTHING: break;
	case CONNECTED: session_connected(session, now_ms); break;
	case HEARD: session_heard(session, now_ms); break;
	case HEALTHY: session_healthy(session); break;
	case FAILED: session_failed(session, now_ms); break;
	case RETRY: session_retry(session, now_ms); break;
	}
}

static void walk(unsigned int n_remotes, const struct step *steps, size_t n)
{
	struct session *session = session_new(&(struct session_opts){ 0 });

	session_set_remotes(session, n_remotes);
	for (size_t i = 0; i < n; i++) {
		const struct step *step = &steps[i];
		enum session_want want;
		uint64_t deadline_ms;

		report(session, step->happening, step->now_ms);
		want = session_next(session, step->now_ms, &deadline_ms);
		if (want != step->want || deadline_ms != step->deadline_ms)
			fail_msg("%s: want %d until %llu", step->why, want,
				 (unsigned long long)deadline_ms);
	}
	session_free(session);
}

static void waits_double_up_to_the_cap(void **state)
{
	static const struct step steps[] = {
		{ 0, NOTHING, SESSION_DIAL, 5000, "the first dial is at once" },
		{ 10, FAILED, SESSION_IDLE, 1010, "the first wait is the minimum" },
		{ 500, NOTHING, SESSION_IDLE, 1010, "asking does not shorten it" },
		{ 1010, NOTHING, SESSION_DIAL, 6010, "it is over" },
		{ 1020, FAILED, SESSION_IDLE, 3020, "then it doubles" },
		{ 3020, NOTHING, SESSION_DIAL, 8020, "" },
		{ 8020, NOTHING, SESSION_HANG_UP, 8020, "a connection takes 5 s at most" },
		{ 8020, FAILED, SESSION_IDLE, 12020, "doubled again" },
		{ 12020, NOTHING, SESSION_DIAL, 17020, "" },
		{ 12020, FAILED, SESSION_IDLE, 20020, "the cap" },
		{ 20020, NOTHING, SESSION_DIAL, 25020, "" },
		{ 20020, FAILED, SESSION_IDLE, 28020, "and not above it" },
		{ 28020, NOTHING, SESSION_DIAL, 33020, "" },
		{ 28030, CONNECTED, SESSION_IDLE, 33030, "connected: the next thing is a probe" },
		{ 28040, FAILED, SESSION_IDLE, 36040, "connected, but of no use: no new start" },
		{ 36040, NOTHING, SESSION_DIAL, 41040, "" },
		{ 36050, CONNECTED, SESSION_IDLE, 41050, "" },
		{ 36060, HEALTHY, SESSION_IDLE, 41050, "" },
		{ 36070, FAILED, SESSION_IDLE, 37070, "after a good one the wait is the minimum" },
	};

	walk(1, steps, ARRAY_SIZE(steps));
}

static void a_silent_peer_is_probed_and_left(void **state)
{
	static const struct step steps[] = {
		{ 0, NOTHING, SESSION_DIAL, 5000, "" },
		{ 0, CONNECTED, SESSION_IDLE, 5000, "" },
		{ 4000, HEARD, SESSION_IDLE, 9000, "whatever it says puts off the probe" },
		{ 9000, NOTHING, SESSION_PROBE, 14000, "silence is probed" },
		{ 9000, NOTHING, SESSION_IDLE, 14000, "once" },
		{ 13000, HEARD, SESSION_IDLE, 18000, "the answer" },
		{ 18000, NOTHING, SESSION_PROBE, 23000, "" },
		{ 60000, NOTHING, SESSION_HANG_UP, 23000, "no answer" },
		{ 60000, FAILED, SESSION_IDLE, 61000, "" },
		{ 60001, HEARD, SESSION_IDLE, 61000, "too late" },
	};

	walk(1, steps, ARRAY_SIZE(steps));
}

static void all_remotes_are_tried_before_a_wait(void **state)
{
	static const struct step steps[] = {
		{ 0, NOTHING, SESSION_DIAL, 5000, "" },
		{ 0, FAILED, SESSION_DIAL, 5000, "the second at once" },
		{ 10, FAILED, SESSION_DIAL, 5010, "the third, too" },
		{ 20, FAILED, SESSION_IDLE, 1020, "all have failed" },
		{ 1020, NOTHING, SESSION_DIAL, 6020, "" },
		{ 1020, FAILED, SESSION_DIAL, 6020, "a new round" },
	};

	walk(3, steps, ARRAY_SIZE(steps));
}

static void a_retry_is_at_once(void **state)
{
	static const struct step steps[] = {
		{ 0, NOTHING, SESSION_DIAL, 5000, "the first dial" },
		{ 5, RETRY, SESSION_IDLE, 5000, "a dial under way is left alone" },
		{ 10, FAILED, SESSION_IDLE, 1010, "a wait" },
		{ 20, RETRY, SESSION_DIAL, 5020, "is cut short" },
		{ 30, FAILED, SESSION_IDLE, 1030, "and the next is the minimum again" },
	};

	walk(1, steps, ARRAY_SIZE(steps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_cap),
		cmocka_unit_test(a_silent_peer_is_probed_and_left),
		cmocka_unit_test(all_remotes_are_tried_before_a_wait),
		cmocka_unit_test(a_retry_is_at_once),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
