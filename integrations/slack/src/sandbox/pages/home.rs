//! The front page, and who I am.

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::cookies::set_cookie;

use super::super::refusal::Refusal;
use super::super::world::people::User;
use super::super::world::{Workspace, World};
use super::session::USER_COOKIE;
use super::{Page, Visit, see, show};

struct Person {
    id: String,
    name: String,
    real_name: String,
    role: &'static str,
    me: bool,
}

struct Place {
    id: String,
    name: String,
    people: Vec<Person>,
    apps: Vec<String>,
}

#[derive(Template)]
#[template(path = "sandbox/home.html")]
struct HomePage {
    page: Page,
    places: Vec<Place>,
}

#[derive(Template)]
#[template(path = "sandbox/login.html")]
struct LoginPage {
    page: Page,
    places: Vec<Place>,
    return_to: String,
}

pub(super) fn home(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let places = world.workspaces.values().map(|team| place(world, visit, team)).collect();
    Ok(show(&HomePage { page: Page::new(world, &visit.visitor, "Home"), places }))
}

/// For an app that asks about one workspace, only its people.
pub(super) fn ask_login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let wanted = visit.fields.text("team");
    let fits = |team: &&Workspace| wanted.as_ref().is_none_or(|wanted| team.id == *wanted);
    let places = world.workspaces.values().filter(fits).map(|team| place(world, visit, team)).collect();
    let page = Page::new(world, &visit.visitor, "Who are you?");
    Ok(show(&LoginPage { page, places, return_to: return_to(visit) }))
}

pub(super) fn login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.fields.text("user").unwrap_or_default();
    let user = world.users.get(&user).filter(|user| user.bot.is_none());
    let user = user.ok_or_else(|| Refusal::new("user_not_found"))?.id.clone();
    let mut response = see(world, &return_to(visit));
    set_cookie(&world.at, USER_COOKIE, &user, response.headers_mut());
    Ok(response)
}

pub(super) fn logout(world: &mut World, _: &Visit) -> Result<Response, Refusal> {
    let mut response = see(world, "/");
    set_cookie(&world.at, USER_COOKIE, "", response.headers_mut());
    Ok(response)
}

/// Only to a page of ours: it is appended to our own address, and starts with a slash.
fn return_to(visit: &Visit) -> String {
    visit.fields.get("return_to").filter(|path| path.starts_with('/')).unwrap_or("/").to_owned()
}

fn place(world: &World, visit: &Visit, team: &Workspace) -> Place {
    let people = world.users_of(&team.id).filter(|user| user.bot.is_none());
    let installed = world.installations.iter().filter(|it| it.teams.contains(&team.id));
    Place {
        id: team.id.clone(),
        name: team.name.clone(),
        people: people.map(|user| person(visit, user)).collect(),
        apps: installed.filter_map(|it| world.app(&it.app).ok()).map(|app| app.name.clone()).collect(),
    }
}

fn person(visit: &Visit, user: &User) -> Person {
    Person {
        id: user.id.clone(),
        name: user.name.clone(),
        real_name: user.real_name.clone(),
        role: if user.admin { "admin" } else { "member" },
        me: visit.user.as_ref() == Some(&user.id),
    }
}

/// Two letters on a colour of its own.
pub(super) fn avatar(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = world.user(visit.param("user"))?;
    let letters: String = user.real_name.split(' ').filter_map(|word| word.chars().next()).take(2).collect();
    let hue = user.id.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 360);
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" rx="6" fill="hsl({hue} 45% 40%)"/><text x="20" y="26" font-family="sans-serif" font-size="16" text-anchor="middle" fill="#fff">{letters}</text></svg>"##
    );
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")];
    Ok((headers, svg).into_response())
}
