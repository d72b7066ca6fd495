//! HTML under construction: what is not fixed text of this program gets in only escaped, so nothing can be injected.

use crate::ui::style::harmless;

/// Attributes whose value a browser runs, loads, or applies beyond the element: only fixed text may be in them.
const DANGEROUS: &[&str] = &[
    "href",
    "src",
    "style",
    "srcdoc",
    "action",
    "http-equiv",
    "content",
];

/// A piece of a page whose elements are all closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(String);

/// The attributes of an element.
#[derive(Debug)]
pub(super) struct Attributes<'h>(&'h mut String);

impl Attributes<'_> {
    /// A fixed value.
    pub(super) fn fixed(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        self.put(name, value)
    }

    /// Any value. One that would do something by itself ([`DANGEROUS`], and all handlers of events) is left out.
    pub(super) fn any(&mut self, name: &'static str, value: &str) -> &mut Self {
        let dangerous = DANGEROUS.contains(&name) || name.starts_with("on");
        debug_assert!(!dangerous, "`{name}` takes fixed text only");
        if dangerous {
            self
        } else {
            self.put(name, &harmless(value))
        }
    }

    /// A number.
    pub(super) fn number(&mut self, name: &'static str, value: i64) -> &mut Self {
        self.put(name, &value.to_string())
    }

    fn put(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        escape(self.0, value);
        self.0.push('"');
        self
    }
}

impl Html {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Text of any origin: shown as it is, never read as markup, and unable to turn the text around it.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, &harmless(text));
        self
    }

    /// Fixed markup of this program.
    pub(super) fn fixed(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// `<tag>...</tag>` without attributes.
    pub(super) fn wrap(&mut self, tag: &'static str, inside: impl FnOnce(&mut Self)) -> &mut Self {
        self.element(tag, |_| {}, inside)
    }

    /// `<tag class="class">...</tag>`.
    pub(super) fn class(
        &mut self,
        tag: &'static str,
        class: &'static str,
        inside: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.element(
            tag,
            |attributes| {
                attributes.fixed("class", class);
            },
            inside,
        )
    }

    /// `<tag ...>...</tag>`.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: impl FnOnce(&mut Attributes<'_>),
        inside: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.0.push('<');
        self.0.push_str(tag);
        attributes(&mut Attributes(&mut self.0));
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
        self
    }

    /// `<tag>text</tag>`.
    pub(super) fn say(&mut self, tag: &'static str, text: &str) -> &mut Self {
        self.wrap(tag, |inside| {
            inside.text(text);
        })
    }

    /// Ends a line, for those who read the source.
    pub(super) fn end(&mut self) -> &mut Self {
        self.0.push('\n');
        self
    }

    /// The markup.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Appends `text` with what HTML would read as markup, in text and in quoted attributes, as character references; NUL and
/// the like cannot be in a page at all (HTML, "13.2.3.5 Preprocessing the input stream").
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_fixed_is_escaped() {
        let mut page = Html::new();
        page.element(
            "p",
            |p| {
                p.any("title", "\"><script>alert(1)</script>");
            },
            |p| {
                p.text("</p><img src=x onerror='x'>\u{202e}\u{0}&amp;");
            },
        );
        assert_eq!(
            page.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">\
             &lt;/p&gt;&lt;img src=x onerror=&#39;x&#39;&gt;\\u{202e}\\u{0}&amp;amp;</p>"
        );
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(text in any::<String>()) {
            let mut page = Html::new();
            page.element("p", |p| { p.any("title", &text); }, |p| { p.text(&text); });
            let markup = page.finish();
            prop_assert_eq!(markup.matches('<').count(), 2);
            prop_assert_eq!(markup.matches('>').count(), 2);
            prop_assert_eq!(markup.matches('"').count(), 2);
            prop_assert!(!markup.contains('\''));
            prop_assert!(!markup.contains(|c: char| c.is_control()));
        }
    }
}
