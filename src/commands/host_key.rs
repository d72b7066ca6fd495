//! Host keys that an admin accepts by their fingerprints.

use crate::context::Context;
use crate::diagnostic::{Diagnostic, ticked};
use crate::inventory::Inventory;
use crate::model::Server;
use crate::transport::{Connector, HostKey, TransportError};

/// A fingerprint, for an argument.
pub(super) fn fingerprint(text: &str) -> Result<String, String> {
    // 32 bytes in base64 without padding, as ssh-keygen(1) prints them.
    let hash = text
        .strip_prefix("SHA256:")
        .unwrap_or_default()
        .trim_end_matches('=');
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    if hash.len() == 43 && hash.chars().all(allowed) {
        Ok(format!("SHA256:{hash}"))
    } else {
        Err(
            "a fingerprint is `SHA256:` and 43 characters, as `ssh-keygen -lf` prints it"
                .to_owned(),
        )
    }
}

/// What makes connections with the servers of this inventory, which may not be the one of the file.
pub(super) fn connector(context: &Context, inventory: &Inventory) -> anyhow::Result<Connector> {
    let mut settings = context.transport_settings()?;
    settings.servers.clone_from(&inventory.servers);
    Ok(Connector::new(settings))
}

/// Refuses a key that is none of those that were given.
pub(super) fn refuse_other(
    server: &Server,
    key: &HostKey,
    given: &[String],
) -> Result<(), Diagnostic> {
    if given.contains(&key.fingerprint()) {
        return Ok(());
    }
    let mut error = Diagnostic::failed(format!(
        "server {} has another host key than `--fingerprint` says",
        ticked(server.name.as_str())
    ));
    for expected in given {
        error = error.detail(format!("expected:  {expected}"));
    }
    Err(error
        .detail(format!(
            "presented: {} {}",
            key.algorithm(),
            key.fingerprint()
        ))
        .hint("somebody may answer in its place: nothing was sent to it")
        .hint("compare with `ssh-keygen -lf` of the key of that type in /etc/ssh on its console"))
}

/// A key that a server of the inventory presents and an admin accepts, and what it takes the place of.
pub(super) struct Accepted {
    key: HostKey,
    /// `recorded → presented`; `None` when it is recorded already.
    change: Option<String>,
    replaces: bool,
    /// What fleet does not write to and has another key.
    elsewhere: Option<String>,
}

impl Accepted {
    /// Connects to `server` as far as its key, which must be one of `given`.
    pub(super) fn meet(
        context: &Context,
        connector: &Connector,
        server: &Server,
        given: &[String],
    ) -> anyhow::Result<Self> {
        let key = context
            .block_on(connector.fetch_host_key(server))?
            .map_err(|error| error.diagnostic(&server.name))?;
        refuse_other(server, &key, given)?;
        let presented = format!("{} {}", key.algorithm(), key.fingerprint());
        let (before, replaces, place) = match key.verdict() {
            Ok(()) => (None, false, None),
            Err(TransportError::HostKeyUnknown { .. }) => (Some("-".to_owned()), false, None),
            Err(TransportError::HostKeyChanged {
                expected,
                place: Some(place),
                ..
            }) => (Some(expected.join(", ")), true, Some(place)),
            Err(error) => return Err(error.diagnostic(&server.name).into()),
        };
        let elsewhere = place
            .filter(|place| key.file() != Some(&*place.file))
            .map(ToString::to_string);
        Ok(Self {
            change: before.map(|before| format!("host key: {before} → {presented}")),
            replaces: replaces && elsewhere.is_none(),
            elsewhere,
            key,
        })
    }

    /// What is other than before, in words.
    pub(super) fn change(&self) -> Option<&str> {
        self.change.as_deref()
    }

    /// Records it.
    pub(super) fn record(
        &self,
        context: &Context,
        connector: &Connector,
        server: &Server,
    ) -> anyhow::Result<()> {
        if self.change.is_none() {
            return Ok(());
        }
        let recorded = async {
            if self.replaces {
                connector.replace(&self.key).await
            } else {
                connector.pin(&self.key).await
            }
        };
        context
            .block_on(recorded)?
            .map_err(|error| error.diagnostic(&server.name))?;
        if let Some(place) = &self.elsewhere {
            context.ui.warn(&format!(
                "the old key of `{}` stays recorded in {place}, which is not fleet's to write to",
                server.name
            ));
        }
        Ok(())
    }
}
