//! `fleet add-database-user`: another user of a database.

use clap::Args;

use super::database_user::{PasswordSource, UserSettings, database, edit};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Invalid, ticked};
use crate::kind::database::{Database, User, user_name};
use crate::model::Access;

/// Adds a user to a database: it may read and write rows, and come from the server itself, unless it is told otherwise.
#[derive(Args, Debug)]
pub struct AddDatabaseUser {
    /// The database
    #[arg(value_name = "DATABASE")]
    database: String,
    /// Name of the user
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    settings: UserSettings,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for AddDatabaseUser {
    const NAME: &'static str = "add-database-user";
    const ABOUT: &'static str = "Add a user to a database";
    const GROUP: Group = Group::Of("database");
    const EXAMPLES: &'static [Example] = &[
        ("fleet add-database-user shop report --role read-only", "It may read, from the server itself"),
        (
            "fleet add-database-user shop app2 --host server:role=web --connections 20",
            "It may come from every web server",
        ),
        (
            "fleet add-database-user shop helper --role read-only --host 192.0.2.7 --expires 2h",
            "It is locked in two hours, whether fleet is there or not",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (name, spec) = database(context, &self.database)?;
        user_name(&self.user, spec.engine()).map_err(Diagnostic::usage)?;
        let mut edge = context.edge();
        let sealed = self.password.seal(&name, &spec, &self.user, &mut edge)?;
        edit(Self::NAME, &self.staging, &name).run::<Database>(context, Some(&edge), |spec, now| {
            let mut user = User {
                access: Access::ReadWrite,
                hosts: vec!["localhost".to_owned()],
                connections: 0,
                expires: None,
                password: sealed.password,
                salt: sealed.salt,
                generated: sealed.generated,
            };
            self.settings.put(&mut user, now)?;
            let Some(there) = spec.users().get(&self.user) else {
                spec.users_mut().insert(self.user.clone(), user);
                return Ok(());
            };
            user.inherit(there);
            if user == *there {
                return Ok(());
            }
            let mut invalid = Invalid::default();
            invalid.push_with_hint(
                "",
                format!("there is a user {} already, with other settings", ticked(&self.user)),
                "`set-database-user` changes it, `rotate-password` gives it another password",
            );
            Err(invalid)
        })
    }
}
