"""What programs do with their listeners and connections, as far as the kernel tells."""

import ctypes.util
import os
import shutil
import socket
import subprocess
import sys
import time

from cases_gaps import in_mounts
from cases_queue import rows
from lab import (Answer, Case, Connection, LabError, Skip, connect_tcp, enter, synfate_program,
                 wait_for_listener, wait_until)
from server import demand_md5


def once(lab):
    """nc -l, or socat without fork: they close their listener with the first client. The nc of
    OpenBSD does not."""
    program = shutil.which("nc") or shutil.which("ncat") or shutil.which("socat")
    if program and "openbsd" in os.path.realpath(program):
        program = shutil.which("socat")
    if not program:
        raise Skip("neither nc nor socat is installed")
    kind = os.path.basename(os.path.realpath(program))
    words = (["TCP4-LISTEN:8080", "STDIO"] if kind.startswith("socat") else
             ["-l", "8080"] if "ncat" in kind else ["-l", "-p", "8080"])
    process = lab.start(lab.server, program, *words, takes_input=True)
    wait_for_listener(process.pid, 8080)
    lab.start(lab.client, sys.executable, "-c", "import socket, time\n"
              "held = socket.create_connection(('10.77.0.1', 8080))\ntime.sleep(600)\n")
    wait_until(lambda: rows(lab.server, False, "01") and not rows(lab.server, False, "0A"),
               "the listener is closed")


# A client that loses its connection without a word, as one that is restarted does.
LOST = """
import socket, time
lost = socket.create_connection(('10.77.0.1', 8080), source_address=('10.77.0.2', 45000))
lost.setsockopt(socket.IPPROTO_TCP, 19, 1)  # TCP_REPAIR: close() sends nothing
lost.close()
"""


def stale(lab):
    lab.serve("0.0.0.0", "8080")
    client = lab.start(lab.client, sys.executable, "-c", LOST)
    if client.wait() != 0:
        raise Skip("this kernel has no TCP_REPAIR")
    if not rows(lab.server, False, "01"):
        raise LabError("the server has no stale connection")
    time.sleep(5.2)


class SamePort(Case):
    """The client comes again from the port of the connection that the server still has."""

    def complaints(self, lab):
        found = super().complaints(lab)

        def again():
            with socket.socket() as client:
                client.settimeout(3)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.bind(("10.77.0.2", 45000))
                client.connect(("10.77.0.1", 8080))
                client.sendall(b"ping")
                return client.recv(9).decode()

        if not lab.client.call(again).startswith("pong"):
            found.append("reality: the client does not get through from its old port")
        return found


def dropping(code, attempts=2):
    """A listener that does not take packets, for a reason that cannot be read; some came already."""

    def prepare(lab):
        process = lab.start(lab.server, sys.executable, "-c",
                            "import ctypes, socket, struct, time\n"
                            "listener = socket.create_server(('0.0.0.0', 8080))\n" + code +
                            "\ntime.sleep(600)\n")
        wait_for_listener(process.pid, 8080)
        time.sleep(0.3)
        for _ in range(attempts):
            lab.client.call(lambda: connect_tcp("10.77.0.1", 8080, "10.77.0.2"))

    return prepare


FILTER = """
program = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0)) # return 0: drop
listener.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HxxxxxxP', 1, ctypes.addressof(program)))
"""
MIN_TTL = "listener.setsockopt(socket.IPPROTO_IP, 21, 255)"

def needs(program):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise Skip(f"{program} is not installed")
    return found


def waiting_clients(lab, count):
    """Clients of which the server takes all but one; that one has waited for long enough."""
    lab.start(lab.client, sys.executable, "-c", "import socket, time\nheld = []\n"
              f"for _ in range({count}):\n"
              "    held.append(socket.create_connection(('10.77.0.1', 8080)))\n"
              "    time.sleep(0.05)\ntime.sleep(600)\n")
    wait_until(lambda: len(rows(lab.server, False, "01")) >= count, "all of them are connected")
    time.sleep(2.3)


def haproxy_full(lab):
    folder = lab.folder()
    file = os.path.join(folder, "haproxy.cfg")
    with open(file, "w") as out:
        out.write("global\n maxconn 2\ndefaults\n mode tcp\n timeout connect 9s\n"
                  " timeout client 90s\n timeout server 90s\nlisten all\n bind :8080\n"
                  " server one 127.0.0.1:8081\n")
    lab.serve("127.0.0.1", "8081")
    process = lab.start(lab.server, needs("haproxy"), "-db", "-f", file)
    wait_for_listener(process.pid, 8080)
    waiting_clients(lab, 3)


def socat_full(lab):
    process = lab.start(lab.server, needs("socat"),
                        "TCP4-LISTEN:8080,fork,reuseaddr,max-children=2", "EXEC:cat")
    wait_for_listener(process.pid, 8080)
    waiting_clients(lab, 3)


def silent_clients(lab):
    """TCP_DEFER_ACCEPT: those who say nothing are no connections yet."""
    lab.serve("--defer-accept", "9", "0.0.0.0", "8080")
    lab.start(lab.client, sys.executable, "-c", "import socket, time\n"
              "held = [socket.create_connection(('10.77.0.1', 8080)) for _ in range(2)]\n"
              "time.sleep(600)\n")
    wait_until(lambda: len(rows(lab.server, False, "03")) >= 2, "they are held back")


def demands_md5(lab):
    try:
        lab.serve("--md5", "10.77.0.2", "0.0.0.0", "8080")
    except LabError:
        raise Skip("this kernel has no TCP-MD5")


class Signed(Case):
    """A client that signs what nobody has a key for gets no answer; others do."""

    def complaints(self, lab):
        self.prepare(lab)

        def call(connection):
            demand_md5(connection, "10.77.0.1")

        for _ in range(2):
            result = lab.client.call(
                lambda: connect_tcp("10.77.0.1", 8080, "10.77.0.2", prepare=call))
            if result[0] != "timeout":
                return [f"reality: the client that signs is told {result}"]
        self.prepare = lambda lab: None
        return super().complaints(lab)


WRAPPED = """
import ctypes, socket
wrappers = ctypes.CDLL("libwrap.so.0")
listener = socket.create_server(("0.0.0.0", 8080))
while True:
    connection, peer = listener.accept()
    with connection:
        if wrappers.hosts_ctl(b"python3", b"unknown", peer[0].encode(), b"unknown"):
            connection.sendall(b"pong " + connection.recv(100))
"""


class Wrapped(Case):
    """TCP wrappers: the server, and synfate, see a hosts.deny of their own."""

    def __init__(self, name, deny, outcome, **more):
        super().__init__(name, self.begin, LAN, outcome, predicted="open", **more)
        self.deny = deny

    def begin(self, lab):
        self.file = os.path.join(lab.folder(), "hosts.deny")
        with open(self.file, "w") as out:
            out.write(self.deny)
        os.chmod(os.path.dirname(self.file), 0o755)
        if not os.path.exists("/etc/hosts.deny") or not ctypes.util.find_library("wrap"):
            raise Skip("TCP wrappers are not installed")
        process = lab.start(lab.server, *self.inside(), sys.executable, "-c", WRAPPED)
        wait_for_listener(process.pid, 8080)

    def inside(self):
        return in_mounts(f"mount --bind {self.file} /etc/hosts.deny")

    def _ask(self, lab):
        command = [*self.inside(), synfate_program(), "10.77.0.1:8080", "--from", "10.77.0.2",
                   "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              preexec_fn=lambda: enter(lab.server))
        return Answer(command, done.returncode, done.stdout, done.stderr)


LAN = Connection("10.77.0.1")

CASES = [
    Case("a server for one client", once, LAN, "refused", "app.single_shot", "socket"),
    Wrapped("a client that hosts.deny names", "# them\nALL: 10.77.0.2\n", "reset",
            also="app.tcp_wrappers"),
    Wrapped("a network that hosts.deny leaves out", "ALL: ALL EXCEPT 10.77.0.0/255.255.255.0\n",
            "open"),
    SamePort("a connection that the client has lost", stale, LAN, "open", "tcp.stale_tuple"),
    Case("a filter that the program attached to its listener", dropping(FILTER), LAN, "timeout",
         "sock.filter_on_listener", predicted="open"),
    Case("a listener that takes packets of neighbours only", dropping(MIN_TTL), LAN, "timeout",
         "tcp.minttl", predicted="open"),
    Case("haproxy with as many connections as it may have", haproxy_full, LAN, "stalled",
         "app.maxconn", "process"),
    Case("socat with as many children as it may have", socat_full, LAN, "stalled", "app.maxconn",
         "process"),
    Case("clients that say nothing to a listener that waits for them to speak", silent_clients,
         LAN, "open", "tcp.defer_accept"),
    Case("a listener that demands signatures", demands_md5, LAN, "timeout", "tcp.md5_required",
         "socket"),
    Case("a listener that demands signatures of another client", demands_md5,
         Connection("10.77.0.1", source="10.77.0.22"), "open"),
    Signed("a signature that nobody has a key for", lambda lab: lab.serve("0.0.0.0", "8080"), LAN,
           "open", "tcp.md5_unexpected"),
]
