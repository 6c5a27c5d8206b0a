# SPDX-License-Identifier: Apache-2.0
"""A host agent in a network namespace of its own, with the databases it needs."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEDDLE_BUILD", ROOT / "build"))
HEDDLE = os.environ.get("HEDDLE", str(BUILD / "src" / "heddle"))
PEERS = pathlib.Path(os.environ.get("HEDDLE_PEERS", BUILD / "peers"))
DEADLINE_S = 15


def wait_for(condition, what, dump=lambda: ""):
    """Polls until condition() holds; says what was waited for, and the state, when it does not."""
    deadline = time.monotonic() + DEADLINE_S
    tick = subprocess.Popen(["cat"], stdin=subprocess.PIPE)  # waiting on it is the pause between two looks
    try:
        while True:
            result = condition()
            if result:
                return result
            assert time.monotonic() < deadline, f"timed out waiting until {what}\n{dump()}"
            try:
                tick.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                pass
    finally:
        tick.stdin.close()
        tick.wait()


def find_tool(name):
    tool = PEERS / "usr" / "bin" / name
    return str(tool) if tool.exists() else shutil.which(name) or name


class Server:
    """An ovsdb-server on a unix socket."""

    def __init__(self, directory, schema, name):
        self.name = name
        self.remote = f"unix:{directory}/{name}.sock"
        self.argv = ["ovsdb-server", "--no-chdir", f"--remote=p{self.remote}",
                     f"--unixctl={directory}/{name}.ctl", f"--pidfile={directory}/{name}.pid",
                     "-vconsole:off", "-vsyslog:off", "-vfile:off", f"{directory}/{name}.db"]
        path = BUILD / "schema" / schema
        subprocess.run(["ovsdb-tool", "create", f"{directory}/{name}.db", path], check=True)
        self.database = json.loads(path.read_text())["name"]
        self.process = None
        self.start(directory)

    def start(self, directory):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL)
        wait_for(lambda: (pathlib.Path(directory) / f"{self.name}.sock").exists(), f"{self.name} listens")

    def transact(self, *operations):
        out = subprocess.run(["ovsdb-client", "transact", self.remote,
                              json.dumps([self.database, *operations])],
                             check=True, capture_output=True, text=True).stdout
        result = json.loads(out)
        assert not any("error" in part for part in result if part), result
        return result

    def rows(self, table, *where):
        return self.transact({"op": "select", "table": table, "where": list(where)})[0]["rows"]

    def set(self, table, where, **row):
        self.transact({"op": "update", "table": table, "where": where, "row": row})

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


class Host:
    """heddle host, and what is on its machine."""

    count = 0

    def __init__(self, directory, **settings):
        Host.count += 1
        self.netns = f"hh{os.getpid()}-{Host.count}"
        self.dir = directory / self.netns
        self.dir.mkdir()
        self.settings = settings
        self.process = None
        self.db = f"unix:{self.dir}/ovs/db.sock"
        subprocess.run(["ip", "netns", "add", self.netns], check=True)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words, check=True):
        return subprocess.run(self.inside("ip", *words), check=check, capture_output=True, text=True).stdout

    def ip_batch(self, lines):
        subprocess.run(self.inside("ip", "-batch", "-"), input="\n".join(lines), text=True, check=True)

    def is_ipv6_off(self, device):
        return subprocess.run(self.inside("cat", f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6"), check=True,
                              capture_output=True, text=True).stdout.strip() == "1"

    def links(self):
        return {link["ifname"]: link for link in json.loads(self.ip("-d", "-j", "link") or "[]")}

    def inside(self, *words):
        return ["nsenter", f"--net=/run/netns/{self.netns}", *map(str, words)]

    def env(self):
        return {**os.environ, "OVS_RUNDIR": f"{self.dir}/ovs"}

    def argv(self, *more):
        options = [f"--{key.replace('_', '-')}={value}" for key, value in self.settings.items()]
        return self.inside(HEDDLE, "host", f"--state-dir={self.dir}/state", f"--run-dir={self.dir}/run",
                           *options, *more)

    def start(self, *more):
        log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(self.argv(*more), stdout=log, stderr=log, env=self.env())
        return self

    def run(self, *more):
        """heddle host that is expected to end by itself."""
        return subprocess.run(self.argv(*more), capture_output=True, text=True, env=self.env(),
                              timeout=DEADLINE_S)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=10)
        self.process = None

    def log(self):
        return (self.dir / "log").read_text(errors="replace") if (self.dir / "log").exists() else ""

    def wait_log(self, text):
        wait_for(lambda: text in self.log(), f'the log says "{text}"', self.log)

    def heddle(self, *words, check=True):
        done = subprocess.run(self.inside(HEDDLE, *words), capture_output=True, text=True, env=self.env(),
                              timeout=2 * DEADLINE_S)
        assert not check or done.returncode == 0, done.stderr + self.log()
        return done

    def vsctl(self, *words, check=True):
        done = subprocess.run([find_tool("ovs-vsctl"), f"--db={self.db}", f"--timeout={DEADLINE_S}", *words],
                              capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr + self.log()
        return done

    def get(self, table, record, column):
        return self.vsctl("get", table, record, column).stdout.strip().strip('"')

    def wait_get(self, table, record, column, value):
        wait_for(lambda: self.get(table, record, column) == value,
                 f"{table} {record} {column} is {value}",
                 lambda: self.get(table, record, column) + "\n" + self.log())

    def add_veth(self, name, *more):
        self.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}-p", *more)

    def is_consistent(self):
        before = self.log().count("check: ")
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.log().count("check: ") > before, "the check's answer", self.log)
        return self.log().rstrip().rsplit("check: ", 1)[1] == "consistent"

    def close(self):
        if self.process:
            self.stop()
        for bpffs in (self.dir / "run").glob("*/bpf"):
            subprocess.run(["umount", "-l", bpffs], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.netns], check=True)
