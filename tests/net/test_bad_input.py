# SPDX-License-Identifier: Apache-2.0
"""What people get wrong: one line that names the object and the reason, and nothing half-done."""
import re

from fabric import HEDDLE, wait_for
from test_switches import MAC, two_ports


def one_line(done, *words):
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert len(lines) == 1, done.stdout
    for word in words:
        assert word in lines[0], lines[0]


def test_second_agent_for_the_same_chassis(fabric):
    """Whether it shares the run directory with the first or not: the chassis is taken."""
    host = fabric.host("h1")
    for run_dir in ("run", "another"):
        done = host.run(HEDDLE, "host", f"--state-dir={host.dir}", f"--run-dir={host.dir}/{run_dir}",
                        "--system-id=h1", f"--ovn-remote={fabric.sb_remote}", check=False, env=host.env)
        assert done.returncode == 1
        assert [line for line in done.stdout.splitlines() if "err:" in line] == [
            "heddle host: err: host: chassis h1: another heddle host runs for it: stop that one first"]
    assert host.agent.alive()


def test_plug_what_is_not_there(fabric):
    host = fabric.host("h1")
    one_line(host.heddle("plug", f"--db={host.db}", "nosuch0", "p", check=False), "nosuch0")
    assert "nosuch0" not in host.vsctl("list-ports", "br-int")
    one_line(host.heddle("unplug", f"--db={host.db}", "nosuch0", check=False), "nosuch0")


def test_northbound_mistakes(fabric):
    fabric.switch("s0", ("a", MAC.format(1)))
    before = fabric.nb("show")
    for words, name in ((("ls-add", "s0"), "s0"), (("lsp-add", "nosuch", "x"), "nosuch"),
                        (("lsp-del", "nosuch"), "nosuch"), (("ls-del", "nosuch"), "nosuch"),
                        (("lsp-set-addresses", "a", "xx:yy"), "xx:yy"),
                        (("lsp-set-addresses", "nosuch", "unknown"), "nosuch"),
                        (("lsp-set-enabled", "a", "perhaps"), "perhaps"),
                        (("lsp-add", "s0", "c", "a", "4096"), "4096")):
        done = fabric.nb(*words, check=False)
        one_line(done, name)
    assert fabric.nb("show") == before


def test_half_a_chain_changes_nothing(fabric):
    done = fabric.nb("ls-add", "s0", "--", "lsp-add", "nosuch", "x", check=False)
    one_line(done, "nosuch")
    assert "s0" not in fabric.nb("ls-list")


def test_duplicate_address_is_reported_and_harms_nobody_else(fabric):
    a, b = two_ports(fabric)
    fabric.nb("--wait=hv", "lsp-add", "s0", "c")
    fabric.nb("--wait=hv", "set", "Logical_Switch_Port", "c",
              f'addresses="{MAC.format(1)} 10.0.0.1"')
    wait_for("central says so", lambda: re.search(r"10\.0\.0\.1|" + MAC.format(1), fabric.central.text()))
    assert a.ping(b, 3) == 3


def test_malformed_address_is_reported_and_harms_nobody_else(fabric):
    a, b = two_ports(fabric)
    fabric.nb("--wait=hv", "lsp-add", "s0", "c", "--", "set", "Logical_Switch_Port", "c",
              'addresses="not an address"')
    wait_for("central says so", lambda: "not an address" in fabric.central.text())
    assert a.ping(b, 3) == 3


def test_encap_address_that_no_device_has(fabric):
    """A warning; local switching works; tunnels start when it appears."""
    fabric.expected_drops = {"TUNNEL_DOWN"}
    fabric.switch("s0", *[(n, f"{MAC.format(i)} 10.0.0.{i}") for i, n in enumerate("abc", 1)])
    h1, h2 = fabric.host("h1"), fabric.host("h2")
    h1.ip("addr", "del", f"{h1.underlay_ip}/24", "dev", "und0")
    a = h1.plug("a", "a", MAC.format(1), "10.0.0.1")
    b = h1.plug("b", "b", MAC.format(2), "10.0.0.2")
    c = h2.plug("c", "c", MAC.format(3), "10.0.0.3")
    fabric.sync()
    assert a.ping(b, 3) == 3
    wait_for("a warning", lambda: h1.underlay_ip in h1.agent.text())
    h1.ip("addr", "add", f"{h1.underlay_ip}/24", "dev", "und0")
    wait_for("the tunnel works", lambda: a.ping(c) == 1 and c.ping(a) == 1)
