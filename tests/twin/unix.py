#!/usr/bin/env python3
"""A twin of connect() and bind() of Unix sockets: random trees of directories, links, files and
sockets with random owners and modes; what synfate predicts against the real errno.

    SYNFATE=build/release/synfate tests/twin/unix.py --seed 7 --rounds 50

A failure prints the seed of its round, with which `--seed` and `--rounds 1` repeat exactly that round.
"""

import contextlib
import os
import random
import socket
import struct
import subprocess
import sys
import json
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

import rounds
from bind_attempt import become, possible_errors, shown
from lab import SKIPPED, name_of, synfate_program

KINDS = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM,
         "seqpacket": socket.SOCK_SEQPACKET}
USERS = (None, None, 1000, 65534)
IDS = (0, 1000, 65534)
NAMES = ("a", "b", "c", "d")
NONE = 0xFFFFFFFF


class Tree:
    """A random tree below `root`, and the sockets that belong to it."""

    def __init__(self, dice, root):
        self.dice, self.root = dice, root
        self.directories = [root]
        self.paths = [root]
        self.open = []
        os.chmod(root, 0o777)
        for _ in range(dice.randint(1, 5)):
            self._directory()
        for _ in range(dice.randint(2, 10)):
            self._leaf()
        self.abstract = [self._abstract() for _ in range(dice.randint(0, 2))]
        for path in self.paths[1:]:
            self._own(path)

    def close(self):
        for one in self.open:
            one.close()

    def _free(self):
        for _ in range(20):
            path = os.path.join(self.dice.choice(self.directories), self.dice.choice(NAMES))
            if not os.path.lexists(path):
                return path
        return None

    def _directory(self):
        path = self._free()
        if path:
            os.mkdir(path)
            self.directories.append(path)
            self.paths.append(path)

    def _leaf(self):
        path = self._free()
        if not path:
            return
        what = self.dice.choice(["socket"] * 5 + ["gone", "replaced", "removed", "file", "link", "link"])
        if what == "file":
            open(path, "w").close()
        elif what == "link":
            os.symlink(self._link_target(path), path)
        else:
            self._socket(path, what)
        if os.path.lexists(path):
            self.paths.append(path)

    def _link_target(self, path):
        target = self.dice.choice(self.paths + [os.path.join(self.root, "nowhere"), path])
        if self.dice.random() < 0.5:
            return os.path.relpath(target, os.path.dirname(path))
        return target

    def _socket(self, path, what):
        made = self._made(path)
        if what == "gone":
            made.close()
            return
        self.open.append(made)
        if what == "removed":
            os.unlink(path)
        elif what == "replaced":
            os.unlink(path)
            socket_there = socket.socket(socket.AF_UNIX)
            socket_there.bind(path)
            socket_there.close()

    def _made(self, name):
        kind = self.dice.choice(["stream", "stream", "dgram", "seqpacket"])
        made = socket.socket(socket.AF_UNIX, KINDS[kind])
        made.bind(name)
        if kind == "dgram":
            self._fill_datagrams(made, name)
        elif self.dice.random() < 0.75:
            backlog = self.dice.randint(0, 3)
            made.listen(backlog)
            self._fill_queue(kind, name, backlog)
        return made

    def _fill_queue(self, kind, name, backlog):
        for _ in range(self.dice.choice((0, 0, backlog, backlog + 1))):
            client = socket.socket(socket.AF_UNIX, KINDS[kind])
            client.setblocking(False)
            client.connect(name)
            self.open.append(client)

    def _fill_datagrams(self, receiver, name):
        if self.dice.random() < 0.15:
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            peer.bind("")
            receiver.connect(peer.getsockname())
            self.open.append(peer)
            return
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.setblocking(False)
        sender.connect(name)
        self.open.append(sender)
        with contextlib.suppress(BlockingIOError):
            for _ in range(self.dice.choice((0, 5, 1000))):
                sender.send(b"x")

    def _abstract(self):
        name = f"synfate-twin-{os.getpid()}-{self.dice.choice(NAMES)}"
        with contextlib.suppress(OSError):
            self.open.append(self._made("\0" + name))
        return "@" + name

    def _own(self, path):
        if os.path.islink(path):
            os.chown(path, self.dice.choice(IDS), 0, follow_symlinks=False)
            return
        os.chown(path, self.dice.choice(IDS), self.dice.choice(IDS))
        usual = 0o755 if os.path.isdir(path) else 0o777
        os.chmod(path, self.dice.choice([usual] * 4 + [0o1777 if os.path.isdir(path) else 0o700] +
                                        [self.dice.randrange(0o1000)]))
        if self.dice.random() < 0.15:
            self._give_acl(path)

    def _give_acl(self, path):
        bits = [self.dice.randrange(8) for _ in range(6)]
        entries = [(1, bits[0], NONE), (2, bits[1], self.dice.choice(IDS[1:])), (4, bits[2], NONE),
                   (8, bits[3], self.dice.choice(IDS[1:])), (16, bits[4], NONE), (32, bits[5], NONE)]
        packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
        with contextlib.suppress(OSError):
            os.setxattr(path, "system.posix_acl_access", packed)

    def random_name(self):
        dice = self.dice
        if self.abstract and dice.random() < 0.15:
            return dice.choice(self.abstract)
        path = dice.choice(self.paths)
        if dice.random() < 0.3:
            path = os.path.join(path, dice.choice(NAMES))
        if dice.random() < 0.15:
            path = os.path.join(path, "..", dice.choice(NAMES))
        if dice.random() < 0.05:
            path += dice.choice(("/", "//", "/."))
        return path


def in_child(action, user):
    """The errno's name that a child of ours meets as a user, or None."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            if user is not None:
                become(user)
            code = None
            try:
                action()
            except OSError as error:
                code = name_of(error.errno) or "EINVAL"
            os.write(writing, (code or "").encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text or None


def address_of(name):
    return "\0" + name[1:] if name.startswith("@") else name


def connect(name, kind):
    with socket.socket(socket.AF_UNIX, KINDS[kind]) as client:
        client.setblocking(False)
        client.connect(address_of(name))
        if kind == "dgram":
            client.send(b"x")


def ask(words, user):
    # A loaded machine must not turn a deadline into a wrong answer.
    words = [synfate_program(), *words, "--format", "json", "--timeout", "50"]
    words += ["--as", str(user)] if user is not None else []
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    try:
        return json.loads(done.stdout), done.returncode, words
    except ValueError:
        return None, done.returncode, words + [done.stderr]


def check_connect(dice, tree):
    """A complaint, or None."""
    name, kind, user = tree.random_name(), dice.choice(list(KINDS)), dice.choice(USERS)
    report, status, words = ask([f"unix-{kind}:{name}"], user)
    if report is None:
        return f"no answer: {words}"
    flow = report["flows"][0]
    real = in_child(lambda: connect(name, kind), user)
    wrong = None
    if flow["errno"] != real:
        wrong = f"predicted {flow['outcome']} {flow['errno']} ({flow['certainty']}), real {real}"
    elif flow["outcome"] == "unknown" or flow["certainty"] != "certain":
        wrong = f"{flow['outcome']} is only {flow['certainty']}"
    elif status != (0 if real is None else 1):
        wrong = f"exit status {status} for {real}"
    return wrong and f"{wrong}\n      {' '.join(words)}\n      {flow['culprit']}"


def check_bind(dice, tree):
    name, user = tree.random_name(), dice.choice(USERS)
    kind = dice.choice(list(KINDS))
    report, status, words = ask(["bind", f"unix-{kind}:{name}"], user)
    if report is None:
        return f"no answer: {words}"

    def attempt():
        with socket.socket(socket.AF_UNIX, KINDS[kind]) as made:
            made.bind(address_of(name))
            if not name.startswith("@"):
                os.unlink(name)

    real = in_child(attempt, user)
    ends = possible_errors(report)
    if ends == [real] and report["certainty"] == "certain" and status == (1 if real else 0):
        return None
    return f"predicted {ends}, real {real}\n      {' '.join(words)}\n      {shown(report)}"


def run_round(seed, attempts):
    dice = random.Random(seed)
    found = []
    with tempfile.TemporaryDirectory(prefix="sftu-") as root:
        tree = Tree(dice, root)
        try:
            for _ in range(attempts):
                check = check_bind if dice.random() < 0.35 else check_connect
                if wrong := check(dice, tree):
                    found.append(wrong)
            if found:
                found.append(subprocess.run(["ls", "-lR", root], capture_output=True,
                                            text=True).stdout)
        finally:
            tree.close()
    return found


def main():
    parser = rounds.parser()
    parser.add_argument("--attempts", type=int, default=8, help="of each round")
    options = parser.parse_args()
    reason = None
    if os.geteuid() != 0:
        reason = "other users need root"
    elif not synfate_program():
        reason = "SYNFATE does not name the program under test"
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    first = rounds.first_seed(options)
    failed = 0
    for number in range(options.rounds):
        seed = first + number * rounds.STRIDE
        complaints = run_round(seed, options.attempts)
        failed += bool(complaints)
        if complaints:
            print(f"FAILED   repeat with: --seed {seed} --rounds 1 --attempts {options.attempts}")
            for line in complaints:
                print(f"    {line}", flush=True)
    print(f"{options.rounds} rounds from seed {first}: {options.rounds * options.attempts} attempts, "
          f"{failed} rounds failed")
    return 1 if failed else 0


sys.exit(main())
