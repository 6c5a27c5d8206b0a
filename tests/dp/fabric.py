# SPDX-License-Identifier: Apache-2.0
"""Hosts out of network namespaces, with the dp library driven by the test instead of the agent."""
import contextlib
import ctypes
import fcntl
import ipaddress
import itertools
import os
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time

LOCALPORT, DISABLED = 1, 2  # DP_PORT_*
T_LOCAL, T_REMOTE, T_LOCALPORT, T_DISABLED, T_PEER, T_DOWN = 1, 2, 4, 8, 16, 32  # DP_TARGET_*
FLOOD, UNKNOWN = 32768, 32769
READY, NEIGHBOR, VXLAN = 1, 2, 4
PORT = {0: 6081, VXLAN: 4789}
DEADLINE_S = 10

_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
CLONE_NEWNET = 0x40000000


def sh(*argv, check=True, **kw):
    r = subprocess.run(argv, text=True, capture_output=True, **kw)
    if check and r.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {r.stderr or r.stdout}")
    return r.stdout


def wait_for(what, condition):
    """Polls without resting longer than a scheduling slice; the only way tests here wait."""
    end = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"timed out: {what}")
        select.select([], [], [], 0.01)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip16(text):
    if not text:
        return bytes(16)
    ip = ipaddress.ip_address(text)
    return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed


class Netns:
    def __init__(self, label):
        self.name = f"hdp{os.getpid()}-{next(_serial)}{label}"
        sh("ip", "netns", "add", self.name)
        self.path = f"/run/netns/{self.name}"
        with self.entered(), open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as f:
            f.write("1")
        self.ip("link set lo up")

    def sh(self, *argv, **kw):
        return sh("nsenter", f"--net={self.path}", *argv, **kw)

    def ip(self, *lines):
        """Many lines for one process: under emulation processes are what takes time."""
        sh("nsenter", f"--net=/run/netns/{self.name}", "ip", "-batch", "-",
           input="\n".join(lines))

    def popen(self, *argv, **kw):
        return subprocess.Popen(["nsenter", f"--net={self.path}", *argv], text=True, **kw)

    @contextlib.contextmanager
    def entered(self):
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            if _libc.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            _libc.setns(here, CLONE_NEWNET)
            os.close(here)
            os.close(there)

    def remove(self):
        sh("ip", "netns", "del", self.name, check=False)


class Wire:
    """A raw socket on one device: what others sent there, and a way to send."""

    def __init__(self, ns, device):
        with ns.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
            self.sock.bind((device, 3))
            self.sock.setblocking(False)

    def send(self, frame):
        self.sock.send(bytes(frame))

    def received(self):
        frames = []
        while True:
            try:
                frame, address = self.sock.recvfrom(70000)
            except BlockingIOError:
                return frames
            if address[2] != 4:  # PACKET_OUTGOING
                frames.append(frame)

    def expect(self, n=1):
        frames = []

        def enough():
            frames.extend(self.received())
            return len(frames) >= n

        wait_for(f"{n} frames on the wire", enough)
        assert len(frames) == n, [f.hex() for f in frames]
        return frames[0] if n == 1 else frames

    def close(self):
        self.sock.close()


class Guest:
    def __init__(self, host, name, address, tap=False):
        self.host, self.mac, self.tap = host, address, tap
        self.device = f"v{next(_serial)}"
        self.fd = None
        if tap:
            with host.ns.entered():
                self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(self.fd, 0x400454CA, struct.pack("16sH22x", self.device.encode(), 0x1002))
            host.ns.ip(f"link set {self.device} up")
            self.ns = None
        else:
            self.ns = Netns(name)
            host.ns.ip(f"link add {self.device} mtu 9000 type veth peer name eth0 netns {self.ns.name} "
                       f"address {address} mtu 9000", f"link set {self.device} up")
            self.ns.ip("link set eth0 up")
        self.ifindex = host.ifindex(self.device)
        self.wire = Wire(self.ns, "eth0") if self.ns else TapWire(self.fd)

    def remove(self):
        self.wire.close()
        if self.ns:
            self.ns.remove()


class TapWire(Wire):
    def __init__(self, fd):
        self.fd = fd

    def send(self, frame):
        os.write(self.fd, bytes(frame))

    def received(self):
        frames = []
        while True:
            try:
                frames.append(os.read(self.fd, 70000))
            except BlockingIOError:
                return frames

    def close(self):
        os.close(self.fd)


class Host:
    def __init__(self, ip, clsact=False):
        self.ns, self.ip, self.clsact = Netns("h"), ip, clsact
        self.dir = tempfile.mkdtemp(prefix="hdp-")
        self.bpffs = self.dir + "/bpf"
        self.guests, self.entries, self.tool = [], {}, None
        self.start()

    def start(self):
        self.tool = self.ns.popen(os.environ["DPTOOL"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1)
        self.do("open", self.bpffs, *(["clsact"] if self.clsact else []))

    def stop(self, kill=False):
        if kill:
            self.tool.kill()
        self.tool.stdin.close()
        self.tool.wait()
        self.tool.stdout.close()

    def ask(self, *words):
        self.tool.stdin.write(" ".join(map(str, words)) + "\n")
        self.tool.stdin.flush()
        return self.tool.stdout.readline().strip()

    def do(self, *words):
        answer = self.ask(*words)
        assert answer.startswith("ok"), f"{words}: {answer}"
        return answer[3:]

    def ifindex(self, device):
        with self.ns.entered():
            return socket.if_nametoindex(device)

    def guest(self, name, address, **kw):
        g = Guest(self, name, address, **kw)
        self.guests.append(g)
        return g

    # Entries, by the maps of dp_abi.h.
    def port(self, g, datapath, key, flags=0, local=None):
        self.want("ports", struct.pack("=I", g.ifindex),
                  struct.pack("=IHH16s", datapath, key, flags, ip16(self.ip if local is None else local)))

    def target(self, datapath, key, address, flags, ifindex=0, remote=""):
        value = struct.pack("=HHI16s", key, flags, ifindex, ip16(remote))
        self.want("lports", struct.pack("=II", datapath, key), value)
        self.want("fdb", struct.pack("=I6sH", datapath, mac(address), 0), value)

    def neighbor(self, datapath, ip, address, key):
        self.want("neighbors", struct.pack("=I16s", datapath, ip16(ip)), struct.pack("=6sH", mac(address), key))

    def chain(self, datapath, group, chain, refs):
        """refs: {16 bytes: (ifindex, flags)}"""
        order = sorted(refs)
        for at, follow in zip([bytes(16)] + order, order + [bytes(16)]):
            ifindex, flags = refs.get(at, (0, 0))
            self.want("members", struct.pack("=IHH16s", datapath, group, chain, at),
                      struct.pack("=16sIHH", follow, ifindex, flags, 0))

    def tunnel(self, remote, device, source, destination, mtu=1500, flags=READY | NEIGHBOR, port=None):
        self.want("tunnels", ip16("") + ip16(self.ip), struct.pack("=H38x", flags & VXLAN))
        self.want("tunnels", ip16(remote) + ip16(self.ip),
                  struct.pack("=H", flags) + struct.pack("!H", port or PORT[flags & VXLAN]) +
                  struct.pack("=I16s6s6sI", self.ifindex(device), ip16(remote), mac(source), mac(destination), mtu))

    def want(self, table, key, value):
        self.entries[table, key] = value

    def drop_entry(self, table, key):
        del self.entries[table, key]

    def apply(self):
        self.do("begin")
        for (table, key), value in self.entries.items():
            self.do("want", table, key.hex(), value.hex())
        self.do("end")

    def drops(self):
        """{(datapath, port_key, reason): packets}"""
        found = {}
        for word in self.do("drops").split():
            where, n = word.split("=")
            datapath, key, reason = where.split("/")
            found[int(datapath), int(key), reason] = int(n)
        return found

    def counters(self, g):
        return tuple(map(int, self.do("counters", g.ifindex).split()))

    def remove(self):
        self.stop()
        for g in self.guests:
            g.remove()
        self.ns.sh(os.environ["DPTOOL"], input=f"remove {self.bpffs}\n")
        self.ns.remove()
        shutil.rmtree(self.dir, ignore_errors=True)


class Drops:
    """What is dropped from now on, exactly."""

    def __init__(self, host):
        self.host, self.before = host, host.drops()

    def delta(self):
        return {k: n - self.before.get(k, 0) for k, n in self.host.drops().items() if n != self.before.get(k, 0)}


SWITCH = 5
REMOTE_IP, LOCAL_IP = "192.168.33.20", "192.168.33.10"
M1, M2, LP1, LP2, REM, ELSE, UNB, DIS = (f"00:00:00:aa:bb:{i:02x}" for i in range(0x10, 0x18))
UMAC, PMAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
_arp = bytes.fromhex("0001080006040001")
MARKER = b"\xff" * 6 + mac(M1) + b"\x08\x06" + _arp + mac(M1) + b"\x7f\0\0\1" + bytes(6) + b"\x0a\0\1\2"
MARKER_ANSWER = mac(M1) + b"\x7f\0\0\1"  # the end of the reply: who asked


class Bench:
    """One host with two VIFs, two localports, and everything else a switch can have; the test holds the other end of
    the underlay."""

    def __init__(self, clsact=False, tap=False):
        self.host = h = Host(LOCAL_IP, clsact)
        self.peer = Netns("u")
        h.ns.ip(f"link add und address {UMAC} type veth peer name und netns {self.peer.name} address {PMAC}",
                "link set und up",
                f"addr add {LOCAL_IP}/24 dev und",
                f"neigh add {REMOTE_IP} lladdr {PMAC} dev und")
        self.peer.ip("link set und up")
        self.und = Wire(self.peer, "und")
        self.v1, self.v2 = h.guest("a", M1), h.guest("b", M2, tap=tap)
        self.lp1, self.lp2 = h.guest("c", LP1), h.guest("d", LP2)
        local = [(self.v1, 1, M1, 0), (self.v2, 2, M2, 0), (self.lp1, 3, LP1, LOCALPORT), (self.lp2, 4, LP2, LOCALPORT)]
        members = {}
        for g, key, address, flags in local:
            h.port(g, SWITCH, key, flags)
            extra = (T_LOCALPORT if flags else 0) | (0 if g.tap else T_PEER)
            h.target(SWITCH, key, address, T_LOCAL | extra, g.ifindex)
            members[bytes(14) + struct.pack("!H", key)] = (g.ifindex, T_LOCALPORT if flags else 0)
            h.neighbor(SWITCH, f"10.0.1.{key}", address, key)
            h.neighbor(SWITCH, f"fd00::{key}", address, key)
        h.target(SWITCH, 5, REM, T_REMOTE, remote=REMOTE_IP)
        h.neighbor(SWITCH, "10.0.1.5", REM, 5)
        h.target(SWITCH, 6, ELSE, T_LOCALPORT)
        h.target(SWITCH, 7, UNB, 0)
        h.target(SWITCH, 8, DIS, T_LOCAL | T_DISABLED, self.v2.ifindex)
        h.chain(SWITCH, FLOOD, 0, members)
        h.chain(SWITCH, FLOOD, 1, {ip16(REMOTE_IP): (0, 0)})
        h.tunnel(REMOTE_IP, "und", UMAC, PMAC)
        h.apply()
        for g, *_ in local:
            h.do("attach", "workload", g.ifindex)
        h.do("attach", "underlay", h.ifindex("und"))
        self.wires = {"v1": self.v1.wire, "v2": self.v2.wire, "lp1": self.lp1.wire, "lp2": self.lp2.wire,
                      "und": self.und}
        self.quiet()

    def quiet(self):
        for w in self.wires.values():
            w.received()

    def heard(self):
        """What each wire has got by now.  Frames in flight wait in this CPU's backlog (the test is bound to one CPU),
        in order: when the answer to a question asked last has come, everything before it has arrived."""
        frames = {name: [] for name in self.wires}
        self.v1.wire.send(MARKER)

        def settled():
            for name, wire in self.wires.items():
                frames[name] += wire.received()
            return any(MARKER_ANSWER in f for f in frames["v1"])

        wait_for("the marker's answer", settled)
        frames["v1"] = [f for f in frames["v1"] if MARKER_ANSWER not in f]
        return {name: got for name, got in frames.items() if got}

    def case(self, wire, frame):
        """Sends one frame.  Returns who heard what, and the drops as {reason: packets}."""
        drops = Drops(self.host)
        wire.send(frame)
        heard = self.heard()
        return heard, {reason: n for (_, _, reason), n in drops.delta().items()}

    def case_without_tool(self, wire, frame):
        wire.send(frame)
        return self.heard()

    def remove(self):
        self.und.close()
        self.host.remove()
        self.peer.remove()
