//! The picture of the fleet as one page of HTML that needs nothing else: no network, no script, no font.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::model::health::ServerFacts;
use crate::model::{AnswerParts, HealthEvent, ServerName, Uptime};
use crate::picture::{History, Picture};

mod html;
mod map;
mod past;
mod plot;
mod servers;
mod sites;
mod tables;
mod top;

use html::Html;

/// What the page shows.
#[derive(Debug)]
pub struct Report<'p> {
    /// The fleet as last seen.
    pub picture: &'p Picture,
    /// What each server said of itself when it was last reached.
    pub facts: &'p BTreeMap<ServerName, ServerFacts>,
    /// The last week.
    pub history: &'p History,
    /// How fast sites answered in the last week.
    pub answers: &'p AnswerParts,
    /// How much each server was up.
    pub uptimes: &'p BTreeMap<ServerName, Uptime>,
    /// The last changes of health, the newest first.
    pub events: &'p [HealthEvent],
    /// The last tasks, the newest first.
    pub tasks: &'p [TaskLine],
    /// The version of this program.
    pub version: &'static str,
}

/// A task as the page shows it.
#[derive(Clone, Debug)]
pub struct TaskLine {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took; `None` while it runs, or when it was killed.
    pub took: Option<Duration>,
    /// How it ended, in a word.
    pub result: &'static str,
    /// Whether that is well; `None` while it runs.
    pub is_well: Option<bool>,
    /// Who ran it.
    pub operator: String,
    /// The command as it could be typed.
    pub line: String,
}

/// How the page looks.
const STYLE: &str = include_str!("page.css");

/// The shapes of the states, used again and again: they differ in form as well as in colour.
const SHAPES: &str = r#"<svg width="0" height="0" class="shapes" aria-hidden="true" focusable="false"><defs>
<symbol id="s-online" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5"/></symbol>
<symbol id="s-degraded" viewBox="0 0 16 16"><path d="M8 1.5 15 14H1z"/></symbol>
<symbol id="s-offline" viewBox="0 0 16 16"><path d="M3.4 1.6 8 6.2l4.6-4.6 1.8 1.8L9.8 8l4.6 4.6-1.8 1.8L8 9.8l-4.6 4.6-1.8-1.8L6.2 8 1.6 3.4z"/></symbol>
<symbol id="s-error" viewBox="0 0 16 16"><path d="M8 .8 15.2 8 8 15.2.8 8z"/></symbol>
<symbol id="s-unknown" viewBox="0 0 16 16"><path d="M8 2.5a5.500 5.500 0 1 0 0 11 5.500 5.500 0 1 0 0-11zm0 2.200a3.300 3.300 0 1 1 0 6.600 3.300 3.300 0 1 1 0-6.600z"/></symbol>
<symbol id="s-inactive" viewBox="0 0 16 16"><path d="M2 6.800h12v2.400H2z"/></symbol>
</defs></svg>
"#;

/// The page. The same report gives the same bytes.
pub fn page(report: &Report<'_>) -> String {
    let mut page = Html::new();
    page.fixed("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // First of all, so that nothing before it is loaded: nothing is, but this one style.
    let text = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'\">\n",
        BASE64_STANDARD.encode(Sha256::digest(STYLE))
    );
    let mut markup = page.finish();
    markup.push_str(&text);
    let mut page = Html::new();
    page.fixed("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.fixed("<meta name=\"color-scheme\" content=\"light dark\">\n");
    page.fixed("<meta name=\"referrer\" content=\"no-referrer\">\n");
    page.fixed("<meta name=\"robots\" content=\"noindex\">\n");
    page.wrap("title", |title| {
        title.text(&top::sentence(report.picture)).fixed(" · fleet");
    });
    page.fixed("\n<style>")
        .fixed(STYLE)
        .fixed("</style>\n</head>\n<body>\n");
    page.fixed("<a class=\"skip\" href=\"#main\">To the content</a>\n")
        .fixed(SHAPES);
    top::header(&mut page, report);
    page.fixed("<main id=\"main\">\n");
    top::numbers(&mut page, report);
    top::attention(&mut page, report);
    tables::maintenance(&mut page, report);
    map::map(&mut page, report);
    map::capacity(&mut page, report);
    past::past(&mut page, report);
    tables::checks(&mut page, report);
    sites::answers(&mut page, report);
    sites::certificates(&mut page, report);
    tables::events(&mut page, report);
    tables::resources(&mut page, report);
    tables::tasks(&mut page, report);
    servers::servers(&mut page, report);
    page.fixed("</main>\n");
    top::footer(&mut page, report);
    page.fixed("</body>\n</html>\n");
    markup.push_str(&page.finish());
    markup
}

#[cfg(test)]
mod tests;
