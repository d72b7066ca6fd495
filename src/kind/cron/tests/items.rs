//! Settings in, exact items out.

use std::collections::BTreeMap;

use serde_json::json;

use crate::item::file::Content;
use crate::item::{Item, User};
use crate::kind::cron::Cron;
use crate::kind::{Compile, Fleet, Scope, Secrets, Spec};
use crate::model::{Resource, ResourceName, Server};
use crate::shell::Secret;

struct NoSecrets;

impl Secrets for NoSecrets {
    fn open(&self, _id: &crate::kind::SecretId) -> Result<Secret, String> {
        Err("there are none".to_owned())
    }
}

fn cron(spec: serde_json::Value) -> Cron {
    serde_json::from_value(spec).unwrap()
}

/// The items of a job called `job`.
fn items(cron: &Cron, suspended: bool) -> Vec<Item> {
    items_in(cron, suspended, Fleet::EMPTY)
}

fn items_in(cron: &Cron, suspended: bool, fleet: Fleet<'_>) -> Vec<Item> {
    let server = Server::new("sg-1".parse().unwrap(), "192.0.2.1");
    let compile = Compile {
        name: "job",
        suspended,
        generation: 1,
        placements: &[],
        server: &server,
        facts: None,
        secrets: &NoSecrets,
        fleet,
    };
    cron.items(&compile).unwrap()
}

/// The text of a file among them.
fn text(items: &[Item], path: &str) -> String {
    let file = items.iter().find_map(|item| match item {
        Item::File(file) if file.path == path => Some(file),
        _ => None,
    });
    let file = file.unwrap_or_else(|| panic!("no {path}"));
    assert_eq!((file.owner.as_str(), file.group.as_str()), ("root", "root"));
    match &file.content {
        Content::Text(text) => text.clone(),
        Content::Secret(_) | Content::Login(..) => panic!("{path} is secret"),
    }
}

#[test]
fn a_job_is_three_files_of_its_own_and_a_place_for_its_runs() {
    let cron = cron(json!({ "schedule": "*/5  * * * *", "command": "echo 100%" }));
    let items = items(&cron, false);
    let keys: Vec<String> = items.iter().map(|item| item.key().to_string()).collect();
    assert_eq!(
        keys,
        [
            "package cron",
            "service cron",
            "dir /etc/fleet",
            "dir /etc/fleet/cron",
            "dir /usr/local/lib/fleet",
            "dir /var/lib/fleet/cron",
            "dir /var/lib/fleet/cron/job",
            "file /usr/local/lib/fleet/cron-run",
            "file /etc/fleet/cron/job.conf",
            "file /etc/fleet/cron/job.sh",
            "file /etc/cron.d/fleet-job",
        ]
    );
    assert_eq!(
        text(&items, "/etc/cron.d/fleet-job"),
        "# Written by fleet: cron job. What it runs is in /etc/fleet/cron/job.sh.\n\
         SHELL=/bin/sh\n\
         MAILTO=root\n\
         */5 * * * * root /usr/local/lib/fleet/cron-run job\n"
    );
    assert_eq!(
        text(&items, "/etc/fleet/cron/job.conf"),
        "# Written by fleet: how cron job runs.\n\
         user=root\n\
         timeout=86400\n\
         overlap=forbid\n\
         delay=0\n\
         retries=0\n\
         pause=60\n\
         mail=on-failure\n\
         keep=20\n"
    );
    assert_eq!(
        text(&items, "/etc/fleet/cron/job.sh"),
        "# Written by fleet: what cron job runs, as root.\n\
         umask 022\n\
         cd -- \"$HOME\" || exit 72\n\
         exec /bin/sh -c 'echo 100%' </dev/null\n"
    );
}

#[test]
fn what_only_root_may_see_only_root_sees() {
    let cron = cron(json!({ "schedule": "@daily", "command": "true" }));
    for item in items(&cron, false) {
        let (path, mode) = match item {
            Item::Dir(dir) => (dir.path, dir.mode),
            Item::File(file) => (file.path, file.mode),
            _ => continue,
        };
        let open = [
            "/etc/fleet",
            "/usr/local/lib/fleet",
            "/usr/local/lib/fleet/cron-run",
            "/etc/cron.d/fleet-job",
        ];
        let others = mode & 0o077;
        assert!(
            others == 0 || open.contains(&path.as_str()),
            "{path} {mode:o}"
        );
        assert_eq!(mode & 0o022, 0, "{path} {mode:o}");
    }
}

#[test]
fn a_suspended_job_keeps_all_but_what_cron_reads() {
    let cron = cron(json!({ "schedule": "@daily", "command": "true" }));
    let paths = |suspended| -> Vec<String> {
        items(&cron, suspended)
            .iter()
            .map(|item| item.key().to_string())
            .collect()
    };
    let mut all = paths(false);
    all.retain(|key| key != "file /etc/cron.d/fleet-job");
    assert_eq!(paths(true), all);
}

#[test]
fn a_job_of_a_suspended_site_does_not_run() {
    let cron = cron(json!({ "schedule": "@daily", "command": "true", "site": "example.com" }));
    let name = ResourceName::new("site", "example.com");
    for suspended in [true, false] {
        let site = Resource {
            id: 1,
            name: name.clone(),
            spec: json!({}),
            weight: 1,
            suspended,
            generation: 1,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            removed_at: None,
            placements: Vec::new(),
        };
        let resources = BTreeMap::from([(name.clone(), site)]);
        let fleet = Fleet {
            resources: &resources,
            ..Fleet::EMPTY
        };
        let items = items_in(&cron, false, fleet);
        let runs = items
            .iter()
            .any(|item| item.name() == "/etc/cron.d/fleet-job");
        assert_eq!(runs, !suspended);
    }
}

#[test]
fn every_setting_arrives() {
    let cron = cron(json!({
        "schedule": "0 3 * * *",
        "command": "a 'b' \"c\" $d `e` \\f\n100%",
        "user": "backup",
        "directory": "it's here",
        "env": ["A=1 2", "B=it's\n%", "C="],
        "timeout": "1h30m",
        "overlap": "replace",
        "random_delay": "5m",
        "retries": 3,
        "retry_delay": "10s",
        "mail": "always",
        "mail_to": "ann@example.com",
        "keep": 5,
    }));
    let items = items(&cron, false);
    assert!(
        text(&items, "/etc/cron.d/fleet-job").contains("\nMAILTO=ann@example.com\n0 3 * * * root ")
    );
    let conf = text(&items, "/etc/fleet/cron/job.conf");
    for line in [
        "user=backup",
        "timeout=5400",
        "overlap=replace",
        "delay=300",
        "retries=3",
        "pause=10",
        "mail=always",
        "keep=5",
    ] {
        assert!(conf.lines().any(|l| l == line), "{line} in {conf}");
    }
    let script = text(&items, "/etc/fleet/cron/job.sh");
    assert!(
        script.contains("cd -- \"$HOME\"/\"it's here\" || exit 72\n"),
        "{script}"
    );
    assert!(
        script.contains("export A='1 2'\nexport B=\"it's\n%\"\nexport C=''\n"),
        "{script}"
    );
}

#[test]
fn no_mail_means_no_address() {
    let cron = cron(json!({ "schedule": "@daily", "command": "true", "mail": "never" }));
    assert!(text(&items(&cron, false), "/etc/cron.d/fleet-job").contains("\nMAILTO=\"\"\n"));
}

#[test]
fn what_is_started_at_boot_may_stay() {
    let at_boot = cron(json!({ "schedule": "@reboot", "command": "true" }));
    assert!(text(&items(&at_boot, false), "/etc/fleet/cron/job.conf").contains("\ntimeout=0\n"));
    let limited = cron(json!({ "schedule": "@daily", "command": "true", "timeout": "none" }));
    assert!(text(&items(&limited, false), "/etc/fleet/cron/job.conf").contains("\ntimeout=0\n"));
}

#[test]
fn a_job_of_a_site_is_where_the_site_is_and_runs_as_its_user() {
    let cron = cron(json!({ "schedule": "@daily", "command": "true", "site": "example.com" }));
    let site = ResourceName::new("site", "example.com");
    assert_eq!(cron.scope(), Scope::With(site.clone()));
    assert_eq!(cron.follows("job"), [site]);
    assert_eq!(Cron::WEIGHT, 0);
    let user = crate::kind::site::user_name(&"example.com".parse().unwrap());
    let items = items(&cron, false);
    assert!(text(&items, "/etc/fleet/cron/job.conf").contains(&format!("\nuser={user}\n")));
    // The user is the site's to make.
    assert!(
        !items
            .iter()
            .any(|item| matches!(item, Item::User(User { .. })))
    );
}

#[test]
fn a_selector_means_all_of_its_servers_or_one() {
    let all = cron(json!({ "schedule": "@daily", "command": "true", "on": ["role=web"] }));
    assert_eq!(all.scope(), Scope::Every(vec!["role=web".to_owned()]));
    let one = cron(
        json!({ "schedule": "@daily", "command": "true", "on": ["role=web"], "once_per_fleet": true }),
    );
    assert_eq!(one.scope(), Scope::AnyOf(vec!["role=web".to_owned()]));
    assert!(one.follows("job").is_empty());
}
