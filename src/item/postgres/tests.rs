//! Tests of what is asked of PostgreSQL, read from it and sent to it.

use super::*;
use crate::item::satisfies;

fn role(access: Access) -> Role {
    Role {
        name: "app".to_owned(),
        database: "shop".to_owned(),
        access,
        verifier: Secret::new("SCRAM-SHA-256$4096:c2FsdA==$a:b"),
        connections: 0,
        expires: None,
        locked: false,
        from: vec![From::Local],
    }
}

/// What PostgreSQL says of a role.
fn seen(more: &[&str]) -> Props {
    let lines: Vec<String> = role(Access::Owner).lines();
    let lines: Vec<String> = lines.iter().map(|line| format!("h\t{line} #fleet:app")).collect();
    let mut all = vec!["r\tapp\tt\tf\t-1\tnever\tSCRAM-SHA-256$4096:c2FsdA==$a:b"];
    all.extend(lines.iter().map(String::as_str));
    all.extend(more);
    Postgres::facts(&all)["user app"].clone()
}

#[test]
fn what_is_observed_satisfies_what_was_wanted() {
    let owner = Postgres::role(role(Access::Owner)).wanted();
    let reader = Postgres::role(role(Access::ReadOnly)).wanted();
    let owning = ["m\tapp\tshop:own", "s\tapp\tshop\trole=shop:own"];
    assert!(satisfies(&seen(&owning), &owner));
    assert!(satisfies(&seen(&["m\tapp\tshop:ro"]), &reader));
    // What else an admin has set for a role is none of its rights.
    let set = [owning[0], owning[1], "s\tapp\tshop\tsearch_path=app, public", "s\tapp\tshop\twork_mem=8MB"];
    assert!(satisfies(&seen(&set), &owner));
    assert!(satisfies(&seen(&["m\tapp\tshop:ro", "s\tapp\tother\twork_mem=8MB"]), &reader));
    assert!(!satisfies(&seen(&["m\tapp\tshop:ro", "s\tapp\tshop\trole=shop:own"]), &reader));
    assert!(!satisfies(&seen(&owning), &reader));
    assert!(!satisfies(&seen(&owning[..1]), &owner));
    assert!(!satisfies(&seen(&["m\tapp\tshop:ro", "m\tapp\tother:own"]), &reader));
    assert!(!satisfies(&seen(&["m\tapp\tshop:ro", "h\thost all \"app\" all trust #fleet:app"]), &reader));
}

#[test]
fn who_may_come_from_nowhere_else_is_turned_away() {
    let lines = role(Access::Owner).lines();
    assert_eq!(lines.last().map(String::as_str), Some("local all \"app\" reject"));
    let mut remote = role(Access::Owner);
    remote.from = vec![From::Net("10.0.0.0/8".parse().expect("a network"))];
    assert_eq!(
        remote.lines(),
        [
            "host \"shop\" \"app\" 10.0.0.0/8 scram-sha-256",
            "host all \"app\" all reject",
            "local all \"app\" reject"
        ]
    );
}

#[test]
fn a_new_database_and_its_user_are_one_session_and_go_again_in_another() {
    let database = Postgres::database(Database {
        name: "shop".to_owned(),
        encoding: "UTF8".to_owned(),
        locale: None,
        schemas: vec!["app".to_owned()],
        extensions: vec!["citext".to_owned()],
    });
    let user = Postgres::role(role(Access::Owner));
    let mut steps = Steps::new(7);
    Postgres::apply(&[(&database, None), (&user, None)], &mut steps);
    let script = steps.at(Phase::Objects).text().to_owned();
    let (_, script) = script
        .split_once("step 'changing PostgreSQL'\n")
        .expect("a step");
    insta::assert_snapshot!("made", script);
    let undo = steps.undoing().text().to_owned();
    let (_, undo) = undo
        .split_once("if [ -s \"$t/postgres-changed\" ]")
        .expect("a condition");
    insta::assert_snapshot!("unmade", undo);
}

#[test]
fn one_that_falls_silent_or_lets_nobody_in_is_not_taken_for_an_empty_one() {
    let facts = Postgres::facts(&[
        "d\tshop\tUTF8\tC.UTF-8\tshop:own\t",
        "d\tblog\tUTF8\tC.UTF-8\tblog:own\t",
        "d\twiki\tUTF8\tC.UTF-8\twiki:own\t",
        "closed\tdatabase blog",
        "r\tapp\tt\tf\t-1\tnever\t",
        "?\tdatabase shop",
        "?\tuser app",
    ]);
    for (name, why) in [("database shop", "not answer"), ("user app", "not answer"), ("database blog", "connect")] {
        let said = facts[name].get(crate::item::UNKNOWN).expect(name);
        assert!(said.contains(why), "{name}: {said}");
    }
    assert!(facts["database wiki"].contains_key("grants"));
}

#[test]
fn what_was_set_for_a_database_and_its_users_is_set_again() {
    let settings = Postgres::roles_of(&Database {
        name: "shop".to_owned(),
        encoding: "UTF8".to_owned(),
        locale: None,
        schemas: Vec::new(),
        extensions: Vec::new(),
    });
    let mut kept = statements::sql();
    statements::keep("app", &mut kept);
    for (asked, of) in [
        (settings.as_str(), ["ALTER ROLE %I IN DATABASE %I SET %s;", "ALTER DATABASE %I SET %s;"]),
        (kept.text(), ["ALTER ROLE %I IN DATABASE %I SET %s'", "ALTER ROLE %I SET %s;"]),
    ] {
        for of in of {
            assert!(asked.contains(of), "{asked}");
        }
        // As one value, a list would be the name of one schema.
        assert_eq!(asked.matches("IN ('search_path', ").count(), 2, "{asked}");
        assert!(!asked.contains("SET %s = %L"), "{asked}");
    }
}
