//! How zones are made and taken away: one session of SQLite for all of a server, then one word to `PowerDNS`.

use super::sql::Sql;
use super::{METADATA, Part, Primary, Row, Zone};
use crate::item::{Atom as _, ItemType, Phase, Props, Removal, Steps};
use crate::shell::Script;

/// The serial that the zone's SOA has, 0 without one. A name in an SOA has no blanks, so the third word is the serial.
const SERIALS: &str = "create temp table serials as select d.name as name, cast(substr(middle, instr(middle, ' ') + 1) as integer) as serial
    from domains d join (select domain_id, substr(content, instr(content, ' ') + 1) as middle from records where type = 'SOA') on domain_id = d.id;
";

/// Makes the zones as wanted.
pub(super) fn apply(changes: &[(&Zone, Option<&Props>)], steps: &mut Steps) {
    let mut sql = Sql::default();
    sql.raw("begin immediate;\n").raw(SERIALS);
    let (mut fetch, mut notify, mut serve) = (Vec::new(), Vec::new(), Vec::new());
    let (mut signed, mut sign) = (Vec::new(), Vec::new());
    for (zone, before) in changes {
        let name = zone.name.as_str();
        match &zone.part {
            Part::Primary(primary) => {
                domain(name, "MASTER", "", &mut sql);
                metadata(name, zone, &mut sql);
                sql.line(
                    "delete from domainmetadata where kind = 'PRESIGNED' and domain_id = (select id from domains where name = {});",
                    &[name],
                );
                let wanted = zone.wanted();
                let same = |prop: &str| {
                    let is = |before: &Props| wanted.get(prop).is_none_or(|wanted| before.get(prop) == Some(wanted));
                    before.is_some_and(is)
                };
                let was_signed = before.and_then(|before| before.get("dnssec")).is_some_and(|dnssec| dnssec == "on");
                if !(same("sha256") && same("dnssec") && same("as")) {
                    // A signed zone shows up to two more than is stored (SOA-EDIT).
                    let step = if primary.signed || was_signed { 3 } else { 1 };
                    records(name, primary, step, &mut sql);
                }
                sql.line(
                    if primary.signed {
                        "update cryptokeys set active = 1, published = 1 where domain_id = (select id from domains where name = {});"
                    } else {
                        // The keys stay, so that a signed zone can come back with the DS that its parent has.
                        "update cryptokeys set active = 0, published = 0 where domain_id = (select id from domains where name = {});"
                    },
                    &[name],
                );
                // What is not served cannot be put in order: that is done when it comes back.
                if primary.signed {
                    signed.push(name);
                }
                if primary.signed && !zone.suspended {
                    sign.push(name);
                }
                if !primary.notify.is_empty() {
                    notify.push(name);
                }
                if !zone.suspended {
                    serve.push(name);
                }
            }
            Part::Secondary(secondary) => {
                // What is not served has nobody to be transferred from, or it would come back.
                let from = if zone.suspended { String::new() } else { secondary.from.join(", ") };
                domain(name, "SLAVE", &from, &mut sql);
                metadata(name, zone, &mut sql);
                if !zone.suspended {
                    fetch.push(name);
                }
            }
        }
        let disabled = if zone.suspended { "1" } else { "0" };
        sql.line(
            "update records set disabled = {} where domain_id = (select id from domains where name = {});",
            &[disabled, name],
        );
    }
    sql.raw("drop table serials;\n");
    stale_keys(changes.iter().map(|(zone, _)| zone.name.as_str()), &mut sql);
    sql.raw("commit;\n");
    let names: Vec<&str> = changes.iter().map(|(zone, _)| zone.name.as_str()).collect();
    run("changing zones", &names, &sql, steps);
    let task_of = |name: &str| steps.restored(ItemType::Zone, name);
    let back: Vec<(&str, String)> = signed
        .iter()
        .filter_map(|name| Some((*name, task_of(name)?.to_string())))
        .collect();
    let script = steps.at(Phase::Objects);
    for (name, task) in back {
        script.line("zones_keys {} {}", &[&task, name]);
    }
    if !sign.is_empty() {
        script.raw("zones_sign").words(sign.iter().copied()).raw("\n");
    }
    script.raw("zones_live\n");
    if !serve.is_empty() {
        script.raw("zones_answered").words(serve).raw("\n");
    }
    if !notify.is_empty() {
        script.raw("zones_notify").words(notify).raw("\n");
    }
    if !fetch.is_empty() {
        script.raw("zones_fetch").words(fetch).raw("\n");
    }
}

/// Takes zones away; the keys of signed ones go to the trash with them.
pub(super) fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
    let names: Vec<&str> = removals.iter().map(|removal| removal.name).collect();
    let mut sql = Sql::default();
    sql.raw("begin immediate;\ncreate temp table gone as select id from domains where name in ");
    sql.list(names.iter().copied()).raw(";\n");
    for statement in [
        "delete from records where domain_id in (select id from gone);\n",
        "delete from domainmetadata where domain_id in (select id from gone);\n",
        "delete from cryptokeys where domain_id in (select id from gone);\n",
        "delete from comments where domain_id in (select id from gone);\n",
        "delete from domains where id in (select id from gone);\n",
    ] {
        sql.raw(statement);
    }
    stale_keys(names.iter().copied(), &mut sql);
    sql.raw("commit;\n");
    run("removing zones", &names, &sql, steps);
    let task = steps.task.to_string();
    steps.at(Phase::Objects).line("zones_live\nzones_trash {}", &[&task]);
}

/// Runs statements that change the zones `names`, which are kept before.
fn run(step: &'static str, names: &[&str], sql: &Sql, steps: &mut Steps) {
    let mut keep = Sql::default();
    for name in names {
        keep.line("insert into kept.names values ({});", &[name]);
    }
    let script = steps.at(Phase::Objects);
    script.line("step {}", &[step]);
    script.raw("zones_ready || { why 'PowerDNS has no SQLite database here that fleet could use'; return 1; }\n");
    // What is made and what goes away are two sessions.
    script.raw("rm -f -- \"$t/zones-1\"\n[ ! -e \"$t/zones\" ] || mv -- \"$t/zones\" \"$t/zones-1\"\nprintf %s ");
    script.arg(keep.finished()).raw(" | zones_keep\nprintf %s ");
    script.arg(sql.finished()).raw(" | zones_sql\n");
    let mut undo = Script::new();
    undo.raw("zones_back\n[ ! -e \"$t/zones-1\" ] || mv -f -- \"$t/zones-1\" \"$t/zones\"\n");
    steps.undo(undo);
}

/// The zone itself: made, or brought to its kind.
fn domain(name: &str, kind: &'static str, from: &str, sql: &mut Sql) {
    sql.line("insert or ignore into domains (name, type) values ({}, {});", &[name, kind]);
    sql.line("update domains set type = {}, master = nullif({}, '') where name = {};", &[kind, from, name]);
}

/// Who may transfer it, who is told, with what key.
fn metadata(name: &str, zone: &Zone, sql: &mut Sql) {
    sql.raw("delete from domainmetadata where kind in ").list(METADATA);
    sql.line(" and domain_id = (select id from domains where name = {});", &[name]);
    let mut rows: Vec<(&str, &str)> = Vec::new();
    let mut keys = Vec::new();
    match &zone.part {
        Part::Primary(primary) => {
            rows.extend(primary.notify.iter().map(|address| ("ALSO-NOTIFY", address.as_str())));
            // With the newest first, notices are signed with it.
            rows.extend(primary.keys.iter().rev().map(|key| ("TSIG-ALLOW-AXFR", key.name.as_str())));
            keys.extend(&primary.keys);
            if primary.signed {
                // Signatures are renewed every week, and secondaries must see it.
                rows.push(("SOA-EDIT", "INCEPTION-INCREMENT"));
            }
        }
        Part::Secondary(secondary) => {
            if let Some(key) = &secondary.key {
                rows.push(("AXFR-MASTER-TSIG", &key.name));
                keys.push(key);
            }
        }
    }
    for key in keys {
        sql.line("delete from tsigkeys where name = {};", &[&key.name]);
        sql.line(
            "insert into tsigkeys (name, algorithm, secret) values ({}, 'hmac-sha256', {});",
            &[&key.name, key.secret.reveal()],
        );
    }
    for (kind, content) in rows {
        sql.line(
            "insert into domainmetadata (domain_id, kind, content) select id, {}, {} from domains where name = {};",
            &[kind, content, name],
        );
    }
}

/// Takes away the keys of these zones that nothing refers to any more.
fn stale_keys<'a>(names: impl Iterator<Item = &'a str>, sql: &mut Sql) {
    for name in names {
        sql.line(
            "delete from tsigkeys where name glob 'fleet-[0-9]*.' || {} and name not in (select content from domainmetadata where kind in ('TSIG-ALLOW-AXFR', 'AXFR-MASTER-TSIG'));",
            &[name],
        );
    }
}

/// All records anew, with a serial that has grown (RFC 1982): by the date, above the one it had, and above the one it
/// had elsewhere.
fn records(name: &str, primary: &Primary, step: u32, sql: &mut Sql) {
    sql.line("delete from records where domain_id = (select id from domains where name = {});", &[name]);
    sql.raw("insert into records (domain_id, name, type, content, ttl, prio, disabled, auth) select d.id, ");
    sql.text(&primary.soa.name).raw(", 'SOA', ");
    let words: Vec<&str> = primary.soa.content.split(' ').collect();
    let (head, tail) = words.split_at(words.len().min(2));
    sql.text(&format!("{} ", head.join(" ")));
    sql.raw(" || (select iif(n > 4294967295, n - 4294967296 + 1, n) from (");
    // The first of them that is ahead in the arithmetic of serials, which have 32 bits and begin anew after the last.
    sql.raw("select iif(((dated - n) & 4294967295) between 1 and 2147483647, dated, n) as n from (");
    sql.raw("select iif(((elsewhere - n) & 4294967295) between 1 and 2147483647, elsewhere, n) as n, dated from (");
    sql.raw("select coalesce((select max(serial) + ").number(step).raw(" from serials where name = ").text(name);
    sql.raw("), elsewhere, 0) as n, elsewhere, dated from (select ");
    match primary.serial {
        Some(serial) => sql.number(serial.wrapping_add(1)),
        None => sql.raw("null"),
    };
    sql.raw(" as elsewhere, cast(strftime('%Y%m%d', 'now') || '00' as integer) as dated))))) || ");
    let rest = tail.get(1..).unwrap_or_default().join(" ");
    sql.text(&format!(" {rest}")).raw(", ").number(primary.soa.ttl);
    sql.line(", 0, 0, 1 from domains d where d.name = {};", &[name]);
    if primary.rows.is_empty() {
        return;
    }
    sql.raw("with v (name, type, content, ttl, prio, auth) as (values\n");
    for (at, row) in primary.rows.iter().enumerate() {
        sql.raw(if at == 0 { "(" } else { ",\n(" });
        values(row, sql);
        sql.raw(")");
    }
    sql.line(
        ")\ninsert into records (domain_id, name, type, content, ttl, prio, disabled, auth) select d.id, v.name, v.type, v.content, v.ttl, v.prio, 0, v.auth from v, domains d where d.name = {};",
        &[name],
    );
}

fn values(row: &Row, sql: &mut Sql) {
    sql.text(&row.name).raw(", ");
    if row.rtype.is_empty() {
        sql.raw("null, null, null, 0, 1");
        return;
    }
    // The priority of these has a column of its own.
    let (prio, content) = match row.rtype.as_str() {
        "MX" | "SRV" => row.content.split_once(' ').unwrap_or(("0", &row.content)),
        _ => ("0", row.content.as_str()),
    };
    sql.text(&row.rtype).raw(", ").text(content).raw(", ").number(row.ttl).raw(", ");
    sql.number(prio.parse().unwrap_or_default());
    sql.raw(if row.auth { ", 1" } else { ", 0" });
}
