//! Planning, pure: where things go, what differs, and the scripts that look at a server and change it.

pub mod compare;
pub mod desired;
pub mod follow;
pub mod lock;
pub mod names;
pub mod observe;
pub mod place;
pub mod revert;
pub mod reviewed;
pub mod transaction;
pub mod trash;

pub use compare::{Action, Blocked, Change, Conflict, Mode, ServerPlan, compare, keys};
pub use desired::{Clash, Desired, Wanted};
pub use observe::{Facts, Observing};
pub use transaction::{Progress, Transaction};

/// The shell functions about paths that transactions and their undo scripts share.
const PATHS: &str = include_str!("paths.sh");

/// How nginx loads its configuration, for both of them too.
const NGINX: &str = include_str!("nginx.sh");
