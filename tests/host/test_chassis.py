# SPDX-License-Identifier: Apache-2.0
"""Registration, binding, and the promise of --wait=hv, with Debian's ovn-northd as central."""
import signal
import subprocess

import pytest

from agent import Server, wait_for


def plug(world, host, port):
    host.add_veth(f"v{port}")
    host.heddle("plug", f"v{port}", port)


def test_a_chassis_registers(world):
    host = world.host(1).start()
    world.sbctl("wait-until", "Chassis", "h1")
    row = world.sb.rows("Chassis", ["name", "==", "h1"])[0]
    other = dict(row["other_config"][1])
    assert other["port-up-notif"] == "true" and "iface-types" in other
    encap, = world.sb.rows("Encap")
    assert (encap["type"], encap["ip"], encap["chassis_name"]) == ("geneve", "192.168.88.1", "h1")
    world.nbctl("--wait=hv", "sync")
    assert host.get("Bridge", "br-int", "external_ids:ovn-nb-cfg") == "1"


def test_a_port_is_bound_up_and_released(world):
    host = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    host.wait_log("the datapath holds")
    plug(world, host, "p1")
    assert host.get("Interface", "vp1", "external_ids:ovn-installed") == "true"
    world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=true")
    host.heddle("unplug", "vp1")
    world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=false")
    assert world.port("p1")["chassis"] == ["set", []]
    assert host.is_consistent()


def test_without_its_iface_id_an_interface_is_no_port(world):
    host = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    host.wait_log("the datapath holds")
    plug(world, host, "p1")
    host.vsctl("remove", "Interface", "vp1", "external_ids", "iface-id")
    world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=false")
    host.wait_get("Interface", "vp1", "external_ids", "{}")


def test_the_host_keeps_silent_on_ports(world):
    host = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    host.wait_log("the datapath holds")
    host.add_veth("vp1")
    for name in ("vp1", "vp1-p"):
        host.ip("link", "set", name, "up")
    host.heddle("plug", "vp1", "p1")
    assert "inet6" not in host.ip("addr", "show", "dev", "vp1")
    assert "inet6" in host.ip("addr", "show", "dev", "vp1-p")
    host.heddle("unplug", "vp1")
    wait_for(lambda: "inet6" in host.ip("addr", "show", "dev", "vp1"), "the host may speak there again", host.log)


def test_a_port_that_left_while_nobody_ran_is_given_back(world, tmp_path):
    ovs = Server(tmp_path, "vswitch.ovsschema", "ovs")
    try:
        host = world.host(1, db=ovs.remote)
        host.db = ovs.remote
        host.start()
        world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
        host.wait_log("the datapath holds")
        host.add_veth("v1")
        host.vsctl("add-port", "br-int", "v1", "--", "set", "Interface", "v1", "external_ids:iface-id=p1")
        world.sbctl("wait-until", "Port_Binding", "p1", "up=true")
        assert host.is_ipv6_off("v1")
        host.stop()
        host.vsctl("--no-wait", "del-port", "v1")
        host.start()
        wait_for(lambda: not pins(host) and not host.is_ipv6_off("v1"), "the host has its device back", host.log)
    finally:
        ovs.stop()


def test_a_localport_is_bound_nowhere(world):
    host = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1", "--", "lsp-set-type", "p1", "localport")
    host.wait_log("the datapath holds")
    plug(world, host, "p1")
    world.nbctl("--wait=hv", "sync")
    assert world.port("p1")["chassis"] == ["set", []]


def test_an_unknown_port_is_bound_when_it_appears(world):
    host = world.host(1).start()
    host.wait_log("the datapath holds")
    host.add_veth("vp1")
    assert "there is no logical port p1 yet" in host.heddle("plug", "vp1", "p1").stdout
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=true")


def test_a_vanished_device_releases_its_port(world):
    host = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    host.wait_log("the datapath holds")
    plug(world, host, "p1")
    host.ip("link", "del", "vp1")
    world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=false")
    host.add_veth("vp1")
    world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=true")
    assert host.is_consistent()


def test_plug_leaves_nothing_half_done(world):
    host = world.host(1).start()
    host.wait_log("the datapath holds")
    done = host.heddle("plug", "nodev", "p1", check=False)
    assert done.returncode == 1 and "could not open network device nodev" in done.stderr
    assert "nodev" not in host.vsctl("list-ports", "br-int").stdout


def test_a_northbound_database_that_does_not_answer_stops_nothing(world):
    host = world.host(1)
    del host.settings["nb_remote"]
    host.start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1", "--", "lsp-add", "s", "p2")
    host.wait_log("the datapath holds")
    world.nbctl("set", "NB_Global", ".", 'options:heddle-nb-remote="tcp:127.0.0.1:1"')
    host.wait_log("northbound database: tcp:127.0.0.1:1")
    plug(world, host, "p1")  # returns when it is up
    cfg = world.nbctl("get", "NB_Global", ".", "nb_cfg")
    world.nbctl("remove", "NB_Global", ".", "options", "heddle-nb-remote")
    plug(world, host, "p2")
    world.nbctl("--wait=hv", "sync")
    assert world.nbctl("get", "NB_Global", ".", "nb_cfg") != cfg
    world.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{world.nb.remote}"')
    host.wait_log(f"northbound database: connected to {world.nb.remote}")
    world.nbctl("--wait=hv", "sync")
    assert host.is_consistent()


def pins(host):
    return [pin.name for pin in (host.dir / "run").glob("*/bpf/v1/links/vif_*")]


def test_many_ports_leave_at_once(world):
    """More than one round's share of time: the rest must not stay for ever."""
    host, n = world.host(1).start(), 60
    world.nbctl("ls-add", "s", *(word for i in range(n) for word in ("--", "lsp-add", "s", f"p{i}")))
    host.wait_log("the datapath holds")
    host.ip_batch(f"link add v{i} type veth peer name v{i}-p" for i in range(n))
    host.vsctl(*[word for i in range(n) for word in (
        "--", "add-port", "br-int", f"v{i}", "--", "set", "Interface", f"v{i}", f"external_ids:iface-id=p{i}")][1:])
    wait_for(lambda: len(pins(host)) in (0, 2 * n), "all are attached, or the kernel has no tcx", host.log)
    world.nbctl("--wait=hv", "sync")
    host.vsctl(*[word for i in range(n) for word in ("--", "del-port", f"v{i}")][1:])
    wait_for(lambda: not pins(host), "the programs are off", lambda: str(pins(host)))


def test_killed_at_any_time_it_ends_in_the_same_state(world):
    host = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    host.wait_log("the datapath holds")
    plug(world, host, "p1")
    before = world.port("p1")
    for how in (signal.SIGKILL, signal.SIGTERM):
        host.stop(how)
        assert world.port("p1") == before
        seen = host.log().count("the datapath holds")
        host.start()
        wait_for(lambda: host.log().count("the datapath holds") > seen, "it has started again", host.log)
        world.nbctl("--wait=hv", "sync")
        assert world.port("p1") == before
        assert host.is_consistent()


def test_an_ipv6_tunnel_address_is_refused(world):
    done = world.host(1, encap_ip="fd00::1").run()
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "--encap-ip: fd00::1 cannot be used: tunnels need an IPv4 address" in done.stderr
    host = world.host(2).start()
    world.sbctl("wait-until", "Chassis", "h2")
    host.vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=\"192.168.88.2,fd00::2\"")
    host.wait_log("warn: host: external_ids:ovn-encap-ip names fd00::2: tunnels need an IPv4 address")
    assert [row["ip"] for row in world.sb.rows("Encap")] == ["192.168.88.2"]


def test_one_chassis_on_two_machines_is_refused(world):
    first = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    first.wait_log("the datapath holds")
    plug(world, first, "p1")
    world.nbctl("--wait=hv", "sync")
    before = world.sb.rows("Chassis"), world.port("p1")
    for _ in range(2):
        second = world.host(2, system_id="h1")
        done = second.run()
        assert done.returncode == 1
        assert done.stderr.count("another heddle host runs for it") == 1, done.stderr
        assert "with encap IP 192.168.88.1" in done.stderr
        assert "claimed" not in done.stderr
        first.wait_log("it is turned away")
    assert (world.sb.rows("Chassis"), world.port("p1")) == before  # _version included: nobody wrote
    world.nbctl("--wait=hv", "lsp-add", "s", "p2")
    assert first.is_consistent()


@pytest.mark.parametrize("encap_ip", ["192.168.88.2", "192.168.88.1"])
def test_of_two_agents_for_a_chassis_one_remains(world, encap_ip):
    """The second takes over from one that does not answer; when that one wakes up, one of them ends, also when they
    cannot be told apart."""
    first = world.host(1).start()
    world.nbctl("--wait=hv", "ls-add", "s", "--", "lsp-add", "s", "p1")
    first.wait_log("the datapath holds")
    first.process.send_signal(signal.SIGSTOP)
    second = world.host(2, system_id="h1", encap_ip=encap_ip).start()
    second.wait_log("the datapath holds")
    wait_for(lambda: world.sb.rows("Encap")[0]["ip"] == encap_ip, "the second has registered", second.log)
    first.process.send_signal(signal.SIGCONT)
    agents = (first, second)
    wait_for(lambda: [a.process.poll() for a in agents].count(None) == 1, "one of them ends",
             lambda: first.log() + second.log())
    ended, left = sorted(agents, key=lambda a: a.process.poll() is None)
    assert ended.process.returncode == 1 and "another heddle host runs for it" in ended.log()
    wait_for(lambda: [row["ip"] for row in world.sb.rows("Encap")] == [left.settings["encap_ip"]],
             "the one that is left is registered", left.log)
    world.nbctl("--wait=hv", "sync")
    assert left.is_consistent()


def test_who_cannot_register_its_new_address_stays(world):
    """Its row shows the old one, which nobody else has put there."""
    first = world.host(1).start()
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    first.wait_log("the datapath holds")
    world.host(9).start()
    world.sbctl("wait-until", "Chassis", "h9")
    first.vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=192.168.88.9")
    first.wait_log("belongs to chassis h9 already")
    done = world.host(2, system_id="h1").run()
    assert done.returncode == 1 and "another heddle host runs for it" in done.stderr
    plug(world, first, "p1")


def test_an_address_of_another_chassis_is_not_taken(world):
    world.host(1).start()
    world.sbctl("wait-until", "Chassis", "h1")
    second = world.host(2, encap_ip="192.168.88.1").start()
    second.wait_log("geneve address 192.168.88.1 belongs to chassis h1 already")
    assert len(world.sb.rows("Chassis")) == 1


def test_a_removal_takes_everything(world):
    host = world.host(1)
    host.ip_batch(["link add u0 type veth peer name u0-p", "addr add 192.168.88.1/24 dev u0", "link set u0 up",
                   "link set u0-p up"])
    world.sb.transact(
        {"op": "insert", "table": "Encap", "uuid-name": "e",
         "row": {"type": "geneve", "ip": "192.168.88.9", "chassis_name": "far"}},
        {"op": "insert", "table": "Chassis", "row": {"name": "far", "encaps": ["named-uuid", "e"]}})
    host.start()
    wait_for(lambda: "192.168.88.9 dev u0 managed" in host.ip("neigh"), "the kernel keeps a neighbour", host.log)
    world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
    host.wait_log("the datapath holds")
    plug(world, host, "p1")
    host.stop()
    for name in ("vp1", "vp1-p"):
        host.ip("link", "set", name, "up")
    assert "inet6" not in host.ip("addr", "show", "dev", "vp1")
    done = host.run("--remove")
    assert done.returncode == 0, done.stderr
    assert [row["name"] for row in world.sb.rows("Chassis")] == ["far"] and world.sb.rows("Chassis_Private") == []
    assert len(world.sb.rows("Encap")) == 1 and world.port("p1")["chassis"] == ["set", []]
    assert not {"br-int", "heddle-room", "heddle-room-vx"} & set(host.links()) and "master" not in host.links()["vp1"]
    wait_for(lambda: "inet6" in host.ip("addr", "show", "dev", "vp1"), "the host may speak there again", host.log)
    assert "managed" not in host.ip("neigh")
    assert not (host.dir / "run" / "h1").exists()


def test_private_external_ids_of_others_survive(world):
    host = world.host(1).start()
    world.sbctl("wait-until", "Chassis_Private", "h1")
    world.sbctl("set", "Chassis_Private", "h1", "external_ids:theirs=1")
    world.nbctl("--wait=hv", "sync")
    host.stop()
    host.start()
    world.nbctl("--wait=hv", "sync")
    assert world.sbctl("get", "Chassis_Private", "h1", "external_ids:theirs").strip() == '"1"'


def test_another_vswitchd_keeps_its_columns(world, tmp_path):
    """With the lock held elsewhere, its ofport numbers are used, and nothing of its is touched."""
    local = Server(tmp_path, "vswitch.ovsschema", "local")
    host = world.host(1, db=local.remote)
    host.db = local.remote
    holder = subprocess.Popen(["ovsdb-client", "lock", local.remote, "ovs_vswitchd"],
                              stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
    try:
        world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p1")
        host.start()
        host.wait_log("another process holds the lock")
        host.add_veth("v1")
        host.vsctl("--no-wait", "--may-exist", "add-br", "br-int", "--", "add-port", "br-int", "v1", "--",
                   "set", "Interface", "v1", "external_ids:iface-id=p1", "ofport=42")
        world.nbctl("wait-until", "Logical_Switch_Port", "p1", "up=true")
        assert host.get("Interface", "v1", "ofport") == "42"
        assert host.get("Open_vSwitch", ".", "cur_cfg") == "0"
        assert "br-int" not in host.links()
    finally:
        host.stop()
        holder.stdin.close()
        holder.terminate()
        holder.wait(timeout=10)
        local.stop()


def test_an_encap_address_may_appear_late(world):
    first = world.host(1).start()
    world.host(2).start()
    first.wait_log("encap IP 192.168.88.1 is on no device")
    world.nbctl("--wait=hv", "sync")
    first.add_veth("u1")
    for name in ("u1", "u1-p"):
        first.ip("link", "set", name, "up")
    first.ip("addr", "add", "192.168.88.1/24", "dev", "u1")
    first.wait_log("encap IP 192.168.88.1 has appeared")
    # It asks for the other host's neighbour entry, and has the kernel keep it.
    wait_for(lambda: "192.168.88.2" in first.ip("neigh"), "the neighbour is asked for", first.log)
    first.ip("addr", "del", "192.168.88.1/24", "dev", "u1")
    wait_for(lambda: first.log().count("is on no device") == 2, "it says that it has gone", first.log)
    assert first.is_consistent()


def test_a_machine_without_a_name_waits(world, tmp_path):
    local = Server(tmp_path, "vswitch.ovsschema", "local")
    host = world.host(1, db=local.remote)
    del host.settings["system_id"]
    host.db = local.remote
    try:
        host.start()
        host.wait_log("external_ids:system-id is not set")
        host.vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=late")
        world.sbctl("wait-until", "Chassis", "late")
    finally:
        host.stop()
        local.stop()
