//! What a health sweep looks at of a resource: said by its kind, done by `health`. Plain data.

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A request to a website.
    Page(Box<Page>),
    /// The SOA record of a zone; the resource's name is the zone's.
    Zone,
    /// Whether MariaDB answers.
    Mariadb,
    /// Whether PostgreSQL answers.
    Postgres,
    /// Whether the cron daemon runs.
    Cron,
}

/// A request to a website, and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name it is asked for by: Host header and TLS server name.
    pub host: String,
    /// Path and query in their encoded form: `/`.
    pub path: String,
    /// Lowest status that counts as well.
    pub status_min: u16,
    /// Highest status that counts as well.
    pub status_max: u16,
    /// A text that the answer must contain.
    pub text: Option<String>,
    /// Its certificate: it is asked for over TLS then.
    pub certificate: Option<Certificate>,
    /// Whether PHP-FPM serves it.
    pub php: bool,
}

/// A certificate as it should be on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The file there.
    pub path: String,
    /// Its text: the certificate and its chain, in PEM.
    pub pem: String,
    /// Whether visitors must trust who signed it.
    pub trusted: bool,
}

impl Page {
    /// The URL it asks for.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{}", self.host, self.path)
    }

    /// The statuses that count as well, as a reader writes them: `200-499`, `204`.
    pub fn statuses(&self) -> String {
        if self.status_min == self.status_max {
            self.status_min.to_string()
        } else {
            format!("{}-{}", self.status_min, self.status_max)
        }
    }
}
