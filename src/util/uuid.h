/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* RFC 4122, as RFC 7047 writes it: 36 characters, lower case. */
struct uuid {
	uint8_t bytes[16]; /* network order, so that memcmp() sorts as the text does */
};

#define UUID_TEXT_SIZE 37

struct uuid uuid_random(void);
bool uuid_parse(const char *text, struct uuid *ret); /* exactly 36 characters, any case */
const char *uuid_format(const struct uuid *uuid, char text[static UUID_TEXT_SIZE]);
int uuid_cmp(const struct uuid *a, const struct uuid *b);
bool uuid_eq(const struct uuid *a, const struct uuid *b);
bool uuid_is_zero(const struct uuid *uuid);
