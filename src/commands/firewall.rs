//! What the commands of the firewall share: there is one for the fleet, made when it is first needed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Ending;
use super::change::{Before, Changing};
use super::flags::Staging;
use super::placing::place_by_scope;
use super::set::record_change;
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::kind::firewall::{Firewall, NAME};
use crate::kind::{Kind, Spec, from_json, kind, to_json};
use crate::model::{Resource, ResourceName, ServerName};
use crate::plan::place::Request;
use crate::state::{Change, NewResource};

/// The name of the resource.
pub(super) fn name() -> ResourceName {
    ResourceName::new(Firewall::KIND, NAME)
}

/// What is recorded of it.
pub(super) fn recorded(context: &Context) -> anyhow::Result<Option<(Resource, Firewall)>> {
    let Some(state) = context.state_to_read()? else {
        return Ok(None);
    };
    let found = state.read(|read| read.find(&name()))?;
    Ok(match found {
        Some(resource) => {
            let spec = from_json(&resource.spec)?;
            Some((resource, spec))
        }
        None => None,
    })
}

/// Changes it with `edit`, which gets what is recorded inside the transaction, and carries that out.
pub(super) fn change(
    context: &Context,
    command: &'static str,
    staging: Staging,
    edit: impl FnOnce(&mut Firewall, Timestamp) -> Result<(), Diagnostics>,
) -> anyhow::Result<Ending> {
    enable(context, command, staging, BTreeSet::new(), edit)
}

/// The same where it enables the firewall on servers, be it once more: what it shuts out there is told.
pub(super) fn enable(
    context: &Context,
    command: &'static str,
    staging: Staging,
    enabling: BTreeSet<ServerName>,
    edit: impl FnOnce(&mut Firewall, Timestamp) -> Result<(), Diagnostics>,
) -> anyhow::Result<Ending> {
    let kind: &'static Kind =
        kind(Firewall::KIND).ok_or_else(|| anyhow::anyhow!("there is no kind of firewalls"))?;
    let changing = Changing {
        context,
        command: command.to_owned(),
        kind,
        name: name(),
        flags: staging.flags,
        stage: staging.stage,
        enabling,
    };
    changing.run(None, |write| {
        let now = context.now();
        let there = write.find(&changing.name)?;
        let mut spec: Firewall = match &there {
            Some(there) => from_json(&there.spec)?,
            None => Firewall::default(),
        };
        edit(&mut spec, now)?;
        spec.bans.retain(|_, ban| !ban.is_over(now));
        spec.validate(NAME, now)
            .map_err(|invalid| invalid.into_diagnostics("the firewall"))?;
        let value = to_json(&spec)?;
        let ties = (kind.ties)(&value, NAME)?;
        if let Some(there) = there {
            let change = Change {
                spec: &value,
                weight: there.weight,
                suspended: there.suspended,
                ties: &ties,
            };
            record_change(write, &changing, &there, &change)?;
            return Ok(Before::Resource(Box::new(there)));
        }
        let new = NewResource {
            name: &changing.name,
            spec: &value,
            weight: Firewall::WEIGHT,
            ties: &ties,
        };
        let id = write.insert_resource(&new, now)?;
        let resource = write
            .resource(id)?
            .ok_or_else(|| anyhow::anyhow!("resource {id} is gone"))?;
        let inventory = context.inventory()?;
        place_by_scope(
            write,
            inventory,
            context.now(),
            &resource,
            &spec.scope(),
            &Request::new(None, Firewall::WEIGHT),
        )?;
        Ok(Before::Nothing)
    })
}

/// All problems as one error of class usage.
pub(super) fn refused(problems: Vec<Diagnostic>) -> Result<(), Diagnostics> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(problems))
    }
}

/// A refusal of a value.
pub(super) fn usage((message, hint): (String, String)) -> Diagnostic {
    Diagnostic::new(Class::Usage, message).hint(hint)
}
