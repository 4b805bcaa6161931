"""Random hosts: links, addresses, routes, rules, local tables, neighbours, sysctls, NAT, listeners.

Each dimension has words for `ip`, `nft` or server.py. What the kernel refuses is left out: the state
that is there counts, and is read anyway.
"""

import xt_rules

DEVICES = ["sv0", "sd0", "br0", "lo"]
#: What a client may call; the last ones are an address of nobody, of a prefix that may be local, and
#: of a container behind br0.
TARGETS = {4: ["10.77.0.1", "10.77.0.11", "10.78.0.1", "10.88.0.1", "10.99.0.1", "10.79.0.9",
               "192.168.7.7", "10.88.0.2", "10.76.0.1"],
           6: ["fd77::1", "fd77::11", "fd78::1", "fd88::1", "fd99:9::1", "fd79::9", "fd07::7",
               "fd88::2", "fd76::1"]}
LOOPBACK = {4: ["127.0.0.1", "127.1.2.3"], 6: ["::1"]}
#: Sources of the client on the link sv0; some can never arrive, or get no answer.
SOURCES = {4: ["10.77.0.2", "10.77.0.22", "172.16.5.5", "172.16.200.1", "10.78.0.2", "10.77.0.1",
               "10.99.9.9", "0.1.2.3", "240.0.0.1"],
           6: ["fd77::2", "fd77::22", "fd99::5:5", "fd99:1::1", "fd78::2", "fd77::1", "::1",
               "fd98::9"]}
OF_CLIENT = {4: ["10.77.0.2", "10.77.0.22", "172.16.5.5", "172.16.200.1", "10.78.0.2"],
             6: ["fd77::2", "fd77::22", "fd99::5:5", "fd99:1::1", "fd78::2"]}
NETWORKS = {4: ["10.77.0.0/24", "10.77.0.2/32", "10.77.0.16/28", "172.16.0.0/12", "172.16.200.0/24",
                "172.16.5.5/32", "10.78.0.0/24", "default", "10.88.0.0/24", "192.168.7.0/24",
                "10.79.0.9/32", "10.77.0.1/32"],
            6: ["fd77::/64", "fd77::2/128", "fd77::10/124", "fd99::/16", "fd99:1::/32",
                "fd99::5:5/128", "fd78::/64", "default", "fd88::/64", "fd07::/64", "fd79::9/128",
                "fd77::1/128"]}
GATEWAYS = {4: [("10.77.0.2", "sv0"), ("10.78.0.2", "sd0"), ("10.77.0.99", "sv0"),
                ("10.88.0.2", "br0"), ("192.0.2.9", "sd0")],
            6: [("fd77::2", "sv0"), ("fd78::2", "sd0"), ("fd77::99", "sv0"), ("fd88::2", "br0"),
                ("fd02::9", "sd0")]}
#: What rules do to it, and so to neighbours that are not known yet, is not predicted.
DISCOVERY = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"
BUSY_PORT = "8082"
WORD = {4: [], 6: ["-6"]}
CONF4 = {"rp_filter": (0, 1, 2), "accept_local": (0, 1), "route_localnet": (0, 1),
         "forwarding": (0, 1), "src_valid_mark": (0, 1), "log_martians": (0, 1),
         "arp_ignore": (0, 1, 2, 8), "arp_filter": (0, 1), "arp_announce": (0, 2),
         "proxy_arp": (0, 1), "disable_policy": (0, 1), "send_redirects": (0, 1),
         "bc_forwarding": (0, 1)}
CONF6 = {"disable_ipv6": (0, 1), "forwarding": (0, 1), "accept_ra": (0, 1, 2),
         "addr_gen_mode": (0, 1), "ndisc_notify": (0, 1)}
PLAIN = {"net.ipv4.ip_forward": (0, 1), "net.ipv6.conf.all.forwarding": (0, 1),
         "net.ipv4.tcp_syncookies": (0, 1, 2), "net.ipv4.tcp_max_syn_backlog": (0, 1, 2, 4, 128),
         "net.ipv4.tcp_abort_on_overflow": (0, 1), "net.ipv4.tcp_fwmark_accept": (0, 1),
         "net.ipv4.fwmark_reflect": (0, 1), "net.ipv6.fwmark_reflect": (0, 1),
         "net.ipv4.ip_nonlocal_bind": (0, 1), "net.ipv4.tcp_early_demux": (0, 1),
         "net.ipv4.ip_early_demux": (0, 1), "net.ipv4.icmp_errors_use_inbound_ifaddr": (0, 1),
         "net.ipv4.tcp_timestamps": (0, 1), "net.ipv4.tcp_sack": (0, 1),
         "net.ipv4.fib_multipath_hash_policy": (0, 1), "net.ipv4.tcp_l3mdev_accept": (0, 1),
         "net.ipv4.udp_l3mdev_accept": (0, 1), "net.netfilter.nf_conntrack_tcp_loose": (0, 1),
         "net.netfilter.nf_conntrack_tcp_be_liberal": (0, 1), "net.ipv4.icmp_echo_ignore_all": (0, 1),
         "net.bridge.bridge-nf-call-iptables": (0, 1), "net.ipv4.ip_autobind_reuse": (0, 1),
         "net.ipv6.conf.all.disable_ipv6": (0, 0, 0, 1), "net.ipv4.tcp_ecn": (0, 1, 2),
         "net.ipv6.bindv6only": (0, 1), "net.ipv4.tcp_fastopen": (0, 1, 3, 1027)}


class Host:
    """What a random host is made of."""

    def __init__(self):
        self.ip = []         # words for `ip` in the server, in order
        self.late = []       # after the sysctls
        self.sysctls = []    # (name, value)
        self.nft = []        # tables, each for nft -f
        self.legacy = []     # (program, what it reads), in order
        self.listeners = []  # words for server.py
        self.busy = []       # (words for server.py, "full" or "stopped"), one process each

    def text(self):
        lines = ["ip " + " ".join(words) for words in self.ip]
        lines += [f"{name} = {value}" for name, value in self.sysctls]
        lines += ["ip " + " ".join(words) for words in self.late]
        lines += ["listens: " + " ".join(words) for words in self.listeners]
        lines += [f"{state}: " + " ".join(words) for words, state in self.busy]
        lines += [f"# {program}\n{text}" for program, text in self.legacy]
        return "\n".join(lines + self.nft)


def addresses(dice, host):
    for _ in range(dice.choice((0, 1, 2, 3))):
        version = dice.choice((4, 6))
        device = dice.choice(DEVICES + ["tun0", "up0"])
        length = {4: (24, 32, 28), 6: (64, 128, 124)}[version]
        address = dice.choice(TARGETS[version] + OF_CLIENT[version][:2])
        words = WORD[version] + ["addr", dice.choice(("add", "add", "add", "del")),
                                 f"{address}/{dice.choice(length)}", "dev", device]
        if words[-4] != "del" and "del" not in words:
            if dice.random() < 0.3:
                words += ["noprefixroute"]
            if dice.random() < 0.2:
                words += ["valid_lft", "forever", "preferred_lft", "0"]
            elif dice.random() < 0.2:
                words += ["scope", dice.choice(("link", "host", "global"))]
            if version == 6 and dice.random() < 0.7:
                words += ["nodad"]
        host.ip.append(words)


def links(dice, host):
    for _ in range(dice.choice((1, 1, 2))):
        device = dice.choice(("sv0", "sd0", "sd0", "br0", "lo", "cv0"))
        host.ip.append(["link", "set", device, *dice.choice((
            ["down"], ["mtu", dice.choice(("1280", "600", "9000", "1400"))], ["arp", "off"],
            ["promisc", "on"], ["multicast", "off"], ["group", "7"]))])


def route(dice, version):
    words = [dice.choice(NETWORKS[version])]
    kind = dice.random()
    if kind < 0.25:
        return [dice.choice(("blackhole", "unreachable", "prohibit", "throw"))] + words
    if kind < 0.35:
        return ["local"] + words + ["dev", dice.choice(("lo", "lo", "sv0"))]
    gateway, device = dice.choice(GATEWAYS[version])
    if kind < 0.55:
        words += ["dev", dice.choice(("sv0", "sd0", "br0", "lo", "tun0", "up0"))]
    elif kind < 0.62:
        other, further = dice.choice(GATEWAYS[version])
        words += ["nexthop", "via", gateway, "dev", device, "nexthop", "via", other, "dev", further]
    else:
        words += ["via", gateway, "dev", device] + dice.choice(([], ["onlink"]))
    if dice.random() < 0.2:
        words += ["src", dice.choice(TARGETS[version][:4])]
    if version == 6 and dice.random() < 0.15:
        words += ["from", dice.choice(NETWORKS[6])]
    return words


def routes(dice, host):
    for _ in range(dice.choice((1, 1, 2, 3))):
        version = dice.choice((4, 6))
        words = route(dice, version)
        if dice.random() < 0.4:
            words += ["metric", str(dice.choice((1, 50, 2000)))]
        host.ip.append(WORD[version] + ["route", dice.choice(("replace", "append")), *words])


def deleted_routes(dice, host):
    version = dice.choice((4, 6))
    host.ip.append(WORD[version] + ["route", "del", dice.choice(NETWORKS[version])])


def selector(dice, version):
    kind = dice.randrange(10)
    if kind == 0:
        return ["from", dice.choice(NETWORKS[version]).replace("default", "all")]
    if kind == 1:
        return ["to", dice.choice(NETWORKS[version]).replace("default", "all")]
    if kind == 2:
        return ["from", dice.choice(TARGETS[version])]
    if kind == 3:
        return ["iif", dice.choice(DEVICES)]
    if kind == 4:
        return ["oif", dice.choice(DEVICES)]
    if kind == 5:
        return ["fwmark", dice.choice(("1", "2", "0", "0x1/0x1"))]
    if kind == 6:
        return ["ipproto", dice.choice(("tcp", "udp", "icmp"))]
    if kind == 7:
        return [dice.choice(("sport", "dport")), dice.choice(("8080", "8080-8081", "30000-65535"))]
    if kind == 8:
        return ["uidrange", dice.choice(("0-0", "65534-65534", "1-70000"))]
    return ["tos", "0x10"] if version == 4 else ["from", "all"]


def rules(dice, host):
    tables = ["100", "101"]
    for _ in range(dice.choice((1, 1, 2, 3))):
        version = dice.choice((4, 6))
        words = dice.choice(([], [], [], ["not"])) + selector(dice, version)
        if dice.random() < 0.2:
            words += [word for word in selector(dice, version) if word not in words]
        action = dice.random()
        if action < 0.6:
            words += ["lookup", dice.choice(tables + tables + ["main", "local"])]
            if dice.random() < 0.2:
                words += ["suppress_prefixlength", dice.choice(("0", "23", "31"))]
        else:
            words += [dice.choice(("blackhole", "unreachable", "prohibit"))]
        words += ["priority", str(dice.choice((0, 5, 100, 200, 32766, 40000)))]
        host.ip.append(WORD[version] + ["rule", "add", *words])
    if dice.random() < 0.1:
        version = dice.choice((4, 6))
        host.ip += [WORD[version] + ["rule", "add", "lookup", "local", "priority", "300"],
                    WORD[version] + ["rule", "del", "priority", "0"]]
    for table in tables:
        for _ in range(dice.choice((0, 1, 2))):
            version = dice.choice((4, 6))
            host.ip.append(WORD[version] + ["route", "add", *route(dice, version), "table", table])


def local_table(dice, host):
    version = dice.choice((4, 6))
    target = dice.choice(TARGETS[version])
    length = {4: "32", 6: "128"}[version]
    prefix = {4: "192.168.7.0/24", 6: "fd07::/64"}[version]
    host.ip.append(WORD[version] + dice.choice((
        ["route", "add", "local", prefix, "dev", "lo"],
        ["route", "del", "local", f"{target}/{length}", "table", "local"],
        ["route", "add", "local", f"{target}/{length}", "dev", dice.choice(("lo", "sv0", "sd0"))],
        ["route", "add", "broadcast" if version == 4 else "anycast",
         dice.choice((target, OF_CLIENT[version][0])) + f"/{length}", "dev", "sv0", "table", "local"],
        ["route", "add", "blackhole", f"{target}/{length}", "table", "local"])))


def neighbours(dice, host):
    for _ in range(dice.choice((1, 1, 2))):
        version = dice.choice((4, 6))
        address, device = dice.choice([(OF_CLIENT[version][0], "sv0"), (OF_CLIENT[version][1], "sv0"),
                                       (OF_CLIENT[version][4], "sd0"),
                                       (TARGETS[version][7], "br0")])
        host.late.append(WORD[version] + dice.choice((
            ["neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "dev", device, "nud",
             "permanent"],
            ["neigh", "replace", address, "dev", device, "nud", "noarp", "lladdr",
             "02:00:00:00:00:98"],
            ["neigh", "replace", address, "dev", device, "nud", "failed"],
            ["neigh", "del", address, "dev", device])))


def sysctls(dice, host):
    for _ in range(dice.choice((1, 2, 2, 3, 5))):
        kind = dice.random()
        device = dice.choice(("all", "sv0", "sd0", "br0", "lo"))
        if kind < 0.5:
            name = dice.choice(list(CONF4) + ["rp_filter", "accept_local", "forwarding"] * 2)
            host.sysctls.append((f"net.ipv4.conf.{device}.{name}", dice.choice(CONF4[name])))
        elif kind < 0.6:
            name = dice.choice(list(CONF6))
            host.sysctls.append((f"net.ipv6.conf.{device}.{name}", dice.choice(CONF6[name])))
        else:
            name = dice.choice(list(PLAIN))
            host.sysctls.append((name, dice.choice(PLAIN[name])))


def nat_rule(dice, hook):
    version = dice.choice((4, 6))
    word = {4: "ip", 6: "ip6"}[version]
    match = dice.choice(("", f"iifname {dice.choice(DEVICES)} " if hook == "prerouting" else
                         f"oifname {dice.choice(DEVICES)} " if hook == "postrouting" else "",
                         f"{word} daddr {dice.choice(TARGETS[version])} ",
                         f"{word} saddr {dice.choice(OF_CLIENT[version])} "))
    match += f"meta nfproto ipv{version} " + dice.choice(("tcp", "th", "udp")) + " dport " + \
        dice.choice(("8080", "8081", "80", "8080-8090")) + " "
    match = match.replace(" th ", " meta l4proto { tcp, udp } th ")
    if hook == "postrouting":
        return match + dice.choice(("masquerade", f"snat {word} to {dice.choice(TARGETS[version])}",
                                    f"snat {word} to {dice.choice(OF_CLIENT[version])}"))
    to = dice.choice(TARGETS[version] + [TARGETS[version][7]] * 4 + LOOPBACK[version]
                     + OF_CLIENT[version] + [GATEWAYS[version][3][0]])
    bracket = f"[{to}]" if version == 6 else to
    return match + dice.choice((f"dnat {word} to {bracket}:80", f"dnat {word} to {to}",
                                f"dnat {word} to {bracket}:8080", "redirect to :8080",
                                f"dnat {word} to {bracket}:8081"))


def nat(dice, host):
    hooks = dice.sample(("prerouting", "prerouting", "output", "postrouting", "input"), 2)
    lines = ["table inet twin_nat {"]
    for hook in sorted(set(hooks) - {"input"}):
        priority = "srcnat" if hook == "postrouting" else "-100"
        lines.append(f"chain {hook} {{ type nat hook {hook} priority {priority};")
        lines += ["  " + nat_rule(dice, hook) for _ in range(dice.choice((1, 1, 2)))]
        lines.append("}")
    host.nft.append("\n".join(lines) + "\n}\n")
    if dice.random() < 0.7:
        host.sysctls += [("net.ipv4.ip_forward", 1), ("net.ipv6.conf.all.forwarding", 1)]


def marks(dice, host):
    """Marks that routing sees: of the packets that arrive, of answers, of connections."""
    lines = ["table inet twin_marks {"]
    for hook, kind, priority in (("prerouting", "filter", -150), ("output", "route", -150),
                                 ("output", "filter", -140), ("input", "filter", -150),
                                 ("forward", "filter", -150)):
        if dice.random() < 0.5:
            continue
        match = dice.choice(("", "tcp dport 8080 ", "tcp sport 8080 ", "udp dport 8080 ",
                             "iifname sv0 " if hook == "prerouting" else ""))
        what = dice.choice(("meta mark set 1", "meta mark set 2", "ct mark set 1",
                            "meta mark set ct mark", "ct mark set meta mark"))
        lines.append(f"chain {kind}_{hook} {{ type {kind} hook {hook} priority {priority}; "
                     f"{match}{what}; }}")
    host.nft.append("\n".join(lines) + "\n}\n")
    for version in (4, 6):
        if dice.random() < 0.6:
            host.ip.append(WORD[version] + ["rule", "add", "fwmark", dice.choice("12"), *dice.choice(
                (["lookup", "100"], ["blackhole"], ["unreachable"], ["lookup", "local"]))])
            host.ip.append(WORD[version] + ["route", "add", *route(dice, version), "table", "100"])


def filters(dice, host):
    lines = ["table inet twin_filter {"]
    for hook in ("prerouting", "input", "forward", "output", "postrouting"):
        if dice.random() < 0.6:
            continue
        lines.append(f"chain {hook} {{ type filter hook {hook} priority {dice.choice((-5, 5, 110))};")
        lines.append(f"  {DISCOVERY} accept")
        for _ in range(dice.choice((1, 2))):
            side = {"prerouting": ["iif"], "input": ["iif"], "output": ["oif"],
                    "postrouting": ["oif", "iif"], "forward": ["iif", "oif"]}[hook]
            fib = f"fib daddr type {dice.choice(('local', '!= local'))} "
            match = dice.choice((f"{dice.choice(side)}name {dice.choice(('', '!= '))}"
                                 f"{dice.choice(DEVICES)} ",
                                 f"ip saddr {dice.choice(OF_CLIENT[4])} ", "ct state new ",
                                 "" if hook == "postrouting" else fib,
                                 "fib saddr . iif oif missing " if hook == "prerouting" else "",
                                 f"meta mark {dice.choice('012')} ", "meta skuid 0 "
                                 if hook in ("output", "postrouting") else "ct state invalid "))
            match += dice.choice(("", "tcp dport 8080 ", "meta l4proto tcp ", "tcp sport 8080 "))
            act = dice.choice(["drop", "drop", "accept"] if hook == "postrouting" else
                              ["reject", "reject with icmpx admin-prohibited", "drop", "drop", "accept",
                               "reject with icmpx host-unreachable", "reject with icmpx no-route"])
            lines.append("  " + match + act)
        lines.append("}")
    host.nft.append("\n".join(lines) + "\n}\n")


def with_discovery(text):
    """Rules for ip6tables-restore that let neighbour discovery pass."""
    lines, chains = [], []
    for line in text.split("\n"):
        if line.startswith("*"):
            chains = []
        elif line.startswith(":") and line[1:].split()[0].isupper():
            chains.append(line[1:].split()[0])
        elif chains and not line.startswith(":"):
            lines += [f"-A {chain} -p icmpv6 --icmpv6-type {kind} -j ACCEPT" for chain in chains
                      for kind in (135, 136)]
            chains = []
        lines.append(line)
    return "\n".join(lines)


def legacy(dice, host):
    """iptables-legacy with ipsets."""
    host.legacy.append(("ipset restore", xt_rules.sets(dice)))
    for version in dice.choice(((4,), (6,), (4, 6))):
        program = {4: "iptables", 6: "ip6tables"}[version]
        text = xt_rules.ruleset(dice, version)
        host.legacy.append((f"{program}-legacy-restore",
                            with_discovery(text) if version == 6 else text))


def busy(dice, host):
    """Servers that never accept, whose queue is full, and stopped ones whose queue has room."""
    version = dice.choice((4, 6))
    words = [{4: "0.0.0.0", 6: "::"}[version], BUSY_PORT]
    if version == 6:
        words = ["--v6only", dice.choice("01")] + words
    if dice.random() < 0.6:
        host.busy.append((["--backlog", dice.choice("012"), "--no-accept"] + words, "full"))
    else:
        host.busy.append((["--backlog", "100"] + words, "stopped"))


def listeners(dice, host):
    """Beyond those that serve everything on 8080: on 8081 odd ones."""
    for _ in range(dice.choice((1, 1, 2))):
        version = dice.choice((4, 6))
        address = dice.choice([["0.0.0.0"], ["::"]][version == 6] * 3 + TARGETS[version])
        words = ["--freebind", "--reuseaddr"]
        if dice.random() < 0.3:
            words += ["--device", dice.choice(DEVICES)]
        if dice.random() < 0.3:
            words += ["--mark", dice.choice("12")]
        if dice.random() < 0.2:
            words += ["--transparent"]
        if dice.random() < 0.2:
            words += ["--uid", "65534"]
        if version == 6 and dice.random() < 0.5:
            words += ["--v6only", dice.choice("01")]
        kind = dice.random()
        if kind < 0.25:
            words += ["--udp"]
        elif kind < 0.35:
            words += ["--mptcp"]
        elif kind < 0.45:
            words += ["--defer-accept", "5"]
        elif kind < 0.55:
            words += ["--fastopen"]
        elif kind < 0.65:
            words += ["--md5", dice.choice(OF_CLIENT[version])]
        elif kind < 0.75:
            words += ["--reuseport"]
        host.listeners.append(["--try"] + words + [address, "8081"])


DIMENSIONS = {"addresses": (addresses, 0.35), "links": (links, 0.15), "routes": (routes, 0.5),
              "deleted": (deleted_routes, 0.15), "rules": (rules, 0.35),
              "local_table": (local_table, 0.25), "neighbours": (neighbours, 0.2),
              "sysctls": (sysctls, 0.6), "nat": (nat, 0.3), "marks": (marks, 0.2),
              "filters": (filters, 0.2), "listeners": (listeners, 0.5),
              "legacy": (legacy, 0.15), "busy": (busy, 0.2)}
PLAIN_LISTENERS = [["0.0.0.0", "8080"], ["--v6only", "1", "::", "8080"], ["--udp", "0.0.0.0", "8080"],
                   ["--udp", "--v6only", "1", "::", "8080"]]


def host(dice, only=None):
    """A random host; `only`: the names of the dimensions that vary."""
    made = Host()
    made.listeners += PLAIN_LISTENERS
    for name, (vary, share) in DIMENSIONS.items():
        if dice.random() < share if only is None else name in only:
            vary(dice, made)
    return made


def clients(dice, count):
    """[(where, device, proto, source, target, port)]; where: client, server, nobody, container."""
    made = set()
    while len(made) < count:
        version = dice.choice((4, 4, 6))
        proto = "tcp" if dice.random() < 0.8 else "udp"
        port = dice.choice((8080,) * 6 + (8081, 8081, 8090, 8090, int(BUSY_PORT)))
        where = dice.choice(("client",) * 5 + ("server",) * 3 + ("nobody", "container"))
        target = dice.choice(TARGETS[version])
        if where == "client":
            device = dice.choice(("sv0", "sv0", "sv0", "sd0"))
            few = dice.choice((SOURCES, OF_CLIENT, OF_CLIENT, OF_CLIENT))
            made.add((where, device, proto, dice.choice(few[version]), target, port))
        elif where == "container":
            if target != TARGETS[version][7]:
                made.add((where, "br0", proto, TARGETS[version][7], target, port))
        else:
            own = TARGETS[version][:5] + LOOPBACK[version]
            target = dice.choice(own + TARGETS[version])
            source = dice.choice(own)
            if target in own and dice.random() < 0.6:
                source = target
            made.add((where, None, proto, source, target, port))
    return sorted(made, key=str)
