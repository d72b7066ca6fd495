//! The statements that change MariaDB, each with what undoes it.

use super::super::sql::{Dialect, Sql, Step};
use super::{Account, Database, EXPIRY};
use crate::item::Props;
use crate::model::Access;
use sha2::{Digest, Sha256};

/// No statement yet.
pub(super) fn sql() -> Sql {
    Sql::new(Dialect::Mariadb)
}

/// Makes or changes a database.
pub(super) fn make(database: &Database, before: Option<&Props>) -> Step {
    let (mut forward, mut back) = (sql(), sql());
    let word = if before.is_some() { "ALTER" } else { "CREATE" };
    forward.raw(word).raw(" DATABASE ").name(&database.name);
    charset(
        Some(&database.charset),
        database.collation.as_ref(),
        &mut forward,
    );
    match before {
        None => back.raw("DROP DATABASE IF EXISTS ").name(&database.name),
        Some(_) => back.raw("ALTER DATABASE ").name(&database.name),
    };
    if let Some(before) = before {
        charset(before.get("charset"), before.get("collation"), &mut back);
    }
    forward.raw(";\n");
    back.raw(";\n");
    Step {
        forward,
        back,
        early: before.is_some(),
        kept: false,
        makes: before.is_none().then(|| database.name.clone()),
    }
}

fn charset(charset: Option<&String>, collation: Option<&String>, out: &mut Sql) {
    if let Some(charset) = charset {
        out.raw(" CHARACTER SET ").value(charset);
    }
    if let Some(collation) = collation {
        out.raw(" COLLATE ").value(collation);
    }
}

/// Makes or changes an account.
pub(super) fn admit(account: &Account, before: Option<&Props>) -> Vec<Step> {
    let (user, host) = (&account.user, &account.host);
    let mut forward = sql();
    forward
        .raw(if before.is_some() { "ALTER USER " } else { "CREATE USER " })
        .value(user)
        .raw("@")
        .value(host)
        .raw(" IDENTIFIED VIA mysql_native_password USING ")
        .value(account.verifier.reveal())
        .raw(" WITH MAX_USER_CONNECTIONS ")
        .number(account.connections.into())
        .raw(if account.locked { " ACCOUNT LOCK;\n" } else { " ACCOUNT UNLOCK;\n" });
    let mut back = sql();
    if before.is_none() {
        who(back.raw("DROP USER IF EXISTS "), user, host).raw(";\n");
    }
    let made = Step {
        forward,
        back,
        early: before.is_some(),
        kept: before.is_some(),
        makes: None,
    };

    let mut forward = sql();
    if before.is_some() {
        who(forward.raw("REVOKE ALL PRIVILEGES, GRANT OPTION FROM "), user, host).raw(";\n");
    }
    forward
        .raw("GRANT ")
        .raw(privileges(account.access))
        .raw(" ON ")
        .name(&pattern(&account.database))
        .raw(".* TO ");
    who(&mut forward, user, host).raw(";\n");
    if before.is_some() && account.locked {
        disconnect(user, &mut forward);
    }
    let mut back = sql();
    let expired = before.and_then(expiry);
    expire(account, account.expires.as_deref(), &mut forward);
    expire(account, expired, &mut back);
    vec![
        made,
        Step {
            forward,
            back,
            early: true,
            kept: false,
            makes: None,
        },
    ]
}

/// Locks an account at a moment, for good: an event does it, also where fleet is away, or when the server comes up
/// again after that moment. A connection that is open then ends.
fn expire(account: &Account, expires: Option<&str>, out: &mut Sql) {
    let (user, host) = (&account.user, &account.host);
    let event = event(user, host);
    let Some(moment) = expires.filter(|text| is_moment(text)) else {
        out.raw("DROP EVENT IF EXISTS mysql.").name(&event).raw(";\n");
        return;
    };
    out.raw("SET GLOBAL event_scheduler = ON;\nDELIMITER //\nCREATE OR REPLACE EVENT mysql.")
        .name(&event)
        .raw(" ON SCHEDULE AT ")
        .value(moment)
        .raw(" ON COMPLETION PRESERVE DO BEGIN ");
    lock(user, host, out);
    out.raw(" END//\nDELIMITER ;\n");
    // An event whose time has passed never runs.
    let mut now = sql();
    who(now.raw("ALTER USER "), user, host).raw(" ACCOUNT LOCK");
    out.raw("EXECUTE IMMEDIATE IF(UTC_TIMESTAMP() >= ")
        .value(moment)
        .raw(", ")
        .value(now.text())
        .raw(", 'DO 0');\n");
}

/// The moment at which an account was to be locked.
fn expiry(fact: &Props) -> Option<&str> {
    let moment = fact.get(EXPIRY).or_else(|| fact.get("expires"));
    moment.map(String::as_str).filter(|text| is_moment(text))
}

fn lock(user: &str, host: &str, out: &mut Sql) {
    who(out.raw("ALTER USER "), user, host).raw(" ACCOUNT LOCK; ");
    disconnect(user, out);
}

/// `2026-11-20 12:00:00`, and not `never`.
fn is_moment(text: &str) -> bool {
    text.len() == 19 && text.bytes().all(|b| b.is_ascii_digit() || b"-: ".contains(&b))
}

/// The name of the event that locks an account: the account itself may be too long for one.
pub(super) fn event(user: &str, host: &str) -> String {
    let hash = Sha256::digest(format!("{user}@{host}").as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    format!("fleet expire {number:016x}")
}

/// Ends the connections of a user, wherever they come from: MariaDB compares the host that is named here with the address
/// or the resolved name of a session, letter by letter, so that the one of an account that is a network fits none. Who may
/// still come connects again.
fn disconnect(user: &str, out: &mut Sql) {
    out.raw("KILL CONNECTION USER ").value(user).raw(";\n");
}

/// Takes an account away.
pub(super) fn dismiss(user: &str, host: &str, fact: &Props) -> Step {
    let (mut forward, mut back) = (sql(), sql());
    who(forward.raw("DROP USER IF EXISTS "), user, host).raw(";\n");
    disconnect(user, &mut forward);
    forward.raw("DROP EVENT IF EXISTS mysql.").name(&event(user, host)).raw(";\n");
    if let Some(moment) = expiry(fact) {
        let account = Account {
            user: user.to_owned(),
            host: host.to_owned(),
            database: String::new(),
            access: Access::ReadOnly,
            verifier: crate::shell::Secret::new(""),
            connections: 0,
            expires: None,
            locked: false,
        };
        expire(&account, Some(moment), &mut back);
    }
    Step {
        forward,
        back,
        early: true,
        kept: true,
        makes: None,
    }
}

/// Takes a database away.
pub(super) fn drop(name: &str) -> Step {
    let mut forward = sql();
    forward.raw("DROP DATABASE IF EXISTS ").name(name).raw(";\n");
    Step {
        forward,
        back: sql(),
        early: true,
        kept: false,
        makes: None,
    }
}

/// The questions whose answers make an account again.
pub(super) fn keep(user: &str, host: &str, out: &mut Sql) {
    who(out.raw("SHOW CREATE USER "), user, host).raw(";\n");
    who(out.raw("SHOW GRANTS FOR "), user, host).raw(";\n");
}

fn who<'a>(out: &'a mut Sql, user: &str, host: &str) -> &'a mut Sql {
    out.value(user).raw("@").value(host)
}

/// What an access is in privileges on a database (MariaDB's manual, `GRANT`).
fn privileges(access: Access) -> &'static str {
    match access {
        Access::Owner => "ALL PRIVILEGES",
        Access::ReadWrite => {
            "SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, LOCK TABLES, SHOW VIEW, EXECUTE"
        }
        Access::ReadOnly => "SELECT, SHOW VIEW",
    }
}

/// The name of a database where a pattern may stand: `_` and `%` stand for themselves.
pub(super) fn pattern(database: &str) -> String {
    database.replace('_', "\\_").replace('%', "\\%")
}
