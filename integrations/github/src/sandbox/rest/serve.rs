//! What every call goes through: read it, find out who it is, count it, do it, dress the answer.

use std::cell::Cell;

use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value};

use super::super::Sandbox;
use super::super::control::rules::PrimaryLimit;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::answer::Answer;
use super::call::{Call, Caller, basic, token};
use super::dress::dress;
use super::limits::primary_refusal;

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
        let answer = identify(world, &mut call).and_then(|()| count(world, &call, limit)).and(body).and_then(|body| {
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
