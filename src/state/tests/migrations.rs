//! Tests of migrations: released ones stay as they are, and a failing one changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::super::migrate::{MIGRATIONS, migrate_through};
use super::*;

/// The schema of this fleet.
const CURRENT: usize = MIGRATIONS.len();

fn open(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

fn tables(path: &Path) -> i64 {
    open(path)
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
            [],
            |row| row.get(0),
        )
        .unwrap()
}

fn version(path: &Path) -> usize {
    let version: u32 = open(path)
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    version as usize
}

fn backups(dir: &TempDir) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("backup"))
        .collect();
    found.sort();
    found
}

#[test]
fn a_released_migration_never_changes() {
    let released = ["f878eab14d40d954", "02f35f1c07ee27e0", "f3a30ec2debf68d6"];
    let hashes: Vec<String> = MIGRATIONS
        .iter()
        .map(|sql| {
            let hash = Sha256::digest(sql.as_bytes());
            let first = hash.first_chunk().copied().unwrap();
            format!("{:016x}", u64::from_be_bytes(first))
        })
        .collect();
    assert_eq!(
        hashes[..released.len()],
        released,
        "a database that had the old text never gets the new one: write another migration"
    );
    assert_eq!(hashes.len(), released.len(), "add the new one's hash here");
}

#[test]
fn an_older_schema_is_backed_up_and_brought_up_to_date() {
    let (dir, mut state) = fresh();
    let path = state.path().to_owned();
    state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    // The connection stays open, so that what was added is in the log and not yet in the file.
    let newer = [MIGRATIONS, &["CREATE TABLE more (id INTEGER) STRICT"]].concat();
    migrate_through(&newer, &mut open(&path), &path, now()).unwrap();
    assert_eq!(version(&path), CURRENT + 1);
    let backup = dir.path().join("fleet.db.backup-3-20261109T101112Z");
    assert_eq!(backups(&dir), std::slice::from_ref(&backup));
    assert_eq!(version(&backup), CURRENT);
    assert_eq!(tables(&backup) + 1, tables(&path));
    let restored = State::open(&backup, now()).unwrap();
    assert!(find(&restored, "example.com").is_some());
    let mode = std::fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn what_the_first_schema_had_is_there_after_all_that_followed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fleet.db");
    migrate_through(&MIGRATIONS[..1], &mut open(&path), &path, now()).unwrap();
    open(&path)
        .execute_batch(
            "INSERT INTO resources (kind, name, weight, created_at, updated_at, spec)
             VALUES ('site', 'example.com', 1, 0, 0, '{}');
             INSERT INTO placements (resource_id, server, status, weight, reason)
             VALUES (1, 'sg-1', 'pending', 1, 'no route')",
        )
        .unwrap();
    let state = State::open(&path, now()).unwrap();
    let placement = find(&state, "example.com").unwrap().placements.remove(0);
    assert_eq!(placement.reason.as_deref(), Some("no route"));
    // Nobody knows why it waited: it is left to the admin.
    assert!(state.read(Read::waiting).unwrap().is_empty());
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let (dir, state) = fresh();
    let path = state.path().to_owned();
    let before = tables(&path);
    let broken = [
        MIGRATIONS,
        &["CREATE TABLE more (id INTEGER) STRICT", "CREATE TABLE"],
    ]
    .concat();
    migrate_through(&broken, &mut open(&path), &path, now()).unwrap_err();
    assert_eq!((version(&path), tables(&path)), (CURRENT, before));
    assert_eq!(backups(&dir).len(), 1);
    State::open(&path, now()).unwrap();
}

#[test]
fn without_a_backup_nothing_is_migrated() {
    let (dir, state) = fresh();
    let path = state.path().to_owned();
    // What the backup would be called is taken by a directory.
    let taken = dir.path().join("fleet.db.backup-3-20261109T101112Z");
    std::fs::create_dir(&taken).unwrap();
    let newer = [MIGRATIONS, &["CREATE TABLE more (id INTEGER) STRICT"]].concat();
    let error = migrate_through(&newer, &mut open(&path), &path, now()).unwrap_err();
    assert!(error.message.contains("cannot be written"), "{error}");
    assert_eq!(version(&path), CURRENT);
    // Nothing is left of the attempt.
    assert_eq!(backups(&dir), [taken]);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fleet.db");
    std::thread::scope(|scope| {
        for n in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let mut state = State::open(path, now()).unwrap();
                state
                    .write(|write| add(write, &format!("{n}.com"), 1, "sg-1"))
                    .unwrap();
            });
        }
    });
    assert_eq!(version(&path), CURRENT);
    assert!(backups(&dir).is_empty());
    let state = State::open(&path, now()).unwrap();
    assert_eq!(state.read(|read| read.load(&server("sg-1"))).unwrap(), 8);
}
