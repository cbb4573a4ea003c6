//! What every call goes through: read it, find out who it is, count it, do it, dress the answer.

use std::cell::Cell;

use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Map, Value};

use super::super::control::gate::{PrimaryLimit, Who};
use super::super::pages::session::Fields;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::{Sandbox, random};
use super::answer::Answer;
use super::call::{Call, Caller, basic, token};
use super::limits::{Reading, primary_refusal};

const BODY_MAX: usize = 1024 * 1024;

/// A handler: no I/O, no waiting.
pub(super) type Handler = fn(&mut World, &Call) -> Result<Answer, Refusal>;

pub(super) fn get(handler: Handler) -> MethodRouter<Sandbox> {
    route(MethodFilter::GET, handler)
}

pub(super) fn post(handler: Handler) -> MethodRouter<Sandbox> {
    route(MethodFilter::POST, handler)
}

pub(super) fn put(handler: Handler) -> MethodRouter<Sandbox> {
    route(MethodFilter::PUT, handler)
}

pub(super) fn patch(handler: Handler) -> MethodRouter<Sandbox> {
    route(MethodFilter::PATCH, handler)
}

pub(super) fn delete(handler: Handler) -> MethodRouter<Sandbox> {
    route(MethodFilter::DELETE, handler)
}

fn route(filter: MethodFilter, handler: Handler) -> MethodRouter<Sandbox> {
    on(filter, move |State(sandbox): State<Sandbox>, params: RawPathParams, request: Request| {
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        serve(sandbox, handler, params, request)
    })
}

/// GitHub answers 404 for unknown paths and for methods that a path does not have.
pub(super) async fn unknown(State(sandbox): State<Sandbox>, request: Request) -> Response {
    serve(sandbox, |_, _| Err(Refusal::not_found()), Vec::new(), request).await
}

async fn serve(sandbox: Sandbox, handler: Handler, params: Vec<(String, String)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let limit = parts.extensions.get::<PrimaryLimit>().copied();
    let body = read(body).await;
    sandbox.change(|world| {
        let mut call = Call {
            path: below_api(&parts),
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            method: parts.method,
            headers: parts.headers,
            params,
            body: Map::new(),
            caller: None,
            accepted: Cell::new(""),
        };
        let answer =
            identify(world, &mut call).and_then(|()| count(world, &call, limit)).and_then(|()| body).and_then(|body| {
                call.body = body;
                handler(world, &call)
            });
        dress(world, &call, answer)
    })
}

/// `nest` takes away what it has matched, so the path as it was sent is asked for.
fn below_api(parts: &Parts) -> String {
    let sent = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |OriginalUri(uri)| uri.path());
    let below = sent.split_once("/api/v3").map_or(sent, |(_, below)| below);
    below.trim_end_matches('/').to_owned()
}

async fn read(body: Body) -> Result<Map<String, Value>, Refusal> {
    let too_large = |_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
    let bytes = to_bytes(body, BODY_MAX).await.map_err(too_large)?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        // The two label calls take a bare list; it gets the name it has in the object form.
        Ok(list @ Value::Array(_)) => Ok(Map::from_iter([("labels".to_owned(), list)])),
        Ok(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "Body should be a JSON object")),
        Err(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "Problems parsing JSON")),
    }
}

fn identify(world: &World, call: &mut Call) -> Result<(), Refusal> {
    if !call.headers.contains_key(header::USER_AGENT) {
        return Err(Refusal::forbidden(
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        ));
    }
    // An app speaks about its own tokens with its own name and secret.
    if call.path.starts_with("/applications/") && basic(&call.headers).is_some() {
        return Ok(());
    }
    let Some(value) = token(&call.headers) else {
        return Ok(());
    };
    let token = world.registrations.token(&value).ok_or_else(Refusal::bad_credentials)?;
    call.caller =
        Some(Caller { account: token.account, scopes: token.scopes.clone(), client_id: token.client_id.clone() });
    Ok(())
}

fn count(world: &mut World, call: &Call, limit: Option<PrimaryLimit>) -> Result<(), Refusal> {
    // Asking how much is left is free.
    if call.path == "/rate_limit" {
        return Ok(());
    }
    if let Some(PrimaryLimit { status, seconds }) = limit {
        world.usage.exhaust(call.who(), seconds);
        return Err(Refusal { status, ..primary_refusal() });
    }
    world.usage.count(call.who(), &call.method)
}

fn dress(world: &mut World, call: &Call, answer: Result<Answer, Refusal>) -> Response {
    let (answer, more) = match answer {
        Ok(answer) => (answer, Vec::new()),
        Err(refusal) => {
            let body = Some(refusal.body());
            (Answer { status: refusal.status, body, link: None, location: refusal.location }, refusal.headers)
        }
    };
    let bytes = answer.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let etag = format!("W/\"{}\"", hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes)));
    let reading_call = matches!(call.method, Method::GET | Method::HEAD) && answer.status == StatusCode::OK;
    let known = call.headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let unchanged = reading_call && known;
    if unchanged {
        world.usage.refund(call.who());
    }
    let mut headers = HeaderMap::new();
    let reading = world.usage.reading(call.who());
    if answer.body.is_some() {
        set(&mut headers, "content-type", "application/json; charset=utf-8");
    }
    if reading_call {
        set(&mut headers, "etag", &etag);
        set(&mut headers, "cache-control", "private, max-age=60, s-maxage=60");
    }
    if let Some(link) = &answer.link {
        set(&mut headers, "link", link);
    }
    if let Some(location) = &answer.location {
        set(&mut headers, "location", location);
    }
    scope_headers(&mut headers, call);
    limit_headers(&mut headers, reading);
    set(&mut headers, "x-github-media-type", &media_type(call));
    set(&mut headers, "x-github-request-id", &random::hex(32).to_uppercase());
    set(&mut headers, "x-github-enterprise-version", "3.19.0");
    set(&mut headers, "x-content-type-options", "nosniff");
    for (name, value) in more {
        set(&mut headers, name, &value);
    }
    let status = if unchanged { StatusCode::NOT_MODIFIED } else { answer.status };
    let body = if unchanged { Body::empty() } else { Body::from(bytes) };
    let mut response = (status, headers, body).into_response();
    let who = call.who().map_or("-".to_owned(), |id| world.account(id).login.clone());
    response.extensions_mut().insert(Who(who));
    response
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

/// What GitHub understood of `Accept`.
fn media_type(call: &Call) -> String {
    let accept = call.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let version = if accept.contains("github.v3") { "github.v3" } else { "github" };
    format!("{version}; format=json")
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Values come from names and numbers of ours; one that can't stand in a header is left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
