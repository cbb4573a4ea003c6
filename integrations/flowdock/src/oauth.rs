//! Connecting an account: the authorize URL, code → a token, and whose it is.
//!
//! The `oauth2` crate writes our requests and reads RFC 6749's answers. Flowdock's answers differ from the RFC in two ways:
//! they are forms unless JSON is asked for, and scopes may be separated by commas. So [`standard`] stands between the
//! two and hands the crate what the RFC describes. The token is short-lived and never renewed: it is for setting a link up.
//! <https://github.com/flowdock/api-docs/blob/master/docs/authentication.md>

use std::{
    borrow::Cow,
    collections::BTreeSet,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderValue, StatusCode, header};
use integration_contract::{
    AuthorizeAsk, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Http, Identity, Response, Result,
    SecretString, strict_json, text,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, RedirectUrl,
    RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicTokenResponse, BasicTokenType},
};
use serde_json::{Map, Value};
use url::Url;

use crate::{address::below, api::Api, card::SCOPES, config::Config};

/// Longer lives are cut to this: a lifetime beyond it is a mistake.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);
const LONGEST_TOKEN: usize = 2048;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(config: &Config) -> Result<Client> {
    let app = config.app()?;
    Ok(BasicClient::new(ClientId::new(app.id.expose_secret().to_owned()))
        .set_client_secret(ClientSecret::new(app.secret.expose_secret().to_owned()))
        // Flowdock documents the secret in the body, not in a header.
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(AuthUrl::from_url(below(&config.api_url, &["oauth", "authorize"])))
        .set_token_uri(TokenUrl::from_url(below(&config.api_url, &["oauth", "token"]))))
}

pub(crate) fn authorize_url(config: &Config, ask: &AuthorizeAsk) -> Result<Url> {
    let client = client(config)?.set_redirect_uri(RedirectUrl::from_url(ask.redirect_uri.clone()));
    let state = ask.state.expose_secret().to_owned();
    let request = client
        .authorize_url(move || CsrfToken::new(state))
        .add_scopes(SCOPES.iter().map(|scope| Scope::new(scope.name.to_owned())));
    Ok(request.url().0)
}

pub(crate) async fn callback(config: &Config, http: &Http, grant: Grant) -> Result<Connected> {
    let client = client(config)?;
    let answer = client
        .exchange_code(AuthorizationCode::new(grant.code.expose_secret().to_owned()))
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(grant.redirect_uri)))
        .request_async(&sender(http))
        .await
        .map_err(unanswered)?;
    let credentials = credentials(&answer)?;
    // Flowdock has no way to give a token back, so one that is not kept ends by its own time.
    let user = Api::new(http, &config.api_url).user(&credentials.access_token).await?;
    let name = [user.name, user.nick].into_iter().flatten().map(|name| text::first_line(&name, 100));
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| user.id.to_string());
    let identity = Identity { id: user.id.to_string(), name, url: None };
    Ok(Connected { credentials, identity, installation: None })
}

// ---- from Flowdock's answers to RFC 6749's

type Sent = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse>> + Send>>;

/// The `oauth2` crate's HTTP client.
fn sender(http: &Http) -> impl Fn(oauth2::HttpRequest) -> Sent + Send + Sync {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        Box::pin(async move { standard(&http, request).await })
    }
}

/// Sends for the `oauth2` crate, and makes Flowdock's answer the one of RFC 6749, section 5. An error never reaches the
/// crate: it is told here, where the status is known.
async fn standard(http: &Http, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse> {
    let answer = http.send_as_is(request).await.map_err(|error| match error.kind() {
        // A code that may have been used is lost; to the person that is an outage like any other.
        ErrorKind::UnknownOutcome => no_answer().caused_by(error),
        _ => error,
    })?;
    let (head, body) = answer.into_parts();
    let answer = Response { status: head.status, headers: head.headers, body: body.into() };
    let mut fields = fields(&answer).ok_or_else(no_answer)?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(fields.get("error").and_then(Value::as_str).map_or_else(no_answer, refused));
        }
        _ => return Err(no_answer()),
    }
    for (name, change) in [("scope", spaced as fn(&str) -> String), ("token_type", str::to_ascii_lowercase)] {
        if let Some(Value::String(text)) = fields.get_mut(name) {
            *text = change(text);
        }
    }
    if let Some(life) = fields.get_mut("expires_in").filter(|life| !life.is_null()) {
        // A lifetime that can't be read is none at all, and refused.
        let read = life.as_u64().or_else(|| life.as_str()?.parse().ok());
        *life = read.unwrap_or(0).into();
    }
    let mut standard = oauth2::HttpResponse::new(Value::Object(fields).to_string().into_bytes());
    standard.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(standard)
}

fn spaced(scopes: &str) -> String {
    scopes.replace(',', " ")
}

/// The answer's fields, from JSON or from a form.
fn fields(answer: &Response) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(fields)) = strict_json::object(&answer.body) {
        return Some(fields);
    }
    if !answer.header("content-type").unwrap_or_default().starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let pairs = url::form_urlencoded::parse(&answer.body);
    Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "Flowdock did not answer as it documents. Try again in a few minutes.")
}

/// Flowdock documents no words of its own, so these are RFC 6749's, said to the person.
fn refused(code: &str) -> Error {
    let sentence = match code {
        "invalid_grant" => "Flowdock refused: its code was used already or is too old. Start again.",
        "invalid_client" | "unauthorized_client" => {
            "Flowdock refused this server's application id and secret. The operator has to check \
             PATCHBAY_FLOWDOCK_CLIENT_ID and PATCHBAY_FLOWDOCK_CLIENT_SECRET."
        }
        "invalid_scope" => {
            "Flowdock refused: it does not know a permission that we ask for. The operator has to check the application."
        }
        _ => "Flowdock refused to connect the account.",
    };
    Error::new(ErrorKind::Refused, sentence)
}

fn unanswered(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        // The rest may quote the answer, and so a token: nothing of it is kept.
        _ => no_answer(),
    }
}

// ---- what was issued

fn credentials(answer: &BasicTokenResponse) -> Result<Credentials> {
    let token = answer.access_token().secret();
    // It goes into a header as it is.
    let usable = (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !usable || *answer.token_type() != BasicTokenType::Bearer {
        return Err(no_answer());
    }
    let asked: BTreeSet<_> = SCOPES.iter().map(|scope| scope.name.to_owned()).collect();
    // RFC 6749, section 5.1: left out, it is what was asked for.
    let granted = answer.scopes().map_or_else(
        || asked.clone(),
        |scopes| scopes.iter().map(|scope| scope.to_string()).filter(|scope| !scope.is_empty()).collect(),
    );
    // Less does not work, more was never wanted.
    if granted != asked {
        return Err(Error::new(
            ErrorKind::Refused,
            "The permission that was granted at Flowdock differs from the one that was asked for, so nothing was kept. \
             Connect again and leave the permission as it is.",
        ));
    }
    Ok(Credentials {
        access_token: SecretString::from(token.clone()),
        // Not asked for, and so not kept.
        refresh_token: None,
        expires_at: answer.expires_in().map(ends_at).transpose()?,
        scopes: granted.into_iter().collect(),
        site: None,
    })
}

fn ends_at(life: Duration) -> Result<i64> {
    if life.is_zero() {
        return Err(no_answer());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from((now + life.min(LONGEST_LIFE)).as_millis()).map_err(|_| no_answer())
}
