//! Where a job is on its server, and the items that make it.
//!
//! Files of `/etc/cron.d`, not timers of systemd: the schedule means exactly what crontab(5) says (systemd cannot say
//! "this day of the month or that day of the week"), cron takes up a new file by itself within a minute, so that a
//! change is a file and nothing to reload, and it is where an admin looks for cron jobs.

use super::check::Checked;
use super::{Cron, Mail, Overlap};
use crate::diagnostic::Invalid;
use crate::item::dir::OnRemove;
use crate::item::file::Content;
use crate::item::{Dir, File, Item, Package, Service};
use crate::kind::Compile;
use crate::shell::{Script, quote};

/// Holds the settings of each job (`NAME.conf`) and what its user's shell is given (`NAME.sh`). Root's alone: a command
/// may hold what not everybody is to see.
const SETTINGS: &str = "/etc/fleet/cron";
/// Holds a directory for each job, with its history and the output of its runs. Root's alone: nobody whose job it is
/// can put a link there, or look at what another one printed.
const RUNS: &str = "/var/lib/fleet/cron";
/// Runs every job. One file for all of them, so that a new version of it is one change and not hundreds.
const RUNNER: &str = "/usr/local/lib/fleet/cron-run";

const RUNNER_TEXT: &str = include_str!("runner.sh");

/// The file that cron reads; cron passes over names with a dot in them.
pub(super) fn crontab(name: &str) -> String {
    format!("/etc/cron.d/fleet-{name}")
}

/// Where the history of a job is, and the output of its runs.
pub(super) fn runs(name: &str) -> String {
    format!("{RUNS}/{name}")
}

/// Its history.
pub(super) fn history(name: &str) -> String {
    format!("{RUNS}/{name}/history")
}

/// Appends what runs a job at once.
pub(super) fn run_now(name: &str, out: &mut Script) {
    out.line("if [ ! -x {} ]; then", &[RUNNER]);
    out.raw(
        "echo 'it was not applied to this server yet: `fleet apply` does' >&2\n(exit 69)\nelse\n",
    );
    out.line("{} {} now", &[RUNNER, name]);
    out.raw("fi\n");
}

/// The items of a job. A suspended one, and one of a suspended site, is all there but for the file that cron reads.
pub(super) fn items(cron: &Cron, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let job = cron.check()?;
    let name = input.name;
    let mut items: Vec<Item> = vec![
        Package {
            name: "cron".to_owned(),
        }
        .into(),
        Service {
            unit: "cron".to_owned(),
        }
        .into(),
        dir("/etc/fleet", 0o755, OnRemove::IfEmpty),
        dir(SETTINGS, 0o700, OnRemove::IfEmpty),
        dir("/usr/local/lib/fleet", 0o755, OnRemove::IfEmpty),
        dir(RUNS, 0o700, OnRemove::IfEmpty),
        dir(&runs(name), 0o700, OnRemove::Trash),
        file(RUNNER, 0o755, RUNNER_TEXT.to_owned()),
        file(
            &format!("{SETTINGS}/{name}.conf"),
            0o600,
            settings(name, &job),
        ),
        file(&format!("{SETTINGS}/{name}.sh"), 0o600, script(name, &job)),
    ];
    // Whoever suspends a site does not want its jobs to go on.
    let site = cron.site_name();
    let site = site.and_then(|site| input.fleet.resource(&site));
    if !input.suspended && !site.is_some_and(|site| site.suspended) {
        items.push(file(&crontab(name), 0o644, table(name, &job)));
    }
    Ok(items)
}

fn dir(path: &str, mode: u32, on_remove: OnRemove) -> Item {
    Dir {
        path: path.to_owned(),
        mode,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: None,
        on_remove,
    }
    .into()
}

fn file(path: &str, mode: u32, text: String) -> Item {
    File {
        path: path.to_owned(),
        content: Content::Text(text),
        mode,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: None,
        seed: false,
    }
    .into()
}

/// What cron reads. Nothing in it is anybody's text but the schedule and the address, both checked: what cron makes of
/// `%` and quotes is no matter.
fn table(name: &str, job: &Checked) -> String {
    let mail_to = if job.mail == Mail::Never {
        "\"\""
    } else {
        &job.mail_to
    };
    format!(
        "# Written by fleet: cron {name}. What it runs is in {SETTINGS}/{name}.sh.\n\
         SHELL=/bin/sh\n\
         MAILTO={mail_to}\n\
         {} root {RUNNER} {name}\n",
        job.schedule.text()
    )
}

/// What the runner reads, as root: numbers and known words alone.
fn settings(name: &str, job: &Checked) -> String {
    let overlap = match job.overlap {
        Overlap::Allow => "allow",
        Overlap::Forbid => "forbid",
        Overlap::Replace => "replace",
    };
    let mail = match job.mail {
        Mail::Always => "always",
        Mail::OnFailure => "on-failure",
        Mail::Never => "never",
    };
    format!(
        "# Written by fleet: how cron {name} runs.\n\
         user={}\n\
         timeout={}\n\
         overlap={overlap}\n\
         delay={}\n\
         retries={}\n\
         pause={}\n\
         mail={mail}\n\
         keep={}\n",
        quote(&job.user),
        job.timeout,
        job.delay,
        job.retries,
        job.pause,
        job.keep,
    )
}

/// What the user's shell gets on its standard input.
fn script(name: &str, job: &Checked) -> String {
    let user = &job.user;
    let mut lines = vec![
        format!("# Written by fleet: what cron {name} runs, as {user}."),
        // As cron has it.
        "umask 022".to_owned(),
    ];
    // Before the environment, which may change what `cd` does (CDPATH).
    let directory = match &job.directory {
        Some(path) if path.starts_with('/') => quote(path),
        Some(path) => format!("\"$HOME\"/{}", quote(path)),
        None => "\"$HOME\"".to_owned(),
    };
    lines.push(format!("cd -- {directory} || exit 72"));
    for (key, value) in &job.env {
        lines.push(format!("export {key}={}", quote(value)));
    }
    let command = quote(&job.command);
    lines.push(format!("exec /bin/sh -c {command} </dev/null"));
    lines.join("\n") + "\n"
}
