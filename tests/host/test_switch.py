# SPDX-License-Identifier: Apache-2.0
"""The part of ovs-vswitchd, seen through ovs-vsctl."""
import subprocess

from agent import wait_for


def test_bridges_are_devices(host):
    host.vsctl("add-br", "br-ex")
    assert host.links()["br-ex"]["linkinfo"]["info_kind"] == "bridge"
    assert host.get("Interface", "br-ex", "ofport") == "65534"
    mac = host.links()["br-ex"]["address"]
    assert host.get("Bridge", "br-ex", "datapath_id") == "0000" + mac.replace(":", "")
    host.vsctl("del-br", "br-ex")
    assert "br-ex" not in host.links()


def test_the_integration_bridge_is_made(host):
    host.vsctl("br-exists", "br-int")
    assert host.get("Bridge", "br-int", "fail_mode") == "secure"


def test_ports_of_the_integration_bridge_leave_room_for_headers(host):
    """The bridge that they are in forwards nothing, for it is down."""
    host.add_veth("v1")
    host.vsctl("add-port", "br-int", "v1")
    links = host.links()
    assert [links[name].get("master") for name in ("v1", "heddle-room-vx", "br-int")] == ["heddle-room"] * 2 + [None]
    assert not any("UP" in links[name]["flags"] for name in ("heddle-room", "heddle-room-vx"))
    for name in ("heddle-room", "heddle-room-vx"):
        host.ip("link", "set", name, "up")
        wait_for(lambda: "UP" not in host.links()[name]["flags"], f"{name} is taken down", host.log)
    host.vsctl("del-port", "v1")
    assert "master" not in host.links()["v1"]
    host.ip("link", "del", "heddle-room-vx")
    host.vsctl("add-port", "br-int", "v1")
    wait_for(lambda: host.links()["v1"].get("master") == "heddle-room", "v1 leaves room", host.log)


def test_other_bridges_enslave_and_release(host):
    host.add_veth("v1")
    host.vsctl("add-br", "br-ex", "--", "add-port", "br-ex", "v1")
    assert host.links()["v1"]["master"] == "br-ex"
    host.vsctl("del-port", "v1")
    assert "master" not in host.links()["v1"]


def test_internal_interfaces_come_and_go(host):
    host.vsctl("add-port", "br-int", "i1", "--", "set", "Interface", "i1", "type=internal",
               'mac="02:00:00:00:00:11"', "mtu_request=1400")
    link = host.links()["i1"]
    assert (link["address"], link["mtu"]) == ("02:00:00:00:00:11", 1400)
    assert host.get("Interface", "i1", "mac_in_use") == "02:00:00:00:00:11"
    assert host.get("Interface", "i1", "mtu") == "1400"
    host.vsctl("del-port", "i1")
    assert sorted(host.links()) == ["br-int", "heddle-room", "heddle-room-vx", "lo"]


def test_an_internal_interface_may_move_to_another_namespace(host):
    host.vsctl("add-port", "br-int", "i1", "--", "set", "Interface", "i1", "type=internal")
    other = host.netns + "w"
    subprocess.run(["ip", "netns", "add", other], check=True)
    try:
        before = host.get("Interface", "i1", "ofport")
        host.ip("link", "set", "i1", "netns", other)
        host.vsctl("set", "Interface", "i1", "external_ids:moved=yes")
        assert host.get("Interface", "i1", "ofport") == before
        assert host.get("Interface", "i1", "error") == "[]"
    finally:
        subprocess.run(["ip", "netns", "del", other], check=True)
    wait_for(lambda: "i1" in host.links(), "the interface is made again", host.log)


def test_a_missing_device_is_an_error_until_it_appears(host):
    done = host.vsctl("add-port", "br-int", "late", check=False)
    assert "could not open network device late (No such device)" in done.stderr
    assert host.get("Interface", "late", "ofport") == "-1"
    host.add_veth("late")
    host.wait_get("Interface", "late", "ofport", "1")
    assert host.get("Interface", "late", "error") == "[]"
    host.ip("link", "del", "late")
    host.wait_get("Interface", "late", "ofport", "-1")


def test_a_device_may_be_renamed(host):
    host.add_veth("v1")
    host.vsctl("add-port", "br-int", "v1")
    host.ip("link", "set", "v1", "name", "v2")
    host.wait_get("Interface", "v1", "ofport", "-1")
    host.ip("link", "set", "v2", "name", "v1")
    host.wait_get("Interface", "v1", "ofport", "1")


def test_numbers_are_kept_and_requests_honoured(host):
    for name in ("v1", "v2", "v3"):
        host.add_veth(name)
    host.vsctl("add-port", "br-int", "v1")
    host.vsctl("add-port", "br-int", "v2", "--", "set", "Interface", "v2", "ofport_request=7")
    host.vsctl("add-port", "br-int", "v3")
    numbers = [host.get("Interface", name, "ofport") for name in ("v1", "v2", "v3")]
    assert numbers == ["1", "7", "2"]
    host.vsctl("del-port", "v1")
    host.stop()
    seen = host.log().count("connected")
    host.start()
    wait_for(lambda: host.log().count("connected") > seen, "it has started again", host.log)
    host.vsctl("set", "Interface", "v3", "external_ids:x=y")
    assert [host.get("Interface", name, "ofport") for name in ("v2", "v3")] == ["7", "2"]


def test_somebody_elses_device_is_left_alone(host):
    host.ip("link", "add", "theirs", "type", "bridge")
    host.add_veth("v1")
    host.ip("link", "set", "v1", "master", "theirs")
    done = host.vsctl("add-port", "br-int", "v1", check=False)
    assert "device v1 belongs to theirs already" in done.stderr
    done = host.vsctl("add-br", "theirs", check=False)
    assert "device theirs exists already and is not Heddle's" in done.stderr
    assert host.links()["v1"]["master"] == "theirs"


def test_link_state_is_followed(host):
    host.add_veth("v1")
    host.vsctl("add-port", "br-int", "v1")
    assert host.get("Interface", "v1", "link_state") == "down"
    host.ip("link", "set", "v1", "up")
    host.ip("link", "set", "v1-p", "up")
    host.wait_get("Interface", "v1", "link_state", "up")
    assert host.get("Interface", "v1", "admin_state") == "up"
    host.ip("link", "set", "v1", "mtu", "1300")
    host.wait_get("Interface", "v1", "mtu", "1300")


def test_bad_names_and_types_are_refused_in_words(host):
    done = host.vsctl("add-port", "br-int", "a-name-that-is-far-too-long", check=False)
    assert "cannot be a device's name" in done.stderr
    done = host.vsctl("add-port", "br-int", "g1", "--", "set", "Interface", "g1", "type=gre", check=False)
    assert 'interface type "gre" is not supported' in done.stderr


def test_a_second_agent_is_refused(host):
    done = host.run()
    assert done.returncode == 1
    assert "another heddle host runs for it" in done.stderr


def test_a_second_agent_is_refused_whatever_its_directories(host, tmp_path):
    done = host.run(f"--run-dir={tmp_path}/elsewhere")
    assert done.returncode == 1
    assert "another heddle host runs for it" in done.stderr
