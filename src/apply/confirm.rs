//! New firewall rules on trial: a new connection says that it came through, or the old ones come back by themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::Failure;
use crate::item::ruleset::confirmation;
use crate::model::Server;
use crate::plan::{Observing, observe};
use crate::transport::{Connector, TransportError};

/// How long after its time the server's own timer may need to bring the old rules back.
const GRACE: Duration = Duration::from_secs(3);

/// How often a server is tried that is not reached.
const PAUSE: Duration = Duration::from_millis(500);

/// A trial under way.
pub(super) struct Trial {
    connector: Connector,
    server: Server,
    /// When the old rules come back.
    end: Instant,
    confirming: JoinHandle<Result<(), String>>,
}

impl Trial {
    /// Opens a new connection and confirms by it, as often as it takes and there is time.
    pub(super) fn begin(connector: &Connector, server: &Server, id: &str, limit: Duration) -> Self {
        let end = Instant::now() + limit;
        let (own, to, script) = (connector.clone(), server.clone(), confirmation(id));
        let confirming = tokio::spawn(async move {
            let mut reason = String::new();
            let attempts = async {
                loop {
                    let said = async {
                        let mut session = own.open(&to).await?;
                        let mut confirmed = false;
                        let output = session
                            .exchange(&script, &mut |line| confirmed |= line == "@confirmed")
                            .await;
                        session.close().await;
                        output.map(|output| (confirmed, output.stderr))
                    };
                    match said.await {
                        Ok((true, _)) => return true,
                        Ok((false, stderr)) => {
                            reason = stderr;
                            return false;
                        }
                        Err(error) => reason = message(&error, &to),
                    }
                    sleep(PAUSE).await;
                }
            };
            match timeout_at(end, attempts).await {
                Ok(true) => Ok(()),
                _ => Err(reason),
            }
        });
        Self {
            connector: connector.clone(),
            server: server.clone(),
            end,
            confirming,
        }
    }

    /// Why no new connection could confirm.
    pub(super) async fn trouble(self) -> Option<String> {
        self.confirming
            .await
            .ok()?
            .err()
            .filter(|reason| !reason.is_empty())
    }

    /// What became of it when the connection that waited for it broke: why it was not confirmed, when everything is as
    /// before again; `None` when it was confirmed or is not known.
    pub(super) async fn aftermath(self) -> Option<Failure> {
        let trouble = self.confirming.await.ok()?.err()?;
        let details = Some(trouble).filter(|trouble| !trouble.is_empty());
        sleep_until(self.end + GRACE).await;
        let how = Observing::ToChange {
            wait: 30,
            owner: "fleet, to see what became of new firewall rules".to_owned(),
            confirm: 30,
            retention: 30 * 86_400,
        };
        let script = observe::script(&BTreeSet::new(), &how);
        for _ in 0..10 {
            if let Ok(mut session) = self.connector.open(&self.server).await {
                let mut lines = Vec::new();
                let read = session
                    .exchange(&script, &mut |line| lines.push(line.to_owned()))
                    .await;
                session.close().await;
                let facts = observe::facts(lines.iter().map(String::as_str));
                if let (Ok(_), Some(facts)) = (read, facts)
                    && facts.locked.is_none()
                    && facts.unrecovered.is_none()
                    && facts.broken.is_none()
                {
                    return Some(Failure {
                        resource: None,
                        reason: "no new connection came through the new rules in time".to_owned(),
                        details: details.into_iter().collect(),
                        hints: Vec::new(),
                        undone: true,
                    });
                }
            }
            sleep(PAUSE).await;
        }
        None
    }
}

fn message(error: &TransportError, server: &Server) -> String {
    error.diagnostic(&server.name).message
}
