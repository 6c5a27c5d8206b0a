# SPDX-License-Identifier: Apache-2.0
"""Who gets what on one switch across a host of stock OVN and two of Heddle, and what is on the wire."""
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from sniff import decode_geneve, marked_frame, new_mark
from switch_bed import FLOOD_GROUP, HOSTS, LOCALPORTS, NAMES, NUMBER, VIFS, ip, ip6, mac, tunnelled

BROADCAST, MULTICAST, MULTICAST6 = "ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03", "33:33:00:01:00:03"


def multicast(name, mark):
    return Ether(src=mac(name), dst=MULTICAST) / IP(src=ip(name), dst="239.1.2.3") / UDP(dport=9) / Raw(mark)


def multicast6(name, mark):
    return Ether(src=mac(name), dst=MULTICAST6) / IPv6(src=ip6(name), dst="ff05::1:3") / UDP(dport=9) / Raw(mark)


def plain(name, destination, mark):
    address = ip(destination) if destination in NUMBER else "10.0.0.250"
    return marked_frame(mac(name), mac(destination) if destination in NUMBER else destination, ip(name), address, mark)


GROUPS = {MULTICAST: multicast, MULTICAST6: multicast6}


class Table:
    """A marked frame, and who got it."""

    def __init__(self, bed):
        self.bed = bed
        self.keys = {n: int(bed.binding(n, "tunnel_key")) for n in NUMBER}
        self.sniffers = {name: w.sniff() for name, w in bed.on.items()}
        self.wire = bed.sniff_underlay()

    def send(self, sender, destination, mark):
        name = sender.split("/")[-1]
        frame = GROUPS[destination](name, mark) if destination in GROUPS else plain(name, destination, mark)
        self.sniffers[sender].send(frame)

    def fence(self, sender):
        """Behind the frame: to a VIF of each host, on the same way. Stock handles one port's packets in
        order; so does the kernel what one sender gives it."""
        start = sender if "/" not in sender else VIFS[sender[:2]][0]
        for name in NAMES:
            if name != start:
                mark = new_mark()
                self.send(start, name, mark)
                assert self.sniffers[name].wait(mark), f"{start} to {name} does not work"

    def outcome(self, sender, destination):
        for s in [*self.sniffers.values(), self.wire]:
            s.clear()
        mark = new_mark()
        self.send(sender, destination, mark)
        self.fence(sender)
        self.fence(sender)
        got = {name: len(s.having(mark)) for name, s in self.sniffers.items() if s.having(mark)}
        return got, sorted(p[3:5] for p in tunnelled(self.bed, self.wire, mark))


@pytest.fixture(scope="module")
def table(bed):
    return Table(bed)


def cells():
    """(sender, destination, receivers, egress keys of the packets on the wire)"""
    for host in HOSTS:
        here, others = VIFS[host], [h for h in HOSTS if h != host]
        local, second = (f"{host}/{port}" for port in LOCALPORTS)
        everyone = {n for n in NAMES if n != here[0]} | {local, second}
        yield here[0], "l", {local}, []
        yield here[0], "m", {second}, []
        yield local, here[0], {here[0]}, []
        yield local, "m", {second}, []
        yield second, "l", {local}, []
        for group in (BROADCAST, *GROUPS):
            yield here[0], group, everyone, [FLOOD_GROUP] * 2
            yield local, group, set(here), []
        for other in others:
            yield here[0], VIFS[other][0], {VIFS[other][0]}, [VIFS[other][0]]
            yield local, VIFS[other][0], set(), []


@pytest.mark.parametrize("sender, destination, receivers, wire", list(cells()),
                         ids=[f"{c[0].replace('/', '.')}-to-{c[1]}" for c in cells()])
def test_truth_table(table, sender, destination, receivers, wire):
    ingress = table.keys[sender.split("/")[-1]] if table.bed.wire_decoder is decode_geneve else None
    got, seen = table.outcome(sender, destination)
    assert got == {name: 1 for name in receivers}
    assert seen == [(ingress, table.keys.get(egress, egress)) for egress in wire]


@pytest.mark.parametrize("host", HOSTS)
def test_localport_is_reached_by_its_own_host_alone(bed, host):
    """Ping, ARP included; replies of other hosts' instances would make it more than one each."""
    local = bed.on[f"{host}/l"]
    for name in VIFS[host]:
        bed.on[name].ip("neigh", "flush", "dev", "eth0")
        with bed.sniff_underlay() as wire, local.sniff() as s:
            mark = new_mark()
            assert bed.on[name].ping(ip("l"), 2, 1, 0.05, None, "-p", mark.hex()[:32]) == 2
            assert len(s.having(mark[:16])) == 2
            assert not wire.having(mark[:16])
    for other in HOSTS:
        if other != host:
            assert local.ping(bed.on[VIFS[other][0]], 1, 1) == 0
