# SPDX-License-Identifier: Apache-2.0
"""Real stacks over the tunnel: large TCP segments both ways in both families, with offloads and with every checksum
computed and verified in software; path MTU discovery."""
import hashlib
import os
import socket
import threading

import pytest

import fabric
from pair import GUEST_IP6S, GUEST_IPS, pair

BYTES = 24 << 20


def off(ns, device, *features):
    for f in features:
        ns.sh("ethtool", "-K", device, f, "off")


def software(p):
    """As on hosts whose NICs help with nothing."""
    for h in p.hosts:
        off(h.ns, "und", "tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation", "tx-checksum-ip-generic", "rx")


def guests_without_offload(p):
    for g in p.guests:
        off(g.ns, "eth0", "tx", "rx", "tso", "gso")
        off(g.host.ns, g.device, "rx")


def transfer(sender, receiver, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = os.urandom(1 << 20)
    with receiver.entered():
        listener = socket.create_server((address, 5000), family=family)
    listener.settimeout(fabric.DEADLINE_S)
    with sender.entered():
        out = socket.socket(family)
    out.settimeout(fabric.DEADLINE_S)
    out.connect((address, 5000))
    conn, _ = listener.accept()
    conn.settimeout(fabric.DEADLINE_S)
    got, want = hashlib.sha256(), hashlib.sha256()

    def send():
        for _ in range(BYTES >> 20):
            out.sendall(data)
            want.update(data)
        out.close()

    t = threading.Thread(target=send)
    t.start()
    while block := conn.recv(1 << 18):
        got.update(block)
    t.join()
    conn.close()
    listener.close()
    assert got.digest() == want.digest()


def snmp(ns, name):
    """A counter of the namespace's TCP."""
    lines = [x.split() for x in ns.sh("cat", "/proc/self/net/snmp").splitlines() if x.startswith("Tcp:")]
    return int(dict(zip(*lines))[name])


@pytest.mark.parametrize("setup", [None, software, guests_without_offload])
@pytest.mark.parametrize("clsact", [False, True])
def test_tcp(setup, clsact):
    with pair(clsact=clsact) as p:
        if setup:
            setup(p)
        a, b = (g.ns for g in p.guests)
        drops = [fabric.Drops(h) for h in p.hosts]
        for ips in GUEST_IPS, GUEST_IP6S:
            transfer(a, b, ips[1])
            transfer(b, a, ips[0])
        for ns in a, b:
            assert snmp(ns, "InCsumErrors") == 0 and snmp(ns, "InErrs") == 0
        assert all(not any(r in ("internal", "too_big", "truncated") for _, _, r in d.delta()) for d in drops)


def test_large_segments_cross_whole():
    """A TCP segment of many times the MTU is one packet all the way: that is where the speed is."""
    with pair() as p:
        wire = fabric.Wire(p.hosts[1].ns, "und")
        transfer(p.guests[0].ns, p.guests[1].ns, GUEST_IPS[1])
        assert max(map(len, wire.received())) > 30000
        wire.close()


@pytest.mark.parametrize("address", [GUEST_IPS[1], GUEST_IP6S[1]])
def test_path_mtu_is_discovered(address):
    with pair() as p:
        for g in p.guests:
            g.ns.sh("ip", "link", "set", "eth0", "mtu", "1500")
        transfer(p.guests[0].ns, p.guests[1].ns, address)
        route = p.guests[0].ns.sh("ip", "route", "get", address)
        assert "mtu 1442" in route, route
