//! What the operator set for Zendesk: the OAuth client, and where accounts are.

use integration_contract::{Error, ErrorKind, ExposeSecret, PartnerSettings, Result, SecretString};
use url::Url;

use crate::site::{SITE, is_subdomain};

pub(crate) const URL: &str = "https://{subdomain}.zendesk.com";

pub(crate) struct Config {
    app: Option<App>,
    /// An address with the subdomain in braces, which no URL type takes.
    accounts: String,
}

/// The OAuth client that the operator registered at Zendesk.
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
        let accounts = settings.get("URL").map_or(URL, |url| url.expose_secret()).trim().to_owned();
        let config = Self { app, accounts };
        config.tried()?;
        Ok(config)
    }

    /// Each account must have an address of its own, on the web, to which paths can be added.
    fn tried(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorKind::NotConfigured, format!("The setting URL {what}.")));
        if self.accounts.matches(&in_braces()).count() != 1 {
            return wrong("must have {subdomain} in it once, where each account's own name stands");
        }
        match Url::parse(&self.accounts.replace(&in_braces(), "acme")) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                wrong("is not an http or https address")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => wrong("must end with its path"),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                wrong("must have no name before the host")
            }
            Ok(_) => Ok(()),
            Err(_) => wrong("is not an http or https address"),
        }
    }

    pub(crate) fn app(&self) -> Result<&App> {
        self.app.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotConfigured,
                "Zendesk is not configured: PATCHBAY_ZENDESK_CLIENT_ID and PATCHBAY_ZENDESK_CLIENT_SECRET have to be set.",
            )
        })
    }

    /// Where an account is. The host has read the subdomain before; what is no subdomain gets no address here either.
    pub(crate) fn account(&self, subdomain: Option<&str>) -> Result<Url> {
        let nowhere = || Error::new(ErrorKind::Malformed, "It is not known at which Zendesk address the account is.");
        let subdomain = subdomain.filter(|text| is_subdomain(text)).ok_or_else(nowhere)?;
        Url::parse(&self.accounts.replace(&in_braces(), subdomain)).map_err(|error| nowhere().caused_by(error))
    }
}

fn in_braces() -> String {
    format!("{{{}}}", SITE.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Result<Config> {
        Config::read(&[("URL", url)].into_iter().collect())
    }

    #[test]
    fn an_account_is_where_its_subdomain_says() {
        let config = Config::read(&PartnerSettings::default()).expect("a default");
        assert_eq!(config.account(Some("acme")).expect("an address").as_str(), "https://acme.zendesk.com/");
        let config = self::config("http://127.0.0.1:3001/zendesk/{subdomain}").expect("good");
        assert_eq!(config.account(Some("acme")).expect("an address").as_str(), "http://127.0.0.1:3001/zendesk/acme");
        for none in [None, Some(""), Some("a.b"), Some("evil.com/"), Some("Acme"), Some("..")] {
            assert!(config.account(none).is_err(), "{none:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_told_at_the_start() {
        for url in [
            "not an address",
            "https://acme.zendesk.com",
            "https://{subdomain}.zendesk.com/{subdomain}",
            "ftp://{subdomain}.zendesk.com",
            "https://{subdomain}.zendesk.com?x=1",
            "https://x@{subdomain}.zendesk.com",
            "javascript:{subdomain}",
        ] {
            let error = config(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            assert_eq!(error.kind(), ErrorKind::NotConfigured);
            assert!(error.sentence().contains("URL"), "{}", error.sentence());
        }
    }
}
