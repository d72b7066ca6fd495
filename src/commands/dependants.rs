//! What depends on a resource, and what becomes of it when that goes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::kind;
use crate::model::ResourceName;
use crate::state::{Change, Read, Write};
use crate::ui::format;

/// What depends on resources that go.
#[derive(Debug, Default)]
pub(super) struct Dependants {
    /// What cannot be without them.
    pub(super) go: BTreeSet<ResourceName>,
    /// What only refers to them somewhere, with its settings without that.
    pub(super) change: BTreeMap<ResourceName, Value>,
}

impl Dependants {
    /// Everything that depends on `gone`, at any distance.
    pub(super) fn of(read: &Read, gone: &BTreeSet<ResourceName>) -> Result<Self, Diagnostic> {
        let mut dependants = Self::default();
        let mut waiting: Vec<ResourceName> = gone.iter().cloned().collect();
        while let Some(name) = waiting.pop() {
            for follower in read.followers(&name)? {
                if gone.contains(&follower) || dependants.go.contains(&follower) {
                    continue;
                }
                let settings = match dependants.change.remove(&follower) {
                    Some(settings) => Some(settings),
                    None => read.find(&follower)?.map(|there| there.spec),
                };
                let without = match (kind::kind(&follower.kind), settings) {
                    (Some(kind), Some(spec)) => (kind.released)(&spec, &follower.name, &name)
                        .map_err(|invalid| Diagnostic::failed(invalid.to_string()))?,
                    _ => None,
                };
                if let Some(without) = without {
                    dependants.change.insert(follower, without);
                } else {
                    waiting.push(follower.clone());
                    dependants.go.insert(follower);
                }
            }
        }
        Ok(dependants)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.go.is_empty() && self.change.is_empty()
    }

    /// A line for each.
    pub(super) fn lines(&self) -> Vec<String> {
        let go = self.go.iter().map(ToString::to_string);
        let change = self
            .change
            .keys()
            .map(|name| format!("{name}: the part of it that refers to it"));
        go.chain(change).collect()
    }

    /// The refusal to remove `name` while these depend on it.
    pub(super) fn refusal(&self, name: &ResourceName) -> Diagnostic {
        let ResourceName { kind, name } = name;
        let count = format::count(self.go.len() + self.change.len(), "resource");
        let depend = if self.go.len() + self.change.len() == 1 {
            "depends"
        } else {
            "depend"
        };
        let mut refusal = Diagnostic::usage(format!("{count} {depend} on {kind} `{name}`"));
        refusal.details = self.lines();
        refusal.hint(
            "`--cascade` takes along what depends on it; one `fleet undo` brings all of it back",
        )
    }

    /// Records that they go, or are changed.
    pub(super) fn take_along(&self, write: &Write<'_>, now: Timestamp) -> anyhow::Result<()> {
        for name in &self.go {
            if let Some(there) = write.find(name)? {
                write.remove_resource(there.id, None, now)?;
            }
        }
        for (name, spec) in &self.change {
            let (Some(there), Some(kind)) = (write.find(name)?, kind::kind(&name.kind)) else {
                continue;
            };
            let ties = (kind.ties)(spec, &name.name)?;
            let change = Change {
                spec,
                weight: there.weight,
                suspended: there.suspended,
                ties: &ties,
            };
            write.update_resource(there.id, &change, now)?;
        }
        Ok(())
    }
}
