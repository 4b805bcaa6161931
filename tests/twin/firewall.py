#!/usr/bin/env python3
"""A twin test of the firewall: random rulesets, random clients; predictions against connect().

    SYNFATE=build/release/synfate tests/twin/firewall.py --seed 7 --rounds 50

Each round loads a random ruleset into a server namespace: nftables, iptables-nft, iptables-legacy or
several of them at once, with ipsets. Then clients on the link, behind it and on the server itself
connect over TCP and UDP, IPv4 and IPv6, to ports with and without a listener. The real attempts run
side by side in a prober (prober.py); what synfate predicts for each is held against what came of it:
the outcome and, for an ICMP error, the errno. Where it says `certain` it must be right; where it
claims less, the share of such flows is counted. A failure prints the seed that repeats its round.
"""

import collections
import itertools
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
sys.path.insert(0, HERE)

import lab as laboratory
import nft_rules
import rounds
import xt_rules
from lab import SKIPPED, Lab, LabError, ask_synfate, synfate_program, target_words

TARGETS = {4: ["10.77.0.1", "10.77.0.1", "10.77.0.11", "10.78.0.1", "127.0.0.1"],
           6: ["fd77::1", "fd77::1", "fd77::11", "fd78::1", "::1"]}
REMOTE = {4: ["10.77.0.2", "10.77.0.2", "10.77.0.22", "172.16.5.5", "172.16.200.1"],
          6: ["fd77::2", "fd77::2", "fd77::22", "fd99::5:5", "fd99:1::1"]}
PORTS = ["8080", "8080", "8080", "8081", "8090"]
UDP_PORTS = ["8080", "8053", "8090"]
#: Beyond this share of answers that claim less than certainty a long run fails.
VAGUE_SHARE = 0.02


def prepare(lab):
    lab.server.ip("link", "add", "sd0", "type", "veth", "peer", "name", "cd0",
                  "netns", lab.client.name)
    lab.client.ip("link", "set", "cd0", "up")
    lab.server.ip("addr", "add", "10.78.0.1/24", "dev", "sd0")
    lab.server.ip("addr", "add", "fd78::1/64", "dev", "sd0", "nodad")
    lab.server.ip("link", "set", "sd0", "up")
    lab.server.ip("route", "add", "172.16.0.0/12", "via", "10.77.0.2")
    lab.server.ip("-6", "route", "add", "fd99::/16", "via", "fd77::2")
    lab.server.ip("-6", "route", "add", "fd99:1::/32", "via", "fd77::2")
    for address in ("172.16.5.5/32", "172.16.200.1/32", "fd99::5:5/128", "fd99:1::1/128"):
        lab.client.ip("addr", "add", address, "dev", "lo")
    know_each_other(lab)
    for netns in (lab.server, lab.client):
        # The model says of a rate limited error that it may not come; here it always comes.
        for name in ("ipv4.icmp_ratelimit", "ipv6.icmp.ratelimit"):
            netns.sysctl("net." + name, 0)
        for name in ("ipv4.icmp_msgs_per_sec", "ipv4.icmp_msgs_burst"):
            if os.path.exists("/proc/sys/net/" + name.replace(".", "/")):
                netns.sysctl("net." + name, 1000000)
    lab.serve("0.0.0.0", "8080", "+", "--v6only", "1", "::", "8080", "+", "10.77.0.1", "8081", "+",
              "--v6only", "1", "::", "8081", "+", "--udp", "0.0.0.0", "8080", "+", "--udp", "--v6only", "1",
              "::", "8080", "+", "--udp", "0.0.0.0", "8053")


#: A neighbour that does not answer is given up before the client is.
QUICK = {"retrans_time_ms": 100, "mcast_solicit": 2}


def know_each_other(lab):
    """Fixed neighbours: a rule of a device drops ARP and neighbour discovery as well, and what is
    then forgotten would still be missing when the next ruleset is there."""
    for netns, link, peer, peer_link in ((lab.server, "sv0", lab.client, "cl0"),
                                         (lab.client, "cl0", lab.server, "sv0")):
        shown = json.loads(peer.ip("-j", "address", "show", "dev", peer_link))[0]
        for each in shown["addr_info"]:
            netns.ip("neigh", "replace", each["local"], "lladdr", shown["address"], "dev", link,
                     "nud", "permanent")


class Prober:
    """prober.py in a namespace: many attempts side by side."""

    def __init__(self, lab, netns, *words):
        self._process = lab.start(netns, sys.executable, os.path.join(HERE, "prober.py"), *words,
                                  output=subprocess.PIPE, takes_input=True)

    def begin(self, attempts):
        self._process.stdin.write(json.dumps(attempts).encode() + b"\n")
        self._process.stdin.flush()

    def results(self):
        line = self._process.stdout.readline()
        if not line:
            raise LabError("the prober ended")
        return [tuple(one) for one in json.loads(line)]


def fed(netns, text, *words):
    """A command inside a namespace with text on its standard input; its complaint or None."""
    done = subprocess.run(words, input=text, capture_output=True, text=True,
                          preexec_fn=lambda: laboratory.enter(netns))
    return None if done.returncode == 0 else (done.stderr.strip() or str(done.returncode))


def wipe(lab):
    fed(lab.server, "", "nft", "flush", "ruleset")
    for program, tables in (("iptables-legacy", "ip"), ("ip6tables-legacy", "ip6")):
        names = lab.server.call(lambda: open(f"/proc/net/{tables}_tables_names").read().split())
        for name in names:
            for words in (["-F"], ["-X"]):
                fed(lab.server, "", program, "-t", name, *words)
            for chain in xt_rules.BUILT_IN[name]:
                fed(lab.server, "", program, "-t", name, "-P", chain, "ACCEPT")
    # The kernel lets go of a set a moment after the rule or the list that named it is gone.
    fed(lab.server, "", "ipset", "destroy", "list4")
    laboratory.wait_until(lambda: fed(lab.server, "", "ipset", "destroy") is None,
                          "the sets are destroyed")
    fed(lab.server, "", "conntrack", "-F")


def load_nft(lab, dice):
    """Tables that nft or the kernel refuse are thrown again: the generator knows no kernel's limits."""
    while True:
        text = nft_rules.ruleset(dice)
        trouble = fed(lab.server, text, "nft", "-f", "-")
        if not trouble:
            return text
        if os.environ.get("SYNFATE_TWIN_SHOW"):
            print(trouble, file=sys.stderr)


def load_xt(lab, dice, backend, version):
    program = {4: "iptables", 6: "ip6tables"}[version] + f"-{backend}-restore"
    while True:
        text = xt_rules.ruleset(dice, version)
        trouble = fed(lab.server, text, program)
        if not trouble:
            return f"# {program}\n{text}"
        if os.environ.get("SYNFATE_TWIN_SHOW"):
            print(trouble, file=sys.stderr)


def load(lab, dice):
    """Loads a random ruleset; its text."""
    kind = dice.random()
    texts = []
    if kind < 0.55 or kind > 0.9:
        texts.append(load_nft(lab, dice))
    if kind >= 0.5:
        texts.append("# ipset\n" + (made := xt_rules.sets(dice)))
        if trouble := fed(lab.server, made, "ipset", "restore"):
            raise LabError(f"ipset: {trouble}")
        backends = dice.choice((["legacy"], ["legacy"], ["nft"], ["legacy", "nft"]))
        texts += [load_xt(lab, dice, backend, version) for backend in backends for version in (4, 6)]
    return "\n".join(texts)


def random_client(dice):
    """(local, proto, source, target, port)"""
    version = dice.choice((4, 6))
    proto = "tcp" if dice.random() < 0.8 else "udp"
    target = dice.choice(TARGETS[version])
    port = dice.choice(PORTS if proto == "tcp" else UDP_PORTS)
    loopback = target in ("127.0.0.1", "::1")
    if loopback or dice.random() < 0.2:
        return True, proto, target, target, port
    return False, proto, dice.choice(REMOTE[version]), target, port


class Tally:
    """What came of all flows."""

    def __init__(self):
        self.flows = self.vague = 0
        self.outcomes, self.reasons = collections.Counter(), collections.Counter()
        self.examples = {}

    def add(self, flow, real, seed):
        self.flows += 1
        self.outcomes[real] += 1
        if flow["certainty"] != "certain" or flow["outcome"] == "unknown":
            self.vague += 1
            reason = vague_reason(flow)
            self.reasons[reason] += 1
            self.examples.setdefault(reason, f"seed {seed}: {flow['from']} to {flow['to']}")


def vague_reason(flow):
    why = flow.get("assumptions") or [one.get("when") or "?" for one in flow.get("alternatives") or []]
    return "; ".join(one if isinstance(one, str) else json.dumps(one) for one in why)[:160] or "?"


def ask(lab, client):
    local, proto, source, target, port = client
    identity = ("--as", "root") if local else ()
    return ask_synfate(lab.server, target_words(proto, target, port), "--from", source, *identity)


def check(answer, client, real, code, tally, seed):
    """A complaint, or None."""
    _, proto, source, target, port = client
    if len(answer.flows) != 1:
        return f"{' '.join(answer.words)}: {len(answer.flows)} flows instead of one"
    flow = answer.flows[0]
    tally.add(flow, real, seed)
    predicted = flow["outcome"]
    if predicted == real and (real != "unreachable" or flow["errno"] == code):
        return None
    if predicted == "unknown":
        return None
    possible = [one.get("outcome") for one in flow.get("alternatives") or []]
    if flow["certainty"] != "certain" and real in possible:
        return None
    return (f"{target_words(proto, target, port)} from {source}: predicted {predicted} "
            f"({flow['errno']}, {flow['certainty']}), real {real} ({code})\n"
            f"      stopped at {flow['stopped_at']}, {json.dumps(flow['culprit'])[:300]}"
            + (f"\n      {answer.errors.strip()}" if answer.errors else "")
            + "".join(f"\n      {step['packet']} {step['stage']} {step['chain'] or ''} {step['verdict']} "
                      f"{(step['by'] or {}).get('id', '')} {step['note']}" for step in flow["path"]))


def forget_each_other(lab):
    """Both ends ask on the link again."""
    for netns, link in ((lab.server, "sv0"), (lab.client, "cl0")):
        for family in ("-4", "-6"):
            netns.ip(family, "neigh", "flush", "dev", link)
            for each in json.loads(netns.ip(family, "-j", "neigh", "show", "dev", link,
                                            "nud", "permanent") or "[]"):
                netns.ip("neigh", "del", each["dst"], "dev", link)


def try_stranger(lab, prober, client, tally, seed):
    forget_each_other(lab)
    answer = ask(lab, client) if synfate_program() else None
    prober.begin([client[1:]])
    real, code = prober.results()[0]
    if answer is None:
        tally.outcomes[real] += 1
        return None
    return check(answer, client, real, code, tally, seed)


def run_strangers(lab, probers, seed, clients, tally):
    """The same where nobody knows anybody on the link: one client after the other. By hand only:
    what an earlier connection still sends can make the client known."""
    dice = random.Random(seed)
    wipe(lab)
    text = load(lab, dice)
    complaints = []
    for client in [random_client(dice) for _ in range(clients)]:
        if client[0]:
            continue
        complaint = try_stranger(lab, probers[False], client, tally, seed)
        if complaint:  # a first ICMPv6 error may hit a socket that is busy (LockDroppedIcmps)
            complaint = try_stranger(lab, probers[False], client, tally, seed)
        if complaint:
            complaints.append(complaint)
    return complaints, text


def run_round(lab, probers, seed, clients, tally):
    """Complaints of one random ruleset."""
    dice = random.Random(seed)
    wipe(lab)
    text = load(lab, dice)
    asked = sorted({random_client(dice) for _ in range(clients)})
    for local, prober in probers.items():
        prober.begin([client[1:] for client in asked if client[0] == local])
    results = {local: prober.results() for local, prober in probers.items()}
    complaints = []
    for client in asked:
        real, code = results[client[0]].pop(0)
        if not synfate_program():
            tally.outcomes[real] += 1
        elif complaint := check(ask(lab, client), client, real, code, tally, seed):
            complaints.append(complaint)
    return complaints, text


def run(options):
    first = rounds.first_seed(options)
    tally, failed = Tally(), 0
    with Lab() as lab:
        prepare(lab)
        probers = {False: Prober(lab, lab.client), True: Prober(lab, lab.server)}
        one_round = run_strangers if options.strangers else run_round
        if options.strangers:
            for family, name in itertools.product((4, 6), ("retrans_time_ms", "mcast_solicit")):
                lab.client.sysctl(f"net.ipv{family}.neigh.cl0.{name}", QUICK[name])
            laboratory.wait_until(lambda: not any(  # nobody asks with an address that is tentative
                netns.ip("-6", "addr", "show", "tentative") for netns in (lab.client, lab.server)),
                "the link-local addresses are ready")
        for number in range(options.rounds):
            seed = first + number * rounds.STRIDE
            complaints, text = one_round(lab, probers, seed, options.clients, tally)
            failed += bool(complaints)
            if complaints:
                print(f"FAILED   repeat with: --seed {seed} --rounds 1 --clients {options.clients}")
                for line in complaints:
                    print(f"    {line}", flush=True)
                if options.show:
                    print("    " + text.replace("\n", "\n    "), flush=True)
    return first, tally, failed


def main():
    parser = rounds.parser()
    parser.add_argument("--clients", type=int, default=24, help="of each round")
    parser.add_argument("--strangers", action="store_true",
                        help="neighbours forget each other before each attempt")
    parser.add_argument("--real-only", action="store_true", help="do not ask synfate")
    parser.add_argument("--show", action="store_true", help="print the rulesets that failed")
    options = parser.parse_args()
    if reason := rounds.unable(options):
        print(f"skipped: {reason}")
        return SKIPPED
    first, tally, failed = run(options)
    return rounds.conclude(options, first, tally, failed, VAGUE_SHARE, 12)


if __name__ == "__main__":
    sys.exit(main())
