# SPDX-License-Identifier: Apache-2.0
"""Raw veth against the tunnel, a Linux bridge against local delivery, interleaved: DPTOOL=... python3 tests/dp/speed.py [rounds]"""
import contextlib
import json
import os
import statistics
import subprocess
import sys

os.sched_setaffinity(0, range(os.cpu_count()))
ALL = range(os.cpu_count())
import fabric  # noqa: E402
import pair  # noqa: E402

SECONDS = os.environ.get("SECONDS_EACH", "2")


def iperf(server, client, ip, *argv):
    p = server.popen("iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE, preexec_fn=spread)
    while "listening" not in p.stdout.readline():
        pass
    out = json.loads(client.sh("iperf3", "-J", "-c", ip, "-t", SECONDS, *argv, preexec_fn=spread))["end"]
    p.stdout.read()
    p.wait()
    if "-u" in argv:
        s = out["sum"]
        return (s["packets"] - s["lost_packets"]) / s["seconds"] / 1e3
    return out["sum_received"]["bits_per_second"] / 1e9


def spread():
    os.sched_setaffinity(0, ALL)


def ping(client, ip):
    out = client.sh("ping", "-q", "-i", "0.001", "-c", "1000", ip, preexec_fn=spread)
    return float(out.split("/")[-3]) * 1e3


def raw(stack):
    ns = [stack.enter_context(namespace()) for _ in range(2)]
    ns[0].sh("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", ns[1].name)
    for n in ns:
        n.sh("ip", "link", "set", "eth0", "mtu", "1442")
    return addressed(ns)


def bridge(stack):
    ns = [stack.enter_context(namespace()) for _ in range(2)]
    middle = stack.enter_context(namespace())
    middle.sh("ip", "link", "add", "br0", "type", "bridge")
    middle.sh("ip", "link", "set", "br0", "up")
    for i, n in enumerate(ns):
        middle.sh("ip", "link", "add", f"v{i}", "type", "veth", "peer", "name", "eth0", "netns", n.name)
        middle.sh("ip", "link", "set", f"v{i}", "up", "master", "br0")
    return addressed(ns)


def addressed(ns):
    for i, n in enumerate(ns):
        n.sh("ip", "addr", "add", f"10.9.0.{i + 1}/24", "dev", "eth0")
        n.sh("ip", "link", "set", "eth0", "up")
    return *ns, "10.9.0.2"


@contextlib.contextmanager
def namespace():
    ns = fabric.Netns("s")
    try:
        yield ns
    finally:
        ns.remove()


def unheard(p):
    """A raw socket that listens gets a clone of every packet, and costs more than the tunnel."""
    for h in p.hosts:
        for g in h.guests:
            g.wire.close()


def remote(stack):
    p = stack.enter_context(pair.pair())
    unheard(p)
    return p.guests[0].ns, p.guests[1].ns, pair.GUEST_IPS[1]


def local(stack):
    """Two guests on the first host of a pair."""
    p = stack.enter_context(pair.pair())
    h = p.hosts[0]
    g = h.guest("l", "00:00:00:aa:bb:50")
    g.ns.sh("ip", "link", "set", "eth0", "mtu", "1500")
    p.guests[0].ns.sh("ip", "link", "set", "eth0", "mtu", "1500")
    g.ns.sh("ip", "addr", "add", "10.0.1.50/24", "dev", "eth0")
    h.port(g, fabric.SWITCH, 5)
    h.target(fabric.SWITCH, 5, g.mac, fabric.T_LOCAL | fabric.T_PEER, g.ifindex)
    h.neighbor(fabric.SWITCH, pair.GUEST_IPS[0], pair.MACS[0], 1)
    h.neighbor(fabric.SWITCH, "10.0.1.50", g.mac, 5)
    h.apply()
    h.do("attach", "workload", g.ifindex)
    unheard(p)
    return p.guests[0].ns, g.ns, "10.0.1.50"


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    got = {}
    with contextlib.ExitStack() as stack:
        peers = {make.__name__: make(stack) for make in (raw, remote, bridge, local)}
        for _ in range(rounds):
            for name, (client, server, ip) in peers.items():
                for what, value in (("tcp Gbit/s", iperf(server, client, ip)),
                                    ("udp kpps", iperf(server, client, ip, "-u", "-l", "64", "-b", "0")),
                                    ("ping us", ping(client, ip))):
                    got.setdefault((name, what), []).append(value)
    for limit, name in ("raw", "remote"), ("bridge", "local"):
        for what in "tcp Gbit/s", "udp kpps", "ping us":
            a, b = (statistics.median(got[n, what]) for n in (limit, name))
            print(f"{what:10} {limit} {a:8.2f}  {name} {b:8.2f}  ratio {b / a:.2f}")


main()
