#!/usr/bin/env python3
"""Asks about a port while the host is at its worst, and checks that every answer is right.

    bench/stress_sockets.py        (root)

The program is that of SYNFATE, else of the release build.

churn          ten thousand processes appear and vanish while the tool reads
descriptors    the listener is one of a million descriptors of its process
connections    200,000 connections on the asked port, one of them waiting
Each runs in a network namespace of its own. Shown: the answer's time and its peak memory.
"""

import ctypes
import json
import os
import subprocess
import sys
import time

from program import synfate_program

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NETNS = f"sostress{os.getpid()}"

LISTEN = ("import os, resource, socket, sys, time\n"
          "listener = socket.create_server(('127.0.0.1', 8080), backlog=64)\n")

CHURN = """
import os, time
end = time.monotonic() + 60
started = 0
while os.getppid() != 1 and time.monotonic() < end:
    children = []
    for _ in range(100):
        child = os.fork()
        if child == 0:
            time.sleep(0.02)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    started += 100
    if started >= 10000:
        print('many', flush=True)
        started = 0
"""

DESCRIPTORS = LISTEN + """
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
wanted = min(int(sys.argv[1]), hard - 100)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
null = os.open('/dev/null', os.O_RDONLY)
for number in range(wanted):
    os.dup(null)
last = listener.dup()
listener.close()
print(wanted, flush=True)
while True:
    last.accept()[0].close()
"""

HOLDER = """
import os, resource, socket, sys, time
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
listener = socket.socket(fileno=int(sys.argv[1]))
held = []
for number in range(int(sys.argv[2])):
    client = socket.socket()
    client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    client.bind((f'127.0.2.{int(sys.argv[3])}', 0))
    client.connect((f'127.0.1.{int(sys.argv[3])}', 8080))
    held.append((client, listener.accept()[0]))
listener.close()
print('ready', flush=True)
time.sleep(600)
"""

CONNECTIONS = """
import socket, subprocess, sys, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('0.0.0.0', 8080))
listener.listen(1024)
listener.set_inheritable(True)
holders = []
for number in range(40):
    holders.append(subprocess.Popen([sys.executable, '-c', sys.argv[1], str(listener.fileno()),
                                     '5000', str(number % 20 + 1)], stdout=subprocess.PIPE,
                                    pass_fds=[listener.fileno()]))
    holders[-1].stdout.readline()
waiting = socket.create_connection(('127.0.0.1', 8080))
time.sleep(2.5)
print('ready', flush=True)
sys.stdin.read()
for holder in holders:
    holder.kill()
    holder.wait()
"""


def enter():
    with open(f"/run/netns/{NETNS}") as file:
        if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def start(code, *words):
    return subprocess.Popen([sys.executable, "-c", code, *words], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, preexec_fn=enter)


def high_water(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def ask():
    """(the report, milliseconds, peak MiB)"""
    began = time.monotonic()
    process = subprocess.Popen([synfate_program(), "127.0.0.1:8080", "--from", "127.0.0.1",
                                "--format", "json", "--timeout", "60"],
                               stdout=subprocess.PIPE, preexec_fn=enter)
    most = 0
    while process.poll() is None:
        most = max(most, high_water(process.pid))
    return json.load(process.stdout), (time.monotonic() - began) * 1000, most / 1024


def check(name, outcome, pid, times=1):
    """Asks some times; complains about an answer that is not the right one."""
    failed = 0
    for _ in range(times):
        report, took, peak = ask()
        flow = report["flows"][0]
        owner = [step["by"]["id"] for step in flow["path"]
                 if step["by"] and step["by"]["kind"] == "process"]
        right = flow["outcome"] == outcome and owner == [str(pid)] and not report["gaps"]
        failed += not right
        print(f"{name:12} {flow['outcome']:8} {took:8.1f} ms {peak:6.1f} MiB"
              f"{'' if right else '  WRONG: ' + json.dumps([flow['culprit'], owner, report['gaps']])}",
              flush=True)
    return failed


def churn():
    server = start(LISTEN + "while True:\n    listener.accept()[0].close()\n")
    storms = [start(CHURN) for _ in range(2)]
    try:
        for storm in storms:
            storm.stdout.readline()
        return check("churn", "open", server.pid, times=5)
    finally:
        end(server, *storms)


def descriptors():
    server = start(DESCRIPTORS, "1000000")
    try:
        print(f"descriptors: {server.stdout.readline().decode().strip()} (as RLIMIT_NOFILE allows)")
        return check("descriptors", "open", server.pid)
    finally:
        end(server)


def connections():
    server = start(CONNECTIONS, HOLDER)
    try:
        server.stdout.readline()
        return check("connections", "stalled", server.pid)
    finally:
        server.stdin.close()  # it ends its children first
        server.wait()


def end(*processes):
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def main():
    synfate_program() # before anything is made
    subprocess.run(["ip", "netns", "add", NETNS], check=True)
    try:
        subprocess.run(["ip", "-n", NETNS, "link", "set", "lo", "up"], check=True)
        failed = churn() + descriptors() + connections()
    finally:
        subprocess.run(["ip", "netns", "del", NETNS])
    return 1 if failed else 0


sys.exit(main())
