# SPDX-License-Identifier: Apache-2.0
"""Raw veth against the datapath, interleaved: DPTOOL=... python3 tests/dp/speed.py [rounds]"""
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


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    raw = [fabric.Netns("r") for _ in range(2)]
    raw[0].sh("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", raw[1].name)
    for i, ns in enumerate(raw):
        ns.sh("ip", "addr", "add", f"10.9.0.{i + 1}/24", "dev", "eth0")
        ns.sh("ip", "link", "set", "eth0", "up")
    with pair.pair() as p:
        peers = {"raw": (raw[0], raw[1], "10.9.0.2"), "dp": (p.guests[0].ns, p.guests[1].ns, pair.GUEST_IPS[1])}
        got = {}
        for _ in range(rounds):
            for name, (client, server, ip) in peers.items():
                got.setdefault((name, "tcp Gbit/s"), []).append(iperf(server, client, ip))
                got.setdefault((name, "udp kpps"), []).append(iperf(server, client, ip, "-u", "-l", "64", "-b", "0"))
                got.setdefault((name, "ping us"), []).append(ping(client, ip))
        if os.environ.get("VERBOSE"):
            for (name, what), values in got.items():
                print(name, what, *(f"{v:.1f}" for v in values))
        for what in "tcp Gbit/s", "udp kpps", "ping us":
            a, b = (statistics.median(got[n, what]) for n in ("raw", "dp"))
            print(f"{what:12} raw {a:8.2f}  dp {b:8.2f}  ratio {b / a:.2f}")
    for ns in raw:
        ns.remove()


main()
