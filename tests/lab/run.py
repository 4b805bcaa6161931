#!/usr/bin/env python3
"""Runs cases of the laboratory: run.py [--only TEXT] [--real-only] MODULE…"""

import argparse
import importlib
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import SKIPPED, Lab, LabError, Skip, synfate_program, unable


def run_case(case):
    """("ok" | "skipped" | "FAILED", lines to show)"""
    try:
        with Lab() as lab:
            complaints = case.complaints(lab)
    except Skip as reason:
        return "skipped", [str(reason)]
    except LabError as error:
        return "FAILED", [str(error)]
    except Exception:
        return "FAILED", traceback.format_exc().splitlines()
    return ("FAILED", complaints) if complaints else ("ok", [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--only", default="", help="cases whose name contains this text")
    parser.add_argument("--real-only", action="store_true", help="do not ask synfate")
    options = parser.parse_args()
    reason = unable()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    if options.real_only:
        os.environ.pop("SYNFATE", None)
    elif not synfate_program():
        print("skipped: SYNFATE does not name the program under test")
        return SKIPPED
    counts = {"ok": 0, "skipped": 0, "FAILED": 0}
    for name in options.modules:
        for case in importlib.import_module(name).CASES:
            if options.only not in case.name:
                continue
            result, lines = run_case(case)
            counts[result] += 1
            print(f"{result:8} {name}: {case.name}", flush=True)
            for line in lines:
                print(f"         {line}", flush=True)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    if sum(counts.values()) == 0:
        print("no case was run")
        return 1
    return 1 if counts["FAILED"] else 0


sys.exit(main())
