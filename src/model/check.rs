//! What was found out about one thing: a check of a server, or of a resource on a server. Plain data.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ResourceName, ServerName};

/// Whom a check is about: a server, or a resource as that server holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The server.
    pub server: ServerName,
    /// The resource on it; `None` when it is about the server itself.
    pub resource: Option<ResourceName>,
}

impl Subject {
    /// The server itself.
    pub fn server(server: ServerName) -> Self {
        Self {
            server,
            resource: None,
        }
    }

    /// A resource on a server.
    pub fn resource(server: ServerName, resource: ResourceName) -> Self {
        Self {
            server,
            resource: Some(resource),
        }
    }
}

impl fmt::Display for Subject {
    /// `sg-1`, or `site example.com on sg-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.resource {
            Some(resource) => write!(f, "{resource} on {}", self.server),
            None => self.server.fmt(f),
        }
    }
}

/// From where something was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vantage {
    /// On the server itself.
    Server,
    /// From the machine that fleet runs on, as a visitor sees it.
    Here,
}

impl Vantage {
    /// The word for it in JSON and the state database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Here => "here",
        }
    }

    /// From where the check is made that has this name on its server ([`CheckKey::within_server`]).
    pub fn of_name(name: &str) -> Self {
        if name.ends_with(FROM_HERE) {
            Self::Here
        } else {
            Self::Server
        }
    }
}

/// What the name of a check ends with that is made from here.
pub const FROM_HERE: &str = ", from here";

/// How much of what there is to check one look has checked, from one side: what becomes of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// A part: the rest is as it was.
    #[default]
    Part,
    /// A part or nothing, by choice or for want of a way: whoever looks like this never makes the rest.
    LeftOut,
    /// All: the rest is no more.
    All,
}

/// The extent of a look from both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// On the server.
    pub on_server: Extent,
    /// From here.
    pub from_here: Extent,
}

impl Extents {
    /// That of one side.
    pub fn of(self, side: Vantage) -> Extent {
        match side {
            Vantage::Server => self.on_server,
            Vantage::Here => self.from_here,
        }
    }
}

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, but needs attention: a certificate that expires soon, pending security updates.
    Warn,
    /// It does not work.
    Bad,
}

impl Status {
    /// The word for it in tables, JSON and the state database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// The status whose word it is.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Ok, Self::Warn, Self::Bad]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// What is looked at. The word of each is for good: it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// The answer to a request of a site: status, time and text.
    Http,
    /// The certificate of a site: as it lies on the server, or as it is served.
    Certificate,
    /// Whether a name leads to the server (site), or the server answers for it (zone).
    Dns,
    /// nginx listens, and its configuration is valid.
    Nginx,
    /// The configuration of PHP-FPM is valid.
    Php,
    /// MariaDB answers.
    Mariadb,
    /// PostgreSQL answers.
    Postgres,
    /// The cron daemon runs.
    Cron,
    /// Security updates that wait to be installed.
    Updates,
    /// Whether it must be started anew.
    Reboot,
    /// Mail that waits to be sent.
    Mail,
}

impl Aspect {
    /// Every aspect, in the order they are shown.
    pub const ALL: [Self; 11] = [
        Self::Http,
        Self::Certificate,
        Self::Dns,
        Self::Nginx,
        Self::Php,
        Self::Mariadb,
        Self::Postgres,
        Self::Cron,
        Self::Updates,
        Self::Reboot,
        Self::Mail,
    ];

    /// The word for it in tables, JSON and the state database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Certificate => "certificate",
            Self::Dns => "dns",
            Self::Nginx => "nginx",
            Self::Php => "php",
            Self::Mariadb => "mariadb",
            Self::Postgres => "postgres",
            Self::Cron => "cron",
            Self::Updates => "updates",
            Self::Reboot => "reboot",
            Self::Mail => "mail",
        }
    }

    /// The aspect whose word it is.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aspect| aspect.word() == word)
    }
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Whole days; negative when they are past.
    Days,
    /// Milliseconds.
    Milliseconds,
    /// Things: updates, messages.
    Count,
}

/// Which check it is, the same in every sweep: its history goes by this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CheckKey {
    /// Whom it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What was looked at.
    pub aspect: Aspect,
    /// From where.
    pub from: Vantage,
}

impl CheckKey {
    /// Which check it is among those of its server; its status and events are recorded under it:
    /// `http of site example.com, from here`, `updates`.
    pub fn within_server(&self) -> String {
        let aspect = self.aspect.word();
        match (&self.subject.resource, self.from) {
            (Some(resource), Vantage::Server) => format!("{aspect} of {resource}"),
            (Some(resource), Vantage::Here) => format!("{aspect} of {resource}{FROM_HERE}"),
            (None, Vantage::Server) => aspect.to_owned(),
            (None, Vantage::Here) => format!("{aspect}{FROM_HERE}"),
        }
    }
}

impl fmt::Display for CheckKey {
    /// `http of site example.com on sg-1, from here`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {}, from {}",
            self.aspect.word(),
            self.subject,
            match self.from {
                Vantage::Server => "the server",
                Vantage::Here => "here",
            }
        )
    }
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Which check it is.
    #[serde(flatten)]
    pub key: CheckKey,
    /// How well it is.
    pub status: Status,
    /// What was measured: milliseconds until the answer, days until a certificate expires, how many updates wait.
    pub value: Option<f64>,
    /// What `value` counts.
    pub unit: Option<Unit>,
    /// What was seen, for a reader: `answers 500 instead of 200-499`. Never empty, holds no control characters.
    pub detail: String,
    /// How long it took, in milliseconds; `None` where only the whole script was timed.
    pub took_ms: Option<u64>,
    /// When what was seen ends by itself: the certificate.
    pub expires: Option<Timestamp>,
}

impl Check {
    /// A check with what was seen; the rest is added by the caller.
    pub fn new(
        subject: Subject,
        aspect: Aspect,
        from: Vantage,
        status: Status,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            key: CheckKey {
                subject,
                aspect,
                from,
            },
            status,
            value: None,
            unit: None,
            detail: detail.into(),
            took_ms: None,
            expires: None,
        }
    }

    /// The same with what was measured.
    #[must_use]
    pub fn measured(mut self, value: f64, unit: Unit) -> Self {
        self.value = Some(value);
        self.unit = Some(unit);
        self
    }
}

/// From when on what a check found needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckLimits {
    /// A certificate that expires sooner.
    pub certificate_warn: Duration,
    /// One that expires sooner is bad: renewing it seems to fail.
    pub certificate_bad: Duration,
    /// A zone whose signatures expire sooner.
    pub signature_warn: Duration,
    /// An answer of a site that takes longer.
    pub response_time: Duration,
    /// So many security updates that wait, or more.
    pub security_updates: u32,
    /// Package lists that are older: they tell nothing of updates that wait.
    pub package_lists: Duration,
    /// So many messages that wait to be sent, or more.
    pub mail_queue: u32,
}

impl Default for CheckLimits {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            certificate_warn: Duration::from_secs(21 * DAY),
            certificate_bad: Duration::from_secs(7 * DAY),
            signature_warn: Duration::from_secs(5 * DAY),
            response_time: Duration::from_secs(2),
            security_updates: 1,
            package_lists: Duration::from_secs(30 * DAY),
            mail_queue: 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        for aspect in Aspect::ALL {
            assert_eq!(Aspect::of(aspect.word()), Some(aspect));
            let json = serde_json::to_value(aspect).expect("JSON");
            assert_eq!(json, aspect.word());
        }
        for status in [Status::Ok, Status::Warn, Status::Bad] {
            assert_eq!(Status::of(status.word()), Some(status));
        }
        assert!(Status::Ok < Status::Warn && Status::Warn < Status::Bad);
    }

    #[test]
    fn a_check_is_one_flat_object() {
        let server: ServerName = "sg-1".parse().expect("a name");
        let site = Subject::resource(server, ResourceName::new("site", "example.com"));
        let check = Check::new(
            site,
            Aspect::Http,
            Vantage::Here,
            Status::Bad,
            "answers 500",
        )
        .measured(12.0, Unit::Milliseconds);
        let json = serde_json::to_value(&check).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({
                "server": "sg-1",
                "resource": {"kind": "site", "name": "example.com"},
                "aspect": "http",
                "from": "here",
                "status": "bad",
                "value": 12.0,
                "unit": "milliseconds",
                "detail": "answers 500",
                "took_ms": null,
                "expires": null,
            })
        );
        assert_eq!(
            serde_json::from_value::<Check>(json).expect("a check"),
            check
        );
        assert_eq!(
            check.key.to_string(),
            "http of site example.com on sg-1, from here"
        );
        assert_eq!(
            check.key.within_server(),
            "http of site example.com, from here"
        );
    }
}
