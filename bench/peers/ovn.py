# SPDX-License-Identifier: Apache-2.0
"""OVN 23.03 with Open vSwitch 3.1's userspace datapath, from Debian's packages, extracted below
HEDDLE_PEERS. (The kernel datapath needs openvswitch.ko, which not every machine has.)"""
import os

from netns import Peer, ip, run, wait_for

ROOT = os.environ.get("HEDDLE_PEERS", os.path.join(os.path.dirname(__file__), "../../build/peers"))


def tool(name):
    for folder in ("usr/bin", "usr/sbin", "usr/lib/openvswitch-switch"):
        path = os.path.join(ROOT, folder, name)
        if os.path.exists(path):
            return path
    return name


def schema(name):
    for folder in ("usr/share/ovn", "usr/share/openvswitch"):
        for root in (ROOT, "/"):
            path = os.path.join(root, folder, name)
            if os.path.exists(path):
                return path
    raise FileNotFoundError(f"{name}: not below {ROOT} nor /usr/share; ./run bench fetches it")


class Ovn(Peer):
    name = "ovn"
    title = "OVN 23.03, userspace OVS 3.1"

    def database(self, ns, directory, name, schema_file, socket):
        db = os.path.join(directory, name + ".db")
        run("ovsdb-tool", "create", db, schema(schema_file))
        self.net.spawn(ns, "ovsdb-server", db, f"--remote=punix:{socket}",
                       f"--unixctl={directory}/{name}.ctl", "--no-chdir", log=name + ".log")
        wait_for(socket, lambda: os.path.exists(socket))

    def setup(self):
        net = self.net
        hosts = [net.add("h1"), net.add("h2")]
        net.veth(hosts[0], "und0", hosts[1], "und0")
        central = net.path("central")
        self.nb, sb = f"unix:{central}/nb.sock", f"unix:{central}/sb.sock"
        self.database(hosts[0], central, "nb", "ovn-nb.ovsschema", f"{central}/nb.sock")
        self.database(hosts[0], central, "sb", "ovn-sb.ovsschema", f"{central}/sb.sock")
        env = {"OVN_RUNDIR": central, "OVS_RUNDIR": central}
        net.spawn(hosts[0], tool("ovn-northd"), f"--ovnnb-db={self.nb}", f"--ovnsb-db={sb}",
                  f"--unixctl={central}/northd.ctl", env=env, log="northd.log")
        for i, host in enumerate(hosts):
            self.host(i, host, sb)
        self.a = self.plug("a", 0, hosts[0], "va")
        self.c = self.plug("c", 0, hosts[0], "vc")
        self.b = self.plug("b", 1, hosts[1], "vb")
        nbctl = [tool("ovn-nbctl"), f"--db={self.nb}", "--wait=hv", "--timeout=30"]
        words = ["ls-add", "s"]
        for name in "abc":
            ip = getattr(self, f"ip_{name}")
            words += ["--", "lsp-add", "s", name, "--", "lsp-set-addresses", name,
                      f"{self.mac[name]} {ip}"]
        run(*nbctl, *words)
        run(*nbctl[:-2], "--timeout=30", "wait-until", "Logical_Switch_Port", "a", "up=true", "--",
            "wait-until", "Logical_Switch_Port", "b", "up=true", "--",
            "wait-until", "Logical_Switch_Port", "c", "up=true")

    def host(self, i, ns, sb):
        net = self.net
        folder = net.path(f"host{i}")
        env = {"OVS_RUNDIR": folder, "OVN_RUNDIR": folder}
        self.database(ns, folder, f"vswitch{i}", "vswitch.ovsschema", f"{folder}/db.sock")
        vsctl = self.vsctl(i)
        run(*vsctl, "--no-wait", "init")
        net.spawn(ns, tool("ovs-vswitchd"), f"unix:{folder}/db.sock", "--disable-system",
                  f"--unixctl={folder}/vswitchd.ctl", env=env, log=f"vswitchd{i}.log")
        # A userspace tunnel leaves by the bridge that has its address; the device hangs below it.
        run(*vsctl, "--", "add-br", "br-phy", "--", "set", "bridge", "br-phy",
            "datapath_type=netdev", "fail_mode=standalone", "--", "add-port", "br-phy", "und0")
        ip(ns, "addr", "add", f"192.168.77.{i + 1}/24", "dev", "br-phy")
        ip(ns, "link", "set", "br-phy", "up")
        run(*vsctl, "set", "open_vswitch", ".", f"external_ids:system-id=h{i + 1}",
            f"external_ids:ovn-remote={sb}", "external_ids:ovn-encap-type=geneve",
            f"external_ids:ovn-encap-ip=192.168.77.{i + 1}",
            "external_ids:ovn-bridge-datapath-type=netdev")
        net.spawn(ns, tool("ovn-controller"), f"unix:{folder}/db.sock", env=env,
                  log=f"controller{i}.log")

    def vsctl(self, i):
        return [tool("ovs-vsctl"), f"--db=unix:{self.net.path(f'host{i}')}/db.sock", "--timeout=20"]

    def plug(self, name, i, host, device):
        ns = self.workload(name, host, device)
        # The userspace datapath takes no unsegmented packets with open checksums.
        self.net.exec(ns, "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off")
        run(*self.vsctl(i), "--may-exist", "add-br", "br-int", "--", "set", "bridge", "br-int",
            "datapath_type=netdev", "fail_mode=secure", "--", "add-port", "br-int", device, "--",
            "set", "interface", device, f"external_ids:iface-id={name}")
        return ns
