//! A plan in a file: written when it was made, and applied only as long as it is exactly what would be made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::flags::Flags;
use super::jobs::{Jobs, There};
use crate::apply::ServerReport;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Resource, ResourceName, ReviewedPlan, Server, ServerName};
use crate::plan::reviewed::{Expected, Reviewed, Seal, hex};
use crate::state::Read;
use crate::ui::format;

/// The format that this fleet writes and reads.
const FORMAT: u32 = 1;

/// The key by which a file is known.
const MAGIC: &str = "\"fleet_plan\"";

/// A file as it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    fleet_plan: u32,
    id: String,
    /// The mark of the body.
    mark: String,
    body: Body,
}

/// What was planned. No value of a server or of a secret is in it: only marks that compare.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    made_at: Timestamp,
    by: String,
    on: String,
    /// The newest task at that time.
    task: i64,
    force: bool,
    adopt: bool,
    /// The resources it is narrowed to.
    only: Option<BTreeSet<ResourceName>>,
    servers: BTreeMap<ServerName, Planned>,
}

/// What was planned on a server.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    /// The mark of its entry in the inventory.
    entry: String,
    /// The resources there, with their generations.
    resources: BTreeMap<String, i64>,
    plan: Reviewed,
}

/// A plan that was read, found whole, and fits what is recorded.
pub(super) struct PlanFile {
    pub(super) body: Body,
    seal: Seal,
    plan: ReviewedPlan,
}

/// What a run has to come to on each server, and which plan says so.
pub(super) struct Reviewing {
    pub(super) expected: BTreeMap<ServerName, Expected>,
    pub(super) plan: ReviewedPlan,
}

/// What a plan is made of besides the reports.
pub(super) struct Parts {
    resources: BTreeMap<ServerName, There>,
    only: Option<BTreeSet<ResourceName>>,
}

impl Parts {
    /// Those of these jobs.
    pub(super) fn of(jobs: &Jobs<'_>) -> Self {
        Self {
            resources: jobs.resources.clone(),
            only: jobs.only.names(),
        }
    }
}

fn generations(resources: Option<&There>) -> BTreeMap<String, i64> {
    let resources = resources.into_iter().flat_map(|resources| resources.iter());
    let entry = |resource: &Arc<Resource>| (resource.name.to_string(), resource.generation);
    resources.map(entry).collect()
}

fn entry(server: &Server, seal: &Seal) -> Result<String, Diagnostic> {
    let text = serde_json::to_vec(server).map_err(|error| Diagnostic::failed(error.to_string()))?;
    Ok(seal.mark(&text))
}

/// Writes what was planned to a file; returns its id. Servers without changes are not in it, nor those that could not be
/// asked.
pub(super) fn write(
    context: &Context,
    path: &Path,
    reports: &[ServerReport],
    parts: Parts,
    flags: &Flags,
) -> anyhow::Result<String> {
    let mut random = [0_u8; 48];
    context.random(&mut random)?;
    let (id, key) = random.split_at(16);
    let id = hex(id);
    let seal = Seal::new(key);
    let inventory = context.inventory()?;
    let mut servers = BTreeMap::new();
    for report in reports.iter().filter(|report| report.error.is_none()) {
        let Some(server) = inventory.servers.get(&report.server) else {
            continue;
        };
        if report.plan.changes.is_empty() {
            continue;
        }
        let planned = Planned {
            entry: entry(server, &seal)?,
            resources: generations(parts.resources.get(&report.server)),
            plan: Reviewed::of(&report.plan, &seal),
        };
        servers.insert(report.server.clone(), planned);
    }
    let now = context.now();
    let task = context.state()?.write(|write| {
        write.add_plan(&id, key, now)?;
        write.newest_task()
    })?;
    let body = Body {
        made_at: now,
        by: context.operator(),
        on: context.host(),
        task,
        force: flags.force,
        adopt: flags.adopt,
        only: parts.only,
        servers,
    };
    let whole = Whole {
        fleet_plan: FORMAT,
        id,
        mark: seal.mark(&serde_json::to_vec(&body)?),
        body,
    };
    let text = serde_json::to_string_pretty(&whole)? + "\n";
    put(path, text.as_bytes()).map_err(|error| {
        Diagnostic::failed(format!("cannot write `{}`: {error}", path.display()))
    })?;
    Ok(whole.id)
}

/// Puts a file in its place whole, readable for its owner alone.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    // Another fleet may be writing the same plan.
    part.push(format!(".{}.part", std::process::id()));
    // One that is left over may have another mode.
    let _ = std::fs::remove_file(&part);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| std::fs::rename(&part, path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    placed
}

/// Whether a word names the file of a plan, and not a resource.
pub(super) fn is_plan(word: &str) -> bool {
    let path = Path::new(word);
    let is_named = path.extension().is_some_and(|end| end == "plan");
    is_named || begins_as_plan(path)
}

fn begins_as_plan(path: &Path) -> bool {
    let beginning = || -> std::io::Result<Vec<u8>> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(path)?
            .take(64)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let begins = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(MAGIC);
    beginning().is_ok_and(begins)
}

/// Refuses to put a plan in the place of what is none: a slip may name any file.
pub(super) fn refuse_other(path: &Path) -> Result<(), Diagnostic> {
    let Ok(there) = path.symlink_metadata() else {
        return Ok(());
    };
    let is_free = there.is_file() && (there.len() == 0 || begins_as_plan(path));
    if is_free {
        return Ok(());
    }
    let message = format!("`{}` is there already, and is no plan", path.display());
    Err(Diagnostic::usage(message).hint("name another file, or take that one away first"))
}

impl PlanFile {
    /// Reads a file, and refuses one that is not what this state has written.
    pub(super) fn read(context: &Context, word: &str) -> anyhow::Result<Self> {
        let text = context.read_file(Path::new(word))?;
        let refused = |why: &str| Diagnostic::usage(format!("`{word}` {why}"));
        let format: Option<u64> = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| value.get("fleet_plan")?.as_u64());
        match format {
            None => {
                return Err(refused("is no plan of fleet")
                    .hint("`fleet plan --out FILE` writes one")
                    .into());
            }
            Some(format) if format != u64::from(FORMAT) => {
                let why = format!("has format {format}, and this fleet reads format {FORMAT}");
                return Err(refused(&why)
                    .hint("make it again: `fleet plan --out FILE`")
                    .into());
            }
            Some(_) => {}
        }
        let damaged = || {
            refused("was changed since fleet wrote it")
                .hint("make it again: `fleet plan --out FILE`")
        };
        let whole: Whole = serde_json::from_str(&text).map_err(|_| damaged())?;
        let key = match context.state_to_read()? {
            Some(state) => state.read(|read: &Read| read.plan_key(&whole.id))?,
            None => None,
        };
        let key = key.ok_or_else(|| {
            refused("is not a plan of this state database, or older than 30 days")
                .hint("`--state` and FLEET_STATE name the state database that it was made with")
        })?;
        let seal = Seal::new(&key);
        if seal.mark(&serde_json::to_vec(&whole.body)?) != whole.mark {
            return Err(damaged().into());
        }
        // For those who go on with it from elsewhere.
        let file = std::fs::canonicalize(word).unwrap_or_else(|_| word.into());
        Ok(Self {
            body: whole.body,
            seal,
            plan: ReviewedPlan {
                file: file.display().to_string(),
                id: whole.id,
            },
        })
    }

    /// Reads the plan again that task number `task` carried out, as far as it is about these servers: on others it is done.
    pub(super) fn again(
        context: &Context,
        task: i64,
        plan: &ReviewedPlan,
        servers: &[&Server],
    ) -> anyhow::Result<Self> {
        let file = &plan.file;
        let refused = |why: &str| {
            Diagnostic::usage(format!(
                "task {task} carried out the plan in `{file}`, {why}"
            ))
            .hint("make another one of what is left: `fleet plan --out FILE`")
        };
        if !Path::new(file).exists() {
            return Err(refused("which is not there any more").into());
        }
        let mut again = Self::read(context, file)?;
        if again.plan.id != plan.id {
            return Err(refused("and another plan is there by now").into());
        }
        let is_left = |name: &ServerName| servers.iter().any(|server| server.name == *name);
        again.body.servers.retain(|name, _| is_left(name));
        Ok(again)
    }

    /// The servers it is about, as the inventory has them; an error for those that it has otherwise by now.
    pub(super) fn servers<'c>(&self, context: &'c Context) -> anyhow::Result<Vec<&'c Server>> {
        let inventory = context.inventory()?;
        let mut servers = Vec::new();
        let mut reasons = Vec::new();
        for (name, planned) in &self.body.servers {
            match inventory.servers.get(name) {
                None => reasons.push(format!("`{name}` is not in the inventory")),
                Some(server) if entry(server, &self.seal)? != planned.entry => {
                    reasons.push(format!(
                        "the entry of `{name}` in the inventory has changed since"
                    ));
                }
                Some(server) => servers.push(server),
            }
        }
        self.refuse(reasons)?;
        Ok(servers)
    }

    /// Refuses when what is recorded of the resources has changed since.
    pub(super) fn fits(&self, context: &Context, jobs: &Jobs<'_>) -> anyhow::Result<()> {
        let mut changed = BTreeSet::new();
        for (name, planned) in &self.body.servers {
            let now = generations(jobs.resources.get(name));
            let then = planned.resources.iter();
            let differ =
                then.filter(|(resource, generation)| now.get(*resource) != Some(generation));
            changed.extend(differ.map(|(resource, _)| resource.clone()));
            changed.extend(
                now.into_keys()
                    .filter(|resource| !planned.resources.contains_key(resource)),
            );
        }
        let mut reasons = Vec::new();
        for name in changed {
            let (kind, of_kind) = name.split_once(' ').unwrap_or((&name, ""));
            let resource = ResourceName::new(kind, of_kind);
            let later = context
                .state()?
                .read(|read: &Read| read.later_changes(self.body.task, &resource))?;
            let tasks: Vec<String> = later
                .iter()
                .map(|(id, command)| format!("{id} (`{command}`)"))
                .collect();
            reasons.push(match tasks.len() {
                0 => format!("{name} has changed since"),
                1 => format!("{name}: task {} has changed it since", tasks[0]),
                _ => format!("{name}: tasks {} have changed it since", tasks.join(", ")),
            });
        }
        self.refuse(reasons)
    }

    fn refuse(&self, reasons: Vec<String>) -> anyhow::Result<()> {
        if reasons.is_empty() {
            return Ok(());
        }
        let at = format::time(self.body.made_at);
        let mut error = Diagnostic::failed(format!(
            "the plan of {at} does not fit any more, and nothing was changed"
        ));
        error.details = reasons;
        Err(Diagnostics(vec![error.hint("make it again: `fleet plan --out FILE`")]).into())
    }

    /// What is expected on each server.
    pub(super) fn expected(&self) -> Reviewing {
        let servers = self.body.servers.iter();
        let expected = |planned: &Planned| Expected {
            plan: planned.plan.clone(),
            seal: self.seal.clone(),
        };
        Reviewing {
            expected: servers
                .map(|(name, planned)| (name.clone(), expected(planned)))
                .collect(),
            plan: self.plan.clone(),
        }
    }

    /// How it was planned to go about what others wrote, and which resources it is about.
    pub(super) fn mode(&self, flags: &mut Flags) -> Option<BTreeSet<ResourceName>> {
        flags.force = self.body.force;
        flags.adopt = self.body.adopt;
        self.body.only.clone()
    }
}
