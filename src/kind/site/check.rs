//! From the settings as they are stored to typed values: every reason why they cannot be, or what renders without fail.

use std::collections::BTreeSet;

use super::Site;
use super::values::{Reason, RelativePath, StatusRange, file_name, request_target};
use crate::diagnostic::Invalid;
use crate::model::DomainName;
use crate::model::domain::{DomainError, HostPattern};

/// A site whose settings were checked.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The site's name.
    pub(super) domain: DomainName,
    /// Every name it answers to: its own first, then `www.`, then the aliases in order.
    pub(super) names: Vec<HostPattern>,
    /// The one name it is served under, when it has one.
    pub(super) canonical: Option<DomainName>,
    /// Its system user.
    pub(super) user: String,
    /// The directory that is served, below the home.
    pub(super) root: RelativePath,
    /// Files that stand for their directory.
    pub(super) index: Vec<String>,
    /// Whether it may listen on IPv6.
    pub(super) ipv6: bool,
    /// What is requested after a change.
    pub(super) health_path: String,
    /// Statuses that count as well.
    pub(super) health_status: StatusRange,
}

/// The name of a site from what was typed.
pub(super) fn site_name(input: &str) -> Result<DomainName, Invalid> {
    let mut invalid = Invalid::default();
    match input.parse::<DomainName>() {
        // The name is part of file names such as `fleet-DOMAIN.conf`, and a file name has at most 255 bytes.
        Ok(domain) if domain.as_str().len() > 200 => invalid.push_with_hint(
            "",
            format!(
                "a site's name has at most 200 bytes, this one has {}",
                domain.as_str().len()
            ),
            "give the site a shorter name and this one as `--alias`",
        ),
        Ok(domain) => return Ok(domain),
        Err(error) => push_domain(&mut invalid, "", error),
    }
    Err(invalid)
}

fn push_domain(invalid: &mut Invalid, field: &str, error: DomainError) {
    match error.hint {
        Some(hint) => invalid.push_with_hint(field, error.message, hint),
        None => invalid.push(field, error.message),
    }
}

/// Collects the problems of one spec.
struct Checker(Invalid);

impl Checker {
    /// The value, or its problem noted and `None`.
    fn take<T>(&mut self, field: &'static str, result: Result<T, Reason>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Reason { message, hint }) => {
                match hint {
                    Some(hint) => self.0.push_with_hint(field, message, hint),
                    None => self.0.push(field, message),
                }
                None
            }
        }
    }

    /// Every value of a list that is one.
    fn each<T>(
        &mut self,
        field: &'static str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, Reason>,
    ) -> Vec<T> {
        texts
            .iter()
            .filter_map(|text| self.take(field, parse(text)))
            .collect()
    }
}

impl Site {
    /// The typed values of these settings, or every reason why they cannot be.
    pub(super) fn check(&self, name: &str) -> Result<Checked, Invalid> {
        let domain = site_name(name)?;
        let mut checker = Checker(Invalid::default());
        let names = self.names(&domain, &mut checker.0);
        let canonical = self.canonical_of(&names, &mut checker.0);
        let root = checker.take(
            "root",
            RelativePath::parse(self.root.as_deref().unwrap_or("public")),
        );
        let index = checker.each("index", &self.index, file_name);
        let health_path = checker.take(
            "health_path",
            request_target(self.health_path.as_deref().unwrap_or("/")),
        );
        let health_status = checker.take(
            "health_status",
            StatusRange::parse(self.health_status.as_deref().unwrap_or("200-499")),
        );
        let (Some(root), Some(health_path), Some(health_status)) =
            (root, health_path, health_status)
        else {
            return Err(checker.0);
        };
        checker.0.into_result()?;
        Ok(Checked {
            user: super::files::user_name(&domain),
            domain,
            names,
            canonical,
            root,
            index: if index.is_empty() {
                vec!["index.html".to_owned()]
            } else {
                index
            },
            ipv6: self.ipv6.unwrap_or(true),
            health_path,
            health_status,
        })
    }

    fn names(&self, domain: &DomainName, invalid: &mut Invalid) -> Vec<HostPattern> {
        let mut names = vec![HostPattern::Exact(domain.clone())];
        let mut seen = BTreeSet::from([domain.to_string()]);
        let www = domain.below("www");
        match (self.www, www) {
            (Some(true), None) => invalid.push("www", format!("`www.{domain}` is too long")),
            (Some(true), Some(www)) => names.push(HostPattern::Exact(www)),
            (None, Some(www)) if domain.is_registrable() => names.push(HostPattern::Exact(www)),
            _ => {}
        }
        seen.extend(names.iter().map(ToString::to_string));
        for alias in &self.alias {
            match alias.parse::<HostPattern>() {
                Err(error) => push_domain(invalid, "alias", error),
                // Naming what is there already is no mistake: `--alias www.example.com`.
                Ok(pattern) => {
                    if seen.insert(pattern.to_string()) {
                        names.push(pattern);
                    }
                }
            }
        }
        names
    }

    fn canonical_of(&self, names: &[HostPattern], invalid: &mut Invalid) -> Option<DomainName> {
        let text = self.canonical.as_deref()?;
        match text.parse::<DomainName>() {
            Err(error) => push_domain(invalid, "canonical", error),
            Ok(name) if names.contains(&HostPattern::Exact(name.clone())) => return Some(name),
            Ok(name) => invalid.push_with_hint(
                "canonical",
                format!("`{name}` is not a name of this site"),
                format!(
                    "one of {}, or add `--alias {name}`",
                    names
                        .iter()
                        .map(|name| format!("`{name}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
        }
        None
    }
}
