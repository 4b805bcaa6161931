#!/usr/bin/env python3
"""Measures `synfate who` against a bare dump of the same set, in a network namespace of its own.

    bench/who.py [--rules 20000] [--elements 200000] [--shape ports]

Shapes of the rules, all in one chain before the one that looks at the set:
  ports    tcp dport N drop: none is about the port asked
  sources  ip saddr A drop: each cuts the class of all sources
  both     ip saddr A tcp dport N drop
  accept   ip saddr A accept: twenty thousand ways to pass
The budget: 1.3 times the bare dump and half a second. Medians of five runs, process start included;
in brackets the processor's time, which a busy machine does not change.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "lab"))

from lab import Lab, enter
from program import synfate_program

NETLINK_NETFILTER = 12
GETSETELEM = 10 << 8 | 13 # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM
RUNS = 5


def address(first, at):
    return socket.inet_ntoa(struct.pack("!I", first + 2 * at))


def rule(shape, at):
    source = f"ip saddr {address(0xac000000, at)}"
    port = f"tcp dport {10000 + at % 50000}"
    return {"ports": f"{port} drop", "sources": f"{source} drop", "both": f"{source} {port} drop",
            "accept": f"{source} accept"}[shape]


def ruleset(options):
    elements = ", ".join(address(0x0b000000, at) for at in range(options.elements))
    kind = "ipv4_addr; flags interval" if options.interval else "ipv4_addr"
    lines = ["table inet f {", f"  set big {{ type {kind}; elements = {{ {elements} }}; }}",
             "  chain input { type filter hook input priority 0; policy accept;"]
    lines += [f"    {rule(options.shape, at)}" for at in range(options.rules)]
    lines += ["    ip saddr @big drop", "  }", "}"]
    return "\n".join(lines)


def attribute(kind, text):
    data = text.encode() + b"\0"
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def ends(data):
    """True if a message of the datagram is an error or the dump's end."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if kind in (2, 3):
            return True
        data = data[(length + 3) & ~3:]
    return False


def bare_dump():
    """Milliseconds for one NFT_MSG_GETSETELEM dump, and those of the processor."""
    payload = struct.pack("=BBH", 1, 0, 0) + attribute(1, "f") + attribute(2, "big")
    header = struct.pack("=IHHII", 16 + len(payload), GETSETELEM, 0x301, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as link:
        link.bind((0, 0))
        begin, used = time.perf_counter(), time.process_time()
        link.send(header + payload)
        while not ends(link.recv(1 << 16)):
            pass
        return (time.perf_counter() - begin) * 1000, (time.process_time() - used) * 1000


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(lab, *words):
    """Milliseconds, those of the processor, and what was printed."""
    begin, used = time.perf_counter(), children()
    done = subprocess.run([synfate_program(), "who", "8080", *words], stdout=subprocess.PIPE,
                          preexec_fn=lambda: enter(lab.server))
    return (time.perf_counter() - begin) * 1000, (children() - used) * 1000, done


def middle(runs, at):
    return statistics.median(run[at] for run in runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=20000)
    parser.add_argument("--elements", type=int, default=200000)
    parser.add_argument("--shape", choices=("ports", "sources", "both", "accept"), default="ports")
    parser.add_argument("--interval", action="store_true", help="the set is one of intervals")
    parser.add_argument("--verbose", action="store_true", help="what was read, and how long")
    parser.add_argument("--realtime", action="store_true", help="ahead of everything else")
    options = parser.parse_args()
    synfate_program() # before anything is made
    with Lab() as lab:
        subprocess.run(["nft", "-f", "-"], input=ruleset(options), text=True, check=True,
                       preexec_fn=lambda: enter(lab.server))
        lab.serve("0.0.0.0", "8080")
        if options.realtime:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        dumps = [lab.server.call(bare_dump) for _ in range(RUNS)]
        budget = [1.3 * middle(dumps, at) + 500 for at in (0, 1)]
        print(f"{options.rules} rules of shape {options.shape}, a set of {options.elements}")
        print(f"bare dump          {middle(dumps, 0):8.0f} ms ({middle(dumps, 1):.0f})")
        print(f"budget             {budget[0]:8.0f} ms ({budget[1]:.0f})")
        late = False
        for name, words in (("text", ()), ("json", ("--format", "json"))):
            runs = [timed(lab, *words) for _ in range(RUNS)]
            late = late or (middle(runs, 0) > budget[0] and middle(runs, 1) > budget[1])
            done = runs[0][2]
            print(f"who, {name:13} {middle(runs, 0):8.0f} ms ({middle(runs, 1):.0f})   "
                  f"{len(done.stdout)} bytes, exit {done.returncode}")
            if name == "json":
                classes = json.loads(done.stdout)["classes"]
                ranges = sum(len(entry["sources"]) for entry in classes)
                print(f"                   {len(classes):8} classes, {ranges} ranges")
        if options.verbose:
            timed(lab, "-v")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
