/* SPDX-License-Identifier: Apache-2.0 */
/* heddle host: options, signals, exit status. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/host.h"
#include "util/array.h"
#include "util/err.h"
#include "util/log.h"
#include "util/opts.h"

LOG_MODULE("host");

struct run {
	uv_loop_t loop;
	uv_signal_t signals[3];
	struct host *host;
	int status;
};

static void finish(struct run *run)
{
	host_stop(run->host);
	run->host = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(run->signals); i++)
		if (!uv_is_closing((uv_handle_t *)&run->signals[i]))
			uv_close((uv_handle_t *)&run->signals[i], NULL);
}

static void on_finished(void *owner, const struct err *err)
{
	struct run *run = owner;

	if (err) {
		log_err("%s", err->text);
		run->status = 1;
	}
	finish(run);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct run *run = handle->data;
	char *what;

	if (number != SIGUSR1) {
		log_info("stopping; forwarding goes on");
		finish(run);
		return;
	}
	what = host_check(run->host);
	if (what)
		log_err("check: inconsistent: %s", what);
	else
		log_info("check: consistent");
	free(what);
}

static void watch_signals(struct run *run)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uv_signal_init(&run->loop, &run->signals[i]);
		run->signals[i].data = run;
		uv_signal_start(&run->signals[i], on_signal, numbers[i]);
	}
}

static int run_host(struct host_opts *opts)
{
	struct run run = { .status = 0 };
	struct err err = ERR_INIT;

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&run.loop);
	opts->loop = &run.loop;
	opts->finished = on_finished;
	opts->owner = &run;
	watch_signals(&run);
	if (host_start(opts, &run.host, &err) < 0) {
		log_err("%s", err.text);
		run.status = 1;
		finish(&run);
	}
	uv_run(&run.loop, UV_RUN_DEFAULT);
	uv_loop_close(&run.loop);
	return run.status;
}

int host_main(int argc, char **argv)
{
	struct host_opts host_opts = { 0 };
	struct err err = ERR_INIT;
	int first = 0;
	/* clang-format off */
	const struct opt table[] = {
		{ "db", 0, OPT_STRING, &host_opts.db, "REMOTE", "local database (default: unix:$OVS_RUNDIR/db.sock, else unix:/run/openvswitch/db.sock; a server is started if none answers there)" },
		{ "chassis", 'n', OPT_STRING, &host_opts.chassis, "NAME", "be this chassis, whatever external_ids:system-id says" },
		{ "system-id", 0, OPT_STRING, &host_opts.system_id, "NAME", "set external_ids:system-id" },
		{ "ovn-remote", 0, OPT_STRING, &host_opts.ovn_remote, "REMOTES", "set external_ids:ovn-remote, the southbound database" },
		{ "nb-remote", 0, OPT_STRING, &host_opts.nb_remote, "REMOTES", "set external_ids:ovn-nb-remote, the northbound database (default: what central publishes)" },
		{ "encap-ip", 0, OPT_STRING, &host_opts.encap_ip, "IP", "set external_ids:ovn-encap-ip, this host's tunnel address" },
		{ "encap-type", 0, OPT_STRING, &host_opts.encap_type, "TYPE", "set external_ids:ovn-encap-type (default: geneve)" },
		{ "state-dir", 0, OPT_STRING, &host_opts.state_dir, "DIR", "database files (default: " HOST_STATE_DIR ")" },
		{ "run-dir", 0, OPT_STRING, &host_opts.run_dir, "DIR", "pinned maps, locks, sockets (default: " HOST_RUN_DIR ")" },
		{ "schema-dir", 0, OPT_STRING, &host_opts.schema_dir, "DIR", "database schemas" },
		{ "remove", 0, OPT_FLAG, &host_opts.remove, NULL, "take this chassis away: its rows and bindings, programs, maps and devices" },
		{ "log-level", 0, OPT_CALL, NULL, "LEVEL", "err, warn, info or dbg (default: info)", .call = opt_log_level },
		{ 0 },
	};
	/* clang-format on */
	const struct opts opts = {
		.usage = "heddle host [OPTION]...",
		.about =
			"Connects this machine's workloads: registers it as a chassis, binds interfaces to logical "
			"ports, and programs the datapath.",
		.table = table,
		.footer =
			"SIGTERM stops the agent for a restart or an upgrade: rows, programs and maps stay, and "
			"forwarding goes on.  To take a host out of service, stop the agent and run \"heddle "
			"host --remove\".  SIGUSR1 computes everything anew, compares, and logs the result.",
	};

	switch (opts_parse(&opts, argc, argv, &first, &err)) {
	case OPTS_HELP: return 0;
	case OPTS_OK:
		if (first == argc)
			break;
		err_set(&err, -EINVAL, "unexpected argument \"%s\"", argv[first]);
		/* fall through */
	default:
		fprintf(stderr, "heddle host: %s; see \"heddle host --help\"\n", err.text);
		return 2;
	}
	log_set_name("heddle host");
	return run_host(&host_opts);
}
