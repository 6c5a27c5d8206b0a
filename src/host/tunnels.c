/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tunnels.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

#include "dp/datapath.h"
#include "dp_abi.h"
#include "host/links.h"
#include "model/chassis.h"
#include "model/network.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/err.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("tunnel");

enum {
	MTU_MIN = 68,     /* of IPv4: RFC 791 */
	SETTLE_MS = 1000, /* how long a neighbour may take to answer before nobody waits for it */
};

struct pair {
	struct ip remote;
	struct ip local;
};

struct tunnel {
	struct pair pair;
	bool seen;  /* the network still names it */
	bool dirty; /* look the way up again */
	struct network_route route;
	struct netlink_link link; /* the route's device, as it was then */
	uint32_t kept_ifindex;    /* the neighbour we have the kernel keep fresh; 0: none */
	struct ip kept_ip;
	uint64_t asked_ms; /* when we asked for it; 0: it has answered */
	UT_hash_handle hh;
};

struct underlay {
	uint32_t ifindex;
	uint64_t born; /* links_born() when it was attached */
	bool wanted;
	bool attached;
	bool failed; /* said so already */
};

struct tunnels {
	struct links *links;
	struct datapath *dp;
	struct tunnel *all;
	VEC(struct underlay) underlays;
	VEC(struct ip) missing; /* local addresses that no device has; said once */
	unsigned int what;
	int port_fd;
	int vxlan_fd;
	bool vxlan; /* we have an encap of that type */
};

/* While nothing else listens on the port, the kernel would answer a packet that arrives before the programs are
 * attached with "port unreachable".  Nobody reads: the queue is as small as it can be. */
static int hold_port(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), least = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		log_info("UDP port %u is in use already: Open vSwitch, or a tunnel device", port);
		close(fd);
		return -1;
	}
	return fd;
}

struct tunnels *tunnels_new(struct links *links, struct datapath *dp)
{
	struct tunnels *tunnels = xcalloc(1, sizeof(*tunnels));

	tunnels->links = links;
	tunnels->dp = dp;
	tunnels->port_fd = hold_port(DP_GENEVE_PORT);
	tunnels->vxlan_fd = -1;
	return tunnels;
}

void tunnels_free(struct tunnels *tunnels)
{
	struct tunnel *tunnel, *next;

	if (!tunnels)
		return;
	HASH_ITER(hh, tunnels->all, tunnel, next)
	{
		HASH_DEL(tunnels->all, tunnel);
		free(tunnel);
	}
	if (tunnels->port_fd >= 0)
		close(tunnels->port_fd);
	if (tunnels->vxlan_fd >= 0)
		close(tunnels->vxlan_fd);
	VEC_DONE(tunnels->underlays);
	VEC_DONE(tunnels->missing);
	free(tunnels);
}

void tunnels_changed(struct tunnels *tunnels, unsigned int what)
{
	tunnels->what |= what;
}

/* ---- neighbours ---- */

static bool is_kept_by_another(const struct tunnels *tunnels, const struct tunnel *not_this)
{
	struct tunnel *tunnel, *next;

	HASH_ITER(hh, tunnels->all, tunnel, next)
	if (tunnel != not_this && tunnel->kept_ifindex == not_this->kept_ifindex &&
	    ip_eq(&tunnel->kept_ip, &not_this->kept_ip))
		return true;
	return false;
}

static void release_neigh(struct tunnels *tunnels, struct tunnel *tunnel)
{
	if (tunnel->kept_ifindex && !is_kept_by_another(tunnels, tunnel))
		netlink_neigh_release(links_netlink(tunnels->links), tunnel->kept_ifindex,
				      &tunnel->kept_ip);
	tunnel->kept_ifindex = 0;
	tunnel->asked_ms = 0;
}

static void keep_neigh(struct tunnels *tunnels, struct tunnel *tunnel, uint64_t now_ms)
{
	const struct network_route *route = &tunnel->route;

	if (tunnel->kept_ifindex == route->ifindex && ip_eq(&tunnel->kept_ip, &route->nexthop))
		return;
	release_neigh(tunnels, tunnel);
	if (netlink_neigh_keep(links_netlink(tunnels->links), route->ifindex, &route->nexthop) < 0)
		return;
	tunnel->kept_ifindex = route->ifindex;
	tunnel->kept_ip = route->nexthop;
	tunnel->asked_ms = now_ms;
}

static void find_neigh(struct tunnels *tunnels, struct tunnel *tunnel, uint64_t now_ms)
{
	struct network_route *route = &tunnel->route;
	const struct netlink_link *link = links_by_index(tunnels->links, route->ifindex);
	const struct netlink_neigh *neigh =
		links_neigh(tunnels->links, route->ifindex, &route->nexthop);

	route->neighbor = neigh && neigh->valid;
	if (route->neighbor) {
		route->destination_mac = neigh->mac;
		route->source_mac = link->mac;
	}
	if (!neigh) /* the kernel forgets all of a device's when its MAC address changes */
		tunnel->kept_ifindex = 0;
	if (!neigh || !neigh->permanent)
		keep_neigh(tunnels, tunnel, now_ms);
	if (route->neighbor)
		tunnel->asked_ms = 0;
}

/* ---- routes ---- */

static bool is_known_missing(const struct tunnels *tunnels, const struct ip *ip)
{
	VEC_FOREACH(known, tunnels->missing)
		if (ip_eq(known, ip))
			return true;
	return false;
}

static void note_missing(struct tunnels *tunnels, const struct ip *local)
{
	char text[IP_TEXT_SIZE];

	if (is_known_missing(tunnels, local))
		return;
	log_warn("encap IP %s is on no device: tunnels start when it appears",
		 ip_format(local, text));
	VEC_ADD(tunnels->missing, *local);
}

static void note_found(struct tunnels *tunnels, const struct ip *local)
{
	for (size_t i = 0; i < tunnels->missing.n; i++)
		if (ip_eq(&tunnels->missing.v[i], local)) {
			char text[IP_TEXT_SIZE];

			log_info("encap IP %s has appeared", ip_format(local, text));
			tunnels->missing.v[i] = tunnels->missing.v[--tunnels->missing.n];
			return;
		}
}

static void find_route(struct tunnels *tunnels, struct tunnel *tunnel, uint64_t now_ms)
{
	struct network_route *route = &tunnel->route;
	const struct netlink_link *link;
	struct netlink_route found;

	*route = (struct network_route){ 0 };
	if (links_addr_device(tunnels->links, &tunnel->pair.local) == 0 ||
	    netlink_route_get(links_netlink(tunnels->links), &tunnel->pair.remote,
			      &tunnel->pair.local, &found) < 0)
		return;
	link = links_by_index(tunnels->links, found.ifindex);
	if (!link || link->loopback)
		return;
	tunnel->link = *link;
	route->ready = true;
	route->ifindex = found.ifindex;
	route->nexthop = found.nexthop;
	route->mtu = found.mtu && found.mtu < link->mtu ? found.mtu : link->mtu;
	if (route->mtu < MTU_MIN)
		route->mtu = MTU_MIN;
	find_neigh(tunnels, tunnel, now_ms);
}

static bool same_route(const struct network_route *a, const struct network_route *b)
{
	if (a->ready != b->ready || a->neighbor != b->neighbor)
		return false;
	if (a->ready &&
	    (a->ifindex != b->ifindex || a->mtu != b->mtu || !ip_eq(&a->nexthop, &b->nexthop)))
		return false;
	return !a->neighbor || (mac_eq(&a->source_mac, &b->source_mac) &&
				mac_eq(&a->destination_mac, &b->destination_mac));
}

static void resolve(struct tunnels *tunnels, struct tunnel *tunnel, struct network *network,
		    uint64_t now_ms)
{
	struct network_route before = tunnel->route;

	tunnel->dirty = false;
	find_route(tunnels, tunnel, now_ms);
	if (!tunnel->route.ready)
		release_neigh(tunnels, tunnel);
	if (!same_route(&before, &tunnel->route))
		network_set_route(network, &tunnel->pair.remote, &tunnel->pair.local,
				  tunnel->route.ready ? &tunnel->route : NULL);
}

/* Does what is now known of the neighbour differ from what the tunnel uses? */
static bool is_neigh_stale(const struct tunnels *tunnels, const struct tunnel *tunnel)
{
	const struct network_route *route = &tunnel->route;
	const struct netlink_neigh *neigh;

	if (!route->ready)
		return false;
	neigh = links_neigh(tunnels->links, route->ifindex, &route->nexthop);
	return (neigh && neigh->valid) != route->neighbor ||
	       (route->neighbor && !mac_eq(&neigh->mac, &route->destination_mac));
}

/* VXLAN's port may have another user while we have no encap of that type. */
static void hold_vxlan_port(struct tunnels *tunnels, const struct chassis_config *config)
{
	bool vxlan = false;

	for (size_t i = 0; i < config->n_encaps; i++)
		vxlan |= str_eq(config->encaps[i].type, "vxlan");
	if (vxlan == tunnels->vxlan)
		return;
	tunnels->vxlan = vxlan;
	if (vxlan) {
		tunnels->vxlan_fd = hold_port(DP_VXLAN_PORT);
	} else if (tunnels->vxlan_fd >= 0) {
		close(tunnels->vxlan_fd);
		tunnels->vxlan_fd = -1;
	}
}

/* A host has many devices that are no tunnel's: their changes cost no route lookup. */
static bool is_link_stale(const struct tunnels *tunnels, const struct tunnel *tunnel)
{
	const struct netlink_link *link = links_by_index(tunnels->links, tunnel->route.ifindex);

	return !tunnel->route.ready || !link || memcmp(link, &tunnel->link, sizeof(*link)) != 0;
}

/* ---- underlay devices ---- */

static void want_underlay(struct tunnels *tunnels, uint32_t ifindex)
{
	const struct netlink_link *link = links_by_index(tunnels->links, ifindex);

	if (!link || link->loopback)
		return;
	VEC_FOREACH(underlay, tunnels->underlays)
		if (underlay->ifindex == ifindex) {
			underlay->wanted = true;
			return;
		}
	VEC_ADD(tunnels->underlays, ((struct underlay){ .ifindex = ifindex, .wanted = true }));
}

static void attach(struct tunnels *tunnels, struct underlay *underlay)
{
	const struct netlink_link *link = links_by_index(tunnels->links, underlay->ifindex);
	uint64_t born = links_born(tunnels->links, underlay->ifindex);
	struct err err = ERR_INIT;

	if (underlay->attached && underlay->born == born)
		return;
	if (datapath_attach(tunnels->dp, DATAPATH_UNDERLAY, underlay->ifindex, &err) == 0) {
		underlay->attached = true;
		underlay->born = born;
	} else if (!underlay->failed) {
		log_warn("cannot receive tunnels on device %s: %s", link ? link->name : "?",
			 err.text);
		underlay->failed = true;
	}
}

static void attach_underlays(struct tunnels *tunnels, const struct chassis_config *config)
{
	struct tunnel *tunnel, *next;
	size_t kept = 0;

	VEC_FOREACH(underlay, tunnels->underlays)
		underlay->wanted = false;
	for (size_t i = 0; i < config->n_encaps; i++) {
		uint32_t ifindex = links_addr_device(tunnels->links, &config->encaps[i].ip);

		if (ifindex == 0) {
			note_missing(tunnels, &config->encaps[i].ip);
			continue;
		}
		note_found(tunnels, &config->encaps[i].ip);
		want_underlay(tunnels, ifindex);
	}
	HASH_ITER(hh, tunnels->all, tunnel, next)
	if (tunnel->route.ready)
		want_underlay(tunnels, tunnel->route.ifindex);
	VEC_FOREACH(underlay, tunnels->underlays) {
		if (underlay->wanted) {
			attach(tunnels, underlay);
			tunnels->underlays.v[kept++] = *underlay;
		} else {
			datapath_detach(tunnels->dp, DATAPATH_UNDERLAY, underlay->ifindex);
		}
	}
	tunnels->underlays.n = kept;
}

bool tunnels_is_underlay(const struct tunnels *tunnels, uint32_t ifindex)
{
	VEC_FOREACH(underlay, tunnels->underlays)
		if (underlay->ifindex == ifindex)
			return true;
	return false;
}

/* ---- the set of tunnels ---- */

static void see(void *arg, const struct ip *remote, const struct ip *local)
{
	struct tunnels *tunnels = arg;
	struct pair pair = { .remote = *remote, .local = *local };
	struct tunnel *tunnel;

	HASH_FIND(hh, tunnels->all, &pair, sizeof(pair), tunnel);
	if (!tunnel) {
		tunnel = xcalloc(1, sizeof(*tunnel));
		tunnel->pair = pair;
		tunnel->dirty = true;
		HASH_ADD(hh, tunnels->all, pair, sizeof(tunnel->pair), tunnel);
	}
	tunnel->seen = true;
}

static void sync_tunnels(struct tunnels *tunnels, struct network *network)
{
	struct tunnel *tunnel, *next;

	HASH_ITER(hh, tunnels->all, tunnel, next)
	tunnel->seen = false;
	network_each_tunnel(network, see, tunnels);
	HASH_ITER(hh, tunnels->all, tunnel, next)
	{
		if (tunnel->seen)
			continue;
		release_neigh(tunnels, tunnel);
		network_set_route(network, &tunnel->pair.remote, &tunnel->pair.local, NULL);
		HASH_DEL(tunnels->all, tunnel);
		free(tunnel);
	}
}

void tunnels_run(struct tunnels *tunnels, struct network *network,
		 const struct chassis_config *config, uint64_t now_ms)
{
	bool all = tunnels->what & (ADDRS_CHANGED | ROUTES_CHANGED);
	bool links = tunnels->what & LINKS_CHANGED;
	bool neighs = tunnels->what & NEIGHS_CHANGED;
	struct tunnel *tunnel, *next;

	tunnels->what = 0;
	sync_tunnels(tunnels, network);
	HASH_ITER(hh, tunnels->all, tunnel, next)
	if (all || tunnel->dirty || (links && is_link_stale(tunnels, tunnel)) ||
	    (neighs && is_neigh_stale(tunnels, tunnel)))
		resolve(tunnels, tunnel, network, now_ms);
	hold_vxlan_port(tunnels, config);
	attach_underlays(tunnels, config);
}

uint64_t tunnels_settle_ms(const struct tunnels *tunnels, uint64_t now_ms)
{
	struct tunnel *tunnel, *next;
	uint64_t latest = 0;

	HASH_ITER(hh, tunnels->all, tunnel, next)
	if (tunnel->route.ready && tunnel->asked_ms && now_ms < tunnel->asked_ms + SETTLE_MS &&
	    tunnel->asked_ms + SETTLE_MS > latest)
		latest = tunnel->asked_ms + SETTLE_MS;
	return latest;
}
