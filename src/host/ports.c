/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ports.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#include "dp/datapath.h"
#include "host/quiet.h"
#include "model/chassis.h"
#include "model/network.h"
#include "ovsdb/datum.h"
#include "schema/ovs.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/err.h"
#include "util/log.h"
#include "util/str.h"

LOG_MODULE("port");

enum {
	/* Linux makes each new tcx link, and each that goes, wait for an RCU grace period, some 10 ms: many are
	 * spread over rounds, so that the agent keeps answering. */
	SLICE_MS = 50,
};

struct port {
	char *name; /* Interface.name */
	char *iface_id;
	char *encap_ip; /* NULL: the default */
	struct uuid uuid;
	struct ip local;
	uint32_t ifindex; /* 0: no device */
	uint64_t born;    /* links_born() */
	bool peer_elsewhere;
	bool down;
	bool seen;
	bool attached;
	bool plugged;
	bool failed; /* the reason why it is not attached has been said */
	UT_hash_handle hh;
};

struct ports {
	struct network *network;
	struct datapath *dp;
	struct port *all;
	VEC(uint32_t) leaving; /* devices whose programs go with the next ports_settle() */
	uint64_t slice_end_ns; /* of this round's share of attaching and detaching */
	bool attaching;        /* some are put off */
	bool failing;          /* some could not be attached */
	VEC(struct binding_iface) bindings;
};

struct ports *ports_new(struct network *network, struct datapath *dp)
{
	struct ports *ports = xcalloc(1, sizeof(*ports));

	ports->network = network;
	ports->dp = dp;
	return ports;
}

static void free_port(struct ports *ports, struct port *port)
{
	HASH_DEL(ports->all, port);
	free(port->name);
	free(port->iface_id);
	free(port->encap_ip);
	free(port);
}

void ports_free(struct ports *ports)
{
	struct port *port, *next;

	if (!ports)
		return;
	HASH_ITER(hh, ports->all, port, next)
	free_port(ports, port);
	VEC_DONE(ports->leaving);
	VEC_DONE(ports->bindings);
	free(ports);
}

/* ---- one port ---- */

static void unplug(struct ports *ports, struct port *port)
{
	if (port->plugged)
		network_unplug(ports->network, port->name);
	if (port->attached || port->failed) /* which may have been half of it */
		VEC_ADD(ports->leaving, port->ifindex);
	port->plugged = port->attached = port->failed = false;
}

static bool is_slice_over(const struct ports *ports)
{
	return uv_hrtime() >= ports->slice_end_ns;
}

/* False: put off. */
static bool attach(struct ports *ports, struct port *port)
{
	struct err err = ERR_INIT;

	if (port->attached)
		return true;
	if (is_slice_over(ports)) {
		ports->attaching = true;
		return false;
	}
	if (datapath_attach(ports->dp, DATAPATH_WORKLOAD, port->ifindex, &err) == 0) {
		quiet_begin(port->ifindex);
		port->attached = true;
		port->failed = false;
	} else {
		if (!port->failed)
			log_warn("interface %s: cannot attach the programs: %s", port->name,
				 err.text);
		port->failed = ports->failing = true;
	}
	return true;
}

static void plug(struct ports *ports, struct port *port)
{
	const struct network_iface iface = {
		.name = port->name,
		.iface_id = port->iface_id,
		.ifindex = port->ifindex,
		.peer_elsewhere = port->peer_elsewhere,
		.down = port->down,
		.local = port->local,
	};

	network_plug(ports->network, &iface);
	port->plugged = true;
}

/* The tunnel source of an interface's packets: what it asks for, the default, or the first there is. */
static struct ip local_ip(const struct chassis_config *config, const char *encap_ip)
{
	const struct chassis_encap *found = NULL;

	for (size_t i = 0; i < config->n_encaps; i++) {
		const struct chassis_encap *encap = &config->encaps[i];

		if (str_eq(encap->ip_text, encap_ip))
			return encap->ip;
		if (!found || (encap->is_default && !found->is_default))
			found = encap;
	}
	return found ? found->ip : (struct ip){ 0 };
}

static void set_text(char **field, const char *value)
{
	if (str_eq(*field, value))
		return;
	free(*field);
	*field = value ? xstrdup(value) : NULL;
}

static struct port *get_port(struct ports *ports, const char *name)
{
	struct port *port;

	HASH_FIND_STR(ports->all, name, port);
	if (!port) {
		port = xcalloc(1, sizeof(*port));
		port->name = xstrdup(name);
		HASH_ADD_KEYPTR(hh, ports->all, port->name, strlen(port->name), port);
	}
	port->seen = true;
	return port;
}

static void run_port(struct ports *ports, const struct vswitch_port *at, const char *iface_id,
		     const char *encap_ip, const struct chassis_config *config)
{
	struct port *port = get_port(ports, at->name);
	uint32_t ifindex = at->has_device ? at->ifindex : 0;
	struct ip local = local_ip(config, encap_ip);
	bool same = port->plugged && str_eq(port->iface_id, iface_id) &&
		    ip_eq(&port->local, &local) && port->peer_elsewhere == at->peer_elsewhere &&
		    port->down == at->down;

	if (port->ifindex != ifindex || port->born != at->born) {
		unplug(ports, port);
		same = false;
	}
	port->uuid = at->uuid;
	port->ifindex = ifindex;
	port->born = at->born;
	port->local = local;
	port->peer_elsewhere = at->peer_elsewhere;
	port->down = at->down;
	set_text(&port->iface_id, iface_id);
	set_text(&port->encap_ip, encap_ip);
	if (!ifindex)
		return;
	if (attach(ports, port) && !same)
		plug(ports, port);
}

/* ---- all of them ---- */

void ports_begin(struct ports *ports)
{
	ports->slice_end_ns = uv_hrtime() + SLICE_MS * UINT64_C(1000000);
}

void ports_run(struct ports *ports, const struct replica *ovs, const struct vswitch_port *all,
	       size_t n, const struct chassis_config *config)
{
	struct port *port, *next;

	ports->attaching = ports->failing = false;
	HASH_ITER(hh, ports->all, port, next)
	port->seen = false;
	for (size_t i = 0; i < n; i++) {
		const struct ovs_interface *row = ovs_interface_get(ovs, &all[i].uuid);
		const struct ovsdb_datum *ids = row ? ovs_interface_external_ids(row) : NULL;
		const char *iface_id = ovsdb_smap_get(ids, "iface-id");

		if (all[i].integration && !all[i].local && iface_id && *iface_id)
			run_port(ports, &all[i], iface_id, ovsdb_smap_get(ids, "encap-ip"), config);
	}
	HASH_ITER(hh, ports->all, port, next)
	{
		if (port->seen)
			continue;
		unplug(ports, port);
		free_port(ports, port);
	}
}

bool ports_is_workload(const struct ports *ports, uint32_t ifindex)
{
	struct port *port, *next;

	HASH_ITER(hh, ports->all, port, next)
	if (port->ifindex == ifindex && port->attached)
		return true;
	return false;
}

void ports_settle(struct ports *ports)
{
	if (ports->leaving.n == 0)
		return;
	do { /* at least one, however long the round has taken */
		uint32_t ifindex = ports->leaving.v[--ports->leaving.n];

		if (ports_is_workload(ports, ifindex))
			continue;
		datapath_detach(ports->dp, DATAPATH_WORKLOAD, ifindex);
		quiet_end(ifindex);
	} while (ports->leaving.n && !is_slice_over(ports));
}

void ports_leave(struct ports *ports, uint32_t ifindex)
{
	VEC_ADD(ports->leaving, ifindex);
}

bool ports_are_attaching(const struct ports *ports)
{
	return ports->attaching;
}

bool ports_are_failing(const struct ports *ports)
{
	return ports->failing;
}

bool ports_are_settled(const struct ports *ports)
{
	return !ports->attaching && ports->leaving.n == 0;
}

const struct binding_iface *ports_bindings(struct ports *ports, const struct replica *ovs,
					   const struct replica *sb,
					   const struct chassis_config *config, size_t *ret_n)
{
	struct port *port, *next;

	VEC_CLEAR(ports->bindings);
	HASH_ITER(hh, ports->all, port, next)
	{
		enum network_iface_state state = network_iface_state(ports->network, port->name);

		VEC_ADD(ports->bindings,
			((struct binding_iface){
				.name = port->name,
				.uuid = port->uuid,
				.iface_id = port->iface_id,
				.has_device = port->ifindex != 0,
				.installed = port->attached &&
					     network_is_installed(ports->network, port->name),
				.shadowed = state == NETWORK_IFACE_SHADOWED,
				.encap = chassis_find_encap(config, sb, port->encap_ip),
			}));
	}
	*ret_n = ports->bindings.n;
	return ports->bindings.v;
}
