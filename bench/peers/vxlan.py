# SPDX-License-Identifier: Apache-2.0
"""What the kernel brings: a Linux bridge on each host, joined by a vxlan device."""
from netns import Peer, ip


class Vxlan(Peer):
    name = "vxlan"
    title = "bridge + kernel vxlan"

    def setup(self):
        net = self.net
        hosts = [net.add("h1"), net.add("h2")]
        net.veth(hosts[0], "und0", hosts[1], "und0")
        for i, host in enumerate(hosts):
            local, remote = f"192.168.77.{i + 1}", f"192.168.77.{2 - i}"
            net.address(host, "und0", local + "/24")
            ip(host, "link", "add", "br0", "type", "bridge")
            ip(host, "link", "add", "vx0", "type", "vxlan", "id", "7", "local", local,
                "remote", remote, "dstport", "4789", "dev", "und0")
            for dev in ("vx0", "br0"):
                ip(host, "link", "set", dev, "up")
            ip(host, "link", "set", "vx0", "master", "br0")
        self.a = self.workload("a", hosts[0], "va")
        self.c = self.workload("c", hosts[0], "vc")
        self.b = self.workload("b", hosts[1], "vb")
        for host, dev in ((hosts[0], "va"), (hosts[0], "vc"), (hosts[1], "vb")):
            ip(host, "link", "set", dev, "master", "br0")
