#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Those whom a coordinator refuses.

    interval_guest.py bare|stranger|plain|garbage|oversized|idle ADDRESS PORT FOLDER

bare, stranger: TLS with no certificate, or with one of another CA; plain: no TLS at all; garbage,
oversized: with a good certificate, what is no IPFIX and a message that is too long; idle: two
hundred connections that say nothing, for as long as standard input is open.

Exit status 0: the coordinator ended the connection (idle: closed some of them).
"""

import socket
import ssl
import struct
import sys
from select import select

PATIENCE_S = 15
IDLE = 200


def connect(address):
    return socket.create_connection(address, timeout=PATIENCE_S)


def connect_tls(address, folder, certificate):
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    if certificate:
        context.load_cert_chain(f"{folder}/{certificate}.pem", f"{folder}/{certificate}.key")
    return context.wrap_socket(connect(address), server_hostname=address[0])


def is_ended(connection):
    """Reads on until the other end hangs up."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass  # reset, or an alert
    return True


def say(connection, data):
    connection.sendall(data)
    return is_ended(connection)


def be_idle(address):
    guests = [connect(address) for _ in range(IDLE)]
    print(len(guests), flush=True)
    waiting = set(guests)
    ended = 0
    while sys.stdin not in (ready := select([sys.stdin, *waiting], [], [], PATIENCE_S)[0]):
        if not ready:
            break
        for guest in ready:
            waiting.discard(guest)
            ended += is_ended(guest)
    print(ended, flush=True)
    return ended > 0


def main():
    what, host, port, folder = sys.argv[1:]
    address = host, int(port)
    if what == "idle":
        return be_idle(address)
    if what == "plain":
        return say(connect(address), b"GET / HTTP/1.0\r\n\r\n")
    try:
        certificate = {"bare": None, "stranger": "stranger"}.get(what, "guest")
        connection = connect_tls(address, folder, certificate)
    except ssl.SSLError:
        return what in ("bare", "stranger")
    if what == "garbage":
        return say(connection, b"\xff" * 64)
    if what == "oversized":
        # An IPFIX header whose message would have 60,000 bytes, and the first of them.
        return say(connection, struct.pack(">HHIII", 10, 60000, 0, 0, 1) + bytes(30000))
    return is_ended(connection)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
