# SPDX-License-Identifier: Apache-2.0
"""Switches: the walk-through, two that must not see each other, three hosts, ports that move."""
import os

from fabric import wait_for
from sniff import new_mark, marked_frame

MAC = "0a:00:00:00:00:{:02x}"


def two_ports(fabric):
    fabric.switch("s0", ("a", MAC.format(1) + " 10.0.0.1"), ("b", MAC.format(2) + " 10.0.0.2"))
    a = fabric.host("h1").plug("a", "a", MAC.format(1), "10.0.0.1")
    b = fabric.host("h2").plug("b", "b", MAC.format(2), "10.0.0.2")
    fabric.sync()
    return a, b


def test_walk_through(fabric):
    fabric.expected_drops = {"LOCALPORT_TO_REMOTE"}
    mac = "00:00:00:aa:bb:{}"
    fabric.switch("ls0", ("ls0-ns1", mac.format(10) + " 10.0.1.10"),
                  ("ls0-ns2", mac.format(20) + " 10.0.1.20"),
                  ("ls0-ns3", mac.format(30) + " 10.0.1.30", "localport"))
    controller, hypervisor = fabric.host("controller"), fabric.host("hypervisor")
    ns1 = controller.plug("ns1", "ls0-ns1", mac.format(10), "10.0.1.10")
    ns3c = controller.plug("ns3", "ls0-ns3", mac.format(30), "10.0.1.30")
    ns2 = hypervisor.plug("ns2", "ls0-ns2", mac.format(20), "10.0.1.20")
    ns3h = hypervisor.plug("ns3", "ls0-ns3", mac.format(30), "10.0.1.30")
    fabric.sync()
    key1, key2 = (int(fabric.binding(f"ls0-ns{n}", "tunnel_key")) for n in (1, 2))
    with fabric.sniff_underlay() as wire:
        assert ns1.ping(ns2, 3) == 3
        assert [p[2:5] for p in wire.tunnelled()] == [(1, key1, key2), (1, key2, key1)] * 3
        wire.clear()
        assert ns2.ping(ns1, 3) == 3
        assert [p[3:5] for p in wire.tunnelled()] == [(key2, key1), (key1, key2)] * 3
        wire.clear()
        assert ns1.ping(ns3c, 3) == 3 and ns2.ping(ns3h, 3) == 3
        assert ns3c.ping(ns1, 3) == 3 and ns3h.ping(ns2, 3) == 3
        assert ns3h.ping(ns1, 3) == 0 and ns3c.ping(ns2, 3) == 0
        assert wire.tunnelled() == []


def test_two_switches_do_not_see_each_other(fabric):
    """Same MAC and IP addresses on both, on the same hosts."""
    fabric.expected_drops = {"NO_DESTINATION"}
    pairs = {}
    for s in ("s0", "s1"):
        fabric.switch(s, (f"{s}a", MAC.format(1) + " 10.0.0.1"), (f"{s}b", MAC.format(2) + " 10.0.0.2"))
        pairs[s] = (fabric.host("h1").plug(f"{s}a", f"{s}a", MAC.format(1), "10.0.0.1"),
                    fabric.host("h2").plug(f"{s}b", f"{s}b", MAC.format(2), "10.0.0.2"))
    fabric.sync()
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        for here, there in (("s0", "s1"), ("s1", "s0")):
            a, b = pairs[here]
            with a.sniff() as tx, b.sniff() as rx, pairs[there][0].sniff() as other_a, \
                    pairs[there][1].sniff() as other_b:
                mark = new_mark()
                for mac in (MAC.format(2), "ff:ff:ff:ff:ff:ff", MAC.format(9)):
                    tx.send(marked_frame(MAC.format(1), mac, "10.0.0.1", "10.0.0.2", mark))
                last = new_mark()
                tx.send(marked_frame(MAC.format(1), MAC.format(2), "10.0.0.1", "10.0.0.2", last))
                assert rx.wait(last)
                assert len(rx.having(mark)) == 2  # unicast and broadcast; nobody has MAC 9
                assert not other_a.having(mark) and not other_b.having(mark)
    finally:
        os.sched_setaffinity(0, cpus)


def test_three_hosts_one_copy_of_a_broadcast_each(fabric):
    names = ["h1", "h2", "h3"]
    fabric.switch("s0", *[(f"p{i}", f"{MAC.format(i)} 10.0.0.{i}") for i in range(1, 7)])
    workloads = [fabric.host(names[i % 3]).plug(f"p{i + 1}", f"p{i + 1}", MAC.format(i + 1),
                                                f"10.0.0.{i + 1}") for i in range(6)]
    fabric.sync()
    for a in workloads[:3]:
        for b in workloads:
            assert a is b or a.ping(b) == 1, f"{a.name} to {b.name}"
    sniffers = [w.sniff() for w in workloads]
    with fabric.sniff_underlay() as wire:
        mark = new_mark()
        sniffers[0].send(marked_frame(MAC.format(1), "ff:ff:ff:ff:ff:ff", "10.0.0.1", "10.0.0.255", mark))
        for sniffer in sniffers[1:]:
            assert sniffer.wait(mark)
        assert len(wire.tunnelled(mark)) == 2
        assert [len(s.having(mark)) for s in sniffers] == [0, 1, 1, 1, 1, 1]
        assert len({p[1] for p in wire.tunnelled(mark)}) == 2


def test_port_moves_between_hosts(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"NOT_BOUND", "TUNNEL_NOT_HERE"}
    assert a.ping(b) == 1
    assert fabric.chassis_of("b") == "h2"
    b.host.unplug(b)
    wait_for("b is released", lambda: fabric.chassis_of("b") == "")
    moved = fabric.host("h1").plug("b2", "b", MAC.format(2), "10.0.0.2")
    fabric.sync()
    assert fabric.chassis_of("b") == "h1"
    with fabric.sniff_underlay() as wire:
        assert a.ping(moved, 3) == 3
        assert wire.tunnelled() == []
    fabric.host("h1").unplug(moved)
    b.host.heddle("plug", f"--db={b.host.db}", b.device, "b")
    fabric.sync()
    assert fabric.chassis_of("b") == "h2" and a.ping(b, 3) == 3


def test_disabled_port_gets_nothing_and_sends_nothing(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"PORT_DISABLED", "TARGET_DISABLED", "TUNNEL_NOT_HERE"}
    assert a.ping(b) == 1
    fabric.nb("--wait=hv", "lsp-set-enabled", "b", "disabled")
    assert a.ping(b) == 0 and b.ping(a) == 0
    fabric.nb("--wait=hv", "lsp-set-enabled", "b", "enabled")
    assert a.ping(b, 3) == 3 and b.ping(a, 3) == 3


def test_port_deleted_and_added_again(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"NO_DESTINATION", "NO_PORT", "TUNNEL_NOT_HERE"}
    fabric.nb("--wait=hv", "lsp-del", "b")
    assert a.ping(b) == 0
    fabric.nb("--wait=sb", "lsp-add", "s0", "b", "--", "lsp-set-addresses", "b", f"{MAC.format(2)} 10.0.0.2")
    wait_for("b is up again", lambda: fabric.nb("lsp-get-up", "b").strip() == "up")
    fabric.sync()
    assert a.ping(b, 3) == 3


def test_up_follows_the_plug(fabric):
    a, b = two_ports(fabric)
    wait_for("b is up", lambda: fabric.nb("lsp-get-up", "b").strip() == "up")
    assert b.host.interface("b", "external_ids:ovn-installed") == "true"
    b.host.unplug(b)
    wait_for("b is down", lambda: fabric.nb("lsp-get-up", "b").strip() == "down")
    fabric.sync()
