/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lab/wires.h"
#include "util/array.h"
#include "util/err.h"

#define START_TIMEOUT_MS 60000
#define LOG_TAIL_BYTES   2000

/* central runs on the first host. */
static const struct lab_host *central_host(const struct lab *lab)
{
	return &lab->hosts[0];
}

static int make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s: cannot make the directory: %s", path,
			       strerror(errno));
	return 0;
}

void control_load(struct lab *lab, const char *name)
{
	unsigned int n = 0;
	char path[128];
	FILE *f;

	lab_init(lab, name, LAB_DEFAULT_HOSTS);
	snprintf(path, sizeof(path), "%s/hosts", lab->dir);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fscanf(f, "%u", &n) == 1 && n >= LAB_DEFAULT_HOSTS && n <= LAB_MAX_HOSTS)
		lab_init(lab, name, n);
	fclose(f);
}

static int save(const struct lab *lab, struct err *err)
{
	char path[128];
	FILE *f;
	int r;

	r = make_dir("/run/heddle", err);
	if (r == 0)
		r = make_dir("/run/heddle/lab", err);
	if (r == 0)
		r = make_dir(lab->dir, err);
	for (size_t i = 0; r == 0 && i < lab->n_hosts; i++)
		r = make_dir(lab->hosts[i].dir, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/hosts", lab->dir);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%zu\n", lab->n_hosts) < 0 || fclose(f) != 0)
		return err_set(err, -EIO, "%s: cannot write", path);
	return 0;
}

bool control_exists(const struct lab *lab)
{
	return access(lab->dir, F_OK) == 0 || wires_exist(lab);
}

const char *control_program(const struct lab *lab, const struct lab_host *host, size_t i)
{
	static const char *const names[] = { "central", "host" };

	i += host != central_host(lab);
	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

/* Made when all else is done. */
static void complete_path(const struct lab *lab, char ret[static 128])
{
	snprintf(ret, 128, "%s/complete", lab->dir);
}

int control_finish_up(const struct lab *lab, struct err *err)
{
	char path[128];
	int fd;

	complete_path(lab, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, -errno, "%s: cannot make: %s", path, strerror(errno));
	close(fd);
	return 0;
}

int control_check(const struct lab *lab, struct err *err)
{
	const char *name;
	char path[128];

	for (size_t i = 0; i < lab->n_hosts; i++) {
		const struct lab_host *h = &lab->hosts[i];

		for (size_t k = 0; (name = control_program(lab, h, k)); k++) {
			snprintf(path, sizeof(path), "%s/%s.pid", h->dir, name);
			if (!process_of(path))
				return err_set(err, -ESRCH, "heddle %s on %s is not running", name,
					       h->name);
		}
	}
	complete_path(lab, path);
	if (access(path, F_OK) != 0)
		return err_set(err, -ESRCH, "\"heddle lab up\" did not finish");
	return 0;
}

/* A bound abstract socket: it leaves no file behind and goes with the process. */
int control_lock(const struct lab *lab, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "heddle-lab-%s",
		     lab->name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0) {
		close(fd);
		return err_set(err, -EBUSY,
			       "lab \"%s\": another \"heddle lab\" command is at work on it; wait, "
			       "or take another --name",
			       lab->name);
	}
	return 0; /* held until the process ends */
}

static const char *own_path(void)
{
	static char path[4000];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	return path;
}

void control_environment(const struct lab *lab, const struct lab_host *host,
			 struct process_spec *spec, struct control_env *env)
{
	const struct lab_host *central = central_host(lab);
	const char *path = getenv("PATH"), *exe = own_path();
	size_t i = 0;

#define ADD_ENV(...)                                                       \
	do {                                                               \
		snprintf(env->text[i], sizeof(env->text[i]), __VA_ARGS__); \
		spec->env[i] = env->text[i];                               \
		i++;                                                       \
	} while (0)
	ADD_ENV("PATH=%.*s:%.2000s", (int)(strrchr(exe, '/') - exe), exe, path ? path : "/bin");
	ADD_ENV("OVS_RUNDIR=%s", host->dir);
	ADD_ENV("OVN_RUNDIR=%s", central->dir);
	ADD_ENV("OVN_NB_DB=unix:%s/ovnnb_db.sock", central->dir);
	ADD_ENV("OVN_SB_DB=unix:%s/ovnsb_db.sock", central->dir);
	ADD_ENV("HEDDLE_RUNDIR=%s/run", host->dir);
#undef ADD_ENV
	spec->netns = host->netns;
}

/* Starts "heddle ARGS" on a host as NAME, and waits until its databases have all the sockets; its
 * files are HOST/NAME.{log,pid}. */
static int start(const struct lab *lab, const struct lab_host *host, const char *name,
		 const char *const *argv, const char *const *sockets, struct err *err)
{
	struct process_spec spec = { .argv = argv };
	char log[128], pid[128], path[128];
	struct control_env env;
	int r;

	control_environment(lab, host, &spec, &env);
	snprintf(log, sizeof(log), "%s/%s.log", host->dir, name);
	snprintf(pid, sizeof(pid), "%s/%s.pid", host->dir, name);
	r = process_start(&spec, log, pid, err);
	for (; r == 0 && *sockets; sockets++) {
		snprintf(path, sizeof(path), "%s/%s", host->dir, *sockets);
		r = process_wait_for_file(path, pid, START_TIMEOUT_MS, err);
	}
	return r < 0 ? (err_prefix(err, "%s on %s", name, host->name), r) : 0;
}

static int start_central(const struct lab *lab, struct err *err)
{
	static const char *const sockets[] = { "ovnnb_db.sock", "ovnsb_db.sock", NULL };
	const struct lab_host *h = central_host(lab);
	char state[128], run[128], nb[64], sb[64], nb_socket[128], sb_socket[128], public[64];
	const char *const argv[] = { own_path(), "central", state,     run,    nb,
				     sb,         nb_socket, sb_socket, public, NULL };

	snprintf(state, sizeof(state), "--state-dir=%s/central", h->dir);
	snprintf(run, sizeof(run), "--run-dir=%s/central", h->dir);
	snprintf(nb, sizeof(nb), "--nb-listen=ptcp:6641:%s", h->ip);
	snprintf(sb, sizeof(sb), "--sb-listen=ptcp:6642:%s", h->ip);
	snprintf(nb_socket, sizeof(nb_socket), "--nb-socket=%s/ovnnb_db.sock", h->dir);
	snprintf(sb_socket, sizeof(sb_socket), "--sb-socket=%s/ovnsb_db.sock", h->dir);
	snprintf(public, sizeof(public), "--public-address=%s", h->ip);
	return start(lab, h, "central", argv, sockets, err);
}

static int start_agent(const struct lab *lab, const struct lab_host *h, struct err *err)
{
	static const char *const sockets[] = { "db.sock", NULL };
	char state[128], run[128], remote[64], encap[64], id[64];
	const char *const argv[] = { own_path(), "host", state, run, remote, encap, id, NULL };

	snprintf(state, sizeof(state), "--state-dir=%s", h->dir);
	snprintf(run, sizeof(run), "--run-dir=%s/run", h->dir);
	snprintf(remote, sizeof(remote), "--ovn-remote=tcp:%s:6642", central_host(lab)->ip);
	snprintf(encap, sizeof(encap), "--encap-ip=%s", h->ip);
	snprintf(id, sizeof(id), "--system-id=%s", h->name);
	return start(lab, h, "host", argv, sockets, err);
}

int control_up(const struct lab *lab, struct err *err)
{
	int r = save(lab, err);

	if (r == 0)
		r = wires_make(lab, err);
	if (r == 0)
		r = start_central(lab, err);
	for (size_t i = 0; r == 0 && i < lab->n_hosts; i++)
		r = start_agent(lab, &lab->hosts[i], err);
	return r;
}

int control_down(const struct lab *lab, struct err *err)
{
	static const char *const names[] = { "host", "central" };
	char pid[128];
	int r, first = 0;

	for (size_t n = 0; n < 2; n++) {
		for (size_t i = 0; i < lab->n_hosts; i++) {
			snprintf(pid, sizeof(pid), "%s/%s.pid", lab->hosts[i].dir, names[n]);
			r = process_stop(pid, first ? NULL : err);
			first = first ? first : r;
		}
	}
	return first < 0 ? first : wires_remove(lab, err);
}

/* One command that makes the switch and every port, the next ones connect the workloads, the last
 * one waits until every host has it all. */
size_t control_network_commands(const struct lab *lab)
{
	size_t ports = 0;

	for (size_t i = 0; i < lab->n_workloads; i++)
		ports += lab_workload_is_first(lab, &lab->workloads[i]);
	return 1 + ports + lab->n_workloads + 1;
}

/* --wait=sb: so that keys are given out in this order. */
static void port_command(const struct lab_workload *w, struct control_command *ret)
{
	static char address[64];
	const char *const argv[] = { "heddle",   "nb",        "--wait=sb", "lsp-add",
				     LAB_SWITCH, w->port,     "--",        "lsp-set-addresses",
				     w->port,    address,     "--",        "lsp-set-type",
				     w->port,    "localport", NULL };

	snprintf(address, sizeof(address), "%s %s", w->mac, w->ip);
	memcpy(ret->argv, argv, sizeof(argv));
	if (!w->localport)
		ret->argv[10] = NULL;
}

static void set_command(struct control_command *ret, const char *const *argv, size_t n)
{
	memcpy(ret->argv, argv, n * sizeof(*argv));
	ret->argv[n] = NULL;
}

void control_network_command(const struct lab *lab, size_t i, struct control_command *ret)
{
	static const char *const make_switch[] = { "heddle", "nb", "ls-add", LAB_SWITCH };
	static const char *const sync[] = { "heddle", "nb", "--timeout=60", "--wait=hv", "sync" };

	*ret = (struct control_command){ .host = central_host(lab) };
	if (i-- == 0) {
		set_command(ret, make_switch, 4);
		return;
	}
	for (size_t k = 0; k < lab->n_workloads; k++) {
		const struct lab_workload *w = &lab->workloads[k];

		if (!lab_workload_is_first(lab, w))
			continue;
		if (i-- == 0) {
			port_command(w, ret);
			return;
		}
	}
	if (i < lab->n_workloads) {
		const struct lab_workload *w = &lab->workloads[i];

		ret->host = w->host;
		set_command(ret, (const char *const[]){ "heddle", "plug", w->name, w->port }, 4);
		return;
	}
	set_command(ret, sync, 5);
}

int control_run(const struct lab *lab, const struct control_command *c, struct err *err)
{
	struct process_spec spec = { .argv = c->argv };
	struct str output = STR_INIT;
	struct control_env env;
	int r;

	control_environment(lab, c->host, &spec, &env);
	r = process_run(&spec, &output, err);
	if (r > 0)
		r = err_set(err, -EIO, "\"%s %s\" on %s failed (exit %d): %.*s", c->argv[0],
			    c->argv[1], c->host->name, r, (int)strcspn(str_c(&output), "\n"),
			    str_c(&output));
	str_done(&output);
	return r;
}

static void print_log_tail(const char *path)
{
	char text[LOG_TAIL_BYTES + 1];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return;
	if (fseek(f, -LOG_TAIL_BYTES, SEEK_END) < 0)
		rewind(f);
	n = fread(text, 1, LOG_TAIL_BYTES, f);
	text[n] = '\0';
	fclose(f);
	fprintf(stderr, "--- end of %s\n%s", path, text);
}

void control_print_logs(const struct lab *lab)
{
	char path[128];

	for (size_t i = 0; i < lab->n_hosts; i++) {
		snprintf(path, sizeof(path), "%s/central.log", lab->hosts[i].dir);
		print_log_tail(path);
		snprintf(path, sizeof(path), "%s/host.log", lab->hosts[i].dir);
		print_log_tail(path);
	}
}
