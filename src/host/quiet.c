/* SPDX-License-Identifier: Apache-2.0 */
#include "host/quiet.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

/* The switch of a device, or of "default".  '\0': the kernel has no IPv6, or the device is gone. */
static char read_switch(const char *device)
{
	char path[96], value = '\0';
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return '\0';
	if (read(fd, &value, 1) != 1)
		value = '\0';
	close(fd);
	return value;
}

/* A read-only /proc is no reason to complain: it costs a counted drop now and then. */
static void write_switch(const char *device, char value)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", device);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, &value, 1);
	close(fd);
}

static void set(uint32_t ifindex, char value)
{
	char device[IF_NAMESIZE], now;

	if (!value || !if_indextoname(ifindex, device))
		return;
	now = read_switch(device);
	if (now && now != value)
		write_switch(device, value);
}

void quiet_begin(uint32_t ifindex)
{
	set(ifindex, '1');
}

void quiet_end(uint32_t ifindex)
{
	set(ifindex, read_switch("default"));
}
