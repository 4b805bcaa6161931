"""What nft prints of the rules of a namespace, rule by rule, and what synfate reads of them.

    nft -a --debug=netlink list ruleset

prints each rule's expressions ("inet t c 4", then lines in brackets) and further on the rule in
words, with "# handle 4" behind it.
"""

import json
import re

HEAD = re.compile(r"^(ip|ip6|inet|arp|bridge|netdev) (\S+) (\S+) (\d+)(?: \d+)?\s*$")
TABLE = re.compile(r"^table (\S+) (\S+) \{")
CHAIN = re.compile(r"^\tchain (\S+) \{")
RULE = re.compile(r"^\t\t(.*) # handle (\d+)$")


def expressions_of(text):
    """{(family, table, chain, handle): [line]}"""
    rules, lines = {}, None
    for line in text.splitlines():
        head = HEAD.match(line)
        if head:
            lines = rules.setdefault((head[1], head[2], head[3], int(head[4])), [])
        elif line.startswith("  [ ") and lines is not None:
            lines.append(line.strip()[2:-2].strip())
        elif line.startswith("    [ ") and lines:  # an expression inside of the last one
            lines[-1] += " " + line.strip()
        elif not line.startswith("\t") and not line.startswith("  "):
            lines = None
    return rules


def texts_of(text):
    """{(family, table, chain, handle): words}; a rule may go over several lines."""
    rules, table, chain, begun = {}, None, None, ""
    for line in text.splitlines():
        if TABLE.match(line):
            table = TABLE.match(line).groups()
        elif CHAIN.match(line):
            chain, begun = CHAIN.match(line)[1], ""
        elif line == "\t}":
            chain = None
        elif chain and line.startswith("\t\t") and not line.strip().startswith("type "):
            begun += (" " if begun else "\t\t") + line.strip()
            rule = RULE.match(begun)
            if rule:
                rules[(*table, chain, int(rule[2]))] = " ".join(rule[1].split())
                begun = ""
    return rules


def listed(within):
    """(expressions, texts) of what nft prints; `within` runs a command in the namespace."""
    shown = within(["nft", "-a", "--debug=netlink", "list", "ruleset"]).stdout
    return expressions_of(shown), texts_of(within(["nft", "-a", "list", "ruleset"]).stdout)


def read(within, program):
    """{(family, table, chain, handle): {"notation": [line], "text": words}} of synfate."""
    rules = {}
    done = within([program])
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    for line in done.stdout.splitlines():
        rule = json.loads(line)
        rules[(rule["family"], rule["table"], rule["chain"], rule["handle"])] = rule
    return rules


def same_expressions(wanted, found):
    """nft's and ours; blanks do not count."""
    plain = [" ".join(line.replace(" timeout 0ms", "").split()) for line in wanted]
    return plain == [" ".join(line.split()) for line in found]
