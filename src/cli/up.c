/* SPDX-License-Identifier: Apache-2.0 */
/* heddle up: central and host of one machine in one process and one loop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "central/central.h"
#include "cli/commands.h"
#include "cli/watch.h"
#include "host/host.h"
#include "ovsdb/socket_path.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/log.h"

LOG_MODULE("up");

struct up {
	uv_loop_t loop;
	uv_signal_t signals[3];
	struct central *central;
	struct host *host;
	int status;
};

static void stop(struct up *up)
{
	host_stop(up->host);
	if (up->central)
		central_stop(up->central);
	up->host = NULL;
	up->central = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(up->signals); i++)
		if (!uv_is_closing((uv_handle_t *)&up->signals[i]))
			uv_close((uv_handle_t *)&up->signals[i], NULL);
}

static void on_failed(void *owner, const struct err *err)
{
	struct up *up = owner;

	if (err) {
		log_err("%s", err->text);
		up->status = 1;
	}
	stop(up);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct up *up = handle->data;
	char *what;

	if (number != SIGUSR1) {
		log_info("stopping; forwarding goes on");
		stop(up);
		return;
	}
	central_check(up->central);
	what = host_check(up->host);
	if (what)
		log_err("check: inconsistent: %s", what);
	else
		log_info("check: consistent");
	free(what);
}

static void watch_signals(struct up *up)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uv_signal_init(&up->loop, &up->signals[i]);
		up->signals[i].data = up;
		uv_signal_start(&up->signals[i], on_signal, numbers[i]);
	}
}

static char *default_remote(const char *file)
{
	AUTO_FREE char *path = socket_path_ovn(file);

	return xasprintf("unix:%s", path);
}

static int run(struct central_opts *central_opts, struct host_opts *host_opts)
{
	struct up up = { .status = 0 };
	struct err err = ERR_INIT;

	uv_loop_init(&up.loop);
	watch_signals(&up);
	central_opts->failed = on_failed;
	central_opts->owner = &up;
	host_opts->loop = &up.loop;
	host_opts->finished = on_failed;
	host_opts->owner = &up;
	if (central_start(&up.loop, central_opts, &up.central, &err) < 0 ||
	    host_start(host_opts, &up.host, &err) < 0)
		on_failed(&up, &err);
	uv_run(&up.loop, UV_RUN_DEFAULT);
	uv_loop_close(&up.loop);
	return up.status;
}

int up_main(int argc, char **argv)
{
	struct central_opts central_opts = { 0 };
	AUTO_FREE char *nb = default_remote("ovnnb_db.sock"), *sb = default_remote("ovnsb_db.sock");
	AUTO_FREE char *central_run_dir = NULL;
	struct host_opts host_opts = { .default_encap_ip = "127.0.0.1",
				       .ovn_remote = sb,
				       .nb_remote = nb };
	struct err err = ERR_INIT;
	struct cli_words words;
	/* clang-format off */
	const struct opt table[] = {
		{ "encap-ip", 0, OPT_STRING, &host_opts.encap_ip, "IP", "this machine's tunnel address, for further hosts to join (default: what is set already, else 127.0.0.1)" },
		{ "system-id", 0, OPT_STRING, &host_opts.system_id, "NAME", "this machine's name as a chassis (default: the host name)" },
		{ "nb-listen", 0, OPT_STRING, &central_opts.nb_listen, "REMOTES", "where the northbound database listens as well, e.g. ptcp:6641" },
		{ "sb-listen", 0, OPT_STRING, &central_opts.sb_listen, "REMOTES", "where the southbound database listens as well, e.g. ptcp:6642" },
		{ "public-address", 0, OPT_STRING, &central_opts.public_address, "ADDRESS", "tell hosts that the northbound database is tcp:ADDRESS:6641" },
		{ "state-dir", 0, OPT_STRING, &host_opts.state_dir, "DIR", "database files (default: " HOST_STATE_DIR ")" },
		{ "run-dir", 0, OPT_STRING, &host_opts.run_dir, "DIR", "pinned maps, locks, sockets (default: " HOST_RUN_DIR ")" },
		{ "schema-dir", 0, OPT_STRING, &host_opts.schema_dir, "DIR", "database schemas" },
		{ "log-level", 0, OPT_CALL, NULL, "LEVEL", "err, warn, info or dbg (default: info)", .call = opt_log_level },
		{ 0 },
	};
	/* clang-format on */
	const struct opts opts = {
		.usage = "heddle up [OPTION]...",
		.about =
			"Runs central and host on this machine, with databases of their own, until it is stopped.",
		.table = table,
		.footer =
			"The network is then changed with \"heddle nb\", workloads are connected with \"heddle plug\".",
	};
	int r = cli_parse(&opts, "up", argc, argv, 0, &words);

	if (r >= 0)
		return r;
	if (central_opts_check(&central_opts, &err) < 0) {
		fprintf(stderr, "heddle up: %s\n", err.text);
		return 2;
	}
	log_set_name("heddle up");
	central_opts.state_dir = host_opts.state_dir;
	central_opts.schema_dir = host_opts.schema_dir;
	if (host_opts.run_dir)
		central_opts.run_dir = central_run_dir = xasprintf("%s/central", host_opts.run_dir);
	return run(&central_opts, &host_opts);
}
