# SPDX-License-Identifier: Apache-2.0
"""Large segments and their checksums, IPv6, MTU errors."""
import hashlib
import os
import socket
import subprocess
import threading

import pytest
from fabric import in_netns, run, wait_for
from test_switches import MAC, two_ports

BYTES = 24 << 20


def transfer(a, b):
    """BYTES of random data from a to b by TCP; True if they arrived unchanged."""
    data = os.urandom(1 << 20)
    got = hashlib.sha256()

    def receive(server):
        connection, _ = server.accept()
        while chunk := connection.recv(1 << 20):
            got.update(chunk)

    def listen():
        server = socket.create_server((b.address, 5555))
        server.settimeout(60)
        return server

    with in_netns(b.netns, listen) as server:
        receiver = threading.Thread(target=receive, args=(server,))
        receiver.start()
        with in_netns(a.netns, socket.create_connection, (b.address, 5555), 60) as client:
            for _ in range(BYTES >> 20):
                client.sendall(data)
        receiver.join(60)
    sent = hashlib.sha256()
    for _ in range(BYTES >> 20):
        sent.update(data)
    return got.digest() == sent.digest()


@pytest.mark.parametrize("direction", ["there", "back"])
def test_large_segments_pass_whole(fabric, direction):
    """Segmentation offload survives the encapsulation: most data crosses in large packets."""
    a, b = two_ports(fabric)
    if direction == "back":
        a, b = b, a
    with fabric.sniff_underlay() as wire:
        assert transfer(a, b)
        sizes = [len(f) for f in wire.read()]
    assert max(sizes) > 60000, f"largest packet: {max(sizes)}"


# The kernel writes a sum of 0 as 0xffff, the other zero of ones' complement, in TCP too; tshark takes that for wrong. One packet in
# 65,536 has it.
WRONG_TCP_SUM = "(tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && tcp.checksum_calculated == 0))"


@pytest.mark.parametrize("direction", ["there", "back"])
def test_checksums_on_a_wire_without_offloads(fabric, direction, tmp_path):
    """The same data as a NIC without offloads would send it: every checksum is there and right, no
    packet is larger than the MTU. tshark is the judge."""
    a, b = two_ports(fabric)
    if direction == "back":
        a, b = b, a
    for host in fabric.hosts.values():
        host.run("ethtool", "-K", "und0", "tx", "off", "tso", "off", "gso", "off", check=False)
    pcap = tmp_path / "wire.pcap"
    port = a.host.name
    capture = fabric.underlay.popen("tcpdump", "-i", port, "-U", "-B", "65536", "-w", pcap, "udp",
                                    "port", "6081", stderr=subprocess.PIPE, text=True)
    assert "listening" in capture.stderr.readline()
    assert transfer(a, b)
    capture.terminate()
    capture.wait(60)
    count = tshark(pcap, "tcp")
    assert count > 1000
    assert tshark(pcap, f"{WRONG_TCP_SUM} || ip.checksum.status == 0") == 0
    assert tshark(pcap, "frame.len > 1514") == 0
    assert tshark(pcap, "geneve && !(geneve.vni == 1)") == 0


def tshark(pcap, display_filter):
    out = run("tshark", "-r", pcap, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
              "-Y", display_filter, "-T", "fields", "-e", "frame.number", env={"HOME": "/tmp"})
    return len([line for line in out.splitlines() if line.strip().isdigit()])


def test_ipv6_inside(fabric):
    fabric.expected_drops = {"NO_PORT"}  # multicast listener reports, sent before the port is plugged in
    fabric.switch("s0", ("a", MAC.format(1) + " fd00::1"), ("b", MAC.format(2) + " fd00::2"),
                  ("c", MAC.format(3) + " fd00::3"))
    a = fabric.host("h1").plug("a", "a", MAC.format(1), ip6="fd00::1")
    b = fabric.host("h2").plug("b", "b", MAC.format(2), ip6="fd00::2")
    c = fabric.host("h1").plug("c", "c", MAC.format(3), ip6="fd00::3")
    fabric.sync()
    with fabric.sniff_underlay() as wire:
        assert a.ping("fd00::3", 3) == 3
        assert not [p for p in wire.tunnelled() if p[4] < 32768], "neighbours on one host"
        assert a.ping("fd00::2", 3) == 3 and b.ping("fd00::1", 3) == 3
        assert wire.tunnelled()
    assert c.ping("fd00::2", 1) == 1


def test_too_big_for_the_underlay_ipv4(fabric):
    """The sender learns the MTU from ICMP, and TCP goes on by itself."""
    a, b = two_ports(fabric)
    fabric.expected_drops = {"TOO_BIG"}
    for w in (a, b):
        w.ip("link", "set", "dev", "eth0", "mtu", "1500")
    done = a.run("ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1472", b.address, check=False)
    assert "mtu = 1442" in done.stdout or "mtu=1442" in done.stdout, done.stdout
    assert a.ping(b, 1, size=1442 - 28) == 1
    assert transfer(a, b)


def test_too_big_for_the_underlay_ipv6(fabric):
    fabric.expected_drops = {"TOO_BIG", "NO_PORT"}
    fabric.switch("s0", ("a", MAC.format(1) + " fd00::1"), ("b", MAC.format(2) + " fd00::2"))
    a = fabric.host("h1").plug("a", "a", MAC.format(1), ip6="fd00::1", mtu=1500)
    fabric.host("h2").plug("b", "b", MAC.format(2), ip6="fd00::2", mtu=1500)
    fabric.sync()
    done = a.run("ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1452", "fd00::2", check=False)
    assert "mtu=1442" in done.stdout.replace(" ", ""), done.stdout
    assert a.ping("fd00::2", 1, size=1442 - 48) == 1


def test_larger_underlay_mtu_is_used(fabric):
    a, b = two_ports(fabric)
    for host in fabric.hosts.values():
        host.ip("link", "set", "dev", "und0", "mtu", "9000")
        fabric.underlay.ip("link", "set", "dev", host.name, "mtu", "9000")
    for w in (a, b):
        w.host.ip("link", "set", "dev", w.device, "mtu", "8942")
        w.ip("link", "set", "dev", "eth0", "mtu", "8942")
    fabric.expected_drops = {"TOO_BIG"}
    wait_for("8942 bytes pass", lambda: a.ping(b, 1, 1, 0.05, 8942 - 28, "-M", "do") == 1)
    fabric.sync()
