"""Firewalls that are hard to read: deep, odd, or never at rest."""

import os
import select
import subprocess
import sys

from cases_generators import within
from lab import Case, Connection, LabError, ask_synfate, enter, real_outcome, synfate_program

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
LAN = Connection(SERVER, source=CLIENT)
HERE = os.path.dirname(os.path.abspath(__file__))
ODD = "\x1b[31m\x07odd\x7f"


def load(lab, text):
    path = os.path.join(lab.folder(), "rules.nft")
    with open(path, "w") as file:
        file.write(text)
    within(lab, "nft", "-f", path)


def nft(text):
    def prepare(lab):
        lab.serve("0.0.0.0", "8080")
        load(lab, text)

    return prepare


def deep(lab):
    """As many jumps inside of each other as the kernel takes; the innermost rule decides."""
    lab.serve("0.0.0.0", "8080")
    for depth in range(17, 13, -1):
        chains = [f"chain c{at} {{ jump c{at + 1}; }}" for at in range(1, depth)]
        chains += [f"chain c{depth} {{ tcp dport 8080 reject with tcp reset; }}",
                   "chain i { type filter hook input priority 0; jump c1; }"]
        try:
            return load(lab, "table ip deep {\n" + "\n".join(reversed(chains)) + "\n}\n")
        except LabError:
            continue
    raise LabError("this kernel takes no deep jumps")


def deep_legacy(lab):
    """Jumps of iptables-legacy may be far deeper."""
    lab.serve("0.0.0.0", "8080")
    lines = ["*filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT"]
    lines += [f":c{at} -" for at in range(1, 101)]
    lines += ["-A INPUT -j c1"] + [f"-A c{at} -j c{at + 1}" for at in range(1, 100)]
    lines += ["-A c100 -p tcp --dport 8080 -j REJECT --reject-with tcp-reset", "COMMIT\n"]
    path = os.path.join(lab.folder(), "rules")
    with open(path, "w") as file:
        file.write("\n".join(lines))
    within(lab, "iptables-legacy-restore", path)


def odd_legacy(lab):
    lab.serve("0.0.0.0", "8080")
    chain = "a/b" + ODD
    within(lab, "iptables-legacy", "-N", chain)
    within(lab, "iptables-legacy", "-A", "INPUT", "-j", chain)
    within(lab, "iptables-legacy", "-A", chain, "-p", "tcp", "--dport", "8080", "-m", "comment",
           "--comment", "c/d" + ODD, "-j", "DROP")


class Printed(Case):
    """What is printed for people holds no control characters, and no name is lost."""

    def __init__(self, name, prepare, connection, outcome, words, **more):
        super().__init__(name, prepare, connection, outcome, **more)
        self.words = words

    def complaints(self, lab):
        found = super().complaints(lab)
        if not synfate_program():
            return found
        done = subprocess.run([synfate_program(), f"{SERVER}:8080", "--from", CLIENT, "-v"],
                              capture_output=True, text=True, timeout=60,
                              preexec_fn=lambda: enter(lab.server))
        odd = [letter for letter in done.stdout if letter < " " and letter != "\n" or letter == "\x7f"]
        if odd:
            found.append(f"control characters are printed: {odd}")
        found += [f"{word} is not told in:\n{done.stdout}" for word in self.words
                  if word not in done.stdout]
        return found


class Restless:
    """Two rulesets that both drop are loaded in turn. Read from both, they would accept."""

    name = "rules that are replaced all the time"
    FIRST = ("add table ip t; delete table ip t; table ip t { chain x { tcp dport 8080 drop; }; "
             "chain i { type filter hook input priority 0; jump x; }; }")
    SECOND = ("add table ip t; delete table ip t; table ip t { chain x { }; "
              "chain i { type filter hook input priority 0; tcp dport 8080 drop; jump x; }; }")

    def complaints(self, lab):
        lab.serve("0.0.0.0", "8080")
        load(lab, self.FIRST)
        real, code = real_outcome(lab.client, "tcp", SERVER, 8080, CLIENT)
        if real != "timeout":
            return [f"reality is {real} ({code}), the case says timeout"]
        if not synfate_program():
            return []
        writer = lab.start(lab.server, sys.executable, os.path.join(HERE, "rewriting.py"),
                           self.FIRST, self.SECOND, output=subprocess.PIPE)
        lab.undo(writer.stdout.close)
        if not select.select([writer.stdout], [], [], 10)[0]:
            return ["the writer did not start"]
        found = []
        for _ in range(15):
            found += self.judge(ask_synfate(lab.server, f"{SERVER}:8080", "--from", CLIENT))
            if writer.poll() is not None:
                return ["the writer ended"]
        writer.kill()
        writer.wait()
        answer = ask_synfate(lab.server, f"{SERVER}:8080", "--from", CLIENT)
        if answer.flows[0]["outcome"] != "timeout":
            found.append(f"at rest it is {answer.flows[0]['outcome']}, not timeout")
        return found

    @staticmethod
    def judge(answer):
        outcome = answer.flows[0]["outcome"]
        gaps = [gap["id"] for gap in answer.report["gaps"]]
        if outcome == "timeout" or outcome == "unknown" and {"nft.changed", "nft.lost", "nft.unread"} & set(gaps):
            return []
        return [f"predicted {outcome} with the gaps {gaps}; a real client gets timeout"]


CASES = [
    Case("jumps as deep as nf_tables takes them", deep, LAN, "refused", "fw.reject", "nft_rule",
         certainty="certain"),
    Case("a hundred jumps deep in iptables-legacy", deep_legacy, LAN, "refused", "fw.reject",
         "xt_rule", certainty="certain"),
    Printed("names with slashes and control characters in nft",
            nft("table ip a/b {\nchain c/d {\ntcp dport 8080 drop comment \"e/f" + ODD + "\"\n}\n"
                "chain i/i {\ntype filter hook input priority 0; jump c/d\n}\n}\n"),
            LAN, "timeout", ["a/b", "c/d", "e/f"], culprit="nft_rule"),
    Printed("names with slashes and control characters in iptables-legacy", odd_legacy, LAN,
            "timeout", ["a/b", "c/d"], culprit="xt_rule"),
    Case("an element that stays for an hour",
         nft("table ip t {\nset s {\ntype ipv4_addr; timeout 1h; elements = { 10.77.0.2 }\n}\n"
             "chain i {\ntype filter hook input priority 0; ip saddr @s drop\n}\n}\n"),
         LAN, "timeout", culprit="nft_rule", certainty="certain"),
    Case("an element that goes while a client still tries",
         nft("table ip t {\nset s {\ntype ipv4_addr; timeout 9s; elements = { 10.77.0.2 }\n}\n"
             "chain i {\ntype filter hook input priority 0; ip saddr @s drop\n}\n}\n"),
         LAN, "timeout", culprit="nft_rule", certainty="likely"),
    Restless(),
]
