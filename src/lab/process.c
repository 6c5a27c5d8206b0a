/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/auto.h"
#include "util/err.h"

#define STOP_GRACE_MS 5000

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int process_enter_netns(const char *netns, struct err *err)
{
	char path[128];
	int fd, r;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	r = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	if (r < 0)
		return err_set(err, r, "%s: cannot enter: %s", path, strerror(-r));
	return 0;
}

int process_exec(const struct process_spec *spec, struct err *err)
{
	int r;

	if (spec->netns) {
		r = process_enter_netns(spec->netns, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < PROCESS_MAX_ENV && spec->env[i]; i++)
		putenv((char *)spec->env[i]);
	execvp(spec->argv[0], (char *const *)spec->argv);
	return err_set(err, -errno, "%s: cannot run: %s", spec->argv[0], strerror(errno));
}

/* A file with the text, or /dev/null, to be somebody's standard input. */
static int input_fd(const char *text)
{
	size_t n = text ? strlen(text) : 0;
	int fd;

	if (!n)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("heddle-lab", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return fd;
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* In the child: signals as they were before anybody blocked them, descriptors in place. */
static void become(const struct process_spec *spec, int out_fd)
{
	struct err err = ERR_INIT;
	sigset_t none;
	int in_fd = input_fd(spec->input);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in_fd >= 0)
		dup2(in_fd, STDIN_FILENO);
	if (out_fd >= 0) {
		dup2(out_fd, STDOUT_FILENO);
		dup2(out_fd, STDERR_FILENO);
	}
	process_exec(spec, &err);
	fprintf(stderr, "heddle: %s\n", err.text);
	_exit(127);
}

static void read_all(int fd, struct str *ret)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			str_addn(ret, buf, (size_t)n);
}

int process_run(const struct process_spec *spec, struct str *ret_output, struct err *err)
{
	int fds[2] = { -1, -1 };
	int status = 0;
	pid_t pid;

	if (ret_output && pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "%s: no pipe: %s", spec->argv[0], strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		become(spec, fds[1]);
	}
	if (fds[1] >= 0)
		close(fds[1]);
	if (pid > 0 && fds[0] >= 0)
		read_all(fds[0], ret_output);
	if (fds[0] >= 0)
		close(fds[0]);
	if (pid < 0)
		return err_set(err, -EAGAIN, "%s: cannot fork", spec->argv[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses.  A zombie has
 * ended: 0. */
static unsigned long long start_time(pid_t pid)
{
	unsigned long long start = 0;
	char path[32], buf[1024], state = 0;
	const char *p;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	p = strrchr(buf, ')');
	if (!p ||
	    sscanf(p + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d"
		   " %*d %*d %*d %llu",
		   &state, &start) != 2 ||
	    state == 'Z')
		return 0;
	return start;
}

static int write_pid(const char *pid_path, pid_t pid)
{
	FILE *f = fopen(pid_path, "we");

	if (!f)
		return -errno;
	fprintf(f, "%d %llu\n", (int)pid, start_time(pid));
	return fclose(f) == 0 ? 0 : -errno;
}

/* In the child: goes on once the parent has written the pid file.  If the parent was killed before, so that
 * nobody could find this process, it ends here. */
static void wait_for_go(const int gate[2])
{
	char go;

	close(gate[1]);
	if (read(gate[0], &go, 1) != 1)
		_exit(127);
}

static int start_child(const struct process_spec *spec, int log_fd, const char *pid_path,
		       const int gate[2], struct err *err)
{
	pid_t pid;
	int r;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setsid();
		wait_for_go(gate);
		become(spec, log_fd);
	}
	if (pid < 0)
		return err_set(err, -EAGAIN, "%s: cannot fork", spec->argv[0]);
	r = write_pid(pid_path, pid);
	if (r < 0)
		return err_set(err, r, "%s: cannot write: %s", pid_path, strerror(-r));
	if (write(gate[1], "", 1) != 1)
		return err_set(err, -EIO, "%s: cannot be let go", spec->argv[0]);
	return 0;
}

int process_start(const struct process_spec *spec, const char *log_path, const char *pid_path,
		  struct err *err)
{
	int gate[2], log_fd, r;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return err_set(err, -errno, "%s: no pipe: %s", spec->argv[0], strerror(errno));
	log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	r = log_fd < 0 ? err_set(err, -errno, "%s: cannot open: %s", log_path, strerror(errno))
		       : start_child(spec, log_fd, pid_path, gate, err);
	if (log_fd >= 0)
		close(log_fd);
	close(gate[0]);
	close(gate[1]);
	return r;
}

pid_t process_of(const char *pid_path)
{
	unsigned long long start = 0;
	FILE *f = fopen(pid_path, "re");
	int pid = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d %llu", &pid, &start) != 2)
		pid = 0;
	fclose(f);
	return pid > 1 && start && start_time(pid) == start ? pid : 0;
}

static int pidfd_open_(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int pidfd_kill(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

int process_stop(const char *pid_path, struct err *err)
{
	struct pollfd p = { .events = POLLIN };
	pid_t pid = process_of(pid_path);

	p.fd = pid ? pidfd_open_(pid) : -1;
	/* Looked at again: the pid may have changed hands before the pidfd held it. */
	if (p.fd >= 0 && process_of(pid_path) == pid) {
		pidfd_kill(p.fd, SIGTERM);
		if (poll(&p, 1, STOP_GRACE_MS) == 0) {
			pidfd_kill(p.fd, SIGKILL);
			poll(&p, 1, STOP_GRACE_MS);
		}
	}
	if (p.fd >= 0)
		close(p.fd);
	if (pid)
		waitpid(pid, NULL, WNOHANG); /* it may be our child */
	if (process_of(pid_path))
		return err_set(err, -EBUSY, "process %d does not end", (int)pid);
	unlink(pid_path);
	return 0;
}

/* Until something changes in path's directory or the process ends. */
static int wait_for_change(int inotify_fd, int pidfd, int64_t deadline_ms)
{
	struct pollfd p[] = { { .fd = inotify_fd, .events = POLLIN },
			      { .fd = pidfd, .events = POLLIN } };
	int64_t left = deadline_ms - now_ms();
	char buf[4096];

	if (left <= 0 || poll(p, 2, (int)left) == 0)
		return -ETIMEDOUT;
	if (p[1].revents)
		return -ESRCH;
	if (p[0].revents && read(inotify_fd, buf, sizeof(buf)) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

int process_wait_for_file(const char *path, const char *pid_path, int timeout_ms, struct err *err)
{
	int64_t deadline_ms = now_ms() + timeout_ms;
	pid_t pid = process_of(pid_path);
	AUTO_FREE char *dir = xstrdup(path);
	int inotify_fd, pidfd, r = 0;

	*strrchr(dir, '/') = '\0';
	inotify_fd = inotify_init1(IN_CLOEXEC);
	inotify_add_watch(inotify_fd, dir, IN_CREATE | IN_MOVED_TO);
	pidfd = pid ? pidfd_open_(pid) : -1;
	if (pidfd < 0)
		r = -ESRCH;
	while (r == 0 && access(path, F_OK) != 0)
		r = wait_for_change(inotify_fd, pidfd, deadline_ms);
	if (pidfd >= 0)
		close(pidfd);
	close(inotify_fd);
	if (r == -ESRCH)
		return err_set(err, r, "the process ended before %s was there", path);
	if (r < 0)
		return err_set(err, r, "%s did not appear within %d s", path, timeout_ms / 1000);
	return 0;
}

/* The value of a line of /proc/PID/status. */
static unsigned long status_value(const char *pid, const char *key)
{
	char path[64], line[256];
	unsigned long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (str_starts(line, key))
			value = strtoul(line + strlen(key), NULL, 10);
	fclose(f);
	return value;
}

unsigned long process_rss_kib(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return status_value(text, "VmRSS:");
}

static void comm_of(const char *pid, char ret_name[static 32])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(ret_name, 32, f))
		snprintf(ret_name, 32, "?");
	if (f)
		fclose(f);
	ret_name[strcspn(ret_name, "\n")] = '\0';
}

void process_each_child(pid_t parent, void (*fn)(pid_t pid, const char *name, void *arg), void *arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	char name[32];

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		if (status_value(d->d_name, "PPid:") != (unsigned long)parent)
			continue;
		comm_of(d->d_name, name);
		fn(atoi(d->d_name), name, arg);
	}
	if (dir)
		closedir(dir);
}
