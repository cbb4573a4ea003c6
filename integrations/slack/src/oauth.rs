//! Connecting a workspace: the authorize URL, code → the bot's token, whose it is, refresh and revoke.
//!
//! What consent gives is the workspace's: one bot token, the same for each of its people who consents, with which every
//! link acts. Who consented is known by `authed_user`, and is all that is kept of them.
//! <https://docs.slack.dev/authentication/installing-with-oauth>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use integration_contract::{
    AuthorizeAsk, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Http, Identity, Result, SecretString,
    Undone, UndoneOutcome,
};
use serde_json::Value;
use url::Url;

use crate::{
    api::Api,
    card::SCOPES,
    config::Config,
    error::{No, UNAUTHORIZED},
    wire::Access,
};

/// Longer lives are cut to this: a lifetime beyond it is a mistake, and refreshing early does no harm.
const LONGEST_LIFE: u64 = 366 * 24 * 3600;
/// Slack's tokens have 50 to 400 characters.
const LONGEST_TOKEN: usize = 2048;

pub(crate) fn authorize_url(config: &Config, ask: &AuthorizeAsk) -> Result<Url> {
    let app = config.app()?;
    let scopes: Vec<_> = SCOPES.iter().map(|scope| scope.name).collect();
    let mut url = config.authorize_url.clone();
    url.query_pairs_mut()
        .append_pair("client_id", app.id.expose_secret())
        .append_pair("scope", &scopes.join(","))
        .append_pair("redirect_uri", ask.redirect_uri.as_str())
        .append_pair("state", ask.state.expose_secret());
    Ok(url)
}

pub(crate) async fn callback(config: &Config, http: &Http, grant: Grant) -> Result<Connected> {
    let form = [("code", grant.code.expose_secret()), ("redirect_uri", grant.redirect_uri.as_str())];
    let api = Api::new(http, &config.api_url);
    let access = api.oauth_v2_access(config.app()?, &form).await.map_err(refused)?;
    let token = token(&access)?;
    match accept(&api, &access, &token).await {
        Ok(connected) => Ok(connected),
        Err(error) => {
            // The token is the whole workspace's: other links may act with it already, so an outage must not end it.
            if !error.passes() {
                let _ = api.auth_revoke(&token).await;
            }
            Err(error)
        }
    }
}

async fn accept(api: &Api<'_>, access: &Access, token: &SecretString) -> Result<Connected> {
    let credentials = credentials(access, token, None)?;
    let workspace = match (&access.enterprise, &access.team) {
        (Some(enterprise), _) if access.is_enterprise_install => enterprise,
        (_, Some(team)) if !access.is_enterprise_install => team,
        _ => return Err(no_answer()),
    };
    let Some(person) = access.authed_user.as_ref().filter(|person| is_id(&person.id) && is_id(&workspace.id)) else {
        return Err(no_answer());
    };
    let me = api.auth_test(Some(token)).await.map_err(refused)?;
    let name = api.users_info(&person.id, Some(token)).await.ok().flatten();
    Ok(Connected {
        credentials,
        identity: Identity {
            id: account_id(&workspace.id, &person.id),
            name: name.unwrap_or_else(|| person.id.clone()),
            url: profile(&me.url, &person.id),
        },
        installation: Some(Identity {
            id: workspace.id.clone(),
            name: workspace.name.clone().unwrap_or_else(|| workspace.id.clone()),
            url: Url::parse(&me.url).ok().map(String::from),
        }),
    })
}

/// What the host matches people by. Ids of people are unique in a workspace only, as Slack documents.
pub(crate) fn account_id(workspace: &str, user: &str) -> String {
    format!("{workspace}/{user}")
}

/// Somebody's page at Slack.
pub(crate) fn profile(team_url: &str, user: &str) -> Option<String> {
    let url = Url::parse(team_url).ok()?.join("team/").ok()?.join(user).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// `T…`, `E…`, `U…`, `C…`: capital letters and digits.
pub(crate) fn is_id(text: &str) -> bool {
    (2..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

pub(crate) async fn refresh(config: &Config, http: &Http, old: &Credentials) -> Result<Credentials> {
    let Some(refresh_token) = &old.refresh_token else {
        return Err(Error::new(ErrorKind::Unauthorized, "This connection can't be renewed. Connect Slack again."));
    };
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
    let api = Api::new(http, &config.api_url);
    let access = api.oauth_v2_access(config.app()?, &form).await.map_err(|no| {
        // Only Slack's own word ends a grant; all else may be mended, by the operator or by time.
        let gone = no.is(&["invalid_refresh_token", "token_revoked", "account_inactive", "invalid_auth"]);
        let error = refused(no);
        match error.kind() {
            _ if gone => Error::new(
                ErrorKind::Unauthorized,
                "Slack no longer accepts our access to this workspace. Connect Slack again.",
            ),
            _ if error.passes() => error,
            _ => Error::new(ErrorKind::Unavailable, error.sentence()),
        }
    })?;
    credentials(&access, &token(&access)?, Some(old))
}

pub(crate) async fn revoke(config: &Config, http: &Http, old: &Credentials) -> Result<Undone> {
    let api = Api::new(http, &config.api_url);
    let outcome = match api.auth_revoke(&old.access_token).await {
        // An expired token can't be given back, and its refresh token would live on.
        Err(no) if no.is(&["token_expired"]) && old.refresh_token.is_some() => match refresh(config, http, old).await {
            Ok(fresh) => revoked(api.auth_revoke(&fresh.access_token).await)?,
            Err(error) if error.kind() == ErrorKind::Unauthorized => UndoneOutcome::AlreadyGone,
            Err(error) => return Err(error),
        },
        answer => revoked(answer)?,
    };
    Ok(Undone { what: "our access to the Slack workspace".to_owned(), outcome })
}

fn revoked(answer: Result<bool, No>) -> Result<UndoneOutcome> {
    match answer {
        Ok(true) => Ok(UndoneOutcome::Removed),
        Err(no) if no.is(UNAUTHORIZED) => Ok(UndoneOutcome::AlreadyGone),
        Err(no) if no.error().kind() == ErrorKind::RateLimited => Err(no.into()),
        Ok(false) | Err(_) => {
            Err(Error::new(ErrorKind::Unavailable, "Slack did not confirm that our access was revoked."))
        }
    }
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "Slack did not answer as it documents. Try again in a few minutes.")
}

/// Slack's words for a refusal, said to the person.
fn refused(no: No) -> Error {
    let sentence = match () {
        () if no.is(&["invalid_code", "code_already_used", "code_expired"]) => {
            "Slack refused: its code was used already or is older than ten minutes. Start again."
        }
        () if no.is(&["invalid_client_id", "bad_client_secret"]) => {
            "Slack refused this server's client id and secret. The operator has to check PATCHBAY_SLACK_CLIENT_ID and \
             PATCHBAY_SLACK_CLIENT_SECRET."
        }
        () if no.is(&["bad_redirect_uri", "oauth_authorization_url_mismatch"]) => {
            "Slack refused: the redirect URL of its app is not this server's. The operator has to set it."
        }
        () if no.is(&["no_scopes", "invalid_scope"]) => {
            "Slack refused: the app asks for no permission that Slack knows. The operator has to check its scopes."
        }
        () if no.is(&["user_email_unverified"]) => {
            "Slack refused: it wants your e-mail address there to be verified first."
        }
        () if no.is(&["cannot_install_an_org_installed_app"]) => {
            "Slack refused: the app is installed for the whole organization there. An admin of it has to connect."
        }
        () if no.is(&["pkce_not_allowed", "invalid_code_verifier"]) => {
            "Slack refused: its app is set to PKCE, which this server does not use. The operator needs an app without it."
        }
        () if no.is(&["access_denied", "invalid_team_for_non_distributed_app"]) => {
            "Slack refused: this workspace may not install the app. Its operator has to allow other workspaces at Slack, \
             under Manage Distribution."
        }
        // An outage, a limit, or a transport that gave no answer.
        () => match no.error().kind() {
            ErrorKind::Refused => "Slack refused to connect the workspace.",
            // A code or refresh token that may have been used is lost; to the person that is an outage like any other.
            ErrorKind::UnknownOutcome => return no_answer(),
            _ => return no.into(),
        },
    };
    Error::new(ErrorKind::Refused, sentence)
}

// ---- what was issued

fn token(access: &Access) -> Result<SecretString> {
    // It goes into a header as it is.
    let usable = |token: &&String| {
        (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    access.access_token.as_ref().filter(usable).map(|token| token.clone().into()).ok_or_else(no_answer)
}

/// `old` are the credentials that were traded in: what the answer leaves out stays.
fn credentials(access: &Access, token: &SecretString, old: Option<&Credentials>) -> Result<Credentials> {
    if access.token_type.as_deref() != Some("bot") {
        return Err(Error::new(
            ErrorKind::Refused,
            "Slack gave us a person's access instead of an app's, so nothing was kept.",
        ));
    }
    let scopes: Vec<String> = match (&access.scope, old) {
        (Some(said), _) => said.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        (None, Some(old)) => old.scopes.clone(),
        (None, None) => Vec::new(),
    };
    let missing: Vec<_> =
        SCOPES.iter().map(|scope| scope.name).filter(|name| !scopes.iter().any(|scope| scope == name)).collect();
    // More than was asked for is no reason to refuse: Slack adds up what a workspace ever granted an app.
    if !missing.is_empty() && old.is_none() {
        return Err(Error::new(
            ErrorKind::Refused,
            format!(
                "Slack did not grant {}, so nothing was kept. The operator has to add it to the app at Slack; then \
                 connect again.",
                missing.join(", ")
            ),
        ));
    }
    let refresh_token = access.refresh_token.clone().filter(|token| !token.is_empty()).map(SecretString::from);
    Ok(Credentials {
        access_token: token.clone(),
        refresh_token: refresh_token.or_else(|| old.and_then(|old| old.refresh_token.clone())),
        expires_at: access.expires_in.as_ref().filter(|life| !life.is_null()).map(ends_at).transpose()?,
        scopes,
        site: None,
    })
}

fn ends_at(life: &Value) -> Result<i64> {
    let seconds = life.as_u64().or_else(|| life.as_str()?.parse().ok()).filter(|seconds| *seconds > 0);
    let life = Duration::from_secs(seconds.ok_or_else(no_answer)?.min(LONGEST_LIFE));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from((now + life).as_millis()).map_err(|_| no_answer())
}
