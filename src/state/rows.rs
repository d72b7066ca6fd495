//! Columns as model types: times, JSON, names. A value that does not fit is an error that says so.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{PlacementStatus, ResourceName, ServerName};

/// Milliseconds since the Unix epoch, as times are stored.
pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// The time in a column.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|e| unfit(column, Type::Integer, e))
}

/// The time in a column that may be NULL.
pub(super) fn time_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?
        .map(|millis| {
            Timestamp::from_millisecond(millis).map_err(|e| unfit(column, Type::Integer, e))
        })
        .transpose()
}

/// The count in a column: never negative.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|e| unfit(column, Type::Integer, e))
}

/// The server name in a column.
pub(super) fn server(row: &Row<'_>, column: usize) -> rusqlite::Result<ServerName> {
    text(row, column)?
        .parse()
        .map_err(|e: String| unfit(column, Type::Text, e))
}

/// The text in a column, borrowed from SQLite.
pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    row.get_ref(column)?
        .as_str()
        .map_err(|e| unfit(column, Type::Text, e))
}

/// The text in a column that may be NULL, borrowed from SQLite.
pub(super) fn text_if_any<'r>(
    row: &'r Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column)?
        .as_str_or_null()
        .map_err(|e| unfit(column, Type::Text, e))
}

/// The JSON in a column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(text(row, column)?).map_err(|e| unfit(column, Type::Text, e))
}

/// The JSON in a column that may be NULL.
pub(super) fn json_if_any<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    text_if_any(row, column)?
        .map(|text| serde_json::from_str(text).map_err(|e| unfit(column, Type::Text, e)))
        .transpose()
}

/// The placement status in a column.
pub(super) fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<PlacementStatus> {
    match text(row, column)? {
        "pending" => Ok(PlacementStatus::Pending),
        "applied" => Ok(PlacementStatus::Applied),
        "failed" => Ok(PlacementStatus::Failed),
        "removing" => Ok(PlacementStatus::Removing),
        other => Err(unfit(
            column,
            Type::Text,
            format!("`{other}` is not a placement status"),
        )),
    }
}

/// A resource's `KIND NAME` as its kind and name.
pub(super) fn resource_name(text: &str) -> Result<ResourceName, String> {
    text.split_once(' ')
        .map(|(kind, name)| ResourceName::new(kind, name))
        .ok_or_else(|| format!("`{text}` is not a kind and a name"))
}

/// A value as the JSON that is stored. Everything that is stored so has text keys and cannot fail to serialise.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// The error for a stored value that is not what its column holds.
pub(super) fn unfit(
    column: usize,
    kind: Type,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, error.into())
}

/// `$n, $n+1, ...` for a list of `count` parameters of which the first is number `first`; nothing is in the list
/// of none (`IN ()` is not SQL).
pub(super) fn placeholders(first: usize, count: usize) -> String {
    if count == 0 {
        return "NULL".to_owned();
    }
    let names: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    names.join(", ")
}
