//! What the operator set for GitHub: the OAuth app and the three addresses.

use integration_contract::{Error, ErrorKind, PartnerSettings, Result, SecretString};
use url::Url;

pub(crate) const AUTHORIZE_URL: &str = "https://github.com/login/oauth/authorize";
pub(crate) const TOKEN_URL: &str = "https://github.com/login/oauth/access_token";
pub(crate) const API_URL: &str = "https://api.github.com";

pub(crate) struct Config {
    app: Option<App>,
    pub(crate) authorize_url: Url,
    pub(crate) token_url: Url,
    pub(crate) api_url: Url,
}

/// The OAuth app that the operator registered.
pub(crate) struct App {
    pub(crate) id: SecretString,
    pub(crate) secret: SecretString,
}

impl Config {
    pub(crate) fn read(settings: &PartnerSettings) -> Result<Self> {
        let app = match (settings.get("CLIENT_ID"), settings.get("CLIENT_SECRET")) {
            (Some(id), Some(secret)) => Some(App { id: id.clone(), secret: secret.clone() }),
            _ => None,
        };
        Ok(Self {
            app,
            authorize_url: settings.url("AUTHORIZE_URL", AUTHORIZE_URL)?,
            token_url: settings.url("TOKEN_URL", TOKEN_URL)?,
            api_url: without_query("API_URL", settings.url("API_URL", API_URL)?)?,
        })
    }

    pub(crate) fn app(&self) -> Result<&App> {
        self.app.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotConfigured,
                "GitHub is not configured: PATCHBAY_GITHUB_CLIENT_ID and PATCHBAY_GITHUB_CLIENT_SECRET have to be set.",
            )
        })
    }

    /// Where GitHub's pages start, told from the authorize URL: its path without `/login/oauth/authorize`.
    pub(crate) fn web_url(&self) -> String {
        let url = self.authorize_url.as_str();
        let end = url.find("/login/oauth/").unwrap_or(url.len());
        url[..end].trim_end_matches('/').to_owned()
    }
}

/// Paths are added to it, so nothing may follow the path.
fn without_query(name: &str, url: Url) -> Result<Url> {
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::new(ErrorKind::NotConfigured, format!("The setting {name} must end with its path.")));
    }
    Ok(url)
}
