//! Tests of sealed secrets: where the key comes from, what opens what, and a new key at every moment.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;

use super::super::key::{Sealed, SealingKey};
use super::super::keyfile;
use super::super::keys::AskPassphrase;
use super::*;
use crate::kind::{SecretId, Secrets};
use crate::shell::Secret;

struct Case {
    dir: TempDir,
    state: State,
}

fn nobody() -> AskPassphrase {
    Box::new(|_| Ok(None))
}

fn says(passphrase: &'static str) -> AskPassphrase {
    Box::new(move |attempt| Ok((attempt <= 1).then(|| Secret::new(passphrase))))
}

/// A key of this digit, as a key command prints it.
fn printed(digits: &str) -> String {
    let lines = digits
        .chars()
        .map(|digit| digit.to_string().repeat(64) + "\n");
    lines.collect()
}

impl Case {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let state = State::open(&dir.path().join("state.db"), now()).unwrap();
        Self { dir, state }
    }

    fn key_path(&self) -> PathBuf {
        self.dir.path().join("config/fleet/key")
    }

    fn keys(&self) -> Keys {
        Keys::of_file(&self.key_path())
    }

    /// As with `[settings] key_command`, which prints these keys.
    fn command(&self, digits: &'static str) -> Keys {
        let run = Box::new(move || Ok(Secret::new(printed(digits))));
        Keys::new(Some(self.key_path()), false, Some(run), nobody())
    }

    fn passphrase(&self, passphrase: &'static str) -> Keys {
        Keys::new(Some(self.key_path()), true, None, says(passphrase))
    }

    fn key(&mut self) -> Result<Arc<SealingKey>, Diagnostic> {
        let keys = self.keys();
        self.state.sealing_key(&keys)
    }

    fn store_with(&mut self, keys: &Keys, text: &str) -> SecretId {
        let key = self.state.sealing_key(keys).unwrap();
        let sealed = key.seal(&Secret::new(text)).unwrap();
        self.state
            .write(|write| write.store_secret(&sealed, now()))
            .unwrap();
        sealed.id
    }

    fn store(&mut self, text: &str) -> SecretId {
        let keys = self.keys();
        self.store_with(&keys, text)
    }

    fn open_with(&self, keys: &Keys, id: &SecretId) -> Result<Secret, String> {
        self.state.read(|read| read.vault(keys)).unwrap().open(id)
    }

    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        self.open_with(&self.keys(), id)
    }

    fn rotate(&mut self, keys: &Keys, place: Option<KeyPlace>) -> Result<Rotated, Diagnostic> {
        let rotation = self.state.begin_rotation(keys, place)?;
        self.state.rotate(keys, &rotation)
    }

    fn key_lines(&self) -> usize {
        let text = std::fs::read_to_string(self.key_path()).unwrap();
        text.lines().count()
    }
}

#[test]
fn what_is_sealed_is_opened_and_nowhere_in_clear() {
    let mut case = Case::new();
    let text = "correct horse\nbattery staple ☃";
    let id = case.store(text);
    assert_eq!(case.open(&id).unwrap().reveal(), text);
    assert!(id.0.starts_with("sec_") && id.0.len() == 36);
    for file in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(case.dir.path().join(file)).unwrap();
        let bare = b"battery staple";
        assert!(!bytes.windows(bare.len()).any(|window| window == bare));
    }
    let key_file = std::fs::metadata(case.key_path()).unwrap();
    assert_eq!(key_file.permissions().mode() & 0o7777, 0o600);
    let directory = std::fs::metadata(case.key_path().parent().unwrap()).unwrap();
    assert_eq!(directory.permissions().mode() & 0o7777, 0o700);
    // Nothing is left of the way it was made but the lock.
    let beside = std::fs::read_dir(case.key_path().parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 2);
}

#[test]
fn equal_secrets_have_equal_ids_and_different_seals() {
    let key = Case::new().key().unwrap();
    let first = key.seal(&Secret::new("a")).unwrap();
    let second = key.seal(&Secret::new("a")).unwrap();
    assert_eq!(first.id, second.id);
    assert_ne!(first.bytes, second.bytes);
    assert_ne!(first.id, key.seal(&Secret::new("b")).unwrap().id);
    // Under another key neither the id nor the seal is the same.
    let other = Case::new().key().unwrap();
    assert_ne!(other.seal(&Secret::new("a")).unwrap().id, first.id);
    assert!(other.open(&first.id, &first.bytes).is_none());
}

#[test]
fn a_salt_repeats_and_depends_on_everything() {
    let key = Case::new().key().unwrap();
    let salt = |secret: &str, purpose: &str| key.derive(&Secret::new(secret), purpose);
    assert_eq!(salt("a", "b"), salt("a", "b"));
    assert_ne!(salt("a", "b"), salt("b", "a"));
    assert_ne!(salt("bc", "a"), salt("c", "ab"));
    let other = Case::new().key().unwrap();
    assert_ne!(other.derive(&Secret::new("a"), "b"), salt("a", "b"));
}

#[test]
fn a_seal_holds_for_its_id_and_unchanged_only() {
    let key = Case::new().key().unwrap();
    let sealed = key.seal(&Secret::new("a")).unwrap();
    let other = key.seal(&Secret::new("b")).unwrap().id;
    assert!(key.open(&other, &sealed.bytes).is_none());
    for index in 0..sealed.bytes.len() {
        let mut damaged = sealed.bytes.clone();
        damaged[index] ^= 1;
        assert!(key.open(&sealed.id, &damaged).is_none(), "byte {index}");
        damaged.truncate(index);
        assert!(key.open(&sealed.id, &damaged).is_none(), "{index} bytes");
    }
    assert_eq!(key.open(&sealed.id, &sealed.bytes), Some(Secret::new("a")));
}

#[test]
fn nothing_needs_the_key_until_a_secret_is_opened() {
    let mut case = Case::new();
    let unknown = case.open(&SecretId("sec_0".to_owned())).unwrap_err();
    assert_eq!(unknown, "the secret `sec_0` is not in the state database");
    assert!(!case.key_path().exists());
    let id = case.store("a");
    std::fs::remove_file(case.key_path()).unwrap();
    let lost = case.open(&id).unwrap_err();
    assert!(lost.starts_with("the key that opens stored secrets is not at"));
    assert!(lost.contains("restore it from a backup"));
}

#[test]
fn a_lost_key_is_not_replaced_in_silence() {
    let mut case = Case::new();
    case.store("a");
    std::fs::remove_file(case.key_path()).unwrap();
    let error = case.key().unwrap_err();
    assert!(error.message.contains("is not at"), "{error}");
    let keys = case.keys();
    for place in [None, Some(KeyPlace::File), Some(KeyPlace::Passphrase)] {
        let error = case.rotate(&keys, place).unwrap_err();
        assert!(error.message.contains("is not at"), "{error}");
    }
    assert!(!case.key_path().exists());
}

#[test]
fn a_wrong_key_is_refused() {
    let mut case = Case::new();
    let id = case.store("a");
    let mut other = Case::new();
    other.key().unwrap();
    std::fs::copy(other.key_path(), case.key_path()).unwrap();
    let expected = "does not open the stored secrets: they were sealed with another";
    let error = case.key().unwrap_err();
    assert!(error.message.contains(expected), "{error}");
    let error = case.open(&id).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_key_file_that_others_can_use_or_that_is_no_key_is_refused() {
    let mut case = Case::new();
    case.key().unwrap();
    for mode in [0o640, 0o604, 0o620] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(case.key_path(), mode).unwrap();
        let error = case.key().unwrap_err();
        assert!(error.message.contains("can be used by others"), "{error}");
        assert!(error.hints[0].starts_with("`chmod 600"));
    }
    let half = format!("fleet-key-1 {}\nfleet-key-1 abc", "f".repeat(64));
    for garbage in ["", "fleet-key-1", "fleet-key-1 abc", &"g".repeat(64), &half] {
        std::fs::remove_file(case.key_path()).unwrap();
        std::fs::write(case.key_path(), garbage).unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(case.key_path(), mode).unwrap();
        let error = case.key().unwrap_err();
        assert!(error.message.ends_with("does not hold a fleet key"));
    }
}

#[test]
fn those_that_make_the_first_key_at_once_agree() {
    let case = Case::new();
    let (path, key_path) = (case.dir.path().join("state.db"), case.key_path());
    let ids: Vec<SecretId> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut state = State::open(&path, now()).unwrap();
                    let key = state.sealing_key(&Keys::of_file(&key_path)).unwrap();
                    key.seal(&Secret::new("a")).unwrap().id
                })
            })
            .collect();
        makers.into_iter().map(|m| m.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(case.key_lines(), 1);
}

#[test]
fn a_secret_that_is_not_stored_yet_can_be_planned_with() {
    let mut case = Case::new();
    let sealed = case.key().unwrap().seal(&Secret::new("new")).unwrap();
    let id = sealed.id.clone();
    let keys = case.keys();
    let mut vault = case.state.read(|read| read.vault(&keys)).unwrap();
    vault.add(sealed);
    assert_eq!(vault.open(&id), Ok(Secret::new("new")));
}

#[test]
fn a_key_command_gives_the_key_and_runs_once() {
    let mut case = Case::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let run = Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Secret::new(printed("a")))
    });
    let keys = Keys::new(Some(case.key_path()), false, Some(run), nobody());
    let id = case.store_with(&keys, "s");
    assert_eq!(case.open_with(&keys, &id), Ok(Secret::new("s")));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert!(!case.key_path().exists());
    // Another key, none, and the right one among older ones.
    let error = case.open_with(&case.command("b"), &id).unwrap_err();
    assert!(
        error.contains("that the key command prints does not open"),
        "{error}"
    );
    let error = case.open(&id).unwrap_err();
    assert!(error.contains("is not at"), "{error}");
    assert!(case.open_with(&case.command("ba"), &id).is_ok());
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let mut case = Case::new();
    let id = case.store("s");
    let right = case.passphrase("correct horse battery");
    let rotated = case.rotate(&right, Some(KeyPlace::Passphrase)).unwrap();
    assert_eq!((rotated.secrets, rotated.place), (1, KeyPlace::Passphrase));
    // The key file is of no use any more.
    std::fs::remove_file(case.key_path()).unwrap();
    let right = case.passphrase("correct horse battery");
    assert_eq!(case.open_with(&right, &id), Ok(Secret::new("s")));
    let error = case.open_with(&case.passphrase("wrong"), &id).unwrap_err();
    assert!(error.starts_with("the passphrase does not open"), "{error}");
    let error = case.open(&id).unwrap_err();
    assert!(error.contains("FLEET_PASSPHRASE_FILE"), "{error}");
    // A new passphrase, and back to a file.
    let both: AskPassphrase = Box::new(|attempt| {
        let word = if attempt == 0 {
            "a new passphrase"
        } else {
            "correct horse battery"
        };
        Ok(Some(Secret::new(word)))
    });
    let keys = Keys::new(Some(case.key_path()), true, None, both);
    assert_eq!(
        case.rotate(&keys, None).unwrap().place,
        KeyPlace::Passphrase
    );
    let new = case.passphrase("a new passphrase");
    assert!(case.open_with(&new, &id).is_ok());
    assert!(case.open_with(&right_again(&case), &id).is_err());
    assert_eq!(
        case.rotate(&new, Some(KeyPlace::File)).unwrap().place,
        KeyPlace::File
    );
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
}

fn right_again(case: &Case) -> Keys {
    case.passphrase("correct horse battery")
}

#[test]
fn a_new_key_seals_everything_again_and_keeps_ids() {
    let mut case = Case::new();
    let ids: Vec<SecretId> = ["a", "b", "c"].map(|text| case.store(text)).into();
    let sealed = |case: &Case| -> Vec<Vec<u8>> {
        let stored = case.state.read(|read| {
            read.all("SELECT sealed FROM secrets ORDER BY id", [], |row| {
                row.get(0)
            })
        });
        stored.unwrap()
    };
    let before = sealed(&case);
    let keys = case.keys();
    let rotated = case.rotate(&keys, None).unwrap();
    assert_eq!((rotated.secrets, rotated.place), (3, KeyPlace::File));
    assert!(sealed(&case).iter().all(|bytes| !before.contains(bytes)));
    for (id, text) in ids.iter().zip(["a", "b", "c"]) {
        assert_eq!(case.open(id), Ok(Secret::new(text)));
    }
    // A copy of the database from before still has its key.
    assert_eq!(case.key_lines(), 2);
    let rotation = case.state.begin_rotation(&keys, None).unwrap();
    case.state.rotate(&keys, &rotation).unwrap();
    assert_eq!(case.state.forget_old_keys(&keys, &rotation).unwrap(), 2);
    assert_eq!(case.key_lines(), 1);
    assert_eq!(case.open(&ids[0]), Ok(Secret::new("a")));
    // Whoever had the first key learns nothing of what is named from now on.
    assert_ne!(case.store("a"), ids[0]);
}

#[test]
fn a_rotation_that_ends_at_any_step_loses_nothing() {
    let mut case = Case::new();
    let id = case.store("s");
    // The new key is in the file, and nothing is sealed with it.
    let keys = case.keys();
    let lost = case.state.begin_rotation(&keys, None).unwrap();
    assert_eq!(case.key_lines(), 2);
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
    // The transaction does not come to its end.
    let failed: Result<(), Diagnostic> = case.state.write(|write| {
        write.reseal(lost.old.as_deref(), &lost.new, &lost.sealing)?;
        Err(Diagnostic::failed("power cut"))
    });
    assert!(failed.is_err());
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
    // Everything is sealed anew, and the old keys are still there.
    case.rotate(&keys, None).unwrap();
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
    assert_eq!(case.key_lines(), 3);
    // The one that was given up does not get in between.
    let error = case.state.rotate(&keys, &lost).unwrap_err();
    assert!(
        error.message.contains("changed by another fleet"),
        "{error}"
    );
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
}

#[test]
fn of_two_rotations_at_once_neither_takes_the_key_of_the_other() {
    let mut case = Case::new();
    let id = case.store("s");
    let keys = case.keys();
    // The second begins between the last two steps of the first, which takes out what it does not know.
    let first = case.state.begin_rotation(&keys, None).unwrap();
    case.state.rotate(&keys, &first).unwrap();
    let second = case.state.begin_rotation(&keys, None).unwrap();
    assert_eq!(case.state.forget_old_keys(&keys, &first).unwrap(), 2);
    case.state.rotate(&keys, &second).unwrap();
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
    // And the last step of one that was overtaken takes nothing.
    let third = case.state.begin_rotation(&keys, None).unwrap();
    case.state.rotate(&keys, &third).unwrap();
    let error = case.state.forget_old_keys(&keys, &second).unwrap_err();
    assert_eq!(error.class, crate::diagnostic::Class::Locked);
    assert_eq!(case.open(&id), Ok(Secret::new("s")));
    // A file that is another one by now stays as it is.
    std::fs::write(case.key_path(), printed("a")).unwrap();
    assert_eq!(case.state.forget_old_keys(&keys, &third).unwrap(), 0);
    assert_eq!(case.key_lines(), 1);
}

#[test]
fn old_keys_go_also_when_the_new_one_is_elsewhere() {
    let mut case = Case::new();
    let id = case.store("s");
    // The command prints what is in the file: that stays.
    std::fs::write(case.key_path(), {
        let there = std::fs::read_to_string(case.key_path()).unwrap();
        printed("a") + &there
    })
    .unwrap();
    let keys = case.command("a");
    let place = Some(KeyPlace::Command);
    let rotation = case.state.begin_rotation(&keys, place).unwrap();
    case.state.rotate(&keys, &rotation).unwrap();
    assert_eq!(case.state.forget_old_keys(&keys, &rotation).unwrap(), 1);
    assert_eq!(case.key_lines(), 1);
    let keys = Keys::new(
        Some(case.key_path()),
        false,
        Some(Box::new(|| Ok(Secret::new(printed("a"))))),
        Box::new(|_| Ok(Some(Secret::new("four long words here")))),
    );
    let place = Some(KeyPlace::Passphrase);
    let rotation = case.state.begin_rotation(&keys, place).unwrap();
    case.state.rotate(&keys, &rotation).unwrap();
    assert_eq!(case.state.forget_old_keys(&keys, &rotation).unwrap(), 1);
    assert!(!case.key_path().exists());
    let keys = case.passphrase("four long words here");
    assert_eq!(case.open_with(&keys, &id), Ok(Secret::new("s")));
    assert_eq!(case.state.forget_old_keys(&keys, &rotation).unwrap(), 0);
}

#[test]
fn what_was_sealed_with_the_key_of_before_is_not_stored() {
    let mut case = Case::new();
    case.store("a");
    let late = case.key().unwrap().seal(&Secret::new("late")).unwrap();
    let keys = case.keys();
    case.rotate(&keys, None).unwrap();
    let store = |case: &mut Case, sealed: &Sealed| {
        case.state.write(|write| write.store_secret(sealed, now()))
    };
    let error = store(&mut case, &late).unwrap_err();
    assert_eq!(error.class, crate::diagnostic::Class::Locked);
    let again = case.key().unwrap().seal(&Secret::new("late")).unwrap();
    store(&mut case, &again).unwrap();
}

#[test]
fn a_command_moves_to_its_new_key_and_a_file_to_a_command() {
    let mut case = Case::new();
    let id = case.store_with(&case.command("a"), "s");
    let same = case.command("a");
    let error = case.rotate(&same, None).unwrap_err();
    assert!(error.message.contains("in use already"), "{error}");
    let both = case.command("ba");
    assert_eq!(case.rotate(&both, None).unwrap().place, KeyPlace::Command);
    assert!(case.open_with(&case.command("b"), &id).is_ok());
    assert!(case.open_with(&case.command("a"), &id).is_err());
    let keys = case.command("b");
    assert_eq!(
        case.rotate(&keys, Some(KeyPlace::File)).unwrap().place,
        KeyPlace::File
    );
    // The command is still in the inventory, and the file has the key.
    assert!(case.open_with(&case.command("b"), &id).is_ok());
    let keys = case.command("c");
    assert_eq!(
        case.rotate(&keys, Some(KeyPlace::Command)).unwrap().place,
        KeyPlace::Command
    );
    assert!(case.open_with(&case.command("c"), &id).is_ok());
}

#[test]
fn two_that_write_the_key_file_lose_no_key() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("key");
    keyfile::read_or_create(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| keyfile::prepend(&path).unwrap());
        }
    });
    assert_eq!(keyfile::read(&path).unwrap().len(), 9);
}

#[test]
fn a_secret_that_nothing_uses_is_cleared_after_its_grace() {
    let mut case = Case::new();
    let used = case.store("used");
    let gone = case.store("gone");
    let resource = |case: &mut Case, spec: serde_json::Value| {
        case.state.write(|write| {
            let new = NewResource {
                name: &site("example.com"),
                spec: &spec,
                weight: 1,
                ties: &Ties::default(),
            };
            write.insert_resource(&new, now())
        })
    };
    resource(
        &mut case,
        json!({"tls": {"key": used}, "note": "sec_", "auth": ["sec_x"]}),
    )
    .unwrap();
    let grace = SignedDuration::from_hours(24);
    let clear = |case: &mut Case, hours: i64| {
        let at = now() + SignedDuration::from_hours(hours);
        case.state
            .write(|write| write.clear_unused_secrets(grace, at))
            .unwrap()
    };
    assert_eq!(clear(&mut case, 0), 0);
    assert_eq!(clear(&mut case, 23), 0);
    // Used again, the time counts anew.
    let sealed = case.key().unwrap().seal(&Secret::new("gone")).unwrap();
    case.state
        .write(|write| write.store_secret(&sealed, now()))
        .unwrap();
    assert_eq!(clear(&mut case, 24), 0);
    assert_eq!(clear(&mut case, 47), 0);
    assert_eq!(clear(&mut case, 48), 1);
    assert_eq!(clear(&mut case, 480), 0);
    assert!(case.open(&gone).is_err());
    assert_eq!(case.open(&used), Ok(Secret::new("used")));
}
