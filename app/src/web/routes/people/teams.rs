//! `/teams/new`: making a team in the current organization.

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
        people::Member,
        teams::{self, NewTeam, zone_names},
    },
    web::{
        Result,
        extract::{Form, SignedIn},
        page::{Page, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "teams/new.html")]
struct NewPage {
    page: Page,
    typed: NewTeam,
    zones: &'static [String],
    errors: FieldErrors,
}

/// `GET /teams/new`
pub async fn new(who: SignedIn) -> Result<Response> {
    let Ok(member) = who.member() else { return Ok(to_first_organization()) };
    may_make(&member)?;
    let team = NewTeam { name: String::new(), time_zone: "UTC".into() };
    draw_new(&who, StatusCode::OK, team, FieldErrors::default()).await
}

/// `POST /teams/new`
pub async fn create(State(core): State<Core>, who: SignedIn, Form(input): Form) -> Result<Response> {
    let Ok(member) = who.member() else { return Ok(to_first_organization()) };
    let team = NewTeam { name: input.one("name").to_owned(), time_zone: input.one("time_zone").to_owned() };
    match teams::create(&core, &member, team.clone()).await {
        Ok(team) => {
            who.flash(Tone::Good, format!("The team {} is there, with you in it.", team.name)).await?;
            Ok(Redirect::to(&format!("/teams/{}/settings", team.id)).into_response())
        }
        Err(core::Error::Invalid(errors)) => draw_new(&who, StatusCode::UNPROCESSABLE_ENTITY, team, errors).await,
        Err(error) => Err(error.into()),
    }
}

fn may_make(member: &Member) -> core::Result<()> {
    member.must_be_admin("make teams")
}

fn to_first_organization() -> Response {
    Redirect::to("/organizations/new").into_response()
}

async fn draw_new(who: &SignedIn, status: StatusCode, team: NewTeam, errors: FieldErrors) -> Result<Response> {
    let page = who.page("New team").await?;
    draw(status, &NewPage { page, typed: team, zones: zone_names(), errors })
}
