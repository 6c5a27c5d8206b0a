# SPDX-License-Identifier: Apache-2.0
"""heddle show and heddle drops: the network and this host in one picture, from wherever they are called."""
import json
import shutil

import pytest

from fabric import HEDDLE, Workload, wait_for
from test_bad_input import one_line
from test_switches import MAC, two_ports


def show(host, *more, check=True):
    return host.heddle("show", f"--db={host.db}", *more, check=check)


def start_host(fabric):
    """Once it is a chassis and has its maps."""
    host = fabric.host("h1")
    wait_for("the datapath", lambda: "the datapath holds" in host.agent.text())
    fabric.sbctl("wait-until", "Chassis", "h1")
    return host


def picture(host):
    return json.loads(show(host, "--format=json"))


def test_the_network_as_json(fabric):
    a, b = two_ports(fabric)
    fabric.nb("--wait=sb", "lsp-add", "s0", "l", "--", "lsp-set-type", "l", "localport")
    assert a.ping(b, 3) == 3
    shown = picture(a.host)
    ports = shown["switches"][0].pop("ports")
    assert shown["switches"] == [{"name": "s0", "key": 1}]
    assert [port.pop("key") for port in ports] == [1, 2, 3]
    assert sorted(ports, key=lambda port: port["name"]) == [
        {"name": "a", "type": "", "addresses": [f"{MAC.format(1)} 10.0.0.1"], "chassis": "h1", "up": True},
        {"name": "b", "type": "", "addresses": [f"{MAC.format(2)} 10.0.0.2"], "chassis": "h2", "up": True},
        {"name": "l", "type": "localport", "addresses": [], "chassis": None, "up": False}]
    assert [(chassis["name"], chassis["tunnels"]) for chassis in shown["chassis"]] == [
        (host.name, [{"type": "geneve", "ip": host.underlay_ip}]) for host in (a.host, b.host)]
    assert [interface["interface"] for interface in shown["interfaces"]] == ["a"]
    assert shown["tunnels"] == [{"local": a.host.underlay_ip, "remote": b.host.underlay_ip, "type": "geneve",
                                 "state": "ready", "device": "und0", "mtu": 1500}]


def test_a_container_port_has_a_parent_and_a_tag(fabric):
    fabric.switch("s0", ("p", MAC.format(1)))
    fabric.nb("--wait=sb", "lsp-add", "s0", "c", "p", "5", "--", "lsp-set-addresses", "c", MAC.format(2))
    host = fabric.host("h1")
    parent, container = picture(host)["switches"][0]["ports"]
    assert "parent" not in parent and "tag" not in parent
    assert (container["type"], container["parent"], container["tag"]) == ("", "p", 5)
    line = next(line.split() for line in show(host).splitlines() if line.split()[1] == "c")
    assert line == ["2", "c", "container", "-", "not", "bound", MAC.format(2), "parent", "p", "tag", "5"]


def test_what_went_through_an_interface(fabric):
    """rx is what the workload has sent, as for a port of Open vSwitch."""
    a, b = two_ports(fabric)
    idle = Workload(fabric, a.host, "v0", "v0", MAC.format(3))
    fabric.workloads.append(idle)
    a.host.heddle("plug", f"--db={a.host.db}", "v0", "later")
    before = picture(a.host)["interfaces"]
    assert a.ping(b, 3, size=1000) == 3
    after = picture(a.host)["interfaces"]
    assert [(i["interface"], i["port"]) for i in after] == [("a", "a"), ("v0", "later")]
    for way in ("rx", "tx"):  # a question for a neighbour may go along
        packets = after[0][f"{way}_packets"] - before[0][f"{way}_packets"]
        assert 3 <= packets <= 7
        assert after[0][f"{way}_bytes"] - before[0][f"{way}_bytes"] == pytest.approx(3 * 1042, abs=42 * 4)
    line = show(a.host).splitlines()[-2]
    assert line.startswith(f"interface a > port a  rx {after[0]['rx_packets']} packets ")


def test_an_agent_that_is_asked_for_has_to_be_there(fabric):
    host = fabric.host("h1")
    for command in ("show", "drops"):
        for option, name in ((f"--run-dir={fabric.dir}/nosuch", "nosuch"), ("--chassis=nosuch", "nosuch")):
            done = host.heddle(command, f"--db={host.db}", option, check=False)
            assert done.returncode == 1
            one_line(done, f"heddle {command}: ", name)


def test_without_an_agent_the_network_is_shown(fabric):
    fabric.switch("s0", ("a", MAC.format(1)))
    done = fabric.underlay.run(HEDDLE, "show", env={**fabric.env, "HEDDLE_RUNDIR": f"{fabric.dir}/nosuch"}, check=False)
    assert done.returncode == 0 and done.stdout.startswith("switch s0") and "heddle show:" not in done.stdout


def test_of_several_agents_one_has_to_be_chosen(fabric):
    host = start_host(fabric)
    other = host.dir / "run/other"
    other.mkdir()
    (other / "lock").touch()
    done = show(host, check=False)
    assert done.returncode == 0 and "tunnels and interfaces are missing" in done.stdout and "--chassis" in done.stdout
    assert "missing" not in show(host, "--chassis=h1")
    shutil.rmtree(other)


def test_maps_that_may_not_be_read(fabric):
    host = start_host(fabric)
    fabric.dir.chmod(0o755)
    (fabric.dir / "ovnsb_db.sock").chmod(0o777)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    done = host.run(*nobody, HEDDLE, "show", env={**fabric.env, **host.env}, check=False)
    assert done.returncode == 0 and "host h1" in done.stdout, done.stdout
    assert "heddle show: this host's tunnels and interfaces are missing: " in done.stdout and "ermi" in done.stdout, done.stdout
