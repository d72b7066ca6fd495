//! Every reason why the settings of a database cannot be.

use jiff::Timestamp;

use super::{Database, Engine, Host, hosts};
use crate::diagnostic::{Invalid, ticked};
use crate::model::{DomainName, Identifier};

/// Databases that the engines bring.
const TAKEN: &[&str] = &[
    "information_schema",
    "mysql",
    "performance_schema",
    "postgres",
    "sys",
    "template0",
    "template1",
];

/// Users that the engines and Debian bring, and words that PostgreSQL keeps for itself.
const TAKEN_USERS: &[&str] = &[
    "debian-sys-maint",
    "mariadb.sys",
    "mysql",
    "none",
    "postgres",
    "public",
    "root",
];

/// The extensions that an owner could make by hand: those that PostgreSQL itself calls trusted, all of them in Debian's
/// package of the server.
const EXTENSIONS: &[&str] = &[
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "seg",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
];

/// Room for the names of the three roles that come with a database in PostgreSQL (`NAME:own`).
const LONGEST_IN_POSTGRES: usize = 59;

/// The name of a database as it is stored.
pub(super) fn database_name(input: &str) -> Result<String, Invalid> {
    let mut invalid = Invalid::default();
    match Identifier::parse(input) {
        Ok(_) if TAKEN.contains(&input.to_ascii_lowercase().as_str()) => {
            invalid.push(
                "",
                format!("{} belongs to the server itself", ticked(input)),
            );
        }
        Ok(name) => return Ok(name.as_str().to_owned()),
        Err(refused) => invalid.push("", format!("the name {refused}")),
    }
    Err(invalid)
}

/// Refuses a name that a user of `engine` cannot have.
///
/// # Errors
/// Why.
pub fn user_name(name: &str, engine: Engine) -> Result<(), String> {
    let shown = ticked(name);
    Identifier::parse(name).map_err(|refused| format!("the name {shown} {refused}"))?;
    if TAKEN_USERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("{shown} belongs to the server itself"));
    }
    if engine == Engine::Postgres {
        if name.starts_with("pg_") {
            return Err(format!(
                "{shown} begins with `pg_`, which PostgreSQL keeps for itself"
            ));
        }
        if name.len() > 63 {
            return Err(format!(
                "{shown} has {} bytes, and PostgreSQL takes 63",
                name.len()
            ));
        }
    }
    Ok(())
}

impl Database {
    /// See [`crate::kind::Spec::validate`].
    pub(super) fn check(&self, name: &str, _now: Timestamp) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        self.check_name(name, &mut invalid);
        if let Some(site) = &self.site
            && site.parse::<DomainName>().is_err()
        {
            invalid.push(
                "site",
                format!("{} is not the name of a site", ticked(site)),
            );
        }
        let word = |text: &str, more: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            (1..=64).contains(&text.len()) && text.chars().all(plain)
        };
        if let Some(charset) = &self.charset
            && !word(charset, "_-")
        {
            invalid.push(
                "charset",
                format!("{} is not a character set", ticked(charset)),
            );
        }
        if let Some(collation) = &self.collation
            && !word(collation, "_-.@")
        {
            invalid.push(
                "collation",
                format!("{} is not a collation", ticked(collation)),
            );
        }
        self.check_postgres(&mut invalid);
        self.check_users(&mut invalid);
        super::settings::check(self, &mut invalid);
        invalid.into_result()
    }

    fn check_name(&self, name: &str, invalid: &mut Invalid) {
        if let Err(refused) = database_name(name) {
            invalid.problems.extend(refused.problems);
            return;
        }
        match self.engine() {
            Engine::Mariadb => {
                // Where a pattern may stand, `_` takes a `\` before it, and the column has 64 characters.
                let length = name.chars().count() + name.matches('_').count();
                if length > Identifier::LONGEST {
                    invalid.push_with_hint(
                        "",
                        "the name is too long to be granted: each `_` counts twice, and 64 are the most",
                        "take a shorter one",
                    );
                }
            }
            Engine::Postgres => {
                if name.len() > LONGEST_IN_POSTGRES {
                    invalid.push(
                        "",
                        format!(
                            "the name has {} bytes, and PostgreSQL takes {LONGEST_IN_POSTGRES}",
                            name.len()
                        ),
                    );
                }
            }
        }
    }

    fn check_postgres(&self, invalid: &mut Invalid) {
        for (field, given) in [("schema", &self.schema), ("extension", &self.extension)] {
            if self.engine() != Engine::Postgres && !given.is_empty() {
                invalid.push_with_hint(field, "is for PostgreSQL", "`--engine postgres`");
            }
        }
        for schema in &self.schema {
            match Identifier::parse(schema) {
                Err(refused) => {
                    invalid.push("schema", format!("the name {} {refused}", ticked(schema)));
                }
                Ok(_) if schema.starts_with("pg_") || schema == "information_schema" => {
                    invalid.push(
                        "schema",
                        format!("{} belongs to PostgreSQL", ticked(schema)),
                    );
                }
                Ok(_) if schema.len() > 63 => {
                    invalid.push(
                        "schema",
                        format!("{} is too long: 63 bytes are the most", ticked(schema)),
                    );
                }
                Ok(_) => {}
            }
        }
        for extension in &self.extension {
            if !EXTENSIONS.contains(&extension.as_str()) {
                invalid.push_with_hint(
                    "extension",
                    format!("{} is not one of those that fleet makes", ticked(extension)),
                    format!("one of {}", EXTENSIONS.join(", ")),
                );
            }
        }
    }

    fn check_users(&self, invalid: &mut Invalid) {
        for (name, user) in &self.users {
            if let Err(refused) = user_name(name, self.engine()) {
                invalid.push("user", refused);
            }
            if user.hosts.is_empty() {
                invalid.push(
                    "host",
                    format!("user {} may come from nowhere", ticked(name)),
                );
            }
            for host in &user.hosts {
                match host.parse::<Host>() {
                    Err(refused) => invalid.push("host", refused),
                    Ok(host) => {
                        if let Some(refused) = hosts::refuse(&host, self.engine()) {
                            invalid.push("host", refused);
                        }
                    }
                }
            }
        }
    }
}
