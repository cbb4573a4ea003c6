//! `conversations.list`, `conversations.info`, `users.conversations`.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::super::world::channels::{Channel, Kind};
use super::call::Call;
use super::cursor;

type Fields = Map<String, Value>;

/// At most so many to a page.
const PAGE_MAX: usize = 1000;
const PAGE: usize = 100;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = call.caller()?.user.clone();
    find(world, call, &user, |_| true)
}

pub(super) fn of_user(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = call.optional("user").unwrap_or(call.caller()?.user.clone());
    world.user(&user)?;
    find(world, call, &user, |channel| channel.members.contains(&user))
}

/// What is left out leaves its page shorter, as at Slack: what is archived or hidden counts towards the limit.
fn find(world: &World, call: &Call, user: &str, fits: impl Fn(&Channel) -> bool) -> Result<Fields, Refusal> {
    let kinds = kinds(call)?;
    let team = call.team()?;
    let limit = cursor::limit(call, PAGE, PAGE_MAX)?;
    let after = cursor::after(call, "team")?;
    let behind = |channel: &&Channel| after.as_ref().is_none_or(|after| channel.id > *after);
    let all = world.channels_of(&team).filter(|channel| kinds.contains(&channel.kind)).filter(behind).collect();
    let (page, metadata) = cursor::page(all, limit, "team", |channel: &&Channel| channel.id.clone());
    let shown = |channel: &&Channel| {
        channel.is_visible_to(user) && !(call.flag("exclude_archived") && channel.archived) && fits(channel)
    };
    let channels: Vec<Value> =
        page.into_iter().filter(shown).map(|channel| shapes::channel::channel(channel, user, true)).collect();
    Ok(Map::from_iter([("channels".into(), json!(channels)), ("response_metadata".into(), metadata)]))
}

/// The kinds that are asked for; each needs its own scope.
fn kinds(call: &Call) -> Result<Vec<Kind>, Refusal> {
    let types = call.optional("types").filter(|types| !types.is_empty()).unwrap_or_else(|| "public_channel".to_owned());
    let mut kinds = Vec::new();
    for name in types.split(',').map(str::trim) {
        let kind = [Kind::Public, Kind::Private, Kind::Direct].into_iter().find(|kind| kind.listed() == name);
        match kind {
            Some(kind) => {
                call.caller()?.need(&kind.scope("read"))?;
                kinds.push(kind);
            }
            // There are no group messages here; asking for them is no mistake.
            None if name == "mpim" => call.caller()?.need("mpim:read")?,
            None => return Err(Refusal::new("invalid_types")),
        }
    }
    Ok(kinds)
}

pub(super) fn info(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let channel = call.channel(world, "channel")?;
    call.caller()?.need(&channel.kind.scope("read"))?;
    let shown = shapes::channel::channel(channel, &call.caller()?.user, call.flag("include_num_members"));
    Ok(Map::from_iter([("channel".into(), shown)]))
}
