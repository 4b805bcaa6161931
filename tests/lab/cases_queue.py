"""Queues that are full before the program gets to see a connection."""

from lab import (Case, Connection, LabError, Skip, real_outcome, synfate_program,
                 wait_for_listener, wait_until)

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys

BACKLOG = 2


def rows(netns, v6, state):
    """Fields of /proc/net/tcp for sockets of port 8080 in a state ("0A": listen)."""
    name = "tcp6" if v6 else "tcp"

    def read():
        with open(f"/proc/thread-self/net/{name}") as file:
            fields = [line.split() for line in list(file)[1:]]
        return [one for one in fields if one[1].endswith(":1F90") and one[3] == state]

    return netns.call(read)


def waiting(netns, v6):
    """Connections in the accept queues of port 8080."""
    return [int(one[4].split(":")[1], 16) for one in rows(netns, v6, "0A")]


def holders(address, count):
    """A client program that connects and stays connected."""
    family = "AF_INET6" if ":" in address else "AF_INET"
    return ("import socket, time\n"
            f"held = [socket.socket(socket.{family}) for _ in range({count})]\n"
            "for one in held:\n"
            "    one.setblocking(False)\n"
            f"    one.connect_ex(('{address}', 8080))\n"
            "time.sleep(600)\n")


def filled(listen_on, address, connections, backlog=BACKLOG):
    def prepare(lab):
        lab.serve("--no-accept", "--backlog", str(backlog), listen_on, "8080")
        lab.start(lab.client, sys.executable, "-c", holders(address, connections))
        wait_until(lambda: waiting(lab.server, ":" in listen_on) == [min(connections, backlog + 1)],
                   "the queue holds what it can")

    return prepare


def clipped(lab):
    """A program that asks for a long queue where net.core.somaxconn allows a short one."""
    lab.server.sysctl("net.core.somaxconn", 3)
    lab.serve("--no-accept", "--backlog", "5000", "0.0.0.0", "8080")
    lab.server.sysctl("net.core.somaxconn", 4096)
    lab.start(lab.client, sys.executable, "-c", holders("10.77.0.1", 4))
    wait_until(lambda: waiting(lab.server, False) == [4], "the queue holds what it can")


def clipped_still(lab):
    lab.server.sysctl("net.core.somaxconn", 3)
    lab.serve("--no-accept", "--backlog", "5000", "0.0.0.0", "8080")
    lab.start(lab.client, sys.executable, "-c", holders("10.77.0.1", 4))
    wait_until(lambda: waiting(lab.server, False) == [4], "the queue holds what it can")


def one_member_stuck(lab):
    """Two listeners share the port; the queue of one is full, and it does not accept."""
    lab.serve("--no-accept", "--backlog", "0", "--reuseport", "0.0.0.0", "8080", "+",
              "--reuseport", "0.0.0.0", "8080")
    lab.start(lab.client, sys.executable, "-c", holders("10.77.0.1", 24))
    wait_until(lambda: max(waiting(lab.server, False)) == 1, "one queue is full")


class GroupCase(Case):
    """The hash of addresses and ports decides which member of a group a client meets: some get
    through and some do not, and the answer says so."""

    def __init__(self, name, prepare, connection, outcomes, rule):
        super().__init__(name, prepare, connection, None, rule)
        self.outcomes = outcomes

    def complaints(self, lab):
        self.prepare(lab)
        found = []
        answer = self._ask(lab) if synfate_program() else None
        wanted = self.connection
        real = {real_outcome(lab.client, wanted.proto, wanted.address, wanted.port,
                             wanted.source)[0] for _ in range(12)}
        if real != self.outcomes:
            found.append(f"reality: {wanted} is {sorted(real)}, not {sorted(self.outcomes)}")
        if answer:
            flow = answer.flows[0]
            told = {alternative["outcome"] for alternative in flow["alternatives"]}
            if flow["outcome"] != "unknown" or told != self.outcomes:
                found.append(f"predicted {flow['outcome']} with the alternatives {sorted(told)}")
            if answer.first_rule() != self.rule:
                found.append(f"the first finding is {answer.first_rule()}, not {self.rule}")
        return found


# --- half-open connections ------------------------------------------------------------------------


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, target, source_port):
    """An IPv4 packet with a SYN to port 8080."""
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    segment = struct.pack("!HHIIBBHHH", source_port, 8080, 1, 0, 0x50, 2, 65535, 0, 0)
    pseudo = addresses + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
    segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, socket.IPPROTO_TCP, 0)
    return header + addresses + segment


def send_syns(count):
    """From addresses of the link that nobody has: no one answers the SYN-ACK."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(count):
            source = f"10.77.0.{100 + number % 100}"
            raw.sendto(syn(source, "10.77.0.1", 40000 + number), ("10.77.0.1", 0))


def flooded(cookies, backlog, limit, count, reached):
    def prepare(lab):
        lab.server.sysctl("net.ipv4.tcp_syncookies", cookies)
        lab.server.sysctl("net.ipv4.tcp_max_syn_backlog", limit)
        lab.serve("--backlog", str(backlog), "0.0.0.0", "8080")
        lab.client.call(lambda: send_syns(count))
        wait_until(lambda: len(rows(lab.server, False, "03")) >= reached,
                   "the connections are half open")

    return prepare


def listener_gone(lab):
    """Connections waited in the queue of a program that has ended."""
    process = lab.start(lab.server, sys.executable, "-c", "import socket, time\n"
                        "held = socket.create_server(('0.0.0.0', 8080), backlog=5)\n"
                        "time.sleep(600)")
    wait_for_listener(process.pid, 8080)
    lab.start(lab.client, sys.executable, "-c", holders("10.77.0.1", 3))
    wait_until(lambda: waiting(lab.server, False) == [3], "the connections wait")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


# Clients whose last step of the handshake is held back, and then meets a full queue.
LATE = r"""
import errno, socket, subprocess, sys, time
def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True)
nft("table ip late { chain o { type filter hook output priority 0; "
    "tcp dport 8080 tcp flags & (syn|ack) == ack drop\n}\n}")
late = [socket.create_connection(("10.77.0.1", 8080), timeout=3) for _ in range(3)]
nft("delete table ip late")
first = socket.create_connection(("10.77.0.1", 8080), timeout=3)
time.sleep(0.2)
for one in late:
    one.send(b"ping")
time.sleep(2.5)
for one in late:
    one.setblocking(False)
    try:
        print("data" if one.recv(100) else "end", flush=True)
    except OSError as error:
        print(errno.errorcode[error.errno], flush=True)
time.sleep(600)
"""


def overflowed(abort, experience):
    """Three clients believe that they are connected; the queue has one place, which a fourth has."""

    def prepare(lab):
        if not shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise Skip("nft is not installed")
        lab.server.sysctl("net.ipv4.tcp_abort_on_overflow", abort)
        lab.serve("--no-accept", "--backlog", "0", "0.0.0.0", "8080")
        clients = lab.start(lab.client, sys.executable, "-c", LATE, output=subprocess.PIPE)
        lab.undo(clients.stdout.close)
        met = [clients.stdout.readline().decode().strip() for _ in range(3)]
        if experience not in met:
            raise LabError(f"the late clients meet {met}, none of them {experience}")

    return prepare


LAN = Connection("10.77.0.1")

CASES = [
    Case("a full accept queue (IPv4)", filled("0.0.0.0", "10.77.0.1", BACKLOG + 1), LAN,
         "timeout", "queue.accept_full", "socket"),
    Case("a full accept queue (IPv6)", filled("::", "fd77::1", BACKLOG + 1),
         Connection("fd77::1"), "timeout", "queue.accept_full", "socket"),
    Case("a full accept queue of a dual-stack listener asked over IPv4",
         filled("::", "10.77.0.1", BACKLOG + 1), LAN, "timeout", "queue.accept_full", "socket"),
    Case("a backlog of 0 has one place", filled("0.0.0.0", "10.77.0.1", 1, backlog=0), LAN,
         "timeout", "queue.accept_full", "socket"),
    Case("a full accept queue, cut by somaxconn", clipped, LAN, "timeout", "queue.accept_full",
         "socket"),
    GroupCase("one of two listeners that share the port is stuck", one_member_stuck, LAN,
              {"open", "timeout"}, "listen.reuseport_stuck"),
    Case("a program that ended with connections in its queue", listener_gone, LAN, "refused",
         culprit="socket"),
    Case("a queue that is cut by somaxconn, and the setting is still so", clipped_still, LAN,
         "timeout", "queue.accept_full", "socket", also="queue.somaxconn"),
    Case("clients that are connected and the server has no place for", overflowed(0, "EAGAIN"), LAN,
         "timeout", "queue.accept_full", "socket", also="queue.third_ack_overflow"),
    Case("clients that are reset because the server has no place for them",
         overflowed(1, "ECONNRESET"), LAN, "timeout", "queue.accept_full", "socket"),
    Case("a full queue, and what a restart would do to it", filled("0.0.0.0", "10.77.0.1", 3), LAN,
         "timeout", "queue.accept_full", "socket", also="queue.listener_closed"),

    Case("a full SYN queue without SYN cookies", flooded(0, 8, 4096, 30, 9), LAN, "timeout",
         "queue.syn_full", "socket"),
    Case("a full SYN queue with SYN cookies", flooded(1, 8, 4096, 30, 9), LAN, "open"),
    Case("SYN cookies for everyone", flooded(2, 8, 4096, 30, 0), LAN, "open"),
    Case("tcp_max_syn_backlog without SYN cookies", flooded(0, 128, 16, 30, 13), LAN, "timeout",
         "queue.max_syn_backlog", "sysctl"),
    Case("half-open connections with room for more", flooded(0, 128, 4096, 10, 10), LAN, "open"),
]
