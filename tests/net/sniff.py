# SPDX-License-Identifier: Apache-2.0
"""Sending and receiving frames in a network namespace."""
import secrets
import select
import socket
import time

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

ETH_P_ALL = 3
PACKET_OTHERHOST, PACKET_OUTGOING = 3, 4
GENEVE_PORT = 6081


class Sniffer:
    """Frames that come in on a device (None: that pass through the ports of a bridge, each once).

    Made with the thread in the right namespace. A marked payload tells one test's frame from
    whatever else there is."""

    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        if device:
            self.socket.bind((device, ETH_P_ALL))
        self.all_devices = device is None
        self.socket.setblocking(False)
        self.frames = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, frame):
        self.socket.send(bytes(frame))

    def read(self):
        """Takes in what has arrived; all frames since clear(), as bytes."""
        while True:
            try:
                frame, source = self.socket.recvfrom(1 << 17)
            except BlockingIOError:
                return self.frames
            if self.all_devices and source[2] != PACKET_OTHERHOST:
                continue
            if source[2] != PACKET_OUTGOING:
                self.frames.append(frame)

    def clear(self):
        self.read()
        self.frames = []

    def having(self, mark):
        """Frames that contain the bytes."""
        return [f for f in self.read() if mark in f]

    def wait(self, mark, seconds=30):
        """Until a frame with the mark has come; False if none does."""
        end = time.monotonic() + seconds
        while not self.having(mark):
            left = end - time.monotonic()
            if left <= 0:
                return False
            select.select([self.socket], [], [], left)
        return True

    def tunnelled(self, mark=b""):
        """(outer source, outer destination, VNI, ingress key, egress key, inner frame) of each
        Geneve packet with the mark."""
        return [decoded for f in self.having(mark) if (decoded := decode_geneve(f))]


def decode_geneve(frame):
    packet = Ether(frame)
    if UDP not in packet or packet[UDP].dport != GENEVE_PORT:
        return None
    geneve = bytes(packet[UDP].payload)
    options = (geneve[0] & 0x3F) * 4
    vni = int.from_bytes(geneve[4:7], "big")
    ingress = egress = None
    if geneve[8:12] == bytes.fromhex("01028001"):
        ingress = int.from_bytes(geneve[12:14], "big")
        egress = int.from_bytes(geneve[14:16], "big")
    return packet[IP].src, packet[IP].dst, vni, ingress, egress, geneve[8 + options:]


def new_mark():
    return b"mark" + secrets.token_hex(8).encode()


def marked_frame(source_mac, destination_mac, source_ip, destination_ip, mark):
    """A packet that no stack answers: an answer that quotes it would carry the mark too."""
    return (Ether(src=source_mac, dst=destination_mac) / IP(src=source_ip, dst=destination_ip) /
            ICMP(type="echo-reply", id=1) / Raw(mark))


def geneve_frame(ether, source, destination, vni, option, inner, **geneve):
    """A tunnel packet as a host would send it, or nearly: everything can be made wrong."""
    header = bytes([len(option) // 4, 0x40 if option else 0]) + b"\x65\x58" + \
        vni.to_bytes(3, "big") + b"\0"
    return (ether / IP(src=source, dst=destination) /
            UDP(sport=geneve.get("sport", 50000), dport=geneve.get("dport", GENEVE_PORT), chksum=0) /
            Raw(header + option + bytes(inner)))


def ovn_option(ingress, egress):
    return bytes.fromhex("01028001") + ingress.to_bytes(2, "big") + egress.to_bytes(2, "big")
