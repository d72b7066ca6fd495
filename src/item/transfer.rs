//! The scripts that carry a database away and bring one in, through pipes: nothing of it is ever kept whole in memory.

use super::{Mariadb, Postgres, TRANSACTIONS, mariadb, postgres};
use crate::shell::{Script, Secret};

const FUNCTIONS: &str = include_str!("transfer.sh");

/// How a dump is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// By gzip(1).
    Gzip,
    /// By zstd(1), which a server need not have.
    Zstd,
    /// Not at all.
    None,
}

impl Packing {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::None => "none",
        }
    }

    /// How something is packed that begins like this.
    pub fn of(beginning: &[u8]) -> Self {
        if beginning.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if beginning.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

/// A database as it is carried.
#[derive(Clone, Debug)]
pub enum Carried {
    /// Of MariaDB.
    Mariadb(mariadb::Database),
    /// Of PostgreSQL.
    Postgres(postgres::Database),
}

impl Carried {
    fn engine(&self) -> &'static str {
        match self {
            Self::Mariadb(_) => "mariadb",
            Self::Postgres(_) => "postgres",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Mariadb(database) => &database.name,
            Self::Postgres(database) => &database.name,
        }
    }

    fn functions(&self, out: &mut Script) {
        // `step` and `why` are for transactions.
        out.raw("why() { printf '%s\\n' \"$1\" >&2; }\n");
        match self {
            Self::Mariadb(_) => out.raw(mariadb::FUNCTIONS),
            Self::Postgres(_) => out.raw(postgres::FUNCTIONS),
        };
        out.raw(FUNCTIONS);
    }
}

/// Prints the dump of a database; its status is 0 only when it is whole.
pub fn dump(carried: &Carried, packing: Packing) -> Script {
    let mut script = Script::new();
    carried.functions(&mut script);
    if packing == Packing::Zstd {
        script.raw("command -v zstd >/dev/null || { echo 'there is no zstd on the server' >&2; (exit 1); } && ");
    }
    let words = [carried.engine(), carried.name(), packing.word()];
    script.line("transfer_dump {} {} {}", &words);
    script
}

/// Who imports: the owner of a database, who may come from the server itself.
#[derive(Clone, Debug)]
pub struct Importer {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Begins an import. What is in the database is seen only now, under the server's lock: with `replace` it is saved to the
/// trash of the task and the database is emptied, else `@filled N` is all that is printed. From then on the journal of the
/// server has how the database becomes again what it was.
///
/// After it, each script of [`piece`] brings a part of the dump, and [`finish`] ends it.
pub fn begin(
    carried: &Carried,
    packing: Packing,
    importer: &Importer,
    replace: bool,
    task: i64,
) -> Script {
    let mut script = Script::new();
    carried.functions(&mut script);
    let (engine, name) = (carried.engine(), carried.name());
    let credentials = match carried {
        Carried::Mariadb(_) => mariadb::credentials(importer),
        Carried::Postgres(_) => postgres::credentials(importer),
    };
    if packing == Packing::Zstd {
        // Before anything is touched; else the dump would be taken for one that is not whole.
        script.raw("command -v zstd >/dev/null || { echo '@result packed'; exit 1; }\n");
    }
    script.append(&count(carried));
    script.raw(if replace {
        "[ \"$objects\" = 0 ] || echo '@replaces'\n"
    } else {
        "[ \"$objects\" = 0 ] || { printf '@filled %s\\n' \"$objects\"; exit 1; }\n"
    });
    script.append(&journal(carried, task));
    script.append(&emptying(carried));
    script.raw("[ \"$objects\" = 0 ] || transfer_empty || transfer_fail\n");
    let words = [engine, name, packing.word(), credentials.reveal()];
    script.line("transfer_begin {} {} {} {} || transfer_fail", &words);
    script
}

/// Puts back what the task `from` moved to the trash when it replaced what was in the database; what is in it now goes to the
/// trash of `task`. It prints `@result done`, `undone`, `lost`, `stopped` or `unsaved`, or `gone` where the trash has nothing,
/// and ends the conversation.
pub fn put_back(carried: &Carried, from: i64, task: i64) -> Script {
    let mut script = Script::new();
    carried.functions(&mut script);
    let (engine, name, from) = (carried.engine(), carried.name(), from.to_string());
    let kept = format!("/var/lib/fleet/trash/{from}/{engine}-{name}/dump.sql.gz");
    script.line("[ -s {} ] || { echo '@result gone'; exit 1; }", &[&kept]);
    script.append(&count(carried));
    script.append(&journal(carried, task));
    script.line(
        "transfer_back {} {} {} || transfer_fail",
        &[engine, name, &from],
    );
    script.raw(
        "transfer_keep || transfer_fail\nrm -f -- \"$run/busy\"\necho '@result done'\nexit 1\n",
    );
    script
}

/// Counts what is in the database, into $objects.
fn count(carried: &Carried) -> Script {
    let question = match carried {
        Carried::Mariadb(database) => Mariadb::count(database),
        Carried::Postgres(database) => Postgres::count(database),
    };
    let mut script = Script::new();
    script.raw("objects=$(printf %s ").arg(&question);
    script.raw(" | ").raw(carried.engine());
    script.raw("_sql) && [ \"$objects\" ] || { echo '@result stopped'; exit 1; }\n");
    script
}

/// Opens the journal in $t, and saves what is in the database.
fn journal(carried: &Carried, task: i64) -> Script {
    let mut script = Script::new();
    let (engine, name, task) = (carried.engine(), carried.name(), task.to_string());
    script.line("t={}", &[&format!("{TRANSACTIONS}/{task}-import")]);
    script.line(
        "trashed={}",
        &[&format!("/var/lib/fleet/trash/{task}/{engine}-{name}")],
    );
    // Whoever breaks the lock looks for such a directory after it has taken the lock away: one of both sees the other.
    script.raw("mkdir -p -m 700 -- \"$t\" || { echo '@result stopped'; exit 1; }\n");
    script.raw("held || { drop \"$t\"; lost; exit 75; }\n");
    let undo = undo(carried, &task);
    // What goes with a database is set again when it was made again.
    let settings = match carried {
        Carried::Mariadb(_) => String::new(),
        Carried::Postgres(database) => Postgres::roles_of(database),
    };
    let words = [engine, name, &task, &settings, undo.text()];
    script.line(
        "transfer_open {} {} {} {} {} || { drop \"$t\"; echo '@result unsaved'; exit 1; }",
        &words,
    );
    script
}

/// Defines what empties the database, by making it again: its users stay, and so do their grants.
fn emptying(carried: &Carried) -> Script {
    let again = match carried {
        Carried::Mariadb(database) => Mariadb::again(database),
        Carried::Postgres(database) => Postgres::again(database),
    };
    let engine = carried.engine();
    let mut script = Script::new();
    script.raw("transfer_empty() { printf %s ").arg(&again);
    script.raw(" | ").raw(engine).raw("_sql >/dev/null && ");
    script
        .raw(engine)
        .raw("_sql <\"$t/settings\" >/dev/null; }\n");
    script
}

/// The script that takes an import back: at once, or by a later run.
fn undo(carried: &Carried, task: &str) -> Script {
    let (engine, name) = (carried.engine(), carried.name());
    let mut script = Script::new();
    script.raw("t=$1 bad=0\n");
    carried.functions(&mut script);
    script.append(&emptying(carried)).raw(engine);
    script.line("_late {} || exit 1", &[name]);
    script.raw("if [ -e \"$t/filled\" ]; then\n").raw(engine);
    script.line("_gone {}", &[name]);
    script.raw(engine).line("_back {} {}", &[task, name]);
    script
        .raw(engine)
        .raw("_sql <\"$t/settings\" >/dev/null || bad=1\n");
    script.raw("else\ntransfer_empty || bad=1\nfi\nexit $bad\n");
    script
}

/// Brings a part of the dump, which are the `length` bytes after the script; the status is not 0 when nobody reads any
/// more. Where somebody has broken the server's lock, it says so and ends the session: what has come is taken back.
pub fn piece(length: u64) -> Script {
    let mut script = Script::new();
    script.raw("held || { lost; exit 75; }\n");
    script.line("transfer_piece {}", &[&length.to_string()]);
    script
}

/// Says that more will come, while it is waited for. Where somebody has broken the lock, it does as [`piece`].
pub fn sign() -> Script {
    let mut script = Script::new();
    script.raw("held || { lost; exit 75; }\n");
    script
}

/// Ends an import, and prints `@result done`, `undone` or `lost`.
pub fn finish() -> Script {
    let mut script = Script::new();
    script.raw("held || { lost; exit 75; }\n");
    script.raw("transfer_end\nrm -f -- \"$run/busy\"\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_unpacked_is_refused_before_anything_is_touched() {
        let carried = Carried::Mariadb(mariadb::Database {
            name: "shop".to_owned(),
            charset: "utf8mb4".to_owned(),
            collation: None,
        });
        let importer = Importer {
            user: "shop".to_owned(),
            password: Secret::new("secret"),
        };
        let begun = |packing| begin(&carried, packing, &importer, true, 7);
        let with = begun(Packing::Zstd);
        let refused = with.text().find("command -v zstd").expect("it is asked");
        let counted = with.text().find("objects=$(").expect("it is counted");
        assert!(refused < counted);
        for packing in [Packing::Gzip, Packing::None] {
            assert!(!begun(packing).text().contains("command -v zstd"));
        }
    }

    #[test]
    fn what_is_packed_is_seen_by_its_beginning() {
        assert_eq!(Packing::of(&[0x1f, 0x8b, 8]), Packing::Gzip);
        assert_eq!(Packing::of(&[0x28, 0xb5, 0x2f, 0xfd]), Packing::Zstd);
        assert_eq!(Packing::of(b"-- MariaDB dump"), Packing::None);
        assert_eq!(Packing::of(b""), Packing::None);
    }
}
