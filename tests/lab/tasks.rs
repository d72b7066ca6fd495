//! The record of tasks: who did what, and what came of it on each server.

use crate::world::{World, expect_words};

#[test]
fn a_task_tells_who_did_what_and_what_came_of_it_on_each_server() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    world
        .fleet("add-site a.example --server lab-1 --stage")
        .expect(0);
    world
        .fleet("add-site b.example --server lab-2 --stage")
        .expect(0);
    world.lab.kill("lab-2");
    world.fleet("apply").expect(3);
    world.lab.start("lab-2");

    let tasks = world.json("list-tasks", 0);
    let tasks = tasks["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 3, "{tasks:#?}");
    let shown = world.json(&format!("show-task {}", tasks[0]["id"]), 0);
    let task = &shown["task"];
    assert_eq!(task["command"], "apply", "{shown:#}");
    assert_eq!(task["operator"], "tester", "{shown:#}");
    let of = |server: &str| {
        let outcomes = task["outcomes"].as_array().expect("outcomes").iter();
        let mut mine = outcomes.filter(|outcome| outcome["server"] == server);
        mine.next()
            .unwrap_or_else(|| panic!("no {server}: {shown:#}"))
            .clone()
    };
    assert_eq!(of("lab-1")["status"], "changed", "{shown:#}");
    assert!(
        of("lab-1")["changes"]
            .as_array()
            .is_some_and(|changes| changes.len() > 5)
    );
    assert_eq!(of("lab-2")["status"], "unreachable", "{shown:#}");
    expect_words(&of("lab-2")["reason"].to_string(), &["lab-2"]);
    let text = world
        .fleet(&format!("show-task {}", tasks[0]["id"]))
        .expect(0);
    expect_words(
        &text.stdout,
        &[
            "lab-1",
            "changed",
            "lab-2",
            "unreachable",
            "tester",
            "create user",
        ],
    );

    // What only looks leaves no record, and what is secret is not in it.
    world.fleet("plan").expect(0);
    world.home.write("passwords", "hunter2hunter2\n");
    world
        .fleet("set-site a.example --auth-user ann --auth-password-file passwords")
        .expect(0);
    assert_eq!(world.get("lab-1", "a.example").0, 401);
    let tasks = world.json("list-tasks", 0);
    assert_eq!(tasks["tasks"].as_array().map(Vec::len), Some(4));
    let everything = format!("{tasks} {}", world.json("show-task 4", 0));
    assert!(!everything.contains("hunter2"), "{everything}");
    let state = std::fs::read(world.home.path().join("state.db")).expect("the state");
    assert!(
        !state.windows(7).any(|bytes| bytes == b"hunter2"),
        "in the state in clear"
    );
    world.sh(
        "lab-1",
        "! grep -rqs hunter2 /etc /var/lib/fleet /run /var/log/nginx /srv/www",
    );
}
