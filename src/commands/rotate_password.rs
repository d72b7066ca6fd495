//! `fleet rotate-password`: another password for a user of a database.

use clap::Args;

use super::database_user::{PasswordSource, database, edit, user_of};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::database::Database;

/// Gives a user of a database another password: one that is generated and shown once, unless it is told otherwise.
/// Connections that are open stay so.
#[derive(Args, Debug)]
pub struct RotatePassword {
    /// The database
    #[arg(value_name = "DATABASE")]
    database: String,
    /// The user [default: the only one]
    #[arg(value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for RotatePassword {
    const NAME: &'static str = "rotate-password";
    const ABOUT: &'static str = "Give a user of a database another password";
    const GROUP: Group = Group::Of("database");
    const EXAMPLES: &'static [Example] = &[
        ("fleet rotate-password shop", "One is generated and shown"),
        ("fleet rotate-password shop app --ask-password", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (name, mut spec) = database(context, &self.database)?;
        let user = match (&self.user, spec.users().keys().next(), spec.users().len()) {
            (Some(user), _, _) | (None, Some(user), 1) => user.clone(),
            _ => {
                let users: Vec<&str> = spec.users().keys().map(String::as_str).collect();
                let error = Diagnostic::usage(format!("which user of database `{name}`?"));
                return Err(error.hint(format!("one of: {}", users.join(", "))).into());
            }
        };
        user_of(&mut spec, &user)
            .map_err(|invalid| invalid.into_diagnostics(&format!("database `{name}`")))?;
        let mut edge = context.edge();
        let sealed = self.password.seal(&name, &spec, &user, &mut edge)?;
        edit(Self::NAME, &self.staging, &name).run::<Database>(context, Some(&edge), |spec, _| {
            let user = user_of(spec, &user)?;
            user.password = sealed.password;
            user.salt = sealed.salt;
            user.generated = sealed.generated;
            Ok(())
        })
    }
}
