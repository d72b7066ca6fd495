//! What differs between what should be, what is, and what was last applied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Desired, Facts, Wanted};
use crate::item::{Applied, Item, ItemType, Key, Props, UNKNOWN, satisfies};
use crate::kind::kind;
use crate::model::{ResourceName, ServerName};

mod adopted;
mod blocked;

pub use blocked::Blocked;

/// What to do about a difference that fleet did not cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Leave it alone and say so.
    #[default]
    Respect,
    /// Replace it.
    Force,
    /// Take it over as it is.
    Adopt,
}

/// What happens to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is taken away.
    Delete,
}

impl Action {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The difference of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The item.
    pub key: Key,
    /// What happens to it.
    pub action: Action,
    /// Its properties now; `None` when it is not there.
    pub before: Option<Props>,
    /// Its properties afterwards; for a deletion, those it was last given.
    pub after: Props,
    /// The item to make; `None` for a deletion.
    pub item: Option<Item>,
    /// The resources it belongs to.
    pub owners: Vec<ResourceName>,
    /// Whether fleet had made it like this before and something else changed it.
    pub drift: bool,
}

impl Change {
    /// Whether fleet keeps what it made on record: a seed is its user's from then on.
    pub fn is_recorded(&self) -> bool {
        self.item
            .as_ref()
            .is_none_or(|item| seed_dir(item).is_none())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action.word(), self.key)
    }
}

/// An item that differs in a way fleet did not cause, and that is left alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The item as it should be.
    pub item: Item,
    /// Its properties now.
    pub fact: Props,
    /// The resources it belongs to.
    pub owners: Vec<ResourceName>,
    /// Whether fleet wrote it before, so that it was edited since; else it was there first.
    pub edited: bool,
    /// Whether it is as it was taken over, and something else is wanted by now.
    pub adopted: bool,
}

impl Conflict {
    /// What is to be said of it: `was edited since fleet wrote it`.
    pub fn reason(&self) -> &'static str {
        if self.adopted {
            "was taken over with `--adopt`, and the settings want another one by now"
        } else if self.edited {
            "was edited since fleet wrote it"
        } else {
            "is there, and fleet did not write it"
        }
    }
}

/// All differences of one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerPlan {
    /// What will change, in the order of keys.
    pub changes: Vec<Change>,
    /// What is left alone.
    pub conflicts: Vec<Conflict>,
    /// What cannot be applied.
    pub blocked: Vec<Blocked>,
    /// What is there and not on record as such: what is right already, what an earlier transaction made without
    /// reporting back, and what has other owners now.
    pub remember: Vec<(Key, Applied)>,
    /// Those of them that nothing was on record of: they are nobody's yet, and stay so where those that they would belong
    /// to are refused.
    pub found: BTreeSet<Key>,
    /// What was taken over as it is, and not as it is wanted, with those that it belongs to.
    pub adopted: Vec<(Key, Vec<ResourceName>)>,
    /// What is on record and neither wanted nor there.
    pub forget: Vec<Key>,
    /// What goes back from the trash, with the task that moved it there, instead of being made anew.
    pub restored: BTreeMap<Key, i64>,
    /// Those of them that somebody else had written, with the properties they have: they are taken over as they are.
    pub taken_back: BTreeMap<Key, Props>,
    /// What is changed in part and else stays as it was taken over, with the properties that it has then.
    pub stays: BTreeMap<Key, Props>,
    /// What is replaced although somebody's work is in it: a copy of a file goes to the trash.
    pub replaced: BTreeSet<Key>,
}

impl ServerPlan {
    /// What cannot be applied, with those together that have the same reason.
    pub fn blocked_together(&self) -> Vec<(String, &Blocked)> {
        Blocked::together(&self.blocked)
    }

    /// Whether there is nothing to change, and nothing in the way.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.conflicts.is_empty() && self.blocked.is_empty()
    }

    /// The resources that are held back: blocked, or with a conflict in an item that is theirs alone, or that folds what each
    /// of them contributes: then nothing of any of them is in it.
    pub fn held(&self) -> BTreeSet<&ResourceName> {
        let blocked = self.blocked.iter().map(|blocked| &blocked.resource);
        let conflicts = self
            .conflicts
            .iter()
            .filter(|conflict| conflict.owners.len() == 1 || conflict.item.item_type().folds())
            .flat_map(|conflict| &conflict.owners);
        blocked.chain(conflicts).collect()
    }

    /// The changes that are not held back: those of at least one resource that may go on.
    pub fn ready(&self) -> Vec<&Change> {
        let held = self.held();
        self.changes
            .iter()
            .filter(|change| {
                change.owners.is_empty() || change.owners.iter().any(|owner| !held.contains(owner))
            })
            .collect()
    }

    /// The resources with changes that are not held back, in order of name.
    pub fn resources(&self) -> BTreeSet<&ResourceName> {
        let held = self.held();
        self.changes
            .iter()
            .flat_map(|change| &change.owners)
            .filter(|owner| !held.contains(*owner))
            .collect()
    }
}

/// The items that a comparison needs facts of: the desired ones and those on record. Of a seed only its directory
/// counts: what lies there is a user's, who could put a pipe in its place that nobody writes to.
pub fn keys(desired: &Desired, applied: &BTreeMap<Key, Applied>) -> BTreeSet<Key> {
    let wanted = desired.items.iter().map(|(key, wanted)| {
        let dir = seed_dir(&wanted.item);
        dir.unwrap_or_else(|| key.clone())
    });
    wanted.chain(applied.keys().cloned()).collect()
}

/// The directory with which a seed is made; `None` for what is no seed.
fn seed_dir(item: &Item) -> Option<Key> {
    match item {
        Item::File(file) if file.seed => Some(Key {
            item_type: ItemType::Dir,
            name: file.dir().to_owned(),
        }),
        _ => None,
    }
}

/// Compares what should be with what is, given what was last applied.
///
/// `only` narrows it to some resources, of which `desired` holds the items and `applied` what any of them owned:
/// what others want too stays. Without `only` both hold everything, and what is not desired goes away.
pub fn compare(
    desired: &Desired,
    facts: &Facts,
    applied: &BTreeMap<Key, Applied>,
    only: Option<&BTreeSet<ResourceName>>,
    mode: Mode,
) -> ServerPlan {
    let missing = |key: &Key| !facts.items.contains_key(key);
    let mut comparison = Comparison {
        only,
        server: facts.server.as_ref(),
        reached_by: facts.reached_by.as_deref(),
        mode,
        installs: desired
            .items
            .keys()
            .any(|key| key.item_type == ItemType::Package && missing(key)),
        plan: ServerPlan::default(),
    };
    for (key, wanted) in &desired.items {
        let (fact, known) = (facts.items.get(key), applied.get(key));
        if let Some(dir) = seed_dir(&wanted.item) {
            if missing(&dir) {
                comparison.create(key, wanted, None, &cloned(&wanted.owners), false);
            }
        } else if let Some(fact) = fact {
            comparison.present(key, wanted, fact, known);
        } else {
            comparison.absent(key, wanted, known);
        }
    }
    for (key, known) in applied {
        if !desired.items.contains_key(key) {
            comparison.unwanted(key, facts.items.get(key), known);
        }
    }
    let mut plan = comparison.plan;
    adopted::hold(&mut plan, applied);
    let is_found = |key: &&Key| !applied.contains_key(*key);
    let remembered = plan.remember.iter().map(|(key, _)| key);
    plan.found = remembered.filter(is_found).cloned().collect();
    plan.changes.sort_by(|a, b| a.key.cmp(&b.key));
    plan
}

/// A comparison under way. Most items are as they should be, so nothing is copied before that is known.
struct Comparison<'a> {
    only: Option<&'a BTreeSet<ResourceName>>,
    /// See [`Facts::server`].
    server: Option<&'a ServerName>,
    /// See [`Facts::reached_by`].
    reached_by: Option<&'a str>,
    mode: Mode,
    /// Whether packages will be installed, and services with them.
    installs: bool,
    plan: ServerPlan,
}

impl Comparison<'_> {
    /// Those that want an item beside the resources that this is narrowed to.
    fn others<'k>(&self, key: &Key, known: Option<&'k Applied>) -> Vec<&'k ResourceName> {
        let (Some(known), Some(only)) = (known, self.only) else {
            return Vec::new();
        };
        if key.item_type.folds() {
            // All that want it have been compiled.
            return Vec::new();
        }
        let outside = known.owners.iter().filter(|owner| !only.contains(owner));
        outside.collect()
    }

    /// Holds back those that want an item which must not be made as it is wanted, and those that are leaving it; whether it
    /// did.
    fn refused(&mut self, key: &Key, wanted: &Wanted, known: Option<&Applied>) -> bool {
        let mut refusals = wanted.item.refusals(self.reached_by);
        refusals.retain(|refusal| refusal.absolute || self.mode != Mode::Force);
        let Some(first) = refusals.first() else {
            return false;
        };
        let reasons: Vec<&str> = refusals.iter().map(|refusal| &*refusal.reason).collect();
        let asked = |owner: &&ResourceName| self.only.is_none_or(|only| only.contains(*owner));
        let mut held = with_leaving(key, &wanted.owners, known);
        held.retain(asked);
        if held.is_empty() {
            // Whoever leaves it without being on record must not be told that all is done.
            held.extend(self.only.into_iter().flatten());
        }
        let blocked = held.into_iter().map(|owner| Blocked {
            resource: owner.clone(),
            reason: reasons.join("; "),
            hint: Some(first.hint.clone()),
        });
        self.plan.blocked.extend(blocked);
        true
    }

    fn create(
        &mut self,
        key: &Key,
        wanted: &Wanted,
        known: Option<&Applied>,
        owners: &[ResourceName],
        drift: bool,
    ) {
        if self.refused(key, wanted, known) {
            return;
        }
        self.plan.changes.push(Change {
            key: key.clone(),
            action: Action::Create,
            before: None,
            after: wanted.item.wanted(),
            item: Some(wanted.item.clone()),
            owners: owners.to_vec(),
            drift,
        });
    }

    /// An item that should be there and is not.
    fn absent(&mut self, key: &Key, wanted: &Wanted, known: Option<&Applied>) {
        if let Item::Service(service) = &wanted.item
            && !self.installs
        {
            let blocked = wanted.owners.iter().map(|owner| Blocked {
                resource: owner.clone(),
                reason: format!("there is no service `{}` on the server", service.unit),
                hint: Some(format!(
                    "install what the role needs: {}",
                    setting_up(self.server, owner)
                )),
            });
            self.plan.blocked.extend(blocked);
            return;
        }
        let owners = cloned(self.owners(key, wanted, known));
        // Without properties it was only ever about to be made.
        let drift = known.is_some_and(|known| !known.props.is_empty());
        self.create(key, wanted, known, &owners, drift);
    }

    /// All that want an item, in order.
    fn owners<'k>(
        &self,
        key: &Key,
        wanted: &'k Wanted,
        known: Option<&'k Applied>,
    ) -> Vec<&'k ResourceName> {
        let mut owners = self.others(key, known);
        owners.extend(&wanted.owners);
        owners.sort();
        owners.dedup();
        owners
    }

    /// Whether the item could not be looked at; then those it belongs to are held back.
    fn unknown(&mut self, fact: &Props, owners: &[&ResourceName]) -> bool {
        let Some(reason) = fact.get(UNKNOWN) else {
            return false;
        };
        for owner in owners {
            if !self
                .plan
                .blocked
                .iter()
                .any(|blocked| blocked.resource == **owner)
            {
                self.plan.blocked.push(Blocked {
                    resource: (*owner).clone(),
                    reason: reason.clone(),
                    hint: Some(format!(
                        "see to it that it runs: {} starts what the role needs",
                        setting_up(self.server, owner)
                    )),
                });
            }
        }
        true
    }

    /// Holds back those that want an item, where that changes more than they may have meant.
    fn hold_drastic(&mut self, wanted: &Wanted, fact: &Props, owners: &[&ResourceName]) {
        if self.mode != Mode::Force
            && let Some(reason) = wanted.item.drastic(fact)
        {
            let blocked = owners.iter().map(|owner| Blocked {
                resource: (*owner).clone(),
                reason: format!("this is more than a small change: {reason}"),
                hint: Some(
                    "look at the diff with `--dry-run`; `--force` makes the change".to_owned(),
                ),
            });
            self.plan.blocked.extend(blocked);
        }
    }

    /// An item that should be there, and is in some shape.
    fn present(&mut self, key: &Key, wanted: &Wanted, fact: &Props, known: Option<&Applied>) {
        if self.unknown(fact, &with_leaving(key, &wanted.owners, known)) {
            return;
        }
        let props = wanted.item.wanted();
        let owners = self.owners(key, wanted, known);
        let same_owners = |known: &Applied| known.owners.iter().eq(owners.iter().copied());
        if satisfies(fact, &props) {
            let on_record = known.is_some_and(|known| {
                known.props == props
                    && known.intent.is_none()
                    && known.adopted.is_none()
                    && same_owners(known)
            });
            if !on_record {
                let right = Applied {
                    props,
                    intent: None,
                    adopted: None,
                    owners: cloned(owners),
                };
                self.plan.remember.push((key.clone(), right));
            }
            return;
        }
        let ours = known.is_some_and(|known| known.made(fact));
        let adopted = known.is_some_and(|known| {
            let as_found = known.adopted.as_ref();
            as_found.is_some_and(|as_found| satisfies(fact, as_found))
        });
        // Who insists on these resources by name wants them as the settings have them again.
        let insists = self.mode == Mode::Force && self.only.is_some();
        let taken_over = adopted && !insists && known.is_some_and(|known| known.gave(&props));
        let is_spared = adopted && !taken_over && !insists;
        if is_spared && self.spare(key, wanted, fact, known, &owners) {
            return;
        }
        let repaired = wanted.item.repaired() && known.is_some_and(|known| !known.props.is_empty());
        let is_new = known.is_none_or(|known| known.props.is_empty() && known.intent.is_none());
        let theirs =
            (!repaired && wanted.item.guarded(fact)) || (is_new && wanted.item.theirs(fact));
        // After going back to a backup nobody knows whether somebody changed it, or a fleet that is forgotten.
        let doubtful = known.is_some_and(Applied::is_restored)
            && !matches!(
                wanted.item,
                Item::Package(_) | Item::Service(_) | Item::Probe(_)
            );
        let left_alone = taken_over || (!ours && (theirs || doubtful));
        let settles = !doubtful && wanted.item.settles(fact);
        let is_work = left_alone && wanted.item.guarded(fact);
        if left_alone && !taken_over && self.mode == Mode::Adopt && !settles {
            self.take_over(key, props, fact, cloned(owners));
            return;
        }
        let left_alone = taken_over || (left_alone && self.mode == Mode::Respect);
        let holders = if taken_over {
            // Also that it lacks what they contributed was taken over.
            owners.clone()
        } else {
            with_leaving(key, owners.iter().copied(), known)
        };
        // What is on record must know its owners even when it is left alone, and what an earlier transaction made of it
        // before the next one's intent takes that place.
        if let Some(known) = known
            && (known.intent.is_some()
                || (left_alone && !known.owners.iter().eq(holders.iter().copied())))
            && let Some(settled) = known.settled(fact)
        {
            let settled = Applied {
                owners: cloned(holders.iter().copied()),
                ..settled
            };
            self.plan.remember.push((key.clone(), settled));
        }
        if taken_over {
            self.plan.adopted.push((key.clone(), cloned(holders)));
            return;
        }
        if left_alone {
            self.plan.conflicts.push(Conflict {
                item: wanted.item.clone(),
                fact: fact.clone(),
                owners: cloned(holders),
                edited: !adopted && known.is_some_and(|known| !known.props.is_empty()),
                adopted,
            });
            return;
        }
        if self.refused(key, wanted, known) {
            return;
        }
        self.hold_drastic(wanted, fact, &owners);
        if is_work && key.item_type == ItemType::File {
            self.plan.replaced.insert(key.clone());
        }
        self.plan.changes.push(Change {
            key: key.clone(),
            action: Action::Update,
            before: Some(fact.clone()),
            drift: known.is_some_and(|known| known.gave(&props)),
            after: props,
            item: Some(wanted.item.clone()),
            owners: cloned(owners),
        });
    }

    /// An item on record that is not wanted any more, at least not by the resources that this is narrowed to.
    fn unwanted(&mut self, key: &Key, fact: Option<&Props>, known: &Applied) {
        let others = self.others(key, Some(known));
        let Some(fact) = fact else {
            if others.is_empty() {
                self.plan.forget.push(key.clone());
            }
            return;
        };
        if self.unknown(fact, &known.owners.iter().collect::<Vec<_>>()) {
            return;
        }
        if !others.is_empty() {
            if let Some(settled) = known.settled(fact) {
                let theirs = Applied {
                    owners: cloned(others),
                    ..settled
                };
                self.plan.remember.push((key.clone(), theirs));
            }
            return;
        }
        let last = known.last(fact);
        if key.item_type.stays(last) {
            self.plan.forget.push(key.clone());
            return;
        }
        self.plan.changes.push(Change {
            key: key.clone(),
            action: Action::Delete,
            before: Some(fact.clone()),
            after: last.clone(),
            item: None,
            owners: known.owners.clone(),
            drift: false,
        });
    }
}

/// These owners of an item, and of one that folds also those on record: what they contributed is in it until it is made anew
/// without them.
fn with_leaving<'k>(
    key: &Key,
    owners: impl IntoIterator<Item = &'k ResourceName>,
    known: Option<&'k Applied>,
) -> Vec<&'k ResourceName> {
    let on_record = known.filter(|_| key.item_type.folds());
    let mut all: Vec<_> = owners.into_iter().collect();
    all.extend(on_record.into_iter().flat_map(|known| &known.owners));
    all.sort();
    all.dedup();
    all
}

/// The command that installs and starts what a resource needs of its server.
fn setting_up(server: Option<&ServerName>, owner: &ResourceName) -> String {
    let server = server.map_or("NAME", ServerName::as_str);
    match kind(&owner.kind).and_then(|kind| kind.role) {
        Some(role) => format!("`fleet setup-server {server} --role {role}`"),
        None => format!("`fleet setup-server {server}`"),
    }
}

fn cloned<'k>(owners: impl IntoIterator<Item = &'k ResourceName>) -> Vec<ResourceName> {
    owners.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests;
