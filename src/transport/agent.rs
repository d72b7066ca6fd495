//! ssh-agent(1): what it holds, and its signatures, for which a user may have to touch a token or to say yes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use tokio::net::UnixStream;
use tokio::sync::{Mutex, OnceCell, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// How long an agent may take to list its keys.
const AGENT_LIST: Duration = Duration::from_secs(3);

/// How many connections to the agent are open at once; ssh-agent(1) takes them one by one anyway.
const AGENT_PARALLEL: usize = 8;

/// How long a signature of an agent may take, once it is its turn: somebody may have to touch a token, or to say yes.
const AGENT_SIGNS: Duration = Duration::from_secs(60);

/// How often it is looked whether the agent still makes a login wait.
const AGENT_LOOK: Duration = Duration::from_millis(100);

/// The agents of a run.
pub(super) struct Agents {
    listed: Mutex<Vec<(PathBuf, Arc<OnceCell<AgentKeys>>)>>,
    signing: Semaphore,
    /// When an agent has last left a question without an answer.
    silent: std::sync::Mutex<HashMap<PathBuf, Instant>>,
    /// How long a signature may take.
    pub(super) limit: Duration,
}

/// What an agent holds, or why it does not say.
#[derive(Clone, Default)]
pub(super) struct AgentKeys {
    pub(super) identities: Vec<AgentIdentity>,
    pub(super) fault: Option<String>,
}

impl Agents {
    pub(super) fn new() -> Self {
        Self {
            listed: Mutex::new(Vec::new()),
            signing: Semaphore::new(AGENT_PARALLEL),
            silent: std::sync::Mutex::default(),
            limit: AGENT_SIGNS,
        }
    }

    /// Whether a signature is waited for.
    pub(super) fn are_signing(&self) -> bool {
        self.signing.available_permits() < AGENT_PARALLEL
    }

    /// What the agent at `socket` holds; asked once per run.
    pub(super) async fn keys(&self, socket: &Path) -> AgentKeys {
        let cell = {
            let mut agents = self.listed.lock().await;
            if let Some((_, cell)) = agents.iter().find(|(path, _)| path == socket) {
                Arc::clone(cell)
            } else {
                let cell = Arc::new(OnceCell::new());
                agents.push((socket.to_owned(), Arc::clone(&cell)));
                cell
            }
        };
        cell.get_or_init(async || {
            let listing = async {
                let mut agent = AgentClient::connect_uds(socket).await?;
                agent.request_identities().await
            };
            match timeout(AGENT_LIST, listing).await {
                Ok(Ok(identities)) => AgentKeys {
                    identities,
                    fault: None,
                },
                Ok(Err(error)) => AgentKeys {
                    identities: Vec::new(),
                    fault: Some(error.to_string()),
                },
                Err(_) => AgentKeys {
                    identities: Vec::new(),
                    fault: Some("it does not answer".to_owned()),
                },
            }
        })
        .await
        .clone()
    }

    /// Has an agent sign, when its turn has come. After it gave no answer it is left alone for a while: else every server
    /// would wait as long.
    pub(super) async fn sign(
        &self,
        socket: &Path,
        identity: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let limit = self.limit;
        let silence = || format!("no answer within {} s", limit.as_secs_f64());
        let _permit = self.signing.acquire().await;
        let silent = {
            let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
            silent.get(socket).copied()
        };
        if silent.is_some_and(|since| since.elapsed() < limit) {
            return Err(silence());
        }
        let signing = async {
            let mut agent: AgentClient<UnixStream> = AgentClient::connect_uds(socket).await?;
            agent.sign_request(identity, hash, to_sign).await
        };
        if let Ok(signed) = timeout(limit, signing).await {
            return signed.map_err(|error| error.to_string());
        }
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.insert(socket.to_owned(), Instant::now());
        Err(silence())
    }
}

/// The time that a login has waited for an agent, and since when it does.
#[derive(Default)]
pub(super) struct Waiting(std::sync::Mutex<(Duration, Option<Instant>)>);

impl Waiting {
    pub(super) fn begin(&self) {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waited.1 = Some(Instant::now());
    }

    pub(super) fn end(&self) {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = waited.1.take() {
            waited.0 += since.elapsed();
        }
    }

    /// The time since this was asked last, and whether it goes on.
    fn take(&self) -> (Duration, bool) {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut time = std::mem::take(&mut waited.0);
        if let Some(since) = &mut waited.1 {
            time += since.elapsed();
            *since = Instant::now();
        }
        (time, waited.1.is_some())
    }
}

/// What `doing` returns if it does before `deadline`, which the time for an agent moves: 32 servers may be waiting for one
/// that signs one after the other.
pub(super) async fn within<T>(
    deadline: &mut Instant,
    waiting: &Waiting,
    doing: impl Future<Output = T>,
) -> Option<T> {
    let mut doing = std::pin::pin!(doing);
    let mut wake = *deadline;
    loop {
        let done = timeout_at(wake, &mut doing).await;
        let (waited, goes_on) = waiting.take();
        *deadline += waited;
        match done {
            Ok(done) => return Some(done),
            Err(_) if goes_on => wake = (*deadline).max(Instant::now() + AGENT_LOOK),
            Err(_) if *deadline > Instant::now() => wake = *deadline,
            Err(_) => return None,
        }
    }
}
