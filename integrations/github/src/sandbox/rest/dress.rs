//! An answer as it goes out: in the form that was asked for, with GitHub's headers, or as "304, you know it".

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::{Who, random};

use super::super::refusal::Refusal;
use super::super::world::World;
use super::answer::Answer;
use super::call::Call;
use super::limits::Reading;
use super::media::Media;

const API_VERSION: &str = "2022-11-28";

pub(super) fn dress(world: &mut World, call: &Call, answer: Result<Answer, Refusal>) -> Response {
    let mut headers = HeaderMap::new();
    let mut answer = answer.unwrap_or_else(|refusal| refused(refusal, &mut headers));
    let media = Media::of(&call.headers);
    if let Some(body) = &mut answer.body {
        media.render(body);
        set(&mut headers, "content-type", "application/json; charset=utf-8");
    }
    let mut bytes = answer.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
    if matches!(call.method, Method::GET | Method::HEAD) && answer.status == StatusCode::OK {
        let etag = format!("W/\"{}\"", hex::encode(digest(&SHA256, &bytes)));
        set(&mut headers, "etag", &etag);
        set(&mut headers, "cache-control", "private, max-age=60, s-maxage=60");
        let known = call.headers.get(header::IF_NONE_MATCH);
        if known.is_some_and(|value| value.as_bytes() == etag.as_bytes()) {
            world.usage.refund(call.who());
            answer.status = StatusCode::NOT_MODIFIED;
            bytes.clear();
        }
    }
    for (name, value) in [("link", &answer.link), ("location", &answer.location)] {
        if let Some(value) = value {
            set(&mut headers, name, value);
        }
    }
    set(&mut headers, "x-github-media-type", &media.to_string());
    set(&mut headers, "x-github-request-id", &random::hex(32).to_uppercase());
    set(&mut headers, "x-github-api-version-selected", API_VERSION);
    set(&mut headers, "x-content-type-options", "nosniff");
    scope_headers(&mut headers, call);
    limit_headers(&mut headers, world.usage.reading(call.who()));
    let who = call.who().map_or("-".to_owned(), |id| world.account(id).login.clone());
    let mut response = (answer.status, headers, Body::from(bytes)).into_response();
    response.extensions_mut().insert(Who(who));
    response
}

fn refused(refusal: Refusal, headers: &mut HeaderMap) -> Answer {
    for (name, value) in &refusal.headers {
        set(headers, name, value);
    }
    let body = Some(refusal.body());
    Answer { status: refusal.status, body, link: None, location: refusal.location }
}

fn scope_headers(headers: &mut HeaderMap, call: &Call) {
    if let Some(caller) = &call.caller {
        set(headers, "x-oauth-scopes", &caller.scopes.join(", "));
        set(headers, "x-accepted-oauth-scopes", call.accepted.get());
        if let Some(client_id) = &caller.client_id {
            set(headers, "x-oauth-client-id", client_id);
        }
    }
}

fn limit_headers(headers: &mut HeaderMap, reading: Reading) {
    set(headers, "x-ratelimit-limit", &reading.limit.to_string());
    set(headers, "x-ratelimit-remaining", &reading.remaining.to_string());
    set(headers, "x-ratelimit-used", &reading.used.to_string());
    set(headers, "x-ratelimit-reset", &reading.reset.to_string());
    set(headers, "x-ratelimit-resource", "core");
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Values come from names and numbers of ours; one that can't stand in a header is left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
