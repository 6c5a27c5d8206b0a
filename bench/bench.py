#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Heddle against raw veth, Linux bridge with kernel vxlan, and OVN: the same three workloads, the
same MTU, all peers up at once, measured in turns. Only ratios of medians within one run mean
anything; absolute figures are the machine's."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

from netns import wait_for
from peers import ALL

BUILD = os.environ.get("HEDDLE_BUILD") or os.path.normpath(os.path.join(os.path.dirname(__file__), "../build"))
PACKETS = os.path.join(BUILD, "bench/packets")

# What counts as done: (metric, peer to compare with, at least/at most, ratio)
TARGETS = [
    ("remote tcp", "raw", ">=", 0.93),
    ("remote udp", "raw", ">=", 0.70),
    ("remote udp", "vxlan", ">=", 1.5),
    ("remote udp", "ovn", ">=", 6.0),
    ("local tcp", "vxlan", ">=", 1.0),
    ("local udp", "vxlan", ">=", 1.0),
    ("local ping", "vxlan", "<=", 1.0),
    ("remote ping", "raw", "<=", 2.0),
]
MEMORY_KIB = {"heddle host": 20 * 1024, "heddle central": 15 * 1024}
UNITS = {"tcp": "Gbit/s", "udp": "kpps", "ping": "us"}


def iperf(peer, server_ns, ip, seconds, *args):
    server = peer.net.spawn(server_ns, "iperf3", "-s", "-1", "-p", "5201", log="iperf.log")
    wait_for("iperf3 listens", lambda: ":5201" in peer.net.exec(server_ns, "ss", "-ltn"))
    text = peer.net.exec(peer.a, "iperf3", "-c", ip, "-p", "5201", "-t", str(seconds), "-J", *args)
    server.wait(10)
    del peer.net.processes[server]
    return json.loads(text)["end"]


def tcp(peer, ns, ip, seconds):
    return iperf(peer, ns, ip, seconds)["sum_received"]["bits_per_second"] / 1e9


def udp(peer, ns, ip, seconds):
    receiver = subprocess.Popen(["nsenter", f"--net=/run/netns/{ns}", PACKETS, "receive", "5001", str(seconds)],
                                stdout=subprocess.PIPE, text=True)
    receiver.stdout.readline()  # "ready"
    peer.net.exec(peer.a, PACKETS, "send", ip, "5001", str(seconds + 0.5))
    return int(receiver.communicate(timeout=20)[0]) / 1e3


def ping(peer, ns, ip, seconds):
    text = peer.net.exec(peer.a, "ping", "-q", "-f", "-c", str(2000 * seconds), ip)
    return float(re.search(r"= [\d.]+/([\d.]+)/", text).group(1)) * 1e3


METRICS = [(f"{where} {how.__name__}", how, where)
           for where in ("remote", "local") for how in (tcp, udp, ping)]


def measure(peers, rounds, seconds, note):
    samples = {(m, p.name): [] for m, _, _ in METRICS for p in peers}
    for n in range(rounds):
        for name, how, where in METRICS:
            for peer in peers:
                ns, ip = (peer.b, peer.ip_b) if where == "remote" else (peer.c, peer.ip_c)
                value = how(peer, ns, ip, seconds)
                samples[name, peer.name].append(value)
                note(f"round {n + 1}/{rounds}  {name:12} {peer.title:30} {value:10.2f}")
    return {k: statistics.median(v) for k, v in samples.items()}, samples


def ratio(medians, metric, peer):
    return medians[metric, "heddle"] / medians[metric, peer]


def judge(medians):
    present = {p for _, p in medians}
    for metric, peer, sign, limit in TARGETS:
        if peer in present and "heddle" in present:
            r = ratio(medians, metric, peer)
            yield metric, peer, sign, limit, r, (r >= limit if sign == ">=" else r <= limit)


def table(peers, medians):
    print("\nmedians" + " " * 25 + "".join(f"{name + ' ' + UNITS[name.split()[1]]:>20}" for name, _, _ in METRICS))
    for peer in peers:
        print(f"{peer.title:32}" + "".join(f"{medians[name, peer.name]:20.2f}" for name, _, _ in METRICS))


def fits(process, kib):
    return kib <= MEMORY_KIB.get(process, kib)


def memory_table(memory):
    print("\nresident memory, MiB")
    for peer, host, process, kib in memory:
        limit = MEMORY_KIB.get(process)
        verdict = f"   wanted <= {limit // 1024}   {'ok' if fits(process, kib) else 'MISSED'}" if limit else ""
        print(f"  {peer:7} {host:3} {process:26} {kib / 1024:7.1f}{verdict}")


def ratio_table(verdicts, medians):
    print("\nratio of medians, Heddle to ...")
    for metric, peer, sign, limit, r, good in verdicts:
        raw = medians.get((metric, "raw"))
        ceiling = f"   (raw veth: {raw / medians[metric, peer]:.2f})" if raw and peer != "raw" else ""
        print(f"  {metric:12} {peer:6} {r:6.2f}   wanted {sign} {limit:<5} {'ok' if good else 'MISSED'}{ceiling}")


def write_json(path, medians, samples, verdicts, memory):
    with open(path, "w") as f:
        json.dump({"medians": {f"{m}/{p}": v for (m, p), v in medians.items()},
                   "samples": {f"{m}/{p}": v for (m, p), v in samples.items()},
                   "ratios": [dict(zip(("metric", "peer", "sign", "wanted", "ratio", "ok"), v)) for v in verdicts],
                   "memory": [dict(zip(("peer", "host", "process", "kib"), v)) for v in memory]}, f, indent=1)
    print(f"\nall of it, each sample too: {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="per measurement")
    parser.add_argument("--peers", default=",".join(p.name for p in ALL))
    parser.add_argument("--json", metavar="FILE", default=os.path.join(BUILD, "bench.json"),
                        help="medians, samples, ratios and memory go there (default: %(default)s)")
    args = parser.parse_args()
    wanted = args.peers.split(",")
    unknown = set(wanted) - {p.name for p in ALL}
    if unknown:
        parser.error(f"unknown peer {', '.join(sorted(unknown))}")

    peers = []
    try:
        for cls in ALL:
            if cls.name in wanted:
                peers.append(cls().__enter__())
        medians, samples = measure(peers, args.rounds, args.seconds,
                                   lambda line: print(line, file=sys.stderr))
        memory = sorted((p.name, *row) for p in peers for row in p.memory())
    finally:
        for peer in reversed(peers):
            peer.close()

    verdicts = list(judge(medians))
    table(peers, medians)
    ratio_table(verdicts, medians)
    memory_table(memory)
    write_json(args.json, medians, samples, verdicts, memory)
    good = all(v[-1] for v in verdicts) and all(fits(process, kib) for _, _, process, kib in memory)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
