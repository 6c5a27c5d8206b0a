# SPDX-License-Identifier: Apache-2.0
"""Database servers for the tests, and a way to compare two databases whose rows have other UUIDs."""
import json
import os
import pathlib
import re
import shutil
import socket
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
        """(exit status, output lines with UUIDs replaced, sorted, standard error)."""
        before = self.known_labels
        done = self.run(program, *(self.resolve(word) for word in words), environment=environment)
        self.known_dump = self.dump()
        self.known_labels = self.labels()
        labels = {**before, **self.known_labels}
        text = done.stdout.replace("\\n", "\n") if "--oneline" in words else done.stdout
        text = UUID.sub(lambda match: labels.get(match.group(), "<uuid>"), text)
        return done.returncode, sorted(map(sort_line, text.split("\n"))), done.stderr

    def resolve(self, word):
        """<Table name> in a word stands for the row's UUID, {Table name} for its beginning."""
        uuids = {}
        for uuid, label in self.known_labels.items():
            uuids.setdefault(label, []).append(uuid)
        uuids = {label: found[0] for label, found in uuids.items() if len(found) == 1}
        word = re.sub(r"\{(\w+ [^}]*)\}",
                      lambda match: uuids[f"<{match[1]}>"][:8] if f"<{match[1]}>" in uuids else match[0], word)
        return re.sub(r"<\w+ [^>]*>", lambda match: uuids.get(match.group(), match.group()), word)

    def call(self, method, *params):
        """The result of a request in a connection of its own, which is quicker than a process."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(json.dumps({"method": method, "params": params, "id": 0}).encode())
            text = b""
            while True:
                chunk = connection.recv(1 << 20)
                assert chunk, f"{self.name} hung up on {method}"
                text += chunk
                try:
                    return json.loads(text)["result"]
                except json.JSONDecodeError:
                    continue

    def dump(self):
        """{table: {uuid: row}}"""
        tables = list(self.call("get_schema", "OVN_Northbound")["tables"])
        results = self.call("transact", "OVN_Northbound",
                            *({"op": "select", "table": table, "where": []} for table in tables))
        return {table: {row.pop("_uuid")[1]: row for row in result["rows"] if row.pop("_version")}
                for table, result in zip(tables, results)}

    def labels(self):
        """{uuid: "<Table name>"} of the dump; different rows of the same name are counted, equal ones are not told
        apart."""
        labels = {}
        for table, rows in self.known_dump.items():
            kinds = {}
            for text in sorted(bare(row) for row in rows.values()):
                name = name_in(text)
                kinds.setdefault(name, {}).setdefault(text, len(kinds[name]) + 1)
            for uuid, row in rows.items():
                name = name_in(bare(row))
                n = kinds[name][bare(row)]
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


def name_in(text):
    """The name in a bare row, without what ends a label."""
    return re.sub("[<>]", "", str(json.loads(text).get("name", "")))


def sort_sets(row):
    """One line of JSON in which sets of labels, which were sorted by UUID, are sorted by label."""
    def fix(value):
        if isinstance(value, list) and len(value) == 2 and value[0] == "set":
            return ["set", sorted(value[1], key=json.dumps)]
        return value
    return json.dumps({column: fix(value) for column, value in row.items()}, sort_keys=True)


def sort_line(line):
    """The same for what is printed on a line: sets of labels, and the rows of --format=json."""
    if line.startswith('{"data":'):
        table = json.loads(line)
        table["data"] = sorted(re.sub(r'(\["uuid", "<[^"]*>"\](, )?)+', sort_labels, json.dumps(row))
                               for row in table["data"])
        return json.dumps(table)
    return re.sub(r"<\w+ [^>]*>(,? <\w+ [^>]*>)+", sort_labels, line)


def sort_labels(match):
    return "".join(sorted(re.findall(r"<[^>]*>", match.group())))
