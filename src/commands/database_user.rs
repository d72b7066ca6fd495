//! What the commands share that change one user of a database.

use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::edit::Edit;
use super::flags::Staging;
use super::show::find;
use crate::context::{Context, Edge};
use crate::diagnostic::{Diagnostic, Invalid, did_you_mean, ticked};
use crate::inventory::value;
use crate::kind::database::{Database, NewPassword, Sealed, User};
use crate::kind::{Kind, Spec, from_json, kind};
use crate::model::{Access, Server};

/// What a user may do and where from.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct UserSettings {
    /// What it may do: `owner`, `read-write` or `read-only`
    #[arg(long, value_name = "ROLE", value_parser = |text: &str| text.parse::<Access>())]
    pub(super) role: Option<Access>,
    /// Where it may come from: `localhost`, an address, a network, `server:SELECTOR`, `any`; may be repeated
    #[arg(long = "host", value_name = "HOST")]
    pub(super) hosts: Vec<String>,
    /// How many connections it may have at once; 0 for any number
    #[arg(long, value_name = "N")]
    pub(super) connections: Option<u32>,
    /// When it is kept out: a time from now (`2h`, `30d`), a moment (`2026-12-31T18:00:00Z`), or `never`
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    pub(super) expires: Option<Expiry>,
}

/// When a user is kept out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Expiry {
    Never,
    In(SignedDuration),
    At(Timestamp),
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Expiry::At(at));
    }
    let time = value::duration(text).map_err(|refused| value::refusal("a time", text, &refused))?;
    match SignedDuration::try_from(time) {
        Ok(time) if !time.is_zero() => Ok(Expiry::In(time)),
        _ => Err("the time must be longer than nothing".to_owned()),
    }
}

impl UserSettings {
    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        self.role.is_none()
            && self.hosts.is_empty()
            && self.connections.is_none()
            && self.expires.is_none()
    }

    /// Makes a user of them, over what it was.
    pub(super) fn put(&self, user: &mut User, now: Timestamp) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if let Some(role) = self.role {
            user.access = role;
        }
        if !self.hosts.is_empty() {
            user.hosts = crate::kind::database::canonical_hosts(&self.hosts);
        }
        if let Some(connections) = self.connections {
            user.connections = connections;
        }
        let at = match self.expires {
            None => return Ok(()),
            Some(Expiry::Never) => None,
            Some(Expiry::At(at)) => Some(at),
            Some(Expiry::In(time)) => now.checked_add(time).ok(),
        };
        if at.is_some_and(|at| at <= now) {
            invalid.push("expires", "is in the past");
        }
        // Engines count whole seconds.
        user.expires = at.and_then(|at| Timestamp::from_second(at.as_second()).ok());
        invalid.into_result()
    }
}

/// Where a new password comes from.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct PasswordSource {
    /// File with the password, `-` for standard input [default: one is generated and shown once]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Ask for the password at the terminal
    #[arg(long, conflicts_with = "password_file")]
    ask_password: bool,
}

impl PasswordSource {
    /// Gets the password and seals it.
    pub(super) fn seal(
        &self,
        database: &str,
        spec: &Database,
        user: &str,
        edge: &mut Edge<'_>,
    ) -> Result<Sealed, Diagnostic> {
        let password = NewPassword {
            database,
            user,
            engine: spec.engine(),
            file: self.password_file.as_deref(),
            ask: self.ask_password,
        };
        let refused = |why| Diagnostic::usage(format!("database `{database}`: {why}"));
        password.seal(edge).map_err(refused)
    }
}

/// The kind, which every command here is of.
pub(super) fn databases() -> &'static Kind {
    kind(Database::KIND).expect("a kind of fleet")
}

/// Name and settings of the database called `typed`.
pub(super) fn database(context: &Context, typed: &str) -> anyhow::Result<(String, Database)> {
    let found = find(context.state_to_read()?.as_ref(), databases(), typed)?;
    let spec = from_json::<Database>(&found.spec)
        .map_err(|invalid| Diagnostic::failed(invalid.to_string()))?;
    Ok((found.name.name, spec))
}

/// The same, and its server.
pub(super) fn database_on(
    context: &Context,
    typed: &str,
) -> anyhow::Result<(String, Database, Server)> {
    let found = find(context.state_to_read()?.as_ref(), databases(), typed)?;
    let (name, spec) = database(context, typed)?;
    let first = found.placements.first();
    let Some(first) = first else {
        let message = format!("database `{name}` is on no server");
        return Err(Diagnostic::failed(message).into());
    };
    let server = context.inventory()?.server(first.server.as_str())?;
    Ok((name, spec, server.clone()))
}

/// The change of a database by `command`.
pub(super) fn edit<'a>(command: &'static str, staging: &Staging, name: &'a str) -> Edit<'a> {
    Edit {
        command,
        staging: staging.clone(),
        kind: databases(),
        name,
    }
}

/// The user of that name.
pub(super) fn user_of<'s>(spec: &'s mut Database, name: &str) -> Result<&'s mut User, Invalid> {
    let near = did_you_mean(name, spec.users().keys().map(String::as_str)).map(str::to_owned);
    spec.users_mut().get_mut(name).ok_or_else(|| {
        let mut invalid = Invalid::default();
        let message = format!("there is no user {}", ticked(name));
        match near {
            Some(near) => invalid.push_with_hint("", message, format!("did you mean `{near}`")),
            None => invalid.push("", message),
        }
        invalid
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_expiry_is_a_time_from_now_a_moment_or_never() {
        assert_eq!(expiry("never"), Ok(Expiry::Never));
        assert_eq!(expiry("2h"), Ok(Expiry::In(SignedDuration::from_hours(2))));
        let at = "2026-12-31T18:00:00Z";
        assert_eq!(expiry(at), Ok(Expiry::At(at.parse().unwrap())));
        for text in ["", "0s", "tomorrow", "-1h", "2026-13-01T00:00:00Z"] {
            assert!(expiry(text).is_err(), "{text}");
        }
    }
}
