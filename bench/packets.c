/* SPDX-License-Identifier: Apache-2.0 */
/* UDP packets at the rate the path can bear: a sender that hands the kernel many at a time and a receiver
 * that polls and counts, so that the path is measured and not system calls and wake-ups, which cost more than a
 * packet does on a virtual machine.
 *
 *   packets receive PORT SECONDS        prints packets received per second
 *   packets send ADDRESS PORT SECONDS
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	PAYLOAD_BYTES = 64,
	WAIT_S = 10, /* for the first packet */
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	char bytes[BATCH][PAYLOAD_BYTES];
};

static void batch_init(struct batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	for (int i = 0; i < BATCH; i++) {
		batch->vectors[i].iov_base = batch->bytes[i];
		batch->vectors[i].iov_len = PAYLOAD_BYTES;
		batch->messages[i].msg_hdr.msg_iov = &batch->vectors[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *host, const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		errx(2, "%s: not an IPv4 address", host);
	return address;
}

static int udp_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static int receive_packets(const char *port, double seconds)
{
	struct sockaddr_in address = address_of("0.0.0.0", port);
	struct timeval patience = { .tv_sec = WAIT_S };
	unsigned long packets = 0;
	int fd = udp_socket(), room = 4 << 20;
	static struct batch batch;
	double first_s = 0, now = 0;

	batch_init(&batch);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "bind");
	puts("ready");
	fflush(stdout);
	do {
		int n = recvmmsg(fd, batch.messages, BATCH,
				 first_s == 0 ? MSG_WAITFORONE : MSG_DONTWAIT, NULL);

		now = now_s();
		if (first_s == 0 && n < 0)
			err(1, "no packets");
		if (first_s == 0)
			first_s = now;
		else if (n > 0)
			packets += (unsigned long)n;
	} while (now - first_s < seconds);
	printf("%.0f\n", (double)packets / (now - first_s));
	return 0;
}

static int send_packets(const char *host, const char *port, double seconds)
{
	struct sockaddr_in address = address_of(host, port);
	double end_s = now_s() + seconds;
	int fd = udp_socket();
	static struct batch batch;

	batch_init(&batch);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "connect");
	do
		/* A refusal or a full queue is the path's answer; the receiver counts what arrives. */
		(void)!sendmmsg(fd, batch.messages, BATCH, 0);
	while (now_s() < end_s);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "receive") == 0)
		return receive_packets(argv[2], atof(argv[3]));
	if (argc == 5 && strcmp(argv[1], "send") == 0)
		return send_packets(argv[2], argv[3], atof(argv[4]));
	errx(2, "usage: packets receive PORT SECONDS | packets send ADDRESS PORT SECONDS");
}
