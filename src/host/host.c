/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dp_abi.h"
#include "host/host_private.h"
#include "ovsdb/schema_dir.h"
#include "ovsdb/socket_path.h"
#include "util/alloc.h"
#include "util/auto.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("host");

enum {
	STATISTICS_MS = 5000, /* ovs-vswitchd's */
	PRUNE_TICKS = 60,     /* of these */
	DROPS_KEPT = DP_DROPS_MAX / 2,
};

/* ---- places ---- */

char *host_default_db(void)
{
	AUTO_FREE char *socket = socket_path_ovs("db.sock");

	return xasprintf("unix:%s", socket);
}

int host_find_dir(const char *run_dir, const char *chassis, char **ret, struct err *err)
{
	AUTO_FREE char *pattern = xasprintf("%s/*/lock", run_dir);
	glob_t found;
	int r = 0;

	if (chassis) {
		*ret = xasprintf("%s/%s", run_dir, chassis);
		return 0;
	}
	if (glob(pattern, 0, NULL, &found) != 0)
		return err_set(err, -ENOENT,
			       "no host agent has run with the run directory %s: "
			       "start \"heddle host\", or name the directory with --run-dir",
			       run_dir);
	if (found.gl_pathc > 1)
		r = err_set(err, -ENOTUNIQ,
			    "%s holds several chassis: choose one with --chassis NAME", run_dir);
	else
		*ret = xstrndup(found.gl_pathv[0], strlen(found.gl_pathv[0]) - strlen("/lock"));
	globfree(&found);
	return r;
}

static bool answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	r = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return r == 0;
}

/* ---- events ---- */

uint64_t host_now_ms(const struct host *host)
{
	return uv_now(host->opts.loop);
}

static void on_idle(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	uv_update_time(idle->loop);
	host_run(idle->data);
}

void host_kick(struct host *host)
{
	if (!host->stopping && !host->finished)
		uv_idle_start(&host->idle, on_idle);
}

void host_fail(struct host *host, const struct err *err)
{
	if (host->finished)
		return;
	host->finished = true;
	host->opts.finished(host->opts.owner, err);
}

static void on_links(void *owner, unsigned int what)
{
	struct host *host = owner;

	/* A server that could not be reached may be reached now. */
	if (what & (ADDRS_CHANGED | ROUTES_CHANGED)) {
		if (host->sb.client)
			client_retry(host->sb.client);
		if (host->nb.client)
			client_retry(host->nb.client);
	}
	if (host->tunnels)
		tunnels_changed(host->tunnels, what);
	host->devices_changed |= (what & (LINKS_CHANGED | ADDRS_CHANGED)) != 0;
	host_kick(host);
}

/* ---- the local database ---- */

static void open_local(struct host *host, const char *remotes)
{
	struct err err = ERR_INIT;

	if (host_open_local(host, remotes, &err) < 0)
		host_fail(host, &err);
}

static void on_server_ready(void *owner, const struct err *err)
{
	struct host *host = owner;

	if (err) {
		host_fail(host, err);
	} else if (!host->ovs.client && !host->stopping) {
		AUTO_FREE char *db = host_default_db();

		open_local(host, db);
	}
}

/* As ovs-ctl starts it: "ovs-vsctl set-manager" and "set-ssl" have effect. */
static const char *const server_options[] = {
	"--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
	"--private-key=db:Open_vSwitch,SSL,private_key",
	"--certificate=db:Open_vSwitch,SSL,certificate",
	"--bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert",
	NULL,
};

/* An operator who has Open vSwitch's database would not expect an empty one beside it. */
static void name_unused_database(const char *db_file, const char *socket)
{
	static const char theirs[] = "/etc/openvswitch/conf.db";

	if (access(db_file, F_OK) < 0 && access(theirs, F_OK) == 0)
		log_warn("local database: a new one is made, %s: no server answers at %s, "
			 "so %s is not used",
			 db_file, socket, theirs);
}

static int start_server(struct host *host, const char *socket, struct err *err)
{
	AUTO_FREE char *db_file = xasprintf("%s/conf.db", host->opts.state_dir);
	AUTO_FREE char *schema = NULL;
	int r = schema_dir_find(host->opts.schema_dir, "vswitch.ovsschema", &schema, err);
	const struct ovsdb_server_opts opts = {
		.loop = host->opts.loop,
		.name = "local database",
		.schema_file = schema,
		.db_file = db_file,
		.first_transaction = "[\"Open_vSwitch\", {\"op\": \"insert\", "
				     "\"table\": \"Open_vSwitch\", \"row\": {}}]",
		.socket = socket,
		.more = server_options,
		.run_dir = host->opts.run_dir,
		.ready = on_server_ready,
		.owner = host,
	};

	if (r < 0)
		return r;
	name_unused_database(db_file, socket);
	host->own_server = true;
	host->server = ovsdb_server_start(&opts);
	return 0;
}

static int start_local(struct host *host, struct err *err)
{
	AUTO_FREE char *socket = socket_path_ovs("db.sock");

	if (host->opts.db)
		return host_open_local(host, host->opts.db, err);
	if (answers(socket) && !ovsdb_server_is_ours(socket, host->opts.run_dir)) {
		AUTO_FREE char *db = host_default_db();

		return host_open_local(host, db, err);
	}
	return start_server(host, socket, err);
}

static void on_tick(uv_timer_t *timer)
{
	struct host *host = timer->data;

	host_write_statistics(host);
	if (++host->ticks % PRUNE_TICKS == 0 && host->applied)
		datapath_prune_drops(host->dp, host->state, DROPS_KEPT);
}

/* ---- life ---- */

static void free_host(struct host *host)
{
	ports_free(host->ports);
	tunnels_free(host->tunnels);
	binding_free(host->binding);
	network_free(host->network);
	dp_state_free(host->state);
	if (host->dp)
		datapath_close(host->dp);
	statistics_free(host->statistics);
	switchd_free(host->switchd);
	links_close(host->links);
	chassis_config_done(&host->config);
	if (host->lock_fd >= 0)
		close(host->lock_fd);
	if (host->name_fd >= 0)
		close(host->name_fd);
	free(host->name);
	free(host->dir);
	free(host);
}

static void on_closed(uv_handle_t *handle)
{
	struct host *host = handle->data;

	if (--host->open_handles == 0)
		free_host(host);
}

void host_stop(struct host *host)
{
	if (!host || host->stopping)
		return;
	host->stopping = true;
	host_db_close(&host->sb);
	host_db_close(&host->nb);
	host_db_close(&host->ovs);
	if (host->server)
		ovsdb_server_stop(host->server);
	uv_close((uv_handle_t *)&host->idle, on_closed);
	uv_close((uv_handle_t *)&host->timer, on_closed);
	uv_close((uv_handle_t *)&host->deadline, on_closed);
	uv_close((uv_handle_t *)&host->tick, on_closed);
}

static struct host *new_host(const struct host_opts *opts)
{
	struct host *host = xcalloc(1, sizeof(*host));

	host->opts = *opts;
	host->opts.run_dir = opts->run_dir ?: HOST_RUN_DIR;
	host->opts.state_dir = opts->state_dir ?: HOST_STATE_DIR;
	host->lock_fd = host->name_fd = -1;
	host->chassis_changed = true;
	host->ovs = (struct host_db){ .host = host, .name = "local database" };
	host->sb = (struct host_db){ .host = host, .name = "southbound database" };
	host->nb = (struct host_db){ .host = host, .name = "northbound database" };
	if (gethostname(host->hostname, sizeof(host->hostname) - 1) < 0)
		snprintf(host->hostname, sizeof(host->hostname), "localhost");
	uv_idle_init(opts->loop, &host->idle);
	uv_timer_init(opts->loop, &host->timer);
	uv_timer_init(opts->loop, &host->deadline);
	uv_timer_init(opts->loop, &host->tick);
	host->idle.data = host->timer.data = host->deadline.data = host->tick.data = host;
	host->open_handles = 4;
	return host;
}

int host_start(const struct host_opts *opts, struct host **ret, struct err *err)
{
	struct host *host;
	int r;

	if (geteuid() != 0)
		return err_set(err, -EPERM,
			       "heddle host needs root: it loads BPF programs and makes devices");
	r = host_check_settings(opts, err);
	if (r < 0)
		return r;
	host = new_host(opts);
	r = links_open(opts->loop, on_links, host, &host->links, err);
	if (r == 0) {
		host->switchd = switchd_new(host->links);
		host->statistics = statistics_new();
		uv_timer_start(&host->tick, on_tick, STATISTICS_MS, STATISTICS_MS);
		r = start_local(host, err);
	}
	if (r < 0) {
		host_stop(host);
		return r;
	}
	if (opts->remove)
		host_start_removal(host);
	*ret = host;
	return 0;
}
