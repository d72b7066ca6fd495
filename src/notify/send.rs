//! Sending messages over their channels, all at the same time.

use std::path::{Path, PathBuf};

use tokio::task::JoinSet;

use super::message::Message;
use super::{command, mail, web};
use crate::http::Trust;
use crate::model::notification::{Channel, Way};
use crate::shell::Secret;

/// The secrets of a channel, as far as it has some.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Its address.
    pub url: Option<Secret>,
    /// Its token.
    pub token: Option<Secret>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The channel.
    pub channel: Channel,
    /// Its secrets, or why they are not to be had.
    pub keys: Result<Keys, String>,
    /// What to send.
    pub message: Message,
}

/// Sends all of them at the same time, and hands each outcome to `on_end` as it arrives, with the number of the delivery:
/// nothing, or why it was not sent. `home` is the home directory for programs.
pub async fn send(
    deliveries: Vec<Delivery>,
    trust: &Trust,
    home: Option<&Path>,
    mut on_end: impl FnMut(usize, Result<(), String>),
) {
    let mut running = JoinSet::new();
    for (number, delivery) in deliveries.into_iter().enumerate() {
        let trust = trust.clone();
        let home = home.map(Path::to_owned);
        running.spawn(async move { (number, one(delivery, &trust, home).await) });
    }
    while let Some(ended) = running.join_next().await {
        // A task that panicked has no number: what it should send stays where it waits.
        if let Ok((number, outcome)) = ended {
            on_end(number, outcome);
        }
    }
}

async fn one(delivery: Delivery, trust: &Trust, home: Option<PathBuf>) -> Result<(), String> {
    let Delivery {
        channel,
        keys,
        message,
    } = delivery;
    let home = home.as_deref();
    match &channel.way {
        Way::Mail { to, from, sendmail } => {
            mail::send(sendmail, to, from.as_deref(), &message, home).await
        }
        Way::Command { argv } => {
            let (program, arguments) = argv.split_first().ok_or("it names no program")?;
            let input = message.json().to_string();
            command::run(program.as_ref(), arguments, input.as_bytes(), home).await
        }
        way => web::send(way, &keys?, &message, trust).await,
    }
}
