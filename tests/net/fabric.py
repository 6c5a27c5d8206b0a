# SPDX-License-Identifier: Apache-2.0
"""Hosts, an underlay and workloads out of network namespaces, with the real programs on them.

Everything has a name of its own, so that tests run beside each other; close() removes it all. Nothing
sleeps: wait_for() polls a named condition until its deadline."""
import ctypes
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from sniff import Sniffer

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEDDLE_BUILD", ROOT / "build"))
HEDDLE = os.environ.get("HEDDLE", str(BUILD / "src" / "heddle"))
PEERS = pathlib.Path(os.environ.get("HEDDLE_PEERS", BUILD / "peers"))
OVERHEAD = 58  # of Geneve with OVN's option over IPv4

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class Failed(Exception):
    """A command failed; the text is what it said."""


def run(*args, check=True, env=None, input=None, timeout=120):
    done = subprocess.run([str(a) for a in args], text=True, stdout=subprocess.PIPE, input=input,
                          stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
                          timeout=timeout)
    if check and done.returncode:
        raise Failed(f"{' '.join(map(str, args))}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout if check else done


def wait_for(what, condition, seconds=60):
    """The value of condition() as soon as it is true; AssertionError naming what did not come."""
    end = time.monotonic() + seconds
    tick = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        tick.wait(0.02)


def answers(path):
    """True if a server listens on a unix socket."""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0


def in_netns(netns, fn, *args):
    """fn(*args) with this thread in a network namespace; sockets made there stay there."""
    with open("/proc/thread-self/ns/net") as back, open(f"/run/netns/{netns}") as there:
        if _libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {netns}")
        try:
            return fn(*args)
        finally:
            _libc.setns(back.fileno(), _CLONE_NEWNET)


class Namespace:
    """A network namespace and what is run in it."""

    def __init__(self, name):
        self.netns = name
        run("ip", "netns", "add", name)
        self.ip("link", "set", "dev", "lo", "up")

    def ip(self, *args, check=True):
        return self.run("ip", *args, check=check)

    def command(self, *args):
        return ["nsenter", f"--net=/run/netns/{self.netns}", *[str(a) for a in args]]

    def run(self, *args, **kw):
        return run(*self.command(*args), **kw)

    def popen(self, *args, **kw):
        return subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, **kw)

    def sniff(self, device="eth0"):
        return in_netns(self.netns, Sniffer, device)

    def sysctl(self, key, value):
        path = "/proc/sys/net/" + key.replace(".", "/")
        in_netns(self.netns, lambda: pathlib.Path(path).write_text(str(value)))


class Workload(Namespace):
    """A namespace with eth0; its other end is self.device on a host."""

    def __init__(self, fabric, host, name, port, mac, ip=None, mtu=1500 - OVERHEAD, ip6=None):
        super().__init__(f"{fabric.prefix}-{host.name}-{name}")
        self.fabric, self.host, self.name, self.port = fabric, host, name, port
        self.device, self.mac, self.address, self.address6 = name, mac, ip, ip6
        self.sysctl("ipv6.conf.all.accept_dad", 0)
        self.sysctl("ipv6.conf.default.accept_dad", 0)
        self.make_device(mtu)

    def make_device(self, mtu=1500 - OVERHEAD, index=None):
        self.host.ip("link", "add", "name", self.device, *(["index", index] if index else []), "type", "veth", "peer", "name", "eth0",
                     "address", self.mac, "netns", self.netns)
        self.host.ip("link", "set", "dev", self.device, "addrgenmode", "none", "up")
        self.configure(mtu)

    def configure(self, mtu):
        """No address of the kernel's own choice: its packets would be between those we look at."""
        self.ip("link", "set", "dev", "eth0", "addrgenmode", "none", "mtu", str(mtu), "up")
        if self.address:
            self.ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        if self.address6:
            self.ip("addr", "add", f"{self.address6}/64", "dev", "eth0", "nodad")

    def ping(self, target, count=1, seconds=2, interval=0.2, size=None, *more):
        """How many of count pings were answered."""
        address = target if isinstance(target, str) else target.address
        size = ["-s", str(size)] if size is not None else []
        done = self.run("ping", "-n", "-q", "-c", str(count), "-i", str(interval), "-W",
                        str(seconds), *size, *more, address, check=False)
        found = re.search(r"(\d+) received", done.stdout)
        assert found, done.stdout
        if found[1] == "0":  # the kernel may be about to give up on the address, with the next ping's packets
            self.ip("neigh", "flush", "dev", "eth0")
        return int(found[1])


class Process:
    """A program in the background, its output in a file."""

    def __init__(self, namespace, log, *args, env=None):
        self.log = pathlib.Path(log)
        self.namespace, self.args, self.env = namespace, args, env
        self.child, self.left_behind, self.begin = None, [], 0
        self.start()

    def start(self):
        with open(self.log, "ab") as out:
            self.begin = out.tell()
            self.child = self.namespace.popen(*self.args, stdout=out, stderr=out,
                                              env={**os.environ, **(self.env or {})})

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def children(self):
        """The pids of the programs it has started."""
        try:
            text = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:  # it has ended just now
            return []
        return [int(pid) for pid in text.split()]

    def stop(self, sig=signal.SIGTERM):
        if self.alive():
            self.left_behind = self.children()
            self.child.send_signal(sig)
        try:
            return self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.args[1]} does not end on signal {sig}") from None

    def wait_for(self, what, condition):
        """As wait_for(), but a program that has ended is reported at once."""
        def ready():
            assert self.alive(), f"{what}: the program has ended: {self.text()[-1000:]}"
            return condition()
        return wait_for(what, ready)

    def wait_for_servers(self, *sockets):
        """Until its servers answer: those that it has, not those that die with the process before it."""
        self.wait_for("the old servers have ended",
                      lambda: not any(os.path.exists(f"/proc/{pid}") for pid in self.left_behind))
        for path in sockets:
            self.wait_for(f"{path} answers", lambda: answers(path))

    def text(self):
        """All it has ever said."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def text_since_start(self):
        return self.log.read_bytes()[self.begin:].decode(errors="replace")


class Host(Namespace):
    """A chassis: a namespace on the underlay with an agent and an Open_vSwitch database."""

    def __init__(self, fabric, name, number):
        super().__init__(f"{fabric.prefix}-{name}")
        self.fabric, self.name = fabric, name
        self.underlay_ip = f"192.168.50.{number}"
        self.dir = fabric.dir / name
        self.dir.mkdir()
        self.db = f"unix:{self.dir}/db.sock"
        self.env = {"OVS_RUNDIR": str(self.dir), "HEDDLE_RUNDIR": f"{self.dir}/run"}
        self.agent = None
        fabric.underlay.ip("link", "add", "name", name, "type", "veth", "peer", "name", "und0", "netns",
                           self.netns)
        fabric.underlay.ip("link", "set", "dev", name, "addrgenmode", "none", "master", "br", "up")
        self.ip("link", "set", "dev", "und0", "addrgenmode", "none", "up")
        self.ip("addr", "add", f"{self.underlay_ip}/24", "dev", "und0")

    def start_agent(self, *more):
        if self.agent:
            self.agent.start()
        else:
            self.agent = Process(
                self, self.dir / "host.log", HEDDLE, "host",
                f"--state-dir={self.dir}", f"--run-dir={self.dir}/run", f"--system-id={self.name}",
                f"--ovn-remote={self.fabric.sb_remote}", f"--nb-remote={self.fabric.nb_remote}",
                f"--encap-ip={self.underlay_ip}", *more, env=self.env)
        self.agent.wait_for_servers(self.dir / "db.sock")
        self.agent.wait_for(f"{self.name}: integration bridge",
                            lambda: "br-int" in self.vsctl("list-br"))

    def heddle(self, *args, check=True):
        return self.run(HEDDLE, *args, env={**self.fabric.env, **self.env}, check=check)

    def vsctl(self, *args, check=True):
        return run(PEERS / "usr/bin/ovs-vsctl", f"--db={self.db}", "--timeout=60", *args,
                   check=check)

    def interface(self, device, column):
        """A column of an Interface row, as ovs-vsctl prints it."""
        return self.vsctl("get", "Interface", device, column).strip().strip('"')

    def plug(self, name, port, mac, ip=None, **kw):
        """A new workload on this host, plugged into a logical port."""
        w = Workload(self.fabric, self, name, port, mac, ip, **kw)
        self.fabric.workloads.append(w)
        self.heddle("plug", f"--db={self.db}", w.device, port)
        return w

    def unplug(self, w):
        self.heddle("unplug", f"--db={self.db}", w.device)

    def drops(self):
        """{reason: packets} of this host."""
        rows = json.loads(self.heddle("drops", "--format=json", f"--run-dir={self.dir}/run",
                                      f"--db={self.db}"))
        count = {}
        for row in rows:
            name = row["reason"].upper()
            count[name] = count.get(name, 0) + row["packets"]
        return count

    def check_consistent(self):
        """The agent's incremental state equals one computed from scratch."""
        self.agent.wait_for(f"{self.name}: a datapath to compare with",
                            lambda: "the datapath holds" in self.agent.text_since_start())
        results = re.findall(r"check: (.*)", self.agent.text())
        self.agent.child.send_signal(signal.SIGUSR1)
        self.agent.wait_for(f"{self.name}: result of the check",
                            lambda: len(re.findall(r"check: (.*)", self.agent.text())) > len(results))
        result = re.findall(r"check: (.*)", self.agent.text())[-1]
        assert result == "consistent", f"{self.name}: {result}"


class Fabric:
    """An underlay, central, and any number of hosts."""

    def __init__(self):
        self.prefix = "ht" + secrets.token_hex(3)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=self.prefix))
        self.hosts, self.workloads, self.expected_drops = {}, [], set()
        self.nb_remote = f"unix:{self.dir}/ovnnb_db.sock"
        self.sb_remote = f"unix:{self.dir}/ovnsb_db.sock"
        self.env = {"OVN_NB_DB": self.nb_remote, "OVN_SB_DB": self.sb_remote}
        self.underlay = Namespace(f"{self.prefix}-und")
        self.underlay.ip("link", "add", "name", "br", "type", "bridge", "mcast_snooping", "0")
        self.underlay.ip("link", "set", "dev", "br", "addrgenmode", "none", "up")
        self.central = None

    def start_central(self):
        if self.central:
            self.central.start()
        else:
            self.central = Process(self.underlay, self.dir / "central.log", HEDDLE, "central",
                                   f"--state-dir={self.dir}", f"--run-dir={self.dir}",
                                   f"--nb-socket={self.dir}/ovnnb_db.sock",
                                   f"--sb-socket={self.dir}/ovnsb_db.sock")
        self.central.wait_for_servers(self.dir / "ovnnb_db.sock", self.dir / "ovnsb_db.sock")

    def host(self, name):
        if name not in self.hosts:
            self.hosts[name] = Host(self, name, len(self.hosts) + 1)
            self.hosts[name].start_agent()
        return self.hosts[name]

    def nb(self, *args, check=True):
        return run(HEDDLE, "nb", f"--db={self.nb_remote}", "--timeout=60", *args, check=check)

    def nbctl(self, *args, check=True):
        return run(PEERS / "usr/bin/ovn-nbctl", f"--db={self.nb_remote}", "--timeout=60", *args,
                   check=check)

    def sbctl(self, *args, check=True):
        return run(PEERS / "usr/bin/ovn-sbctl", f"--db={self.sb_remote}", "--timeout=60", *args,
                   check=check)

    def sync(self):
        """Until every host has what the northbound database says now."""
        self.nb("--wait=hv", "sync")

    def switch(self, name, *ports):
        """ports: (name, "MAC IP...") or (name, addresses, type)"""
        words = ["ls-add", name]
        for port, addresses, *kind in ports:
            words += ["--", "lsp-add", name, port]
            words += ["--", "lsp-set-addresses", port, *([addresses] if isinstance(addresses, str)
                                                         else addresses)]
            if kind:
                words += ["--", "lsp-set-type", port, kind[0]]
        self.nb("--wait=sb", *words)

    def sniff_underlay(self):
        """What travels between hosts: one sniffer on all ports of the underlay."""
        return in_netns(self.underlay.netns, Sniffer, None)

    def binding(self, port, column):
        return self.sbctl("--bare", f"--columns={column}", "find", "Port_Binding",
                          f"logical_port={port}").strip()

    def chassis_of(self, port):
        uuid = self.binding(port, "chassis")
        return self.sbctl("--bare", "--columns=name", "list", "Chassis", uuid).strip() if uuid else ""

    def check(self):
        """At the end of every test."""
        assert self.central.alive(), "central has ended"
        for host in self.hosts.values():
            assert host.agent.alive(), f"{host.name}: the agent has ended"
            host.check_consistent()
            stray = set(host.drops()) - self.expected_drops
            assert not stray, f"{host.name}: drops that nobody expects: {host.drops()}"

    def state(self):
        """For whoever looks for the reason of a failure."""
        yield "show", run(HEDDLE, "show", f"--sb={self.sb_remote}", check=False).stdout
        if self.central:
            yield "central.log", self.central.text()[-4000:]
        for host in self.hosts.values():
            if host.agent:
                yield f"{host.name}: log", host.agent.text()[-4000:]
            yield f"{host.name}: drops", host.heddle(
                "drops", f"--run-dir={host.dir}/run", f"--db={host.db}", check=False).stdout

    def close(self):
        processes = [h.agent for h in self.hosts.values()] + [self.central]
        for process in processes:
            if process and process.alive():
                process.stop()
        for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{self.dir}/"):
                run("umount", "-l", line.split()[1], check=False)
        for netns in os.listdir("/run/netns"):
            if netns.startswith(self.prefix):
                run("ip", "netns", "del", netns, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
