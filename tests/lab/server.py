"""A small server for the laboratory: listens as told, answers what it gets, and says "ready".

    server.py [OPTIONS] ADDRESS PORT [+ [OPTIONS] ADDRESS PORT]…

Options of one listener: --udp, --v6only 0|1, --device NAME, --reuseaddr, --reuseport, --backlog N,
--uid N (whose the socket is), --no-accept (the kernel completes handshakes, nobody takes them),
--no-listen (bound only), --freebind.
A listener that cannot be bound ends the program, unless --try is given: then its error is printed
as "failed INDEX ERRNO" before "ready".
"""

import argparse
import errno
import os
import selectors
import socket
import struct
import sys

IP_PKTINFO = 8
IP_FREEBIND = 15


def parse(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--v6only", type=int)
    parser.add_argument("--device")
    parser.add_argument("--reuseaddr", action="store_true")
    parser.add_argument("--reuseport", action="store_true")
    parser.add_argument("--freebind", action="store_true")
    parser.add_argument("--uid", type=int, default=0)
    parser.add_argument("--backlog", type=int, default=16)
    parser.add_argument("--no-accept", action="store_true")
    parser.add_argument("--no-listen", action="store_true")
    parser.add_argument("--try", dest="may_fail", action="store_true")
    return parser.parse_args(words)


def split(words):
    group = []
    for word in words:
        if word == "+":
            yield group
            group = []
        else:
            group.append(word)
    yield group


def make_socket(wish):
    family = socket.AF_INET6 if ":" in wish.address else socket.AF_INET
    os.seteuid(wish.uid)
    made = socket.socket(family, socket.SOCK_DGRAM if wish.udp else socket.SOCK_STREAM)
    os.seteuid(0)
    try:
        if wish.reuseaddr:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if wish.reuseport:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if wish.freebind:
            made.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
        if wish.v6only is not None:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, wish.v6only)
        if wish.device:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, wish.device.encode() + b"\0")
        if wish.udp and family == socket.AF_INET:
            made.setsockopt(socket.SOL_IP, IP_PKTINFO, 1)
        elif wish.udp:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        made.bind((wish.address, wish.port))
        if not wish.udp and not wish.no_listen:
            made.listen(wish.backlog)
    except OSError:
        made.close()
        raise
    return made


def source_of(ancillary):
    """The address a datagram was sent to, as the source of the answer: without it the kernel
    chooses, and a client of a host with several addresses hears from a stranger."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_IP, IP_PKTINFO):
            _, _, called = struct.unpack("=I4s4s", data[:12])
            return [(level, kind, struct.pack("=I4s4s", 0, called, bytes(4)))]
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            return [(level, kind, data[:16] + struct.pack("=I", 0))]
    return []


def answer_datagram(listener):
    try:
        data, ancillary, _, peer = listener.recvmsg(2000, 256)
        listener.sendmsg([b"pong " + data], source_of(ancillary), 0, peer)
    except OSError:
        pass  # an ICMP error of an earlier answer


def serve(listeners):
    selector = selectors.DefaultSelector()
    for wish, listener in listeners:
        listener.setblocking(False)
        if wish.udp:
            selector.register(listener, selectors.EVENT_READ, answer_datagram)
        elif not wish.no_accept and not wish.no_listen:
            selector.register(listener, selectors.EVENT_READ,
                              lambda ready: accept(selector, ready))
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


def accept(selector, listener):
    try:
        connection, _ = listener.accept()
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.ECONNABORTED):
            return
        raise
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ, lambda ready: answer(selector, ready))


def answer(selector, connection):
    try:
        data = connection.recv(2000)
        if data:
            connection.sendall(b"pong " + data)
            return
    except OSError:
        pass
    selector.unregister(connection)
    connection.close()


def main():
    listeners = []
    for index, words in enumerate(split(sys.argv[1:])):
        wish = parse(words)
        try:
            listeners.append((wish, make_socket(wish)))
        except OSError as error:
            if not wish.may_fail:
                raise
            print(f"failed {index} {errno.errorcode.get(error.errno, error.errno)}")
    print("ready", flush=True)
    serve(listeners)


main()
