/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses as values.  A struct ip is always 16 bytes: IPv4 is held as ::ffff:a.b.c.d (RFC 4291
 * 2.5.5.2), so that one key format serves both families in the datapath's maps. */
struct mac {
	uint8_t bytes[6];
};

struct ip {
	uint8_t bytes[16]; /* network order */
};

#define MAC_TEXT_SIZE 18
#define IP_TEXT_SIZE  INET6_ADDRSTRLEN

bool mac_parse(const char *text, struct mac *ret);       /* aa:b:cc:d:ee:ff, as OVN takes it; all of text */
const char *mac_format(const struct mac *mac, char text[static MAC_TEXT_SIZE]);
bool mac_eq(const struct mac *a, const struct mac *b);
bool mac_is_zero(const struct mac *mac);
bool mac_is_multicast(const struct mac *mac); /* broadcast too */

bool ip_parse(const char *text, struct ip *ret); /* IPv4 or IPv6 without prefix length, all of text */
bool ip_parse_cidr(const char *text, struct ip *ret, uint8_t *ret_prefix); /* "/n" optional; prefix in the family's own bits */
const char *ip_format(const struct ip *ip, char text[static IP_TEXT_SIZE]);
bool ip_eq(const struct ip *a, const struct ip *b);
bool ip_is_v4(const struct ip *ip);
bool ip_is_zero(const struct ip *ip);        /* :: or 0.0.0.0 */
uint32_t ip_v4_be(const struct ip *ip);      /* network order; ip_is_v4() must hold */
struct ip ip_from_v4_be(uint32_t be);

/* One word of Logical_Switch_Port.addresses or Port_Binding.mac: "MAC [IP ...]", "unknown",
 * "router", "dynamic [...]" (OVN_Northbound, Logical_Switch_Port.addresses). */
enum lsp_address_kind {
	LSP_ADDRESS_ETHERNET, /* mac and ips are set */
	LSP_ADDRESS_UNKNOWN,
	LSP_ADDRESS_DYNAMIC, /* ips are those asked for */
	LSP_ADDRESS_ROUTER,
};

#define LSP_ADDRESS_MAX_IPS 64

struct lsp_address {
	enum lsp_address_kind kind;
	struct mac mac;
	size_t n_ips;
	struct ip ips[LSP_ADDRESS_MAX_IPS]; /* host addresses; a prefix length is allowed and ignored */
};

struct err;

/* -EINVAL with a reason that names the word that is wrong. */
int lsp_address_parse(const char *text, struct lsp_address *ret, struct err *err);
/* As OVN reads it: a word that is wrong and all that follows it do not count.  False if there is not even a MAC. */
bool lsp_address_read(const char *text, struct lsp_address *ret);
