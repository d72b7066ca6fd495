//! Edits: what changes in the file, and that nothing else does.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::inventory::edit::{self, Edited, Mode, ServerChange};
use crate::inventory::layout::Layout;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn change(set: &[(&str, Value)], unset: &[&str]) -> ServerChange {
    ServerChange {
        set: set
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .collect(),
        unset: unset.iter().map(|&k| k.to_owned()).collect(),
    }
}

fn file(content: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("inventory.toml");
    fs::write(&path, content).unwrap();
    (dir, path)
}

/// The text after `edit`, whose outcome is valid.
fn after(content: &str, edit: impl Fn(&Path) -> Result<Edited, Diagnostics>) -> String {
    let (_dir, path) = file(content);
    let edited = edit(&path).unwrap_or_else(|e| panic!("{e}\n{content}"));
    let now = fs::read_to_string(&path).unwrap();
    assert_eq!(edited.changed, now != content);
    assert_eq!(edited.after, Inventory::load(&path, None).unwrap());
    now
}

fn set(content: &str, name: &str, sets: &[(&str, Value)], unset: &[&str]) -> String {
    let name = name.parse().unwrap();
    after(content, |path| {
        edit::set_server(path, None, Mode::Write, &name, &change(sets, unset))
    })
}

fn add(content: &str, name: &str, sets: &[(&str, Value)]) -> String {
    let name = name.parse().unwrap();
    after(content, |path| {
        edit::add_server(path, None, Mode::Write, &name, &change(sets, &[]))
    })
}

fn remove(content: &str, name: &str) -> String {
    let name = name.parse().unwrap();
    after(content, |path| {
        edit::remove_server(path, None, Mode::Write, &name)
    })
}

const FLEET: &str = r#"# The fleet of example.com
[settings]
parallel = 16   # enough

# --- Singapore ---

# sg-1: the old one
[servers.sg-1]   # header comment
address = "10.0.0.1"  # in the rack
  capacity   =  80
roles = [
  "web",  # sites
  "dns",
]
# priority = 3

[servers.sg-2]
address = '10.0.0.2'
labels = { tier = "gold" } # paid

# --- Jakarta ---
[servers.jkt-1]
address = "10.1.0.1"

[servers.jkt-1.labels]
tier = "silver"

# how heavy things are
[weights]
site = 2
"#;

#[test]
fn a_value_is_replaced_where_it_stands() {
    let capacity = Value::Number(100);
    assert_eq!(
        set(FLEET, "sg-1", &[("capacity", capacity)], &[]),
        FLEET.replace("capacity   =  80", "capacity   =  100")
    );
    let roles = Value::List(vec!["web".to_owned()]);
    assert_eq!(
        set(FLEET, "sg-1", &[("roles", roles)], &[]),
        FLEET.replace("[\n  \"web\",  # sites\n  \"dns\",\n]", "[\"web\"]")
    );
    assert_eq!(
        set(FLEET, "sg-2", &[("labels.tier", text("it's \"new\""))], &[]),
        FLEET
            .replace("{ tier = \"gold\" }", "{ tier = 'it''s' }")
            .replace("'it''s'", r#""it's \"new\"""#)
    );
    assert_eq!(
        set(FLEET, "jkt-1", &[("labels.tier", text("gold"))], &[]),
        FLEET.replace("\"silver\"", "\"gold\"")
    );
}

#[test]
fn a_new_key_goes_below_the_last_one() {
    assert_eq!(
        set(
            FLEET,
            "sg-2",
            &[
                ("port", Value::Number(2222)),
                ("active", Value::Flag(false))
            ],
            &[]
        ),
        FLEET.replace("# paid\n", "# paid\nport = 2222\nactive = false\n")
    );
    // With the indentation of its neighbours, after a value of several lines.
    assert_eq!(
        set(FLEET, "sg-1", &[("user", text("admin"))], &[]),
        FLEET.replace("\"dns\",\n]\n", "\"dns\",\n]\nuser = \"admin\"\n")
    );
    assert_eq!(
        set(FLEET, "sg-2", &[("labels.rack", text("a 12"))], &[]),
        FLEET.replace(
            "{ tier = \"gold\" }",
            "{ tier = \"gold\", rack = \"a 12\" }"
        )
    );
    assert_eq!(
        set(
            FLEET,
            "jkt-1",
            &[("labels.rack", text("b")), ("port", Value::Number(23))],
            &[]
        ),
        FLEET
            .replace("\"silver\"\n", "\"silver\"\nrack = \"b\"\n")
            .replace("\"10.1.0.1\"\n", "\"10.1.0.1\"\nport = 23\n")
    );
    assert_eq!(
        set(FLEET, "sg-1", &[("labels.a/b", text("c"))], &[]),
        FLEET.replace(
            "\"dns\",\n]\n",
            "\"dns\",\n]\nlabels = { \"a/b\" = \"c\" }\n"
        )
    );
}

#[test]
fn unset_takes_the_line_out() {
    assert_eq!(
        set(FLEET, "sg-1", &[], &["capacity", "roles"]),
        FLEET
            .replace("  capacity   =  80\n", "")
            .replace("roles = [\n  \"web\",  # sites\n  \"dns\",\n]\n", "")
    );
    assert_eq!(
        set(FLEET, "sg-2", &[], &["labels"]),
        FLEET.replace("labels = { tier = \"gold\" } # paid\n", "")
    );
    assert_eq!(
        set(FLEET, "jkt-1", &[], &["labels"]),
        FLEET.replace("[servers.jkt-1.labels]\ntier = \"silver\"\n\n", "")
    );
    let two = FLEET.replace("{ tier = \"gold\" }", "{ tier = \"gold\", rack = \"b\" }");
    assert_eq!(
        set(&two, "sg-2", &[], &["labels.tier"]),
        FLEET.replace("{ tier = \"gold\" }", "{ rack = \"b\" }")
    );
}

#[test]
fn what_is_already_so_is_not_written() {
    let sets = [
        ("capacity", Value::Number(80)),
        ("address", text("10.0.0.1")),
    ];
    assert_eq!(set(FLEET, "sg-1", &sets, &[]), FLEET);
    assert_eq!(
        set(FLEET, "sg-2", &[("labels.tier", text("gold"))], &[]),
        FLEET
    );
    // A key that says the same as the default is written: it holds when the default changes.
    assert_ne!(
        set(FLEET, "sg-2", &[("capacity", Value::Number(50))], &[]),
        FLEET
    );
}

#[test]
fn a_new_server_goes_after_the_last_one() {
    let new = [
        ("address", text("2001:db8::1")),
        ("port", Value::Number(2222)),
        ("labels.tier", text("gold")),
        ("labels.a/b", text("c")),
        (
            "ipv4",
            Value::List(vec!["203.0.113.1".to_owned(), "203.0.113.2".to_owned()]),
        ),
    ];
    let block = "[servers.\"jkt.2\"]\naddress = \"2001:db8::1\"\nport = 2222\n\
                 ipv4 = [\"203.0.113.1\", \"203.0.113.2\"]\nlabels = { tier = \"gold\", \"a/b\" = \"c\" }\n";
    assert_eq!(
        add(FLEET, "jkt.2", &new),
        FLEET.replace(
            "tier = \"silver\"\n\n",
            &format!("tier = \"silver\"\n\n{block}\n")
        )
    );
    assert_eq!(add("", "jkt.2", &new), block);
    assert_eq!(
        add("# nothing yet", "jkt.2", &new),
        format!("# nothing yet\n\n{block}")
    );
    assert_eq!(
        add("[settings]\n\n\n", "jkt.2", &new),
        format!("[settings]\n\n\n{block}")
    );
    assert_eq!(
        add(
            "[servers.a]\naddress='a'\n# b next to it\n[weights]\n",
            "jkt.2",
            &new
        ),
        format!("[servers.a]\naddress='a'\n\n{block}\n# b next to it\n[weights]\n")
    );
    assert_eq!(
        add(
            "[servers]\na = { address = 'a' }\n",
            "b",
            &[("address", text("b"))]
        ),
        "[servers]\na = { address = 'a' }\n\n[servers.b]\naddress = \"b\"\n"
    );
    assert_eq!(
        add(
            "servers = { a = { address = 'a' } }\n",
            "b",
            &[("address", text("b")), ("labels.x", text("y"))]
        ),
        "servers = { a = { address = 'a' }, b = { address = \"b\", labels = { x = \"y\" } } }\n"
    );
}

#[test]
fn a_removed_server_takes_its_comment_along_and_nothing_else() {
    assert_eq!(
        remove(FLEET, "sg-1"),
        FLEET.replace(
            &FLEET
                [FLEET.find("# sg-1: the old one").unwrap()..FLEET.find("[servers.sg-2]").unwrap()],
            ""
        )
    );
    assert_eq!(
        remove(FLEET, "sg-2"),
        FLEET.replace(
            "[servers.sg-2]\naddress = '10.0.0.2'\nlabels = { tier = \"gold\" } # paid\n\n",
            ""
        )
    );
    // Its other tables go with it.
    assert_eq!(
        remove(FLEET, "jkt-1"),
        FLEET.replace(
            &FLEET[FLEET.find("# --- Jakarta").unwrap()..FLEET.find("# how heavy").unwrap()],
            ""
        )
    );
    assert_eq!(
        remove(
            "# a\n\n[servers.a]\naddress = 'a'\n\n\n[servers.b]\naddress = 'b'\n",
            "b"
        ),
        "# a\n\n[servers.a]\naddress = 'a'\n"
    );
    assert_eq!(remove("[servers.a]\naddress = 'a'", "a"), "");
    assert_eq!(
        remove(
            "[servers]\na = { address = 'a' } # x\nb = { address = 'b' }\n",
            "a"
        ),
        "[servers]\nb = { address = 'b' }\n"
    );
    assert_eq!(
        remove(
            "[servers]\na.address = 'a'\nb.address = 'b'\na.labels.x = 'y'\n",
            "a"
        ),
        "[servers]\nb.address = 'b'\n"
    );
    assert_eq!(
        remove(
            "servers = { a = { address = 'a' }, b = { address = 'b' } }\n",
            "b"
        ),
        "servers = { a = { address = 'a' } }\n"
    );
}

#[test]
fn dotted_and_inline_servers_are_edited_in_their_form() {
    let dotted = "[servers]\n  a.address = 'a' # one\nb.address = 'b'\n";
    assert_eq!(
        set(
            dotted,
            "a",
            &[("port", Value::Number(23)), ("address", text("c"))],
            &[]
        ),
        "[servers]\n  a.address = \"c\" # one\n  a.port = 23\nb.address = 'b'\n"
    );
    let labels = "[servers.a]\naddress = 'a'\nlabels.tier = 'gold'\n";
    assert_eq!(
        set(
            labels,
            "a",
            &[("labels.rack", text("b")), ("port", Value::Number(23))],
            &[]
        ),
        "[servers.a]\naddress = 'a'\nport = 23\nlabels.tier = 'gold'\nlabels.rack = \"b\"\n"
    );
    assert_eq!(
        set(labels, "a", &[], &["labels"]),
        "[servers.a]\naddress = 'a'\n"
    );
    let inline = "[servers]\na = { address = 'a', port = 22 }\n";
    assert_eq!(
        set(inline, "a", &[("user", text("u"))], &["port"]),
        "[servers]\na = { address = 'a', user = \"u\" }\n"
    );
}

#[test]
fn line_ends_of_the_file_are_used() {
    let crlf = "[servers.a]\r\naddress = 'a' # x\r\n\r\n[weights]\r\n";
    assert_eq!(
        set(crlf, "a", &[("port", Value::Number(23))], &[]),
        "[servers.a]\r\naddress = 'a' # x\r\nport = 23\r\n\r\n[weights]\r\n"
    );
    assert_eq!(
        add(crlf, "b", &[("address", text("b"))]),
        "[servers.a]\r\naddress = 'a' # x\r\n\r\n[servers.b]\r\naddress = \"b\"\r\n\r\n[weights]\r\n"
    );
    assert_eq!(
        set(
            "[servers.a]\naddress = 'a'",
            "a",
            &[("port", Value::Number(23))],
            &[]
        ),
        "[servers.a]\naddress = 'a'\nport = 23"
    );
}

#[test]
fn adding_what_is_there_is_no_change_or_an_error() {
    assert_eq!(
        add(
            FLEET,
            "jkt-1",
            &[
                ("address", text("10.1.0.1")),
                ("labels.tier", text("silver"))
            ]
        ),
        FLEET
    );
    let (_dir, path) = file(FLEET);
    let name = "jkt-1".parse().unwrap();
    let other = change(&[("address", text("10.1.0.9"))], &[]);
    let error = edit::add_server(&path, None, Mode::Write, &name, &other)
        .unwrap_err()
        .0
        .remove(0);
    assert_eq!(
        error.message,
        "server `jkt-1` is already in the inventory, with other settings"
    );
    assert_eq!(error.hints, ["change it with `fleet set-server jkt-1`"]);
}

#[test]
fn refused_edits_leave_the_file_alone() {
    let (dir, path) = file(&format!("{FLEET}[servers.in]\naddress='i'\njump='sg-1'\n"));
    let before = fs::read(&path).unwrap();
    let name = |name: &str| name.parse::<ServerName>().unwrap();
    let set = |server: &str, set: &[(&str, Value)], unset: &[&str]| {
        edit::set_server(&path, None, Mode::Write, &name(server), &change(set, unset)).unwrap_err()
    };
    for (error, message) in [
        (set("sg-9", &[], &[]), "unknown server `sg-9`"),
        (
            set("sg-2", &[], &["port"]),
            "`port` of server `sg-2` is not set in its entry",
        ),
        (
            set("sg-2", &[], &["labels.x"]),
            "`labels.x` of server `sg-2` is not set in its entry",
        ),
        (
            set("sg-2", &[("address", text("10.0.0.1"))], &[]),
            "/inventory.toml:18:11: `servers.sg-2` is address `10.0.0.1` port 22, as is `servers.sg-1` (line 8)",
        ),
        (
            set(
                "sg-2",
                &[("capacity", Value::Number(-4)), ("user", text("a\nb"))],
                &[],
            ),
            "/inventory.toml:20:12: `capacity` in `servers.sg-2`: `-4` is not between 0 and 1000000\n",
        ),
        (
            edit::remove_server(&path, None, Mode::Write, &name("sg-1")).unwrap_err(),
            "`in` is reached through `sg-1` (`jump`)",
        ),
        (
            edit::remove_server(&path, None, Mode::Write, &name("sg-11")).unwrap_err(),
            "unknown server `sg-11`",
        ),
    ] {
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(
        fs::read_dir(&dir).unwrap().count(),
        1,
        "a file was left behind"
    );
}

#[test]
fn mode_is_kept_and_a_link_is_followed() {
    let (dir, path) = file(FLEET);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = dir.path().join("link.toml");
    std::os::unix::fs::symlink("inventory.toml", &link).unwrap();
    edit::set_server(
        &link,
        None,
        Mode::Write,
        &"sg-1".parse().unwrap(),
        &change(&[("port", Value::Number(23))], &[]),
    )
    .unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().contains("port = 23"));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o640
    );
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
}

#[test]
fn edits_at_the_same_time_lose_nothing() {
    let (_dir, path) = file("# shared\n");
    std::thread::scope(|scope| {
        for n in 0..8 {
            let path = &path;
            scope.spawn(move || {
                for m in 0..5 {
                    let name = format!("s-{n}-{m}").parse().unwrap();
                    let address = text(&format!("10.0.{n}.{m}"));
                    edit::add_server(
                        path,
                        None,
                        Mode::Write,
                        &name,
                        &change(&[("address", address)], &[]),
                    )
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(Inventory::load(&path, None).unwrap().servers.len(), 40);
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("# shared\n\n[servers.")
    );
}

#[test]
fn a_lock_that_stays_is_reported() {
    let (_dir, path) = file(FLEET);
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let never = |_: &str| -> Result<(Option<String>, ()), Diagnostics> { panic!("not locked") };
    let error = replace::replace_within(&path, 3, never).unwrap_err();
    assert_eq!(error.class(), crate::diagnostic::Class::Locked);
    drop(held);
    replace::replace_within(&path, 3, |_| Ok((None, ()))).unwrap();
}

/// An editor that knows no lock saves between our reading and our writing: both changes are kept.
#[test]
fn what_an_editor_saved_meanwhile_is_not_lost() {
    let (dir, path) = file("a");
    let saved = std::cell::Cell::new(false);
    replace::replace(&path, |text| {
        if !saved.replace(true) {
            fs::write(dir.path().join("editor"), "b").unwrap();
            fs::rename(dir.path().join("editor"), &path).unwrap();
        }
        Ok((Some(format!("{text} and more")), ()))
    })
    .unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "b and more");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
}

proptest::proptest! {
    /// Whatever is set is read back, and taking it out again gives the same text.
    #[test]
    fn setting_and_unsetting_gives_the_same_bytes(
        server in 0..3_usize,
        value in "[^\\x00-\\x1f\\x7f-\\u{9f},]{1,30}",
        comment in "[ -~]{0,20}",
        newline in proptest::sample::select(vec!["\n", "\r\n"]),
    ) {
        let content = FLEET.replace("# paid", &format!("# {comment}")).replace('\n', newline);
        let name = ["sg-1", "sg-2", "jkt-1"][server];
        let layout = Layout::new(&content).unwrap();
        let with = layout.with_key(name, "labels.new", &Value::Text(value.clone())).unwrap();
        let read = Inventory::parse(Path::new("i"), &with, None).unwrap();
        proptest::prop_assert_eq!(&read.server(name).unwrap().labels["new"], &value);
        let key = if name == "sg-1" { "labels" } else { "labels.new" };
        let without = Layout::new(&with).unwrap().without_key(name, key).unwrap();
        proptest::prop_assert_eq!(without, content);
    }
}
