//! `GET /login/oauth/authorize`: who are you, and may this app have that? And the answer, by POST.

use askama::Template;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::random;
use url::{Url, form_urlencoded};

use super::super::Sandbox;
use super::super::pages::Page;
use super::super::pages::session::{Visitor, guard_cookie};
use super::super::refusal::Refusal;
use super::super::world::apps::{App, Code};
use super::super::world::{AccountId, World};
use super::{fits_callback, scopes};

const HELP: &str = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors/";

/// Open consent pages remembered; the oldest is forgotten.
const TICKETS_KEPT: usize = 1000;

/// A consent page somebody has open. Its name is unguessable and bound to that browser: that is the CSRF guard.
#[derive(Clone)]
pub(in super::super) struct Ticket {
    pub name: String,
    guard: String,
    account: AccountId,
    wish: Wish,
}

/// What the app asks for, understood.
#[derive(Clone)]
struct Wish {
    client_id: String,
    redirect: Url,
    redirect_uri: Option<String>,
    scopes: Vec<String>,
    state: Option<String>,
    challenge: Option<String>,
}

/// An authorize request that goes no further.
enum Stop {
    Page(Refusal),
    Back(Url),
}

#[derive(Template)]
#[template(path = "sandbox/consent.html")]
struct ConsentPage {
    page: Page,
    app: String,
    owner: String,
    login: String,
    scopes: Vec<String>,
    redirect_host: String,
    ticket: String,
    return_to: String,
}

pub(super) async fn ask(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let fields = Fields::parse(query.as_bytes());
    let visitor = Visitor::of(&headers);
    sandbox.change(|world| {
        let mut wish = match understand(world, &fields) {
            Ok(wish) => wish,
            Err(Stop::Back(url)) => return found(&url),
            Err(Stop::Page(refusal)) => return Page::refusal(world, &visitor, &refusal),
        };
        let return_to = format!("/login/oauth/authorize?{query}");
        let Some(account) = visitor.account(world) else {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("return_to", &return_to)
                .append_pair("login", fields.get("login").unwrap_or_default())
                .finish();
            return Redirect::to(&format!("{}/login?{query}", world.at)).into_response();
        };
        let granted = world.registrations.grant(account, &wish.client_id).map(|grant| grant.scopes.clone());
        if let Some(granted) = granted.filter(|_| fields.get("prompt").is_none()) {
            if fields.get("scope").is_none() {
                wish.scopes.clone_from(&granted);
            }
            if wish.scopes.iter().all(|scope| scopes::covers(&granted, scope)) {
                return found(&agree(world, account, &wish));
            }
        }
        consent_page(world, &visitor, account, wish, return_to)
    })
}

fn consent_page(world: &mut World, visitor: &Visitor, account: AccountId, wish: Wish, return_to: String) -> Response {
    let guard = visitor.guard.clone().unwrap_or_else(|| random::hex(32));
    let ticket = Ticket { name: random::hex(32), guard: guard.clone(), account, wish: wish.clone() };
    let Some(app) = world.registrations.app(&wish.client_id) else {
        return Page::refusal(world, visitor, &Refusal::not_found());
    };
    let page = ConsentPage {
        page: Page::new(world, visitor, &format!("Authorize {}", app.name)),
        app: app.name.clone(),
        owner: world.account(app.owner).login.clone(),
        login: world.account(account).login.clone(),
        scopes: wish.scopes,
        redirect_host: wish.redirect.origin().ascii_serialization(),
        ticket: ticket.name.clone(),
        return_to,
    };
    let open = &mut world.control.tickets;
    open.push_back(ticket);
    if open.len() > TICKETS_KEPT {
        open.pop_front();
    }
    let mut response = super::super::pages::show(&page);
    guard_cookie(world, &guard, response.headers_mut());
    response
}

pub(super) async fn decide(State(sandbox): State<Sandbox>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    let fields = Fields::parse(&body);
    let visitor = Visitor::of(&headers);
    sandbox.change(|world| {
        let open = &mut world.control.tickets;
        let position = open.iter().position(|it| {
            Some(it.name.as_str()) == fields.get("ticket") && Some(it.guard.as_str()) == visitor.guard.as_deref()
        });
        let Some(ticket) = position.and_then(|position| open.remove(position)) else {
            let refusal = Refusal::forbidden("This page is no longer valid. Go back to the app and start again.");
            return Page::refusal(world, &visitor, &refusal);
        };
        if fields.get("decision") != Some("authorize") {
            let description = "The user has denied your application access.";
            return found(&turn_away(&ticket.wish.redirect, &ticket.wish.state, "access_denied", description));
        }
        let mut wish = ticket.wish;
        wish.scopes.retain(|scope| !fields.all("without").any(|taken| taken == scope));
        found(&agree(world, ticket.account, &wish))
    })
}

/// For tests: the yes (or no) of `account` to an authorize address, without a browser.
pub(in super::super) fn decide_for(
    world: &mut World,
    account: AccountId,
    address: &str,
    agreed: bool,
) -> Result<Url, Refusal> {
    let url = Url::parse(address).map_err(|_| Refusal::schema("\"url\" is not an address"))?;
    let fields = Fields::parse(url.query().unwrap_or_default().as_bytes());
    match understand(world, &fields) {
        Ok(wish) if agreed => Ok(agree(world, account, &wish)),
        Ok(wish) => {
            let description = "The user has denied your application access.";
            Ok(turn_away(&wish.redirect, &wish.state, "access_denied", description))
        }
        Err(Stop::Back(url)) => Ok(url),
        Err(Stop::Page(refusal)) => Err(refusal),
    }
}

fn understand(world: &World, fields: &Fields) -> Result<Wish, Stop> {
    let client_id = fields.get("client_id").unwrap_or_default();
    let app = world.registrations.app(client_id).ok_or_else(|| Stop::Page(Refusal::not_found()))?;
    let state = fields.get("state").map(str::to_owned);
    let registered = callback(app)?;
    let stop = |error: &str, description: &str| Stop::Back(turn_away(&registered, &state, error, description));
    let redirect_uri = fields.get("redirect_uri").filter(|uri| !uri.is_empty());
    let fitting = redirect_uri.is_none_or(|uri| fits_callback(&app.callback, uri));
    let asked = redirect_uri.and_then(|uri| Url::parse(uri).ok()).filter(|_| fitting);
    if !fitting {
        let description = "The redirect_uri MUST match the registered callback URL for this application.";
        return Err(stop("redirect_uri_mismatch", description));
    }
    if app.suspended {
        return Err(stop("application_suspended", "Your application has been suspended. Contact support@github.com."));
    }
    let challenge = fields.get("code_challenge").filter(|it| !it.is_empty());
    if challenge.is_some() && fields.get("code_challenge_method") != Some("S256") {
        return Err(stop("invalid_request", "code_challenge_method must be S256"));
    }
    Ok(Wish {
        client_id: client_id.to_owned(),
        redirect: asked.unwrap_or_else(|| registered.clone()),
        redirect_uri: redirect_uri.map(str::to_owned),
        scopes: scopes::normalised(fields.get("scope").unwrap_or_default()),
        challenge: challenge.map(str::to_owned),
        state,
    })
}

fn callback(app: &App) -> Result<Url, Stop> {
    Url::parse(&app.callback).map_err(|_| Stop::Page(Refusal::custom("App", "has no valid callback URL")))
}

/// Where the browser goes after a yes: the callback, with a code.
fn agree(world: &mut World, account: AccountId, wish: &Wish) -> Url {
    let code = world.registrations.allow(Code {
        account,
        client_id: wish.client_id.clone(),
        redirect_uri: wish.redirect_uri.clone(),
        scopes: wish.scopes.clone(),
        challenge: wish.challenge.clone(),
        expires: super::super::world::apps::Registrations::code_expiry(),
    });
    let mut url = wish.redirect.clone();
    url.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = &wish.state {
        url.query_pairs_mut().append_pair("state", state);
    }
    url
}

fn turn_away(redirect: &Url, state: &Option<String>, error: &str, description: &str) -> Url {
    let mut url = redirect.clone();
    url.query_pairs_mut()
        .append_pair("error", error)
        .append_pair("error_description", description)
        .append_pair("error_uri", &format!("{HELP}#{}", error.replace('_', "-")));
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    url
}

/// 302, as GitHub answers here.
fn found(url: &Url) -> Response {
    (axum::http::StatusCode::FOUND, [(axum::http::header::LOCATION, url.as_str().to_owned())]).into_response()
}
