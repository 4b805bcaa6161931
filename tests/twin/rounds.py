"""What the twins that run in rounds have in common: their options, when they are skipped, seeds."""

import argparse
import os
import random

import lab as laboratory
from lab import synfate_program

#: In shorter runs one host weighs too much to tell the share of what is less than certain.
ENOUGH_FLOWS = 2000
#: Far enough apart that neighbouring fixed seeds do not share rounds.
STRIDE = 1_000_003


def parser(rounds=10):
    made = argparse.ArgumentParser()
    made.add_argument("--seed", type=int, default=None, help="of the first round")
    made.add_argument("--rounds", type=int, default=rounds)
    return made


def unable(options):
    """Why the test cannot run here, or None. With --real-only synfate is not asked."""
    reason = laboratory.unable()
    if getattr(options, "real_only", False):
        os.environ.pop("SYNFATE", None)
    elif not reason and not synfate_program():
        reason = "SYNFATE does not name the program under test"
    return reason


def first_seed(options):
    return options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)


def conclude(options, first, tally, failed, vague_share, reasons):
    """Prints what came of all rounds, and the commonest reasons for less than certainty. The exit
    status: a longer run fails as well beyond this share of such answers."""
    share = tally.vague / tally.flows if tally.flows else 0
    print(f"{options.rounds} rounds from seed {first}: {tally.flows} flows, {failed} rounds failed, "
          f"{tally.vague} flows ({share:.1%}) less than certain; "
          + ", ".join(f"{count} {name}" for name, count in tally.outcomes.most_common()))
    for reason, count in tally.reasons.most_common(reasons):
        print(f"    {count} less than certain: {reason}\n        {tally.examples[reason]}")
    return 1 if failed or (tally.flows >= ENOUGH_FLOWS and share > vague_share) else 0
