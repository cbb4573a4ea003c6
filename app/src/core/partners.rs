//! The partners of this installation: which integrations there are, and the handles through which they call out.

use std::sync::Arc;

use integration_contract::{Error as PartnerError, Http, Integration, PartnerSettings, SecretOf, SecretString};
use url::{Origin, Url};

use super::{Error, Result, partner_http::PartnerHttp};

/// All partners, in the order of the catalogue.
#[derive(Clone)]
pub struct Partners {
    partners: Arc<[Partner]>,
    client: reqwest::Client,
}

/// One partner: its integration, and what the operator set for it.
#[derive(Clone)]
pub struct Partner {
    /// Our code for it.
    pub integration: Arc<dyn Integration>,
    settings: PartnerSettings,
    /// The only places it may call: the origins of its address settings.
    origins: Arc<[Origin]>,
}

impl Partners {
    /// Takes the integrations with the settings they were made from.
    ///
    /// # Errors
    /// When an address setting is not an address, or the HTTP client can't be built.
    pub fn new(
        integrations: impl IntoIterator<Item = (Arc<dyn Integration>, PartnerSettings)>,
    ) -> anyhow::Result<Self> {
        let partners = integrations
            .into_iter()
            .map(|(integration, settings)| {
                let origins = origins_of(integration.as_ref(), &settings)?;
                Ok(Partner { integration, settings, origins })
            })
            .collect::<Result<_, PartnerError>>()?;
        Ok(Self { partners, client: PartnerHttp::client()? })
    }

    /// The one HTTP client of the process, for looking at our own public address.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Every partner.
    pub fn all(&self) -> &[Partner] {
        &self.partners
    }

    /// The partner with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&self, id: &str) -> Result<&Partner> {
        self.partners.iter().find(|partner| partner.id() == id).ok_or(Error::NotFound)
    }

    /// A handle on the partner's API that adds `token` to calls made as the account.
    pub fn http(&self, partner: &Partner, token: Option<SecretString>) -> Http {
        Http::new(PartnerHttp::new(self.client.clone(), partner.id(), partner.origins.clone(), token))
    }
}

impl Partner {
    /// The word in addresses and tables.
    pub fn id(&self) -> &'static str {
        self.integration.card().id
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        self.integration.card().name
    }

    /// The operator's hook secret for the partner, where its hooks are signed with one secret for all links.
    pub fn app_secret(&self) -> Option<&SecretString> {
        match self.integration.scheme().secret {
            SecretOf::Setting(name) => self.settings.get(name),
            SecretOf::Link => None,
        }
    }

    /// Where forms on our pages may send the person: for the content security policy.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        self.origins.iter().map(Origin::ascii_serialization)
    }
}

fn origins_of(integration: &dyn Integration, settings: &PartnerSettings) -> Result<Arc<[Origin]>, PartnerError> {
    let addresses = integration.card().settings.iter().filter(|setting| setting.name.ends_with("_URL"));
    addresses.map(|setting| Ok(settings.url(setting.name, setting.default.unwrap_or_default())?.origin())).collect()
}

/// A partner's path of ours, below the public address: `integrations/{id}/hook` and the like.
pub fn our_url(public_url: &Url, path: &str) -> Url {
    let mut url = public_url.clone();
    let base = public_url.path().trim_end_matches('/');
    url.set_path(&format!("{base}/{path}"));
    url.set_query(None);
    url
}
