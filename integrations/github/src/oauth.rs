//! Connecting an account: the authorize URL, code → credentials, whose they are, refresh and revoke.
//!
//! The `oauth2` crate writes our requests and reads RFC 6749's answers. GitHub's answers differ from the RFC in three
//! ways: an error comes with status 200, the answer can be a form, and scopes are separated by commas. So [`standard`]
//! stands between the two and hands the crate what the RFC describes.
//! <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>

use std::{
    borrow::Cow,
    collections::BTreeSet,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderValue, header};
use integration_contract::{
    AuthorizeAsk, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Http, Identity, Response, Result,
    SecretString, Undone, UndoneOutcome,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicTokenResponse, BasicTokenType},
};
use serde_json::{Map, Value};
use url::Url;

use crate::{api::Api, card::SCOPES, config::Config};

/// Longer lives are cut to this: a lifetime beyond it is a mistake, and refreshing early does no harm.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);
/// GitHub's tokens have 40 to 250 characters.
const LONGEST_TOKEN: usize = 2048;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(config: &Config) -> Result<Client> {
    let app = config.app()?;
    Ok(BasicClient::new(ClientId::new(app.id.expose_secret().to_owned()))
        .set_client_secret(ClientSecret::new(app.secret.expose_secret().to_owned()))
        // GitHub documents the secret in the body, not in a header.
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(AuthUrl::from_url(config.authorize_url.clone()))
        .set_token_uri(TokenUrl::from_url(config.token_url.clone())))
}

pub(crate) fn authorize_url(config: &Config, ask: &AuthorizeAsk) -> Result<Url> {
    let client = client(config)?.set_redirect_uri(RedirectUrl::from_url(ask.redirect_uri.clone()));
    let state = ask.state.expose_secret().to_owned();
    let mut request = client
        .authorize_url(move || CsrfToken::new(state))
        .add_scopes(SCOPES.iter().map(|scope| Scope::new(scope.name.to_owned())));
    if let Some(verifier) = &ask.verifier {
        request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&pkce(verifier)?));
    }
    Ok(request.url().0)
}

/// The crate panics on a verifier that RFC 7636 forbids; we refuse it.
fn pkce(verifier: &SecretString) -> Result<PkceCodeVerifier> {
    let text = verifier.expose_secret();
    if (43..=128).contains(&text.len()) {
        Ok(PkceCodeVerifier::new(text.to_owned()))
    } else {
        Err(Error::new(ErrorKind::Malformed, "The PKCE verifier must have 43 to 128 characters."))
    }
}

pub(crate) async fn callback(config: &Config, http: &Http, grant: Grant) -> Result<Connected> {
    let client = client(config)?;
    let mut request = client
        .exchange_code(AuthorizationCode::new(grant.code.expose_secret().to_owned()))
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(grant.redirect_uri)));
    if let Some(verifier) = &grant.verifier {
        request = request.set_pkce_verifier(pkce(verifier)?);
    }
    let answer = request.request_async(&sender(http)).await.map_err(unanswered)?;
    let issued = Issued::read(answer)?;
    match accept(config, http, &issued).await {
        Ok(connected) => Ok(connected),
        Err(error) => {
            // What we don't keep must not stay valid; the person is told of the first error either way.
            let _ = delete_token(config, http, &issued.access_token).await;
            Err(error)
        }
    }
}

/// GitHub says which account a token opens only when asked; the browser may have switched accounts on the way.
async fn accept(config: &Config, http: &Http, issued: &Issued) -> Result<Connected> {
    let credentials = issued.credentials(None)?;
    let user = Api::new(http, &config.api_url).user(&issued.access_token).await?;
    let identity = Identity { id: user.id.to_string(), name: user.login, url: user.html_url };
    Ok(Connected { credentials, identity, installation: None })
}

pub(crate) async fn refresh(config: &Config, http: &Http, old: &Credentials) -> Result<Credentials> {
    let Some(token) = &old.refresh_token else {
        return Err(Error::new(ErrorKind::Unauthorized, "This connection can't be renewed. Connect GitHub again."));
    };
    let client = client(config)?;
    let token = RefreshToken::new(token.expose_secret().to_owned());
    let answer = client.exchange_refresh_token(&token).request_async(&sender(http)).await;
    Issued::read(answer.map_err(unanswered)?)?.credentials(Some(old))
}

pub(crate) async fn revoke(config: &Config, http: &Http, old: &Credentials) -> Result<Undone> {
    let outcome = delete_token(config, http, &old.access_token).await?;
    Ok(Undone { what: "our access to the GitHub account".to_owned(), outcome })
}

async fn delete_token(config: &Config, http: &Http, token: &SecretString) -> Result<UndoneOutcome> {
    let app = config.app()?;
    let api = Api::new(http, &config.api_url);
    let answer = api.delete_app_token(app.id.expose_secret(), &app.secret, token.expose_secret()).await?;
    match answer.status.as_u16() {
        204 => Ok(UndoneOutcome::Removed),
        404 | 422 => Ok(UndoneOutcome::AlreadyGone),
        401 | 403 => Err(Error::new(
            ErrorKind::Refused,
            "GitHub did not accept this server's client id and secret, so the access was not revoked. It can be revoked \
             at GitHub, under Settings, Applications.",
        )),
        _ => Err(Error::new(ErrorKind::Unavailable, "GitHub did not confirm that the access was revoked.")),
    }
}

// ---- from GitHub's answers to RFC 6749's

type Sent = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse>> + Send>>;

/// The `oauth2` crate's HTTP client.
fn sender(http: &Http) -> impl Fn(oauth2::HttpRequest) -> Sent + Send + Sync {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        Box::pin(async move { standard(&http, request).await })
    }
}

/// Sends for the `oauth2` crate, and makes GitHub's answer the one of RFC 6749, section 5. An error never reaches the
/// crate: it is told here, where the status is known.
async fn standard(http: &Http, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse> {
    let answer = http.send_as_is(request).await.map_err(|error| match error.kind() {
        // A code that may have been used is lost; to the person that is an outage like any other.
        ErrorKind::UnknownOutcome => no_answer().caused_by(error),
        _ => error,
    })?;
    let (head, body) = answer.into_parts();
    let answer = Response { status: head.status, headers: head.headers, body: body.into() };
    if answer.status != http::StatusCode::OK {
        return Err(no_answer());
    }
    let mut fields = fields(&answer).ok_or_else(no_answer)?;
    if let Some(code) = fields.get("error") {
        return Err(refused(code.as_str().unwrap_or_default()));
    }
    if let Some(Value::String(scope)) = fields.get_mut("scope") {
        *scope = scope.replace(',', " ");
    }
    for name in ["expires_in", "refresh_token_expires_in"] {
        if let Some(life) = fields.get_mut(name).filter(|life| !life.is_null()) {
            // A lifetime that can't be read is none at all, which is refused once the token can be revoked.
            let read = life.as_u64().or_else(|| life.as_str()?.parse().ok());
            *life = read.unwrap_or(0).into();
        }
    }
    let mut standard = oauth2::HttpResponse::new(Value::Object(fields).to_string().into_bytes());
    standard.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(standard)
}

/// The answer's fields, from JSON or from a form: GitHub Enterprise Server and proxies send forms even when asked for
/// JSON.
fn fields(answer: &Response) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(fields)) = integration_contract::strict_json::object(&answer.body) {
        return Some(fields);
    }
    if !answer.header("content-type").unwrap_or_default().starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let pairs = url::form_urlencoded::parse(&answer.body);
    Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "GitHub did not answer as it documents. Try again in a few minutes.")
}

/// GitHub's words for a refusal, said to the person.
/// <https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>
fn refused(code: &str) -> Error {
    let (kind, sentence) = match code {
        "bad_refresh_token" | "invalid_grant" => {
            (ErrorKind::Unauthorized, "GitHub no longer accepts the connection of this account. Connect GitHub again.")
        }
        "bad_verification_code" => {
            (ErrorKind::Refused, "GitHub refused: its code was used already or is older than ten minutes. Start again.")
        }
        "incorrect_client_credentials" => (
            ErrorKind::Refused,
            "GitHub refused this server's client id and secret. The operator has to check PATCHBAY_GITHUB_CLIENT_ID and \
             PATCHBAY_GITHUB_CLIENT_SECRET.",
        ),
        "redirect_uri_mismatch" => (
            ErrorKind::Refused,
            "GitHub refused: the callback address of its OAuth app is not this server's. The operator has to set it.",
        ),
        "unverified_user_email" => {
            (ErrorKind::Refused, "GitHub refused: it wants your e-mail address there to be verified first.")
        }
        _ => (ErrorKind::Refused, "GitHub refused to connect the account."),
    };
    Error::new(kind, sentence)
}

fn unanswered(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        // The rest may quote the answer, and so a token: nothing of it is kept.
        _ => no_answer(),
    }
}

// ---- what was issued

/// A token answer that has a token in it.
struct Issued {
    access_token: SecretString,
    answer: BasicTokenResponse,
}

impl Issued {
    fn read(answer: BasicTokenResponse) -> Result<Self> {
        let token = answer.access_token().secret();
        // It goes into a header as it is.
        let usable = (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if usable { Ok(Self { access_token: token.clone().into(), answer }) } else { Err(no_answer()) }
    }

    /// `old` are the credentials that were traded in: what the answer leaves out stays.
    fn credentials(&self, old: Option<&Credentials>) -> Result<Credentials> {
        if *self.answer.token_type() != BasicTokenType::Bearer {
            return Err(no_answer());
        }
        let said = self.answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()));
        let scopes = match (said, old) {
            (Some(said), _) => said.filter(|scope| !scope.is_empty()).collect::<Vec<_>>(),
            (None, Some(old)) => old.scopes.clone(),
            (None, None) => return Err(no_answer()),
        };
        self.compare(&scopes)?;
        let refresh_token = self.answer.refresh_token().map(|token| SecretString::from(token.secret().clone()));
        Ok(Credentials {
            access_token: self.access_token.clone(),
            refresh_token: refresh_token.or_else(|| old.and_then(|old| old.refresh_token.clone())),
            expires_at: self.answer.expires_in().map(ends_at).transpose()?,
            scopes,
            site: None,
        })
    }

    /// What was granted must be what was asked for: less does not work, more was never wanted.
    fn compare(&self, granted: &[String]) -> Result<()> {
        // A GitHub App's user token has no scopes; its rights are the App's, which no authorize URL can change.
        let of_an_app = self.access_token.expose_secret().starts_with("ghu_") && granted.is_empty();
        let asked: Vec<_> = SCOPES.iter().map(|scope| scope.name.to_owned()).collect();
        if of_an_app || with_implied(granted) == with_implied(&asked) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            "The permission that was granted at GitHub differs from the one that was asked for, so nothing was kept. \
             Connect again and leave the permission as it is.",
        ))
    }
}

fn ends_at(life: Duration) -> Result<i64> {
    if life.is_zero() {
        return Err(no_answer());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from((now + life.min(LONGEST_LIFE)).as_millis()).map_err(|_| no_answer())
}

/// Scopes with the ones they contain: GitHub drops from its answer what another one implies.
/// <https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>
pub(crate) fn with_implied(scopes: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut rest: Vec<&str> = scopes.iter().map(String::as_str).collect();
    while let Some(scope) = rest.pop() {
        if all.insert(scope.to_owned()) {
            rest.extend_from_slice(match scope {
                "repo" => &[
                    "public_repo",
                    "repo:status",
                    "repo_deployment",
                    "repo:invite",
                    "security_events",
                    "admin:repo_hook",
                ],
                "admin:repo_hook" => &["write:repo_hook"],
                "write:repo_hook" => &["read:repo_hook"],
                _ => &[],
            });
        }
    }
    all
}
