//! What an operator can set for a partner. The host reads the environment; a partner reads these.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Error, ErrorKind, Result};

/// One setting on a partner's card. Its variable is `PATCHBAY_{PARTNER}_{NAME}`.
pub struct Setting {
    /// Upper case, for example `CLIENT_ID`.
    pub name: &'static str,
    /// Used when nothing is set; `None` = there is none.
    pub default: Option<&'static str>,
    /// A sentence for `.env.sample` and for the "not configured" page.
    pub help: &'static str,
    /// Whether the partner can't be connected without it.
    pub required: bool,
}

/// The values for one partner, by [`Setting::name`]. All are treated as secrets; only a partner's `config.rs` reads them.
#[derive(Clone, Default)]
pub struct PartnerSettings(BTreeMap<String, SecretString>);

impl PartnerSettings {
    /// The value, if one was set and is not blank.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name).filter(|value| !value.expose_secret().trim().is_empty())
    }

    /// The value as a URL, or the default.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`] naming the setting when the value is not an http(s) URL.
    pub fn url(&self, name: &str, default: &str) -> Result<Url> {
        let text = self.get(name).map_or(default, |value| value.expose_secret());
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(url),
            _ => Err(Error::new(
                ErrorKind::NotConfigured,
                format!("The setting {name} is not an http or https address."),
            )),
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for PartnerSettings {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), SecretString::from(value.into()))).collect())
    }
}
