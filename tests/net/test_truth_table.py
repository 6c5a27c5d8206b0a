# SPDX-License-Identifier: Apache-2.0
"""Who gets what on one switch with localports, cell by cell."""
import os

import pytest
from fabric import Fabric
from sniff import new_mark, marked_frame

BROADCAST, MULTICAST, NOBODY = "ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03", "0a:00:00:00:00:99"
UNKNOWN_GROUP, FLOOD_GROUP = 32769, 32768

# l and lu are plugged in on both hosts, m only on h1, n only on h2; u1, u2 and lu take unknown MACs.
PORTS = {name: (f"0a:00:00:00:00:{i:02x}", f"10.9.0.{i}")
         for i, name in enumerate(["a", "a2", "u1", "b", "b2", "u2", "l", "m", "n", "lu"], 1)}
LOCALPORTS = {"l", "m", "n", "lu"}
WORKLOADS = {"h1": ["a", "a2", "u1", "l", "m", "lu"], "h2": ["b", "b2", "u2", "l", "n", "lu"]}

BUM_FROM_A = {"h1/a2", "h1/u1", "h1/l", "h1/m", "h1/lu", "h2/b", "h2/b2", "h2/u2"}
BUM_FROM_B = {"h2/b2", "h2/u2", "h2/l", "h2/n", "h2/lu", "h1/a", "h1/a2", "h1/u1"}

# sender, destination, who gets one copy, egress key of the one packet on the wire (None: no packet)
CELLS = [
    ("h1/a", "a2", {"h1/a2"}, None),
    ("h1/a", "b", {"h2/b"}, "b"),
    ("h1/a", "l", {"h1/l"}, None),
    ("h1/a", "m", {"h1/m"}, None),
    ("h1/a", "n", set(), None),
    ("h1/a", BROADCAST, BUM_FROM_A, FLOOD_GROUP),
    ("h1/a", MULTICAST, BUM_FROM_A, FLOOD_GROUP),
    ("h1/a", NOBODY, {"h1/u1", "h1/lu", "h2/u2"}, UNKNOWN_GROUP),
    ("h2/b", "a", {"h1/a"}, "a"),
    ("h2/b", "l", {"h2/l"}, None),
    ("h2/b", BROADCAST, BUM_FROM_B, FLOOD_GROUP),
    ("h2/b", NOBODY, {"h2/u2", "h2/lu", "h1/u1"}, UNKNOWN_GROUP),
    ("h1/l", "a", {"h1/a"}, None),
    ("h1/l", "b", set(), None),
    ("h1/l", "m", {"h1/m"}, None),
    ("h1/l", "n", set(), None),
    ("h1/l", BROADCAST, {"h1/a", "h1/a2", "h1/u1"}, None),
    ("h1/l", MULTICAST, {"h1/a", "h1/a2", "h1/u1"}, None),
    ("h1/l", NOBODY, {"h1/u1"}, None),
    ("h2/l", "b", {"h2/b"}, None),
    ("h2/l", "a", set(), None),
    ("h2/n", "b", {"h2/b"}, None),
    ("h2/n", "a", set(), None),
    ("h2/n", BROADCAST, {"h2/b", "h2/b2", "h2/u2"}, None),
]


class Table:
    def __init__(self, fabric):
        self.fabric = fabric
        fabric.expected_drops |= {"LOCALPORT_TO_REMOTE", "LOCALPORT_NOT_HERE"}
        fabric.switch("s0", *[(name, self.addresses(name), *(["localport"] if name in LOCALPORTS
                                                             else []))
                              for name in PORTS])
        self.workloads = {f"{host}/{name}": fabric.host(host).plug(name, name, *PORTS[name])
                          for host, names in WORKLOADS.items() for name in names}
        fabric.sync()
        self.keys = {name: int(fabric.binding(name, "tunnel_key")) for name in PORTS}
        self.sniffers = {name: w.sniff() for name, w in self.workloads.items()}
        self.wire = fabric.sniff_underlay()

    @staticmethod
    def addresses(name):
        words = [" ".join(PORTS[name])]
        return words + ["unknown"] if name in ("u1", "u2", "lu") else words

    def send(self, sender, destination, mark):
        mac = PORTS[destination][0] if destination in PORTS else destination
        ip = PORTS[destination][1] if destination in PORTS else "10.9.0.250"
        source = PORTS[sender.split("/")[1]]
        self.sniffers[sender].send(marked_frame(source[0], mac, source[1], ip, mark))

    def fence(self):
        """One CPU handles what it is given in order: when these have arrived, all before them have."""
        for sender, destination, at in (("h1/a", "b", "h2/b"), ("h2/b", "a", "h1/a")):
            mark = new_mark()
            self.send(sender, destination, mark)
            assert self.sniffers[at].wait(mark), f"{sender} to {destination} does not work"


@pytest.fixture(scope="module")
def table():
    fabric = Fabric()
    cpus = os.sched_getaffinity(0)
    try:
        fabric.start_central()
        table = Table(fabric)
        os.sched_setaffinity(0, {min(cpus)})
        yield table
        os.sched_setaffinity(0, cpus)
        fabric.check()
    finally:
        os.sched_setaffinity(0, cpus)
        fabric.close()


@pytest.mark.parametrize("sender, destination, receivers, wire_key", CELLS,
                         ids=[f"{c[0].replace('/', '.')}-to-{c[1]}" for c in CELLS])
def test_cell(table, sender, destination, receivers, wire_key):
    for sniffer in [*table.sniffers.values(), table.wire]:
        sniffer.clear()
    mark = new_mark()
    table.send(sender, destination, mark)
    table.fence()

    got = {name: len(s.having(mark)) for name, s in table.sniffers.items() if s.having(mark)}
    assert got == {name: 1 for name in receivers}
    wire = [(ingress, egress) for _, _, _, ingress, egress, _ in table.wire.tunnelled(mark)]
    port = sender.split("/")[1]
    assert wire == ([] if wire_key is None else
                    [(table.keys[port], table.keys.get(wire_key, wire_key))])
