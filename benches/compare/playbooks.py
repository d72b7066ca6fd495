"""The playbook tools: Ansible and pyinfra, each in a virtual environment of its own, tuned as far as their options go."""

import json
import os
import subprocess
import sys

from processes import Process, quietly, run_all
from work import PASSWORD, ZONES


def sql_of(zone):
    """Makes a zone, and the question that shows whether it is there as it should be."""
    values = ";".join(sorted(f"{name}|{rtype}|{value}" for name, rtype, value in zone.records()))
    records = "".join(
        "insert into records (domain_id, name, type, content, ttl, disabled, auth) "
        f"select id, '{name}', '{rtype}', '{value}', 3600, 0, 1 from domains where name = '{zone.name}';"
        for name, rtype, value in zone.records()
    )
    return {
        "name": zone.name,
        "wanted": values,
        "ask": "select group_concat(line, ';') from (select r.name||'|'||r.type||'|'||r.content as line from records r "
        f"join domains d on d.id = r.domain_id where d.name = '{zone.name}' order by 1)",
        "write": f"begin immediate; insert or ignore into domains (name, type) values ('{zone.name}', 'NATIVE'); "
        f"delete from records where domain_id in (select id from domains where name = '{zone.name}');{records} commit;",
    }


class Ansible:
    """Ansible, tuned."""

    name = "ansible"

    def __init__(self, bench):
        self.bench = bench
        venv = bench.work / "venv"
        quietly([sys.executable, "-m", "venv", venv])
        quietly([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "ansible-core"])
        self.bin = venv / "bin"
        forks = len(bench.servers)
        (bench.work / "ansible.cfg").write_text(f"""[defaults]
inventory = {bench.work}/hosts
forks = {forks}
gathering = explicit
strategy = free
host_key_checking = true
interpreter_python = /usr/bin/python3
retry_files_enabled = false
local_tmp = {bench.work}/ansible-tmp
[ssh_connection]
pipelining = true
ssh_args = -F {bench.ssh_config} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {bench.work}/cp
""")
        (bench.work / "hosts").write_text("".join(f"{server.name}\n" for server in bench.servers))
        (bench.work / "host_vars").mkdir()
        for server in bench.servers:
            self.write_variables(server)
        (bench.work / "sites.yml").write_text(SITES + HANDLERS)
        (bench.work / "mixed.yml").write_text(SITES + OTHERS + HANDLERS)
        self.environment = dict(os.environ, ANSIBLE_CONFIG=str(bench.work / "ansible.cfg"), HOME=str(bench.work))

    def write_variables(self, server):
        mixed = self.bench.mixed[server.name]
        sites = mixed.sites
        value = {
            "zones": [sql_of(zone) for zone in mixed.zones],
            "databases": [database.name for database in mixed.databases],
            "password": PASSWORD,
            "store": ZONES,
            "crons": [{"path": f"/etc/cron.d/hand-{cron.name}", "text": cron.text()} for cron in mixed.crons],
            "ruleset": mixed.ruleset(),
            "users": [{"name": site.user, "home": site.home} for site in sites],
            "directories": [
                dict(zip(("path", "mode", "owner", "group"), (path, "0" + mode, owner, group)))
                for site in sites
                for path, mode, owner, group in site.directories()
            ],
            "files": [
                {"path": f"{where}/{name}", "text": "{% raw %}" + text + "{% endraw %}"}
                for site in sites
                for where, name, text in site.files()
            ],
        }
        (self.bench.work / "host_vars" / server.name).write_text(json.dumps(value))

    def measured(self, *words):
        program = self.bin / words[0]
        return [Process([program, *words[1:]], environment=self.environment)]

    def prepare(self):
        """ControlPersist has its connections open when a person runs it again; so they are here."""
        run_all(self.nothing(), self.bench.work)

    def stage_one(self):
        pass

    def stage(self, job="sites"):
        self.close()
        self.prepare()

    def nothing(self):
        return self.measured("ansible", "all", "-m", "ansible.builtin.raw", "-a", "true")

    def health(self):
        return self.measured("ansible", "all", "-m", "ansible.builtin.setup")

    def sites(self):
        return self.measured("ansible-playbook", self.bench.work / "sites.yml")

    again = sites

    def mixed(self):
        return self.measured("ansible-playbook", self.bench.work / "mixed.yml")

    mixed_again = mixed

    def close(self):
        for socket in (self.bench.work / "cp").glob("*"):
            subprocess.run(
                ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "x"], stderr=subprocess.DEVNULL, check=False
            )


SITES = """
- hosts: all
  tasks:
    - ansible.builtin.user:
        name: "{{ item.name }}"
        home: "{{ item.home }}"
        shell: /usr/sbin/nologin
        system: true
        create_home: false
      loop: "{{ users }}"
    - ansible.builtin.file:
        path: "{{ item.path }}"
        state: directory
        mode: "{{ item.mode }}"
        owner: "{{ item.owner }}"
        group: "{{ item.group }}"
      loop: "{{ directories }}"
    - ansible.builtin.copy:
        dest: "{{ item.path }}"
        content: "{{ item.text }}"
        mode: "0644"
      loop: "{{ files }}"
      notify: reload
"""

# What differs is found out with one command for each zone and database: kinder to Ansible than its modules, which connect
# several times for each.
OTHERS = """    - ansible.builtin.shell: >-
        [ "$(sqlite3 {{ store }} "{{ item.ask }}")" = "{{ item.wanted }}" ] ||
        { sqlite3 -bail {{ store }} "{{ item.write }}" && pdns_control rediscover && pdns_control purge && echo changed; }
      loop: "{{ zones }}"
      register: zone
      changed_when: "'changed' in zone.stdout"
    - ansible.builtin.command:
        cmd: mariadb
        stdin: |
          CREATE DATABASE IF NOT EXISTS `{{ item }}`;
          CREATE USER IF NOT EXISTS '{{ item }}'@'localhost' IDENTIFIED BY '{{ password }}';
          GRANT ALL ON `{{ item }}`.* TO '{{ item }}'@'localhost';
      changed_when: false
      loop: "{{ databases }}"
    - ansible.builtin.copy:
        dest: "{{ item.path }}"
        content: "{{ item.text }}"
        mode: "0644"
      loop: "{{ crons }}"
    - ansible.builtin.copy:
        dest: /etc/nftables.hand
        content: "{{ ruleset }}"
        mode: "0600"
      notify: firewall
"""
HANDLERS = """  handlers:
    - name: reload
      ansible.builtin.command: sh -c 'nginx -t -q && systemctl reload nginx'
    - name: firewall
      ansible.builtin.command: nft -f /etc/nftables.hand
"""

# What pyinfra runs on each server; its data is the file that is named on the command line.
DEPLOY = """
import json
from io import StringIO
from pyinfra import host
from pyinfra.operations import files, mysql, server

data = json.load(open(f"DIRECTORY/{host.name}.json"))
for user in data["users"]:
    server.user(user=user["name"], home=user["home"], shell="/usr/sbin/nologin", system=True, create_home=False)
for entry in data["directories"]:
    files.directory(path=entry["path"], mode=entry["mode"], user=entry["owner"], group=entry["group"])
changed = []
for entry in data["files"]:
    changed.append(files.put(src=StringIO(entry["plain"]), dest=entry["path"], mode="644"))
server.shell(commands=["nginx -t -q && systemctl reload nginx"], _if=lambda: any(op.did_change() for op in changed))
if host.data.get("mixed"):
    for zone in data["zones"]:
        server.shell(commands=[
            "[ \\"$(sqlite3 STORE \\"" + zone["ask"] + "\\")\\" = \\"" + zone["wanted"] + "\\" ] || { sqlite3 -bail STORE \\""
            + zone["write"] + "\\" && pdns_control rediscover && pdns_control purge; }"])
    for name in data["databases"]:
        mysql.database(database=name)
        mysql.user(user=name, password=data["password"])
        mysql.privileges(user=name, privileges=["ALL PRIVILEGES"], database=name)
    for entry in data["crons"]:
        files.put(src=StringIO(entry["text"]), dest=entry["path"], mode="644")
    rules = files.put(src=StringIO(data["ruleset"]), dest="/etc/nftables.hand", mode="600")
    server.shell(commands=["nft -f /etc/nftables.hand"], _if=rules.did_change)
"""


class Pyinfra:
    """pyinfra, through its own SSH connections."""

    name = "pyinfra"

    def __init__(self, bench):
        self.bench = bench
        venv = bench.work / "venv-pyinfra"
        quietly([sys.executable, "-m", "venv", venv])
        quietly([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "pyinfra"])
        self.program = venv / "bin/pyinfra"
        data = bench.work / "pyinfra-data"
        data.mkdir()
        for server in bench.servers:
            value = json.loads((bench.work / "host_vars" / server.name).read_text())
            for file, entry in zip(value["files"], [f for s in bench.mixed[server.name].sites for f in s.files()]):
                file["plain"] = entry[2]
            (data / f"{server.name}.json").write_text(json.dumps(value))
        deploy = DEPLOY.replace("DIRECTORY", str(data)).replace("STORE", ZONES)
        (bench.work / "deploy.py").write_text(deploy)
        for name, extra in (("sites", {}), ("mixed", {"mixed": True})):
            settings = {"ssh_user": "root", "ssh_key": str(bench.key), "ssh_config_file": str(bench.ssh_config), **extra}
            hosts = [(server.name, settings) for server in bench.servers]
            (bench.work / f"hosts_{name}.py").write_text(f"servers = {hosts!r}\n")

    def measured(self, job, *words):
        environment = dict(os.environ, HOME=str(self.bench.work))
        return [Process([self.program, "-y", self.bench.work / f"hosts_{job}.py", *words], environment=environment)]

    def prepare(self):
        pass

    def stage_one(self):
        pass

    def stage(self, job="sites"):
        pass

    def nothing(self):
        return self.measured("sites", "exec", "--", "true")

    def health(self):
        return self.measured("sites", "fact", "server.Kernel", "server.Mounts", "server.LinuxDistribution")

    def sites(self):
        return self.measured("sites", self.bench.work / "deploy.py")

    again = sites

    def mixed(self):
        return self.measured("mixed", self.bench.work / "deploy.py")

    mixed_again = mixed

    def close(self):
        pass
