//! Tags: those a message was given, and those its text implies. <https://www.flowdock.com/api/tags>

use super::messages::Place;
use super::{UserId, World};

/// Names that mean everybody in the flow.
const EVERYONE: [&str; 4] = ["everyone", "team", "all", "flow"];

/// Tags as a call has them: `#x` is kept bare, `@nick` as the person.
pub(super) fn given(world: &World, tags: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for tag in tags {
        let tag = tag.trim();
        let tag = match (tag.strip_prefix('#'), tag.strip_prefix('@')) {
            (Some(bare), _) => bare.to_owned(),
            (_, Some(nick)) => person(world, nick).unwrap_or_else(|| tag.to_owned()),
            _ => tag.to_owned(),
        };
        if !tag.is_empty() && !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

/// Adds what a text mentions: tags, people, addresses.
pub(super) fn find(world: &World, place: &Place, text: &str, tags: &mut Vec<String>) {
    let mut add = |tag: String| {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    };
    for word in text.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '(' | ')')) {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        if let Some(tag) = word.strip_prefix('#').filter(|tag| tag.chars().any(char::is_alphabetic)) {
            add(tag.to_owned());
        } else if let Some(nick) = word.strip_prefix('@') {
            for tag in mention(world, place, nick) {
                add(tag);
            }
        } else if word.starts_with("http://") || word.starts_with("https://") {
            add(":url".to_owned());
        }
    }
}

/// The person, and that they have not read it yet.
fn mention(world: &World, place: &Place, nick: &str) -> Vec<String> {
    if EVERYONE.contains(&nick.to_lowercase().as_str()) {
        let mut tags = vec![":user:everyone".to_owned()];
        tags.extend(members(world, place).into_iter().map(|id| format!(":unread:{id}")));
        return tags;
    }
    let Some(tag) = person(world, nick) else { return Vec::new() };
    let unread = tag.replace(":user:", ":unread:");
    vec![tag, unread]
}

fn person(world: &World, nick: &str) -> Option<String> {
    let found = world.users.values().find(|user| user.nick.eq_ignore_ascii_case(nick))?;
    Some(format!(":user:{}", found.id))
}

fn members(world: &World, place: &Place) -> Vec<UserId> {
    match place {
        Place::Flow(flow) => world.flow(flow).map_or_else(|_| Vec::new(), |it| it.members.keys().copied().collect()),
        Place::Private(one, other) => vec![*one, *other],
    }
}

/// Whether a message's tags are those that were asked for: all, or any.
pub(super) fn fit(tags: &[String], wanted: &[String], any: bool) -> bool {
    let has = |tag: &String| tags.contains(tag);
    wanted.is_empty() || if any { wanted.iter().any(has) } else { wanted.iter().all(has) }
}
