#!/usr/bin/env python3
"""Fills a network namespace with sockets, for measurements.

S: 2,000 listeners, 3,000 processes with 20 descriptors each.
L: S and 200,000 connections over loopback (402,000 sockets, 472,000 descriptors).

Run it inside a network namespace of its own, as root:

    ip netns add bench && ip netns exec bench ip link set lo up
    ip netns exec bench python3 bench/fixture_sockets.py L

It prints "ready" once everything stands and ends, with all its children, on end of input.
The listeners are on 127.0.0.1, ports 10000 up; a connection needs a port of its own per address
pair, so the connections go to 20 addresses 127.0.1.x, from as many 127.0.2.x.
"""
import argparse
import os
import resource
import signal
import socket
import sys

LISTENERS = 2000
PROCESSES = 3000
DESCRIPTORS = 20
CONNECTIONS = {"S": 0, "L": 200_000}
SERVERS = 20
FIRST_PORT = 10000
PER_HOLDER = 5_000


def child(work):
    """Forks; the child does its work, says so, and waits to be killed."""
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(ready_write)
        answer = os.read(ready_read, 1)
        os.close(ready_read)
        if answer != b"y":
            sys.exit("a child failed")
        return pid
    os.close(ready_read)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        kept = work()
        os.write(ready_write, b"y")
        os.close(ready_write)
        while kept is not None:
            signal.pause()
    finally:
        os._exit(1)


def fill_descriptors():
    """Opens /dev/null until the process has DESCRIPTORS."""
    count = len(os.listdir("/proc/self/fd")) - 1
    return [os.open("/dev/null", os.O_RDONLY) for _ in range(max(DESCRIPTORS - count, 0))]


def listeners(first, count):
    sockets = []
    for port in range(first, first + count):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(16)
        sockets.append(listener)
    return sockets


def connections(holder, count):
    """Both ends of `count` connections, held by this process."""
    held = []
    address = f"127.0.1.{holder % SERVERS + 1}"
    server = socket.socket()
    server.bind((address, 9000 + holder // SERVERS))
    server.listen(1024)
    target = server.getsockname()
    for _ in range(count):
        client = socket.socket()
        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((f"127.0.2.{holder % SERVERS + 1}", 0))
        client.connect(target)
        held.append((client, server.accept()[0]))
    return [server, held]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=sorted(CONNECTIONS))
    size = parser.parse_args().size
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    pids = []
    try:
        for number in range(PROCESSES):
            first = LISTENERS * number // PROCESSES
            count = LISTENERS * (number + 1) // PROCESSES - first
            pids.append(child(lambda: [listeners(FIRST_PORT + first, count), fill_descriptors()]))
        for holder in range(CONNECTIONS[size] // PER_HOLDER):
            pids.append(child(lambda: connections(holder, PER_HOLDER)))
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
