//! A regular file and its content.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::metadata::{self, Wanted};
use super::{Atom, ItemType, Key, Phase, Props, Removal, Steps, satisfies};
use crate::shell::{Script, Secret};

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// What it holds.
    pub content: Content,
    /// Permission bits: `0o644`.
    pub mode: u32,
    /// Owning user.
    pub owner: String,
    /// Owning group.
    pub group: String,
    /// The unit whose configuration this is: tested before the file is live, reloaded after (`nginx`).
    pub service: Option<String>,
    /// Written once when its directory is made, never compared or replaced afterwards (a welcome page).
    pub seed: bool,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text that may be shown in a diff.
    Text(String),
    /// Text that must not be shown (a private key, password hashes).
    Secret(Secret),
    /// The same, with the password of the account that is this item.
    Login(Secret, Key),
}

/// Stands in a text where the name servers go that the file's server asks: see [`File::fill`].
pub const NAME_SERVERS: &str = "\0name servers\0";

/// The unit to reload when the file goes away.
const SERVICE: &str = "_service";

impl Content {
    /// The text to write.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Secret(secret) | Self::Login(secret, _) => secret.reveal(),
        }
    }
}

impl File {
    /// The directory it lies in.
    pub fn dir(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(dir, _)| dir)
    }

    /// Puts what the server asks by now, when it is read, where the text has [`NAME_SERVERS`]: as nginx and addresses of
    /// the web write them. Where it names none it asks itself (resolv.conf(5)).
    pub fn fill(&mut self, name_servers: &[IpAddr]) {
        let Content::Text(text) = &mut self.content else {
            return;
        };
        if !text.contains(NAME_SERVERS) {
            return;
        }
        let words: Vec<String> = name_servers
            .iter()
            .map(|address| match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            })
            .collect();
        let words = if words.is_empty() { "127.0.0.1".to_owned() } else { words.join(" ") };
        *text = text.replace(NAME_SERVERS, &words);
    }

    /// Adds the steps that write a seed.
    fn plant(&self, steps: &mut Steps) {
        let owner = format!("{}:{}", self.owner, self.group);
        let in_place = steps.is_fresh(self.dir(), &owner);
        let (place, path) = if in_place {
            steps.plant(&self.path, &owner);
            ("", self.path.clone())
        } else {
            ("\"$t\"/", steps.seed(&self.path))
        };
        // Not in the phase that stages: what is written here is born as 0644.
        let script = steps.at(Phase::Prepare);
        script.raw("printf %s ").arg(self.content.text());
        script.raw(" >").raw(place).arg(&path).raw("\n");
        if !in_place {
            script.raw("chown ").arg(&owner).raw(" ").raw(place).arg(&path).raw("\n");
        }
        if self.mode != 0o644 {
            script.raw("chmod ").arg(&format!("{:04o}", self.mode));
            script.raw(" ").raw(place).arg(&path).raw("\n");
        }
    }
}

impl Atom for File {
    const WORD: &'static str = "file";

    fn name(&self) -> &str {
        &self.path
    }

    fn wanted(&self) -> Props {
        let mut wanted = metadata::of("file", self.mode, &self.owner, &self.group);
        wanted.insert("sha256".to_owned(), sha256(self.content.text()));
        if let Some(service) = &self.service {
            wanted.insert(SERVICE.to_owned(), service.clone());
        }
        wanted
    }

    fn guarded(&self, fact: &Props) -> bool {
        // Another owner or mode is a drift; other content is somebody's work.
        let wanted = self.wanted();
        ["type", "sha256"].iter().any(|prop| fact.get(*prop) != wanted.get(*prop))
    }

    fn kept(&self, task: i64) -> Option<String> {
        // Only where somebody's work is in it; a seed is what its user made of it, and goes with its directory.
        let (dir, name) = self.path.rsplit_once('/')?;
        (!self.seed).then(|| format!("{dir}/.fleet-trash/{task}/{name}"))
    }

    fn observe(names: &[&str], out: &mut Script) {
        metadata::observe_with_content(names, out);
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        let mut facts: BTreeMap<String, Props> = BTreeMap::new();
        for line in lines {
            if let Some((path, hash)) = metadata::content_fact(line) {
                if let Some(fact) = facts.get_mut(path).filter(|fact| fact["type"] == "file") {
                    fact.insert("sha256".to_owned(), hash.to_owned());
                }
            } else if let Some((path, fact)) = metadata::fact(line) {
                facts.insert(path, fact);
            }
        }
        facts
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        let mut created = Vec::new();
        let mut back = Vec::new();
        let mut wanted = Vec::new();
        let mut contents = Script::new();
        let (seeds, files): (Vec<_>, Vec<_>) = changes.iter().partition(|(file, _)| file.seed);
        for (file, _) in seeds {
            file.plant(steps);
        }
        for (file, before) in files {
            match before {
                // With `--force`.
                Some(before) if before.get("type").is_some_and(|t| t == "dir") => {
                    steps.trash_first(&file.path);
                    created.push(file.path.as_str());
                }
                Some(_) => {
                    steps.keep_work(&file.path);
                    steps.save(&file.path);
                }
                None => created.push(file.path.as_str()),
            }
            let staged = steps.stage(&file.path);
            if let Some(service) = &file.service {
                steps.reload(service);
            }
            let task = steps.restored(ItemType::File, &file.path);
            if let Some(kept) = task.and_then(|task| file.kept(task)) {
                // As it was, with its owner; it leaves the trash when all else has gone well.
                contents.line("cp -a -T -- {} {}", &[&kept, &staged]);
                steps.at(Phase::Finish).line("rm -f -- {}", &[&kept]);
                back.push((file.path.as_str(), task.unwrap_or_default().to_string()));
                continue;
            }
            contents
                .raw("printf %s ")
                .arg(file.content.text())
                .raw(" >")
                .arg(&staged)
                .raw("\n");
            wanted.push(Wanted {
                path: staged,
                mode: file.mode,
                owner: &file.owner,
                group: &file.group,
            });
        }
        metadata::set(&wanted, &mut contents);
        steps.at(Phase::Stage).append(&contents);
        if !created.is_empty() {
            let mut undo = Script::new();
            undo.each("rm -f --", created);
            steps.undo(undo);
        }
        // Before that: if it has left the trash, it goes there again.
        let mut undo = Script::new();
        for (path, task) in &back {
            undo.line("into_trash {} {}", &[path, task]);
        }
        steps.undo(undo);
    }

    fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
        for removal in removals {
            if satisfies(removal.fact, removal.applied) {
                steps.save(removal.name);
                steps.delete(removal.name);
            } else {
                // Somebody's work is in it.
                steps.trash(removal.name);
            }
            if let Some(service) = removal.applied.get(SERVICE) {
                steps.reload(service);
            }
        }
    }
}

/// SHA-256 in lower-case hexadecimal, as sha256sum(1) prints it.
pub(super) fn sha256(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 15));
    }
    hex
}

/// A file of nginx's, for tests.
#[cfg(test)]
pub(crate) fn of_nginx(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        content: Content::Text(text.to_owned()),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: Some("nginx".to_owned()),
        seed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::of_nginx as file;
    use super::*;

    #[test]
    fn what_is_observed_satisfies_what_was_wanted() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let facts = File::facts(&[
            "644 root root f:/etc/a",
            &format!("{empty}  /etc/a"),
        ]);
        assert!(super::super::satisfies(&facts["/etc/a"], &file("/etc/a", "").wanted()));
        assert!(!super::super::satisfies(&facts["/etc/a"], &file("/etc/a", "x").wanted()));
    }

    #[test]
    fn a_link_is_not_a_file_whatever_it_points_at() {
        let hash = "0".repeat(64);
        let facts = File::facts(&["777 root root l:/etc/a", &format!("{hash}  /etc/a")]);
        assert_eq!(facts["/etc/a"].get("sha256"), None);
        assert!(file("/etc/a", "").guarded(&facts["/etc/a"]));
    }

    #[test]
    fn name_servers_are_those_that_the_server_asks() {
        let filled = |addresses: &[&str]| {
            let addresses: Vec<IpAddr> =
                addresses.iter().map(|text| text.parse().expect("an address")).collect();
            let mut file = file("/etc/a", &format!("resolver {NAME_SERVERS} ipv6=off;\n"));
            file.fill(&addresses);
            file.content.text().to_owned()
        };
        assert_eq!(
            filled(&["10.0.0.53", "2001:db8::53"]),
            "resolver 10.0.0.53 [2001:db8::53] ipv6=off;\n"
        );
        assert_eq!(filled(&[]), "resolver 127.0.0.1 ipv6=off;\n");
    }

    #[test]
    fn another_mode_is_a_drift_and_other_content_a_conflict() {
        let a = file("/etc/a", "x");
        let mut fact = a.wanted();
        fact.insert("mode".to_owned(), "0600".to_owned());
        assert!(!a.guarded(&fact));
        fact.insert("sha256".to_owned(), "0".to_owned());
        assert!(a.guarded(&fact));
    }

    #[test]
    fn what_a_configuration_refers_to_is_there_before_it() {
        let mut steps = Steps::new(7);
        let (vhost, key) = (
            file("/etc/nginx/conf.d/a.conf", "x"),
            file("/etc/nginx/fleet/a/tls.key", "y"),
        );
        File::apply(&[(&vhost, None), (&key, None)], &mut steps);
        let text = steps.commit(None).text().to_owned();
        assert!(text.find("tls.key") < text.find("a.conf"), "{text}");
    }

    #[test]
    fn what_was_edited_goes_to_the_trash() {
        let ours = file("/etc/nginx/conf.d/a.conf", "x").wanted();
        let edited = file("/etc/nginx/conf.d/b.conf", "y").wanted();
        let of = |name, fact| Removal { name, applied: &ours, fact };
        let mut steps = Steps::new(7);
        File::remove(
            &[of("/etc/nginx/conf.d/a.conf", &ours), of("/etc/nginx/conf.d/b.conf", &edited)],
            &mut steps,
        );
        assert_eq!(
            steps.commit(None).text(),
            "rm -f -- \"$root\"/etc/nginx/conf.d/a.conf\n"
        );
        assert_eq!(steps.trashing().text(), "trash /etc/nginx/conf.d/b.conf 7\n");
        // The test must not see it either.
        let tested = steps.commit(Some("/etc/nginx"));
        assert!(
            tested.text().contains("rm -rf -- \"$root\"/etc/nginx/conf.d/b.conf\n"),
            "{}",
            tested.text()
        );
    }

    #[test]
    fn a_seed_is_written_into_a_directory_that_is_still_roots() {
        let seed = File {
            owner: "w".to_owned(),
            group: "w".to_owned(),
            seed: true,
            ..file("/srv/www/a/public/index.html", "it's")
        };
        let mut steps = Steps::new(7);
        steps.fresh_dir("/srv/www/a/public", "w:w");
        File::apply(&[(&seed, None)], &mut steps);
        assert_eq!(
            steps.preparing().text(),
            "printf %s \"it's\" >/srv/www/a/public/index.html\n\
             chown -h w:w -- /srv/www/a/public/index.html /srv/www/a/public\n"
        );
        // Its disk may be full.
        assert!(steps.touched_dirs().contains("/srv/www/a/public"));
        // In any other it waits where nobody gets at it until the commit.
        let mut steps = Steps::new(7);
        steps.fresh_dir("/srv/www/a/public", "x:x");
        File::apply(&[(&seed, None)], &mut steps);
        assert!(steps.preparing().text().contains(" >\"$t\"/seed-1\nchown w:w \"$t\"/seed-1\n"));
        assert!(steps.commit(None).text().starts_with("put_seed \"$t\"/seed-1 "));
    }

    #[test]
    fn content_is_staged_beside_the_target_and_moved() {
        let mut steps = Steps::new(7);
        File::apply(&[(&file("/etc/nginx/conf.d/a.conf", "it's"), None)], &mut steps);
        let staged = "/etc/nginx/conf.d/.fleet-stage/a.conf";
        let text = steps.at(Phase::Stage).text().to_owned();
        assert!(text.contains(&format!(" >{staged}\n")), "{text}");
        assert_eq!(
            steps.commit(None).text(),
            format!("mv -f -t \"$root\"/etc/nginx/conf.d -- \"$root\"{staged}\n")
        );
        assert!(steps.undoing().text().contains("rm -f -- /etc/nginx/conf.d/a.conf"));
        assert!(steps.reloads().contains("nginx"));
    }
}
