# SPDX-License-Identifier: Apache-2.0
"""What OpenStack's metadata agent does: per network a namespace, a localport and haproxy, behind which the agent answers."""
import http.client
import http.server
import json
import queue
import socket
import socketserver
import threading

from fabric import Namespace, Process, in_netns, wait_for
from mixed import tool
from stock_clients import TIMEOUT_S, Event

METADATA_IP = "169.254.169.254"
# As Neutron writes it, but for what concerns logging and becoming a daemon.
HAPROXY = """global
    maxconn 1024
defaults
    mode http
    option http-server-close
    option forwardfor
    retries 3
    timeout http-request 30s
    timeout connect 30s
    timeout client 32s
    timeout server 32s
    timeout http-keep-alive 30s
listen listener
    bind {address}:80
    server metadata {backend}
    http-request add-header X-OVN-Network-ID {network}
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Tells who asks whom, as the proxy says: an instance is known by its address and its network."""

    def do_GET(self):
        body = json.dumps({"agent": self.server.name, "network": self.headers.get_all("X-OVN-Network-ID"),
                           "instance": self.headers.get_all("X-Forwarded-For")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

    def address_string(self):
        return ""  # a unix socket's peer has none


class Backend(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path, name):
        self.name, self.path = name, str(path)
        super().__init__(self.path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class MetadataAgent:
    def __init__(self, clients, fabric, host):
        self.fabric, self.host, self.networks = fabric, host, {}
        self.events = queue.Queue()
        self.backend = Backend(host.dir / "metadata.sock", host.name)
        self.ovs = clients.ovs(host)
        self.chassis = self.ovs.db_get("Open_vSwitch", ".", "external_ids").execute()["system-id"]
        self.sb = clients.sb(
            fabric, Event("Port_Binding", ("update",), self.is_bound_here, self.on_event),
            Event("SB_Global", ("update",), self.is_new_cfg, self.on_event))
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
        space = Namespace(f"{self.fabric.prefix}-{self.host.name}-meta-{name}")
        device = f"tap{name[:8]}0"
        self.make_devices(space, device, local)
        self.ovs.add_port("br-int", device).execute(check_error=True)
        self.ovs.db_set("Interface", device, ("external_ids", {"iface-id": local.logical_port})).execute(
            check_error=True)
        self.networks[name] = self.start_proxy(space, name)

    def make_devices(self, space, device, local):
        self.host.ip("link", "add", "name", device, "type", "veth", "peer", "name", "meta", "address",
                     local.mac[0].split()[0], "netns", space.netns)
        self.host.ip("link", "set", "dev", device, "addrgenmode", "none", "up")
        space.ip("link", "set", "dev", "meta", "addrgenmode", "none", "mtu", "1442", "up")
        if self.ovs.db_get("Bridge", "br-int", "datapath_type").execute() == "netdev":
            space.run("ethtool", "-K", "meta", "tx", "off")  # Neutron has iptables fill in checksums
        for cidr in local.external_ids["neutron:cidrs"].split() + [f"{METADATA_IP}/32"]:
            space.ip("addr", "add", cidr, "dev", "meta")

    def start_proxy(self, space, network):
        config = self.fabric.dir / f"{space.netns}.haproxy"
        config.write_text(HAPROXY.format(address=METADATA_IP, backend=self.backend.path, network=network))
        proxy = Process(space, f"{config}.log", tool("haproxy"), "-db", "-f", config)
        proxy.wait_for("haproxy listens", lambda: in_netns(space.netns, fetch))
        return proxy

    def close(self):
        for proxy in self.networks.values():
            proxy.stop()
        self.backend.shutdown()
        self.backend.server_close()


def fetch(path="/"):
    """The answer, or None if there is none; with the thread in a network namespace."""
    link = http.client.HTTPConnection(METADATA_IP, timeout=2)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return json.loads(answer.read()) if answer.status == 200 else f"status {answer.status}"
    except (OSError, socket.timeout):
        return None
    finally:
        link.close()
