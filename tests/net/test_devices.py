# SPDX-License-Identifier: Apache-2.0
"""Devices that come late, go, come back, are renamed; tap devices; the underlay changing."""
import fcntl
import json
import os
import select
import signal
import struct

from fabric import Workload, in_netns, wait_for
from scapy.layers.l2 import ARP, Ether
from sniff import new_mark, marked_frame
from test_switches import MAC, two_ports

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000


def is_up(fabric, port):
    return fabric.nb("lsp-get-up", port).strip() == "up"


def test_device_recreated(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"NOT_BOUND", "TUNNEL_NOT_HERE"}
    b.host.ip("link", "del", "dev", b.device)
    wait_for("b is released", lambda: fabric.chassis_of("b") == "")
    b.make_device()
    wait_for("b is up", lambda: is_up(fabric, "b"))
    fabric.sync()
    assert a.ping(b, 3) == 3


def test_device_recreated_with_its_number(fabric):
    """Between two looks of the agent: nothing but what is attached to it tells the new device from the old."""
    a, b = two_ports(fabric)
    fabric.expected_drops = {"DEVICE_REFUSED"}
    number = json.loads(b.host.ip("-j", "link", "show", "dev", b.device))[0]["ifindex"]
    os.kill(b.host.agent.pid, signal.SIGSTOP)
    b.host.ip("link", "del", "dev", b.device)
    b.make_device(index=number)
    os.kill(b.host.agent.pid, signal.SIGCONT)
    wait_for("b is reached again", lambda: a.ping(b) == 1)
    fabric.sync()
    assert b.ping(a, 3) == 3


def test_device_renamed_and_named_back(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"NOT_BOUND", "TUNNEL_NOT_HERE", "NO_PORT"}
    b.host.ip("link", "set", "dev", b.device, "name", "other")
    wait_for("b is released", lambda: fabric.chassis_of("b") == "")
    b.host.ip("link", "set", "dev", "other", "name", b.device)
    wait_for("b is bound", lambda: fabric.chassis_of("b") == "h2")
    fabric.sync()
    assert a.ping(b, 3) == 3


def test_device_plugged_before_it_exists(fabric):
    fabric.switch("s0", ("a", MAC.format(1) + " 10.0.0.1"), ("b", MAC.format(2) + " 10.0.0.2"))
    h1 = fabric.host("h1")
    a = h1.plug("a", "a", MAC.format(1), "10.0.0.1")
    h1.vsctl("add-port", "br-int", "late", "--", "set", "Interface", "late",
             "external_ids:iface-id=b")
    assert h1.interface("late", "ofport") == "-1"
    assert "No such device" in h1.interface("late", "error")
    late = Workload(fabric, h1, "late", "b", MAC.format(2), "10.0.0.2")
    wait_for("ofport", lambda: int(h1.interface("late", "ofport")) > 0)
    wait_for("b is up", lambda: is_up(fabric, "b"))
    fabric.sync()
    assert a.ping(late, 3) == 3


def open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def read_frame(fd, wanted, seconds=30):
    """The first frame that wanted() likes."""
    while select.select([fd], [], [], seconds)[0]:
        frame = Ether(os.read(fd, 65536))
        if wanted(frame):
            return frame
    return None


def test_tap_workload(fabric):
    """What a virtual machine has: asks for an address, sends to and hears from the other host."""
    fabric.expected_drops = {"HOST_STACK"}  # the kernel speaks when the tap gets its carrier
    fabric.switch("s0", ("vm", MAC.format(1) + " 10.0.0.1"), ("b", MAC.format(2) + " 10.0.0.2"))
    h1 = fabric.host("h1")
    fd = in_netns(h1.netns, open_tap, "tap0")
    try:
        h1.ip("link", "set", "dev", "tap0", "addrgenmode", "none", "up")
        h1.heddle("plug", f"--db={h1.db}", "tap0", "vm")
        b = fabric.host("h2").plug("b", "b", MAC.format(2), "10.0.0.2")
        fabric.sync()
        os.write(fd, bytes(Ether(src=MAC.format(1), dst="ff:ff:ff:ff:ff:ff") /
                           ARP(op=1, hwsrc=MAC.format(1), psrc="10.0.0.1", pdst="10.0.0.2")))
        answer = read_frame(fd, lambda f: ARP in f)
        assert answer and answer[ARP].op == 2 and answer[ARP].hwsrc == MAC.format(2)
        with b.sniff() as rx:
            mark = new_mark()
            os.write(fd, bytes(marked_frame(MAC.format(1), MAC.format(2), "10.0.0.1", "10.0.0.2", mark)))
            assert rx.wait(mark)
            mark = new_mark()
            rx.send(marked_frame(MAC.format(2), MAC.format(1), "10.0.0.2", "10.0.0.1", mark))
            assert read_frame(fd, lambda f: mark in bytes(f))
    finally:
        os.close(fd)


def test_underlay_address_moves_to_another_device(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"TUNNEL_DOWN", "TUNNEL_SENDER"}
    h2 = b.host
    fabric.underlay.ip("link", "add", "name", "second", "type", "veth", "peer", "name", "und1", "netns",
                       h2.netns)
    fabric.underlay.ip("link", "set", "dev", "second", "addrgenmode", "none", "master", "br", "up")
    h2.ip("addr", "del", f"{h2.underlay_ip}/24", "dev", "und0")
    h2.ip("link", "set", "dev", "und1", "addrgenmode", "none", "up")
    h2.ip("addr", "add", f"{h2.underlay_ip}/24", "dev", "und1")
    # Not "flush": the agent asks for the neighbour again at once, and flush goes on until there is none.
    a.host.ip("neigh", "del", h2.underlay_ip, "dev", "und0")
    wait_for("the tunnel uses the other device", lambda: a.ping(b) == 1 and b.ping(a) == 1)
    fabric.sync()


def test_underlay_down_and_up(fabric):
    a, b = two_ports(fabric)
    fabric.expected_drops = {"TUNNEL_DOWN"}
    b.host.ip("link", "set", "dev", "und0", "down")
    assert a.ping(b) == 0
    b.host.ip("link", "set", "dev", "und0", "up")
    wait_for("the tunnel works again", lambda: a.ping(b) == 1 and b.ping(a) == 1)
    fabric.sync()


def test_packets_for_a_device_that_is_down_are_counted(fabric):
    a, b = two_ports(fabric)
    fabric.nb("lsp-add", "s0", "c", "--", "lsp-set-addresses", "c", f"{MAC.format(3)} 10.0.0.3")
    c = b.host.plug("c", "c", MAC.format(3), "10.0.0.3")
    wait_for("c is up", lambda: is_up(fabric, "c"))
    fabric.sync()
    fabric.expected_drops = {"DEVICE_REFUSED"}
    b.ip("link", "set", "dev", "eth0", "down")
    wait_for("what comes by the tunnel is counted", lambda: not a.ping(b, seconds=1) and "DEVICE_REFUSED" in b.host.drops())
    before = b.host.drops()["DEVICE_REFUSED"]
    assert c.ping(b, seconds=1) == 0 and b.host.drops()["DEVICE_REFUSED"] > before
    b.ip("link", "set", "dev", "eth0", "up")
    wait_for("b is reached again", lambda: a.ping(b) == 1 and c.ping(b) == 1)


def test_statistics_of_interfaces(fabric):
    """In the local database every five seconds, where exporters look: what came from the workload is rx."""
    a, b = two_ports(fabric)
    def read(name):
        return json.loads(a.host.vsctl("--format=json", "--data=json", "--columns=statistics", "list", "Interface", name))["data"][0][0][1]

    def packets(name, key):
        return dict(read(name)).get(key, -1)
    wait_for("there are some", lambda: packets("a", "rx_packets") >= 0)
    before = packets("a", "rx_packets"), packets("a", "tx_packets")
    assert a.ping(b, 20, interval=0.01) == 20
    wait_for("they count", lambda: packets("a", "rx_packets") >= before[0] + 20 and packets("a", "tx_packets") >= before[1] + 20)
    numbers = dict(read("a"))
    assert numbers["rx_bytes"] >= 20 * 98 and numbers["rx_errors"] == numbers["rx_dropped"] == 0
    assert numbers["rx_packets"] < before[0] + 60
