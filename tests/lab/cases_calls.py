"""How it is called: wrong calls end with status 2 and say what is wrong, on standard error alone; a
listener may be named as ss prints it."""

import json
import os
import subprocess
import sys
import unicodedata

from lab import ask_synfate, enter, synfate_program, wait_for_listener


class Refused:
    """A wrong call, and what must be said of it."""

    def __init__(self, words, said):
        self.name = "refused: " + " ".join(words)
        self.words, self.said = words, said

    def complaints(self, lab):
        if not synfate_program():
            return []
        done = subprocess.run([synfate_program(), *self.words], capture_output=True, text=True,
                              timeout=60, cwd=lab.folder(), preexec_fn=lambda: enter(lab.server))
        found = []
        if done.returncode != 2:
            found.append(f"exit status {done.returncode}, not 2")
        if self.said not in done.stderr:
            found.append(f"{self.said!r} is not in {done.stderr!r}")
        if done.stdout:
            found.append(f"standard output: {done.stdout[:80]!r}")
        return found


class Printed:
    """A listener that is named as other programs print it is the port on every address."""

    name = "a listener named as ss prints it"

    def complaints(self, lab):
        lab.serve("0.0.0.0", "8080")
        if not synfate_program():
            return []
        answers = [ask_synfate(lab.server, word).report
                   for word in ("8080", "*:8080", "0.0.0.0:8080", "tcp/[::]:8080")]
        wanted = self.told(answers[0])
        return [f"{one['target']['text']}: {self.told(one)}, not {wanted}"
                for one in answers[1:] if self.told(one) != wanted]

    @staticmethod
    def told(report):
        return [(flow["from"]["address"], flow["to"]["address"], flow["outcome"])
                for flow in report["flows"]]


HOSTILE = b"a\n\x1b[31m\xff\xc2\x9b\xe2\x80\xae"

SERVER = """
import ctypes, os, socket, sys, time
name = os.fsencode(sys.argv[1])
ctypes.CDLL(None).prctl(15, name[:15], 0, 0, 0)
held = [socket.socket(socket.AF_UNIX) for _ in range(2)]
held[0].bind(b"\\0" + name)
held[1].bind(os.path.join(os.fsencode(sys.argv[2]), name))
for one in held:
    one.listen()
listener = socket.create_server(("0.0.0.0", 8080))
time.sleep(600)
"""


class Hostile:
    """A name of a process, a socket, a file or an argument that would write to the terminal."""

    name = "names that are made to harm a terminal"

    def complaints(self, lab):
        folder = lab.folder()
        process = lab.start(lab.server, sys.executable, "-c", SERVER, HOSTILE, folder)
        wait_for_listener(process.pid, 8080)
        if not synfate_program():
            return []
        name = HOSTILE.replace(b"\n", b"\\n")
        sockets = [b"@" + name, os.fsencode(folder) + b"/" + name]
        calls = [[target, b"--format", kind] for target in [b"8080", *sockets]
                 for kind in (b"text", b"json", b"nagios")]
        calls += [[b"bind", target, *more] for target in [b"8080", *sockets]
                  for more in ([], [b"--format", b"jsonl"])]
        calls += [[b"-v", sockets[1]], [], [b"--format", b"json"], [b"8080", b"--" + HOSTILE],
                  [b"facts", b"process", b"--format", b"jsonl"], [b"rules", b"check", HOSTILE],
                  [b"rules", b"show", HOSTILE], [b"rules", b"eval", b"'" + HOSTILE],
                  [b"8080", b"--timeout", HOSTILE], [b"--netns", HOSTILE], [HOSTILE]]
        return [complaint for words in calls for complaint in self.judge(lab, words)]

    @staticmethod
    def judge(lab, words):
        done = subprocess.run([os.fsencode(synfate_program()), *words], capture_output=True,
                              timeout=60, preexec_fn=lambda: enter(lab.server))
        try:
            text = (done.stdout + done.stderr).decode()
            if {b"json", b"jsonl"} & set(words):
                for line in [done.stdout] if b"json" in words else done.stdout.splitlines():
                    json.loads(line)
        except ValueError as error:
            return [f"{words}: {error}"]
        odd = {letter for letter in text
               if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf")}
        return [f"{words}: printed are {odd}"] if odd else []


CASES = [
    Hostile(),
    Printed(),
    Refused(["explain"], "no target is named"),
    Refused(["who"], "no target is named"),
    Refused(["bind"], "the target is missing"),
    Refused(["0"], "Ports are 1 to 65535."),
    Refused(["65536"], "Ports are 1 to 65535."),
    Refused(["8080-8090"], "more than one port"),
    Refused(["10.77.0.1"], "Write 10.77.0.1:PORT."),
    Refused(["[::1]"], "Write [::1]:PORT."),
    Refused(["8080", "--from", "::"], "no address of one client"),
    Refused(["8080", "--from", "10.77.0.2%sv1"], "Did you mean 'sv0'?"),
    Refused(["who", "8080", "--from", "10.77.0.2%nowhere"], "Interfaces: lo, sv0."),
    Refused(["[fe80::1%nowhere]:8080"], "there is no interface 'nowhere' here"),
    Refused(["8080", "--netns", ""], "the value is empty"),
    Refused(["8080", "--nonsense"], "--nonsense"),
    Refused(["8080", "--format", "xml"], "Formats: text, json"),
    Refused(["8080", "--as", "no-such-user"], "no such user"),
    Refused(["8080", "--snapshot", os.sep], "it is a directory"),
    Refused(["snapshot", "-o", "missing/host.synfate"], "No such file or directory"),
    Refused(["facts", "no_such_table"], "there is no such table"),
    Refused(["rules", "no_such_verb"], "Verbs: list"),
]
