//! `/integrations/{p}/authorize`: where somebody lands who wrote to us from a partner and whom we did not know. Reading
//! the page changes nothing; joining the accounts is a form.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::SecretString;
use serde::Deserialize;

use crate::{
    core::{self, Core, integration_users},
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Place, Tone, draw},
    },
};

#[derive(Deserialize)]
pub struct Claiming {
    claim: Option<String>,
}

#[derive(Template)]
#[template(path = "integrations/authorize.html")]
struct AuthorizePage {
    page: Page,
    partner: &'static str,
    partner_name: &'static str,
    account: String,
    organization: String,
    claim: String,
}

#[derive(Template)]
#[template(path = "integrations/claim_gone.html")]
struct GonePage {
    page: Page,
    partner_name: &'static str,
}

/// `GET /integrations/{p}/authorize?claim=…`
pub async fn show(
    State(core): State<Core>,
    Path(id): Path<String>,
    Query(asked): Query<Claiming>,
    who: SignedIn,
) -> Result<Response> {
    let partner = core.partners.get(&id)?;
    let claim = asked.claim.unwrap_or_default();
    let offered = integration_users::claimed(&core, &who.person, partner, &SecretString::from(claim.clone())).await;
    let page = who.page(&format!("Your {} account", partner.name())).await?.at(Place::Integrations);
    let offered = match offered {
        Ok(offered) => offered,
        Err(core::Error::NotFound) => return gone(page, partner.name()),
        Err(error) => return Err(error.into()),
    };
    let page = AuthorizePage {
        page,
        partner: partner.id(),
        partner_name: partner.name(),
        account: offered.account_name,
        organization: offered.organization.name,
        claim,
    };
    draw(StatusCode::OK, &page)
}

/// `POST /integrations/{p}/authorize`
pub async fn accept(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    Form(form): Form,
) -> Result<Response> {
    let partner = core.partners.get(&id)?;
    let claim = SecretString::from(form.one("claim").to_owned());
    let taken = match integration_users::accept_claim(&core, &who.person, partner, &claim).await {
        Ok(taken) => taken,
        Err(core::Error::NotFound) => return gone(who.page("Your account").await?, partner.name()),
        Err(error) => return Err(error.into()),
    };
    who.choose(taken.organization.id).await?;
    let sentence = format!("What {} writes from {} is yours from now on.", taken.account_name, partner.name());
    who.flash(Tone::Good, sentence).await?;
    Ok(Redirect::to("/settings").into_response())
}

/// One page for an offer that never was, was taken, ran out or is another organization's: which, is not for whoever
/// tries.
fn gone(page: Page, partner_name: &'static str) -> Result<Response> {
    draw(StatusCode::NOT_FOUND, &GonePage { page, partner_name })
}
