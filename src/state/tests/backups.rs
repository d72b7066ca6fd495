//! Tests of backups and of going back to one: how often, which are kept, and that nothing is deleted or given twice.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jiff::ToSpan;

use super::super::backups::{Backup, backups, put_aside};
use super::super::presence::Presence;
use super::super::repair::{examine, repair};
use super::writers::spawn;
use super::*;
use crate::diagnostic::Class;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn path_in(dir: &TempDir) -> PathBuf {
    dir.path().join("fleet.db")
}

/// A run that adds a site as a task, and backs up if that is due.
fn run(path: &Path, name: &str, at: Timestamp) -> Result<Option<PathBuf>, Diagnostic> {
    let mut state = State::open(path, at)?;
    let task = NewTask {
        command: "add-site",
        arguments: &[name.to_owned()],
        operator: "alice",
        host: "desk",
        process: 4711,
    };
    state.write(|write| {
        write.begin_task(&task, at)?;
        add(write, name, 1, "sg-1").map(drop)
    })?;
    state.back_up_if_due(at)
}

fn names(path: &Path) -> Vec<String> {
    let state = State::open_read_only(path).unwrap();
    let found = state
        .read(|read| read.resources(&Filter::default()))
        .unwrap();
    found.into_iter().map(|r| r.name.name).collect()
}

/// Overwrites all but the first pages, as a bad disk does.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let from = bytes.len() / 2;
    bytes[from..].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
}

fn all_files(dir: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_that_wrote_backs_up_once_an_hour() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    let first = run(&path, "a.com", at("2026-01-02T03:04:05Z")).unwrap();
    let first = first.unwrap();
    assert_eq!(first, dir.path().join("fleet.db.backup-3-20260102T030405Z"));
    let mode = std::fs::metadata(&first).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(names(&first), ["a.com"]);
    assert_eq!(run(&path, "b.com", at("2026-01-02T04:04:04Z")), Ok(None));
    // Who only reads does not.
    let state = State::open(&path, at("2026-01-02T05:00:00Z")).unwrap();
    state.read(Read::loads).unwrap();
    assert_eq!(state.back_up_if_due(at("2026-01-02T05:00:00Z")), Ok(None));
    let second = run(&path, "c.com", at("2026-01-02T04:04:05Z")).unwrap();
    assert_eq!(names(&second.unwrap()), ["a.com", "b.com", "c.com"]);
    // A clock that was wrong holds nothing up.
    std::fs::write(dir.path().join("fleet.db.backup-3-20990102T030405Z"), "").unwrap();
    assert!(
        run(&path, "d.com", at("2026-01-02T06:00:00Z"))
            .unwrap()
            .is_some()
    );
    assert_eq!(backups(&path).unwrap().len(), 4);
}

#[test]
fn the_newest_and_the_last_of_each_day_are_kept() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    let begin = at("2026-01-01T00:30:00Z");
    run(&path, "begin.com", begin).unwrap();
    // What others leave beside it is none of ours, nor is what an upgrade keeps.
    for other in [
        "fleet.db.backup-x",
        "fleet.db.backup-0-20250101T000000Z",
        "other.db.backup-3-20250101T000000Z",
    ] {
        std::fs::write(dir.path().join(other), "").unwrap();
    }
    // A process that was killed at it, and one that is at it.
    for unfinished in ["20260101T000000Z.17", "20260110T210000Z.18"] {
        std::fs::write(
            dir.path().join(format!("fleet.db.backup-3-{unfinished}")),
            "",
        )
        .unwrap();
    }
    for number in 1..80 {
        let at = begin + (3 * number).hours();
        run(&path, &format!("{number}.com"), at).unwrap();
    }
    let kept: Vec<String> = backups(&path)
        .unwrap()
        .iter()
        .map(|backup| backup.at.to_string())
        .collect();
    assert_eq!(
        kept,
        [
            "2026-01-10T21:30:00Z",
            "2026-01-10T18:30:00Z",
            "2026-01-10T15:30:00Z",
            "2026-01-10T12:30:00Z",
            "2026-01-09T21:30:00Z",
            "2026-01-08T21:30:00Z",
            "2026-01-07T21:30:00Z",
            "2026-01-06T21:30:00Z",
            "2026-01-05T21:30:00Z",
            "2026-01-04T21:30:00Z",
            "2025-01-01T00:00:00Z",
        ]
    );
    let files = all_files(&dir);
    for there in [
        "fleet.db.backup-x",
        "other.db.backup-3-20250101T000000Z",
        "fleet.db.backup-3-20260110T210000Z.18",
    ] {
        assert!(files.contains(&there.to_owned()), "{files:?}");
    }
    assert!(!files.iter().any(|name| name.ends_with(".17")), "{files:?}");
}

#[test]
fn a_damaged_state_gets_no_backup_and_the_good_ones_stay() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    for hour in 0..6 {
        run(
            &path,
            &format!("{hour}.com"),
            at("2026-01-02T00:00:00Z") + hour.hours(),
        )
        .unwrap();
    }
    let before = backups(&path).unwrap();
    assert_eq!(before.len(), 4);
    damage(&path);
    let fresh = Connection::open(&path).unwrap();
    let presence = Presence::enter(&path, std::time::Duration::ZERO).unwrap();
    let unsound = State::of(fresh, presence, &path);
    unsound.written.set(true);
    let error = unsound.back_up_if_due(now()).unwrap_err();
    assert!(error.message.contains("it is damaged: "), "{error}");
    assert!(error.hints[0].contains("restore-backup"), "{error:?}");
    assert_eq!(backups(&path).unwrap(), before);
    let files = all_files(&dir);
    assert!(!files.iter().any(|name| name.contains("Z.")), "{files:?}");
    assert!(before.iter().all(|backup| backup.fault().is_none()));
}

#[test]
fn going_back_keeps_what_was_there_and_says_what_is_forgotten() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", at("2026-01-02T03:00:00Z")).unwrap();
    run(&path, "b.com", at("2026-01-02T04:00:00Z")).unwrap();
    // A backup that is no good any more is passed over.
    damage(&dir.path().join("fleet.db.backup-3-20260102T040000Z"));
    let mut open = State::open(&path, now()).unwrap();
    open.write(|write| add(write, "in the log.com", 1, "sg-1"))
        .unwrap();
    let log = std::fs::read(dir.path().join("fleet.db-wal")).unwrap();
    drop(open);
    // As a power cut leaves it: with its log.
    std::fs::write(dir.path().join("fleet.db-wal"), log).unwrap();

    let repaired = repair(&path, None, at("2026-01-02T05:06:07Z")).unwrap();
    assert_eq!(repaired.from.at, at("2026-01-02T03:00:00Z"));
    assert_eq!(repaired.passed_over.len(), 1);
    let lost: Vec<(i64, &str)> = repaired.lost.iter().map(|l| (l.task, &*l.line)).collect();
    assert_eq!(lost, [(2, "fleet add-site b.com")]);
    assert!(repaired.complete);
    let aside = repaired.aside.unwrap();
    assert_eq!(aside, dir.path().join("fleet.db.aside-20260102T050607Z"));
    assert_eq!(names(&path), ["a.com"]);
    assert_eq!(names(&aside), ["a.com", "b.com", "in the log.com"]);
    assert_eq!(examine(&path), Ok(Vec::new()));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    // The next task has a number that none had.
    run(&path, "c.com", at("2026-01-02T06:00:00Z")).unwrap();
    let tasks = State::open(&path, now())
        .unwrap()
        .read(|read| read.tasks(10))
        .unwrap();
    assert_eq!(tasks.iter().map(|task| task.id).collect::<Vec<_>>(), [3, 1]);
    // Another time at the same second, to a named one.
    let name = Path::new("fleet.db.backup-3-20260102T030000Z");
    let again = repair(&path, Some(name), at("2026-01-02T05:06:07Z")).unwrap();
    assert_eq!(
        again.aside.unwrap(),
        dir.path().join("fleet.db.aside-20260102T050607Z-2")
    );
    // What was put aside is whole only with its log, and no less a way back than a backup.
    assert!(
        dir.path()
            .join("fleet.db.aside-20260102T050607Z-wal")
            .exists()
    );
    let asides = put_aside(&path).unwrap();
    let asides: Vec<_> = asides
        .iter()
        .map(|one| one.path.file_name().unwrap())
        .collect();
    assert_eq!(
        asides,
        [
            "fleet.db.aside-20260102T050607Z-2",
            "fleet.db.aside-20260102T050607Z"
        ]
    );
    let name = Path::new("fleet.db.aside-20260102T050607Z");
    repair(&path, Some(name), now()).unwrap();
    assert_eq!(names(&path), ["a.com", "b.com", "in the log.com"]);
    let unknown = repair(&path, Some(Path::new("fleet.db")), now()).unwrap_err();
    assert_eq!(unknown.class, Class::Usage);
}

#[test]
fn a_state_that_cannot_be_read_at_all_is_replaced_and_numbers_go_on_far_beyond() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", now()).unwrap();
    std::fs::write(&path, vec![0x5a; 20_000]).unwrap();
    assert_eq!(examine(&path).unwrap().len(), 1);
    let error = State::open(&path, now()).unwrap_err();
    assert!(error.message.contains("is damaged"), "{error}");
    let repaired = repair(&path, None, now()).unwrap();
    assert!(!repaired.complete);
    assert_eq!(
        std::fs::read(repaired.aside.unwrap()).unwrap(),
        vec![0x5a; 20_000]
    );
    run(&path, "b.com", now()).unwrap();
    assert_eq!(names(&path), ["a.com", "b.com"]);
    let tasks = State::open(&path, now())
        .unwrap()
        .read(|read| read.tasks(10))
        .unwrap();
    assert_eq!(tasks[0].id, 1002);
}

#[test]
fn a_state_that_is_gone_is_not_begun_anew_while_there_are_backups() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", now()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = State::open(&path, now()).unwrap_err();
    assert!(error.message.contains("is gone"), "{error}");
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();
    let error = State::open(&path, now()).unwrap_err();
    assert!(error.message.contains("is empty"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(repair(&path, None, now()).unwrap().aside, None);
    assert_eq!(names(&path), ["a.com"]);
}

#[test]
fn without_a_good_backup_nothing_is_touched() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", now()).unwrap();
    damage(&backups(&path).unwrap()[0].path);
    let before = all_files(&dir);
    let bytes = std::fs::read(&path).unwrap();
    let error = repair(&path, None, now()).unwrap_err();
    assert!(
        error.message.starts_with("there is no good backup"),
        "{error}"
    );
    assert_eq!(error.details.len(), 1);
    assert_eq!(all_files(&dir), before);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let named = backups(&path).unwrap().remove(0).path;
    let error = repair(&path, Some(&named), now()).unwrap_err();
    assert!(error.message.contains("is damaged"), "{error}");
}

#[test]
fn what_another_process_has_open_is_not_replaced() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", now()).unwrap();
    let (mut child, mut lines) = spawn("stall", &path, 0);
    assert_eq!(lines.next().as_deref(), Some("in the middle"));
    let error = repair(&path, None, now()).unwrap_err();
    assert_eq!(error.class, Class::Locked, "{error}");
    assert!(!all_files(&dir).iter().any(|name| name.contains("restored")));
    child.kill().unwrap();
    child.wait().unwrap();
    repair(&path, None, now()).unwrap();
    assert_eq!(names(&path), ["a.com"]);
}

#[test]
fn what_another_fleet_has_open_without_a_log_is_not_replaced() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", now()).unwrap();
    let idle = State::open(&path, now()).unwrap();
    // As on a file system that is shared, where SQLite has no lock of whoever is idle.
    idle.read
        .connection
        .pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
        .unwrap();
    let error = repair(&path, None, now()).unwrap_err();
    assert_eq!(error.class, Class::Locked, "{error}");
    drop(idle);
    let reading = State::open_read_only(&path).unwrap();
    assert!(repair(&path, None, now()).is_err());
    drop(reading);
    repair(&path, None, now()).unwrap();
    // Who must not wait is told; and the database of another program is left without a trace.
    let alone = Presence::alone(&path).unwrap();
    assert_eq!(State::open_at_once(&path).unwrap_err().class, Class::Locked);
    drop(alone);
    let other = dir.path().join("other.db");
    std::fs::write(&other, "hello\n").unwrap();
    State::open(&other, now()).unwrap_err();
    assert!(!dir.path().join("other.db.open").exists());
}

#[test]
fn who_opens_the_state_while_a_backup_takes_its_place_gets_the_new_one() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "new.com", now()).unwrap();
    let new = dir.path().join("new");
    std::fs::rename(&path, &new).unwrap();
    for backup in backups(&path).unwrap() {
        std::fs::remove_file(backup.path).unwrap();
    }
    run(&path, "old.com", now()).unwrap();
    let alone = Presence::alone(&path).unwrap();
    let late = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut state = State::open(&path, now()).unwrap();
            state.write(|write| add(write, "late.com", 1, "sg-1"))
        }
    });
    // If it has not begun by then, it finds the new one in any case.
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!late.is_finished());
    std::fs::rename(&new, &path).unwrap();
    drop(alone);
    late.join().unwrap().unwrap();
    assert_eq!(names(&path), ["late.com", "new.com"]);
}

#[test]
fn a_reference_that_leads_nowhere_and_an_index_that_lacks_a_row_are_found() {
    let (_dir, mut state) = fresh();
    state.write(|write| add(write, "a.com", 1, "sg-1")).unwrap();
    let path = state.path().to_owned();
    drop(state);
    assert_eq!(examine(&path), Ok(Vec::new()));
    let tampered = Connection::open(&path).unwrap();
    tampered
        .execute_batch(
            "PRAGMA foreign_keys = off;
             INSERT INTO claims (space, name, resource_id) VALUES ('host', 'x.com', 99);
             PRAGMA writable_schema = on;
             DELETE FROM sqlite_master WHERE name = 'placements_server';
             PRAGMA writable_schema = reset;",
        )
        .unwrap();
    drop(tampered);
    let faults = examine(&path).unwrap();
    assert!(
        faults.contains(
            &"a row of `claims` refers to one of `resources` that is not there".to_owned()
        ),
        "{faults:?}"
    );
    // The pages of the index that nobody knows any more.
    assert!(faults.len() > 1, "{faults:?}");
}

#[test]
fn a_copy_of_the_file_alone_is_an_earlier_moment_and_half_a_copy_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "a.com", now()).unwrap();
    let mut open = State::open(&path, now()).unwrap();
    open.write(|write| add(write, "b.com", 1, "sg-1")).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let copy = path_in(&elsewhere);
    // What is in the log is not in the copy.
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(examine(&copy), Ok(Vec::new()));
    assert_eq!(names(&copy), ["a.com"]);
    // With its log it is.
    std::fs::copy(
        dir.path().join("fleet.db-wal"),
        elsewhere.path().join("fleet.db-wal"),
    )
    .unwrap();
    assert_eq!(names(&copy), ["a.com", "b.com"]);
    let bytes = std::fs::read(&path).unwrap();
    for part in [1, 2, 3] {
        let half = TempDir::new().unwrap();
        std::fs::write(path_in(&half), &bytes[..bytes.len() * part / 4]).unwrap();
        let error = State::open(&path_in(&half), now()).unwrap_err();
        assert!(error.message.contains("is damaged"), "{part}/4: {error}");
    }
}

#[test]
fn copies_while_others_write_are_sound_or_refused() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    run(&path, "begin.com", now()).unwrap();
    let (mut child, mut lines) = spawn("commit", &path, 0);
    let elsewhere = TempDir::new().unwrap();
    for number in 0..20 {
        let reported = lines.next().unwrap();
        let copy = elsewhere.path().join(format!("{number}.db"));
        std::fs::copy(&path, &copy).unwrap();
        if examine(&copy).unwrap().is_empty() {
            assert!(names(&copy).contains(&"begin.com".to_owned()));
        }
        // A backup is always sound and holds what was reported.
        let target = elsewhere.path().join(format!("{number}.backup"));
        let source = State::open(&path, now()).unwrap();
        let made = super::super::backups::copy(&source.read.connection, &target, true);
        assert!(made.is_ok());
        assert_eq!(examine(&target), Ok(Vec::new()));
        assert!(names(&target).contains(&reported));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(examine(&path), Ok(Vec::new()));
}

/// With `FLEET_TEST_RESOURCES=100000` it says what a backup of so many costs.
#[test]
fn a_backup_of_many_resources_holds_all_of_them() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    let many = std::env::var("FLEET_TEST_RESOURCES").ok();
    let many: usize = many.and_then(|n| n.parse().ok()).unwrap_or(2000);
    let mut state = State::open(&path, now()).unwrap();
    state
        .write(|write| {
            for n in 0..many {
                add(write, &format!("{n}.example.com"), 1, "sg-1")?;
            }
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
    let began = std::time::Instant::now();
    let target = state.back_up_if_due(now()).unwrap().unwrap();
    let took = began.elapsed();
    let backup: Backup = backups(&path).unwrap().remove(0);
    let began = std::time::Instant::now();
    assert_eq!(backup.fault(), None);
    let looked = began.elapsed();
    assert_eq!(names(&target).len(), many);
    if many > 2000 {
        use std::io::Write as _;
        let size = backup.size;
        let _ = writeln!(
            std::io::stderr(),
            "{many} resources, {size} bytes: copied in {took:?}, looked through in {looked:?}"
        );
    }
}
