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


@pytest.mark.parametrize("setup", [None, software])
def test_a_workload_may_forward(setup):
    """What came out of a tunnel goes into the next one: the kernel keeps the marks of the first on large segments."""
    with pair() as p:
        if setup:
            setup(p)
        (here, there), (a, router) = p.hosts, p.guests
        far = here.guest("t", "00:00:00:aa:bb:30")
        here.port(far, fabric.SWITCH, 3)
        here.target(fabric.SWITCH, 3, far.mac, fabric.T_LOCAL | fabric.T_PEER, far.ifindex)
        there.target(fabric.SWITCH, 3, far.mac, fabric.T_REMOTE, remote=here.ip)
        for h, answers in (here, ((3, far), (2, router))), (there, ((3, far), (1, a))):
            for key, g in answers:
                h.neighbor(fabric.SWITCH, f"10.0.2.{key}", g.mac, key)
                h.neighbor(fabric.SWITCH, f"fd02::{key}", g.mac, key)
            h.apply()
        here.do("attach", "workload", far.ifindex)
        for ns, sysctl in (far.ns, "disable_ipv6=0"), (router.ns, "forwarding=1"):
            name, value = sysctl.split("=")
            ns.sh("sh", "-c", f"echo {value} > /proc/sys/net/ipv6/conf/eth0/{name}; echo {value} > /proc/sys/net/ipv6/conf/all/{name}")
        router.ns.sh("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects; "
                     "echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects")
        far.ns.sh("ip", "link", "set", "eth0", "mtu", "1442")
        far.ns.sh("ip", "addr", "add", "10.0.2.3/24", "dev", "eth0")
        far.ns.sh("ip", "addr", "add", "fd02::3/64", "dev", "eth0", "nodad")
        router.ns.sh("ip", "addr", "add", "10.0.2.2/24", "dev", "eth0")
        router.ns.sh("ip", "addr", "add", "fd02::2/64", "dev", "eth0", "nodad")
        far.ns.sh("ip", "route", "add", "default", "via", "10.0.2.2")
        far.ns.sh("ip", "-6", "route", "add", "default", "via", "fd02::2")
        a.ns.sh("ip", "route", "add", "10.0.2.0/24", "via", GUEST_IPS[1])
        a.ns.sh("ip", "-6", "route", "add", "fd02::/64", "via", GUEST_IP6S[1])
        drops = [fabric.Drops(h) for h in p.hosts]
        for address in "10.0.2.3", "fd02::3":
            transfer(a.ns, far.ns, address)
            assert all(not any(r in ("internal", "segmentation") for _, _, r in d.delta()) for d in drops), address
