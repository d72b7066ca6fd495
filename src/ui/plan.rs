//! Plans as text and as JSON: per server what is created, updated and deleted, and what stands in the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::diff;
use super::format;
use super::page::Page;
use super::style::Tone;
use crate::item::file::Content;
use crate::item::zone::{self, Part};
use crate::item::{Item, ItemType, Key, Props, ruleset, satisfies};
use crate::model::{ResourceName, ServerName};
use crate::plan::{Action, Change, ServerPlan};

/// The present content of files on a server: path and text. What is not text is not in it.
pub type Contents = BTreeMap<String, String>;

/// Appends the plan of one server; with `contents` the changes of files are shown line by line.
pub fn server(page: &mut Page, name: &ServerName, plan: &ServerPlan, contents: Option<&Contents>) {
    page.text(name.as_str(), Tone::Strong)
        .line(&format!(": {}", summary([plan])));
    let ready: BTreeSet<&Key> = plan.ready().into_iter().map(|change| &change.key).collect();
    for change in &plan.changes {
        start_of(page, change);
        let mut notes = notes(change);
        if !ready.contains(&change.key) {
            notes.push("held back with what it belongs to".to_owned());
        }
        if let Some(task) = plan.restored.get(&change.key) {
            notes.push(format!("from the trash of task {task}"));
        }
        let taken_back = plan.taken_back.contains_key(&change.key);
        if taken_back {
            notes.push("taken over as it is".to_owned());
        }
        if !notes.is_empty() {
            page.text(&format!("  {}", notes.join(", ")), Tone::Dim);
        }
        page.end();
        if let (Some(contents), Some(item), false) = (contents, &change.item, taken_back) {
            content_diff(page, item, change.before.as_ref(), contents);
        }
    }
    for conflict in &plan.conflicts {
        let why = conflict.reason();
        page.text("  ", Tone::Plain)
            .text(&format!("! conflict {}", conflict.item.key()), Tone::Warn)
            .line(&format!("  {why}"));
        if let Some(contents) = contents {
            content_diff(page, &conflict.item, Some(&conflict.fact), contents);
        }
    }
    for (names, blocked) in plan.blocked_together() {
        page.text("  ", Tone::Plain)
            .text(&format!("✗ blocked {names}"), Tone::Bad)
            .line(&format!("  {}", blocked.reason));
        if let Some(hint) = &blocked.hint {
            page.text("    hint", Tone::Hint).line(&format!(": {hint}"));
        }
    }
}

/// Appends what was changed, a line for each.
pub fn done<'a>(page: &mut Page, changes: impl IntoIterator<Item = &'a Change>) {
    for change in changes {
        start_of(page, change);
        page.end();
    }
}

fn start_of(page: &mut Page, change: &Change) {
    let (sign, tone) = sign(change.action);
    page.text("  ", Tone::Plain).text(
        &format!("{sign} {} {}", change.action.word(), change.key),
        tone,
    );
}

/// `3 to create, 1 to update, 1 conflict`; `nothing to do`.
pub fn summary<'a>(plans: impl IntoIterator<Item = &'a ServerPlan>) -> String {
    let mut counts = [0_usize; 5];
    for plan in plans {
        for change in plan.ready() {
            counts[match change.action {
                Action::Create => 0,
                Action::Update => 1,
                Action::Delete => 2,
            }] += 1;
        }
        counts[3] += plan.conflicts.len();
        counts[4] += plan.blocked.len();
    }
    let number = format::thousands;
    let parts = [
        (counts[0] > 0).then(|| format!("{} to create", number(counts[0]))),
        (counts[1] > 0).then(|| format!("{} to update", number(counts[1]))),
        (counts[2] > 0).then(|| format!("{} to delete", number(counts[2]))),
        (counts[3] > 0).then(|| format::count(counts[3], "conflict")),
        (counts[4] > 0).then(|| format!("{} blocked", number(counts[4]))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "nothing to do".to_owned()
    } else {
        parts.join(", ")
    }
}

/// The plan of one server as JSON: `server`, `changes`, `conflicts`, `blocked`.
pub fn json(name: &ServerName, plan: &ServerPlan) -> Value {
    let owners = |owners: &[ResourceName]| -> Vec<String> {
        owners.iter().map(ToString::to_string).collect()
    };
    let ready: BTreeSet<&Key> = plan.ready().into_iter().map(|change| &change.key).collect();
    let changes = plan.changes.iter().map(|change| {
        // Of what goes away, nobody knows here whether it is secret.
        let secret = change.item.as_ref().is_none_or(is_secret);
        json!({
            "action": change.action.word(),
            "item": change.key,
            "before": change.before.as_ref().map(|props| visible(props, secret)),
            "after": (change.action != Action::Delete).then(|| visible(&change.after, secret)),
            "resources": owners(&change.owners),
            "drift": change.drift,
            "held_back": !ready.contains(&change.key),
            "from_trash": plan.restored.get(&change.key),
        })
    });
    let conflicts = plan.conflicts.iter().map(|conflict| {
        json!({
            "item": conflict.item.key(),
            "found": visible(&conflict.fact, is_secret(&conflict.item)),
            "wanted": visible(&conflict.item.wanted(), is_secret(&conflict.item)),
            "resources": owners(&conflict.owners),
            "edited": conflict.edited,
            "adopted": conflict.adopted,
        })
    });
    let blocked = plan.blocked.iter().map(|blocked| {
        json!({
            "resource": blocked.resource.to_string(),
            "reason": blocked.reason,
            "hint": blocked.hint,
        })
    });
    let adopted = plan
        .adopted
        .iter()
        .map(|(key, resources)| json!({ "item": key, "resources": owners(resources) }));
    json!({
        "server": name,
        "adopted": adopted.collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "conflicts": conflicts.collect::<Vec<_>>(),
        "blocked": blocked.collect::<Vec<_>>(),
    })
}

fn sign(action: Action) -> (char, Tone) {
    match action {
        Action::Create => ('+', Tone::Good),
        Action::Update => ('~', Tone::Warn),
        Action::Delete => ('-', Tone::Bad),
    }
}

/// What else is to be said of a change in its line: `mode 0644 -> 0600`, `drifted`.
fn notes(change: &Change) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Action::Update, Some(before)) = (change.action, &change.before) {
        for (prop, after) in change.after.iter().filter(|(prop, _)| is_shown(prop)) {
            match before.get(prop) {
                Some(now) if now == after => {}
                _ if prop == "sha256" => notes.push("content".to_owned()),
                Some(now) if prop == "rules" && now == ruleset::EDITED => {
                    notes.push("edited by somebody else".to_owned());
                }
                _ if prop == "rules" => notes.push("rules".to_owned()),
                Some(now) => notes.push(format!("{prop} {now} -> {after}")),
                None => notes.push(format!("{prop} {after}")),
            }
        }
    }
    if let (Action::Delete, ItemType::File, Some(before)) =
        (change.action, change.key.item_type, &change.before)
        && !satisfies(before, &change.after)
    {
        notes.push("edited, goes to the trash".to_owned());
    }
    if change.drift {
        notes.push("drifted".to_owned());
    }
    notes
}

/// Properties that begin with `_` are fleet's own notes.
fn is_shown(prop: &str) -> bool {
    !prop.starts_with('_')
}

/// The properties to print; the hash of a secret is none of them, as it would tell a guess right from wrong.
fn visible(props: &Props, secret: bool) -> BTreeMap<&str, &str> {
    let shown = props.iter().filter(|(prop, _)| is_shown(prop));
    shown
        .map(|(prop, value)| {
            let masked = secret && prop == "sha256";
            (
                prop.as_str(),
                if masked { "********" } else { value.as_str() },
            )
        })
        .collect()
}

fn is_secret(item: &Item) -> bool {
    matches!(item, Item::File(file) if matches!(file.content, Content::Secret(_) | Content::Login(..)))
}

fn content_diff(page: &mut Page, item: &Item, before: Option<&Props>, contents: &Contents) {
    if let Item::Zone(zone) = item
        && let Part::Primary(primary) = &zone.part
    {
        let before = before.and_then(|before| before.get(zone::TEXT));
        diff::unified(page, before.map(String::as_str), Some(&primary.text()), 6);
    }
    if let Item::Ruleset(rules) = item {
        let note = |name| {
            before
                .and_then(|before| before.get(name))
                .map(String::as_str)
        };
        if let (in_force @ Some(_), in_script @ Some(_)) =
            (note(ruleset::IN_FORCE), note(ruleset::IN_SCRIPT))
        {
            page.toned_line("      what was edited in the rules in force:", Tone::Dim);
            diff::unified(page, in_script, in_force, 6);
        }
        let before = contents.get(ruleset::BOOT).map(String::as_str);
        diff::unified(page, before, Some(&rules.script()), 6);
    }
    let Item::File(file) = item else {
        return;
    };
    let exists = before.is_some();
    match &file.content {
        Content::Secret(_) | Content::Login(..) => {
            page.toned_line("      (secret content, not shown)", Tone::Dim);
        }
        Content::Text(after) => match contents.get(&file.path) {
            None if exists => {
                page.toned_line("      (the present content is not text)", Tone::Dim);
            }
            before => diff::unified(page, before.map(String::as_str), Some(after), 6),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::item::File;
    use crate::plan::{Blocked, Conflict};
    use crate::shell::Secret;

    fn file(path: &str, content: Content) -> Item {
        Item::from(File {
            path: path.to_owned(),
            content,
            mode: 0o600,
            owner: "root".to_owned(),
            group: "root".to_owned(),
            service: None,
            seed: false,
        })
    }

    fn change(action: Action, item: Item, before: Option<Props>) -> Change {
        Change {
            key: item.key(),
            action,
            before,
            after: item.wanted(),
            item: (action != Action::Delete).then_some(item),
            owners: vec![ResourceName::new("site", "example.com")],
            drift: false,
        }
    }

    fn example() -> ServerPlan {
        let text = file("/etc/a", Content::Text("one\ntwo\n".to_owned()));
        let secret = file("/etc/key", Content::Secret(Secret::new("hunter2")));
        let mut before = text.wanted();
        before.insert("mode".to_owned(), "0644".to_owned());
        before.insert("sha256".to_owned(), "00".to_owned());
        let mut drifted = change(Action::Update, text.clone(), Some(before));
        drifted.drift = true;
        ServerPlan {
            changes: vec![
                drifted,
                change(Action::Create, secret.clone(), None),
                change(
                    Action::Delete,
                    file("/etc/old", Content::Text(String::new())),
                    Some(secret.wanted()),
                ),
            ],
            conflicts: vec![Conflict {
                item: text,
                fact: Props::new(),
                owners: Vec::new(),
                edited: true,
                adopted: false,
            }],
            blocked: vec![Blocked {
                resource: ResourceName::new("site", "example.org"),
                reason: "no PHP 8.4 here".to_owned(),
                hint: Some("install it".to_owned()),
            }],
            ..ServerPlan::default()
        }
    }

    #[test]
    fn a_plan_shows_each_change_and_each_obstacle() {
        let contents = Contents::from([("/etc/a".to_owned(), "one\n".to_owned())]);
        let name: ServerName = "sg-1".parse().unwrap();
        let mut page = Page::new(None, false);
        server(&mut page, &name, &example(), Some(&contents));
        insta::assert_snapshot!(page.finish(), @r"
        sg-1: 1 to create, 1 to update, 1 to delete, 1 conflict, 1 blocked
          ~ update file /etc/a  mode 0644 -> 0600, content, drifted
              @@ -1 +1,2 @@
               one
              +two
          + create file /etc/key
              (secret content, not shown)
          - delete file /etc/old  edited, goes to the trash
          ! conflict file /etc/a  was edited since fleet wrote it
              @@ -1 +1,2 @@
               one
              +two
          ✗ blocked site example.org  no PHP 8.4 here
            hint: install it
        ");
    }

    #[test]
    fn what_is_held_back_is_not_counted_as_a_change() {
        let mut plan = example();
        let mut change = plan.changes[1].clone();
        change.owners = vec![ResourceName::new("site", "example.org")];
        plan.changes = vec![change];
        assert_eq!(summary([&plan]), "1 conflict, 1 blocked");
        let name: ServerName = "sg-1".parse().unwrap();
        let mut page = Page::new(None, false);
        server(&mut page, &name, &plan, None);
        let text = page.finish();
        let line = "  + create file /etc/key  held back with what it belongs to\n";
        assert!(text.contains(line), "{text}");
        assert_eq!(json(&name, &plan)["changes"][0]["held_back"], true);
        // One that somebody else wants too is made all the same.
        plan.changes[0]
            .owners
            .push(ResourceName::new("site", "example.net"));
        assert_eq!(summary([&plan]), "1 to create, 1 conflict, 1 blocked");
    }

    #[test]
    fn no_output_gives_a_secret_away() {
        let plan = example();
        let name: ServerName = "sg-1".parse().unwrap();
        let json = json(&name, &plan).to_string();
        let mut page = Page::new(None, false);
        server(&mut page, &name, &plan, Some(&Contents::new()));
        let text = page.finish();
        let hash = &plan.changes[1].after["sha256"];
        for leak in ["hunter2", hash] {
            assert!(!json.contains(leak) && !text.contains(leak), "{leak}");
        }
        assert!(
            json.contains(r#""action":"create","item":"file /etc/key","before":null"#),
            "{json}"
        );
    }

    #[test]
    fn a_summary_counts_over_servers() {
        assert_eq!(summary([&ServerPlan::default()]), "nothing to do");
        assert_eq!(
            summary([&example(), &example()]),
            "2 to create, 2 to update, 2 to delete, 2 conflicts, 2 blocked"
        );
    }
}
