//! Any bytes as the answer of a name server, and as that of a web server: read or refused, and never more than was wanted.

#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use fleet::health::checks::dns::{A, parse, question};
use fleet::http::read;
use libfuzzer_sys::fuzz_target;

/// What is read of a content at most, in bytes.
const LARGEST: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let question = question("example.com", A).expect("a question");
    if let [first, second, ..] = bytes
        && let Some(answer) = parse(bytes, [*first, *second], &question, A)
    {
        assert!(answer.addresses.len() <= bytes.len() / 12);
        assert!(!answer.addresses.iter().any(std::net::IpAddr::is_ipv4) || answer.found);
    }
    for method in ["GET", "HEAD"] {
        let mut stream = bytes;
        let mut reading = pin!(read(&mut stream, method, LARGEST));
        let Poll::Ready(answer) = reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("bytes that are there are waited for");
        };
        if let Ok(answer) = answer {
            assert!(answer.body.len() <= LARGEST && answer.headers.len() <= 100);
            assert!(method == "GET" || answer.body.is_empty());
            assert!(answer.status >= 200);
        }
    }
});
