//! Selectors as tables: what each selects, and what each error says.
#![allow(clippy::unwrap_used)]

use super::*;

fn fleet() -> BTreeMap<ServerName, Server> {
    let server = |name: &str, region: &str, tier: &str, roles: &[Role]| {
        let mut server = Server::new(name.parse().unwrap(), format!("{name}.example.com"));
        server.region = Some(region.to_owned());
        server.labels.insert("tier".to_owned(), tier.to_owned());
        server.roles = roles.iter().copied().collect();
        server
    };
    let mut servers = [
        server("sg-1", "singapore", "gold", &Role::ALL),
        server("sg-2", "singapore", "silver", &[Role::Web]),
        server("sg-3", "singapore", "silver", &[Role::Dns]),
        server("jkt-1", "jakarta", "gold", &[Role::Web]),
        server("jkt-2", "jakarta", "gold", &[Role::Database]),
        server("old-1", "jakarta", "gold", &[Role::Web]),
        server("old-2", "seoul", "bronze", &[Role::Web]),
    ];
    servers[5].active = false;
    servers[6].active = false;
    servers
        .into_iter()
        .map(|server| (server.name.clone(), server))
        .collect()
}

fn select(arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
    let servers = fleet();
    let selected = Selector::parse(&arguments).and_then(|s| {
        let names: Vec<_> = s
            .select(&servers)?
            .iter()
            .map(|s| s.name.to_string())
            .collect();
        Ok(names.join(" "))
    });
    selected.map_err(|errors| {
        let lines: Vec<_> = errors
            .0
            .iter()
            .map(|d| {
                assert_eq!(d.class, crate::diagnostic::Class::Usage);
                format!("{} | {}", d.message, d.hints.join(" | "))
            })
            .collect();
        lines.join("\n")
    })
}

#[test]
fn terms_select_as_documented() {
    for (arguments, expected) in [
        (&[][..], "jkt-1 jkt-2 sg-1 sg-2 sg-3"),
        (&["*"], "jkt-1 jkt-2 sg-1 sg-2 sg-3"),
        (&["sg-1"], "sg-1"),
        (&["sg-2,sg-1", "sg-1"], "sg-1 sg-2"),
        (&["sg-1 , jkt-*"], "jkt-1 jkt-2 sg-1"),
        (&["sg-[2-12]"], "sg-2 sg-3"),
        (&["sg-[1,3],jkt-1"], "jkt-1 sg-1 sg-3"),
        (&["region=singapore"], "sg-1 sg-2 sg-3"),
        (&["region=*a*"], "jkt-1 jkt-2 sg-1 sg-2 sg-3"),
        (&["role=web"], "jkt-1 sg-1 sg-2"),
        (&["label:tier=gold"], "jkt-1 jkt-2 sg-1"),
        (&["label:tier"], "jkt-1 jkt-2 sg-1 sg-2 sg-3"),
        (&["label:tier=*"], "jkt-1 jkt-2 sg-1 sg-2 sg-3"),
        (&["transport=ssh"], "jkt-1 jkt-2 sg-1 sg-2 sg-3"),
        (&["!sg-3"], "jkt-1 jkt-2 sg-1 sg-2"),
        (&["! sg-*", "!jkt-1"], "jkt-2"),
        (&["region=singapore", "!role=dns"], "sg-2"),
        // Order does not matter: the negative ones are taken away last.
        (&["!sg-1", "sg-*"], "sg-2 sg-3"),
        // A negative pattern that matches nothing is no mistake.
        (&["sg-1,!seoul-*"], "sg-1"),
        // Inactive servers come only when they are meant.
        (&["old-1"], "old-1"),
        (&["old-1,sg-1"], "old-1 sg-1"),
        (&["region=jakarta"], "jkt-1 jkt-2"),
        (&["active=false"], "old-1 old-2"),
        (&["active=true,!sg-*"], "jkt-1 jkt-2"),
    ] {
        assert_eq!(select(arguments), Ok(expected.to_owned()), "{arguments:?}");
    }
}

#[test]
fn errors_say_what_and_what_next() {
    let list = "`fleet list-servers` shows names, regions, roles and labels";
    for (arguments, expected) in [
        (&["sg-11"][..], "unknown server `sg-11` | did you mean `sg-1`".to_owned()),
        (&["SG-1"], "unknown server `SG-1` | did you mean `sg-1`".to_owned()),
        (
            &["frankfurt"],
            "unknown server `frankfurt` | `fleet list-servers` shows the servers of the inventory"
                .to_owned(),
        ),
        (&["all"], "unknown server `all` | write '*' (in quotes) for every active server".to_owned()),
        (&["!sg-9,sg-1"], "unknown server `sg-9` | did you mean `sg-1`".to_owned()),
        (&["web-*"], format!("`web-*` matches no server | {list}")),
        (&["sg-1,web-*"], format!("`web-*` matches no server | {list}")),
        (
            &["region=singapur"],
            "`region=singapur` matches no server | did you mean `region=singapore`".to_owned(),
        ),
        (
            &["label:tier=golt"],
            "`label:tier=golt` matches no server | did you mean `label:tier=gold`".to_owned(),
        ),
        (&["label:tire"], "`label:tire` matches no server | did you mean `label:tier`".to_owned()),
        (
            &["old-*"],
            "`old-*` matches only inactive servers: `old-1`, `old-2` | \
             name a server exactly to use it all the same, or set `active = true`"
                .to_owned(),
        ),
        (&["sg-1,!sg-*"], format!("`sg-1,!sg-*` selects no server | {list}")),
        (&["!*"], format!("`!*` selects no server | {list}")),
        (
            &["role=wbe"],
            "bad server selector `role=wbe`: unknown role `wbe` | did you mean `web`".to_owned(),
        ),
        (
            &["role=mail"],
            "bad server selector `role=mail`: unknown role `mail` | one of web, dns, database".to_owned(),
        ),
        (
            &["regoin=x"],
            "bad server selector `regoin=x`: unknown attribute `regoin` | did you mean `region`".to_owned(),
        ),
        (
            &["tier=gold"],
            "bad server selector `tier=gold`: unknown attribute `tier` | attributes are region, role, \
             transport and active; write `label:tier=gold` for a label"
                .to_owned(),
        ),
        (
            &["region!=jakarta"],
            "bad server selector `region!=jakarta`: `!=` is not known | \
             write `!region=jakarta` to leave servers out"
                .to_owned(),
        ),
        (
            &["region="],
            "bad server selector `region=`: the value is missing | ".to_owned(),
        ),
        (
            &["label:=x"],
            "bad server selector `label:=x`: the label's key is missing | write `label:KEY=VALUE`".to_owned(),
        ),
        (
            &["active=no"],
            "bad server selector `active=no`: `active` is `true` or `false` | ".to_owned(),
        ),
        (
            &["sg-[1"],
            "bad server selector `sg-[1`: `[` is not closed by `]` | ".to_owned(),
        ),
        (
            &["sg-1,"],
            "empty server selector | write a name, a pattern such as 'web-*', or `region=...`".to_owned(),
        ),
        // Every problem at once.
        (
            &["sg-11", "region=singapur"],
            "unknown server `sg-11` | did you mean `sg-1`\n\
             `region=singapur` matches no server | did you mean `region=singapore`"
                .to_owned(),
        ),
        (
            &["a\nb"],
            "unknown server `a\\nb` | `fleet list-servers` shows the servers of the inventory".to_owned(),
        ),
    ] {
        assert_eq!(select(arguments), Err(expected), "{arguments:?}");
    }
}

#[test]
fn an_empty_or_inactive_inventory_is_an_error() {
    let none = Selector::default().select(&BTreeMap::new()).unwrap_err();
    assert_eq!(none.to_string(), "the inventory has no servers");
    let mut servers = fleet();
    for server in servers.values_mut() {
        server.active = false;
    }
    let inactive = Selector::default().select(&servers).unwrap_err();
    assert_eq!(
        inactive.to_string(),
        "every server of the inventory is inactive"
    );
}
