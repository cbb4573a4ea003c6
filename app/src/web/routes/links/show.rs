//! A link's own page: how it fares, what arrived, its settings, and pausing.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use integration_contract::{FieldErrors, FieldKind, FormInput, LinkForm, LinkRefused};
use serde::Deserialize;

use super::{
    Row,
    form::{Acting, Refusal, form_of},
    link_of, link_path,
    outgoing::Outgoing,
    settings_path,
};
use crate::{
    core::{
        Core, Error, inbox, integration_links, integration_users, mirrors, outbox, partners::Partner, people::Member,
    },
    db::{
        MessageId, OutboxMessageId,
        entity::{
            inbox_message::MessageState,
            integration_link::{LinkLevel, LinkState, Model},
            integration_user,
        },
    },
    web::{
        self,
        extract::{Form, SignedIn},
        page::{Moment, Page, Place, Tone},
    },
};

/// How many messages the page shows at once.
const ACTIVITY: u64 = 50;

#[derive(Template)]
#[template(path = "links/link.html")]
struct LinkPage {
    page: Page,
    partner_name: &'static str,
    link: Row,
    back: String,
    back_name: &'static str,
    since: Moment,
    account: Option<String>,
    /// Whether the account is the organization's installation.
    installed: bool,
    can_check: bool,
    can_pause: bool,
    resume_label: Option<&'static str>,
    reconnect: bool,
    /// What to connect it again with, where the partner asks for a site: its field and the account's own.
    site: Option<(&'static str, String)>,
    form: LinkForm,
    errors: FieldErrors,
    problem: Option<String>,
    /// Whether the partner sends hooks.
    hears: bool,
    activity: Vec<MessageRow>,
    older: Option<String>,
    outgoing: Outgoing,
}

struct MessageRow {
    id: MessageId,
    at: Moment,
    event: String,
    delivery: String,
    tone: Tone,
    state: &'static str,
    reason: Option<String>,
    replayable: bool,
}

impl MessageRow {
    fn of(message: inbox::MessageLine) -> Self {
        let (tone, state) = match message.state {
            MessageState::Received => (Tone::Neutral, "Waiting"),
            // An entry, an older one changed, or the link itself: what is told of differs by event.
            MessageState::Done => (Tone::Good, "Understood"),
            MessageState::Ignored => (Tone::Neutral, "Nothing"),
            MessageState::Failed => (Tone::Bad, "Failed"),
            MessageState::Rejected => (Tone::Bad, "Rejected"),
        };
        Self {
            id: message.id,
            at: Moment::at(message.received_at),
            event: message.event,
            delivery: message.delivery,
            tone,
            state,
            reason: message.reason,
            replayable: matches!(message.state, MessageState::Failed | MessageState::Ignored),
        }
    }
}

/// What of the page is shown.
#[derive(Deserialize)]
pub struct Shown {
    edit: Option<String>,
    #[serde(flatten)]
    from: From,
}

/// From where on the lists of the page go: the last one of the page before.
#[derive(Default, Deserialize)]
struct From {
    before: Option<MessageId>,
    told_before: Option<OutboxMessageId>,
}

/// `GET /integrations/{p}/link/{id}`
pub async fn show(
    State(core): State<Core>,
    Path((id, link)): Path<(String, String)>,
    Query(shown): Query<Shown>,
    who: SignedIn,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let (member, link) = link_of(&core, &who, partner, &link).await?;
    let may = integration_links::must_manage(&member, &link).is_ok();
    let (form, problem) = if shown.edit.is_some() && may {
        let seen = integration_links::as_partner_sees(&core, &link);
        edit_form(&core, &member, partner, &link, &partner.integration.form_input(&seen)).await?
    } else {
        (LinkForm::default(), None)
    };
    let refusal = Refusal { problem, ..Refusal::default() };
    draw_link(&core, &who, partner, &member, link, form, refusal, shown.from).await
}

async fn edit_form(
    core: &Core,
    member: &Member,
    partner: &Partner,
    link: &Model,
    so_far: &FormInput,
) -> web::Result<(LinkForm, Option<String>)> {
    let row = match link.integration_user_id {
        Some(id) => integration_users::find(core, link.organization_id, id).await?,
        None => None,
    };
    let (mut form, problem) = form_of(core, member, partner, &Acting { row }, so_far).await;
    // A link keeps its target for life; what it is about is shown, and the rest can be changed.
    for field in &mut form.fields {
        if let FieldKind::Search { choices, .. } = &mut field.kind {
            choices.clear();
        }
    }
    Ok((form, problem))
}

#[allow(clippy::too_many_arguments, reason = "the parts of one page")]
async fn draw_link(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    member: &Member,
    link: Model,
    form: LinkForm,
    refusal: Refusal,
    from: From,
) -> web::Result<Response> {
    let row = Row::of(core, member, &link).joined_by(&mirrors::joining(core, &link).await?);
    let account = match link.integration_user_id {
        Some(id) => integration_users::find(core, link.organization_id, id).await?,
        None => None,
    };
    let messages = inbox::list(core, link.organization_id, link.id, from.before, ACTIVITY).await?;
    let outgoing = Outgoing::of(core, partner, &link, from.told_before).await?;
    let older = (messages.len() as u64 == ACTIVITY)
        .then(|| {
            messages.last().map(|last| format!("/integrations/{}/link/{}?before={}", link.partner, link.id, last.id))
        })
        .flatten();
    let installed = account.as_ref().is_some_and(|row| row.user_id.is_none());
    // Whoever connects an installation again does so for everybody.
    let can_connect = link.user_id == Some(member.user) || installed;
    let account_broken = link.integration_user_id.is_some()
        && account.as_ref().is_none_or(|row| row.state != integration_user::AccountState::Connected);
    // A token that was for setting the link up: its end does the link no harm, but it is needed to change the settings.
    let token_over = account.as_ref().is_some_and(|row| row.expires_at.is_some_and(|at| at <= core.clock.now()));
    let page = who.page(&link.name).await?.at(Place::Integrations);
    let answer = LinkPage {
        page,
        partner_name: partner.name(),
        back: settings_path(&link),
        back_name: match link.level {
            LinkLevel::Team => "Team settings",
            LinkLevel::User => "Your settings",
        },
        since: Moment::at(link.state_since),
        site: partner
            .site()
            .map(|site| (site.name, account.as_ref().and_then(|row| row.site.clone()).unwrap_or_default())),
        account: account.map(|row| row.account_name),
        installed,
        can_check: matches!(link.state, LinkState::Active | LinkState::Broken),
        can_pause: link.state == LinkState::Active,
        resume_label: match link.state {
            LinkState::Paused => Some("Resume"),
            LinkState::Broken if !account_broken => Some("Try again"),
            _ => None,
        },
        reconnect: can_connect && (account_broken || (refusal.problem.is_some() && token_over)),
        link: row,
        form,
        errors: refusal.errors,
        problem: refusal.problem,
        hears: partner.integration.card().hooks.is_some(),
        activity: messages.into_iter().map(MessageRow::of).collect(),
        older,
        outgoing,
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
    let done = match form.one("action") {
        "save" => return save(&core, &who, partner, &member, link, &form).await,
        "pause" => integration_links::pause(&core, &member, &link).await.map(|()| "Paused."),
        "resume" => integration_links::resume(&core, &member, &link).await.map(|()| "Being set up again."),
        "check" => integration_links::inspect(&core, &link).await.map(|()| "Checked."),
        "replay" => {
            let message = form.one("message").parse().map_err(|_| Error::NotFound)?;
            inbox::replay(&core, link.organization_id, link.id, message).await.map(|()| "Being read again.")
        }
        "send" => {
            let message = form.one("message").parse().map_err(|_| Error::NotFound)?;
            outbox::replay(&core, link.organization_id, link.id, message).await.map(|()| "On its way again.")
        }
        _ => Err(Error::field("action", "There is nothing of that name to do.")),
    };
    match done {
        Ok(sentence) => who.flash(Tone::Good, sentence).await?,
        Err(Error::Conflict(sentence)) => who.flash(Tone::Attention, sentence).await?,
        Err(Error::Partner(error)) => who.flash(Tone::Bad, error.sentence()).await?,
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(&link_path(&link)).into_response())
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
        Err(LinkOrCore::Link(refused)) => Refusal::of(refused),
        Err(LinkOrCore::Core(Error::Conflict(sentence))) => {
            Refusal::sentence(sentence, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(LinkOrCore::Core(Error::Partner(error))) => Refusal::sentence(error.sentence(), StatusCode::BAD_GATEWAY),
        Err(LinkOrCore::Core(error)) => return Err(error.into()),
    };
    let (drawn, _) = edit_form(core, member, partner, &link, form).await?;
    draw_link(core, who, partner, member, link, drawn, refusal, From::default()).await
}

enum LinkOrCore {
    Link(LinkRefused),
    Core(Error),
}

async fn check_change(
    core: &Core,
    partner: &Partner,
    member: &Member,
    link: &Model,
    form: &FormInput,
) -> Result<(), LinkOrCore> {
    let account = integration_links::account(core, partner, link).await.map_err(LinkOrCore::Core)?;
    let checked = partner.integration.check_link(&account, form).await.map_err(LinkOrCore::Link)?;
    integration_links::change(core, member, partner, link, checked).await.map_err(LinkOrCore::Core)
}
