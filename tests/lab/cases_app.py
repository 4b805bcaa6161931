"""What programs do with their listeners and connections, as far as the kernel tells."""

import os
import shutil
import socket
import sys
import time

from cases_queue import rows
from lab import Case, Connection, LabError, Skip, connect_tcp, wait_for_listener, wait_until


def once(lab):
    """nc -l: it closes its listener with the first client."""
    program = shutil.which("nc") or shutil.which("ncat")
    if not program:
        raise Skip("nc is not installed")
    words = ["-l", "-p", "8080"] if "ncat" not in os.path.realpath(program) else ["-l", "8080"]
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

LAN = Connection("10.77.0.1")

CASES = [
    Case("a server for one client", once, LAN, "refused", "app.single_shot", "socket"),
    SamePort("a connection that the client has lost", stale, LAN, "open", "tcp.stale_tuple"),
    Case("a filter that the program attached to its listener", dropping(FILTER), LAN, "timeout",
         "sock.filter_on_listener", predicted="open"),
    Case("a listener that takes packets of neighbours only", dropping(MIN_TTL), LAN, "timeout",
         "tcp.minttl", predicted="open"),
]
