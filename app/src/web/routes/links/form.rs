//! What the forms of a new link and of a link's settings have in common: whose account fills the choices, and why a
//! sent form comes back.

use std::time::Duration;

use axum::http::StatusCode;
use integration_contract::{
    Account, Choice, Connect, Error as PartnerError, ErrorKind, FieldErrors, FieldKind, FormInput, LinkForm,
    LinkRefused,
};

use crate::{
    core::{Core, Error, integration_users, link_forms, organizations, partners::Partner, people::Member},
    db::entity::integration_user,
    web,
};

/// What a form is drawn and sent with: the account, unless the partner has none.
pub struct Acting {
    /// The account.
    pub row: Option<integration_user::Model>,
}

/// `None` when an account is needed and there is none.
pub(super) async fn acting(core: &Core, member: &Member, partner: &Partner) -> web::Result<Option<Acting>> {
    if matches!(partner.integration.card().connect, Connect::Nothing) {
        return Ok(Some(Acting { row: None }));
    }
    let row = integration_users::latest(core, member, partner).await?;
    Ok(row.map(|row| Acting { row: Some(row) }))
}

/// Whether the link form can be drawn at once, without the partner's consent page before it.
pub async fn has_account(core: &Core, member: &Member, partner: &Partner) -> web::Result<bool> {
    Ok(acting(core, member, partner).await?.is_some())
}

impl Acting {
    /// What the partner's methods get.
    ///
    /// # Errors
    /// When the account does not work.
    pub async fn account(&self, core: &Core, partner: &Partner) -> Result<Account, Error> {
        match &self.row {
            Some(row) if partner.acts_with_accounts() => integration_users::account(core, partner, row).await,
            Some(row) => Ok(integration_users::account_for_now(core, partner, row)),
            None => Ok(integration_users::nobody(core, partner)),
        }
    }
}

/// Why a sent form comes back.
#[derive(Default)]
pub struct Refusal {
    /// Beside the fields.
    pub errors: FieldErrors,
    /// Above the form.
    pub problem: Option<String>,
    /// What the page is answered with.
    pub status: StatusCode,
}

impl Refusal {
    /// One field's sentence.
    pub fn field(name: &str, sentence: &str) -> Self {
        Self { errors: FieldErrors::of(name, sentence), problem: None, status: StatusCode::UNPROCESSABLE_ENTITY }
    }

    /// A sentence above the form.
    pub fn sentence(text: impl Into<String>, status: StatusCode) -> Self {
        Self { errors: FieldErrors::default(), problem: Some(text.into()), status }
    }

    /// What the partner said of it.
    pub fn of(refused: LinkRefused) -> Self {
        match refused {
            LinkRefused::Fields(errors) => Self { errors, problem: None, status: StatusCode::UNPROCESSABLE_ENTITY },
            LinkRefused::Partner(error) => Self::sentence(error.sentence(), StatusCode::BAD_GATEWAY),
        }
    }
}

/// The partner's fields, no older than `age`; or none, and the sentence why.
pub async fn form_of(
    core: &Core,
    member: &Member,
    partner: &Partner,
    with: &Acting,
    so_far: &FormInput,
    age: Duration,
) -> (LinkForm, Option<String>) {
    let account = match with.account(core, partner).await {
        Ok(account) => account,
        Err(Error::Partner(error)) => return (LinkForm::default(), Some(error.sentence().to_owned())),
        Err(_) => return (LinkForm::default(), Some("The account could not be read. Try again.".to_owned())),
    };
    match link_forms::ask(core, partner, &account, with.row.as_ref(), so_far, age).await {
        Ok(form) => match with_names(core, member, form).await {
            Ok(form) => (form, None),
            Err(_) => {
                (LinkForm::default(), Some("The people of the organization could not be read. Try again.".into()))
            }
        },
        Err(error) => {
            tracing::info!(partner = partner.id(), kind = ?error.kind(), "a link form could not be filled");
            note_broken(core, partner, with, &error).await;
            (LinkForm::default(), Some(error.sentence().to_owned()))
        }
    }
}

/// Notes that the partner takes the account's token no more, so that pages say what mends it.
pub async fn note_broken(core: &Core, partner: &Partner, with: &Acting, error: &PartnerError) {
    let Some(row) = with.row.as_ref().filter(|_| error.kind() == ErrorKind::Unauthorized) else { return };
    if partner.acts_with_accounts()
        && let Err(error) = integration_users::mark_broken(core, row, error.sentence()).await
    {
        tracing::error!(%error, "could not note that an account is broken");
    }
}

/// Puts the organization's people into the fields that choose among them; no partner knows their names.
async fn with_names(core: &Core, member: &Member, mut form: LinkForm) -> Result<LinkForm, Error> {
    for field in form.fields.iter_mut().filter(|field| matches!(field.kind, FieldKind::Members)) {
        let people = organizations::members(core, member).await?.into_iter();
        let choices = people.map(|(user, _)| Choice { value: user.id.to_string(), label: user.name }).collect();
        field.kind = FieldKind::Many(choices);
    }
    Ok(form)
}
