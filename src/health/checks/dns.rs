//! Questions to a name server over UDP: one question, one answer, bounded (RFC 1035, section 4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::UdpSocket;

/// Types of records that are asked for.
/// An address of IPv4.
pub const A: u16 = 1;
pub(super) const SOA: u16 = 6;
pub(super) const AAAA: u16 = 28;
/// A signature of others (RFC 4034, section 3).
const RRSIG: u16 = 46;

/// Says that signatures are welcome, in answers of up to 1232 bytes (RFC 6891, section 6.1; RFC 3225).
const SIGNATURES_WELCOME: [u8; 11] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0];

/// As whom a name server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// As who wants it to ask others.
    Client,
    /// As who asks the servers of the zone itself, and wants to see signatures.
    Validator,
}

/// Codes of an answer (RFC 1035, section 4.1.1).
pub(super) const SERVFAIL: u8 = 2;
pub(super) const NXDOMAIN: u8 = 3;

/// How often a question is asked: a datagram may get lost.
const TRIES: u32 = 2;

/// Longest answer that is read, in bytes.
const LONGEST: usize = 4096;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its code (RFC 1035, section 4.1.1).
    pub code: u8,
    /// Whether it comes from a server of the zone itself.
    pub authoritative: bool,
    /// Whether there was more than fits.
    pub truncated: bool,
    /// Whether a record of the type that was asked for is among the answers.
    pub found: bool,
    /// The addresses among the answers.
    pub addresses: Vec<IpAddr>,
    /// When the first signature among the answers expires, in seconds since 1970 that wrap around.
    pub signed_until: Option<u32>,
}

/// Asks `server`; `None` when nothing that makes sense came back in time.
pub(super) async fn ask(
    server: SocketAddr,
    name: &str,
    record: u16,
    who: As,
    limit: Duration,
) -> Option<Answer> {
    let mut id = [0; 2];
    SystemRandom::new().fill(&mut id).ok()?;
    let question = question(name, record)?;
    let mut message = id.to_vec();
    let (recurse, options): (u8, &[u8]) = match who {
        As::Client => (1, &[]),
        As::Validator => (0, &SIGNATURES_WELCOME),
    };
    let additional = u8::from(!options.is_empty());
    message.extend([recurse, 0, 0, 1, 0, 0, 0, 0, 0, additional]);
    message.extend(&question);
    message.extend(options);
    let local: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(local).await.ok()?;
    // From nobody else will anything be taken.
    socket.connect(server).await.ok()?;
    let receive = async {
        let mut bytes = vec![0; LONGEST];
        loop {
            let length = socket.recv(&mut bytes).await.ok()?;
            if let Some(answer) = parse(&bytes[..length], id, &question, record) {
                return Some(answer);
            }
        }
    };
    let mut receive = std::pin::pin!(receive);
    for _ in 0..TRIES {
        socket.send(&message).await.ok()?;
        if let Ok(answer) = tokio::time::timeout(limit / TRIES, &mut receive).await {
            return answer;
        }
    }
    None
}

/// The question as it is sent; `None` for a name that cannot be asked for.
pub fn question(name: &str, record: u16) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(name.len() + 6);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|l| (1..=63).contains(l))?;
        bytes.push(length);
        bytes.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    bytes.push(0);
    bytes.extend(record.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    (bytes.len() <= 255 + 4).then_some(bytes)
}

/// Reads an answer to that question, of the number `id`; `None` when it is none.
pub fn parse(bytes: &[u8], id: [u8; 2], question: &[u8], record: u16) -> Option<Answer> {
    let flags = [*bytes.get(2)?, *bytes.get(3)?];
    let echoed = bytes.get(12..12 + question.len())?;
    let is_answer = bytes.get(..2)? == id && flags[0] & 0x80 != 0;
    if !is_answer || bytes.get(4..6)? != [0, 1] || !echoed.eq_ignore_ascii_case(question) {
        return None;
    }
    let mut answer = Answer {
        code: flags[1] & 0x0f,
        authoritative: flags[0] & 0x04 != 0,
        truncated: flags[0] & 0x02 != 0,
        ..Answer::default()
    };
    let count = u16::from_be_bytes([*bytes.get(6)?, *bytes.get(7)?]);
    let mut rest = &bytes[12 + question.len()..];
    for _ in 0..count {
        // What comes after the first that makes no sense is lost.
        let Some((found, data, after)) = take_record(rest) else {
            break;
        };
        answer.found |= found == record;
        match (found, data.len()) {
            (A, 4) => {
                let octets: [u8; 4] = data.try_into().ok()?;
                answer.addresses.push(octets.into());
            }
            (AAAA, 16) => {
                let octets: [u8; 16] = data.try_into().ok()?;
                answer.addresses.push(octets.into());
            }
            (RRSIG, 18..) => {
                let until = u32::from_be_bytes(data[8..12].try_into().ok()?);
                let first = answer.signed_until.get_or_insert(until);
                *first = until.min(*first);
            }
            _ => {}
        }
        rest = after;
    }
    Some(answer)
}

/// Type and data of the first record, and what comes after it. Whose it is does not matter: the question was echoed, and
/// a resolver puts the aliases on the way (CNAME) beside what they lead to.
fn take_record(mut rest: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    loop {
        let (&length, after) = rest.split_first()?;
        match length {
            0 => {
                rest = after;
                break;
            }
            1..=63 => rest = after.get(usize::from(length)..)?,
            // A pointer ends the name (section 4.1.4); where it leads is not followed.
            0xc0.. => {
                rest = after.get(1..)?;
                break;
            }
            _ => return None,
        }
    }
    let (head, rest) = rest.split_at_checked(10)?;
    let length = usize::from(u16::from_be_bytes([head[8], head[9]]));
    let (data, rest) = rest.split_at_checked(length)?;
    Some((u16::from_be_bytes([head[0], head[1]]), data, rest))
}

/// What a look-up of a name came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// It has these addresses.
    To(Vec<IpAddr>),
    /// There is no such name, or it has no address.
    Nothing,
    /// The resolver tried, and could not find out.
    Failed,
    /// No resolver answered: nothing is known.
    Unknown,
}

/// Looks up the addresses of a name, with the first resolver that answers.
pub(super) async fn resolve(resolvers: &[SocketAddr], name: &str, limit: Duration) -> Resolved {
    let share = limit / u32::try_from(resolvers.len().max(1)).unwrap_or(u32::MAX);
    for resolver in resolvers {
        let (four, six) = tokio::join!(
            ask(*resolver, name, A, As::Client, share),
            ask(*resolver, name, AAAA, As::Client, share)
        );
        let answers: Vec<Answer> = four.into_iter().chain(six).collect();
        if answers.len() < 2 || answers.iter().any(|answer| answer.truncated) {
            continue;
        }
        let addresses: Vec<IpAddr> = answers.iter().flat_map(|a| a.addresses.clone()).collect();
        let all = |codes: &[u8]| answers.iter().all(|answer| codes.contains(&answer.code));
        if !addresses.is_empty() {
            return Resolved::To(addresses);
        }
        if all(&[0, NXDOMAIN]) {
            return Resolved::Nothing;
        }
        if all(&[SERVFAIL]) {
            return Resolved::Failed;
        }
    }
    Resolved::Unknown
}

/// The name servers of a `resolv.conf`(5): at most three; this machine when it names none.
pub(super) fn resolvers(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = (words.next()? == "nameserver").then(|| words.next())??;
            Some((address.parse::<IpAddr>().ok()?, 53).into())
        })
        .take(3)
        .collect();
    if found.is_empty() {
        found.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    found
}

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
