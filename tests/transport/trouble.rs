//! What goes wrong: cuts, stalls, refusals, penalties, sudo.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleet::transport::{Phase, TransportError};

use crate::proxy::{Proxy, Trouble};
use crate::sshd::{Behaviour, Shell, Sshd, known_hosts_line};
use crate::{Home, failure, run, script, server_at, session_with};

/// A script that leaves a trace at its beginning and one at its end.
fn tracing_script(dir: &std::path::Path) -> String {
    let padding = "# this line is only here to make the script longer\n".repeat(40);
    format!(
        "echo x > {0}/begun\n{padding}{padding}echo x > {0}/ended\n",
        dir.display()
    )
}

/// `Some(true)` when the script ran whole, `None` when it did not run; half a script is a panic.
fn trace(dir: &std::path::Path, at: usize) -> Option<bool> {
    let begun = dir.join("begun").exists();
    let ended = dir.join("ended").exists();
    assert_eq!(begun, ended, "half a script ran when cut at {at}");
    begun.then_some(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_does_not_arrive_whole_does_not_run() {
    let length = tracing_script(std::path::Path::new("/tmp/0123456789")).len();
    let mut whole = 0;
    // Around every border of the frame, and in between.
    let borders = [
        0,
        1,
        5,
        10,
        11,
        27,
        28,
        29,
        1000,
        length,
        length + 8,
        length + 27,
        length + 28,
        length + 45,
        length + 46,
        length + 60,
    ];
    for at in borders {
        let home = Home::new();
        let sshd = Sshd::start(Behaviour {
            cut_input_after: Some(at),
            ..Behaviour::default()
        })
        .await;
        home.know(&sshd.known_hosts_line());
        let dir = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(10)
            .tempdir_in("/tmp")
            .unwrap();
        let mut session = home
            .connector()
            .open(&server_at(sshd.address))
            .await
            .unwrap();
        let text = tracing_script(dir.path());
        assert_eq!(text.len(), length);
        let outcome = run(&mut session, &text).await;
        if trace(dir.path(), at).is_some() {
            whole += 1;
            // Header, script, newline, mark.
            assert!(at >= 28 + length + 18, "it ran after {at} bytes");
        } else {
            assert!(outcome.is_err(), "cut at {at}: {outcome:?}");
        }
    }
    assert!(
        whole >= 1,
        "the script never ran: the cuts are all too early"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_at_any_byte_is_an_error_and_never_half_a_script() {
    let sshd = Sshd::start(Behaviour::default()).await;
    let measure = Proxy::start(sshd.address, Trouble::default()).await;
    let home = Home::new();
    home.know(&known_hosts_line(measure.address, &sshd.host_key));
    let dir = tempfile::tempdir().unwrap();
    let mut session = home
        .connector()
        .open(&server_at(measure.address))
        .await
        .unwrap();
    run(&mut session, &tracing_script(dir.path()))
        .await
        .unwrap();
    assert_eq!(trace(dir.path(), 0), Some(true));
    let (up, down) = (measure.client_bytes(), measure.server_bytes());
    session.close().await;

    let mut cuts = Vec::new();
    for step in 0..24 {
        cuts.push((Some(up * step / 24), None));
        cuts.push((None, Some(down * step / 24)));
    }
    let mut running = tokio::task::JoinSet::new();
    for (client, server) in cuts {
        let address = sshd.address;
        let host_key = sshd.host_key.clone();
        running.spawn(async move {
            let trouble = Trouble {
                cut_after_client: client,
                cut_after_server: server,
                ..Trouble::default()
            };
            let proxy = Proxy::start(address, trouble).await;
            let home = Home::new();
            home.know(&known_hosts_line(proxy.address, &host_key));
            let dir = tempfile::tempdir().unwrap();
            let text = tracing_script(dir.path());
            let at = client.or(server).unwrap_or_default();
            let outcome = match home.connector().open(&server_at(proxy.address)).await {
                Ok(mut session) => run(&mut session, &text).await,
                Err(error) => Err(error),
            };
            let error = outcome.expect_err("a cut connection is an error");
            assert!(
                matches!(
                    error,
                    TransportError::Cut { .. } | TransportError::Penalised { .. }
                ),
                "cut at {client:?} {server:?}: {error:?}"
            );
            // The server may still be about to run it.
            tokio::time::sleep(Duration::from_millis(300)).await;
            trace(dir.path(), at);
        });
    }
    running.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_phase_has_its_limit() {
    let sshd = Sshd::start(Behaviour::default()).await;
    for (stall, expected) in [
        (0, Phase::Handshake),
        (40, Phase::Handshake),
        (2000, Phase::Handshake),
    ] {
        let trouble = Trouble {
            stall_after_server: Some(stall),
            ..Trouble::default()
        };
        let proxy = Proxy::start(sshd.address, trouble).await;
        let mut home = Home::new();
        home.settings.limits.handshake = Duration::from_millis(400);
        home.know(&known_hosts_line(proxy.address, &sshd.host_key));
        let started = Instant::now();
        let error = failure(&home, &server_at(proxy.address)).await;
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?}",
            started.elapsed()
        );
        assert!(
            matches!(error, TransportError::Timeout { phase, .. } if phase == expected),
            "{stall}: {error:?}"
        );
        assert!(error.is_unreachable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_does_not_open_in_time() {
    let mut home = Home::new();
    home.settings.limits.handshake = Duration::from_millis(500);
    let sshd = Sshd::start(Behaviour {
        slow_session: Duration::from_secs(30),
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(
        matches!(
            error,
            TransportError::Timeout {
                phase: Phase::Handshake,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_or_endless_script_is_given_up() {
    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    session.limits().idle = Duration::from_millis(300);
    let error = run(&mut session, "echo a; sleep 5\n").await.unwrap_err();
    assert!(
        matches!(
            error,
            TransportError::Timeout {
                phase: Phase::Idle,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!error.is_unreachable());
    assert_eq!(
        run(&mut session, "echo b\n").await.unwrap_err(),
        TransportError::Ended
    );

    let (_home, _sshd, mut session) = session_with(Behaviour::default()).await;
    session.limits().total = Duration::from_millis(500);
    let error = run(&mut session, "while sleep 0.05; do echo a; done\n")
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
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_shows_no_sign_of_life_is_given_up_and_one_that_works_is_not() {
    let mut home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let proxy = Proxy::start(sshd.address, Trouble::default()).await;
    home.know(&known_hosts_line(proxy.address, &sshd.host_key));
    home.settings.limits.silence = Duration::from_secs(1);
    let mut session = home
        .connector()
        .open(&server_at(proxy.address))
        .await
        .unwrap();
    // The script says nothing for much longer, and the server answers for it.
    let (_, lines) = run(&mut session, "sleep 3; echo done\n").await.unwrap();
    assert_eq!(lines, ["done"]);

    let started = Instant::now();
    let script = script("echo at work; sleep 30\n");
    let error = session
        .exchange(&script, &mut |line| {
            assert_eq!(line, "at work");
            proxy.die();
        })
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the connection broke: the server shows no sign of life any more"
    );
    assert!(error.is_unreachable());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there() {
    let home = Home::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = failure(&home, &server_at(address)).await;
    assert!(error.is_unreachable());
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    assert_eq!(
        diagnostic.message,
        format!("server `web-1`: cannot be reached at `{address}`: connection refused")
    );
    assert!(!diagnostic.hints.is_empty());

    let mut server = server_at(address);
    server.address = "no-such-host.invalid".to_owned();
    let error = failure(&home, &server).await;
    assert!(error.is_unreachable(), "{error:?}");
    assert!(
        error.to_string().contains("the name cannot be looked up"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_answers_at() {
    let mut home = Home::new();
    home.settings.limits.connect = Duration::from_millis(300);
    // A listener whose queue is full does not answer either.
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener
        .bind(
            &"127.0.0.1:0"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut fillers = Vec::new();
    for _ in 0..4 {
        let filler =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        drop(filler.connect(&address.into()));
        fillers.push(filler);
    }
    let error = failure(&home, &server_at(address)).await;
    assert!(
        matches!(
            error,
            TransportError::Timeout {
                phase: Phase::Connect,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_unreachable());
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_listens_there() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour {
        refuse_first: usize::MAX,
        refusal: "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n".to_owned(),
        ..Behaviour::default()
    })
    .await;
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(
        error.to_string().contains("this is not an SSH server"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_penalty_is_waited_out_once() {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&notices);
    let mut home = Home::new();
    home.settings.limits.pause = Duration::from_millis(200);
    home.settings.on_notice = Some(Arc::new(move |server, notice| {
        told.lock().unwrap().push(format!("{server}: {notice}"));
    }));
    let sshd = Sshd::start(Behaviour {
        refuse_first: 1,
        refusal: "Not allowed at this time\r\n".to_owned(),
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let mut session = home
        .connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    assert_eq!(run(&mut session, "echo in\n").await.unwrap().1, ["in"]);
    assert_eq!(
        *notices.lock().unwrap(),
        [
            "web-1: sshd closes the connection at once (`Not allowed at this time`); trying again in 0 s"
        ]
    );

    // A second refusal is the end; and a server of better days may close without a word.
    let sshd = Sshd::start(Behaviour {
        refuse_first: usize::MAX,
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(
        matches!(
            error,
            TransportError::Penalised {
                waited: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(sshd.seen.connections.load(Ordering::SeqCst), 2);

    // Nobody knows this one: it is not a penalty, and there is nothing to wait for.
    let sshd = Sshd::start(Behaviour {
        refuse_first: usize::MAX,
        ..Behaviour::default()
    })
    .await;
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(matches!(error, TransportError::Cut { .. }), "{error:?}");
    assert_eq!(sshd.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_shell_that_runs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let nologin = dir.path().join("nologin");
    std::fs::write(
        &nologin,
        "#!/bin/sh\necho 'This account is currently not available.'\nexit 1\n",
    )
    .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&nologin, mode).unwrap();
    let (_home, _sshd, mut session) = session_with(Behaviour {
        shell: Shell::Program(nologin.display().to_string()),
        ..Behaviour::default()
    })
    .await;
    let error = run(&mut session, "echo in\n").await.unwrap_err();
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    assert_eq!(
        diagnostic.message,
        "server `web-1`: the login shell did not run the command (exit status 1)"
    );
    assert_eq!(
        diagnostic.details,
        ["This account is currently not available."]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_what_the_shell_is_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let shell = dir.path().join("shell");
    let text =
        "#!/bin/sh\nexec /bin/sh -c \"$(printf '%s' \"$2\" | sed 's/timeout/no-timeout/g')\"\n";
    std::fs::write(&shell, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&shell, mode).unwrap();
    let (_home, _sshd, mut session) = session_with(Behaviour {
        shell: Shell::Program(shell.display().to_string()),
        ..Behaviour::default()
    })
    .await;
    let error = run(&mut session, "echo in\n").await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("took no script: `"), "{said}");
    assert!(said.contains("no-timeout"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_opens_no_session() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour {
        no_sessions: true,
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(error.to_string().contains("opens no session"), "{error}");
}

/// Runs with `become` and a `sudo` of the test's own making.
async fn with_sudo(program: Option<&str>) -> Result<(i32, Vec<String>), TransportError> {
    let home = Home::new();
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    for tool in ["sh", "env", "head", "timeout"] {
        let real = [format!("/bin/{tool}"), format!("/usr/bin/{tool}")]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .unwrap();
        std::os::unix::fs::symlink(real, bin.join(tool)).unwrap();
    }
    if let Some(program) = program {
        home.write("bin/sudo", program);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(bin.join("sudo"), mode).unwrap();
    }
    let sshd = Sshd::start(Behaviour {
        environment: vec![("PATH".to_owned(), bin.display().to_string())],
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let mut server = server_at(sshd.address);
    server.r#become = true;
    let mut session = home.connector().open(&server).await?;
    let (output, lines) = run(&mut session, "echo as ${FLEET_TEST_SUDO:-nobody}\n").await?;
    assert!(session.seen_as().unwrap().starts_with("127.0.0.1 "));
    Ok((output.status, lines))
}

#[tokio::test(flavor = "multi_thread")]
async fn sudo_works_or_says_why_not() {
    let passes_on = "#!/bin/sh\n[ \"$1 $2 $3\" = '-n -H --' ] || exit 99\nshift 3\nunset SSH_CONNECTION\nFLEET_TEST_SUDO=root exec \"$@\"\n";
    assert_eq!(
        with_sudo(Some(passes_on)).await.unwrap(),
        (0, vec!["as root".to_owned()])
    );

    let password = "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n";
    let error = with_sudo(Some(password)).await.unwrap_err();
    assert_eq!(
        error,
        TransportError::SudoPassword {
            user: "alice".to_owned()
        }
    );
    assert!(error.diagnostic(&"web-1".parse().unwrap()).hints[0].contains("NOPASSWD"));

    let tty = "#!/bin/sh\necho 'sudo: sorry, you must have a tty to run sudo' >&2\nexit 1\n";
    let error = with_sudo(Some(tty)).await.unwrap_err();
    assert!(matches!(error, TransportError::NoSudo { .. }), "{error:?}");
    assert!(error.diagnostic(&"web-1".parse().unwrap()).hints[0].contains("!requiretty"));

    let nobody = "#!/bin/sh\necho 'alice is not in the sudoers file.' >&2\nexit 1\n";
    assert!(matches!(
        with_sudo(Some(nobody)).await.unwrap_err(),
        TransportError::NoSudo { .. }
    ));

    let error = with_sudo(None).await.unwrap_err();
    assert!(matches!(error, TransportError::NoSudo { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn root_needs_no_sudo() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    home.know(&sshd.known_hosts_line());
    let mut server = server_at(sshd.address);
    server.user = Some("root".to_owned());
    server.r#become = true;
    let mut session = home.connector().open(&server).await.unwrap();
    run(&mut session, "true\n").await.unwrap();
    assert!(!sshd.seen.commands.lock().unwrap()[0].contains("sudo"));
}
