//! The flags that all commands share which change servers.

use std::time::Duration;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::diagnostic::Diagnostics;
use crate::inventory::{Inventory, value};
use crate::model::{Share, Waves};
use crate::plan::Mode;

/// How a change is carried out.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Flags {
    /// Show what would change, with diffs, and change nothing
    #[arg(long, help_heading = "How to carry it out")]
    pub(super) dry_run: bool,
    /// Insist: replace what fleet did not write or what was edited since, with copies of files in the trash, and make large
    /// or harmful changes that are refused
    #[arg(long, conflicts_with = "adopt", help_heading = "How to carry it out")]
    pub(super) force: bool,
    /// Take over what fleet did not write or what was edited since, as it is
    #[arg(long, help_heading = "How to carry it out")]
    pub(super) adopt: bool,
    /// How long to wait for another fleet at work on a server [default: the inventory's, else 1m]
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "How to carry it out")]
    pub(super) lock_wait: Option<Duration>,
    /// How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m
    #[arg(long, value_name = "TIME", value_parser = confirm_timeout, default_value = "30s", help_heading = "How to carry it out")]
    pub(super) confirm_timeout: Duration,
    #[command(flatten)]
    pub(super) in_waves: InWaves,
}

/// How it goes over many servers.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct InWaves {
    /// Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a
    /// selector is a wave of canaries [default: the inventory's, else all at once]
    #[arg(long, value_name = "SIZES", help_heading = "In waves")]
    pub(super) waves: Option<Waves>,
    /// Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]
    #[arg(long, value_name = "N|N%", help_heading = "In waves")]
    pub(super) max_failures: Option<Share>,
    /// How long to wait after a wave before it is looked at
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "In waves")]
    pub(super) wave_pause: Option<Duration>,
    /// Count servers that are away or locked as failed
    #[arg(long, help_heading = "In waves")]
    pub(super) away_fails: bool,
}

/// How a change of what is recorded is carried out, or only recorded.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Staging {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Record it only; `fleet apply` carries it out
    #[arg(long, conflicts_with = "dry_run", help_heading = "How to carry it out")]
    pub(super) stage: bool,
}

impl InWaves {
    /// Refuses waves that select what is not there, before anything is recorded.
    pub(super) fn check(&self, inventory: &Inventory) -> Result<(), Diagnostics> {
        let Some(waves) = self.waves.as_ref().or(inventory.settings.waves.as_ref()) else {
            return Ok(());
        };
        let found = waves.of(&[], &inventory.servers);
        found.map(drop).map_err(|mut wrong| {
            if let (None, Some(last)) = (&self.waves, wrong.0.last_mut()) {
                let hint = "it stands in `waves` under [settings] of the inventory";
                last.hints.push(hint.to_owned());
            }
            wrong
        })
    }
}

impl Flags {
    /// What to do about differences that fleet did not cause.
    pub(super) fn mode(&self) -> Mode {
        match (self.force, self.adopt) {
            (true, _) => Mode::Force,
            (_, true) => Mode::Adopt,
            _ => Mode::Respect,
        }
    }

    /// Adds the flags of a command over kinds: these, and `--stage`.
    pub(super) fn of_kind(command: Command) -> Command {
        Staging::augment_args(command)
    }

    /// Reads them.
    pub(super) fn read(matches: &ArgMatches) -> anyhow::Result<Self> {
        Ok(Self::from_arg_matches(matches)?)
    }
}

fn confirm_timeout(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    let bounds = Duration::from_secs(5)..=Duration::from_secs(600);
    if bounds.contains(&time) {
        Ok(time)
    } else {
        Err("from 5s to 10m".to_owned())
    }
}

/// `30s`, `5m`, `2h`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    value::duration(text).map_err(|refused| refused.hint.unwrap_or(refused.message))
}
