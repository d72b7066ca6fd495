//! `fleet list-notifications`: the channels, what became of what was sent, and what waits.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::notification::{Change, Channel};
use crate::notify::is_quiet;
use crate::state::{ChannelRecord, Waiting};
use crate::ui::{Cell, Table, Tone, format};

/// Lists the channels over which changes of status are told.
#[derive(Args, Debug)]
pub struct ListNotifications {}

impl Verb for ListNotifications {
    const NAME: &'static str = "list-notifications";
    const ABOUT: &'static str = "List the channels that are notified, and what waits for them";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-notifications", ""),
        (
            "fleet list-notifications --json | jq '.channels[] | select(.waiting > 0)'",
            "Those that could not be reached",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let channels = &context.inventory()?.channels;
        let (records, waiting) = match context.state_to_read()? {
            Some(state) => state.read(|read| {
                Ok::<_, Diagnostic>((read.channel_records()?, read.notices()?))
            })?,
            None => (BTreeMap::new(), Vec::new()),
        };
        let rows: Vec<Row<'_>> = channels
            .values()
            .map(|channel| Row::of(channel, &records, &waiting))
            .collect();
        let now = context.now();
        let values: Vec<Value> = rows
            .iter()
            .map(|row| row.json(is_quiet(row.channel, now)))
            .collect();
        context.ui.show(&json!({ "channels": values }), |page| {
            if rows.is_empty() {
                return;
            }
            let mut table = Table::new()
                .column("channel")
                .column("type")
                .column("on")
                .column("sent")
                .number("waiting")
                .column("trouble");
            for row in &rows {
                let sent = row.record.sent_at.map(|at| format::age(at, now));
                let sent = sent.unwrap_or_else(|| "never".to_owned());
                table.row([
                    Cell::new(row.channel.name.clone(), Tone::Strong),
                    Cell::from(row.channel.way.word()),
                    Cell::from(row.on()),
                    Cell::from(sent),
                    Cell::from(row.waiting.to_string()),
                    Cell::new(row.trouble().unwrap_or_default(), Tone::Bad),
                ]);
            }
            page.table(&table);
        })?;
        if rows.is_empty() && !context.globals.wants_json() {
            context.ui.note("the inventory has no channels to notify");
            context
                .ui
                .hint("write a `[notifications.NAME]`; `inventory.example.toml` has one of each type");
        }
        Ok(Ending::Done)
    }
}

struct Row<'i> {
    channel: &'i Channel,
    record: ChannelRecord,
    waiting: usize,
    given_up: usize,
    error: Option<String>,
}

impl<'i> Row<'i> {
    fn of(
        channel: &'i Channel,
        records: &BTreeMap<String, ChannelRecord>,
        waiting: &[Waiting],
    ) -> Self {
        let own = waiting.iter().filter(|w| w.notice.channel == channel.name);
        let (given_up, waiting): (Vec<_>, Vec<_>) = own.partition(|w| w.given_up_at.is_some());
        Self {
            channel,
            record: records.get(&channel.name).cloned().unwrap_or_default(),
            waiting: waiting.len(),
            given_up: given_up.len(),
            error: waiting.iter().rev().find_map(|w| w.error.clone()),
        }
    }

    fn on(&self) -> String {
        if self.channel.on.len() == Change::ALL.len() {
            return "all".to_owned();
        }
        let words: Vec<&str> = self.channel.on.iter().map(|change| change.word()).collect();
        words.join(" ")
    }

    /// What is wrong with it now: the last attempt failed, or something was given up.
    fn trouble(&self) -> Option<String> {
        let failed = self.record.failed_at > self.record.sent_at;
        let error = self.record.error.clone().filter(|_| failed);
        let given_up = (self.given_up > 0).then(|| format!("{} given up", self.given_up));
        let all: Vec<String> = given_up
            .into_iter()
            .chain(error.or_else(|| self.error.clone()))
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn json(&self, quiet: bool) -> Value {
        let on: Vec<&str> = self.channel.on.iter().map(|change| change.word()).collect();
        json!({
            "name": self.channel.name,
            "type": self.channel.way.word(),
            "on": on,
            "quiet": quiet,
            "sent_at": self.record.sent_at,
            "failed_at": self.record.failed_at,
            "error": self.record.error,
            "waiting": self.waiting,
            "given_up": self.given_up,
        })
    }
}
