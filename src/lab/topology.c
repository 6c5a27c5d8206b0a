/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/topology.h"

#include <stdio.h>
#include <string.h>

#include "util/str.h"

/* The localport is number 3 as in the walk-through, so the number of a host's own workload leaves
 * that out: 1, 2, 4, 5, ... */
static unsigned int own_number(size_t host)
{
	return (unsigned int)(host < 2 ? host + 1 : host + 2);
}

bool lab_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= LAB_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

static void add_host(struct lab *lab)
{
	static const char *const names[] = { "controller", "hypervisor" };
	size_t i = lab->n_hosts;
	struct lab_host h = {};

	if (i < 2)
		snprintf(h.name, sizeof(h.name), "%s", names[i]);
	else
		snprintf(h.name, sizeof(h.name), "host%u", (unsigned int)i + 1);
	snprintf(h.ip, sizeof(h.ip), "192.168.33.%u", ((unsigned int)i + 1) * 10);
	snprintf(h.dir, sizeof(h.dir), "%.40s/%.15s", lab->dir, h.name);
	snprintf(h.netns, sizeof(h.netns), "%s%s", lab->prefix, h.name);
	lab->hosts[lab->n_hosts++] = h;
}

static void add_workload(struct lab *lab, const struct lab_host *host, unsigned int number,
			 bool localport)
{
	struct lab_workload w = { .host = host, .localport = localport };

	snprintf(w.name, sizeof(w.name), "ns%u", number);
	snprintf(w.port, sizeof(w.port), LAB_SWITCH "-ns%u", number);
	snprintf(w.mac, sizeof(w.mac), "00:00:00:aa:bb:%u", number * 10);
	snprintf(w.ip, sizeof(w.ip), "10.0.1.%u", number * 10);
	snprintf(w.netns, sizeof(w.netns), "%.39s-%.7s", host->netns, w.name);
	lab->workloads[lab->n_workloads++] = w;
}

void lab_init(struct lab *lab, const char *name, size_t n_hosts)
{
	*lab = (struct lab){};
	snprintf(lab->name, sizeof(lab->name), "%s", name);
	snprintf(lab->dir, sizeof(lab->dir), "/run/heddle/lab/%s", name);
	snprintf(lab->prefix, sizeof(lab->prefix), "hl-%s-", name);
	snprintf(lab->underlay, sizeof(lab->underlay), "%sunderlay", lab->prefix);
	for (size_t i = 0; i < n_hosts; i++)
		add_host(lab);
	for (size_t i = 0; i < n_hosts; i++)
		add_workload(lab, &lab->hosts[i], own_number(i), false);
	for (size_t i = 0; i < n_hosts; i++)
		add_workload(lab, &lab->hosts[i], 3, true);
}

const struct lab_host *lab_find_host(const struct lab *lab, const char *name)
{
	for (size_t i = 0; i < lab->n_hosts; i++)
		if (str_eq(lab->hosts[i].name, name))
			return &lab->hosts[i];
	return NULL;
}

const struct lab_workload *lab_find_workload(const struct lab *lab, const char *name)
{
	const struct lab_workload *found = NULL;
	char full[32];

	for (size_t i = 0; i < lab->n_workloads; i++) {
		const struct lab_workload *w = &lab->workloads[i];

		snprintf(full, sizeof(full), "%s/%s", w->host->name, w->name);
		if (str_eq(full, name))
			return w;
		if (!str_eq(w->name, name))
			continue;
		if (found)
			return NULL;
		found = w;
	}
	return found;
}

bool lab_workload_is_first(const struct lab *lab, const struct lab_workload *w)
{
	for (const struct lab_workload *other = lab->workloads; other < w; other++)
		if (str_eq(other->port, w->port))
			return false;
	return true;
}
