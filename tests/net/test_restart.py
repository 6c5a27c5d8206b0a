# SPDX-License-Identifier: Apache-2.0
"""Programs end and start again in the middle of everything; packets notice nothing."""
import os
import random
import re
import signal
import subprocess

import pytest
from fabric import wait_for
from test_switches import MAC, two_ports

PINGS = 300


class Traffic:
    """A ping every 10 ms while the block runs; lost is how many of the first PINGS were not answered.

    More are sent: ping waits so short a time for the answer to its last one that a busy machine misses it."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __enter__(self):
        with self.b.sniff() as rx:
            self.ping = self.a.popen("ping", "-n", "-c", PINGS + 50, "-i", "0.01", "-W", "1",
                                     self.b.address, stdout=subprocess.PIPE, text=True)
            wait_for("traffic runs", lambda: len(rx.read()) > 5)
        return self

    def __exit__(self, *_):
        text = self.ping.communicate(timeout=60)[0]
        answered = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", text)}
        self.lost = len(set(range(1, PINGS + 1)) - answered)


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("which", ["sender", "receiver"])
def test_agent_restart_loses_nothing(fabric, which, sig):
    a, b = two_ports(fabric)
    host = a.host if which == "sender" else b.host
    with Traffic(a, b) as traffic:
        host.agent.stop(sig)
        host.start_agent()
        fabric.sync()
    assert traffic.lost == 0


def test_central_killed_and_restarted(fabric):
    a, b = two_ports(fabric)
    with Traffic(a, b) as traffic:
        fabric.central.stop(signal.SIGKILL)
        fabric.start_central()
        fabric.sync()
    assert traffic.lost == 0
    keys = [fabric.binding(p, "tunnel_key") for p in "ab"]
    fabric.nb("--wait=sb", "lsp-add", "s0", "c", "--", "lsp-set-addresses", "c", f"{MAC.format(3)} 10.0.0.3")
    assert [fabric.binding(p, "tunnel_key") for p in "ab"] == keys
    c = fabric.host("h2").plug("c", "c", MAC.format(3), "10.0.0.3")
    fabric.sync()
    assert a.ping(c, 3) == 3


def test_forwarding_goes_on_without_central_and_agents(fabric):
    a, b = two_ports(fabric)
    fabric.central.stop()
    for host in fabric.hosts.values():
        host.agent.stop()
    assert a.ping(b, 5) == 5 and b.ping(a, 5) == 5
    fabric.start_central()
    for host in fabric.hosts.values():
        host.start_agent()
    fabric.sync()
    assert a.ping(b, 5) == 5


def test_what_changed_while_the_agent_was_away(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"NO_DESTINATION", "NOT_BOUND", "TUNNEL_NOT_HERE", "NO_PORT"}
    b.host.agent.stop(signal.SIGKILL)
    fabric.nb("--wait=sb", "lsp-del", "b")
    fabric.nb("--wait=sb", "lsp-add", "s0", "c", "--", "lsp-set-addresses", "c",
              f"{MAC.format(2)} 10.0.0.2")
    b.host.start_agent()
    b.host.vsctl("set", "Interface", "b", "external_ids:iface-id=c")
    wait_for("c is up", lambda: fabric.nb("lsp-get-up", "c").strip() == "up")
    fabric.sync()
    assert a.ping(b, 3) == 3


# ---- anything may be killed at any time ----

def rows(fabric):
    """What must be the same again afterwards."""
    def table(name, columns):
        return sorted(fabric.sbctl("--format=csv", "--no-headings", f"--columns={columns}", "list", name).splitlines())
    return (table("Port_Binding", "logical_port,tunnel_key,type,up,mac,chassis"),
            table("Datapath_Binding", "tunnel_key,external_ids"), table("Chassis", "name,encaps"))


def synced(fabric):
    """False while a database is not there."""
    return fabric.nb("--wait=hv", "--timeout=10", "sync", check=False).returncode == 0


def kill_some(fabric, names):
    """Kills them one right after the other; programs are started again, their servers they start themselves."""
    agents = {name: host.agent for name, host in fabric.hosts.items()}
    programs = {"central": fabric.central, **agents}
    pids = {name: program.pid for name, program in programs.items()}
    pids.update(zip(("northbound", "southbound"), fabric.central.children()))
    pids.update({f"{name}'s database": agent.children()[0] for name, agent in agents.items()})
    for name in names(sorted(pids)):
        if name in programs:
            programs[name].stop(signal.SIGKILL)
            programs[name].start()
        else:
            os.kill(pids[name], signal.SIGKILL)


@pytest.mark.parametrize("seed", range(3))
def test_programs_killed_in_any_order(fabric, seed):
    choice = random.Random(seed)
    a, b = two_ports(fabric)
    fabric.sync()
    before = rows(fabric)
    for _ in range(2):
        with Traffic(a, b) as traffic:
            kill_some(fabric, lambda names: choice.sample(names, choice.randint(2, 4)))
        wait_for("the databases and the hosts are in step", lambda: synced(fabric))
        wait_for("the rows are the same", lambda: rows(fabric) == before)
        assert traffic.lost == 0
        fabric.check()
    assert a.ping(b, 3) == 3
