"""Queues that are full before the program gets to see a connection."""

from lab import Case, Connection, wait_until

import sys

BACKLOG = 2


def waiting(netns, v6):
    """Connections in the accept queue of port 8080, as /proc/net/tcp shows it for a listener."""
    name = "tcp6" if v6 else "tcp"

    def read():
        with open(f"/proc/thread-self/net/{name}") as file:
            for line in list(file)[1:]:
                fields = line.split()
                if fields[1].endswith(":1F90") and fields[3] == "0A":
                    return int(fields[4].split(":")[1], 16)
        return -1

    return netns.call(read)


def holders(address, count):
    """A client program that connects and stays connected."""
    family = "AF_INET6" if ":" in address else "AF_INET"
    return ("import socket, time\n"
            f"held = [socket.socket(socket.{family}) for _ in range({count})]\n"
            "for one in held:\n"
            "    one.setblocking(False)\n"
            f"    one.connect_ex(('{address}', 8080))\n"
            "time.sleep(600)\n")


def filled(listen_on, address, connections):
    def prepare(lab):
        lab.serve("--no-accept", "--backlog", str(BACKLOG), listen_on, "8080")
        lab.start(lab.client, sys.executable, "-c", holders(address, connections))
        wait_until(lambda: waiting(lab.server, ":" in listen_on) == min(connections, BACKLOG + 1),
                   "the queue holds what it can")

    return prepare


CASES = [
    Case("a full accept queue (IPv4)", filled("0.0.0.0", "10.77.0.1", BACKLOG + 1),
         Connection("10.77.0.1"), "timeout", "queue.accept_full", "socket"),
    Case("a full accept queue (IPv6)", filled("::", "fd77::1", BACKLOG + 1),
         Connection("fd77::1"), "timeout", "queue.accept_full", "socket"),
    Case("a full accept queue of a dual-stack listener asked over IPv4",
         filled("::", "10.77.0.1", BACKLOG + 1), Connection("10.77.0.1"), "timeout",
         "queue.accept_full", "socket"),
]
