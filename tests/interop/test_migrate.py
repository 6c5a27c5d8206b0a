# SPDX-License-Identifier: Apache-2.0
"""docs/migrate-from-ovn.md, as written, step by step."""
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import tempfile

import pytest
from fabric import ROOT, Namespace, Workload, run, wait_for
from machine import Machine

BLOCK = re.compile(r"<!-- on: (\w+) -->\n\n?```sh\n(.*?)```", re.S)
MAC = "0a:00:00:00:00:{:02x}"


class Bed(Namespace):
    """Four machines on an underlay."""

    def __init__(self):
        self.prefix = "hm" + secrets.token_hex(3)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=self.prefix))
        self.machines = {}
        super().__init__(f"{self.prefix}-und")
        self.ip("link", "add", "name", "br", "type", "bridge", "mcast_snooping", "0")
        self.ip("link", "set", "dev", "br", "addrgenmode", "none", "up")
        for name, number in (("central", 1), ("old", 11), ("new", 12), ("newer", 13)):
            self.machines[name] = Machine(self, name, number)

    def workload(self, machine, device, port, n):
        """Not plugged in yet."""
        return Workload(self, self.machines[machine], device, port, MAC.format(n), f"10.0.0.{n}")

    def close(self):
        for machine in self.machines.values():
            machine.close()
        for netns in run("ip", "netns", "list").splitlines():
            if netns.startswith(self.prefix):
                run("ip", "netns", "del", netns.split()[0], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class Page:
    """The page's blocks, taken one after the other."""

    def __init__(self, bed, text):
        self.bed, self.text, self.at = bed, text, 0

    def run_section(self, number):
        """All blocks of section "## number."; their output together."""
        section = re.search(rf"^## {number}\. .*?(?=^## |\Z)", self.text, re.S | re.M)[0]
        return "\n".join(self.bed.machines[m].sh(block) for m, block in BLOCK.findall(section))


def has_part(text, *words):
    return all(word in text for word in words)


@pytest.fixture
def bed(request):
    bed = Bed()
    try:
        yield bed
        if not request.node.report_call.passed:
            for machine in bed.machines.values():
                print(machine.log())
    finally:
        bed.close()


def prepare(bed):
    """What the page supposes: OVN with one host, a switch with three ports, all on the old host."""
    central, old = bed.machines["central"], bed.machines["old"]
    central.install_ovn_central()
    old.install_ovn_host()
    central.sh("ovn-nbctl ls-add ls0 " + " ".join(
        f"-- lsp-add ls0 p{n} -- lsp-set-addresses p{n} '{MAC.format(n)} 10.0.0.{n}'" for n in (1, 2, 3)))
    works = [bed.workload("old", f"veth{n}", f"p{n}", n) for n in (1, 2, 3)]
    for w in works:
        w.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off")
        old.sh(f"ovs-vsctl add-port br-int {w.device} -- set Interface {w.device} external_ids:iface-id={w.port}")
        central.sh(f"ovn-nbctl --timeout=10 wait-until Logical_Switch_Port {w.port} up=true")
    assert works[0].ping(works[1], 3) == 3
    return works


def keys(central):
    return central.sh("ovn-sbctl --columns=_uuid,tunnel_key,logical_port,datapath,chassis list Port_Binding; "
                      "ovn-sbctl --columns=_uuid,tunnel_key list Datapath_Binding")


def reach(*works):
    for a in works:
        for b in works:
            assert a is b or wait_for(f"{a.name} reaches {b.name}", lambda: a.ping(b, 1, 1), 30)


class Traffic:
    """A ping every 10 ms while the block runs, and a while before and after; lost is what was lost."""

    def __init__(self, a, b):
        self.a, self.b, self.lost = a, b, None

    def __enter__(self):
        self.received = self.b.sniff()
        self.ping = self.a.popen("ping", "-n", "-q", "-i", "0.01", "-W", "1", self.b.address, stdout=subprocess.PIPE,
                                 text=True)
        self.wait_for_more()
        return self

    def wait_for_more(self):
        self.received.clear()
        wait_for("traffic", lambda: len(self.received.read()) > 20)

    def __exit__(self, *_):
        self.wait_for_more()
        self.ping.send_signal(signal.SIGINT)
        text = self.ping.communicate(timeout=10)[0]
        sent, received = (int(n) for n in re.search(r"(\d+) packets transmitted, (\d+) received", text).groups())
        self.lost = max(sent - received - 1, 0)  # the last one may still be on its way


def test_the_page_as_written(bed):
    central = bed.machines["central"]
    page = Page(bed, (ROOT / "docs/migrate-from-ovn.md").read_text())
    p1, old2, old3 = prepare(bed)
    assert "tcp:192.168.33.1:6641" in page.run_section(1)
    assert has_part(page.run_section(2), "Chassis new", "Chassis old", "192.168.33.12")
    p2 = bed.workload("new", "veth2", "p2", 2)
    p3 = bed.workload("newer", "veth3", "p3", 3)
    shown = page.run_section(3)
    assert "Port_Binding p2" in shown.split("Chassis new\n")[1].split("Chassis")[0]
    central.sh("ovn-nbctl --timeout=10 --wait=hv sync")
    reach(p1, p2, p3)
    gone = page.run_section(4)
    assert has_part(gone, "Chassis new", "Chassis old") and "Chassis newer" not in gone
    central.sh("ovn-nbctl --timeout=10 --wait=hv sync")
    reach(p1, p2, p3)
    page.run_section(5)
    central.sh("ovn-nbctl --timeout=10 --wait=hv sync")
    reach(p1, p2, p3)
    before = keys(central)
    with Traffic(p2, p3) as traffic:
        page.run_section(6)
    assert traffic.lost == 0
    assert keys(central) == before
    reach(p1, p2, p3)
