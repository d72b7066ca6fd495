//! Type, mode and owner of paths: what directories and files share when they are observed and applied.

use std::collections::BTreeMap;

use super::{Props, props};
use crate::shell::{BATCH, Script};

/// Appends the commands that print type, mode and owner of each path that exists.
pub(super) fn observe(paths: &[&str], out: &mut Script) {
    for batch in paths.chunks(BATCH) {
        out.raw("stat -c '%a %U %G %F:%n' --")
            .words(batch.iter().copied())
            .raw(" 2>/dev/null\n");
    }
}

/// Appends the commands that print the same of each path, and the SHA-256 of each regular file, and of nothing else:
/// reading a pipe would not end. find(1) writes out what it has to say before it starts another program.
pub(super) fn observe_with_content(paths: &[&str], out: &mut Script) {
    for batch in paths.chunks(BATCH) {
        out.raw("find").words(batch.iter().copied()).raw(
            " -maxdepth 0 -printf '%m %u %g %y:%p\\n' -type f -exec sha256sum -- {} + 2>/dev/null\n",
        );
    }
}

/// Reads a line of [`observe`] or [`observe_with_content`]: path and properties.
pub(super) fn fact(line: &str) -> Option<(String, Props)> {
    let (attributes, path) = line.split_once(':')?;
    let mut words = attributes.splitn(4, ' ');
    let mode = words.next()?;
    let owner = words.next()?;
    let group = words.next()?;
    let kind = match words.next()? {
        "directory" | "d" => "dir",
        "regular file" | "regular empty file" | "f" => "file",
        "symbolic link" | "l" => "link",
        _ => "other",
    };
    let mode = u32::from_str_radix(mode, 8).ok()?;
    Some((path.to_owned(), of(kind, mode, owner, group)))
}

/// Reads a line of [`observe_with_content`]: path and hash.
pub(super) fn content_fact(line: &str) -> Option<(&str, &str)> {
    let (hash, path) = line.split_once("  ")?;
    (hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())).then_some((path, hash))
}

/// The properties of a path.
pub(super) fn of(kind: &str, mode: u32, owner: &str, group: &str) -> Props {
    props([
        ("type", kind.to_owned()),
        ("mode", format!("{mode:04o}")),
        ("owner", owner.to_owned()),
        ("group", group.to_owned()),
    ])
}

/// The owner of what fleet has just made.
pub(super) const ROOT: &str = "root:root";

/// A path with the mode and owner it should have.
pub(super) struct Wanted<'a> {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) owner: &'a str,
    pub(super) group: &'a str,
}

/// Appends the commands that set owners, then modes (a change of owner clears set-id bits), of paths that were made a
/// moment ago, and so belong to root: one per distinct value.
pub(super) fn set(wanted: &[Wanted<'_>], out: &mut Script) {
    let mut owners: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut modes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for path in wanted {
        let owner = format!("{}:{}", path.owner, path.group);
        if owner != ROOT {
            owners.entry(owner).or_default().push(&path.path);
        }
        let mode = format!("{:04o}", path.mode);
        modes.entry(mode).or_default().push(&path.path);
    }
    for (owner, paths) in owners {
        set_owner(&owner, &paths, out);
    }
    for (mode, paths) in modes {
        for paths in paths.chunks(BATCH) {
            out.raw("chmod ").arg(&mode).raw(" --");
            out.words(paths.iter().copied()).raw("\n");
        }
    }
}

/// Appends the commands that give paths to an owner (`USER:GROUP`), in this order; links are not followed.
pub(super) fn set_owner(owner: &str, paths: &[&str], out: &mut Script) {
    for paths in paths.chunks(BATCH) {
        out.raw("chown -h ").arg(owner).raw(" --");
        out.words(paths.iter().copied()).raw("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_and_colons_is_read() {
        let (path, props) =
            fact("640 root www-data regular empty file:/srv/a b:c").expect("a fact");
        assert_eq!(path, "/srv/a b:c");
        assert_eq!(props, of("file", 0o640, "root", "www-data"));
    }

    #[test]
    fn noise_is_passed_over() {
        assert!(fact("stat: cannot stat").is_none());
        assert!(content_fact("sha256sum: x: No such file").is_none());
    }

    #[test]
    fn one_command_for_each_owner_and_mode() {
        let path = |path: &str, mode, owner| Wanted {
            path: path.to_owned(),
            mode,
            owner,
            group: "root",
        };
        let mut out = Script::new();
        set(
            &[
                path("/a", 0o755, "root"),
                path("/b", 0o755, "w"),
                path("/c", 0o700, "w"),
            ],
            &mut out,
        );
        assert_eq!(
            out.text(),
            "chown -h w:root -- /b /c\nchmod 0700 -- /c\nchmod 0755 -- /a /b\n"
        );
    }
}
