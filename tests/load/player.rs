//! What plays the login shells of very many servers: each script is really run once, and its answer then given by all.
//! Some play badly.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};

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

#[derive(Clone)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: i32,
}

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

/// The word that the loop of the transport begins its answers with.
fn nonce(command: &str) -> &str {
    let (before, _) = command.split_once(" ready\" >&2").unwrap();
    before.rsplit('"').next().unwrap()
}

async fn ready(command: &str, writer: &ChannelWriteHalf<Msg>) {
    let nonce = nonce(command);
    let stdout = format!(" 127.0.0.1 1 127.0.0.1 22 {nonce} ready\n");
    drop(writer.data_bytes(stdout.into_bytes()).await);
    let stderr = format!("{nonce} ready\n");
    drop(writer.extended_data_bytes(1, stderr.into_bytes()).await);
}

/// Takes scripts as the transport's own loop does, and answers them.
async fn well(
    command: &str,
    mut reader: ChannelReadHalf,
    writer: &ChannelWriteHalf<Msg>,
    cache: &Cache,
) {
    ready(command, writer).await;
    let mut input = Vec::new();
    while let Some((key, script)) = next(&mut reader, &mut input).await {
        let mut said = tokio::task::block_in_place(|| cache.answer(&script));
        said.stdout
            .extend(format!("{key} end {}\n", said.status).bytes());
        said.stderr.extend(format!("{key} end\n").bytes());
        drop(writer.data_bytes(said.stdout).await);
        drop(writer.extended_data_bytes(1, said.stderr).await);
    }
}

/// The key and the text of the next script: a number in ten places, a blank, the key and a newline, then so many bytes.
async fn next(reader: &mut ChannelReadHalf, input: &mut Vec<u8>) -> Option<(String, String)> {
    const HEADER: usize = 28;
    loop {
        if input.len() >= HEADER {
            let header = String::from_utf8(input[..HEADER].to_vec()).unwrap();
            let (length, key) = header.trim_end().rsplit_once(' ').unwrap();
            let length: usize = length.trim_end().parse().unwrap();
            if input.len() >= HEADER + length {
                let script: Vec<u8> = input.drain(..HEADER + length).skip(HEADER).collect();
                let script = String::from_utf8(script).unwrap();
                let script = script.strip_suffix(&format!("\n#{key}")).unwrap();
                return Some((key.to_owned(), script.to_owned()));
            }
        }
        match reader.wait().await? {
            ChannelMsg::Data { data } => input.extend_from_slice(&data),
            ChannelMsg::Eof | ChannelMsg::Close => return None,
            _ => {}
        }
    }
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
