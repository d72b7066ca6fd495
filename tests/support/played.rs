//! The shell loop of the transport as a function plays it: scripts are taken whole, and answered as a test wants.
#![allow(dead_code, reason = "no test binary uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};

/// What a script has printed, and how it ended.
#[derive(Clone, Default)]
pub(crate) struct Said {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) status: i32,
}

/// Takes scripts as the loop does, and answers them.
pub(crate) async fn play(
    command: &str,
    mut reader: ChannelReadHalf,
    writer: &ChannelWriteHalf<Msg>,
    answer: impl Fn(&str) -> Said,
) {
    ready(command, writer).await;
    let mut input = Vec::new();
    while let Some((key, script)) = next(&mut reader, &mut input).await {
        let mut said = tokio::task::block_in_place(|| answer(&script));
        said.stdout
            .extend(format!("{key} end {}\n", said.status).bytes());
        said.stderr.extend(format!("{key} end\n").bytes());
        drop(writer.data_bytes(said.stdout).await);
        drop(writer.extended_data_bytes(1, said.stderr).await);
    }
}

/// The word that the loop of the transport begins its answers with.
pub(crate) fn nonce(command: &str) -> &str {
    let (before, _) = command.split_once(" ready\" >&2").unwrap();
    before.rsplit('"').next().unwrap()
}

/// Says that the loop has begun.
pub(crate) async fn ready(command: &str, writer: &ChannelWriteHalf<Msg>) {
    let nonce = nonce(command);
    let stdout = format!(" 127.0.0.1 1 127.0.0.1 22 {nonce} ready\n");
    drop(writer.data_bytes(stdout.into_bytes()).await);
    let stderr = format!("{nonce} ready\n");
    drop(writer.extended_data_bytes(1, stderr.into_bytes()).await);
}

/// The key and the text of the next script: ten digits, a blank, the key and a newline, then so many bytes.
pub(crate) async fn next(
    reader: &mut ChannelReadHalf,
    input: &mut Vec<u8>,
) -> Option<(String, String)> {
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
