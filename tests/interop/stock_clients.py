# SPDX-License-Identifier: Apache-2.0
"""ovsdbapp, as Neutron and os-vif use it."""
import sys

from fabric import PEERS

sys.path.append(str(PEERS / "usr/lib/python3/dist-packages"))
from ovs.db import idl  # noqa: E402, F401
from ovsdbapp import event as ovsdb_event  # noqa: E402
from ovsdbapp.backend.ovs_idl import connection, event, idlutils  # noqa: E402, F401
from ovsdbapp.schema.open_vswitch import impl_idl as ovs  # noqa: E402
from ovsdbapp.schema.ovn_northbound import impl_idl as nb  # noqa: E402
from ovsdbapp.schema.ovn_southbound import impl_idl as sb  # noqa: E402

TIMEOUT_S = 10


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


def shown(host):
    """The lines of "ovs-vsctl show" but for the first, which is a uuid."""
    return sorted(line.strip() for line in host.vsctl("show").splitlines()[1:])
