//! `/settings`: what is a person's own: name, password, sessions, organizations, accounts at partners.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::FieldErrors;

use super::browsers;
use crate::{
    core::{
        self, Core,
        health::{next_step::of_account, standing::used_accounts},
        integration_links, integration_users,
        people::Person,
        sessions, users,
    },
    db::{
        IntegrationUserId,
        entity::{
            integration_user::{self, AccountState},
            session,
        },
    },
    web::{
        Result,
        extract::{Form, Path, Peer, SignedIn},
        mend::{Around, Mend},
        page::{Moment, Page, Place, Tone, draw},
        routes::{integrations::account_state, links::Row},
    },
};

#[derive(Template)]
#[template(path = "settings/show.html")]
struct SettingsPage {
    page: Page,
    person: Person,
    /// What stands in the name's field.
    typed_name: String,
    /// Where the person is logged in, this browser first.
    sessions: Vec<SessionRow>,
    accounts: Vec<AccountRow>,
    /// The person's own links, in all their organizations.
    links: Vec<Row>,
    errors: FieldErrors,
}

/// A browser in which the person is logged in.
struct SessionRow {
    /// How the address of its button names it.
    id: String,
    /// `Firefox on Linux`
    browser: String,
    here: bool,
    begun: Moment,
    seen: Moment,
}

impl SessionRow {
    fn of(session: &session::Model, here: &[u8]) -> Self {
        let said = session.data.get(sessions::BROWSER).and_then(|said| said.as_str());
        Self {
            id: hex::encode(&session.id_hash),
            browser: browsers::in_words(said.unwrap_or_default()),
            here: session.id_hash == here,
            begun: Moment::at(session.created_at),
            seen: Moment::at(session.seen_at),
        }
    }
}

/// An account at a partner.
struct AccountRow {
    id: IntegrationUserId,
    partner: String,
    partner_name: String,
    name: String,
    organization: String,
    /// Whether something can be done with it; else it only says who the person is there.
    acts: bool,
    tone: Tone,
    state: &'static str,
    reason: Option<String>,
    since: Option<Moment>,
    mend: Option<Mend>,
    leaving: bool,
}

/// `GET /settings`
pub async fn show(State(core): State<Core>, who: SignedIn) -> Result<Response> {
    draw_settings(&core, &who, StatusCode::OK, None, FieldErrors::default()).await
}

/// `GET /settings/password`: the form stands on the settings page.
pub async fn back(_who: SignedIn) -> Redirect {
    Redirect::to("/settings")
}

/// `POST /settings`
pub async fn rename(State(core): State<Core>, who: SignedIn, Form(input): Form) -> Result<Response> {
    let name = input.one("name");
    match users::rename(&core, who.person.user.id, name).await {
        Ok(()) => {
            who.flash(Tone::Good, "Your name is changed.").await?;
            Ok(Redirect::to("/settings").into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            draw_settings(&core, &who, StatusCode::UNPROCESSABLE_ENTITY, Some(name.to_owned()), errors).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/password`
pub async fn change_password(
    State(core): State<Core>,
    who: SignedIn,
    Peer(from): Peer,
    form: Form,
) -> Result<Response> {
    let (current, new) = (form.secret("current"), form.secret("password"));
    let user = &who.person.user;
    match users::change_password(&core, user, from, &current, &new, &who.session_hash()).await {
        Ok(user) => {
            who.password_changed(&user).await?;
            who.flash(Tone::Good, "Your password is changed. Everywhere else you are logged out.").await?;
            Ok(Redirect::to("/settings").into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            draw_settings(&core, &who, StatusCode::UNPROCESSABLE_ENTITY, None, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/sessions/{session}/end`
pub async fn end_session(
    State(core): State<Core>,
    who: SignedIn,
    Path(session): Path<String>,
    _form: Form,
) -> Result<Redirect> {
    let id_hash = hex::decode(session).map_err(|_| core::Error::NotFound)?;
    sessions::end(&core, who.person.user.id, &id_hash).await?;
    who.flash(Tone::Good, "That session is ended.").await?;
    Ok(Redirect::to("/settings"))
}

/// `POST /settings/sessions/end-others`
pub async fn end_other_sessions(State(core): State<Core>, who: SignedIn, _form: Form) -> Result<Redirect> {
    sessions::end_all_others(&core, who.person.user.id, &who.session_hash()).await?;
    who.flash(Tone::Good, "You are logged in here and nowhere else.").await?;
    Ok(Redirect::to("/settings"))
}

/// `POST /settings/accounts/{account}/disconnect`
pub async fn disconnect(
    State(core): State<Core>,
    who: SignedIn,
    Path(account): Path<IntegrationUserId>,
    _form: Form,
) -> Result<Redirect> {
    let mut found = Err(core::Error::NotFound);
    // An account belongs to one organization, and its id does not say to which.
    for member in who.person.members() {
        found = integration_users::disconnect(&core, &member, account).await;
        if !matches!(found, Err(core::Error::NotFound)) {
            break;
        }
    }
    match found {
        Ok(row) => who.flash(Tone::Good, format!("Disconnected {}.", row.account_name)).await?,
        Err(core::Error::Conflict(sentence)) => who.flash(Tone::Attention, sentence).await?,
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to("/settings"))
}

async fn draw_settings(
    core: &Core,
    who: &SignedIn,
    status: StatusCode,
    name: Option<String>,
    errors: FieldErrors,
) -> Result<Response> {
    let person = who.person.clone();
    let (mut accounts, mut links) = (Vec::new(), Vec::new());
    for (membership, member) in person.living().zip(person.members()) {
        let rows = integration_users::of_user(core, &member).await?;
        let used = used_accounts(core, &member).await?;
        accounts.extend(rows.into_iter().map(|row| account_row(core, &membership.organization.name, row, &used)));
        let own = integration_links::for_user(core, member.organization, member.user).await?;
        links.extend(Row::all(core, &member, &own, "/settings").await?);
    }
    let here = who.session_hash();
    let mut sessions: Vec<SessionRow> =
        sessions::list(core, person.user.id).await?.iter().map(|session| SessionRow::of(session, &here)).collect();
    sessions.sort_by_key(|session| !session.here);
    let page = SettingsPage {
        page: who.page("Your settings").await?.at(Place::Settings).about("/settings", None),
        typed_name: name.unwrap_or_else(|| person.user.name.clone()),
        sessions,
        accounts,
        links,
        person,
        errors,
    };
    draw(status, &page)
}

fn account_row(
    core: &Core,
    organization: &str,
    row: integration_user::Model,
    used: &BTreeSet<IntegrationUserId>,
) -> AccountRow {
    let (tone, state) = account_state(row.state);
    let lasting = core.partners.get(&row.partner).is_ok_and(|partner| partner.acts_with_accounts());
    let may_link = lasting && row.credentials.is_some();
    let step = of_account(row.state, used.contains(&row.id), may_link);
    let mend = step.map(|step| Mend::of_account(core, step, &row, Around { names: &[], next: "/settings" }));
    let since = row.broken_since.filter(|_| row.state == AccountState::Broken).map(Moment::at);
    let partner_name = core.partners.get(&row.partner).map_or_else(|_| row.partner.clone(), |it| it.name().to_owned());
    AccountRow {
        id: row.id,
        partner: row.partner,
        partner_name,
        name: row.account_name,
        organization: organization.to_owned(),
        acts: row.credentials.is_some(),
        tone,
        state,
        reason: row.reason,
        since,
        mend,
        leaving: row.state == AccountState::Leaving,
    }
}
