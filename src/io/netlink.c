/* SPDX-License-Identifier: Apache-2.0 */
/* Two sockets: one is subscribed to the multicast groups and read from the loop, the other carries requests
 * and dumps.  The kernel queues the events of a request before it answers it, so that netlink_poll() after a
 * request sees its effects.  A dump runs beside the subscription: an event that is older than the dump may be
 * read after it, and repeats or is repeated by a newer one that waits in the same queue, so the end is right. */
#include "io/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "util/alloc.h"
#include "util/err.h"

/* Flags of 5.16; Debian 12's headers have them, older kernels ignore the attribute. */
#ifndef NTF_EXT_MANAGED
#define NTF_EXT_MANAGED (1 << 0)
#endif

enum {
	BUFFER_BYTES = 65536,
	EVENT_QUEUE_BYTES = 4 << 20,
	REQUEST_BYTES = 1024,
	REPLY_TIMEOUT_S = 2,
	DUMP_TRIES = 10,
	DUMP_AGAIN_MS = 1000,
};

struct netlink {
	struct mnl_socket *events;
	struct mnl_socket *requests;
	uv_poll_t poll;
	uv_timer_t dump_again;
	unsigned int open_handles;
	const struct netlink_ops *ops;
	void *owner;
	uint32_t seq;
	bool must_dump; /* events were lost, and the dump that makes up for them has failed */
	char buffer[BUFFER_BYTES] __attribute__((aligned(8)));
};

static const int groups[] = {
	RTNLGRP_LINK,       RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
};

/* ---- reading messages ---- */

static bool ip_from_attr(const struct nlattr *attr, struct ip *ret)
{
	uint32_t v4;

	if (mnl_attr_get_payload_len(attr) == 4) {
		memcpy(&v4, mnl_attr_get_payload(attr), sizeof(v4));
		*ret = ip_from_v4_be(v4);
		return true;
	}
	if (mnl_attr_get_payload_len(attr) != sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, mnl_attr_get_payload(attr), sizeof(ret->bytes));
	return true;
}

static void mac_from_attr(const struct nlattr *attr, struct mac *ret)
{
	if (mnl_attr_get_payload_len(attr) == sizeof(ret->bytes))
		memcpy(ret->bytes, mnl_attr_get_payload(attr), sizeof(ret->bytes));
}

static void text_from_attr(const struct nlattr *attr, char *ret, size_t size)
{
	size_t n = mnl_attr_get_payload_len(attr);

	if (n >= size)
		n = size - 1;
	memcpy(ret, mnl_attr_get_payload(attr), n);
	ret[n] = '\0';
}

static void read_link(struct netlink *netlink, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct netlink_link link;
	const struct nlattr *attr, *nested;

	if (info->ifi_family != AF_UNSPEC) /* a bridge's news of its ports */
		return;
	memset(&link, 0, sizeof(link)); /* padding too: links are compared as bytes */
	link.ifindex = (uint32_t)info->ifi_index;
	link.up = info->ifi_flags & IFF_UP;
	link.running = info->ifi_flags & IFF_RUNNING;
	link.loopback = info->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each(attr, message, sizeof(*info)) switch (mnl_attr_get_type(attr))
	{
	case IFLA_IFNAME: text_from_attr(attr, link.name, sizeof(link.name)); break;
	case IFLA_MTU: link.mtu = mnl_attr_get_u32(attr); break;
	case IFLA_MASTER: link.master = mnl_attr_get_u32(attr); break;
	case IFLA_ADDRESS: mac_from_attr(attr, &link.mac); break;
	case IFLA_LINK_NETNSID: link.peer_elsewhere = true; break;
	case IFLA_IFALIAS: text_from_attr(attr, link.alias, sizeof(link.alias)); break;
	case IFLA_LINKINFO:
		mnl_attr_for_each_nested(nested,
					 attr) if (mnl_attr_get_type(nested) == IFLA_INFO_KIND)
			text_from_attr(nested, link.kind, sizeof(link.kind));
		break;
	default: break;
	}
	link.peer_elsewhere &= strcmp(link.kind, "veth") == 0;
	netlink->ops->link(netlink->owner, &link, message->nlmsg_type == RTM_DELLINK);
}

static void read_addr(struct netlink *netlink, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct netlink_addr addr = { .ifindex = info->ifa_index };
	const struct nlattr *attr;
	bool local = false, found = false;

	/* On a point-to-point link IFA_ADDRESS is the peer's, IFA_LOCAL ours; IPv6 may have only the former. */
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			found = local = ip_from_attr(attr, &addr.ip);
		else if (mnl_attr_get_type(attr) == IFA_ADDRESS && !local)
			found = ip_from_attr(attr, &addr.ip);
	}
	if (found)
		netlink->ops->addr(netlink->owner, &addr, message->nlmsg_type == RTM_DELADDR);
}

static void read_neigh(struct netlink *netlink, const struct nlmsghdr *message)
{
	const struct ndmsg *info = mnl_nlmsg_get_payload(message);
	bool has_mac = false, has_ip = false;
	struct netlink_neigh neigh = { .ifindex = (uint32_t)info->ndm_ifindex };
	const struct nlattr *attr;

	if (info->ndm_family != AF_INET && info->ndm_family != AF_INET6)
		return;
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		if (mnl_attr_get_type(attr) == NDA_DST) {
			has_ip = ip_from_attr(attr, &neigh.ip);
		} else if (mnl_attr_get_type(attr) == NDA_LLADDR) {
			has_mac = mnl_attr_get_payload_len(attr) == sizeof(neigh.mac.bytes);
			mac_from_attr(attr, &neigh.mac);
		} else if (mnl_attr_get_type(attr) == NDA_FLAGS_EXT) {
			neigh.managed = mnl_attr_get_u32(attr) & NTF_EXT_MANAGED;
		}
	}
	neigh.permanent = info->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	neigh.incomplete = info->ndm_state & NUD_INCOMPLETE;
	neigh.valid = has_mac && (info->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY |
						     NUD_PROBE | NUD_PERMANENT));
	if (has_ip)
		netlink->ops->neigh(netlink->owner, &neigh, message->nlmsg_type == RTM_DELNEIGH);
}

static int read_event(const struct nlmsghdr *message, void *arg)
{
	struct netlink *netlink = arg;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: read_link(netlink, message); break;
	case RTM_NEWADDR:
	case RTM_DELADDR: read_addr(netlink, message); break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH: read_neigh(netlink, message); break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE: netlink->ops->route(netlink->owner); break;
	default: break;
	}
	return MNL_CB_OK;
}

/* ---- requests ---- */

static struct nlmsghdr *request_begin(void *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	return message;
}

/* Whether the kernel marks a dump under which something changed.  The mark goes: libmnl would stop reading at it,
 * and until all of a dump is read the kernel starts no other. */
static bool take_interrupted(void *buffer, int n)
{
	bool found = false;

	for (struct nlmsghdr *message = buffer; mnl_nlmsg_ok(message, n);
	     message = mnl_nlmsg_next(message, &n)) {
		found |= message->nlmsg_flags & NLM_F_DUMP_INTR;
		message->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
	return found;
}

/* Sends and reads up to the acknowledgement, or to the end of a dump.  -EINTR: there may be holes in the dump. */
static int request_run(struct netlink *netlink, struct nlmsghdr *message, mnl_cb_t each, void *arg)
{
	unsigned int port = mnl_socket_get_portid(netlink->requests);
	bool interrupted = false;
	int r = MNL_CB_OK;

	message->nlmsg_seq = ++netlink->seq;
	if (mnl_socket_sendto(netlink->requests, message, message->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(netlink->requests, netlink->buffer, BUFFER_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		interrupted |= take_interrupted(netlink->buffer, (int)n);
		r = mnl_cb_run(netlink->buffer, (size_t)n, netlink->seq, port, each, arg);
		if (r < 0 && errno == EPROTO) { /* the rest of an answer that nobody waits for */
			r = MNL_CB_OK;
			continue;
		}
		if (r < 0)
			return -errno;
	}
	return interrupted ? -EINTR : 0;
}

static int dump(struct netlink *netlink, uint16_t type)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, type, NLM_F_DUMP);

	/* All four dumps accept the longest of their headers, zeroed. */
	if (type == RTM_GETLINK)
		mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	else if (type == RTM_GETADDR)
		mnl_nlmsg_put_extra_header(message, sizeof(struct ifaddrmsg));
	else
		mnl_nlmsg_put_extra_header(message, sizeof(struct ndmsg));
	return request_run(netlink, message, read_event, netlink);
}

/* Nothing is taken to be gone because of a dump that failed. */
static int dump_all(struct netlink *netlink)
{
	int r = -EINTR;

	for (int tries = 0; r == -EINTR && tries < DUMP_TRIES; tries++) {
		netlink->ops->resync_begin(netlink->owner);
		r = dump(netlink, RTM_GETLINK)
			    ?: dump(netlink, RTM_GETADDR)
				       ?: dump(netlink, RTM_GETNEIGH);
	}
	netlink->must_dump = r < 0;
	if (r == 0) {
		netlink->ops->resync_end(netlink->owner);
		netlink->ops->route(netlink->owner);
	}
	return r;
}

/* ---- events ---- */

static void on_dump_again(uv_timer_t *timer)
{
	netlink_poll(timer->data);
}

void netlink_poll(struct netlink *netlink)
{
	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(netlink->events), netlink->buffer, BUFFER_BYTES,
				 MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			netlink->must_dump = true;
			continue;
		}
		if (n <= 0)
			break;
		mnl_cb_run(netlink->buffer, (size_t)n, 0, 0, read_event, netlink);
	}
	if (netlink->must_dump && dump_all(netlink) < 0)
		uv_timer_start(&netlink->dump_again, on_dump_again, DUMP_AGAIN_MS, 0);
	netlink->ops->batch_end(netlink->owner);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	/* Lost events are an error of the socket (ENOBUFS), after which libuv does not look at it any more. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_readable);
	netlink_poll(poll->data);
}

static struct mnl_socket *socket_open(int flags)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

static void free_netlink(struct netlink *netlink)
{
	if (netlink->events)
		mnl_socket_close(netlink->events);
	if (netlink->requests)
		mnl_socket_close(netlink->requests);
	free(netlink);
}

static int open_sockets(struct netlink *netlink)
{
	const struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_S };
	int bytes = EVENT_QUEUE_BYTES, fd;

	netlink->events = socket_open(SOCK_NONBLOCK);
	netlink->requests = socket_open(0);
	if (!netlink->events || !netlink->requests)
		return -errno;
	fd = mnl_socket_get_fd(netlink->events);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(netlink->events, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0)
			return -errno;
	}
	if (setsockopt(mnl_socket_get_fd(netlink->requests), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0)
		return -errno;
	return 0;
}

int netlink_open(uv_loop_t *loop, const struct netlink_ops *ops, void *owner, struct netlink **ret,
		 struct err *err)
{
	struct netlink *netlink = xcalloc(1, sizeof(*netlink));
	int r;

	netlink->ops = ops;
	netlink->owner = owner;
	r = open_sockets(netlink);
	if (r == 0)
		r = dump_all(netlink);
	if (r < 0) {
		free_netlink(netlink);
		return err_set(err, r, "cannot read the network devices: %s", strerror(-r));
	}
	uv_poll_init(loop, &netlink->poll, mnl_socket_get_fd(netlink->events));
	uv_timer_init(loop, &netlink->dump_again);
	netlink->poll.data = netlink->dump_again.data = netlink;
	netlink->open_handles = 2;
	uv_poll_start(&netlink->poll, UV_READABLE, on_readable);
	*ret = netlink;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct netlink *netlink = handle->data;

	if (--netlink->open_handles == 0)
		free_netlink(netlink);
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	uv_poll_stop(&netlink->poll);
	uv_close((uv_handle_t *)&netlink->poll, on_closed);
	uv_close((uv_handle_t *)&netlink->dump_again, on_closed);
}

/* ---- statistics ---- */

static int read_stats(const struct nlmsghdr *message, void *arg)
{
	struct rtnl_link_stats64 stats = { 0 };
	const struct nlattr *attr;
	size_t bytes;

	mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) != IFLA_STATS64)
			continue;
		bytes = mnl_attr_get_payload_len(
			attr); /* newer kernels have more, older ones less */
		memcpy(&stats, mnl_attr_get_payload(attr),
		       bytes < sizeof(stats) ? bytes : sizeof(stats));
	}
	*(struct netlink_stats *)arg = (struct netlink_stats){
		.rx_packets = stats.rx_packets,
		.rx_bytes = stats.rx_bytes,
		.tx_packets = stats.tx_packets,
		.tx_bytes = stats.tx_bytes,
		.rx_errors = stats.rx_errors,
		.tx_errors = stats.tx_errors,
		.rx_dropped = stats.rx_dropped,
		.tx_dropped = stats.tx_dropped,
		.collisions = stats.collisions,
	};
	return MNL_CB_OK;
}

int netlink_link_stats(struct netlink *netlink, uint32_t ifindex, struct netlink_stats *ret)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	struct netlink_stats stats = { 0 };
	int r;

	info->ifi_index = (int)ifindex;
	r = request_run(netlink, message, read_stats, &stats);
	if (r == 0)
		*ret = stats;
	return r;
}

/* ---- routes and neighbours ---- */

static uint8_t ip_family(const struct ip *ip)
{
	return ip_is_v4(ip) ? AF_INET : AF_INET6;
}

static void put_ip(struct nlmsghdr *message, uint16_t type, const struct ip *ip)
{
	if (ip_is_v4(ip))
		mnl_attr_put_u32(message, type, ip_v4_be(ip));
	else
		mnl_attr_put(message, type, sizeof(ip->bytes), ip->bytes);
}

static int read_route(const struct nlmsghdr *message, void *arg)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *nested, *via;
	struct netlink_route *route = arg;

	if (message->nlmsg_type != RTM_NEWROUTE || info->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*info)) switch (mnl_attr_get_type(attr))
	{
	case RTA_OIF: route->ifindex = mnl_attr_get_u32(attr); break;
	case RTA_GATEWAY: ip_from_attr(attr, &route->nexthop); break;
	case RTA_VIA:
		via = attr;
		if (mnl_attr_get_payload_len(via) == sizeof(struct rtvia) + sizeof(struct ip))
			memcpy(&route->nexthop,
			       (const char *)mnl_attr_get_payload(via) + sizeof(struct rtvia),
			       sizeof(route->nexthop));
		break;
	case RTA_METRICS:
		mnl_attr_for_each_nested(nested, attr) if (mnl_attr_get_type(nested) == RTAX_MTU)
			route->mtu = mnl_attr_get_u32(nested);
		break;
	default: break;
	}
	return MNL_CB_OK;
}

int netlink_route_get(struct netlink *netlink, const struct ip *remote, const struct ip *local,
		      struct netlink_route *ret)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	struct netlink_route route = { .nexthop = *remote };
	int r;

	info->rtm_family = ip_family(remote);
	info->rtm_dst_len = info->rtm_src_len = ip_is_v4(remote) ? 32 : 128;
	put_ip(message, RTA_DST, remote);
	put_ip(message, RTA_SRC, local);
	r = request_run(netlink, message, read_route, &route);
	if (r < 0)
		return r;
	if (route.ifindex == 0)
		return -ENETUNREACH;
	*ret = route;
	return 0;
}

static int neigh_request(struct netlink *netlink, uint32_t ifindex, const struct ip *ip,
			 uint8_t flags, uint32_t extended)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message =
		request_begin(buffer, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ndm_family = ip_family(ip);
	info->ndm_ifindex = (int)ifindex;
	info->ndm_flags = flags;
	put_ip(message, NDA_DST, ip);
	if (extended)
		mnl_attr_put_u32(message, NDA_FLAGS_EXT, extended);
	return request_run(netlink, message, NULL, NULL);
}

int netlink_neigh_keep(struct netlink *netlink, uint32_t ifindex, const struct ip *ip)
{
	int r = neigh_request(netlink, ifindex, ip, 0, NTF_EXT_MANAGED);

	return r < 0 ? neigh_request(netlink, ifindex, ip, NTF_USE, 0) : 0;
}

/* Without the flag the entry ages like any other. */
int netlink_neigh_release(struct netlink *netlink, uint32_t ifindex, const struct ip *ip)
{
	return neigh_request(netlink, ifindex, ip, NTF_USE, 0);
}

/* ---- links ---- */

/* What the kind of a link needs to know; arg is the caller's. */
typedef void put_info(struct nlmsghdr *message, const void *arg);

static int create_link(struct netlink *netlink, const char *name, const char *kind, put_info *put,
		       const void *arg)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message =
		request_begin(buffer, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data;

	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
	if (put) {
		data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
		put(message, arg);
		mnl_attr_nest_end(message, data);
	}
	mnl_attr_nest_end(message, info);
	return request_run(netlink, message, NULL, NULL);
}

/* One attribute of one link, by index or (0) by name. */
static int set_link(struct netlink *netlink, uint32_t ifindex, const char *name, unsigned int up,
		    unsigned int mask, uint16_t type, const void *data, size_t n)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_index = (int)ifindex;
	info->ifi_flags = up;
	info->ifi_change = mask;
	if (name)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	if (data)
		mnl_attr_put(message, type, n, data);
	return request_run(netlink, message, NULL, NULL);
}

static int set_alias(struct netlink *netlink, const char *name, const char *alias, bool up)
{
	return set_link(netlink, 0, name, up ? IFF_UP : 0, up ? IFF_UP : 0, IFLA_IFALIAS, alias,
			strlen(alias));
}

static void delete_by_name(struct netlink *netlink, const char *name)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, RTM_DELLINK, NLM_F_ACK);

	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	request_run(netlink, message, NULL, NULL);
}

/* The kernel tells nobody of a new alias while the device is down.  What it did tell is older: taken in first. */
static int look_again(struct netlink *netlink, const char *name)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, RTM_GETLINK, NLM_F_ACK);

	netlink_poll(netlink);
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return request_run(netlink, message, read_event, netlink);
}

static void put_peer(struct nlmsghdr *message, const void *peer)
{
	struct nlattr *other = mnl_attr_nest_start(message, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, peer);
	mnl_attr_nest_end(message, other);
}

int netlink_veth_create(struct netlink *netlink, const char *name, const char *peer,
			const char *alias)
{
	int r = create_link(netlink, name, "veth", put_peer, peer);

	if (r < 0)
		return r;
	r = set_alias(netlink, name, alias, false) ?: set_alias(netlink, peer, alias, true);
	if (r == 0)
		r = look_again(netlink, name) ?: look_again(netlink, peer);
	if (r < 0)
		delete_by_name(netlink, name);
	return r;
}

/* A link of one end, which is left down. */
static int create_alone(struct netlink *netlink, const char *name, const char *kind, put_info *put,
			const char *alias)
{
	int r = create_link(netlink, name, kind, put, NULL);

	if (r < 0)
		return r;
	r = set_alias(netlink, name, alias, false);
	if (r == 0)
		r = look_again(netlink, name);
	if (r < 0)
		delete_by_name(netlink, name);
	return r;
}

int netlink_bridge_create(struct netlink *netlink, const char *name, const char *alias)
{
	return create_alone(netlink, name, "bridge", NULL, alias);
}

/* A VNI and a port that nobody else has: two of the same cannot be made. */
static void put_vxlan(struct nlmsghdr *message, const void *arg)
{
	(void)arg;
	mnl_attr_put_u32(message, IFLA_VXLAN_ID, 0xffffff);
	mnl_attr_put_u16(message, IFLA_VXLAN_PORT, htons(9));
}

int netlink_vxlan_create(struct netlink *netlink, const char *name, const char *alias)
{
	return create_alone(netlink, name, "vxlan", put_vxlan, alias);
}

int netlink_link_delete(struct netlink *netlink, uint32_t ifindex)
{
	char buffer[REQUEST_BYTES];
	struct nlmsghdr *message = request_begin(buffer, RTM_DELLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_index = (int)ifindex;
	return request_run(netlink, message, NULL, NULL);
}

int netlink_link_set_up(struct netlink *netlink, uint32_t ifindex, bool up)
{
	return set_link(netlink, ifindex, NULL, up ? IFF_UP : 0, IFF_UP, 0, NULL, 0);
}

int netlink_link_set_mac(struct netlink *netlink, uint32_t ifindex, const struct mac *mac)
{
	return set_link(netlink, ifindex, NULL, 0, 0, IFLA_ADDRESS, mac->bytes, sizeof(mac->bytes));
}

int netlink_link_set_mtu(struct netlink *netlink, uint32_t ifindex, uint32_t mtu)
{
	return set_link(netlink, ifindex, NULL, 0, 0, IFLA_MTU, &mtu, sizeof(mtu));
}

int netlink_link_set_master(struct netlink *netlink, uint32_t ifindex, uint32_t master)
{
	return set_link(netlink, ifindex, NULL, 0, 0, IFLA_MASTER, &master, sizeof(master));
}
