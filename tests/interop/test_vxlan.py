# SPDX-License-Identifier: Apache-2.0
"""Hosts that offer VXLAN only, or VXLAN beside Geneve.  test_mixed_switch.py has the table beside stock OVN."""
import socket

import pytest
from bulk import transfer
from fabric import Host, run, wait_for
from mixed import Mixed, closing, reach
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from sniff import marked_frame, new_mark

BROADCAST = "ff:ff:ff:ff:ff:ff"
NUMBER = {"h1": 1, "h2": 2, "h3": 3, "l": 9}
# A workload's stack may report its multicast groups before its port is bound.
DROPS = {"LOCALPORT_TO_REMOTE", "NO_PORT"}


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
    for a in hosts:
        for b in hosts:
            if a is not b:
                reach(on[a.name], on[b.name])
    return on


def traffic(on, hosts):
    """Ping and TCP between all VIFs."""
    for a in hosts:
        for b in hosts:
            if a == b:
                continue
            assert on[a].ping(ip(b)) == 1
            assert on[a].ping(ip6(b)) == 1
            transfer(on[a], on[b], socket.AF_INET, ip(b), 8 << 20)
            transfer(on[a], on[b], socket.AF_INET6, ip6(b), 2 << 20)
            assert on[a].ping(on[f"{a}/l"], 1) == 1


def outcome(bed, on, sender, destination):
    """({receiver: copies}, [(outer source, outer destination, UDP port, VNI)] on the underlay) of a marked frame."""
    mark, name = new_mark(), sender.split("/")[-1]
    sniffers = {k: w.sniff() for k, w in on.items()}
    with bed.sniff_underlay() as wire:
        to = destination if destination == BROADCAST else mac(destination)
        sniffers[sender].send(marked_frame(mac(name), to, ip(name), "10.0.0.250", mark))
        # Behind the frame, on the same way.
        host = sender.split("/")[0]
        for other in on:
            if other != host and "/" not in other:
                assert on[host].ping(ip(other)) == 1
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


def max_tunid(fabric):
    return fabric.nbctl("get", "NB_Global", ".", "options:max_tunid").strip().strip('"')


def add_hosts(fabric, *kinds):
    for n, kind in enumerate(kinds, 1):
        host = fabric.hosts[f"h{n}"] = Host(fabric, f"h{n}", n)
        host.start_agent(f"--encap-type={kind}")
    fabric.expected_drops |= DROPS
    return fill(fabric, *fabric.hosts.values())


def test_heddle_hosts_alone(fabric):
    """heddle central, two hosts with VXLAN only, one with both."""
    on = add_hosts(fabric, "vxlan", "vxlan", "geneve,vxlan")
    assert encaps(fabric) == [("h1", "vxlan"), ("h2", "vxlan"), ("h3", "geneve"), ("h3", "vxlan")]
    assert max_tunid(fabric) == "4095"
    traffic(on, ("h1", "h2", "h3"))
    truth(fabric, on, {("h1", "h2"): 4789, ("h1", "h3"): 4789, ("h2", "h3"): 4789})


def test_from_geneve_to_vxlan_and_back(fabric):
    """One host after the other, as a user would."""
    on = add_hosts(fabric, "geneve", "geneve")
    fabric.expected_drops |= {"NOT_BOUND", "TUNNEL_SENDER", "TUNNEL_NOT_HERE"}
    for steps, port, tunid in ((("geneve,vxlan", "vxlan"), 4789, "4095"), (("geneve,vxlan", "geneve"), 6081, "16711680")):
        for kind in steps:
            for host in fabric.hosts.values():
                host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-encap-type="{kind}"')
                wait_for(f"{host.name} offers {kind}", lambda: [t for h, t in encaps(fabric) if h == host.name] ==
                         kind.split(","))
                reach(on["h1"], on["h2"])
        fabric.sync()
        for a, b in ("h1", "h2"), ("h2", "h1"):
            with fabric.sniff_underlay() as wire:
                assert on[a].ping(ip(b)) == 1
                ports = {p[UDP].dport for f in wire.read() if UDP in (p := Ether(f))}
            assert ports == {port}
        wait_for(f"max_tunid is {tunid}", lambda: max_tunid(fabric) == tunid)


def test_tshark_reads_it(fabric, tmp_path):
    on = add_hosts(fabric, "vxlan", "vxlan")
    with fabric.sniff_underlay() as wire:
        assert on["h1"].ping(ip("h2"), 2) == 2
        wrpcap(str(tmp_path / "x.pcap"), [Ether(f) for f in wire.read()])
    fields = run("tshark", "-r", tmp_path / "x.pcap", "-T", "fields", "-e", "vxlan.vni", "-e", "icmp.type",
                 "-Y", "icmp && !_ws.malformed", "-o", "ip.check_checksum:TRUE").splitlines()
    sw = switch_key(fabric)
    assert f"{key(fabric, 'h2') << 12 | sw}\t8" in fields and f"{key(fabric, 'h1') << 12 | sw}\t0" in fields


@pytest.fixture
def mesh(request):
    yield from closing(Mixed({"h1": "geneve,vxlan", "h2": "vxlan", "h3": "geneve,vxlan"}), request)


def test_a_mesh_of_both(mesh):
    """The stock host and a Heddle host have both, another only VXLAN: a flood leaves in both formats."""
    mesh.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mesh.nb_remote}"')
    mesh.expected_drops |= DROPS
    on = fill(mesh, mesh.ovn_host("h1"), mesh.host("h2"), mesh.host("h3"))
    traffic(on, ("h1", "h2", "h3"))
    truth(mesh, on, {("h1", "h2"): 4789, ("h1", "h3"): 6081, ("h2", "h3"): 4789})
