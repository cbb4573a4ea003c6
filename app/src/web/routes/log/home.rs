//! `/`: to the log for who has one; first steps for who has no team yet; what this is for everybody else.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;

use crate::{
    core::{Core, people::Membership, teams},
    web::{
        Result,
        extract::Visitor,
        page::{Page, draw},
    },
};

use super::asked::Asked;

#[derive(Template)]
#[template(path = "home/welcome.html")]
struct Welcome {
    page: Page,
    /// The names of what it connects to.
    partners: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "home/first_steps.html")]
struct FirstSteps {
    page: Page,
    name: String,
    organization: Option<String>,
    may_make_teams: bool,
}

/// `GET /`
pub(super) async fn show(State(core): State<Core>, visitor: Visitor) -> Result<Response> {
    let Some(person) = &visitor.person else {
        let partners = core.partners.all().iter().map(|partner| partner.name()).collect();
        return draw(StatusCode::OK, &Welcome { page: visitor.page("").await?, partners });
    };
    let member = visitor.current.and_then(|id| person.member_of(id).ok());
    if let Some(member) = &member
        && let Some(team) = teams::of_member(&core, member).await?.first()
    {
        return Ok(Redirect::to(&Asked::default().address(team.id)).into_response());
    }
    let current = |membership: &&Membership| Some(membership.organization.id) == visitor.current;
    let steps = FirstSteps {
        page: visitor.page("First steps").await?,
        name: person.user.name.clone(),
        organization: person.memberships.iter().find(current).map(|membership| membership.organization.name.clone()),
        may_make_teams: member.is_some_and(|member| member.is_admin()),
    };
    draw(StatusCode::OK, &steps)
}
