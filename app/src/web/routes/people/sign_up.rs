//! `/signup`: making an account. An organization is made, or an invitation accepted, on the page that follows.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::FieldErrors;

use crate::{
    core::{
        self, Core, attempts,
        users::{self, NewUser, SHORTEST_PASSWORD},
    },
    web::{
        Result,
        extract::{Form, Peer, ReturnPath, Visitor},
        page::{Page, draw},
    },
};

#[derive(Template)]
#[template(path = "people/sign_up.html")]
struct SignUpPage {
    page: Page,
    next: ReturnPath,
    email: String,
    typed_name: String,
    errors: FieldErrors,
}

impl SignUpPage {
    fn password_help(&self) -> String {
        password_help()
    }
}

/// What is said beside the field of a password that is chosen.
pub(super) fn password_help() -> String {
    format!("At least {SHORTEST_PASSWORD} characters. A sentence is easy to remember and hard to guess.")
}

/// `GET /signup`
pub async fn show(visitor: Visitor, next: ReturnPath) -> Result<Response> {
    if visitor.person.is_some() {
        return Ok(Redirect::to(&next.or("/")).into_response());
    }
    let page = visitor.page("Sign up").await?.leading_to(&next);
    let page =
        SignUpPage { page, next, email: String::new(), typed_name: String::new(), errors: FieldErrors::default() };
    draw(StatusCode::OK, &page)
}

/// `POST /signup`
pub async fn sign_up(State(core): State<Core>, visitor: Visitor, Peer(from): Peer, form: Form) -> Result<Response> {
    let next = ReturnPath::new(form.0.one("next"));
    let (email, name) = (form.0.one("email").to_owned(), form.0.one("name").to_owned());
    let new = NewUser { email: email.clone(), name: name.clone(), password: form.secret("password") };
    attempts::from_address(&core, from)?;
    match users::sign_up(&core, new).await {
        Ok(user) => {
            visitor.sign_in(&user).await?;
            Ok(Redirect::to(&next.or("/organizations/new")).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let page = visitor.page("Sign up").await?.leading_to(&next);
            draw(StatusCode::UNPROCESSABLE_ENTITY, &SignUpPage { page, next, email, typed_name: name, errors })
        }
        Err(error) => Err(error.into()),
    }
}
