//! Messages as a person reads them: mrkdwn and blocks as plain lines with links. Nothing is drawn as Slack draws it.
//! <https://docs.slack.dev/messaging/formatting-message-text>

use serde_json::Value;

use super::super::world::World;
use super::super::world::messages::Words;

/// A line of a message.
pub(super) struct Line {
    pub kind: &'static str,
    pub spans: Vec<Span>,
}

/// A piece of a line; the template escapes it.
pub(super) struct Span {
    pub text: String,
    pub url: Option<String>,
    pub kind: &'static str,
}

/// Emoji by name, as far as people here use them.
const EMOJI: [(&str, &str); 12] = [
    ("+1", "👍"),
    ("thumbsup", "👍"),
    ("white_check_mark", "✅"),
    ("heavy_check_mark", "✔️"),
    ("tada", "🎉"),
    ("eyes", "👀"),
    ("heart", "❤️"),
    ("rocket", "🚀"),
    ("no_entry", "⛔"),
    ("dart", "🎯"),
    ("memo", "📝"),
    ("done", "✅"),
];

pub(super) fn emoji(name: &str) -> String {
    EMOJI.iter().find(|(it, _)| *it == name).map_or_else(|| format!(":{name}:"), |(_, sign)| (*sign).to_owned())
}

/// Blocks if there are any, else the text; attachments after either.
pub(super) fn lines(world: &World, words: &Words) -> Vec<Line> {
    let list = |value: &Option<Value>| value.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let blocks = list(&words.blocks);
    let mut lines: Vec<Line> = match blocks.is_empty() {
        true => vec![text_line(world, "text", &words.text)],
        false => blocks.iter().flat_map(|block| block_lines(world, block)).collect(),
    };
    for attachment in list(&words.attachments) {
        for field in ["pretext", "title", "text", "fallback"] {
            let said = attachment[field].as_str().filter(|said| !said.is_empty());
            lines.extend(said.map(|said| text_line(world, "attachment", said)));
        }
        let blocks = attachment["blocks"].as_array().cloned().unwrap_or_default();
        lines.extend(blocks.iter().flat_map(|block| block_lines(world, block)));
    }
    lines
}

fn block_lines(world: &World, block: &Value) -> Vec<Line> {
    let items = |field: &str| block[field].as_array().cloned().unwrap_or_default();
    match block["type"].as_str().unwrap_or_default() {
        "section" => {
            let mut lines: Vec<Line> = object_line(world, "text", &block["text"]).into_iter().collect();
            lines.extend(items("fields").iter().filter_map(|field| object_line(world, "field", field)));
            lines.extend(button(&block["accessory"]).map(|span| Line { kind: "actions", spans: vec![span] }));
            lines
        }
        "header" => object_line(world, "header", &block["text"]).into_iter().collect(),
        "context" => {
            let elements = items("elements");
            let spans = elements.iter().filter_map(|it| object_line(world, "", it)).flat_map(|it| it.spans);
            vec![Line { kind: "context", spans: spans.collect() }]
        }
        "actions" => vec![Line { kind: "actions", spans: items("elements").iter().filter_map(button).collect() }],
        "divider" => vec![plain("divider", "———")],
        "image" => vec![plain("text", &format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default()))],
        "markdown" => vec![plain("text", block["text"].as_str().unwrap_or_default())],
        "rich_text" => items("elements").iter().map(|element| rich_line(world, element)).collect(),
        other => vec![plain("text", &format!("[{other}]"))],
    }
}

/// A text object: mrkdwn is read, plain text is not.
fn object_line(world: &World, kind: &'static str, object: &Value) -> Option<Line> {
    let text = object["text"].as_str()?;
    Some(if object["type"] == "mrkdwn" { text_line(world, kind, text) } else { plain(kind, text) })
}

fn button(element: &Value) -> Option<Span> {
    let text = element["text"]["text"].as_str()?.to_owned();
    Some(Span { text, url: element["url"].as_str().and_then(safe), kind: "button" })
}

fn rich_line(world: &World, element: &Value) -> Line {
    let list = element["elements"].as_array().cloned().unwrap_or_default();
    let spans = list.iter().flat_map(|it| match it["type"].as_str().unwrap_or_default() {
        "text" => vec![span(it["text"].as_str().unwrap_or_default(), "")],
        "user" => vec![mention(world, it["user_id"].as_str().unwrap_or_default())],
        "channel" => vec![channel(world, it["channel_id"].as_str().unwrap_or_default())],
        "broadcast" => vec![span(&format!("@{}", it["range"].as_str().unwrap_or_default()), "mention")],
        "emoji" => vec![span(&emoji(it["name"].as_str().unwrap_or_default()), "")],
        "link" => {
            let url = it["url"].as_str().unwrap_or_default();
            vec![link(url, it["text"].as_str().unwrap_or(url))]
        }
        _ => rich_line(world, it).spans,
    });
    Line { kind: "text", spans: spans.collect() }
}

/// mrkdwn: `<…>` are names and links, `*` `_` `~` and backticks set words off, and three signs are escaped.
fn text_line(world: &World, kind: &'static str, text: &str) -> Line {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, behind)) = after.split_once('>') else { break };
        spans.extend(styled(before));
        spans.push(reference(world, inside));
        rest = behind;
    }
    spans.extend(styled(rest));
    Line { kind, spans }
}

fn reference(world: &World, inside: &str) -> Span {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
    match target.split_at_checked(1) {
        Some(("@", user)) => mention(world, user),
        Some(("#", id)) => channel(world, id),
        Some(("!", special)) => span(&format!("@{}", label.unwrap_or(special)), "mention"),
        _ => link(&unescape(target), &unescape(label.unwrap_or(target))),
    }
}

/// What was typed to get this text, to be typed differently.
pub(super) fn source(world: &World, text: &str) -> String {
    let mut typed = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, behind)) = after.split_once('>') else { break };
        typed.push_str(&unescape(before));
        typed.push_str(&reference(world, inside).text);
        rest = behind;
    }
    typed + &unescape(rest)
}

/// Words between a pair of signs, where both stand at the edge of words.
fn styled(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((start, sign)) = rest.char_indices().find(|(at, sign)| kind_of(*sign).is_some() && opens(rest, *at))
    {
        let inside = &rest[start + 1..];
        let end = inside.find(sign).filter(|end| *end > 0 && !inside[..*end].contains('\n') && closes(inside, *end));
        let Some(end) = end else { break };
        if start > 0 {
            spans.push(span(&with_emoji(&unescape(&rest[..start])), ""));
        }
        spans.push(span(&with_emoji(&unescape(&inside[..end])), kind_of(sign).unwrap_or_default()));
        rest = &inside[end + 1..];
    }
    if !rest.is_empty() {
        spans.push(span(&with_emoji(&unescape(rest)), ""));
    }
    spans
}

fn kind_of(sign: char) -> Option<&'static str> {
    match sign {
        '*' => Some("strong"),
        '_' => Some("em"),
        '~' => Some("gone"),
        '`' => Some("code"),
        _ => None,
    }
}

fn opens(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + 1..].chars().next();
    before.is_none_or(|it| !it.is_alphanumeric()) && after.is_some_and(|it| !it.is_whitespace())
}

fn closes(text: &str, at: usize) -> bool {
    text[at + 1..].chars().next().is_none_or(|it| !it.is_alphanumeric())
}

fn with_emoji(text: &str) -> String {
    EMOJI.iter().fold(text.to_owned(), |text, (name, sign)| text.replace(&format!(":{name}:"), sign))
}

fn mention(world: &World, id: &str) -> Span {
    let id = id.split('|').next().unwrap_or_default();
    let name = world.users.get(id).map_or(id, |user| if user.bot.is_some() { &user.real_name } else { &user.name });
    span(&format!("@{name}"), "mention")
}

fn channel(world: &World, id: &str) -> Span {
    let name = world.channels.get(id).map_or(id, |channel| &channel.name);
    span(&format!("#{name}"), "mention")
}

fn link(url: &str, label: &str) -> Span {
    Span { text: label.to_owned(), url: safe(url), kind: "" }
}

/// Only what a browser opens as a page, or a mail.
fn safe(url: &str) -> Option<String> {
    ["http://", "https://", "mailto:"].into_iter().any(|start| url.starts_with(start)).then(|| url.to_owned())
}

fn plain(kind: &'static str, text: &str) -> Line {
    Line { kind, spans: vec![span(text, "")] }
}

fn span(text: &str, kind: &'static str) -> Span {
    Span { text: text.to_owned(), url: None, kind }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
