//! Links that start in the partner's product: `/integrations/{p}/setup` is where "add" there leads to, `…/configure` where
//! "configure" does. What the address says is a wish; reading it changes nothing.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{ErrorKind, FieldErrors, FormInput, Level, Setup, SetupWish};

use super::{authorize::NoticePage, connect::lead, links, site::SiteField};
use crate::{
    core::{Core, Error, integration_links, integration_users::Purpose, partners::Partner, people::Member, teams},
    db::TeamId,
    web::{
        self,
        extract::{Form, Path, SignedIn},
        page::{Page, Place, draw},
    },
};

#[derive(Template)]
#[template(path = "integrations/setup.html")]
struct SetupPage {
    page: Page,
    partner: &'static str,
    partner_name: &'static str,
    what: String,
    organization: String,
    /// What was asked for, as it came: read again when the form is sent.
    wish: String,
    teams: Vec<(TeamId, String)>,
    team: Option<TeamId>,
    errors: FieldErrors,
    /// Whether the partner asks them first.
    connects: bool,
    site: Option<SiteField>,
}

impl SetupPage {
    fn back(&self) -> String {
        format!("/integrations/{}", self.partner)
    }
}

/// `GET /integrations/{p}/setup?…`
pub async fn show(
    State(core): State<Core>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    who: SignedIn,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let query = query.unwrap_or_default();
    match wish_of(partner, &query)? {
        Ok(wish) => ask(&core, &who, partner, wish, query, None, Refused::default()).await,
        Err(sentence) => broken(&who, partner, sentence).await,
    }
}

/// `POST /integrations/{p}/setup`: goes on to the link form, over the partner's consent page where there is no account yet.
pub async fn go_on(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let query = form.one("wish").to_owned();
    let wish = match wish_of(partner, &query)? {
        Ok(wish) => wish,
        Err(sentence) => return broken(&who, partner, sentence).await,
    };
    let member = who.member()?;
    let teams = may_feed(&core, &member, partner).await?;
    if teams.is_empty() {
        member.must_be_admin("add links for a team")?;
    }
    let Ok(team) = form.one("team").parse::<TeamId>() else {
        let refused = Refused { errors: FieldErrors::of("team", "Choose a team."), ..Refused::default() };
        return ask(&core, &who, partner, wish, query, None, refused).await;
    };
    if !teams.iter().any(|(id, _)| *id == team) {
        return Err(Error::NotFound.into());
    }
    let form_path = form_path(partner, &wish, team);
    if links::has_account(&core, &member, partner).await? {
        return Ok(Redirect::to(&form_path).into_response());
    }
    let site = match SiteField::read(partner, &form) {
        Ok(site) => site,
        Err(field) => {
            let refused = Refused { site: Some(*field), ..Refused::default() };
            return ask(&core, &who, partner, wish, query, Some(team), refused).await;
        }
    };
    // What is to be linked waits here: the partner gets the address we registered there and nothing more.
    let purpose = Purpose { site, return_to: Some(form_path), ..Purpose::default() };
    lead(&core, &who, &member, partner, purpose).await
}

/// `GET /integrations/{p}/configure?…`: the settings of the link that made this at the partner, for whom its page would be
/// shown to anyway; whoever may not change them reads that page.
pub async fn configure(
    State(core): State<Core>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    who: SignedIn,
) -> web::Result<Redirect> {
    let partner = core.partners.get(&id)?;
    let name = setup_of(partner)?.configure(&read(&query.unwrap_or_default())).map_err(|_| Error::NotFound)?;
    let link = integration_links::that_made(&core, &who.person, partner, &name).await?;
    Ok(Redirect::to(&format!("{}?edit=1#settings", links::link_path(&link))))
}

/// What in the form that was sent can't be used.
#[derive(Default)]
struct Refused {
    errors: FieldErrors,
    site: Option<SiteField>,
}

async fn ask(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    wish: SetupWish,
    query: String,
    team: Option<TeamId>,
    refused: Refused,
) -> web::Result<Response> {
    let member = who.member()?;
    let teams = may_feed(core, &member, partner).await?;
    let connects = !links::has_account(core, &member, partner).await?;
    let page = who.page(&format!("Add {}", partner.name())).await?.at(Place::Integrations);
    let organization = page.person.as_ref().and_then(|seen| seen.organization.as_ref()).map(|(_, name)| name.clone());
    let wrong = !refused.errors.is_empty() || refused.site.is_some();
    let page = SetupPage {
        page,
        partner: partner.id(),
        partner_name: partner.name(),
        what: wish.what,
        organization: organization.unwrap_or_default(),
        wish: query,
        team: team.or_else(|| teams.first().map(|(id, _)| *id)),
        teams,
        errors: refused.errors,
        connects,
        site: refused.site.or_else(|| SiteField::of(partner, "")).filter(|_| connects),
    };
    draw(if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

async fn broken(who: &SignedIn, partner: &Partner, sentence: String) -> web::Result<Response> {
    let page = who.page(&format!("Add {}", partner.name())).await?.at(Place::Integrations);
    let title = "This address can't be used".to_owned();
    let door = (format!("/integrations/{}", partner.id()), format!("Go to {}", partner.name()));
    draw(StatusCode::UNPROCESSABLE_ENTITY, &NoticePage { page, title, text: sentence, door })
}

/// The teams that the member may add a link of this partner for.
async fn may_feed(core: &Core, member: &Member, partner: &Partner) -> web::Result<Vec<(TeamId, String)>> {
    if !member.is_admin() && !partner.integration.card().levels.contains(&Level::User) {
        return Ok(Vec::new());
    }
    Ok(teams::visible(core, member).await?.into_iter().map(|team| (team.id, team.name)).collect())
}

fn setup_of(partner: &Partner) -> Result<&dyn Setup, Error> {
    partner.integration.setup().ok_or(Error::NotFound)
}

/// What an address asks for; or the sentence why it can't be read.
fn wish_of(partner: &Partner, query: &str) -> Result<Result<SetupWish, String>, Error> {
    match setup_of(partner)?.setup(&read(query)) {
        Ok(wish) => Ok(Ok(wish)),
        Err(error) if error.kind() == ErrorKind::Malformed => Ok(Err(error.sentence().to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn read(query: &str) -> FormInput {
    url::form_urlencoded::parse(query.as_bytes()).collect()
}

/// The link form with the wish in it. Fields of the host's own are no part of a wish.
fn form_path(partner: &Partner, wish: &SetupWish, team: TeamId) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in wish.form.pairs() {
        if !matches!(name, "team" | "level" | "csrf" | "_method" | "link") {
            query.append_pair(name, value);
        }
    }
    query.append_pair("team", &team.to_string());
    format!("/integrations/{}/link?{}", partner.id(), query.finish())
}
