# SPDX-License-Identifier: Apache-2.0
"""ovs-vsctl comes back, whatever it is asked for."""
import json
import signal
import time

import pytest
from fabric import Failed, run, wait_for
from mixed import tool
from stock_clients import shown


def test_vsctl_never_hangs(fabric):
    """Without an agent it says so when its time is over; what it asked for is done afterwards."""
    host = fabric.host("h1")
    server = host.dir / "db.sock"
    host.ip("link", "add", "name", "v0", "up", "type", "veth", "peer", "name", "v1")
    host.agent.child.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Failed):
            run(tool("ovs-vsctl"), f"--db=unix:{server}", "--timeout=1", "add-port", "br-int", "v0")
        assert time.monotonic() - began < 3
        run(tool("ovs-vsctl"), f"--db=unix:{server}", "--timeout=1", "--no-wait", "set", "Interface", "v0",
            "external_ids:x=y")
    finally:
        host.agent.child.send_signal(signal.SIGCONT)
    wait_for("ofport", lambda: int(host.interface("v0", "ofport").strip("[]") or 0) > 0)
    host.vsctl("del-port", "v0")


# What is refused: the command, the interfaces it makes, and the words of the error.
UNSUPPORTED = {
    "tunnel": (["add-port", "br-int", "x0", "--", "set", "Interface", "x0", "type=gre", "options:remote_ip=192.0.2.1"],
               ["x0"], 'interface type "gre" is not supported'),
    "patch": (["add-port", "br-int", "x0", "--", "set", "Interface", "x0", "type=patch", "options:peer=x1"], ["x0"],
              'interface type "patch" is not supported'),
    "unheard-of": (["add-port", "br-int", "x0", "--", "set", "Interface", "x0", "type=quantum"], ["x0"],
                   'interface type "quantum" is not supported'),
    "tag": (["add-port", "br-int", "v0", "tag=5"], ["v0"], "VLAN tags, trunks and modes are not supported"),
    "fake-bridge": (["add-br", "x0", "br-int", "7"], ["x0"], "VLAN tags, trunks and modes are not supported"),
    "bond": (["add-bond", "br-int", "x0", "v0", "v1"], ["v0", "v1"], "bonds are not supported"),
    "no-device": (["add-port", "br-int", "x0"], ["x0"], "could not open network device x0 (No such device)"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_vsctl_is_told_what_is_not_supported(fabric, case):
    """At once, in words, and nothing is left when it is taken out again."""
    command, interfaces, words = UNSUPPORTED[case]
    host = fabric.host("h1")
    host.ip("link", "add", "name", "v0", "up", "type", "veth", "peer", "name", "v1")
    clean = shown(host)
    said = run(tool("ovs-vsctl"), f"--db={host.db}", "--timeout=5", *command)
    for interface in interfaces:
        assert f"Error detected while setting up '{interface}'" in said and words in said
        assert words in json.loads(host.vsctl("get", "Interface", interface, "error"))
        assert host.interface(interface, "ofport") == "-1"
    host.vsctl("del-br" if command[0] == "add-br" else "del-port", command[1 if command[0] == "add-br" else 2])
    assert shown(host) == clean
