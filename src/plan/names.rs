//! Names of sites that somebody else's configuration of nginx serves already: what a transaction refuses, told beforehand.

use std::collections::BTreeMap;

use super::{Blocked, Change, Mode, ServerPlan};
use crate::item::Item;
use crate::item::file::Content;
use crate::shell::Script;

/// The shell functions that look for names of sites in what is not fleet's.
pub(super) const SHELL: &str = include_str!("names.sh");

/// So many names are told of each site.
const SHOWN: usize = 5;

/// The path of a site's file and the names in it, where `change` makes or changes one.
fn names(change: &Change) -> Option<(&str, Vec<&str>)> {
    let Some(Item::File(file)) = &change.item else {
        return None;
    };
    let Content::Text(text) = &file.content else {
        return None;
    };
    if !file.path.starts_with("/etc/nginx/conf.d/fleet-") {
        return None;
    }
    let lines = text.lines().filter_map(|line| {
        let names = line.trim_start().strip_prefix("server_name ")?;
        names.strip_suffix(';')
    });
    let words = lines.flat_map(str::split_whitespace);
    Some((
        &file.path,
        words.map(|word| word.trim_matches('"')).collect(),
    ))
}

/// The script that asks who else serves the names of this plan's sites, after that of the read; `None` where nothing is to
/// be asked.
pub fn script(plan: &ServerPlan, mode: Mode) -> Option<Script> {
    if mode == Mode::Force {
        return None;
    }
    let mut script = Script::new();
    script.raw(SHELL).raw("tell_taken");
    let mut any = false;
    for (path, names) in plan.changes.iter().filter_map(names) {
        any = true;
        script.raw(" ").arg(path).raw(" ").arg(&names.join(" "));
    }
    script.raw("\n");
    any.then_some(script)
}

/// Holds back whoever has a name that the script has found with somebody else.
pub fn hold<'a>(plan: &mut ServerPlan, lines: impl IntoIterator<Item = &'a str>) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for line in lines {
        let found = line
            .strip_prefix("@taken ")
            .and_then(|rest| rest.split_once(' '));
        if let Some((name, file)) = found {
            taken.entry(name).or_insert(file);
        }
    }
    if taken.is_empty() {
        return;
    }
    let mut blocked = Vec::new();
    for change in &plan.changes {
        let Some((_, mut names)) = names(change) else {
            continue;
        };
        names.sort_unstable();
        names.dedup();
        let found: Vec<String> = names
            .into_iter()
            .filter_map(|name| Some((name, taken.get(name)?)))
            .map(|(name, file)| format!("`{name}` already by `{file}`"))
            .collect();
        if found.is_empty() {
            continue;
        }
        let more = if found.len() > SHOWN {
            ", and more names of this site"
        } else {
            ""
        };
        let shown = found[..found.len().min(SHOWN)].join(", ");
        blocked.extend(change.owners.iter().map(|owner| Blocked {
            resource: owner.clone(),
            reason: format!("nginx serves {shown}{more}, and fleet did not write it"),
            hint: Some(
                "take the name out of that file, or insist with `--force`: nginx answers from whichever of both it reads first"
                    .to_owned(),
            ),
        }));
    }
    plan.blocked.append(&mut blocked);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::item::file::of_nginx;
    use crate::model::ResourceName;
    use crate::plan::Action;

    fn plan() -> ServerPlan {
        let file = |path: &str, text: &str| Item::from(of_nginx(path, text));
        let change = |item: Item, owner: &str| Change {
            key: item.key(),
            action: Action::Create,
            before: None,
            after: item.wanted(),
            item: Some(item),
            owners: vec![ResourceName::new("site", owner)],
            drift: false,
        };
        let vhost = "server {\n    server_name a.example www.a.example \"*.a.example\";\n}\n\
                     server {\n    server_name a.example;\n}\n";
        let of_b = "server {\n    server_name b.example;\n}\n";
        ServerPlan {
            changes: vec![
                change(
                    file("/etc/nginx/conf.d/fleet-a.example.conf", vhost),
                    "a.example",
                ),
                change(
                    file("/etc/nginx/conf.d/fleet-b.example.conf", of_b),
                    "b.example",
                ),
                change(
                    file("/etc/nginx/conf.d/00-fleet-default.conf", of_b),
                    "b.example",
                ),
            ],
            ..ServerPlan::default()
        }
    }

    #[test]
    fn whoever_has_a_name_of_somebody_else_is_held_back_with_the_file() {
        let mut plan = plan();
        let said = "@taken www.a.example /etc/nginx/sites-enabled/old\n\
                    @taken *.a.example /etc/nginx/conf.d/wild card.conf\n@taken c.example /x\nnoise";
        hold(&mut plan, said.lines());
        let [blocked] = &plan.blocked[..] else {
            panic!("{:?}", plan.blocked);
        };
        assert_eq!(blocked.resource.to_string(), "site a.example");
        assert_eq!(
            blocked.reason,
            "nginx serves `*.a.example` already by `/etc/nginx/conf.d/wild card.conf`, \
             `www.a.example` already by `/etc/nginx/sites-enabled/old`, and fleet did not write it"
        );
        assert_eq!(plan.ready().len(), 2);
    }

    #[test]
    fn only_files_of_sites_are_asked_about_and_nothing_where_somebody_insists() {
        let plan = plan();
        let text = script(&plan, Mode::Respect).unwrap().text().to_owned();
        let call = text.lines().last().unwrap();
        assert_eq!(
            call,
            "tell_taken /etc/nginx/conf.d/fleet-a.example.conf 'a.example www.a.example *.a.example a.example' \
             /etc/nginx/conf.d/fleet-b.example.conf b.example"
        );
        assert!(script(&plan, Mode::Force).is_none());
        assert!(script(&ServerPlan::default(), Mode::Respect).is_none());
    }
}
