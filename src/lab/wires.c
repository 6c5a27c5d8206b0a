/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/wires.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lab/process.h"
#include "util/alloc.h"
#include "util/array.h"
#include "util/auto.h"
#include "util/err.h"

/* Runs a script of ip(8) commands in a namespace (NULL: here).  Not by "ip -n", which changes the mount
 * namespace too and cannot in a chroot. */
static int ip_batch(const char *netns, const struct str *script, struct err *err)
{
	const char *const argv[] = { "ip", "-batch", "-", NULL };
	const struct process_spec spec = { .argv = argv, .netns = netns, .input = str_c(script) };
	struct str output = STR_INIT;
	int r = process_run(&spec, &output, err);

	if (r > 0) {
		/* The last line only says which line of the script it was. */
		r = err_set(err, -EIO, "ip: %.*s", (int)strcspn(str_c(&output), "\n"),
			    str_c(&output));
	}
	str_done(&output);
	return r;
}

static int make_namespaces(const struct lab *lab, struct err *err)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "netns add %s\n", lab->underlay);
	for (size_t i = 0; i < lab->n_hosts; i++)
		str_addf(&s, "netns add %s\n", lab->hosts[i].netns);
	for (size_t i = 0; i < lab->n_workloads; i++)
		str_addf(&s, "netns add %s\n", lab->workloads[i].netns);
	r = ip_batch(NULL, &s, err);
	str_done(&s);
	return r;
}

/* No device gets an IPv6 link-local address by itself: its duplicate detection and router
 * solicitations would be packets that nobody asked for, between those that a lab is made to show. */
static int make_underlay(const struct lab *lab, struct err *err)
{
	struct str s = STR_INIT;
	int r;

	str_add(&s, "link add name underlay type bridge mcast_snooping 0\n"
		    "link set dev underlay addrgenmode none\n"
		    "link set dev underlay up\n");
	for (size_t i = 0; i < lab->n_hosts; i++) {
		const struct lab_host *h = &lab->hosts[i];

		str_addf(&s, "link add name %s type veth peer name " LAB_UNDERLAY_DEV " netns %s\n",
			 h->name, h->netns);
		str_addf(&s, "link set dev %s addrgenmode none master underlay\n", h->name);
		str_addf(&s, "link set dev %s up\n", h->name);
	}
	r = ip_batch(lab->underlay, &s, err);
	str_done(&s);
	return r;
}

static int make_host(const struct lab *lab, const struct lab_host *h, struct err *err)
{
	struct str s = STR_INIT;
	int r;

	str_add(&s, "link set dev lo up\n");
	str_add(&s, "link set dev " LAB_UNDERLAY_DEV " addrgenmode none\n");
	str_add(&s, "link set dev " LAB_UNDERLAY_DEV " up\n");
	str_addf(&s, "addr add %s/24 dev " LAB_UNDERLAY_DEV "\n", h->ip);
	for (size_t i = 0; i < lab->n_workloads; i++) {
		const struct lab_workload *w = &lab->workloads[i];

		if (w->host != h)
			continue;
		str_addf(&s, "link add name %s type veth peer name eth0 address %s netns %s\n",
			 w->name, w->mac, w->netns);
		str_addf(&s, "link set dev %s addrgenmode none\n", w->name);
		str_addf(&s, "link set dev %s up\n", w->name);
	}
	r = ip_batch(h->netns, &s, err);
	str_done(&s);
	return r;
}

static int make_workload(const struct lab_workload *w, struct err *err)
{
	struct str s = STR_INIT;
	int r;

	/* 58 bytes less than the underlay's: Geneve with OVN's option. */
	str_addf(&s,
		 "link set dev lo up\n"
		 "link set dev eth0 addrgenmode none\n"
		 "link set dev eth0 mtu 1442 up\n"
		 "addr add %s/24 dev eth0\n",
		 w->ip);
	r = ip_batch(w->netns, &s, err);
	str_done(&s);
	return r;
}

int wires_make(const struct lab *lab, struct err *err)
{
	int r = make_namespaces(lab, err);

	if (r == 0)
		r = make_underlay(lab, err);
	for (size_t i = 0; r == 0 && i < lab->n_hosts; i++)
		r = make_host(lab, &lab->hosts[i], err);
	for (size_t i = 0; r == 0 && i < lab->n_workloads; i++)
		r = make_workload(&lab->workloads[i], err);
	return r;
}

/* Calls fn with the name of each network namespace of the lab; returns how many there were. */
static size_t each_netns(const struct lab *lab, void (*fn)(const char *name, void *arg), void *arg)
{
	DIR *dir = opendir("/run/netns");
	const struct dirent *d;
	size_t n = 0;

	while (dir && (d = readdir(dir))) {
		if (!str_starts(d->d_name, lab->prefix))
			continue;
		n++;
		if (fn)
			fn(d->d_name, arg);
	}
	if (dir)
		closedir(dir);
	return n;
}

bool wires_exist(const struct lab *lab)
{
	return each_netns(lab, NULL, NULL) > 0;
}

static void add_delete(const char *name, void *arg)
{
	str_addf(arg, "netns delete %s\n", name);
}

/* The agents' bpffs; the file system's root is unmounted first where several lie in each other. */
static int unmount_below(const char *dir, struct err *err)
{
	VEC(char *) paths = VEC_INIT;
	char line[1024], path[512];
	size_t n = strlen(dir);
	FILE *f = fopen("/proc/self/mounts", "re");
	int r = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %511s", path) == 1 && strncmp(path, dir, n) == 0 &&
		    path[n] == '/')
			VEC_ADD(paths, xstrdup(path));
	if (f)
		fclose(f);
	for (size_t i = paths.n; i-- > 0;) {
		if (umount2(paths.v[i], MNT_DETACH) < 0 && r == 0)
			r = err_set(err, -errno, "%s: cannot unmount: %s", paths.v[i],
				    strerror(errno));
		free(paths.v[i]);
	}
	VEC_DONE(paths);
	return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -errno : 0;
}

int wires_remove(const struct lab *lab, struct err *err)
{
	struct str s = STR_INIT;
	int r = 0;

	if (each_netns(lab, add_delete, &s) > 0)
		r = ip_batch(NULL, &s, err);
	str_done(&s);
	if (r == 0)
		r = unmount_below(lab->dir, err);
	if (r == 0 && access(lab->dir, F_OK) == 0) {
		r = nftw(lab->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (r < 0)
			err_set(err, r, "%s: cannot remove: %s", lab->dir, strerror(-r));
	}
	return r;
}
