# SPDX-License-Identifier: Apache-2.0
"""Two hosts on one underlay, one guest each, on one switch; real stacks talk."""
import contextlib

from fabric import FLOOD, NEIGHBOR, READY, SWITCH, T_LOCAL, T_PEER, T_REMOTE, VXLAN, Host, ip16

IPS = "192.168.33.10", "192.168.33.20"
UNDERLAY_MACS = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
MACS = "00:00:00:aa:bb:10", "00:00:00:aa:bb:20"
GUEST_IPS = "10.0.1.10", "10.0.1.20"
GUEST_IP6S = "fd00::10", "fd00::20"


class Pair:
    def __init__(self, mtu=1500, clsact=False, tunnel=0):
        self.hosts = hosts = [Host(ip, clsact) for ip in IPS]
        hosts[0].ns.sh("ip", "link", "add", "und", "mtu", str(mtu), "address", UNDERLAY_MACS[0], "type", "veth",
                       "peer", "name", "und", "netns", hosts[1].ns.name, "mtu", str(mtu), "address", UNDERLAY_MACS[1])
        self.guests = []
        for i, h in enumerate(hosts):
            h.ns.sh("ip", "link", "set", "und", "up")
            h.ns.sh("ip", "addr", "add", f"{IPS[i]}/24", "dev", "und")
            g = h.guest("g", MACS[i])
            g.ns.sh("ip", "link", "set", "eth0", "mtu", str(mtu - 58))
            g.ns.sh("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad")
            g.ns.sh("ip", "addr", "add", f"{GUEST_IPS[i]}/24", "dev", "eth0")
            g.ns.sh("ip", "addr", "add", f"{GUEST_IP6S[i]}/64", "dev", "eth0", "nodad")
            self.guests.append(g)
        for i, h in enumerate(hosts):
            j = 1 - i
            h.port(self.guests[i], SWITCH, 1 + i)
            h.target(SWITCH, 1 + i, MACS[i], T_LOCAL | T_PEER, self.guests[i].ifindex)
            h.target(SWITCH, 1 + j, MACS[j], T_REMOTE, remote=IPS[j])
            h.tunnel(IPS[j], "und", UNDERLAY_MACS[i], UNDERLAY_MACS[j], mtu, READY | NEIGHBOR | tunnel)
            h.chain(SWITCH, FLOOD, 0, {bytes(14) + bytes([0, 1 + i]): (self.guests[i].ifindex, 0)})
            h.chain(SWITCH, FLOOD, 2 if tunnel & VXLAN else 1, {ip16(IPS[j]): (0, 0)})
            h.apply()
            h.do("attach", "workload", self.guests[i].ifindex)
            h.do("attach", "underlay", h.ifindex("und"))

    def remove(self):
        for h in self.hosts:
            h.remove()


@contextlib.contextmanager
def pair(**kw):
    p = Pair(**kw)
    try:
        yield p
    finally:
        p.remove()
