# SPDX-License-Identifier: Apache-2.0
"""What arrives from the underlay: who gets it, what is dropped and under which name, what is left alone."""
import random
import socket

import pytest
from scapy.all import ARP, IP, UDP, Ether, IPv6, Raw

import fabric
from fabric import (FLOOD, LOCAL_IP, LP1, M1, M2, PMAC, REM, REMOTE_IP, SWITCH, T_DISABLED, T_LOCAL, T_REMOTE, UMAC, UNKNOWN)
from pair import pair

OPTION = "01028001"


def geneve(inner, out_key, in_key=5, vni=SWITCH, options=None, first=None, flags=0x40, proto="6558", **ip):
    option = bytes.fromhex(OPTION) + in_key.to_bytes(2, "big") + out_key.to_bytes(2, "big")
    options = option if options is None else options
    head = bytes([len(options) // 4 if first is None else first, flags]) + bytes.fromhex(proto) + (vni << 8).to_bytes(4, "big")
    ip = {"src": REMOTE_IP, "dst": LOCAL_IP, "flags": "DF"} | ip
    return bytes(Ether(src=PMAC, dst=UMAC) / IP(**ip) / UDP(sport=40000, dport=6081, chksum=0) / Raw(head + options + inner))


def udp(src=REM, dst=M1, **kw):
    return bytes(Ether(src=src, dst=dst) / IP(src="10.0.1.5", dst="10.0.1.1", **kw) / UDP(sport=1, dport=2) / Raw(b"x" * 20))


def test_unicast(bench):
    v6 = bytes(Ether(src=REM, dst=M1) / IPv6(src="fd00::5", dst="fd00::1") / UDP(sport=1, dport=2) / Raw(b"y"))
    arp = bytes(Ether(src=REM, dst=M1) / ARP(op=2, hwsrc=REM, psrc="10.0.1.5", hwdst=M1, pdst="10.0.1.1"))
    other = bytes(Ether(src=REM, dst=M1, type=0x88b5)) + b"z" * 46
    for f in udp(), v6, arp, other:
        assert bench.case(bench.und, geneve(f, 1)) == ({"v1": [f]}, {})
        assert bench.case(bench.und, geneve(f, 2)) == ({"v2": [f]}, {})


def test_a_stock_sender_sets_the_udp_checksum(bench):
    f = Ether(geneve(udp(), 1))
    del f[UDP].chksum
    f = bytes(f)
    assert Ether(f)[UDP].chksum and bench.case(bench.und, f) == ({"v1": [udp()]}, {})


def test_a_port_of_the_tunnels_own(bench):
    """Encap.options:dst_port."""
    bench.host.tunnel(REMOTE_IP, "und", UMAC, PMAC, port=7000)
    bench.host.apply()
    f = Ether(geneve(udp(), 1))
    f[UDP].dport = 7000
    for frame in bytes(f), geneve(udp(), 1):
        assert bench.case(bench.und, frame) == ({"v1": [udp()]}, {})
    bench.und.received()
    bench.v1.wire.send(udp(src=M1, dst=REM))
    assert Ether(bench.und.expect())[UDP].dport == 7000


def test_broadcast_goes_to_local_vifs_only(bench):
    for key in 32768, 32772, 65535:
        f = udp(dst="ff:ff:ff:ff:ff:ff")
        assert bench.case(bench.und, geneve(f, key)) == ({"v1": [f], "v2": [f]}, {})


def test_unknown_group(bench):
    f = udp(dst="00:00:00:00:00:99")
    assert bench.case(bench.und, geneve(f, UNKNOWN)) == ({}, {})
    bench.host.chain(SWITCH, UNKNOWN, 0, {bytes(14) + b"\0\2": (bench.v2.ifindex, 0)})
    bench.host.apply()
    assert bench.case(bench.und, geneve(f, UNKNOWN)) == ({"v2": [f]}, {})


def test_named_drops(bench):
    bench.host.target(SWITCH, 8, fabric.DIS, T_LOCAL | T_DISABLED, bench.v2.ifindex)
    bench.host.apply()
    plain = bytes.fromhex("0102000100050001")
    for frame, reason in (
        (geneve(udp(), 3), "tunnel_to_localport"),
        (geneve(udp(), 6), "tunnel_to_localport"),
        (geneve(udp(), 5), "tunnel_not_here"),
        (geneve(udp(), 77), "tunnel_not_here"),
        (geneve(udp(), 1, vni=6), "tunnel_not_here"),
        (geneve(udp(), 0), "tunnel_not_here"),
        (geneve(udp(), 8), "target_disabled"),
        (geneve(udp(), 1, in_key=1), "same_port"),
        (geneve(udp(), 1, src="192.168.33.99"), "tunnel_sender"),
        (geneve(udp(), 1, first=0x42), "tunnel_header"),
        (geneve(udp(), 1, flags=0xC0), "tunnel_header"),
        (geneve(udp(), 1, proto="0800"), "tunnel_header"),
        (geneve(udp(), 1, options=b""), "tunnel_option"),
        (geneve(udp(), 1, options=plain), "tunnel_option"),
        (geneve(udp(), 1, options=bytes.fromhex("12348000") + bytes.fromhex(OPTION + "00050001")), "tunnel_option"),
        (geneve(udp(), 1, options=bytes.fromhex("01028002") + bytes(8)), "tunnel_option"),
        (geneve(udp(), 1, options=bytes.fromhex("0102801f") + bytes(4)), "tunnel_option"),
        (geneve(udp(), 1, first=63), "truncated"),
        (geneve(udp(), 1)[:-1], "truncated"),
        (geneve(b"", 1), "truncated"),
        (geneve(udp()[:13], 1), "truncated"),
        (geneve(udp(), 1)[:44], "truncated"),
        (geneve(udp(), 1, tos=3), "tunnel_ecn"),
    ):
        assert bench.case(bench.und, frame) == ({}, {reason: 1}), reason


def test_other_options_are_skipped(bench):
    extra = bytes.fromhex("0105010212345678abcdef01")
    keys = bytes.fromhex(OPTION + "00050001")
    for options in extra + keys, keys + extra, extra + extra + keys:
        assert bench.case(bench.und, geneve(udp(), 1, options=options)) == ({"v1": [udp()]}, {})


def test_congestion_is_handed_on(bench):
    f = udp(tos=2)
    assert bench.case(bench.und, geneve(f, 1, tos=3)) == ({"v1": [udp(tos=3)]}, {})
    v6 = Ether(src=REM, dst=M1) / IPv6(src="fd00::5", dst="fd00::1", tc=1) / UDP(sport=1, dport=2)
    f = bytes(v6)
    v6.tc = 3
    assert bench.case(bench.und, geneve(f, 1, tos=3)) == ({"v1": [bytes(v6)]}, {})


@pytest.mark.parametrize("why, frame", [
    ("not our address", geneve(udp(), 1, dst="192.168.33.11")),
    ("a fragment", geneve(udp(), 1, frag=5)),
    ("another port", bytes(Ether(src=PMAC, dst=UMAC) / IP(src=REMOTE_IP, dst=LOCAL_IP) / UDP(sport=9, dport=6082) / b"x")),
    ("not UDP", bytes(Ether(src=PMAC, dst=UMAC) / IP(src=REMOTE_IP, dst=LOCAL_IP, proto=132) / Raw(b"x" * 40))),
])
def test_what_is_not_ours_is_left_alone(bench, why, frame):
    host_wire = fabric.Wire(bench.host.ns, "und")
    drops = fabric.Drops(bench.host)
    bench.und.send(frame)
    assert host_wire.expect() == frame, why  # a tap before tc; what matters is the absence of a drop
    assert set(bench.heard()) <= {"und"} and drops.delta() == {}
    host_wire.close()


def test_a_tap_receives(tap_bench):
    b = tap_bench
    v6 = bytes(Ether(src=REM, dst=M2) / IPv6(src="fd00::5", dst="fd00::1") / UDP(sport=1, dport=2) / Raw(b"y"))
    arp = bytes(Ether(src=REM, dst=M2) / ARP(op=2, hwsrc=REM, psrc="10.0.1.5", hwdst=M2, pdst="10.0.1.1"))
    for f in udp(dst=M2), v6, arp:
        assert b.case(b.und, geneve(f, 2)) == ({"v2": [f]}, {})
        assert b.case(b.v1.wire, f[:6] + fabric.mac(M1) + f[12:]) == ({"v2": [f[:6] + fabric.mac(M1) + f[12:]]}, {})


def damaged(rng, frame):
    """What is random: anything behind the Ethernet header but our address and the VNI, since that of another switch
    would be right."""
    f = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(14, len(f))
        if at == 14:
            f[at] = 0x40 | rng.randrange(16)
        elif not 30 <= at <= 33 and not 46 <= at <= 49:
            f[at] = rng.randrange(256)
    return bytes(f[:rng.randint(60, len(f))] if rng.random() < 0.3 else f)


def is_for_the_tunnel(frame):
    """An IPv4 packet without options, no fragment, to the port of Geneve."""
    ip_and_udp = frame[14:42]
    return (ip_and_udp[0] & 15 == 5 and ip_and_udp[9] == socket.IPPROTO_UDP
            and int.from_bytes(ip_and_udp[6:8], "big") & 0x3fff == 0
            and int.from_bytes(ip_and_udp[22:24], "big") == 6081)


def noise_from_a_workload(rng, n):
    f = bytes(rng.randrange(256) for _ in range(rng.randint(14, 120)))
    if n % 2:
        to, kind = rng.choice([M1, LP1, REM, "ff:ff:ff:ff:ff:ff"]), rng.choice([b"\x08\0", b"\x08\6", b"\x86\xdd"])
        f = fabric.mac(to) + fabric.mac(M2) + kind + f[14:]
    return f


def test_noise(bench):
    """Random damage: nothing reaches another switch, and each frame for us is delivered, or counted once by name."""
    rng = random.Random(1)
    good = geneve(udp(), 1)
    bench.host.port(bench.lp2, SWITCH + 1, 4)  # one port of another switch
    bench.host.target(SWITCH + 1, 4, "00:00:00:aa:bb:77", T_LOCAL, bench.lp2.ifindex)
    for group in FLOOD, UNKNOWN:
        bench.host.chain(SWITCH, group, 0, {bytes(14) + b"\0\2": (bench.v2.ifindex, 0)})
        bench.host.chain(SWITCH, group, 1, {fabric.ip16(REMOTE_IP): (0, 0)})
    bench.host.apply()
    seen = set()
    for _ in range(400):
        f = damaged(rng, good)
        heard, drops = bench.case(bench.und, f)
        assert set(heard) <= {"v1", "v2", "und"}, f.hex()
        outcomes = [*(set(heard) - {"und"}), *drops]  # the host's stack may answer to "und"
        assert len(outcomes) == is_for_the_tunnel(f) and all(n == 1 for n in drops.values()), (f.hex(), heard, drops)
        seen.update(outcomes)
    assert {"v1", "tunnel_sender", "tunnel_header", "tunnel_option", "tunnel_not_here", "truncated"} <= seen, seen
    assert not seen & {"internal", "no_port"}
    before = bench.host.counters(bench.v2)[0]
    for n in range(400):
        f = noise_from_a_workload(rng, n)
        heard, drops = bench.case(bench.v2.wire, f)
        assert "lp2" not in heard, f.hex()
        assert bool(heard) != bool(drops) and sum(drops.values()) <= 1, (f.hex(), heard, drops)
        assert not set(drops) & {"internal", "no_port"}, f.hex()
    assert bench.host.counters(bench.v2)[0] - before == 400


def test_a_tap_receives_large_segments_in_parts():
    """Where the underlay cannot cut tunnelled segments, software does, and a tap gets them one by one."""
    with pair() as p:
        p.hosts[0].ns.sh("ethtool", "-K", "und", "tx-udp_tnl-segmentation", "off")
        a, b = p.hosts
        tap = b.guest("t", "00:00:00:aa:bb:40", tap=True)
        b.port(tap, SWITCH, 4)
        b.target(SWITCH, 4, tap.mac, T_LOCAL, tap.ifindex)
        a.target(SWITCH, 4, tap.mac, T_REMOTE, remote=b.ip)
        for address in "10.0.1.40", "fd00::40":
            a.neighbor(SWITCH, address, tap.mac, 4)
        a.apply()
        b.apply()
        b.do("attach", "workload", tap.ifindex)
        for address, family in ("10.0.1.40", socket.AF_INET), ("fd00::40", socket.AF_INET6):
            with p.guests[0].ns.entered():
                s = socket.socket(family, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_UDP, 103, 1000)  # UDP_SEGMENT
            s.sendto(b"".join(bytes([n]) * 1000 for n in range(20)), (address, 9))
            frames = tap.wire.expect(20)
            for n, f in enumerate(frames):
                packet = Ether(f)
                assert bytes(packet[UDP].payload) == bytes([n]) * 1000
                del packet[UDP].chksum
                assert bytes(Ether(bytes(packet))) == f
            s.close()
