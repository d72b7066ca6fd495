//! Servers that mean harm: what they send must not fill the memory, stop the clock or hold up others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::model::{Jump, Server, TransportKind};
use fleet::transport::{Phase, TransportError};

use crate::sshd::{Behaviour, Shell, Sshd};
use crate::{Home, named_server, run, script, session_with};

/// A server that answers one script, and then prints without end.
fn flood_after_a_script() -> Behaviour {
    Behaviour {
        shell: Shell::Play(Arc::new(move |command, mut reader, writer| {
            Box::pin(async move {
                let end = command.find(" ready").unwrap();
                let nonce = command[..end].rsplit(' ').next().unwrap().to_owned();
                let mut key = String::new();
                while let Some(message) = reader.wait().await {
                    if let russh::ChannelMsg::Data { data } = message {
                        key = String::from_utf8(data[11..27].to_vec()).unwrap();
                        break;
                    }
                }
                let out = format!(" {nonce} ready\n{key} end 0\n");
                let err = format!("{nonce} ready\n{key} end\n");
                drop(writer.data_bytes(out.into_bytes()).await);
                drop(writer.extended_data_bytes(1, err.into_bytes()).await);
                let piece = vec![b'x'; 32 * 1024];
                while writer.data_bytes(piece.clone()).await.is_ok() {}
                0
            })
        })),
        ..Behaviour::default()
    }
}

/// A server whose shell says that it is ready and then prints `what` for ever.
fn flood(what: &'static [u8]) -> Behaviour {
    Behaviour {
        shell: Shell::Play(Arc::new(move |command, _reader, writer| {
            Box::pin(async move {
                let end = command.find(" ready").unwrap();
                let nonce = command[..end].rsplit(' ').next().unwrap().to_owned();
                let ready = format!(" {nonce} ready\n");
                drop(writer.data_bytes(ready.into_bytes()).await);
                let piece = what.repeat(32 * 1024 / what.len());
                while writer.data_bytes(piece.clone()).await.is_ok() {}
                0
            })
        })),
        ..Behaviour::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_never_pauses_does_not_stop_the_clock() {
    let home = Home::new();
    let mut server = Server::new("here".parse().unwrap(), "localhost");
    server.transport = TransportKind::Local;
    let mut session = home.connector().open(&server).await.unwrap();
    session.limits().total = Duration::from_millis(700);
    let started = Instant::now();
    let error = session
        .exchange(
            &script("exec yes 0123456789012345678901234567890\n"),
            &mut |_| {
                // Whoever reads is slower than the flood, so that the next piece is always there already.
                std::thread::sleep(Duration::from_micros(100));
            },
        )
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            TransportError::Timeout {
                phase: Phase::Total,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_output_is_given_up() {
    for what in [&b"\n"[..], b"a"] {
        let (_home, _sshd, mut session) = session_with(flood(what)).await;
        let mut memory = 0;
        let error = session
            .exchange(&script("true\n"), &mut |line| {
                memory += line.len() + size_of::<String>();
            })
            .await
            .unwrap_err();
        assert!(
            matches!(error, TransportError::Protocol { .. }),
            "{error:?}"
        );
        assert!(memory < 300 << 20, "{memory}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_opens_channels_to_us_is_left() {
    let (_home, _sshd, mut session) = session_with(Behaviour {
        intrudes: true,
        ..Behaviour::default()
    })
    .await;
    let error = run(&mut session, "echo a\n").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection broke: the server opened a channel that nobody had asked for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_the_processes_of_the_server_cannot_end_a_script() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    // What a neighbour reads in the list of processes, written where a script prints it.
    let text = "tr '\\0' '\\n' </proc/$$/cmdline >seen; tr '\\0' '\\n' </proc/$$/environ >>seen\n\
                for word in $(grep -o '[0-9a-f]\\{16\\}' seen | sort -u); do echo \"$word end 0\"; done\n\
                rm seen; echo after; (exit 7)\n";
    let (output, lines) = run(&mut session, &format!("cd $(mktemp -d)\n{text}"))
        .await
        .unwrap();
    assert_eq!(output.status, 7);
    assert!(lines.len() >= 2, "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_talks_unasked_does_not_hold_up_those_on_the_same_way() {
    let jump = Sshd::start(Behaviour::default()).await;
    let hostile = Sshd::start(flood_after_a_script()).await;
    let honest = Sshd::start(Behaviour::default()).await;
    let home = Home::new();
    for sshd in [&jump, &hostile, &honest] {
        home.know(&sshd.known_hosts_line());
    }
    let behind = |name: &str, sshd: &Sshd| {
        let mut server = named_server(name, sshd.address);
        server.jump = Some(Jump::Host {
            user: Some("alice".to_owned()),
            address: jump.address.ip().to_string(),
            port: Some(jump.address.port()),
        });
        server
    };
    let connector = home.connector();
    let mut one = connector.open(&behind("one", &hostile)).await.unwrap();
    let mut other = connector.open(&behind("other", &honest)).await.unwrap();
    run(&mut one, "true\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    other.limits().total = Duration::from_secs(60);
    let big = format!("X='{}'\necho ${{#X}}\n", "a".repeat(2_000_000));
    let (_, lines) = run(&mut other, &big).await.unwrap();
    assert_eq!(lines, ["2000000"]);
    assert_eq!(
        jump.seen.logins.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    // It is told that it talks too much when it is its turn again.
    let error = run(&mut one, "true\n").await.unwrap_err();
    assert!(
        matches!(error, TransportError::Protocol { .. }),
        "{error:?}"
    );
}
