"""A small server for the laboratory: listens as told, answers what it gets, and says "ready".

    server.py [OPTIONS] ADDRESS PORT [+ [OPTIONS] ADDRESS PORT]…

Options of one listener: --udp, --mptcp, --v6only 0|1, --device NAME, --late-device NAME (bound to it
only after listen()), --reuseaddr, --reuseport, --backlog N, --no-accept (the kernel completes
handshakes, nobody takes them), --no-listen (bound only), --freebind, --peer ADDRESS PORT (UDP:
connected to it), --uid N (whose the socket is), --mark N, --transparent, --defer-accept SECONDS,
--fastopen, --md5 PEER (TCP-MD5 signatures demanded of that client). ADDRESS may have a scope: fe80::1%eth0.
--spent: nothing listens; the port has an established connection and one in TIME_WAIT of a listener
that is gone.
A listener that cannot be bound ends the program, unless --try is given: then its error is printed
as "failed INDEX ERRNO" before "ready". With --identify "listening INDEX INODE" is printed, and
answers begin with the index.
"""

import argparse
import errno
import os
import selectors
import socket
import struct
import sys

IPPROTO_MPTCP = 262
IP_PKTINFO = 8
IP_FREEBIND = 15
TCP_MD5SIG = 14
IPV6_TRANSPARENT = 75


def parse(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--v6only", type=int)
    parser.add_argument("--mptcp", action="store_true")
    parser.add_argument("--device")
    parser.add_argument("--late-device")
    parser.add_argument("--peer", nargs=2)
    parser.add_argument("--spent", action="store_true")
    parser.add_argument("--identify", action="store_true")
    parser.add_argument("--reuseaddr", action="store_true")
    parser.add_argument("--reuseport", action="store_true")
    parser.add_argument("--freebind", action="store_true")
    parser.add_argument("--uid", type=int, default=0)
    parser.add_argument("--backlog", type=int, default=16)
    parser.add_argument("--mark", type=int)
    parser.add_argument("--transparent", action="store_true")
    parser.add_argument("--defer-accept", type=int)
    parser.add_argument("--fastopen", action="store_true")
    parser.add_argument("--md5")
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


def address_of(text, port):
    """What bind() and connect() take for an address that may have a scope."""
    address, _, scope = text.partition("%")
    if ":" not in address:
        return (address, port)
    return (address, port, 0, socket.if_nametoindex(scope) if scope else 0)


def bind_to_device(made, name):
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")


def demand_md5(made, peer):
    """TCP_MD5SIG with one key for one address (struct tcp_md5sig)."""
    if ":" in peer:
        address = struct.pack("=HHI16sI100x", socket.AF_INET6, 0, 0,
                              socket.inet_pton(socket.AF_INET6, peer), 0)
    else:
        address = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(peer))
    made.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG,
                    address + struct.pack("=BBHi80s", 0, 0, 3, 0, b"key"))


def set_rare_options(made, wish):
    if wish.mark is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, wish.mark)
    if wish.transparent and made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    elif wish.transparent:
        made.setsockopt(socket.SOL_IP, socket.IP_TRANSPARENT, 1)
    if wish.defer_accept:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, wish.defer_accept)
    if wish.fastopen:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
    if wish.md5:
        demand_md5(made, wish.md5)


def set_options(made, wish):
    if wish.reuseaddr:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if wish.reuseport:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    set_rare_options(made, wish)
    if wish.freebind:
        made.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    if wish.v6only is not None:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, wish.v6only)
    if wish.device:
        bind_to_device(made, wish.device)
    if wish.udp and made.family == socket.AF_INET:
        made.setsockopt(socket.SOL_IP, IP_PKTINFO, 1)
    elif wish.udp:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)


def make_socket(wish):
    family = socket.AF_INET6 if ":" in wish.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if wish.udp else socket.SOCK_STREAM
    os.seteuid(wish.uid)
    made = socket.socket(family, kind, IPPROTO_MPTCP if wish.mptcp else 0)
    os.seteuid(0)
    try:
        set_options(made, wish)
        made.bind(address_of(wish.address, wish.port))
        if wish.peer:
            made.connect(address_of(wish.peer[0], int(wish.peer[1])))
        if not wish.udp and not wish.no_listen:
            made.listen(wish.backlog)
        if wish.late_device:
            bind_to_device(made, wish.late_device)
        return spend(made, wish) if wish.spent else made
    except OSError:
        made.close()
        raise


def spend(listener, wish):
    """Leaves two connections of a listener: one established, one that ended first on this side."""
    kept = []
    for keep in (True, False):
        client = socket.create_connection((wish.address, wish.port), timeout=5)
        connection, _ = listener.accept()
        if keep:
            kept += [connection, client]
        else:
            connection.close()
            client.recv(1)
            client.close()
    listener.close()
    return kept


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


def answer_datagram(listener, greeting):
    try:
        data, ancillary, _, peer = listener.recvmsg(2000, 256)
        listener.sendmsg([greeting + data], source_of(ancillary), 0, peer)
    except OSError:
        pass  # an ICMP error of an earlier answer


def greeting_of(wish, index):
    return f"pong {index} ".encode() if wish.identify else b"pong "


def serve(listeners):
    selector = selectors.DefaultSelector()
    for index, wish, listener in listeners:
        if wish.spent:
            continue
        greeting = greeting_of(wish, index)
        listener.setblocking(False)
        if wish.udp:
            selector.register(listener, selectors.EVENT_READ,
                              lambda ready, greeting=greeting: answer_datagram(ready, greeting))
        elif not wish.no_accept and not wish.no_listen:
            selector.register(listener, selectors.EVENT_READ,
                              lambda ready, greeting=greeting: accept(selector, ready, greeting))
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


def accept(selector, listener, greeting):
    try:
        connection, _ = listener.accept()
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.ECONNABORTED):
            return
        raise
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ,
                      lambda ready: answer(selector, ready, greeting))


def answer(selector, connection, greeting):
    try:
        data = connection.recv(2000)
        if data:
            connection.sendall(greeting + data)
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
            made = make_socket(wish)
        except OSError as error:
            if not wish.may_fail:
                raise
            print(f"failed {index} {errno.errorcode.get(error.errno, error.errno)}")
            continue
        listeners.append((index, wish, made))
        if wish.identify and not wish.spent:
            print(f"listening {index} {os.fstat(made.fileno()).st_ino}")
    print("ready", flush=True)
    serve(listeners)


if __name__ == "__main__":
    main()
