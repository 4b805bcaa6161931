"""A plain call tells every source there can be, where the rules tell sources apart; `who` tells the
same classes; and a member of each class gets what they say."""

import ipaddress
import json
import os
import subprocess

from lab import enter, real_outcome, synfate_program
from lab import run as must

SERVER = "10.77.0.1"

SET = """table inet filter {
  set office { type ipv4_addr; flags interval; elements = { %s } }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    meta l4proto { icmp, icmpv6 } accept
    ip saddr @office tcp dport 8080 accept
    ip saddr 172.16.0.0/12 reject with icmp type admin-prohibited
  }
}
"""


def nft(elements):
    def prepare(lab):
        path = os.path.join(lab.folder(), "rules.nft")
        with open(path, "w") as file:
            file.write(SET % elements)
        must("ip", "netns", "exec", lab.server.name, "nft", "-f", path)
    return prepare


def ipset(lab):
    def here(*words, text=None):
        subprocess.run(["ip", "netns", "exec", lab.server.name, *words], check=True, input=text,
                       text=True)
    here("ipset", "restore", text="create office hash:net\nadd office 192.168.7.0/24\n"
                                  "add office 192.168.7.128/25 nomatch\n")
    here("iptables-legacy", "-P", "INPUT", "DROP")
    here("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-m", "set",
         "--match-set", "office", "src", "-j", "ACCEPT")
    here("iptables-legacy", "-A", "INPUT", "-s", "172.16.0.0/12", "-j", "REJECT",
         "--reject-with", "icmp-admin-prohibited")


class Sources:
    """`rows` are those of the table: sources and outcome. `members` are clients, by outcome."""

    def __init__(self, name, prepare, rows, members, says=""):
        self.name, self.prepare, self.rows = name, prepare, rows
        self.members, self.says = members, says

    def complaints(self, lab):
        lab.serve("0.0.0.0", "8080")
        lab.server.ip("route", "add", "default", "via", "10.77.0.2")
        for source in self.members:
            if not source.startswith("10.77."):
                lab.client.ip("addr", "add", source + "/32", "dev", "cl0")
        lab.meet(list(self.members), SERVER)
        self.prepare(lab)
        found = []
        for source, outcome in self.members.items():
            real, code = real_outcome(lab.client, "tcp", SERVER, 8080, source)
            if real != outcome:
                found.append(f"reality: {source} is {real} ({code}), the case says {outcome}")
        return found + (self.told(lab) if synfate_program() else [])

    def told(self, lab):
        file = os.path.join(lab.folder(), "saved")
        text = text_of(lab, "8080", "--save", file)
        found = []
        if rows_of(text) != self.rows:
            found.append(f"the table is {rows_of(text)}, not {self.rows}")
        if self.says not in text:
            found.append(f"it does not say: {self.says}")
        replay = text_of(lab, "8080", "--snapshot", file)
        if replay != text:
            found.append(f"a replay prints other bytes: {replay}")
        return found


class Behind:
    """Clients behind a router that can be seen: `who` before any packet has come, `fares` by client.
    The router has 10.79.0.9 and hands nothing on, unless `prepare` changes that."""

    def __init__(self, name, route, port, fares, prepare=None, interface="sv0"):
        self.name, self.route, self.port, self.fares = name, route, port, fares
        self.prepare, self.interface = prepare, interface

    def complaints(self, lab):
        lab.serve("0.0.0.0", "8080")
        if self.prepare:
            self.prepare(lab)
        lab.server.ip("route", "add", "10.79.0.0/24", *self.route.split())
        lab.client.ip("addr", "add", "10.79.0.9/32", "dev", "lo")
        lab.server.ip("neigh", "flush", "all")  # who has answered is taken for a good router
        if not synfate_program():
            return []
        classes = json.loads(text_of(lab, "who", str(self.port), "--format", "json"))["classes"]
        found = {client: ["nobody" if one["martian"] else one["outcome"] for one in classes
                          if one["interface"] == self.interface
                          and any(has(part, client) for part in one["sources"])]
                 for client in self.fares}
        return [f"who says {found}, not {self.fares}"] if found != self.fares else []


def has(sources, client):
    """Sources are an address, a prefix, or the first and last of a range."""
    if "/" in sources:
        return ipaddress.ip_address(client) in ipaddress.ip_network(sources)
    first, _, last = sources.partition("-")
    versions = [ipaddress.ip_address(one) for one in (first, client, last or first)]
    return len({one.version for one in versions}) == 1 and versions == sorted(versions)


def text_of(lab, *words):
    return subprocess.run([synfate_program(), *words], capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: enter(lab.server)).stdout


def rows_of(text):
    """Sources and outcome of each row of the table of sources."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("  sources ")), None)
    if start is None:
        return []
    column = lines[start].index("outcome"), lines[start].index("decided by")
    rows = []
    for line in lines[start + 1:]:
        if not line.strip():
            break
        rows.append((line[2:].split("  ")[0].strip(), line[column[0]:column[1]].strip()))
    return rows


def link_behind_router(lab):
    """10.79.0.7 is on a further link of the router."""
    far = lab.another_netns("f")
    lab.client.ip("link", "add", "fl0", "type", "veth", "peer", "name", "far0", "netns", far.name)
    lab.client.ip("addr", "add", "10.79.0.1/24", "dev", "fl0")
    lab.client.ip("link", "set", "fl0", "up")
    lab.client.sysctl("net.ipv4.ip_forward", 1)
    far.ip("addr", "add", "10.79.0.7/24", "dev", "far0")
    far.ip("link", "set", "far0", "up")
    far.ip("route", "add", "default", "via", "10.79.0.1")


def masqueraded_to_nobody(lab):
    """NAT leads the port to an address on another link that nobody has; the error about it gets back
    through the masquerade."""
    far = lab.another_netns("f")
    lab.server.ip("link", "add", "nb0", "type", "veth", "peer", "name", "far0", "netns", far.name)
    far.ip("link", "set", "far0", "up")
    lab.server.ip("addr", "add", "10.88.0.1/24", "dev", "nb0")
    lab.server.ip("link", "set", "nb0", "up")
    lab.server.sysctl("net.ipv4.ip_forward", 1)
    path = os.path.join(lab.folder(), "nat.nft")
    with open(path, "w") as file:
        file.write("table ip n { chain p { type nat hook prerouting priority -100; tcp dport 8080 dnat to"
                   " 10.88.0.9:80; }; chain q { type nat hook postrouting priority 100; masquerade; }; }")
    must("ip", "netns", "exec", lab.server.name, "nft", "-f", path)


def local_in_another_table(lab):
    lab.server.ip("route", "add", "local", "10.79.0.0/24", "dev", "lo", "table", "100")


def not_local_any_more(lab):
    """An address that an interface has, and that may not be bound: its local route is gone."""
    lab.server.ip("addr", "add", "10.77.5.1/32", "dev", "sv0")
    lab.server.ip("route", "del", "local", "10.77.5.1", "table", "local")


TABLE = [("192.168.7.0/24", "open"),
         ("172.16.0.0/12", "unreachable (ICMP admin-prohibited)"),
         ("all others", "timeout")]
MEMBERS = {"192.168.7.9": "open", "172.16.0.9": "unreachable", "10.77.0.2": "timeout"}
MANY = ", ".join(f"11.{at >> 8}.{at & 255}.0/25" for at in range(20000))

CASES = [
    Sources("nothing tells sources apart", lambda lab: None, [], {"10.77.0.2": "open"}),
    Sources("a set of nf_tables", nft("192.168.7.0/24"), TABLE, MEMBERS),
    Sources("a set of ipset, with an exception", ipset,
            [("192.168.7.0/25", "open")] + TABLE[1:],
            MEMBERS | {"192.168.7.200": "timeout"}),
    Sources("a set that is too large to be read at a glance", nft(MANY + ", 192.168.7.0/24"), [],
            MEMBERS, says="synfate who 8080"),
    Behind("who binds to what only another table calls local", "via 10.77.0.2", 8080,
           {"10.79.0.9": ["nobody"]}, local_in_another_table, "lo"),
    Behind("who cannot bind to an address that the table local does not have", "via 10.77.0.2", 8080,
           {"10.77.0.1": ["open"], "10.77.5.1": ["denied"]}, not_local_any_more, "lo"),
    Behind("behind a router that has one of them", "via 10.77.0.2", 8080,
           {"10.79.0.9": ["open"], "10.79.0.8": ["timeout"]}),
    Behind("behind a router, on a link of its own", "via 10.77.0.2", 8080,
           {"10.79.0.7": ["open"], "10.79.0.9": ["open"], "10.79.0.8": ["timeout"]}, link_behind_router),
    Behind("on the link by a route alone, beside those of its network", "dev sv0", 8081,
           {"10.77.0.2": ["refused"], "10.79.0.9": ["refused"], "10.79.0.8": ["timeout"]}),
    Behind("a reset takes either of two routes",
           "nexthop via 10.77.0.2 nexthop via 10.77.0.99", 8081,
           {"10.79.0.9": ["unknown"], "10.79.0.8": ["timeout"]}),
    Behind("an error about what NAT has masqueraded", "via 10.77.0.2", 8080,
           {"10.77.0.2": ["unreachable"], "10.77.0.22": ["unreachable"], "10.79.0.9": ["unreachable"],
            "10.79.0.8": ["timeout"]}, masqueraded_to_nobody),
]
