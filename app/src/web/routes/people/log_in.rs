//! `/login` and `/logout`.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::FieldErrors;

use crate::{
    core::{self, Core, users},
    web::{
        Result,
        extract::{Form, Peer, ReturnPath, Visitor},
        page::{Page, draw},
    },
};

#[derive(Template)]
#[template(path = "people/log_in.html")]
struct LogInPage {
    page: Page,
    next: ReturnPath,
    email: String,
    errors: FieldErrors,
}

/// `GET /login`
pub async fn show(visitor: Visitor, next: ReturnPath) -> Result<Response> {
    if visitor.person.is_some() {
        return Ok(Redirect::to(&next.or("/")).into_response());
    }
    let page = visitor.page("Log in").await?.leading_to(&next);
    draw(StatusCode::OK, &LogInPage { page, next, email: String::new(), errors: FieldErrors::default() })
}

/// `POST /login`
pub async fn log_in(State(core): State<Core>, visitor: Visitor, Peer(from): Peer, form: Form) -> Result<Response> {
    let next = ReturnPath::new(form.0.one("next"));
    let email = form.0.one("email").to_owned();
    match users::log_in(&core, from, &email, &form.secret("password")).await {
        Ok(user) => {
            visitor.sign_in(&user).await?;
            Ok(Redirect::to(&next.or("/")).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let page = visitor.page("Log in").await?.leading_to(&next);
            draw(StatusCode::UNPROCESSABLE_ENTITY, &LogInPage { page, next, email, errors })
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /logout`. Twice is as good as once.
pub async fn log_out(visitor: Visitor, _form: Form) -> Result<Redirect> {
    visitor.sign_out().await?;
    Ok(Redirect::to("/login"))
}
