//! Times what has to stay fast: placement and planning in memory, and the commands that read the state as whole
//! processes. `cargo bench --bench core` prints a table and fails when a limit is exceeded.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]
#![allow(clippy::type_complexity, clippy::unused_self)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fleet::diagnostic::Diagnostic;
use fleet::item::{Applied, Key, Props};
use fleet::kind::{self, Compile, SecretId, Secrets, Ties, kind};
use fleet::model::health::ServerFacts;
use fleet::model::{Health, Observation, Patience, ResourceName, Role, Server, ServerName};
use fleet::plan::place::{Candidate, Request, place};
use fleet::plan::{Desired, Facts, Mode, compare};
use fleet::shell::Secret;
use fleet::state::{NewResource, Outcome, PlacementResult, State, Write};
use jiff::Timestamp;
use serde_json::{Value, json};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERVERS: usize = 1_000;
const RESOURCES: usize = 100_000;

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know that it runs.
    let (servers, resources) = if std::env::args().any(|argument| argument == "--bench") {
        (SERVERS, RESOURCES)
    } else {
        (10, 1_000)
    };
    let mut report = Report::default();
    let parts: [(&str, fn(&mut Report, usize, usize)); 5] = [
        ("version", version),
        ("list", listing),
        ("complete", completion),
        ("place", placement),
        ("plan", planning),
    ];
    // `cargo bench --bench core -- plan` times one part.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            part(&mut report, servers, resources);
        }
    }
    if report.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints each result as it comes and remembers whether all kept their limit.
#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn time(&mut self, what: &str, took: Duration, limit: Duration) {
        let limit_text = format!("{:.1} ms", millis(limit));
        self.line(
            what,
            &format!("{:.1} ms", millis(took)),
            &limit_text,
            took <= limit,
        );
    }

    fn memory(&mut self, what: &str, mib: u64, limit: u64) {
        self.line(
            what,
            &format!("{mib} MiB"),
            &format!("{limit} MiB"),
            mib <= limit,
        );
    }

    fn line(&mut self, what: &str, measured: &str, limit: &str, kept: bool) {
        let verdict = if kept { "ok" } else { "TOO MUCH" };
        println!("{what:<58} {measured:>11}  limit {limit:>10}  {verdict}");
        // Unoptimised code is not what the limits are about.
        self.failed |= !kept && !cfg!(debug_assertions);
    }

    fn note(&self, what: &str, measured: &str) {
        println!("{what:<58} {measured:>11}");
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The median of `times` runs, and the result of the last.
fn median<T>(times: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut took = Vec::with_capacity(times);
    loop {
        let started = Instant::now();
        let result = black_box(run());
        took.push(started.elapsed());
        if took.len() == times {
            took.sort();
            return (took[times / 2], result);
        }
    }
}

/// The most memory a process has had, in MiB (`VmHWM` of proc(5)); `None` when it has ended.
fn peak_mib(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

fn fleet(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = command(directory, arguments).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .stderr(Stdio::inherit());
    command
}

fn version(report: &mut Report, _servers: usize, _resources: usize) {
    let directory = std::env::temp_dir();
    let (took, _) = median(51, || fleet(&directory, &["--version"]));
    report.time("fleet --version", took, Duration::from_millis(5));
}

fn listing(report: &mut Report, servers: usize, resources: usize) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let state_flag = path.to_str().unwrap().to_owned();
    let filled = Instant::now();
    fill(&path, servers, resources);
    report.note(
        "(filling a state with the sites)",
        &format!("{:.1} s", filled.elapsed().as_secs_f64()),
    );
    let list = |more: &[&str]| {
        let mut arguments = vec!["list-sites", "--state", &state_flag];
        arguments.extend(more);
        fleet(directory.path(), &arguments)
    };
    let limit = Duration::from_millis(150);
    let (took, out) = median(11, || list(&[]));
    assert_eq!(out.split(|b| *b == b'\n').count() - 1, resources + 1);
    report.time("fleet list-sites, 100,000 sites", took, limit);
    let (took, out) = median(5, || list(&["--json"]));
    let parsed: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(parsed["sites"].as_array().unwrap().len(), resources);
    report.note(
        "fleet list-sites --json, 100,000 sites",
        &format!("{:.1} ms", millis(took)),
    );

    let inventory = inventory_of(servers);
    observe(&path, servers);
    std::fs::write(directory.path().join("inventory.toml"), inventory).unwrap();
    let limit = Duration::from_millis(100);
    let (took, out) = median(11, || {
        fleet(directory.path(), &["status", "-q", "--state", &state_flag])
    });
    assert!(out.split(|b| *b == b'\n').count() < 50);
    report.time("fleet status, 1,000 servers and 100,000 sites", took, limit);
    let page = ["report", "--html", "-", "--state", &state_flag];
    let (took, out) = median(5, || fleet(directory.path(), &page));
    let what = format!("fleet report of the same, {} KiB", out.len() / 1024);
    report.time(&what, took, Duration::from_millis(500));

    let state = State::open_read_only(&path).unwrap();
    let (took, _) = median(5, || state.read(fleet::state::Read::loads).unwrap());
    report.note(
        "state: the loads of all servers",
        &format!("{:.1} ms", millis(took)),
    );
    let one = [name_of_server(0)].into();
    let (took, _) = median(5, || state.read(|read| read.resources_on(&one)).unwrap());
    report.note(
        "state: the resources of one server",
        &format!("{:.2} ms", millis(took)),
    );
    let all = (0..servers).map(name_of_server).collect();
    let (took, _) = median(3, || state.read(|read| read.resources_on(&all)).unwrap());
    report.note(
        "state: the resources of all servers",
        &format!("{:.1} ms", millis(took)),
    );
}

/// What a shell waits for each time the tab key is pressed.
fn completion(report: &mut Report, servers: usize, resources: usize) {
    let directory = tempfile::tempdir().unwrap();
    fill(&directory.path().join("state.db"), servers, resources);
    std::fs::write(directory.path().join("inventory.toml"), inventory(servers)).unwrap();
    let limit = Duration::from_millis(20);
    for (what, line, least) in [
        ("a command", "fleet show-s", 2),
        ("a site of 100,000", "fleet show-site ", 2),
        ("a site by its beginning", "fleet show-site 7", 2),
        ("a resource of any kind", "fleet plan 7", 2),
        ("a server of 1,000", "fleet show-server srv-00", 2),
    ] {
        let ask = || fleet(directory.path(), &["complete", "bash", "--line", line]);
        let (took, out) = median(21, ask);
        assert!(out.split(|b| *b == b'\n').count() > least, "{line}");
        report.time(&format!("fleet complete, {what}"), took, limit);
    }
}

/// That of servers which refuse every connection.
fn inventory(servers: usize) -> String {
    let mut inventory = String::from("[settings]\nstate = \"state.db\"\n");
    for index in 0..servers {
        let name = name_of_server(index);
        let address = format!("127.1.{}.{}", index / 250, index % 250 + 1);
        writeln!(
            inventory,
            "[servers.{name}]\naddress = \"{address}\"\nport = 1"
        )
        .unwrap();
    }
    inventory
}

fn fill(path: &Path, servers: usize, resources: usize) {
    let now = Timestamp::UNIX_EPOCH;
    let mut state = State::open(path, now).unwrap();
    state
        .write(|write| {
            for index in 0..resources {
                let name = ResourceName::new("site", name_of_site(index));
                let new = NewResource {
                    name: &name,
                    spec: &spec_of_site(index),
                    weight: 1,
                    ties: &Ties::default(),
                };
                let id = write.insert_resource(&new, now)?;
                let server = name_of_server(index % servers);
                write.place(id, &server)?;
                let applied = PlacementResult::Applied { generation: 1 };
                write.settle_placement(id, &server, &applied)?;
            }
            Ok::<_, fleet::diagnostic::Diagnostic>(())
        })
        .unwrap();
}

/// A look at each server; every tenth has something the matter.
fn observe(path: &Path, servers: usize) {
    let at = Timestamp::UNIX_EPOCH;
    let mut state = State::open(path, at).unwrap();
    state
        .write(|write| {
            for index in 0..servers {
                let (health, reasons) = match index % 10 {
                    3 => (Health::Degraded, vec!["disk `/` is 93% full".to_owned()]),
                    _ => (Health::Online, Vec::new()),
                };
                let seen = Observation {
                    at,
                    health,
                    reasons,
                    facts: Some(ServerFacts::default()),
                };
                let gap = Duration::from_secs(900);
                write.record_observation(&name_of_server(index), &seen, Patience::NONE, gap)?;
            }
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
}

fn inventory_of(servers: usize) -> String {
    let mut text = String::new();
    for index in 0..servers {
        let _ = writeln!(
            text,
            "[servers.{}]\naddress = \"10.0.{}.{}\"\nregion = \"region-{}\"\ncapacity = 200",
            name_of_server(index),
            index / 250,
            index % 250 + 1,
            index % 20
        );
    }
    text
}

fn name_of_server(index: usize) -> ServerName {
    format!("srv-{index:04}").parse().unwrap()
}

/// Not in the order of the numbers, as names are not in real life.
fn name_of_site(index: usize) -> String {
    format!(
        "{:05x}.customer-{index}.example.com",
        index.wrapping_mul(0x9e37_79b1) & 0xf_ffff
    )
}

fn spec_of_site(index: usize) -> Value {
    match index % 4 {
        0 => json!({ "alias": [format!("alias-{index}.example.net")], "www": true }),
        1 => json!({ "health_path": "/status", "index": ["index.html", "index.htm"] }),
        _ => json!({}),
    }
}

fn server(index: usize) -> Server {
    let mut server = Server::new(name_of_server(index), "192.0.2.1");
    server.capacity = 200;
    server.priority = i32::try_from(index % 3).unwrap();
    server
}

fn placement(report: &mut Report, servers: usize, resources: usize) {
    let mut candidates: Vec<Candidate> = (0..servers)
        .map(|index| Candidate::new(&server(index), 0, None, None))
        .collect();
    let started = Instant::now();
    let request = Request::new(Some(Role::Web), 1);
    for _ in 0..resources {
        let chosen = place(&candidates, &request).unwrap();
        let taken = candidates.iter_mut().find(|c| c.name == chosen.server);
        taken.unwrap().load += 1;
    }
    let took = started.elapsed();
    report.note(
        "placing 100,000 sites on 1,000 servers, one after another",
        &format!("{:.0} ms", millis(took)),
    );
    report.time(
        "placing one of them",
        took / u32::try_from(resources).unwrap(),
        Duration::from_millis(1),
    );
}

/// No site here has a secret.
struct NoSecrets;

impl Secrets for NoSecrets {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        Err(format!("no secret {}", id.0))
    }
}

struct Fleet {
    servers: Vec<Server>,
    /// Per server: name and spec of each site.
    sites: Vec<Vec<(ResourceName, Value)>>,
}

/// What is known of one server beside what should be there.
#[derive(Default)]
struct Known {
    facts: Facts,
    applied: BTreeMap<Key, Applied>,
}

fn desired(fleet: &Fleet, index: usize) -> Desired {
    let site = kind("site").unwrap();
    let mut desired = Desired::default();
    for (name, spec) in &fleet.sites[index] {
        let input = Compile {
            name: &name.name,
            suspended: false,
            server: &fleet.servers[index],
            facts: None,
            secrets: &NoSecrets,
            generation: 1,
            placements: &[],
            fleet: kind::Fleet::EMPTY,
        };
        let items = (site.items)(spec, &input).unwrap();
        desired.add(name, items).unwrap();
    }
    desired
}

fn planning(report: &mut Report, servers: usize, resources: usize) {
    let fleet = Fleet {
        servers: (0..servers).map(server).collect(),
        sites: (0..servers)
            .map(|server| {
                (server..resources)
                    .step_by(servers)
                    .map(|index| {
                        (
                            ResourceName::new("site", name_of_site(index)),
                            spec_of_site(index),
                        )
                    })
                    .collect()
            })
            .collect(),
    };
    let limit = Duration::from_secs(1);
    // As the program does it: several threads compile what should be on the servers, and compare. What a server says is
    // made up first, for some of them at a time, and is not what is timed.
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let plan = |known: &(dyn Fn(&Desired) -> Known + Sync)| {
        let (mut changes, mut took) = (0, Duration::ZERO);
        let all: Vec<usize> = (0..servers).collect();
        for some in all.chunks(100) {
            let known: Vec<Known> = some
                .iter()
                .map(|index| known(&desired(&fleet, *index)))
                .collect();
            let next = AtomicUsize::new(0);
            let started = Instant::now();
            changes += std::thread::scope(|scope| {
                let work = || {
                    let turns = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                    let mine = turns.map_while(|turn| known.get(turn).zip(some.get(turn)));
                    let plans = mine.map(|(Known { facts, applied }, index)| {
                        let desired = desired(&fleet, *index);
                        let plan = compare(&desired, facts, applied, None, Mode::Respect);
                        black_box(&plan).changes.len()
                    });
                    plans.sum::<usize>()
                };
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                let counts = running.into_iter().map(|thread| thread.join().unwrap());
                counts.sum::<usize>()
            });
            took += started.elapsed();
        }
        (took, changes)
    };
    let nothing = |_: &Desired| Known::default();
    let everything = |desired: &Desired| {
        let mut known = Known::default();
        for (key, wanted) in &desired.items {
            let props: Props = wanted.item.wanted();
            known.facts.items.insert(key.clone(), props.clone());
            let applied = Applied {
                props,
                owners: wanted.owners.clone(),
                ..Applied::default()
            };
            known.applied.insert(key.clone(), applied);
        }
        known
    };
    let (took, changes) = plan(&nothing);
    assert!(changes > resources);
    report.time(
        "plan, 1,000 servers and 100,000 sites, nothing there",
        took,
        limit,
    );
    report.note("  its changes", &changes.to_string());
    let (took, changes) = plan(&everything);
    assert_eq!(changes, 0);
    report.time(
        "plan, 1,000 servers and 100,000 sites, all in place",
        took,
        limit,
    );
    let peak = peak_mib("self").unwrap_or_default();
    report.memory("most memory of this process", peak, 1024);
    process(report, servers, resources, &|write| {
        for index in 0..servers {
            let known = everything(&desired(&fleet, index));
            let outcome = Outcome {
                applied: known.applied,
                ..Outcome::default()
            };
            let server = &fleet.servers[index].name;
            write.record_outcome(server, &outcome, None, Timestamp::UNIX_EPOCH)?;
        }
        Ok(())
    });
}

/// `fleet plan` as a process, with everything on record as applied: all of it but what the servers would say. They
/// refuse the connection.
fn process(
    report: &mut Report,
    servers: usize,
    resources: usize,
    applied: &dyn Fn(&Write<'_>) -> Result<(), Diagnostic>,
) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    fill(&path, servers, resources);
    let mut state = State::open(&path, Timestamp::UNIX_EPOCH).unwrap();
    state.write(|write| applied(write)).unwrap();
    drop(state);
    std::fs::write(directory.path().join("inventory.toml"), inventory(servers)).unwrap();
    let started = Instant::now();
    let mut child = command(directory.path(), &["plan", "--json"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_mib(&child.id().to_string()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = started.elapsed();
    report.note(
        "fleet plan, all on record, no server answers",
        &format!("{:.1} ms", millis(took)),
    );
    report.memory("  its most memory", peak, 1024);
}
