//! What plays the login shells of very many servers: each script is really run once, and its answer then given by all.
//! Some play badly.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::server::Msg;
use russh::{ChannelReadHalf, ChannelWriteHalf};

use crate::played::{self, Said, next, nonce, ready};
use crate::sshd::{Behaviour, Doing, Play, Shell, Sshd};

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ill {
    /// It lets us in and says nothing.
    Silent,
    /// It hangs up in the middle of the script.
    Cut,
    /// It has another host key than the one that is known.
    Impostor,
    /// Its shell says it is ready and then never stops talking.
    Endless,
    /// It answers with the marks of somebody else, and with bytes that are no text.
    Liar,
}

impl Ill {
    pub(crate) const ALL: [Self; 5] = [
        Self::Silent,
        Self::Cut,
        Self::Impostor,
        Self::Endless,
        Self::Liar,
    ];

    /// What a sweep makes of it.
    pub(crate) fn verdict(self) -> &'static str {
        match self {
            Self::Cut => "offline",
            _ => "error",
        }
    }
}

/// What each script has printed when it was really run.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<String, Said>>);

impl Cache {
    /// How many different scripts there were.
    pub(crate) fn scripts(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn answer(&self, script: &str) -> Said {
        let mut said = self.0.lock().unwrap();
        let run = || {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(script.as_bytes()).unwrap();
            let output = Command::new("sh")
                .arg(file.path())
                .env_clear()
                .env(
                    "PATH",
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                )
                .env("LC_ALL", "C")
                .current_dir("/")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            Said {
                stdout: output.stdout,
                stderr: output.stderr,
                status: output.status.code().unwrap_or(255),
            }
        };
        said.entry(script.to_owned()).or_insert_with(run).clone()
    }
}

/// Starts a server.
pub(crate) async fn start(ill: Option<Ill>, cache: &Arc<Cache>) -> Sshd {
    let shell = match ill {
        Some(Ill::Cut) => Shell::Program("/bin/sh".to_owned()),
        _ => Shell::Play(play(ill, Arc::clone(cache))),
    };
    Sshd::start(Behaviour {
        shell,
        cut_input_after: (ill == Some(Ill::Cut)).then_some(100),
        ..Behaviour::default()
    })
    .await
}

fn play(ill: Option<Ill>, cache: Arc<Cache>) -> Arc<Play> {
    Arc::new(move |command, reader, writer| -> Doing {
        let cache = Arc::clone(&cache);
        Box::pin(async move {
            match ill {
                None | Some(Ill::Impostor) => well(&command, reader, &writer, &cache).await,
                Some(Ill::Endless) => endless(&command, &writer).await,
                Some(Ill::Liar) => lies(&command, reader, &writer).await,
                Some(Ill::Silent | Ill::Cut) => tokio::time::sleep(Duration::from_secs(300)).await,
            }
            0
        })
    })
}

/// Answers scripts as the cache has it.
async fn well(
    command: &str,
    reader: ChannelReadHalf,
    writer: &ChannelWriteHalf<Msg>,
    cache: &Cache,
) {
    played::play(command, reader, writer, |script| cache.answer(script)).await;
}

async fn endless(command: &str, writer: &ChannelWriteHalf<Msg>) {
    ready(command, writer).await;
    let line = [b"and another thing, ".repeat(200), b"\n".to_vec()].concat();
    while writer.data_bytes(line.clone()).await.is_ok() {
        // Much for who listens, little for this machine.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn lies(command: &str, mut reader: ChannelReadHalf, writer: &ChannelWriteHalf<Msg>) {
    ready(command, writer).await;
    let mut input = Vec::new();
    if next(&mut reader, &mut input).await.is_some() {
        let nonce = nonce(command);
        let mut lie = vec![0xff, 0xfe, 0x00, b'\n'];
        lie.extend(format!("0123456789abcdef end 0\n{nonce} over\n").bytes());
        drop(writer.data_bytes(lie).await);
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
}
