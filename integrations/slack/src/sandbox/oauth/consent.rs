//! `GET /oauth/v2/authorize`: who are you, in which workspace, and may this app have that? And the answer, by POST.

use askama::Template;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::random;
use url::{Url, form_urlencoded};

use super::super::Sandbox;
use super::super::pages::session::{Visitor, guard_cookie};
use super::super::pages::{Page, show};
use super::super::refusal::Refusal;
use super::super::world::tokens::{Code, Method, Tokens};
use super::super::world::{AppId, TeamId, UserId, World};
use super::{fits_redirect, scopes};

/// Open consent pages remembered; the oldest is forgotten.
const TICKETS_KEPT: usize = 1000;

/// A consent page somebody has open. Its name is unguessable and bound to that browser: that is the CSRF guard.
#[derive(Clone)]
pub(in super::super) struct Ticket {
    name: String,
    guard: String,
    user: UserId,
    wish: Wish,
}

/// What the app asks for, understood.
#[derive(Clone)]
struct Wish {
    app: AppId,
    redirect: Url,
    redirect_uri: Option<String>,
    scopes: Vec<String>,
    user_scopes: Vec<String>,
    state: Option<String>,
    challenge: Option<(String, Method)>,
    team: Option<TeamId>,
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
    workspace: String,
    scopes: Vec<Asked>,
    user_scopes: Vec<Asked>,
    redirect_host: String,
    ticket: String,
    return_to: String,
    /// The organization it may be installed for, if this person may.
    enterprise: Option<String>,
}

pub(super) async fn ask(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let fields = Fields::parse(query.as_bytes());
    let visitor = Visitor::of(&headers);
    sandbox.change(|world| {
        let wish = match understand(world, &fields) {
            Ok(wish) => wish,
            Err(refusal) => return Page::refusal(world, &visitor, &refusal),
        };
        let return_to = format!("/oauth/v2/authorize?{query}");
        let fits = |user: &UserId| wish.team.as_ref().is_none_or(|team| world.users[user].is_in(team));
        let Some(user) = visitor.user(world).filter(fits) else {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("return_to", &return_to)
                .append_pair("team", wish.team.as_deref().unwrap_or_default())
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
    user: UserId,
    wish: Wish,
    return_to: String,
) -> Result<Response, Refusal> {
    let guard = visitor.guard.clone().unwrap_or_else(|| random::hex(32));
    let ticket = Ticket { name: random::hex(32), guard: guard.clone(), user: user.clone(), wish: wish.clone() };
    let (app, person) = (world.app(&wish.app)?, world.user(&user)?);
    let asked = |scopes: &[String]| -> Vec<Asked> {
        scopes.iter().map(|scope| Asked { scope: scope.clone(), meaning: scopes::meaning(scope) }).collect()
    };
    let page = ConsentPage {
        page: Page::new(world, visitor, &format!("Allow {}", app.name)),
        app: app.name.clone(),
        name: person.real_name.clone(),
        workspace: world.workspace(person.home())?.name.clone(),
        scopes: asked(&wish.scopes),
        user_scopes: asked(&wish.user_scopes),
        redirect_host: wish.redirect.origin().ascii_serialization(),
        ticket: ticket.name.clone(),
        return_to,
        enterprise: world.enterprise.as_ref().filter(|_| person.admin).map(|it| it.name.clone()),
    };
    let open = &mut world.control.tickets;
    open.push_back(ticket);
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
    sandbox.change(|world| {
        let open = &mut world.control.tickets;
        let position = open.iter().position(|it| {
            Some(it.name.as_str()) == fields.get("ticket") && Some(it.guard.as_str()) == visitor.guard.as_deref()
        });
        let Some(ticket) = position.and_then(|position| open.remove(position)) else {
            return Page::refusal(world, &visitor, &Refusal::new("stale_consent"));
        };
        if fields.get("decision") != Some("allow") {
            return found(&turn_away(&ticket.wish));
        }
        let for_all = fields.get("enterprise") == Some("yes");
        match agree(world, &ticket.user, &ticket.wish, for_all) {
            Ok(url) => found(&url),
            Err(refusal) => Page::refusal(world, &visitor, &refusal),
        }
    })
}

/// For tests: the yes (or no) of `user` to an authorize address, without a browser.
pub(in super::super) fn decide_for(
    world: &mut World,
    user: &str,
    address: &str,
    agreed: bool,
    for_all: bool,
) -> Result<Url, Refusal> {
    let url = Url::parse(address).map_err(|_| Refusal::invalid_arguments("\"url\" is not an address"))?;
    let fields = Fields::parse(url.query().unwrap_or_default().as_bytes());
    let wish = understand(world, &fields)?;
    if agreed { agree(world, user, &wish, for_all) } else { Ok(turn_away(&wish)) }
}

/// Slack tells the person, on a page, what is wrong with a request; it never goes back to the app with it.
fn understand(world: &World, fields: &Fields) -> Result<Wish, Refusal> {
    let client_id = fields.get("client_id").unwrap_or_default();
    let app = world.app_of_client(client_id).ok_or_else(|| Refusal::new("invalid_client_id"))?;
    let redirect_uri = fields.get("redirect_uri").filter(|uri| !uri.is_empty());
    let registered = &app.settings.redirect_urls;
    let redirect = match redirect_uri {
        Some(uri) if fits_redirect(registered, uri) => Some(uri),
        Some(_) => None,
        None => registered.first().map(String::as_str),
    };
    let redirect = redirect.and_then(|uri| Url::parse(uri).ok()).ok_or_else(|| Refusal::new("bad_redirect_uri"))?;
    let scopes = scopes::split(fields.get("scope").unwrap_or_default());
    let user_scopes = scopes::split(fields.get("user_scope").unwrap_or_default());
    if scopes.is_empty() && user_scopes.is_empty() {
        return Err(Refusal::new("no_scopes"));
    }
    let known = scopes.iter().all(|it| scopes::is_of_bots(it)) && user_scopes.iter().all(|it| scopes::is_of_people(it));
    if !known {
        return Err(Refusal::new("invalid_scope"));
    }
    let method = if fields.get("code_challenge_method") == Some("S256") { Method::S256 } else { Method::Plain };
    Ok(Wish {
        app: app.id.clone(),
        redirect,
        redirect_uri: redirect_uri.map(str::to_owned),
        scopes,
        user_scopes,
        state: fields.get("state").map(str::to_owned),
        challenge: fields.text("code_challenge").map(|challenge| (challenge, method)),
        team: fields.text("team").filter(|team| world.workspaces.contains_key(team)),
    })
}

/// Where the browser goes after a yes: the callback, with a code.
fn agree(world: &mut World, user: &str, wish: &Wish, for_all: bool) -> Result<Url, Refusal> {
    let person = world.user(user)?;
    let (team, admin) = (person.home().to_owned(), person.admin);
    let settings = &world.app(&wish.app)?.settings;
    if !settings.distributed && world.workspaces.keys().next() != Some(&team) {
        return Err(Refusal::new("invalid_team_for_non_distributed_app"));
    }
    let code = world.tokens.hand_out_code(Code {
        app: wish.app.clone(),
        team,
        enterprise: for_all && admin && world.enterprise.is_some(),
        user: user.to_owned(),
        scopes: wish.scopes.clone(),
        user_scopes: wish.user_scopes.clone(),
        redirect_uri: wish.redirect_uri.clone(),
        challenge: wish.challenge.clone(),
        expires: Tokens::code_expiry(),
    });
    let mut url = wish.redirect.clone();
    url.query_pairs_mut().append_pair("code", &code).append_pair("state", wish.state.as_deref().unwrap_or_default());
    Ok(url)
}

fn turn_away(wish: &Wish) -> Url {
    let mut url = wish.redirect.clone();
    url.query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair("state", wish.state.as_deref().unwrap_or_default());
    url
}

/// 302, as Slack answers here.
fn found(url: &Url) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, url.as_str().to_owned())]).into_response()
}
