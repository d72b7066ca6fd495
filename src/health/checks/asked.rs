//! What is to be looked at of a server and of what is placed there, and the script that does it there.

use sha2::{Digest, Sha256};

use crate::item::zone::LISTENS;
use crate::kind::wanted::{Page, Wanted};
use crate::model::ResourceName;
use crate::shell::Script;

const FUNCTIONS: &str = include_str!("../checks.sh");

/// What is to be looked at.
#[allow(clippy::struct_excessive_bools)] // Each is a question of its own.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Websites.
    pub pages: Vec<(ResourceName, Page)>,
    /// Zones.
    pub zones: Vec<ResourceName>,
    /// Whether databases of MariaDB are placed there.
    pub mariadb: bool,
    /// Whether databases of PostgreSQL are placed there.
    pub postgres: bool,
    /// Whether cron jobs are placed there.
    pub cron: bool,
    /// Only these, and nothing of the server itself: one site was asked for.
    pub only: bool,
}

impl Asked {
    /// Adds what a kind wants looked at of one of its resources.
    pub fn add(&mut self, resource: &ResourceName, wanted: Wanted) {
        match wanted {
            Wanted::Page(page) => self.pages.push((resource.clone(), *page)),
            Wanted::Zone => self.zones.push(resource.clone()),
            Wanted::Mariadb => self.mariadb = true,
            Wanted::Postgres => self.postgres = true,
            Wanted::Cron => self.cron = true,
        }
    }

    /// The script; [`super::parse`] reads what it prints. What costs least comes first: a look that comes to its
    /// limit knows that much.
    pub fn script(&self) -> Script {
        let mut script = Script::new();
        script
            .raw(LISTENS)
            .raw(FUNCTIONS)
            .raw("echo 'check begin'\n");
        if !self.only {
            script.raw("c_reboot\nc_mail\n");
        }
        let has = |wanted: bool, call: &'static str, script: &mut Script| {
            if wanted {
                script.raw(call);
            }
        };
        has(self.cron, "c_cron\n", &mut script);
        has(self.mariadb, "c_mariadb\n", &mut script);
        has(self.postgres, "c_postgres\n", &mut script);
        if !self.only {
            script.raw("c_updates\n");
        }
        let certificates = self.pages.iter().filter_map(|(_, page)| {
            let certificate = page.certificate.as_ref()?;
            Some([certificate.path.clone(), sha256(&certificate.pem)])
        });
        let certificates: Vec<String> = certificates.flatten().collect();
        script.each("c_certificates", certificates.iter().map(String::as_str));
        has(!self.pages.is_empty(), "c_nginx\n", &mut script);
        let php = self.pages.iter().any(|(_, page)| page.php);
        has(php, "c_php\n", &mut script);
        script.each("c_zones", self.zones.iter().map(|zone| zone.name.as_str()));
        let plain = self.pages.iter().filter(|(_, page)| page.text.is_none());
        let urls: Vec<String> = plain.map(|(_, page)| page.url()).collect();
        script.each("c_pages", urls.iter().map(String::as_str));
        for (number, (_, page)) in self.pages.iter().enumerate() {
            if let Some(text) = &page.text {
                let (number, url) = (number.to_string(), page.url());
                script.line("c_text {} {} {}", &[&number, &url, text]);
            }
        }
        script.raw("wait\necho 'check end'\n");
        script
    }
}

/// The digest of a text in hexadecimal, as sha256sum(1) prints it.
pub(super) fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(text);
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(host: &str, text: Option<&str>) -> (ResourceName, Page) {
        let page = Page {
            host: host.to_owned(),
            path: "/".to_owned(),
            status_min: 200,
            status_max: 499,
            text: text.map(ToOwned::to_owned),
            certificate: None,
            php: false,
        };
        (ResourceName::new("site", host), page)
    }

    fn calls(asked: &Asked) -> String {
        let script = asked.script();
        let text = script
            .text()
            .strip_prefix(LISTENS)
            .and_then(|text| text.strip_prefix(FUNCTIONS))
            .expect("the functions");
        text.to_owned()
    }

    #[test]
    fn a_server_with_nothing_on_it_is_asked_for_itself() {
        assert_eq!(
            calls(&Asked::default()),
            "echo 'check begin'\nc_reboot\nc_mail\nc_updates\nwait\necho 'check end'\n"
        );
    }

    #[test]
    fn what_is_placed_there_is_asked_for() {
        let mut asked = Asked {
            pages: vec![
                page("a.example", None),
                page("b.example", Some("it's $(reboot)")),
            ],
            only: true,
            ..Asked::default()
        };
        asked.add(&ResourceName::new("zone", "example.org"), Wanted::Zone);
        asked.add(&ResourceName::new("cron", "backup"), Wanted::Cron);
        assert_eq!(
            calls(&asked),
            "echo 'check begin'\nc_cron\nc_nginx\nc_zones example.org\nc_pages http://a.example/\n\
             c_text 1 http://b.example/ \"it's \"'$(reboot)'\nwait\necho 'check end'\n"
        );
    }
}
