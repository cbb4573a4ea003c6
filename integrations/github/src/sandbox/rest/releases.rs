//! Releases. <https://docs.github.com/rest/releases/releases>

use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::people::Role;
use super::super::world::releases::ReleaseWish;
use super::super::world::repository::Release;
use super::super::world::{RepositoryId, World};
use super::answer::Answer;
use super::call::{Call, Need};

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let insider = world.role(call.who(), place) >= Some(Role::Push);
    let releases = place.releases.values().rev().filter(|it| insider || !it.draft).collect();
    Ok(Answer::page(world, call, releases, |it| shapes::code::release(world, place, it)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let release = world.create_release(call.caller()?.account, id, wish(call)?)?;
    Ok(Answer::created(show(world, id, world.release(id, release)?)?))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let release = world.release(id, call.id("release")?)?;
    let insider = world.role(call.who(), world.repository(id)?) >= Some(Role::Push);
    if release.draft && !insider {
        return Err(Refusal::not_found());
    }
    Ok(Answer::ok(show(world, id, release)?))
}

/// The newest that is neither a draft nor a pre-release.
pub(super) fn latest(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let mut full = world.repository(id)?.releases.values().rev().filter(|it| !it.draft && !it.prerelease);
    Ok(Answer::ok(show(world, id, full.next().ok_or_else(Refusal::not_found)?)?))
}

pub(super) fn by_tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let mut published = world.repository(id)?.releases.values().filter(|it| !it.draft);
    let found = published.find(|it| it.tag == call.param("tag")).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(show(world, id, found)?))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let release = call.id("release")?;
    world.change_release(call.caller()?.account, id, release, wish(call)?)?;
    Ok(Answer::ok(show(world, id, world.release(id, release)?)?))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    world.delete_release(call.caller()?.account, id, call.id("release")?)?;
    Ok(Answer::nothing())
}

fn wish(call: &Call) -> Result<ReleaseWish, Refusal> {
    Ok(ReleaseWish {
        tag: call.text("tag_name")?,
        target: call.text("target_commitish")?,
        name: call.text("name")?,
        body: call.text("body")?,
        draft: call.flag("draft")?,
        prerelease: call.flag("prerelease")?,
    })
}

fn show(world: &World, repository: RepositoryId, release: &Release) -> Result<Value, Refusal> {
    Ok(shapes::code::release(world, world.repository(repository)?, release))
}
