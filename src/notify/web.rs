//! Channels over HTTP: a webhook with JSON, Slack, Telegram, ntfy.

use std::time::Duration;

use serde_json::{Value, json};

use super::message::{Message, cropped};
use super::send::Keys;
use crate::http::{self, Request, Trust, Url};
use crate::model::Status;
use crate::model::notification::Way;
use crate::shell::Secret;

/// For a whole request.
const LIMIT: Duration = Duration::from_secs(10);

/// What is read of an answer: it may say what was wrong.
const LARGEST_ANSWER: usize = 16 << 10;

/// Telegram takes 4,096 characters (core.telegram.org/bots/api#sendmessage).
const TELEGRAM_LONGEST: usize = 4000;

/// ntfy takes 4,096 bytes, and makes a file of more (docs.ntfy.sh/publish).
const NTFY_LONGEST: usize = 4000;

/// Sends `message` by one request.
///
/// # Errors
/// Why it did not arrive; never with the address or the token in it.
pub(super) async fn send(
    way: &Way,
    keys: &Keys,
    message: &Message,
    trust: &Trust,
) -> Result<(), String> {
    let url = keys.url.as_ref().ok_or("it has no address")?;
    let url: Url = url
        .reveal()
        .parse()
        .map_err(|why| format!("its address {why}"))?;
    let mut headers = Vec::new();
    let (url, body) = match way {
        Way::Slack { .. } => (url, slack(message).to_string()),
        Way::Telegram { chat, .. } => {
            let token = keys.token.as_ref().ok_or("it has no token")?;
            // core.telegram.org/bots/api#making-requests: the token is part of the path.
            let base = url.target().trim_end_matches('/');
            let path = format!("{base}/bot{}/sendMessage", token.reveal());
            let url = url
                .with_target(&path)
                .ok_or("its token is none of Telegram")?;
            (url, telegram(chat, message).to_string())
        }
        Way::Ntfy { .. } => {
            headers.extend(ntfy(message));
            (url, cropped_bytes(&message.text(), NTFY_LONGEST))
        }
        _ => (url, message.json().to_string()),
    };
    let kind = match way {
        Way::Ntfy { .. } => "text/plain; charset=utf-8",
        _ => "application/json",
    };
    headers.push(("content-type", kind.to_owned()));
    if let (Way::Webhook { .. } | Way::Ntfy { .. }, Some(token)) = (way, &keys.token) {
        headers.push(("authorization", format!("Bearer {}", token.reveal())));
    }
    let request = Request {
        method: "POST",
        url: &url,
        headers,
        body: body.as_bytes(),
        address: None,
        limit: LIMIT,
        largest: LARGEST_ANSWER,
    };
    let response = http::send(&request, trust)
        .await
        .map_err(|failure| format!("{}: {failure}", url.host()))?;
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let said = words(&response.body, keys);
    Err(format!("{} answered {}{said}", url.host(), response.status))
}

/// docs.slack.dev/messaging/formatting-message-text: three characters have a meaning everywhere.
fn slack(message: &Message) -> Value {
    let text = format!("{}\n{}", message.title, message.text());
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({ "text": text, "mrkdwn": false })
}

/// Without `parse_mode` the text is taken as it is.
fn telegram(chat: &str, message: &Message) -> Value {
    let text = format!("{}\n{}", message.title, message.text());
    let chat = match chat.parse::<i64>() {
        Ok(number) => json!(number),
        Err(_) => json!(chat),
    };
    json!({
        "chat_id": chat,
        "text": cropped(&text, TELEGRAM_LONGEST),
        "link_preview_options": { "is_disabled": true },
    })
}

fn ntfy(message: &Message) -> [(&'static str, String); 3] {
    let (priority, tag) = match message.worst {
        Status::Offline | Status::Error | Status::Bad => ("high", "rotating_light"),
        Status::Degraded | Status::Warn => ("default", "warning"),
        Status::Online | Status::Ok => ("default", "white_check_mark"),
    };
    [
        ("title", super::mail::header_text(&message.title)),
        ("priority", priority.to_owned()),
        ("tags", tag.to_owned()),
    ]
}

fn cropped_bytes(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// What a server said of why it refuses, on one line; nothing when it repeats a secret.
fn words(body: &[u8], keys: &Keys) -> String {
    let text = String::from_utf8_lossy(body);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut secrets = [&keys.url, &keys.token].into_iter().flatten();
    let repeats = |secret: &Secret| {
        let secret = secret.reveal();
        let path = secret.split_once("://").map_or(secret, |(_, rest)| rest);
        let path = path.split_once('/').map_or(path, |(_, path)| path);
        !path.is_empty() && text.contains(path)
    };
    if text.is_empty() || text.starts_with('<') || secrets.any(repeats) {
        return String::new();
    }
    format!(": {}", cropped(&text, 200))
}
