//! Who am I, which apps may act for me, which tokens do I have.

use askama::Template;
use axum::response::Response;
use integration_sandboxkit::cookies::set_cookie;

use super::super::oauth::scopes;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::session::USER_COOKIE;
use super::{Page, Visit, see, show as show_page};

struct Choice {
    login: String,
    name: String,
    id: u64,
    suggested: bool,
}

#[derive(Template)]
#[template(path = "sandbox/login.html")]
struct LoginPage {
    page: Page,
    people: Vec<Choice>,
    return_to: String,
}

struct Permission {
    client_id: String,
    name: String,
    scopes: String,
    tokens: usize,
}

struct TokenRow {
    id: u64,
    note: String,
    scopes: String,
    ending: String,
}

#[derive(Template)]
#[template(path = "sandbox/applications.html")]
struct ApplicationsPage {
    page: Page,
    permissions: Vec<Permission>,
    tokens: Vec<TokenRow>,
    fresh: Option<String>,
}

pub(super) fn ask_login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let suggested = visit.fields.get("login").unwrap_or_default();
    let people = world.users().map(|account| Choice {
        login: account.login.clone(),
        name: account.name.clone(),
        id: account.id,
        suggested: account.login == suggested,
    });
    let mut people: Vec<Choice> = people.collect();
    people.sort_by_key(|person| !person.suggested);
    Ok(show_page(&LoginPage {
        page: Page::new(world, &visit.visitor, "Who are you?"),
        people,
        return_to: return_to(visit),
    }))
}

pub(super) fn login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let login = visit.fields.text("user").unwrap_or_default();
    let missing = || Refusal::custom("User", "there is nobody of that name here");
    let login = world.user_named(&login).ok_or_else(missing)?.login.clone();
    let mut response = see(world, &return_to(visit));
    set_cookie(&world.at, USER_COOKIE, &login, response.headers_mut());
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

pub(super) fn applications(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    show_applications(world, visit, None)
}

pub(super) fn revoke(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    world.registrations.revoke_grant(visit.account()?, visit.param("client_id"));
    Ok(see(world, "/settings/applications"))
}

/// Shown once, on the answer itself, as GitHub does.
pub(super) fn make_token(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let scopes = scopes::normalised(&visit.fields.all("scopes").collect::<Vec<_>>().join(" "));
    let note = visit.fields.text("note").unwrap_or_else(|| "Without a note".to_owned());
    let token = world.registrations.issue_personal_token(visit.account()?, note, scopes);
    show_applications(world, visit, Some(token.value))
}

pub(super) fn delete_token(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let (who, id) = (visit.account()?, visit.id("id")?);
    world.registrations.tokens.retain(|token| !(token.account == who && token.id == id));
    Ok(see(world, "/settings/applications"))
}

fn show_applications(world: &World, visit: &Visit, fresh: Option<String>) -> Result<Response, Refusal> {
    let who = visit.account()?;
    let registrations = &world.registrations;
    let mine = registrations.grants.iter().filter(|grant| grant.account == who);
    let permissions = mine.map(|grant| Permission {
        client_id: grant.client_id.clone(),
        name: registrations.app(&grant.client_id).map(|app| app.name.clone()).unwrap_or_default(),
        scopes: or_none(&grant.scopes),
        tokens: registrations
            .tokens
            .iter()
            .filter(|token| token.account == who && token.client_id.as_ref() == Some(&grant.client_id))
            .count(),
    });
    let personal = registrations.tokens.iter().filter(|token| token.account == who && token.client_id.is_none());
    let tokens = personal.map(|token| TokenRow {
        id: token.id,
        note: token.note.clone().unwrap_or_default(),
        scopes: or_none(&token.scopes),
        ending: token.value[token.value.len() - 4..].to_owned(),
    });
    Ok(show_page(&ApplicationsPage {
        page: Page::new(world, &visit.visitor, "Applications"),
        permissions: permissions.collect(),
        tokens: tokens.collect(),
        fresh,
    }))
}

fn or_none(scopes: &[String]) -> String {
    if scopes.is_empty() { "no scopes".to_owned() } else { scopes.join(", ") }
}
