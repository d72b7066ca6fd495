//! A change that failed as a whole, tried in parts on a server that says what the test wants of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleet::apply::{self, Event, Job, Observer, Outcome, Purpose, Request, ServerReport, Work};
use fleet::diagnostic::Diagnostic;
use fleet::item::file::Content;
use fleet::item::{File, Item};
use fleet::model::{ResourceName, Server, ServerName};
use fleet::plan::{Blocked, Desired, Mode, ServerPlan, Wanted};
use russh::ChannelMsg;
use tokio::sync::watch;

use crate::sshd::{Behaviour, Shell, Sshd};
use crate::{Home, server_at};

/// A server that has nothing, and answers each transaction with what `answer` makes of its script.
fn player(answer: fn(&str) -> &'static str) -> Behaviour {
    Behaviour {
        shell: Shell::Play(Arc::new(move |command, mut reader, writer| {
            Box::pin(async move {
                let end = command.find(" ready").unwrap();
                let nonce = command[..end].rsplit(' ').next().unwrap().to_owned();
                let ready = format!("{nonce} ready\n").into_bytes();
                drop(writer.data_bytes(ready.clone()).await);
                drop(writer.extended_data_bytes(1, ready).await);
                let mut input = String::new();
                while let Some(message) = reader.wait().await {
                    let ChannelMsg::Data { data } = message else {
                        continue;
                    };
                    input += std::str::from_utf8(&data).unwrap();
                    let key = input[11..27].to_owned();
                    if !input.ends_with(&format!("\n#{key}")) {
                        continue;
                    }
                    let said = if input.contains("\ntransact\n") {
                        answer(&input)
                    } else {
                        "@observed\n"
                    };
                    input.clear();
                    drop(
                        writer
                            .data_bytes(format!("{said}{key} end 0\n").into_bytes())
                            .await,
                    );
                    let end = format!("{key} end\n").into_bytes();
                    drop(writer.extended_data_bytes(1, end).await);
                }
                0
            })
        })),
        ..Behaviour::default()
    }
}

/// Lets everything happen.
struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _: &ServerName, _: &Event) {}
    fn renew(&mut self, _: &ServerName) -> Result<Option<Work>, Diagnostic> {
        Ok(None)
    }
    fn intend(&mut self, _: &ServerName, _: &ServerPlan) -> Result<(), Diagnostic> {
        Ok(())
    }
    fn done(&mut self, _: &ServerReport) {}
}

fn resource(name: &str) -> ResourceName {
    ResourceName::new("site", name)
}

/// Files of these names, each of a resource of its name.
fn files(names: &[&str]) -> Work {
    let mut desired = Desired::default();
    for name in names {
        let item = Item::from(File {
            path: format!("/etc/file-{name}"),
            content: Content::Text(String::new()),
            mode: 0o644,
            owner: "root".to_owned(),
            group: "root".to_owned(),
            service: None,
            seed: false,
        });
        let owners = vec![resource(name)];
        desired.items.insert(item.key(), Wanted { item, owners });
    }
    Work {
        desired,
        ..Work::default()
    }
}

/// What becomes of the resources `a` to `d`, each with a file of its name.
async fn change(answer: fn(&str) -> &'static str) -> ServerReport {
    let mut reports = run(answer, vec![("web-1", files(&["a", "b", "c", "d"]))]).await;
    reports.remove(0)
}

/// What becomes of this work on servers of these names, one after the other.
async fn run(answer: fn(&str) -> &'static str, work: Vec<(&str, Work)>) -> Vec<ServerReport> {
    let home = Home::new();
    let sshd = Sshd::start(player(answer)).await;
    home.know(&sshd.known_hosts_line());
    let jobs = work.into_iter().map(|(name, work)| Job {
        server: Server {
            name: name.parse().unwrap(),
            ..server_at(sshd.address)
        },
        prepare: Box::new(|| Ok(work)),
    });
    let request = Request {
        purpose: Purpose::Change {
            task: 7,
            owner: "a test".to_owned(),
            lock_wait: std::time::Duration::ZERO,
            confirm: std::time::Duration::ZERO,
            retention: std::time::Duration::ZERO,
        },
        mode: Mode::Respect,
        parallel: 1,
        require_all: false,
        exact: false,
        stop: watch::channel(0).1,
        halt: watch::channel(false).1,
    };
    apply::run(&home.connector(), jobs.collect(), &request, &mut Nobody).await
}

fn names(script: &str) -> String {
    let is_in = |name: &&str| script.contains(&format!("/etc/file-{name}"));
    ["a", "b", "c", "d"].into_iter().filter(is_in).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_when_an_undo_fails_was_not_tried() {
    let report = change(|script| match &*names(script) {
        "a" => "@committed\n",
        "b" => "@why it is full\n@failed commit\n@unrecovered 7-3\n",
        _ => "@failed commit\n@undone\n",
    })
    .await;
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    assert_eq!(
        report.untried,
        [resource("c"), resource("d")],
        "{report:#?}"
    );
    assert_eq!(report.done.len(), 1);
    assert_eq!(report.trouble(&resource("a")), None);
    assert!(report.trouble(&resource("b")).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_only_the_guilty_one_is_left_out() {
    let report = change(|script| {
        if names(script).contains('b') {
            "@failed commit\n@undone\n"
        } else {
            "@committed\n"
        }
    })
    .await;
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    assert!(report.untried.is_empty());
    assert_eq!(report.done.len(), 3);
    assert!(report.trouble(&resource("b")).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_what_is_held_back_where_it_is_first_changes_beside_it() {
    let led = |names: &[&str]| Work {
        led: BTreeMap::from([(resource("a"), "web-1".parse().unwrap())]),
        ..files(names)
    };
    let first = |held: bool| Work {
        blocked: Vec::from_iter(held.then(|| Blocked {
            resource: resource("a"),
            reason: "too much".to_owned(),
            hint: Some("`--force` makes the change".to_owned()),
        })),
        ..files(&["a"])
    };
    let committed = |_: &str| "@committed\n";
    // Those beside it have the only place first, and leave it to the one that they wait for.
    let work = vec![
        ("web-3", led(&["a"])),
        ("web-2", led(&["a", "b"])),
        ("web-1", first(true)),
    ];
    let reports = run(committed, work).await;
    let outcomes: Vec<Outcome> = reports.iter().map(|report| report.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Unchanged, Outcome::Changed, Outcome::Unchanged],
        "{reports:#?}"
    );
    assert_eq!(reports[1].done, ["file /etc/file-b".parse().unwrap()]);
    for report in &reports[..2] {
        let blocked = &report.plan.blocked[0];
        assert_eq!(blocked.resource, resource("a"));
        assert!(blocked.hint.as_ref().unwrap().contains("--force"));
    }
    let work = vec![("web-2", led(&["a"])), ("web-1", first(false))];
    let reports = run(committed, work).await;
    assert!(
        reports
            .iter()
            .all(|report| report.outcome == Outcome::Changed)
    );
}
