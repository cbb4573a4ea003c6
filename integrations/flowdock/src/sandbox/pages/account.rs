//! Which applications may act for me, and my own API token.

use std::collections::BTreeSet;

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::world::{AppId, World};
use super::{Page, Visit, see, show};

struct Row {
    id: AppId,
    name: String,
    scopes: String,
}

#[derive(Template)]
#[template(path = "sandbox/authorized.html")]
struct AuthorizedPage {
    page: Page,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "sandbox/tokens.html")]
struct TokensPage {
    page: Page,
    token: String,
}

pub(super) fn applications(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let mine = || world.tokens.access.iter().filter(|token| token.user == user);
    let apps: BTreeSet<AppId> = mine().map(|token| token.app).collect();
    let row = |id: AppId| -> Result<Row, Refusal> {
        let scopes: BTreeSet<&str> =
            mine().filter(|token| token.app == id).flat_map(|token| &token.scopes).map(String::as_str).collect();
        Ok(Row { id, name: world.app(id)?.form.name.clone(), scopes: Vec::from_iter(scopes).join(", ") })
    };
    let rows = apps.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(show(&AuthorizedPage { page: Page::new(world, &visit.visitor, "Authorized applications"), rows }))
}

pub(super) fn revoke(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    world.revoke_app(visit.user()?, visit.id("id")?);
    Ok(see(world, "/account/authorized_applications"))
}

pub(super) fn tokens(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let token = world.tokens.personal.get(&visit.user()?).cloned().unwrap_or_default();
    Ok(show(&TokensPage { page: Page::new(world, &visit.visitor, "API token"), token }))
}
