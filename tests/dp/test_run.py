# SPDX-License-Identifier: Apache-2.0
"""Single programs in the kernel's test run: verdict and bytes, and what one packet costs."""
import pytest
from scapy.all import IP, UDP, Ether, Raw

import fabric
from fabric import LP1, M1, M2, PMAC, REM, REMOTE_IP, SWITCH, UMAC
from test_tunnel import geneve

NEXT, SHOT, REDIRECT = -1, 2, 7


@pytest.fixture(scope="module")
def bench():
    b = fabric.Bench()
    yield b
    b.remove()


def run(bench, program, device, frame, repeat=1):
    verdict, ns, out = bench.host.do("run", program, bench.host.ifindex(device), frame.hex(), repeat).split()
    return int(verdict), int(ns), bytes.fromhex(out)


def udp(src, dst):
    return bytes(Ether(src=src, dst=dst) / IP(src="10.0.1.1", dst="10.0.1.9") / UDP(sport=1, dport=2) / Raw(b"x" * 64))


def test_verdicts(bench):
    v1, v2, lp1 = bench.v1.device, bench.v2.device, bench.lp1.device
    for program, device, frame, verdict, out in (
        ("vif_in", v1, udp(M1, M2), REDIRECT, udp(M1, M2)),
        ("vif_in", v1, udp(M1, LP1), REDIRECT, udp(M1, LP1)),
        ("vif_in", v1, udp(M1, M1), SHOT, None),
        ("vif_in", lp1, udp(LP1, REM), SHOT, None),
        ("vif_in", "und", udp(M1, M2), SHOT, None),
        ("vif_out", v2, udp(M1, M2), SHOT, None),
        ("und_in", "und", geneve(udp(REM, M1), 1), REDIRECT, udp(REM, M1)),
        ("und_in", "und", geneve(udp(REM, M1), 3), SHOT, None),
        ("und_in", "und", geneve(udp(REM, M1), 1, dst="192.168.33.77"), NEXT, None),
        ("und_in", "und", udp(REM, M1), NEXT, udp(REM, M1)),
    ):
        got, _, frame_out = run(bench, program, device, frame)
        assert got == verdict, (program, device)
        assert out is None or frame_out == out


def test_encapsulated_bytes(bench):
    inner = udp(M1, REM)
    verdict, _, out = run(bench, "vif_in", bench.v1.device, inner)
    assert verdict == REDIRECT
    want = Ether(src=UMAC, dst=PMAC) / IP(src=fabric.LOCAL_IP, dst=REMOTE_IP, flags="DF", id=0, ttl=64)
    want /= UDP(sport=Ether(out)[UDP].sport, dport=6081, chksum=0)
    want /= Raw(bytes.fromhex(f"02406558{SWITCH:06x}000102800100010005") + inner)
    assert out == bytes(want) and Ether(out)[UDP].sport >= 32768


def test_cost(bench):
    """No limit on a machine that others use too; an order of magnitude is."""
    for what, program, device, frame in (
        ("local unicast", "vif_in", bench.v1.device, udp(M1, M2)),
        ("drop", "vif_in", bench.v1.device, udp(M1, "00:00:00:00:00:99")),
        ("not ours", "und_in", "und", udp(REM, M1)),
    ):
        _, ns, _ = run(bench, program, device, frame, 200000)
        print(f"{what}: {ns} ns")
        assert ns < 5000
