/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink in network namespaces of its own. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "io/netlink.h"
#include "util/err.h"

#define PAIRS 60 /* more than one of the kernel's answers holds */
#define OPENS 40

struct seen {
	size_t n_links;
	struct netlink_link last; /* that is no loopback */
};

static void on_link(void *owner, const struct netlink_link *link, bool deleted)
{
	struct seen *seen = owner;

	if (deleted)
		return;
	seen->n_links++;
	if (!link->loopback)
		seen->last = *link;
}

static void on_addr(void *owner, const struct netlink_addr *addr, bool deleted)
{
}

static void on_neigh(void *owner, const struct netlink_neigh *neigh, bool deleted)
{
}

static void on_resync_begin(void *owner)
{
	struct seen *seen = owner;

	seen->n_links = 0;
}

static void on_nothing(void *owner)
{
}

static const struct netlink_ops ops = {
	.link = on_link,
	.addr = on_addr,
	.neigh = on_neigh,
	.route = on_nothing,
	.resync_begin = on_resync_begin,
	.resync_end = on_nothing,
	.batch_end = on_nothing,
};

static void enter_new_namespace(void)
{
	int flags = CLONE_NEWNET | (geteuid() ? CLONE_NEWUSER : 0);

	if (unshare(flags) < 0)
		fail_msg("a network namespace is needed");
}

static void look(uv_loop_t *loop, struct seen *seen, struct netlink **ret)
{
	struct err err = ERR_INIT;

	if (netlink_open(loop, &ops, seen, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void stop_looking(uv_loop_t *loop, struct netlink *netlink)
{
	netlink_close(netlink);
	uv_run(loop, UV_RUN_DEFAULT);
}

/* Makes and removes devices until it is killed. */
static void churn(void)
{
	struct netlink *netlink;
	struct seen seen = { 0 };
	uv_loop_t loop;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uv_loop_init(&loop);
	look(&loop, &seen, &netlink);
	for (;;) {
		if (netlink_veth_create(netlink, "churn0", "churn1", "x") < 0)
			_exit(1);
		netlink_link_delete(netlink, seen.last.ifindex);
	}
}

static void devices_that_come_and_go_do_not_spoil_a_dump(void **state)
{
	struct netlink *netlink;
	struct seen seen = { 0 };
	uv_loop_t loop;
	pid_t child;

	enter_new_namespace();
	uv_loop_init(&loop);
	look(&loop, &seen, &netlink);
	for (int i = 0; i < PAIRS; i++) {
		char name[16], peer[16];

		snprintf(name, sizeof(name), "a%d", i);
		snprintf(peer, sizeof(peer), "b%d", i);
		assert_int_equal(netlink_veth_create(netlink, name, peer, "test"), 0);
	}
	stop_looking(&loop, netlink);
	child = fork();
	if (child == 0)
		churn();
	for (int i = 0; i < OPENS; i++) {
		look(&loop, &seen, &netlink);
		assert_true(seen.n_links >= 2 * PAIRS + 1);
		stop_looking(&loop, netlink);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	uv_loop_close(&loop);
}

/* In a namespace of its own: sees the one device that is put there. */
static void holder(int ready, int go)
{
	struct netlink *netlink;
	struct seen seen = { 0 };
	uv_loop_t loop;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	uv_loop_init(&loop);
	look(&loop, &seen, &netlink);
	_exit(seen.last.ifindex && !seen.last.peer_elsewhere ? 0 : 2);
}

/* bpf_redirect_peer() would drop what is sent to it. */
static void only_a_veth_has_a_peer(void **state)
{
	int ready[2], go[2], status;
	char command[160], byte = 0;
	pid_t child;

	enter_new_namespace();
	assert_int_equal(pipe(ready) | pipe(go), 0);
	child = fork();
	if (child == 0)
		holder(ready[1], go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(command, sizeof(command),
		 "ip link add vx0 netns %d type vxlan id 1 dstport 4789 remote 192.0.2.1",
		 (int)child);
	assert_int_equal(system(command), 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_that_come_and_go_do_not_spoil_a_dump),
		cmocka_unit_test(only_a_veth_has_a_peer),
	};

	return cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
