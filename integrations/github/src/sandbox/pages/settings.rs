//! A repository's settings: name, owner, visibility, end.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::people::Role;
use super::repository::Heading;
use super::{Page, Visit, see, see_below, show as show_page};

#[derive(Template)]
#[template(path = "sandbox/settings.html")]
struct SettingsPage {
    page: Page,
    heading: Heading,
    name: String,
    id: u64,
    has_issues: bool,
    owners: Vec<String>,
}

pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = world.repository(visit.repository(world, Role::Admin)?)?;
    Ok(show_page(&SettingsPage {
        page: Page::new(world, &visit.visitor, &format!("Settings of {}", world.full_name(place))),
        heading: Heading::of(world, visit, place),
        name: place.name.clone(),
        id: place.id,
        has_issues: place.has_issues,
        owners: world.accounts.values().filter(|it| it.id != place.owner).map(|it| it.login.clone()).collect(),
    }))
}

pub(super) fn rename(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.rename_repository(visit.account()?, id, &visit.fields.text("name").unwrap_or_default())?;
    see_below(world, id, "/settings")
}

/// The old owner may no longer enter the settings, so it ends on the front page of the repository.
pub(super) fn transfer(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.transfer_repository(visit.account()?, id, &visit.fields.text("owner").unwrap_or_default(), None)?;
    see_below(world, id, "")
}

pub(super) fn archive(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.archive_repository(visit.account()?, id, visit.fields.get("archived") != Some("no"))?;
    see_below(world, id, "/settings")
}

pub(super) fn visibility(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    let private = visit.fields.get("visibility") == Some("private");
    world.hide_repository(visit.account()?, id, private)?;
    see_below(world, id, "/settings")
}

pub(super) fn issues(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.repository_mut(id)?.has_issues = visit.fields.get("has_issues") != Some("no");
    see_below(world, id, "/settings")
}

pub(super) fn delete(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.delete_repository(id)?;
    Ok(see(world, "/"))
}
