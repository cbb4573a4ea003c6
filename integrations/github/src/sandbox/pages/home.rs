//! The front page, and the pages of people and organizations.

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::people::{Account, Kind};
use super::super::world::repository::Repository;
use super::{Page, Visit, show};

struct Row {
    name: String,
    about: String,
    private: bool,
    archived: bool,
    open: usize,
}

struct Person {
    login: String,
    name: String,
    id: u64,
    role: String,
}

#[derive(Template)]
#[template(path = "sandbox/home.html")]
struct HomePage {
    page: Page,
    people: Vec<Person>,
    repositories: Vec<Row>,
    more: Vec<Row>,
}

#[derive(Template)]
#[template(path = "sandbox/profile.html")]
struct ProfilePage {
    page: Page,
    login: String,
    name: String,
    kind: &'static str,
    id: u64,
    members: Vec<Person>,
    repositories: Vec<Row>,
}

/// Repositories with something going on come first; the many small ones are folded away.
pub(super) fn home(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let people = world.users().map(|account| person(world, account)).collect();
    let visible = world.repositories.values().filter(|it| world.role(visit.account, it).is_some());
    let (lively, quiet): (Vec<&Repository>, Vec<&Repository>) = visible.partition(|it| {
        world.account(it.owner).kind == Kind::Organization || !it.issues.is_empty() || !it.hooks.is_empty()
    });
    let rows = |list: Vec<&Repository>| list.into_iter().map(|it| row(world, it)).collect();
    Ok(show(&HomePage {
        page: Page::new(world, &visit.visitor, "Home"),
        people,
        repositories: rows(lively),
        more: rows(quiet),
    }))
}

pub(super) fn profile(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let account = world.account_named(visit.param("owner")).ok_or_else(Refusal::not_found)?;
    let owned = world.repositories.values().filter(|it| it.owner == account.id);
    let visible = owned.filter(|it| world.role(visit.account, it).is_some());
    Ok(show(&ProfilePage {
        page: Page::new(world, &visit.visitor, &account.login),
        login: account.login.clone(),
        name: account.name.clone(),
        kind: account.kind.as_str(),
        id: account.id,
        members: account.members.keys().map(|id| person(world, world.account(*id))).collect(),
        repositories: visible.map(|it| row(world, it)).collect(),
    }))
}

/// A letter on a colour of its own.
pub(super) fn avatar(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let account = world.accounts.get(&visit.id("id")?).ok_or_else(Refusal::not_found)?;
    let letter = account.name.chars().next().unwrap_or('?');
    let hue = account.id * 67 % 360;
    let picture = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'><rect width='40' height='40' rx='8' \
         fill='hsl({hue} 55% 45%)'/><text x='20' y='27' font-family='sans-serif' font-size='20' fill='#fff' \
         text-anchor='middle'>{letter}</text></svg>"
    );
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response())
}

fn person(world: &World, account: &Account) -> Person {
    let memberships = world.accounts.values().filter_map(|it| Some((it, it.members.get(&account.id)?)));
    let roles: Vec<String> =
        memberships.map(|(it, owns)| format!("{} of {}", if *owns { "owner" } else { "member" }, it.login)).collect();
    let role = if roles.is_empty() { "in no organization".to_owned() } else { roles.join(", ") };
    Person { login: account.login.clone(), name: account.name.clone(), id: account.id, role }
}

fn row(world: &World, repository: &Repository) -> Row {
    Row {
        name: world.full_name(repository),
        about: repository.description.clone().unwrap_or_default(),
        private: repository.private,
        archived: repository.archived,
        open: repository.open_issues(),
    }
}
