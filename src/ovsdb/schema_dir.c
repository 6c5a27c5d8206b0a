/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/schema_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/array.h"
#include "util/err.h"
#include "version.h"

/* The executable is BUILD/src/heddle, the schemas are BUILD/schema/ or BUILD/src/schema/. */
static const char *const beside[] = { "/../schema/", "/schema/" };

static int try(const char *dir, const char *between, const char *file, char **ret)
{
	char *path = xasprintf("%s%s%s", dir, between, file);

	if (access(path, R_OK) < 0) {
		free(path);
		return -ENOENT;
	}
	*ret = path;
	return 0;
}

static int try_beside_executable(const char *file, char **ret)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return -ENOENT;
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		if (try(exe, beside[i], file, ret) == 0)
			return 0;
	return -ENOENT;
}

int schema_dir_find(const char *asked, const char *file, char **ret, struct err *err)
{
	if (!asked || !*asked)
		asked = getenv("HEDDLE_SCHEMA_DIR");
	if (asked && *asked) {
		if (try(asked, "/", file, ret) == 0)
			return 0;
		return err_set(err, -ENOENT, "schema directory %s has no readable %s", asked, file);
	}
	if (try_beside_executable(file, ret) == 0 || try(HEDDLE_DATA_DIR, "/", file, ret) == 0)
		return 0;
	return err_set(err, -ENOENT, "cannot find %s in %s: name its directory with --schema-dir",
		       file, HEDDLE_DATA_DIR);
}
