//! What waited for a server that was away is finished by the sweep that confirms it to be back.

use crate::world::World;

#[test]
fn a_sweep_finishes_what_waited_for_a_server_that_is_back() {
    let patient = |inventory: String| format!("[health]\nrecover_after = 2\n\n{inventory}");
    let Some(world) = World::with(&["lab-2"], patient) else {
        return;
    };
    let tasks = || {
        let listed = world.json("list-tasks", 0);
        let tasks = listed["tasks"].as_array().expect("tasks").clone();
        (tasks.len(), tasks[0]["command"].clone())
    };
    world.lab.cut("lab-2");
    let away = world.fleet("health -q --timeout 2s").expect(5);
    assert!(away.stdout.contains("lab-2: offline"), "{away}");
    world
        .fleet("add-site late.example --server lab-2 --force")
        .expect(3);
    world
        .fleet("add-site staged.example --server lab-2 --force --stage")
        .expect(0);
    // Nothing is tried while it is away, nor when it was seen once.
    world
        .fleet("health -q --timeout 2s --apply-pending")
        .expect(5);
    world.lab.mend("lab-2");
    let once = world
        .fleet("health -q --no-checks --apply-pending")
        .expect(5);
    assert_eq!(once.stdout, "", "{once}");
    assert_eq!(tasks(), (2, "add-site".into()));

    // Its load may make it degraded; it is back all the same.
    let back = world.fleet("health -q --apply-pending");
    assert!(back.stdout.contains(", was offline ("), "{back}");
    world.expect_served("lab-2", "late.example");
    assert_eq!(tasks(), (3, "health".into()));
    world.expect_tidy("lab-2");
    // Then nothing waits, and nothing is put on record. What was only staged is not a sweep's to apply.
    world.fleet("health -q --apply-pending");
    assert_eq!(tasks().0, 3);
    world.expect_unknown("lab-2", "staged.example");
    world.fleet("apply").expect(0);
    world.expect_settled();
}
