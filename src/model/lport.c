/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lport.h"

#include <string.h>

#include "util/str.h"

enum lport_kind lport_kind(const struct sb_port_binding *binding)
{
	const char *type = sb_port_binding_type(binding);

	if (str_eq(type, "localport"))
		return LPORT_LOCALPORT;
	if (!*type && !sb_port_binding_parent_port(binding))
		return LPORT_VIF;
	return LPORT_OTHER;
}

static bool first_word_is(const char *list, const char *word)
{
	size_t len = strcspn(list, ",");

	return word && strlen(word) == len && strncmp(list, word, len) == 0;
}

bool lport_may_bind(const struct sb_port_binding *binding, const struct sb_chassis *ours,
		    const char *our_name)
{
	const char *list = ovsdb_smap_get(sb_port_binding_options(binding), "requested-chassis");
	const struct uuid *requested = sb_port_binding_requested_chassis(binding);

	if (requested)
		return ours && uuid_eq(requested, sb_chassis_uuid(ours));
	if (!list || !*list)
		return true;
	/* The names that central could not resolve, or did not know how to. */
	return first_word_is(list, our_name) ||
	       (ours && first_word_is(list, sb_chassis_hostname(ours)));
}
