//! The statements that change PostgreSQL, each with what undoes it.

use super::super::sql::{Dialect, Sql, Step};
use super::{Database, Role, group};
use crate::item::Props;
use crate::model::Access;
use crate::shell::Script;

/// No statement yet.
pub(super) fn sql() -> Sql {
    Sql::new(Dialect::Postgres)
}

/// Makes or changes a database.
pub(super) fn make(database: &Database, before: Option<&Props>) -> Vec<Step> {
    let name = &database.name;
    let owner = group(name, Access::Owner);
    let mut steps = Vec::new();
    if before.is_none() {
        let (mut forward, mut back) = (sql(), sql());
        for access in Access::ALL {
            ensure(&group(name, access), &mut forward);
        }
        forward
            .raw("CREATE DATABASE ")
            .name(name)
            .raw(" OWNER ")
            .name(&owner)
            .raw(" TEMPLATE template0 ENCODING ")
            .value(&database.encoding);
        if let Some(locale) = &database.locale {
            forward.raw(" LOCALE ").value(locale);
        }
        forward.raw(";\n");
        back.raw("DROP DATABASE IF EXISTS ").name(name).raw(" WITH (FORCE);\n");
        for access in Access::ALL {
            back.raw("DROP ROLE IF EXISTS ").name(&group(name, access)).raw(";\n");
        }
        steps.push(Step {
            forward,
            back,
            early: false,
            kept: false,
            makes: Some(name.clone()),
        });
    }
    let mut forward = sql();
    let mut back = sql();
    if before.is_some() {
        for access in Access::ALL {
            ensure(&group(name, access), &mut forward);
        }
        forward.raw("ALTER DATABASE ").name(name).raw(" OWNER TO ").name(&owner).raw(";\n");
    }
    forward.raw("REVOKE ALL ON DATABASE ").name(name).raw(" FROM PUBLIC;\n");
    for access in [Access::ReadWrite, Access::ReadOnly] {
        forward
            .raw("GRANT CONNECT, TEMPORARY ON DATABASE ")
            .name(name)
            .raw(" TO ")
            .name(&group(name, access))
            .raw(";\n");
    }
    forward.raw("\\connect ").name(name).raw("\n");
    inside(database, &owner, &mut forward);
    forward.raw("\\connect postgres\n");
    if let Some(before) = before {
        back.raw("\\connect ").name(name).raw("\n");
        let is_new = |word: &str, what: &str| !before.contains_key(&format!("{word} {what}"));
        for schema in database.schemas.iter().filter(|schema| is_new("schema", schema)) {
            back.raw("DROP SCHEMA IF EXISTS ").name(schema).raw(";\n");
        }
        for extension in database.extensions.iter().filter(|extension| is_new("extension", extension)) {
            back.raw("DROP EXTENSION IF EXISTS ").name(extension).raw(";\n");
        }
        back.raw("\\connect postgres\n");
    }
    steps.push(Step {
        forward,
        back,
        early: true,
        kept: false,
        makes: None,
    });
    steps
}

/// What is to be made inside a database: all at once or not at all.
fn inside(database: &Database, owner: &str, out: &mut Sql) {
    out.raw("BEGIN;\n");
    let (rw, ro) = (
        group(&database.name, Access::ReadWrite),
        group(&database.name, Access::ReadOnly),
    );
    for (privileges, objects, to) in [
        ("SELECT, INSERT, UPDATE, DELETE", "TABLES", &rw),
        ("SELECT", "TABLES", &ro),
        ("SELECT, UPDATE, USAGE", "SEQUENCES", &rw),
        ("SELECT", "SEQUENCES", &ro),
        ("USAGE", "SCHEMAS", &rw),
        ("USAGE", "SCHEMAS", &ro),
    ] {
        out.raw("ALTER DEFAULT PRIVILEGES FOR ROLE ")
            .name(owner)
            .raw(" GRANT ")
            .raw(privileges)
            .raw(" ON ")
            .raw(objects)
            .raw(" TO ")
            .name(to)
            .raw(";\n");
    }
    for schema in &database.schemas {
        out.raw("CREATE SCHEMA IF NOT EXISTS ")
            .name(schema)
            .raw(" AUTHORIZATION ")
            .name(owner)
            .raw(";\nGRANT USAGE ON SCHEMA ")
            .name(schema)
            .raw(" TO ")
            .name(&rw)
            .raw(", ")
            .name(&ro)
            .raw(";\n");
    }
    if !database.extensions.is_empty() {
        // Theirs, so that they can bring them back from a dump.
        out.raw("SET LOCAL ROLE ").name(owner).raw(";\n");
    }
    for extension in &database.extensions {
        out.raw("CREATE EXTENSION IF NOT EXISTS ")
            .name(extension)
            .raw(";\n");
    }
    out.raw("COMMIT;\n");
}

/// Makes a role that nobody logs in as, unless it is there.
fn ensure(name: &str, out: &mut Sql) {
    let mut make = sql();
    make.raw("CREATE ROLE ").name(name).raw(" NOLOGIN");
    out.raw("SELECT ")
        .value(make.text())
        .raw(" WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ")
        .value(name)
        .raw(") \\gexec\n");
}

/// Takes a role out of all others.
fn leave(name: &str, out: &mut Sql) {
    out.raw("SELECT format('REVOKE %I FROM %I', g.rolname, m.rolname) FROM pg_auth_members a ")
        .raw("JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = ")
        .value(name)
        .raw(" \\gexec\n");
    out.raw("SELECT format('ALTER ROLE %I IN DATABASE %I RESET role', r.rolname, d.datname) FROM pg_db_role_setting s ")
        .raw("JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname = ")
        .value(name)
        .raw(" \\gexec\n");
}

/// Makes or changes a role that logs in.
pub(super) fn admit(role: &Role, before: Option<&Props>) -> Step {
    let (mut forward, mut back) = (sql(), sql());
    let name = &role.name;
    forward
        .raw("BEGIN;\n")
        .raw(if before.is_some() { "ALTER" } else { "CREATE" })
        .raw(" ROLE ")
        .name(name)
        .raw(" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT ")
        .raw(if role.locked { "NOLOGIN" } else { "LOGIN" })
        .raw(" CONNECTION LIMIT ")
        .number(if role.connections == 0 { -1 } else { role.connections.into() })
        .raw(" PASSWORD ")
        .value(role.verifier.reveal())
        .raw(" VALID UNTIL ");
    match &role.expires {
        Some(moment) => forward.value(&format!("{moment}+00")),
        None => forward.value("infinity"),
    };
    forward.raw(";\n");
    if before.is_some() {
        leave(name, &mut forward);
    }
    let behind = group(&role.database, role.access);
    forward.raw("GRANT ").name(&behind).raw(" TO ").name(name).raw(";\n");
    if role.access == Access::Owner {
        // What an owner makes belongs to all owners.
        forward
            .raw("ALTER ROLE ")
            .name(name)
            .raw(" IN DATABASE ")
            .name(&role.database)
            .raw(" SET role = ")
            .value(&behind)
            .raw(";\n");
    }
    forward.raw("COMMIT;\n");
    if before.is_some() && role.locked {
        disconnect(name, &mut forward);
    }
    if before.is_some() {
        leave(name, &mut back);
    } else {
        back.raw("DROP ROLE IF EXISTS ").name(name).raw(";\n");
    }
    Step {
        forward,
        back,
        early: before.is_some(),
        kept: before.is_some(),
        makes: None,
    }
}

/// Gives a role that is not one of fleet's making another password, and nothing else.
pub(super) fn set_password(role: &Role) -> Step {
    let mut forward = sql();
    forward.raw("ALTER ROLE ").name(&role.name).raw(" PASSWORD ").value(role.verifier.reveal()).raw(";\n");
    Step {
        forward,
        back: sql(),
        early: true,
        kept: true,
        makes: None,
    }
}

/// Makes a role as it should be that has come back with its database, or has not. What undoes that takes the database
/// away first.
pub(super) fn admit_again(role: &Role) -> Step {
    let mut forward = sql();
    ensure(&role.name, &mut forward);
    forward.append(&admit(role, Some(&Props::new())).forward);
    Step {
        forward,
        back: sql(),
        early: true,
        kept: false,
        makes: None,
    }
}

/// Takes away the roles that came back with a database, when it is gone again.
pub(super) fn unreturn(database: &str, users: &[&str]) -> Sql {
    let mut out = sql();
    for user in users {
        out.raw("DROP ROLE IF EXISTS ").name(user).raw(";\n");
    }
    out.append(&drop_groups(database).forward);
    out
}

/// Ends the connections of a role.
fn disconnect(name: &str, out: &mut Sql) {
    out.raw("SELECT FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ")
        .value(name)
        .raw(") AS ended;\n");
}

/// Takes a role away; what it owns in its database belongs to the owners from then on.
pub(super) fn dismiss(name: &str, database: &str) -> Step {
    let mut forward = sql();
    let mut back = sql();
    let mut nothing = sql();
    nothing.raw("ALTER ROLE ").name(name).raw(" NOLOGIN");
    when_there(name, &nothing, &mut forward);
    disconnect(name, &mut forward);
    forward
        .raw("SELECT count(*) = 2 AS both FROM (SELECT FROM pg_database WHERE datname = ")
        .value(database)
        .raw(" UNION ALL SELECT FROM pg_roles WHERE rolname = ")
        .value(name)
        .raw(") AS found \\gset\n\\if :both\n\\connect ")
        .name(database)
        .raw("\nREASSIGN OWNED BY ")
        .name(name)
        .raw(" TO ")
        .name(&group(database, Access::Owner))
        .raw(";\nDROP OWNED BY ")
        .name(name)
        .raw(";\n\\connect postgres\n\\endif\nDROP ROLE IF EXISTS ")
        .name(name)
        .raw(";\n");
    ensure(name, &mut back);
    leave(name, &mut back);
    Step {
        forward,
        back,
        early: true,
        kept: true,
        makes: None,
    }
}

fn when_there(role: &str, statement: &Sql, out: &mut Sql) {
    out.raw("SELECT ")
        .value(statement.text())
        .raw(" WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = ")
        .value(role)
        .raw(") \\gexec\n");
}

/// Takes a database away.
pub(super) fn drop(name: &str) -> Step {
    let mut forward = sql();
    forward.raw("DROP DATABASE IF EXISTS ").name(name).raw(" WITH (FORCE);\n");
    Step {
        forward,
        back: sql(),
        early: true,
        kept: false,
        makes: None,
    }
}

/// Takes the roles behind a database away, when it and its users are gone.
pub(super) fn drop_groups(name: &str) -> Step {
    let mut forward = sql();
    for access in Access::ALL {
        forward.raw("DROP ROLE IF EXISTS ").name(&group(name, access)).raw(";\n");
    }
    Step {
        forward,
        back: sql(),
        early: true,
        kept: false,
        makes: None,
    }
}

/// The question whose answer makes a role again, with its memberships and settings.
pub(super) fn keep(name: &str, out: &mut Sql) {
    out.raw("SELECT format('SELECT %L WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %L) \\gexec', ")
        .raw("format('CREATE ROLE %I', rolname), rolname) FROM pg_authid WHERE rolname = ")
        .value(name)
        .raw(";\nSELECT format('ALTER ROLE %I %s INHERIT CONNECTION LIMIT %s PASSWORD %L VALID UNTIL %L;', rolname, ")
        .raw("concat_ws(' ', CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, ")
        .raw("CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END, ")
        .raw("CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END, ")
        .raw("CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END, ")
        .raw("CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END, ")
        .raw("CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END), rolconnlimit, rolpassword, ")
        .raw("coalesce(rolvaliduntil, 'infinity')) FROM pg_authid WHERE rolname = ")
        .value(name)
        .raw(";\nSELECT format('GRANT %I TO %I;', g.rolname, m.rolname) FROM pg_auth_members a ")
        .raw("JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = ")
        .value(name)
        .raw(";\nSELECT format('SELECT %L WHERE EXISTS (SELECT FROM pg_database WHERE datname = %L) \\gexec', ")
        .raw("format('ALTER ROLE %I IN DATABASE %I SET %s', r.rolname, d.datname, ")
        .raw(SETTING)
        .raw("), d.datname) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole ")
        .raw("JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c WHERE r.rolname = ")
        .value(name)
        .raw(";\nSELECT format('ALTER ROLE %I SET %s;', r.rolname, ")
        .raw(SETTING)
        .raw(") FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS c ")
        .raw("WHERE s.setdatabase = 0 AND r.rolname = ")
        .value(name)
        .raw(";\n");
}

/// The question whose answer sets again what is set for a database, and for its users in it: which role they take.
pub(super) fn settings_of(database: &str) -> Sql {
    let mut out = sql();
    out.raw("SELECT format('ALTER ROLE %I IN DATABASE %I SET %s;', r.rolname, d.datname, ")
        .raw(SETTING)
        .raw(") FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole ")
        .raw("JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c WHERE d.datname = ")
        .value(database)
        .raw(";\nSELECT format('ALTER DATABASE %I SET %s;', d.datname, ")
        .raw(SETTING)
        .raw(") FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c ")
        .raw("WHERE s.setrole = 0 AND d.datname = ")
        .value(database)
        .raw(";\n");
    out
}

/// The setting `c` of `pg_db_role_setting` as `SET` takes it. A list is kept there as text with quoted names in it; as one
/// value it would be the name of one thing.
const SETTING: &str = "split_part(c, '=', 1) || ' = ' || CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', \
     'local_preload_libraries', 'session_preload_libraries') THEN (SELECT coalesce(string_agg(quote_literal(\
     CASE WHEN n[1] LIKE '\"%' THEN replace(substr(n[1], 2, length(n[1]) - 2), '\"\"', '\"') ELSE n[1] END), ', '), quote_literal('')) \
     FROM regexp_matches(substr(c, strpos(c, '=') + 1), '\"(?:[^\"]|\"\")*\"|[^\", ]+', 'g') AS n) \
     ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END";

/// Appends the change of `pg_hba.conf`.
pub(super) fn hba(lines: &str, users: &[&str], script: &mut Script) {
    if !users.is_empty() {
        script.raw("postgres_hba ").arg(lines);
        script.words(users.iter().copied()).raw("\n");
    }
}

/// The script that takes back what was made, in the databases and in `pg_hba.conf`.
pub(super) fn unrun(part: &'static str, work: &[Step]) -> Script {
    let mut script = Dialect::Postgres.unrun(super::FUNCTIONS, part, work);
    script.raw(
        "if [ -e \"$t/pg_hba\" ]; then\nhba=$(cat -- \"$t/pg_hba-path\")\n\
         cp -p -T -- \"$t/pg_hba\" \"$hba.fleet-undo\" && mv -f -T -- \"$hba.fleet-undo\" \"$hba\" || bad=1\n\
         postgres_reload || bad=1\nfi\n",
    );
    script
}
