"""Rulesets as the programs write them that people use: firewalld, ufw and fail2ban, each run for
real inside the laboratory, with files of its own and away from the host's configuration."""

import os
import shutil
import socket
import subprocess

from lab import Case, Connection, LabError, Skip, wait_until

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
SERVER6, CLIENT6 = "fd77::1", "fd77::2"

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_type="*"/></policy></busconfig>
"""

FAIL2BAN = """[Definition]
loglevel = INFO
logtarget = {folder}/log
syslogsocket = none
socket = {folder}/socket
pidfile = {folder}/pid
dbfile = None
dbpurgeage = 1d
"""

JAIL = """[web]
enabled = true
backend = polling
filter =
logpath = {folder}/web.log
banaction = {action}
port = 8080
action = {action}[name=web, port=8080, protocol=tcp, blocktype="{blocktype}"]
"""


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Skip(f"{name} is not installed")
    return found


def within(lab, *words, env=None):
    """A command inside the server's namespace that must succeed; its output."""
    done = subprocess.run(["ip", "netns", "exec", lab.server.name, *words], capture_output=True,
                          text=True, env={**os.environ, **(env or {})}, timeout=60)
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stdout.strip()} {done.stderr.strip()}")
    return done.stdout


def accepts(path):
    """True if something listens behind a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def firewalld(*commands):
    """firewalld on a message bus of its own, then firewall-cmd with each line of words."""

    def prepare(lab):
        lab.serve("::", "8080")
        bus, daemon, command = program("dbus-daemon"), program("firewalld"), program("firewall-cmd")
        folder = lab.folder()
        with open(f"{folder}/bus.conf", "w") as file:
            file.write(BUS.format(folder=folder))
        os.mkdir(f"{folder}/etc")
        env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"}
        lab.environment.update(DBUS_SYSTEM_BUS_ADDRESS=env["DBUS_SYSTEM_BUS_ADDRESS"])
        lab.start(lab.server, bus, f"--config-file={folder}/bus.conf", "--nofork")
        wait_until(lambda: accepts(f"{folder}/bus"), "the message bus answers")
        lab.start(lab.server, daemon, "--nofork", "--nopid", "--system-config", f"{folder}/etc",
                  "--log-file", f"{folder}/log", env=env)

        def running():
            return subprocess.run([command, "--state"], env=env,
                                  capture_output=True).returncode == 0

        wait_until(running, "firewalld runs", seconds=40)
        for words in commands:
            within(lab, command, *words.split(" | "), env=env)

    return prepare


def ufw(*commands):
    """ufw with copies of its files laid over its own, in a mount namespace that dies with it."""

    def prepare(lab):
        lab.serve("::", "8080")
        front = program("ufw")
        folder = lab.folder()
        for name, origin in (("etc", "/etc/ufw"), ("lib", "/lib/ufw"), ("default", "/etc/default")):
            shutil.copytree(origin, f"{folder}/{name}", symlinks=True)
        script = [f"mount --bind {folder}/etc /etc/ufw", f"mount --bind {folder}/lib /lib/ufw",
                  f"mount --bind {folder}/default /etc/default"]
        script += [f"{front} {words}" for words in commands]
        script.append(f"{front} --force enable")
        within(lab, "sh", "-ec", "\n".join(script))

    return prepare


def fail2ban(action, blocktype, banned):
    """A jail of fail2ban for port 8080 that has banned an address by the action named."""

    def prepare(lab):
        lab.serve("::", "8080")
        server, client = program("fail2ban-server"), program("fail2ban-client")
        folder = lab.folder()
        for part in ("action.d", "filter.d"):
            os.symlink(f"/etc/fail2ban/{part}", f"{folder}/{part}")
        open(f"{folder}/web.log", "w").close()
        with open(f"{folder}/fail2ban.conf", "w") as file:
            file.write(FAIL2BAN.format(folder=folder))
        with open(f"{folder}/jail.conf", "w") as file:
            file.write(JAIL.format(folder=folder, action=action, blocktype=blocktype))
        files = ("-c", folder, "-s", f"{folder}/socket", "-p", f"{folder}/pid")
        lab.start(lab.server, server, *files, "-f", "start")

        def client_says(*words):
            return subprocess.run([client, *files, *words], capture_output=True, text=True)

        wait_until(lambda: client_says("status", "web").returncode == 0, "the jail is up", 30)
        done = client_says("set", "web", "banip", banned)
        if done.returncode != 0:
            raise LabError(f"banning {banned}: {done.stdout} {done.stderr}")
        wait_until(lambda: banned in client_says("status", "web").stdout
                   and banned in kernel_rules(lab), "the ban is in force", 20)

    return prepare


def kernel_rules(lab):
    """Everything that could name a banned address, as the tools list it."""
    text = ""
    for words in (("nft", "list", "ruleset"), ("iptables-legacy-save",), ("ipset", "list")):
        done = subprocess.run(["ip", "netns", "exec", lab.server.name, *words],
                              capture_output=True, text=True)
        text += done.stdout
    return text


PORT = Connection(SERVER)
PORT6 = Connection(SERVER6)
DROPPING = "--add-rich-rule=rule family=ipv4 source address=10.77.0.2 port port=8080 protocol=tcp drop"
REJECTING = ("--add-rich-rule=rule family=ipv6 source address=fd77::/64 port port=8080"
             " protocol=tcp reject type=icmp6-addr-unreachable")

CASES = [
    Case("firewalld: a port that no zone opens", firewalld(), PORT, "unreachable", "fw.reject",
         "nft_rule"),
    Case("firewalld: a port that no zone opens (IPv6)", firewalld(), PORT6, "unreachable",
         "fw.reject", "nft_rule"),
    Case("firewalld: the port is opened", firewalld("--add-port=8080/tcp"), PORT, "open"),
    Case("firewalld: the port is opened (IPv6)", firewalld("--add-port=8080/tcp"), PORT6, "open"),
    Case("firewalld: the client is in the zone drop",
         firewalld("--add-port=8080/tcp", "--zone=drop | --add-source=10.77.0.0/24"), PORT,
         "timeout", "fw.drop", "nft_rule"),
    Case("firewalld: the client is in the zone trusted",
         firewalld("--zone=trusted | --add-source=10.77.0.2"), PORT, "open"),
    Case("firewalld: a rich rule drops the client", firewalld("--add-port=8080/tcp", DROPPING),
         PORT, "timeout", "fw.drop", "nft_rule"),
    Case("firewalld: a rich rule rejects the client", firewalld("--add-port=8080/tcp", REJECTING),
         PORT6, "unreachable", "fw.reject", "nft_rule"),
    Case("firewalld: the interface is in the zone block",
         firewalld("--zone=block | --change-interface=sv0"), PORT, "unreachable", "fw.reject",
         "nft_rule"),
    Case("firewalld: a port forwarded to a listener",
         firewalld("--add-forward-port=port=80:proto=tcp:toport=8080", "--add-port=8080/tcp"),
         Connection(SERVER, port=80), "open"),
    Case("firewalld: a port forwarded to nobody",
         firewalld("--add-forward-port=port=8080:proto=tcp:toport=9090", "--add-port=9090/tcp"),
         PORT, "refused", "nat.dead_target"),

    Case("ufw: the port is not allowed", ufw(), PORT, "timeout", "fw.policy_drop"),
    Case("ufw: the port is not allowed (IPv6)", ufw(), PORT6, "timeout", "fw.policy_drop"),
    Case("ufw: the port is allowed", ufw("allow 8080/tcp"), PORT, "open"),
    Case("ufw: the port is allowed (IPv6)", ufw("allow 8080/tcp"), PORT6, "open"),
    Case("ufw: allowed from elsewhere only", ufw("allow from 10.0.0.0/16 to any port 8080"), PORT,
         "timeout", "fw.policy_drop"),
    Case("ufw: allowed from the client's network",
         ufw("allow from 10.77.0.0/24 to any port 8080 proto tcp"), PORT, "open"),
    Case("ufw: rejected", ufw("reject 8080/tcp"), PORT, "refused", "fw.reject"),
    Case("ufw: denied before it is allowed",
         ufw("deny from 10.77.0.2", "allow 8080/tcp"), PORT, "timeout", "fw.drop"),
    Case("ufw: denied, and then the fix that is offered",
         ufw("deny from 10.77.0.2", "prepend allow from 10.77.0.2 to any port 8080 proto tcp",
             "route prepend allow from 10.77.0.2 to 172.17.0.2 port 80 proto tcp"), PORT, "open"),

    Case("fail2ban: banned by nftables", fail2ban("nftables", "drop", CLIENT), PORT, "timeout",
         "fw.drop", "nft_rule"),
    Case("fail2ban: banned by nftables, rejected", fail2ban("nftables", "reject", CLIENT), PORT,
         "refused", "fw.reject", "nft_rule"),
    Case("fail2ban: another is banned", fail2ban("nftables", "drop", "10.77.0.99"), PORT, "open"),
    Case("fail2ban: banned by nftables (IPv6)", fail2ban("nftables", "drop", CLIENT6), PORT6,
         "timeout", "fw.drop", "nft_rule"),
    Case("fail2ban: banned by iptables",
         fail2ban("iptables-multiport", "REJECT --reject-with icmp-port-unreachable", CLIENT),
         PORT, "refused", "fw.reject"),
    Case("fail2ban: banned by an ipset",
         fail2ban("iptables-ipset-proto6", "DROP", CLIENT), PORT, "timeout", "fw.drop"),
]
