//! What every call goes through: read it, find out who it is, count it, check its scopes, do it, dress the answer.
//! <https://docs.slack.dev/apis/web-api/>

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::{Who, random};
use serde_json::{Map, Value, json};

use super::super::Sandbox;
use super::super::control::rules::TokenAnswer;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::tokens::{End, Holder};
use super::call::{Call, Caller, FORM, token};
use super::{METHODS, Method};

/// What was understood, and what Slack warns of.
struct Read {
    args: Map<String, Value>,
    warning: Option<&'static str>,
}

pub(super) async fn serve(
    State(sandbox): State<Sandbox>,
    Path(name): Path<String>,
    fault: Option<Extension<TokenAnswer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = fault.map(|Extension(fault)| fault);
    if let Some(odd) = fault.as_ref().and_then(TokenAnswer::instead) {
        return odd;
    }
    let token = token(&headers, query.as_deref(), &body);
    let read = read(&headers, query.as_deref(), &body);
    sandbox.change(|world| {
        let method = METHODS.iter().find(|method| method.name == name);
        let mut call = Call { args: Map::new(), headers, caller: None, fault };
        let warning = read.as_ref().ok().and_then(|read| read.warning);
        let answer =
            method.ok_or_else(|| Refusal::new("unknown_method").with("req_method", json!(name))).and_then(|method| {
                call.args = read?.args;
                identify(world, &mut call, method, token.as_deref())?;
                world.usage.count(method.name, method.tier, call.caller.as_ref())?;
                allow(&call, method)?;
                (method.run)(world, &call)
            });
        dress(method, &call, answer, warning)
    })
}

/// The parameters: of the query, and of a form or JSON.
fn read(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Result<Read, Refusal> {
    let pairs = |fields: &Fields| -> Map<String, Value> {
        fields.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
    };
    let mut args = pairs(&Fields::parse(query.unwrap_or_default().as_bytes()));
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut warning = None;
    if body.is_empty() {
        // A GET, or a POST that says all in its query.
    } else if kind.starts_with("application/json") {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => args.extend(fields),
            Ok(_) => return Err(Refusal::new("json_not_object")),
            Err(_) => return Err(Refusal::new("invalid_json")),
        }
        warning = (!kind.contains("charset")).then_some("missing_charset");
    } else if kind.starts_with(FORM) {
        args.extend(pairs(&Fields::parse(body)));
    } else if kind.is_empty() {
        return Err(Refusal::new("missing_post_type"));
    } else {
        return Err(Refusal::new("invalid_post_type"));
    }
    Ok(Read { args, warning })
}

fn identify(world: &World, call: &mut Call, method: &Method, value: Option<&str>) -> Result<(), Refusal> {
    if !method.token {
        return Ok(());
    }
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| Refusal::new("not_authed"))?;
    let token = world.tokens.get(value).ok_or_else(|| Refusal::new("invalid_auth"))?;
    match token.end() {
        Some(End::Revoked) => return Err(Refusal::new("token_revoked")),
        Some(End::Uninstalled) => return Err(Refusal::new("account_inactive")),
        Some(End::Expired) => return Err(Refusal::new("token_expired")),
        None => {}
    }
    call.caller = Some(Caller {
        token: token.value.clone(),
        app: token.app.clone(),
        user: token.holder.user().clone(),
        is_bot: matches!(token.holder, Holder::Bot(_)),
        teams: token.teams.clone(),
        enterprise: token.enterprise,
        scopes: token.scopes.clone(),
    });
    Ok(())
}

fn allow(call: &Call, method: &Method) -> Result<(), Refusal> {
    match &call.caller {
        Some(caller) if !method.scopes.is_empty() && !method.scopes.iter().any(|scope| caller.holds(scope)) => {
            Err(Refusal::missing_scope(&method.scopes.join(","), &caller.scopes))
        }
        _ => Ok(()),
    }
}

fn dress(
    method: Option<&Method>,
    call: &Call,
    answer: Result<Map<String, Value>, Refusal>,
    warning: Option<&str>,
) -> Response {
    let mut headers = HeaderMap::new();
    let mut status = StatusCode::OK;
    let mut body = match answer {
        Ok(fields) => {
            let mut body = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
            body.extend(fields);
            Value::Object(body)
        }
        Err(refusal) => {
            if let Some(seconds) = refusal.retry_after {
                status = StatusCode::TOO_MANY_REQUESTS;
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            refusal.body()
        }
    };
    if let Some(warning) = warning {
        add_warning(&mut body, warning);
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set("content-type", "application/json; charset=utf-8");
    set("cache-control", "private, no-cache, no-store, must-revalidate");
    set("x-slack-req-id", &random::hex(32));
    set("x-content-type-options", "nosniff");
    let mut who = "-";
    if let Some(caller) = &call.caller {
        set("x-oauth-scopes", &caller.scopes.join(","));
        set("x-accepted-oauth-scopes", &method.map(|method| method.scopes.join(",")).unwrap_or_default());
        who = caller.teams.first().map_or("-", String::as_str);
    }
    (status, headers, Extension(Who(who.to_owned())), body.to_string()).into_response()
}

/// Slack says it twice: for people, and for programs that read all of them.
pub(super) fn add_warning(body: &mut Value, warning: &str) {
    body["warning"] = json!(warning);
    match body["response_metadata"]["warnings"].as_array_mut() {
        Some(list) => list.push(json!(warning)),
        None => body["response_metadata"]["warnings"] = json!([warning]),
    }
}
