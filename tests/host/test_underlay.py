# SPDX-License-Identifier: Apache-2.0
"""The ways between hosts, while addresses, routes, neighbours and MTUs change under them."""
import re
import signal
import subprocess

import pytest

from agent import wait_for


class Workload:
    """A namespace with one interface, plugged in as a logical port."""

    def __init__(self, host, port, number):
        self.host, self.netns, self.address = host, f"{host.netns}w", f"10.0.1.{number}"
        subprocess.run(["ip", "netns", "add", self.netns], check=True)
        host.ip("link", "add", "w0", "type", "veth", "peer", "name", "eth0", "netns", self.netns)
        host.ip("link", "set", "w0", "up")
        for words in (["link", "set", "lo", "up"],
                      ["link", "set", "eth0", "address", f"00:00:00:aa:bb:{number}", "up"],
                      ["addr", "add", f"{self.address}/24", "dev", "eth0"]):
            subprocess.run(["nsenter", f"--net=/run/netns/{self.netns}", "ip", *words], check=True)
        host.heddle("plug", "w0", port)

    def ping(self, other, *more):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.netns}", "ping", "-n", "-c1", "-W0.3", *more,
                               other.address], capture_output=True, text=True)

    def reaches(self, other):
        return self.ping(other).returncode == 0

    def close(self):
        subprocess.run(["ip", "netns", "del", self.netns], check=True)


class Wire:
    """Two hosts whose devices u0 end in a third namespace: on one bridge there, or, routed, each in a subnet
    of its own.  Each has a workload on one logical switch."""

    def __init__(self, world, routed=False):
        self.world, self.routed = world, routed
        self.second = "192.168.89.2" if routed else "192.168.88.2"
        self.hosts = [world.host(1), world.host(2, encap_ip=self.second)]
        self.netns = self.hosts[0].netns + "x"
        subprocess.run(["ip", "netns", "add", self.netns], check=True)
        if routed:
            subprocess.run(["nsenter", f"--net=/run/netns/{self.netns}", "sysctl", "-qw",
                            "net.ipv4.ip_forward=1"], check=True)
        else:
            self.ip("link", "add", "sw", "up", "type", "bridge")
        for number, host in enumerate(self.hosts, 1):
            self.connect(host, number)
        self.workloads = []

    def ip(self, *words):
        subprocess.run(["nsenter", f"--net=/run/netns/{self.netns}", "ip", *words], check=True)

    def connect(self, host, number, device="u0"):
        end = f"h{number}{device}"
        host.ip("link", "add", device, "type", "veth", "peer", "name", end, "netns", self.netns)
        host.ip("link", "set", device, "up")
        self.ip("link", "set", end, "up", *([] if self.routed else ["master", "sw"]))
        if self.routed:
            self.ip("addr", "add", f"192.168.{87 + number}.254/24", "dev", end)

    def start(self):
        self.world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1", "--", "lsp-add", "s", "p2", "--",
                         "lsp-set-addresses", "p1", "00:00:00:aa:bb:10 10.0.1.10", "--",
                         "lsp-set-addresses", "p2", "00:00:00:aa:bb:20 10.0.1.20")
        for number, host in enumerate(self.hosts, 1):
            host.start()
            host.wait_log("the datapath holds")
            self.workloads.append(Workload(host, f"p{number}", f"{number}0"))
        self.world.nbctl("--wait=hv", "sync")

    def give_addresses(self, prefix=24):
        self.hosts[0].ip("addr", "add", f"192.168.88.1/{prefix}", "dev", "u0")
        self.hosts[1].ip("addr", "add", f"{self.second}/{prefix}", "dev", "u0")

    def log(self):
        return "".join(f"--- {host.netns}\n{host.log()}{host.ip('addr')}{host.ip('neigh')}" for host in self.hosts)

    def wait_reachable(self):
        first, second = self.workloads
        wait_for(lambda: first.reaches(second) and second.reaches(first), "packets cross", self.log)

    def wait_unreachable(self):
        first, second = self.workloads
        wait_for(lambda: not first.reaches(second), "no packet crosses", self.log)

    def close(self):
        for workload in self.workloads:
            workload.close()
        subprocess.run(["ip", "netns", "del", self.netns], check=True)


@pytest.fixture
def wire(world):
    wire = Wire(world)
    yield wire
    try:
        assert all(host.is_consistent() for host in wire.hosts)
    finally:
        wire.close()


@pytest.fixture
def routed(world):
    wire = Wire(world, routed=True)
    yield wire
    try:
        assert all(host.is_consistent() for host in wire.hosts)
    finally:
        wire.close()


def test_addresses_may_appear_late(wire):
    wire.start()
    assert not wire.workloads[0].reaches(wire.workloads[1])
    wire.give_addresses()
    wire.wait_reachable()


def test_an_address_may_move_to_another_device(wire):
    wire.give_addresses()
    wire.start()
    wire.wait_reachable()
    wire.connect(wire.hosts[0], 1, "u1")
    wire.hosts[0].ip("link", "set", "u0", "down")
    wire.hosts[0].ip("addr", "del", "192.168.88.1/24", "dev", "u0")
    wire.hosts[0].ip("addr", "add", "192.168.88.1/24", "dev", "u1")
    wire.wait_reachable()
    wire.hosts[0].ip("link", "del", "u0")
    wire.wait_reachable()


def test_a_device_may_be_made_again(wire):
    wire.give_addresses()
    wire.start()
    wire.wait_reachable()
    wire.hosts[0].ip("link", "del", "u0")
    wire.wait_unreachable()
    wire.connect(wire.hosts[0], 1)
    wire.hosts[0].ip("addr", "add", "192.168.88.1/24", "dev", "u0")
    wire.wait_reachable()


def test_a_device_may_go_down_and_come_up(wire):
    wire.give_addresses()
    wire.start()
    wire.wait_reachable()
    wire.hosts[1].ip("link", "set", "u0", "down")
    wire.wait_unreachable()
    wire.hosts[1].ip("link", "set", "u0", "up")
    wire.wait_reachable()


def test_a_default_route_leads_through_a_gateway(routed):
    routed.give_addresses()
    routed.start()
    assert not routed.workloads[0].reaches(routed.workloads[1])
    for number, host in enumerate(routed.hosts, 1):
        host.ip("route", "add", "default", "via", f"192.168.{87 + number}.254")
    routed.wait_reachable()


def test_a_route_may_be_withdrawn_and_return(routed):
    routed.give_addresses()
    for number, host in enumerate(routed.hosts, 1):
        host.ip("route", "add", "default", "via", f"192.168.{87 + number}.254")
    routed.start()
    routed.wait_reachable()
    routed.hosts[0].ip("route", "del", "default")
    routed.wait_unreachable()
    routed.hosts[0].ip("route", "add", "192.168.89.0/24", "via", "192.168.88.254")
    routed.wait_reachable()


def test_a_neighbour_may_change_its_mac_address(wire):
    wire.give_addresses()
    wire.start()
    wire.wait_reachable()
    # The kernel of host 2 forgets its neighbours; asking for them again tells host 1.
    wire.hosts[1].ip("link", "set", "u0", "address", "02:00:00:00:00:99")
    wire.wait_reachable()
    wire.hosts[1].stop()
    subprocess.run(wire.hosts[1].inside("sysctl", "-qw", "net.ipv4.conf.u0.arp_notify=1"), check=True)
    wire.hosts[1].ip("link", "set", "u0", "address", "02:00:00:00:00:9a")
    wait_for(lambda: "02:00:00:00:00:9a" in wire.hosts[0].ip("neigh"), "the announcement arrives", wire.log)
    wire.wait_reachable()
    wire.hosts[1].start()
    wait_for(lambda: wire.hosts[1].log().count("the datapath holds") == 2, "it has started again", wire.log)


def test_a_smaller_mtu_is_told_to_the_sender(wire):
    wire.give_addresses()
    wire.start()
    wire.wait_reachable()
    first, second = wire.workloads
    assert first.ping(second, "-Mdo", "-s1400").returncode == 0
    wire.hosts[0].ip("link", "set", "u0", "mtu", "1400")

    def told():
        said = re.search(r"mtu ?= ?(\d+)", (done := first.ping(second, "-Mdo", "-s1400")).stdout + done.stderr)
        return said and int(said[1]) == 1400 - 58
    wait_for(told, "the sender knows the new MTU", lambda: first.ping(second, "-Mdo", "-s1400").stdout + wire.log())
    assert first.ping(second, "-Mdo", f"-s{1400 - 58 - 28}").returncode == 0
    wire.hosts[0].ip("link", "set", "u0", "mtu", "1500")

    def fits():
        """What it was told, perhaps a moment too late, the workload believes for ten minutes."""
        subprocess.run(["nsenter", f"--net=/run/netns/{first.netns}", "ip", "route", "flush", "cache"], check=True)
        return first.ping(second, "-Mdo", "-s1400").returncode == 0
    wait_for(fits, "it fits again", wire.log)


def test_lost_events_are_made_up_for(wire):
    """The kernel drops events when their queue is full; everything is read again then."""
    wire.give_addresses()
    wire.start()
    wire.wait_reachable()
    wire.connect(wire.hosts[0], 1, "u1")
    host = wire.hosts[0]
    host.process.send_signal(signal.SIGSTOP)  # nobody reads
    batch = "link add n0 type bridge\n" + "".join(f"link set n0 mtu {1200 + i % 100}\n" for i in range(8000))
    subprocess.run(host.inside("ip", "-batch", "-"), input=batch + "link del n0\n", text=True, check=True)
    host.ip("addr", "del", "192.168.88.1/24", "dev", "u0")
    host.ip("addr", "add", "192.168.88.1/24", "dev", "u1")
    host.ip("link", "set", "u0", "down")
    host.process.send_signal(signal.SIGCONT)
    wire.wait_reachable()
    host.wait_log("events were missed")
    host.vsctl("--no-wait", "add-port", "br-int", "late")  # and what happens then is heard of
    host.wait_get("Interface", "late", "ofport", "-1")
    host.add_veth("late")
    wait_for(lambda: int(host.get("Interface", "late", "ofport")) > 0, "the device is seen", host.log)
