//! Which resources a run is narrowed to.

use std::collections::{BTreeMap, BTreeSet};

use super::jobs::{Jobs, Source};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::{ResourceName, Server, ServerName};
use crate::state::Read;

/// Which resources a run is narrowed to.
#[derive(Clone, Debug, Default)]
pub(super) enum Only {
    /// To none: it is about all that its servers should have.
    #[default]
    All,
    /// To the same ones wherever they are.
    These(BTreeSet<ResourceName>),
    /// On each server to others; there is nothing to do on one that is not among them.
    OnEach(BTreeMap<ServerName, BTreeSet<ResourceName>>),
}

impl From<Option<BTreeSet<ResourceName>>> for Only {
    fn from(only: Option<BTreeSet<ResourceName>>) -> Self {
        only.map_or(Self::All, Self::These)
    }
}

impl Only {
    /// The resources that the run is about, on whichever server; `None` for all.
    pub(super) fn names(&self) -> Option<BTreeSet<ResourceName>> {
        match self {
            Self::All => None,
            Self::These(names) => Some(names.clone()),
            Self::OnEach(each) => Some(each.values().flatten().cloned().collect()),
        }
    }

    /// What is to be done on these servers by what is recorded now.
    pub(super) fn jobs<'c>(
        &self,
        context: &'c Context,
        read: &Read,
        servers: &[&'c Server],
    ) -> anyhow::Result<Jobs<'c>> {
        let inventory = context.inventory()?;
        let keys = context.keys()?;
        let narrowed = |servers, only| -> Result<Jobs<'c>, Diagnostic> {
            let vault = read.vault(keys)?;
            let source = Source {
                read,
                inventory,
                secrets: Box::new(vault),
                servers,
                only,
            };
            source.jobs()
        };
        let Self::OnEach(each) = self else {
            return Ok(narrowed(servers.to_vec(), self.names())?);
        };
        let mut alike: BTreeMap<&BTreeSet<ResourceName>, Vec<&'c Server>> = BTreeMap::new();
        for server in servers {
            if let Some(names) = each.get(&server.name) {
                alike.entry(names).or_default().push(server);
            }
        }
        let mut jobs = Jobs::default();
        for (names, servers) in alike {
            let more = narrowed(servers, Some(names.clone()))?;
            jobs.jobs.extend(more.jobs);
            jobs.resources.extend(more.resources);
            jobs.marks.extend(more.marks);
        }
        jobs.only = self.clone();
        Ok(jobs)
    }
}
