//! Checks from this machine, as a visitor sees a site and a resolver a zone: many at once, bounded for each server.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::certificate::Certificate;
use super::dns::{self, Resolved};
use super::judge::{Reached, certificate_check, page_check};
use super::{PATIENCE, TEXT_WITHIN, said};
use crate::http::{Failure, Request, Trust, Url, send};
use crate::kind::wanted::{self, Page};
use crate::model::check::{Aspect, Check, CheckLimits, Status, Subject, Vantage};
use crate::model::{ResourceName, ServerName};

/// Requests to one server at the same time: a visitor, not a flood.
const PER_SERVER: usize = 6;

/// One thing to look at from here.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The server it is placed on.
    pub server: ServerName,
    /// The addresses by which others know that server, the best first.
    pub addresses: Vec<IpAddr>,
    /// The resource.
    pub resource: ResourceName,
    /// The request to a website; without one it is a zone, and the server is asked for it.
    pub page: Option<Page>,
    /// Whether the site's name must lead to the server.
    pub resolve: bool,
    /// From when on what is found needs attention.
    pub limits: CheckLimits,
}

/// What came of a visit that was made.
#[derive(Clone, Debug)]
pub struct Visited {
    /// The server.
    pub server: ServerName,
    /// What was found; of a site or a zone itself nothing without a way there.
    pub checks: Vec<Check>,
    /// Whether this machine has a way to an address of the server.
    pub had_way: bool,
}

/// How to look from here.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Requests at the same time.
    pub parallel: usize,
    /// No visit begins later than this after the start.
    pub limit: Duration,
    /// The time, for certificates.
    pub now: Timestamp,
    /// Who is asked for names.
    pub resolvers: Vec<SocketAddr>,
    /// Where HTTP, HTTPS and DNS are.
    pub ports: [u16; 3],
    /// Whose certificates are looked at: anybody's.
    trust: Trust,
    /// Whom visitors trust.
    visitors: Trust,
}

impl Outside {
    /// Looks as the system's resolver configuration and the usual ports have it, for visitors who trust these.
    pub fn new(parallel: usize, limit: Duration, now: Timestamp, visitors: Trust) -> Self {
        let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Self {
            parallel,
            limit,
            now,
            resolvers: dns::resolvers(&text),
            ports: [80, 443, 53],
            trust: Trust::any(),
            visitors,
        }
    }

    /// Makes all visits; those that could not begin in time are left out. One server that does not answer holds up only the
    /// visits to itself. Dropping the future ends all of it.
    pub async fn run(self, visits: Vec<Visit>) -> Vec<Visited> {
        let mut waiting: BTreeMap<ServerName, VecDeque<Visit>> = BTreeMap::new();
        for visit in visits {
            let queue = waiting.entry(visit.server.clone()).or_default();
            queue.push_back(visit);
        }
        let outside = Arc::new(self);
        let permits = Arc::new(Semaphore::new(outside.parallel.max(1)));
        let started = Instant::now();
        let mut workers = JoinSet::new();
        for queue in waiting.into_values() {
            let count = queue.len().min(PER_SERVER);
            let queue = Arc::new(Mutex::new(queue));
            for _ in 0..count {
                let (outside, permits, queue) = (
                    Arc::clone(&outside),
                    Arc::clone(&permits),
                    Arc::clone(&queue),
                );
                workers.spawn(async move {
                    let mut visited = Vec::new();
                    while let Ok(_permit) = permits.acquire().await {
                        if started.elapsed() > outside.limit {
                            break;
                        }
                        let next = queue
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .pop_front();
                        let Some(visit) = next else { break };
                        visited.push(outside.visit(&visit).await);
                    }
                    visited
                });
            }
        }
        let mut visited = Vec::new();
        while let Some(done) = workers.join_next().await {
            visited.extend(done.unwrap_or_default());
        }
        visited
    }

    async fn visit(&self, visit: &Visit) -> Visited {
        // Without IPv6 here, nothing is known of an address of it.
        let way = visit.addresses.iter().copied().find(|a| has_way(*a));
        let itself = async {
            match (way, &visit.page) {
                (Some(address), Some(page)) => self.page(visit, page, address).await,
                (Some(address), None) => vec![self.zone(visit, address).await],
                (None, _) => Vec::new(),
            }
        };
        let (mut checks, name) = tokio::join!(itself, self.name(visit));
        checks.extend(name);
        Visited {
            server: visit.server.clone(),
            checks,
            had_way: way.is_some(),
        }
    }

    fn subject(visit: &Visit) -> Subject {
        Subject::resource(visit.server.clone(), visit.resource.clone())
    }

    async fn page(&self, visit: &Visit, page: &Page, address: IpAddr) -> Vec<Check> {
        let [http, https, _] = self.ports;
        let port = if page.certificate.is_some() {
            https
        } else {
            http
        };
        let Ok(url) = page.url().parse::<Url>() else {
            return Vec::new();
        };
        let request = Request {
            method: "GET",
            url: &url,
            headers: vec![("accept-encoding", "identity".to_owned())],
            body: b"",
            address: Some((address, port).into()),
            limit: PATIENCE,
            // Who looks for no text needs the head alone.
            largest: page.text.as_ref().map_or(0, |_| TEXT_WITHIN),
        };
        let started = Instant::now();
        let response = send(&request, &self.trust).await;
        let reason;
        let reached = match &response {
            Ok(response) => Reached::Answer {
                status: response.status,
                millis: (response.waited.as_secs_f64() * 1000.0).round(),
                text: page
                    .text
                    .as_ref()
                    .map(|text| contains(&response.body, text.as_bytes())),
            },
            Err(Failure::Timeout(..)) => Reached::Late,
            Err(failure) => {
                reason = said(&failure.to_string());
                Reached::Silent(&reason)
            }
        };
        let mut check = page_check(
            &Self::subject(visit),
            Vantage::Here,
            page,
            &reached,
            &visit.limits,
        );
        check.took_ms = Some(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let mut checks = vec![check];
        if let (Some(placed), Ok(response)) = (&page.certificate, &response)
            && let Some(served) = response
                .certificates
                .first()
                .and_then(|der| Certificate::of_der(der))
        {
            let foreign = Certificate::of_pem(&placed.pem).is_none_or(|placed| !placed.is(&served));
            checks.push(certificate_check(
                Self::subject(visit),
                Vantage::Here,
                (
                    &served,
                    foreign,
                    self.distrust(placed, &served, &response.certificates),
                ),
                &page.host,
                self.now,
                &visit.limits,
            ));
        }
        checks
    }

    /// Why visitors do not trust what a site showed, where they should. A machine that trusts nobody cannot tell.
    fn distrust(
        &self,
        placed: &wanted::Certificate,
        served: &Certificate,
        shown: &[Vec<u8>],
    ) -> Option<String> {
        if !placed.trusted {
            return None;
        }
        let seconds = u64::try_from(self.now.as_second()).unwrap_or(0);
        let why = self.visitors.objection(shown, seconds).ok()??;
        served.distrust(&why, shown.len() - 1, self.now)
    }

    /// Whether the site's name leads to the server.
    async fn name(&self, visit: &Visit) -> Option<Check> {
        let page = visit.page.as_ref().filter(|_| visit.resolve)?;
        if visit.addresses.is_empty() {
            return None;
        }
        let list = |addresses: &[IpAddr]| {
            let words: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
            words.join(", ")
        };
        let (status, detail) = match dns::resolve(&self.resolvers, &page.host, PATIENCE).await {
            Resolved::Unknown => return None,
            Resolved::Nothing => (Status::Warn, "has no address in DNS".to_owned()),
            Resolved::Failed => (
                Status::Warn,
                "has a name that the resolver fails to look up: DNSSEC or its name servers are broken"
                    .to_owned(),
            ),
            Resolved::To(addresses) => {
                let foreign: Vec<IpAddr> = addresses
                    .iter()
                    .copied()
                    .filter(|address| !visit.addresses.contains(address))
                    .collect();
                if foreign.is_empty() {
                    (Status::Ok, format!("leads to {}", list(&addresses)))
                } else {
                    let detail = format!(
                        "leads to {}, which is not this server ({})",
                        list(&foreign),
                        list(&visit.addresses)
                    );
                    (Status::Warn, detail)
                }
            }
        };
        Some(Check::new(
            Self::subject(visit),
            Aspect::Dns,
            Vantage::Here,
            status,
            detail,
        ))
    }

    /// Whether the server answers for a zone.
    async fn zone(&self, visit: &Visit, address: IpAddr) -> Check {
        let [_, _, port] = self.ports;
        let (server, name) = ((address, port).into(), &visit.resource.name);
        let answer = dns::ask(server, name, dns::SOA, dns::As::Validator, PATIENCE).await;
        let (status, detail) = match answer {
            Some(answer) if answer.found && answer.authoritative => {
                signatures(answer.signed_until, self.now, &visit.limits)
            }
            Some(answer) => (
                Status::Bad,
                format!("is not answered for by its server (code {})", answer.code),
            ),
            None => (
                Status::Bad,
                "is not answered for: no answer from its server on port 53".to_owned(),
            ),
        };
        Check::new(
            Self::subject(visit),
            Aspect::Dns,
            Vantage::Here,
            status,
            detail,
        )
    }
}

/// What comes of a zone that is answered for, signed until then (RFC 4034, section 3.1.5: seconds that wrap around).
fn signatures(until: Option<u32>, now: Timestamp, limits: &CheckLimits) -> (Status, String) {
    const AROUND: i64 = 1 << 32;
    let Some(until) = until else {
        return (Status::Ok, "is answered for".to_owned());
    };
    let left = (i64::from(until) - now.as_second()).rem_euclid(AROUND);
    let left = if left >= AROUND / 2 {
        left - AROUND
    } else {
        left
    };
    let at = Timestamp::from_second(now.as_second() + left).unwrap_or(now);
    let date = at.strftime("%Y-%m-%d");
    match u64::try_from(left) {
        Err(_) => (
            Status::Bad,
            format!("is signed until {date} only: who validates takes no answer for true any more"),
        ),
        Ok(left) if left < limits.signature_warn.as_secs() => (
            Status::Warn,
            format!(
                "is signed until {date} only: its name server does not sign it anew, or does not follow who does"
            ),
        ),
        Ok(_) => (
            Status::Ok,
            format!("is answered for, and signed until {date}"),
        ),
    }
}

/// Whether this machine has a way to `address`; nothing is sent.
fn has_way(address: IpAddr) -> bool {
    let local: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((local, 0));
    socket.is_ok_and(|socket| socket.connect((address, 443)).is_ok())
}

/// Whether `needle`, which is not empty, is in it.
fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes
        .windows(needle.len().max(1))
        .any(|window| window == needle)
}

#[cfg(test)]
#[path = "outside_tests.rs"]
mod tests;
