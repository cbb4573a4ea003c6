//! `GET /oauth/authorizations/new`: who are you, and may this app have that? And the answer, by POST.

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
use super::super::world::World;
use super::super::world::tokens::{Code, Method};
use super::scopes;

/// Open consent pages remembered; the oldest is forgotten.
const CONSENTS_KEPT: usize = 1000;

/// A consent page somebody has open. Its name is unguessable and bound to that browser: that is the CSRF guard.
#[derive(Clone)]
pub(in super::super) struct Consent {
    name: String,
    guard: String,
    user: u64,
    wish: Wish,
}

/// What the app asks for, understood.
#[derive(Clone)]
struct Wish {
    account: String,
    client: u64,
    redirect: Url,
    redirect_uri: String,
    scopes: Vec<String>,
    state: Option<String>,
    challenge: Option<(String, Method)>,
}

/// A request that is refused: told to the person, or taken back to the app.
enum Unfit {
    Page(Refusal),
    Back(Box<Url>),
}

struct Asked {
    scope: String,
    meaning: String,
}

#[derive(Template)]
#[template(path = "sandbox/consent.html")]
struct ConsentPage {
    page: Page,
    here: String,
    app: String,
    account: String,
    name: String,
    scopes: Vec<Asked>,
    redirect_host: String,
    consent: String,
    return_to: String,
}

pub(super) async fn ask(
    State(sandbox): State<Sandbox>,
    Path(subdomain): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let fields = Fields::parse(query.as_bytes());
    let visitor = Visitor::of(&headers);
    sandbox.change(|world| {
        let wish = match understand(world, &subdomain, &fields) {
            Ok(wish) => wish,
            Err(Unfit::Page(refusal)) => return Page::refusal(world, &visitor, &refusal),
            Err(Unfit::Back(url)) => return found(&url),
        };
        let return_to = format!("/{subdomain}/oauth/authorizations/new?{query}");
        let Some(user) = visitor.user_in(world, &subdomain) else {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("return_to", &return_to)
                .append_pair("account", &subdomain)
                .finish();
            return Redirect::to(&format!("{}/login?{query}", world.at)).into_response();
        };
        consent_page(world, &visitor, user, wish, return_to)
            .unwrap_or_else(|refusal| Page::refusal(world, &visitor, &refusal))
    })
}

fn consent_page(
    world: &mut World,
    visitor: &Visitor,
    user: u64,
    wish: Wish,
    return_to: String,
) -> Result<Response, Refusal> {
    let guard = visitor.guard.clone().unwrap_or_else(|| random::hex(32));
    let consent = Consent { name: random::hex(32), guard: guard.clone(), user, wish: wish.clone() };
    let account = world.account(&wish.account)?;
    let app = account.client_by_id(wish.client)?.name.clone();
    let scopes = wish.scopes.iter().map(|it| Asked { scope: it.clone(), meaning: scopes::meaning(it) }).collect();
    let page = ConsentPage {
        page: Page::new(world, visitor, &format!("Allow {app}")),
        here: format!("{}/oauth/authorizations/new", account.at),
        app,
        account: account.name.clone(),
        name: account.user(user)?.name.clone(),
        scopes,
        redirect_host: wish.redirect.origin().ascii_serialization(),
        consent: consent.name.clone(),
        return_to,
    };
    let open = &mut world.control.consents;
    open.push_back(consent);
    if open.len() > CONSENTS_KEPT {
        open.pop_front();
    }
    let mut response = show(&page);
    guard_cookie(world, &guard, response.headers_mut());
    Ok(response)
}

pub(super) async fn decide(State(sandbox): State<Sandbox>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    let fields = Fields::parse(&body);
    let visitor = Visitor::of(&headers);
    sandbox.change(|world| {
        let open = &mut world.control.consents;
        let position = open.iter().position(|it| {
            Some(it.name.as_str()) == fields.get("consent") && Some(it.guard.as_str()) == visitor.guard.as_deref()
        });
        let Some(consent) = position.and_then(|position| open.remove(position)) else {
            let refusal = Refusal::page(403, "This page is no longer valid. Go back to the app and start again.");
            return Page::refusal(world, &visitor, &refusal);
        };
        if fields.get("decision") != Some("allow") {
            return found(&turn_away(&consent.wish));
        }
        match agree(world, consent.user, &consent.wish) {
            Ok(url) => found(&url),
            Err(refusal) => Page::refusal(world, &visitor, &refusal),
        }
    })
}

/// For tests: the yes (or no) of `user` to an authorize address, without a browser.
pub(in super::super) fn decide_for(world: &mut World, user: &str, address: &str, agreed: bool) -> Result<Url, Refusal> {
    let url = Url::parse(address).map_err(|_| Refusal::page(422, "\"url\" is not an address"))?;
    let below = url.path().strip_suffix("/oauth/authorizations/new").unwrap_or_default();
    let subdomain = below.rsplit('/').next().filter(|it| world.accounts.contains_key(*it));
    // Accounts may also be named by the host.
    let subdomain = subdomain.or(url.host_str().and_then(|host| host.split('.').next())).unwrap_or_default().to_owned();
    let fields = Fields::parse(url.query().unwrap_or_default().as_bytes());
    let wish = match understand(world, &subdomain, &fields) {
        Ok(wish) => wish,
        Err(Unfit::Page(refusal)) => return Err(refusal),
        Err(Unfit::Back(url)) => return Ok(*url),
    };
    let user = world.account(&subdomain)?.find_user(user)?.id;
    if agreed { agree(world, user, &wish) } else { Ok(turn_away(&wish)) }
}

/// Until the redirect is known to be the app's own, mistakes are told to the person.
fn understand(world: &World, subdomain: &str, fields: &Fields) -> Result<Wish, Unfit> {
    let page = |sentence| Unfit::Page(Refusal::page(400, sentence));
    let account = world.account(subdomain).map_err(Unfit::Page)?;
    let client = account.client(fields.get("client_id").unwrap_or_default());
    let client = client.ok_or_else(|| page("Invalid Authorization Request: no such client"))?;
    let redirect_uri = fields.get("redirect_uri").unwrap_or_default();
    let redirect = Url::parse(redirect_uri).ok().filter(|_| client.redirect_uris.iter().any(|it| it == redirect_uri));
    let redirect = redirect.ok_or_else(|| page("Invalid Authorization Request: the redirect_uri is not registered"))?;
    let state = fields.get("state").map(str::to_owned);
    let back = |error: &str, why: &str| Unfit::Back(Box::new(with_error(&redirect, state.as_deref(), error, why)));
    if !matches!(fields.get("response_type"), Some("code")) {
        return Err(back("unsupported_response_type", "The response type must be code"));
    }
    let method = match fields.get("code_challenge_method") {
        Some("S256") => Method::S256,
        None | Some("plain") => Method::Plain,
        Some(_) => return Err(back("invalid_request", "The code challenge method must be S256 or plain")),
    };
    let challenge = fields.text("code_challenge").map(|challenge| (challenge, method));
    if client.public && challenge.is_none() {
        return Err(back("invalid_request", "Public clients must use PKCE"));
    }
    // Not asked for: what a person's browser may read.
    let scopes = scopes::split(fields.get("scope").unwrap_or("read"));
    Ok(Wish {
        account: subdomain.to_owned(),
        client: client.id,
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        challenge,
        redirect: redirect.clone(),
        state,
    })
}

/// Where the browser goes after a yes: the callback, with a code.
fn agree(world: &mut World, user: u64, wish: &Wish) -> Result<Url, Refusal> {
    let Wish { client, scopes, redirect_uri, challenge, .. } = wish.clone();
    let code = Code::new(client, user, scopes, redirect_uri, challenge);
    let code = world.account_mut(&wish.account)?.tokens.hand_out_code(code);
    let mut url = wish.redirect.clone();
    url.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = &wish.state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Ok(url)
}

fn turn_away(wish: &Wish) -> Url {
    let why = "The end-user or authorization server denied the request.";
    with_error(&wish.redirect, wish.state.as_deref(), "access_denied", why)
}

fn with_error(redirect: &Url, state: Option<&str>, error: &str, why: &str) -> Url {
    let mut url = redirect.clone();
    url.query_pairs_mut().append_pair("error", error).append_pair("error_description", why);
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    url
}

fn found(url: &Url) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, url.as_str().to_owned())]).into_response()
}
