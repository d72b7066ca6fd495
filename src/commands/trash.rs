//! The trash of servers: what lies in it, and taking it out for good.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::ask::ask;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::{Server, ServerName};
use crate::plan::lock::Owner;
use crate::shell::Script;

/// The places of a server's trash: `places DIR...` calls `each TRASH DIR` for the trash of databases and for each
/// directory that has one of its own.
const PLACES: &str = r#"
state=/var/lib/fleet
each_place() {
	"$1" "$state/trash" ''
	[ -r "$state/trash/places" ] || return 0
	while IFS= read -r dir; do "$1" "$dir/.fleet-trash" "$dir"; done <"$state/trash/places"
}
size() { du -s -k -x -- "$1" | cut -f 1; }
"#;

/// Prints what lies there.
const LOOK: &str = r#"
look() {
	for t in "$1"/[0-9]*; do
		[ -d "$t" ] || continue
		for what in "$t"/* "$t"/.[!.]*; do
			[ -e "$what" ] || [ -L "$what" ] || continue
			printf '@trash %s %s %s %s\n' "${t##*/}" "$(stat -c %Y -- "$t")" "$(size "$what")" "$2/${what##*/}"
		done
	done
}
each_place look 2>/dev/null
"#;

/// Takes out what has lain there for longer than $seconds. Nobody else works on the server meanwhile.
const EMPTY: &str = r#"
mkdir -p -m 700 /run/fleet && exec 9>>/run/fleet/lock
flock -w 60 9 || { IFS= read -r who </run/fleet/owner; printf '@locked %s\n' "$who"; exit 0; }
printf '%s\nsince %s\n' "$owner" "$(date +%s)" >/run/fleet/owner
cutoff=@$(($(date +%s) + 1 - seconds))
empty() {
	[ -d "$1" ] || return 0
	find "$1" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*' ! -newermt "$cutoff" -printf '%f\n' |
		while IFS= read -r task; do
			kib=$(size "$1/$task")
			rm -rf --one-file-system -- "$1/$task" && printf '@gone %s %s\n' "$task" "$kib"
		done
}
each_place empty
"#;

/// Something in a server's trash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Entry {
    /// The server.
    pub(super) server: ServerName,
    /// The task that moved it there.
    pub(super) task: i64,
    /// What it was: a path, or the words of a database.
    pub(super) what: String,
    /// Bytes on the disk.
    pub(super) size: u64,
    /// When it came there.
    pub(super) at: Timestamp,
}

/// What was taken out of a server's trash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Emptied {
    /// Of how many tasks.
    pub(super) tasks: u64,
    /// Bytes on the disk.
    pub(super) size: u64,
}

/// Looks into the trash of servers, all at once; and why some could not be looked at.
pub(super) fn look(
    context: &Context,
    servers: &[&Server],
) -> anyhow::Result<(Vec<Entry>, Vec<Diagnostic>)> {
    let questions = servers.iter().map(|server| {
        let mut script = Script::new();
        script.raw(PLACES).raw(LOOK);
        ((*server).clone(), script)
    });
    let (answers, problems) = ask(context, questions.collect())?;
    let mut entries = Vec::new();
    for (server, answer) in answers {
        let lines = answer.lines.iter().filter_map(|line| entry(&server, line));
        entries.extend(lines);
    }
    entries.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.cmp(b)));
    Ok((entries, problems))
}

/// Takes out of the trash of servers what has lain there for `seconds`.
pub(super) fn empty(
    context: &Context,
    servers: &[&Server],
    seconds: u64,
    owner: &Owner,
) -> anyhow::Result<(BTreeMap<ServerName, Emptied>, Vec<Diagnostic>)> {
    let questions = servers.iter().map(|server| {
        let mut script = Script::new();
        script.raw("seconds=").number(seconds);
        script.raw(" owner=").arg(&owner.text()).raw("\n");
        script.raw(PLACES).raw(EMPTY);
        ((*server).clone(), script)
    });
    let (answers, mut problems) = ask(context, questions.collect())?;
    let mut emptied = BTreeMap::new();
    for (server, answer) in answers {
        let mut lines = answer.lines.iter();
        if let Some(who) = lines.find_map(|line| line.strip_prefix("@locked ")) {
            let message = format!("`{server}` is locked by {who}");
            let locked = Diagnostic::new(crate::diagnostic::Class::Locked, message);
            problems.push(locked.hint("wait until that has ended"));
            continue;
        }
        let gone = answer.lines.iter().filter_map(|line| kib_gone(line));
        let sum = gone.fold(Emptied::default(), |sum, kib| Emptied {
            tasks: sum.tasks + 1,
            size: sum.size + (kib << 10),
        });
        emptied.insert(server, sum);
    }
    Ok((emptied, problems))
}

/// Reads a line of [`LOOK`].
fn entry(server: &ServerName, line: &str) -> Option<Entry> {
    let mut words = line.strip_prefix("@trash ")?.splitn(4, ' ');
    let task = words.next()?.parse().ok()?;
    let at = words.next()?.parse().ok()?;
    let kib: u64 = words.next()?.parse().ok()?;
    let path = words.next()?;
    // `/mariadb-app` is no file of the server's.
    let what = match path.strip_prefix('/').filter(|name| !name.contains('/')) {
        Some(name) => name.replacen('-', " ", 1),
        None => path.to_owned(),
    };
    Some(Entry {
        server: server.clone(),
        task,
        what,
        size: kib << 10,
        at: Timestamp::from_second(at).ok()?,
    })
}

fn kib_gone(line: &str) -> Option<u64> {
    let (_, kib) = line.strip_prefix("@gone ")?.split_once(' ')?;
    kib.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_lies_there_is_read() {
        let server: ServerName = "sg-1".parse().unwrap();
        let read = |line: &str| entry(&server, line);
        let site = read("@trash 12 1767323045 84 /srv/www/a b.example.com").unwrap();
        assert_eq!(site.what, "/srv/www/a b.example.com");
        assert_eq!((site.task, site.size), (12, 84 << 10));
        assert_eq!(site.at.to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(
            read("@trash 1 1 1 /mariadb-my-app").unwrap().what,
            "mariadb my-app"
        );
        for noise in ["", "@trash", "@trash x 1 1 /a", "@trash 1 1 /a", "Welcome!"] {
            assert_eq!(read(noise), None, "{noise}");
        }
        assert_eq!(kib_gone("@gone 12 84"), Some(84));
        assert_eq!(kib_gone("@gone 12"), None);
    }
}
