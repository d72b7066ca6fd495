//! The commands about servers as processes: the inventory they write, what they record, and what they refuse.

#[path = "support/environment.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod environment;
#[path = "support/sshd.rs"]
mod sshd;

use std::os::unix::fs::PermissionsExt;

use environment::{Environment, NOW, Outcome};
use fleet::inventory::Inventory;
use fleet::kind::Ties;
use fleet::model::ResourceName;
use fleet::state::{NewResource, State};
use russh::keys::HashAlg;
use russh::keys::ssh_key::LineEnding;
use serde_json::{Value, json};
use sshd::{Behaviour, Sshd, known_hosts_line, new_key};

/// An environment with this inventory.
fn with_inventory(text: &str) -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", text);
    environment
}

fn inventory(environment: &Environment) -> Inventory {
    Inventory::load(&environment.path().join("inventory.toml"), None).expect("a valid inventory")
}

fn state(environment: &Environment) -> State {
    let path = environment.path().join("home/.local/share/fleet/state.db");
    State::open(&path, NOW.parse().expect("a time")).expect("a state database")
}

/// Places a site on a server, as `add-site` does.
fn place_site(environment: &Environment, name: &str, server: &str) {
    let server = server.parse().expect("a name");
    state(environment)
        .write(|write| -> anyhow::Result<()> {
            let new = NewResource {
                name: &ResourceName::new("site", name),
                spec: &json!({}),
                weight: 7,
                ties: &Ties::default(),
            };
            let id = write.insert_resource(&new, NOW.parse()?)?;
            Ok(write.place(id, &server)?)
        })
        .expect("a recorded site");
}

const FLEET: &str = "# ours\n[settings]\nssh_config = false\n\n[servers.sg-1] # first\naddress = \"192.0.2.1\"\nregion = \"singapore\"\n\n\
                     # the second\n[servers.sg-2]\naddress = \"192.0.2.2\"\n";

#[test]
fn init_writes_a_valid_inventory_and_never_over_one() {
    let environment = Environment::new();
    let first = environment.fleet(["init"]).expect(0);
    assert_eq!(first.stdout, "wrote inventory.toml\n");
    assert!(
        first
            .stderr
            .contains("hint: add your first server with `fleet add-server"),
        "{first}"
    );
    assert!(inventory(&environment).servers.is_empty());
    let text = environment.read("inventory.toml");

    let second = environment.fleet(["init"]).expect(2);
    assert!(
        second
            .stderr
            .starts_with("error: `inventory.toml` exists already"),
        "{second}"
    );
    assert_eq!(environment.read("inventory.toml"), text);

    let nowhere = environment
        .fleet(["init", "--path", "not/there.toml"])
        .expect(2);
    assert!(
        nowhere.stderr.contains("its directory does not exist"),
        "{nowhere}"
    );
    let elsewhere = environment
        .fleet(["init", "--path", "other.toml"])
        .expect(0);
    assert!(
        elsewhere.stderr.contains("`--inventory other.toml`"),
        "{elsewhere}"
    );
    // What is to be pasted can be.
    let blank = environment
        .fleet(["init", "--path", "my servers.toml"])
        .expect(0);
    assert!(
        blank.stderr.contains("`--inventory 'my servers.toml'`"),
        "{blank}"
    );
    let empty = environment.fleet(["list-servers"]).expect(0);
    assert_eq!(empty.stdout, "");
    assert!(
        empty.stderr.contains("the inventory has no servers"),
        "{empty}"
    );
}

#[test]
fn a_broken_inventory_shows_every_problem_with_its_place() {
    let environment = with_inventory("[servers.sg-1]\nadress = \"192.0.2.1\"\nport = 0\n");
    let outcome = environment.fleet(["list-servers"]).expect(2);
    assert_eq!(
        outcome.stderr,
        "error: inventory.toml:1:10: `servers.sg-1` has no `address`\n  \
         1 | [servers.sg-1]\n    |          ^^^^\n\
         hint: write `address = \"HOST\"`, or `transport = \"local\"` for this machine\n\n\
         error: inventory.toml:2:1: unknown key `adress` in `servers.sg-1`\n  \
         2 | adress = \"192.0.2.1\"\n    | ^^^^^^\n\
         hint: did you mean `address`\n\n\
         error: inventory.toml:3:8: `port` in `servers.sg-1`: `0` is not between 1 and 65535\n  \
         3 | port = 0\n    |        ^\n"
    );
    let none = Environment::new().fleet(["list-servers"]).expect(2);
    assert!(none.stderr.contains("hint: `fleet init`"), "{none}");
}

#[test]
fn a_server_is_added_changed_and_removed_without_touching_the_rest() {
    let environment = with_inventory(FLEET);
    let add = [
        "add-server",
        "jkt-1",
        "--address",
        "jkt-1.example.com",
        "--no-connect",
        "--port",
        "2222",
        "--become",
        "--capacity",
        "80",
        "--priority",
        "-3",
        "--label",
        "tier=gold",
        "--role",
        "web,dns",
        "--ipv4",
        "203.0.113.1",
        "--identity-file",
        "keys/jkt",
        "--jump",
        "sg-1",
    ];
    let outcome = environment.fleet(add).expect(0);
    assert_eq!(outcome.stdout, "server jkt-1 added\n");
    let block = "\n[servers.jkt-1]\naddress = \"jkt-1.example.com\"\nport = 2222\nidentity_file = \"keys/jkt\"\njump = \"sg-1\"\n\
                 become = true\ncapacity = 80\npriority = -3\nipv4 = [\"203.0.113.1\"]\nroles = [\"web\", \"dns\"]\n\
                 labels = { tier = \"gold\" }\n";
    assert_eq!(
        environment.read("inventory.toml"),
        format!("{FLEET}{block}")
    );

    let again = environment.fleet(add).expect(0);
    assert_eq!(again.stdout, "server jkt-1 unchanged\n");
    let other = environment
        .fleet(["add-server", "jkt-1", "--address", "x", "--no-connect"])
        .expect(2);
    assert!(
        other
            .stderr
            .contains("hint: change it with `fleet set-server jkt-1`"),
        "{other}"
    );

    let set = [
        "set-server",
        "jkt-1",
        "--capacity",
        "40",
        "--unset",
        "label:tier",
        "--unset",
        "port",
    ];
    let outcome = environment.fleet(set).expect(0);
    assert_eq!(
        outcome.stdout,
        "server jkt-1 changed\n  port: 2222 → -\n  capacity: 80 → 40\n  labels: tier=gold → none\n"
    );
    let outcome = environment
        .fleet(["set-server", "jkt-1", "--capacity", "40"])
        .expect(0);
    assert_eq!(outcome.stdout, "server jkt-1 unchanged\n");

    let asked = environment.fleet(["remove-server", "jkt-1"]).expect(2);
    assert!(asked.stderr.contains("`--yes`"), "{asked}");
    let through = environment
        .fleet(["remove-server", "sg-1", "--yes"])
        .expect(2);
    assert!(
        through.stderr.contains("`jkt-1` is reached through `sg-1`"),
        "{through}"
    );
    environment
        .fleet(["remove-server", "jkt-1", "--yes"])
        .expect(0);
    assert_eq!(environment.read("inventory.toml"), FLEET);

    // Every change is on the record, and only those.
    let tasks = state(&environment)
        .read(|read| read.tasks(10))
        .expect("tasks");
    let commands: Vec<_> = tasks
        .iter()
        .map(|t| (t.command.as_str(), t.exit_code))
        .collect();
    assert_eq!(
        commands,
        [
            ("remove-server", Some(0)),
            ("set-server", Some(0)),
            ("add-server", Some(0))
        ]
    );
    assert_eq!(tasks[1].operator, "tester");
    assert_eq!(tasks[0].arguments, ["jkt-1", "--yes"]);
    assert_eq!(tasks[1].outcomes[0].changes[1], "capacity: 80 → 40");
}

#[test]
fn bad_values_are_refused_before_the_file_is_looked_at() {
    let environment = with_inventory(FLEET);
    for (arguments, message) in [
        (
            &["add-server", "SG-9", "--address", "a"][..],
            "did you mean `sg-9`",
        ),
        (
            &["add-server", "a", "--address", "root@a"],
            "it contains `@`; write `address = \"a\"` and `user = \"root\"`",
        ),
        (
            &["add-server", "a", "--address", "a\nb"],
            "it contains a line break",
        ),
        (&["add-server", "a"], "`servers.a` has no `address`"),
        (
            &["add-server", "a", "--address", "192.0.2.1"],
            "as is `servers.sg-1`",
        ),
        (
            &["add-server", "a", "--address", "a", "--role", "wbe"],
            "did you mean `web`",
        ),
        (
            &["add-server", "a", "--address", "a", "--label", "tier"],
            "it has no `=`",
        ),
        (
            &[
                "add-server",
                "a",
                "--address",
                "a",
                "--fingerprint",
                "MD5:aa",
            ],
            "as `ssh-keygen -lf` prints it",
        ),
        (&["set-server", "sg-1"], "nothing to change is given"),
        (
            &["set-server", "sg-11", "--port", "23"],
            "unknown server `sg-11`",
        ),
        (
            &["set-server", "sg-1", "--port", "0"],
            "`0` is not a value of `--port",
        ),
        (
            &["set-server", "sg-1", "--unset", "regoin"],
            "did you mean `region`",
        ),
        (
            &["set-server", "sg-1", "--unset", "region", "--region", "x"],
            "`region` is both set and unset",
        ),
        (
            &["set-server", "sg-1", "--jump", "sg-1"],
            "is the server itself",
        ),
        (
            &["set-server", "sg-2", "--unset", "region"],
            "`region` of server `sg-2` is not set in its entry",
        ),
        (&["show-server", "sg1"], "hint: did you mean `sg-1`"),
        (&["cordon", "web-*"], "`web-*` matches no server"),
        (
            &["list-servers", "region=singapur"],
            "did you mean `region=singapore`",
        ),
    ] {
        let outcome = environment.fleet(arguments).expect(2);
        assert!(outcome.stderr.contains(message), "{arguments:?}: {outcome}");
    }
    assert_eq!(environment.read("inventory.toml"), FLEET);
    assert!(
        !environment
            .path()
            .join("home/.local/share/fleet/state.db")
            .exists()
    );
}

#[test]
fn a_server_with_resources_stays_and_a_capacity_below_its_load_is_told() {
    let environment = with_inventory(FLEET);
    place_site(&environment, "example.com", "sg-1");
    place_site(&environment, "example.org", "sg-1");
    let refused = environment
        .fleet(["remove-server", "sg-1", "--yes"])
        .expect(2);
    assert_eq!(
        refused.stderr,
        "error: server `sg-1` still holds 2 resources\n  site example.com\n  site example.org\n\
         hint: remove them first; `fleet cordon sg-1` keeps new ones away meanwhile\n\
         hint: `--forget` forgets that they are there, when the server is gone for good\n"
    );
    assert_eq!(environment.read("inventory.toml"), FLEET);
    let smaller = environment
        .fleet(["set-server", "sg-1", "--capacity", "10", "--role", "dns"])
        .expect(0);
    assert!(
        smaller.stderr.contains(
            "sg-1 holds 14 units, more than its capacity of 10; they stay, and it takes no new ones"
        ),
        "{smaller}"
    );
    assert!(
        smaller
            .stderr
            .contains("sg-1 has not the role for 2 resources that it holds"),
        "{smaller}"
    );
    let listed = environment
        .fleet(["list-servers", "--json"])
        .expect(0)
        .json();
    assert_eq!(listed["servers"][0]["load"], 14);
    assert_eq!(listed["servers"][0]["resources"], 2);
    let shown = environment.fleet(["show-server", "sg-1"]).expect(0);
    assert!(
        shown.stdout.contains("load     14 of 10 units\n"),
        "{shown}"
    );
    assert!(
        shown.stdout.contains("site example.org       7  pending\n"),
        "{shown}"
    );
}

#[test]
fn a_server_that_was_taken_out_by_hand_can_be_forgotten() {
    let environment = with_inventory(FLEET);
    place_site(&environment, "example.com", "sg-1");
    environment.fleet(["cordon", "sg-2"]).expect(0);
    let other = "[servers.other]\naddress = \"192.0.2.9\"\n";
    environment.write("inventory.toml", other);
    let remove = |words: &[&str]| {
        let words = ["remove-server", "--yes"].iter().chain(words);
        environment.fleet(words)
    };
    let refused = remove(&["sg-1"]).expect(2);
    assert_eq!(
        refused.stderr,
        "error: server `sg-1` is not in the inventory, and holds 1 resource by what is recorded\n  \
         site example.com\n\
         hint: `fleet add-server sg-1` takes it in again, with what is on it\n\
         hint: `--forget` forgets that they are there, when the server is gone for good\n"
    );
    let warned = environment.fleet(["plan"]).expect(0);
    assert!(
        warned
            .stderr
            .contains("`fleet remove-server sg-1 --forget`"),
        "{warned}"
    );
    let forgotten = remove(&["sg-1", "--forget"]).expect(0);
    assert_eq!(forgotten.stdout, "server sg-1 forgotten\n");
    assert!(
        forgotten.stderr.contains("is on no server any more"),
        "{forgotten}"
    );
    // What there is nothing on record of is a slip.
    remove(&["sg-2"]).expect(0);
    for name in ["sg-1", "sg-2", "nope"] {
        let unknown = remove(&[name, "--forget"]).expect(2);
        assert!(
            unknown.stderr.contains(&format!("unknown server `{name}`")),
            "{unknown}"
        );
    }
    assert_eq!(environment.read("inventory.toml"), other);
}

#[test]
fn a_state_file_of_any_name_is_a_file() {
    let environment = with_inventory(FLEET);
    for name in [":memory:", "file:x?mode=memory", "-wal", "é\n.db"] {
        let cordon = || environment.fleet(["cordon", "sg-1", &format!("--state={name}")]);
        assert_eq!(cordon().expect(0).stdout, "server sg-1 cordoned\n");
        assert_eq!(cordon().expect(0).stdout, "server sg-1 unchanged\n");
        assert!(environment.path().join(name).exists(), "{name:?}");
    }
}

#[test]
fn a_weight_does_not_grow_over_the_capacity() {
    let environment = with_inventory(&FLEET.replace("region", "capacity = 20\nregion"));
    place_site(&environment, "example.com", "sg-1");
    place_site(&environment, "example.org", "sg-1");
    let set = |weight: &str, more: &[&str]| {
        let words = ["set-site", "example.com", "--stage", "--weight", weight];
        environment.fleet(words.iter().chain(more))
    };
    let refused = set("14", &[]).expect(4);
    assert_eq!(
        refused.stderr,
        "error: server `sg-1` has no room for 14 units of site example.com: others take 7 of its 20\n\
         hint: `fleet set-server sg-1 --capacity UNITS` makes room, `--force` insists\n"
    );
    let load = || state(&environment).read(|read| read.load(&"sg-1".parse().expect("a name")));
    assert_eq!(load(), Ok(14));
    set("13", &[]).expect(0);
    assert_eq!(load(), Ok(20));
    set("14", &["--force"]).expect(0);
    assert_eq!(load(), Ok(21));
    // Over it already, it may still be made lighter.
    set("12", &[]).expect(0);
}

#[test]
fn a_cordon_is_kept_with_its_reason_and_shown() {
    let environment = with_inventory(FLEET);
    let outcome = environment
        .fleet(["cordon", "sg-*,!sg-2", "--reason", "new disk"])
        .expect(0);
    assert_eq!(outcome.stdout, "server sg-1 cordoned\n");
    let again = environment.fleet(["cordon", "sg-1"]).expect(0);
    assert_eq!(again.stdout, "server sg-1 unchanged\n");
    let listed = environment.fleet(["list-servers"]).expect(0);
    assert_eq!(
        listed.stdout,
        "NAME  HEALTH             LOAD  ADDRESS    REGION     ROLES  PRIORITY  LABELS\n\
         sg-1  unknown, cordoned  0/50  192.0.2.1  singapore  all    0         -\n\
         sg-2  unknown            0/50  192.0.2.2  -          all    0         -\n"
    );
    let json = environment
        .fleet(["list-servers", "sg-1", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        json["servers"][0]["cordon"],
        json!({ "at": NOW, "reason": "new disk" })
    );
    let shown = environment.fleet(["show-server", "sg-1"]).expect(0);
    assert!(
        shown.stdout.contains("cordoned  just now: new disk"),
        "{shown}"
    );
    let other = environment
        .fleet(["cordon", "sg-1", "--reason", "new board"])
        .expect(0);
    assert_eq!(other.stdout, "server sg-1 cordoned\n");
    assert_eq!(
        environment.fleet(["uncordon", "sg-1"]).expect(0).stdout,
        "server sg-1 uncordoned\n"
    );
    assert_eq!(
        environment.fleet(["uncordon", "sg-1"]).expect(0).stdout,
        "server sg-1 unchanged\n"
    );
}

#[test]
fn this_machine_is_looked_at_when_it_is_added() {
    let environment = with_inventory("");
    let outcome = environment
        .fleet(["add-server", "here", "--transport", "local", "--json"])
        .expect(0);
    let added = outcome.json();
    assert_eq!(added["server"]["address"], "localhost");
    assert_eq!(added["host_key"], Value::Null);
    assert!(added["facts"]["cores"].as_u64() > Some(0), "{outcome}");
    let shown = environment
        .fleet(["show-server", "here", "--json"])
        .expect(0)
        .json();
    assert_eq!(shown["server"]["facts"], added["facts"]);
}

/// An SSH server whose key is not known, and an environment with a key that it takes.
async fn stranger() -> (Environment, Sshd) {
    let sshd = Sshd::start(Behaviour::default()).await;
    let environment = with_inventory(FLEET);
    let key = new_key().to_openssh(LineEnding::LF).expect("a key");
    let path = environment.write("home/.ssh/id_ed25519", &key);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    (environment, sshd)
}

/// Adds the server as `x`, on a thread that may wait.
async fn add(
    environment: &std::sync::Arc<Environment>,
    sshd: &Sshd,
    more: &[&str],
    typed: Option<&'static str>,
) -> Outcome {
    let port = sshd.address.port().to_string();
    let mut arguments: Vec<String> = [
        "add-server",
        "x",
        "--address",
        "127.0.0.1",
        "--user",
        "me",
        "--port",
        &port,
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(more.iter().map(|&word| word.to_owned()));
    let environment = std::sync::Arc::clone(environment);
    let run = move || match typed {
        None => environment.fleet(&arguments),
        Some(typed) => {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            environment.fleet_answered(&arguments, 100, typed)
        }
    };
    tokio::task::spawn_blocking(run).await.expect("a run")
}

fn fingerprint(sshd: &Sshd) -> String {
    sshd.host_key.fingerprint(HashAlg::Sha256).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_key_needs_a_fingerprint_where_nobody_can_be_asked() {
    let (environment, sshd) = stranger().await;
    let environment = std::sync::Arc::new(environment);
    let own = fingerprint(&sshd);
    // `--yes` is no look at the key.
    for more in [&[][..], &["--yes"]] {
        let outcome = add(&environment, &sshd, more, None).await.expect(2);
        assert!(
            outcome
                .stderr
                .contains(&format!("nobody can be asked: ssh-ed25519 {own}")),
            "{outcome}"
        );
        assert!(
            outcome.stderr.contains(&format!("`--fingerprint {own}`")),
            "{outcome}"
        );
    }
    let wrong = fingerprint_of_another_key();
    let outcome = add(&environment, &sshd, &["--fingerprint", &wrong], None)
        .await
        .expect(1);
    assert!(
        outcome.stderr.contains(&format!(
            "expected:  {wrong}\n  presented: ssh-ed25519 {own}\n"
        )),
        "{outcome}"
    );
    assert!(
        sshd.seen.users.lock().expect("no panic").is_empty(),
        "nothing may be sent before"
    );
    assert_eq!(environment.read("inventory.toml"), FLEET);
    assert!(!environment.path().join("home/.ssh/known_hosts").exists());

    let outcome = add(
        &environment,
        &sshd,
        &["--fingerprint", &own, "--json"],
        None,
    )
    .await
    .expect(0);
    let added = outcome.json();
    assert_eq!(added["host_key"]["fingerprint"], own);
    assert_eq!(added["host_key"]["pinned"], true);
    assert!(added["facts"]["cores"].as_u64() > Some(0), "{outcome}");
    let line = known_hosts_line(sshd.address, &sshd.host_key);
    assert_eq!(
        environment.read("home/.ssh/known_hosts").trim(),
        line.trim()
    );
    assert!(inventory(&environment).server("x").is_ok());
    let record = state(&environment)
        .read(fleet::state::Read::servers)
        .expect("records");
    let name = "x".parse().expect("a name");
    assert_eq!(record[&name].host_key.as_deref(), Some(own.as_str()));
    assert!(record[&name].identity.is_some() && record[&name].observed_at.is_some());

    let again = add(&environment, &sshd, &["--fingerprint", &own], None)
        .await
        .expect(0);
    assert_eq!(again.stdout, "server x unchanged\n");
}

fn fingerprint_of_another_key() -> String {
    new_key()
        .public_key()
        .fingerprint(HashAlg::Sha256)
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_the_key_is_asked_about() {
    let (environment, sshd) = stranger().await;
    let environment = std::sync::Arc::new(environment);
    let no = add(&environment, &sshd, &["--yes"], Some("no\n"))
        .await
        .expect(1);
    assert!(no.stdout.contains(&fingerprint(&sshd)), "{no}");
    assert!(
        no.stdout
            .contains("the host key was not accepted; nothing was changed"),
        "{no}"
    );
    assert_eq!(environment.read("inventory.toml"), FLEET);
    let yes = add(&environment, &sshd, &[], Some("yes\n")).await.expect(0);
    assert!(yes.stdout.contains("server x added"), "{yes}");
    assert!(
        yes.stdout
            .contains("host key recorded in [DIR]/home/.ssh/known_hosts"),
        "{yes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_key_needs_no_question_and_a_changed_one_is_refused() {
    let (environment, sshd) = stranger().await;
    environment.write(
        "home/.ssh/known_hosts",
        &known_hosts_line(sshd.address, &sshd.host_key),
    );
    let environment = std::sync::Arc::new(environment);
    let outcome = add(&environment, &sshd, &["--json"], None).await.expect(0);
    assert_eq!(outcome.json()["host_key"]["pinned"], false);

    let (environment, sshd) = stranger().await;
    let old = known_hosts_line(sshd.address, new_key().public_key());
    environment.write("home/.ssh/known_hosts", &old);
    let environment = std::sync::Arc::new(environment);
    let own = fingerprint(&sshd);
    // Not even a fingerprint overrules what is recorded.
    let outcome = add(&environment, &sshd, &["--fingerprint", &own], None)
        .await
        .expect(1);
    assert!(
        outcome.stderr.contains("is not the recorded one"),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("ssh-keygen -f"), "{outcome}");
    assert!(!outcome.stderr.contains("set-server"), "{outcome}");
    assert_eq!(environment.read("inventory.toml"), FLEET);
    assert_eq!(environment.read("home/.ssh/known_hosts"), old);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_server_that_was_reinstalled_is_replaced_as_the_hint_says() {
    let (environment, sshd) = stranger().await;
    let others = format!("# ours\n192.0.2.7 {}\n", "ssh-ed25519 AAAA");
    let old = known_hosts_line(sshd.address, new_key().public_key());
    environment.write("home/.ssh/known_hosts", &format!("{old}{others}"));
    let port = sshd.address.port();
    let entry = format!("[servers.x]\naddress = \"127.0.0.1\"\nport = {port}\nuser = \"me\"\n");
    environment.write("inventory.toml", &format!("{FLEET}\n{entry}"));
    let environment = std::sync::Arc::new(environment);
    let fleet = async |line: &str| {
        let environment = std::sync::Arc::clone(&environment);
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let run = move || environment.fleet(&words);
        tokio::task::spawn_blocking(run).await.expect("a run")
    };
    let known = || environment.read("home/.ssh/known_hosts");
    let refused = fleet("run --server x true").await.expect(3);
    let own = fingerprint(&sshd);
    let line = format!("set-server x --fingerprint {own}");
    assert!(
        refused.stderr.contains(&format!("`fleet {line}`")),
        "{refused}"
    );
    // Another one is not taken, whatever it is.
    let other = fingerprint_of_another_key();
    let other = fleet(&format!("set-server x --region here --fingerprint {other}"))
        .await
        .expect(1);
    assert!(
        other.stderr.contains("presented: ssh-ed25519 SHA256:"),
        "{other}"
    );
    assert_eq!(known(), format!("{old}{others}"));
    assert!(!environment.read("inventory.toml").contains("here"));

    let replaced = fleet(&line).await.expect(0);
    let before = replaced
        .stdout
        .split("host key: ssh-ed25519 SHA256:")
        .nth(1);
    let after = before
        .and_then(|text| text.split_once(" → "))
        .map(|(_, after)| after.trim());
    assert_eq!(after, Some(&*format!("ssh-ed25519 {own}")), "{replaced}");
    let new = known_hosts_line(sshd.address, &sshd.host_key);
    assert_eq!(known(), format!("{others}{}\n", new.trim_end()));
    assert_eq!(
        fleet("run --server x echo in").await.expect(0).stdout,
        "in\n"
    );
    assert_eq!(fleet(&line).await.expect(0).stdout, "server x unchanged\n");
    // One that is not known at all is recorded by the same command.
    environment.write("home/.ssh/known_hosts", &others);
    let unknown = fleet("run --server x true").await.expect(3);
    assert!(
        unknown.stderr.contains(&format!("`fleet {line}`")),
        "{unknown}"
    );
    fleet(&line).await.expect(0);
    assert_eq!(
        fleet("run --server x echo in").await.expect(0).stdout,
        "in\n"
    );
    let here = "set-server here --fingerprint";
    fleet("add-server here --transport local --no-connect")
        .await
        .expect(0);
    let local = fleet(&format!("{here} {own}")).await.expect(2);
    assert!(local.stderr.contains("without SSH"), "{local}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_used_is_not_added() {
    let sshd = Sshd::start(Behaviour {
        authorized: Some(Vec::new()),
        ..Behaviour::default()
    })
    .await;
    let (environment, _) = stranger().await;
    let environment = std::sync::Arc::new(environment);
    let own = fingerprint(&sshd);
    let outcome = add(&environment, &sshd, &["--fingerprint", &own], None)
        .await
        .expect(1);
    assert!(outcome.stderr.contains("authorized_keys"), "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("hint: `--no-connect` takes it into the inventory all the same"),
        "{outcome}"
    );
    assert_eq!(environment.read("inventory.toml"), FLEET);
    // The key was right, so the next attempt does not ask again.
    assert!(environment.path().join("home/.ssh/known_hosts").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_another_is_added_over_one_connection_to_that() {
    let (environment, sshd) = stranger().await;
    let jump = Sshd::start(Behaviour::default()).await;
    environment.write(
        "home/.ssh/known_hosts",
        &known_hosts_line(jump.address, &jump.host_key),
    );
    let way = format!("me@127.0.0.1:{}", jump.address.port());
    let environment = std::sync::Arc::new(environment);
    let known = fingerprint(&sshd);
    let more = ["--jump", &way, "--fingerprint", &known];
    add(&environment, &sshd, &more, None).await.expect(0);
    let logins = jump.seen.logins.load(std::sync::atomic::Ordering::SeqCst);
    let forwards = jump.seen.forwards.load(std::sync::atomic::Ordering::SeqCst);
    // To see the host key, and to look at the server.
    assert_eq!((logins, forwards), (1, 2));
}

#[test]
fn what_is_no_capacity_and_no_single_server_is_told_so() {
    let environment = Environment::new();
    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\n",
    );
    let negative = environment
        .fleet(["set-server", "sg-1", "--capacity", "-1"])
        .expect(2);
    assert!(negative.stderr.contains("--capacity"), "{negative}");
    assert!(
        !negative.stderr.contains("unexpected argument"),
        "{negative}"
    );
    let list = environment.fleet(["setup-server", "sg-1,sg-2"]).expect(2);
    assert!(
        list.stderr.contains("name one server; this takes no list"),
        "{list}"
    );
}
