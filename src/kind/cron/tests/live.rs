//! What servers say of their jobs.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::kind::cron::Cron;
use crate::kind::cron::history;
use crate::shell::Script;

const NOW: i64 = 1_795_175_700; // 2026-11-20 11:55:00 UTC

/// What is heard of the job `job`, heading by heading.
fn heard(lines: &[&str]) -> Vec<String> {
    let now = Timestamp::from_second(NOW).unwrap();
    let said = format!("@now {NOW}");
    let mut all = vec![said.as_str(), "@zone CET-1CEST,M3.5.0,M10.5.0/3"];
    all.extend(lines);
    let summary = history::heard(&all, now)
        .remove("job")
        .expect("it was heard of");
    let headings: Vec<&str> = summary.iter().map(|(heading, _)| *heading).collect();
    assert_eq!(
        headings,
        ["last run", "took", "result", "next run", "missed"]
    );
    summary
        .into_iter()
        .map(|(_, value)| value.into_owned())
        .collect()
}

const HEADER: &str = "==> /var/lib/fleet/cron/job/history <==";

fn since(seconds_ago: i64) -> String {
    format!("@since {} /etc/cron.d/fleet-job", NOW - seconds_ago)
}

/// A line of a history for a run that began so many seconds ago.
fn start(ago: i64) -> String {
    format!("start {}000-77 cron", NOW - ago)
}

fn end(ago: i64, took: i64, rest: &str) -> String {
    format!("end {}000-77 {}000 {rest}", NOW - ago, NOW - ago + took)
}

#[test]
fn a_new_job_has_not_run_and_missed_nothing() {
    assert_eq!(
        heard(&["@job job 0 */5 * * * *", &since(10)]),
        ["never", "", "", "Fri 2026-11-20 13:00 CET", ""]
    );
}

#[test]
fn the_last_run_is_told() {
    let job = "@job job 0 0 * * * *";
    let told =
        |start: &str, end: &str| heard(&[job, &since(100_000), HEADER, start, end])[..3].to_vec();
    assert_eq!(
        told(&start(3300), &end(3300, 12, "0 ok 1")),
        ["Fri 2026-11-20 12:00 CET", "12 s", "0"]
    );
    assert_eq!(
        told(&start(3300), &end(3300, 200, "3 failed 2"))[1..],
        ["3 min 20 s", "3 (failed)"]
    );
    assert_eq!(
        told(&start(3300), &end(3300, 7500, "137 timeout 1"))[1..],
        ["2 h 5 min", "137 (timeout)"]
    );
    // Without an end it runs, if its process does; else it was broken off.
    assert_eq!(told(&start(3300), "")[1..], ["", "broken off"]);
    assert_eq!(told(&start(3300), "@running job.77")[1..], ["", "running"]);
    assert_eq!(told(&start(3300), "@running job.78")[2], "broken off");
    assert_eq!(told(&start(3300), "@running other.77")[2], "broken off");
}

#[test]
fn a_skipped_run_is_neither_the_last_nor_missed() {
    let skip = format!("skip {}000-80 cron running", NOW - 300);
    let (start, since) = (start(600), since(630));
    let lines = [
        "@job job 0 */5 * * * *",
        &since,
        "@running job.77",
        HEADER,
        &start,
        &skip,
    ];
    assert_eq!(
        heard(&lines),
        [
            "Fri 2026-11-20 12:45 CET",
            "",
            "running",
            "Fri 2026-11-20 13:00 CET",
            ""
        ]
    );
}

#[test]
fn a_run_that_takes_long_is_told_however_many_were_left_out_meanwhile() {
    // Of a history no more than its last lines are asked for.
    let job = "@job job 0 * * * * *";
    let skips: Vec<String> = (1..41)
        .rev()
        .map(|ago| format!("skip {}000-80 cron running", NOW - ago * 60))
        .collect();
    let since = since(20_000);
    let mut lines = vec![job, &since];
    let mark = format!("@running job.77 start {}000-77 cron", NOW - 9000);
    lines.extend([mark.as_str(), HEADER]);
    lines.extend(skips.iter().map(String::as_str));
    assert_eq!(
        heard(&lines),
        [
            "Fri 2026-11-20 10:25 CET",
            "",
            "running",
            "Fri 2026-11-20 12:56 CET",
            ""
        ]
    );
    let told = history::runs("job", &lines[2..], Timestamp::from_second(NOW).unwrap());
    assert_eq!(told.len(), 41);
    let first = told.last().unwrap();
    assert_eq!((first.result.as_str(), first.by_hand), ("running", false));
    // When it has ended, what was left out before the lines that are known was not missed.
    let over = end(9000, 8990, "0 ok 1");
    let mut lines = vec![job, &since, HEADER];
    lines.extend(skips.iter().skip(1).map(String::as_str));
    lines.push(&over);
    assert_eq!(
        heard(&lines)[..3],
        ["Fri 2026-11-20 10:25 CET", "2 h 29 min", "0"]
    );
    assert_eq!(heard(&lines)[4], "");
    let first_is_the_end = [job, &since, HEADER, &over];
    assert_eq!(heard(&first_is_the_end)[4], "");
}

#[test]
fn missed_runs_are_counted_from_the_last_change_of_the_job() {
    let job = "@job job 0 */5 * * * *";
    // Cron was not running: every five minutes for twenty minutes, and the one of this moment may still come.
    assert_eq!(
        heard(&[job, &since(1530)])[4],
        "4, last Fri 2026-11-20 12:50 CET"
    );
    assert_eq!(heard(&[job, &since(400)])[4], "Fri 2026-11-20 12:50 CET");
    assert_eq!(heard(&[job, &since(299)])[4], "");
    // One of them ran.
    let (run, over) = (start(298), end(298, 1, "0 ok 1"));
    assert_eq!(heard(&[job, &since(400), HEADER, &run, &over])[4], "");
    // A gap between two runs.
    let (first, second) = (start(1199), start(298));
    assert_eq!(
        heard(&[job, &since(9000), HEADER, &first, &second])[4],
        "2, last Fri 2026-11-20 12:45 CET"
    );
    // Whoever may wait longer is missed later.
    assert_eq!(heard(&["@job job 300 */5 * * * *", &since(400)])[4], "");
    // Nobody counts for ever.
    assert!(heard(&["@job job 0 * * * * *", &since(9_000_000)])[4].starts_with("100+, last "));
}

#[test]
fn a_suspended_job_is_not_scheduled_and_misses_nothing() {
    assert_eq!(
        heard(&["@job job 0 */5 * * * *"])[3..],
        ["not scheduled", ""]
    );
    assert_eq!(
        heard(&["@job job 0 @reboot", &since(9000)])[3..],
        ["at the next boot", ""]
    );
}

#[test]
fn past_runs_are_told_the_newest_first() {
    let (first, over) = (start(600), end(600, 2, "3 failed 2"));
    let skip = format!("skip {}000-80 cron running", NOW - 200);
    let by_hand = format!("start {}000-81 now", NOW - 100);
    let kept = format!("@output {}000-77.out 17", NOW - 600);
    let lines = [
        "@zone UTC0",
        "@running job.81",
        &kept,
        "@output history 5",
        &first,
        &over,
        &skip,
        &by_hand,
        "nonsense",
    ];
    let runs = history::runs("job", &lines, Timestamp::from_second(NOW).unwrap());
    let told: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                run.at.as_str(),
                run.result.as_str(),
                run.took(),
                run.by_hand,
                run.output,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "Fri 2026-11-20 11:53 UTC",
                "running",
                String::new(),
                true,
                0
            ),
            (
                "Fri 2026-11-20 11:51 UTC",
                "left out",
                String::new(),
                false,
                0
            ),
            (
                "Fri 2026-11-20 11:45 UTC",
                "3 (failed)",
                "2.0 s".to_owned(),
                false,
                17
            ),
        ]
    );
}

#[test]
fn the_question_is_one_fragment_for_all() {
    let cron: Cron = serde_json::from_value(
        serde_json::json!({ "schedule": "@daily", "command": "true", "random_delay": "5m" }),
    )
    .unwrap();
    let specs: Vec<(String, Cron)> = (0..100)
        .map(|n| (format!("job{n}"), cron.clone()))
        .collect();
    let specs: Vec<(&str, Cron)> = specs
        .iter()
        .map(|(name, cron)| (name.as_str(), cron.clone()))
        .collect();
    let mut script = Script::new();
    history::ask(&specs, &mut script);
    assert_eq!(script.text().matches("stat -c").count(), 1);
    assert_eq!(script.text().matches("tail -v").count(), 1);
    assert!(
        script
            .text()
            .contains("printf '@job %s %s %s\\n' job7 300 @daily\n"),
        "{}",
        script.text()
    );
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(lines in prop::collection::vec(
        "\\PC{0,40}|(start|end|skip) [0-9]{1,20}-[0-9]{1,12} [a-z0-9 ]{0,30}|@(now|zone|since|job|running) [0-9A-Za-z*/, .,-]{0,40}",
        0..30,
    )) {
        let mut all = vec!["@job job 0 */7 * * * *", HEADER];
        all.extend(lines.iter().map(String::as_str));
        let summary = history::heard(&all, Timestamp::from_second(NOW).unwrap());
        prop_assert!(summary.contains_key("job"));
    }
}
