#!/usr/bin/env python3
"""Rules against the kernel, one by one, along the whole way of a connection.

In a laboratory of three namespaces random rules that only count stand in chains for every hook and
every packet of a connection: SYN, SYN-ACK, ACK, data; a datagram and its answer; to this host, from
it to itself, and through it. nf_tables with iptables-nft, or iptables-legacy, with ipsets, behind
rules that change marks and headers and behind address translation. probe_rules says of each rule
whether the packet will match it, then a real client sends the packets and the rules' counters say
whether they did. A definite answer must be right; "both" is counted.

    SYNFATE=… SHOW_RULES=… PROBE_RULES=… tests/netfilter/trials.py [--trials N] [--seed N]
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(HERE, "..", "lab")
sys.path[:0] = [HERE, LAB]

from lab import SKIPPED, Lab, connect_tcp, enter, wait_until
from matches import nft_match, xt_match
from world import (ACK, ADDRESSES, CALLED, DATA, HOOKS, OF_BRIDGE, OF_DEVICES, PORT, SOURCE_PORT, SYN, SYNACK, World, changes,
                   ipsets, xt_changes)

BATCH = 16
#: A definite answer of this share at least, or something stands in the way of them all.
LEAST_DEFINITE = 0.6


def jumps(world):
    """Which packet goes to which chain: (nft, iptables). Ports of clients are not translated."""
    if world.udp:
        return {"datagram": (f"udp sport {SOURCE_PORT}", f"-p udp --sport {SOURCE_PORT}"),
                "answer": (f"udp dport {SOURCE_PORT}", f"-p udp --dport {SOURCE_PORT}")}
    flags, there, back = "tcp flags & (fin | syn | rst | psh | ack) ==", "sport", "dport"
    sets = {SYN: (there, "syn", "SYN"), SYNACK: (back, "syn | ack", "SYN,ACK"), ACK: (there, "ack", "ACK"),
            DATA: (there, "psh | ack", "PSH,ACK")}
    return {packet: (f"tcp {side} {SOURCE_PORT} {flags} {nft}",
                     f"-p tcp -m tcp --{side} {SOURCE_PORT} --tcp-flags FIN,SYN,RST,PSH,ACK {xt}")
            for packet, (side, nft, xt) in sets.items()}


def within(netns, words, text=""):
    return subprocess.run(words, input=text, capture_output=True, text=True,
                          preexec_fn=lambda: enter(netns))


def load_all(netns, command, text):
    """What every kernel takes: without it there is nothing to try."""
    done = within(netns, command, text)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr[:500]}")


def load_some(netns, command, lines, around=("", "")):
    """Loads what the kernel takes of some lines."""
    if not lines or within(netns, command, "\n".join([around[0], *lines, around[1]]) + "\n").returncode == 0:
        return
    if len(lines) > 1:
        half = len(lines) // 2
        load_some(netns, command, lines[:half], around)
        load_some(netns, command, lines[half:], around)


def in_batches(netns, command, lines, around=("", "")):
    for first in range(0, len(lines), BATCH):
        load_some(netns, command, lines[first:first + BATCH], around)


def nft_sets(dice, world):
    """Sets of the table that the matches name."""
    every = list(ADDRESSES[world.version].values())
    kind = "ipv4_addr" if world.version == 4 else "ipv6_addr"
    bits = 32 if world.version == 4 else 128
    net = f"{dice.choice(every)}/{dice.choice((bits - 1, bits - 3, bits - 8))}"
    return [f"add set inet probe hosts {{ type {kind} ; flags timeout ; elements = {{ {dice.choice(every)} timeout 1h, "
            f"{dice.choice(every)} }} ; }}",
            f"add set inet probe nets {{ type {kind} ; flags interval ; elements = {{ {net} }} ; }}",
            f"add set inet probe pairs {{ type {kind} . inet_service ; flags interval ; elements = {{ "
            f"{net} . {PORT}-{PORT + dice.randint(0, 2000)}, {dice.choice(every)} . {dice.choice((PORT, CALLED, 1))} }} ; }}",
            f"add set inet probe ports {{ type inet_service ; elements = {{ {dice.choice((PORT, CALLED, 5))}, 7 }} ; }}",
            f"add set inet probe seen {{ type {kind} ; flags dynamic ; size 100 ; timeout 1h ; }}"]


def load_nft(netns, dice, world, rules):
    devices = "{ " + ", ".join(world.devices) + " }"
    text = "flush ruleset\nadd table inet probe\nadd table netdev probe\nadd table bridge probe\n"
    lines = []
    for hook, (kernel_hook, priority, _) in HOOKS.items():
        if hook in OF_BRIDGE and world.way != "bridge":
            continue
        family = "netdev" if hook in ("dev", "egr") else "bridge" if hook in OF_BRIDGE else "inet"
        device = f"devices = {devices} " if hook in OF_DEVICES else ""
        text += (f"add chain {family} probe {hook} {{ type filter hook {kernel_hook} {device}priority {priority} ; }}\n")
        lines += [f"add rule {family} probe {hook} {changes(dice, world, hook)}" for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))]
        for packet, (match, _) in jumps(world).items():
            text += f"add chain {family} probe {hook}_{packet}\n"
            lines.append(f"add rule {family} probe {hook} {match} jump {hook}_{packet}")
            if hook in world.hooks(packet):
                lines += [f"add rule {family} probe {hook}_{packet} {nft_match(dice, world, hook, packet)} counter"
                          for _ in range(rules)]
    load_all(netns, ["nft", "-f", "-"], text)
    in_batches(netns, ["nft", "-f", "-"], nft_sets(dice, world))
    in_batches(netns, ["nft", "-f", "-"], lines)
    for hook, rule, _ in world.nat_rules():
        load_all(netns, ["nft", "-f", "-"], f"add table inet nat\nadd chain inet nat {hook} {{ type nat hook {hook} priority "
               f"{100 if hook == 'postrouting' else -100} ; }}\nadd rule inet nat {hook} {rule}\n")


def load_xt(netns, dice, world, backend, rules):
    program = f"{'iptables' if world.version == 4 else 'ip6tables'}-{backend}-restore"
    command = [program, "--noflush"]
    for hook, (_, _, place) in HOOKS.items():
        if place is None:
            continue
        table, chain = place
        within(netns, command, "".join([f"*{table}\n", *(f":{chain}_{packet} - [0:0]\n" for packet in world.packets),
                                        "COMMIT\n"]))
        lines = [f"-A {chain} {xt_changes(dice, world, table, chain)}" for _ in range(dice.choice((0, 0, 1, 2)))]
        lines += [f"-A {chain} {match} -j {chain}_{packet}" for packet, (_, match) in jumps(world).items()]
        lines += [f"-A {chain}_{packet} {xt_match(dice, world, hook, packet)}"
                  for packet in world.packets if hook in world.hooks(packet) for _ in range(rules)]
        in_batches(netns, command, lines, (f"*{table}", "COMMIT"))
    if backend == "legacy":
        for hook, _, rule in world.nat_rules():
            load_all(netns, command, f"*nat\n-A {hook.upper()} {rule}\nCOMMIT\n")


def clear(netns):
    within(netns, ["nft", "flush", "ruleset"])
    for name in ("ip", "ip6"):
        tables = within(netns, ["cat", f"/proc/net/{name}_tables_names"]).stdout.split()
        for table in tables:
            for action in ("-F", "-X"):
                within(netns, [f"{name}tables-legacy", "-t", table, action])
    for _ in range(200):  # the kernel lets go of a set a moment after its rule
        within(netns, ["ipset", "destroy"])
        if not within(netns, ["ipset", "list", "-n"]).stdout:
            break
        time.sleep(0.05)


def load(netns, dice, world, rules):
    clear(netns)
    within(netns, ["ipset", "restore", "-exist"], ipsets(dice, world))
    if world.legacy:
        load_xt(netns, dice, world, "legacy", rules)
    else:
        load_nft(netns, dice, world, rules)
        load_xt(netns, dice, world, "nft", max(rules // 3, 1))
    within(netns, ["conntrack", "-F"])


def legacy_counters(netns, world):
    found, numbers = {}, collections.Counter()
    name = "ip" if world.version == 4 else "ip6"
    table = ""
    for line in within(netns, [f"{name}tables-legacy-save", "-c"]).stdout.splitlines():
        if line.startswith("*"):
            table = line[1:]
        rule = re.match(r"\[(\d+):\d+\] -A (\S+) (.*)", line) or re.match(r"\[(\d+):\d+\] -A (\S+)()", line)
        if rule:
            numbers[table, rule[2]] += 1
            found[f"legacy {name} {table} {rule[2]} {numbers[table, rule[2]]}"] = (int(rule[1]), rule[3])
    return found


def counters(netns, world):
    """{"inet probe in_syn 12": (packets, text)}"""
    if world.legacy:
        return legacy_counters(netns, world)
    found = {}
    for line in within(netns, [os.environ["SHOW_RULES"]]).stdout.splitlines():
        rule = json.loads(line)
        counted = [word for word in rule["notation"] if word.startswith("counter pkts")]
        if counted:
            key = f"{rule['family']} {rule['table']} {rule['chain']} {rule['handle']}"
            found[key] = (int(counted[-1].split()[2]), rule["text"])
    return found


def predictions(lab, world, folder):
    output = os.path.join(folder, "predictions")
    if os.path.exists(output):
        os.remove(output)
    environment = dict(os.environ, PROBE_OUTPUT=output, PROBE_PORT=str(SOURCE_PORT))
    target = f"{world.l4}/{'[' + world.called + ']' if world.version == 6 else world.called}:{world.called_port}"
    done = subprocess.run([os.environ["PROBE_RULES"], target, "--from", world.caller, "--format", "json"],
                          capture_output=True, text=True, env=environment,
                          preexec_fn=lambda: enter(lab.server))
    if not os.path.exists(output):
        raise RuntimeError(done.stderr or done.stdout[:2000])
    answers = {}
    with open(output) as file:
        for line in file:
            rule, answer = line.rsplit(" ", 1)
            answers[rule] = answer.strip()
    return answers


def new_socket(world):
    family = socket.AF_INET6 if world.version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM if world.udp else socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def serve(world):
    """A socket of the server, made inside its namespace. Of its own address: where a datagram's
    answer comes from is not what is tested here."""
    sock = new_socket(world)
    sock.bind((world.served, PORT))
    if not world.udp:
        sock.listen(5)
    return sock


def call(world):
    """The client's packets: then it is gone without a goodbye."""
    sock = new_socket(world)
    sock.settimeout(3)
    sock.bind((world.caller, SOURCE_PORT))
    try:  # a match may drop what it cannot parse
        sock.connect((world.called, world.called_port))
        time.sleep(0.05)
        sock.sendall(b"ping\n")
        if world.udp:
            sock.recv(100)
    except OSError:
        return False
    if not world.udp:
        time.sleep(0.1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return True


def attend(world, sock):
    if world.udp:
        data, peer = sock.recvfrom(100)
        sock.sendto(data, peer)
        return
    connection, _ = sock.accept()
    with connection:
        try:
            connection.recv(100)
            connection.recv(100)
        except ConnectionResetError:
            pass


SERVER = """
import sys; sys.path[:0] = [{here!r}, {lab!r}]
import trials, world
world = world.World({seed})
sock = trials.serve(world)
print("ready", flush=True)
trials.attend(world, sock)
"""


class Counts:
    """What came of all trials."""

    def __init__(self):
        self.answers, self.undecided, self.lost = collections.Counter(), collections.Counter(), 0

    def add(self, answer, text):
        self.answers[answer] += 1
        if answer in ("both", "unknown"):
            self.undecided[" ".join(text.split()[:3])] += 1


def trial(lab, seed, rules, counts, folder):
    world = World(seed)
    load(lab.server, random.Random(seed + 1), world, rules)
    home = lab.behind if world.way == "through" else lab.server
    server = lab.start(home, sys.executable, "-c", SERVER.format(here=HERE, lab=LAB, seed=seed), output=subprocess.PIPE)
    try:
        server.stdout.readline()
        answers = predictions(lab, world, folder)
        before = counters(lab.server, world)
        caller = {"local": lab.server, "bridge": lab.guest}.get(world.way, lab.client)
        if not caller.call(lambda: call(world)):
            counts.lost += 1
            return []
        counted = counters(lab.server, world)
    finally:
        server.stdout.close()
        server.kill()
        server.wait()
    wrong = []
    for rule, answer in answers.items():
        if rule not in counted:
            continue
        hits, text = counted[rule][0] - before[rule][0], counted[rule][1]
        counts.add(answer, text)
        if answer in ("yes", "no") and hits != (1 if answer == "yes" else 0):
            wrong.append(f"seed {seed} {world.way} {world.nat} IPv{world.version}: {rule}: predicted {answer}, "
                         f"counted {hits}: {text}")
    return wrong


def extend(lab):
    """The container behind the server, and the guest on its bridge."""
    lab.behind = lab.another_netns("b")
    lab.server.ip("link", "add", "ct0", "type", "veth", "peer", "name", "eth0", "netns", lab.behind.name)
    for netns, link, number in ((lab.server, "ct0", 1), (lab.behind, "eth0", 2)):
        netns.ip("addr", "add", f"10.79.0.{number}/24", "dev", link)
        netns.ip("addr", "add", f"fd79::{number}/64", "dev", link, "nodad")
        netns.ip("link", "set", link, "up")
    lab.behind.ip("route", "add", "default", "via", "10.79.0.1")
    lab.behind.ip("-6", "route", "add", "default", "via", "fd79::1")
    lab.guest = lab.another_netns("g")
    lab.server.ip("link", "add", "br0", "type", "bridge", "forward_delay", "0")
    lab.server.ip("link", "add", "bp0", "type", "veth", "peer", "name", "eth0", "netns", lab.guest.name)
    lab.server.ip("link", "set", "bp0", "up", "master", "br0")
    for netns, link, number in ((lab.server, "br0", 1), (lab.guest, "eth0", 2)):
        netns.ip("addr", "add", f"10.78.0.{number}/24", "dev", link)
        netns.ip("addr", "add", f"fd78::{number}/64", "dev", link, "nodad")
        netns.ip("link", "set", link, "up")
    lab.guest.ip("route", "add", "default", "via", "10.78.0.1")
    lab.guest.ip("-6", "route", "add", "default", "via", "fd78::1")
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    lab.server.sysctl("net.ipv6.conf.all.forwarding", 1)
    for netns, source, address in ((lab.client, "10.77.0.2", "10.79.0.2"), (lab.client, "fd77::2", "fd79::2"),
                                   (lab.guest, "10.78.0.2", "10.78.0.1"), (lab.guest, "fd78::2", "fd78::1")):
        wait_until(lambda: netns.call(lambda: connect_tcp(address, 9, source))[0] == "refused",
                   f"{source} and {address} have met")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", type=int, default=12, help="for each packet at each hook")
    parser.add_argument("--open", action="store_true", help="show what is left undecided")
    options = parser.parse_args()
    programs = [os.environ.get(name, "") for name in ("SYNFATE", "SHOW_RULES", "PROBE_RULES")]
    if os.geteuid() != 0 or not all(os.access(one, os.X_OK) for one in programs) or not shutil.which("nft"):
        print("skipped: needs root, nft, SYNFATE, SHOW_RULES and PROBE_RULES")
        return SKIPPED
    counts, wrong = Counts(), []
    with Lab() as lab:
        extend(lab)
        folder = lab.folder()
        for seed in range(options.seed, options.seed + options.trials):
            found = trial(lab, seed, options.rules, counts, folder)
            wrong += found
            print("\n".join(found), end="\n" if found else "", flush=True)
    if options.open:
        for text, count in counts.undecided.most_common(60):
            print(f"{count:5} {text}")
    total = sum(counts.answers.values())
    print(f"{total} predictions: {dict(counts.answers)}, {counts.lost} connections lost, {len(wrong)} wrong")
    definite = counts.answers["yes"] + counts.answers["no"]
    return 0 if not wrong and counts.lost < options.trials and definite > LEAST_DEFINITE * total else 1


if __name__ == "__main__":
    sys.exit(main())
