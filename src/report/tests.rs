//! Tests of the page as text; a browser shows it in `tests/report`.

use super::*;
use crate::picture::{Answers, Expiries};

fn empty() -> (Picture, History) {
    let picture = Picture {
        at: Timestamp::UNIX_EPOCH,
        servers: Vec::new(),
        kinds: Vec::new(),
        tasks: Vec::new(),
        checks: Vec::new(),
        answers: Answers::default(),
        expiries: Expiries::default(),
        strays: Vec::new(),
    };
    (picture, History::default())
}

fn page_of(tasks: &[TaskLine]) -> String {
    let (picture, history) = empty();
    page(&Report {
        picture: &picture,
        facts: &BTreeMap::new(),
        history: &history,
        answers: &AnswerParts::default(),
        uptimes: &BTreeMap::new(),
        events: &[],
        tasks,
        version: "0.0.0",
    })
}

#[test]
fn the_policy_allows_this_style_and_nothing_else() {
    let page = page_of(&[]);
    let (_, rest) = page.split_once("<style>").expect("a style");
    let (style, _) = rest.split_once("</style>").expect("its end");
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    assert!(page.contains(&policy));
    // Before anything that could load something.
    assert!(page.find("Content-Security-Policy") < page.find("<style>"));
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn what_was_typed_is_text() {
    let task = TaskLine {
        id: 1,
        started_at: Timestamp::UNIX_EPOCH,
        took: None,
        result: "done",
        is_well: Some(true),
        operator: "<b>root</b>".to_owned(),
        line: format!("run -- '</code><script>' {}", "ä".repeat(400)),
    };
    let page = page_of(&[task]);
    assert!(page.contains("&lt;b&gt;root&lt;/b&gt;"));
    assert!(page.contains("&lt;/code&gt;&lt;script&gt;&#39;"));
    assert!(page.contains("ää …</code>"));
    assert!(!page.contains("<script"));
}

#[test]
fn it_repeats() {
    assert_eq!(page_of(&[]), page_of(&[]));
}
