"""A laboratory: two network namespaces joined by a veth pair, real programs in them, a real client,
and the question whether synfate predicted what that client got.

    server 10.77.0.1, 10.77.0.11, fd77::1, fd77::11      client 10.77.0.2, fd77::2

A case prepares the server, names one connection, and says what must come of it. The real outcome is
measured first (a case whose reality differs from its expectation is a fault of the case), then
`synfate` is asked inside the server's namespace, with --from the client, and must agree.

Run: SYNFATE=build/release/synfate tests/lab/run.py cases_listen …   (root; exit 77 without)
"""

import contextlib
import ctypes
import errno
import json
import os
import select
import signal
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
SKIPPED = 77
CONNECT_SECONDS = 1.5
ANSWER_SECONDS = 1.0
CONNECT_TIMEVAL = struct.pack("@ll", int(CONNECT_SECONDS), int(CONNECT_SECONDS % 1 * 1_000_000))
PING = b"ping\n"
HERE = os.path.dirname(os.path.abspath(__file__))

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The laboratory itself could not do its work."""


class Skip(Exception):
    """This machine cannot run the case; the text says why."""


def run(*words):
    """A command that must succeed; its output."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def enter(netns):
    """Moves the calling thread into a namespace."""
    with open(netns.path) as file:
        if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"entering {netns.path}: {os.strerror(code)}")


class Netns:
    """A named network namespace that is removed with the laboratory."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def sysctl(self, name, value):
        """Writes a sysctl of this namespace."""
        path = "/proc/sys/" + name.replace(".", "/")

        def write():
            with open(path, "w") as file:
                file.write(str(value))

        self.call(write)

    def call(self, function):
        """Calls a function in a child inside the namespace; its result must fit JSON."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                enter(self)
                with os.fdopen(writing, "w") as pipe:
                    json.dump(function(), pipe)
                status = 0
            except BaseException as error:  # the parent reports it
                sys.stderr.write(f"in {self.name}: {error!r}\n")
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise LabError(f"a step in the namespace {self.name} failed")
        return json.loads(text)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Lab:
    """The two namespaces and everything that was started in them."""

    _count = 0

    def __init__(self):
        Lab._count += 1
        stem = f"sfl{os.getpid()}n{Lab._count}"
        self._undo = contextlib.ExitStack()
        self.environment = {}  # what commands need to find the programs of the laboratory
        try:
            self.server = self._netns(stem + "s")
            self.client = self._netns(stem + "c")
            self._join(stem)
        except BaseException:
            self._undo.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._undo.close()

    def _netns(self, name):
        netns = Netns(name)
        self._undo.callback(netns.remove)
        return netns

    def another_netns(self, suffix):
        """A further namespace, joined to nothing."""
        return self._netns(f"{self.server.name}{suffix}")

    def _join(self, stem):
        self.server.ip("link", "add", "sv0", "type", "veth", "peer", "name", "cl0",
                       "netns", self.client.name)
        for netns, link, numbers in ((self.server, "sv0", (1, 11)), (self.client, "cl0", (2, 22))):
            for number in numbers:
                netns.ip("addr", "add", f"10.77.0.{number}/24", "dev", link)
                netns.ip("addr", "add", f"fd77::{number}/64", "dev", link, "nodad")
            netns.ip("link", "set", link, "up")
        self.client.ip("route", "add", "default", "via", "10.77.0.1")
        self.client.ip("-6", "route", "add", "default", "via", "fd77::1")
        self.meet(("10.77.0.2", "10.77.0.22"), "10.77.0.1")
        self.meet(("fd77::2", "fd77::22"), "fd77::1")

    def meet(self, sources, address):
        """Until both sides have found each other's link-layer address for each source: the first
        packets over a new IPv6 link are lost now and then, which no case is about."""
        for source in sources:
            wait_until(lambda: self.client.call(
                lambda: connect_tcp(address, 9, source))[0] == "refused",
                f"{address} and {source} have met")

    def start(self, netns, *words, env=None, output=subprocess.DEVNULL, takes_input=False):
        """Starts a program in a namespace; it is killed with the laboratory, by its pid."""
        # Unbuffered: select() must not wait for what a buffer already holds.
        process = subprocess.Popen(words, bufsize=0, stdout=output,
                                   stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=env, start_new_session=True,
                                   preexec_fn=lambda: enter(netns))
        self._undo.callback(stop, process)
        return process

    def serve(self, *words, netns=None):
        """Starts our own little server (server.py) and waits until it says that it is ready."""
        process = self.start(netns or self.server, sys.executable, os.path.join(HERE, "server.py"),
                             *words, output=subprocess.PIPE)
        self._undo.callback(process.stdout.close)
        ready, _, _ = select.select([process.stdout], [], [], 60)
        line = process.stdout.readline() if ready else b""
        if line.strip() != b"ready":
            raise LabError(f"the server did not start: {line.decode(errors='replace').strip()}")
        return process

    def nginx(self, listen="8080", settings="", events=""):
        """A real nginx with one worker, which listens."""
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise Skip("nginx is not installed")
        folder = self.folder()
        with open(f"{folder}/nginx.conf", "w") as out:
            out.write(f"daemon off; pid {folder}/pid; error_log {folder}/log; user root;\n"
                      f"worker_processes 1; {settings} events {{ {events} }}\n"
                      f"http {{ access_log off; client_body_temp_path {folder}/b;"
                      f" proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;"
                      f" uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;"
                      f" server {{ listen {listen}; return 200 ok; }} }}\n")
        process = self.start(self.server, program, "-c", f"{folder}/nginx.conf")
        wait_for_listener(process.pid, 8080)
        return process

    def undo(self, step, *arguments):
        """Called when the laboratory ends, before what was started earlier is ended."""
        self._undo.callback(step, *arguments)

    def folder(self):
        """A folder that is removed with the laboratory."""
        return self._undo.enter_context(tempfile.TemporaryDirectory(prefix="synfate-lab-"))


def stop(process):
    """Ends a program that we started, whatever state it is in."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(holds, what, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise LabError(f"waited {seconds} s in vain until {what}")
        time.sleep(0.02)


def wait_for_listener(pid, port):
    """Until something listens on a TCP port in the namespace of a process."""
    wanted = f":{port:04X}"

    def listening():
        for name in ("tcp", "tcp6"):
            with open(f"/proc/{pid}/net/{name}") as file:
                for line in list(file)[1:]:
                    fields = line.split()
                    if fields[1].endswith(wanted) and fields[3] == "0A":
                        return True
        return False

    wait_until(listening, f"port {port} has a listener")


# --- the real client ------------------------------------------------------------------------------

UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT, errno.EACCES)
DENIED = (errno.EPERM, errno.EADDRNOTAVAIL, errno.EINVAL, errno.EAGAIN)


def name_of(code):
    return errno.errorcode.get(code, str(code)) if code else None


def outcome_of_error(code):
    """The contract's word for an errno of connect() or of a datagram."""
    if code == errno.ECONNREFUSED:
        return "refused"
    if code == errno.ECONNRESET: # after the handshake, but before connect() came back
        return "reset"
    if code in UNREACHABLE:
        return "unreachable"
    if code in DENIED:
        return "denied"
    return "timeout" if code in (errno.ETIMEDOUT, errno.EINPROGRESS) else "unknown"


def answer_of(connection, payload):
    """What a connected client gets for its first data."""
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.sendall(payload)
        return ("open", None) if connection.recv(100) else ("reset", None)
    except TimeoutError:
        return "stalled", None
    except (ConnectionResetError, BrokenPipeError) as error:
        return "reset", name_of(error.errno)


def connect_tcp(address, port, source=None, payload=PING, prepare=None):
    """`prepare` gets the socket before it is bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        # A blocking connect(): one that polls asks SO_ERROR, which may tell of an ICMP error that
        # came for a later packet of a connection that stands.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, CONNECT_TIMEVAL)
        try:
            if prepare:
                prepare(connection)
            if source:
                connection.bind((source, 0))
            connection.connect((address, port))
        except OSError as error:
            code = errno.ETIMEDOUT if error.errno == errno.EINPROGRESS else error.errno
            return outcome_of_error(code), name_of(code)
        return answer_of(connection, payload)


def connect_udp(address, port, source=None, payload=PING, prepare=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            if prepare:
                prepare(connection)
            if source:
                connection.bind((source, 0))
            connection.connect((address, port))
            connection.send(payload)
            return ("open", None) if connection.recv(100) else ("unknown", None)
        except TimeoutError:
            return "timeout", "ETIMEDOUT"
        except OSError as error:
            return outcome_of_error(error.errno), name_of(error.errno)


def real_outcome(netns, proto, address, port, source=None, payload=PING):
    """What a real client in a namespace gets: (outcome, errno's name or None)."""
    connect = connect_udp if proto == "udp" else connect_tcp
    return tuple(netns.call(lambda: connect(address, port, source, payload)))


# --- the prediction -------------------------------------------------------------------------------


def synfate_program():
    """The program under test, or None."""
    program = os.environ.get("SYNFATE", "")
    return os.path.abspath(program) if program else None


class Answer:
    """One run of synfate."""

    def __init__(self, words, status, output, errors):
        self.words, self.status, self.errors, self.output = words, status, errors, output
        try:
            self.report = json.loads(output)
        except ValueError:
            raise LabError(f"{' '.join(words)}: exit {status}, no JSON; standard error:\n{errors}")

    @property
    def flows(self):
        return self.report["flows"]

    def first_rule(self, flow=0):
        for finding in self.report["findings"]:
            if flow in finding["flows"]:
                return finding["rule"]
        return None


def run_synfate(netns, *words):
    """Runs synfate inside a namespace with --format json: (status, the JSON, standard error)."""
    command = [synfate_program(), *words, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                          preexec_fn=lambda: enter(netns))
    try:
        return done.returncode, json.loads(done.stdout), done.stderr
    except ValueError:
        raise LabError(f"{' '.join(command)}: exit {done.returncode}, no JSON; standard error:\n"
                       f"{done.stderr}")


def ask_synfate(netns, *words):
    """Runs synfate inside a namespace with --format json."""
    command = [synfate_program(), *words, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                          preexec_fn=lambda: enter(netns))
    return Answer(command, done.returncode, done.stdout, done.stderr)


def target_words(proto, address, port):
    return f"{proto}/[{address}]:{port}" if ":" in address else f"{proto}/{address}:{port}"


# --- cases ----------------------------------------------------------------------------------------


class Connection:
    """Who connects to what: a source of None is a client that lets the kernel choose."""

    def __init__(self, address, port=8080, proto="tcp", source=None, local=False, payload=PING):
        self.address, self.port, self.proto = address, port, proto
        self.local, self.payload = local, payload
        self.source = source or self._usual_source()

    def _usual_source(self):
        v6 = ":" in self.address
        if self.local:
            return "::1" if v6 else "127.0.0.1"
        return "fd77::2" if v6 else "10.77.0.2"

    def __str__(self):
        return f"{target_words(self.proto, self.address, self.port)} from {self.source}"


class Case:
    """`prepare(lab)` sets the scene; then `connection` must end as said, and be predicted so. Where
    the rest is the program's own affair, which nobody can read, `predicted` says what can be known.
    `also` is a finding that need not be the first.
    """

    def __init__(self, name, prepare, connection, outcome, rule=None, culprit=None,
                 predicted=None, also=None, certainty=None):
        self.name, self.prepare, self.connection = name, prepare, connection
        self.outcome, self.rule, self.culprit = outcome, rule, culprit
        self.predicted, self.also, self.certainty = predicted, also, certainty

    def complaints(self, lab):
        """Everything that is not as it should be; empty if the case holds."""
        self.prepare(lab)
        client = lab.server if self.connection.local else lab.client
        wanted = self.connection
        found = []
        # The prediction comes first where the real client changes what is there (a full queue).
        answer = self._ask(lab) if synfate_program() else None
        real, code = real_outcome(client, wanted.proto, wanted.address, wanted.port,
                                  wanted.source, wanted.payload)
        if real != self.outcome:
            found.append(f"reality: {wanted} is {real} ({code}), the case says {self.outcome}")
        if answer:
            found += self._judge(answer, self.predicted or real)
        return found

    def _ask(self, lab):
        wanted = self.connection
        return ask_synfate(lab.server, target_words(wanted.proto, wanted.address, wanted.port),
                           "--from", wanted.source)

    def _judge(self, answer, real):
        found = []
        if len(answer.flows) != 1:
            return [f"asked for one flow, got {len(answer.flows)}"]
        flow = answer.flows[0]
        if flow["outcome"] != real:
            found.append(f"predicted {flow['outcome']}, a real client gets {real}")
        if self.rule and answer.first_rule() != self.rule:
            found.append(f"the first finding is {answer.first_rule()}, not {self.rule}")
        if real == "open" and not self.rule and not self.also:
            found += [f"nothing is wrong, and there is a finding {one['rule']}: {one['title']}"
                      for one in answer.report["findings"] if one["severity"] != "note"]
        kind = (flow["culprit"] or {}).get("kind")
        if self.culprit and self.culprit not in (kind, f"{kind} {(flow['culprit'] or {}).get('id')}"):
            found.append(f"the culprit is a {kind}, not a {self.culprit}")
        if self.also and self.also not in [one["rule"] for one in answer.report["findings"]]:
            found.append(f"there is no finding {self.also}")
        if self.certainty and flow["certainty"] != self.certainty:
            found.append(f"it is {flow['certainty']}, not {self.certainty}")
        possible = {each["outcome"] for each in flow["alternatives"] or []} or {real}
        status = 0 if real == "open" else 3 if possible & {"open", "unknown"} else 1
        if answer.status != status:
            found.append(f"exit status {answer.status}, not {status}")
        if found:
            found.append("command: " + " ".join(answer.words))
            found.append("flow: " + json.dumps({key: flow[key] for key in (
                "outcome", "errno", "certainty", "stopped_at", "culprit")}))
            if answer.errors:
                found.append("standard error: " + answer.errors.strip())
        return found


def unable():
    """Why this machine cannot run the laboratory, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if subprocess.run(["ip", "-V"], capture_output=True).returncode != 0:
        return "there is no `ip` program"
    probe = f"sfl{os.getpid()}p"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return None if made.returncode == 0 else f"cannot make a namespace: {made.stderr.strip()}"
