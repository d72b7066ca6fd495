//! The byte stream below an SSH session: TCP with quick acknowledgements, a channel of a jump connection, or a program.
//!
//! sshd up to 9.x leaves Nagle's algorithm on until the session starts, and so waits for our delayed acknowledgement
//! (about 40 ms) twice per login; `TCP_QUICKACK` (tcp(7)) has to be set again after each read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use russh::ChannelStream;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::proxy::ProxyStream;

/// The longest beginning of a connection that is kept to find the server's version, or what it said instead.
const GREETING_KEPT: usize = 1024;

/// How much of it is shown, in characters.
const SAID_SHOWN: usize = 120;

/// What a server sends first: its version line, or words of refusal.
#[derive(Clone, Default)]
pub(super) struct Greeting(Arc<Mutex<Vec<u8>>>);

impl Greeting {
    /// The version line (`SSH-2.0-...`), when it came.
    pub(super) fn version(&self) -> Option<String> {
        self.text()
            .lines()
            .find(|line| line.starts_with("SSH-"))
            .map(|line| line.trim_end().to_owned())
    }

    /// What came, on one line, as far as it can be of use.
    pub(super) fn words(&self) -> String {
        let text = self.text();
        let words: Vec<&str> = text.split_whitespace().collect();
        words
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .take(SAID_SHOWN)
            .collect()
    }

    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Adds what was read; `true` when enough is known.
    fn push(&self, bytes: &[u8]) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = GREETING_KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let complete = kept
            .split_inclusive(|b| *b == b'\n')
            .any(|line| line.starts_with(b"SSH-") && line.ends_with(b"\n"));
        complete || kept.len() >= GREETING_KEPT
    }
}

/// What carries the bytes.
enum Carrier {
    Tcp(TcpStream),
    Channel(Box<ChannelStream<Msg>>),
    Proxy(Box<ProxyStream>),
}

/// A stream to a server.
pub(super) struct Stream {
    carrier: Carrier,
    greeting: Option<Greeting>,
}

impl Stream {
    /// A stream over TCP, which ends when what was sent has not arrived within `silence`.
    pub(super) fn tcp(tcp: TcpStream, greeting: Greeting, silence: Duration) -> Self {
        // Nagle's algorithm costs two round trips; a socket that refuses the option still works.
        drop(tcp.set_nodelay(true));
        // russh asks for a sign of life only while it is not busy sending. The kernel would try for a quarter of an hour.
        #[cfg(target_os = "linux")]
        drop(socket2::SockRef::from(&tcp).set_tcp_user_timeout(Some(silence)));
        Self {
            carrier: Carrier::Tcp(tcp),
            greeting: Some(greeting),
        }
    }

    /// A stream through a program.
    pub(super) fn proxy(proxy: ProxyStream, greeting: Greeting) -> Self {
        Self {
            carrier: Carrier::Proxy(Box::new(proxy)),
            greeting: Some(greeting),
        }
    }

    /// A stream through a channel of another connection.
    pub(super) fn channel(channel: ChannelStream<Msg>, greeting: Greeting) -> Self {
        Self {
            carrier: Carrier::Channel(Box::new(channel)),
            greeting: Some(greeting),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match &mut this.carrier {
            Carrier::Tcp(tcp) => {
                ready!(Pin::new(&mut *tcp).poll_read(cx, buf))?;
                #[cfg(target_os = "linux")]
                drop(tcp.set_quickack(true));
            }
            Carrier::Channel(channel) => ready!(Pin::new(channel).poll_read(cx, buf))?,
            Carrier::Proxy(proxy) => ready!(Pin::new(proxy).poll_read(cx, buf))?,
        }
        if let Some(greeting) = &this.greeting
            && greeting.push(&buf.filled()[before..])
        {
            this.greeting = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().carrier {
            Carrier::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Carrier::Channel(channel) => Pin::new(channel).poll_write(cx, bytes),
            Carrier::Proxy(proxy) => Pin::new(proxy).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().carrier {
            Carrier::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Carrier::Channel(channel) => Pin::new(channel).poll_flush(cx),
            Carrier::Proxy(proxy) => Pin::new(proxy).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().carrier {
            Carrier::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Carrier::Channel(channel) => Pin::new(channel).poll_shutdown(cx),
            Carrier::Proxy(proxy) => Pin::new(proxy).poll_shutdown(cx),
        }
    }
}
