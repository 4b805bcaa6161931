"""What a process or the machine has no more of: the kernel accepts, the program cannot."""

import os
import resource
import signal
import subprocess
import sys
import time

from cases_bind import Kept, unix_socket
from cases_queue import rows
from cases_unix import UnixCase
from lab import (Case, Connection, LabError, Skip, connect_tcp, synfate_program,
                 wait_for_listener, wait_until)

# A server that tries again when accept() fails, as most do, and keeps `keep` connections open.
SERVER = """
import os, resource, socket, sys, time
listener = socket.socket()
listener.bind(('0.0.0.0', 8080))
limit, spare, close = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == 'close'
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
null = [os.open('/dev/null', os.O_RDONLY)]
try:
    while True:
        null.append(os.dup(null[0]))
except OSError:
    pass
for _ in range(spare):
    os.close(null.pop())
listener.listen(16)
kept = []
while True:
    try:
        connection, _ = listener.accept()
    except OSError:
        time.sleep(0.05)
        continue
    connection.sendall(b'pong')
    if close:
        connection.close()
    else:
        kept.append(connection)
"""


def serving(limit, spare, *, close=True, clients=0, leave=False):
    """`spare` descriptors are left; then `clients` connect, and close at once if they `leave`."""

    def prepare(lab):
        process = lab.start(lab.server, sys.executable, "-c", SERVER, str(limit), str(spare),
                            "close" if close else "keep")
        wait_for_listener(process.pid, 8080)
        wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >= limit - spare,
                   "its descriptors are used")
        code = ("import socket, time\nheld = []\n"
                f"for _ in range({clients}):\n"
                "    one = socket.create_connection(('10.77.0.1', 8080))\n"
                f"    {'one.recv(9); one.close()' if leave else 'held.append(one)'}\n"
                "time.sleep(600)\n")
        if clients:
            lab.start(lab.client, sys.executable, "-c", code)
            wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >=
                       min(limit, limit - spare + clients), "the clients have come")
            wait_until(lambda: sum(len(rows(lab.server, False, state)) for state in ("01", "08")) >=
                       clients, "all of them are connected")
            time.sleep(0.2)

    return prepare


def worker_with_room(lab):
    """A second process holds the listener and has descriptors left."""
    code = SERVER.replace("limit, spare", "listener.listen(16)\nif os.fork() == 0:\n"
                          "    while True:\n        one, _ = listener.accept()\n"
                          "        one.sendall(b'pong')\n        one.close()\nlimit, spare", 1)
    # The one without descriptors does not call accept(), or it would take what it cannot keep.
    code = code.partition("kept = []")[0] + "time.sleep(600)\n"
    process = lab.start(lab.server, sys.executable, "-c", code, "12", "0", "close")
    wait_for_listener(process.pid, 8080)
    wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >= 12, "they are used")


def unix_without_descriptors(lab, folder):
    path = os.path.join(folder, "x.sock")

    def scene():
        listener = unix_socket(path)
        used = len(os.listdir("/proc/self/fd"))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8, hard))
        null = [os.open("/dev/null", os.O_RDONLY)]
        try:
            while True:
                null.append(os.dup(null[0]))
        except OSError:
            pass
        return listener, null

    Kept(lab, scene)


class Cgroup:
    """A cgroup of one controller, of version 1 or 2, that goes with the laboratory."""

    def __init__(self, lab, controller):
        self.mount, self.legacy = self._mount(controller)
        self.folder = os.path.join(self.mount, f"synfate-lab-{lab.server.name}")
        try:
            if not self.legacy:
                with open(os.path.join(self.mount, "cgroup.subtree_control"), "w") as file:
                    file.write("+" + controller)
            os.mkdir(self.folder)
        except OSError as error:
            raise Skip(f"cannot make a cgroup: {error}")
        lab.undo(self._remove)

    @staticmethod
    def _mount(controller):
        with open("/proc/self/mountinfo") as file:
            mounts = [line.split(" - ") for line in file]
        for before, after in mounts:
            kind, _, options = after.split()[:3]
            if kind == "cgroup" and controller in options.split(","):
                return before.split()[4], True
        for before, after in mounts:
            folder = before.split()[4]
            if after.startswith("cgroup2 "):
                with open(os.path.join(folder, "cgroup.controllers")) as file:
                    if controller in file.read().split():
                        return folder, False
        raise Skip(f"there is no cgroup controller {controller}")

    def write(self, name, value):
        try:
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(str(value))
        except OSError as error:
            raise Skip(f"cannot set {name}: {error}")

    def read(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read()

    def count(self, name, word):
        """The number behind a word: "oom_kill 1"."""
        for line in self.read(name).splitlines():
            if line.split()[0] == word:
                return int(line.split()[1])
        return 0

    def _remove(self):
        for pid in self.read("cgroup.procs").split():
            os.kill(int(pid), signal.SIGKILL)
        # A killed process leaves its cgroup when its parent, which may be ours, has seen it end.
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for pid in self.read("cgroup.procs").split():
                try:
                    os.waitpid(int(pid), os.WNOHANG)
                except ChildProcessError:
                    pass
            try:
                os.rmdir(self.folder)
                return
            except OSError:
                time.sleep(0.02)
        raise LabError(f"{self.folder} stays")


# One process for each connection; without one it closes it.
FORKING = """
import os, resource, signal, socket, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.create_server(('0.0.0.0', 8080))
BEFORE
while True:
    connection, _ = listener.accept()
    try:
        if os.fork() == 0:
            connection.sendall(b'pong' + connection.recv(100))
            os._exit(0)
    except OSError:
        pass
    connection.close()
"""


def forking(lab, before=""):
    process = lab.start(lab.server, sys.executable, "-c", FORKING.replace("BEFORE", before))
    wait_for_listener(process.pid, 8080)
    return process


def tasks_of_cgroup(most):
    def prepare(lab):
        group = Cgroup(lab, "pids")
        process = forking(lab)
        group.write("cgroup.procs", process.pid)
        group.write("pids.max", most)

    return prepare


def tasks_of_user(most):
    """A user that nobody else is, with another process."""

    def prepare(lab):
        uid = 1_000_000 + os.getpid()
        lab.start(lab.server, sys.executable, "-c",
                  f"import os, time; os.setresuid({uid}, {uid}, {uid}); time.sleep(600)")
        process = forking(lab, f"os.setgroups([]); os.setresuid({uid}, {uid}, {uid})\n"
                               f"resource.setrlimit(resource.RLIMIT_NPROC, ({most}, {most}))")
        wait_until(lambda: os.stat(f"/proc/{process.pid}").st_uid == uid, "it is another user")
        time.sleep(0.1)

    return prepare


def held_back(lab):
    """A process of the same cgroup has used up what it may have of a processor."""
    group = Cgroup(lab, "cpu")
    if group.legacy:
        group.write("cpu.cfs_quota_us", 10000)
    else:
        group.write("cpu.max", "10000 100000")
    group.write("cgroup.procs", lab.serve("0.0.0.0", "8080").pid)
    burning = lab.start(lab.server, sys.executable, "-c", "while True: pass")
    group.write("cgroup.procs", burning.pid)
    wait_until(lambda: group.count("cpu.stat", "nr_throttled") >= 8, "it is held back")
    burning.kill()
    burning.wait()


def out_of_memory(lab):
    """A child of the server wanted more than there is for them."""
    group = Cgroup(lab, "memory")
    code = ("import os, socket, sys, time\nlistener = socket.create_server(('0.0.0.0', 8080))\n"
            "if sys.stdin.read(1) and os.fork() == 0:\n    held = bytearray(os.urandom(1 << 28))\n"
            "    time.sleep(600)\n"
            "while True:\n    one, _ = listener.accept()\n    one.sendall(b'pong')\n    one.close()\n")
    process = lab.start(lab.server, sys.executable, "-c", code, takes_input=True)
    wait_for_listener(process.pid, 8080)
    group.write("cgroup.procs", process.pid)
    group.write("memory.limit_in_bytes" if group.legacy else "memory.max", 64 << 20)
    process.stdin.write(b"x")
    file = "memory.oom_control" if group.legacy else "memory.events"
    try:
        wait_until(lambda: group.count(file, "oom_kill") > 0, "it was killed", 5)
    except LabError:
        raise Skip("the kernel found memory elsewhere")


def no_memory_for_tcp(lab):
    """The server leaves what clients send unread (version 1 only)."""
    group = Cgroup(lab, "memory")
    if not group.legacy or not os.path.exists(
            os.path.join(group.folder, "memory.kmem.tcp.limit_in_bytes")):
        raise Skip("cgroups of this version have no limit for TCP alone")
    group.write("memory.kmem.tcp.limit_in_bytes", 4096)
    code = ("import os, socket, sys, time\nsys.stdin.read(1)\n"
            "listener = socket.create_server(('0.0.0.0', 8080))\nkept = []\n"
            "while True: kept.append(listener.accept())\n")
    process = lab.start(lab.server, sys.executable, "-c", code, takes_input=True)
    group.write("cgroup.procs", process.pid)
    process.stdin.write(b"x")
    wait_for_listener(process.pid, 8080)
    lab.start(lab.client, sys.executable, "-c", "import socket, time\n"
              "held = socket.create_connection(('10.77.0.1', 8080))\nheld.sendall(bytes(1 << 22))\n"
              "time.sleep(600)\n")
    wait_until(lambda: int(group.read("memory.kmem.tcp.usage_in_bytes")) >= 4096, "it is used up")


class Alone(Case):
    """One cause, and nothing else that would be an error."""

    def _judge(self, answer, real):
        errors = [one["rule"] for one in answer.report["findings"] if one["severity"] == "error"]
        found = super()._judge(answer, real)
        return found + ([] if errors == [self.rule] else [f"the errors are {errors}"])


def nginx_without_descriptors(lab):
    lab.nginx(settings="worker_rlimit_nofile 14;", events="worker_connections 64;")
    lab.start(lab.client, sys.executable, "-c", "import socket, time\nheld = []\nfor _ in range(12):\n"
              "    held.append(socket.create_connection(('10.77.0.1', 8080)))\ntime.sleep(600)\n")
    wait_until(lambda: len(rows(lab.server, False, "01")) >= 12, "all of them are connected")
    time.sleep(0.3)


def few_ports(close=False, reuse=2, ports="40000 40009", wait=0.0):
    """Ten connections of this host to its own server, which the client may close first."""

    def prepare(lab):
        lab.server.sysctl("net.ipv4.ip_local_port_range", ports)
        lab.server.sysctl("net.ipv4.ip_local_reserved_ports", "40010-40029")
        lab.server.sysctl("net.ipv4.tcp_tw_reuse", reuse)
        lab.serve("--backlog", "32", "127.0.0.1", "8080")
        client = lab.start(lab.server, sys.executable, "-c", CLIENTS, str(int(close)),
                           output=subprocess.PIPE)
        lab.undo(client.stdout.close)
        if client.stdout.readline().strip() != b"ready":
            raise LabError("the clients did not connect")
        time.sleep(wait)

    return prepare


CLIENTS = """
import socket, sys, time
kept = [socket.create_connection(('127.0.0.1', 8080)) for _ in range(10)]
if sys.argv[1] == '1':
    for one in kept:
        one.shutdown(socket.SHUT_WR)
        one.recv(1)
        one.close()
print('ready', flush=True)
time.sleep(600)
"""


class UnboundCase(Case):
    """A client that leaves its address to the kernel: bind() would refuse with EADDRINUSE."""

    def complaints(self, lab):
        self.prepare(lab)
        wanted = self.connection
        answer = self._ask(lab) if synfate_program() else None
        real, code = lab.server.call(lambda: connect_tcp(wanted.address, wanted.port))
        found = [] if real == self.outcome else [f"reality: {wanted} is {real} ({code})"]
        if answer and answer.flows[0]["errno"] != code:
            found.append(f"the errno is {answer.flows[0]['errno']}, a real client gets {code}")
        return found + (self._judge(answer, real) if answer else [])


HOME = Connection("127.0.0.1", local=True)
LAN = Connection("10.77.0.1")

CASES = [
    Case("no descriptor left, and a client that waits", serving(16, 0, clients=1), LAN, "stalled",
         "limits.nofile", "limit", certainty="certain"),
    Case("no descriptor left, and nobody waits", serving(16, 0), LAN, "stalled", "limits.nofile",
         "limit", certainty="likely"),
    Case("one descriptor left", serving(16, 1), LAN, "open"),
    Case("one of two processes has no descriptor left", worker_with_room, LAN, "open"),
    Case("connections that clients closed and the server did not",
         serving(16, 8, close=False, clients=9, leave=True), LAN, "stalled", "limits.nofile",
         "limit", also="app.close_wait_leak"),
    Case("connections that clients keep", serving(16, 8, close=False, clients=9), LAN, "stalled",
         "limits.nofile", "limit"),
    UnixCase("a Unix server without a descriptor left", unix_without_descriptors, "x.sock",
             "stalled", None, "limits.nofile", culprit="limit", certainty="likely"),
    Alone("nginx without a descriptor left", nginx_without_descriptors,
          Connection("10.77.0.1", payload=b"GET / HTTP/1.0\r\n\r\n"), "stalled", "limits.nofile",
          "limit"),
    Case("a cgroup with as many tasks as it may have", tasks_of_cgroup(1), LAN, "reset",
         "limits.cgroup_pids", predicted="open"),
    Case("a cgroup that may have another task", tasks_of_cgroup(9), LAN, "open"),
    Case("a user with as many tasks as it may have", tasks_of_user(2), LAN, "reset", "limits.nproc",
         predicted="open"),
    Case("a user that may have another task", tasks_of_user(9), LAN, "open"),
    Case("a server that is held back by its CPU quota", held_back, LAN, "open", "limits.cpu_quota"),
    Case("a process was killed for want of memory", out_of_memory, LAN, "open",
         "limits.memcg_oom"),
    UnboundCase("every port has a connection to the server", few_ports(), HOME, "denied",
                "client.time_wait", "port_range", certainty="certain"),
    UnboundCase("every port that is not reserved has a connection",
                few_ports(ports="40000 40029"), HOME, "denied", "client.time_wait", "port_range",
                certainty="certain"),
    UnboundCase("every port had a connection, and they are kept", few_ports(close=True, reuse=0),
                HOME, "denied", "client.time_wait", "port_range", certainty="certain"),
    UnboundCase("every port had a connection, and they are used again",
                few_ports(close=True, wait=2.1), HOME, "open"),
    UnboundCase("two ports are left", few_ports(ports="39998 40009"), HOME, "open"),
    Case("a cgroup without memory for TCP", no_memory_for_tcp, LAN, "stalled",
         "limits.memcg_tcp", predicted="open"),
]
