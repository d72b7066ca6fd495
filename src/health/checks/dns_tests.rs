//! Messages as they come from name servers, good and hostile, and a name server on loopback.
#![allow(clippy::unwrap_used)]

use super::*;

/// An answer to `question` with these records, each after a pointer to the name.
fn message(id: [u8; 2], flags: [u8; 2], question: &[u8], records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend(flags);
    bytes.extend([0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    bytes.extend(question);
    for (record, data) in records {
        bytes.extend([0xc0, 12]);
        bytes.extend(record.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(*data);
    }
    bytes
}

#[test]
fn addresses_are_taken_from_beside_aliases() {
    let question = question("WWW.example.com.", A).unwrap();
    assert_eq!(&question[..5], b"\x03www\x07");
    let bytes = message(
        [1, 2],
        [0x84, 0],
        &question,
        &[
            (5, b"\x03cdn\xc0\x0c"),
            (A, &[192, 0, 2, 7]),
            (16, b"\x01x"),
        ],
    );
    let answer = parse(&bytes, [1, 2], &question, A).unwrap();
    assert!(answer.authoritative && answer.found && !answer.truncated);
    assert_eq!(answer.addresses, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
    // Another question, another number, no answer at all.
    let other = super::question("example.com", A).unwrap();
    assert_eq!(parse(&bytes, [1, 2], &other, A), None);
    assert_eq!(parse(&bytes, [2, 1], &question, A), None);
    let mut asked = bytes.clone();
    asked[2] = 0;
    assert_eq!(parse(&asked, [1, 2], &question, A), None);
}

#[test]
fn the_first_signature_to_end_counts() {
    let question = question("example.com", SOA).unwrap();
    let signature = |until: u32| {
        let mut data = vec![0, 6, 13, 2, 0, 0, 14, 16];
        data.extend(until.to_be_bytes());
        data.extend([0; 6]);
        data.extend(b"\0signature");
        data
    };
    let (later, sooner) = (signature(2_000_000_000), signature(1_900_000_000));
    let records: [(u16, &[u8]); 4] = [
        (SOA, b"\0"),
        (RRSIG, &later),
        (RRSIG, &sooner),
        (RRSIG, &[1; 17]),
    ];
    let signed = message([1, 2], [0x84, 0], &question, &records);
    let answer = parse(&signed, [1, 2], &question, SOA).unwrap();
    assert_eq!(answer.signed_until, Some(1_900_000_000));
    let plain = message([1, 2], [0x84, 0], &question, &records[..1]);
    let answer = parse(&plain, [1, 2], &question, SOA).unwrap();
    assert_eq!(answer.signed_until, None);
}

#[test]
fn hostile_messages_end() {
    let question = question("example.com", A).unwrap();
    let whole = message(
        [1, 2],
        [0x80, 0],
        &question,
        &[(A, &[1, 2, 3, 4]), (A, &[5; 4])],
    );
    for length in 0..whole.len() {
        let cut = parse(&whole[..length], [1, 2], &question, A);
        assert!(cut.is_none_or(|answer| answer.addresses.len() < 2));
    }
    for at in 0..whole.len() {
        for value in [0x00, 0x3f, 0x40, 0x80, 0xc0, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let _ = parse(&bytes, [1, 2], &question, A);
        }
    }
    assert_eq!(super::question("a..b", A), None);
    assert_eq!(super::question("", A), None);
    assert_eq!(super::question(&"a".repeat(64), A), None);
    assert_eq!(super::question(&["abcdefgh"; 40].join("."), A), None);
}

#[test]
fn resolvers_are_read() {
    let text = "# nameserver 1.1.1.1\nsearch example.com\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \nnameserver x\n\
                options ndots:2\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n";
    let found: Vec<String> = resolvers(text).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]);
    assert_eq!(resolvers("")[0].to_string(), "127.0.0.1:53");
}

/// A name server that gives one code and one address for everything.
async fn server(code: u8, address: Option<[u8; 4]>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
            let question = &bytes[12..length];
            let is_a = question[question.len() - 3] == 1;
            let records: Vec<(u16, &[u8])> = address
                .iter()
                .filter(|_| is_a)
                .map(|data| (A, data.as_slice()))
                .collect();
            let answer = message([bytes[0], bytes[1]], [0x80, code], question, &records);
            // Somebody who guesses comes first.
            let forged = message([!bytes[0], bytes[1]], [0x80, 0], question, &[(A, &[6; 4])]);
            socket.send_to(&forged, from).await.unwrap();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    at
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let limit = Duration::from_secs(20);
    let good = server(0, Some([192, 0, 2, 7])).await;
    let to = Resolved::To(vec!["192.0.2.7".parse().unwrap()]);
    assert_eq!(resolve(&[good], "example.com", limit).await, to);
    let none = server(NXDOMAIN, None).await;
    let nothing = resolve(&[none], "example.com", limit).await;
    assert_eq!(nothing, Resolved::Nothing);
    let broken = server(SERVFAIL, None).await;
    let failed = resolve(&[broken], "example.com", limit).await;
    assert_eq!(failed, Resolved::Failed);
    // One that refuses is passed over.
    let refusing = server(5, None).await;
    assert_eq!(resolve(&[refusing, good], "example.com", limit).await, to);
    // One that is silent takes its share of the time.
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let short = Duration::from_millis(200);
    assert_eq!(
        resolve(&[address], "example.com", short).await,
        Resolved::Unknown
    );
}
