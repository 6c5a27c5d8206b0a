# SPDX-License-Identifier: Apache-2.0
"""VXLAN as OVN uses it between hosts: what goes out, what comes in, beside Geneve and alone."""
import pytest
from scapy.all import ARP, IP, UDP, Ether, IPv6, Raw

import fabric
from fabric import (ELSE, FLOOD, LOCAL_IP, LP1, M1, M2, NEIGHBOR, PMAC, READY, REM, REMOTE_IP, SWITCH, T_REMOTE, UMAC,
                    UNKNOWN, VXLAN, ip16)
from pair import GUEST_IP6S, GUEST_IPS, pair
from test_stack import snmp, software, transfer

OTHER_IP, OTHER = "192.168.33.21", "00:00:00:aa:bb:21"  # a second host, by Geneve
BROADCAST = "ff:ff:ff:ff:ff:ff"


@pytest.fixture
def vxlan(bench):
    """The bench's host reaches the other one by VXLAN."""
    h = bench.host
    h.tunnel(REMOTE_IP, "und", UMAC, PMAC, flags=READY | NEIGHBOR | VXLAN)
    h.chain(SWITCH, FLOOD, 1, {})
    h.chain(SWITCH, FLOOD, 2, {ip16(REMOTE_IP): (0, 0)})
    h.drop_entry("members", b"\x05\0\0\0\0\x80\1\0" + ip16(REMOTE_IP))
    h.apply()
    return bench


@pytest.fixture
def mixed(vxlan):
    """A second one is reached by Geneve."""
    h = vxlan.host
    h.tunnel(OTHER_IP, "und", UMAC, PMAC)
    h.want("tunnels", ip16("") + ip16(h.ip), bytes([VXLAN]) + bytes(39))
    h.target(SWITCH, 9, OTHER, T_REMOTE, remote=OTHER_IP)
    h.chain(SWITCH, FLOOD, 1, {ip16(OTHER_IP): (0, 0)})
    h.apply()
    return vxlan


def udp(src, dst, size=20, **kw):
    return bytes(Ether(src=src, dst=dst) / IP(src="10.0.1.1", dst="10.0.1.9", **kw) / UDP(sport=1, dport=2) / Raw(b"x" * size))


def wrap(inner, out, flags="08000000", vni=SWITCH, **ip):
    head = bytes.fromhex(flags) + (out << 20 | vni << 8).to_bytes(4, "big")
    ip = {"src": REMOTE_IP, "dst": LOCAL_IP, "flags": "DF"} | ip
    return bytes(Ether(src=PMAC, dst=UMAC) / IP(**ip) / UDP(sport=40000, dport=4789, chksum=0) / Raw(head + inner))


def unwrap(frame):
    """(12 bits of port or group, inner frame) of a frame on the underlay."""
    e = Ether(frame)
    assert (e[IP].src, e[IP].dst) == (LOCAL_IP, REMOTE_IP)
    assert e[UDP].dport == 4789 and e[UDP].chksum == 0 and e[IP].flags == "DF" and e[IP].ttl == 64
    assert e[UDP].sport >= 32768 and e[IP].len == len(frame) - 14 and e[UDP].len == len(frame) - 34
    x = frame[42:]
    assert x[:4] == b"\x08\0\0\0" and x[7] == 0
    vni = int.from_bytes(x[4:7], "big")
    assert vni & 0xfff == SWITCH
    return vni >> 12, x[8:]


def other(src, dst):
    return bytes(Ether(src=src, dst=dst, type=0x88b5)) + b"z" * 46


def arp(src, dst):
    return bytes(Ether(src=src, dst=dst) / ARP(op=1, hwsrc=src, psrc="10.0.1.1", pdst="10.0.1.77")) + bytes(18)


def test_unicast_out(vxlan):
    v6 = bytes(Ether(src=M1, dst=REM) / IPv6(src="fd00::1", dst="fd00::5") / UDP(sport=1, dport=2) / Raw(b"y"))
    for f in udp(M1, REM), v6, other(M1, REM):
        heard, drops = vxlan.case(vxlan.v1.wire, f)
        assert set(heard) == {"und"} and not drops
        assert unwrap(*heard["und"]) == (5, f)
    assert vxlan.case(vxlan.v1.wire, udp(M1, ELSE)) == ({}, {"localport_not_here": 1})
    assert vxlan.case(vxlan.lp1.wire, udp(LP1, REM)) == ({}, {"localport_to_remote": 1})


def test_ecn_and_mtu(vxlan):
    heard, _ = vxlan.case(vxlan.v1.wire, udp(M1, REM, tos=2))
    assert Ether(*heard["und"])[IP].tos == 2
    heard, drops = vxlan.case(vxlan.v1.wire, udp(M1, REM, size=1450 - 28))
    assert len(*heard["und"]) == 1514 and not drops
    heard, drops = vxlan.case(vxlan.v1.wire, udp(M1, REM, size=1451 - 28))
    assert drops == {"too_big": 1} and Ether(*heard["v1"])["ICMP"].nexthopmtu == 1450


def test_broadcast_out(vxlan):
    for f in udp(M1, BROADCAST), udp(M1, "01:00:5e:01:02:03"), other(M1, BROADCAST), arp(M1, BROADCAST):
        heard, drops = vxlan.case(vxlan.v1.wire, f)
        assert not drops
        assert unwrap(*heard.pop("und")) == (0x800, f)
        assert heard == {"v2": [f], "lp1": [f], "lp2": [f]}
    heard, _ = vxlan.case(vxlan.lp1.wire, udp(LP1, BROADCAST))
    assert set(heard) == {"v1", "v2"}


def test_unknown_out(vxlan):
    f = udp(M1, "00:00:00:00:00:99")
    assert vxlan.case(vxlan.v1.wire, f) == ({}, {"no_destination": 1})
    vxlan.host.chain(SWITCH, UNKNOWN, 2, {ip16(REMOTE_IP): (0, 0)})
    vxlan.host.apply()
    heard, drops = vxlan.case(vxlan.v1.wire, f)
    assert set(heard) == {"und"} and not drops and unwrap(*heard["und"]) == (0x801, f)


def test_a_flood_by_both_kinds_of_tunnel(mixed):
    before = mixed.host.counters(mixed.v1)
    frames = udp(M1, BROADCAST), other(M1, BROADCAST), arp(M1, BROADCAST), udp(M1, BROADCAST, size=1442 - 28)
    for f in frames:
        heard, drops = mixed.case(mixed.v1.wire, f)
        by_port = {Ether(g)[UDP].dport: g for g in heard.pop("und")}
        assert not drops and set(by_port) == {4789, 6081}
        assert unwrap(by_port[4789]) == (0x800, f)
        assert Ether(by_port[6081])[IP].dst == OTHER_IP and by_port[6081][58:] == f
        assert heard == {"v2": [f], "lp1": [f], "lp2": [f]}
    # Counted once; each case asks one question more.
    assert mixed.host.counters(mixed.v1)[0] - before[0] == 2 * len(frames)
    f = udp(M1, BROADCAST, size=1450 - 28)
    heard, drops = mixed.case(mixed.v1.wire, f)
    assert unwrap(*heard["und"]) == (0x800, f) and drops == {"too_big": 1}
    heard, _ = mixed.case(mixed.v1.wire, udp(M1, OTHER))
    assert Ether(*heard["und"])[UDP].dport == 6081
    heard, _ = mixed.case(mixed.v1.wire, udp(M1, REM))
    assert Ether(*heard["und"])[UDP].dport == 4789


def test_keys_that_do_not_fit(vxlan):
    for key in 2048, 4096 + 5, 32767:
        vxlan.host.target(SWITCH, key, REM, T_REMOTE, remote=REMOTE_IP)
        vxlan.host.apply()
        assert vxlan.case(vxlan.v1.wire, udp(M1, REM)) == ({}, {"vxlan_key": 1})
    vxlan.host.target(SWITCH, 2047, REM, T_REMOTE, remote=REMOTE_IP)
    vxlan.host.apply()
    heard, _ = vxlan.case(vxlan.v1.wire, udp(M1, REM))
    assert unwrap(*heard["und"])[0] == 2047


def test_unicast_in(vxlan):
    v6 = bytes(Ether(src=REM, dst=M1) / IPv6(src="fd00::5", dst="fd00::1") / UDP(sport=1, dport=2) / Raw(b"y"))
    for f in udp(REM, M1), v6, other(REM, M1), arp(REM, M1):
        assert vxlan.case(vxlan.und, wrap(f, 1)) == ({"v1": [f]}, {})
        assert vxlan.case(vxlan.und, wrap(f, 2)) == ({"v2": [f]}, {})
    assert vxlan.case(vxlan.und, wrap(udp(REM, M1, tos=2), 1, tos=3)) == ({"v1": [udp(REM, M1, tos=3)]}, {})


def test_a_port_of_the_tunnels_own(vxlan):
    """Encap.options:dst_port."""
    vxlan.host.tunnel(REMOTE_IP, "und", UMAC, PMAC, flags=READY | NEIGHBOR | VXLAN, port=7000)
    vxlan.host.apply()
    f = Ether(wrap(udp(REM, M1), 1))
    f[UDP].dport = 7000
    assert vxlan.case(vxlan.und, f) == ({"v1": [udp(REM, M1)]}, {})
    assert vxlan.case(vxlan.und, wrap(udp(REM, M1), 1)) == ({"v1": [udp(REM, M1)]}, {})
    heard, _ = vxlan.case(vxlan.v1.wire, udp(M1, REM))
    assert Ether(*heard["und"])[UDP].dport == 7000


def test_groups_in(vxlan):
    f = udp(REM, BROADCAST)
    for group in 0x800, 0x805, 0xfff:
        assert vxlan.case(vxlan.und, wrap(f, group)) == ({"v1": [f], "v2": [f]}, {})
    f = udp(REM, "00:00:00:00:00:99")
    assert vxlan.case(vxlan.und, wrap(f, 0x801)) == ({}, {})
    vxlan.host.chain(SWITCH, UNKNOWN, 0, {bytes(14) + b"\0\2": (vxlan.v2.ifindex, 0)})
    vxlan.host.apply()
    assert vxlan.case(vxlan.und, wrap(f, 0x801)) == ({"v2": [f]}, {})


def test_named_drops(vxlan):
    f = udp(REM, M1)
    for frame, reason in (
        (wrap(f, 3), "tunnel_to_localport"),
        (wrap(f, 5), "tunnel_not_here"),
        (wrap(f, 77), "tunnel_not_here"),
        (wrap(f, 0), "tunnel_not_here"),
        (wrap(f, 1, vni=6), "tunnel_not_here"),
        (wrap(f, 8), "target_disabled"),
        (wrap(f, 1, src="192.168.33.99"), "tunnel_sender"),
        (wrap(f, 1, flags="00000000"), "tunnel_header"),
        (wrap(f, 1)[:-1], "truncated"),
        (wrap(f[:13], 1), "truncated"),
        (wrap(b"", 1), "truncated"),
        (wrap(f, 1)[:44], "truncated"),
        (wrap(f, 1, tos=3), "tunnel_ecn"),
    ):
        assert vxlan.case(vxlan.und, frame) == ({}, {reason: 1}), reason


def test_vxlan_of_the_host_s_own_is_left_alone(bench):
    """Where we speak only Geneve, or only Geneve with this sender, port 4789 is somebody else's."""
    for frame in wrap(udp(REM, M1), 1), wrap(udp(REM, M1), 1, src="192.168.33.99"):
        heard, drops = bench.case(bench.und, frame)
        assert set(heard) <= {"und"} and not drops


def test_vxlan_from_a_geneve_neighbour_is_left_alone(mixed):
    heard, drops = mixed.case(mixed.und, wrap(udp(REM, M1), 1, src=OTHER_IP))
    assert set(heard) <= {"und"} and not drops


@pytest.mark.parametrize("setup", [None, software])
def test_tcp(setup):
    with pair(tunnel=VXLAN) as p:
        if setup:
            setup(p)
        a, b = (g.ns for g in p.guests)
        wire = fabric.Wire(p.hosts[1].ns, "und")
        for ips in GUEST_IPS, GUEST_IP6S:
            transfer(a, b, ips[1])
            transfer(b, a, ips[0])
        if not setup:
            assert max(map(len, wire.received())) > 30000
        wire.close()
        for ns in a, b:
            assert snmp(ns, "InCsumErrors") == 0 and snmp(ns, "InErrs") == 0
        for h in p.hosts:
            assert not any(r in ("internal", "too_big", "truncated") for _, _, r in h.drops())


@pytest.mark.parametrize("address", [GUEST_IPS[1], GUEST_IP6S[1]])
def test_path_mtu_is_discovered(address):
    with pair(tunnel=VXLAN) as p:
        for g in p.guests:
            g.ns.sh("ip", "link", "set", "eth0", "mtu", "1500")
        transfer(p.guests[0].ns, p.guests[1].ns, address)
        route = p.guests[0].ns.sh("ip", "route", "get", address)
        assert "mtu 1450" in route, route
