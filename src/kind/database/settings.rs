//! The file in which a website's application finds its database.

use std::fmt::Write;

use super::{Database, Engine};
use crate::diagnostic::{Invalid, ticked};
use crate::item::file::Content;
use crate::item::{File, Item, ItemType, Key};
use crate::kind::{Compile, Secrets, site};
use crate::model::DomainName;
use crate::shell::Secret;

/// What a site's home holds already.
const TAKEN: &[&str] = &["public", "logs", "sessions", "tmp"];

/// Why the name of the file cannot be.
pub(super) fn check(spec: &Database, invalid: &mut Invalid) {
    let Some(name) = &spec.write_settings else {
        return;
    };
    let is_name = name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && name.chars().any(|c| c.is_ascii_alphanumeric())
        && !name.starts_with('-');
    if !is_name {
        let hint = "it lies in the site's home: a name of letters, digits, `.`, `_` and `-`, such as `database.env`";
        invalid.push_with_hint(
            "write_settings",
            format!("{} is no name of a file", ticked(name)),
            hint,
        );
    } else if TAKEN.contains(&name.as_str()) || name.starts_with(".fleet") {
        invalid.push(
            "write_settings",
            format!("{} is taken in a site's home", ticked(name)),
        );
    }
    if spec.site.is_none() {
        invalid.push(
            "write_settings",
            "needs the website whose application is to read it (`--site`)",
        );
    }
    if spec.local_owner().is_none() {
        let message = "needs a user with the role `owner` who may come from `localhost`";
        invalid.push("write_settings", message);
    }
}

/// Where the file is.
pub(super) fn path(spec: &Database) -> Option<String> {
    let domain: DomainName = spec.site.as_ref()?.parse().ok()?;
    Some(format!(
        "{}/{}",
        site::home(&domain),
        spec.write_settings.as_ref()?
    ))
}

/// The file. It lies in a directory of root's and belongs to the site's user, who alone can read it.
pub(super) fn item(spec: &Database, input: &Compile<'_>) -> Result<Option<Item>, Invalid> {
    let domain = spec
        .site
        .as_ref()
        .and_then(|site| site.parse::<DomainName>().ok());
    let (Some(path), Some(domain)) = (path(spec), domain) else {
        return Ok(None);
    };
    let user = site::user_name(&domain);
    let content = text(spec, input.name, input.secrets).map_err(|refused| {
        let mut invalid = Invalid::default();
        invalid.push("write_settings", refused);
        invalid
    })?;
    Ok(Some(Item::from(File {
        path,
        content: Content::Login(content, account(spec)),
        mode: 0o600,
        owner: user.clone(),
        group: user,
        service: None,
        seed: false,
    })))
}

/// The item whose password is in it.
fn account(spec: &Database) -> Key {
    let user = spec.local_owner().map_or("", |(user, _)| user);
    let (item_type, name) = match spec.engine() {
        Engine::Mariadb => (ItemType::Mariadb, format!("user {user}@localhost")),
        Engine::Postgres => (ItemType::Postgres, format!("user {user}")),
    };
    Key { item_type, name }
}

/// Its content, in the form that `dotenv` and its like read, and the shell.
fn text(spec: &Database, name: &str, secrets: &dyn Secrets) -> Result<Secret, String> {
    let (user, password) = spec
        .local_owner()
        .ok_or("the database has no owner who may come from the server itself")?;
    let password = secrets.open(password)?;
    let engine = spec.engine();
    let (connection, scheme) = match engine {
        Engine::Mariadb => ("mysql", "mysql"),
        Engine::Postgres => ("pgsql", "postgresql"),
    };
    let port = engine.port();
    let url = format!(
        "{scheme}://{}:{}@localhost:{port}/{}",
        encoded(user),
        encoded(password.reveal()),
        encoded(name)
    );
    let mut text =
        String::from("# Written by fleet; what is changed here is put right by `fleet apply`.\n");
    for (key, value) in [
        ("DB_CONNECTION", connection),
        ("DB_HOST", "localhost"),
        ("DB_PORT", &port.to_string()),
        ("DB_DATABASE", name),
        ("DB_USERNAME", user),
        ("DB_PASSWORD", password.reveal()),
        ("DATABASE_URL", &url),
    ] {
        let _ = writeln!(text, "{key}={}", quoted(value));
    }
    Ok(Secret::new(text))
}

/// A value as it means itself: in single quotes, or in double ones where it has a single one in it.
fn quoted(value: &str) -> String {
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Percent-encoded, but for the unreserved characters (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_mean_themselves() {
        assert_eq!(quoted("a $b \"c\" \\"), "'a $b \"c\" \\'");
        assert_eq!(
            quoted("it's $x `y` \"z\" \\"),
            "\"it's \\$x \\`y\\` \\\"z\\\" \\\\\""
        );
        assert_eq!(encoded("a-b._~/@:ü "), "a-b._~%2F%40%3A%C3%BC%20");
    }
}
