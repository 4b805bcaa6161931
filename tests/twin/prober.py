#!/usr/bin/env python3
"""Real clients, many side by side. Reads lines [[proto, source, address, port, mark], …] of JSON,
makes all attempts of a line at once, and writes one line [[outcome, errno's name or null], …] in their
order. `mark` may be missing or null; with one the client's packets carry it, so that rules of its host
choose their way, and it may have any source. With an argument it gives up root for that user's id.
"""

import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

from lab import connect_tcp, connect_udp

IPV6_TRANSPARENT = 75


def marked(mark):
    def prepare(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        if connection.family == socket.AF_INET6:
            connection.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        else:
            connection.setsockopt(socket.SOL_IP, socket.IP_TRANSPARENT, 1)
    return prepare


def attempt(words):
    proto, source, address, port = words[:4]
    mark = words[4] if len(words) > 4 else None
    connect = connect_udp if proto == "udp" else connect_tcp
    return connect(address, int(port), source, prepare=marked(mark) if mark else None)


def main():
    with ThreadPoolExecutor(64) as pool:
        for line in sys.stdin:
            print(json.dumps(list(pool.map(attempt, json.loads(line)))), flush=True)


if len(sys.argv) > 1:
    os.setuid(int(sys.argv[1]))
main()
