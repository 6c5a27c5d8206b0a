/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "central/central.h"
#include "util/array.h"
#include "util/err.h"
#include "util/log.h"
#include "util/opts.h"

LOG_MODULE("central");

struct central_process {
	struct central *central;
	uv_signal_t signals[3];
	int status;
};

static const int handled_signals[] = { SIGTERM, SIGINT, SIGUSR1 };

static void stop(struct central_process *process)
{
	if (!process->central)
		return;
	central_stop(process->central);
	process->central = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(process->signals); i++)
		uv_close((uv_handle_t *)&process->signals[i], NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct central_process *process = handle->data;

	if (number == SIGUSR1)
		central_check(process->central);
	else
		stop(process);
}

static void on_failure(void *owner, const struct err *err)
{
	struct central_process *process = owner;

	(void)err; /* said already */
	process->status = 1;
	stop(process);
}

static int serve(struct central_opts *opts)
{
	struct central_process process = { 0 };
	struct err err = ERR_INIT;
	uv_loop_t loop;

	signal(SIGPIPE, SIG_IGN); /* a database server that dies is an error of a write */
	uv_loop_init(&loop);
	opts->failed = on_failure;
	opts->owner = &process;
	if (central_start(&loop, opts, &process.central, &err) < 0) {
		log_err("%s", err.text);
		process.status = 1;
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(process.signals); i++) {
			uv_signal_init(&loop, &process.signals[i]);
			process.signals[i].data = &process;
			uv_signal_start(&process.signals[i], on_signal, handled_signals[i]);
		}
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return process.status;
}

int central_main(int argc, char **argv)
{
	struct central_opts opts = { 0 };
	/* clang-format off */
	const struct opt table[] = {
		{ "nb", 0, OPT_STRING, &opts.nb, "REMOTES",
		  "northbound database; without it one is served here" },
		{ "sb", 0, OPT_STRING, &opts.sb, "REMOTES",
		  "southbound database; without it one is served here" },
		{ "nb-listen", 0, OPT_STRING, &opts.nb_listen, "REMOTES",
		  "also serve the northbound database at, e.g. ptcp:6641:0.0.0.0" },
		{ "sb-listen", 0, OPT_STRING, &opts.sb_listen, "REMOTES",
		  "also serve the southbound database at, e.g. ptcp:6642:0.0.0.0" },
		{ "nb-socket", 0, OPT_STRING, &opts.nb_socket, "PATH",
		  "its socket (default: $OVN_RUNDIR or /run/ovn, with /ovnnb_db.sock)" },
		{ "sb-socket", 0, OPT_STRING, &opts.sb_socket, "PATH",
		  "its socket (default: $OVN_RUNDIR or /run/ovn, with /ovnsb_db.sock)" },
		{ "public-address", 0, OPT_STRING, &opts.public_address, "ADDRESS",
		  "tell hosts that the northbound database is at tcp:ADDRESS:6641" },
		{ "state-dir", 0, OPT_STRING, &opts.state_dir, "DIR",
		  "database files (default: /var/lib/heddle)" },
		{ "run-dir", 0, OPT_STRING, &opts.run_dir, "DIR",
		  "process files (default: /run/heddle/central)" },
		{ "schema-dir", 0, OPT_STRING, &opts.schema_dir, "DIR", "where the .ovsschema files are" },
		{ "log-level", 0, OPT_CALL, NULL, "LEVEL", "err, warn, info or dbg (default: info)",
		  .call = opt_log_level },
		{ NULL },
	};
	/* clang-format on */
	const struct opts usage = {
		.usage = "heddle central [OPTION]...",
		.about =
			"Serves the northbound and southbound databases, or uses existing ones, and keeps "
			"the southbound database in step with the northbound one.  Several can run; one is "
			"active.  SIGUSR1 prints whether the rows are what a computation from scratch "
			"would give.",
		.table = table,
	};
	struct err err = ERR_INIT;
	int first;

	switch (opts_parse(&usage, argc, argv, &first, &err)) {
	case OPTS_HELP: return 0;
	case OPTS_OK: break;
	case OPTS_BAD: fprintf(stderr, "heddle central: %s\n", err.text); return 2;
	}
	if (first < argc) {
		fprintf(stderr, "heddle central: unexpected argument \"%s\"\n", argv[first]);
		return 2;
	}
	if (central_opts_check(&opts, &err) < 0) {
		fprintf(stderr, "heddle central: %s\n", err.text);
		return 2;
	}
	log_set_name("heddle central");
	return serve(&opts);
}
