//! Ring 3: the real binary against real Debian servers. What fleet promises about a server is tested here.
//!
//! Where there can be no lab the tests pass after saying so in one line; with `FLEET_LAB=required` they fail instead.

#[path = "../support/chance.rs"]
mod chance;
#[path = "../support/environment.rs"]
#[allow(dead_code)]
mod environment;
mod support;
mod watch;
mod world;

mod chaos;
mod checks;
mod conflicts;
mod crons;
mod crowd;
mod databases;
mod faults;
mod firewall;
mod hostile;
mod hundred;
mod isolation;
mod leaks;
mod locks;
mod logs;
mod package;
mod pending;
mod plans;
mod promises;
mod restored;
mod sites;
mod tasks;
mod tested;
mod undo;
mod waves;
mod zones;
