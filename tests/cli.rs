//! The command line as a whole: exit codes, help, errors as text and JSON, pipes, colours, terminals.

mod support;

use std::io::Read;
use std::process::Stdio;

use support::environment::Environment;

#[test]
fn version_and_help_are_data_and_succeed() {
    let environment = Environment::new();
    let version = environment.fleet(["--version"]).expect(0);
    assert_eq!(version.stdout, "fleet [VERSION]\n");
    assert_eq!(version.stderr, "");

    let help = environment.fleet(["--help"]).expect(0);
    assert!(help.stdout.starts_with("Place websites"), "{help}");
    assert!(help.stdout.contains("\nSites:\n  "), "{help}");
    let of_command = environment.fleet(["list-sites", "--help"]).expect(0);
    for part in ["Usage: fleet list-sites", "Global options:", "Examples:"] {
        assert!(of_command.stdout.contains(part), "{part}: {of_command}");
    }
    assert!(!help.stdout.contains('\x1b'), "{help}");
    let longest = help.stdout.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{longest:?}: {help}");
}

#[test]
fn examples_can_be_pasted_as_they_stand() {
    let environment = Environment::new();
    let line = "  fleet add-cron backup --schedule '30 3 * * *' --command 'tar czf /var/backups/etc.tgz /etc'\n";
    let help = environment.fleet(["add-cron", "--help"]).expect(0);
    assert!(help.stdout.contains(line), "{help}");
    let narrow = environment.fleet_at_terminal(&["add-cron", "--help"], 40);
    assert!(
        narrow
            .stdout
            .contains("'tar czf /var/backups/etc.tgz /etc'"),
        "{narrow}"
    );
}

#[test]
fn without_a_command_the_help_is_shown_and_it_is_a_usage_error() {
    let outcome = Environment::new().fleet([""; 0]).expect(2);
    assert!(outcome.stdout.contains("Usage: fleet"), "{outcome}");
    let outcome = Environment::new().fleet(["--quiet"]).expect(2);
    assert_eq!(
        outcome.stderr,
        "error: no command was given\nhint: see `fleet --help`\n"
    );
}

#[test]
fn usage_errors_exit_with_2_and_say_what_to_do() {
    let environment = Environment::new();
    let unknown = environment.fleet(["frobnicate"]).expect(2);
    assert_eq!(
        unknown.stderr,
        "error: there is no command `frobnicate`\nhint: see `fleet --help`\n"
    );
    assert_eq!(unknown.stdout, "");

    let mistyped = environment.fleet(["list-stes"]).expect(2);
    assert!(
        mistyped.stderr.contains("hint: did you mean `list-sites`"),
        "{mistyped}"
    );

    let flag = environment.fleet(["list-sites", "--colour"]).expect(2);
    assert!(
        flag.stderr
            .starts_with("error: unexpected argument `--colour`\n"),
        "{flag}"
    );
    assert!(
        flag.stderr.contains("see `fleet list-sites --help`"),
        "{flag}"
    );

    let value = environment
        .fleet(["list-sites", "--output", "yaml"])
        .expect(2);
    assert_eq!(
        value.stderr,
        "error: `yaml` is not a value of `--output FORMAT`\n\
         hint: the values are `table`, `json`\nhint: see `fleet list-sites --help`\n"
    );
}

#[test]
fn errors_are_one_json_object_when_json_is_asked_for() {
    let environment = Environment::new();
    for flags in [&["--json"][..], &["--output", "json"], &["--output=json"]] {
        let mut arguments = vec!["frobnicate"];
        arguments.extend(flags);
        let outcome = environment.fleet(arguments).expect(2);
        let error = &outcome.json()["error"];
        assert_eq!(error["class"], "usage");
        assert_eq!(error["exit_code"], 2);
        assert_eq!(error["message"], "there is no command `frobnicate`");
        assert_eq!(error["hints"][0], "see `fleet --help`");
        assert!(error["details"].is_array());
        assert_eq!(error["problems"][0]["message"], error["message"]);
        assert_eq!(outcome.stderr, "");
    }
    // After `--` there are no flags.
    let outcome = environment.fleet(["frobnicate", "--", "--json"]).expect(2);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let environment = Environment::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = environment
        .command(["--help"])
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("fleet starts");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_full_disk_below_stdout_is_an_error() {
    let environment = Environment::new();
    let cannot = "error: cannot write to standard output: ";
    for (arguments, code, said) in [
        (&["--version"][..], 1, cannot),
        (&["init", "--json"], 1, cannot),
        // What cannot be told there is told at all.
        (
            &["bogus", "--json"],
            2,
            "error: there is no command `bogus`",
        ),
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut child = environment
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(full.expect("/dev/full"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("fleet starts");
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().expect("its stderr");
        pipe.read_to_string(&mut stderr).expect("text");
        let ended = child.wait().expect("it ends").code();
        assert_eq!(ended, Some(code), "{arguments:?}");
        assert!(stderr.starts_with(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn arguments_that_are_not_text_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let environment = Environment::new();
    let outcome = environment
        .fleet([OsStr::from_bytes(b"\xff\xfe")])
        .expect(2);
    assert!(outcome.stderr.starts_with("error: "), "{outcome}");
}

#[test]
fn colours_follow_the_terminal_and_the_variables() {
    let environment = Environment::new();
    let help = environment.fleet_at_terminal(&["--help"], 80).expect(0);
    assert!(help.stdout.contains("\x1b["), "{help}");
    let bare = environment
        .fleet_at_terminal(&["frobnicate", "--no-color"], 80)
        .expect(2);
    assert!(!bare.stdout.contains('\x1b'), "{bare}");

    let environment = environment.with("NO_COLOR", "1");
    let bare = environment.fleet_at_terminal(&["--help"], 80).expect(0);
    assert!(!bare.stdout.contains('\x1b'), "{bare}");

    let forced = Environment::new().with("CLICOLOR_FORCE", "1");
    let forced = forced.fleet(["--help"]).expect(0);
    assert!(forced.stdout.contains("\x1b["), "{forced}");

    let dumb = Environment::new().with("TERM", "dumb");
    let dumb = dumb.fleet_at_terminal(&["--help"], 80).expect(0);
    assert!(!dumb.stdout.contains('\x1b'), "{dumb}");
}

#[test]
fn help_fits_the_terminal() {
    let environment = Environment::new().with("NO_COLOR", "1");
    for (columns, limit) in [(60, 60), (80, 80), (200, 100)] {
        for arguments in [&["--help"][..], &["list-sites", "--help"]] {
            let help = environment.fleet_at_terminal(arguments, columns).expect(0);
            let longest = help
                .stdout
                .lines()
                .map(|line| line.trim_end().chars().count());
            assert!(longest.max() <= Some(limit), "{columns} columns: {help}");
        }
    }
}
