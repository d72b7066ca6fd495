//! Tests of several fleets on one file, and of one that is killed: nothing is lost, no capacity is exceeded.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::*;
use crate::model::{Role, Server};
use crate::plan::place::{Candidate, Request, place};

/// Tells the test binary, started again as another process, what to do; `PATH` of the state file is beside it.
const ROLE: &str = "FLEET_TEST_CHILD_ROLE";
const FILE: &str = "FLEET_TEST_CHILD_FILE";
const NUMBER: &str = "FLEET_TEST_CHILD_NUMBER";

const CAPACITY: u32 = 20;

fn candidates(loads: &BTreeMap<ServerName, u64>) -> Vec<Candidate> {
    (1..=3)
        .map(|n| {
            let mut server = Server::new(server(&format!("sg-{n}")), "192.0.2.1");
            server.capacity = CAPACITY;
            let load = loads.get(&server.name).copied().unwrap_or(0);
            Candidate::new(&server, load, None, None)
        })
        .collect()
}

/// Places one resource as a command does: look, choose and record in one transaction.
fn place_one(state: &mut State, name: &str, weight: u32) -> bool {
    state
        .write(|write| {
            let candidates = candidates(&write.loads()?);
            let Ok(chosen) = place(&candidates, &Request::new(Some(Role::Web), weight)) else {
                return Ok::<_, Diagnostic>(false);
            };
            // Long enough for others to come between, if they could.
            std::thread::sleep(std::time::Duration::from_millis(1));
            add(write, name, weight, chosen.server.as_str())?;
            Ok(true)
        })
        .unwrap()
}

/// Places resources of one writer; returns those that found a place, and the weights of those that did not.
fn place_many(path: &Path, writer: usize) -> (Vec<String>, Vec<u32>) {
    let mut state = State::open(path, now()).unwrap();
    let mut placed = Vec::new();
    let mut refused = Vec::new();
    for (n, weight) in [3, 1, 2, 1, 3, 1].into_iter().enumerate() {
        let name = format!("{n}.{writer}.example.com");
        if place_one(&mut state, &name, weight) {
            placed.push(name);
        } else {
            refused.push(weight);
        }
    }
    (placed, refused)
}

/// What must hold of a state that writers have filled.
fn assert_sound(path: &Path, placed: &[String], refused: &[u32]) {
    let state = State::open(path, now()).unwrap();
    let found = state
        .read(|read| read.resources(&Filter::default()))
        .unwrap();
    let mut names: Vec<String> = found.iter().map(|r| r.name.name.clone()).collect();
    let mut expected = placed.to_vec();
    names.sort();
    expected.sort();
    assert_eq!(names, expected, "nothing is lost, nothing is invented");
    let loads = state.read(Read::loads).unwrap();
    let sum: u64 = found.iter().map(|r| u64::from(r.weight)).sum();
    assert_eq!(loads.values().sum::<u64>(), sum);
    assert!(loads.values().all(|load| *load <= u64::from(CAPACITY)));
    // Loads only grow: who was refused then would be refused now.
    for weight in refused {
        assert!(place(&candidates(&loads), &Request::new(Some(Role::Web), *weight)).is_err());
    }
}

#[test]
fn sixteen_writers_in_one_process_never_exceed_a_capacity() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fleet.db");
    let results: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..16)
            .map(|writer| {
                let path = &path;
                scope.spawn(move || place_many(path, writer))
            })
            .collect();
        writers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let placed: Vec<String> = results.iter().flat_map(|(p, _)| p.clone()).collect();
    let refused: Vec<u32> = results.iter().flat_map(|(_, r)| r.clone()).collect();
    assert!(!refused.is_empty(), "there was a race for the last units");
    assert_sound(&path, &placed, &refused);
}

#[test]
fn writers_in_several_processes_never_exceed_a_capacity() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fleet.db");
    let children: Vec<_> = (0..6).map(|n| spawn("place", &path, n)).collect();
    let mut placed = Vec::new();
    let mut refused = Vec::new();
    for (mut child, lines) in children {
        for line in lines {
            match line.split_once(' ') {
                Some(("placed", name)) => placed.push(name.to_owned()),
                Some(("refused", weight)) => refused.push(weight.parse().unwrap()),
                _ => panic!("{line}"),
            }
        }
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(placed.len() + refused.len(), 36);
    assert!(!refused.is_empty());
    assert_sound(&path, &placed, &refused);
}

#[test]
fn a_writer_killed_between_commits_loses_nothing_it_reported() {
    for attempt in 0..5 {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("fleet.db");
        let (mut child, mut lines) = spawn("commit", &path, attempt);
        let mut reported = Vec::new();
        for line in lines.by_ref().take(5 + 7 * attempt) {
            reported.push(line);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        reported.extend(lines);
        let mut state = State::open(&path, now()).unwrap();
        check(&state);
        let found = state
            .read(|read| read.resources(&Filter::default()))
            .unwrap();
        for name in &reported {
            assert!(found.iter().any(|r| r.name.name == *name), "{name} is lost");
        }
        // The kill may fall between a commit and its report, not inside a commit.
        assert!(found.len() <= reported.len() + 1);
        assert!(found.iter().all(|r| r.placements.len() == 1));
        state
            .write(|write| add(write, "next.com", 1, "sg-1"))
            .unwrap();
    }
}

#[test]
fn a_writer_killed_in_the_middle_leaves_nothing_of_it_and_no_lock() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fleet.db");
    let (mut child, mut lines) = spawn("stall", &path, 0);
    assert_eq!(lines.next().as_deref(), Some("in the middle"));
    let mut state =
        State::open_patiently(&path, now(), std::time::Duration::from_millis(20)).unwrap();
    let locked = state
        .write(|write| add(write, "next.com", 1, "sg-1"))
        .unwrap_err();
    assert_eq!(locked.class, crate::diagnostic::Class::Locked);
    child.kill().unwrap();
    child.wait().unwrap();
    state
        .write(|write| add(write, "next.com", 1, "sg-1"))
        .unwrap();
    check(&state);
    let found = state
        .read(|read| read.resources(&Filter::default()))
        .unwrap();
    let names: Vec<_> = found.iter().map(|r| r.name.name.as_str()).collect();
    assert_eq!(names, ["before.com", "next.com"]);
}

fn check(state: &State) {
    let verdict: String = state
        .read
        .connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let orphans = state
        .read
        .connection
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .exists([])
        .unwrap();
    assert!(!orphans);
}

pub(super) fn spawn(
    role: &str,
    path: &Path,
    number: usize,
) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "state::tests::writers::child", "--nocapture"])
        .env(ROLE, role)
        .env(FILE, path)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, reports(stdout))
}

/// The child's own lines: the test harness prints others around them.
fn reports(stdout: ChildStdout) -> impl Iterator<Item = String> + use<> {
    BufReader::new(stdout)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| Some(line.split_once("REPORT ")?.1.to_owned()))
}

fn report(text: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "REPORT {text}").unwrap();
    stdout.flush().unwrap();
}

/// The other process of the tests above; alone it has nothing to do.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let path = PathBuf::from(std::env::var(FILE).unwrap());
    let number: usize = std::env::var(NUMBER).unwrap().parse().unwrap();
    match role.as_str() {
        "place" => {
            let (placed, refused) = place_many(&path, number);
            for name in placed {
                report(&format!("placed {name}"));
            }
            for weight in refused {
                report(&format!("refused {weight}"));
            }
        }
        "commit" => {
            let mut state = State::open(&path, now()).unwrap();
            for n in 0_u32.. {
                let name = format!("{n}.example.com");
                state.write(|write| add(write, &name, 1, "sg-1")).unwrap();
                report(&name);
            }
        }
        "stall" => {
            let mut state = State::open(&path, now()).unwrap();
            state
                .write(|write| add(write, "before.com", 1, "sg-1"))
                .unwrap();
            state
                .write(|write| {
                    for n in 0..2000 {
                        add(write, &format!("{n}.example.com"), 1, "sg-1")?;
                    }
                    report("in the middle");
                    loop {
                        std::thread::park();
                    }
                    #[allow(unreachable_code)]
                    Ok::<_, Diagnostic>(())
                })
                .unwrap();
        }
        other => panic!("{other}"),
    }
}
