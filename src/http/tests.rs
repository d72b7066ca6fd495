//! Tests of requests against listeners of this process: what they send, and what becomes of every kind of answer.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

const SOON: Duration = Duration::from_secs(20);

fn get(url: &Url) -> Request<'_> {
    Request {
        method: "GET",
        url,
        headers: Vec::new(),
        body: b"",
        address: None,
        limit: SOON,
        largest: 1 << 20,
    }
}

/// A listener that reads one request, answers with `answer` and closes; what it read is the handle's value.
async fn answering(answer: &'static [u8]) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !ends(&seen) {
            stream.read_buf(&mut seen).await.unwrap();
        }
        // In pieces, as they may come over a network.
        for piece in answer.chunks(7) {
            stream.write_all(piece).await.unwrap();
            stream.flush().await.unwrap();
        }
        String::from_utf8(seen).unwrap()
    });
    (url.parse().unwrap(), served)
}

/// Whether a request is complete.
fn ends(seen: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seen);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

#[tokio::test]
async fn a_request_is_what_it_says() {
    let (url, served) = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let mut request = get(&url);
    request.method = "POST";
    request.headers = vec![("content-type", "application/json".to_owned())];
    request.body = b"{}";
    let response = send(&request, &Trust::system()).await.unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (200, &b"ok"[..])
    );
    assert!(response.waited <= response.took);
    let expected = format!(
        "POST /a?b=c HTTP/1.1\r\nhost: {}\r\nuser-agent: fleet/{}\r\naccept: */*\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
        url.authority(),
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(served.await.unwrap(), expected);
}

#[tokio::test]
async fn every_form_of_content_is_read() {
    for (answer, status, body) in [
        (&b"HTTP/1.1 204 No Content\r\n\r\n"[..], 204, &b""[..]),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", 200, b"to the end"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnonemore",
            404,
            b"none",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n",
            200,
            b"Wikipedia",
        ),
    ] {
        let (url, _served) = answering(answer).await;
        let response = send(&get(&url), &Trust::system()).await.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (status, body));
    }
}

#[tokio::test]
async fn what_is_too_long_is_cut() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"[..],
        b"HTTP/1.1 200 OK\r\n\r\n0123456789",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n012\r\nFFFFFFFFFF\r\n3456789",
    ] {
        let (url, _served) = answering(answer).await;
        let mut request = get(&url);
        request.largest = 5;
        let response = send(&request, &Trust::system()).await.unwrap();
        assert_eq!(response.body, b"01234");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    for (answer, expected) in [
        (&b""[..], "broke"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "broke"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n012", "broke"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "not HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
            "not HTTP",
        ),
    ] {
        let (url, _served) = answering(answer).await;
        let failure = send(&get(&url), &Trust::system()).await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
        assert!(!failure.to_string().contains("b=c"), "{failure}");
    }
}

#[tokio::test]
async fn who_says_nothing_costs_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let mut request = get(&url);
    request.limit = Duration::from_millis(200);
    let failure = send(&request, &Trust::system()).await.unwrap_err();
    assert_eq!(
        failure,
        Failure::Timeout(request.limit, "waiting for the answer")
    );
    drop(listener);
    let failure = send(&request, &Trust::system()).await.unwrap_err();
    assert!(matches!(failure, Failure::Connect(_)), "{failure}");
}

#[tokio::test]
async fn no_header_can_begin_another() {
    let url: Url = "http://127.0.0.1:1/".parse().unwrap();
    let mut request = get(&url);
    request.headers = vec![("title", "a\r\nx: y".to_owned())];
    let failure = send(&request, &Trust::system()).await.unwrap_err();
    assert!(matches!(failure, Failure::Unsendable(_)), "{failure}");
}

fn fixture(name: &str) -> std::path::PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("src/http/fixtures").join(name)
}

#[tokio::test]
async fn a_certificate_is_checked() {
    let chain = vec![CertificateDer::from_pem_file(fixture("server.crt")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut seen = Vec::new();
            while !ends(&seen) {
                stream.read_buf(&mut seen).await.unwrap();
            }
            // Without the word of farewell.
            let answer = b"HTTP/1.1 200 OK\r\n\r\nsecret";
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    let ask = async |host: &str, trust: Trust| {
        let url: Url = format!("https://{host}/").parse().unwrap();
        let mut request = get(&url);
        request.address = Some(address);
        send(&request, &trust).await
    };
    let trust = Trust::file(fixture("root.crt"));
    let response = ask("hook.example", trust.clone()).await.unwrap();
    assert_eq!(response.body, b"secret");
    assert_eq!(response.certificates, [chain[0].as_ref().to_vec()]);
    let other = ask("other.example", trust).await.unwrap_err();
    assert!(matches!(other, Failure::Tls(_)), "{other}");
    let unknown = ask("hook.example", Trust::file(fixture("other.crt"))).await;
    assert!(matches!(unknown, Err(Failure::Tls(_))), "{unknown:?}");
    let none = ask("hook.example", Trust::file(fixture("server.key"))).await;
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("holds no certificates")
    );
}

#[test]
fn addresses_are_read_strictly() {
    for (text, host, port, target, authority) in [
        (
            "https://Example.com",
            "example.com",
            443,
            "/",
            "example.com",
        ),
        (
            "http://a-b.c:8080/x?y=%20",
            "a-b.c",
            8080,
            "/x?y=%20",
            "a-b.c:8080",
        ),
        ("https://[::1]:1/", "::1", 1, "/", "[::1]:1"),
        ("http://10.0.0.1?q", "10.0.0.1", 80, "/?q", "10.0.0.1"),
    ] {
        let url: Url = text.parse().unwrap();
        assert_eq!(
            (url.host(), url.port(), url.target(), url.authority()),
            (host, port, target, authority.to_owned())
        );
    }
    for text in [
        "example.com",
        "ftp://example.com/",
        "https://user:password@example.com/",
        "https:///x",
        "https://a b/",
        "https://a/b c",
        "https://a/\r\nx: y",
        "https://a/#b",
        "https://a:0/",
        "https://a:99999/",
        "https://[::1/",
        "https://ex\u{e4}mple.com/",
    ] {
        let reason = text.parse::<Url>().unwrap_err();
        assert!(!reason.contains("password"), "{reason}");
    }
    let url: Url = "https://hooks.example/T0/secret".parse().unwrap();
    assert_eq!(format!("{url:?}"), "https://hooks.example/…");
}
