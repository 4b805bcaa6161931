"""A snapshot taken on the host explains it elsewhere, and what is damaged is refused."""

import json
import os
import stat
import subprocess

import cases_path
from cases_nat import container, nft
from lab import enter, synfate_program
from lab import run as must

SECRET = "--password=hunter2"


class Snapshot:
    """`check(folder, ask)` gives complaints; ask(words, netns) runs synfate."""

    def __init__(self, name, check, prepare=None, words=()):
        self.name, self.check, self.prepare, self.words = name, check, prepare, words

    def complaints(self, lab):
        if self.prepare:
            self.prepare(lab)
        else:
            lab.serve("0.0.0.0", "8080")
        if not synfate_program():
            return []
        path = os.path.join(lab.folder(), "host.synfate")
        taken = ask(lab.server, "snapshot", "-o", path, *self.words)
        if taken.returncode not in (0, 3):
            return [f"snapshot: exit {taken.returncode}: {taken.stderr}"]
        return list(self.check(lab, path))


def ask(netns, *words):
    return subprocess.run([synfate_program(), *words], capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: enter(netns))


def without_time(text):
    report = json.loads(text)
    report.pop("taken_at", None)
    return report


def same_answers(lab, path):
    """What the host says now and what its snapshot says elsewhere."""
    if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
        yield f"its mode is {oct(os.stat(path).st_mode)}"
    for words in (["8080"], ["8081"], ["8080", "--from", "10.77.0.9"],
                  ["8080", "--from", "198.51.100.7"], []):
        here = ask(lab.server, *words, "--format", "json")
        there = ask(lab.client, "--snapshot", path, *words, "--format", "json")
        if here.returncode != there.returncode:
            yield f"{words}: exit {here.returncode} here, {there.returncode} from the snapshot"
        one, other = without_time(here.stdout), without_time(there.stdout)
        for report in (one, other):
            for flow in report.get("flows", []):
                for member in ("path", "certainty", "assumptions"):
                    flow.pop(member, None)
            for member in ("findings", "gaps", "holders", "holders_complete"):
                report.pop(member, None)
            for listener in report.get("listeners", []):
                listener.pop("holders_complete")
        if one != other:
            yield f"{words}: here {one}, from the snapshot {other}"


def refused_when_damaged(lab, path):
    with open(path, "rb") as file:
        whole = file.read()
    lines = whole.splitlines(keepends=True)
    damages = {
        "cut in the middle": (whole[:len(whole) // 2], ":"),
        "without its last line": (b"".join(lines[:-1]), "host.synfate"),
        "without a row": (b"".join(lines[:5] + lines[6:]), "host.synfate"),
        "of a newer version": (whole.replace(b"synfate.snapshot/1", b"synfate.snapshot/9", 1), "9"),
        "with another port in one row": (whole.replace(b",8080,", b",8081,", 1), "changed"),
        "with a broken line": (b"".join(lines[:7] + [b"{\"row\":\"sock\n"] + lines[8:]),
                               "host.synfate:8"),
    }
    for name, (content, place) in damages.items():
        with open(path, "wb") as file:
            file.write(content)
        answer = ask(lab.client, "--snapshot", path, "8080")
        if answer.returncode != 2 or answer.stdout:
            yield f"{name}: exit {answer.returncode}, output {answer.stdout[:80]!r}"
        if place not in answer.stderr:
            yield f"{name}: '{place}' is not in {answer.stderr!r}"


def link_address(lab):
    return json.loads(lab.server.ip("-j", "link", "show", "dev", "sv0"))[0]["address"]


def nothing_told(lab, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if SECRET in text:
        yield "a command line stands in it"
    if "fd77::" in text:
        yield "an IPv6 address of the host stands in it"
    if "10.77.0.1" in text:
        yield "an address of the host stands in it"
    if link_address(lab) in text:
        yield "the address of a link stands in it"
    replay = ask(lab.client, "--snapshot", path, "8080", "--format", "json")
    report = json.loads(replay.stdout)
    if {flow["outcome"] for flow in report["flows"]} - {"open", "unknown"}:
        yield f"redacted, it says {[flow['outcome'] for flow in report['flows']]}"


def rules_left_out(lab, path):
    """Rules that were left out must not look like rules that let everything pass."""
    replay = ask(lab.client, "--snapshot", path, "8080", "--format", "json")
    for flow in json.loads(replay.stdout)["flows"]:
        if flow["from"]["interface"] == "sv0" and flow["outcome"] != "unknown":
            yield f"a flow through unknown rules is {flow['outcome']}"
    if "redacted" not in replay.stdout:
        yield "the gap 'redacted' is not told"


def tables_told(lab, path):
    """Its rows for one value are those that all of it has, and what it lacks is not nothing."""
    kept = ask(lab.client, "--snapshot", path, "facts", "socket", "--where", "local_port == 8080",
               "--format", "json")
    if kept.returncode != 0 or not json.loads(kept.stdout):
        yield f"socket: exit {kept.returncode}: {kept.stdout}{kept.stderr}"
    lacking = ask(lab.client, "--snapshot", path, "facts", "resource", "--where", "pid == 1")
    if lacking.returncode != 3 or "did not ask" not in lacking.stderr:
        yield f"resource: exit {lacking.returncode}: {lacking.stderr}"
    unasked = ask(lab.server, "facts", "resource")
    if unasked.returncode != 2 or "pid" not in unasked.stderr:
        yield f"resource, without a question: exit {unasked.returncode}: {unasked.stderr}"


class Lost:
    """What a run kept, without one table that decides the way of a packet: a flow may then be
    unknown, or what it was, or a likely guess that names what it takes for granted."""

    TABLES = ("address", "interface", "neighbour", "netns", "netns_id", "policy_rule", "route",
              "route_lookup", "setting", "socket")
    GAP = {"gap": {"id": "lost", "what": "what was lost", "why": "the case took it away",
                   "effect": "it is not known", "remedy": "none"}}

    def __init__(self, name, prepare, *words):
        self.name, self.prepare, self.words = name, prepare, words

    def complaints(self, lab):
        self.prepare(lab)
        if not synfate_program():
            return []
        path = os.path.join(lab.folder(), "host.synfate")
        whole = flows(ask(lab.server, *self.words, "--format", "json", "--save", path))
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        found = [] if whole else ["nothing could be told"]
        for table in self.TABLES:
            write_lines(path, without(table, lines, self.GAP))
            left = flows(ask(lab.server, "--snapshot", path, *self.words, "--format", "json"))
            for ends, (outcome, certainty) in left.items():
                real, _ = whole.get(ends, ("unknown", ""))
                if real != "unknown" and outcome not in ("unknown", real) and \
                        certainty == "certain":
                    found.append(f"without {table}, {ends} is {outcome}, certain; it is {real}")
        return found


def flows(answer):
    return {(flow["from"]["address"], flow["to"]["address"]): (flow["outcome"], flow["certainty"])
            for flow in json.loads(answer.stdout)["flows"]}


def without(table, lines, gap):
    """The lines of a snapshot in which nothing of the table could be read."""
    yield lines[0]
    yield gap
    for line in lines[1:-1]:
        if line.get("row") == table:
            continue
        if line.get("answered", {}).get("table") == table:
            line = {"answered": {**line["answered"], "gaps": [gap["gap"]["id"]]}}
        yield line


def write_lines(path, lines):
    lines = list(lines)
    counts = {plural: sum(kind in line for line in lines)
              for kind, plural in (("row", "rows"), ("gap", "gaps"), ("answered", "answers"))}
    with open(path, "w", encoding="utf-8") as file:
        for line in [*lines, {"end": counts}]:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def secretive(lab):
    lab.serve("0.0.0.0", "8080")
    lab.start(lab.server, "sh", "-c", f"sleep 60; : {SECRET}")


def dropping(lab):
    lab.serve("0.0.0.0", "8080")
    path = os.path.join(lab.folder(), "rules.nft")
    with open(path, "w") as file:
        file.write("table ip f { chain i { type filter hook input priority 0; "
                   "iifname \"sv0\" tcp dport 8080 drop\n}\n}\n")
    must("ip", "netns", "exec", lab.server.name, "nft", "-f", path)


def published_port(lab):
    """NAT in prerouting and output to a server in another namespace."""
    container(lab)
    nft(lab.server, """table ip n {
      chain p { type nat hook prerouting priority -100; tcp dport 8080 dnat to 172.17.0.2:80; }
      chain o { type nat hook output priority -100; tcp dport 8080 dnat to 172.17.0.2:80; }
    }""")


CASES = [
    Snapshot("an open port", same_answers),
    Snapshot("a port behind a firewall", same_answers, dropping),
    Snapshot("the tables of a snapshot, and what it does not have", tables_told),
    Snapshot("damage is refused, with its place", refused_when_damaged),
    Snapshot("redacted, nothing is told of people and networks", nothing_told, secretive,
             ["--redact"]),
    Snapshot("redacted, the firewall is unknown", rules_left_out, dropping, ["--redact"]),
    Lost("an open port, and each table lost in turn", lambda lab: lab.serve("0.0.0.0", "8080"),
         "8080"),
    Lost("a closed port, and each table lost in turn", lambda lab: None, "8080"),
    Lost("an answer by a gateway that nobody has, and each table lost in turn",
         cases_path.dead_gateway, "8080", "--from", cases_path.FAR),
    Lost("an answer by a host that does not forward, and each table lost in turn",
         cases_path.answer_to_a_host_that_does_not_forward, "10.77.0.1:8080", "--from",
         f"{cases_path.FAR}%sv0"),
    Lost("an answer by a neighbour that does not hand it on, and each table lost in turn",
         cases_path.answered_by_a_known_neighbour, "10.77.0.1:8080", "--from", "10.77.0.2"),
    Lost("a client that knows this host already, and each table lost in turn",
         cases_path.known_by_macvlan, "10.79.0.1:8080", "--from", "10.79.0.2"),
    Lost("a client whose link-layer address is set, and wrong, and each table lost in turn",
         cases_path.clients_neighbour_is_wrong, "9", "--from", "10.77.0.2"),
    Lost("a port that NAT leads into a container, and each table lost in turn", published_port,
         "8080"),
]
