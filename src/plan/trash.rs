//! What goes back from the trash of a server when a removal is undone, instead of being made anew.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Blocked, Change, Mode, ServerPlan};
use crate::item::dir::goes_to_trash;
use crate::item::{Item, ItemType, Key, Props};
use crate::model::ResourceName;
use crate::shell::Script;

/// An item that is to be made, and whose content may be in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The item.
    pub key: Key,
    /// The task that moved it there.
    pub task: i64,
    /// Where it is then.
    pub path: String,
    /// The resource it belongs to.
    pub owner: ResourceName,
}

/// Those of the plan's items that may be in the trash. `removed_by` has, for each resource whose removal is undone, the
/// task that removed it.
pub fn kept(plan: &ServerPlan, removed_by: &BTreeMap<ResourceName, i64>) -> Vec<Kept> {
    let made = plan.changes.iter().filter(|c| c.action == Action::Create);
    made.filter_map(|change| {
        let (owner, task) = change
            .owners
            .iter()
            .find_map(|owner| Some((owner, *removed_by.get(owner)?)))?;
        Some(Kept {
            key: change.key.clone(),
            task,
            path: change.item.as_ref()?.kept(task)?,
            owner: owner.clone(),
        })
    })
    .collect()
}

/// The resources of which something goes to the trash when what is ready of this plan is made.
pub fn leaving(plan: &ServerPlan) -> BTreeSet<&ResourceName> {
    let ready = plan.ready().into_iter();
    let goes = |change: &&Change| {
        change.action == Action::Delete
            && match change.key.item_type {
                ItemType::Dir => goes_to_trash(&change.after),
                ItemType::Mariadb | ItemType::Postgres => change.key.name.starts_with("database "),
                ItemType::Zone => true,
                _ => false,
            }
    };
    ready
        .filter(goes)
        .flat_map(|change| &change.owners)
        .collect()
}

/// What of it is there.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The paths.
    paths: BTreeSet<String>,
    /// The properties of those of files.
    files: BTreeMap<String, Props>,
}

/// The script that asks which of them are there. Of files, which are in the trash only where somebody else had a share in
/// them, also what they are.
pub fn script(kept: &[Kept]) -> Script {
    let mut script = Script::new();
    let paths = |files: bool| {
        let of_type = move |kept: &&Kept| (kept.key.item_type == ItemType::File) == files;
        kept.iter().filter(of_type).map(|kept| kept.path.as_str())
    };
    script.each("kept", paths(false));
    let files: Vec<&str> = paths(true).collect();
    if !files.is_empty() {
        ItemType::File.observe(&files, &mut script);
        script.raw(":\n");
    }
    script
}

/// What it found.
pub fn found<'a>(lines: impl IntoIterator<Item = &'a str>) -> Found {
    let (paths, others): (Vec<&str>, Vec<&str>) = lines
        .into_iter()
        .partition(|line| line.starts_with("@kept "));
    let paths = paths.iter().filter_map(|line| line.strip_prefix("@kept "));
    Found {
        paths: paths.map(str::to_owned).collect(),
        files: ItemType::File.facts(&others),
    }
}

/// Notes in the plan what goes back. A resource of which something is not in the trash any more is held back: an empty
/// site in the place of a full one is nobody's wish, unless they insist.
pub fn put_back(plan: &mut ServerPlan, kept: &[Kept], found: &Found, mode: Mode) {
    let (files, kept): (Vec<&Kept>, Vec<&Kept>) = kept
        .iter()
        .partition(|one| one.key.item_type == ItemType::File);
    if mode != Mode::Force {
        for file in files {
            take_back(plan, file, found);
        }
    }
    let is_there = |one: &&Kept| found.paths.contains(&one.path);
    let (there, gone): (Vec<&Kept>, Vec<&Kept>) = kept.into_iter().partition(is_there);
    let there = there.iter().map(|one| (one.key.clone(), one.task));
    plan.restored.extend(there);
    let mut empty: BTreeMap<&ResourceName, &Kept> = BTreeMap::new();
    for one in gone {
        empty.entry(&one.owner).or_insert(one);
    }
    if mode != Mode::Force {
        plan.blocked.extend(empty.values().map(|one| Blocked {
            resource: one.owner.clone(),
            reason: format!(
                "what task {} removed of it is not in the trash any more: `{}`",
                one.task, one.path
            ),
            hint: Some("`--force` makes it anew, without its content".to_owned()),
        }));
    }
    let dirs: Vec<String> = plan
        .restored
        .keys()
        .filter(|key| key.item_type == ItemType::Dir)
        .map(|key| format!("{}/", key.name))
        .collect();
    // What its user has made of it is there already.
    plan.changes.retain(|change| {
        let seed = matches!(&change.item, Some(Item::File(file)) if file.seed);
        !(seed && dirs.iter().any(|dir| change.key.name.starts_with(dir)))
    });
}

/// Notes in the plan that a file goes back as it was, if somebody else's work is in it: what they had put there and what
/// was taken over with `--adopt` is what the removal took away. One that is not in the trash was as fleet makes it.
fn take_back(plan: &mut ServerPlan, file: &Kept, found: &Found) {
    let Some(fact) = found.files.get(&file.path) else {
        return;
    };
    let mut changes = plan.changes.iter();
    let is_work = changes.any(|change| {
        let item = change.item.as_ref().filter(|_| change.key == file.key);
        item.is_some_and(|item| item.guarded(fact))
    });
    // A directory in its place, which only `--force` had left, would not go back as a file does.
    let movable = fact
        .get("type")
        .is_some_and(|word| word == "file" || word == "link");
    if is_work && movable {
        plan.restored.insert(file.key.clone(), file.task);
        plan.taken_back.insert(file.key.clone(), fact.clone());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::item::dir::OnRemove;
    use crate::item::file::{Content, of_nginx};
    use crate::item::{Atom, Dir, File, Props};
    use crate::plan::Transaction;

    fn create(item: impl Into<Item>) -> Change {
        let item = item.into();
        Change {
            key: item.key(),
            action: Action::Create,
            before: None,
            after: item.wanted(),
            item: Some(item),
            owners: vec![ResourceName::new("site", "a")],
            drift: false,
        }
    }

    fn dir(path: &str, owner: &str, on_remove: OnRemove) -> Change {
        create(Dir {
            path: path.to_owned(),
            mode: 0o750,
            owner: owner.to_owned(),
            group: "www-data".to_owned(),
            on_remove,
            service: None,
        })
    }

    fn plan() -> ServerPlan {
        ServerPlan {
            changes: vec![
                dir("/srv/www/a", "root", OnRemove::Trash),
                dir("/srv/www/a/public", "w", OnRemove::Keep),
                dir("/var/log/nginx/fleet/a", "root", OnRemove::Trash),
                create(File {
                    path: "/srv/www/a/public/index.html".to_owned(),
                    content: Content::Text("welcome".to_owned()),
                    mode: 0o644,
                    owner: "w".to_owned(),
                    group: "w".to_owned(),
                    service: None,
                    seed: true,
                }),
            ],
            ..ServerPlan::default()
        }
    }

    fn asked(plan: &ServerPlan) -> Vec<Kept> {
        kept(plan, &BTreeMap::from([(ResourceName::new("site", "a"), 7)]))
    }

    #[test]
    fn what_is_in_the_trash_goes_back_and_is_not_made_anew() {
        let mut plan = plan();
        let asked = asked(&plan);
        let paths: Vec<&str> = asked.iter().map(|kept| kept.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/srv/www/.fleet-trash/7/a",
                "/var/log/nginx/fleet/.fleet-trash/7/a"
            ]
        );
        let answer = ["@kept /srv/www/.fleet-trash/7/a", "noise"];
        put_back(&mut plan, &asked, &found(answer), Mode::Respect);
        let reason = "task 7 removed of it is not in the trash any more: `/var/log/nginx/fleet/.fleet-trash/7/a`";
        assert!(
            plan.blocked[0].reason.ends_with(reason),
            "{:?}",
            plan.blocked
        );
        let mut plan = self::plan();
        put_back(&mut plan, &asked, &found(answer), Mode::Force);
        assert!(plan.blocked.is_empty());
        assert_eq!(plan.restored.len(), 1);
        assert_eq!(plan.changes.len(), 3, "the welcome page is not made");
        let changes: Vec<&Change> = plan.changes.iter().collect();
        let transaction =
            Transaction::part_of(&plan, &changes, &[], &[], (9, "9-0"), Mode::Respect);
        let text = transaction.script().text();
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
        assert!(
            at("\nfrom_trash /srv/www/a 7\n")
                < at("\nensure_dir w:www-data 0750 /srv/www/a/public\n")
        );
        assert!(text.contains("into_trash /srv/www/a 7\n"), "{text}");
        // Only what is new is taken away by the undo.
        assert!(text.contains("\nabsent /var/log/nginx/fleet/a\n"), "{text}");
        assert!(
            text.contains("unmake_dirs /var/log/nginx/fleet/a\n"),
            "{text}"
        );
    }

    fn vhost() -> File {
        of_nginx("/etc/nginx/conf.d/fleet-a.conf", "fleet's own")
    }

    #[test]
    fn what_somebody_else_wrote_goes_back_as_it_was() {
        let kept_at = "/etc/nginx/conf.d/.fleet-trash/7/fleet-a.conf";
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let stat = format!("600 ann root f:{kept_at}");
        let sum = format!("{hash}  {kept_at}");
        let planned = |lines: &[&str], mode| {
            let mut plan = plan();
            plan.changes.push(create(vhost()));
            let asked = asked(&plan);
            assert!(script(&asked).text().contains(&format!("find {kept_at} ")));
            put_back(&mut plan, &asked, &found(lines.iter().copied()), mode);
            plan
        };
        let key = Item::from(vhost()).key();
        let back = planned(&[&stat, &sum], Mode::Respect);
        assert_eq!(back.restored[&key], 7);
        assert_eq!(back.taken_back[&key]["sha256"], hash);
        let change = create(vhost());
        let restoring =
            Transaction::part_of(&back, &[&change], &[], &[], (9, "9-0"), Mode::default());
        let text = restoring.script().text();
        let staged = "/etc/nginx/conf.d/.fleet-stage/fleet-a.conf";
        assert!(
            text.contains(&format!("cp -a -T -- {kept_at} {staged}\n")),
            "{text}"
        );
        assert!(
            !text.contains("fleet's own") && !text.contains("fleet'\\''s own"),
            "{text}"
        );
        // Its undo fills the trash again before it takes away what was made.
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
        assert!(
            at("into_trash /etc/nginx/conf.d/fleet-a.conf 7\n")
                < at("rm -f -- /etc/nginx/conf.d/fleet-a.conf\n")
        );
        // What is not there was as fleet makes it; so is what had but another owner, and `--force` asks for that.
        let own = format!("{}  {kept_at}", vhost().wanted()["sha256"]);
        for made in [
            planned(&[], Mode::Respect),
            planned(&[&stat, &own], Mode::Respect),
            planned(&[&stat, &sum], Mode::Force),
        ] {
            assert!(made.taken_back.is_empty() && !made.restored.contains_key(&key));
            assert!(made.changes.iter().any(|change| change.key == key));
        }
    }

    #[test]
    fn nothing_is_made_anew_in_silence_when_the_trash_is_empty() {
        let mut respectful = plan();
        let asked = asked(&respectful);
        put_back(&mut respectful, &asked, &Found::default(), Mode::Respect);
        assert_eq!(respectful.blocked.len(), 1);
        assert!(respectful.ready().is_empty());
        let mut forced = plan();
        put_back(&mut forced, &asked, &Found::default(), Mode::Force);
        assert!(forced.blocked.is_empty() && forced.restored.is_empty());
        assert_eq!(forced.changes.len(), 4);
    }

    #[test]
    fn who_leaves_something_in_the_trash_is_known_before() {
        let gone = |key: &str, owner: &str, on_remove: &str| Change {
            key: key.parse().unwrap(),
            action: Action::Delete,
            before: None,
            after: Props::from([("_on_remove".to_owned(), on_remove.to_owned())]),
            item: None,
            owners: vec![ResourceName::new("any", owner)],
            drift: false,
        };
        let mut plan = plan();
        plan.changes.extend([
            gone("dir /srv/www/b", "dir", "trash"),
            gone("dir /srv/www/c", "empty", "if-empty"),
            gone("file /etc/c", "file", ""),
            gone("mariadb database shop", "mariadb", ""),
            gone("mariadb account shop@localhost", "account", ""),
            gone("postgres database shop", "postgres", ""),
            gone("zone example.com", "zone", ""),
            gone("dir /srv/www/held", "held", "trash"),
        ]);
        plan.blocked.push(Blocked {
            resource: ResourceName::new("any", "held"),
            reason: String::new(),
            hint: None,
        });
        let names: Vec<&str> = leaving(&plan).iter().map(|name| &*name.name).collect();
        assert_eq!(names, ["dir", "mariadb", "postgres", "zone"]);
    }

    #[test]
    fn only_what_a_task_removed_is_looked_for() {
        assert!(kept(&plan(), &BTreeMap::new()).is_empty());
    }
}
