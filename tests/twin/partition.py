#!/usr/bin/env python3
"""Random hosts: `synfate who` against `synfate explain` for random members of every class.

    SYNFATE=build/release/synfate tests/twin/partition.py --seed 7 --rounds 20

Each round makes a server with two interfaces, random listeners, random rules of nft and
iptables-legacy, random routes and reverse path filters. Then:

1. Classes of one interface and address called are disjoint, and together all of a family.
2. The edges of a class's ranges and random addresses within it, each asked for as a single client
   (`--from ADDRESS%INTERFACE`), have the outcome of their class, its culprit, and the same rules
   let them pass.

A failure prints the seed of its round, with which `--seed` and `--rounds 1` repeat exactly it.
"""

import ipaddress
import json
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

import lab as laboratory
import rounds
from lab import SKIPPED, Lab, LabError, enter, synfate_program, target_words

PORT = "8080"
SAMPLES = 3        # random members of a class
EDGES = 4          # members at the edges of its ranges
BATCH = 60         # single clients in one run
WHOLE = {4: 1 << 32, 6: 1 << 128}
BLOCKS = {4: ["10.0.0.0/8", "10.77.0.0/24", "10.77.0.0/28", "10.78.0.0/24", "192.0.2.0/24",
              "172.16.0.0/12", "203.0.113.0/25", "0.0.0.0/1", "128.0.0.0/2", "127.0.0.0/8"],
          6: ["fd77::/64", "fd78::/64", "fe80::/10", "2001:db8::/32", "2001:db8:8000::/33",
              "::/1", "fd00::/8", "2001:db8::100/120"]}


# --- random hosts ---------------------------------------------------------------------------------


def random_address(dice, family):
    block = ipaddress.ip_network(dice.choice(BLOCKS[family]))
    return ipaddress.ip_address(int(block.network_address)
                                + dice.randrange(min(block.num_addresses, 1 << 60)))


def random_source(dice, family):
    """A prefix, one address, or a range, as nft writes it."""
    kind = dice.random()
    if kind < 0.4:
        return dice.choice(BLOCKS[family])
    if kind < 0.7:
        return str(random_address(dice, family))
    first, last = sorted((random_address(dice, family), random_address(dice, family)))
    return f"{first}-{last}" if first != last else str(first)


def random_test(dice, family):
    word = "ip" if family == 4 else "ip6"
    sources = [random_source(dice, family) for _ in range(dice.randint(1, 4))]
    one = sources[0]
    tests = [
        (6, f"{word} saddr {one}"),
        (2, f"{word} saddr != {one}"),
        (3, f"{word} saddr @s{family}{dice.randint(0, 1)}"),
        (2, f"{word} saddr != @s{family}{dice.randint(0, 1)}"),
        (2, f"{word} saddr . tcp dport @c{family}"),
        (1, f"fib saddr . iif oif missing"),
        (1, f"fib saddr . iif oif exists"),
        (1, f"fib saddr type {dice.choice(('local', 'unicast', 'multicast', 'broadcast'))}"),
        (1, f"iifname {dice.choice(('sv0', 'sd0', 'lo'))}"),
        (2, f"tcp dport {dice.choice((PORT, '22', '8000-9000'))}"),
        (1, f"ct state {dice.choice(('new', 'established', 'invalid'))}"),
        (1, f"meta mark {dice.randint(0, 2)}"),
        (1, f"tcp flags syn"),
        (1, f"udp dport {PORT}"),
        (1, f"ip ttl 64"),
    ]
    if family == 4:
        tests.append((1, f"ip saddr & 0.0.0.{dice.choice((1, 3, 128))} == 0.0.0.{dice.choice((0, 1))}"))
    weights, words = zip(*tests)
    return dice.choices(words, weights)[0]


def random_rule(dice, chains, nat):
    family = dice.choice((4, 4, 6))
    tests = [random_test(dice, family) for _ in range(dice.choice((1, 1, 2)))]
    # A test of one family's header in a rule with the other's would never match.
    verdicts = [(4, "accept"), (4, "drop"), (2, "reject"), (1, "reject with tcp reset"),
                (1, "reject with icmpx admin-prohibited"), (2, f"meta mark set {dice.randint(0, 2)}"),
                (1, "counter"), (1, "return")]
    verdicts += [(2, f"jump {chain}") for chain in chains]
    if nat:
        verdicts = [(3, "accept"), (1, "return"), (2, f"redirect to :{dice.choice((PORT, 9999))}")]
        if family == 4:
            verdicts.append((1, f"dnat ip to 10.77.0.{dice.choice((1, 11))}:{PORT}"))
    weights, words = zip(*verdicts)
    verdict = dice.choices(words, weights)[0]
    if verdict.startswith(("redirect", "dnat")) or "tcp reset" in verdict:
        tests.append("meta l4proto tcp")
    return " ".join(tests + [verdict])


def random_set(dice, family, name):
    """Elements that do not overlap: single addresses and prefixes."""
    chosen = []
    for _ in range(dice.randint(0, 12)):
        prefix = ipaddress.ip_network(str(random_address(dice, family)))
        if dice.random() < 0.4:
            prefix = prefix.supernet(new_prefix=dice.randint(8, prefix.max_prefixlen))
        if all(not prefix.overlaps(other) for other in chosen):
            chosen.append(prefix)
    words = f"  set {name} {{ type ipv{family}_addr; flags interval;"
    if chosen:
        words += " elements = { " + ", ".join(str(each) for each in chosen) + " };"
    return words + " }"


def random_ruleset(dice):
    if dice.random() < 0.1:
        return ""
    lines = ["table inet f {"]
    for family in (4, 6):
        for number in (0, 1):
            lines.append(random_set(dice, family, f"s{family}{number}"))
        pairs = ", ".join(sorted({f"{random_address(dice, family)} . {dice.choice((PORT, '22'))}"
                                  for _ in range(3)}))
        lines.append(f"  set c{family} {{ type ipv{family}_addr . inet_service; "
                     f"elements = {{ {pairs} }}; }}")
    for name in ("one", "two"):
        lines.append(f"  chain {name} {{")
        lines += [f"    {random_rule(dice, [], False)}" for _ in range(dice.randint(1, 4))]
        lines.append("  }")
    for hook, chance in (("input", 0.9), ("prerouting", 0.3), ("output", 0.3)):
        if dice.random() > chance:
            continue
        policy = "drop" if hook == "input" and dice.random() < 0.3 else "accept"
        lines.append(f"  chain {hook} {{ type filter hook {hook} priority "
                     f"{dice.choice((-300, 0, 10))}; policy {policy};")
        if dice.random() < 0.5:
            lines.append("    ct state established,related accept")
        lines += [f"    {random_rule(dice, ['one', 'two'], False)}"
                  for _ in range(dice.randint(1, 8))]
        lines.append("  }")
    if dice.random() < 0.3:
        lines.append("  chain nat { type nat hook prerouting priority -100;")
        lines += [f"    {random_rule(dice, [], True)}" for _ in range(dice.randint(1, 3))]
        lines.append("  }")
    return "\n".join(lines + ["}"])


def random_legacy(dice):
    """Words of iptables-legacy commands."""
    commands = []
    for _ in range(dice.randint(0, 4) if dice.random() < 0.4 else 0):
        source = dice.choice((dice.choice(BLOCKS[4]), str(random_address(dice, 4))))
        words = ["-A", "INPUT"] + (["!"] if dice.random() < 0.2 else []) + ["-s", source]
        if dice.random() < 0.4:
            words += ["-p", "tcp", "--dport", dice.choice((PORT, "22", "8000:9000"))]
        if dice.random() < 0.2:
            first, last = sorted((random_address(dice, 4), random_address(dice, 4)))
            words += ["-m", "iprange", "--src-range", f"{first}-{last}"]
        words += ["-j", dice.choice(("ACCEPT", "DROP", "REJECT"))]
        commands.append(words)
    return commands


def random_listener(dice):
    family = dice.choice((4, 6))
    wildcard = dice.random() < 0.7
    words = ["--try", "--reuseaddr"]
    if family == 6 and dice.random() < 0.3:
        words += ["--v6only", "1"]
    if dice.random() < 0.2:
        words += ["--device", dice.choice(("sv0", "sd0", "lo"))]
    one = {4: ["10.77.0.1", "127.0.0.1"], 6: ["fd77::1", "::1"]}[family]
    return words + [("0.0.0.0", "::")[family == 6] if wildcard else dice.choice(one), PORT]


def prepare(lab, dice):
    server = lab.server
    server.ip("link", "add", "sd0", "type", "veth", "peer", "name", "cd0",
              "netns", lab.client.name)
    server.ip("addr", "add", "10.78.0.1/24", "dev", "sd0")
    server.ip("addr", "add", "fd78::1/64", "dev", "sd0", "nodad")
    server.ip("link", "set", "sd0", "up")
    lab.client.ip("link", "set", "cd0", "up")
    laboratory.wait_until(lambda: "tentative" not in server.ip("-6", "addr", "show"),
                          "no address is tentative")
    for name in ("all", "sv0", "sd0"):
        server.sysctl(f"net.ipv4.conf.{name}.rp_filter", dice.choice((0, 0, 1, 2)))
    for word, value in (("accept_local", 1), ("forwarding", 1), ("route_localnet", 1)):
        if dice.random() < 0.15:
            server.sysctl(f"net.ipv4.conf.{dice.choice(('sv0', 'sd0'))}.{word}", value)
    routes = [("default", "via", "10.77.0.2"), ("172.16.0.0/12", "via", "10.78.0.2"),
              ("blackhole", "192.0.2.0/25"), ("unreachable", "203.0.113.0/26"),
              ("prohibit", "10.9.0.0/16")]
    for words in routes:
        if dice.random() < 0.4:
            server.ip("route", "add", *words)
    for words in (("default", "via", "fd77::2"), ("2001:db8:8000::/33", "via", "fd78::2"),
                  ("blackhole", "2001:db8::100/120")):
        if dice.random() < 0.4:
            server.ip("-6", "route", "add", *words)
    if dice.random() < 0.15:
        server.ip("rule", "add", "from", "10.77.0.1", "lookup", "77", "pref", "100")
        server.ip("route", "add", "10.0.0.0/8", "via", "10.78.0.2", "table", "77")


def load_rules(lab, text, legacy):
    """The rules of nft that were loaded: tests that contradict each other are refused."""
    while text:
        done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True,
                              preexec_fn=lambda: enter(lab.server))
        if done.returncode == 0:
            break
        faulty = {int(number) - 1 for number in re.findall(r"stdin:(\d+):", done.stderr)}
        lines = text.split("\n")
        if not faulty or any(not lines[at].startswith("    ") for at in faulty):
            raise LabError(f"nft: {done.stderr}\n{text}")
        text = "\n".join(line for at, line in enumerate(lines) if at not in faulty)
    for words in legacy:
        done = subprocess.run(["iptables-legacy", *words], capture_output=True, text=True,
                              preexec_fn=lambda: enter(lab.server))
        if done.returncode != 0:
            raise LabError(f"iptables-legacy {' '.join(words)}: {done.stderr}")
    return text


# --- the partition --------------------------------------------------------------------------------


def ask(lab, *words):
    """On a machine under load the usual time is too short: what is not read by then is assumed."""
    done = subprocess.run([synfate_program(), *words, "--timeout", "60", "--format", "json"],
                          capture_output=True, text=True, timeout=120,
                          preexec_fn=lambda: enter(lab.server))
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise LabError(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr}")


def bounds(text):
    """The first and last address of a source, as numbers, and the family."""
    if "-" in text:
        first, last = (ipaddress.ip_address(part) for part in text.split("-"))
    else:
        network = ipaddress.ip_network(text)
        first, last = network[0], network[-1]
    return int(first), int(last), first.version


def check_space(classes):
    """Complaints about classes that overlap or leave something out."""
    spaces = {}
    for entry in classes:
        if not entry["sources"]:
            yield f"a class without sources: {entry}"
            continue
        family = bounds(entry["sources"][0])[2]
        space = spaces.setdefault((entry["interface"], family), {})
        space.setdefault(entry["to"], []).append(entry)
    for (interface, family), called in spaces.items():
        # On lo each of the host's addresses is called by itself: together they are one space.
        groups = [sum(called.values(), [])] if interface == "lo" else list(called.values())
        for group in groups:
            ranges = sorted(bounds(text)[:2] for entry in group for text in entry["sources"])
            place = 0
            for first, last in ranges:
                if first != place:
                    yield (f"{interface} IPv{family}: {'overlap' if first < place else 'hole'} at "
                           f"{ipaddress.ip_address(min(first, place)) if family == 4 else hex(place)}")
                    break
                place = last + 1
            else:
                if place != WHOLE[family]:
                    yield f"{interface} IPv{family}: ends at {place:#x}"


def members(dice, entry):
    """Edges and random members of a class, as text."""
    found = []
    ranges = [bounds(text) for text in entry["sources"]]
    for first, last, family in dice.sample(ranges, min(len(ranges), EDGES)):
        found += [(dice.choice((first, last)), family)]
    for _ in range(SAMPLES):
        first, last, family = dice.choice(ranges)
        found.append((dice.randint(first, last), family))
    make = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}
    addresses = {make[family](number) for number, family in found}
    # The unspecified address is no client's: it can be asked for in classes alone.
    return sorted(str(one) for one in addresses if not one.is_unspecified)


def rules_passed(flow):
    passed = []
    for row in flow["path"]:
        if row["stage"] == "socket.lookup": # behind it are answers, which are datagrams, too
            break
        if (row["packet"] in ("syn", "datagram") and row["verdict"] in ("pass", "divert")
                and row["by"] and row["by"]["kind"] in ("nft_rule", "xt_rule")
                and row["priority"] is not None and row["by"]["id"] not in passed):
            passed.append(row["by"]["id"])
    return passed


def same_culprit(mine, theirs, address):
    if mine is None or theirs is None:
        return mine == theirs
    if (mine["kind"], mine["id"]) == (theirs["kind"], theirs["id"]):
        return True
    # A single client's refusal may name its own address, a class's the block or one of its members.
    return mine["kind"] == theirs["kind"] and mine["kind"] in ("address", "route", "neighbour") \
        and address in theirs["id"].replace("%2F", "/")


def compare(entry, address, flow):
    """A complaint, or None."""
    if entry["outcome"] == "unknown" and entry["certainty"] != "certain":
        return None
    def told(answer):
        culprit = answer["culprit"] or {"kind": "nothing", "id": ""}
        return (f"{answer['outcome']} {answer['icmp'] or ''} at {answer['stopped_at']} by "
                f"{culprit['kind']} {culprit['id']} ({answer['certainty']})")

    fields = ["outcome", "icmp"] + ["stopped_at"] * (entry["certainty"] == "certain")
    if any(entry[field] != flow[field] for field in fields):
        return f"{told(entry)}, a single client: {told(flow)}"
    if entry["certainty"] != "certain": # the outcome is, but not what decides
        return None
    if not same_culprit(entry["culprit"], flow["culprit"], address):
        return f"{told(entry)}, a single client: {told(flow)}"
    if entry["outcome"] == "open" and entry["via"] != rules_passed(flow):
        return f"via {entry['via']}, of a single client {rules_passed(flow)}"
    return None


def flow_to(lab, target, entry, address):
    """The flow of a client that calls the address of its class: not always what it would call by
    itself, since one address of a block stands for all."""
    proto, port = target.split("/")
    return ask(lab, target_words(proto, entry["to"], port),
               "--from", f"{address}%{entry['interface']}")["flows"]


def check_members(lab, dice, classes, target):
    asked = []
    for entry in classes:
        if entry["to"] is not None:
            asked += [(entry, address) for address in members(dice, entry)]
    dice.shuffle(asked)
    complaints = []
    for begin in range(0, len(asked), BATCH):
        batch = asked[begin:begin + BATCH]
        options = []
        for entry, address in batch:
            options += ["--from", f"{address}%{entry['interface']}"]
        flows = {}
        for flow in ask(lab, target, *options)["flows"]:
            flows.setdefault((flow["from"]["address"], flow["from"]["interface"]), []).append(flow)
        for entry, address in batch:
            single = ([flow for flow in flows.get((address, entry["interface"]), [])
                       if flow["to"]["address"] == entry["to"]]
                      or flow_to(lab, target, entry, address))
            wrong = compare(entry, address, single[0])
            if wrong:
                complaints.append(f"{address}%{entry['interface']} to {entry['to']}: {wrong}")
    return len(asked), complaints


def run_round(seed, show):
    dice = random.Random(seed)
    text, legacy = random_ruleset(dice), random_legacy(dice)
    proto = "udp" if dice.random() < 0.15 else "tcp"
    listeners = [random_listener(dice) + [] for _ in range(dice.randint(0, 2))]
    with Lab() as lab:
        prepare(lab, dice)
        words = []
        for listener in listeners:
            words += (["+"] if words else []) + (["--udp"] if proto == "udp" else []) + listener
        if words:
            server = lab.start(lab.server, sys.executable,
                               os.path.join(HERE, "..", "lab", "server.py"), *words,
                               output=subprocess.PIPE)
            lab.undo(server.stdout.close)
            # Errors of what cannot be bound come first. A machine under load may take seconds.
            while (line := server.stdout.readline()) and line.strip() != b"ready":
                pass
        text = load_rules(lab, text, legacy)
        # With an address that is tentative nobody asks on the link, a moment later it does.
        laboratory.wait_until(lambda: not any(netns.ip("-6", "addr", "show", "tentative")
                                   for netns in (lab.client, lab.server)), "addresses are ready")
        answer = ask(lab, "who", f"{proto}/{PORT}")
        complaints = list(check_space(answer["classes"]))
        count, wrong = check_members(lab, dice, answer["classes"], f"{proto}/{PORT}")
    complaints += wrong
    if complaints or show:
        complaints += ["listeners: " + "; ".join(" ".join(words) for words in listeners),
                       "legacy: " + "; ".join(" ".join(words) for words in legacy), text]
    unknown = sum(entry["outcome"] == "unknown" for entry in answer["classes"])
    return len(answer["classes"]), unknown, count, complaints


def main():
    parser = rounds.parser()
    parser.add_argument("--show", action="store_true", help="print the rules of each round")
    options = parser.parse_args()
    if reason := rounds.unable(options):
        print(f"skipped: {reason}")
        return SKIPPED
    first = rounds.first_seed(options)
    totals = [0, 0, 0]
    failed = 0
    for seed in range(first, first + options.rounds):
        *counts, complaints = run_round(seed, options.show)
        totals = [total + count for total, count in zip(totals, counts)]
        if complaints and not options.show:
            failed += 1
            print(f"seed {seed}:")
        for complaint in complaints:
            print(f"  {complaint}")
    print(f"{options.rounds} hosts, {totals[0]} classes ({totals[1]} unknown), "
          f"{totals[2]} single clients asked, {failed} hosts disagree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
