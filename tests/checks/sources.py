"""The project's own source files, for the checks of this folder."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED_FOLDERS = {".git", "__pycache__"}


def is_build_folder(path):
    return os.path.exists(os.path.join(path, "CMakeCache.txt")) or os.path.basename(path).startswith(
        ("build-", "cmake-build"))


def files(*folders, endings=(".h", ".cpp")):
    """Paths relative to the root, in order. No folder means the whole project."""
    found = []
    for folder in folders or (".",):
        for where, below, names in os.walk(os.path.join(ROOT, folder)):
            below[:] = sorted(name for name in below if name not in SKIPPED_FOLDERS and not (
                where == ROOT and name == "build") and not is_build_folder(os.path.join(where, name)))
            found += [os.path.relpath(os.path.join(where, name), ROOT)
                      for name in names if name.endswith(endings)]
    return sorted(found)


def lines(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()
