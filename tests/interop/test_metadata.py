# SPDX-License-Identifier: Apache-2.0
"""OpenStack's metadata service through localports: under heddle central, and with a stock host under ovn-northd."""
import socket

import pytest
from fabric import in_netns, wait_for
from metadata_agent import METADATA_IP, MetadataAgent, fetch
from sniff import new_mark

MAC = "0a:00:00:00:00:{:02x}"
NETWORKS = ("net1", "net2")  # with the same addresses in both
SERVED = ("h1", "h2")        # h3 serves no metadata


def start_heddle(request):
    fabric = request.getfixturevalue("fabric")
    return fabric, [fabric.host(name) for name in ("h1", "h2", "h3")]


def start_mixed(request):
    mixed = request.getfixturevalue("mixed")
    mixed.nbctl("set", "NB_Global", ".", f'options:heddle-nb-remote="{mixed.nb_remote}"')
    return mixed, [mixed.ovn_host("h1"), mixed.host("h2"), mixed.host("h3")]


@pytest.fixture(params=[start_heddle, start_mixed], ids=["heddle", "mixed"])
def beds(request):
    """(the fabric, {name: host})"""
    fabric, hosts = request.param(request)
    fabric.expected_drops = {"LOCALPORT_TO_REMOTE", "LOCALPORT_NOT_HERE", "NO_DESTINATION", "NO_PORT", "NOT_BOUND"}
    return fabric, {host.name: host for host in hosts}


@pytest.fixture
def agents(beds, clients):
    agents = {}
    yield agents
    for agent in agents.values():
        agent.close()


def create_networks(north):
    for network in NETWORKS:
        north.ls_add(network).execute(check_error=True)
        north.lsp_add(network, f"{network}-meta", type="localport", addresses=[f"{MAC.format(2)} 10.0.0.2"],
                      external_ids={"neutron:cidrs": "10.0.0.2/24"}).execute(check_error=True)
        for i, n in enumerate((11, 12, 13), 1):
            north.lsp_add(network, f"{network}-{i}", addresses=[f"{MAC.format(n)} 10.0.0.{n}"]).execute(
                check_error=True)


def start_agents(clients, fabric, hosts, agents):
    for name in SERVED:
        wait_for(f"{name} is a chassis", lambda: name in fabric.sbctl(
            "--bare", "--columns=name", "list", "Chassis_Private").split())
        agents[name] = MetadataAgent(clients, fabric, hosts[name])


def plug_instances(hosts, agents):
    """Two on the first host and one on the second, of each network: {port: workload}"""
    instances = {}
    for network in NETWORKS:
        for i, name in ((1, "h1"), (2, "h1"), (3, "h2")):
            port = f"{network}-{i}"
            instances[port] = hosts[name].plug(port, port, MAC.format(10 + i), f"10.0.0.{10 + i}")
            instances[port].ip("route", "add", f"{METADATA_IP}/32", "via", "10.0.0.2")  # DHCP option 121 says so
            agents[name].serve(network)
    return instances


def check_instance(fabric, wire, w):
    """Answered by its own host's agent, which is told the instance's address and network; nothing is on the wire."""
    mark = new_mark()
    expected = {"agent": w.host.name, "network": [w.port.split("-")[0]], "instance": [w.address]}
    assert in_netns(w.netns, fetch) == expected
    assert in_netns(w.netns, fetch, "/" + mark.decode()) == expected
    # On-link, without the route: the host's own localport answers the ARP.
    w.ip("route", "replace", f"{METADATA_IP}/32", "dev", "eth0")
    assert in_netns(w.netns, fetch, "/" + mark.decode()) == expected
    assert not wire.having(mark)


def check_without_metadata(fabric, w, bare):
    """The port moves to a host that has no proxy: no other host's answers."""
    w.host.unplug(w)
    moved = bare.plug(w.device, w.port, w.mac, w.address)
    moved.ip("route", "add", f"{METADATA_IP}/32", "via", "10.0.0.2")
    fabric.sync()
    with fabric.sniff_underlay() as wire:
        assert in_netns(moved.netns, fetch) is None
        assert not wire.having(socket.inet_aton(METADATA_IP))


def test_metadata_through_a_localport(beds, clients, agents):
    fabric, hosts = beds
    create_networks(clients.nb(fabric))
    fabric.nbctl("--wait=sb", "sync")
    start_agents(clients, fabric, hosts, agents)
    instances = plug_instances(hosts, agents)
    fabric.sync()
    with fabric.sniff_underlay() as wire:
        for w in instances.values():
            check_instance(fabric, wire, w)
    check_without_metadata(fabric, instances["net1-2"], hosts["h3"])
    for name, agent in agents.items():
        ids = agent.sb.db_get("Chassis_Private", name, "external_ids").execute(check_error=True)
        assert ids["neutron:ovn-metadata-id"] == f"agent-{name}"
    for network in NETWORKS:
        assert fabric.chassis_of(f"{network}-meta") == "" and fabric.binding(f"{network}-meta", "up") == "false"
