#!/usr/bin/env python3
"""The program builds for Windows, and answers there what it answers here.

    run.py BUILD

BUILD is a build for this system: its tools write the generated sources, and its program says what is
right. Where wine is installed, a snapshot of a namespace made for it is explained by both programs:
status and output are the same bytes. Without wine it is only built.
"""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILER = "x86_64-w64-mingw32-g++-posix"
SKIPPED = 77

RULES = """table inet filter {
  set office { type ipv4_addr; elements = { 10.9.8.7 } }
  chain input {
    type filter hook input priority 0; policy drop
    iif "lo" accept
    tcp dport 22 ip saddr @office accept
    tcp dport 80 limit rate 5/minute accept
    tcp dport 8443 reject with tcp reset
  }
}
"""
IN_NAMESPACE = """set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.9.8.1/24 dev v0
ip link set v0 up
ip link set v1 up
nft -f - <<END
%s
END
"$0" snapshot -o "$1" || test $? -eq 3 # with gaps: what a pid namespace hides
"""
QUESTIONS = [
    [], ["22"], ["80"], ["8443", "--from", "10.9.8.9"], ["udp/53"], ["22", "--format", "json"],
    ["who", "22"], ["bind", "0.0.0.0:80"], ["facts", "nft_rule"],
    ["rules", "list"], ["rules", "test"], ["8080x"],
]


def build(native, folder):
    """The program that the preset makes, from the tools of `native`."""
    configure = ["cmake", "--preset", "mingw", "-B", folder, f"-DSYNFATE_NATIVE_BUILD={native}"]
    # Other tests run beside it, and some of them watch the clock.
    make = ["nice", "-n", "19", "cmake", "--build", folder, "--parallel", str(os.cpu_count())]
    for command in (configure, make):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout[-20000:])
    program = os.path.join(folder, "synfate.exe")
    with open(program, "rb") as file:
        assert file.read(2) == b"MZ", "not a program for Windows"
    return program


def answers(program, snapshot, words, environment):
    done = subprocess.run([*program, "--snapshot", snapshot, *words], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return done.returncode, done.stdout


def compare(native, windows):
    """Faults of the program for Windows, run by wine."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = os.path.join(folder, "host.snap")
        here = os.path.join(native, "synfate")
        alone = ["unshare", "--net", "--pid", "--fork", "--mount-proc"]
        subprocess.run([*alone, "sh", "-c", IN_NAMESPACE % RULES, here, snapshot], check=True,
                       stdout=subprocess.DEVNULL)
        environment = dict(os.environ, WINEPREFIX=os.path.join(folder, "wine"), WINEDEBUG="-all",
                           LANG="C.UTF-8", LC_ALL="C.UTF-8")
        faults = []
        for words in QUESTIONS:
            right = answers([here], snapshot, words, environment)
            found = answers(["wine", windows], snapshot, words, environment)
            if found != right:
                faults.append(f"{words}: here {right[0]}, there {found[0]}\n"
                              f"--- here\n{right[1].decode()}\n--- there\n{found[1].decode()}")
        return faults


def main():
    native = os.path.abspath(sys.argv[1])
    if not shutil.which(COMPILER):
        print(f"skipped: {COMPILER} is not installed (packaging/install-build-deps --mingw)")
        return SKIPPED
    windows = build(native, os.path.join(native, "mingw"))
    print(f"built {windows}")
    if not shutil.which("wine") or os.geteuid() != 0:
        print("not run: that needs wine, and root for a namespace")
        return 0
    faults = compare(native, windows)
    print("\n".join(faults) or f"{len(QUESTIONS)} answers are the same")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
