#!/usr/bin/env python3
"""Includes follow the arrows of docs/architecture.md; a backward one fails.

    core/        core/ only; and below that each part only what comes before it
    platform/    its own platform, and of core: base, facts, model, the seams of command and plugin
    plugins/     the plugin SDK, core/base, core/facts and platform/; the example plugins the SDK only
    platform/*_main.cpp  the composition root: everything
    core/ has no #if for an operating system

`--self-test` proves that each kind of fault is found.
"""

import re
import sys

from sources import files, lines

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(__linux__|__linux|linux|_WIN32|_WIN64"
                       r"|WIN32|__APPLE__|__unix__|__FreeBSD__)\b")

# What a part may include; longest prefix first. A part always includes itself.
ALLOWED = [
    ("platform/synfate_main.cpp", ("core/", "platform/", "plugins/")),
    ("core/base/", ()),
    ("core/facts/", ("core/base/",)),
    ("core/plugin/abi.h", ()),
    ("core/plugin/sdk", ("core/base/", "core/facts/", "core/plugin/abi.h", "core/plugin/sdk")),
    ("core/plugin/", ("core/base/", "core/facts/")),
    ("core/model/", ("core/base/", "core/facts/")),
    ("core/cel/", ("core/base/", "core/facts/")),
    ("core/report/", ("core/base/", "core/facts/", "core/model/")),
    ("core/rules/", ("core/base/", "core/facts/", "core/model/", "core/cel/", "core/report/")),
    ("core/", ("core/",)),
    ("platform/linux/", ("core/base/", "core/facts/", "core/model/", "core/plugin/", "core/command/",
                         "platform/host.h")),
    ("platform/windows/", ("core/base/", "core/facts/", "core/model/", "core/plugin/",
                           "core/command/", "platform/host.h")),
    ("plugins/", ("core/base/", "core/facts/", "core/plugin/sdk", "core/plugin/abi.h",
                  "platform/")),
]
OURS = ("core/", "platform/", "plugins/", "tests/", "rules/", "bench/")


def own_part(path):
    """The folder of a file within which it may include freely."""
    parts = path.split("/")
    return "/".join(parts[:2]) + "/" if len(parts) > 2 else path


def allowed_for(path):
    for prefix, targets in ALLOWED:
        if path.startswith(prefix):
            return targets
    return None


def faults_of(path, text_lines):
    """Complaints about one file."""
    targets = allowed_for(path)
    if targets is None:
        return []
    found = []
    for number, line in enumerate(text_lines, 1):
        include = INCLUDE.match(line)
        if include:
            name = include.group(1)
            if not name.startswith(OURS):
                found.append(f"{path}:{number}: \"{name}\" is not written from the root")
            elif not name.startswith(own_part(path)) and not name.startswith(targets or "\0"):
                found.append(f"{path}:{number}: may not include {name}")
        if path.startswith("core/") and CONDITION.match(line):
            found.append(f"{path}:{number}: core has no #if for an operating system")
    return found


def self_test():
    wrong = [
        ("core/base/x.h", '#include "core/facts/cell.h"'),
        ("core/model/x.cpp", '#include "platform/linux/a.h"'),
        ("core/report/x.cpp", '#include "core/command/a.h"'),
        ("core/plugin/sdk.h", '#include "core/model/flow.h"'),
        ("platform/linux/a/x.cpp", '#include "plugins/linux-sockets/p.h"'),
        ("platform/linux/a/x.cpp", '#include "core/rules/rule.h"'),
        ("platform/linux/a/x.cpp", '#include "platform/windows/b.h"'),
        ("plugins/p/x.cpp", '#include "core/plugin/host.h"'),
        ("plugins/p/x.cpp", '#include "core/report/report.h"'),
        ("core/base/x.cpp", '#include "ip.h"'),
        ("core/base/x.cpp", "#ifdef __linux__"),
        ("core/base/x.cpp", "#if defined(_WIN32)"),
    ]
    right = [
        ("core/base/x.cpp", '#include "core/base/ip.h"'),
        ("core/command/x.cpp", '#include "core/rules/rule.h"'),
        ("platform/linux/a/x.cpp", '#include "platform/linux/b/y.h"'),
        ("plugins/p/x.cpp", '#include "core/plugin/sdk_rows.h"'),
        ("plugins/p/x.cpp", '#include "plugins/p/y.h"'),
        ("platform/linux/a/x.cpp", "#ifdef __linux__"),
        ("core/base/x.cpp", "#if __has_include(<x>)"),
    ]
    missed = [case for case in wrong if not faults_of(case[0], [case[1]])]
    wronged = [case for case in right if faults_of(case[0], [case[1]])]
    for case in missed + wronged:
        print("the check itself is wrong about", *case)
    return not missed and not wronged


def main():
    if not self_test():
        return 1
    checked = files("core", "platform", "plugins")
    found = [fault for path in checked for fault in faults_of(path, lines(path))]
    print("\n".join(found) or f"{len(checked)} files include in the direction of the figure")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
