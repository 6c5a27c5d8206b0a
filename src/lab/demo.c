/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/demo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lab/capture.h"
#include "lab/control.h"
#include "lab/keeper.h"
#include "lab/process.h"
#include "util/array.h"
#include "util/err.h"

#define PINGS      3
#define PINGS_TEXT "3"

struct demo_step {
	const char *from, *to_ip, *to_name;
	unsigned int from_key, to_key; /* of the ports, on the wire */
	bool answered, on_wire;
	const char *why;
};

/* clang-format off */
static const struct demo_step steps[] = {
	{ "controller/ns1", "10.0.1.20", "ns2", 1, 2, true, true,
	  "ports on two hosts: through the tunnel, there and back" },
	{ "hypervisor/ns2", "10.0.1.10", "ns1", 2, 1, true, true,
	  "the same from the other side" },
	{ "controller/ns1", "10.0.1.30", "ns3", 1, 3, true, false,
	  "the localport of the own host answers" },
	{ "controller/ns3", "10.0.1.10", "ns1", 3, 1, true, false,
	  "and may speak to the ports of its host" },
	{ "hypervisor/ns2", "10.0.1.30", "ns3", 2, 3, true, false,
	  "same address, other host: its own localport answers" },
	{ "hypervisor/ns3", "10.0.1.20", "ns2", 3, 2, true, false,
	  "and may speak to the ports of its host" },
	{ "hypervisor/ns3", "10.0.1.10", "ns1", 3, 1, false, false,
	  "a localport never reaches another host" },
	{ "controller/ns3", "10.0.1.20", "ns2", 3, 2, false, false,
	  "not from here either" },
};
/* clang-format on */

struct demo_result {
	unsigned int answers;
	char rtt[32];
	size_t n_packets;
	bool ok;
};

static const char *const picture =
	"        controller  192.168.33.10                  hypervisor  192.168.33.20\n"
	"   +------------------------------+           +------------------------------+\n"
	"   |   ns1 10.0.1.10  ns3 .1.30   |           |   ns2 10.0.1.20  ns3 .1.30   |\n"
	"   |       |              |       |           |       |              |       |\n"
	"   |    ls0-ns1        ls0-ns3    |           |    ls0-ns2        ls0-ns3    |\n"
	"   |    =======  switch ls0  =====|== Geneve =|=====  switch ls0  =======    |\n"
	"   +------------------------------+           +------------------------------+\n"
	"\n"
	"   ns3 is a localport: on every host, with one address, for the host's own ports only.\n";

enum style {
	STYLE_BOLD = 1,
	STYLE_DIM = 2,
	STYLE_GOOD = 32,
	STYLE_BAD = 31,
};

/* Colour only where somebody looks. */
static void print_styled(enum style style, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print_styled(enum style style, const char *format, ...)
{
	bool tty = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	va_list args;

	if (tty)
		printf("\033[%um", (unsigned int)style);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (tty)
		fputs("\033[0m", stdout);
	fflush(stdout);
}

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* As it would be typed into a shell, a chained command on a line of its own. */
static void print_command(const char *where, const char *const *argv)
{
	print_styled(STYLE_DIM, "   %s#", where);
	for (size_t i = 0; argv[i]; i++) {
		if (strcmp(argv[i], "--") == 0)
			printf(" \\\n       ");
		printf(strchr(argv[i], ' ') ? " \"%s\"" : " %s", argv[i]);
	}
	putchar('\n');
	fflush(stdout);
}

static int build_lab(const struct lab *lab, struct err *err)
{
	int64_t start_ms = clock_ms();
	int r;

	print_styled(STYLE_BOLD, "Two hosts out of network namespaces, an agent on each\n");
	r = control_up(lab, err);
	if (r < 0)
		return r;
	printf("   up after %.1f s\n\n", (double)(clock_ms() - start_ms) / 1000);

	print_styled(STYLE_BOLD, "A logical switch, its ports, and what is plugged into them\n");
	start_ms = clock_ms();
	for (size_t i = 0; i < control_network_commands(lab); i++) {
		struct control_command command;

		control_network_command(lab, i, &command);
		print_command(command.host->name, command.argv);
		r = control_run(lab, &command, err);
		if (r < 0)
			return r;
	}
	printf("   every port works after %.1f s\n", (double)(clock_ms() - start_ms) / 1000);
	return 0;
}

static int open_capture(const struct lab *lab, struct capture **ret, struct err *err)
{
	/* The player itself needs no network: it moves to the underlay and stays. */
	int r = process_enter_netns(lab->underlay, err);

	return r < 0 ? r : capture_open(ret, err);
}

static int ping(const struct lab *lab, const struct demo_step *step, struct demo_result *ret,
		struct err *err)
{
	/* For the answer to its last packet ping waits as long as the interval. */
	const char *const argv[] = { "ping", "-q", "-c", PINGS_TEXT,  "-i",
				     "0.2",  "-W", "1",  step->to_ip, NULL };
	struct process_spec spec = { .argv = argv };
	struct str output = STR_INIT;
	const char *p;
	int r;

	spec.netns = lab_find_workload(lab, step->from)->netns;
	print_command(step->from, argv);
	r = process_run(&spec, &output, err);
	p = strstr(str_c(&output), " packets transmitted, ");
	if (r >= 0 && (!p || sscanf(p, " packets transmitted, %u", &ret->answers) != 1))
		r = err_set(err, -EIO, "ping: %.*s", (int)strcspn(str_c(&output), "\n"),
			    str_c(&output));
	p = strstr(str_c(&output), "rtt min/avg");
	if (!p || sscanf(p, "rtt %*[^=]= %*[^/]/%31[0-9.]", ret->rtt) != 1)
		ret->rtt[0] = '\0';
	str_done(&output);
	return r < 0 ? r : 0;
}

static void print_packet(const struct geneve_packet *p, size_t count)
{
	char from[IP_TEXT_SIZE], to[IP_TEXT_SIZE];

	printf("   wire: %2zu x %s > %s   Geneve, VNI %u, ", count,
	       ip_format(&p->outer_source, from), ip_format(&p->outer_destination, to), p->vni);
	if (p->has_ports)
		printf("ports %u > %u", p->ingress_port, p->egress_port);
	else
		printf("no ports");
	printf("\n              %s\n", p->inner);
}

/* Equal packets once, with their number, in the order of their first. */
static void print_packets(const struct geneve_packet *packets, size_t n)
{
	if (n == 0)
		puts("   wire:  nothing");
	for (size_t i = 0; i < n; i++) {
		size_t before = 0, count = 0;

		for (size_t k = 0; k < n; k++) {
			before += k < i && geneve_same(&packets[k], &packets[i]);
			count += geneve_same(&packets[k], &packets[i]);
		}
		if (before == 0)
			print_packet(&packets[i], count);
	}
}

static size_t count_between(const struct geneve_packet *packets, size_t n, unsigned int from,
			    unsigned int to)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += packets[i].has_ports && packets[i].ingress_port == from &&
			 packets[i].egress_port == to;
	return count;
}

/* What crosses the wire: each request and each answer, between the right ports, and nothing else. */
static bool wire_as_expected(const struct demo_step *step, const struct geneve_packet *packets,
			     size_t n)
{
	if (!step->on_wire)
		return n == 0;
	return n == 2 * PINGS && count_between(packets, n, step->from_key, step->to_key) == PINGS &&
	       count_between(packets, n, step->to_key, step->from_key) == PINGS;
}

static void print_verdict(bool ok)
{
	if (ok)
		print_styled(STYLE_GOOD, "   as expected\n");
	else
		print_styled(STYLE_BAD, "   NOT AS EXPECTED\n");
}

static int play_step(const struct lab *lab, size_t number, const struct demo_step *step,
		     struct capture *capture, struct demo_result *ret, struct err *err)
{
	const struct geneve_packet *packets;
	int r;

	putchar('\n');
	print_styled(STYLE_BOLD, "%zu. %s to %s: %s\n", number, step->from, step->to_name,
		     step->why);
	capture_restart(capture);
	r = ping(lab, step, ret, err);
	if (r < 0)
		return r;
	packets = capture_packets(capture, &ret->n_packets);
	printf("   ping:  %u of %d answered%s%s%s\n", ret->answers, PINGS, ret->rtt[0] ? ", " : "",
	       ret->rtt, ret->rtt[0] ? " ms" : "");
	print_packets(packets, ret->n_packets);
	ret->ok = ret->answers == (step->answered ? PINGS : 0) &&
		  wire_as_expected(step, packets, ret->n_packets);
	print_verdict(ret->ok);
	return 0;
}

static bool print_table(const struct demo_result *results)
{
	bool all_ok = true;

	putchar('\n');
	print_styled(STYLE_BOLD, "   from            to    ping answered       on the wire\n");
	print_styled(STYLE_BOLD, "                         expected   seen     expected   seen\n");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct demo_step *s = &steps[i];

		printf("   %-15s %-5s %4d %10u %12d %8zu      ", s->from, s->to_name,
		       s->answered ? PINGS : 0, results[i].answers, s->on_wire ? 2 * PINGS : 0,
		       results[i].n_packets);
		print_styled(results[i].ok ? STYLE_GOOD : STYLE_BAD, "%s\n",
			     results[i].ok ? "ok" : "DIFFERENT");
		all_ok &= results[i].ok;
	}
	putchar('\n');
	if (all_ok)
		print_styled(STYLE_GOOD, "Everything as expected.");
	else
		print_styled(STYLE_BAD, "Not everything is as expected.");
	puts(" \"heddle lab up\" leaves such a network running, to explore.");
	return all_ok;
}

static int play(const struct lab *lab, struct err *err)
{
	struct demo_result results[ARRAY_SIZE(steps)] = {};
	struct capture *capture = NULL;
	int r;

	printf("\n%s\n", picture);
	r = build_lab(lab, err);
	if (r == 0)
		r = open_capture(lab, &capture, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		r = play_step(lab, i + 1, &steps[i], capture, &results[i], err);
	capture_free(capture);
	if (r < 0)
		return r;
	return print_table(results) ? 0 : 1;
}

static int play_and_report(const struct lab *lab)
{
	struct err err = ERR_INIT;
	int r = play(lab, &err);

	fflush(stdout);
	if (r != 0)
		control_print_logs(lab);
	if (r < 0)
		fprintf(stderr, "heddle: demo: %s\n", err.text);
	return r == 0 ? 0 : 1;
}

int demo_run(const struct lab *lab, struct err *err)
{
	static const struct keeper_job job = { .name = "demo", .run = play_and_report };

	return keeper_run(lab, &job, err);
}
