# SPDX-License-Identifier: Apache-2.0
"""heddle central as a process: embedded servers, the lock, faults, bad input."""

import os
import shlex
import signal
import subprocess

import pytest

from ovsdb import HEDDLE, Connection, wait_for


def add_switch(pair, name, *ports):
    pair.nb.transact(
        *[{"op": "insert", "table": "Logical_Switch_Port", "uuid-name": f"p{i}", "row": {"name": port}}
          for i, port in enumerate(ports)],
        {"op": "insert", "table": "Logical_Switch", "row": {
            "name": name, "ports": ["set", [["named-uuid", f"p{i}"] for i in range(len(ports))]]}})


def bound_names(pair):
    return sorted(row["logical_port"] for row in pair.sb.rows("Port_Binding"))


def test_rows_follow_and_go(pair):
    central = pair.run_heddle()
    add_switch(pair, "ls", "a", "b")
    pair.sync()
    assert bound_names(pair) == ["a", "b"]
    pair.nb.transact({"op": "delete", "table": "Logical_Switch", "where": []})
    pair.sync()
    assert bound_names(pair) == [] and pair.sb.rows("Datapath_Binding") == []
    pair.check(central)


def test_the_second_instance_waits_for_the_lock(pair):
    first = pair.run_heddle()
    pair.sync()
    pair.run_heddle(log="second.log")
    wait_for(lambda: "southbound database: connected" in pair.log("second.log"), "the second connects")
    add_switch(pair, "ls", "a")
    pair.sync()
    assert "active" not in pair.log("second.log")
    pair.end(first)
    add_switch(pair, "ls2", "b")
    pair.sync()
    assert "active" in pair.log("second.log")
    assert bound_names(pair) == ["a", "b"]


def test_a_stolen_lock_ends_writing(pair):
    central = pair.run_heddle()
    pair.sync()
    thief = Connection(pair.sb.socket)
    thief.call("steal", ["ovn_northd"])
    wait_for(lambda: "standing by" in pair.log(), "central stands by")
    add_switch(pair, "ls", "a")
    version = pair.nb.rows("NB_Global")[0]["_version"]
    thief.call("unlock", ["ovn_northd"])
    thief.close()
    assert pair.nb.rows("NB_Global")[0]["_version"] == version
    pair.sync()
    assert bound_names(pair) == ["a"]
    pair.check(central)


def test_it_never_takes_the_lock_from_northd(pair):
    northd = pair.run_northd()
    pair.sync()
    pair.run_heddle()
    wait_for(lambda: "southbound database: connected" in pair.log(), "central connects")
    add_switch(pair, "ls", "a")
    pair.sync()
    assert "active" not in pair.log()
    pair.end(northd)
    add_switch(pair, "ls2", "b")
    pair.sync()
    assert bound_names(pair) == ["a", "b"]


@pytest.mark.parametrize("which", ["nb", "sb"])
def test_a_database_server_that_is_killed(pair, which):
    central = pair.run_heddle()
    add_switch(pair, "ls", "a", "b")
    pair.sync()
    before = pair.sb.rows("Port_Binding")
    database = getattr(pair, which)
    database.kill()
    os.unlink(database.socket)
    database.start()
    add_switch(pair, "ls2", "c")
    pair.sync()
    keys = {row["logical_port"]: row["tunnel_key"] for row in pair.sb.rows("Port_Binding")}
    assert keys == {**{row["logical_port"]: row["tunnel_key"] for row in before}, "c": 1}
    pair.check(central)


def test_a_server_that_dies_while_it_is_written_to(pair):
    central = pair.run_heddle()
    pair.sync()
    central.send_signal(signal.SIGSTOP)
    wait_for(lambda: open(f"/proc/{central.pid}/stat").read().split()[2] == "T",
             "central is stopped")
    add_switch(pair, "ls", "a")  # read first once central goes on, and leads to a write
    pair.sb.kill()
    os.unlink(pair.sb.socket)
    central.send_signal(signal.SIGCONT)
    wait_for(lambda: central.poll() is not None or "standing by" in pair.log(), "central notices")
    assert central.poll() is None, central.returncode
    pair.sb.start()
    pair.sync()
    assert bound_names(pair) == ["a"]


def test_central_killed_and_started_again(pair):
    central = pair.run_heddle()
    add_switch(pair, "ls", "a", "b")
    pair.sync()
    before = pair.sb.rows("Port_Binding")
    central.kill()
    central.wait()
    pair.programs.remove(central)
    pair.nb.transact({"op": "update", "table": "Logical_Switch_Port", "where": [["name", "==", "a"]],
                      "row": {"addresses": "00:00:00:00:00:01"}})
    central = pair.run_heddle()
    pair.sync()
    after = {row["logical_port"]: row for row in pair.sb.rows("Port_Binding")}
    assert after["a"]["mac"] == "00:00:00:00:00:01"
    for row in before:
        assert after[row["logical_port"]]["tunnel_key"] == row["tunnel_key"]
        assert after[row["logical_port"]]["_uuid"] == row["_uuid"]
    pair.check(central)


def test_rows_that_somebody_removed_come_back(pair):
    central = pair.run_heddle()
    add_switch(pair, "ls", "a", "b")
    pair.sync()
    pair.sb.transact({"op": "delete", "table": "Multicast_Group", "where": []},
                     {"op": "delete", "table": "Port_Binding", "where": []},
                     {"op": "delete", "table": "Datapath_Binding", "where": []})
    wait_for(lambda: bound_names(pair) == ["a", "b"], "the ports are back", pair.dump)
    pair.check(central)


def test_hv_cfg_is_that_of_the_slowest_host(pair):
    pair.run_heddle()
    pair.sync()
    pair.sb.transact({"op": "insert", "table": "Chassis_Private", "row": {"name": "h1", "nb_cfg": 1}},
                     {"op": "insert", "table": "Chassis_Private", "row": {"name": "h2", "nb_cfg": 0}})
    pair.sync()
    assert pair.nb.rows("NB_Global")[0]["hv_cfg"] == 0
    pair.sb.transact({"op": "update", "table": "Chassis_Private", "where": [["name", "==", "h2"]],
                      "row": {"nb_cfg": 2, "nb_cfg_timestamp": 77}})
    wait_for(lambda: pair.nb.rows("NB_Global")[0]["hv_cfg"] == 1, "hv_cfg follows", pair.dump)


def test_where_hosts_find_the_northbound_database(pair):
    central = pair.run_heddle("--public-address=192.0.2.1")
    pair.sync()
    options = dict(pair.sb.rows("SB_Global")[0]["options"][1])
    assert options["heddle-nb-remote"] == "tcp:192.0.2.1:6641"
    pair.nb.transact({"op": "mutate", "table": "NB_Global", "where": [], "mutations": [
        ["options", "insert", ["map", [["heddle-nb-remote", "ssl:192.0.2.2:6641"]]]]]})
    pair.sync()
    options = dict(pair.sb.rows("SB_Global")[0]["options"][1])
    assert options["heddle-nb-remote"] == "ssl:192.0.2.2:6641"
    pair.check(central)


@pytest.mark.parametrize("address, remote", [("fd00::1", "tcp:[fd00::1]:6641"), ("[fd00::1]", "tcp:[fd00::1]:6641")])
def test_a_public_ipv6_address_stands_in_brackets(pair, address, remote):
    pair.run_heddle(f"--public-address={address}")
    pair.sync()
    assert dict(pair.sb.rows("SB_Global")[0]["options"][1])["heddle-nb-remote"] == remote


def test_bad_content_is_named_once(pair):
    central = pair.run_heddle()
    pair.nb.transact(
        {"op": "insert", "table": "Logical_Switch_Port", "uuid-name": "p", "row": {
            "name": "bad", "addresses": "00:00:00:00:00:0x", "type": "quantum",
            "options": ["map", [["requested-tnl-key", "99999"]]]}},
        {"op": "insert", "table": "Logical_Switch", "row": {"name": "ls", "ports": ["named-uuid", "p"]}})
    add_switch(pair, "other", "good")
    pair.sync()
    pair.nb.transact({"op": "update", "table": "Logical_Switch_Port", "where": [["name", "==", "bad"]],
                      "row": {"external_ids": ["map", [["touched", "1"]]]}})
    pair.sync()
    assert bound_names(pair) == ["bad", "good"]
    warnings = [line for line in pair.log().splitlines() if "warn" in line]
    assert len(warnings) == 3 and all('"bad"' in line for line in warnings), warnings
    pair.check(central)


def add_router(pair, name, port, **columns):
    pair.nb.transact(
        {"op": "insert", "table": "Logical_Router_Port", "uuid-name": "p", "row": {
            "name": port, "mac": "00:00:00:00:ff:01", "networks": "10.0.0.1/24", **columns}},
        {"op": "insert", "table": "Logical_Router", "row": {"name": name, "ports": ["named-uuid", "p"]}})


def groups(pair):
    return sorted((row["name"], row["tunnel_key"]) for row in pair.sb.rows("Multicast_Group"))


@pytest.mark.parametrize("name, change", [
    ("_MC_flood_l2", {"tunnel_key": 32773}),
    ("_MC_flood", {"tunnel_key": 32771}),
    ("_MC_flood", {"name": "_MC_other"}),
    ("_MC_flood", {"name": "_MC_unknown", "tunnel_key": 32769}),
], ids=["our name, free key", "our name, our key", "other name, our key", "another of ours"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "started"])
def test_groups_that_another_version_numbered(pair, name, change, running):
    central = pair.run_heddle()
    add_switch(pair, "ls", "a")
    pair.sync()
    before = groups(pair)
    if not running:
        pair.end(central)
    pair.sb.transact({"op": "update", "table": "Multicast_Group", "where": [["name", "==", name]], "row": change})
    if not running:
        central = pair.run_heddle()
    add_switch(pair, "later", "b")
    pair.sync()
    assert groups(pair) == sorted(2 * before)
    pair.check(central)


def test_a_group_of_somebody_else_stays(pair):
    central = pair.run_heddle()
    add_switch(pair, "ls", "a")
    pair.sync()
    datapath = pair.sb.rows("Datapath_Binding")[0]["_uuid"]
    pair.sb.transact({"op": "insert", "table": "Multicast_Group", "row": {
        "name": "239.0.0.1", "tunnel_key": 32775, "datapath": datapath}})
    add_switch(pair, "later", "b")
    pair.sync()
    assert ("239.0.0.1", 32775) in groups(pair)
    pair.check(central)


def test_a_switch_port_and_a_router_port_with_one_name(pair):
    central = pair.run_heddle()
    add_switch(pair, "ls", "same")
    pair.sync()
    add_router(pair, "lr", "same")
    add_switch(pair, "later", "a")
    pair.sync()
    assert bound_names(pair) == ["a", "same"]
    warnings = [line for line in pair.log().splitlines() if "warn" in line]
    assert len(warnings) == 1 and '"same"' in warnings[0] and "rename" in warnings[0], warnings
    pair.nb.transact({"op": "delete", "table": "Logical_Switch", "where": [["name", "==", "ls"]]})
    pair.sync()
    assert [row["type"] for row in pair.sb.rows("Port_Binding") if row["logical_port"] == "same"] == ["patch"]
    pair.check(central)


def addresses(pair, name):
    return [row["addresses"] for row in pair.sb.rows("Address_Set") if row["name"] == name]


@pytest.mark.parametrize("name", ["web_ip4", "svc_monitor_mac"])
def test_an_address_set_named_like_a_derived_one(pair, name):
    """The explicit one has the name while it is there.  (ovn-northd inserts both, and is stuck.)"""
    central = pair.run_heddle()
    pair.nb.transact(
        {"op": "insert", "table": "Logical_Switch_Port", "uuid-name": "p", "row": {
            "name": "p", "addresses": "00:00:00:00:00:01 10.0.0.1"}},
        {"op": "insert", "table": "Logical_Switch", "row": {"name": "ls", "ports": ["named-uuid", "p"]}},
        {"op": "insert", "table": "Port_Group", "row": {"name": "web", "ports": ["named-uuid", "p"]}},
        {"op": "insert", "table": "Address_Set", "row": {"name": name, "addresses": "10.0.0.9"}})
    pair.sync()
    derived = dict(pair.sb.rows("SB_Global")[0]["options"][1])["svc_monitor_mac"] if "svc" in name else "10.0.0.1"
    assert addresses(pair, name) == ["10.0.0.9"]
    for change, want in (
            ({"op": "update", "row": {"addresses": "10.0.0.8"}}, ["10.0.0.8"]),
            ({"op": "update", "row": {"name": "other"}}, [derived]),
            ({"op": "update", "row": {"name": name}}, ["10.0.0.8"]),
            ({"op": "delete"}, [derived])):
        pair.nb.transact({**change, "table": "Address_Set", "where": []})
        pair.sync()
        assert addresses(pair, name) == want, change
        pair.check(central)
    pair.nb.transact({"op": "insert", "table": "Address_Set", "row": {"name": name, "addresses": "10.0.0.7"}})
    pair.nb.transact({"op": "delete", "table": "Port_Group", "where": []})
    pair.sync()
    assert addresses(pair, name) == ["10.0.0.7"]
    pair.check(central)


# ---- embedded servers ----

class Embedded:
    def __init__(self, directory):
        self.dir = directory
        self.log = open(directory / "central.log", "ab")
        self.process = None

    def start(self, *more):
        self.process = subprocess.Popen(
            [HEDDLE, "central", *self.arguments(), *more], stdout=self.log, stderr=self.log)
        wait_for(lambda: "active" in self.text() or self.process.poll() is not None, "active", self.text)

    def arguments(self):
        return [f"--state-dir={self.dir}/state", f"--run-dir={self.dir}/run", f"--nb-socket={self.dir}/nb.sock",
                f"--sb-socket={self.dir}/sb.sock"]

    def text(self):
        return (self.dir / "central.log").read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@pytest.fixture
def embedded(tmp_path):
    central = Embedded(tmp_path)
    yield central
    central.stop()


def test_embedded_servers_start_and_end_with_it(embedded):
    embedded.start()
    nb = Connection(embedded.dir / "nb.sock")
    nb.call("transact", ["OVN_Northbound", {"op": "insert", "table": "Logical_Switch", "row": {"name": "x"}}])

    def keys():
        sb = Connection(embedded.dir / "sb.sock")
        rows = sb.call("transact", ["OVN_Southbound", {"op": "select", "table": "Datapath_Binding", "where": []}])
        sb.close()
        return [row["tunnel_key"] for row in rows[0]["rows"]]

    wait_for(lambda: keys() == [1], "the datapath has a row", embedded.text)
    assert embedded.stop() == 0

    def gone():
        try:
            Connection(embedded.dir / "sb.sock").close()
            return False
        except OSError:
            return True

    wait_for(gone, "the servers end", embedded.text)
    embedded.log.truncate(0)
    embedded.start()
    assert keys() == [1]


@pytest.mark.parametrize("arguments, status, words", [
    ("--nb=nonsense", 1, "nonsense"),
    ("--sb=tcp:", 1, "tcp:"),
    ("--log-level=loud", 2, "loud"),
    ("--colour", 2, "colour"),
    ("stray", 2, "stray"),
    ("--schema-dir=/nonexistent", 1, "/nonexistent"),
    ("--nb-listen=garbage", 2, '--nb-listen: "garbage"'),
    ("--sb-listen=ptcp:6642,ptcp:x", 2, '--sb-listen: "ptcp:x"'),
    ("--nb-listen=ptcp:6641:nowhere", 2, '"nowhere" is no IP address'),
    ("--nb=unix:/x --nb-listen=ptcp:6641", 2, "--nb-listen"),
    ("--nb=unix:/x --nb-socket=/nonexistent/x", 2, "--nb-socket"),
    ("--sb=unix:/x --sb-listen=ptcp:6642", 2, "--sb-listen"),
    ("--sb=unix:/x --sb-socket=/nonexistent/x", 2, "--sb-socket"),
    ("--public-address=a\\ b", 2, '--public-address: "a b"'),
    ("--public-address=db.example.org", 2, '"db.example.org" is no IP address'),
    ("--public-address=192.0.2.1:6641", 2, '"192.0.2.1:6641" is no IP address'),
    ("--public-address=", 2, "--public-address"),
    ("--public-address=::", 2, "--public-address"),
])
def test_bad_arguments(tmp_path, arguments, status, words):
    """One line, and nothing is begun."""
    done = subprocess.run([HEDDLE, "central", f"--state-dir={tmp_path}/state", f"--run-dir={tmp_path}/run",
                           *shlex.split(arguments)], env={**os.environ, "OVN_RUNDIR": f"{tmp_path}/ovn"},
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == status, done.stderr
    assert words in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert status == 1 or not list(tmp_path.iterdir())


@pytest.mark.parametrize("option, tool", [("--nb-listen", "ovn-nbctl"), ("--sb-listen", "ovn-sbctl")])
def test_a_listener_that_somebody_elses_server_has_not(pair, option, tool):
    """It is said, with the command that adds it."""
    socket = getattr(pair, option[2:4]).socket
    pair.run([HEDDLE, "central", f"--nb-socket={pair.nb.socket}", f"--sb-socket={pair.sb.socket}",
              f"--run-dir={pair.dir}/run", f"{option}=ptcp:0:127.0.0.1,ptcp:0:127.0.0.2"], "central.log")
    pair.sync()
    line, = [line for line in pair.log().splitlines() if option in line]
    assert "warn" in line and f'"{tool} --db=unix:{socket} set-connection ptcp:0:127.0.0.1 ptcp:0:127.0.0.2"' in line


def test_a_listener_of_another_instance_is_no_worry(embedded, tmp_path):
    embedded.start("--nb-listen=ptcp:0:127.0.0.1")
    log = tmp_path / "second.log"
    with open(log, "w") as out:
        second = subprocess.Popen([HEDDLE, "central", *embedded.arguments(), "--nb-listen=ptcp:0:127.0.0.1"],
                                  stderr=out)
    try:
        wait_for(lambda: "southbound database: connected" in log.read_text(), "the second connects", log.read_text)
    finally:
        second.terminate()
        status = second.wait(timeout=10)
    assert status == 0 and "warn" not in log.read_text(), log.read_text()


def test_directories_named_from_where_it_was_started(tmp_path):
    log = tmp_path / "central.log"
    with open(log, "w") as out:
        central = subprocess.Popen([HEDDLE, "central", "--state-dir=state", "--run-dir=run", "--sb-socket=sb.sock"],
                                   cwd=tmp_path, env={**os.environ, "OVN_RUNDIR": "ovn"}, stderr=out)
    try:
        wait_for(lambda: "active" in log.read_text(), "it is active", log.read_text)
        for path in ("state/ovnnb_db.db", "state/ovnsb_db.db", "run/ovnnb_db.pid", "run/sb.ctl", "ovn/ovnnb_db.sock",
                     "sb.sock"):
            assert (tmp_path / path).exists(), path
    finally:
        central.terminate()
        assert central.wait(timeout=10) == 0, log.read_text()
