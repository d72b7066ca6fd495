//! What a health sweep checks of what is placed on the servers, from there and from here; and how that is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::Look;
use crate::health::checks::{Asked, Outside, Visit, Visited};
use crate::kind::KINDS;
use crate::kind::wanted::Wanted;
use crate::model::check::{Aspect, CheckLimits, Extent, Status, Vantage};
use crate::model::{
    Check, Health, Placement, PlacementStatus, Resource, ResourceName, Server, ServerName,
    TransportKind,
};
use crate::state::{Filter, Read};
use crate::ui::{Page, Tone};

/// How much longer than the look itself the checks of a server may take, there and from here.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Requests from here at the same time.
const PARALLEL: usize = 128;

/// How long the look-up of a server's own name may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// What to check.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct CheckArgs {
    /// Look at the servers themselves alone, not at the services and sites on them
    #[arg(long, conflicts_with_all = ["server_only", "sites"])]
    no_checks: bool,
    /// Check from the servers alone: make no request to a site or a zone from here
    #[arg(long, conflicts_with = "history")]
    server_only: bool,
    /// Check this site alone, on its server, and where its name leads; may be repeated
    #[arg(
        long = "site",
        value_name = "DOMAIN",
        value_delimiter = ',',
        conflicts_with = "history"
    )]
    sites: Vec<String>,
}

/// What is to be checked, by server, and from here.
#[derive(Debug, Default)]
pub(super) struct Checking {
    asked: BTreeMap<ServerName, Asked>,
    visits: Vec<Visit>,
    /// Servers that are reached by a name: their addresses are looked up first.
    names: BTreeMap<ServerName, String>,
    /// Whether single sites alone are checked.
    part: bool,
    /// Whether nothing is checked.
    nothing: bool,
    /// How many visits are made to what is on a server; `None` when they are left out.
    expected: Option<BTreeMap<ServerName, usize>>,
    /// From when on what is found on a server needs attention.
    limits: BTreeMap<ServerName, CheckLimits>,
}

impl CheckArgs {
    /// The servers that a sweep is about: of `servers`, where single sites are asked for, those that have one.
    ///
    /// # Errors
    /// A site that there is not, or that nobody would look at on any of `servers`.
    pub(super) fn narrow<'c>(
        &self,
        context: &Context,
        servers: Vec<&'c Server>,
    ) -> anyhow::Result<Vec<&'c Server>> {
        if self.sites.is_empty() {
            return Ok(servers);
        }
        let state = context.state_to_read()?;
        let mut wanted = BTreeSet::new();
        for name in &self.sites()? {
            let name = ResourceName::new("site", name);
            let found = match &state {
                Some(state) => state.read(|read| read.find(&name))?,
                None => None,
            };
            let Some(site) = found else {
                return Err(Diagnostic::usage(format!("there is no {name}"))
                    .hint("`fleet list-sites` names them all")
                    .into());
            };
            wanted.extend(looked_at(&site, &servers)?);
        }
        Ok(servers
            .into_iter()
            .filter(|server| wanted.contains(&server.name))
            .collect())
    }

    /// The sites' names in their one form.
    fn sites(&self) -> anyhow::Result<BTreeSet<String>> {
        let site = KINDS.iter().find(|kind| kind.word == "site");
        let mut names = BTreeSet::new();
        for name in &self.sites {
            let canonical = match site {
                Some(site) => (site.canonical_name)(name).map_err(|invalid| {
                    let reason = invalid.problems.first().map(|p| p.message.clone());
                    Diagnostic::usage(reason.unwrap_or_else(|| format!("`{name}` is no site")))
                })?,
                None => name.clone(),
            };
            names.insert(canonical);
        }
        Ok(names)
    }

    /// Whether there is to be more than a look at the servers themselves.
    pub(super) fn any(&self) -> bool {
        !self.no_checks
    }

    /// What is to be checked on `servers`.
    pub(super) fn checking(
        &self,
        context: &Context,
        servers: &[&Server],
    ) -> anyhow::Result<Checking> {
        if self.no_checks {
            return Ok(Checking {
                nothing: true,
                ..Checking::default()
            });
        }
        let only = self.sites()?;
        let settings = &context.inventory()?.health;
        let mut checking = Checking {
            part: !only.is_empty(),
            ..Checking::default()
        };
        for server in servers {
            let asked = Asked {
                only: checking.part,
                ..Asked::default()
            };
            checking.asked.insert(server.name.clone(), asked);
            let limits = settings.rules(server).checks;
            checking.limits.insert(server.name.clone(), limits);
        }
        if let Some(state) = context.state_to_read()? {
            state.read(|read| checking.fill(read, servers, &only))?;
        }
        if self.server_only {
            checking.visits.clear();
        } else {
            let mut expected = BTreeMap::new();
            for visit in &checking.visits {
                *expected.entry(visit.server.clone()).or_default() += 1;
            }
            checking.expected = Some(expected);
        }
        Ok(checking)
    }
}

/// Whether it is looked at: what was never there, or is to go, cannot be unwell.
fn is_there(place: &Placement) -> bool {
    place.applied_generation > 0 && place.status != PlacementStatus::Removing
}

/// On which of `servers` a site that was asked for is looked at.
///
/// # Errors
/// On none: that must not look like all is well.
fn looked_at(site: &Resource, servers: &[&Server]) -> Result<BTreeSet<ServerName>, Diagnostic> {
    let (whole, name) = (&site.name, &site.name.name);
    if site.suspended {
        return Err(Diagnostic::usage(format!("{whole} is suspended"))
            .hint(format!("`fleet resume-site {name}` brings it back")));
    }
    let mut places: Vec<&Placement> = site.placements.iter().collect();
    places.retain(|place| servers.iter().any(|server| server.name == place.server));
    if places.is_empty() {
        return Err(
            Diagnostic::usage(format!("{whole} is on none of these servers"))
                .hint(format!("`fleet show-site {name}` tells where it is")),
        );
    }
    places.retain(|place| is_there(place));
    if places.is_empty() {
        return Err(Diagnostic::usage(format!("{whole} is not applied yet"))
            .hint(format!("`fleet apply {name}` does it")));
    }
    Ok(places.iter().map(|place| place.server.clone()).collect())
}

impl Checking {
    /// Adds what is placed on `servers`; of `only` these sites, when there are any.
    fn fill(
        &mut self,
        read: &Read,
        servers: &[&Server],
        only: &BTreeSet<String>,
    ) -> Result<(), Diagnostic> {
        let by_name: BTreeMap<&ServerName, &Server> = servers
            .iter()
            .map(|server| (&server.name, *server))
            .collect();
        let mut zones: BTreeSet<String> = BTreeSet::new();
        let filter = Filter {
            kind: Some("zone"),
            ..Filter::default()
        };
        read.each_listed(&filter, |zone| {
            zones.insert(zone.name.to_owned());
        })?;
        for kind in KINDS.iter().filter(|kind| kind.checked) {
            if !only.is_empty() && kind.word != "site" {
                continue;
            }
            let filter = Filter {
                kind: Some(kind.word),
                names: (!only.is_empty()).then_some(only),
                ..Filter::default()
            };
            for resource in read.resources(&filter)? {
                let places: Vec<&Server> = resource
                    .placements
                    .iter()
                    .filter(|place| is_there(place))
                    .filter_map(|place| by_name.get(&place.server).copied())
                    .collect();
                if places.is_empty() {
                    continue;
                }
                // Specs are checked when they are stored; one that is broken is told by `plan`.
                let name = &resource.name;
                let wanted = (kind.wanted)(&resource.spec, &name.name, resource.suspended);
                for wanted in wanted.unwrap_or_default() {
                    for server in &places {
                        self.add(server, name, &wanted, &zones, !only.is_empty());
                    }
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        server: &Server,
        name: &ResourceName,
        wanted: &Wanted,
        zones: &BTreeSet<String>,
        resolve: bool,
    ) {
        let page = match wanted {
            Wanted::Page(page) => Some(page.as_ref().clone()),
            _ => None,
        };
        if page.is_some() || *wanted == Wanted::Zone {
            let is_fleets = |host: &str| {
                zones.contains(host)
                    || host
                        .match_indices('.')
                        .any(|(at, _)| zones.contains(&host[at + 1..]))
            };
            let resolve = page
                .as_ref()
                .is_some_and(|page| resolve || is_fleets(&page.host));
            self.visit(server, name, page, resolve);
        }
        if let Some(asked) = self.asked.get_mut(&server.name) {
            asked.add(name, wanted.clone());
        }
    }

    /// A visit from here, where the way that others take to the server is known.
    fn visit(
        &mut self,
        server: &Server,
        name: &ResourceName,
        page: Option<crate::kind::wanted::Page>,
        resolve: bool,
    ) {
        let told = !server.ipv4.is_empty() || !server.ipv6.is_empty();
        // Behind a jump host, its address is not for everybody.
        if !told && (server.transport == TransportKind::Local || server.jump.is_some()) {
            return;
        }
        let addresses = server.public_addresses();
        if addresses.is_empty() {
            self.names
                .insert(server.name.clone(), server.address.clone());
        }
        self.visits.push(Visit {
            server: server.name.clone(),
            addresses,
            resource: name.clone(),
            page,
            resolve,
            limits: self.limits.get(&server.name).copied().unwrap_or_default(),
        });
    }

    /// What is asked of a server there.
    pub(super) fn asked(&self, server: &ServerName) -> Option<Asked> {
        self.asked.get(server).cloned()
    }

    /// Makes the visits from here.
    pub(super) async fn visit_all(&mut self, context: &Context) -> Vec<Visited> {
        let mut visits = std::mem::take(&mut self.visits);
        let found = look_up(std::mem::take(&mut self.names)).await;
        for visit in visits.iter_mut().filter(|visit| visit.addresses.is_empty()) {
            if let Some(addresses) = found.get(&visit.server) {
                visit.addresses.clone_from(addresses);
            }
        }
        if visits.is_empty() {
            return Vec::new();
        }
        let outside = Outside::new(
            PARALLEL,
            LIMIT,
            context.now(),
            super::notifying::trust(context),
        );
        outside.run(visits).await
    }

    /// Puts what was seen from here to what was seen there, and says how much of all there is that was.
    ///
    /// Of a server that is away nothing is told that follows from it: it would be said as often as it has sites. Unless one
    /// of them answers: then it is the way of the administrator that is broken, and the visitors' counts.
    pub(super) fn join(&self, looks: &mut [Look], from_here: Vec<Visited>) {
        let mut by_server: BTreeMap<ServerName, Vec<Visited>> = BTreeMap::new();
        for visited in from_here {
            let of_server = by_server.entry(visited.server.clone()).or_default();
            of_server.push(visited);
        }
        for look in looks {
            let visited = by_server.remove(&look.server).unwrap_or_default();
            let made = visited.len();
            let had_way = visited.iter().all(|visited| visited.had_way);
            let checks: Vec<Check> = visited
                .into_iter()
                .flat_map(|visited| visited.checks)
                .collect();
            let answers = |check: &Check| check.key.aspect == Aspect::Http && check.value.is_some();
            let is_away = look.observation.health == Health::Offline && !checks.iter().any(answers);
            look.extents.from_here = match &self.expected {
                _ if self.part => Extent::Part,
                None => Extent::LeftOut,
                _ if is_away => Extent::Part,
                Some(expected)
                    if made < expected.get(&look.server).copied().unwrap_or_default() =>
                {
                    Extent::Part
                }
                Some(_) if !had_way => Extent::LeftOut,
                Some(_) => Extent::All,
            };
            if self.nothing {
                look.extents.on_server = Extent::LeftOut;
            }
            if !is_away {
                look.checks.extend(checks);
                look.checks.sort_by(|a, b| a.key.cmp(&b.key));
            }
        }
    }
}

/// The addresses of servers that are reached by a name; those without any are left out.
async fn look_up(names: BTreeMap<ServerName, String>) -> BTreeMap<ServerName, Vec<IpAddr>> {
    let mut lookups = JoinSet::new();
    for (server, name) in names {
        lookups.spawn(async move {
            let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((name, 0))).await;
            let addresses: BTreeSet<IpAddr> = match found {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                _ => BTreeSet::new(),
            };
            (server, addresses.into_iter().collect::<Vec<_>>())
        });
    }
    let mut found = BTreeMap::new();
    while let Some(done) = lookups.join_next().await {
        if let Ok((server, addresses)) = done
            && !addresses.is_empty()
        {
            found.insert(server, addresses);
        }
    }
    found
}

/// Whether any check found something that does not work.
pub(super) fn any_bad(look: &Look) -> bool {
    let mut checks = look.checks.iter();
    checks.any(|check| check.status == Status::Bad)
}

/// The checks of a look, as they are in JSON.
pub(super) fn report(look: &Look) -> Value {
    serde_json::to_value(&look.checks).unwrap_or_default()
}

/// The checks that are told: those that found something that needs attention.
fn told(look: &Look) -> impl Iterator<Item = &Check> {
    let mut checks = look.checks.iter();
    std::iter::from_fn(move || checks.find(|check| check.status != Status::Ok))
}

/// Whether [`print`] has a line.
pub(super) fn tells(look: &Look) -> bool {
    told(look).next().is_some()
}

/// Prints what needs attention: a line each, the same from both sides once.
pub(super) fn print(page: &mut Page, look: &Look) {
    let mut lines: Vec<(&Check, Vec<Vantage>)> = Vec::new();
    for check in told(look) {
        let same = lines.iter_mut().find(|(other, _)| {
            other.key.subject == check.key.subject && other.detail == check.detail
        });
        match same {
            Some((_, from)) => from.push(check.key.from),
            None => lines.push((check, vec![check.key.from])),
        }
    }
    for (check, from) in lines {
        let tone = match check.status {
            Status::Bad => Tone::Bad,
            _ => Tone::Warn,
        };
        page.text(look.server.as_str(), tone)
            .text(": ", Tone::Plain);
        let line = match &check.key.subject.resource {
            None => check.detail.clone(),
            // Where it matters from where one looks.
            Some(resource) if from == [Vantage::Here] => {
                format!("{resource} {} (from here)", check.detail)
            }
            Some(resource) if from == [Vantage::Server] => {
                format!("{resource} {} (on the server)", check.detail)
            }
            Some(resource) => format!("{resource} {}", check.detail),
        };
        page.line(&line);
    }
}
