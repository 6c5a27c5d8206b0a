# SPDX-License-Identifier: Apache-2.0
"""Traffic between every pair of VIFs of one switch across a host of stock OVN and two of Heddle."""
import socket

import pytest
from bulk import transfer
from fabric import in_netns, wait_for
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                                ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from sniff import new_mark
from switch_bed import ACROSS, NUMBER, PAIRS, ip, ip6, mac

BROADCAST = "ff:ff:ff:ff:ff:ff"


@pytest.mark.parametrize("a, b", PAIRS)
def test_ping(bed, a, b):
    a, b = bed.on[a], bed.on[b]
    a.ip("neigh", "flush", "dev", "eth0")
    assert a.ping(b, 3) == 3
    assert a.ping(b.address6, 3) == 3
    assert a.ping(b, 1, 1, 0.05, 1442 - 28, "-M", "do") == 1


@pytest.mark.parametrize("a, b", ACROSS)
def test_large_tcp_transfers(bed, a, b):
    transfer(bed.on[a], bed.on[b], socket.AF_INET, ip(b), 8 << 20)
    transfer(bed.on[a], bed.on[b], socket.AF_INET6, ip6(b), 4 << 20)


@pytest.mark.parametrize("family, address, largest", [(socket.AF_INET, ip, 1442 - 28), (socket.AF_INET6, ip6, 1442 - 48)],
                         ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("a, b", PAIRS)
def test_udp(bed, a, b, family, address, largest):
    """Of every size up to more than one packet holds."""
    receiver = in_netns(bed.on[b].netns, socket.socket, family, socket.SOCK_DGRAM)
    sender = in_netns(bed.on[a].netns, socket.socket, family, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.settimeout(5)
        receiver.bind((address(b), 0))
        for size in (0, 1, 700, largest, largest + 1, 4000):
            data = new_mark() * 300
            sender.sendto(data[:size], receiver.getsockname())
            assert receiver.recv(1 << 16) == data[:size]


def echo(a, b, mark):
    return Ether(src=mac(a), dst=mac(b)) / IP(src=ip(a), dst=ip(b)) / ICMP(id=1) / Raw(mark)


def echo6(a, b, mark):
    return Ether(src=mac(a), dst=mac(b)) / IPv6(src=ip6(a), dst=ip6(b)) / ICMPv6EchoRequest(id=1, data=mark)


def arp(a, b, to):
    return Ether(src=mac(a), dst=to) / ARP(hwsrc=mac(a), psrc=ip(a), pdst=ip(b))


def solicitation(a, b, to):
    target = ip6(b) if to == mac(b) else f"ff02::1:ff00:{NUMBER[b]:x}"
    return (Ether(src=mac(a), dst=to) / IPv6(src=ip6(a), dst=target) / ICMPv6ND_NS(tgt=ip6(b)) /
            ICMPv6NDOptSrcLLAddr(lladdr=mac(a)))


def arp_answers(packets, b):
    return [p[ARP].hwsrc for p in packets if ARP in p and p[ARP].op == 2 and p[ARP].psrc == ip(b)]


def advertisements(packets, b):
    return [p[ICMPv6NDOptDstLLAddr].lladdr for p in packets if ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == ip6(b)]


QUESTIONS = {
    "arp-broadcast": (lambda a, b: arp(a, b, BROADCAST), arp_answers, echo),
    "arp-unicast": (lambda a, b: arp(a, b, mac(b)), arp_answers, echo),
    "ns-multicast": (lambda a, b: solicitation(a, b, f"33:33:ff:00:00:{NUMBER[b]:02x}"), advertisements, echo6),
    "ns-unicast": (lambda a, b: solicitation(a, b, mac(b)), advertisements, echo6),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("a, b", PAIRS)
def test_arp_and_neighbour_discovery(bed, a, b, question):
    """Answered once, with the port's MAC.  Whom the question might have reached too answers it before the echo behind it."""
    ask, answers, barrier = QUESTIONS[question]
    bed.on[a].ip("neigh", "flush", "dev", "eth0")  # the stack has no question of its own on its way
    with bed.on[a].sniff() as s:
        s.send(ask(a, b))
        wait_for("an answer", lambda: answers([Ether(f) for f in s.read()], b))
        for _ in range(2):
            mark = new_mark()
            s.send(barrier(a, b, mark))
            assert s.wait(mark)
        assert answers([Ether(f) for f in s.read()], b) == [mac(b)]
