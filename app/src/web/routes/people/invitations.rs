//! `/invitations/{token}`: what an invitation link leads to. Reading it changes nothing; accepting it is a form.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::SecretString;

use crate::{
    core::{
        self, Core,
        invitations::{self, Invited},
    },
    web::{
        Result,
        extract::{Form, Path, ReturnPath, SignedIn, Visitor},
        page::{Page, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "invitations/show.html")]
struct InvitationPage {
    page: Page,
    invited: Invited,
    /// Where to sign up or log in and come back from; none when signed in.
    enter: Option<ReturnPath>,
    is_member: bool,
}

#[derive(Template)]
#[template(path = "invitations/gone.html")]
struct GonePage {
    page: Page,
}

/// `GET /invitations/{token}`
pub async fn show(State(core): State<Core>, visitor: Visitor, Path(token): Path<String>) -> Result<Response> {
    let path = ReturnPath::new(&format!("/invitations/{token}"));
    let invited = match invitations::look(&core, &SecretString::from(token)).await {
        Ok(invited) => invited,
        Err(core::Error::NotFound) => return gone(visitor.page("Invitation").await?),
        Err(error) => return Err(error.into()),
    };
    let page = InvitationPage {
        page: visitor.page(&format!("Invitation to {}", invited.organization.name)).await?.leading_to(&path),
        enter: visitor.person.is_none().then_some(path),
        is_member: visitor.person.is_some_and(|person| person.member_of(invited.organization.id).is_ok()),
        invited,
    };
    draw(StatusCode::OK, &page)
}

/// `POST /invitations/{token}`
pub async fn accept(
    State(core): State<Core>,
    who: SignedIn,
    Path(token): Path<String>,
    _form: Form,
) -> Result<Response> {
    let accepted = match invitations::accept(&core, who.person.user.id, &SecretString::from(token)).await {
        Ok(accepted) => accepted,
        Err(core::Error::NotFound) => return gone(who.page("Invitation").await?),
        Err(error) => return Err(error.into()),
    };
    let organization = accepted.membership.organization;
    who.choose(organization.id).await?;
    let sentence = if accepted.new {
        format!("Welcome to {}.", organization.name)
    } else {
        format!("You belong to {} already, as before.", organization.name)
    };
    who.flash(Tone::Good, sentence).await?;
    let next = accepted.team.map_or_else(|| "/".to_owned(), |team| format!("/teams/{team}"));
    Ok(Redirect::to(&next).into_response())
}

/// One page for a link that never was, was used, ran out or was revoked: which, is not for whoever tries links.
fn gone(page: Page) -> Result<Response> {
    draw(StatusCode::NOT_FOUND, &GonePage { page })
}
