//! Tests that the SQL would also run on PostgreSQL, as far as its text can tell.

use super::*;

/// Every string literal of the queries that begins like a statement, with the file it is in.
fn statements() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|e| e != "rs") || name == "tests.rs" {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for literal in source.split('"').skip(1).step_by(2) {
            let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
            if verbs.iter().any(|verb| literal.starts_with(verb)) {
                found.push((name.clone(), literal.to_owned()));
            }
        }
    }
    found
}

/// The numbers after each `$`, in the order of the text.
fn parameters(sql: &str) -> Vec<usize> {
    sql.split('$')
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            rest[..end.unwrap_or(rest.len())].parse().unwrap()
        })
        .collect()
}

#[test]
fn parameters_first_appear_in_ascending_order() {
    // SQLite numbers `$n` by first appearance, PostgreSQL by n.
    let statements = statements();
    assert!(statements.len() > 30, "{}", statements.len());
    for (file, sql) in statements {
        let mut highest = 0;
        for parameter in parameters(&sql) {
            assert!(parameter <= highest + 1, "{file}: {sql}");
            highest = highest.max(parameter);
        }
    }
}

#[test]
fn no_statement_uses_what_only_sqlite_knows() {
    let foreign = [
        "INSERT OR",
        "REPLACE INTO",
        "rowid",
        "IFNULL",
        "ifnull",
        "datetime(",
        "strftime(",
        "json_",
        "GLOB",
        "last_insert",
        "?",
        "`",
    ];
    for (file, sql) in statements() {
        for word in foreign {
            assert!(!sql.contains(word), "{file}: `{word}` in {sql}");
        }
    }
}
