//! The sending half of a conversation: frames, and the bytes that come after them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use russh::ChannelWriteHalf;
use russh::client::Msg;

use super::Bytes;
use super::local::LocalWriter;

/// How many bytes are taken from their source at once.
const CHUNK: usize = 256 * 1024;

/// The sending half of a conversation.
pub(super) enum Writer {
    /// A channel of an SSH connection.
    Ssh(ChannelWriteHalf<Msg>),
    /// The stdin of a child process.
    Local(LocalWriter),
}

impl Writer {
    /// Sends all of `bytes`; when that fails, it says `false`, and the reading half learns why.
    async fn send(&mut self, bytes: Vec<u8>) -> bool {
        match self {
            Self::Ssh(channel) => channel.data_bytes(bytes).await.is_ok(),
            Self::Local(stdin) => stdin.send(&bytes).await,
        }
    }

    /// Sends a frame, and the bytes that come after it; says when something of it has gone out.
    pub(super) async fn send_all(
        &mut self,
        frame: Vec<u8>,
        after: Option<(&mut Bytes<'_>, Vec<u8>)>,
        gone: &AtomicBool,
    ) -> io::Result<()> {
        let mut all_went = self.send(frame).await;
        let Some((bytes, end)) = after else {
            return Ok(());
        };
        let mut left = bytes.length;
        while left > 0 && all_went {
            gone.store(true, Ordering::Relaxed);
            let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let mut chunk = vec![0; most];
            (bytes.read)(&mut chunk)?;
            left -= most as u64;
            all_went = self.send(chunk).await;
        }
        if all_went {
            self.send(end).await;
        }
        Ok(())
    }

    /// Says that nothing more will be sent: the loop on the other side ends.
    pub(super) async fn finish(&mut self) {
        match self {
            Self::Ssh(channel) => drop(channel.eof().await),
            Self::Local(stdin) => stdin.finish(),
        }
    }
}
