//! Errors as pages: what happened, what to do next, and the id of the request for whoever looks into it.
//!
//! An error on its way out carries only its sentences; [`draw`] sees it last, where the request's id and the visitor
//! are known, and makes the page. What fails before a handler or around it is worded by `layers`.

use askama::Template;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    body::BodyRefused,
    doors::{self, Door},
    extract::Visitor,
    layers::RequestId,
    page::Page,
};
use crate::{
    core::{self, Core, organizations},
    db::{OrganizationId, entity::member::Role},
    state::AppState,
};

/// How many are named who may do something; more are not read.
const MOST_NAMES: usize = 3;

/// A result with a web [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a page is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The core did not do it.
    #[error(transparent)]
    Core(#[from] core::Error),
    /// A form that none of our pages in this browser has sent.
    #[error("a form without a good token")]
    ForeignForm,
    /// A body in another encoding than a form's.
    #[error("not a form")]
    NotAForm,
    /// A body that was not read, or not to its end.
    #[error(transparent)]
    Body(#[from] BodyRefused),
    /// The page is there, but not for this method.
    #[error("method not allowed")]
    Method,
    /// A page that is about the person's organization, and they belong to none: the page where they make one is next.
    #[error("no organization")]
    NoOrganization,
    /// A partner's answer that does not belong to anything this browser started.
    #[error("a callback out of place")]
    StartAgain,
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Core(core::Error::Internal(error))
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        match error {
            tower_sessions::session::Error::Store(error) => {
                Self::Core(core::Error::Busy(sea_orm::DbErr::Custom(error.to_string())))
            }
            error @ tower_sessions::session::Error::SerdeJson(_) => Self::Core(core::Error::Internal(error.into())),
        }
    }
}

/// What a person reads.
#[derive(Clone, Debug)]
struct Sentences {
    happened: String,
    next: String,
    /// Whose role is enough for it, when that was the matter.
    who_may: Option<(OrganizationId, Role)>,
    /// Where it goes on, when the address says nothing better.
    door: Door,
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Core(error) => match error {
                core::Error::NotFound => StatusCode::NOT_FOUND,
                core::Error::Forbidden(_) => StatusCode::FORBIDDEN,
                core::Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                core::Error::Conflict(_) => StatusCode::CONFLICT,
                core::Error::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
                core::Error::Partner(_) => StatusCode::BAD_GATEWAY,
                core::Error::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
                core::Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(refused) => refused.status(),
            Self::NoOrganization => StatusCode::SEE_OTHER,
            Self::StartAgain => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn sentences(&self) -> Sentences {
        let (happened, next) = match self {
            Self::Core(error) => match error {
                core::Error::NotFound => (
                    "There is nothing here, or it is not yours to see.".into(),
                    "Check the address, or go back and choose again.".into(),
                ),
                core::Error::Forbidden(barrier) => {
                    (barrier.sentence.clone(), "Ask one of them to do it, or to change your role.".into())
                }
                core::Error::Invalid(errors) => (
                    "Something in the form can't be used.".into(),
                    errors.iter().map(|(_, sentence)| sentence).collect::<Vec<_>>().join(" "),
                ),
                core::Error::Conflict(sentence) => (sentence.clone(), "Go back and look at how things stand.".into()),
                core::Error::TooMany(seconds) => (
                    "That was too often.".into(),
                    match seconds {
                        1 => "Wait a second, then try again.".into(),
                        seconds => format!("Wait {seconds} seconds, then try again."),
                    },
                ),
                core::Error::Partner(error) => (error.sentence().to_owned(), "Nothing was changed here.".into()),
                core::Error::Busy(_) => (
                    "The database did not answer in time.".into(),
                    "Try again in half a minute. If it lasts, tell whoever runs this server.".into(),
                ),
                core::Error::Internal(_) => (
                    "Something went wrong here, and it is not your fault.".into(),
                    "Try again; if it fails again, tell whoever runs this server, with the id below.".into(),
                ),
            },
            Self::ForeignForm => (
                "This form did not come from a page that is open in your browser now.".into(),
                "Go back, reload the page and send it again. Cookies must be allowed.".into(),
            ),
            Self::Body(BodyRefused::TooLarge) => {
                ("That is more text than fits.".into(), "Go back and shorten it.".into())
            }
            Self::Body(BodyRefused::TooSlow | BodyRefused::Busy) => {
                ("What was sent did not arrive in time.".into(), "Go back and send it again.".into())
            }
            Self::NotAForm | Self::Body(BodyRefused::Broken | BodyRefused::Encoded) => {
                ("What was sent could not be read as a form.".into(), "Go back and use the form on the page.".into())
            }
            Self::NoOrganization => {
                ("You belong to no organization.".into(), "Make one, or ask for an invitation.".into())
            }
            Self::StartAgain => (
                "This answer does not belong to a connection that was started here, or it came too late.".into(),
                "Start again from the integrations page.".into(),
            ),
            Self::Method => (
                "This address does not do what was asked of it.".into(),
                "Go back and use the buttons on the page.".into(),
            ),
        };
        let door = match self {
            Self::StartAgain | Self::Core(core::Error::Partner(_)) => {
                Door::new("/integrations", "Go to the integrations")
            }
            _ => Door::first_page(),
        };
        let who_may = match self {
            Self::Core(core::Error::Forbidden(barrier)) => barrier.who_may,
            _ => None,
        };
        Sentences { happened, next, who_may, door }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if matches!(self, Self::NoOrganization) {
            return Redirect::to("/organizations").into_response();
        }
        // One line per error, here where it ends. What a person only typed wrong is not worth one.
        match &self {
            Self::Core(core::Error::Internal(error)) => tracing::error!(error = format!("{error:#}"), "internal error"),
            Self::Core(core::Error::Busy(error)) => tracing::error!(%error, "the database is not available"),
            Self::Core(core::Error::Partner(error)) => tracing::warn!(%error, "a partner did not do its part"),
            Self::Core(core::Error::Forbidden(barrier)) => tracing::info!(barrier.sentence, "refused"),
            Self::Core(core::Error::TooMany(seconds)) => tracing::info!(seconds, "refused: too many attempts"),
            Self::ForeignForm => tracing::info!("refused: a form without a good token"),
            _ => {}
        }
        let sentences = self.sentences();
        let body = format!("{}\n{}\n", sentences.happened, sentences.next);
        let mut response = (self.status(), body).into_response();
        let retry_after = match self {
            Self::Core(core::Error::TooMany(seconds)) => Some(seconds),
            Self::Core(core::Error::Busy(_)) => Some(30),
            Self::Body(BodyRefused::Busy) => Some(5),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(sentences);
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    page: Page,
    status: StatusCode,
    happened: String,
    next: String,
    door: Door,
    request_id: Option<String>,
}

/// Makes a page of an error.
pub(super) async fn draw(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let visitor = Visitor::slot(&mut request);
    let method = request.method().clone();
    let address = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let mut response = next.run(request).await;
    let Some(mut sentences) = response.extensions_mut().remove::<Sentences>() else { return response };
    let page = match visitor.get() {
        Some(visitor) => visitor.page_after_error(&state.core).await,
        None => Page { site: state.core.site.name.clone(), demo: state.demo.clone(), ..Page::default() },
    };
    if let (Some(visitor), Some((organization, least))) = (visitor.get(), sentences.who_may) {
        let names = names_of(&state.core, visitor, organization, least).await;
        sentences.next = names.map_or(sentences.next, |names| format!("Ask {names} to do it, or to change your role."));
    }
    let in_sight = |path: &str| is_in_sight(&state.core, &page, path);
    let door = doors::after(response.status(), &method, &address, in_sight);
    sentences.door = door.unwrap_or(sentences.door);
    drawn(response, page, sentences)
}

/// Who may do it, told to members of the same organization only.
async fn names_of(core: &Core, visitor: &Visitor, organization: OrganizationId, least: Role) -> Option<String> {
    let member = visitor.person.as_ref()?.member_of(organization).ok()?;
    let mut names = organizations::who_may(core, &member, least).await.ok()?;
    names.truncate(MOST_NAMES);
    let last = names.pop()?;
    Some(if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) })
}

/// Whether the person may see the page at this path of ours, as far as their frame tells.
fn is_in_sight(core: &Core, page: &Page, path: &str) -> bool {
    let Some(person) = &page.person else { return false };
    match path.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["teams", team, ..] => person.teams.iter().any(|(id, _)| id.to_string() == *team),
        ["integrations"] | ["settings"] | ["organizations"] => true,
        ["integrations", partner] => core.partners.get(partner).is_ok(),
        _ => false,
    }
}

fn drawn(bare: Response, mut page: Page, sentences: Sentences) -> Response {
    let (mut parts, body) = bare.into_parts();
    page.title = parts.status.canonical_reason().unwrap_or("Error").to_owned();
    match error_page(page, parts.status, sentences).render() {
        Ok(html) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            Response::from_parts(parts, html.into())
        }
        Err(error) => {
            tracing::error!(%error, "the error page failed; its sentences go out bare");
            Response::from_parts(parts, body)
        }
    }
}

fn error_page(page: Page, status: StatusCode, sentences: Sentences) -> ErrorPage {
    let Sentences { happened, next, door, .. } = sentences;
    ErrorPage { page, status, happened, next, door, request_id: RequestId::current().map(|id| id.to_string()) }
}

/// No route has this address. The visitor is looked up for the frame of the page only, so it need not work out.
pub(super) async fn no_such_page(_: Result<Visitor>) -> Error {
    core::Error::NotFound.into()
}

/// A route has this address, but not this method. The router adds `Allow`.
pub(super) async fn no_such_method(method: Method, _: Result<Visitor>) -> Error {
    tracing::debug!(%method, "method not allowed");
    Error::Method
}
