# SPDX-License-Identifier: Apache-2.0
"""ovsdbapp, as Neutron and os-vif use it, and on top of it what OpenStack's metadata agent does."""
import http.client
import pathlib
import queue
import socket
import sys

from fabric import PEERS, Namespace, Process, in_netns, wait_for

sys.path.append(str(PEERS / "usr/lib/python3/dist-packages"))
from ovs.db import idl  # noqa: E402, F401
from ovsdbapp import event as ovsdb_event  # noqa: E402
from ovsdbapp.backend.ovs_idl import connection, event, idlutils  # noqa: E402, F401
from ovsdbapp.schema.open_vswitch import impl_idl as ovs  # noqa: E402
from ovsdbapp.schema.ovn_northbound import impl_idl as nb  # noqa: E402
from ovsdbapp.schema.ovn_southbound import impl_idl as sb  # noqa: E402

TIMEOUT_S = 10
METADATA_IP = "169.254.169.254"


class Idl(connection.OvsdbIdl):
    """Every column of the served schema is watched, and events are handed on."""

    def __init__(self, *args, **kw):
        self.handler = ovsdb_event.RowEventHandler()
        super().__init__(*args, **kw)

    def notify(self, event, row, updates=None):
        self.handler.notify(event, row, updates)


class Event(event.RowEvent):
    """Rows of a table that were created, updated or deleted, with what they were before."""

    def __init__(self, table, events, accept, act):
        super().__init__(events, table, None)
        self.accept, self.act = accept, act

    def match_fn(self, event, row, old):
        return self.accept(row, old)

    def run(self, event, row, old):
        self.act(event, row)


class Clients:
    """Connections that are ended together."""

    def __init__(self):
        self.connections = []

    def connect(self, remote, api, *events):
        idl = Idl.from_server(remote, api.schema)
        idl.handler.watch_events(events)
        link = connection.Connection(idl, TIMEOUT_S)
        self.connections.append(link)
        # A class of its own: ovsdbapp keeps one connection per class.
        return type(api.__name__, (api,), {"_ovsdb_connection": None})(link)

    def nb(self, fabric):
        return self.connect(fabric.nb_remote, nb.OvnNbApiIdlImpl)

    def sb(self, fabric, *events):
        return self.connect(fabric.sb_remote, sb.OvnSbApiIdlImpl, *events)

    def ovs(self, host):
        return self.connect(host.db, ovs.OvsdbIdl)

    def close(self):
        for link in self.connections:
            link.stop(TIMEOUT_S)
            link.idl.handler.shutdown()


class MetadataAgent:
    """What serves a host's instances: per network a namespace, a localport, a proxy."""

    def __init__(self, clients, fabric, host):
        self.fabric, self.host, self.networks = fabric, host, {}
        self.events = queue.Queue()
        self.ovs = clients.ovs(host)
        self.chassis = self.ovs.db_get("Open_vSwitch", ".", "external_ids").execute()["system-id"]
        self.sb = clients.sb(
            fabric, Event("Port_Binding", (Event.ROW_UPDATE,), self.is_bound_here, self.on_event),
            Event("SB_Global", (Event.ROW_UPDATE,), self.is_new_cfg, self.on_event))
        self.sb.db_set("Chassis_Private", self.chassis, (
            "external_ids", {"neutron:ovn-metadata-id": f"agent-{host.name}"})).execute(check_error=True)

    def is_bound_here(self, row, old):
        """An update of chassis from none to ours: nothing else counts."""
        return (hasattr(old, "chassis") and not old.chassis and row.chassis and
                row.chassis[0].name == self.chassis)

    def is_new_cfg(self, row, old):
        return hasattr(old, "nb_cfg")

    def on_event(self, event, row):
        self.events.put((row._table.name, row))

    def serve(self, switch):
        """Until the network's proxy answers."""
        while switch not in self.networks:
            table, row = self.events.get(timeout=TIMEOUT_S)
            if table == "Port_Binding":
                self.provision(row.datapath)
            else:
                self.report(row.nb_cfg)

    def report(self, nb_cfg):
        self.sb.db_set("Chassis_Private", self.chassis, (
            "external_ids", {"neutron:ovn-metadata-sb-cfg": str(nb_cfg)})).execute(check_error=True)

    def provision(self, datapath):
        name = datapath.external_ids["name"]
        if name in self.networks:
            return
        local = next(p for p in self.sb.db_find_rows("Port_Binding", ("type", "=", "localport"))
                     .execute(check_error=True) if p.datapath == datapath)
        mac = local.mac[0].split()[0]
        space = Namespace(f"{self.fabric.prefix}-{self.host.name}-meta-{name}")
        device = f"tap{name[:8]}0"
        self.host.ip("link", "add", "name", device, "type", "veth", "peer", "name", "meta", "address",
                     mac, "netns", space.netns)
        self.host.ip("link", "set", "dev", device, "addrgenmode", "none", "up")
        space.ip("link", "set", "dev", "meta", "addrgenmode", "none", "mtu", "1442", "up")
        for cidr in local.external_ids["neutron:cidrs"].split() + [f"{METADATA_IP}/32"]:
            space.ip("addr", "add", cidr, "dev", "meta")
        self.ovs.add_port("br-int", device).execute(check_error=True)
        self.ovs.db_set("Interface", device, ("external_ids", {"iface-id": local.logical_port})).execute(
            check_error=True)
        self.networks[name] = Proxy(self.fabric, space, f"{self.host.name} {name}")


class Proxy(Process):
    """An HTTP server in the network's namespace, telling whose it is."""

    def __init__(self, fabric, space, text):
        folder = pathlib.Path(fabric.dir / space.netns)
        folder.mkdir()
        (folder / "who").write_text(text)
        fabric.processes.append(self)
        super().__init__(space, folder / "log", sys.executable, "-m", "http.server", "80", "--bind",
                         METADATA_IP, "--directory", folder)
        wait_for("the proxy listens", lambda: in_netns(space.netns, fetch) == text)


def fetch(path="/who"):
    """The answer, or None if there is none; with the thread in a network namespace."""
    link = http.client.HTTPConnection(METADATA_IP, timeout=2)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.read().decode() if answer.status == 200 else f"status {answer.status}"
    except (OSError, socket.timeout):
        return None
    finally:
        link.close()
