#!/usr/bin/env python3
"""A twin of bind(): random sockets, random attempts; what synfate predicts against the real errno.

    SYNFATE=build/release/synfate tests/twin/bind.py --seed 7 --rounds 50

Each round makes some sockets that have one port of a namespace: TCP and UDP, wildcard or one address,
IPv4, IPv6, IPv6-only, an IPv4-mapped address, with or without SO_REUSEADDR, SO_REUSEPORT, an
interface, of several users, bound only, listening, connected, accepted, closed and in TIME_WAIT. Then
it tries to bind the port in random ways. An answer that is certain must be right, and one that is not
must have named the real end. A failure prints the seed of its round, with which `--seed` and
`--rounds 1` repeat exactly that round.
"""

import contextlib
import json
import os
import random
import select
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

import rounds
from bind_attempt import Wish, ask_bind, make, real_bind, shown, wrong_answer
from lab import SKIPPED, LabError, Netns, enter

PORTS = (8080, 40000)  # below and within the range of outgoing ports
OTHER_PORT = 5432
USERS = (None, 1000, 65534)
V4 = ["0.0.0.0", "127.0.0.1", "127.0.0.2", "10.77.0.1", "10.77.0.11", "10.78.0.1"]
V6 = ["::", "::1", "fd77::1", "fd77::11", "fd78::1"]
MAPPED = ["::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:10.77.0.1"]
STRANGE = ["10.77.0.99", "fd77::99", "10.77.0.255", "239.1.2.3", "ff05::1234"]
DEVICES = ["sv0", "sd0", "lo"]


def random_wish(dice, port, strange=0.0):
    address = dice.choice(V4[:1] * 3 + V6[:1] * 3 + V4 + V6 + MAPPED)
    if dice.random() < strange:
        address = dice.choice(STRANGE)
    return Wish(address, port, proto="udp" if dice.random() < 0.25 else "tcp",
                reuseaddr=dice.random() < 0.4, reuseport=dice.random() < 0.3,
                v6only=dice.random() < 0.3 if ":" in address else None,
                device=dice.choice(DEVICES) if dice.random() < 0.2 else None,
                user=dice.choice(USERS) if dice.random() < 0.4 else None)


# What becomes of a TCP socket that was made; UDP ones stay, or connect.
FATES = ["listening"] * 4 + ["bound"] * 3 + ["accepted"] * 2 + ["outlived"] * 2 + \
    ["time_wait"] * 3 + ["client_closed"]


class Existing:
    """A socket of the scene: a wish, and what becomes of it."""

    def __init__(self, dice, port):
        self.outgoing = dice.random() < 0.15
        self.wish = random_wish(dice, port)
        self.fate = dice.choice(FATES)

    def __str__(self):
        if self.outgoing:
            return f"a connection from {self.wish.address} port {self.wish.port}"
        return f"{self.wish}, {self.fate}"


class Scene:
    """Makes the sockets, in a child inside the namespace, and keeps them."""

    def __init__(self):
        self.kept = []
        self.other = {address: self._listener(address) for address in ("127.0.0.1", "::1")}

    @staticmethod
    def _listener(address):
        return make(Wish(address, OTHER_PORT, reuseaddr=True))

    def add(self, existing):
        """False if the kernel did not let it."""
        with contextlib.ExitStack() as undo:
            if existing.wish.user is not None:
                os.seteuid(existing.wish.user)
                undo.callback(os.seteuid, 0)
            try:
                if existing.outgoing:
                    return self._connect_out(existing.wish)
                return self._serve(existing)
            except OSError:
                return False

    def _connect_out(self, wish):
        v6 = ":" in wish.address
        made = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
        self.kept.append(made)
        made.settimeout(1)
        made.bind((wish.address if wish.address in ("127.0.0.1", "127.0.0.2", "::1") else
                   ("::1" if v6 else "127.0.0.1"), wish.port))
        made.connect(("::1" if v6 else "127.0.0.1", OTHER_PORT))
        return True

    def _serve(self, existing):
        wish, fate = existing.wish, existing.fate
        if wish.proto == "udp" or fate == "listening":
            self.kept.append(make(wish))
            return True
        if fate == "bound":
            bound = bind_only(wish)
            self.kept.append(bound)
            return True
        listener = make(wish)
        try:
            client, accepted = self._connect(listener, wish)
        except OSError:
            listener.close()
            return False
        if fate == "accepted":
            self.kept += [listener, client, accepted]
        elif fate == "outlived":
            listener.close()
            self.kept += [client, accepted]
        elif fate == "time_wait":
            listener.close()
            accepted.close()
            client.recv(1)
            client.close()
        else:  # client_closed: CLOSE_WAIT here
            listener.close()
            client.close()
            self.kept.append(accepted)
        return True

    @staticmethod
    def _connect(listener, wish):
        to = wish.address
        if to in ("0.0.0.0", "::ffff:0.0.0.0"):
            to = "127.0.0.1"
        elif to == "::":
            to = "::1"
        to = to.removeprefix("::ffff:")
        client = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(0.3)
        try:
            client.connect((to, wish.port))
            listener.settimeout(0.3)
            accepted, _ = listener.accept()
        except OSError:
            client.close()
            raise
        return client, accepted


def bind_only(wish):
    """The same without listen()."""
    family = socket.AF_INET6 if ":" in wish.address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if wish.reuseaddr:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if wish.reuseport:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if wish.v6only is not None:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(wish.v6only))
        if wish.device:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, wish.device.encode() + b"\0")
        made.bind((wish.address, wish.port))
    except OSError:
        made.close()
        raise
    return made


class Holder:
    """The child that keeps a scene; it says which sockets could be made."""

    def __init__(self, netns, existing):
        answer, say = os.pipe()
        self.wait, self.go_on = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.go_on)
                enter(netns)
                scene = Scene()
                with os.fdopen(say, "w") as pipe:
                    json.dump([scene.add(one) for one in existing], pipe)
                os.read(self.wait, 1)
                status = 0
            finally:
                os._exit(status)
        os.close(say)
        os.close(self.wait)
        ready, _, _ = select.select([answer], [], [], 30)
        with os.fdopen(answer) as pipe:
            text = pipe.read() if ready else ""
        if not text:
            self.end()
            raise LabError("the scene could not be made")
        self.made = json.loads(text)

    def end(self):
        os.close(self.go_on)
        os.waitpid(self.pid, 0)


@contextlib.contextmanager
def namespace(stem):
    with contextlib.ExitStack() as undo:
        netns = Netns(stem)
        undo.callback(netns.remove)
        for link, net in (("sv0", "77"), ("sd0", "78")):
            netns.ip("link", "add", link, "type", "veth", "peer", "name", link + "p")
            netns.ip("link", "set", link + "p", "up")
            netns.ip("addr", "add", f"10.{net}.0.1/24", "dev", link)
            netns.ip("addr", "add", f"fd{net}::1/64", "dev", link, "nodad")
            netns.ip("link", "set", link, "up")
        netns.ip("addr", "add", "10.77.0.11/24", "dev", "sv0")
        netns.ip("addr", "add", "fd77::11/64", "dev", "sv0", "nodad")
        yield netns


class Tally:
    def __init__(self):
        self.attempts = self.certain = self.likely_right = self.failed = 0


def check(netns, wish, tally):
    """A complaint, or None."""
    report, status, words = ask_bind(netns, wish.words())
    real = real_bind(netns, wish)
    tally.attempts += 1
    tally.certain += report["certainty"] == "certain"
    expected = None if report["would_bind"] else report["errno"]
    tally.likely_right += report["certainty"] != "certain" and expected == real
    wrong = wrong_answer(report, status, real)
    return wrong and f"{wrong}\n      {' '.join(words)}\n      {shown(report)}"


def run_round(number, seed, attempts, tally):
    dice = random.Random(seed)
    port = dice.choice(PORTS)
    existing = [Existing(dice, port) for _ in range(dice.randint(1, 6))]
    wishes = [random_wish(dice, port, strange=0.1) for _ in range(attempts)]
    with namespace(f"sft{os.getpid()}n{number}") as netns:
        holder = Holder(netns, existing)
        try:
            found = [one for one in (check(netns, wish, tally) for wish in wishes) if one]
        finally:
            holder.end()
    if found:
        found.insert(0, "sockets: " + "; ".join(
            str(one) for one, made in zip(existing, holder.made) if made))
    return found


def main():
    parser = rounds.parser()
    parser.add_argument("--attempts", type=int, default=8, help="of each round")
    options = parser.parse_args()
    if reason := rounds.unable(options):
        print(f"skipped: {reason}")
        return SKIPPED
    first = rounds.first_seed(options)
    tally = Tally()
    for number in range(options.rounds):
        seed = first + number * rounds.STRIDE
        complaints = run_round(number, seed, options.attempts, tally)
        tally.failed += bool(complaints)
        if complaints:
            print(f"FAILED   repeat with: --seed {seed} --rounds 1 --attempts {options.attempts}")
            for line in complaints:
                print(f"    {line}", flush=True)
    print(f"{options.rounds} rounds from seed {first}: {tally.attempts} attempts, "
          f"{tally.certain} answers certain, of the others {tally.likely_right} as expected; "
          f"{tally.failed} rounds failed")
    return 1 if tally.failed else 0


sys.exit(main())
