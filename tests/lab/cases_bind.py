"""Would bind() succeed: causes of the pack `bind`, against real calls of bind() and listen()."""

import contextlib
import ctypes
import os
import platform
import socket
import struct
import subprocess
import sys
import time

from bind_attempt import (NOBODY, Wish, ask_bind, errno_of, make, real_bind, shown, wrong_answer)
from lab import (Case, Connection, LabError, Skip, enter, run_synfate, synfate_program,
                 wait_for_listener, wait_until)
from sk_lookup import bpf, end, load

V4, V4_OTHER, V4_CLIENT = "10.77.0.1", "10.77.0.11", "10.77.0.2"
V6, V6_OTHER = "fd77::1", "fd77::11"
PORT = 8080
# A port that no other program of this machine has in its command line.
QUIET = 20000 + os.getpid() % 10000


class BindCase:
    """`prepare(lab)` sets the scene; then a bind() as wished must end with `error` (None: success),
    and synfate must say so. `sure` is the certainty that the answer must have."""

    def __init__(self, name, prepare, wish, error=None, rule=None, sure="certain"):
        self.name, self.prepare, self.wish = name, prepare, wish
        self.error, self.rule, self.sure = error, rule, sure

    def complaints(self, lab):
        self.prepare(lab)
        report, status, words = ask_bind(lab.server, self.words())
        real = self.really(lab)
        found = []
        if real != self.error:
            found.append(f"reality: {real}, the case says {self.error}")
        if wrong := wrong_answer(report, status, real):
            found.append(wrong)
        if report["certainty"] != self.sure:
            found.append(f"the certainty is {report['certainty']}, not {self.sure}")
        rules = [finding["rule"] for finding in report["findings"]]
        if rules[:1] != ([self.rule] if self.rule else []):
            found.append(f"the findings are {rules}, the first should be {self.rule}")
        if found:
            found += ["command: " + " ".join(words), "answer: " + shown(report)]
        return found

    def words(self):
        return self.wish.words()

    def really(self, lab):
        return real_bind(lab.server, self.wish)


def nothing(lab):
    del lab


def tunnel(lab):
    """The kernel itself has the port, for a link."""
    lab.server.ip("link", "add", "vx0", "type", "vxlan", "id", "5", "local", V4, "dev", "sv0",
                  "dstport", str(QUIET))
    lab.server.ip("link", "set", "vx0", "up")


def serving(*words):
    def prepare(lab):
        lab.serve(*words)
    return prepare


def serving_as(uid, *words):
    """A server whose sockets belong to a user."""
    def prepare(lab):
        lab.serve("--uid", str(uid), *words)
    return prepare


class Kept:
    """A child in a namespace, by default the server's, that holds what `function` returns until the
    laboratory is cleared."""

    def __init__(self, lab, function, netns=None):
        ready_read, ready_write = os.pipe()
        self.go_on_read, self.go_on_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.go_on_write)
                enter(netns or lab.server)
                held = function()
                os.write(ready_write, b"x")
                os.read(self.go_on_read, 1)
                del held
                status = 0
            finally:
                os._exit(status)
        lab.undo(self.end)
        os.close(ready_write)
        os.close(self.go_on_read)
        ready = os.read(ready_read, 1)
        os.close(ready_read)
        if not ready:
            raise LabError("the scene could not be set")

    def end(self):
        with contextlib.suppress(OSError):
            os.close(self.go_on_write)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def holding(function):
    return lambda lab: Kept(lab, function)


def connected_pair(reuseaddr, address="127.0.0.1", port=PORT):
    """(client, accepted connection) of a listener that is gone."""
    listener = make(Wish(address, port, reuseaddr=reuseaddr))
    client = socket.create_connection((address, port))
    accepted, _ = listener.accept()
    listener.close()
    return client, accepted


def outlived(reuseaddr=False):
    """A connection that goes on while its listener is gone."""
    return holding(lambda: connected_pair(reuseaddr))


def time_wait(reuseaddr=False, port=PORT):
    """The server closed first."""
    def scene():
        client, accepted = connected_pair(reuseaddr, port=port)
        accepted.close()
        client.recv(1)
        client.close()
    def prepare(lab):
        lab.server.call(scene)
    return prepare


def outgoing(port, reserved=None):
    """A connection of the server's host to elsewhere that got `port` from the kernel."""
    def prepare(lab):
        lab.serve("0.0.0.0", "5432", netns=lab.client)
        lab.server.sysctl("net.ipv4.ip_local_port_range", f"{port} {port}")
        Kept(lab, lambda: socket.create_connection((V4_CLIENT, 5432)))
        lab.server.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        if reserved:
            lab.server.sysctl("net.ipv4.ip_local_reserved_ports", reserved)
    return prepare


def sysctl(name, value):
    def prepare(lab):
        lab.server.sysctl(name, value)
    return prepare


def tentative(lab):
    lab.server.sysctl("net.ipv6.conf.sv0.dad_transmits", "20")
    lab.server.ip("addr", "add", "fd77::77/64", "dev", "sv0")


def freebind_elsewhere(lab):
    """A listener on an address that this host does not have; the client sends there all the same."""
    lab.serve("--freebind", "10.77.0.99", "8080")
    lab.client.ip("neigh", "replace", "10.77.0.99", "lladdr", link_address(lab), "dev", "cl0")


def link_address(lab):
    words = lab.server.ip("-o", "link", "show", "dev", "sv0").split()
    return words[words.index("link/ether") + 1]


# --- sandboxes ------------------------------------------------------------------------------------

BIND, LISTEN, ACCEPT, ACCEPT4 = ((49, 50, 43, 288) if platform.machine() == "x86_64"
                                 else (200, 201, 202, 242))


def forbid(*calls):
    """A seccomp filter under which these calls fail with EPERM (seccomp(2), SECCOMP_MODE_FILTER)."""
    program = [struct.pack("=HBBI", 0x20, 0, 0, 0)]  # load the number of the call
    for at, call in enumerate(calls):
        program.append(struct.pack("=HBBI", 0x15, len(calls) - at, 0, call))
    program += [struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000),  # allow
                struct.pack("=HBBI", 0x06, 0, 0, 0x00050001)]  # EPERM
    code = ctypes.create_string_buffer(b"".join(program))
    head = struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, head, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def bind_forbidden(lab):
    """A program that goes on without the port that it was told to have."""
    code = (f"import sys, time\nsys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n"
            "import cases_bind, socket\nmade = socket.socket()\ncases_bind.forbid(cases_bind.BIND)\n"
            "try:\n    made.bind(('0.0.0.0', int(sys.argv[2])))\nexcept PermissionError:\n"
            "    print('refused', flush=True)\ntime.sleep(600)\n")
    process = lab.start(lab.server, sys.executable, "-c", code, "--port", str(QUIET),
                        output=subprocess.PIPE)
    lab.undo(process.stdout.close)
    if process.stdout.readline() != b"refused\n":
        raise LabError("bind() was not refused")


def listen_forbidden(lab):
    def scene():
        forbid(LISTEN)
        made = socket.socket()
        made.bind((V4, PORT))
        try:
            made.listen(4)
        except PermissionError:
            return made
        raise LabError("listen() was not forbidden")
    Kept(lab, scene)


def accept_forbidden(lab):
    def scene():
        made = make(Wish(V4, PORT))
        forbid(ACCEPT, ACCEPT4)
        return made
    Kept(lab, scene)
    # A first client, for long enough to be noticed.
    Kept(lab, lambda: socket.create_connection((V4, PORT)), lab.client)
    time.sleep(2.5)


PROG_ATTACH, SOCK_ADDR, INET4_BIND = 8, 18, 8


def cgroup_forbids_bind(lab):
    """This process, and what it starts, in a cgroup whose BPF program forbids bind() over IPv4."""
    with open("/proc/self/mountinfo") as file:
        mounts = [line.split()[4] for line in file if " - cgroup2 " in line]
    with open("/proc/self/cgroup") as file:
        own = [line.strip()[3:] for line in file if line.startswith("0::")]
    if not mounts or not own:
        raise Skip("cgroup2 is not mounted")
    folder = os.path.join(mounts[0], f"synfate-lab-{lab.server.name}")

    def move_to(where):
        with open(os.path.join(where, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    try:
        program = load(end(0), SOCK_ADDR, INET4_BIND)
        os.mkdir(folder)
        lab.undo(lambda: os.rmdir(folder))
        directory = os.open(folder, os.O_RDONLY)
        bpf(PROG_ATTACH, struct.pack("=IIII", directory, program, INET4_BIND, 0))
        os.close(directory)
        os.close(program)
        move_to(folder)
    except OSError as error:
        raise Skip(f"no BPF program on a cgroup: {error}")
    lab.undo(lambda: move_to(mounts[0] + own[0]))


class UnreadableCase(BindCase):
    """A program may forbid the call, which cannot be read: it is named, and nothing is certain."""

    def complaints(self, lab):
        self.prepare(lab)
        report, status, _ = ask_bind(lab.server, self.words())
        real = self.really(lab)
        rules = [finding["rule"] for finding in report["findings"]]
        if real != self.error:
            return [f"reality: {real}, the case says {self.error}"]
        if rules[:1] != [self.rule] or report["certainty"] == "certain":
            return [f"status {status}, {shown(report)}, the findings are {rules}"]
        return []


class AlsoCase(Case):
    """A case with a further finding."""

    def __init__(self, *arguments, also):
        super().__init__(*arguments)
        self.also = also

    def _judge(self, answer, real):
        rules = [finding["rule"] for finding in answer.report["findings"]]
        missing = [] if self.also in rules else [f"{self.also} is not among {rules}"]
        return super()._judge(answer, real) + missing


class OneBlocker(Case):
    """What stops it is all that has to change."""

    def _judge(self, answer, real):
        told = [blocker["culprit"] for blocker in answer.flows[0]["blockers"]]
        return super()._judge(answer, real) + ([f"in the way: {told}"] if len(told) != 1 else [])


# --- Unix sockets -----------------------------------------------------------------------------------


def immutable(lab, folder):
    """The mark is taken off before the folder is removed."""
    path = os.path.join(folder, "folder")
    os.mkdir(path)
    if subprocess.run(["chattr", "+i", path], capture_output=True).returncode != 0:
        raise Skip("this file system has no immutable directories")
    lab.undo(subprocess.run, ["chattr", "-i", path])


class UnixBindCase(BindCase):
    """`wish` is a name below the folder of the case, or "@NAME"."""

    def __init__(self, name, prepare, wish, error=None, rule=None, user=None, kind="stream"):
        super().__init__(name, self._scene, wish, error, rule)
        self.scene, self.user, self.kind = prepare, user, kind
        self.folder = ""

    def _scene(self, lab):
        self.folder = lab.folder()
        os.chmod(self.folder, 0o755)
        self.scene(lab, self.folder)

    def path(self):
        return self.wish if self.wish.startswith("@") else os.path.join(self.folder, self.wish)

    def words(self):
        words = ["bind", f"unix-{self.kind}:{self.path()}"]
        return words + (["--as", str(self.user)] if self.user is not None else [])

    def really(self, lab):
        path = "\0" + self.wish[1:] if self.wish.startswith("@") else self.path()

        def attempt():
            kind = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM}[self.kind]
            made = socket.socket(socket.AF_UNIX, kind)
            try:
                made.bind(path)
            except OSError as error:
                made.close()
                # The library refuses what the kernel would refuse with EINVAL.
                raise OSError(22, "too long") if error.errno is None else error
            return made

        return lab.server.call(lambda: errno_of(attempt, self.user))


def unix_socket(path, listen=True, kind=socket.SOCK_STREAM):
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(path)
    if listen:
        made.listen(4)
    return made


def unix_taken(lab, folder):
    Kept(lab, lambda: unix_socket(os.path.join(folder, "x.sock")))


def unix_left_over(lab, folder):
    del lab
    unix_socket(os.path.join(folder, "x.sock")).close()


def unix_file(lab, folder):
    del lab
    with open(os.path.join(folder, "x.sock"), "w"):
        pass


def unix_dangling_link(lab, folder):
    del lab
    os.symlink("/nowhere/at/all", os.path.join(folder, "x.sock"))


def unix_nothing(lab, folder):
    del lab, folder


def abstract_taken(lab, folder):
    del folder
    Kept(lab, lambda: unix_socket("\0synfate-lab-bind"))


R, P = {"reuseaddr": True}, {"reuseport": True}
HIGH = 40000

WORKERS = """
import os, socket, time
listener = socket.create_server(("0.0.0.0", 8080))
for _ in range(2):
    if os.fork() == 0:
        break
time.sleep(600)
"""


class EveryHolder:
    """All processes that have to go: the parent first, and what lives on of its children."""

    name = "a parent and two children hold the port"

    def complaints(self, lab):
        parent = lab.start(lab.server, sys.executable, "-c", WORKERS)
        children = f"/proc/{parent.pid}/task/{parent.pid}/children"

        def all_there():
            with open(children) as file:
                return len(file.read().split()) == 2

        wait_for_listener(parent.pid, 8080)
        wait_until(all_there, "the children are there")
        if not synfate_program():
            return []
        with open(children) as file:
            wanted = sorted([parent.pid, *map(int, file.read().split())])
        _, report, _ = run_synfate(lab.server, "bind", "8080")
        title = report["findings"][0]["title"]
        if report["holders"] != wanted or f"(pid {parent.pid})" not in title:
            return [f"the holders are {report['holders']}, not {wanted}; {title}"]
        fix = " ".join(report["findings"][0]["fix"])
        return [f"pid {pid} is not to end: {fix}" for pid in wanted if str(pid) not in fix]


CASES = [
    EveryHolder(),
    BindCase("a free port", nothing, Wish("0.0.0.0")),
    BindCase("an address of 0.0.0.0/8", nothing, Wish("0.0.0.1"), "EADDRNOTAVAIL",
             "bind.addr_missing"),
    BindCase("a free port on every address", nothing, Wish("::")),
    BindCase("a listener has the port", serving("0.0.0.0", "8080"), Wish("0.0.0.0"), "EADDRINUSE",
             "bind.in_use"),
    BindCase("SO_REUSEADDR does not help against a listener",
             serving("--reuseaddr", "0.0.0.0", "8080"), Wish("0.0.0.0", **R), "EADDRINUSE",
             "bind.in_use"),
    BindCase("a specific address collides with the wildcard", serving("0.0.0.0", "8080"), Wish(V4),
             "EADDRINUSE", "bind.in_use"),
    BindCase("the wildcard collides with a specific address", serving(V4, "8080"), Wish("0.0.0.0"),
             "EADDRINUSE", "bind.in_use"),
    BindCase(":: collides with 0.0.0.0", serving("0.0.0.0", "8080"), Wish("::"), "EADDRINUSE",
             "bind.in_use"),
    BindCase("0.0.0.0 collides with ::", serving("::", "8080"), Wish("0.0.0.0"), "EADDRINUSE",
             "bind.in_use"),
    BindCase("an IPv6-only :: does not collide with 0.0.0.0", serving("0.0.0.0", "8080"),
             Wish("::", v6only=True)),
    BindCase("0.0.0.0 does not collide with an IPv6-only ::", serving("--v6only", "1", "::", "8080"),
             Wish("0.0.0.0")),
    BindCase("two addresses do not collide", serving(V4, "8080"), Wish(V4_OTHER)),
    BindCase("two interfaces do not collide", serving("--device", "lo", "0.0.0.0", "8080"),
             Wish("0.0.0.0", device="sv0")),
    BindCase("a TCP listener and UDP do not collide", serving("0.0.0.0", "8080"),
             Wish("0.0.0.0", proto="udp")),
    BindCase("every address: two holders", serving(V4, "8080", "+", V6, "8080"), Wish("::"),
             "EADDRINUSE", "bind.in_use"),
    BindCase("bound, not listening", serving("--no-listen", "0.0.0.0", "8080"), Wish("0.0.0.0"),
             "EADDRINUSE", "bind.in_use"),
    BindCase("UDP, and the kernel has the port for a link", tunnel, Wish("0.0.0.0", QUIET, proto="udp"),
             "EADDRINUSE", "bind.in_use"),
    BindCase("UDP", serving("--udp", "0.0.0.0", "8080"), Wish("0.0.0.0", proto="udp"), "EADDRINUSE",
             "bind.in_use"),
    BindCase("only the new socket has SO_REUSEPORT", serving("0.0.0.0", "8080"),
             Wish("0.0.0.0", **P), "EADDRINUSE", "bind.in_use", sure="likely"),
    BindCase("both have SO_REUSEPORT", serving("--reuseport", "0.0.0.0", "8080"),
             Wish("0.0.0.0", **P), None, "bind.in_use", sure="likely"),
    BindCase("only the old socket has SO_REUSEPORT", serving("--reuseport", "0.0.0.0", "8080"),
             Wish("0.0.0.0"), "EADDRINUSE", "bind.in_use"),
    BindCase("a connection outlived its listener", outlived(), Wish("0.0.0.0"), "EADDRINUSE",
             "bind.in_use"),

    BindCase("SO_REUSEPORT of two users", serving_as(NOBODY, "--reuseport", "0.0.0.0", "8080"),
             Wish("0.0.0.0", **P), "EADDRINUSE", "bind.reuseport_other_uid"),
    BindCase("SO_REUSEPORT of two users, the new one no root",
             serving("--reuseport", "0.0.0.0", "8080"), Wish("0.0.0.0", user=NOBODY, **P),
             "EADDRINUSE", "bind.reuseport_other_uid"),
    BindCase("SO_REUSEPORT of two users over UDP",
             serving_as(NOBODY, "--udp", "--reuseport", "0.0.0.0", "8080"),
             Wish("0.0.0.0", proto="udp", **P), "EADDRINUSE", "bind.reuseport_other_uid"),

    BindCase("TIME_WAIT", time_wait(), Wish("0.0.0.0"), "EADDRINUSE", "bind.time_wait"),
    BindCase("TIME_WAIT, SO_REUSEADDR in the new program only", time_wait(), Wish("0.0.0.0", **R),
             "EADDRINUSE", None, sure="likely"),
    BindCase("TIME_WAIT, SO_REUSEADDR in both", time_wait(reuseaddr=True), Wish("0.0.0.0", **R),
             None, None, sure="likely"),
    BindCase("TIME_WAIT of a service on a high port", time_wait(port=HIGH), Wish("0.0.0.0", HIGH),
             "EADDRINUSE", "bind.time_wait"),

    BindCase("an outgoing connection has the port", outgoing(HIGH), Wish("0.0.0.0", HIGH),
             "EADDRINUSE", "bind.ephemeral_collision"),
    BindCase("an outgoing connection has the port, SO_REUSEADDR", outgoing(HIGH),
             Wish("0.0.0.0", HIGH, **R), "EADDRINUSE", "bind.ephemeral_collision", sure="likely"),
    BindCase("an outgoing connection has a port reserved since", outgoing(HIGH, str(HIGH)),
             Wish("::", HIGH), "EADDRINUSE", "bind.ephemeral_collision"),
    BindCase("an outgoing connection of another address is no matter", outgoing(HIGH),
             Wish("127.0.0.1", HIGH)),

    BindCase("port 80 as nobody", nothing, Wish("0.0.0.0", 80, user=NOBODY), "EACCES",
             "bind.unprivileged_port"),
    BindCase("port 80 over UDP and IPv6 as nobody", nothing,
             Wish("::", 80, proto="udp", user=NOBODY), "EACCES", "bind.unprivileged_port"),
    BindCase("port 80 as root", nothing, Wish("0.0.0.0", 80)),
    BindCase("port 80 as nobody where the sysctl allows it",
             sysctl("net.ipv4.ip_unprivileged_port_start", "80"), Wish("0.0.0.0", 80, user=NOBODY)),
    BindCase("port 79 as nobody where the sysctl allows 80",
             sysctl("net.ipv4.ip_unprivileged_port_start", "80"), Wish("0.0.0.0", 79, user=NOBODY),
             "EACCES", "bind.unprivileged_port"),
    BindCase("a taken low port as nobody: the privilege comes first", serving("0.0.0.0", "80"),
             Wish("0.0.0.0", 80, user=NOBODY), "EACCES", "bind.unprivileged_port"),

    BindCase("an address of nobody", nothing, Wish("10.77.0.99"), "EADDRNOTAVAIL",
             "bind.addr_missing"),
    BindCase("an IPv6 address of nobody", nothing, Wish("fd77::99"), "EADDRNOTAVAIL",
             "bind.addr_missing"),
    BindCase("a missing address and a low port: IPv4 looks at the address first", nothing,
             Wish("10.77.0.99", 80, user=NOBODY), "EADDRNOTAVAIL", "bind.addr_missing"),
    BindCase("a missing address and a low port: IPv6 looks at the port first", nothing,
             Wish("fd77::99", 80, user=NOBODY), "EACCES", "bind.unprivileged_port"),
    BindCase("ip_nonlocal_bind", sysctl("net.ipv4.ip_nonlocal_bind", "1"), Wish("10.77.0.99"), None,
             "bind.nonlocal.allowed"),
    BindCase("ip_nonlocal_bind of IPv6", sysctl("net.ipv6.ip_nonlocal_bind", "1"), Wish("fd77::99"),
             None, "bind.nonlocal.allowed"),
    BindCase("a whole network is local", nothing, Wish("127.9.9.9")),
    BindCase("the broadcast address of a network", nothing, Wish("10.77.0.255")),
    BindCase("an address that is tentative", tentative, Wish("fd77::77"), "EADDRNOTAVAIL",
             "bind.addr_unusable"),
    OneBlocker("a listener on an address that is not here", freebind_elsewhere,
               Connection("10.77.0.99"), "timeout", "bind.nonlocal"),

    AlsoCase("bind() is forbidden by a seccomp filter", bind_forbidden, Connection(V4, QUIET),
             "refused", "listen.none", also="lsm.seccomp_bind"),
    AlsoCase("listen() is forbidden by a seccomp filter", listen_forbidden, Connection(V4), "refused",
             "listen.bound_not_listening", also="lsm.seccomp_listen"),
    AlsoCase("accept() is forbidden by a seccomp filter", accept_forbidden, Connection(V4),
             "stalled", None, also="lsm.seccomp_accept"),

    UnreadableCase("a BPF program of the cgroup forbids it", cgroup_forbids_bind,
                   Wish("0.0.0.0"), "EPERM", "bind.cgroup_bpf"),
    BindCase("a BPF program of the cgroup for the other family", cgroup_forbids_bind, Wish(V6)),
    BindCase("a link-local address without its interface", nothing, Wish("fe80::1"), "EINVAL",
             "bind.invalid"),
    BindCase("an IPv4 address for an IPv6-only socket", nothing, Wish("::ffff:" + V4, v6only=True),
             "EINVAL", "bind.invalid"),
    BindCase("TCP has no multicast over IPv6", nothing, Wish("ff05::1234"), "EINVAL",
             "bind.invalid"),
    BindCase("an interface that is not there", nothing, Wish("0.0.0.0", device="nowhere0"), "ENODEV",
             "bind.invalid"),

    UnixBindCase("a file system without sockets", unix_nothing, "/sys/fs/app.sock", "EPERM",
                 "bind.directory"),
    UnixBindCase("a path in /proc", unix_nothing, "/proc/app.sock", "ENOENT", "bind.directory"),
    UnixBindCase("an immutable directory", immutable, "folder/app.sock", "EPERM",
                 "bind.directory"),
    UnixBindCase("a free path", unix_nothing, "x.sock"),
    UnixBindCase("a path that a socket has", unix_taken, "x.sock", "EADDRINUSE",
                 "bind.unix_in_use"),
    UnixBindCase("a path that was left over", unix_left_over, "x.sock", "EADDRINUSE",
                 "bind.stale_file"),
    UnixBindCase("a path that is a file", unix_file, "x.sock", "EADDRINUSE",
                 "bind.file_in_the_way"),
    UnixBindCase("a path that is a link to nowhere", unix_dangling_link, "x.sock", "EADDRINUSE",
                 "bind.file_in_the_way"),
    UnixBindCase("a path without its directory", unix_nothing, "no/x.sock", "ENOENT",
                 "bind.directory"),
    UnixBindCase("a directory of another user", unix_nothing, "x.sock", "EACCES", "bind.directory",
                 user=NOBODY),
    UnixBindCase("a path through a file", unix_file, "x.sock/y.sock", "ENOTDIR", "bind.directory"),
    UnixBindCase("a path that is too long", unix_nothing, "x" * 110, "EINVAL",
                 "bind.path_too_long"),
    UnixBindCase("an abstract name that is taken", abstract_taken, "@synfate-lab-bind",
                 "EADDRINUSE", "bind.unix_in_use"),
    UnixBindCase("an abstract name of another type is free", abstract_taken, "@synfate-lab-bind",
                 kind="dgram"),
]
