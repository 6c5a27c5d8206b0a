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

BLOCK = re.compile(r"<!-- (on|back on): (\w+) -->\n```sh\n(.*?)```", re.S)
MAC = "0a:00:00:00:00:{:02x}"


class Bed(Namespace):
    """Four machines on an underlay."""

    def __init__(self):
        self.prefix = "hm" + secrets.token_hex(3)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=self.prefix))
        self.machines = {}
        super().__init__(f"{self.prefix}-und")

    def start(self):
        self.ip("link", "add", "name", "br", "type", "bridge", "mcast_snooping", "0")
        self.ip("link", "set", "dev", "br", "addrgenmode", "none", "up")
        for name, number, *packages in (("central", 1, "ovn-central"), ("old", 11, "openvswitch-switch", "ovn-host"),
                                        ("new", 12), ("newer", 13)):
            self.machines[name] = Machine(self, name, number, *packages)

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
    """The page's blocks, by section, forth and back."""

    def __init__(self, bed, text):
        self.bed, self.text = bed, text

    def run(self, number, way="on", blocks=None):
        """The blocks of section "## number.", or the first few; their output together."""
        section = re.search(rf"^## {number}\. .*?(?=^## |\Z)", self.text, re.S | re.M)[0]
        found = [(machine, block) for w, machine, block in BLOCK.findall(section) if w == way][:blocks]
        assert found, f"section {number} has none"
        return "\n".join(self.bed.machines[machine].sh(block) for machine, block in found)

    def back(self, number):
        return self.run(number, "back on")


def has_part(text, *words):
    return all(word in text for word in words)


@pytest.fixture
def bed(request):
    bed = Bed()
    try:
        bed.start()
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


def chassis_of(central, port):
    """By the names of the rows that "show" has."""
    shown = re.split(r"^Chassis ", central.sh("ovn-sbctl show"), flags=re.M)
    return [text.split()[0] for text in shown if re.search(rf"Port_Binding {port}\b", text)]


def move_a_workload(bed, page, p1, old2):
    """Section 3, with the first port moved back in between."""
    central = bed.machines["central"]
    p2 = bed.workload("new", "veth2", "p2", 2)
    page.run(3, blocks=3)
    assert chassis_of(central, "p2") == ["new"]
    page.back(3)
    wait_for("p2 is back", lambda: chassis_of(central, "p2") == ["old"])
    reach(p1, old2)
    p3 = bed.workload("newer", "veth3", "p3", 3)
    page.run(3)
    assert (chassis_of(central, "p2"), chassis_of(central, "p3")) == (["new"], ["newer"])
    return p2, p3


def runs(machine, *units):
    return [unit for unit in units if machine.is_active(unit)]


HOST_UNITS = ("ovsdb-server", "ovs-vswitchd", "ovn-controller", "heddle-host")
CENTRAL_UNITS = ("ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "ovn-northd", "heddle-central")


def check_old(bed, works, *units):
    central, old = bed.machines["central"], bed.machines["old"]
    assert runs(old, *HOST_UNITS) == list(units)
    central.sh("ovn-nbctl --timeout=30 --wait=hv sync")
    assert chassis_of(central, "p1") == ["old"]
    reach(*works)


def turn_the_old_host(bed, page, works):
    """Section 5: there, back, and there again; each outlives a reboot."""
    old = bed.machines["old"]
    heddle, stock = ("ovsdb-server", "heddle-host"), ("ovsdb-server", "ovs-vswitchd", "ovn-controller")
    page.run(5)
    check_old(bed, works, *heddle)
    old.reboot()
    check_old(bed, works, *heddle)
    page.back(5)
    check_old(bed, works, *stock)
    old.reboot()
    old.sh(f"ip addr replace {old.address}/24 dev br-phy; ip link set br-phy up")
    check_old(bed, works, *stock)
    page.run(5)
    check_old(bed, works, *heddle)


def replace_northd(bed, page, works):
    """Section 6, with a reboot of central."""
    central = bed.machines["central"]
    servers, before = CENTRAL_UNITS[:2], keys(central)
    with Traffic(*works[1:]) as traffic:
        page.run(6)
        assert runs(central, *CENTRAL_UNITS) == [*servers, "heddle-central"]
        central.reboot()
        assert runs(central, *CENTRAL_UNITS) == [*servers, "heddle-central"]
        central.wait("databases", "ovn-nbctl --timeout=2 init && ovn-sbctl --timeout=2 init")
        central.sh("ovn-nbctl --timeout=30 --wait=hv sync")
        page.back(6)
        assert runs(central, *CENTRAL_UNITS) == [*servers, "ovn-northd"]
    assert traffic.lost == 0
    assert keys(central) == before
    reach(*works)


def test_the_page_as_written(bed):
    central = bed.machines["central"]
    page = Page(bed, (ROOT / "docs/migrate-from-ovn.md").read_text())
    p1, old2, old3 = prepare(bed)
    assert "tcp:192.168.33.1:6641" in page.run(1)
    assert has_part(page.run(2), "Chassis new", "Chassis old", "192.168.33.12")
    works = p1, *move_a_workload(bed, page, p1, old2)
    central.sh("ovn-nbctl --timeout=10 --wait=hv sync")
    reach(*works)
    gone = page.run(4)
    assert has_part(gone, "Chassis new", "Chassis old") and "Chassis newer" not in gone
    central.sh("ovn-nbctl --timeout=10 --wait=hv sync")
    reach(*works)
    turn_the_old_host(bed, page, works)
    replace_northd(bed, page, works)


def test_an_unused_database_is_named(bed):
    """Open vSwitch's file without its server: said once, when a file of Heddle's own is made."""
    new = bed.machines["new"]
    log = new.units / "heddle-host.service.log"
    new.sh("""mkdir -p /etc/openvswitch; touch /etc/openvswitch/conf.db
echo 'HEDDLE_HOST_OPTIONS="--system-id=new"' >/etc/default/heddle""")
    for start in (lambda: new.sh("systemctl enable --now heddle-host"), new.reboot):
        start()
        new.wait("agent", "ovs-vsctl --timeout=2 br-exists br-int")
        assert log.read_text().count("so /etc/openvswitch/conf.db is not used") == 1
