# SPDX-License-Identifier: Apache-2.0
"""One logical switch across a host of stock OVN (h1) and two of Heddle (h2, h3), under ovn-northd."""
import hashlib
import itertools
import socket
import threading

import pytest
from fabric import in_netns, wait_for
from mixed import Mixed, dump, reach
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from sniff import decode_geneve, marked_frame, new_mark

VXLAN_PORT = 4789
BROADCAST, MULTICAST = "ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03"
FLOOD_GROUP = 32768
HOSTS = ("h1", "h2", "h3")
VIFS = {"h1": ("a1", "a2"), "h2": ("b1", "b2"), "h3": ("c1",)}
NUMBER = {name: i for i, name in enumerate(["a1", "a2", "b1", "b2", "c1", "l"], 1)}
NAMES = [name for names in VIFS.values() for name in names]
PAIRS = list(itertools.permutations(NAMES, 2))
ACROSS = [(a, b) for a, b in PAIRS if a[0] != b[0]]


def mac(name):
    return f"0a:00:00:00:00:{NUMBER[name]:02x}"


def ip(name):
    return f"10.0.0.{NUMBER[name]}"


def ip6(name):
    return f"fd00::{NUMBER[name]}"


def decode_vxlan(frame):
    """As decode_geneve(): (outer source, destination, switch, None, egress key, inner frame)."""
    packet = Ether(frame)
    if UDP not in packet or packet[UDP].dport != VXLAN_PORT:
        return None
    payload = bytes(packet[UDP].payload)
    vni = int.from_bytes(payload[4:7], "big")
    key = vni >> 12
    return packet[IP].src, packet[IP].dst, vni & 0xFFF, None, FLOOD_GROUP | key & 0x7FF if key & 0x800 else key, payload[8:]


def tunnelled(bed, wire, mark):
    decoded = [bed.wire_decoder(f) for f in wire.having(mark)]
    assert None not in decoded, "a packet on the underlay is not of the type that both hosts have"
    return decoded


def fill(bed):
    """Each host's VIFs, and the localport l on every host."""
    bed.switch("s0", *[(n, f"{mac(n)} {ip(n)} {ip6(n)}", *(["localport"] if n == "l" else []))
                       for n in NUMBER])
    bed.on = {}
    for name in HOSTS:
        host = bed.ovn_host(name) if name == "h1" else bed.host(name)
        for port in (*VIFS[name], "l"):
            key = f"{name}/l" if port == "l" else port
            bed.on[key] = host.plug(port, port, mac(port), ip(port), ip6=ip6(port))
    bed.wait_up(*NAMES)
    bed.sync()
    for there in ("b1", "c1"):
        reach(bed.on["a1"], bed.on[there])


# Hosts that both have Geneve use it; VXLAN has no room for the sender's port.
ENCAPS = {"geneve": {}, "vxlan": {"h1": "vxlan", "h2": "geneve,vxlan", "h3": "vxlan"}}


@pytest.fixture(scope="module", params=ENCAPS)
def bed(request):
    bed = Mixed(ENCAPS[request.param])
    bed.wire_decoder = {"geneve": decode_geneve, "vxlan": decode_vxlan}[request.param]
    try:
        bed.start_central()
        # The northbound address reaches Heddle's hosts by the databases: nothing is set on them.
        bed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{bed.nb_remote}"')
        fill(bed)
        yield bed
        # A workload with an IPv6 address speaks before its port works.
        bed.expected_drops = {"LOCALPORT_TO_REMOTE", "LOCALPORT_NOT_HERE", "NO_PORT"}
        bed.check()
    except Exception:
        dump(bed)
        raise
    finally:
        bed.close()


@pytest.fixture(autouse=True)
def dump_failure(request):
    yield
    report = getattr(request.node, "report_call", None)
    if report and report.failed and "bed" in request.fixturenames:
        dump(request.getfixturevalue("bed"))


@pytest.mark.parametrize("a, b", PAIRS)
def test_ping(bed, a, b):
    a, b = bed.on[a], bed.on[b]
    a.ip("neigh", "flush", "dev", "eth0")
    assert a.ping(b, 3) == 3
    assert a.ping(b.address6, 3) == 3
    assert a.ping(b, 1, 1, 0.05, 1442 - 28, "-M", "do") == 1


def serve(listener, result):
    conn, _ = listener.accept()
    with conn:
        digest, total = hashlib.sha256(), 0
        while data := conn.recv(1 << 18):
            digest.update(data)
            total += len(data)
        result.append(total)
        conn.sendall(digest.digest())


def transfer(a, b, family, address, size):
    """size bytes by TCP from a to b; the receiver's digest comes back."""
    listener = in_netns(b.netns, socket.socket, family, socket.SOCK_STREAM)
    client = in_netns(a.netns, socket.socket, family, socket.SOCK_STREAM)
    with listener, client:
        listener.settimeout(30)
        client.settimeout(30)
        listener.bind((address, 0))
        listener.listen()
        result = []
        server = threading.Thread(target=serve, args=(listener, result))
        server.start()
        client.connect((address, listener.getsockname()[1]))
        data = hashlib.shake_256(address.encode()).digest(1 << 20) * (size >> 20)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        got = client.recv(64)
        server.join()
        assert result == [len(data)] and got == hashlib.sha256(data).digest()


@pytest.mark.parametrize("a, b", [("a1", "b1"), ("b1", "a1"), ("c1", "a2"), ("a2", "c1"), ("b2", "c1")])
def test_large_tcp_transfers(bed, a, b):
    transfer(bed.on[a], bed.on[b], socket.AF_INET, ip(b), 16 << 20)
    transfer(bed.on[a], bed.on[b], socket.AF_INET6, ip6(b), 4 << 20)


@pytest.mark.parametrize("a, b", ACROSS)
def test_udp(bed, a, b):
    """Of every size up to more than one packet holds."""
    receiver = in_netns(bed.on[b].netns, socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    sender = in_netns(bed.on[a].netns, socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.settimeout(5)
        receiver.bind((ip(b), 0))
        for size in (0, 1, 700, 1414, 4000):
            data = new_mark() * 300
            sender.sendto(data[:size], receiver.getsockname())
            assert receiver.recv(1 << 16) == data[:size]


@pytest.mark.parametrize("a, b", ACROSS)
def test_arp_and_neighbour_discovery(bed, a, b):
    """Asked by broadcast, by unicast, and across: each is answered once, with the port's MAC."""
    with bed.on[a].sniff() as s:
        who = Ether(src=mac(a), dst=BROADCAST) / ARP(hwsrc=mac(a), psrc=ip(a), pdst=ip(b))
        s.send(who)
        answers = wait_for("the ARP answer", lambda: [
            p for f in s.read() if ARP in (p := Ether(f)) and p[ARP].op == 2 and p[ARP].psrc == ip(b)])
        assert [p[ARP].hwsrc for p in answers] == [mac(b)]
        s.clear()
        solicited = f"33:33:ff:00:00:{NUMBER[b]:02x}"
        s.send(Ether(src=mac(a), dst=solicited) / IPv6(src=ip6(a), dst=f"ff02::1:ff00:{NUMBER[b]:x}") /
               ICMPv6ND_NS(tgt=ip6(b)) / ICMPv6NDOptSrcLLAddr(lladdr=mac(a)))
        wait_for("the neighbour advertisement", lambda: [
            f for f in s.read() if Ether(f).haslayer("ICMPv6ND_NA") and
            Ether(f)["ICMPv6 Neighbor Discovery Option - Destination Link-Layer Address"].lladdr == mac(b)])


class Table:
    """A marked frame, and who got it."""

    def __init__(self, bed):
        self.bed = bed
        self.keys = {n: int(bed.binding(n, "tunnel_key")) for n in NUMBER}
        self.sniffers = {name: w.sniff() for name, w in bed.on.items()}
        self.wire = bed.sniff_underlay()

    def send(self, sender, destination, mark):
        to = mac(destination) if destination in NUMBER else destination
        address = ip(destination) if destination in NUMBER else "10.0.0.250"
        name = sender.split("/")[-1]
        self.sniffers[sender].send(marked_frame(mac(name), to, ip(name), address, mark))

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
        local = f"{host}/l"
        everyone = {n for n in NAMES if n != here[0]} | {local}
        yield here[0], "l", {local}, []
        yield here[0], BROADCAST, everyone, [FLOOD_GROUP] * 2
        yield here[0], MULTICAST, everyone, [FLOOD_GROUP] * 2
        yield local, here[0], {here[0]}, []
        yield local, BROADCAST, set(here), []
        yield local, MULTICAST, set(here), []
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
