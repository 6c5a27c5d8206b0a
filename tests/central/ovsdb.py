# SPDX-License-Identifier: Apache-2.0
"""Databases for tests of heddle central: servers, a plain client, dumps that can be compared."""

import json
import os
import pathlib
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEDDLE_BUILD", ROOT / "build"))
PEERS = pathlib.Path(os.environ.get("HEDDLE_PEERS", BUILD / "peers"))
HEDDLE = BUILD / "src" / "heddle"
DEADLINE_S = 30


def find_tool(name):
    for path in (PEERS / "usr/bin" / name, pathlib.Path("/usr/bin") / name):
        if path.exists():
            return str(path)
    raise FileNotFoundError(f"{name} is neither in {PEERS} nor installed; ./run check fetches it")


def find_schema(name):
    for path in (PEERS / "usr/share/ovn" / name, pathlib.Path("/usr/share/ovn") / name):
        if path.exists():
            return str(path)
    raise FileNotFoundError(f"{name} is neither in {PEERS} nor installed; ./run check fetches it")


class Connection:
    """JSON-RPC over a unix socket, one request at a time."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.sock.settimeout(DEADLINE_S)
        self.buffer = ""
        self.decoder = json.JSONDecoder()
        self.id = 0

    def receive(self):
        while True:
            try:
                message, end = self.decoder.raw_decode(self.buffer)
                self.buffer = self.buffer[end:]
                return message
            except json.JSONDecodeError:
                data = self.sock.recv(1 << 16)
                if not data:
                    raise ConnectionError("the server closed the connection") from None
                self.buffer += data.decode()

    def call(self, method, params):
        self.id += 1
        request = {"method": method, "params": params, "id": self.id}
        self.sock.sendall(json.dumps(request).encode())
        while True:
            message = self.receive()
            if message.get("method") == "echo":
                reply = {"result": message["params"], "error": None, "id": message["id"]}
                self.sock.sendall(json.dumps(reply).encode())
            elif message.get("id") == self.id and "method" not in message:
                assert message["error"] is None, message["error"]
                return message["result"]

    def close(self):
        self.sock.close()


class Database:
    """One ovsdb-server with one database, reached by a unix socket."""

    def __init__(self, directory, name, schema):
        self.dir = pathlib.Path(directory)
        self.name = name
        self.socket = self.dir / f"{name}.sock"
        self.file = self.dir / f"{name}.db"
        subprocess.run(["ovsdb-tool", "create", self.file, schema], check=True)
        self.server = None
        self.connection = None
        self.start()

    def start(self):
        log = open(self.dir / f"{self.name}.log", "ab")
        self.server = subprocess.Popen(
            ["ovsdb-server", f"--remote=punix:{self.socket}", f"--unixctl={self.dir}/{self.name}.ctl",
             str(self.file)], stdout=log, stderr=log)
        wait_for(self.answers, f"{self.name} answers")

    def answers(self):
        try:
            self.connection = Connection(self.socket)
            self.connection.call("echo", [])
            return True
        except OSError:
            return False

    def kill(self):
        self.connection.close()
        self.server.kill()
        self.server.wait()

    def stop(self):
        self.connection.close()
        self.server.terminate()
        self.server.wait()

    @property
    def database(self):
        return "OVN_Northbound" if self.name.startswith("nb") else "OVN_Southbound"

    def transact(self, *operations):
        result = self.connection.call("transact", [self.database, *operations])
        for part in result:
            assert not part or "error" not in part, (part, operations)
        return result

    def rows(self, table):
        result = self.transact({"op": "select", "table": table, "where": []})
        return result[0]["rows"]


def as_set(value):
    return value[1] if isinstance(value, list) and value[0] == "set" else [value]


def as_map(value):
    return dict(value[1])


def wait_for(condition, what, dump=None):
    """Polls until the condition holds; each turn asks a process, so this is no busy loop for long."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        if condition():
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {DEADLINE_S} s" + (f"\n{dump()}" if dump else ""))
        os.sched_yield()


def southbound(sb):
    """The rows that central and ovn-northd both write, with names in place of southbound uuids."""
    datapaths = {row["_uuid"][1]: row for row in sb.rows("Datapath_Binding")}
    ports = {row["_uuid"][1]: row for row in sb.rows("Port_Binding")}
    chassis = {row["_uuid"][1]: row["name"] for row in sb.rows("Chassis")}
    encaps = {row["_uuid"][1]: row["ip"] for row in sb.rows("Encap")}

    def key_of(value):
        return datapaths[value[1]]["tunnel_key"]

    def names(value):
        return sorted(chassis[uuid[1]] for uuid in as_set(value))

    plain = ("type", "tunnel_key", "parent_port", "tag", "up")
    state = {}
    state["Datapath_Binding"] = {
        key_of(row["_uuid"]): as_map(row["external_ids"]) for row in datapaths.values()}
    state["Port_Binding"] = {
        row["logical_port"]: {
            **{column: row[column] for column in plain},
            "datapath": key_of(row["datapath"]),
            "mac": sorted(as_set(row["mac"])),
            "port_security": sorted(as_set(row["port_security"])),
            "options": as_map(row["options"]),
            "external_ids": as_map(row["external_ids"]),
            "chassis": names(row["chassis"]),
            "requested_chassis": names(row["requested_chassis"]),
            "requested_additional_chassis": names(row["requested_additional_chassis"]),
            "nat_addresses": sorted(as_set(row["nat_addresses"])),
            "encap": sorted(encaps[uuid[1]] for uuid in as_set(row["encap"])),
        } for row in ports.values()}
    state["Multicast_Group"] = {
        f"{key_of(row['datapath'])} {row['name']} {row['tunnel_key']}":
            sorted(ports[uuid[1]]["logical_port"] for uuid in as_set(row["ports"]))
        for row in sb.rows("Multicast_Group")}
    state["Port_Group"] = {
        row["name"]: sorted(as_set(row["ports"])) for row in sb.rows("Port_Group")}
    state["Address_Set"] = {
        row["name"]: sorted(as_set(row["addresses"])) for row in sb.rows("Address_Set")}
    # Chosen at random, once per database.
    monitor = as_map(sb.rows("SB_Global")[0]["options"])["svc_monitor_mac"]
    if state["Address_Set"].get("svc_monitor_mac") == [monitor]:
        state["Address_Set"]["svc_monitor_mac"] = "as in SB_Global"
    return state


def northbound(nb):
    """What is written back."""
    columns = ("up", "tag", "dynamic_addresses")
    state = {row["name"]: {column: row[column] for column in columns} for row in nb.rows("Logical_Switch_Port")}
    options = as_map(nb.rows("NB_Global")[0]["options"])
    state["NB_Global"] = {"max_tunid": options.get("max_tunid"), "options": sorted(options)}
    return state
