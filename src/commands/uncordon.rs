//! `fleet uncordon`: servers take new resources again.

use clap::Args;

use super::cordon::switch;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::state::ServerRecord;

/// Lets servers take new resources again.
#[derive(Args, Debug)]
pub struct Uncordon {
    /// The servers: `sg-1`, `jkt-*`, `region=singapore`, `label:tier=gold`, `!sg-3`
    #[arg(value_name = "SELECTOR", required = true)]
    servers: Vec<String>,
}

impl Verb for Uncordon {
    const NAME: &'static str = "uncordon";
    const ABOUT: &'static str = "Let servers take new resources again";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[("fleet uncordon sg-1", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let needed = |record: &ServerRecord| record.cordon.is_some();
        switch(context, Self::NAME, &self.servers, needed, |write, name, _| {
            write.uncordon(name)
        })
    }
}
