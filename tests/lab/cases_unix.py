"""Unix sockets: causes of the pack `unix`, against a real connect(), or a datagram."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from bind_attempt import NOBODY, become
from cases_bind import Kept, unix_socket
from lab import (ANSWER_SECONDS, PING, Skip, ask_synfate, enter, name_of, synfate_program,
                 wait_until)

KINDS = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM,
         "seqpacket": socket.SOCK_SEQPACKET}
NONE = 0xFFFFFFFF  # no id in an access control list


def outcome_of(code):
    if code == "ECONNREFUSED":
        return "refused"
    return "denied" if code else "open"


def reach(path, kind, user):
    """(outcome, errno) of a client: it connects and waits for an answer, or sends a datagram."""
    if user is not None:
        become(user)
    with socket.socket(socket.AF_UNIX, KINDS[kind]) as client:
        client.setblocking(False)
        try:
            client.connect(path)
            client.send(PING)
        except OSError as error:
            code = "EINVAL" if error.errno is None else name_of(error.errno)
            return outcome_of(code), code
        if kind == "dgram":
            return "open", None
        client.settimeout(ANSWER_SECONDS)
        try:
            return ("open", None) if client.recv(100) else ("reset", None)
        except TimeoutError:
            return "stalled", None


class UnixCase:
    """`prepare(lab, folder)` sets the scene; then a client of `target`, a name in the folder or
    "@NAME", must end as said, and synfate must say so."""

    def __init__(self, name, prepare, target, outcome, error=None, rule=None, kind="stream",
                 user=None, culprit=None, say_kind=False, certainty="certain"):
        self.name, self.prepare, self.target, self.outcome = name, prepare, target, outcome
        self.error, self.rule, self.kind, self.user = error, rule, kind, user
        self.culprit, self.say_kind, self.certainty = culprit, say_kind, certainty

    def complaints(self, lab):
        folder = lab.folder()
        os.chmod(folder, 0o755)
        self.prepare(lab, folder)
        return self._compare(lab, folder)

    def _compare(self, lab, folder):
        abstract = self.target.startswith("@")
        path = self.target if abstract else os.path.join(folder, self.target)
        prefix = f"unix-{self.kind}:" if self.say_kind else "unix:"
        words = [prefix + spelled(path)]
        words += ["--as", str(self.user)] if self.user is not None else []
        answer = ask_synfate(lab.server, *words)
        called = "\0" + path[1:] if abstract else path
        real, code = lab.server.call(lambda: reach(called, self.kind, self.user))
        return self._judge(answer, real, code)

    def _judge(self, answer, real, code):
        found = []
        if (real, code) != (self.outcome, self.error):
            found.append(f"reality: {real} ({code}), the case says {self.outcome} ({self.error})")
        flow = answer.flows[0]
        if (flow["outcome"], flow["errno"]) != (real, code):
            found.append(f"predicted {flow['outcome']} ({flow['errno']}), real {real} ({code})")
        if flow["certainty"] != self.certainty:
            found.append(f"the answer is {flow['certainty']}, not {self.certainty}")
        if answer.first_rule() != self.rule:
            found.append(f"the first finding is {answer.first_rule()}, not {self.rule}")
        kind = (flow["culprit"] or {}).get("kind")
        if self.culprit and kind != self.culprit:
            found.append(f"the culprit is a {kind}, not a {self.culprit}")
        if answer.status != (0 if real == "open" else 1):
            found.append(f"exit status {answer.status}")
        return found + (["command: " + " ".join(answer.words)] if found else [])


class PaddedCase(UnixCase):
    """Who has the name with NULs behind it is told."""

    def _judge(self, answer, real, code):
        told = answer.report["findings"][0]["explain"]
        missing = [] if "with 90 NUL bytes behind it" in told else [f"it is not told: {told}"]
        return super()._judge(answer, real, code) + missing


class LookCase(UnixCase):
    """What is printed holds no control character but line feeds, and JSON is one document."""

    def _compare(self, lab, folder):
        found = super()._compare(lab, folder)
        path = spelled(os.path.join(folder, self.target))
        for width in (None, "80", "160"):
            env = {**os.environ, **({"COLUMNS": width} if width else {})}
            text = subprocess.run([synfate_program(), "unix:" + path], capture_output=True,
                                  preexec_fn=lambda: enter(lab.server), env=env).stdout
            bad = {byte for byte in text if (byte < 32 and byte != 10) or byte == 127}
            if bad:
                found.append(f"control characters are printed: {sorted(bad)}")
            try:
                text.decode()
            except UnicodeDecodeError as error:
                found.append(f"not UTF-8: {error}")
        return found


def spelled(path):
    """A path on the command line, as synfate itself prints it."""
    return path.encode("unicode_escape").decode() if any(ord(c) < 32 for c in path) else path


# --- scenes ---------------------------------------------------------------------------------------


def answering(path, kind):
    """A server in a process of its own, which answers; what it keeps."""
    listener = unix_socket(path, kind == "stream" or kind == "seqpacket", KINDS[kind])
    child = os.fork()
    if child == 0:
        try:
            while kind != "dgram":
                connection, _ = listener.accept()
                connection.send(b"pong " + connection.recv(100))
            while True:
                listener.recv(100)
        finally:
            os._exit(1)
    listener.close()
    return child


def serving(name="x.sock", kind="stream", then=None, netns=None):
    """`then(path, pid)` is done once it serves; `netns(lab)` is where."""
    def prepare(lab, folder):
        path = "\0" + name[1:] if name.startswith("@") else os.path.join(folder, name)
        pids = os.pipe()
        Kept(lab, lambda: os.write(pids[1], str(answering(path, kind)).encode()),
             netns(lab) if netns else None)
        child = int(os.read(pids[0], 20))
        for end in pids:
            os.close(end)
        lab.undo(os.kill, child, signal.SIGKILL)
        if then:
            then(path, child)
    return prepare


def holding(name="x.sock", kind="stream", listen=True, then=None):
    """A socket that nobody serves."""
    def prepare(lab, folder):
        path = "\0" + name[1:] if name.startswith("@") else os.path.join(folder, name)
        Kept(lab, lambda: unix_socket(path, listen, KINDS[kind]))
        if then:
            then(path)
    return prepare


def nothing(lab, folder):
    del lab, folder


def left_over(lab, folder):
    del lab
    unix_socket(os.path.join(folder, "x.sock")).close()


def plain_file(lab, folder):
    del lab
    with open(os.path.join(folder, "x.sock"), "w"):
        pass


def directory(lab, folder):
    del lab
    os.mkdir(os.path.join(folder, "x.sock"))


def replace(path, *_):
    os.unlink(path)
    unix_socket(path).close()


def unlink(path, *_):
    os.unlink(path)


def chmod(mode):
    return lambda path, *_: os.chmod(path, mode)


def chmod_folder(mode):
    return lambda path, *_: (os.chmod(path, 0o777), os.chmod(os.path.dirname(path), mode))


def give_to(uid, gid, mode):
    def then(path, *_):
        os.chown(path, uid, gid)
        os.chmod(path, mode)
    return then


def acl(*entries):
    """A file with an access control list: (tag, permissions, id) in the kernel's order; see
    include/uapi/linux/posix_acl_xattr.h."""
    def then(path, *_):
        os.chmod(path, 0o660)
        packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
        try:
            os.setxattr(path, "system.posix_acl_access", packed)
        except OSError as error:
            raise Skip(f"this file system has no access control lists: {error}")
    return then


def user_acl(permissions, mask):
    return acl((1, 6, NONE), (2, permissions, NOBODY), (4, 0, NONE), (16, mask, NONE), (32, 0, NONE))


def linked(lab, folder):
    os.symlink("x.sock", os.path.join(folder, "link"))
    serving()(lab, folder)


def dangling(lab, folder):
    del lab
    os.symlink("gone.sock", os.path.join(folder, "x.sock"))


def circle(lab, folder):
    del lab
    os.symlink("y.sock", os.path.join(folder, "x.sock"))
    os.symlink("x.sock", os.path.join(folder, "y.sock"))


def filled(lab, folder):
    """A listener without a process that accepts, with as many clients as fit."""
    path = os.path.join(folder, "x.sock")

    def scene():
        listener = unix_socket(path)  # backlog 4: five places
        clients = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for client in clients:
            client.setblocking(False)
            client.connect(path)
        return listener, clients

    Kept(lab, scene)


def one_place_left(lab, folder):
    path = os.path.join(folder, "x.sock")

    def scene():
        listener = unix_socket(path)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for client in clients:
            client.connect(path)
        threading.Thread(target=answer_late, args=(listener,), daemon=True).start()
        return listener, clients

    Kept(lab, scene)


def answer_late(listener):
    """Five connections, once synfate has looked at the queue."""
    time.sleep(0.6)
    taken = [listener.accept()[0] for _ in range(5)]
    for connection in taken:
        connection.send(b"pong")
    time.sleep(10)


def datagrams(count):
    """A datagram socket that nobody reads, with messages in it until it takes no more, or `count`."""
    def prepare(lab, folder):
        path = os.path.join(folder, "x.sock")

        def scene():
            receiver = unix_socket(path, False, socket.SOCK_DGRAM)
            sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            sender.setblocking(False)
            sender.connect(path)
            try:
                for _ in range(count):
                    sender.send(PING)
            except BlockingIOError:
                pass
            return receiver, sender

        Kept(lab, scene)
    return prepare


def connected_datagram(lab, folder):
    path = os.path.join(folder, "x.sock")

    def scene():
        receiver = unix_socket(path, False, socket.SOCK_DGRAM)
        peer = unix_socket(os.path.join(folder, "peer.sock"), False, socket.SOCK_DGRAM)
        receiver.connect(os.path.join(folder, "peer.sock"))
        return receiver, peer

    Kept(lab, scene)


def stop_process(path, child):
    del path
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0] == "T",
               "the server is stopped")


def another_netns(lab):
    return lab.another_netns("u")


def elsewhere(lab, folder):
    """An abstract name of another network namespace."""
    del folder
    Kept(lab, lambda: unix_socket("\0synfate-lab-unix"), another_netns(lab))


def other_mounts(lab, folder):
    """A server whose file lies in a file system that only it has mounted."""
    program = shutil.which("unshare")
    if not program:
        raise Skip("unshare is not installed")
    script = ("import socket,sys,time\n"
              "s=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(4)\n"
              "print('ready',flush=True)\ntime.sleep(600)\n")
    shell = 'mount -t tmpfs none "$1" && exec python3 -c "$2" "$1/x.sock"'
    process = lab.start(lab.server, program, "--mount", "--propagation", "private", "sh", "-c",
                        shell, "sh", folder, script, output=subprocess.PIPE)
    lab.undo(process.stdout.close)
    if process.stdout.readline().strip() != b"ready":
        raise Skip("no file system can be mounted here")


CASES = [
    UnixCase("a stream server", serving(), "x.sock", "open"),
    UnixCase("a datagram server", serving(kind="dgram"), "x.sock", "open", kind="dgram"),
    UnixCase("a seqpacket server", serving(kind="seqpacket"), "x.sock", "open", kind="seqpacket",
             say_kind=True),
    UnixCase("an abstract name", serving("@synfate-lab-unix"), "@synfate-lab-unix", "open"),
    UnixCase("through a link", linked, "link", "open"),
    UnixCase("a server in another network namespace", serving(netns=another_netns), "x.sock", "open"),

    UnixCase("a file left over", left_over, "x.sock", "refused", "ECONNREFUSED",
             "unix.no_listener", culprit="file"),
    UnixCase("a file that was replaced", serving(then=replace), "x.sock", "refused",
             "ECONNREFUSED", "unix.replaced"),
    UnixCase("a plain file", plain_file, "x.sock", "refused", "ECONNREFUSED",
             "unix.not_a_socket", culprit="file"),
    UnixCase("a directory", directory, "x.sock", "refused", "ECONNREFUSED", "unix.not_a_socket"),
    UnixCase("bound, not listening", holding(listen=False), "x.sock", "refused", "ECONNREFUSED",
             "unix.bound_not_listening", culprit="socket"),

    UnixCase("no file", nothing, "x.sock", "denied", "ENOENT", "unix.missing_path",
             culprit="file"),
    UnixCase("no directory", nothing, "no/x.sock", "denied", "ENOENT", "unix.missing_path"),
    UnixCase("a link to nowhere", dangling, "x.sock", "denied", "ENOENT", "unix.missing_path"),
    UnixCase("a file that was removed", serving(then=unlink), "x.sock", "denied", "ENOENT",
             "unix.deleted_path", culprit="socket"),
    UnixCase("a file in another mount namespace", other_mounts, "x.sock", "denied", "ENOENT",
             "unix.missing_path", culprit="file"),
    UnixCase("a circle of links", circle, "x.sock", "denied", "ELOOP", "unix.bad_path"),
    UnixCase("a path through a file", plain_file, "x.sock/y", "denied", "ENOTDIR",
             "unix.bad_path"),
    UnixCase("a path that ends with a slash", serving(), "x.sock/", "denied", "ENOTDIR",
             "unix.bad_path"),
    UnixCase("a name on the path that is too long", nothing, "x" * 256, "denied", "EINVAL",
             "unix.path_too_long"),

    UnixCase("the file's mode", serving(then=chmod(0o755)), "x.sock", "denied", "EACCES",
             "unix.permission", user=NOBODY, culprit="file"),
    UnixCase("the file's mode lets everybody write", serving(then=chmod(0o722)), "x.sock", "open",
             user=NOBODY),
    UnixCase("the directory's mode", serving(then=chmod_folder(0o744)), "x.sock", "denied",
             "EACCES", "unix.permission", user=NOBODY, culprit="file"),
    UnixCase("root needs no mode", serving(then=chmod(0)), "x.sock", "open"),
    UnixCase("the owner's bits count for the owner", serving(then=give_to(NOBODY, 0, 0o077)),
             "x.sock", "denied", "EACCES", "unix.permission", user=NOBODY),
    UnixCase("the group's bits count for the group", serving(then=give_to(0, NOBODY, 0o707)),
             "x.sock", "denied", "EACCES", "unix.permission", user=NOBODY),
    UnixCase("an access control list lets the client in", serving(then=user_acl(6, 6)),
             "x.sock", "open", user=NOBODY),
    UnixCase("an access control list with a mask", serving(then=user_acl(6, 4)),
             "x.sock", "denied", "EACCES", "unix.permission", user=NOBODY),

    UnixCase("a stream client of a datagram server", serving(kind="dgram"), "x.sock", "denied",
             "EPROTOTYPE", "unix.type_mismatch", say_kind=True),
    UnixCase("a datagram client of a stream server", serving(), "x.sock", "denied", "EPROTOTYPE",
             "unix.type_mismatch", kind="dgram", say_kind=True),
    UnixCase("a full queue", filled, "x.sock", "denied", "EAGAIN", "unix.backlog_full"),
    UnixCase("one place left", one_place_left, "x.sock", "open", None, "unix.waiting"),
    UnixCase("a full datagram queue", datagrams(100), "x.sock", "denied", "EAGAIN",
             "unix.dgram_full", kind="dgram"),
    UnixCase("a datagram queue with room", datagrams(5), "x.sock", "open", kind="dgram"),
    UnixCase("a datagram socket that is connected", connected_datagram, "x.sock", "denied",
             "EPERM", "unix.dgram_other_peer", kind="dgram"),
    UnixCase("a stopped server", serving(then=stop_process), "x.sock", "stalled", None,
             "unix.stopped", culprit="process"),

    UnixCase("no abstract name", nothing, "@synfate-lab-unix", "refused", "ECONNREFUSED",
             "unix.abstract_missing", culprit="socket"),
    PaddedCase("an abstract name that is filled up with NULs",
               holding("@synfate-lab-unix" + "\0" * 90), "@synfate-lab-unix", "refused",
               "ECONNREFUSED", "unix.abstract_missing", culprit="socket"),
    UnixCase("an abstract name of another network namespace", elsewhere, "@synfate-lab-unix",
             "refused", "ECONNREFUSED", "unix.other_netns"),
    UnixCase("an abstract name of another type", holding("@synfate-lab-unix", "dgram", False),
             "@synfate-lab-unix", "refused", "ECONNREFUSED", "unix.abstract_missing",
             say_kind=True),
    UnixCase("a path of 110 bytes", nothing, "x" * 110, "denied", "EINVAL", "unix.path_too_long"),

    LookCase("a name with line feeds and escapes", serving("a\n\x1b[31m\tb.sock"),
             "a\n\x1b[31m\tb.sock", "open"),
    LookCase("a missing name with line feeds and escapes", nothing, "a\n\x1b[31m\tb.sock", "denied",
             "ENOENT", "unix.missing_path"),
    LookCase("a file left over with a line feed", holding("x\n.sock", then=unlink), "x\n.sock",
             "denied", "ENOENT", "unix.deleted_path"),
]
