//! The scripts that carry a database away and bring one in, through pipes: nothing of it is ever kept whole in memory.

use super::{Mariadb, Postgres, mariadb, postgres};
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

/// Prints `@objects N`: how many tables and other things are in a database.
pub fn count(carried: &Carried) -> Script {
    let mut script = Script::new();
    carried.functions(&mut script);
    let question = match carried {
        Carried::Mariadb(database) => Mariadb::count(database),
        Carried::Postgres(database) => Postgres::count(database),
    };
    script
        .raw("printf '@objects %s\\n' \"$(printf %s ")
        .arg(&question);
    script.raw(" | ").raw(carried.engine()).raw("_sql)\"\n");
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

/// Begins an import: empties the database, when it is not empty, after it was saved to the trash of the task.
///
/// After it, each script of [`piece`] brings a part of the dump, and [`finish`] ends it.
pub fn begin(
    carried: &Carried,
    packing: Packing,
    importer: &Importer,
    filled: bool,
    task: i64,
) -> Script {
    let mut script = Script::new();
    carried.functions(&mut script);
    let task = task.to_string();
    let name = carried.name();
    let (again, credentials) = match carried {
        Carried::Mariadb(database) => (Mariadb::again(database), mariadb::credentials(importer)),
        Carried::Postgres(database) => (Postgres::again(database), postgres::credentials(importer)),
    };
    let engine = carried.engine();
    // What is there is emptied by making it again; the users stay, and so do their grants.
    script.raw("transfer_empty() { printf %s ").arg(&again);
    script.raw(" | ").raw(engine).raw("_sql >/dev/null");
    if let Carried::Postgres(_) = carried {
        script.raw(" && postgres_sql <\"$settings\" >/dev/null");
    }
    script.raw("; }\n");
    if let Carried::Postgres(database) = carried {
        // They go with the database.
        script.raw("settings=$(mktemp /run/fleet-roles.XXXXXX) && printf %s ");
        script.arg(&Postgres::roles_of(database));
        script.raw(" | postgres_sql >\"$settings\" || { echo '@result stopped'; exit 1; }\n");
    }
    if filled {
        let none = "";
        script.raw(engine);
        script.line(
            "_trash {} {} {} || { echo '@result stopped'; exit 1; }",
            &[&task, name, none],
        );
        script.raw("transfer_empty || { echo '@result stopped'; exit 1; }\n");
        script.raw("transfer_undo() { bad=0; ");
        script.raw(match carried {
            Carried::Mariadb(_) => "mariadb_gone",
            Carried::Postgres(_) => "postgres_gone",
        });
        script.line(" {}", &[name]);
        script.raw(engine);
        script.line("_back {} {}", &[&task, name]);
        if let Carried::Postgres(_) = carried {
            script.raw("postgres_sql <\"$settings\" >/dev/null || bad=1\n");
        }
        script.raw("[ \"$bad\" = 0 ]; }\n");
    } else {
        script.raw("transfer_undo() { transfer_empty; }\n");
    }
    let words = [engine, name, packing.word(), credentials.reveal()];
    script.line("transfer_begin {} {} {} {}", &words);
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

/// Ends an import, and prints `@result done`, `undone` or `lost`.
pub fn finish() -> Script {
    let mut script = Script::new();
    script.raw("held || { lost; exit 75; }\n");
    script.raw(
        "transfer_end\nrm -f -- \"$run/busy\"\n[ -z \"${settings-}\" ] || rm -f -- \"$settings\"\n",
    );
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_seen_by_its_beginning() {
        assert_eq!(Packing::of(&[0x1f, 0x8b, 8]), Packing::Gzip);
        assert_eq!(Packing::of(&[0x28, 0xb5, 0x2f, 0xfd]), Packing::Zstd);
        assert_eq!(Packing::of(b"-- MariaDB dump"), Packing::None);
        assert_eq!(Packing::of(b""), Packing::None);
    }
}
