//! Rules of the firewall (nftables). The struct is the flags, the stored JSON and the manifest.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Compile, Edge, Scope, Spec, Summary};
use crate::diagnostic::Invalid;
use crate::item::Item;
use crate::item::ruleset::{self, Ruleset, TCP, Verdict};
use crate::model::Role;

pub mod addresses;
pub mod parse;
pub mod rank;
#[cfg(test)]
mod tests;

/// The settings of a rule.
///
/// Fields that are not stored are arguments only: [`Spec::absorb`] turns them into those that are.
#[allow(clippy::struct_excessive_bools)] // Each is a flag of the command line.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Let in what it matches
    #[arg(long, conflicts_with_all = ["deny", "reject"])]
    #[serde(skip)]
    allow: bool,
    /// Drop what it matches without a word
    #[arg(long, conflicts_with_all = ["allow", "reject"])]
    #[serde(skip)]
    deny: bool,
    /// Drop what it matches and tell the sender
    #[arg(long, conflicts_with_all = ["allow", "deny"])]
    #[serde(skip)]
    reject: bool,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,

    /// Ports that are asked for: `443`, `80,443`, `1000-2000`; may be repeated [default: any]
    #[arg(long, value_name = "PORTS", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    port: Vec<String>,
    /// tcp, udp, icmp, sctp, esp, ... or a number; may be repeated [default: tcp with --port, else any]
    #[arg(long, value_name = "PROTOCOL", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protocol: Vec<String>,
    /// An address, a network, `server:SELECTOR`, `set:NAME`, or any; may be repeated [default: any]
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    /// On this server; may be repeated [default: all with a firewall]
    #[arg(
        long,
        value_name = "SERVER",
        value_delimiter = ',',
        conflicts_with = "on"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to_server: Vec<String>,
    /// On the servers of a selector, also those added later: `role=web`; may be repeated
    #[arg(long, value_name = "SELECTOR", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on: Vec<String>,

    /// Let in so many new connections from one address and drop the rest: `10/minute`
    #[arg(long, value_name = "N/UNIT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    /// Have the server log what it matches (10 lines a minute at the most)
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_log"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<bool>,
    /// Do not log [default]
    #[arg(long, hide = true)]
    #[serde(skip)]
    no_log: bool,
    /// It ends by itself after this time: `2h`, `7d`
    #[arg(long, value_name = "TIME")]
    #[serde(skip)]
    expires: Option<String>,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Ask it before that rule
    #[arg(long, value_name = "RULE", conflicts_with = "after")]
    #[serde(skip)]
    before: Option<String>,
    /// Ask it after that rule [default: after all others]
    #[arg(long, value_name = "RULE")]
    #[serde(skip)]
    after: Option<String>,
    #[arg(skip)]
    rank: i64,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Lets in.
    Allow,
    /// Drops.
    Deny,
    /// Drops and tells.
    Reject,
}

impl Action {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Reject => "reject",
        }
    }
}

impl Spec for Rule {
    const KIND: &'static str = "rule";
    const PLURAL: &'static str = "rules";
    const ABOUT: &'static str = "a rule";
    const NAME: &'static str = "NAME";
    const ROLE: Option<Role> = None;
    const PLACED: bool = false;
    const WEIGHT: u32 = 0;
    const WITHOUT: &'static [&'static str] = &["list-rules"];
    const EXAMPLE: &'static str = "fleet add-rule web --allow --port 80,443 --on role=web";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        parse::label(input)
            .map(|label| label.to_string())
            .map_err(|(message, hint)| {
                let mut invalid = Invalid::default();
                invalid.push_with_hint("", message, hint);
                invalid
            })
    }

    fn absorb(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        let given = [
            (self.allow, Action::Allow),
            (self.deny, Action::Deny),
            (self.reject, Action::Reject),
        ];
        self.action = given
            .into_iter()
            .find(|(given, _)| *given)
            .map(|(_, action)| action);
        if std::mem::take(&mut self.no_log) {
            self.log = None;
        }
        if let Some(text) = self.expires.take() {
            match parse::seconds(&text) {
                // Whole seconds: that is how exactly nftables is told.
                Ok(seconds) => {
                    self.expires_at =
                        Timestamp::from_second(edge.now().as_second().saturating_add(seconds)).ok();
                }
                Err((message, hint)) => invalid.push_with_hint("expires", message, hint),
            }
        }
        for text in self
            .port
            .iter_mut()
            .chain(&mut self.protocol)
            .chain(&mut self.from)
        {
            *text = text.trim_matches(' ').to_owned();
        }
        self.protocol
            .iter_mut()
            .for_each(|text| text.make_ascii_lowercase());
        match edge.others(super::firewall::Firewall::KIND) {
            Ok(firewalls) => {
                for (message, hint) in addresses::unknown_sets(&self.from, &firewalls) {
                    invalid.push_with_hint("from", message, hint);
                }
            }
            Err(message) => invalid.push("", message),
        }
        match edge.others(Self::KIND) {
            Ok(others) => {
                match rank::of(name, self.before.as_deref(), self.after.as_deref(), &others) {
                    Ok(rank) => self.rank = rank,
                    Err((message, hint)) => invalid.push_with_hint("", message, hint),
                }
            }
            Err(message) => invalid.push("", message),
        }
        (self.before, self.after) = (None, None);
        invalid.into_result()
    }

    fn sets(id: &str) -> &'static [&'static str] {
        match id {
            "allow" | "deny" | "reject" => &["action"],
            "no_log" => &["log"],
            "expires" => &["expires_at"],
            "before" | "after" => &["rank"],
            // One takes the place of the other.
            "to_server" | "on" => &["to_server", "on"],
            _ => &[],
        }
    }

    fn validate(&self, name: &str, _now: Timestamp) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if self.action.is_none() {
            invalid.push_with_hint(
                "",
                "does it let in or keep out?",
                "`--allow`, `--deny` or `--reject`",
            );
        }
        let note = |invalid: &mut Invalid, field: &str, (message, hint): parse::Refused| {
            invalid.push_with_hint(field, message, hint);
        };
        for text in &self.port {
            parse::ports(text).map_or_else(|refused| note(&mut invalid, "port", refused), drop);
        }
        for text in &self.protocol {
            parse::protocols(text)
                .map_or_else(|refused| note(&mut invalid, "protocol", refused), drop);
        }
        for text in &self.from {
            parse::source(text).map_or_else(|refused| note(&mut invalid, "from", refused), drop);
        }
        for (field, texts) in [("to_server", &self.to_server), ("on", &self.on)] {
            if !texts.is_empty()
                && let Err(errors) = crate::model::selector::Selector::parse(texts)
            {
                for error in errors.0 {
                    invalid.push_with_hint(field, error.message, error.hints.join("; "));
                }
            }
        }
        for text in self.on.iter().filter(|text| !parse::plain_term(text)) {
            let message = format!("{} is not a selector", crate::diagnostic::ticked(text));
            invalid.push_with_hint("on", message, "such as `web-*` or `role=web`");
        }
        for text in &self.to_server {
            if let Err(hint) = text.parse::<crate::model::ServerName>() {
                invalid.push_with_hint(
                    "to_server",
                    format!(
                        "{} is not the name of a server",
                        crate::diagnostic::ticked(text)
                    ),
                    hint,
                );
            }
        }
        if let Some(text) = &self.rate {
            parse::rate(text).map_or_else(|refused| note(&mut invalid, "rate", refused), drop);
            if self.action.is_some_and(|action| action != Action::Allow) {
                invalid.push_with_hint(
                    "rate",
                    "only what is let in can have a rate",
                    "what is more than the rate is dropped",
                );
            }
        }
        if let Some(text) = &self.comment {
            parse::comment(text)
                .map_or_else(|refused| note(&mut invalid, "comment", refused), drop);
        }
        if !self.port.is_empty() && !parse::have_ports(&self.protocols()) {
            invalid.push_with_hint(
                "port",
                "only tcp, udp, sctp, dccp and udplite have ports",
                "leave `--port` out, or give `--protocol tcp,udp`",
            );
        }
        if self.log == Some(true) && name.len() > 50 {
            invalid.push(
                "log",
                "a rule that logs has a name of 50 characters at the most",
            );
        }
        invalid.into_result()
    }

    /// It takes no room.
    fn scope(&self) -> Scope {
        match (&self.to_server[..], &self.on[..]) {
            ([], []) => Scope::Every(vec!["*".to_owned()]),
            ([], terms) => Scope::Every(terms.to_vec()),
            (names, _) => Scope::Every(names.to_vec()),
        }
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        if input.suspended {
            return Ok(Vec::new());
        }
        let rule = self.compiled(input.name, input.fleet.servers)?;
        Ok(vec![Ruleset::rule(rule).into()])
    }

    fn summary(&self, _name: &str) -> Summary {
        vec![
            ("action", self.action.map_or("", Action::word).into()),
            ("asks", self.asks().into()),
            ("from", self.comes_from().into()),
        ]
    }
}

impl Rule {
    /// Where it stands among the rules.
    pub fn rank(&self) -> i64 {
        self.rank
    }

    /// Moves it.
    pub fn set_rank(&mut self, rank: i64) {
        self.rank = rank;
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// What it is for.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// What it asks of protocol and port, and how often: `tcp 80,443, 10/minute`.
    pub fn asks(&self) -> String {
        let protocols = match (&self.protocol[..], self.port.is_empty()) {
            ([], true) => "any".to_owned(),
            ([], false) => "tcp".to_owned(),
            (words, _) => words.join(","),
        };
        let ports = self.port.join(",");
        let rate = self
            .rate
            .as_ref()
            .map(|rate| format!(", {rate}"))
            .unwrap_or_default();
        format!("{protocols} {ports}").trim_end().to_owned() + &rate
    }

    /// Where it comes from, in the admin's words.
    pub fn comes_from(&self) -> String {
        if self.from.is_empty() {
            "any".to_owned()
        } else {
            self.from.join(",")
        }
    }

    /// Whether it refers to a set of addresses.
    pub fn refers_to(&self, set: &str) -> bool {
        let set = set.to_ascii_lowercase();
        self.from.iter().any(|text| {
            matches!(parse::source(text), Ok(parse::Source::Set(name)) if name.as_str() == set)
        })
    }

    fn protocols(&self) -> BTreeSet<u8> {
        if self.protocol.is_empty() && !self.port.is_empty() {
            return BTreeSet::from([TCP]);
        }
        let read = self
            .protocol
            .iter()
            .filter_map(|text| parse::protocols(text).ok());
        let read: Vec<BTreeSet<u8>> = read.collect();
        // `any` is none in particular, whatever stands beside it.
        if read.iter().any(BTreeSet::is_empty) {
            return BTreeSet::new();
        }
        read.into_iter().flatten().collect()
    }

    /// The rule on a server.
    ///
    /// # Errors
    /// Sources that cannot be resolved, or settings that are none.
    pub fn compiled(
        &self,
        name: &str,
        servers: &std::collections::BTreeMap<crate::model::ServerName, crate::model::Server>,
    ) -> Result<ruleset::Rule, Invalid> {
        let mut invalid = Invalid::default();
        let from = if self.from.is_empty() {
            &["any".to_owned()][..]
        } else {
            &self.from
        };
        let sources = addresses::sources("from", from, servers)?;
        let label = parse::label(name);
        let (Ok(name), Some(action)) = (label, self.action) else {
            invalid.push("", "these are not the settings of a rule");
            return Err(invalid);
        };
        Ok(ruleset::Rule {
            name,
            rank: self.rank,
            verdict: match action {
                Action::Allow => Verdict::Allow,
                Action::Deny => Verdict::Deny,
                Action::Reject => Verdict::Reject,
            },
            protocols: self.protocols(),
            ports: parse::merged(self.port.iter().filter_map(|text| parse::ports(text).ok())),
            sources,
            rate: self.rate.as_ref().and_then(|text| parse::rate(text).ok()),
            log: self.log == Some(true),
            until: self.expires_at.map(Timestamp::as_second),
            comment: self.comment.clone(),
        })
    }
}
