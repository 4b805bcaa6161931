#!/usr/bin/env python3
"""A twin test: random listeners, random clients; what synfate predicts against a real connect().

    SYNFATE=build/release/synfate tests/twin/twin.py --seed 7 --rounds 50

Each round opens some listeners on one port of a server namespace: wildcard or one address, IPv4,
IPv6, IPv6-only or dual-stack, an IPv4-mapped address, bound to an interface, bound without
listening, several at once, TCP and UDP. Then clients on the link and on the server itself connect
to its addresses. Outcomes must be equal. A failure prints the seed of its round, with which
`--seed` and `--rounds 1` repeat exactly that round.
"""

import argparse
import os
import random
import select
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

import lab as laboratory
from lab import SKIPPED, Lab, LabError, ask_synfate, real_outcome, synfate_program, target_words

PORT = "8080"
ADDRESSES = {4: ["10.77.0.1", "10.77.0.11", "10.78.0.1", "127.0.0.1", "127.0.1.1"],
             6: ["fd77::1", "fd77::11", "fd78::1", "::1"]}
REMOTE_SOURCES = {4: ["10.77.0.2", "10.77.0.22"], 6: ["fd77::2", "fd77::22"]}
DEVICES = ["sv0", "sd0", "lo"]


def is_loopback(address):
    return address == "::1" or address.startswith("127.")


def random_listener(dice):
    """The words of one listener for server.py."""
    words = ["--try"]
    family = dice.choice((4, 6))
    wildcard = dice.random() < 0.45
    address = ("0.0.0.0", "::")[family == 6] if wildcard else dice.choice(ADDRESSES[family])
    if family == 6 and dice.random() < 0.15:
        address = "::ffff:" + dice.choice(ADDRESSES[4] + ["0.0.0.0"])
    elif family == 6 and dice.random() < 0.5:
        words += ["--v6only", str(dice.choice((0, 1)))]
    if dice.random() < 0.2:
        words += ["--device", dice.choice(DEVICES)]
    if dice.random() < 0.2:
        words += ["--udp"]
    elif dice.random() < 0.1:
        words += ["--no-listen"]
    if dice.random() < 0.7:
        words += ["--reuseaddr"]
    if dice.random() < 0.2:
        words += ["--reuseport"]
    return words + [address, PORT]


def random_client(dice):
    """(local, proto, source, target address)"""
    family = dice.choice((4, 6))
    proto = "tcp" if dice.random() < 0.85 else "udp"
    target = dice.choice(ADDRESSES[family])
    if is_loopback(target) or dice.random() < 0.3:
        sources = [one for one in ADDRESSES[family] if is_loopback(one) or not is_loopback(target)]
        return True, proto, dice.choice(sources), target
    return False, proto, dice.choice(REMOTE_SOURCES[family]), target


def prepare(lab):
    """A second interface, so that addresses and devices are not one and the same."""
    lab.server.ip("link", "add", "sd0", "type", "veth", "peer", "name", "cd0",
                  "netns", lab.client.name)
    lab.server.ip("addr", "add", "10.78.0.1/24", "dev", "sd0")
    lab.server.ip("addr", "add", "fd78::1/64", "dev", "sd0", "nodad")
    lab.server.ip("link", "set", "sd0", "up")
    lab.client.ip("link", "set", "cd0", "up")
    lab.meet(REMOTE_SOURCES[4], "10.78.0.1")
    lab.meet(REMOTE_SOURCES[6], "fd78::1")


def start_listeners(lab, listeners):
    words = []
    for listener in listeners:
        words += (["+"] if words else []) + listener
    process = lab.start(lab.server, sys.executable,
                        os.path.join(HERE, "..", "lab", "server.py"), *words,
                        output=subprocess.PIPE)
    while True:
        ready, _, _ = select.select([process.stdout], [], [], 10)
        line = process.stdout.readline().strip() if ready else b""
        if line == b"ready":
            return process
        if not line.startswith(b"failed"):
            raise LabError(f"the server did not start: {line!r}")


def predict(lab, proto, source, target):
    answer = ask_synfate(lab.server, target_words(proto, target, PORT), "--from", source)
    if len(answer.flows) != 1:
        raise LabError(f"{' '.join(answer.words)}: {len(answer.flows)} flows instead of one")
    return answer


def check_client(lab, client):
    """A complaint, or None."""
    local, proto, source, target = client
    answer = predict(lab, proto, source, target) if synfate_program() else None
    real, code = real_outcome(lab.server if local else lab.client, proto, target, int(PORT), source)
    if answer is None:
        return None
    predicted = answer.flows[0]["outcome"]
    status = 0 if predicted == "open" else 1
    if predicted == real and answer.status == status:
        return None
    where = "on the server" if local else "from the link"
    return (f"{target_words(proto, target, PORT)} {where}, source {source}: predicted {predicted} "
            f"(exit {answer.status}), real {real} ({code})\n      {' '.join(answer.words)}\n"
            f"      stopped at {answer.flows[0]['stopped_at']}, {answer.flows[0]['culprit']}"
            + (f"\n      {answer.errors.strip()}" if answer.errors else ""))


def run_round(seed, clients):
    """Complaints of one random host."""
    dice = random.Random(seed)
    listeners = [random_listener(dice) for _ in range(dice.randint(1, 5))]
    asked = {random_client(dice) for _ in range(clients)}
    with Lab() as lab:
        prepare(lab)
        server = start_listeners(lab, listeners)
        try:
            found = [check_client(lab, client) for client in sorted(asked)]
        finally:
            laboratory.stop(server)
            server.stdout.close()
    complaints = [one for one in found if one]
    if complaints:
        complaints.insert(0, "listeners: " + "; ".join(" ".join(words) for words in listeners))
    return len(asked), complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None, help="of the first round")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=6, help="of each round")
    parser.add_argument("--real-only", action="store_true", help="do not ask synfate")
    options = parser.parse_args()
    reason = laboratory.unable()
    if options.real_only:
        os.environ.pop("SYNFATE", None)
    elif not reason and not synfate_program():
        reason = "SYNFATE does not name the program under test"
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    flows = failed = 0
    for number in range(options.rounds):
        # Far enough apart that neighbouring fixed seeds do not share rounds.
        seed = first + number * 1_000_003
        asked, complaints = run_round(seed, options.clients)
        flows += asked
        failed += bool(complaints)
        if complaints:
            print(f"FAILED   repeat with: --seed {seed} --rounds 1 --clients {options.clients}")
            for line in complaints:
                print(f"    {line}", flush=True)
    print(f"{options.rounds} rounds from seed {first}: {flows} flows, {failed} rounds failed")
    return 1 if failed else 0


sys.exit(main())
