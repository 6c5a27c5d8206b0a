# SPDX-License-Identifier: Apache-2.0
"""What the southbound server does not take must not keep the rest from it.

The server is made to refuse by a schema that is stricter than OVN's."""

import json

import pytest

from conftest import Pair
from ovsdb import as_map, find_schema, wait_for


def strict_schema(path):
    schema = json.loads(open(find_schema("ovn-sb.ovsschema")).read())
    tables = schema["tables"]
    tables["Port_Binding"]["columns"]["logical_port"]["type"] = {"key": {"type": "string", "maxLength": 8}}
    tables["Address_Set"]["columns"]["name"]["type"] = {"key": {"type": "string", "maxLength": 15}}
    tables["Port_Group"]["columns"]["name"]["type"] = {"key": {"type": "string", "maxLength": 8}}
    tables["Datapath_Binding"]["columns"]["tunnel_key"]["type"]["key"]["maxInteger"] = 100
    tables["Holder"] = {"columns": {"datapath": {"type": {"key": {"type": "uuid", "refTable": "Datapath_Binding"}}}},
                        "isRoot": True}
    schema.pop("cksum", None)
    path.write_text(json.dumps(schema))
    return path


@pytest.fixture
def strict(tmp_path):
    pair = Pair(tmp_path / "strict", strict_schema(tmp_path / "strict.ovsschema"))
    yield pair
    pair.close()


def add_switch(pair, name, *ports, **columns):
    pair.nb.transact(
        *[{"op": "insert", "table": "Logical_Switch_Port", "uuid-name": f"p{i}", "row": {"name": port}}
          for i, port in enumerate(ports)],
        {"op": "insert", "table": "Logical_Switch", "row": {
            "name": name, "ports": ["set", [["named-uuid", f"p{i}"] for i in range(len(ports))]], **columns}})


def bound(pair):
    return sorted(row["logical_port"] for row in pair.sb.rows("Port_Binding"))


def switches(pair):
    return sorted(as_map(row["external_ids"])["name"] for row in pair.sb.rows("Datapath_Binding"))


def members(pair, name):
    names = {row["_uuid"][1]: row["logical_port"] for row in pair.sb.rows("Port_Binding")}
    (row,) = [row for row in pair.sb.rows("Multicast_Group") if row["name"] == name]
    ports = row["ports"][1] if row["ports"][0] == "set" else [row["ports"]]
    return sorted(names[uuid] for _, uuid in ports)


def left_out(pair):
    return [line for line in pair.log().splitlines() if "left out" in line]


def wait_left_out(pair, n):
    """It is said at the end of a pass, which may be after sb_cfg was written."""
    wait_for(lambda: len(left_out(pair)) >= n, f"{n} objects are said to be left out", pair.dump)
    lines = left_out(pair)
    assert len(lines) == n, lines
    return lines


def test_one_port_is_refused_and_the_others_are_written(strict):
    central = strict.run_heddle()
    add_switch(strict, "ls", "a", "far-too-long", "b")
    strict.sync()
    assert bound(strict) == ["a", "b"] and members(strict, "_MC_flood") == ["a", "b"]
    (line,) = wait_left_out(strict, 1)
    assert 'logical port "far-too-long"' in line and "maxLength" not in line and "length" in line, line
    strict.check(central)
    # Later changes go their ordinary way, and nothing is said again.
    errors = strict.log().count("refused a transaction")
    strict.nb.transact({"op": "insert", "table": "Logical_Switch_Port", "uuid-name": "p", "row": {"name": "c"}},
                       {"op": "mutate", "table": "Logical_Switch", "where": [],
                        "mutations": [["ports", "insert", ["named-uuid", "p"]]]})
    strict.sync()
    assert bound(strict) == ["a", "b", "c"] and members(strict, "_MC_flood") == ["a", "b", "c"]
    assert strict.log().count("refused a transaction") == errors and len(left_out(strict)) == 1
    # Put right, it is written at once.
    strict.nb.transact({"op": "update", "table": "Logical_Switch_Port", "where": [["name", "==", "far-too-long"]],
                        "row": {"name": "short"}})
    strict.sync()
    assert bound(strict) == ["a", "b", "c", "short"]
    strict.check(central)


def test_a_port_that_is_refused_later(strict):
    central = strict.run_heddle()
    add_switch(strict, "ls", *[f"p{i}" for i in range(50)])
    strict.sync()
    add_switch(strict, "ls2", "far-too-long", "x")
    add_switch(strict, "ls3", "y")
    strict.sync()
    assert len(bound(strict)) == 52 and {"x", "y"} <= set(bound(strict))
    strict.nb.transact({"op": "delete", "table": "Logical_Switch", "where": [["name", "==", "ls2"]]})
    strict.sync()
    assert len(bound(strict)) == 51
    strict.check(central)


def test_a_switch_is_refused_with_its_ports(strict):
    central = strict.run_heddle()
    add_switch(strict, "bad", "a", "b", other_config=["map", [["requested-tnl-key", "101"]]])
    add_switch(strict, "good", "c")
    strict.sync()
    assert bound(strict) == ["c"] and switches(strict) == ["good"]
    (line,) = wait_left_out(strict, 1)
    assert 'logical switch "bad"' in line
    strict.check(central)
    strict.nb.transact({"op": "update", "table": "Logical_Switch", "where": [["name", "==", "bad"]],
                        "row": {"other_config": ["map", [["requested-tnl-key", "100"]]]}})
    strict.sync()
    assert bound(strict) == ["a", "b", "c"]
    strict.check(central)


def test_sets_are_refused_one_by_one(strict):
    central = strict.run_heddle()
    strict.nb.transact(
        {"op": "insert", "table": "Address_Set", "row": {"name": "far-too-long-a-name"}},
        {"op": "insert", "table": "Address_Set", "row": {"name": "short"}},
        {"op": "insert", "table": "Logical_Switch_Port", "uuid-name": "p", "row": {"name": "p"}},
        {"op": "insert", "table": "Logical_Switch", "row": {"name": "ls", "ports": ["named-uuid", "p"]}},
        {"op": "insert", "table": "Port_Group", "row": {"name": "far-too-long", "ports": ["named-uuid", "p"]}},
        {"op": "insert", "table": "Port_Group", "row": {"name": "web", "ports": ["named-uuid", "p"]}})
    strict.sync()
    assert {row["name"] for row in strict.sb.rows("Address_Set")} == {
        "short", "svc_monitor_mac", "web_ip4", "web_ip6"}
    assert [row["name"] for row in strict.sb.rows("Port_Group")] == ["1_web"]
    wait_left_out(strict, 2)
    strict.check(central)


def hold_switch(strict):
    """A switch "held" whose southbound row, which is returned, cannot be deleted."""
    add_switch(strict, "held", "a")
    strict.sync()
    datapath = strict.sb.rows("Datapath_Binding")[0]["_uuid"]
    strict.sb.transact({"op": "insert", "table": "Holder", "row": {"datapath": datapath}})
    return datapath


def test_a_row_that_cannot_go(strict):
    central = strict.run_heddle()
    datapath = hold_switch(strict)
    strict.nb.transact({"op": "delete", "table": "Logical_Switch", "where": []})
    strict.sync()
    (line,) = wait_left_out(strict, 1)
    assert datapath[1] in line and "referen" in line, line
    add_switch(strict, "later", "b")
    strict.sync()
    assert bound(strict) == ["b"] and switches(strict) == ["held", "later"]
    assert [row["tunnel_key"] for row in strict.sb.rows("Datapath_Binding") if row["_uuid"] != datapath] == [2]
    strict.check(central)
    # It is tried again from time to time.
    strict.sb.transact({"op": "delete", "table": "Holder", "where": []})
    wait_for(lambda: switches(strict) == ["later"], "the row goes", strict.dump)
    strict.check(central)


def requested_key(name, key):
    return {"op": "update", "table": "Logical_Switch_Port", "where": [["name", "==", name]],
            "row": {"options": ["map", [["requested-tnl-key", str(key)]]]}}


def test_objects_that_need_each_other(strict):
    """Neither of two ports that swap their keys can be written before the other one."""
    central = strict.run_heddle()
    add_switch(strict, "ls", "a", "b")
    strict.nb.transact(requested_key("a", 1), requested_key("b", 2))
    strict.sync()
    strict.nb.transact(requested_key("a", 2), requested_key("b", 1),
                       {"op": "insert", "table": "Address_Set", "row": {"name": "far-too-long-a-name"}})
    strict.sync()
    wait_left_out(strict, 3)
    strict.nb.transact({"op": "delete", "table": "Address_Set", "where": []})
    wait_for(lambda: {row["logical_port"]: row["tunnel_key"] for row in strict.sb.rows("Port_Binding")} ==
             {"a": 2, "b": 1}, "the keys are swapped", strict.dump)
    strict.check(central)


def test_a_switch_in_place_of_one_that_cannot_go(strict):
    """Its key is not to be had."""
    central = strict.run_heddle()
    hold_switch(strict)
    strict.nb.transact({"op": "delete", "table": "Logical_Switch", "where": []},
                       {"op": "insert", "table": "Logical_Switch", "row": {"name": "new"}})
    wait_for(lambda: switches(strict) == ["held", "new"], "the new switch is there", strict.dump)
    wait_left_out(strict, 1)
    strict.check(central)
