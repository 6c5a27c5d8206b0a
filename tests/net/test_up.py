# SPDX-License-Identifier: Apache-2.0
"""heddle up: central and host of one machine in one process."""
import re
import signal

import pytest
from fabric import HEDDLE, Fabric, Host, Process, wait_for
from test_restart import Traffic, rows, synced
from test_switches import MAC


class Machine(Host):
    """A host whose agent is central, too."""

    def __init__(self, fabric):
        super().__init__(fabric, "m", 1)
        self.env["OVN_RUNDIR"] = str(fabric.dir)
        fabric.hosts["m"] = self
        self.start_agent()
        fabric.central = self.agent

    def words(self, *more):
        return [HEDDLE, "up", f"--state-dir={self.dir}", f"--run-dir={self.dir}/run", "--system-id=m", *more]

    def start_agent(self):
        if self.agent:
            self.agent.start()
        else:
            self.agent = Process(self, self.dir / "up.log", *self.words(), env=self.env)
        self.agent.wait_for_servers(self.dir / "db.sock", self.fabric.dir / "ovnnb_db.sock",
                                    self.fabric.dir / "ovnsb_db.sock")
        self.agent.wait_for("the datapath", lambda: "the datapath holds" in self.agent.text_since_start())

    def check_consistent(self):
        """Both programs compare what they have with what they compute from scratch."""
        before = len(re.findall("check: ", self.agent.text()))
        self.agent.child.send_signal(signal.SIGUSR1)
        self.agent.wait_for("two results", lambda: len(re.findall("check: .*\n", self.agent.text())) == before + 2)
        results = re.findall("check: (.*)", self.agent.text())[-2:]
        assert sorted(results) == ["consistent", "same"], results

    def second(self, *more):
        """Another instance, which is expected to end by itself."""
        return self.run(*self.words(*more), check=False, env=self.env, timeout=20)


@pytest.fixture
def fabric(request):
    """As everywhere, but its only host is central."""
    f = Fabric()
    failed = True
    try:
        Machine(f)
        yield f
        if not request.node.report_call.failed:
            f.check()
            failed = False
    finally:
        for name, text in f.state() if failed else ():
            print(f"--- {name}\n{text}")
        f.close()


def two_ports(fabric):
    fabric.switch("s0", ("a", f"{MAC.format(1)} 10.0.0.1"), ("b", f"{MAC.format(2)} 10.0.0.2"))
    machine = fabric.hosts["m"]
    a, b = (machine.plug(name, name, MAC.format(i), f"10.0.0.{i}") for i, name in ((1, "a"), (2, "b")))
    fabric.sync()
    return a, b


def test_ports_work(fabric):
    a, b = two_ports(fabric)
    assert a.ping(b, 3) == 3 and b.ping(a, 3) == 3
    assert fabric.chassis_of("a") == "m"
    fabric.hosts["m"].unplug(b)
    wait_for("b is down", lambda: fabric.nb("lsp-get-up", "b").strip() == "down")


def test_a_second_instance_is_refused(fabric):
    a, b = two_ports(fabric)
    done = fabric.hosts["m"].second()
    errors = [line for line in done.stdout.splitlines() if " info: " not in line]
    assert done.returncode == 1 and len(errors) == 1, done.stdout
    assert "chassis m: another heddle host runs for it: stop that one first" in errors[0]
    assert a.ping(b, 3) == 3
    fabric.sync()


def test_killed_and_started_again(fabric):
    a, b = two_ports(fabric)
    before, machine = rows(fabric), fabric.hosts["m"]
    with Traffic(a, b) as traffic:
        machine.agent.stop(signal.SIGKILL)
        machine.start_agent()
        wait_for("the databases and the host are in step", lambda: synced(fabric))
    assert traffic.lost == 0
    assert rows(fabric) == before
    fabric.nb("--wait=hv", "lsp-add", "s0", "c", "--", "lsp-set-addresses", "c", f"{MAC.format(3)} 10.0.0.3")
    c = machine.plug("c", "c", MAC.format(3), "10.0.0.3")
    fabric.sync()
    assert a.ping(c, 3) == 3


def test_bad_options_are_refused_in_one_line(fabric):
    for words in ["--nb-listen=garbage"], ["--sb-listen=ptcp:x"], ["--public-address=a b"], ["stray"]:
        done = fabric.hosts["m"].second(*words)
        assert done.returncode == 2 and len(done.stdout.splitlines()) == 1, done.stdout
