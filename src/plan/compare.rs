//! What differs between what should be, what is, and what was last applied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{Desired, Facts};
use crate::item::{Applied, Item, ItemType, Key, Props, satisfies};
use crate::model::ResourceName;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
}

/// A resource that cannot be applied as the server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// The resource.
    pub resource: ResourceName,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
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
    /// What is right already and was not on record as such.
    pub remember: Vec<(Key, Applied)>,
    /// What is on record and neither wanted nor there.
    pub forget: Vec<Key>,
}

impl ServerPlan {
    /// Whether there is nothing to change, and nothing in the way.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.conflicts.is_empty() && self.blocked.is_empty()
    }

    /// The resources that are held back: blocked, or with a conflict in an item that is theirs alone.
    pub fn held(&self) -> BTreeSet<&ResourceName> {
        let blocked = self.blocked.iter().map(|blocked| &blocked.resource);
        let conflicts = self
            .conflicts
            .iter()
            .filter(|conflict| conflict.owners.len() == 1)
            .map(|conflict| &conflict.owners[0]);
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

/// The items that a comparison needs facts of: the desired ones and those on record.
pub fn keys(desired: &Desired, applied: &BTreeMap<Key, Applied>) -> BTreeSet<Key> {
    let seeded = desired
        .items
        .values()
        .filter_map(|wanted| match &wanted.item {
            Item::File(file) if file.seed => Some(Key {
                item_type: ItemType::Dir,
                name: file.dir().to_owned(),
            }),
            _ => None,
        });
    let known = desired.items.keys().chain(applied.keys()).cloned();
    known.chain(seeded).collect()
}

/// Compares what should be with what is, given what was last applied.
///
/// `only` narrows it to some resources, of which `desired` holds the items and `applied` what any of them owned:
/// what others want too stays. Without `only` both hold everything, and what is not desired goes away.
pub fn compare<'a>(
    desired: &'a Desired,
    facts: &Facts,
    applied: &'a BTreeMap<Key, Applied>,
    only: Option<&BTreeSet<ResourceName>>,
    mode: Mode,
) -> ServerPlan {
    // Most items are as they should be, so nothing is copied before that is known.
    let others = |known: Option<&'a Applied>| -> Vec<&'a ResourceName> {
        let (Some(known), Some(only)) = (known, only) else {
            return Vec::new();
        };
        let outside = known.owners.iter().filter(|owner| !only.contains(owner));
        outside.collect()
    };
    let cloned = |owners: &[&ResourceName]| owners.iter().copied().cloned().collect::<Vec<_>>();
    let mut plan = ServerPlan::default();
    let installs = desired
        .items
        .keys()
        .any(|key| key.item_type == ItemType::Package && !facts.items.contains_key(key));
    for (key, wanted) in &desired.items {
        let known = applied.get(key);
        let fact = facts.items.get(key);
        if let Item::File(file) = &wanted.item
            && file.seed
        {
            let dir = Key {
                item_type: ItemType::Dir,
                name: file.dir().to_owned(),
            };
            if fact.is_none() && !facts.items.contains_key(&dir) {
                plan.changes.push(Change {
                    key: key.clone(),
                    action: Action::Create,
                    before: None,
                    after: wanted.item.wanted(),
                    item: Some(wanted.item.clone()),
                    owners: wanted.owners.clone(),
                    drift: false,
                });
            }
            continue;
        }
        let props = wanted.item.wanted();
        let mut owners = others(known);
        owners.extend(&wanted.owners);
        owners.sort();
        owners.dedup();
        let Some(fact) = fact else {
            if let Item::Service(service) = &wanted.item
                && !installs
            {
                for owner in &wanted.owners {
                    plan.blocked.push(Blocked {
                        resource: owner.clone(),
                        reason: format!("there is no service `{}` on the server", service.unit),
                        hint: Some("install what the role needs: `fleet setup-server`".to_owned()),
                    });
                }
                continue;
            }
            plan.changes.push(Change {
                key: key.clone(),
                action: Action::Create,
                before: None,
                after: props,
                item: Some(wanted.item.clone()),
                owners: cloned(&owners),
                drift: known.is_some(),
            });
            continue;
        };
        if satisfies(fact, &props) {
            let on_record = known.is_some_and(|known| {
                known.props == props
                    && known.intent.is_none()
                    && known.adopted.is_none()
                    && known.owners.iter().eq(owners.iter().copied())
            });
            if !on_record {
                let right = Applied {
                    props,
                    intent: None,
                    adopted: None,
                    owners: cloned(&owners),
                };
                plan.remember.push((key.clone(), right));
            }
            continue;
        }
        let ours = known.is_some_and(|known| {
            satisfies(fact, &known.props)
                || known.intent.as_ref().is_some_and(|i| satisfies(fact, i))
        });
        let taken_over = known.is_some_and(|known| {
            known.props == props && known.adopted.as_ref().is_some_and(|a| satisfies(fact, a))
        });
        if taken_over {
            continue;
        }
        if !ours && wanted.item.guarded(fact) {
            match mode {
                Mode::Force => {}
                Mode::Adopt => {
                    plan.remember.push((
                        key.clone(),
                        Applied {
                            props,
                            intent: None,
                            adopted: Some(fact.clone()),
                            owners: cloned(&owners),
                        },
                    ));
                    continue;
                }
                Mode::Respect => {
                    plan.conflicts.push(Conflict {
                        item: wanted.item.clone(),
                        fact: fact.clone(),
                        owners: cloned(&owners),
                        edited: known.is_some(),
                    });
                    continue;
                }
            }
        }
        plan.changes.push(Change {
            key: key.clone(),
            action: Action::Update,
            before: Some(fact.clone()),
            drift: known.is_some_and(|known| known.props == props),
            after: props,
            item: Some(wanted.item.clone()),
            owners: cloned(&owners),
        });
    }
    for (key, known) in applied {
        if desired.items.contains_key(key) {
            continue;
        }
        let owners = others(Some(known));
        if !owners.is_empty() {
            plan.remember.push((
                key.clone(),
                Applied {
                    owners: cloned(&owners),
                    ..known.clone()
                },
            ));
            continue;
        }
        match facts.items.get(key) {
            None => plan.forget.push(key.clone()),
            Some(fact) => plan.changes.push(Change {
                key: key.clone(),
                action: Action::Delete,
                before: Some(fact.clone()),
                after: known.props.clone(),
                item: None,
                owners: known.owners.clone(),
                drift: false,
            }),
        }
    }
    plan.changes.sort_by(|a, b| a.key.cmp(&b.key));
    plan
}

#[cfg(test)]
mod tests;
