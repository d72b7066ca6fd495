//! What is to be done on servers, from what a real state database has of them.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::plan::{Action, Facts, Mode, ServerPlan, compare};
use crate::state::{NewResource, Outcome, PlacementResult, State, Write};

/// Opens every secret, or none, as when the key is lost.
struct Vault {
    is_open: bool,
}

impl Secrets for Vault {
    fn open(&self, _id: &SecretId) -> Result<Secret, String> {
        if self.is_open {
            Ok(Secret::new("hunter2"))
        } else {
            Err("the key is lost".to_owned())
        }
    }
}

/// A state in which things are placed on servers.
struct Scenery {
    state: State,
    inventory: Inventory,
    _dir: TempDir,
}

fn now() -> Timestamp {
    "2026-11-09T10:11:12Z".parse().unwrap()
}

impl Scenery {
    /// With so many servers: `sg-1`, and so on.
    fn new(servers: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let entry = |number| format!("[servers.sg-{number}]\naddress = \"192.0.2.{number}\"\n");
        let text: String = (1..=servers).map(entry).collect();
        Self {
            state: State::open(&dir.path().join("state.db"), now()).unwrap(),
            inventory: Inventory::parse(Path::new("inventory.toml"), &text, None).unwrap(),
            _dir: dir,
        }
    }

    fn write<T>(&mut self, work: impl FnOnce(&Write<'_>) -> Result<T, Diagnostic>) -> T {
        self.state.write(work).unwrap()
    }

    /// Records a resource on servers.
    fn add(&mut self, name: &ResourceName, spec: &Value, on: &[&str]) {
        let kind = kind::kind(&name.kind).unwrap();
        let ties = (kind.ties)(spec, &name.name).unwrap();
        let new = NewResource {
            name,
            spec,
            weight: 1,
            ties: &ties,
        };
        self.write(|write| {
            let id = write.insert_resource(&new, now())?;
            for server in on {
                write.place(id, &server.parse().unwrap())?;
            }
            Ok(())
        });
    }

    /// The jobs of all servers.
    fn jobs(&self, vault: Vault, only: &[&ResourceName]) -> Jobs<'_> {
        let only = only.iter().map(|name| (*name).clone());
        let only: BTreeSet<ResourceName> = only.collect();
        let jobs = self.state.read(|read| {
            let source = Source {
                read,
                inventory: &self.inventory,
                secrets: Box::new(vault),
                servers: self.inventory.servers.values().collect(),
                only: Some(only).filter(|only| !only.is_empty()),
            };
            source.jobs()
        });
        jobs.unwrap()
    }

    /// What is to be done on the first server.
    fn work(&self, vault: Vault, only: &[&ResourceName]) -> Work {
        let job = self.jobs(vault, only).jobs.into_iter().next().unwrap();
        (job.prepare)().unwrap()
    }

    /// Records that all of this is on the first server; returns what a look there finds then.
    fn apply(&mut self, work: &Work) -> Facts {
        let mut outcome = Outcome::default();
        let mut facts = Facts::default();
        for (key, wanted) in &work.desired.items {
            let applied = Applied {
                props: wanted.item.wanted(),
                owners: wanted.owners.clone(),
                ..Applied::default()
            };
            facts.items.insert(key.clone(), wanted.item.wanted());
            outcome.applied.insert(key.clone(), applied);
        }
        let server = "sg-1".parse().unwrap();
        self.write(|write| write.record_outcome(&server, &outcome, None, now()));
        facts
    }
}

fn planned(work: &Work, facts: &Facts) -> ServerPlan {
    let only = work.only.as_deref();
    compare(&work.desired, facts, &work.applied, only, Mode::Respect)
}

#[test]
fn a_follower_that_cannot_be_compiled_stays_as_it_is() {
    let site = ResourceName::new("site", "shop.example.com");
    let database = ResourceName::new("database", "shop");
    let user =
        json!({"access": "owner", "hosts": ["localhost"], "password": "sec_1", "salt": "c2FsdA=="});
    let mut scenery = Scenery::new(1);
    scenery.add(&site, &json!({"type": "static"}), &["sg-1"]);
    let spec = json!({"site": site.name, "users": {"shop": user}});
    scenery.add(&database, &spec, &["sg-1"]);
    let all = scenery.work(Vault { is_open: true }, &[]);
    let facts = scenery.apply(&all);
    let of_database = |key: &Key| key.item_type.word().starts_with("mariadb");
    assert!(facts.items.keys().any(of_database));

    let work = scenery.work(Vault { is_open: false }, &[&site]);
    let plan = planned(&work, &facts);
    assert_eq!(plan, ServerPlan::default(), "nothing of it goes");
    let left_out: Vec<&ResourceName> = work.left_out.iter().map(|b| &b.resource).collect();
    assert_eq!(left_out, [&database]);
    assert!(work.left_out[0].reason.contains("the key is lost"));

    // Who asks for it is told that it cannot be done, and it stays as well.
    let work = scenery.work(Vault { is_open: false }, &[&database]);
    let plan = planned(&work, &facts);
    assert!(!plan.changes.iter().any(|c| c.action == Action::Delete));
    assert_eq!((work.blocked.len(), work.left_out.len()), (1, 0));
}

#[test]
fn what_is_on_many_servers_is_held_once_for_all_of_them() {
    let rule = ResourceName::new("rule", "web");
    let mut scenery = Scenery::new(3);
    let spec = json!({"action": "allow", "port": ["80"], "on": ["sg-*"]});
    scenery.add(&rule, &spec, &["sg-1", "sg-2", "sg-3"]);
    for only in [&[][..], &[&rule]] {
        let jobs = scenery.jobs(Vault { is_open: true }, only);
        let there: Vec<&Arc<Resource>> = jobs.resources.values().map(|there| &there[0]).collect();
        assert_eq!(there.len(), 3);
        assert!(there.iter().all(|one| Arc::ptr_eq(one, there[0])));
    }
}

#[test]
fn the_mark_of_a_server_is_another_one_when_what_its_work_is_made_from_has_changed() {
    let site = ResourceName::new("site", "shop.example.com");
    let database = ResourceName::new("database", "shop");
    let mut scenery = Scenery::new(3);
    scenery.add(&site, &json!({"type": "static"}), &["sg-2"]);
    scenery.add(&database, &json!({"site": site.name}), &["sg-1"]);
    let all: BTreeSet<ServerName> = scenery.inventory.servers.keys().cloned().collect();
    let marks = |scenery: &Scenery| scenery.state.read(|read| read.marks(&all)).unwrap();
    let name = |number: usize| ServerName::clone(all.iter().nth(number - 1).unwrap());
    let changed = |before: &BTreeMap<ServerName, Mark>, scenery: &Scenery| {
        let now = marks(scenery);
        let differs = all
            .iter()
            .filter(|name| before.get(*name) != now.get(*name));
        differs.cloned().collect::<Vec<ServerName>>()
    };
    let before = marks(&scenery);
    assert_eq!(before.len(), 2, "there is nothing on the third");
    let id = |scenery: &Scenery, name| {
        scenery
            .state
            .read(|read| read.find(name))
            .unwrap()
            .unwrap()
            .id
    };
    let (site, database) = (id(&scenery, &site), id(&scenery, &database));

    // How far a server has followed changes nothing.
    let applied = PlacementResult::Applied { generation: 1 };
    scenery.write(|write| write.settle_placement(database, &name(1), &applied));
    assert_eq!(changed(&before, &scenery), []);
    // The database is planned with the site that it refers to, also on another server.
    scenery.write(|write| write.move_to(site, &[name(3)], &[name(2)]));
    assert_eq!(changed(&before, &scenery), [name(1), name(2), name(3)]);
    let before = marks(&scenery);
    scenery.write(|write| write.remove_resource(database, None, now()));
    assert_eq!(changed(&before, &scenery), [name(1)]);
}

/// A zone on the first two servers whose records follow a site on the third, and a firewall on the first.
fn with_a_zone_that_follows_from_afar() -> (Scenery, ResourceName, ResourceName) {
    let site = ResourceName::new("site", "shop.example.com");
    let zone = ResourceName::new("zone", "example.com");
    let mut scenery = Scenery::new(3);
    scenery.add(&site, &json!({"type": "static"}), &["sg-3"]);
    let records = json!([{"name": "@", "type": "A", "values": ["site:shop.example.com"]}]);
    let spec = json!({"records": records, "keys": [{"number": 1, "secret": "sec_1"}]});
    scenery.add(&zone, &spec, &["sg-1", "sg-2"]);
    let firewall = ResourceName::new("firewall", "fleet");
    let spec = json!({"on": ["sg-1"], "ssh_from": ["any"]});
    scenery.add(&firewall, &spec, &["sg-1"]);
    (scenery, site, zone)
}

fn ruleset(work: &Work) -> Option<&crate::item::ruleset::Ruleset> {
    work.desired.items.values().find_map(|one| match &one.item {
        Item::Ruleset(ruleset) => Some(ruleset),
        _ => None,
    })
}

fn new_rule(scenery: &mut Scenery) -> ResourceName {
    let rule = ResourceName::new("rule", "web");
    let spec = json!({"action": "allow", "port": ["80"], "on": ["sg-1"]});
    scenery.add(&rule, &spec, &["sg-1"]);
    rule
}

#[test]
fn what_a_zone_opens_stays_in_the_rules_when_it_follows_a_site_of_another_server() {
    let (mut scenery, _, zone) = with_a_zone_that_follows_from_afar();
    let all = scenery.work(Vault { is_open: true }, &[]);
    assert_eq!((&all.blocked, &all.left_out), (&vec![], &vec![]));
    let openings = ruleset(&all).unwrap().openings.clone();
    assert!(!openings.is_empty());
    scenery.apply(&all);

    let rule = new_rule(&mut scenery);
    let work = scenery.work(Vault { is_open: true }, &[&rule]);
    assert_eq!((&work.blocked, &work.left_out), (&vec![], &vec![]));
    let wanted = ruleset(&work).unwrap();
    assert_eq!((wanted.rules.len(), &wanted.openings), (1, &openings));
    let owners = &work.desired.items.values().next().unwrap().owners;
    assert!(owners.contains(&rule) && owners.contains(&zone));
}

#[test]
fn who_has_nothing_beside_what_is_shared_is_there_with_it() {
    let (mut scenery, _, _) = with_a_zone_that_follows_from_afar();
    let firewall = ResourceName::new("firewall", "fleet");
    let first = new_rule(&mut scenery);
    let second = ResourceName::new("rule", "second");
    let spec = json!({"action": "allow", "port": ["81"], "on": ["sg-1"]});
    scenery.add(&second, &spec, &["sg-1"]);
    let carried = |work: &Work| -> Vec<ResourceName> {
        work.carried.iter().map(|one| one.name.clone()).collect()
    };
    let vault = Vault { is_open: true };
    // What else the firewall and the zone are made of is not there yet.
    let work = scenery.work(vault, &[&second]);
    assert_eq!(carried(&work), std::slice::from_ref(&first));
    let all = scenery.work(Vault { is_open: true }, &[]);
    assert_eq!(carried(&all), []);
    scenery.apply(&all);
    let work = scenery.work(Vault { is_open: true }, &[&second]);
    let names = carried(&work);
    assert!(
        names.contains(&first) && names.contains(&firewall),
        "{names:?}"
    );

    // With it they are settled, where they were not, and not when it could not be loaded.
    let report = |done: bool| {
        let mut report = crate::apply::ServerReport::new("sg-1".parse().unwrap());
        report.outcome = crate::apply::Outcome::Changed;
        report.carried.clone_from(&work.carried);
        report.plan.changes = planned(&work, &crate::plan::Facts::default()).changes;
        if done {
            report.done = report
                .plan
                .changes
                .iter()
                .map(|change| change.key.clone())
                .collect();
        }
        let outcome = crate::commands::outcome::of(&report, &[], None);
        outcome
            .placements
            .into_iter()
            .map(|(id, _)| id)
            .collect::<Vec<i64>>()
    };
    let waiting: Vec<i64> = work.carried.iter().map(|one| one.id).collect();
    assert_eq!(report(true), waiting);
    assert_eq!(report(false), [0; 0]);
}

#[test]
fn rules_stay_as_they_are_where_a_share_of_them_cannot_be_compiled() {
    let (mut scenery, site, zone) = with_a_zone_that_follows_from_afar();
    let facts = scenery.apply(&scenery.work(Vault { is_open: true }, &[]));
    let rule = new_rule(&mut scenery);
    let id = scenery.state.read(|read| read.find(&site)).unwrap();
    let id = id.unwrap().id;
    scenery.write(|write| write.remove_resource(id, None, now()));
    for only in [&[][..], &[&rule], &[&rule, &zone]] {
        let work = scenery.work(Vault { is_open: true }, only);
        let plan = planned(&work, &facts);
        assert_eq!(ruleset(&work), None, "{only:?}");
        assert_eq!(plan.changes, [], "{only:?}");
        let held = work.blocked.iter().find(|b| b.resource == rule).unwrap();
        let reason = "zone example.com belongs to it too and cannot be compiled: `@ A` follows \
                      site shop.example.com, which is nowhere";
        assert_eq!(held.reason, reason);
        assert_eq!(
            held.hint.as_deref(),
            Some("`fleet add-site shop.example.com` adds it")
        );
        let of_zone = work.blocked.iter().any(|b| b.resource == zone);
        assert_eq!(of_zone, only != [&rule], "{only:?}");
    }
}

#[test]
fn what_is_beside_another_server_is_led_by_it() {
    let zone = ResourceName::new("zone", "example.com");
    let rule = ResourceName::new("rule", "web");
    let mut scenery = Scenery::new(2);
    scenery.add(&zone, &json!({}), &["sg-1", "sg-2"]);
    let spec = json!({"action": "allow", "port": ["80"], "on": ["sg-*"]});
    scenery.add(&rule, &spec, &["sg-1", "sg-2"]);
    let second: ServerName = "sg-2".parse().unwrap();
    let found = scenery.state.read(|read| read.find(&zone)).unwrap();
    let id = found.unwrap().id;
    scenery.write(|write| write.place_at(id, &second, 1));
    // Also where it is to go from.
    for leaves in [false, true] {
        if leaves {
            scenery.write(|write| write.displace(id, &second));
        }
        let jobs = scenery.jobs(Vault { is_open: true }, &[]).jobs.into_iter();
        let led: Vec<_> = jobs.map(|job| (job.prepare)().unwrap().led).collect();
        let by_first = BTreeMap::from([(zone.clone(), "sg-1".parse().unwrap())]);
        assert_eq!(led, [BTreeMap::new(), by_first], "leaves: {leaves}");
    }
}
