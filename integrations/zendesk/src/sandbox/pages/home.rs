//! The front page, and who I am.

use askama::Template;
use axum::response::Response;
use integration_sandboxkit::cookies::set_cookie;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::account::Account;
use super::session::USER_COOKIE;
use super::{Page, Visit, see, show};

struct Person {
    id: u64,
    name: String,
    email: String,
    role: &'static str,
    me: bool,
}

struct Place {
    subdomain: String,
    name: String,
    people: Vec<Person>,
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
    let places = world.accounts.values().map(|account| place(world, visit, account)).collect();
    Ok(show(&HomePage { page: Page::new(world, &visit.visitor, "Home"), places }))
}

/// For an app that asks about one account, only its people.
pub(super) fn ask_login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let wanted = visit.fields.text("account");
    let fits = |account: &&Account| wanted.as_ref().is_none_or(|wanted| account.subdomain == *wanted);
    let places = world.accounts.values().filter(fits).map(|account| place(world, visit, account)).collect();
    let page = Page::new(world, &visit.visitor, "Who are you?");
    Ok(show(&LoginPage { page, places, return_to: return_to(visit) }))
}

pub(super) fn login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.fields.text("user").and_then(|id| id.parse::<u64>().ok());
    let known = user.filter(|user| world.accounts.values().any(|account| account.user(*user).is_ok()));
    let user = known.ok_or_else(Refusal::not_found)?;
    let mut response = see(world, &return_to(visit));
    set_cookie(&world.at, USER_COOKIE, &user.to_string(), response.headers_mut());
    Ok(response)
}

pub(super) fn logout(world: &mut World, _: &Visit) -> Result<Response, Refusal> {
    let mut response = see(world, "/");
    set_cookie(&world.at, USER_COOKIE, "", response.headers_mut());
    Ok(response)
}

/// An account's front door: agents go to their tickets, customers to their requests.
pub(super) fn enter(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let account = visit.account(world)?;
    let name = &account.subdomain;
    Ok(match visit.visitor.user_in(world, name) {
        None => see(world, &format!("/login?account={name}&return_to=/{name}")),
        Some(user) if account.user(user)?.role.is_staff() => see(world, &format!("/{name}/agent")),
        Some(_) => see(world, &format!("/{name}/hc/requests")),
    })
}

/// Only to a page of ours: it is appended to our own address, and starts with a slash.
fn return_to(visit: &Visit) -> String {
    visit.fields.get("return_to").filter(|path| path.starts_with('/')).unwrap_or("/").to_owned()
}

fn place(world: &World, visit: &Visit, account: &Account) -> Place {
    let me = visit.visitor.user_in(world, &account.subdomain);
    let people = account.users.values().filter(|user| user.active).map(|user| Person {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone().unwrap_or_default(),
        role: user.role.title(),
        me: me == Some(user.id),
    });
    Place { subdomain: account.subdomain.clone(), name: account.name.clone(), people: people.collect() }
}
