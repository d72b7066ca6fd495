//! A system user with a group of the same name.

use std::collections::BTreeMap;

use super::{Atom, Phase, Props, Removal, Steps, props};
use crate::shell::Script;

/// A system user; its group has the same name and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User name: at most 32 of `a-z 0-9 _ -`.
    pub name: String,
    /// Home directory; made by a [`super::Dir`] of its own.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// GECOS field: what the user is for.
    pub comment: String,
}

impl Atom for User {
    const WORD: &'static str = "user";

    fn name(&self) -> &str {
        &self.name
    }

    fn wanted(&self) -> Props {
        props([("home", self.home.clone()), ("shell", self.shell.clone())])
    }

    fn observe(names: &[&str], out: &mut Script) {
        out.each("getent passwd", names.iter().copied());
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        // passwd(5): name:password:UID:GID:GECOS:directory:shell
        lines
            .iter()
            .filter_map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                let [name, _, _, _, _, home, shell] = fields[..] else {
                    return None;
                };
                Some((
                    name.to_owned(),
                    props([("home", home.to_owned()), ("shell", shell.to_owned())]),
                ))
            })
            .collect()
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        let fresh: Vec<&Self> = changes
            .iter()
            .filter(|(_, before)| before.is_none())
            .map(|(user, _)| *user)
            .collect();
        if !fresh.is_empty() {
            // One process for all of them; `make_users` of the prelude chooses the numbers.
            let script = steps.at(Phase::Prepare).raw("step users\nmake_users");
            let mut names = Vec::new();
            for user in &fresh {
                // The comment becomes a quoted word of sysusers.d(5), where `%` is special.
                let comment = user.comment.replace(['"', '\\', '%', '\n', ':'], " ");
                script.words([
                    user.name.as_str(),
                    &comment,
                    &user.home,
                    &user.shell,
                ]);
                names.push(user.name.as_str());
            }
            script.raw("\nown_again");
            for user in &fresh {
                script.words([user.name.as_str(), user.home.as_str()]);
            }
            script.raw("\n");
            let mut undo = Script::new();
            for name in names {
                undo.line("unmake_user {}", &[name]);
            }
            steps.undo(undo);
        }
        for (user, before) in changes {
            let Some(before) = before else { continue };
            steps.at(Phase::Prepare).line("usermod -d {} -s {} {}", &[
                &user.home,
                &user.shell,
                &user.name,
            ]);
            if let (Some(home), Some(shell)) = (before.get("home"), before.get("shell")) {
                let mut undo = Script::new();
                undo.line("usermod -d {} -s {} {}", &[home, shell, &user.name]);
                steps.undo(undo);
            }
        }
    }

    fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
        for Removal { name, .. } in removals {
            // Last of all, when nothing runs as this user any more; the saved line makes it again, number and all.
            steps.at(Phase::Finish).line("remove_user {}", &[name]);
            let mut undo = Script::new();
            undo.line("restore_user {}", &[name]);
            steps.undo(undo);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_is_read() {
        let facts = User::facts(&["w-a:x:20000:20000:site a:/srv/www/a:/usr/sbin/nologin", "garbage"]);
        assert_eq!(facts.len(), 1);
        assert_eq!(facts["w-a"]["home"], "/srv/www/a");
    }

    #[test]
    fn all_new_users_are_made_in_one_call() {
        let user = |name: &str| User {
            name: name.to_owned(),
            home: "/srv/www/a".to_owned(),
            shell: "/usr/sbin/nologin".to_owned(),
            comment: "site a".to_owned(),
        };
        let mut steps = Steps::new(1);
        User::apply(&[(&user("a"), None), (&user("b"), None)], &mut steps);
        assert_eq!(
            steps.at(Phase::Prepare).text(),
            "step users\nmake_users a 'site a' /srv/www/a /usr/sbin/nologin b 'site a' /srv/www/a /usr/sbin/nologin\n\
             own_again a /srv/www/a b /srv/www/a\n"
        );
    }
}
