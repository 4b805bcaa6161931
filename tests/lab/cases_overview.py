"""A bare `synfate`: what listens, whose it is, and who reaches it."""

import os
import signal
import socket

from lab import ask_synfate, synfate_program, target_words
from lab import run as must


def nft(lab, rules):
    path = os.path.join(lab.folder(), "rules.nft")
    with open(path, "w") as file:
        file.write(rules)
    must("ip", "netns", "exec", lab.server.name, "nft", "-f", path)


class Overview:
    """`prepare(lab)` sets the scene; `wanted` are the listeners by "proto/address:port", each with
    the members that must be as said. `reach` is the set of the names of who gets in."""

    def __init__(self, name, prepare, wanted, words=(), status=0):
        self.name, self.prepare, self.wanted = name, prepare, wanted
        self.words, self.status = words, status

    def complaints(self, lab):
        prepared = self.prepare(lab)
        if not synfate_program():
            return []
        answer = ask_synfate(lab.server, *self.words)
        found = []
        if answer.status != self.status:
            found.append(f"exit status {answer.status}, not {self.status}: {answer.errors}")
        if answer.report["schema"] != "synfate.overview/1":
            found.append(f"the schema is {answer.report['schema']}")
        seen = {f"{each['proto']}/{each['address'] or '*'}:{each['port']}": each
                for each in answer.report["listeners"]}
        if set(seen) != set(self.wanted):
            return found + [f"listeners {sorted(seen)}, not {sorted(self.wanted)}"]
        for key, wanted in self.wanted.items():
            found += [f"{key}: {text}" for text in judge(seen[key], wanted, prepared)]
        return found


class Late:
    """More ports than there is time for: the run ends soon after its deadline, own listeners come
    first, and what is missing is a gap."""

    PORTS = 2000

    def __init__(self, name):
        self.name = name

    def complaints(self, lab):
        lab.serve("0.0.0.0", "8080")
        led = "\n".join(f"tcp dport {port} dnat to 10.77.0.1:8080"
                        for port in range(9000, 9000 + self.PORTS))
        nft(lab, "table ip n { chain p { type nat hook prerouting priority -100;\n"
                 f"{led}\n}}\n}}\n")
        if not synfate_program():
            return []
        answer = ask_synfate(lab.server, "--timeout", "0.4")
        listeners = answer.report["listeners"]
        found = []
        if "timeout.ports" not in {gap["id"] for gap in answer.report["gaps"]}:
            found.append(f"{len(listeners)} of {self.PORTS + 1} ports, and no gap says so")
        if answer.status != 3:
            found.append(f"exit status {answer.status}, not 3: {answer.errors}")
        said = {each["outcome"] for listener in listeners for each in listener["reachable_from"]}
        if said - {"open", "unknown"}:
            found.append(f"some are {sorted(said)}")
        return found


def judge(listener, wanted, process):
    reach = {each.get("name") or "this host" for each in listener["reachable_from"]
             if each["outcome"] == "open"}
    ranges = {source for each in listener["reachable_from"] if each["outcome"] == "open"
              and each["interface"] != "lo" for source in each["sources"]}
    if "ranges" in wanted and ranges != wanted["ranges"]:
        yield f"open to {sorted(ranges)}, not {sorted(wanted['ranges'])}"
    neighbours = {source for each in listener["reachable_from"]
                  if each.get("name") == "on-link of sv0" for source in each["sources"]}
    if "neighbours" in wanted and neighbours != wanted["neighbours"]:
        yield f"asked for {sorted(neighbours)}, not {sorted(wanted['neighbours'])}"
    if "reach" in wanted and reach != wanted["reach"]:
        yield f"reached from {sorted(reach)}, not {sorted(wanted['reach'])}"
    if "led_to" in wanted and listener["led_to"] != wanted["led_to"]:
        yield f"NAT leads it to {listener['led_to']}, not {wanted['led_to']}"
    if wanted.get("owned") and (listener["owner"] or {}).get("pid") != process.pid:
        yield f"its owner is {listener['owner']}, not pid {process.pid}"
    rules = [finding["rule"] for finding in listener["findings"]]
    if rules[:1] != wanted.get("findings", []):
        yield f"its findings are {rules}"
    if "complete" in wanted and listener["holders_complete"] != wanted["complete"]:
        yield f"holders_complete is {listener['holders_complete']}"
    if "holders" in wanted and len(listener["holders"]) != wanted["holders"]:
        yield f"{len(listener['holders'])} holders"


class OneByOne:
    """What the overview says of each listener and client is what a question of its own says of
    them, though many of its flows share one walk."""

    def __init__(self, name, prepare, outcomes):
        self.name, self.prepare, self.outcomes = name, prepare, outcomes

    def complaints(self, lab):
        self.prepare(lab)
        if not synfate_program():
            return []
        found, seen = [], set()
        for listener in ask_synfate(lab.server).report["listeners"]:
            for told in listener["reachable_from"]:
                seen.add((listener["port"], told["outcome"]))
                found += compare(lab, listener, told)
        if seen != self.outcomes:
            found.append(f"outcomes {sorted(seen)}, not {sorted(self.outcomes)}")
        return found


def compare(lab, listener, told):
    words = target_words(listener["proto"], told["to"], listener["port"])
    client = told["sources"][0].split("-")[-1].split("/")[0]  # the last of a range, or its network
    asked = ask_synfate(lab.server, words, "--from", f"{client}%{told['interface']}")
    for flow in asked.flows:
        for key in ("outcome", "certainty", "stopped_at"):
            if flow[key] != told[key]:
                yield f"{words} from {client}: {key} {told[key]}, asked {flow[key]}"
        if (flow["culprit"] or {}).get("kind") != (told["culprit"] or {}).get("kind"):
            yield f"{words} from {client}: culprit {told['culprit']}, asked {flow['culprit']}"
    if not asked.flows:
        yield f"{words}: no flow from {client}"


def many_alike(lab):
    """Listeners of one address that differ from the first in all that a port may decide."""
    for words in (("0.0.0.0", "8080", "+", "0.0.0.0", "8081", "+", "--mark", "7", "0.0.0.0", "8082",
                   "+", "--uid", "1234", "0.0.0.0", "8083", "+", "::", "8084",
                   "+", "--v6only", "1", "::", "8085", "+", "0.0.0.0", "8085",
                   "+", "--device", "sv0", "0.0.0.0", "8086", "+", "127.0.0.1", "8087",
                   "+", "--md5", "10.77.0.2", "0.0.0.0", "8088"),
                  ("--udp", "0.0.0.0", "8080", "+", "--udp", "0.0.0.0", "8081")):
        lab.serve(*words)
    lab.serve("--no-accept", "--backlog", "0", "0.0.0.0", "8089")
    lab.server.call(lambda: bool(socket.create_connection(("127.0.0.1", 8089))))
    os.kill(lab.serve("0.0.0.0", "8090").pid, signal.SIGSTOP)


def serving(*words):
    return lambda lab: lab.serve(*words)


def stopped(lab):
    process = lab.serve("0.0.0.0", "8080")
    os.kill(process.pid, signal.SIGSTOP)
    return process


def behind_a_firewall(lab):
    nft(lab, """table inet filter {
        chain input { type filter hook input priority 0; policy accept;
            iifname "sv0" tcp dport 8080 drop
        }
    }""")
    return lab.serve("0.0.0.0", "8080")


def odd_broadcast(lab):
    """The address that would be taken for a neighbour is the network's broadcast address."""
    lab.server.ip("addr", "flush", "dev", "sv0", "scope", "global")
    lab.server.ip("addr", "add", "10.77.0.1/24", "broadcast", "10.77.0.2", "dev", "sv0")
    return lab.serve("0.0.0.0", "8080")


def behind_sets(lab):
    """Rules that tell sources apart, for one of two ports."""
    nft(lab, """table inet filter {
        set office { type ipv4_addr; flags interval; elements = { 10.77.0.64/29 } }
        chain input { type filter hook input priority 0; policy accept;
            ip saddr @office accept
            iifname "sv0" tcp dport 8080 drop
        }
    }""")
    lab.serve("0.0.0.0", "8081")
    return lab.serve("0.0.0.0", "8080")


def with_redirect(lab):
    nft(lab, """table ip nat {
        chain prerouting { type nat hook prerouting priority dstnat; policy accept;
            tcp dport 8081 redirect to :8080
        }
    }""")
    return lab.serve("0.0.0.0", "8080")


SEEN = {"this host", "on-link of sv0"}

CASES = [
    Overview("nothing listens", lambda lab: None, {}),
    Overview("a wildcard listener", serving("0.0.0.0", "8080"),
             {"tcp/0.0.0.0:8080": {"reach": SEEN, "owned": True, "complete": False}}),
    Overview("a listener for both families", serving("::", "8080"),
             {"tcp/:::8080": {"reach": SEEN, "owned": True}}),
    Overview("a listener on loopback", serving("127.0.0.1", "8080"),
             {"tcp/127.0.0.1:8080": {"reach": {"this host"}, "owned": True}}),
    Overview("a UDP server", serving("--udp", "0.0.0.0", "8080"),
             {"udp/0.0.0.0:8080": {"reach": SEEN, "owned": True}}),
    Overview("every holder when asked", serving("0.0.0.0", "8080"),
             {"tcp/0.0.0.0:8080": {"holders": 1, "complete": True}}, ["--all-holders"]),
    Overview("a firewall keeps the network out", behind_a_firewall,
             {"tcp/0.0.0.0:8080": {"reach": {"this host"}, "owned": True}}),
    Overview("one client is asked for", behind_sets,
             {"tcp/0.0.0.0:8080": {"reach": set(), "findings": ["fw.drop"]}, "tcp/0.0.0.0:8081": {"reach": {"10.77.0.2"}}},
             ["--from", "10.77.0.2"]),
    Overview("a network with an odd broadcast address", odd_broadcast,
             {"tcp/0.0.0.0:8080": {"neighbours": {"10.77.0.3"}}}),
    Overview("rules tell the sources of one port apart", behind_sets,
             {"tcp/0.0.0.0:8080": {"ranges": {"10.77.0.64/29"}},
              "tcp/0.0.0.0:8081": {"reach": SEEN}}),
    OneByOne("listeners whose flows share a walk", many_alike,
             {(port, "open") for port in range(8080, 8089)} |
             {(8086, "refused"), (8088, "timeout"), (8089, "timeout"), (8090, "stalled")}),
    Overview("a stopped process", stopped,
             {"tcp/0.0.0.0:8080": {"reach": set(), "owned": True, "findings": ["proc.stopped"]}}),
    Overview("a port that NAT leads to another", with_redirect,
             {"tcp/0.0.0.0:8080": {"reach": SEEN, "owned": True},
              "tcp/*:8081": {"reach": {"on-link of sv0"}, "led_to": "10.77.0.1:8080"}}),
    Late("thousands of ports of NAT, and little time"),
]
