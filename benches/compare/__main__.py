"""Compares fleet with ssh, Ansible and pyinfra, side by side in one run on lab servers; prints one table.

Jobs, each on all servers at once, timed as whole processes from start to end:

  nothing   runs `true` everywhere.
  health    ssh runs the very script that `fleet health` sends (src/health/probe.sh), and nobody reads what it prints; Ansible
            and pyinfra gather facts.
  sites     so many static websites on each server (user, three directories, three files each, one reload of nginx) on a fresh
            disk. ssh runs one hand-written script per server that does the same in batches and asks each site for its page:
            the limit of what one can do by hand. fleet runs `fleet apply` of what was staged before.
  mixed     the websites, 10 DNS zones, 10 MariaDB databases with users, 10 cron jobs and 20 firewall rules on each server. By
            hand, one script asks each service once, and tells it once. fleet also keeps an undo, tries every page and zone, and
            loads the rules on trial with a new connection.
  again     sites and mixed once more, when everything is there.
  sweep     health of so many addresses (`--addresses 60,200`), which all lead to the lab's servers.

Ways: `ssh`, one OpenSSH process per server in parallel, with its defaults; `ssh, master`, through connections that were opened
before (ControlMaster; opening them and what the masters compute is not counted); `ssh, tuned`, with curve25519, and with
TCP_NODELAY and TCP_QUICKACK forced on its sockets by a preloaded library; `fleet`; with `--playbooks`, `ansible`, tuned:
pipelining, as many forks as servers, ControlPersist, no facts gathered (except for health), and `pyinfra`.

The ways take turns in every round, so that a machine that gets slower gets slower for all of them.
"""

import argparse
import fcntl
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playbooks import Ansible, Pyinfra
from processes import Failure, quietly, run_all
from ways import ROOT, TUNING, Fleet, Ssh, SshMaster
from work import Mixed, Server, Site

# Which lab, as tests/lab/lab has it.
NUMBER = int(os.environ.get("FLEET_LAB_NUMBER", "1"))
SELF = "fleet-lab" if NUMBER == 1 else f"fleet-lab-{NUMBER}"
LAB = Path(os.environ.get("FLEET_LAB_DIR", f"/run/{SELF}"))
# Behind real addresses there is an sshd each; one here has a share of them to answer, and would drop connections at random
# when more than ten are not logged in yet (MaxStartups, sshd_config(5)).
MANY = "echo MaxStartups 500 >/etc/ssh/sshd_config.d/00-many.conf && systemctl reload ssh"
NOT_MANY = "rm -f /etc/ssh/sshd_config.d/00-many.conf && systemctl reload ssh"
JOBS = {
    "nothing": ("nothing",),
    "health": ("health",),
    "sites": ("sites", "again"),
    "mixed": ("mixed", "mixed_again"),
}


class Bench:
    """One comparison."""

    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        self.key = LAB / "id_ed25519"
        self.servers = self.find_servers()
        self.sites, self.mixed = {}, {}
        for server in self.servers:
            self.sites[server.name] = [Site(server, number) for number in range(1, arguments.sites + 1)]
            self.mixed[server.name] = Mixed(server, self.sites[server.name])
        self.times = {}
        self.write_settings(self.servers, LAB / "known_hosts")

    def lab(self, *words):
        return quietly([ROOT / "tests/lab/lab", *words])

    def find_servers(self):
        wanted = self.arguments.use.split(",") if self.arguments.use else None
        if not wanted:
            self.lab("up", self.arguments.servers, "--full")
        rows = [line.split() for line in self.lab("list").splitlines()]
        servers = [Server(row[0], row[4]) for row in rows]
        if wanted:
            return [server for server in servers if server.name in wanted]
        return servers[: self.arguments.servers]

    def write_settings(self, servers, known_hosts):
        self.ssh_config = self.work / "ssh_config"
        hosts = "".join(f"Host {server.name}\n  HostName {server.address}\n" for server in servers)
        self.ssh_config.write_text(
            f"{hosts}Host *\n  User root\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {known_hosts}\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
        )
        entries = "".join(f'[servers.{server.name}]\naddress = "{server.address}"\n' for server in servers)
        (self.work / "inventory.toml").write_text(
            f'[settings]\nknown_hosts = "{known_hosts}"\nssh_config = false\n'
            f'[defaults]\nuser = "root"\nidentity_file = "{self.key}"\ncapacity = 1000\n{entries}'
        )

    def ways(self):
        tuned = ["-o", "KexAlgorithms=curve25519-sha256", "-o", "GSSAPIAuthentication=no", "-o", "AddressFamily=inet"]
        ways = [Ssh("ssh", self), SshMaster(self)]
        source = self.work / "tuning.c"
        source.write_text(TUNING)
        library = self.work / "tuning.so"
        if shutil.which("cc"):
            quietly(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"])
            ways.append(Ssh("ssh, tuned", self, tuned, dict(os.environ, LD_PRELOAD=str(library))))
        else:
            print("no C compiler: ssh is tuned without TCP_NODELAY and TCP_QUICKACK", file=sys.stderr)
            ways.append(Ssh("ssh, tuned", self, tuned))
        ways.append(Fleet(self, self.arguments.fleet))
        if self.arguments.playbooks:
            ways += [Ansible(self), Pyinfra(self)]
        return ways

    def measure(self, way, job, column=None):
        wall, cpu = run_all(getattr(way, job)(), self.work)
        column = column or job
        self.times.setdefault((way.name, column), []).append((wall, cpu / len(self.servers)))
        print(f"  {way.name:<12} {column:<12} {wall:7.3f} s", file=sys.stderr, flush=True)

    def reset(self, job):
        self.lab("reset", *[server.name for server in self.servers])
        # The directory that all sites share, so that nobody has to make it, and what starts late has started.
        for server in self.servers:
            self.lab("shell", server.name, "mkdir -p /srv/www /var/log/nginx/fleet")
        if job == "mixed":
            self.set_up()
        time.sleep(1)

    def set_up(self):
        """The roles that the mixed work needs, for all ways the same."""
        environment = dict(os.environ, FLEET_INVENTORY=str(self.work / "inventory.toml"), HOME=str(self.work))
        environment["FLEET_STATE"] = str(self.work / "set-up.db")
        roles = ("--role", "web", "--role", "dns", "--role", "database")
        begun = [
            subprocess.Popen(
                [self.arguments.fleet, "setup-server", server.name, *roles, "--quiet"],
                env=environment,
                stdout=subprocess.DEVNULL,
            )
            for server in self.servers
        ]
        if any([child.wait() for child in begun]):
            raise Failure("a server could not be set up")

    def check(self, job):
        """The sites are served, and with the mixed work the zones are too: the first and the last of each server."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for server in self.servers:
            for site in (self.sites[server.name][0], self.sites[server.name][-1]):
                request = urllib.request.Request(f"http://{server.address}/", headers={"Host": site.domain})
                with opener.open(request, timeout=10) as answer:
                    if f"<h1>{site.domain}" not in answer.read().decode():
                        raise Failure(f"{site.domain} is not served by {server.name}")
            if job == "mixed":
                zone = self.mixed[server.name].zones[-1].name
                if "192.0.2.1" not in self.lab("shell", server.name, f"dig +short @127.0.0.1 www.{zone}"):
                    raise Failure(f"{zone} is not served by {server.name}")

    def run(self):
        wanted = self.arguments.jobs.split(",")
        ways = self.ways()
        try:
            if {"nothing", "health"} & set(wanted):
                self.reset("sites")
            for way in ways:
                way.prepare()
                if "sites" in wanted:
                    way.stage_one()
            for job in ("nothing", "health"):
                if job in wanted:
                    self.compare_quick(ways, job)
            for job in ("sites", "mixed"):
                if job in wanted:
                    self.compare_work(ways, job)
            columns = [column for job in wanted for column in JOBS.get(job, ())]
            if self.arguments.addresses:
                # The firewalls of the mixed work let nobody else in.
                self.reset("sites")
            for count in self.arguments.addresses:
                self.sweep(ways, count)
                columns.append(f"sweep of {count}")
        finally:
            for way in ways:
                way.close()
        self.report(ways, columns)

    def compare_quick(self, ways, job):
        # The first is not counted: caches, keys that are tried.
        for way in ways:
            run_all(getattr(way, job)(), self.work)
        for _ in range(self.arguments.runs):
            for way in ways:
                self.measure(way, job)

    def compare_work(self, ways, job):
        for number in range(min(self.arguments.runs, self.arguments.work_runs)):
            for way in ways:
                if way.name in ("ansible", "pyinfra") and number >= self.arguments.playbook_runs:
                    continue
                self.reset(job)
                way.stage(job)
                self.measure(way, job)
                self.check(job)
                self.measure(way, JOBS[job][1])

    def sweep(self, ways, count):
        """Health of so many addresses, each of which is one of a lab server's."""
        keys = {}
        for line in (LAB / "known_hosts").read_text().splitlines():
            names, key = line.split(maxsplit=1)
            for name in names.split(","):
                keys.setdefault(name, []).append(key)
        bridge = "10.84.0.1/16"
        subprocess.run(["ip", "address", "add", bridge, "dev", "fleetlab0"], check=True)
        servers, known = [], []
        try:
            for server in self.servers:
                own = range(self.servers.index(server), count, len(self.servers))
                addresses = [f"10.84.{1 + index // 200}.{1 + index % 200}" for index in own]
                commands = "; ".join(f"ip address add {address}/16 dev host0" for address in addresses)
                self.lab("shell", server.name, f"{commands}; {MANY}")
                servers += [Server(f"sweep-{index}", address) for index, address in zip(own, addresses)]
                known += [f"{address} {key}\n" for address in addresses for key in keys[server.address]]
            known_hosts = self.work / "known_hosts"
            known_hosts.write_text("".join(known))
            before, self.servers = self.servers, servers
            try:
                self.write_settings(servers, known_hosts)
                swept = [way for way in ways if way.name in ("ssh", "ssh, tuned", "fleet")]
                for way in swept:
                    if way.name == "fleet":
                        way.look()
                    run_all(way.health(), self.work)
                for _ in range(self.arguments.runs):
                    for way in swept:
                        self.measure(way, "health", f"sweep of {count}")
            finally:
                self.servers = before
                self.write_settings(before, LAB / "known_hosts")
        finally:
            for server in self.servers:
                self.lab("shell", server.name, f"ip address flush dev host0 to 10.84.0.0/16; {NOT_MANY}")
            subprocess.run(["ip", "address", "delete", bridge, "dev", "fleetlab0"], check=True)

    def report(self, ways, columns):
        def cell(way, job):
            measured = self.times.get((way.name, job))
            if not measured:
                return "-"
            wall = statistics.median(wall for wall, _ in measured)
            cpu = statistics.median(cpu for _, cpu in measured)
            fleet = statistics.median(wall for wall, _ in self.times["fleet", job])
            return f"{wall:.2f} s, {wall / fleet:.2f}x, {cpu * 1000:.1f} ms"

        names = ["", *(column.replace("_", ", ") for column in columns)]
        rows = [[way.name, *(cell(way, column) for column in columns)] for way in ways]
        widths = [max(len(row[i]) for row in [names, *rows]) for i in range(len(names))]
        print(
            f"{len(self.servers)} servers at once, {self.arguments.sites} websites on each; medians of {self.arguments.runs} runs "
            f"({min(self.arguments.runs, self.arguments.work_runs)} for the work); whole process, times fleet's, client CPU per "
            f"server.\nLoad of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.\n"
        )
        for row in [names, ["-" * width for width in widths], *rows]:
            print("| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |")


def main():
    parser = argparse.ArgumentParser(
        prog="python3 benches/compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=6, help="lab servers to bring up [6]")
    parser.add_argument("--use", help="take these servers of a lab that is up, `lab-1,lab-2`; their disks are RESET")
    parser.add_argument("--jobs", default="nothing,health,sites,mixed", help="[nothing,health,sites,mixed]")
    parser.add_argument("--sites", type=int, default=20, help="websites on each server [20]")
    parser.add_argument(
        "--addresses", type=lambda text: [int(n) for n in text.split(",")], default=[], help="sweeps of so many, `60,200`"
    )
    parser.add_argument("--runs", type=int, default=9, help="rounds for nothing, health and sweeps [9]")
    parser.add_argument("--work-runs", type=int, default=5, help="rounds for sites and mixed [5]")
    parser.add_argument("--playbooks", action="store_true", help="also Ansible and pyinfra, installed with pip for this run")
    parser.add_argument("--playbook-runs", type=int, default=1, help="their rounds for the work, which take minutes [1]")
    parser.add_argument("--fleet", type=Path, help="the program [built by `cargo build --release`]")
    parser.add_argument("--limit", type=int, default=1800, help="seconds after which it gives up [1800]")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise Failure("the lab needs root")
    was_up = Path(f"/sys/class/net/fleetlab{NUMBER - 1}").exists()
    if not arguments.fleet:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        arguments.fleet = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/fleet"
    arguments.fleet = arguments.fleet.resolve()

    def give_up(*_):
        raise Failure(f"not done after {arguments.limit} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(arguments.limit)
    # The servers are shared with the tests: one at a time.
    with open(f"/run/{SELF}.tests.lock", "a") as lock, tempfile.TemporaryDirectory(prefix="fleet-compare-") as work:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            Bench(arguments, Path(work)).run()
        finally:
            signal.alarm(0)
            if not was_up and not arguments.keep:
                quietly([ROOT / "tests/lab/lab", "down"])


if __name__ == "__main__":
    try:
        main()
    except (Failure, KeyboardInterrupt) as failure:
        sys.exit(f"error: {failure or 'interrupted'}")
