/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nb_scan.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/str.h"

static const char *skip_spaces(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool scan_number(const char **text, int base, long *ret)
{
	char *end;

	*ret = strtol(*text, &end, base);
	if (end == *text)
		return false;
	*text = end;
	return true;
}

/* n numbers with separators between them. */
static bool scan_bytes(const char **text, size_t n, char separator, int base, uint8_t *ret)
{
	const char *p = *text;
	long number;

	for (size_t i = 0; i < n; i++) {
		if (i && *p++ != separator)
			return false;
		if (!scan_number(&p, base, &number))
			return false;
		ret[i] = (uint8_t)number;
	}
	*text = p;
	return true;
}

static bool scan_v4(const char **text, struct in_addr *ret)
{
	return scan_bytes(text, sizeof(*ret), '.', 10, (uint8_t *)ret);
}

/* Letters that an IPv6 address is made of, no more than the longest has. */
static bool scan_v6_letters(const char **text, char ret[static INET6_ADDRSTRLEN + 1])
{
	const char *p = skip_spaces(*text);
	size_t n = strspn(p, "0123456789abcdefABCDEF:.");

	if (n > INET6_ADDRSTRLEN)
		n = INET6_ADDRSTRLEN;
	memcpy(ret, p, n);
	ret[n] = '\0';
	if (n)
		*text = p + n;
	return n > 0;
}

static bool scan_v6(const char **text, struct in6_addr *ret)
{
	char letters[INET6_ADDRSTRLEN + 1];

	return scan_v6_letters(text, letters) && inet_pton(AF_INET6, letters, ret) == 1;
}

/* Ones, then zeroes. */
static bool is_mask(const void *mask, size_t n)
{
	const uint8_t *bytes = mask;
	bool had_zero = false;

	for (size_t bit = 0; bit < n * CHAR_BIT; bit++) {
		bool is_set = bytes[bit / CHAR_BIT] & (0x80 >> bit % CHAR_BIT);

		if (is_set && had_zero)
			return false;
		had_zero |= !is_set;
	}
	return true;
}

/* The slash of what is no mask is left for others to stumble over. */
static bool skip_v4_mask(const char **text)
{
	const char *behind = *text + 1;
	struct in_addr mask;
	long bits;

	if (**text != '/')
		return true;
	if (scan_v4(&behind, &mask)) {
		*text = behind;
		return is_mask(&mask, sizeof(mask));
	}
	if (!scan_number(&behind, 10, &bits))
		return true;
	*text = behind;
	return bits >= 0 && bits <= 32;
}

static bool skip_v6_mask(const char **text)
{
	char letters[INET6_ADDRSTRLEN + 1];
	const char *behind = *text + 1;
	struct in6_addr mask;
	long bits;

	if (**text != '/')
		return true;
	if (scan_number(&behind, 10, &bits)) {
		*text = behind;
		return bits >= 0 && bits <= 128;
	}
	if (!scan_v6_letters(&behind, letters))
		return true;
	*text = behind;
	return inet_pton(AF_INET6, letters, &mask) == 1 && is_mask(&mask, sizeof(mask));
}

bool nb_scan_ip(const char **text, struct ip *ret)
{
	const char *p = *text;
	struct in6_addr v6;
	struct in_addr v4;

	if (scan_v4(&p, &v4)) {
		if (!skip_v4_mask(&p))
			return false;
		*ret = ip_from_v4_be(v4.s_addr);
	} else {
		if (!scan_v6(&p, &v6) || !skip_v6_mask(&p))
			return false;
		memcpy(ret->bytes, &v6, sizeof(ret->bytes));
	}
	*text = p;
	return true;
}

bool nb_scan_mac(const char **text)
{
	uint8_t bytes[6];

	return scan_bytes(text, sizeof(bytes), ':', 16, bytes);
}

bool nb_scan_dynamic(const char **text)
{
	char letters[INET6_ADDRSTRLEN + 1];
	struct in_addr v4;
	const char *p;
	bool has_ip;

	if (!str_starts(*text, "dynamic"))
		return false;
	p = *text + strlen("dynamic");
	has_ip = scan_v4(&p, &v4);
	has_ip |= scan_v6_letters(&p, letters);
	if (has_ip)
		*text = p;
	return has_ip;
}

bool nb_scan_is_dynamic(const char *text)
{
	if (nb_scan_mac(&text))
		return !strcmp(skip_spaces(text), "dynamic");
	return !strcmp(text, "dynamic") || (nb_scan_dynamic(&text) && !*text);
}
