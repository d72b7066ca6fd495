//! Names of files in what `ssh -G` prints: lists, tokens and variables.

use std::path::{Path, PathBuf};

use crate::transport::error::TransportError;
use crate::transport::settings::Settings;

/// A list of files, or `None` when it is the default one; `none` is no file at all.
pub(super) fn known_hosts(value: &str, of_user: bool) -> Option<Vec<PathBuf>> {
    if value.eq_ignore_ascii_case("none") {
        return Some(Vec::new());
    }
    let files = paths(value);
    let default = if of_user {
        files
            .iter()
            .all(|file| file.ends_with("/.ssh/known_hosts") || file.ends_with("/.ssh/known_hosts2"))
    } else {
        files
            .iter()
            .all(|file| file.starts_with("/etc/ssh/ssh_known_hosts"))
    };
    (!default).then(|| files.into_iter().map(PathBuf::from).collect())
}

/// The paths of a list. `ssh -G` does not quote one with a blank: what does not begin as a path goes on with the last one.
fn paths(list: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for word in list.split_whitespace() {
        match paths.last_mut() {
            Some(before) if before.starts_with('/') && !word.starts_with(['/', '~', '%', '$']) => {
                before.extend([" ", word]);
            }
            _ => paths.push(word.to_owned()),
        }
    }
    paths
}

/// The values of `%` tokens and variables in file names (`ssh_config`(5), "TOKENS" and "ENVIRONMENT VARIABLES").
pub(super) struct Tokens<'a> {
    pub(super) settings: &'a Settings,
    pub(super) address: &'a str,
    pub(super) alias: Option<String>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) remote_user: String,
}

impl Tokens<'_> {
    pub(super) fn expand(&self, path: &Path) -> Result<PathBuf, TransportError> {
        let text = path.to_string_lossy();
        let home = self.settings.home.as_deref().map(Path::to_string_lossy);
        let home = home.unwrap_or_default();
        let mut rest = text.as_ref();
        let mut out = String::with_capacity(rest.len());
        if let Some(below) = rest.strip_prefix("~/") {
            out.extend([&*home, "/"]);
            rest = below;
        }
        while let Some(at) = rest.find(['%', '$']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((name, after)) = rest.strip_prefix("${").and_then(|r| r.split_once('}')) {
                out.push_str(&(self.settings.variable)(name).ok_or_else(|| unset(&text, name))?);
                rest = after;
                continue;
            }
            let mut letters = rest.chars();
            let (sign, token) = (letters.next(), letters.next());
            if sign == Some('$') {
                out.push('$');
                rest = &rest[1..];
                continue;
            }
            match token {
                Some('d') => out.push_str(&home),
                Some('h') => out.push_str(&self.host),
                Some('k') => out.push_str(self.alias.as_deref().unwrap_or(self.address)),
                Some('n') => out.push_str(self.address),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(&self.remote_user),
                Some('u') => out.extend(self.settings.local_user.as_deref()),
                Some('%') | None => out.push('%'),
                Some(other) => out.extend(['%', other]),
            }
            rest = letters.as_str();
        }
        out.push_str(rest);
        Ok(PathBuf::from(out))
    }
}

fn unset(path: &str, name: &str) -> TransportError {
    TransportError::Settings {
        reason: format!("ssh_config(5) names `{path}`, and the variable `{name}` is not set"),
        hint: Some("set it, or write the path out".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_files_is_one() {
        assert_eq!(known_hosts("none", true), Some(Vec::new()));
        assert_eq!(known_hosts("/home/a/.ssh/known_hosts", true), None);
        assert_eq!(
            known_hosts("/a /b", false),
            Some(vec![PathBuf::from("/a"), PathBuf::from("/b")])
        );
        assert_eq!(paths("/a b c /d ~/e f"), ["/a b c", "/d", "~/e", "f"]);
        assert_eq!(paths("a b"), ["a", "b"]);
    }
}
