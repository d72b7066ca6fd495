//! What is in PostgreSQL: one set of questions, and its answers as facts.

use std::collections::BTreeMap;

use super::{Sql, group, sql};
use crate::item::{Props, UNKNOWN, props, verifier};
use crate::model::Access;

/// What the grants of a database are when they are as fleet makes them.
pub(super) const GRANTS: &str = "to its own roles alone";

/// The questions about the whole cluster. Each answer begins with a letter for what it is about.
pub(super) fn questions() -> Sql {
    let mut sql = sql();
    sql.raw(
        "SELECT 'd', datname, pg_encoding_to_char(encoding), datcollate, pg_get_userbyid(datdba), (SELECT string_agg(\
         format('%s=%s', CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type), ' ' \
         ORDER BY CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END COLLATE \"C\", privilege_type) \
         FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee <> datdba) FROM pg_database;\n\
         SELECT 'r', rolname, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls, \
         rolconnlimit, CASE WHEN isfinite(rolvaliduntil) THEN to_char(rolvaliduntil AT TIME ZONE 'UTC', \
         'YYYY-MM-DD HH24:MI:SS') ELSE 'never' END, coalesce(rolpassword, '') FROM pg_authid;\n\
         SELECT 'm', m.rolname, g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid \
         JOIN pg_roles m ON m.oid = a.member ORDER BY g.rolname COLLATE \"C\";\n\
         SELECT 's', r.rolname, d.datname, c FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole \
         JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c;\n\
         SELECT 'h', line FROM regexp_split_to_table(pg_read_file(current_setting('hba_file')), '\\n') AS line \
         WHERE line LIKE '% #fleet:%';\n",
    );
    sql
}

/// The questions about what is inside a database, if there is one. One that lets nobody in does not hide the others.
pub(super) fn inside(database: &str, out: &mut Sql) {
    out.raw("SELECT count(*) = 1 AS there, count(*) = 1 AND NOT bool_and(datallowconn) AS closed FROM pg_database \
         WHERE datname = ")
        .value(database)
        .raw(" \\gset\n\\if :closed\nSELECT 'closed', ")
        .value(&format!("database {database}"))
        .raw(";\n\\elif :there\n\\connect ")
        .name(database)
        .raw(
            "\nSELECT 'i', current_database(), 'schema ' || nspname FROM pg_namespace \
             UNION ALL SELECT 'i', current_database(), 'extension ' || extname FROM pg_extension \
             UNION ALL SELECT 'a', current_database(), string_agg(format('%s/%s=%s', defaclobjtype, \
             pg_get_userbyid(grantee), privilege_type), ' ' ORDER BY defaclobjtype, \
             pg_get_userbyid(grantee) COLLATE \"C\", privilege_type) FROM pg_default_acl, aclexplode(defaclacl) \
             WHERE grantee <> defaclrole AND grantee <> 0 AND defaclnamespace = 0 AND pg_get_userbyid(defaclrole) = ",
        )
        .value(&group(database, Access::Owner))
        .raw(";\n\\endif\n");
}

/// Reads the answers: name and properties of each database and each role.
pub(super) fn read(lines: &[&str]) -> BTreeMap<String, Props> {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let mut facts: BTreeMap<String, Props> = BTreeMap::new();
    let mut grants: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut settings: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut access: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut defaults: BTreeMap<&str, &str> = BTreeMap::new();
    for row in &rows {
        match row[..] {
            ["m", member, role] => grants.entry(member).or_default().push(role),
            // Any other (`search_path`, `work_mem`, ...) gives nobody a right, and stays as an admin has it.
            ["s", role, database, setting] if setting.starts_with("role=") => {
                settings.entry(role).or_default().push((database, setting));
            }
            ["a", database, acl] => {
                defaults.insert(database, acl);
            }
            ["h", line] => {
                if let Some((line, user)) = line.rsplit_once(" #fleet:") {
                    access.entry(user).or_default().push(line);
                }
            }
            _ => {}
        }
    }
    for row in &rows {
        match row[..] {
            ["d", name, encoding, locale, owner, acl] => {
                let default = defaults.get(name).copied().unwrap_or_default();
                let known = props([
                    ("encoding", encoding.to_owned()),
                    ("locale", locale.to_owned()),
                    ("owner", owner.to_owned()),
                    ("grants", of_database(name, acl, default)),
                ]);
                facts.insert(format!("database {name}"), known);
            }
            ["r", name, login, special, connections, expires, password] => {
                let none = Vec::new();
                let roles = grants.get(name).unwrap_or(&none);
                let mut what = of_role(roles, settings.get(name).map_or(&[], Vec::as_slice));
                if special == "t" {
                    what.push_str(", and rights on all of the server");
                }
                let known = props([
                    ("password", verifier::print(password)),
                    ("grants", what),
                    ("connections", connections.replace("-1", "0")),
                    ("expires", expires.to_owned()),
                    ("locked", if login == "t" { "no" } else { "yes" }.to_owned()),
                    ("pg_hba", access.get(name).map(|lines| lines.join("; ")).unwrap_or_default()),
                ]);
                facts.insert(format!("user {name}"), known);
            }
            _ => {}
        }
    }
    for row in &rows {
        if let ["i", database, what] = row[..]
            && let Some(fact) = facts.get_mut(&format!("database {database}"))
        {
            fact.insert(what.to_owned(), "yes".to_owned());
        }
    }
    // It may have fallen silent in the middle: what it had said by then is not all.
    for row in &rows {
        let (name, state) = match row[..] {
            ["?", name] => (name, "PostgreSQL does not answer"),
            ["closed", name] => (name, "nobody may connect to it (ALLOW_CONNECTIONS is off)"),
            _ => continue,
        };
        facts.insert(name.to_owned(), props([(UNKNOWN, state.to_owned())]));
    }
    facts
}

/// The grants on a database in words.
fn of_database(name: &str, acl: &str, defaults: &str) -> String {
    let (rw, ro) = (group(name, Access::ReadWrite), group(name, Access::ReadOnly));
    let wanted = format!("{ro}=CONNECT {ro}=TEMPORARY {rw}=CONNECT {rw}=TEMPORARY");
    let wanted_defaults = format!(
        "S/{ro}=SELECT S/{rw}=SELECT S/{rw}=UPDATE S/{rw}=USAGE n/{ro}=USAGE n/{rw}=USAGE \
         r/{ro}=SELECT r/{rw}=DELETE r/{rw}=INSERT r/{rw}=SELECT r/{rw}=UPDATE"
    );
    if acl != wanted {
        format!("on the database: {acl}")
    } else if defaults != wanted_defaults {
        format!("on what is made in it: {defaults}")
    } else {
        GRANTS.to_owned()
    }
}

/// What a role may do in words.
fn of_role(roles: &[&str], settings: &[(&str, &str)]) -> String {
    if let [role] = roles
        && let Some((database, _)) = role.rsplit_once(':')
        && let Some(access) = Access::ALL.into_iter().find(|a| group(database, *a) == **role)
    {
        let setting = format!("role={role}");
        let expected: &[(&str, &str)] = match access {
            Access::Owner => &[(database, setting.as_str())],
            _ => &[],
        };
        if settings == expected {
            return format!("{access} on {database}");
        }
        return format!("{access} on {database}, with other settings");
    }
    if roles.is_empty() {
        return "none".to_owned();
    }
    roles.join(", ")
}
