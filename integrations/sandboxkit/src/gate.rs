//! The gate every call of a sandbox's API and OAuth passes: it is recorded, and may meet a fault.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Desk;
use crate::rules::{Common, Effect};

const BODY_MAX: usize = 2 * 1024 * 1024;
const HANG: Duration = Duration::from_secs(600);

/// A sandbox whose calls pass the gate.
pub trait Gated: Clone + Send + Sync + 'static {
    /// Effects that only this partner has.
    type Own: OwnEffect;

    /// The desk, for a moment.
    fn desk<T>(&self, look: impl FnOnce(&mut Desk<Self::Own>) -> T) -> T;

    /// Whose call it is, for the record and for rules; "-" for nobody's.
    fn who(&self, call: &request::Parts, body: &[u8]) -> String;
}

/// A partner's own effect of a rule.
pub trait OwnEffect: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Answers in the handler's place; or, without an answer, may have told the handler something in the request's
    /// extensions.
    fn suffer(self, request: &mut Request) -> Option<Response>;
}

/// Who called, told by the handler for the record, in an answer's extensions.
#[derive(Clone)]
pub struct Who(pub String);

/// The middleware.
pub async fn pass<S: Gated>(State(sandbox): State<S>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let who = sandbox.who(&parts, &bytes);
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let (call, effect) = sandbox.desk(|desk| {
        let effect = desk.rules.take_effect(&parts.method, path, &who);
        (desk.calls.note_call(parts.method.as_str(), path, query, who, &bytes), effect)
    });
    let request = Request::from_parts(parts, Body::from(bytes));
    let response = match effect {
        None => next.run(request).await,
        Some(Effect::Any(effect)) => suffer(effect, request, next).await,
        Some(Effect::Own(effect)) => suffer_own(effect, request, next).await,
    };
    if response.extensions().get::<HungUp>().is_none() {
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let who = response.extensions().get::<Who>().map(|Who(name)| name.clone());
        sandbox.desk(|desk| desk.calls.note_answer(call, response.status().as_u16(), ms, who));
    }
    response
}

async fn suffer_own(effect: impl OwnEffect, mut request: Request, next: Next) -> Response {
    match effect.suffer(&mut request) {
        Some(response) => response,
        None => next.run(request).await,
    }
}

async fn suffer(effect: Common, request: Request, next: Next) -> Response {
    match effect {
        Common::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(request).await
        }
        Common::Hang => {
            tokio::time::sleep(HANG).await;
            hang_up()
        }
        Common::Status { status, body, headers } => {
            let mut response = json(status, if body.is_null() { String::new() } else { body.to_string() });
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Common::LostAnswer => {
            next.run(request).await;
            hang_up()
        }
        Common::Reset => hang_up(),
        Common::Redirect { to, status } => {
            let location = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
            (code(status), [(header::LOCATION, location)]).into_response()
        }
        Common::Malformed => json(200, r#"{"ok": true, "id": 1, "login": "ada-co"#.to_owned()),
        Common::Html { status } => {
            let page = "<!DOCTYPE html><title>Sorry!</title><h1>No server is available</h1>";
            (code(status), [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Common::Endless => {
            let chunk = Bytes::from_static(&[b' '; 16 * 1024]);
            let chunks = stream::repeat(chunk).then(|chunk| async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok::<_, std::io::Error>(chunk)
            });
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(chunks)).into_response()
        }
        Common::Large { bytes } => json(200, format!("[\"{}\"]", "x".repeat(bytes.saturating_sub(4)))),
    }
}

/// Marks the response that never reaches anyone.
#[derive(Clone, Copy)]
struct HungUp;

/// A body that fails before its first byte makes the server close the connection with the head unsent.
fn hang_up() -> Response {
    let nothing = stream::once(async { Err::<Bytes, _>(std::io::Error::other("hung up on purpose")) });
    let mut response = Response::new(Body::from_stream(nothing));
    response.extensions_mut().insert(HungUp);
    response
}

/// An answer of JSON that a fault gives.
pub fn json(status: u16, body: String) -> Response {
    (code(status), [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// A status a test asked for, whatever it is.
pub fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
