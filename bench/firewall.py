#!/usr/bin/env python3
"""Measures answers on a host with a big firewall, beside nft and iptables-save, in one run.

    bench/firewall.py [--rules N] [--elements N] [--runs N] [--realtime]   (root)

The program is that of SYNFATE, else of the release build.

In a network namespace of its own: N nft rules that a SYN crosses, in chains of 200, a set of elements that
one of its rules looks into, and N rules of iptables-legacy. Each figure is the median of several runs
of the whole program, its start included, taken in turn; in brackets the processor's time, user and
system; memory is the peak of one run (VmHWM as wait4() reports it). With --realtime all of it runs
ahead of everything else on the machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

from program import synfate_program

NETNS = f"fwbench{os.getpid()}"
#: The kernel's dump of one chain takes time by the square of its length.
CHAIN_LENGTH = 200


def run(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()[:400]}")


def inside(*words):
    return ("ip", "netns", "exec", NETNS, *words)


def address(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def nft_text(rules, elements):
    lines = ["table inet big {", "  set many { type ipv4_addr; flags interval; elements = {"]
    lines += [f"    {address(2 * number)}," for number in range(elements)]
    lines += ["  } }"]
    for begin in range(0, rules, CHAIN_LENGTH):
        lines.append(f"  chain part{begin // CHAIN_LENGTH} {{")
        lines += [f"    ip saddr 192.0.{number >> 8 & 255}.{number & 255} tcp dport "
                  f"{1000 + number % 30000} counter drop"
                  for number in range(begin, min(begin + CHAIN_LENGTH, rules))]
        lines.append("  }")
    lines.append("  chain input { type filter hook input priority 0; policy accept;")
    lines += [f"    jump part{begin // CHAIN_LENGTH}" for begin in range(0, rules, CHAIN_LENGTH)]
    lines += ["    ip saddr @many drop", "  }", "}"]
    return "\n".join(lines) + "\n"


def legacy_text(rules):
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [f"-A INPUT -s 198.51.{number >> 8 & 255}.{number & 255}/32 -p tcp -m tcp --dport "
              f"{1000 + number % 30000} -j DROP" for number in range(rules)]
    return "\n".join(lines + ["COMMIT"]) + "\n"


def apart(step):
    """Does something in a child: what it takes would count as the peak of every program started later,
    for a program begins with that of the process it is made from."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            step()
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("the rules could not be loaded")


def prepare(options):
    run("ip", "netns", "add", NETNS)
    run("ip", "-n", NETNS, "link", "set", "lo", "up")
    run("ip", "-n", NETNS, "link", "add", "fb0", "type", "veth", "peer", "name", "fb1")
    run("ip", "-n", NETNS, "addr", "add", "172.31.0.1/16", "dev", "fb0")
    for link in ("fb0", "fb1"):
        run("ip", "-n", NETNS, "link", "set", link, "up")
    apart(lambda: run(*inside("nft", "-f", "-"), text=nft_text(options.rules, options.elements)))
    apart(lambda: run(*inside("iptables-legacy-restore"), text=legacy_text(options.rules)))
    return subprocess.Popen(inside(sys.executable, "-c",
                                   "import socket,time\ns=socket.socket()\n"
                                   "s.bind(('0.0.0.0',8080))\ns.listen()\nprint('ready',flush=True)\n"
                                   "time.sleep(1e6)"), stdout=subprocess.PIPE)


def once(words):
    """(seconds, those of the processor, peak memory in KiB) of one run."""
    begin = time.monotonic()
    child = os.posix_spawnp(words[0], words, os.environ,
                            file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                                          (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    _, _, usage = os.wait4(child, 0)
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def measure(program, options):
    asked = "172.31.0.1:8080"
    subjects = {
        "nft list ruleset": ("nft", "list", "ruleset"),
        "nft list tables": ("nft", "list", "tables"),
        "iptables-legacy-save": ("iptables-legacy-save",),
        "synfate PORT --from CLIENT": (program, asked, "--from", "172.31.0.2"),
        "synfate PORT": (program, "8080"),
        "synfate who PORT": (program, "who", asked),
    }
    times = {name: [] for name in subjects}
    peaks = dict.fromkeys(subjects, 0)
    for _ in range(options.runs):
        for name, words in subjects.items():
            seconds, used, peak = once(inside(*words))
            times[name].append((seconds, used))
            peaks[name] = max(peaks[name], peak)
    start = statistics.median(once(inside("true"))[0] for _ in range(9))
    print(f"{options.rules} nft rules, a set of {options.elements}, {options.rules} legacy rules; "
          f"medians of {options.runs}; `ip netns exec` itself ({start * 1000:.1f} ms) is taken off")
    for name, values in times.items():
        median, used = (statistics.median(value[at] for value in values) for at in (0, 1))
        print(f"  {name:28} {(median - start) * 1000:9.1f} ms ({used * 1000:7.1f}) "
              f"{peaks[name] / 1024:7.1f} MiB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=20000)
    parser.add_argument("--elements", type=int, default=200000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--realtime", action="store_true")
    options = parser.parse_args()
    program = synfate_program()
    server = None
    try:
        server = prepare(options)
        server.stdout.readline()
        if options.realtime:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        measure(program, options)
    finally:
        if server:
            server.kill()
            server.wait()
        subprocess.run(["ip", "netns", "del", NETNS], capture_output=True)


main()
