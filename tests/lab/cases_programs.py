"""Programs beside netfilter: what they decide is not modelled, so an answer that passes one must not
claim certainty, and must name it."""

import subprocess

from lab import Case, Connection, Skip, enter


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


REMOTE = Connection("10.77.0.1")

CASES = [
    Named("a filter of traffic control drops what arrives", traffic_control("ingress", 2), REMOTE,
          "timeout", "tc.ingress"),
    Named("a filter of traffic control lets it in", traffic_control("ingress", 0), REMOTE, "open",
          "tc.ingress"),
    Named("a filter of traffic control drops the answers", traffic_control("egress", 2), REMOTE,
          "timeout", "egress"),
]
