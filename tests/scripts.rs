//! The shell functions that run on servers, in the shells that `sh` can be there.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATHS: &str = include_str!("../src/plan/paths.sh");
const NGINX: &str = include_str!("../src/plan/nginx.sh");
const PRELUDE: &str = include_str!("../src/plan/prelude.sh");
const CHECKS: &str = include_str!("../src/health/checks.sh");
const NAMES: &str = include_str!("../src/plan/names.sh");
const UNDO: &str = include_str!("../src/plan/undo.sh");
const JOURNAL: &str = include_str!("../src/logs/journal.sh");
const COPY: &str = include_str!("../src/copy/files.sh");
const READ: &str = include_str!("../src/logs/read.sh");
const MERGE: &str = include_str!("../src/logs/merge.awk");
const PART: &str = include_str!("../src/logs/part.sh");
const RULESET: &str = include_str!("../src/item/ruleset/observe.sh");
const MARIADB: &str = include_str!("../src/item/mariadb/functions.sh");
const TRANSFER: &str = include_str!("../src/item/transfer.sh");
const ZONES: &str = include_str!("../src/item/zone/zones.sh");

/// What `sh` is on Debian, on Red Hat's systems, and on small ones (where this machine has it).
fn shells() -> Vec<Vec<&'static str>> {
    let all = [vec!["sh"], vec!["bash", "--posix"], vec!["busybox", "sh"]];
    let is_there = |shell: &Vec<&str>| {
        Command::new(shell[0])
            .arg("--help")
            .stdin(Stdio::null())
            .output()
            .is_ok()
    };
    all.into_iter().filter(is_there).collect()
}

/// Runs `body` after `functions`, with an empty directory as `$top` in which a transaction has its own as `$t`.
fn run(shell: &[&str], functions: &str, body: &str) -> String {
    let top = tempfile::tempdir().expect("a directory");
    let script = format!(
        "{PATHS}{NGINX}{functions}\ntop=$1 state=$1/state run=$1/run t=$1/state/tx/1-0\nmkdir -p -- \"$t\"\n{body}"
    );
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", &script, "sh"])
        .arg(top.path())
        .stdin(Stdio::null())
        .output()
        .expect("the shell runs");
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_command_that_fails_ends_its_phase_and_all_that_follow() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "first() { ls /nowhere; echo 'first went on'; }\n\
             second() { echo second; }\n\
             transact() { failed=; phase first; phase second; }\n\
             transact\necho \"$failed\"",
        );
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], "@failed first", "{shell:?}: {said}");
        assert!(lines[1].starts_with("@detail ls: "), "{shell:?}: {said}");
        assert_eq!(
            lines[2..],
            ["@step undoing", "@undone", "first"],
            "{shell:?}"
        );
    }
}

#[test]
fn what_is_changed_in_a_copy_of_a_tree_is_not_changed_in_what_links_lead_to() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "mkdir -p \"$top/real/sub/deep\" \"$top/opt/conf.d/in\" \"$top/opt/more\" \"$top/etc\"\n\
             ln -s ../real \"$top/etc/nginx\"; ln -s \"$top/opt/conf.d\" \"$top/real/conf.d\"\n\
             ln -s ../../../opt/more \"$top/real/sub/deep/more\"; ln -s \"$top/opt\" \"$top/real/other\"\n\
             for file in real/a opt/conf.d/b opt/conf.d/in/c opt/more/d; do echo old >\"$top/$file\"; done\n\
             set -e; tree=$top/etc/nginx\n\
             copy_tree \"$tree\" \"$tree\" \"$tree/conf.d/in\" \"$tree/conf.d\" \"$tree/sub/deep/more\" \"$tree/none/x\"\n\
             cd \"$t/copy$tree\"; for file in a conf.d/b conf.d/in/c sub/deep/more/d; do cat \"$file\"; echo new >\"$file\"; done\n\
             readlink other; cat \"$top/real/a\" \"$top/opt/conf.d/b\" \"$top/opt/conf.d/in/c\" \"$top/opt/more/d\"",
        );
        let (before, after) = said.split_once('/').expect("where the other link leads");
        assert_eq!(before, "old\n".repeat(4), "{shell:?}: {said}");
        let after = after.split_once('\n').expect("what is live").1;
        assert_eq!(after, "old\n".repeat(4), "{shell:?}: {said}");
    }
}

#[test]
fn new_pools_of_php_are_waited_for() {
    let wait = |shell: &[&str], systemctl: &str, body: &str| {
        let pools = "mkdir \"$top/pools\"; echo '[x]' >\"$top/pools/fleet-a.test.conf\"\n\
             for at in a b; do echo \"listen = $top/$at.sock\" >>\"$top/pools/fleet-$at.conf\"; done\n\
             : >\"$top/a.sock\"; sleep() { command sleep 0.001; }\n";
        run(
            shell,
            PRELUDE,
            &format!(
                "systemctl() {{ {systemctl}; }}\n{pools}{body}\nawait_pools php8.2-fpm \"$top/pools\"; echo $?"
            ),
        )
    };
    for shell in shells() {
        let comes = "(command sleep 0.1; : >\"$top/b.sock\") & sleep() { command sleep 0.05; }";
        assert_eq!(wait(&shell, ":", comes), "0\n", "{shell:?}");
        let never = wait(&shell, ":", "");
        assert!(
            never.starts_with("@notice php8.2-fpm waits for requests to end ")
                && never.ends_with("\n0\n"),
            "{shell:?}: {never}"
        );
        assert_eq!(
            wait(&shell, "false", ""),
            "@why php8.2-fpm ended when it was to take the new configuration\n1\n",
            "{shell:?}"
        );
        assert_eq!(
            wait(&shell, "false", "rm -r \"$top/pools\""),
            "0\n",
            "{shell:?}"
        );
    }
}

#[test]
fn an_nginx_with_its_number_elsewhere_is_found() {
    for shell in shells() {
        let said = run(
            &shell,
            "",
            "[ ! -e /run/nginx.pid ] || { echo skipped; exit; }\n\
             bash -c 'exec -a \"nginx: master process nginx\" sleep 60' >/dev/null &\n\
             number=$!; systemctl() { echo \"$number\"; }\n\
             until grep -q '^nginx: master' \"/proc/$number/cmdline\"; do sleep 0.01; done\n\
             nginx_master && [ \"$master\" = \"$number\" ] && echo found\n\
             kill \"$number\"; systemctl() { echo 0; }; nginx_master || echo none",
        );
        if said != "skipped\n" {
            assert_eq!(said, "found\nnone\n", "{shell:?}");
        }
    }
}

#[test]
fn a_lock_that_cannot_be_made_is_told() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "mkdir -p \"$run/lock\"; lock 0 me; echo locked",
        );
        assert_eq!(said, "@broken /run cannot be written to\n", "{shell:?}");
    }
}

#[test]
fn of_a_user_that_was_made_by_half_the_group_goes() {
    for shell in shells() {
        let said = run(
            &shell,
            UNDO,
            "getent() { case $1-$2 in group-a) echo a:x:20000: ;; group-b) echo b:x:20001:ann ;; *) return 2 ;; esac; }\n\
             groupdel() { echo \"groupdel $*\"; }\nuserdel() { echo \"userdel $*\"; }\n\
             for user in a b c; do unmake_user $user; done",
        );
        assert_eq!(said, "groupdel -- a\n", "{shell:?}");
    }
}

#[test]
fn of_a_log_only_what_was_written_since_is_told() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "printf 'old\\nolder\\n' | tee \"$top/a\" >\"$top/b\"\n\
             mark_logs \"$top/a\" \"$top/b\" \"$top/c\"\n\
             printf 'one\\ntwo\\nthree\\n' >>\"$top/a\"\n\
             echo r >\"$top/b\"; echo c >\"$top/c\"\n\
             for log in a b c d; do news 2 \"$top/$log\"; done",
        );
        // What is shorter than it was is another file.
        assert_eq!(said, "two\nthree\nr\nc\n", "{shell:?}");
    }
}

#[test]
fn a_site_that_is_asked_by_another_name_has_its_own_log() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "printf 'server {\\n    server_name a.example;\\n}\\nserver {\\n    server_name www.a.example b.example;\\n}\\n' \
             >\"$top/fleet-a.example.conf\"\n\
             echo '    server_name x.www.a.example wwwxa.example;' >\"$top/fleet-0.example.conf\"\n\
             for host in a.example www.a.example b.example; do errors_of \"$host\" \"$top\" /logs; done\n\
             errors_of gone.example \"$top\" /logs",
        );
        let own = "/logs/a.example/error.log\n".repeat(3);
        assert_eq!(said, format!("{own}/logs//error.log\n"), "{shell:?}");
    }
}

#[test]
fn the_name_servers_that_it_asks_are_told() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "name_servers \"$top/none\"\n\
             printf '%s\\n' '# nameserver 10.0.0.9' 'nameserver 10.0.0.1' 'options x' >\"$top/resolv.conf\"\n\
             printf ' nameserver\\tfd00::1 x' >>\"$top/resolv.conf\"\n\
             name_servers \"$top/resolv.conf\"",
        );
        assert_eq!(
            said, "@name-server 10.0.0.1\n@name-server fd00::1\n",
            "{shell:?}"
        );
    }
}

#[test]
fn names_that_somebody_else_serves_are_found_with_their_files() {
    for shell in shells() {
        let said = run(
            &shell,
            NAMES,
            r#"mkdir -p "$top/conf.d"
            printf 'server {\n    server_name had.example "*.had.example";\n}\n' >"$top/conf.d/fleet-had.example.conf"
            cat >"$t/dump" <<'END'
# configuration file /etc/nginx/nginx.conf:
mail { server { listen 443; server_name mail.example; } }
http {
    log_format json '{"uri": "$uri"}'; # server_name commented.example;
    #server { server_name commented.example; }
    upstream u { server only.example; }
    map $host $x { default server_name; text.example 1; }
    server { server_name other.example Upper.example; }
    include /etc/nginx/conf.d/*.conf;
# configuration file /etc/nginx/conf.d/00-fleet-default.conf:
server {
    server_name own.example;
}
# configuration file /etc/nginx/conf.d/fleet-own.example.conf:
server {
    server_name own.example plain.example quoted.example multi.example "*.dot.example" dot.example tls.example;
}
server {
    server_name back.example commented.example mail.example text.example only.example both.example upper.example;
    server_name regex.example had.example "*.had.example" only-mine.example;
}
# configuration file /etc/nginx/sites-enabled/my site:
server{listen 80;server_name plain.example "quoted.example";return 200 "x";}
server {
    server_name first.example # the first
        multi.example
        .dot.example;
    location ~ "^/[a-z]{2}$" { return 301 https://plain.example; }
}
server {
    listen [::]:443 ssl http2;
    server_name tls.example;
    if ($host = text.example) { return 404; }
}
server { listen 127.0.0.1:8080; listen unix:/run/back; server_name back.example both.example; }
server { listen 8080; listen 10.0.0.1; server_name both.example ~^regex\.example$; }
server { server_name .had.example not-mine.example; }
END
            taken "$t/dump" "$top/conf.d/fleet-had.example.conf"
            echo --
            taken - <"$t/dump""#,
        );
        let file = "/etc/nginx/sites-enabled/my site";
        let mut expected = vec!["upper.example /etc/nginx/nginx.conf".to_owned()];
        for name in ["plain", "quoted", "multi", "dot", "*.dot", "tls", "both"] {
            expected.push(format!("{name}.example {file}"));
        }
        let (with, without) = said.split_once("--\n").expect("both");
        assert_eq!(with.lines().collect::<Vec<_>>(), expected, "{shell:?}");
        // Of what a site had already, it was decided when it came.
        for name in ["had", "*.had"] {
            expected.push(format!("{name}.example {file}"));
        }
        assert_eq!(without.lines().collect::<Vec<_>>(), expected, "{shell:?}");
    }
}

#[test]
fn what_was_not_begun_or_is_forgotten_by_half_needs_no_undo() {
    let said = run(
        &["sh"],
        PRELUDE,
        // The undo script went, and then the power did.
        "mkdir -p \"$t/save/etc\" \"$state/tx/2-0.done\"; : >\"$state/tx/2-0.done/ready\"\n\
         recover\nls \"$state/tx\"",
    );
    assert_eq!(said, "");
}

#[test]
fn what_was_begun_is_undone_by_the_next_and_then_forgotten() {
    let said = run(
        &["sh"],
        PRELUDE,
        "echo 'echo undone with $1 >&2; exit $(cat $1/status)' >\"$t/undo.sh\"; : >\"$t/ready\"\n\
         echo 1 >\"$t/status\"; (recover); ls \"$state/tx\"\n\
         echo 0 >\"$t/status\"; recover; ls \"$state/tx\"",
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "@recovering 1-0");
    assert!(lines[1].starts_with("@detail undone with /"), "{said}");
    assert_eq!(lines[2..], ["@unrecovered 1-0", "1-0", "@recovering 1-0"]);
}

#[test]
fn an_undo_that_takes_long_gives_signs() {
    for shell in shells() {
        let said = run(
            &shell,
            PRELUDE,
            "step() { printf '@step %s\\n' \"$1\"; : >\"$top/said\"; }\n\
             echo 'for _ in $(seq 60); do [ ! -e \"$1/../../../said\" ] || exit 0; sleep 1; done; exit 1' >\"$t/undo.sh\"\n\
             : >\"$t/ready\"\npause=1\nrecover\nls \"$state/tx\"",
        );
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], "@recovering 1-0", "{shell:?}");
        let signs = &lines[1..];
        assert!(
            !signs.is_empty()
                && signs
                    .iter()
                    .all(|line| *line == "@step still rolling back 1-0"),
            "{shell:?}: {said}"
        );
    }
}

#[test]
fn an_undo_copies_nothing_back_before_anything_was_replaced() {
    for (live, now) in [("", "new"), (": >\"$t/live\"", "old")] {
        let said = run(
            &["sh"],
            UNDO,
            &format!(
                "mkdir -p \"$t/save$top\"; echo old >\"$t/save$top/a\"; echo new >\"$top/a\"\n\
                 bad=0; {live}\nrestore \"$top/a\"; cat \"$top/a\"; ls \"$top\"; echo $bad"
            ),
        );
        assert_eq!(said, format!("{now}\na\nstate\n0\n"));
    }
}

#[test]
fn what_could_not_be_replaced_needs_no_undo() {
    for shell in shells() {
        let said = run(
            &shell,
            UNDO,
            "mkdir -p \"$t/save$top\"; : >\"$t/live\"; bad=0\n\
             echo old >\"$top/a\"; ln -s old \"$top/b\"; touch -h -d '1 hour ago' \"$top/a\" \"$top/b\"\n\
             cp -a -- \"$top/a\" \"$top/b\" \"$t/save$top\"\n\
             mv() { return 1; }\n\
             : >\"$top/a.fleet-undo\"; restore \"$top/a\"; restore \"$top/b\"; ls \"$top\"; echo $bad\n\
             echo new >\"$top/a\"; restore \"$top/a\"; echo $bad\n\
             bad=0; ln -s -f new \"$top/b\"; restore \"$top/b\"; echo $bad\n\
             bad=0; unset -f mv; restore \"$top/a\"; restore \"$top/b\"; cat \"$top/a\"; readlink \"$top/b\"; echo $bad",
        );
        assert_eq!(said, "a\nb\nstate\n0\n1\n1\nold\nold\n0\n", "{shell:?}");
    }
}

/// A directory of root's with one of a user's in it, in which a link stands where a directory should be; only root can
/// make it so.
const HOSTILE: &str = "
    [ \"$(id -u)\" = 0 ] || { echo skipped; exit; }
    mkdir \"$top/other\" \"$top/other/web\" \"$top/home\" \"$top/home/app\"
    chown 12345:12345 \"$top/home/app\"; ln -s \"$top/other\" \"$top/home/app/to\"
    ln -s home \"$top/alias\"; bad=0\n";

#[test]
fn nothing_is_done_where_a_user_has_put_a_link() {
    for shell in shells() {
        let said = run(
            &shell,
            &format!("{PRELUDE}{UNDO}"),
            &format!(
                "{HOSTILE}
                : >\"$t/made\"; : >\"$t/seed-1\"
                set_dir 12345:12345 0700 \"$top/home/app/to/web\" 2>/dev/null; echo $?
                make_dir 0700 \"$top/home/app/to/new\"; echo $?
                put_seed \"$t/seed-1\" \"$top/home/app/to/seed\"; echo $?
                unmake_dirs \"$top/home/app/to/web\"; echo $bad
                stat -c '%u %a' \"$top/other/web\"; ls \"$top/other\""
            ),
        );
        if said != "skipped\n" {
            assert_eq!(said, "9\n9\n9\n0\n0 755\nweb\n", "{shell:?}");
        }
    }
}

#[test]
fn a_link_of_roots_leads_where_it_should() {
    for shell in shells() {
        let said = run(
            &shell,
            &format!("{PRELUDE}{UNDO}"),
            &format!(
                "{HOSTILE}
                : >\"$t/made\"
                make_dir 0700 \"$top/alias/app/new\"; set_dir 12345:12345 0710 \"$top/alias/app/new\"
                stat -c '%u %a' \"$top/home/app/new\"
                unmake_dirs \"$top/alias/app/new\"; ls \"$top/home/app\"; echo $bad"
            ),
        );
        if said != "skipped\n" {
            assert_eq!(said, "12345 710\nto\n0\n", "{shell:?}");
        }
    }
}

#[test]
fn what_is_removed_twice_under_one_number_is_kept_twice() {
    let said = run(
        &["sh"],
        &format!("{PRELUDE}{UNDO}"),
        "mkdir \"$top/a\"; echo first >\"$top/a/f\"; trash \"$top/a\" 7\n\
         mkdir \"$top/a\"; echo second >\"$top/a/f\"; trash \"$top/a\" 7\n\
         cd \"$top/.fleet-trash/7\"; cat a/f a.~1~/f; stat -c %a . ..\n\
         bad=0; back \"$top/a\" 7; back \"$top/a\" 7; cat \"$top/a/f\"; ls; echo $bad\n\
         touch -d '31 days ago' .; mkdir ../8; retention=2592000; expire \"$top\"; ls ..",
    );
    assert_eq!(said, "second\nfirst\n700\n700\nsecond\na.~1~\n0\n8\n");
}

#[test]
fn a_link_that_leads_nowhere_comes_back_from_the_trash() {
    let said = run(
        &["sh"],
        &format!("{PRELUDE}{UNDO}"),
        "ln -s /nowhere \"$top/a\"; trash \"$top/a\" 7; bad=0; back \"$top/a\" 7; readlink \"$top/a\"",
    );
    assert_eq!(said, "/nowhere\n");
}

#[test]
fn what_is_flushed_may_lie_on_several_file_systems() {
    run(&["sh"], PRELUDE, "flush \"$t\" \"$top\" /dev/shm");
}

#[test]
fn every_answer_counts_for_its_own_request() {
    for shell in shells() {
        // In place of curl: answers by the last letter of the URL, nothing at all for `x`, and the last ones first.
        let said = run(
            &shell,
            PRELUDE,
            "curl() {
                 asked=0
                 while [ $# -gt 0 ]; do
                     status=
                     case $1 in *://*ok) status=200 ;; *://*no) status=404 ;; *://*x) status=none ;; -w) first=${2%% *} ;; esac
                     [ -z \"$status\" ] || { echo \"$first $asked $status\"; asked=$((asked + 1)); }
                     shift
                 done | grep -v none | tac
             }
             seq 700 | sed 's|.*|200 299 http://a/&ok a /&ok|' >\"$t/probes\"
             sed -i -e '33s|ok|no|g' -e '34s|ok|x|g' -e '35s|200 299|404 404|; 35s|ok|no|g' \
                 -e '256s|ok|no|g' -e '257s|ok|no|g' -e '700s|ok|x|g' \"$t/probes\"
             probe_once; cat \"$t/unwell\"
             head -n 1 \"$t/unwell\" | cut -d ' ' -f 2- >\"$t/probes\"; probe_once; cat \"$t/unwell\"
             : >\"$t/probes\"; probe_once; cat \"$t/unwell\"",
        );
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| *line != "@step probing")
            .collect();
        assert_eq!(
            lines,
            [
                "404 200 299 http://a/33no a /33no",
                "000 200 299 http://a/34x a /34x",
                "404 200 299 http://a/256no a /256no",
                "404 200 299 http://a/257no a /257no",
                "000 200 299 http://a/700x a /700x",
                "404 200 299 http://a/33no a /33no",
            ],
            "{shell:?}"
        );
    }
}

#[test]
fn a_round_of_requests_that_cannot_be_written_down_is_a_failure() {
    let said = run(
        &["sh"],
        PRELUDE,
        "curl() { rm \"$t/unwell\"; mkdir \"$t/unwell\"; echo 0 0 200; }
         echo '200 299 http://a/ a /' >\"$t/probes\"
         one() { probe_once; echo 'went on'; }; failed=; phase one",
    );
    assert!(said.starts_with("@failed one\n"), "{said}");
}

#[test]
fn the_keys_of_each_zone_are_kept_also_when_one_task_removes_them_one_by_one() {
    if Command::new("sqlite3").arg("--version").output().is_err() {
        return;
    }
    // As much of the tables of PowerDNS as is asked for, with a zone that is not signed.
    let made = "made() {
        { echo 'create table domains (id integer primary key, name text collate nocase);
            create table cryptokeys (domain_id int, flags int, active int, published int, content text);'
          for zone in \"$@\"; do
            echo \"insert into domains (name) values ('$zone');
              insert into cryptokeys select max(id), 257, 1, 1, 'key of $zone' from domains;\"
          done; echo \"insert into domains (name) values ('plain');\"; } | sqlite3 \"$t/zones\"
    }";
    let said = run(
        &["sh"],
        &format!("{PRELUDE}{ZONES}"),
        &format!(
            "{made}
            made a.example B.example; zones_trash 7; rm \"$t/zones\"; made 0/25.example; zones_trash 7
            rm \"$t/zones\"; made; zones_trash 7; cd \"$state/trash/7\"; stat -c '%a %n' *
            zones=$top/live; echo 'create table domains (id integer primary key, name text collate nocase);
                create table cryptokeys (domain_id int, flags int, active int, published int, content text);
                insert into domains (name) values (\"x\"), (\"a.example\"), (\"b.example\"), (\"0/25.example\");' | sqlite3 \"$zones\"
            for zone in a.example b.example 0/25.example; do zones_keys 7 $zone; done
            sqlite3 \"$zones\" 'select domain_id, content from cryptokeys'"
        ),
    );
    assert_eq!(
        said,
        "600 dnssec-0%2F25.example\n600 dnssec-a.example\n600 dnssec-b.example\n\
         2|key of a.example\n3|key of B.example\n4|key of 0/25.example\n"
    );
}

#[test]
fn what_somebody_put_into_what_a_dead_transaction_had_made_goes_to_the_trash() {
    // Two homes and what lies in them, of which one has got content since; the third directory is shared.
    let made = "mkdir -p \"$top/www/a/public\" \"$top/www/b\" \"$top/shared\"; : >\"$t/made\"; : >\"$t/ready\"
        echo mine >\"$top/www/a/public/mine\"; echo theirs >\"$top/shared/file\"
        cat >\"$t/undo.sh\" <<'END'
t=$1 bad=0 state=${1%/tx/*} top=${1%/state/*}
";
    let undo = "
trash_late \"$top/www/b\" \"$top/www/a\"
unmake_dirs \"$top/www/b\" \"$top/www/a/public\" \"$top/www/a\" \"$top/www\" \"$top/shared\"
exit $bad
END
";
    for shell in shells() {
        let late = run(
            &shell,
            PRELUDE,
            &format!(
                "{made}{PATHS}{UNDO}{undo}recover; ls \"$state/tx\"
                cat \"$top/www/.fleet-trash/1/a/public/mine\" \"$top/shared/file\" \"$state/trash/places\" | sed \"s|$top||\"
                ls -A \"$top/www\""
            ),
        );
        let expected = "@recovering 1-0\nmine\ntheirs\n/www\n.fleet-trash\n";
        assert_eq!(late, expected, "{shell:?}");
        // At once it is all the transaction's own.
        let at_once = run(
            &shell,
            PRELUDE,
            &format!("{made}{PATHS}{UNDO}{undo}undo; ls -A \"$top\""),
        );
        assert_eq!(at_once, "@step undoing\n@undone\nstate\n", "{shell:?}");
    }
}

#[test]
fn security_updates_are_known_when_all_lists_were_read() {
    const BODY: &str = "mkdir $at/lists
            printf 'Package: git\\nStatus: install ok installed\\nVersion: 1\\n' >$at/status
            helper() { printf '#!/bin/sh\\n%s\\n' \"$1\" >$at/helper; chmod +x $at/helper; }
            echo never; c_updates
            printf 'Package: git\\nVersion: 2\\n' >$at/lists/deb.debian.org_dists_bookworm-security_main_binary-amd64_Packages
            helper 'shift; cat \"$@\"'; echo whole; c_updates
            helper 'shift; cat \"$@\"; exit 1'; echo failed; c_updates
            helper 'exec sleep 60'; timeout() { shift; command timeout 0.2 \"$@\"; }; echo late; c_updates";
    for shell in shells() {
        let top = tempfile::tempdir().expect("a directory");
        let at = top.path().to_str().expect("a path");
        let functions = CHECKS
            .replace("/var/lib/apt/lists", &format!("{at}/lists"))
            .replace("/var/lib/dpkg/status", &format!("{at}/status"))
            .replace("/usr/lib/apt/apt-helper", &format!("{at}/helper"));
        let body = format!("at={at}\n{BODY}");
        let said = run(&shell, &functions, &body);
        let said: Vec<&str> = said
            .lines()
            .filter(|line| !line.starts_with("check lists "))
            .collect();
        let expected = [
            "never",
            "check updates nolists",
            "whole",
            "check update git 1 2",
            "check updates read",
            "failed",
            "check update git 1 2",
            "late",
        ];
        assert_eq!(said, expected, "{shell:?}");
    }
}

#[test]
fn the_builder_of_the_package_names_what_it_misses() {
    let tools = tempfile::tempdir().expect("a directory");
    let deb = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/deb");
    let said = || {
        let output = Command::new("/bin/bash")
            .args([deb, "--binary", "/bin/true", "/nowhere"])
            .env_clear()
            .env("PATH", tools.path())
            .stdin(Stdio::null())
            .output()
            .expect("bash");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let add = |tool: &str, of: &str| {
        std::os::unix::fs::symlink(of, tools.path().join(tool)).expect("a link");
    };
    for tool in ["dirname", "readlink"] {
        add(tool, &format!("/usr/bin/{tool}"));
    }
    for tool in ["cargo", "jq", "dpkg", "dpkg-deb", "dpkg-shlibdeps", "strip"] {
        let said = said();
        assert!(
            said.starts_with(&format!("error: `{tool}` is missing: ")),
            "{said}"
        );
        assert!(said.contains("dpkg-dev"), "{said}");
        add(tool, "/bin/true");
    }
}

#[test]
fn the_site_that_nginx_cannot_use_is_named() {
    let cases = [
        (
            "nginx: [warn] conflicting server name in /etc/nginx/conf.d/fleet-other.example.conf:1\n\
             nginx: [emerg] host not found in upstream \"a.invalid\" in /etc/nginx/fleet/shop.example/snippet.conf:1\n\
             nginx: configuration file /etc/nginx/nginx.conf test failed",
            "shop.example",
        ),
        (
            "nginx: [emerg] unknown directive \"x\" in /etc/nginx/conf.d/fleet-shop.example.conf:12",
            "shop.example",
        ),
        (
            "nginx: [emerg] unexpected end of file in /etc/nginx/conf.d/theirs.conf:2",
            "",
        ),
        ("[pool x] pm is missing", ""),
        ("", ""),
    ];
    for shell in shells() {
        for (log, site) in &cases {
            let body = format!("site_in /etc/nginx '{log}'");
            assert_eq!(run(&shell, PRELUDE, &body).trim_end(), *site, "{shell:?}");
        }
    }
}

#[test]
fn the_last_lines_since_a_time_are_the_last_of_them() {
    let journalctl = "journalctl() { case \" $* \" in *' -r -n 2 '*) printf 'c\\nb\\n' ;; *' --show-cursor '*) ;; *) printf 'a\\nb\\n' ;; esac; }\n";
    for shell in shells() {
        for (since, expected) in [("5", "b\nc\n"), ("", "a\nb\n")] {
            let body =
                format!("{journalctl}count=2 since={since} pattern=''\njournal_past -u pdns");
            assert_eq!(run(&shell, JOURNAL, &body), expected, "{shell:?} {since}");
        }
    }
}

#[test]
fn a_file_of_the_journal_that_is_broken_keeps_nobody_from_looking_for_something() {
    for (complaint, expected) in [
        (
            "Journal file /x/y.journal~ is truncated, ignoring file.",
            "a\n0\n",
        ),
        ("Bad pattern \\\"x[\\\": missing", "2\n"),
    ] {
        let journalctl = format!(
            "journalctl() {{ case \" $* \" in *' -n 0 '*) echo \"{complaint}\" >&2 ;; *' json '*) echo a ;; esac; }}\n"
        );
        for shell in shells() {
            let body = format!(
                "{journalctl}count='' since='' pattern=x\njournal_past -u pdns 2>/dev/null; echo $?"
            );
            assert_eq!(
                run(&shell, JOURNAL, &body),
                expected,
                "{shell:?} {complaint}"
            );
        }
    }
}

#[test]
fn many_last_lines_since_a_time_take_no_longer_each_than_few() {
    let journalctl =
        "journalctl() { case \" $* \" in *' -r '*) seq -f %0800g 30000 -1 1 ;; esac; }\n";
    let body = format!("{journalctl}count=30000 since=5 pattern=''\njournal_past -u pdns");
    let started = Instant::now();
    let said = run(&["sh"], JOURNAL, &body);
    let took = started.elapsed();
    assert!(
        said.lines()
            .map(|line| line.trim_start_matches('0'))
            .eq((1..=30000).map(|n: i32| n.to_string()))
    );
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn two_copies_of_the_same_file_do_not_mix() {
    // While the first one is at its end, the second one begins the part anew.
    let body = "sum=$(printf 'all of it' | sha256sum)\nsum=${sum%% *}\n\
                part() { within \"$top\" in_stage \"$@\"; }\n\
                printf 'all of it' | part put it 0 9\n\
                sync() { printf all >it; }\n\
                part finish it \"$sum\" 0644 '' new && cat \"$top/new\"\n";
    for shell in shells() {
        let said = run(&shell, COPY, body);
        assert_eq!(said, "all of it", "{shell:?}");
    }
}

#[test]
fn what_has_no_room_does_not_keep_the_disk_full() {
    let body = "part() { within \"$top\" in_stage \"$@\"; }\n\
                printf text | part put it 0 4\n\
                cat() { command cat; return 1; }\n\
                printf more | part put it 4 4 || echo refused\n\
                ls -A \"$top\"\n";
    for shell in shells() {
        let said = run(&shell, COPY, body);
        assert_eq!(said, "refused\nstate\n", "{shell:?}");
    }
}

#[test]
fn what_cannot_be_put_under_its_name_need_not_be_sent_again() {
    let body = "sum=$(printf text | sha256sum)\nsum=${sum%% *}\n\
                part() { within \"$top\" in_stage \"$@\"; }\n\
                printf text | part put it 0 4\n\
                part finish it \"$sum\" 0644 nobody-of-that-name new 2>/dev/null || echo refused\n\
                within \"$top\" look 0 new 4 \"$sum\" 0644 '' it\n\
                part finish it \"$sum\" 0644 '' new && cat \"$top/new\" && ls -A \"$top/.fleet-copy\" 2>&1 | grep -c it\n";
    for shell in shells() {
        let said = run(&shell, COPY, body);
        assert_eq!(said, "refused\n@part 0 4\ntext0\n", "{shell:?}");
    }
}

#[test]
fn what_is_rotated_away_while_it_is_read_is_read_all_the_same() {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let (merge, part) = (quoted(MERGE), quoted(PART));
    // Between the look at the log and the reading of it: a rotation, or a link of whoever owns the directory.
    for (meanwhile, expected) in [
        (
            "mv \"$top/a\" \"$top/a.1\"; echo newer >\"$top/a\"",
            "one two",
        ),
        (
            "mv \"$top/a\" \"$top/x\"; ln -s \"$top/secret\" \"$top/a\"",
            "",
        ),
    ] {
        for count in ["", "9"] {
            let body = format!(
                "merge={merge} part={part} since='' count={count} pattern='' how=-P follow=''\n\
                 printf 'one\\ntwo\\n' >\"$top/a\"; printf '12345678' >\"$top/secret\"\n\
                 awk() {{ {meanwhile}; command awk \"$@\"; }}\n\
                 {{ log a \"$top/a\"; read_logs; }} | sed -n 's/^:[^ ]* 1 //p'"
            );
            for shell in shells() {
                let said = run(&shell, READ, &body);
                let lines: Vec<&str> = said.lines().collect();
                assert_eq!(lines.join(" "), expected, "{shell:?} {count}");
            }
        }
    }
}

#[test]
fn a_unit_is_absent_that_systemd_does_not_know_and_nothing_is_left_of() {
    for shell in shells() {
        for (state, left, units, expected) in [
            ("not-found", "", "ngnix", "@absent ngnix\n"),
            ("not-found", "line", "gone", ""),
            ("loaded", "", "quiet", ""),
            ("not-found", "", "ssh 'ssh@*'", ""),
        ] {
            let body = format!(
                "systemctl() {{ echo {state}; }}\njournalctl() {{ echo {left}; }}\nabsent {units}"
            );
            assert_eq!(run(&shell, JOURNAL, &body), expected, "{shell:?} {units}");
        }
    }
}

#[test]
fn what_time_changes_is_not_in_the_listing_of_edited_rules() {
    let listed = |left: &str, watched: &str| {
        format!(
            "table inet fleet {{\n\tset banned {{\n\t\tflags interval,timeout\n\t\telements = {{ 198.51.100.7 timeout {left} expires {left} }}\n\t}}\n\n\tset rate-ssh {{\n\t\tflags dynamic,timeout\n\t\ttimeout 1m\n{watched}\t}}\n}}"
        )
    };
    for shell in shells() {
        let listing = |text: &str| run(&shell, RULESET, &format!("listing in_force '{text}'"));
        let one = listing(&listed("6d23h44m58s", ""));
        let watched = "\t\telements = { 192.0.2.1 limit rate 6/minute timeout 1m expires 3s,\n\t\t\t     192.0.2.2 limit rate 6/minute timeout 1m expires 9s }\n";
        assert_eq!(one, listing(&listed("6d23h58m49s", watched)), "{shell:?}");
        assert!(
            one.contains("in_force \t\telements = { 198.51.100.7 timed }\n"),
            "{one}"
        );
        assert!(one.contains("in_force \t\ttimeout 1m\n"), "{one}");
    }
}

#[test]
fn an_import_that_fails_before_all_has_come_ends_and_tells_how() {
    for shell in shells() {
        for engine in ["mariadb", "postgres"] {
            let said = run(
                &shell,
                TRANSFER,
                &format!(
                    "trap '' PIPE\nmariadb_room() {{ :; }}\nmariadb_tidy() {{ :; }}\nchown() {{ :; }}\nmktemp() {{ mkdir \"$top/work\" && echo \"$top/work\"; }}\n\
                     runuser() {{ read -r line; return 1; }}\ntransfer_undo() {{ : >\"$top/undone\"; }}\n\
                     transfer_begin {engine} shop none 'a:b:c:user:word'\ntries=0\n\
                     while [ ! -e \"$top/undone\" ] && [ \"$tries\" -lt 600 ]; do\n\
                     echo 'CREATE TABLE a (b int);' >&8 || :\nsleep 0.05\ntries=$((tries + 1))\ndone 2>/dev/null\n\
                     [ -e \"$top/undone\" ] || echo 'it goes on'\nsleep 0.7\n\
                     transfer_end 2>&1\nls \"$top\""
                ),
            );
            assert_eq!(
                said, "@result undone\nstate\nundone\n",
                "{shell:?} {engine}"
            );
        }
    }
}

#[test]
fn a_dump_comes_back_whatever_the_length_of_its_rows() {
    for shell in shells() {
        for ending in ["0", "1"] {
            let said = run(
                &shell,
                MARIADB,
                &format!(
                    "mariadb() {{ while read -r line; do case $line in SELECT*) echo 77 ;; esac; echo \"$line\" >>\"$top/sql\"; done\n\
                     case $* in *-packet=1G) return {ending} ;; esac; }}\n\
                     echo dump | gzip >\"$top/gz\"\nmariadb_pour \"$top/gz\" || echo failed\ncat \"$top/sql\""
                ),
            );
            let failed = if ending == "0" { "" } else { "failed\n" };
            let around = "SELECT @@GLOBAL.max_allowed_packet;\nSET GLOBAL max_allowed_packet = 1073741824;\n\
                          dump\nSET GLOBAL max_allowed_packet = 77;\n";
            assert_eq!(said, format!("{failed}{around}"), "{shell:?}");
        }
    }
}

#[test]
fn a_dump_has_what_tables_keep_of_before() {
    for shell in shells() {
        for (kept, says, history, notice) in [
            ("time", "--dump-history", true, false),
            ("time", "", false, false),
            ("transaction", "--dump-history", false, true),
            ("", "--dump-history", false, false),
        ] {
            let said = run(
                &shell,
                MARIADB,
                &format!(
                    "mkdir \"$top/bin\"; PATH=$top/bin:$PATH\n\
                     printf '#!/bin/sh\ncase $* in --help) echo \"{says}\" ;; *) echo \"$@\" ;; esac\n' >\"$top/bin/mariadb-dump\"\n\
                     chmod +x \"$top/bin/mariadb-dump\"\n\
                     mariadb() {{ case $(cat) in *'SYSTEM VERSIONED'*) echo {kept} ;; esac; }}\n\
                     set -e\nmariadb_notice shop\nmariadb_dump shop --databases"
                ),
            );
            let dumped = said.lines().last().expect("a dump");
            assert_eq!(
                dumped.contains("--dump-history"),
                history,
                "{shell:?}: {said}"
            );
            assert!(dumped.ends_with("--databases shop"), "{shell:?}: {said}");
            assert_eq!(said.contains("@notice"), notice, "{shell:?}: {said}");
        }
    }
}
