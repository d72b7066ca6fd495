//! Values and keys as they are written into an inventory.

use toml::de::DeValue;

/// A value of a server's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// An array of strings.
    List(Vec<String>),
}

impl Value {
    /// The value as TOML.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(list) => {
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                format!("[{}]", list.join(", "))
            }
        }
    }

    /// Whether `value` already says this.
    pub(super) fn is(&self, value: &DeValue<'_>) -> bool {
        match (self, value) {
            (Self::Text(own), DeValue::String(text)) => own == text,
            (Self::Number(own), DeValue::Integer(number)) => {
                i64::from_str_radix(number.as_str(), number.radix()) == Ok(*own)
            }
            (Self::Flag(own), DeValue::Boolean(flag)) => own == flag,
            (Self::List(own), DeValue::Array(array)) => {
                let texts = array.iter().map(|element| element.get_ref().as_str());
                texts.eq(own.iter().map(|text| Some(text.as_str())))
            }
            (Self::List(own), DeValue::String(text)) => own.len() == 1 && own[0] == *text,
            _ => false,
        }
    }
}

/// Keys and values as TOML, with the labels in one table.
pub(super) fn written_keys(keys: &[(String, Value)]) -> Vec<(String, String)> {
    let mut written = Vec::new();
    let mut labels = Vec::new();
    for (key, value) in keys {
        match key.strip_prefix("labels.") {
            Some(label) => labels.push((written_key(label), value.written())),
            None => written.push((written_key(key), value.written())),
        }
    }
    if !labels.is_empty() {
        written.push(("labels".to_owned(), inline_table(&labels)));
    }
    written
}

/// Keys and values that are TOML already, in braces.
pub(super) fn inline_table(entries: &[(String, String)]) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

/// A key, in quotes where TOML wants them.
pub(super) fn written_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let code = format!("\\u{:04X}", u32::from(c));
                quoted.push_str(&code);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
