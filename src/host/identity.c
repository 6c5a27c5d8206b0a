/* SPDX-License-Identifier: Apache-2.0 */
/* One agent for a chassis, for two would take its ports from each other for ever.
 *
 * On this machine, a file of the run directory and a name in the network namespace are taken. Between machines the
 * southbound server decides, by a lock per chassis.  A lock outlives its holder while a dead connection has not been
 * noticed, so that one that is taken proves nothing: it is stolen, which hurts nobody, and a holder that lives steals it back
 * at once.  Who is stolen from while it waits for that is the second one, has not written a row, and ends; so does one that
 * has slept so long that another has registered meanwhile, and one of two that cannot be told apart.
 *
 * Servers of a cluster have locks of their own: agents that are connected to different ones do not see each other. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host/host_private.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/auto.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("host");

enum {
	PROOF_MS = 2000, /* in which a holder that lives takes its lock back */
	INSIST_MS = 10000,
	INSIST_MAX = 20, /* in that time */
};

/* ---- on this machine ---- */

/* Two run directories do not make two chassis: the name is taken, too, in this network namespace. */
static int hold_name(struct host *host)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t room = sizeof(address.sun_path) - 1;
	int n = snprintf(address.sun_path + 1, room, "heddle-host/%s", host->name);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				     ((size_t)n < room ? (size_t)n : room - 1));

	host->name_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (host->name_fd < 0)
		return -errno;
	return bind(host->name_fd, (const struct sockaddr *)&address, size) < 0 ? -errno : 0;
}

int host_take_name(struct host *host, struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/lock", host->dir);

	host->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (host->lock_fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (flock(host->lock_fd, LOCK_EX | LOCK_NB) < 0 || hold_name(host) < 0)
		return err_set(err, -EBUSY,
			       "chassis %s: another heddle host runs for it: stop that one first",
			       host->name);
	return 0;
}

/* ---- among all machines ---- */

char *host_chassis_lock(const char *chassis)
{
	char *lock = xstrdup("heddle_chassis_");

	/* RFC 7047 3.1: an <id> has letters, digits and underscores. */
	for (const char *c = chassis; *c; c++) {
		bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
			     (*c >= 'A' && *c <= 'Z');
		AUTO_FREE char *before = lock;

		lock = plain ? xasprintf("%s%c", before, *c)
			     : xasprintf("%s_%02x", before, (unsigned char)*c);
	}
	return lock;
}

static const struct sb_chassis *chassis_row(const struct host *host)
{
	return sb_chassis_by_name(client_replica(host->sb.client), host->name);
}

static const char *first_encap_ip(const struct replica *sb, const struct sb_chassis *row)
{
	const struct ovsdb_datum *encaps = sb_chassis_encaps(row);
	const struct sb_encap *encap = encaps->n ? sb_encap_get(sb, &encaps->keys[0].uuid) : NULL;

	return encap ? sb_encap_ip(encap) : "?";
}

static void end_as_second(struct host *host)
{
	const struct sb_chassis *row = chassis_row(host);
	struct err err = ERR_INIT;

	err_set(&err, -EBUSY,
		"chassis %s: another heddle host runs for it, on %s with encap IP %s: stop one of "
		"the two, or give this one a system-id of its own",
		host->name, row ? sb_chassis_hostname(row) : "another machine",
		row ? first_encap_ip(client_replica(host->sb.client), row) : "?");
	host_fail(host, &err);
}

static bool is_our_address(const struct host *host, const struct ip *ip)
{
	for (size_t i = 0; i < host->config.n_encaps; i++)
		if (ip_eq(&host->config.encaps[i].ip, ip))
			return true;
	return false;
}

/* The address in our row, as long as nobody else can have put it there. */
static void note_registration(struct host *host)
{
	const struct sb_chassis *row = chassis_row(host);
	struct ip ip;

	if (row && ip_parse(first_encap_ip(client_replica(host->sb.client), row), &ip))
		host->registered_ip = ip;
}

/* Has it put its own address in our row, while we slept? */
static bool is_registered_by_another(const struct host *host)
{
	const struct sb_chassis *row = chassis_row(host);
	struct ip ip;

	return row && ip_parse(first_encap_ip(client_replica(host->sb.client), row), &ip) &&
	       !ip_eq(&ip, &host->registered_ip) && !is_our_address(host, &ip);
}

static void probe(struct host *host)
{
	client_steal_lock(host->sb.client);
	host->identity = HOST_IDENTITY_PROBING;
	host->identity_until_ms = UINT64_MAX;
}

/* The answer may have taken its time: only from then on does a holder know that it is asked. */
static void wait_for_proof(struct host *host, bool has_lock, bool is_taken)
{
	uint64_t now_ms = host_now_ms(host);

	if (host->identity_until_ms == UINT64_MAX && (has_lock || is_taken))
		host->identity_until_ms = now_ms + PROOF_MS;
	if (now_ms < host->identity_until_ms)
		return;
	if (has_lock)
		host->identity = HOST_IDENTITY_SOLE;
	else
		end_as_second(host);
}

/* Who is turned away comes again after PROOF_MS at the earliest: what comes faster is another that insists as we do, on
 * the same address, and one of the two must go. */
static void insist(struct host *host)
{
	uint64_t now_ms = host_now_ms(host);

	if (now_ms >= host->insisting_since_ms + INSIST_MS || !host->n_insisted) {
		host->insisting_since_ms = now_ms;
		host->n_insisted = 0;
		log_warn("another agent has asked to be chassis %s: it is turned away", host->name);
	}
	if (is_registered_by_another(host) || ++host->n_insisted > INSIST_MAX)
		end_as_second(host);
	else
		client_steal_lock(host->sb.client);
}

bool host_is_sole(struct host *host, uint64_t *ret_wake_ms)
{
	struct client *sb = host->sb.client;
	bool has_lock = sb && client_has_lock(sb), is_taken = sb && client_lock_is_taken(sb);

	if (!sb || !client_is_connected(sb)) {
		host->identity = HOST_IDENTITY_ASKING;
		return false;
	}
	switch (host->identity) {
	case HOST_IDENTITY_ASKING:
		if (is_taken)
			probe(host);
		else if (has_lock)
			host->identity = HOST_IDENTITY_SOLE;
		break;
	case HOST_IDENTITY_PROBING: wait_for_proof(host, has_lock, is_taken); break;
	case HOST_IDENTITY_SOLE:
		if (is_taken)
			insist(host);
		break;
	}
	if (host->identity == HOST_IDENTITY_PROBING)
		*ret_wake_ms = host->identity_until_ms;
	if (host->identity != HOST_IDENTITY_SOLE || !has_lock)
		return false;
	note_registration(host);
	return true;
}
