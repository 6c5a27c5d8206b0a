# SPDX-License-Identifier: Apache-2.0
"""Clients of OVN and Open vSwitch that know nothing of Heddle, on a Heddle deployment."""
import json
import os
import signal
import time

import pytest
from fabric import Failed, Workload, in_netns, run, wait_for
from mixed import tool
from sniff import new_mark
from stock_clients import METADATA_IP, Clients, Event, MetadataAgent, fetch

MAC = "0a:00:00:00:00:{:02x}"


@pytest.fixture
def clients(fabric):
    fabric.processes = []
    clients = Clients()
    yield clients
    clients.close()
    for process in fabric.processes:
        process.stop()


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
    assert local.iface_to_br("in0").execute() == "br-ex"
    local.db_set("Interface", "in0", ("mtu_request", 1300)).execute(check_error=True)
    assert json.loads(host.run("ip", "-j", "link", "show", "in0"))[0]["mtu"] == 1300
    shown = host.vsctl("show")
    assert "error" not in shown and "br-ex" in shown
    local.del_port("in0").execute(check_error=True)
    local.del_br("br-ex").execute(check_error=True)
    assert host.run("ip", "link", "show", "br-ex", check=False).returncode


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
    stats = host.vsctl("get", "Interface", "vnet0", "statistics")
    assert stats.startswith("{")
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
    seen = []
    host = fabric.host("h1")
    wait_for("the chassis", lambda: "h1" in fabric.sbctl("show"))
    south = clients.sb(fabric, Event("Chassis_Private", ("update",), lambda row, old: True,
                                     lambda event, row: seen.append(row.nb_cfg)))
    ids = {"neutron:ovn-metadata-id": "agent", "neutron:ovn-bridge": "br-int"}
    south.db_set("Chassis_Private", "h1", ("external_ids", ids)).execute(check_error=True)
    for _ in range(3):
        fabric.nbctl("--wait=hv", "sync")
        south.db_set("Chassis_Private", "h1", ("external_ids", {"neutron:ovn-metadata-sb-cfg": "1"})).execute(
            check_error=True)
    host.agent.stop(signal.SIGKILL)
    host.start_agent()
    fabric.nbctl("--wait=hv", "sync")
    kept = south.db_get("Chassis_Private", "h1", "external_ids").execute(check_error=True)
    assert kept == {**ids, "neutron:ovn-metadata-sb-cfg": "1"}
    wait_for("each nb_cfg was an event", lambda: sorted(set(seen))[-1] == int(
        fabric.nbctl("get", "NB_Global", ".", "nb_cfg")))


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


def test_vsctl_never_hangs(fabric):
    """Without an agent it says so when its time is over; what it asked for is done afterwards."""
    host = fabric.host("h1")
    server = host.dir / "db.sock"
    host.ip("link", "add", "name", "v0", "up", "type", "veth", "peer", "name", "v1")
    host.agent.child.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Failed):
            run(tool("ovs-vsctl"), f"--db=unix:{server}", "--timeout=1", "add-port", "br-int", "v0")
        assert time.monotonic() - began < 3
        run(tool("ovs-vsctl"), f"--db=unix:{server}", "--timeout=1", "--no-wait", "set", "Interface", "v0",
            "external_ids:x=y")
    finally:
        host.agent.child.send_signal(signal.SIGCONT)
    wait_for("ofport", lambda: int(host.interface("v0", "ofport").strip("[]") or 0) > 0)
    host.vsctl("del-port", "v0")


def test_a_plain_idl_follows(fabric, clients):
    """The Python IDL by itself, every table and column of each database."""
    from ovs import poller
    from ovs.db import idl
    from ovsdbapp.backend.ovs_idl import idlutils

    fabric.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"))
    host = fabric.host("h1")
    host.plug("a", "a", MAC.format(1), "10.0.0.1")
    fabric.sync()
    for remote, name, table, column in ((fabric.nb_remote, "OVN_Northbound", "Logical_Switch_Port", "name"),
                                        (fabric.sb_remote, "OVN_Southbound", "Port_Binding", "logical_port"),
                                        (host.db, "Open_vSwitch", "Interface", "name")):
        helper = idlutils.get_schema_helper(remote, name)
        helper.register_all()
        client = idl.Idl(remote, helper)
        end = time.monotonic() + 5
        while not client.has_ever_connected() and time.monotonic() < end:
            client.run()
            wake = poller.Poller()
            client.wait(wake)
            wake.timer_wait(100)
            wake.block()
        assert "a" in [getattr(row, column) for row in client.tables[table].rows.values()]
        client.close()


def test_metadata_through_a_localport(fabric, clients):
    """Every VIF is served by its own host's proxy, by none of another host, and nothing is on the wire."""
    fabric.expected_drops = {"LOCALPORT_TO_REMOTE", "LOCALPORT_NOT_HERE", "NO_DESTINATION", "NO_PORT"}
    north = clients.nb(fabric)
    for network in ("net1", "net2"):  # the same addresses in both
        north.ls_add(network).execute(check_error=True)
        north.lsp_add(network, f"{network}-meta", type="localport", addresses=[f"{MAC.format(2)} 10.0.0.2"],
                      external_ids={"neutron:cidrs": "10.0.0.2/24"}).execute(check_error=True)
        for i, n in enumerate((11, 12, 13), 1):
            north.lsp_add(network, f"{network}-{i}", addresses=[f"{MAC.format(n)} 10.0.0.{n}"]).execute(
                check_error=True)
    fabric.nbctl("--wait=sb", "sync")
    agents = {}
    for name in ("h1", "h2"):
        fabric.host(name)
        wait_for(f"{name} is a chassis", lambda: name in fabric.sbctl(
            "--bare", "--columns=name", "list", "Chassis_Private").split())
        agents[name] = MetadataAgent(clients, fabric, fabric.host(name))
    bare = fabric.host("h3")  # a host that serves no metadata
    vifs = {}
    for network in ("net1", "net2"):
        for i, name in ((1, "h1"), (2, "h1"), (3, "h2")):
            w = fabric.host(name).plug(f"{network}-{i}", f"{network}-{i}", MAC.format(10 + i), f"10.0.0.{10 + i}")
            w.ip("route", "add", f"{METADATA_IP}/32", "via", "10.0.0.2")  # DHCP option 121 says so
            vifs[f"{network}-{i}"] = w
            agents[name].serve(network)
    fabric.sync()
    with fabric.sniff_underlay() as wire:
        for port, w in vifs.items():
            mark = new_mark()
            answer = in_netns(w.netns, fetch)
            assert answer == f"{w.host.name} {port.split('-')[0]}"
            in_netns(w.netns, fetch, "/" + mark.decode())
            assert not wire.tunnelled(mark)
            # On-link, without the route: the host's own localport answers the ARP.
            w.ip("route", "replace", f"{METADATA_IP}/32", "dev", "eth0")
            assert in_netns(w.netns, fetch) == answer
    move_to_a_host_without_metadata(fabric, vifs["net1-2"], bare)
    for name, agent in agents.items():
        ids = agent.sb.db_get("Chassis_Private", name, "external_ids").execute(check_error=True)
        assert ids["neutron:ovn-metadata-id"] == f"agent-{name}"
    for port in ("net1-meta", "net2-meta"):
        assert fabric.chassis_of(port) == "" and fabric.binding(port, "up") == "false"


def move_to_a_host_without_metadata(fabric, w, bare):
    w.host.unplug(w)
    moved = bare.plug(w.device, w.port, w.mac, w.address)
    moved.ip("route", "add", f"{METADATA_IP}/32", "via", "10.0.0.2")
    fabric.sync()
    with fabric.sniff_underlay() as wire:
        mark = new_mark()
        assert in_netns(moved.netns, fetch, "/" + mark.decode()) is None
        assert not [p for p in wire.tunnelled() if p[4] < 32768 and METADATA_IP.encode() in p[5]]
        assert not wire.tunnelled(mark)
