# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest

from agent import Host, Server, find_tool


class World:
    """The databases of a deployment, with Debian's ovn-northd, and hosts."""

    def __init__(self, directory):
        self.dir = directory
        self.hosts = []
        self.nb = Server(directory, "ovn-nb.ovsschema", "nb")
        self.sb = Server(directory, "ovn-sb.ovsschema", "sb")
        self.northd = subprocess.Popen(
            [find_tool("ovn-northd"), f"--ovnnb-db={self.nb.remote}", f"--ovnsb-db={self.sb.remote}",
             f"--unixctl={directory}/northd.ctl", "-vconsole:off", "-vsyslog:off"], stdin=subprocess.DEVNULL)

    def host(self, number, **more):
        host = Host(self.dir, **{"system_id": f"h{number}", "encap_ip": f"192.168.88.{number}",
                                 "ovn_remote": self.sb.remote, "nb_remote": self.nb.remote, **more})
        self.hosts.append(host)
        return host

    def nbctl(self, *words):
        return subprocess.run([find_tool("ovn-nbctl"), f"--db={self.nb.remote}", "--timeout=15", *words],
                              check=True, capture_output=True, text=True).stdout

    def sbctl(self, *words):
        return subprocess.run([find_tool("ovn-sbctl"), f"--db={self.sb.remote}", "--timeout=15", *words],
                              check=True, capture_output=True, text=True).stdout

    def port(self, name):
        return self.sb.rows("Port_Binding", ["logical_port", "==", name])[0]

    def close(self):
        for host in self.hosts:
            host.close()
        self.northd.terminate()
        self.northd.wait(timeout=10)
        self.nb.stop()
        self.sb.stop()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def host(tmp_path):
    """One that belongs to no network yet: a machine where ovs-vsctl is used."""
    host = Host(tmp_path, system_id="alone")
    host.start()
    host.wait_log("integration bridge br-int")
    yield host
    host.close()
