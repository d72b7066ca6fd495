//! `fleet test-notification`: one message over each channel, to see whether it arrives.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::notifying;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic, did_you_mean, ticked};
use crate::model::notification::Channel;
use crate::notify::{self, Delivery, Message};
use crate::ui::Tone;

/// Sends a message that says it is a test, whatever the quiet hours, and tells what became of it.
#[derive(Args, Debug)]
pub struct TestNotification {
    /// Only these channels of the inventory
    #[arg(value_name = "CHANNEL")]
    channels: Vec<String>,
}

impl Verb for TestNotification {
    const NAME: &'static str = "test-notification";
    const ABOUT: &'static str = "Send a test message over the channels";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet test-notification", "Over every channel"),
        ("fleet test-notification ops", "Over one"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let channels = chosen(&context.inventory()?.channels, &self.channels)?;
        context.record(Self::NAME, |_| send(context, &channels))
    }
}

/// The named channels, or all of them.
fn chosen<'i>(
    all: &'i BTreeMap<String, Channel>,
    names: &[String],
) -> Result<Vec<&'i Channel>, Diagnostic> {
    if all.is_empty() {
        return Err(Diagnostic::usage("the inventory has no channels to notify").hint(
            "write a `[notifications.NAME]` with its `type`; `inventory.example.toml` has one of each",
        ));
    }
    if names.is_empty() {
        return Ok(all.values().collect());
    }
    names
        .iter()
        .map(|name| {
            all.get(name).ok_or_else(|| {
                let error = Diagnostic::usage(format!("there is no channel {}", ticked(name)));
                match did_you_mean(name, all.keys().map(String::as_str)) {
                    Some(near) => error.hint(format!("did you mean `{near}`")),
                    None => error.hint("`fleet list-notifications` lists them"),
                }
            })
        })
        .collect()
}

fn send(context: &Context, channels: &[&Channel]) -> anyhow::Result<Ending> {
    let from = context.host();
    let deliveries: Vec<Delivery> = channels
        .iter()
        .map(|channel| Delivery {
            channel: (*channel).clone(),
            keys: context.channel_keys(&channel.way),
            message: Message::test(channel, &from),
        })
        .collect();
    let mut outcomes: BTreeMap<&str, Result<(), String>> = BTreeMap::new();
    let home = context.home();
    let trust = notifying::trust(context);
    let sending = notify::send(
        deliveries,
        &trust,
        home.as_deref(),
        |number, outcome| {
            if let Some(channel) = channels.get(number) {
                outcomes.insert(&channel.name, outcome);
            }
        },
    );
    context.block_on(sending)?;
    let now = context.now();
    context.state()?.write(|write| {
        outcomes.iter().try_for_each(|(name, outcome)| {
            let outcome = outcome.as_ref().copied().map_err(String::as_str);
            write.record_channel(name, outcome, now)
        })
    })?;
    let rows: Vec<_> = outcomes
        .iter()
        .map(|(name, outcome)| json!({ "channel": name, "sent": outcome.is_ok(), "error": outcome.as_ref().err() }))
        .collect();
    context.ui.show(&json!({ "channels": rows }), |page| {
        for (name, outcome) in &outcomes {
            page.text(name, Tone::Strong).text(": ", Tone::Plain);
            match outcome {
                Ok(()) => page.toned_line("sent", Tone::Good),
                Err(why) => page.toned_line(&format!("not sent: {why}"), Tone::Bad),
            };
        }
    })?;
    let failed = outcomes.values().filter(|outcome| outcome.is_err()).count();
    Ok(match failed {
        0 => Ending::Done,
        all if all == outcomes.len() => Ending::With(Class::Failed),
        _ => Ending::With(Class::Partial),
    })
}
