"""Rules of a firewall that remember: what can be read of their memory decides."""

import json
import os
import shutil
import subprocess

from cases_generators import within
from lab import Case, Connection, LabError, Skip, enter, real_outcome, synfate_program

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
RECENT = ["-A", "INPUT", "-p", "tcp", "--dport", "8080", "-m", "recent", "--name", "lab"]


def recent(*rules, listed=(), tool="iptables-legacy"):
    """Rules with the match recent, and addresses that are in its list already."""

    def prepare(lab):
        lab.serve("0.0.0.0", "8080")
        for rule in rules:
            within(lab, tool, *RECENT, *rule)
        for address in listed:
            within(lab, "sh", "-c", f"echo +{address} > /proc/net/xt_recent/lab")

    return prepare


def hashlimit(*rules, spent=0, source=CLIENT, tool="iptables-legacy", what="--syn"):
    """Rules with the match hashlimit, after `spent` connections of a client."""
    v6 = "ip6" in tool

    def prepare(lab):
        lab.serve("::" if v6 else "0.0.0.0", "8080")
        for rule in rules:
            within(lab, tool, "-A", "INPUT", "-p", "tcp", "--dport", "8080", *what.split(), "-m", "hashlimit",
                   "--hashlimit-name", "lab", *rule.split())
        for _ in range(spent):
            real = real_outcome(lab.client, "tcp", "fd77::1" if v6 else SERVER, 8080, source)
            if real[0] != "open":
                raise LabError(f"a connection within the limit is {real}")

    return prepare


def closed_but_for(*rules, tool="iptables-legacy", **how):
    """Who is not let in by rules with hashlimit is not let in."""

    def prepare(lab):
        hashlimit(*rules, tool=tool, **how)(lab)
        within(lab, tool, "-A", "INPUT", "-p", "tcp", "--syn", "--dport", "8080", "-j", "DROP")

    return prepare


def socket_of_another_device(*how):
    """A listener bound to a device is not the socket of what comes by another."""
    def prepare(lab):
        lab.server.ip("link", "add", "sd0", "type", "veth", "peer", "name", "sd1")
        lab.server.ip("link", "set", "sd0", "up")
        lab.serve("--device", "sd0", SERVER, "8080")
        within(lab, *how)
    return prepare


def without_option(setting, option):
    """The server's settings keep an option out of its answers, and out of what it sends itself."""
    def prepare(lab):
        lab.serve("::", "8080")
        lab.server.sysctl(setting, 0)
        within(lab, "nft", f"table inet t {{ chain o {{ type filter hook output priority 0;"
                           f" tcp flags & syn == syn tcp option {option} exists drop; }}; }}")
    return prepare


def own_errors_dropped(lab):
    """What this host tells its own programs comes from the address that they call from."""
    within(lab, "nft", "table inet t { chain o { type filter hook output priority 0;"
                       " tcp dport 8080 reject; };"
                       " chain i { type filter hook input priority 0;"
                       " meta l4proto { icmp, ipv6-icmp } ip saddr 10.77.0.1 drop;"
                       " meta l4proto { icmp, ipv6-icmp } ip6 saddr fd77::1 drop; }; }")


def knocked(lab):
    """The first packet takes the client out of the list: its second finds it gone."""
    recent(["--remove", "-j", "ACCEPT"], listed=[CLIENT])(lab)
    within(lab, "iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "DROP")


def counting_only(lab):
    """A rule of iptables-legacy may be empty, without match and target."""
    lab.serve("0.0.0.0", "8080")
    within(lab, "iptables-legacy", "-A", "INPUT")
    within(lab, "iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "DROP")
    if synfate_program():
        told = subprocess.run([synfate_program(), "facts", "xt_rule"], capture_output=True, text=True,
                              preexec_fn=lambda: enter(lab.server))
        if told.returncode != 0:
            raise LabError(f"facts xt_rule: exit status {told.returncode}: {told.stdout[-500:]}")


def written_set(lab):
    """A rule puts the client into a set that the next one asks."""
    lab.serve("0.0.0.0", "8080")
    if not shutil.which("ipset", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        raise Skip("ipset is not installed")
    within(lab, "ipset", "create", "seen", "hash:ip")
    port = ["-A", "INPUT", "-p", "tcp", "--dport", "8080"]
    within(lab, "iptables-legacy", *port, "-j", "SET", "--add-set", "seen", "src")
    within(lab, "iptables-legacy", *port, "-m", "set", "--match-set", "seen", "src", "-j", "DROP")


def set_without_exceptions(lab):
    """--return-nomatch says nothing of a set of addresses."""
    lab.serve("0.0.0.0", "8080")
    if not shutil.which("ipset", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        raise Skip("ipset is not installed")
    within(lab, "ipset", "create", "some", "hash:ip")
    within(lab, "ipset", "add", "some", CLIENT)
    within(lab, "iptables-legacy", "-A", "INPUT", "-m", "set", "--match-set", "some", "src", "--return-nomatch",
           "-j", "DROP")


def sender_asked(*rules, kind=None, source=CLIENT):
    """Rules that ask for the link-layer address of who sends the frames, {mac} in them."""

    def prepare(lab):
        lab.serve("0.0.0.0", "8080")
        mac = json.loads(lab.client.ip("-j", "link", "show", "cl0"))[0]["address"]
        if source != CLIENT:
            lab.client.ip("addr", "add", f"{source}/32", "dev", "lo")
        if kind:
            if not shutil.which("ipset", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
                raise Skip("ipset is not installed")
            within(lab, "ipset", "create", "hosts", *kind.split())
            within(lab, "ipset", "add", "hosts", f"{source},{mac}")
        for rule in rules:
            within(lab, *rule.format(mac=mac).split())

    return prepare


def answerer_asked(rule):
    """A server in a namespace behind this host, and a rule about who sends its answers, {mac}."""

    def prepare(lab):
        behind = lab.another_netns("k")
        lab.server.ip("link", "add", "vk0", "type", "veth", "peer", "name", "eth0", "netns", behind.name)
        lab.server.ip("addr", "add", "10.88.0.1/24", "dev", "vk0")
        lab.server.ip("link", "set", "vk0", "up")
        behind.ip("addr", "add", "10.88.0.2/24", "dev", "eth0")
        behind.ip("link", "set", "eth0", "up")
        behind.ip("route", "add", "default", "via", "10.88.0.1")
        within(lab, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        lab.serve("0.0.0.0", "8080", netns=behind)
        mac = json.loads(behind.ip("-j", "link", "show", "eth0"))[0]["address"]
        if real_outcome(lab.client, "tcp", "10.88.0.2", 8080, CLIENT)[0] != "open":
            raise LabError("the way through the host is not open")
        within(lab, *rule.format(mac=mac).split())

    return prepare


class OneChoice(Case):
    """Who sends the frames is out of sight, but is the same for each of them: each way is either
    through all the rules or stopped at once."""

    def _judge(self, answer, real):
        found = super()._judge(answer, real)
        ways = {each["outcome"] for each in answer.flows[0]["alternatives"]}
        if ways != {"open", "timeout"}:
            found.append(f"the ways are {ways}")
        return found


def bridged(chain, rule):
    """The server's link is the port of a bridge, whose own rules have a say."""

    def prepare(lab):
        put_on_bridge(lab)
        path = os.path.join(lab.folder(), "rules.nft")
        with open(path, "w") as file:
            file.write(f"table bridge b {{\nchain {chain} {{\ntype filter hook {chain} priority 0;\n{rule}\n}}\n}}\n")
        within(lab, "nft", "-f", path)
        lab.serve("0.0.0.0", "8080")

    return prepare


def put_on_bridge(lab):
    server = lab.server
    server.ip("link", "add", "br0", "type", "bridge")
    server.ip("addr", "flush", "dev", "sv0", "scope", "global")
    server.ip("link", "set", "sv0", "master", "br0")
    server.ip("addr", "add", "10.77.0.1/24", "dev", "br0")
    server.ip("link", "set", "br0", "up")


def ruled_bridge(text):
    """The server's link is the port of a bridge, and br_netfilter hands its packets to IP's rules."""

    def prepare(lab):
        if not os.path.exists("/proc/sys/net/bridge"):
            raise Skip("no br_netfilter")
        put_on_bridge(lab)
        lab.server.sysctl("net.bridge.bridge-nf-call-iptables", 1)
        rules_of_input(text)(lab)

    return prepare


def both_back_ends(*order, legacy="DROP", nft="reject"):
    """A chain and a legacy table of the same priority: the one that was loaded last comes first."""
    load = {
        "legacy": ["iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", legacy],
        "nft": ["nft", "table inet f { chain i { type filter hook input priority 0; "
                       f"tcp dport 8080 {nft}; }}; }}"],
    }

    def prepare(lab):
        lab.serve("0.0.0.0", "8080")
        for back_end in order:
            within(lab, *load[back_end])

    return prepare


def sent_by(uid, rule, tool="nft"):
    """A listener of user `uid` whose connections root accepts, and a rule about who sends."""

    def prepare(lab):
        lab.serve("--uid", str(uid), "0.0.0.0", "8080")
        if tool == "nft":
            within(lab, "nft", "add table inet f; add chain inet f o { type filter hook output priority 0; }; "
                               f"add rule inet f o tcp sport 8080 {rule}")
        else:
            within(lab, tool, "-A", "OUTPUT", "-p", "tcp", "--sport", "8080", *rule.split())

    return prepare


OFTEN = (["--set"], ["--update", "--seconds", "600", "--hitcount", "5", "-j", "DROP"])
KNOWN = (["--rcheck", "-j", "REJECT", "--reject-with", "tcp-reset"],)
LAN = Connection(SERVER, source=CLIENT)
LAN6 = Connection("fd77::1")
ABOVE = "--hashlimit-above 6/hour --hashlimit-burst 3 --hashlimit-mode srcip -j DROP"
UPTO = "--hashlimit-upto 6/hour --hashlimit-burst 3 --hashlimit-mode srcip -j ACCEPT"

def rules_of_input(text):
    def prepare(lab):
        lab.serve("0.0.0.0", "8080")
        done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True,
                              preexec_fn=lambda: enter(lab.server))
        if done.returncode != 0:
            raise Skip(f"nft: {done.stderr.strip()}")
    return prepare


SYNPROXY = """table inet f {
  chain p { type filter hook prerouting priority -300; tcp dport 8080 tcp flags syn notrack; }
  chain i { type filter hook input priority 0;
    tcp dport 8080 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm; }
}
"""
RESET_HELD_BACK = """table inet f {
  chain i { type filter hook input priority 0; tcp dport 8080 reject with tcp reset; }
  chain o { type filter hook output priority 0; tcp sport 8080 drop; }
}
"""
TRACKED_IN_BRIDGE = """table inet f {
  chain g { type filter hook ingress device br0 priority 0;
    ct state new,established accept; meta l4proto tcp drop; }
}
"""
#: What is answered is marked, and only an unmarked answer is dropped.
TRAFFIC_CLASS = """table inet f {
  chain p { type filter hook prerouting priority -300; iifname sv0 ip dscp set ef; ip6 dscp set ef; }
  chain o { type filter hook output priority 0;
    tcp flags rst ip dscp cs0 drop; tcp flags rst ip6 dscp cs0 drop;
    ip protocol icmp ip dscp cs6 drop; }
}
"""
#: What answers is not tracked, so NAT does not give the target its name back.
UNTRACKED_ANSWERS = """table inet f {
  chain n { type nat hook prerouting priority -100; tcp dport 8081 redirect to :9; udp dport 8081 redirect to :9; }
  chain o { type filter hook output priority -300; notrack; }
}
"""
#: The client does not know the port that the ICMP error quotes.
REWRITTEN = """table inet f {
  chain i { type filter hook input priority 0; tcp dport 8081 tcp dport set 80; tcp dport 80 reject; }
}
"""
QUOTA = """table inet f {
  chain i { type filter hook input priority 0; tcp dport 8080 quota over 100 mbytes drop; }
}
"""


def beyond_a_neighbour(redirects):
    """The server forwards what it gets back to where it came from, and refuses it by ICMP."""
    def prepare(lab):
        lab.server.sysctl("net.ipv4.ip_forward", 1)
        for each in ("all", "sv0"):
            lab.server.sysctl(f"net.ipv4.conf.{each}.send_redirects", redirects)
        lab.client.sysctl("net.ipv4.conf.all.accept_redirects", 0)
        lab.client.sysctl("net.ipv4.conf.cl0.accept_redirects", 0)
        lab.server.ip("route", "add", "192.0.2.0/24", "via", "10.77.0.9", "dev", "sv0")
        lab.client.ip("route", "add", "192.0.2.0/24", "via", "10.77.0.1")
        within(lab, "nft", "add table inet f; add chain inet f fw { type filter hook forward priority 0; };"
               "add rule inet f fw tcp dport 8123 reject with icmpx type admin-prohibited")
    return prepare


BEYOND = Connection("192.0.2.1", 8123)

CASES = [
    Case("the redirect to a neighbour takes the turn of the error after it", beyond_a_neighbour(1), BEYOND,
         "timeout", predicted="unreachable", certainty="likely"),
    Case("without redirects the error comes", beyond_a_neighbour(0), BEYOND, "unreachable", "fw.reject",
         certainty="certain"),
    Case("a client that comes for the first time is under its limit", recent(*OFTEN), LAN, "open",
         certainty="certain"),
    Case("the same by iptables-nft", recent(*OFTEN, tool="iptables-nft"), LAN, "open",
         certainty="certain"),
    Case("a limit of one connection", recent(["--set"], ["--rcheck", "--hitcount", "1", "-j", "DROP"]),
         LAN, "timeout", "fw.limit", "xt_rule", certainty="certain"),
    Case("another client is in the list", recent(*KNOWN, listed=["10.77.0.99"]), LAN, "open",
         certainty="certain"),
    Case("the client is in the list", recent(*KNOWN, listed=["10.77.0.99", CLIENT]), LAN, "refused",
         "fw.limit", "xt_rule", certainty="certain"),
    Case("a client without an entry of hashlimit has its whole burst", hashlimit(ABOVE), LAN, "open",
         certainty="likely"),
    Case("the same hashlimit by iptables-nft", hashlimit(ABOVE, tool="iptables-nft"), LAN, "open",
         certainty="likely"),
    Case("a client that used up its hashlimit", hashlimit(ABOVE, spent=3), LAN, "timeout", "fw.limit",
         "xt_rule", certainty="certain"),
    Case("the same by iptables-nft, used up", hashlimit(ABOVE, spent=3, tool="iptables-nft"), LAN,
         "timeout", "fw.limit", certainty="certain"),
    Case("a client with the last of its hashlimit", hashlimit(ABOVE, spent=2), LAN, "open",
         certainty="certain"),
    Case("another client used up its hashlimit", hashlimit(ABOVE, spent=3, source="10.77.0.22"), LAN,
         "open", certainty="certain"),
    Case("another of the same network used it up", hashlimit(ABOVE + " --hashlimit-srcmask 24", spent=3,
         source="10.77.0.22"), LAN, "timeout", "fw.limit", "xt_rule", certainty="certain"),
    Case("a hashlimit of the destination that another used up", hashlimit(
         ABOVE.replace("srcip", "dstip,dstport"), spent=3, source="10.77.0.22"), LAN, "timeout", "fw.limit",
         "xt_rule", certainty="certain"),
    Case("two rules with one table of hashlimit count each", hashlimit(ABOVE, ABOVE, spent=1), LAN,
         "timeout", "fw.limit", "xt_rule", certainty="certain"),
    Case("a hashlimit that the handshake itself uses up", hashlimit(
         ABOVE.replace("burst 3", "burst 1"), what="-m comment --comment all"), LAN, "stalled", certainty="likely"),
    Case("a hashlimit that lets in", closed_but_for(UPTO), LAN, "open", certainty="likely"),
    Case("a hashlimit that lets in, used up", closed_but_for(UPTO, spent=3), LAN, "timeout", "fw.drop",
         "xt_rule", certainty="certain"),
    Case("a hashlimit that is soon filled again", hashlimit(ABOVE.replace("6/hour", "60/min"), spent=3), LAN,
         "open", predicted="unknown"),
    Case("a hashlimit over IPv6", hashlimit(ABOVE, tool="ip6tables-legacy"), LAN6, "open",
         certainty="likely"),
    Case("a hashlimit over IPv6, used up", hashlimit(ABOVE, spent=3, source="fd77::2", tool="ip6tables-legacy"),
         LAN6, "timeout", "fw.limit", "xt_rule", certainty="certain"),
    Case("a /64 that used up its hashlimit", hashlimit(ABOVE + " --hashlimit-srcmask 64", spent=3,
         source="fd77::22", tool="ip6tables-legacy"), LAN6, "timeout", "fw.limit", "xt_rule", certainty="certain"),
    Case("a hashlimit in bytes", hashlimit(ABOVE.replace("6/hour", "10kb/s").replace("burst 3", "burst 20kb"),
         what="-m comment --comment all"), LAN, "open", certainty="likely"),
    Case("a list that is knocked at and then asked",
         knocked, LAN, "stalled", certainty="certain"),
    Case("a set that the rule before has changed", written_set, LAN, "timeout", "fw.drop", "xt_rule",
         certainty="certain"),
    Case("exceptions asked of a set that has none", set_without_exceptions, LAN, "timeout", "fw.drop",
         "xt_rule", certainty="certain"),
    Case("ipset: an address with its link-layer address",
         sender_asked("iptables-legacy -A INPUT -m set --match-set hosts src,src -j DROP",
                      kind="bitmap:ip,mac range 10.77.0.0/24"), LAN, "timeout", "fw.drop", "xt_rule",
         certainty="certain"),
    Case("-m mac: the client's link-layer address",
         sender_asked("iptables-legacy -A INPUT -m mac --mac-source {mac} -j ACCEPT",
                      "iptables-legacy -P INPUT DROP"), LAN, "open", certainty="certain"),
    Case("ether saddr: another one",
         sender_asked("iptables-nft -A INPUT -m mac ! --mac-source {mac} -j ACCEPT",
                      "iptables-nft -P INPUT DROP"), LAN, "timeout", "fw.policy_drop",
         certainty="certain"),
    Case("-m mac: who sends the answers",
         answerer_asked("iptables-legacy -A FORWARD -s 10.88.0.2 -m mac ! --mac-source {mac} -j DROP"),
         Connection("10.88.0.2"), "open", certainty="certain"),
    OneChoice("-m mac: who sends is out of sight",
              sender_asked("iptables-legacy -A INPUT -m mac --mac-source {mac} -j DROP",
                           source="10.77.0.33"),
              Connection(SERVER, source="10.77.0.33"), "timeout", predicted="open",
              certainty="likely"),
    Case("nftables refuses, loaded after iptables-legacy, which drops",
         both_back_ends("legacy", "nft"), LAN, "refused", predicted="unknown"),
    Case("iptables-legacy drops, loaded after nftables, which refuses",
         both_back_ends("nft", "legacy"), LAN, "timeout", predicted="unknown"),
    Case("both back ends drop", both_back_ends("nft", "legacy", nft="drop"), LAN, "timeout",
         "fw.drop", certainty="certain"),
    Case("a quota that is far from used up", rules_of_input(QUOTA), LAN, "open",
         certainty="certain"),
    Case("SYNPROXY answers", rules_of_input(SYNPROXY), LAN, "reset", predicted="unknown"),
    Case("the data is of the user who accepts", sent_by(1000, "tcp flags & syn == 0 meta skuid 1000 drop"), LAN,
         "open", certainty="certain"),
    Case("the user who accepts may not send", sent_by(1000, "tcp flags & syn == 0 meta skuid 0 drop"), LAN,
         "stalled", "fw.after_handshake", "nft_rule", certainty="certain"),
    Case("the handshake is of the user of the listener", sent_by(1000, "tcp flags & syn == syn meta skuid != 1000 drop"),
         LAN, "open", certainty="certain"),
    Case("the listener's user may not send", sent_by(1000, "-m owner --uid-owner 1000 -j DROP", "iptables-legacy"),
         LAN, "timeout", "fw.reply_drop", "xt_rule", certainty="certain"),
    Case("the group of whoever accepts", sent_by(0, "tcp flags & syn == 0 meta skgid 0 drop"), LAN,
         "stalled", "fw.after_handshake", "nft_rule", certainty="certain"),
    Case("the group of the listener", sent_by(0, "-m owner ! --gid-owner 0 -j DROP", "iptables-nft"), LAN,
         "open", certainty="certain"),
    Case("an empty rule of iptables-legacy counts, and the next one drops", counting_only, LAN, "timeout",
         "fw.drop", "xt_rule", certainty="certain"),
    Case("a rule of the family bridge", bridged("input", "iifname sv0 ip protocol tcp drop"), LAN, "timeout",
         "fw.drop", "nft_rule", certainty="certain"),
    Case("a rule of the family bridge for another port", bridged("prerouting", "ip protocol tcp tcp dport 8081 drop"),
         LAN, "open", certainty="certain"),
    Case("a rule of the family bridge for answers", bridged("postrouting", "ip saddr 10.77.0.1 tcp sport 8080 drop"),
         LAN, "timeout", "fw.drop", "nft_rule", certainty="certain"),
    Case("a rule of the family bridge for resets", bridged("output", "ip protocol tcp tcp sport 9 drop"),
         Connection("10.77.0.1", 9), "timeout", "listen.none.silent", certainty="certain"),
    Case("a rule of the family bridge for ICMP errors",
         bridged("postrouting", "ip protocol icmp icmp type destination-unreachable drop"),
         Connection("10.77.0.1", 9, proto="udp"), "timeout", "udp.none.silent", certainty="certain"),
    Case("a rule's reset leaves by the port of the bridge, past output", ruled_bridge(RESET_HELD_BACK),
         LAN, "refused", "fw.reject", "nft_rule", certainty="certain"),
    Case("a chain of the bridge's device sees what is tracked already", ruled_bridge(TRACKED_IN_BRIDGE),
         LAN, "open", certainty="certain"),
    Case("a reset that is not tracked comes from another port than was called",
         rules_of_input(UNTRACKED_ANSWERS), Connection(SERVER, 8081), "timeout", certainty="certain"),
    Case("an ICMP error that is not tracked quotes another port than was called",
         rules_of_input(UNTRACKED_ANSWERS), Connection(SERVER, 8081, proto="udp"), "timeout",
         certainty="certain"),
    Case("an ICMP error quotes the port that a rule has written", rules_of_input(REWRITTEN),
         Connection(SERVER, 8081), "timeout", certainty="certain"),
    Case("a reset has the traffic class of what it answers", rules_of_input(TRAFFIC_CLASS),
         Connection("10.77.0.1", 9), "refused", certainty="certain"),
    Case("so it has over IPv6", rules_of_input(TRAFFIC_CLASS), Connection("fd77::1", 9), "refused",
         certainty="certain"),
    Case("an ICMP error keeps a part of it", rules_of_input(TRAFFIC_CLASS),
         Connection("10.77.0.1", 9, proto="udp"), "refused", certainty="certain"),
    Case("-m socket and a listener that is bound to another device",
         socket_of_another_device("iptables-legacy", "-A", "INPUT", "-m", "socket", "-j", "DROP"),
         Connection(SERVER), "refused", certainty="certain"),
    Case("socket wildcard and a listener that is bound to another device",
         socket_of_another_device("nft", "table ip t { chain i { type filter hook input priority 0;"
                                         " socket wildcard 0 drop; }; }"),
         Connection(SERVER), "refused", certainty="certain"),
    Case("the answer has no window scale", without_option("net.ipv4.tcp_window_scaling", "window"),
         Connection(SERVER), "open", certainty="certain"),
    Case("nor has a program of the server", without_option("net.ipv4.tcp_window_scaling", "window"),
         Connection(SERVER, source=SERVER, local=True), "open", certainty="certain"),
    Case("the answer has no timestamps", without_option("net.ipv4.tcp_timestamps", "timestamp"),
         Connection(SERVER), "open", certainty="certain"),
    Case("the answer does not permit SACK", without_option("net.ipv4.tcp_sack", "sack-perm"),
         Connection("fd77::1"), "open", certainty="certain"),
    Case("an ICMP error to a program of this host has its address", own_errors_dropped,
         Connection(CLIENT, source=SERVER, local=True), "timeout", certainty="certain"),
    Case("so it has over IPv6, too", own_errors_dropped,
         Connection("fd77::2", source="fd77::1", local=True), "timeout", certainty="certain"),
]
