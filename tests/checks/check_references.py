#!/usr/bin/env python3
"""What a comment or a document calls a test or a file of the project exists."""

import os
import re
import sys

from sources import files, lines

#: A path below tests, and bare names in the sentence that says what tests a file.
PATH = re.compile(r"\btests/[\w/.-]+\.(?:cpp|py|toml|h)\b")
NAMES = re.compile(r"Tested by\s[^.]*?(?:[\w/]+\.(?:cpp|py)\b[^.]*?)+\.\s", re.DOTALL)
NAME = re.compile(r"[\w/]+\.(?:cpp|py)\b")
TEXTS = (".h", ".cpp", ".cmake", ".txt", ".py", ".md", ".toml")


def main():
    assert PATH.search("see tests/lab/run.py") and NAMES.search("Tested by run" + ".py, lab" + ".py. ")
    everything = files(endings=("",))
    names = {os.path.basename(path) for path in everything}
    paths = set(everything)
    found, checked = [], files(endings=TEXTS)
    for path in checked:
        text = "\n".join(lines(path))
        flat = re.sub(r"\n\s*//+ ?", " ", text)
        wrong = {name for name in PATH.findall(flat) if name not in paths}
        for sentence in NAMES.findall(flat + " "):
            wrong |= {name for name in NAME.findall(sentence) if os.path.basename(name) not in names}
        found += [f"{path}: there is no {name}" for name in sorted(wrong)]
    print("\n".join(found) or f"what {len(checked)} files refer to exists")
    return 1 if found or not checked else 0


sys.exit(main())
