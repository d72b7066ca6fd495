//! Undo on real servers: what was removed comes back with its content, or the reason is told.

use crate::world::{World, expect_same, expect_words};

/// What is on a server but the trash itself.
fn contents(world: &World) -> String {
    let all = world.contents("lab-1");
    let lines = all.lines().filter(|line| !line.contains("trash"));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn last_task(world: &World) -> String {
    world.json("list-tasks -n 1", 0)["tasks"][0]["id"].to_string()
}

#[test]
fn a_removed_site_comes_back_as_it_was() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world
        .fleet("add-site a.example --server lab-1 --type php")
        .expect(0);
    world
        .fleet("add-cron tidy --site a.example --schedule @daily --command true")
        .expect(0);
    world.sh(
        "lab-1",
        "cd /srv/www/a.example && user=$(stat -c %U public) &&
        install -d -o $user -g $user -m 700 sessions/deep && echo mine >sessions/deep/x && ln -s deep sessions/link &&
        rm public/index.html && echo '<?php echo \"kept\";' >public/index.php && chown -R -h $user: sessions public/index.php &&
        chgrp www-data public/index.php && setfattr -n user.note -v x public/index.php 2>/dev/null || :",
    );
    assert_eq!(world.get("lab-1", "a.example"), (200, "kept".to_owned()));
    let before = contents(&world);
    let owner = world.sh("lab-1", "stat -c %u /srv/www/a.example/public");

    let refused = world.fleet("remove-site a.example --yes").expect(2);
    expect_words(
        &refused.stderr,
        &["1 resource depends on", "cron tidy", "--cascade"],
    );
    world
        .fleet("remove-site a.example --cascade --yes")
        .expect(0);
    let removal = last_task(&world);
    world.expect_unknown("lab-1", "a.example");
    let trash = world.json("list-trash", 0);
    let entries = trash["trash"].as_array().expect("entries");
    let home = entries
        .iter()
        .find(|entry| entry["what"] == "/srv/www/a.example");
    let home = home.unwrap_or_else(|| panic!("{trash:#}"));
    assert_eq!(home["task"].to_string(), removal, "{trash:#}");
    assert_eq!(home["command"], "remove-site", "{trash:#}");
    assert!(home["size"].as_u64() > Some(4096), "{trash:#}");

    // Whoever comes meanwhile does not get the number of whom the files in the trash belong to.
    world.fleet("add-site b.example --server lab-1").expect(0);
    assert_ne!(
        world.sh("lab-1", "stat -c %u /srv/www/b.example/public"),
        owner
    );
    world.fleet("remove-site b.example --yes").expect(0);

    let preview = world.fleet(&format!("undo {removal} --dry-run")).expect(0);
    expect_words(
        &preview.stdout,
        &[
            "+ create dir /srv/www/a.example",
            &format!("from the trash of task {removal}"),
            "+ create file /etc/nginx/conf.d/fleet-a.example.conf",
        ],
    );
    world.expect_unknown("lab-1", "a.example");

    // What fails on the server is undone: the content is in the trash as before.
    world.sh("lab-1", "echo 'bad;' >/etc/nginx/conf.d/zz.conf");
    let failed = world.fleet(&format!("undo {removal}")).expect(1);
    expect_words(&failed.stderr, &["broken before this change"]);
    world.sh("lab-1", &format!("rm /etc/nginx/conf.d/zz.conf && test -e /srv/www/.fleet-trash/{removal}/a.example/sessions/deep/x"));
    world.sh("lab-1", "! test -e /srv/www/a.example");
    world.expect_tidy("lab-1");

    // Its job had no share in that; what is left is on record, and the next apply finishes it with what is in the trash.
    let undo = last_task(&world);
    world.fleet("apply").expect(0);
    assert_eq!(world.get("lab-1", "a.example"), (200, "kept".to_owned()));
    expect_same(&before, &contents(&world), "as before the removal");
    assert_eq!(
        world.sh("lab-1", "stat -c %u /srv/www/a.example/public"),
        owner
    );
    world.expect_settled();
    world.expect_tidy("lab-1");

    // Undone, and that undone too: one task records that it goes, another one carries it out and has it in its trash.
    world.fleet(&format!("undo {undo} --yes --stage")).expect(0);
    let removal = last_task(&world);
    world.fleet("apply").expect(0);
    world.expect_unknown("lab-1", "a.example");
    world.fleet(&format!("undo {removal}")).expect(0);
    expect_same(&before, &contents(&world), "after the undo of the undo");
    world.expect_settled();
}

#[test]
fn the_trash_is_emptied_when_its_time_has_come() {
    let Some(world) = World::with(&["lab-1"], |inventory| {
        inventory.replace("[settings]\n", "[settings]\ntrash_retention = \"2d\"\n")
    }) else {
        return;
    };
    for name in ["a", "b", "c"] {
        world
            .fleet(&format!("add-site {name}.example --server lab-1 --stage"))
            .expect(0);
    }
    world.fleet("apply").expect(0);
    world.fleet("remove-site a.example --yes").expect(0);
    let removal = last_task(&world);
    world.sh(
        "lab-1",
        &format!("touch -d '3 days ago' /srv/www/.fleet-trash/{removal}"),
    );
    let unsure = world.fleet("empty-trash").expect(2);
    expect_words(&unsure.stderr, &["what is older than 2d", "--yes"]);
    // The next removal takes what is too old with it.
    world.fleet("remove-site b.example --yes").expect(0);
    world.sh(
        "lab-1",
        &format!(
            "timeout 60 sh -c 'while [ -e /srv/www/.fleet-trash/{removal} ]; do sleep 0.05; done'"
        ),
    );
    let late = world.fleet(&format!("undo {removal}")).expect(1);
    expect_words(
        &late.stderr,
        &[
            "is not in the trash any more",
            "--force",
            "what is recorded is as before",
        ],
    );
    world.fleet("show-site a.example").expect(2);
    world.fleet(&format!("undo {removal} --force")).expect(0);
    world.expect_served("lab-1", "a.example");

    let nothing = world.json("empty-trash --yes", 0);
    assert_eq!(nothing["servers"]["lab-1"]["tasks"], 0, "{nothing:#}");
    let emptied = world.json("empty-trash --older-than 0s --yes", 0);
    assert!(emptied["size"].as_u64() > Some(0), "{emptied:#}");
    assert_eq!(world.json("list-trash", 0)["trash"], serde_json::json!([]));

    // What was there before fleet is nobody's to take.
    world.sh(
        "lab-1",
        "mkdir -p /srv/www/d.example && echo old >/srv/www/d.example/file",
    );
    let conflict = world.fleet("add-site d.example --server lab-1").expect(1);
    expect_words(
        &conflict.stderr,
        &["`/srv/www/d.example` is there", "--adopt"],
    );
    world.sh("lab-1", "test $(cat /srv/www/d.example/file) = old");
    world
        .fleet("add-site d.example --server lab-1 --adopt")
        .expect(0);
    world.sh("lab-1", "test $(cat /srv/www/d.example/file) = old");
    // It is not taken away from whoever had it by mistake either: the trash has it.
    world.fleet("remove-site d.example --yes").expect(0);
    let removal = last_task(&world);
    world.sh(
        "lab-1",
        &format!("test -e /srv/www/.fleet-trash/{removal}/d.example/file"),
    );
}

#[test]
fn a_removed_database_comes_back_from_its_dump() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("setup-server lab-1 --role database").expect(0);
    world.home.write("password", "maze-of-twisty-1976\n");
    let ask = |engine: &str, sql: &str| {
        let line = match engine {
            "mariadb" => format!(
                "MYSQL_PWD=maze-of-twisty-1976 mariadb -N -B -h localhost -u boss shop -e '{sql}'"
            ),
            _ => format!(
                "PGPASSWORD=maze-of-twisty-1976 psql -X -At -w -h localhost -U boss -d shop -c '{sql}'"
            ),
        };
        world.sh("lab-1", &line)
    };
    for engine in ["mariadb", "postgres"] {
        let schema = if engine == "postgres" {
            "--schema extra"
        } else {
            ""
        };
        world
            .fleet(&format!(
                "add-database shop --engine {engine} --server lab-1 --user boss --password-file password {schema}"
            ))
            .expect(0);
        ask(engine, "CREATE TABLE t (a int)");
        ask(engine, "INSERT INTO t VALUES (7)");
        ask(engine, "CREATE VIEW v AS SELECT a FROM t");
        world.fleet("remove-database shop --yes").expect(0);
        let removal = last_task(&world);
        let trash = world.json("list-trash", 0);
        assert_eq!(
            trash["trash"][0]["what"],
            format!("{engine} shop"),
            "{trash:#}"
        );
        world.fleet(&format!("undo {removal}")).expect(0);
        assert_eq!(ask(engine, "SELECT a FROM v"), "7", "{engine}");
        ask(engine, "INSERT INTO t VALUES (8)");
        world.expect_settled();
        // Where the dump is damaged, nothing half is left.
        world.fleet("remove-database shop --yes").expect(0);
        let removal = last_task(&world);
        let dump = format!("/var/lib/fleet/trash/{removal}/{engine}-shop/dump.sql.gz");
        world.sh(
            "lab-1",
            &format!("cp {dump} /root/whole && head -c 100 /root/whole >{dump}"),
        );
        let failed = world.fleet(&format!("undo {removal}")).expect(1);
        expect_words(
            &failed.stderr,
            &["is not whole", "what is recorded is as before"],
        );
        world.sh("lab-1", &format!("cp /root/whole {dump}"));
        world.fleet(&format!("undo {removal}")).expect(0);
        assert_eq!(ask(engine, "SELECT count(*) FROM t"), "2", "{engine}");
        world.expect_settled();
        world.expect_tidy("lab-1");
        world.fleet("remove-database shop --yes").expect(0);
        world.fleet("empty-trash --older-than 0s --yes").expect(0);
    }
}
