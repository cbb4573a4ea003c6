//! The partners of this installation: which integrations there are, and the handles through which they call out.

use std::sync::Arc;

use integration_contract::{
    Capability, Connect, Error as PartnerError, ExposeSecret, Http, Integration, PartnerSettings, SecretOf,
    SecretString, Site,
};
use url::{Origin, Url};

use super::{Error, Result, mirrors::Offer, partner_http::PartnerHttp};

/// All partners, in the order of the catalogue.
#[derive(Clone)]
pub struct Partners {
    partners: Arc<[Partner]>,
    offers: &'static [Offer],
    client: reqwest::Client,
}

/// One partner: its integration, and what the operator set for it.
#[derive(Clone)]
pub struct Partner {
    /// Our code for it.
    pub integration: Arc<dyn Integration>,
    settings: PartnerSettings,
    /// The only places it may call: those of its address settings.
    places: Arc<[Place]>,
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
                let places = places_of(integration.as_ref(), &settings)?;
                Ok(Partner { integration, settings, places })
            })
            .collect::<Result<_, PartnerError>>()?;
        Ok(Self { partners, offers: &[], client: PartnerHttp::client()? })
    }

    /// With these mirrors in the catalogue. What names a partner that is not there is left out.
    #[must_use]
    pub fn offering(self, offers: &'static [Offer]) -> Self {
        Self { offers, ..self }
    }

    /// The mirrors of the catalogue, each with its two partners.
    pub fn offers(&self) -> impl Iterator<Item = (&'static Offer, &Partner, &Partner)> {
        let both = |offer: &'static Offer| Some((offer, self.get(offer.left).ok()?, self.get(offer.right).ok()?));
        self.offers.iter().filter_map(both)
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

    /// What people call the partner with this id; the id, if this binary no longer knows it.
    pub fn name_of<'a>(&self, id: &'a str) -> &'a str {
        self.get(id).map_or(id, |partner| partner.name())
    }

    /// A handle on the partner's API, at one `site` of it where each of its customers has one, that adds `token` to calls
    /// made as the account.
    pub fn http(&self, partner: &Partner, site: Option<&str>, token: Option<SecretString>) -> Http {
        let origins = partner.places.iter().filter_map(|place| place.origin(site)).collect();
        Http::new(PartnerHttp::new(self.client.clone(), partner.id(), origins, token))
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

    /// Whether links act with the account they were set up with, for as long as they live.
    pub fn acts_with_accounts(&self) -> bool {
        matches!(self.integration.card().connect, Connect::OAuth { lasting: true, .. })
    }

    /// Whether it has an ability.
    pub fn can(&self, ability: Capability) -> bool {
        self.integration.card().capabilities.contains(&ability)
    }

    /// The operator's hook secret for the partner, where its hooks are signed with one secret for all links.
    pub fn app_secret(&self) -> Option<&SecretString> {
        match self.integration.scheme().secret {
            SecretOf::Setting(name) => self.settings.get(name),
            SecretOf::Link | SecretOf::Given => None,
        }
    }

    /// What the operator set under this name.
    pub fn setting(&self, name: &str) -> Option<&SecretString> {
        self.settings.get(name)
    }

    /// What to ask for before an account is connected, where each of the partner's customers has an address.
    pub fn site(&self) -> Option<&Site> {
        match &self.integration.card().connect {
            Connect::OAuth { site, .. } => site.as_ref(),
            Connect::Nothing => None,
        }
    }

    /// Whether the partner is reached at this origin, as seen by the account of one `site`.
    pub fn is_at(&self, site: Option<&str>, origin: &str) -> bool {
        self.places.iter().filter_map(|place| place.origin(site)).any(|place| place.ascii_serialization() == origin)
    }

    /// Where forms on our pages may send the person: for the content security policy, which writes `*` for any site.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        self.places.iter().map(|place| match place {
            Place::Fixed(origin) => origin.ascii_serialization(),
            Place::OfSite { before, after } => format!("{before}*{after}"),
        })
    }
}

/// Where a partner may be called.
enum Place {
    /// There.
    Fixed(Origin),
    /// At the origin that the site stands in, such as `https://{subdomain}.partner.example`.
    OfSite { before: String, after: String },
}

impl Place {
    fn origin(&self, site: Option<&str>) -> Option<Origin> {
        match self {
            Self::Fixed(origin) => Some(origin.clone()),
            Self::OfSite { before, after } => Some(Url::parse(&format!("{before}{}{after}", site?)).ok()?.origin()),
        }
    }
}

fn places_of(integration: &dyn Integration, settings: &PartnerSettings) -> Result<Arc<[Place]>, PartnerError> {
    let card = integration.card();
    let site = match &card.connect {
        Connect::OAuth { site: Some(site), .. } => Some(format!("{{{}}}", site.name)),
        _ => None,
    };
    let addresses = card.settings.iter().filter(|setting| setting.name.ends_with("_URL") || setting.name == "URL");
    addresses
        .map(|setting| {
            let default = setting.default.unwrap_or_default();
            let Some(hole) = &site else { return Ok(Place::Fixed(settings.url(setting.name, default)?.origin())) };
            let text = settings.get(setting.name).map_or(default, ExposeSecret::expose_secret);
            // With a name of letters in the hole it must be an address, and shows where its origin ends.
            let filled: PartnerSettings = [(setting.name, text.replace(hole, SAMPLE))].into_iter().collect();
            let origin = filled.url(setting.name, "")?.origin();
            let written = origin.ascii_serialization();
            Ok(match written.split_once(SAMPLE) {
                Some((before, after)) => Place::OfSite { before: before.to_owned(), after: after.to_owned() },
                None => Place::Fixed(origin),
            })
        })
        .collect()
}

/// Stands for a site where only the rest of an address matters; no host is called so.
const SAMPLE: &str = "patchbay-any-site";

/// A partner's path of ours, below the public address: `integrations/{id}/hook` and the like.
pub fn our_url(public_url: &Url, path: &str) -> Url {
    let mut url = public_url.clone();
    let base = public_url.path().trim_end_matches('/');
    url.set_path(&format!("{base}/{path}"));
    url.set_query(None);
    url
}
