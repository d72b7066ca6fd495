//! The flags of every command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that every command takes, before or after its name.
#[derive(Args, Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "flags are what they are")]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Inventory of servers [default: `FLEET_INVENTORY`, ./inventory.toml, ~/.config/fleet/inventory.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub inventory: Option<PathBuf>,
    /// State database [default: `FLEET_STATE`, the inventory's `settings.state`, ~/.local/share/fleet/state.db]
    #[arg(long, value_name = "FILE", global = true)]
    pub state: Option<PathBuf>,
    /// How results and errors are printed: `table`, text for people, or `json`, one object on stdout
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t = Output::Table,
        hide_possible_values = true,
        hide_default_value = true,
        global = true
    )]
    pub output: Output,
    /// Short for `--output json`
    #[arg(long, global = true)]
    pub json: bool,
    /// Print errors and the data asked for, nothing else
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    pub quiet: bool,
    /// Print more detail; twice for the conversation with the servers
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// No colours (also: the environment variable `NO_COLOR`)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Answer every question with yes; needed for removals without a terminal
    #[arg(short, long, global = true)]
    pub yes: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text and tables.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

impl Globals {
    /// Whether results and errors are JSON.
    pub fn wants_json(&self) -> bool {
        self.json || self.output == Output::Json
    }
}
