/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/server_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"
#include "util/net.h"
#include "util/str.h"

static int bind_tcp(const struct ip *ip, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool is_v4 = ip_is_v4(ip);
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), r, one = 1;

	if (fd < 0)
		return -errno;
	v4.sin_addr.s_addr = is_v4 ? ip_v4_be(ip) : 0;
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(ip->bytes));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	r = is_v4 ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4))
		  : bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
	if (r == 0)
		r = listen(fd, 1); /* two may bind one address as long as none listens */
	r = r < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* "PORT[:ADDRESS]", an IPv6 address in brackets. */
static int parse_tcp(const char *remote, const char *rest, struct ip *ret_ip, uint16_t *ret_port,
		     struct err *err)
{
	AUTO_FREE char *address = NULL;
	size_t n;
	struct ip ip = { { 0 } };
	char *end;
	unsigned long port = strtoul(rest, &end, 10);

	if (end == rest || port > UINT16_MAX || (*end && *end != ':'))
		return err_set(err, -EINVAL, "\"%s\" is not ptcp:PORT or ptcp:PORT:ADDRESS",
			       remote);
	address = xstrdup(*end ? end + 1 : "0.0.0.0");
	n = strlen(address);
	if (n > 2 && address[0] == '[' && address[n - 1] == ']') {
		address[n - 1] = '\0';
		memmove(address, address + 1, n - 1);
	}
	if (!ip_parse(address, &ip))
		return err_set(err, -EINVAL, "\"%s\": \"%s\" is no IP address", remote, address);
	*ret_ip = ip;
	*ret_port = (uint16_t)port;
	return 0;
}

static int check_tcp(const char *remote, bool try, struct err *err)
{
	uint16_t port = 0;
	struct ip ip;
	int r = parse_tcp(remote, remote + strlen("ptcp:"), &ip, &port, err);

	if (r < 0 || !try)
		return r;
	r = bind_tcp(&ip, port);
	if (r < 0)
		return err_set(err, r, "cannot listen at %s: %s", remote, strerror(-r));
	return 0;
}

static int check_one(const char *remote, bool try, struct err *err)
{
	static const char *const others[] = { "punix:", "pssl:", "unix:", "tcp:", "ssl:", "db:" };

	if (str_starts(remote, "ptcp:"))
		return check_tcp(remote, try, err);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (str_starts(remote, others[i]))
			return 0;
	return err_set(err, -EINVAL, "\"%s\" is nothing to listen at: use ptcp:PORT[:ADDRESS]",
		       remote);
}

static int check_all(const char *remotes, bool try, struct err *err)
{
	AUTO_FREE char *copy = xstrdup(remotes ?: "");
	char *save = NULL;
	int r = 0;

	for (char *word = strtok_r(copy, ",", &save); r == 0 && word;
	     word = strtok_r(NULL, ",", &save))
		r = check_one(word, try, err);
	return r;
}

int server_listen_parse(const char *remotes, struct err *err)
{
	return check_all(remotes, false, err);
}

int server_listen_check(const char *remotes, struct err *err)
{
	return check_all(remotes, true, err);
}
