//! Websites: nginx, with PHP-FPM where a site wants it.

use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claim, Compile, Edge, Spec};
use crate::diagnostic::Invalid;
use crate::item::Item;
use crate::model::{DomainName, Role};

mod check;
mod files;
mod nginx;
#[cfg(test)]
mod scan;
mod values;
mod vhost;

#[cfg(test)]
mod tests;

/// The settings of a website. A field that is absent has its default, so `set-` can take a setting back.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Another name it answers to; `*.example.com` for every name below (repeatable)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alias: Vec<String>,

    /// Answer to `www.DOMAIN` too [default: when DOMAIN is a registrable name such as example.com]
    #[arg(long, overrides_with = "no_www")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(num_args = 0, default_missing_value = "true")]
    www: Option<bool>,

    /// Do not answer to `www.DOMAIN`
    #[arg(long)]
    #[serde(skip)]
    no_www: bool,

    /// The one name it is served under; its other names redirect there
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,

    /// The directory that is served, below the site's home [default: public]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,

    /// A file that stands for its directory, best first (repeatable) [default: index.html]
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    index: Vec<String>,

    /// Listen on IPv6 [default: when the server has it]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_ipv6",
        hide = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<bool>,

    /// Do not listen on IPv6
    #[arg(long)]
    #[serde(skip)]
    no_ipv6: bool,

    /// Path that is requested after each change to see that the site answers [default: /]
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    health_path: Option<String>,

    /// Statuses that count as well [default: 200-499]
    #[arg(long, value_name = "MIN-MAX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    health_status: Option<String>,
}

impl Spec for Site {
    const KIND: &'static str = "site";
    const PLURAL: &'static str = "sites";
    const ABOUT: &'static str = "a website";
    const NAME: &'static str = "DOMAIN";
    const ROLE: Role = Role::Web;
    const EXAMPLE: &'static str = "fleet add-site example.com --server sg-1";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        check::site_name(input).map(String::from)
    }

    fn absorb(&mut self, _name: &str, _edge: &mut dyn Edge) -> Result<(), Invalid> {
        self.absorb_switches();
        self.fold_names();
        Ok(())
    }

    fn sets(id: &str) -> &'static [&'static str] {
        match id {
            "no_www" => &["www"],
            "no_ipv6" => &["ipv6"],
            _ => &[],
        }
    }

    fn validate(&self, name: &str, _now: Timestamp) -> Result<(), Invalid> {
        self.check(name).map(drop)
    }

    fn claims(&self, name: &str) -> Vec<Claim> {
        let Ok(checked) = self.check(name) else {
            return Vec::new();
        };
        let hosts = checked.names.iter().map(|pattern| Claim {
            space: "host",
            name: pattern.to_string(),
        });
        let user = Claim {
            space: "user",
            name: checked.user,
        };
        hosts.chain([user]).collect()
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        files::items(&self.check(input.name)?, input)
    }

    fn summary(&self, name: &str) -> Vec<(&'static str, String)> {
        let aliases = self.check(name).map_or_else(
            |_| self.alias.join(" "),
            |checked| {
                let shown: Vec<String> =
                    checked.names[1..].iter().map(ToString::to_string).collect();
                shown.join(" ")
            },
        );
        vec![("aliases", aliases)]
    }
}

impl Site {
    /// Folds each `--no-x` into its field `x`.
    fn absorb_switches(&mut self) {
        for (off, field) in [
            (&mut self.no_www, &mut self.www),
            (&mut self.no_ipv6, &mut self.ipv6),
        ] {
            if std::mem::take(off) {
                *field = Some(false);
            }
        }
    }

    /// Writes names as they are stored. One that is not a name stays, for [`Spec::validate`] to refuse it.
    fn fold_names(&mut self) {
        for alias in &mut self.alias {
            if let Ok(pattern) = alias.parse::<crate::model::domain::HostPattern>() {
                *alias = pattern.to_string();
            }
        }
        if let Some(canonical) = &mut self.canonical
            && let Ok(name) = canonical.parse::<DomainName>()
        {
            *canonical = name.into();
        }
    }
}
