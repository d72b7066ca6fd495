//! A package of the distribution (apt).

use std::collections::BTreeMap;

use super::{Atom, Phase, Props, Removal, Steps, props};
use crate::shell::Script;

/// A Debian package that should be installed. It is never removed again: others may have come to need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
}

impl Atom for Package {
    const WORD: &'static str = "package";

    fn name(&self) -> &str {
        &self.name
    }

    fn wanted(&self) -> Props {
        props([("installed", "yes".to_owned())])
    }

    fn stays(_applied: &Props) -> bool {
        true
    }

    fn observe(names: &[&str], out: &mut Script) {
        out.raw("dpkg-query -W -f '${Package} ${db:Status-Status}\\n'")
            .words(names.iter().copied())
            .raw(" 2>/dev/null\n");
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        lines
            .iter()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, status)| *status == "installed")
            .map(|(name, _)| (name.to_owned(), props([("installed", "yes".to_owned())])))
            .collect()
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        steps
            .at(Phase::Packages)
            .raw("step 'installing packages'\ninstall_packages")
            .words(changes.iter().map(|(package, _)| package.name.as_str()))
            .raw("\n");
    }

    fn remove(_removals: &[Removal<'_>], _steps: &mut Steps) {}
}

/// What apt is at, from a line of its `APT::Status-Fd` (apt's `progress-reporting.md`): `dlstatus:NUMBER:PERCENT:TEXT`
/// while it downloads, `pmstatus:PACKAGE:PERCENT:TEXT` while dpkg works.
pub fn progress(line: &str) -> Option<String> {
    let mut parts = line.splitn(4, ':');
    let what = match parts.next()? {
        "dlstatus" => "downloading packages",
        "pmstatus" => "installing packages",
        _ => return None,
    };
    parts.next()?;
    let percent: f64 = parts.next()?.parse().ok()?;
    Some(format!("{what}, {percent:.0} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_installed_counts() {
        let facts = Package::facts(&["nginx installed", "curl config-files", "php8.2-fpm half-configured"]);
        assert_eq!(facts.keys().collect::<Vec<_>>(), ["nginx"]);
    }

    #[test]
    fn the_progress_of_apt_is_read() {
        for (line, said) in [
            (
                "pmstatus:nginx-common:25.3968:Installing nginx-common (amd64)",
                Some("installing packages, 25 %"),
            ),
            ("dlstatus:3:95.0000:Retrieving file 3 of 4", Some("downloading packages, 95 %")),
            ("pmerror:nginx:25:oh: no", None),
            ("pmstatus:nginx", None),
            ("@step x", None),
        ] {
            assert_eq!(progress(line).as_deref(), said, "{line}");
        }
    }
}
