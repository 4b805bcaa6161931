"""Who listens, and where: causes of the pack `listen`."""

import errno
import os
import shutil
import socket
import struct

from lab import (Case, Connection, Skip, ask_synfate, name_of, outcome_of_error, synfate_program,
                 target_words, wait_for_listener, wait_until)

V4, V4_OTHER = "10.77.0.1", "10.77.0.11"
V6, V6_OTHER = "fd77::1", "fd77::11"
# A port that no other namespace of this machine has either: those are looked into as well.
QUIET = 20000 + os.getpid() % 10000


def serving(*words):
    return lambda lab: lab.serve(*words)


def nothing(lab):
    del lab


def nginx_on(address):
    """A real nginx with one worker that answers on one address."""

    def prepare(lab):
        lab.nginx(f"{address}:8080")

    return prepare


def socat_on(address):
    def prepare(lab):
        program = shutil.which("socat")
        if not program:
            raise Skip("socat is not installed")
        process = lab.start(lab.server, program, f"TCP4-LISTEN:8080,bind={address},fork,reuseaddr",
                            "EXEC:cat")
        wait_for_listener(process.pid, 8080)

    return prepare


def in_another_netns(lab):
    lab.serve("0.0.0.0", "8080", netns=lab.another_netns("x"))


def taken_for_going_out(lab):
    """The kernel gave the port to a connection of this host, as it may where the range is wide."""
    lab.server.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
    lab.serve("0.0.0.0", "5432", netns=lab.client)
    lab.start(lab.server, "socat", "PIPE", "TCP4:10.77.0.2:5432,sourceport=8080")
    wait_until(lambda: 8080 in lab.server.call(connected_ports), "the connection is there")


def connected_ports():
    with open("/proc/thread-self/net/tcp") as file:
        rows = [line.split() for line in list(file)[1:]]
    return [int(row[1].split(":")[1], 16) for row in rows if row[3] == "01"]


def on_every_link(lab):
    """An address that exists on each link: who calls it must say which."""
    lab.server.ip("addr", "add", "fe80::99/64", "dev", "sv0", "nodad")
    lab.serve("::", "8080")


class LinkLocal(Case):
    """Two links to the client, with fe80::99 on both; `zone` is the one that is meant."""

    links = {"sv0": ("fe80::a", "fe80::c", "cl0"), "sv1": ("fe80::b", "fe80::d", "cl1")}

    def __init__(self, name, words, address, zone, outcome, rule=None, local=False, proto="tcp"):
        super().__init__(name, serving(*words), Connection(address, proto=proto), outcome, rule)
        self.zone, self.local, self.certainty = zone, local, "certain"

    def complaints(self, lab):
        lab.server.ip("link", "add", "sv1", "type", "veth", "peer", "name", "cl1", "netns",
                      lab.client.name)
        for link, (own, other, peer) in self.links.items():
            for netns, device, address in ((lab.server, link, own), (lab.server, link, "fe80::99"),
                                           (lab.client, peer, other)):
                netns.ip("addr", "add", address + "/64", "dev", device, "nodad")
                netns.ip("link", "set", device, "up")
        self.prepare(lab)
        own, other, peer = self.links[self.zone]
        address = self.connection.address
        netns, zone, source = (lab.client, peer, other)
        if self.local:
            netns, zone, source = lab.server, self.zone, address
        real, code = netns.call(lambda: call_link_local(self.connection, zone))
        found = [] if real == self.outcome else [f"reality: {real} ({code}), not {self.outcome}"]
        if not synfate_program():
            return found
        words = [target_words(self.connection.proto, f"{address}%{self.zone}", 8080)]
        for more in ([f"{source}%{self.zone}"], [source]) if not self.local else ([source],):
            answer = ask_synfate(lab.server, *words, "--from", *more)
            found += self._judge(answer, real)
            if real != "open" and answer.flows[0]["errno"] != code:
                found.append(f"the errno is {answer.flows[0]['errno']}, a real client gets {code}")
        plain = ask_synfate(lab.server, *words).flows
        told = {flow["outcome"] for flow in plain
                if (flow["from"]["interface"] == "lo") == self.local}
        if told != {real}:
            found.append(f"the plain call says {told}")
        return found


def call_link_local(connection, zone):
    kind = socket.SOCK_DGRAM if connection.proto == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET6, kind) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 5, 0))
        try:
            client.connect((connection.address, 8080, 0, socket.if_nametoindex(zone)))
            client.settimeout(2)
            client.send(b"ping")
            return ("open", None) if client.recv(9) else ("reset", None)
        except OSError as error:
            code = errno.ETIMEDOUT if error.errno == errno.EINPROGRESS else error.errno
            return outcome_of_error(code), name_of(code)


GET = b"GET / HTTP/1.0\r\n\r\n"

CASES = [
    Case("a listener on 0.0.0.0 serves a client", serving("0.0.0.0", "8080"), Connection(V4),
         "open"),
    Case("a listener on :: serves a client over IPv6", serving("::", "8080"), Connection(V6),
         "open"),
    Case("a dual-stack listener on :: serves IPv4", serving("::", "8080"), Connection(V4), "open"),
    Case("a listener on ::ffff:10.77.0.1 serves IPv4", serving("::ffff:" + V4, "8080"),
         Connection(V4), "open"),
    Case("a listener on localhost serves this host", serving("127.0.0.1", "8080"),
         Connection("127.0.0.1", local=True), "open"),

    Case("nothing listens (IPv4)", nothing, Connection(V4, QUIET), "refused", "listen.none"),
    Case("nothing listens (IPv6)", nothing, Connection(V6, QUIET), "refused", "listen.none"),
    Case("nothing listens on localhost", nothing, Connection("127.0.0.1", QUIET, local=True), "refused",
         "listen.none"),
    Case("a listener on another port is none", serving("0.0.0.0", "8080"),
         Connection(V4, QUIET), "refused", "listen.none"),

    Case("a listener on 127.0.0.1", serving("127.0.0.1", "8080"), Connection(V4), "refused",
         "listen.loopback_only", "socket"),
    Case("a listener on ::1", serving("::1", "8080"), Connection(V6), "refused",
         "listen.loopback_only", "socket"),
    Case("nginx on 127.0.0.1", nginx_on("127.0.0.1"), Connection(V4, payload=GET), "refused",
         "listen.loopback_only", "socket"),
    Case("nginx on 0.0.0.0", nginx_on("0.0.0.0"), Connection(V4, payload=GET), "open"),
    Case("socat on 127.0.0.1", socat_on("127.0.0.1"), Connection(V4), "refused",
         "listen.loopback_only", "socket"),

    Case("a listener on 127.0.1.1 asked on 127.0.0.1", serving("127.0.1.1", "8080"),
         Connection("127.0.0.1", local=True), "refused", "listen.loopback_alias", "socket"),
    Case("a listener on 127.0.1.1 asked from outside", serving("127.0.1.1", "8080"),
         Connection(V4), "refused", "listen.loopback_alias", "socket"),

    Case("a listener on another address (IPv4)", serving(V4_OTHER, "8080"), Connection(V4),
         "refused", "listen.other_address", "socket"),
    Case("a listener on another address (IPv6)", serving(V6_OTHER, "8080"), Connection(V6),
         "refused", "listen.other_address", "socket"),

    Case("a listener on 0.0.0.0 asked over IPv6", serving("0.0.0.0", "8080"), Connection(V6),
         "refused", "listen.v4_only", "socket"),
    Case("a listener on ::ffff:10.77.0.1 asked over IPv6", serving("::ffff:" + V4, "8080"),
         Connection(V6), "refused", "listen.v4_mapped", "socket"),

    Case("an IPv6-only listener asked over IPv4", serving("--v6only", "1", "::", "8080"),
         Connection(V4), "refused", "listen.v6only", "socket"),

    Case("a UDP socket asked over TCP", serving("--udp", "0.0.0.0", "8080"), Connection(V4),
         "refused", "listen.wrong_proto", "socket"),
    Case("a listener bound to another interface", serving("--device", "lo", "0.0.0.0", "8080"),
         Connection(V4), "refused", "listen.bindtodevice", "socket"),
    Case("a listener bound to lo asked from another address of this host",
         serving("--device", "lo", "0.0.0.0", "8080"),
         Connection("127.0.0.1", source="10.77.0.1", local=True), "open"),
    Case("a UDP socket bound to lo asked from another address of this host",
         serving("--udp", "--device", "lo", "0.0.0.0", "8080"),
         Connection("127.0.0.1", proto="udp", source="10.77.0.1", local=True), "open"),
    Case("a socket that is bound and does not listen", serving("--no-listen", "0.0.0.0", "8080"),
         Connection(V4), "refused", "listen.bound_not_listening", "socket"),
    Case("a link-local address without its link", on_every_link,
         Connection("fe80::99", local=True), "denied", "ipv6.link_local_noscope",
         predicted="open"),
    LinkLocal("a link-local address of the second link", ["::", "8080"], "fe80::b", "sv1", "open"),
    LinkLocal("a UDP socket asked on the second link", ["--udp", "::", "8080"], "fe80::b", "sv1",
              "open", proto="udp"),
    LinkLocal("nothing listens on the second link", ["--device", "sv0", "::", "8080"], "fe80::b",
              "sv1", "refused", "listen.bindtodevice"),
    LinkLocal("an address of both links, listening on the one that is meant",
              ["fe80::99%sv1", "8080"], "fe80::99", "sv1", "open", local=True),
    LinkLocal("an address of both links, listening on the other", ["fe80::99%sv1", "8080"],
              "fe80::99", "sv0", "refused", "listen.bindtodevice", local=True),
    LinkLocal("a link-local address that nobody has", ["::", "8080"], "fe80::77", "sv0", "timeout",
              "net.addr_missing"),
    Case("an outgoing connection has the port", taken_for_going_out, Connection(V4), "refused",
         "listen.none.outgoing", "socket"),
    Case("a listener in another network namespace", in_another_netns, Connection(V4), "refused",
         "listen.other_netns"),
]
