//! The byte stream to a server: TCP, a channel of the connection to the host before it, or a program of the user's.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::words;
use super::error::{Phase, TransportError};
use super::jump::Lease;
use super::proxy::Helper;
use super::ssh::Shared;
use super::stream::{Greeting, Stream};
use super::target::Target;

/// A stream, and what belongs to it.
pub(super) struct Dialled {
    pub(super) stream: Stream,
    /// What has to live as long as the stream.
    pub(super) before: Option<Lease>,
    /// The program that makes the connection, and that may have to say why there is none.
    pub(super) helper: Option<Helper>,
}

/// Connects to `target`.
pub(super) async fn dial(
    shared: &Shared,
    target: &Target,
    greeting: &Greeting,
) -> Result<Dialled, TransportError> {
    let limit = shared.settings.limits.connect;
    let slow = || TransportError::Timeout {
        phase: Phase::Connect,
        limit,
    };
    let silence = shared.settings.limits.silence;
    if let (None, Some(proxy)) = (&target.via, &target.proxy) {
        let (stream, helper) = proxy.start(&shared.settings.shell, silence)?;
        return Ok(Dialled {
            stream: Stream::proxy(stream, greeting.clone()),
            before: None,
            helper: Some(helper),
        });
    }
    let Some(via) = &target.via else {
        let tcp = timeout(limit, connect(&target.host, target.port, limit))
            .await
            .map_err(|_| slow())??;
        return Ok(Dialled {
            stream: Stream::tcp(tcp, greeting.clone(), silence),
            before: None,
            helper: None,
        });
    };
    let hop = shared.hops.get(shared, via).await?;
    let opening = hop.handle().channel_open_direct_tcpip(
        target.host.clone(),
        u32::from(target.port),
        "127.0.0.1",
        0,
    );
    let channel = match timeout(limit, opening).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(error)) => {
            let reason = match error {
                russh::Error::ChannelOpenFailure(reason) => {
                    format!("`{}` cannot connect there ({reason:?})", via.called())
                }
                other => format!("by way of `{}`: {}", via.called(), words(&other)),
            };
            return Err(TransportError::Unreachable {
                address: address(&target.host, target.port),
                reason,
            });
        }
        Err(_) => return Err(slow()),
    };
    Ok(Dialled {
        stream: Stream::channel(channel.into_stream(), greeting.clone()),
        before: Some(hop),
        helper: None,
    })
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Opens a TCP connection; of several addresses the first that answers.
async fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, TransportError> {
    let unreachable = |reason: String| TransportError::Unreachable {
        address: address(host, port),
        reason,
    };
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| unreachable(lookup_words(&error)))?
        .collect();
    let share = limit / u32::try_from(found.len().max(1)).unwrap_or(1);
    let mut reason = "the name has no address".to_owned();
    for (index, one) in found.iter().enumerate() {
        // The last address has what is left of the limit, which the caller watches.
        let share = if index + 1 == found.len() {
            limit.saturating_mul(2)
        } else {
            share
        };
        match timeout(share, TcpStream::connect(one)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => reason = error_words(&error),
            Err(_) => reason = format!("`{one}` does not answer"),
        }
    }
    Err(unreachable(reason))
}

/// An error of the system without its number.
fn error_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A failed name lookup.
fn lookup_words(error: &std::io::Error) -> String {
    let text = error_words(error);
    match text.split_once(": ") {
        Some((_, reason)) => format!("the name cannot be looked up: {reason}"),
        None => format!("the name cannot be looked up: {text}"),
    }
}
