/* SPDX-License-Identifier: Apache-2.0 */
#include "central/central_opts.h"

#include <errno.h>
#include <string.h>

#include "central/central.h"
#include "ovsdb/server_listen.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/net.h"

#define PUBLIC_NB_PORT 6641

int central_public_remote(const char *address, char **ret, struct err *err)
{
	AUTO_FREE char *bare = xstrdup(address);
	size_t n = strlen(bare);
	struct ip ip;

	if (n > 2 && bare[0] == '[' && bare[n - 1] == ']') {
		bare[n - 1] = '\0';
		memmove(bare, bare + 1, n - 1);
	}
	if (!ip_parse(bare, &ip))
		return err_set(err, -EINVAL, "\"%s\" is no IP address", address);
	if (ip_is_zero(&ip))
		return err_set(err, -EINVAL,
			       "\"%s\" is everywhere: name the address that hosts connect to",
			       address);
	*ret = xasprintf(ip_is_v4(&ip) ? "tcp:%s:%d" : "tcp:[%s]:%d", bare, PUBLIC_NB_PORT);
	return 0;
}

static int check_conflicts(const struct central_opts *opts, struct err *err)
{
	const struct {
		const char *name, *value, *other_name, *other;
	} conflicts[] = {
		{ "--nb-listen", opts->nb_listen, "--nb", opts->nb },
		{ "--nb-socket", opts->nb_socket, "--nb", opts->nb },
		{ "--sb-listen", opts->sb_listen, "--sb", opts->sb },
		{ "--sb-socket", opts->sb_socket, "--sb", opts->sb },
	};

	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
		if (conflicts[i].value && conflicts[i].other)
			return err_set(err, -EINVAL,
				       "%s is for a server that is started here, %s for one that "
				       "runs elsewhere: leave out one of them",
				       conflicts[i].name, conflicts[i].other_name);
	return 0;
}

static int check_listen(const char *option, const char *remotes, struct err *err)
{
	if (server_listen_parse(remotes, err) < 0)
		return err_prefix(err, "option %s", option);
	return 0;
}

static int check_public_address(const char *address, struct err *err)
{
	AUTO_FREE char *remote = NULL;

	if (address && central_public_remote(address, &remote, err) < 0)
		return err_prefix(err, "option --public-address");
	return 0;
}

int central_opts_check(const struct central_opts *opts, struct err *err)
{
	int r = check_conflicts(opts, err);

	if (r == 0)
		r = check_listen("--nb-listen", opts->nb_listen, err);
	if (r == 0)
		r = check_listen("--sb-listen", opts->sb_listen, err);
	if (r == 0)
		r = check_public_address(opts->public_address, err);
	return r;
}
