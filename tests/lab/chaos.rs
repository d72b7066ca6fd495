//! Chaos: up to ten fleets at once with verbs of all kinds, while servers lose power, network and room and fleets are
//! killed. Afterwards one `apply` brings every server to what the state has, and the servers themselves are asked.
//!
//! What happens is drawn from a seed, which is said; `FLEET_CHAOS_SEED` repeats it, `FLEET_CHAOS_SECONDS` is how long
//! (60), `FLEET_CHAOS_SERVERS` where (`lab-1,lab-4`); with `FLEET_CHAOS_STORY` all that happened is printed. Moments depend on the machine, the program does not.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chance::Chance;
use crate::world::{Running, World};

mod truth;
mod verbs;

use truth::Truth;
use verbs::{Actor, Doing};

/// Fleets that may work at the same time.
const ACTORS: usize = 10;

/// What a server may hold: less than what the actors might want to add.
const CAPACITY: u64 = 40;

/// What happens to a server while the fleets work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Nothing,
    /// The plug is pulled, and put back.
    Power,
    /// Packets vanish for so many milliseconds.
    Network(u64),
    /// A directory that fleet writes to has no room left.
    Full(&'static str),
    /// The sessions are killed, the daemon goes on.
    Sessions,
}

impl Trouble {
    fn draw(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0 => Self::Power,
            1 | 2 => Self::Network(200 + chance.below(3000)),
            3 | 4 => {
                let dirs = ["/var/lib/fleet", "/etc/nginx", "/srv/www"];
                Self::Full(chance.one_of(&dirs))
            }
            5 => Self::Sessions,
            _ => Self::Nothing,
        }
    }

    fn begin(self, world: &World, server: &str) {
        match self {
            Self::Nothing => {}
            Self::Power => world.lab.kill(server),
            Self::Network(_) => world.lab.cut(server),
            Self::Full(dir) => {
                // Nobody sees it before it holds what was there; whoever is at work there comes to the end first.
                let line = format!(
                    "mkdir -p {dir} /run/fleet; flock -w 60 /run/fleet/lock sh -c '
                    mount -t tmpfs -o size=8m,mode=755 full /mnt && cp -a {dir}/. /mnt &&
                    {{ head -c 9m /dev/zero >/mnt/.filler 2>/dev/null; :; }} &&
                    mount --bind /mnt {dir} && umount /mnt'"
                );
                world.lab.sh(server, &line);
            }
            Self::Sessions => {
                world.lab.sh(server, "pkill -KILL -f '^sshd: [^/]'");
            }
        }
    }

    fn end(self, world: &World, server: &str) {
        match self {
            Self::Nothing | Self::Sessions => {}
            Self::Power => world.lab.start(server),
            Self::Network(millis) => {
                sleep(Duration::from_millis(millis));
                world.lab.mend(server);
            }
            Self::Full(dir) => {
                // What was written there while it was full stays.
                let line = format!(
                    "mountpoint -q {dir} || exit 0
                    flock -w 60 /run/fleet/lock sh -c 'rm -f {dir}/.filler; rm -rf /run/kept; cp -a {dir} /run/kept &&
                    umount -l {dir} && find {dir} -mindepth 1 -delete && cp -a /run/kept/. {dir}'"
                );
                world.lab.sh_ok(server, &line);
            }
        }
    }
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn world(servers: &[&str]) -> Option<World> {
    let world = World::with(servers, |inventory| {
        inventory
            .replace(
                "[settings]\n",
                "[settings]\nidle_timeout = \"5s\"\nlock_wait = \"60s\"\n",
            )
            .replace("capacity = 50", &format!("capacity = {CAPACITY}"))
    })?;
    world
        .fleet(&format!("setup-server {} --role database", servers[0]))
        .expect(0);
    let dns = servers[servers.len() - 1];
    world
        .fleet(&format!("setup-server {dns} --role dns"))
        .expect(0);
    world.fleet("enable-firewall * --stage").expect(0);
    world
        .fleet("add-rule web --allow --port 80 --stage")
        .expect(0);
    world.fleet("apply").expect(0);
    Some(world)
}

/// A command of a round, with how long it waits before it begins, and after how long it is killed.
struct Planned {
    actor: usize,
    doing: Doing,
    after: Duration,
    killed: Option<Duration>,
}

#[test]
fn after_any_trouble_one_apply_makes_servers_and_state_agree() {
    let seconds: u64 = setting("FLEET_CHAOS_SECONDS", "60")
        .parse()
        .expect("seconds");
    let names = setting("FLEET_CHAOS_SERVERS", "lab-1,lab-4");
    let servers: Vec<&str> = names.split(',').collect();
    let Some(world) = world(&servers) else { return };
    let seed = Chance::seed_of("FLEET_CHAOS_SEED");
    let said = format!("chaos: FLEET_CHAOS_SEED={seed} for {seconds} s on {names}\n");
    // Past the capture of the test harness, so that it can be repeated.
    let _ = std::io::stderr().write_all(said.as_bytes());
    let mut chance = Chance::new(seed);
    let mut actors: Vec<Actor> = (0..ACTORS)
        .map(|number| Actor::new(number, &servers))
        .collect();
    let began = Instant::now();
    let mut log: Vec<String> = Vec::new();
    let mut codes: BTreeMap<i32, usize> = BTreeMap::new();
    let mut round = 0;
    while began.elapsed() < Duration::from_secs(seconds) {
        round += 1;
        let troubles: Vec<Trouble> = servers.iter().map(|_| Trouble::draw(&mut chance)).collect();
        let crowd = if chance.happens(25) {
            ACTORS
        } else {
            usize::try_from(2 + chance.below(3)).expect("few")
        };
        let first = usize::try_from(chance.below(ACTORS as u64)).expect("few");
        let planned: Vec<Planned> = (0..crowd)
            .map(|number| {
                let actor = (first + number) % ACTORS;
                Planned {
                    actor,
                    doing: actors[actor].draw(&mut chance),
                    after: chance.time(Duration::from_millis(800)),
                    killed: chance
                        .happens(20)
                        .then(|| chance.time(Duration::from_millis(2500))),
                }
            })
            .collect();
        let wait = chance.time(Duration::from_millis(1500));
        log.push(format!("round {round}: {troubles:?}"));
        let ended = play(&world, &servers, &troubles, planned, wait, &mut actors);
        for (line, code) in ended {
            *codes.entry(code).or_default() += 1;
            log.push(format!("  {code:3} {line}"));
        }
    }
    let story = || format!("FLEET_CHAOS_SEED={seed}\n{}", log.join("\n"));
    let mut said = format!("chaos: {round} rounds, {codes:?}\n");
    if std::env::var_os("FLEET_CHAOS_STORY").is_some() {
        said = format!("{}\n{said}", story());
    }
    let _ = std::io::stderr().write_all(said.as_bytes());

    let applied = world.fleet("apply");
    assert_eq!(
        applied.code,
        0,
        "the apply afterwards: {applied}\n{}",
        story()
    );
    let again = world.fleet("apply --json").expect(0).json();
    for server in again["servers"].as_array().expect("servers") {
        assert_eq!(server["outcome"], "unchanged", "{again:#}\n{}", story());
    }
    let truth = Truth::of(&world);
    let mut wrong = truth.wrong_on_servers(&world, &servers, CAPACITY);
    for actor in &actors {
        wrong.extend(actor.wrong_in(&truth));
    }
    wrong.extend(fleet_state(&world));
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", story());
    for server in &servers {
        world.expect_tidy(server);
    }
    assert!(codes.get(&0).is_some_and(|done| *done > 0), "{}", story());
}

/// Plays a round; returns each command with its exit code, -1 for those that were killed.
fn play(
    world: &World,
    servers: &[&str],
    troubles: &[Trouble],
    mut planned: Vec<Planned>,
    wait: Duration,
    actors: &mut [Actor],
) -> Vec<(String, i32)> {
    let began = Instant::now();
    planned.sort_by_key(|one| one.after);
    let interfere = |begins: bool| {
        std::thread::scope(|scope| {
            for (server, trouble) in servers.iter().zip(troubles) {
                scope.spawn(move || {
                    if begins {
                        trouble.begin(world, server);
                    } else {
                        trouble.end(world, server);
                    }
                });
            }
        });
    };
    let running = std::thread::scope(|scope| {
        scope.spawn(|| {
            sleep(wait);
            interfere(true);
            // As long as most commands take.
            sleep(wait);
            interfere(false);
        });
        let mut running: Vec<(Planned, Instant, Running)> = Vec::new();
        for one in planned {
            sleep(one.after.saturating_sub(began.elapsed()));
            let command = one.doing.command(world, &actors[one.actor]);
            running.push((one, Instant::now(), Running::start(command)));
        }
        let mut killers: Vec<&mut (Planned, Instant, Running)> = running
            .iter_mut()
            .filter(|(one, ..)| one.killed.is_some())
            .collect();
        killers.sort_by_key(|(one, started, _)| *started + one.killed.unwrap_or_default());
        for (one, started, running) in killers {
            sleep(
                one.killed
                    .unwrap_or_default()
                    .saturating_sub(started.elapsed()),
            );
            running.kill();
        }
        running
    });
    running
        .into_iter()
        .map(|(one, _, running)| {
            let outcome = running.outcome(world);
            let value: Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
            let line = one.doing.line(&actors[one.actor]);
            actors[one.actor].learn(&one.doing, outcome.code, &value);
            let reason = value["error"]["message"].as_str().unwrap_or_default();
            (format!("{line} {reason}"), outcome.code)
        })
        .collect()
}

/// What is wrong with the state database, and with its backups.
fn fleet_state(world: &World) -> Vec<String> {
    let path = world.home.path().join("state.db");
    let mut wrong = fleet::state::examine(&path).expect("a state");
    for backup in fleet::state::backups(&path).expect("backups") {
        wrong.extend(backup.fault());
    }
    wrong
}
