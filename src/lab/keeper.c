/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes: the player does the job; the keeper only waits, and removes the lab when the player has ended,
 * whichever way: done, failed, crashed or interrupted. */
#include "lab/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/control.h"
#include "util/array.h"
#include "util/err.h"

/* SIGCHLD and those that ask for an end, to be waited for. */
static void block_signals(sigset_t *ret_blocked, sigset_t *ret_old)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD };

	sigemptyset(ret_blocked);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct sigaction action;

		/* A blocked signal is queued even if it is ignored, as SIGHUP by nohup. */
		sigaction(numbers[i], NULL, &action);
		if (numbers[i] == SIGCHLD || action.sa_handler != SIG_IGN)
			sigaddset(ret_blocked, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, ret_blocked, ret_old);
	/* A closed terminal or pipe must not end the keeper before it has cleaned up. */
	signal(SIGPIPE, SIG_IGN);
}

static pid_t start_player(const struct lab *lab, const struct keeper_job *job,
			  const sigset_t *old_mask)
{
	pid_t keeper = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, old_mask, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (getppid() != keeper)
		_exit(1);
	exit(job->run(lab));
}

/* Until the player has ended or somebody asks us to: the signal, or 0. */
static int wait_for_end(pid_t player, const sigset_t *signals, int *ret_status)
{
	for (;;) {
		int sig = sigwaitinfo(signals, NULL);

		if (sig < 0)
			continue;
		if (sig != SIGCHLD)
			return sig;
		if (waitpid(player, ret_status, WNOHANG) == player)
			return 0;
	}
}

int keeper_run(const struct lab *lab, const struct keeper_job *job, struct err *err)
{
	sigset_t signals, old_mask;
	int status = 0, sig, r;
	pid_t player;

	block_signals(&signals, &old_mask);
	player = start_player(lab, job, &old_mask);
	if (player < 0)
		return err_set(err, -EAGAIN, "%s: cannot fork", job->name);
	sig = wait_for_end(player, &signals, &status);
	if (sig) {
		kill(player, SIGKILL);
		waitpid(player, &status, 0);
		fprintf(stderr, "\nheddle: %s: interrupted, cleaning up\n", job->name);
	} else if (WIFSIGNALED(status)) {
		fprintf(stderr, "\nheddle: %s: ended by signal %d, cleaning up\n", job->name,
			WTERMSIG(status));
	} else if (WEXITSTATUS(status) == 0 && job->keeps_lab) {
		return 0;
	}
	r = control_down(lab, err);
	if (r < 0)
		return r;
	return sig ? 128 + sig : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
