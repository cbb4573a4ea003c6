//! Private conversations of two. <https://www.flowdock.com/api/private-conversations>

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::messages::Place;
use super::super::world::{UserId, World};
use super::answer::Answer;
use super::call::Call;
use super::messages;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let user = call.user()?;
    let others = world.known_to(user).into_iter().map(|other| other.id);
    let spoken = others.filter(|other| world.messages_of(&Place::private(user, *other)).next().is_some());
    Ok(Answer::ok(spoken.map(|other| conversation(world, user, other)).collect::<Value>()))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(conversation(world, call.user()?, other(world, call)?)))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (user, other) = (call.user()?, other(world, call)?);
    match call.flag("open")? {
        Some(true) => drop(world.closed_private.remove(&(user, other))),
        Some(false) => drop(world.closed_private.insert((user, other))),
        None => {}
    }
    show(world, call)
}

fn conversation(world: &World, user: UserId, other: UserId) -> Value {
    let name = world.users.get(&other).map(|it| it.name.clone());
    let users: Value =
        [user, other].iter().filter_map(|id| world.users.get(id)).map(|it| shapes::people::user(world, it)).collect();
    json!({
        "id": other,
        "name": name,
        "open": !world.closed_private.contains(&(user, other)),
        "url": world.api(&format!("/private/{other}")),
        "users": users,
    })
}

/// Somebody the caller knows.
fn other(world: &World, call: &Call) -> Result<UserId, Refusal> {
    let id = call.id("user")?;
    let known = world.known_to(call.user()?).iter().any(|user| user.id == id);
    if known { Ok(id) } else { Err(Refusal::not_found()) }
}

fn place(world: &World, call: &Call) -> Result<Place, Refusal> {
    Ok(Place::private(call.user()?, other(world, call)?))
}

pub(super) fn messages(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = place(world, call)?;
    messages::listed(world, call, &place)
}

pub(super) fn post(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = place(world, call)?;
    let post = messages::read(world, call, &place)?;
    if !matches!(post.event.as_deref(), None | Some("message" | "file")) {
        return Err(Refusal::invalid("event", "is not included in the list"));
    }
    messages::send(world, call, &place, post)
}

pub(super) fn message(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = place(world, call)?;
    Ok(Answer::ok(shapes::message::message(world, world.message(&place, call.id("id")?)?)))
}

pub(super) fn edit(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = place(world, call)?;
    messages::edited(world, call, &place)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = place(world, call)?;
    messages::deleted(world, call, &place)
}
