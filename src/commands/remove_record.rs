//! `fleet remove-record`: records of a zone go away.

use clap::Args;

use super::add_record::{How, Record};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::kind::zone::Typed;

/// Takes values of a name and type away, or all of them.
#[derive(Args, Debug)]
pub struct RemoveRecord {
    #[command(flatten)]
    what: Record,
    /// The values to take away [default: all]
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for RemoveRecord {
    const NAME: &'static str = "remove-record";
    const ABOUT: &'static str = "Remove records from a zone";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[
        ("fleet remove-record example.com old CNAME", ""),
        ("fleet remove-record example.com www A 192.0.2.11", "One of several"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let how = How {
            ttl: None,
            priority: None,
            staging: self.staging,
        };
        self.what.change(context, Self::NAME, &self.values, how, Typed::take_from)
    }
}
