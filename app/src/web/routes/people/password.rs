//! `/password/…`: the way back for somebody who forgot their password, from asking for a link to the new password.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{FieldErrors, SecretString};

use super::sign_up::password_help;
use crate::{
    core::{self, Core, password_links},
    db::entity::user,
    web::{
        Result,
        extract::{Form, Path, Peer, ReturnPath, Visitor},
        page::{Page, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "password/forgotten.html")]
struct ForgottenPage {
    page: Page,
    next: ReturnPath,
    sends_mail: bool,
    email: String,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "password/asked.html")]
struct AskedPage {
    page: Page,
}

#[derive(Template)]
#[template(path = "password/new.html")]
struct NewPasswordPage {
    page: Page,
    user: user::Model,
    errors: FieldErrors,
}

impl NewPasswordPage {
    fn password_help(&self) -> String {
        password_help()
    }
}

#[derive(Template)]
#[template(path = "password/gone.html")]
struct GonePage {
    page: Page,
}

/// `GET /password/forgotten`
pub async fn forgotten(State(core): State<Core>, visitor: Visitor, next: ReturnPath) -> Result<Response> {
    let page = visitor.page("Forgot your password?").await?.leading_to(&next);
    let (sends_mail, email, errors) = (core.sends_mail(), String::new(), FieldErrors::default());
    draw(StatusCode::OK, &ForgottenPage { page, next, sends_mail, email, errors })
}

/// `POST /password/forgotten`. Whoever asks reads the same, whatever the address.
pub async fn ask(State(core): State<Core>, visitor: Visitor, Peer(from): Peer, form: Form) -> Result<Response> {
    // The page has no form then, and says what to do instead.
    if !core.sends_mail() {
        return Ok(Redirect::to("/password/forgotten").into_response());
    }
    let email = form.0.one("email").to_owned();
    match password_links::ask(&core, from, &email).await {
        Ok(()) => Ok(Redirect::to("/password/asked").into_response()),
        Err(core::Error::Invalid(errors)) => {
            let next = ReturnPath::new(form.0.one("next"));
            let page = visitor.page("Forgot your password?").await?.leading_to(&next);
            let page = ForgottenPage { page, next, sends_mail: true, email, errors };
            draw(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /password/asked`
pub async fn asked(visitor: Visitor) -> Result<Response> {
    draw(StatusCode::OK, &AskedPage { page: visitor.page("Look into your mailbox").await? })
}

/// `GET /password/new/{token}`. Programs open the links of mails too: reading it changes nothing.
pub async fn show(State(core): State<Core>, visitor: Visitor, Path(token): Path<String>) -> Result<Response> {
    match password_links::look(&core, &SecretString::from(token)).await {
        Ok(user) => draw_new(&visitor, user, StatusCode::OK, FieldErrors::default()).await,
        Err(core::Error::NotFound) => gone(&visitor).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /password/new/{token}`. Whoever was logged in here before is not any more.
pub async fn set(
    State(core): State<Core>,
    visitor: Visitor,
    Peer(from): Peer,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response> {
    let token = SecretString::from(token);
    match password_links::set_password(&core, from, &token, &form.secret("password")).await {
        Ok(user) => {
            visitor.sign_in(&user).await?;
            visitor.flash(Tone::Good, "Your password is changed. Everywhere else you are logged out.".into()).await?;
            Ok(Redirect::to("/").into_response())
        }
        Err(core::Error::Invalid(errors)) => match password_links::look(&core, &token).await {
            Ok(user) => draw_new(&visitor, user, StatusCode::UNPROCESSABLE_ENTITY, errors).await,
            Err(core::Error::NotFound) => gone(&visitor).await,
            Err(error) => Err(error.into()),
        },
        Err(core::Error::NotFound) => gone(&visitor).await,
        Err(error) => Err(error.into()),
    }
}

async fn draw_new(visitor: &Visitor, user: user::Model, status: StatusCode, errors: FieldErrors) -> Result<Response> {
    draw(status, &NewPasswordPage { page: visitor.page("New password").await?, user, errors })
}

/// One page for a link that never was, was used, ran out or was replaced: which, is not for whoever tries links.
async fn gone(visitor: &Visitor) -> Result<Response> {
    draw(StatusCode::NOT_FOUND, &GonePage { page: visitor.page("New password").await? })
}
