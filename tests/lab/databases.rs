//! Databases from nothing to gone, with the engines' own clients: users log in, are kept out, expire; dumps come back.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::world::{World, expect_quick, expect_words};

/// A password with everything that a shell, SQL or an option file could trip over: 64 characters.
const NASTY: &str = "it's \"q\" \\ ; -- #x $y `z` %s {} [] * ? ! ~ & | < > ( ) ü é ☃ = : @ /";

const ENGINES: [&str; 2] = ["mariadb", "postgres"];

/// Servers with both engines running; `None` without a lab.
fn world(servers: &[&str]) -> Option<World> {
    let world = World::new(servers)?;
    for server in servers {
        world
            .fleet(&format!("setup-server {server} --role database"))
            .expect(0);
    }
    Some(world)
}

/// Runs a statement as a user who logs in with a password, from the server itself or over the network; what it prints.
fn query(
    world: &World,
    on: &str,
    engine: &str,
    login: &Login<'_>,
    sql: &str,
) -> Result<String, String> {
    let host = login.host.unwrap_or("localhost");
    let Login {
        user,
        password,
        database,
        ..
    } = login;
    let quoted = |text: &str| fleet::shell::quote(text);
    let (password, user, database) = (quoted(password), quoted(user), quoted(database));
    let sql = quoted(sql);
    let line = match engine {
        "mariadb" => format!(
            "MYSQL_PWD={password} mariadb --default-character-set=utf8mb4 --connect-timeout=5 -N -B -h {host} \
             -u {user} {database} -e {sql}"
        ),
        _ => format!(
            "PGCONNECT_TIMEOUT=5 PGPASSWORD={password} psql -X -At -w -h {host} -U {user} -d {database} -c {sql}"
        ),
    };
    let output = world.lab.sh(on, &line);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// Who logs in.
struct Login<'a> {
    user: &'a str,
    password: &'a str,
    database: &'a str,
    host: Option<&'a str>,
}

impl<'a> Login<'a> {
    fn new(user: &'a str, password: &'a str, database: &'a str) -> Self {
        Self {
            user,
            password,
            database,
            host: None,
        }
    }
}

/// The password that fleet made up for a user.
fn told(value: &serde_json::Value, user: &str) -> String {
    let secret = &value["secrets"][format!("password of {user}")];
    secret.as_str().expect("a password").to_owned()
}

#[test]
fn a_database_is_used_by_its_users_and_nobody_else() {
    let Some(world) = world(&["lab-1", "lab-2"]) else {
        return;
    };
    for (server, engine) in [
        ("lab-1", "mariadb"),
        ("lab-1", "postgres"),
        ("lab-2", "mariadb"),
        ("lab-2", "postgres"),
    ] {
        let name = format!("{engine}-{server}.ü_1");
        let owner = format!("{engine}_{server}");
        world.home.write("password", &format!("{NASTY}\n"));
        let add = format!(
            "add-database {name} --engine {engine} --server {server} --user {owner} --password-file password"
        );
        world.fleet(&add).expect(0);
        let run = |login: &Login<'_>, sql: &str| query(&world, server, engine, login, sql);
        let as_owner = Login::new(&owner, NASTY, &name);
        run(&as_owner, "CREATE TABLE t (a int)").expect("an owner makes tables");
        run(&as_owner, "INSERT INTO t VALUES (1)").expect("and fills them");
        assert!(run(&Login::new(&owner, "wrong", &name), "SELECT 1").is_err());

        // The same again changes nothing; what it is, is known without asking again.
        let again = world.json(&add, 0);
        assert_eq!(again["unchanged"], true, "{again:#}");

        let reader = format!("r_{owner}");
        let added = world.json(
            &format!("add-database-user {name} {reader} --role read-only --connections 2"),
            0,
        );
        let password = told(&added, &reader);
        let ways = added["directions"].as_array().expect("how it gets there");
        assert_eq!(ways.len(), 1, "{added:#}");
        assert_eq!(ways[0][0], format!("url of {reader}"));
        let as_reader = Login::new(&reader, &password, &name);
        assert_eq!(run(&as_reader, "SELECT a FROM t").expect("it reads"), "1");
        assert!(
            run(&as_reader, "INSERT INTO t VALUES (2)").is_err(),
            "{engine}"
        );
        world
            .fleet(&format!(
                "set-database-user {name} {reader} --role read-write"
            ))
            .expect(0);
        run(&as_reader, "INSERT INTO t VALUES (2)").expect("now it writes");
        assert!(run(&as_reader, "DROP TABLE t").is_err(), "{engine}");
        for other in ["mysql", "postgres"] {
            let stranger = Login::new(&reader, &password, other);
            assert!(run(&stranger, "SELECT 1").is_err(), "{engine} {other}");
        }

        let rotated = world.json(&format!("rotate-password {name} {reader}"), 0);
        assert!(run(&as_reader, "SELECT 1").is_err(), "the old password");
        let password = told(&rotated, &reader);
        let as_reader = Login::new(&reader, &password, &name);
        run(&as_reader, "SELECT 1").expect("the new password");
        let shown = world.json(&format!("show-database {name} --reveal"), 0);
        assert_eq!(told(&shown["database"], &reader), password);

        world.fleet(&format!("suspend-database {name}")).expect(0);
        assert!(run(&as_owner, "SELECT 1").is_err(), "suspended");
        world.fleet(&format!("resume-database {name}")).expect(0);
        run(&as_owner, "SELECT 1").expect("resumed");
        world
            .fleet(&format!("remove-database-user {name} {reader} --yes"))
            .expect(0);
        assert!(run(&as_reader, "SELECT 1").is_err(), "removed");
    }
    world.expect_settled();
    let list = world.fleet("list-databases").expect(0);
    expect_words(&list.stdout, &["SIZE", "iB", "mariadb-lab-1.ü_1"]);
}

#[test]
fn what_somebody_changed_on_the_server_is_seen_and_made_right() {
    let Some(world) = world(&["lab-1"]) else {
        return;
    };
    for engine in ENGINES {
        let name = format!("d_{engine}");
        let password = told(
            &world.json(&format!("add-database {name} --engine {engine}"), 0),
            &name,
        );
        let break_it: &[&str] = if engine == "mariadb" {
            &[
                "mariadb -e \"SET PASSWORD FOR 'd_mariadb'@'localhost' = PASSWORD('x')\"",
                "mariadb -e \"GRANT SELECT ON mysql.* TO 'd_mariadb'@'localhost'\"",
                "mariadb -e \"DROP USER 'd_mariadb'@'localhost'\"",
            ]
        } else {
            &[
                "cd / && runuser -u postgres -- psql -q -c \"ALTER ROLE d_postgres PASSWORD 'x'\"",
                "cd / && runuser -u postgres -- psql -q -c 'GRANT pg_monitor TO d_postgres'",
                "sed -i '/reject #fleet:d_postgres/d' /etc/postgresql/*/main/pg_hba.conf",
            ]
        };
        for line in break_it {
            world.sh("lab-1", line);
            world.fleet("plan --detailed-exitcode").expect(6);
            world.fleet("apply").expect(0);
            world.expect_settled();
        }
        query(
            &world,
            "lab-1",
            engine,
            &Login::new(&name, &password, &name),
            "SELECT 1",
        )
        .expect("as it was");
    }
    expect_settings_of_a_site(&world);
    expect_one_to_hide_no_other(&world);
    // What was there before fleet is not taken over in silence.
    world.sh(
        "lab-1",
        "mariadb -e \"CREATE DATABASE old; CREATE USER 'old'@'localhost'\"",
    );
    let refused = world.fleet("add-database old").expect(1);
    expect_words(&refused.stderr, &["user old@localhost"]);
    // Nor is what was as it would be made: it is not fleet's to take away.
    world.expect_settled();
    world
        .fleet("add-site kept.example --server lab-1")
        .expect(0);
    for engine in ENGINES {
        expect_a_password_to_be_kept(&world, engine);
    }
    world.fleet("add-database root").expect(2);
}

/// Whoever was there before keeps the password, and nobody is told another one.
fn expect_a_password_to_be_kept(world: &World, engine: &str) {
    let name = format!("legacy_{engine}");
    let make = if engine == "mariadb" {
        format!(
            "mariadb -e \"CREATE DATABASE {name}; CREATE USER {name}@localhost IDENTIFIED BY 'oldpw'; \
             GRANT ALL ON {name}.* TO {name}@localhost\""
        )
    } else {
        format!(
            "cd / && runuser -u postgres -- psql -q -c \"CREATE ROLE {name} LOGIN PASSWORD 'oldpw'\" \
             -c 'CREATE DATABASE {name} OWNER {name}'"
        )
    };
    world.sh("lab-1", &make);
    let way = &format!("fleet rotate-password {name} {name}");
    let known = |value: &serde_json::Value| {
        let what = format!("password of {name}");
        assert_eq!(value["unknown_secrets"][0], *what, "{value:#}");
        assert!(value["secrets"].is_null(), "{value:#}");
    };
    let add = format!("add-database {name} --engine {engine} --server lab-1 --adopt");
    known(&world.json(&add, 0));
    known(&world.json(&format!("show-database {name} --reveal"), 0)["database"]);
    let shown = world
        .fleet(&format!("show-database {name} --reveal"))
        .expect(0);
    expect_words(&shown.stdout, &[&name, "not known", "kept as it is"]);
    expect_words(&shown.stderr, &[way]);
    world.home.write("any.sql", "SELECT 1;\n");
    let refused = world
        .fleet(&format!("import-database {name} any.sql"))
        .expect(2);
    expect_words(&refused.stderr, &["not known", way]);
    let login = |password: &str| {
        let login = Login::new(&name, password, &name);
        query(world, "lab-1", engine, &login, "SELECT 1")
    };
    login("oldpw").expect("the password that it had");
    // A password that does not work is written nowhere, and nothing of it is on record.
    let file = format!("{engine}.env");
    let settings = format!("--write-settings={file}");
    world.home.write("wrong", "wrong-password\n");
    let other = format!("other_{engine}");
    world.sh("lab-1", &make.replace(&name, &other));
    for source in ["", "--password-file wrong"] {
        let add = format!(
            "add-database {other} --engine {engine} --site kept.example --adopt {settings} {source}"
        );
        let refused = world.fleet(&add).expect(1);
        expect_words(
            &refused.stderr,
            &[
                "keeps its own password",
                "--password-file",
                "rotate-password",
            ],
        );
        world.expect_settled();
    }
    let home = "/srv/www/kept.example";
    world.sh("lab-1", &format!("test ! -e {home}/{file}"));
    let login_other = Login::new(&other, "oldpw", &other);
    query(world, "lab-1", engine, &login_other, "SELECT 1")
        .expect("it is there, with its password");

    let rotated = world.json(&format!("rotate-password {name}"), 0);
    let password = told(&rotated, &name);
    login(&password).expect("the new one");
    login("oldpw").expect_err("the old one");
    world.expect_settled();
    let shown = world.json(&format!("show-database {name} --reveal"), 0);
    assert_eq!(told(&shown["database"], &name), password);
    let live = &shown["database"]["live"]["lab-1"];
    assert!(live["bytes"].is_u64(), "{live:#}");
}

/// A database that nobody may connect to is told of, and the others are as they are. What a role may do on the whole server
/// it can do again when taking it over fails.
fn expect_one_to_hide_no_other(world: &World) {
    let sql = |sql: &str| {
        let line = format!("cd / && runuser -u postgres -- psql -q -At -c \"{sql}\"");
        world.sh("lab-1", &line)
    };
    world
        .fleet("add-database z_other --engine postgres")
        .expect(0);
    sql("ALTER DATABASE d_postgres ALLOW_CONNECTIONS false");
    let plan = world.fleet("plan");
    expect_words(&format!("{plan}"), &["d_postgres", "nobody may connect"]);
    assert!(!plan.stdout.contains("z_other"), "{plan}");
    sql("ALTER DATABASE d_postgres ALLOW_CONNECTIONS true");
    world.expect_settled();

    sql("CREATE ROLE boss LOGIN CREATEDB");
    world.sh(
        "lab-1",
        "echo nonsense >>$(ls /etc/postgresql/*/main/pg_hba.conf)",
    );
    let failed = world
        .fleet("add-database theirs --engine postgres --user boss --force")
        .expect(1);
    expect_words(&failed.stderr, &["pg_hba.conf"]);
    assert_eq!(
        sql("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'boss'"),
        "t"
    );
    world.sh(
        "lab-1",
        "sed -i '/^nonsense$/d' /etc/postgresql/*/main/pg_hba.conf",
    );
    sql("DROP ROLE boss");
    world.fleet("remove-database z_other --yes").expect(0);
}

/// The application of a site finds its database by a file that nobody else can read; it follows the password and goes
/// with the database.
fn expect_settings_of_a_site(world: &World) {
    let file = "/srv/www/a.example/database.env";
    world.fleet("add-site a.example --server lab-1").expect(0);
    world
        .fleet("add-database app --site a.example --write-settings")
        .expect(0);
    let log_in = format!(
        "runuser -u $(stat -c %U {file}) -- sh -c '. {file}; MYSQL_PWD=$DB_PASSWORD mariadb -h $DB_HOST -P $DB_PORT \
         -u $DB_USERNAME -N -e \"SELECT DATABASE()\" $DB_DATABASE'"
    );
    assert_eq!(world.sh("lab-1", &log_in), "app");
    let before = world.sh("lab-1", &format!("stat -c %a {file}; sha256sum {file}"));
    assert!(before.starts_with("600"), "{before}");
    world.fleet("rotate-password app app").expect(0);
    assert_eq!(world.sh("lab-1", &log_in), "app");
    assert_ne!(
        world.sh("lab-1", &format!("stat -c %a {file}; sha256sum {file}")),
        before
    );
    let stranger = format!("runuser -u www-data -- cat {file}");
    assert!(!world.lab.sh("lab-1", &stranger).status.success());
    world.sh("lab-1", &format!("chmod 644 {file}"));
    world.fleet("plan --detailed-exitcode").expect(6);
    world.fleet("apply").expect(0);
    assert_eq!(world.sh("lab-1", &format!("stat -c %a {file}")), "600");
    world.fleet("remove-database app --yes").expect(0);
    assert!(
        !world
            .lab
            .sh("lab-1", &format!("test -e {file}"))
            .status
            .success()
    );
    world.expect_settled();
}

#[test]
fn a_user_comes_from_where_it_may_and_expires_by_itself() {
    let Some(world) = world(&["lab-1", "lab-2", "lab-4"]) else {
        return;
    };
    // One engine on each release of Debian; of dumps it is the other way round.
    for (engine, server) in [("mariadb", "lab-1"), ("postgres", "lab-2")] {
        let address = world.lab.server(server).address.to_string();
        let name = format!("n{engine}");
        let add =
            format!("add-database {name} --engine {engine} --server {server} --host server:lab-4");
        let password = told(&world.json(&add, 0), &name);
        let mut login = Login::new(&name, &password, &name);
        assert!(
            query(&world, server, engine, &login, "SELECT 1").is_err(),
            "not from itself"
        );
        login.host = Some(&address);
        query(&world, "lab-4", engine, &login, "SELECT 1").expect("from lab-4");
        world.expect_settled();
        world
            .fleet(&format!("set-database-user {name} {name} --host localhost"))
            .expect(0);
        assert!(
            query(&world, "lab-4", engine, &login, "SELECT 1").is_err(),
            "not any more"
        );
        world.expect_settled();

        expect_sessions_end(&world, engine, server, &name);

        let short = format!("s{engine}");
        let added = world.json(&format!("add-database-user {name} {short} --expires 4s"), 0);
        let password = told(&added, &short);
        let login = Login::new(&short, &password, &name);
        let began = Instant::now();
        while query(&world, server, engine, &login, "SELECT 1").is_ok() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{engine}: it does not expire"
            );
            std::thread::sleep(Duration::from_millis(300));
        }
        // It stays kept out: that is what was asked for.
        world.expect_settled();
    }
    for server in ["lab-1", "lab-2"] {
        let listening = world.sh(
            server,
            "ss -ltnH | awk '{ print $4 }' | grep -E ':(3306|5432)$' | sort",
        );
        assert!(
            !listening.contains("0.0.0.0") && !listening.contains('*'),
            "{server}: {listening}"
        );
    }
}

/// Who is kept out is so at once: also a session that is open, of a user who comes from a network.
fn expect_sessions_end(world: &World, engine: &str, server: &str, name: &str) {
    let user = format!("w{engine}");
    let [network, _] = world.lab.networks();
    let add = format!("add-database-user {name} {user} --host {network}");
    let password = told(&world.json(&add, 0), &user);
    let address = world.lab.server(server).address;
    let (client, sessions) = if engine == "mariadb" {
        (
            format!(
                "MYSQL_PWD={password} mariadb -h {address} -u {user} {name} -e 'SELECT SLEEP(900)'"
            ),
            format!(
                "mariadb -N -e \"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{user}' AND INFO LIKE '%SLEEP%'\""
            ),
        )
    } else {
        (
            format!(
                "PGPASSWORD={password} psql -w -h {address} -U {user} -d {name} -c 'SELECT pg_sleep(900)'"
            ),
            format!(
                "cd / && runuser -u postgres -- psql -At -c \"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND query LIKE '%sleep%'\""
            ),
        )
    };
    world.sh(
        "lab-4",
        &format!("( {client} ) >/run/session 2>&1 </dev/null & sleep 0"),
    );
    let until = |number: &str| {
        let wait = format!(
            "timeout 60 sh -c 'until [ \"$(sh /run/sessions)\" = {number} ]; do sleep 0.1; done'"
        );
        let is_so = world.lab.sh(server, &wait).status.success();
        assert!(is_so, "{engine}: {}", world.sh("lab-4", "cat /run/session"));
    };
    world.sh(
        server,
        &format!("cat >/run/sessions <<'END'\n{sessions}\nEND"),
    );
    until("1");
    world.fleet(&format!("suspend-database {name}")).expect(0);
    until("0");
    world.fleet(&format!("resume-database {name}")).expect(0);
    world
        .fleet(&format!("remove-database-user {name} {user} --yes"))
        .expect(0);
}

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
        last = world.json(&format!("undo {last}"), 0)["task"].clone();
    }
    assert_eq!(run("SELECT count(*) FROM t").expect("as dumped"), "1");
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
        expect_taken_back_after_a_power_cut(&world, server, &name, &run);
        run("INSERT INTO t VALUES (2)").expect("filled");
        let import = format!("import-database {name} whole.sql.gz --force");
        expect_there_and_back(&world, &import, &run);
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
fn a_hundred_databases_are_looked_at_in_one_connection() {
    let Some(world) = World::with(&["lab-1"], |text| {
        text.replace("capacity = 50", "capacity = 500")
    }) else {
        return;
    };
    world.fleet("setup-server lab-1 --role database").expect(0);
    world.home.write("password", "secret\n");
    for number in 0..100 {
        // PostgreSQL takes its time to make one.
        let engine = ENGINES[usize::from(number % 5 == 0)];
        world
            .fleet(&format!(
                "add-database d{number} --engine {engine} --password-file password --stage"
            ))
            .expect(0);
    }
    world.fleet("apply").expect(0);
    expect_quick(Duration::from_secs(2), || {
        let again = world.json("apply", 0);
        assert_eq!(again["servers"][0]["outcome"], "unchanged", "{again:#}");
    });
    let list = world.json("list-databases", 0);
    assert_eq!(list["databases"].as_array().expect("a list").len(), 100);
}
