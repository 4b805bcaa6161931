#!/usr/bin/env python3
"""Address translation against the kernel: what a connection's entry becomes, against conntrack -L.

In the laboratory of trials.py random rules of NAT, of nf_tables, iptables-legacy and iptables-nft,
translate a packet's destination and source: addresses, ports, ranges, maps, redirects, masquerading,
random ports. probe_rules says what the entry's two directions will be, as far as that can be told; then
a real packet makes the entry.

    SYNFATE=… SHOW_RULES=… PROBE_RULES=… tests/netfilter/translations.py [--trials N] [--seed N]
"""

import argparse
import collections
import ipaddress
import os
import random
import re
import sys
import types

from trials import SOURCE_PORT, clear, extend, load_some, new_socket, predictions, within
from lab import SKIPPED, Lab
from world import ADDRESSES

OPEN = range(8080, 8084)
WATCH = "table inet watch {\n" + "".join(f"chain {hook} {{ type filter hook {hook} priority 300 ; counter\n}}\n" for hook in (
    "prerouting", "input", "forward", "output", "postrouting")) + "}\n"


class Call(types.SimpleNamespace):
    """Who calls whom."""

    def __init__(self, dice):
        version = dice.choice((4, 4, 6))
        at = ADDRESSES[version]
        way = dice.choice(("local", "link", "link", "through"))
        udp = dice.random() < 0.6
        super().__init__(version=version, way=way, udp=udp, l4="udp" if udp else "tcp", ip="ip" if version == 4 else "ip6",
                         caller=at["server"] if way == "local" else at["client"],
                         called=at["behind"] if way == "through" else dice.choice((at["server"], at["other"])),
                         called_port=dice.choice((8080, 8081, 9090)), at=at)

    def pair(self, address, port):
        return f"[{address}]:{port}" if self.version == 6 else f"{address}:{port}"

    def span(self, first, last):
        return f"[{first}]-[{last}]" if self.version == 6 else f"{first}-{last}"


def conditions(dice, call):
    """(nft, iptables): mostly met."""
    port = call.called_port + dice.choice((0, 0, 0, 1))
    source = dice.choice((call.caller, call.caller, call.called))
    return dice.choice(((f"{call.l4} dport {port}", f"-p {call.l4} --dport {port}"),
                        (f"{call.ip} saddr {source} meta l4proto {call.l4}", f"-s {source} -p {call.l4}"),
                        (f"{call.ip} daddr {call.called} {call.l4} dport {port}", f"-d {call.called} -p {call.l4} --dport {port}")))


def flags(dice):
    return dice.choice((("", ""), ("", ""), (" persistent", " --persistent"), (" random", " --random")))


def destination_rule(dice, call, hook):
    match, xt = conditions(dice, call)
    to = dice.choice((call.at["server"], call.at["other"], call.at["behind"]))
    first = dice.choice(OPEN)
    nft_flag, xt_flag = flags(dice)
    if hook == "output":
        to = dice.choice((call.at["server"], call.at["other"]))
    ways = [(f"dnat {call.ip} to {to}{nft_flag}", f"DNAT --to-destination {to}{xt_flag}"),
            (f"dnat {call.ip} to {call.pair(to, first)}{nft_flag}", f"DNAT --to-destination {call.pair(to, first)}{xt_flag}"),
            (f"dnat {call.ip} to {call.pair(to, f'{first}-{first + 2}')}{nft_flag}",
             f"DNAT --to-destination {call.pair(to, f'{first}-{first + 2}')}{xt_flag}"),
            (f"redirect to :{first}{nft_flag}", f"REDIRECT --to-ports {first}"), ("redirect", "REDIRECT"),
            (f"redirect to :{first}-{first + 1}", f"REDIRECT --to-ports {first}-{first + 1}"),
            (f"dnat {call.ip} to {call.l4} dport map {{ {call.called_port} : {to} }}", None),
            (f"dnat {call.ip} to {call.ip} daddr . {call.l4} dport map {{ {call.called} . {call.called_port} : {to} . {first} }}", None),
            ("accept", "ACCEPT"),
            (None, f"NETMAP --to {to}/{32 if call.version == 4 else 128}")]
    nft, target = dice.choice(ways)
    return nft and f"{match} {nft}", target and f"{xt} -j {target}"


def source_rule(dice, call, hook):
    match, xt = conditions(dice, call)
    to = dice.choice((call.at["server"], call.at["other"], call.at["gate"]))
    first = dice.choice((2000, 40000, 50000))
    nft_flag, xt_flag = flags(dice)
    other = call.at["other"] if to == call.at["server"] else to
    ways = [(f"snat {call.ip} to {to}{nft_flag}", f"SNAT --to-source {to}{xt_flag}"),
            (f"snat {call.ip} to {call.pair(to, first)}", f"SNAT --to-source {call.pair(to, first)}"),
            (f"snat {call.ip} to {call.pair(to, f'{first}-{first + 9}')}{nft_flag}",
             f"SNAT --to-source {call.pair(to, f'{first}-{first + 9}')}{xt_flag}"),
            (f"snat {call.ip} to {to}-{other}" if to != other else None, f"SNAT --to-source {to}-{other}" if to != other else None)]
    if hook == "postrouting":
        ways += [("masquerade", "MASQUERADE"), (f"masquerade to :{first}-{first + 99}", f"MASQUERADE --to-ports {first}-{first + 99}"),
                 ("masquerade random", "MASQUERADE --random"), ("masquerade fully-random", "MASQUERADE --random-fully")]
    nft, target = dice.choice(ways)
    return nft and f"{match} {nft}", target and f"{xt} -j {target}"


def load(netns, dice, call):
    """Rules at the hooks of both translations; their text."""
    clear(netns)
    within(netns, ["nft", "-f", "-"], WATCH)
    back_end = dice.choice(("nft", "nft", "legacy", "compat"))
    program = f"{'iptables' if call.version == 4 else 'ip6tables'}-{'legacy' if back_end == 'legacy' else 'nft'}-restore"
    text = []
    for hook in ("output" if call.way == "local" else "prerouting", "postrouting", "input"):
        destination = hook in ("output", "prerouting")
        rules = [(destination_rule if destination else source_rule)(dice, call, hook) for _ in range(dice.choice((0, 1, 2, 3)))]
        if back_end == "nft":
            lines = [f"add rule inet nat {hook} {nft}" for nft, _ in rules if nft]
            within(netns, ["nft", "-f", "-"], f"add table inet nat\nadd chain inet nat {hook} {{ type nat hook {hook} priority "
                   f"{-100 if destination else 100} ; }}\n")
            load_some(netns, ["nft", "-f", "-"], lines)
        else:
            lines = [f"-A {hook.upper()} {xt}" for _, xt in rules if xt]
            load_some(netns, [program, "--noflush"], lines, ("*nat", "COMMIT"))
        text += lines
    within(netns, ["conntrack", "-F"])
    return back_end, text


def entry(netns, call):
    """(src, dst, sport, dport, and the same of the other direction) or None"""
    family = "ipv4" if call.version == 4 else "ipv6"
    listed = within(netns, ["conntrack", "-L", "-f", family, "-p", call.l4, "--orig-src", call.caller, "--orig-port-src", str(SOURCE_PORT)])
    for line in listed.stdout.splitlines():
        found = re.findall(r"\b(?:src|dst|sport|dport)=(\S+)", line)
        if len(found) == 8:
            return [found[0], found[1], found[2], found[3], *found[4:]]
    return None


def fits(term, value):
    if term == "?":
        return True
    if ".." not in term:
        return number(term) == number(value)
    first, last = (number(one) for one in term.split(".."))
    return first <= number(value) <= last


def number(text):
    return int(text) if text.isdigit() else int(ipaddress.ip_address(text))


def send(call):
    sock = new_socket(call)
    sock.settimeout(0.3)
    try:
        sock.bind((call.caller, SOURCE_PORT))
        sock.connect((call.called, call.called_port))
        sock.send(b"ping\n")
        if call.udp:
            sock.recv(10)
    except OSError:
        pass
    finally:
        sock.close()


def trial(lab, seed, counts, folder):
    dice = random.Random(seed)
    call = Call(dice)
    back_end, rules = load(lab.server, dice, call)
    predicted = predictions(lab, call, folder).get("connection")
    (lab.server if call.way == "local" else lab.client).call(lambda: send(call))
    made = entry(lab.server, call)
    if made is None or predicted in (None, "both"):
        counts["no entry" if made is None else "several ways" if predicted else "nothing said"] += 1
        return []
    terms = predicted.split(",")
    counts["a class" if any(term == "?" or ".." in term for term in terms) else "exact"] += 1
    if all(fits(term, value) for term, value in zip(terms, made, strict=True)):
        return []
    return [f"seed {seed} {call.way} {call.l4} IPv{call.version} {back_end}: predicted {predicted}, made {','.join(made)}: " + " / ".join(rules)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    programs = [os.environ.get(name, "") for name in ("SYNFATE", "SHOW_RULES", "PROBE_RULES")]
    if os.geteuid() != 0 or not all(os.access(one, os.X_OK) for one in programs):
        print("skipped: needs root, SYNFATE, SHOW_RULES and PROBE_RULES")
        return SKIPPED
    counts, wrong = collections.Counter(), []
    with Lab() as lab:
        extend(lab)
        folder = lab.folder()
        for seed in range(options.seed, options.seed + options.trials):
            found = trial(lab, seed, counts, folder)
            wrong += found
            print("\n".join(found), end="\n" if found else "", flush=True)
    print(f"{options.trials} connections: {dict(counts)}, {len(wrong)} wrong")
    return 1 if wrong or counts["exact"] < options.trials / 4 else 0


if __name__ == "__main__":
    sys.exit(main())
