"""Which program is measured."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILT = os.path.join(HERE, "..", "build", "release", "synfate")


def synfate_program():
    """The path in SYNFATE, else that of the release build; ends the script if there is none."""
    named = os.environ.get("SYNFATE")
    path = os.path.abspath(named or BUILT)
    if os.access(path, os.X_OK) and os.path.isfile(path):
        return path
    if named:
        sys.exit(f"SYNFATE={named}: there is no program")
    sys.exit(f"nothing to measure: {path} is not built (cmake --preset release && cmake --build "
             "--preset release), and SYNFATE does not name a program")
