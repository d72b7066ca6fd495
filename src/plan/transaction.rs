//! One server's share of a plan as one script: all of it happens or none of it.

use std::collections::BTreeMap;

use super::{Action, Change, Mode, NGINX, PATHS, ServerPlan, names};
use crate::item::{
    Item, ItemType, Phase, Probe, Props, Removal, Steps, TRANSACTIONS, package,
    service::with_config_test, zone,
};
use crate::shell::Script;

/// The shell functions that undo scripts use, beside those of [`PATHS`] and [`NGINX`].
const UNDO: &str = include_str!("undo.sh");

/// A transaction, ready to be sent after the read of the same conversation.
#[derive(Clone, Debug)]
pub struct Transaction {
    script: Script,
}

/// What a running transaction says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It begins another step.
    Step(String),
    /// A sentence on why it fails.
    Why(String),
    /// What to do about it.
    Hint(String),
    /// A sentence on what is worth knowing though it goes on.
    Notice(String),
    /// The address of a request that was not answered as it should be.
    Suspect(String),
    /// What lies in a directory that was given to a user and is not theirs: how many, `USER:GROUP` and path.
    Strangers(String),
    /// New firewall rules wait for a new connection to confirm them; the id of the transaction.
    Confirm(String),
    /// They were not confirmed, and the old ones are back.
    Unconfirmed,
    /// A phase failed.
    Failed(String),
    /// A line that a tool wrote about the failure.
    Detail(String),
    /// Somebody has broken the lock; who.
    Lost(String),
    /// Everything was put back.
    Undone,
    /// The undo failed too: the next run will try again.
    Unrecovered(String),
    /// It is done and cannot be lost any more.
    Committed,
}

impl Progress {
    /// Reads a line of the script's output.
    pub fn parse(line: &str) -> Option<Self> {
        if let Some(step) = package::progress(line) {
            return Some(Self::Step(step));
        }
        let line = line.strip_prefix('@')?;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.to_owned();
        Some(match word {
            "step" => Self::Step(rest),
            "why" => Self::Why(rest),
            "hint" => Self::Hint(rest),
            "notice" => Self::Notice(rest),
            "suspect" => Self::Suspect(rest),
            "strangers" => Self::Strangers(rest),
            "confirm" => Self::Confirm(rest),
            "unconfirmed" => Self::Unconfirmed,
            "failed" => Self::Failed(rest),
            "detail" => Self::Detail(rest),
            "lost" => Self::Lost(rest),
            "undone" => Self::Undone,
            "unrecovered" => Self::Unrecovered(rest),
            "committed" => Self::Committed,
            _ => return None,
        })
    }
}

impl Transaction {
    /// The transaction of `changes`; `id` names it on the server (letters, digits and dashes), `task` is the number
    /// of the task for the trash, `probes` must be answered before it is committed, and so must those of `neighbours` that were
    /// answered before it began.
    pub fn new(
        changes: &[&Change],
        probes: &[&Probe],
        neighbours: &[&Probe],
        task: i64,
        id: &str,
    ) -> Self {
        let (mode, plan) = (Mode::Respect, ServerPlan::default());
        Self::part_of(&plan, changes, probes, neighbours, (task, id), mode)
    }

    /// Like [`Self::new`], of a plan that has some of what is to be made go back from the trash (see [`super::trash`]) and some
    /// of what is replaced go there, and where it may be insisted on names that somebody else's configuration has.
    pub fn part_of(
        plan: &ServerPlan,
        changes: &[&Change],
        probes: &[&Probe],
        neighbours: &[&Probe],
        (task, id): (i64, &str),
        mode: Mode,
    ) -> Self {
        let steps = steps(changes, task, plan);
        Self {
            script: compile(&steps, probes, neighbours, id, mode),
        }
    }

    /// The script.
    pub fn script(&self) -> &Script {
        &self.script
    }
}

/// Lets each type of item add its steps: what is made in the order of types, what goes away in the reverse.
fn steps(changes: &[&Change], task: i64, plan: &ServerPlan) -> Steps {
    let mut steps = Steps::new(task);
    // When it is tried again with fewer resources, what the others have in the trash stays there.
    let mut restored = plan.restored.clone();
    restored.retain(|key, _| changes.iter().any(|change| change.key == *key));
    steps.restore(restored);
    for key in &plan.replaced {
        steps.replace(&key.name);
    }
    for item_type in ItemType::ALL {
        let wanted: Vec<(&Item, Option<&Props>)> = changes
            .iter()
            .filter(|change| change.key.item_type == *item_type)
            .filter_map(|change| Some((change.item.as_ref()?, change.before.as_ref())))
            .collect();
        if !wanted.is_empty() {
            item_type.apply(&wanted, &mut steps);
        }
    }
    let trashed: Vec<String> = changes
        .iter()
        .filter(|change| {
            change.action == Action::Delete
                && change.key.item_type == ItemType::Dir
                && crate::item::dir::goes_to_trash(&change.after)
        })
        .map(|change| format!("{}/", change.key.name))
        .collect();
    for item_type in ItemType::ALL.iter().rev() {
        let removals: Vec<Removal<'_>> = changes
            .iter()
            .filter(|change| change.key.item_type == *item_type && change.action == Action::Delete)
            // What lies below a directory that moves to the trash moves with it.
            .filter(|change| !trashed.iter().any(|dir| change.key.name.starts_with(dir)))
            .map(|change| Removal {
                name: change.key.name.as_str(),
                applied: &change.after,
                fact: change.before.as_ref().unwrap_or(&change.after),
            })
            .collect();
        if !removals.is_empty() {
            item_type.remove(&removals, &mut steps);
        }
    }
    steps
}

fn compile(
    steps: &Steps,
    probes: &[&Probe],
    neighbours: &[&Probe],
    id: &str,
    mode: Mode,
) -> Script {
    let neighbours = if steps.reloads().is_empty() {
        &[]
    } else {
        neighbours
    };
    let mut script = Script::new();
    script.line("t={}", &[&format!("{TRANSACTIONS}/{id}")]);
    open(steps, &mut script);
    let insists = mode == Mode::Force;
    if steps.reloads().contains("nginx") && !insists {
        script.raw(names::SHELL);
    }
    let mut phases = vec!["journal"];
    let mut function = |name: &'static str, body: &Script| {
        if body.is_empty() {
            return;
        }
        script.raw(name).raw("() {\n").append(body).raw("}\n");
        phases.push(name);
    };
    let empty = Script::new();
    function("packages", steps.phase(Phase::Packages).unwrap_or(&empty));
    function("put_back", steps.phase(Phase::Restore).unwrap_or(&empty));
    function("prepare", &steps.preparing());
    function("stage", &staging(steps));
    function("check", &checking(steps, insists));
    function("baseline", &baseline(neighbours));
    function("commit", &committing(steps));
    function("services", steps.phase(Phase::Services).unwrap_or(&empty));
    function("reloads", &reloading(steps));
    function("objects", steps.phase(Phase::Objects).unwrap_or(&empty));
    function("probes", &probing(probes, !neighbours.is_empty()));
    function("network", steps.phase(Phase::Network).unwrap_or(&empty));
    function("finish", steps.phase(Phase::Finish).unwrap_or(&empty));
    // Where it writes: if that fails, which disk is full.
    script.raw("places() { set -- \"$state\"");
    script.words(steps.touched_dirs());
    script.raw("\nstat -f -c '%f %n' -- \"$@\" 2>/dev/null\n}\n");
    script.raw("transact() {\nfailed=\n");
    for phase in phases {
        script.raw("phase ").raw(phase).raw("\n");
    }
    script.raw("[ -z \"$failed\" ] || return 0\n");
    // Empty by now. Afterwards nobody would find them: once it is committed, all traces are in one directory.
    let stages = steps.stage_dirs();
    script.each("rm -rf --", stages.iter().map(String::as_str));
    script.raw("mv -T -- \"$t\" \"$t.done\" || return\nflush \"$t.done\"");
    script.words(steps.touched_dirs());
    script.raw("\nprintf '@committed\\n'\nrm -rf -- \"$t.done\"\n");
    let trash = steps.trash_dirs();
    if !trash.is_empty() {
        script.raw("expire").words(trash);
        script.raw(" </dev/null >/dev/null 2>&1 4>&- 9>&- &\n");
    }
    script.raw("}\ntransact\n");
    script
}

/// The phase that keeps what the undo needs; until it is on the disk, nothing else happens.
fn open(steps: &Steps, script: &mut Script) {
    let mut undo = Script::new();
    undo.raw("t=$1 bad=0 state=${1%/tx/*}\n")
        .raw(PATHS)
        .raw(NGINX)
        .raw(zone::SHELL)
        .raw(UNDO)
        .append(&steps.undoing());
    for unit in steps.reloads() {
        undo.raw("again ").arg(unit);
        with_config_test(unit, |test| {
            undo.words(test.iter().flat_map(|test| test.command).copied());
        });
        undo.raw("\n");
    }
    undo.raw("exit $bad\n");
    // Whoever breaks the lock looks for such a directory after it has taken the lock away: one of both sees the other.
    script.raw("journal() {\numask 077\nmkdir -p -- \"$t/save\"\nheld\n");
    script.append(&steps.saving());
    script
        .raw("printf %s ")
        .arg(undo.text())
        .raw(" >\"$t/undo.sh\"\nsync -f \"$t\"\n: >\"$t/ready\"\n}\n");
}

fn staging(steps: &Steps) -> Script {
    let mut script = Script::new();
    if let Some(contents) = steps.phase(Phase::Stage) {
        script.raw("step staging\numask 077\n");
        let stages = steps.stage_dirs();
        let stages = || stages.iter().map(String::as_str);
        script.each("mkdir -p --", stages()).append(contents);
        if stages().next().is_some() {
            script.raw("flush").words(stages()).raw("\n");
        }
    }
    script
}

/// Tests a copy of each configuration with the changes in place, and whether somebody else has names in it.
fn checking(steps: &Steps, insists: bool) -> Script {
    let mut script = Script::new();
    for unit in steps.reloads() {
        with_config_test(unit, |test| {
            let Some(test) = test else { return };
            script.line("step {}", &[&format!("testing {unit}")]);
            script.line("if [ -d {} ]; then", &[test.tree]);
            script.raw("copy_tree ").arg(test.tree);
            script.words(steps.touched_in(test.tree));
            script
                .raw("\nroot=$t/copy\n")
                .append(&steps.commit(Some(test.tree)));
            let refuses = unit == "nginx" && !insists;
            script.raw(if refuses { "dump=-T\n" } else { "dump=\n" });
            script.raw("test_config ").arg(unit).raw(" ").arg(test.tree);
            script.words(test.command.iter().copied()).raw("\n");
            if refuses {
                script.raw("refuse_taken\n");
            }
            script.raw("fi\n");
        });
    }
    script
}

fn committing(steps: &Steps) -> Script {
    let mut script = Script::new();
    let commit = steps.commit(None);
    if !commit.is_empty() {
        script.raw(": >\"$t/live\"\nroot=\n").append(&commit);
    }
    script.append(&steps.trashing());
    script
}

fn reloading(steps: &Steps) -> Script {
    let mut script = Script::new();
    if !steps.reloads().is_empty() {
        script.raw("mark_nginx_logs\n");
    }
    // nginx last: what answers behind it should be there when it asks.
    let (nginx, others): (Vec<_>, Vec<_>) =
        steps.reloads().iter().partition(|unit| *unit == "nginx");
    for unit in others.into_iter().chain(nginx) {
        script.line("reload {}", &[unit]);
    }
    script
}

/// Finds out which neighbours answer before anything changes: only those must answer afterwards.
fn baseline(neighbours: &[&Probe]) -> Script {
    let mut script = Script::new();
    if !neighbours.is_empty() {
        requests(neighbours, &mut script);
        script.raw("probe_once\ncut -d ' ' -f 2- \"$t/unwell\" >\"$t/out-already\"\n");
        script.raw("grep -vxFf \"$t/out-already\" \"$t/probes\" | head -n 2 >\"$t/neighbours\"\n");
    }
    script
}

fn probing(probes: &[&Probe], neighbours: bool) -> Script {
    let mut script = Script::new();
    if probes.is_empty() && !neighbours {
        return script;
    }
    requests(probes, &mut script);
    if neighbours {
        script.raw("cat \"$t/neighbours\" >>\"$t/probes\"\n");
    }
    script.raw("probe_all\n");
    script
}

/// The script that makes requests on the server itself, and says `@why` of those that are not answered as they should be.
pub fn check(probes: &[Probe]) -> Script {
    let mut script = Script::new();
    script.raw(PATHS).raw(NGINX).raw(super::observe::PRELUDE);
    script.raw("mkdir -p -m 700 -- \"$run\" && t=$(mktemp -d \"$run/check.XXXXXX\") || exit 74\n");
    requests(&probes.iter().collect::<Vec<_>>(), &mut script);
    script.raw("probe_all || :\nrm -rf -- \"$t\"\n");
    script
}

/// Writes the requests to `$t/probes`, each once.
fn requests(probes: &[&Probe], script: &mut Script) {
    let distinct: BTreeMap<String, &Probe> =
        probes.iter().map(|probe| (probe.url(), *probe)).collect();
    script.raw(": >\"$t/probes\"\n");
    if distinct.is_empty() {
        return;
    }
    script.raw("printf '%s\\n'");
    for (url, probe) in &distinct {
        let (min, max) = (probe.status_min, probe.status_max);
        script
            .raw(" ")
            .arg(&format!("{min} {max} {url} {} {}", probe.host, probe.path));
    }
    script.raw(" >\"$t/probes\"\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Dir, Key, User, dir::OnRemove, file::of_nginx};

    fn create(item: Item) -> Change {
        Change {
            key: item.key(),
            action: Action::Create,
            before: None,
            after: item.wanted(),
            item: Some(item),
            owners: Vec::new(),
            drift: false,
        }
    }

    #[test]
    fn users_come_before_the_directories_they_own() {
        let dir = create(Item::from(Dir {
            path: "/srv/www/a".to_owned(),
            mode: 0o750,
            owner: "w-a".to_owned(),
            group: "www-data".to_owned(),
            on_remove: OnRemove::Trash,
            service: None,
        }));
        let user = create(Item::from(User {
            name: "w-a".to_owned(),
            home: "/srv/www/a".to_owned(),
            shell: "/usr/sbin/nologin".to_owned(),
            comment: "a".to_owned(),
        }));
        let transaction = Transaction::new(&[&dir, &user], &[], &[], 1, "1-x");
        let text = transaction.script().text();
        let at = |what: &str| text.find(what).expect(what);
        assert!(
            at("\nmake_users w-a") < at("\nmake_dir 0750 /srv/www/a"),
            "{text}"
        );
    }

    #[test]
    fn what_is_tested_is_changed_in_a_copy_of_its_own() {
        let below = create(Item::from(of_nginx("/etc/nginx/fleet/a/x", "x")));
        let file = create(Item::from(of_nginx("/etc/nginx/conf.d/a.conf", "a")));
        let other = create(Item::from(of_nginx("/etc/nginx-other/b", "b")));
        let changes = [&below, &file, &other];
        let transaction = Transaction::new(&changes, &[], &[], 1, "1-x");
        let text = transaction.script().text();
        let copy = "\ncopy_tree /etc/nginx /etc/nginx/conf.d /etc/nginx/fleet/a\nroot=$t/copy\n";
        assert!(text.contains(copy), "{text}");
    }

    #[test]
    fn what_lies_in_a_trashed_directory_is_not_deleted_first() {
        let removal = |key: &str, props: &[(&str, &str)]| Change {
            key: key.parse::<Key>().expect("a key"),
            action: Action::Delete,
            before: None,
            after: props
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            item: None,
            owners: Vec::new(),
            drift: false,
        };
        let home = removal("dir /srv/www/a", &[("_on_remove", "trash")]);
        let inside = removal("file /srv/www/a/x", &[]);
        let beside = removal("file /srv/www/ab", &[("_service", "nginx")]);
        let transaction = Transaction::new(&[&home, &inside, &beside], &[], &[], 9, "9-x");
        let text = transaction.script().text();
        assert!(!text.contains("/srv/www/a/x"), "{text}");
        assert!(text.contains("\ntrash /srv/www/a 9\n"), "{text}");
        assert!(text.contains("reload nginx"), "{text}");
    }
}
