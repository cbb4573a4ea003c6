//! `POST /oauth/tokens`: a code, a refresh token or the client alone, for an access token. JSON and forms.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::Sandbox;
use super::super::api::call::basic;
use super::super::control::rules::TokenAnswer;
use super::super::refusal::Refusal;
use super::super::world::account::Account;
use super::super::world::clients::Client;
use super::super::world::tokens::{Code, Lifetime, Method, Token};
use super::super::world::words::Role;
use super::scopes;

/// Of a client whose tokens must end, unless it asks otherwise.
const ACCESS_SECONDS: i64 = 30 * 60;
const REFRESH_SECONDS: i64 = 30 * 24 * 60 * 60;

pub(in super::super) async fn serve(
    State(sandbox): State<Sandbox>,
    Path(subdomain): Path<String>,
    method: HttpMethod,
    fault: Option<Extension<TokenAnswer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = fault.map(|Extension(fault)| fault);
    if let Some(odd) = fault.and_then(TokenAnswer::instead) {
        return odd;
    }
    if method != HttpMethod::POST {
        return Refusal::no_such_endpoint().into_response();
    }
    sandbox.change(|world| {
        let status = StatusCode::from_u16(world.control.strictness.token_status).unwrap_or(StatusCode::CREATED);
        let granted = world.account_mut(&subdomain).and_then(|account| {
            let ask = Ask { fields: read(&headers, &body)?, basic: basic(&headers) };
            grant(account, &ask, fault)
        });
        match granted {
            Ok(token) => {
                let headers =
                    [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json; charset=utf-8")];
                (status, headers, answer(&token, fault).to_string()).into_response()
            }
            Err(refusal) => refusal.into_response(),
        }
    })
}

struct Ask {
    fields: Map<String, Value>,
    basic: Option<(String, String)>,
}

impl Ask {
    fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn required(&self, name: &str) -> Result<String, Refusal> {
        self.text(name).ok_or_else(|| Refusal::oauth(400, "invalid_request", &format!("Missing parameter: {name}")))
    }

    fn seconds(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let invalid = |_| Refusal::oauth(400, "invalid_request", &format!("{name} must be a number"));
        self.text(name).map(|text| text.parse().map_err(invalid)).transpose()
    }
}

/// The parameters. Zendesk documents JSON; generic clients send forms.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let object = serde_json::from_slice::<Value>(body).ok().and_then(|json| json.as_object().cloned());
        return object.ok_or_else(|| Refusal::oauth(400, "invalid_request", "The body is not a JSON object"));
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Ok(Fields::parse(body).iter().map(|(name, value)| (name.to_owned(), json!(value))).collect());
    }
    Err(Refusal::oauth(400, "invalid_request", "The body must be JSON or a form"))
}

fn grant(account: &mut Account, ask: &Ask, fault: Option<TokenAnswer>) -> Result<Token, Refusal> {
    let grant = ask.required("grant_type")?;
    let client = client(account, ask)?.clone();
    let life = if fault == Some(TokenAnswer::Lasting) { None } else { lifetime(&client, ask)? };
    let invalid = |why| Refusal::oauth(400, "invalid_grant", why);
    match grant.as_str() {
        "authorization_code" => {
            // Whatever follows, the code is used up.
            let code = account.tokens.take_code(&ask.required("code")?);
            let code = code.filter(|code| code.client == client.id);
            let code =
                code.ok_or_else(|| invalid("The provided authorization grant is invalid, expired or revoked."))?;
            if ask.text("redirect_uri").as_deref() != Some(&code.redirect_uri) {
                return Err(invalid("The redirect URI does not match the one of the authorization request."));
            }
            if !verifies(&code, ask.text("code_verifier").as_deref()) {
                return Err(invalid("The code verifier does not fit the code challenge."));
            }
            let mut scopes = code.scopes;
            if fault == Some(TokenAnswer::FewerScopes) {
                scopes.pop();
            }
            Ok(account.issue_token(client.id, code.user, scopes, life))
        }
        "refresh_token" => {
            let old = account.tokens.take_refresh(client.id, &ask.required("refresh_token")?);
            let old = old.ok_or_else(|| invalid("The provided refresh token is invalid, expired or revoked."))?;
            let wanted = ask.text("scope").map(|text| scopes::split(&text)).unwrap_or_default();
            if wanted.iter().any(|scope| !old.scopes.contains(scope)) {
                return Err(Refusal::oauth(400, "invalid_scope", "More was asked for than the token had."));
            }
            let scopes = if wanted.is_empty() { old.scopes } else { wanted };
            Ok(account.issue_token(client.id, old.user, scopes, life))
        }
        "client_credentials" => {
            if client.public || client.global {
                return Err(Refusal::oauth(400, "unauthorized_client", "This client cannot act on its own behalf."));
            }
            let owner = account.users.values().find(|user| user.role == Role::Admin).ok_or_else(Refusal::not_found)?.id;
            let scopes = scopes::split(&ask.text("scope").unwrap_or("read".to_owned()));
            Ok(account.issue_token(client.id, owner, scopes, life))
        }
        _ => Err(Refusal::oauth(400, "unsupported_grant_type", "The grant type is not supported.")),
    }
}

/// Name and secret, in the body or by HTTP Basic.
fn client<'a>(account: &'a Account, ask: &Ask) -> Result<&'a Client, Refusal> {
    let failed = || Refusal::oauth(401, "invalid_client", "Client authentication failed.");
    let (id, secret) = match &ask.basic {
        Some((id, secret)) => (id.clone(), Some(secret.clone())),
        None => (ask.required("client_id")?, ask.text("client_secret")),
    };
    let client = account.client(&id).ok_or_else(failed)?;
    // A client with PKCE may come without its secret, a wrong one is never right.
    let proven = secret.as_ref() == Some(&client.secret);
    let by_verifier = secret.is_none() && ask.text("code_verifier").is_some();
    let refreshing = client.public && secret.is_none();
    if proven || by_verifier || refreshing { Ok(client) } else { Err(failed()) }
}

/// How long the tokens are to live.
fn lifetime(client: &Client, ask: &Ask) -> Result<Option<Lifetime>, Refusal> {
    let (access, refresh) = (ask.seconds("expires_in")?, ask.seconds("refresh_token_expires_in")?);
    if access.is_some_and(|seconds| seconds <= 300 || seconds >= 172_800) {
        return Err(Refusal::oauth(400, "invalid_request", "expires_in must be more than 300 and less than 172800"));
    }
    if refresh.is_some_and(|seconds| !(604_800..=7_776_000).contains(&seconds)) {
        return Err(Refusal::oauth(400, "invalid_request", "refresh_token_expires_in must be 604800 to 7776000"));
    }
    let access = access.or(client.expiring.then_some(ACCESS_SECONDS));
    Ok(access.map(|access| Lifetime { access, refresh: refresh.unwrap_or(REFRESH_SECONDS) }))
}

fn answer(token: &Token, fault: Option<TokenAnswer>) -> Value {
    let seconds = |from, to: jiff::Timestamp| to.duration_since(from).as_secs();
    let value = if fault == Some(TokenAnswer::EmptyToken) { "" } else { &token.value };
    let kind = if fault == Some(TokenAnswer::OtherType) { "mac" } else { "bearer" };
    let mut answer = json!({
        "access_token": value,
        "token_type": kind,
        "scope": token.scopes.join(" "),
        "expires_in": token.expires.map(|at| seconds(token.created, at)),
    });
    if let Some(refresh) = &token.refresh {
        answer["refresh_token"] = json!(refresh.value);
        answer["refresh_token_expires_in"] = json!(seconds(token.created, refresh.expires));
    }
    answer
}

/// PKCE (RFC 7636): asked for only if a challenge was sent, and then never forgiven.
fn verifies(code: &Code, verifier: Option<&str>) -> bool {
    match (&code.challenge, verifier) {
        (None, verifier) => verifier.is_none(),
        (Some(_), None) => false,
        (Some((challenge, Method::Plain)), Some(verifier)) => verifier == challenge,
        (Some((challenge, Method::S256)), Some(verifier)) => {
            URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == *challenge
        }
    }
}
