//! The one read of a server: the script that asks about exactly the items we care about, and its answer as facts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::item::{ItemType, Key, Props, zone};
use crate::model::ServerName;
use crate::shell::Script;

/// The shell functions that every script of a conversation may use.
pub(super) const PRELUDE: &str = include_str!("prelude.sh");

/// What is known of a server after one read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The items that exist, of those that were asked about.
    pub items: BTreeMap<Key, Props>,
    /// The server, for hints that name it; `None` where nobody says.
    pub server: Option<ServerName>,
    /// The connection by which the server was reached, as `SSH_CONNECTION` has it.
    pub reached_by: Option<String>,
    /// The name servers that it asks (resolv.conf(5)), in that order.
    pub name_servers: Vec<IpAddr>,
    /// Transactions that had died in the middle and were rolled back before the read.
    pub recovered: Vec<String>,
    /// Such transactions that are still there, since this read may change nothing.
    pub unfinished: Vec<String>,
    /// A transaction that could not be rolled back, with what its undo said.
    pub unrecovered: Option<String>,
    /// Who held the server's lock until the time limit.
    pub locked: Option<String>,
    /// Why the server cannot be worked on at all.
    pub broken: Option<String>,
    /// What was said of a failure.
    pub details: Vec<String>,
}

/// How a read treats the server's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observing {
    /// Changes nothing and waits for nobody.
    Only,
    /// Once more, in the conversation whose first read took the lock: it is held from then on.
    Again,
    /// Takes the lock and keeps it for the transaction that follows; rolls back what was left half done.
    ToChange {
        /// Seconds to wait for the lock.
        wait: u64,
        /// What the lock says of its holder: who, from where, what for, since when.
        owner: String,
        /// Seconds that new firewall rules wait for a new connection before the old ones come back.
        confirm: u64,
        /// Seconds that something stays in the trash.
        retention: u64,
    },
}

/// The script that reads `keys`.
pub fn script(keys: &BTreeSet<Key>, how: &Observing) -> Script {
    let mut script = Script::new();
    if *how != Observing::Again {
        script
            .raw(super::PATHS)
            .raw(super::NGINX)
            .raw(zone::SHELL)
            .raw(PRELUDE);
    }
    match how {
        Observing::Again => {}
        Observing::Only => {
            script.raw("unfinished\n");
        }
        Observing::ToChange {
            wait,
            owner,
            confirm,
            retention,
        } => {
            script
                .raw("retention=")
                .number(*retention)
                .raw("\n")
                .raw("lock ")
                .number(*wait)
                .raw(" ")
                .arg(owner)
                .raw("\nrecover\nconfirm_timeout=")
                .number(*confirm)
                .raw("\n");
        }
    }
    script.raw("name_servers /etc/resolv.conf\n");
    for item_type in ItemType::ALL {
        let names: Vec<&str> = keys
            .iter()
            .filter(|key| key.item_type == *item_type)
            .map(|key| key.name.as_str())
            .collect();
        if !names.is_empty() {
            script.line("printf '@section %s\\n' {}", &[item_type.word()]);
            item_type.observe(&names, &mut script);
        }
    }
    script.raw("printf '@observed\\n'\n");
    script
}

/// Reads what the script printed.
///
/// `None` when the answer is not whole: the script did not come to its end and did not say why.
pub fn facts<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Facts> {
    let mut facts = Facts::default();
    let mut sections: BTreeMap<ItemType, Vec<&str>> = BTreeMap::new();
    let mut section = None;
    let mut whole = false;
    for line in lines {
        let Some(word_and_rest) = line.strip_prefix('@') else {
            if let Some(section) = section {
                sections.entry(section).or_default().push(line);
            }
            continue;
        };
        let (word, rest) = word_and_rest.split_once(' ').unwrap_or((word_and_rest, ""));
        match word {
            "section" => {
                section = ItemType::ALL.iter().copied().find(|t| t.word() == rest);
            }
            "observed" => whole = true,
            // One that is reached over one interface only (`fe80::1%eth0`) is of no use to those who cannot say so.
            "name-server" => facts.name_servers.extend(rest.parse::<IpAddr>()),
            "recovering" => facts.recovered.push(rest.to_owned()),
            "unfinished" => facts.unfinished.push(rest.to_owned()),
            "unrecovered" => {
                facts.unrecovered = Some(rest.to_owned());
                whole = true;
            }
            "locked" => {
                facts.locked = Some(rest.to_owned());
                whole = true;
            }
            "broken" => {
                facts.broken = Some(rest.to_owned());
                whole = true;
            }
            "detail" => facts.details.push(rest.to_owned()),
            _ => {}
        }
    }
    for (item_type, lines) in sections {
        for (name, props) in item_type.facts(&lines) {
            facts.items.insert(Key { item_type, name }, props);
        }
    }
    whole.then_some(facts)
}

/// The script that reads the content of files, for diffs.
pub fn contents_script(paths: &[&str]) -> Script {
    let mut script = Script::new();
    for path in paths {
        script.line("printf '@content %s\\n' {}", &[path]);
        script.line(
            "if [ -f {} ]; then head -c 262144 -- {} | base64 -w 0; echo; fi",
            &[path, path],
        );
    }
    script
}

/// Reads what [`contents_script`] printed: path and Base64 of the content.
pub fn contents<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, &'a str> {
    let mut contents = BTreeMap::new();
    let mut path = None;
    for line in lines {
        if let Some(next) = line.strip_prefix("@content ") {
            path = Some(next.to_owned());
        } else if let Some(path) = path.take() {
            contents.insert(path, line);
        }
    }
    contents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_stops_in_the_middle_is_no_answer() {
        assert_eq!(facts(["@section user", "w:x:1:1::/h:/s"]), None);
    }

    #[test]
    fn a_second_read_keeps_the_lock_of_the_first() {
        let keys = BTreeSet::from(["file /etc/a".parse().expect("a key")]);
        let again = script(&keys, &Observing::Again);
        let text = again.text();
        assert!(
            text.contains("/etc/a") && text.ends_with("'@observed\\n'\n"),
            "{text}"
        );
        assert!(!text.contains("lock"), "{text}");
    }

    #[test]
    fn noise_before_the_first_section_is_passed_over() {
        let facts =
            facts(["Welcome!", "@section user", "w:x:1:1::/h:/s", "@observed"]).expect("whole");
        assert_eq!(facts.items.len(), 1);
    }

    #[test]
    fn name_servers_are_those_that_have_an_address() {
        let lines = "@name-server 127.0.0.53\n@name-server 2001:db8::53\n@name-server fe80::1%eth0\n\
                     @name-server x; y\n@name-server \n@observed";
        let facts = facts(lines.lines()).expect("whole");
        let asked: Vec<String> = facts.name_servers.iter().map(ToString::to_string).collect();
        assert_eq!(asked, ["127.0.0.53", "2001:db8::53"]);
    }

    #[test]
    fn a_lock_says_who_holds_it() {
        let facts = facts(["@wait ann", "@locked ann@desk"]).expect("whole");
        assert_eq!(facts.locked.as_deref(), Some("ann@desk"));
    }
}
