//! What the operator set for Flowdock: the developer application, and the two addresses.

use integration_contract::{Error, ErrorKind, PartnerSettings, Result, SecretString};
use url::Url;

pub(crate) const API_URL: &str = "https://api.flowdock.com";
pub(crate) const WEB_URL: &str = "https://www.flowdock.com";
/// The setting that holds the application's secret. Flowdock signs its actions with it, too.
pub(crate) const CLIENT_SECRET: &str = "CLIENT_SECRET";

pub(crate) struct Config {
    app: Option<App>,
    pub(crate) api_url: Url,
    pub(crate) web_url: Url,
}

/// The developer application that the operator registered.
pub(crate) struct App {
    pub(crate) id: SecretString,
    pub(crate) secret: SecretString,
}

impl Config {
    pub(crate) fn read(settings: &PartnerSettings) -> Result<Self> {
        let app = match (settings.get("CLIENT_ID"), settings.get(CLIENT_SECRET)) {
            (Some(id), Some(secret)) => Some(App { id: id.clone(), secret: secret.clone() }),
            _ => None,
        };
        Ok(Self {
            app,
            api_url: base("API_URL", settings.url("API_URL", API_URL)?)?,
            web_url: base("WEB_URL", settings.url("WEB_URL", WEB_URL)?)?,
        })
    }

    pub(crate) fn app(&self) -> Result<&App> {
        self.app.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotConfigured,
                "Flowdock is not configured: PATCHBAY_FLOWDOCK_CLIENT_ID and PATCHBAY_FLOWDOCK_CLIENT_SECRET have to \
                 be set.",
            )
        })
    }
}

/// Paths are added to it, so nothing may follow the path.
fn base(name: &str, url: Url) -> Result<Url> {
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::new(ErrorKind::NotConfigured, format!("The setting {name} must end with its path.")));
    }
    Ok(url)
}
