//! The flags of every command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that every command takes, before or after its name.
#[derive(Args, Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "flags are what they are")]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Inventory of servers [default: ./inventory.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub inventory: Option<PathBuf>,
    /// State database [default: in the user's data directory]
    #[arg(long, value_name = "FILE", global = true)]
    pub state: Option<PathBuf>,
    /// Print text (`table`) or one JSON object (`json`)
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
    /// Print only errors and the data asked for
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    pub quiet: bool,
    /// Print each change that was made, and servers without any; twice: each step as it is taken
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Answer every question with yes, but for that whether an unknown host key is the server's
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
