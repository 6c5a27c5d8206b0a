/* SPDX-License-Identifier: Apache-2.0 */
#include "host/links.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "util/alloc.h"
#include "util/log.h"

LOG_MODULE("links");

/* Entries that a resync has not brought again have an old generation. */
struct link_entry {
	struct netlink_link link;
	uint32_t generation;
	uint64_t born;
	UT_hash_handle by_index;
	UT_hash_handle by_name;
};

struct addr_entry {
	struct netlink_addr addr;
	uint32_t generation;
	UT_hash_handle hh;
};

struct neigh_key {
	uint32_t ifindex;
	struct ip ip;
};

struct neigh_entry {
	struct neigh_key key;
	struct netlink_neigh neigh;
	uint32_t generation;
	UT_hash_handle hh;
};

struct links {
	struct netlink *netlink;
	void (*changed)(void *owner, unsigned int what);
	void *owner;
	unsigned int what;
	uint32_t generation;
	uint64_t version;
	struct link_entry *by_index;
	struct link_entry *by_name;
	struct addr_entry *addrs;
	struct neigh_entry *neighs;
};

/* ---- links ---- */

static struct link_entry *find_link(const struct links *links, uint32_t ifindex)
{
	struct link_entry *entry;

	HASH_FIND(by_index, links->by_index, &ifindex, sizeof(ifindex), entry);
	return entry;
}

static struct link_entry *find_name(const struct links *links, const char *name)
{
	struct link_entry *entry;

	HASH_FIND(by_name, links->by_name, name, strlen(name), entry);
	return entry;
}

static void unname(struct links *links, struct link_entry *entry)
{
	if (find_name(links, entry->link.name) == entry)
		HASH_DELETE(by_name, links->by_name, entry);
}

static void note_link_change(struct links *links)
{
	links->what |= LINKS_CHANGED;
	links->version++;
}

static void delete_link(struct links *links, struct link_entry *entry)
{
	unname(links, entry);
	HASH_DELETE(by_index, links->by_index, entry);
	free(entry);
	note_link_change(links);
}

/* A name may have moved from one device to another between two events: the newer one has it. */
static void name_link(struct links *links, struct link_entry *entry)
{
	struct link_entry *other = find_name(links, entry->link.name);

	if (other)
		HASH_DELETE(by_name, links->by_name, other);
	HASH_ADD_KEYPTR(by_name, links->by_name, entry->link.name, strlen(entry->link.name), entry);
}

static void on_link(void *owner, const struct netlink_link *link, bool deleted)
{
	struct links *links = owner;
	struct link_entry *entry = find_link(links, link->ifindex);

	if (deleted) {
		if (entry)
			delete_link(links, entry);
		return;
	}
	if (!entry) {
		entry = xcalloc(1, sizeof(*entry));
		entry->link.ifindex = link->ifindex;
		entry->born = links->version;
		HASH_ADD(by_index, links->by_index, link.ifindex, sizeof(entry->link.ifindex),
			 entry);
	} else if (memcmp(&entry->link, link, sizeof(*link)) == 0) {
		entry->generation = links->generation;
		return;
	} else {
		unname(links, entry);
	}
	entry->generation = links->generation;
	entry->link = *link;
	name_link(links, entry);
	note_link_change(links);
}

/* ---- addresses and neighbours ---- */

static void on_addr(void *owner, const struct netlink_addr *addr, bool deleted)
{
	struct links *links = owner;
	struct addr_entry *entry;

	HASH_FIND(hh, links->addrs, addr, sizeof(*addr), entry);
	if (entry && deleted) {
		HASH_DEL(links->addrs, entry);
		free(entry);
		links->what |= ADDRS_CHANGED;
	} else if (entry) {
		entry->generation = links->generation;
	} else if (!deleted) {
		entry = xcalloc(1, sizeof(*entry));
		entry->addr = *addr;
		entry->generation = links->generation;
		HASH_ADD(hh, links->addrs, addr, sizeof(entry->addr), entry);
		links->what |= ADDRS_CHANGED;
	}
}

static struct neigh_entry *find_neigh(const struct links *links, uint32_t ifindex,
				      const struct ip *ip)
{
	struct neigh_key key = { .ifindex = ifindex, .ip = *ip };
	struct neigh_entry *entry;

	HASH_FIND(hh, links->neighs, &key, sizeof(key), entry);
	return entry;
}

static void on_neigh(void *owner, const struct netlink_neigh *neigh, bool deleted)
{
	struct links *links = owner;
	struct neigh_entry *entry = find_neigh(links, neigh->ifindex, &neigh->ip);

	if (deleted) {
		if (!entry)
			return;
		HASH_DEL(links->neighs, entry);
		free(entry);
		links->what |= NEIGHS_CHANGED;
		return;
	}
	if (!entry) {
		entry = xcalloc(1, sizeof(*entry));
		entry->key = (struct neigh_key){ .ifindex = neigh->ifindex, .ip = neigh->ip };
		HASH_ADD(hh, links->neighs, key, sizeof(entry->key), entry);
		links->what |= NEIGHS_CHANGED;
	} else if (entry->neigh.valid != neigh->valid || !mac_eq(&entry->neigh.mac, &neigh->mac) ||
		   entry->neigh.incomplete != neigh->incomplete) {
		links->what |= NEIGHS_CHANGED;
	}
	entry->neigh = *neigh;
	entry->generation = links->generation;
}

/* ---- the rest ---- */

static void on_route(void *owner)
{
	struct links *links = owner;

	links->what |= ROUTES_CHANGED;
}

static void on_resync_begin(void *owner)
{
	struct links *links = owner;

	if (links->generation++)
		log_info("reading all devices again: events were missed");
}

static void on_resync_end(void *owner)
{
	struct links *links = owner;
	struct link_entry *link, *next_link;
	struct addr_entry *addr, *next_addr;
	struct neigh_entry *neigh, *next_neigh;

	HASH_ITER(by_index, links->by_index, link, next_link)
	if (link->generation != links->generation)
		delete_link(links, link);
	HASH_ITER(hh, links->addrs, addr, next_addr)
	if (addr->generation != links->generation)
		on_addr(links, &addr->addr, true);
	HASH_ITER(hh, links->neighs, neigh, next_neigh)
	if (neigh->generation != links->generation)
		on_neigh(links, &neigh->neigh, true);
}

static void on_batch_end(void *owner)
{
	struct links *links = owner;
	unsigned int what = links->what;

	links->what = 0;
	if (what)
		links->changed(links->owner, what);
}

static const struct netlink_ops ops = {
	.link = on_link,
	.addr = on_addr,
	.neigh = on_neigh,
	.route = on_route,
	.resync_begin = on_resync_begin,
	.resync_end = on_resync_end,
	.batch_end = on_batch_end,
};

static void free_tables(struct links *links)
{
	links->generation++;
	on_resync_end(links);
	free(links);
}

int links_open(uv_loop_t *loop, void (*changed)(void *owner, unsigned int what), void *owner,
	       struct links **ret, struct err *err)
{
	struct links *links = xcalloc(1, sizeof(*links));
	int r;

	links->changed = changed;
	links->owner = owner;
	r = netlink_open(loop, &ops, links, &links->netlink, err);
	if (r < 0) {
		free_tables(links);
		return r;
	}
	*ret = links;
	return 0;
}

void links_close(struct links *links)
{
	if (!links)
		return;
	netlink_close(links->netlink);
	free_tables(links);
}

struct netlink *links_netlink(struct links *links)
{
	return links->netlink;
}

void links_poll(struct links *links)
{
	netlink_poll(links->netlink);
}

const struct netlink_link *links_by_index(const struct links *links, uint32_t ifindex)
{
	const struct link_entry *entry = find_link(links, ifindex);

	return entry ? &entry->link : NULL;
}

const struct netlink_link *links_by_name(const struct links *links, const char *name)
{
	const struct link_entry *entry = find_name(links, name);

	return entry ? &entry->link : NULL;
}

uint64_t links_born(const struct links *links, uint32_t ifindex)
{
	const struct link_entry *entry = find_link(links, ifindex);

	return entry ? entry->born : 0;
}

uint64_t links_version(const struct links *links)
{
	return links->version;
}

void links_each(const struct links *links,
		void (*visit)(void *arg, const struct netlink_link *link), void *arg)
{
	struct link_entry *entry, *next;

	HASH_ITER(by_index, links->by_index, entry, next)
	visit(arg, &entry->link);
}

uint32_t links_addr_device(const struct links *links, const struct ip *ip)
{
	struct addr_entry *entry, *next;

	HASH_ITER(hh, links->addrs, entry, next)
	if (ip_eq(&entry->addr.ip, ip))
		return entry->addr.ifindex;
	return 0;
}

const struct netlink_neigh *links_neigh(const struct links *links, uint32_t ifindex,
					const struct ip *ip)
{
	const struct neigh_entry *entry = find_neigh(links, ifindex, ip);

	return entry ? &entry->neigh : NULL;
}
