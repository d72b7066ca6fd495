//! Connections to the hosts on the way, shared by the servers behind them.
//!
//! All channels of a connection stand still while one of them is not read, so a connection carries a limited number.
//! Who uses one holds a [`Lease`]: a run may go on for days, and open its sessions again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use super::client::Client;
use super::error::TransportError;
use super::ssh::{self, Shared};
use super::target::Target;
use russh::client::Handle;

/// How many servers share one connection to the host before them.
const SHARING: usize = 32;

/// How long a connection that nobody uses is kept beside another one.
const SPARE: Duration = Duration::from_secs(60);

/// A connection to a host on the way.
pub(super) struct Hop {
    handle: Handle<Client>,
    #[expect(dead_code, reason = "held for its lifetime alone")]
    before: Option<Lease>,
}

/// The connections of a run, by their routes.
#[derive(Default)]
pub(super) struct Hops {
    routes: Mutex<HashMap<String, Vec<Arc<Way<Hop>>>>>,
}

/// A connection that is in use until this is dropped.
pub(super) struct Lease {
    hop: Arc<Hop>,
    #[expect(dead_code, reason = "held for its lifetime alone")]
    place: Place<Hop>,
}

impl Lease {
    /// What opens channels in it.
    pub(super) fn handle(&self) -> &Handle<Client> {
        &self.hop.handle
    }
}

impl Hops {
    /// A connection to `target` with room for one more server.
    pub(super) async fn get(
        &self,
        shared: &Shared,
        target: &Target,
    ) -> Result<Lease, TransportError> {
        let place = {
            let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            let ways = routes.entry(target.route()).or_default();
            let is_open = |hop: &Hop| !hop.handle.is_closed();
            // The failure of an attempt counts as long as the attempt may take, so that of many servers behind a dead
            // host not each one waits for it anew.
            choose(
                ways,
                is_open,
                shared.settings.limits.connect,
                Instant::now(),
            )
        };
        let made = place.0.made.get_or_init(async || {
            let (handle, before) = Box::pin(ssh::log_in(shared, target))
                .await
                .map_err(|error| (error, Instant::now()))?;
            Ok(Arc::new(Hop { handle, before }))
        });
        match made.await {
            Ok(hop) => Ok(Lease {
                hop: Arc::clone(hop),
                place,
            }),
            Err((error, _)) => Err(TransportError::Jump {
                via: target.called().to_owned(),
                server: target.entry.clone(),
                error: Box::new(error.clone()),
            }),
        }
    }
}

/// A connection that is being made, has been made, or failed at that time; and its users.
struct Way<C> {
    made: OnceCell<Result<Arc<C>, (TransportError, Instant)>>,
    users: Mutex<Users>,
}

struct Users {
    count: usize,
    /// When the last one of them went.
    since: Instant,
}

impl<C> Way<C> {
    fn users<T>(&self, with: impl FnOnce(&mut Users) -> T) -> T {
        with(&mut self.users.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place among the users of a connection.
struct Place<C>(Arc<Way<C>>);

impl<C> Drop for Place<C> {
    fn drop(&mut self) {
        self.0.users(|users| {
            users.count -= 1;
            users.since = Instant::now();
        });
    }
}

/// A place in the first connection that has one; and those that are of no use any more are let go.
fn choose<C>(
    ways: &mut Vec<Arc<Way<C>>>,
    is_open: impl Fn(&C) -> bool,
    patience: Duration,
    now: Instant,
) -> Place<C> {
    ways.retain(|way| match way.made.get() {
        None => true,
        Some(Ok(made)) => is_open(made),
        Some(Err((_, at))) => now.saturating_duration_since(*at) < patience,
    });
    let room = |way: &&Arc<Way<C>>| way.users(|users| users.count < SHARING);
    let chosen = if let Some(way) = ways.iter().find(room) {
        Arc::clone(way)
    } else {
        let users = Mutex::new(Users {
            count: 0,
            since: now,
        });
        let made = OnceCell::new();
        ways.push(Arc::new(Way { made, users }));
        Arc::clone(&ways[ways.len() - 1])
    };
    chosen.users(|users| users.count += 1);
    ways.retain(|way| {
        way.users(|users| users.count > 0 || now.saturating_duration_since(users.since) < SPARE)
    });
    Place(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a failure counts.
    const PATIENCE: Duration = Duration::from_secs(10);

    type Ways = Vec<Arc<Way<bool>>>;

    /// A place at `now`; where the connection is a new one, it is made. `true` stands for one that is open.
    fn place(ways: &mut Ways, now: Instant) -> Place<bool> {
        let place = choose(ways, |open| *open, PATIENCE, now);
        drop(place.0.made.set(Ok(Arc::new(true))));
        place
    }

    fn places(ways: &mut Ways, count: usize) -> Vec<Place<bool>> {
        let now = Instant::now();
        (0..count).map(|_| place(ways, now)).collect()
    }

    #[test]
    fn users_that_went_leave_their_place() {
        let mut ways = Ways::new();
        let mut held = places(&mut ways, 3 * SHARING);
        assert_eq!(ways.len(), 3);
        let first = Arc::clone(&ways[0]);
        drop(held.remove(0));
        let again = place(&mut ways, Instant::now());
        assert!(Arc::ptr_eq(&again.0, &first));
        assert_eq!(ways.len(), 3);
    }

    #[test]
    fn a_connection_that_nobody_needs_is_let_go() {
        let mut ways = Ways::new();
        drop(places(&mut ways, 2 * SHARING + 1));
        let last = place(&mut ways, Instant::now());
        assert_eq!(ways.len(), 3, "others may come at once");
        let later = Instant::now() + SPARE;
        drop(place(&mut ways, later));
        assert_eq!(ways.len(), 1);
        // The only one stays, however long nobody came.
        let first = Arc::clone(&ways[0]);
        drop(last);
        let much_later = later + 100 * SPARE;
        assert!(Arc::ptr_eq(&place(&mut ways, much_later).0, &first));
    }

    #[test]
    fn a_failure_counts_for_a_while() {
        let mut ways = Ways::new();
        let now = Instant::now();
        let failed = choose(&mut ways, |open| *open, PATIENCE, now);
        drop(failed.0.made.set(Err((TransportError::Ended, now))));
        let soon = now + PATIENCE / 2;
        assert!(Arc::ptr_eq(&place(&mut ways, soon).0, &failed.0));
        let later = now + PATIENCE;
        assert!(!Arc::ptr_eq(&place(&mut ways, later).0, &failed.0));
        assert_eq!(ways.len(), 1);
    }

    #[test]
    fn a_connection_that_broke_takes_no_more() {
        let mut ways = Ways::new();
        let broken = choose(&mut ways, |open| *open, PATIENCE, Instant::now());
        drop(broken.0.made.set(Ok(Arc::new(false))));
        assert!(!Arc::ptr_eq(&place(&mut ways, Instant::now()).0, &broken.0));
        assert_eq!(ways.len(), 1);
    }
}
