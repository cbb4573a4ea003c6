//! Commits, branches and refs.

use serde_json::json;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::answer::Answer;
use super::call::{Call, Need};

pub(super) fn commits(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let start = place.resolve(call.query("sha").unwrap_or(&place.default_branch)).ok_or_else(Refusal::not_found)?;
    let history = place.history(start);
    Ok(Answer::page(world, call, history, |it| shapes::code::commit(world, place, it)))
}

/// By its name, or by a branch's or tag's.
pub(super) fn commit(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let found = place.resolve(call.param("name")).and_then(|sha| place.commits.get(sha));
    let no_commit = || {
        Refusal::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            format!("No commit found for SHA: {}", call.param("name")),
        )
    };
    Ok(Answer::ok(shapes::code::commit(world, place, found.ok_or_else(no_commit)?)))
}

pub(super) fn branches(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let branches = place.branches.iter().collect();
    Ok(Answer::page(world, call, branches, |(name, sha)| shapes::code::branch(world, place, name, sha)))
}

pub(super) fn branch(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let missing = || Refusal::new(axum::http::StatusCode::NOT_FOUND, "Branch not found");
    let (name, sha) = place.branches.get_key_value(call.param("name")).ok_or_else(missing)?;
    Ok(Answer::ok(shapes::code::branch(world, place, name, sha)))
}

/// Makes a branch or a tag at a commit that is there.
pub(super) fn create_reference(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let who = call.caller()?.account;
    let reference = call.text("ref")?.ok_or_else(|| Refusal::schema("\"ref\" wasn't supplied."))?;
    let sha = call.text("sha")?.ok_or_else(|| Refusal::schema("\"sha\" wasn't supplied."))?;
    let place = world.repository(id)?;
    let known = place.commits.contains_key(&sha);
    known.then_some(()).ok_or_else(|| Refusal::custom("Reference", "Object does not exist"))?;
    let exists = || Refusal::custom("Reference", "Reference already exists");
    if let Some(branch) = reference.strip_prefix("refs/heads/") {
        if place.branches.contains_key(branch) {
            return Err(exists());
        }
        world.move_branch(who, id, branch, Some(&sha), false)?;
    } else if let Some(tag) = reference.strip_prefix("refs/tags/") {
        if place.tags.contains_key(tag) {
            return Err(exists());
        }
        world.push_tag(who, id, tag, &sha)?;
    } else {
        return Err(Refusal::custom("Reference", "Reference name must start with 'refs/heads/' or 'refs/tags/'"));
    }
    let url = format!("{}/git/{reference}", shapes::repository::api_url(world, world.repository(id)?));
    Ok(Answer::created(json!({"ref": reference, "url": url, "object": {"type": "commit", "sha": sha}})))
}

pub(super) fn delete_reference(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let who = call.caller()?.account;
    match call.param("name").split_once('/') {
        Some(("heads", branch)) => world.move_branch(who, id, branch, None, false)?,
        Some(("tags", tag)) => world.delete_tag(who, id, tag)?,
        _ => return Err(Refusal::custom("Reference", "Reference does not exist")),
    }
    Ok(Answer::nothing())
}
