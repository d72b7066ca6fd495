//! Items: the atoms on a server that kinds compile to. One file each; this one holds the registry.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ResourceName;
use crate::shell::Script;

mod metadata;
mod sql;
mod steps;
pub mod transfer;
pub mod verifier;

pub use steps::{Phase, Steps, TRANSACTIONS};

/// What is known of an item: property -> value, as text that compares (`mode` -> `0644`).
///
/// A property whose name begins with `_` is a note to ourselves (what to do when the item goes away): it is stored
/// with what was applied, and never compared.
pub type Props = BTreeMap<String, String>;

/// The property of an item that could not be looked at: why. Nothing is done about it, neither made nor taken away.
pub const UNKNOWN: &str = "_unknown";

/// The property of what is on record from a backup of the state: a later state may have given the item something else.
pub const RESTORED: &str = "_restored";

/// Builds [`Props`] from pairs.
fn props<const N: usize>(pairs: [(&str, String); N]) -> Props {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Whether `fact` has every compared property of `wanted`.
pub fn satisfies(fact: &Props, wanted: &Props) -> bool {
    differing(fact, wanted).next().is_none()
}

/// The compared properties in which `fact` differs from `wanted`: name, fact, wanted.
pub fn differing<'a>(
    fact: &'a Props,
    wanted: &'a Props,
) -> impl Iterator<Item = (&'a str, Option<&'a str>, &'a str)> {
    wanted
        .iter()
        .filter(|(name, _)| !name.starts_with('_'))
        .filter_map(|(name, value)| {
            let seen = fact.get(name).map(String::as_str);
            (seen != Some(value)).then_some((name.as_str(), seen, value.as_str()))
        })
}

/// What fleet last did to an item on a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The properties it was given.
    pub props: Props,
    /// What a transaction that has not reported back was about to give it.
    pub intent: Option<Props>,
    /// What was found and taken over as it is, in place of `props`.
    pub adopted: Option<Props>,
    /// The resources that want it.
    pub owners: Vec<ResourceName>,
}

impl Applied {
    /// Whether what is there (`fact`) is what fleet made of it, as far as is known or by a transaction that has not
    /// reported back.
    pub fn made(&self, fact: &Props) -> bool {
        let is = |props: &Props| !props.is_empty() && satisfies(fact, props);
        is(&self.props) || self.intent.as_ref().is_some_and(is)
    }

    /// Whether it was taken over with something else as `prop` than fleet would give it.
    pub fn kept_its(&self, prop: &str) -> bool {
        let adopted = self.adopted.as_ref();
        adopted.is_some_and(|adopted| {
            self.props.contains_key(prop) && adopted.get(prop) != self.props.get(prop)
        })
    }

    /// Whether the record is from a backup, so that what is there may be the work of a fleet that knew more.
    pub fn is_restored(&self) -> bool {
        self.props.contains_key(RESTORED)
    }

    /// Whether these are the properties it was given.
    pub fn gave(&self, props: &Props) -> bool {
        let own = self.props.iter().filter(|(prop, _)| *prop != RESTORED);
        own.eq(props)
    }

    /// What fleet last gave to what is there, or was about to give: never nothing, so that it knows what to do when
    /// the item goes away.
    pub fn last(&self, fact: &Props) -> &Props {
        match &self.intent {
            Some(intent) if self.props.is_empty() || satisfies(fact, intent) => intent,
            _ => &self.props,
        }
    }

    /// The record when it is known what became of the intent; `None` when nothing was applied.
    pub fn settled(&self, fact: &Props) -> Option<Self> {
        let settled = match &self.intent {
            Some(intent) if satisfies(fact, intent) => Self {
                props: intent.clone(),
                intent: None,
                adopted: None,
                owners: self.owners.clone(),
            },
            _ => Self {
                intent: None,
                ..self.clone()
            },
        };
        (!settled.props.is_empty()).then_some(settled)
    }
}

/// An item that is to go away.
#[derive(Clone, Copy, Debug)]
pub struct Removal<'a> {
    /// What tells it from others of its type.
    pub name: &'a str,
    /// The properties that fleet gave it.
    pub applied: &'a Props,
    /// The properties it has.
    pub fact: &'a Props,
}

/// Why an item must not be made as it is wanted: it would do harm that nobody can have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it would do.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
    /// Whether it is refused even when the admin insists.
    pub absolute: bool,
}

/// One atom on a server.
///
/// Observing and applying are batched: one fragment for all items of a type, never one command per item.
pub trait Atom: Clone + fmt::Debug + PartialEq + Sized {
    /// The word before the name in plans and keys: `file`.
    const WORD: &'static str;

    /// Whether equal keys of several resources are one item that holds all of them (the rules of a firewall). Where
    /// such an item is touched, all resources of the server that contribute to it are compiled.
    const FOLDS: bool = false;

    /// Takes in what another resource contributes. Called only with [`Self::FOLDS`], in order of kind and name.
    fn fold(&mut self, other: &Self) {
        let _ = other;
    }

    /// What tells it from others of its type: a path, a user name.
    fn name(&self) -> &str;

    /// The properties it should have.
    fn wanted(&self) -> Props;

    /// Whether replacing what is there (`fact`) would lose somebody's work, so that a difference which fleet did
    /// not cause is a conflict instead of a drift.
    fn guarded(&self, fact: &Props) -> bool {
        let _ = fact;
        false
    }

    /// Whether what fleet once made is made as it should be again, whoever has changed it since: nobody's work is in it.
    fn repaired(&self) -> bool {
        false
    }

    /// Why replacing what is there (`fact`) is more likely a mistake than a wish, even where fleet made it: then it
    /// needs `--force`.
    fn drastic(&self, fact: &Props) -> Option<String> {
        let _ = fact;
        None
    }

    /// What is made instead where it was taken over (`as_found`) and the settings have changed since they were this (`gave`),
    /// if that leaves the rest as it was taken over; with the properties that it has then.
    fn spared(&self, as_found: &Props, gave: &Props) -> Option<(Self, Props)> {
        let _ = (as_found, gave);
        None
    }

    /// Which parts of it are made, changed or taken away where this is there (`fact`), by names that its kind knows; empty
    /// for what has no parts.
    fn touched(&self, fact: Option<&Props>) -> Vec<String> {
        let _ = fact;
        Vec::new()
    }

    /// Whether what is there (`fact`) and was never fleet's is somebody's, so that taking it over is a conflict, although
    /// fleet mends what it made itself.
    fn theirs(&self, fact: &Props) -> bool {
        let _ = fact;
        false
    }

    /// Whether what is there (`fact`) is made as it should be also when it is taken over: that loses nothing of anybody's,
    /// and without it what is in it would be half somebody else's.
    fn settles(&self, fact: &Props) -> bool {
        let _ = fact;
        false
    }

    /// Where the trash holds the content of the item when task number `task` removed it; `None` when it never goes there.
    fn kept(&self, task: i64) -> Option<String> {
        let _ = task;
        None
    }

    /// Whether an item that was given `applied` is left as it is when it is no longer wanted.
    fn stays(applied: &Props) -> bool {
        let _ = applied;
        false
    }

    /// Why it must not be made as it is wanted unless the admin insists; `by` is the connection by which the server was
    /// reached, as `SSH_CONNECTION` has it.
    fn refusals(&self, by: Option<&str>) -> Vec<Refusal> {
        let _ = by;
        Vec::new()
    }

    /// Appends a read-only fragment that prints what is there of `names`, for [`Self::facts`] to read.
    fn observe(names: &[&str], out: &mut Script);

    /// Reads what the fragment of [`Self::observe`] printed: name and properties of each item that exists.
    /// Lines it does not know are passed over.
    fn facts(lines: &[&str]) -> BTreeMap<String, Props>;

    /// Appends the steps that make each item as wanted, with the steps that undo them.
    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps);

    /// Appends the steps that take away what was once applied, with the steps that undo them.
    fn remove(removals: &[Removal<'_>], steps: &mut Steps);
}

macro_rules! registry {
    ($($module:ident::$atom:ident),* $(,)?) => {
        $(pub mod $module;)*
        $(pub use $module::$atom;)*

        /// Any item.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Item {
            $(#[doc = concat!("See [`mod@", stringify!($module), "`].")] $atom($atom),)*
        }

        /// The type of an item, in the order the types are applied.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ItemType {
            $(#[doc = concat!("See [`mod@", stringify!($module), "`].")] $atom,)*
        }

        impl ItemType {
            /// Every type, in the order they are applied.
            pub const ALL: &'static [Self] = &[$(Self::$atom),*];

            /// The word before the name in plans and keys.
            pub fn word(self) -> &'static str {
                match self { $(Self::$atom => $atom::WORD,)* }
            }

            /// See [`Atom::FOLDS`].
            pub fn folds(self) -> bool {
                match self { $(Self::$atom => $atom::FOLDS,)* }
            }

            /// See [`Atom::observe`].
            pub fn observe(self, names: &[&str], out: &mut Script) {
                match self { $(Self::$atom => $atom::observe(names, out),)* }
            }

            /// See [`Atom::facts`].
            pub fn facts(self, lines: &[&str]) -> BTreeMap<String, Props> {
                match self { $(Self::$atom => $atom::facts(lines),)* }
            }

            /// See [`Atom::stays`].
            pub fn stays(self, applied: &Props) -> bool {
                match self { $(Self::$atom => $atom::stays(applied),)* }
            }

            /// See [`Atom::remove`].
            pub fn remove(self, removals: &[Removal<'_>], steps: &mut Steps) {
                match self { $(Self::$atom => $atom::remove(removals, steps),)* }
            }

            /// See [`Atom::apply`]; items of other types are passed over.
            pub fn apply(self, changes: &[(&Item, Option<&Props>)], steps: &mut Steps) {
                match self {
                    $(Self::$atom => {
                        let own: Vec<(&$atom, Option<&Props>)> = changes
                            .iter()
                            .filter_map(|(item, before)| match item {
                                Item::$atom(own) => Some((own, *before)),
                                #[allow(unreachable_patterns)]
                                _ => None,
                            })
                            .collect();
                        if !own.is_empty() {
                            $atom::apply(&own, steps);
                        }
                    })*
                }
            }
        }

        impl Item {
            /// Its type.
            pub fn item_type(&self) -> ItemType {
                match self { $(Self::$atom(_) => ItemType::$atom,)* }
            }

            /// What tells it from others of its type.
            pub fn name(&self) -> &str {
                match self { $(Self::$atom(item) => item.name(),)* }
            }

            /// See [`Atom::fold`]; an item of another type, or of one that does not fold, is passed over.
            pub fn fold(&mut self, other: &Self) {
                match (self, other) {
                    $((Self::$atom(own), Self::$atom(other)) if $atom::FOLDS => own.fold(other),)*
                    _ => {}
                }
            }

            /// See [`Atom::wanted`].
            pub fn wanted(&self) -> Props {
                match self { $(Self::$atom(item) => item.wanted(),)* }
            }

            /// See [`Atom::refusals`].
            pub fn refusals(&self, by: Option<&str>) -> Vec<Refusal> {
                match self { $(Self::$atom(item) => item.refusals(by),)* }
            }

            /// See [`Atom::drastic`].
            pub fn drastic(&self, fact: &Props) -> Option<String> {
                match self { $(Self::$atom(item) => item.drastic(fact),)* }
            }

            /// See [`Atom::spared`].
            pub fn spared(&self, as_found: &Props, gave: &Props) -> Option<(Self, Props)> {
                match self {
                    $(Self::$atom(item) => item.spared(as_found, gave).map(|(item, then)| (Self::$atom(item), then)),)*
                }
            }

            /// See [`Atom::touched`].
            pub fn touched(&self, fact: Option<&Props>) -> Vec<String> {
                match self { $(Self::$atom(item) => item.touched(fact),)* }
            }

            /// See [`Atom::guarded`].
            pub fn guarded(&self, fact: &Props) -> bool {
                match self { $(Self::$atom(item) => item.guarded(fact),)* }
            }

            /// See [`Atom::repaired`].
            pub fn repaired(&self) -> bool {
                match self { $(Self::$atom(item) => item.repaired(),)* }
            }

            /// See [`Atom::theirs`].
            pub fn theirs(&self, fact: &Props) -> bool {
                match self { $(Self::$atom(item) => item.theirs(fact),)* }
            }

            /// See [`Atom::settles`].
            pub fn settles(&self, fact: &Props) -> bool {
                match self { $(Self::$atom(item) => item.settles(fact),)* }
            }

            /// See [`Atom::kept`].
            pub fn kept(&self, task: i64) -> Option<String> {
                match self { $(Self::$atom(item) => item.kept(task),)* }
            }
        }

        $(impl From<$atom> for Item {
            fn from(item: $atom) -> Self {
                Self::$atom(item)
            }
        })*
    };
}

registry! {
    package::Package,
    user::User,
    dir::Dir,
    file::File,
    service::Service,
    mariadb::Mariadb,
    postgres::Postgres,
    zone_store::ZoneStore,
    zone::Zone,
    ruleset::Ruleset,
    probe::Probe,
}

/// Type and name of an item: `file /etc/nginx/nginx.conf`. Unique on a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The type.
    pub item_type: ItemType,
    /// The name within the type.
    pub name: String,
}

impl Item {
    /// Its key.
    pub fn key(&self) -> Key {
        Key {
            item_type: self.item_type(),
            name: self.name().to_owned(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.item_type.word(), self.name)
    }
}

impl std::str::FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, name) = text
            .split_once(' ')
            .ok_or_else(|| format!("`{text}` is not an item key"))?;
        let item_type = ItemType::ALL
            .iter()
            .copied()
            .find(|t| t.word() == word)
            .ok_or_else(|| format!("`{word}` is not an item type"))?;
        Ok(Self {
            item_type,
            name: name.to_owned(),
        })
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
