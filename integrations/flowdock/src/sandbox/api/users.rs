//! People. <https://www.flowdock.com/api/users>

use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::answer::Answer;
use super::call::Call;

pub(super) fn myself(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(shapes::people::user(world, world.user(call.user()?)?)))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let known = world.known_to(call.user()?);
    Ok(Answer::ok(known.into_iter().map(|user| shapes::people::user(world, user)).collect::<Value>()))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.id("id")?;
    let known = world.known_to(call.user()?);
    let user = known.into_iter().find(|user| user.id == id).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(shapes::people::user(world, user)))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    world.edit_user(call.user()?, call.id("id")?, call.text("nick"), call.text("email"))?;
    Ok(Answer::empty())
}
