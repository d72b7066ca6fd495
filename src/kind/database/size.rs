//! How big databases are: one session per engine for all of a server.

use std::collections::BTreeMap;

use super::{Database, Engine};
use crate::kind::{Heard, Summary};
use crate::shell::Script;

const MARIADB: &str = "if command -v mariadb >/dev/null; then
mariadb --batch --skip-column-names --default-character-set=utf8mb4 <<'END' 2>/dev/null || :
SELECT 'size', 'mariadb', SCHEMA_NAME, IFNULL(SUM(DATA_LENGTH + INDEX_LENGTH), 0), COUNT(TABLE_NAME)
FROM information_schema.SCHEMATA LEFT JOIN information_schema.TABLES ON TABLE_SCHEMA = SCHEMA_NAME GROUP BY SCHEMA_NAME;
END
fi
";

const POSTGRES: &str = "if command -v psql >/dev/null; then
runuser -u postgres -- psql -X -At -q -F '\t' -d postgres <<'END' 2>/dev/null || :
SELECT 'size', 'postgres', datname, pg_database_size(oid), '' FROM pg_database WHERE datallowconn;
END
fi
";

/// Asks for the sizes of all databases.
pub(super) fn ask(specs: &[(&str, Database)], out: &mut Script) {
    for (engine, question) in [(Engine::Mariadb, MARIADB), (Engine::Postgres, POSTGRES)] {
        let own = specs.iter().filter(|(_, spec)| spec.engine() == engine);
        let own: Vec<&str> = own.map(|(name, _)| *name).collect();
        if !own.is_empty() {
            // The other engine may have one of the same name, which is not fleet's.
            out.raw("printf 'of\\t%s\\t%s\\n'");
            out.words(own.into_iter().flat_map(|name| [engine.word(), name]));
            out.raw("\n").raw(question);
        }
    }
}

/// Reads the answers.
pub(super) fn heard(lines: &[&str]) -> Heard {
    let mut heard = Heard::new();
    let mut engines = BTreeMap::new();
    for line in lines {
        let parts: Vec<&str> = line.split('\t').collect();
        let (engine, name, bytes, tables) = match parts[..] {
            ["of", engine, name] => {
                engines.insert(name, engine);
                continue;
            }
            ["size", engine, name, bytes, tables] => (engine, name, bytes, tables),
            _ => continue,
        };
        if engines.get(name) != Some(&engine) {
            continue;
        }
        let Ok(bytes) = bytes.parse::<u64>() else {
            continue;
        };
        let mut summary: Summary = vec![
            ("size", in_words(bytes).into()),
            ("_bytes", bytes.to_string().into()),
        ];
        if !tables.is_empty() {
            summary.push(("tables", tables.to_owned().into()));
        }
        heard.insert(name.to_owned(), summary);
    }
    heard
}

/// `1.2 MiB`.
fn in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_in_words() {
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_576, "1.0 MiB"),
            (1_600_000_000, "1.4 GiB"),
        ] {
            assert_eq!(in_words(bytes), words);
        }
        let heard = heard(&[
            "of\tmariadb\tshop",
            "size\tmariadb\tshop\t2048\t3",
            "size\tmariadb\ttheirs\t1\t1",
            "noise",
            "of\tpostgres\tother",
            "size\tpostgres\tother\t1\t",
            "size\tpostgres\tshop\t1\t",
        ]);
        assert_eq!(heard["shop"][0].1, "2.0 KiB");
        assert_eq!(heard["shop"][1], ("_bytes", "2048".into()));
        assert_eq!(heard["other"].len(), 2);
        assert_eq!(heard.len(), 2);
    }
}
