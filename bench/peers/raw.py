# SPDX-License-Identifier: Apache-2.0
"""The limit: workloads joined by veth pairs and nothing else."""
from netns import Peer, ip


class Raw(Peer):
    name = "raw"
    title = "raw veth"
    ip_a2 = "10.78.0.1"
    ip_c = "10.78.0.3"

    def setup(self):
        net = self.net
        self.a, self.b, self.c = net.add("a"), net.add("b"), net.add("c")
        net.veth(self.a, "eth0", self.b, "eth0")
        net.veth(self.a, "eth1", self.c, "eth0")
        net.address(self.a, "eth0", self.ip_a + "/24")
        net.address(self.b, "eth0", self.ip_b + "/24")
        net.address(self.a, "eth1", self.ip_a2 + "/24")
        net.address(self.c, "eth0", self.ip_c + "/24")
        for ns, dev in ((self.a, "eth0"), (self.a, "eth1"), (self.b, "eth0"), (self.c, "eth0")):
            ip(ns, "link", "set", dev, "mtu", str(self.mtu))
