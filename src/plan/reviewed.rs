//! A plan that somebody has reviewed: what of it is kept, without the values, and how another one differs from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ring::hmac;
use serde::{Deserialize, Serialize};

use super::{Action, Change, ServerPlan};
use crate::item::{Key, Props};
use crate::model::ResourceName;

/// Turns what must not be in a file into marks that only compare: without the key, which the state database has, nobody
/// can find out by trying which value a mark stands for.
#[derive(Clone, Debug)]
pub struct Seal(hmac::Key);

impl Seal {
    /// The seal with this key.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The mark of some bytes: 64 hexadecimal digits.
    pub fn mark(&self, bytes: &[u8]) -> String {
        hex(hmac::sign(&self.0, bytes).as_ref())
    }

    /// The mark of an item's properties.
    fn of(&self, key: &Key, props: &Props) -> String {
        let mut text = format!("{key}\n");
        for (name, value) in props {
            let _ = writeln!(text, "{}:{name} {}:{value}", name.len(), value.len());
        }
        self.mark(text.as_bytes())
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One change of a reviewed plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewedChange {
    /// The item.
    pub item: Key,
    /// What happens to it.
    pub action: Action,
    /// The resources it belongs to.
    pub owners: Vec<ResourceName>,
    /// The mark of its properties before; `None` when it is not there.
    pub before: Option<String>,
    /// The mark of its properties afterwards.
    pub after: String,
}

/// What was reviewed of one server's plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// The changes, in the order of keys.
    pub changes: Vec<ReviewedChange>,
    /// The resources that are held back.
    pub held: BTreeSet<ResourceName>,
    /// What goes back from the trash, with the task that moved it there.
    pub restored: BTreeMap<Key, i64>,
}

impl Reviewed {
    /// What is kept of a plan.
    pub fn of(plan: &ServerPlan, seal: &Seal) -> Self {
        let kept = |change: &Change| ReviewedChange {
            item: change.key.clone(),
            action: change.action,
            owners: change.owners.clone(),
            before: change
                .before
                .as_ref()
                .map(|props| seal.of(&change.key, props)),
            after: seal.of(
                &change.key,
                plan.taken_back.get(&change.key).unwrap_or(&change.after),
            ),
        };
        Self {
            changes: plan.changes.iter().map(kept).collect(),
            held: plan.held().into_iter().cloned().collect(),
            restored: plan.restored.clone(),
        }
    }

    /// In what `now` differs from this, one sentence each; nothing when it is the same plan.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let by_item = |reviewed: &'_ Self| -> BTreeMap<Key, ReviewedChange> {
            let changes = reviewed.changes.iter();
            changes
                .map(|change| (change.item.clone(), change.clone()))
                .collect()
        };
        let (then, mut others) = (by_item(self), by_item(now));
        let mut found = Vec::new();
        for (item, was) in &then {
            let Some(is) = others.remove(item) else {
                found.push(format!("`{item}` needs no change any more"));
                continue;
            };
            if is.before != was.before {
                found.push(format!("`{item}` has changed on the server since"));
            } else if (is.action, &is.after) != (was.action, &was.after) {
                found.push(format!("`{item}` should become something else by now"));
            } else if is.owners != was.owners {
                found.push(format!("`{item}` belongs to other resources by now"));
            }
        }
        for (item, is) in &others {
            found.push(format!("{} `{item}` is not in the plan", is.action.word()));
        }
        for name in now.held.difference(&self.held) {
            found.push(format!("{name} cannot be applied any more"));
        }
        for name in self.held.difference(&now.held) {
            found.push(format!("{name} was held back, and is not any more"));
        }
        if self.restored != now.restored {
            found.push("something else goes back from the trash".to_owned());
        }
        found
    }
}

/// A reviewed plan that the one which is made must be.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What was reviewed.
    pub plan: Reviewed,
    /// By which its values compare.
    pub seal: Seal,
}

impl Expected {
    /// In what a plan differs from it.
    pub fn differences(&self, plan: &ServerPlan) -> Vec<String> {
        self.plan.differences(&Reviewed::of(plan, &self.seal))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::plan::Blocked;

    fn props(hash: &str) -> Props {
        Props::from([("sha256".to_owned(), hash.to_owned())])
    }

    fn change(name: &str, before: Option<&str>, after: &str) -> Change {
        Change {
            key: format!("file {name}").parse().unwrap(),
            action: if before.is_some() {
                Action::Update
            } else {
                Action::Create
            },
            before: before.map(props),
            after: props(after),
            item: None,
            owners: vec![ResourceName::new("site", "a")],
            drift: false,
        }
    }

    fn plan(changes: Vec<Change>) -> ServerPlan {
        ServerPlan {
            changes,
            ..ServerPlan::default()
        }
    }

    #[test]
    fn every_difference_is_told_and_nothing_of_an_equal_plan() {
        let seal = Seal::new(b"key");
        let expected = Expected {
            plan: Reviewed::of(
                &plan(vec![change("/a", Some("1"), "2"), change("/b", None, "3")]),
                &seal,
            ),
            seal,
        };
        let differences = |changes| expected.differences(&plan(changes));
        let (a, b) = (change("/a", Some("1"), "2"), change("/b", None, "3"));
        assert!(differences(vec![a.clone(), b.clone()]).is_empty());
        let cases = [
            (vec![a.clone()], "`file /b` needs no change any more"),
            (
                vec![change("/a", Some("9"), "2"), b.clone()],
                "`file /a` has changed on the server since",
            ),
            (
                vec![a.clone(), change("/b", None, "9")],
                "`file /b` should become something else by now",
            ),
            (
                vec![a.clone(), b.clone(), change("/c", None, "1")],
                "create `file /c` is not in the plan",
            ),
        ];
        for (changes, sentence) in cases {
            assert_eq!(differences(changes), [sentence]);
        }
        let mut held = plan(vec![a, b]);
        held.blocked.push(Blocked {
            resource: ResourceName::new("site", "x"),
            reason: "no nginx".to_owned(),
            hint: None,
        });
        assert_eq!(
            expected.differences(&held),
            ["site x cannot be applied any more"]
        );
    }

    #[test]
    fn a_file_holds_no_value_and_equal_values_have_marks_of_their_own() {
        let of = |key: &[u8]| {
            let changes = vec![change("/a", None, "hunter2"), change("/b", None, "hunter2")];
            Reviewed::of(&plan(changes), &Seal::new(key))
        };
        let kept = of(b"one");
        let text = serde_json::to_string(&kept).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert_ne!(kept.changes[0].after, kept.changes[1].after);
        assert_ne!(kept.changes[0].after, of(b"two").changes[0].after);
        let read: Reviewed = serde_json::from_str(&text).unwrap();
        assert_eq!(read, kept);
    }
}
