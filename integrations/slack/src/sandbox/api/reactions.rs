//! `reactions.*`.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::super::world::channels::Channel;
use super::call::Call;

type Fields = Map<String, Value>;

pub(super) fn add(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let name = call.required("name")?;
    let (channel, ts) = target(world, call)?;
    let (channel, user) = (channel.id.clone(), call.caller()?.user.clone());
    world.react(&user, &channel, &ts, &name).map(|()| Map::new())
}

pub(super) fn remove(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let name = call.required("name")?;
    let (channel, ts) = target(world, call)?;
    let (channel, user) = (channel.id.clone(), call.caller()?.user.clone());
    world.take_reaction_back(&user, &channel, &ts, &name).map(|()| Map::new())
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let (channel, ts) = target(world, call)?;
    let mut message = shapes::message::message(world, channel.message(&ts)?, &call.caller()?.user);
    message["permalink"] = json!(world.permalink(&channel.id, &ts));
    Ok(Map::from_iter([
        ("type".into(), json!("message")),
        ("channel".into(), json!(channel.id)),
        ("message".into(), message),
    ]))
}

fn target<'w>(world: &'w World, call: &Call) -> Result<(&'w Channel, String), Refusal> {
    let ts = call.optional("timestamp").filter(|ts| !ts.is_empty()).ok_or_else(|| Refusal::new("no_item_specified"))?;
    let well_made = ts.split_once('.').is_some_and(|(seconds, rest)| {
        [seconds, rest].into_iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if !well_made {
        return Err(Refusal::new("bad_timestamp"));
    }
    let channel = call.channel(world, "channel")?;
    channel.message(&ts)?;
    if !channel.members.contains(&call.caller()?.user) {
        return Err(Refusal::new("not_in_channel"));
    }
    Ok((channel, ts))
}
