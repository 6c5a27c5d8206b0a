# SPDX-License-Identifier: Apache-2.0
"""Our schemas hold everything that Debian's hold: a client of theirs finds what it knows."""
import json
import subprocess

import pytest

from tools import find_peer_schema, find_schema

NAMES = ["ovn-nb.ovsschema", "ovn-sb.ovsschema", "vswitch.ovsschema"]
INTEGERS = (-(2**63), 2**63 - 1)



def base_type(kind):
    kind = kind if isinstance(kind, dict) else {"type": kind}
    enum = kind.get("enum")
    return {
        "type": kind["type"],
        "enum": None if enum is None else set(enum[1] if isinstance(enum, list) else [enum]),
        "range": (kind.get("minInteger", INTEGERS[0]), kind.get("maxInteger", INTEGERS[1])),
        "length": kind.get("maxLength", INTEGERS[1]),
        "ref": (kind.get("refTable"), kind.get("refType", "strong") if "refTable" in kind else None),
    }


def column_type(column):
    kind = column["type"]
    kind = kind if isinstance(kind, dict) and "key" in kind else {"key": kind}
    most = kind.get("max", 1)
    return {
        "key": base_type(kind["key"]),
        "value": base_type(kind["value"]) if "value" in kind else None,
        "count": (kind.get("min", 1), float("inf") if most == "unlimited" else most),
        "ephemeral": column.get("ephemeral", False),
        "mutable": column.get("mutable", True),
    }


def base_problem(ours, theirs):
    if (ours is None) != (theirs is None):
        return "one is a map, the other is not"
    if ours is None:
        return None
    if ours["type"] != theirs["type"] or ours["ref"] != theirs["ref"]:
        return f"{ours} instead of {theirs}"
    if ours["enum"] is not None and (theirs["enum"] is None or not theirs["enum"] <= ours["enum"]):
        return f"allows {ours['enum']} instead of {theirs['enum']}"
    if ours["range"][0] > theirs["range"][0] or ours["range"][1] < theirs["range"][1]:
        return f"range {ours['range']} instead of {theirs['range']}"
    if ours["length"] < theirs["length"]:
        return f"length {ours['length']} instead of {theirs['length']}"
    return None


def column_problem(ours, theirs):
    """Why a value of their column might not fit ours, or None."""
    ours, theirs = column_type(ours), column_type(theirs)
    for part in ("ephemeral", "mutable"):
        if ours[part] != theirs[part]:
            return f"{part} is {ours[part]} instead of {theirs[part]}"
    if ours["count"][0] > theirs["count"][0] or ours["count"][1] < theirs["count"][1]:
        return f"{ours['count']} elements instead of {theirs['count']}"
    # A scalar that became a set, or the reverse, would change what clients read.
    if (ours["count"][1] > 1) != (theirs["count"][1] > 1):
        return "one is a set, the other is not"
    return base_problem(ours["key"], theirs["key"]) or base_problem(ours["value"], theirs["value"])


def problems(ours, theirs):
    for table, description in theirs["tables"].items():
        mine = ours["tables"].get(table)
        if not mine:
            yield f"table {table} is missing"
            continue
        for part, default in (("isRoot", False), ("maxRows", None)):
            if mine.get(part, default) != description.get(part, default):
                yield f"{table}: {part} is {mine.get(part)} instead of {description.get(part)}"
        indexes = [sorted(sorted(index) for index in schema.get("indexes", []))
                   for schema in (mine, description)]
        if indexes[0] != indexes[1]:
            yield f"{table}: indexes {indexes[0]} instead of {indexes[1]}"
        for column, kind in description["columns"].items():
            if column not in mine["columns"]:
                yield f"{table}.{column} is missing"
            elif problem := column_problem(mine["columns"][column], kind):
                yield f"{table}.{column}: {problem}"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_debians_schema_is_missing(name):
    ours = json.loads(find_schema(name).read_text())
    theirs = json.loads(find_peer_schema(name).read_text())
    assert ours["name"] == theirs["name"]
    assert list(problems(ours, theirs)) == []


@pytest.mark.parametrize("name", NAMES)
def test_ovsdb_tool_accepts_our_schema(name, tmp_path):
    subprocess.run(["ovsdb-tool", "create", tmp_path / "db", find_schema(name)], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_debians_database_can_be_converted(name, tmp_path):
    subprocess.run(["ovsdb-tool", "create", tmp_path / "db", find_peer_schema(name)], check=True)
    subprocess.run(["ovsdb-tool", "convert", tmp_path / "db", find_schema(name)], check=True)
    version = subprocess.run(["ovsdb-tool", "db-version", tmp_path / "db"], check=True,
                             capture_output=True, text=True).stdout.strip()
    assert version == json.loads(find_schema(name).read_text())["version"]
