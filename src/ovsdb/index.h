/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ovsdb/schema.h"

/* Rows by the value of one string column, for replica_find().  Holds no strings: they are read from the
 * rows, which therefore leave the index before their content changes. */
struct index;
struct row;

struct index *index_new(const struct ovsdb_column *column);
void index_free(struct index *index);
const struct ovsdb_column *index_column(const struct index *index);

/* A row whose (optional) column is empty is not held. */
void index_add(struct index *index, const struct row *row);
void index_remove(struct index *index, const struct row *row);
/* The row with the lowest uuid if there are several. */
const struct row *index_find(const struct index *index, const char *value);
