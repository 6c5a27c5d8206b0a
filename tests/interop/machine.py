# SPDX-License-Identifier: Apache-2.0
"""A machine on which commands run as they are written in documents: its own network, processes, /run, /var/lib and
/etc/default, and a systemctl that knows a few units."""
import os
import shlex
import subprocess
import sys

from fabric import HEDDLE, PEERS, ROOT, Namespace, run, wait_for
from mixed import NO_OFFLOADS, schema

# Children of programs that have ended leave no zombies.
INIT = """import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    signal.pause()
"""

SYSTEMCTL = r"""#!/bin/sh
# systemctl {start|stop|enable --now|disable --now} UNIT
set -eu
case $1 in
enable) verb=start; shift ;;
disable) verb=stop; shift ;;
*) verb=$1 ;;
esac
shift
unit=$1
[ -e "$UNITS/$unit" ] || { echo "Unit $unit.service not found." >&2; exit 5; }
case $verb in
start) setsid sh "$UNITS/$unit" </dev/null >>"$UNITS/$unit.log" 2>&1 & echo $! >"$UNITS/$unit.pid" ;;
stop)
	pid=$(cat "$UNITS/$unit.pid")
	if [ -e "$UNITS/$unit.stop" ]; then sh "$UNITS/$unit.stop" || :; else kill "$pid"; fi
	tail -f --pid="$pid" /dev/null ;;
esac
"""


class Machine(Namespace):
    def __init__(self, bed, name, number):
        super().__init__(f"{bed.prefix}-{name}")
        self.name, self.bed = name, bed
        self.address = f"192.168.33.{number}"
        self.dir = bed.dir / name
        self.units = self.dir / "units"
        self.units.mkdir(parents=True)
        (self.dir / "bin").mkdir()
        self.add_program("systemctl", SYSTEMCTL)
        self.add_program("heddle", f'#!/bin/sh\nexec {HEDDLE} "$@"\n')
        self.join_underlay()
        self.holder = self.popen("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                                 "--propagation=private", "sh", "-ec", self.mounts(), stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n"
        self.init = int(run("pgrep", "-P", self.holder.pid))
        self.add_unit("heddle-host", self.unit_of("heddle-host"))
        self.add_unit("heddle-central", self.unit_of("heddle-central"))

    @staticmethod
    def mounts():
        """The last program stays, and everything in the machine ends with it."""
        private = ("/run", "/var/lib", "/etc/default")
        made = "/run/ovn /run/openvswitch /run/heddle /var/lib/ovn /var/lib/openvswitch /var/lib/heddle"
        return "\n".join([*(f"mount -t tmpfs tmpfs {d}" for d in private), f"mkdir -p {made}", "echo ready",
                          f"exec {sys.executable} -c {shlex.quote(INIT)}"])

    def add_program(self, name, text):
        path = self.dir / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def add_unit(self, name, start, stop=None):
        (self.units / name).write_text(start + "\n")
        if stop:
            (self.units / f"{name}.stop").write_text(stop + "\n")

    @staticmethod
    def unit_of(name):
        """ExecStart of the unit that is installed, with its options file."""
        text = (ROOT / "packaging" / f"{name}.service").read_text()
        start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
        return f"[ ! -e /etc/default/heddle ] || . /etc/default/heddle\nexec {start.split('=', 1)[1]}"

    def join_underlay(self):
        self.bed.ip("link", "add", "name", self.name, "type", "veth", "peer", "name", "und0", "netns", self.netns)
        self.bed.ip("link", "set", "dev", self.name, "addrgenmode", "none", "master", "br", "up")
        self.ip("link", "set", "dev", "und0", "addrgenmode", "none", "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", "und0")
        for feature in NO_OFFLOADS:
            self.run("ethtool", "-K", "und0", feature, "off")

    def sh(self, script, timeout=60):
        """Runs shell commands; what they print."""
        path = ":".join([f"{self.dir}/bin", f"{PEERS}/usr/bin", f"{PEERS}/usr/lib/openvswitch-switch",
                         os.environ["PATH"]])
        return run("nsenter", f"--target={self.init}", "--mount", "--pid", f"--net=/run/netns/{self.netns}",
                   "env", f"PATH={path}", f"UNITS={self.units}", "sh", "-euc", script, timeout=timeout)

    def wait(self, what, command):
        def works():
            return self.sh(f"{command} >/dev/null 2>&1 && echo yes || :").strip() == "yes"
        wait_for(f"{self.name}: {what}", works)

    def log(self):
        return "\n".join(f"--- {self.name}: {path.name}\n{path.read_text(errors='replace')[-2500:]}"
                         for path in sorted(self.units.glob("*.log")))

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    # ---- what a machine with OVN has from its packages ----

    def add_database(self, unit, file, schema_name, socket, *remotes):
        self.sh(f"ovsdb-tool create {file} {shlex.quote(schema(schema_name))}")
        self.add_unit(unit, f"exec ovsdb-server {file} --remote=punix:{socket} {' '.join(remotes)}"
                            f" --unixctl=/run/{unit}.ctl --pidfile=/run/{unit}.pid -vconsole:warn")
        self.sh(f"systemctl start {unit}")

    def install_ovn_central(self):
        for db, name, port in (("nb", "OVN_Northbound,NB_Global", 6641), ("sb", "OVN_Southbound,SB_Global", 6642)):
            self.add_database(f"ovn-ovsdb-server-{db}", f"/var/lib/ovn/ovn{db}_db.db", f"ovn-{db}.ovsschema",
                              f"/run/ovn/ovn{db}_db.sock", f"--remote=db:{name},connections")
            self.wait(f"{db} database", f"ovn-{db}ctl --timeout=2 init")
        self.add_unit("ovn-northd", "exec ovn-northd -vconsole:info")
        self.sh("systemctl start ovn-northd; ovn-sbctl set-connection ptcp:6642:192.168.33.1")

    def install_ovn_host(self):
        self.add_database("ovsdb-server", "/var/lib/openvswitch/conf.db", "vswitch.ovsschema",
                          "/run/openvswitch/db.sock")
        self.wait("Open_vSwitch database", "ovs-vsctl --timeout=2 --no-wait init")
        self.add_unit("ovs-vswitchd", "exec ovs-vswitchd --disable-system -vconsole:warn --pidfile",
                      "ovs-appctl exit")  # as Debian's units do
        self.add_unit("ovn-controller", "exec ovn-controller -vconsole:info --pidfile",
                      "ovn-appctl -t ovn-controller exit")
        self.sh(f"""systemctl start ovs-vswitchd
ovs-vsctl --timeout=10 add-br br-phy -- set Bridge br-phy datapath_type=netdev fail_mode=standalone \\
	-- add-port br-phy und0
ip addr del {self.address}/24 dev und0
ip addr add {self.address}/24 dev br-phy
ip link set br-phy up
ethtool -K und0 tx off
ovs-vsctl set Open_vSwitch . external_ids:system-id={self.name} external_ids:ovn-encap-type=geneve \\
	external_ids:ovn-encap-ip={self.address} external_ids:ovn-remote=tcp:192.168.33.1:6642 \\
	external_ids:ovn-bridge-datapath-type=netdev
systemctl start ovn-controller""")
        self.wait("integration bridge", "ovs-vsctl --timeout=2 br-exists br-int")
