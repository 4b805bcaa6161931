"""One call of bind() and listen(): really made, and asked of synfate."""

import errno
import json
import os
import socket

from lab import ask_synfate, name_of

IPV6_V6ONLY = 26
NOBODY = 65534


class Wish:
    """What a server asks for: `user` is a uid, None is root."""

    def __init__(self, address, port=8080, proto="tcp", reuseaddr=False, reuseport=False,
                 v6only=None, device=None, user=None):
        self.address, self.port, self.proto = address, port, proto
        self.reuseaddr, self.reuseport, self.v6only = reuseaddr, reuseport, v6only
        self.device, self.user = device, user

    def target(self):
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.proto}/{shown}:{self.port}"

    def words(self):
        """The command line of synfate."""
        words = ["bind", self.target()]
        words += ["--reuseaddr"] if self.reuseaddr else []
        words += ["--reuseport"] if self.reuseport else []
        words += ["--v6only"] if self.v6only else []
        words += ["--device", self.device] if self.device else []
        words += ["--as", str(self.user)] if self.user is not None else []
        return words

    def __str__(self):
        return " ".join(self.words())


def become(uid):
    """The calling process, for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def make(wish):
    """A socket as wished; raises the OSError of the call that failed."""
    family = socket.AF_INET6 if ":" in wish.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if wish.proto == "udp" else socket.SOCK_STREAM
    made = socket.socket(family, kind)
    try:
        if wish.reuseaddr:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if wish.reuseport:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if wish.v6only is not None and family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_V6ONLY, int(wish.v6only))
        if wish.device:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, wish.device.encode() + b"\0")
        host, _, zone = wish.address.partition("%")
        made.bind((host, wish.port, 0, socket.if_nametoindex(zone)) if zone else (host, wish.port))
        if wish.proto == "tcp":
            made.listen(8)
    except OSError:
        made.close()
        raise
    return made


def errno_of(action, user=None):
    """The errno's name of what `action` raises, or None; as a user, in this process for good."""
    if user is not None:
        become(user)
    try:
        action().close()
    except OSError as error:
        return name_of(error.errno)
    return None


def real_bind(netns, wish):
    """The errno's name of a real attempt in a namespace, or None if it succeeds."""
    return netns.call(lambda: errno_of(lambda: make(wish), wish.user))


def ask_bind(netns, words):
    """synfate's answer: (report, exit status, words)."""
    answer = ask_synfate(netns, *words, "--timeout", "50")
    return answer.report, answer.status, answer.words


def possible_errors(report):
    """Every end that the answer allows, the one it expects first."""
    if report["would_bind"] is None:
        return []
    ends = [None if report["would_bind"] else report["errno"]]
    for attempt in report["attempts"]:
        for other in attempt["alternatives"]:
            ends.append(None if other["would_bind"] else "EADDRINUSE")
    return ends


def wrong_answer(report, status, real):
    """What is wrong with an answer, or None: a certain one must be right, another must at least
    have named the real end among its alternatives."""
    ends = possible_errors(report)
    if not ends:
        return "it could not tell"
    if report["certainty"] == "certain" and len(set(ends)) > 1:
        return "it is certain and has alternatives"
    if real not in ends:
        return f"predicted {' or '.join(str(end) for end in ends)} ({report['certainty']}), real {real}"
    wanted = 0 if report["would_bind"] else 1
    if status != wanted:
        return f"exit status {status}, not {wanted}"
    if report["errno"] not in (None, *errno.errorcode.values()):
        return f"there is no errno {report['errno']}"
    return None


def shown(report):
    return json.dumps({key: report[key] for key in ("would_bind", "errno", "certainty", "culprit")})
