"""The fix that synfate prints is run as it stands; then the connection is open, and predicted so."""

import os
import subprocess

import cases_fw
import cases_generators
import cases_nat
import cases_path
from lab import Connection, enter, ask_synfate, real_outcome, target_words

#: Fixes write there as well; the host's own files stay as they are.
COVERED = "mount -t tmpfs none /etc/sysctl.d"
MOST_ROUNDS = 4


class Fixed:
    """The first fix of the first finding, again and again until nothing is in the way."""

    def __init__(self, name, prepare, connection, rules, contains=""):
        self.name, self.prepare, self.connection = name, prepare, connection
        self.rules, self.contains = rules, contains

    def complaints(self, lab):
        self.prepare(lab)
        wanted = self.connection
        target = target_words(wanted.proto, wanted.address, wanted.port)
        applied, rules = [], []
        for _ in range(MOST_ROUNDS):
            answer = ask_synfate(lab.server, target, "--from", wanted.source)
            if answer.flows[0]["outcome"] == "open":
                break
            finding = answer.report["findings"][0]
            rules.append(finding["rule"])
            applied.append((finding["fix"] or [""])[0])
            done = run(lab, applied[-1])
            if done.returncode != 0:
                return [f"{finding['rule']}: {applied[-1]}: exit {done.returncode}: {done.stderr.strip()}"]
        client = lab.server if wanted.local else lab.client
        real, code = real_outcome(client, wanted.proto, wanted.address, wanted.port, wanted.source)
        found = []
        if real != "open":
            found.append(f"a real client gets {real} ({code}) after {applied}")
        if answer.flows[0]["outcome"] != real:
            found.append(f"predicted {answer.flows[0]['outcome']}, a real client gets {real}")
        if rules != self.rules:
            found.append(f"the findings are {rules}, not {self.rules}")
        if self.contains not in " ".join(applied):
            found.append(f"{self.contains} is not among {applied}")
        return found


def run(lab, command):
    """As an operator does who pastes it into a shell of the server."""
    return subprocess.run(["unshare", "-m", "sh", "-c", f"{COVERED} && exec sh -c \"$0\"", command],
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, **lab.environment}, preexec_fn=lambda: enter(lab.server))


def nested(lab):
    """Rules in a chain without a name, to which nothing can be added."""
    lab.serve("0.0.0.0", "8080")
    cases_nat.nft(lab.server, "table inet f {\nchain i {\ntype filter hook input priority 0\n"
                              "tcp dport { 8000-9000 } jump {\nip saddr 10.77.0.0/24 counter drop\n}\n}\n}")


def both_ways(lab):
    lab.serve("0.0.0.0", "8080")
    cases_nat.nft(lab.server, "table inet f {\nchain i {\ntype filter hook input priority 0\n tcp dport 8080 drop\n}\n"
                              "chain o {\ntype filter hook output priority 0\n tcp sport 8080 drop\n}\n}")


PORT = Connection("10.77.0.1")
PORT6 = Connection("fd77::1")
WAY_TO_CONTAINER = cases_nat.REMOTE

CASES = [
    Fixed("a rule in a nameless chain", nested, PORT, ["fw.drop"], "insert rule inet f i "),
    Fixed("rules drop the call and the answer", both_ways, PORT, ["fw.drop"], " && nft insert"),
    Fixed("the client is in a list of recent", cases_fw.recent(["--rcheck", "-j", "DROP"], listed=["10.77.0.2"]),
          PORT, ["fw.limit"]),
    Fixed("the client has used up its hashlimit",
          cases_fw.hashlimit("--hashlimit-above 6/hour --hashlimit-burst 2 --hashlimit-mode srcip -j DROP", spent=2),
          PORT, ["fw.limit"]),
    Fixed("the same over IPv6, by iptables-nft",
          cases_fw.hashlimit("--hashlimit-above 6/hour --hashlimit-burst 2 --hashlimit-mode srcip -j DROP", spent=2,
                             source="fd77::2", tool="ip6tables-nft"), PORT6, ["fw.limit"], "ip6tables-nft"),
    Fixed("everything is masqueraded, and there is no address to do it with",
          cases_nat.all_masqueraded("nft", addresses=False), Connection("127.0.0.1", local=True), ["fw.drop", "fw.drop"]),
    Fixed("the container drops it", cases_nat.docker("nft", change=cases_nat.drop_inside), WAY_TO_CONTAINER,
          ["fw.drop"], "ip netns exec "),
    Fixed("the host does not forward", cases_nat.docker("legacy", forwarding=0), WAY_TO_CONTAINER,
          ["nat.docker.ip_forward0"], "sysctl -w"),
    Fixed("a rich rule of firewalld drops the client",
          cases_generators.firewalld("--add-port=8080/tcp", cases_generators.DROPPING), PORT, ["fw.drop"],
          "priority=-32768"),
    Fixed("a rich rule of firewalld rejects the client (IPv6)",
          cases_generators.firewalld("--add-port=8080/tcp", cases_generators.REJECTING), PORT6, ["fw.reject"],
          "family=ipv6"),
    Fixed("firewalld has the client in a zone of this run alone",
          cases_generators.firewalld("--zone=drop | --add-source=10.77.0.0/24"), PORT, ["fw.drop"], "--zone=drop"),
    Fixed("firewalld has the interface in the zone block",
          cases_generators.firewalld("--zone=block | --change-interface=sv0"), PORT, ["fw.reject"], "--zone=block"),
]
