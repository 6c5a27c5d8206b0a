# SPDX-License-Identifier: Apache-2.0
"""The datapath on Linux 6.1, the oldest kernel we support: its verifier, clsact for want of tcx, no DECAP_L3. tests/dp
hold the tests; these run in an emulated machine that is booted once, the others on the present kernel only. The parameter
"tcx" (or False) leaves the choice to the library, which has to find out."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEDDLE_BUILD", ROOT / "build"))
TESTS = [
    "test_run.py::test_encapsulated_bytes",
    "test_walks.py::test_vif_unicast[tcx]",
    "test_walks.py::test_vif_broadcast[tcx]",
    "test_walks.py::test_localport_unicast[tcx]",
    "test_walks.py::test_localport_broadcast[tcx]",
    "test_walks.py::test_arp_is_answered[tcx]",
    "test_walks.py::test_nd_is_answered[tcx]",
    "test_walks.py::test_too_big_v4[tcx]",
    "test_tunnel.py::test_unicast[tcx]",
    "test_tunnel.py::test_broadcast_goes_to_local_vifs_only[tcx]",
    "test_tunnel.py::test_named_drops[tcx]",
    "test_tunnel.py::test_congestion_is_handed_on[tcx]",
    "test_vxlan.py::test_unicast_out[tcx]",
    "test_vxlan.py::test_a_flood_by_both_kinds_of_tunnel[tcx]",
    "test_vxlan.py::test_unicast_in[tcx]",
    "test_vxlan.py::test_groups_in[tcx]",
    "test_vxlan.py::test_tcp[None]",
    "test_life.py::test_an_upgrade_loses_no_packet[tcx]",
    "test_stack.py::test_tcp[False-None]",
    "test_stack.py::test_large_segments_cross_whole",
]


@pytest.fixture(scope="module")
def answers():
    """{test: "PASSED" or another word of pytest's}"""
    env = os.environ | {"KERNEL_ROOT": os.environ["HEDDLE_KERNEL"]}
    done = subprocess.run(
        [ROOT / "tests/kernel/boot.sh", "env", f"DPTOOL={BUILD}/tests/dp/dptool", "PYTHONDONTWRITEBYTECODE=1",
         "/usr/bin/python3", "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider",
         *(f"tests/dp/{name}" for name in TESTS)],
        env=env, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    return dict(re.findall(r"^tests/dp/(\S+) ([A-Z]+)", done.stdout, re.M))


@pytest.mark.parametrize("name", TESTS)
def test_61(answers, name):
    assert answers.get(name) == "PASSED"
