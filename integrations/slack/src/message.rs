//! How what leaves looks at Slack: Block Kit, with a text beside it for notifications and screen readers.
//! <https://docs.slack.dev/reference/block-kit/blocks>
//!
//! Nothing in an entry is markup, and none of it pings anybody: `&`, `<` and `>` are escaped, and Slack is told to make no
//! links and no mentions of its own.

use integration_contract::{Answer, OutgoingEntry, Status, text};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    mrkdwn::{escaped, link, linked},
    settings::word,
    whisper::Whisper,
    wire::MessageMetadata,
};

/// Slack's limit for a text in a block is 3,000.
pub(crate) const SECTION: usize = 2900;
/// Of the texts in a line below a message.
const CONTEXT: usize = 150;
/// Slack recommends to keep the text beside the blocks to 4,000.
const FALLBACK: usize = 3000;
/// Of an entry among others.
const LINE: usize = 300;
/// Slack allows 50 blocks; a headline and a last line are ours.
const MOST_SECTIONS: usize = 40;

/// Finds a post of ours again.
pub(crate) const EVENT_TYPE: &str = "patchbay_entry";

/// A body of `chat.postMessage` and `chat.update`.
#[derive(Serialize)]
pub(crate) struct Post {
    channel: String,
    /// Of the post that is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<String>,
    /// Of the message it goes below.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<String>,
    text: String,
    blocks: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MessageMetadata>,
    /// No names become mentions, no words channels.
    link_names: bool,
    parse: &'static str,
    /// No previews.
    unfurl_links: bool,
    unfurl_media: bool,
}

impl Post {
    /// `text` is for notifications; `metadata` says what it is, so that it is found again.
    pub(crate) fn new(channel: &str, text: &str, blocks: Vec<Value>, metadata: Value) -> Self {
        Self {
            channel: channel.to_owned(),
            ts: None,
            thread_ts: None,
            text: fallback(text),
            blocks,
            metadata: Some(MessageMetadata { event_type: EVENT_TYPE.to_owned(), event_payload: metadata }),
            link_names: false,
            parse: "none",
            unfurl_links: false,
            unfurl_media: false,
        }
    }

    /// What is seen of it.
    pub(crate) fn blocks(&self) -> &[Value] {
        &self.blocks
    }

    /// In place of the one that stands there.
    #[must_use]
    pub(crate) fn instead_of(self, channel: &str, ts: &str) -> Self {
        Self { channel: channel.to_owned(), ts: Some(ts.to_owned()), thread_ts: None, ..self }
    }

    /// Below the one that stands there.
    #[must_use]
    pub(crate) fn below(self, channel: &str, ts: &str) -> Self {
        Self { channel: channel.to_owned(), thread_ts: Some(ts.to_owned()), ..self }
    }
}

/// `id` is the outbox message's.
pub(crate) fn entry(channel: &str, id: &str, entry: &OutgoingEntry) -> Post {
    let mark = mark(entry.status);
    let mut below = vec![format!("*{}*", bare(&entry.author)), word(entry.status).to_owned(), bare(&entry.team)];
    if let Some(source) = &entry.source {
        let source = text::first_line(source, CONTEXT);
        below.push(format!(
            "from {}",
            match &entry.source_url {
                Some(url) => link(url, &source),
                None => escaped(&source),
            }
        ));
    }
    below.push(link(&entry.url, "Open in the log"));
    Post::new(
        channel,
        &format!("{mark} {}: {}", entry.author, entry.text),
        vec![section(&format!("{mark} {}", linked(&entry.text, SECTION))), context(&below.join(" · "))],
        json!({ "id": id, "entry": entry.id }),
    )
}

/// By person, in the order in which they appear.
pub(crate) fn digest(channel: &str, id: &str, entries: &[OutgoingEntry]) -> Post {
    let team = entries.first().map_or("", |entry| entry.team.as_str());
    let count = match entries.len() {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    };
    let headline = format!("{team}: {count}");
    let mut blocks = vec![section(&format!("*{}*", bare(&headline)))];
    let mut told = 0;
    for (author, theirs) in by_author(entries) {
        let mut open = format!("*{}*", bare(author));
        for entry in theirs {
            let line = format!("\n{}", one_line(entry));
            if open.chars().count() + line.chars().count() > SECTION {
                blocks.push(section(&std::mem::take(&mut open)));
            }
            if blocks.len() > MOST_SECTIONS {
                break;
            }
            open.push_str(&line);
            told += 1;
        }
        if blocks.len() > MOST_SECTIONS {
            break;
        }
        blocks.push(section(open.trim_start()));
    }
    if told < entries.len() {
        blocks.push(context(&format!("and {} more in the log", entries.len() - told)));
    }
    Post::new(channel, &headline, blocks, json!({ "id": id }))
}

fn by_author(entries: &[OutgoingEntry]) -> Vec<(&str, Vec<&OutgoingEntry>)> {
    let mut groups: Vec<(&str, Vec<&OutgoingEntry>)> = Vec::new();
    for entry in entries {
        // Two people may have one name, and somebody we do not know has no id.
        let same = |first: &OutgoingEntry| first.author_id == entry.author_id && first.author == entry.author;
        match groups.iter_mut().find(|(_, theirs)| theirs.first().is_some_and(|first| same(first))) {
            Some((_, theirs)) => theirs.push(entry),
            None => groups.push((&entry.author, vec![entry])),
        }
    }
    groups
}

/// For a `response_url`. Only who wrote to us sees it.
pub(crate) fn answer(answer: &Answer) -> Value {
    json!({
        "response_type": "ephemeral",
        "replace_original": false,
        "text": answer_text(answer),
        "link_names": false,
        "parse": "none",
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// The same for `chat.postEphemeral`.
pub(crate) fn whisper(to: &Whisper, answer: &Answer) -> Value {
    let mut message = json!({
        "channel": to.channel,
        "user": to.user,
        "text": answer_text(answer),
        "link_names": false,
        "parse": "none",
    });
    if let Some(ts) = &to.thread_ts {
        message["thread_ts"] = ts.as_str().into();
    }
    message
}

/// What became of what somebody wrote to us.
fn answer_text(answer: &Answer) -> String {
    let mut said = Vec::new();
    if let Some(first) = answer.written.first() {
        said.push(format!("Written to the log of {}:", bare(&first.team)));
    }
    said.extend(answer.written.iter().take(MOST_SECTIONS / 2).map(one_line));
    if answer.written.len() > MOST_SECTIONS / 2 {
        said.push(format!("and {} more", answer.written.len() - MOST_SECTIONS / 2));
    }
    if let Some(reason) = &answer.why_not {
        said.push(linked(reason, SECTION));
    }
    if let Some(connect) = &answer.connect {
        let link = link(connect, "Connect them");
        said.push(format!(
            "Your accounts here and in the log are not connected yet. {link}, and what you write is yours."
        ));
    }
    said.join("\n")
}

/// An entry among others.
fn one_line(entry: &OutgoingEntry) -> String {
    let said = linked(&text::first_line(&entry.text, LINE), 4 * LINE);
    format!("{} {said} {}", mark(entry.status), link(&entry.url, "↗"))
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Done => "✅",
        Status::Goal => "🎯",
        Status::Blocked => "⛔",
    }
}

/// A name, as one line without what Slack would take for bold or code.
pub(crate) fn bare(name: &str) -> String {
    escaped(&text::first_line(name, CONTEXT).replace(['*', '`', '~'], ""))
}

fn fallback(text: &str) -> String {
    escaped(&text::cut(text, FALLBACK / 5))
}

/// `verbatim`: Slack looks for no addresses, names or channels in it.
pub(crate) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

pub(crate) fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": text, "verbatim": true }] })
}
