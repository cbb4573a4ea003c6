//! What this installation is called, and where it is reached.

use url::Url;

use super::{Error, Result, Variables};

/// What this installation is called, and where it is reached.
pub struct SiteSettings {
    /// `PATCHBAY_SITE_NAME`, default `Patchbay`.
    pub name: String,
    /// `PATCHBAY_PUBLIC_URL`, if it was set.
    pub given_url: Option<Url>,
}

impl SiteSettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let name = variables.take("PATCHBAY_SITE_NAME").unwrap_or_else(|| "Patchbay".to_owned());
        if name.chars().count() > 60 || name.chars().any(char::is_control) {
            return Err(Error::new("PATCHBAY_SITE_NAME must be one line of at most 60 characters."));
        }
        let given_url = variables.take("PATCHBAY_PUBLIC_URL").map(|text| public_url(&text)).transpose()?;
        Ok(Self { name, given_url })
    }

    /// Where people and partners reach us: as set, or on this machine at the port we listen on.
    pub fn public_url(&self, port: u16) -> Url {
        self.given_url.clone().unwrap_or_else(|| local_url(port))
    }
}

/// This machine, at a port.
pub fn local_url(port: u16) -> Url {
    let mut url = Url::parse("http://localhost/").expect("a fixed text that is a URL");
    // Only a URL without a host can't have a port.
    let _ = url.set_port(Some(port));
    url
}

fn public_url(text: &str) -> Result<Url> {
    let bare = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    Url::parse(text).ok().filter(bare).ok_or_else(|| {
        Error::new(
            "PATCHBAY_PUBLIC_URL must be an http or https address without a path, such as https://log.example.com.",
        )
    })
}
