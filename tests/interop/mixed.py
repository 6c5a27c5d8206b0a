# SPDX-License-Identifier: Apache-2.0
"""Hosts of stock OVN and of Heddle on one underlay, with the real ovn-northd or heddle central."""
import shutil

from fabric import HEDDLE, PEERS, Fabric, Host, Process, Workload, answers, run, wait_for

# A veth hands a userspace switch packets of 64 KiB with open checksums; it can take neither.
NO_OFFLOADS = ("tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation", "tx-checksum-ip-generic")
SCHEMAS = {"nb": ("ovn-nb.ovsschema", "ovnnb_db.sock"), "sb": ("ovn-sb.ovsschema", "ovnsb_db.sock")}


def tool(name):
    for folder in ("usr/bin", "usr/sbin", "usr/lib/openvswitch-switch"):
        if (PEERS / folder / name).exists():
            return str(PEERS / folder / name)
    found = shutil.which(name)
    assert found, f"{name} is neither in {PEERS} nor installed; ./run check fetches it"
    return found


def schema(name):
    for folder in ("usr/share/ovn", "usr/share/openvswitch"):
        if (PEERS / folder / name).exists():
            return str(PEERS / folder / name)
    return f"/usr/share/openvswitch/{name}"


def closing(fabric, request):
    """A fixture's body: central, the test, what every test ends with, and away with it all."""
    try:
        fabric.start_central()
        yield fabric
        report = getattr(request.node, "report_call", None)
        if report and report.passed:
            fabric.check()
            report = None
        if report:
            dump(fabric)
    except AssertionError:
        dump(fabric)
        raise
    finally:
        fabric.close()


def dump(fabric):
    for name, text in fabric.state():
        print(f"--- {name}\n{text}")


def reach(a, b):
    """A userspace switch drops what it sends first to a tunnel's far end: it asks for its MAC meanwhile."""
    wait_for(f"{a.name} reaches {b.name}", lambda: a.ping(b, 1, 1) and b.ping(a, 1, 1), 30)


class Server(Process):
    """An ovsdb-server on a unix socket."""

    def __init__(self, namespace, directory, name, schema_file, socket):
        file = directory / f"{name}.db"
        run("ovsdb-tool", "create", file, schema(schema_file))
        super().__init__(namespace, directory / f"{name}.log", "ovsdb-server", file,
                         f"--remote=punix:{directory / socket}", "--no-chdir",
                         f"--unixctl={directory}/{name}.ctl", "-vconsole:warn")
        self.wait_for(f"{name} database", lambda: answers(directory / socket))


class OvnHost(Host):
    """Stock ovn-controller and ovs-vswitchd, with the userspace datapath."""

    def start_agent(self):
        self.env = {"OVS_RUNDIR": str(self.dir), "OVN_RUNDIR": str(self.dir)}
        self.server = Server(self, self.dir, "vswitch", "vswitch.ovsschema", "db.sock")
        self.vsctl("--no-wait", "init")
        self.switch = Process(self, self.dir / "vswitchd.log", tool("ovs-vswitchd"), self.db,
                              "--disable-system", f"--unixctl={self.dir}/vswitchd.ctl", "-vconsole:warn",
                              env=self.env)
        self.take_underlay()
        self.vsctl("set", "Open_vSwitch", ".", f"external_ids:system-id={self.name}",
                   f"external_ids:hostname={self.name}.example",
                   f"external_ids:ovn-remote={self.fabric.sb_remote}",
                   f"external_ids:ovn-encap-type={self.fabric.encap_types.get(self.name, 'geneve')}",
                   f"external_ids:ovn-encap-ip={self.underlay_ip}",
                   "external_ids:ovn-bridge-datapath-type=netdev")
        self.start_controller()
        self.agent.wait_for(f"{self.name}: integration bridge",
                            lambda: "br-int" in self.vsctl("list-br"))

    def take_underlay(self):
        """A userspace tunnel leaves by the bridge that has its address; the device is below it."""
        self.vsctl("add-br", "br-phy", "--", "set", "Bridge", "br-phy", "datapath_type=netdev",
                   "fail_mode=standalone", "--", "add-port", "br-phy", "und0")
        self.ip("addr", "del", f"{self.underlay_ip}/24", "dev", "und0")
        self.ip("addr", "add", f"{self.underlay_ip}/24", "dev", "br-phy")
        self.ip("link", "set", "dev", "br-phy", "addrgenmode", "none", "up")
        self.run("ethtool", "-K", "und0", "tx", "off")

    def start_controller(self):
        self.agent = Process(self, self.dir / "controller.log", tool("ovn-controller"), self.db,
                             "-vconsole:info", env=self.env)

    def appctl(self, *words):
        return run(tool("ovn-appctl"), "-t", f"{self.dir}/ovn-controller.{self.agent.pid}.ctl", *words,
                   env=self.env)

    def attach(self, w):
        """The device may have come back from another namespace: its settings are made anew."""
        w.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off")
        self.vsctl("add-port", "br-int", w.device, "--", "set", "Interface", w.device,
                   f"external_ids:iface-id={w.port}")

    def plug(self, name, port, mac, ip=None, **kw):
        w = Workload(self.fabric, self, name, port, mac, ip, **kw)
        self.fabric.workloads.append(w)
        self.attach(w)
        return w

    def unplug(self, w):
        self.vsctl("del-port", "br-int", w.device)

    def drops(self):
        return {}

    def check_consistent(self):
        assert self.switch.alive(), f"{self.name}: ovs-vswitchd has ended"


class HeddleHost(Host):
    """Beside stock: the northbound address comes from the databases, as it would on users' hosts."""

    def start_agent(self):
        for feature in NO_OFFLOADS:
            self.run("ethtool", "-K", "und0", feature, "off")
        self.launch(f"--ovn-remote={self.fabric.sb_remote}", f"--encap-ip={self.underlay_ip}",
                    f"--encap-type={self.fabric.encap_types.get(self.name, 'geneve')}")

    def launch(self, *options):
        self.agent = Process(self, self.dir / "host.log", HEDDLE, "host", f"--state-dir={self.dir}",
                             f"--run-dir={self.dir}/run", f"--system-id={self.name}", *options, env=self.env)
        self.agent.wait_for(f"{self.name}: Open_vSwitch database", lambda: answers(self.dir / "db.sock"))
        self.agent.wait_for(f"{self.name}: integration bridge",
                            lambda: "br-int" in self.vsctl("list-br"))

    def attach(self, w):
        self.vsctl("add-port", "br-int", w.device, "--", "set", "Interface", w.device,
                   f"external_ids:iface-id={w.port}")


class Mixed(Fabric):
    """The databases are ovsdb-servers, central is ovn-northd."""

    def __init__(self, encap_types=None):
        super().__init__()
        self.encap_types = encap_types or {}  # by host; geneve where nothing is said

    def start_central(self):
        self.servers = [Server(self.underlay, self.dir, name, *SCHEMAS[name]) for name in SCHEMAS]
        run(tool("ovn-nbctl"), f"--db={self.nb_remote}", "init")
        run(tool("ovn-sbctl"), f"--db={self.sb_remote}", "init")
        self.northd = Process(self.underlay, self.dir / "northd.log", tool("ovn-northd"),
                              f"--ovnnb-db={self.nb_remote}", f"--ovnsb-db={self.sb_remote}",
                              f"--unixctl={self.dir}/northd.ctl", "-vconsole:info",
                              env={"OVN_RUNDIR": str(self.dir), "OVS_RUNDIR": str(self.dir)})
        self.central = self.northd
        self.nbctl("--wait=sb", "sync")

    def start_heddle_central(self):
        """Beside ovn-northd: whoever has the lock is active."""
        self.heddle_central = Process(self.underlay, self.dir / "central.log", HEDDLE, "central",
                                      f"--nb={self.nb_remote}", f"--sb={self.sb_remote}")
        return self.heddle_central

    def add(self, name, kind):
        self.hosts[name] = kind(self, name, len(self.hosts) + 1)
        self.hosts[name].start_agent()
        return self.hosts[name]

    def ovn_host(self, name):
        return self.hosts.get(name) or self.add(name, OvnHost)

    def host(self, name):
        return self.hosts.get(name) or self.add(name, HeddleHost)

    def nb(self, *args, check=True):
        return self.nbctl(*args, check=check)

    def up(self, port):
        return self.nbctl("get", "Logical_Switch_Port", port, "up").strip() == "true"

    def wait_up(self, *ports):
        for port in ports:
            wait_for(f"{port} is up", lambda: self.up(port))

    def state(self):
        yield "sbctl show", self.sbctl("show", check=False).stdout
        for host in self.hosts.values():
            yield f"{host.name}: log", host.agent.text()[-3000:]
            if isinstance(host, OvnHost):
                yield f"{host.name}: vswitchd", host.switch.text()[-2000:]
                yield f"{host.name}: vsctl show", host.vsctl("show", check=False).stdout
            else:
                yield f"{host.name}: drops", host.heddle(
                    "drops", f"--run-dir={host.dir}/run", f"--db={host.db}", check=False).stdout

    def close(self):
        more = [p for h in self.hosts.values() if isinstance(h, OvnHost)
                for p in (getattr(h, "switch", None), getattr(h, "server", None))]
        more += [getattr(self, "northd", None), getattr(self, "heddle_central", None)]
        try:
            for process in [h.agent for h in self.hosts.values()] + more + getattr(self, "servers", []):
                if process and process.alive():
                    process.stop()
        finally:
            super().close()
