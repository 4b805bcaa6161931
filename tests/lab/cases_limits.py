"""What a process or the machine has no more of: the kernel accepts, the program cannot."""

import os
import resource
import sys
import time

from cases_bind import Kept, unix_socket
from cases_queue import rows
from cases_unix import UnixCase
from lab import Case, Connection, wait_for_listener, wait_until

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
]
