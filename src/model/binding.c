/* SPDX-License-Identifier: Apache-2.0 */
#include "model/binding.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "model/lport.h"
#include "ovsdb/replica.h"
#include "ovsdb/txn.h"
#include "schema/ovs.h"
#include "schema/sb.h"
#include "util/alloc.h"
#include "util/str.h"

/* Each run visits the ports that an interface asks for and those known to be bound to us, and compares
 * row and wish.  Nothing depends on having seen a transaction succeed: what was written is remembered
 * only to tell the event from its repetition, and to know a claim of ours that came too late. */

#define CLAIM_AGAIN_MS 2000
#define INSTALLED_KEY  "ovn-installed"
#define INSTALLED_TS   "ovn-installed-ts"
#define LOST_KEY       "heddle-lost"

enum refusal {
	REFUSED_NOT,
	REFUSED_REQUESTED, /* requested-chassis names another chassis */
	REFUSED_HELD,      /* another chassis holds it */
};

struct bport {
	UT_hash_handle hh;
	const struct binding_iface *iface; /* of this run; NULL: none */
	struct uuid iface_uuid;            /* of the last one */
	struct uuid claimed_from;          /* zero: it was free */
	uint64_t claimed_ms;
	bool has_claimed;     /* claimed_ms is valid */
	bool claiming;        /* written, not seen yet */
	bool releasing;       /* likewise */
	bool rising;          /* up=true is written, not seen yet */
	bool held;            /* the row named us when we last looked */
	bool lost;            /* to another chassis, since the interface was plugged */
	enum refusal refused; /* what has been said */
	char name[];
};

/* An interface that another one of the same port stands before; kept so that it is said once. */
struct shadow {
	UT_hash_handle hh;
	struct uuid iface;
	bool seen;
};

struct binding {
	struct bport *ports;
	struct shadow *shadows;
	struct uuid chassis; /* the one that ports were looked up for */
	const struct replica *sb;
};

struct run {
	struct binding *binding;
	const struct binding_in *in;
	const struct sb_chassis *chassis;
	struct txn *sb, *ovs;
	uint64_t deadline_ms;
};

struct binding *binding_new(void)
{
	return xcalloc(1, sizeof(struct binding));
}

static void port_free(struct binding *binding, struct bport *port)
{
	HASH_DEL(binding->ports, port);
	free(port);
}

static void shadow_free(struct binding *binding, struct shadow *shadow)
{
	HASH_DEL(binding->shadows, shadow);
	free(shadow);
}

void binding_free(struct binding *binding)
{
	struct shadow *shadow, *next_shadow;
	struct bport *port, *next;

	if (!binding)
		return;
	HASH_ITER(hh, binding->ports, port, next)
	port_free(binding, port);
	HASH_ITER(hh, binding->shadows, shadow, next_shadow)
	shadow_free(binding, shadow);
	free(binding);
}

static struct bport *port_get(struct binding *binding, const char *name)
{
	size_t len = strlen(name);
	struct bport *port;

	HASH_FIND(hh, binding->ports, name, len, port);
	if (port)
		return port;
	port = xcalloc(1, sizeof(*port) + len + 1);
	memcpy(port->name, name, len + 1);
	HASH_ADD_KEYPTR(hh, binding->ports, port->name, len, port);
	return port;
}

static bool is_ours(const struct sb_port_binding *row, const struct uuid *chassis)
{
	const struct uuid *holder = sb_port_binding_chassis(row);

	return holder && uuid_eq(holder, chassis);
}

/* ---- writing ---- */

static void say(const struct run *run, int kind, const struct bport *port, const char *other)
{
	struct binding_event event = {
		.lport = port->name,
		.iface = port->iface ? port->iface->name : NULL,
		.other = other,
	};

	event.kind = kind;
	if (run->in->event)
		run->in->event(run->in->arg, &event);
}

static const char *chassis_name(const struct run *run, const struct uuid *uuid)
{
	const struct sb_chassis *row = uuid ? sb_chassis_get(run->in->sb, uuid) : NULL;

	return row ? sb_chassis_name(row) : NULL;
}

static const struct ovsdb_datum *iface_ids(const struct run *run, const struct binding_iface *iface)
{
	const struct ovs_interface *row = ovs_interface_get(run->in->ovs, &iface->uuid);

	return row ? ovs_interface_external_ids(row) : NULL;
}

static bool iface_is_marked(const struct run *run, const struct binding_iface *iface)
{
	return ovsdb_smap_get_bool(iface_ids(run, iface), INSTALLED_KEY, false);
}

static void iface_mark(const struct run *run, const struct binding_iface *iface)
{
	char now[24];

	if (iface_is_marked(run, iface))
		return;
	snprintf(now, sizeof(now), "%lld", (long long)run->in->wall_ms);
	ovs_interface_put_external_ids(run->ovs, &iface->uuid, INSTALLED_KEY, "true");
	ovs_interface_put_external_ids(run->ovs, &iface->uuid, INSTALLED_TS, now);
}

static void iface_drop(const struct run *run, const struct binding_iface *iface, const char *key)
{
	if (ovsdb_smap_get(iface_ids(run, iface), key))
		ovs_interface_drop_external_ids(run->ovs, &iface->uuid, key);
}

static void iface_unmark(const struct run *run, const struct binding_iface *iface)
{
	iface_drop(run, iface, INSTALLED_KEY);
	iface_drop(run, iface, INSTALLED_TS);
}

static void set_up(const struct run *run, const struct sb_port_binding *row, bool up)
{
	bool is_up;

	if (!sb_port_binding_up(row, &is_up) || is_up != up)
		sb_port_binding_set_up(run->sb, sb_port_binding_uuid(row), &up);
}

/* Fails the transaction if somebody acts on the row before us. */
static void guard(const struct run *run, const struct sb_port_binding *row)
{
	const struct ovsdb_column *column = &sb_port_binding_columns[SB_PORT_BINDING_CHASSIS];

	txn_verify(run->sb, &sb_port_binding_table, sb_port_binding_uuid(row), column,
		   row_datum(sb_port_binding_row(row), column));
}

static void set_encap(const struct run *run, const struct sb_port_binding *row,
		      const struct uuid *encap)
{
	const struct uuid *now = sb_port_binding_encap(row);

	/* central chooses it */
	if (ovsdb_smap_get(sb_port_binding_options(row), "requested-encap-ip"))
		return;
	if (encap ? !now || !uuid_eq(now, encap) : now != NULL)
		sb_port_binding_set_encap(run->sb, sb_port_binding_uuid(row), encap);
}

static void row_release(const struct run *run, const struct sb_port_binding *row)
{
	guard(run, row);
	sb_port_binding_set_chassis(run->sb, sb_port_binding_uuid(row), NULL);
	set_encap(run, row, NULL);
	if (lport_kind(row) != LPORT_OTHER)
		set_up(run, row, false);
}

/* ---- looking ---- */

/* What the row says about what we did, or what others did to us. */
static void observe(const struct run *run, struct bport *port, const struct sb_port_binding *row)
{
	const struct uuid *holder = row ? sb_port_binding_chassis(row) : NULL;
	bool ours = row && is_ours(row, run->in->chassis);
	bool up = false;

	if (ours && port->claiming)
		say(run, BINDING_CLAIMED, port, NULL);
	if (!ours && port->releasing && row)
		say(run, BINDING_RELEASED, port, NULL);
	if (ours && port->rising && sb_port_binding_up(row, &up) && up) {
		say(run, BINDING_UP, port, NULL);
		port->rising = false;
	}
	if (holder && !ours && port->held && !port->releasing) {
		say(run, BINDING_LOST, port, chassis_name(run, holder));
		port->lost = true;
		port->refused = REFUSED_HELD;
	} else if (holder && !ours && port->claiming && !uuid_eq(holder, &port->claimed_from)) {
		port->lost = true; /* they were faster */
	}
	if (!holder || ours)
		port->lost = false;
	port->held = ours && (port->held || lport_kind(row) != LPORT_OTHER);
	port->claiming &= holder && uuid_eq(holder, &port->claimed_from);
	port->releasing &= ours;
}

/* A new Interface row is a new wish; what an old one remembers of an earlier run counts. */
static void remember_iface(const struct run *run, struct bport *port)
{
	const struct binding_iface *iface = port->iface;

	if (!iface || uuid_eq(&iface->uuid, &port->iface_uuid))
		return;
	port->iface_uuid = iface->uuid;
	port->refused = REFUSED_NOT;
	port->lost = str_eq(ovsdb_smap_get(iface_ids(run, iface), LOST_KEY), port->name);
}

/* ---- the three things a run can want of a port ---- */

static void keep(const struct run *run, struct bport *port, const struct sb_port_binding *row)
{
	const struct binding_iface *iface = port->iface;
	bool up = false;

	sb_port_binding_up(row, &up);
	if (iface->encap)
		set_encap(run, row, iface->encap);
	iface_drop(run, iface, LOST_KEY);
	if (iface->installed) {
		port->rising |= !up;
		set_up(run, row, true);
		iface_mark(run, iface);
	} else if (!iface_is_marked(run, iface)) {
		set_up(run, row, false); /* up belonged to an earlier interface */
	}
}

static void claim(struct run *run, struct bport *port, const struct sb_port_binding *row)
{
	const struct uuid *holder = sb_port_binding_chassis(row);

	guard(run, row);
	sb_port_binding_set_chassis(run->sb, sb_port_binding_uuid(row), run->in->chassis);
	set_encap(run, row, port->iface->encap);
	set_up(run, row, false);
	iface_unmark(run, port->iface);
	iface_drop(run, port->iface, LOST_KEY);
	port->claimed_from = holder ? *holder : (struct uuid){ { 0 } };
	port->claimed_ms = run->in->now_ms;
	port->has_claimed = port->claiming = true;
	port->refused = REFUSED_NOT;
}

static void refuse(const struct run *run, struct bport *port, enum refusal why, const char *other)
{
	if (port->refused != why)
		say(run, BINDING_REFUSED, port, other);
	port->refused = why;
}

static void back_off(const struct run *run, struct bport *port, const struct uuid *holder)
{
	const struct binding_iface *iface = port->iface;

	iface_unmark(run, iface);
	if (!str_eq(ovsdb_smap_get(iface_ids(run, iface), LOST_KEY), port->name))
		ovs_interface_put_external_ids(run->ovs, &iface->uuid, LOST_KEY, port->name);
	refuse(run, port, REFUSED_HELD, chassis_name(run, holder));
}

static void take(struct run *run, struct bport *port, const struct sb_port_binding *row)
{
	const struct uuid *holder = sb_port_binding_chassis(row);
	uint64_t from_ms = port->has_claimed ? port->claimed_ms + CLAIM_AGAIN_MS : 0;

	if (!holder) {
		claim(run, port, row);
	} else if (port->lost) {
		back_off(run, port, holder);
	} else if (run->in->now_ms >= from_ms) {
		claim(run, port, row);
	} else if (from_ms < run->deadline_ms) {
		run->deadline_ms = from_ms;
	}
}

static const char *requested(const struct run *run, const struct sb_port_binding *row)
{
	const char *name = chassis_name(run, sb_port_binding_requested_chassis(row));

	return name ?: ovsdb_smap_get(sb_port_binding_options(row), "requested-chassis");
}

static void let_go(const struct run *run, struct bport *port, const struct sb_port_binding *row,
		   bool was_held, bool may_bind)
{
	const struct binding_iface *iface = port->iface;
	enum lport_kind kind = row ? lport_kind(row) : LPORT_OTHER;

	port->lost = false;
	if (iface) {
		iface_unmark(run, iface);
		iface_drop(run, iface, LOST_KEY);
	}
	if (!row)
		return;
	if (is_ours(row, run->in->chassis)
		    ? kind != LPORT_OTHER || was_held
		    : kind == LPORT_LOCALPORT && sb_port_binding_chassis(row) && iface &&
			      may_bind) {
		row_release(run, row);
		port->releasing = is_ours(row, run->in->chassis);
	}
	if (kind != LPORT_OTHER && iface && iface->has_device && !may_bind)
		refuse(run, port, REFUSED_REQUESTED, requested(run, row));
	else
		port->refused = REFUSED_NOT;
}

static void settle(struct run *run, struct bport *port)
{
	const struct sb_port_binding *row =
		sb_port_binding_by_logical_port(run->in->sb, port->name);
	bool may_bind = row && lport_may_bind(row, run->chassis, sb_chassis_name(run->chassis));
	bool was_held = port->held;

	remember_iface(run, port);
	observe(run, port, row);
	if (!row || lport_kind(row) != LPORT_VIF || !may_bind || !port->iface ||
	    !port->iface->has_device)
		let_go(run, port, row, was_held, may_bind);
	else if (is_ours(row, run->in->chassis))
		keep(run, port, row);
	else
		take(run, port, row);
}

/* ---- the interface ---- */

static void note(struct binding *binding, const struct sb_port_binding *row,
		 const struct uuid *chassis)
{
	if (is_ours(row, chassis))
		port_get(binding, sb_port_binding_logical_port(row));
}

/* Ports that name us, with or without an interface here. */
void binding_update(struct binding *binding, const struct replica *sb, const struct uuid *chassis)
{
	if (sb != binding->sb || !uuid_eq(chassis, &binding->chassis)) {
		binding->sb = sb;
		binding->chassis = *chassis;
		SB_PORT_BINDING_FOREACH(row, sb)
		note(binding, row, chassis);
		return;
	}
	SB_PORT_BINDING_FOREACH_CHANGE(row, sb)
	{
		if (sb_port_binding_change(row) != ROW_DELETED)
			note(binding, row, chassis);
	}
}

static void match_ifaces(struct run *run)
{
	const struct binding_in *in = run->in;
	struct bport *port;

	for (port = run->binding->ports; port; port = port->hh.next)
		port->iface = NULL;
	for (size_t i = 0; i < in->n_ifaces; i++) {
		const struct binding_iface *iface = &in->ifaces[i];

		if (iface->shadowed) {
			iface_unmark(run, iface);
			iface_drop(run, iface, LOST_KEY);
		} else {
			port_get(run->binding, iface->iface_id)->iface = iface;
		}
	}
}

static void tell_shadow(struct run *run, const struct binding_iface *iface)
{
	struct binding *binding = run->binding;
	const struct bport *port = port_get(binding, iface->iface_id);
	struct binding_event event = {
		.kind = BINDING_SHADOWED,
		.lport = port->name,
		.iface = iface->name,
		.other = port->iface ? port->iface->name : NULL,
	};
	struct shadow *shadow;

	HASH_FIND(hh, binding->shadows, &iface->uuid, sizeof(iface->uuid), shadow);
	if (!shadow) {
		shadow = xcalloc(1, sizeof(*shadow));
		shadow->iface = iface->uuid;
		HASH_ADD(hh, binding->shadows, iface, sizeof(shadow->iface), shadow);
		if (run->in->event)
			run->in->event(run->in->arg, &event);
	}
	shadow->seen = true;
}

static void tell_shadows(struct run *run)
{
	struct shadow *shadow, *next;

	for (shadow = run->binding->shadows; shadow; shadow = shadow->hh.next)
		shadow->seen = false;
	for (size_t i = 0; i < run->in->n_ifaces; i++)
		if (run->in->ifaces[i].shadowed)
			tell_shadow(run, &run->in->ifaces[i]);
	HASH_ITER(hh, run->binding->shadows, shadow, next)
	if (!shadow->seen)
		shadow_free(run->binding, shadow);
}

/* An interface that lost its iface-id belongs to no port any more, and neither do our keys on it. */
static void clear_unplugged(const struct run *run)
{
	OVS_INTERFACE_FOREACH(row, run->in->ovs)
	{
		const struct binding_iface iface = { .uuid = *ovs_interface_uuid(row) };
		const struct ovsdb_datum *ids = ovs_interface_external_ids(row);
		const char *id = ovsdb_smap_get(ids, "iface-id");

		if (id && *id)
			continue;
		iface_unmark(run, &iface);
		iface_drop(run, &iface, LOST_KEY);
	}
}

static bool run_begin(struct run *run)
{
	const struct binding_in *in = run->in;

	run->chassis = in->chassis ? sb_chassis_get(in->sb, in->chassis) : NULL;
	if (!run->chassis)
		return false;
	binding_update(run->binding, in->sb, in->chassis);
	match_ifaces(run);
	clear_unplugged(run);
	return true;
}

uint64_t binding_run(struct binding *binding, const struct binding_in *in, struct txn *sb_txn,
		     struct txn *ovs_txn)
{
	struct run run = {
		.binding = binding,
		.in = in,
		.sb = sb_txn,
		.ovs = ovs_txn,
		.deadline_ms = UINT64_MAX,
	};
	struct bport *port, *next;

	if (!run_begin(&run))
		return UINT64_MAX;
	tell_shadows(&run);
	HASH_ITER(hh, binding->ports, port, next)
	{
		settle(&run, port);
		if (!port->iface && !port->held)
			port_free(binding, port);
	}
	return run.deadline_ms;
}

void binding_release_all(struct binding *binding, const struct binding_in *in, struct txn *sb_txn,
			 struct txn *ovs_txn)
{
	struct run run = { .binding = binding, .in = in, .sb = sb_txn, .ovs = ovs_txn };
	struct bport *port;

	if (!run_begin(&run))
		return;
	for (port = binding->ports; port; port = port->hh.next) {
		const struct sb_port_binding *row =
			sb_port_binding_by_logical_port(in->sb, port->name);

		if (port->iface) {
			iface_unmark(&run, port->iface);
			iface_drop(&run, port->iface, LOST_KEY);
		}
		if (row && is_ours(row, in->chassis) && lport_kind(row) != LPORT_OTHER) {
			row_release(&run, row);
			say(&run, BINDING_RELEASED, port, NULL);
		}
	}
}
