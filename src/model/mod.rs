//! Plain data that every room shares: servers, resources, health and tasks.

pub mod access;
pub mod check;
pub mod domain;
pub mod fold;
pub mod health;
pub mod identifier;
pub mod measured;
pub mod notification;
pub mod pattern;
pub mod resource;
pub mod sample;
pub mod selector;
pub mod server;
pub mod snapshot;
pub mod status;
pub mod task;
pub mod waves;

pub use access::Access;
pub use check::{Check, CheckKey};
pub use domain::DomainName;
pub use health::{Health, Observation};
pub use identifier::Identifier;
pub use measured::{Answer, AnswerParts, Expiring};
pub use pattern::Pattern;
pub use resource::{Placement, PlacementStatus, Resource, ResourceName};
pub use sample::{Sample, Span, Uptime};
pub use selector::Selector;
pub use server::{Jump, Role, Server, ServerName, TransportKind};
pub use snapshot::{Snapshot, TaskChange};
pub use status::{HealthEvent, Patience, Sight, Standing, Status};
pub use task::{Course, ReviewedPlan, Task, TaskOutcome, command_line};
pub use waves::{Share, Waves};
