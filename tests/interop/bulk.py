# SPDX-License-Identifier: Apache-2.0
"""Bulk transfers between workloads."""
import hashlib
import socket
import threading

from fabric import in_netns


def serve(listener, result):
    conn, _ = listener.accept()
    with conn:
        digest, total = hashlib.sha256(), 0
        while data := conn.recv(1 << 18):
            digest.update(data)
            total += len(data)
        result.append(total)
        conn.sendall(digest.digest())


def transfer(a, b, family, address, size):
    """size bytes by TCP from a to b; the receiver's digest comes back."""
    listener = in_netns(b.netns, socket.socket, family, socket.SOCK_STREAM)
    client = in_netns(a.netns, socket.socket, family, socket.SOCK_STREAM)
    with listener, client:
        listener.settimeout(30)
        client.settimeout(30)
        listener.bind((address, 0))
        listener.listen()
        result = []
        server = threading.Thread(target=serve, args=(listener, result))
        server.start()
        client.connect((address, listener.getsockname()[1]))
        data = hashlib.shake_256(address.encode()).digest(1 << 20) * (size >> 20)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        got = client.recv(64)
        server.join()
        assert result == [len(data)] and got == hashlib.sha256(data).digest()
