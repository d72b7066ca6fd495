"""The ways to do it that need nothing but what is there: OpenSSH and fleet."""

import os
import shutil
import subprocess
from pathlib import Path

from processes import Process, quietly
from work import mixed_by_hand, script_by_hand

ROOT = Path(__file__).resolve().parent.parent.parent

# Forces what OpenSSH has no options for. Quick acknowledgements are not a lasting setting of a socket (tcp(7)), so they
# are asked for before each wait and after each read.
TUNING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
static void on(int fd, int option) { int one = 1; setsockopt(fd, IPPROTO_TCP, option, &one, sizeof one); }
int connect(int fd, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    on(fd, TCP_NODELAY);
    return next(fd, address, length);
}
int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    int (*next)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *) = dlsym(RTLD_NEXT, "ppoll");
    for (nfds_t i = 0; i < count; i++) if (fds[i].fd > 2) on(fds[i].fd, TCP_QUICKACK);
    return next(fds, count, timeout, mask);
}
int poll(struct pollfd *fds, nfds_t count, int timeout) {
    int (*next)(struct pollfd *, nfds_t, int) = dlsym(RTLD_NEXT, "poll");
    for (nfds_t i = 0; i < count; i++) if (fds[i].fd > 2) on(fds[i].fd, TCP_QUICKACK);
    return next(fds, count, timeout);
}
ssize_t read(int fd, void *buffer, size_t size) {
    ssize_t (*next)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
    ssize_t got = next(fd, buffer, size);
    if (fd > 2) on(fd, TCP_QUICKACK);
    return got;
}
"""
class Ssh:
    """One OpenSSH process per server."""

    def __init__(self, name, bench, options=(), environment=None):
        self.name, self.bench, self.options, self.environment = name, bench, list(options), environment

    def command(self, server, *words):
        return ["ssh", "-F", self.bench.ssh_config, *self.options, server.name, *words]

    def everywhere(self, words, stdin):
        return [
            Process(self.command(server, *words), stdin(server), self.environment) for server in self.bench.servers
        ]

    def prepare(self):
        pass

    def stage_one(self):
        pass

    def stage(self, job="sites"):
        self.prepare()

    def nothing(self):
        return self.everywhere(["true"], lambda _: b"")

    def health(self):
        probe = (ROOT / "src/health/probe.sh").read_bytes()
        return self.everywhere(["sh", "-s"], lambda _: probe)

    def sites(self):
        return self.everywhere(["sh", "-s"], lambda server: script_by_hand(self.bench.sites[server.name]))

    again = sites

    def mixed(self):
        return self.everywhere(["sh", "-s"], lambda server: mixed_by_hand(self.bench.mixed[server.name]))

    mixed_again = mixed

    def close(self):
        pass


class SshMaster(Ssh):
    """The same through connections that are open already."""

    def __init__(self, bench):
        super().__init__("ssh, master", bench, ["-o", f"ControlPath={bench.work}/master-%n"])

    def prepare(self):
        self.close()
        for server in self.bench.servers:
            quietly(["ssh", "-F", self.bench.ssh_config, "-fNM", *self.options, server.name])

    def close(self):
        for server in self.bench.servers:
            subprocess.run(
                [str(word) for word in self.command(server, "-O", "exit")], stderr=subprocess.DEVNULL, check=False
            )


class Fleet:
    """fleet itself, with its state in the work directory."""

    name = "fleet"

    def __init__(self, bench, program):
        self.bench, self.program = bench, program
        self.state = bench.work / "state.db"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(bench.work),
            "FLEET_INVENTORY": str(bench.work / "inventory.toml"),
            "FLEET_STATE": str(self.state),
            "FLEET_KEY_FILE": str(bench.work / "key"),
            "FLEET_OPERATOR": "bench",
        }

    def fleet(self, *words):
        return quietly([self.program, *words], env=self.environment)

    def measured(self, *words, codes=(0,)):
        return [Process([self.program, *words], environment=self.environment, codes=codes)]

    def look(self):
        """What a server is and has is known before something is put there."""
        self.forget()
        subprocess.run([self.program, "health", "-q"], env=self.environment, stdout=subprocess.DEVNULL, check=False)

    def record(self, sites):
        """A state database with these sites on record and none applied."""
        self.look()
        for server in self.bench.servers:
            for site in sites[server.name]:
                self.fleet("add-site", site.domain, "--server", server.name, "--stage", "--force")

    def forget(self):
        for file in self.bench.work.glob("state.db*"):
            file.unlink()

    def prepare(self):
        pass

    def stage_one(self):
        self.record({server.name: self.bench.sites[server.name][:1] for server in self.bench.servers})
        self.fleet("apply")

    def stage(self, job="sites"):
        template = self.bench.work / f"staged-{job}"
        if not template.exists():
            if job == "sites":
                self.record(self.bench.sites)
            else:
                self.record_mixed()
            template.mkdir()
            for file in self.bench.work.glob("state.db*"):
                shutil.copy(file, template / file.name)
        self.forget()
        for file in template.iterdir():
            shutil.copy(file, self.bench.work / file.name)

    def record_mixed(self):
        """The same with everything."""
        self.record({name: mixed.sites for name, mixed in self.bench.mixed.items()})
        for server in self.bench.servers:
            mixed, here = self.bench.mixed[server.name], ("--server", server.name, "--stage")
            for zone in mixed.zones:
                about = ("--template", "default", "--address", "192.0.2.1", "--ns", "ns1.example.net")
                self.fleet("add-zone", zone.name, *about, *here)
            for database in mixed.databases:
                # Its owner comes with it.
                self.fleet("add-database", database.name, "--engine", "mariadb", *here)
            for cron in mixed.crons:
                self.fleet("add-cron", cron.name, "--schedule", f"{cron.minute} 3 * * *", "--command", "true", *here)
            for port in mixed.ports:
                name = f"{server.name}-{port}"
                self.fleet("add-rule", name, "--allow", "--port", port, "--on", server.name, "--stage")
            # Closed otherwise, once the firewall is on.
            self.fleet("add-rule", f"{server.name}-web", "--allow", "--port", "80,443", "--on", server.name, "--stage")
            self.fleet("enable-firewall", server.name, "--stage")

    def nothing(self):
        return self.measured("run", "-q", "--", "true")

    def health(self):
        # 5: a server is not quite well, for example because this comparison keeps it busy.
        return self.measured("health", codes=(0, 5))

    def sites(self):
        return self.measured("apply")

    again = mixed = mixed_again = sites

    def close(self):
        pass
