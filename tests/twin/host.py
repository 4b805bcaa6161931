#!/usr/bin/env python3
"""A twin test of whole hosts: random links, addresses, routes, rules, sysctls, NAT and listeners;
predictions against connect().

    SYNFATE=build/release/synfate tests/twin/host.py --seed 7 --rounds 50 [--only routes,sysctls]

Each round makes a server with three links (to a client by sv0 and sd0, to a container by the bridge
br0) and one that leads nowhere, and changes it at random (host_random.py). Clients on the links, in the container,
and on the server itself, as root and as nobody, connect to it: on addresses it has, has no more, or
never had, from addresses that may and may not arrive. The client's own neighbours are fixed, so that
its packets always arrive on the interface they are said to arrive on.

With --views the other answers about the same host are held against those for single clients: what
`who` says of the members of some classes, and what a bare synfate says of each vantage point.

Each real outcome, with its errno, is held against the prediction. `certain` must be right; where it
claims less, the share is counted. A failure prints the seed that repeats its round.
"""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
sys.path.insert(0, HERE)

import host_random
import partition
import rounds
from firewall import Prober, Tally, fed
from lab import (SKIPPED, Lab, LabError, run_synfate, synfate_program, target_words,
                 wait_until)

NOBODY = 65534
SERVER = os.path.join(HERE, "..", "lab", "server.py")
#: A neighbour that does not answer is given up before the client is.
QUICK = [("neigh.{}.retrans_time_ms", 100), ("neigh.{}.mcast_solicit", 2)]
MOST_REPEATED = 5
VAGUE_SHARE = 0.02
CLASSES = 8  # of `who`, looked at closely


class Site:
    """The server, the client and the container, before anything is changed."""

    def __init__(self, lab):
        self.lab, self.server, self.client = lab, lab.server, lab.client
        self.container = lab.another_netns("d")
        self._links()
        self._calm()
        self._client_addresses()
        self._fixed_neighbours()
        self.probers = {"client": Prober(lab, self.client), "server": Prober(lab, self.server),
                        "nobody": Prober(lab, self.server, str(NOBODY)),
                        "container": Prober(lab, self.container)}

    def _batch(self, netns, lines):
        """Commands of `ip`, those of IPv6 with -6 in front; the ones that fail are left out."""
        for family, some in itertools.groupby(lines, lambda line: line.startswith("-6 ")):
            text = "\n".join(line.removeprefix("-6 ") for line in some) + "\n"
            fed(netns, text, "ip", *(["-6"] if family else []), "-force", "-batch", "-")

    def _links(self):
        client, container = self.client.name, self.container.name
        self._batch(self.server, [
            f"link add sd0 type veth peer name cd0 netns {client}",
            "addr add 10.78.0.1/24 dev sd0", "addr add fd78::1/64 dev sd0 nodad", "link set sd0 up",
            "link add br0 type bridge", "addr add 10.88.0.1/24 dev br0",
            "addr add fd88::1/64 dev br0 nodad",
            f"link add cv0 type veth peer name dv0 netns {container}", "link set cv0 master br0 up",
            "link set br0 up", "tuntap add tun0 mode tun", "link set tun0 up",
            "link add up0 type bridge", "link set up0 up", "addr add 10.76.0.1/24 dev up0",
            "addr add fd76::1/64 dev up0 nodad",
            "addr add 10.99.0.1/32 dev lo", "addr add fd99:9::1/128 dev lo",
            "route add 172.16.0.0/12 via 10.77.0.2", "-6 route add fd99::/16 via fd77::2"])
        self._batch(self.container, [
            "addr add 10.88.0.2/24 dev dv0", "addr add fd88::2/64 dev dv0 nodad", "link set dv0 up",
            "route add default via 10.88.0.1", "-6 route add default via fd88::1"])

    def _calm(self):
        """No rate limits of ICMP errors, quick neighbours."""
        links = {self.server: ("sv0", "sd0", "br0", "up0"), self.client: ("cl0", "cd0"),
                 self.container: ("dv0",)}
        for netns, names in links.items():
            values = [("net.ipv4.icmp_ratelimit", 0), ("net.ipv6.icmp.ratelimit", 0),
                      ("net.ipv4.icmp_msgs_per_sec", 1000000), ("net.ipv4.icmp_msgs_burst", 1000000)]
            values += [(f"net.ipv{version}." + name.format(link), value) for link in names
                       for version in (4, 6) for name, value in QUICK]
            set_all(netns, values)

    def _client_addresses(self):
        self._batch(self.client, ["link set cd0 up", "addr add 10.78.0.2/24 dev cd0",
                                  "addr add fd78::2/64 dev cd0 nodad"]
                    + [f"addr add {one}/32 dev lo" for one in ("172.16.5.5", "172.16.200.1",
                                                               "10.99.9.9", "240.0.0.1")]
                    # On lo IPv6 would not answer for them, by the other link neither.
                    + [f"-6 addr add {one}/128 dev {link} nodad noprefixroute"
                       for one in ("fd99::5:5", "fd99:1::1", "fd98::9", "fd77::2", "fd77::22",
                                   "fd78::2") for link in ("cl0", "cd0")]
                    + [f"{six}route add default via {via} dev {device} table {mark}"
                       for six, via, device, mark in (("", "10.77.0.1", "cl0", 1),
                                                      ("", "10.78.0.1", "cd0", 2),
                                                      ("-6 ", "fd77::1", "cl0", 1),
                                                      ("-6 ", "fd78::1", "cd0", 2))]
                    + [f"{six}rule add fwmark {mark} lookup {mark} priority {mark}"
                       for six in ("", "-6 ") for mark in (1, 2)])
        # Answers may come by either link.
        set_all(self.client, [(f"net.ipv4.conf.{name}.rp_filter", 0) for name in ("all", "cl0", "cd0")])

    def _fixed_neighbours(self):
        for netns, link, peer, peer_link in ((self.client, "cl0", self.server, "sv0"),
                                             (self.client, "cd0", self.server, "sd0"),
                                             (self.container, "dv0", self.server, "br0")):
            address = json.loads(peer.ip("-j", "link", "show", "dev", peer_link))[0]["address"]
            self._batch(netns, [f"neigh replace {one} lladdr {address} dev {link} nud permanent"
                                for version in (4, 6) for one in host_random.TARGETS[version]])

    def become(self, host):
        """Makes the server the random host; the process that listens."""
        self._make_busy(host)
        words = []
        for listener in host.listeners:
            words += (["+"] if words else []) + listener
        self.lab.serve("0.0.0.0", "80", "+", "--v6only", "1", "::", "8080", "+", "0.0.0.0", "8080",
                       "+", "--udp", "0.0.0.0", "8080", netns=self.container)
        host.nft = [table for table in host.nft if self._load(host, table, "nft", "-f", "-")]
        host.legacy = [(program, text) for program, text in host.legacy
                       if self._load(host, text, *program.split())]
        self._batch(self.server, [" ".join(one) for one in host.ip])
        self._listen(words)
        set_all(self.server, host.sysctls)
        self._batch(self.server, [" ".join(one) for one in host.late])
        self._settle()

    def _settle(self):
        """Duplicate addresses are known as such, and neighbours that have them are forgotten: what
        they advertise is ignored from now on. Without a carrier nobody looks for duplicates."""
        def addresses(failed):
            shown = json.loads(self.server.ip("-6", "-j", "address", "show", "tentative") or "[]")
            return [(one["local"], each["ifname"]) for each in shown
                    if "LOWER_UP" in each.get("flags", ()) for one in each["addr_info"]
                    if one and bool(one.get("dadfailed")) == failed]
        wait_until(lambda: not addresses(False), "no address is tentative")
        self._batch(self.server, [f"-6 neigh del {address} dev {device}"
                                  for address, device in addresses(True)])

    def _load(self, host, text, *words):
        """Rules; False where the kernel refuses them."""
        trouble = fed(self.server, text, *words)
        if trouble and os.environ.get("SYNFATE_TWIN_SHOW"):
            print(f"{words[0]}: {trouble}\n{text}", file=sys.stderr)
        return not trouble

    def _make_busy(self, host):
        """While nothing is in the way yet."""
        for words, state in host.busy:
            process = self.lab.serve(*words)
            if state == "stopped":
                os.kill(process.pid, signal.SIGSTOP)
                continue
            address = "::1" if ":" in words[-2] else "127.0.0.1"
            room = int(words[words.index("--backlog") + 1]) + 1
            self.lab.start(self.server, sys.executable, os.path.join(HERE, "filler.py"), address,
                           words[-1], str(room), output=subprocess.PIPE).stdout.readline()

    def _listen(self, words):
        """Sockets that cannot be bound are left out."""
        process = self.lab.start(self.server, sys.executable, SERVER, *words, output=subprocess.PIPE)
        self.lab.undo(process.stdout.close)
        while (line := process.stdout.readline().strip()) != b"ready":
            if not line.startswith(b"failed"):
                raise LabError(f"the server did not start: {line}")


def set_all(netns, values):
    """Writes sysctls that exist."""

    def write():
        for name, value in values:
            try:
                with open("/proc/sys/" + name.replace(".", "/"), "w") as file:
                    file.write(str(value))
            except OSError:
                pass

    netns.call(write)


# --- predictions ----------------------------------------------------------------------------------


def predict(site, asked):
    """The flow of each client: one run of synfate for each source."""
    flows = {}
    for key in sorted({one[:2] + one[3:4] for one in asked}, key=str):
        where, device, source = key
        of_source = [one for one in asked if one[:2] + one[3:4] == key]
        words = [target_words(one[2], one[4], one[5]) for one in of_source]
        device = device or "lo"
        who = {"server": ["--as", "root"], "nobody": ["--as", "nobody"]}.get(where, [])
        status, reports, errors = run_synfate(site.server, *words, "--from",
                                              f"{source}%{device}", *who,
                                              "--timeout", "60")
        reports = reports if isinstance(reports, list) else [reports]
        for one, report in zip(of_source, reports, strict=True):
            if len(report["flows"]) != 1:
                raise LabError(f"{words} --from {source}%{device}: {len(report['flows'])} flows")
            flows[one] = report["flows"][0]
    return flows


def complaint_about(one, flow, real, code):
    """What is wrong with a prediction, or None."""
    predicted = flow["outcome"]
    if one[0] in ("server", "nobody") and predicted == "denied" and real == "unreachable":
        real = "denied"  # the same errno, from its own kernel
    if predicted == real and (real not in ("unreachable", "denied") or flow["errno"] == code):
        return None
    certain = flow["certainty"] == "certain" and predicted != "unknown"
    possible = [each.get("outcome") for each in flow.get("alternatives") or []]
    if not certain and (predicted == "unknown" or real in possible):
        return None
    where, device, proto, source, target, port = one
    return (f"{target_words(proto, target, port)} from {source}%{device} ({where}): predicted "
            f"{predicted} ({flow['errno']}, {flow['certainty']}), real {real} ({code})\n"
            f"      stopped at {flow['stopped_at']}, {json.dumps(flow['culprit'])[:300]}"
            + "".join(f"\n      {step['packet']} {step['stage']} {step['chain'] or ''} {step['verdict']} "
                      f"{(step['by'] or {}).get('id', '')} {step['note']}" for step in flow["path"]))


def fate_of(flow):
    """What of a flow says how its client fares."""
    culprit = flow["culprit"] or {}
    return [flow[word] for word in ("outcome", "icmp", "certainty", "stopped_at")] + [
        culprit.get("kind"), culprit.get("id")]


def overview_complaints(site):
    """A bare run against the answers about each port."""
    _, overview, _ = run_synfate(site.server, "--timeout", "60")
    listeners = overview["listeners"]
    ports = sorted({f"{one['proto']}/{one['port']}" for one in listeners})
    if not ports:
        return
    _, reports, _ = run_synfate(site.server, *ports, "--timeout", "60")
    singles = {}
    for port, report in zip(ports, reports if isinstance(reports, list) else [reports], strict=True):
        for flow in report["flows"]:
            singles[port, flow["from"]["address"], flow["from"]["interface"],
                    flow["to"]["address"]] = flow
    for one in listeners:
        for seen in one["reachable_from"]:
            key = (f"{one['proto']}/{one['port']}", seen["sources"][0], seen["interface"], seen["to"])
            single = singles.get(key)
            if single and fate_of(seen) != fate_of(single):
                yield (f"overview: {key}: {json.dumps(fate_of(seen))}"
                       f"\n      alone: {json.dumps(fate_of(single))}")


def who_complaints(site, dice):
    """Members of each class against single clients."""
    target = dice.choice(("tcp/8080", "tcp/8080", "tcp/8081", "udp/8080",
                          f"tcp/{host_random.BUSY_PORT}"))
    answer = partition.ask(site.lab, "who", target)
    yield from (f"who {target}: {one}" for one in partition.check_space(answer["classes"]))
    some = dice.sample(answer["classes"], min(CLASSES, len(answer["classes"])))
    _, wrong = partition.check_members(site.lab, dice, some, target)
    yield from (f"who {target}: {one}" for one in wrong)


def run_round(seed, options, tally):
    """(complaints, the host) of one random host."""
    dice = random.Random(seed)
    host = host_random.host(dice, options.only and options.only.split(","))
    asked = host_random.clients(dice, options.clients)
    with Lab() as lab:
        site = Site(lab)
        site.become(host)
        flows = predict(site, asked) if synfate_program() else {}
        others = []
        if options.views and synfate_program():
            others = [*overview_complaints(site), *who_complaints(site, dice)]
        of = {where: [one for one in asked if one[0] == where] for where in site.probers}
        out = {"sv0": 1, "sd0": 2, "br0": None, None: None}
        for where, prober in site.probers.items():
            prober.begin([(one[2], *one[3:], out[one[1]]) for one in of[where]])
        real = {}
        for where, prober in site.probers.items():
            real.update(zip(of[where], prober.results()))
        again = [one for one, flow in flows.items() if complaint_about(one, flow, *real[one])]
        for one in again[:MOST_REPEATED]:
            # Alone: ip_error() sends one sender some errors at once, then one a second. And asked
            # again: what neighbours know now others may have taught them.
            time.sleep(1.1)
            flows.update(predict(site, [one]))
            site.probers[one[0]].begin([(one[2], *one[3:], out[one[1]])])
            real[one] = site.probers[one[0]].results()[0]
    for one, (outcome, code) in real.items():
        if one in flows:
            tally.add(flows[one], outcome, seed)
        else:
            tally.outcomes[outcome] += 1
    complaints = [complaint_about(one, flow, *real[one]) for one, flow in flows.items()]
    return others + [each for each in complaints if each], host


def run(options):
    first = rounds.first_seed(options)
    tally, failed = Tally(), 0
    for number in range(options.rounds):
        seed = first + number * rounds.STRIDE
        complaints, host = run_round(seed, options, tally)
        failed += bool(complaints)
        if complaints:
            print(f"FAILED   repeat with: --seed {seed} --rounds 1 --clients {options.clients}"
                  + (f" --only {options.only}" if options.only else ""))
            for line in complaints:
                print(f"    {line}", flush=True)
            if options.show:
                print("    " + host.text().replace("\n", "\n    "), flush=True)
    return first, tally, failed


def main():
    parser = rounds.parser()
    parser.add_argument("--clients", type=int, default=60, help="of each round")
    parser.add_argument("--only", help="dimensions that vary, joined by commas")
    parser.add_argument("--views", action="store_true",
                        help="compare `who` and the overview with single answers, too")
    parser.add_argument("--real-only", action="store_true", help="do not ask synfate")
    parser.add_argument("--show", action="store_true", help="print the hosts that failed")
    options = parser.parse_args()
    if reason := rounds.unable(options):
        print(f"skipped: {reason}")
        return SKIPPED
    first, tally, failed = run(options)
    return rounds.conclude(options, first, tally, failed, VAGUE_SHARE, 25)


if __name__ == "__main__":
    sys.exit(main())
