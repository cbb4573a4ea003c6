//! `GET /oauth/authorize`: who are you, and may this application have that? And the answer, by POST.

use askama::Template;
use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::random;
use url::{Url, form_urlencoded};

use super::super::Sandbox;
use super::super::pages::session::{Visitor, guard_cookie};
use super::super::pages::{Page, show};
use super::super::refusal::Refusal;
use super::super::world::apps::OOB;
use super::super::world::{AppId, UserId, World};
use super::scopes;

/// Open consent pages remembered; the oldest is forgotten.
const TICKETS_KEPT: usize = 1000;

/// A consent page somebody has open. Its name is unguessable and bound to that browser: that is the CSRF guard.
pub(in super::super) struct Ticket {
    name: String,
    guard: String,
    user: UserId,
    wish: Wish,
}

/// What the application asks for, understood.
#[derive(Clone)]
struct Wish {
    app: AppId,
    redirect_uri: String,
    scopes: Vec<String>,
    state: Option<String>,
}

/// An authorize request that goes no further.
enum Stop {
    /// Nobody to go back to.
    Page(Refusal),
    Back(Url),
}

struct Asked {
    scope: String,
    meaning: &'static str,
}

#[derive(Template)]
#[template(path = "sandbox/consent.html")]
struct ConsentPage {
    page: Page,
    app: String,
    name: String,
    scopes: Vec<Asked>,
    destination: String,
    ticket: String,
    return_to: String,
}

#[derive(Template)]
#[template(path = "sandbox/code.html")]
struct CodePage {
    page: Page,
    code: String,
}

pub(super) async fn ask(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let visitor = Visitor::of(&headers);
    let mut world = sandbox.world();
    let wish = match understand(&world, &Fields::parse(query.as_bytes())) {
        Ok(wish) => wish,
        Err(Stop::Back(url)) => return found(url.as_str()),
        Err(Stop::Page(refusal)) => return Page::refusal(&world, &visitor, &refusal),
    };
    let return_to = format!("/oauth/authorize?{query}");
    let Some(user) = visitor.user(&world) else {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", &return_to).finish();
        return Redirect::to(&world.api(&format!("/login?{query}"))).into_response();
    };
    consent_page(&mut world, &visitor, user, wish, return_to)
        .unwrap_or_else(|refusal| Page::refusal(&world, &visitor, &refusal))
}

fn consent_page(
    world: &mut World,
    visitor: &Visitor,
    user: UserId,
    wish: Wish,
    return_to: String,
) -> Result<Response, Refusal> {
    let guard = visitor.guard.clone().unwrap_or_else(|| random::hex(32));
    let ticket = random::hex(32);
    let app = world.app(wish.app)?.form.name.clone();
    let asked = wish.scopes.iter().map(|scope| Asked { scope: scope.clone(), meaning: scopes::meaning(scope) });
    let destination = Url::parse(&wish.redirect_uri).ok().filter(|_| wish.redirect_uri != OOB);
    let page = ConsentPage {
        page: Page::new(world, visitor, &format!("Authorize {app}")),
        app,
        name: world.user(user)?.name.clone(),
        scopes: asked.collect(),
        destination: destination.map_or("a page with the code".to_owned(), |url| url.origin().ascii_serialization()),
        ticket: ticket.clone(),
        return_to,
    };
    let open = &mut world.control.tickets;
    open.push_back(Ticket { name: ticket, guard: guard.clone(), user, wish });
    if open.len() > TICKETS_KEPT {
        open.pop_front();
    }
    let mut response = show(&page);
    guard_cookie(world, &guard, response.headers_mut());
    Ok(response)
}

pub(super) async fn decide(State(sandbox): State<Sandbox>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    let fields = Fields::parse(&body);
    let visitor = Visitor::of(&headers);
    let mut world = sandbox.world();
    let open = &mut world.control.tickets;
    let position = open.iter().position(|it| {
        Some(it.name.as_str()) == fields.get("ticket") && Some(it.guard.as_str()) == visitor.guard.as_deref()
    });
    let Some(ticket) = position.and_then(|position| open.remove(position)) else {
        let refusal = Refusal::forbidden("This page is no longer valid. Go back to the application and start again.");
        return Page::refusal(&world, &visitor, &refusal);
    };
    let agreed = fields.get("decision") == Some("authorize");
    let way = answer(&mut world, ticket.user, &ticket.wish, agreed);
    way.map_or_else(|refusal| Page::refusal(&world, &visitor, &refusal), |url| found(&url))
}

/// For tests: the yes (or no) of `user` to an authorize address, without a browser.
pub(in super::super) fn decide_for(
    world: &mut World,
    user: UserId,
    address: &str,
    agreed: bool,
) -> Result<String, Refusal> {
    let url = Url::parse(address).map_err(|_| Refusal::bad_request("\"url\" is not an address"))?;
    match understand(world, &Fields::parse(url.query().unwrap_or_default().as_bytes())) {
        Ok(wish) => answer(world, user, &wish, agreed),
        Err(Stop::Back(url)) => Ok(url.into()),
        Err(Stop::Page(refusal)) => Err(refusal),
    }
}

/// The application is told of a mistake only at an address that is surely its own.
fn understand(world: &World, fields: &Fields) -> Result<Wish, Stop> {
    let page = |sentence: &str| Stop::Page(Refusal::bad_request(sentence));
    let app = world.app_of_client(fields.get("client_id").unwrap_or_default());
    let app = app.ok_or_else(|| page("There is no application with this client_id."))?;
    let registered = &app.form.redirect_uri;
    let redirect_uri = fields.get("redirect_uri").filter(|uri| !uri.is_empty()).unwrap_or(registered);
    if redirect_uri != registered && redirect_uri != OOB {
        return Err(page("redirect_uri is not exactly the callback URI of this application."));
    }
    let state = fields.get("state").map(str::to_owned);
    let mistake = |error: &str| match Url::parse(redirect_uri).ok().filter(|_| redirect_uri != OOB) {
        Some(url) => Stop::Back(with_answer(url, "error", error, state.as_deref())),
        None => page(error),
    };
    if fields.get("response_type") != Some("code") {
        return Err(mistake("unsupported_response_type"));
    }
    let scopes = scopes::read(fields.get("scope")).ok_or_else(|| mistake("invalid_scope"))?;
    Ok(Wish { app: app.id, redirect_uri: redirect_uri.to_owned(), scopes, state })
}

/// Where the browser goes after a yes or a no.
fn answer(world: &mut World, user: UserId, wish: &Wish, agreed: bool) -> Result<String, Refusal> {
    let (name, value) = match agreed {
        true => ("code", world.hand_out_code(user, wish.app, wish.scopes.clone(), wish.redirect_uri.clone())),
        false => ("error", "access_denied".to_owned()),
    };
    if wish.redirect_uri == OOB {
        return Ok(world.api(&format!("/oauth/authorize/{value}")));
    }
    let url = Url::parse(&wish.redirect_uri).map_err(|_| Refusal::bad_request("redirect_uri is not an address"))?;
    Ok(with_answer(url, name, &value, wish.state.as_deref()).into())
}

fn with_answer(mut url: Url, name: &str, value: &str, state: Option<&str>) -> Url {
    url.query_pairs_mut().append_pair(name, value);
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    url
}

/// For applications without a callback: the code is in the path, and on the page.
pub(super) async fn show_code(
    State(sandbox): State<Sandbox>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Response {
    let (world, visitor) = (sandbox.world(), Visitor::of(&headers));
    show(&CodePage { page: Page::new(&world, &visitor, "Authorization code"), code })
}

fn found(url: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, url.to_owned())]).into_response()
}
