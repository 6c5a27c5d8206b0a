# SPDX-License-Identifier: Apache-2.0
"""A local database that is not what it should be: one line that says so, and the agent goes on asking, as the server
may be upgraded or replaced."""
import json
import pathlib
import socket
import subprocess
import threading

import pytest

from agent import BUILD, Host, Server, wait_for

SCHEMA = BUILD / "schema" / "vswitch.ovsschema"
LACKING = "database Open_vSwitch: table Interface lacks column ofport; convert it to a newer schema"


class Liar:
    """A server that answers every request with what answer(method, id) gives, as bytes; None: not at all."""

    def __init__(self, path, answer):
        self.path, self.answer, self.connections = path, answer, 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:  # closed
                return
            self.connections += 1
            with client:
                self.talk(client)

    def talk(self, client):
        text, decoder = "", json.JSONDecoder()
        while data := self.receive(client):
            text += data
            while text:
                try:
                    request, end = decoder.raw_decode(text)
                except ValueError:  # not all of it is here
                    break
                text = text[end:]
                answer = self.answer(request["method"], request["id"])
                try:
                    client.sendall(answer or b"")
                except OSError:
                    return

    @staticmethod
    def receive(client):
        try:
            return client.recv(65536).decode()
        except OSError:
            return ""

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        pathlib.Path(self.path).unlink()


def reply(result, error=None):
    return lambda method, id: json.dumps({"id": id, "result": result, "error": error}).encode()


def vswitch_schema(*without):
    """Ours, without some columns: (table, column)."""
    schema = json.loads(SCHEMA.read_text())
    for table, column in without:
        del schema["tables"][table]["columns"][column]
    return schema


def by_method(**answers):
    """An honest beginning: the status of the server and the schema, unless something else is given."""
    status = {"Database": {"00000000-0000-0000-0000-000000000001": {"initial": {
        "name": "Open_vSwitch", "model": "standalone", "connected": True, "leader": True}}}}
    honest = {"set_db_change_aware": reply({}), "monitor_cond": reply(status),
              "get_schema": reply(vswitch_schema())}

    def answer(method, id):
        return (answers.get(method) or honest.get(method) or reply({}))(method, id)
    return answer


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path, system_id="h1", db=f"unix:{tmp_path}/db.sock")
    host.db = f"unix:{tmp_path}/db.sock"
    yield host
    host.close()


def complains_once(host, why):
    """What is wrong with the answers; that nobody listens for a moment is another matter."""
    lines = [line for line in host.log().splitlines()
             if " info: " not in line and "connection refused" not in line and "no such file" not in line]
    assert len(lines) == 1, host.log()
    return "warn: database: local database: unix:" in lines[0] and "db.sock: " in lines[0] and why in lines[0]


@pytest.mark.parametrize("answer, why", [
    (lambda *_: b"HTTP/1.1 400 Bad Request\r\n\r\n", 'a message does not begin with "{"'),
    (lambda *_: b"[1, 2]", "a message is no JSON object"),
    (lambda *_: b'{"id": 1}', "no JSON-RPC"),
    (lambda *_: b'{"id": ' + b"[" * 100000, "nest"),
    (by_method(monitor_cond=reply([1])), "the update is no object"),
    (by_method(get_schema=reply(None, {"error": "no such thing"})), "no such thing"),
    (by_method(get_schema=reply({"tables": []})), "the server sent no schema"),
    (by_method(get_schema=reply(vswitch_schema(("Interface", "ofport")))), LACKING),
    (by_method(monitor_cond_since=reply([False, "x", {"Bridge": {"no uuid": {"initial": {}}}}])), "no uuid"),
], ids=["http", "array", "no-method", "nested", "status", "refused", "schema", "column", "rows"])
def test_a_server_that_talks_nonsense(host, tmp_path, answer, why):
    liar = Liar(tmp_path / "db.sock", answer)
    try:
        host.start()
        wait_for(lambda: liar.connections >= 2, "it tries again", host.log)
    finally:
        liar.close()
    assert complains_once(host, why)
    server = Server(tmp_path, "vswitch.ovsschema", "db")
    host.wait_log("integration bridge br-int")
    host.stop()
    server.stop()


def test_a_database_of_an_older_schema(host, tmp_path):
    """Named, with what to do; the agent goes on when that was done."""
    old = tmp_path / "old.ovsschema"
    old.write_text(json.dumps({**vswitch_schema(("Interface", "ofport")), "version": "1.0.0"}))
    server = Server(tmp_path, old, "db")
    host.start()
    host.wait_log(LACKING)
    subprocess.run(["ovsdb-client", "convert", server.remote, SCHEMA], check=True)
    host.wait_log("integration bridge br-int")
    host.stop()
    server.stop()
