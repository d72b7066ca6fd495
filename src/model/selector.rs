//! Which servers a sweep is for: `--server sg-1,jkt-*,web-[1-12],region=singapore,label:tier=gold,!sg-3`.
//!
//! Terms are separated by commas or come from repeated flags:
//!
//! | term | selects |
//! |---|---|
//! | `sg-1` | this server; an unknown name is an error |
//! | `jkt-*`, `web-?`, `web-[1-12]` | names that match the pattern ([`Pattern`]) |
//! | `region=singapore` | servers of the region; a pattern is allowed |
//! | `role=web` | servers with the role |
//! | `label:tier=gold`, `label:tier` | servers with the label; a pattern is allowed as the value |
//! | `transport=local` | servers reached that way |
//! | `active=false` | inactive (or with `true` active) servers |
//! | `!TERM` | takes away what the term selects |
//!
//! The result is everything any positive term selects, minus what the negative ones do, in order of name. With
//! negative terms only, they are taken from all active servers. Inactive servers are left out unless they are named
//! exactly (or by `active=false`), so an inactive server in the result is there on purpose.
//! A positive term that selects nothing is an error, and so is an empty result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Pattern, Role, Server, ServerName, TransportKind};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean, ticked};

const ATTRIBUTES: [&str; 5] = ["region", "role", "label:", "transport", "active"];

/// Parsed `--server` arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    positive: Vec<Term>,
    negative: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// As written, without the `!`.
    text: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Name(String),
    NameLike(Pattern),
    Region(Pattern),
    Role(Role),
    Label(String, Option<Pattern>),
    Transport(TransportKind),
    Active(bool),
}

impl Selector {
    /// Parses the values of all `--server` flags; none at all selects every active server.
    ///
    /// # Errors
    /// Every malformed term, of class usage.
    pub fn parse(arguments: &[String]) -> Result<Self, Diagnostics> {
        let mut selector = Self::default();
        let mut errors = Vec::new();
        for argument in arguments.iter().flat_map(|argument| split(argument)) {
            let (negated, text) = match argument.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, argument),
            };
            let side = if negated {
                &mut selector.negative
            } else {
                &mut selector.positive
            };
            match test(text) {
                Ok(parsed) => side.push(Term {
                    text: text.to_owned(),
                    test: parsed,
                }),
                Err(diagnostic) => errors.push(diagnostic),
            }
        }
        if errors.is_empty() {
            Ok(selector)
        } else {
            Err(Diagnostics(errors))
        }
    }

    /// Whether it was made from no term at all, and so selects every active server.
    pub fn is_all(&self) -> bool {
        self.positive.is_empty() && self.negative.is_empty()
    }

    /// Whether it is for `server`, whatever other servers there are; whether the server is active makes no difference.
    pub fn holds(&self, server: &Server) -> bool {
        let is_any = |terms: &[Term]| terms.iter().any(|term| term.test.holds(server));
        (self.positive.is_empty() || is_any(&self.positive)) && !is_any(&self.negative)
    }

    /// The error for each server that it names and that is not among `servers`.
    pub fn unknown(&self, servers: &BTreeMap<ServerName, Server>) -> Vec<Diagnostic> {
        let terms = self.positive.iter().chain(&self.negative);
        terms.filter_map(|term| term.known(servers).err()).collect()
    }

    /// The selected servers, in order of name.
    ///
    /// # Errors
    /// Unknown names, positive terms that match nothing and an empty result, all at once, of class usage.
    pub fn select<'a>(
        &self,
        servers: &'a BTreeMap<ServerName, Server>,
    ) -> Result<Vec<&'a Server>, Diagnostics> {
        if servers.is_empty() {
            return Err(Diagnostics(vec![no_servers()]));
        }
        let mut errors = Vec::new();
        let mut selected = BTreeSet::new();
        for term in &self.positive {
            match term.positive(servers) {
                Ok(found) => selected.extend(found.into_iter().map(|server| &server.name)),
                Err(diagnostic) => errors.push(diagnostic),
            }
        }
        if self.positive.is_empty() {
            let active = servers.values().filter(|server| server.active);
            selected.extend(active.map(|server| &server.name));
        }
        for term in &self.negative {
            if let Err(diagnostic) = term.known(servers) {
                errors.push(diagnostic);
            }
            selected.retain(|name| !term.test.holds(&servers[*name]));
        }
        if errors.is_empty() && selected.is_empty() {
            errors.push(if self.is_all() {
                Diagnostic::usage("every server of the inventory is inactive")
                    .hint("name a server exactly to use it all the same, or set `active = true`")
            } else {
                Diagnostic::usage(format!("{} selects no server", ticked(&self.to_string())))
                    .hint("`fleet list-servers` shows names, regions, roles and labels")
            });
        }
        if errors.is_empty() {
            Ok(selected.into_iter().map(|name| &servers[name]).collect())
        } else {
            Err(Diagnostics(errors))
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let positive = self.positive.iter().map(|term| ("", term));
        let negative = self.negative.iter().map(|term| ("!", term));
        for (index, (mark, term)) in positive.chain(negative).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{mark}{}", term.text)?;
        }
        Ok(())
    }
}

impl Term {
    fn positive<'a>(
        &self,
        servers: &'a BTreeMap<ServerName, Server>,
    ) -> Result<Vec<&'a Server>, Diagnostic> {
        self.known(servers)?;
        let matching = servers.values().filter(|server| self.test.holds(server));
        let (found, inactive): (Vec<_>, Vec<_>) = matching.partition(|server| {
            server.active || matches!(self.test, Test::Name(_) | Test::Active(_))
        });
        if !found.is_empty() {
            return Ok(found);
        }
        if !inactive.is_empty() {
            let names: Vec<_> = inactive.iter().map(|s| ticked(s.name.as_str())).collect();
            return Err(Diagnostic::usage(format!(
                "{} matches only inactive servers: {}",
                ticked(&self.text),
                names.join(", ")
            ))
            .hint("name a server exactly to use it all the same, or set `active = true`"));
        }
        let error = Diagnostic::usage(format!("{} matches no server", ticked(&self.text)));
        Err(match self.suggestion(servers) {
            Some(hint) => error.hint(hint),
            None => error.hint("`fleet list-servers` shows names, regions, roles and labels"),
        })
    }

    /// An exactly named server exists.
    fn known(&self, servers: &BTreeMap<ServerName, Server>) -> Result<(), Diagnostic> {
        match &self.test {
            Test::Name(name) if !servers.keys().any(|known| known.as_str() == name) => {
                Err(unknown_server(name, servers))
            }
            _ => Ok(()),
        }
    }

    fn suggestion(&self, servers: &BTreeMap<ServerName, Server>) -> Option<String> {
        let (prefix, known): (String, BTreeSet<&str>) = match &self.test {
            Test::Region(_) => (
                "region=".to_owned(),
                servers
                    .values()
                    .filter_map(|s| s.region.as_deref())
                    .collect(),
            ),
            Test::Label(key, Some(_)) => (
                format!("label:{key}="),
                servers
                    .values()
                    .filter_map(|s| s.labels.get(key))
                    .map(String::as_str)
                    .collect(),
            ),
            Test::Label(_, None) => (
                "label:".to_owned(),
                servers
                    .values()
                    .flat_map(|s| s.labels.keys())
                    .map(String::as_str)
                    .collect(),
            ),
            _ => return None,
        };
        let value = self.text.strip_prefix(&prefix)?;
        let near = did_you_mean(value, known.iter().copied())?;
        Some(format!("did you mean `{prefix}{near}`"))
    }
}

impl Test {
    fn holds(&self, server: &Server) -> bool {
        match self {
            Self::Name(name) => server.name.as_str() == name,
            Self::NameLike(pattern) => pattern.matches(server.name.as_str()),
            Self::Region(pattern) => server
                .region
                .as_deref()
                .is_some_and(|region| pattern.matches(region)),
            Self::Role(role) => server.roles.contains(role),
            Self::Label(key, None) => server.labels.contains_key(key),
            Self::Label(key, Some(pattern)) => server
                .labels
                .get(key)
                .is_some_and(|value| pattern.matches(value)),
            Self::Transport(transport) => server.transport == *transport,
            Self::Active(active) => server.active == *active,
        }
    }
}

/// The error for an inventory without servers.
pub fn no_servers() -> Diagnostic {
    Diagnostic::usage("the inventory has no servers")
        .hint("add one with `fleet add-server NAME --address ADDRESS`")
}

/// The error for a server name that is not in the inventory, with the nearest name that is.
pub fn unknown_server(name: &str, servers: &BTreeMap<ServerName, Server>) -> Diagnostic {
    let error = Diagnostic::usage(format!("unknown server {}", ticked(name)));
    if name == "all" {
        return error.hint("write '*' (in quotes) for every active server");
    }
    if name.contains(',') {
        return error.hint("name one server; this takes no list");
    }
    match did_you_mean(name, servers.keys().map(ServerName::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`")),
        None => error.hint("`fleet list-servers` shows the servers of the inventory"),
    }
}

/// The terms of one argument: split at commas that are not inside `[...]`.
fn split(argument: &str) -> Vec<&str> {
    let mut inside = false;
    argument
        .split(|c| {
            inside = (inside || c == '[') && c != ']';
            c == ',' && !inside
        })
        .map(str::trim)
        .collect()
}

fn test(text: &str) -> Result<Test, Diagnostic> {
    let bad = |why: &str| Diagnostic::usage(format!("bad server selector {}: {why}", ticked(text)));
    let pattern = |text: &str| Pattern::parse(text).map_err(|why| bad(&why));
    if text.is_empty() {
        return Err(Diagnostic::usage("empty server selector")
            .hint("write a name, a pattern such as 'web-*', or `region=...`"));
    }
    if let Some(label) = text.strip_prefix("label:") {
        let (key, value) = match label.split_once('=') {
            Some((key, value)) => (key, Some(pattern(value)?)),
            None => (label, None),
        };
        if key.is_empty() {
            return Err(bad("the label's key is missing").hint("write `label:KEY=VALUE`"));
        }
        return Ok(Test::Label(key.to_owned(), value));
    }
    let Some((attribute, value)) = text.split_once('=') else {
        if Pattern::is_pattern(text) {
            return Ok(Test::NameLike(pattern(text)?));
        }
        return Ok(Test::Name(text.to_owned()));
    };
    if value.is_empty() {
        return Err(bad("the value is missing"));
    }
    match attribute {
        "region" => Ok(Test::Region(pattern(value)?)),
        "role" => Role::ALL
            .into_iter()
            .find(|role| role.word() == value)
            .map(Test::Role)
            .ok_or_else(|| {
                let error = bad(&format!("unknown role {}", ticked(value)));
                choose(error, value, &Role::ALL.map(Role::word))
            }),
        "transport" => match value {
            "ssh" => Ok(Test::Transport(TransportKind::Ssh)),
            "local" => Ok(Test::Transport(TransportKind::Local)),
            _ => Err(choose(bad("unknown transport"), value, &["ssh", "local"])),
        },
        "active" => match value {
            "true" => Ok(Test::Active(true)),
            "false" => Ok(Test::Active(false)),
            _ => Err(bad("`active` is `true` or `false`")),
        },
        _ => {
            if let Some(attribute) = attribute.strip_suffix('!') {
                return Err(bad("`!=` is not known")
                    .hint(format!("write `!{attribute}={value}` to leave servers out")));
            }
            let error = bad(&format!("unknown attribute {}", ticked(attribute)));
            Err(match did_you_mean(attribute, ATTRIBUTES) {
                Some(near) => error.hint(format!("did you mean `{near}`")),
                None => error.hint(format!(
                    "attributes are region, role, transport and active; \
                     write `label:{attribute}={value}` for a label"
                )),
            })
        }
    }
}

fn choose(error: Diagnostic, word: &str, known: &[&str]) -> Diagnostic {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`")),
        None => error.hint(format!("one of {}", known.join(", "))),
    }
}

#[cfg(test)]
#[path = "selector_tests.rs"]
mod tests;
