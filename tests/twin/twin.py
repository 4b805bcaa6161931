#!/usr/bin/env python3
"""A twin test: random listeners, every client; what synfate predicts against a real connect().

    SYNFATE=build/release/synfate tests/twin/twin.py --seed 7 --rounds 50

Each round opens some sockets on two ports of a server namespace: IPv4, IPv6, v4-mapped, IPv6-only
by option or by net.ipv6.bindv6only, wildcard or one address, of 127.0.0.0/8, link-local, bound to
an interface before or after listen(), bound without listening, alone or in reuseport groups, TCP,
MPTCP and UDP (also connected ones, and several on one address), with connections left over from a
listener that is gone. Then clients on the link and on the server itself try every address and port.

Outcomes must be equal; where it is open, the socket that answers must be the one that synfate
names; and synfate's own lookup must agree with the kernel's, which it asks beside. A failure prints
the seed of its round, with which `--seed` and `--rounds 1` repeat exactly that round.
"""

import concurrent.futures
import os
import random
import re
import select
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

import lab as laboratory
import rounds
from lab import (ANSWER_SECONDS, CONNECT_SECONDS, PING, SKIPPED, Lab, LabError, name_of,
                 outcome_of_error, run_synfate, synfate_program, target_words)

PORTS = (8080, 8081)
MOST_SHOWN = 15
LINK_LOCAL, LINK_LOCAL_CLIENT = "fe80::77:1", "fe80::77:2"
ADDRESSES = {4: ["10.77.0.1", "10.77.0.11", "10.78.0.1", "127.0.0.1", "127.0.1.1", "127.9.8.7"],
             6: ["fd77::1", "fd77::11", "fd78::1", "::1"]}
REMOTE_SOURCES = {4: ["10.77.0.2", "10.77.0.22"], 6: ["fd77::2", "fd77::22"]}
DEVICES = ["sv0", "sd0", "lo"]
AGREED = re.compile(r"inode (\d+), as the kernel's own lookup says")
NAMED = re.compile(r"inode (\d+)\b")


def is_loopback(address):
    return address == "::1" or address.startswith("127.")


# --- the server's sockets -------------------------------------------------------------------------


def random_address(dice):
    family = dice.choice((4, 4, 6, 6, 6))
    if dice.random() < 0.5:
        return ("0.0.0.0", "::")[family == 6]
    if family == 6 and dice.random() < 0.25:
        return "::ffff:" + dice.choice(ADDRESSES[4] + ["0.0.0.0"])
    if family == 6 and dice.random() < 0.15:
        return LINK_LOCAL + "%sv0"
    if family == 4 and dice.random() < 0.1:
        return f"127.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
    return dice.choice(ADDRESSES[family])


def random_peer(dice, address):
    """Whom a UDP socket is connected to: a client, any port of it or one that it does not use."""
    family = 6 if ":" in address and not address.startswith("::ffff:") else 4
    peer = dice.choice(REMOTE_SOURCES[family])
    if ":" in address and family == 4:
        peer = "::ffff:" + peer
    return ["--peer", peer, dice.choice(("0", "4000"))]


def random_protocol(dice, address):
    kind = dice.random()
    if kind < 0.35:
        connected = dice.random() < 0.25 and "%" not in address
        return ["--udp"] + (random_peer(dice, address) if connected else [])
    if kind < 0.42:
        return ["--mptcp"]
    return ["--no-listen"] if kind < 0.5 else []


def random_listener(dice):
    """The words of one socket for server.py, which must not fail."""
    address = random_address(dice)
    words = random_protocol(dice, address)
    if ":" in address and not address.startswith("::ffff:") and dice.random() < 0.5:
        words += ["--v6only", str(dice.choice((0, 1)))]
    if "%" not in address and dice.random() < 0.3:
        late = dice.random() < 0.1
        words += ["--late-device" if late else "--device", dice.choice(DEVICES)]
    if dice.random() < 0.7:
        words += ["--reuseaddr"]
    if dice.random() < 0.4:
        words += ["--reuseport"]
    return ["--try", "--identify"] + words + [address, str(dice.choice(PORTS[:1] * 4 + PORTS))]


def says_v6only(words, by_default):
    """The same words with the net.ipv6.bindv6only of the host spelled out."""
    v6 = ":" in words[-2] and not words[-2].startswith("::ffff:")
    return words if not v6 or "--v6only" in words else ["--v6only", str(by_default)] + words


def random_host(dice):
    """Words for server.py: sockets that may be repeated, in any order."""
    listeners = []
    for _ in range(dice.randint(1, 5)):
        listeners += [random_listener(dice)] * dice.choice((1, 1, 1, 2, 3))
    dice.shuffle(listeners)
    if dice.random() < 0.2:
        left = ["--try", "--identify", "--reuseaddr", "--spent", dice.choice(ADDRESSES[4]), "8080"]
        listeners.insert(0, left)
    return listeners


def start_listeners(lab, listeners):
    """(the process, the index of each socket by its inode)"""
    words = []
    for listener in listeners:
        words += (["+"] if words else []) + listener
    process = lab.start(lab.server, sys.executable,
                        os.path.join(HERE, "..", "lab", "server.py"), *words,
                        output=subprocess.PIPE)
    inodes = {}
    while True:
        ready, _, _ = select.select([process.stdout], [], [], 20)
        line = process.stdout.readline().decode().split() if ready else []
        if line == ["ready"]:
            return process, inodes
        if line and line[0] == "listening":
            inodes[int(line[2])] = int(line[1])
        elif not line or line[0] != "failed":
            raise LabError(f"the server did not start: {line}")


# --- clients --------------------------------------------------------------------------------------


def sources_to(target, local):
    family = 6 if ":" in target else 4
    if target == LINK_LOCAL:
        return [LINK_LOCAL] if local else [LINK_LOCAL_CLIENT]
    if not local:
        return [] if is_loopback(target) else REMOTE_SOURCES[family]
    own = [one for one in ADDRESSES[family] if is_loopback(one) or not is_loopback(target)]
    return own[:3] + own[-1:]


def all_clients():
    """(local, proto, source, target, port)"""
    targets = ADDRESSES[4] + ADDRESSES[6] + [LINK_LOCAL, "127.77.7.7"]
    return sorted({(local, proto, source, target, port)
                   for local in (True, False) for proto in ("tcp", "udp") for target in targets
                   for source in sources_to(target, local) for port in PORTS})


def scoped(address, port, device):
    if ":" not in address:
        return (address, port)
    return (address, port, 0, socket.if_nametoindex(device) if address.startswith("fe80:") else 0)


def try_client(client):
    """[outcome, errno's name or None, index of the answering socket or None]"""
    local, proto, source, target, port = client
    device = "sv0" if local else "cl0"
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as one:
        try:
            one.settimeout(CONNECT_SECONDS)
            one.bind(scoped(source, 0, device))
            one.connect(scoped(target, port, device))
        except TimeoutError:
            return ["timeout", "ETIMEDOUT", None]
        except OSError as error:
            return [outcome_of_error(error.errno), name_of(error.errno), None]
        try:
            one.settimeout(ANSWER_SECONDS)
            one.send(PING)
            answer = one.recv(100)
        except TimeoutError:
            return ["timeout" if proto == "udp" else "stalled", "ETIMEDOUT", None]
        except OSError as error:
            return [outcome_of_error(error.errno), name_of(error.errno), None]
    words = answer.split()
    return ["open", None, int(words[1])] if len(words) == 3 else ["reset", None, None]


def try_all(netns, clients):
    """Every client at the same time, inside a namespace."""

    def work():
        with concurrent.futures.ThreadPoolExecutor(max_workers=64) as pool:
            return list(pool.map(try_client, clients))

    return dict(zip(clients, netns.call(work)))


# --- predictions ----------------------------------------------------------------------------------


def predict(lab, clients):
    """The flow of each client, from one run for each kind of client."""
    flows = {}
    for local in (True, False):
        asked = [client for client in clients if client[0] == local]
        for source in sorted({client[2] for client in asked}):
            of_source = [client for client in asked if client[2] == source]
            flows.update(predict_source(lab, local, source, of_source))
    return flows


def zoned(address, local):
    """As the command line names an address of a link, from within the server."""
    if not address.startswith("fe80:"):
        return address
    return address + ("%lo" if local and address == LINK_LOCAL else "%sv0")


def predict_source(lab, local, source, clients):
    words = []
    for _, proto, _, target, port in clients:
        zone = target + "%sv0" if target.startswith("fe80:") else target
        words.append(target_words(proto, zone, port))
    status, reports, errors = run_synfate(lab.server, *words, "--from", zoned(source, local),
                                          "--timeout", "100")
    reports = reports if isinstance(reports, list) else [reports]
    if len(reports) != len(clients):
        raise LabError(f"{' '.join(words)} --from {source}: {len(reports)} reports, exit {status}"
                       f"\n{errors}")
    flows = {}
    for client, report in zip(clients, reports):
        if len(report["flows"]) != 1:
            raise LabError(f"{report['target']['text']} --from {source}: "
                           f"{len(report['flows'])} flows instead of one")
        flows[client] = report["flows"][0]
    return flows


def lookup_note(flow):
    for step in flow["path"]:
        if step["stage"] == "socket.lookup":
            return step["note"]
    return ""


def what_it_is(words):
    """A socket's words without those that do not tell the members of a group apart."""
    return sorted(word for word in words if word != "--reuseaddr")


def complaint_about(client, flow, real, inodes, listeners):
    """What is wrong with one prediction, or None."""
    outcome, code, index = real
    if flow["outcome"] != outcome:
        return f"predicted {flow['outcome']}, real {outcome} ({code}, socket {index})"
    note = lookup_note(flow)
    if outcome != "open":
        return None if "own lookup" not in note or AGREED.match(note) else note
    named = NAMED.match(note)
    if not named:
        return f"open, and no socket is named: {note!r}"
    predicted = inodes.get(int(named.group(1)))
    if predicted is None:
        return f"the named socket is none of the server's: {note}"
    if predicted != index and what_it_is(listeners[predicted]) != what_it_is(listeners[index]):
        return f"socket {predicted} is named, socket {index} answers ({note})"
    late = any("--late-device" in words for words in listeners)
    return None if AGREED.match(note) or late else f"the lookups differ: {note}"


def words_of(client):
    local, proto, source, target, port = client
    where = "on the server" if local else "from the link"
    return f"{target_words(proto, target, port)} {where}, source {source}"


# --- rounds ---------------------------------------------------------------------------------------


def prepare(lab, dice):
    """A second interface, so that addresses and devices are not one and the same; no limit on the
    ICMP errors that tell a closed UDP port. Gives net.ipv6.bindv6only."""
    lab.server.ip("link", "add", "sd0", "type", "veth", "peer", "name", "cd0",
                  "netns", lab.client.name)
    lab.server.ip("addr", "add", "10.78.0.1/24", "dev", "sd0")
    lab.server.ip("addr", "add", "fd78::1/64", "dev", "sd0", "nodad")
    lab.server.ip("addr", "add", LINK_LOCAL + "/64", "dev", "sv0", "nodad")
    lab.client.ip("addr", "add", LINK_LOCAL_CLIENT + "/64", "dev", "cl0", "nodad")
    lab.server.ip("link", "set", "sd0", "up")
    lab.client.ip("link", "set", "cd0", "up")
    lab.server.sysctl("net.ipv4.icmp_ratemask", 0)
    lab.server.sysctl("net.ipv6.icmp.ratemask", 255)  # of no error; icmp_msgs_per_sec goes by it, too
    by_default = dice.choice((0, 0, 1))
    lab.server.sysctl("net.ipv6.bindv6only", by_default)
    lab.meet(REMOTE_SOURCES[4], "10.78.0.1")
    lab.meet(REMOTE_SOURCES[6], "fd78::1")
    return by_default


def run_round(seed, share):
    """(number of clients, complaints) of one random host."""
    dice = random.Random(seed)
    listeners = random_host(dice)
    clients = [client for client in all_clients() if dice.random() < share]
    with Lab() as lab:
        by_default = prepare(lab, dice)
        server, inodes = start_listeners(lab, listeners)
        try:
            flows = predict(lab, clients) if synfate_program() else {}
            real = try_all(lab.server, [client for client in clients if client[0]])
            real.update(try_all(lab.client, [client for client in clients if not client[0]]))
        finally:
            laboratory.stop(server)
            server.stdout.close()
    complaints = []
    spelled = [says_v6only(words, by_default) for words in listeners]
    for client, flow in flows.items():
        complaint = complaint_about(client, flow, real[client], inodes, spelled)
        if complaint:
            complaints.append(f"{words_of(client)}: {complaint}")
    if complaints:
        bound = set(inodes.values())
        complaints.insert(0, "sockets: " + "; ".join(
            f"{index}{'' if index in bound else ' (not bound)'}: {' '.join(words[2:])}"
            for index, words in enumerate(listeners)))
    return len(clients), complaints


def main():
    parser = rounds.parser()
    parser.add_argument("--share", type=float, default=1.0, help="of all clients that try")
    parser.add_argument("--real-only", action="store_true", help="do not ask synfate")
    options = parser.parse_args()
    if reason := rounds.unable(options):
        print(f"skipped: {reason}")
        return SKIPPED
    first = rounds.first_seed(options)
    flows = failed = 0
    for number in range(options.rounds):
        seed = first + number * rounds.STRIDE
        asked, complaints = run_round(seed, options.share)
        flows += asked
        failed += bool(complaints)
        if complaints:
            print(f"FAILED   repeat with: --seed {seed} --rounds 1 --share {options.share}")
            for line in complaints[:MOST_SHOWN]:
                print(f"    {line}", flush=True)
            if len(complaints) > MOST_SHOWN:
                print(f"    and {len(complaints) - MOST_SHOWN} more")
    print(f"{options.rounds} rounds from seed {first}: {flows} flows, {failed} rounds failed")
    return 1 if failed else 0


sys.exit(main())
