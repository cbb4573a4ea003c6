//! Sources. <https://www.flowdock.com/api/sources>

use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::shapes::source::{new_source, source as shown};
use super::super::world::sources::SourceChange;
use super::super::world::{SourceId, World};
use super::answer::Answer;
use super::call::Call;
use super::caller::Caller;

/// A token of a source sees that one.
pub(super) fn list_all(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    if let Some(id) = call.source() {
        return Ok(Answer::ok(Value::Array(vec![shown(world, world.source(id)?)])));
    }
    let user = call.user()?;
    let joined = world.flows.iter().filter(|flow| flow.is_in(user));
    let sources = joined.flat_map(|flow| world.sources_of(&flow.id));
    Ok(Answer::ok(sources.map(|it| shown(world, it)).collect::<Value>()))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    Ok(Answer::ok(world.sources_of(&flow).map(|it| shown(world, it)).collect::<Value>()))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = of_path(world, call)?;
    Ok(Answer::ok(shown(world, world.source(id)?)))
}

/// A source belongs to an application, so only an application can make one.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let user = call.user()?;
    let Some(Caller::User { app: Some(app), .. }) = call.caller else {
        return Err(Refusal::forbidden(
            "only an application's access token with the scope integration creates sources",
        ));
    };
    let flow = call.flow(world)?.id.clone();
    let id = world.create_source(user, app, &flow, call.text("name"), call.text("external_url"))?;
    Ok(Answer::created(new_source(world, world.source(id)?)))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = of_path(world, call)?;
    change_that(world, call, id)
}

/// By its own token.
pub(super) fn change_own(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.source().ok_or_else(|| Refusal::invalid("flow_token", super::super::refusal::BLANK))?;
    change_that(world, call, id)
}

fn change_that(world: &mut World, call: &Call, id: SourceId) -> Result<Answer, Refusal> {
    let change = SourceChange {
        error_message: call.sent_text("error_message"),
        configuration_url: call.sent_text("configuration_url"),
    };
    world.change_source(id, change)?;
    Ok(Answer::ok(shown(world, world.source(id)?)))
}

pub(super) fn remove(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = of_path(world, call)?;
    world.remove_source(call.user()?, id)?;
    Ok(Answer::nothing())
}

fn of_path(world: &World, call: &Call) -> Result<SourceId, Refusal> {
    let flow = call.joined(world)?;
    let source = world.source(call.id("id")?)?;
    if source.flow == flow { Ok(source.id) } else { Err(Refusal::not_found()) }
}
