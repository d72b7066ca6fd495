//! `fleet setup-server` where nothing can be set up: the rest needs servers (`tests/lab_health.rs`).

mod support;

use support::environment::Environment;

#[test]
fn what_cannot_be_set_up_is_a_usage_error() {
    let environment = Environment::new();
    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\nroles = []\n",
    );
    let unknown = environment.fleet(["setup-server", "sg-2"]).expect(2);
    assert!(unknown.stderr.contains("did you mean `sg-1`"), "{unknown}");

    let no_role = environment.fleet(["setup-server", "sg-1"]).expect(2);
    assert_eq!(
        no_role.stderr,
        "error: server `sg-1` has no role that there is something to set up for\n\
         hint: name one: `--role web`, `--role dns`, `--role database`\n"
    );

    let strange = environment
        .fleet(["setup-server", "sg-1", "--role", "mail"])
        .expect(2);
    assert!(
        strange.stderr.contains("`mail` is not a value"),
        "{strange}"
    );
}
