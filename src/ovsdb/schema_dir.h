/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the .ovsschema files of the embedded servers are: the directory that was asked for (--schema-dir; may
 * be NULL), else $HEDDLE_SCHEMA_DIR, else those beside an executable that was built but not installed, else
 * the installed ones.  *ret is DIR/file, to be freed; -ENOENT with a reason when there is no such file. */
struct err;

int schema_dir_find(const char *asked, const char *file, char **ret, struct err *err);
