//! Organizations. <https://www.flowdock.com/api/organizations>

use serde_json::Value;

use super::super::refusal::{BLANK, Refusal};
use super::super::shapes::people::{member, organization};
use super::super::world::World;
use super::answer::Answer;
use super::call::Call;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(world.organizations_of(call.user()?).map(|it| organization(world, it)).collect::<Value>()))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let found = world.organization_named(call.user()?, call.param("org"))?;
    Ok(Answer::ok(organization(world, found)))
}

pub(super) fn find(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.number("id")?.ok_or_else(|| Refusal::invalid("id", BLANK))?;
    let found = world.organizations_of(call.user()?).find(|it| it.id == id).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(organization(world, found)))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.text("name").ok_or_else(|| Refusal::invalid("name", BLANK))?;
    let found = world.administered(call.user()?, call.param("org"))?;
    found.name = name;
    show(world, call)
}

pub(super) fn users(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let found = world.organization_named(call.user()?, call.param("org"))?;
    Ok(Answer::ok(found.members.keys().map(|id| member(world, found, *id)).collect::<Value>()))
}

pub(super) fn user(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (found, id) = (world.organization_named(call.user()?, call.param("org"))?, call.id("id")?);
    if !found.members.contains_key(&id) {
        return Err(Refusal::not_found());
    }
    Ok(Answer::ok(member(world, found, id)))
}

pub(super) fn remove_user(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.id("id")?;
    let found = world.administered(call.user()?, call.param("org"))?;
    let organization = found.id;
    found.members.remove(&id).ok_or_else(Refusal::not_found)?;
    for flow in world.flows.iter_mut().filter(|flow| flow.organization == organization) {
        flow.members.remove(&id);
    }
    Ok(Answer::nothing())
}
