# SPDX-License-Identifier: Apache-2.0
"""The tools people have: Debian's ovn-nbctl, ovn-sbctl and ovs-vsctl, and helper scripts on top."""
import json
import os

from fabric import PEERS, ROOT, Workload, run, wait_for
from test_switches import MAC

TOOLS = {"PATH": f"{PEERS}/usr/bin:{os.environ['PATH']}"}


class Helped:
    """A workload that examples/helper.sh made."""

    def __init__(self, fabric, host, name, mac, ip, port):
        self.netns = f"{fabric.prefix[2:]}{name}"
        self.address = ip
        run(*host.command("sh", "-ec", '. "$0"; add_veth_port "$@"', ROOT / "examples/helper.sh",
                          self.netns, mac, ip, port), env={**TOOLS, **host.env}, timeout=60)

    def remove(self, host):
        run(*host.command("sh", "-ec", '. "$0"; del_veth_port "$1"', ROOT / "examples/helper.sh",
                          self.netns), env={**TOOLS, **host.env}, timeout=60)


def ping(workload, target, count=3):
    out = run("nsenter", f"--net=/run/netns/{workload.netns}", "ping", "-n", "-q", "-c", count, "-i",
              "0.2", "-W", "3", target.address, check=False).stdout
    return int(out.split(" received")[0].split()[-1])


def unicast(wire):
    """Port keys of what was not flooded: the kernel's own IPv6 multicasts are none of our business."""
    return {(p[3], p[4]) for p in wire.tunnelled() if p[4] < 32768}


def test_walk_through_with_real_tools_and_helper(fabric):
    # helper.sh leaves IPv6 on: both ends of the veth pair speak before and after the port works.
    fabric.expected_drops = {"LOCALPORT_TO_REMOTE", "HOST_STACK", "NO_PORT"}
    mac = "00:00:00:aa:bb:{}"
    fabric.nbctl("ls-add", "ls0")
    for n in (10, 20, 30):
        port = f"ls0-ns{n // 10}"
        fabric.nbctl("--wait=sb", "lsp-add", "ls0", port)
        fabric.nbctl("lsp-set-addresses", port, f"{mac.format(n)} 10.0.1.{n}")
    fabric.nbctl("lsp-set-type", "ls0-ns3", "localport")
    controller, hypervisor = fabric.host("controller"), fabric.host("hypervisor")
    made = []
    try:
        for host, name, n in ((controller, "ns1", 10), (controller, "ns3c", 30),
                              (hypervisor, "ns2", 20), (hypervisor, "ns3h", 30)):
            made.append((Helped(fabric, host, name, mac.format(n), f"10.0.1.{n}",
                                f"ls0-ns{n // 10}"), host))
        (ns1, _), (ns3c, _), (ns2, _), (ns3h, _) = made
        fabric.nbctl("--wait=hv", "sync")
        with fabric.sniff_underlay() as wire:
            assert ping(ns1, ns2) == 3 and ping(ns2, ns1) == 3
            assert unicast(wire) == {(1, 2), (2, 1)}
            wire.clear()
            assert ping(ns1, ns3c) == 3 and ping(ns2, ns3h) == 3
            assert ping(ns3h, ns1) == 0 and ping(ns3c, ns2) == 0
            assert unicast(wire) == set()
        assert "ls0-ns3" in fabric.nbctl("show") and "ls0-ns1" in fabric.sbctl("show")
    finally:
        for workload, host in made:
            workload.remove(host)


def test_ovs_vsctl_contract(fabric):
    host = fabric.host("h1")
    host.vsctl("--may-exist", "add-br", "br-int")
    host.ip("link", "add", "name", "v0", "address", MAC.format(7), "mtu", "1400", "up", "type", "veth", "peer",
            "name", "v1")
    host.vsctl("add-port", "br-int", "v0")  # waits for cur_cfg: returning is the test
    assert int(host.interface("v0", "ofport")) > 0
    assert host.interface("v0", "mac_in_use") == MAC.format(7)
    assert host.interface("v0", "mtu") == "1400"
    assert host.interface("v0", "link_state") in ("up", "down")
    index = json.loads(host.run("ip", "-j", "link", "show", "v0"))[0]["ifindex"]
    assert int(host.interface("v0", "ifindex")) == index
    host.vsctl("set", "Interface", "v0", "external_ids:iface-id=nobody")
    assert host.vsctl("iface-to-br", "v0").strip() == "br-int"
    host.vsctl("add-port", "br-int", "absent")
    assert host.interface("absent", "ofport") == "-1"
    assert "absent" in host.interface("absent", "error")
    host.vsctl("del-port", "v0", "--", "del-port", "absent")
    assert host.vsctl("list-ports", "br-int").split() == []


def test_internal_interface_is_a_device(fabric):
    host = fabric.host("h1")
    host.vsctl("add-port", "br-int", "in0", "--", "set", "Interface", "in0", "type=internal",
               f'mac="{MAC.format(5)}"', "mtu_request=1300")
    device = json.loads(host.run("ip", "-j", "link", "show", "in0"))[0]
    assert (device["address"], device["mtu"]) == (MAC.format(5), 1300)
    host.vsctl("del-port", "in0")
    wait_for("in0 is gone", lambda: host.run("ip", "link", "show", "in0", check=False).returncode)


def test_other_bridge_is_a_bridge(fabric):
    host = fabric.host("h1")
    host.vsctl("add-br", "br0")
    assert json.loads(host.run("ip", "-j", "link", "show", "br0"))[0]["ifname"] == "br0"
    host.vsctl("del-br", "br0")
    wait_for("br0 is gone", lambda: host.run("ip", "link", "show", "br0", check=False).returncode)


def test_iface_id_in_a_second_transaction(fabric):
    """As os-vif and OpenStack's metadata agent do."""
    fabric.switch("s0", ("a", MAC.format(1) + " 10.0.0.1"), ("b", MAC.format(2) + " 10.0.0.2"))
    host = fabric.host("h1")
    a = host.plug("a", "a", MAC.format(1), "10.0.0.1")
    b = Workload(fabric, host, "b", "b", MAC.format(2), "10.0.0.2")
    host.vsctl("add-port", "br-int", "b")
    host.vsctl("set", "Interface", "b", "external_ids:iface-id=b")
    host.vsctl("wait-until", "Interface", "b", "external_ids:ovn-installed=true")
    fabric.nbctl("wait-until", "Logical_Switch_Port", "b", "up=true")
    assert a.ping(b, 3) == 3
    host.vsctl("remove", "Interface", "b", "external_ids", "iface-id")
    wait_for("b is down", lambda: fabric.nbctl("get", "Logical_Switch_Port", "b", "up").strip() == "false")
    wait_for("ovn-installed is gone",
             lambda: "ovn-installed" not in host.interface("b", "external_ids"))
