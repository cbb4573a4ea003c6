//! `POST /login/oauth/access_token`: a code for a token. What is wrong is said with status 200.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use integration_sandboxkit::Who;
use integration_sandboxkit::fields::Fields;
use serde_json::Value;
use url::form_urlencoded;

use super::super::Sandbox;
use super::super::control::rules::TokenAnswer;
use super::super::world::World;
use super::super::world::apps::{Code, Token};
use super::fits_callback;

const HELP: &str =
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/";

/// Fields of an answer, in order.
type Pairs = Vec<(&'static str, String)>;

/// A refusal: GitHub's word for it and a sentence.
type Wrong = (&'static str, &'static str);

const CREDENTIALS: Wrong = ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.");
const CODE: Wrong = ("bad_verification_code", "The code passed is incorrect or expired.");
const REDIRECT: Wrong =
    ("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.");

pub(super) async fn exchange(
    State(sandbox): State<Sandbox>,
    fault: Option<Extension<TokenAnswer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = fault.map(|Extension(fault)| fault);
    if let Some(TokenAnswer::Html) = fault {
        return ([(header::CONTENT_TYPE, "text/html")], "<!DOCTYPE html><h1>Unicorn!</h1>").into_response();
    }
    if let Some(TokenAnswer::Empty) = fault {
        return ([(header::CONTENT_TYPE, "application/json")], "{}").into_response();
    }
    if let Some(TokenAnswer::Error { error }) = fault {
        return write(&headers, &pairs_of_error(&error, "The sandbox was asked to answer so."));
    }
    let fields = read(&headers, query, &body);
    let outcome = sandbox.change(|world| hand_out(world, &headers, &fields, fault.as_ref()));
    match outcome {
        Ok((who, pairs)) => (Extension(Who(who)), write(&headers, &pairs)).into_response(),
        Err((error, description)) => write(&headers, &pairs_of_error(error, description)),
    }
}

fn hand_out(
    world: &mut World,
    headers: &HeaderMap,
    fields: &Fields,
    fault: Option<&TokenAnswer>,
) -> Result<(String, Pairs), Wrong> {
    let (client_id, secret) = credentials(headers, fields);
    let registrations = &mut world.registrations;
    let app = registrations.app(&client_id).filter(|app| app.client_secret == secret).ok_or(CREDENTIALS)?;
    let callback = app.callback.clone();
    let code = registrations.take_code(fields.get("code").unwrap_or_default()).ok_or(CODE)?;
    if code.client_id != client_id || !verifies(&code, fields.get("code_verifier")) {
        return Err(CODE);
    }
    if let Some(sent) = fields.get("redirect_uri") {
        let fits = match &code.redirect_uri {
            Some(before) => before == sent,
            None => fits_callback(&callback, sent),
        };
        if !fits {
            return Err(REDIRECT);
        }
    }
    let scopes = match fault {
        Some(TokenAnswer::FewerScopes) => code.scopes.iter().skip(1).cloned().collect(),
        Some(TokenAnswer::MoreScopes) => super::scopes::union(&code.scopes, &["delete_repo".to_owned()]),
        _ => code.scopes,
    };
    let token = registrations.issue_token(code.account, &client_id, scopes);
    Ok((world.account(token.account).login.clone(), pairs(&token, fault)))
}

fn pairs(token: &Token, fault: Option<&TokenAnswer>) -> Pairs {
    let value = if matches!(fault, Some(TokenAnswer::EmptyToken)) { String::new() } else { token.value.clone() };
    let kind = if matches!(fault, Some(TokenAnswer::Mac)) { "mac" } else { "bearer" };
    vec![("access_token", value), ("scope", token.scopes.join(",")), ("token_type", kind.to_owned())]
}

fn pairs_of_error(error: &str, description: &str) -> Pairs {
    let help = format!("{HELP}#{}", error.replace('_', "-"));
    vec![("error", error.to_owned()), ("error_description", description.to_owned()), ("error_uri", help)]
}

/// In the body, or as a client library would: in the Authorization header.
fn credentials(headers: &HeaderMap, fields: &Fields) -> (String, String) {
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|encoded| String::from_utf8(STANDARD.decode(encoded).ok()?).ok())
        .and_then(|pair| pair.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    let field = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    basic.unwrap_or_else(|| (field("client_id"), field("client_secret")))
}

/// PKCE (RFC 7636): asked for only if a challenge was sent, and then never forgiven.
fn verifies(code: &Code, verifier: Option<&str>) -> bool {
    let Some(challenge) = &code.challenge else {
        return true;
    };
    verifier.is_some_and(|verifier| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == *challenge)
}

/// A form, JSON, or the query: all three are seen in the wild.
fn read(headers: &HeaderMap, query: Option<String>, body: &[u8]) -> Fields {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut fields = Fields::parse(query.unwrap_or_default().as_bytes());
    if kind.starts_with("application/json") {
        if let Ok(Value::Object(json)) = serde_json::from_slice(body) {
            fields.extend(json.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
        }
    } else {
        fields.extend(form_urlencoded::parse(body).into_owned());
    }
    fields
}

/// A form unless JSON or XML is asked for.
fn write(headers: &HeaderMap, pairs: &[(&'static str, String)]) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, body) = if accept.contains("json") {
        let json: serde_json::Map<String, Value> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone()))).collect();
        ("application/json; charset=utf-8", Value::Object(json).to_string())
    } else if accept.contains("xml") {
        let escape = |value: &str| value.replace('&', "&amp;").replace('<', "&lt;");
        let inner: String = pairs.iter().map(|(name, value)| format!("<{name}>{}</{name}>", escape(value))).collect();
        ("application/xml; charset=utf-8", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuth>{inner}</OAuth>"))
    } else {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        ("application/x-www-form-urlencoded; charset=utf-8", form)
    };
    (StatusCode::OK, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
