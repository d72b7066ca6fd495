//! `fleet completions`: the script that gives a shell the completion of fleet's command lines.

use clap::Args;
use serde_json::json;

use super::complete::Shell;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;

/// Prints the script that completes fleet's commands, flags and values in a shell: servers, resources, records, tasks, as
/// the inventory and the state have them. It asks fleet each time a key is pressed, so it need not be renewed.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl Verb for Completions {
    const NAME: &'static str = "completions";
    const ABOUT: &'static str = "Print the script that completes commands in a shell";
    const GROUP: Group = Group::Setup;
    const EXAMPLES: &'static [Example] = &[
        (
            "fleet completions bash >~/.local/share/bash-completion/completions/fleet",
            "bash, with the package bash-completion; from the next shell on",
        ),
        ("fleet completions zsh >~/.zfunc/_fleet", "zsh, with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc"),
        ("fleet completions fish >~/.config/fish/completions/fleet.fish", ""),
        ("fleet completions powershell >>$PROFILE", "not yet tried in PowerShell itself"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let script = self.shell.script();
        context.ui.show(&json!({ "completions": script }), |page| {
            page.text(script, crate::ui::Tone::Plain);
        })?;
        Ok(Ending::Done)
    }
}
