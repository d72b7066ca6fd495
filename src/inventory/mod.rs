//! The inventory: the servers as the admin lists them in a TOML file, read with every problem reported at once.
//!
//! `[defaults]` holds any key of a server but `address`, `[servers.NAME]` one server each, `[settings]` what holds for
//! every run, `[health]` how servers are judged, `[weights]` units of capacity per kind, `[notifications.NAME]` who is told
//! of changes. `inventory.example.toml` explains every key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, ticked};
use crate::kind::{KINDS, Kind};
use crate::model::notification::Channel;
use crate::model::selector::unknown_server;
use crate::model::{Server, ServerName};

pub mod edit;
mod health;
mod layout;
mod notifications;
mod read;
mod relations;
mod replace;
mod server;
mod settings;
mod source;
pub mod value;
mod written;

pub use health::HealthSettings;
pub use replace::create;
pub use server::SERVER_KEYS;
pub use settings::InventorySettings;
pub use written::Value;

use read::{Places, Reader};
use relations::Draft;
use server::Entries;
use source::Source;

/// A read inventory: all of it is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    /// The file.
    pub path: PathBuf,
    /// The servers, with the defaults filled in.
    pub servers: BTreeMap<ServerName, Server>,
    /// `[settings]`.
    pub settings: InventorySettings,
    /// `[health]`.
    pub health: HealthSettings,
    /// `[weights]`: units of capacity of a resource, per kind.
    pub weights: BTreeMap<String, u32>,
    /// `[notifications.NAME]`: channels over which changes of status are told, by their names.
    pub channels: BTreeMap<String, Channel>,
}

const SECTIONS: [&str; 6] = [
    "defaults",
    "settings",
    "health",
    "weights",
    "notifications",
    "servers",
];

const SECTION_ALIASES: [(&str, &str); 8] = [
    ("server", "servers"),
    ("hosts", "servers"),
    ("nodes", "servers"),
    ("default", "defaults"),
    ("config", "settings"),
    ("notification", "notifications"),
    ("notify", "notifications"),
    ("alerts", "notifications"),
];

impl Inventory {
    /// Reads the inventory at `path`; `home` is what `~/` in it stands for.
    ///
    /// # Errors
    /// A file that cannot be read, and every problem in it, of class usage.
    pub fn load(path: &Path, home: Option<&Path>) -> Result<Self, Diagnostics> {
        let text = read_text(path).map_err(|error| Diagnostics(vec![error]))?;
        Self::parse(path, &text, home)
    }

    /// Reads the inventory `text`, which is the content of `path`.
    ///
    /// # Errors
    /// Every problem in it, of class usage; when it is not TOML, the syntax errors alone.
    pub fn parse(path: &Path, text: &str, home: Option<&Path>) -> Result<Self, Diagnostics> {
        let mut source = Source::new(path, text);
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            syntax_errors(&mut source, text.len(), &errors);
            source.finish()?;
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let places = Places { base, home };
        let inventory = read(path, &mut source, places, document.get_ref());
        source.finish()?;
        Ok(inventory)
    }

    /// The server called `name`.
    ///
    /// # Errors
    /// When there is none, with the nearest name.
    pub fn server(&self, name: &str) -> Result<&Server, Diagnostic> {
        let found = self.servers.values().find(|s| s.name.as_str() == name);
        found.ok_or_else(|| unknown_server(name, &self.servers))
    }

    /// The units of capacity that a resource of a kind takes unless somebody says otherwise.
    pub fn weight(&self, kind: &Kind) -> u32 {
        self.weights.get(kind.word).copied().unwrap_or(kind.weight)
    }
}

/// The text of the file at `path`.
pub(crate) fn read_text(path: &Path) -> Result<String, Diagnostic> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        let diagnostic = Diagnostic::usage(format!("cannot read the inventory `{shown}`: {error}"));
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                diagnostic.hint("`fleet init` writes one to start with")
            }
            _ => diagnostic,
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = String::from_utf8_lossy(valid).matches('\n').count() + 1;
        Diagnostic::usage(format!("{shown}:{line}: the inventory is not UTF-8 text"))
    })
}

fn syntax_errors(source: &mut Source<'_>, end: usize, errors: &[toml::de::Error]) {
    let mut errors: Vec<_> = errors
        .iter()
        .map(|error| (error.span().unwrap_or(end..end), error.message()))
        .collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut last_line = 0;
    for (span, message) in errors {
        // What follows on the same line is most often a consequence of the first.
        let line = source.line_of(span.start);
        if line == last_line {
            continue;
        }
        last_line = line;
        let text = source.at(&span);
        let message = match message {
            "duplicate key" => format!("{} is there twice", ticked(text)),
            other => other.to_owned(),
        };
        source.problem(&span, &message, None);
    }
}

fn read<'a>(
    path: &Path,
    source: &mut Source<'a>,
    places: Places<'a>,
    document: &DeTable<'_>,
) -> Inventory {
    let mut defaults = Entries::default();
    let mut settings = InventorySettings::default();
    let mut health = HealthSettings::default();
    let mut weights = BTreeMap::new();
    let mut channels = BTreeMap::new();
    let mut servers = None;
    let mut reader = Reader {
        source,
        places,
        section: "the inventory".to_owned(),
    };
    for (key, value) in document {
        let name = key.get_ref().as_ref();
        let entry = (name, value);
        if !SECTIONS.contains(&name) {
            reader.unknown_key(key, &SECTIONS, &SECTION_ALIASES);
        } else if name == "servers" && is_array_of_tables(value.get_ref()) {
            let message = "`servers` is written as a list";
            let hint = "write each server as `[servers.NAME]`".to_owned();
            reader.problem(&value.span(), message, Some(hint));
        } else if let Some(table) = reader.table(entry) {
            let mut reader = Reader {
                source: &mut *reader.source,
                places,
                section: name.to_owned(),
            };
            match name {
                "defaults" => defaults = server::read(&mut reader, table, true),
                "settings" => settings = settings::read(&mut reader, table),
                "health" => health = health::read(&mut reader, table),
                "weights" => weights = read_weights(&mut reader, table),
                "notifications" => channels = notifications::read(&mut reader, table),
                _ => servers = Some(table),
            }
        }
    }
    let mut drafts = BTreeMap::new();
    for (key, value) in servers.into_iter().flatten() {
        if let Some(draft) = read_server(&mut reader, &defaults, key, value) {
            drafts.insert(draft.server.name.clone(), draft);
        }
    }
    relations::jumps(source, &mut drafts, &defaults);
    relations::duplicates(source, &drafts);
    let servers = drafts
        .into_iter()
        .map(|(name, draft)| (name, draft.server))
        .collect();
    health::check(source, &health, &servers);
    notifications::check(source, &channels, &servers);
    let channels = channels
        .into_iter()
        .map(|(name, draft)| (name, draft.channel));
    Inventory {
        path: path.to_owned(),
        servers,
        settings,
        health,
        weights,
        channels: channels.collect(),
    }
}

fn is_array_of_tables(value: &DeValue<'_>) -> bool {
    let array = value.as_array();
    array.is_some_and(|array| array.iter().all(|element| element.get_ref().is_table()))
}

/// Reads one server; `None` when not even its name can be used.
fn read_server(
    reader: &mut Reader<'_, '_>,
    defaults: &Entries,
    key: &toml::Spanned<std::borrow::Cow<'_, str>>,
    at: &toml::Spanned<DeValue<'_>>,
) -> Option<Draft> {
    let text = key.get_ref().as_ref();
    "servers".clone_into(&mut reader.section);
    let table = reader.table((text, at));
    let name = match value::server_name(text) {
        Ok(name) => Some(name),
        Err(refused) => {
            let message = format!("{} {}", ticked(text), refused.message);
            reader.problem(&key.span(), &message, refused.hint);
            None
        }
    };
    let table = table?;
    reader.section = format!("servers.{}", text.escape_debug());
    let entries = server::read(reader, table, false);
    let has_address = entries.address.is_some() || entries.refused.contains("address");
    if !has_address && !entries.is_local(defaults) {
        let message = format!("`{}` has no `address`", reader.section);
        let hint = "write `address = \"HOST\"`, or `transport = \"local\"` for this machine";
        reader.problem(&key.span(), &message, Some(hint.to_owned()));
    }
    Some(Draft {
        server: entries.to_server(name?, defaults),
        entries,
        span: key.span(),
    })
}

fn read_weights(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> BTreeMap<String, u32> {
    let kinds: Vec<&'static str> = KINDS.iter().map(|kind| kind.word).collect();
    let plurals: Vec<_> = KINDS.iter().map(|kind| (kind.plural, kind.word)).collect();
    let mut weights = BTreeMap::new();
    for (key, value) in table {
        let kind = key.get_ref().as_ref();
        if !kinds.contains(&kind) {
            reader.unknown_key(key, &kinds, &plurals);
        } else if let Some(units) = reader.integer((kind, value), 0, value::CAPACITY_LIMIT.into()) {
            weights.extend(u32::try_from(units).map(|units| (kind.to_owned(), units)));
        }
    }
    weights
}

#[cfg(test)]
mod tests;
