#!/usr/bin/env python3
"""Connects to ADDRESS PORT as often as COUNT says, tells that it has, and keeps the connections."""

import socket
import sys
import threading


def main():
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    kept = [socket.create_connection((address, port), timeout=5) for _ in range(count)]
    print(len(kept), flush=True)
    threading.Event().wait()


main()
