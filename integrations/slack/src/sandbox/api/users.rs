//! `users.*`, `bots.info`, `team.info`.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes::people;
use super::super::world::World;
use super::super::world::people::User;
use super::call::Call;
use super::cursor;

type Fields = Map<String, Value>;

pub(super) fn info(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let user = world.user(&call.required("user")?)?;
    if !call.caller()?.teams.iter().any(|team| user.is_in(team)) {
        return Err(Refusal::new("user_not_found"));
    }
    Ok(Map::from_iter([("user".into(), shown(world, call, user)?)]))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let team = call.team()?;
    let after = cursor::after(call, "user")?;
    let behind = |user: &&User| after.as_ref().is_none_or(|after| user.id > *after);
    let all = world.users_of(&team).filter(behind).collect();
    // Without a limit Slack sends everyone.
    let limit = cursor::limit(call, usize::MAX, 1000)?;
    let (page, metadata) = cursor::page(all, limit, "user", |user: &&User| user.id.clone());
    let members = page.into_iter().map(|user| shown(world, call, user)).collect::<Result<Vec<Value>, _>>()?;
    Ok(Map::from_iter([
        ("members".into(), json!(members)),
        ("cache_ts".into(), json!(super::super::world::now())),
        ("response_metadata".into(), metadata),
    ]))
}

pub(super) fn by_email(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let (team, email) = (call.team()?, call.required("email")?);
    let found = world.users_of(&team).find(|user| user.bot.is_none() && user.email().eq_ignore_ascii_case(&email));
    let user = found.ok_or_else(|| Refusal::new("users_not_found"))?;
    Ok(Map::from_iter([("user".into(), shown(world, call, user)?)]))
}

pub(super) fn bot(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let wanted = call.required("bot")?;
    let found = world.users.values().find(|user| user.bot.as_ref().is_some_and(|bot| bot.id == wanted));
    let teams = &call.caller()?.teams;
    let found = found.filter(|user| teams.iter().any(|team| user.is_in(team)));
    let shown = found.and_then(|user| people::bot(world, user, None)).ok_or_else(|| Refusal::new("bot_not_found"))?;
    Ok(Map::from_iter([("bot".into(), shown)]))
}

pub(super) fn team(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let team = call.optional("team").map_or_else(|| call.team(), Ok)?;
    if !call.caller()?.teams.contains(&team) {
        return Err(Refusal::new("team_not_found"));
    }
    Ok(Map::from_iter([("team".into(), people::team(world, world.workspace(&team)?))]))
}

fn shown(world: &World, call: &Call, user: &User) -> Result<Value, Refusal> {
    Ok(people::user(world, user, call.caller()?.holds("users:read.email")))
}
