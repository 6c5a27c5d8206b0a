/* SPDX-License-Identifier: Apache-2.0 */
#include "util/uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "util/alloc.h"

struct uuid uuid_random(void)
{
	struct uuid uuid;

	if (getrandom(&uuid, sizeof(uuid), 0) != sizeof(uuid))
		abort(); /* up to 256 bytes never come short, getrandom(2) */
	uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
	uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
	return uuid;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool uuid_parse(const char *text, struct uuid *ret)
{
	struct uuid uuid;

	for (size_t i = 0; i < 16; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text)
		return false;
	*ret = uuid;
	return true;
}

const char *uuid_format(const struct uuid *uuid, char text[static UUID_TEXT_SIZE])
{
	const uint8_t *b = uuid->bytes;

	snprintf(text, UUID_TEXT_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return text;
}

int uuid_cmp(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return uuid_cmp(a, b) == 0;
}

bool uuid_is_zero(const struct uuid *uuid)
{
	static const struct uuid zero;

	return uuid_eq(uuid, &zero);
}
