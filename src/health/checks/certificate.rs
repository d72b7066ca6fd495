//! What a certificate says of itself, and whether a site is well served with it. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use crate::http::Distrust;
use crate::model::check::{CheckLimits, Status};

/// What counts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    der: Vec<u8>,
    from: Timestamp,
    pub(super) until: Timestamp,
    names: Vec<String>,
    /// Who signed it.
    issuer: String,
    self_signed: bool,
}

/// A status, what was seen, and how many days are left.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub(super) status: Status,
    pub(super) detail: String,
    pub(super) days: f64,
}

impl Certificate {
    /// Reads a certificate in DER; `None` when it is none.
    pub(super) fn of_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut names = Vec::new();
        if let Ok(Some(extension)) = certificate.subject_alternative_name() {
            for name in &extension.value.general_names {
                if let GeneralName::DNSName(name) = name {
                    names.push(name.to_ascii_lowercase());
                }
            }
        }
        let validity = certificate.validity();
        Some(Self {
            der: der.to_vec(),
            from: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
            until: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
            names,
            issuer: certificate.issuer().to_string(),
            self_signed: certificate.issuer() == certificate.subject(),
        })
    }

    /// Reads the first certificate of a PEM text.
    pub(super) fn of_pem(text: &str) -> Option<Self> {
        let pem = Pem::iter_from_buffer(text.as_bytes()).next()?.ok()?;
        Self::of_der(&pem.contents)
    }

    /// Reads one in base64, as it is between the marks of PEM.
    pub(super) fn of_base64(text: &str) -> Option<Self> {
        Self::of_der(&STANDARD.decode(text).ok()?)
    }

    /// Whether it is the same one, byte for byte.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.der == other.der
    }

    /// Whether it is for `host`; a wildcard stands for exactly one label (RFC 6125, section 6.4.3).
    fn covers(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let wildcard = host
            .split_once('.')
            .map(|(_, parent)| format!("*.{parent}"));
        self.names
            .iter()
            .any(|name| *name == host || Some(name) == wildcard.as_ref())
    }

    /// Why visitors do not trust it, in words; `None` where that it has expired says so already.
    pub(super) fn distrust(
        &self,
        why: &Distrust,
        came_along: usize,
        now: Timestamp,
    ) -> Option<String> {
        let (issuer, expired) = (&self.issuer, now < self.from || now > self.until);
        Some(match why {
            Distrust::Time if expired => return None,
            Distrust::Time => "a certificate of its chain has expired".to_owned(),
            _ if self.self_signed => "it is self-signed".to_owned(),
            Distrust::Issuer if came_along == 0 => {
                format!("the server does not send the certificate of who signed it, {issuer}")
            }
            Distrust::Issuer => format!("nobody who is trusted has signed it, but {issuer}"),
            Distrust::Other(reason) => reason.clone(),
        })
    }

    /// Whether `host` is well served with it at `now`.
    pub(super) fn judge(&self, host: &str, now: Timestamp, limits: &CheckLimits) -> Judged {
        let seconds = self.until.as_second() - now.as_second();
        let days = seconds.div_euclid(86_400);
        let date = self.until.strftime("%Y-%m-%d");
        let (status, detail) = if now < self.from {
            let from = self.from.strftime("%Y-%m-%d");
            (Status::Bad, format!("is not valid before {from}"))
        } else if seconds < 0 {
            (Status::Bad, format!("expired on {date}"))
        } else if !self.covers(host) {
            (Status::Bad, format!("is not for `{host}`"))
        } else {
            let left = u64::try_from(seconds).unwrap_or(0);
            let status = if left < limits.certificate_bad.as_secs() {
                Status::Bad
            } else if left < limits.certificate_warn.as_secs() {
                Status::Warn
            } else {
                Status::Ok
            };
            let left = match days {
                0 => "in less than a day".to_owned(),
                1 => "in 1 day".to_owned(),
                days => format!("in {days} days"),
            };
            (status, format!("expires {left}, on {date}"))
        };
        Judged {
            status,
            detail,
            days: days_of(days),
        }
    }
}

/// Days as a figure: certificates are valid for less than 2^52 of them.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn days_of(days: i64) -> f64 {
    days as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(until: &str) -> Certificate {
        Certificate {
            der: vec![1],
            from: "2026-01-01T00:00:00Z".parse().expect("a time"),
            until: until.parse().expect("a time"),
            names: vec!["example.com".to_owned(), "*.example.org".to_owned()],
            issuer: "CN=Somebody".to_owned(),
            self_signed: false,
        }
    }

    fn judged(host: &str, until: &str) -> (Status, String, f64) {
        let now = "2026-06-01T12:00:00Z".parse().expect("a time");
        let judged = certificate(until).judge(host, now, &CheckLimits::default());
        (judged.status, judged.detail, judged.days)
    }

    #[test]
    fn days_decide() {
        let table = [
            (
                "2026-06-01T11:59:59Z",
                Status::Bad,
                "expired on 2026-06-01",
                -1.0,
            ),
            (
                "2026-06-02T00:00:00Z",
                Status::Bad,
                "expires in less than a day, on 2026-06-02",
                0.0,
            ),
            (
                "2026-06-08T11:59:59Z",
                Status::Bad,
                "expires in 6 days, on 2026-06-08",
                6.0,
            ),
            (
                "2026-06-08T12:00:00Z",
                Status::Warn,
                "expires in 7 days, on 2026-06-08",
                7.0,
            ),
            (
                "2026-06-22T11:00:00Z",
                Status::Warn,
                "expires in 20 days, on 2026-06-22",
                20.0,
            ),
            (
                "2026-06-22T12:00:00Z",
                Status::Ok,
                "expires in 21 days, on 2026-06-22",
                21.0,
            ),
        ];
        for (until, status, detail, days) in table {
            assert_eq!(
                judged("example.com", until),
                (status, detail.to_owned(), days)
            );
        }
    }

    #[test]
    fn names_decide() {
        let until = "2027-01-01T00:00:00Z";
        assert_eq!(judged("EXAMPLE.com", until).0, Status::Ok);
        assert_eq!(judged("www.example.org", until).0, Status::Ok);
        for host in ["www.example.com", "example.org", "a.b.example.org"] {
            let (status, detail, _) = judged(host, until);
            assert_eq!(
                (status, detail),
                (Status::Bad, format!("is not for `{host}`"))
            );
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for text in ["", "MIIB", "not base64!", "AAAA"] {
            assert_eq!(Certificate::of_base64(text), None);
        }
        assert_eq!(Certificate::of_pem(""), None);
        assert_eq!(
            Certificate::of_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            None
        );
        assert_eq!(
            Certificate::of_der(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
            None
        );
    }
}
