//! Tests of `[notifications.NAME]`: every key, and every error with its place.

use std::time::Duration;

use super::*;
use crate::model::notification::{Change, SecretPlace, Way};
use crate::shell::Secret;

#[test]
fn every_key_is_read() {
    let text = r#"
[servers.sg-1]
address = "a"
[notifications.ops]
type = "webhook"
url = "https://hooks.example/x"
token_file = "token"
on = ["offline", "recovery"]
servers = "sg-*"
template = "{server} is {after}"
quiet_hours = "22:00-7:30"
except = "offline"
time_zone = "Europe/Berlin"
repeat = "4h"
at_most_every = "5m"
give_up_after = "1d"
[notifications.chat]
type = "slack"
url_command = "pass slack"
[notifications.bot]
type = "telegram"
token_variable = "BOT_TOKEN"
chat = -100123
[notifications.phone]
type = "ntfy"
url = "https://ntfy.sh/topic"
[notifications.post]
type = "mail"
to = ["ops@example.com", "root"]
[notifications.own]
type = "command"
command = ["/usr/local/bin/tell", "--all"]
"#;
    let channels = parse(text).unwrap().channels;
    let ops = &channels["ops"];
    assert_eq!(
        ops.way,
        Way::Webhook {
            url: SecretPlace::Here(Secret::new("https://hooks.example/x")),
            token: Some(SecretPlace::File("/etc/fleet/token".into())),
        }
    );
    assert_eq!(ops.on, [Change::Offline, Change::Recovery].into());
    let quiet = ops.quiet.as_ref().unwrap();
    assert_eq!(
        (quiet.from.hour(), quiet.to.hour(), quiet.to.minute()),
        (22, 7, 30)
    );
    assert_eq!(quiet.except, [Change::Offline].into());
    assert_eq!(ops.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(ops.repeat, Some(Duration::from_secs(4 * 3600)));
    assert_eq!(ops.at_most_every, Duration::from_secs(300));
    assert_eq!(ops.give_up_after, Duration::from_secs(86400));
    let Way::Telegram { token, chat, url } = &channels["bot"].way else {
        panic!("{channels:?}");
    };
    assert_eq!(token, &SecretPlace::Variable("BOT_TOKEN".to_owned()));
    assert_eq!(chat, "-100123");
    let official = Secret::new("https://api.telegram.org");
    assert_eq!(url, &SecretPlace::Here(official));
    assert_eq!(
        channels["post"].way,
        Way::Mail {
            to: vec!["ops@example.com".to_owned(), "root".to_owned()],
            from: None,
            sendmail: "/usr/sbin/sendmail".into(),
        }
    );
    assert_eq!(channels["own"].on, Change::ALL.into());
    // What the admin wrote there may be a secret all the same.
    assert!(!format!("{channels:?}").contains("hooks.example"));
}

/// What is said of a channel with these lines, without the places.
fn said(lines: &str) -> Vec<String> {
    let text = format!("[servers.a]\naddress = 'a'\n[notifications.x]\n{lines}\n");
    let shown = problems(&text);
    let kept = shown.lines().filter(|line| !line.contains(" | "));
    kept.map(|line| line.strip_prefix("i:").unwrap_or(line).to_owned())
        .collect()
}

/// The lines of a channel, and what is said about them.
const LINES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "3:16: `notifications.x` has no `type`",
            "hint: one of webhook, slack, telegram, ntfy, mail, command",
        ],
    ),
    (
        "type = 'mal'",
        &[
            "4:8: `type` in `notifications.x`: `mal` is not a type",
            "hint: did you mean `mail`",
        ],
    ),
    ("type = 'mail'", &["3:16: `notifications.x` has no `to`"]),
    (
        "type = 'mail'\nto = 'a@b -oQ/tmp'",
        &["5:6: `to` in `notifications.x`: `a@b -oQ/tmp` is not a mail address"],
    ),
    (
        "type = 'mail'\nto = \"a@b\\nBcc: c@d\"\nfrom = '-f'",
        &[
            "5:6: `to` in `notifications.x`: `a@b\\nBcc: c@d` is not a mail address",
            "6:8: `from` in `notifications.x`: `-f` is not a mail address",
        ],
    ),
    (
        "type = 'slack'\nurl = 'https://hooks.slack.com/x'",
        &[
            "5:1: `url` in `notifications.x` is a secret, and does not belong into the inventory",
            "hint: write it into a file of mode 0600, and `url_file = \"FILE\"`; or use `url_command` or `url_variable`",
            "3:16: `notifications.x` has no `url_file`",
            "hint: write one of url_file, url_command, url_variable",
        ],
    ),
    (
        "type = 'webhook'\nurl = 'hooks'",
        &["5:7: `url` in `notifications.x`: `hooks` does not begin with `https://` or `http://`"],
    ),
    (
        "type = 'webhook'\nurl = 'https://a/'\nurl_file = 'f'\ntoken = 'x'",
        &[
            "7:1: `token` in `notifications.x` is a secret, and does not belong into the inventory",
            "hint: write it into a file of mode 0600, and `token_file = \"FILE\"`; or use `token_command` or `token_variable`",
            "3:16: `notifications.x` has `url` and `url_file`: one is enough",
        ],
    ),
    (
        "type = 'ntfy'\nurl = 'https://n/t'\nchat = 1\ntemplat = ''",
        &[
            "6:1: `chat` in `notifications.x` is no key of the type `ntfy`",
            "7:1: unknown key `templat` in `notifications.x`",
            "hint: did you mean `template`",
        ],
    ),
    (
        "type = 'telegram'\ntoken_variable = 'A B'",
        &[
            "5:18: `token_variable` in `notifications.x`: `A B` is not the name of a variable",
            "3:16: `notifications.x` has no `chat`",
        ],
    ),
    (
        "type = 'command'\ncommand = 'tell me'",
        &[
            "5:11: `command` in `notifications.x`: `tell me` is not an array: there is no shell that would take a line apart",
            "hint: write `command = [\"/path/to/program\", \"argument\"]`",
        ],
    ),
    (
        "type = 'command'\ncommand = ['tell']\non = ['offine']",
        &[
            "5:11: `command` in `notifications.x` does not begin with the absolute path of a program",
            "6:7: `on` in `notifications.x`: `offine` is not a change",
            "hint: did you mean `offline`",
        ],
    ),
    (
        "type = 'command'\ncommand = ['/t']\nservers = 'b'\ntemplate = '{host}'\nquiet_hours = '22-7'\ntime_zone = 'Berlin'\nrepeat = 5",
        &[
            "7:12: `template` in `notifications.x`: `{host}` has an unknown placeholder `{host}`",
            "8:15: `quiet_hours` in `notifications.x`: `22-7` is not a span of the day",
            "hint: write `22:00-07:00`",
            "9:13: `time_zone` in `notifications.x`: `Berlin` is not a time zone",
            "10:10: `repeat` in `notifications.x` must be a duration, not an integer",
        ],
    ),
    (
        "type = 'command'\ncommand = ['/t']\nservers = 'b'\n",
        &["6:11: `servers` in `notifications.x`: "],
    ),
    (
        "type = 'command'\ncommand = ['/t']\nexcept = 'offline'\n",
        &["3:16: `except` in `notifications.x` without `quiet_hours`"],
    ),
];

#[test]
fn every_problem_is_told_with_its_place() {
    for (lines, expected) in LINES {
        let said = said(lines);
        for expected in *expected {
            assert!(
                said.iter().any(|line| line.starts_with(expected)),
                "{lines}: no `{expected}` in {said:#?}"
            );
        }
    }
}
