//! Commands that change a part of a resource's settings: a record of a zone, a user of a database.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Ending;
use super::change::{Before, Changing, taken};
use super::flags::Staging;
use super::set::record_change;
use super::show::find;
use crate::context::{Context, Edge};
use crate::diagnostic::{Diagnostic, Invalid};
use crate::kind::{Kind, Spec, from_json, to_json};
use crate::model::Resource;
use crate::state::Change;

/// The part of a resource that a command changes.
pub(super) struct Edit<'a> {
    /// What is typed: `add-record`.
    pub(super) command: &'static str,
    /// How it is carried out.
    pub(super) staging: Staging,
    /// The kind of the resource.
    pub(super) kind: &'static Kind,
    /// Its name as typed.
    pub(super) name: &'a str,
}

impl Edit<'_> {
    /// Changes the settings with `edit`, records them, and carries it out. `edit` gets the settings as they are inside
    /// the transaction, so that two edits at the same time are both kept, and the time.
    ///
    /// # Errors
    /// What `edit` refuses, and what the kind does.
    pub(super) fn run<S: Spec>(
        self,
        context: &Context,
        edge: Option<&Edge<'_>>,
        edit: impl FnOnce(&mut S, Timestamp) -> Result<(), Invalid>,
    ) -> anyhow::Result<Ending> {
        let kind = self.kind;
        let there = find(context.state_to_read()?.as_ref(), kind, self.name)?;
        let name = there.name.name.clone();
        let subject = format!("{} `{name}`", kind.word);
        let changing = Changing {
            context,
            command: self.command.to_owned(),
            kind,
            name: there.name,
            flags: self.staging.flags,
            stage: self.staging.stage,
            enabling: BTreeSet::new(),
        };
        changing.run(edge, |write| {
            let there: Resource = write
                .find(&changing.name)?
                .ok_or_else(|| Diagnostic::usage(format!("{subject} was removed meanwhile")))?;
            let now = context.now();
            let refused = |invalid: Invalid| invalid.into_diagnostics(&subject);
            let mut spec: S = from_json(&there.spec).map_err(refused)?;
            edit(&mut spec, now).map_err(refused)?;
            spec.validate(&name, now).map_err(refused)?;
            let value = to_json(&spec).map_err(refused)?;
            let ties = (kind.ties)(&value, &name).map_err(refused)?;
            let others = write.taken(&ties.claims, Some(there.id))?;
            if !others.is_empty() {
                return Err(taken(&changing.name, &others).into());
            }
            let change = Change {
                spec: &value,
                weight: there.weight,
                suspended: there.suspended,
                ties: &ties,
            };
            record_change(write, &changing, &there, &change)?;
            Ok(Before::Resource(Box::new(there)))
        })
    }
}
