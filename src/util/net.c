/* SPDX-License-Identifier: Apache-2.0 */
#include "util/net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/array.h"
#include "util/err.h"
#include "util/str.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* One or two digits; -1: none. */
static int parse_octet(const char **text)
{
	int octet = -1;

	for (int digit = 0; digit < 2 && isxdigit((unsigned char)**text); digit++, (*text)++) {
		int value =
			isdigit((unsigned char)**text) ? **text - '0' : (**text | 0x20) - 'a' + 10;

		octet = (octet < 0 ? 0 : octet << 4) | value;
	}
	return octet;
}

bool mac_parse(const char *text, struct mac *ret)
{
	struct mac mac;

	for (size_t i = 0; i < 6; i++) {
		int octet = parse_octet(&text);

		if (octet < 0 || *text++ != (i < 5 ? ':' : '\0'))
			return false;
		mac.bytes[i] = (uint8_t)octet;
	}
	*ret = mac;
	return true;
}

const char *mac_format(const struct mac *mac, char text[static MAC_TEXT_SIZE])
{
	const uint8_t *b = mac->bytes;

	snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return text;
}

bool mac_eq(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool mac_is_zero(const struct mac *mac)
{
	static const struct mac zero;

	return mac_eq(mac, &zero);
}

bool mac_is_multicast(const struct mac *mac)
{
	return mac->bytes[0] & 1;
}

bool ip_parse(const char *text, struct ip *ret)
{
	struct in_addr v4;
	struct ip ip;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = ip_from_v4_be(v4.s_addr);
		return true;
	}
	if (inet_pton(AF_INET6, text, &ip) != 1)
		return false;
	*ret = ip;
	return true;
}

bool ip_parse_cidr(const char *text, struct ip *ret, uint8_t *ret_prefix)
{
	const char *slash = strchr(text, '/');
	char host[IP_TEXT_SIZE];
	long long prefix;
	struct ip ip;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!ip_parse(host, &ip))
		return false;
	prefix = ip_is_v4(&ip) ? 32 : 128;
	if (slash && !str_to_int(slash + 1, 0, prefix, &prefix))
		return false;
	*ret = ip;
	*ret_prefix = (uint8_t)prefix;
	return true;
}

const char *ip_format(const struct ip *ip, char text[static IP_TEXT_SIZE])
{
	if (ip_is_v4(ip))
		inet_ntop(AF_INET, ip->bytes + 12, text, IP_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, ip->bytes, text, IP_TEXT_SIZE);
	return text;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool ip_is_zero(const struct ip *ip)
{
	static const struct ip zero;

	return ip_eq(ip, &zero) || (ip_is_v4(ip) && ip_v4_be(ip) == 0);
}

uint32_t ip_v4_be(const struct ip *ip)
{
	uint32_t be;

	memcpy(&be, ip->bytes + 12, sizeof(be));
	return be;
}

struct ip ip_from_v4_be(uint32_t be)
{
	struct ip ip;

	memcpy(ip.bytes, v4_mapped, sizeof(v4_mapped));
	memcpy(ip.bytes + 12, &be, sizeof(be));
	return ip;
}

static const char *next_word(const char **text, char *word, size_t size)
{
	size_t len;

	*text += strspn(*text, " \t");
	len = strcspn(*text, " \t");
	if (!len)
		return NULL;
	snprintf(word, size, "%.*s", (int)len, *text);
	*text += len;
	return word;
}

/* Up to the first word, which says what the others are. */
static int parse_kind(const char *text, const char **ret_rest, struct lsp_address *address,
		      struct err *err)
{
	static const struct {
		const char *word;
		enum lsp_address_kind kind;
	} keywords[] = {
		{ "unknown", LSP_ADDRESS_UNKNOWN },
		{ "dynamic", LSP_ADDRESS_DYNAMIC },
		{ "router", LSP_ADDRESS_ROUTER },
	};
	char word[64];

	*address = (struct lsp_address){ .kind = LSP_ADDRESS_ETHERNET };
	*ret_rest = text;
	if (!next_word(ret_rest, word, sizeof(word)))
		return err_set(err, -EINVAL, "address is empty");
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (strcmp(word, keywords[i].word) == 0) {
			address->kind = keywords[i].kind;
			return 0;
		}
	}
	if (!mac_parse(word, &address->mac))
		return err_set(err, -EINVAL, "address \"%.200s\": \"%s\" is not a MAC address",
			       text, word);
	return 0;
}

static int parse_ips(const char *text, const char *rest, struct lsp_address *address,
		     struct err *err)
{
	char word[64];

	if (address->kind != LSP_ADDRESS_ETHERNET && address->kind != LSP_ADDRESS_DYNAMIC)
		return 0;
	while (next_word(&rest, word, sizeof(word))) {
		uint8_t prefix;

		if (address->n_ips == LSP_ADDRESS_MAX_IPS)
			return err_set(err, -E2BIG, "address \"%.200s\": more than %d IP addresses",
				       text, LSP_ADDRESS_MAX_IPS);
		/* "MAC dynamic" asks central for the IP; there is none to use yet. */
		if (strcmp(word, "dynamic") == 0)
			continue;
		if (!ip_parse_cidr(word, &address->ips[address->n_ips], &prefix))
			return err_set(err, -EINVAL,
				       "address \"%.200s\": \"%s\" is not an IP address", text,
				       word);
		address->n_ips++;
	}
	return 0;
}

int lsp_address_parse(const char *text, struct lsp_address *ret, struct err *err)
{
	struct lsp_address address;
	const char *rest;
	int r = parse_kind(text, &rest, &address, err);

	if (!r)
		r = parse_ips(text, rest, &address, err);
	if (!r)
		*ret = address;
	return r;
}

bool lsp_address_read(const char *text, struct lsp_address *ret)
{
	struct lsp_address address;
	const char *rest;

	if (parse_kind(text, &rest, &address, NULL) < 0)
		return false;
	parse_ips(text, rest, &address, NULL);
	*ret = address;
	return true;
}
