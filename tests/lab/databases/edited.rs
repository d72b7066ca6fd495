//! Databases and users that somebody else made or changed, and files with their passwords.

use super::*;

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
