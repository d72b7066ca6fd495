//! Schedules as cron reads them, their words and times; settings in, exact items out; hostile values; histories.

#![allow(clippy::unwrap_used)]

mod hostile;
mod items;
mod live;
mod schedules;
mod times;
