//! What somebody else wrote, or edited since: shown, left alone, and replaced or taken over only when it is asked for.

use crate::world::{World, expect_same, expect_words};

const VHOST: &str = "/etc/nginx/conf.d/fleet-a.example.conf";

/// What an admin might have had there before.
const FOREIGN: &str = "server { listen 80; server_name a.example; return 200 foreign; }";

#[test]
fn a_file_that_was_there_before_is_left_alone_until_force() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.sh(
        "lab-1",
        &format!("echo '{FOREIGN}' >{VHOST}; systemctl reload nginx"),
    );
    let before = world.stamps("lab-1");
    let refused = world.fleet("add-site a.example").expect(1);
    expect_words(
        &refused.stderr,
        &[VHOST, "fleet did not write it", "--force", "--adopt"],
    );
    expect_same(&before, &world.stamps("lab-1"), "afterwards");
    assert_eq!(world.get("lab-1", "a.example"), (200, "foreign".to_owned()));

    world.fleet("add-site a.example --stage").expect(0);
    world.fleet("add-site b.example --stage").expect(0);
    let plan = world.fleet("plan --diff --detailed-exitcode").expect(6);
    expect_words(&plan.stdout, &["conflict", VHOST, "return 200 foreign"]);
    // The others go on.
    let applied = world.fleet("apply").expect(1);
    expect_words(&applied.stderr, &[VHOST]);
    world.expect_served("lab-1", "b.example");
    assert_eq!(world.get("lab-1", "a.example").1, "foreign");
    let list = world.json("list-sites", 0);
    assert_eq!(
        list["sites"][0]["placements"][0]["status"], "failed",
        "{list:#}"
    );

    // What fails leaves it alone, and no copy of it.
    world.sh("lab-1", "echo 'bad;' >/etc/nginx/conf.d/zz.conf");
    world.fleet("apply --force").expect(1);
    world.sh("lab-1", "rm /etc/nginx/conf.d/zz.conf");
    assert_eq!(world.json("list-trash", 0)["trash"], serde_json::json!([]));
    assert_eq!(world.get("lab-1", "a.example").1, "foreign");
    // What is replaced is kept.
    let forced = world.fleet("apply --force").expect(0);
    let task = world.json("list-tasks -n 1", 0)["tasks"][0]["id"].to_string();
    let copy = format!("/etc/nginx/conf.d/.fleet-trash/{task}/fleet-a.example.conf");
    expect_words(&forced.stderr, &["kept on `lab-1`", &copy]);
    assert_eq!(world.sh("lab-1", &format!("cat {copy}")), FOREIGN);
    let trash = world.json("list-trash", 0);
    assert_eq!(trash["trash"][0]["what"], VHOST, "{trash:#}");
    world.expect_served("lab-1", "a.example");
    world.expect_settled();
    world.expect_tidy("lab-1");
}

#[test]
fn a_name_that_somebody_else_serves_is_left_to_them_until_force() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    // One that nginx reads before what fleet writes, and one that it reads after.
    let (first, last) = (
        "/etc/nginx/conf.d/aaa.conf",
        "/etc/nginx/sites-enabled/prod",
    );
    world.sh(
        "lab-1",
        &format!(
            "echo 'server {{ listen 80; server_name c.example www.a.example; return 200 first; }}' >{first}
            echo 'server {{ listen 80; server_name prod.example; return 200 last; }}' >{last}
            nginx -s reload"
        ),
    );
    world.fleet("add-site e.example").expect(0);
    let before = world.contents("lab-1");
    for (line, name, file, said) in [
        ("add-site c.example", "c.example", first, "first"),
        ("add-site prod.example", "prod.example", last, "last"),
        ("add-site a.example --www", "www.a.example", first, "first"),
    ] {
        let seen = world.fleet(&format!("{line} --dry-run"));
        let words =
            format!("nginx serves `{name}` already by `{file}`, and fleet did not write it");
        expect_words(&format!("{seen}"), &[&words, "--force"]);
        let refused = world.fleet(line).expect(1);
        expect_words(&refused.stderr, &[&words, "--force", "as it was before"]);
        expect_same(&before, &world.contents("lab-1"), line);
        assert_eq!(world.get("lab-1", name), (200, said.to_owned()));
    }
    // Others go on, and only whose name it is does not.
    for name in ["b", "c", "d"] {
        world
            .fleet(&format!("add-site {name}.example --stage"))
            .expect(0);
    }
    let applied = world.fleet("apply").expect(1);
    expect_words(&applied.stderr, &["site c.example", first]);
    assert!(!applied.stderr.contains("b.example"), "{applied}");
    for name in ["b", "d"] {
        world.expect_served("lab-1", &format!("{name}.example"));
    }
    assert_eq!(world.get("lab-1", "c.example").1, "first");

    world.fleet("add-site prod.example --force").expect(0);
    world.expect_served("lab-1", "prod.example");
    // It was decided: other changes of the site are not asked again.
    world.fleet("set-site prod.example --cache 1d").expect(0);
    world.fleet("apply --force").expect(0);
    world.expect_settled();
}

#[test]
fn an_edited_file_is_shown_and_kept_until_force_or_adopt() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.fleet("add-site b.example").expect(0);
    let edit = format!(
        "sed -i 's/^    gzip on;/    gzip off; # by hand/' {VHOST} && grep -q 'by hand' {VHOST}"
    );
    world.sh("lab-1", &edit);
    let edited = world.contents("lab-1");
    let plan = world.fleet("plan --diff --detailed-exitcode").expect(6);
    expect_words(&plan.stdout, &["conflict", VHOST, "by hand"]);
    let applied = world.fleet("apply").expect(1);
    expect_words(&applied.stderr, &[VHOST, "was edited"]);
    expect_same(&edited, &world.contents("lab-1"), "afterwards");
    // It is remembered for those who look at the whole fleet.
    let drift = || world.json("status", 0)["servers"][0]["drift"].clone();
    assert_eq!(drift(), serde_json::json!([format!("file {VHOST}")]));
    // Another change of the same site does not run over it either, one of another site goes through.
    world.fleet("set-site a.example --cache 1d").expect(1);
    expect_same(&edited, &world.contents("lab-1"), "afterwards");
    world.fleet("set-site b.example --cache 1d").expect(0);
    let edited = world.contents("lab-1");

    world.fleet("apply --adopt").expect(0);
    assert_eq!(drift(), serde_json::json!([]));
    expect_same(&edited, &world.contents("lab-1"), "afterwards");
    world.expect_settled();
    // What was adopted drifts like anything else, and goes when the site goes.
    world.sh("lab-1", &format!("echo '# again' >>{VHOST}"));
    world.fleet("plan --detailed-exitcode").expect(6);
    world.fleet("apply --force").expect(0);
    world.sh("lab-1", &format!("! grep 'by hand\\|again' {VHOST}"));
    world.expect_settled();

    world.sh("lab-1", &edit);
    world.fleet("remove-site a.example --yes").expect(0);
    world.expect_unknown("lab-1", "a.example");
    world.expect_settled();
}

#[test]
fn what_was_taken_over_comes_back_as_it_was_and_is_told_from_what_fleet_wrote() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.sh(
        "lab-1",
        &format!("echo '{FOREIGN}' >{VHOST}; chmod 640 {VHOST}; systemctl reload nginx"),
    );
    world.sh(
        "lab-1",
        "cd /srv/www || mkdir /srv/www && cd /srv/www; mkdir -p a.example/public && echo hello >a.example/public/x.html &&
        chmod 640 a.example/public/x.html && chown -R -h mail: a.example",
    );
    let adopted = world.fleet("add-site a.example --adopt").expect(0);
    expect_words(
        &adopted.stderr,
        &[
            "warning",
            "1 file in `/srv/www/a.example/public`",
            "chown -Rh",
            VHOST,
        ],
    );
    // Nothing is left to be done, and what is not fleet's is told.
    world.expect_settled();
    let plan = world.fleet("plan").expect(0);
    expect_words(&plan.stderr, &[VHOST, "--adopt", "nothing to do"]);
    let shown = world.fleet("show-site a.example").expect(0);
    expect_words(&shown.stdout, &["adopted", VHOST]);
    let list = world.fleet("list-sites").expect(0).stdout;
    expect_words(&list, &["a.example  lab-1   adopted"]);
    let way_back = "`fleet apply site:a.example --force`";
    expect_words(&shown.stdout, &[way_back]);
    expect_words(&adopted.stderr, &[way_back]);
    let hint = adopted
        .stderr
        .lines()
        .find_map(|line| line.split_once(" -- ")?.1.split_once('`'));
    world.sh("lab-1", hint.expect("a command").0);
    world.sh(
        "lab-1",
        "su -s /bin/sh www-data -c 'cat /srv/www/a.example/public/x.html'",
    );
    assert_eq!(world.get("lab-1", "a.example"), (200, "foreign".to_owned()));

    // It stands in the way of other settings; why, and what to do, is said.
    let refused = world.fleet("suspend-site a.example").expect(1);
    expect_words(
        &refused.stderr,
        &[VHOST, "was taken over with `--adopt`", "--force"],
    );
    assert_eq!(world.get("lab-1", "a.example"), (200, "foreign".to_owned()));
    world.fleet("resume-site a.example").expect(0);

    let before = world.sh("lab-1", &format!("stat -c '%a %U' {VHOST}; cat {VHOST}"));
    world.fleet("remove-site a.example --yes").expect(0);
    world.expect_unknown("lab-1", "a.example");
    let task = world.json("list-tasks -n 1", 0)["tasks"][0]["id"].to_string();
    // What fails on the server leaves it in the trash.
    world.sh("lab-1", "echo 'bad;' >/etc/nginx/conf.d/zz.conf");
    world.fleet(&format!("undo {task}")).expect(1);
    world.sh(
        "lab-1",
        &format!("rm /etc/nginx/conf.d/zz.conf && test -e /etc/nginx/conf.d/.fleet-trash/{task}/fleet-a.example.conf && ! test -e {VHOST}"),
    );
    let undone = world.fleet(&format!("undo {task}")).expect(0);
    expect_words(&undone.stderr, &[VHOST, "back from the trash"]);
    expect_same(
        &before,
        &world.sh("lab-1", &format!("stat -c '%a %U' {VHOST}; cat {VHOST}")),
        "after the undo",
    );
    assert_eq!(world.get("lab-1", "a.example"), (200, "foreign".to_owned()));
    assert_eq!(world.json("list-trash", 0)["trash"], serde_json::json!([]));
    world.expect_settled();

    // Everything of the fleet does not mean this; its own name does.
    world.fleet("apply --force").expect(0);
    assert_eq!(world.get("lab-1", "a.example"), (200, "foreign".to_owned()));
    world.fleet("apply site:a.example --force").expect(0);
    assert_ne!(world.get("lab-1", "a.example").1, "foreign");
    expect_words(
        &world.sh("lab-1", &format!("cat {VHOST}")),
        &["server_name a.example"],
    );
    world.expect_settled();
    world.expect_tidy("lab-1");
}

#[test]
fn something_else_than_a_file_or_a_directory_is_not_trampled_on() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.sh(
        "lab-1",
        "mkdir -p /srv/www && echo precious >/srv/www/a.example",
    );
    let before = world.stamps("lab-1");
    let refused = world.fleet("add-site a.example").expect(1);
    expect_words(&refused.stderr, &["/srv/www/a.example"]);
    expect_same(&before, &world.stamps("lab-1"), "afterwards");

    world.sh(
        "lab-1",
        &format!("rm /srv/www/a.example; ln -s /etc/passwd {VHOST}"),
    );
    let before = world.stamps("lab-1");
    world.fleet("add-site a.example").expect(1);
    expect_same(&before, &world.stamps("lab-1"), "afterwards");
    world.fleet("add-site a.example --force").expect(0);
    world.expect_served("lab-1", "a.example");
    assert_eq!(
        world.sh(
            "lab-1",
            &format!("stat -c %F {VHOST}; head -c 4 /etc/passwd")
        ),
        "regular file\nroot"
    );

    // A directory in the way of a file goes to the trash, not away.
    world.sh(
        "lab-1",
        &format!("rm {VHOST}; mkdir {VHOST}; echo precious >{VHOST}/x"),
    );
    world.fleet("apply").expect(1);
    world.fleet("apply --force").expect(0);
    assert_eq!(
        world.sh(
            "lab-1",
            "cat /etc/nginx/conf.d/.fleet-trash/*/fleet-a.example.conf/x"
        ),
        "precious"
    );
    world.expect_served("lab-1", "a.example");
    world.expect_settled();
    world.expect_tidy("lab-1");
}
