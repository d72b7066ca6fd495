//! `fleet rotate-key`: seals every stored secret with a new key, from a file, a command or a passphrase.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::state::{KeyPlace, State};
use crate::ui::format;

/// Gives the stored secrets a new key.
#[derive(Args, Debug)]
pub struct RotateKey {
    /// Where the new key comes from: a new one in the key `file`, the first that the key `command` prints, or a
    /// `passphrase` [default: where the key comes from now]
    #[arg(long, value_name = "PLACE", value_enum, hide_possible_values = true)]
    to: Option<Place>,
    /// Take older keys out of the key file: what was sealed with them elsewhere (backups of the state database) is lost
    #[arg(long)]
    forget_old_keys: bool,
}

/// Where keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Place {
    File,
    Command,
    Passphrase,
}

impl Verb for RotateKey {
    const NAME: &'static str = "rotate-key";
    const ABOUT: &'static str = "Seal the stored secrets with a new key";
    const GROUP: Group = Group::Secrets;
    const EXAMPLES: &'static [Example] = &[
        ("fleet rotate-key", "A new key where the key is now"),
        (
            "fleet rotate-key --to passphrase",
            "From now on a passphrase opens the secrets",
        ),
        (
            "fleet rotate-key --to command",
            "The key that `[settings] key_command` of the inventory prints",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let keys = context.keys()?;
        let place = self.to.map(|place| match place {
            Place::File => KeyPlace::File,
            Place::Command => KeyPlace::Command,
            Place::Passphrase => KeyPlace::Passphrase,
        });
        if self.forget_old_keys {
            context.confirm(
                "take older keys out of the key file? Backups of the state database that need them cannot be opened any more",
            )?;
        }
        context.record(Self::NAME, |_| {
            let rotation = context.state()?.begin_rotation(keys, place)?;
            let mut rotated = State::rotate(&mut *context.state()?, keys, &rotation)?;
            if self.forget_old_keys {
                rotated.forgotten = context.state()?.forget_old_keys(keys, &rotation)?;
            }
            let (word, key) = match rotated.place {
                KeyPlace::File => {
                    let file = keys.file()?.display();
                    ("file", format!("a new key of the key file `{file}`"))
                }
                KeyPlace::Command => ("command", "the new key of the key command".to_owned()),
                KeyPlace::Passphrase => ("passphrase", "the new passphrase, which opens them from now on".to_owned()),
            };
            let value = json!({
                "secrets": rotated.secrets,
                "key": word,
                "forgotten": rotated.forgotten,
            });
            context.ui.show(&value, |page| {
                if !context.globals.quiet {
                    let secrets = format::count(rotated.secrets, "secret");
                    page.line(&format!("sealed {secrets} with {key}"));
                    if let (1.., Ok(file)) = (rotated.forgotten, keys.file()) {
                        let older = format::count(rotated.forgotten, "older key");
                        page.line(&format!("took {older} out of `{}`", file.display()));
                    }
                }
            })?;
            let has_file = keys.file().is_ok_and(std::path::Path::exists);
            if has_file && !self.forget_old_keys {
                context.ui.hint(
                    "older keys stay in the key file for backups of the state database; `--forget-old-keys` takes them out",
                );
            }
            Ok(Ending::Done)
        })
    }
}
