//! Accounts at a partner: how one is asked for, what comes back, and the handle a partner method gets.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Http;

/// What the host brings to an authorize URL.
pub struct AuthorizeAsk {
    /// Random, single use, bound by the host to the browser session.
    pub state: SecretString,
    /// Our callback, exactly as registered with the partner.
    pub redirect_uri: Url,
    /// Whose address, where the card asks for one ([`crate::Connect::OAuth`]); [`crate::Site::read`] made it.
    pub site: Option<String>,
    /// The PKCE verifier (43 to 128 characters), when the card asks for PKCE. Only its S256 challenge may leave.
    pub verifier: Option<SecretString>,
}

/// What a callback brought, after the host has checked the state.
pub struct Grant {
    /// The authorization code.
    pub code: SecretString,
    /// The same redirect URI that stood in the authorize URL.
    pub redirect_uri: Url,
    /// As in [`AuthorizeAsk::site`].
    pub site: Option<String>,
    /// The verifier to the challenge that stood in the authorize URL.
    pub verifier: Option<SecretString>,
}

/// What opens an account at a partner. The host seals it before it touches a disk.
#[derive(Clone)]
pub struct Credentials {
    /// The token that goes with each call.
    pub access_token: SecretString,
    /// What buys the next access token, where tokens expire.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends, in unix milliseconds; `None` = not by time.
    pub expires_at: Option<i64>,
    /// The scopes that were granted, in the partner's own words.
    pub scopes: Vec<String>,
    /// Where they count, as in [`AuthorizeAsk::site`].
    pub site: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct CredentialsInClear {
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<i64>,
    scopes: Vec<String>,
    #[serde(default)]
    site: Option<String>,
}

impl Credentials {
    /// The whole as JSON, to be sealed at once.
    pub fn to_sealable(&self) -> SecretString {
        let clear = CredentialsInClear {
            access_token: self.access_token.expose_secret().to_owned(),
            refresh_token: self.refresh_token.as_ref().map(|token| token.expose_secret().to_owned()),
            expires_at: self.expires_at,
            scopes: self.scopes.clone(),
            site: self.site.clone(),
        };
        serde_json::json!(clear).to_string().into()
    }

    /// The inverse of [`Self::to_sealable`]; `None` when the text is something else.
    pub fn from_unsealed(text: &SecretString) -> Option<Self> {
        let clear: CredentialsInClear = serde_json::from_str(text.expose_secret()).ok()?;
        Some(Self {
            access_token: clear.access_token.into(),
            refresh_token: clear.refresh_token.map(Into::into),
            expires_at: clear.expires_at,
            scopes: clear.scopes,
            site: clear.site,
        })
    }
}

/// Who an account is, as the partner says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The partner's own id, the one that never changes.
    pub id: String,
    /// What the partner shows: a login, a name.
    pub name: String,
    /// The account's page at the partner.
    pub url: Option<String>,
}

/// What [`crate::Integration::oauth_callback`] returns.
#[derive(Debug)]
pub struct Connected {
    /// To be sealed and kept.
    pub credentials: Credentials,
    /// Who consented.
    pub identity: Identity,
    /// Where the partner installs us for a whole workspace and the credentials are the workspace's: which one. The
    /// organization has it once, whoever of its people consents, and links act as it.
    pub installation: Option<Identity>,
}

/// What a partner method acts with: the HTTP handle that adds the account's token, and who that is.
#[derive(Clone)]
pub struct Account {
    /// Adds the token, keeps the limits, records the attempt.
    pub http: Http,
    /// The person's account, or the installation's; `None` for a partner without OAuth.
    pub identity: Option<Identity>,
    /// Whose address it is at, as in [`AuthorizeAsk::site`].
    pub site: Option<String>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
}
