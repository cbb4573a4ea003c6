//! `conversations.join`, `.leave`, `.members`, `.open`.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::super::world::channels::Kind;
use super::call::Call;
use super::cursor;
use super::serve::add_warning;

type Fields = Map<String, Value>;

pub(super) fn join(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = call.caller()?.user.clone();
    let channel = call.channel(world, "channel")?;
    if channel.kind != Kind::Public {
        return Err(Refusal::new("method_not_supported_for_channel_type"));
    }
    let id = channel.id.clone();
    let new = world.join_channel(&user, &id, None)?;
    let mut answer = json!({"channel": shapes::channel::channel(world.channel(&id)?, &user, false)});
    if !new {
        add_warning(&mut answer, "already_in_channel");
    }
    Ok(answer.as_object().cloned().unwrap_or_default())
}

pub(super) fn leave(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = call.caller()?.user.clone();
    let channel = call.channel(world, "channel")?;
    if channel.general {
        return Err(Refusal::new("cant_leave_general"));
    }
    let id = channel.id.clone();
    let was_in = world.leave_channel(&user, &id)?;
    Ok(if was_in { Map::new() } else { Map::from_iter([("not_in_channel".into(), json!(true))]) })
}

pub(super) fn members(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let channel = call.channel(world, "channel")?;
    call.caller()?.need(&channel.kind.scope("read"))?;
    let after = cursor::after(call, "user")?;
    let behind = |id: &&String| after.as_ref().is_none_or(|after| *id > after);
    let all = channel.members.iter().filter(behind).collect();
    let (page, metadata) = cursor::page(all, cursor::limit(call, 100, 999)?, "user", |id: &&String| (*id).clone());
    Ok(Map::from_iter([("members".into(), json!(page)), ("response_metadata".into(), metadata)]))
}

pub(super) fn open(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let (team, user) = (call.team()?, call.caller()?.user.clone());
    let other = call.required("users")?;
    if other.contains(',') {
        return Err(Refusal::new("not_enough_users"));
    }
    if !world.user(&other)?.is_in(&team) {
        return Err(Refusal::new("user_not_found"));
    }
    let id = world.direct_channel(&team, &user, &other);
    Ok(Map::from_iter([("channel".into(), json!({"id": id}))]))
}
