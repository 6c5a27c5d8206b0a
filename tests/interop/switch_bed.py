# SPDX-License-Identifier: Apache-2.0
"""One logical switch across a host of stock OVN (h1) and two of Heddle (h2, h3), under ovn-northd: what test_mixed_switch.py
and test_mixed_traffic.py run on."""
import itertools

from mixed import Mixed, dump, reach
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from sniff import decode_geneve

VXLAN_PORT = 4789
FLOOD_GROUP = 32768
HOSTS = ("h1", "h2", "h3")
VIFS = {"h1": ("a1", "a2"), "h2": ("b1", "b2"), "h3": ("c1",)}
LOCALPORTS = ("l", "m")  # on every host: "h1/l" is that of h1
NUMBER = {name: i for i, name in enumerate(["a1", "a2", "b1", "b2", "c1", *LOCALPORTS], 1)}
NAMES = [name for names in VIFS.values() for name in names]
PAIRS = list(itertools.permutations(NAMES, 2))
ACROSS = [(a, b) for a, b in PAIRS if a[0] != b[0]]
# Hosts that both have Geneve use it; VXLAN has no room for the sender's port.
ENCAPS = {"geneve": {}, "vxlan": {"h1": "vxlan", "h2": "geneve,vxlan", "h3": "vxlan"}}


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


DECODERS = {"geneve": decode_geneve, "vxlan": decode_vxlan}


def fill(bed):
    """Each host's VIFs, and the localports on every host."""
    bed.switch("s0", *[(n, f"{mac(n)} {ip(n)} {ip6(n)}", *(["localport"] if n in LOCALPORTS else []))
                       for n in NUMBER])
    bed.on = {}
    for name in HOSTS:
        host = bed.ovn_host(name) if name == "h1" else bed.host(name)
        for port in (*VIFS[name], *LOCALPORTS):
            key = f"{name}/{port}" if port in LOCALPORTS else port
            bed.on[key] = host.plug(port, port, mac(port), ip(port), ip6=ip6(port))
    bed.wait_up(*NAMES)
    bed.sync()
    for there in ("b1", "c1"):
        reach(bed.on["a1"], bed.on[there])


def switch_bed(encap):
    """A fixture's body."""
    bed = Mixed(ENCAPS[encap])
    bed.wire_decoder = DECODERS[encap]
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
