//! Making a link: the form, and what is sent with it.

use askama::Template;
use axum::{
    extract::{Path, Query, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use integration_contract::{FieldErrors, FormInput, Level, LinkForm, LinkRefused};

use super::{
    Combos, OfLink, Sought, Wanted,
    form::{Acting, Refusal, acting, form_of, note_broken},
    preview::Preview,
    remove::remove,
    settings_path,
};
use crate::{
    core::{
        Core, Error,
        health::{By, Deed, NextStep},
        integration_links::{self, Created, NewLink},
        integration_users,
        link_forms::{FRESH, KEPT},
        partners::Partner,
        people::Member,
        previews, teams,
    },
    db::{
        TeamId,
        entity::{
            integration_link::LinkLevel,
            integration_user::{self, AccountState},
        },
    },
    web::{
        self,
        extract::{Form, SignedIn},
        mend::{Around, Mend},
        page::{Page, Place, Tone},
    },
};

#[derive(Template)]
#[template(path = "links/new.html")]
struct NewLinkPage {
    page: Page,
    partner: &'static str,
    partner_name: &'static str,
    account: Option<String>,
    /// Whether the account is the organization's installation.
    installed: bool,
    problem: Option<String>,
    mend: Option<Mend>,
    /// Those that the person may add a link to.
    teams: Vec<(TeamId, String)>,
    team: Option<TeamId>,
    levels: Vec<(&'static str, &'static str)>,
    level: &'static str,
    form: LinkForm,
    combos: Combos,
    errors: FieldErrors,
    preview: Option<Preview>,
}

impl NewLinkPage {
    fn back(&self) -> String {
        format!("/integrations/{}", self.partner)
    }
}

/// `GET /integrations/{p}/link`: the form. Without an account: the partner's page, which has the Connect button.
pub async fn draw(
    State(core): State<Core>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    who: SignedIn,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let member = who.member()?;
    let Some(with) = acting(&core, &member, partner).await? else {
        return Ok(Redirect::to(&format!("/integrations/{id}")).into_response());
    };
    let query = query.unwrap_or_default();
    let so_far = Sought::so_far(&query);
    if let Some(sought) = Sought::read(&query) {
        must_be_able_to_link(&member, partner)?;
        let (form, problem) = form_of(&core, &member, partner, &with, &so_far, KEPT).await;
        return sought.answer(&form, problem);
    }
    draw_new(&core, &who, partner, with, &so_far, Refusal::default(), None).await
}

async fn draw_new(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    with: Acting,
    so_far: &FormInput,
    refusal: Refusal,
    preview: Option<Preview>,
) -> web::Result<Response> {
    let member = who.member()?;
    let card = partner.integration.card();
    // Only an address that was opened may show a list that is out of date for nobody.
    let age = if so_far.one("csrf").is_empty() { FRESH } else { KEPT };
    let may_link = must_be_able_to_link(&member, partner).is_ok();
    let (mut form, trouble) = match may_link {
        true => form_of(core, &member, partner, &with, so_far, age).await,
        false => (LinkForm::default(), None),
    };
    let combos = Combos::narrowing(&mut form, so_far, format!("/integrations/{}/link", card.id));
    let mut teams: Vec<_> = teams::visible(core, &member).await?.into_iter().map(|team| (team.id, team.name)).collect();
    let wished = so_far.one("team").parse().ok();
    let team = wished.filter(|wished| teams.iter().any(|(id, _)| id == wished));
    let team = team.or_else(|| teams.first().map(|(id, _)| *id));
    if team.is_none() {
        return Err(Error::forbidden("A link feeds a team's log. Make a team, or ask an admin to add the link.").into());
    }
    if !may_link {
        teams.clear();
    }
    let problem = refusal.problem.or(trouble);
    let mend = match &with.row {
        Some(row) if problem.is_some() => {
            mend_of(core, &member, row, &format!("/integrations/{}/link", card.id)).await?
        }
        _ => None,
    };
    let levels: Vec<_> = card.levels.iter().map(|level| level_words(*level)).collect();
    let wished = so_far.one("level");
    let level = levels.iter().find(|(value, _)| *value == wished).or(levels.first()).map_or("team", |(value, _)| value);
    let page = who.page(&format!("Add {}", card.name)).await?.at(Place::Integrations);
    let answer = NewLinkPage {
        page,
        partner: card.id,
        partner_name: card.name,
        installed: with.row.as_ref().is_some_and(|row| row.user_id.is_none()),
        account: with.row.map(|row| row.account_name),
        problem,
        mend,
        teams,
        team,
        levels,
        level,
        form,
        combos,
        errors: refusal.errors,
        preview,
    };
    web::page::draw(refusal.status, &answer)
}

/// What a partner has to choose from is for who may add a link: it may be private there.
fn must_be_able_to_link(member: &Member, partner: &Partner) -> Result<(), Error> {
    if partner.integration.card().levels.contains(&Level::User) {
        return Ok(());
    }
    member.must_be_admin("add links for a team")
}

/// What mends the account that the form asks the partner with, if that is what is wrong.
async fn mend_of(
    core: &Core,
    member: &Member,
    row: &integration_user::Model,
    here: &str,
) -> Result<Option<Mend>, Error> {
    let now = integration_users::find(core, row.organization_id, row.id).await?;
    let Some(broken) = now.filter(|row| row.state == AccountState::Broken) else { return Ok(None) };
    let by = if broken.user_id.is_some() || member.is_admin() { By::You } else { By::Admins };
    let step = NextStep { deed: Deed::Reconnect, by };
    Ok(Some(Mend::of_account(core, step, &broken, Around { names: &[], next: here })))
}

fn level_words(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Team => ("team", "The team: everything that happens, on the team's settings page"),
        Level::User => ("user", "Me: only what I do, on my own settings page"),
    }
}

/// `POST /integrations/{p}/link`: makes a link, or with `action=preview` shows what it would have told; with `_method=delete` in the form, removes one.
pub async fn create(
    State(core): State<Core>,
    Path(id): Path<String>,
    Query(query): Query<OfLink>,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    if form.one("_method").eq_ignore_ascii_case("delete") {
        let link = query.link.as_deref().unwrap_or_else(|| form.one("link"));
        return remove(&core, &who, partner, link).await;
    }
    let member = who.member()?;
    let Some(with) = acting(&core, &member, partner).await? else {
        return Ok(Redirect::to(&format!("/integrations/{id}")).into_response());
    };
    if let Wanted::Redraw(form) = Wanted::of(&form) {
        return draw_new(&core, &who, partner, with, &form, Refusal::default(), None).await;
    }
    let refuse = async |with, refusal| draw_new(&core, &who, partner, with, &form, refusal, None).await;

    let level = match level_of(partner, form.one("level")) {
        Some(level) => level,
        None => return refuse(with, Refusal::field("level", "Choose for whom the link is.")).await,
    };
    let team = match form.all("team") {
        [one] => one.trim().parse::<TeamId>().ok(),
        _ => None,
    };
    let Some(team) = team else {
        return refuse(with, Refusal::field("team", "Choose a team.")).await;
    };
    let (member, team) = teams::find(&core, &who.person, team).await?;
    if team.organization_id != who.member()?.organization {
        return Err(Error::NotFound.into());
    }
    // Before the partner is asked anything.
    if level == LinkLevel::Team {
        member.must_be_admin("add links for a team")?;
    }
    let account = match with.account(&core, partner).await {
        Ok(account) => account,
        Err(Error::Partner(error)) => {
            return refuse(with, Refusal::sentence(error.sentence(), StatusCode::BAD_GATEWAY)).await;
        }
        Err(error) => return Err(error.into()),
    };
    let checked = match partner.integration.check_link(&account, &form).await {
        Ok(checked) => checked,
        Err(refused) => {
            if let LinkRefused::Partner(error) = &refused {
                note_broken(&core, partner, &with, error).await;
            }
            return refuse(with, Refusal::of(refused)).await;
        }
    };
    if form.one("action") == "preview" {
        let account = with.row.as_ref().map(|row| row.id);
        let link = previews::imagined(&core, &member, partner, level, team.id, account, checked);
        let preview = Preview::of(&core, partner, &link, true).await?;
        return draw_new(&core, &who, partner, with, &form, Refusal::default(), Some(preview)).await;
    }
    let new = NewLink { level, team: team.id, account: with.row.as_ref().map(|row| row.id), checked };
    match integration_links::create(&core, &member, partner, new).await {
        Ok(Created::New(link)) => {
            who.flash(Tone::Good, format!("Added {}. It counts from now on, not backwards.", link.name)).await?;
            Ok(Redirect::to(&settings_path(&link)).into_response())
        }
        Ok(Created::SameAgain(link)) => Ok(Redirect::to(&settings_path(&link)).into_response()),
        Err(Error::Conflict(sentence)) => {
            refuse(with, Refusal::sentence(sentence, StatusCode::UNPROCESSABLE_ENTITY)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn level_of(partner: &Partner, value: &str) -> Option<LinkLevel> {
    let levels = partner.integration.card().levels;
    let level = match (value, levels) {
        ("team", _) => Level::Team,
        ("user", _) => Level::User,
        ("", [only]) => *only,
        _ => return None,
    };
    levels.contains(&level).then_some(match level {
        Level::Team => LinkLevel::Team,
        Level::User => LinkLevel::User,
    })
}
