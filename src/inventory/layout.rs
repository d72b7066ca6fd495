//! Where servers and their keys stand in the text of an inventory, and texts with one of them put in or taken out.
//!
//! A server may be written as `[servers.NAME]`, as `NAME = { ... }` or with dotted keys; each form is edited in place.
//! Everything is done on the text by the byte ranges that the parser reports, so that all other bytes stay.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::written::{Value, inline_table, written_key, written_keys};
use crate::diagnostic::{Diagnostic, ticked};

/// A parsed text.
pub(super) struct Layout<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    newline: &'static str,
}

type Entry<'d> = (
    &'d Spanned<std::borrow::Cow<'d, str>>,
    &'d Spanned<DeValue<'d>>,
);

impl<'a> Layout<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, Diagnostic> {
        let root = DeTable::parse(text).map_err(|error| {
            Diagnostic::failed(format!(
                "the inventory cannot be edited: {}",
                error.message()
            ))
        })?;
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Ok(Self {
            text,
            root,
            newline,
        })
    }

    /// The text with `[servers.NAME]` and these keys after the last server.
    pub(super) fn with_server(
        &self,
        name: &str,
        keys: &[(String, Value)],
    ) -> Result<String, Diagnostic> {
        let servers = self.root.get_ref().get("servers");
        let keys = written_keys(keys);
        if let Some(servers) = servers
            && self.is_inline(servers)
        {
            return self.with_written(name, servers, name, &inline_table(&keys));
        }
        let mut block = format!("[servers.{}]", written_key(name));
        for (key, value) in &keys {
            block.extend(["\n", key, " = ", value]);
        }
        let last = servers
            .and_then(|servers| self.headers_in(servers).into_iter().max_by_key(|h| h.start));
        let at = last.map_or(self.text.len(), |header| self.block_end(&header));
        let before = &self.text[..at];
        let mut inserted = String::new();
        if !before.is_empty() {
            if !before.ends_with('\n') {
                inserted.push('\n');
            }
            if !before.ends_with("\n\n") && !before.ends_with("\n\r\n") {
                inserted.push('\n');
            }
        }
        inserted += &block;
        inserted.push('\n');
        if self.text[at..]
            .lines()
            .next()
            .is_some_and(|line| !line.trim().is_empty())
        {
            inserted.push('\n');
        }
        Ok(self.splice(&(at..at), &inserted))
    }

    /// The text without the server, without its comment, and without the blank lines that would be left over.
    pub(super) fn without_server(&self, name: &str) -> Result<String, Diagnostic> {
        self.without_entry(self.servers()?, self.server(name)?)
    }

    /// The text with `key` of the server set.
    pub(super) fn with_key(
        &self,
        name: &str,
        key: &str,
        value: &Value,
    ) -> Result<String, Diagnostic> {
        let (_, server) = self.server(name)?;
        let table = table_of(server)?;
        if let Some(label) = key.strip_prefix("labels.") {
            if let Some((_, labels)) = table.get_key_value("labels") {
                return self.with_key_in(name, labels, label, value);
            }
            let written = inline_table(&[(written_key(label), value.written())]);
            return self.with_written(name, server, "labels", &written);
        }
        self.with_key_in(name, server, key, value)
    }

    /// The text without `key` of the server.
    pub(super) fn without_key(&self, name: &str, key: &str) -> Result<String, Diagnostic> {
        let (_, server) = self.server(name)?;
        let missing = || {
            Diagnostic::usage(format!(
                "{} of server {} is not set in its entry",
                ticked(key),
                ticked(name)
            ))
            .hint("what it shows may come from `[defaults]`")
        };
        let (holder, key) = match key.strip_prefix("labels.") {
            Some(label) => {
                let labels = table_of(server)?.get("labels").ok_or_else(missing)?;
                (labels, label)
            }
            None => (server, key),
        };
        let entry = table_of(holder)?.get_key_value(key).ok_or_else(missing)?;
        self.without_entry(holder, entry)
    }

    fn with_key_in(
        &self,
        name: &str,
        holder: &Spanned<DeValue<'_>>,
        key: &str,
        value: &Value,
    ) -> Result<String, Diagnostic> {
        if let Some(old) = table_of(holder)?.get(key) {
            if value.is(old.get_ref()) {
                return Ok(self.text.to_owned());
            }
            return Ok(self.splice(&old.span(), &value.written()));
        }
        self.with_written(name, holder, key, &value.written())
    }

    /// The text with a new key in the table `holder`.
    fn with_written(
        &self,
        name: &str,
        holder: &Spanned<DeValue<'_>>,
        key: &str,
        value: &str,
    ) -> Result<String, Diagnostic> {
        let line = format!("{} = {value}", written_key(key));
        if self.is_inline(holder) {
            let mut ends = Vec::new();
            self.leaves(table_of(holder)?, &mut ends);
            return Ok(match ends.into_iter().max() {
                Some(end) => self.splice(&(end..end), &format!(", {line}")),
                None => self.splice(&holder.span(), &format!("{{ {line} }}")),
            });
        }
        // After the last key of the table, with the same indentation and the same dotted path before the key.
        let last = table_of(holder)?
            .iter()
            .filter(|(_, value)| !value.get_ref().is_table() || self.is_inline(value))
            .max_by_key(|(_, value)| value.span().end);
        let (after, prefix) = match last {
            Some((key, value)) => {
                let start = self.line_start(key.span().start);
                (value.span().end, &self.text[start..key.span().start])
            }
            None if self.is_header(holder) => (holder.span().end, ""),
            None => return Err(cannot(name)),
        };
        let at = self.line_end(after);
        let inserted = if self.text[..at].ends_with('\n') {
            format!("{prefix}{line}\n")
        } else {
            format!("\n{prefix}{line}")
        };
        Ok(self.splice(&(at..at), &inserted))
    }

    /// The text without a key of `holder` and its value, whatever form it is written in.
    fn without_entry(
        &self,
        holder: &Spanned<DeValue<'_>>,
        entry: Entry<'_>,
    ) -> Result<String, Diagnostic> {
        if self.is_inline(holder) {
            return self.without_inline(holder, entry);
        }
        let mut gone = Vec::new();
        self.collect(entry, &mut gone);
        gone.sort_by_key(|range| range.start);
        let mut text = String::new();
        let mut kept = 0;
        for range in gone {
            // Ranges may overlap: the keys of a block are in it.
            text += self.text.get(kept..range.start).unwrap_or_default();
            kept = kept.max(range.end);
        }
        Ok(text + &self.text[kept..])
    }

    /// The text without one entry of a table in braces.
    fn without_inline(
        &self,
        holder: &Spanned<DeValue<'_>>,
        (key, value): Entry<'_>,
    ) -> Result<String, Diagnostic> {
        let table = table_of(holder)?;
        if table.iter().any(|(_, value)| !self.is_leaf(value)) {
            return self.without_dotted_inline(holder, key.get_ref().as_ref());
        }
        let own = key.span().start;
        let starts = table.iter().map(|(key, _)| key.span().start);
        let ends = table.iter().map(|(_, value)| value.span().end);
        let next = starts.filter(|&at| at > own).min();
        let before = ends.filter(|&at| at < own).max();
        Ok(match (before, next) {
            (_, Some(next)) => self.splice(&(own..next), ""),
            (Some(before), None) => self.splice(&(before..value.span().end), ""),
            (None, None) => self.splice(&holder.span(), "{}"),
        })
    }

    /// As [`Self::without_inline`], where keys in the braces are dotted: their parts may stand anywhere.
    fn without_dotted_inline(
        &self,
        holder: &Spanned<DeValue<'_>>,
        key: &str,
    ) -> Result<String, Diagnostic> {
        let span = holder.span();
        let parsed = self.text[span.clone()].parse::<toml_edit::Value>();
        let Ok(toml_edit::Value::InlineTable(mut table)) = parsed else {
            return Err(Diagnostic::failed(
                "the inventory cannot be edited: a table has no end",
            ));
        };
        table.remove(key);
        Ok(self.splice(&span, table.to_string().trim()))
    }

    /// The ranges of text that make up an entry.
    fn collect(&self, (key, value): Entry<'_>, gone: &mut Vec<Range<usize>>) {
        let children = value
            .get_ref()
            .as_table()
            .filter(|_| !self.is_inline(value));
        let Some(children) = children else {
            gone.push(self.line_start(key.span().start)..self.line_end(value.span().end));
            return;
        };
        if self.is_header(value) {
            gone.push(self.whole_block(&value.span()));
        }
        for child in children {
            self.collect(child, gone);
        }
    }

    fn is_leaf(&self, value: &Spanned<DeValue<'_>>) -> bool {
        !value.get_ref().is_table() || self.is_inline(value)
    }

    /// From the comment above the header to the blank lines below the block.
    fn whole_block(&self, header: &Range<usize>) -> Range<usize> {
        let mut start = self.line_start(header.start);
        while start > 0 {
            let above = self.line_start(start - 1);
            if !self.text[above..start].trim_start().starts_with('#') {
                break;
            }
            start = above;
        }
        let mut end = self.block_end(header);
        while end < self.text.len() && self.text[end..self.line_end(end)].trim().is_empty() {
            end = self.line_end(end);
        }
        if end == self.text.len() {
            // At the end of the file it is the blank lines above that would be left over.
            while start > 0 {
                let above = self.line_start(start - 1);
                if !self.text[above..start].trim().is_empty() {
                    break;
                }
                start = above;
            }
        }
        start..end
    }

    /// The end of the lines that belong to a header: its keys, and comments right below them.
    fn block_end(&self, header: &Range<usize>) -> usize {
        let headers = self.all_headers();
        let next = headers
            .iter()
            .map(|h| h.start)
            .filter(|&start| start > header.start)
            .min();
        let next = next.map_or(self.text.len(), |start| self.line_start(start));
        let mut leaves = Vec::new();
        self.leaves(self.root.get_ref(), &mut leaves);
        let last = leaves
            .into_iter()
            .filter(|&end| end > header.end && end <= next)
            .max()
            .unwrap_or(header.end);
        let end = self.line_end(last);
        let mut at = end;
        while at < next
            && self.text[at..]
                .trim_start_matches([' ', '\t'])
                .starts_with('#')
        {
            at = self.line_end(at);
        }
        // Comments that run up to the next header belong to that.
        if at == next && next < self.text.len() {
            end
        } else {
            at
        }
    }

    fn all_headers(&self) -> Vec<Range<usize>> {
        let top = self.root.get_ref().iter();
        top.flat_map(|(_, value)| self.headers_in(value)).collect()
    }

    /// The headers of `value` and the tables in it.
    fn headers_in(&self, value: &Spanned<DeValue<'_>>) -> Vec<Range<usize>> {
        let mut headers = Vec::new();
        if self.is_leaf(value) {
            return headers;
        }
        if self.is_header(value) {
            headers.push(value.span());
        }
        if let Some(table) = value.get_ref().as_table() {
            headers.extend(table.iter().flat_map(|(_, child)| self.headers_in(child)));
        }
        headers
    }

    /// The ends of all values.
    fn leaves(&self, table: &DeTable<'_>, ends: &mut Vec<usize>) {
        for (_, value) in table {
            match value.get_ref().as_table() {
                Some(inner) if !self.is_inline(value) => self.leaves(inner, ends),
                _ => ends.push(value.span().end),
            }
        }
    }

    fn servers(&self) -> Result<&Spanned<DeValue<'a>>, Diagnostic> {
        let servers = self.root.get_ref().get("servers");
        servers.ok_or_else(|| Diagnostic::failed("the inventory has no servers"))
    }

    fn server(&self, name: &str) -> Result<Entry<'_>, Diagnostic> {
        let servers = table_of(self.servers()?)?;
        servers.get_key_value(name).ok_or_else(|| cannot(name))
    }

    /// Whether a table is written as `{ ... }`.
    fn is_inline(&self, value: &Spanned<DeValue<'_>>) -> bool {
        self.begins(value, '{')
    }

    /// Whether a table is written as `[...]`.
    fn is_header(&self, value: &Spanned<DeValue<'_>>) -> bool {
        self.begins(value, '[')
    }

    fn begins(&self, value: &Spanned<DeValue<'_>>, c: char) -> bool {
        value.get_ref().is_table() && self.text[value.span()].starts_with(c)
    }

    /// The text with `new` instead of what stands at `span`.
    fn splice(&self, span: &Range<usize>, new: &str) -> String {
        let new = new.replace("\r\n", "\n").replace('\n', self.newline);
        [&self.text[..span.start], &new, &self.text[span.end..]].concat()
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Behind the newline of the line that `at` is in.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |newline| at + newline + 1)
    }
}

fn table_of<'d, 'a>(value: &'d Spanned<DeValue<'a>>) -> Result<&'d DeTable<'a>, Diagnostic> {
    let table = value.get_ref().as_table();
    table.ok_or_else(|| Diagnostic::failed("the inventory cannot be edited: not a table"))
}

fn cannot(name: &str) -> Diagnostic {
    Diagnostic::usage(format!(
        "the entry of server {} cannot be edited as it is written",
        ticked(name)
    ))
    .hint(format!(
        "write it as `[servers.{}]` with one key on each line",
        written_key(name)
    ))
}
