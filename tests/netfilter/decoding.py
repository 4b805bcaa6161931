#!/usr/bin/env python3
"""What synfate reads of nf_tables rules against what nft prints of them.

Every rule of rules.py is loaded by itself; what this kernel or nft does not know is counted and left
out. Then each rule's expressions must be those of `nft --debug=netlink`, in every register, offset,
length, operator, mask and value, and its text must be nft's, word for word.

    SHOW_RULES=build/release/tests/netfilter/show_rules tests/netfilter/decoding.py   (root; 77 without)
"""

import itertools
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

from lab import SKIPPED, Netns, enter

import nft_listing
from rules import CORPORA, SETUP, SETUP_PERHAPS, lines_of

#: nft lists the elements of a set of flags in no order that could be told.
UNORDERED = "tcp flags"
#: Rules that are loaded at once; when one of them is refused, each by itself.
BATCH = 8


def within(netns):
    """Runs a command in the namespace."""
    def call(words, text=""):
        return subprocess.run(words, input=text, capture_output=True, text=True,
                              preexec_fn=lambda: enter(netns))
    return call


def load(call, corpus, number):
    """The rules that were refused."""
    family, kind, hook, texts = corpus
    table = f"{family} t{number}"
    device = "device lo " if hook in ("ingress", "egress") else ""
    base = f"add chain {table} c {{ type {kind} hook {hook} {device}priority 0 ; }}"
    for line in [f"add table {table}", base] + (SETUP + SETUP_PERHAPS).format(t=table).splitlines():
        call(["nft", line])
    rules = [rule for text in texts for rule in lines_of(text)]
    refused = []
    for first in range(0, len(rules), BATCH):
        batch = [f"add rule {table} c {rule}" for rule in rules[first:first + BATCH]]
        if call(["nft", "-f", "-"], "\n".join(batch) + "\n").returncode != 0:
            refused += [line for line in batch if call(["nft", line]).returncode != 0]
    return refused


def complaints(call, program):
    """(number of rules, what differs)"""
    expressions, texts = nft_listing.listed(call)
    ours = nft_listing.read(call, program)
    wrong = []
    for where, text in texts.items():
        rule = ours.get(where)
        if rule is None:
            wrong.append(f"{where}: not read: {text}")
            continue
        wanted = expressions.get(where, [])
        if not nft_listing.same_expressions(wanted, rule["notation"]):
            wrong.append(f"{where} {text}")
            wrong += [f"    nft  {a}\n    ours {b}"
                      for a, b in itertools.zip_longest(wanted, rule["notation"]) if a != b]
        unordered = UNORDERED in text and "{" in text
        if text != rule["text"] and not unordered:
            wrong.append(f"{where[0]} {where[2]}\n    nft  {text}\n    ours {rule['text']}")
    return len(texts), wrong


def main():
    program = os.environ.get("SHOW_RULES", "")
    if os.geteuid() != 0 or not os.access(program, os.X_OK) or shutil.which("nft") is None:
        print("skipped: needs root, nft and SHOW_RULES")
        return SKIPPED
    netns = Netns(f"sfd{os.getpid()}")
    try:
        call = within(netns)
        netns.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        refused = [line for number, corpus in enumerate(CORPORA)
                   for line in load(call, corpus, number)]
        count, wrong = complaints(call, program)
    finally:
        netns.remove()
    if "-v" in sys.argv:
        print("\n".join(f"not loaded: {rule}" for rule in refused))
    print("\n".join(wrong))
    print(f"{count} rules compared, {len(refused)} unknown to this machine, {len(wrong)} differences")
    return 0 if not wrong and count > 800 else 1


sys.exit(main())
