"""The way there and back: routes of answers, next hops that nobody has, marks that routing sees, other
network namespaces, and clients that call another host."""

import json
import os
import struct
import subprocess

import lab as laboratory
from lab import (Case, Connection, LabError, ask_synfate, connect_tcp, enter, target_words,
                 wait_until)

FAR = "172.16.5.5"  # a client behind 10.77.0.2
CONTAINER = "10.88.0.2"


def serve(lab):
    lab.serve("0.0.0.0", "8080", "+", "--v6only", "1", "::", "8080")


def rules(lab, text):
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True,
                          preexec_fn=lambda: enter(lab.server))
    if done.returncode != 0:
        raise LabError(f"nft: {done.stderr.strip()}")


def quick(netns, *links):
    """A neighbour that does not answer is given up before the client is."""
    for link in links:
        netns.sysctl(f"net.ipv4.neigh.{link}.retrans_time_ms", 100)
        netns.sysctl(f"net.ipv4.neigh.{link}.mcast_solicit", 2)


def far_client(lab, gateway="10.77.0.2"):
    lab.client.ip("addr", "add", f"{FAR}/32", "dev", "lo")
    lab.server.ip("route", "add", f"{FAR}/32", "via", gateway)


def container(lab, listens=True):
    inside = lab.another_netns("d")
    lab.server.ip("link", "add", "br0", "type", "bridge")
    lab.server.ip("addr", "add", "10.88.0.1/24", "dev", "br0")
    lab.server.ip("link", "add", "cv0", "type", "veth", "peer", "name", "dv0", "netns", inside.name)
    lab.server.ip("link", "set", "cv0", "master", "br0", "up")
    lab.server.ip("link", "set", "br0", "up")
    inside.ip("addr", "add", f"{CONTAINER}/24", "dev", "dv0")
    inside.ip("link", "set", "dv0", "up")
    inside.ip("route", "add", "default", "via", "10.88.0.1")
    quick(lab.server, "br0")
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    if listens:
        lab.serve("0.0.0.0", "8080", netns=inside)
    wait_until(lambda: lab.server.call(lambda: connect_tcp(CONTAINER, 9))[0] == "refused",
               "the container answers")
    return inside


def bridge_holds_answers(lab):
    """What the container answers comes in by a port of the bridge, whose rules have a say."""
    container(lab)
    rules(lab, "table bridge t { chain in { type filter hook input priority 0;"
               " ip protocol tcp tcp sport 8080 drop; }\n}")


def bridge_holds_calls(lab):
    """What a program of the server sends to the container leaves by a port of the bridge."""
    container(lab)
    rules(lab, "table bridge t { chain out { type filter hook output priority 0;"
               " ip protocol tcp tcp dport 8080 drop; }\n}")


def switch(lab):
    """A second link of the server, sw0, to a bridge in another namespace, and a host behind that."""
    between, host = lab.another_netns("w"), lab.another_netns("d")
    between.ip("link", "add", "br0", "type", "bridge")
    between.ip("link", "set", "br0", "up")
    for netns, link in ((lab.server, "sw0"), (host, "dv0")):
        netns.ip("link", "add", link, "type", "veth", "peer", "name", f"p{link}", "netns", between.name)
        netns.ip("link", "set", link, "up")
        between.ip("link", "set", f"p{link}", "master", "br0", "up")
    lab.server.ip("addr", "add", "10.88.0.1/24", "dev", "sw0")
    host.ip("addr", "add", f"{CONTAINER}/24", "dev", "dv0")
    host.ip("route", "add", "default", "via", "10.88.0.1")
    quick(lab.server, "sw0")
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    lab.serve("0.0.0.0", "8080", netns=host)
    wait_until(lambda: lab.server.call(lambda: connect_tcp(CONTAINER, 9))[0] == "refused",
               "the host behind the switch answers")


def answered_into_the_switch(lab):
    """Nobody on that link has the client's address."""
    switch(lab)
    serve(lab)
    lab.server.ip("route", "add", "10.77.0.2/32", "dev", "sw0")


def answered_by_the_switch(lab):
    """Where another host takes the answer for its own, and is the wrong one."""
    switch(lab)
    serve(lab)
    lab.server.ip("route", "add", "10.77.0.2/32", "via", CONTAINER)


def neighbour_on_the_bridge(lab):
    """The client's link and another host are ports of a bridge of the server."""
    other = lab.another_netns("d")
    lab.server.ip("link", "add", "br0", "type", "bridge")
    lab.server.ip("addr", "flush", "dev", "sv0", "scope", "global")
    lab.server.ip("addr", "add", "10.77.0.1/24", "dev", "br0")
    lab.server.ip("link", "add", "cv0", "type", "veth", "peer", "name", "dv0", "netns", other.name)
    for port in ("sv0", "cv0"):
        lab.server.ip("link", "set", port, "master", "br0", "up")
    lab.server.ip("link", "set", "br0", "up")
    other.ip("addr", "add", "10.77.0.50/24", "dev", "dv0")
    other.ip("link", "set", "dv0", "up")
    quick(lab.server, "br0")
    serve(lab)
    wait_until(lambda: lab.server.call(lambda: connect_tcp("10.77.0.50", 9))[0] == "refused",
               "the neighbour answers")


def answered_by_a_known_neighbour(lab):
    """It is on the client's link, has answered, and hands nothing on."""
    neighbour_on_the_bridge(lab)
    lab.server.ip("route", "add", "10.77.0.2/32", "via", "10.77.0.50")


def br_netfilter(lab):
    if not os.path.exists("/proc/sys/net/bridge"):
        raise laboratory.Skip("no br_netfilter")
    lab.server.sysctl("net.bridge.bridge-nf-call-iptables", 1)


def reset_by_the_port(lab):
    """A rule's reset goes back to where the call came from; its route only has to be there."""
    neighbour_on_the_bridge(lab)
    br_netfilter(lab)
    rules(lab, "table ip t { chain i { type filter hook input priority 0;"
               " tcp dport 8080 reject with tcp reset; }\n}")
    lab.server.ip("route", "add", "10.77.0.2/32", "dev", "lo")


def rules_of_the_other_port(lab):
    """The client was seen behind another port than the one that has them."""
    neighbour_on_the_bridge(lab)
    rules(lab, """table netdev f { chain i { type filter hook ingress device cv0 priority 0;
        tcp dport 8080 drop; }; }""")


def sent_to_nobody_in_the_bridge(lab):
    """br_netfilter sends what the bridge forwards to an address that nobody has."""
    neighbour_on_the_bridge(lab)
    br_netfilter(lab)
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    rules(lab, "table ip t { chain p { type nat hook prerouting priority -100;"
               " ip daddr { 10.77.0.1, 10.77.0.50 } tcp dport 8080 dnat to 10.77.0.99; }\n}")


def container_on_macvlan(lab):
    """What the device below sends never gets to the macvlans on it."""
    switch(lab)
    inside = lab.another_netns("m")
    lab.server.ip("link", "add", "mv0", "link", "sw0", "netns", inside.name, "type", "macvlan", "mode",
                  "bridge")
    inside.ip("link", "set", "mv0", "up")
    inside.ip("addr", "add", "10.88.0.9/24", "dev", "mv0")
    lab.serve("0.0.0.0", "8080", netns=inside)


def answered_on_a_macvlan(lab, below="sw0"):
    """The link of the server's own macvlan is the one below."""
    switch(lab)
    serve(lab)
    if below != "sw0":
        lab.server.ip("link", "add", below, "type", "bridge")
        lab.server.ip("link", "set", below, "up")
        lab.server.ip("link", "set", "sw0", "master", below)
    lab.server.ip("link", "add", "mv0", "link", below, "type", "macvlan", "mode", "bridge")
    lab.server.ip("link", "set", "mv0", "up")
    lab.server.ip("addr", "add", "10.89.0.1/24", "dev", "mv0")
    lab.server.ip("route", "add", "10.77.0.2/32", "dev", "mv0")


def called_by_a_macvlan(lab):
    """The call leaves by a macvlan; its answer is for the bridge below."""
    container(lab)
    rules(lab, "table netdev f { chain i { type filter hook ingress device br0 priority 0;\n }\n}")
    lab.server.ip("link", "add", "mv0", "link", "br0", "type", "macvlan", "mode", "bridge")
    lab.server.ip("link", "set", "mv0", "up")
    lab.server.sysctl("net.ipv4.conf.mv0.arp_ignore", 1)
    lab.server.ip("route", "add", f"{CONTAINER}/32", "dev", "mv0")


def behind_two_bridges(lab):
    """What the first bridge passes on meets the rules for what is forwarded."""
    serve(lab)
    for name in ("br0", "br1"):
        lab.server.ip("link", "add", name, "type", "bridge")
        lab.server.ip("link", "set", name, "up")
    lab.server.ip("link", "add", "q0", "type", "veth", "peer", "name", "q1")
    for port, bridge in (("sv0", "br0"), ("q0", "br0"), ("q1", "br1")):
        lab.server.ip("link", "set", port, "master", bridge, "up")
    lab.server.ip("addr", "del", "10.77.0.1/24", "dev", "sv0")
    lab.server.ip("addr", "add", "10.77.0.1/24", "dev", "br1")
    lab.server.sysctl("net.bridge.bridge-nf-call-iptables", 1)
    wait_until(lambda: lab.client.call(lambda: connect_tcp("10.77.0.1", 9))[0] == "refused",
               "the server answers by both bridges")
    rules(lab, """table ip f { chain c { type filter hook forward priority 0; policy drop;
        ct state established accept; }; }""")


def reset_by_the_device(device, *settings):
    """No rule for what goes out has a say, nor has a route."""
    def prepare(lab):
        lab.serve("::", "8080")
        lab.client.ip("addr", "add", f"{FAR}/32", "dev", "lo")
        for name in settings:
            lab.server.sysctl(name, 1)
        rules(lab, f"""table netdev f {{ chain i {{ type filter hook ingress device {device} priority 0;
            tcp dport 8080 reject with tcp reset; }}; }}
            table inet f {{ chain o {{ type filter hook output priority 0;
            tcp flags rst drop; }}; }}""")
    return prepare


def address_of_both(lab):
    lab.serve("0.0.0.0", "8080")
    lab.client.ip("addr", "add", "10.77.0.88/24", "dev", "cl0")
    lab.server.ip("addr", "add", "10.77.0.88/32", "dev", "lo")


def dead_gateway(lab):
    serve(lab)
    far_client(lab, gateway="10.77.0.99")


def dead_gateway_beside_macvlan(lab):
    dead_gateway(lab)
    lab.server.ip("link", "add", "mv0", "link", "sv0", "type", "macvlan")
    lab.server.ip("link", "set", "mv0", "up")


def answered_by_macvlan(lab):
    """What goes out by the device comes back by a macvlan on it."""
    lab.server.ip("link", "add", "mv0", "link", "sv0", "type", "macvlan")
    lab.server.ip("addr", "add", "10.79.0.1/24", "dev", "mv0")
    lab.server.ip("link", "set", "mv0", "up")
    lab.client.ip("addr", "add", "10.79.0.2/24", "dev", "cl0")
    address = json.loads(lab.server.ip("-j", "link", "show", "dev", "mv0"))[0]["address"]
    lab.client.ip("neigh", "replace", "10.79.0.1", "lladdr", address, "dev", "cl0", "nud", "permanent")
    lab.serve("0.0.0.0", "8080", netns=lab.client)


def reached_by_macvlan(lab):
    """A link whose ends cannot all be seen: the link-layer address tells who is meant."""
    answered_by_macvlan(lab)
    address = json.loads(lab.client.ip("-j", "link", "show", "dev", "cl0"))[0]["address"]
    lab.server.ip("neigh", "replace", "10.79.0.2", "lladdr", address, "dev", "mv0", "nud", "permanent")


def known_by_macvlan(lab):
    """The client's neighbour table is found behind the device below the macvlan."""
    answered_by_macvlan(lab)
    lab.serve("10.79.0.1", "8080")
    lab.server.sysctl("net.ipv4.conf.mv0.arp_ignore", 8)


def macvlan_beside(mode, others, below=()):
    """One macvlan is the server's, another, in a namespace of its own, the client's; behind the
    device below is a host as well."""
    def prepare(lab):
        sibling, beyond = lab.another_netns("m"), lab.another_netns("d")
        lab.server.ip("link", "add", "lw0", "type", "veth", "peer", "name", "eth0", "netns", beyond.name)
        lower = "lw0"
        if below:
            lower = below[0]
            lab.server.ip("link", "add", lower, "type", "bridge")
            lab.server.ip("link", "set", lower, "up")
            lab.server.ip("link", "set", "lw0", "master", lower)
        lab.server.ip("link", "set", "lw0", "up")
        lab.server.ip("link", "add", "mv0", "link", lower, "type", "macvlan", "mode", mode)
        lab.server.ip("link", "add", "mv1", "link", lower, "netns", sibling.name, "type", "macvlan",
                      "mode", others)
        for netns, link, host in ((lab.server, "mv0", 1), (sibling, "mv1", 9), (beyond, "eth0", 7)):
            netns.ip("addr", "add", f"10.79.0.{host}/24", "dev", link)
            netns.ip("link", "set", link, "up")
            quick(netns, link)
            lab.serve("0.0.0.0", "8080", netns=netns)
        lab.client = sibling
    return prepare


def one_of_many(first, last, flags=""):
    """NAT leads a client to one of these addresses: to which one is a hash. Some are the container's."""
    def prepare(lab):
        inside = container(lab)
        for host in range(20, 30):
            inside.ip("addr", "add", f"10.88.0.{host}/24", "dev", "dv0")
        rules(lab, "table ip n { chain p { type nat hook prerouting priority -100;"
                   f" tcp dport 8080 dnat to 10.88.0.{first}-10.88.0.{last}{flags}; }}\n}}")
    return prepare


def segment_size_of_link(lab):
    """A program of this host offers another one what fits their link, not what fits lo."""
    lab.serve("0.0.0.0", "8080", netns=lab.client)
    rules(lab, "table ip t { chain o { type filter hook output priority 0;"
               " tcp option maxseg size != 1460 drop; }\n}")


def delivered_by_another_table(lab):
    """A local route outside the table local gives the host no address to answer from."""
    lab.server.ip("route", "add", "local", "192.168.7.0/24", "dev", "lo", "table", "100")
    lab.server.ip("rule", "add", "iif", "sv0", "lookup", "100", "priority", "100")


def delivered_and_rejected(lab):
    delivered_by_another_table(lab)
    rules(lab, "table ip t { chain i { type filter hook input priority 0; ip daddr 192.168.7.7 reject; }\n}")


def transparent_in_another_table(lab):
    """An IP_TRANSPARENT listener answers from an address that the host does not have."""
    delivered_by_another_table(lab)
    lab.serve("--transparent", "0.0.0.0", "8080")


def refused_past_the_host(lab):
    """The target has a link of its own to the client."""
    target = lab.another_netns("d")
    lab.server.ip("link", "add", "cv0", "type", "veth", "peer", "name", "dv0", "netns", target.name)
    lab.client.ip("link", "add", "cl1", "type", "veth", "peer", "name", "dv1", "netns", target.name)
    for netns, link, address in ((lab.server, "cv0", "10.88.0.1/24"), (target, "dv0", "10.88.0.2/24"),
                                 (lab.client, "cl1", "10.76.0.1/24"), (target, "dv1", "10.76.0.2/24")):
        netns.ip("addr", "add", address, "dev", link)
        netns.ip("link", "set", link, "up")
    target.ip("route", "add", "10.77.0.0/24", "via", "10.76.0.1")
    lab.server.sysctl("net.ipv4.ip_forward", 1)


def refused_under_another_name(lab):
    """Past the host its NAT is not undone."""
    refused_past_the_host(lab)
    rules(lab, "table ip t { chain p { type nat hook prerouting priority -100;"
               " tcp dport 9 dnat to 10.88.0.2; }\n}")


def refused_by_the_client(lab):
    """The client's own kernel refuses what is routed back to it."""
    for netns in (lab.server, lab.client):
        netns.sysctl("net.ipv6.conf.all.forwarding", 1)
    lab.client.ip("-6", "route", "add", "fd99::/64", "via", "fd77::1")
    lab.server.ip("-6", "route", "add", "fd99::/64", "via", "fd77::2")
    lab.client.ip("-6", "rule", "add", "iif", "cl0", "to", "fd99::/64", "prohibit", "priority", "10")


def root_has_no_route(lab):
    """What arrives is routed as root's."""
    lab.serve("--v6only", "1", "::", "8080")
    lab.server.ip("-6", "route", "add", "local", "fd07::/64", "dev", "lo", "table", "100")
    lab.server.ip("-6", "rule", "add", "iif", "sv0", "lookup", "100", "priority", "200")
    lab.server.ip("-6", "rule", "add", "uidrange", "0-0", "to", "fd07::/64", "unreachable", "priority", "100")


def arp_has_no_protocol(lab):
    """A routing rule for UDP says nothing of ARP."""
    lab.server.ip("route", "add", "local", "default", "dev", "lo", "table", "100")
    lab.server.ip("rule", "add", "ipproto", "udp", "lookup", "100", "priority", "1")


def asks_for_ttl(lab):
    """What comes from behind a router has passed others, or not."""
    serve(lab)
    far_client(lab)
    rules(lab, "table ip t { chain i { type filter hook input priority 0; ip ttl 64 drop; }\n}")


def own_ttl(lab):
    serve(lab)
    lab.server.sysctl("net.ipv4.ip_default_ttl", 70)
    rules(lab, "table ip t { chain o { type filter hook output priority 0; ip ttl 64 drop; }\n}")


def ttl_used_up(lab):
    container(lab)
    rules(lab, "table ip t { chain p { type filter hook prerouting priority -150; iifname sv0 ip ttl set 1; }\n}")


FARTHER = "10.90.0.2"  # a client in a namespace behind the client's


def behind_the_client(lab, hops):
    """The client's namespace is a router, and what the server sends comes through so many less one."""
    serve(lab)
    far = lab.another_netns("f")
    for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        lab.client.sysctl(setting, 1)
    lab.client.ip("link", "add", "fv0", "type", "veth", "peer", "name", "eth0", "netns", far.name)
    for netns, link, host in ((lab.client, "fv0", 1), (far, "eth0", 2)):
        netns.ip("link", "set", link, "up")
        netns.ip("addr", "add", f"10.90.0.{host}/24", "dev", link)
        netns.ip("addr", "add", f"fd90::{host}/64", "dev", link, "nodad")
    for route in (("10.90.0.0/24", "via", "10.77.0.2"), ("fd90::/64", "via", "fd77::2")):
        lab.server.ip("route", "add", *route)
    for gateway in ("10.90.0.1", "fd90::1"):
        far.ip("route", "add", "default", "via", gateway)
    lab.server.sysctl("net.ipv4.ip_default_ttl", hops)
    lab.server.sysctl("net.ipv6.conf.sv0.hop_limit", hops)
    return far


class Farther(Case):
    """The client is behind a router."""

    def __init__(self, name, hops, connection, *rest, **more):
        super().__init__(name, lambda lab: self._begin(lab, hops), connection, *rest, **more)

    def _begin(self, lab, hops):
        lab.client = behind_the_client(lab, hops)


def one_hop_for_itself(lab):
    """The router is the client."""
    serve(lab)
    far_client(lab)
    lab.server.sysctl("net.ipv4.ip_default_ttl", 1)


def routed_again_in_output(lab):
    """The answer is for the address that NAT gave the client, and then for the client, who has no
    route."""
    serve(lab)
    rules(lab, "table ip t { chain n { type nat hook input priority 100; tcp dport 8080 snat to 10.77.0.11; }\n}")
    lab.server.ip("rule", "add", "from", "10.77.0.1", "lookup", "100")
    lab.server.ip("route", "add", "unreachable", "10.77.0.2", "table", "100")


def wrong_neighbour(lab):
    serve(lab)
    far_client(lab)
    lab.server.ip("neigh", "replace", "10.77.0.2", "lladdr", "02:00:00:00:00:99", "dev", "sv0", "nud",
                  "permanent")


def no_way_back_through_the_host(lab):
    """The container's answer to the client has no route on the host."""
    container(lab)
    far_client(lab)
    lab.server.ip("rule", "add", "from", CONTAINER, "to", FAR, "blackhole", "priority", "10")


def forwarded_by_device(lab):
    container(lab)
    rules(lab, "table ip t { chain post { type filter hook postrouting priority 0;"
               " iifname sv0 oifname br0 drop; }\n}")


def answer_by_device(lab):
    container(lab)
    rules(lab, "table ip t { chain out { type filter hook forward priority 0;"
               " iifname br0 oifname sv0 tcp sport 8080 drop; }\n}")


def marked_answers(lab):
    """tcp_fwmark_accept: the answer is routed with the mark of the call."""
    serve(lab)
    lab.server.sysctl("net.ipv4.tcp_fwmark_accept", 1)
    rules(lab, "table ip t { chain pre { type filter hook prerouting priority -150;"
               " tcp dport 8080 meta mark set 7; }\n}")
    lab.server.ip("rule", "add", "fwmark", "7", "blackhole", "priority", "10")


def listener_with_mark(lab):
    lab.serve("--mark", "7", "0.0.0.0", "8080")
    lab.server.ip("rule", "add", "fwmark", "7", "unreachable", "priority", "10")


def mark_in_a_route_chain(lab):
    serve(lab)
    rules(lab, "table ip t { chain out { type route hook output priority -150;"
               " tcp sport 8080 meta mark set 7; }\n}")
    lab.server.ip("rule", "add", "fwmark", "7", "blackhole", "priority", "10")


def marked_refusals(lab):
    """What refuses is routed again like any other answer."""
    rules(lab, "table inet t { chain out { type route hook output priority -150;"
               " tcp sport 9 meta mark set 7\nmeta l4proto { icmp, icmpv6 } meta mark set 7; }\n}")
    for version in ("-4", "-6"):
        lab.server.ip(version, "rule", "add", "fwmark", "7", "blackhole", "priority", "10")


def rule_of_the_error_source(lab):
    """icmp6_send() chooses the error's source before it looks for a route."""
    lab.server.sysctl("net.ipv6.conf.all.forwarding", 1)
    lab.client.ip("-6", "route", "add", "fd07::/16", "via", "fd77::1")
    for address in ("fd77::1", "fd77::11"):
        lab.server.ip("-6", "rule", "add", "from", address, "blackhole", "priority", "10")


def reset_for_a_container(lab):
    """nf_send_reset() answers under the container's address, which this host does not have."""
    container(lab)
    rules(lab, "table ip t { chain f { type filter hook forward priority 0;"
               " tcp dport 8080 reject with tcp reset; }\n}")


def rule_of_the_reset_source(lab):
    reset_for_a_container(lab)
    lab.server.ip("rule", "add", "from", "10.88.0.0/24", "blackhole", "priority", "10")


def marked_reset_for_a_container(lab):
    reset_for_a_container(lab)
    rules(lab, "table ip u { chain out { type route hook output priority -150;"
               " tcp sport 8080 meta mark set 7; }\n}")


def refused_when_tried_again(lab):
    """The first SYN gets by, its answer does not; the second one is of a connection with a mark."""
    container(lab)
    rules(lab, "table ip t { chain f { type filter hook forward priority 0;"
               " ct mark 2 reject with icmp net-unreachable\nct mark set 2; }\n}")


def confirmed_without_an_answer(lab):
    """The SYN gets a zone, its answer none: that is invalid, and lost."""
    serve(lab)
    rules(lab, """table ip t {
      chain p { type filter hook prerouting priority -300; ct zone set 1; }
      chain i { type filter hook input priority 0; tcp dport 8080 ct status confirmed reject with tcp reset; }
      chain o { type filter hook output priority 0; ct state invalid drop; }
    }""")


def established_without_an_answer(lab):
    """The answer is held back after conntrack saw it."""
    serve(lab)
    rules(lab, "table inet t { chain i { type filter hook input priority 0;"
               " ct state established tcp flags & (syn|ack) == syn reject with tcp reset; }\n"
               "chain o { type filter hook output priority 0; tcp flags & (syn|ack) == syn|ack drop; }\n}")


def knocks_by_itself(lab):
    serve(lab)
    rules(lab, "table inet t { set seen { type ipv4_addr; flags dynamic; timeout 1h; }\n"
               "chain i { type filter hook input priority 0; tcp dport != 8080 accept\n"
               "ip saddr @seen accept\nadd @seen { ip saddr } drop; }\n}")


def client_is_a_broadcast_address(lab):
    serve(lab)
    lab.server.ip("route", "add", "broadcast", "10.77.0.2", "dev", "sv0", "table", "local")
    lab.server.ip("neigh", "flush", "dev", "sv0")


def neighbour_from_before(lab):
    wait_until(lambda: lab.client.call(lambda: connect_tcp("10.77.0.1", 9))[0] == "refused",
               "the server knows its neighbour")
    serve(lab)
    lab.server.ip("route", "add", "broadcast", "10.77.0.2", "dev", "sv0", "table", "local")


def address_of_two_devices(lab):
    """The first local route counts, and its device is not lo."""
    lab.server.ip("addr", "add", "fd77::1/128", "dev", "lo")


def mark_in_a_filter_chain(lab):
    """A chain of type filter does not have the packet routed again."""
    serve(lab)
    rules(lab, "table ip t { chain out { type filter hook output priority -150;"
               " tcp sport 8080 meta mark set 7; }\n}")
    lab.server.ip("rule", "add", "fwmark", "7", "blackhole", "priority", "10")


def rule_of_the_port(lab):
    """A rule that looks at the port refuses what arrives for 8080."""
    serve(lab)
    lab.server.ip("rule", "add", "iif", "sv0", "ipproto", "tcp", "dport", "8080", "blackhole",
                  "priority", "0")
    lab.server.ip("rule", "add", "lookup", "local", "priority", "1")
    lab.server.ip("rule", "del", "lookup", "local", "priority", "0")


def broadcast(lab):
    serve(lab)
    lab.server.ip("route", "add", "broadcast", "10.79.0.9/32", "dev", "sv0", "table", "local")


def clients_neighbour_is_wrong(lab):
    serve(lab)
    for version, client in (("-4", "10.77.0.2"), ("-6", "fd77::2")):
        lab.server.ip(version, "neigh", "replace", client, "lladdr", "02:00:00:00:00:99",
                      "dev", "sv0", "nud", "permanent")


def no_arp(lab):
    serve(lab)
    lab.server.ip("link", "set", "sv0", "arp", "off")


def answer_to_a_host_that_does_not_forward(lab):
    serve(lab)
    container(lab, listens=False).sysctl("net.ipv4.ip_forward", 0)
    for name in ("all", "sv0"):
        lab.server.sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)
    far_client(lab, gateway=CONTAINER)


def container_with_ipv6(lab):
    inside = container(lab)
    lab.server.ip("addr", "add", "fd88::1/64", "dev", "br0", "nodad")
    inside.ip("addr", "add", "fd88::2/64", "dev", "dv0", "nodad")
    wait_until(lambda: lab.server.call(lambda: connect_tcp("fd88::2", 9, "fd88::1"))[0] == "refused",
               "the container answers over IPv6")


def own_address_on_lo(lab):
    lab.server.ip("addr", "add", "fd99:9::1/128", "dev", "lo")


def address_without_local_route(lab):
    serve(lab)
    lab.server.ip("route", "del", "local", "10.77.0.11", "dev", "sv0", "table", "local")


def rule_of_icmp(lab):
    lab.server.ip("rule", "add", "ipproto", "icmp", "blackhole", "priority", "0")
    lab.server.ip("rule", "add", "lookup", "local", "priority", "0")


def answer_over_lo(lab):
    serve(lab)
    lab.client.ip("addr", "add", f"{FAR}/32", "dev", "lo")
    lab.server.ip("route", "add", f"{FAR}/32", "dev", "lo")
    for name in ("all", "sv0"):
        lab.server.sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)


def target_over_lo(lab):
    serve(lab)
    lab.server.ip("route", "add", "192.168.7.0/24", "dev", "lo")


def forwarded_over_lo(lab):
    target_over_lo(lab)
    lab.server.sysctl("net.ipv4.ip_forward", 1)


def client_keeps_its_neighbour(lab):
    """Whatever becomes of the server's IPv6, the client's packets get to it."""
    serve(lab)
    know_server(lab)
    lab.server.ip("addr", "add", "fd77::1/128", "dev", "lo")


def know_server(lab):
    address = json.loads(lab.server.ip("-j", "link", "show", "dev", "sv0"))[0]["address"]
    lab.client.ip("-6", "neigh", "replace", "fd77::1", "lladdr", address, "dev", "cl0", "nud",
                  "permanent")


def asked_in_vain_before(lab):
    """Nobody is asked for on such a link, but who was is asked for again."""
    serve(lab)
    know_server(lab)
    lab.server.ip("link", "set", "sv0", "arp", "off")
    lab.server.ip("-6", "neigh", "replace", "fd77::2", "dev", "sv0", "nud", "failed")


def strangers(lab, *families):
    """Neither end knows the other on the link, and a client gives up asking soon."""
    for netns, link in ((lab.server, "sv0"), (lab.client, "cl0")):
        netns.ip("neigh", "flush", "dev", link)
        netns.ip("-6", "neigh", "flush", "dev", link)
        for family in families or ("ipv4", "ipv6"):
            netns.sysctl(f"net.{family}.neigh.{link}.retrans_time_ms", 100)


def among_strangers(*before):
    def prepare(lab):
        serve(lab)
        for each in before:
            each(lab)
        strangers(lab)
    return prepare


def filtered(text):
    return lambda lab: rules(lab, text)


def setting(name, value):
    return lambda lab: lab.server.sysctl(name, value)


def address_of_lo(lab):
    lab.server.ip("addr", "add", "10.77.0.9/32", "dev", "lo")
    lab.server.ip("addr", "add", "fd77::9/128", "dev", "lo")


def martian_for_its_own(lab):
    """What the address of the link sends is routed by a table that takes everybody for this host: a
    question for it is martian, one for another address is not."""
    lab.server.ip("addr", "add", "10.99.0.1/32", "dev", "lo")
    lab.client.ip("route", "add", "10.99.0.0/16", "via", "10.77.0.1")
    lab.server.ip("route", "add", "local", "default", "dev", "lo", "table", "100")
    lab.server.ip("rule", "add", "from", "10.77.0.1", "lookup", "100", "priority", "0")


def routed_by_source(*commands, rule=None):
    """Answers of the address that is called are routed by a table of their own, which leads them to
    another device; so are the lookups of rules for the way back."""
    def prepare(lab):
        serve(lab)
        lab.server.ip("link", "add", "up0", "type", "bridge")
        lab.server.ip("link", "set", "up0", "up")
        lab.server.ip("rule", "add", "from", "10.77.0.1", "lookup", "100", "priority", "100")
        lab.server.ip("route", "add", "10.77.0.0/24", "dev", "up0", "table", "100")
        lab.server.ip("-6", "rule", "add", "from", "fd77::1", "lookup", "100", "priority", "100")
        lab.server.ip("-6", "route", "add", "local", "fd77::/64", "dev", "lo", "table", "100")
        # The answer itself goes by the mark of the connection.
        for six in ((), ("-6",)):
            lab.server.ip(*six, "rule", "add", "fwmark", "7", "lookup", "main", "priority", "50")
        rules(lab, "table inet t { chain p { type filter hook prerouting priority -150; meta mark set 7;"
                   " }\n chain o { type route hook output priority -150; meta mark set 7; }\n"
                   + (f" chain i {{ type filter hook input priority 0; {rule} }}\n" if rule else "") + "}")
        for words in commands:
            done = subprocess.run(words, capture_output=True, text=True,
                                  preexec_fn=lambda: enter(lab.server))
            if done.returncode != 0:
                raise LabError(done.stderr)
    return prepare


def sent_back(forwarding):
    """The client routes, and its way to the address that is called is by the server."""
    def prepare(lab):
        lab.server.ip("route", "add", "192.0.2.0/24", "via", "10.77.0.2")
        lab.server.sysctl("net.ipv4.ip_forward", forwarding)
        lab.client.sysctl("net.ipv4.ip_forward", 1)
        lab.client.sysctl("net.ipv4.conf.all.send_redirects", 0)
    return prepare


BACK_ELSEWHERE = "fib saddr . iif oif missing drop;"


def taken_for_broadcast(lab):
    """nft_fib4_eval() finds the way to a broadcast address as well."""
    lab.serve("--udp", "0.0.0.0", "8080")
    lab.server.ip("route", "add", "broadcast", "10.77.0.2", "dev", "sv0", "table", "local")
    rules(lab, "table ip t { chain i { type filter hook input priority 0;"
               " fib saddr . iif oif missing accept; counter reject;\n }\n}")


def reset_is_masqueraded(lab):
    """A rule's reset is the first of its connection that source NAT sees."""
    serve(lab)
    for words in ("-t nat -A POSTROUTING -p tcp -j MASQUERADE",
                  "-A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset"):
        done = subprocess.run(["ip6tables-legacy", *words.split()], capture_output=True, text=True,
                              preexec_fn=lambda: enter(lab.server))
        if done.returncode != 0:
            raise LabError(done.stderr)


def another_prefix(*rules_of_mangle):
    """RFC 6296: a word behind the prefix keeps the checksum, so fd78::1 is fd99::ffde:0:0:1 inside."""
    def prepare(lab):
        serve(lab)
        lab.client.ip("-6", "route", "add", "fd78::/64", "via", "fd77::1")
        lab.server.ip("-6", "addr", "add", "fd99::ffde:0:0:1/128", "dev", "lo")
        for words in ("-t raw -A PREROUTING -j CT --notrack", "-t raw -A OUTPUT -j CT --notrack",
                      *("-t mangle -A " + rule for rule in rules_of_mangle)):
            done = subprocess.run(["ip6tables-legacy", *words.split()], capture_output=True, text=True,
                                  preexec_fn=lambda: enter(lab.server))
            if done.returncode != 0:
                raise LabError(done.stderr)
    return prepare


INWARD = "PREROUTING -d fd78::/64 -j DNPT --src-pfx fd78::/64 --dst-pfx fd99::/64"
OUTWARD = "POSTROUTING -s fd99::/64 -j SNPT --src-pfx fd99::/64 --dst-pfx fd78::/64"
ASTRAY = "POSTROUTING -s fd77::/64 -j SNPT --src-pfx fd77::/64 --dst-pfx fd98::/64"


def on_link_by_route(lab):
    """A route takes the client behind the router to be on the link, where nobody has it."""
    serve(lab)
    far = lab.another_netns("f")
    lab.client.ip("link", "add", "fl0", "type", "veth", "peer", "name", "far0", "netns", far.name)
    lab.client.ip("addr", "add", "172.16.5.1/24", "dev", "fl0")
    lab.client.ip("link", "set", "fl0", "up")
    far.ip("addr", "add", f"{FAR}/24", "dev", "far0")
    far.ip("link", "set", "far0", "up")
    lab.client.ip("addr", "add", f"{FAR}/32", "dev", "lo")
    lab.server.ip("route", "add", "172.16.0.0/12", "dev", "sv0")
    quick(lab.server, "sv0")
    lab.client.sysctl("net.ipv4.conf.cl0.arp_ignore", 1)


def answered_by_deaf_link(lab):
    """The answer goes by a link on which this host hears nobody."""
    serve(lab)
    lab.server.ip("link", "add", "sd0", "type", "veth", "peer", "name", "cd0", "netns", lab.client.name)
    for netns, link, address in ((lab.server, "sd0", "10.66.0.1/24"), (lab.client, "cd0", "10.66.0.2/24")):
        netns.ip("addr", "add", address, "dev", link)
        netns.ip("link", "set", link, "up")
        netns.sysctl(f"net.ipv4.conf.{link}.rp_filter", 0)
        netns.sysctl("net.ipv4.conf.all.rp_filter", 0)
    far_client(lab, gateway="10.66.0.2")
    quick(lab.server, "sd0")
    rules(lab, "table netdev t { chain i { type filter hook ingress device sd0 priority 0; drop;\n }\n}")


def loopback_on_link(lab):
    serve(lab)
    for netns, link in ((lab.server, "sv0"), (lab.client, "cl0")):
        netns.sysctl(f"net.ipv4.conf.{link}.route_localnet", 1)
        netns.sysctl(f"net.ipv4.conf.{link}.accept_local", 1)


def without_loopback(lab):
    quick(lab.server, "sv0")
    lab.server.ip("link", "set", "lo", "down")


PORT_ALONE = """table inet f { chain i { type filter hook input priority 0; policy drop;
    tcp dport 8080 accept; }; }"""
WITH_DISCOVERY = """table inet f { chain i { type filter hook input priority 0; policy drop;
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; tcp dport 8080 accept; }; }"""
NO_ADVERTISEMENT = """table ip6 f { chain o { type filter hook output priority 0; policy accept;
    icmpv6 type nd-neighbor-advert drop; }; }"""
IP_ALONE = """table netdev f { chain i { type filter hook ingress device sv0 priority 0; policy drop;
    meta protocol ip accept; }; }"""
IP_AND_ARP = """table netdev f { chain i { type filter hook ingress device sv0 priority 0;
    policy drop; meta protocol arp accept; meta protocol ip accept; }; }"""
NO_ARP = """table arp f { chain i { type filter hook input priority 0; policy accept;
    arp operation request drop; }; }"""


SOLICITATION_ALONE = """table inet f { chain i { type filter hook input priority 0; policy drop;
    icmpv6 type nd-neighbor-solicit accept; tcp dport 8080 accept; }; }"""


def forwarded_v6(text):
    """A container that the host does not know yet; its rules, or those of the host."""
    def prepare(lab):
        inside = container(lab)
        lab.serve("--v6only", "1", "::", "8080", netns=inside)
        lab.server.ip("addr", "add", "fd88::1/64", "dev", "br0", "nodad")
        inside.ip("addr", "add", "fd88::2/64", "dev", "dv0", "nodad")
        inside.ip("-6", "route", "add", "default", "via", "fd88::1")
        lab.client.ip("-6", "route", "add", "fd88::/64", "via", "fd77::1")
        lab.server.sysctl("net.ipv6.conf.all.forwarding", 1)
        lab.server.sysctl("net.ipv6.neigh.br0.retrans_time_ms", 100)
        wait_until(lambda: lab.client.call(lambda: connect_tcp("fd88::2", 8080))[0] == "open",
                   "the container answers")
        rules(lab, text)
        lab.server.ip("-6", "neigh", "flush", "dev", "br0")
    return prepare


def known_before(lab):
    """The client has learnt the server's address before the rules are there."""
    serve(lab)
    wait_until(lambda: lab.client.call(lambda: connect_tcp("fd77::1", 8080))[0] == "open",
               "the client gets through")
    rules(lab, PORT_ALONE)


def ipv6_off(lab):
    client_keeps_its_neighbour(lab)
    lab.server.sysctl("net.ipv6.conf.sv0.disable_ipv6", 1)


def too_small_for_ipv6(lab):
    client_keeps_its_neighbour(lab)
    lab.server.ip("link", "set", "sv0", "mtu", "1000")


def no_ipv6_at_all(lab):
    serve(lab)
    lab.server.sysctl("net.ipv6.conf.all.disable_ipv6", 1)


def rejected_over_lo(lab):
    """IPv6 adds a route for the prefix of the address, which leads over lo as well."""
    serve(lab)
    own_address_on_lo(lab)
    lab.server.ip("-6", "route", "del", "local", "fd99:9::1", "table", "local")


def anycast_of_others(lab):
    serve(lab)
    lab.server.ip("-6", "route", "add", "anycast", "fd77::77/128", "dev", "sv0", "table", "local")
    for name, value in (("retrans_time_ms", 100), ("mcast_solicit", 2)):
        lab.server.sysctl(f"net.ipv6.neigh.sv0.{name}", value)


def conflict(lab):
    """The server has been given the client's address; once that is known, it is not used."""
    serve(lab)
    lab.server.ip("addr", "add", "fd77::2/64", "dev", "sv0", "noprefixroute")
    wait_until(lambda: "dadfailed" in lab.server.ip("-6", "addr", "show", "dev", "sv0"),
               "the addresses are found to be the same")
    lab.server.ip("-6", "neigh", "flush", "dev", "sv0")
    for name, value in (("retrans_time_ms", 100), ("mcast_solicit", 2)):
        lab.server.sysctl(f"net.ipv6.neigh.sv0.{name}", value)


def error_of_an_address_without_local_route(lab):
    """The ICMP error has the address of its device as source, and who asks for the client as well."""
    address = json.loads(lab.server.ip("-j", "link", "show", "dev", "sv0"))[0]["address"]
    lab.client.ip("-6", "neigh", "replace", "fd77::1", "lladdr", address, "dev", "cl0", "nud",
                  "permanent")
    for own in ("fd77::1", "fd77::11"):
        lab.server.ip("-6", "route", "del", "local", own, "table", "local")
    lab.server.ip("-6", "neigh", "flush", "dev", "sv0")
    for name, value in (("retrans_time_ms", 100), ("mcast_solicit", 2)):
        lab.server.sysctl(f"net.ipv6.neigh.sv0.{name}", value)


def sent_under_another_name(lab):
    """On its way over lo; who called is known again when the answer leaves."""
    serve(lab)
    far_client(lab)
    rules(lab, "table ip n { chain p { type nat hook postrouting priority srcnat;"
               f" oifname lo tcp dport 8080-8090 snat to {FAR}; }}\n}}")


def silent_router(lab):
    """The better route leads to a router that is not there."""
    serve(lab)
    lab.server.ip("-6", "route", "append", "fd77::/64", "via", "fd77::99", "dev", "sv0", "onlink",
                  "metric", "1")
    for name, value in (("retrans_time_ms", 100), ("mcast_solicit", 2)):
        lab.server.sysctl(f"net.ipv6.neigh.sv0.{name}", value)


def sent_back_to_the_caller(lab):
    """NAT sends the client to itself; its answers to itself never come back here."""
    lab.serve("::", "8080", netns=lab.client)
    lab.server.sysctl("net.ipv6.conf.all.forwarding", 1)
    rules(lab, "table ip6 n { chain p { type nat hook prerouting priority -100;"
               " tcp dport 8080-8090 dnat to fd77::2; }\n}")


def tunnel_without_carrier(lab):
    lab.server.ip("tuntap", "add", "tun0", "mode", "tun")
    lab.server.ip("link", "set", "tun0", "up")
    lab.server.ip("route", "add", "10.79.0.9/32", "dev", "tun0")


def tunnel_dropped_outside(lab):
    """The packets of a tunnel come in packets of their own, which a rule drops."""
    for netns, link, remote, own in ((lab.server, "sv0", "10.77.0.2", "10.66.0.1/24"),
                                     (lab.client, "cl0", "10.77.0.1", "10.66.0.2/24")):
        netns.ip("link", "add", "vx0", "type", "vxlan", "id", "5", "remote", remote, "dev", link,
                 "dstport", "4789")
        netns.ip("addr", "add", own, "dev", "vx0")
        netns.ip("link", "set", "vx0", "up")
    address = {each: json.loads(each.ip("-j", "link", "show", "vx0"))[0]["address"]
               for each in (lab.server, lab.client)}
    lab.client.ip("neigh", "replace", "10.66.0.1", "lladdr", address[lab.server], "dev", "vx0")
    lab.serve("0.0.0.0", "8080")
    rules(lab, "table ip n { chain i { type filter hook input priority 0; udp dport 4789 drop; }\n}")


def shown_another_device(lab):
    """The answer leaves by a macvlan on the device of the call: the client then knows two."""
    lab.server.ip("link", "add", "mv1", "link", "sv0", "type", "macvlan", "mode", "bridge")
    lab.server.ip("link", "set", "mv1", "up")
    for name in ("all", "sv0", "mv1"):
        lab.server.sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)
    lab.server.ip("route", "add", "10.77.0.2/32", "dev", "mv1", "src", "10.77.0.1")
    lab.serve("0.0.0.0", "8080")


class OnTheLink(Case):
    """Asked as a client whose packets arrive by sv0, wherever the answer goes."""

    link = "sv0"

    def _ask(self, lab):
        wanted = self.connection
        return ask_synfate(lab.server, target_words(wanted.proto, wanted.address, wanted.port),
                           "--from", f"{wanted.source}%{self.link}")


class OnTheBridge(OnTheLink):
    link = "br0"


class OnTheMacvlan(OnTheLink):
    link = "mv0"


class Patient(Case):
    """The client's first try is lost, a later one is not: however long that takes."""

    def complaints(self, lab):
        usual = laboratory.CONNECT_TIMEVAL
        laboratory.CONNECT_TIMEVAL = struct.pack("@ll", 20, 0)
        try:
            return super().complaints(lab)
        finally:
            laboratory.CONNECT_TIMEVAL = usual


class Hidden(Case):
    """A next hop in a namespace that no process and no name shows: nothing is certain about it."""

    def complaints(self, lab):
        inside = container(lab, listens=False)
        kept = os.open(inside.path, os.O_RDONLY)
        try:
            inside.remove()
            answer = self._ask(lab)
        finally:
            os.close(kept)
        flow = answer.flows[0]
        if flow["certainty"] == "certain" and flow["outcome"] != "unknown":
            return [f"{flow['outcome']} is claimed to be certain: {flow['culprit']}"]
        return [] if "no name" in str(flow["path"]) else [f"the path does not say why: {flow['path']}"]


CASES = [
    Case("a program of the server calls another host", lambda lab: None,
         Connection("10.77.0.2", source="10.77.0.1", local=True), "refused", predicted="refused"),
    Case("a program of the server calls a container", container,
         Connection(CONTAINER, source="10.88.0.1", local=True), "open"),
    Case("a program of the server calls a neighbour that is not there",
         lambda lab: quick(lab.server, "sv0"),
         Connection("10.77.0.99", source="10.77.0.1", local=True), "unreachable",
         "route.onward_dead_hop", "neighbour"),
    Case("a host without a route says so over IPv6 though it is no router", serve,
         Connection("fd79::9"), "unreachable", "route.no_onward"),
    OnTheLink("a client with an address that the server has too", address_of_both,
              Connection("10.77.0.1", source="10.77.0.88"), "timeout", "net.local_source", "address"),
    Case("the answer goes by a gateway that nobody has", dead_gateway,
         Connection("10.77.0.1", source=FAR), "timeout", culprit="neighbour"),
    Case("the same where the link has a macvlan", dead_gateway_beside_macvlan,
         Connection("10.77.0.1", source=FAR), "timeout", culprit="neighbour"),
    Case("the answer comes by a macvlan on the device that the call left by", answered_by_macvlan,
         Connection("10.77.0.2", source="10.79.0.1", local=True), "open", certainty="certain"),
    Case("a client of a macvlan knows this host already", known_by_macvlan,
         Connection("10.79.0.1", source="10.79.0.2"), "open", certainty="certain"),
    Case("a program of this host offers the segment size of the link", segment_size_of_link,
         Connection("10.77.0.2", source="10.77.0.1", local=True), "open", certainty="certain"),
    Case("no reset for what another table than local delivers", delivered_by_another_table,
         Connection("192.168.7.7", 9), "timeout", certainty="certain"),
    Case("no ICMP error for it either", delivered_and_rejected, Connection("192.168.7.7", 9), "timeout",
         certainty="certain"),
    Case("a transparent listener answers for what another table delivers",
         transparent_in_another_table, Connection("192.168.7.7"), "open", certainty="certain"),
    Case("a reset gets to the client past the host", refused_past_the_host, Connection(CONTAINER, 9),
         "refused", certainty="certain"),
    Case("a reset past the host comes from a stranger", refused_under_another_name,
         Connection("10.77.0.1", 9), "timeout", certainty="certain"),
    Case("the client's own kernel refuses what comes back", refused_by_the_client,
         Connection("fd99::9"), "unreachable", certainty="certain"),
    Case("a routing rule for root concerns what arrives over IPv6", root_has_no_route,
         Connection("fd07::7"), "unreachable", certainty="certain"),
    Case("a rule asks for the TTL of a client behind a router", asks_for_ttl,
         Connection("10.77.0.1", source=FAR), "timeout", predicted="open", certainty="likely"),
    Case("a rule asks for the TTL of a neighbour", asks_for_ttl, Connection("10.77.0.1"), "timeout",
         culprit="nft_rule", certainty="certain"),
    Case("answers have the TTL that this host is set to", own_ttl, Connection("10.77.0.1"), "open",
         certainty="certain"),
    Case("the TTL of what is forwarded is used up", ttl_used_up, Connection(CONTAINER), "unreachable",
         certainty="certain"),
    Case("what NAT in input has renamed is routed again", routed_again_in_output,
         Connection("10.77.0.1"), "timeout", culprit="route", certainty="certain"),
    Case("the answer goes by a gateway with a wrong link-layer address", wrong_neighbour,
         Connection("10.77.0.1", source=FAR), "timeout", culprit="neighbour"),
    Case("the answer of a container has no route on the host", no_way_back_through_the_host,
         Connection(CONTAINER, source=FAR), "timeout"),
    Case("a rule in postrouting sees the device a packet came by", forwarded_by_device,
         Connection(CONTAINER), "timeout", culprit="nft_rule"),
    Case("a rule in forward sees the device an answer leaves by", answer_by_device,
         Connection(CONTAINER), "timeout", culprit="nft_rule"),
    Case("a connection takes over the mark of the call", marked_answers,
         Connection("10.77.0.1"), "timeout", culprit="route"),
    Case("the answer has the listener's mark", listener_with_mark,
         Connection("10.77.0.1"), "timeout", culprit="route"),
    Case("a mark in a chain of type route has the answer routed again", mark_in_a_route_chain,
         Connection("10.77.0.1"), "timeout", culprit="route"),
    Case("a mark in a chain of type filter has not", mark_in_a_filter_chain,
         Connection("10.77.0.1"), "open"),
    Case("a routing rule refuses the port", rule_of_the_port, Connection("10.77.0.1"), "timeout"),
    Case("a client's own kernel refuses TCP to everybody", lambda lab: lab.serve("0.0.0.0", "8080"),
         Connection("255.255.255.255"), "unreachable", "client.to_many", predicted="denied", certainty="certain"),
    Case("a client's own kernel refuses TCP to a group", lambda lab: lab.serve("0.0.0.0", "8080"),
         Connection("224.0.0.5"), "unreachable", "client.to_many", predicted="denied", certainty="certain"),
    Case("TCP does not answer to a broadcast address", broadcast, Connection("10.79.0.9"),
         "timeout", culprit="address"),
    Case("the client's link-layer address is set, and wrong", clients_neighbour_is_wrong,
         Connection("10.77.0.1"), "timeout", culprit="neighbour"),
    Case("a reset gets lost by a wrong link-layer address", clients_neighbour_is_wrong,
         Connection("10.77.0.1", 9), "timeout"),
    Case("an ICMP error gets lost by a wrong link-layer address", clients_neighbour_is_wrong,
         Connection("fd79::9"), "timeout"),
    Case("without ARP a device sends answers to itself", no_arp, Connection("10.77.0.1"), "timeout",
         culprit="neighbour"),
    OnTheLink("the answer goes by a host that does not forward it",
              answer_to_a_host_that_does_not_forward, Connection("10.77.0.1", source=FAR),
              "timeout", culprit="neighbour"),
    Case("the reset of a container has no route on the host", no_way_back_through_the_host,
         Connection(CONTAINER, 9, source=FAR), "timeout"),
    Case("::1 does not get into another namespace", container_with_ipv6,
         Connection("fd88::2", 9, source="::1", local=True), "timeout", culprit="address"),
    Case("a reset gets from an address of lo to ::1", own_address_on_lo,
         Connection("fd99:9::1", 9, source="::1", local=True), "refused"),
    Case("nobody calls from an address without a local route", address_without_local_route,
         Connection("10.77.0.1", source="10.77.0.11", local=True), "denied", culprit="address"),
    Case("a host with IPv6 switched off has no ::1 to call from", no_ipv6_at_all,
         Connection("::1", source="::1", local=True), "denied", rule="net.disable_ipv6",
         culprit="address"),
    Case("a route of IPv6 over lo rejects", rejected_over_lo, Connection("fd99:9::1"), "unreachable"),
    Patient("a route of IPv6 over lo rejects a program of the server", rejected_over_lo,
            Connection("fd99:9::1", source="fd77::1", local=True), "unreachable"),
    Case("an anycast route that somebody has set leads out of its device", anycast_of_others,
         Connection("fd77::77", source="fd77::1", local=True), "unreachable", culprit="neighbour"),
    OnTheLink("what the client says of an address in conflict is ignored", conflict,
              Connection("fd77::1", source="fd77::2"), "timeout", culprit="neighbour"),
    OnTheLink("without a local route for its source an ICMP error finds no neighbour",
              error_of_an_address_without_local_route, Connection("fd79::9", source="fd77::2"),
              "timeout"),
    Case("source NAT over lo to an address of others", sent_under_another_name,
         Connection("10.77.0.1", source="10.77.0.1", local=True), "open"),
    Case("source NAT over lo to an address of others: a reset", sent_under_another_name,
         Connection("10.77.0.1", 8090, source="10.77.0.1", local=True), "refused"),
    Patient("a router that does not answer is passed over (IPv6)", silent_router,
            Connection("fd77::1"), "open"),
    Patient("a router that does not answer is passed over by a reset (IPv6)", silent_router,
            Connection("fd77::1", 9), "refused"),
    Case("macvlans in mode bridge find each other", macvlan_beside("bridge", "bridge"),
         Connection("10.79.0.9", source="10.79.0.1", local=True), "open", certainty="certain"),
    Case("macvlans of a bridge find each other", macvlan_beside("bridge", "bridge", ("lb0",)),
         Connection("10.79.0.9", source="10.79.0.1", local=True), "open", certainty="certain"),
    Case("a macvlan in mode private does not hear its sibling", macvlan_beside("bridge", "private"),
         Connection("10.79.0.9", source="10.79.0.1", local=True), "unreachable", culprit="neighbour",
         certainty="certain"),
    Case("a macvlan in mode private hears who is behind the device below",
         macvlan_beside("private", "bridge"), Connection("10.79.0.7", source="10.79.0.1", local=True),
         "open", certainty="certain"),
    OnTheMacvlan("a client on a macvlan beside calls", macvlan_beside("bridge", "bridge"),
                 Connection("10.79.0.1", source="10.79.0.9"), "open", certainty="certain"),
    OnTheMacvlan("a client on a macvlan in mode vepa is not heard", macvlan_beside("bridge", "vepa"),
                 Connection("10.79.0.1", source="10.79.0.9"), "unreachable", rule="net.macvlan_mode",
                 culprit="interface", certainty="certain"),
    OnTheMacvlan("a macvlan in mode private hears no sibling", macvlan_beside("private", "bridge"),
                 Connection("10.79.0.1", source="10.79.0.9"), "unreachable", rule="net.macvlan_mode",
                 culprit="interface", certainty="certain"),
    Case("NAT to one of a long range that is there", one_of_many(10, 40), Connection("10.77.0.1"),
         "open", certainty="certain"),
    Case("NAT to one of a long range that is not there", one_of_many(10, 41, " persistent"),
         Connection("10.77.0.1"), "unreachable", certainty="certain"),
    Case("NAT to one of two, who is there", one_of_many(29, 30), Connection("10.77.0.1"), "open",
         certainty="certain"),
    Case("NAT to one of two, who is not there", one_of_many(19, 20), Connection("10.77.0.1"),
         "unreachable", certainty="certain"),
    Farther("what the server sends does not get past the first router", 1,
            Connection("10.77.0.1", source=FARTHER), "timeout", rule="route.no_return.ttl",
            culprit="sysctl", certainty="certain"),
    Farther("what the server sends does not get past the first router (IPv6)", 1,
            Connection("fd77::1", source="fd90::2"), "timeout", rule="route.no_return.ttl",
            culprit="sysctl", certainty="certain"),
    Farther("nor does a reset", 1, Connection("10.77.0.1", 9, source=FARTHER), "timeout",
            certainty="certain"),
    Farther("what the server sends gets past the only router", 2,
            Connection("10.77.0.1", source=FARTHER), "open", certainty="certain"),
    Farther("what the server sends gets past the only router (IPv6)", 2,
            Connection("fd77::1", source="fd90::2"), "open", certainty="certain"),
    Case("one hop is enough to the router itself", one_hop_for_itself,
         Connection("10.77.0.1", source=FAR), "open", certainty="certain"),
    Case("NAT sends a client to itself (IPv6)", sent_back_to_the_caller, Connection("fd77::1"),
         "timeout"),
    Case("NAT sends a client to itself, where nothing listens (IPv6)", sent_back_to_the_caller,
         Connection("fd77::1", 8090), "timeout"),
    OnTheLink("the answer leaves by a macvlan on the device of the call", shown_another_device,
              Connection("10.77.0.1"), "open", certainty="likely"),
    Case("a rule drops what carries the packets of a tunnel", tunnel_dropped_outside,
         Connection("10.66.0.1", source="10.66.0.2"), "timeout", predicted="open", certainty="likely"),
    Case("a tunnel without a carrier loses packets and says nothing", tunnel_without_carrier,
         Connection("10.79.0.9", source="10.77.0.1", local=True), "timeout", culprit="neighbour"),
    Case("a routing rule for ICMP holds back the error", rule_of_icmp,
         Connection("10.77.0.1", 9, proto="udp"), "timeout"),
    Case("a reset that a chain of type route marks has no route (IPv6)", marked_refusals,
         Connection("fd77::1", 9), "timeout"),
    Case("a reset that a chain of type route marks has no route", marked_refusals,
         Connection("10.77.0.1", 9), "timeout"),
    Case("an ICMP error that a chain of type route marks has no route", marked_refusals,
         Connection("10.77.0.1", 9, proto="udp"), "timeout"),
    Case("a routing rule for a container holds a reset in its name back", rule_of_the_reset_source,
         Connection(CONTAINER), "timeout", certainty="certain"),
    Case("the second SYN meets the mark of the first one", refused_when_tried_again,
         Connection(CONTAINER), "unreachable", culprit="nft_rule", certainty="certain"),
    Case("the second SYN is of a connection that was answered", established_without_an_answer,
         Connection("10.77.0.1"), "refused", culprit="nft_rule", certainty="certain"),
    Case("the second SYN is of a connection that was let in, and not answered",
         confirmed_without_an_answer, Connection("10.77.0.1"), "refused", culprit="nft_rule",
         certainty="certain"),
    Case("the second SYN finds its address in the set", knocks_by_itself, Connection("10.77.0.1"),
         "open", certainty="likely"),
    Case("the client's address is taken for a broadcast address", client_is_a_broadcast_address,
         Connection("10.77.0.1"), "timeout", culprit="route", certainty="certain"),
    Case("a known neighbour is taken for a broadcast address", neighbour_from_before,
         Connection("10.77.0.1"), "open", certainty="certain"),
    Case("no reset gets to a broadcast address", client_is_a_broadcast_address,
         Connection("10.77.0.1", 9), "timeout", certainty="certain"),
    Case("a reset in a container's name is routed again", marked_reset_for_a_container,
         Connection(CONTAINER), "refused", certainty="certain"),
    Case("a routing rule for the source of an error holds it back (IPv6)", rule_of_the_error_source,
         Connection("fd07::7"), "timeout"),
    OnTheLink("an answer that is routed over lo gets lost", answer_over_lo,
              Connection("10.77.0.1", source=FAR), "timeout", culprit="route"),
    OnTheLink("a reset that is routed over lo gets lost", answer_over_lo,
              Connection("10.77.0.1", 9, source=FAR), "timeout"),
    Case("nobody answers a program of the server over lo", target_over_lo,
         Connection("192.168.7.7", source="10.77.0.1", local=True), "timeout", culprit="route"),
    Case("a forwarded packet goes round over lo", forwarded_over_lo, Connection("192.168.7.7"),
         "unreachable", culprit="route"),
    Case("a policy of drop without ICMPv6 cuts off neighbours that do not know this host",
         among_strangers(filtered(PORT_ALONE)), Connection("fd77::1"), "unreachable",
         rule="fw.neighbour_discovery", culprit="nft_chain", certainty="certain"),
    Case("the same policy lets IPv4 in, which asks by ARP", among_strangers(filtered(PORT_ALONE)),
         Connection("10.77.0.1"), "open"),
    Case("who knew this host before the policy of drop still gets in", known_before,
         Connection("fd77::1"), "open"),
    Case("a policy of drop that takes neighbour discovery lets IPv6 in",
         among_strangers(filtered(WITH_DISCOVERY)), Connection("fd77::1"), "open"),
    Case("no advertisement gets out", among_strangers(filtered(NO_ADVERTISEMENT)),
         Connection("fd77::1"), "unreachable", rule="fw.neighbour_discovery", culprit="nft_rule"),
    Case("a chain at the device that takes IP alone drops ARP", among_strangers(filtered(IP_ALONE)),
         Connection("10.77.0.1"), "unreachable", rule="fw.neighbour_discovery",
         culprit="nft_chain"),
    Case("a chain at the device that takes ARP as well lets clients in",
         among_strangers(filtered(IP_AND_ARP)), Connection("10.77.0.1"), "open"),
    Case("a rule of the family arp drops the request", among_strangers(filtered(NO_ARP)),
         Connection("10.77.0.1"), "unreachable", rule="fw.neighbour_discovery", culprit="nft_rule"),
    Case("arp_ignore leaves the client without an answer",
         among_strangers(setting("net.ipv4.conf.all.arp_ignore", 8)), Connection("10.77.0.1"),
         "unreachable", rule="neigh.arp_ignore", culprit="sysctl"),
    OnTheLink("the answer to a loopback address stays here, by the table local", loopback_on_link,
              Connection("10.77.0.1", source="127.9.9.9"), "timeout",
              culprit="route 255/127.0.0.0%2F8"),
    Case("a rule looks for the way back from the address that was called",
         routed_by_source(rule=BACK_ELSEWHERE), Connection("10.77.0.1"), "timeout", culprit="nft_rule",
         certainty="certain"),
    Case("the same over IPv6", routed_by_source(rule=BACK_ELSEWHERE), Connection("fd77::1"), "timeout",
         culprit="nft_rule", certainty="certain"),
    *(Case(f"a router sends back what a program of the server calls ({who})", sent_back(forwarding),
           Connection("192.0.2.9", source="10.77.0.1", local=True), "timeout", rule="route.comes_back",
           certainty="certain")
      for who, forwarding in (("a host", 0), ("a router", 1))),
    Case("a mark in output leads an answer out whose route keeps it here (IPv6)",
         routed_by_source(), Connection("fd77::1"), "open"),
    Case("so does rpfilter of iptables",
         routed_by_source(("iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-m", "rpfilter",
                           "--invert", "-j", "DROP")),
         Connection("10.77.0.1"), "timeout", culprit="xt_rule", certainty="certain"),
    Case("a program of the server calls by a macvlan", reached_by_macvlan,
         Connection("10.79.0.2", source="10.79.0.1", local=True), "open", certainty="certain"),
    Case("a reset by rule meets the rule that masquerades", reset_is_masqueraded, Connection("fd77::1"),
         "refused", culprit="xt_rule", certainty="certain"),
    Case("an address with another prefix inside", another_prefix(INWARD, OUTWARD), Connection("fd78::1"),
         "open", certainty="certain"),
    Case("an answer under another prefix", another_prefix(ASTRAY), Connection("fd77::1"), "timeout",
         certainty="certain"),
    Case("a rule finds the way back to a broadcast address", taken_for_broadcast,
         Connection("10.77.0.1", proto="udp"), "refused", culprit="nft_rule", certainty="certain"),
    Case("a client that only a route takes to be on the link is not there", on_link_by_route,
         Connection("10.77.0.1", source=FAR), "timeout", culprit="neighbour", certainty="certain"),
    OnTheLink("the answer's gateway is asked for on a link where nobody is heard", answered_by_deaf_link,
              Connection("10.77.0.1", source=FAR), "timeout", culprit="neighbour", certainty="certain"),
    Case("without lo a program of the server does not hear that nobody has the address",
         without_loopback, Connection("10.77.0.98", source="10.77.0.1", local=True), "timeout",
         culprit="neighbour", certainty="certain"),
    Case("the address that a client's route names is asked for in vain",
         among_strangers(martian_for_its_own), Connection("10.99.0.1"), "unreachable",
         culprit="route", certainty="certain"),
    Case("an address of another interface is not answered for over IPv6",
         among_strangers(address_of_lo), Connection("fd77::9"), "unreachable",
         rule="neigh.other_interface", culprit="address"),
    Case("an address of another interface is answered for over IPv4",
         among_strangers(address_of_lo), Connection("10.77.0.9"), "open"),
    Case("a neighbour that asked is answered without asking back",
         among_strangers(filtered(SOLICITATION_ALONE)), Connection("fd77::1"), "open"),
    Case("a host that hears no advertisement forwards to nobody", forwarded_v6(SOLICITATION_ALONE),
         Connection("fd88::2"), "unreachable", rule="fw.neighbour_discovery", culprit="nft_chain"),
    Case("with neighbour discovery let in it forwards", forwarded_v6(WITH_DISCOVERY),
         Connection("fd88::2"), "open"),
    Case("a routing rule for UDP does not concern ARP", among_strangers(arp_has_no_protocol),
         Connection("10.77.0.1"), "open", certainty="certain"),
    Case("an address that nobody has gets no answer", among_strangers(), Connection("10.77.0.98"),
         "unreachable", rule="net.addr_missing", culprit="address"),
    OnTheLink("a device without IPv6 takes none", ipv6_off, Connection("fd77::1", source="fd77::2"),
              "timeout", rule="net.disable_ipv6", culprit="sysctl"),
    OnTheLink("a device with an MTU below 1280 takes no IPv6", too_small_for_ipv6,
              Connection("fd77::1", source="fd77::2"), "timeout", rule="net.link_down",
              culprit="interface"),
    Case("a rule of a bridge drops what a container answers", bridge_holds_answers,
         Connection(CONTAINER), "timeout", culprit="nft_rule", certainty="certain"),
    Case("a rule of a bridge drops what a program of the server sends to a container",
         bridge_holds_calls, Connection(CONTAINER, source="10.88.0.1", local=True), "timeout",
         culprit="nft_rule", certainty="certain"),
    Case("a host behind the bridge of another namespace is found", switch, Connection(CONTAINER),
         "open", certainty="certain"),
    Case("nobody behind the bridge of another namespace has the address", switch,
         Connection("10.88.0.77", source="10.88.0.1", local=True), "unreachable", certainty="certain"),
    OnTheLink("the answer goes to a link where nobody has the client's address",
         answered_into_the_switch, Connection("10.77.0.1"), "timeout", culprit="neighbour",
         certainty="certain"),
    OnTheLink("the reset goes to a link where nobody has the client's address",
         answered_into_the_switch, Connection("10.77.0.1", 9), "timeout", certainty="certain"),
    OnTheLink("the answer goes to a host of another link that does not hand it on",
         answered_by_the_switch, Connection("10.77.0.1"), "timeout", culprit="neighbour",
         certainty="certain"),
    Case("the answer goes by a neighbour that has answered and does not hand it on",
         answered_by_a_known_neighbour, Connection("10.77.0.1"), "timeout", culprit="neighbour",
         certainty="certain"),
    OnTheBridge("a rule's reset leaves by the port of the bridge, wherever its route leads",
                reset_by_the_port, Connection("10.77.0.1"), "refused", culprit="nft_rule",
                certainty="certain"),
    Case("the target of NAT on the same bridge is not there", sent_to_nobody_in_the_bridge,
         Connection("10.77.0.1"), "unreachable", certainty="certain"),
    Case("what a bridge forwards is not told that the target of NAT is not there",
         sent_to_nobody_in_the_bridge, Connection("10.77.0.50"), "timeout", certainty="certain"),
    Case("no program of the server gets to a macvlan on its own device", container_on_macvlan,
         Connection("10.88.0.9", source="10.88.0.1", local=True), "unreachable", certainty="certain"),
    OnTheLink("the answer goes by a macvlan to a link where nobody has the client's address",
         answered_on_a_macvlan, Connection("10.77.0.1"), "timeout", culprit="neighbour",
         certainty="certain"),
    OnTheLink("the answer goes by a macvlan on a bridge to a link where nobody has the client's address",
              lambda lab: answered_on_a_macvlan(lab, "br1"), Connection("10.77.0.1"), "timeout",
              culprit="neighbour", certainty="certain"),
    Case("the answer to a call by a macvlan is for the bridge below it", called_by_a_macvlan,
         Connection(CONTAINER, source="10.88.0.1", local=True), "open", certainty="certain"),
    Case("rules of another port of the bridge than the client's", rules_of_the_other_port,
         Connection("10.77.0.1"), "open", certainty="certain"),
    Case("rules that forwarded packets meet in the bridge before this one", behind_two_bridges,
         Connection("10.77.0.1"), "timeout", predicted="open", certainty="likely"),
    Case("a reset of the family netdev passes no rule of the output", reset_by_the_device("sv0"),
         Connection("10.77.0.1"), "refused", culprit="nft_rule", certainty="certain"),
    OnTheLink("a reset of the family netdev needs no route back", reset_by_the_device("sv0"),
         Connection("10.77.0.1", source=FAR), "refused", culprit="nft_rule", certainty="certain"),
    Case("a reset of the family netdev on lo comes from an own address", reset_by_the_device("lo"),
         Connection("127.0.0.1", local=True), "timeout", culprit="nft_rule", certainty="certain"),
    Case("a reset of the family netdev on lo with accept_local", reset_by_the_device("lo", "net.ipv4.conf.lo.accept_local"),
         Connection("10.77.0.1", source="10.77.0.1", local=True), "refused", culprit="nft_rule",
         certainty="certain"),
    Case("a reset of the family netdev on lo over IPv6", reset_by_the_device("lo"),
         Connection("fd77::1", source="fd77::1", local=True), "refused", culprit="nft_rule",
         certainty="certain"),
    Case("a reset to ::1 from an address that lo has as well", address_of_two_devices,
         Connection("fd77::1", 9, source="::1", local=True), "timeout"),
    Case("a neighbour that was asked for in vain, on a link without neighbour discovery",
         asked_in_vain_before, Connection("fd77::1", source="fd77::2"), "open"),
    Hidden("a hidden namespace makes nothing certain", lambda lab: None,
           Connection(CONTAINER, source="10.77.0.2"), "unknown"),
]
