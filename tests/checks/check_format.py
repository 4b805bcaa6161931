#!/usr/bin/env python3
"""The sources are formatted as .clang-format says. Skipped (exit 77) without clang-format 19: other
versions format differently."""

import re
import shutil
import subprocess
import sys

from sources import ROOT, files


def formatter():
    for name in ("clang-format-19", "clang-format"):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            if re.search(r"version 19\.", version):
                return program
    return None


def main():
    program = formatter()
    if not program:
        print("skipped: there is no clang-format 19")
        return 77
    checked = files("core", "platform", "plugins", "tests")
    done = subprocess.run([program, "--dry-run", "--Werror", *checked], cwd=ROOT,
                          capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines()
                    if "clang-format-violations" in line})
    print("\n".join(f"{path} is not formatted" for path in wrong)
          or f"{len(checked)} files are formatted")
    return 1 if done.returncode or not checked else 0


sys.exit(main())
