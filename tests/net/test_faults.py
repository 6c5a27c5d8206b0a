# SPDX-License-Identifier: Apache-2.0
"""Faults of the machine and of others: one line that names the object and the reason, and nothing half-done."""
import concurrent.futures
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import tempfile
import threading

import pytest
from fabric import BUILD, HEDDLE, Namespace, Process, answers, in_netns, run, wait_for
from test_bad_input import one_line
from test_switches import two_ports


@pytest.fixture
def machine(tmp_path):
    """A namespace in which no agent runs."""
    netns = Namespace("hf" + secrets.token_hex(3))
    netns.dir = tmp_path
    netns.env = {"OVS_RUNDIR": str(tmp_path)}
    yield netns
    run("ip", "netns", "del", netns.netns)


@pytest.fixture
def small_disk(machine):
    state = machine.dir / "state"
    state.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", state)
    yield state
    run("umount", "-l", state)


def start_agent(machine, *more, prefix=()):
    """A heddle host that is expected to end by itself."""
    return machine.run(*prefix, HEDDLE, "host", f"--state-dir={machine.dir}/state", f"--run-dir={machine.dir}/run",
                       *more, check=False, timeout=20, env=machine.env)


def failed(done, *words):
    """It said why in its last line."""
    assert done.returncode == 1, done.stdout
    last = done.stdout.splitlines()[-1]
    for word in words:
        assert word in last, done.stdout


# ---- heddle host --remove ----

def test_removal_when_a_database_does_not_answer(machine):
    """It waits for ten seconds, so both cases at once."""
    other = Namespace("hf" + secrets.token_hex(3))
    other.dir, other.env = machine.dir / "other", {"OVS_RUNDIR": str(machine.dir / "other")}
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            local = pool.submit(start_agent, machine, "--remove", f"--db=unix:{machine.dir}/none.sock")
            southbound = pool.submit(start_agent, other, "--remove", "--system-id=h1",
                                     f"--ovn-remote=unix:{machine.dir}/sb.sock")
        failed(local.result(), "cannot be removed", "none.sock")
        failed(southbound.result(), "chassis h1 cannot be removed", "sb.sock")
    finally:
        run("ip", "netns", "del", other.netns)


def test_removal_of_a_host_that_was_never_set_up(machine):
    failed(start_agent(machine, "--remove", "--system-id=h1"), "chassis h1 cannot be removed", "ovn-remote")


# ---- heddle host ----

@pytest.mark.parametrize("option, value", [
    ("system-id", "a/b"), ("system-id", "y" * 300), ("chassis", "../x"), ("ovn-remote", "garbage"),
    ("nb-remote", "tcp:192.0.2.1"), ("encap-ip", "192.0.2.400"), ("encap-type", "stt"),
    ("system-id", os.fsdecode(b"h\xff"))])
def test_settings_that_make_no_sense(machine, option, value):
    done = start_agent(machine, f"--{option}={value}")
    one_line(done, "heddle host: ", f"--{option}", *([value[:64]] if value.isprintable() else ["UTF-8"]))
    assert os.listdir(machine.dir) == []


def test_a_run_directory_that_cannot_be_written(machine, small_disk):
    run("mount", "-o", "remount,ro", small_disk)
    for path, why in ((small_disk, "Read-only"), (small_disk / "run", "Read-only"), ("/dev/null", "Not a directory")):
        one_line(start_agent(machine, f"--state-dir={machine.dir}/db", f"--run-dir={path}"), str(path), why)


def test_a_kernel_that_refuses_programs(machine):
    """As without BPF: the agent says so, and leaves no device behind."""
    capabilities = "-bpf,-perfmon,-sys_admin"
    bpffs = machine.dir / "run/h1/bpf"
    bpffs.mkdir(parents=True)
    run("mount", "-t", "bpf", "bpf", bpffs)
    try:
        done = start_agent(machine, "--system-id=h1", f"--ovn-remote=unix:{machine.dir}/sb.sock",
                           "--encap-ip=192.0.2.1",
                           prefix=("setpriv", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}"))
    finally:
        run("umount", "-l", bpffs)
    failed(done, "cannot load BPF programs", "not permitted")
    assert "br-int" not in machine.ip("link")


# ---- interfaces ----

def test_plug_what_the_machine_needs(fabric):
    a, b = two_ports(fabric)
    host = a.host
    host.ip("link", "add", "v0", "type", "veth", "peer", "name", "v0p")
    before = host.vsctl("show")
    for device, why in (("lo", "no Ethernet address"), ("und0", "tunnel address"), ("br-int", "bridge itself")):
        one_line(host.heddle("plug", f"--db={host.db}", device, "p", check=False), device, why)
    one_line(host.heddle("unplug", f"--db={host.db}", "br-int", check=False), "br-int", "bridge itself")
    one_line(host.heddle("plug", f"--db={host.db}", "v0", "", check=False), "name is empty")
    assert host.vsctl("show") == before
    assert a.ping(b, 3) == 3


# ---- heddle central ----

def central_words(machine, *more):
    return [HEDDLE, "central", f"--state-dir={machine.dir}/state", f"--run-dir={machine.dir}/run",
            f"--nb-socket={machine.dir}/nb.sock", f"--sb-socket={machine.dir}/sb.sock", *more]


def start_central(machine, *more, prefix=()):
    """A heddle central that is expected to end by itself."""
    return machine.run(*prefix, *central_words(machine, *more), check=False, timeout=20)


def failed_at_once(done, *words):
    one_line(done, "heddle central: ", *words)
    assert done.returncode == 1 and done.stdout.count("northbound database") <= 1, done.stdout


def test_an_address_that_nobody_can_listen_at(machine):
    remote = "ptcp:6641:192.0.2.1"
    failed_at_once(start_central(machine, f"--nb-listen={remote}"), "northbound database", remote, "annot assign")


def test_a_port_that_is_in_use(machine):
    with in_netns(machine.netns, socket.socket) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 6641))
        taken.listen()
        failed_at_once(start_central(machine, "--nb-listen=ptcp:6641:127.0.0.1"), "northbound database",
                       "ptcp:6641:127.0.0.1", "in use")


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(1024)):
                pass
        except OSError:
            pass


def test_a_disk_that_is_full_and_no_longer(machine, small_disk):
    fill(small_disk / "ballast")
    failed_at_once(start_central(machine), " database: ", "No space left")
    assert os.listdir(small_disk) == ["ballast"]
    (small_disk / "ballast").unlink()
    central = Process(machine, machine.dir / "central.log", *central_words(machine))
    central.wait_for("central works", lambda: "active" in central.text())
    assert central.stop() == 0


def test_a_disk_that_cannot_be_written(machine, small_disk):
    run("mount", "-o", "remount,ro", small_disk)
    failed_at_once(start_central(machine), "northbound database", f"{small_disk}", "Read-only")


def test_a_file_that_is_no_database(machine):
    (machine.dir / "state").mkdir()
    (machine.dir / "state/ovnnb_db.db").write_text("garbage")
    failed_at_once(start_central(machine), "northbound database", "ovnnb_db.db", "format")
    assert (machine.dir / "state/ovnnb_db.db").read_text() == "garbage"


def test_without_permission(machine):
    (machine.dir / "state").mkdir(mode=0o700)
    machine.dir.chmod(0o755)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with tempfile.TemporaryDirectory() as readable:  # where we are built, perhaps only root may go
        os.chmod(readable, 0o755)
        for schema in (BUILD / "schema").glob("*.ovsschema"):
            shutil.copy(schema, readable)
        failed_at_once(start_central(machine, f"--schema-dir={readable}", prefix=nobody), "Permission denied")
    one_line(machine.run(*nobody, HEDDLE, "host", check=False), "root")
    one_line(machine.run(*nobody, HEDDLE, "lab", "up", check=False), "root")


def test_servers_that_outlive_their_central(machine):
    """They are told to end when it is killed, but get to it only after the next one has found them."""
    central = Process(machine, machine.dir / "central.log", *central_words(machine))
    central.wait_for("central works", lambda: "active" in central.text())
    servers = central.children()
    assert len(servers) == 2
    for pid in servers:
        os.kill(pid, signal.SIGSTOP)
    central.stop(signal.SIGKILL)
    central.start()
    try:
        central.wait_for("the next one connects", lambda: "is used" in central.text())
    finally:
        for pid in servers:
            os.kill(pid, signal.SIGCONT)
    nb = [HEDDLE, "nb", f"--db=unix:{machine.dir}/nb.sock", "--timeout=20"]
    wait_for("they have ended", lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in servers))
    wait_for("there are servers again", lambda: all(answers(machine.dir / name) for name in ("nb.sock", "sb.sock")))
    run(*nb, "--wait=sb", "ls-add", "s0")
    assert central.stop() == 0


def test_a_local_server_that_outlives_its_agent(fabric):
    a, b = two_ports(fabric)
    host = a.host
    servers = host.agent.children()
    assert len(servers) == 1
    os.kill(servers[0], signal.SIGSTOP)
    host.agent.stop(signal.SIGKILL)
    host.agent.start()
    try:
        host.agent.wait_for("the next one connects", lambda: "is used" in host.agent.text())
    finally:
        os.kill(servers[0], signal.SIGCONT)
    wait_for("it has ended", lambda: not pathlib.Path(f"/proc/{servers[0]}").exists())
    wait_for("there is a server again", lambda: answers(host.dir / "db.sock"))
    fabric.sync()
    assert a.ping(b, 3) == 3


# ---- servers ----

class Liar:
    """Says one thing to whoever connects, whatever is asked."""

    def __init__(self, path, text):
        self.text = text
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        peers = []
        while True:
            try:
                peer = self.socket.accept()[0]
                peer.sendall(self.text)
            except BrokenPipeError:
                continue
            except OSError:
                return
            peers.append(peer)  # stays open

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


LIES = {
    "no-json": (b"HTTP/1.1 400 Bad Request\r\n", "begin"),
    "no-object": (b"[1, 2]", "no JSON object"),
    "no-end": (b"[" * 100000, "nested"),
    "no-utf8": (b'{"id": "\xff"}', "decode"),
    "another-answer": (b'{"id": 77, "result": [], "error": null}', "nothing that is of use"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_speaks_nonsense(machine, lie):
    text, why = LIES[lie]
    path = machine.dir / "liar.sock"
    liar = Liar(path, text)
    central = Process(machine, machine.dir / "central.log", HEDDLE, "central", f"--nb=unix:{path}",
                      f"--sb=unix:{path}")
    try:
        one_line(machine.run(HEDDLE, "show", "--timeout=1", f"--sb=unix:{path}", check=False), str(path), why)
        nb = machine.run(HEDDLE, "nb", "--timeout=1", f"--db=unix:{path}", "ls-list", check=False)
        one_line(nb, str(path), why if lie != "another-answer" else "timed out")
        if lie != "another-answer":
            central.wait_for("central says so", lambda: central.text().count(why) >= 2)
        assert central.alive()
    finally:
        assert central.stop() == 0
        liar.close()


def test_a_database_without_a_column(machine):
    schema = json.loads((BUILD / "schema/ovn-nb.ovsschema").read_text())
    del schema["tables"]["Logical_Switch_Port"]["columns"]["addresses"]
    (machine.dir / "old.ovsschema").write_text(json.dumps(schema))
    run("ovsdb-tool", "create", machine.dir / "old.db", machine.dir / "old.ovsschema")
    server = Process(machine, machine.dir / "server.log", "ovsdb-server", f"--remote=punix:{machine.dir}/old.sock",
                     f"--unixctl={machine.dir}/old.ctl", machine.dir / "old.db")
    central = Process(machine, machine.dir / "central.log",
                      *central_words(machine, f"--nb-socket={machine.dir}/old.sock"))
    try:
        central.wait_for("central says so",
                         lambda: "table Logical_Switch_Port lacks column addresses" in central.text())
        assert "active" not in central.text()
    finally:
        assert central.stop() == 0
        server.stop()


def test_a_text_that_is_not_utf8(fabric):
    one_line(fabric.nb("ls-add", "s0", "--", "ls-add", os.fsdecode(b"a\xff"), check=False), "argument 7 is not UTF-8")
    assert fabric.nb("ls-list") == ""
