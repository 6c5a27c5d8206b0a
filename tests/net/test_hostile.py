# SPDX-License-Identifier: Apache-2.0
"""Bad packets on the wire and from workloads: dropped by name, delivered to nobody, no crash."""
import os
import random

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from sniff import geneve_frame, new_mark, ovn_option, marked_frame
from test_switches import MAC, two_ports

BROADCAST = "ff:ff:ff:ff:ff:ff"


class Forger:
    """Speaks to h2 in h1's name: from the underlay, with h1's addresses."""

    def __init__(self, fabric, a, b):
        self.fabric, self.a, self.b = fabric, a, b
        self.source, self.destination = a.host.underlay_ip, b.host.underlay_ip
        self.vni = int(fabric.sbctl("--bare", "--columns=tunnel_key", "list", "Datapath_Binding"))
        self.key = {p: int(fabric.binding(p, "tunnel_key")) for p in ("a", "b")}
        self.ether = Ether(src=device_mac(a.host, "und0"), dst=device_mac(b.host, "und0"))
        self.socket = a.host.sniff("und0")

    def send(self, mark, vni=None, option=None, source=None, inner=None, **geneve):
        inner = inner or marked_frame(MAC.format(1), MAC.format(2), "10.0.0.1", "10.0.0.2", mark)
        option = ovn_option(self.key["a"], self.key["b"]) if option is None else option
        self.socket.send(geneve_frame(self.ether, source or self.source, self.destination,
                                      self.vni if vni is None else vni, option, inner, **geneve))


def device_mac(namespace, device):
    return namespace.ip("-o", "link", "show", device).split("link/ether ")[1].split()[0]


@pytest.fixture
def forger(fabric):
    a, b = two_ports(fabric)
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    yield Forger(fabric, a, b)
    os.sched_setaffinity(0, cpus)


def expect_drop(forger, rx, reason, mark):
    """The mark is not delivered, one that follows is, and the drop is counted by name."""
    good = new_mark()
    forger.send(good)
    assert rx.wait(good), "a good packet in a tunnel is not delivered"
    assert not rx.having(mark)
    forger.fabric.expected_drops.add(reason)
    assert forger.b.host.drops().get(reason, 0) >= 1, forger.b.host.drops()


CASES = {
    "unknown-sender": (dict(source="192.168.50.77"), "TUNNEL_SENDER"),
    "no-option": (dict(option=b""), "TUNNEL_OPTION"),
    "unknown-critical-option": (dict(option=bytes.fromhex("0999800100000000")), "TUNNEL_OPTION"),
    "unknown-switch": (dict(vni=4711), "TUNNEL_NOT_HERE"),
    "unknown-port": (dict(option=ovn_option(1, 777)), "TUNNEL_NOT_HERE"),
    "no-port": (dict(option=ovn_option(1, 0)), "TUNNEL_NOT_HERE"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_tunnel_packet(forger, case):
    arguments, reason = CASES[case]
    with forger.b.sniff() as rx:
        mark = new_mark()
        forger.send(mark, **arguments)
        expect_drop(forger, rx, reason, mark)


def test_tunnel_packet_for_a_localport(fabric, forger):
    fabric.nb("--wait=sb", "lsp-add", "s0", "l", "--", "lsp-set-type", "l", "localport", "--",
              "lsp-set-addresses", "l", f"{MAC.format(3)} 10.0.0.3")
    local = fabric.host("h2").plug("l", "l", MAC.format(3), "10.0.0.3")
    fabric.sync()
    key = int(fabric.binding("l", "tunnel_key"))
    with local.sniff() as at_l, forger.b.sniff() as rx:
        mark = new_mark()
        forger.send(mark, option=ovn_option(forger.key["a"], key))
        expect_drop(forger, rx, "TUNNEL_TO_LOCALPORT", mark)
        assert not at_l.having(mark)
        mark = new_mark()
        forger.send(mark, option=ovn_option(forger.key["a"], 32768),
                    inner=marked_frame(MAC.format(1), BROADCAST, "10.0.0.1", "10.0.0.255", mark))
        assert rx.wait(mark)
        assert not at_l.having(mark)


def test_random_tunnel_packets(fabric, forger):
    """Any bytes behind a right outer header: nothing crashes, good packets still pass."""
    fabric.expected_drops |= {"TRUNCATED", "TUNNEL_HEADER", "TUNNEL_OPTION", "TUNNEL_NOT_HERE",
                              "TUNNEL_ECN", "SAME_PORT", "TUNNEL_TO_LOCALPORT"}
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(500):
        body = rng.randbytes(rng.choice([0, 1, 7, 8, 9, 15, 16, 17, 29, 30, 31, 60, 200]))
        if rng.random() < 0.5 and len(body) >= 16:
            body = bytes([rng.choice([0, 2, 2, 3, 63]), 0x40]) + b"\x65\x58\0\0" + \
                bytes([forger.vni, 0]) + ovn_option(1, rng.choice([1, 2, 32768, 65535])) + body[16:]
        forger.socket.send(bytes(forger.ether / IP(src=forger.source, dst=forger.destination) /
                                 UDP(sport=5, dport=6081, chksum=0) / Raw(body)))
    with forger.b.sniff() as rx:
        mark = new_mark()
        forger.send(mark)
        assert rx.wait(mark)


def test_random_workload_packets(fabric, forger):
    """Truncated, tagged and senseless frames from a workload."""
    fabric.expected_drops |= {"TRUNCATED", "VLAN", "SOURCE_MULTICAST", "NO_DESTINATION", "SAME_PORT",
                              "TOO_BIG"}
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    head = Ether(src=MAC.format(1), dst=BROADCAST)
    frames = [Ether(src=MAC.format(1), dst=BROADCAST) / Dot1Q(vlan=5) / Raw(b"x" * 50),
              Ether(src=BROADCAST, dst=MAC.format(2)) / Raw(b"x" * 50),
              Ether(src=MAC.format(1), dst=MAC.format(9)) / Raw(b"x" * 50),
              Ether(src=MAC.format(1), dst=MAC.format(1)) / Raw(b"x" * 50),
              head / ARP(op=1, hwsrc=MAC.format(1), psrc="10.0.0.1", pdst="10.0.0.1"),
              head / ARP(op=1, hwlen=9, plen=200), head / ARP(op=77),
              head / IP(ihl=15, dst="10.0.0.2") / ICMP(), head / IP(len=9000) / ICMP()]
    with forger.a.sniff() as tx:
        for frame in frames:
            tx.send(frame)
        for _ in range(500):
            kind = rng.choice([b"\x08\x06", b"\x08\x00", b"\x86\xdd", b"\x81\x00", rng.randbytes(2)])
            destination = rng.choice([b"\xff" * 6, bytes.fromhex(MAC.format(2).replace(":", "")),
                                      b"\x33\x33" + rng.randbytes(4)])
            tx.send(destination + bytes.fromhex(MAC.format(1).replace(":", "")) + kind +
                    rng.randbytes(rng.choice([0, 1, 3, 8, 20, 27, 28, 40, 63, 64, 72, 1000])))
        with forger.b.sniff() as rx:
            mark = new_mark()
            tx.send(marked_frame(MAC.format(1), MAC.format(2), "10.0.0.1", "10.0.0.2", mark))
            assert rx.wait(mark)
    assert forger.a.ping(forger.b, 3) == 3
