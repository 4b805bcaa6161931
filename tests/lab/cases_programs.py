"""Programs beside netfilter: what they decide is not modelled, so an answer that passes one must not
claim certainty, and must name it."""

import os
import subprocess
import sys

from lab import HERE, Case, Connection, Skip, enter


class Named(Case):
    """The real outcome is the program's; the prediction names the program and is `likely`."""

    def __init__(self, name, prepare, connection, outcome, stage):
        super().__init__(name, prepare, connection, outcome)
        self.stage = stage

    def _judge(self, answer, real):
        flow = answer.flows[0]
        found = []
        if flow["certainty"] != "likely":
            found.append(f"it claims to be {flow['certainty']}")
        seen = [step for step in flow["path"] if (step["by"] or {}).get("kind") == "bpf_program"]
        if not any(step["stage"] == self.stage and step["verdict"] == "assumed" for step in seen):
            found.append(f"no program is named at {self.stage}: {seen}")
        return found


def traffic_control(side, verdict):
    def prepare(lab):
        lab.serve("0.0.0.0", "8080")
        for words in (("qdisc", "add", "dev", "sv0", "clsact"),
                      ("filter", "add", "dev", "sv0", side, "bpf", "da", "bytecode",
                       f"1,6 0 0 {verdict}")):
            done = subprocess.run(["tc", *words], capture_output=True, text=True,
                                  preexec_fn=lambda: enter(lab.server))
            if done.returncode != 0:
                raise Skip(f"tc {' '.join(words)}: {done.stderr.strip()}")
    return prepare


def socket_lookup(*words, listening=None):
    """A program that is asked before the kernel looks for a socket; see sk_lookup.py."""
    def prepare(lab):
        if listening:
            lab.serve("0.0.0.0", listening)
        program = lab.start(lab.server, sys.executable, os.path.join(HERE, "sk_lookup.py"), *words,
                            output=subprocess.PIPE, takes_input=True)
        lab.undo(program.stdout.close)
        lab.undo(program.stdin.close)
        said = program.stdout.readline().decode().strip()
        if said != "ready":
            raise Skip(f"sk_lookup: {said}")
    return prepare


REMOTE = Connection("10.77.0.1")

CASES = [
    Named("a filter of traffic control drops what arrives", traffic_control("ingress", 2), REMOTE,
          "timeout", "tc.ingress"),
    Named("a filter of traffic control lets it in", traffic_control("ingress", 0), REMOTE, "open",
          "tc.ingress"),
    Named("a filter of traffic control drops the answers", traffic_control("egress", 2), REMOTE,
          "timeout", "egress"),
    Case("an sk_lookup program refuses a port that has a listener",
         socket_lookup("drop", "8080", listening="8080"), REMOTE, "refused", "bpf.sk_lookup",
         "bpf_program", certainty="likely"),
    Case("an sk_lookup program gives a port to a listener of another",
         socket_lookup("redirect", "8080", "9999"), REMOTE, "open", "bpf.sk_lookup",
         certainty="likely"),
    Case("an sk_lookup program for another port", socket_lookup("drop", "8081", listening="8080"),
         REMOTE, "open", "bpf.sk_lookup", certainty="likely"),
]
