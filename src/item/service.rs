//! A systemd service, and how the configuration of one is tested and reloaded.

use std::collections::BTreeMap;

use super::{Atom, Phase, Props, Removal, Steps, props};
use crate::shell::Script;

/// A service that should be enabled and running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Unit name without the suffix: `nginx`, `php8.2-fpm`.
    pub unit: String,
}

impl Atom for Service {
    const WORD: &'static str = "service";

    fn name(&self) -> &str {
        &self.unit
    }

    fn wanted(&self) -> Props {
        props([("active", "yes".to_owned()), ("enabled", "yes".to_owned())])
    }

    fn stays(_applied: &Props) -> bool {
        true
    }

    fn observe(names: &[&str], out: &mut Script) {
        out.raw("services");
        for name in names {
            out.raw(" ").arg(&format!("{name}.service"));
        }
        out.raw(" 2>&1\n");
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        let mut facts = BTreeMap::new();
        let mut unit = BTreeMap::new();
        for line in lines.iter().chain([&""]) {
            if let Some((name, value)) = line.split_once('=') {
                unit.insert(name, value);
                continue;
            }
            let seen = std::mem::take(&mut unit);
            let Some(name) = seen.get("Id").and_then(|id| id.strip_suffix(".service")) else {
                continue;
            };
            if seen.get("LoadState") == Some(&"not-found") {
                continue;
            }
            let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
            let active = matches!(
                seen.get("ActiveState"),
                Some(&("active" | "reloading" | "activating"))
            );
            let enabled = matches!(
                seen.get("UnitFileState"),
                Some(&("enabled" | "enabled-runtime" | "static" | "generated" | "alias"))
            );
            facts.insert(
                name.to_owned(),
                props([("active", yes(active)), ("enabled", yes(enabled))]),
            );
        }
        facts
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        for (service, before) in changes {
            let unit = format!("{}.service", service.unit);
            steps
                .at(Phase::Services)
                .line("step {}", &[&format!("starting {}", service.unit)])
                .line("timeout 90 systemctl enable --quiet --now -- {}", &[&unit]);
            let was = |prop: &str| before.and_then(|b| b.get(prop)).is_some_and(|v| v == "yes");
            let mut undo = Script::new();
            if !was("enabled") {
                undo.line("systemctl disable --quiet -- {} || :", &[&unit]);
            }
            if !was("active") {
                undo.line("systemctl stop -- {} || :", &[&unit]);
            }
            steps.undo(undo);
        }
    }

    fn remove(_removals: &[Removal<'_>], _steps: &mut Steps) {}
}

/// How the configuration of a service is tested in a copy of its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigTest<'a> {
    /// The directory with all of its configuration.
    pub tree: &'a str,
    /// The command that tests what is in `tree`.
    pub command: &'a [&'a str],
}

/// Calls `with` with the configuration test of `unit`, if it has one.
pub fn with_config_test<T>(unit: &str, with: impl FnOnce(Option<ConfigTest<'_>>) -> T) -> T {
    let php = unit
        .strip_prefix("php")
        .and_then(|rest| rest.strip_suffix("-fpm"));
    match (unit, php) {
        ("nginx", _) => with(Some(ConfigTest {
            tree: "/etc/nginx",
            command: &["nginx", "-t", "-q"],
        })),
        (_, Some(version)) => with(Some(ConfigTest {
            tree: &format!("/etc/php/{version}/fpm"),
            command: &[&format!("php-fpm{version}"), "-t"],
        })),
        _ => with(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_apart_and_missing_ones_left_out() {
        let facts = Service::facts(&[
            "Id=nginx.service",
            "LoadState=loaded",
            "ActiveState=inactive",
            "UnitFileState=enabled",
            "",
            "Id=php8.2-fpm.service",
            "LoadState=not-found",
            "ActiveState=inactive",
            "UnitFileState=",
        ]);
        assert_eq!(facts.len(), 1);
        assert_eq!(facts["nginx"]["active"], "no");
        assert_eq!(facts["nginx"]["enabled"], "yes");
    }

    #[test]
    fn nginx_and_every_php_have_a_test() {
        with_config_test("php8.4-fpm", |test| {
            assert_eq!(test.map(|t| t.tree.to_owned()), Some("/etc/php/8.4/fpm".to_owned()));
        });
        with_config_test("cron", |test| assert_eq!(test, None));
    }
}
