/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/icmp.h>

#include "dp_abi.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/err.h"

#define FRAME_BYTES 2048 /* headers are what we look at */
#define IPV4_BYTES  20   /* without options */
#define IPV6_BYTES  40
#define UDP_BYTES   8

/* A reader that never runs past the end: take() gives NULL from the first missing byte on. */
struct reader {
	const uint8_t *p;
	size_t left;
};

static const void *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->left < n) {
		r->left = 0;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static struct ip ip_from_v4_bytes(const uint8_t *p)
{
	uint32_t be;

	memcpy(&be, p, sizeof(be));
	return ip_from_v4_be(be);
}

static void describe(char *text, size_t size, const char *what, const struct ip *from,
		     const struct ip *to)
{
	char a[IP_TEXT_SIZE], b[IP_TEXT_SIZE];

	snprintf(text, size, "%s %s > %s", what, ip_format(from, a), ip_format(to, b));
}

static void describe_arp(struct reader *r, char *text, size_t size)
{
	const uint8_t *arp = take(r, 28);
	char ask[IP_TEXT_SIZE], tell[IP_TEXT_SIZE];
	struct ip source, target;

	if (!arp) {
		snprintf(text, size, "ARP, cut short");
		return;
	}
	source = ip_from_v4_bytes(arp + 14);
	target = ip_from_v4_bytes(arp + 24);
	if (be16(arp + 6) == 1)
		snprintf(text, size, "ARP who has %s, tell %s", ip_format(&target, ask),
			 ip_format(&source, tell));
	else
		snprintf(text, size, "ARP %s is here, to %s", ip_format(&source, ask),
			 ip_format(&target, tell));
}

static const char *icmp_name(uint8_t type)
{
	switch (type) {
	case ICMP_ECHO: return "ICMP echo request";
	case ICMP_ECHOREPLY: return "ICMP echo reply";
	case ICMP_DEST_UNREACH: return "ICMP unreachable";
	default: return "ICMP";
	}
}

static const char *icmp6_name(uint8_t type)
{
	switch (type) {
	case ICMP6_ECHO_REQUEST: return "ICMPv6 echo request";
	case ICMP6_ECHO_REPLY: return "ICMPv6 echo reply";
	case 135: return "ICMPv6 neighbor solicitation";
	case 136: return "ICMPv6 neighbor advertisement";
	default: return "ICMPv6";
	}
}

static const char *protocol_name(uint8_t protocol, struct reader *rest)
{
	const uint8_t *type;

	switch (protocol) {
	case IPPROTO_TCP: return "TCP";
	case IPPROTO_UDP: return "UDP";
	case IPPROTO_ICMP: type = take(rest, 1); return type ? icmp_name(*type) : "ICMP";
	case IPPROTO_ICMPV6: type = take(rest, 1); return type ? icmp6_name(*type) : "ICMPv6";
	default: return "IP";
	}
}

static void describe_ipv4(struct reader *r, char *text, size_t size)
{
	const uint8_t *h = take(r, IPV4_BYTES);
	struct ip source, destination;

	if (!h || (h[0] & 15) < 5 || !take(r, ((size_t)(h[0] & 15) - 5) * 4)) {
		snprintf(text, size, "IPv4, cut short");
		return;
	}
	source = ip_from_v4_bytes(h + 12);
	destination = ip_from_v4_bytes(h + 16);
	describe(text, size, protocol_name(h[9], r), &source, &destination);
}

static void describe_ipv6(struct reader *r, char *text, size_t size)
{
	const uint8_t *h = take(r, IPV6_BYTES);
	struct ip source, destination;

	if (!h) {
		snprintf(text, size, "IPv6, cut short");
		return;
	}
	memcpy(source.bytes, h + 8, 16);
	memcpy(destination.bytes, h + 24, 16);
	describe(text, size, protocol_name(h[6], r), &source, &destination);
}

static void describe_inner(struct reader *r, char *text, size_t size)
{
	const uint8_t *eth = take(r, ETH_HLEN);

	if (!eth) {
		snprintf(text, size, "a frame, cut short");
		return;
	}
	switch (be16(eth + 12)) {
	case ETHERTYPE_ARP: describe_arp(r, text, size); break;
	case ETHERTYPE_IP: describe_ipv4(r, text, size); break;
	case ETHERTYPE_IPV6: describe_ipv6(r, text, size); break;
	default: snprintf(text, size, "EtherType 0x%04x", be16(eth + 12)); break;
	}
}

/* RFC 8926 3.5: options are class 16, type 8, reserved 3, length 5 bits (in words), data. */
static void decode_options(struct reader r, struct geneve_packet *ret)
{
	const uint8_t *option, *data;

	while ((option = take(&r, 4))) {
		data = take(&r, (size_t)(option[3] & 31) * 4);
		if (!data || be16(option) != DP_GENEVE_OPT_CLASS ||
		    option[2] != DP_GENEVE_OPT_TYPE || (option[3] & 31) != 1)
			continue;
		ret->has_ports = true;
		ret->ingress_port = be16(data) & 0x7fff;
		ret->egress_port = be16(data + 2);
	}
}

static const uint8_t *take_outer_udp(struct reader *r, struct geneve_packet *ret)
{
	const uint8_t *eth = take(r, ETH_HLEN), *h;

	if (!eth || be16(eth + 12) != ETHERTYPE_IP)
		return NULL;
	h = take(r, IPV4_BYTES);
	if (!h || (h[0] & 15) < 5 || h[9] != IPPROTO_UDP)
		return NULL;
	ret->outer_source = ip_from_v4_bytes(h + 12);
	ret->outer_destination = ip_from_v4_bytes(h + 16);
	if (!take(r, ((size_t)(h[0] & 15) - 5) * 4))
		return NULL;
	return take(r, UDP_BYTES);
}

bool geneve_decode(const void *frame, size_t length, struct geneve_packet *ret)
{
	struct reader r = { frame, length }, options;
	struct geneve_packet packet = {};
	const uint8_t *udp, *geneve;

	udp = take_outer_udp(&r, &packet);
	if (!udp || be16(udp + 2) != DP_GENEVE_PORT)
		return false;
	geneve = take(&r, 8);
	if (!geneve)
		return false;
	packet.vni = (uint32_t)geneve[4] << 16 | be16(geneve + 5);
	options = (struct reader){ r.p, (size_t)(geneve[0] & 63) * 4 };
	if (!take(&r, options.left))
		return false;
	decode_options(options, &packet);
	describe_inner(&r, packet.inner, sizeof(packet.inner));
	*ret = packet;
	return true;
}

bool geneve_same(const struct geneve_packet *a, const struct geneve_packet *b)
{
	return ip_eq(&a->outer_source, &b->outer_source) &&
	       ip_eq(&a->outer_destination, &b->outer_destination) && a->vni == b->vni &&
	       a->has_ports == b->has_ports && a->ingress_port == b->ingress_port &&
	       a->egress_port == b->egress_port && strcmp(a->inner, b->inner) == 0;
}

struct capture {
	int fd;
	VEC(struct geneve_packet) packets;
};

int capture_open(struct capture **ret, struct err *err)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	struct capture *c;

	if (fd < 0)
		return err_set(err, -errno, "cannot capture packets: %s", strerror(errno));
	c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	*ret = c;
	return 0;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	close(c->fd);
	VEC_DONE(c->packets);
	free(c);
}

/* A frame between two hosts comes in by one port of the bridge and goes out by another: counted
 * where it comes in.  The bridge's own device shows a flooded one again, addressed to nobody here;
 * the kernel marks what was sent from a port as outgoing. */
static bool is_fresh(const struct sockaddr_ll *from)
{
	return from->sll_pkttype == PACKET_OTHERHOST;
}

static void capture_read(struct capture *c)
{
	struct sockaddr_ll from;
	struct geneve_packet packet;
	uint8_t frame[FRAME_BYTES];
	socklen_t length;
	ssize_t n;

	for (;;) {
		length = sizeof(from);
		n = recvfrom(c->fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (is_fresh(&from) && geneve_decode(frame, (size_t)n, &packet))
			VEC_ADD(c->packets, packet);
	}
}

void capture_restart(struct capture *c)
{
	capture_read(c);
	VEC_CLEAR(c->packets);
}

const struct geneve_packet *capture_packets(struct capture *c, size_t *ret_n)
{
	capture_read(c);
	*ret_n = c->packets.n;
	return c->packets.v;
}
