#!/usr/bin/env python3
"""One name, one class: two classes of one name in one namespace are one to the linker, which keeps the
functions of either (their destructors, the templates made of them) for both.

Classes of unnamed namespaces are their file's own. `--self-test` is part of every run.
"""

import collections
import re
import sys

from sources import files, lines

OPENED = re.compile(r"^(?:inline )?namespace(?: ([\w:]+))? \{")
CLOSED = re.compile(r"^\} // namespace")
CLASS = re.compile(r"^(?:struct|class|union|enum(?: class)?) (?:\[\[\w+\]\] )?(\w+)(?: final)?"
                   r"\s*(?::[^:].*)?\{")


def classes_of(text_lines):
    """(line number, qualified name) of each class of a file that other files could name."""
    around = []
    for number, line in enumerate(text_lines, 1):
        opened, named = OPENED.match(line), CLASS.match(line)
        if opened:
            around.append(opened[1] or "")
        elif CLOSED.match(line) and around:
            around.pop()
        elif named and "" not in around:
            yield number, "::".join([*around, named[1]])


def faults_of(sources):
    """`sources`: (path, lines) of each file."""
    places = collections.defaultdict(list)
    for path, text_lines in sources:
        for number, name in classes_of(text_lines):
            places[name].append(f"{path}:{number}")
    return [f"{where[0]}: {name} is also at {', '.join(where[1:])}"
            for name, where in sorted(places.items()) if len(where) > 1]


def self_test():
    def file(*text):
        return ["namespace synfate {", *text, "} // namespace synfate"]
    wrong = [[("a.h", file("struct Walk {", "};")), ("b.h", file("class Walk final : public X {", "};"))],
             [("a.h", file("struct Walk {", "};")), ("a.cpp", file("enum class Walk : int {", "};"))]]
    right = [[("a.h", file("struct Walk {", "};")), ("b.cpp", file("namespace {", "struct Walk {", "};",
                                                                   "} // namespace"))],
             [("a.h", file("class Walk;")), ("b.h", file("class Walk {", "};"))],
             [("a.h", file("class Walk {", "};")), ("a.cpp", file("class Walk::Part : public X {", "};"))],
             [("a.h", file("struct Walk {", "};")), ("b.h", file("namespace other {", "struct Walk {", "};",
                                                                 "} // namespace other"))]]
    missed = [case for case in wrong if not faults_of(case)]
    wronged = [case for case in right if faults_of(case)]
    for case in missed + wronged:
        print("the check itself is wrong about", case)
    return not missed and not wronged


def main():
    if not self_test():
        return 1
    checked = files("core", "platform", "plugins", "tests")
    found = faults_of((path, lines(path)) for path in checked if not path.startswith("platform/windows/"))
    print("\n".join(found) or f"{len(checked)} files: every class has a name of its own")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
