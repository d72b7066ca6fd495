//! Host keys: the right one is accepted, any other is refused before anything is sent.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use base64::Engine;
use fleet::transport::TransportError;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PrivateKey, PublicKey};

use crate::sshd::{Behaviour, Sshd, known_hosts_line, new_key};
use crate::{Home, failure, run, server_at};

fn new_ecdsa_key() -> PrivateKey {
    let algorithm = Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    };
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).unwrap()
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let error = failure(&home, &server_at(sshd.address)).await;
    let TransportError::HostKeyUnknown { host, got, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*host, format!("[127.0.0.1]:{}", sshd.address.port()));
    assert!(got.contains(&fingerprint(&sshd.host_key)), "{got}");
    assert!(!error.is_unreachable());
    assert_eq!(sshd.seen.offers.load(Ordering::SeqCst), 0);
    assert!(sshd.seen.users.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_shows_both_fingerprints_and_the_line() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let old = new_key();
    home.know("# a comment\n\n");
    home.know(&known_hosts_line(sshd.address, old.public_key()));
    let error = failure(&home, &server_at(sshd.address)).await;
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    let file = home.path(".ssh/known_hosts");
    assert_eq!(
        diagnostic.details,
        [
            format!("recorded:  ssh-ed25519 {}", fingerprint(old.public_key())),
            format!("presented: ssh-ed25519 {}", fingerprint(&sshd.host_key)),
            format!("recorded in {}:3", file.display()),
        ]
    );
    assert!(diagnostic.hints.iter().any(|hint| hint.ends_with(&format!(
        "`fleet set-server web-1 --fingerprint {}`",
        fingerprint(&sshd.host_key)
    ))));
    assert_eq!(sshd.seen.offers.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_fetched_pinned_and_then_known() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path(".ssh")).unwrap();
    let sshd = Sshd::start(Behaviour::default()).await;
    let server = server_at(sshd.address);
    let connector = home.connector();
    let key = connector.fetch_host_key(&server).await.unwrap();
    assert_eq!(key.fingerprint(), fingerprint(&sshd.host_key));
    assert_eq!(key.algorithm(), "ssh-ed25519");
    assert!(matches!(
        key.verdict(),
        Err(TransportError::HostKeyUnknown { .. })
    ));
    assert_eq!(sshd.seen.offers.load(Ordering::SeqCst), 0);

    connector.pin(&key).await.unwrap();
    connector.pin(&key).await.unwrap();
    let file = home.path(".ssh/known_hosts");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), {
        let line = known_hosts_line(sshd.address, &sshd.host_key);
        format!("{}\n", line.trim_end())
    });
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        home.path(".ssh").metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );

    home.write_key(".ssh/id_ed25519", &home.key);
    let mut session = connector.open(&server).await.unwrap();
    assert_eq!(
        session.peer().host_key.as_deref(),
        Some(&*key.fingerprint())
    );
    assert_eq!(run(&mut session, "echo in\n").await.unwrap().1, ["in"]);
    assert!(
        connector
            .fetch_host_key(&server)
            .await
            .unwrap()
            .verdict()
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_recorded_where_nothing_stays() {
    let mut home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let server = server_at(sshd.address);
    let known = std::mem::replace(&mut home.settings.known_hosts, vec!["/dev/null".into()]);
    let connector = home.connector();
    let key = connector.fetch_host_key(&server).await.unwrap();
    assert_eq!(key.file(), None);
    let error = connector.pin(&key).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("there is no `known_hosts` file"), "{said}");
    home.settings.known_hosts.extend(known);
    let key = home.connector().fetch_host_key(&server).await.unwrap();
    assert_eq!(key.file(), Some(&*home.path(".ssh/known_hosts")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_appended_after_one_without_an_end() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    home.know("other.example ssh-ed25519 AAAA");
    let connector = home.connector();
    let server = server_at(sshd.address);
    let key = connector.fetch_host_key(&server).await.unwrap();
    connector.pin(&key).await.unwrap();
    let text = std::fs::read_to_string(home.path(".ssh/known_hosts")).unwrap();
    assert_eq!(text.lines().count(), 2);
    connector.open(&server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_fingerprints_win() {
    let mut home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let name = "web-1".parse::<fleet::model::ServerName>().unwrap();
    home.settings
        .pinned
        .insert(name.clone(), vec![fingerprint(&sshd.host_key)]);
    home.connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();

    home.know(&sshd.known_hosts_line());
    home.settings
        .pinned
        .insert(name, vec![fingerprint(new_key().public_key())]);
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(
        matches!(error, TransportError::HostKeyChanged { place: None, .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_asked_for_the_key_that_is_known() {
    let ecdsa = new_ecdsa_key();
    let home = Home::new();
    let sshd = Sshd::start(Behaviour {
        host_keys: vec![new_key(), ecdsa.clone()],
        ..Behaviour::default()
    })
    .await;
    home.know(&known_hosts_line(sshd.address, ecdsa.public_key()));
    let session = home
        .connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    assert_eq!(
        session.peer().host_key,
        Some(fingerprint(ecdsa.public_key()))
    );
}

/// A host certificate for `principal`, and the CA's key.
fn certificate(
    host: &PrivateKey,
    principal: &str,
    change: impl FnOnce(&mut Builder),
) -> (Certificate, PrivateKey) {
    let authority = new_key();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut builder = Builder::new_with_random_nonce(
        &mut russh::keys::key::safe_rng(),
        host.public_key(),
        now - 60,
        now + 3600,
    )
    .unwrap();
    builder.cert_type(CertType::Host).unwrap();
    builder.valid_principal(principal).unwrap();
    change(&mut builder);
    (builder.sign(&authority).unwrap(), authority)
}

#[tokio::test(flavor = "multi_thread")]
async fn host_certificates() {
    for (principal, names, accepted) in [
        ("127.0.0.1", "[127.0.0.1]:*", true),
        // OpenSSH 9.2 refuses it: "name is not a listed principal".
        ("127.*", "[127.0.0.1]:*", false),
        ("other.example", "[127.0.0.1]:*", false),
        // The authority does not speak for this server.
        ("127.0.0.1", "*.example.com", false),
    ] {
        let host = new_key();
        let (certificate, authority) = certificate(&host, principal, |_| {});
        let home = Home::new();
        let sshd = Sshd::start(Behaviour {
            host_keys: vec![host],
            host_certificates: vec![certificate],
            ..Behaviour::default()
        })
        .await;
        home.know(&format!(
            "@cert-authority {names} {}\n",
            authority.public_key().to_openssh().unwrap()
        ));
        let outcome = home.connector().open(&server_at(sshd.address)).await;
        assert_eq!(
            outcome.is_ok(),
            accepted,
            "{principal} {names}: {:?}",
            outcome.err()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certified_key_that_is_known_itself_needs_no_authority() {
    let host = new_key();
    let (certificate, _) = certificate(&host, "127.0.0.1", |_| {});
    let home = Home::new();
    let sshd = Sshd::start(Behaviour {
        host_keys: vec![host],
        host_certificates: vec![certificate],
        ..Behaviour::default()
    })
    .await;
    home.know(&sshd.known_hosts_line());
    home.connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
}

/// What comes of a `known_hosts` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Unknown,
    Changed,
    Revoked,
}

/// Hashes a name as `HashKnownHosts` does.
fn hashed(name: &str) -> String {
    let salt = [7_u8; 20];
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    let hash = ring::hmac::sign(&key, name.as_bytes());
    let base64 = base64::engine::general_purpose::STANDARD;
    format!("|1|{}|{}", base64.encode(salt), base64.encode(hash))
}

/// Files, and what should come of them: the cases in which simple implementations go wrong.
#[allow(clippy::too_many_lines, reason = "a table")]
fn cases(address: SocketAddr, right: &PublicKey) -> Vec<(&'static str, String, Verdict)> {
    use Verdict::{Accepted, Changed, Revoked, Unknown};
    let port = address.port();
    let name = format!("[127.0.0.1]:{port}");
    let key = right.to_openssh().unwrap();
    let (algorithm, blob) = key.split_once(' ').unwrap();
    let blob = blob.split_whitespace().next().unwrap();
    let wrong = new_key().public_key().to_openssh().unwrap();
    let ecdsa = new_ecdsa_key().public_key().to_openssh().unwrap();
    vec![
        ("plain", format!("{name} {key}\n"), Accepted),
        ("empty", String::new(), Unknown),
        ("another key", format!("{name} {wrong}\n"), Changed),
        (
            "two keys",
            format!("{name} {wrong}\n{name} {key}\n"),
            Accepted,
        ),
        (
            "a key of another type",
            format!("{name} {ecdsa}\n"),
            Changed,
        ),
        ("star", format!("* {key}\n"), Accepted),
        (
            "star in brackets",
            format!("[127.0.0.*]:* {key}\n"),
            Accepted,
        ),
        (
            "question marks",
            format!("[127.0.0.?]:{port} {key}\n"),
            Accepted,
        ),
        ("list", format!("a,b,{name},c {key}\n"), Accepted),
        // The name without the port is a second try, which the star fits.
        ("negated", format!("*,!{name} {key}\n"), Accepted),
        (
            "negated, both names",
            format!("*,!{name},!127.0.0.1 {key}\n"),
            Unknown,
        ),
        ("negated, another", format!("*,!b {key}\n"), Accepted),
        (
            "tabs",
            format!("{name}\t{algorithm}\t{blob}\tcomment\n"),
            Accepted,
        ),
        (
            "double blanks",
            format!("  {name}  {algorithm}   {blob}  c o m m e n t\n"),
            Accepted,
        ),
        (
            "carriage returns",
            format!("{name} {algorithm} {blob}\r\n"),
            Accepted,
        ),
        ("no newline", format!("{name} {algorithm} {blob}"), Accepted),
        (
            "comment with #",
            format!("{name} {algorithm} {blob} me # you\n"),
            Accepted,
        ),
        ("commented out", format!("#{name} {key}\n"), Unknown),
        (
            "revoked",
            format!("@revoked * {key}\n{name} {key}\n"),
            Revoked,
        ),
        (
            "revoked below",
            format!("{name} {key}\n@revoked {name} {key}\n"),
            Revoked,
        ),
        (
            "revoked elsewhere",
            format!("@revoked b {key}\n{name} {key}\n"),
            Accepted,
        ),
        (
            "another is revoked",
            format!("@revoked * {wrong}\n{name} {key}\n"),
            Accepted,
        ),
        (
            "only an authority",
            format!("@cert-authority {name} {key}\n"),
            Unknown,
        ),
        (
            "authority and key",
            format!("@cert-authority * {wrong}\n{name} {key}\n"),
            Accepted,
        ),
        (
            "unknown marker",
            format!("@trusted {name} {key}\n"),
            Unknown,
        ),
        (
            "garbage",
            format!("{name} {algorithm} AAAAgarbage\n{name} {key}\n"),
            Accepted,
        ),
        (
            "garbage alone",
            format!("{name} {algorithm} AAAAgarbage\n"),
            Unknown,
        ),
        (
            "half a line",
            format!("{name}\n{name} {algorithm}\n{name} {key}\n"),
            Accepted,
        ),
        (
            "bytes",
            format!("\u{fffd}\u{1}|1|x\n|1|a|b {key}\n{name} {key}\n"),
            Accepted,
        ),
        ("hashed", format!("{} {key}\n", hashed(&name)), Accepted),
        (
            "hashed, another key",
            format!("{} {wrong}\n", hashed(&name)),
            Changed,
        ),
        (
            "hashed, another name",
            format!("{} {key}\n", hashed("b")),
            Unknown,
        ),
        ("without the port", format!("127.0.0.1 {key}\n"), Accepted),
        (
            "without the port, another key",
            format!("127.0.0.1 {wrong}\n"),
            Unknown,
        ),
        ("another port", format!("[127.0.0.1]:1 {key}\n"), Unknown),
        (
            "the wrong algorithm word",
            format!("{name} ssh-rsa {blob}\n"),
            Unknown,
        ),
    ]
}

async fn ours(home: &Home, address: SocketAddr) -> Verdict {
    match home.connector().open(&server_at(address)).await {
        Ok(_) => Verdict::Accepted,
        Err(TransportError::HostKeyUnknown { .. }) => Verdict::Unknown,
        Err(TransportError::HostKeyChanged { .. }) => Verdict::Changed,
        Err(TransportError::HostKeyRevoked { .. }) => Verdict::Revoked,
        Err(error) => panic!("{error:?}"),
    }
}

/// What ssh(1) makes of the same file; `None` when there is no ssh.
async fn theirs(home: &Path, address: SocketAddr) -> Option<Verdict> {
    let mut command = Command::new("ssh");
    command
        .args([
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "BatchMode=yes",
        ])
        .args(["-o", "GlobalKnownHostsFile=none", "-o", "UpdateHostKeys=no"])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}/.ssh/known_hosts",
            home.display()
        ))
        .arg("-i")
        .arg(home.join(".ssh/id_ed25519"))
        .args([
            "-p",
            &address.port().to_string(),
            "alice@127.0.0.1",
            "exit 0",
        ]);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    Some(if output.status.success() {
        Verdict::Accepted
    } else if said.contains("REVOKED HOST KEY") {
        Verdict::Revoked
    } else if said.contains("IDENTIFICATION HAS CHANGED") {
        Verdict::Changed
    } else if said.contains("host key is known for") {
        Verdict::Unknown
    } else {
        panic!("{said}")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn known_hosts_is_read_as_openssh_reads_it() {
    let sshd = Sshd::start(Behaviour::default()).await;
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (what, text, expected) in cases(sshd.address, &sshd.host_key) {
        let home = Home::new();
        home.write(".ssh/known_hosts", &text);
        let ours = ours(&home, sshd.address).await;
        let theirs = theirs(home.dir(), sshd.address).await;
        if ours != expected || theirs.is_some_and(|theirs| theirs != ours) {
            wrong.push(format!(
                "{what}: expected {expected:?}, ours {ours:?}, theirs {theirs:?}"
            ));
        }
        compared += usize::from(theirs.is_some());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if compared == 0 {
        println!("left out: the comparison with ssh, which is not installed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_count_together() {
    let mut home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let global = home.write("global", &sshd.known_hosts_line());
    home.settings.global_known_hosts = vec![home.path("missing"), global];
    home.connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    // A revocation anywhere wins.
    let line = format!("@revoked * {}\n", sshd.host_key.to_openssh().unwrap());
    home.know(&line);
    let error = failure(&home, &server_at(sshd.address)).await;
    assert!(
        matches!(error, TransportError::HostKeyRevoked { .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_told() {
    let mut home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    home.settings.known_hosts = vec![home.dir().to_owned()];
    let error = failure(&home, &server_at(sshd.address)).await;
    let diagnostic = error.diagnostic(&"web-1".parse().unwrap());
    assert!(
        diagnostic.details[0].contains("cannot be read"),
        "{diagnostic:?}"
    );
}
