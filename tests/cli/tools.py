# SPDX-License-Identifier: Apache-2.0
"""Database servers for the tests, and a way to compare two databases whose rows have other UUIDs."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEDDLE_BUILD", ROOT / "build"))
PEERS = pathlib.Path(os.environ.get("HEDDLE_PEERS", BUILD / "peers"))
HEDDLE = str(BUILD / "src" / "heddle")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def find_schema(name):
    return BUILD / "schema" / name


def find_peer_schema(name):
    for directory in ("usr/share/ovn", "usr/share/openvswitch"):
        for root in (PEERS, pathlib.Path("/")):
            path = root / directory / name
            if path.exists():
                return path
    pytest.fail(f"{name} of Debian's package is not below {PEERS} (HEDDLE_PEERS)")


def find_tool(name):
    path = PEERS / "usr" / "bin" / name
    found = str(path) if path.exists() else shutil.which(name)
    if not found:
        pytest.fail(f"{name} is neither below {PEERS} (HEDDLE_PEERS) nor installed")
    return found


class Server:
    def __init__(self, directory, name, schema):
        self.dir = directory
        self.name = name
        self.socket = directory / f"{name}.sock"
        self.pid_file = directory / f"{name}.pid"
        self.known_dump, self.known_labels = {}, {}
        database = directory / f"{name}.db"
        subprocess.run(["ovsdb-tool", "create", database, schema], check=True)
        # --detach returns when the server answers.
        subprocess.run(
            ["ovsdb-server", database, f"--remote=punix:{self.socket}", "--detach", "--no-chdir",
             f"--pidfile={self.pid_file}", f"--unixctl={directory}/{name}.ctl",
             f"--log-file={directory}/{name}.log", "-vconsole:off", "-vsyslog:off"],
            check=True)

    def control(self, *words):
        return subprocess.run(["ovs-appctl", "-t", str(self.dir / f"{self.name}.ctl"), *words], check=True,
                              capture_output=True, text=True).stdout

    def stop(self):
        self.control("exit")

    def transact(self, *operations):
        """Results of an OVN_Northbound transaction."""
        out = subprocess.run(
            ["ovsdb-client", "transact", f"unix:{self.socket}",
             json.dumps(["OVN_Northbound", *operations])],
            check=True, capture_output=True, text=True)
        return json.loads(out.stdout)

    def run(self, program, *words, timeout=20, environment={}):
        """The finished process; its output is text."""
        return subprocess.run([*program, f"--db=unix:{self.socket}", *words], capture_output=True,
                              text=True, timeout=timeout, stdin=subprocess.DEVNULL, env={**os.environ, **environment})

    def run_canonical(self, program, words, environment={}):
        """(exit status, output lines with UUIDs replaced, sorted)."""
        before = self.known_labels
        done = self.run(program, *(self.resolve(word, before) for word in words), environment=environment)
        self.known_dump = self.dump()
        self.known_labels = self.labels()
        labels = {**before, **self.known_labels}
        text = UUID.sub(lambda match: labels.get(match.group(), "<uuid>"), done.stdout)
        return done.returncode, sorted(map(sort_list, text.splitlines())), done.stderr

    def resolve(self, word, labels):
        """<Table name> in a word stands for the row's UUID."""
        uuids = {label: uuid for uuid, label in labels.items()}
        return re.sub(r"<\w+ [^>]*>", lambda match: uuids.get(match.group(), match.group()), word)

    def dump(self):
        """{table: {uuid: row}}"""
        out = subprocess.run(["ovsdb-client", "dump", "-f", "json", f"unix:{self.socket}",
                              "OVN_Northbound"], check=True, capture_output=True, text=True)
        tables = {}
        for line in out.stdout.splitlines():
            table = json.loads(line)
            name = re.sub(r" table$", "", table["caption"])
            at = table["headings"].index("_uuid")
            tables[name] = {row[at][1]: {heading: cell for i, (heading, cell)
                                         in enumerate(zip(table["headings"], row)) if i != at}
                            for row in table["data"]}
        return tables

    def labels(self):
        """{uuid: "<Table name>"} of the dump; rows of the same name are counted."""
        labels, seen = {}, {}
        for table, rows in self.known_dump.items():
            for uuid, row in sorted(rows.items(), key=lambda item: bare(item[1])):
                name = row.get("name", "")
                seen[table, str(name)] = n = seen.get((table, str(name)), 0) + 1
                labels[uuid] = f"<{table} {name}{'' if n == 1 else f' #{n}'}>"
        return labels

    def content(self):
        """The database without UUIDs after run_canonical(): {table: sorted rows}."""
        labels = self.known_labels
        content = {}
        for table, rows in self.known_dump.items():
            content[table] = sorted(
                sort_sets(json.loads(UUID.sub(lambda match: labels.get(match.group(), "<uuid>"),
                                              json.dumps(row))))
                for row in rows.values())
        return {table: rows for table, rows in content.items() if rows}


def bare(row):
    return UUID.sub("", json.dumps(row, sort_keys=True))


def sort_sets(row):
    """One line of JSON in which sets of labels, which were sorted by UUID, are sorted by label."""
    def fix(value):
        if isinstance(value, list) and len(value) == 2 and value[0] == "set":
            return ["set", sorted(value[1], key=json.dumps)]
        return value
    return json.dumps({column: fix(value) for column, value in row.items()}, sort_keys=True)


def sort_list(line):
    """The same for a printed set of labels."""
    match = re.fullmatch(r"(.*\[)(<[^\]]*>)(\].*)", line)
    if not match:
        return line
    return match.group(1) + ", ".join(sorted(match.group(2).split(", "))) + match.group(3)
