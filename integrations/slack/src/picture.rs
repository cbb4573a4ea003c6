//! A message of ours as it looks at Slack, for the partner's page: its blocks, read as Slack shows them.

use integration_contract::{Picture, PicturePart, Told};
use serde_json::Value;

use crate::{
    item,
    message::{self, Post},
    mrkdwn::shown,
};

pub(crate) fn of(what: &Told) -> Option<Picture> {
    let post = match what {
        Told::Entry(entry) => message::entry("", "", entry),
        Told::Digest(entries) => message::digest("", "", entries),
        Told::Item(told) => item::picture("", "", told),
        // Only who wrote to us sees it, and not as a message of the channel.
        Told::Answer { .. } => return None,
    };
    Some(Picture { by: None, parts: parts(&post).collect(), buttons: Vec::new() })
}

fn parts(post: &Post) -> impl Iterator<Item = PicturePart> {
    post.blocks().iter().map(|block| {
        let text = |at: &Value| shown(at["text"].as_str().unwrap_or_default());
        match &block["elements"] {
            Value::Array(elements) => PicturePart::Small(elements.iter().flat_map(text).collect()),
            _ => PicturePart::Text(text(&block["text"])),
        }
    })
}
