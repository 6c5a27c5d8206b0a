# SPDX-License-Identifier: Apache-2.0
"""Processes come and go, the datapath stays: adoption, devices that are made anew, removal."""
import os
import shutil
import tempfile
import threading

import pytest
from scapy.all import IP, UDP, Ether, Raw

import fabric
from fabric import M1, M2, SWITCH


def udp(n=0):
    return bytes(Ether(src=M1, dst=M2) / IP(src="10.0.1.1", dst="10.0.1.2") / UDP(sport=1, dport=2) / Raw(n.to_bytes(8, "big")))


def attached(host):
    return set(host.do("attached").split())


def expected(bench):
    return {f"workload-{g.ifindex}" for g in bench.host.guests} | {f"underlay-{bench.host.ifindex('und')}"}


def test_a_later_process_adopts(bench):
    assert attached(bench.host) == expected(bench)
    bench.host.stop(kill=True)
    assert bench.case_without_tool(bench.v1.wire, udp())["v2"] == [udp()]
    bench.host.start()
    assert attached(bench.host) == expected(bench)
    assert bench.case(bench.v1.wire, udp()) == ({"v2": [udp()]}, {})
    bench.host.apply()  # the process has read what the maps hold: same wants, nothing to do
    assert bench.case(bench.v1.wire, udp()) == ({"v2": [udp()]}, {})


def renew(host):
    """The next process finds programs of a build that is not its own."""
    programs = f"{host.bpffs}/v1/programs"
    (build,) = os.listdir(programs)
    os.rename(f"{programs}/{build}", f"{programs}/0123456789abcdef")


def test_an_upgrade_loses_no_packet(bench):
    stop = threading.Event()
    sent = 0

    def send():
        nonlocal sent
        while not stop.is_set():
            if sent % 64 == 0:  # no faster than the receiver's buffer is emptied
                fabric.wait_for("the receiver", lambda: len(got) + 512 > sent or collect())
            bench.v1.wire.send(udp(sent))
            sent += 1

    got = []

    def collect():
        got.extend(bench.wires["v2"].received())

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(5):
        bench.host.stop(kill=True)
        renew(bench.host)
        bench.host.start()
        for g in bench.host.guests:
            bench.host.do("attach", "workload", g.ifindex)
    stop.set()
    sender.join()
    fabric.wait_for("every packet", lambda: collect() or len(got) >= sent)
    assert got == [udp(n) for n in range(sent)] and sent > 100
    assert len(os.listdir(f"{bench.host.bpffs}/v1/programs")) == 1


def test_a_device_made_anew(bench):
    h, old = bench.host, bench.v2.ifindex
    bench.v2.remove()
    fabric.wait_for("the device to go", lambda: bench.v2.device not in h.ns.sh("ip", "-o", "link"))
    h.guests.remove(bench.v2)
    again = h.guest("b", M2)
    assert again.ifindex != old
    h.do("detach", "workload", old)
    h.do("attach", "workload", again.ifindex)
    del h.entries["ports", old.to_bytes(4, "little")]
    h.port(again, SWITCH, 2)
    h.target(SWITCH, 2, M2, fabric.T_LOCAL | fabric.T_PEER, again.ifindex)
    h.apply()
    bench.wires["v2"] = again.wire
    assert bench.case(bench.v1.wire, udp()) == ({"v2": [udp()]}, {})
    assert f"workload-{old}" not in attached(h)


def test_a_device_gone_while_nobody_looked(bench):
    h, old = bench.host, bench.v2.ifindex
    h.stop(kill=True)
    bench.v2.remove()
    h.guests.remove(bench.v2)
    del bench.wires["v2"]
    fabric.wait_for("the device to go", lambda: bench.v2.device not in h.ns.sh("ip", "-o", "link"))
    h.start()
    assert f"workload-{old}" not in attached(h) and not any(f.endswith(f"-{old}") for f in os.listdir(f"{h.bpffs}/v1/links"))
    answer = h.ask("attach", "workload", old)
    assert answer.startswith("error") and f"device {old}: cannot attach" in answer


def test_attach_twice_and_detach(bench):
    h = bench.host
    h.do("attach", "workload", bench.v1.ifindex)
    h.do("detach", "workload", bench.v1.ifindex)
    h.do("detach", "workload", bench.v1.ifindex)
    assert attached(h) == expected(bench) - {f"workload-{bench.v1.ifindex}"}
    h.do("attach", "workload", bench.v1.ifindex)
    assert bench.case(bench.v1.wire, udp()) == ({"v2": [udp()]}, {})


def test_removal_leaves_nothing(bench):
    h = bench.host
    h.stop()
    out = h.ns.sh(os.environ["DPTOOL"], input=f"remove {h.bpffs}\nremove {h.bpffs}\n")
    assert out.split() == ["ok", "ok"] and not os.path.exists(h.bpffs)
    filters = "".join(h.ns.sh("tc", "filter", "show", "dev", bench.v1.device, d) for d in ("ingress", "egress"))
    assert "vif_" not in filters
    bench.v1.wire.send(udp())
    h.start()
    assert attached(h) == set()


def test_not_root():
    with tempfile.TemporaryDirectory(prefix="hdp-") as public:
        os.chmod(public, 0o755)
        tool = shutil.copy(os.environ["DPTOOL"], public)  # the build may be where nobody else may look
        out = fabric.sh("setpriv", "--reuid=65534", "--clear-groups", tool, input=f"open {public}/none/bpf\n", check=False)
    assert out.startswith("error") and out.count("\n") == 1


def test_a_full_map_names_what_did_not_fit(bench):
    h = bench.host
    for n in range(8192):
        h.want("tunnels", fabric.ip16(f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}") + fabric.ip16(h.ip), bytes(40))
    h.do("begin")
    for (table, key), value in h.entries.items():
        h.do("want", table, key.hex(), value.hex())
    answer = h.ask("end")
    assert answer.startswith("error 2 map tunnels is full: no room for tunnel 192.168.33.10 to 10.0."), answer
    assert bench.case(bench.v1.wire, udp()) == ({"v2": [udp()]}, {})


def test_a_second_process_reads_counters(bench):
    h = bench.host
    bench.case(bench.v1.wire, udp())
    out = h.ns.sh(os.environ["DPTOOL"], input=f"watch {h.bpffs}\ndrops\ncounters {bench.v1.ifindex}\n").splitlines()
    assert out == ["ok", f"ok {h.do('drops')}".strip(), "ok " + h.do("counters", bench.v1.ifindex)]
    out = h.ns.sh(os.environ["DPTOOL"], input=f"watch {h.dir}/none\n")
    assert out.startswith("error") and "none/v1/maps/ports" in out
