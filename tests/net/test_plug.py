# SPDX-License-Identifier: Apache-2.0
"""heddle plug and unplug: one interface for one port, a reason where that cannot be, and nothing half-done."""
import signal

import pytest

from fabric import Workload, wait_for
from test_bad_input import one_line
from test_switches import MAC


def plug(host, device, port, *more):
    return host.heddle("plug", f"--db={host.db}", *more, device, port, check=False)


def refused(host, device, port, *words):
    """The one line, by which nothing has changed."""
    before = host.vsctl("--columns=name,external_ids", "list", "Interface")
    one_line(plug(host, device, port), *words)
    assert host.vsctl("--columns=name,external_ids", "list", "Interface") == before


def spare(fabric, host, name):
    """A workload that is not plugged in."""
    fabric.workloads.append(Workload(fabric, host, name, name, MAC.format(9)))


def iface_id(host, device):
    return host.vsctl("--if-exists", "get", "Interface", device, "external_ids:iface-id").strip().strip("\"")


def test_an_interface_serves_one_port(fabric):
    fabric.switch("s0", ("a", MAC.format(1)), ("b", MAC.format(2)))
    host = fabric.host("h1")
    host.plug("v0", "a", MAC.format(1))
    refused(host, "v0", "b", "interface v0 serves port a", '"heddle unplug v0" first')
    assert fabric.nb("lsp-get-up", "a").strip() == "up"
    done = plug(host, "v0", "a")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_port_is_served_by_one_interface_of_a_host(fabric):
    fabric.switch("s0", ("a", MAC.format(1)))
    host = fabric.host("h1")
    host.plug("v1", "a", MAC.format(1))
    spare(fabric, host, "v0")
    spare(fabric, host, "v2")
    for device in ("v0", "v2"):
        refused(host, device, "a", "port a is served by interface v1 of this host", '"heddle unplug v1" first')
    host.unplug(host.fabric.workloads[0])
    assert plug(host, "v2", "a").returncode == 0


def test_a_second_interface_that_another_tool_plugs(fabric):
    """It waits, and the agent says so once."""
    fabric.switch("s0", ("a", MAC.format(1)))
    host = fabric.host("h1")
    host.plug("v1", "a", MAC.format(1))
    spare(fabric, host, "v2")
    host.vsctl("add-port", "br-int", "v2", "--", "set", "Interface", "v2", "external_ids:iface-id=a")
    said = "port a: interface v2 is not used: interface v1 serves the port already"
    wait_for("the agent says so", lambda: said in host.agent.text())
    one_line(plug(host, "v2", "a"), "port a is served by interface v1 of this host")
    fabric.sync()
    assert host.agent.text().count(said) == 1


@pytest.mark.parametrize("kind", ["router", "localnet", "l2gateway", "vtep", "external", "virtual", "remote"])
def test_ports_that_no_interface_can_serve(fabric, kind):
    fabric.switch("s0", ("r", MAC.format(1), kind))
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    refused(host, "v0", "r", f"port r is of type {kind}: no interface can be plugged into it")


def test_a_container_port_is_behind_its_parent(fabric):
    fabric.switch("s0", ("p", MAC.format(1)))
    fabric.nb("--wait=sb", "lsp-add", "s0", "c", "p", "5")
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    refused(host, "v0", "c", "port c is a container's, behind port p")


def test_a_port_that_is_meant_for_another_chassis(fabric):
    fabric.switch("s0", ("a", MAC.format(1)))
    h1 = fabric.host("h1")
    fabric.host("h2")
    fabric.sync()
    spare(fabric, h1, "v0")
    for chassis in ("h2", "nosuch"):
        fabric.nb("--wait=sb", "lsp-set-options", "a", f"requested-chassis={chassis}")
        refused(h1, "v0", "a", f"port a is meant for chassis {chassis}", "this is h1")
    fabric.nb("--wait=sb", "lsp-set-options", "a", "requested-chassis=h1")
    assert plug(h1, "v0", "a").returncode == 0


def test_a_port_that_another_chassis_has_taken(fabric):
    fabric.switch("s0", ("a", MAC.format(1)))
    h1, h2 = fabric.host("h1"), fabric.host("h2")
    h1.plug("v0", "a", MAC.format(1))
    h2.plug("v0", "a", MAC.format(1))
    wait_for("h1 has noticed", lambda: "chassis h2 has taken it" in h1.agent.text())
    one_line(plug(h1, "v0", "a", "--timeout=1"), "port a is held by chassis h2", "interface v0")
    assert iface_id(h1, "v0") == "a" and fabric.chassis_of("a") == "h2"


@pytest.mark.parametrize("known", [False, True])
def test_what_is_not_done_in_time_is_taken_back(fabric, known):
    fabric.switch("s0", ("a", MAC.format(1)))
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    if known:
        host.vsctl("add-port", "br-int", "v0", "--", "set", "Interface", "v0", "external_ids:x=y")
    before = host.vsctl("--columns=name,external_ids", "list", "Interface"), host.vsctl("list-ports", "br-int")
    host.agent.child.send_signal(signal.SIGSTOP)
    try:
        one_line(plug(host, "v0", "a", "--timeout=1"), "in time", "heddle host")
        after = host.vsctl("--columns=name,external_ids", "list", "Interface"), host.vsctl("list-ports", "br-int")
    finally:
        host.agent.child.send_signal(signal.SIGCONT)
    assert after == before


def test_a_port_that_does_not_come_up_in_time(fabric):
    """The agent is stopped, and somebody says in its place that the interface is there: only the port is missing."""
    fabric.switch("s0", ("a", MAC.format(1)))
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    host.vsctl("add-port", "br-int", "v0")
    host.agent.child.send_signal(signal.SIGSTOP)
    try:
        host.vsctl("--no-wait", "set", "Open_vSwitch", ".", "cur_cfg=1000")
        one_line(plug(host, "v0", "a", "--timeout=1"), "port a is not bound to interface v0 in time", "heddle host")
    finally:
        host.agent.child.send_signal(signal.SIGCONT)
    assert iface_id(host, "v0") == "" and host.vsctl("list-ports", "br-int") == "v0\n"


def test_a_southbound_database_that_does_not_answer(fabric):
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    remote = host.vsctl("get", "Open_vSwitch", ".", "external_ids:ovn-remote")
    host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-remote=unix:{fabric.dir}/nosuch")
    one_line(plug(host, "v0", "a", "--timeout=1"), "interface v0", "port a", "southbound database", "nosuch")
    assert host.vsctl("list-ports", "br-int") == ""
    assert plug(host, "v0", "a", "--no-wait").returncode == 0
    assert iface_id(host, "v0") == "a"
    host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-remote={remote.strip()}")


def test_an_interface_of_another_bridge(fabric):
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    host.vsctl("add-br", "br0", "--", "add-port", "br0", "v0")
    one_line(plug(host, "v0", "a"), "interface v0 is on bridge br0", "heddle unplug v0")
    assert host.vsctl("port-to-br", "v0").strip() == "br0"
    assert host.heddle("unplug", f"--db={host.db}", "v0") == ""
    assert plug(host, "v0", "a").returncode == 0


def test_without_waiting(fabric):
    """Rows are written, whoever carries that out and when."""
    fabric.switch("s0", ("a", MAC.format(1)))
    host = fabric.host("h1")
    spare(fabric, host, "v0")
    host.agent.child.send_signal(signal.SIGSTOP)
    try:
        assert plug(host, "v0", "a", "--no-wait").returncode == 0
        assert iface_id(host, "v0") == "a"
        assert host.heddle("unplug", f"--db={host.db}", "--no-wait", "v0") == ""
        assert host.vsctl("list-ports", "br-int") == ""
        one_line(host.heddle("unplug", f"--db={host.db}", "--no-wait", "v0", check=False), "v0 is not plugged in")
        assert host.heddle("unplug", f"--db={host.db}", "--if-exists", "v0") == ""
    finally:
        host.agent.child.send_signal(signal.SIGCONT)
