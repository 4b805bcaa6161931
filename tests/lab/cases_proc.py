"""The kernel accepts, and the process that should serve does not."""

from lab import Case, Connection, wait_until

import os
import signal


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def stopped(*words):
    def prepare(lab):
        process = lab.serve(*words)
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(process.pid) == "T", "the server is stopped")

    return prepare


def continued(lab):
    process = lab.serve("0.0.0.0", "8080")
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: state_of(process.pid) == "T", "the server is stopped")
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: state_of(process.pid) != "T", "the server runs again")


CASES = [
    Case("a stopped process (IPv4)", stopped("0.0.0.0", "8080"), Connection("10.77.0.1"),
         "stalled", "proc.stopped", "process"),
    Case("a stopped process (IPv6)", stopped("::", "8080"), Connection("fd77::1"), "stalled",
         "proc.stopped", "process"),
    Case("a stopped process asked from this host", stopped("127.0.0.1", "8080"),
         Connection("127.0.0.1", local=True), "stalled", "proc.stopped", "process"),
    Case("a process that was stopped and goes on", continued, Connection("10.77.0.1"), "open"),
]
