//! The gate every call of the API and of OAuth passes: it is recorded, and may meet a fault.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::super::rest;
use super::rules::Effect;

const BODY_MAX: usize = 2 * 1024 * 1024;
const HANG: Duration = Duration::from_secs(600);

/// Who called, told by the handler for the record.
#[derive(Clone)]
pub(in super::super) struct Who(pub String);

/// Told to the REST side: answer as if nothing were left.
#[derive(Clone, Copy)]
pub(in super::super) struct PrimaryLimit {
    pub status: StatusCode,
    pub seconds: i64,
}

pub(in super::super) async fn pass(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let (call, effect) = {
        let mut world = sandbox.world();
        let who = rest::login(&world, &parts.headers);
        let effect = world.control.take_effect(&parts.method, &path, &who);
        (world.control.note_call(parts.method.as_str(), &path, &query, who, &bytes), effect)
    };
    let request = Request::from_parts(parts, Body::from(bytes));
    let response = match effect {
        None => next.run(request).await,
        Some(effect) => suffer(effect, request, next).await,
    };
    if response.extensions().get::<HungUp>().is_none() {
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let who = response.extensions().get::<Who>().map(|Who(login)| login.clone());
        sandbox.world().control.note_answer(call, response.status().as_u16(), ms, who);
    }
    response
}

async fn suffer(effect: Effect, mut request: Request, next: Next) -> Response {
    match effect {
        Effect::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(request).await
        }
        Effect::Hang => {
            tokio::time::sleep(HANG).await;
            hang_up()
        }
        Effect::Status { status, body, headers } => {
            let mut response = json(status, if body.is_null() { String::new() } else { body.to_string() });
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Effect::PrimaryLimit { status, seconds } => {
            request.extensions_mut().insert(PrimaryLimit { status: code(status), seconds });
            next.run(request).await
        }
        Effect::SecondaryLimit { status, retry_after } => {
            let refusal = Refusal { status: code(status), ..rest::limits::secondary_refusal(retry_after) };
            let mut response = json(status, refusal.body().to_string());
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Effect::LostAnswer => {
            next.run(request).await;
            hang_up()
        }
        Effect::Reset => hang_up(),
        Effect::Redirect { to, status } => {
            let location = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
            (code(status), [(header::LOCATION, location)]).into_response()
        }
        Effect::Malformed => json(200, r#"{"id": 1, "login": "ada-co"#.to_owned()),
        Effect::Html { status } => {
            let page = "<!DOCTYPE html><title>Unicorn!</title><h1>No server is available</h1>";
            (code(status), [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Effect::Endless => {
            let chunk = Bytes::from_static(&[b' '; 16 * 1024]);
            let chunks = stream::repeat(chunk).then(|chunk| async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok::<_, std::io::Error>(chunk)
            });
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(chunks)).into_response()
        }
        Effect::Large { bytes } => json(200, format!("[\"{}\"]", "x".repeat(bytes.saturating_sub(4)))),
        Effect::Token { answer } => {
            request.extensions_mut().insert(answer);
            next.run(request).await
        }
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

fn json(status: u16, body: String) -> Response {
    (code(status), [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
