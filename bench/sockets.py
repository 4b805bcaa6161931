#!/usr/bin/env python3
"""Measures questions about sockets and their owners, beside ss and lsof, in one run.

    bench/sockets.py L        (root; S or L as in fixture_sockets.py, 0: the host as it is)

The program is that of SYNFATE, else of the release build.

Everything happens in a network namespace of its own, which is removed at the end. Each figure is
the median of several runs of the whole program, its start included, with what it took of all
processors in brackets; what synfate itself says each question took (of one more run, with -v) stands
below. Peak memory (VmHWM) is watched in a run of its own. The last lines compare: synfate's time as a
part of a peer's, from the same run of this script. Measured figures: bench/README.md.
"""

import argparse
import ctypes
import os
import re
import resource
import statistics
import struct
import subprocess
import sys
import time

from program import synfate_program

HERE = os.path.dirname(os.path.abspath(__file__))
CLONE_NEWNET = 0x40000000
SETTLING = 15  # seconds: the kernel still works on what was made, which slows what uses both processors
LIBC = ctypes.CDLL(None, use_errno=True)
NETNS = f"sobench{os.getpid()}"
LISTENER, NOBODY = "127.0.0.1:11999", "127.0.0.1:9"
TIMING = re.compile(r"^ *([0-9.]+) ms +(\d+) rows +(\S+): (.*)$")


def enter(realtime, started=None):
    """In the child: into the namespace, before everybody else if asked; then the clock starts."""
    with open(f"/run/netns/{NETNS}") as file:
        if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    if realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    if started is not None:
        os.write(started, struct.pack("d", time.monotonic()))


def high_water(pid):
    """Peak resident memory so far in KiB; 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def peak(words, limit):
    """Peak resident memory of a command in KiB, watched while it runs."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: enter(False))
    most, end = 0, time.monotonic() + limit
    while process.poll() is None and time.monotonic() < end:
        most = max(most, high_water(process.pid))
    process.kill()
    process.wait()
    return most


def run(words, limit, realtime):
    """(milliseconds, of processors, standard error) of one run; nothing if it took too long."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    reading, writing = os.pipe()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               preexec_fn=lambda: enter(realtime, writing))
    began, = struct.unpack("d", os.read(reading, 8))
    os.close(reading)
    os.close(writing)
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    took = (time.monotonic() - began) * 1000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
    return took, used, errors.decode(errors="replace")


MEDIANS = {}


def measure(name, words, options, runs=None):
    times, used = [], []
    errors = ""
    quiet = [word for word in words if word != "-v"] # which keeps the time of every question
    for _ in range(runs or options.runs):
        result = run(quiet, options.limit, options.realtime)
        if result is None:
            print(f"{name:40} over {options.limit} s", flush=True)
            return ""
        times.append(result[0])
        used.append(result[1])
    if quiet != words:
        told = run(words, options.limit, options.realtime)
        errors = told[2] if told else ""
    MEDIANS[name] = statistics.median(times)
    print(f"{name:40} {MEDIANS[name]:9.1f} ms ({statistics.median(used):8.1f})  "
          f"{peak(quiet, options.limit) / 1024:7.1f} MiB", flush=True)
    return errors


def show_questions(errors):
    rows = [TIMING.match(line) for line in errors.splitlines()]
    for row in sorted((row for row in rows if row), key=lambda row: -float(row[1]))[:6]:
        print(f"    {row[1]:>9} ms  {row[2]:>6} rows  {row[4]}")


def compare(name, peer):
    if name in MEDIANS and peer in MEDIANS:
        print(f"{name}: {MEDIANS[name] / MEDIANS[peer]:.2f} of {peer}")


def measure_all(synfate, options):
    port = LISTENER.rpartition(":")[2]
    few = max(options.runs // 3, 1)
    measure("true", ["true"], options)
    measure("synfate --version", [synfate, "--version"], options)
    if options.size != "0":
        show_questions(measure("synfate: a listener and its owner", [
            synfate, LISTENER, "--from", "127.0.0.1", "-v"], options))
    show_questions(measure("synfate: nobody listens", [
        synfate, NOBODY, "--from", "127.0.0.1", "-v"], options))
    show_questions(measure("synfate: all listeners", [synfate, "-v"], options))
    measure(f"ss -ltn 'sport = :{port}'", ["ss", "-ltn", f"sport = :{port}"], options)
    measure(f"ss -ltnp 'sport = :{port}'", ["ss", "-ltnp", f"sport = :{port}"], options)
    measure("ss -ltn", ["ss", "-ltn"], options)
    measure("ss -ltnp", ["ss", "-ltnp"], options)
    measure(f"lsof -nP -iTCP:{port}", ["lsof", "-nP", f"-iTCP:{port}"], options, few)
    compare("synfate: a listener and its owner", f"ss -ltnp 'sport = :{port}'")
    compare("synfate: a listener and its owner", f"lsof -nP -iTCP:{port}")
    compare("synfate: nobody listens", f"ss -ltnp 'sport = :{port}'")
    compare("synfate: all listeners", "ss -ltnp")


def start_fixture(size):
    fixture = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "fixture_sockets.py"), size],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=lambda: enter(False))
    if fixture.stdout.readline().strip() != b"ready":
        sys.exit("the fixture did not start")
    time.sleep(SETTLING)
    return fixture


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("size", choices=("0", "S", "L"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60, help="seconds of one run")
    parser.add_argument("--realtime", action="store_true",
                        help="runs come before everything else on the machine (SCHED_FIFO)")
    options = parser.parse_args()
    synfate = synfate_program()
    subprocess.run(["ip", "netns", "add", NETNS], check=True)
    fixture = None
    try:
        subprocess.run(["ip", "-n", NETNS, "link", "set", "lo", "up"], check=True)
        if options.size != "0":
            fixture = start_fixture(options.size)
        print(f"fixture {options.size}, {len(os.sched_getaffinity(0))} processors, load "
              f"{os.getloadavg()[0]:.1f}, medians of {options.runs}")
        measure_all(synfate, options)
    finally:
        if fixture:
            fixture.stdin.close()
            fixture.wait()
        subprocess.run(["ip", "netns", "del", NETNS])


main()
