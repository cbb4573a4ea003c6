//! Flows, who is in them, and invitations. <https://www.flowdock.com/api/flows>

use serde_json::Value;

use super::super::refusal::{BLANK, Refusal};
use super::super::shapes::flow::{flow as shown, invitation as shown_invitation, people};
use super::super::world::World;
use super::super::world::flows::{Access, FlowChange};
use super::answer::Answer;
use super::call::Call;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (user, users) = (call.user()?, call.flag("users")?.unwrap_or(false));
    let joined = world.flows.iter().filter(|flow| flow.is_in(user));
    Ok(Answer::ok(joined.map(|flow| shown(world, flow, user, users)).collect::<Value>()))
}

pub(super) fn all(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (user, users) = (call.user()?, call.flag("users")?.unwrap_or(false));
    // By link one joins with the link.
    let visible = world.flows.iter().filter(|flow| flow.is_in(user) || flow.access == Access::Organization);
    let visible = visible.filter(|flow| world.may_see(user, flow));
    Ok(Answer::ok(visible.map(|flow| shown(world, flow, user, users)).collect::<Value>()))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(shown(world, call.flow(world)?, call.user()?, true)))
}

pub(super) fn find(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let user = call.user()?;
    let id = call.text("id").ok_or_else(|| Refusal::invalid("id", BLANK))?;
    let found = world.flow(&id)?;
    if !world.may_see(user, found) {
        return Err(Refusal::not_found());
    }
    Ok(Answer::ok(shown(world, found, user, true)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let user = call.user()?;
    let id = world.create_flow(user, call.param("org"), call.text("name"))?;
    Ok(Answer::created(shown(world, world.flow(&id)?, user, true)))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.flow(world)?.id.clone();
    let access = match call.text("access_mode") {
        None => None,
        Some(text) => {
            Some(Access::parse(&text).ok_or_else(|| Refusal::invalid("access_mode", "is not included in the list"))?)
        }
    };
    let change =
        FlowChange { name: call.text("name"), open: call.flag("open")?, disabled: call.flag("disabled")?, access };
    let user = call.user()?;
    world.change_flow(user, &id, change)?;
    Ok(Answer::ok(shown(world, world.flow(&id)?, user, true)))
}

pub(super) fn users(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(people(world, call.flow(world)?)))
}

pub(super) fn add_user(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    let user = call.number("id")?.ok_or_else(|| Refusal::invalid("id", BLANK))?;
    world.add_to_flow(call.user()?, &flow, user)?;
    Ok(Answer::empty())
}

pub(super) fn block_user(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    let disabled = call.flag("disabled")?.ok_or_else(|| Refusal::invalid("disabled", BLANK))?;
    world.block(call.user()?, &flow, call.id("id")?, disabled)?;
    Ok(Answer::empty())
}

pub(super) fn invitations(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    let of_flow = world.invitations.iter().filter(|it| it.flow == flow);
    Ok(Answer::ok(of_flow.map(|it| shown_invitation(world, it)).collect::<Value>()))
}

pub(super) fn invitation(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    Ok(Answer::ok(shown_invitation(world, world.invitation(&flow, call.id("id")?)?)))
}

pub(super) fn invite(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    let id = world.invite(call.user()?, &flow, call.text("email"))?;
    Ok(Answer::created(shown_invitation(world, world.invitation(&flow, id)?)))
}

/// A text with addresses in it, one a line or with commas.
pub(super) fn invite_many(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (flow, user) = (call.joined(world)?, call.user()?);
    let list = call.text("list").ok_or_else(|| Refusal::invalid("list", BLANK))?;
    let emails = list.split(|letter: char| letter == ',' || letter.is_whitespace()).filter(|it| it.contains('@'));
    let ids: Vec<u64> =
        emails.map(|email| world.invite(user, &flow, Some(email.to_owned()))).collect::<Result<_, _>>()?;
    let made = world.invitations.iter().filter(|it| ids.contains(&it.id));
    Ok(Answer::ok(made.map(|it| shown_invitation(world, it)).collect::<Value>()))
}

pub(super) fn uninvite(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    world.take_invitation_back(&flow, call.id("id")?)?;
    Ok(Answer::nothing())
}
