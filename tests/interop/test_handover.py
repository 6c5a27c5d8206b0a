# SPDX-License-Identifier: Apache-2.0
"""ovn-northd, heddle central, ovn-northd again: no row changes and no packet is lost between two Heddle hosts."""
import json
import signal

from fabric import wait_for
from mixed import reach
from test_migrate import Traffic

# What ovn-northd makes, and no host changes while nothing is plugged.
TABLES = ("Datapath_Binding", "Port_Binding", "Multicast_Group", "HA_Chassis_Group", "HA_Chassis", "Port_Group",
          "Address_Set")


def rows(mixed):
    state = {table: sorted(map(str, json.loads(mixed.sbctl("--format=json", "list", table))["data"]))
             for table in TABLES}
    state["LSP"] = sorted(map(str, json.loads(mixed.nbctl("--format=json", "list", "Logical_Switch_Port"))["data"]))
    return state


def build(mixed):
    """Two workloads, and a router with a distributed gateway port on one of the hosts."""
    one, two = mixed.host("h1"), mixed.host("h2")
    mixed.switch("ls0", ("p1", "0a:00:00:00:00:01 10.0.0.1"), ("p2", "0a:00:00:00:00:02 10.0.0.2"))
    mixed.nbctl(
        "lr-add", "lr0", "--", "lrp-add", "lr0", "lr0-ls0", "0a:00:00:00:01:01", "10.0.0.254/24",
        "--", "lsp-add", "ls0", "ls0-lr0", "--", "lsp-set-type", "ls0-lr0", "router",
        "--", "lsp-set-addresses", "ls0-lr0", "router", "--", "lsp-set-options", "ls0-lr0", "router-port=lr0-ls0",
        "--", "ls-add", "public", "--", "lsp-add", "public", "wire", "--", "lsp-set-type", "wire", "localnet",
        "--", "lsp-set-options", "wire", "network_name=physnet", "--", "lsp-set-addresses", "wire", "unknown",
        "--", "lrp-add", "lr0", "lr0-public", "0a:00:00:00:01:02", "192.0.2.1/24",
        "--", "lsp-add", "public", "public-lr0", "--", "lsp-set-type", "public-lr0", "router",
        "--", "lsp-set-addresses", "public-lr0", "router",
        "--", "lsp-set-options", "public-lr0", "router-port=lr0-public", "nat-addresses=router",
        "--", "lrp-set-gateway-chassis", "lr0-public", "h1", "20", "--", "pg-add", "web", "p1", "p2")
    a = one.plug("w1", "p1", "0a:00:00:00:00:01", "10.0.0.1")
    b = two.plug("w2", "p2", "0a:00:00:00:00:02", "10.0.0.2")
    mixed.wait_up("p1", "p2")
    mixed.nbctl("--wait=hv", "sync")
    reach(a, b)
    return a, b


def check_central(central):
    before = central.text().count("check: ")
    central.child.send_signal(signal.SIGUSR1)
    wait_for("central's check", lambda: central.text().count("check: ") > before)
    assert "check: differs" not in central.text(), central.text()


def test_a_gateway_and_running_traffic(mixed):
    a, b = build(mixed)
    before = rows(mixed)
    assert any("cr-lr0-public" in row for row in before["Port_Binding"])
    with Traffic(a, b) as traffic:
        mixed.northd.stop()
        central = mixed.start_heddle_central()
        mixed.nbctl("--wait=hv", "sync")
        assert rows(mixed) == before
        check_central(central)
        traffic.wait_for_more()
        central.stop()
        mixed.northd.start()
        mixed.nbctl("--wait=hv", "sync")
        traffic.wait_for_more()
    assert traffic.lost == 0
    assert rows(mixed) == before
