# SPDX-License-Identifier: Apache-2.0
"""What stock OVN and Heddle show each other: chassis, claims, encapsulation, coming and going."""
import json

import pytest
from fabric import wait_for
from mixed import reach
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from sniff import decode_geneve, new_mark

MAC = "0a:00:00:00:00:{:02x}"


def row(mixed, table, name):
    """A row as {column: value}, maps as dicts."""
    found = json.loads(mixed.sbctl("--format=json", "find", table, f"name={name}"))
    values = dict(zip(found["headings"], found["data"][0]))
    return {k: dict(v[1]) if isinstance(v, list) and v[0] == "map" else v for k, v in values.items()}


def two_ports(mixed, *more):
    """Port a on stock's host h1, b on Heddle's h2; further ones are only in the database."""
    mixed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mixed.nb_remote}"')
    mixed.switch("s0", *[(n, f"{MAC.format(i)} 10.0.0.{i}") for i, n in enumerate(["a", "b", *more], 1)])
    a = mixed.ovn_host("h1").plug("a", "a", MAC.format(1), "10.0.0.1")
    b = mixed.host("h2").plug("b", "b", MAC.format(2), "10.0.0.2")
    mixed.wait_up("a", "b")
    mixed.sync()
    reach(a, b)
    return a, b


def flow_texts(mixed):
    return sorted(line.split("(", 1)[1] for line in mixed.sbctl("lflow-list").splitlines() if "table=" in line)


def test_a_heddle_chassis_looks_like_a_stock_one(mixed):
    mixed.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"), ("b", f"{MAC.format(2)} 10.0.0.2"))
    mixed.nbctl("acl-add", "s0", "to-lport", "1000", "ip4", "allow-related")
    mixed.ovn_host("h1")
    mixed.nbctl("--wait=hv", "sync")
    before = flow_texts(mixed)
    mixed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mixed.nb_remote}"')
    mixed.host("h2")
    wait_for("h2 is a chassis", lambda: "h2" in mixed.sbctl("show"))
    mixed.nbctl("--wait=hv", "sync")
    assert flow_texts(mixed) == before  # northd still takes the modern form
    stock, ours = row(mixed, "Chassis", "h1"), row(mixed, "Chassis", "h2")
    for column in ("other_config", "external_ids"):
        assert set(stock[column]) <= set(ours[column]), column
    features = [k for k, v in stock["other_config"].items() if v == "true"]
    assert [ours["other_config"][f] for f in features] == ["true"] * len(features)
    assert ours["hostname"] and ours["nb_cfg"] == stock["nb_cfg"] == 0
    private = [row(mixed, "Chassis_Private", name) for name in ("h1", "h2")]
    nb_cfg = int(mixed.nbctl("get", "NB_Global", ".", "nb_cfg"))
    assert [p["nb_cfg"] for p in private] == [nb_cfg, nb_cfg]
    assert all(p["nb_cfg_timestamp"] > 0 for p in private)
    assert mixed.nbctl("get", "NB_Global", ".", "hv_cfg").strip() == str(nb_cfg)
    shown = mixed.sbctl("show")
    for name, address in (("h1", "192.168.50.1"), ("h2", "192.168.50.2")):
        assert f'Chassis {name}' in shown and f'ip: "{address}"' in shown
    assert shown.count("Encap geneve") == 2 and shown.count('options: {csum="true"}') == 2


def test_bindings_show_as_with_stock(mixed):
    a, b = two_ports(mixed)
    assert [mixed.chassis_of(p) for p in "ab"] == ["h1", "h2"]
    assert [mixed.binding(p, "up") for p in "ab"] == ["true", "true"]
    assert [mixed.binding(p, "encap") for p in "ab"] == ["", ""]
    assert "Port_Binding b" in mixed.sbctl("show").split("Chassis h2")[1].split("Chassis")[0]
    b.host.unplug(b)
    wait_for("b is down", lambda: not mixed.up("b"))
    assert mixed.chassis_of("b") == "" and mixed.binding("b", "up") == "false"
    assert a.ping(b, 1, 1) == 0
    b.host.attach(b)
    mixed.wait_up("b")
    mixed.sync()  # up says nothing of other hosts
    assert a.ping(b, 3) == 3
    mixed.expected_drops = {"NOT_BOUND", "NO_PORT", "TUNNEL_NOT_HERE"}


def test_a_port_plugged_in_twice_settles(mixed):
    """Both have the interface: one keeps the port, and nobody goes on writing."""
    a, b = two_ports(mixed, "m")
    mixed.expected_drops = {"NOT_BOUND", "NO_PORT", "TUNNEL_NOT_HERE"}
    mixed.hosts["h1"].plug("m1", "m", MAC.format(3), "10.0.0.3")
    mixed.wait_up("m")
    mixed.hosts["h2"].plug("m2", "m", MAC.format(3), "10.0.0.3")
    wait_for("h1 takes it back, or h2 has it for good", lambda: "m" in mixed.hosts["h2"].agent.text() and
             mixed.chassis_of("m"))
    wait_for("h2 says that another has it", lambda: "port m: chassis h1 has taken it" in
             mixed.hosts["h2"].agent.text())
    mixed.sync()
    assert mixed.chassis_of("m") == "h1"


@pytest.mark.parametrize("by", ["name", "hostname"])
def test_requested_chassis_is_honoured_by_both(mixed, by):
    a, b = two_ports(mixed, "m")
    mixed.expected_drops = {"NOT_BOUND", "NO_PORT", "TUNNEL_NOT_HERE"}
    names = {"h1": "h1.example", "h2": "h2.example"} if by == "hostname" else {"h1": "h1", "h2": "h2"}
    mixed.hosts["h2"].vsctl("set", "Open_vSwitch", ".", "external_ids:hostname=h2.example")
    wait_for("h2's hostname", lambda: row(mixed, "Chassis", "h2")["hostname"] == "h2.example")
    mixed.nbctl("lsp-set-options", "m", f"requested-chassis={names['h2']}")
    m1 = mixed.hosts["h1"].plug("m1", "m", MAC.format(3), "10.0.0.3")
    m2 = mixed.hosts["h2"].plug("m2", "m", MAC.format(3), "10.0.0.3")
    for chassis, w in (("h2", m2), ("h1", m1), ("h2", m2)):
        mixed.nbctl("lsp-set-options", "m", f"requested-chassis={names[chassis]}")
        wait_for(f"m is on {chassis}", lambda: mixed.chassis_of("m") == chassis)
        mixed.wait_up("m")
        mixed.sync()
        wait_for("m is reached", lambda: w.ping(a, 1, 1) and w.ping(b, 1, 1), 30)


def outer_packets(wire, mark):
    return [p for f in wire.having(mark) if UDP in (p := Ether(f)) and decode_geneve(f)]


def echo_across(mixed, a, b):
    """One ping from a to b; the outer packets, (to b's host, to a's host)."""
    mark = new_mark()[:16]
    with mixed.sniff_underlay() as wire:
        assert a.ping(b, 1, 1, 0.05, None, "-p", mark.hex()) == 1
        packets = outer_packets(wire, mark)
    assert len(packets) == 2, packets
    return packets


def test_encap_csum(mixed):
    """What a host says is what it is sent; any checksum that is right, or none, is taken."""
    a, b = two_ports(mixed)
    h2 = mixed.hosts["h2"]
    assert [p[UDP].chksum != 0 for p in echo_across(mixed, a, b)] == [True, False]
    h2.vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-csum=false")
    wait_for("the Encap row", lambda: 'csum="false"' in mixed.sbctl("show"))
    wait_for("stock follows", lambda: 'csum="false"' in mixed.hosts["h1"].vsctl("show"))
    wait_for("stock sends without", lambda: echo_across(mixed, a, b)[0][UDP].chksum == 0)


def test_several_encap_ips(mixed):
    """The address that a port is at decides, in both directions."""
    a, b = two_ports(mixed)
    h1, h2 = mixed.hosts["h1"], mixed.hosts["h2"]
    h1.ip("addr", "add", "192.168.50.101/24", "dev", "br-phy")
    h2.ip("addr", "add", "192.168.50.102/24", "dev", "und0")
    for host, extra in ((h1, "192.168.50.101"), (h2, "192.168.50.102")):
        host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-encap-ip="{host.underlay_ip},{extra}"')
    wait_for("four encaps", lambda: mixed.sbctl("show").count("Encap geneve") == 4)
    h1.vsctl("set", "Interface", "a", "external_ids:encap-ip=192.168.50.101")
    h2.vsctl("set", "Interface", "b", "external_ids:encap-ip=192.168.50.102")
    wait_for("bindings name them", lambda: all(mixed.binding(p, "encap") for p in "ab"))
    mixed.sync()
    reach(a, b)
    there, back = echo_across(mixed, a, b)
    assert (there[IP].dst, back[IP].dst) == ("192.168.50.102", "192.168.50.101")
    assert (there[IP].src, back[IP].src)[1] == "192.168.50.102"
    h2.vsctl("set", "Interface", "b", f"external_ids:encap-ip={h2.underlay_ip}")
    wait_for("the binding names the other", lambda: mixed.binding("b", "encap") in mixed.sbctl(
        "--bare", "--columns=_uuid", "find", "Encap", f'ip="{h2.underlay_ip}"'))
    mixed.sync()
    reach(a, b)
    there, back = echo_across(mixed, a, b)
    assert (there[IP].dst, back[IP].src) == (h2.underlay_ip, h2.underlay_ip)


def test_encap_dst_port(mixed):
    """Set by an administrator on every Encap row: nobody takes it back, all use it."""
    a, b = two_ports(mixed)
    for encap in mixed.sbctl("--bare", "--columns=_uuid", "list", "Encap").split():
        mixed.sbctl("set", "Encap", encap, "options:dst_port=7000")
    wait_for("stock follows", lambda: 'dst_port="7000"' in mixed.hosts["h1"].vsctl("show"))
    mixed.sync()
    reach(a, b)
    with mixed.sniff_underlay() as wire:
        assert a.ping(b, 3) == 3 and b.ping(a, 3) == 3
        ports = [p[UDP].dport for f in wire.read() if UDP in (p := Ether(f))]
    assert len(ports) >= 12 and set(ports) == {7000}


def tunnels_of(host):
    return host.vsctl("show").count("type: geneve")


def test_a_heddle_host_goes_and_comes(mixed):
    a, b = two_ports(mixed)
    h1, h2 = mixed.hosts["h1"], mixed.hosts["h2"]
    h2.agent.stop()
    assert a.ping(b, 3) == 3 and b.ping(a, 3) == 3  # stopped: everything stays
    assert mixed.chassis_of("b") == "h2" and tunnels_of(h1) == 1
    h2.heddle("host", "--remove", f"--state-dir={h2.dir}", f"--run-dir={h2.dir}/run")
    assert mixed.sbctl("--bare", "--columns=name", "list", "Chassis").split() == ["h1"]
    assert mixed.sbctl("--bare", "--columns=name", "list", "Chassis_Private").split() == ["h1"]
    assert len(mixed.sbctl("--bare", "--columns=ip", "list", "Encap").split()) == 1
    assert mixed.chassis_of("b") == ""
    wait_for("b is down", lambda: not mixed.up("b"))
    wait_for("stock has no tunnel left", lambda: tunnels_of(h1) == 0)
    mixed.sync()
    h2.start_agent()
    mixed.wait_up("b")
    wait_for("stock has its tunnel again", lambda: tunnels_of(h1) == 1)
    mixed.sync()
    assert a.ping(b, 3) == 3


def test_a_stock_host_goes_and_comes(mixed):
    a, b = two_ports(mixed)
    mixed.expected_drops = {"NOT_BOUND", "TUNNEL_NOT_HERE", "NO_DESTINATION", "UNKNOWN_SENDER"}
    h1 = mixed.hosts["h1"]
    h1.appctl("exit", "--restart")
    wait_for("ovn-controller ends", lambda: not h1.agent.alive())
    assert a.ping(b, 3) == 3 and mixed.chassis_of("a") == "h1"
    h1.start_controller()
    mixed.sync()
    assert a.ping(b, 3) == 3
    h1.appctl("exit")
    wait_for("ovn-controller ends", lambda: not h1.agent.alive())
    assert "h1" not in mixed.sbctl("show") and mixed.chassis_of("a") == ""
    mixed.sync()  # nobody waits for a host that has gone
    with mixed.sniff_underlay() as wire:
        assert b.ping(a, 2, 1) == 0
        assert not [p for p in wire.tunnelled() if p[4] < 32768]
    h1.start_controller()
    mixed.wait_up("a")
    mixed.sync()
    assert a.ping(b, 3) == 3


def keys(mixed):
    return mixed.sbctl("--columns=_uuid,logical_port,tunnel_key,datapath,chassis,up", "list", "Port_Binding",
                       "--", "--columns=_uuid,tunnel_key", "list", "Datapath_Binding")


def test_central_is_exchanged_under_a_mixed_network(mixed):
    """heddle central waits for the lock, takes over, and hands back; nobody's keys or packets change."""
    a, b = two_ports(mixed)
    before = keys(mixed)
    central = mixed.start_heddle_central()
    central.wait_for("heddle central is connected", lambda: "southbound database: connected" in central.text())
    mixed.sync()
    assert "active" not in central.text()
    mixed.northd.stop()
    central.wait_for("heddle central is active", lambda: "active: lock ovn_northd is ours" in central.text())
    mixed.central = central
    mixed.sync()
    assert keys(mixed) == before and a.ping(b, 3) == 3 and b.ping(a, 3) == 3
    mixed.nbctl("--wait=sb", "lsp-add", "s0", "c", "--", "lsp-set-addresses", "c", f"{MAC.format(3)} 10.0.0.3")
    c = mixed.hosts["h2"].plug("c", "c", MAC.format(3), "10.0.0.3")
    mixed.wait_up("c")
    assert b.ping(c, 3) == 3
    mixed.northd.start()
    central.stop()
    mixed.central = mixed.northd
    mixed.sync()
    after = keys(mixed)
    assert all(line in after for line in before.splitlines())
    reach(a, c)  # stock's host has logical flows for it now
    assert a.ping(b, 3) == 3


def test_a_heddle_host_without_the_northbound_database(mixed):
    """Nobody has published its address: connectivity needs none."""
    mixed.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"), ("b", f"{MAC.format(2)} 10.0.0.2"))
    a = mixed.ovn_host("h1").plug("a", "a", MAC.format(1), "10.0.0.1")
    b = mixed.host("h2").plug("b", "b", MAC.format(2), "10.0.0.2")
    mixed.wait_up("a", "b")
    mixed.sync()
    reach(a, b)
    assert b.ping(a, 3) == 3
