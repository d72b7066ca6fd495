//! A copy to a server.

use std::collections::{BTreeMap, BTreeSet};

use super::local::Pieces;
use super::script::{functions, part, run, send, split};
use super::{Broken, Copied, Entry, Manner, OnBytes, PATIENCE, PIECE, Tree};
use crate::model::Server;
use crate::shell::Script;
use crate::transport::{Connector, Session};

/// How many files are asked about at once.
const BATCH: usize = 200;

/// Copies `tree` to `target` on a server; into it, where it ends with a `/`, and a file also when that is a directory
/// there.
///
/// # Errors
/// Why it broke off as a whole; single files that fail are in what is returned.
pub async fn upload(
    connector: &Connector,
    server: &Server,
    tree: &Tree,
    target: &str,
    manner: &Manner,
    on_bytes: &mut OnBytes<'_>,
) -> Result<Copied, Broken> {
    let mut session = connector.open(server).await?;
    session.limits().idle = PATIENCE;
    session.limits().total = PATIENCE;
    let mut sending = Sending {
        session: &mut session,
        tree,
        manner,
        places: Vec::new(),
        copied: Copied {
            skipped: tree.skipped.clone(),
            ..Copied::default()
        },
        failed: BTreeMap::new(),
        sent: Vec::new(),
        done: 0,
        batch: Script::new(),
        pieces: Pieces::default(),
        steps: 0,
    };
    let ended = sending.all(target, on_bytes).await;
    let mut copied = sending.copied;
    copied.files = sending
        .sent
        .iter()
        .filter(|&index| !sending.failed.contains_key(index))
        .count();
    for (index, why) in sending.failed {
        let name = tree.files.get(index).map_or(target, |file| &file.name);
        copied.failed.push((name.to_owned(), why));
    }
    session.close().await;
    ended.map(|()| copied)
}

/// A copy under way.
struct Sending<'a> {
    session: &'a mut Session,
    tree: &'a Tree,
    manner: &'a Manner,
    /// Directory and name of each file there.
    places: Vec<(String, String)>,
    copied: Copied,
    /// Why files failed, by their number; one beyond the last is a directory.
    failed: BTreeMap<usize, String>,
    /// The files whose last step has been sent.
    sent: Vec<usize>,
    done: u64,
    /// Steps that have not been sent yet, what they are to take, and how many there are.
    batch: Script,
    pieces: Pieces,
    steps: usize,
}

impl Sending<'_> {
    async fn all(&mut self, target: &str, on_bytes: &mut OnBytes<'_>) -> Result<(), Broken> {
        run(self.session, &functions()).await?;
        let target = if self.tree.is_dir {
            self.of_dir(target)?
        } else {
            self.of_file(target).await?
        };
        if self.tree.is_dir {
            self.make_dirs(&target).await?;
        }
        for file in &self.tree.files {
            let path = if self.tree.is_dir {
                format!("{target}/{}", file.name)
            } else {
                target.clone()
            };
            let (dir, name) = split(&path);
            self.places.push((dir.to_owned(), name.to_owned()));
        }
        let parts = self.survey().await?;
        let all = self.tree.bytes();
        on_bytes(self.done, all);
        for (index, had) in parts {
            if !self.failed.contains_key(&index) {
                self.send(index, had, &mut |done| on_bytes(done, all))
                    .await?;
            }
        }
        self.flush(&mut |done| on_bytes(done, all)).await
    }

    /// What a directory becomes: the one that is named, or one of its own name in that.
    fn of_dir(&self, target: &str) -> Result<String, Broken> {
        let path = target.trim_end_matches('/');
        match (&self.tree.name, target.ends_with('/')) {
            (_, false) => Ok(path.to_owned()),
            (Some(own), true) => Ok(format!("{path}/{own}")),
            (None, true) => Err(Broken::Refused(format!(
                "what is copied has no name that it could have in `{target}`"
            ))),
        }
    }

    /// Where a single file goes: into a directory, if that is what there is.
    async fn of_file(&mut self, target: &str) -> Result<String, Broken> {
        let own = &self.tree.files[0].name;
        if target.ends_with('/') {
            return Ok(format!("{target}{own}"));
        }
        let (dir, name) = split(target);
        let mut asking = Script::new();
        asking
            .raw("kind_of_dir() { [ ! -d \"./$1\" ] || exit 3; }\nwithin ")
            .arg(dir);
        asking
            .raw(" kind_of_dir ")
            .arg(name)
            .raw("; echo \"@status $?\"\n");
        let lines = run(self.session, &asking).await?;
        Ok(
            match lines.iter().find_map(|line| line.strip_prefix("@status ")) {
                Some("3") => format!("{target}/{own}"),
                _ => target.to_owned(),
            },
        )
    }

    async fn make_dirs(&mut self, target: &str) -> Result<(), Broken> {
        let beyond = self.tree.files.len().to_string();
        let owner = self.manner.owner.as_deref().unwrap_or_default();
        let mut script = Script::new();
        let top = (target.to_owned(), self.tree.mode);
        let below = self
            .tree
            .dirs
            .iter()
            .map(|(name, mode)| (format!("{target}/{name}"), *mode));
        for (path, mode) in std::iter::once(top).chain(below) {
            let (dir, name) = split(&path);
            let mode = format!("{:04o}", self.manner.mode.map_or(mode, for_dir));
            script.line(
                "step {} {} make {} {} {}",
                &[&beyond, dir, name, &mode, owner],
            );
        }
        let lines = run(self.session, &script).await?;
        self.hear(&lines);
        match self.failed.remove(&self.tree.files.len()) {
            Some(why) => Err(Broken::Refused(format!("`{target}`: {why}"))),
            None => Ok(()),
        }
    }

    /// What is there already: the files that have to be sent, and how much of each is not needed again.
    async fn survey(&mut self) -> Result<Vec<(usize, u64)>, Broken> {
        let mut parts = Vec::new();
        let mut taken = BTreeSet::new();
        let numbers: Vec<usize> = (0..self.tree.files.len()).collect();
        for numbers in numbers.chunks(BATCH) {
            let mut script = Script::new();
            for &index in numbers {
                let file = &self.tree.files[index];
                let (dir, name) = &self.places[index];
                let (number, size) = (index.to_string(), file.size.to_string());
                let owner = self.manner.owner.as_deref().unwrap_or_default();
                let mode = self.mode(file);
                script.raw("within ").arg(dir).raw(" look").words([
                    number.as_str(),
                    name,
                    &size,
                    &file.sha256,
                    &mode,
                    owner,
                    part(file),
                ]);
                script.line(" || echo '@away' {}", &[&number]);
            }
            for line in run(self.session, &script).await? {
                let words: Vec<&str> = line.split(' ').collect();
                let Some(index) = words.get(1).and_then(|word| word.parse::<usize>().ok()) else {
                    continue;
                };
                let Some(file) = self.tree.files.get(index) else {
                    continue;
                };
                match words[0] {
                    "@same" => {
                        self.copied.unchanged += 1;
                        self.done += file.size;
                    }
                    "@dir" => {
                        self.failed
                            .insert(index, "there is a directory of that name".to_owned());
                    }
                    "@away" => {
                        let (dir, _) = &self.places[index];
                        let why = format!(
                            "there is no directory `{dir}`, or a link of somebody else is on the way"
                        );
                        self.failed.insert(index, why);
                    }
                    "@part" => {
                        let had = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(0);
                        // Of files with the same content the first one has what is there.
                        let is_own = taken.insert((&*self.places[index].0, part(file)));
                        let fits = is_own && had <= file.size;
                        parts.push((index, if fits { had } else { 0 }));
                    }
                    _ => {}
                }
            }
        }
        Ok(parts)
    }

    /// Sends a file, from `had` on; its last steps may wait for those of others.
    async fn send(
        &mut self,
        index: usize,
        had: u64,
        on_bytes: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), Broken> {
        let file = &self.tree.files[index];
        let (dir, name) = self.places[index].clone();
        let number = index.to_string();
        let mut offset = had;
        self.done += had;
        // An empty file is one piece too.
        let mut begun = file.size > 0;
        while offset < file.size || !begun {
            begun = true;
            let length = (file.size - offset).min(PIECE - self.pieces.left());
            let words = [
                &number,
                &length.to_string(),
                &dir,
                part(file),
                &offset.to_string(),
            ];
            self.batch.line("pour {} {} {} {} {}", &words);
            self.pieces.push(index, file.path.clone(), offset, length);
            offset += length;
            self.steps += 1;
            if self.pieces.left() >= PIECE || self.steps >= BATCH {
                self.flush(on_bytes).await?;
                if self.failed.contains_key(&index) {
                    return Ok(());
                }
            }
        }
        let (mode, owner) = (
            self.mode(file),
            self.manner.owner.as_deref().unwrap_or_default(),
        );
        let words = [
            &*number,
            &dir,
            part(file),
            &file.sha256,
            &mode,
            owner,
            &name,
        ];
        self.batch
            .line("step {} {} in_stage finish {} {} {} {} {}", &words);
        self.sent.push(index);
        Ok(())
    }

    /// Sends the steps that wait.
    async fn flush(&mut self, on_bytes: &mut (dyn FnMut(u64) + Send)) -> Result<(), Broken> {
        self.steps = 0;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let mut pieces = std::mem::take(&mut self.pieces);
        let (mut sent, done) = (0, self.done);
        let lines = send(self.session, &batch, &mut pieces, &mut |more| {
            sent += more;
            on_bytes(done + sent);
        })
        .await?;
        self.done += sent;
        self.copied.bytes += sent;
        for index in pieces.shorter {
            self.failed
                .insert(index, "it became shorter while it was copied".to_owned());
        }
        self.hear(&lines);
        Ok(())
    }

    fn hear(&mut self, lines: &[String]) {
        for line in lines {
            let told = line
                .strip_prefix("@failed ")
                .and_then(|rest| rest.split_once(' '));
            if let Some((index, why)) = told
                && let Ok(index) = index.parse()
            {
                self.failed.insert(index, why.trim().to_owned());
            }
        }
    }

    fn mode(&self, file: &Entry) -> String {
        format!("{:04o}", self.manner.mode.unwrap_or(file.mode))
    }
}

/// The mode of directories where files have `mode`: who may read may look inside.
fn for_dir(mode: u32) -> u32 {
    mode | ((mode & 0o444) >> 2) | 0o700
}
