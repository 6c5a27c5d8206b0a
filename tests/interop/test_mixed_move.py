# SPDX-License-Identifier: Apache-2.0
"""A port that moves between hosts of stock OVN and of Heddle."""
import threading
import time

from fabric import wait_for
from mixed import reach

MAC = "0a:00:00:00:00:{:02x}"


class Watch:
    """Pings addresses in turn, each until its first answer, and notes when the last of those came.  One after the other: a
    ping without an answer makes the workload forget its neighbours."""

    def __init__(self, source, addresses):
        self.source, self.missing, self.last, self.stop = source, list(addresses), None, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.missing and not self.stop.is_set():
            self.missing = [address for address in self.missing if not self.source.ping(address, 1, 0.2)]
        self.last = time.monotonic()

    def answered(self):
        wait_for(f"{self.source.name} has answers of {self.missing}", lambda: not self.missing and self.last, 10)
        return self.last

    def close(self):
        self.stop.set()
        self.thread.join()


def move(mixed, leave, enter, watchers):
    """Port m, by its iface-id; how long after the claim each watcher has it by both IPv4 and IPv6."""
    leave.host.vsctl("remove", "Interface", leave.device, "external_ids", "iface-id")
    wait_for("m is released", lambda: mixed.chassis_of("m") == "")
    watches = [Watch(w, (enter.address, enter.address6)) for w in watchers]
    try:
        enter.host.vsctl("set", "Interface", enter.device, "external_ids:iface-id=m")
        wait_for("m is claimed", lambda: mixed.chassis_of("m") == enter.host.name)
        claimed = time.monotonic()
        return [w.answered() - claimed for w in watches]
    finally:
        for w in watches:
            w.close()


def test_a_port_moves_between_stock_and_heddle(mixed):
    """The workload is the same; its iface-id goes from an interface here to one there, and each host looks on."""
    mixed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mixed.nb_remote}"')
    mixed.expected_drops = {"NOT_BOUND", "NO_PORT", "TUNNEL_NOT_HERE"}
    numbers = {name: i for i, name in enumerate("abcm", 1)}
    mixed.switch("s0", *[(n, f"{MAC.format(i)} 10.0.0.{i} fd00::{i}") for n, i in numbers.items()])

    def plug(host, device, name, port):
        n = numbers[name]
        return host.plug(device, port, MAC.format(n), f"10.0.0.{n}", ip6=f"fd00::{n}")

    hosts = [mixed.ovn_host("h1"), mixed.host("h2"), mixed.host("h3")]
    watchers = [plug(host, name, name, name) for host, name in zip(hosts, "abc")]
    places = {host.name: plug(host, f"m{i}", "m", "m" if i == 1 else "other") for i, host in enumerate(hosts, 1)}
    mixed.wait_up(*"abcm")
    mixed.sync()
    for w in watchers[1:]:
        reach(watchers[0], w)
    for leave, enter in (("h1", "h2"), ("h2", "h3"), ("h3", "h2"), ("h2", "h1"), ("h1", "h3")):
        late = move(mixed, places[leave], places[enter], watchers)
        assert max(late) < 1, (leave, enter, late)
        mixed.wait_up("m")
        for w in watchers:
            assert places[enter].ping(w, 3) == 3 and places[enter].ping(w.address6, 3) == 3
