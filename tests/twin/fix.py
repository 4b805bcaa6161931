#!/usr/bin/env python3
"""A twin test of the fixes: random rulesets, and clients that a rule or policy keeps out. The first
fix of the first finding is run as it stands, and the question asked again, until the client gets in.

    SYNFATE=build/release/synfate tests/twin/fix.py --seed 7 --rounds 20

A fix fails if its tool refuses it, or if the same culprit stops the same packet after it. A client who
at the end is said to get in must really connect. Findings without a command fail too, except for
refusals that are stopped on their way out (something else is the cause) and what is less than certain.
"""

import collections
import random
import sys

import firewall
import rounds
from lab import SKIPPED, Lab, ask_synfate, real_outcome, target_words

FIREWALL = ("nft_rule", "nft_chain", "xt_rule", "xt_policy")
TOOLS = ("nft ", "iptables-", "ip6tables-")
MOST_FIXES = 12


def ask(lab, client):
    local, proto, source, target, port = client
    identity = ("--as", "root") if local else ()
    return ask_synfate(lab.server, target_words(proto, target, port), "--from", source, *identity)


def command_of(answer):
    """The first command of the first finding."""
    for finding in answer.report["findings"]:
        for fix in finding["fix"]:
            command = fix.split(": ", 1)[1] if fix.startswith("let answers out") else fix
            if command.startswith(TOOLS):
                return command
    return None


def stop_of(flow):
    """What stops which packet."""
    step = next((one for one in flow["path"] if one["verdict"] == "stop"), {})
    return (flow["culprit"] or {}).get("id"), step.get("packet"), step.get("stage"), step.get("chain")


def mend(lab, client, tally):
    """Runs fixes until the client gets in or something else than the firewall is in the way. A
    complaint, or None."""
    seen = []
    for _ in range(MOST_FIXES):
        answer = ask(lab, client)
        flow = answer.flows[0]
        kind = (flow["culprit"] or {}).get("kind")
        if flow["certainty"] != "certain" or (flow["outcome"] != "open" and kind not in FIREWALL):
            tally["something else"] += 1
            return None
        if flow["outcome"] == "open":
            tally["open"] += 1
            return came_true(lab, client, seen)
        stop = stop_of(flow)
        if stop[1] in ("reset", "icmp"):
            tally["something else"] += 1
            return None
        command = command_of(answer)
        if command is None:
            rule = answer.report["findings"][0]["rule"] if answer.report["findings"] else "no finding"
            return f"no command ({rule}) against {stop}"
        if (stop, command) in seen:
            return f"still stopped by {stop} after: {command}"
        trouble = firewall.fed(lab.server, "", "sh", "-c", command)
        if trouble:
            return f"{command}: {trouble}"
        tally["fixes"] += 1
        seen.append((stop, command))
    return f"not open after {MOST_FIXES} fixes: {seen}"


def came_true(lab, client, seen):
    local, proto, source, target, port = client
    if not seen or proto == "udp":
        return None
    real, code = real_outcome(lab.server if local else lab.client, proto, target, int(port), source)
    return None if real == "open" else f"said to be open after {seen}, but it is {real} ({code})"


def run_round(lab, seed, clients, tally):
    dice = random.Random(seed)
    complaints = []
    asked = sorted({firewall.random_client(dice) for _ in range(clients)})
    for client in asked:
        # Each client meets the ruleset as it was made.
        firewall.wipe(lab)
        text = firewall.load(lab, random.Random(seed + 1))
        if complaint := mend(lab, client, tally):
            complaints.append((client, complaint, text))
    return complaints


def main():
    parser = rounds.parser(5)
    parser.add_argument("--clients", type=int, default=5, help="of each round")
    parser.add_argument("--show", action="store_true", help="print the rulesets that failed")
    options = parser.parse_args()
    if reason := rounds.unable(options):
        print(f"skipped: {reason}")
        return SKIPPED
    first = rounds.first_seed(options)
    tally, failed = collections.Counter(), 0
    with Lab() as lab:
        firewall.prepare(lab)
        for number in range(options.rounds):
            seed = first + number * rounds.STRIDE
            for client, complaint, text in run_round(lab, seed, options.clients, tally):
                failed += 1
                print(f"FAILED   {client}: {complaint}\n"
                      f"    repeat with: --seed {seed} --rounds 1 --clients {options.clients}",
                      flush=True)
                if options.show:
                    print("    " + text.replace("\n", "\n    "), flush=True)
    print(f"{options.rounds} rounds from seed {first}: {failed} failed; "
          + ", ".join(f"{count} {name}" for name, count in sorted(tally.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
