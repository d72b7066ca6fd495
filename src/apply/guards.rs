//! What is held back on the server where it is first, and so on all others.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::oneshot;

use crate::diagnostic::Diagnostic;
use crate::model::{ResourceName, ServerName};
use crate::plan::{Blocked, ServerPlan};

/// A server that is about to be changed, and waits for the word.
pub(super) struct Intent {
    pub(super) server: ServerName,
    pub(super) plan: Box<ServerPlan>,
    /// Of what is about to change, that which is first on another server.
    pub(super) led: BTreeMap<ResourceName, ServerName>,
    /// What else is held back; an error when nothing may be changed.
    pub(super) answer: oneshot::Sender<Result<Vec<Blocked>, Diagnostic>>,
}

/// What the servers of a run hold back, as far as they have been read.
pub(super) struct Guards {
    /// Those that have not been read.
    unread: BTreeSet<ServerName>,
    held: BTreeMap<ServerName, BTreeMap<ResourceName, Option<String>>>,
}

impl Guards {
    /// Of a run over these servers.
    pub(super) fn new(servers: &[ServerName]) -> Self {
        Self {
            unread: servers.iter().cloned().collect(),
            held: BTreeMap::new(),
        }
    }

    /// Notes what a server holds back; what it was found to hold back first counts.
    pub(super) fn note(&mut self, server: &ServerName, plan: &ServerPlan) {
        if !self.unread.remove(server) {
            return;
        }
        let hint = |name: &ResourceName| {
            let mut blocked = plan.blocked.iter();
            blocked
                .find(|blocked| blocked.resource == *name)?
                .hint
                .clone()
        };
        let held = plan.held().into_iter();
        let held: BTreeMap<_, _> = held.map(|name| (name.clone(), hint(name))).collect();
        if !held.is_empty() {
            self.held.insert(server.clone(), held);
        }
    }

    /// Whether all is known of the servers where these are first. One that the run leaves out has no say.
    pub(super) fn decide(&self, led: &BTreeMap<ResourceName, ServerName>) -> bool {
        led.values().all(|first| !self.unread.contains(first))
    }

    /// What of these is held back where it is first.
    pub(super) fn held(&self, led: &BTreeMap<ResourceName, ServerName>) -> Vec<Blocked> {
        let held = led.iter().filter_map(|(name, first)| {
            let hint = self.held.get(first)?.get(name)?;
            Some(Blocked {
                resource: name.clone(),
                reason: format!("it is held back on `{first}`, where it is first"),
                hint: hint.clone(),
            })
        });
        held.collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_held_back_where_it_is_first_is_held_back_everywhere() {
        let server = |name: &str| -> ServerName { name.parse().unwrap() };
        let zone = |name: &str| ResourceName::new("zone", name);
        let led = |first: &str| BTreeMap::from([(zone("a.test"), server(first))]);
        let mut guards = Guards::new(&[server("sg-1"), server("sg-2"), server("sg-3")]);
        assert!(!guards.decide(&led("sg-1")), "it is not read yet");
        assert!(guards.decide(&led("sg-9")), "it has no part in the run");
        let mut plan = ServerPlan::default();
        plan.blocked.push(Blocked {
            resource: zone("a.test"),
            reason: "too much".to_owned(),
            hint: Some("`--force` makes the change".to_owned()),
        });
        guards.note(&server("sg-1"), &plan);
        guards.note(&server("sg-2"), &ServerPlan::default());
        assert!(guards.decide(&led("sg-1")));
        let held = guards.held(&led("sg-1"));
        assert_eq!(held[0].resource, zone("a.test"));
        assert_eq!(
            held[0].reason,
            "it is held back on `sg-1`, where it is first"
        );
        assert_eq!(held[0].hint, plan.blocked[0].hint);
        assert!(guards.held(&led("sg-2")).is_empty());
        let other = BTreeMap::from([(zone("b.test"), server("sg-1"))]);
        assert!(guards.held(&other).is_empty());
    }
}
