//! What is said of a change of which no server takes note, since what it changes is on none.

use super::Ending;
use super::change::Before;
use crate::context::Context;
use crate::diagnostic::Class;
use crate::kind::{Kind, Scope};
use crate::model::{Resource, ResourceName};

/// Tells it, and how the command ends. `placed` is whether it is on servers that take no part; `there` what is recorded of it.
pub(super) fn tell(
    context: &Context,
    kind: &Kind,
    name: &ResourceName,
    before: &Before,
    there: Option<&Resource>,
    placed: bool,
) -> Ending {
    let is_leaving = matches!(before, Before::Leaving);
    if placed {
        let rest = if is_leaving {
            "what is left of it there goes when `fleet apply` reaches it"
        } else {
            "it stays pending"
        };
        let warning = format!("{name} is on no active server; {rest}");
        context.ui.warn(&warning);
        return Ending::With(Class::Partial);
    }
    let Some(there) = there.filter(|_| !is_leaving) else {
        context.ui.note(&format!(
            "nothing to do on servers: {name} is on none, and on record no more"
        ));
        return Ending::Done;
    };
    if !matches!(
        (kind.scope)(&there.spec),
        Ok(Scope::One | Scope::Beside { .. })
    ) {
        context.ui.note(&format!(
            "nothing to do on servers: {name} is on none, and recorded"
        ));
        return Ending::Done;
    }
    // Its server is gone for good.
    context
        .ui
        .warn(&format!("{name} is on no server; it stays pending"));
    let ResourceName { kind, name } = name;
    context.ui.hint(&format!(
        "`fleet add-{kind} {name}` with the same settings places it anew"
    ));
    Ending::With(Class::Partial)
}
