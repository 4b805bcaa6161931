#!/usr/bin/env python3
"""Fills the conntrack table of its namespace with made-up connections that nothing throws out, until
the kernel takes no more; prints how many. Their addresses are of 198.18.0.0/15 (RFC 2544).

nfnetlink messages IPCTNL_MSG_CT_NEW, many to a packet, without acknowledgements: what is refused
because the table is full (net/netfilter/nf_conntrack_core.c: __nf_conntrack_alloc()) comes back as an
error, the rest silently. Entries are ASSURED, so early_drop() passes them over.
"""

import errno
import socket
import struct
import sys

NETLINK_NETFILTER = 12
NEW = 1 << 8               # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW
REQUEST, CREATE, EXCL = 0x1, 0x400, 0x200
TUPLE_ORIG, TUPLE_REPLY, STATUS, PROTOINFO, TIMEOUT = 1, 2, 3, 4, 7
NESTED = 0x8000
SEEN_REPLY_ASSURED_CONFIRMED = 0x2 | 0x4 | 0x8
ESTABLISHED = 3
BATCH = 400


def attribute(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def connection_tuple(source, target, source_port, target_port):
    addresses = attribute(1, source) + attribute(2, target)
    ports = (attribute(1, bytes([socket.IPPROTO_TCP])) + attribute(2, struct.pack("!H", source_port))
             + attribute(3, struct.pack("!H", target_port)))
    return attribute(NESTED | 1, addresses) + attribute(NESTED | 2, ports)


def message(number):
    client = struct.pack("!I", 0xC6120001 + (number >> 15))
    server, port = struct.pack("!I", 0xC6130001), 20000 + (number & 0x7FFF)
    body = struct.pack("=BBH", socket.AF_INET, 0, 0)
    body += attribute(NESTED | TUPLE_ORIG, connection_tuple(client, server, port, 80))
    body += attribute(NESTED | TUPLE_REPLY, connection_tuple(server, client, 80, port))
    body += attribute(STATUS, struct.pack("!I", SEEN_REPLY_ASSURED_CONFIRMED))
    body += attribute(TIMEOUT, struct.pack("!I", 3600))
    body += attribute(NESTED | PROTOINFO,
                      attribute(NESTED | 1, attribute(1, bytes([ESTABLISHED]))))
    return struct.pack("=IHHII", len(body) + 16, NEW, REQUEST | CREATE | EXCL, number, 0) + body


def refused(netlink):
    """The errors of what was sent last."""
    codes = set()
    while True:
        try:
            data = netlink.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return codes
        while data:
            length, = struct.unpack_from("=I", data)
            codes.add(-struct.unpack_from("=i", data, 16)[0])
            data = data[(length + 3) & ~3:]


def main():
    most = int(sys.argv[1])
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        netlink.bind((0, 0))
        for first in range(0, most + BATCH, BATCH):
            netlink.send(b"".join(message(first + one) for one in range(BATCH)))
            if codes := refused(netlink):
                full = codes == {errno.ENOMEM}
                print("full" if full else f"refused {sorted(codes)}", flush=True)
                return 0 if full else 1
    print("not full", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
