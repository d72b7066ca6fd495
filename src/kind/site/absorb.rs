//! From arguments to what is stored: files are read, passwords asked for, names folded, `--no-x` turned into `x`.

use std::path::Path;

use super::{Site, TlsKey, auth, tls};
use crate::diagnostic::Invalid;
use crate::kind::Edge;
use crate::kind::reason::Reason;
use crate::model::DomainName;
use crate::model::domain::HostPattern;
use crate::shell::Secret;

impl Site {
    /// See [`crate::kind::Spec::absorb`].
    pub(super) fn absorb_all(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        self.absorb_switches();
        self.fold_names(name);
        let mut invalid = Invalid::default();
        self.absorb_snippet(edge, &mut invalid);
        self.absorb_tls(edge, &mut invalid);
        self.absorb_auth(name, edge, &mut invalid);
        invalid.into_result()
    }

    /// Folds each `--no-x` into its field `x`.
    fn absorb_switches(&mut self) {
        for (off, field) in [
            (&mut self.no_www, &mut self.www),
            (&mut self.no_single_page, &mut self.single_page),
            (&mut self.no_gzip, &mut self.gzip),
            (&mut self.no_upstream_verify, &mut self.upstream_verify),
            (&mut self.no_websocket, &mut self.websocket),
            (&mut self.no_force_https, &mut self.force_https),
            (&mut self.no_ipv6, &mut self.ipv6),
            (&mut self.no_access_log, &mut self.access_log),
            (&mut self.no_health_trust, &mut self.health_trust),
        ] {
            if std::mem::take(off) {
                *field = Some(false);
            }
        }
    }

    /// Writes names as they are stored, without the site's own `name` among its aliases. One that is not a name stays, for
    /// the check to refuse it.
    fn fold_names(&mut self, name: &str) {
        for alias in &mut self.alias {
            if let Ok(pattern) = alias.parse::<HostPattern>() {
                *alias = pattern.to_string();
            }
        }
        self.alias.retain(|alias| alias != name);
        if let Some(canonical) = &mut self.canonical
            && let Ok(name) = canonical.parse::<DomainName>()
        {
            *canonical = name.into();
        }
    }

    fn absorb_snippet(&mut self, edge: &mut dyn Edge, invalid: &mut Invalid) {
        if let Some(path) = self.snippet_file.take()
            && let Some(text) = read(&path, "snippet", edge, invalid)
        {
            self.snippet = Some(text.replace("\r\n", "\n"));
        }
    }

    fn absorb_tls(&mut self, edge: &mut dyn Edge, invalid: &mut Invalid) {
        if let Some(path) = self.tls_certificate_file.take()
            && let Some(text) = read(&path, "tls_certificate", edge, invalid)
        {
            // Only the certificates are kept: some files hold the private key too.
            match tls::certificates_of(&text) {
                Ok(text) => {
                    tls::check_dates(&text, edge, invalid);
                    self.tls_certificate = Some(text);
                }
                Err(reason) => push(invalid, "tls_certificate", reason),
            }
        }
        if let Some(path) = self.tls_key_file.take()
            && let Some(text) = read_secret(&path, "tls_key", edge, invalid)
        {
            match tls::private_key_of(&text) {
                Err(reason) => push(invalid, "tls_key", reason),
                Ok(key) => match edge.seal(key.pem) {
                    Ok(sealed) => {
                        self.tls_key = Some(TlsKey {
                            key: sealed,
                            public: key.public,
                        });
                    }
                    Err(error) => invalid.push("tls_key", error),
                },
            }
        }
    }

    fn absorb_auth(&mut self, name: &str, edge: &mut dyn Edge, invalid: &mut Invalid) {
        let users = std::mem::take(&mut self.auth_user);
        let file = self.auth_password_file.take();
        if users.is_empty() {
            return;
        }
        // A name that cannot be is found before anybody is asked for a password.
        let problems = invalid.problems.len();
        for (at, user) in users.iter().enumerate() {
            if let Err(reason) = auth::check_user(user) {
                push(invalid, "auth_user", reason);
            } else if users[..at].contains(user) {
                invalid.push("auth_user", format!("`{user}` is given twice"));
            }
        }
        if invalid.problems.len() > problems {
            return;
        }
        let Some(passwords) = passwords(&users, file.as_deref(), name, edge, invalid) else {
            return;
        };
        for (user, password) in users.into_iter().zip(passwords) {
            match auth::seal_password(name, &user, &password, edge) {
                Ok(user) => self.auth.push(user),
                Err(reason) => push(invalid, "auth_user", reason),
            }
        }
    }
}

/// The password of each user: a line of the file each, or asked for.
fn passwords(
    users: &[String],
    file: Option<&Path>,
    name: &str,
    edge: &mut dyn Edge,
    invalid: &mut Invalid,
) -> Option<Vec<Secret>> {
    if let Some(path) = file {
        let text = read_secret(path, "auth_password_file", edge, invalid)?;
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() != users.len() {
            invalid.push_with_hint(
                "auth_password_file",
                format!(
                    "{} {} for {} {}",
                    lines.len(),
                    if lines.len() == 1 { "line" } else { "lines" },
                    users.len(),
                    if users.len() == 1 { "user" } else { "users" },
                ),
                "one password in a line for each `--auth-user`, in their order",
            );
            return None;
        }
        return Some(lines.into_iter().map(Secret::new).collect());
    }
    let mut passwords = Vec::new();
    for user in users {
        match edge.ask_password(&format!("password of {user} for {name}")) {
            Ok(password) => passwords.push(password),
            Err(error) => {
                invalid.push_with_hint(
                    "auth_user",
                    error,
                    "without a terminal, give the passwords with `--auth-password-file FILE`, or `-` for standard input",
                );
                return None;
            }
        }
    }
    Some(passwords)
}

fn read(
    path: &Path,
    field: &'static str,
    edge: &mut dyn Edge,
    invalid: &mut Invalid,
) -> Option<String> {
    taken(edge.read_file(path), field, invalid)
}

fn read_secret(
    path: &Path,
    field: &'static str,
    edge: &mut dyn Edge,
    invalid: &mut Invalid,
) -> Option<String> {
    taken(edge.read_secret_file(path), field, invalid)
}

fn taken(
    text: Result<String, String>,
    field: &'static str,
    invalid: &mut Invalid,
) -> Option<String> {
    match text {
        Ok(text) => Some(text),
        Err(error) => {
            // It names the file.
            invalid.push(field, error);
            None
        }
    }
}

fn push(invalid: &mut Invalid, field: &'static str, reason: Reason) {
    match reason.hint {
        Some(hint) => invalid.push_with_hint(field, reason.message, hint),
        None => invalid.push(field, reason.message),
    }
}
