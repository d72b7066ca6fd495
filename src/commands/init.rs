//! `fleet init`: an inventory to start with.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::inventory;
use crate::shell::quote;

/// Writes an inventory.
#[derive(Args, Debug)]
pub struct Init {
    /// Where to write it [default: ./inventory.toml]
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
}

/// What `fleet init` writes.
const STARTER: &str = r#"# The servers of this fleet. `fleet add-server`, `set-server` and `remove-server` edit this file and keep your
# comments; so can you. Every key is explained in fleet's `inventory.example.toml`.

[settings]
# The database of what should exist. Default: ~/.local/share/fleet/state.db
# state = "state.db"

[defaults]
# What holds for every server that does not say otherwise.
# user = "root"
# capacity = 50

# [servers.web-1]
# address = "web-1.example.com"
# region = "singapore"
"#;

impl Verb for Init {
    const NAME: &'static str = "init";
    const ABOUT: &'static str = "Write an inventory to start with";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet init", "In the working directory"),
        ("fleet init --path ~/.config/fleet/inventory.toml", "Where fleet finds it from everywhere"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let named = self.path.is_some();
        let path = self.path.unwrap_or_else(|| context.new_inventory_path());
        let shown = path.display().to_string();
        inventory::create(&path, STARTER).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Diagnostic::usage(format!("`{shown}` exists already, and stays as it is"))
                    .hint("add a server to it with `fleet add-server NAME --address ADDRESS`")
            }
            std::io::ErrorKind::NotFound => {
                Diagnostic::usage(format!("cannot write `{shown}`: its directory does not exist"))
            }
            _ => Diagnostic::failed(format!("cannot write `{shown}`: {error}")),
        })?;
        context.ui.show(&json!({ "path": shown, "changed": true }), |page| {
            page.line(&format!("wrote {shown}"));
        })?;
        let found = context.inventory_path().is_some_and(|found| found == path);
        if named && !found {
            context.ui.hint(&format!("name it with `--inventory {}` or in `FLEET_INVENTORY`", quote(&shown)));
        }
        context.ui.hint("add your first server with `fleet add-server NAME --address ADDRESS`");
        Ok(Ending::Done)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::STARTER;
    use crate::inventory::Inventory;

    #[test]
    fn what_it_writes_is_valid_also_without_the_comment_signs() {
        let path = Path::new("inventory.toml");
        assert!(Inventory::parse(path, STARTER, None).unwrap().servers.is_empty());
        let (head, rest) = STARTER.split_once("\n\n").unwrap();
        assert!(head.lines().all(|line| line.starts_with("# ")));
        let live: Vec<&str> = rest
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(bare) if bare.contains(" = ") || bare.starts_with('[') => bare,
                _ => line,
            })
            .collect();
        let inventory = Inventory::parse(path, &live.join("\n"), None).unwrap();
        assert_eq!(inventory.server("web-1").unwrap().capacity, 50);
    }
}
