//! Sealed secrets as an admin meets them: where the key comes from, a new key, a lost one, and what works without.

mod support;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::environment::{Environment, Outcome};

/// What must be nowhere in clear.
const PASSWORD: &str = "xyzzy-plugh-42";

/// A home with an inventory of one server, which nobody can reach.
fn environment() -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(""));
    environment.write("passwords", &format!("{PASSWORD}\n"));
    environment
}

fn inventory(settings: &str) -> String {
    format!("[settings]\n{settings}\n[servers.sg-1]\naddress = \"192.0.2.1\"\n")
}

/// Adds a site with a password, which is not applied.
fn add(environment: &Environment, name: &str) -> Outcome {
    environment.fleet([
        "add-site",
        name,
        "--server",
        "sg-1",
        "--stage",
        "--auth-user",
        "bob",
        "--auth-password-file",
        "passwords",
    ])
}

fn private(environment: &Environment, name: &str, text: &str) {
    let path = environment.write(name, text);
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("a file of ours");
}

/// Whether the stored secrets open: setting the same password again needs the key.
fn opens(environment: &Environment) -> Outcome {
    environment.fleet([
        "set-site",
        "example.com",
        "--stage",
        "--auth-user",
        "bob",
        "--auth-password-file",
        "passwords",
    ])
}

#[test]
fn the_key_is_made_privately_and_a_new_one_takes_its_place() {
    let environment = environment();
    add(&environment, "example.com").expect(0);
    let key = environment.path().join("home/.config/fleet/key");
    let mode = std::fs::metadata(&key).expect("a key").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let rotated = environment.fleet(["rotate-key", "--json"]).expect(0).json();
    assert_eq!(
        (&rotated["secrets"], &rotated["key"]),
        (&1.into(), &"file".into())
    );
    opens(&environment).expect(0);
    assert_eq!(
        environment.read("home/.config/fleet/key").lines().count(),
        2
    );
    let unsure = environment
        .fleet(["rotate-key", "--forget-old-keys"])
        .expect(2);
    assert!(unsure.stderr.contains("--yes"), "{unsure}");
    environment
        .fleet(["rotate-key", "--forget-old-keys", "--yes"])
        .expect(0);
    assert_eq!(
        environment.read("home/.config/fleet/key").lines().count(),
        1
    );
    opens(&environment).expect(0);
    // The file may be elsewhere, and what others can read is none.
    let elsewhere = environment.path().join("elsewhere");
    std::fs::rename(&key, &elsewhere).expect("a key file");
    let environment = environment.with("FLEET_KEY_FILE", &elsewhere.to_string_lossy());
    opens(&environment).expect(0);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&elsewhere, open).expect("a file of ours");
    let refused = opens(&environment).expect(2);
    assert!(
        refused.stderr.contains("can be used by others (mode 0644)"),
        "{refused}"
    );
}

/// The transfer keys of the zone: number and what stands for the secret.
fn transfer_keys(environment: &Environment) -> Vec<(u64, String)> {
    let shown = environment
        .fleet(["show-zone", "example.com", "--recorded", "--json"])
        .expect(0)
        .json();
    let keys = shown["zone"]["spec"]["keys"].as_array().expect("keys");
    keys.iter()
        .map(|key| {
            let secret = key["secret"].as_str().expect("a secret");
            (key["number"].as_u64().expect("a number"), secret.to_owned())
        })
        .collect()
}

#[test]
fn a_new_key_changes_nothing_that_nobody_asked_for() {
    let environment = environment();
    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\n[servers.sg-2]\naddress = \"192.0.2.2\"\n",
    );
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kind/site/fixtures");
    let chain = ["p256.crt", "inter.crt"]
        .map(|name| std::fs::read_to_string(format!("{fixtures}/{name}")).expect("a certificate"));
    environment.write("chain.pem", &chain.concat());
    let key = format!("{fixtures}/p256.key");
    let zone = "add-zone example.com --server sg-1 --secondary sg-2 --stage";
    let site = format!(
        "add-site example.com --server sg-1 --tls-certificate chain.pem --tls-key {key} --stage"
    );
    let database = "add-database shop --engine mariadb --server sg-1 --stage";
    let user = "add-database-user shop report --role read-only --stage";
    let fleet = |words: &str| environment.fleet(words.split_whitespace());
    for words in [zone, &site, database, user] {
        fleet(words).expect(0);
    }
    let before = transfer_keys(&environment);
    fleet("rotate-key").expect(0);
    for words in [zone, &site] {
        fleet(words).expect(0);
    }
    assert_eq!(transfer_keys(&environment), before);
    // A password that was generated is that of before; another role is another user.
    let shown = |environment: &Environment| {
        let show = ["show-database", "shop", "--recorded", "--json"];
        environment.fleet(show).expect(0).json()["database"]["spec"].clone()
    };
    let users = shown(&environment);
    let again = fleet(user).expect(0);
    assert!(!again.stdout.contains("password of"), "{again}");
    assert_eq!(shown(&environment), users);
    let other = fleet("add-database-user shop report --role owner --stage").expect(2);
    assert!(other.stderr.contains("with other settings"), "{other}");

    fleet("set-zone example.com --secondary sg-2 --stage").expect(0);
    assert_eq!(transfer_keys(&environment), before);
    fleet("set-zone example.com --transfer-key 2 --stage").expect(0);
    let after = transfer_keys(&environment);
    assert_eq!(after.len(), 2);
    assert_eq!(after[0], before[0], "a server that is away has this one");
    assert_ne!(after[1].1, after[0].1);
}

#[test]
fn without_the_key_all_that_needs_no_secret_works() {
    let environment = environment();
    add(&environment, "example.com").expect(0);
    std::fs::remove_file(environment.path().join("home/.config/fleet/key")).expect("a key file");
    let lost = opens(&environment).expect(2);
    assert!(
        lost.stderr
            .contains("the key that opens stored secrets is not at"),
        "{lost}"
    );
    let lost = environment.fleet(["rotate-key"]).expect(1);
    assert!(
        lost.stderr.contains("hint: restore it from a backup"),
        "{lost}"
    );
    for works in [
        &["list-sites"][..],
        &["show-site", "example.com"],
        &["list-servers"],
        &["list-tasks"],
        &["set-site", "example.com", "--cache", "1d", "--stage"],
        &["add-site", "example.org", "--server", "sg-1", "--stage"],
        &["suspend-site", "example.com", "--stage"],
        &["remove-site", "example.com", "--stage", "--yes"],
    ] {
        environment.fleet(works).expect(0);
    }
    let kept = environment.path().join("home/.config/fleet/key");
    assert!(!kept.exists(), "no other key takes its place in silence");
}

#[test]
fn the_key_may_come_from_a_command() {
    let environment = environment();
    let digits = |digit: &str| digit.repeat(64) + "\n";
    private(&environment, "vault", &digits("a"));
    environment.write("inventory.toml", &inventory("key_command = \"cat vault\""));
    add(&environment, "example.com").expect(0);
    assert!(!environment.path().join("home/.config/fleet/key").exists());
    // Neither its output nor what it says is told.
    let failing = "key_command = \"cat vault; cat vault >&2; exit 7\"";
    environment.write("inventory.toml", &inventory(failing));
    let failed = opens(&environment).expect(2);
    assert!(
        failed
            .stderr
            .contains("the key command failed: exit status: 7"),
        "{failed}"
    );
    assert!(!failed.stderr.contains("aaaaaaaa"), "{failed}");
    environment.write("inventory.toml", &inventory("key_command = \"cat vault\""));
    let same = environment.fleet(["rotate-key"]).expect(2);
    assert!(same.stderr.contains("is the one in use already"), "{same}");
    private(&environment, "vault", &(digits("b") + &digits("a")));
    environment.fleet(["rotate-key"]).expect(0);
    private(&environment, "vault", &digits("b"));
    opens(&environment).expect(0);
    private(&environment, "vault", &digits("c"));
    let wrong = opens(&environment).expect(2);
    assert!(
        wrong.stderr.contains("they were sealed with another"),
        "{wrong}"
    );
}

#[test]
fn a_key_file_that_is_named_goes_before_the_command_and_does_not_hide_it() {
    let environment = environment().with("FLEET_KEY_FILE", "named");
    private(&environment, "vault", &("a".repeat(64) + "\n"));
    environment.write("inventory.toml", &inventory("key_command = \"cat vault\""));
    add(&environment, "example.com").expect(0);
    // What moved to the command opens where the old file is still named, and can move on from there.
    let fleet = |arguments: &[&str]| environment.fleet(arguments);
    fleet(&["rotate-key", "--to", "command"]).expect(0);
    opens(&environment).expect(0);
    fleet(&["rotate-key", "--to", "file"]).expect(0);
    opens(&environment).expect(0);
    // Of a file that is not there, and a command whose key does not fit, both are told.
    std::fs::remove_file(environment.path().join("named")).expect("a removed file");
    let lost = fleet(&["rotate-key"]).expect(1);
    assert!(lost.stderr.contains("is not at"), "{lost}");
    assert!(lost.stderr.contains("the key command prints"), "{lost}");
}

#[test]
fn the_key_may_come_from_a_passphrase() {
    let environment = environment();
    add(&environment, "example.com").expect(0);
    let asked = environment
        .fleet(["rotate-key", "--to", "passphrase"])
        .expect(1);
    assert!(asked.stderr.contains("FLEET_PASSPHRASE_FILE"), "{asked}");
    let typed = "four words for it\r";
    let typed = [typed, typed].concat();
    let moved = [
        "rotate-key",
        "--to",
        "passphrase",
        "--forget-old-keys",
        "--yes",
    ];
    let rotated = environment.fleet_answered(&moved, 80, &typed);
    assert_eq!(rotated.code, 0, "{rotated}");
    // One that failed has left a new key there, too.
    assert!(rotated.stdout.contains("older key"), "{rotated}");
    assert!(rotated.stdout.contains("out of `"), "{rotated}");
    let nobody = opens(&environment).expect(2);
    assert!(nobody.stderr.contains("nobody can be asked"), "{nobody}");
    private(&environment, "passphrase", "four words for it\n");
    let environment = environment.with("FLEET_PASSPHRASE_FILE", "passphrase");
    opens(&environment).expect(0);
    private(&environment, "passphrase", "five words for that one\n");
    let wrong = opens(&environment).expect(2);
    assert!(
        wrong.stderr.contains("the passphrase does not open"),
        "{wrong}"
    );
    private(&environment, "passphrase", "short\n");
    let environment = environment.with("FLEET_PASSPHRASE_FILE", "passphrase");
    let short = environment.fleet(["rotate-key", "--to", "passphrase"]);
    assert_ne!(short.code, 0, "{short}");
}

#[test]
fn a_rotation_that_is_killed_at_any_moment_loses_nothing() {
    let environment = environment();
    for number in 0..12 {
        environment.write("passwords", &format!("{PASSWORD}-{number}\n"));
        add(&environment, &format!("{number}.example.com")).expect(0);
    }
    environment.write("passwords", &format!("{PASSWORD}\n"));
    add(&environment, "example.com").expect(0);
    let mut killed = 0;
    for step in 0..25_u64 {
        let mut command = environment.command(["rotate-key", "--quiet"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("fleet starts");
        std::thread::sleep(Duration::from_millis(3 * step));
        child.kill().expect("a process of ours");
        let status = child.wait().expect("a process of ours");
        killed += u32::from(!status.success());
        opens(&environment).expect(0);
    }
    assert!(killed > 3, "only {killed} were caught at work");
    let rotated = environment.fleet(["rotate-key", "--json"]).expect(0).json();
    assert!(rotated["secrets"].as_u64() >= Some(13), "{rotated}");
}

#[test]
fn no_password_is_left_in_a_file() {
    let environment = environment();
    add(&environment, "example.com").expect(0);
    environment.fleet(["rotate-key"]).expect(0);
    std::fs::remove_file(environment.path().join("passwords")).expect("a file of ours");
    let found = std::process::Command::new("grep")
        .args(["-rla", PASSWORD])
        .arg(environment.path())
        .output()
        .expect("grep runs");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let shown = environment
        .fleet(["show-site", "example.com", "--json"])
        .expect(0);
    assert!(!shown.stdout.contains(PASSWORD), "{shown}");
}

#[test]
fn what_a_database_has_for_settings_is_shown_in_words() {
    let environment = environment();
    let database = [
        "add-database",
        "shop",
        "--server",
        "sg-1",
        "--stage",
        "--host",
        "192.0.2.7",
    ];
    environment.fleet(database).expect(0);
    let shown = environment
        .fleet(["show-database", "shop", "--recorded"])
        .expect(0);
    assert!(
        shown.stdout.contains("shop: owner, from 192.0.2.7"),
        "{shown}"
    );
    assert!(!shown.stdout.contains("sec_"), "{shown}");
    add(&environment, "example.com").expect(0);
    let shown = environment.fleet(["show-site", "example.com"]).expect(0);
    assert!(
        shown.stdout.contains("bob") && !shown.stdout.contains("sec_"),
        "{shown}"
    );
    // SQL is no JSON object.
    let refused = environment
        .fleet(["dump-database", "shop", "-", "--json"])
        .expect(2);
    assert!(refused.stdout.contains("no JSON"), "{refused}");
    // A file would take the place of it.
    for (place, what) in [("pipe", "mkfifo"), ("directory", "mkdir")] {
        let path = environment.path().join(place);
        let made = std::process::Command::new(what).arg(&path).status();
        assert!(made.expect("it runs").success());
        let refused = environment
            .fleet(["dump-database", "shop", place, "--force"])
            .expect(2);
        assert!(refused.stderr.contains("and no file"), "{refused}");
        assert!(!path.metadata().expect("it is there").is_file());
    }
}

#[test]
fn a_secret_in_a_file_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let environment = Environment::new();
    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\n",
    );
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kind/site/fixtures");
    let certificates = ["p256.crt", "inter.crt"];
    let fixture =
        |name: &str| std::fs::read_to_string(format!("{fixtures}/{name}")).expect("a fixture");
    environment.write("chain", &certificates.map(fixture).concat());
    let key = environment.write("key", &fixture("p256.key"));
    let password = environment.write("password", "hunter22\n");
    for (mode, is_warned) in [(0o644, true), (0o600, false)] {
        for path in [&key, &password] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        }
        for command in [
            "add-site example.com --tls-certificate chain --tls-key key --stage",
            "add-database shop --password-file password --stage",
        ] {
            let said = environment.fleet(command.split_whitespace()).stderr;
            let warned = said.contains("can be read by others") && said.contains("chmod 600");
            assert_eq!(warned, is_warned, "{command}: {said}");
        }
    }
}

#[test]
fn an_interrupt_at_a_passphrase_leaves_the_terminal_as_it_was() {
    let environment = environment();
    let fleet = fleet::shell::quote(env!("CARGO_BIN_EXE_fleet"));
    let line =
        format!("trap : INT; {fleet} rotate-key --to passphrase; echo \"ended $?\"; stty -a");
    let template = environment.command([""; 0]);
    // Whoever runs the tests in the background may have signals ignored.
    let mut command = Command::new("env");
    command
        .args(["--default-signal=INT", "script", "--quiet", "--return"])
        .args(["--command", &line, "/dev/null"])
        .current_dir(environment.path())
        .env_clear()
        .env("SHELL", "/bin/sh");
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut script = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script(1)");
    let mut keys = script.stdin.take().expect("a pipe");
    let mut shown = script.stdout.take().expect("a pipe");
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = shown.read(&mut buffer).expect("a terminal");
        if length == 0 {
            break;
        }
        let asked = seen.contains("secrets: ");
        seen += &String::from_utf8_lossy(&buffer[..length]);
        if seen.contains("secrets: ") && !asked {
            keys.write_all(b"\x03").expect("a key");
        }
    }
    script.wait().expect("an end");
    assert!(seen.contains("ended 130"), "{seen}");
    for mode in [" echo ", " icanon ", " isig "] {
        assert!(
            seen.replace(['\n', ';'], " ").contains(mode),
            "{mode}: {seen}"
        );
    }
}
