//! Connections to the hosts on the way, shared by the servers behind them.
//!
//! All channels of a connection stand still while one of them is not read, so a connection carries a limited number.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, OnceCell};

use super::client::Client;
use super::error::TransportError;
use super::ssh::{self, Shared};
use super::target::Target;
use russh::client::Handle;

/// How many servers share one connection to the host before them.
const SHARING: usize = 32;

/// A connection to a host on the way.
pub(super) struct Hop {
    pub(super) handle: Handle<Client>,
    /// The connection before it, which must live as long.
    #[expect(dead_code, reason = "held for its lifetime alone")]
    before: Option<Arc<Hop>>,
}

/// A connection that is being made, has been made, or failed; the failure counts for the whole run.
type Shareable = OnceCell<Result<Arc<Hop>, TransportError>>;

/// The connections of a run.
#[derive(Default)]
pub(super) struct Hops {
    routes: Mutex<HashMap<String, Arc<Route>>>,
}

#[derive(Default)]
struct Route {
    asked: AtomicUsize,
    connections: Mutex<Vec<Arc<Shareable>>>,
}

impl Hops {
    /// A connection to `target` with room for one more server.
    pub(super) async fn get(
        &self,
        shared: &Shared,
        target: &Target,
    ) -> Result<Arc<Hop>, TransportError> {
        let route = Arc::clone(self.routes.lock().await.entry(target.route()).or_default());
        let index = route.asked.fetch_add(1, Ordering::Relaxed) / SHARING;
        let cell = route.cell(index, None).await;
        let hop = connect(shared, target, &cell).await;
        let hop = match hop {
            // It broke since the last server asked: those that come now get a new one.
            Ok(hop) if hop.handle.is_closed() => {
                let cell = route.cell(index, Some(&cell)).await;
                connect(shared, target, &cell).await
            }
            other => other,
        };
        hop.map_err(|error| TransportError::Jump {
            via: target.host.clone(),
            error: Box::new(error),
        })
    }
}

impl Route {
    /// The connection number `index`; another one than `broken`.
    async fn cell(&self, index: usize, broken: Option<&Arc<Shareable>>) -> Arc<Shareable> {
        let mut connections = self.connections.lock().await;
        while connections.len() <= index {
            connections.push(Arc::default());
        }
        if broken.is_some_and(|broken| Arc::ptr_eq(broken, &connections[index])) {
            connections[index] = Arc::default();
        }
        Arc::clone(&connections[index])
    }
}

/// Makes the connection of `cell`, or waits for whoever is making it.
async fn connect(
    shared: &Shared,
    target: &Target,
    cell: &Shareable,
) -> Result<Arc<Hop>, TransportError> {
    cell.get_or_init(async || {
        let (handle, before) = Box::pin(ssh::log_in(shared, target)).await?;
        Ok(Arc::new(Hop { handle, before }))
    })
    .await
    .clone()
}
