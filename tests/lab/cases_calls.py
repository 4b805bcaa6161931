"""How it is called: wrong calls end with status 2 and say what is wrong, on standard error alone; a
listener may be named as ss prints it."""

import os
import subprocess

from lab import ask_synfate, enter, synfate_program


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


CASES = [
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
    Refused(["8080", "--netns", ""], "the value is empty"),
    Refused(["8080", "--nonsense"], "--nonsense"),
    Refused(["8080", "--format", "xml"], "Formats: text, json"),
    Refused(["8080", "--as", "no-such-user"], "no such user"),
    Refused(["8080", "--snapshot", os.sep], "it is a directory"),
    Refused(["snapshot", "-o", "missing/host.synfate"], "No such file or directory"),
    Refused(["facts", "no_such_table"], "there is no such table"),
    Refused(["rules", "no_such_verb"], "Verbs: list"),
]
