//! Tests of what is asked of MariaDB, read from it and sent to it.

use super::*;
use crate::item::satisfies;

fn account(access: Access) -> Account {
    Account {
        user: "app".to_owned(),
        host: "localhost".to_owned(),
        database: "my_shop".to_owned(),
        access,
        verifier: super::super::verifier::native(&Secret::new("password")),
        connections: 5,
        expires: None,
        locked: false,
    }
}

/// What MariaDB says of an account, with the columns of `mysql.db` and what else is to be said.
fn seen(columns: &str, rest: &[&str]) -> Props {
    let user = "u\tapp\tlocalhost\t0\tmysql_native_password\t*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\t5\t0";
    let grant = format!("g\tapp\tlocalhost\tmy\\_shop\t{columns}");
    let mut lines = vec!["s\tON", user, &grant];
    lines.extend(rest);
    Mariadb::facts(&lines)["user app@localhost"].clone()
}

#[test]
fn what_is_observed_satisfies_what_was_wanted() {
    for (access, columns) in [
        (Access::Owner, "YYYYYYYYYYYYYYYYYYYN"),
        (Access::ReadWrite, "YYYYYYYYNNNNNNNNNNNN"),
        (Access::ReadOnly, "YNNNNNYNNNNNNNNNNNNN"),
    ] {
        let wanted = Mariadb::account(account(access)).wanted();
        assert!(satisfies(&seen(columns, &[]), &wanted), "{access}");
        for other in [
            "NNNNNNNNNNNNNNNNNNNN",
            "YYYYYYYYYYYYYYYYYYYY",
            "YYNNNNYNNNNNNNNNNNNN",
        ] {
            assert!(!satisfies(&seen(other, &[]), &wanted), "{access} {other}");
        }
        for more in [
            "x\tapp\tlocalhost\tmysql\tuser",
            "g\tapp\tlocalhost\tother\tYNNNNNYNNNNNNNNNNNNN",
            "u\tapp\tlocalhost\t1\tmysql_native_password\t*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\t5\t0",
        ] {
            assert!(!satisfies(&seen(columns, &[more]), &wanted), "{more}");
        }
    }
    let database = Mariadb::database(Database {
        name: "my_shop".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: None,
    });
    let facts = Mariadb::facts(&["d\tmy_shop\tutf8mb4\tutf8mb4_general_ci"]);
    assert!(satisfies(&facts["database my_shop"], &database.wanted()));
}

#[test]
fn an_expiry_counts_only_where_it_is_enforced() {
    let mut expiring = account(Access::ReadOnly);
    expiring.expires = Some("2026-11-20 12:00:00".to_owned());
    let wanted = Mariadb::account(expiring).wanted();
    let columns = "YNNNNNYNNNNNNNNNNNNN";
    let event = statements::event("app", "localhost");
    let event = |past: &str| format!("e\t{event}\t2026-11-20 12:00:00\t{past}");
    let locked = "u\tapp\tlocalhost\t0\tmysql_native_password\t*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\t5\t1";
    assert!(satisfies(&seen(columns, &[&event("0")]), &wanted));
    assert!(satisfies(&seen(columns, &[&event("1"), locked]), &wanted));
    assert!(!satisfies(&seen(columns, &[&event("1")]), &wanted));
    assert!(!satisfies(&seen(columns, &[]), &wanted));
    assert!(!satisfies(&seen(columns, &[&event("0"), "s\tOFF"]), &wanted));
}

#[test]
fn whoever_is_kept_out_or_gone_loses_the_sessions_of_every_place() {
    let mut locked = account(Access::ReadOnly);
    locked.host = "10.0.0.0/255.0.0.0".to_owned();
    locked.locked = true;
    let fact = props([("expires", "2026-11-20 12:00:00".to_owned())]);
    // A host that is named there fits no session of a network.
    let kill = "KILL CONNECTION USER 'app';\n";
    let changed = statements::admit(&locked, Some(&fact));
    let gone = statements::dismiss("app", &locked.host, &fact);
    for sql in [&changed[1].forward, &gone.forward, &changed[1].back, &gone.back] {
        assert!(sql.text().contains(kill), "{}", sql.text());
    }
}

#[test]
fn a_pattern_is_not_the_database() {
    let facts = Mariadb::facts(&[
        "u\tapp\tlocalhost\t0\tmysql_native_password\t*X\t0\t0",
        "g\tapp\tlocalhost\tmy_shop\tYYYYYYYYYYYYYYYYYYYN",
    ]);
    assert_eq!(
        facts["user app@localhost"]["grants"],
        "owner on my_shop as a pattern"
    );
}

#[test]
fn a_server_that_does_not_answer_is_not_an_empty_one() {
    let facts = Mariadb::facts(&["?\tdatabase shop"]);
    let database = Mariadb::database(Database {
        name: "shop".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: None,
    });
    let fact = &facts["database shop"];
    assert!(fact.contains_key(crate::item::UNKNOWN));
    assert!(!satisfies(fact, &database.wanted()));
    // Nor is one that fell silent in the middle of its answers.
    let facts = Mariadb::facts(&[
        "d\tshop\tutf8mb4\tutf8mb4_general_ci",
        "u\tapp\tlocalhost\t0\tmysql_native_password\t*X\t0\t0",
        "?\tdatabase shop",
        "?\tuser app@localhost",
    ]);
    for name in ["database shop", "user app@localhost"] {
        assert!(facts[name].contains_key(crate::item::UNKNOWN), "{name}");
    }
}

#[test]
fn an_account_gets_back_what_locks_it_also_where_nothing_did_so_in_time() {
    let item = Mariadb::account(account(Access::ReadOnly));
    let event = statements::event("app", "localhost");
    let event = format!("e\t{event}\t2026-11-20 12:00:00\t1");
    for fact in [
        seen("YNNNNNYNNNNNNNNNNNNN", &[&event]),
        seen("YNNNNNYNNNNNNNNNNNNN", &[&event, "s\tOFF"]),
    ] {
        assert!(!fact["expires"].starts_with("2026"), "{fact:?}");
        let mut changed = Steps::new(7);
        Mariadb::apply(&[(&item, Some(&fact))], &mut changed);
        let mut removed = Steps::new(7);
        let of = Removal { name: &item.key, applied: &fact, fact: &fact };
        Mariadb::remove(&[of], &mut removed);
        for steps in [changed, removed] {
            let undo = steps.undoing();
            assert!(undo.text().contains("CREATE OR REPLACE EVENT"), "{}", undo.text());
        }
    }
}

#[test]
fn the_password_is_in_nothing_that_is_shown() {
    let item = Mariadb::account(account(Access::Owner));
    let shown = format!("{item:?} {:?}", item.wanted());
    assert!(!shown.contains("2470C0"), "{shown}");
}

#[test]
fn a_new_database_and_its_user_are_one_session_and_go_again_in_another() {
    let database = Mariadb::database(Database {
        name: "my_shop".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: Some("utf8mb4_unicode_ci".to_owned()),
    });
    let user = Mariadb::account(account(Access::Owner));
    let mut steps = Steps::new(7);
    Mariadb::apply(&[(&database, None), (&user, None)], &mut steps);
    let script = steps.at(Phase::Objects).text().to_owned();
    let (_, script) = script
        .split_once("step 'changing MariaDB'\n")
        .expect("a step");
    insta::assert_snapshot!("made", script);
    let undo = steps.undoing().text().to_owned();
    let (_, undo) = undo
        .split_once("if [ -s \"$t/mariadb-changed\" ]")
        .expect("a condition");
    insta::assert_snapshot!("unmade", undo);
}
