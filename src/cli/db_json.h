/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "util/str.h"

/* JSON in the very text that the tools of Open vSwitch print, which jansson's is not: \u001b in small letters,
 * and another way of breaking lines. */
void db_json_print(struct str *out, const json_t *json);        /* on one line, no spaces */
void db_json_print_pretty(struct str *out, const json_t *json); /* one line per element */
void db_json_print_string(struct str *out, const char *text);   /* with its quotation marks */
