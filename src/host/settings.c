/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line asks to be written to the local database, before any of it is. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "host/host_private.h"
#include "io/stream.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/net.h"
#include "util/str.h"

static int check_name(const char *name, struct err *err)
{
	if (!*name || strlen(name) > NAME_MAX || *name == '.' || strchr(name, '/'))
		return err_set(err, -EINVAL,
			       "\"%.64s\" cannot be a chassis: it must do as a file's name, of at "
			       "most %d bytes",
			       name, NAME_MAX);
	return 0;
}

static int check_ip(const char *text, struct err *err)
{
	struct ip ip;

	if (!ip_parse(text, &ip))
		return err_set(err, -EINVAL, "\"%s\" is no IP address", text);
	if (!ip_is_v4(&ip))
		return err_set(err, -EINVAL, "%s cannot be used: tunnels need an IPv4 address",
			       text);
	return 0;
}

static int check_encap_type(const char *text, struct err *err)
{
	if (str_eq(text, "geneve") || str_eq(text, "vxlan"))
		return 0;
	return err_set(err, -EINVAL, "\"%s\" is no tunnel type: use geneve or vxlan", text);
}

static int check_text(const char *text, struct err *err)
{
	json_t *json = json_string(text);

	json_decref(json);
	return json ? 0 : err_set(err, -EINVAL, "the value is not UTF-8");
}

static int check_words(const char *list, int (*check)(const char *word, struct err *err),
		       struct err *err)
{
	AUTO_FREE char *copy = xstrdup(list);
	char *save = NULL;
	int r = 0;

	for (char *word = strtok_r(copy, ", ", &save); word && r == 0;
	     word = strtok_r(NULL, ", ", &save))
		r = check(word, err);
	return r;
}

int host_check_settings(const struct host_opts *opts, struct err *err)
{
	const struct {
		const char *option;
		const char *value;
		int (*check)(const char *word, struct err *err);
		bool is_list;
	} settings[] = {
		{ "chassis", opts->chassis, check_name, false },
		{ "system-id", opts->system_id, check_name, false },
		{ "ovn-remote", opts->ovn_remote, stream_check, true },
		{ "nb-remote", opts->nb_remote, stream_check, true },
		{ "encap-ip", opts->encap_ip, check_ip, true },
		{ "encap-type", opts->encap_type, check_encap_type, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const char *value = settings[i].value;
		int r = value ? check_text(value, err) : 0;

		if (value && r == 0)
			r = settings[i].is_list ? check_words(value, settings[i].check, err)
						: settings[i].check(value, err);
		if (r < 0)
			return err_prefix(err, "--%s", settings[i].option);
	}
	return 0;
}
