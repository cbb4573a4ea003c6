//! `conversations.history` and `conversations.replies`.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::super::world::channels::{Channel, Kind};
use super::super::world::messages::Message;
use super::call::Call;
use super::cursor;

type Fields = Map<String, Value>;

const PAGE_MAX: usize = 999;

pub(super) fn history(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let channel = readable(world, call)?;
    let after = cursor::after(call, "next_ts")?;
    let within = window(call);
    // The newest first; replies stand in their threads, unless they were sent to the channel too.
    let mut all: Vec<&Message> = channel.messages.values().rev().filter(|it| !it.is_reply() || it.broadcast).collect();
    all.retain(|message| within(message) && after.as_ref().is_none_or(|after| message.ts < *after));
    let (page, metadata) = cursor::page(all, cursor::limit(call, 100, PAGE_MAX)?, "next_ts", |it| it.ts.clone());
    Ok(answer(world, call, page, metadata))
}

pub(super) fn replies(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let channel = readable(world, call)?;
    let ts = call.required("ts")?;
    let named = channel.messages.get(&ts).ok_or_else(|| Refusal::new("thread_not_found"))?;
    let after = cursor::after(call, "next_ts")?;
    let thread = named.thread.clone().unwrap_or_else(|| named.ts.clone());
    let first = channel.messages.get(&thread).into_iter();
    let within = window(call);
    // The first message of the thread comes with each page.
    let goes_on = |it: &&Message| within(it) && after.as_ref().is_none_or(|after| it.ts > *after);
    let rest: Vec<&Message> = channel.replies(&thread).filter(goes_on).collect();
    let (page, metadata) = cursor::page(rest, cursor::limit(call, 1000, 1000)?, "next_ts", |it| it.ts.clone());
    Ok(answer(world, call, first.chain(page).collect(), metadata))
}

/// The channel, if the caller may read it: it has the scope and is in it.
fn readable<'w>(world: &'w World, call: &Call) -> Result<&'w Channel, Refusal> {
    let channel = call.channel(world, "channel")?;
    let caller = call.caller()?;
    caller.need(&channel.kind.scope("history"))?;
    // A person may read every public channel; a bot only those it is in.
    let reads = channel.members.contains(&caller.user) || (!caller.is_bot && channel.kind == Kind::Public);
    if reads { Ok(channel) } else { Err(Refusal::new("not_in_channel")) }
}

/// `oldest` and `latest`, of which both are outside unless `inclusive`.
fn window(call: &Call) -> impl Fn(&Message) -> bool {
    let bound = |field: &str| call.optional(field).and_then(|text| text.parse::<f64>().ok());
    let (oldest, latest, inclusive) = (bound("oldest"), bound("latest"), call.flag("inclusive"));
    move |message| {
        let ts: f64 = message.ts.parse().unwrap_or_default();
        let young = oldest.is_none_or(|oldest| ts > oldest || (inclusive && ts >= oldest));
        let old = latest.is_none_or(|latest| ts < latest || (inclusive && ts <= latest));
        young && old
    }
}

fn answer(world: &World, call: &Call, page: Vec<&Message>, metadata: Value) -> Fields {
    let viewer = call.caller.as_ref().map(|caller| caller.user.clone()).unwrap_or_default();
    let with_metadata = call.flag("include_all_metadata");
    let shown = page.into_iter().map(|message| {
        let mut shown = shapes::message::message(world, message, &viewer);
        if let Some(metadata) = message.words.metadata.as_ref().filter(|_| with_metadata) {
            shown["metadata"] = metadata.clone();
        }
        shown
    });
    let more = metadata["next_cursor"] != "";
    let mut fields = Map::from_iter([
        ("messages".into(), shown.collect()),
        ("has_more".into(), json!(more)),
        ("pin_count".into(), json!(0)),
    ]);
    if more {
        fields.insert("response_metadata".into(), metadata);
    }
    fields
}
