//! A link's own page: how it fares, what happened last, its settings, and pausing.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use integration_contract::{CheckedLink, FieldErrors, FieldKind, FormInput, LinkForm, LinkRefused};
use serde::Deserialize;

use super::{
    Combos, Row,
    activity::{Activity, replay_failed},
    form::{Acting, Refusal, form_of},
    link_of, link_path,
    preview::Preview,
    settings_path,
    take_over::take_over,
};
use crate::{
    core::{
        Core, Error,
        health::{By, Deed, NextStep, Standings},
        inbox, integration_links,
        link_forms::FRESH,
        mirrors, outbox,
        partners::Partner,
        people::Member,
        previews,
    },
    db::entity::{
        integration_link::{LinkLevel, LinkState, Model},
        integration_user::AccountState,
    },
    web::{
        self,
        extract::{Form, ReturnPath, SignedIn},
        mend::{Around, Mend},
        page::{Moment, Page, Place, Tone},
    },
};

#[derive(Template)]
#[template(path = "links/link.html")]
struct LinkPage {
    page: Page,
    partner_name: &'static str,
    link: Row,
    back: String,
    back_name: &'static str,
    /// When the state began.
    began: Moment,
    account: Option<String>,
    /// Whose account that is, if it is somebody else's.
    owner: Option<String>,
    /// Whether the account is the organization's installation.
    installed: bool,
    can_check: bool,
    can_pause: bool,
    /// Whether it may be tried again although something else is to be done first.
    can_try: bool,
    form: LinkForm,
    /// Its far end is fixed, so there is nothing to search for.
    combos: Combos,
    errors: FieldErrors,
    problem: Option<String>,
    /// Whether the partner sends hooks.
    hears: bool,
    activity: Activity,
    preview: Option<Preview>,
}

/// What of the page is shown.
#[derive(Deserialize)]
pub struct Shown {
    edit: Option<String>,
}

/// The settings as the page shows them; without fields it has a link to them instead.
#[derive(Default)]
struct Settings {
    form: LinkForm,
    refusal: Refusal,
    preview: Option<Preview>,
}

/// `GET /integrations/{p}/link/{id}`
pub async fn show(
    State(core): State<Core>,
    Path((id, link)): Path<(String, String)>,
    Query(shown): Query<Shown>,
    who: SignedIn,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let (member, mut link) = link_of(&core, &who, partner, &link).await?;
    if integration_links::look(&core, &link).await {
        link = integration_links::load(&core, link.organization_id, link.id).await?.ok_or(Error::NotFound)?;
    }
    let may = integration_links::must_manage(&member, &link).is_ok();
    let (form, problem) = if shown.edit.is_some() && may {
        let seen = integration_links::as_partner_sees(&core, &link);
        edit_form(&core, &member, partner, &link, &partner.integration.form_input(&seen)).await?
    } else {
        (LinkForm::default(), None)
    };
    let settings = Settings { form, refusal: Refusal { problem, ..Refusal::default() }, preview: None };
    draw_link(&core, &who, partner, &member, link, settings).await
}

async fn edit_form(
    core: &Core,
    member: &Member,
    partner: &Partner,
    link: &Model,
    so_far: &FormInput,
) -> web::Result<(LinkForm, Option<String>)> {
    let row = integration_links::account_row(core, link).await?;
    let (mut form, problem) = form_of(core, member, partner, &Acting { row }, so_far, FRESH).await;
    // A link keeps its target for life; what it is about is shown, and the rest can be changed.
    for field in &mut form.fields {
        if let FieldKind::Search { choices, .. } = &mut field.kind {
            choices.clear();
        }
    }
    Ok((form, problem))
}

async fn draw_link(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    member: &Member,
    link: Model,
    Settings { form, refusal, preview }: Settings,
) -> web::Result<Response> {
    let here = link_path(&link);
    let standings = Standings::of(core, member, &[&link]).await?.counting_held(core, &[&link]).await?;
    let standings = standings.naming_owners(core, member).await?;
    let account = standings.account(&link).cloned();
    let mut row = Row::of(core, member, &link, &standings, &here).joined_by(&mirrors::joining(core, &link).await?);
    let activity = Activity::newest(core, &link, row.may_manage && row.living).await?;
    let installed = account.as_ref().is_some_and(|row| row.user_id.is_none());
    let others = account.as_ref().and_then(|row| row.user_id).filter(|user| *user != member.user);
    let owner =
        others.filter(|_| partner.acts_with_accounts()).and_then(|user| standings.name(user)).map(str::to_owned);
    // A token that was for setting the link up: its end does the link no harm, but it is needed to change the settings.
    let own = account.as_ref().filter(|row| row.user_id.is_none_or(|user| user == member.user));
    let token_over = own.is_some_and(|row| row.expires_at.is_some_and(|at| at <= core.clock.now()));
    if row.mend.is_none() && refusal.problem.is_some() && token_over {
        let step = NextStep { deed: Deed::Reconnect, by: By::You };
        let around = Around { names: &[], next: &here };
        row.mend = Some(Mend::of_link(core, step, &link, own, around));
    }
    let can_try = link.state == LinkState::Broken
        && !matches!(&row.mend, Some(Mend::Button { action, .. }) if *action == here)
        && account.as_ref().is_none_or(|row| row.state == AccountState::Connected);
    let page = who.page_of_team(&link.name, link.organization_id, link.team_id).await?;
    let page = page.at(Place::Integrations).about(&here, row.mend.as_ref());
    let answer = LinkPage {
        page,
        partner_name: partner.name(),
        back: settings_path(&link),
        back_name: match link.level {
            LinkLevel::Team => "Team settings",
            LinkLevel::User => "Your settings",
        },
        began: Moment::at(link.state_since),
        owner,
        account: account.map(|row| row.account_name),
        installed,
        can_check: matches!(link.state, LinkState::Active | LinkState::Broken),
        can_pause: link.state == LinkState::Active,
        can_try,
        link: row,
        form,
        combos: Combos::default(),
        errors: refusal.errors,
        problem: refusal.problem,
        hears: partner.integration.card().hooks.is_some(),
        activity,
        preview,
    };
    web::page::draw(refusal.status, &answer)
}

/// `POST /integrations/{p}/link/{id}`: saves settings, pauses, resumes, looks how it fares, reads a message again or
/// sends one again.
pub async fn change(
    State(core): State<Core>,
    Path((id, link)): Path<(String, String)>,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let (member, link) = link_of(&core, &who, partner, &link).await?;
    integration_links::must_manage(&member, &link)?;
    let done: Result<String, Error> = match form.one("action") {
        "save" => return save(&core, &who, partner, &member, link, &form).await,
        "take_over" => return take_over(&core, &who, partner, &member, &link, form.one("next")).await,
        "preview" => return preview(&core, &who, partner, &member, link, &form).await,
        "pause" => integration_links::pause(&core, &member, &link).await.map(|()| "Paused.".into()),
        "resume" => integration_links::resume(&core, &member, &link).await.map(|()| "Being set up again.".into()),
        "check" => check(&core, &link).await,
        "replay" | "send" | "replay_failed" if link.state == LinkState::Paused => {
            Err(Error::Conflict("It is paused. Resume it first.".into()))
        }
        "replay" => {
            let message = form.one("message").parse().map_err(|_| Error::NotFound)?;
            inbox::replay(&core, &member, link.id, message).await.map(|()| "Being read again.".into())
        }
        "send" => {
            let message = form.one("message").parse().map_err(|_| Error::NotFound)?;
            outbox::replay(&core, &member, link.id, message).await.map(|()| "On its way again.".into())
        }
        "replay_failed" if integration_links::lives(&link) => replay_failed(&core, &member, &link).await,
        _ => Err(Error::field("action", "There is nothing of that name to do.")),
    };
    match done {
        Ok(sentence) => who.flash(Tone::Good, sentence).await?,
        Err(Error::Conflict(sentence)) => who.flash(Tone::Attention, sentence).await?,
        Err(Error::Partner(error)) => who.flash(Tone::Bad, error.sentence()).await?,
        Err(error) => return Err(error.into()),
    }
    // Most of these buttons stand on several pages.
    Ok(Redirect::to(&ReturnPath::new(form.one("next")).or(&link_path(&link))).into_response())
}

/// Looks how the link fares, and says it.
async fn check(core: &Core, link: &Model) -> Result<String, Error> {
    integration_links::inspect(core, link).await?;
    let now = integration_links::load(core, link.organization_id, link.id).await?.ok_or(Error::NotFound)?;
    match now.state {
        LinkState::Active => Ok("Checked: it works.".into()),
        LinkState::Broken => Err(Error::Conflict("Checked: it does not work.".into())),
        LinkState::Pending => Ok("It is being set up; how it fares shows in a moment.".into()),
        LinkState::Paused => Err(Error::Conflict("It is paused, so there is nothing to check.".into())),
        LinkState::Removing | LinkState::Removed => Err(Error::Conflict("This link was removed meanwhile.".into())),
    }
}

async fn save(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    member: &Member,
    link: Model,
    form: &FormInput,
) -> web::Result<Response> {
    let refusal = match check_change(core, partner, member, &link, form).await {
        Ok(()) => {
            who.flash(Tone::Good, "Saved.").await?;
            return Ok(Redirect::to(&link_path(&link)).into_response());
        }
        Err(refused) => refused.refusal()?,
    };
    let (form, _) = edit_form(core, member, partner, &link, form).await?;
    draw_link(core, who, partner, member, link, Settings { form, refusal, preview: None }).await
}

/// Shows what the form's settings would have made of what was there already. Nothing is saved.
async fn preview(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    member: &Member,
    link: Model,
    form: &FormInput,
) -> web::Result<Response> {
    let (refusal, preview) = match checked(core, partner, &link, form).await {
        Ok(checked) => {
            let would_be = previews::with_settings(&link, checked.settings);
            (Refusal::default(), Some(Preview::of(core, partner, &would_be, false).await?))
        }
        Err(refused) => (refused.refusal()?, None),
    };
    let (form, problem) = edit_form(core, member, partner, &link, form).await?;
    let refusal = Refusal { problem: refusal.problem.or(problem), ..refusal };
    draw_link(core, who, partner, member, link, Settings { form, refusal, preview }).await
}

enum LinkOrCore {
    Link(LinkRefused),
    Core(Error),
}

impl LinkOrCore {
    /// What the page says of it.
    fn refusal(self) -> web::Result<Refusal> {
        Ok(match self {
            Self::Link(refused) => Refusal::of(refused),
            Self::Core(Error::Conflict(sentence)) => Refusal::sentence(sentence, StatusCode::UNPROCESSABLE_ENTITY),
            Self::Core(Error::Partner(error)) => Refusal::sentence(error.sentence(), StatusCode::BAD_GATEWAY),
            Self::Core(error) => return Err(error.into()),
        })
    }
}

/// The settings that the partner's crate makes of the form.
async fn checked(core: &Core, partner: &Partner, link: &Model, form: &FormInput) -> Result<CheckedLink, LinkOrCore> {
    let account = integration_links::account(core, partner, link).await.map_err(LinkOrCore::Core)?;
    let checked = partner.integration.check_link(&account, form).await.map_err(LinkOrCore::Link)?;
    integration_links::must_be_about_the_same(link, &checked).map_err(LinkOrCore::Core)?;
    Ok(checked)
}

async fn check_change(
    core: &Core,
    partner: &Partner,
    member: &Member,
    link: &Model,
    form: &FormInput,
) -> Result<(), LinkOrCore> {
    let checked = checked(core, partner, link, form).await?;
    integration_links::change(core, member, partner, link, checked).await.map_err(LinkOrCore::Core)
}
