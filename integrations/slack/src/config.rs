//! What the operator set for Slack: the app, and the three addresses.

use integration_contract::{Error, ErrorKind, PartnerSettings, Result, SecretString};
use url::Url;

pub(crate) const AUTHORIZE_URL: &str = "https://slack.com/oauth/v2/authorize";
pub(crate) const API_URL: &str = "https://slack.com/api/";
pub(crate) const HOOKS_URL: &str = "https://hooks.slack.com/";
/// The setting that holds the app's one signing secret.
pub(crate) const SIGNING_SECRET: &str = "SIGNING_SECRET";

pub(crate) struct Config {
    app: Option<App>,
    pub(crate) authorize_url: Url,
    /// Ends in a slash: methods are joined to it.
    pub(crate) api_url: Url,
    /// Where answers to commands are taken.
    pub(crate) hooks_url: Url,
}

/// The Slack app that the operator registered. Its signing secret is the host's business alone.
pub(crate) struct App {
    pub(crate) id: SecretString,
    pub(crate) secret: SecretString,
}

impl Config {
    pub(crate) fn read(settings: &PartnerSettings) -> Result<Self> {
        let app = match (settings.get("CLIENT_ID"), settings.get("CLIENT_SECRET"), settings.get(SIGNING_SECRET)) {
            (Some(id), Some(secret), Some(_)) => Some(App { id: id.clone(), secret: secret.clone() }),
            _ => None,
        };
        Ok(Self {
            app,
            authorize_url: settings.url("AUTHORIZE_URL", AUTHORIZE_URL)?,
            api_url: folder("API_URL", settings.url("API_URL", API_URL)?)?,
            hooks_url: settings.url("HOOKS_URL", HOOKS_URL)?,
        })
    }

    pub(crate) fn app(&self) -> Result<&App> {
        self.app.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotConfigured,
                "Slack is not configured: PATCHBAY_SLACK_CLIENT_ID, PATCHBAY_SLACK_CLIENT_SECRET and \
                 PATCHBAY_SLACK_SIGNING_SECRET have to be set.",
            )
        })
    }

    /// The address, if Slack takes answers to commands there.
    pub(crate) fn takes_answers(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let ours = [&self.hooks_url, &self.api_url].iter().any(|place| place.origin() == url.origin());
        (ours && url.username().is_empty() && url.password().is_none()).then_some(url)
    }
}

/// Paths are added to it, so it ends in a slash, and nothing may follow the path.
fn folder(name: &str, mut url: Url) -> Result<Url> {
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::new(ErrorKind::NotConfigured, format!("The setting {name} must end with its path.")));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}
