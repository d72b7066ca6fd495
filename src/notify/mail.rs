//! Mail through the local sendmail(8): the headers are made so that nothing in a message can begin another.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::command::run;
use super::message::Message;

/// Longest encoded word (RFC 2047 section 2) holds 75 characters; 45 bytes are 60 in base64.
const WORD: usize = 45;

/// RFC 2045 section 6.8: a line of base64 has at most 76 characters.
const LINE: usize = 76;

/// Hands `message` to `sendmail`.
///
/// # Errors
/// Why it was not taken.
pub(super) async fn send(
    sendmail: &Path,
    to: &[String],
    from: Option<&str>,
    message: &Message,
    home: Option<&Path>,
) -> Result<(), String> {
    let mail = mail(to, from, message);
    // -i: a line with a dot alone is none; -t: to whom is in the headers, so that no argument can be an option.
    run(sendmail, ["-t", "-i"], mail.as_bytes(), home).await
}

/// The mail as RFC 5322 has it, with line feeds alone as sendmail wants them.
pub(super) fn mail(to: &[String], from: Option<&str>, message: &Message) -> String {
    let from = from.map_or_else(String::new, |from| format!("From: {from}\n"));
    let subject = header_text(&format!("[fleet] {}", message.title));
    // The addresses were checked when the inventory was read.
    let to = to.join(",\n ");
    let mut mail = format!(
        "{from}To: {to}\nSubject: {subject}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    );
    let body = STANDARD.encode(format!("{}\n", message.text()));
    for line in body.as_bytes().chunks(LINE) {
        mail.push_str(&String::from_utf8_lossy(line));
        mail.push('\n');
    }
    mail
}

/// `text` for a header: as it is when it is short, plain ASCII, else as encoded words (RFC 2047).
pub(super) fn header_text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    if text.chars().all(plain) && text.len() <= 200 && !text.contains("=?") {
        return text.trim().to_owned();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if word.len() + c.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let encoded: Vec<String> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    encoded.join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::Status;
    use crate::notify::message::tests::{channel, notice};

    #[test]
    fn nothing_in_a_message_begins_a_header() {
        let mut evil = notice("sg-1", None, Status::Bad);
        evil.subject = "http of x\r\nBcc: evil@example.com\n\nbody".to_owned();
        evil.reasons = vec!["\n.\nFrom: x".to_owned()];
        let now = evil.at;
        let message = Message::of(&channel(), &[evil], now).unwrap();
        let to = ["a@example.com".to_owned(), "b@example.com".to_owned()];
        let mail = mail(&to, Some("fleet@example.com"), &message);
        let (head, body) = mail.split_once("\n\n").unwrap();
        let names: Vec<&str> = head
            .lines()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split_once(':').unwrap().0)
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Auto-Submitted",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding"
            ]
        );
        assert!(body.lines().all(|line| line.len() <= LINE && line != "."));
        let text = STANDARD.decode(body.replace('\n', "")).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            format!("{}\n", message.text())
        );
    }

    #[test]
    fn other_than_ascii_is_encoded() {
        assert_eq!(header_text("sg-1 offline"), "sg-1 offline");
        assert_eq!(header_text("größe"), "=?utf-8?B?Z3LDtsOfZQ==?=");
        assert_eq!(header_text("a\r\nb: c"), "=?utf-8?B?YWI6IGM=?=");
        let long = header_text(&"ü".repeat(60));
        assert!(long.split(' ').all(|word| word.len() <= 75), "{long}");
        assert_eq!(long.split(' ').count(), 3);
    }
}
