# SPDX-License-Identifier: Apache-2.0
"""What a workload sends: the truth table of localports cell by cell, answers to ARP and ND, everything that is dropped."""
import pytest
from scapy.all import ARP, ICMP, IP, UDP, Dot1Q, Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6, Raw
from scapy.layers.inet6 import ICMPv6PacketTooBig, in6_chksum

import fabric
from fabric import (DIS, ELSE, LOCALPORT, LP1, LP2, M1, M2, REM, SWITCH, UNB, UNKNOWN, T_DOWN, T_LOCAL, T_LOCALPORT,
                    T_PEER, ip16)

BROADCAST = "ff:ff:ff:ff:ff:ff"
MCAST = "01:00:5e:01:02:03"


def udp(src, dst, size=20):
    return bytes(Ether(src=src, dst=dst) / IP(src="10.0.1.1", dst="10.0.1.9") / UDP(sport=1, dport=2) / Raw(b"x" * size))


def inner(frame):
    """Of a frame on the underlay: key, group and inner frame, after a look at every outer byte that is fixed."""
    e = Ether(frame)
    assert e[UDP].dport == 6081 and e[UDP].chksum == 0 and e[IP].flags == "DF" and e[IP].ttl == 64
    assert e[IP].len == len(frame) - 14 and e[UDP].len == len(frame) - 34
    g = bytes(e[UDP])[8:]
    assert g[:16].hex()[:28] == "02406558" + f"{SWITCH:06x}" + "00" + "010280" + "01" + g[12:14].hex()
    return int.from_bytes(g[12:14], "big"), int.from_bytes(g[14:16], "big"), g[16:]


def test_vif_unicast(bench):
    f = udp(M1, M2)
    assert bench.case(bench.v1.wire, f) == ({"v2": [f]}, {})
    heard, drops = bench.case(bench.v1.wire, udp(M1, REM))
    assert set(heard) == {"und"} and not drops
    (frame,) = heard["und"]
    assert inner(frame) == (1, 5, udp(M1, REM))
    f = udp(M1, LP1)
    assert bench.case(bench.v1.wire, f) == ({"lp1": [f]}, {})
    assert bench.case(bench.v1.wire, udp(M1, ELSE)) == ({}, {"localport_not_here": 1})
    assert bench.case(bench.v1.wire, udp(M1, UNB)) == ({}, {"not_bound": 1})
    assert bench.case(bench.v1.wire, udp(M1, DIS)) == ({}, {"target_disabled": 1})
    assert bench.case(bench.v1.wire, udp(M1, M1)) == ({}, {"same_port": 1})
    assert bench.case(bench.v1.wire, udp(M1, "00:00:00:00:00:99")) == ({}, {"no_destination": 1})


def test_vif_broadcast(bench):
    for dst in BROADCAST, MCAST:
        f = udp(M1, dst)
        heard, drops = bench.case(bench.v1.wire, f)
        assert not drops
        assert {k: v for k, v in heard.items() if k != "und"} == {"v2": [f], "lp1": [f], "lp2": [f]}
        (frame,) = heard["und"]
        assert inner(frame) == (1, 32768, f)


def test_a_copy_that_a_device_refuses_is_a_drop(bench):
    bench.host.ns.ip(f"link set {bench.v2.device} down")
    f = udp(M1, BROADCAST)
    heard, drops = bench.case(bench.v1.wire, f)
    assert set(heard) == {"lp1", "lp2", "und"} and drops == {"device_refused": 1}


def test_a_device_that_is_down(bench):
    """Packets for it are counted, and delivered as soon as it is up, even if nobody has told the datapath."""
    h, f = bench.host, udp(M1, M2)
    h.target(SWITCH, 2, M2, T_LOCAL | T_DOWN | (0 if bench.v2.tap else T_PEER), bench.v2.ifindex)
    h.apply()
    h.ns.ip(f"link set {bench.v2.device} down")
    assert bench.case(bench.v1.wire, f) == ({}, {"device_refused": 1})
    h.ns.ip(f"link set {bench.v2.device} up")
    assert bench.case(bench.v1.wire, f) == ({"v2": [f]}, {})


def test_localport_unicast(bench):
    for src, dst, to in (LP1, M1, "v1"), (LP1, M2, "v2"), (LP1, LP2, "lp2"):
        f = udp(src, dst)
        assert bench.case(bench.lp1.wire, f) == ({to: [f]}, {})
    assert bench.case(bench.lp1.wire, udp(LP1, REM)) == ({}, {"localport_to_remote": 1})
    assert bench.case(bench.lp1.wire, udp(LP1, ELSE)) == ({}, {"localport_not_here": 1})


def test_localport_broadcast(bench):
    f = udp(LP1, BROADCAST)
    assert bench.case(bench.lp1.wire, f) == ({"v1": [f], "v2": [f]}, {})


def test_unknown_unicast(bench):
    h = bench.host
    f = udp(M1, "00:00:00:00:00:99")
    h.chain(SWITCH, UNKNOWN, 0, {bytes(14) + b"\0\2": (bench.v2.ifindex, 0), bytes(14) + b"\0\3": (bench.lp1.ifindex, T_LOCALPORT)})
    h.chain(SWITCH, UNKNOWN, 1, {ip16(fabric.REMOTE_IP): (0, 0)})
    h.apply()
    heard, drops = bench.case(bench.v1.wire, f)
    assert not drops and heard["v2"] == heard["lp1"] == [f] and "lp2" not in heard
    (frame,) = heard["und"]
    assert inner(frame) == (1, 32769, f)
    f = udp(LP2, "00:00:00:00:00:99")
    assert bench.case(bench.lp2.wire, f) == ({"v2": [f]}, {})


def test_disabled_and_malformed(bench):
    h = bench.host
    assert bench.case(bench.v2.wire, bytes(Ether(src=M2, dst=M1) / Dot1Q(vlan=3) / IP())) == ({}, {"vlan": 1})
    assert bench.case(bench.v2.wire, udp("01:00:00:00:00:01", M1)) == ({}, {"source_multicast": 1})
    h.port(bench.v2, SWITCH, 2, fabric.DISABLED)
    h.apply()
    assert bench.case(bench.v2.wire, udp(M2, M1)) == ({}, {"port_disabled": 1})
    h.drop_entry("ports", bench.v2.ifindex.to_bytes(4, "little"))
    h.apply()
    assert bench.case(bench.v2.wire, udp(M2, M1)) == ({}, {"no_port": 1})


def test_host_stack_is_kept_out(bench):
    with bench.host.ns.entered():
        s = fabric.socket.socket(fabric.socket.AF_PACKET, fabric.socket.SOCK_RAW, 0)
    drops = fabric.Drops(bench.host)
    with pytest.raises(OSError):
        s.sendto(udp(M2, M1), (bench.v1.device, 0))
    assert bench.heard() == {} and drops.delta() == {(SWITCH, 1, "host_stack"): 1}
    s.close()


def arp(src, spa, tpa, dst=BROADCAST, op=1):
    return bytes(Ether(src=src, dst=dst) / ARP(op=op, hwsrc=src, psrc=spa, hwdst="00:00:00:00:00:00", pdst=tpa))


def test_arp_is_answered(bench):
    for dst in BROADCAST, M2, REM:
        for wire, src, asked, owner in (("v1", M1, "10.0.1.2", M2), ("v1", M1, "10.0.1.5", REM), ("lp1", LP1, "10.0.1.5", REM), ("lp1", LP1, "10.0.1.1", M1)):
            heard, drops = bench.case(bench.wires[wire], arp(src, "10.0.1.77", asked, dst))
            assert set(heard) == {wire} and not drops
            (f,) = heard[wire]
            assert f == bytes(Ether(src=owner, dst=src) / ARP(op=2, hwsrc=owner, psrc=asked, hwdst=src, pdst="10.0.1.77"))


def test_arp_for_oneself_or_nobody_floods(bench):
    for asked in "10.0.1.1", "10.0.1.200":
        f = arp(M1, "10.0.1.1", asked)
        heard, drops = bench.case(bench.v1.wire, f)
        assert not drops and heard["v2"] == heard["lp1"] == heard["lp2"] == [f]
        (frame,) = heard["und"]
        assert inner(frame) == (1, 32768, f)
    reply = arp(M1, "10.0.1.1", "10.0.1.2", M2, 2)
    assert bench.case(bench.v1.wire, reply) == ({"v2": [reply]}, {})


def ns(src_mac, src, target, dst="ff02::1:ff00:2", dst_mac="33:33:ff:00:00:02"):
    p = Ether(src=src_mac, dst=dst_mac) / IPv6(src=src, dst=dst, hlim=255) / ICMPv6ND_NS(tgt=target)
    return bytes(p / ICMPv6NDOptSrcLLAddr(lladdr=src_mac) if src != "::" else p)


def test_nd_is_answered(bench):
    for kw in {}, {"dst": "fd00::2", "dst_mac": M2}:
        heard, drops = bench.case(bench.v1.wire, ns(M1, "fd00::1", "fd00::2", **kw))
        assert set(heard) == {"v1"} and not drops
        (f,) = heard["v1"]
        na = Ether(f)
        assert (na.src, na.dst, na[IPv6].src, na[IPv6].dst, na[IPv6].hlim) == (M2, M1, "fd00::2", "fd00::1", 255)
        assert (na[ICMPv6ND_NA].tgt, na[ICMPv6ND_NA].S, na[ICMPv6ND_NA].O, na[ICMPv6ND_NA].R) == ("fd00::2", 1, 1, 0)
        assert na.lladdr == M2 and in6_chksum(58, na[IPv6], bytes(na[ICMPv6ND_NA])) == 0 and len(f) == 86


def test_nd_probe_is_answered_to_all_nodes(bench):
    heard, _ = bench.case(bench.v1.wire, ns(M1, "::", "fd00::2"))
    (f,) = heard["v1"]
    na = Ether(f)
    assert (na.dst, na[IPv6].dst, na[ICMPv6ND_NA].S) == ("33:33:00:00:00:01", "ff02::1", 0)
    assert in6_chksum(58, na[IPv6], bytes(na[ICMPv6ND_NA])) == 0
    f = ns(M1, "::", "fd00::1")
    heard, _ = bench.case(bench.v1.wire, f)
    assert heard["v2"] == [f] and "v1" not in heard


def test_too_big_v4(bench):
    f = bytes(Ether(src=M1, dst=REM) / IP(src="10.0.1.1", dst="10.0.1.5", flags="DF") / UDP(sport=1, dport=2) / Raw(b"x" * 1414))
    heard, drops = bench.case(bench.v1.wire, f)
    assert set(heard) == {"und"} and not drops and len(f) == 1456
    f = bytes(Ether(src=M1, dst=REM) / IP(src="10.0.1.1", dst="10.0.1.5", flags="DF") / UDP(sport=1, dport=2) / Raw(b"x" * 1415))
    heard, drops = bench.case(bench.v1.wire, f)
    assert set(heard) == {"v1"} and drops == {"too_big": 1}
    (a,) = heard["v1"]
    p = Ether(a)
    assert (p.src, p.dst, p[IP].src, p[IP].dst) == (REM, M1, "10.0.1.5", "10.0.1.1")
    assert (p[ICMP].type, p[ICMP].code, p[ICMP].nexthopmtu) == (3, 4, 1442)
    again = Ether(a)
    del again[IP].chksum, again[ICMP].chksum
    assert bytes(again)[14:42] == a[14:42] and a[42:] == f[14:14 + 128]


def test_too_big_of_unknown_unicast(bench):
    """Local members get it, none of the others: the sender will try again with less."""
    h, dst = bench.host, "00:00:00:00:00:99"
    h.chain(SWITCH, UNKNOWN, 0, {bytes(14) + b"\0\2": (bench.v2.ifindex, 0)})
    h.chain(SWITCH, UNKNOWN, 1, {ip16(fabric.REMOTE_IP): (0, 0)})
    h.apply()

    def packet(size, to=dst):
        return bytes(Ether(src=M1, dst=to) / IP(src="10.0.1.1", dst="10.0.1.5", flags="DF") / UDP() / Raw(b"x" * size))
    heard, drops = bench.case(bench.v1.wire, packet(1414))
    assert set(heard) == {"v2", "und"} and not drops
    f = packet(1415)
    heard, drops = bench.case(bench.v1.wire, f)
    assert set(heard) == {"v1", "v2"} and heard["v2"] == [f] and drops == {"too_big": 1}
    assert Ether(*heard["v1"])[ICMP].nexthopmtu == 1442 and Ether(*heard["v1"]).src == dst
    heard, drops = bench.case(bench.v1.wire, packet(1415, BROADCAST))  # nobody to answer for
    assert "v1" not in heard and drops == {"too_big": 1}


def test_too_big_v6(bench):
    f = bytes(Ether(src=M1, dst=REM) / IPv6(src="fd00::1", dst="fd00::5") / UDP(sport=1, dport=2) / Raw(b"x" * 1395))
    heard, drops = bench.case(bench.v1.wire, f)
    assert set(heard) == {"v1"} and drops == {"too_big": 1}
    (a,) = heard["v1"]
    p = Ether(a)
    assert (p.src, p.dst, p[IPv6].src, p[IPv6].dst) == (REM, M1, "fd00::5", "fd00::1")
    assert p[ICMPv6PacketTooBig].mtu == 1442 and a[62:] == f[14:14 + 128]
    assert in6_chksum(58, p[IPv6], a[54:]) == 0


def test_no_too_big_about_an_error(bench):
    f = bytes(Ether(src=M1, dst=REM) / IP(src="10.0.1.1", dst="10.0.1.5") / ICMP(type=3, code=1) / Raw(b"x" * 1428))
    assert bench.case(bench.v1.wire, f) == ({}, {"too_big": 1})


def test_counters(bench):
    before = bench.host.counters(bench.v2)
    bench.case(bench.v1.wire, udp(M1, M2))
    bench.case(bench.v1.wire, udp(M1, BROADCAST))
    after = bench.host.counters(bench.v2)
    assert (after[2] - before[2], after[3] - before[3]) == (2, 2 * len(udp(M1, M2)))
    bench.case(bench.v2.wire, udp(M2, M1))
    assert bench.host.counters(bench.v2)[0] - after[0] == 1


def test_drops_of_ports_that_are_gone_make_room(bench):
    h = bench.host
    bench.case(bench.v1.wire, udp(M1, ELSE))
    bench.case(bench.v2.wire, udp(M2, ELSE))
    h.drop_entry("lports", fabric.struct.pack("=II", SWITCH, 2))
    h.apply()
    of = lambda: {key for datapath, key, reason in h.drops() if reason == "localport_not_here"}
    h.do("prune", 1000)
    assert of() == {1, 2}  # there is room
    h.do("prune", 1)
    assert of() == {1}
