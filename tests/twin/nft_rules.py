"""Random rulesets for nft: tables of several families and priorities, sets, maps, chains, NAT.

Every rule is made for hosts like the ones of firewall.py: the addresses, ports and devices in it are
theirs or one off, so that about half of what is asked matches.
"""

ADDRESSES = {4: ["10.77.0.1", "10.77.0.2", "10.77.0.11", "10.77.0.22", "10.78.0.1", "127.0.0.1",
                 "172.16.5.5", "172.16.200.1"],
             6: ["fd77::1", "fd77::2", "fd77::11", "fd77::22", "fd78::1", "::1", "fd99::5:5",
                 "fd99:1::1"]}
NETWORKS = {4: ["10.77.0.0/24", "10.77.0.0/28", "10.77.0.16/28", "172.16.0.0/12", "172.16.128.0/17",
                "127.0.0.0/8", "10.0.0.0/8", "0.0.0.0/1", "10.77.0.2/31"],
            6: ["fd77::/64", "fd77::/124", "fd77::10/124", "fd99::/16", "fd99:1::/32", "fc00::/7",
                "::/1", "fd77::2/127"]}
RANGES = {4: ["10.77.0.2-10.77.0.21", "10.77.0.3-10.77.0.255", "172.16.0.0-172.16.5.5",
              "127.0.0.0-127.255.255.254"],
          6: ["fd77::2-fd77::21", "fd77::3-fd77::ffff", "fd99::-fd99::5:5", "::-::1"]}
PORTS = ["8080", "8081", "8053", "8090", "8443", "22", "8079", "8082"]
PORT_RANGES = ["8000-8080", "8081-9000", "1-8079", "1024-65535", "8080-8081"]
DEVICES = ["sv0", "sd0", "lo"]
MARKS = ["0x1", "0x2", "0x10", "0xff"]


def addresses(dice, version):
    kind = dice.random()
    if kind < 0.4:
        return dice.choice(ADDRESSES[version])
    if kind < 0.7:
        return dice.choice(NETWORKS[version])
    if kind < 0.8:
        return dice.choice(RANGES[version])
    members = dice.sample(ADDRESSES[version], dice.randint(2, 4))
    return "{ " + ", ".join(members) + " }"


def ports(dice):
    kind = dice.random()
    if kind < 0.5:
        return dice.choice(PORTS)
    if kind < 0.8:
        return dice.choice(PORT_RANGES)
    return "{ " + ", ".join(dice.sample(PORTS, dice.randint(2, 4))) + " }"


def no(dice):
    return dice.choice(("", "", "", "!= "))


class Place:
    """Where a rule stands: what may be matched and done there."""

    def __init__(self, family, hook, kind="filter", priority=0):
        self.family, self.hook, self.kind, self.priority = family, hook, kind, priority

    @property
    def versions(self):
        return {"ip": [4], "ip6": [6]}.get(self.family, [4, 6])

    @property
    def arriving(self):
        return self.hook in ("ingress", "prerouting", "input")

    @property
    def tracked(self):
        return self.family != "netdev" and self.priority > -200


def address_match(dice, place):
    version = dice.choice(place.versions)
    word = {4: "ip", 6: "ip6"}[version]
    return f"{word} {dice.choice(('saddr', 'saddr', 'daddr'))} {no(dice)}{addresses(dice, version)}"


def port_match(dice, place):
    proto = dice.choice(("tcp", "tcp", "udp", "th"))
    text = f"{proto} dport {no(dice)}{ports(dice)}"
    return f"meta l4proto {{ tcp, udp }} {text}" if proto == "th" else text


def device_match(dice, place):
    if place.family == "netdev":
        return "meta iifname sv0" if place.hook == "ingress" else "meta oifname sv0"
    side = "iif" if place.arriving else "oif"
    return dice.choice((f"{side}name {no(dice)}{dice.choice(DEVICES)}",
                        f'{side}name {no(dice)}"s*"', f"{side}name {{ sv0, lo }}",
                        f"{side} {no(dice)}{dice.choice(DEVICES)}",
                        f"{side}type {no(dice)}{dice.choice(('loopback', 'ether'))}",
                        f"{side}group {no(dice)}{dice.choice(('default', '7'))}"))


def meta_match(dice, place):
    return dice.choice((f"meta l4proto {no(dice)}{dice.choice(('tcp', 'udp', '{ tcp, icmp }'))}",
                        f"meta nfproto {dice.choice(('ipv4', 'ipv6'))}",
                        f"meta protocol {dice.choice(('ip', 'ip6'))}",
                        f"meta mark {no(dice)}{dice.choice(MARKS + ['0x0'])}",
                        f"meta mark & 0x3 {dice.choice(('==', '!='))} {dice.choice(('0x0', '0x1'))}",
                        "meta mark 0x1-0x10",
                        f"meta length {dice.choice(('< 41', '> 41', '52', '60', '60-80', '< 60'))}",
                        f"meta pkttype {no(dice)}{dice.choice(('host', 'broadcast', 'unicast'))}",
                        'meta hour "00:00"-"23:59"', "meta day 0-6"))


def ip_match(dice, place):
    four = dice.choice(place.versions) == 4
    if four:
        return dice.choice(("ip ttl 64", "ip ttl != 64", "ip ttl < 64", "ip dscp cs0", "ip dscp != cs0",
                            "ip protocol tcp", "ip protocol != tcp", "ip version 4", "ip hdrlength 5",
                            "ip length < 53", "ip length 60", "ip frag-off & 0x1fff == 0",
                            "ip frag-off & 0x4000 != 0", "ip ecn not-ect"))
    return dice.choice(("ip6 hoplimit 64", "ip6 hoplimit != 64", "ip6 nexthdr tcp",
                        "ip6 nexthdr != tcp", "ip6 version 6", "ip6 length < 33", "ip6 length 40",
                        "ip6 dscp cs0", "exthdr frag missing", "exthdr hbh exists"))


def tcp_match(dice, place):
    return dice.choice(("tcp flags syn", "tcp flags & (fin|syn|rst|ack) == syn",
                        "tcp flags & (fin|syn|rst|ack) != syn", "tcp flags & (syn|ack) == syn|ack",
                        "tcp flags ! syn", "tcp flags ack", "tcp flags psh", "tcp doff 10",
                        "tcp option maxseg exists", "tcp option sack-perm missing",
                        "tcp option timestamp exists", "tcp option maxseg size 1460",
                        "tcp option maxseg size < 1441", "tcp option window exists",
                        "tcp sequence 0", "tcp ackseq 0", "tcp urgptr 0", "tcp window > 0",
                        "tcp sport >= 1024", "tcp sport < 1024", "@th,16,16 8080",
                        "@th,16,16 & 0xfff0 == 0x1f90"))


def ct_match(dice, place):
    return dice.choice((f"ct state {no(dice)}new", f"ct state {no(dice)}established",
                        "ct state established,related", "ct state { new, untracked }",
                        f"ct state {no(dice)}invalid", f"ct state {no(dice)}untracked",
                        f"ct direction {dice.choice(('original', 'reply'))}",
                        f"ct status {dice.choice(('dnat', 'snat', 'assured', 'confirmed', 'seen-reply'))}",
                        f"ct status & dnat == 0", f"ct mark {no(dice)}{dice.choice(MARKS)}",
                        f"ct original protocol tcp ct original proto-dst {no(dice)}{dice.choice(PORTS)}",
                        f"ct original protocol {dice.choice(('tcp', 'udp'))}",
                        f"ct l3proto {dice.choice(('ipv4', 'ipv6'))}",
                        "ct protocol tcp", "ct zone 0", "ct helper != \"ftp\"",
                        f"ct original ip saddr {dice.choice(ADDRESSES[4])}",
                        f"ct original ip6 saddr {dice.choice(ADDRESSES[6])}",
                        f"ct reply ip saddr {dice.choice(ADDRESSES[4])}",
                        "ct bytes > 100000", "ct packets < 100"))


def fib_match(dice, place):
    if place.hook in ("output", "postrouting"):
        return "fib daddr type " + dice.choice(("local", "unicast", "!= local"))
    choices = ["fib saddr type local", "fib saddr type unicast", "fib saddr type != local"]
    if place.hook != "input":
        choices += ["fib daddr type local", "fib daddr type != local",
                    "fib daddr . iif type local", "fib daddr . iif type != local"]
    choices += ["fib saddr . iif oif missing", "fib saddr . iif oif exists",
                "fib saddr oif exists", "fib saddr oifname sv0"]
    return dice.choice(choices)


def socket_match(dice, place):
    if place.hook == "output":
        return dice.choice(("meta skuid 0", "meta skuid != 0", "meta skuid 1000-2000", "meta skgid 0"))
    if place.arriving and place.family != "netdev":
        return dice.choice(("socket transparent 0", "socket transparent 1", "socket mark 0x0",
                            "socket wildcard 0", "socket wildcard 1"))
    return meta_match(dice, place)


def matches(dice, place):
    """The words of zero to three matches."""
    makers = [address_match] * 5 + [port_match] * 5 + [device_match] * 2 + [meta_match] * 2
    if place.family != "netdev":
        makers += [fib_match, socket_match]
    makers += [ip_match, tcp_match]
    if place.tracked:
        makers += [ct_match] * 3
    return [dice.choice(makers)(dice, place) for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3)))]


REJECTS = {"ip": ["reject", "reject with tcp reset", "reject with icmp type host-unreachable",
                  "reject with icmp type net-unreachable", "reject with icmp type prot-unreachable",
                  "reject with icmp type net-prohibited", "reject with icmp type host-prohibited",
                  "reject with icmp type admin-prohibited"],
           "ip6": ["reject", "reject with tcp reset", "reject with icmpv6 type no-route",
                   "reject with icmpv6 type admin-prohibited", "reject with icmpv6 type addr-unreachable",
                   "reject with icmpv6 type port-unreachable"],
           "inet": ["reject", "reject with tcp reset", "reject with icmpx type admin-prohibited",
                    "reject with icmpx type no-route", "reject with icmpx type host-unreachable",
                    "reject with icmpx type port-unreachable"]}


def reject(dice, place):
    text = dice.choice(REJECTS[place.family])
    return f"meta l4proto tcp {text}" if "tcp reset" in text else text


def statement(dice, place):
    """Something done on the way, or nothing."""
    choices = ["", "", "", "", "counter", "log prefix \"x\"", f"meta mark set {dice.choice(MARKS)}",
               "meta mark set meta mark | 0x10", "meta mark set meta mark << 1",
               "meta mark set tcp dport map { 8080 : 0x1, 8081 : 0x2 }", "meta priority set 1:1",
               "counter name hits"]
    if place.tracked:
        choices += [f"ct mark set {dice.choice(MARKS)}", "ct mark set meta mark",
                    "meta mark set ct mark"]
    if place.family != "netdev" and place.hook in ("prerouting", "output") and place.priority < -200:
        choices += ["notrack", "notrack"]
    if place.hook in ("prerouting", "postrouting"):
        choices += ["tcp flags syn tcp option maxseg size set 1400"]
    return dice.choice(choices)


def verdict(dice, place, chains):
    kind = dice.random()
    if chains and kind < 0.2:
        return f"{dice.choice(('jump', 'goto'))} {dice.choice(chains)}"
    if kind < 0.5:
        return "accept"
    if kind < 0.72:
        return "drop"
    if kind < 0.87 and place.family in REJECTS and place.hook in ("prerouting", "input", "output"):
        return reject(dice, place)
    return dice.choice(("return", "continue", "accept", "drop"))


def verdict_map(dice, place, chains):
    verdicts = ["accept", "drop", "return", "continue"] + [f"jump {one}" for one in chains]
    version = dice.choice(place.versions)
    word = {4: "ip", 6: "ip6"}[version]
    kind = dice.randrange(5)
    if kind == 0:
        members = dice.sample(PORTS, 3)
        return "tcp dport vmap { " + ", ".join(f"{one} : {dice.choice(verdicts)}"
                                               for one in members) + " }"
    if kind == 1:
        members = dice.sample(ADDRESSES[version], 3)
        return f"{word} saddr vmap {{ " + ", ".join(f"{one} : {dice.choice(verdicts)}"
                                                   for one in members) + " }"
    if kind == 2:
        members = dice.sample(ADDRESSES[version], 3)
        pairs = {f"{one} . {dice.choice(PORTS)}" for one in members}
        return f"{word} saddr . tcp dport vmap {{ " + ", ".join(
            f"{one} : {dice.choice(verdicts)}" for one in sorted(pairs)) + " }"
    if kind == 3:
        low, high = dice.choice((("8000-8080", "8081-9000"), ("1-8079", "8080-65535")))
        return (f"th dport vmap {{ {low} : {dice.choice(verdicts)}, {high} : "
                f"{dice.choice(verdicts)} }}")
    return ("meta l4proto vmap { tcp : " + dice.choice(verdicts) + ", udp : "
            + dice.choice(verdicts) + " }")


def named_match(dice, place):
    """A match against one of the named sets of the table (see `sets_of`)."""
    version = dice.choice(place.versions)
    word = {4: "ip", 6: "ip6"}[version]
    return dice.choice((f"{word} saddr {no(dice)}@hosts{version}", f"{word} saddr @nets{version}",
                        f"{word} daddr @nets{version}", f"tcp dport {no(dice)}@services",
                        f"{word} saddr . tcp dport @pairs{version}",
                        f"{word} saddr . th dport {no(dice)}@ranges{version}",
                        f"{word} daddr . meta l4proto . th dport @triples{version}"))


def sets_of(dice, place):
    lines = ["  counter hits { }",
             "  set services { type inet_service; flags interval; auto-merge; elements = { "
             + ", ".join(dice.sample(PORTS, 2) + [dice.choice(PORT_RANGES)]) + " } }"]
    for version in place.versions:
        kind = {4: "ipv4_addr", 6: "ipv6_addr"}[version]
        everyone, networks = ADDRESSES[version], NETWORKS[version]
        lines.append(f"  set hosts{version} {{ type {kind}; "
                     + dice.choice(("", "flags timeout; timeout 1h; ")) + "elements = { "
                     + ", ".join(dice.sample(everyone, 3)) + " } }")
        lines.append(f"  set nets{version} {{ type {kind}; flags interval; auto-merge; elements = {{ "
                     + ", ".join(dice.sample(networks, 2) + dice.sample(RANGES[version], 1)) + " } }")
        pairs = {f"{dice.choice(everyone)} . {dice.choice(PORTS)}" for _ in range(4)}
        lines.append(f"  set pairs{version} {{ type {kind} . inet_service; elements = {{ "
                     + ", ".join(sorted(pairs)) + " } }")
        lines.append(f"  set ranges{version} {{ type {kind} . inet_service; flags interval; "
                     f"elements = {{ {dice.choice(networks)} . {dice.choice(PORT_RANGES)} }} }}")
        lines.append(f"  set triples{version} {{ type {kind} . inet_proto . inet_service; elements = "
                     f"{{ {dice.choice(everyone)} . tcp . {dice.choice(PORTS)}, "
                     f"{dice.choice(everyone)} . udp . {dice.choice(PORTS)} }} }}")
    return lines


def rule(dice, place, chains):
    words = matches(dice, place)
    if place.family != "netdev" and dice.random() < 0.15:
        words.append(named_match(dice, place))
    if dice.random() < 0.3:
        words.append(statement(dice, place))
    end = verdict_map(dice, place, chains) if dice.random() < 0.08 else verdict(dice, place, chains)
    return " ".join(word for word in words + [end] if word)


def fits(text, place):
    """Whether nft takes the rule: a rule must not say two network protocols at once."""
    four = any(word in text for word in ("ip saddr", "ip daddr", "ip ttl", "ip dscp", "ip protocol",
                                         "ip length", "ip frag", "ip version", "ip hdrlength",
                                         "ip ecn", "nfproto ipv4", "protocol ip ", "l3proto ipv4"))
    six = any(word in text for word in ("ip6 ", "exthdr", "nfproto ipv6", "protocol ip6", "l3proto ipv6",
                                        "icmpv6"))
    udp = "udp dport" in text or "l4proto udp" in text
    tcp = any(word in text for word in ("tcp dport", "tcp flags", "tcp reset", "tcp option", "tcp doff",
                                        "tcp seq", "tcp ack", "tcp urg", "tcp win", "tcp sport"))
    both = "l4proto { tcp, udp }" in text
    said = "nfproto" in text or "meta protocol" in text
    return (not (four and six) and udp + tcp + both < 2 and not (said and place.family != "inet")
            and not (said and (four or six) and text.count("nfproto") == 0))


def fitting_rule(dice, place, chains):
    while True:
        text = rule(dice, place, chains)
        if fits(text, place):
            return text


def nat_statement(dice, place):
    version = dice.choice(place.versions)
    family = {4: "ip", 6: "ip6"}[version]
    targets = [one for one in ADDRESSES[version][:6] if one in
               ("10.77.0.1", "10.77.0.11", "10.78.0.1", "fd77::1", "fd77::11", "fd78::1")]
    target = dice.choice(targets)
    bracket = f"[{target}]" if version == 6 else target
    port = dice.choice(PORTS)
    if place.hook in ("prerouting", "output"):
        return dice.choice((f"tcp dport {ports(dice)} redirect to :{port}",
                            f"udp dport {ports(dice)} redirect to :{port}",
                            f"meta l4proto tcp dnat {family} to {bracket}:{port}",
                            f"{family} saddr {addresses(dice, version)} tcp dport {ports(dice)} "
                            f"dnat {family} to {bracket}:{port}",
                            f"{family} daddr {addresses(dice, version)} dnat {family} to {bracket}",
                            "redirect to tcp dport map { 8080 : 8081, 8081 : 8080, 8090 : 8080 }"))
    source = dice.choice(("10.77.0.1", "10.77.0.11") if version == 4 else ("fd77::1", "fd77::11"))
    return dice.choice((f"{family} daddr {addresses(dice, version)} masquerade"
                        if place.hook == "postrouting" else
                        f"{family} saddr {addresses(dice, version)} snat {family} to {source}",
                        f"{family} saddr {addresses(dice, version)} snat {family} to {source}"))


def nat_rule(dice, place):
    while True:
        words = [dice.choice((address_match, port_match, device_match, meta_match))(dice, place)
                 for _ in range(dice.randint(0, 1))]
        end = nat_statement(dice, place) if dice.random() < 0.75 else dice.choice(("accept", "return"))
        text = " ".join(words + [end])
        if fits(text, place) and "l4proto { tcp, icmp" not in text:
            return text


def base_chain(dice, name, place):
    device = " device sv0" if place.family == "netdev" else ""
    policy = dice.choice(("accept", "accept", "accept", "drop")) if place.kind == "filter" else "accept"
    return [f"  chain {name} {{",
            f"    type {place.kind} hook {place.hook}{device} priority {place.priority}; "
            f"policy {policy};"]


def filter_place(dice, family, priorities):
    if family == "netdev":
        return Place("netdev", dice.choice(("ingress", "egress")), "filter", priorities.pop())
    hook = dice.choice(("input", "input", "input", "prerouting", "output", "postrouting"))
    return Place(family, hook, "filter", priorities.pop())


def table(dice, number, priorities):
    family = dice.choice(("ip", "ip6", "inet", "inet", "inet", "netdev"))
    lines = [f"table {family} t{number} {{"]
    some = filter_place(dice, family, priorities)
    if family != "netdev":
        lines += sets_of(dice, some)
    else:
        lines.append("  counter hits { }")
    chains = [f"c{number}_{index}" for index in range(dice.choice((0, 0, 1, 2)))]
    # A chain only jumps to later ones: nothing loops.
    for index, name in enumerate(chains):
        below = chains[index + 1:]
        lines.append(f"  chain {name} {{")
        lines += ["    " + fitting_rule(dice, some, below) for _ in range(dice.randint(1, 4))]
        lines.append("  }")
    lines += base_chain(dice, f"b{number}", some)
    lines += ["    " + fitting_rule(dice, some, chains) for _ in range(dice.randint(1, 6))]
    lines.append("  }")
    lines.append("}")
    return lines


def nat_table(dice, number, priorities):
    family = dice.choice(("ip", "ip6", "inet", "inet"))
    hook, at = dice.choice((("prerouting", -100), ("prerouting", -100), ("output", -100),
                            ("postrouting", 100), ("input", 100)))
    place = Place(family, hook, "nat", at + dice.randint(-9, 9))
    return ([f"table {family} n{number} {{"] + base_chain(dice, f"b{number}", place)
            + ["    " + nat_rule(dice, place) for _ in range(dice.randint(1, 3))] + ["  }", "}"])


def ruleset(dice):
    """The text of a ruleset for `nft -f`."""
    priorities = [one for one in dice.sample(range(-320, 320), 40) if abs(one + 200) > 2
                  and abs(abs(one) - 100) > 12]
    lines = []
    for number in range(dice.choice((1, 1, 2, 2, 3))):
        lines += table(dice, number, priorities)
    for number in range(dice.choice((0, 0, 0, 1, 2))):
        lines += nat_table(dice, number, priorities)
    return "\n".join(lines) + "\n"
