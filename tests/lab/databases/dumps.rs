//! Dumps, imports, and what comes back from the trash.

use super::*;

/// Makes what an import as the owner could trip over, and rows that look like it.
fn make_what_is_not_the_owners(world: &World, server: &str, engine: &str, login: &Login<'_>) {
    if engine == "mariadb" {
        // Of somebody whom the owner may not speak for.
        world.sh(
            server,
            "mariadb dmariadb -e \"CREATE VIEW w AS SELECT 7 AS a; CREATE PROCEDURE p() SELECT a FROM w;
                CREATE TRIGGER added BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a;
                CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1;
                CREATE TABLE x AS SELECT '\\nCREATE DEFINER=a@b' AS a\"",
        );
    } else {
        let text = "CREATE TABLE extra.x AS SELECT 'CREATE SCHEMA extra;' AS a";
        query(world, server, engine, login, text).expect("a table in the schema of its settings");
    }
}

#[track_caller]
fn expect_what_was_not_the_owners(world: &World, server: &str, engine: &str, login: &Login<'_>) {
    let run = |sql: &str| query(world, server, engine, login, sql).expect("as dumped");
    if engine == "mariadb" {
        assert_eq!(run("CALL p()"), "7");
        assert_eq!(run("SELECT a FROM x"), "\\nCREATE DEFINER=a@b");
    } else {
        assert_eq!(run("SELECT a FROM extra.x"), "CREATE SCHEMA extra;");
    }
}

/// What an import replaced comes back with an undo, and goes again with the undo of that.
fn expect_there_and_back(
    world: &World,
    import: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    let mut last = world.json(import, 0)["task"].clone();
    for rows in ["1", "2"] {
        assert_eq!(run("SELECT count(*) FROM t").expect("filled"), rows);
        if rows == "2"
            && let Ok(kept) = run("SELECT count(*) FROM was FOR SYSTEM_TIME ALL")
        {
            assert_eq!(kept, "1", "what a table keeps of before");
        }
        last = world.json(&format!("undo {last}"), 0)["task"].clone();
    }
    assert_eq!(run("SELECT count(*) FROM t").expect("as dumped"), "1");
}

/// The same with what is easily lost on the way.
fn expect_all_there_and_back(
    world: &World,
    server: &str,
    engine: &str,
    name: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    let import = format!("import-database {name} whole.sql.gz --force");
    if engine == "mariadb" {
        // A dump writes it with more letters than the server takes at once.
        run("CREATE TABLE fat (v longblob)").expect("made");
        run("INSERT INTO fat VALUES (REPEAT('x', 12000000))").expect("filled");
        run("CREATE TABLE was (a int) WITH SYSTEM VERSIONING").expect("made");
        run("INSERT INTO was VALUES (1)").expect("filled");
        run("DELETE FROM was").expect("kept");
        expect_there_and_back(world, &import, run);
        return;
    }
    // What an admin has set for the database stays when it is made again.
    let psql = "cd / && runuser -u postgres -- psql -qAt -c";
    let set = format!("{psql} 'ALTER DATABASE \"{name}\" SET search_path = public, extra'");
    world.sh(server, &set);
    expect_there_and_back(world, &import, run);
    let asked = format!(
        "{psql} \"SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase \
         WHERE setrole = 0 AND datname = '{name}'\""
    );
    assert_eq!(world.sh(server, &asked), "{\"search_path=public, extra\"}");
}

/// A removed database comes back with its content, its user, and what the user may do; the trash is root's alone.
fn expect_removed_and_back(
    world: &World,
    server: &str,
    engine: &str,
    name: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    for undone in [true, false] {
        let removed = world.json(&format!("remove-database {name} --yes"), 0);
        assert!(run("SELECT 1").is_err());
        if undone {
            world.fleet(&format!("undo {}", removed["task"])).expect(0);
            assert_eq!(run("SELECT count(*) FROM v").expect("undone"), "1");
            run("CREATE TABLE again (a int)").expect("it owns it");
            world.expect_settled();
        }
    }
    let trash = world.sh(
        server,
        &format!("cd /var/lib/fleet/trash/*/{engine}-{name} && stat -c '%a %n' . * | tail -n 3; gzip -dc dump.sql.gz | wc -l"),
    );
    expect_words(&trash, &["700 .", "600 dump.sql.gz", "600 users.sql"]);
}

#[test]
fn a_dump_brings_back_all_and_a_bad_one_changes_nothing() {
    let Some(world) = world(&["lab-1", "lab-2"]) else {
        return;
    };
    for (engine, server, more) in [
        ("mariadb", "lab-2", ""),
        ("postgres", "lab-1", "--schema extra --extension pgcrypto"),
    ] {
        let name = format!("d{engine}");
        let password = told(
            &world.json(
                &format!("add-database {name} --engine {engine} --server {server} {more}"),
                0,
            ),
            &name,
        );
        let login = Login::new(&name, &password, &name);
        let run = |sql: &str| query(&world, server, engine, &login, sql);
        world.home.write("first.sql", "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\nCREATE VIEW v AS SELECT a FROM t;\n");
        world
            .fleet(&format!("import-database {name} first.sql"))
            .expect(0);
        assert_eq!(run("SELECT a FROM v").expect("a view"), "1");
        make_what_is_not_the_owners(&world, server, engine, &login);
        world
            .fleet(&format!("dump-database {name} whole.sql.gz --force"))
            .expect(0);
        let away = if engine == "mariadb" {
            "DROP VIEW w; DROP PROCEDURE p; DROP EVENT e; DROP TABLE x"
        } else {
            "DROP TABLE extra.x"
        };
        run(away).expect("from here on they are only in the dump");
        expect_decided_under_the_lock(&world, server, &name, &run);
        // Not over what is there, nor half, nor with a mistake in it, nor beyond the database.
        let refused = world
            .fleet(&format!("import-database {name} whole.sql.gz"))
            .expect(2);
        expect_words(&refused.stderr, &["not empty", "--force"]);
        let whole = std::fs::read(world.home.path().join("whole.sql.gz")).expect("a dump");
        std::fs::write(
            world.home.path().join("half.sql.gz"),
            &whole[..whole.len() - 20],
        )
        .expect("written");
        world.home.write(
            "wrong.sql",
            "DROP TABLE t;\nINSERT INTO nowhere VALUES (1);\n",
        );
        let beyond = if engine == "mariadb" {
            "CREATE DATABASE evil;\n"
        } else {
            "CREATE ROLE evil;\n"
        };
        world.home.write("beyond.sql", beyond);
        world.home.write(
            "shell.sql",
            "\\! touch /tmp/evil; ls -l /proc/self/fd >/tmp/evil\nSELECT 1 FROM nowhere;\n",
        );
        for bad in ["half.sql.gz", "wrong.sql", "beyond.sql", "shell.sql"] {
            let failed = world
                .fleet(&format!("import-database {name} {bad} --force"))
                .expect(1);
            expect_words(&failed.stderr, &["as before"]);
            assert_eq!(
                run("SELECT a FROM v").expect("as before"),
                "1",
                "{engine} {bad}"
            );
        }
        let trash = world.json(&format!("list-trash --server {server}"), 0);
        assert_eq!(
            trash["trash"],
            serde_json::json!([]),
            "{engine}: nothing was taken away"
        );
        assert_eq!(
            world.sh(server, "stat -c %U /tmp/evil 2>/dev/null || echo nobody"),
            "nobody"
        );
        // Nor does it get at the lock of the server, to free it or to keep it.
        let open = world.sh(server, "cat /tmp/evil 2>/dev/null || :");
        assert!(!open.contains("/run/fleet/"), "{open}");
        expect_taken_back_when_interrupted(&world, &name, &run);
        expect_taken_back_after_a_power_cut(&world, server, &name, &run);
        run("INSERT INTO t VALUES (2)").expect("filled");
        let import = format!("import-database {name} whole.sql.gz --force");
        expect_all_there_and_back(&world, server, engine, &name, &run);
        if engine == "mariadb" {
            expect_a_broken_view_in_nobodys_way(&world, &name, &run);
            world.fleet(&import).expect(0);
        }
        expect_what_was_not_the_owners(&world, server, engine, &login);
        world.expect_settled();
        expect_removed_and_back(&world, server, engine, &name, &run);
    }
    world.expect_settled();
    for server in ["lab-1", "lab-2"] {
        let left = world.sh(server, "ls -d /run/fleet-* 2>/dev/null || :");
        assert_eq!(left, "", "{server}");
    }
}

/// A view that lost its table: what is left of the database can be carried away, replaced, and removed, and it is said which
/// views are not in it.
fn expect_a_broken_view_in_nobodys_way(
    world: &World,
    name: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    let damage =
        "CREATE TABLE gone (a int); CREATE VIEW `lo st` AS SELECT a FROM gone; DROP TABLE gone";
    run(damage).expect("damaged");
    let dump = world
        .fleet(&format!("dump-database {name} broken.sql --compress none"))
        .expect(0);
    expect_words(&dump.stderr, &["warning", "`lo st`"]);
    let text = std::fs::read_to_string(world.home.path().join("broken.sql")).expect("a dump");
    assert!(text.contains("-- CREATE VIEW `lo st` AS select"), "{text}");
    assert!(text.contains("INSERT INTO `t`"), "{text}");
    let filled = world
        .fleet(&format!("import-database {name} broken.sql --force"))
        .expect(0);
    expect_words(&filled.stderr, &["`lo st`", "fleet undo"]);
    assert_eq!(run("SELECT a FROM v").expect("as before"), "1");
    run(damage).expect("damaged again");
    let removed = world.json(&format!("remove-database {name} --yes"), 0);
    let notice = removed["servers"][0]["notices"][0].as_str();
    assert!(
        notice.is_some_and(|notice| notice.contains("`lo st`")),
        "{removed:#}"
    );
    world.fleet(&format!("undo {}", removed["task"])).expect(0);
    assert_eq!(run("SELECT a FROM v").expect("undone"), "1");
}

/// What is in the database counts at the moment at which the import has the server's lock, and not before.
fn expect_decided_under_the_lock(
    world: &World,
    server: &str,
    name: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    run("DROP VIEW v").expect("emptied");
    run("DROP TABLE t").expect("emptied");
    world.sh(
        server,
        "rm -f /run/go; (flock 9; until [ -e /run/go ]; do sleep 0.1; done) 9>>/run/fleet/lock >/dev/null 2>&1 </dev/null &
        until ! flock -n /run/fleet/lock true; do sleep 0.1; done",
    );
    world.home.write("late.sql", "CREATE TABLE t (b int);\n");
    let waiting = world.start(&format!("import-database {name} late.sql --lock-wait 10m"));
    // It is there, and waits for the lock.
    let waits = "timeout 60 sh -c 'until pgrep -x flock >/dev/null; do sleep 0.1; done'";
    world.sh(server, waits);
    run("CREATE TABLE t (a int)").expect("somebody else was faster");
    run("INSERT INTO t VALUES (1)").expect("filled");
    run("CREATE VIEW v AS SELECT a FROM t").expect("filled");
    world.sh(server, ": >/run/go");
    let refused = waiting.outcome(world).expect(2);
    expect_words(&refused.stderr, &["is not empty: it holds 2 objects"]);
    assert_eq!(run("SELECT a FROM v").expect("untouched"), "1");
}

/// An import that is interrupted says so, its task has its end, and the database is as before.
fn expect_taken_back_when_interrupted(
    world: &World,
    name: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    let fifo = world.home.path().join(format!("ended-{name}"));
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let importing = world.start(&format!(
        "import-database {name} ended-{name} --force --json"
    ));
    let mut dump = std::fs::File::options()
        .write(true)
        .open(&fifo)
        .expect("a reader");
    dump.write_all(b"CREATE TABLE ended (a int);\n")
        .expect("written");
    let wait = |what: &str, is: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let there = "SELECT count(*) FROM ended";
    wait("nothing is imported", &|| run(there).is_ok());
    importing.interrupt();
    let ended = importing.outcome(world).expect(1);
    assert_eq!(ended.json()["error"]["message"], "interrupted");
    let task = world.json("list-tasks -n 1", 0);
    assert!(!task["tasks"][0]["ended_at"].is_null(), "{task:#}");
    wait("it is not as before", &|| {
        run(there).is_err() && run("SELECT a FROM v").is_ok_and(|found| found == "1")
    });
}

/// A server that goes away in the middle of an import has the old content again when it is used the next time, and in the
/// trash what came to be there meanwhile.
fn expect_taken_back_after_a_power_cut(
    world: &World,
    server: &str,
    name: &str,
    run: &dyn Fn(&str) -> Result<String, String>,
) {
    let fifo = world.home.path().join(format!("fifo-{name}"));
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let importing = world.start(&format!("import-database {name} fifo-{name} --force"));
    let mut dump = std::fs::File::options()
        .write(true)
        .open(&fifo)
        .expect("a reader");
    dump.write_all(b"CREATE TABLE half (a int);\n")
        .expect("written");
    let began = Instant::now();
    while run("SELECT count(*) FROM half").is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "nothing is imported"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    world.lab.kill(server);
    drop(dump);
    let cut = importing.outcome(world).expect(1);
    expect_words(
        &cut.stderr,
        &["the server takes back by itself what had come"],
    );
    world.lab.start(server);
    let began = Instant::now();
    while run("SELECT count(*) FROM half").is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "the engine does not come up"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    run("INSERT INTO half VALUES (77)").expect("somebody takes it for the real thing");
    let plan = world.fleet("plan").expect(0);
    expect_words(&plan.stderr, &["-import"]);
    world.fleet("apply").expect(0);
    assert_eq!(run("SELECT a FROM v").expect("as before"), "1");
    let found = format!("zgrep -l 77 /var/lib/fleet/trash/*/*-{name}.~1~/dump.sql.gz");
    world.sh(server, &found);
    world.expect_settled();
}

#[test]
fn a_dump_that_is_interrupted_leaves_no_file_and_keeps_nobody_from_the_server() {
    let Some(world) = world(&["lab-1"]) else {
        return;
    };
    world.fleet("add-database shop").expect(0);
    world.sh(
        "lab-1",
        "mariadb shop -e 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)'",
    );
    // Somebody has the table for themselves, so that the dump waits.
    world.sh(
        "lab-1",
        "systemd-run -q --unit holder mariadb shop -e 'LOCK TABLES t WRITE; SELECT SLEEP(300)'",
    );
    let files = || {
        let entries = std::fs::read_dir(world.home.path()).expect("the home");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        names
            .filter(|name| name.starts_with("shop.sql"))
            .collect::<Vec<_>>()
    };
    let waiting = "mariadb -N -e \"SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock'\"";
    let running = world.start("dump-database shop");
    let began = Instant::now();
    while files().is_empty() || world.sh("lab-1", waiting) == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", files());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(files()[0].starts_with("shop.sql.gz.part-"), "{:?}", files());
    running.interrupt();
    let ended = running.outcome(&world).expect(1);
    expect_words(&ended.stderr, &["interrupted"]);
    assert_eq!(files(), [""; 0]);
    let task = world.json("list-tasks -n 1", 0);
    assert_eq!(task["tasks"][0]["command"], "dump-database", "{task:#}");
    assert!(!task["tasks"][0]["ended_at"].is_null(), "{task:#}");

    // Another change does not wait for it.
    world
        .fleet("add-database-user shop report --role read-only --lock-wait 1s")
        .expect(0);
    world.sh("lab-1", "systemctl stop holder");
    world.fleet("dump-database shop").expect(0);
    assert_eq!(files(), ["shop.sql.gz"]);
    let began = Instant::now();
    while world.sh("lab-1", "pgrep -c '^(mariadb-dump|mysqldump)' || :") != "0" {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the first dump goes on"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    world.expect_tidy("lab-1");
}
