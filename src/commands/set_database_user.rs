//! `fleet set-database-user`: what a user of a database may do, and where from.

use clap::Args;

use super::database_user::{UserSettings, database, edit, user_of};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::database::Database;

/// Changes only what is given; hosts that are given take the place of all there were.
#[derive(Args, Debug)]
pub struct SetDatabaseUser {
    /// The database
    #[arg(value_name = "DATABASE")]
    database: String,
    /// The user
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    settings: UserSettings,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for SetDatabaseUser {
    const NAME: &'static str = "set-database-user";
    const ABOUT: &'static str = "Change what a user of a database may do, and where from";
    const GROUP: Group = Group::Of("database");
    const EXAMPLES: &'static [Example] = &[
        ("fleet set-database-user shop report --role read-write", ""),
        ("fleet set-database-user shop helper --expires never", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (name, mut spec) = database(context, &self.database)?;
        user_of(&mut spec, &self.user)
            .map_err(|invalid| invalid.into_diagnostics(&format!("database `{name}`")))?;
        if self.settings.is_empty() {
            return Err(Diagnostic::usage("nothing to change is given")
                .hint("`fleet set-database-user --help` shows the settings")
                .into());
        }
        edit(Self::NAME, &self.staging, &name).run::<Database>(context, None, |spec, now| {
            self.settings.put(user_of(spec, &self.user)?, now)
        })
    }
}
