//! How items of other links look at Slack: the message that begins a thread and always shows the item as it stands, and what
//! happened to it below.

use integration_contract::{Author, Change, Comment, Item, ItemKind, ItemState, OutgoingItem, text};
use serde_json::{Value, json};

use crate::{
    message::{Post, SECTION, bare, context, section},
    mrkdwn::{escaped, link, linked},
};

/// Of a title; escaping makes a character up to five.
const TITLE: usize = 250;
/// Of any other name.
const NAME: usize = 80;
/// Of a link with its address.
const LINK: usize = 1000;
/// Of what was written when it was opened, in the message that stands in the channel.
const BODY: usize = 700;
/// How many people or labels are named.
const NAMES: usize = 10;

/// Marks the message that begins a thread.
pub(crate) const FIRST: &str = "first";

/// The item as it stands.
pub(crate) fn picture(channel: &str, id: &str, told: &OutgoingItem) -> Post {
    let payload = json!({ "id": id, "item": told.id, "part": FIRST });
    Post::new(channel, &headline(&told.item), picture_blocks(told), payload)
}

/// What happened to it, for the thread.
pub(crate) fn happening(channel: &str, id: &str, told: &OutgoingItem) -> Post {
    Post::new(channel, &happened(told), happening_blocks(told), happening_payload(id, told))
}

/// Both in one message, where there is no thread of it.
pub(crate) fn whole(channel: &str, id: &str, told: &OutgoingItem) -> Post {
    let blocks = picture_blocks(told).into_iter().chain(happening_blocks(told)).collect();
    let text = format!("{}: {}", headline(&told.item), happened(told));
    Post::new(channel, &text, blocks, happening_payload(id, told))
}

/// The comment's id lets a later change of it find the reply.
fn happening_payload(id: &str, told: &OutgoingItem) -> Value {
    let mut payload = json!({ "id": id, "item": told.id });
    if let (Change::Commented(comment) | Change::CommentEdited(comment), None) = (&told.change.what, &told.trouble) {
        payload["comment"] = comment.id.as_str().into();
    }
    payload
}

// ---- as it stands

/// For notifications: `🟢 acme/widgets#42: The chart is empty on Sundays`.
fn headline(item: &Item) -> String {
    format!("{} {}: {}", mark(item.state), item.name, item.title)
}

fn picture_blocks(told: &OutgoingItem) -> Vec<Value> {
    let item = &told.item;
    let name = leading_to(item.url.as_deref(), &item.name);
    let mut blocks = vec![section(&format!("{} {name} *{}*", mark(item.state), title(&item.title)))];
    let body = item.body.trim();
    if !body.is_empty() {
        blocks.push(section(&linked(body, BODY)));
    }
    let mut below =
        vec![kind(item.kind).to_owned(), bare(&item.state_word), format!("opened by *{}*", name_of(&item.author))];
    if !item.assignees.is_empty() {
        below.push(format!("assigned to {}", people(&item.assignees)));
    }
    if !item.labels.is_empty() {
        below.push(list(item.labels.iter().map(|label| bare(label))));
    }
    if !item.name.starts_with(&told.source) {
        below.push(format!("from {}", bare(&told.source)));
    }
    blocks.push(context(&at_most(&below.join(" · "))));
    blocks
}

fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Issue => "Issue",
        ItemKind::PullRequest => "Pull request",
        ItemKind::Ticket => "Ticket",
    }
}

fn mark(state: ItemState) -> &'static str {
    match state {
        ItemState::Open => "🟢",
        ItemState::Waiting => "🟡",
        ItemState::Closed => "⚪",
    }
}

/// In bold, so without what ends it.
fn title(title: &str) -> String {
    escaped(&short(title, TITLE).replace(['*', '`', '~'], ""))
}

// ---- what happened

/// For notifications, as plain text.
fn happened(told: &OutgoingItem) -> String {
    if let Some(trouble) = &told.trouble {
        return format!("⚠️ {trouble}");
    }
    let by = &told.change.by.name;
    match &told.change.what {
        Change::Commented(comment) | Change::CommentEdited(comment) => format!("{by}: {}", comment.body),
        what => format!("{by} {}", deed(what, &told.change.item)),
    }
}

fn happening_blocks(told: &OutgoingItem) -> Vec<Value> {
    if let Some(trouble) = &told.trouble {
        return vec![section(&format!("⚠️ {}", linked(trouble, SECTION - 2)))];
    }
    let by = name_of(&told.change.by);
    let line = |words: &str| vec![section(&at_most(&format!("*{by}* {words}")))];
    match &told.change.what {
        Change::Commented(comment) => said(&by, "commented", comment),
        Change::CommentEdited(comment) => said(&by, "changed a comment", comment),
        Change::Moved { url } => line(&leading_to(url.as_deref(), "moved it elsewhere")),
        what => line(&escaped(&deed(what, &told.change.item))),
    }
}

fn said(by: &str, what: &str, comment: &Comment) -> Vec<Value> {
    let mut below = vec![format!("*{by}* {}", leading_to(comment.url.as_deref(), what))];
    below.extend(comment.attachments.iter().take(NAMES).map(|file| leading_to(Some(&file.url), &file.name)));
    let mut blocks = Vec::new();
    if !comment.body.trim().is_empty() {
        blocks.push(section(&linked(comment.body.trim(), SECTION)));
    }
    // Addresses are long.
    while below.len() > 1 && below.join(" · ").chars().count() > SECTION {
        below.pop();
    }
    blocks.push(context(&below.join(" · ")));
    blocks
}

/// What somebody did, after their name, as plain text; `item` as it was after it.
fn deed(what: &Change, item: &Item) -> String {
    let word = short(&item.state_word, NAME);
    match what {
        Change::Opened => "opened it".to_owned(),
        Change::Edited => "changed its title or text".to_owned(),
        Change::Closed if word.is_empty() || word == "closed" => "closed it".to_owned(),
        Change::Closed => format!("closed it: {word}"),
        Change::Reopened => "reopened it".to_owned(),
        Change::StateChanged => format!("set it to {word}"),
        Change::Assigned if item.assignees.is_empty() => "assigned it to nobody".to_owned(),
        Change::Assigned => {
            let names = item.assignees.iter().take(NAMES).map(|one| short(&one.name, NAME));
            format!("assigned it to {}", names.collect::<Vec<_>>().join(", "))
        }
        Change::Labelled if item.labels.is_empty() => "took its labels off".to_owned(),
        Change::Labelled => {
            let labels = item.labels.iter().take(NAMES).map(|label| short(label, NAME));
            format!("labelled it {}", labels.collect::<Vec<_>>().join(", "))
        }
        Change::Commented(_) => "commented".to_owned(),
        Change::CommentEdited(_) => "changed a comment".to_owned(),
        Change::CommentDeleted(_) => "deleted a comment".to_owned(),
        Change::Deleted => "deleted it".to_owned(),
        Change::Moved { .. } => "moved it elsewhere".to_owned(),
    }
}

/// A name that leads to its page, if it has one whose address fits.
fn leading_to(url: Option<&str>, name: &str) -> String {
    let name = short(name, NAME);
    let link = url.map(|url| link(url, &name)).filter(|link| link.chars().count() <= LINK);
    link.unwrap_or_else(|| escaped(&name))
}

/// The first line, in characters as Slack counts them.
fn short(text: &str, limit: usize) -> String {
    text::first_line(text, limit).chars().take(limit).collect()
}

/// As much as Slack takes; nothing in it is a link.
fn at_most(written: &str) -> String {
    written.chars().take(SECTION).collect()
}

fn name_of(who: &Author) -> String {
    bare(&who.name)
}

fn people(who: &[Author]) -> String {
    list(who.iter().map(name_of))
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.take(NAMES).collect::<Vec<_>>().join(", ")
}
