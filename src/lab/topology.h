/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a lab consists of: a pure function of its name and the number of its hosts, so that a lab
 * which crashed can be named, found and removed again.
 *
 * Two hosts are the walk-through: "controller" with ns1 and ns3, "hypervisor" with ns2 and ns3,
 * where ns3 is the localport.  Every further host brings a workload of its own and ns3. */
#define LAB_MAX_HOSTS     8
#define LAB_MAX_WORKLOADS (2 * LAB_MAX_HOSTS)
#define LAB_NAME_MAX      8
#define LAB_SWITCH        "ls0"
#define LAB_UNDERLAY_DEV  "eth0" /* of a host: the device that carries its tunnels */

struct lab_host {
	char name[16];
	char ip[16];
	char dir[64];   /* databases, sockets, logs, pid files of this host */
	char netns[40]; /* name below /run/netns */
};

struct lab_workload {
	const struct lab_host *host;
	char name[8]; /* also the host-side device */
	char port[16];
	char mac[18];
	char ip[16];
	char netns[48];
	bool localport;
};

struct lab {
	char name[LAB_NAME_MAX + 1];
	char dir[48];
	char prefix[16];   /* of the names of all its namespaces */
	char underlay[24]; /* the namespace that holds the switch between the hosts */
	size_t n_hosts;
	struct lab_host hosts[LAB_MAX_HOSTS];
	size_t n_workloads;
	struct lab_workload workloads[LAB_MAX_WORKLOADS];
};

/* 1 to 8 lower-case letters and digits. */
bool lab_name_is_valid(const char *name);

/* name must be valid, n_hosts 2..LAB_MAX_HOSTS.  lab points into itself: it must not be copied. */
void lab_init(struct lab *lab, const char *name, size_t n_hosts);

/* "controller", or NULL. */
const struct lab_host *lab_find_host(const struct lab *lab, const char *name);

/* "ns1", or "hypervisor/ns3" where several hosts have one; NULL if there is none or it is not
 * unique. */
const struct lab_workload *lab_find_workload(const struct lab *lab, const char *name);

/* True for the first workload that stands for its logical port (a localport has one per host). */
bool lab_workload_is_first(const struct lab *lab, const struct lab_workload *w);
