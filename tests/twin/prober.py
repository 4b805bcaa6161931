#!/usr/bin/env python3
"""Real clients, many side by side. Reads lines [[proto, source, address, port], …] of JSON, makes all
attempts of a line at once, and writes one line [[outcome, errno's name or null], …] in their order.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

from lab import connect_tcp, connect_udp


def attempt(words):
    proto, source, address, port = words
    connect = connect_udp if proto == "udp" else connect_tcp
    return connect(address, int(port), source)


def main():
    with ThreadPoolExecutor(64) as pool:
        for line in sys.stdin:
            print(json.dumps(list(pool.map(attempt, json.loads(line)))), flush=True)


main()
