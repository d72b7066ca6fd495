//! Framing: what goes in whole comes out whole.

use std::sync::Arc;
use std::time::Duration;

use fleet::model::{Server, TransportKind};
use fleet::transport::TransportError;

use crate::sshd::{Behaviour, Shell};
use crate::{Home, run, script, session_with};

#[tokio::test(flavor = "multi_thread")]
async fn scripts_share_one_shell() {
    let (_home, sshd, mut session) = session_with(Behaviour::default()).await;
    let (output, lines) = run(&mut session, "X=kept; cd /usr; echo one; echo two\n")
        .await
        .unwrap();
    assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    assert_eq!(lines, ["one", "two"]);
    let (output, lines) = run(&mut session, "echo $X; pwd; echo oops >&2; false\n")
        .await
        .unwrap();
    assert_eq!((output.status, output.stderr.as_str()), (1, "oops\n"));
    assert_eq!(lines, ["kept", "/usr"]);
    assert_eq!(
        sshd.seen.sessions.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    assert!(
        session.seen_as().unwrap().starts_with("127.0.0.1 "),
        "{:?}",
        session.seen_as()
    );
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_script_and_one_without_a_newline() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    assert_eq!(run(&mut session, "").await.unwrap().0.status, 0);
    let (output, lines) = run(
        &mut session,
        "printf 'no end'; exec 2>&2; printf err >&2; (exit 9)",
    )
    .await
    .unwrap();
    assert_eq!(output.status, 9);
    assert_eq!(output.stderr, "err");
    assert_eq!(lines, ["no end"]);
    let (_, lines) = run(&mut session, "echo; echo a; echo; # comment")
        .await
        .unwrap();
    assert_eq!(lines, ["", "a", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_two_megabytes_with_every_letter() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    // Every byte that UTF-8 can have, in a heredoc that the shell hands back.
    let letters: String = (1..0x800_u32)
        .chain([0x20ac, 0xffff, 0x1_f600, 0x10_ffff])
        .filter_map(char::from_u32)
        .filter(|c| !c.is_control())
        .collect();
    let mut text = String::from("cat <<'EOT'\n");
    while text.len() < 2_000_000 {
        text.push_str(&letters);
        text.push('\n');
    }
    text.push_str("EOT\n");
    let (output, lines) = run(&mut session, &text).await.unwrap();
    assert_eq!(output.status, 0);
    assert!(lines.len() > 400);
    assert!(lines.iter().all(|line| *line == letters));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_of_ten_megabytes_arrives_whole() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let mut count = 0_u64;
    let mut sum = 0_u64;
    let output = session
        .exchange(&script("seq 1 1400000\n"), &mut |line| {
            count += 1;
            sum += line.parse::<u64>().unwrap();
        })
        .await
        .unwrap();
    assert_eq!((output.status, count), (0, 1_400_000));
    assert_eq!(sum, 1_400_000 * 1_400_001 / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_stderr_is_bounded() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let (output, _) = run(&mut session, "seq 1 500000 >&2; echo last >&2\n")
        .await
        .unwrap();
    assert!(
        output.stderr.starts_with("1\n2\n"),
        "{}",
        &output.stderr[..20]
    );
    assert!(output.stderr.ends_with("500000\nlast\n"));
    assert!(output.stderr.contains("bytes left out"));
    assert!(output.stderr.len() < 100_000);
    let (output, _) = run(&mut session, "echo short >&2\n").await.unwrap();
    assert_eq!(output.stderr, "short\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_ends_the_conversation_with_its_status() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let (output, lines) = run(
        &mut session,
        "echo a; printf b; echo c >&2; exit 7; echo d\n",
    )
    .await
    .unwrap();
    assert_eq!((output.status, output.stderr.as_str()), (7, "c\n"));
    assert_eq!(lines, ["a", "b"]);
    assert_eq!(
        run(&mut session, "echo e\n").await.unwrap_err(),
        TransportError::Ended
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn set_e_ends_it_too_and_does_not_leak() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let (output, _) = run(&mut session, "set -eu; true\n").await.unwrap();
    assert_eq!(output.status, 0);
    let (output, lines) = run(&mut session, "false; echo \"${unset}on\"\n")
        .await
        .unwrap();
    assert_eq!((output.status, lines), (0, vec!["on".to_owned()]));
    let (output, lines) = run(&mut session, "set -e; echo a; false; echo b\n")
        .await
        .unwrap();
    assert_eq!((output.status, lines), (1, vec!["a".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syntax_error_runs_nothing_after_it() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let (output, lines) = run(&mut session, "if then fi; echo never\n").await.unwrap();
    assert_ne!(output.status, 0);
    assert!(lines.is_empty());
    assert!(
        output.stderr.to_lowercase().contains("syntax error"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_cannot_eat_the_next_one() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let (output, lines) = run(&mut session, "cat; head -c 100; echo read\n")
        .await
        .unwrap();
    assert_eq!((output.status, lines), (0, vec!["read".to_owned()]));
    let (_, lines) = run(&mut session, "echo still here\n").await.unwrap();
    assert_eq!(lines, ["still here"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_held_from_script_to_script_and_released_at_the_end() {
    let (home, _sshd, mut session) = session_with(Behaviour::default()).await;
    let lock = home.path("lock");
    let take = format!("exec 9>{}; flock -n 9 && echo mine\n", lock.display());
    let (_, lines) = run(&mut session, &take).await.unwrap();
    assert_eq!(lines, ["mine"]);
    run(&mut session, "true\n").await.unwrap();
    let free = |lock: &std::path::Path| {
        std::process::Command::new("flock")
            .args(["-n", lock.to_str().unwrap(), "true"])
            .status()
            .unwrap()
            .success()
    };
    assert!(!free(&lock));
    session.close().await;
    for _ in 0..1200 {
        if free(&lock) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lock is still held a minute after the session was closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_loses_its_shell() {
    let mut home = Home::new();
    home.settings.limits.hold = Duration::from_secs(3);
    let sshd = crate::Sshd::start(Behaviour::default()).await;
    home.know(&sshd.known_hosts_line());
    let mut session = home
        .connector()
        .open(&crate::server_at(sshd.address))
        .await
        .unwrap();
    run(&mut session, "echo hello\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(4500)).await;
    // Its status is 0, but that is not the script's: nothing of it ran.
    let error = run(&mut session, "echo too late\n").await.unwrap_err();
    assert!(matches!(error, TransportError::Cut { .. }), "{error}");
    let again = run(&mut session, "echo too late\n").await.unwrap_err();
    assert_eq!(again, TransportError::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_script_has_time_to_arrive_before_a_silence_counts() {
    let (_home, _sshd, mut session) = crate::session_with(Behaviour::default()).await;
    session.limits().idle = Duration::from_secs(1);
    session.limits().total = Duration::from_secs(1);
    let script = |length| format!("sleep 3; echo in # {}\n", "x".repeat(length));
    // At 4 KiB a second, a minute; what has come at once looks the same from here.
    let (_, lines) = run(&mut session, &script(250_000)).await.unwrap();
    assert_eq!(lines, ["in"]);
    let error = run(&mut session, &script(10)).await.unwrap_err();
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
}

/// A server that answers `answer` to the first script, in pieces of `size` bytes; `NONCE` and `KEY` stand for
/// what the marks of its beginning and end begin with.
fn player(answer: &'static str, size: usize) -> Behaviour {
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
                let text = answer.replace("NONCE", &nonce).replace("KEY", &key);
                for piece in text.as_bytes().chunks(size) {
                    drop(writer.data_bytes(piece.to_vec()).await);
                }
                let text = format!("{nonce} ready\nerr{key} end\n");
                for piece in text.as_bytes().chunks(size) {
                    drop(writer.extended_data_bytes(1, piece.to_vec()).await);
                }
                if answer.contains(" end") {
                    while reader.wait().await.is_some() {}
                }
                3
            })
        })),
        ..Behaviour::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_come_in_any_pieces() {
    for size in [1, 2, 3, 7, 10_000] {
        let answer = "hm 1 2 3 4 NONCE ready\nü€\n\nNONCE end 0\na KEY b\nlastKEY end 5\n";
        let (_home, _sshd, mut session) = session_with(player(answer, size)).await;
        let (output, lines) = run(&mut session, "true\n").await.unwrap();
        assert_eq!(
            (output.status, output.stderr.as_str()),
            (5, "err"),
            "{size}"
        );
        assert_eq!(lines.len(), 5, "{size}: {lines:?}");
        assert_eq!((&*lines[0], &*lines[1], &*lines[4]), ("ü€", "", "last"));
        assert_eq!(session.seen_as(), Some("1 2 3 4"));
    }
    // It ends in the middle of a line, with a status and without a mark.
    let (_home, _sshd, mut session) = session_with(player(" NONCE ready\na\nb", 1)).await;
    let (output, lines) = run(&mut session, "true\n").await.unwrap();
    assert_eq!(
        (output.status, lines),
        (3, vec!["a".to_owned(), "b".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_before_the_shell_is_skipped() {
    let (_home, _sshd, mut session) = session_with(Behaviour {
        noise: Some((
            "Welcome!\n\x1b[1mLast login: never\x1b[0m\nno newline".to_owned(),
            "bash: warning: setlocale\nhm".to_owned(),
        )),
        banner: Some("Authorised use only\n".to_owned()),
        ..Behaviour::default()
    })
    .await;
    let (output, lines) = run(&mut session, "echo clean; echo too >&2\n")
        .await
        .unwrap();
    assert_eq!((output.status, output.stderr.as_str()), (0, "too\n"));
    assert_eq!(lines, ["clean"]);
    assert!(
        session.seen_as().unwrap().starts_with("127.0.0.1 "),
        "{:?}",
        session.seen_as()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_login_shell_starts_it() {
    let mut left_out = Vec::new();
    for shell in [
        "sh", "dash", "bash", "zsh", "fish", "tcsh", "csh", "ksh", "mksh",
    ] {
        let Some(program) = ["/bin", "/usr/bin"]
            .iter()
            .map(|dir| format!("{dir}/{shell}"))
            .find(|path| std::path::Path::new(path).exists())
        else {
            left_out.push(shell);
            continue;
        };
        let (_home, _sshd, mut session) = session_with(Behaviour {
            shell: Shell::Program(program),
            ..Behaviour::default()
        })
        .await;
        let (output, lines) = run(
            &mut session,
            "echo \"it's $((6 * 7)) ü\"; exec 5>&1; echo x >&5\n",
        )
        .await
        .unwrap_or_else(|error| panic!("{shell}: {error}: {error:?}"));
        assert_eq!(
            (output.status, lines),
            (0, vec!["it's 42 ü".to_owned(), "x".to_owned()]),
            "{shell}"
        );
    }
    if !left_out.is_empty() {
        println!("left out, not installed: {}", left_out.join(", "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_as_sh_behaves_like_dash() {
    // The loop runs in /bin/sh; where that is dash, bash in POSIX mode gets its turn by hand.
    if !std::path::Path::new("/bin/bash").exists() {
        println!("left out: no bash");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/bin/bash", dir.path().join("sh")).unwrap();
    let sh = dir.path().join("sh").display().to_string();
    let wrapper = dir.path().join("login");
    std::fs::write(
        &wrapper,
        format!("#!/bin/sh\ncommand=$(printf '%s' \"$2\" | sed 's|/bin/sh|{sh}|')\nexec {sh} -c \"$command\"\n"),
    )
    .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&wrapper, mode).unwrap();
    let (_home, _sshd, mut session) = session_with(Behaviour {
        shell: Shell::Program(wrapper.display().to_string()),
        ..Behaviour::default()
    })
    .await;
    let (_, lines) = run(&mut session, "echo ${BASH_VERSION%%.*}; X=1; echo ü€\n")
        .await
        .unwrap();
    assert!(lines[0].parse::<u32>().unwrap() >= 4, "{lines:?}");
    assert_eq!(lines[1], "ü€");
    let big = format!("Y='{}'\necho ${{#Y}} $X\n", "a".repeat(1_000_000));
    let (_, lines) = run(&mut session, &big).await.unwrap();
    assert_eq!(lines, ["1000000 1"]);
    let (output, _) = run(&mut session, "exit 4\n").await.unwrap();
    assert_eq!(output.status, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_without_ssh() {
    let home = Home::new();
    let mut server = Server::new("here".parse().unwrap(), "localhost");
    server.transport = TransportKind::Local;
    let mut session = home.connector().open(&server).await.unwrap();
    let (output, lines) = run(&mut session, "X=1; echo a; echo b >&2; (exit 3)\n")
        .await
        .unwrap();
    assert_eq!(
        (output.status, output.stderr.as_str(), lines),
        (3, "b\n", vec!["a".to_owned()])
    );
    let big = format!("Y='{}'\necho ${{#Y}} $X\n", "b".repeat(2_000_000));
    assert_eq!(run(&mut session, &big).await.unwrap().1, ["2000000 1"]);
    assert_eq!(session.seen_as(), None);
    // Cargo has set variables for this test, and the script sees none of them.
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
    let (_, lines) = run(&mut session, "env\n").await.unwrap();
    for line in &lines {
        let name = line.split('=').next().unwrap();
        let known = ["HOME", "LC_ALL", "OLDPWD", "PATH", "PWD", "SHLVL", "_"];
        assert!(known.contains(&name), "{line}");
    }
    assert!(lines.len() > 2, "{lines:?}");
    let (output, _) = run(&mut session, "exit 5\n").await.unwrap();
    assert_eq!(output.status, 5);
    session.close().await;
    let mut session = home.connector().open(&server).await.unwrap();
    let killed = run(&mut session, "kill -KILL $$\n").await.unwrap_err();
    assert!(
        format!("{killed:?}").contains("ended by signal 9 (SIGKILL)"),
        "{killed:?}"
    );
}
