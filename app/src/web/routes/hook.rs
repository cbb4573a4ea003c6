//! `POST /integrations/{p}/hook`: the raw bytes are checked, kept and answered. What they say is read later, by a job.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use integration_contract::{Address, HookAnswer, HookCall, HookRules, SecretOf, SecretString, Verified};
use serde::Deserialize;

use crate::{
    core::{
        Core, Error,
        inbox::{Arrival, NewMessage},
        integration_links,
        partners::Partner,
    },
    db::entity::integration_link::{self, LinkState},
    state::HookLimits,
    web::body::{BodyRefused, read_body},
};

#[derive(Deserialize)]
pub struct Keyed {
    key: Option<String>,
}

/// Answers are empty: a caller that is not the partner learns nothing, and the partner reads nothing.
pub async fn hook(
    State(core): State<Core>,
    State(limits): State<HookLimits>,
    Path(id): Path<String>,
    Query(query): Query<Keyed>,
    request: Request,
) -> Response {
    match take(&core, &limits, &id, query.key, request).await {
        Ok(answer) => answer,
        Err(status) => refused(&id, status),
    }
}

fn refused(partner: &str, status: StatusCode) -> Response {
    metrics::counter!("hooks_refused_total", "partner" => partner.to_owned(), "status" => status.as_u16().to_string())
        .increment(1);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return (status, [(header::RETRY_AFTER, "30")]).into_response();
    }
    status.into_response()
}

async fn take(
    core: &Core,
    limits: &HookLimits,
    id: &str,
    key: Option<String>,
    request: Request,
) -> Result<Response, StatusCode> {
    let partner = core.partners.get(id).map_err(|_| StatusCode::NOT_FOUND)?;
    let rules = partner.integration.card().hooks.as_ref().ok_or(StatusCode::NOT_FOUND)?;
    let (head, body) = request.into_parts();
    let mut call = HookCall { headers: headers_of(&head.headers), key, body: Default::default() };
    let link = addressed(core, partner, &call).await?;
    if matches!(link.state, LinkState::Removing | LinkState::Removed) {
        if let Err(error) = integration_links::rearm_clean_up(core, &link).await {
            tracing::warn!(link = %link.id, %error, "could not start a clean-up again");
        }
        return Err(StatusCode::GONE);
    }
    // Nobody is told to send a body that could not be believed.
    if call.header(partner.integration.scheme().header).is_none() {
        return Err(not_genuine(&link, "the signature header is absent or stands twice"));
    }
    call.body = read_body(&head.headers, body, rules.max_body).await.map_err(BodyRefused::status)?;
    let call = verified(core, partner, &link, call)?;
    check_media(rules, &head.headers, &call)?;
    limits.check(link.id).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    keep(core, partner, rules, &link, call).await
}

/// The link that the call names. It only says which secret to check with.
async fn addressed(core: &Core, partner: &Partner, call: &HookCall) -> Result<integration_link::Model, StatusCode> {
    let key = match partner.integration.address(call) {
        Address::Link(key) => key,
        Address::Account(_) | Address::Nobody => return Err(StatusCode::NOT_FOUND),
    };
    let found = integration_links::by_hook_key(core, partner, &key).await.map_err(|error| unavailable(&error))?;
    found.ok_or(StatusCode::NOT_FOUND)
}

fn verified(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    call: HookCall,
) -> Result<Verified<HookCall>, StatusCode> {
    let scheme = partner.integration.scheme();
    let secrets: Vec<SecretString> = match scheme.secret {
        SecretOf::Link => integration_links::hook_secret(core, link).into_iter().collect(),
        SecretOf::Setting(_) => partner.app_secret().into_iter().cloned().collect(),
    };
    scheme.verify(call, &secrets, core.clock.now_seconds()).map_err(|refused| not_genuine(link, &refused.to_string()))
}

fn not_genuine(link: &integration_link::Model, why: &str) -> StatusCode {
    tracing::warn!(link = %link.id, organization = %link.organization_id, why, "refused a hook");
    StatusCode::UNAUTHORIZED
}

fn check_media(rules: &HookRules, headers: &HeaderMap, call: &HookCall) -> Result<(), StatusCode> {
    let plain = headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value == "identity");
    let known = call.media_type().is_some_and(|media| rules.content_types.contains(&media.as_str()));
    if plain && known { Ok(()) } else { Err(StatusCode::UNSUPPORTED_MEDIA_TYPE) }
}

async fn keep(
    core: &Core,
    partner: &Partner,
    rules: &HookRules,
    link: &integration_link::Model,
    call: Verified<HookCall>,
) -> Result<Response, StatusCode> {
    let (event, delivery, lane, state, status) = match partner.integration.answer(&call) {
        Ok(HookAnswer::Reply { content_type, body }) => {
            return Ok(([(header::CONTENT_TYPE, content_type)], body).into_response());
        }
        Ok(HookAnswer::Accept { event, delivery, lane }) => (event, delivery, lane, Arrival::Received, StatusCode::OK),
        Ok(HookAnswer::Ignore { event, delivery, reason }) => {
            (event, delivery, String::new(), Arrival::Ignored { reason }, StatusCode::OK)
        }
        Err(error) => {
            let reason = error.sentence().to_owned();
            (String::new(), String::new(), String::new(), Arrival::Rejected { reason }, StatusCode::BAD_REQUEST)
        }
    };
    let call = call.into_inner();
    let headers = call.headers.into_iter().filter(|(name, _)| rules.kept_headers.contains(&name.as_str())).collect();
    let message = NewMessage {
        organization: link.organization_id,
        link: link.id,
        partner: link.partner.clone(),
        event,
        delivery,
        lane,
        headers,
        body: call.body,
        state,
    };
    core.inbox().receive(message).await.map_err(|error| unavailable(&error))?;
    metrics::counter!("hooks_kept_total", "partner" => partner.id(), "status" => status.as_u16().to_string())
        .increment(1);
    Ok(status.into_response())
}

fn unavailable(error: &Error) -> StatusCode {
    tracing::error!(error = ?error, "a hook could not be kept");
    StatusCode::SERVICE_UNAVAILABLE
}

fn headers_of(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        all.entry(name.as_str().to_owned()).or_default().push(value.to_str().unwrap_or_default().to_owned());
    }
    all
}
