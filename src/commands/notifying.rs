//! Telling people of changes: what is to be told is stored with the changes themselves, and sent after a sweep.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::http::Trust;
use crate::inventory::Inventory;
use crate::model::ServerName;
use crate::model::notification::{Channel, Notice};
use crate::notify::{self, Delivery, Message};
use crate::state::{Waiting, Write};
use crate::ui::format;

/// For how long a fleet that sends has notices for itself: longer than sending may take. One that was killed meanwhile
/// leaves them to the next sweep after that.
const CLAIM: SignedDuration = SignedDuration::from_secs(120);

/// Stores what is to be told of all that is confirmed now, over every channel. Called in the transaction that records
/// what was seen, so that no change is recorded without it.
pub(super) fn queue(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
) -> Result<(), Diagnostic> {
    write.forget_other_channels(inventory.channels.keys().map(String::as_str))?;
    if inventory.channels.is_empty() {
        return Ok(());
    }
    // Who has not got the last message need not be reminded of it.
    let waiting: BTreeSet<_> = write
        .notices()?
        .into_iter()
        .filter(|waiting| waiting.given_up_at.is_none())
        .map(|waiting| key(&waiting.notice))
        .collect();
    let unwell = write.unwell()?;
    let maintenance: BTreeSet<_> = write.maintenance(now)?.into_keys().collect();
    for channel in inventory.channels.values() {
        let told = write.told(&channel.name)?;
        let mut subjects = unwell.clone();
        for name in told.keys().filter(|name| !unwell.contains_key(name)) {
            if let Some(standing) = write.standing(&name.0, &name.1)? {
                subjects.insert(name.clone(), standing);
            }
        }
        let servers = &inventory.servers;
        let news = notify::compare(channel, &subjects, &told, servers, &maintenance, now);
        let mut left_out = BTreeSet::new();
        for notice in news.notices {
            if notice.reminder && waiting.contains(&key(&notice)) {
                left_out.insert((notice.server, notice.subject));
            } else {
                write.add_notice(&notice)?;
            }
        }
        for (name, told) in &news.told {
            if !left_out.contains(name) {
                write.set_told(&channel.name, name, told.as_ref())?;
            }
        }
    }
    Ok(())
}

/// Over which channel a notice goes, and whom it is about.
fn key(notice: &Notice) -> (String, ServerName, String) {
    let (server, subject) = (notice.server.clone(), notice.subject.clone());
    (notice.channel.clone(), server, subject)
}

/// What one message tells.
struct Batch<'i> {
    channel: &'i Channel,
    notices: Vec<Notice>,
}

impl Batch<'_> {
    fn ids(&self) -> Vec<i64> {
        self.notices.iter().map(|notice| notice.id).collect()
    }
}

/// What becomes of complaints about channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaints {
    /// They go to standard error.
    Told,
    /// They are recorded only.
    Kept,
}

/// Sends what waits and is due. That something cannot be sent is told on standard error, and is no failure of the
/// command: it waits for the next sweep.
pub(super) async fn deliver(context: &Context, complaints: Complaints) -> anyhow::Result<()> {
    let inventory = context.inventory()?;
    let now = context.now();
    let waits = match context.state_to_read()? {
        Some(state) => state.read(|read| read.notices().map(|waiting| !waiting.is_empty()))?,
        None => false,
    };
    if !waits {
        return Ok(());
    }
    let claimed = context
        .state()?
        .write(|write| claim(write, inventory, now))?;
    for (channel, count, why) in &claimed.given_up {
        context.ui.warn(&format!(
            "{} for `{channel}` will never be told: {why}",
            format::count(*count, "change")
        ));
    }
    let batches = claimed.batches;
    let deliveries = batches.iter().filter_map(|batch| {
        Some(Delivery {
            channel: batch.channel.clone(),
            keys: context.channel_keys(&batch.channel.way),
            message: Message::of(batch.channel, &batch.notices, now)?,
        })
    });
    let deliveries: Vec<Delivery> = deliveries.collect();
    let mut recorded = Ok(());
    let home = context.home();
    let trust = trust(context);
    notify::send(deliveries, &trust, home.as_deref(), |number, outcome| {
        let Some(batch) = batches.get(number) else {
            return;
        };
        let kept = record(context, batch, &outcome);
        if recorded.is_ok() {
            recorded = kept;
        }
        if let Err(why) = outcome
            && complaints == Complaints::Told
        {
            complain(context, batch, &why);
        }
    })
    .await;
    recorded
}

/// Records what became of a message at once, so that little is sent twice when this is killed.
fn record(
    context: &Context,
    batch: &Batch<'_>,
    outcome: &Result<(), String>,
) -> anyhow::Result<()> {
    let now = context.now();
    let name = &batch.channel.name;
    context.state()?.write(|write| {
        match outcome {
            Ok(()) => write.notices_sent(&batch.ids())?,
            Err(why) => write.notices_failed(&batch.ids(), why, now)?,
        }
        write.record_channel(name, outcome.as_ref().copied().map_err(String::as_str), now)?;
        Ok::<_, Diagnostic>(())
    })?;
    Ok(())
}

/// Tells that a message did not arrive: with `-q` once, since a sweep follows the other.
fn complain(context: &Context, batch: &Batch<'_>, why: &str) {
    let again = batch.notices.iter().all(|notice| notice.attempts > 0);
    if again && context.globals.quiet {
        return;
    }
    let changes = format::count(batch.notices.len(), "change");
    context.ui.warn(&format!(
        "{changes} for `{}` not told, the next sweep tries again: {why}",
        batch.channel.name
    ));
}

struct Claimed<'i> {
    batches: Vec<Batch<'i>>,
    /// Channel, number of changes, and why they are not tried any more.
    given_up: Vec<(String, usize, String)>,
}

fn claim<'i>(
    write: &Write<'_>,
    inventory: &'i Inventory,
    now: Timestamp,
) -> Result<Claimed<'i>, Diagnostic> {
    let records = write.channel_records()?;
    let mut by_channel: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
    for waiting in write.notices()? {
        if waiting.given_up_at.is_none() {
            let of_channel = by_channel.entry(waiting.notice.channel.clone());
            of_channel.or_default().push(waiting);
        }
    }
    let mut claimed = Claimed {
        batches: Vec::new(),
        given_up: Vec::new(),
    };
    for (name, waiting) in by_channel {
        let Some(channel) = inventory.channels.get(&name) else {
            let ids: Vec<i64> = waiting.iter().map(|waiting| waiting.notice.id).collect();
            write.give_up_notices(&ids, now)?;
            write.forget_told(&name)?;
            let why = "the inventory has no such channel any more".to_owned();
            claimed.given_up.push((name, ids.len(), why));
            continue;
        };
        let (old, waiting): (Vec<Waiting>, Vec<Waiting>) = waiting
            .into_iter()
            .partition(|waiting| is_given_up(channel, waiting, now));
        if let Some(last) = old.last() {
            let ids: Vec<i64> = old.iter().map(|waiting| waiting.notice.id).collect();
            write.give_up_notices(&ids, now)?;
            tell_anew(write, &old, &waiting)?;
            let error = last.error.clone().unwrap_or_default();
            let tried = format::duration(channel.give_up_after);
            let why = format!("tried in vain for {tried}; the last time: {error}");
            claimed.given_up.push((name.clone(), ids.len(), why));
        }
        let last = records.get(&name).and_then(|record| record.sent_at);
        let is_free = |waiting: &Waiting| waiting.claimed_until.is_none_or(|until| until <= now);
        // What follows on something that is being sent waits for it: told before, it would not have the last word.
        let sending = waiting.iter().filter(|waiting| !is_free(waiting));
        let sending: BTreeSet<_> = sending.map(|waiting| key(&waiting.notice)).collect();
        let free = waiting.into_iter().filter(is_free);
        let free = free.map(|waiting| waiting.notice);
        let free = free
            .filter(|notice| !sending.contains(&key(notice)))
            .collect();
        let notices = notify::due(channel, free, last, now);
        if notices.is_empty() {
            continue;
        }
        let batch = Batch { channel, notices };
        let until = now.checked_add(CLAIM).unwrap_or(Timestamp::MAX);
        write.claim_notices(&batch.ids(), until)?;
        claimed.batches.push(batch);
    }
    write.clear_old_notices(now)?;
    Ok(claimed)
}

/// Forgets that what was given up was told: where it is still so, the next sweep tells it anew. What still `waits` tells it
/// anyway.
fn tell_anew(write: &Write<'_>, given_up: &[Waiting], waits: &[Waiting]) -> Result<(), Diagnostic> {
    let waits: BTreeSet<_> = waits.iter().map(|waiting| key(&waiting.notice)).collect();
    for Waiting { notice, .. } in given_up {
        if !waits.contains(&key(notice)) {
            let name = (notice.server.clone(), notice.subject.clone());
            write.set_told(&notice.channel, &name, None)?;
        }
    }
    Ok(())
}

fn is_given_up(channel: &Channel, waiting: &Waiting, now: Timestamp) -> bool {
    waiting.failing_since.is_some_and(|since| {
        now >= since && now.duration_since(since).unsigned_abs() >= channel.give_up_after
    })
}

/// The certificates by which the servers of channels are checked.
pub(super) fn trust(context: &Context) -> Trust {
    let file = context.trusted_certificates();
    file.map_or_else(Trust::system, Trust::file)
}
