//! `POST /oauth/token`: a code, a refresh token or a password becomes an access token.
//!
//! The answer is a form unless JSON is asked for. Errors are JSON, as RFC 6749 has them: Flowdock's documents are silent.

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::Who;
use integration_sandboxkit::fields::Fields;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::Sandbox;
use super::super::control::rules::TokenAnswer;
use super::super::world::people::PASSWORD;
use super::super::world::tokens::Token;
use super::super::world::{AppId, World};
use super::scopes;

struct Wrong {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Wrong {
    fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description }
    }

    fn client() -> Self {
        let description = "unknown client_id or wrong client_secret; both belong into the body";
        Self { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description }
    }

    fn answer(&self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        (self.status, axum::Json(body)).into_response()
    }
}

pub(super) async fn exchange(
    State(sandbox): State<Sandbox>,
    fault: Option<Extension<TokenAnswer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = fault.map(|Extension(fault)| fault);
    if let Some(instead) = fault.as_ref().and_then(TokenAnswer::instead) {
        return instead;
    }
    let fields = read(&headers, &body);
    let mut world = sandbox.world();
    let token = match grant(&mut world, &fields) {
        Ok(token) => token,
        Err(wrong) => return wrong.answer(),
    };
    let who = world.users.get(&token.user).map_or_else(|| "-".to_owned(), |user| user.nick.clone());
    let mut shown = shown(&world, &token);
    if let Some(fault) = fault {
        fault.change(&mut shown);
    }
    drop(world);
    let mut response = dress(&headers, &shown);
    response.extensions_mut().insert(Who(who));
    response
}

/// Both a form and JSON will do.
fn read(headers: &HeaderMap, body: &[u8]) -> Fields {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Fields::parse(body);
    }
    let mut fields = Fields::default();
    if let Ok(Value::Object(said)) = serde_json::from_slice(body) {
        let texts = said.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        fields.extend(texts);
    }
    fields
}

fn grant(world: &mut World, fields: &Fields) -> Result<Token, Wrong> {
    let given = |name: &str| fields.get(name).unwrap_or_default();
    let app = world.app_of_client(given("client_id")).filter(|app| app.client_secret == given("client_secret"));
    let app = app.ok_or_else(Wrong::client)?.id;
    match given("grant_type") {
        "authorization_code" => by_code(world, app, given("code"), given("redirect_uri")),
        "refresh_token" => {
            let refreshed = world.refresh_token(app, given("refresh_token"));
            refreshed.ok_or(Wrong::new("invalid_grant", "this refresh token is unknown or was used already"))
        }
        "password" => by_password(world, app, fields),
        "" => Err(Wrong::new("invalid_request", "grant_type is missing")),
        _ => Err(Wrong::new("unsupported_grant_type", "authorization_code, refresh_token or password")),
    }
}

fn by_code(world: &mut World, app: AppId, code: &str, redirect_uri: &str) -> Result<Token, Wrong> {
    let code = world.take_code(code).filter(|code| code.app == app);
    let code = code.ok_or(Wrong::new("invalid_grant", "this code is unknown, was used already, or is too old"))?;
    if code.redirect_uri != redirect_uri {
        return Err(Wrong::new("invalid_grant", "redirect_uri is not the one the code was sent to"));
    }
    Ok(world.issue_token(code.user, app, code.scopes))
}

fn by_password(world: &mut World, app: AppId, fields: &Fields) -> Result<Token, Wrong> {
    let scopes = scopes::read(fields.get("scope")).ok_or(Wrong::new("invalid_scope", "a scope is unknown"))?;
    let user = world.user_of_email(fields.get("username").unwrap_or_default());
    let user = user.filter(|_| fields.get("password") == Some(PASSWORD)).map(|user| user.id);
    let user = user.ok_or(Wrong::new("invalid_grant", "unknown user or wrong password"))?;
    Ok(world.issue_token(user, app, scopes))
}

fn shown(world: &World, token: &Token) -> Value {
    let mut shown = json!({
        "access_token": token.value,
        "token_type": "bearer",
        "expires_in": token.expires.as_second() - world.now().as_second(),
        // With commas, though requests have spaces.
        "scope": token.scopes.join(","),
    });
    if let Some(refresh) = &token.refresh {
        shown["refresh_token"] = json!(refresh);
    }
    shown
}

fn dress(headers: &HeaderMap, shown: &Value) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") {
        let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        return (kind, shown.to_string()).into_response();
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in shown.as_object().into_iter().flatten() {
        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let kind = [
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (kind, form.finish()).into_response()
}
