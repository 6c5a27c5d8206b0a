# SPDX-License-Identifier: Apache-2.0
"""Beside the real ovs-vswitchd: it owns bridges and columns, Heddle carries the ports."""
import os
import shutil
import subprocess

from agent import PEERS, Server, find_tool, wait_for


def find_vswitchd():
    for place in ("usr/lib/openvswitch-switch/ovs-vswitchd", "usr/sbin/ovs-vswitchd"):
        if (PEERS / place).exists():
            return PEERS / place
    return shutil.which("ovs-vswitchd")


def add_workload(host, name, number):
    netns = f"{host.netns}{name}"
    subprocess.run(["ip", "netns", "add", netns], check=True)
    host.ip("link", "add", name, "up", "type", "veth", "peer", "name", "eth0", "netns", netns)
    for words in (["link", "set", "eth0", "address", f"00:00:00:aa:bb:{number}", "up"],
                  ["addr", "add", f"10.0.1.{number}/24", "dev", "eth0"]):
        subprocess.run(["nsenter", f"--net=/run/netns/{netns}", "ip", *words], check=True)
    host.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, f"external_ids:iface-id=p{number}")
    return netns


def test_ports_of_a_real_vswitchd_are_carried(world, tmp_path):
    local = Server(tmp_path, "vswitch.ovsschema", "local")
    host = world.host(1, db=local.remote)
    host.db = local.remote
    daemon = subprocess.Popen(host.inside(find_vswitchd(), local.remote, "--disable-system",
                                          f"--unixctl={tmp_path}/vswitchd.ctl", "-vconsole:off", "-vsyslog:off",
                                          "-vfile:off"),
                              env={**os.environ, "OVS_RUNDIR": str(tmp_path)}, stdin=subprocess.DEVNULL)
    workloads = []
    try:
        world.nbctl("ls-add", "s", "--", "lsp-add", "s", "p10", "--", "lsp-add", "s", "p20", "--",
                    "lsp-set-addresses", "p10", "00:00:00:aa:bb:10 10.0.1.10", "--",
                    "lsp-set-addresses", "p20", "00:00:00:aa:bb:20 10.0.1.20")
        host.vsctl("init", "--", "--may-exist", "add-br", "br-int", "--", "set", "Bridge", "br-int",
                   "datapath_type=netdev", "fail_mode=secure")
        host.start()
        host.wait_log("another process holds the lock")
        workloads = [add_workload(host, "w1", 10), add_workload(host, "w2", 20)]
        for port in ("p10", "p20"):
            world.nbctl("wait-until", "Logical_Switch_Port", port, "up=true")
        numbers = [host.get("Interface", name, "ofport") for name in ("w1", "w2")]
        ping = ["nsenter", f"--net=/run/netns/{workloads[0]}", "ping", "-n", "-c1", "-W0.3", "10.0.1.20"]
        wait_for(lambda: subprocess.run(ping, capture_output=True).returncode == 0, "the ping passes", host.log)
        assert [host.get("Interface", name, "ofport") for name in ("w1", "w2")] == numbers
        assert host.is_consistent()
    finally:
        if host.process:
            host.stop()
        daemon.terminate()
        daemon.wait(timeout=10)
        for netns in workloads:
            subprocess.run(["ip", "netns", "del", netns], check=True)
        local.stop()


def test_a_removal_waits_for_its_predecessors_lock(world, tmp_path):
    """The server may not have noticed yet that the agent has ended: the bridges go all the same."""
    local = Server(tmp_path, "vswitch.ovsschema", "local")
    host = world.host(1, db=local.remote)
    host.db = local.remote
    holder = None
    try:
        host.vsctl("--no-wait", "init")
        host.start()
        host.vsctl("add-br", "br-x", "--", "set", "Bridge", "br-x", "fail_mode=standalone")
        host.stop()
        assert "br-x" in host.links()
        holder = subprocess.Popen([find_tool("ovsdb-client"), "lock", local.remote, "ovs_vswitchd"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert b"locked" in holder.stdout.readline()
        connections = host.log().count("southbound database: connected")
        host.start("--remove")
        wait_for(lambda: host.log().count("southbound database: connected") > connections, "connected", host.log)
        holder.kill()
        assert host.process.wait(timeout=10) == 0
        host.process = None
        assert "br-x" not in host.links()
    finally:
        if holder:
            holder.kill()
            holder.wait()
        if host.process:
            host.stop()
        local.stop()
