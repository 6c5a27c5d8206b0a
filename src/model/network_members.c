/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "model/network_impl.h"

/* Flood chains, see dp_abi.h.  Each member is an owner of its one entry, and so is each chain's
 * head: a port that comes or goes touches its own entry and the one before it. */

static const uint8_t no_ref[16];

static uint16_t group_key(unsigned int group)
{
	return group ? DP_GROUP_UNKNOWN : DP_GROUP_FLOOD;
}

static struct dp_member_key member_key(const struct sw *sw, unsigned int group, unsigned int chain,
				       const uint8_t ref[static 16])
{
	struct dp_member_key key = {
		.datapath = sw->key,
		.group = group_key(group),
		.chain = (uint16_t)chain,
	};

	memcpy(key.ref, ref, sizeof(key.ref));
	return key;
}

static struct dp_owner member_owner(const struct dp_member_key *key)
{
	struct dp_owner owner = { { NETWORK_OWNER_MEMBER } };

	memcpy(owner.bytes + 1, key, sizeof(*key));
	return owner;
}

/* Writes the entry at index, -1 being the head. */
static void write_member(struct network *network, const struct sw *sw, unsigned int group,
			 unsigned int chain, long index)
{
	const struct chain *members = &sw->chains[group][chain];
	const struct member *all = members->members.v;
	const struct member *member = index < 0 ? NULL : &all[index];
	struct dp_member_key key = member_key(sw, group, chain, member ? member->ref : no_ref);
	struct dp_owner owner = member_owner(&key);
	struct dp_member value = { 0 };

	if (member) {
		value.ifindex = member->ifindex;
		value.flags = member->flags;
	}
	if (index + 1 < (long)members->members.n)
		memcpy(value.next, all[index + 1].ref, sizeof(value.next));
	dp_state_begin(network->out, &owner);
	if (member || members->members.n)
		dp_state_want(network->out, DP_MAP_MEMBERS, &key, &value);
	dp_state_end(network->out);
}

/* Where ref is or would have to be. */
static size_t find_ref(const struct chain *chain, const uint8_t ref[static 16], bool *ret_found)
{
	size_t low = 0, high = chain->members.n;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = memcmp(chain->members.v[middle].ref, ref, 16);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void enter(struct network *network, struct sw *sw, unsigned int group,
		  const struct membership *membership)
{
	struct chain *chain = &sw->chains[group][membership->chain];
	struct member *member;
	bool found;
	size_t i = find_ref(chain, membership->ref, &found);

	if (!found) {
		VEC_PUSH(chain->members);
		member = &chain->members.v[i];
		memmove(member + 1, member, (chain->members.n - 1 - i) * sizeof(*member));
		*member = (struct member){ 0 };
		memcpy(member->ref, membership->ref, sizeof(member->ref));
	}
	/* Two local ports under one key: rows are swapping keys, and the newcomer stays. */
	member = &chain->members.v[i];
	member->n++;
	member->ifindex = membership->ifindex;
	member->flags = membership->flags;
	write_member(network, sw, group, membership->chain, (long)i);
	if (!found)
		write_member(network, sw, group, membership->chain, (long)i - 1);
}

static void leave(struct network *network, struct sw *sw, unsigned int group,
		  const struct membership *membership)
{
	struct chain *chain = &sw->chains[group][membership->chain];
	struct dp_member_key key = member_key(sw, group, membership->chain, membership->ref);
	struct dp_owner owner = member_owner(&key);
	struct member *member;
	bool found;
	size_t i = find_ref(chain, membership->ref, &found);

	assert(found);
	member = &chain->members.v[i];
	if (--member->n)
		return;
	chain->members.n--;
	memmove(member, member + 1, (chain->members.n - i) * sizeof(*member));
	dp_state_forget(network->out, &owner);
	write_member(network, sw, group, membership->chain, (long)i - 1);
}

static bool same_membership(const struct membership *a, const struct membership *b)
{
	return a->chain == b->chain && a->flags == b->flags && a->ifindex == b->ifindex &&
	       memcmp(a->ref, b->ref, sizeof(a->ref)) == 0;
}

void network_members_change(struct network *network, struct port *port,
			    const struct membership *membership)
{
	struct membership old = port->membership;

	for (unsigned int group = 0; group < NETWORK_N_GROUPS; group++) {
		bool was_in = old.groups & 1u << group;
		bool is_in = membership->groups & 1u << group;

		if (was_in && is_in && same_membership(&old, membership))
			continue;
		if (is_in)
			enter(network, port->sw, group, membership);
		if (was_in)
			leave(network, port->sw, group, &old);
	}
	port->membership = *membership;
}

static bool is_installed(const struct network *network, const struct sw *sw, unsigned int group,
			 unsigned int chain, const uint8_t ref[static 16])
{
	struct dp_member_key key = member_key(sw, group, chain, ref);
	struct dp_owner owner = member_owner(&key);

	return dp_state_owner_is_installed(network->out, &owner);
}

/* Its own entries, and those that lead to it. */
bool network_members_are_installed(const struct network *network, const struct port *port)
{
	const struct membership *membership = &port->membership;

	for (unsigned int group = 0; group < NETWORK_N_GROUPS; group++) {
		const struct chain *chain = &port->sw->chains[group][membership->chain];
		bool found;
		size_t i;

		if (!(membership->groups & 1u << group))
			continue;
		i = find_ref(chain, membership->ref, &found);
		if (!is_installed(network, port->sw, group, membership->chain, membership->ref) ||
		    !is_installed(network, port->sw, group, membership->chain,
				  i ? chain->members.v[i - 1].ref : no_ref))
			return false;
	}
	return true;
}

void network_members_done(struct sw *sw)
{
	for (unsigned int group = 0; group < NETWORK_N_GROUPS; group++) {
		for (unsigned int chain = 0; chain < DP_CHAIN_COUNT; chain++)
			VEC_DONE(sw->chains[group][chain].members);
	}
}
