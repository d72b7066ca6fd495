//! Logging in: key files of all kinds, the agent, certificates, and what is offered in which order.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fleet::shell::Secret;
use fleet::transport::{LoginKeys, Passphrase, TransportError};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{HashAlg, PrivateKey, PublicKey};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::sshd::{Behaviour, Sshd, new_key};
use crate::{Home, failure, named_server, run, server_at};

/// A server that takes these keys alone, known to `home`.
async fn server_for(home: &Home, keys: &[&PublicKey]) -> Sshd {
    let sshd = Sshd::start(Behaviour {
        authorized: Some(keys.iter().map(|key| (*key).clone()).collect()),
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    sshd
}

/// Makes a key with ssh-keygen(1), which knows every format; `None` without it.
fn keygen(home: &Home, name: &str, arguments: &[&str]) -> Option<(PathBuf, PublicKey)> {
    let path = home.path(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-f"])
        .arg(&path)
        .args(arguments)
        .stdin(Stdio::null())
        .status();
    let Ok(status) = made else {
        println!("left out: no ssh-keygen");
        return None;
    };
    assert!(status.success(), "{arguments:?}");
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    Some((path, PublicKey::from_openssh(public.trim()).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_file() {
    for arguments in [
        &["-t", "ed25519", "-N", ""][..],
        &["-t", "ecdsa", "-b", "256", "-N", ""],
        &["-t", "ecdsa", "-b", "384", "-N", ""],
        &["-t", "ecdsa", "-b", "521", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""],
        &["-t", "ed25519", "-N", "secret words"],
        &["-t", "ecdsa", "-N", "secret words"],
        &["-t", "rsa", "-b", "2048", "-N", "secret words"],
        &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret words"],
        &[
            "-t",
            "rsa",
            "-b",
            "2048",
            "-m",
            "PKCS8",
            "-N",
            "secret words",
        ],
    ] {
        let mut home = Home::new();
        let Some((path, public)) = keygen(&home, "key", arguments) else {
            return;
        };
        home.settings.keys = Arc::new(LoginKeys::new(Passphrase::Known(Secret::new(
            "secret words",
        ))));
        let sshd = server_for(&home, &[&public]).await;
        let mut server = server_at(sshd.address);
        server.identity_file = Some(path);
        let mut session = home
            .connector()
            .open(&server)
            .await
            .unwrap_or_else(|error| panic!("{arguments:?}: {error:?}"));
        assert_eq!(
            session.peer().login_key,
            Some(public.fingerprint(HashAlg::Sha256).to_string())
        );
        assert_eq!(run(&mut session, "echo in\n").await.unwrap().1, ["in"]);
    }
}

/// An encrypted copy of `key`.
fn encrypted(key: &PrivateKey, passphrase: &str) -> String {
    let locked = key
        .encrypt(&mut russh::keys::key::safe_rng(), passphrase)
        .unwrap();
    locked.to_openssh(LineEnding::LF).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_asked_for_once_and_only_when_needed() {
    let mut home = Home::new();
    home.write(".ssh/id_ed25519", &encrypted(&home.key, "open"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let ask = Passphrase::Ask(Arc::new(move |_: &Path, attempt| {
        count.fetch_add(1, Ordering::SeqCst);
        // Longer than the handshake may take: the user's time does not count.
        std::thread::sleep(Duration::from_millis(600));
        Some(Secret::new(if attempt == 1 { "typo" } else { "open" }))
    }));
    home.settings.keys = Arc::new(LoginKeys::new(ask));
    home.settings.limits.handshake = Duration::from_secs(2);
    let refusing = server_for(&home, &[new_key().public_key()]).await;
    let error = failure(&home, &server_at(refusing.address)).await;
    assert!(
        matches!(error, TransportError::AuthRefused { .. }),
        "{error:?}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);

    let one = server_for(&home, &[home.key.public_key()]).await;
    let two = server_for(&home, &[home.key.public_key()]).await;
    let connector = home.connector();
    let (first, second) = (server_at(one.address), named_server("web-2", two.address));
    let (a, b) = tokio::join!(connector.open(&first), connector.open(&second));
    a.unwrap();
    b.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_that_is_known_to_be_needed_can_be_asked_for_before_anything_else() {
    let mut home = Home::new();
    home.write(".ssh/id_ed25519", &encrypted(&home.key, "open"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let ask = Passphrase::Ask(Arc::new(move |_: &Path, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Some(Secret::new("open"))
    }));
    home.settings.keys = Arc::new(LoginKeys::new(ask));
    let sshd = server_for(&home, &[home.key.public_key()]).await;
    let server = server_at(sshd.address);
    // Nobody knows yet which key it takes.
    home.connector().unlock_keys(&[&server]).await;
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let fingerprint = home.key.public_key().fingerprint(HashAlg::Sha256);
    let known = (server.name.clone(), fingerprint.to_string());
    home.settings.login_keys.extend([known]);
    let connector = home.connector();
    connector.unlock_keys(&[&server, &server]).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    connector.open(&server).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_missing_passphrase_names_the_file() {
    let mut home = Home::new();
    let path = home.write("key", &encrypted(&home.key, "open"));
    let sshd = server_for(&home, &[home.key.public_key()]).await;
    let mut server = server_at(sshd.address);
    server.identity_file = Some(path.clone());
    home.settings.keys = Arc::new(LoginKeys::new(Passphrase::Known(Secret::new("wrong"))));
    let error = failure(&home, &server).await;
    assert_eq!(
        error.to_string(),
        format!(
            "the key `{}` cannot be used: the passphrase is wrong",
            path.display()
        )
    );
    home.settings.keys = Arc::new(LoginKeys::new(Passphrase::None));
    let error = failure(&home, &server).await;
    let diagnostic = error.diagnostic(&server.name);
    assert!(
        diagnostic.message.contains("it is encrypted"),
        "{diagnostic:?}"
    );
    assert!(diagnostic.hints[0].contains("FLEET_KEY_PASSPHRASE_FILE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_key_that_cannot_be_used_costs_no_connection() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let sshd = server_for(&home, &[home.key.public_key()]).await;
    let mut server = server_at(sshd.address);
    let open = home.write_key("open", &home.key);
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).unwrap();
    for (path, reason) in [
        (home.path("missing"), "there is no such file"),
        (home.write("garbage", "hello\n"), "it is not a key file"),
        (open, "others can read it (mode 0644)"),
        (
            home.write("public", &home.key.public_key().to_openssh().unwrap()),
            "it is a public key",
        ),
    ] {
        server.identity_file = Some(path);
        let error = failure(&home, &server).await;
        assert!(
            matches!(error, TransportError::KeyUnusable { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(sshd.seen.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_that_worked_goes_first() {
    let mut home = Home::new();
    let right = new_key();
    let mut files = Vec::new();
    for index in 0..3 {
        files.push(home.write_key(&format!("key{index}"), &new_key()));
    }
    files.push(home.write_key("right", &right));
    home.settings.identities = files;
    let sshd = server_for(&home, &[right.public_key()]).await;
    let session = home
        .connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    let worked = session.peer().login_key.clone().unwrap();
    assert_eq!(sshd.seen.offers.swap(0, Ordering::SeqCst), 4);

    home.settings
        .login_keys
        .insert("web-1".parse().unwrap(), worked);
    home.connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    assert_eq!(sshd.seen.offers.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_few_keys_are_offered_and_the_error_names_them() {
    let mut home = Home::new();
    home.settings.identities = (0..8)
        .map(|index| home.write_key(&format!("key{index}"), &new_key()))
        .collect();
    let sshd = Sshd::start(Behaviour {
        authorized: Some(Vec::new()),
        banner: Some("Ask the admins\n".to_owned()),
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let error = failure(&home, &server_at(sshd.address)).await;
    let TransportError::AuthRefused {
        tried,
        skipped,
        said,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!((tried.len(), skipped.len()), (5, 3));
    assert_eq!(*said, ["the server says: Ask the admins"]);
    assert_eq!(sshd.seen.offers.load(Ordering::SeqCst), 5);
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    assert_eq!(
        diagnostic.message,
        "server `web-1`: the login as `alice` was refused"
    );
    assert!(diagnostic.details[0].contains("key0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_after_a_refusal() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour {
        authorized: Some(Vec::new()),
        max_tries: 1,
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(
        matches!(
            error,
            TransportError::Cut { .. } | TransportError::AuthRefused { .. }
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_key() {
    let mut home = Home::new();
    home.settings.identities = vec![home.path("missing")];
    let sshd = server_for(&home, &[]).await;
    let error = failure(&home, &server_at(sshd.address)).await;
    assert_eq!(
        error.to_string(),
        "there is no key to log in as `alice` with"
    );
}

/// A running ssh-agent(1).
struct Agent {
    socket: PathBuf,
    process: Child,
}

impl Agent {
    fn start(home: &Home) -> Option<Self> {
        let socket = home.path("agent");
        let Ok(process) = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
        else {
            println!("left out: no ssh-agent");
            return None;
        };
        for _ in 0..200 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self { socket, process })
    }

    fn add(&self, file: &Path) {
        let status = Command::new("ssh-add")
            .arg("-q")
            .arg(file)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_an_agent() {
    let mut home = Home::new();
    home.settings.identities = Vec::new();
    let Some(agent) = Agent::start(&home) else {
        return;
    };
    home.settings.agent = Some(agent.socket.clone());
    for arguments in [
        &["-t", "ed25519", "-N", ""][..],
        &["-t", "rsa", "-b", "2048", "-N", ""],
    ] {
        let (path, public) = keygen(&home, &format!("key-{}", arguments[1]), arguments).unwrap();
        agent.add(&path);
        // It is asked once in a run what it holds.
        home.settings.keys = Arc::new(LoginKeys::new(Passphrase::None));
        std::fs::remove_file(&path).unwrap();
        let sshd = server_for(&home, &[&public]).await;
        home.connector()
            .open(&server_at(sshd.address))
            .await
            .unwrap();
        // The public half as `identity_file` chooses among the agent's keys.
        let mut server = server_at(sshd.address);
        server.identity_file = Some(path.with_extension("pub"));
        sshd.seen.offers.store(0, Ordering::SeqCst);
        home.connector().open(&server).await.unwrap();
        assert_eq!(sshd.seen.offers.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_key_that_the_agent_holds_needs_no_passphrase() {
    let mut home = Home::new();
    let Some(agent) = Agent::start(&home) else {
        return;
    };
    home.settings.agent = Some(agent.socket.clone());
    let open = home.write_key("open", &home.key);
    agent.add(&open);
    let path = home.write("locked", &encrypted(&home.key, "unknown"));
    let sshd = server_for(&home, &[home.key.public_key()]).await;
    let mut server = server_at(sshd.address);
    server.identity_file = Some(path);
    home.connector().open(&server).await.unwrap();
}

/// A socket in front of an agent that lets it sign only after so long.
fn slow_agent(home: &Home, agent: &Agent, delay: Duration) -> PathBuf {
    const SIGN: u8 = 13;
    let socket = home.path("slow-agent");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let behind = agent.socket.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let behind = behind.clone();
            tokio::spawn(async move {
                let server = tokio::net::UnixStream::connect(behind).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let asking = async {
                    while let Ok(length) = from_client.read_u32().await {
                        let mut message = vec![0; length as usize];
                        from_client.read_exact(&mut message).await.unwrap();
                        if message[0] == SIGN {
                            tokio::time::sleep(delay).await;
                        }
                        to_server.write_u32(length).await.unwrap();
                        to_server.write_all(&message).await.unwrap();
                    }
                };
                let answering = tokio::io::copy(&mut from_server, &mut to_client);
                drop(tokio::join!(asking, answering));
            });
        }
    });
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_for_an_agent_is_not_the_servers() {
    let mut home = Home::new();
    let Some(agent) = Agent::start(&home) else {
        return;
    };
    agent.add(&home.path(".ssh/id_ed25519"));
    home.settings.identities = Vec::new();
    home.settings.limits.handshake = Duration::from_secs(3);
    home.settings.agent = Some(slow_agent(&home, &agent, Duration::from_secs(4)));
    let sshd = server_for(&home, &[home.key.public_key()]).await;
    let started = std::time::Instant::now();
    home.connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    assert!(started.elapsed() > Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_never_signs_is_given_up_and_the_next_key_is_tried() {
    let mut home = Home::new();
    let Some(agent) = Agent::start(&home) else {
        return;
    };
    agent.add(&home.write_key("held", &new_key()));
    let limit = Duration::from_secs(1);
    home.settings.keys = Arc::new(LoginKeys::new(Passphrase::None).with_agent_limit(limit));
    home.settings.agent = Some(slow_agent(&home, &agent, Duration::from_secs(600)));
    let sshd = Sshd::start(Behaviour::default()).await;
    home.know(&sshd.known_hosts_line());
    let own = home.key.public_key().fingerprint(HashAlg::Sha256);
    let session = home
        .connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    assert_eq!(session.peer().login_key, Some(own.to_string()));
    home.settings.identities = Vec::new();
    let error = failure(&home, &server_at(sshd.address)).await;
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    assert!(
        diagnostic.details[0].ends_with("the agent: no answer within 1 s"),
        "{diagnostic:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_key_does_not_stand_before_one_that_will_do() {
    let mut home = Home::new();
    let locked = home.write("locked", &encrypted(&home.key, "unknown"));
    let open = new_key();
    home.settings.identities = vec![locked.clone(), home.write_key("open", &open)];
    let sshd = server_for(&home, &[home.key.public_key(), open.public_key()]).await;
    let session = home
        .connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    let used = open.public_key().fingerprint(HashAlg::Sha256);
    assert_eq!(session.peer().login_key, Some(used.to_string()));
    // Where nothing else will do, it is what the server would have taken.
    let strict = server_for(&home, &[home.key.public_key()]).await;
    let error = failure(&home, &server_at(strict.address)).await;
    assert!(
        matches!(&error, TransportError::KeyUnusable { file, .. } if *file == locked),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_gone_is_told() {
    let mut home = Home::new();
    home.settings.identities = Vec::new();
    home.settings.agent = Some(home.path("no-agent"));
    let sshd = server_for(&home, &[]).await;
    let error = failure(&home, &server_at(sshd.address)).await;
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    assert!(diagnostic.details[0].contains("no-agent"), "{diagnostic:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_certificates() {
    for arguments in [
        &["-t", "ed25519", "-N", ""][..],
        &["-t", "ecdsa", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-N", ""],
    ] {
        let home = Home::new();
        let Some((path, _)) = keygen(&home, "key", arguments) else {
            return;
        };
        let (authority, _) = keygen(&home, "ca", &["-t", "ed25519", "-N", ""]).unwrap();
        let sign = |validity: &str| {
            let status = Command::new("ssh-keygen")
                .args(["-q", "-I", "test", "-n", "alice", "-V", validity, "-s"])
                .arg(&authority)
                .arg(path.with_extension("pub"))
                .status()
                .unwrap();
            assert!(status.success());
        };
        sign("-1h:+1h");
        let sshd = Sshd::start(Behaviour {
            authorized: Some(Vec::new()),
            certificates: true,
            ..Behaviour::default()
        })
        .await;
        home.know(&sshd.known_hosts_line());
        let mut server = server_at(sshd.address);
        server.identity_file = Some(path.clone());
        home.connector()
            .open(&server)
            .await
            .unwrap_or_else(|error| panic!("{arguments:?}: {error:?}"));
        assert_eq!(sshd.seen.certificates.load(Ordering::SeqCst), 1);

        sign("-2h:-1h");
        let error = failure(&home, &server).await;
        let diagnostic = error.diagnostic(&server.name);
        assert!(
            diagnostic
                .details
                .iter()
                .any(|line| line.contains("the certificate has expired")),
            "{diagnostic:?}"
        );
    }
}
