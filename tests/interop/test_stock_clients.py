# SPDX-License-Identifier: Apache-2.0
"""Clients of OVN and Open vSwitch that know nothing of Heddle, on a Heddle deployment."""
import fcntl
import json
import os
import signal
import struct

from fabric import Workload, in_netns, run, wait_for
from mixed import tool
from scapy.layers.l2 import ARP, Ether
from stock_clients import Event, idl, idlutils, shown

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
MAC = "0a:00:00:00:00:{:02x}"


def device(fabric, host, name, port, n):
    return Workload(fabric, host, name, port, MAC.format(n), f"10.0.0.{n}")


def create_network(api, name, ports):
    """As Neutron does: a switch, then ports with all their columns, each in a transaction."""
    api.ls_add(name, external_ids={"neutron:network_name": "net", "neutron:mtu": "1442"}).execute(
        check_error=True)
    for port, n in ports.items():
        with api.transaction(check_error=True) as txn:
            txn.add(api.lsp_add(name, port, addresses=[f"{MAC.format(n)} 10.0.0.{n}"],
                                external_ids={"neutron:cidrs": f"10.0.0.{n}/24"},
                                options={"requested-chassis": ""}, enabled=True))


def internal(name):
    return [f"Port {name}", f"Interface {name}", "type: internal"]


def test_ovsdbapp_creates_networks_and_plugs_as_os_vif_does(fabric, clients):
    host = fabric.host("h1")
    north, local = clients.nb(fabric), clients.ovs(host)
    create_network(north, "neutron-1", {"a": 1, "b": 2})
    works = [device(fabric, host, f"tap{p}", p, n) for p, n in (("a", 1), ("b", 2))]
    for w in works:
        ids = {"iface-id": w.port, "iface-status": "active", "attached-mac": w.mac, "vm-uuid": "x"}
        with local.transaction(check_error=True) as txn:
            txn.add(local.add_port("br-int", w.device, may_exist=False))
            txn.add(local.db_set("Interface", w.device, ("external_ids", ids)))
        assert local.db_get("Interface", w.device, "ofport").execute(check_error=True) > 0
        wait_for("ovn-installed", lambda: local.db_get("Interface", w.device, "external_ids").execute()
                 .get("ovn-installed") == "true")
        wait_for("up", lambda: north.db_get("Logical_Switch_Port", w.port, "up").execute())
    assert works[0].ping(works[1], 3) == 3
    assert shown(host) == sorted(["Bridge br-int", "fail_mode: secure", *internal("br-int"),
                                  *[f"{kind} {w.device}" for kind in ("Port", "Interface") for w in works]])
    for w in works:
        local.del_port(w.device, "br-int").execute(check_error=True)
        wait_for("down", lambda: not north.db_get("Logical_Switch_Port", w.port, "up").execute())
    north.ls_del("neutron-1").execute(check_error=True)
    wait_for("no southbound rows", lambda: not fabric.sbctl("--bare", "list", "Port_Binding").strip())
    fabric.expected_drops = {"NO_PORT", "NOT_BOUND"}


def test_ovsdbapp_internal_interfaces_and_bridges(fabric, clients):
    host = fabric.host("h1")
    local = clients.ovs(host)
    local.add_br("br-ex").execute(check_error=True)
    local.set_fail_mode("br-ex", "standalone").execute(check_error=True)
    with local.transaction(check_error=True) as txn:
        txn.add(local.add_port("br-ex", "in0"))
        txn.add(local.db_set("Interface", "in0", ("type", "internal"), ("mac", MAC.format(9)),
                             ("mtu_request", 1400)))
    link = json.loads(host.run("ip", "-j", "link", "show", "in0"))[0]
    assert (link["address"], link["mtu"]) == (MAC.format(9), 1400)
    assert local.db_get("Interface", "in0", "ofport").execute(check_error=True) > 0
    assert sorted(local.list_br().execute()) == ["br-ex", "br-int"]
    assert shown(host) == sorted(["Bridge br-int", "fail_mode: secure", *internal("br-int"), "Bridge br-ex",
                                  "fail_mode: standalone", *internal("br-ex"), *internal("in0")])
    assert local.iface_to_br("in0").execute() == "br-ex"
    local.db_set("Interface", "in0", ("mtu_request", 1300)).execute(check_error=True)
    assert json.loads(host.run("ip", "-j", "link", "show", "in0"))[0]["mtu"] == 1300
    local.del_port("in0").execute(check_error=True)
    local.del_br("br-ex").execute(check_error=True)
    assert host.run("ip", "link", "show", "br-ex", check=False).returncode


def open_tap(name):
    """The end of a tap that a virtual machine has."""
    tap = open("/dev/net/tun", "r+b", buffering=0)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def libvirt_statistics(host, name):
    """The very words of its virNetDevOpenvswitchInterfaceStats."""
    return dict(json.loads(host.vsctl("--if-exists", "--format=list", "--data=json", "--no-headings",
                                      "--columns=statistics", "list", "Interface", name))[1])


def test_libvirt_plugs_a_tap_in_one_command(fabric):
    """The very words of its virnetdevopenvswitch."""
    fabric.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"))
    host = fabric.host("h1")
    host.ip("tuntap", "add", "dev", "vnet0", "mode", "tap")
    host.ip("link", "set", "dev", "vnet0", "up")
    host.vsctl("--", "--if-exists", "del-port", "vnet0", "--", "add-port", "br-int", "vnet0", "--", "set",
               "Interface", "vnet0", f'external-ids:attached-mac="{MAC.format(1)}"', "--", "set", "Interface",
               "vnet0", 'external-ids:iface-id="a"', "--", "set", "Interface", "vnet0",
               'external-ids:vm-id="x"', "--", "set", "Interface", "vnet0",
               "external-ids:iface-status=active")
    fabric.nbctl("wait-until", "Logical_Switch_Port", "a", "up=true")
    assert host.interface("vnet0", "external_ids:ovn-installed") == "true"
    with in_netns(host.netns, open_tap, "vnet0") as tap:
        for _ in range(3):
            tap.write(bytes(Ether(src=MAC.format(1), dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="10.0.0.1", pdst="10.0.0.9")))
        wait_for("domifstat has three packets", lambda: libvirt_statistics(host, "vnet0").get("rx_packets") == 3)
    names = {f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets", "errors", "dropped")}
    assert names <= set(libvirt_statistics(host, "vnet0"))
    host.vsctl("--", "--if-exists", "del-port", "vnet0")
    fabric.nbctl("wait-until", "Logical_Switch_Port", "a", "up=false")


def test_bindings_are_events(fabric, clients):
    """Created, bound by an update, unbound by one, deleted: what Neutron's drivers wait for."""
    seen = []

    def note(event, row):
        chassis = [c.name for c in getattr(row, "chassis", [])]
        seen.append((event, row.logical_port, chassis, row.up == [True]))

    clients.sb(fabric, Event("Port_Binding", ("create", "update", "delete"), lambda row, old: True, note))
    fabric.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"))
    host = fabric.host("h1")
    wait_for("created", lambda: ("create", "a", [], False) in seen)
    w = host.plug("a", "a", MAC.format(1), "10.0.0.1")
    wait_for("bound", lambda: ("update", "a", ["h1"], True) in seen)
    assert not [s for s in seen if s[0] == "create" and s[2]]
    seen.clear()
    host.unplug(w)
    wait_for("unbound", lambda: seen and seen[-1] == ("update", "a", [], False))
    fabric.nbctl("lsp-del", "a")
    wait_for("deleted", lambda: seen[-1][0] == "delete")
    fabric.expected_drops = {"NO_PORT", "NOT_BOUND"}


def test_an_agents_external_ids_are_kept(fabric, clients):
    """Neutron writes them as a whole map, guarded by what it read."""
    seen, told = [], []
    host = fabric.host("h1")
    wait_for("the chassis", lambda: "h1" in fabric.sbctl("show"))
    south = clients.sb(fabric, Event("Chassis_Private", ("update",), lambda row, old: hasattr(old, "nb_cfg"),
                                     lambda event, row: seen.append(row.nb_cfg)))

    def sync():
        fabric.nbctl("--wait=hv", "sync")
        told.append(int(fabric.nbctl("get", "NB_Global", ".", "nb_cfg")))

    ids = {"neutron:ovn-metadata-id": "agent", "neutron:ovn-bridge": "br-int"}
    south.db_set("Chassis_Private", "h1", ("external_ids", ids)).execute(check_error=True)
    for _ in range(3):
        sync()
        south.db_set("Chassis_Private", "h1", ("external_ids", {"neutron:ovn-metadata-sb-cfg": "1"})).execute(
            check_error=True)
    host.agent.stop(signal.SIGKILL)
    host.start_agent()
    sync()
    kept = south.db_get("Chassis_Private", "h1", "external_ids").execute(check_error=True)
    assert kept == {**ids, "neutron:ovn-metadata-sb-cfg": "1"}
    wait_for("the last nb_cfg", lambda: seen[-1:] == told[-1:])
    assert set(told) <= set(seen) and seen == sorted(set(seen))


def test_a_chassis_that_comes_and_goes_is_events(fabric, clients):
    """What registers with a chassis does so when its rows are made; an agent's restart makes none."""
    seen = []

    def note(event, row):
        seen.append((event, row._table.name))

    clients.sb(fabric, *[Event(table, (event,), lambda row, old: True, note)
                         for table in ("Chassis", "Chassis_Private") for event in ("create", "delete")])
    fabric.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"))
    host = fabric.host("h1")
    host.plug("a", "a", MAC.format(1), "10.0.0.1")
    fabric.sync()
    both = ["Chassis", "Chassis_Private"]
    wait_for("both are created", lambda: sorted(seen) == [("create", table) for table in both])
    host.agent.stop()
    host.start_agent()
    fabric.sync()
    assert len(seen) == 2
    seen.clear()
    host.agent.stop()
    host.heddle("host", "--remove", f"--state-dir={host.dir}", f"--run-dir={host.dir}/run")
    wait_for("both are deleted", lambda: sorted(seen) == [("delete", table) for table in both])
    seen.clear()
    host.start_agent()
    wait_for("both are created again", lambda: sorted(seen) == [("create", table) for table in both])
    fabric.expected_drops = {"NO_PORT", "NOT_BOUND"}


def test_nbctl_as_a_daemon(fabric):
    folder = fabric.dir / "nbctl"
    folder.mkdir()
    env = {"OVN_RUNDIR": str(folder), "OVN_NB_DB": fabric.nb_remote}
    socket = run(tool("ovn-nbctl"), "--detach", f"--pidfile={folder}/pid", "-u", f"{folder}/ctl",
                 "--log-file=/dev/null", env=env).strip()
    pid = int((folder / "pid").read_text())
    try:
        daemon = {"OVN_NB_DAEMON": socket, "OVN_RUNDIR": str(folder)}
        run(tool("ovn-nbctl"), "ls-add", "s0", "--", "lsp-add", "s0", "a", env=daemon)
        run(tool("ovn-nbctl"), "--wait=sb", "lsp-set-addresses", "a", f"{MAC.format(1)} 10.0.0.1", env=daemon)
        fabric.host("h1").plug("a", "a", MAC.format(1), "10.0.0.1")
        run(tool("ovn-nbctl"), "wait-until", "Logical_Switch_Port", "a", "up=true", env=daemon)
        run(tool("ovn-nbctl"), "--wait=hv", "sync", env=daemon)
        assert run(tool("ovn-nbctl"), "lsp-get-up", "a", env=daemon).strip() == "up"
    finally:
        os.kill(pid, signal.SIGTERM)


class PlainIdl:
    """The Python IDL by itself, with every table and column of a database."""

    def __init__(self, remote, database, table, column):
        helper = idlutils.get_schema_helper(remote, database)
        helper.register_all()
        self.client, self.table, self.column = idl.Idl(remote, helper), table, column

    def names(self):
        self.client.run()
        return {getattr(row, self.column) for row in self.client.tables[self.table].rows.values()}


def test_a_plain_idl_follows(fabric):
    """What is there, what comes, and what goes."""
    fabric.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"))
    host = fabric.host("h1")
    host.plug("a", "a", MAC.format(1), "10.0.0.1")
    fabric.sync()
    watched = [PlainIdl(*database) for database in (
        (fabric.nb_remote, "OVN_Northbound", "Logical_Switch_Port", "name"),
        (fabric.sb_remote, "OVN_Southbound", "Port_Binding", "logical_port"),
        (host.db, "Open_vSwitch", "Interface", "name"))]
    try:
        for client in watched:
            wait_for(f"{client.table} a", lambda: "a" in client.names(), 5)
        fabric.nbctl("lsp-add", "s0", "b", "--", "lsp-set-addresses", "b", f"{MAC.format(2)} 10.0.0.2")
        b = host.plug("b", "b", MAC.format(2), "10.0.0.2")
        for client in watched:
            wait_for(f"{client.table} b", lambda: {"a", "b"} <= client.names(), 5)
        host.unplug(b)
        fabric.nbctl("lsp-del", "b")
        for client in watched:
            wait_for(f"{client.table} without b", lambda: "b" not in client.names(), 5)
    finally:
        for client in watched:
            client.client.close()
    fabric.expected_drops = {"NO_PORT", "NOT_BOUND"}
