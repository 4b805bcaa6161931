#!/usr/bin/env python3
"""What synfate reads of rules that iptables made against what iptables-save prints: in the blobs of
iptables-legacy, and with --nft PROGRAM (show_rules) in the expressions of iptables-nft.

Each rule of the corpus is loaded by itself into a table of a new namespace; those that the kernel or
the program does not know are counted and left out. Then the texts of all rules must be equal, word
for word.

    SYNFATE=build/release/synfate tests/lab/xtables_texts.py     (root; exit 77 without)
"""

import argparse
import json
import subprocess
import sys

import lab as laboratory
from lab import SKIPPED, Lab, enter, synfate_program

BOTH = """
-s 10.1.2.3
! -s 10.0.0.0/8 -d 10.2.0.0/16
-i eth0 -o eth+
! -i lo
-p tcp
! -p udp
-p 47
-p tcp -m tcp --dport 22
-p tcp -m tcp --sport 1024:65535 --dport :1023
-p tcp -m tcp ! --dport 8080:8090
-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN
-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE
-p tcp -m tcp --tcp-option 8
-p tcp -m tcp --dport 80 ! --tcp-option 2
-p udp -m udp --dport 53
-p udp -m udp ! --sport 53 --dport 1:65535
-p udplite -m multiport --dports 53
-p tcp -m multiport --dports 80,443,8000:8080
-p tcp -m multiport --sports 80
-p udp -m multiport ! --ports 53,5353
-m state --state NEW
-m state ! --state RELATED,ESTABLISHED
-m conntrack --ctstate RELATED,ESTABLISHED
-m conntrack ! --ctstate INVALID
-m conntrack --ctstate NEW,UNTRACKED,SNAT,DNAT
-m conntrack --ctproto 6
-m conntrack --ctproto 17 --ctorigsrcport 53 --ctorigdstport 1024:65535
-m conntrack --ctreplsrcport 80 --ctrepldstport 1000:2000
-m conntrack --ctstatus SEEN_REPLY,ASSURED,CONFIRMED
-m conntrack ! --ctstatus NONE
-m conntrack --ctexpire 10:20
-m conntrack --ctdir REPLY
-m comment --comment word
-m comment --comment "two words"
-m comment --comment "a \\"quote\\" inside"
-m mac --mac-source 02:00:00:00:00:01
-m mac ! --mac-source aa:bb:cc:dd:ee:ff
-m limit --limit 3/min
-m limit --limit 10/sec --limit-burst 20
-m limit --limit 1/day --limit-burst 1
-m hashlimit --hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name one
-m hashlimit --hashlimit-upto 10mb/s --hashlimit-name megabytes
-p tcp -m tcp --sport 1 --dport 65535
-p udp -m udp --sport 65535 --dport 1
-m hashlimit --hashlimit-above 20/min --hashlimit-burst 10 --hashlimit-mode srcip,dstport --hashlimit-name two
-m hashlimit --hashlimit-above 1mb/s --hashlimit-mode srcip --hashlimit-name three
-m recent --set --name ssh --mask 255.255.255.255 --rsource
-m recent --update --seconds 60 --hitcount 4 --name ssh --mask 255.255.255.255 --rsource
-m recent --rcheck --seconds 30 --reap --name DEFAULT --mask 255.255.255.255 --rdest
-m recent ! --remove --name DEFAULT --mask 255.255.255.255 --rsource
-m addrtype --src-type LOCAL
-m addrtype ! --dst-type LOCAL
-m addrtype --dst-type UNICAST,BROADCAST
-m addrtype --dst-type LOCAL --limit-iface-in
-m iprange --src-range 10.0.0.1-10.0.0.99
-m iprange ! --src-range 10.0.0.1-10.0.0.99 --dst-range 10.1.0.0-10.1.255.255
-m pkttype --pkt-type broadcast
-m pkttype ! --pkt-type multicast
-m mark --mark 0x1
-m mark ! --mark 0x10/0xf0
-m connmark --mark 0x1
-m connmark ! --mark 0x4000/0x4000
-m length --length 60
-m length ! --length 100:200
-m tos --tos 0x10/0x3f
-m dscp --dscp 0x2e
-m dscp ! --dscp 0x00
-m physdev --physdev-in eth0
-m physdev ! --physdev-is-bridged
-m time --timestart 08:00:00 --timestop 17:30:00 --weekdays Mon,Tue,Wed,Thu,Fri
-m time --monthdays 1,15 --kerneltz
-m time --datestart 2025-01-01T00:00:00 --datestop 2026-01-01T00:00:00
-m string --string "GET /admin" --algo bm
-m string --string virus --algo kmp --from 40 --to 1500 --icase
-m string ! --hex-string "|0d0a|" --algo bm
-m u32 --u32 "0x0>>0x1c=0x4"
-m u32 --u32 "0x6&0xff=0x6&&0x4&0x1fff=0x0:0x10"
-m u32 ! --u32 "0x0>>0x16&0x3c@0x0=0x1,0x5:0x7"
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"
-p tcp -m connlimit --connlimit-above 10 --connlimit-mask 32 --connlimit-saddr
-p tcp -m connlimit --connlimit-upto 3 --connlimit-mask 24 --connlimit-daddr
-m connbytes --connbytes 1000:2000 --connbytes-mode bytes --connbytes-dir both
-m connbytes ! --connbytes 10 --connbytes-mode packets --connbytes-dir original
-m helper --helper "ftp"
-m helper ! --helper "sip"
-m statistic --mode random --probability 0.50000000000
-m statistic --mode random ! --probability 0.25000000000
-m statistic --mode nth --every 3 --packet 1
-m cgroup --cgroup 1048577
-m policy --dir in --pol ipsec
-m policy --dir in --pol none
-m realm --realm 0x1
-m realm ! --realm 0xa/0xff
-p tcp -m tcpmss --mss 536:1460
-p tcp -m tcpmss ! --mss 1400
-p dccp -m dccp --dport 80
-p sctp -m sctp --dport 80
-p sctp -m sctp --chunk-types any INIT
-p esp -m esp --espspi 100:200
-m quota --quota 1000000
-m cpu --cpu 1
-m cpu ! --cpu 0
-m devgroup --src-group 0x1
-m devgroup ! --src-group 0x1/0xff
-m rpfilter
-m rpfilter --loose --validmark --accept-local --invert
-m socket
-m socket --transparent --nowildcard
-m set --match-set hosts src
-m set ! --match-set hosts dst
-m set --match-set pairs src,dst
-m set --match-set hosts src --return-nomatch
"""

ONLY_4 = """
-s 10.0.12.0/255.0.12.0 ! -d 10.0.0.5/255.0.0.255
-f
! -f
-p icmp -m icmp --icmp-type 8
-p icmp -m icmp --icmp-type 3/3
-p icmp -m icmp ! --icmp-type any
-m ttl --ttl-eq 64
-m ttl --ttl-lt 10
-m ttl --ttl-gt 200
-p ah -m ah --ahspi 500
"""

ONLY_6 = """
-s fd00::5/ffff::ffff ! -d fd00::/ffff:0:ffff::
-p ipv6-icmp -m icmp6 --icmpv6-type 128
-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/4
-m hl --hl-eq 64
-m hl --hl-lt 10
-m hl ! --hl-eq 255
-m ah --ahspi 500:600 --ahlen 20
-m frag --fragid 0:10 --fragfirst
-m frag --fragmore
-m hbh --hbh-len 8
-m rt --rt-type 0 --rt-segsleft 1:3
-m rt ! --rt-type 2
-m eui64
-m ipv6header --header frag --soft
"""

#: (table, chain, target)
TARGETS = """
filter INPUT -j ACCEPT
filter INPUT -j DROP
filter INPUT -j RETURN
filter INPUT -j own
filter INPUT -g own
filter INPUT -j LOG
filter INPUT -j LOG --log-prefix "dropped: " --log-level 7 --log-tcp-options --log-uid
filter INPUT -j NFLOG --nflog-prefix plain_word-1 --nflog-size 0
filter INPUT -j NFLOG --nflog-group 5 --nflog-prefix "x y" --nflog-threshold 10
filter INPUT -j NFQUEUE --queue-num 3
filter INPUT -j NFQUEUE --queue-balance 0:3 --queue-bypass --queue-cpu-fanout
filter INPUT -p tcp -j REJECT --reject-with tcp-reset
filter INPUT -j AUDIT --type accept
filter INPUT -j SET --add-set hosts src
filter INPUT -j SET --add-set hosts src --exist --timeout 60
filter INPUT -j SET --del-set hosts dst
filter INPUT -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
filter OUTPUT -m owner --uid-owner 1000 -j ACCEPT
filter OUTPUT -m owner ! --gid-owner 0-100 -j ACCEPT
filter OUTPUT -m owner --socket-exists -j ACCEPT
filter OUTPUT -o eth0 -m devgroup --dst-group 0x2 -j ACCEPT
mangle PREROUTING -j MARK --set-xmark 0x1/0xffffffff
mangle PREROUTING -j MARK --set-xmark 0x10/0xf0
mangle PREROUTING -j MARK --set-xmark 0x0/0xff
mangle PREROUTING -j CONNMARK --set-xmark 0x1/0xffffffff
mangle PREROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff
mangle PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
mangle PREROUTING -p tcp -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
mangle POSTROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
mangle POSTROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300
mangle POSTROUTING -j DSCP --set-dscp 0x2e
mangle POSTROUTING -j TOS --set-tos 0x10/0xff
mangle POSTROUTING -j CLASSIFY --set-class 0001:0010
mangle POSTROUTING -p udp -j CHECKSUM --checksum-fill
raw PREROUTING -j CT --notrack
raw PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
raw PREROUTING -j CT --zone 7
raw PREROUTING -j TRACE
nat PREROUTING -p tcp -j REDIRECT --to-ports 8080
nat PREROUTING -p tcp -j REDIRECT --to-ports 8080-8090 --random
nat POSTROUTING -j MASQUERADE
nat POSTROUTING -p tcp -j MASQUERADE --to-ports 1024-65535 --random
"""

TARGETS_4 = """
filter INPUT -j REJECT --reject-with icmp-port-unreachable
filter INPUT -j REJECT --reject-with icmp-net-unreachable
filter INPUT -j REJECT --reject-with icmp-host-unreachable
filter INPUT -j REJECT --reject-with icmp-proto-unreachable
filter INPUT -j REJECT --reject-with icmp-net-prohibited
filter INPUT -j REJECT --reject-with icmp-host-prohibited
filter INPUT -j REJECT --reject-with icmp-admin-prohibited
nat PREROUTING -j DNAT --to-destination 10.0.0.1
nat PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1:80
nat PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90 --random --persistent
nat POSTROUTING -j SNAT --to-source 192.0.2.1
nat POSTROUTING -p tcp -j SNAT --to-source 192.0.2.1-192.0.2.9:1024-2048
nat PREROUTING -d 10.1.0.0/16 -j NETMAP --to 10.2.0.0/16
mangle PREROUTING -j TTL --ttl-set 64
"""

TARGETS_6 = """
filter INPUT -j REJECT --reject-with icmp6-no-route
filter INPUT -j REJECT --reject-with icmp6-adm-prohibited
filter INPUT -j REJECT --reject-with icmp6-addr-unreachable
filter INPUT -j REJECT --reject-with icmp6-port-unreachable
filter INPUT -j REJECT --reject-with icmp6-policy-fail
filter INPUT -j REJECT --reject-with icmp6-reject-route
nat PREROUTING -j DNAT --to-destination fd00::1
nat PREROUTING -p tcp -j DNAT --to-destination [fd00::1]:80
nat POSTROUTING -j SNAT --to-source fd00::2-fd00::9
nat PREROUTING -d fd01::/64 -j NETMAP --to fd02::/64
mangle PREROUTING -j HL --hl-set 64
"""


def lines_of(text):
    return [line for line in text.strip().splitlines() if line]


def as_version_6(rule):
    """The addresses of a rule, in IPv6."""
    for four, six in (("10.1.2.3", "fd01::3"), ("10.0.0.0/8", "fd00::/16"),
                      ("10.2.0.0/16", "fd02::/32"), ("10.0.0.1-10.0.0.99", "fd00::1-fd00::99"),
                      ("10.1.0.0-10.1.255.255", "fd01::-fd01::ffff"),
                      ("255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                      ("--connlimit-mask 32", "--connlimit-mask 128"),
                      ("--on-ip 0.0.0.0", "--on-ip ::")):
        rule = rule.replace(four, six)
    return rule.replace("hosts", "hosts6").replace("pairs", "pairs6")


def corpus(version):
    """(table, chain, rule) of every rule."""
    rules = [("filter", "INPUT", match) for match in lines_of(BOTH)]
    rules += [("filter", "INPUT", match) for match in lines_of(ONLY_4 if version == 4 else ONLY_6)]
    rules = [(table, "FORWARD" if "-o eth+" in rule else chain, rule)
             for table, chain, rule in rules]
    rules = [("raw" if "rpfilter" in rule else "mangle" if "-m socket" in rule else table,
              "PREROUTING" if "rpfilter" in rule or "-m socket" in rule else chain, rule)
             for table, chain, rule in rules]
    for line in lines_of(TARGETS) + lines_of(TARGETS_4 if version == 4 else TARGETS_6):
        table, chain, rule = line.split(" ", 2)
        rules.append((table, chain, rule))
    if version == 6:
        rules = [(table, chain, as_version_6(rule)) for table, chain, rule in rules]
    return rules


def within(netns, words, text=""):
    return subprocess.run(words, input=text, capture_output=True, text=True,
                          preexec_fn=lambda: enter(netns))


def load(netns, version, back_end):
    """Loads what can be loaded; the rules that could not."""
    program = {4: "iptables", 6: "ip6tables"}[version] + f"-{back_end}-restore"
    within(netns, [program], "*filter\n:own - [0:0]\nCOMMIT\n")
    refused = []
    for table, chain, rule in corpus(version):
        text = f"*{table}\n-A {chain} {rule}\nCOMMIT\n"
        if within(netns, [program, "--noflush"], text).returncode != 0:
            refused.append(f"{table} {chain} {rule}")
    return refused


def saved(netns, version, back_end):
    """[(table, chain, text)] as the save program prints them."""
    program = {4: "iptables", 6: "ip6tables"}[version] + f"-{back_end}-save"
    table, rules = "", []
    for line in within(netns, [program]).stdout.splitlines():
        if line.startswith("*"):
            table = line[1:]
        if line.startswith("-A "):
            _, chain, text = (line + " ").split(" ", 2)
            rules.append((table, chain, text.strip()))
    return sorted(rules)


def read(netns, version):
    """The same from synfate."""
    done = within(netns, [synfate_program(), "facts", "xt_rule", "--format", "json"])
    family = {4: "ip", 6: "ip6"}[version]
    return sorted((row["table"], row["chain"], row["text"] or "") for row in json.loads(done.stdout)
                  if row["family"] == family)


def read_nft(netns, version, program):
    """The same of iptables-nft."""
    rows = [json.loads(line) for line in within(netns, [program]).stdout.splitlines()]
    family = {4: "ip", 6: "ip6"}[version]
    return sorted((row["table"], row["chain"], row["text"]) for row in rows
                  if row["family"] == family)


def compare(version, nft_program):
    back_end = "nft" if nft_program else "legacy"
    with Lab() as lab:
        family = {4: "inet", 6: "inet6"}[version]
        suffix = {4: "", 6: "6"}[version]
        within(lab.server, ["ipset", "restore"],
               f"create hosts{suffix} hash:ip family {family} timeout 0\n"
               f"create pairs{suffix} hash:ip,port family {family}\n")
        refused = load(lab.server, version, back_end)
        wanted = saved(lab.server, version, back_end)
        found = read_nft(lab.server, version, nft_program) if nft_program else read(lab.server,
                                                                                    version)
    wrong = [("iptables-save", rule) for rule in wanted if rule not in found]
    wrong += [("synfate", rule) for rule in found if rule not in wanted]
    print(f"IPv{version}: {len(wanted)} rules, {len(refused)} unknown to this machine, "
          f"{len(wrong)} differences")
    for rule in refused:
        print(f"    not loaded: {rule}")
    for who, (table, chain, text) in sorted(wrong, key=lambda one: one[1]):
        print(f"    {who:14} {table} {chain} {text}")
    return not wrong and len(wanted) > 100


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nft", default="", help="the program show_rules, to read iptables-nft")
    options = parser.parse_args()
    reason = laboratory.unable()
    if not reason and not synfate_program():
        reason = "SYNFATE does not name the program under test"
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    return 0 if all([compare(4, options.nft), compare(6, options.nft)]) else 1


sys.exit(main())
