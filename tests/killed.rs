//! The state database when the real binary is killed at any moment, has no room, or finds its state damaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/chance.rs"]
mod chance;
#[path = "support/environment.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod environment;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use chance::Chance;
use environment::Environment;
use fleet::state::{State, backups, examine};

/// This machine, and two servers that nobody reaches.
const INVENTORY: &str = r#"
[settings]
state = "fleet.db"
connect_timeout = "1s"
[servers.here]
transport = "local"
[servers.sg-1]
address = "192.0.2.1"
[servers.sg-2]
address = "192.0.2.2"
"#;

fn environment() -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", INVENTORY);
    environment
}

fn stage(environment: &Environment, line: &str) -> environment::Outcome {
    environment.fleet(line.split_whitespace())
}

/// The sites on record, each with the servers it is on.
fn sites(environment: &Environment) -> Vec<(String, usize)> {
    let listed = environment.fleet(["list-sites", "--json"]).expect(0).json();
    let sites = listed["sites"].as_array().unwrap().iter();
    sites
        .map(|site| {
            let placements = site["placements"].as_array().unwrap();
            (site["name"].as_str().unwrap().to_owned(), placements.len())
        })
        .collect()
}

#[test]
fn a_command_killed_at_any_moment_is_done_or_never_was() {
    let seed = Chance::seed_of("FLEET_TEST_SEED");
    let mut chance = Chance::new(seed);
    let environment = environment();
    let path = environment.path().join("fleet.db");
    let began = Instant::now();
    stage(&environment, "add-site first.example --server sg-1 --stage").expect(0);
    // How long one takes, for moments that are spread over all of it.
    let usual = began.elapsed() * 5 / 4;
    let (mut there, mut gone) = (
        BTreeSet::from(["first.example".to_owned()]),
        BTreeSet::new(),
    );
    let mut killed = 0;
    for number in 0..30 {
        let known: Vec<String> = there.iter().cloned().collect();
        let (line, name) = match chance.below(6) {
            0 | 1 => {
                let name = format!("s{number}.example");
                let server = chance.one_of(&["sg-1", "sg-2"]);
                (format!("add-site {name} --server {server} --stage"), name)
            }
            2 if known.len() > 1 => {
                let name = chance.one_of(&known);
                (format!("remove-site {name} --stage --yes"), name)
            }
            3 => {
                let name = chance.one_of(&known);
                (format!("set-site {name} --cache {number}d --stage"), name)
            }
            4 => ("health --server here".to_owned(), String::new()),
            _ => (format!("cordon sg-1 --reason r{number}"), String::new()),
        };
        let mut child = environment
            .command(line.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(chance.time(usual));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += usize::from(!status.success());
        let context = format!("seed {seed}, number {number}, `{line}`, {status}");

        assert_eq!(examine(&path), Ok(Vec::new()), "{context}");
        let now: BTreeSet<String> = sites(&environment)
            .into_iter()
            .map(|(name, servers)| {
                assert_eq!(servers, 1, "{name} after {context}");
                name
            })
            .collect();
        // What ended well is on record; what did not may be.
        if line.starts_with("add") {
            assert!(!status.success() || now.contains(&name), "{context}");
            there.extend(now.contains(&name).then_some(name));
        } else if line.starts_with("remove") {
            // Until an apply the site is still listed, as leaving.
            gone.insert(name);
        }
        for name in &there {
            assert!(
                now.contains(name) || gone.contains(name),
                "{name} is lost: {context}"
            );
        }
        there.retain(|name| now.contains(name));
    }
    assert!(killed > 0, "seed {seed}: none was killed");
    // Nobody holds a lock, and a command that was killed is told to be so.
    stage(&environment, "add-site last.example --server sg-2 --stage").expect(0);
    let tasks = environment
        .fleet(["list-tasks", "--json", "-n", "100"])
        .expect(0)
        .json();
    let results = tasks["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["result"]);
    assert!(results.clone().any(|result| result == "done"), "{tasks}");
    // Backups that were being made have left nothing that counts as one.
    for backup in backups(&path).unwrap() {
        assert_eq!(backup.fault(), None, "seed {seed}");
    }
}

/// A state that can be read says what is forgotten with it, and it is not gone.
fn expect_forgotten_commands_and_a_way_back(environment: &Environment) {
    stage(environment, "add-site c.example --server sg-1 --stage").expect(0);
    let job = "find tmp -mtime +7 -delete; echo 'it is so'";
    environment
        .fleet([
            "add-cron",
            "tidy",
            "--on",
            "sg-1",
            "--schedule",
            "30 3 * * *",
            "--command",
            job,
            "--stage",
        ])
        .expect(0);
    environment.fleet(["show-site", "c.example"]).expect(0);
    environment.fleet(["apply", "--timeout", "1s", "c.example"]);
    let restored = environment
        .fleet(["restore-backup", "--yes", "--json"])
        .expect(0);
    let value = restored.json();
    let forgotten: Vec<&str> = value["forgotten"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| lost["command"].as_str().unwrap())
        .collect();
    assert_eq!(
        forgotten,
        [
            "fleet add-site c.example --server sg-1 --stage",
            "fleet add-cron tidy --on sg-1 --schedule '30 3 * * *' \
             --command \"find tmp -mtime +7 -delete; echo 'it is so'\" --stage",
        ],
        "what can be pasted, and changed something"
    );
    // That was the wrong way: there is one back.
    let aside = "fleet.db.aside-20260102T030405Z-2";
    assert!(value["aside"].as_str().unwrap().ends_with(aside), "{value}");
    let listed = environment.fleet(["list-backups"]).expect(0);
    assert!(listed.stdout.contains(aside), "{listed}");
    let back = environment
        .fleet(["restore-backup", aside, "--yes"])
        .expect(0);
    assert!(
        back.stderr.contains("goes back to what was there"),
        "{back}"
    );
    assert_eq!(
        sites(environment),
        ["a.example", "c.example"].map(|name| (name.to_owned(), 1))
    );
}

#[test]
fn a_damaged_state_is_told_and_the_last_backup_brought_back() {
    let environment = environment();
    let path = environment.path().join("fleet.db");
    stage(&environment, "add-site a.example --server sg-1 --stage").expect(0);
    stage(&environment, "add-site b.example --server sg-1 --stage").expect(0);
    let listed = environment.fleet(["list-backups"]).expect(0);
    let header = listed.stdout.lines().next().unwrap_or_default();
    let header: Vec<&str> = header.split_whitespace().collect();
    assert_eq!(header, ["BACKUP", "TAKEN", "SIZE", "SOUND"], "{listed}");
    assert!(
        listed.stdout.contains("fleet.db.backup-3-20260102T030405Z"),
        "{listed}"
    );
    let restored = environment.fleet(["restore-backup"]).expect(2);
    assert!(restored.stderr.contains("--yes"), "{restored}");

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let told = environment.fleet(["list-sites"]).expect(1);
    assert!(told.stderr.contains("is damaged"), "{told}");
    assert!(told.stderr.contains("fleet restore-backup"), "{told}");
    let restored = environment.fleet(["restore-backup", "--yes"]).expect(0);
    assert_eq!(
        restored.stdout,
        "the state is that of [TIME] ago again: `fleet.db.backup-3-20260102T030405Z`\n\
         what was there is kept: `fleet.db.aside-20260102T030405Z`\n"
            .replace("[TIME] ago", "just now"),
        "{restored}"
    );
    assert!(
        restored.stderr.contains("could not be read to its end"),
        "{restored}"
    );
    assert!(restored.stderr.contains("--adopt"), "{restored}");
    assert_eq!(
        std::fs::read(environment.path().join("fleet.db.aside-20260102T030405Z")).unwrap(),
        bytes
    );
    assert_eq!(sites(&environment), [("a.example".to_owned(), 1)]);
    let tasks = environment.fleet(["list-tasks", "--json"]).expect(0).json();
    assert_eq!(tasks["tasks"][0]["command"], "restore-backup");
    assert!(tasks["tasks"][0]["id"].as_i64() > Some(1000), "{tasks}");

    expect_forgotten_commands_and_a_way_back(&environment);
    // One that is damaged is named and refused.
    let damaged = environment
        .fleet(["restore-backup", "fleet.db.aside-20260102T030405Z", "--yes"])
        .expect(1);
    assert!(damaged.stderr.contains("is damaged"), "{damaged}");
    std::fs::remove_file(&path).unwrap();
    let gone = environment.fleet(["list-sites"]).expect(1);
    assert!(
        gone.stderr.contains("is gone, and there are backups"),
        "{gone}"
    );
    let gone = stage(&environment, "add-site d.example --server sg-1 --stage").expect(1);
    assert!(gone.stderr.contains("fleet restore-backup"), "{gone}");
    assert!(!path.exists());
}

/// A file system of its own in a directory, unmounted at the end; `None` where mounting is not allowed.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn tmpfs(at: &'a Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(at))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let done = Command::new("mount")
            .args(["-o", &options])
            .arg(self.0)
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_and_one_that_became_read_only_are_told_and_lose_nothing() {
    let environment = environment().with("FLEET_STATE", "disk/fleet.db");
    let disk = environment.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let Some(mount) = Mount::tmpfs(&disk, "size=2m") else {
        return;
    };
    stage(&environment, "add-site a.example --server sg-1 --stage").expect(0);
    let much = "why not ".repeat(15_000);
    environment
        .fleet(["cordon", "sg-2", "--reason", &much])
        .expect(0);
    // An hour later there is room for the change, and none for a backup of it.
    let room = |name: &str, kib: u64| {
        let output = Command::new("df")
            .args(["--output=avail", "-k"])
            .arg(&disk)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let free: u64 = text.lines().nth(1).unwrap().trim().parse().unwrap();
        let fill = vec![0; usize::try_from(free.saturating_sub(kib) * 1024).unwrap()];
        std::fs::write(disk.join(name), fill).unwrap();
    };
    room("fill", 180);
    let later = ["FLEET_TEST_NOW=2026-01-02T05:00:00Z"];
    let mut command = Command::new("env");
    let template = environment.command(["add-site", "b.example", "--server", "sg-1", "--stage"]);
    command
        .args(later)
        .arg(template.get_program())
        .args(template.get_args())
        .current_dir(environment.path());
    for (name, value) in template
        .get_envs()
        .filter(|(name, _)| *name != "FLEET_TEST_NOW")
    {
        command.env(name, value.unwrap());
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no backup of the state file"), "{said}");
    assert!(said.contains("no space is left"), "{said}");
    room("more", 0);
    let full = stage(&environment, "add-site c.example --server sg-1 --stage").expect(1);
    assert!(full.stderr.contains("no space left"), "{full}");
    let names = ["a.example", "b.example"].map(|name| (name.to_owned(), 1));
    for name in ["fill", "more"] {
        std::fs::remove_file(disk.join(name)).unwrap();
    }
    assert_eq!(sites(&environment), names);
    assert_eq!(examine(&disk.join("fleet.db")), Ok(Vec::new()));
    assert_eq!(backups(&disk.join("fleet.db")).unwrap().len(), 1);

    mount.remount("ro");
    let refused = stage(&environment, "add-site c.example --server sg-1 --stage").expect(1);
    assert!(refused.stderr.contains("cannot be written"), "{refused}");
    mount.remount("rw");
    stage(&environment, "add-site c.example --server sg-1 --stage").expect(0);
    let state = State::open_read_only(&disk.join("fleet.db"));
    assert!(state.is_ok());
}
