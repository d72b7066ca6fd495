//! Tests of opening: modes, refusals, and each error that a bad place for the file brings.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::diagnostic::Class;
use crate::kind::Ties;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn path_in(dir: &TempDir) -> PathBuf {
    dir.path().join("fleet.db")
}

/// Runs SQL on the file behind fleet's back.
fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn refused(path: &Path) -> Diagnostic {
    State::open(path, now()).unwrap_err()
}

/// A file system of its own in a directory, unmounted at the end; `None` where mounting is not allowed.
struct Mount(TempDir);

impl Mount {
    fn tmpfs(options: &str) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(dir.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(dir))
    }

    fn remount(&self, options: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.0.path())
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn the_file_and_its_new_directories_are_private() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a/b/fleet.db");
    let mut state = State::open(&path, now()).unwrap();
    state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&dir.path().join("a/b/fleet.db-wal")), 0o600);
    assert_eq!(mode(&dir.path().join("a")), 0o700);
    assert_eq!(mode(&dir.path().join("a/b")), 0o700);
}

#[test]
fn what_is_committed_survives_a_power_cut() {
    let (_dir, state) = fresh();
    let pragma = |name: &str| -> String {
        state
            .read
            .connection
            .pragma_query_value(None, name, |row| {
                row.get::<_, rusqlite::types::Value>(0)
                    .map(|value| format!("{value:?}"))
            })
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
    assert_eq!(pragma("busy_timeout"), "Integer(10000)");
}

#[test]
fn a_second_opening_finds_what_was_there() {
    let dir = TempDir::new().unwrap();
    for name in ["a.com", "b.com"] {
        let mut state = State::open(&path_in(&dir), now()).unwrap();
        state.write(|write| add(write, name, 1, "sg-1")).unwrap();
    }
    let state = State::open_read_only(&path_in(&dir)).unwrap();
    let found = state
        .read(|read| read.resources(&Filter::default()))
        .unwrap();
    assert_eq!(found.len(), 2);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_not_touched() {
    for content in ["hello\n".to_owned(), "[servers.sg-1]\n".repeat(1000)] {
        let dir = TempDir::new().unwrap();
        std::fs::write(path_in(&dir), &content).unwrap();
        let error = refused(&path_in(&dir));
        assert_eq!(error.class, Class::Usage);
        assert!(
            error.message.ends_with("is not an SQLite database"),
            "{error}"
        );
        assert!(error.message.contains(path_in(&dir).to_str().unwrap()));
        assert!(error.hints[0].contains("--state"));
        assert_eq!(std::fs::read_to_string(path_in(&dir)).unwrap(), content);
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_not_touched() {
    let dir = TempDir::new().unwrap();
    tamper(&path_in(&dir), "CREATE TABLE moz_places (id INTEGER)");
    let before = std::fs::read(path_in(&dir)).unwrap();
    let error = refused(&path_in(&dir));
    assert_eq!(error.class, Class::Usage);
    assert!(
        error
            .message
            .ends_with("is the database of another program")
    );
    assert_eq!(std::fs::read(path_in(&dir)).unwrap(), before);
}

#[test]
fn a_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let error = refused(dir.path());
    assert_eq!(error.class, Class::Usage);
    assert!(error.message.ends_with("is not a file"), "{error}");
    let error = State::open_read_only(dir.path()).unwrap_err();
    assert!(error.message.ends_with("is not a file"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let error = refused(&dir.path().join("file/fleet.db"));
    assert!(error.message.contains("cannot be made"), "{error}");
}

#[test]
fn reading_only_creates_nothing() {
    let dir = TempDir::new().unwrap();
    let error = State::open_read_only(&path_in(&dir)).unwrap_err();
    assert!(error.message.starts_with("there is no state file at"));
    assert!(!path_in(&dir).exists());
}

#[test]
fn a_newer_schema_is_refused() {
    let dir = TempDir::new().unwrap();
    drop(State::open(&path_in(&dir), now()).unwrap());
    tamper(&path_in(&dir), "PRAGMA user_version = 99");
    for error in [
        refused(&path_in(&dir)),
        State::open_read_only(&path_in(&dir)).unwrap_err(),
    ] {
        assert!(error.message.contains("has schema 99"), "{error}");
        assert_eq!(
            error.hints,
            ["a newer fleet wrote it; upgrade this one".to_owned()]
        );
    }
}

#[test]
fn a_read_only_file_system_is_told() {
    let Some(mount) = Mount::tmpfs("size=4m") else {
        return read_only_by_mode();
    };
    drop(State::open(&path_in(&mount.0), now()).unwrap());
    mount.remount("ro");
    let error = refused(&path_in(&mount.0));
    assert_eq!(error.class, Class::Failed);
    assert!(error.message.ends_with("cannot be written"), "{error}");
    let error = refused(&mount.0.path().join("other.db"));
    assert!(error.message.contains("cannot be made"), "{error}");
    mount.remount("rw");
    State::open(&path_in(&mount.0), now()).unwrap();
}

/// For those who may not mount, and who are not above modes.
fn read_only_by_mode() {
    let dir = TempDir::new().unwrap();
    drop(State::open(&path_in(&dir), now()).unwrap());
    std::fs::set_permissions(path_in(&dir), PermissionsExt::from_mode(0o400)).unwrap();
    let error = refused(&path_in(&dir));
    assert!(error.message.ends_with("cannot be written"), "{error}");
}

#[test]
fn a_full_disk_loses_nothing_that_was_recorded() {
    let mount = Mount::tmpfs("size=1m");
    let dir = mount.is_none().then(|| TempDir::new().unwrap());
    let directory = match (&mount, &dir) {
        (Some(mount), _) => mount.0.path(),
        (None, Some(dir)) => dir.path(),
        (None, None) => unreachable!("one of them is there"),
    };
    let mut state = State::open(&directory.join("fleet.db"), now()).unwrap();
    if mount.is_none() {
        let limited =
            state
                .read
                .connection
                .pragma_update_and_check(None, "max_page_count", 60, |_| Ok(()));
        limited.unwrap();
    }
    let mut recorded = Vec::new();
    let error = loop {
        let name = format!("{}.example.com", recorded.len());
        let spec = json!({"pad": "x".repeat(20_000)});
        let resource = site(&name);
        let new = NewResource {
            name: &resource,
            spec: &spec,
            weight: 1,
            ties: &Ties::default(),
        };
        match state.write(|write| write.insert_resource(&new, now())) {
            Ok(_) => recorded.push(name),
            Err(error) => break error,
        }
        assert!(recorded.len() < 1000, "the disk never fills");
    };
    assert_eq!(error.class, Class::Failed);
    assert!(error.message.starts_with("no space left"), "{error}");
    assert!(error.hints[0].contains("free space"));
    assert!(recorded.len() > 3);
    let found = state
        .read(|read| read.resources(&Filter::default()))
        .unwrap();
    assert_eq!(found.len(), recorded.len());
    // With space again it goes on.
    match &mount {
        Some(mount) => mount.remount("size=8m"),
        None => state
            .read
            .connection
            .pragma_update_and_check(None, "max_page_count", 6000, |_| Ok(()))
            .unwrap(),
    }
    state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
}

#[test]
fn no_space_for_a_new_file_is_told() {
    let Some(mount) = Mount::tmpfs("size=64k") else {
        return;
    };
    let error = refused(&path_in(&mount.0));
    assert!(error.message.starts_with("no space left"), "{error}");
}

#[test]
fn waiting_too_long_says_for_whom() {
    let dir = TempDir::new().unwrap();
    let mut state = State::open(&path_in(&dir), now()).unwrap();
    let begun = NewTask {
        command: "apply",
        arguments: &[],
        operator: "alice",
        host: "desk",
        process: 4711,
    };
    state
        .write(|write| write.begin_task(&begun, now()))
        .unwrap();
    let patience = Duration::from_millis(50);
    let mut other = State::open_patiently(&path_in(&dir), now(), patience).unwrap();
    let error = state
        .write(|_| Ok::<_, Diagnostic>(other.write(|_| Ok::<_, Diagnostic>(())).unwrap_err()))
        .unwrap();
    assert_eq!(error.class, Class::Locked);
    assert!(error.message.ends_with("is being written by another fleet"));
    assert_eq!(
        error.details,
        ["possibly by task 1: `apply` of alice on desk, process 4711, since 2026-11-09T10:11:12Z"]
    );
    // Readers are not kept waiting.
    state
        .write(|_| other.read(|read| read.loads().map(drop)))
        .unwrap();
}

/// The error of opening a file, or of reading all resources in it.
fn refused_or_unreadable(path: &Path) -> Diagnostic {
    State::open(path, now())
        .and_then(|state| {
            state
                .read(|read| read.resources(&Filter::default()))
                .map(drop)
        })
        .unwrap_err()
}

#[test]
fn a_damaged_file_is_told() {
    let dir = TempDir::new().unwrap();
    let mut state = State::open(&path_in(&dir), now()).unwrap();
    state
        .write(|write| {
            for n in 0..500 {
                add(write, &format!("{n}.example.com"), 1, "sg-1")?;
            }
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
    drop(state);
    let mut bytes = std::fs::read(path_in(&dir)).unwrap();
    // All but the first pages, where the schema is: every table's tree is broken.
    let from = 4096 * 24;
    assert!(bytes.len() > from + 4096);
    bytes[from..].fill(0xa5);
    std::fs::write(path_in(&dir), bytes).unwrap();
    let error = refused_or_unreadable(&path_in(&dir));
    assert_eq!(error.class, Class::Failed);
    assert!(error.message.contains("is damaged"), "{error}");
    assert!(error.hints[0].contains(".recover"));
    // A backup is the better way.
    let backup = dir.path().join("fleet.db.backup-3-20261109T090000Z");
    std::fs::write(backup, "").unwrap();
    let error = refused_or_unreadable(&path_in(&dir));
    assert!(error.hints[0].contains("fleet restore-backup"), "{error:?}");
}

#[test]
fn a_value_nobody_wrote_is_told() {
    let (dir, mut state) = fresh();
    state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    tamper(&path_in(&dir), "UPDATE resources SET spec = '{'");
    let error = state
        .read(|read| read.find(&site("example.com")))
        .unwrap_err();
    assert!(
        error.message.contains("holds a value fleet cannot read"),
        "{error}"
    );
    tamper(&path_in(&dir), "UPDATE placements SET server = '; reboot'");
    assert!(state.read(Read::loads).is_err());
}

#[test]
fn where_a_log_is_not_safe_the_rollback_journal_takes_its_place() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    drop(State::open(&path, now()).unwrap());
    let connection = Connection::open(&path).unwrap();
    super::super::open::use_journal(&connection, "delete", Duration::from_secs(1)).unwrap();
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "delete");
    // A reader of such a file leaves it like that.
    State::open_read_only(&path)
        .unwrap()
        .read(crate::state::Read::loads)
        .unwrap();
    assert!(!dir.path().join("fleet.db-wal").exists());
}
