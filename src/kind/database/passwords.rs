//! Passwords of users: generated, read or asked for, and what is refused.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use icu_normalizer::ComposingNormalizer;

use super::{Database, Engine, User};
use crate::item::{Applied, ItemType, Key};
use crate::kind::{Edge, Foreign, SecretId};
use crate::shell::Secret;

/// A password that is to be set.
#[derive(Clone, Copy, Debug)]
pub struct NewPassword<'a> {
    /// The database.
    pub database: &'a str,
    /// The user.
    pub user: &'a str,
    /// What holds the database.
    pub engine: Engine,
    /// Where to read it from; `-` for standard input.
    pub file: Option<&'a Path>,
    /// Whether to ask for it at the terminal.
    pub ask: bool,
}

/// A sealed password, and what it is hashed with.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// What stands for it.
    pub password: SecretId,
    /// See [`super::User::salt`].
    pub salt: String,
    /// Whether it was generated.
    pub generated: bool,
}

impl NewPassword<'_> {
    /// Gets it and seals it; what was generated is told once. The salt is a keyed hash of everything, so that the same
    /// password given again changes nothing.
    ///
    /// # Errors
    /// What stands in the way, in words that follow the flag.
    pub fn seal(&self, edge: &mut dyn Edge) -> Result<Sealed, String> {
        let (password, generated) = if let Some(file) = self.file {
            let text = edge.read_secret_file(file)?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            (Secret::new(line.strip_suffix('\r').unwrap_or(line)), false)
        } else if self.ask {
            let prompt = format!("Password for `{}`:", self.user);
            (edge.ask_password(&prompt)?, false)
        } else {
            (edge.generate()?, true)
        };
        refuse_password(&password, self.engine)?;
        let purpose = format!(
            "{} user {} of database {}",
            self.engine.word(),
            self.user,
            self.database
        );
        let salt = edge.derive(&password, &purpose)?;
        let id = edge.seal(password.clone())?;
        if generated {
            edge.tell(format!("password of {}", self.user), id.clone(), password);
        }
        Ok(Sealed {
            password: id,
            salt: BASE64_STANDARD.encode(&salt[..16]),
            generated,
        })
    }
}

/// The passwords that are others on a server where `applied` is on record: of the users who were taken over as they are.
pub(super) fn foreign(
    spec: &Database,
    name: &str,
    applied: &BTreeMap<Key, Applied>,
) -> Vec<Foreign> {
    let item_type = match spec.engine() {
        Engine::Mariadb => ItemType::Mariadb,
        Engine::Postgres => ItemType::Postgres,
    };
    let kept = |user: &str| {
        applied.iter().find_map(|(key, known)| {
            let account = key
                .name
                .strip_prefix("user ")
                .filter(|_| key.item_type == item_type)?;
            // One of MariaDB has where it comes from behind it.
            let of = match spec.engine() {
                Engine::Mariadb => account.rsplit_once('@').map_or(account, |(user, _)| user),
                Engine::Postgres => account,
            };
            (of == user && known.kept_its("password")).then_some(known)
        })
    };
    let foreign = |(user, settings): (&String, &User)| {
        kept(user)?;
        Some(Foreign {
            what: format!("password of {user}"),
            id: settings.password.clone(),
            hint: format!(
                "`fleet rotate-password {name} {user}` sets another, and with `--password-file` the one that is in use"
            ),
        })
    };
    spec.users().iter().filter_map(foreign).collect()
}

/// Refuses a password that would not be the same everywhere.
///
/// # Errors
/// Why.
pub fn refuse_password(password: &Secret, engine: Engine) -> Result<(), String> {
    let text = password.reveal();
    if text.is_empty() || text.len() > 256 {
        return Err("a password has 1 to 256 bytes".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("the password has a control character in it".to_owned());
    }
    if text.chars().any(is_dropped) {
        return Err("the password has an invisible character or an unusual blank in it".to_owned());
    }
    let normalised = ComposingNormalizer::new_nfkc().normalize(text);
    if engine == Engine::Postgres && normalised != text {
        return Err(
            "the password has characters that PostgreSQL's clients write in another way (RFC 4013)"
                .to_owned(),
        );
    }
    Ok(())
}

/// What clients drop or make a blank of before they hash a password (RFC 4013 section 2.1: tables B.1 and C.1.2 of
/// RFC 3454).
fn is_dropped(c: char) -> bool {
    matches!(
        u32::from(c),
        0xAD | 0x34F | 0x1806 | 0x180B..=0x180D | 0x200B..=0x200D | 0x2060 | 0xFE00..=0xFE0F | 0xFEFF
            | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::item::Props;

    #[test]
    fn passwords_that_stay_the_same_everywhere_are_taken() {
        for text in [
            "a",
            "it's \"quoted\" \\ -- `x` $y; DROP",
            "pässwörd",
            "パスワード",
            &"x".repeat(256),
            " leading and trailing ",
        ] {
            for engine in [Engine::Mariadb, Engine::Postgres] {
                assert_eq!(
                    refuse_password(&Secret::new(text), engine),
                    Ok(()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_password_that_was_taken_over_is_not_known() {
        let users = serde_json::json!({"users": {"app": {"access": "owner", "hosts": ["localhost"], "password": "sec_1", "salt": ""}}});
        let applied = |key: &str, adopted: Option<&str>| {
            let of = |print: &str| Props::from([("password".to_owned(), print.to_owned())]);
            let record = Applied {
                props: of("ours"),
                adopted: adopted.map(of),
                ..Applied::default()
            };
            BTreeMap::from([(key.parse::<Key>().unwrap(), record)])
        };
        for (engine, key) in [
            ("mariadb", "mariadb user app@localhost"),
            ("postgres", "postgres user app"),
        ] {
            let mut spec: Database = serde_json::from_value(users.clone()).unwrap();
            spec.engine = (engine == "postgres").then_some(Engine::Postgres);
            let foreign = |applied| foreign(&spec, "shop", &applied);
            let found = foreign(applied(key, Some("theirs")));
            assert_eq!(found.len(), 1, "{engine}");
            assert_eq!(found[0].what, "password of app");
            assert!(found[0].hint.contains("`fleet rotate-password shop app`"));
            assert_eq!(foreign(applied(key, None)), []);
            // Something else of it was taken over, or of another user.
            assert_eq!(foreign(applied(key, Some("ours"))), []);
            assert_eq!(
                foreign(applied(&key.replace("app", "other"), Some("theirs"))),
                []
            );
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "",
            &"x".repeat(257),
            "a\nb",
            "a\0b",
            "a\u{200b}b",
            "a\u{a0}b",
            "\u{7f}",
        ] {
            assert!(
                refuse_password(&Secret::new(text), Engine::Mariadb).is_err(),
                "{text:?}"
            );
        }
        // MariaDB takes these byte for byte.
        for text in ["ﬁ", "e\u{301}", "①"] {
            assert!(
                refuse_password(&Secret::new(text), Engine::Postgres).is_err(),
                "{text:?}"
            );
            assert!(
                refuse_password(&Secret::new(text), Engine::Mariadb).is_ok(),
                "{text:?}"
            );
        }
    }
}
