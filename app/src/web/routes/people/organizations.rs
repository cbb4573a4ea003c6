//! `/organizations`: those of a person, making one, and choosing which one pages are about.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::FieldErrors;

use crate::{
    core::{
        self, Core,
        deletions::{self, Receipt},
        organizations,
        people::Membership,
        teams::{NewTeam, zone_names},
    },
    db::OrganizationId,
    web::{
        Result,
        extract::{Form, ReturnPath, SignedIn},
        page::{Page, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "organizations/list.html")]
struct ListPage {
    page: Page,
    memberships: Vec<Membership>,
    /// Of organizations that this person deleted.
    receipts: Vec<Receipt>,
}

/// `GET /organizations`
pub async fn list(State(core): State<Core>, who: SignedIn) -> Result<Response> {
    let page = who.page("Organizations").await?;
    let receipts = deletions::of_user(&core, who.person.user.id).await?;
    draw(StatusCode::OK, &ListPage { page, memberships: who.person.memberships, receipts })
}

#[derive(Template)]
#[template(path = "organizations/new.html")]
struct NewPage {
    page: Page,
    is_first: bool,
    organization: String,
    typed: NewTeam,
    zones: &'static [String],
    errors: FieldErrors,
}

/// `GET /organizations/new`
pub async fn new(who: SignedIn) -> Result<Response> {
    let team = NewTeam { name: String::new(), time_zone: "UTC".into() };
    draw_new(&who, StatusCode::OK, String::new(), team, FieldErrors::default()).await
}

/// `POST /organizations/new`
pub async fn found(State(core): State<Core>, who: SignedIn, Form(input): Form) -> Result<Response> {
    let name = input.one("organization").to_owned();
    let team = NewTeam { name: input.one("name").to_owned(), time_zone: input.one("time_zone").to_owned() };
    match organizations::found_with_team(&core, who.person.user.id, &name, team.clone()).await {
        Ok((organization, team)) => {
            who.choose(organization.id).await?;
            who.flash(Tone::Good, format!("{} is there, with its first team.", organization.name)).await?;
            Ok(Redirect::to(&format!("/teams/{}", team.id)).into_response())
        }
        Err(core::Error::Invalid(errors)) => draw_new(&who, StatusCode::UNPROCESSABLE_ENTITY, name, team, errors).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /organizations/current`
pub async fn choose(who: SignedIn, Form(input): Form) -> Result<Redirect> {
    let organization: OrganizationId = input.one("organization").parse().map_err(|_| core::Error::NotFound)?;
    who.person.member_of(organization)?;
    who.choose(organization).await?;
    Ok(Redirect::to(&ReturnPath::new(input.one("next")).or("/")))
}

async fn draw_new(
    who: &SignedIn,
    status: StatusCode,
    organization: String,
    team: NewTeam,
    errors: FieldErrors,
) -> Result<Response> {
    let page = who.page("New organization").await?;
    let is_first = who.person.living().next().is_none();
    draw(status, &NewPage { page, is_first, organization, typed: team, zones: zone_names(), errors })
}
