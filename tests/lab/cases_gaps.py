"""What cannot be seen: every gap says what, why, what follows and how to help, and no answer claims
more than was seen. Each case runs synfate in poorer circumstances than the laboratory has."""

import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

from lab import (LabError, enter, real_outcome, synfate_program,
                 wait_for_listener, wait_until)
from lab import run as must

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
          "--inh-caps", "-all", "--bounding-set", "-all"]


def public_copy(lab):
    """The program and its plugins where everybody can read them."""
    folder = lab.folder()
    os.chmod(folder, 0o755)
    program = synfate_program()
    shutil.copy(program, os.path.join(folder, "synfate"))
    plugins = os.path.join(os.path.dirname(program), "lib", "synfate", "plugins")
    shutil.copytree(plugins, os.path.join(folder, "lib", "synfate", "plugins"))
    must("chmod", "-R", "go+rX", folder)
    return os.path.join(folder, "synfate")


def without_socket_diagnosis():
    """seccomp: socket(AF_NETLINK, …, NETLINK_SOCK_DIAG) fails with EPERM."""
    load, equal, give = 0x20, 0x15, 0x06
    number, first_argument, third_argument = 0, 16, 32
    allow, refuse = 0x7FFF0000, 0x00050000 | 1
    program = [(load, 0, 0, number), (equal, 0, 5, socket_call()),
               (load, 0, 0, first_argument), (equal, 0, 3, 16),
               (load, 0, 0, third_argument), (equal, 0, 1, 4),
               (give, 0, 0, refuse), (give, 0, 0, allow)]
    packed = b"".join(struct.pack("HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(packed)
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) != 0 or \
            libc.prctl(set_seccomp, filter_mode, ctypes.create_string_buffer(header), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def socket_call():
    return {"x86_64": 41, "aarch64": 198}.get(os.uname().machine, 41)


def in_mounts(*commands):
    """A mount namespace of its own in which these commands were run first."""
    script = " && ".join(commands) + ' && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]


class Poor:
    """`wrap` are words before the program's; `limit` is called in the child. `outcomes` are those
    that may be said, `gaps` the ids that must be among those told (any if empty), `remedies` what must be among what helps."""

    def __init__(self, name, prepare, outcomes, wrap=(), limit=None, gaps=(), statuses=(3,),
                 words=("8080", "--from", "10.77.0.2"), reality=None, remedies=()):
        self.name, self.prepare, self.outcomes = name, prepare, outcomes
        self.wrap, self.limit, self.gaps, self.remedies = list(wrap), limit, gaps, remedies
        self.statuses, self.words, self.reality = statuses, words, reality

    def complaints(self, lab):
        self.prepare(lab)
        if self.reality:
            real, code = real_outcome(lab.client, "tcp", "10.77.0.1", 8080, "10.77.0.2")
            if real != self.reality:
                return [f"reality is {real} ({code}), the case says {self.reality}"]
        if not synfate_program():
            return []
        return self.judge(self.ask(lab))

    def ask(self, lab):
        def limited():
            enter(lab.server)
            if self.limit:
                self.limit()

        words = self.words(lab) if callable(self.words) else self.words
        command = self.wrap + [public_copy(lab), *words, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              preexec_fn=limited)
        try:
            return done, json.loads(done.stdout)
        except ValueError:
            raise LabError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")

    def judge(self, answer):
        done, report = answer
        found = []
        if done.returncode not in self.statuses:
            found.append(f"exit status {done.returncode}, not {self.statuses}: {done.stderr}")
        outcomes = {flow["outcome"] for flow in report.get("flows", [])}
        if not outcomes <= set(self.outcomes):
            found.append(f"it says {sorted(outcomes)}, which may be only {self.outcomes}")
        for gap in report["gaps"]:
            empty = [part for part in ("what", "why", "effect", "remedy") if not gap[part]]
            if empty:
                found.append(f"the gap {gap['id']} does not say: {', '.join(empty)}")
        told = {gap["id"] for gap in report["gaps"]}
        missing = set(self.gaps) - told
        if missing:
            found.append(f"gaps {sorted(told)}: {sorted(missing)} are not told")
        helping = {gap["remedy"] for gap in report["gaps"]}
        if not set(self.remedies) <= helping:
            found.append(f"what helps is {sorted(helping)}, not {self.remedies}")
        return found


def serving(*words):
    return lambda lab: lab.serve(*words)


def nothing(_lab):
    pass


def dropping(lab):
    lab.serve("0.0.0.0", "8080")
    path = os.path.join(lab.folder(), "rules.nft")
    with open(path, "w") as file:
        file.write("table ip f { chain i { type filter hook input priority 0; "
                   "tcp dport 8080 drop\n}\n}\n")
    must("ip", "netns", "exec", lab.server.name, "nft", "-f", path)


# A server whose listener only one thread holds: it has descriptors of its own.
ONE_THREAD = """
import ctypes, socket, threading
def serve():
    ctypes.CDLL(None).unshare(0x400)  # CLONE_FILES
    listener = socket.create_server(('0.0.0.0', 8080))
    while True:
        connection, _ = listener.accept()
        connection.sendall(b'pong' + connection.recv(100))
        connection.close()
threading.Thread(target=serve).start()
"""


def one_thread(lab):
    process = lab.start(lab.server, sys.executable, "-c", ONE_THREAD)
    wait_for_listener(process.pid, 8080)
    return process


def one_thread_stopped(lab):
    process = one_thread(lab)
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()[0] == "T",
               "it is stopped")


class UnixFile:
    """A socket's file, asked about from inside a container that does not see who has bound it."""

    def __init__(self, *script):
        self.script, self.path = script, None

    def prepare(self, lab):
        folder = lab.folder()
        os.chmod(folder, 0o755)
        self.path = os.path.join(folder, "x.sock")
        process = lab.start(lab.another_netns("u"), sys.executable, "-c",
                            "import os, socket, sys, time\n" + "\n".join(self.script) +
                            "\nprint('ready', flush=True)\ntime.sleep(600)", self.path,
                            output=subprocess.PIPE)
        lab.undo(process.stdout.close)
        process.stdout.readline()

    def words(self, lab):
        del lab
        return ["unix:" + self.path]


LISTENING = UnixFile("s = socket.socket(socket.AF_UNIX)", "s.bind(sys.argv[1])", "s.listen(4)")
LEFT = UnixFile("s = socket.socket(socket.AF_UNIX)", "s.bind(sys.argv[1])", "s.close()")

NAMES = (b"a) R\n\x1b[31m(", b"\xc2\x9b31m\xff\xe2\x80\xae)", b"", b"\x00", b"(((", b")\t0 T 1")


class Named:
    """A process with a name that would fool a parser or a terminal."""

    def __init__(self, name):
        self.process_name = name
        self.name = f"a process with the name {name!r}"

    def complaints(self, lab):
        code = ("import ctypes, os, signal, socket, time\n"
                f"ctypes.CDLL(None).prctl(15, {self.process_name!r}, 0, 0, 0)\n"
                "listener = socket.create_server(('0.0.0.0', 8080))\ntime.sleep(600)\n")
        process = lab.start(lab.server, sys.executable, "-c", code)
        wait_for_listener(process.pid, 8080)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.1)
        if not synfate_program():
            return []
        return [complaint for words in (["8080", "--from", "10.77.0.2"], [], ["facts", "process"])
                for form in ("text", "json")
                for complaint in self.look(lab, [*words, "--format", form])]

    def look(self, lab, words):
        done = subprocess.run([synfate_program(), *words], capture_output=True, timeout=60,
                              preexec_fn=lambda: enter(lab.server))
        found = []
        text = done.stdout.decode(errors="surrogateescape")
        bad = {letter for letter in text if letter != "\n" and not letter.isprintable()}
        if bad:
            found.append(f"{words}: {bad} reaches the terminal")
        if words[0] == "8080" and done.returncode != 1:
            found.append(f"{words}: exit status {done.returncode}")
        if words[-1] == "json":
            report = json.loads(text)
            if words[0] == "8080" and report["outcome"] != "stalled":
                found.append(f"{words}: {report['outcome']}")
        return found


HIDEPID = in_mounts("mount -t proc -o hidepid=invisible proc /proc")
NO_SYS = in_mounts("mount -t tmpfs none /sys")
NO_PROC_NET = in_mounts("mount -t proc -o subset=pid proc /proc")
NO_TRACING = ["setpriv", "--inh-caps", "-sys_ptrace", "--bounding-set", "-sys_ptrace"]
NO_NET_ADMIN = ["setpriv", "--inh-caps", "-net_admin", "--bounding-set", "-net_admin"]
# A rootless container: its root may read its own rules, and nothing of the host's.
ROOTLESS = ["unshare", "-Ur", "unshare", "-n", "sh", "-c",
            "ip link set lo up && nft add table ip f && "
            "nft 'add chain ip f i { type filter hook input priority 0; }' && "
            "nft add rule ip f i tcp dport 8080 drop && exec \"$@\"", "sh"]
OUTSIDE = "run it as root outside of this user namespace (container)"
# Processes of its own, and no names of network namespaces: what a container sees.
CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--propagation", "private", "sh", "-c",
             "mount -t tmpfs none /run && exec \"$@\"", "sh"]

CASES = [
    Poor("nobody asks about a port that is open", serving("0.0.0.0", "8080"), ["unknown"],
         NOBODY, gaps=["owners"], reality="open"),
    Poor("nobody asks about a port behind a firewall", dropping, ["unknown"], NOBODY,
         reality="timeout"),
    Poor("nobody asks about a port that nobody listens on", nothing, ["unknown", "refused"], NOBODY,
         statuses=(1, 3), reality="refused"),
    Poor("nobody asks who has a port", serving("0.0.0.0", "8080"), [], NOBODY, gaps=["owners"],
         statuses=(1,), words=("bind", "8080"), reality="open"),
    Poor("nobody looks at everything", serving("0.0.0.0", "8080"), [], NOBODY, words=()),
    Poor("nobody with processes hidden (hidepid)", serving("0.0.0.0", "8080"), ["unknown"],
         HIDEPID + NOBODY, gaps=["owners.hidden"], reality="open"),
    Poor("root with processes hidden from others (hidepid)", serving("0.0.0.0", "8080"), ["open"],
         HIDEPID, statuses=(0,), reality="open"),
    Poor("a container without /sys, an open port", serving("0.0.0.0", "8080"), ["open"], NO_SYS,
         statuses=(0,), reality="open"),
    Poor("a container without /sys, a closed port", nothing, ["refused"], NO_SYS, statuses=(1,),
         reality="refused"),
    Poor("no socket diagnosis, an open port", serving("0.0.0.0", "8080"), ["open"],
         limit=without_socket_diagnosis, statuses=(0,), reality="open"),
    Poor("no socket diagnosis, a listener for both families", serving("::", "8080"),
         ["open", "unknown"], limit=without_socket_diagnosis, statuses=(0, 3), reality="open"),
    Poor("no socket diagnosis, an IPv6-only listener", serving("--v6only", "1", "::", "8080"),
         ["unknown", "open"], limit=without_socket_diagnosis, statuses=(0, 3), reality="refused"),
    Poor("no socket diagnosis, a listener on loopback", serving("127.0.0.1", "8080"), ["refused"],
         limit=without_socket_diagnosis, statuses=(1,), reality="refused"),
    Poor("no socket diagnosis, a closed port", nothing, ["refused"],
         limit=without_socket_diagnosis, statuses=(1,), reality="refused"),
    Poor("root without CAP_SYS_PTRACE", serving("0.0.0.0", "8080"), ["open"], NO_TRACING,
         statuses=(0,), gaps=["owners"], reality="open"),
    Poor("root without CAP_NET_ADMIN, behind a firewall", dropping, ["unknown"], NO_NET_ADMIN,
         gaps=["nft"], reality="timeout"),
    Poor("root of a user namespace", serving("0.0.0.0", "8080"), ["unknown"], ["unshare", "-Ur"],
         gaps=["nft"], reality="open"),
    Poor("a user and network namespace of its own", nothing, ["refused", "denied"],
         ["unshare", "-Urn"], statuses=(1,), words=("8080",)),
    Poor("a rootless container with rules of its own", nothing, ["timeout"], ROOTLESS, gaps=["programs"],
         statuses=(1,), words=("127.0.0.1:8080",), remedies=[OUTSIDE]),
    Poor("/proc with processes only, an open port", serving("0.0.0.0", "8080"), ["open"],
         NO_PROC_NET, statuses=(0,), reality="open"),
    Poor("/proc with processes only, a closed port", nothing, ["refused"], NO_PROC_NET,
         statuses=(1,), reality="refused"),
    Poor("a container that shares the network, an open port", serving("0.0.0.0", "8080"), ["open"],
         CONTAINER, statuses=(0,), gaps=["owners.hidden"], reality="open"),
    Poor("a container that shares the network, a closed port", nothing, ["refused"], CONTAINER,
         statuses=(1,), reality="refused"),
    Poor("a container with a socket of its host", LISTENING.prepare, ["unknown"], CONTAINER,
         gaps=["netns"], words=LISTENING.words),
    Poor("a container with a file that its host left over", LEFT.prepare, ["refused"], CONTAINER,
         statuses=(1,), words=LEFT.words),
    Poor("nobody asks about a socket of another namespace", LISTENING.prepare,
         ["unknown", "denied"], NOBODY, statuses=(1, 3), words=LISTENING.words),
    Poor("a listener that one thread holds", one_thread, ["open"], statuses=(0,), reality="open"),
    Poor("a listener that one thread holds, stopped", one_thread_stopped, ["stalled"],
         statuses=(1,), reality="stalled"),
    *[Named(name) for name in NAMES],
]
