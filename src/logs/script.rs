//! What is asked of a server: which logs, from when on, which lines; and the scripts that do it.

use jiff::Timestamp;

use super::stream::Position;
use crate::shell::Script;

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Not before this.
    pub since: Option<Timestamp>,
    /// The last so many of each server.
    pub lines: Option<u32>,
    /// Only those in which this is found.
    pub grep: Option<Grep>,
    /// Whether new ones are waited for.
    pub follow: bool,
}

/// What is looked for in lines.
#[derive(Clone, Debug)]
pub struct Grep {
    /// A regular expression as Perl has them (pcre2pattern(3)), or a text.
    pub pattern: String,
    /// Whether it is a text, and means only itself.
    pub fixed: bool,
}

impl Grep {
    /// The same as a regular expression: journalctl(1) knows no texts.
    fn expression(&self) -> String {
        if !self.fixed {
            return self.pattern.clone();
        }
        let mut out = String::new();
        for c in self.pattern.chars() {
            // A backslash before any other ASCII character takes its meaning from it (pcre2pattern(3), BACKSLASH).
            if c.is_ascii() && !c.is_ascii_alphanumeric() {
                out.push('\\');
            }
            out.push(c);
        }
        out
    }
}

/// A log that is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// This one.
    At {
        /// What it is called in the output: `access`.
        name: String,
        /// Where it is.
        path: String,
    },
    /// Those that fit a pattern of fleet's own; each is called as its file.
    Like(&'static str),
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Files, with those they were rotated to.
    Files(Vec<Log>),
    /// What these units of systemd wrote to its journal; `*` in them stands for anything.
    Journal(Vec<String>),
}

/// Reads files; from `position` on when they were read before.
pub(super) fn files(logs: &[Log], query: &Query, position: &Position) -> Script {
    let mut script = Script::new();
    script.raw(include_str!("read.sh"));
    script.raw("merge=").arg(include_str!("merge.awk"));
    script.raw("\npart=").arg(include_str!("part.sh")).raw("\n");
    let again = position.live;
    let (count, since) = if again {
        (String::new(), String::new())
    } else {
        bounds(query)
    };
    script.line("count={} since={}", &[&count, &since]);
    let how = match &query.grep {
        Some(grep) if grep.fixed => "-F",
        _ => "-P",
    };
    let pattern = query.grep.as_ref().map_or("", |grep| &grep.pattern);
    let follow = if query.follow { "1" } else { "" };
    script.line("pattern={} how={} follow={}", &[pattern, how, follow]);
    if again {
        for log in position.logs.values() {
            let (inode, offset) = (log.inode.to_string(), log.offset.to_string());
            script.line("log {} {} {} {}", &[&log.name, &log.path, &inode, &offset]);
        }
        script.raw("read_logs resume\n");
        return script;
    }
    for log in logs {
        match log {
            Log::At { name, path } => script.line("log {} {}", &[name, path]),
            Log::Like(pattern) => {
                script
                    .raw("for file in ")
                    .raw(pattern)
                    .raw("; do [ ! -f \"$file\" ] || ");
                script.raw("log \"${file##*/}\" \"$file\"; done\n")
            }
        };
    }
    script.raw("read_logs\n");
    script
}

/// What the journal has.
pub(super) fn journal_past(units: &[String], query: &Query) -> Script {
    let (count, since) = bounds(query);
    let mut script = journal(query);
    script.line("count={} since={}", &[&count, &since]);
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    script.raw("absent").words(names).raw("\njournal_past");
    of_units(&mut script, units);
    script
}

/// What comes to it after `cursor`, else since the second `from`.
pub(super) fn journal_follow(
    units: &[String],
    query: &Query,
    cursor: Option<&str>,
    from: i64,
) -> Script {
    let mut script = journal(query);
    let since = from.to_string();
    script.line("cursor={} since={}", &[cursor.unwrap_or_default(), &since]);
    script.raw("journal_follow");
    of_units(&mut script, units);
    script
}

fn journal(query: &Query) -> Script {
    let mut script = Script::new();
    script.raw(include_str!("journal.sh"));
    let pattern = query.grep.as_ref().map(Grep::expression);
    script.line("pattern={}", &[&pattern.unwrap_or_default()]);
    script
}

fn of_units(script: &mut Script, units: &[String]) {
    for unit in units {
        script.raw(" -u ").arg(unit);
    }
    script.raw("\n");
}

/// Number of lines and seconds, as the scripts have them.
fn bounds(query: &Query) -> (String, String) {
    (
        query.lines.map(|n| n.to_string()).unwrap_or_default(),
        query
            .since
            .map(|at| at.as_second().to_string())
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::quote;

    #[test]
    fn a_text_means_only_itself() {
        let grep = Grep {
            pattern: "a.b* [x] \\E ü_1".to_owned(),
            fixed: true,
        };
        assert_eq!(grep.expression(), "a\\.b\\*\\ \\[x\\]\\ \\\\E\\ ü\\_1");
    }

    #[test]
    fn whatever_is_looked_for_is_quoted() {
        let hostile = "'; touch /tmp/x; $(id)";
        let query = Query {
            grep: Some(Grep {
                pattern: hostile.to_owned(),
                fixed: false,
            }),
            ..Query::default()
        };
        let log = Log::At {
            name: "access".to_owned(),
            path: "/a b".to_owned(),
        };
        let script = files(&[log], &query, &Position::default());
        let quoted = format!("pattern={} how=-P", quote(hostile));
        assert!(script.text().contains(&quoted), "{quoted}");
        assert!(script.text().contains("log access '/a b'\n"));
        let script = journal_past(&["x'y".to_owned()], &query);
        let quoted = format!("journal_past -u {}\n", quote("x'y"));
        assert!(script.text().ends_with(&quoted), "{quoted}");
    }
}
