"""What is put on the servers, as a person would set it up by hand."""

from hashlib import sha256
from shlex import quote

# Where a server with the role dns keeps its zones.
ZONES = "/var/lib/powerdns/pdns.sqlite3"
# The password of the databases' users.
PASSWORD = "benchmark-Password-1"


def verifier(password):
    """What `mysql_native_password` keeps of a password: SHA-1 of its SHA-1."""
    from hashlib import sha1

    return "*" + sha1(sha1(password.encode()).digest()).hexdigest().upper()


class Server:
    """A lab server."""

    def __init__(self, name, address):
        self.name, self.address = name, address


class Site:
    """A static website with what fleet makes for one."""

    def __init__(self, server, number):
        self.domain = f"{server.name}-{number}.example.com"
        self.user = f"w_{server.name}_{number}"
        self.home = f"/srv/www/{self.domain}"
        self.logs = f"/var/log/nginx/fleet/{self.domain}"

    def directories(self):
        """Path, mode, owner and group."""
        return [
            (self.home, "750", self.user, "www-data"),
            (f"{self.home}/public", "755", self.user, self.user),
            (self.logs, "750", "root", "www-data"),
        ]

    def files(self):
        """Directory, name and text."""
        vhost = f"""server {{
    listen 80;
    listen [::]:80;
    server_name {self.domain};
    access_log {self.logs}/access.log combined;
    error_log {self.logs}/error.log;
    client_max_body_size 64M;
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_comp_level 5;
    gzip_min_length 256;
    gzip_types text/plain text/css text/xml text/javascript application/javascript application/json image/svg+xml;
    root {self.home}/public;
    disable_symlinks if_not_owner from={self.home};
    absolute_redirect off;
    index index.html;
    location ~ "/\\.(?!well-known(?:/|$))" {{
        return 404;
    }}
    location / {{
        try_files $uri $uri/ =404;
    }}
}}
"""
        logrotate = f"""{self.logs}/*.log {{
    daily
    rotate 14
    missingok
    notifempty
    compress
    delaycompress
    create 0640 www-data adm
    sharedscripts
    postrotate
        [ ! -f /run/nginx.pid ] || kill -USR1 "$(cat /run/nginx.pid)"
    endscript
}}
"""
        page = f"<!doctype html>\n<title>{self.domain}</title>\n<h1>{self.domain}</h1>\n"
        return [
            ("/etc/nginx/conf.d", f"fleet-{self.domain}.conf", vhost),
            ("/etc/logrotate.d", f"fleet-{self.domain}", logrotate),
            (f"{self.home}/public", "index.html", page),
        ]


class Zone:
    """A DNS zone as fleet's default template makes it."""

    def __init__(self, server, number):
        self.name = f"{server.name}-{number}.example.org"

    def records(self):
        """Name, type and value."""
        soa = f"ns1.example.net. hostmaster.{self.name}. 1 10800 3600 604800 3600"
        return [
            (self.name, "SOA", soa),
            (self.name, "NS", "ns1.example.net"),
            (self.name, "A", "192.0.2.1"),
            (f"www.{self.name}", "CNAME", self.name),
        ]


class Database:
    """A MariaDB database with its user."""

    def __init__(self, server, number):
        self.name = f"{server.name}_{number}".replace("-", "_")


class Cron:
    """A cron job."""

    def __init__(self, server, number):
        self.name = f"{server.name}-{number}"
        self.minute = number % 60

    def text(self):
        return f"{self.minute} 3 * * * root true\n"


class Mixed:
    """All that is put on one server: 20 websites, 10 zones, 10 databases with users, 10 cron jobs, 20 firewall rules."""

    def __init__(self, server, sites):
        self.sites = sites
        self.zones = [Zone(server, number) for number in range(1, 11)]
        self.databases = [Database(server, number) for number in range(1, 11)]
        self.crons = [Cron(server, number) for number in range(1, 11)]
        self.ports = range(10001, 10021)

    def ruleset(self):
        """The firewall: SSH and the services stay open."""
        rules = "".join(f"        tcp dport {port} counter accept\n" for port in self.ports)
        return f"""table inet hand
delete table inet hand
table inet hand {{
    chain input {{
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto {{ icmp, ipv6-icmp }} accept
        tcp dport {{ 22, 53, 80, 443 }} accept
        udp dport 53 accept
{rules}    }}
}}
"""


def script_by_hand(sites):
    """One idempotent script for all sites of a server: looks at everything in batches, and makes what is missing."""
    users = " ".join(site.user for site in sites)
    directories = [entry for site in sites for entry in site.directories()]
    files = [entry for site in sites for entry in site.files()]
    sums = "".join(f"{sha256(text.encode()).hexdigest()}  {where}/{name}\n" for where, name, text in files)
    out = ["set -eu", "umask 022", "export LC_ALL=C"]
    out += [f"getent passwd {users} >/dev/null || systemd-sysusers - <<'END'"]
    out += [f'u {site.user} - "site {site.domain}" {site.home} /usr/sbin/nologin' for site in sites] + ["END"]
    wanted = "\n".join(f"{path} {mode} {owner}:{group}" for path, mode, owner, group in directories)
    paths = " ".join(path for path, *_ in directories)
    out += [f"if [ \"$(stat -c '%n %a %U:%G' {paths} 2>/dev/null)\" != {quote(wanted)} ]; then", f"mkdir -p {paths}"]
    by_mode = {}
    for path, mode, owner, group in directories:
        by_mode.setdefault(mode, []).append(path)
        out += [f"chown {owner}:{group} {path}"]
    out += [f"chmod {mode} {' '.join(paths)}" for mode, paths in by_mode.items()] + ["fi"]
    out += [f"if ! sha256sum --check --status 2>/dev/null <<'END'\n{sums}END", "then", "rm -rf /root/new", "mkdir /root/new"]
    by_directory = {}
    for number, (where, name, text) in enumerate(files):
        staged = f"/root/new/{number}"
        out += [f"mkdir {staged}", f"printf %s {quote(text)} >{staged}/{name}"]
        by_directory.setdefault(where, []).append(f"{staged}/{name}")
    out += [f"mv -t {where} {' '.join(new)}" for where, new in by_directory.items()]
    urls = " ".join(f"http://{site.domain}/" for site in sites)
    out += [
        "rm -rf /root/new",
        "nginx -t -q",
        "systemctl reload nginx",
        # The old workers answer for a moment after the reload.
        "tries=0",
        f"until [ \"$(curl -q -s -m 10 --resolve '*:80:127.0.0.1' {urls} | grep -c '<h1>.*example.com')\" -eq {len(sites)} ]; do",
        "tries=$((tries + 1))",
        "[ $tries -lt 100 ]",
        "sleep 0.02",
        "done",
        "fi",
    ]
    return "\n".join(out).encode() + b"\n"


def mixed_by_hand(mixed):
    """One idempotent script for everything on a server: each service is asked once, and told once when it differs."""
    out = [script_by_hand(mixed.sites).decode()]
    # Zones: what is there is read in one go, and written in one transaction.
    wanted = [record for zone in mixed.zones for record in zone.records()]
    names = ",".join(f"'{zone.name}'" for zone in mixed.zones)
    ask = (
        "select r.name||'|'||r.type||'|'||r.content from records r join domains d on d.id=r.domain_id "
        f"where d.name in ({names}) order by 1;"
    )
    shown = "\n".join(sorted(f"{name}|{rtype}|{value}" for name, rtype, value in wanted))
    write = [f"begin immediate; delete from records where domain_id in (select id from domains where name in ({names}));"]
    for zone in mixed.zones:
        write.append(f"insert or ignore into domains (name, type) values ('{zone.name}', 'NATIVE');")
        write += [
            "insert into records (domain_id, name, type, content, ttl, disabled, auth) "
            f"select id, '{name}', '{rtype}', '{value}', 3600, 0, 1 from domains where name = '{zone.name}';"
            for name, rtype, value in zone.records()
        ]
    write.append("commit;")
    out += [
        f"if [ \"$(sqlite3 {ZONES} {quote(ask)})\" != {quote(shown)} ]; then",
        f"sqlite3 -bail {ZONES} {quote(chr(10).join(write))}",
        "pdns_control rediscover >/dev/null",
        "pdns_control purge >/dev/null",
        "fi",
    ]
    # Databases: statements that do nothing where it is there, in one session.
    statements = []
    for database in mixed.databases:
        name = database.name
        statements += [
            f"CREATE DATABASE IF NOT EXISTS `{name}`;",
            f"CREATE USER IF NOT EXISTS '{name}'@'localhost' IDENTIFIED BY PASSWORD '{verifier(PASSWORD)}';",
            f"GRANT ALL ON `{name}`.* TO '{name}'@'localhost';",
        ]
    out += [f"mariadb <<'END'\n{chr(10).join(statements)}\nEND"]
    # Cron jobs and the ruleset: files that are compared by their sums.
    files = [(f"/etc/cron.d/hand-{cron.name}", cron.text()) for cron in mixed.crons]
    files.append(("/etc/nftables.hand", mixed.ruleset()))
    sums = "".join(f"{sha256(text.encode()).hexdigest()}  {path}\n" for path, text in files)
    out += [f"if ! sha256sum --check --status 2>/dev/null <<'END'\n{sums}END", "then"]
    out += [f"printf %s {quote(text)} >{path}" for path, text in files]
    out += ["fi", "nft list table inet hand >/dev/null 2>&1 || nft -f /etc/nftables.hand"]
    return "\n".join(out).encode() + b"\n"
