# SPDX-License-Identifier: Apache-2.0
"""Faults of the machine and of others: one line that names the object and the reason, and nothing half-done."""
import concurrent.futures
import secrets

import pytest
from fabric import HEDDLE, Namespace, run
from test_bad_input import one_line
from test_switches import two_ports


@pytest.fixture
def machine(tmp_path):
    """A namespace in which no agent runs."""
    netns = Namespace("hf" + secrets.token_hex(3))
    netns.dir = tmp_path
    netns.env = {"OVS_RUNDIR": str(tmp_path)}
    yield netns
    run("ip", "netns", "del", netns.netns)


def start_agent(machine, *more):
    """A heddle host that is expected to end by itself."""
    return machine.run(HEDDLE, "host", f"--state-dir={machine.dir}/state", f"--run-dir={machine.dir}/run", *more,
                       check=False, timeout=20, env=machine.env)


def failed(done, *words):
    """It said why in its last line."""
    assert done.returncode == 1, done.stdout
    last = done.stdout.splitlines()[-1]
    for word in words:
        assert word in last, done.stdout


# ---- heddle host --remove ----

def test_removal_when_a_database_does_not_answer(machine):
    """It waits for ten seconds, so both cases at once."""
    other = Namespace("hf" + secrets.token_hex(3))
    other.dir, other.env = machine.dir / "other", {"OVS_RUNDIR": str(machine.dir / "other")}
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            local = pool.submit(start_agent, machine, "--remove", f"--db=unix:{machine.dir}/none.sock")
            southbound = pool.submit(start_agent, other, "--remove", "--system-id=h1",
                                     f"--ovn-remote=unix:{machine.dir}/sb.sock")
        failed(local.result(), "cannot be removed", "none.sock")
        failed(southbound.result(), "chassis h1 cannot be removed", "sb.sock")
    finally:
        run("ip", "netns", "del", other.netns)


def test_removal_of_a_host_that_was_never_set_up(machine):
    failed(start_agent(machine, "--remove", "--system-id=h1"), "chassis h1 cannot be removed", "ovn-remote")


# ---- interfaces ----

def test_plug_what_the_machine_needs(fabric):
    a, b = two_ports(fabric)
    host = a.host
    host.ip("link", "add", "v0", "type", "veth", "peer", "name", "v0p")
    before = host.vsctl("show")
    for device, why in (("lo", "no Ethernet address"), ("und0", "tunnel address"), ("br-int", "bridge itself")):
        one_line(host.heddle("plug", f"--db={host.db}", device, "p", check=False), device, why)
    one_line(host.heddle("unplug", f"--db={host.db}", "br-int", check=False), "br-int", "bridge itself")
    one_line(host.heddle("plug", f"--db={host.db}", "v0", "", check=False), "name is empty")
    assert host.vsctl("show") == before
    assert a.ping(b, 3) == 3
