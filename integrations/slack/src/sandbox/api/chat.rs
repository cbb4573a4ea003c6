//! `chat.*`: an app's messages.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::channels::{Channel, Kind};
use super::super::world::messages::{NewMessage, Words};
use super::super::world::{ChannelId, World};
use super::blocks;
use super::call::Call;

type Fields = Map<String, Value>;

/// Of `chat.update`; a new message may be longer.
const UPDATE_MAX: usize = 4000;
const METADATA_MAX: usize = 16 * 1024;

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
pub(super) fn post_message(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let caller = call.caller()?.clone();
    let channel = destination(world, call)?;
    let place = world.channel(&channel)?;
    if place.archived {
        return Err(Refusal::new("is_archived"));
    }
    if !place.members.contains(&caller.user) && !caller.holds("chat:write.public") {
        return Err(Refusal::new("not_in_channel"));
    }
    let words = words(call)?;
    if words.are_empty() {
        return Err(Refusal::new("no_text"));
    }
    let username = call.optional("username").filter(|name| !name.is_empty());
    if username.is_some() {
        caller.need("chat:write.customize")?;
    }
    let thread = call.optional("thread_ts").filter(|ts| !ts.is_empty());
    world.usage.count_message(&channel)?;
    let new = NewMessage { words, thread, broadcast: call.flag("reply_broadcast"), username };
    let ts = world.post(&caller.user, &channel, new)?;
    let message = shown(world, &channel, &ts, &caller.user)?;
    Ok(Map::from_iter([("channel".into(), json!(channel)), ("ts".into(), json!(ts)), ("message".into(), message)]))
}

/// <https://docs.slack.dev/reference/methods/chat.update>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = call.caller()?.user.clone();
    let channel = call.channel(world, "channel")?;
    let (id, ts) = (channel.id.clone(), call.required("ts")?);
    let before = channel.message(&ts)?.words.clone();
    let asked = words(call)?;
    if asked.text.chars().count() > UPDATE_MAX {
        return Err(Refusal::new("msg_too_long"));
    }
    // What is not sent stays; blocks, attachments and metadata go when they are sent empty.
    let said = |field: &str| call.args.contains_key(field);
    let words = Words {
        text: if said("text") || said("markdown_text") { asked.text } else { before.text },
        blocks: if said("blocks") { asked.blocks } else { before.blocks },
        attachments: if said("attachments") { asked.attachments } else { before.attachments },
        metadata: if said("metadata") { asked.metadata } else { before.metadata },
    };
    let nothing = !["text", "markdown_text", "blocks", "attachments"].into_iter().any(said);
    if nothing {
        return Err(Refusal::new("no_text"));
    }
    let text = words.text.clone();
    world.edit(&user, &id, &ts, words)?;
    let message = shown(world, &id, &ts, &user)?;
    Ok(Map::from_iter([
        ("channel".into(), json!(id)),
        ("ts".into(), json!(ts)),
        ("text".into(), json!(text)),
        ("message".into(), message),
    ]))
}

/// <https://docs.slack.dev/reference/methods/chat.delete>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = call.caller()?.user.clone();
    let (channel, ts) = (call.channel(world, "channel")?.id.clone(), call.required("ts")?);
    world.delete(&user, &channel, &ts)?;
    Ok(Map::from_iter([("channel".into(), json!(channel)), ("ts".into(), json!(ts))]))
}

/// <https://docs.slack.dev/reference/methods/chat.postEphemeral>
pub(super) fn post_ephemeral(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let caller = call.caller()?.user.clone();
    let channel = destination(world, call)?;
    let to = call.required("user")?;
    let place = world.channel(&channel)?;
    if place.archived {
        return Err(Refusal::new("is_archived"));
    }
    if !place.members.contains(&caller) {
        return Err(Refusal::new("not_in_channel"));
    }
    if !place.members.contains(&to) {
        return Err(Refusal::new("user_not_in_channel"));
    }
    let words = words(call)?;
    if words.are_empty() {
        return Err(Refusal::new("no_text"));
    }
    let ts = world.whisper(Some(&caller), &to, &channel, words)?;
    Ok(Map::from_iter([("message_ts".into(), json!(ts))]))
}

pub(super) fn permalink(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let channel = call.channel(world, "channel")?;
    let ts = call.required("message_ts")?;
    channel.message(&ts)?;
    let link = world.permalink(&channel.id, &ts);
    Ok(Map::from_iter([("channel".into(), json!(channel.id)), ("permalink".into(), json!(link))]))
}

/// Where a message goes: a channel's id or name, or a person's id for a direct message.
fn destination(world: &mut World, call: &Call) -> Result<ChannelId, Refusal> {
    let caller = call.caller()?.clone();
    let wanted = call.required("channel")?;
    let ours = |channel: &&Channel| caller.teams.contains(&channel.team) && channel.is_visible_to(&caller.user);
    if let Some(channel) = world.channels.get(&wanted).filter(ours) {
        return Ok(channel.id.clone());
    }
    if let Some(user) = world.users.get(&wanted).filter(|user| user.bot.is_none()) {
        let team = user.home().to_owned();
        if !caller.teams.contains(&team) {
            return Err(Refusal::no_channel());
        }
        return Ok(world.direct_channel(&team, &caller.user, &wanted));
    }
    let name = wanted.strip_prefix('#').unwrap_or(&wanted);
    let mut named = world.channels.values().filter(|it| it.kind != Kind::Direct && it.name == name).filter(ours);
    named.next().map(|channel| channel.id.clone()).ok_or_else(Refusal::no_channel)
}

fn words(call: &Call) -> Result<Words, Refusal> {
    let format = |word: &'static str| move |()| Refusal::new(word);
    let blocks = call.json("blocks").map_err(format("invalid_blocks_format"))?;
    if let Some(blocks) = &blocks {
        blocks::check(blocks)?;
    }
    let attachments = call.json("attachments").map_err(format("invalid_attachments"))?;
    if attachments.as_ref().is_some_and(|list| !list.is_array()) {
        return Err(Refusal::new("invalid_attachments"));
    }
    let metadata = call.json("metadata").map_err(format("invalid_metadata_format"))?;
    if let Some(metadata) = &metadata {
        check_metadata(metadata)?;
    }
    let markdown = call.optional("markdown_text").filter(|text| !text.is_empty());
    if markdown.is_some() && (blocks.is_some() || call.optional("text").is_some()) {
        return Err(Refusal::new("markdown_text_conflict"));
    }
    Ok(Words { text: markdown.unwrap_or_else(|| call.text("text")), blocks, attachments, metadata })
}

fn check_metadata(metadata: &Value) -> Result<(), Refusal> {
    // An empty object takes away what was there.
    let none = metadata.as_object().is_some_and(Map::is_empty);
    let whole = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if !none && !whole {
        return Err(Refusal::new("invalid_metadata_schema"));
    }
    if metadata.to_string().len() > METADATA_MAX {
        return Err(Refusal::new("metadata_too_large"));
    }
    Ok(())
}

/// Who wrote it gets its metadata back.
fn shown(world: &World, channel: &str, ts: &str, viewer: &str) -> Result<Value, Refusal> {
    let message = world.channel(channel)?.message(ts)?;
    let mut shown = shapes::message::message(world, message, viewer);
    if let Some(metadata) = &message.words.metadata {
        shown["metadata"] = metadata.clone();
    }
    Ok(shown)
}
