//! Ring 2 at its size: a thousand servers in this process, of which some stall, cut and lie; and this client's limits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/environment.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod environment;
#[path = "load/measure.rs"]
mod measure;
#[path = "support/played.rs"]
mod played;
#[path = "load/player.rs"]
mod player;
#[path = "support/sshd.rs"]
mod sshd;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use environment::Environment;
use measure::Measured;
use player::{Cache, Ill};
use russh::keys::ssh_key::LineEnding;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::Value;
use sshd::{Sshd, known_hosts_line, new_key};
use tokio::runtime::Runtime;

/// How many servers there are.
const SERVERS: usize = 1000;

/// How many of each kind of illness: together 5 % of them.
const ILL: usize = 10;

/// Memory that the client may take, in KiB.
const MEMORY: u64 = 150 * 1024;

/// The servers, and an environment that knows them: `srv-0000`, and so on. The ill ones are the first.
struct Crowd {
    environment: Environment,
    cache: Arc<Cache>,
    /// What is wrong with each server; nothing for most.
    ill: BTreeMap<String, Ill>,
    _servers: Vec<Sshd>,
    _runtime: Runtime,
}

fn name(number: usize) -> String {
    format!("srv-{number:04}")
}

impl Crowd {
    fn new() -> Self {
        // Here are both ends of each connection, and who listens.
        let mut files = getrlimit(Resource::Nofile);
        let needed = 4 * SERVERS as u64;
        if files.current.is_some_and(|current| current < needed) {
            files.current = Some(needed);
            setrlimit(Resource::Nofile, files).expect("as many files as a thousand servers take");
        }
        let runtime = Runtime::new().unwrap();
        let environment = Environment::new().with("FLEET_STATE", "state.db");
        let cache = Arc::new(Cache::default());
        let mut inventory = "[settings]\nssh_config = false\nparallel = 256\n\n".to_owned();
        let (mut known, mut servers, mut ill) = (String::new(), Vec::new(), BTreeMap::new());
        for number in 0..SERVERS {
            let illness = Ill::ALL.get(number / ILL).copied();
            let server = runtime.block_on(player::start(illness, &cache));
            let port = server.address.port();
            let _ = writeln!(
                inventory,
                "[servers.{}]\naddress = \"127.0.0.1\"\nport = {port}\nuser = \"me\"\nroles = [\"web\"]\n",
                name(number)
            );
            known += &match illness {
                Some(Ill::Impostor) => known_hosts_line(server.address, new_key().public_key()),
                _ => server.known_hosts_line(),
            };
            if let Some(illness) = illness {
                ill.insert(name(number), illness);
            }
            servers.push(server);
        }
        environment.write("inventory.toml", &inventory);
        environment.write("home/.ssh/known_hosts", &known);
        let key = new_key().to_openssh(LineEnding::LF).unwrap();
        let path = environment.write("home/.ssh/id_ed25519", &key);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            environment,
            cache,
            ill,
            _servers: servers,
            _runtime: runtime,
        }
    }

    /// Runs fleet under limits of the shell: `ulimit -Sn 256`.
    fn run(&self, limits: &str, line: &str) -> Measured {
        let words: Vec<&str> = line.split_whitespace().collect();
        measure::run(&self.environment, limits, &words)
    }

    /// A sweep, with a limit for each server; again with more patience where this machine was too slow for the well
    /// ones.
    fn sweep(&self, limits: &str, selection: &str) -> (Measured, Value, Duration) {
        let mut limit = Duration::from_secs(8);
        loop {
            let line = format!("health --json --timeout {}s {selection}", limit.as_secs());
            let measured = self.run(limits, &line);
            let report: Value = serde_json::from_str(&measured.stdout)
                .unwrap_or_else(|error| panic!("{error}: {measured}"));
            let late = self.late(&report);
            if late.is_empty() {
                return (measured, report, limit);
            }
            assert!(limit < Duration::from_secs(60), "late: {late:?}");
            limit *= 4;
        }
    }

    /// The well servers that were not looked at to the end.
    fn late(&self, report: &Value) -> Vec<String> {
        let servers = report["servers"].as_array().unwrap();
        let late = servers.iter().filter(|server| {
            let name = server["name"].as_str().unwrap();
            !self.ill.contains_key(name)
                && !["online", "degraded"].contains(&server["health"].as_str().unwrap())
        });
        late.map(|server| format!("{} {}", server["name"], server["reasons"]))
            .collect()
    }
}

#[test]
fn a_thousand_servers_are_looked_at_with_little_memory_and_the_ill_ones_hold_up_nobody() {
    let crowd = Crowd::new();

    let well = |from: usize, number: usize| {
        let names: Vec<String> = (from..from + number).map(name).collect();
        format!("--server {}", names.join(","))
    };
    let (ten, ..) = crowd.sweep("", &well(100, 10));
    let (hundred, ..) = crowd.sweep("", &well(100, 100));
    // All of them, and at first with fewer files than connections.
    let (all, report, limit) = crowd.sweep("ulimit -Sn 128;", "");
    let looked = crowd.cache.scripts();
    assert!(looked <= 2, "{looked} different scripts");

    let servers = report["servers"].as_array().unwrap();
    assert_eq!(servers.len(), SERVERS);
    for server in servers {
        let name = server["name"].as_str().unwrap();
        let Some(illness) = crowd.ill.get(name) else {
            assert!(server["facts"].is_object(), "{server}");
            continue;
        };
        let health = server["health"].as_str().unwrap();
        assert_eq!(health, illness.verdict(), "{illness:?} {server}");
        let took = Duration::from_millis(server["took_ms"].as_u64().unwrap());
        assert!(
            took < limit + Duration::from_secs(5),
            "{illness:?} {server}"
        );
    }
    assert!(all.peak_kib < MEMORY, "{} KiB: {all}", all.peak_kib);

    // By processor time, which other work on this machine does not change.
    let (ten, hundred, thousand) = (ten.cpu, hundred.cpu, all.cpu);
    assert!(hundred < ten * 40, "{ten:?} {hundred:?}");
    assert!(
        thousand < hundred * 25,
        "10 servers {ten:?}, 100 {hundred:?}, 1000 {thousand:?}"
    );
    // The ill ones are in the first round: all others are done while these stall.
    let slowest = limit.max(Duration::from_secs(8));
    assert!(
        all.took < slowest * 4 + hundred * 40,
        "{:?} with a limit of {limit:?}",
        all.took
    );

    measure::say(&format!(
        "10 servers {ten:?}, 100 {hundred:?}, 1000 {thousand:?} of processor time, {:?} with a limit of {limit:?}, {} KiB",
        all.took, all.peak_kib
    ));

    // Who may have few files talks to fewer at a time, and says so.
    let (few, ..) = crowd.sweep("ulimit -n 100;", &well(100, 60));
    assert!(
        few.stderr.contains("at most 15 servers at a time") && few.stderr.contains("ulimit -Hn"),
        "{few}"
    );
    let refused = crowd.run("ulimit -n 100;", "apply --require-all --server srv-0*");
    // Nothing is placed anywhere.
    assert_eq!(refused.code, 0, "{refused}");

    // A rule for every server: a plan of two hundred, in one go.
    let staged = crowd.run(
        "",
        "enable-firewall srv-01* srv-02* --ssh-from 192.0.2.0/24 --stage",
    );
    assert_eq!(staged.code, 0, "{staged}");
    let plan = crowd.run("", "plan --json --server srv-01*,srv-02*");
    assert_eq!(plan.code, 0, "{plan}");
    let planned: Value = serde_json::from_str(&plan.stdout).unwrap();
    let planned = planned["servers"].as_array().unwrap();
    assert_eq!(planned.len(), 200, "{plan}");
    for server in planned {
        assert_eq!(server["error"], Value::Null, "{server}");
    }
    assert!(plan.peak_kib < MEMORY, "{} KiB", plan.peak_kib);
    let refused = crowd.run("ulimit -n 100;", "apply --require-all --server srv-01*");
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.contains("this process may have 15"),
        "{refused}"
    );
    measure::say(&format!(
        "a plan of 200: {:?} of processor time, {} KiB",
        plan.cpu, plan.peak_kib
    ));
}
