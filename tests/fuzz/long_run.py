#!/usr/bin/env python3
"""Runs the libFuzzer programs for long, one after another, and says what each found.

    long_run.py [--seconds 300] [--keep] [TARGET…]

Needs `cmake --preset fuzz && cmake --build --preset fuzz`. Each target starts from its corpus and its
earlier finds (build/fuzz/found/TARGET); what fails, hangs for five seconds or takes more than 512 MB stops
it and is kept in build/fuzz/failed/TARGET. With --keep the finds that reach code the corpus does not
reach become files of the corpus. The status is 1 if anything failed.
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "fuzz")
CORPUS = os.path.join(HERE, "corpus")
# Freed memory that the sanitizer holds back counts, too.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=64"}
LIMITS = ["-timeout=5", "-rss_limit_mb=512", "-max_len=8192"]


def folder(kind, target):
    path = os.path.join(BUILD, kind, target)
    os.makedirs(path, exist_ok=True)
    return path


def program(target):
    return os.path.join(BUILD, "tests", "fuzz", "fuzz_" + target)


def run(target, seconds):
    """Whether nothing failed; prints a line."""
    failed = folder("failed", target)
    words = [program(target), *LIMITS, f"-max_total_time={seconds}", "-print_final_stats=1",
             f"-artifact_prefix={failed}/"]
    dictionary = os.path.join(HERE, "dictionaries", target + ".dict")
    if os.path.exists(dictionary):
        words.append("-dict=" + dictionary)
    with open(os.path.join(failed, "log"), "w+", encoding="utf-8", errors="replace") as log:
        done = subprocess.run([*words, folder("found", target), os.path.join(CORPUS, target)],
                              env=ENVIRONMENT, stdout=log, stderr=subprocess.STDOUT)
        log.seek(0)
        text = log.read()
    runs = re.search(r"number_of_executed_units:\s*(\d+)", text)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", text)
    print(f"{target}: {runs.group(1) if runs else '?'} runs, "
          f"{reached[-1][0] if reached else '?'} edges, "
          + ("sound" if done.returncode == 0 else f"FAILED, see {failed}"), flush=True)
    return done.returncode == 0


def keep(target):
    subprocess.run([program(target), "-set_cover_merge=1", "-max_len=4096",
                    os.path.join(CORPUS, target), folder("found", target)],
                   check=True, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("targets", nargs="*")
    call = parser.parse_args()
    targets = call.targets or sorted(os.listdir(CORPUS))
    sound = [run(target, call.seconds) for target in targets]
    if call.keep:
        for target in targets:
            keep(target)
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
