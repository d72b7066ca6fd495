//! `fleet set-record`: other values in the place of those that a zone's records have.

use clap::Args;

use super::add_record::{How, Record};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;

/// Puts values in the place of all that a name and type has, or only changes how long they may be kept.
#[derive(Args, Debug)]
pub struct SetRecord {
    #[command(flatten)]
    what: Record,
    /// The new values; without any, only the time to live changes
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    how: How,
}

impl Verb for SetRecord {
    const NAME: &'static str = "set-record";
    const ABOUT: &'static str = "Replace the values of a zone's records";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[
        ("fleet set-record example.com www A 192.0.2.11 192.0.2.12", ""),
        ("fleet set-record example.com www A --ttl 5m", "Before a move"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        if self.values.is_empty() && self.how.ttl.is_none() {
            let error = Diagnostic::usage("nothing to change is given");
            return Err(error.hint("give new values, or `--ttl`").into());
        }
        self.what.change(context, Self::NAME, &self.values, self.how, |typed, sets, zone| typed.put_into(sets, zone))
    }
}
