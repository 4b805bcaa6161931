"""Matches for trials.py: each may just meet or just miss the packet it is thrown for.

A world (world.py) says who calls whom; what a packet carries at a hook may be what it carried before
or after address translation, so values of both are thrown.
"""

from world import ACK, ARRIVING, BETWEEN, DATA, OF_BRIDGE, PORT, SOURCE_PORT, SYN, SYNACK


class Ends:
    """What a packet may carry, one off now and then."""

    def __init__(self, dice, world, packet):
        self.dice, self.world = dice, world
        self.source, self.target, self.sport, self.dport = world.ends(dice, packet)
        head = 20 if world.version == 4 else 40
        self.size = head + (8 if world.udp else {SYN: 40, SYNACK: 40, ACK: 32, DATA: 36}[packet])

    def beside(self, address):
        mark = "." if self.world.version == 4 else ":"
        base, last = address.rsplit(mark, 1)
        return f"{base}{mark}{near(self.dice, int(last), 0, 9)}"

    def device(self, hook=""):
        if hook in OF_BRIDGE:
            return self.dice.choice(("bp0", "br0"))
        return self.dice.choice(self.world.devices + ("lo", "eth0"))


def near(dice, number, low=0, high=2**32 - 1):
    return max(low, min(high, number + dice.choice((-1, 0, 0, 1))))


def iface_key(device):
    return f"{device}name"


def nft_match(dice, world, hook, packet):
    """A match that the packet may just meet or just miss."""
    ends = Ends(dice, world, packet)
    ip, l4, bits = world.ip, world.l4, 32 if world.version == 4 else 128
    source, target, sport, dport, size = ends.source, ends.target, ends.sport, ends.dport, ends.size
    side = dice.choice(("saddr", "daddr"))
    other = ends.beside(source if side == "saddr" else target)
    called = dice.choice((PORT, world.called_port))
    port_side = dice.choice(("sport", "dport"))
    port = near(dice, sport if port_side == "sport" else dport)
    op = dice.choice(("", "!= ", "< ", "> ", "<= ", ">= "))
    no = dice.choice(("", "!= "))
    iface = ends.device(hook) if hook in OF_BRIDGE else dice.choice(world.devices)
    device = "iif" if hook in ARRIVING else "oif" if hook not in BETWEEN else dice.choice(("iif", "oif"))
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
        "iifname lo", "oifname lo", f"oif {iface}", f"iif {iface}", f"iifname {no}{ends.device()}", f"oifname {no}{ends.device()}", "meta iiftype ether", "meta iiftype loopback",
        "meta oiftype ether", f"meta sdif 0", f"rt classid {no}0", "rt ipsec missing",
        f"ct state {no}{dice.choice(('new', 'established', 'related', 'invalid', 'untracked'))}",
        "ct state { new, established }", f"ct state & (new | invalid) != 0",
        f"ct direction {no}{dice.choice(('original', 'reply'))}",
        f"ct status {dice.choice(('seen-reply', 'assured', 'confirmed', 'snat', 'dnat', 'expected', 'dying'))}",
        f"ct status & {dice.choice(('seen-reply', 'assured', 'confirmed'))} == 0",
        f"ct status {op}{dice.choice((0, 8, 10, 14, 384, 392, 398))}",
        f"ct mark {op}{dice.choice((0, 1))}", f"ct zone {no}{dice.choice((0, 1))}",
        f"ct l3proto {no}{dice.choice(('ipv4', 'ipv6'))}", f"ct protocol {no}{dice.choice(('tcp', 'udp'))}",
        f"ct zone {no}{dice.choice((0, 1, 5))}", f"ct original zone {no}{dice.choice((0, 5))}", f"ct reply zone {op}{dice.choice((0, 5))}",
        f"ct helper {no}\"ftp\"", f"ct label {dice.choice((0, 3))}",
        f"ct original {ip} saddr {no}{other}", f"ct original {ip} daddr {no}{dice.choice(world.servers)}",
        f"ct reply {ip} saddr {no}{dice.choice(world.servers)}", f"ct reply {ip} daddr {other}",
        f"ct reply {ip} daddr {dice.choice(world.clients)}",
        f"ct original protocol {l4} ct original proto-src {op}{near(dice, SOURCE_PORT)}",
        f"ct original proto-dst {op}{near(dice, called)}", f"ct reply proto-src {op}{near(dice, called)}",
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
        "ether saddr 02:00:00:00:00:01", "ether type ip", "ether type ip6", "ether type arp", "vlan id 5",
        f"ether type {no}{dice.choice(('ip', 'ip6'))}", f"ether daddr {no}02:00:00:00:00:02",
        f"meta mark & 0xf {no}{dice.choice((0, 1, 4, 5))}", f"meta mark << 1 {op}{dice.choice((0, 2, 10, 11))}",
        f"meta mark ^ 0x5 {op}{dice.choice((0, 1, 5))}", f"meta mark {{ 0-1, 5-9 }}",
        f"ct mark & 0x3 {no}{dice.choice((0, 1, 2))}", f"meta mark . {l4} dport {{ 5 . {near(dice, dport)}, 0 . {dport} }}",
        f"{ip} {side} @hosts", f"{ip} {side} != @hosts", f"{ip} {side} @nets", f"{ip} saddr . {l4} dport @pairs",
        f"{l4} {port_side} @ports", f"{l4} {port_side} != @ports", f"{ip} saddr @seen", f"{ip} saddr != @seen",
        f"{ip} {side} . {l4} {port_side} vmap {{ {other} . {port} : continue, {other} . 5 : continue }}",
        f"{l4} {port_side} vmap {{ 1-{near(dice, port)} : continue, 50000-60000 : continue }}",
        f"{ip} {side} & {'255.255.255.254' if world.version == 4 else 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe'} {dice.choice(('==', '!='))} {other}",
        f"meta l4proto . th {port_side} {no}{{ {l4} . {port} }}" if no else f"meta l4proto . th {port_side} {{ {l4} . {port} }}",
        f"{iface_key(device)} . {l4} {port_side} {{ \"{iface}\" . {port} }}", f"iifname . oifname {{ \"{iface}\" . \"{iface}\" }}",
        "sctp dport 8080", "dccp sport 1-65535", "icmp type echo-request", "icmpv6 type echo-request",
        "esp spi > 0", "ah spi > 0", "comp cpi > 0", "udplite dport 8080", "igmp type membership-query",
        f"tcp option window count {op}{dice.choice((7, 10))}", f"tcp option sack-perm length {op}2",
        f"tcp option timestamp length {no}10", f"tcp option maxseg length {no}4", f"@th,96,4 {op}{dice.choice((8, 10))}",
        f"@ll,96,16 {no}{dice.choice(('0x0800', '0x86dd'))}", f"@nh,64,8 {op}{dice.choice((64, 63, 6, 17))}",
        f"rt {ip} nexthop {no}{other}", f"rt mtu {op}1460", f"rt mtu > {dice.choice((500, 1439, 1440, 1459, 1460, 65535))}",
        f"socket cgroupv2 level 1 {no}\"nosuch\"", "meta time > \"2020-01-01 00:00:00\"", "meta time < \"2020-01-01 00:00:00\"",
        f"ct id {op}1", f"ct secmark {no}0", "ct event new", f"ct state . {l4} dport {{ new . {near(dice, dport)} }}",
        f"ct direction . ct mark {{ original . 0, reply . 1 }}", f"jhash {ip} saddr mod 2 seed 0x1 0", f"symhash mod 4 offset 2 {op}5",
        f"numgen random mod 1 0", f"fib daddr . mark . iif type {no}local", f"fib daddr check exists", f"fib saddr oif {no}{iface}",
        f"fib saddr . iif oifname {no}\"{iface}\"", f"fib daddr oifname {no}\"{iface}\"", f"fib daddr . oif type {no}unicast",
        "ipsec in reqid 1", f"meta sdifname \"{iface}\"", f"meta iifkind {no}\"veth\"", f"limit rate 1/day burst 1 packets",
        f"{ip} saddr {ends.beside(source)} {l4} dport {near(dice, dport)}", f"{ip} saddr {source} {l4} sport {sport} {l4} dport {no}{near(dice, dport)}",
    ]
    if hook in OF_BRIDGE:
        choices += 3 * [f"{device}name {no}\"{iface}\"", f"{device} {no}\"{iface}\"", f"meta ibrname {no}\"{iface}\"",
                        f"meta obrname {no}\"{iface}\"", f"ether type {no}{world.ip} {world.ip} saddr {no}{other}",
                        f"meta pkttype {no}{dice.choice(('host', 'other'))}", f"meta length {op}{near(dice, size)}",
                        f"meta mark {no}{dice.choice((0, 1, 4, 5))}", f"meta nfproto {no}{dice.choice(('ipv4', 'ipv6'))}",
                        f"meta {device}kind {no}\"{dice.choice(('veth', 'bridge'))}\"", f"{l4} {port_side} {no}{port}"]
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


def source_word(address, four):
    """Four bytes of an address as a number."""
    if four:
        a, b, c, d = (int(one) for one in address.split("."))
        return a << 24 | b << 16 | c << 8 | d
    return int(address.rsplit(":", 1)[1], 16)


def to_port(port, four):
    """A program of classic BPF: the destination port, behind the header of IP."""
    load = ["177 0 0 0", "72 0 0 2"] if four else ["40 0 0 42"]
    steps = load + [f"21 0 1 {port}", "6 0 0 65535", "6 0 0 0"]
    return f"{len(steps)}," + ",".join(steps)


def xt_match(dice, world, hook, packet):
    """The same in iptables' words."""
    ends = Ends(dice, world, packet)
    four = world.version == 4
    source, target, sport, dport, size = ends.source, ends.target, ends.sport, ends.dport, ends.size
    no = dice.choice(("", "! "))
    l4 = world.l4
    called = dice.choice((PORT, world.called_port))
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
        f"-m conntrack {no}--ctorigdstport {near(dice, called)}", f"-m conntrack {no}--ctreplsrcport {near(dice, called)}",
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
        f"-m bpf --bytecode \"{to_port(near(dice, dport), four)}\"",
        f"-p {l4} -m connlimit --connlimit-above 50", f"-p {l4} -m hashlimit --hashlimit-upto 100/sec --hashlimit-name h{dice.randint(0, 9)}",
        f"-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5",
        f"-m devgroup --{'src' if hook in ARRIVING else 'dst'}-group 0",
        f"-m set {no}--match-set hosts{world.version} {dice.choice(('src', 'dst'))}",
        f"-m set {no}--match-set nets{world.version} {dice.choice(('src', 'dst'))}",
        f"-m set {no}--match-set pairs{world.version} {dice.choice(('src,dst', 'dst,src', 'src,src', 'dst,dst'))}",
        f"-m set {no}--match-set netport{world.version} {dice.choice(('src,dst', 'dst,src', 'src,src', 'dst,dst'))}",
        f"-m set {no}--match-set three{world.version} {dice.choice(('src,dst,dst', 'dst,src,src', 'src,src,dst'))}",
        f"-m set {no}--match-set wide{world.version} {dice.choice(('src,dst,dst', 'dst,src,src', 'src,src,dst'))}",
        f"-m set {no}--match-set netif{world.version} {dice.choice(('src,src', 'src,dst', 'dst,dst', 'dst,src'))}",
        f"-m set {no}--match-set ports {dice.choice(('src', 'dst'))}",
        f"-m set {no}--match-set list{world.version} {dice.choice(('src', 'dst'))}",
        f"-m set {no}--match-set seen{world.version} {dice.choice(('src', 'dst'))}",
        f"-m physdev {no}--physdev-{'in' if hook in ARRIVING else 'out'} {dice.choice(('bp0', 'br0'))}", f"-m physdev --physdev-is-{dice.choice(('in', 'out', 'bridged'))}", "-m rateest --rateest x --rateest-gt --rateest-bps 1",
        f"-m connmark {no}--mark {dice.choice(('0x1/0x3', '0x4/0x4', '0x5'))}", f"-m mark {no}--mark {dice.choice(('0x1/0x3', '0x4/0x4', '0x5'))}",
        f"{no}-s {ends.beside(source)}/{30 if four else 126} {no}-d {target}", f"{no}-p {dice.choice(('tcp', 'udp', 'icmp', '132'))}",
        f"-s {source} -p {l4} -m {l4} --sport {near(dice, sport)} -d {target}",
        f"-m iprange {no}--dst-range {ends.beside(target)}-{ends.beside(target)}",
        f"-p {l4} -m multiport {no}--sports {near(dice, sport)}:{sport + 1},9", f"-m dscp {no}--dscp {dice.choice((0, 8, 9))}",
        f"-p sctp -m sctp --dport {dport}", f"-p dccp -m dccp --dport {dport}", "-p esp -m esp --espspi 0:5",
        f"-m conntrack {no}--ctorigdst {dice.choice(world.servers)}", f"-m conntrack {no}--ctreplsrc {dice.choice(world.servers)}",
        f"-m conntrack {no}--ctorigsrcport {near(dice, SOURCE_PORT)}:{SOURCE_PORT}", f"-m conntrack {no}--ctrepldstport {near(dice, SOURCE_PORT)}",
        f"-m u32 {no}--u32 \"{'12' if four else '20'}={source_word(source, four)}\"", f"-m cgroup {no}--cgroup {dice.choice((0, 1))}",
        f"-m nfacct --nfacct-name none", "-m time --datestart 2020-01-01", "-m time --datestop 2020-01-01", f"-m osf --genre Linux",
        f"-p tcp -m tcp {no}--tcp-flags ALL {dice.choice(('SYN', 'ACK', 'PSH,ACK', 'SYN,ACK'))}",
        f"-m length {no}--length {near(dice, size)}", f"-m tos {no}--tos {dice.choice(('0x20', '0x24/0x24', '0x00/0xff'))}",
    ]
    if not world.udp:
        choices += [f"-p tcp {no}--syn", f"-p tcp --tcp-flags SYN,ACK,RST,FIN {dice.choice(('SYN', 'ACK', 'SYN,ACK'))}",
                    f"-p tcp {no}--tcp-option {dice.choice((2, 3, 4, 5, 8, 30))}",
                    f"-p tcp -m tcpmss {no}--mss {near(dice, 1460 if four else 1440)}:1460",
                    f"-p tcp {no}--tcp-flags PSH PSH"]
    if hook in ARRIVING:
        choices += [f"{no}-i {dice.choice(world.devices + ('lo', 's+'))}", "-m socket", "-m socket --transparent",
                    "-m socket --nowildcard"]
        if hook == "pre":
            choices += ["-m rpfilter", "-m rpfilter --invert", "-m rpfilter --loose", "-m rpfilter --accept-local"]
        if world.way != "local":
            choices += [f"-m mac {no}--mac-source 02:00:00:00:00:01"]
    if hook not in ARRIVING:
        choices += [f"{no}-o {dice.choice(world.devices + ('lo', 's+'))}", f"-m owner {no}--uid-owner {dice.choice((0, 1000))}",
                    f"-m owner {no}--socket-exists", f"-m owner {no}--gid-owner 0", f"{no}-o {ends.device()}"]
    if hook == "through":
        choices += [f"{no}-i {ends.device()}", f"{no}-i {ends.device()} {no}-o {ends.device()}"]
    return dice.choice(choices)
