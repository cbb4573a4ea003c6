//! Messages, as they are read and as they are streamed.

use integration_sandboxkit::random;
use serde_json::{Value, json};

use super::super::world::messages::{Message, Place};
use super::super::world::{UserId, World, iso};
use super::thread::thread;

pub(in super::super) fn message(world: &World, it: &Message) -> Value {
    let new = &it.new;
    let attachments: Value = new.attachments.iter().map(super::super::world::files::Attachment::shown).collect();
    let mut shown = json!({
        "id": it.id,
        "event": new.event,
        "content": new.content,
        "uuid": new.uuid,
        "sent": it.sent.as_millisecond(),
        "created_at": iso(it.sent),
        "edited": it.edited.map(|at| at.as_millisecond()),
        "tags": new.tags,
        "attachments": attachments,
        "user": new.user.to_string(),
        "app": if new.is_inbox() { "influx" } else { "chat" },
    });
    say_where(&mut shown, &it.place, new.user);
    for (name, value) in [
        ("title", new.title.as_ref()),
        ("body", new.body.as_ref()),
        ("external_user_name", new.external_user_name.as_ref()),
    ] {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    if let Some(author) = &new.author {
        shown["author"] = author.clone();
    }
    if let Some(found) = new.thread.as_ref().and_then(|id| world.threads.get(id)) {
        shown["thread_id"] = json!(found.id);
        shown["thread"] = thread(world, found);
    }
    shown
}

fn say_where(shown: &mut Value, place: &Place, from: UserId) {
    match place {
        Place::Flow(flow) => shown["flow"] = json!(flow),
        Place::Private(one, other) => shown["to"] = json!(if from == *one { other } else { one }.to_string()),
    }
}

/// What is told to streams and not kept: that something became different.
pub(in super::super) fn change(world: &World, place: &Place, user: UserId, event: &str, content: Value) -> Value {
    let now = world.now();
    let mut shown = json!({
        "event": event,
        "content": content,
        "uuid": random::guid(),
        "sent": now.as_millisecond(),
        "created_at": iso(now),
        "tags": [],
        "user": user.to_string(),
        "app": "chat",
    });
    say_where(&mut shown, place, user);
    shown
}
