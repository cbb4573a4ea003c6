//! Messages, in answers and in events. <https://docs.slack.dev/reference/events/message>

use serde_json::{Value, json};

use super::super::world::World;
use super::super::world::channels::{Channel, ids};
use super::super::world::messages::Message;
use super::people;

/// A message without its metadata, which is only shown to who asks for it.
pub(in super::super) fn message(world: &World, message: &Message, viewer: &str) -> Value {
    let author = world.users.get(&message.user);
    let team = author.map(|author| author.home()).unwrap_or_default();
    let mut shown = json!({
        "type": "message",
        "user": message.user,
        "text": message.words.text,
        "ts": message.ts,
        "team": team,
    });
    if message.gone {
        shown["subtype"] = json!("tombstone");
        shown["user"] = json!("USLACKBOT");
        shown["hidden"] = json!(true);
    }
    // A message of an app has no subtype: `bot_id` is how it is known.
    if let Some(author) = author.filter(|author| author.bot.is_some() && !message.gone) {
        shown["bot_id"] = json!(author.bot.as_ref().map(|bot| &bot.id));
        shown["app_id"] = json!(author.bot.as_ref().map(|bot| &bot.app));
        shown["bot_profile"] = people::bot(world, author, Some(team)).unwrap_or_default();
    }
    let optional = [
        ("client_msg_id", message.client_msg_id.as_ref().map(|id| json!(id))),
        ("username", message.username.as_ref().map(|name| json!(name))),
        ("blocks", message.words.blocks.clone()),
        ("attachments", message.words.attachments.clone()),
        ("thread_ts", message.thread.as_ref().map(|thread| json!(thread))),
        ("edited", message.edited.as_ref().map(|at| json!({"user": message.user, "ts": at}))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            shown[name] = value;
        }
    }
    if !message.reactions.is_empty() {
        shown["reactions"] = reactions(message);
    }
    let parent = message.thread.as_deref().filter(|_| message.is_reply());
    let place = world.channels.values().find(|place| place.messages.contains_key(&message.ts));
    if let Some(parent) = parent.and_then(|ts| place?.messages.get(ts)) {
        shown["parent_user_id"] = json!(parent.user);
    }
    if let (Some(place), true) = (place, message.thread.as_ref() == Some(&message.ts)) {
        thread(&mut shown, place, message, viewer);
    }
    shown
}

/// What a thread's first message says of the thread.
fn thread(shown: &mut Value, place: &Channel, message: &Message, viewer: &str) {
    let replies: Vec<&Message> = place.replies(&message.ts).collect();
    let mut users: Vec<&String> = Vec::new();
    for reply in &replies {
        if !users.contains(&&reply.user) {
            users.push(&reply.user);
        }
    }
    shown["reply_count"] = json!(replies.len());
    shown["reply_users_count"] = json!(users.len());
    shown["reply_users"] = ids(users);
    shown["latest_reply"] = json!(replies.last().map(|reply| &reply.ts));
    shown["is_locked"] = json!(false);
    shown["subscribed"] = json!(message.user == viewer);
}

fn reactions(message: &Message) -> Value {
    let one = |(name, users): &(String, Vec<String>)| json!({"name": name, "users": users, "count": users.len()});
    message.reactions.iter().map(one).collect()
}
