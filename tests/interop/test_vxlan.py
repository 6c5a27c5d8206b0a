# SPDX-License-Identifier: Apache-2.0
"""Hosts that offer VXLAN only, or VXLAN beside Geneve: Heddle's among themselves, and with stock OVN's."""
import hashlib
import socket
import subprocess
import threading

import pytest
from fabric import Host, in_netns, run, wait_for
from mixed import HeddleHost, OvnHost
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from sniff import marked_frame, new_mark

BROADCAST = "ff:ff:ff:ff:ff:ff"
NUMBER = {"h1": 1, "h2": 2, "h3": 3, "l": 9}
LOCAL_DROPS = {"LOCALPORT_TO_REMOTE"}


class VxlanOvnHost(OvnHost):
    def start_controller(self):
        self.vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-type=vxlan")
        super().start_controller()


class VxlanHost(HeddleHost):
    encap_type = "vxlan"

    def launch(self, *options):
        super().launch(f"--encap-type={self.encap_type}", *options)


class BothHost(VxlanHost):
    encap_type = "geneve,vxlan"


def mac(name):
    return f"0a:00:00:00:00:{NUMBER[name]:02x}"


def ip(name):
    return f"10.0.0.{NUMBER[name]}"


def ip6(name):
    return f"fd00::{NUMBER[name]}"


def fill(bed, *hosts):
    """One VIF and the localport l on each host; {"h1": workload, "h1/l": workload, ...}"""
    bed.switch("s0", *[(n, f"{mac(n)} {ip(n)} {ip6(n)}", *(["localport"] if n == "l" else []))
                       for n in (*[h.name for h in hosts], "l")])
    on = {}
    for host in hosts:
        on[host.name] = host.plug("v", host.name, mac(host.name), ip(host.name), ip6=ip6(host.name))
        on[f"{host.name}/l"] = host.plug("l", "l", mac("l"), ip("l"), ip6=ip6("l"))
    for host in hosts:
        wait_for(f"{host.name} is up",
                 lambda: bed.nbctl("get", "Logical_Switch_Port", host.name, "up").strip() == "true")
    bed.sync()
    # A userspace switch asks for a tunnel's far end with the first packet, which is lost.
    for a in hosts:
        for b in hosts:
            if a is not b:
                wait_for(f"{a.name} reaches {b.name}", lambda: on[a.name].ping(ip(b.name)) == 1)
    return on


def transfer(a, b, family, address, size=8 << 20):
    listener = in_netns(b.netns, socket.socket, family, socket.SOCK_STREAM)
    client = in_netns(a.netns, socket.socket, family, socket.SOCK_STREAM)
    got = hashlib.sha256()
    with listener, client:
        listener.settimeout(30)
        client.settimeout(30)
        listener.bind((address, 0))
        listener.listen()

        def serve():
            conn, _ = listener.accept()
            with conn:
                while data := conn.recv(1 << 18):
                    got.update(data)

        server = threading.Thread(target=serve)
        server.start()
        client.connect((address, listener.getsockname()[1]))
        data = hashlib.shake_256(address.encode()).digest(1 << 20) * (size >> 20)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        server.join()
    assert got.digest() == hashlib.sha256(data).digest()


def traffic(on, hosts, mtu=None):
    """Ping and TCP between all VIFs; mtu: (a, b) -> the largest packet of a to b, if it is to be tried."""
    for a in hosts:
        for b in hosts:
            if a == b:
                continue
            assert on[a].ping(ip(b), 3) == 3
            assert on[a].ping(ip6(b), 3) == 3
            transfer(on[a], on[b], socket.AF_INET, ip(b))
            transfer(on[a], on[b], socket.AF_INET6, ip6(b), 2 << 20)
            assert on[a].ping(on[f"{a}/l"], 1) == 1


def outcome(bed, on, sender, destination):
    """({receiver: copies}, {(outer source, outer destination, UDP port, VNI)} on the underlay) of a marked frame."""
    mark, name = new_mark(), sender.split("/")[-1]
    sniffers = {k: w.sniff() for k, w in on.items()}
    with bed.sniff_underlay() as wire:
        to = destination if destination == BROADCAST else mac(destination)
        sniffers[sender].send(marked_frame(mac(name), to, ip(name), "10.0.0.250", mark))
        # Behind the frame, on the same way.
        host = sender.split("/")[0]
        for other in on:
            if other != host and "/" not in other:
                assert on[host].ping(ip(other), 2) == 2
        seen = sorted((p[IP].src, p[IP].dst, p[UDP].dport, int.from_bytes(bytes(p[UDP].payload)[4:7], "big"))
                      for f in wire.having(mark) if UDP in (p := Ether(f)))
        got = {k: len(s.having(mark)) for k, s in sniffers.items() if k != sender and s.having(mark)}
    for s in sniffers.values():
        s.socket.close()
    return got, seen


def key(bed, port):
    return int(bed.binding(port, "tunnel_key"))


def switch_key(bed):
    return int(bed.sbctl("--bare", "--columns=tunnel_key", "find", "Datapath_Binding",
                         "external_ids:name=s0").strip())


def truth(bed, on, by):
    """by: {(a, b): UDP port between the two hosts}"""
    hosts = [n for n in on if "/" not in n]
    address = {n: bed.hosts[n].underlay_ip for n in hosts}
    sw = switch_key(bed)

    def packet(a, b, out):
        port = by.get((a, b)) or by[b, a]
        vni = sw if port == 6081 else (0x800 | out & 0x7ff if out >= 32768 else out) << 12 | sw
        return address[a], address[b], port, vni

    for a in hosts:
        others = [b for b in hosts if b != a]
        for b in others:
            assert outcome(bed, on, a, b) == ({b: 1}, [packet(a, b, key(bed, b))])
            assert outcome(bed, on, f"{a}/l", b) == ({}, [])
        assert outcome(bed, on, a, "l") == ({f"{a}/l": 1}, [])
        assert outcome(bed, on, f"{a}/l", a) == ({a: 1}, [])
        assert outcome(bed, on, a, BROADCAST) == (
            {**{b: 1 for b in others}, f"{a}/l": 1}, sorted(packet(a, b, 32768) for b in others))
        assert outcome(bed, on, f"{a}/l", BROADCAST) == ({a: 1}, [])


def encaps(bed):
    rows = bed.sbctl("--bare", "--columns=chassis_name,type", "list", "Encap").split("\n\n")
    return sorted(tuple(row.split()) for row in rows if row.strip())


def test_heddle_hosts_alone(fabric):
    """heddle central, two hosts with VXLAN only, one with both."""
    hosts = []
    for n, kind in enumerate(("vxlan", "vxlan", "geneve,vxlan"), 1):
        host = fabric.hosts[f"h{n}"] = Host(fabric, f"h{n}", n)
        host.start_agent(f"--encap-type={kind}")
        hosts.append(host)
    on = fill(fabric, *hosts)
    assert encaps(fabric) == [("h1", "vxlan"), ("h2", "vxlan"), ("h3", "geneve"), ("h3", "vxlan")]
    assert "max_tunid=\"4095\"" in fabric.nbctl("get", "NB_Global", ".", "options").replace("max_tunid=4095", 'max_tunid="4095"')
    traffic(on, ("h1", "h2", "h3"))
    truth(fabric, on, {("h1", "h2"): 4789, ("h1", "h3"): 4789, ("h2", "h3"): 4789})
    fabric.expected_drops |= LOCAL_DROPS


def test_tshark_reads_it(fabric, tmp_path):
    for n in 1, 2:
        fabric.hosts[f"h{n}"] = Host(fabric, f"h{n}", n)
        fabric.hosts[f"h{n}"].start_agent("--encap-type=vxlan")
    on = fill(fabric, *fabric.hosts.values())
    with fabric.sniff_underlay() as wire:
        assert on["h1"].ping(ip("h2"), 2) == 2
        frames = [f for f in wire.read() if UDP in (p := Ether(f)) and p[UDP].dport == 4789]
    wrpcap(str(tmp_path / "x.pcap"), [Ether(f) for f in frames])
    fields = run("tshark", "-r", tmp_path / "x.pcap", "-T", "fields", "-e", "vxlan.vni", "-e", "icmp.type",
                 "-Y", "icmp && !_ws.malformed", "-o", "ip.check_checksum:TRUE").splitlines()
    sw = switch_key(fabric)
    assert f"{key(fabric, 'h2') << 12 | sw}\t8" in fields and f"{key(fabric, 'h1') << 12 | sw}\t0" in fields


def test_beside_stock_ovn(mixed):
    """ovn-northd, a stock host and a Heddle host with VXLAN only, a Heddle host with both."""
    mixed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mixed.nb_remote}"')
    hosts = [mixed.add("h1", VxlanOvnHost), mixed.add("h2", VxlanHost), mixed.add("h3", BothHost)]
    on = fill(mixed, *hosts)
    assert encaps(mixed) == [("h1", "vxlan"), ("h2", "vxlan"), ("h3", "geneve"), ("h3", "vxlan")]
    traffic(on, ("h1", "h2", "h3"))
    truth(mixed, on, {("h1", "h2"): 4789, ("h1", "h3"): 4789, ("h2", "h3"): 4789})
    mixed.expected_drops |= LOCAL_DROPS


def test_a_mesh_of_both(mixed):
    """The stock host has both, one Heddle host VXLAN, one Geneve and VXLAN: a flood leaves h3 in both formats."""
    mixed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mixed.nb_remote}"')
    hosts = [mixed.ovn_host("h1"), mixed.add("h2", VxlanHost), mixed.add("h3", BothHost)]
    hosts[0].vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-type=geneve,vxlan")
    wait_for("h1 offers both", lambda: ("h1", "vxlan") in encaps(mixed))
    on = fill(mixed, *hosts)
    traffic(on, ("h1", "h2", "h3"))
    truth(mixed, on, {("h1", "h2"): 4789, ("h1", "h3"): 6081, ("h2", "h3"): 4789})
    mixed.expected_drops |= LOCAL_DROPS
