//! `ProxyCommand` of `ssh_config`(5): a program of the user's makes the connection.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fleet::model::{Jump, Server};
use fleet::transport::TransportError;

use crate::sshd::{Behaviour, Sshd, known_hosts_line};
use crate::ways::with_config;
use crate::{Home, failure, named_server, run};

/// Connects its input and output to a host and a port, as `nc` does; notes its process and what it was given.
const HELPER: &str = "\
    echo $$ >\"${0%/*}/process\"; echo \"$@\" >\"${0%/*}/given\"\n\
    exec 3<>\"/dev/tcp/$1/$2\" || exit 7\n\
    cat <&3 &\n\
    cat >&3\n";

/// A server `end`, which is only reached through a program, and a home in whose `ssh_config` that stands; `None` without ssh.
async fn behind_a_program(arguments: &str, more: &str) -> Option<(Home, Sshd, Server)> {
    if Command::new("ssh").arg("-V").output().is_err() {
        println!("left out: no ssh");
        return None;
    }
    let mut home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let helper = home.write("helper", HELPER);
    let text = format!(
        "{more}Host end\n  HostName 127.0.0.1\n  Port {}\n  ProxyCommand bash {} {arguments}\n",
        sshd.address.port(),
        helper.display(),
    );
    with_config(&mut home, &text);
    home.settings.shell = PathBuf::from("/bin/sh");
    home.know(&known_hosts_line(sshd.address, &sshd.host_key));
    let mut server = Server::new("web-1".parse().unwrap(), "end");
    server.user = Some("alice".to_owned());
    Some((home, sshd, server))
}

/// Waits until the helper is no more.
fn expect_gone(home: &Home) {
    let process = std::fs::read_to_string(home.path("process")).unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", process.trim()));
    let began = Instant::now();
    // A zombie has only to be reaped.
    while std::fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ")) {
        assert!(began.elapsed() < Duration::from_secs(60), "it stays");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_makes_the_connection_and_ends_with_the_session() {
    let Some((home, sshd, server)) = behind_a_program("%h %p %n %r 100%%", "").await else {
        return;
    };
    let connector = home.connector();
    let mut session = connector.open(&server).await.unwrap();
    assert_eq!(run(&mut session, "echo in\n").await.unwrap().1, ["in"]);
    let (_, lines) = run(&mut session, "seq 1 100000\n").await.unwrap();
    assert_eq!(lines.len(), 100_000);
    let long = format!("X='{}'\necho ${{#X}}\n", "a".repeat(1_000_000));
    assert_eq!(run(&mut session, &long).await.unwrap().1, ["1000000"]);
    let given = std::fs::read_to_string(home.path("given")).unwrap();
    assert_eq!(
        given.trim(),
        format!("127.0.0.1 {} end alice 100%", sshd.address.port())
    );
    drop(session);
    expect_gone(&home);
    // The host key comes the same way.
    std::fs::remove_file(home.path("process")).unwrap();
    let key = connector.fetch_host_key(&server).await.unwrap();
    assert_eq!(key.verdict(), Ok(()));
    expect_gone(&home);
    // One that was closed in order, and whose program is deaf to everything, too.
    let deaf = HELPER.replace("cat <&3", "trap '' HUP TERM\ncat <&3") + "sleep 600\n";
    home.write("helper", &deaf);
    let mut session = connector.open(&server).await.unwrap();
    run(&mut session, "echo in\n").await.unwrap();
    session.close().await;
    expect_gone(&home);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_says_is_told_when_it_makes_no_connection() {
    let Some((mut home, _sshd, server)) = behind_a_program("%h %p", "").await else {
        return;
    };
    home.write("helper", "echo no such way >&2; exit 3\n");
    let error = failure(&home, &server).await;
    let TransportError::ProxyCommand { how, said, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (how.as_str(), said.as_str()),
        ("failed (exit status: 3)", "no such way")
    );
    assert!(error.is_unreachable());
    let diagnostic = error.diagnostic(&server.name);
    assert!(
        diagnostic
            .message
            .starts_with("server `web-1`: `ProxyCommand bash "),
        "{diagnostic:?}"
    );
    assert_eq!(diagnostic.details, ["no such way"]);

    home.write("helper", "echo waiting >&2; exec sleep 600\n");
    home.settings.limits.connect = Duration::from_secs(1);
    home.settings.limits.handshake = Duration::from_secs(1);
    // `ssh -G` has the same limit, and a machine that does other things needs longer.
    let began = Instant::now();
    let error = loop {
        match failure(&home, &server).await {
            TransportError::Settings { .. } if began.elapsed() < Duration::from_secs(60) => {}
            other => break other,
        }
    };
    assert!(
        matches!(&error, TransportError::ProxyCommand { how, .. } if how == "made no connection within 2 s"),
        "{error:?}"
    );
    home.settings.limits = fleet::transport::Limits::default();
    home.settings.shell = PathBuf::from("/no/such/shell");
    let error = failure(&home, &server).await;
    assert!(
        error
            .to_string()
            .contains("cannot be run by `/no/such/shell`"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_stands_before_a_program() {
    let way = "Host end\n  ProxyJump alice@way\nHost way\n  HostName 127.0.0.1\n";
    let Some((mut home, sshd, mut server)) = behind_a_program("%h %p", way).await else {
        return;
    };
    let jump = Sshd::start(Behaviour::default()).await;
    home.know(&jump.known_hosts_line());
    let config = std::fs::read_to_string(home.path(".ssh/config")).unwrap();
    let port = jump.address.port();
    let config = config.replace("Host way\n", &format!("Host way\n  Port {port}\n"));
    // What stands first counts, as for OpenSSH.
    with_config(&mut home, &config);
    home.connector().open(&server).await.unwrap();
    assert_eq!(jump.seen.forwards.load(Ordering::SeqCst), 1);
    assert!(!home.path("process").exists());

    // The inventory's word goes before both, and a host on the way may have its program.
    with_config(
        &mut home,
        &config.replace("  ProxyJump alice@way\n", "  Compression no\n"),
    );
    let bastion = named_server("bastion", jump.address);
    home.settings
        .servers
        .insert(bastion.name.clone(), bastion.clone());
    server.jump = Some(Jump::Server(bastion.name));
    home.connector().open(&server).await.unwrap();
    assert_eq!(jump.seen.forwards.load(Ordering::SeqCst), 2);
    assert!(!home.path("process").exists());
    let mut behind = named_server("db-1", sshd.address);
    behind.jump = Some(Jump::Host {
        user: None,
        address: "end".to_owned(),
        port: None,
    });
    let mut session = home.connector().open(&behind).await.unwrap();
    assert_eq!(run(&mut session, "echo in\n").await.unwrap().1, ["in"]);
    assert_eq!(sshd.seen.forwards.load(Ordering::SeqCst), 1);
    assert!(home.path("process").exists());
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_with_a_program_is_told() {
    let Some((mut home, sshd, server)) = behind_a_program("%h %p", "").await else {
        return;
    };
    for (text, reason) in [
        ("Host end\n  ProxyCommand nc %x\n", "it has no token `%x`"),
        (
            "Host end\n  ProxyCommand nc %h\n  ProxyUseFdpass yes\n",
            "with `ProxyUseFdpass`",
        ),
    ] {
        with_config(&mut home, text);
        let error = failure(&home, &server).await;
        assert!(
            matches!(error, TransportError::Settings { .. }),
            "{error:?}"
        );
        assert!(error.to_string().ends_with(reason), "{error}");
    }
    // None is none.
    let port = sshd.address.port();
    let none = format!("Host end\n  HostName 127.0.0.1\n  Port {port}\n  ProxyCommand none\n");
    with_config(
        &mut home,
        &format!("{none}Host *\n  ProxyCommand nc %h %p\n"),
    );
    home.connector().open(&server).await.unwrap();
}
