"""Rules of a firewall that remember: what can be read of their memory decides."""

from cases_generators import within
from lab import Case, Connection

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


def knocked(lab):
    """The first packet takes the client out of the list: its second finds it gone."""
    recent(["--remove", "-j", "ACCEPT"], listed=[CLIENT])(lab)
    within(lab, "iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "DROP")


OFTEN = (["--set"], ["--update", "--seconds", "600", "--hitcount", "5", "-j", "DROP"])
KNOWN = (["--rcheck", "-j", "REJECT", "--reject-with", "tcp-reset"],)
LAN = Connection(SERVER, source=CLIENT)

CASES = [
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
    Case("a list that is knocked at and then asked",
         knocked, LAN, "stalled", certainty="certain"),
]
