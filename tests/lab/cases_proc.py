"""The kernel accepts, and the process that should serve does not."""

from lab import (Case, Connection, Skip, real_outcome, synfate_program, wait_for_listener,
                 wait_until)

import glob
import os
import shutil
import signal
import socket
import sys
import time

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def wait_for_state(pid, state):
    wait_until(lambda: state_of(pid) == state, f"process {pid} has state {state}")


def stopped(*words):
    def prepare(lab):
        process = lab.serve(*words)
        os.kill(process.pid, signal.SIGSTOP)
        wait_for_state(process.pid, "T")

    return prepare


def continued(lab):
    process = lab.serve("0.0.0.0", "8080")
    os.kill(process.pid, signal.SIGSTOP)
    wait_for_state(process.pid, "T")
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: state_of(process.pid) != "T", "the server runs again")


def traced(lab):
    """A debugger that stops its process and keeps it so."""
    server = lab.serve("0.0.0.0", "8080")
    lab.start(lab.server, sys.executable, "-c", f"""
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace({PTRACE_SEIZE}, {server.pid}, None, None)
libc.ptrace({PTRACE_INTERRUPT}, {server.pid}, None, None)
time.sleep(600)
""")
    wait_for_state(server.pid, "t")


def cgroup_mount():
    """Where cgroups of version 2 are mounted."""
    with open("/proc/self/mountinfo") as file:
        for line in file:
            if " - cgroup2 " in line:
                return line.split()[4]
    raise Skip("cgroup2 is not mounted")


def frozen(lab):
    folder = os.path.join(cgroup_mount(), f"synfate-lab-{os.getpid()}-{lab.server.name}")
    try:
        os.mkdir(folder)
    except OSError as error:
        raise Skip(f"cannot make a cgroup: {error}")
    server = lab.serve("0.0.0.0", "8080")

    def write(name, text):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)

    def thaw():
        write("cgroup.freeze", "0")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        wait_until(lambda: not open(os.path.join(folder, "cgroup.procs")).read(), "it is empty")
        os.rmdir(folder)

    lab.undo(thaw)
    write("cgroup.procs", str(server.pid))
    write("cgroup.freeze", "1")
    wait_until(lambda: "frozen 1" in open(os.path.join(folder, "cgroup.events")).read(),
               "the cgroup is frozen")


def serve_code(lab, code):
    """A server of a few lines of Python; it has `listener`, which listens on port 8080."""
    process = lab.start(lab.server, sys.executable, "-c", "import os, signal, socket, time\n"
                        "listener = socket.create_server(('0.0.0.0', 8080), backlog=16)\n" + code)
    wait_for_listener(process.pid, 8080)
    return process


def keep_waiting(lab, seconds=2.6):
    """A client that connects and waits, as long as it takes to be sure that nobody serves it."""
    lab.start(lab.client, sys.executable, "-c",
              "import socket, time\n"
              "held = socket.create_connection(('10.77.0.1', 8080))\ntime.sleep(600)")
    time.sleep(seconds)


def hung(code):
    def prepare(lab):
        serve_code(lab, code)
        keep_waiting(lab)

    return prepare


def hung_and_gone(lab):
    """The client that waited has given up: its connection is still in the queue."""
    serve_code(lab, "time.sleep(600)")
    lab.client.call(lambda: socket.create_connection(("10.77.0.1", 8080)).close())
    time.sleep(2.6)


INHERITED = """
if os.fork() == 0:
    listener.set_inheritable(True)
    os.execvp('sleep', ['sleep', '600'])
time.sleep(1)
os._exit(0)
"""

SERVING_THREAD = """
import ctypes, threading
def serve():
    while True:
        connection, _ = listener.accept()
        connection.sendall(b'pong ' + connection.recv(100))
threading.Thread(target=serve).start()
time.sleep(0.5)
ctypes.CDLL(None).pthread_exit(None)
"""

PREFORK = """
for _ in range(2):
    if os.fork() == 0:
        while True:
            connection, _ = listener.accept()
            connection.sendall(b'pong ' + connection.recv(100))
"""
BUSY_WORKERS = """
for _ in range(2):
    if os.fork() == 0:
        time.sleep(600)
"""
PAUSES = "signal.pause()\n"
WATCHES = "import select; select.select([], [], [])\n"  # as a master that may well accept itself


def children_of(pid):
    found = []
    for file in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(file) as text:
            found += [int(child) for child in text.read().split()]
    return found


def prefork(signals, parent_waits=PAUSES):
    """A parent with two workers that accept; each worker gets its signal, if there is one."""

    def prepare(lab):
        parent = serve_code(lab, PREFORK + parent_waits)
        wait_until(lambda: len(children_of(parent.pid)) == 2, "the workers run")
        for child, number in zip(children_of(parent.pid), signals):
            if number:
                os.kill(child, number)
                wait_for_state(child, {signal.SIGSTOP: "T", signal.SIGKILL: "Z"}[number])

    return prepare


def all_stopped(lab):
    """The parent and both workers."""
    parent = serve_code(lab, PREFORK + PAUSES)
    wait_until(lambda: len(children_of(parent.pid)) == 2, "the workers run")
    for pid in (*children_of(parent.pid), parent.pid):
        os.kill(pid, signal.SIGSTOP)
        wait_for_state(pid, "T")


OWN_LISTENERS = """
listener.close()
listeners = [socket.create_server(('0.0.0.0', 8080), reuse_port=True) for _ in range(2)]
for own in listeners:
    if os.fork() == 0:
        while True:
            connection, _ = own.accept()
            connection.sendall(b'pong ' + connection.recv(100))
"""


def worker_of_group_stopped(parent_waits):
    """As nginx with `reuseport`: every worker holds all listeners and serves its own."""

    def prepare(lab):
        parent = serve_code(lab, OWN_LISTENERS + parent_waits)
        wait_until(lambda: len(children_of(parent.pid)) == 2, "the workers run")
        time.sleep(0.2)
        first = children_of(parent.pid)[0]
        os.kill(first, signal.SIGSTOP)
        wait_for_state(first, "T")

    return prepare


OWN_DATAGRAM_SOCKETS = """
import select, socket, os
sockets = []
for _ in range(2):
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(('0.0.0.0', 8080))
    sockets.append(own)
if os.fork() == 0:
    for own in sockets:
        if os.fork() == 0:
            [other.close() for other in sockets if other is not own]
            while True:
                data, client = own.recvfrom(100)
                own.sendto(b'pong ' + data, client)
select.select([], [], [])
"""


def datagram_worker_stopped(lab):
    """As nsd: two masters hold all sockets, each of the workers its own alone."""
    first = lab.start(lab.server, sys.executable, "-c", OWN_DATAGRAM_SOCKETS)
    wait_until(lambda: len(children_of(first.pid)) == 1, "the second master runs")
    second, = children_of(first.pid)
    wait_until(lambda: len(children_of(second)) == 2, "the workers run")
    time.sleep(0.2)
    worker = children_of(second)[0]
    os.kill(worker, signal.SIGSTOP)
    wait_for_state(worker, "T")


BELOW_TWO_MASTERS = """
import os, select, socket
listener = socket.create_server(('0.0.0.0', 8080))
def work():
    while True:
        select.select([listener], [], [])
        client, _ = listener.accept()
        client.sendall(b'pong ' + client.recv(100))
def below(count, what):
    for _ in range(count):
        if os.fork() == 0:
            what()
    select.select([], [], [])
below(1, lambda: below(2, work))
"""


def workers_below_two_masters_stopped(lab):
    """As nsd over TCP: the first master is found, which waits as a server does."""
    first = lab.start(lab.server, sys.executable, "-c", BELOW_TWO_MASTERS)
    wait_until(lambda: len(children_of(first.pid)) == 1, "the second master runs")
    second, = children_of(first.pid)
    wait_until(lambda: len(children_of(second)) == 2, "the workers run")
    time.sleep(0.2)
    for worker in children_of(second):
        os.kill(worker, signal.SIGSTOP)
        wait_for_state(worker, "T")


def one_of_group_stopped(lab):
    first = lab.serve("--reuseport", "0.0.0.0", "8080")
    lab.serve("--reuseport", "0.0.0.0", "8080")
    os.kill(first.pid, signal.SIGSTOP)
    wait_for_state(first.pid, "T")


def first_thread_gone(lab):
    """The process is shown as a zombie, and its other thread serves."""
    server = serve_code(lab, SERVING_THREAD)
    wait_for_state(server.pid, "Z")


class ShareCase(Case):
    """The hash decides which worker a client meets: some are served and some are not."""

    not_served = "stalled"

    def complaints(self, lab):
        self.prepare(lab)
        answer = self._ask(lab) if synfate_program() else None
        wanted = self.connection
        real = {real_outcome(lab.client, wanted.proto, wanted.address, wanted.port,
                             wanted.source)[0] for _ in range(12)}
        if real != {"open", self.not_served}:
            return [f"reality: {sorted(real)}"]
        return self._judge(answer, self.outcome) if answer else []


LAN = Connection("10.77.0.1")


class DatagramShareCase(ShareCase):
    not_served = "timeout"


HUNG_WORKERS = """
for _ in range(2):
    if os.fork() == 0:
        time.sleep(600)
"""


class HungWorkerCase(Case):
    """The worker that leaves clients waiting is named, not its master."""

    def __init__(self, name):
        super().__init__(name, self._workers, LAN, "stalled", "proc.hung", "process",
                         certainty="likely")

    def _workers(self, lab):
        self._master = serve_code(lab, HUNG_WORKERS + WATCHES)
        keep_waiting(lab)

    def _judge(self, answer, real):
        named = int(answer.flows[0]["culprit"]["id"])
        if named not in children_of(self._master.pid):
            return [f"process {named} is named, the workers are {children_of(self._master.pid)}"]
        return super()._judge(answer, real)


def workers_gone(lab):
    prefork((signal.SIGKILL, signal.SIGKILL))(lab)
    keep_waiting(lab)


def nginx_without_workers(lab):
    """nginx whose master is too old to notice that its worker died: it does not get SIGCHLD."""
    master = lab.nginx()
    wait_until(lambda: len(children_of(master.pid)) == 1, "the worker runs")
    worker, = children_of(master.pid)
    os.kill(master.pid, signal.SIGSTOP)
    wait_for_state(master.pid, "T")
    os.kill(worker, signal.SIGKILL)
    wait_for_state(worker, "Z")


def socket_activation(lab):
    """systemd's own test program holds the socket, and starts a server at the first connection."""
    program = shutil.which("systemd-socket-activate")
    if not program:
        raise Skip("systemd-socket-activate is not installed")
    here = os.path.dirname(os.path.abspath(__file__))
    process = lab.start(lab.server, program, "-l", "10.77.0.1:8080", sys.executable,
                        os.path.join(here, "activated.py"))
    wait_for_listener(process.pid, 8080)


def deleted_executable(lab):
    program = shutil.which("socat")
    if not program:
        raise Skip("socat is not installed")
    copy = os.path.join(lab.folder(), "server")
    shutil.copy(program, copy)
    process = lab.start(lab.server, copy, "TCP4-LISTEN:8080,fork,reuseaddr", "EXEC:cat")
    wait_for_listener(process.pid, 8080)
    os.unlink(copy)


CASES = [
    Case("a stopped process (IPv4)", stopped("0.0.0.0", "8080"), LAN, "stalled", "proc.stopped",
         "process"),
    Case("a stopped process (IPv6)", stopped("::", "8080"), Connection("fd77::1"), "stalled",
         "proc.stopped", "process"),
    Case("a stopped process asked from this host", stopped("127.0.0.1", "8080"),
         Connection("127.0.0.1", local=True), "stalled", "proc.stopped", "process"),
    Case("a stopped process with a UDP socket", stopped("--udp", "0.0.0.0", "8080"),
         Connection("10.77.0.1", proto="udp"), "timeout", "proc.stopped", "process"),
    Case("a process that was stopped and goes on", continued, LAN, "open"),
    Case("a process that a debugger holds", traced, LAN, "stalled", "proc.traced", "process"),
    Case("a process in a frozen cgroup", frozen, LAN, "stalled", "proc.frozen", "process"),

    Case("a process that sleeps and never accepts", hung("time.sleep(600)"), LAN, "stalled",
         "proc.hung", "process"),
    Case("a process that computes and never accepts", hung("while True: pass"), LAN, "stalled",
         "proc.busy", "process"),
    Case("a process that left a client waiting until it went", hung_and_gone, LAN, "stalled",
         "proc.hung", "process"),
    Case("a listener that another program inherited", hung(INHERITED), LAN, "stalled",
         "proc.hung", "process"),

    HungWorkerCase("workers that sleep below a master that watches"),
    Case("a parent with two workers", prefork((None, None)), LAN, "open"),
    Case("a parent with one of two workers stopped", prefork((signal.SIGSTOP, None)), LAN, "open"),
    Case("a parent with both workers stopped", prefork((signal.SIGSTOP, signal.SIGSTOP)), LAN,
         "stalled", "proc.stopped", "process"),
    Case("a parent that watches over both its stopped workers",
         prefork((signal.SIGSTOP, signal.SIGSTOP), WATCHES), LAN, "stalled", "proc.stopped",
         "process", certainty="likely"),
    Case("all workers stopped below two masters that wait as servers do",
         workers_below_two_masters_stopped, LAN, "stalled", "proc.stopped", "process"),
    Case("a parent that watches over its workers, one of them stopped",
         prefork((signal.SIGSTOP, None), WATCHES), LAN, "open"),
    Case("a parent that is stopped with its workers", all_stopped, LAN, "stalled", "proc.stopped",
         "process", certainty="certain"),
    ShareCase("one of two workers with listeners of their own is stopped",
              worker_of_group_stopped(PAUSES), LAN, "open", "proc.stopped.worker",
              certainty="likely"),
    ShareCase("one of two workers of a parent that waits as a server does is stopped",
              worker_of_group_stopped(WATCHES), LAN, "open",
              "proc.stopped.worker", certainty="likely"),
    DatagramShareCase("one of two workers with UDP sockets of their own is stopped",
                      datagram_worker_stopped, Connection("10.77.0.1", proto="udp"), "unknown",
                      "proc.stopped", "process"),
    ShareCase("one of two programs that share the port is stopped", one_of_group_stopped, LAN,
              "unknown", "proc.stopped", "process"),
    Case("a process whose first thread has ended", first_thread_gone, LAN, "open"),
    Case("a process that sleeps, and somebody has waited for a moment",
         lambda lab: (serve_code(lab, "time.sleep(600)"), keep_waiting(lab, 1.2)), LAN, "stalled",
         "proc.hung", predicted="open", certainty="likely"),
    Case("a process that sleeps, and nobody waits yet", lambda lab: serve_code(lab, "time.sleep(600)"),
         LAN, "stalled", predicted="open", certainty="likely"),
    Case("workers that all sleep below a master that watches, and nobody waits yet",
         lambda lab: serve_code(lab, BUSY_WORKERS + WATCHES), LAN, "stalled", predicted="open",
         certainty="likely"),
    Case("a parent that watches over two workers that accept", prefork((None, None), WATCHES),
         LAN, "open", certainty="certain"),
    Case("a parent whose workers are gone", workers_gone, LAN, "stalled",
         "proc.master_without_worker", "process"),
    Case("nginx with a stopped master and no worker", nginx_without_workers,
         Connection("10.77.0.1", payload=b"GET / HTTP/1.0\r\n\r\n"), "stalled", "proc.stopped",
         "process"),

    Case("a socket that systemd's program holds for a service", socket_activation, LAN, "open"),
    Case("a server whose program was deleted", deleted_executable, LAN, "open",
         "proc.executable_deleted"),
]
