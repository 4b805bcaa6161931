"""Policies of IPsec: what they drop on the way in, out and through, and whom they leave alone."""

from cases_path import CONTAINER, among_strangers, container, rules, serve, setting
from lab import Case, Connection


def policies(*texts, then=None, listens=True):
    """`ip xfrm policy add` with each of the texts, the oldest first."""
    def prepare(lab):
        if listens:
            serve(lab)
        if then:
            then(lab)
        for text in texts:
            lab.server.ip("xfrm", "policy", "add", *text.split())
    return prepare


def defaults(*texts):
    def prepare(lab):
        serve(lab)
        lab.server.ip("xfrm", "policy", "setdefault", *texts)
    return prepare


def strangers(*texts):
    """The client does not know the server's link-layer address."""
    return among_strangers(policies(*texts, listens=False))


def forwarded(*texts):
    return policies(*texts, then=container, listens=False)


def redirected(lab):
    rules(lab, "table ip t { chain p { type nat hook prerouting priority -100;"
               " tcp dport 80 redirect to :8080; }\n}")


def masqueraded(lab):
    container(lab)
    rules(lab, "table ip t { chain p { type nat hook postrouting priority 100;"
               " oifname br0 masquerade; }\n}")


def published(lab):
    """The container's answers leave under the host's address."""
    container(lab)
    rules(lab, "table ip t { chain p { type nat hook prerouting priority -100;"
               " tcp dport 80 dnat to 10.88.0.2:8080; }\n}")


FROM = "src 10.77.0.2/32 dst 10.77.0.1/32"
TO = "src 10.77.0.1/32 dst 10.77.0.2/32"
FROM6 = "src fd77::2/128 dst fd77::1/128"
TO6 = "src fd77::1/128 dst fd77::2/128"
ESP = "tmpl proto esp mode transport"
V4, V6 = Connection("10.77.0.1"), Connection("fd77::1")
BLOCKED = {"rule": "xfrm.block_in", "culprit": "ipsec_policy", "certainty": "certain"}
BLOCKED_OUT = {**BLOCKED, "rule": "xfrm.block_out"}
DEMANDED = {"rule": "xfrm.demands", "culprit": "ipsec_policy", "certainty": "likely"}

CASES = [
    Case("a policy drops what a client sends", policies(f"{FROM} dir in action block"), V4, "timeout", **BLOCKED),
    Case("the same over IPv6", policies(f"{FROM6} dir in action block"), V6, "timeout", **BLOCKED),
    Case("the same over UDP", policies(f"{FROM} dir in action block"),
         Connection("10.77.0.1", 9, proto="udp"), "timeout", **BLOCKED),
    Case("a port that nobody holds gets no reset", policies(f"{FROM} dir in action block"),
         Connection("10.77.0.1", 9), "timeout", **BLOCKED),
    Case("a policy for another client", policies("src 10.77.0.3/32 dst 10.77.0.1/32 dir in action block"),
         V4, "open", certainty="certain"),
    Case("a policy for another port", policies(f"{FROM} proto tcp dport 80 dir in action block"), V4, "open",
         certainty="certain"),
    Case("a policy for the port", policies(f"{FROM} proto tcp dport 8080 dir in action block"), V4, "timeout",
         **BLOCKED),
    Case("a policy for a port that few clients have",
         policies(f"{FROM} proto tcp sport 40000 dir in action block"), V4, "open", certainty="likely"),
    Case("a policy for a port that no client has", policies(f"{FROM} proto tcp sport 22 dir in action block"), V4,
         "open", certainty="certain"),
    Case("a policy for UDP", policies(f"{FROM} proto udp dir in action block"), V4, "open", certainty="certain"),
    Case("the lower priority is tried first", policies(f"{FROM} dir in action block priority 20",
                                                       "src 10.77.0.0/24 dst 10.77.0.0/24 dir in priority 10"),
         V4, "open", certainty="certain"),
    Case("of equal priority the older one counts", policies("src 10.77.0.0/24 dst 10.77.0.0/24 dir in",
                                                            f"{FROM} dir in action block"),
         V4, "open", certainty="certain"),
    Case("of equal priority the older one blocks", policies(f"{FROM} dir in action block",
                                                            "src 10.77.0.0/24 dst 10.77.0.0/24 dir in"),
         V4, "timeout", **BLOCKED),
    Case("a policy for the interface that the client comes by is for no local packet",
         policies(f"{FROM} dev sv0 dir in action block"), V4, "open", certainty="certain"),
    Case("a policy for a mark that the packet has not", policies(f"{FROM} dir in action block mark 7"), V4, "open",
         certainty="certain"),
    Case("a policy for an XFRM interface", policies(f"{FROM} dir in action block if_id 5"), V4, "open",
         certainty="certain"),
    Case("an interface without policies", policies(f"{FROM} dir in action block",
                                                   then=setting("net.ipv4.conf.sv0.disable_policy", 1)),
         V4, "open", certainty="certain"),
    Case("the policy sees the port that was called, before NAT",
         policies(f"{FROM} proto tcp dport 80 dir in action block", then=redirected),
         Connection("10.77.0.1", 80), "timeout", **BLOCKED),
    Case("the policy does not see where NAT leads",
         policies(f"{FROM} proto tcp dport 8080 dir in action block", then=redirected),
         Connection("10.77.0.1", 80), "open", certainty="certain"),
    Case("what leaves under another name has another policy",
         policies("src 10.88.0.1/32 dst 10.88.0.2/32 dir out action block", then=masqueraded,
                  listens=False), Connection(CONTAINER), "timeout", **BLOCKED_OUT),
    Case("and the one of its own name",
         policies("src 10.77.0.2/32 dst 10.88.0.2/32 dir out action block", then=masqueraded,
                  listens=False), Connection(CONTAINER), "timeout", **BLOCKED_OUT),
    Case("the answer under the name of this host has another policy",
         policies("src 10.77.0.1/32 dst 10.77.0.2/32 dir out action block", then=published,
                  listens=False), Connection("10.77.0.1", 80), "timeout", **BLOCKED_OUT),
    Case("localhost is left alone", policies("src 0.0.0.0/0 dst 0.0.0.0/0 dir in action block",
                                             "src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block"),
         Connection("127.0.0.1", local=True), "open", certainty="certain"),
    Case("localhost of IPv6 is not", policies("src ::/0 dst ::/0 dir in action block"),
         Connection("::1", local=True), "timeout", **BLOCKED),
    Case("localhost of IPv6 may not even send", policies("src ::/0 dst ::/0 dir out action block"),
         Connection("::1", local=True), "denied", **BLOCKED_OUT),
    Case("a policy drops the answer", policies(f"{TO} dir out action block"), V4, "timeout", **BLOCKED_OUT),
    Case("an IPv6 client that knows this host gets no answer", policies(f"{TO6} dir out action block"), V6, "timeout",
         rule="xfrm.block_out", culprit="ipsec_policy"),
    Case("a policy drops the reset", policies(f"{TO} dir out action block"), Connection("10.77.0.1", 9), "timeout",
         certainty="certain"),
    Case("a program of the host may not send", policies(f"{TO} dir out action block"),
         Connection("10.77.0.2", source="10.77.0.1", local=True), "denied", **BLOCKED_OUT),
    Case("a policy drops what is forwarded", forwarded("src 10.77.0.2/32 dst 10.88.0.2/32 dir fwd action block"),
         Connection(CONTAINER), "timeout", **BLOCKED),
    Case("a policy for what leaves drops what is forwarded",
         forwarded("src 10.77.0.2/32 dst 10.88.0.2/32 dir out action block"), Connection(CONTAINER), "timeout",
         **BLOCKED_OUT),
    Case("a policy drops an answer that is forwarded",
         forwarded("src 10.88.0.2/32 dst 10.77.0.2/32 dir fwd action block"), Connection(CONTAINER), "timeout",
         **BLOCKED),
    Case("what is forwarded meets no policy of the direction in",
         forwarded("src 10.77.0.2/32 dst 10.88.0.2/32 dir in action block"), Connection(CONTAINER), "open",
         certainty="certain"),
    Case("a policy demands IPsec of the client", policies(f"{FROM} dir in {ESP}"), V4, "timeout", **DEMANDED),
    Case("a policy uses IPsec where it can", policies(f"{FROM} dir in {ESP} level use"), V4, "open",
         certainty="certain"),
    Case("a policy demands IPsec of the answer", policies(f"{TO} dir out {ESP}"), V4, "timeout", **DEMANDED),
    Case("a policy demands IPsec of a program of the host", policies(f"{TO} dir out {ESP}"),
         Connection("10.77.0.2", source="10.77.0.1", local=True), "timeout", **DEMANDED),
    Case("a policy drops neighbour discovery", strangers("src ::/0 dst ::/0 dir in action block"), V6, "unreachable",
         rule="xfrm.block_in", culprit="ipsec_policy"),
    Case("a policy drops the advertisement", strangers(f"{TO6} dir out action block"), V6, "unreachable",
         rule="xfrm.block_out", culprit="ipsec_policy"),
    Case("a policy for TCP leaves neighbour discovery alone",
         strangers("src ::/0 dst ::/0 proto tcp dir in action block"), V6, "timeout", **BLOCKED),
    Case("everything is blocked that no policy names", defaults("in", "block"), V4, "timeout", rule="xfrm.default",
         culprit="ipsec_policy", certainty="certain"),
    Case("answers are blocked that no policy names", defaults("out", "block"), V6, "timeout", rule="xfrm.default",
         culprit="ipsec_policy"),
    Case("the default leaves localhost alone", defaults("in", "block", "out", "block"),
         Connection("127.0.0.1", local=True), "open", certainty="certain"),
]
