//! What a change means for who is let in: what is served to all and shut out now, rules that never decide. Told before it
//! is carried out, since a firewall does as it is told.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::Value;

use super::firewall;
use crate::context::Context;
use crate::inventory::Inventory;
use crate::item::ruleset::{self, Base, Decider, Idle, Ruleset, Served, protocol_word};
use crate::kind::firewall::Firewall;
use crate::kind::rule::{Rule, parse};
use crate::kind::{KINDS, Kind, Spec, from_json, kind};
use crate::model::{ResourceName, Server, ServerName, Snapshot, TaskChange};
use crate::state::{Filter, Read};

/// So many are named, and how many more there are is said.
const NAMED: usize = 4;

/// Something that an admin may not have meant.
#[derive(Debug)]
pub(super) struct Warning {
    text: String,
    hint: Option<String>,
}

/// Tells them.
pub(super) fn tell(context: &Context, warnings: &[Warning]) {
    for warning in warnings {
        context.ui.warn(&warning.text);
        if let Some(hint) = &warning.hint {
            context.ui.hint(hint);
        }
    }
}

/// What is to be told of what a task has recorded; `enabling` are servers whose firewall it enables, be it once more.
pub(super) fn warnings(
    read: &Read,
    inventory: &Inventory,
    changes: &[TaskChange],
    enabling: &BTreeSet<ServerName>,
    now: Timestamp,
) -> anyhow::Result<Vec<Warning>> {
    let of = |word: &str| changes.iter().any(|change| change.name.kind == word);
    let rules_change = of(Rule::KIND) || of(Firewall::KIND) || !enabling.is_empty();
    let serving = |word: &str| kind(word).is_some_and(|kind| kind.has_served);
    if !rules_change && !changes.iter().any(|change| serving(&change.name.kind)) {
        return Ok(Vec::new());
    }
    // Without a firewall nobody is shut out, and there may be many rules to read.
    if !rules_change && read.find(&firewall::name())?.is_none() {
        return Ok(Vec::new());
    }
    let recorded = recorded(read, rules_change, changes)?;
    let was = before(&recorded, changes);
    let mut after = Guard::of(&recorded, inventory, now)?;
    let mut before = Guard::of(&was, inventory, now)?;
    before.guarded.retain(|server| !enabling.contains(server));
    let mut warnings = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.has_served) {
        let served = served(kind, &recorded)?;
        let had = self::served(kind, &was)?;
        let mut shut: BTreeMap<Option<String>, Shut> = BTreeMap::new();
        for (asked, names) in &served {
            let Some(by) = after.shuts_out(&asked.0, asked.1) else {
                continue;
            };
            let shut_before = before.shuts_out(&asked.0, asked.1).is_some();
            let known = had.get(asked).filter(|_| shut_before);
            let new = names
                .iter()
                .filter(|name| !known.is_some_and(|known| known.contains(*name)));
            let new: Vec<&ResourceName> = new.copied().collect();
            if new.is_empty() {
                continue;
            }
            let by = match by {
                Decider::Rule(name) => Some(name),
                _ => None,
            };
            let shut = shut.entry(by).or_default();
            shut.servers.insert(&asked.0);
            shut.names.extend(new);
            shut.served.insert(asked.1);
        }
        let rules = recorded.keys().filter(|name| name.kind == Rule::KIND);
        let taken: BTreeSet<&str> = rules.map(|name| &*name.name).collect();
        warnings.extend(
            shut.iter()
                .map(|(by, shut)| shut.warning(kind, by.as_deref(), inventory, &taken)),
        );
    }
    warnings.extend(idle(&after, changes));
    Ok(warnings)
}

/// What is recorded of each resource that matters: the rules, the firewall, and what is served to all; that of
/// unchanged resources only where the rules themselves change.
fn recorded(
    read: &Read,
    rules_change: bool,
    changes: &[TaskChange],
) -> anyhow::Result<BTreeMap<ResourceName, Snapshot>> {
    let mut found = BTreeMap::new();
    let wanted = KINDS
        .iter()
        .filter(|kind| [Rule::KIND, Firewall::KIND].contains(&kind.word) || kind.has_served);
    for kind in wanted {
        let own = changes
            .iter()
            .filter(|change| change.name.kind == kind.word);
        let own: BTreeSet<String> = own.map(|change| change.name.name.clone()).collect();
        let filter = Filter {
            kind: Some(kind.word),
            names: (kind.has_served && !rules_change).then_some(&own),
            ..Filter::default()
        };
        for resource in read.resources(&filter)? {
            found.insert(resource.name.clone(), Snapshot::of(&resource));
        }
    }
    Ok(found)
}

/// The same as it was before the changes.
fn before(
    recorded: &BTreeMap<ResourceName, Snapshot>,
    changes: &[TaskChange],
) -> BTreeMap<ResourceName, Snapshot> {
    let mut was = recorded.clone();
    for change in changes {
        match &change.before {
            Some(before) => was.insert(change.name.clone(), before.clone()),
            None => was.remove(&change.name),
        };
    }
    was
}

/// Of a kind, which resources are asked for at which ports of which servers.
type Asked<'a> = BTreeMap<(ServerName, Served), BTreeSet<&'a ResourceName>>;

fn served<'a>(
    kind: &Kind,
    recorded: &'a BTreeMap<ResourceName, Snapshot>,
) -> anyhow::Result<Asked<'a>> {
    let mut asked = Asked::new();
    for (name, there) in recorded {
        if name.kind != kind.word || there.suspended {
            continue;
        }
        for served in (kind.serves)(&there.spec)? {
            for (server, _) in &there.placements {
                asked
                    .entry((server.clone(), served))
                    .or_default()
                    .insert(name);
            }
        }
    }
    Ok(asked)
}

/// The rules of all servers.
struct Guard<'a> {
    /// Where the firewall is enabled.
    guarded: BTreeSet<ServerName>,
    sets: BTreeMap<String, BTreeSet<IpNet>>,
    rules: Vec<Placed<'a>>,
    /// What was found out: many servers have the same rules.
    known: BTreeMap<(Vec<usize>, Served), Option<Decider>>,
}

/// A rule, with its servers.
struct Placed<'a> {
    name: &'a str,
    on: BTreeSet<&'a ServerName>,
    rule: ruleset::Rule,
}

impl<'a> Guard<'a> {
    fn of(
        recorded: &'a BTreeMap<ResourceName, Snapshot>,
        inventory: &Inventory,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let servers = |there: &'a Snapshot| there.placements.iter().map(|(server, _)| server);
        let mut guard = Self {
            guarded: BTreeSet::new(),
            sets: BTreeMap::new(),
            rules: Vec::new(),
            known: BTreeMap::new(),
        };
        if let Some(there) = recorded.get(&firewall::name()) {
            guard.guarded = servers(there).cloned().collect();
            let networks = |members: BTreeSet<String>| {
                members
                    .iter()
                    .filter_map(|text| parse::network(text).ok())
                    .collect()
            };
            let sets = from_json::<Firewall>(&there.spec)?.sets.into_iter();
            guard.sets = sets
                .map(|(name, members)| (name, networks(members)))
                .collect();
        }
        let rules = recorded
            .iter()
            .filter(|(name, there)| name.kind == Rule::KIND && !there.suspended);
        for (name, there) in rules {
            let spec: Rule = from_json(&there.spec)?;
            let over = spec.expires_at().is_some_and(|end| end <= now);
            // One whose sources cannot be told is held back by itself.
            if let Ok(rule) = spec.compiled(&name.name, &inventory.servers)
                && !over
            {
                guard.rules.push(Placed {
                    name: &name.name,
                    on: servers(there).collect(),
                    rule,
                });
            }
        }
        Ok(guard)
    }

    /// Which rules a server has.
    fn rules_of(&self, server: &ServerName) -> Vec<usize> {
        let here = |index: &usize| self.rules[*index].on.contains(server);
        (0..self.rules.len()).filter(here).collect()
    }

    fn ruleset(&self, rules: &[usize]) -> Ruleset {
        let rules = rules.iter().map(|index| self.rules[*index].rule.clone());
        Ruleset {
            base: Some(Base {
                sets: self.sets.clone(),
                ..Base::default()
            }),
            rules: rules
                .map(|rule| ((rule.rank, rule.name.clone()), rule))
                .collect(),
            ..Ruleset::default()
        }
    }

    /// What keeps everybody out from what a server serves.
    fn shuts_out(&mut self, on: &ServerName, served: Served) -> Option<Decider> {
        if !self.guarded.contains(on) {
            return None;
        }
        let key = (self.rules_of(on), served);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.ruleset(&key.0).shuts_out(served);
        self.known.insert(key, found.clone());
        found
    }
}

/// What is served to all and let in from nobody.
#[derive(Default)]
struct Shut<'a> {
    servers: BTreeSet<&'a ServerName>,
    names: BTreeSet<&'a ResourceName>,
    served: BTreeSet<Served>,
}

impl Shut<'_> {
    fn warning(
        &self,
        kind: &Kind,
        by: Option<&str>,
        inventory: &Inventory,
        taken: &BTreeSet<&str>,
    ) -> Warning {
        let mut protocols: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for served in &self.served {
            protocols
                .entry(served.protocol)
                .or_default()
                .push(served.port.to_string());
        }
        let asked = protocols
            .iter()
            .map(|(protocol, ports)| format!("{} {}", protocol_word(*protocol), ports.join(",")));
        let asked: Vec<String> = asked.collect();
        let on: Vec<String> = self
            .servers
            .iter()
            .map(|server| format!("`{server}`"))
            .collect();
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        let (asked, where_to, names) = (asked.join(" and "), some(&on), some(&names));
        let text = match by {
            Some(rule) => {
                format!("rule `{rule}` keeps everybody out from {asked} on {where_to}: {names}")
            }
            None => format!("no rule lets anybody in to {asked} on {where_to}: {names}"),
        };
        // One rule for each protocol, unless the ports are the same.
        let mut rules: BTreeMap<&[String], Vec<String>> = BTreeMap::new();
        for (protocol, ports) in &protocols {
            rules
                .entry(ports)
                .or_default()
                .push(protocol_word(*protocol));
        }
        let mut free = free_names(kind.role.map_or(kind.word, crate::model::Role::word), taken);
        let role = kind.role.filter(|role| {
            let has = |name: &&ServerName| {
                inventory
                    .servers
                    .get(*name)
                    .is_some_and(|server: &Server| server.roles.contains(role))
            };
            self.servers.iter().all(has)
        });
        let servers: Vec<&str> = self.servers.iter().map(|server| server.as_str()).collect();
        let on = match role {
            Some(role) => format!("--on role={role}"),
            None => format!("--to-server {}", servers.join(",")),
        };
        let lines = rules.into_iter().map(|(ports, protocols)| {
            let mut words = vec![
                format!("fleet add-rule {} --allow", free.next().unwrap_or_default()),
                format!("--port {}", ports.join(",")),
            ];
            if protocols != ["tcp"] {
                words.push(format!("--protocol {}", protocols.join(",")));
            }
            words.push(on.clone());
            words.extend(by.map(|rule| format!("--before {rule}")));
            format!("`{}`", words.join(" "))
        });
        let lines: Vec<String> = lines.collect();
        Warning {
            text,
            hint: Some(format!("{} lets them in", lines.join(" and "))),
        }
    }
}

/// `web`, `web-2`, ...: those that no rule has.
fn free_names<'a>(word: &'a str, taken: &'a BTreeSet<&str>) -> impl Iterator<Item = String> + 'a {
    let names = std::iter::once(word.to_owned())
        .chain((2..).map(move |number: u32| format!("{word}-{number}")));
    names.filter(|name| !taken.contains(name.as_str()))
}

/// `a, b, c, d and 96 more`.
fn some(all: &[String]) -> String {
    let first = if all.len() > NAMED + 1 {
        NAMED
    } else {
        all.len()
    };
    let text = all[..first].join(", ");
    match all.len() - first {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// The rules among what was changed that never decide.
fn idle(guard: &Guard<'_>, changes: &[TaskChange]) -> Vec<Warning> {
    let matters = |spec: &Value| {
        let mut spec = spec.clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.retain(|field, _| field != "comment" && field != "log");
        }
        spec
    };
    let mut warnings = Vec::new();
    for change in changes
        .iter()
        .filter(|change| change.name.kind == Rule::KIND)
    {
        let same = change
            .before
            .as_ref()
            .zip(change.after.as_ref())
            .is_some_and(|(before, after)| {
                !before.suspended && matters(&before.spec) == matters(&after.spec)
            });
        let Some(placed) = guard
            .rules
            .iter()
            .find(|rule| rule.name == change.name.name && !same)
        else {
            continue;
        };
        let mut alike: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
        for server in &placed.on {
            alike
                .entry(guard.rules_of(server))
                .or_default()
                .push(format!("`{server}`"));
        }
        let mut found: Vec<(Idle, Vec<String>)> = Vec::new();
        for (rules, servers) in alike {
            let Some(idle) = guard.ruleset(&rules).idle(placed.name) else {
                continue;
            };
            match found.iter_mut().find(|(other, _)| *other == idle) {
                Some((_, on)) => on.extend(servers),
                None => found.push((idle, servers)),
            }
        }
        for (idle, servers) in found {
            let name = placed.name;
            let everywhere = servers.len() == placed.on.len();
            let on = if everywhere {
                String::new()
            } else {
                format!(" on {}", some(&servers))
            };
            let hint = match &idle {
                Idle::Shadowed(by) => by.first().map(|first| {
                    format!("`fleet move-rule {name} --before {first}` has it asked first")
                }),
                Idle::Unreachable(_) | Idle::Empty => None,
            };
            let why = match &idle {
                Idle::Empty => "no address is among its sources".to_owned(),
                Idle::Unreachable(by) => {
                    doing(by, "does the same before it", "do the same before it")
                }
                Idle::Shadowed(by) => doing(by, "decides before it", "decide before it"),
            };
            warnings.push(Warning {
                text: format!("rule `{name}` never decides{on}: {why}"),
                hint,
            });
        }
    }
    warnings
}

/// Rules with what they do: "rule `a` decides", "rules `a`, `b` decide".
fn doing(names: &[String], one: &str, several: &str) -> String {
    let ticked: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.len() == 1 {
        format!("rule {} {one}", ticked.join(", "))
    } else {
        format!("rules {} {several}", some(&ticked))
    }
}
