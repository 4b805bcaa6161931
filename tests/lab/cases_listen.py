"""Who listens, and where: causes of the pack `listen`."""

from lab import Case, Connection, Skip, wait_for_listener

import os
import shutil

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


def on_every_link(lab):
    """An address that exists on each link: who calls it must say which."""
    lab.server.ip("addr", "add", "fe80::99/64", "dev", "sv0", "nodad")
    lab.serve("::", "8080")


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
    Case("a listener in another network namespace", in_another_netns, Connection(V4), "refused",
         "listen.other_netns"),
]
