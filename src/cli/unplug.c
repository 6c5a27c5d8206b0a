/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/commands.h"
#include "cli/local.h"

int unplug_main(int argc, char **argv)
{
	struct local local = { 0 };
	struct cli_words words;
	struct err err = ERR_INIT;
	const char *db = NULL;
	bool no_wait = false, if_exists = false;
	long long timeout_s = 10;
	/* clang-format off */
	const struct opt table[] = {
		{ "db", 0, OPT_STRING, &db, "REMOTE", "local database (default: as for \"heddle host\")" },
		{ "if-exists", 0, OPT_FLAG, &if_exists, NULL, "an interface that is not plugged in is no error" },
		{ "no-wait", 0, OPT_FLAG, &no_wait, NULL, "do not wait until it is done" },
		{ "timeout", 't', OPT_INT, &timeout_s, "SECONDS", "how long to wait (default: 10)", 1, 3600 },
		{ 0 },
	};
	/* clang-format on */
	const struct opts opts = {
		.usage = "heddle unplug [OPTION]... IFACE",
		.about = "Disconnects the network interface IFACE from its logical port.",
		.table = table,
	};
	int r = cli_parse(&opts, "unplug", argc, argv, 1, &words);

	if (r >= 0)
		return r;
	if (local_open(&local, db, timeout_s, &err) < 0)
		return cli_fail("unplug", &err);
	r = local_remove(&local, words.v[0], &err);
	if (r == -ENOENT && if_exists)
		r = 0;
	else if (r == 0 && !no_wait)
		r = local_wait(&local, &err);
	local_close(&local);
	return r < 0 ? cli_fail("unplug", &err) : 0;
}
