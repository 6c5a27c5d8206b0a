/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nb_address.h"

#include <errno.h>

#include "util/err.h"
#include "util/net.h"

static int check_mac(const char *text, const struct lsp_address *address, struct err *err)
{
	char mac[MAC_TEXT_SIZE];

	if (address->kind != LSP_ADDRESS_ETHERNET || !mac_is_multicast(&address->mac))
		return 0;
	return err_set(err, -EINVAL,
		       "address \"%.200s\": %s is a multicast MAC address, which no interface has",
		       text, mac_format(&address->mac, mac));
}

static int parse(const char *text, struct lsp_address *ret, struct err *err)
{
	struct err why = ERR_INIT;
	int r = lsp_address_parse(text, ret, &why);

	if (r < 0)
		return err_set(err, r, "%.400s, so it and what follows have no effect", why.text);
	return check_mac(text, ret, err);
}

int nb_address_check(const char *text, struct err *err)
{
	struct lsp_address address;

	return parse(text, &address, err);
}

int nb_port_security_check(const char *text, struct err *err)
{
	struct lsp_address address;
	int r = parse(text, &address, err);

	if (r == 0 && address.kind != LSP_ADDRESS_ETHERNET)
		return err_set(
			err, -EINVAL,
			"port security \"%.200s\" does not begin with a MAC address, so it has no effect",
			text);
	return r;
}
