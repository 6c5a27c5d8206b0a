/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "ovsdb/replica.h"

/* Rows from literals, for tests: JSON in which ' stands for ". */

/* A uuid made of a small number; two texts are valid at a time. */
const char *row_id(unsigned int n);
struct uuid row_uuid_of(unsigned int n);

/* Inserts the row or replaces all of it. */
void row_put(struct replica *replica, const char *table, unsigned int id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void row_delete(struct replica *replica, const char *table, unsigned int id);
