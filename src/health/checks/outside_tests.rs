//! Visits to listeners on loopback: what is served is judged, and who is silent holds up nobody else.
#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::kind::wanted;

const EXPIRED: &str = include_str!("../../kind/site/fixtures/expired.crt");
const CERTIFICATE: &str = include_str!("../../kind/site/fixtures/p256.crt");
const INTERMEDIATE: &str = include_str!("../../kind/site/fixtures/inter.crt");
const KEY: &str = include_str!("../../kind/site/fixtures/p256.key");

/// A website that gives everybody the same answer, over TLS with that certificate; its port.
async fn website(answer: &'static str, certificate: Option<&str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = certificate.map(|pem| {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .map(Result::unwrap)
            .collect();
        let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut request = [0; 2048];
                if let Some(acceptor) = acceptor {
                    let mut stream = acceptor.accept(stream).await.unwrap();
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                } else {
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    port
}

fn visit(server: &str, text: Option<&str>, certificate: Option<&str>) -> Visit {
    let page = Page {
        host: "example.com".to_owned(),
        path: "/".to_owned(),
        status_min: 200,
        status_max: 399,
        text: text.map(ToOwned::to_owned),
        certificate: certificate.map(|pem| wanted::Certificate {
            path: String::new(),
            pem: pem.to_owned(),
            trusted: true,
        }),
        php: false,
    };
    Visit {
        server: server.parse().unwrap(),
        addresses: vec![IpAddr::from([127, 0, 0, 1])],
        resource: ResourceName::new("site", "example.com"),
        page: Some(page),
        resolve: false,
        // How long it took is not for a test on a machine at work.
        limits: CheckLimits {
            response_time: Duration::from_secs(600),
            ..CheckLimits::default()
        },
    }
}

fn found(visited: Vec<Visited>) -> Vec<Check> {
    let checks = visited.into_iter().flat_map(|visited| visited.checks);
    let mut checks: Vec<Check> = checks.collect();
    checks.sort_by(|a, b| a.key.cmp(&b.key));
    checks
}

/// `status aspect detail` of what comes of a visit.
async fn said(port: u16, visit: Visit, now: &str) -> Vec<String> {
    said_by(port, visit, now, Trust::any()).await
}

/// The same by visitors who trust these.
async fn said_by(port: u16, visit: Visit, now: &str, visitors: Trust) -> Vec<String> {
    let mut outside = Outside::new(8, Duration::from_secs(60), now.parse().unwrap(), visitors);
    outside.ports = [port; 3];
    let checks = found(outside.run(vec![visit]).await);
    let line = |check: &Check| {
        let detail = check.detail.split(" in ").next().unwrap();
        format!(
            "{} {} {detail}",
            check.status.word(),
            check.key.aspect.word()
        )
    };
    checks.iter().map(line).collect()
}

const NOW: &str = "2027-01-01T00:00:00Z";

#[tokio::test]
async fn answers_are_judged() {
    let good = website("HTTP/1.1 200 OK\r\n\r\nwelcome home", None).await;
    for (text, expected) in [
        (None, "ok http answers 200"),
        (Some("come ho"), "ok http answers 200"),
        (
            Some("away"),
            "bad http answers 200, but without the text `away`",
        ),
    ] {
        let said = said(good, visit("sg-1", text, None), NOW).await;
        assert_eq!(said, [expected]);
    }
    let broken = website("HTTP/1.1 500 Oh\r\n\r\n", None).await;
    let broken = said(broken, visit("sg-1", None, None), NOW).await;
    assert_eq!(broken, ["bad http answers 500 instead of 200-399"]);
    let hostile = website("\u{1b}[2J\u{7} 220 smtp\r\n\r\n", None).await;
    let hostile = said(hostile, visit("sg-1", None, None), NOW).await;
    assert!(
        hostile[0].starts_with("bad http does not answer: the answer is not HTTP"),
        "{hostile:?}"
    );
}

#[tokio::test]
async fn certificates_are_judged_as_they_are_served() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let port = website(answer, Some(CERTIFICATE)).await;
    let until = Certificate::of_pem(CERTIFICATE).unwrap().until;
    let day = |days: i64| {
        let at = until.as_second() - days * 86_400;
        Timestamp::from_second(at).unwrap().to_string()
    };
    let date = until.strftime("%Y-%m-%d");
    for (days, expected) in [
        (
            30,
            "ok certificate has a certificate that expires".to_owned(),
        ),
        (
            14,
            "warn certificate has a certificate that expires".to_owned(),
        ),
        (
            3,
            "bad certificate has a certificate that expires".to_owned(),
        ),
        (
            -1,
            format!("bad certificate has a certificate that expired on {date}"),
        ),
    ] {
        let visit = visit("sg-1", None, Some(CERTIFICATE));
        let said = said(port, visit, &day(days)).await;
        assert_eq!(said, ["ok http answers 200".to_owned(), expected], "{days}");
    }
    // Another one is served than the one that was placed.
    let said_of_other = said(port, visit("sg-1", None, Some(EXPIRED)), &day(100)).await;
    assert!(
        said_of_other[1].starts_with("warn certificate has another certificate than the one"),
        "{said_of_other:?}"
    );
    // What speaks no TLS there is told so.
    let plain = website(answer, None).await;
    let plain = said(plain, visit("sg-1", None, Some(CERTIFICATE)), NOW).await;
    assert!(
        plain[0].starts_with("bad http does not answer: no TLS"),
        "{plain:?}"
    );
}

#[tokio::test]
async fn who_signed_a_certificate_is_judged_as_visitors_do() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let trusting = |name: &str| {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kind/site/fixtures/");
        Trust::file(format!("{fixtures}{name}").into())
    };
    let whole: &str = format!("{CERTIFICATE}{INTERMEDIATE}").leak();
    let alone = "; visitors do not trust it: the server does not send the certificate of who signed it, \
                 CN=Test Intermediate";
    let foreign =
        "; visitors do not trust it: nobody who is trusted has signed it, but CN=Test Intermediate";
    for (served, trusted, expected) in [
        (whole, "root.crt", None),
        (CERTIFICATE, "root.crt", Some(alone)),
        (whole, "self.crt", Some(foreign)),
    ] {
        let port = website(answer, Some(served)).await;
        let mut visit = visit("sg-1", None, Some(served));
        let mut outside = Outside::new(
            8,
            Duration::from_secs(60),
            NOW.parse().unwrap(),
            trusting(trusted),
        );
        outside.ports = [port; 3];
        let detail = |checks: &[Check]| {
            let check = checks
                .iter()
                .find(|check| check.key.aspect == Aspect::Certificate);
            check
                .map(|check| (check.status, check.detail.clone()))
                .unwrap()
        };
        let (status, said) = detail(&found(outside.clone().run(vec![visit.clone()]).await));
        match expected {
            None => assert!(status == Status::Ok && !said.contains(';'), "{said}"),
            Some(end) => assert!(status == Status::Warn && said.ends_with(end), "{said}"),
        }
        // Unless it need not be.
        visit
            .page
            .as_mut()
            .unwrap()
            .certificate
            .as_mut()
            .unwrap()
            .trusted = false;
        let (status, said) = detail(&found(outside.run(vec![visit]).await));
        assert!(status == Status::Ok && !said.contains(';'), "{said}");
    }
}

#[test]
fn signatures_that_end_soon_are_told() {
    let now: Timestamp = NOW.parse().unwrap();
    let limits = CheckLimits::default();
    let at = |days: i64| u32::try_from(now.as_second() + days * 86_400).unwrap();
    let judged = |until| signatures(until, now, &limits);
    assert_eq!(judged(None), (Status::Ok, "is answered for".to_owned()));
    for (days, status, begin) in [
        (
            14,
            Status::Ok,
            "is answered for, and signed until 2027-01-15",
        ),
        (
            4,
            Status::Warn,
            "is signed until 2027-01-05 only: its name server",
        ),
        (
            -1,
            Status::Bad,
            "is signed until 2026-12-31 only: who validates",
        ),
    ] {
        let (found, detail) = judged(Some(at(days)));
        assert!(found == status && detail.starts_with(begin), "{detail}");
    }
    // The seconds wrap around in 2106.
    let late = Timestamp::from_second((1 << 32) - 86_400).unwrap();
    let (status, detail) = signatures(Some(86_400 * 20), late, &limits);
    assert!(
        status == Status::Ok && detail.contains("2106-02-27"),
        "{detail}"
    );
}

#[tokio::test]
async fn one_that_is_silent_holds_up_nobody_else() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    // Hundreds of visits to it: only those that could begin in time are told, and the others do not count as bad.
    let mut outside = Outside::new(
        16,
        Duration::from_millis(200),
        NOW.parse().unwrap(),
        Trust::any(),
    );
    outside.ports = [port; 3];
    let visits = (0..300).map(|_| visit("sg-1", None, None)).collect();
    let started = Instant::now();
    let checks = found(outside.run(visits).await);
    assert!(!checks.is_empty() && checks.len() <= PER_SERVER);
    assert!(
        checks
            .iter()
            .all(|check| check.detail == "does not answer within 5 s")
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_zone_is_asked_of_its_server() {
    let nobody = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = nobody.recv_from(&mut bytes).await {
            // REFUSED, as a server says of a zone that it has not.
            bytes[2] = 0x80;
            bytes[3] = 5;
            let _ = nobody.send_to(&bytes[..length], from).await;
        }
    });
    let zone = Visit {
        page: None,
        resource: ResourceName::new("zone", "example.com"),
        ..visit("sg-1", None, None)
    };
    let refused = said(port, zone.clone(), NOW).await;
    assert_eq!(
        refused,
        ["bad dns is not answered for by its server (code 5)"]
    );

    // Nobody has a way to this address without asking for it, as others have none to any of IPv6.
    let nowhere = IpAddr::from([255, 255, 255, 255]);
    let mut two_ways = zone.clone();
    two_ways.addresses.insert(0, nowhere);
    assert_eq!(said(port, two_ways, NOW).await, refused);
    for page in [None, visit("sg-1", None, None).page] {
        let no_way = Visit {
            addresses: vec![nowhere],
            page,
            ..zone.clone()
        };
        let outside = Outside::new(
            8,
            Duration::from_secs(60),
            NOW.parse().unwrap(),
            Trust::any(),
        );
        let visited = outside.run(vec![no_way]).await;
        assert!(
            !visited[0].had_way && visited[0].checks.is_empty(),
            "{visited:?}"
        );
    }
}
