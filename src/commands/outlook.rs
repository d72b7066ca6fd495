//! What settings amount to, in the time of the server: for add-, set- and show-.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::{Kind, Summary};
use crate::model::Resource;
use crate::model::health::ServerFacts;
use crate::plan::follow::staying;
use crate::ui::{Page, Tone};

/// What the settings of a resource amount to on its first server, at the time there.
pub(super) fn of(context: &Context, kind: &Kind, resource: &Resource) -> anyhow::Result<Summary> {
    let Some(first) = staying(&resource.placements).next() else {
        return Ok(Summary::new());
    };
    let name = &first.server;
    let facts = match context.state_to_read()? {
        Some(state) => state.read(|read| read.facts(&BTreeSet::from([name.clone()])))?,
        None => return Ok(Summary::new()),
    };
    let zone = facts.get(name).and_then(ServerFacts::zone);
    // Where the server was never reached, its zone is not known.
    let now = context
        .now()
        .to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC));
    let outlook = (kind.outlook)(&resource.spec, &now);
    Ok(outlook.map_err(|invalid| Diagnostic::failed(invalid.to_string()))?)
}

/// Prints it.
pub(super) fn print(page: &mut Page, outlook: &Summary) {
    page.fields(
        outlook
            .iter()
            .map(|(heading, text)| (*heading, text.to_string(), Tone::Plain)),
    );
}

/// As JSON.
pub(super) fn json(outlook: &Summary) -> serde_json::Value {
    let entry = |(heading, text): &(&'static str, std::borrow::Cow<'static, str>)| {
        (
            (*heading).to_owned(),
            serde_json::Value::from(text.as_ref()),
        )
    };
    serde_json::Value::Object(outlook.iter().map(entry).collect())
}
