//! What a connection costs, on a real sshd on loopback: `cargo test --test transport -- --ignored --nocapture cost`.

use std::time::{Duration, Instant};

use crate::ways::RealSshd;
use crate::{Home, run};

/// Connections that are made one after the other, and then at once.
const MANY: u32 = 50;

/// CPU time of all threads of this process that still run.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn line(what: &str, wall: Duration, cpu: Duration, each: u32) {
    println!(
        "{what}: {:.1} ms, client CPU {:.2} ms",
        wall.as_secs_f64() * 1000.0 / f64::from(each),
        cpu.as_secs_f64() * 1000.0 / f64::from(each)
    );
}

#[test]
#[ignore = "a measurement"]
fn cost_of_a_connection() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let home = Home::new();
        // bash reads ~/.bashrc for sshd, but not when it is nested: what is in there is not what is measured.
        let Some(sshd) = RealSshd::start(&home, "SetEnv SHLVL=3\n") else {
            return;
        };
        let server = sshd.server();
        let connector = home.connector();
        let once = async || {
            let mut session = connector.open(&server).await.unwrap();
            run(&mut session, "echo facts\n").await.unwrap();
            session
        };
        drop(once().await);

        let (wall, work) = (Instant::now(), cpu());
        for _ in 0..MANY {
            once().await.close().await;
        }
        line(
            "one after the other",
            wall.elapsed(),
            cpu().saturating_sub(work),
            MANY,
        );

        let mut walls = Vec::new();
        for _ in 0..MANY {
            let wall = Instant::now();
            let session = once().await;
            walls.push(wall.elapsed());
            session.close().await;
        }
        walls.sort();
        println!(
            "median {:?}, fastest {:?}",
            walls[walls.len() / 2],
            walls[0]
        );

        let mut session = once().await;
        println!(
            "of which: TCP {:?}, handshake {:?}",
            session.peer().connect,
            session.peer().handshake
        );
        let (wall, work) = (Instant::now(), cpu());
        for _ in 0..MANY {
            run(&mut session, "echo more\n").await.unwrap();
        }
        line(
            "one more script",
            wall.elapsed(),
            cpu().saturating_sub(work),
            MANY,
        );

        for size in [100_000, 2_000_000] {
            let text = format!("X='{}'\n", "server { listen 80; }\n".repeat(size / 21));
            let (wall, work) = (Instant::now(), cpu());
            for _ in 0..5 {
                run(&mut session, &text).await.unwrap();
            }
            line(
                &format!("a script of {size} bytes"),
                wall.elapsed(),
                cpu().saturating_sub(work),
                5,
            );
        }

        let (wall, work) = (Instant::now(), cpu());
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..MANY {
            let (connector, server) = (connector.clone(), server.clone());
            running.spawn(async move {
                let mut session = connector.open(&server).await.unwrap();
                run(&mut session, "echo facts\n").await.unwrap();
            });
        }
        running.join_all().await;
        println!("{MANY} at once: {:?}", wall.elapsed());
        line("each", wall.elapsed(), cpu().saturating_sub(work), MANY);
    });
}
