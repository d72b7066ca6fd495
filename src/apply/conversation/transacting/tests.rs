//! Whom a failed transaction speaks of is tried alone.

use super::*;
use crate::item::file::Content;
use crate::item::{File, Item};

fn site(name: &str) -> ResourceName {
    ResourceName::new("site", name)
}

fn probe(name: &str) -> (ResourceName, Probe) {
    let probe = Probe {
        host: name.to_owned(),
        path: "/".to_owned(),
        tls: false,
        status_min: 200,
        status_max: 499,
    };
    (site(name), probe)
}

fn vhost(name: &str) -> Change {
    let item = Item::from(File {
        path: format!("/etc/nginx/conf.d/{name}.conf"),
        content: Content::Text(String::new()),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: None,
        seed: false,
    });
    Change {
        key: item.key(),
        action: Action::Create,
        before: None,
        after: item.wanted(),
        item: Some(item),
        owners: vec![site(name)],
        drift: false,
    }
}

#[test]
fn whom_a_failure_speaks_of_is_tried_alone_and_last() {
    let names = ["a", "b", "c", "d", "e"];
    let all: Vec<ResourceName> = names.iter().map(|name| site(name)).collect();
    let group: Vec<&ResourceName> = all.iter().collect();
    let probes: Vec<_> = names.iter().map(|name| probe(name)).collect();
    let vhosts: Vec<Change> = names.iter().map(|name| vhost(name)).collect();
    let changes: Vec<&Change> = vhosts.iter().collect();
    let tried = |urls: &[&str], details: &[&str]| {
        let failure = Failure {
            resource: None,
            reason: String::new(),
            details: details.iter().map(|line| (*line).to_owned()).collect(),
            hints: Vec::new(),
            undone: true,
        };
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        let parts = parts(&group, &probes, &changes, &failure, &urls);
        let words = parts.iter().rev().map(|part| {
            let names: Vec<&str> = part.iter().map(|member| &*member.name).collect();
            names.concat()
        });
        words.collect::<Vec<String>>().join(" ")
    };
    assert_eq!(tried(&[], &[]), "abc de");
    assert_eq!(
        tried(&["http://b/", "http://d/", "http://elsewhere/"], &[]),
        "ace b d"
    );
    let nginx = "unknown directive in /etc/nginx/conf.d/c.conf:1";
    assert_eq!(tried(&[], &["x", nginx]), "abde c");
    let every: Vec<String> = names.iter().map(|name| format!("http://{name}/")).collect();
    let every: Vec<&str> = every.iter().map(String::as_str).collect();
    assert_eq!(tried(&every, &[]), "abc de");
}

#[test]
fn what_dumps_databases_has_time() {
    let site = vhost("a");
    let of = |item_type, action| Change {
        key: Key {
            item_type,
            name: "shop".to_owned(),
        },
        action,
        ..vhost("a")
    };
    let package = of(ItemType::Package, Action::Create);
    assert_eq!(patience(&[&site], false), None);
    assert_eq!(
        patience(&[&site, &package], false),
        Some(PATIENCE_FOR_PACKAGES)
    );
    for engine in [ItemType::Mariadb, ItemType::Postgres] {
        let made = of(engine, Action::Create);
        let gone = of(engine, Action::Delete);
        assert_eq!(patience(&[&made], false), None);
        assert_eq!(
            patience(&[&site, &package, &gone], false),
            Some(PATIENCE_FOR_DUMPS)
        );
    }
    assert_eq!(patience(&[&site], true), Some(PATIENCE_FOR_DUMPS));
}
