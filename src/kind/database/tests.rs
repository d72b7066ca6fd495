//! Tests of the settings of databases: what they become on a server, and what is refused.

#![allow(clippy::unwrap_used)]

use clap::{Args, Command, FromArgMatches};

use super::*;
use crate::kind::scope::Fleet;
use crate::kind::site::tests::TestEdge;
use crate::model::Server;
use crate::model::health::ServerFacts;

fn database_named(
    name: &str,
    arguments: &[&str],
    edge: &mut TestEdge,
) -> Result<Database, Invalid> {
    let words = ["add-database"].iter().chain(arguments);
    let matches = Database::augment_args(Command::new("add-database"))
        .try_get_matches_from(words)
        .unwrap();
    let mut database = Database::from_arg_matches(&matches).unwrap();
    let name = Database::canonical_name(name)?;
    database.absorb(&name, edge)?;
    database.validate(&name, edge.now())?;
    Ok(database)
}

fn database(arguments: &[&str]) -> Result<Database, Invalid> {
    database_named("shop", arguments, &mut TestEdge::default())
}

/// The keys of the items of a database on `db-1`; `web-1` is another server of the fleet.
fn keys(arguments: &[&str], suspended: bool) -> Vec<String> {
    let mut edge = TestEdge::default();
    let spec = database_named("shop", arguments, &mut edge).unwrap();
    let server = Server::new("db-1".parse().unwrap(), "192.0.2.1");
    let other = Server::new("web-1".parse().unwrap(), "192.0.2.2");
    let servers = [server.clone(), other]
        .into_iter()
        .map(|server| (server.name.clone(), server))
        .collect();
    let facts = ServerFacts {
        os_version: "12".to_owned(),
        ..ServerFacts::default()
    };
    let input = Compile {
        name: "shop",
        suspended,
        generation: 1,
        placements: &[],
        server: &server,
        facts: Some(&facts),
        secrets: &edge,
        fleet: Fleet {
            servers: &servers,
            resources: &BTreeMap::new(),
        },
    };
    let items = spec.items(&input).unwrap();
    items.iter().map(|item| item.key().to_string()).collect()
}

#[test]
fn a_database_comes_with_a_user_who_owns_it() {
    assert_eq!(
        keys(&[], false),
        [
            "service mariadb",
            "mariadb database shop",
            "mariadb user shop@localhost"
        ]
    );
    assert_eq!(
        keys(&["--engine", "postgres", "--user", "app"], false),
        [
            "service postgresql",
            "postgres database shop",
            "postgres user app"
        ]
    );
    assert_eq!(
        keys(&["--no-user"], false),
        ["service mariadb", "mariadb database shop"]
    );
}

#[test]
fn a_server_listens_only_where_somebody_comes_from_elsewhere() {
    assert_eq!(
        keys(&["--host", "server:web-1", "--host", "10.0.0.0/8"], false)[2..],
        [
            "mariadb user shop@10.0.0.0/255.0.0.0",
            "mariadb user shop@192.0.2.2",
            "file /etc/mysql/mariadb.conf.d/zz-fleet-listen.cnf",
            "ruleset fleet"
        ]
    );
    // What is on the same server comes through its socket.
    assert_eq!(
        keys(&["--host", "server:db-1"], false)[2..],
        ["mariadb user shop@localhost"]
    );
    assert!(
        keys(&["--engine", "postgres", "--host", "any"], false)
            .contains(&"file /etc/postgresql/15/main/conf.d/zz-fleet-listen.conf".to_owned())
    );
}

#[test]
fn the_same_arguments_give_the_same_database_again() {
    let first = database(&[]).unwrap();
    let mut second = database(&[]).unwrap();
    let user = second.users.get_mut("shop").unwrap();
    user.password = SecretId("sec_other".to_owned());
    assert_ne!(first, second);
    second.inherit(&first);
    assert_eq!(first, second);
    // A password that was given is not that of before.
    second.users.get_mut("shop").unwrap().generated = false;
    second.users.get_mut("shop").unwrap().password = SecretId("sec_other".to_owned());
    second.inherit(&first);
    assert_ne!(first, second);
}

#[test]
fn a_generated_password_is_told_and_in_nothing_that_is_stored() {
    let mut edge = TestEdge::default();
    let spec = database_named("shop", &[], &mut edge).unwrap();
    assert_eq!(edge.told, ["password of shop"]);
    assert!(
        !serde_json::to_string(&spec)
            .unwrap()
            .contains("\"generated\":\"generated")
    );
    let mut edge = TestEdge {
        files: vec![("p", "pass word\n".to_owned())],
        ..TestEdge::default()
    };
    database_named("shop", &["--password-file", "p"], &mut edge).unwrap();
    assert!(edge.told.is_empty());
    assert_eq!(edge.sealed[0].1.reveal(), "pass word");
}

#[test]
fn hostile_values_are_refused_before_anything_is_sent() {
    const NASTY: &[&str] = &[
        "",
        " ",
        "a b",
        "a'b",
        "a\"b",
        "a`b",
        "a\\b",
        "a;b",
        "a|b",
        "a$(x)",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\0b",
        "a\u{202e}b",
        "a\u{200f}b",
        "a\u{1b}[31m",
        "a/b",
        "../a",
        "a@b",
        "a%b",
        "-- x",
        "/*x*/",
        "a#b",
    ];
    for nasty in NASTY {
        assert!(
            database_named(nasty, &[], &mut TestEdge::default()).is_err(),
            "name {nasty:?}"
        );
        for flag in ["--user", "--charset", "--collation", "--host", "--site"] {
            let argument = format!("{flag}={nasty}");
            let refused = database(&[&argument]).is_err();
            // A flag that is empty is not given.
            let fine = (flag == "--collation" && *nasty == "a@b")
                || (flag == "--host" && nasty.is_empty());
            assert!(refused || fine, "{argument:?}");
        }
        for flag in ["--schema", "--extension"] {
            let argument = format!("{flag}={nasty}");
            assert!(
                database(&["--engine=postgres", &argument]).is_err(),
                "{argument:?}"
            );
        }
    }
    for name in [
        "mysql",
        "MySQL",
        "information_schema",
        "postgres",
        "template1",
        "sys",
    ] {
        assert!(
            database_named(name, &[], &mut TestEdge::default()).is_err(),
            "{name}"
        );
    }
    for user in [
        "root",
        "postgres",
        "mysql",
        "debian-sys-maint",
        "mariadb.sys",
    ] {
        assert!(database(&["--user", user]).is_err(), "{user}");
    }
    assert!(database(&["--engine=postgres", "--user=pg_x"]).is_err());
    assert!(database(&["--schema=x"]).is_err());
    assert!(database(&["--host=fd00::/8"]).is_err());
}

#[test]
fn names_have_the_length_that_their_engine_takes() {
    let named = |name: &str, arguments: &[&str]| {
        database_named(name, arguments, &mut TestEdge::default()).is_ok()
    };
    assert!(named(&"a".repeat(64), &[]));
    assert!(!named(&"a".repeat(65), &[]));
    // `_` is granted as `\_`.
    assert!(!named(&format!("{}_", "a".repeat(63)), &[]));
    assert!(named(&"a".repeat(59), &["--engine=postgres"]));
    assert!(!named(&"a".repeat(60), &["--engine=postgres"]));
    assert!(!named(&"ü".repeat(32), &["--engine=postgres", "--user=a"]));
    assert!(named(&"ü".repeat(64), &["--user=a"]));
}

#[test]
fn the_settings_of_a_sites_application_are_a_file_of_its_user() {
    let site = ["--site", "example.com", "--write-settings"];
    let file = "file /srv/www/example.com/database.env";
    assert_eq!(keys(&site, false).last().unwrap(), file);
    assert_eq!(
        keys(&["--site", "example.com", "--write-settings=.env"], true)
            .last()
            .unwrap(),
        "file /srv/www/example.com/.env"
    );
    for arguments in [
        &["--write-settings"][..],
        &["--site", "example.com", "--write-settings", "--no-user"],
        &[
            "--site",
            "example.com",
            "--write-settings",
            "--host",
            "192.0.2.7",
        ],
        &["--site", "example.com", "--write-settings=../x"],
        &["--site", "example.com", "--write-settings=a b"],
        &["--site", "example.com", "--write-settings=public"],
        &["--site", "example.com", "--write-settings=.fleet-stage"],
        &["--site", "example.com", "--write-settings=.."],
        &["--site", "example.com", "--write-settings="],
    ] {
        assert!(database(arguments).is_err(), "{arguments:?}");
    }
}
