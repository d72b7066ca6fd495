//! `fleet remove-database-user`: a user of a database goes; what it made stays.

use clap::Args;

use super::database_user::{database, edit, user_of};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::kind::database::Database;

/// Removes a user of a database. Its connections end; what it made in the database stays there.
#[derive(Args, Debug)]
pub struct RemoveDatabaseUser {
    /// The database
    #[arg(value_name = "DATABASE")]
    database: String,
    /// The user
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for RemoveDatabaseUser {
    const NAME: &'static str = "remove-database-user";
    const ABOUT: &'static str = "Remove a user of a database";
    const GROUP: Group = Group::Of("database");
    const EXAMPLES: &'static [Example] = &[("fleet remove-database-user shop report", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (name, mut spec) = database(context, &self.database)?;
        user_of(&mut spec, &self.user)
            .map_err(|invalid| invalid.into_diagnostics(&format!("database `{name}`")))?;
        context.confirm(&format!(
            "remove the user `{}` of database `{name}`?",
            self.user
        ))?;
        edit(Self::NAME, &self.staging, &name).run::<Database>(context, None, |spec, _| {
            user_of(spec, &self.user)?;
            spec.users_mut().remove(&self.user);
            Ok(())
        })
    }
}
