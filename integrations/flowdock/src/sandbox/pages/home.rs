//! The front page, who I am, joining by a link, and pictures.

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::cookies::set_cookie;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::flows::{Access, Flow, FlowChange};
use super::session::USER_COOKIE;
use super::{Page, Visit, see, show};

struct Person {
    id: u64,
    nick: String,
    name: String,
    email: String,
    organizations: String,
    me: bool,
}

struct Row {
    path: String,
    name: String,
    organization: String,
    joined: bool,
    people: usize,
}

#[derive(Template)]
#[template(path = "sandbox/home.html")]
struct HomePage {
    page: Page,
    people: Vec<Person>,
    flows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "sandbox/login.html")]
struct LoginPage {
    page: Page,
    people: Vec<Person>,
    return_to: String,
}

#[derive(Template)]
#[template(path = "sandbox/join.html")]
struct JoinPage {
    page: Page,
    flow: String,
    organization: String,
    code: String,
}

pub(super) fn home(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let visible = world.flows.iter().filter(|flow| visit.user.is_some_and(|user| world.may_see(user, flow)));
    let flows = visible.map(|flow| row(world, visit, flow)).collect();
    Ok(show(&HomePage { page: Page::new(world, &visit.visitor, "Home"), people: people(world, visit), flows }))
}

pub(super) fn ask_login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let page = Page::new(world, &visit.visitor, "Who are you?");
    Ok(show(&LoginPage { page, people: people(world, visit), return_to: return_to(visit) }))
}

pub(super) fn login(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let nick = world.user_called(visit.fields.get("user").unwrap_or_default())?.nick.clone();
    let mut response = see(world, &return_to(visit));
    set_cookie(&world.at, USER_COOKIE, &nick, response.headers_mut());
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

pub(super) fn ask_join(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let flow = by_link(world, visit)?;
    Ok(show(&JoinPage {
        page: Page::new(world, &visit.visitor, "Join"),
        flow: flow.name.clone(),
        organization: world.flow_organization(flow)?.name.clone(),
        code: visit.param("code").to_owned(),
    }))
}

pub(super) fn join(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let flow = by_link(world, visit)?;
    let (id, organization, path) = (flow.id.clone(), flow.organization, format!("/app/{}", world.flow_path(flow)));
    if let Some(organization) = world.organizations.get_mut(&organization) {
        organization.members.entry(user).or_insert(false);
    }
    world.change_flow(user, &id, FlowChange { open: Some(true), ..FlowChange::default() })?;
    Ok(see(world, &path))
}

fn by_link<'a>(world: &'a World, visit: &Visit) -> Result<&'a Flow, Refusal> {
    let code = visit.param("code").split('-').next().unwrap_or_default();
    let fits = |flow: &&Flow| flow.join_code == code && flow.access != Access::Invitation;
    world.flows.iter().find(fits).ok_or_else(Refusal::not_found)
}

fn people(world: &World, visit: &Visit) -> Vec<Person> {
    let person = |user: &super::super::world::people::User| Person {
        id: user.id,
        nick: user.nick.clone(),
        name: user.name.clone(),
        email: user.email.clone(),
        organizations: world.organizations_of(user.id).map(|it| it.name.clone()).collect::<Vec<_>>().join(", "),
        me: visit.user == Some(user.id),
    };
    world.users.values().map(person).collect()
}

fn row(world: &World, visit: &Visit, flow: &Flow) -> Row {
    Row {
        path: world.flow_path(flow),
        name: flow.name.clone(),
        organization: world.flow_organization(flow).map_or_else(|_| String::new(), |it| it.name.clone()),
        joined: visit.user.is_some_and(|user| flow.is_in(user)),
        people: flow.members.len(),
    }
}

pub(super) fn avatar(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = world.user(visit.id("id")?)?;
    Ok(picture(&user.name, user.id, 20))
}

pub(super) fn icon(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let app = world.app(visit.id("id")?)?;
    Ok(picture(&app.form.name, app.id, 6))
}

/// Letters on a colour of their own.
fn picture(name: &str, id: u64, radius: u8) -> Response {
    let initials = name.split(' ').filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()));
    let letters: String = initials.take(2).collect();
    let hue = id * 67 % 360;
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'><rect width='40' height='40' rx='{radius}' \
         fill='hsl({hue} 45% 40%)'/><text x='20' y='26' font-family='sans-serif' font-size='16' fill='#fff' \
         text-anchor='middle'>{letters}</text></svg>"
    );
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")], svg).into_response()
}
