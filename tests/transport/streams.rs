//! A stream of bytes from a server: whole or an error, and never faster than it is taken.

use std::io::Read as _;
use std::ops::ControlFlow;
use std::time::Duration;

use fleet::apply::bring;
use fleet::transport::{Bytes, Session, TransportError};
use sha2::{Digest, Sha256};

use crate::proxy::{Proxy, Trouble};
use crate::sshd::{Behaviour, Sshd, known_hosts_line};
use crate::{Home, run, script, server_at, session_with};

/// Prints 8 MB of all bytes there are, the same each time, without a newline at the end.
const MUCH: &str = "head -c 8000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:x -pbkdf2 2>/dev/null\n";

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_as_they_are_and_the_session_goes_on() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    for (text, expected, status) in [
        ("printf 'a\\n\\0\\377\\n'", &b"a\n\0\xff\n"[..], 0),
        ("printf 'no end'; (exit 3)", b"no end", 3),
        (":", b"", 0),
    ] {
        let mut bytes = Vec::new();
        let output = session
            .receive(&script(text), &mut |piece| {
                bytes.extend_from_slice(piece);
                ControlFlow::Continue(())
            })
            .await
            .unwrap();
        assert_eq!(
            (bytes.as_slice(), output.status),
            (expected, status),
            "{text}"
        );
    }
    let (_, lines) = run(&mut session, "echo still there\n").await.unwrap();
    assert_eq!(lines, ["still there"]);
}

/// Sends `bytes` to a script; the lines that it prints.
async fn send(
    session: &mut Session,
    text: &str,
    bytes: &[u8],
) -> Result<Vec<String>, TransportError> {
    let mut rest = bytes;
    let mut lines = Vec::new();
    let mut sent = Bytes {
        length: bytes.len() as u64,
        read: &mut |chunk| rest.read_exact(chunk),
    };
    let output = session
        .send(&script(text), &mut sent, &mut |line| {
            lines.push(line.to_owned());
        })
        .await?;
    assert_eq!(output.status, 0, "{output:?}");
    Ok(lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_reach_a_script_as_they_are_and_the_session_goes_on() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let much: Vec<u8> = (0..3_000_001_u32).flat_map(u32::to_le_bytes).collect();
    for bytes in [&b""[..], b"\0", b"a\n\xff'\"$(id)\n\n", &much] {
        let read = format!("head -c {} <&5 | sha256sum", bytes.len());
        let lines = send(&mut session, &read, bytes).await.unwrap();
        let sum = lines[0].strip_suffix("  -").expect("a sum");
        let bytes_of = |at: usize| u8::from_str_radix(&sum[at..at + 2], 16).unwrap();
        let sum: Vec<u8> = (0..64).step_by(2).map(bytes_of).collect();
        assert_eq!(sum, Sha256::digest(bytes).as_slice());
    }
    let (_, lines) = run(&mut session, "cat <&5 || echo closed\n").await.unwrap();
    assert_eq!(lines, ["closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_script_left_are_never_taken_for_a_script() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("it-ran");
    let body = format!(": >'{}'\n#0123456789abcdef", mark.display());
    // What the loop would run, had it not been told that it are bytes.
    let evil = format!("{:010} 0123456789abcdef\n{body}", body.len());
    for read in [":", "head -c 3 <&5", "head -c 100000 <&5 >/dev/null"] {
        let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
        let mut rest = evil.as_bytes();
        let mut sent = Bytes {
            length: evil.len() as u64,
            read: &mut |chunk| rest.read_exact(chunk),
        };
        session.limits().idle = Duration::from_secs(2);
        let outcome = session.send(&script(read), &mut sent, &mut |_| {}).await;
        assert!(outcome.is_err(), "{read}: {outcome:?}");
        let again = session.exchange(&script("echo x\n"), &mut |_| {}).await;
        assert_eq!(again, Err(TransportError::Ended), "{read}");
        assert!(!mark.exists(), "{read}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_cannot_be_read_here_end_the_session() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let mut sent = Bytes {
        length: 1_000_000,
        read: &mut |_| Err(std::io::Error::other("gone")),
    };
    let reading = script("head -c 1000000 <&5 | wc -c\n");
    let outcome = session.send(&reading, &mut sent, &mut |_| {}).await;
    assert_eq!(outcome, Err(TransportError::Ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn much_comes_whole_whatever_the_pieces() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let mut hash = Sha256::new();
        let mut length = 0;
        session
            .receive(&script(MUCH), &mut |piece| {
                hash.update(piece);
                length += piece.len();
                ControlFlow::Continue(())
            })
            .await
            .unwrap();
        assert_eq!(length, 8_000_000);
        hashes.push(hash.finalize());
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_is_an_error_wherever_that_is() {
    for at in [6_000, 100_000, 1_000_000, 7_900_000] {
        let home = Home::new();
        let sshd = Sshd::start(Behaviour::default()).await;
        let proxy = Proxy::start(
            sshd.address,
            Trouble {
                cut_after_server: Some(at),
                ..Trouble::default()
            },
        )
        .await;
        home.know(&known_hosts_line(proxy.address, &sshd.host_key));
        let mut session = home
            .connector()
            .open(&server_at(proxy.address))
            .await
            .unwrap();
        let received = session
            .receive(&script(MUCH), &mut |_| ControlFlow::Continue(()))
            .await;
        assert!(
            matches!(
                received,
                Err(TransportError::Cut { .. } | TransportError::Timeout { .. })
            ),
            "cut at {at}: {received:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_ends_in_the_middle_of_a_stream_is_an_error() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let received = session
        .receive(&script("echo half; exit 0\n"), &mut |_| {
            ControlFlow::Continue(())
        })
        .await;
    assert!(received.is_err(), "{received:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_more_ends_the_session() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let received = session
        .receive(&script(MUCH), &mut |_| ControlFlow::Break(()))
        .await;
    assert_eq!(received, Err(TransportError::Ended));
    let again = session
        .receive(&script("echo x\n"), &mut |_| ControlFlow::Continue(()))
        .await;
    assert_eq!(again, Err(TransportError::Ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_who_takes_slowly() {
    let (_home, sshd, mut session) = session_with(Behaviour::default()).await;
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("all-sent");
    // Leaked: a script is fixed text.
    let text = format!("head -c 64000000 /dev/zero; : >{}\n", mark.display());
    let mut first = true;
    let mut early = false;
    let output = session
        .receive(&script(&text), &mut |_| {
            if std::mem::take(&mut first) {
                std::thread::sleep(Duration::from_millis(1500));
                early = mark.exists();
            }
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!(output.status, 0);
    assert!(!early, "64 MB were sent while nobody took them");
    assert!(mark.exists());
    drop(sshd);
}

/// What an import needs of the scripts before it, with a file in place of a database; `$lost` is there when somebody has
/// broken the lock.
fn into_file(path: &std::path::Path) -> String {
    let path = path.display();
    format!(
        "held() {{ [ ! -e {path}.lost ]; }}; lost() {{ echo '@lost bob'; }}; run=/nowhere
        transfer_piece() {{ head -c \"$1\" <&5 >>{path}; }}
        transfer_end() {{ echo '@result done'; }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_pauses_for_longer_than_a_server_waits_is_brought_all_the_same() {
    let (mut home, sshd) = (Home::new(), Sshd::start(Behaviour::default()).await);
    home.know(&sshd.known_hosts_line());
    home.settings.limits.hold = Duration::from_secs(3);
    let (connector, server) = (home.connector(), server_at(sshd.address));
    let path = home.path("brought");
    let (lock, begin) = (script("echo @taken\n"), script(&into_file(&path)));
    let locking = (&lock, Duration::ZERO);
    let (sender, mut source) = tokio::sync::mpsc::channel(4);
    let slow = tokio::spawn(async move {
        sender.send(Ok(b"one ".to_vec())).await.unwrap();
        tokio::time::sleep(Duration::from_secs(7)).await;
        sender.send(Ok(b"two".to_vec())).await.unwrap();
    });
    let brought = bring(&connector, &server, locking, &begin, &mut source)
        .await
        .unwrap();
    slow.await.unwrap();
    assert_eq!(
        (brought.result.as_str(), brought.bytes),
        ("done", 7),
        "{brought:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"one two");

    // While it waits, it is told that somebody has broken the lock.
    home.write("brought.lost", "");
    let (sender, mut source) = tokio::sync::mpsc::channel(4);
    let brought = bring(&connector, &server, locking, &begin, &mut source)
        .await
        .unwrap();
    drop(sender);
    assert_eq!(
        (brought.result.as_str(), brought.said.as_str()),
        ("lost-lock", "bob")
    );
}
