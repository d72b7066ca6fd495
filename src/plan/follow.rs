//! Where a resource belongs that is not placed by capacity: with another, on every server of a selector, on any of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostics;
use crate::kind::Scope;
use crate::model::selector::Selector;
use crate::model::{Placement, PlacementStatus, Resource, Server, ServerName};

/// What decides where such resources belong.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// The inventory.
    pub servers: &'a BTreeMap<ServerName, Server>,
    /// The servers that are known to be offline or in error.
    pub down: BTreeSet<ServerName>,
}

impl Surroundings<'_> {
    /// The servers on which a resource of `scope` belongs, in order of name; `None` when it stays where it is placed.
    /// `placements` is where it is now, and `with` what it goes with, if that exists.
    ///
    /// # Errors
    /// A selector that cannot be read or matches nothing.
    pub fn targets(
        &self,
        scope: &Scope,
        placements: &[Placement],
        with: Option<&Resource>,
    ) -> Result<Option<Vec<ServerName>>, Diagnostics> {
        match scope {
            Scope::One | Scope::Beside { .. } => Ok(None),
            Scope::With(_) => {
                let first = with.and_then(|with| staying(&with.placements).next());
                Ok(first.map(|placement| vec![placement.server.clone()]))
            }
            Scope::Nowhere => Ok(Some(Vec::new())),
            Scope::Every(terms) => self.matching(terms).map(Some),
            Scope::AnyOf(terms) => {
                let matching = self.matching(terms)?;
                let is_up = |name: &&ServerName| !self.down.contains(*name);
                let now = staying(placements).map(|placement| &placement.server);
                let now = now.filter(|name| matching.contains(name)).min();
                let live = now
                    .filter(is_up)
                    .or_else(|| matching.iter().find(is_up))
                    // With all of them down it waits where it is.
                    .or(now)
                    .or(matching.first());
                Ok(Some(live.cloned().into_iter().collect()))
            }
        }
    }

    fn matching(&self, terms: &[String]) -> Result<Vec<ServerName>, Diagnostics> {
        let selected = Selector::parse(terms)?.select(self.servers)?;
        let active = selected.into_iter().filter(|server| server.active);
        Ok(active.map(|server| server.name.clone()).collect())
    }
}

/// The placements that are not being taken away.
pub fn staying(placements: &[Placement]) -> impl Iterator<Item = &Placement> {
    placements
        .iter()
        .filter(|placement| placement.status != PlacementStatus::Removing)
}

/// What has to be done for the placements to be `targets`: where it is to be placed, and from where it is to go.
pub fn moves(
    placements: &[Placement],
    targets: &[ServerName],
) -> (Vec<ServerName>, Vec<ServerName>) {
    let there: BTreeSet<&ServerName> = staying(placements).map(|p| &p.server).collect();
    let wanted: BTreeSet<&ServerName> = targets.iter().collect();
    let of = |names: BTreeSet<&ServerName>, but: &BTreeSet<&ServerName>| {
        names.difference(but).map(|name| (*name).clone()).collect()
    };
    (of(wanted.clone(), &there), of(there, &wanted))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::ResourceName;

    fn name(text: &str) -> ServerName {
        text.parse().unwrap()
    }

    fn inventory() -> BTreeMap<ServerName, Server> {
        ["a-1", "a-2", "a-3", "b-1"]
            .map(|text| {
                let mut server = Server::new(name(text), "192.0.2.1");
                server.active = text != "a-3";
                (server.name.clone(), server)
            })
            .into()
    }

    fn placement(server: &str, status: PlacementStatus) -> Placement {
        Placement {
            from_trash: None,
            server: name(server),
            position: 0,
            status,
            reason: None,
            applied_generation: 1,
        }
    }

    fn targets(scope: &Scope, placements: &[Placement], down: &[&str]) -> Vec<String> {
        let servers = inventory();
        let surroundings = Surroundings {
            servers: &servers,
            down: down.iter().map(|text| name(text)).collect(),
        };
        let found = surroundings.targets(scope, placements, None).unwrap();
        found.unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_server_of_the_selector_counts_that_is_active_also_while_it_is_down() {
        let scope = Scope::Every(vec!["a-*".to_owned()]);
        assert_eq!(targets(&scope, &[], &["a-2"]), ["a-1", "a-2"]);
    }

    #[test]
    fn any_one_stays_while_it_is_up_and_moves_when_it_is_down() {
        let scope = Scope::AnyOf(vec!["a-*".to_owned()]);
        let there = [placement("a-2", PlacementStatus::Applied)];
        assert_eq!(targets(&scope, &[], &[]), ["a-1"]);
        assert_eq!(targets(&scope, &there, &[]), ["a-2"]);
        assert_eq!(targets(&scope, &there, &["a-2"]), ["a-1"]);
        assert_eq!(targets(&scope, &there, &["a-1", "a-2"]), ["a-2"]);
        assert_eq!(targets(&scope, &[], &["a-1", "a-2"]), ["a-1"]);
        // It does not go back to where it is being taken away from while another holds it.
        let moved = [
            placement("a-1", PlacementStatus::Applied),
            placement("a-2", PlacementStatus::Removing),
        ];
        assert_eq!(targets(&scope, &moved, &[]), ["a-1"]);
    }

    #[test]
    fn a_selector_without_a_match_is_an_error_and_no_empty_fleet() {
        let servers = inventory();
        let surroundings = Surroundings {
            servers: &servers,
            down: BTreeSet::new(),
        };
        let scope = Scope::Every(vec!["region=nowhere".to_owned()]);
        assert!(surroundings.targets(&scope, &[], None).is_err());
    }

    #[test]
    fn what_goes_with_a_site_is_where_the_site_is() {
        let servers = inventory();
        let surroundings = Surroundings {
            servers: &servers,
            down: BTreeSet::new(),
        };
        let site = Resource {
            id: 1,
            name: ResourceName::new("site", "example.com"),
            spec: serde_json::Value::Null,
            weight: 1,
            suspended: false,
            generation: 1,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            removed_at: None,
            placements: vec![
                placement("a-1", PlacementStatus::Removing),
                placement("b-1", PlacementStatus::Pending),
            ],
        };
        let scope = Scope::With(site.name.clone());
        let with = surroundings.targets(&scope, &[], Some(&site)).unwrap();
        assert_eq!(with, Some(vec![name("b-1")]));
    }

    #[test]
    fn moves_are_what_differs() {
        let there = [
            placement("a-1", PlacementStatus::Applied),
            placement("a-2", PlacementStatus::Removing),
        ];
        let (come, go) = moves(&there, &[name("a-2"), name("b-1")]);
        assert_eq!(come, [name("a-2"), name("b-1")]);
        assert_eq!(go, [name("a-1")]);
    }
}
