//! A package of the distribution (apt).

use std::collections::BTreeMap;

use super::{Atom, Phase, Props, Steps, props};
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

    fn remove(_removals: &[(&str, &Props)], _steps: &mut Steps) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_installed_counts() {
        let facts = Package::facts(&["nginx installed", "curl config-files", "php8.2-fpm half-configured"]);
        assert_eq!(facts.keys().collect::<Vec<_>>(), ["nginx"]);
    }
}
