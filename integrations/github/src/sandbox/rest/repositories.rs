//! One repository: shown, changed, moved, removed; its people and labels.

use serde_json::json;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::super::world::people::Role;
use super::answer::Answer;
use super::call::{Call, Need};

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let mut shown = shapes::repository::repository_for(world, world.repository(id)?, call.who());
    let owner = world.account(world.repository(id)?.owner);
    if owner.kind == super::super::world::people::Kind::Organization {
        shown["organization"] = shapes::people::user(world, owner.id);
    }
    shown["network_count"] = json!(0);
    shown["subscribers_count"] = json!(1);
    Ok(Answer::ok(shown))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Admin)?;
    let who = call.caller()?.account;
    let archived = call.flag("archived")?;
    // An archived repository only understands being taken out of the archive.
    if archived != Some(false) {
        world.not_archived(id)?;
    }
    if archived == Some(false) {
        world.archive_repository(who, id, false)?;
    }
    if let Some(name) = call.text("name")? {
        world.rename_repository(who, id, &name)?;
    }
    if let Some(description) = call.text("description")? {
        world.describe_repository(who, id, Some(description).filter(|text| !text.is_empty()))?;
    }
    if let Some(has_issues) = call.flag("has_issues")? {
        world.repository_mut(id)?.has_issues = has_issues;
    }
    let private = match call.text("visibility")?.as_deref() {
        Some("private") => Some(true),
        Some("public") => Some(false),
        Some(_) => return Err(Refusal::invalid("Repository", "visibility", "invalid")),
        None => call.flag("private")?,
    };
    if let Some(private) = private {
        world.hide_repository(who, id, private)?;
    }
    if archived == Some(true) {
        world.archive_repository(who, id, true)?;
    }
    Ok(Answer::ok(shapes::repository::repository_for(world, world.repository(id)?, call.who())))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Delete)?;
    world.delete_repository(id)?;
    Ok(Answer::nothing())
}

pub(super) fn transfer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Admin)?;
    let to = call.text("new_owner")?.ok_or_else(|| Refusal::schema("\"new_owner\" wasn't supplied."))?;
    let name = call.text("new_name")?;
    world.transfer_repository(call.caller()?.account, id, &to, name.as_deref())?;
    Ok(Answer::accepted(shapes::repository::repository_for(world, world.repository(id)?, call.who())))
}

pub(super) fn star(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    world.star_repository(call.caller()?.account, id, true)?;
    Ok(Answer::nothing())
}

pub(super) fn unstar(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    world.star_repository(call.caller()?.account, id, false)?;
    Ok(Answer::nothing())
}

pub(super) fn collaborators(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let place = world.repository(id)?;
    let people = world.assignable(place);
    Ok(Answer::page(world, call, people, |who| {
        let role = world.role(Some(*who), place).unwrap_or(Role::Read);
        let mut shown = shapes::people::user(world, *who);
        shown["permissions"] = json!({
            "pull": true, "triage": role >= Role::Triage, "push": role >= Role::Push,
            "maintain": role >= Role::Maintain, "admin": role >= Role::Admin,
        });
        shown["role_name"] = json!(match role {
            Role::Read => "read",
            Role::Triage => "triage",
            Role::Push => "write",
            Role::Maintain => "maintain",
            Role::Admin => "admin",
        });
        shown
    }))
}

pub(super) fn assignees(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let people = world.assignable(world.repository(id)?);
    Ok(Answer::page(world, call, people, |who| shapes::people::user(world, *who)))
}

pub(super) fn is_assignable(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let people = world.assignable(world.repository(id)?);
    let asked = world.user_named(call.param("login")).map(|account| account.id);
    match asked.is_some_and(|who| people.contains(&who)) {
        true => Ok(Answer::nothing()),
        false => Err(Refusal::not_found()),
    }
}

pub(super) fn labels(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let labels = place.labels.iter().collect();
    Ok(Answer::page(world, call, labels, |label| shapes::repository::label(world, place, label)))
}

pub(super) fn create_label(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let name = call.text("name")?.unwrap_or_default();
    let color = call.text("color")?.unwrap_or_else(|| "ededed".to_owned());
    world.create_label(call.caller()?.account, id, &name, &color, call.text("description")?)?;
    let place = world.repository(id)?;
    let label = place.label(&name).ok_or_else(Refusal::not_found)?;
    Ok(Answer::created(shapes::repository::label(world, place, label)))
}
