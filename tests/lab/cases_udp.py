"""UDP sockets: who gets a datagram, and what silence means."""

from lab import Case, Connection, wait_until

import socket
import sys

SERVER, OTHER = "10.77.0.1", "10.77.0.11"
BROADCAST = "192.168.7.7"
SERVER6, OTHER6 = "fd77::1", "fd77::11"


def serving(*words):
    return lambda lab: lab.serve(*words)


def nothing(lab):
    del lab


def mute(lab, code="while True:\n    mute.recv(100)\n"):
    """A program that takes datagrams and says nothing."""
    before = len(udp_rows(lab))
    process = lab.start(lab.server, sys.executable, "-c", "import socket, time\n"
                        "mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                        "mute.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                        "mute.bind(('0.0.0.0', 8080))\n" + code)
    wait_until(lambda: len(udp_rows(lab)) == before + 1, "it is bound")
    return process


def sleeping(lab):
    """A program that waits for something else than its socket."""
    process = mute(lab, "time.sleep(600)\n")

    def sleeps():
        with open(f"/proc/{process.pid}/wchan") as file:
            return "nanosleep" in file.read()

    wait_until(sleeps, "it sleeps")


def stolen(lab):
    """Two programs with SO_REUSEADDR on one address; the newer one says nothing."""
    lab.serve("--udp", "--reuseaddr", "0.0.0.0", "8080")
    mute(lab)


def udp_rows(lab):
    """Fields of /proc/net/udp for port 8080."""

    def read():
        with open("/proc/thread-self/net/udp") as file:
            fields = [line.split() for line in list(file)[1:]]
        return [one for one in fields if one[1].endswith(":1F90")]

    return lab.server.call(read)


def nearly_full_buffer(lab):
    """How much memory the next datagram takes is up to the client's link."""
    lab.start(lab.server, sys.executable, "-c", "import socket, time\n"
              "server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              "server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)\n"
              "server.bind(('0.0.0.0', 8080))\ntime.sleep(600)\n")
    wait_until(lambda: len(udp_rows(lab)) == 1, "it is bound")

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", (SERVER, 8080))

    lab.client.call(send)


def full_buffer(lab):
    """A program that does not read, and a client that has sent all that fits."""
    lab.start(lab.server, sys.executable, "-c", "import socket, time\n"
              "server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              "server.bind(('0.0.0.0', 8080))\ntime.sleep(600)\n")
    wait_until(lambda: len(udp_rows(lab)) == 1, "it is bound")

    def flood():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for number in range(2000):
                client.sendto(bytes(1000 if number < 1990 else 1), (SERVER, 8080))

    lab.client.call(flood)
    wait_until(lambda: int(udp_rows(lab)[0][-1]) > 0, "datagrams are dropped")


def answers_from_elsewhere(lab):
    """A wildcard socket that leaves the source of its answers to the kernel."""
    lab.start(lab.server, sys.executable, "-c", "import socket\n"
              "server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              "server.bind(('0.0.0.0', 8080))\n"
              "while True:\n    data, peer = server.recvfrom(100)\n"
              "    server.sendto(b'pong ' + data, peer)\n")
    wait_until(lambda: len(udp_rows(lab)) == 1, "it is bound")


def prefix_of_nobody(*words):
    """A whole prefix is delivered to this host, and no interface has its addresses."""
    def prepare(lab):
        lab.server.ip("-6", "route", "add", "local", "fd07::/64", "dev", "lo")
        lab.serve("--udp", *words, "::", "8080")
    return prepare


def udp(address, **more):
    return Connection(address, proto="udp", **more)


GROUP, GROUP6 = "239.1.2.3", "ff05::1234"
MEMBER = """
import socket, struct, sys
group, port = sys.argv[1], int(sys.argv[2])
v6 = ":" in group
index = socket.if_nametoindex("sv0")
member = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
member.bind((group, port))
if v6:
    member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                      socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index))
else:
    member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                      socket.inet_aton(group) + struct.pack("@4si", bytes(4), index))
while True:
    member.sendto(b"pong", member.recvfrom(100)[1])
"""


def joined(group, port=8080):
    """A member of a group, which answers from an address of its own."""

    def answers(lab):
        def call():
            family = socket.AF_INET6 if ":" in group else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.settimeout(0.3)
                try:
                    client.sendto(b"ping", (group, port))
                    return client.recvfrom(100)[0].decode()
                except OSError:
                    return ""

        return lab.client.call(call) == "pong"

    def prepare(lab):
        lab.start(lab.server, sys.executable, "-c", MEMBER, group, str(port))
        wait_until(lambda: answers(lab), f"{group} answers")

    return prepare


def broadcast_route(*words):
    """Nobody but this host knows that the address is for many."""
    def prepare(lab):
        lab.serve("--udp", *words, "0.0.0.0", "8080")
        lab.server.ip("route", "add", "broadcast", BROADCAST, "dev", "sv0", "table", "local")
        lab.client.ip("route", "add", BROADCAST, "via", SERVER)
    return prepare


CASES = [
    Case("a UDP server answers", serving("--udp", "0.0.0.0", "8080"), udp(SERVER), "open",
         "udp.open_silent"),
    Case("a UDP server answers over IPv6", serving("--udp", "::", "8080"), udp(SERVER6), "open"),
    Case("a dual-stack UDP socket answers IPv4", serving("--udp", "::", "8080"), udp(SERVER),
         "open"),
    Case("a UDP server on localhost", serving("--udp", "127.0.0.1", "8080"),
         udp("127.0.0.1", local=True), "open"),

    Case("no UDP socket (IPv4)", nothing, udp(SERVER), "refused", "udp.none"),
    Case("no UDP socket (IPv6)", nothing, udp(SERVER6), "refused", "udp.none"),
    Case("a UDP socket on localhost", serving("--udp", "127.0.0.1", "8080"), udp(SERVER),
         "refused", "udp.other_addr", "socket"),
    Case("a UDP socket on another address (IPv4)", serving("--udp", OTHER, "8080"), udp(SERVER),
         "refused", "udp.other_addr", "socket"),
    Case("a UDP socket on another address (IPv6)", serving("--udp", OTHER6, "8080"), udp(SERVER6),
         "refused", "udp.other_addr", "socket"),
    Case("a UDP socket of IPv4 asked over IPv6", serving("--udp", "0.0.0.0", "8080"), udp(SERVER6),
         "refused", "listen.v4_only", "socket"),
    Case("a UDP socket of an IPv4 address asked over IPv6", serving("--udp", SERVER, "8080"),
         udp(SERVER6), "refused", "listen.v4_only", "socket"),
    Case("a UDP socket on localhost asked over IPv6", serving("--udp", "127.0.0.1", "8080"),
         udp(SERVER6), "refused", "udp.other_addr", "socket"),
    Case("a UDP socket of IPv6 alone asked over IPv4",
         serving("--udp", "--v6only", "1", "::", "8080"), udp(SERVER), "refused", "listen.v6only",
         "socket"),
    Case("a UDP socket bound to another interface",
         serving("--udp", "--device", "lo", "0.0.0.0", "8080"), udp(SERVER), "refused",
         "listen.bindtodevice", "socket"),
    Case("a TCP listener asked over UDP", serving("0.0.0.0", "8080"), udp(SERVER), "refused",
         "listen.wrong_proto", "socket"),
    Case("a UDP socket connected to another peer",
         serving("--udp", "--peer", "10.77.0.22", "4000", "0.0.0.0", "8080"), udp(SERVER),
         "refused", "udp.connected_other_peer", "socket"),
    Case("a UDP socket connected to this client's host, any port of it",
         serving("--udp", "--peer", "10.77.0.2", "0", SERVER, "8080"), udp(SERVER), "open"),

    # A client that is connected to the group does not take what comes from the member's address.
    Case("a group that the server has joined", joined(GROUP), udp(GROUP), "timeout",
         "udp.open_silent", predicted="open"),
    Case("a group of IPv6 that the server has joined", joined(GROUP6), udp(GROUP6), "timeout",
         "udp.open_silent", predicted="open", certainty="likely"),
    Case("a group that is joined for another port", joined(GROUP, 8081), udp(GROUP), "timeout",
         "udp.none.group", "socket"),
    Case("a group that nobody has joined", serving("--udp", "0.0.0.0", "8080"), udp(GROUP),
         "timeout", "net.addr_missing.group", "address"),
    Case("a program that says nothing", mute, udp(SERVER), "timeout", "udp.open_silent",
         predicted="open"),
    Case("a program that sleeps and does not read", sleeping, udp(SERVER), "timeout",
         "udp.open_silent", predicted="open", certainty="likely"),
    Case("two sockets that share the port", lambda lab: lab.serve(
        "--udp", "--reuseport", "0.0.0.0", "8080", "+", "--udp", "--reuseport", "0.0.0.0", "8080"),
        udp(SERVER), "open"),
    Case("a second program has taken the port", stolen, udp(SERVER), "timeout",
         "udp.stolen_reuseaddr", predicted="open"),
    Case("a receive buffer with room for hardly a datagram", nearly_full_buffer, udp(SERVER),
         "timeout", predicted="open", certainty="likely"),
    Case("a full receive buffer", full_buffer, udp(SERVER), "timeout", "udp.rcvbuf_full",
         "socket"),
    Case("a UDP socket may not answer from an address that no interface has", prefix_of_nobody(),
         udp("fd07::7"), "timeout", culprit="address"),
    Case("no UDP socket answers from an address that a route makes a broadcast address",
         broadcast_route(), udp(BROADCAST), "timeout", "udp.reply_wrong_source.never", "address",
         certainty="certain"),
    Case("nobody is told that nothing takes a datagram to such an address", broadcast_route(),
         Connection(BROADCAST, 9, proto="udp"), "timeout", "udp.none.group", certainty="certain"),
    Case("a program of this host may not send there", broadcast_route(),
         Connection(BROADCAST, proto="udp", source=SERVER, local=True), "unreachable",
         culprit="address", predicted="denied", certainty="certain"),
    Case("a transparent UDP socket may answer from any address", prefix_of_nobody("--transparent"),
         udp("fd07::7"), "open"),
    Case("answers that come from the first address", answers_from_elsewhere, udp(SERVER), "open"),
    Case("answers that come from another address", answers_from_elsewhere, udp(OTHER), "timeout",
         "udp.reply_wrong_source", predicted="open"),
]
