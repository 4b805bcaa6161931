"""One connection of trials.py: who calls whom, by what way, what is translated, which hooks it meets.

    client 10.77.0.2 --- sv0 server 10.77.0.1 ct0 --- 10.79.0.2 container
     guest 10.78.0.2 --- bp0 br0 10.78.0.1

The rules stand in the server's namespace; the container is behind it, for packets on their way
through. A world is made of a seed, so that client and server can make the same one by themselves.
"""

import random

PORT, CALLED, SOURCE_PORT = 8080, 9090, 40000
SYN, SYNACK, ACK, DATA = "syn", "synack", "ack", "data"
#: hook: (base chain in nft's words, priority, what of iptables stands there)
HOOKS = {"dev": ("ingress", -5, None), "idev": ("ingress", 5, None),
         "raw": ("prerouting", -299, ("raw", "PREROUTING")), "pre": ("prerouting", -149, ("mangle", "PREROUTING")),
         "in": ("input", 1, ("filter", "INPUT")), "through": ("forward", 1, ("filter", "FORWARD")),
         "rawout": ("output", -299, ("raw", "OUTPUT")), "out": ("output", 1, ("filter", "OUTPUT")),
         "post": ("postrouting", -149, ("mangle", "POSTROUTING")), "late": ("postrouting", 300, None),
         "egr": ("egress", 0, None), "bpre": ("prerouting", -5, None), "bin": ("input", 5, None),
         "bout": ("output", 5, None), "bpost": ("postrouting", 5, None)}
ARRIVING = ("dev", "idev", "raw", "pre", "in", "bpre", "bin")
BETWEEN = ("through",)
OF_BRIDGE = ("bpre", "bin", "bout", "bpost")
OF_DEVICES = ("dev", "idev", "egr")
ADDRESSES = {4: {"server": "10.77.0.1", "other": "10.77.0.11", "client": "10.77.0.2", "gate": "10.79.0.1",
                 "behind": "10.79.0.2", "bridge": "10.78.0.1", "guest": "10.78.0.2"},
             6: {"server": "fd77::1", "other": "fd77::11", "client": "fd77::2", "gate": "fd79::1",
                 "behind": "fd79::2", "bridge": "fd78::1", "guest": "fd78::2"}}


class World:
    """Everything that is thrown before the rules are."""

    def __init__(self, seed):
        dice = random.Random(seed)
        self.version = dice.choice((4, 4, 6))
        self.udp = dice.random() < 0.3
        self.way = dice.choice(("local", "link", "link", "through", "bridge"))
        self.legacy = dice.random() < 0.5
        self.nat = dice.choice(("none", "none", "redirect", "dnat", "snat"))
        if self.way == "through" and self.nat == "redirect":
            self.nat = "dnat"
        at = dict(ADDRESSES[self.version])
        if self.way == "bridge":
            at["server"], at["client"] = at["bridge"], at["guest"]
        self.served = at["behind"] if self.way == "through" else at["server"]
        self.called = at["server"] if self.nat in ("dnat", "redirect") else self.served
        if self.way != "through" and self.nat == "dnat":
            self.served = at["other"]
        self.called_port = CALLED if self.nat in ("dnat", "redirect") else PORT
        self.caller = at["server"] if self.way == "local" else at["client"]
        self.seen = self.caller
        if self.nat == "snat" and self.way == "through":
            self.seen = at["gate"]
        elif self.nat == "snat" and self.way == "local":
            self.seen = at["other"]
        self.servers = (self.called, self.served)
        self.clients = (self.caller, self.seen)
        self.ip = "ip" if self.version == 4 else "ip6"
        self.l4 = "udp" if self.udp else "tcp"
        self.packets = ("datagram", "answer") if self.udp else (SYN, SYNACK, ACK, DATA)
        self.devices = {"local": ("lo",), "link": ("sv0",), "through": ("sv0", "ct0"), "bridge": ("br0",)}[self.way]

    def ends(self, dice, packet):
        """(source, target, source port, target port) as some hook may see them."""
        client, server = dice.choice(self.clients), dice.choice(self.servers)
        port = dice.choice((PORT, self.called_port))
        if packet in (SYNACK, "answer"):
            return server, client, port, SOURCE_PORT
        return client, server, SOURCE_PORT, port

    def hooks(self, packet):
        """The hooks of the server's namespace that a packet passes."""
        hooks = [hook for hook in HOOKS if self.way == "bridge" or hook not in OF_BRIDGE]
        if self.way == "local":
            return [hook for hook in hooks if hook != "through"]
        if self.way == "through":
            return [hook for hook in hooks if hook not in ("in", "rawout", "out")]
        answers = packet in (SYNACK, "answer")
        return [hook for hook in hooks if (hook in ARRIVING) != answers and hook != "through"]

    def nat_rules(self):
        """(hook, rule in nft's words, rule in iptables' words)"""
        bracket = "[{}]" if self.version == 6 else "{}"
        to = f"{bracket.format(self.served)}:{PORT}"
        call = f"-d {self.called} -p {self.l4} --dport {CALLED} -j"
        match = f"{self.ip} daddr {self.called} {self.l4} dport {CALLED}"
        chain = "output" if self.way == "local" else "prerouting"
        if self.nat == "redirect":
            return [(chain, f"{match} redirect to :{PORT}", f"{call} REDIRECT --to-ports {PORT}")]
        if self.nat == "dnat":
            return [(chain, f"{match} dnat {self.ip} to {to}", f"{call} DNAT --to-destination {to}")]
        if self.nat == "snat" and self.way == "through":
            return [("postrouting", f"oifname ct0 {self.l4} dport {PORT} masquerade",
                     f"-o ct0 -p {self.l4} --dport {PORT} -j MASQUERADE")]
        if self.nat == "snat" and self.way == "local":
            return [("postrouting", f"{self.l4} dport {PORT} snat {self.ip} to {self.seen}",
                     f"-p {self.l4} --dport {PORT} -j SNAT --to-source {self.seen}")]
        return []


def changes(dice, world, hook):
    """What a rule may change before others look, in nft's words: no change that stops a packet."""
    words = ["meta mark set 5", "meta mark set meta mark | 0x4", "meta mark set meta mark ^ 0x1",
             "meta priority set 1:2", "log", "meta mark set 0x10", f"meta mark set {world.ip} saddr map {{ {world.caller} : 5 }}",
             f"meta mark set {world.l4} dport map {{ {PORT} : 1, {CALLED} : 5 }}"]
    if hook in OF_DEVICES + OF_BRIDGE:
        return dice.choice(words)
    words += set_changes(dice, world)
    if hook in ("raw", "rawout"):
        words += zones(dice, world, hook)
    if hook not in ("raw", "rawout"):
        words += ["ct mark set 1", "ct mark set meta mark", "meta mark set ct mark", "ct mark set ct mark | 0x2",
                  "ct label set 3"]
    elif world.nat == "none":
        words += ["notrack", f"{world.l4} sport {SOURCE_PORT} notrack"]
        if not world.udp:
            words += [f"tcp flags & (syn | ack) == {flags} notrack" for flags in ("syn", "ack", "syn | ack")]
    if world.version == 4:
        words += ["ip dscp set cs1", "ip ttl set 63", "ip ecn set ce"]
    else:
        words += ["ip6 dscp set cs1", "ip6 hoplimit set 63"]
    if not world.udp:
        words += ["tcp option maxseg size set 1300"]
    return dice.choice(words)


def set_changes(dice, world):
    """Sets of the table that a rule writes."""
    ip, side = world.ip, dice.choice(("saddr", "daddr"))
    return [f"add @seen {{ {ip} {side} }}", f"update @seen {{ {ip} {side} timeout 10m }}", f"delete @seen {{ {ip} {side} }}",
            f"delete @hosts {{ {ip} {side} }}", f"update @hosts {{ {ip} {side} timeout 5m }}",
            f"{world.l4} sport {SOURCE_PORT} add @seen {{ {ip} {side} counter }}"]


def both_ways(world, hook):
    """Packets of both directions come by this hook before conntrack looks."""
    return world.way == "through" or hook in ("rawout", "OUTPUT") and world.way == "local"


def zones(dice, world, hook):
    """Zones of conntrack. An answer that is in another zone than its question is not translated back."""
    words = [f"ct zone set {dice.choice((1, 5))}", "meta mark set 5 ct zone set 5"]
    if world.nat == "none":
        words += [f"ct {dice.choice(('original', 'reply'))} zone set {dice.choice((1, 5))}", f"{world.l4} sport {SOURCE_PORT} ct zone set 5",
                  f"{world.l4} dport {SOURCE_PORT} ct zone set {dice.choice((1, 5))}", "notrack ct zone set 5", "ct zone set 1 notrack"]
        if not world.udp:
            words += [f"tcp flags & (syn | ack) == {flags} ct zone set 5" for flags in ("syn", "ack", "syn | ack")]
    return words if world.nat == "none" or both_ways(world, hook) else []


def xt_zones(dice, world, chain):
    """The same as targets of iptables."""
    number = dice.choice((1, 5))
    words = [f"-j CT --zone {number}", "-j CT --zone mark", "-j CT --ctevents new", "-j CT --ctevents assured --zone 5"]
    if world.nat == "none":
        words += [f"-j CT --zone-orig {number}", f"-j CT --zone-reply {number}", f"-p {world.l4} --sport {SOURCE_PORT} -j CT --zone {number}",
                  f"-p {world.l4} --dport {SOURCE_PORT} -j CT --zone {number}", "-j CT --zone-orig mark", "-j CT --zone-reply mark"]
        if not world.udp:
            words += [f"-p tcp --tcp-flags SYN,ACK {flags} -j {target}" for flags in ("SYN", "ACK", "SYN,ACK")
                      for target in ("CT --zone 5", "CT --notrack")]
    return words if world.nat == "none" or both_ways(world, chain) else []


def xt_changes(dice, world, table, chain):
    """The same as targets of iptables."""
    words = ["-j MARK --set-mark 5", "-j MARK --set-xmark 0x1/0x3", "-j MARK --or-mark 4", "-j MARK --and-mark 0xfe",
             "-j MARK --xor-mark 1", "-j LOG", "-j NFLOG", "-j AUDIT --type accept"]
    side = dice.choice(("src", "dst"))
    words += [f"-j SET --add-set seen{world.version} {side}", f"-j SET --del-set seen{world.version} {side}",
              f"-j SET --del-set hosts{world.version} {side}", f"-j SET --add-set hosts{world.version} {side} --exist",
              f"-j SET --add-set pairs{world.version} {side},{dice.choice(('src', 'dst'))}", f"-j SET --add-set nets{world.version} {side}",
              f"-j SET --del-set nets{world.version} {side}"]
    if table == "raw":
        if world.nat == "none":
            words += ["-j NOTRACK", "-j CT --notrack", "-j TRACE"]
        return dice.choice(words + xt_zones(dice, world, chain))
    words += ["-j CONNMARK --set-mark 1", "-j CONNMARK --set-xmark 0x4/0x6", "-j CONNMARK --save-mark",
              "-j CONNMARK --restore-mark", "-j CONNMARK --or-mark 2"]
    if table == "mangle":
        words += ["-j DSCP --set-dscp 8", "-j TOS --set-tos 0x20", "-j TOS --or-tos 0x04", "-j CHECKSUM --checksum-fill",
                  "-j TTL --ttl-set 63" if world.version == 4 else "-j HL --hl-set 63",
                  "-j TTL --ttl-dec 1" if world.version == 4 else "-j HL --hl-dec 1"]
        if chain == "POSTROUTING":
            words += ["-j CLASSIFY --set-class 1:2"]
        if not world.udp:
            words += ["-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300",
                      "-p tcp -j TCPOPTSTRIP --strip-options timestamp"]
    return dice.choice(words)


def ipsets(dice, world):
    """Sets that the matches name, for `ipset restore`."""
    v, family = world.version, "inet" if world.version == 4 else "inet6"
    kinds = {"hosts": "hash:ip", "nets": "hash:net", "pairs": "hash:ip,port", "netport": "hash:net,port",
             "three": "hash:ip,port,ip", "wide": "hash:ip,port,net", "netif": "hash:net,iface", "seen": "hash:ip"}
    lines = [f"create {name}{v} {kind} family {family}" for name, kind in kinds.items()]
    lines += ["create ports bitmap:port range 1-65535", f"add ports {PORT}-{PORT + dice.randint(0, 2000)}",
              f"create list{v} list:set", f"add list{v} hosts{v}", f"add list{v} nets{v}"]
    every = list(ADDRESSES[v].values())
    bits = 32 if v == 4 else 128

    def net():
        return f"{dice.choice(every)}/{dice.choice((bits, bits - 1, bits - 4, bits - 8))}"

    def port():
        return dice.choice((f"tcp:{PORT}", f"udp:{PORT}", f"{world.l4}:{CALLED}", f"{world.l4}:{SOURCE_PORT}"))

    for _ in range(2):
        lines += [f"add hosts{v} {dice.choice(every)}", f"add nets{v} {net()}", f"add pairs{v} {dice.choice(every)},{port()}",
                  f"add netport{v} {net()},{port()}", f"add three{v} {dice.choice(every)},{port()},{dice.choice(every)}",
                  f"add wide{v} {dice.choice(every)},{port()},{net()}", f"add netif{v} {net()},{dice.choice(world.devices)}"]
    if dice.random() < 0.3:
        lines.append(f"add nets{v} {dice.choice(every)}/{bits} nomatch")
    return "\n".join(lines) + "\n"
