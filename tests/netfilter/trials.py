#!/usr/bin/env python3
"""Rules against the kernel, one by one, along the whole way of a connection.

In a laboratory of two namespaces random rules that only count stand in chains for every hook and
every packet of a connection: SYN, SYN-ACK, ACK, data; a datagram and its answer. probe_rules says of
each rule whether the packet will match it, then a real client sends the packets and the rules'
counters say whether they did. A definite answer must be right; "both" is counted.

    SYNFATE=… SHOW_RULES=… PROBE_RULES=… tests/netfilter/trials.py [--trials N] [--seed N]
"""

import argparse
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

from lab import SKIPPED, Lab, enter

PORT, SOURCE_PORT = 8080, 40000
RULES = 24
BATCH = 6
SYN, SYNACK, ACK, DATA = "syn", "synack", "ack", "data"
#: hook: (base chain in nft's words, what of iptables stands there)
HOOKS = {"raw": ("prerouting", -300, None), "pre": ("prerouting", -150, ("mangle", "PREROUTING")),
         "in": ("input", 0, ("filter", "INPUT")), "rawout": ("output", -300, None),
         "out": ("output", 0, ("filter", "OUTPUT")), "post": ("postrouting", -150, ("mangle", "POSTROUTING")),
         "late": ("postrouting", 300, None)}
ARRIVING = ("raw", "pre", "in")


class World:
    """One connection: who calls whom, and by what."""

    def __init__(self, dice):
        self.version = dice.choice((4, 4, 6))
        self.udp = dice.random() < 0.3
        self.local = dice.random() < 0.3
        four = self.version == 4
        self.server = "10.77.0.1" if four else "fd77::1"
        self.client = self.server if self.local else "10.77.0.2" if four else "fd77::2"
        self.ip = "ip" if four else "ip6"
        self.l4 = "udp" if self.udp else "tcp"
        self.packets = ("datagram", "answer") if self.udp else (SYN, SYNACK, ACK, DATA)

    def hooks(self, packet):
        """The hooks of the server's namespace that a packet passes."""
        if self.local:
            return list(HOOKS)
        answers = packet in (SYNACK, "answer")
        return [hook for hook in HOOKS if (hook in ARRIVING) != answers]


def near(dice, number, low=0, high=2**32 - 1):
    return max(low, min(high, number + dice.choice((-1, 0, 0, 1))))


def nft_match(dice, world, hook, packet):
    """A match that the packet may just meet or just miss."""
    answers = packet in (SYNACK, "answer")
    ip, l4, bits = world.ip, world.l4, 32 if world.version == 4 else 128
    source, target = (world.server, world.client) if answers else (world.client, world.server)
    sport, dport = (PORT, SOURCE_PORT) if answers else (SOURCE_PORT, PORT)
    side = dice.choice(("saddr", "daddr"))
    address = source if side == "saddr" else target
    base, last = address.rsplit("." if world.version == 4 else ":", 1)
    other = f"{base}{'.' if world.version == 4 else ':'}{near(dice, int(last), 0, 9)}"
    port_side = dice.choice(("sport", "dport"))
    port = near(dice, sport if port_side == "sport" else dport)
    op = dice.choice(("", "!= ", "< ", "> ", "<= ", ">= "))
    no = dice.choice(("", "!= "))
    head = 20 if world.version == 4 else 40
    size = head + (8 if world.udp else {SYN: 40, SYNACK: 40, ACK: 32, DATA: 36}[packet])
    iface, oface = ("lo", "lo") if world.local else ("sv0", "sv0")
    device = "iif" if hook in ARRIVING else "oif"
    choices = [
        f"{ip} {side} {no}{other}",
        f"{ip} {side} {no}{other}/{dice.randint(bits - 6, bits)}",
        f"{ip} {side} {no}{{ {other}, {'192.0.2.1' if world.version == 4 else '2001:db8::1'} }}",
        f"{ip} saddr . {l4} dport {{ {other} . {near(dice, dport)} }}",
        f"{ip} saddr . {ip} daddr . {l4} dport {{ {source} . {target} . {near(dice, dport)} }}",
        f"{ip} saddr . {l4} sport {{ {other}/{bits - 3} . {near(dice, sport)}-{sport + 5} }}",
        f"{l4} {port_side} {op}{port}",
        f"{l4} {port_side} {no}{port}-{port + 1}",
        f"{l4} {port_side} {{ {port}, 1-7 }}",
        f"{l4} {port_side} & 0xfff0 == {port & 0xfff0}",
        f"{l4} {port_side} vmap {{ {port} : continue }}",
        f"th {port_side} {op}{port}",
        f"meta length {op}{near(dice, size)}",
        f"meta l4proto {no}{dice.choice(('tcp', 'udp'))}",
        f"meta nfproto {dice.choice(('ipv4', 'ipv6'))}",
        f"meta protocol {dice.choice(('ip', 'ip6'))}",
        f"meta mark {op}{dice.choice((0, 1, 5))}",
        f"meta priority {no}{dice.choice(('none', '0:1', '1:2'))}",
        f"meta pkttype {no}{dice.choice(('host', 'broadcast', 'multicast', 'other'))}",
        f"meta secmark {no}0",
        "meta ipsec missing", "meta ipsec exists",
        f"meta cgroup {no}{dice.choice((0, 1))}",
        f"meta skuid {no}{dice.choice((0, 1000))}", f"meta skgid {no}{dice.choice((0, 1000))}",
        f"{device}name {no}{dice.choice((iface, 'lo', 's*', 'eth0'))}",
        f"{device} {no}{dice.choice((iface, 'lo'))}",
        f"meta {device}type {no}{dice.choice(('ether', 'loopback'))}",
        f"{device}group {no}{dice.choice(('default', '7'))}",
        f"meta {device}kind {no}\"{dice.choice(('veth', 'bridge'))}\"",
        "iifname lo", "oifname lo", "oif sv0", "iif sv0", "meta iiftype ether", "meta iiftype loopback",
        "meta oiftype ether", f"meta sdif 0", f"rt classid {no}0", "rt ipsec missing",
        f"ct state {no}{dice.choice(('new', 'established', 'related', 'invalid', 'untracked'))}",
        "ct state { new, established }", f"ct state & (new | invalid) != 0",
        f"ct direction {no}{dice.choice(('original', 'reply'))}",
        f"ct status {dice.choice(('seen-reply', 'assured', 'confirmed', 'snat', 'dnat', 'expected', 'dying'))}",
        f"ct status & {dice.choice(('seen-reply', 'assured', 'confirmed'))} == 0",
        f"ct status {op}{dice.choice((0, 8, 10, 14, 384, 392, 398))}",
        f"ct mark {op}{dice.choice((0, 1))}", f"ct zone {no}{dice.choice((0, 1))}",
        f"ct l3proto {no}{dice.choice(('ipv4', 'ipv6'))}", f"ct protocol {no}{dice.choice(('tcp', 'udp'))}",
        f"ct helper {no}\"ftp\"", f"ct label {dice.choice((0, 3))}",
        f"ct original {ip} saddr {no}{other}", f"ct original {ip} daddr {no}{world.server}",
        f"ct reply {ip} saddr {no}{world.server}", f"ct reply {ip} daddr {other}",
        f"ct original protocol {l4} ct original proto-src {op}{near(dice, SOURCE_PORT)}",
        f"ct original proto-dst {op}{near(dice, PORT)}", f"ct reply proto-src {op}{near(dice, PORT)}",
        f"ct reply proto-dst {no}{near(dice, SOURCE_PORT)}",
        f"ct packets {op}{dice.randint(0, 5)}", f"ct original packets {op}{dice.randint(0, 4)}",
        f"ct reply packets {op}{dice.randint(0, 2)}",
        f"ct bytes {op}{near(dice, dice.choice((60, 120, 172, 80, 160, 232)))}",
        f"ct original bytes {op}{near(dice, dice.choice((60, 112, 80, 152)))}",
        f"ct reply bytes {op}{near(dice, dice.choice((0, 60, 80)))}",
        f"ct avgpkt {op}{near(dice, dice.choice((56, 57, 60, 76, 80)))}",
        f"ct original avgpkt {op}{near(dice, dice.choice((56, 60, 76, 80)))}",
        f"ct expiration {dice.choice(('< 1h', '> 30s', '120s'))}",
        f"fib daddr type {no}{dice.choice(('local', 'unicast', 'broadcast'))}",
        f"fib saddr type {no}{dice.choice(('local', 'unicast'))}",
        "fib daddr oif exists", "fib saddr oif exists", "fib saddr . iif oif missing",
        f"fib saddr . iif oif exists", f"fib daddr . iif type {no}local",
        f"fib saddr oifname {no}\"{dice.choice(('sv0', 'lo'))}\"", f"fib saddr oif {no}lo",
        f"fib saddr . mark . iif oif exists", f"fib saddr . oif type local",
        f"socket transparent {dice.choice((0, 1))}", f"socket wildcard {dice.choice((0, 1))}",
        f"socket mark {no}{dice.choice((0, 1))}",
        "numgen inc mod 2 0", "meta random < 2147483648", "meta cpu 0",
        f"@th,{dice.choice((0, 16))},16 {op}{port}", f"@nh,0,8 {op}{dice.choice(('0x45', '0x60', '0x46'))}",
        f"@ih,0,32 {no}0x70696e67", "@ih,0,8 0x70",
        f"limit rate 1000/second", "limit rate over 1000/second", "quota 10 mbytes", "quota over 10 mbytes",
        "ct count over 5", "ct count 5", "log", "exthdr frag missing", "exthdr hbh exists",
        "tcp option maxseg exists", f"tcp option maxseg size {op}{near(dice, 1460 if world.version == 4 else 1440)}",
        f"tcp option {dice.choice(('window', 'timestamp', 'sack-perm', 'md5sig', 'fastopen', 'mptcp'))} "
        f"{dice.choice(('exists', 'missing'))}",
        "osf name \"Linux\"", "meta day Monday", "meta hour \"00:00\"-\"23:59\"",
        "ether saddr 02:00:00:00:00:01", "ether type ip", "ether type ip6",
    ]
    if world.version == 4:
        choices += [f"ip ttl {op}{near(dice, 64)}", f"ip dscp {no}{dice.choice(('cs0', 'cs1'))}",
                    f"ip ecn {no}{dice.choice(('not-ect', 'ce'))}", f"ip length {op}{near(dice, size)}",
                    f"ip frag-off & 0x4000 {dice.choice(('==', '!='))} 0x4000", "ip frag-off & 0x1fff == 0",
                    f"ip id {op}5", f"ip hdrlength {op}5", f"ip version {no}4",
                    f"ip protocol {no}{dice.choice(('tcp', 'udp'))}", "ip checksum 5", "ip option rr exists"]
    else:
        choices += [f"ip6 hoplimit {op}{near(dice, 64)}", f"ip6 dscp {no}cs0", f"ip6 ecn {no}not-ect",
                    f"ip6 length {op}{near(dice, size - 40)}", f"ip6 flowlabel {op}0", f"ip6 version {no}6",
                    f"ip6 nexthdr {no}{dice.choice(('tcp', 'udp'))}"]
    if not world.udp:
        choices += [f"tcp flags {no}{flag}" for flag in ("syn", "ack", "syn,ack", "psh,ack", "fin", "rst")]
        choices += ["tcp flags & (fin | syn | rst | ack) == syn", "tcp flags & (syn | ack) != syn",
                    "tcp flags ! rst", "tcp flags & syn == syn", f"tcp doff {op}{dice.choice((8, 10))}",
                    f"tcp urgptr {op}0", f"tcp sequence {op}0", f"tcp ackseq {op}0", f"tcp window {op}1000"]
    else:
        choices += [f"udp length {op}{near(dice, 13)}", f"udp checksum {op}0"]
    return dice.choice(choices)


def xt_match(dice, world, hook, packet):
    """The same in iptables' words."""
    answers = packet in (SYNACK, "answer")
    four = world.version == 4
    source, target = (world.server, world.client) if answers else (world.client, world.server)
    sport, dport = (PORT, SOURCE_PORT) if answers else (SOURCE_PORT, PORT)
    no = dice.choice(("", "! "))
    l4 = world.l4
    head = 20 if four else 40
    size = head + (8 if world.udp else {SYN: 40, SYNACK: 40, ACK: 32, DATA: 36}[packet])
    other = dice.choice((source, target, "10.77.0.9" if four else "fd77::9"))
    byte = dice.choice(("0>>28=4:6", "6&0xFF=0x11" if four else "6&0xFF=64", "4&0x3FFF=0", "0>>22&0x3C@0>>16=8080"))
    choices = [
        f"{no}-s {other}", f"{no}-d {other}", f"-p {l4} -m {l4} {no}--dport {near(dice, dport)}",
        f"-p {l4} -m {l4} {no}--sport {near(dice, sport)}:{sport + 2}",
        f"-p {l4} -m multiport {no}--dports {near(dice, dport)},{near(dice, sport)},9",
        f"-p {l4} -m multiport {no}--ports {near(dice, dport)}",
        f"-m state --state {dice.choice(('NEW', 'ESTABLISHED', 'INVALID', 'RELATED'))}",
        f"-m conntrack {no}--ctstate {dice.choice(('NEW', 'ESTABLISHED', 'INVALID', 'UNTRACKED', 'SNAT', 'DNAT'))}",
        f"-m conntrack {no}--ctproto {dice.choice((6, 17))}",
        f"-m conntrack {no}--ctorigsrc {other}", f"-m conntrack {no}--ctrepldst {other}",
        f"-m conntrack {no}--ctorigdstport {near(dice, PORT)}", f"-m conntrack {no}--ctreplsrcport {near(dice, PORT)}",
        f"-m conntrack {no}--ctstatus {dice.choice(('NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'EXPECTED'))}",
        f"-m conntrack --ctdir {dice.choice(('ORIGINAL', 'REPLY'))}", "-m conntrack --ctexpire 1:1000",
        f"-m connmark {no}--mark {dice.choice((0, 1))}", f"-m mark {no}--mark {dice.choice((0, 1))}",
        f"-m length {no}--length {near(dice, size)}:{size + 1}", f"-m length --length :{near(dice, size)}",
        f"-m dscp {no}--dscp {dice.choice((0, 1))}", f"-m tos {no}--tos {dice.choice(('0x00', '0x10'))}",
        f"-m addrtype {no}--src-type {dice.choice(('LOCAL', 'UNICAST', 'MULTICAST'))}",
        f"-m addrtype {no}--dst-type {dice.choice(('LOCAL', 'UNICAST'))}",
        f"-m pkttype {no}--pkt-type {dice.choice(('unicast', 'broadcast', 'multicast'))}",
        f"-m iprange {no}--src-range {source}-{other if other > source else source}",
        f"-m u32 {no}--u32 \"{byte}\"", "-m string --algo bm --string ping", "-m string ! --algo kmp --string zzz",
        f"-m connbytes {no}--connbytes {dice.randint(0, 3)}:{dice.randint(2, 5)} --connbytes-mode packets "
        f"--connbytes-dir {dice.choice(('original', 'reply', 'both'))}",
        f"-m connbytes {no}--connbytes {near(dice, 60)}:{dice.choice((112, 120, 152, 172))} --connbytes-mode "
        f"{dice.choice(('bytes', 'avgpkt'))} --connbytes-dir {dice.choice(('original', 'reply', 'both'))}",
        f"-m helper {no}--helper ftp", "-m statistic --mode random --probability 0.5",
        "-m statistic --mode nth --every 2 --packet 0", "-m limit --limit 100/sec", "-m comment --comment x",
        "-m time --timestart 00:00 --timestop 23:59", f"-m cpu {no}--cpu 0", "-m quota --quota 100000",
        f"-m recent {no}--rcheck --name none", f"-m connlabel {no}--label 3",
        f"-m realm {no}--realm 0", f"-m policy --dir {'in' if hook in ARRIVING else 'out'} --pol none",
        f"-m ecn {no}--ecn-ip-ect 0" if four else "-m ipv6header --header prot --soft",
        f"-m ttl --ttl-{dice.choice(('eq', 'lt', 'gt'))} {near(dice, 64)}" if four
        else f"-m hl --hl-{dice.choice(('eq', 'lt', 'gt'))} {near(dice, 64)}",
        "-m frag --fragid 0:5" if not four else f"{no}-f", "-m bpf --bytecode \"1,6 0 0 1\"",
        f"-p {l4} -m connlimit --connlimit-above 50", f"-p {l4} -m hashlimit --hashlimit-upto 100/sec --hashlimit-name h{dice.randint(0, 9)}",
        f"-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5",
        f"-m devgroup --{'src' if hook in ARRIVING else 'dst'}-group 0",
    ]
    if not world.udp:
        choices += [f"-p tcp {no}--syn", f"-p tcp --tcp-flags SYN,ACK,RST,FIN {dice.choice(('SYN', 'ACK', 'SYN,ACK'))}",
                    f"-p tcp {no}--tcp-option {dice.choice((2, 3, 4, 5, 8, 30))}",
                    f"-p tcp -m tcpmss {no}--mss {near(dice, 1460 if four else 1440)}:1460",
                    f"-p tcp {no}--tcp-flags PSH PSH"]
    if hook in ARRIVING:
        choices += [f"{no}-i {dice.choice(('lo', 'sv0', 's+'))}", "-m socket", "-m socket --transparent",
                    "-m socket --nowildcard"]
        if hook == "pre":
            choices += ["-m rpfilter", "-m rpfilter --invert", "-m rpfilter --loose", "-m rpfilter --accept-local"]
        if not world.local:
            choices += [f"-m mac {no}--mac-source 02:00:00:00:00:01"]
    else:
        choices += [f"{no}-o {dice.choice(('lo', 'sv0', 's+'))}", f"-m owner {no}--uid-owner {dice.choice((0, 1000))}",
                    f"-m owner {no}--socket-exists", f"-m owner {no}--gid-owner 0"]
    return dice.choice(choices)


def chain_jumps(l4):
    """Which packet goes to which chain."""
    if l4 == "udp":
        return {"datagram": f"udp dport {PORT}", "answer": f"udp sport {PORT}"}
    flags = "tcp flags & (fin | syn | rst | psh | ack) =="
    return {SYN: f"tcp dport {PORT} {flags} syn", SYNACK: f"tcp sport {PORT} {flags} syn | ack",
            ACK: f"tcp dport {PORT} {flags} ack", DATA: f"tcp dport {PORT} {flags} psh | ack"}


def within(netns, words, text=""):
    return subprocess.run(words, input=text, capture_output=True, text=True,
                          preexec_fn=lambda: enter(netns))


def load_some(netns, command, lines):
    """Loads lines in batches; a batch with a line that is refused, line by line."""
    for first in range(0, len(lines), BATCH):
        batch = lines[first:first + BATCH]
        if within(netns, command, "\n".join(batch) + "\n").returncode != 0:
            for line in batch:
                within(netns, command, line + "\n")


def load_nft(netns, dice, world):
    jumps = chain_jumps(world.l4)
    text = "flush ruleset\nadd table inet probe\n"
    for hook, (kernel_hook, priority, _) in HOOKS.items():
        text += f"add chain inet probe {hook} {{ type filter hook {kernel_hook} priority {priority} ; }}\n"
        for packet, match in jumps.items():
            text += f"add chain inet probe {hook}_{packet}\nadd rule inet probe {hook} {match} jump {hook}_{packet}\n"
    within(netns, ["nft", "-f", "-"], text)
    lines = [f"add rule inet probe {hook}_{packet} {nft_match(dice, world, hook, packet)} counter"
             for packet in world.packets for hook in world.hooks(packet) for _ in range(RULES)]
    load_some(netns, ["nft", "-f", "-"], lines)


def load_xt(netns, dice, world):
    program = "iptables-nft-restore" if world.version == 4 else "ip6tables-nft-restore"
    flags = "-p tcp --tcp-flags FIN,SYN,RST,PSH,ACK"
    jumps = {SYN: f"{flags} SYN -m tcp --dport {PORT}", SYNACK: f"{flags} SYN,ACK -m tcp --sport {PORT}",
             ACK: f"{flags} ACK -m tcp --dport {PORT}", DATA: f"{flags} PSH,ACK -m tcp --dport {PORT}",
             "datagram": f"-p udp --dport {PORT}", "answer": f"-p udp --sport {PORT}"}
    for hook, (_, _, place) in HOOKS.items():
        if place is None:
            continue
        table, chain = place
        packets = [packet for packet in world.packets if hook in world.hooks(packet)]
        text = "".join(f":{chain}_{packet} - [0:0]\n-A {chain} {jumps[packet]} -j {chain}_{packet}\n"
                       for packet in packets)
        within(netns, [program, "--noflush"], f"*{table}\n{text}COMMIT\n")
        for packet in packets:
            for _ in range(RULES // 3):
                rule = xt_match(dice, world, hook, packet)
                within(netns, [program, "--noflush"], f"*{table}\n-A {chain}_{packet} {rule}\nCOMMIT\n")


def counters(netns):
    """{"inet probe in_syn 12": (packets, text)}"""
    found = {}
    for line in within(netns, [os.environ["SHOW_RULES"]]).stdout.splitlines():
        rule = json.loads(line)
        counted = [word for word in rule["notation"] if word.startswith("counter pkts")]
        if counted:
            key = f"{rule['family']} {rule['table']} {rule['chain']} {rule['handle']}"
            found[key] = (int(counted[-1].split()[2]), rule["text"])
    return found


def predictions(lab, world, folder):
    output = os.path.join(folder, "predictions")
    if os.path.exists(output):
        os.remove(output)
    environment = dict(os.environ, PROBE_OUTPUT=output, PROBE_PORT=str(SOURCE_PORT))
    target = f"{world.l4}/{'[' + world.server + ']' if world.version == 6 else world.server}:{PORT}"
    done = subprocess.run([os.environ["PROBE_RULES"], target, "--from", world.client, "--format", "json"],
                          capture_output=True, text=True, env=environment,
                          preexec_fn=lambda: enter(lab.server))
    if not os.path.exists(output):
        raise RuntimeError(done.stderr or done.stdout[:2000])
    answers = {}
    with open(output) as file:
        for line in file:
            rule, answer = line.rsplit(" ", 1)
            answers[rule] = answer.strip()
    return answers


def serve(world):
    """A socket of the server, made inside its namespace."""
    family = socket.AF_INET6 if world.version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM if world.udp else socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::" if world.version == 6 else "0.0.0.0", PORT))
    if not world.udp:
        sock.listen(5)
    return sock


def call(world):
    """The client's packets: then it is gone without a goodbye."""
    family = socket.AF_INET6 if world.version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM if world.udp else socket.SOCK_STREAM)
    sock.settimeout(3)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((world.client, SOURCE_PORT))
    try:  # a match may drop what it cannot parse
        sock.connect((world.server, PORT))
        time.sleep(0.05)
        sock.sendall(b"ping\n")
        if world.udp:
            sock.recv(100)
    except OSError:
        return False
    if world.udp:
        pass
    else:
        time.sleep(0.1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return True


def attend(world, sock):
    if world.udp:
        data, peer = sock.recvfrom(100)
        sock.sendto(data, peer)
        return
    connection, _ = sock.accept()
    with connection:
        try:
            connection.recv(100)
            connection.recv(100)
        except ConnectionResetError:
            pass


SERVER = """
import sys; sys.path[:0] = [{here!r}, {lab!r}]
import random, trials
world = trials.World(random.Random({seed}))
sock = trials.serve(world)
print("ready", flush=True)
trials.attend(world, sock)
"""


def trial(lab, seed, counts, folder):
    dice = random.Random(seed)
    world = World(dice)
    load_nft(lab.server, dice, world)
    load_xt(lab.server, dice, world)
    within(lab.server, ["conntrack", "-F"])
    here = os.path.dirname(os.path.abspath(__file__))
    code = SERVER.format(here=here, lab=os.path.join(here, "..", "lab"), seed=seed)
    server = lab.start(lab.server, sys.executable, "-c", code, output=subprocess.PIPE)
    try:
        server.stdout.readline()
        answers = predictions(lab, world, folder)
        if not (lab.server if world.local else lab.client).call(lambda: call(world)):
            counts["lost"] = counts.get("lost", 0) + 1
            return []
        counted = counters(lab.server)
    finally:
        server.stdout.close()
        server.kill()
        server.wait()
    wrong = []
    for rule, answer in answers.items():
        if rule not in counted:
            continue
        hits, text = counted[rule]
        counts[answer] = counts.get(answer, 0) + 1
        if answer in ("yes", "no") and hits != (1 if answer == "yes" else 0):
            wrong.append(f"seed {seed} {'lo' if world.local else 'sv0'}: {rule}: predicted {answer}, "
                         f"counted {hits}: {text}")
        if answer in ("both", "unknown"):
            key = " ".join(text.split()[:3])
            counts.setdefault("open", {}).setdefault(key, 0)
            counts["open"][key] += 1
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--open", action="store_true", help="show what is left undecided")
    options = parser.parse_args()
    programs = [os.environ.get(name, "") for name in ("SYNFATE", "SHOW_RULES", "PROBE_RULES")]
    if os.geteuid() != 0 or not all(os.access(one, os.X_OK) for one in programs) or not shutil.which("nft"):
        print("skipped: needs root, nft, SYNFATE, SHOW_RULES and PROBE_RULES")
        return SKIPPED
    counts, wrong = {}, []
    with Lab() as lab:
        folder = lab.folder()
        for seed in range(options.seed, options.seed + options.trials):
            found = trial(lab, seed, counts, folder)
            wrong += found
            print("\n".join(found), end="\n" if found else "", flush=True)
    undecided = counts.pop("open", {})
    if options.open:
        for text, count in sorted(undecided.items(), key=lambda one: -one[1])[:40]:
            print(f"{count:5} {text}")
    print(f"{sum(counts.values())} predictions: {counts}, {len(wrong)} wrong")
    return 0 if not wrong and counts.get("yes", 0) > 50 * options.trials else 1


if __name__ == "__main__":
    sys.exit(main())
