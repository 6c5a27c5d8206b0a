/* SPDX-License-Identifier: Apache-2.0 */
#include "central/central.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "central/central_opts.h"
#include "model/central_plan.h"
#include "ovsdb/client.h"
#include "ovsdb/schema_dir.h"
#include "ovsdb/server.h"
#include "ovsdb/socket_path.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "util/array.h"
#include "util/err.h"
#include "util/log.h"
#include "util/str.h"
#include "version.h"

/* Replicas change -> the plan is told -> one transaction per database at a time.
 *
 * The plan exists only while this instance is active, that is: both databases are there in full and the lock is
 * held.  Every southbound transaction asserts the lock, so that an instance that lost it, and has not heard of
 * it yet, cannot write.  What fails is computed anew from the rows that are there then.  What the southbound server refuses
 * twice is written object by object, until it is known which it does not take. */

LOG_MODULE("central");

#define LOCK           "ovn_northd"
#define RETRY_MIN_MS   10
#define RETRY_MAX_MS   8000
#define RETRY_ERROR_MS 1000
#define AGAIN_MIN_MS   5000 /* objects that the server refused are tried again */
#define AGAIN_MAX_MS   300000
#define PASSES_MAX     4

/* One of the two databases. */
struct side {
	struct central *central;
	const char *name;
	struct ovsdb_server *server; /* ours, or NULL */
	struct client *client;       /* NULL until its server answers */
	char *remotes;
	bool in_flight;
	uv_timer_t *retry; /* armed: do not write before it fires */
	uint64_t retry_ms;
};

/* What the southbound transaction on its way is of. */
enum extent {
	EXTENT_ALL,
	EXTENT_AGAIN, /* all, with the objects that had been refused */
	EXTENT_ONE,   /* the object that the plan has noted */
};

struct central {
	uv_loop_t *loop;
	struct central_opts opts;
	struct side nb;
	struct side sb;
	struct central_plan *plan; /* NULL: standing by */
	char *public_remote;
	uint8_t random[8];
	/* A transaction was refused: write object by object, so that only those go without that the server does not
	 * take. */
	bool singly;
	bool trying_again; /* all refused objects count as changed, and the whole of them goes first */
	enum extent in_flight;
	bool progress; /* in this pass something happened that others may have waited for */
	unsigned int passes;
	uv_timer_t *again;
	uint64_t again_ms;
	bool check_wanted;
	bool stopping;
};

/* clang-format off */
#define C(NAME) OVSDB_COL(NAME)
#define ALL_OF(table, columns) { &(table), columns, columns }

static const struct client_interest nb_interests[] = {
	ALL_OF(nb_global_table, C(NB_GLOBAL_NB_CFG) | C(NB_GLOBAL_NB_CFG_TIMESTAMP) |
	       C(NB_GLOBAL_SB_CFG) | C(NB_GLOBAL_SB_CFG_TIMESTAMP) | C(NB_GLOBAL_HV_CFG) |
	       C(NB_GLOBAL_HV_CFG_TIMESTAMP) | C(NB_GLOBAL_OPTIONS) | C(NB_GLOBAL_IPSEC)),
	ALL_OF(nb_ls_table, C(NB_LS_NAME) | C(NB_LS_PORTS) | C(NB_LS_OTHER_CONFIG) |
	       C(NB_LS_EXTERNAL_IDS)),
	ALL_OF(nb_lsp_table, C(NB_LSP_NAME) | C(NB_LSP_TYPE) | C(NB_LSP_OPTIONS) |
	       C(NB_LSP_PARENT_NAME) | C(NB_LSP_TAG_REQUEST) | C(NB_LSP_TAG) | C(NB_LSP_ADDRESSES) |
	       C(NB_LSP_DYNAMIC_ADDRESSES) | C(NB_LSP_PORT_SECURITY) | C(NB_LSP_UP) |
	       C(NB_LSP_ENABLED) | C(NB_LSP_EXTERNAL_IDS)),
	ALL_OF(nb_lr_table, C(NB_LR_NAME) | C(NB_LR_PORTS) | C(NB_LR_OPTIONS) | C(NB_LR_EXTERNAL_IDS)),
	ALL_OF(nb_lrp_table, C(NB_LRP_NAME) | C(NB_LRP_MAC) | C(NB_LRP_NETWORKS) | C(NB_LRP_PEER) |
	       C(NB_LRP_ENABLED) | C(NB_LRP_OPTIONS) | C(NB_LRP_EXTERNAL_IDS) |
	       C(NB_LRP_GATEWAY_CHASSIS) | C(NB_LRP_HA_CHASSIS_GROUP)),
	ALL_OF(nb_port_group_table, C(NB_PORT_GROUP_NAME) | C(NB_PORT_GROUP_PORTS)),
	ALL_OF(nb_address_set_table, C(NB_ADDRESS_SET_NAME) | C(NB_ADDRESS_SET_ADDRESSES)),
};

static const struct client_interest sb_interests[] = {
	ALL_OF(sb_global_table, C(SB_GLOBAL_NB_CFG) | C(SB_GLOBAL_OPTIONS) | C(SB_GLOBAL_IPSEC)),
	ALL_OF(sb_datapath_binding_table, C(SB_DATAPATH_BINDING_TUNNEL_KEY) |
	       C(SB_DATAPATH_BINDING_EXTERNAL_IDS)),
	ALL_OF(sb_port_binding_table, C(SB_PORT_BINDING_LOGICAL_PORT) | C(SB_PORT_BINDING_TYPE) |
	       C(SB_PORT_BINDING_OPTIONS) | C(SB_PORT_BINDING_DATAPATH) |
	       C(SB_PORT_BINDING_TUNNEL_KEY) | C(SB_PORT_BINDING_PARENT_PORT) |
	       C(SB_PORT_BINDING_TAG) | C(SB_PORT_BINDING_CHASSIS) | C(SB_PORT_BINDING_MAC) |
	       C(SB_PORT_BINDING_PORT_SECURITY) | C(SB_PORT_BINDING_UP) |
	       C(SB_PORT_BINDING_EXTERNAL_IDS) | C(SB_PORT_BINDING_NAT_ADDRESSES) | C(SB_PORT_BINDING_REQUESTED_CHASSIS) |
	       C(SB_PORT_BINDING_REQUESTED_ADDITIONAL_CHASSIS)),
	ALL_OF(sb_multicast_group_table, C(SB_MULTICAST_GROUP_DATAPATH) | C(SB_MULTICAST_GROUP_NAME) |
	       C(SB_MULTICAST_GROUP_TUNNEL_KEY) | C(SB_MULTICAST_GROUP_PORTS)),
	ALL_OF(sb_port_group_table, C(SB_PORT_GROUP_NAME) | C(SB_PORT_GROUP_PORTS)),
	ALL_OF(sb_address_set_table, C(SB_ADDRESS_SET_NAME) | C(SB_ADDRESS_SET_ADDRESSES)),
	ALL_OF(sb_chassis_table, C(SB_CHASSIS_NAME) | C(SB_CHASSIS_HOSTNAME) |
	       C(SB_CHASSIS_OTHER_CONFIG) | C(SB_CHASSIS_ENCAPS)),
	ALL_OF(sb_encap_table, C(SB_ENCAP_TYPE)),
	ALL_OF(sb_chassis_private_table, C(SB_CHASSIS_PRIVATE_CHASSIS) |
	       C(SB_CHASSIS_PRIVATE_NB_CFG) | C(SB_CHASSIS_PRIVATE_NB_CFG_TIMESTAMP)),
};
/* clang-format on */

static void run(struct central *central);

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ---- transactions ---- */

static void retry_now(uv_timer_t *timer)
{
	struct side *side = timer->data;

	run(side->central);
}

static void retry_later(struct side *side, uint64_t at_least_ms)
{
	side->retry_ms = side->retry_ms ? 2 * side->retry_ms : RETRY_MIN_MS;
	if (side->retry_ms < at_least_ms)
		side->retry_ms = at_least_ms;
	if (side->retry_ms > RETRY_MAX_MS)
		side->retry_ms = RETRY_MAX_MS;
	uv_timer_start(side->retry, retry_now, side->retry_ms, 0);
}

static void write_singly(struct central *central)
{
	central->singly = true;
	central->trying_again = false;
	central->progress = false;
	central->passes = 0;
}

static void failed(struct side *side, enum txn_outcome outcome, const struct err *err)
{
	struct central *central = side->central;
	/* The first time it may have been a race: two that create NB_Global, say. */
	bool again = outcome == TXN_ERROR && side->retry_ms;

	if (central->plan)
		central_plan_reset(central->plan);
	if (again && (side != &central->sb || !central->trying_again)) /* else it was said before */
		log_err("%s database refused a transaction: %s", side->name, err->text);
	if (again && central->plan && side == &central->sb)
		write_singly(central);
	else
		retry_later(side, again ? RETRY_ERROR_MS : 0);
}

/* The whole was taken, or there is nothing left of it: no object is refused any more. */
static void tried_again(struct central *central)
{
	central->trying_again = false;
	if (!central_plan_say_refusals(central->plan))
		central->again_ms = 0;
}

static void sb_committed(struct central *central)
{
	if (central->in_flight == EXTENT_ONE) {
		central->progress |= central_plan_set_written(central->plan);
	} else if (central->in_flight == EXTENT_AGAIN) {
		tried_again(central);
	}
}

static void committed(void *arg, enum txn_outcome outcome, const struct txn *txn,
		      const struct err *err)
{
	struct side *side = arg;
	struct central *central = side->central;
	bool is_sb = side == &central->sb;

	(void)txn;
	side->in_flight = false;
	if (central->stopping)
		return;
	if (outcome == TXN_OK) {
		side->retry_ms = 0;
		if (is_sb)
			sb_committed(central);
	} else if (outcome == TXN_ERROR && is_sb && central->in_flight == EXTENT_ONE) {
		central->progress |= central_plan_set_aside(central->plan, err->text);
	} else {
		failed(side, outcome, err);
	}
	run(central);
}

static bool may_write(const struct side *side)
{
	return !side->in_flight && !uv_is_active((const uv_handle_t *)side->retry);
}

static void commit(struct side *side, struct txn *txn)
{
	if (txn_is_empty(txn)) {
		txn_free(txn);
		return;
	}
	txn_comment(txn, "heddle central");
	side->in_flight = true;
	client_commit(side->client, txn, committed, side);
}

static void try_again(uv_timer_t *timer)
{
	struct central *central = timer->data;

	if (central->plan && !central->singly) {
		/* Two that need each other are taken only together. */
		central_plan_retry(central->plan);
		central->trying_again = true;
	}
	run(central);
}

/* Nothing is left to be written by itself.  True: another pass may do more. */
static bool end_pass(struct central *central)
{
	if (central->progress && ++central->passes < PASSES_MAX) {
		central->progress = false;
		central_plan_retry(central->plan);
		return true;
	}
	central->singly = false;
	if (!central_plan_say_refusals(central->plan)) {
		central->again_ms = 0;
		return false;
	}
	central->again_ms = central->again_ms ? 2 * central->again_ms : AGAIN_MIN_MS;
	if (central->again_ms > AGAIN_MAX_MS)
		central->again_ms = AGAIN_MAX_MS;
	uv_timer_start(central->again, try_again, central->again_ms, 0);
	return false;
}

static struct txn *one_object(struct central *central)
{
	struct txn *txn = txn_new(&sb_schema);

	central_plan_write_sb_singly(central->plan, txn, wall_ms());
	while (txn_is_empty(txn) && end_pass(central))
		central_plan_write_sb_singly(central->plan, txn, wall_ms());
	return txn;
}

static void write_sb(struct central *central)
{
	struct txn *txn;

	if (central->singly) {
		central->in_flight = EXTENT_ONE;
		txn = one_object(central);
	} else {
		central->in_flight = central->trying_again ? EXTENT_AGAIN : EXTENT_ALL;
		txn = txn_new(&sb_schema);
		central_plan_write_sb(central->plan, txn, wall_ms());
		if (central->in_flight == EXTENT_AGAIN && txn_is_empty(txn))
			tried_again(central);
	}
	txn_assert_lock(txn, LOCK);
	commit(&central->sb, txn);
}

static void write_rows(struct central *central)
{
	struct txn *txn;

	if (may_write(&central->sb))
		write_sb(central);
	if (may_write(&central->nb)) {
		txn = txn_new(&nb_schema);
		central_plan_write_nb(central->plan, txn, wall_ms());
		commit(&central->nb, txn);
	}
}

/* ---- active or standing by ---- */

static void warn(void *arg, const char *text)
{
	(void)arg;
	log_warn("%s", text);
}

static bool is_ready(const struct side *side)
{
	return side->client && client_is_connected(side->client) && client_is_synced(side->client);
}

static void take_over(struct central *central)
{
	struct central_plan_opts opts = {
		.warn = warn,
		.version = "heddle-" HEDDLE_VERSION,
		.public_remote = central->public_remote,
	};

	memcpy(opts.random, central->random, sizeof(opts.random));
	log_info("active: lock %s is ours", LOCK);
	central->plan = central_plan_new(&opts, client_replica(central->nb.client),
					 client_replica(central->sb.client));
}

static void stand_by(struct central *central)
{
	log_info("standing by: %s", is_ready(&central->nb) && is_ready(&central->sb)
					    ? "the lock is held by another instance"
					    : "a database is not there");
	central_plan_free(TAKE(central->plan));
	central->singly = central->trying_again = false;
	central->in_flight = EXTENT_ALL; /* the answer means nothing to the next plan */
	central->again_ms = 0;
	uv_timer_stop(central->again);
}

static void take_changes(struct central *central)
{
	if (central->plan)
		central_plan_update(central->plan);
	if (central->nb.client)
		replica_advance(client_replica(central->nb.client));
	if (central->sb.client)
		replica_advance(client_replica(central->sb.client));
}

static void check_now(struct central *central)
{
	AUTO_FREE char *what = NULL;

	if (!central->plan)
		puts("check: standing by");
	else if (central_plan_check(central->plan, &what))
		puts("check: same");
	else
		printf("check: differs: %s\n", what);
	fflush(stdout);
}

static void run(struct central *central)
{
	bool active = is_ready(&central->nb) && is_ready(&central->sb) &&
		      client_has_lock(central->sb.client);

	if (central->stopping)
		return;
	if (!active && central->plan)
		stand_by(central);
	if (active && !central->plan)
		take_over(central);
	take_changes(central);
	if (central->plan)
		write_rows(central);
	if (central->check_wanted && may_write(&central->nb) && may_write(&central->sb)) {
		central->check_wanted = false;
		check_now(central);
	}
}

void central_check(struct central *central)
{
	central->check_wanted = true;
	run(central);
}

/* ---- databases ---- */

static void on_change(void *owner)
{
	struct side *side = owner;

	run(side->central);
}

static void on_connection(void *owner, const struct err *err)
{
	struct side *side = owner;

	if (client_is_connected(side->client))
		log_info("%s database: connected to %s", side->name, client_remote(side->client));
	else if (err)
		log_warn("%s database: %s", side->name, err->text);
	run(side->central);
}

static const struct client_ops client_ops = {
	.changed = on_change,
	.lock = on_change,
	.connection = on_connection,
};

static int connect_side(struct side *side, struct err *err)
{
	struct central *central = side->central;
	bool is_sb = side == &central->sb;
	const struct client_opts opts = {
		.loop = central->loop,
		.schema = is_sb ? &sb_schema : &nb_schema,
		.remotes = side->remotes,
		.interests = is_sb ? sb_interests : nb_interests,
		.n_interests = is_sb ? ARRAY_SIZE(sb_interests) : ARRAY_SIZE(nb_interests),
		.lock = is_sb ? LOCK : NULL,
		.leader_only = true,
		.ops = &client_ops,
		.owner = side,
	};

	return client_open(&opts, &side->client, err);
}

/* One that was there before us listens where it was told. */
static void warn_of_remotes(const struct side *side)
{
	const struct central_opts *opts = &side->central->opts;
	bool is_sb = side == &side->central->sb;
	AUTO_FREE char *words = xstrdup((is_sb ? opts->sb_listen : opts->nb_listen) ?: "");

	if (!*words || ovsdb_server_has_remotes(side->server))
		return;
	for (char *comma = words; (comma = strchr(comma, ','));)
		*comma = ' ';
	log_warn(
		"%s database: %s is another program's server, and its listeners are its own: instead "
		"of --%s-listen use \"ovn-%sctl --db=%s set-connection %s\"",
		side->name, side->remotes, is_sb ? "sb" : "nb", is_sb ? "sb" : "nb", side->remotes,
		words);
}

static void server_ready(void *owner, const struct err *err)
{
	struct side *side = owner;
	struct central *central = side->central;
	struct err reason = ERR_INIT;

	if (central->stopping)
		return;
	if (!err && connect_side(side, &reason) < 0) {
		err_prefix(&reason, "%s database", side->name);
		err = &reason;
	}
	if (!err) {
		warn_of_remotes(side);
		return;
	}
	log_err("%s", err->text);
	if (central->opts.failed)
		central->opts.failed(central->opts.owner, err);
}

/* As ovn-ctl starts them: "set-connection" and "set-ssl" have effect. */
/* clang-format off */
#define SERVER_OPTIONS(db, root)                                \
	{                                                       \
		"--remote=db:" db "," root ",connections",      \
		"--private-key=db:" db ",SSL,private_key",      \
		"--certificate=db:" db ",SSL,certificate",      \
		"--ca-cert=db:" db ",SSL,ca_cert",              \
		"--ssl-protocols=db:" db ",SSL,ssl_protocols",  \
		"--ssl-ciphers=db:" db ",SSL,ssl_ciphers",      \
		NULL,                                           \
	}
/* clang-format on */

static const char *const nb_server_options[] = SERVER_OPTIONS("OVN_Northbound", "NB_Global");
static const char *const sb_server_options[] = SERVER_OPTIONS("OVN_Southbound", "SB_Global");

struct server_files {
	const char *schema;
	const char *database;
	const char *socket;
	const char *listen;
	const char *first_transaction;
	const char *const *more;
};

static int start_server(struct side *side, const struct server_files *files, struct err *err)
{
	const struct central_opts *opts = &side->central->opts;
	AUTO_FREE char *name = xasprintf("%s database", side->name);
	AUTO_FREE char *schema = NULL;
	AUTO_FREE char *database =
		xasprintf("%s/%s", opts->state_dir ?: "/var/lib/heddle", files->database);
	int r = schema_dir_find(opts->schema_dir, files->schema, &schema, err);
	struct ovsdb_server_opts server = {
		.loop = side->central->loop,
		.name = name,
		.schema_file = schema,
		.db_file = database,
		.first_transaction = files->first_transaction,
		.socket = files->socket,
		.remotes = files->listen,
		.more = files->more,
		.run_dir = opts->run_dir ?: "/run/heddle/central",
		.ready = server_ready,
		.owner = side,
	};

	if (r < 0)
		return r;
	side->remotes = xasprintf("unix:%s", files->socket);
	side->server = ovsdb_server_start(&server);
	return 0;
}

static int open_side(struct side *side, const char *remotes, const char *socket,
		     const struct server_files *files, struct err *err)
{
	AUTO_FREE char *path = socket_path_ovn(files->socket);
	struct server_files ours = *files;

	if (remotes) {
		side->remotes = xstrdup(remotes);
		return connect_side(side, err);
	}
	ours.socket = socket ?: path;
	return start_server(side, &ours, err);
}

/* ---- life ---- */

static uv_timer_t *new_timer(uv_loop_t *loop, void *data)
{
	uv_timer_t *timer = xcalloc(1, sizeof(*timer));

	uv_timer_init(loop, timer);
	timer->data = data;
	return timer;
}

static void side_init(struct side *side, struct central *central, const char *name)
{
	side->central = central;
	side->name = name;
	side->retry = new_timer(central->loop, side);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void side_done(struct side *side)
{
	if (side->client)
		client_close(side->client);
	if (side->server)
		ovsdb_server_stop(side->server);
	uv_close((uv_handle_t *)side->retry, free_handle);
	free(side->remotes);
}

int central_start(uv_loop_t *loop, const struct central_opts *opts, struct central **ret,
		  struct err *err)
{
	struct server_files nb = { "ovn-nb.ovsschema",
				   "ovnnb_db.db",
				   "ovnnb_db.sock",
				   opts->nb_listen,
				   "[\"OVN_Northbound\", {\"op\": \"insert\", "
				   "\"table\": \"NB_Global\", \"row\": {}}]",
				   nb_server_options };
	struct server_files sb = { "ovn-sb.ovsschema",
				   "ovnsb_db.db",
				   "ovnsb_db.sock",
				   opts->sb_listen,
				   "[\"OVN_Southbound\", {\"op\": \"insert\", "
				   "\"table\": \"SB_Global\", \"row\": {}}]",
				   sb_server_options };
	struct central *central = xcalloc(1, sizeof(*central));
	int r;

	central->loop = loop;
	central->opts = *opts;
	if (getrandom(central->random, sizeof(central->random), 0) < 0)
		memset(central->random, 0, sizeof(central->random));
	central->again = new_timer(loop, central);
	side_init(&central->nb, central, "northbound");
	side_init(&central->sb, central, "southbound");
	r = opts->public_address
		    ? central_public_remote(opts->public_address, &central->public_remote, err)
		    : 0;
	if (r == 0)
		r = open_side(&central->nb, opts->nb, opts->nb_socket, &nb, err);
	if (r == 0)
		r = open_side(&central->sb, opts->sb, opts->sb_socket, &sb, err);
	if (r < 0) {
		central_stop(central);
		return r;
	}
	*ret = central;
	return 0;
}

void central_stop(struct central *central)
{
	central->stopping = true;
	central_plan_free(TAKE(central->plan));
	side_done(&central->sb);
	side_done(&central->nb);
	uv_close((uv_handle_t *)central->again, free_handle);
	free(central->public_remote);
	free(central);
}
