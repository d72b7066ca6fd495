//! Questions to servers that change nothing: one script each, all at once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::model::{Server, ServerName};
use crate::shell::Script;
use crate::transport::{Connector, TransportError};

/// What one server said.
#[derive(Debug)]
pub struct Answer {
    /// The lines it printed.
    pub lines: Vec<String>,
    /// What its script wrote to standard error.
    pub stderr: String,
    /// The status the script ended with.
    pub status: i32,
    /// The connection by which it was reached, as `SSH_CONNECTION` has it.
    pub seen_as: Option<String>,
    /// Fingerprint of the key that logged in.
    pub login_key: Option<String>,
}

/// How servers are asked.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// How many at a time.
    pub parallel: usize,
    /// How long a script may take, silent or not; `None` leaves the limits of the settings.
    pub patience: Option<Duration>,
}

/// Sends each server its script and returns what they said, or why one could not; `parallel` servers at a time.
pub async fn ask(
    connector: &Connector,
    questions: Vec<(Server, Script)>,
    parallel: usize,
) -> BTreeMap<ServerName, Result<Answer, TransportError>> {
    let asking = Asking {
        parallel,
        patience: None,
    };
    asking.run(connector, questions, |_| {}).await
}

impl Asking {
    /// Asks; `on_answer` hears of each server that is done.
    pub async fn run(
        self,
        connector: &Connector,
        questions: Vec<(Server, Script)>,
        mut on_answer: impl FnMut(&ServerName),
    ) -> BTreeMap<ServerName, Result<Answer, TransportError>> {
        let parallel = self.parallel.clamp(1, connector.at_once().max(1));
        let mut waiting = questions.into_iter();
        let mut running = JoinSet::new();
        let mut answers = BTreeMap::new();
        loop {
            while running.len() < parallel
                && let Some((server, script)) = waiting.next()
            {
                let connector = connector.clone();
                running.spawn(async move {
                    let answer =
                        put(&connector, &server, &script, self.patience, &mut |_| {}).await;
                    (server.name, answer)
                });
            }
            match running.join_next().await {
                None => return answers,
                Some(Ok((server, answer))) => {
                    on_answer(&server);
                    answers.insert(server, answer);
                }
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic())
                }
                Some(Err(_)) => {}
            }
        }
    }
}

/// Puts a script to one server and hands on each line as it comes; `patience` is how long it may take, silent or not.
///
/// # Errors
/// When the server could not be asked, or the connection broke.
pub async fn follow(
    connector: &Connector,
    server: &Server,
    script: &Script,
    patience: Duration,
    mut on_line: impl FnMut(&str),
) -> Result<Answer, TransportError> {
    let (sender, mut lines) = mpsc::unbounded_channel::<String>();
    let mut tell = |line: &str| {
        // Nobody listens any more only when nobody waits for the answer either.
        let _ = sender.send(line.to_owned());
    };
    let asking = put(connector, server, script, Some(patience), &mut tell);
    tokio::pin!(asking);
    let answer = loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => on_line(&line),
            answer = &mut asking => break answer,
        }
    };
    while let Ok(line) = lines.try_recv() {
        on_line(&line);
    }
    answer
}

async fn put(
    connector: &Connector,
    server: &Server,
    script: &Script,
    patience: Option<Duration>,
    on_line: &mut (dyn FnMut(&str) + Send),
) -> Result<Answer, TransportError> {
    let mut session = connector.open(server).await?;
    if let Some(patience) = patience {
        let limits = session.limits();
        limits.idle = patience;
        limits.total = patience;
    }
    let mut lines = Vec::new();
    let output = session
        .exchange(script, &mut |line| {
            lines.push(line.to_owned());
            on_line(line);
        })
        .await;
    let seen_as = session.seen_as().map(str::to_owned);
    let login_key = session.peer().login_key.clone();
    session.close().await;
    let output = output?;
    Ok(Answer {
        lines,
        stderr: output.stderr,
        status: output.status,
        seen_as,
        login_key,
    })
}
