"""Connections that do not end on this host: containers behind a bridge as Docker sets them up, services
as kube-proxy writes them, redirects, with real clients and both back ends of iptables."""

import json
import os
import socket
import subprocess
import sys

from lab import Case, Connection, LabError, Skip, connect_tcp, enter, synfate_program, wait_until

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
CONTAINER = "172.17.0.2"
VIRTUAL = "10.96.0.10"

DOCKER = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination {target}
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d {address}/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport {port} -j ACCEPT
{user}
-A DOCKER-USER -j RETURN
COMMIT
"""

KUBE = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-WEB - [0:0]
:KUBE-SEP-ONE - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 8080 -j KUBE-SVC-WEB
-A KUBE-SVC-WEB ! -s 172.17.0.0/16 -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 8080 -j KUBE-MARK-MASQ
-A KUBE-SVC-WEB -m comment --comment "default/web -> 172.17.0.2:80" -j KUBE-SEP-ONE
-A KUBE-SEP-ONE -s 172.17.0.2/32 -m comment --comment default/web -j KUBE-MARK-MASQ
-A KUBE-SEP-ONE -p tcp -m comment --comment default/web -m tcp -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""

NO_ENDPOINTS = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web has no endpoints" -m tcp --dport 8080 -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""


def load(lab, program, text):
    done = subprocess.run([program], input=text, capture_output=True, text=True,
                          preexec_fn=lambda: enter(lab.server))
    if done.returncode != 0:
        raise LabError(f"{program}: {done.stderr.strip()}")


def container(lab, forwarding=1):
    """A namespace behind a bridge, with a server on port 80."""
    inside = lab.another_netns("k")
    lab.server.ip("link", "add", "docker0", "type", "bridge")
    lab.server.ip("addr", "add", "172.17.0.1/16", "dev", "docker0")
    lab.server.ip("link", "add", "vk0", "type", "veth", "peer", "name", "eth0", "netns", inside.name)
    lab.server.ip("link", "set", "vk0", "master", "docker0")
    for link in ("docker0", "vk0"):
        lab.server.ip("link", "set", link, "up")
    inside.ip("addr", "add", f"{CONTAINER}/16", "dev", "eth0")
    inside.ip("link", "set", "eth0", "up")
    inside.ip("route", "add", "default", "via", "172.17.0.1")
    lab.server.sysctl("net.ipv4.ip_forward", forwarding)
    lab.serve("0.0.0.0", "80", netns=inside)
    return inside


def docker(backend, address=CONTAINER, port=80, user="", forwarding=1, change=None):
    def prepare(lab):
        inside = container(lab, forwarding)
        load(lab, f"iptables-{backend}-restore",
             DOCKER.format(target=f"{address}:{port}", address=address, port=port, user=user))
        if change:
            change(inside)
    return prepare


def kube(backend, text=KUBE):
    def prepare(lab):
        container(lab)
        load(lab, f"iptables-{backend}-restore", text)
        lab.client.ip("route", "add", f"{VIRTUAL}/32", "via", SERVER)
        # The kernel wants a route before output rules see a local client's packet.
        lab.server.ip("route", "add", "10.96.0.0/12", "dev", "docker0")
    return prepare


def nft(netns, text):
    done = subprocess.run(["nft", "-f", "-"], input=text + "\n", capture_output=True, text=True,
                          preexec_fn=lambda: enter(netns))
    if done.returncode != 0:
        raise LabError(f"nft: {done.stderr.strip()}")


def redirect(to, listener):
    def prepare(lab):
        lab.serve("0.0.0.0", listener)
        nft(lab.server, "table ip n { chain p { type nat hook prerouting priority -100; "
                        f"tcp dport 8080 redirect to :{to}; }}; }}")
    return prepare


def rewritten(rule):
    """A rule that rewrites packets before conntrack sees them, and none that turns it back."""
    def prepare(lab):
        nft(lab.server, "table inet s { chain p { type filter hook prerouting priority -400; "
                        f"{rule}; }}; chain i {{ type filter hook input priority 0; ct state new; }}; }}")
    return prepare


def rewritten_in_output(lab):
    """Written into the packet by a chain that is not of the type route."""
    nft(lab.server, "table ip s { chain o { type filter hook output priority -300; "
                    "udp dport 80 ip daddr set 10.255.9.9; }; }")


def answered_in_another_zone(lab):
    """The call is tracked in a zone where nobody looks for its answer."""
    sent_on_by_a_rule(lab)
    nft(lab.server, "table ip z { chain o { type filter hook output priority -300; ct zone set 1; };"
                    " chain s { type nat hook postrouting priority 100; masquerade; }; }")


def renamed_on_its_way_out(lab):
    """What a rule writes into a packet of this host is not written back into the answer."""
    lab.serve("0.0.0.0", "81", netns=lab.client)
    nft(lab.server, "table inet s { chain o { type filter hook output priority 0; tcp dport 80 tcp dport set 81; }; }")


def another_port(lab):
    """Without an address the rule is for both families, and is one of `inet` itself."""
    lab.serve("0.0.0.0", "8080", "+", "--v6only", "1", "::", "8080")
    nft(lab.server, "table inet n { chain o { type nat hook output priority -100; "
                    "tcp dport 80 dnat to :8080; }; }")


def whole_network(lab):
    """Clients get addresses of another network, each one of its own."""
    container(lab)
    nft(lab.server, "table ip n { chain o { type nat hook postrouting priority 100; "
                    "snat ip prefix to ip saddr map { 10.77.0.0/24 : 10.99.0.0/24 }; }; }")


def drop_inside(inside):
    nft(inside, "table ip f { chain i { type filter hook input priority 0; tcp dport 80 drop; }; }")


def dropped_on_its_way(lab):
    """Clients know the way to the container over IPv6, and a rule of the host drops what goes there."""
    inside = container(lab)
    lab.server.ip("-6", "addr", "add", "fd88::1/64", "dev", "docker0", "nodad")
    inside.ip("-6", "addr", "add", "fd88::2/64", "dev", "eth0", "nodad")
    inside.ip("-6", "route", "add", "default", "via", "fd88::1")
    lab.server.sysctl("net.ipv6.conf.all.forwarding", 1)
    lab.client.ip("-6", "route", "add", "fd88::/64", "via", "fd77::1")
    nft(lab.server, "table ip6 f { chain w { type filter hook forward priority 0; "
                    "tcp dport 80 drop; }; }")


def all_masqueraded(backend, addresses=True):
    """Connections over lo are too: then they come from another of this host's addresses, which the
    input rule lets in. Without any the packet is dropped."""
    def prepare(lab):
        lab.serve("::", "8080")
        if not addresses:
            lab.server.ip("addr", "flush", "dev", "sv0")
        if backend == "nft":
            nft(lab.server, "table inet n { chain p { type nat hook postrouting priority 100; "
                            "masquerade; }; chain i { type filter hook input priority 0; "
                            "tcp dport 8080 ip saddr 127.0.0.0/8 drop; }; }")
            return
        load(lab, f"iptables-{backend}-restore",
             "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
             "*filter\n-A INPUT -s 127.0.0.0/8 -p tcp --dport 8080 -j DROP\nCOMMIT\n")
        load(lab, f"ip6tables-{backend}-restore", "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n")
    return prepare


def sent_on_by_a_rule(lab, rule=None):
    """What NAT in output sends to the container is routed again, with its source."""
    container(lab)
    nft(lab.server, "table ip n { chain o { type nat hook output priority -100; "
                    f"ip daddr {VIRTUAL} tcp dport 8080 dnat to {CONTAINER}:80; }}; }}")
    lab.server.ip("route", "add", f"{VIRTUAL}/32", "dev", "docker0")
    if rule:
        lab.server.ip("rule", "add", *rule)


def no_route_for_the_source(lab):
    sent_on_by_a_rule(lab, ("from", SERVER, "to", CONTAINER, "blackhole", "priority", "10"))


FAR = "198.51.100.5"


def transparent_proxy(backend, port=3129, rule=True, forwarding=1):
    """A proxy that TPROXY hands every port to, of addresses near and far."""
    def prepare(lab):
        lab.serve("--transparent", "0.0.0.0", "3129", "+", "--transparent", "--v6only", "1", "::", "3129")
        lab.client.ip("route", "add", f"{FAR}/32", "via", SERVER)
        lab.server.ip("route", "add", "default", "via", CLIENT)
        lab.server.sysctl("net.ipv4.ip_forward", forwarding)
        if backend == "nft":
            nft(lab.server, "table inet t { chain p { type filter hook prerouting priority -150; "
                            f"meta l4proto {{ tcp, udp }} th dport != 22 mark set 1 tproxy to :{port}; }}; }}")
        else:
            for tool in ("iptables", "ip6tables"):
                load(lab, f"{tool}-{backend}-restore",
                     f"*mangle\n-A PREROUTING -p tcp -j TPROXY --on-port {port} --tproxy-mark 1/1\n"
                     f"-A PREROUTING -p udp -j TPROXY --on-port {port} --tproxy-mark 1/1\nCOMMIT\n")
        if rule:
            lab.server.ip("rule", "add", "fwmark", "1", "lookup", "100")
            lab.server.ip("route", "add", "local", "default", "dev", "lo", "table", "100")
    return prepare


NEIGHBOUR = "172.17.0.3"


def published(masquerade, through_ip, who, *settings, forwarding=1, drop=False):
    """A container that calls the port 8080 of the host, which NAT leads to a container: itself or
    its neighbour. `through_ip`: br_netfilter hands the bridge's packets to IP."""
    def prepare(lab):
        inside = container(lab, forwarding)
        if not os.path.exists("/proc/sys/net/bridge"):
            raise Skip("br_netfilter is not loaded")
        lab.server.sysctl("net.bridge.bridge-nf-call-iptables", through_ip)
        lab.client = inside if who == CONTAINER else second_container(lab)
        nft(lab.server, "table ip n { chain p { type nat hook prerouting priority -100; "
                        f"ip daddr 172.17.0.1 tcp dport 8080 dnat to {CONTAINER}:80; }}; "
                        "chain q { type nat hook postrouting priority 100; "
                        + (f"ip daddr {CONTAINER} masquerade;" if masquerade else "") + " }; "
                        "chain f { type filter hook forward priority 0; "
                        + ("iifname docker0 oifname docker0 drop;" if drop else "") + " }; }")
        for netns, link in ((lab.server, "docker0"), (lab.client, "eth0")):
            netns.sysctl(f"net.ipv4.neigh.{link}.retrans_time_ms", 100)  # given up before the client is
        for port, setting in settings:
            # A carrier that comes up enables the port: br_port_carrier_check().
            wait_until(lambda: port_is_up(lab, port), "the port has a carrier")
            values = setting.split() if " " in setting else [setting, "on"]
            subprocess.run(["bridge", "-n", lab.server.name, "link", "set", "dev", port, *values],
                           check=True)
    return prepare


def called_in_the_name_of(other):
    """What one container of a bridge sends the other gets this source, within the bridge."""
    def prepare(lab):
        published(False, 1, NEIGHBOUR)(lab)
        nft(lab.server, "table ip s { chain q { type nat hook postrouting priority 90; "
                        f"ip daddr {CONTAINER} tcp dport 80 snat to {other}; }}; }}")
    return prepare


def port_is_up(lab, port):
    return json.loads(lab.server.ip("-j", "link", "show", port))[0]["operstate"] == "UP"


def second_container(lab):
    other = lab.another_netns("l")
    lab.server.ip("link", "add", "vk1", "type", "veth", "peer", "name", "eth0", "netns", other.name)
    lab.server.ip("link", "set", "vk1", "master", "docker0", "up")
    other.ip("addr", "add", f"{NEIGHBOUR}/16", "dev", "eth0")
    other.ip("link", "set", "eth0", "up")
    other.ip("route", "add", "default", "via", "172.17.0.1")
    return other


PROXY = """
import socket
listener = socket.create_server(("0.0.0.0", 8080))
print("ready", flush=True)
while True:
    taken, _ = listener.accept()
    try:
        socket.create_connection(("172.17.0.2", 81), timeout=2)
    except OSError:
        taken.close()
"""


def proxy_to_a_dead_port(lab):
    """What docker-proxy does, with its arguments."""
    container(lab)
    proxy = lab.start(lab.server, sys.executable, "-c", PROXY, "-proto", "tcp", "-host-ip", "0.0.0.0",
                      "-host-port", "8080", "-container-ip", CONTAINER, "-container-port", "81",
                      output=subprocess.PIPE)
    lab.undo(proxy.stdout.close)
    proxy.stdout.readline()


STALE_PORT = 40000


def remembered_by_conntrack(lab):
    """A container was replaced, and NAT leads to the new one; a client that keeps its port does not
    get there."""
    inside = container(lab)
    lab.serve("--udp", "0.0.0.0", "53", netns=inside)
    leads_to = ("table ip n {{ chain p {{ type nat hook prerouting priority -100; "
                "udp dport 53 dnat to {}:53; }}; }}")
    nft(lab.server, leads_to.format("172.17.0.9"))
    if lab.client.call(ask_from_kept_port):
        raise LabError("somebody answers for the container that has gone")
    nft(lab.server, "flush ruleset\n" + leads_to.format(CONTAINER))
    if lab.client.call(ask_from_kept_port):
        raise LabError("conntrack does not remember the container that has gone")


def ask_from_kept_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((CLIENT, STALE_PORT))
        asking.settimeout(1)
        asking.sendto(b"x", (SERVER, 53))
        try:
            return asking.recv(100)
        except OSError:
            return None


def unnumbered(lab):
    """A container behind a link of its own, on which the host has no address: it asks with another."""
    inside = lab.another_netns("k")
    lab.server.ip("link", "add", "un0", "type", "veth", "peer", "name", "eth0", "netns", inside.name)
    lab.server.ip("link", "set", "un0", "up")
    lab.server.sysctl("net.ipv4.conf.un0.proxy_arp", 1)
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    inside.ip("addr", "add", f"{CONTAINER}/32", "dev", "eth0")
    inside.ip("link", "set", "eth0", "up")
    inside.ip("route", "add", "169.254.1.1", "dev", "eth0")
    inside.ip("route", "add", "default", "via", "169.254.1.1")
    lab.server.ip("route", "add", f"{CONTAINER}/32", "dev", "un0")
    lab.server.ip("route", "add", "default", "via", CLIENT)  # or it stands in for no gateway
    lab.serve("0.0.0.0", "80", netns=inside)
    if synfate_program():  # the real client makes the host's neighbour known
        said = predicted_before(lab)
        if said != "open":
            raise LabError(f"before anybody has asked for the container synfate says {said}")


def predicted_before(lab):
    done = subprocess.run([synfate_program(), f"tcp/{CONTAINER}:80", "--from", CLIENT, "--format", "json"],
                          capture_output=True, text=True, preexec_fn=lambda: enter(lab.server))
    return json.loads(done.stdout)["flows"][0]["outcome"]


def ports_told_apart(backend, come_by, leave_by):
    """A rule of iptables about the ports of the bridge that a packet comes and leaves by."""
    def prepare(lab):
        published(False, 1, NEIGHBOUR)(lab)
        load(lab, f"iptables-{backend}-restore",
             "*filter\n-A FORWARD -m physdev --physdev-is-bridged "
             f"--physdev-in {come_by} --physdev-out {leave_by} -j DROP\nCOMMIT\n")
    return prepare


def loopback_sent_on(route_localnet):
    def prepare(lab):
        container(lab)
        # The container answers no ARP request from a loopback address.
        wait_until(lambda: lab.server.call(lambda: connect_tcp(CONTAINER, 9))[0] == "refused",
                   "the container is known")
        lab.server.sysctl("net.ipv4.conf.all.route_localnet", route_localnet)
        nft(lab.server, "table ip n { chain o { type nat hook output priority -100; "
                        f"ip daddr 127.0.0.1 tcp dport 8080 dnat to {CONTAINER}:80; }}; }}")
    return prepare


def bridged(name, outcome, rule, who, masquerade, through_ip, *settings, direct=False, also=None, **others):
    address, port = (CONTAINER, 80) if direct else ("172.17.0.1", 8080)
    return Case(name, published(masquerade, through_ip, who, *settings, **others),
                Connection(address, port=port, source=who), outcome, rule, also=also)


REMOTE = Connection(SERVER)
OWN = Connection(SERVER, source=SERVER, local=True)
LOOPBACK = Connection("127.0.0.1", local=True)
SERVICE = Connection(VIRTUAL)

CASES = [
    Case(f"docker ({backend}): {name}", prepare, connection, outcome, rule)
    for backend in ("nft", "legacy")
    for name, prepare, connection, outcome, rule in (
        ("a published port", docker(backend), REMOTE, "open", None),
        ("a published port, from the host", docker(backend), OWN, "open", None),
        ("a published port, from the host's loopback", docker(backend), LOOPBACK, "refused",
         None),
        ("nothing listens in the container", docker(backend, port=81), REMOTE, "refused",
         "nat.dead_target"),
        ("nothing listens in the container, from the host", docker(backend, port=81), OWN,
         "refused", "nat.dead_target"),
        ("DOCKER-USER drops", docker(backend, user=f"-A DOCKER-USER -s {CLIENT} -j DROP"), REMOTE,
         "timeout", "fw.drop"),
        ("the host does not forward", docker(backend, forwarding=0), REMOTE, "timeout",
         "nat.docker.ip_forward0"),
        ("the container drops it", docker(backend, change=drop_inside), REMOTE, "timeout",
         "fw.drop"),
        ("the container has no way back",
         docker(backend, change=lambda inside: inside.ip("route", "del", "default")), REMOTE,
         "timeout", None),
    )
] + [
    Case(f"kube-proxy ({backend}): {name}", prepare, connection, outcome, rule)
    for backend in ("nft", "legacy")
    for name, prepare, connection, outcome, rule in (
        ("a service with one endpoint", kube(backend), SERVICE, "open", None),
        ("a service without endpoints", kube(backend, NO_ENDPOINTS), SERVICE, "refused",
         "nat.kube.no_endpoints"),
    )
] + [
    Case("redirect to a port with a listener", redirect(8081, "8081"), REMOTE, "open"),
    Case("redirect to a port without one", redirect(8081, "8080"), REMOTE, "refused",
         "nat.dead_target"),
    Case("a datagram goes to the new container, those of an old port to the one that has gone",
         remembered_by_conntrack, Connection(SERVER, 53, "udp"), "open", also="nat.udp_stale_conntrack"),
    Case("docker's proxy to a container where nothing listens", proxy_to_a_dead_port, REMOTE, "reset",
         predicted="open", also="proxy.userland_dead"),
    Case("NAT of the port alone", another_port, Connection(SERVER, 80, source=SERVER, local=True), "open",
         certainty="certain"),
    Case("NAT of the port alone (IPv6)", another_port, Connection("::1", 80, local=True), "open",
         certainty="certain"),
    Case("a transparent proxy that is gone", transparent_proxy("legacy", port=3130), REMOTE, "timeout",
         "tproxy.dead", "xt_rule"),
    Case("a container behind a link without an address", unnumbered, Connection(CONTAINER, 80), "open",
         certainty="certain"),
    Case("NAT of a whole network", whole_network, Connection(CONTAINER, 80), "open", certainty="certain"),
    Case("a program's packet gets another port by a rule, its answer does not", renamed_on_its_way_out,
         Connection("10.77.0.2", 80, source=SERVER, local=True), "timeout", "nat.answer_renamed"),
    Case("a port rewritten without conntrack, and the reset comes from another", rewritten("tcp dport 80 tcp dport set 81"),
         Connection(SERVER, 80), "timeout", "listen.none.silent", certainty="certain"),
    Case("a port rewritten without conntrack, and the error is about another",
         rewritten("udp dport 80 udp dport set 81"), Connection(SERVER, 80, "udp"), "timeout",
         "udp.none.silent", certainty="certain"),
    Case("an answer is not found in the zone of the call", answered_in_another_zone,
         Connection(CONTAINER, 80, source=SERVER, local=True), "timeout", certainty="certain"),
    Case("a packet whose target is rewritten in output keeps its route", rewritten_in_output,
         Connection("127.0.0.1", 80, "udp", local=True), "timeout", certainty="certain"),
    Case("a program of the server is sent on to a container", sent_on_by_a_rule,
         Connection(VIRTUAL, source=SERVER, local=True), "open"),
    Case("a program of the server is sent on, and its source has no route there",
         no_route_for_the_source, Connection(VIRTUAL, source=SERVER, local=True), "timeout", None,
         "nft_rule"),
] + [
    Case(f"a transparent proxy ({backend}): {name}", prepare, connection, outcome, rule, certainty="certain")
    for backend in ("nft", "legacy")
    for name, prepare, connection, outcome, rule in (
        ("a port of this host without a listener", transparent_proxy(backend), REMOTE, "open", None),
        ("the same (IPv6)", transparent_proxy(backend), Connection("fd77::1"), "open", None),
        ("another host's address", transparent_proxy(backend), Connection(FAR), "open", None),
        ("another host's address, no routing rule", transparent_proxy(backend, rule=False), Connection(FAR),
         "timeout", "tproxy.no_ip_rule"),
        ("the same where this host does not forward", transparent_proxy(backend, rule=False, forwarding=0),
         Connection(FAR), "timeout", "tproxy.no_ip_rule"),
    )
] + [
    Case(f"everything is masqueraded ({backend}): {name}", prepare, connection, outcome)
    for backend in ("nft", "legacy")
    for name, prepare, connection, outcome in (
        ("localhost", all_masqueraded(backend), LOOPBACK, "open"),
        ("localhost (IPv6)", all_masqueraded(backend), Connection("::1", local=True), "open"),
        ("a host without addresses", all_masqueraded(backend, False), LOOPBACK, "timeout"),
        ("another host", all_masqueraded(backend), REMOTE, "open"),
    )
] + [
    bridged("a container calls its own published port, within the bridge", "timeout", "nat.hairpin",
            CONTAINER, True, 1),
    bridged("the same with a port in hairpin mode, and not masqueraded", "timeout", "nat.to_itself",
            CONTAINER, False, 1, ("vk0", "hairpin")),
    bridged("the same with a port in hairpin mode", "open", None, CONTAINER, True, 1,
            ("vk0", "hairpin")),
    bridged("the same, routed", "open", None, CONTAINER, True, 0),
    bridged("a container calls a neighbour's published port, within the bridge", "open", None,
            NEIGHBOUR, False, 1),
    bridged("the same, routed, and answered directly", "timeout", "nat.answered_directly", NEIGHBOUR,
            False, 0),
    bridged("the same, routed and masqueraded", "open", None, NEIGHBOUR, True, 0),
    bridged("isolated ports, within the bridge", "timeout", "bridge.isolated", NEIGHBOUR, True, 1,
            ("vk0", "isolated"), ("vk1", "isolated")),
    bridged("isolated ports, routed", "open", None, NEIGHBOUR, True, 0,
            ("vk0", "isolated"), ("vk1", "isolated")),
    bridged("containers call each other below IP", "open", None, NEIGHBOUR, False, 0, direct=True,
            drop=True, forwarding=0),
    bridged("containers call each other, and IP's rules see it", "timeout", "fw.drop", NEIGHBOUR,
            False, 1, direct=True, drop=True, also="bridge.br_netfilter"),
    Case("containers call each other, in the name of the bridge", called_in_the_name_of("172.17.0.1"),
         Connection(CONTAINER, 80, source=NEIGHBOUR), "open"),
    bridged("containers call each other on a host that does not forward", "open", None, NEIGHBOUR,
            False, 1, direct=True, forwarding=0),
    bridged("containers behind isolated ports call each other", "unreachable", "bridge.isolated",
            NEIGHBOUR, False, 0, ("vk0", "isolated"), ("vk1", "isolated"), direct=True),
    bridged("containers call each other, and the one's port is disabled", "unreachable",
            "bridge.port_disabled", NEIGHBOUR, False, 0, ("vk0", "state 0"), direct=True),
    bridged("containers call each other, and the caller's port is disabled", "unreachable",
            "bridge.port_disabled", NEIGHBOUR, False, 0, ("vk1", "state 0"), direct=True),
    bridged("a published port of a container behind a disabled port, routed", "unreachable",
            "bridge.port_disabled", NEIGHBOUR, True, 0, ("vk0", "state 0")),
    bridged("a container behind a disabled port calls the host", "unreachable",
            "bridge.port_disabled", NEIGHBOUR, True, 0, ("vk1", "state 0")),
] + [
    Case(f"a rule about the ports of the bridge ({backend}): {name}", ports_told_apart(backend, *ports),
         Connection(CONTAINER, port=80, source=NEIGHBOUR), outcome, rule, certainty="certain")
    for backend in ("nft", "legacy")
    for name, ports, outcome, rule in (
        ("the way of the call", ("vk1", "vk0"), "timeout", "fw.drop"),
        ("the way of the answer", ("vk0", "vk1"), "timeout", "fw.drop"),
        ("another way", ("vk1", "vk1"), "open", None),
    )
] + [
    Case("a program calls localhost, which NAT leads to a container", loopback_sent_on(0), LOOPBACK,
         "timeout", "nat.loopback_leaves"),
    Case("the same where loopback addresses are routed", loopback_sent_on(1), LOOPBACK, "timeout",
         "nat.loopback_leaves"),
    Case("a rule of forward drops what goes to a container (IPv6)", dropped_on_its_way,
         Connection("fd88::2", port=80), "timeout", "fw.drop", "nft_rule"),
]
