# SPDX-License-Identifier: Apache-2.0
"""Heddle: one central, two hosts, one logical switch."""
import os

from netns import Peer, run, wait_for

HEDDLE = os.path.join(os.environ.get("HEDDLE_BUILD", os.path.join(os.path.dirname(__file__), "../../build")),
                      "src/heddle")


class Heddle(Peer):
    name = "heddle"
    title = "Heddle"

    def setup(self):
        net = self.net
        self.hosts = hosts = [net.add("h1"), net.add("h2")]
        net.veth(hosts[0], "und0", hosts[1], "und0")
        folder = net.path("central")
        self.nb = f"unix:{folder}/ovnnb_db.sock"
        sb = f"unix:{folder}/ovnsb_db.sock"
        net.spawn(hosts[0], HEDDLE, "central", f"--state-dir={folder}", f"--run-dir={folder}",
                  f"--nb-socket={folder}/ovnnb_db.sock", f"--sb-socket={folder}/ovnsb_db.sock",
                  log="central.log")
        self.agents = []
        for i, host in enumerate(hosts):
            net.address(host, "und0", f"192.168.77.{i + 1}/24")
            state = self.folder(i)
            self.agents.append(net.spawn(
                host, HEDDLE, "host", f"--state-dir={state}", f"--run-dir={state}",
                f"--system-id=bench-h{i + 1}", f"--ovn-remote={sb}",
                f"--encap-ip=192.168.77.{i + 1}", f"--nb-remote={self.nb}",
                env={"OVS_RUNDIR": state}, log=f"host{i}.log"))
        words = ["ls-add", "s"]
        for name in "abc":
            ip = getattr(self, f"ip_{name}")
            words += ["--", "lsp-add", "s", name, "--", "lsp-set-addresses", name,
                      f"{self.mac[name]} {ip}"]
        wait_for("northbound database", lambda: os.path.exists(f"{folder}/ovnnb_db.sock"))
        run(HEDDLE, "nb", f"--db={self.nb}", "--timeout=20", "--wait=sb", *words)
        self.a = self.plug("a", 0, hosts[0], "va")
        self.c = self.plug("c", 0, hosts[0], "vc")
        self.b = self.plug("b", 1, hosts[1], "vb")
        run(HEDDLE, "nb", f"--db={self.nb}", "--timeout=20", "--wait=hv", "sync")

    def folder(self, i):
        return self.net.path(f"host{i}")

    def plug(self, name, i, host, device):
        ns = self.workload(name, host, device)
        wait_for(f"host {i}", lambda: os.path.exists(f"{self.folder(i)}/db.sock"))
        run(HEDDLE, "plug", f"--db=unix:{self.folder(i)}/db.sock", device, name)
        return ns

    def close(self):
        for i, agent in enumerate(self.agents if hasattr(self, "agents") else []):
            if agent.poll() is None:
                agent.terminate()
                agent.wait(10)
            self.net.exec(self.hosts[i], HEDDLE, "host", f"--state-dir={self.folder(i)}",
                          f"--run-dir={self.folder(i)}", "--remove", check=False, timeout=20,
                          env={**os.environ, "OVS_RUNDIR": self.folder(i)})
        super().close()
