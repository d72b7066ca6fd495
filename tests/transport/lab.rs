//! Ring 3: sudo, login shells and penalties of real Debian servers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fleet::model::Server;
use fleet::transport::TransportError;

use crate::lab_support::Lab;
use crate::{Home, failure, new_key, run};

/// A home with the lab's key and known hosts.
fn home_of(lab: &Lab) -> Home {
    let mut home = Home::new();
    home.settings.known_hosts = vec![lab.dir().join("known_hosts")];
    home.settings.identities = vec![lab.dir().join("id_ed25519")];
    home
}

fn server_of(lab: &Lab, name: &str) -> Server {
    let there = lab.server(name);
    let mut server = Server::new(name.parse().unwrap(), there.address.to_string());
    server.user = Some(there.user.clone());
    server.r#become = there.user != "root";
    server
}

/// The lab, or a line that says that it was left out.
fn lab() -> Option<Lab> {
    static SAID: OnceLock<()> = OnceLock::new();
    match Lab::available() {
        Ok(()) => Some(Lab::acquire()),
        Err(reason) => {
            SAID.get_or_init(|| println!("left out: {reason}"));
            None
        }
    }
}

/// Puts the sudoers rule of `admin` on `lab-4` back.
struct Sudoers<'a>(&'a Lab);

impl Sudoers<'_> {
    fn set(&self, rule: &str) {
        let line = format!(
            "printf '%s\\n' '{rule}' > /etc/sudoers.d/zz-test && chmod 440 /etc/sudoers.d/zz-test"
        );
        self.0.sh_ok("lab-4", &line);
    }
}

impl Drop for Sudoers<'_> {
    fn drop(&mut self) {
        self.0.sh("lab-4", "rm -f /etc/sudoers.d/zz-test; mv -n /usr/bin/sudo.away /usr/bin/sudo; usermod -s /bin/bash admin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sudo_as_debian_has_it() {
    let Some(lab) = lab() else { return };
    lab.reset("lab-4");
    let home = home_of(&lab);
    let server = server_of(&lab, "lab-4");
    let sudoers = Sudoers(&lab);
    for option in ["!use_pty", "use_pty"] {
        sudoers.set(&format!("Defaults:admin {option}"));
        let mut session = home.connector().open(&server).await.unwrap();
        let (output, lines) = run(&mut session, "id -un; echo $HOME; echo e >&2; cat\n")
            .await
            .unwrap();
        assert_eq!(
            (output.stderr.as_str(), lines),
            ("e\n", vec!["root".to_owned(), "/root".to_owned()]),
            "{option}"
        );
        assert!(
            session
                .seen_as()
                .unwrap()
                .starts_with(&format!("{} ", lab.address(1))),
            "{:?}",
            session.seen_as()
        );
        // Nothing on the way may take these bytes for a terminal's.
        let big = format!(
            "X='{}'\necho ${{#X}}\nprintf 'a\\r\\tb\\003\\004\\n'\n",
            "ü".repeat(1_000_000)
        );
        let (_, lines) = run(&mut session, &big).await.unwrap();
        assert_eq!(lines, ["2000000", "a\r\tb\u{3}\u{4}"], "{option}");
        let (_, lines) = run(&mut session, "seq 1 1000000\n").await.unwrap();
        assert_eq!(lines.len(), 1_000_000, "{option}");
        let (output, _) = run(&mut session, "exit 6\n").await.unwrap();
        assert_eq!(output.status, 6, "{option}");
    }

    // What a shell says of itself is the same as without sudo.
    let mut said = Vec::new();
    for name in ["lab-1", "lab-4"] {
        let server = server_of(&lab, name);
        let mut session = home.connector().open(&server).await.unwrap();
        let script = "echo \"$0 $#\"; no-such-command\n";
        let (output, lines) = run(&mut session, script).await.unwrap();
        said.push((lines, output.stderr));
    }
    assert_eq!(said[0].0, ["/bin/sh 0"]);
    assert_eq!(said[0], said[1]);

    sudoers.set("admin ALL=(ALL) ALL");
    let error = failure(&home, &server).await;
    assert_eq!(
        error,
        TransportError::SudoPassword {
            user: "admin".to_owned()
        }
    );

    sudoers.set("Defaults:admin requiretty");
    let error = failure(&home, &server).await;
    assert!(
        matches!(&error, TransportError::NoSudo { said, .. } if said.contains("tty")),
        "{error:?}"
    );

    sudoers.set("admin ALL=(ALL) !ALL");
    let error = failure(&home, &server).await;
    assert!(
        matches!(
            &error,
            TransportError::NoSudo { .. } | TransportError::SudoPassword { .. }
        ),
        "{error:?}"
    );

    lab.sh_ok(
        "lab-4",
        "rm /etc/sudoers.d/zz-test; mv /usr/bin/sudo /usr/bin/sudo.away",
    );
    let error = failure(&home, &server).await;
    assert!(matches!(&error, TransportError::NoSudo { .. }), "{error:?}");

    lab.sh_ok("lab-4", "usermod -s /usr/sbin/nologin admin");
    let error = failure(&home, &server).await;
    assert!(
        matches!(&error, TransportError::Shell { status: Some(1), said } if said.contains("not available")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_penalty_of_openssh_10_is_recognised_and_waited_out() {
    let Some(lab) = lab() else { return };
    lab.reset("lab-2");
    let mut home = home_of(&lab);
    let server = server_of(&lab, "lab-2");
    let stranger = home.write_key("stranger", &new_key());
    let mut wrong = server.clone();
    wrong.identity_file = Some(stranger);
    let mut refused = 0;
    let error = loop {
        match failure(&home, &wrong).await {
            TransportError::AuthRefused { .. } if refused < 10 => {
                refused += 1;
                // sshd counts a refusal when the process that served it has ended.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            error => break error,
        }
    };
    assert_eq!(
        error,
        TransportError::Penalised {
            said: "Not allowed at this time".to_owned(),
            waited: None
        },
        "after {refused} refused logins"
    );
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    // Each refusal counts for 5 s, and from 15 s on it refuses until all of them are over.
    home.settings.limits.pause = Duration::from_secs(25);
    home.settings.on_notice = Some(Arc::new(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let mut session = home.connector().open(&server).await.unwrap();
    assert_eq!(run(&mut session, "echo in\n").await.unwrap().1, ["in"]);
    assert_eq!(told.load(Ordering::SeqCst), 1);
}
