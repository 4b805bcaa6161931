"""Random rulesets for iptables-restore and ip6tables-restore, for both back ends.

The hosts they are made for are those of firewall.py, like nft_rules.py's.
"""

from nft_rules import ADDRESSES, DEVICES, MARKS, NETWORKS, PORTS, RANGES

HOOKS = {"raw": ["PREROUTING", "OUTPUT"], "mangle": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
         "filter": ["INPUT", "INPUT", "INPUT", "OUTPUT"], "security": ["INPUT", "OUTPUT"],
         "nat": ["PREROUTING", "PREROUTING", "OUTPUT", "INPUT", "POSTROUTING"]}
BUILT_IN = {"raw": ["PREROUTING", "OUTPUT"],
            "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
            "filter": ["INPUT", "FORWARD", "OUTPUT"], "security": ["INPUT", "FORWARD", "OUTPUT"],
            "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]}
SETS = {4: ["hosts4", "nets4", "hostport4", "netport4", "list4"],
        6: ["hosts6", "nets6", "hostport6", "netport6"]}


def no(dice):
    return dice.choice(("", "", "", "! "))


def port_word(dice):
    return dice.choice((dice.choice(PORTS), dice.choice(("8000:8080", ":8079", "8081:", "8080:8081"))))


def protocol_match(dice):
    proto = dice.choice(("tcp", "tcp", "tcp", "udp"))
    words = [f"-p {proto}"]
    kind = dice.random()
    if kind < 0.5:
        words.append(f"{no(dice)}--dport {port_word(dice)}")
    elif kind < 0.75:
        ports = ",".join(dice.sample(PORTS, 2) + ["9000:9010"])
        words.append(f"-m multiport {no(dice)}{dice.choice(('--dports', '--dports', '--ports'))} {ports}")
    elif proto == "tcp":
        words.append(dice.choice(("--syn", "! --syn", "--tcp-flags SYN,RST,ACK,FIN SYN",
                                  "--tcp-flags ALL ACK", "--tcp-flags PSH PSH", "--tcp-option 2",
                                  "! --tcp-option 8", "--sport 1024:", "--sport :1023",
                                  "-m tcpmss --mss 1:1440", "-m tcpmss --mss 1441:65535",
                                  "-m length --length 60", "-m length --length :52")))
    return " ".join(words)


def address_match(dice, version):
    side = dice.choice(("-s", "-s", "-d"))
    kind = dice.random()
    if kind < 0.45:
        return f"{no(dice)}{side} {dice.choice(ADDRESSES[version])}"
    if kind < 0.8:
        return f"{no(dice)}{side} {dice.choice(NETWORKS[version])}"
    option = {"-s": "--src-range", "-d": "--dst-range"}[side]
    return f"-m iprange {no(dice)}{option} {dice.choice(RANGES[version])}"


def device_match(dice, hook):
    words = []
    if hook in ("PREROUTING", "INPUT"):
        words = [f"{no(dice)}-i {dice.choice(DEVICES + ['s+'])}", "-m rpfilter", "-m rpfilter --invert",
                 "-m rpfilter --loose", "-m devgroup --src-group 0x0", "-m devgroup ! --src-group 0x7"]
        if hook == "INPUT":
            words = words[:1] + words[-2:]
    if hook in ("OUTPUT", "POSTROUTING"):
        words = [f"{no(dice)}-o {dice.choice(DEVICES + ['s+'])}", "-m devgroup --dst-group 0x0"]
    return dice.choice(words)


def other_match(dice, table, hook, version):
    words = [f"-m mark {no(dice)}--mark {dice.choice(MARKS)}", "-m mark --mark 0x0/0x3",
             f"-m addrtype {no(dice)}--src-type {dice.choice(('LOCAL', 'UNICAST'))}",
             f"-m addrtype {no(dice)}--dst-type LOCAL", "-m pkttype --pkt-type unicast",
             "-m pkttype ! --pkt-type broadcast", '-m comment --comment "a \\"word\\" or two"',
             "-m length --length 40:60", "-m dscp --dscp 0", "-m tos --tos 0x00",
             "-m ttl --ttl-eq 64" if version == 4 else "-m hl --hl-eq 64",
             "-m ttl --ttl-lt 64" if version == 4 else "-m hl --hl-lt 64",
             "-m time --timestart 00:00 --timestop 23:59", '-m u32 --u32 "0>>28=4:6"',
             "-m u32 --u32 \"4&0x3FFF=0\"" if version == 4 else "-m u32 --u32 \"6&0xFF=6\"",
             "-m string --algo bm --string ping", "-m statistic --mode random --probability 1",
             "-m set --match-set " + dice.choice(SETS[version]) + " "
             + dice.choice(("src,dst", "src", "dst,dst")),
             "-m set ! --match-set " + dice.choice(SETS[version][:2]) + " src"]
    if table != "raw":
        words += [f"-m conntrack {no(dice)}--ctstate {dice.choice(('NEW', 'ESTABLISHED', 'RELATED,ESTABLISHED', 'INVALID', 'DNAT', 'NEW,UNTRACKED'))}",
                  f"-m state --state {dice.choice(('NEW', 'ESTABLISHED,RELATED'))}",
                  f"-m conntrack --ctdir {dice.choice(('ORIGINAL', 'REPLY'))}",
                  f"-m conntrack --ctorigdstport {dice.choice(PORTS)}",
                  f"-m conntrack {no(dice)}--ctproto {dice.choice(('6', '17'))}",
                  f"-m conntrack --ctorigsrc {dice.choice(ADDRESSES[version])}",
                  "-m conntrack --ctstatus ASSURED", "-m conntrack --ctstatus SEEN_REPLY",
                  f"-m connmark --mark {dice.choice(MARKS)}", "-m connmark ! --mark 0x0",
                  "-m connbytes --connbytes 0:100 --connbytes-mode packets --connbytes-dir both",
                  "-m helper ! --helper ftp"]
    if hook == "OUTPUT":
        words += ["-m owner --uid-owner 0", "-m owner ! --uid-owner 0", "-m owner --uid-owner 1000-2000",
                  "-m owner --gid-owner 0", "-m owner --socket-exists"]
    if hook in ("PREROUTING", "INPUT") and table in ("mangle", "filter"):
        words += ["-m socket", "-m socket --transparent", "-m socket --nowildcard"]
    return dice.choice(words)


def matches(dice, table, hook, version):
    words = []
    if dice.random() < 0.5:
        words.append(address_match(dice, version))
    if dice.random() < 0.2 and table != "mangle":
        words.append(device_match(dice, hook))
    if dice.random() < 0.6:
        words.append(protocol_match(dice))
    if dice.random() < 0.45:
        words.append(other_match(dice, table, hook, version))
    return " ".join(words)


REJECT = {4: ["icmp-port-unreachable", "icmp-net-unreachable", "icmp-host-unreachable",
              "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited",
              "icmp-admin-prohibited"],
          6: ["icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable",
              "icmp6-port-unreachable"]}


def filter_rule(dice, table, hook, version, chains):
    text = matches(dice, table, hook, version)
    kind = dice.random()
    if chains and kind < 0.2:
        return f"{text} {dice.choice(('-j', '-g'))} {dice.choice(chains)}"
    if kind < 0.5:
        return f"{text} -j ACCEPT"
    if kind < 0.7:
        return f"{text} -j DROP"
    if kind < 0.85 and table == "filter":
        if "-p tcp" in text and dice.random() < 0.4:
            return f"{text} -j REJECT --reject-with tcp-reset"
        return f"{text} -j REJECT --reject-with {dice.choice(REJECT[version])}"
    if kind < 0.9:
        return f"{text} -j RETURN"
    words = ["-j LOG --log-prefix x", "-j NFLOG --nflog-group 9"]
    if table == "mangle":
        words += [f"-j MARK --set-mark {dice.choice(MARKS)}", "-j MARK --set-xmark 0x1/0x3",
                  f"-j CONNMARK --set-mark {dice.choice(MARKS)}", "-j CONNMARK --save-mark",
                  "-j CONNMARK --restore-mark"]
        if "-p" not in text:
            words += ["-p tcp --syn -j TCPMSS --set-mss 1300"]
        if hook != "INPUT":
            words += ["-j DSCP --set-dscp 8"]
    if table == "raw":
        words += ["-j NOTRACK", "-j CT --notrack", "-j TRACE"]
    return f"{text} {dice.choice(words)}"


def nat_rule(dice, hook, version):
    text = matches(dice, "nat", hook, version)
    proto = "-p" in text
    targets = {4: ["10.77.0.1", "10.77.0.11", "10.78.0.1"], 6: ["fd77::1", "fd77::11", "fd78::1"]}[version]
    target = dice.choice(targets)
    bracket = f"[{target}]" if version == 6 else target
    port = dice.choice(PORTS)
    if hook in ("PREROUTING", "OUTPUT"):
        if not proto and dice.random() < 0.5:
            return f"{text} -j DNAT --to-destination {target}"
        text = text if proto else f"{text} -p tcp"
        return f"{text} " + dice.choice((f"-j REDIRECT --to-ports {port}",
                                         f"-j DNAT --to-destination {bracket}:{port}"))
    if hook == "POSTROUTING" and dice.random() < 0.4:
        return f"{text} -j MASQUERADE"
    return f"{text} -j SNAT --to-source {dice.choice(targets[:2])}"


def table(dice, name, version):
    policies = {chain: "ACCEPT" for chain in BUILT_IN[name]}
    if name != "nat" and dice.random() < 0.2:
        policies[dice.choice(HOOKS[name])] = "DROP"
    hooks = [dice.choice(HOOKS[name]) for _ in range(dice.randint(1, 5))]
    shared = hooks[0]  # rules of user chains fit one hook, only its rules jump there
    chains = [f"{name}-{index}" for index in range(dice.choice((0, 0, 1, 2)))] if name != "nat" else []
    lines = [f"*{name}"] + [f":{chain} {policy} [0:0]" for chain, policy in policies.items()]
    lines += [f":{chain} - [0:0]" for chain in chains]
    for hook in hooks:
        rule = (nat_rule(dice, hook, version) if name == "nat" else
                filter_rule(dice, name, hook, version, chains if hook == shared else []))
        lines.append(f"-A {hook} {rule}")
    for index, chain in enumerate(chains):
        for _ in range(dice.randint(1, 3)):
            lines.append(f"-A {chain} " + filter_rule(dice, name, shared, version, chains[index + 1:]))
    return lines + ["COMMIT"]


def ruleset(dice, version):
    """The text for `iptables-restore` (4) or `ip6tables-restore` (6)."""
    lines = []
    for name in ("raw", "mangle", "nat", "filter", "security"):
        share = {"filter": 0.95, "nat": 0.25, "mangle": 0.3, "raw": 0.2, "security": 0.1}[name]
        if dice.random() < share:
            lines += table(dice, name, version)
    return "\n".join(lines) + "\n"


def sets(dice):
    """The text for `ipset restore`: every set that the rules name."""
    lines = []
    for version in (4, 6):
        family = {4: "inet", 6: "inet6"}[version]
        lines += [f"create hosts{version} hash:ip family {family}",
                  f"create nets{version} hash:net family {family}",
                  f"create hostport{version} hash:ip,port family {family}",
                  f"create netport{version} hash:net,port family {family}"]
        lines += [f"add hosts{version} {one}" for one in dice.sample(ADDRESSES[version], 3)]
        lines += [f"add nets{version} {one}" for one in set(dice.sample(NETWORKS[version], 2))
                  if not one.endswith("/1")]
        lines += [f"add hostport{version} {dice.choice(ADDRESSES[version])},tcp:{dice.choice(PORTS)}"]
        lines += [f"add netport{version} {NETWORKS[version][0]},{dice.choice(('tcp', 'udp'))}:8080"]
    lines += ["create list4 list:set", "add list4 hosts4", "add list4 nets4"]
    return "\n".join(lines) + "\n"
