//! Databases from nothing to gone, with the engines' own clients: users log in, are kept out, expire; dumps come back.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::world::{World, expect_quick, expect_words};

mod dumps;
mod edited;
mod users;

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
        let ways = added["directions"].as_object().expect("how it gets there");
        assert!(ways.keys().eq([&format!("url of {reader}")]), "{added:#}");
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
