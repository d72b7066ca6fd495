//! What the state has on record, and whether the servers have the same: asked with the services' own clients.

use std::collections::BTreeMap;

use crate::world::World;

/// A resource on record.
#[derive(Debug)]
struct OnRecord {
    suspended: bool,
    weight: u64,
    /// Server and status.
    placements: Vec<(String, String)>,
    port: Option<String>,
}

/// All resources on record, by kind and name.
pub(crate) struct Truth(BTreeMap<(&'static str, String), OnRecord>);

const KINDS: [&str; 5] = ["site", "zone", "database", "cron", "rule"];

impl Truth {
    pub(crate) fn of(world: &World) -> Self {
        let path = world.home.path().join("state.db");
        let state = fleet::state::State::open_read_only(&path).expect("the state");
        let resources = state
            .read(|read| read.resources(&fleet::state::Filter::default()))
            .expect("its resources");
        let mut found = BTreeMap::new();
        for resource in resources {
            let Some(kind) = KINDS.iter().find(|kind| **kind == resource.name.kind) else {
                continue;
            };
            let placements = resource.placements.iter();
            let placements = placements
                .map(|p| (p.server.to_string(), p.status.word().to_owned()))
                .collect();
            let spec = serde_json::to_value(&resource.spec).expect("a spec");
            let port = spec["port"][0].as_str().map(str::to_owned);
            let on_record = OnRecord {
                suspended: resource.suspended,
                weight: u64::from(resource.weight),
                placements,
                port,
            };
            found.insert((*kind, resource.name.name.clone()), on_record);
        }
        Self(found)
    }

    /// Whether a resource is suspended; `None` when there is none of the name.
    pub(crate) fn suspended(&self, kind: &'static str, name: &str) -> Option<bool> {
        let found = self.0.get(&(kind, name.to_owned()));
        found.map(|on_record| on_record.suspended)
    }

    /// What is not as it is on record.
    pub(crate) fn wrong_on_servers(
        &self,
        world: &World,
        servers: &[&str],
        capacity: u64,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for server in servers {
            let load: u64 = self
                .0
                .values()
                .filter(|one| one.is_on(server))
                .map(|one| one.weight)
                .sum();
            if load > capacity {
                wrong.push(format!("{server} holds {load} of {capacity}"));
            }
            let there = There::on(world, server);
            for number in 0..super::ACTORS {
                let actor = super::Actor::new(number, servers);
                let found = self.0.get(&(actor.kind, actor.name.clone()));
                let on_record = found.filter(|one| one.is_on(server));
                let active = on_record.is_some_and(|one| !one.suspended);
                let mut expect = |what: &str, is: bool, should: bool| {
                    if is != should {
                        wrong.push(format!(
                            "{} {} on {server}: {what} is {is}",
                            actor.kind, actor.name
                        ));
                    }
                };
                let name = &actor.name;
                match actor.kind {
                    "site" => {
                        let (status, body) = world.get(server, name);
                        let served =
                            status == 200 && body.contains(&format!("<title>{name}</title>"));
                        expect("served", served, active);
                        expect(
                            "its home",
                            there.has(&format!("/srv/www/{name}")),
                            on_record.is_some(),
                        );
                    }
                    "zone" => expect("answered", there.has(&format!("zone {name}")), active),
                    "database" => {
                        expect(
                            "the database",
                            there.has(&format!("database {name}")),
                            on_record.is_some(),
                        );
                    }
                    "cron" => {
                        expect(
                            "its schedule",
                            there.has(&format!("/etc/cron.d/fleet-{name}")),
                            active,
                        );
                        expect(
                            "its settings",
                            there.has(&format!("/etc/fleet/cron/{name}.conf")),
                            on_record.is_some(),
                        );
                    }
                    _ => {
                        let port = on_record
                            .and_then(|one| one.port.as_deref())
                            .unwrap_or("none");
                        expect("its port", there.has(&format!("port {port}")), active);
                    }
                }
            }
        }
        for ((kind, name), one) in &self.0 {
            if one.placements.iter().any(|(_, status)| status != "applied") {
                wrong.push(format!("{kind} {name}: {:?}", one.placements));
            }
        }
        wrong
    }
}

impl OnRecord {
    fn is_on(&self, server: &str) -> bool {
        self.placements.iter().any(|(on, _)| on == server)
    }
}

/// What is on a server, one thing in each line.
struct There(Vec<String>);

impl There {
    fn on(world: &World, server: &str) -> Self {
        let said = world.sh(
            server,
            "ls -d /srv/www/*.example /etc/cron.d/fleet-* /etc/fleet/cron/*.conf 2>/dev/null
            ! command -v mariadb >/dev/null || mariadb -N -e 'SHOW DATABASES' 2>/dev/null | sed 's/^/database /'
            for zone in z3.example z4.example; do
                [ -z \"$(dig +short +tries=1 +time=2 @127.0.0.1 $zone SOA 2>/dev/null | grep -v '^;')\" ] || echo zone $zone
            done
            nft list table inet fleet | grep -o 'dport [{ ]*2[0-9][0-9][0-9]' | sed -E 's/dport [{ ]*/port /'
            :",
        );
        Self(said.lines().map(str::to_owned).collect())
    }

    fn has(&self, line: &str) -> bool {
        self.0.iter().any(|one| one == line)
    }
}
