# SPDX-License-Identifier: Apache-2.0
"""Programs end and start again in the middle of everything; packets notice nothing."""
import re
import signal
import subprocess

import pytest
from fabric import wait_for
from test_switches import MAC, two_ports

PINGS = 300


class Traffic:
    """A ping every 10 ms while the block runs; lost is what was lost."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __enter__(self):
        with self.b.sniff() as rx:
            self.ping = self.a.popen("ping", "-n", "-q", "-c", PINGS, "-i", "0.01", "-W", "1",
                                     self.b.address, stdout=subprocess.PIPE, text=True)
            wait_for("traffic runs", lambda: len(rx.read()) > 5)
        return self

    def __exit__(self, *_):
        text = self.ping.communicate(timeout=30)[0]
        self.lost = PINGS - int(re.search(r"(\d+) received", text)[1])


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
