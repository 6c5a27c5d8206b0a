# SPDX-License-Identifier: Apache-2.0
"""A machine on which commands run as they are written in documents: its own network, processes, /run, /var/lib, /etc,
a systemctl that reads unit files, and Debian's packages with their own units and scripts."""
import os
import shlex
import shutil
import subprocess
import sys

from fabric import HEDDLE, PEERS, ROOT, Namespace, run, wait_for
from mixed import NO_OFFLOADS

# Children of programs that have ended leave no zombies.
INIT = """import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    signal.pause()
"""

# Debian's packages: their unit files, and what their installation enables.
PACKAGES = {
    "openvswitch-switch": (["ovsdb-server", "ovs-vswitchd", "openvswitch-switch", "ovs-record-hostname"],
                           ["openvswitch-switch"]),
    "ovn-host": (["ovn-controller", "ovn-host"], ["ovn-host"]),
    "ovn-central": (["ovn-northd", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "ovn-central"], ["ovn-central"]),
}

# What the installation of openvswitch-switch makes, and what this machine needs: the datapath is userspace's.
PREPARE_SWITCH = r"""ln -sf ../lib/openvswitch-switch/ovs-vswitchd /usr/sbin/ovs-vswitchd
rm -f /usr/sbin/modprobe
printf '#!/bin/sh\n' >/usr/sbin/modprobe
chmod +x /usr/sbin/modprobe
mkdir -p /etc/openvswitch /var/lib/openvswitch
ln -sf /var/lib/openvswitch/conf.db /etc/openvswitch/conf.db
echo 'OVS_CTL_OPTS="--ovs-vswitchd-options=--disable-system"' >/etc/default/openvswitch-switch
"""


MARK = "/var/lib/machine"  # scripts change and remove files: never where this one is not


class Machine(Namespace):
    def __init__(self, bed, name, number, *packages):
        super().__init__(f"{bed.prefix}-{name}")
        self.name, self.bed, self.packages = name, bed, packages
        self.address = f"192.168.33.{number}"
        self.dir = bed.dir / name
        self.units = self.dir / "units"
        self.disk = self.dir / "disk"
        for folder in (self.units, self.disk, self.dir / "bin"):
            folder.mkdir(parents=True)
        self.add_program("systemctl", f'exec {sys.executable} {ROOT}/tests/interop/systemctl.py "$@"')
        self.add_program("heddle", f'exec {HEDDLE} "$@"')
        self.join_underlay()
        self.holder = self.popen("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                                 "--propagation=private", "sh", "-ec", self.mounts(), stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n"
        self.init = int(run("pgrep", "-P", self.holder.pid))
        for unit in (ROOT / "packaging").glob("*.service"):
            shutil.copy(unit, self.units)
        for package in packages:
            for unit in PACKAGES[package][0]:
                shutil.copy(PEERS / "lib/systemd/system" / f"{unit}.service", self.units)

    def mounts(self):
        """The last program stays, and everything in the machine ends with it."""
        lower = {"etc": "/etc"} | ({"usr": f"{PEERS}/usr:/usr"} if self.packages else {})
        disk = self.disk
        return "\n".join([
            f"mount -t tmpfs tmpfs {disk}",
            *(f"mkdir {disk}/{d} {disk}/{d}.work\nmount -t overlay overlay -o "
              f"lowerdir={dirs},upperdir={disk}/{d},workdir={disk}/{d}.work /{d}" for d, dirs in lower.items()),
            *(f"mount -t tmpfs tmpfs {d}" for d in ("/run", "/var/lib", "/var/log")),
            "rm -f /etc/default/heddle", f"touch {MARK}", "echo ready", f"exec {sys.executable} -c {shlex.quote(INIT)}"])

    def add_program(self, name, text):
        path = self.dir / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def join_underlay(self):
        self.bed.ip("link", "add", "name", self.name, "type", "veth", "peer", "name", "und0", "netns", self.netns)
        self.bed.ip("link", "set", "dev", self.name, "addrgenmode", "none", "master", "br", "up")
        self.ip("link", "set", "dev", "und0", "addrgenmode", "none", "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", "und0")
        for feature in NO_OFFLOADS:
            self.run("ethtool", "-K", "und0", feature, "off")

    def sh(self, script, timeout=60):
        """Runs shell commands; what they print."""
        # ovs-vsctl comes with openvswitch-switch, which a machine may have no need of otherwise.
        path = ":".join([f"{self.dir}/bin", os.environ["PATH"], f"{PEERS}/usr/bin"])
        # --root: these tests may run in a chroot, and a mount namespace begins at the real root.
        return run("nsenter", f"--target={self.init}", "--mount", "--pid", "--root", "--wd", f"--net=/run/netns/{self.netns}",
                   "env", f"PATH={path}", f"UNITS={self.units}", "sh", "-euc", f"test -e {MARK}\n{script}",
                   timeout=timeout)

    def wait(self, what, command):
        def works():
            return self.sh(f"{command} >/dev/null 2>&1 && echo yes || :").strip() == "yes"
        wait_for(f"{self.name}: {what}", works)

    def is_active(self, unit):
        return self.sh(f"systemctl is-active {unit} 2>/dev/null && echo yes || :").strip() == "yes"

    def reboot(self):
        """Every process ends, and /run is empty; what is enabled comes back."""
        self.sh("kill -KILL -1 || :")
        self.sh("grep -o '/run/heddle/[^ ]*' /proc/mounts | xargs -r umount; rm -rf /run/*; systemctl boot")

    def log(self):
        return "\n".join(f"--- {self.name}: {path.name}\n{path.read_text(errors='replace')[-2500:]}"
                         for path in sorted(self.units.glob("*.log")))

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    # ---- what a machine with OVN has from its packages ----

    def install(self):
        for package in self.packages:
            for unit in PACKAGES[package][1]:
                self.sh(f"systemctl enable --now {unit}")

    def install_ovn_central(self):
        self.install()
        for db in ("nb", "sb"):
            self.wait(f"{db} database", f"ovn-{db}ctl --timeout=2 init")
        self.sh("ovn-sbctl set-connection ptcp:6642:192.168.33.1")

    def install_ovn_host(self):
        self.sh(f"{PREPARE_SWITCH}\necho {self.name} >/etc/openvswitch/system-id.conf")
        self.install()
        self.sh(f"""ovs-vsctl --timeout=10 add-br br-phy -- set Bridge br-phy datapath_type=netdev fail_mode=standalone \\
	-- add-port br-phy und0
ip addr del {self.address}/24 dev und0
ip addr add {self.address}/24 dev br-phy
ip link set br-phy up
ethtool -K und0 tx off
ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-type=geneve \\
	external_ids:ovn-encap-ip={self.address} external_ids:ovn-remote=tcp:192.168.33.1:6642 \\
	external_ids:ovn-bridge-datapath-type=netdev""")
        self.wait("integration bridge", "ovs-vsctl --timeout=2 br-exists br-int")
