//! Where a rule lets in from, with servers resolved to their addresses.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::Value;

use super::parse::{self, Source};
use crate::diagnostic::{Invalid, did_you_mean, ticked};
use crate::item::ruleset::Sources;
use crate::model::selector::Selector;
use crate::model::{Server, ServerName};

/// What `--from` and its like say, with servers resolved to their addresses.
///
/// # Errors
/// A value that is none, a server that does not exist, or one without a known address.
pub fn sources(
    field: &str,
    texts: &[String],
    servers: &BTreeMap<ServerName, Server>,
) -> Result<Sources, Invalid> {
    let mut invalid = Invalid::default();
    let mut sources = Sources::default();
    for text in texts {
        match parse::source(text) {
            Ok(Source::Any) => sources.any = true,
            Ok(Source::Network(network)) => {
                sources.networks.insert(network);
            }
            Ok(Source::Set(name)) => {
                sources.sets.insert(name.to_string());
            }
            Ok(Source::Servers(term)) => {
                for server in matching(field, &term, servers, &mut invalid) {
                    // By whichever way it comes: over a private network it has another one than for the world.
                    let addresses = server.known_addresses();
                    if addresses.is_empty() {
                        invalid.push_with_hint(
                            field,
                            format!("server `{}` has no address that is known", server.name),
                            format!("`fleet set-server {} --ipv4 ADDRESS`", server.name),
                        );
                    }
                    sources
                        .networks
                        .extend(addresses.into_iter().map(IpNet::from));
                }
            }
            Err((message, hint)) => invalid.push_with_hint(field, message, hint),
        }
    }
    invalid.into_result()?;
    Ok(sources)
}

/// What is wrong with `texts` that name a set which is not among those of the firewall, given as it is stored: a rule that
/// refers to one would have every later change of the rules refused.
pub fn unknown_sets(texts: &[String], firewalls: &[(String, Value)]) -> Vec<parse::Refused> {
    let sets = firewalls
        .iter()
        .filter_map(|(_, spec)| spec.get("sets")?.as_object());
    let known: Vec<&str> = sets
        .flat_map(|sets| sets.keys().map(String::as_str))
        .collect();
    let mut refused = Vec::new();
    for text in texts {
        let Ok(Source::Set(set)) = parse::source(text) else {
            continue;
        };
        let set = set.as_str();
        if known.contains(&set) {
            continue;
        }
        let hint = match did_you_mean(set, known.iter().copied()) {
            Some(near) => format!("did you mean `set:{near}`"),
            None => format!("`fleet add-addresses {set} ADDRESS...` makes it"),
        };
        refused.push((
            format!("there is no set of addresses {}", ticked(set)),
            hint,
        ));
    }
    refused
}

/// The servers of a term; none at all may be right by the day, but a name must be known.
fn matching<'s>(
    field: &str,
    term: &str,
    servers: &'s BTreeMap<ServerName, Server>,
    invalid: &mut Invalid,
) -> Vec<&'s Server> {
    let selected =
        Selector::parse(&[term.to_owned()]).and_then(|selector| selector.select(servers));
    match selected {
        Ok(found) => found,
        Err(errors) => {
            let is_name = term.parse::<ServerName>().is_ok();
            if let (true, Some(error)) = (is_name, errors.0.first()) {
                let hint = error.hints.first().cloned().unwrap_or_default();
                invalid.push_with_hint(field, error.message.clone(), hint);
            }
            Vec::new()
        }
    }
}
