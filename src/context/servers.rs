//! The way to the servers: what the transport has to know of the user, the inventory and the runs before.

use std::path::Path;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::Context;
use crate::diagnostic::Diagnostic;
use crate::model::ServerName;
use crate::shell::Secret;
use crate::state::Read;
use crate::transport::{Connector, Limits, LoginKeys, Notice, Passphrase, Settings, SshConfig};
use crate::ui::format;

/// Files that a run has open without any connection, by a generous count: the state, the inventory, key files, the
/// terminal, what a command writes to.
const FILES: u64 = 256;

/// The same by a tight count, for who may have no more than these.
const FEWEST_FILES: u64 = 40;

/// Files for a server: its connection, and while it is opened `ssh -G`, the agent and the name service.
const FILES_PER_SERVER: u64 = 4;

/// Lets this process have as many files open as a run over all servers needs, where the system allows it; it takes
/// 1,024 for enough (getrlimit(2), `RLIMIT_NOFILE`). Not more than that: some programs close every file they might have.
///
/// Returns how many servers may be talked to at a time.
fn allow_files(servers: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let needed = FILES + FILES_PER_SERVER * servers as u64;
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |most| most.min(needed)));
        // Where it stays as it was, fewer servers are talked to at a time.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < needed => servers_with(files),
        _ => usize::MAX,
    }
}

/// How many servers can be talked to with so many files.
fn servers_with(files: u64) -> usize {
    let servers = files.saturating_sub(FEWEST_FILES) / FILES_PER_SERVER;
    usize::try_from(servers).unwrap_or(usize::MAX).max(1)
}

impl Context {
    /// How many files this process may have open at most (`None`: any number), and how many a run over so many servers
    /// may take.
    pub fn open_files(&self, servers: usize) -> (Option<u64>, u64) {
        let needed = FILES + FILES_PER_SERVER * servers as u64;
        (getrlimit(Resource::Nofile).maximum, needed)
    }

    /// The way to the servers, with the time limits of the inventory.
    pub fn connector(&self) -> anyhow::Result<Connector> {
        let servers = self.inventory()?.servers.len();
        let mut settings = self.transport_settings()?;
        settings.at_once = allow_files(servers);
        if settings.at_once < servers {
            self.ui.note(&format!(
                "at most {} at a time: this process may not have more files open (`ulimit -Hn`)",
                format::count(settings.at_once, "server")
            ));
        }
        Ok(Connector::new(settings))
    }

    /// Like [`Self::connector`], before anything is changed in it.
    pub fn transport_settings(&self) -> anyhow::Result<Settings> {
        let inventory = self.inventory()?;
        let mut settings = Settings::new(self.home().as_deref());
        settings.local_user = self.local_user();
        settings.agent = self.agent_socket();
        let environment = self.environment.clone();
        settings.variable = Arc::new(move |name| environment.text(name));
        if let Some(shell) = self.shell() {
            settings.shell = shell;
        }
        settings.keys = self.login_keys()?;
        settings.servers = inventory.servers.clone();
        settings
            .own_known_hosts
            .clone_from(&inventory.settings.known_hosts);
        if !inventory.settings.ssh_config {
            settings.ssh_config = SshConfig::Ignore;
        }
        settings.limits = Limits {
            connect: inventory.settings.connect_timeout,
            idle: inventory.settings.idle_timeout,
            total: inventory.settings.total_timeout,
            ..Limits::default()
        };
        if let Some(state) = self.state_to_read()? {
            let records = state.read(Read::servers)?;
            let keys = records
                .into_iter()
                .filter_map(|(name, record)| Some((name, record.identity?)));
            settings.login_keys = keys.collect();
        }
        let ui = Arc::clone(&self.ui);
        settings.on_notice = Some(Arc::new(move |server: &ServerName, notice: &Notice| {
            ui.note(&format!("{server}: {notice}"));
        }));
        Ok(settings)
    }

    /// The keys to log in with, the same for all connectors of this run: who typed a passphrase is not asked again in the
    /// middle of a roll-out, and a file that can be read only once is.
    fn login_keys(&self) -> anyhow::Result<Arc<LoginKeys>> {
        if let Some(keys) = self.login_keys.get() {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(LoginKeys::new(self.passphrase()?));
        Ok(Arc::clone(self.login_keys.get_or_init(|| keys)))
    }

    /// Where the passphrase of an encrypted key comes from: a file, else the terminal.
    fn passphrase(&self) -> anyhow::Result<Passphrase> {
        if let Some(file) = self.passphrase_file() {
            let text = self.read_file(&file).map_err(|error| {
                Diagnostic::usage(format!("{error:#}"))
                    .hint("`FLEET_KEY_PASSPHRASE_FILE` names this file")
            })?;
            let line = text.lines().next().unwrap_or_default();
            return Ok(Passphrase::Known(Secret::new(line)));
        }
        if !self.ui.settings().can_ask {
            return Ok(Passphrase::None);
        }
        let ui = Arc::clone(&self.ui);
        Ok(Passphrase::Ask(Arc::new(move |file: &Path, attempt| {
            let again = if attempt > 1 { " (again)" } else { "" };
            ui.ask_password(&format!("passphrase of {}{again}", file.display()))
                .ok()
                .flatten()
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_few_servers_and_never_none() {
        let allowed = [0, 40, 47, 64, 256, 1024].map(servers_with);
        assert_eq!(allowed, [1, 1, 1, 6, 54, 246]);
    }
}
