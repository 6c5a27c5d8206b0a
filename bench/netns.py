# SPDX-License-Identifier: Apache-2.0
"""Network namespaces for one benchmark peer: made on entry, gone on exit, whatever happened."""
import os
import signal
import subprocess
import tempfile
import time


class Deadline(Exception):
    """A named condition did not come true in time."""


def run(*args, check=True, **kw):
    """Run a command; its standard output, stripped. A failure shows what the command said."""
    done = subprocess.run(args, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(args)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout.strip()


def ip(ns, *words):
    """ip(8) in a namespace; "ip -n" would change the mount namespace too, which a plain chroot refuses."""
    return run("nsenter", f"--net=/run/netns/{ns}", "ip", *words)


def wait_for(what, condition, seconds=20):
    """Poll condition() until it is true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Deadline(f"{what}: not within {seconds} s")
        # A pipe nobody writes to: waits without a timer of our own.
        _PAUSE.wait_ms(20)


class _Pause:
    def __init__(self):
        self.read, self.write = os.pipe()

    def wait_ms(self, ms):
        import select
        select.select([self.read], [], [], ms / 1000)


_PAUSE = _Pause()


class Netns:
    """A set of namespaces, processes in them and a scratch directory, all removed by close()."""

    def __init__(self, prefix):
        self.prefix = f"hb{os.getpid() % 10000}-{prefix}"
        self.names = []
        self.processes = {}  # the namespace of each
        self.dir = tempfile.TemporaryDirectory(prefix=f"heddle-bench-{prefix}-")

    def add(self, name):
        ns = f"{self.prefix}-{name}"
        run("ip", "netns", "add", ns)
        self.names.append(ns)
        ip(ns, "link", "set", "lo", "up")
        return ns

    def veth(self, ns_a, dev_a, ns_b, dev_b):
        run("ip", "link", "add", dev_a, "netns", ns_a, "type", "veth", "peer", "name", dev_b,
            "netns", ns_b)
        for ns, dev in ((ns_a, dev_a), (ns_b, dev_b)):
            ip(ns, "link", "set", dev, "up")

    def address(self, ns, dev, cidr):
        ip(ns, "addr", "add", cidr, "dev", dev)

    def spawn(self, ns, *args, env=None, log=None):
        """Start a process in a network namespace only (ip netns exec would give it other mounts)."""
        out = open(os.path.join(self.dir.name, log or "log"), "ab")
        p = subprocess.Popen(["nsenter", f"--net=/run/netns/{ns}", *args], stdout=out, stderr=out,
                             stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.processes[p] = ns
        return p

    def exec(self, ns, *args, **kw):
        return run("nsenter", f"--net=/run/netns/{ns}", *args, **kw)

    def path(self, *parts):
        path = os.path.join(self.dir.name, *parts)
        os.makedirs(path, exist_ok=True)
        return path

    def logs(self):
        for name in sorted(os.listdir(self.dir.name)):
            path = os.path.join(self.dir.name, name)
            if os.path.isfile(path):
                yield name, open(path, errors="replace").read()[-2000:]

    def close(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in reversed(self.processes):
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        for ns in self.names:
            run("ip", "netns", "del", ns, check=False)
        self.dir.cleanup()


class Peer:
    """Something that carries packets between three workloads: a and c on one host, b on another.

    A subclass builds it in setup()."""

    name = "?"
    mtu = 1442  # what Geneve leaves of 1500; the same for every peer

    def __init__(self):
        self.net = Netns(self.name)
        self.a = self.b = self.c = None

    def __enter__(self):
        try:
            self.setup()
            self.check()
        except BaseException:
            for name, text in self.net.logs():
                print(f"--- {self.name}/{name}\n{text}")
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.net.close()

    def setup(self):
        raise NotImplementedError

    def memory(self):
        """(host, process, resident KiB) of each program that was started, and of its children."""
        for p, ns in self.net.processes.items():
            for pid in family(p.pid):
                yield ns.removeprefix(self.net.prefix + "-"), process_name(pid), resident_kib(pid)

    def check(self):
        """Every pair that will be measured answers a ping."""
        for ip in (self.ip_b, self.ip_c):
            wait_for(f"{self.name}: ping {ip}", lambda: self.net.exec(
                self.a, "ping", "-q", "-c", "1", "-W", "1", ip, check=False).find(" 0% packet loss") >= 0)

    ip_a, ip_b, ip_c = "10.77.0.1", "10.77.0.2", "10.77.0.3"
    mac = {"a": "0a:00:00:00:00:01", "b": "0a:00:00:00:00:02", "c": "0a:00:00:00:00:03"}

    def workload(self, name, host, device):
        """A namespace with eth0, whose other end is device on host."""
        ns = self.net.add(name)
        self.net.veth(host, device, ns, "eth0")
        ip(ns, "link", "set", "eth0", "address", self.mac[name], "mtu", str(self.mtu))
        self.net.address(ns, "eth0", getattr(self, f"ip_{name}") + "/24")
        return ns


def family(pid):
    """A process and all below it."""
    yield pid
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        for child in f.read().split():
            yield from family(int(child))


def process_name(pid):
    """"heddle host", "ovn-northd", "ovsdb-server conf.db": what tells the processes of one host apart."""
    with open(f"/proc/{pid}/cmdline") as f:
        words = f.read().split("\0")
    name = os.path.basename(words[0])
    if name == "heddle":
        return f"{name} {words[1]}"
    return " ".join([name] + [os.path.basename(word) for word in words[1:] if word.endswith(".db")])


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
