//! Where a resource of some spec goes, and what ties it to other resources.

use std::collections::BTreeMap;

use super::Claim;
use crate::model::{Resource, ResourceName, Server, ServerName};

/// On which servers a resource is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// On one server with room, or the one that is named.
    #[default]
    One,
    /// On a first server as with [`Self::One`], and on others beside it.
    Beside {
        /// These, whatever room they have.
        named: Vec<ServerName>,
        /// So many more, chosen by room.
        more: u32,
    },
    /// On the server where that resource is: its first.
    With(ResourceName),
    /// On every active server that the terms of a selector match, also on those that are added later.
    Every(Vec<String>),
    /// On no server: only recorded.
    Nowhere,
    /// On exactly one live server of those that the terms match; it moves when that one is offline.
    AnyOf(Vec<String>),
}

impl Scope {
    /// Whether the servers follow the inventory and the health of the fleet.
    pub fn roams(&self) -> bool {
        matches!(self, Self::Every(_) | Self::AnyOf(_) | Self::Nowhere)
    }
}

/// What ties a resource to others, as it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// Names that no other resource may hold.
    pub claims: Vec<Claim>,
    /// Resources that it refers to.
    pub follows: Vec<ResourceName>,
    /// See [`Scope::roams`].
    pub roams: bool,
}

/// The rest of the fleet, as far as a spec may look at it while it compiles.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'a> {
    /// The inventory.
    pub servers: &'a BTreeMap<ServerName, Server>,
    /// The resources that a spec of the job refers to, as they are recorded.
    pub resources: &'a BTreeMap<ResourceName, Resource>,
}

static NO_SERVERS: BTreeMap<ServerName, Server> = BTreeMap::new();
static NO_RESOURCES: BTreeMap<ResourceName, Resource> = BTreeMap::new();

impl Fleet<'static> {
    /// No other server and no other resource.
    pub const EMPTY: Self = Self {
        servers: &NO_SERVERS,
        resources: &NO_RESOURCES,
    };
}

impl<'a> Fleet<'a> {
    /// A resource that the spec refers to ([`super::Spec::follows`]); `None` when it does not exist.
    pub fn resource(&self, name: &ResourceName) -> Option<&'a Resource> {
        self.resources.get(name)
    }

    /// The first server of a resource that the spec refers to.
    pub fn server_of(&self, name: &ResourceName) -> Option<&'a Server> {
        let resource = self.resource(name)?;
        self.servers.get(&resource.placements.first()?.server)
    }
}
