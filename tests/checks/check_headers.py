#!/usr/bin/env python3
"""Every header compiles alone, so that no file depends on what another one includes before it.

    check_headers.py COMPILER BUILD_FOLDER

Flags and include folders are those with which the build compiles the folder's own sources.
"""

import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

from sources import ROOT, files


def flags_by_folder(build):
    """Include and dialect flags of the sources of each folder."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        commands = json.load(file)
    flags = {}
    for entry in commands:
        words = shlex.split(entry["command"])
        kept = []
        for index, word in enumerate(words):
            if word.startswith(("-I", "-D", "-std=")):
                kept.append(word)
            elif word == "-isystem":
                kept += [word, words[index + 1]]
        folder = os.path.relpath(os.path.dirname(entry["file"]), ROOT)
        merged = flags.setdefault(folder, [])
        merged += [word for word in kept if word not in merged or word == "-isystem"]
    return flags


def flags_for(header, flags):
    """Those of the header's folder, or of the nearest folder above that has sources."""
    folder = os.path.dirname(header)
    while folder and folder not in flags:
        folder = os.path.dirname(folder)
    return flags.get(folder, [f"-I{ROOT}", "-std=c++23"])


def fault_of(compiler, header, flags):
    done = subprocess.run([compiler, *flags_for(header, flags), f"-I{ROOT}", "-fsyntax-only", "-x",
                           "c++", "-"], input=f'#include "{header}"\n', capture_output=True,
                          text=True)
    return f"{header} does not compile alone:\n{done.stderr}" if done.returncode else None


def main():
    compiler, build = sys.argv[1:3]
    flags = flags_by_folder(build)
    headers = files("core", "platform", "plugins", endings=(".h",))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(lambda one: fault_of(compiler, one, flags), headers)
                  if fault]
    print("\n".join(faults) or f"{len(headers)} headers compile alone")
    return 1 if faults or not headers else 0


sys.exit(main())
