/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/central_private.h"
#include "util/str.h"

/* Objects whose changes the southbound server refused: left out, so that the others are written.
 *
 * An entry outlives a retry, so that an object is warned of once; it goes when the object was written or changes.  The
 * server's words are no guide: they may contain a uuid that was invented for the transaction. */

struct central_refusal {
	UT_hash_handle hh;
	struct central_object object;
	bool aside; /* else it is being tried again */
	bool said;
	char *why;
};

static struct central_refusal *find(const struct central_plan *plan,
				    const struct central_object *object)
{
	struct central_refusal *refusal;

	HASH_FIND(hh, plan->refusals, object, sizeof(*object), refusal);
	return refusal;
}

static void forget(struct central_plan *plan, struct central_refusal *refusal)
{
	HASH_DEL(plan->refusals, refusal);
	free(refusal->why);
	free(refusal);
}

bool central_is_set_aside(const struct central_plan *plan, enum central_kind kind,
			  const struct uuid *uuid)
{
	const struct central_object object = { kind, *uuid };
	const struct central_refusal *refusal = plan->refusals ? find(plan, &object) : NULL;

	return refusal && refusal->aside;
}

bool central_is_refused(const struct central_plan *plan, enum central_kind kind,
			const struct uuid *uuid)
{
	const struct central_object object = { kind, *uuid };

	return plan->refusals && find(plan, &object);
}

void central_forgive(struct central_plan *plan, enum central_kind kind, const struct uuid *uuid)
{
	const struct central_object object = { kind, *uuid };
	struct central_refusal *refusal = plan->refusals ? find(plan, &object) : NULL;

	if (refusal)
		forget(plan, refusal);
}

/* What was invented for the transaction is none of its uuids. */
static void restore_uuid(struct central_plan *plan, const struct central_object *object)
{
	struct central_datapath *datapath;
	struct central_port *port;

	if (object->kind == CENTRAL_KIND_PORT) {
		port = central_find_port(plan, &object->uuid);
		if (port && port->sb)
			port->sb_uuid = *sb_port_binding_uuid(port->sb);
	} else if (object->kind == CENTRAL_KIND_DATAPATH) {
		datapath = central_find_datapath(plan, &object->uuid);
		if (datapath && datapath->sb)
			datapath->sb_uuid = *sb_datapath_binding_uuid(datapath->sb);
	}
}

bool central_plan_set_aside(struct central_plan *plan, const char *why)
{
	struct central_refusal *refusal = find(plan, &plan->written);
	bool keeps_key = !refusal && plan->written.kind == CENTRAL_KIND_SUPERFLUOUS;

	if (!refusal) {
		refusal = xcalloc(1, sizeof(*refusal));
		refusal->object = plan->written;
		HASH_ADD(hh, plan->refusals, object, sizeof(refusal->object), refusal);
	}
	refusal->aside = true;
	free(refusal->why);
	refusal->why = xstrdup(why);
	restore_uuid(plan, &plan->written);
	/* A row that stays keeps its key. */
	plan->datapath_keys_dirty |= plan->written.kind == CENTRAL_KIND_SUPERFLUOUS;
	return keeps_key;
}

bool central_plan_set_written(struct central_plan *plan)
{
	central_forgive(plan, plan->written.kind, &plan->written.uuid);
	return plan->written.kind != CENTRAL_KIND_GLOBAL;
}

void central_plan_retry(struct central_plan *plan)
{
	for (struct central_refusal *r = plan->refusals; r; r = r->hh.next)
		r->aside = false;
	plan->all_dirty = true;
}

/* The object's name as a user knows it; NULL: it is gone. */
static char *describe(const struct central_plan *plan, const struct central_object *object)
{
	const struct central_datapath *datapath = central_find_datapath(plan, &object->uuid);
	const struct central_port *port = central_find_port(plan, &object->uuid);
	const struct central_set *set = central_find_set(plan, &object->uuid);
	const struct nb_address_set *addresses = nb_address_set_get(plan->nb, &object->uuid);
	char uuid[UUID_TEXT_SIZE];

	switch (object->kind) {
	case CENTRAL_KIND_DATAPATH:
		return datapath ? xasprintf("%s \"%s\"",
					    datapath->ls ? "logical switch" : "logical router",
					    central_datapath_name(datapath))
				: NULL;
	case CENTRAL_KIND_GROUPS:
		return datapath ? xasprintf("the multicast groups of \"%s\"",
					    central_datapath_name(datapath))
				: NULL;
	case CENTRAL_KIND_PORT:
		return port ? xasprintf("logical port \"%s\"", central_port_name(port)) : NULL;
	case CENTRAL_KIND_SET:
		return set ? xasprintf("port group \"%s\"", nb_port_group_name(set->row)) : NULL;
	case CENTRAL_KIND_ADDRESS_SET:
		return addresses ? xasprintf("address set \"%s\"", nb_address_set_name(addresses))
				 : NULL;
	case CENTRAL_KIND_SUPERFLUOUS:
		return xasprintf("the removal of row %s", uuid_format(&object->uuid, uuid));
	case CENTRAL_KIND_SVC_SET: return xstrdup("address set \"svc_monitor_mac\"");
	case CENTRAL_KIND_GLOBAL: return xstrdup("SB_Global");
	}
	return NULL;
}

/* True: some are set aside. */
bool central_plan_say_refusals(struct central_plan *plan)
{
	struct central_refusal *refusal, *next;

	HASH_ITER(hh, plan->refusals, refusal, next)
	{
		AUTO_FREE char *what = describe(plan, &refusal->object);
		AUTO_FREE char *text = NULL;

		if (!what || !refusal->aside) {
			forget(plan, refusal);
			continue;
		}
		if (refusal->said || !plan->opts.warn)
			continue;
		text = xasprintf("%s: left out, change it to have it tried at once: the "
				 "southbound database says: %s",
				 what, refusal->why);
		plan->opts.warn(plan->opts.arg, text);
		refusal->said = true;
	}
	return plan->refusals;
}

void central_refusals_done(struct central_plan *plan)
{
	while (plan->refusals)
		forget(plan, plan->refusals);
}
