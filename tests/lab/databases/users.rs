//! Where users may come from, and until when.

use super::*;

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

        // A server that is none is nobody's way in, and not on record.
        for (host, why) in [
            ("server:lab-44", "unknown server `lab-44`"),
            ("server:rol=web", "unknown attribute `rol`"),
            ("server:", "empty server selector"),
            ("sever:lab-4", "is none of"),
        ] {
            let set = format!("set-database-user {name} {name} --host {host}");
            let refused = world.fleet(&set);
            assert!([1, 2].contains(&refused.code), "{refused}");
            expect_words(&refused.stderr, &[why]);
            world.expect_settled();
        }
        login.host = None;
        query(&world, server, engine, &login, "SELECT 1").expect("as it was before");

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
