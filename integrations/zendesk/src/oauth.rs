//! Connecting an account: the authorize URL, code → credentials, whose they are, refresh and revoke.
//! <https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/>,
//! <https://support.zendesk.com/hc/en-us/articles/4408845965210>

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use integration_contract::{
    AuthorizeAsk, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Http, Identity, Response, Result,
    SecretString, Undone, UndoneOutcome,
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    api::Api,
    card::SCOPES,
    config::Config,
    error,
    site::host_name,
    ticket::{account_id, person_page},
    wire::{ApiError, Token},
};

/// Longer lives are cut to this: a lifetime beyond it is a mistake, and refreshing early does no harm.
const LONGEST_LIFE: u64 = 366 * 24 * 3600;
/// Zendesk's tokens have 64 characters.
const LONGEST_TOKEN: usize = 2048;

pub(crate) fn authorize_url(config: &Config, ask: &AuthorizeAsk) -> Result<Url> {
    let app = config.app()?;
    let mut url = config.account(ask.site.as_deref())?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["oauth", "authorizations", "new"]);
    }
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", app.id.expose_secret())
        .append_pair("redirect_uri", ask.redirect_uri.as_str())
        .append_pair("scope", &scopes())
        .append_pair("state", ask.state.expose_secret());
    if let Some(verifier) = &ask.verifier {
        url.query_pairs_mut()
            .append_pair("code_challenge", &challenge(verifier)?)
            .append_pair("code_challenge_method", "S256");
    }
    Ok(url)
}

fn scopes() -> String {
    SCOPES.iter().map(|scope| scope.name).collect::<Vec<_>>().join(" ")
}

/// RFC 7636, which also says what a verifier looks like.
fn challenge(verifier: &SecretString) -> Result<String> {
    let text = verifier.expose_secret();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if !(43..=128).contains(&text.len()) || !text.bytes().all(plain) {
        return Err(Error::new(ErrorKind::Malformed, "The PKCE verifier must have 43 to 128 plain characters."));
    }
    Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
}

pub(crate) async fn callback(config: &Config, http: &Http, grant: Grant) -> Result<Connected> {
    let base = config.account(grant.site.as_deref())?;
    let subdomain = grant.site.clone().unwrap_or_default();
    let app = config.app()?;
    let mut body = json!({
        "grant_type": "authorization_code",
        "code": grant.code.expose_secret(),
        "client_id": app.id.expose_secret(),
        "client_secret": app.secret.expose_secret(),
        "redirect_uri": grant.redirect_uri.as_str(),
        "scope": scopes(),
    });
    if let Some(verifier) = &grant.verifier {
        body["code_verifier"] = verifier.expose_secret().into();
    }
    let api = Api::new(http, base.clone());
    let issued = issued(&api, &body, &subdomain).await.map_err(|no| match no {
        No::Ended => Error::new(
            ErrorKind::Refused,
            "Zendesk refused: its code was used already or is older than two minutes. Start again.",
        ),
        No::Other(error) => error,
    })?;
    let token = usable(&issued)?;
    match accept(&api, &base, &issued, &token, subdomain).await {
        Ok(connected) => Ok(connected),
        Err(error) => {
            // What we don't keep must not stay valid; the person is told of the first error either way.
            let _ = api.revoke_current(&token).await;
            Err(error)
        }
    }
}

/// Also shows that the token is good for something: Zendesk grants scopes it does not know, and then refuses every call.
async fn accept(
    api: &Api<'_>,
    base: &Url,
    issued: &Token,
    token: &SecretString,
    subdomain: String,
) -> Result<Connected> {
    let mut credentials = credentials(issued, token, None)?;
    let me = api.me(token).await.map_err(|error| match error.kind() {
        ErrorKind::Forbidden => Error::new(
            ErrorKind::Refused,
            "Zendesk gave us an access that is good for nothing, so nothing was kept. The operator has to check whether the \
             OAuth client at Zendesk may have the permissions that this server asks for.",
        ),
        ErrorKind::Unauthorized => nobodys(),
        _ => error,
    })?;
    // A call without a good token is answered too, as nobody's.
    let id = me.id.filter(|id| *id > 0).ok_or_else(nobodys)?;
    if me.role == "end-user" {
        return Err(Error::new(
            ErrorKind::Refused,
            format!(
                "At {} you are a customer. Connect the account of an agent; setting up a link needs an admin.",
                host_name(&subdomain)
            ),
        ));
    }
    let name = Some(me.name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| format!("agent {id}"));
    let identity = Identity { id: account_id(&subdomain, id), name, url: Some(person_page(base, id)) };
    credentials.site = Some(subdomain);
    Ok(Connected { credentials, identity, installation: None })
}

fn nobodys() -> Error {
    Error::new(ErrorKind::Refused, "Zendesk did not say whose access it gave us, so nothing was kept. Connect again.")
}

/// Zendesk ends the old pair with its answer, so the host keeps the new one before it is used.
pub(crate) async fn refresh(config: &Config, http: &Http, old: &Credentials) -> Result<Credentials> {
    let base = config.account(old.site.as_deref())?;
    let Some(refresh_token) = &old.refresh_token else {
        return Err(Error::new(ErrorKind::Unauthorized, "This connection can't be renewed. Connect Zendesk again."));
    };
    let app = config.app()?;
    let body = json!({
        "grant_type": "refresh_token",
        "refresh_token": refresh_token.expose_secret(),
        "client_id": app.id.expose_secret(),
        "client_secret": app.secret.expose_secret(),
    });
    let issued = issued(&Api::new(http, base), &body, old.site.as_deref().unwrap_or_default()).await;
    let issued = issued.map_err(|no| match no {
        No::Ended => error::unauthorized(),
        // Only Zendesk's own word ends a grant; all else may be mended, by the operator or by time.
        No::Other(error) if error.kind() == ErrorKind::Refused => Error::new(ErrorKind::Unavailable, error.sentence()),
        No::Other(error) => error,
    })?;
    let token = usable(&issued)?;
    Ok(Credentials { site: old.site.clone(), ..credentials(&issued, &token, Some(old))? })
}

pub(crate) async fn revoke(config: &Config, http: &Http, old: &Credentials) -> Result<Undone> {
    let api = Api::new(http, config.account(old.site.as_deref())?);
    let outcome = match revoked(&api.revoke_current(&old.access_token).await?)? {
        // A token that has ended can't be given back, and its refresh token would live on.
        UndoneOutcome::AlreadyGone if old.refresh_token.is_some() => match refresh(config, http, old).await {
            Ok(fresh) => revoked(&api.revoke_current(&fresh.access_token).await?)?,
            Err(error) if error.kind() == ErrorKind::Unauthorized => UndoneOutcome::AlreadyGone,
            Err(error) => return Err(error),
        },
        outcome => outcome,
    };
    let host = host_name(old.site.as_deref().unwrap_or_default());
    Ok(Undone { what: format!("our access to the account at {host}"), outcome })
}

fn revoked(answer: &Response) -> Result<UndoneOutcome> {
    match answer.status.as_u16() {
        200..=299 => Ok(UndoneOutcome::Removed),
        401 | 404 => Ok(UndoneOutcome::AlreadyGone),
        _ => Err(Error::new(ErrorKind::Unavailable, "Zendesk did not confirm that our access was revoked.")),
    }
}

// ---- what was issued

/// Why there is no token.
enum No {
    /// The code or the refresh token has ended.
    Ended,
    Other(Error),
}

async fn issued(api: &Api<'_>, body: &Value, subdomain: &str) -> Result<Token, No> {
    let answer = api.oauth_tokens(body).await.map_err(|error| match error.kind() {
        // A code or refresh token that may have been used is lost; to the person that is an outage like any other.
        ErrorKind::UnknownOutcome => No::Other(no_answer().caused_by(error)),
        _ => No::Other(error),
    })?;
    // Zendesk documents 201, and has answered 200.
    if answer.status.is_success() {
        // What serde says of a broken answer may quote a token: nothing of it is kept.
        return serde_json::from_slice(&answer.body).map_err(|_| No::Other(no_answer()));
    }
    Err(refused(&answer, subdomain))
}

/// Zendesk's words for a refusal, said to the person.
fn refused(answer: &Response, subdomain: &str) -> No {
    let said: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let sentence = match (answer.status.as_u16(), said.word()) {
        (_, "invalid_grant") => return No::Ended,
        (_, "invalid_client" | "unauthorized_client") => {
            "Zendesk refused this server's client id and secret. The operator has to check PATCHBAY_ZENDESK_CLIENT_ID and \
             PATCHBAY_ZENDESK_CLIENT_SECRET, and whether the client is known in this account."
        }
        (_, "invalid_scope") => {
            "Zendesk refused the permissions that this server asks for. The operator has to check its OAuth client."
        }
        (404, _) => {
            let sentence = format!("There is no Zendesk account at {}.", host_name(subdomain));
            return No::Other(Error::new(ErrorKind::Refused, sentence));
        }
        (429, _) => return No::Other(error::of("connect the account", &Method::POST, answer)),
        (400..=499, _) => "Zendesk refused to connect the account.",
        _ => return No::Other(no_answer()),
    };
    No::Other(Error::new(ErrorKind::Refused, sentence))
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "Zendesk did not answer as it documents. Try again in a few minutes.")
}

/// The access token. It goes into a header as it is.
fn usable(issued: &Token) -> Result<SecretString> {
    let fits = |token: &&SecretString| {
        let text = token.expose_secret();
        (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    issued.access_token.as_ref().filter(fits).cloned().ok_or_else(no_answer)
}

/// `old` are the credentials that were traded in: what the answer leaves out stays.
fn credentials(issued: &Token, token: &SecretString, old: Option<&Credentials>) -> Result<Credentials> {
    if !issued.token_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(no_answer());
    }
    let scopes: Vec<String> = match (&issued.scope, old) {
        (Some(said), _) => said.split_whitespace().map(str::to_owned).collect(),
        (None, Some(old)) => old.scopes.clone(),
        (None, None) => return Err(no_answer()),
    };
    compare(&scopes)?;
    let refresh_token = issued.refresh_token.clone().filter(|token| !token.expose_secret().is_empty());
    Ok(Credentials {
        access_token: token.clone(),
        refresh_token: refresh_token.or_else(|| old.and_then(|old| old.refresh_token.clone())),
        expires_at: issued.expires_in.as_ref().filter(|life| !life.is_null()).map(ends_at).transpose()?,
        scopes,
        site: None,
    })
}

/// What was granted must be what was asked for: less does not work, more was never wanted.
fn compare(granted: &[String]) -> Result<()> {
    let asked: BTreeSet<_> = SCOPES.iter().map(|scope| scope.name).collect();
    let granted: BTreeSet<_> = granted.iter().map(String::as_str).collect();
    if granted == asked {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        "The permission that was granted at Zendesk differs from the one that was asked for, so nothing was kept. The \
         operator has to check which permissions the OAuth client may have.",
    ))
}

fn ends_at(life: &Value) -> Result<i64> {
    let seconds = life.as_u64().or_else(|| life.as_str()?.parse().ok()).filter(|seconds| *seconds > 0);
    let life = Duration::from_secs(seconds.ok_or_else(no_answer)?.min(LONGEST_LIFE));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from((now + life).as_millis()).map_err(|_| no_answer())
}
