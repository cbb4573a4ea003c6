//! What every call goes through: read it, find out who it is, do it, dress the answer.

use axum::body::to_bytes;
use axum::extract::{RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::Scopes;
use super::answer::{Answer, dress};
use super::body::Said;
use super::call::Call;
use super::caller::identify;

const BODY_MAX: usize = 2 * 1024 * 1024;
const WAIT_HEADER: &str = "x-flowdock-wait-for-message";

/// A handler: no I/O, no waiting.
pub(super) type Handler = fn(&mut World, &Call) -> Result<Answer, Refusal>;

pub(super) fn get(handler: Handler, scopes: Scopes) -> MethodRouter<Sandbox> {
    route(MethodFilter::GET, handler, scopes)
}

pub(super) fn post(handler: Handler, scopes: Scopes) -> MethodRouter<Sandbox> {
    route(MethodFilter::POST, handler, scopes)
}

/// Flowdock's overview says PATCH, its pages say PUT.
pub(super) fn put(handler: Handler, scopes: Scopes) -> MethodRouter<Sandbox> {
    route(MethodFilter::PUT.or(MethodFilter::PATCH), handler, scopes)
}

pub(super) fn delete(handler: Handler, scopes: Scopes) -> MethodRouter<Sandbox> {
    route(MethodFilter::DELETE, handler, scopes)
}

fn route(filter: MethodFilter, handler: Handler, scopes: Scopes) -> MethodRouter<Sandbox> {
    on(filter, move |State(sandbox): State<Sandbox>, params: RawPathParams, request: Request| async move {
        serve(&sandbox, handler, scopes, &params, request).await
    })
}

pub(super) async fn serve(
    sandbox: &Sandbox,
    handler: Handler,
    scopes: Scopes,
    params: &RawPathParams,
    request: Request,
) -> Response {
    let call = match read(sandbox, scopes, params, request).await {
        Ok(call) => call,
        Err(refusal) => return dress(Err(refusal), None),
    };
    let user = call.caller.as_ref().and_then(super::caller::Caller::user);
    let mut world = sandbox.world();
    dress(handler(&mut world, &call), user)
}

/// The call, if whoever calls is who they say, and may.
pub(super) async fn read(
    sandbox: &Sandbox,
    scopes: Scopes,
    params: &RawPathParams,
    request: Request,
) -> Result<Call, Refusal> {
    let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (parts, body) = request.into_parts();
    let too_large = |_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large");
    let body = to_bytes(body, BODY_MAX).await.map_err(too_large)?;
    let mut said = Said::query(parts.uri.query().unwrap_or_default());
    said.add_body(&parts.headers, body).await?;
    let legacy = parts.uri.path().ends_with("/activities");
    let caller = identify(&sandbox.world(), &parts.headers, &said.fields, legacy)?;
    if let Some(caller) = &caller {
        caller.check(scopes)?;
    }
    Ok(Call { params, said, caller, waits: parts.headers.contains_key(WAIT_HEADER) })
}
